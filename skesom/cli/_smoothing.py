# SPDX-License-Identifier: BSD-3-Clause
"""The option of a majority vote of neighboring pixels."""

import numpy as np

from skesom.cli._parser import width


def add_smoothing(group):
    """Add the option about neighboring pixels."""
    group.add_argument(
        "--smooth",
        type=lambda text: text if text in ("none", "psf") else width(text),
        metavar="WIDTH",
        default="none",
        help="let neighboring pixels vote for the label of each pixel, within the "
        'point-spread function ("psf") or a Gaussian of this FWHM (arcsec, or pixels '
        "as in 2.5pix)",
    )


def regularizer_of(options):
    """Return the vote of neighboring pixels, None without."""
    from skesom.maps import MajorityVote

    if options.smooth == "none":
        return None
    vote = MajorityVote(fwhm=None if options.smooth == "psf" else options.smooth)
    vote.regularize(np.zeros((1, 1), dtype=int), pixel_scale=1.0)  # checks the width
    return vote

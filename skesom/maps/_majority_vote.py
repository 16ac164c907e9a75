# SPDX-License-Identifier: BSD-3-Clause
"""A majority vote of neighboring pixels, for labels that flicker in noise."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from astropy import units
from astropy.stats import gaussian_fwhm_to_sigma
from astropy.units import Quantity
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.utils._param_validation import Interval

from skesom._common.estimator import LinkedEstimator
from skesom._common.labels import without_mask
from skesom._common.strips import around, strips_of
from skesom._sky.lengths import UNKNOWN_FWHM, width_in_pixels

_TRUNCATE = 4.0  # sigmas


class MajorityVote(LinkedEstimator):
    """Give each pixel the label that prevails around it, weighted by a Gaussian.

    Parameters
    ----------
    fwhm : float, Quantity or str, default=None
        Full width at half maximum of the Gaussian: in arcsec, or in pixels if these
        have no size on the sky; a Quantity or a text such as "2.5pix" says otherwise.
        By default that of the widest band of the cube, else 3 pixels.

    See Also
    --------
    CubeClusterer : Takes it as its `regularizer`.

    Notes
    -----
    What is smaller than the Gaussian gets the label of its surroundings: a width above
    that of the point-spread function deletes sources. Negative labels neither vote nor
    change. With equal votes a pixel keeps its label.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.maps import MajorityVote
    >>> label_map = np.zeros((5, 5), dtype=np.int32)
    >>> label_map[2, 2] = 1
    >>> int(MajorityVote().regularize(label_map).max())
    0
    """

    _parameter_constraints = {
        "fwhm": [Interval(Real, 0, None, closed="neither"), units.Quantity, str, None]
    }

    def __init__(self, *, fwhm: float | Quantity | str | None = None) -> None:
        self.fwhm = fwhm

    def regularize(
        self,
        label_map: NDArray[np.integer[Any]],
        *,
        fwhm: float | None = None,
        pixel_scale: float | None = None,
    ) -> NDArray[np.integer[Any]]:
        """Return the label map after the vote.

        Parameters
        ----------
        label_map : ndarray of shape (n_rows, n_columns), int
            Clusters from 0.
        fwhm : float, default=None
            Width of the point-spread function in arcsec, if known.
        pixel_scale : float, default=None
            Size of a pixel in arcsec, if known.

        Returns
        -------
        label_map : ndarray of shape (n_rows, n_columns), int
            A new map.

        Raises
        ------
        ValueError
            If the width is not positive, or an angle and the pixel size is unknown.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.maps import MajorityVote
        >>> label_map = np.zeros((5, 5), dtype=np.int32)
        >>> label_map[2, 2] = 1
        >>> int(MajorityVote(fwhm=2).regularize(label_map, pixel_scale=1.0).max())
        0
        """
        self._validate_params()
        sigma = self._width(fwhm, pixel_scale) * gaussian_fwhm_to_sigma
        label_map = without_mask(label_map)
        voted = np.empty_like(label_map)
        reach = int(_TRUNCATE * sigma + 0.5)  # of the Gaussian of SciPy
        for rows in strips_of(label_map.shape, "votes"):
            near = around(rows, reach)
            inside = slice(rows.start - near.start, rows.stop - near.start)
            voted[rows] = _vote(label_map[near], sigma)[inside]
        return voted

    def _width(self, fwhm, pixel_scale):
        """Return the width of the Gaussian in pixels."""
        if self.fwhm is None:
            if fwhm is None or pixel_scale is None:
                return UNKNOWN_FWHM
            return fwhm / pixel_scale
        return float(width_in_pixels(self.fwhm, pixel_scale, "fwhm"))


def _vote(labels, sigma):
    """Return labels after the vote of all pixels around."""
    best = np.full(labels.shape, -np.inf, dtype=np.float32)
    winner = labels.copy()
    own = np.zeros(labels.shape, dtype=np.float32)
    for label in np.unique(labels[labels >= 0]):
        members = labels == label
        votes = ndimage.gaussian_filter(
            members.astype(np.float32), sigma, mode="constant", truncate=_TRUNCATE
        )
        own[members] = votes[members]
        better = votes > best
        best[better] = votes[better]
        winner[better] = label
    stays = (labels < 0) | (own >= best)
    return np.where(stays, labels, winner)

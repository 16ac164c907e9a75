# SPDX-License-Identifier: BSD-3-Clause
"""Which of several images are exposures of the same bands."""

import os

from skesom._common.grids import pixel_size
from skesom.io._images import split_bands

_SAME_PIXELS = 0.1  # detectors of one camera differ less, its channels more
_MANY = 6  # files for a line


def merge_exposures(images, combine, band_names):
    """Return one image for all exposures of a band, and the names that are given.

    The names may be one for each band before or after that.
    """
    if not (isinstance(combine, bool) or combine == "auto"):
        raise ValueError(f"combine must be True, False or 'auto', got {combine!r}.")
    if combine is False:
        return images, band_names
    given = [] if band_names is None or isinstance(band_names, str) else [*band_names]
    is_named = len(given) == sum(image.n_bands for image in images)
    names = split_bands(images, given) if is_named else [i.band_names for i in images]
    by_header = combine == "auto" and not is_named
    groups = []
    for pair in zip(images, names, strict=True):
        same = [group for group in groups if _are_alike(pair, group[0], by_header)]
        if same:
            same[0].append(pair)
        else:
            groups.append([pair])
    if combine is True and len(groups) == len(images):
        raise ValueError(
            "No two images show the same band, so there is nothing to combine. Give "
            "exposures of a band the same name, as in band_names=['g', 'g', 'r', 'r'], "
            "or pass combine=False."
        )
    if len(groups) == len(images) or (combine == "auto" and len(groups) == 1):
        return images, band_names
    merged = []
    for (first, _), *others in groups:
        members = first, *(image for image, _ in others)
        merged.append(first._replace(exposures=members) if others else first)
    if is_named:
        band_names = [name for group in groups for name in group[0][1]]
    return merged, band_names


def _are_alike(one, other, by_header):
    """Return whether images have the same names, of one filter of one instrument."""
    (first, names), (second, others) = one, other
    if names != others or None in names:
        return False
    if not by_header:
        return True
    if None in (first.setup, second.setup, first.grid.wcs, second.grid.wcs):
        return False
    pairs = zip(first.setup, second.setup, strict=True)
    ratio = pixel_size(first.grid.wcs) / pixel_size(second.grid.wcs)
    known = all(ours == theirs or "" in (ours, theirs) for ours, theirs in pairs)
    return known and abs(ratio - 1) < _SAME_PIXELS


def describe_combination(image, cube):
    """Return the sentence on the exposures of an image that became a cube."""
    files = [os.path.basename(each.label) for each in image.exposures]
    if len(files) > _MANY:
        files[_MANY // 2 : -1] = ["..."]
    count, names = len(image.exposures), ", ".join(image.band_names)
    return (
        f"{count} exposures of {names} combined to one image of {cube.shape[0]} x "
        f"{cube.shape[1]} pixels: {', '.join(files)}."
    )

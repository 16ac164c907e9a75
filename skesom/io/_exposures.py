# SPDX-License-Identifier: BSD-3-Clause
"""Which of several images are exposures of the same bands."""

import os

from skesom._common.grids import pixel_size

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
    names, n_bands = [image.band_names for image in images], [i.n_bands for i in images]
    given = None if isinstance(band_names, str) else band_names
    if given is not None and len(given) == sum(n_bands):
        ends = [sum(n_bands[: number + 1]) for number in range(len(images))]
        pairs = zip(ends, n_bands, strict=True)
        names = [list(given[end - length : end]) for end, length in pairs]
        alike = _have_same_names
    else:
        alike = _have_same_names if combine is True else _show_same_band
    groups = []
    for pair in zip(images, names, strict=True):
        same = [group for group in groups if alike(pair, group[0])]
        (same[0] if same else groups.append([]) or groups[-1]).append(pair)
    if combine is True and len(groups) == len(images):
        raise ValueError(
            "No two images show the same band, so there is nothing to combine. Give "
            "exposures of a band the same name, as in band_names=['g', 'g', 'r', 'r'], "
            "or pass combine=False."
        )
    if len(groups) == len(images) or (combine == "auto" and len(groups) == 1):
        return images, band_names
    merged = [
        group[0][0]._replace(exposures=tuple(each for each, _ in group))
        if len(group) > 1
        else group[0][0]
        for group in groups
    ]
    if alike is _have_same_names and names[0] is not images[0].band_names:
        band_names = [name for group in groups for name in group[0][1]]
    return merged, band_names


def _have_same_names(one, other):
    """Return whether the bands of two images have the same names."""
    return one[1] == other[1] and None not in one[1]


def _show_same_band(one, other):
    """Return whether the headers of two images name one filter of one instrument."""
    first, second = one[0], other[0]
    if None in (first.setup, second.setup, first.grid.wcs, second.grid.wcs):
        return False
    pairs = zip(first.setup, second.setup, strict=True)
    ratio = pixel_size(first.grid.wcs) / pixel_size(second.grid.wcs)
    return (
        _have_same_names(one, other)
        and all(ours == theirs or "" in (ours, theirs) for ours, theirs in pairs)
        and abs(ratio - 1) < _SAME_PIXELS
    )


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

# SPDX-License-Identifier: BSD-3-Clause
"""Regions of DS9 and CRTF files as masks and as label maps."""

import re
from typing import NamedTuple

import numpy as np

from skesom.io._region_files import is_path
from skesom.io._region_pixels import (
    collect_regions,
    find_frame,
    find_pixels,
    report_empty,
)

_UNLABELED = -1
_LARGEST_LABEL = np.iinfo(np.int32).max


class RegionLabels(NamedTuple):
    """Regions as a label map.

    Parameters
    ----------
    label_map : ndarray of int32 of shape (n_rows, n_columns)
        Label of each pixel, -1 outside of all regions.
    names : dict of int to str
        Name of each label.
    colors : dict of int to str
        Color of each label in the file.
    """

    label_map: np.ndarray
    names: dict
    colors: dict


def read_region_mask(regions, image, *, wcs=None, empty="raise"):
    """Read regions as a mask.

    Parameters
    ----------
    regions : str, os.PathLike, region or sequence of regions
        DS9 or CRTF file, or regions of the regions package.
    image : Cube or tuple of int (n_rows, n_columns)
        The image to find them in.
    wcs : astropy.wcs.WCS, default=None
        Celestial WCS of the image; by default that of the cube.
    empty : {"raise", "ignore"}, default="raise"
        What to do about a region that holds no pixel of the image.

    Returns
    -------
    mask : ndarray of bool of shape (n_rows, n_columns)
        True where the center of a pixel lies in a region; a point holds the pixel it
        lies in. What excluded regions hold (``-circle(...)``) is taken out of all
        others, wherever they stand in the file; out of the whole image if there are
        no others.

    Raises
    ------
    ImportError
        If the regions package is missing.
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file cannot be read as a whole, a region has no area, lies on the sky
        while the image has no WCS, or holds no pixel (see `empty`), or if nothing
        remains.

    See Also
    --------
    read_region_labels : Regions with names as a label map.
    skesom.cube.CubeMasker : Takes the mask as ``exclude`` or ``include``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skesom.io import read_region_mask
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "star.reg"
    ...     _ = path.write_text("image; circle(3, 2, 1.2)")
    ...     read_region_mask(path, (3, 5)).astype(int)
    array([[0, 0, 1, 0, 0],
           [0, 1, 1, 1, 0],
           [0, 0, 1, 0, 0]])
    """
    shape, wcs = find_frame(image, wcs)
    collected = collect_regions(regions)
    included = [read for read in collected if read.is_included]
    mask = np.full(shape, not included)
    for _, box, inside in _find_all(included, shape, wcs, empty):
        mask[box] |= inside
    mask[_find_excluded(collected, shape, wcs)] = False
    if not mask.any():
        raise ValueError(_nothing_left(regions, shape))
    return mask


def read_region_labels(
    regions,
    image,
    *,
    wcs=None,
    names=None,
    name_by="text",
    overlap="last",
    empty="raise",
):
    """Read named regions as a label map, for instance to train a CubeClassifier.

    Regions of the same name have the same label.

    Parameters
    ----------
    regions : str, os.PathLike, region or sequence of regions
        DS9 or CRTF file, or regions of the regions package.
    image : Cube or tuple of int (n_rows, n_columns)
        The image to find them in.
    wcs : astropy.wcs.WCS, default=None
        Celestial WCS of the image; by default that of the cube.
    names : sequence of str or dict of int to str, default=None
        The names that may occur, in the order of their labels from 0, or by label. By
        default labels are given in the order in which names appear; names that are all
        whole numbers, as `write_regions` writes them, are labels themselves.
    name_by : {"text", "tag", "color"}, default="text"
        What of a region is its name: the text (the label of CRTF), the first tag, or
        the color.
    overlap : {"last", "unlabeled"}, default="last"
        Label of a pixel that lies in regions of several names: that of the region
        which stands last in the file, as if each were painted over those before it,
        or none.
    empty : {"raise", "ignore"}, default="raise"
        What to do about a region that holds no pixel of the image.

    Returns
    -------
    label_map : ndarray of int32 of shape (n_rows, n_columns)
        Label of each pixel whose center lies in a region, -1 elsewhere. A point
        labels the pixel it lies in. What excluded regions hold (``-circle(...)``)
        stays -1, wherever they stand in the file.
    names : dict of int to str
        Name of each label.
    colors : dict of int to str
        Color of each label, as the file writes it, of its first region.

    Raises
    ------
    ImportError
        If the regions package is missing.
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file cannot be read as a whole, a region has no name or an unknown one,
        no area, lies on the sky while the image has no WCS, or holds no pixel (see
        `empty`), or if no pixel is labeled.

    See Also
    --------
    write_regions : Write a label map as regions.
    skesom.maps.CubeClassifier : Labels the other pixels.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skesom.io import read_region_labels
    >>> drawn = '''image
    ... box(3, 2, 4, 3, 0) # text={disc} color=yellow
    ... point(3, 2) # text={star} color=white'''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "drawn.reg"
    ...     _ = path.write_text(drawn)
    ...     label_map, names, colors = read_region_labels(path, (3, 5))
    >>> label_map
    array([[-1,  0,  0,  0, -1],
           [-1,  0,  1,  0, -1],
           [-1,  0,  0,  0, -1]], dtype=int32)
    >>> names, colors
    ({0: 'disc', 1: 'star'}, {0: 'yellow', 1: 'white'})
    """
    if overlap not in ("last", "unlabeled"):
        raise ValueError(f'overlap must be "last" or "unlabeled", got {overlap!r}.')
    shape, wcs = find_frame(image, wcs)
    collected = collect_regions(regions)
    included = [read for read in collected if read.is_included]
    found = [_name_of(read, name_by) for read in included]
    known = _number_names(found, included, names)
    labels_of = {name: label for label, name in known.items()}
    colors = {}
    for read, name in zip(included, found, strict=True):
        colors.setdefault(labels_of[name], read.color)

    label_map = np.full(shape, _UNLABELED, dtype=np.int32)
    disputed = np.zeros(shape, dtype=bool)
    for read, box, inside in _find_all(included, shape, wcs, empty):
        label = labels_of[_name_of(read, name_by)]
        before = label_map[box]
        disputed[box] |= inside & (before >= 0) & (before != label)
        before[inside] = label
    if overlap == "unlabeled":
        label_map[disputed] = _UNLABELED
    label_map[_find_excluded(collected, shape, wcs)] = _UNLABELED
    if not (label_map >= 0).any():
        raise ValueError(_nothing_left(regions, shape))
    return RegionLabels(label_map, known, colors)


def _find_all(collected, shape, wcs, empty):
    """Yield each region with the pixels that it holds."""
    if empty not in ("raise", "ignore"):
        raise ValueError(f'empty must be "raise" or "ignore", got {empty!r}.')
    for read in collected:
        box, inside = find_pixels(read, shape, wcs)
        if not inside.any() and empty == "raise":
            report_empty(read, box)
        yield read, box, inside


def _find_excluded(collected, shape, wcs):
    """Return the pixels that excluded regions hold."""
    excluded = np.zeros(shape, dtype=bool)
    for read in collected:
        if not read.is_included:
            box, inside = find_pixels(read, shape, wcs)
            excluded[box] |= inside
    return excluded


def _name_of(read, name_by):
    """Return the name of a region."""
    if name_by == "color":
        return read.color
    if name_by not in ("text", "tag"):
        raise ValueError(f'name_by must be "text", "tag" or "color", got {name_by!r}.')
    name = read.text if name_by == "text" else next(iter(read.tags), None)
    if name is None:
        raise ValueError(
            f"{read.label} has no {name_by} to name it by. Give it one (in DS9, double "
            'click on the region), or choose another name_by: "text", "tag", "color".'
        )
    return name


def _number_names(found, included, names):
    """Return the name of each label."""
    if names is None:
        distinct = list(dict.fromkeys(found))
        if all(re.fullmatch(r"0|[1-9]\d{0,9}", name) for name in distinct):
            labels = sorted(int(name) for name in distinct)
            if not labels or labels[-1] <= _LARGEST_LABEL:
                return {label: str(label) for label in labels}
        return dict(enumerate(distinct))
    known = dict(names.items() if hasattr(names, "items") else enumerate(names))
    if len(set(known.values())) < len(known):
        raise ValueError(f"names must be unique, got {list(known.values())}.")
    for read, name in zip(included, found, strict=True):
        if name not in known.values():
            raise ValueError(
                f"{read.label} is named {name!r}, which is none of the names "
                f"{list(known.values())}. Correct it, or add it to names."
            )
    return known


def _nothing_left(regions, shape):
    """Return the message that the regions hold no pixel."""
    where = f" of {regions}" if is_path(regions) else ""
    return (
        f"The regions{where} hold no pixel of the image of {shape[0]} x {shape[1]} "
        "pixels. Compare their coordinates with the image."
    )

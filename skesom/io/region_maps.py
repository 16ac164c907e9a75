# SPDX-License-Identifier: BSD-3-Clause
"""Regions of DS9 and CASA as masks and as label maps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skesom._types import WCS, Names
from skesom.io.regions import collect_regions, find_frame, find_pixels, is_path

if TYPE_CHECKING:
    from skesom.cube import Cube


_UNLABELED = -1
_LARGEST_LABEL = np.iinfo(np.int32).max


class RegionLabels(NamedTuple):
    """Regions as a label map, with the name and the color of each label."""

    label_map: np.ndarray
    names: dict
    colors: dict

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Whether the pixels are in a region."""
        return self.label_map >= 0


def read_region_labels(
    regions: Any,
    image: Cube | tuple[int, int],
    *,
    wcs: WCS | None = None,
    names: Names | None = None,
    name_by: Literal["text", "tag", "color"] | None = "text",
    overlap: Literal["last", "unlabeled"] = "last",
    empty: Literal["raise", "ignore"] = "raise",
) -> RegionLabels:
    """Read regions as a mask, or named ones as a label map to train a CubeClassifier.

    Regions of the same name have the same label. The result is a named tuple, with the
    property ``mask``: which pixels have a label.

    Parameters
    ----------
    regions : str, os.PathLike, region or sequence of regions
        DS9 or CRTF file, or regions of the regions package.
    image : Cube or tuple of int (n_rows, n_columns)
        The image to find them in.
    wcs : astropy.wcs.WCS, default=None
        Celestial WCS of the image, by default that of the cube.
    names : sequence of str or dict of int to str, default=None
        The names that may occur, in the order of their labels or by label. By default
        names are numbered as they appear; if all are whole numbers, they are labels.
    name_by : {"text", "tag", "color"} or None, default="text"
        The name of a region: its text (label in CRTF), first tag, or color. None takes
        no name: all regions are label 0, for a mask.
    overlap : {"last", "unlabeled"}, default="last"
        Label of a pixel in regions of several names: that of the last one, or none.
    empty : {"raise", "ignore"}, default="raise"
        Whether a region that holds no pixel of the image is an error or is left out.

    Returns
    -------
    label_map : ndarray of int32 (int8 for a mask) of shape (n_rows, n_columns)
        Label of each pixel whose center lies in a region, or that holds a point; -1
        elsewhere and in excluded regions (``-circle(...)``). If there are no others,
        without names, these are taken out of the whole image.
    names : dict of int to str
        Name of each label.
    colors : dict of int to str
        Color of the first region of each label, as the file writes it.

    Raises
    ------
    FileNotFoundError, ImportError
        If there is no such file, or the regions package is missing.
    ValueError
        If a line cannot be read, a region has no name or an unknown one, no area, lies
        on the sky while the image has no WCS, or holds no pixel (see `empty`), or if no
        pixel is labeled.

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
    >>> from regions import CirclePixelRegion, PixCoord
    >>> star = CirclePixelRegion(PixCoord(x=2, y=1), radius=1.2)
    >>> read_region_labels(star, (3, 5), name_by=None).mask.astype(int)
    array([[0, 0, 1, 0, 0],
           [0, 1, 1, 1, 0],
           [0, 0, 1, 0, 0]])
    """
    if overlap not in ("last", "unlabeled"):
        raise ValueError(f'overlap must be "last" or "unlabeled", got {overlap!r}.')
    shape, wcs = find_frame(image, wcs)
    entries = collect_regions(regions)
    included = [entry for entry in entries if entry.is_included]
    excluded = [entry for entry in entries if not entry.is_included]
    region_names = [_find_name(entry, name_by) for entry in included]
    if names is None:
        names_by_label = _number_names(region_names)
    else:
        names_by_label = _check_names(names, included, region_names)
    labels_by_name = {name: label for label, name in names_by_label.items()}
    colors = {}
    for entry, name in zip(included, region_names, strict=True):
        colors.setdefault(labels_by_name[name], entry.color)

    if name_by is None:
        # A mask of a mosaic needs no large numbers.
        label_map = np.full(shape, _UNLABELED, dtype=np.int8)
        if not included:  # excluded regions are taken out of the whole image
            label_map[:] = 0
    else:
        label_map = np.full(shape, _UNLABELED, dtype=np.int32)
    disputed = np.zeros(shape, dtype=bool)
    pixels = _find_pixels_of_all(included, shape, wcs, empty)
    for name, (box, inside) in zip(region_names, pixels, strict=True):
        label = labels_by_name[name]
        labels_in_box = label_map[box]
        is_other = (labels_in_box >= 0) & (labels_in_box != label)
        disputed[box] |= inside & is_other
        labels_in_box[inside] = label
    if overlap == "unlabeled":
        label_map[disputed] = _UNLABELED
    for box, inside in _find_pixels_of_all(excluded, shape, wcs, empty="ignore"):
        label_map[box][inside] = _UNLABELED
    if not np.any(label_map >= 0):
        raise _no_pixel_error(regions, shape)
    return RegionLabels(label_map, names_by_label, colors)


def _find_pixels_of_all(entries, shape, wcs, empty):
    """Yield the pixels of each region: a box, and which of its pixels are inside."""
    if empty not in ("raise", "ignore"):
        raise ValueError(f'empty must be "raise" or "ignore", got {empty!r}.')
    for entry in entries:
        box, inside = find_pixels(entry, shape, wcs)
        if empty == "raise" and not inside.any():
            if any(side.start == side.stop for side in box):
                problem = "lies outside of the image"
            else:
                problem = "holds the center of no pixel"
            raise ValueError(
                f'{entry.label} {problem}. Change it, or pass empty="ignore".'
            )
        yield box, inside


def _find_name(entry, name_by):
    """Return the name of a region by its text, its first tag or its color."""
    if name_by is None:
        return "region"
    if name_by == "text":
        name = entry.text
    elif name_by == "tag":
        name = entry.tags[0] if entry.tags else None
    elif name_by == "color":
        name = entry.color
    else:
        raise ValueError(
            f'name_by must be "text", "tag", "color" or None, got {name_by!r}.'
        )
    if name is None:
        raise ValueError(
            f"{entry.label} has no {name_by} to name it by. Give it one (double click "
            "on it in DS9), or choose another name_by."
        )
    return name


def _number_names(region_names):
    """Return the name of each label; names that are whole numbers are labels."""
    distinct = list(dict.fromkeys(region_names))
    if all(re.fullmatch("0|[1-9][0-9]{0,9}", name) for name in distinct):
        labels = sorted(int(name) for name in distinct)
        if not labels or labels[-1] <= _LARGEST_LABEL:
            return {label: str(label) for label in labels}
    return dict(enumerate(distinct))


def _check_names(names, entries, region_names):
    """Return the name of each label that a user gives, after checking them."""
    if hasattr(names, "items"):
        names_by_label = dict(names.items())
    else:
        names_by_label = dict(enumerate(names))
    if len(set(names_by_label.values())) < len(names_by_label):
        raise ValueError(f"names must be unique, got {list(names_by_label.values())}.")
    for entry, name in zip(entries, region_names, strict=True):
        if name not in names_by_label.values():
            raise ValueError(
                f"{entry.label} is named {name!r}, which is not in names "
                f"({', '.join(map(str, names_by_label.values()))})."
            )
    return names_by_label


def _no_pixel_error(regions, shape):
    """Return the error of regions that hold no pixel of an image."""
    source = f" of {regions}" if is_path(regions) else ""
    size = " x ".join(map(str, shape))
    return ValueError(
        f"The regions{source} hold no pixel of the image of {size} pixels. Compare "
        "their coordinates with the image."
    )

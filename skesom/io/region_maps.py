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
    collected = collect_regions(regions)
    included = [entry for entry in collected if entry.is_included]
    excluded = [entry for entry in collected if not entry.is_included]
    found = [_name_of(entry, name_by) for entry in included]
    known = _number_names(found, included, names)
    labels_of = {name: label for label, name in known.items()}
    colors = {}
    for entry, name in zip(included, found, strict=True):
        colors.setdefault(labels_of[name], entry.color)
    rest = 0 if name_by is None and not included else _UNLABELED
    # A mask of a mosaic needs no large numbers.
    label_map = np.full(shape, rest, dtype=np.int8 if name_by is None else np.int32)
    disputed = np.zeros(shape, dtype=bool)
    pixels = _find_all(included, shape, wcs, empty)
    for name, (box, inside) in zip(found, pixels, strict=True):
        label = labels_of[name]
        before = label_map[box]
        disputed[box] |= inside & (before >= 0) & (before != label)
        before[inside] = label
    if overlap == "unlabeled":
        label_map[disputed] = _UNLABELED
    for box, inside in _find_all(excluded, shape, wcs):
        label_map[box][inside] = _UNLABELED
    _check_left(label_map >= 0, regions)
    return RegionLabels(label_map, known, colors)


def _find_all(collected, shape, wcs, empty="ignore"):
    """Yield the pixels of each region: a box, and which of its pixels are inside."""
    if empty not in ("raise", "ignore"):
        raise ValueError(f'empty must be "raise" or "ignore", got {empty!r}.')
    for entry in collected:
        box, inside = find_pixels(entry, shape, wcs)
        if not inside.any() and empty == "raise":
            is_outside = any(part.start == part.stop for part in box)
            problem = ("holds the center of no pixel", "lies outside of the image")
            raise ValueError(
                f"{entry.label} {problem[is_outside]}. Change it, or pass "
                'empty="ignore".'
            )
        yield box, inside


def _name_of(entry, name_by):
    """Return the name of a region."""
    if name_by not in ("text", "tag", "color", None):
        raise ValueError(
            f'name_by must be "text", "tag", "color" or None, got {name_by!r}.'
        )
    if name_by is None:
        return "region"
    tag = next(iter(entry.tags), None)
    name = {"text": entry.text, "tag": tag, "color": entry.color}[name_by]
    if name is None:
        raise ValueError(
            f"{entry.label} has no {name_by} to name it by. Give it one (double click "
            "on it in DS9), or choose another name_by."
        )
    return name


def _number_names(found, included, names):
    """Return the name of each label."""
    if names is None:
        distinct = list(dict.fromkeys(found))
        whole = [int(n) for n in distinct if re.fullmatch("0|[1-9][0-9]{0,9}", n)]
        if len(whole) == len(distinct) and max(whole, default=0) <= _LARGEST_LABEL:
            return {label: str(label) for label in sorted(whole)}
        return dict(enumerate(distinct))
    known = dict(names.items() if hasattr(names, "items") else enumerate(names))
    if len(set(known.values())) < len(known):
        raise ValueError(f"names must be unique, got {list(known.values())}.")
    for entry, name in zip(included, found, strict=True):
        if name not in known.values():
            raise ValueError(
                f"{entry.label} is named {name!r}, which is not in names "
                f"({', '.join(map(str, known.values()))})."
            )
    return known


def _check_left(found, regions):
    """Refuse regions that hold no pixel."""
    if not found.any():
        where = f" of {regions}" if is_path(regions) else ""
        size = " x ".join(map(str, found.shape))
        raise ValueError(
            f"The regions{where} hold no pixel of the image of {size} pixels. Compare "
            "their coordinates with the image."
        )

# SPDX-License-Identifier: BSD-3-Clause
"""Regions of DS9 and CASA: their files, their properties, and the pixels they hold."""

import os
import re
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning

from skesom._common.extras import NO_REGIONS, import_extra
from skesom._common.files import regular
from skesom.cube import Cube
from skesom.cube.masking.regions import in_pixels, pixels_in_box

# Warnings of the regions package about properties that do not move a region.
_HARMLESS = r'DS9 "|DS9 meta "|Found duplicate metadata|dashed lines are unsupported'
_DEFAULT_COLOR = "green"  # of DS9 and CASA
_LONGEST_TEXT = 20_000  # characters of a line
_LONG_WORD = re.compile(r"[^\W\d]\w{1000}")


def read_regions(path):
    """Read the regions of a DS9 or CRTF file; an unreadable line is an error."""
    parse, path = import_extra("regions", NO_REGIONS).Regions.parse, Path(path)
    try:
        text = regular(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not a region file of DS9 or CASA: it is not text."
        ) from error
    file_format = "CRTF" if text.lstrip().startswith("#CRTF") else "DS9"
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        # The parsers take hours for longer ones.
        start, _, text = line.partition("#")
        word = _LONG_WORD.search(line if file_format == "CRTF" else start)
        if len(text) > _LONGEST_TEXT or word:
            raise ValueError(
                f"{path}, line {number} has more than {_LONGEST_TEXT} characters of "
                "text, or 1000 in a word. Shorten it."
            )
    regions, problem = _try_to_parse(parse, lines, file_format)
    if problem:
        number = _find_line(parse, lines, file_format)
        raise ValueError(
            f"{path}, line {number} ({lines[number - 1].strip()!r:.80}) cannot be read "
            f"as {file_format}: {problem.rstrip('.')[:200]}. Save circles, ellipses, "
            "boxes, annuli, polygons or points in fk5, icrs, galactic or image "
            "coordinates."
        )
    regions = [each for each in regions if not hasattr(each, "text")]
    regions = [each for each in regions if each.meta.get("type") != "ann"]
    if not regions:
        raise ValueError(f"{path} holds no region in the {file_format} format.")
    return regions


def is_path(value):
    """Return whether a value is the name of a file."""
    return isinstance(value, str | os.PathLike)


def _try_to_parse(parse, lines, file_format):
    """Return the regions of some lines, and the reason if they cannot be read."""
    # The parsers leave out some lines with a warning.
    with warnings.catch_warnings():
        warnings.simplefilter("error", AstropyUserWarning)
        warnings.filterwarnings("ignore", _HARMLESS, AstropyUserWarning)
        try:
            return list(parse("\n".join(lines), format=file_format.lower())), None
        except Exception as error:
            # Damaged lines raise errors of many classes in the parsers.
            return [], " ".join(str(error).split()) or type(error).__name__


def _find_line(parse, lines, file_format):
    """Return the number of the first line that cannot be read, counted from 1."""
    first, end = 0, len(lines)
    while end - first > 1:
        middle = (first + end) // 2
        # What lines without a shape say counts for the lines that follow.
        before = lines[:first]
        frames = [s for s in before if ";" in s or not re.search(r"[(\[]", s)]
        part = frames + lines[first:middle]
        if _try_to_parse(parse, part, file_format)[1] is None:
            first = middle
        else:
            end = middle
    return end


class LabeledRegion(NamedTuple):
    """A region of the regions package, and its label in messages."""

    region: object
    label: str

    @property
    def is_included(self):
        """False for a region whose pixels are taken out of the others."""
        return self.region.meta.get("include") not in (False, 0, "-")

    @property
    def text(self):
        """The text of the region, None without any."""
        text = self.region.meta.get("text", self.region.meta.get("label"))
        if isinstance(text, int | float):
            # The package changes a text such as 007 to a number, but not the tags.
            text = next((tag for tag in self.tags if _is_number(tag, text)), text)
        return None if text is None or str(text).strip() == "" else str(text)

    @property
    def tags(self):
        """Names of the groups of the region."""
        return list(self.region.meta.get("tag", []))

    @property
    def color(self):
        """Color of the region, as the file writes it."""
        visual = self.region.visual
        kinds = ("color", "edgecolor", "facecolor")
        return next((str(visual[k]) for k in kinds if k in visual), _DEFAULT_COLOR)

    @property
    def shape_name(self):
        """Name of the shape, such as circle or ellipse annulus."""
        name = re.sub("(Pixel|Sky)Region$", "", type(self.region).__name__)
        return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()


def _is_number(tag, number):
    """Return whether a tag is the text of a number."""
    try:
        return np.array_equal(float(tag), float(number), equal_nan=True)
    except (ValueError, OverflowError):
        return False


def collect_regions(regions):
    """Return the regions of a file, or those in memory, with labels for messages."""
    where = f" of {regions}" if is_path(regions) else ""
    if is_path(regions):
        regions = read_regions(regions)
    regions = [regions] if hasattr(regions, "meta") else list(regions)
    if not regions:
        raise ValueError("There is no region in the list.")
    collected = []
    for number, region in enumerate(regions, 1):
        if not hasattr(region, "meta"):
            raise ValueError(
                f"Entry {number} of the regions is a {type(region).__name__}. Give "
                "regions of the regions package."
            )
        entry = LabeledRegion(region, "")
        text = f" {entry.text!r:.80}" if entry.text else ""
        kind = f"{entry.shape_name}{text}"
        collected.append(entry._replace(label=f"Region {number}{where} ({kind})"))
    return collected


def find_frame(image, wcs):
    """Return the shape and the WCS of an image; a given WCS counts before a cube's."""
    if isinstance(image, list | tuple) and any(isinstance(p, Cube) for p in image):
        image = Cube(image)  # an error that names the remedy
    if isinstance(image, Cube):
        wcs = image.wcs if wcs is None else wcs
        image = image.shape
    shape = tuple(image) if np.ndim(image) == 1 else ()
    if len(shape) < 2 or not all(isinstance(n, int | np.integer) for n in shape):
        wanted = "a Cube or the shape (n_rows, n_columns) of the image"
        raise ValueError(f"image must be {wanted}, got {type(image).__name__}.")
    if wcs is not None and wcs.naxis != 2:
        wcs = wcs.celestial
    return (int(shape[0]), int(shape[1])), wcs


def find_pixels(entry, shape, wcs):
    """Find the pixels with their centers in a region, in a box around it."""
    region = entry.region
    if hasattr(region, "to_pixel") and wcs is None:
        raise ValueError(
            f"{entry.label} lies on the sky, but the image has no WCS. Give wcs."
        )
    try:
        region = in_pixels(region, wcs)
        has_area = region is None or entry.shape_name == "point" or region.area != 0
        found = pixels_in_box(region, shape) if has_area else None
    except Exception as error:
        # Sizes beyond all numbers raise errors of many classes.
        reason = str(error).splitlines()[0] or type(error).__name__
        raise ValueError(f"{entry.label} cannot be drawn ({reason:.200}).") from error
    if found is None:
        raise ValueError(
            f"{entry.label} has no area to hold pixels. Draw another shape."
        )
    return found

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
    path = Path(path)
    parse = import_extra("regions", NO_REGIONS).Regions.parse
    try:
        text = regular(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not a region file of DS9 or CASA: it is not text."
        ) from error
    file_format = "CRTF" if text.lstrip().startswith("#CRTF") else "DS9"
    lines = text.splitlines()
    _refuse_long_lines(lines, file_format, path)
    regions, problem = _try_to_parse(parse, lines, file_format)
    if problem is not None:
        number = _find_line(parse, lines, file_format)
        raise ValueError(
            f"{path}, line {number} ({lines[number - 1].strip()!r:.80}) cannot be read "
            f"as {file_format}: {problem.rstrip('.')[:200]}. Save circles, ellipses, "
            "boxes, annuli, polygons or points in fk5, icrs, galactic or image "
            "coordinates."
        )
    # Texts and annotations mark no pixels.
    regions = [
        region
        for region in regions
        if not hasattr(region, "text") and region.meta.get("type") != "ann"
    ]
    if not regions:
        raise ValueError(f"{path} holds no region in the {file_format} format.")
    return regions


def _refuse_long_lines(lines, file_format, path):
    """Refuse lines for which the parsers of regions take hours."""
    for number, line in enumerate(lines, 1):
        shape, _, properties = line.partition("#")
        # CRTF has its properties without "#".
        word = _LONG_WORD.search(line if file_format == "CRTF" else shape)
        if len(properties) > _LONGEST_TEXT or word is not None:
            raise ValueError(
                f"{path}, line {number} has more than {_LONGEST_TEXT} characters of "
                "text, or 1000 in a word. Shorten it."
            )


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
    first = 0
    end = len(lines)
    while end - first > 1:
        middle = (first + end) // 2
        # What lines without a shape say, such as the frame, counts for all that follow.
        settings = [
            line
            for line in lines[:first]
            if ";" in line or not re.search(r"[(\[]", line)
        ]
        tried = settings + lines[first:middle]
        _, problem = _try_to_parse(parse, tried, file_format)
        if problem is None:
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
        if text is None or str(text).strip() == "":
            return None
        return str(text)

    @property
    def tags(self):
        """Names of the groups of the region."""
        return list(self.region.meta.get("tag", []))

    @property
    def color(self):
        """Color of the region, as the file writes it."""
        visual = self.region.visual
        for name in ("color", "edgecolor", "facecolor"):
            if name in visual:
                return str(visual[name])
        return _DEFAULT_COLOR

    @property
    def shape_name(self):
        """Name of the shape, such as circle or ellipse annulus."""
        # The class is CirclePixelRegion, or EllipseAnnulusSkyRegion.
        name = re.sub("(Pixel|Sky)Region$", "", type(self.region).__name__)
        return re.sub("([A-Z])", r" \1", name).lower().strip()


def _is_number(tag, number):
    """Return whether a tag is the text of a number."""
    try:
        return np.array_equal(float(tag), float(number), equal_nan=True)
    except (ValueError, OverflowError):
        return False


def collect_regions(regions):
    """Return the regions of a file, or those in memory, with labels for messages."""
    source = ""
    if is_path(regions):
        source = f" of {regions}"
        regions = read_regions(regions)
    elif hasattr(regions, "meta"):
        regions = [regions]
    else:
        regions = list(regions)
    if not regions:
        raise ValueError("There is no region in the list.")
    entries = []
    for number, region in enumerate(regions, 1):
        if not hasattr(region, "meta"):
            raise ValueError(
                f"Entry {number} of the regions is a {type(region).__name__}. Give "
                "regions of the regions package."
            )
        entry = LabeledRegion(region, "")
        description = entry.shape_name
        if entry.text:
            description += f" {entry.text!r:.80}"
        label = f"Region {number}{source} ({description})"
        entries.append(entry._replace(label=label))
    return entries


def find_frame(image, wcs):
    """Return the shape and the WCS of an image.

    A WCS that the user gives is taken instead of that of a cube.
    """
    if isinstance(image, list | tuple) and any(isinstance(i, Cube) for i in image):
        image = Cube(image)  # an error that names the remedy
    if isinstance(image, Cube):
        if wcs is None:
            wcs = image.wcs
        image = image.shape
    shape = tuple(image) if np.ndim(image) == 1 else ()
    if len(shape) < 2 or not all(isinstance(n, int | np.integer) for n in shape):
        raise ValueError(
            "image must be a Cube or the shape (n_rows, n_columns) of the image, got "
            f"{type(image).__name__}."
        )
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
        if region is None or entry.shape_name == "point" or region.area != 0:
            pixels = pixels_in_box(region, shape)
        else:
            pixels = None
    except Exception as error:
        # Sizes beyond all numbers raise errors of many classes.
        reason = str(error).splitlines()[0] or type(error).__name__
        raise ValueError(f"{entry.label} cannot be drawn ({reason:.200}).") from error
    if pixels is None:
        raise ValueError(
            f"{entry.label} has no area to hold pixels. Draw another shape."
        )
    return pixels

# SPDX-License-Identifier: BSD-3-Clause
"""Single regions: what their file says of them, and the pixels they hold."""

import math
from typing import NamedTuple

import numpy as np

from skesom.cube import pixels_in_box
from skesom.cube._container import Cube
from skesom.io._region_files import is_path, read_regions

# What DS9 and CASA draw with if a file names no color.
_DEFAULT_COLOR = "green"


class ReadRegion(NamedTuple):
    """A region and what to call it in messages.

    Parameters
    ----------
    region : regions.Region
        Its shape, in pixels or on the sky.
    label : str
        Number, file and name of the region.
    """

    region: object
    label: str

    @property
    def is_included(self):
        """False for a region whose pixels are taken out of the others."""
        return self.region.meta.get("include") not in (False, 0, "-")

    @property
    def text(self):
        """What the region is called, None if nothing."""
        text = self.region.meta.get("text", self.region.meta.get("label"))
        if isinstance(text, int | float):
            # The package takes text like 007 for a number; tags keep what is written.
            written = [tag for tag in self.tags if _is_number(tag, text)]
            text = written[0] if written else text
        return None if text is None or str(text).strip() == "" else str(text)

    @property
    def tags(self):
        """Names of the groups that the region belongs to."""
        return list(self.region.meta.get("tag", []))

    @property
    def color(self):
        """Color that the region is drawn in, as the file writes it."""
        visual = self.region.visual
        for kind in ("color", "edgecolor", "facecolor"):
            if kind in visual:
                return str(visual[kind])
        return _DEFAULT_COLOR

    @property
    def shape_name(self):
        """What the shape is called: circle, ellipse annulus."""
        return name_shape(self.region)


def name_shape(region):
    """Return what the shape of a region is called."""
    name = type(region).__name__.removesuffix("Region")
    name = name.removesuffix("Pixel").removesuffix("Sky")
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()


def collect_regions(regions):
    """Return regions of a file, or in memory, with what to call them."""
    if is_path(regions):
        where, regions = f" of {regions}", read_regions(regions)
    else:
        where = ""
        regions = [regions] if hasattr(regions, "meta") else list(regions)
    if not regions:
        raise ValueError("There is no region in the list. Give some, or a region file.")
    collected = []
    for number, region in enumerate(regions, 1):
        if not hasattr(region, "meta"):
            raise ValueError(
                f"Entry {number} of the regions is a {type(region).__name__}. Give "
                "regions of the regions package, or the path of a region file."
            )
        read = ReadRegion(region, "")
        kind = " ".join(filter(None, [read.shape_name, read.text and repr(read.text)]))
        collected.append(read._replace(label=f"Region {number}{where} ({kind})"))
    return collected


def find_frame(image, wcs):
    """Return the shape and the WCS of an image."""
    if isinstance(image, Cube):
        wcs = image.wcs if wcs is None else wcs
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


def find_pixels(read, shape, wcs):
    """Find the pixels of the image whose centers lie in a region."""
    region = read.region
    if hasattr(region, "to_pixel"):
        if wcs is None:
            raise ValueError(
                f"{read.label} lies on the sky, but the image has no WCS to find it. "
                "Give wcs, or save the regions in the coordinate system image."
            )
        region = region.to_pixel(wcs)
    if name_shape(region) != "point" and region.area == 0:
        raise ValueError(
            f"{read.label} has no area to hold pixels. Draw a circle, ellipse, box, "
            "annulus, polygon or point instead."
        )
    return pixels_in_box(region, shape)


def report_empty(read, box):
    """Raise the error that a region holds no pixel."""
    if any(part.start == part.stop for part in box):
        raise ValueError(
            f"{read.label} lies outside of the image. Compare its coordinates with the "
            'image, remove it, or pass empty="ignore" to leave such regions out.'
        )
    raise ValueError(
        f"{read.label} holds the center of no pixel. Enlarge it, draw it as a point, "
        'or pass empty="ignore" to leave such regions out.'
    )


def _is_number(tag, number):
    """Tell whether a tag spells a number."""
    try:
        value = float(tag)
    except ValueError:
        return False
    return value == number or (math.isnan(value) and math.isnan(number))

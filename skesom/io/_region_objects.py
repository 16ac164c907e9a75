# SPDX-License-Identifier: BSD-3-Clause
"""Objects that a region file marks."""

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord, UnitSphericalRepresentation
from astropy.table import Table

from skesom.io._region_pixels import collect_regions


def read_region_objects(regions):
    """Return the objects that regions mark, as a table."""
    collected = [read for read in collect_regions(regions) if read.is_included]
    names, types = [], []
    for read in collected:
        tags = read.tags
        names.append((read.text or "") if tags else "")
        types.append(tags[0] if tags else (read.text or "").strip())
    legend = _find_legend(collected, types)
    table = Table()
    table["name"] = np.array(names, dtype=str)
    table["type"] = np.array(
        [
            kind or legend.get(_style(read), "")
            for read, kind in zip(collected, types, strict=True)
        ],
        dtype=str,
    )
    middles = [_find_middle(read) for read in collected]
    on_sky = np.array([isinstance(middle, SkyCoord) for middle in middles], dtype=bool)
    if on_sky.any():
        table["ra"], table["dec"] = np.full((2, len(table)), np.nan) * units.deg
        for rows, places in _by_frame(middles, np.flatnonzero(on_sky)):
            table["ra"][rows], table["dec"][rows] = places.ra.deg, places.dec.deg
    if not on_sky.all():
        table["x"], table["y"] = np.full((2, len(table)), np.nan)
        for row in np.flatnonzero(~on_sky):
            table["x"][row], table["y"][row] = middles[row]
    return table


def _find_legend(collected, types):
    """Return the type of each style whose typed regions have one type only."""
    seen = {}
    for read, kind in zip(collected, types, strict=True):
        if kind:
            seen.setdefault(_style(read), set()).add(kind)
    return {style: kinds.pop() for style, kinds in seen.items() if len(kinds) == 1}


def _style(read):
    """Return what a region looks like."""
    marker = read.region.visual.get("marker")
    # Some markers are paths of matplotlib, which only their text tells apart.
    return read.shape_name, str(marker), read.color


def _find_middle(read):
    """Return the middle of a region, as SkyCoord or as column and row."""
    region = read.region
    corners = getattr(region, "vertices", None)
    center = getattr(region, "center", None)
    if corners is None and center is None:
        raise ValueError(
            f"{read.label} has no middle to be the place of an object. Mark the object "
            "with a point or a circle instead."
        )
    if not hasattr(region, "to_pixel"):
        place = center if corners is None else corners
        return np.mean(place.x), np.mean(place.y)
    if corners is None:
        return center
    middle = corners.cartesian.mean().represent_as(UnitSphericalRepresentation)
    return SkyCoord(corners.frame.realize_frame(middle))


def _by_frame(middles, rows):
    """Yield rows of the same frame and their places in ICRS, all at once for speed."""
    frames = {}
    for row in rows:
        frame = middles[row].frame.replicate_without_data()
        frames.setdefault(repr(frame), (frame, []))[1].append(row)
    for frame, members in frames.values():
        places = [middles[row].spherical for row in members]
        longitudes = [place.lon.deg for place in places]
        latitudes = [place.lat.deg for place in places]
        yield members, SkyCoord(longitudes, latitudes, unit="deg", frame=frame).icrs

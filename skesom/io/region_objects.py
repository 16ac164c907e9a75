# SPDX-License-Identifier: BSD-3-Clause
"""Objects that regions mark: where the middle of each region is, and its type."""

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord, UnitSphericalRepresentation
from astropy.table import Table

from skesom.io.regions import collect_regions


def read_region_objects(regions):
    """Return a table of the objects that the regions of a file, or in memory, mark."""
    entries = [entry for entry in collect_regions(regions) if entry.is_included]
    # The text of a region without tags is its type.
    names = [entry.text or "" if entry.tags else "" for entry in entries]
    table = Table({"name": np.array(names, dtype=str)})
    table["type"] = np.array(_find_types(entries), dtype=str)
    middles = [_find_middle(entry) for entry in entries]
    on_sky = np.array([isinstance(middle, SkyCoord) for middle in middles], dtype=bool)
    if on_sky.any():
        table["ra"] = np.full(len(table), np.nan) * units.deg
        table["dec"] = np.full(len(table), np.nan) * units.deg
        for rows, positions in _convert_to_icrs(middles, np.flatnonzero(on_sky)):
            table["ra"][rows] = positions.ra.deg
            table["dec"][rows] = positions.dec.deg
    if not on_sky.all():
        table["x"] = np.full(len(table), np.nan)
        table["y"] = np.full(len(table), np.nan)
        for row in np.flatnonzero(~on_sky):
            table["x"][row], table["y"][row] = middles[row]
    return table


def _find_types(entries):
    """Return types of regions: tag, text, or the only type of those drawn alike."""
    types = []
    types_by_style = {}
    styles = []
    for entry in entries:
        object_type = entry.tags[0] if entry.tags else (entry.text or "").strip()
        # Some markers are paths of matplotlib, which differ only in their text.
        marker = str(entry.region.visual.get("marker"))
        style = (entry.shape_name, marker, entry.color)
        types.append(object_type)
        styles.append(style)
        types_by_style.setdefault(style, set())
        if object_type:
            types_by_style[style].add(object_type)
    completed = []
    for object_type, style in zip(types, styles, strict=True):
        if not object_type and len(types_by_style[style]) == 1:
            (object_type,) = types_by_style[style]
        completed.append(object_type)
    return completed


def _find_middle(entry):
    """Return the middle of a region, as SkyCoord or as column and row."""
    region = entry.region
    vertices = getattr(region, "vertices", None)
    points = getattr(region, "center", None) if vertices is None else vertices
    if points is None:
        raise ValueError(
            f"{entry.label} has no middle for an object. Draw a point or a circle."
        )
    is_on_sky = hasattr(region, "to_pixel")
    if not is_on_sky:
        return np.mean(points.x), np.mean(points.y)
    if vertices is None:
        return points
    # Longitudes have no mean at 0 = 360 degrees; unit vectors do.
    mean = vertices.cartesian.mean().represent_as(UnitSphericalRepresentation)
    return SkyCoord(vertices.frame.realize_frame(mean))


def _convert_to_icrs(middles, rows):
    """Yield rows of the same frame, and their positions in ICRS.

    All positions of a frame are converted at once, for speed.
    """
    while len(rows):
        frame = middles[rows[0]].frame.replicate_without_data()
        has_frame = np.array(
            [middles[row].frame.is_equivalent_frame(frame) for row in rows]
        )
        spherical = [middles[row].spherical for row in rows[has_frame]]
        longitudes = [position.lon.deg for position in spherical]
        latitudes = [position.lat.deg for position in spherical]
        positions = SkyCoord(longitudes, latitudes, unit="deg", frame=frame)
        yield rows[has_frame], positions.icrs
        rows = rows[~has_frame]

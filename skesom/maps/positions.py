# SPDX-License-Identifier: BSD-3-Clause
"""Where the objects of a catalog lie in an image, and how large angles are in it."""

import warnings

import numpy as np
from astropy.coordinates import SkyCoord
from scipy.spatial import KDTree

from skesom._common.strips import strips_of
from skesom._sky.grids import pixel_size
from skesom._sky.lengths import in_pixels
from skesom.io import read_catalog

ROUNDING = 1e-6  # pixels: an angle of two pixels may be a little less


def check_wcs(wcs):
    """Return a WCS of two celestial axes, or None."""
    return wcs if wcs is None or wcs.naxis == 2 else wcs.celestial


def find_positions(catalog, wcs):
    """Return columns and rows of the objects of a catalog."""
    columns, rows = np.full((2, len(catalog)), np.nan)
    in_pixels = "x" in catalog.colnames
    if in_pixels:
        columns[:], rows[:] = catalog["x"], catalog["y"]
    if wcs is not None and "ra" in catalog.colnames:
        known = np.isfinite(catalog["ra"]) & np.isfinite(catalog["dec"])
        columns[known], rows[known] = _project(catalog[known], wcs)
    elif not in_pixels:
        raise ValueError(
            "The catalog gives positions on the sky, but the label map has no WCS. "
            "Pass its wcs, or a catalog with the columns x and y (pixels from 0)."
        )
    return columns, rows


def objects_inside(catalog, shape, wcs):
    """Return the objects of a catalog in an image, with their columns x and rows y."""
    objects = read_catalog(catalog)
    columns, rows = find_positions(objects, check_wcs(wcs))
    inside = in_image(columns, rows, shape)
    if not inside.any():
        raise ValueError(describe_miss(columns, rows, shape, wcs))
    objects["x"], objects["y"] = columns, rows
    return objects[inside]


def label_objects(catalog, shape, *, wcs=None, radius=None):
    """Label pixels by the type of the nearest object; return names by label too.

    Only pixels within the radius (arcsec or a Quantity) have a label, or that which
    holds an object; -1 elsewhere. Types of most objects come first.
    """
    objects = objects_inside(catalog, shape, wcs)
    radius = float(measure_in_pixels(radius, check_wcs(wcs), "radius")) + ROUNDING
    places = np.stack([objects["y"], objects["x"]], axis=1)
    types, codes, counts = np.unique(
        np.asarray(objects["type"]), return_inverse=True, return_counts=True
    )
    order = np.argsort(-counts, kind="stable")
    labels = np.append(np.argsort(order)[codes], -1)  # the last for none within
    label_map = np.full(shape, -1, dtype=np.int32)
    label_map[tuple(np.floor(places.T + 0.5).astype(int))] = labels[:-1]
    tree = KDTree(places)
    for rows in strips_of(shape, "block"):
        pixels = np.moveaxis(np.mgrid[rows, : shape[1]], 0, -1)
        found = labels[tree.query(pixels, distance_upper_bound=radius)[1]]
        label_map[rows] = np.where(found >= 0, found, label_map[rows])
    return label_map, {place: str(types[code]) for place, code in enumerate(order)}


def _project(catalog, wcs):
    """Return columns and rows of positions on the sky."""
    places = SkyCoord(catalog["ra"], catalog["dec"], unit="deg", frame="icrs")
    with warnings.catch_warnings():
        # Polynomials of distortion mean nothing far outside of the image.
        warnings.filterwarnings("ignore", "'WCS.all_world2pix' failed", UserWarning)
        columns, rows = wcs.world_to_pixel(places)
        back = wcs.pixel_to_world(columns, rows)
    lost = ~(back.separation(places).arcsec < pixel_size(wcs))
    return np.where(lost, np.nan, columns), np.where(lost, np.nan, rows)


def icrs_positions(wcs, columns, rows):
    """Return right ascension and declination in degrees; none without a sky."""
    try:
        sky = wcs.pixel_to_world(columns, rows).icrs
    except (AttributeError, ValueError):  # no WCS, or that of the Sun or a planet
        return {}
    return {"ra": sky.ra.deg, "dec": sky.dec.deg}


def measure_in_pixels(length, wcs, parameter):
    """Return a length on a label map as a number of pixels, 0 for None."""
    if length is None:
        return 0.0
    return in_pixels(length, None if wcs is None else pixel_size(wcs), parameter)


def in_image(columns, rows, shape):
    """Find the positions that are in an image."""
    inside = (columns >= -0.5) & (columns < shape[1] - 0.5)
    return inside & (rows >= -0.5) & (rows < shape[0] - 0.5)


def describe_miss(columns, rows, shape, wcs):
    """Return the message that no object is in the image."""
    away = np.hypot(columns - shape[1] / 2, rows - shape[0] / 2)
    where = "they are on the other side of the sky"
    if np.isfinite(away).any():
        near = np.nanargmin(away)
        where = f"the nearest is at column {columns[near]:.0f}, row {rows[near]:.0f}"
    remedy = "Check the catalog" + ("." if wcs is None else ", and the WCS of the map.")
    return (
        f"None of the {len(columns)} objects lies in the map of {shape[0]} x "
        f"{shape[1]} pixels: {where}. {remedy}"
    )

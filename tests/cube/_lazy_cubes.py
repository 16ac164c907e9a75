# SPDX-License-Identifier: BSD-3-Clause
"""Cubes of dask arrays, and the cubes on several grids of which they are made."""

import dask
import dask.array as da
import numpy as np
from astropy.wcs import WCS, Sip

from skesom.cube import Cube


def lazy(cube, height):
    """Return a cube, or each of a list, whose planes are in strips of some rows."""
    if isinstance(cube, list):
        return [lazy(each, height) for each in cube]

    def strips(values):
        if values is None:
            return None
        return da.from_array(values, chunks=(height, *values.shape[1:]))

    planes = {n: strips(getattr(cube, n)) for n in ("data", "errors", "sky_mask")}
    return cube.replace(**planes)


def counted(cube, height):
    """Return a lazy cube, and the list of the heights of strips that are computed."""
    seen, parts = [], lazy(cube, height)
    data = parts.data.map_blocks(
        lambda block: seen.append(len(block)) or block, meta=cube.data[:0]
    )
    return parts.replace(data=data), seen


def no_computing():
    """Return a context in which nothing lazy can be computed."""

    def refuse(*args, **options):
        raise AssertionError("computed a lazy cube")

    return dask.config.set(scheduler=refuse)


def make_wcs(shape, size, *, angle=0.0, shift=(0, 0), sip=False):
    """Return a tangential WCS: pixel size in arcsec, angle in degrees."""
    rows, columns = shape
    angle = np.deg2rad(angle)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [204.26831234567891, -29.8395]
    wcs.wcs.crpix = [(columns + 1) / 2 + shift[0], (rows + 1) / 2 + shift[1]]
    wcs.wcs.pc = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    wcs.wcs.cdelt = [-size / 3600, size / 3600]
    wcs.array_shape = shape
    if sip:
        wcs.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"]
        bend = np.zeros((3, 3))
        bend[2, 0], bend[0, 2] = 1.23456789012345e-4, -2.3e-5
        wcs.sip = Sip(bend, -bend, None, None, wcs.wcs.crpix)
    return wcs


def noise_cube(
    rng,
    shape,
    size,
    names,
    *,
    errors=False,
    unit="MJy / sr",
    angle=0.0,
    shift=(0, 0),
    sip=False,
):
    """Return noise with gaps and a border without data."""
    data = rng.normal(5, 1, (*shape, len(names))).astype(np.float32)
    data[rng.random(data.shape) < 0.02] = np.nan
    data[:6] = data[50:58, 30:45] = np.nan
    return Cube(
        data,
        wcs=make_wcs(shape, size, angle=angle, shift=shift, sip=sip),
        band_names=names,
        band_units=[unit] * len(names),
        errors=rng.uniform(1, 2, data.shape).astype(np.float32) if errors else None,
        zero_points=np.arange(20.0, 20 + len(names)),
    )

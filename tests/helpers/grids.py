# SPDX-License-Identifier: BSD-3-Clause
"""World coordinates and flat cubes on grids that differ in all that grids can."""

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS, Sip

from skesom.cube import Cube, CubeAligner

CENTER = SkyCoord(204.26831234567891, -29.8395, unit="deg")
METHODS = ["interp", "adaptive", "exact"]


def align(cubes, align_to="coarsest", *, resample="interp", **options):
    """Return the cubes on one grid, interpolated if not said otherwise."""
    return CubeAligner(align_to, resample=resample, **options).fit_transform(cubes)


def make_wcs(
    shape, size, *, angle=0.0, frame="icrs", center=CENTER, shift=(0, 0), sip=None
):
    """Return a tangential WCS: pixel size in arcsec, angle in degrees."""
    rows, columns = shape
    angle = np.deg2rad(angle)
    wcs = WCS(naxis=2)
    axes = {"galactic": ("GLON", "GLAT"), "icrs": ("RA--", "DEC-")}[frame]
    wcs.wcs.ctype = [f"{axis}-TAN{'-SIP' if sip else ''}" for axis in axes]
    place = center.transform_to(frame).spherical
    wcs.wcs.crval = [place.lon.deg, place.lat.deg]
    wcs.wcs.crpix = [(columns + 1) / 2 + shift[0], (rows + 1) / 2 + shift[1]]
    wcs.wcs.pc = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    wcs.wcs.cdelt = [-size / 3600, size / 3600]
    wcs.array_shape = shape
    if sip:  # by squares of both axes; of the first axis alone if the last is 0
        bend = np.zeros((3, 3))
        bend[2, 0], bend[0, 2] = sip
        wcs.sip = Sip(bend, -bend * (sip[1] != 0), None, None, wcs.wcs.crpix)
    wcs.wcs.set()
    return wcs


def make_cube(
    shape, size, names="r", *, value=1.0, dtype=np.float32, errors=None, **where
):
    """Return a flat cube with one band for each letter of names."""
    data = np.full((*shape, len(names)), value, dtype=dtype)
    return Cube(
        data,
        wcs=make_wcs(shape, size, **where),
        band_names=names,
        band_units=["MJy / sr"] * len(names),
        errors=None if errors is None else np.full_like(data, errors),
    )

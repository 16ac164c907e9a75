# SPDX-License-Identifier: BSD-3-Clause
"""Contents of pixels: surface brightness, or flux that grows with them."""

import numpy as np
from astropy import units

from skesom._common.warn import warn_user
from skesom._sky.grids import SAME_SIZE, pixel_size
from skesom.cube.bands import list_bands

SURFACE_BRIGHTNESS = "surface brightness"
FLUX = "flux"
CONSERVED = (SURFACE_BRIGHTNESS, FLUX)

_COUNTED_BY_DETECTORS = (
    units.ct,
    units.electron,
    units.ph,
    units.adu,
    units.DN,
    units.mgy,
)
# Energies, powers and fluxes, also of a frequency or wavelength.
_FLUX_UNITS = (
    "J",
    "W",
    "W / Hz",
    "W / m",
    "J / m2",
    "W / m2",
    "W / (m2 Hz)",
    "W / m3",
)


def find_conserved(conserve, cubes, grid):
    """Return what pixels of each band hold, as `conserve` or the unit says.

    See `conserve` of `CubeAligner`. Where nothing tells, it is surface brightness.
    """
    bands = list_bands(cubes)
    if conserve != "auto":
        if isinstance(conserve, str):
            contents = [conserve] * len(bands)
        else:
            contents = list(conserve)
        if len(contents) != len(bands) or not set(contents) <= set(CONSERVED):
            raise ValueError(
                f"conserve must be 'auto', one of {list(CONSERVED)}, or one of them "
                f"for each of the {len(bands)} bands, got {conserve!r}."
            )
        return contents
    contents = []
    unknown = []  # bands for which it makes a difference
    for band in bands:
        content = held_by(
            band.cube.band_units[band.number], band.cube.zero_points[band.number]
        )
        if content is None:
            content = SURFACE_BRIGHTNESS
            if _changes_size(band.cube.wcs, grid.wcs):
                unknown.append(band.name)
        contents.append(content)
    if unknown:
        names = "all bands" if len(unknown) == len(bands) else ", ".join(unknown)
        warn_user(
            f"Whether pixels of {names} hold surface brightness or flux is unknown (no "
            "unit tells), and they are brought to pixels of another size: their level "
            "is kept, as of surface brightness. If they hold flux (counts, Jy), pass "
            "conserve='flux'."
        )
    return contents


def _changes_size(wcs, grid_wcs):
    """Return whether pixels of an image differ in size from those of a grid."""
    if wcs is None or grid_wcs is None:
        return False
    return not np.isclose(pixel_size(wcs), pixel_size(grid_wcs), rtol=SAME_SIZE)


def held_by(unit, zero_point):
    """Return what pixels of a band hold by unit and zero point, None if unknown.

    Parameters
    ----------
    unit : Unit or None
    zero_point : float
        AB magnitude of a pixel whose value is 1, NaN if unknown.

    Returns
    -------
    content : {"surface brightness", "flux"} or None
    """
    if unit is not None:
        if not isinstance(unit, units.UnitBase):  # mag(AB) and the like
            return SURFACE_BRIGHTNESS
        if _is_level(unit):
            return SURFACE_BRIGHTNESS
        powers = _base_powers(unit)
        for counted in _COUNTED_BY_DETECTORS:
            if powers.get(counted.decompose().bases[0], 0) > 0:
                return FLUX
        unit_of_pixel = unit / units.pix ** powers.get(units.pix, 0)
        if any(unit_of_pixel.is_equivalent(flux_unit) for flux_unit in _FLUX_UNITS):
            return FLUX
        if not unit_of_pixel.is_equivalent(units.one):
            return None
    # Of mere numbers a zero point tells: it is the magnitude of a pixel.
    return FLUX if np.isfinite(zero_point) else None


def _is_level(unit):
    """Return whether values of a unit do not depend on the pixels.

    So it is with a level per solid angle, beam or square parsec, with a temperature and
    with a magnitude.
    """
    powers = _base_powers(unit)
    if powers.get(units.rad, 0) < 0 or powers.get(units.beam, 0) < 0:
        return True
    if units.K in powers or units.dex in powers:
        return True
    for base, power in zip(unit.bases, unit.powers, strict=True):
        # At the source (pc, kpc), not at the telescope (cm).
        is_length = power < 0 and base.is_equivalent(units.pc)
        if is_length and base.to(units.AU) >= 1:
            return True
    return False


def _base_powers(unit):
    """Return the power of each base unit."""
    decomposed = unit.decompose()
    return dict(zip(decomposed.bases, decomposed.powers, strict=True))

# SPDX-License-Identifier: BSD-3-Clause
"""Contents of pixels: surface brightness, or flux that grows with them."""

import numpy as np
from astropy import units

from skesom._common.warn import warn_user
from skesom._sky.grids import SAME_SIZE, pixel_size
from skesom.cube.bands import list_bands

SURFACE_BRIGHTNESS, FLUX = CONSERVED = ("surface brightness", "flux")
# What detectors count, and fluxes and powers of any kind.
_COUNTS = units.ct, units.electron, units.ph, units.adu, units.DN, units.mgy
_FLUXES = ("J", "W", "W / Hz", "W / m", "J / m2", "W / m2", "W / (m2 Hz)", "W / m3")


def find_conserved(conserve, cubes, grid):
    """Return the contents of each band, as given or as its unit tells."""
    bands = list_bands(cubes)
    if conserve != "auto":
        words = [conserve] * len(bands) if isinstance(conserve, str) else list(conserve)
        if len(words) != len(bands) or not set(words) <= set(CONSERVED):
            raise ValueError(
                f"conserve must be 'auto', one of {list(CONSERVED)}, or one of them "
                f"for each of the {len(bands)} bands, got {conserve!r}."
            )
        return words
    points = (band.cube.zero_points[band.number] for band in bands)
    words = list(map(held_by, (b.cube.band_units[b.number] for b in bands), points))
    unknown = [
        band.name
        for band, word in zip(bands, words, strict=True)
        if word is None and None not in (band.cube.wcs, grid.wcs)
        if not np.isclose(*map(pixel_size, (band.cube.wcs, grid.wcs)), rtol=SAME_SIZE)
    ]
    if unknown:
        which = "all bands" if len(unknown) == len(bands) else ", ".join(unknown)
        warn_user(
            f"Whether pixels of {which} hold surface brightness or flux is unknown (no "
            "unit tells), and they are brought to pixels of another size: their level "
            "is kept, as of surface brightness. If they hold flux (counts, Jy), pass "
            "conserve='flux'."
        )
    return [word or SURFACE_BRIGHTNESS for word in words]


def held_by(unit, zero_point):
    """Return the contents of a band by unit and zero point, None if unknown."""
    # A level per solid angle, beam or square parsec, a temperature or a magnitude does
    # not depend on the pixels.
    if unit is not None:
        if not isinstance(unit, units.UnitBase):  # mag(AB) and the like
            return SURFACE_BRIGHTNESS
        parts = unit.decompose()
        powers = dict(zip(parts.bases, parts.powers, strict=True))
        per = [b for b, p in zip(unit.bases, unit.powers, strict=True) if p < 0]
        if (
            powers.get(units.rad, 0) < 0
            or powers.get(units.beam, 0) < 0
            or powers.keys() & {units.K, units.dex}
            # At the source (pc, kpc), not at the telescope (cm).
            or any(b.is_equivalent(units.pc) and b.to(units.AU) >= 1 for b in per)
        ):
            return SURFACE_BRIGHTNESS
        counted = any(
            powers.get(count.decompose().bases[0], 0) > 0 for count in _COUNTS
        )
        whole = unit / units.pix ** powers.get(units.pix, 0)
        if counted or any(whole.is_equivalent(flux) for flux in _FLUXES):
            return FLUX
        if not whole.is_equivalent(units.one):
            return None
    # A zero point is the magnitude of a pixel whose value is 1.
    return FLUX if np.isfinite(zero_point) else None

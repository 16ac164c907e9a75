# SPDX-License-Identifier: BSD-3-Clause
"""Width, elongation and direction of the point-spread function of each band.

All ways to say it end in a `Beam`: numbers, quantities, FITS headers, what a cube knows
of itself, and stars in the image.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.io.fits import Header

from skesom.cube.convolution._star_fwhm import measure_star_fwhm

KEYWORDS = ("header", "stars")
# Pixel scales that differ by less than this fraction are equal.
_SAME_SCALE = 1e-3


class Beam(NamedTuple):
    """An elliptical Gaussian on the sky.

    Parameters
    ----------
    major, minor : float
        Full widths at half maximum along both axes in arcsec.
    angle : float, default=0.0
        Direction of the major axis in degrees from north through east.
    source : str, default="given"
        Where it is known from.
    """

    major: float
    minor: float
    angle: float = 0.0
    source: str = "given"

    @property
    def is_round(self):
        """Whether both widths are equal (to a part in a million)."""
        return self.major - self.minor <= 1e-6 * self.major

    def covariance(self, fwhm_to_sigma):
        """Return the covariance of (east, north) in arcsec squared."""
        angle = np.deg2rad(self.angle)
        axes = np.array(
            [[np.sin(angle), -np.cos(angle)], [np.cos(angle), np.sin(angle)]]
        )
        sigmas = np.array([self.major, self.minor]) * fwhm_to_sigma
        return (axes * sigmas**2) @ axes.T

    def missing(self, target):
        """Return the beam that makes this one round and as wide as the target.

        Covariances of Gaussians add, so what is missing is longest where this beam
        is shortest.
        """
        major, minor = (
            float(np.sqrt(max(target**2 - width**2, 0)))
            for width in (self.minor, self.major)
        )
        return Beam(major, minor, (self.angle + 90) % 180)


def find_beams(fwhm, bands):
    """Return the beam of each band."""
    entries = _spread_over_bands(fwhm, [band.name for band in bands])
    return [_read_beam(*pair) for pair in zip(entries, bands, strict=True)]


def _spread_over_bands(fwhm, names):
    """Return one entry per band."""
    if isinstance(fwhm, Mapping) and not isinstance(fwhm, Header):
        unknown = [name for name in fwhm if name not in names]
        if unknown:
            raise ValueError(
                f"fwhm names {unknown[0]!r}, but the bands are {', '.join(names)}."
            )
        return [fwhm.get(name, "header") for name in names]
    if fwhm is None:
        fwhm = "header"
    if isinstance(fwhm, str | Header) or _is_number(fwhm):
        return [fwhm] * len(names)
    if len(fwhm) != len(names):
        raise ValueError(
            f"fwhm must be one number or one for each of the {len(names)} bands "
            f"({', '.join(names)}), got {len(fwhm)}."
        )
    return list(fwhm)


def _read_beam(entry, band):
    """Return the beam that one entry describes, None if the cube does not know."""
    if isinstance(entry, str):
        if entry not in KEYWORDS:
            raise ValueError(
                f"The FWHM of band {band.name!r} must be a number of arcsec or one of "
                f"{', '.join(KEYWORDS)}, got {entry!r}."
            )
        if entry == "stars":
            pixels, n_stars = measure_star_fwhm(band.image, band.name)
            width = pixels * _pixel_size(band)
            return Beam(width, width, source=f"{n_stars} stars")
        if np.isnan(band.fwhm):
            return None
        return _checked([band.fwhm] * 2 + [0.0], band, "the cube")
    if isinstance(entry, Beam):
        return entry
    if isinstance(entry, Header):
        return _checked(_read_header(entry, band), band, "its header")
    if _is_number(entry):
        return _checked([_in_arcsec(entry, band)] * 2 + [0.0], band)
    if len(entry) != 3:
        raise ValueError(
            f"The beam of band {band.name!r} must be (major, minor, angle), got "
            f"{entry!r}."
        )
    *widths, angle = entry
    angle = units.Quantity(angle, unit=getattr(angle, "unit", units.deg))
    major, minor = (_in_arcsec(width, band) for width in widths)
    return _checked([major, minor, angle.to_value(units.deg)], band)


def _read_header(header, band):
    """Return (major, minor, angle) from the cards of a header."""
    if "BMAJ" in header:
        major = header["BMAJ"] * units.deg.to(units.arcsec)
        minor = header.get("BMIN", header["BMAJ"]) * units.deg.to(units.arcsec)
        return major, minor, header.get("BPA", 0.0)
    if "FWHM" not in header:
        raise ValueError(
            f"The header of band {band.name!r} has neither BMAJ nor FWHM. Pass the "
            "fwhm of the band in arcsec."
        )
    width = header["FWHM"]
    if "pix" in header.comments["FWHM"].lower():
        width = width * _pixel_size(band)
    return width, width, 0.0


def _in_arcsec(width, band):
    """Return a width in arcsec; numbers are taken as arcsec."""
    if getattr(width, "unit", None) == units.pixel:
        return width.value * _pixel_size(band)
    return in_arcsec(f"The FWHM of band {band.name!r}", width)


def in_arcsec(name, value):
    """Return numbers, taken as arcsec, or Quantities as plain numbers of arcsec."""
    try:
        value = units.Quantity(value)
        if value.unit.is_equivalent(units.arcsec / units.pixel):
            value = value * units.pixel
        elif value.unit == units.dimensionless_unscaled:
            value = value * units.arcsec
        return value.to_value(units.arcsec)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be in arcsec or another angle, got {value!r}."
        ) from error


def one_pixel_scale(value, cubes):
    """Return the pixel scale that the user tells."""
    if value is None:
        return None
    scale = in_arcsec("pixel_scale", value)
    if scale.shape not in [(), (2,)] or not np.all(np.isfinite(scale) & (scale > 0)):
        raise ValueError(
            "pixel_scale must be one positive number of arcsec or two (height, width), "
            f"got {value}."
        )
    known = [np.array(c.pixel_scale) for c in cubes if c.pixel_scale is not None]
    if known and not np.allclose(known, known[0], rtol=_SAME_SCALE, atol=0):
        *sizes, last = (f"{np.sqrt(scale.prod()):.3g}" for scale in known)
        raise ValueError(
            "pixel_scale is one for all cubes, but by their WCS they have pixels of "
            f"{', '.join(sizes)} and {last} arcsec. Leave it out."
        )
    return np.broadcast_to(scale, 2)


def _is_number(value):
    """Tell a number or a Quantity from a sequence of them."""
    return not isinstance(value, list | tuple) and np.ndim(value) == 0


def _pixel_size(band):
    """Return the side of a square pixel of the same area in arcsec."""
    if band.pixel_size is None:
        raise ValueError(
            f"The FWHM of band {band.name!r} is known in pixels, but not how large its "
            "pixels are: there is no WCS. Pass pixel_scale in arcsec per pixel."
        )
    return band.pixel_size


def _checked(numbers, band, source="given"):
    """Return a beam after checking its numbers."""
    major, minor, angle = (float(number) for number in numbers)
    for width in (major, minor):
        if not (np.isfinite(width) and width > 0):
            raise ValueError(
                f"The FWHM of band {band.name!r} must be a positive number of arcsec, "
                f"got {width}."
            )
    if minor > major or not np.isfinite(angle):
        raise ValueError(
            f"The beam of band {band.name!r} must be (major, minor, angle) with a "
            f"finite angle and no minor axis above the major one, got {major:g}, "
            f"{minor:g}, {angle:g}."
        )
    return Beam(major, minor, angle, source)

# SPDX-License-Identifier: BSD-3-Clause
"""Beams: the widths of point-spread functions, as they are given, or known."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.io.fits import Header
from astropy.stats import gaussian_fwhm_to_sigma

from skesom._sky.grids import SAME_SIZE
from skesom._sky.lengths import read_length, side_of_pixel, to_arcsec, to_pixels
from skesom.cube.bands import one_per_band
from skesom.cube.convolution.stars import measure_star_fwhm, middle_images

KEYWORDS = ("header", "stars")
FULL_CIRCLE = units.cycle.to(units.arcsec)


class Beam(NamedTuple):
    """An elliptical Gaussian on the sky."""

    major: float  # FWHM in arcsec, or in pixels where nothing tells how large they are
    minor: float
    angle: float = 0.0  # of the major axis, in degrees from north through east
    source: str = "given"  # how the widths are known

    @property
    def is_round(self):
        """Whether both widths are equal (to a part in a million)."""
        return self.major - self.minor <= 1e-6 * self.major

    def covariance(self):
        """Return the covariance of (east, north) in arcsec squared."""
        angle = np.deg2rad(self.angle)
        sin = np.sin(angle)
        cos = np.cos(angle)
        axes = np.array([[sin, -cos], [cos, sin]])
        sigmas = np.array([self.major, self.minor]) * gaussian_fwhm_to_sigma
        return (axes * sigmas**2) @ axes.T

    def missing(self, target):
        """Return the beam that makes this one round and as wide as the target."""
        # Covariances add: the major axis of the one is the minor axis of the other.
        squares = target**2 - np.square([self.minor, self.major])
        major, minor = np.sqrt(np.maximum(squares, 0)).tolist()
        return Beam(major, minor, (self.angle + 90) % 180)


def find_beams(fwhm, bands):
    """Return the beam of each band, None where it is unknown.

    Parameters
    ----------
    fwhm : float, Quantity, str, Header, mapping or sequence
        As that of `FWHMConvolver`; entries may be beams, too.
    bands : list of Band

    Returns
    -------
    beams : list of (Beam or None)
    """
    if isinstance(fwhm, str | Header) or _is_single_width(fwhm):
        fwhm = [fwhm] * len(bands)
    entries = one_per_band(
        fwhm,
        [band.name for band in bands],
        kind="FWHM",
        requirement="fwhm must be one number or one",
        default="header",
    )
    bands_with_stars = []
    for entry, band in zip(entries, bands, strict=True):
        if isinstance(entry, str) and entry == "stars":
            require_pixel_size(band)  # an error before anything is measured
            bands_with_stars.append(band)
    images = {}
    middles = middle_images(bands_with_stars)
    for band, middle in zip(bands_with_stars, middles, strict=True):
        images[band.name] = middle
    beams = []
    for entry, band in zip(entries, bands, strict=True):
        beams.append(_read_beam(entry, band, images.get(band.name)))
    return beams


def _read_beam(entry, band, image):
    """Return the beam of one entry, None if it is that of a cube without one.

    `image` shows the stars if the width is to be measured on them.
    """
    name = f"The FWHM of band {band.name!r}"
    if isinstance(entry, Beam):
        return entry
    if isinstance(entry, Header):
        return _beam_of_header(entry, band)
    if isinstance(entry, str) and entry == "header":
        if np.isnan(band.fwhm):
            return None
        return _checked_beam(band.fwhm, band.fwhm, 0.0, band, source="the cube")
    if isinstance(entry, str) and entry == "stars":
        n_pixels, n_stars = measure_star_fwhm(image, band.name)
        width = n_pixels * require_pixel_size(band)
        return Beam(width, width, source=f"{n_stars} stars")
    if _is_single_width(entry):
        width = read_width(entry, band, name, keywords=KEYWORDS)
        return _checked_beam(width, width, 0.0, band)
    if len(entry) != 3:
        raise ValueError(
            f"The beam of band {band.name!r} must be (major, minor, angle), got "
            f"{entry!r}."
        )
    major, minor, angle = entry
    if not isinstance(angle, units.Quantity):
        angle = units.Quantity(angle, unit=units.deg)
    return _checked_beam(
        read_width(major, band, name),
        read_width(minor, band, name),
        angle.to_value(units.deg),
        band,
    )


def _beam_of_header(header, band):
    """Return the beam of the cards of a header, which may have an angle."""
    counts_pixels = False
    if "FWHM" in header:
        counts_pixels = "pix" in header.comments["FWHM"].lower()
    if band.length_unit == "pixels" and ("BMAJ" in header or not counts_pixels):
        raise ValueError(
            f"The header of band {band.name!r} tells no width in pixels, and nothing "
            "tells how large its pixels are: there is no WCS. Pass pixel_scale in "
            "arcsec per pixel."
        )
    if "BMAJ" in header:
        degree = units.deg.to(units.arcsec)
        major = header["BMAJ"] * degree
        minor = header.get("BMIN", header["BMAJ"]) * degree
        angle = header.get("BPA", 0.0)
        return _checked_beam(major, minor, angle, band, source="its header")
    if "FWHM" not in header:
        raise ValueError(
            f"The header of band {band.name!r} has neither BMAJ nor FWHM. Pass the "
            "fwhm of the band in arcsec."
        )
    width = header["FWHM"]
    if counts_pixels:
        width = width * require_pixel_size(band)
    return _checked_beam(width, width, 0.0, band, source="its header")


def read_width(width, band, name, keywords=()):
    """Return a width in the unit of length of a band, in which bare numbers are.

    Parameters
    ----------
    width : float, Quantity or str
        A text is a number with a unit, as "2.5pix".
    band : Band
    name : str
        Of the width, for errors.
    keywords : sequence of str
        What the user could have written instead, for errors.
    """
    if isinstance(width, str):
        try:
            width = units.Quantity(width)
        except (TypeError, ValueError) as error:
            number = f"a number of {band.length_unit}"
            choices = [number, "a text such as 2.5pix", *keywords]
            raise ValueError(
                f"{name} must be {', '.join(choices[:-1])} or {choices[-1]}, got "
                f"{width!r}."
            ) from error
    length = read_length(width, name)
    if band.length_unit == "arcsec":
        return to_arcsec(length, band.pixel_size, name)
    advice = "Give it in pixels (2.5pix), or pass pixel_scale in arcsec per pixel."
    return to_pixels(length, None, name, advice)


def one_pixel_scale(value, cubes):
    """Return the pixel scale (height, width) in arcsec that holds for all cubes.

    None if the user leaves it to the cubes.
    """
    if value is None:
        return None
    scale = _read_pixel_scale(value)
    if scale.shape not in [(), (2,)] or not np.all(np.isfinite(scale) & (scale > 0)):
        raise ValueError(
            "pixel_scale must be one positive number of arcsec or two (height, width), "
            f"got {value}."
        )
    scales = [cube.pixel_scale for cube in cubes if cube.pixel_scale is not None]
    if scales and not np.allclose(scales, scales[0], rtol=SAME_SIZE, atol=0):
        sides = [f"{side_of_pixel(scale):.3g}" for scale in scales]
        raise ValueError(
            "pixel_scale is one for all cubes, but by their WCS they have pixels of "
            f"{', '.join(sides[:-1])} and {sides[-1]} arcsec. Leave it out."
        )
    return np.broadcast_to(scale, 2)


def _read_pixel_scale(value):
    """Return sizes of pixels, angles or angles per pixel, as numbers of arcsec."""
    try:
        scale = units.Quantity(value)
        if scale.unit == units.dimensionless_unscaled:
            return scale.value
        if scale.unit.is_equivalent(units.arcsec / units.pixel):
            return scale.to_value(units.arcsec / units.pixel)
        return scale.to_value(units.arcsec)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"pixel_scale must be in arcsec or another angle, got {value!r}."
        ) from error


def _is_single_width(value):
    """Return whether a value is one number, Quantity or text, not several of them."""
    return not isinstance(value, list | tuple | Mapping) and np.ndim(value) == 0


def require_pixel_size(band):
    """Return the side of a square pixel of the same area in arcsec, or an error."""
    if band.pixel_size is None:
        raise ValueError(
            f"The FWHM of band {band.name!r} is known in pixels, but not how large its "
            "pixels are: there is no WCS. Pass pixel_scale in arcsec per pixel."
        )
    return band.pixel_size


def check_one_pixel_size(bands, name):
    """Check that a width in pixels is the same on the sky in all bands."""
    sizes = [band.pixel_size for band in bands if band.pixel_size is not None]
    if len(sizes) < len(bands):
        unknown = [band.name for band in bands if band.pixel_size is None]
        raise ValueError(
            f"{name} is in pixels, but nothing tells how large those of band "
            f"{unknown[0]!r} are: there is no WCS. Give it in arcsec, or pass "
            "pixel_scale in arcsec per pixel."
        )
    if not np.allclose(sizes, sizes[0], rtol=SAME_SIZE, atol=0):
        raise ValueError(
            f"{name} is in pixels, but those of the bands have sizes from "
            f"{min(sizes):.3g} to {max(sizes):.3g} arcsec. Give it in arcsec."
        )


def _checked_beam(major, minor, angle, band, source="given"):
    """Return a beam after checking its widths and its angle."""
    major = float(major)
    minor = float(minor)
    angle = float(angle)
    for width in (major, minor):
        if not 0 < width <= FULL_CIRCLE:
            raise ValueError(
                f"The FWHM of band {band.name!r} must be a positive number of "
                f"{band.length_unit}, up to a full circle, got {width}."
            )
    if minor > major or not np.isfinite(angle):
        raise ValueError(
            f"The beam of band {band.name!r} must be (major, minor, angle) with a "
            "finite angle and no minor axis above the major one, got "
            f"{major:g}, {minor:g}, {angle:g}."
        )
    return Beam(major, minor, angle, source)

# SPDX-License-Identifier: BSD-3-Clause
"""Magnitudes of pixels, and the light of lines above their continuum."""

from functools import cached_property

import numpy as np
from astropy import units

from skesom._common.noise import noise_of_negative_values
from skesom._sky.narrow_bands import band_wavelengths, describe_filter, find_continua
from skesom.cube.flux.flux_units import FluxUnitConverter

_SIGMAS = 3.0  # of the noise, as the negative values tell it
_CURVED = 0.3  # mag by which spectra of stars deviate from a line between broad bands


class Photometry:
    """Measures the pixels of a cube in memory; NaN where a flux is not positive.

    Bands that are not calibrated have instrumental magnitudes. Lines are then measured
    against a continuum that is scaled so that the median pixel has no excess.
    """

    def __init__(self, cube, continua=None):
        self.cube = cube
        self.continua = find_continua(cube, continua)
        self.wavelengths = dict(
            zip(cube.band_names, band_wavelengths(cube), strict=True)
        )
        self.filters = {name: describe_filter(name) for name in cube.band_names}

    @cached_property
    def janskys(self):
        """The worth of a value of 1 in Jy per pixel by band, NaN if unknown."""
        return {name: self._janskys(name) for name in self.cube.band_names}

    def _janskys(self, name):
        wavelength = self.wavelengths[name] * units.nm
        converter = FluxUnitConverter("Jy", wavelengths=[wavelength])
        try:
            return float(converter.fit(self.cube[[name]][:1, :1]).factors_[0])
        except ValueError:
            return np.nan

    def broad_bands(self):
        """Return the bands of known wavelength that are not narrow, blue ones first."""
        known = [n for n, nm in self.wavelengths.items() if np.isfinite(nm)]
        broad = [name for name in known if not self.filters[name].is_narrow]
        return sorted(broad, key=self.wavelengths.get)

    def is_calibrated(self, *names):
        """Tell whether all these bands are calibrated."""
        return all(np.isfinite(self.janskys[name]) for name in names)

    def magnitude(self, name):
        """Return magnitudes: AB, per square arcsec if the pixel scale is known."""
        magnitude = -2.5 * np.log10(_positive(self._plane(name)))
        if not self.is_calibrated(name):
            return magnitude
        area = np.prod(self.cube.pixel_scale or (1, 1))
        zero = (self.janskys[name] / area * units.Jy).to_value(units.ABmag)
        return magnitude + zero

    def color(self, blue, red):
        """Return the difference of magnitudes of two bands."""
        color = -2.5 * np.log10(
            _positive(self._plane(blue)) / _positive(self._plane(red))
        )
        if self.is_calibrated(blue, red):
            color -= 2.5 * np.log10(self.janskys[blue] / self.janskys[red])
        return color

    def is_line_calibrated(self, line):
        """Tell whether a line and its continuum are calibrated."""
        return self.is_calibrated(line, *self.continua[line])

    def excess(self, line):
        """Return the magnitudes of a line above its continuum."""
        flux, continuum = self._line_and_continuum(line)
        return 2.5 * np.log10(_positive(flux) / _positive(continuum))

    def line_flux(self, line):
        """Return the flux of a line without continuum, to be compared with others."""
        flux, continuum = self._line_and_continuum(line)
        return (flux - continuum) * self.filters[line].width

    def ratio(self, line, other):
        """Return the logarithm to base 10 of the ratio of the fluxes of two lines.

        NaN where one is not 3 times the noise, which is measured from negative fluxes,
        or neither exceeds its continuum by more than stars can deviate from it.
        """
        fluxes = _detected(self.line_flux(line)), _detected(self.line_flux(other))
        strong = np.fmax(self.excess(line), self.excess(other)) > _CURVED
        return np.where(strong, np.log10(fluxes[0] / fluxes[1]), np.nan)

    def _line_and_continuum(self, line):
        """Return the flux per wavelength of a line, and its continuum there."""
        bands = self.continua[line]
        # Only then a flux per wavelength, else in units of the median pixel.
        scaled = self._per_wavelength if self.is_line_calibrated(line) else self._scaled
        flux, first, last = scaled(line), scaled(bands[0]), scaled(bands[-1])
        places = [self.wavelengths[band] for band in (bands[0], line, bands[-1])]
        start, place, end = np.log(places)
        part = (place - start) / (end - start) if end != start else 0.0
        part = 0.5 if np.isnan(part) else part  # of unknown bands, that a person names
        continuum = (1 - part) * first + part * last
        positive = (first > 0) & (last > 0)  # where a power law is better
        power = first[positive] ** (1 - part) * last[positive] ** part
        continuum[positive] = power
        if not self.is_line_calibrated(line):
            continuum *= _middle(_positive(flux) / _positive(continuum))
        return flux, continuum

    def _per_wavelength(self, name):
        return self._plane(name) * (self.janskys[name] / self.wavelengths[name] ** 2)

    def _scaled(self, name):
        plane = self._plane(name)
        return plane / _middle(plane)

    def _plane(self, name):
        return np.asarray(self.cube[name], dtype=np.float64)


def _positive(values):
    """Return values, NaN where they are not positive."""
    return np.where(values > 0, values, np.nan)


def _middle(values):
    """Return the median of the values that are positive, NaN without any."""
    positive = values[values > 0]
    return np.median(positive) if positive.size else np.nan


def _detected(values):
    """Return values, NaN where they are below 3 times the noise of negative ones."""
    noise = noise_of_negative_values(values)
    return np.where(values > _SIGMAS * noise, values, np.nan)

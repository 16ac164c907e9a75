# SPDX-License-Identifier: BSD-3-Clause
"""Magnitudes of pixels, and the light of lines above their continuum."""

from functools import cached_property

import numpy as np
from astropy import units

from skesom._common.noise import noise_of_negative_values
from skesom._sky.narrow_bands import band_wavelengths, describe_filter, find_continua
from skesom.cube.flux.flux_units import FluxUnitConverter

_LEAST_SIGNAL = 3.0  # times the noise that negative fluxes tell
_CURVED = 0.3  # mag by which spectra of stars deviate from a line between broad bands


class Photometry:
    """Measures the pixels of a cube in memory; NaN where a flux is not positive.

    Bands that are not calibrated have instrumental magnitudes. Lines are then measured
    against a continuum that is scaled so that the median pixel has no excess.

    Parameters
    ----------
    cube : Cube
        Fluxes.
    continua : dict of str to str or sequence of str, "none" or None, default=None
        Continuum bands of lines, see `find_continua`.

    Attributes
    ----------
    continua : dict of str to tuple of str
        Names of the one or two continuum bands by the name of the line's band.
    wavelengths : dict of str to float
        Wavelength in nm by band, NaN where unknown.
    filters : dict of str to Filter
        What the name of each band says about its filter.
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
        """What a value of 1 is worth, in Jy per pixel by band; NaN if unknown."""
        return {name: self._value_in_janskys(name) for name in self.cube.band_names}

    def _value_in_janskys(self, name):
        wavelength = self.wavelengths[name] * units.nm
        converter = FluxUnitConverter("Jy", wavelengths=[wavelength])
        try:
            converter.fit(self.cube[[name]][:1, :1])
        except ValueError:
            return np.nan
        return float(converter.factors_[0])

    def broad_bands(self):
        """Return the bands of known wavelength that are not narrow, blue ones first."""
        broad = []
        for name, wavelength in self.wavelengths.items():
            if np.isfinite(wavelength) and not self.filters[name].is_narrow:
                broad.append(name)
        return sorted(broad, key=self.wavelengths.get)

    def is_calibrated(self, *names):
        """Return whether all these bands are calibrated."""
        return all(np.isfinite(self.janskys[name]) for name in names)

    def magnitude(self, name):
        """Return magnitudes: AB, per square arcsec if the pixel scale is known."""
        magnitude = -2.5 * np.log10(_positive(self._plane(name)))
        if not self.is_calibrated(name):
            return magnitude
        pixel_area = np.prod(self.cube.pixel_scale or (1, 1))
        flux = self.janskys[name] / pixel_area * units.Jy
        return magnitude + flux.to_value(units.ABmag)

    def color(self, blue, red):
        """Return the difference of magnitudes of two bands."""
        blue_flux = _positive(self._plane(blue))
        red_flux = _positive(self._plane(red))
        color = -2.5 * np.log10(blue_flux / red_flux)
        if self.is_calibrated(blue, red):
            color -= 2.5 * np.log10(self.janskys[blue] / self.janskys[red])
        return color

    def is_line_calibrated(self, line):
        """Return whether a line and its continuum are calibrated."""
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

        NaN where one is below 3 times the noise, which is measured from negative
        fluxes, or neither exceeds its continuum by more than stars can deviate from it.
        """
        flux = _detected(self.line_flux(line))
        other_flux = _detected(self.line_flux(other))
        is_line = np.fmax(self.excess(line), self.excess(other)) > _CURVED
        return np.where(is_line, np.log10(flux / other_flux), np.nan)

    def _line_and_continuum(self, line):
        """Return the flux per wavelength of a line, and its continuum there.

        Between two bands the continuum is a power law of the wavelength, or a straight
        line of its logarithm where a flux is not positive. A single band is taken as it
        is. If a band is not calibrated, all are in units of their median pixels.
        """
        blue = self.continua[line][0]
        red = self.continua[line][-1]
        is_calibrated = self.is_line_calibrated(line)
        scale_flux = self._per_wavelength if is_calibrated else self._per_median
        flux = scale_flux(line)
        blue_flux = scale_flux(blue)
        red_flux = scale_flux(red)

        start = np.log(self.wavelengths[blue])
        end = np.log(self.wavelengths[red])
        fraction = 0.0  # of the way from the blue band to the red one
        if start != end:
            fraction = (np.log(self.wavelengths[line]) - start) / (end - start)
        if np.isnan(fraction):  # of unknown bands, that a person names
            fraction = 0.5
        continuum = (1 - fraction) * blue_flux + fraction * red_flux
        is_positive = (blue_flux > 0) & (red_flux > 0)
        continuum[is_positive] = (
            blue_flux[is_positive] ** (1 - fraction) * red_flux[is_positive] ** fraction
        )
        if not is_calibrated:
            continuum *= _positive_median(_positive(flux) / _positive(continuum))
        return flux, continuum

    def _per_wavelength(self, name):
        """Return fluxes per wavelength, in a unit that all bands share."""
        factor = self.janskys[name] / self.wavelengths[name] ** 2
        return self._plane(name) * factor

    def _per_median(self, name):
        """Return fluxes in units of the median of the positive ones."""
        plane = self._plane(name)
        return plane / _positive_median(plane)

    def _plane(self, name):
        return np.asarray(self.cube[name], dtype=np.float64)


def _positive(values):
    """Return values, NaN where they are not positive."""
    return np.where(values > 0, values, np.nan)


def _positive_median(values):
    """Return the median of the values that are positive, NaN without any."""
    positive = values[values > 0]
    return np.median(positive) if positive.size > 0 else np.nan


def _detected(fluxes):
    """Return fluxes, NaN where they are below 3 times the noise of negative ones."""
    noise = noise_of_negative_values(fluxes)
    return np.where(fluxes > _LEAST_SIGNAL * noise, fluxes, np.nan)

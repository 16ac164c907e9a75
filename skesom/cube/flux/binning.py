# SPDX-License-Identifier: BSD-3-Clause
"""Fewer and deeper bands: means of neighboring channels of a spectrum."""

from __future__ import annotations

from functools import partial
from numbers import Integral

import numpy as np
from astropy import units
from sklearn.utils._param_validation import Interval

from skesom._common.strip_calls import map_pixels
from skesom.cube._container import Cube
from skesom.cube.base import CubeTransformer


class BandBinner(CubeTransformer):
    """Average each run of neighboring bands, such as the channels of a spectrum.

    Parameters
    ----------
    bin_size : int, default=2
        Number of bands that become one. The last bin has fewer if the number of bands
        is no multiple of it.

    Attributes
    ----------
    n_bins_ : int
        Number of bins.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the bands seen during fit.

    Raises
    ------
    ValueError
        If the bands of a bin have different units or zero points.

    Notes
    -----
    A masked value is left out of its bin; a bin without any value is NaN. Errors are
    those of a mean of independent values. A bin has the mean spectral coordinate, the
    largest FWHM, and the names of its first and last band.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.cube import BandBinner
    >>> spectra = np.array([[[1.0, 3.0, 5.0, np.nan, 4.0]]])
    >>> BandBinner().fit_transform(spectra)
    array([[[2., 5., 4.]]])
    """

    keeps_flux = True
    works_pixelwise = True

    _parameter_constraints = {"bin_size": [Interval(Integral, 1, None, closed="left")]}

    def __init__(self, bin_size: int = 2) -> None:
        self.bin_size = bin_size

    def _fit(self, X):
        n_bands = self._check_cube(X, reset=True).shape[2]
        self.n_bins_ = -(-n_bands // self.bin_size)

    def _apply(self, cube):
        starts = self.bin_size * np.arange(self.n_bins_)
        bins = [slice(start, start + self.bin_size) for start in starts]
        names, band_units, zero_points = _describe_bins(cube, bins)
        data, errors = map_pixels(
            partial(_mean, bins), cube.data, cube.errors, len(bins), n_jobs=1
        )
        return Cube(
            data,
            errors=errors,
            wcs=cube.wcs,
            pixel_scale=cube.pixel_scale if cube.wcs is None else None,
            sky_mask=cube.sky_mask,
            band_names=names,
            band_units=band_units,
            fwhm=[np.max(cube.fwhm[bands]) for bands in bins],
            zero_points=zero_points,
            band_coordinates=_mean_places(cube.band_coordinates, bins),
        )


def _mean(bins, data, errors):
    """Return the means of the bands of each bin, and their errors."""
    made = np.empty((2, *data.shape[:2], len(bins)))
    for number, bands in enumerate(bins):
        present = ~np.isnan(data[:, :, bands])
        count = _count(present)
        made[0, :, :, number] = _sum(data[:, :, bands], present) / count
        if errors is not None:
            variance = errors[:, :, bands].astype(np.float64) ** 2
            made[1, :, :, number] = np.sqrt(_sum(variance, present)) / count
    return made


def _sum(values, present):
    """Return the sums over the bands that are present."""
    return np.where(present, values, 0).sum(axis=2, dtype=np.float64)


def _count(present):
    """Return the numbers of bands that are present, NaN for none."""
    number = np.count_nonzero(present, axis=2)
    return np.where(number, number, np.nan)


def _describe_bins(cube, bins):
    """Return the names, units and zero points of the bins."""
    names, band_units, zero_points = [], [], []
    for bands in bins:
        own = cube.band_names[bands]
        names.append(own[0] if len(own) == 1 else f"{own[0]} to {own[-1]}")
        known = set(cube.band_units[bands])
        points = cube.zero_points[bands]
        if len(known) > 1 or not np.all((points == points[0]) | np.isnan(points[0])):
            raise ValueError(
                f"The bands {own[0]!r} to {own[-1]!r} of one bin have different units "
                "or zero points. Bring them to one unit with FluxUnitConverter."
            )
        band_units.append(known.pop())
        zero_points.append(points[0])
    return names, band_units, zero_points


def _mean_places(places, bins):
    """Return the mean spectral coordinates of the bins, None if unknown."""
    if places is None:
        return None
    return units.Quantity([places.value[bands].mean() for bands in bins], places.unit)

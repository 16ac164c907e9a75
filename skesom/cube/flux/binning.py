# SPDX-License-Identifier: BSD-3-Clause
"""Fewer and deeper bands: means of neighboring channels of a spectrum."""

from __future__ import annotations

import math
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
        is not a multiple of it.

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
        self.n_bins_ = math.ceil(n_bands / self.bin_size)

    def _apply(self, cube):
        starts = self.bin_size * np.arange(self.n_bins_)
        bins = [slice(start, start + self.bin_size) for start in starts]
        _refuse_unlike_bands(cube, bins)
        data, errors = map_pixels(
            partial(_average_bins, bins=bins),
            cube.data,
            cube.errors,
            n_bands=len(bins),
            n_jobs=1,
        )
        coordinates = cube.band_coordinates
        if coordinates is not None:
            means = [coordinates.value[bands].mean() for bands in bins]
            coordinates = units.Quantity(means, coordinates.unit)
        return Cube(
            data,
            errors=errors,
            wcs=cube.wcs,
            pixel_scale=cube.pixel_scale if cube.wcs is None else None,
            sky_mask=cube.sky_mask,
            band_names=[_name_bin(cube.band_names[bands]) for bands in bins],
            band_units=[cube.band_units[start] for start in starts],
            fwhm=[np.max(cube.fwhm[bands]) for bands in bins],
            zero_points=[cube.zero_points[start] for start in starts],
            band_coordinates=coordinates,
        )


def _average_bins(data, errors, *, bins):
    """Return the means of the bands of each bin, and their errors.

    Parameters
    ----------
    data : ndarray of shape (n_rows, n_columns, n_bands)
        Fluxes; NaN does not count.
    errors : ndarray of shape (n_rows, n_columns, n_bands) or None
        Their standard deviations.
    bins : list of slice
        Bands of each bin.

    Returns
    -------
    means, mean_errors : ndarray of shape (n_rows, n_columns, n_bins)
        NaN where a bin has no value. Errors are None without errors.
    """
    shape = (*data.shape[:2], len(bins))
    means = np.empty(shape)
    mean_errors = None if errors is None else np.empty(shape)
    for number, bands in enumerate(bins):
        is_present = ~np.isnan(data[:, :, bands])
        n_present = np.count_nonzero(is_present, axis=2).astype(np.float64)
        n_present[n_present == 0] = np.nan
        total = _sum_bands(data[:, :, bands], is_present)
        means[:, :, number] = total / n_present
        if errors is not None:
            variance = errors[:, :, bands].astype(np.float64) ** 2
            total_variance = _sum_bands(variance, is_present)
            mean_errors[:, :, number] = np.sqrt(total_variance) / n_present
    return means, mean_errors


def _sum_bands(values, is_present):
    """Return the sums over the bands that are present."""
    return np.where(is_present, values, 0).sum(axis=2, dtype=np.float64)


def _name_bin(names):
    """Return the name of a bin of bands."""
    if len(names) == 1:
        return names[0]
    return f"{names[0]} to {names[-1]}"


def _refuse_unlike_bands(cube, bins):
    """Refuse a bin whose bands have different units or zero points."""
    for bands in bins:
        names = cube.band_names[bands]
        zero_points = cube.zero_points[bands]
        first = zero_points[0]
        has_one_unit = len(set(cube.band_units[bands])) == 1
        has_one_zero_point = np.isnan(first) or np.all(zero_points == first)
        if not has_one_unit or not has_one_zero_point:
            raise ValueError(
                f"The bands {names[0]!r} to {names[-1]!r}, which share a bin, have "
                "different units or zero points. Bring them to one unit with "
                "FluxUnitConverter."
            )

# SPDX-License-Identifier: BSD-3-Clause
"""What a fitted color scaler does to the pixels of a cube, and to their errors."""

from functools import cache
from typing import NamedTuple

import numpy as np

from skesom._common.strips import around, strips_of
from skesom._common.thread_pools import in_threads
from skesom._common.threads import one_blas_thread
from skesom.cube.flux._averages import average_around, noise_in_common, reach_of
from skesom.cube.flux._scaled_spectra import BandScaling, brightness_of


class _Between(NamedTuple):
    """Where pixels lie between two levels of brightness."""

    lower: np.ndarray  # number of the level below, shape (n_pixels,)
    upper: np.ndarray  # number of the level above, the same beyond the last one
    fraction: np.ndarray  # of the way from the lower one, shape (n_pixels, 1)


class _Projections(NamedTuple):
    """Matrices that propagate the variances of bands, of pixels of one level.

    Weights change linearly from a level to the next. Pixels at a fraction f of the way
    have the matrix A + f B, with A of the weights of the level and B of the steps to
    the next. Variances go through the squares of its entries, so three sums are kept:
    A * A, A * B and B * B. All have the shape (n_bands, n_bands).
    """

    weight_squares: np.ndarray
    cross_products: np.ndarray
    step_squares: np.ndarray
    pixel_weights: np.ndarray  # A and B of what an average shares with its own pixel
    pixel_steps: np.ndarray


class ColorFilter:
    """Multiplies the principal components of spectra by weights.

    The weights of a pixel are those of the two levels of brightness between which it
    lies, interpolated. Components may be averaged under a Gaussian before.

    Parameters
    ----------
    scaler : ColorScaler
        A fitted scaler. Its attributes are taken as they are now, because a lazy cube
        is computed later.

    Attributes
    ----------
    reach : int
        Number of rows around a pixel that have an influence on it.
    """

    def __init__(self, scaler):
        self._scaling = BandScaling(scaler.mean_, scaler.scale_)
        self._components = np.ascontiguousarray(scaler.components_[self._scaling.order])
        self._levels = scaler.brightness_
        self._weights = scaler.weights_
        self._widths = scaler.widths_
        # From each level to the next one, 0 from the last.
        weights = scaler.weights_
        self._steps = np.append(weights[1:], weights[-1:], axis=0) - weights
        self.reach = reach_of(self._widths)

    def filter_pixels(self, data, errors):
        """Return the filtered fluxes and errors (or None) of some rows.

        Each pixel is made of its own bands alone.
        """
        return self._filter(data, errors, scores=None)

    def filter_strip(self, data, errors, rows):
        """Return the filtered fluxes and errors (or None) of a strip of averages.

        `data` and `errors` are whole cubes, or such as are indexed like them.
        """
        near = around(rows, self.reach)
        inner = slice(rows.start - near.start, rows.stop - near.start)
        data = data[near]
        scores, levels = self._find_scores(data)
        # A pixel between two levels is averaged as the fainter one.
        widths = np.moveaxis(self._widths[levels[inner]], 2, 0)
        averages = average_around(scores, widths, inner)
        if errors is not None:
            errors = errors[near][inner]
        return self._filter(data[inner], errors, averages)

    def _find_scores(self, data):
        """Return the values of the components in some rows, and the lower levels.

        Shapes (n_components, n_rows, n_columns) and (n_rows, n_columns). Values are NaN
        where a pixel lacks all bands; a single band that is missing counts as its mean.
        """
        n_components = self._components.shape[1]
        scores = np.empty((n_components, *data.shape[:2]), dtype=data.dtype)
        levels = np.empty(data.shape[:2], dtype=int)

        def find_scores(block):
            for row in range(block.start, block.stop):
                spectra = self._scaling.scale(data[row])
                levels[row] = self._find_levels(spectra).lower
                is_missing = np.isnan(spectra)
                spectra[is_missing] = 0
                scores[:, row] = (spectra @ self._components).T
                scores[:, row, is_missing.all(axis=1)] = np.nan

        with one_blas_thread():
            in_threads(find_scores, strips_of(data.shape, "block"), n_jobs=-1)
        return scores, levels

    def _filter(self, data, errors, scores):
        """Return filtered fluxes and errors, of scores (n_components, ...) if any."""
        filtered = np.empty_like(data)
        filtered_errors = None if errors is None else np.empty_like(data)
        order = self._scaling.order
        inverse_order = np.argsort(order)
        # Of many bands, making these takes longer than the rest of a row.
        find_projections = cache(self._find_projections)
        with one_blas_thread():
            for row in range(len(data)):
                spectra = self._scaling.scale(data[row])
                between = self._find_levels(spectra)
                is_missing = np.isnan(spectra)
                spectra[is_missing] = 0
                if scores is None:
                    row_scores = spectra @ self._components
                else:
                    row_scores = np.ascontiguousarray(scores[:, row].T)
                steps = self._steps.take(between.lower, axis=0)
                weights = self._weights.take(between.lower, axis=0)
                weights = weights + between.fraction * steps
                product = (row_scores * weights) @ self._components.T
                product[is_missing] = np.nan
                filtered[row] = product.take(inverse_order, axis=1)
                if errors is None:
                    continue
                variance = ((errors[row] / self._scaling.deviation) ** 2)[:, order]
                variance[np.isinf(variance)] = np.nan  # unknown, too
                variance[is_missing] = 0
                slopes = self._find_slopes(row_scores, steps, between)
                slopes /= np.maximum((~is_missing).sum(axis=1, keepdims=True), 1)
                variance = _propagate(variance, slopes, between, find_projections)
                variance[is_missing] = np.nan
                filtered_errors[row][:, order] = np.sqrt(variance)
        return filtered, filtered_errors

    def _find_levels(self, spectra):
        """Return between which levels of brightness spectra lie."""
        numbers = np.arange(len(self._levels))
        brightness = brightness_of(spectra)
        position = np.nan_to_num(np.interp(brightness, self._levels, numbers))
        lower = position.astype(int)
        upper = np.minimum(lower + 1, numbers[-1])
        return _Between(lower, upper, (position - lower)[:, np.newaxis])

    def _find_slopes(self, scores, steps, between):
        """Return the derivatives of filtered bands by the brightness of a pixel.

        Weights change with the brightness, and so do the filtered bands, even of the
        same scores. Shape (n_pixels, n_bands), 0 outside the levels.
        """
        gaps = self._levels[between.upper] - self._levels[between.lower]
        is_inside = (gaps > 0) & (between.fraction[:, 0] > 0)
        gaps[~is_inside] = np.inf
        return (scores * steps / gaps[:, np.newaxis]) @ self._components.T

    def _find_projections(self, level):
        """Return the matrices of a level, see `_Projections`.

        A component that is averaged under one Gaussian and another one under a second
        have only a part of their noise in common.
        """
        widths = self._widths[level]
        weight_matrices = {}
        step_matrices = {}
        for width in np.unique(widths):
            has_width = widths == width
            components = self._components[:, has_width]
            weights = components * self._weights[level][has_width]
            weight_matrices[width] = weights @ components.T
            steps = components * self._steps[level][has_width]
            step_matrices[width] = steps @ components.T
        n_bands = len(self._components)
        weight_squares = np.zeros((n_bands, n_bands))
        cross_products = np.zeros((n_bands, n_bands))
        step_squares = np.zeros((n_bands, n_bands))
        pixel_weights = np.zeros((n_bands, n_bands))
        pixel_steps = np.zeros((n_bands, n_bands))
        for first in weight_matrices:
            for second in weight_matrices:
                share = noise_in_common(first, second)
                first_weights = share * weight_matrices[first]
                weight_squares += first_weights * weight_matrices[second]
                cross_products += first_weights * step_matrices[second]
                first_steps = share * step_matrices[first]
                step_squares += first_steps * step_matrices[second]
            share = noise_in_common(0, first)
            pixel_weights += share * weight_matrices[first]
            pixel_steps += share * step_matrices[first]
        return _Projections(
            weight_squares=weight_squares,
            cross_products=cross_products,
            step_squares=step_squares,
            pixel_weights=pixel_weights,
            pixel_steps=pixel_steps,
        )


def _propagate(variance, slopes, between, find_projections):
    """Return the variances of filtered bands, to first order.

    The filtered band i is sum_j A_ij x_j, and A changes with the mean brightness of the
    x_j by the slope s_i. So its variance is sum_j (A_ij + s_i)^2 var(x_j).

    Parameters
    ----------
    variance : ndarray of shape (n_pixels, n_bands)
        Variances of the scaled bands.
    slopes : ndarray of shape (n_pixels, n_bands)
        Derivatives of the filtered bands by any of the scaled ones, through the
        brightness.
    between : _Between
        Levels of the pixels.
    find_projections : callable
        Returns the matrices of a level.
    """
    propagated = np.empty_like(variance)
    for level in np.unique(between.lower).tolist():
        matrices = find_projections(level)
        is_here = between.lower == level
        values = variance[is_here]
        fraction = between.fraction[is_here]
        slope = slopes[is_here]
        squares = values @ matrices.weight_squares
        squares += 2 * fraction * (values @ matrices.cross_products)
        squares += fraction**2 * (values @ matrices.step_squares)
        sums = values @ matrices.pixel_weights
        sums += fraction * (values @ matrices.pixel_steps)
        total = values.sum(axis=1, keepdims=True)
        propagated[is_here] = squares + 2 * slope * sums + slope**2 * total
    return np.maximum(propagated, 0)  # rounding

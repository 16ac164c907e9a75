# SPDX-License-Identifier: BSD-3-Clause
"""Winners by fluxes and their errors, whatever the brightness of a sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array, gen_batches

from skesom._common.masked import filled
from skesom._common.threads import one_blas_thread
from skesom.som.docstrings import fill_docstrings
from skesom.som.input import check_errors
from skesom.som.metric import Metric

_PRODUCTS_AT_A_TIME = 2**16  # of float64: they stay in the cache
_TINY = np.finfo(np.float64).tiny
_ROUNDING = 16 * np.finfo(np.float64).eps  # of a sum of products, for each feature


@fill_docstrings
def scaled_winners(
    X: ArrayLike,
    units: ArrayLike,
    errors: ArrayLike,
    *,
    scale_error: float = np.inf,
    return_distance: bool = False,
) -> NDArray[np.intp] | Any:
    """Find the unit that, made brighter or fainter, fits the fluxes of a sample best.

    The winner has, over all units u and factors a >= 0, the least ::

        chi^2 = sum over bands ((x - a u) / error)^2 + ((a - 1) / scale_error)^2

    Errors count as they are in fluxes, and colors need no band of reference.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Linear fluxes, negative ones too; NaN marks missing bands.
    units : array-like of shape (n_units, n_features)
        Fluxes of the units, in the units of X; of any brightness if `scale_error` is
        infinite, as from colors.
    errors : array-like of shape (n_samples, n_features)
        Standard deviations of X; add some per cent of the flux in quadrature for the
        width of a unit. A value of infinite error is missing; an error of a value that
        is NaN, 0 or negative is refused.
    scale_error : float, default=inf
        Standard deviation of the factor around 1, above 0. Infinite leaves it free; .7
        lets brightness count, if units are as bright as their samples.
    return_distance : bool, default=False
        Whether to return the distances too.

    Returns
    -------
    winners : ndarray of shape (n_samples,), dtype intp
        The lowest number if several fit as well, as all do where no factor above 0 is
        better than 0; -1 without any present band.
    distances : ndarray of shape (n_samples,), dtype float64
        Value of chi times sqrt(n_features / number of present bands), NaN where a
        winner is -1; only if `return_distance` is true.

    Raises
    ------
    ValueError
        For infinite values, errors that are not positive, units that are not finite, or
        tables that do not fit together.

    See Also
    --------
    CSOM.winners : By chi^2 of colors or magnitudes.

    Notes
    -----
    The best factor of a unit is (F + p) / (W + p), or 0 if this is negative, with F =
    sum x u / error^2, W = sum u^2 / error^2 and p = 1 / scale_error^2: so the minimum
    is exact, and takes two matrix products. Sanchez et al. [1]_ search the factor on a
    grid, with a distance of asinh fluxes and a normal distribution of ln a.

    References
    ----------
    .. [1] Sanchez, C., Raveri, M., Alarcon, A. & Bernstein, G. M. (2020), "Propagating
       sample variance uncertainties in redshift calibration", arXiv:2004.09542

    Examples
    --------
    A map of colors; its units are fluxes again, with 1 in the band r:

    >>> import numpy as np
    >>> from skesom.som import CSOM, scaled_winners
    >>> rng = np.random.default_rng(0)
    >>> color = rng.uniform(0, 2, (500, 2))  # g - r and r - i
    >>> csom = CSOM(shape=(6, 6)).fit(color)
    >>> g_r, r_i = csom.codebook_.T
    >>> units = 10 ** (-0.4 * np.column_stack([g_r, 0 * g_r, -r_i]))
    >>> fluxes = units[7] * np.array([[3.0], [0.5]])
    >>> scaled_winners(fluxes, units, 0.1 * fluxes)
    array([7, 7])
    """
    X = filled(X)
    X = check_array(X, dtype=np.float64, ensure_all_finite="allow-nan", input_name="X")
    units = check_array(filled(units), dtype=np.float64, input_name="units")
    if units.shape[1] != X.shape[1]:
        raise ValueError(
            f"units has {units.shape[1]} features, and X has {X.shape[1]}."
        )
    if not scale_error > 0:
        raise ValueError(f"scale_error must be above 0, got {scale_error!r}.")
    X, errors = check_errors(errors, X, Metric())
    known = ~np.isnan(X).all(axis=1)
    winners = np.full(len(X), -1, dtype=np.intp)
    distances = np.full(len(X), np.nan)
    # The factor is one more band: it is 1 in all, with the error scale_error.
    templates = np.column_stack([units, np.ones(len(units))])
    with one_blas_thread():
        for rows in gen_batches(len(X), max(1, _PRODUCTS_AT_A_TIME // len(units))):
            some = known[rows]
            values = np.insert(X[rows][some], X.shape[1], 1.0, axis=1)
            widths = np.insert(errors[rows][some], X.shape[1], scale_error, axis=1)
            found = _best_fits(values, widths, templates)
            winners[rows][some], distances[rows][some] = found
    distances *= np.sqrt(X.shape[1] / np.maximum((~np.isnan(X)).sum(axis=1), 1))
    return (winners, distances) if return_distance else winners


def _best_fits(values, widths, templates):
    """Return the template that fits each sample best, and chi."""
    present = ~np.isnan(values)
    values = np.where(present, values, 0.0)
    precision = np.where(present, widths, np.inf) ** -2.0
    gains = (values * precision) @ templates.T
    squares = precision @ (templates**2).T
    np.square(np.maximum(gains, 0.0, out=gains), out=gains)
    gains /= np.maximum(squares, _TINY, out=squares)  # how far chi^2 is below that of 0
    # What a matrix product rounds off depends on how tables are cut: units that may be
    # the best are measured again, value by value.
    total = (values**2 * precision).sum(axis=1)
    slack = _ROUNDING * values.shape[1] * total
    samples, units = np.nonzero(gains >= (gains.max(axis=1) - slack)[:, np.newaxis])
    values, precision = values[samples], precision[samples]
    chosen = templates[units]
    factors = (values * chosen * precision).sum(axis=1)
    factors = np.maximum(factors, 0.0)
    factors /= np.maximum((chosen**2 * precision).sum(axis=1), _TINY)
    apart = values - factors[:, np.newaxis] * chosen
    chi_squares = (apart**2 * precision).sum(axis=1)
    order = np.lexsort((units, chi_squares, samples))
    best = order[np.searchsorted(samples[order], np.arange(len(present)))]
    return units[best], np.sqrt(chi_squares[best])

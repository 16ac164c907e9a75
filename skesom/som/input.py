# SPDX-License-Identifier: BSD-3-Clause
"""Checks of tables with missing features, in memory or lazy, their weights, errors."""

import os
from functools import partial

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    _check_sample_weight,
    validate_data,
)

from skesom._common.lazy import add_up, blocks_of, check_chunks, is_lazy
from skesom._common.masked import filled
from skesom._common.warn import warn_user
from skesom.som._row_order import some_rows
from skesom.som.codebook import exponent_for, largest_row

_NOT_POSITIVE = (
    "must be positive wherever X has a value",
    "An infinite error leaves a value out, as NaN in X does",
)
_TOO_SMALL = (
    "are too small for their squares",
    "Scale X and errors, or add the systematic error of the measurement",
)


def random_generator(random_state):
    """Return the RandomState to draw from; None is a fresh one, not NumPy's global."""
    fresh = random_state is None
    return np.random.RandomState() if fresh else check_random_state(random_state)


def check_training_samples(som, X, *, reset=True):
    """Return X as the kernels need it; refuse tables that no map can learn from."""
    dtype = None if reset else som.codebook_.dtype
    X = checked_table(som, _native(X), dtype, reset=reset)
    som._exponent = _checked_exponent(X)
    check_observed(som, X, each=reset)
    return X


def checked_table(estimator, X, dtype, *, reset, allow_nan=True):
    """Return whole rows of floats, compared with the features of the fit."""
    name = type(estimator).__name__
    if issparse(X):
        raise TypeError(
            f"{name} takes no sparse table: reduce its columns before, by "
            "sklearn.decomposition.TruncatedSVD, or give X.toarray() if it is small. "
            "If a step before makes it, set sparse_output=False in a OneHotEncoder, "
            "and sparse_threshold=0 in a ColumnTransformer."
        )
    if isinstance(X, str | os.PathLike):
        raise TypeError(
            f"{name} takes a table of numbers, got the path {os.fspath(X)!r}: read the "
            "file before, such as by pandas.read_csv or astropy.table.Table.read."
        )
    if is_lazy(X):
        X = lazy_table(X, name, dtype, allow_nan=allow_nan)
        _check_n_features(estimator, X, reset=reset)
        _check_feature_names(estimator, X, reset=reset)
        return X
    return validate_data(
        estimator,
        filled(X),
        dtype=dtype or [np.float64, np.float32],
        order="C",
        ensure_all_finite="allow-nan" if allow_nan else True,
        reset=reset,
    )


def lazy_table(X, name, dtype=None, *, allow_nan=True):
    """Return a dask array whose chunks are whole rows, checked when they are made."""
    if X.ndim != 2:
        raise ValueError(f"{name} takes a table of two axes, got shape {X.shape}.")
    check_chunks(X, name)
    if 0 in X.shape:
        raise ValueError(f"{name} got an empty table of shape {X.shape}.")
    if X.numblocks[1] > 1:
        warn_user(
            f"{name} takes whole rows, but the dask array is cut into "
            f"{X.numblocks[1]} parts along the features: it is put together again. Cut "
            "it along the rows only, as in X.rechunk({1: -1}).",
            UserWarning,
        )
    wanted = X.dtype
    if dtype is None:
        known = wanted.newbyteorder("=")
        dtype = known if known in (np.float32, np.float64) else np.dtype(np.float64)
    X = X.rechunk({0: tuple(n for n in X.chunks[0] if n), 1: -1})
    check = partial(_checked_chunk, wanted=wanted, to=dtype, allow_nan=allow_nan)
    return X.map_blocks(check, dask_firsts(X), dtype=dtype)


def dask_firsts(X):
    """Return the number of the first row of each chunk, as an array of such chunks."""
    from dask.array import from_array

    firsts = np.cumsum((0, *X.chunks[0][:-1]))[:, np.newaxis]
    return from_array(firsts, chunks=1)


def _checked_chunk(X, first, wanted, to, allow_nan):
    """Return a chunk of floats; refuse infinities, and another type than promised."""
    first = int(first[0, 0])
    if X.dtype != wanted:
        raise ValueError(
            f"The rows from {first} on are {X.dtype}, but the dask array is {wanted}. "
            f"Make its blocks of one kind, as in X.map_blocks(np.asarray, "
            f'dtype="{wanted}").'
        )
    X = np.ascontiguousarray(filled(X), dtype=to)
    for rows in blocks_of(len(X)):
        wrong = np.isinf(X[rows]) if allow_nan else ~np.isfinite(X[rows])
        if wrong.any():
            row, feature = np.argwhere(wrong)[0]
            advice = "Replace infinities by NaN, which marks missing features."
            raise ValueError(
                f"X is {X[rows][row, feature]} in row {first + rows.start + row}, "
                f"column {feature}. {advice if allow_nan else 'Fill it in first.'}"
            )
    return X


def check_weights(som, sample_weight, X, *, reset=True):
    """Return the weights as float64, or None; refuse them if they are all zero."""
    if sample_weight is None:
        return None
    if is_lazy(X):
        sample_weight = _of_rows(sample_weight, X, "sample_weight").map_blocks(
            _checked_chunk_of_weights, dask_firsts(X)[:, 0], dtype=np.float64
        )
    else:
        sample_weight = _checked_weights(sample_weight, X)
    used = without_idle(X, sample_weight)
    if not _observed(used).any():
        raise ValueError(
            "All samples that have any present feature have zero weight: a "
            "'sample_weight' above zero is needed."
        )
    n_samples = add_up(number_above_0, sample_weight)[0]
    check_observed(som, used, each=reset, n_samples=n_samples)
    return sample_weight


def _of_rows(values, X, name):
    """Return weights or errors of the rows of a dask array, cut as it is."""
    from dask.array import asarray

    values = asarray(values)
    shape = X.shape[: values.ndim]
    if values.shape != shape:
        raise ValueError(f"{name!r} must have the shape {shape}. Got {values.shape}.")
    return values.rechunk(X.chunks[: values.ndim])


def _checked_weights(weights, X):
    weights = filled(weights)
    return _check_sample_weight(weights, X, dtype=np.float64, ensure_non_negative=True)


def _checked_chunk_of_weights(weights, first):
    try:
        return _checked_weights(weights, np.empty((len(weights), 0)))
    except ValueError as error:
        message = f"'sample_weight' is wrong in a row from {first[0]} on. {error}"
        raise ValueError(message) from error


def number_above_0(weights):
    """Count the weights that are not 0; a tuple of one."""
    return (np.count_nonzero(weights > 0),)


def without_idle(X, sample_weight):
    """Return samples without the features of those whose weight is 0."""
    if sample_weight is None:
        return X
    if is_lazy(X):
        return X.map_blocks(without_idle, sample_weight[:, np.newaxis], dtype=X.dtype)
    idle = sample_weight.ravel() == 0
    return np.where(idle[:, np.newaxis], X.dtype.type(np.nan), X) if idle.any() else X


def check_errors(errors, X, metric):
    """Return X without values of infinite error, and errors of its dtype or None."""
    if errors is None:
        return X, None
    if not metric.takes_errors:
        raise ValueError(
            "Measurement 'errors' weigh squared differences: they need "
            f"metric='euclidean', got metric={metric.name!r}."
        )
    if is_lazy(X):
        errors = _of_rows(errors, X, "errors").map_blocks(filled).astype(X.dtype)
        firsts = dask_firsts(X)
        X = X.map_blocks(_without_uncertain, errors, firsts, dtype=X.dtype)
        return X, errors
    errors = check_array(
        _native(errors),
        dtype=X.dtype,
        order="C",
        ensure_all_finite=False,
        input_name="errors",
    )
    if errors.shape != X.shape:
        raise ValueError(
            f"'errors' must have the shape of X, {X.shape}. Got {errors.shape}."
        )
    return _without_uncertain(X, errors), errors


def _without_uncertain(X, errors, first=((0,),)):
    """Return X without values of infinite error; refuse errors that are none."""
    most = np.sqrt(np.finfo(X.dtype).max)  # 1 / error^2 is 0 beyond
    checked = X
    for rows in blocks_of(len(X)):
        values, present, some = np.abs(X[rows]), ~np.isnan(X[rows]), errors[rows]
        start = int(first[0][0]) + rows.start
        _refuse_errors(present & ~(some > 0), some, start, _NOT_POSITIVE)
        small = some < 100 * np.maximum(values, 1) / most
        _refuse_errors(present & small, some, start, _TOO_SMALL)
        idle = present & (some >= most)
        if idle.any():
            checked = X.copy() if checked is X else checked
            checked[rows][idle] = np.nan
    return checked


def _refuse_errors(wrong, errors, first, complaint):
    problem, advice = complaint
    if wrong.any():
        row, feature = np.argwhere(wrong)[0]
        raise ValueError(
            f"'errors' {problem}. Got {errors[row, feature]} in row {first + row}, "
            f"column {feature}. {advice}."
        )


def check_observed(som, X, *, each, n_samples=None):
    """Refuse features that no sample has; in a stream only all together."""
    observed = _observed(X)
    if observed.all() or (observed.any() and not each):
        return
    raise ValueError(
        f"{type(som).__name__} got {np.count_nonzero(~observed)} features that "
        f"are NaN in all {n_samples or len(X)} samples: columns "
        f"{np.flatnonzero(~observed).tolist()}. Leave them out."
    )


def _observed(X):
    """Return which features any sample has."""
    return add_up(_counts_of_features, X)[0] > 0


def _counts_of_features(X):
    return ((~np.isnan(largest_row(X))).sum(axis=0),)


def _checked_exponent(X):
    """Return the power of 2 by which squares of distances fit, or refuse the scale."""
    some = some_rows(X)
    least, most = (float(f.reduce(some, axis=None)) for f in (np.fmin, np.fmax))
    bound = float(np.sqrt(np.finfo(np.float64).max)) / 100
    if most - least > bound or 0 < most - least < 1 / bound:  # NaN: all is missing
        raise ValueError(
            f"The features span {most - least:.3g}, and squares of such distances do "
            "not fit into numbers. Scale the features first."
        )
    return exponent_for(some)


def _native(X):
    """Return an array in native byte order, as FITS data are not, and without mask."""
    X = filled(X)
    if isinstance(X, np.ndarray) and not X.dtype.isnative:
        return X.astype(X.dtype.newbyteorder("="))
    return X

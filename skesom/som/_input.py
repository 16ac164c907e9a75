# SPDX-License-Identifier: BSD-3-Clause
"""Checks of tables with missing features, their weights and errors; warnings."""

import sys
import warnings

import numpy as np
from sklearn.utils import check_array, check_random_state, gen_batches
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

_ROWS_AT_A_TIME = 65536
_TABLE = {"order": "C", "ensure_all_finite": "allow-nan"}
_INSIDE = ("skesom", "sklearn")


def random_generator(random_state):
    """Return the RandomState to draw from; None is a fresh one, not NumPy's global."""
    fresh = random_state is None
    return np.random.RandomState() if fresh else check_random_state(random_state)


def check_samples(som, X):
    """Return X as the kernels need it, compared with the fitted features."""
    check_is_fitted(som)
    return validate_data(som, X, dtype=som.codebook_.dtype, reset=False, **_TABLE)


def check_training_samples(som, X, *, reset=True):
    """Return X as the kernels need it; refuse what a map cannot learn from."""
    dtype = [np.float64, np.float32] if reset else som.codebook_.dtype
    X = validate_data(som, _native(X), dtype=dtype, reset=reset, **_TABLE)
    _check_span(X)
    check_observed(som, X, each=reset)
    return X


def check_weights(som, sample_weight, X, *, reset=True):
    """Return the weights as float64, or None; refuse them if they are all zero."""
    if sample_weight is None:
        return None
    sample_weight = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    _, used = with_weight(sample_weight, X)
    if np.isnan(used).all():
        raise ValueError(
            "All samples that have any present feature have zero weight: a "
            "'sample_weight' above zero is needed."
        )
    check_observed(som, used, each=reset)
    return sample_weight


def check_errors(errors, X, metric):
    """Return X without values of infinite error, and errors of its dtype or None."""
    if errors is None:
        return X, None
    if not metric.takes_errors:
        raise ValueError(
            "Measurement 'errors' weigh squared differences: they need "
            f"metric='euclidean', got metric={metric.name!r}."
        )
    how = {"order": "C", "ensure_all_finite": False, "input_name": "errors"}
    errors = check_array(_native(errors), dtype=X.dtype, **how)
    if errors.shape != X.shape:
        raise ValueError(
            f"'errors' must have the shape of X, {X.shape}. Got {errors.shape}."
        )
    most = np.sqrt(np.finfo(X.dtype).max)  # 1 / error^2 is 0 beyond
    checked = X
    for rows in gen_batches(len(X), _ROWS_AT_A_TIME):
        values, present = np.abs(X[rows]), ~np.isnan(X[rows])
        _refuse_error(
            *(present & ~(errors[rows] > 0), errors, rows),
            "must be positive wherever X has a value",
            "An infinite error leaves a value out, as NaN in X does",
        )
        _refuse_error(
            present & (errors[rows] < 100 * np.maximum(values, 1) / most),
            *(errors, rows, "are too small for their squares"),
            "Scale X and errors, or add the systematic error of the measurement",
        )
        idle = present & (errors[rows] >= most)
        if idle.any():
            checked = X.copy() if checked is X else checked
            checked[rows][idle] = np.nan
    return checked, errors


def _refuse_error(wrong, errors, rows, problem, advice):
    if wrong.any():
        row, feature = np.argwhere(wrong)[0]
        raise ValueError(
            f"'errors' {problem}. Got {errors[rows][row, feature]} in row "
            f"{rows.start + row}, column {feature}. {advice}."
        )


def with_weight(sample_weight, *tables):
    """Return the weights of the samples that have any, and their rows."""
    if sample_weight is None or sample_weight.all():
        return sample_weight, *tables
    used = sample_weight > 0
    return sample_weight[used], *(t if t is None else t[used] for t in tables)


def check_observed(som, X, *, each):
    """Refuse features that no sample has; in a stream only all together."""
    observed = np.zeros(X.shape[1], dtype=bool)
    for rows in gen_batches(len(X), _ROWS_AT_A_TIME):
        observed |= ~np.isnan(X[rows]).all(axis=0)
        if observed.all() or (observed.any() and not each):
            return
    raise ValueError(
        f"{type(som).__name__} got {np.count_nonzero(~observed)} features that "
        f"are NaN in all {len(X)} samples: columns "
        f"{np.flatnonzero(~observed).tolist()}. Leave them out."
    )


def _check_span(X):
    """Refuse values so large or small that the squares of distances are lost."""
    some = X[:: max(1, len(X) // 65536)]
    some = some[~np.isnan(some)]
    if some.size == 0:
        return
    span = float(some.max()) - float(some.min())
    most = float(np.sqrt(np.finfo(X.dtype).max)) / 100
    if span > most or 0 < span < 1 / most:
        raise ValueError(
            f"The features span {span:.3g}, and squares of such distances do not fit "
            f"into {X.dtype}. Scale the features first, or pass float64."
        )


def _native(X):
    """Return an array in native byte order; FITS data are big-endian."""
    if isinstance(X, np.ndarray) and not X.dtype.isnative:
        return X.astype(X.dtype.newbyteorder("="))
    return X


def warn_user(message, category):
    """Warn about the line that called skesom, or scikit-learn on the way to it."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in _INSIDE:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)

# SPDX-License-Identifier: BSD-3-Clause
"""Contents of the units of a map: a row for each unit, or columns of a catalog."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skesom._common.estimator import check_estimator
from skesom._common.lazy import ROWS, add_up, is_lazy, take_rows
from skesom._common.masked import filled
from skesom._common.pipelines import map_inside
from skesom._types import DataFrame, Errors, Table
from skesom.som._map_regressor import sums_by_unit
from skesom.som.docstrings import fill_docstrings

_NAMES = ("unit", "cluster", "distance")


@fill_docstrings
def unit_table(
    som: BaseEstimator,
    X: ArrayLike,
    values: ArrayLike | None = None,
    *,
    weights: ArrayLike | None = None,
    errors: Errors = None,
) -> Table:
    """Count samples by unit, and return mean and scatter of a target in each unit.

    Parameters
    ----------
    som : ESOM, CSOM or Pipeline
        A fitted map, or an estimator that ends in one.
    X : array-like or dask array of shape (n_samples, n_features) or (n_samples,)
        Samples; NaN marks missing features. With one axis, the unit of each sample, as
        `winners` and `unit_columns` find it; negative ones are left out. A dask array
        may be larger than memory: the scheduler that is set computes it.
    values : array-like or dask array of shape (n_samples,) or (n_samples, n_targets), \
default=None
        A target, such as the redshift, or several. NaN, or masked, is unknown and left
        out.
    weights : array-like or dask array of shape (n_samples,), default=None
        How much each sample counts, not negative; 1 by default.
    %(errors)s For the map itself, not a Pipeline.

    Returns
    -------
    table : astropy.table.Table
        A row for each unit, with the columns

        - ``unit``, int32, from 0, and ``cluster``, int32;
        - ``count``, int64: samples whose nearest unit it is;
        - ``weight``, float64: the sum of their weights;

        and, of shape (n_units,) or (n_units, n_targets), if there are values,

        - ``n_values``, int64: those with a known target and a weight above 0;
        - ``mean``, float64: of the target, by the weights; NaN without any;
        - ``scatter``, float64: standard deviation around the mean, by the weights.

        Samples without any present feature are in no row.

    Raises
    ------
    ValueError
        For weights that are negative or not finite, infinite targets, arrays of
        different lengths, or data that the map refuses.

    See Also
    --------
    unit_columns : Unit, cluster and distance of each object of a catalog.
    MapRegressor : Predict the target, also from neighbors on the lattice.

    Notes
    -----
    Sums are float64 over blocks of 65536 rows, added up as one tree: the same bits in
    memory and from a dask array of any chunks. The mean redshift of a unit calibrates
    photometric redshifts [1]_, if its ``n_values`` is not 0 [2]_.

    References
    ----------
    .. [1] Masters, D. et al. (2015), "Mapping the galaxy color-redshift relation",
       ApJ 813, 53, doi:10.1088/0004-637X/813/1/53
    .. [2] Wright, A. H. et al. (2020), "Photometric redshift calibration with
       self-organising maps", A&A 637, A100, arXiv:1909.09632

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.som import CSOM, unit_table
    >>> z = np.linspace(0, 1, 500)
    >>> colors = np.column_stack([np.sin(3 * z), np.cos(3 * z)])
    >>> csom = CSOM(shape=10).fit(colors)
    >>> known = np.where(z < 0.9, z, np.nan)
    >>> table = unit_table(csom, colors, known)
    >>> int(table["count"].sum()), int(table["n_values"].sum())
    (500, 450)
    >>> covered = table["n_values"] > 0
    >>> bool((table["scatter"][covered] < 0.05).all())
    True
    """
    # It is a quarter of the import of a map, and only this function needs it.
    from astropy import table as tables

    inner, X = _map_and_rows(som, X, errors)
    units = X if X.ndim == 1 else inner.winners(X, errors=errors)
    values, weights = _beside(units, values), _beside(units, weights)
    check_consistent_length(units, values, weights)
    center = 0.0 if values is None else _center(values)
    sums = partial(_sums, len(inner.codebook_), center)
    count, weight, *moments = add_up(sums, units, values, weights)
    columns = np.arange(len(count), dtype=np.int32), inner.unit_labels_, count, weight
    table = tables.Table(list(columns), names=["unit", "cluster", "count", "weight"])
    if values is not None:
        n_values, total, first, second = moments
        divisor = np.where(n_values > 0, total, np.nan)
        shift = first / divisor
        scatter = np.sqrt(np.maximum(second / divisor - shift**2, 0))
        shape = (len(count), *values.shape[1:])
        table["n_values"] = n_values.astype(np.int64).reshape(shape)
        table["mean"] = (center + shift).reshape(shape)
        table["scatter"] = scatter.reshape(shape)
    return table


def unit_columns(
    frame: DataFrame,
    som: BaseEstimator,
    columns: list[str] | None = None,
    error_columns: list[str] | None = None,
    *,
    names: Sequence[str] = _NAMES,
) -> DataFrame:
    """Add the unit, the cluster and the distance of each object to a catalog.

    It suits ``catalog.map_partitions`` of LSDB, and of a dask DataFrame.

    Parameters
    ----------
    frame : pandas.DataFrame
        A catalog or a part of it, also without rows. Columns of any numeric dtype,
        those of pyarrow too; NaN and NA mark missing values.
    som : ESOM, CSOM or Pipeline
        A fitted map, or an estimator that ends in one.
    columns : list of str, default=None
        Columns of the features, in the order of the training; `feature_names_in_` by
        default.
    error_columns : list of str, default=None
        Columns of the errors of the features (standard deviations), in the same order,
        as `winners` takes them. Without them distances are not weighed.
    names : sequence of three str, default=("unit", "cluster", "distance")
        Names of the new columns.

    Returns
    -------
    frame : pandas.DataFrame
        The frame with three more columns and its index: the nearest unit (int32, -1
        without any present feature), its cluster as from `predict` (int32, -3 without)
        and the distance as from `winners` (float32, NaN without).

    Raises
    ------
    ValueError
        For columns that the frame lacks or has already, as many columns as the map does
        not have features, or values that are infinite.

    See Also
    --------
    unit_table : Counts and means of the units.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skesom.som import CSOM, unit_columns
    >>> colors = np.random.default_rng(0).normal(size=(200, 2))
    >>> frame = pd.DataFrame(colors, columns=["g_r", "r_i"]).assign(id=range(200))
    >>> csom = CSOM(3, shape=(4, 4)).fit(frame[["g_r", "r_i"]])
    >>> unit_columns(frame, csom).columns.tolist()
    ['g_r', 'r_i', 'id', 'unit', 'cluster', 'distance']

    A catalog of LSDB is searched part by part::

        found = catalog.map_partitions(unit_columns, csom, ["g_r", "r_i"])
    """
    check_estimator(som, "som", "a fitted skesom.som.ESOM")
    check_is_fitted(som)
    seen = getattr(som, "feature_names_in_", None)
    if columns is None and seen is None:
        raise ValueError(
            "The map has seen no names of features: give columns=[...] in the order of "
            "the training."
        )
    columns = list(seen if columns is None else columns)
    _check_columns(frame, som, columns, error_columns, names)
    X, errors = _numbers(frame, columns, finite=True), None
    if error_columns is not None:
        errors = _numbers(frame, error_columns)
    if seen is not None:
        X = type(frame)(X, columns=seen)  # or scikit-learn warns that it has no names
    units, labels, distances = _search(som, X, errors)
    new = units.astype(np.int32), labels, distances.astype(np.float32)
    return frame.assign(**dict(zip(names, new, strict=True)))


def _map_and_rows(som, X, errors):
    """Return the fitted map that an estimator ends in, and X as it takes it."""
    check_estimator(som, "som", "a fitted skesom.som.ESOM")
    check_is_fitted(som)
    inner, _ = map_inside(som)
    if not hasattr(inner, "codebook_"):
        raise TypeError(f"An ESOM or CSOM is needed, or what ends in one: got {som!r}.")
    X = filled(X)
    X = X if hasattr(X, "ndim") else np.asarray(X)
    if X.ndim == 1 or inner is som:
        return inner, X
    if is_lazy(X) or errors is not None:
        raise ValueError(
            "The steps before the map take no dask array and do not scale 'errors': "
            "give the map itself, and X and errors as it takes them."
        )
    return map_inside(som, X)


def _search(som, X, errors):
    """Return unit, cluster and distance of each sample in memory."""
    if len(X) == 0:  # scikit-learn refuses it
        return np.empty((3, 0), dtype=np.int32)
    inner, X = _map_and_rows(som, X, errors)
    samples = inner._checked(X, errors)
    units, distances = inner._metric().nearest(
        samples.X, inner.codebook_, errors=samples.errors
    )
    label = inner._labels_by(inner.unit_labels_)
    return units, label(samples, units), distances


def _beside(units, values):
    """Return values as an array of the kind of the units, NaN where they are masked."""
    if values is None:
        return None
    if hasattr(values, "to_numpy"):
        values = values.to_numpy(dtype=np.float64, na_value=np.nan)
    values = filled(values)
    if not is_lazy(units):
        return np.asarray(values)
    from dask.array import asarray

    return asarray(values)


def _sums(n_units, center, units, values, weights):
    """Return the sums over the samples of each unit, of a block of rows."""
    units = np.asarray(units)  # of a frame
    if units.dtype.kind not in "iu" or units.max(initial=0) >= n_units:
        raise ValueError(
            f"X with one axis must hold units, which are ints below {n_units}. Got "
            f"{units.dtype} up to {units.max()}."
        )
    weights = _in_columns(np.ones(len(units)) if weights is None else weights)
    if not ((weights >= 0) & (weights < np.inf)).all():
        raise ValueError("weights must be finite and not negative.")
    count = np.bincount(units[units >= 0], minlength=n_units)
    weight = sums_by_unit(weights, units, n_units)[:, 0]
    if values is None:
        return count, weight
    values = _in_columns(values)
    if np.isinf(values).any():
        raise ValueError("values are infinite: make them NaN where they are unknown.")
    known = ~np.isnan(values) & (weights > 0)
    apart = np.where(known, values - center, 0.0)
    weights = weights * known
    tables = known, weights, weights * apart, weights * apart**2
    return count, weight, *(sums_by_unit(table, units, n_units) for table in tables)


def _center(values):
    """Return the mean of the first targets, around which sums lose few digits."""
    first = _in_columns(take_rows(values, np.arange(min(len(values), ROWS))))
    known = np.isfinite(first)
    return np.where(known, first, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


def _in_columns(values):
    """Return values of one or two axes as float64 columns."""
    return np.atleast_2d(np.asarray(values, dtype=np.float64).T).T


def _check_columns(frame, som, columns, error_columns, names):
    """Refuse columns that are missing, too many or there already."""
    errors = columns if error_columns is None else list(error_columns)
    lacking = [name for name in dict.fromkeys([*columns, *errors]) if name not in frame]
    if lacking:
        raise ValueError(
            f"The catalog lacks the columns {lacking}. It has {list(frame.columns)}: "
            "name others, or load these when it is opened."
        )
    if not len(columns) == len(errors) == som.n_features_in_:
        raise ValueError(
            f"The map has {som.n_features_in_} features: got {len(columns)} columns "
            f"and {len(errors)} error_columns."
        )
    taken = [name for name in names if name in frame]
    if taken or len(names) != len(_NAMES):
        raise ValueError(
            f"names must be three new columns, got {tuple(names)}. The catalog has "
            f"{taken} already."
        )


def _numbers(frame, columns, *, finite=False):
    """Return columns as an array, NaN where they have no value."""
    numbers = frame[list(columns)].to_numpy(dtype=np.float64, na_value=np.nan)
    infinite = np.argwhere(np.isinf(numbers)) if finite else ()
    if len(infinite):
        row, column = infinite[0]
        raise ValueError(
            f"The column {columns[column]!r} is infinite in the row of index "
            f"{frame.index[row]}. Make it NaN, which marks a missing value."
        )
    return numbers

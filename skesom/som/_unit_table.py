# SPDX-License-Identifier: BSD-3-Clause
"""What the units of a map hold: a row for each unit, or columns of a catalog."""

from functools import partial

import numpy as np
from astropy.table import Table
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skesom._common.lazy import ROWS, add_up, is_lazy, is_local, take_rows
from skesom._common.pipelines import map_inside
from skesom.som._docstrings import fill_docstrings
from skesom.som._map_regressor import sums_by_unit

_NAMES = ("unit", "cluster", "distance")


@fill_docstrings
def unit_table(som, X, values=None, *, weights=None, errors=None):
    """Count samples by unit, and return mean and scatter of a target in each unit.

    Parameters
    ----------
    som : ESOM, CSOM or Pipeline
        A fitted map, or an estimator that ends in one.
    X : array-like or dask array of shape (n_samples, n_features) or (n_samples,)
        Samples; NaN marks missing features. With one axis, the unit of each sample, as
        `winners` and `unit_columns` find it; negative ones are left out. A memory map
        is read in blocks of rows, and a dask array computed chunk by chunk by the
        scheduler that is set: both may be larger than memory.
    values : array-like or dask array of shape (n_samples,) or (n_samples, n_targets), \
default=None
        A target, such as the redshift, or several. NaN, or masked, is unknown and left
        out.
    weights : array-like or dask array of shape (n_samples,), default=None
        How much each sample counts, not negative; 1 by default.
    %(errors)s Not for maps behind other steps of a Pipeline.

    Returns
    -------
    table : astropy.table.Table
        A row for each unit, with the columns

        - ``unit``, int32, from 0, and ``cluster``, int32, its cluster;
        - ``count``, int64: samples whose nearest unit it is;
        - ``weight``, float64: the sum of their weights;

        and, of shape (n_units,) or (n_units, n_targets), if there are values,

        - ``n_values``, int64: those with a known target and a weight above 0;
        - ``mean``, float64: mean of the target, by the weights;
        - ``scatter``, float64: its standard deviation around the mean, by the weights,
          in the units of the target: 0 for one value.

        Mean and scatter of a unit without any known target are NaN. Samples without any
        present feature are in no row.

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
    The table is the same bit for bit in memory, from a memory map and from a dask array
    of any chunks: sums are float64 over blocks of 65536 rows, added up as one tree. The
    mean redshift of a unit calibrates photometric redshifts [1]_; units with ``count``
    above 0 and ``n_values`` of 0 have no spectroscopic redshift [2]_.

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
    inner = _fitted_map(som)
    X, values, *others = _tables(X, values, weights, errors)
    center = 0.0 if values is None else _center(values)
    count, weight, *moments = add_up(partial(_sums, som, center), X, values, *others)
    table = Table(
        {
            "unit": np.arange(len(count), dtype=np.int32),
            "cluster": inner.unit_labels_,
            "count": count,
            "weight": weight,
        }
    )
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


def unit_columns(frame, som, columns=None, error_columns=None, *, names=_NAMES):
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
        Columns of the features, in the order of the training; by default those whose
        names the map has seen (`feature_names_in_`).
    error_columns : list of str, default=None
        Columns of the errors of the features (standard deviations), in the same order.
        Without them distances are not weighed. A value of infinite error is missing; an
        error of a value that is NaN, 0 or negative is refused.
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

    Of a catalog of LSDB, read, searched and written part by part::

        found = catalog.map_partitions(unit_columns, csom, ["g_r", "r_i"])
    """
    inner = _fitted_map(som)
    seen = getattr(som, "feature_names_in_", None)
    if columns is None and seen is None:
        raise ValueError(
            "The map has not seen names of features: name the columns of the frame as "
            "columns=[...], in the order of the training."
        )
    columns = list(seen if columns is None else columns)
    _check_columns(frame, som, columns, error_columns, names)
    dtype, errors = inner.codebook_.dtype, None
    X = _numbers(frame, columns, dtype, finite=True)
    if error_columns is not None:
        errors = _numbers(frame, error_columns, dtype)
    if seen is not None:
        X = type(frame)(X, columns=seen)  # or scikit-learn warns that it has no names
    units, labels, distances = _search(som, X, errors)
    new = units.astype(np.int32), labels, distances.astype(np.float32)
    return frame.assign(**dict(zip(names, new, strict=True)))


def _fitted_map(som):
    """Return the fitted map that an estimator ends in."""
    check_is_fitted(som)
    inner, _ = map_inside(som)
    if not hasattr(inner, "codebook_"):
        raise TypeError(f"An ESOM or CSOM is needed, or what ends in one: got {som!r}.")
    return inner


def _search(som, X, errors):
    """Return unit, cluster and distance of each sample; there may be none."""
    if len(X) == 0:
        return np.empty(0, np.intp), np.empty(0, np.int32), np.empty(0, np.float32)
    inner, X = map_inside(som, X)
    if errors is not None and inner is not som:
        raise ValueError(
            "The steps before the map do not scale 'errors': give the map itself, and "
            "X and errors as it takes them."
        )
    X, errors = inner._checked(X, errors)
    units, distances = inner._metric().nearest(X, inner.codebook_, errors=errors)
    weighed = errors is not None
    labels = inner._labels_of_winners(units) if weighed else inner._labels(X, units)
    return units, labels, distances


def _units(som, X, errors):
    """Return the unit of each sample; X may hold them already."""
    if X.ndim > 1:
        return _search(som, X, errors)[0]
    units, n_units = np.asarray(X), len(_fitted_map(som).codebook_)
    if units.dtype.kind not in "iu" or units.max(initial=0) >= n_units:
        raise ValueError(
            f"X with one axis must hold units, which are ints below {n_units}. Got "
            f"{units.dtype} up to {units.max()}."
        )
    return units


def _sums(som, center, X, values, weights, errors):
    """Return the sums over the samples of each unit, of a block of rows."""
    n_units = len(_fitted_map(som).codebook_)
    units = _units(som, X, errors)
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
    """Return values of one or two axes as float64 columns, in memory."""
    return np.atleast_2d(np.asarray(values, dtype=np.float64).T).T


def _tables(X, *others):
    """Return arrays of equal lengths: all of dask if one is."""
    keeps_names = hasattr(X, "iloc") and not hasattr(X, "to_dask_array")
    tables = [X if keeps_names else _array(X), *map(_array, others)]
    check_consistent_length(*tables)
    if is_local(*tables):
        return tables
    import dask.array

    return [None if table is None else dask.array.asarray(table) for table in tables]


def _array(table):
    """Return a table as an array, or one of dask; what is masked or NA is NaN."""
    if hasattr(table, "to_dask_array"):
        raise ValueError(
            "A dask table has no rows to count by: call its "
            ".to_dask_array(lengths=True)."
        )
    if hasattr(table, "to_numpy"):
        return table.to_numpy(dtype=np.float64, na_value=np.nan)
    if isinstance(table, np.ma.MaskedArray):
        return table.astype(np.float64).filled(np.nan)
    return table if table is None or is_lazy(table) else np.asarray(table)


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


def _numbers(frame, columns, dtype, *, finite=False):
    """Return columns as an array, NaN where they have no value."""
    numbers = frame[list(columns)].to_numpy(dtype=dtype, na_value=np.nan)
    infinite = np.argwhere(np.isinf(numbers)) if finite else ()
    if len(infinite):
        row, column = infinite[0]
        raise ValueError(
            f"The column {columns[column]!r} is infinite in the row of index "
            f"{frame.index[row]}. Make it NaN, which marks a missing value."
        )
    return numbers

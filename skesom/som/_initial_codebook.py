# SPDX-License-Identifier: BSD-3-Clause
"""Where a classical map begins: its shape and its units before training."""

from functools import partial
from numbers import Integral

import numpy as np
from scipy import linalg
from sklearn.utils import gen_batches

from skesom._common.lazy import add_up, in_memory, is_lazy
from skesom._common.masked import filled
from skesom._common.warn import warn_user
from skesom.som._epsilon import target_nodes
from skesom.som._row_order import Epochs, repetitions
from skesom.som.codebook import exponent_for

_FLAT = 1e-7  # a deviation below this part of the largest is rounding
_LARGEST_RATIO = 4  # of the sides, our own (docs/method_notes.md)


def lattice_shape(shape, axes, X, sample_weight, topology, toroidal, n_clusters=None):
    """Return (n_rows, n_columns) of the lattice; `axes` finds the principal ones."""
    if isinstance(shape, str):
        return _automatic_shape(axes, X, sample_weight, topology, toroidal, n_clusters)
    if isinstance(shape, Integral):
        return 1, int(shape)
    whole = all(isinstance(side, Integral) and side >= 1 for side in shape)
    if len(shape) != 2 or not whole:
        raise ValueError(
            "The 'shape' of the lattice must be two integers >= 1 (rows and columns), "
            f'one for a chain of units, or "auto". Got {shape!r}.'
        )
    return int(shape[0]), int(shape[1])


def initial_codebook(init, axes, X, sample_weight, shape, random_state):
    """Return the units before training; `axes` finds the principal axes."""
    n_units = shape[0] * shape[1]
    if isinstance(init, str):
        if init == "random":
            if is_lazy(X):
                raise ValueError(
                    "init='random' draws from a table in memory, and X is a dask "
                    "array: use init='pca', or rows of X as init."
                )
            return _drawn_samples(X, sample_weight, n_units, random_state)
        return principal_plane(axes, X, shape)
    return given_units(init, X, n_units, n_units)


def given_units(init, X, least, most):
    """Return the units of an array for as many as are allowed."""
    with np.errstate(over="ignore"):  # infinite in a shorter type, which is refused
        units = np.array(filled(init), dtype=X.dtype, order="C")
    fits = units.ndim == 2 and least <= len(units) <= most
    if not (fits and units.shape[1] == X.shape[1] and np.isfinite(units).all()):
        number = most if least == most else f"{least} to {most}"
        raise ValueError(
            f"'init' must hold finite weights of shape ({number}, {X.shape[1]}) "
            f"for n_units and n_features, got shape {units.shape}."
        )
    return units


def principal_axes(X, sample_weight=None):
    """Find the first two principal components of a table.

    Returns
    -------
    means : ndarray of shape (n_features,), dtype float64
    deviations : ndarray of shape (n_components,), dtype float64
        Standard deviations along the components, at most two, without those that are
        rounding.
    components : ndarray of shape (n_components, n_features), dtype float64
        Of length 1; the largest loading is positive.
    """
    means = _feature_means(X, sample_weight)
    n_features = X.shape[1]
    if n_features > len(X):
        # As spectra and genes: the products of few rows are a small matrix, those of
        # many features are not (20 GB for 50 000).
        deviations, components = _axes_of_rows(X, sample_weight, means)
    else:
        deviations, components = _axes_of_features(X, sample_weight, means)
    size = np.abs(components)
    # Of loadings as large as each other, rounding must not choose.
    largest = np.argmax(size >= (1 - _FLAT) * size.max(axis=1, keepdims=True), axis=1)
    signs = np.sign(components[np.arange(len(components)), largest])
    rounding = 8 * np.finfo(np.float64).eps * np.abs(means).max()
    varies = deviations > max(_FLAT * deviations[0], rounding)
    return means, deviations[varies], (components * signs[:, None])[varies]


def _axes_of_features(X, sample_weight, means):
    """Return deviations and components by the covariance of the features."""
    # Deviations from the means are summed, so no digits are lost to an offset.
    scatter, total = add_up(partial(_scatter, means=means), X, sample_weight)
    covariance = scatter / _degrees_of_freedom(total)
    return _largest_two(covariance)


def _scatter(X, sample_weight, means):
    """Return the products of deviations from the means, and the sum of the weights."""
    scatter = np.zeros((X.shape[1], X.shape[1]))
    for rows in _blocks(X):
        centered = weighted = X[rows] - means
        np.copyto(centered, 0, where=np.isnan(centered))
        if sample_weight is not None:
            weighted = centered * sample_weight[rows][:, None]
        scatter += weighted.T @ centered
    return scatter, float(len(X) if sample_weight is None else sample_weight.sum())


def _axes_of_rows(X, sample_weight, means):
    """Return deviations and components by the products of the rows with each other.

    Rows a_i sqrt(w_i / total) of a matrix A have the covariance A' A of the features;
    A A' has the same eigenvalues, and A' takes its eigenvectors to those of A' A.
    """
    rows = np.asarray(in_memory(X), dtype=np.float64) - means
    np.copyto(rows, 0, where=np.isnan(rows))
    total = float(len(rows))
    if sample_weight is not None:
        weights = np.asarray(in_memory(sample_weight), dtype=np.float64)
        total = float(weights.sum())
        rows *= np.sqrt(weights)[:, np.newaxis]
    exponent = exponent_for(rows, always=True)  # so that no square is lost
    rows = np.ldexp(rows, exponent)
    deviations, vectors = _largest_two(rows @ rows.T)
    components = vectors @ rows
    lengths = np.linalg.norm(components, axis=1, keepdims=True)
    components /= np.where(lengths > 0, lengths, 1)
    deviations = np.ldexp(deviations / np.sqrt(_degrees_of_freedom(total)), -exponent)
    return deviations, components


def _degrees_of_freedom(total):
    return max(total - 1, total / 2)  # weights may add up to < 1


def _largest_two(products):
    """Return roots of the two largest eigenvalues, largest first, and eigenvectors."""
    half = exponent_for(products, always=True) // 2  # LAPACK rounds large ones
    n_rows = len(products)
    squares, vectors = linalg.eigh(
        np.ldexp(products, 2 * half),
        subset_by_index=(max(0, n_rows - 2), n_rows - 1),
    )
    roots = np.ldexp(np.sqrt(np.maximum(squares[::-1], 0)), -half)
    return roots, vectors.T[::-1]


def principal_plane(axes, X, shape):
    """Lay units on the plane of the first two principal components."""
    means, deviations, components = axes()
    places = np.indices(shape).reshape(2, -1)
    longer, shorter = places if shape[0] >= shape[1] else places[::-1]
    sides = [longer, shorter][: len(deviations)]
    if len(deviations) == 1 and min(shape) > 1:
        warn_user(
            f"The data vary along one direction only (n_features={X.shape[1]}), but "
            f"the lattice of shape {shape} has two: its units were spread along it, "
            f"first by the longer side. Take a chain, such as shape={max(shape)}.",
            UserWarning,
        )
        sides = [longer * min(shape) + shorter]
    plane = np.zeros((shape[0] * shape[1], len(deviations)))
    for axis, side in enumerate(sides):
        if side.max() > 0:
            plane[:, axis] = 2 * side / side.max() - 1
    return (means + (plane * deviations) @ components).astype(X.dtype)


def _drawn_samples(X, sample_weight, n_units, random_state):
    """Draw samples to be units; their missing features are means."""
    rows = Epochs(X, sample_weight).draw(random_state)
    observed = np.concatenate([~np.isnan(X[part]).all(axis=1) for part in _blocks(X)])
    rows = rows[observed[rows]]
    if len(rows) < n_units:
        rows = random_state.choice(rows, n_units)
    codebook = X[rows[:n_units]]
    means = _feature_means(X, sample_weight).astype(X.dtype)
    return np.where(np.isnan(codebook), means, codebook)


def _automatic_shape(axes, X, sample_weight, topology, toroidal, n_clusters):
    """Choose about as many units as an ESOM has, sides after Vesanto et al. (2000)."""
    n_samples = len(X)
    if sample_weight is not None:
        weights = np.asarray(sample_weight)
        weights = weights[weights > 0]
        times = repetitions(weights)
        n_samples = len(weights) if times is None else int(times.sum())
    # At least a hundred, so that each of a few samples can have its own.
    n_units = max(100, target_nodes(n_samples, np.inf, n_clusters))
    _, deviations, _ = axes()
    if len(deviations) == 1:
        return 1, n_units
    ratio = min(deviations[0] / deviations[1], _LARGEST_RATIO) if len(deviations) else 1
    pitch = np.sqrt(0.75) if topology == "hexagonal" else 1.0
    n_columns = max(1, round(np.sqrt(n_units * pitch / ratio)))
    n_rows = max(1, round(n_units / n_columns))
    if toroidal and topology == "hexagonal" and n_rows > 1:
        n_rows += n_rows % 2
    return n_rows, n_columns


def _feature_means(X, sample_weight):
    """Return the means of the present features, in float64."""
    sums, counts = add_up(_sums_of_features, X, sample_weight)
    return sums / counts


def _sums_of_features(X, sample_weight):
    sums, counts = np.zeros((2, X.shape[1]))
    if sample_weight is None:
        sample_weight = np.broadcast_to(1.0, len(X))
    for rows in _blocks(X):
        values = X[rows].astype(np.float64)
        missing = np.isnan(values)
        counts += sample_weight[rows].sum()
        if missing.any():
            values[missing] = 0
            counts -= sample_weight[rows] @ missing
        sums += sample_weight[rows] @ values
    return sums, counts


def _blocks(X):
    """Return slices of rows that hold a bounded number of values."""
    return gen_batches(len(X), max(1, 2**20 // X.shape[1]))  # 8 MB of float64

# SPDX-License-Identifier: BSD-3-Clause
"""Codebooks: how kernels want them stored, and the nearest units of a table."""

import math
from functools import cached_property

import numpy as np

from skesom.som._patches import arrange, store
from skesom.som._vectors import (
    features_for_axes,
    n_axes,
    n_bounds,
    patch_size,
    room_for,
    screened,
    squares,
    unit_padding,
)
from skesom.som._winners import find_distances, find_winners
from skesom.som.threads import effective_n_threads
from skesom.som.work_blocks import work_blocks

_FEWEST_UNITS = 64  # from which patches pay (docs/kernels.md)
_AXES = 16  # onto which units of more features are projected


def padded(count, step=unit_padding):
    """Return count rounded up to whole steps, by default those of the vector code."""
    return -(-max(count, 1) // step) * step


def readable(array):
    """Return an array that kernels can read; views of bytes lie anywhere in memory."""
    return None if array is None else np.require(array, requirements=["C", "A"])


def exponent_for(values, *, always=False):
    """Return the power of 2 by which squares of values fit into their type.

    It is 0 for usual values, or always brings the largest to 1. To multiply by it
    changes no digit, and so no answer depends on the unit.
    """
    low, high = _exponents(values)
    safe = np.finfo(values.dtype).maxexp // 4  # so that small differences fit too
    if always:
        return -high
    return 0 if -safe <= low and high <= safe else safe - high


def _exponents(values):
    """Return the powers of 2 of the largest values of columns, from least to most.

    In a column that is used, smaller ones than its largest decide nothing.
    """
    largest = np.fmax.reduce(largest_row(np.abs(values)), axis=0, initial=0)
    largest = largest[(largest > 0) & (largest < np.inf)]
    if not largest.size:
        return 0, 0
    return math.frexp(largest.min())[1], math.frexp(largest.max())[1]


def largest_row(values):
    """Return the largest value of each column, NaN without any, as one row or none."""
    while len(values) > 1:  # many times as fast as row by row, if rows are short
        half = (len(values) + 1) // 2
        values = np.fmax(values[:half], values[-half:])
    return values


def _fitting(codebook, factors):
    """Return the type and the power of 2 by which squared differences fit."""
    dtype, exponent = codebook.dtype, exponent_for(codebook) if factors is None else 0
    if exponent != 0:
        low, high = _exponents(codebook)
        if high - low > np.finfo(dtype).maxexp // 2:
            dtype = np.dtype(np.float64)
            exponent = exponent_for(codebook.astype(dtype))  # 0 for any float32
    return dtype, exponent


def _scaled(rows, dtype, exponent):
    """Return rows in a type, multiplied by a power of 2."""
    rows = rows.astype(dtype, copy=False)
    return readable(np.ldexp(rows, exponent) if exponent != 0 else rows)


def _unscaled(distances, exponent, dtype):
    """Return distances in the unit and type of the samples."""
    if exponent != 0:
        distances = np.ldexp(distances, -exponent)
    return distances.astype(dtype, copy=False)


def by_feature(codebook, capacity=None):
    """Return a codebook stored feature-major for the kernels."""
    n_units, n_features = codebook.shape
    stride = padded(max(n_units, capacity or 0))
    transposed = _aligned((n_features + 1, stride), codebook.dtype)
    transposed[:-1, :n_units] = codebook.T
    transposed[:-1, n_units:] = 0
    transposed[-1] = np.finfo(codebook.dtype).max
    weights = codebook.astype(np.float64, copy=False)
    with np.errstate(over="ignore"):
        transposed[-1, :n_units] = np.einsum("uf,uf->u", weights, weights) / 2
    return transposed


def by_patches(codebook):
    """Return a codebook stored in patches, of which a search can skip many."""
    n_units, n_features = codebook.shape
    if n_units < _FEWEST_UNITS:
        return {}
    outlines = codebook = readable(codebook)
    if n_features >= features_for_axes:  # which units are close shows in fewer
        axes = _main_axes(codebook)
        outlines = codebook.astype(np.float64) @ axes.T
    n_patches = -(-n_units // patch_size)
    n_centers = n_bounds(n_features, n_patches) // patch_size
    order = np.empty(n_units, dtype=np.intc)
    bounds = np.empty(n_patches + 1, dtype=np.intc)
    ends = np.empty((2, outlines.shape[1]), outlines.dtype)
    arrange(outlines, n_patches, np.empty(n_units), ends, order, bounds)
    shape = (n_centers + n_patches, n_features + 1, patch_size)
    patches = _aligned(shape, codebook.dtype)
    patches[:] = 0
    squared = np.zeros((n_patches, patch_size))
    units = np.full((n_patches, patch_size), -1, dtype=np.intc)
    store(codebook, order, bounds, patches, squared, units)
    rows = [_rounded_up(squared)]
    if n_features >= features_for_axes:
        axes = axes[:n_axes]
        patches[*_place(n_patches + np.arange(n_axes))] = np.pad(axes, ((0, 0), (0, 1)))
        centers = patches[*_place(np.arange(n_patches))][:, :-1] @ axes.T
        along = (outlines[units, :n_axes] - centers[:, None]) ** 2
        along = np.where(units < 0, 0, along.sum(axis=2))
        rows = [_rounded_up(along), _rounded_up(squared - along), *centers.T]
    radii = _aligned((len(rows), n_centers * patch_size), codebook.dtype)
    radii[:] = -np.finfo(codebook.dtype).max
    radii[:, :n_patches] = rows
    stored = {"patches": patches, "radii": radii.ravel()}
    return stored | {"units_in_patches": units.ravel(), "rows": codebook}


def _main_axes(codebook):
    """Return unit vectors that span most of some units, the longest ones first."""
    some = codebook[:: -(-len(codebook) // _FEWEST_UNITS)].astype(np.float64)
    values, vectors = np.linalg.eigh(some @ some.T)
    values, vectors = values[: -_AXES - 1 : -1], vectors[:, : -_AXES - 1 : -1]
    values[values <= 1e-9 * values[0]] = np.inf  # axes that rounding bends
    return (vectors / np.sqrt(values)).T @ some


def _place(number):
    """Return where the vector code finds one of the centers."""
    patch, lane = np.divmod(number, patch_size)
    return patch, slice(None), lane


def _rounded_up(squared):
    """Return roots of the largest squares of patches, not less than they are."""
    return np.sqrt(np.maximum(squared.max(axis=1), 0)) * (1 + 1e-7)  # in float32, too


def by_node(transposed):
    """Return the weights of a codebook stored feature-major, unit by unit."""
    n_features = len(transposed) - 1
    line = 64 // transposed.itemsize
    rows = _aligned((transposed.shape[1], padded(n_features, line)), transposed.dtype)
    rows[:, :n_features] = transposed[:-1].T
    rows[:, n_features:] = 0
    return rows


class StoredUnits:
    """A codebook that is prepared once, to search many blocks of rows."""

    def __init__(self, codebook, terms=squares, factors=None):
        self._codebook, self._terms = codebook, terms
        self._fitting = _fitting(codebook, factors)

    @cached_property
    def _stored(self):
        codebook = _scaled(self._codebook, *self._fitting)
        patches = by_patches(codebook) if self._terms == squares else {}
        return by_feature(codebook), patches

    def nearest(self, X, *, second=False, measured=True, factors=None):
        """Find the nearest unit of every sample, or the nearest two."""
        dtype, exponent = X.dtype, self._fitting[1]
        X, n_units = _scaled(X, *self._fitting), len(self._codebook)
        work = self._codebook.size
        n_threads = effective_n_threads(len(X) * work)
        winners = np.empty((len(X), 1 + second), dtype=np.intp)
        distances = np.empty(len(X) if measured else 0, dtype=X.dtype)
        stored, patches = self._stored
        scratch = search_scratch(X, n_units, n_threads)
        for rows in work_blocks(len(X), work, n_threads):
            find_winners(
                X[rows],
                stored,
                n_units,
                *scratch,
                winners[rows],
                distances[rows] if measured else distances,
                n_threads,
                terms=self._terms,
                factors=None if factors is None else factors[rows],
                patches=patches,
            )
        distances = _unscaled(distances, exponent, dtype)
        return (winners if second else winners[:, 0]), distances


def nearest_units(
    X, codebook, *, second=False, measured=True, terms=squares, factors=None
):
    """Find the nearest unit of every sample, or the nearest two."""
    units = StoredUnits(codebook, terms, factors)
    return units.nearest(X, second=second, measured=measured, factors=factors)


def distances_to_units(X, codebook, *, terms=squares, factors=None):
    """Measure the distance of every sample to every unit."""
    dtype, fitting = X.dtype, _fitting(codebook, factors)
    X, codebook = (_scaled(rows, *fitting) for rows in (X, codebook))
    n_threads = effective_n_threads(len(X) * codebook.size)
    distances = np.empty((len(X), len(codebook)), dtype=X.dtype)
    stored, scratch = by_feature(codebook), search_scratch(X, len(codebook), n_threads)
    for rows in work_blocks(len(X), codebook.size, n_threads):
        find_distances(
            X[rows],
            stored,
            len(codebook),
            *scratch,
            distances[rows],
            n_threads,
            terms=terms,
            factors=None if factors is None else factors[rows],
        )
    return _unscaled(distances, fitting[1], dtype)


def search_scratch(X, n_units, n_threads):
    """Return room for the kernels that search a codebook: features, distances."""
    features = np.empty((n_threads, X.shape[1]), dtype=np.intc)
    size = max(screened * padded(n_units), room_for(-(-n_units // patch_size)))
    return features, _aligned((n_threads, padded(size)), X.dtype)


def _aligned(shape, dtype):
    """Return an array that begins where a line of the cache does."""
    n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = np.empty(n_bytes + 64, dtype=np.uint8)
    start = -room.ctypes.data % 64
    return room[start : start + n_bytes].view(dtype).reshape(shape)

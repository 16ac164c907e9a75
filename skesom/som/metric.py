# SPDX-License-Identifier: BSD-3-Clause
"""How samples are compared with units, and sums over samples by unit."""

from functools import partial

import numpy as np
from scipy import sparse

from skesom._common.lazy import add_up, cut_rows, parts_of
from skesom._common.masked import filled
from skesom.som._vectors import absolute_values, squares, weighted_squares
from skesom.som._winners import sum_by_winner
from skesom.som.codebook import StoredUnits, distances_to_units, readable
from skesom.som.threads import effective_n_threads
from skesom.som.work_blocks import work_blocks

METRICS = ("euclidean", "manhattan", "cosine", "spectral_angle")

_ROWS_PER_CHUNK = 4096  # at least, and at most this many chunks and bytes of sums:
_MOST_CHUNKS = 16  # as each has sums of its own
_MOST_BYTES = 2**26  # of the sums of all chunks together
_VALUES_AT_A_TIME = 2**16  # of which several tables are kept, half a megabyte each


class Metric:
    """A measure of distance between samples and units."""

    def __init__(self, name="euclidean", feature_weights=None):
        self.name = name
        self.of_angles = name in ("cosine", "spectral_angle")
        self.takes_errors = name == "euclidean"
        self.scale = None
        if feature_weights is not None:
            weights = np.asarray(filled(feature_weights), dtype=np.float64)
            self.scale = weights if name == "manhattan" else np.sqrt(weights)

    def nearest(self, X, codebook, *, second=False, errors=None, measured=True):
        """Find the nearest unit of every sample, or the nearest two."""
        codebook, measured = self.prepared(codebook), measured or self.of_angles
        winners = np.empty((len(X), 2) if second else len(X), dtype=np.intp)
        distances = np.empty(len(X) if measured else 0, dtype=X.dtype)
        for block in self._blocks(X, errors):
            terms, factors = self._terms(X, errors, block)
            units, rows = StoredUnits(codebook, terms, factors), self.prepared(X[block])
            winners[block], found = units.nearest(
                rows, second=second, measured=measured, factors=factors
            )
            if measured:
                distances[block] = found
            if self.of_angles:
                part = winners[block], distances[block]
                self._correct_incomplete(X[block], codebook, *part)
        return winners, self._converted(distances)

    def distances(self, X, codebook, *, errors=None):
        """Measure the distance of every sample to every unit."""
        codebook = self.prepared(codebook)
        distances = np.empty((len(X), len(codebook)), dtype=X.dtype)
        for block in self._blocks(X, errors):
            terms, factors = self._terms(X, errors, block)
            distances[block] = distances_to_units(
                self.prepared(X[block]), codebook, terms=terms, factors=factors
            )
            if self.of_angles:
                incomplete = np.flatnonzero(np.isnan(X[block]).any(axis=1))
                for rows in _few(incomplete, codebook):
                    some = self.prepared(X[block][rows])
                    distances[block][rows] = _chords_to_units(some, codebook)
        return self._converted(distances)

    def sums(self, X, codebook, sample_weight=None, errors=None, missing=True):
        """Add up the samples nearest to each unit, for batch training."""
        units = StoredUnits(self.prepared(codebook))
        function = partial(
            self._sums_of_rows, codebook=codebook, units=units, missing=missing
        )
        return add_up(function, X, sample_weight, errors)

    def between(self, one, other):
        """Measure the distance of each row of a table to the same row of another."""
        difference = self.prepared(one) - self.prepared(other)
        if self.name == "manhattan":
            return np.abs(difference).sum(axis=1)
        return self._converted(np.linalg.norm(difference.astype(np.float64), axis=1))

    def distances_to_own(self, X, places, groups, *, errors=None):
        """Measure the distance of each sample to the place of its group.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
        places : ndarray of shape (n_groups, n_features)
            A feature that a place has not is missing, as one that a sample has not.
        groups : ndarray of int of shape (n_samples,)
            Group of each sample, below 0 for none.
        errors : ndarray of shape (n_samples, n_features), default=None

        Returns
        -------
        distances : ndarray of shape (n_samples,), dtype float64
            Scaled up over missing features; NaN for a sample without a group, or
            without any feature that its place has too.
        """
        distances = np.full(len(X), np.nan)
        scale = 1.0 if self.scale is None else self.scale
        height = max(1, _VALUES_AT_A_TIME // X.shape[1])
        for part in cut_rows(len(X), height):
            held = np.flatnonzero(groups[part] >= 0) + part.start
            rows = X[held].astype(np.float64)
            own = places[groups[held]].astype(np.float64)
            present = ~(np.isnan(rows) | np.isnan(own))
            rows = np.where(present, rows * scale, 0.0)
            own = np.where(present, own * scale, 0.0)
            if self.of_angles:
                rows = of_length_one(rows)
                own = of_length_one(own)
            apart = rows - own
            if errors is not None:
                apart[present] /= errors[held][present]
            if self.name == "manhattan":
                sums = np.abs(apart).sum(axis=1)
            else:
                sums = np.einsum("rf,rf->r", apart, apart)
            n_present = present.sum(axis=1)
            if not self.of_angles:
                sums *= X.shape[1] / np.maximum(n_present, 1)
            if self.name != "manhattan":
                sums = np.sqrt(sums)
            distances[held] = np.where(n_present > 0, self._converted(sums), np.nan)
        return distances

    def prepared(self, rows):
        """Return rows between which the kernels can measure."""
        if self.scale is not None:
            rows = rows * self.scale.astype(rows.dtype)
        return of_length_one(rows) if self.of_angles else rows

    def values(self, X):
        """Return rows as they are added up: of a prepared length of 1, for angles."""
        if not self.of_angles:
            return X
        return of_length_one(X, None if self.scale is None else X * self.scale)

    def restored(self, rows):
        """Return rows that were prepared by weights of features, as they were."""
        return rows if self.scale is None else rows / self.scale.astype(rows.dtype)

    def steps(self, X, order, errors):
        """Return a table, its rows to learn in order, and the terms of distances."""
        terms = self._terms(X, errors, order)
        if self.scale is None and errors is None and not self.of_angles:
            return readable(X), order, *terms
        return self.prepared(X[order]), np.arange(len(order)), *terms

    def nearest_multiples(self, units, X):
        """Return the unit of each sample as long, for angles, as the sample is."""
        if not self.of_angles:
            return units
        scale = 1.0 if self.scale is None else self.scale
        present = np.where(np.isnan(X), 0, units * scale)
        squares = np.einsum("ij,ij->i", present, present)
        products = np.einsum("ij,ij->i", present, np.nan_to_num(X) * scale)
        factors = np.where(squares > 0, products / np.where(squares > 0, squares, 1), 0)
        return (units * factors[:, np.newaxis]).astype(units.dtype)

    def normalized(self, codebook):
        """Return a codebook whose units have the length that the metric gives them."""
        return of_length_one(codebook) if self.of_angles else codebook

    def _correct_incomplete(self, X, codebook, winners, distances):
        """Find the winners of rows with missing features by the angle of the others."""
        incomplete = np.isnan(X).any(axis=1) & ~np.isnan(X).all(axis=1)
        for rows in _few(np.flatnonzero(incomplete), codebook):
            chords = _chords_to_units(self.prepared(X[rows]), codebook)
            order = np.argsort(chords, axis=1, kind="stable")
            if winners.ndim == 1:
                winners[rows] = order[:, 0]
            else:
                winners[rows, : chords.shape[1]] = order[:, :2]
            distances[rows] = np.min(chords, axis=1, initial=np.inf)

    def sums_by_unit(self, X, winners, n_units, sample_weight=None, errors=None):
        """Add up the samples of each unit, and the weights of their features."""
        if errors is None:
            groups = winners.astype(np.intp, copy=False)
            return sums_by_group(self.values(X), groups, n_units, sample_weight)
        of_rows = np.ones(len(X)) if sample_weight is None else sample_weight
        sums, counts = np.zeros((2, n_units, X.shape[1]))
        for part in parts_of(X):
            known = np.flatnonzero(winners[part] >= 0) + part.start
            values = self.values(X[known].astype(np.float64))
            weights = np.nan_to_num(_inverse_squares(errors[known]), nan=0.0)
            weights *= ~np.isnan(values)
            assigned = membership(winners[known], n_units, of_rows[known])
            sums += assigned @ np.where(weights > 0, weights * values, 0.0)
            counts += assigned @ weights
        return sums, counts

    def _sums_of_rows(self, X, sample_weight, errors, codebook, units, missing):
        # The plain search adds up squares: other terms, and angles of incomplete rows,
        # take the general one.
        of_angles = self.of_angles and missing
        if self.name == "manhattan" or errors is not None or of_angles:
            winners, _ = self.nearest(X, codebook, errors=errors)
            return self.sums_by_unit(X, winners, len(codebook), sample_weight, errors)
        search = self.prepared(X)
        values = search if self.scale is None else self.values(X)
        winners, _ = units.nearest(search, measured=False)
        return sums_by_group(values, winners, len(codebook), sample_weight, missing)

    def _blocks(self, X, errors):
        """Return slices of the rows: all at once, if nothing has to be prepared."""
        if self.scale is None and not self.of_angles and errors is None:
            return [slice(0, len(X))]
        return parts_of(X) or [slice(0, 0)]

    def _terms(self, X, errors, block):
        """Return the code of the terms that distances add up, and their factors."""
        if errors is not None:
            return weighted_squares, _inverse_squares(errors[block]).astype(X.dtype)
        return absolute_values if self.name == "manhattan" else squares, None

    def _converted(self, distances):
        """Return distances of the metric from those of vectors of length 1."""
        if self.name == "cosine":
            return distances**2 / 2
        if self.name == "spectral_angle":
            return 2 * np.arcsin(np.minimum(distances / 2, 1))
        return distances


def membership(groups, n_groups, weights):
    """Return which rows belong to each group, with their weights, to add them up."""
    entries = weights, groups, np.arange(len(groups) + 1)
    return sparse.csr_array(entries, shape=(len(groups), n_groups)).T


def any_missing(X):
    """Return whether a table has missing features."""
    return bool(add_up(lambda rows: (np.count_nonzero(np.isnan(rows)),), X)[0])


def _inverse_squares(errors):
    with np.errstate(divide="ignore", over="ignore"):  # of missing values
        return 1 / errors.astype(np.float64) ** 2


def sums_by_group(values, groups, n_groups, sample_weight=None, missing=None):
    """Add up rows by groups of rows, and their weights.

    There are weights of each feature if some are missing, or if it is not known.
    """
    if missing is None:
        sums, counts = sums_by_group(values, groups, n_groups, sample_weight, False)
        if np.isnan(sums).any():
            return sums_by_group(values, groups, n_groups, sample_weight, True)
        return sums, np.broadcast_to(counts, sums.shape)
    n_cells = n_groups * values.shape[1]
    n_threads = effective_n_threads(len(values) * n_cells)  # as for the search
    # Each chunk has sums of its own, added up in order: the same for any threads.
    most = min(_MOST_CHUNKS, _MOST_BYTES // (8 * n_cells))
    n_chunks = max(1, min(len(values) // _ROWS_PER_CHUNK, most))
    bounds = np.linspace(0, len(values), n_chunks + 1).astype(np.intp)
    sums = np.zeros((n_chunks, n_groups, values.shape[1]))
    counts = np.zeros((n_chunks, n_groups, values.shape[1] if missing else 1))
    values, sample_weight = readable(values), readable(sample_weight)
    for begin in range(0, n_chunks, n_threads):
        own = slice(begin, begin + n_threads)
        sum_by_winner(
            values,
            groups,
            bounds[begin : begin + n_threads + 1],
            sums[own],
            counts[own],
            n_threads,
            sample_weight=sample_weight,
        )
    return sums.sum(axis=0), counts.sum(axis=0)


def of_length_one(rows, measured=None):
    """Divide rows by the lengths of their present features, or of those measured."""
    present = np.nan_to_num(rows if measured is None else measured, nan=0.0)
    squares = np.einsum("rf,rf->r", present, present, dtype=np.float64)
    lengths = np.where(squares > 0, np.sqrt(squares), 1)[:, np.newaxis]
    # In the precision of the lengths, without a table of it.
    return np.divide(rows, lengths, out=np.empty_like(rows), casting="same_kind")


def _few(rows, codebook):
    """Cut rows into parts whose chords are soon measured and sorted."""
    work = codebook.size + 64 * len(codebook)
    return [rows[part] for part in work_blocks(len(rows), work)]


def _chords_to_units(rows, codebook):
    """Measure chords over the features that each row has."""
    present = ~np.isnan(rows)
    codebook = codebook.astype(np.float64)
    lengths = np.einsum("rf,uf->ru", present.astype(np.float64), codebook**2)
    cosine = np.einsum("rf,uf->ru", np.nan_to_num(rows, nan=0.0), codebook)
    cosine /= np.where(lengths > 0, np.sqrt(lengths), 1)
    chords = np.sqrt(np.maximum(2 - 2 * cosine, 0))
    chords[~present.any(axis=1)] = np.nan
    return chords.astype(rows.dtype)

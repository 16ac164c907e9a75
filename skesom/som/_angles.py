# SPDX-License-Identifier: BSD-3-Clause
"""Vectors of length 1, between which the Euclidean distance orders as the angle does.

The distance of two of them is the chord 2 sin(angle / 2).
"""

import numpy as np


def of_length_one(rows):
    """Scale rows to the length 1."""
    return (rows / lengths(rows)[:, np.newaxis]).astype(rows.dtype)


def lengths(rows):
    """Return the lengths of rows in their present features, 1 in place of 0."""
    present = np.nan_to_num(rows, nan=0.0)
    squares = np.einsum("rf,rf->r", present, present, dtype=np.float64)
    return np.where(squares > 0, np.sqrt(squares), 1)


def chords_to_units(rows, codebook):
    """Measure chords over the features that each row has."""
    present = ~np.isnan(rows)
    lengths = np.einsum("rf,uf->ru", present.astype(np.float64), codebook**2.0)
    cosine = np.einsum(
        "rf,uf->ru", np.nan_to_num(rows, nan=0.0), codebook, dtype=np.float64
    )
    cosine /= np.where(lengths > 0, np.sqrt(lengths), 1)
    chords = np.sqrt(np.maximum(2 - 2 * cosine, 0))
    chords[~present.any(axis=1)] = np.nan
    return chords.astype(rows.dtype)


def nearest_multiples(units, X, scale=1.0):
    """Return the multiples of units that are nearest to samples."""
    present = np.where(np.isnan(X), 0, units * scale)
    squares = np.einsum("ij,ij->i", present, present)
    products = np.einsum("ij,ij->i", present, np.nan_to_num(X) * scale)
    factors = np.where(squares > 0, products / np.where(squares > 0, squares, 1), 0)
    return (units * factors[:, np.newaxis]).astype(units.dtype)

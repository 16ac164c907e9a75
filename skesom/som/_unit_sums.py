# SPDX-License-Identifier: BSD-3-Clause
"""Sums over the samples of each unit, in chunks that no number of threads changes."""

import numpy as np

from skesom.som._codebook import by_feature, by_patches, search_scratch
from skesom.som._threads import effective_n_threads
from skesom.som._training import sum_by_winner

_ROWS_PER_CHUNK = 4096  # at least, and at most this many chunks and bytes of sums:
_MOST_CHUNKS = 16
_MOST_BYTES = 2**26


def sums_over_samples(X, values, codebook, missing, sample_weight):
    """Add up values over the rows nearest to each unit."""
    n_units, n_features = codebook.shape
    n_threads = effective_n_threads()
    most = min(_MOST_CHUNKS, _MOST_BYTES // (8 * n_units * n_features))
    n_chunks = max(1, min(len(X) // _ROWS_PER_CHUNK, most))
    bounds = np.linspace(0, len(X), n_chunks + 1).astype(np.intp)
    sums = np.zeros((n_chunks, n_units, n_features))
    counts = np.zeros((n_chunks, n_units, n_features if missing else 1))
    sum_by_winner(
        X,
        by_feature(codebook),
        n_units,
        bounds,
        *search_scratch(X, n_units, n_threads),
        sums,
        counts,
        n_threads,
        sample_weight=sample_weight,
        values=values,
        **by_patches(codebook),
    )
    return sums.sum(axis=0), counts.sum(axis=0)

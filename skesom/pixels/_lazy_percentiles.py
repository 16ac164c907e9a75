# SPDX-License-Identifier: BSD-3-Clause
"""Percentiles of the fluxes of clusters in lazy images, with no flux kept in memory.

A percentile lies between two values of known rank. Each of these is found digit by
digit, from the highest on, as in a radix sort: a pass over the images counts which
digit comes next in all values that begin like the wanted one, and the running sum of
the counts tells which digit the value of that rank has. With digits of 8 bits, float32
takes four passes and float64 eight.
"""

from functools import partial

import numpy as np

from skesom._common.lazy import computed

_DIGIT_BITS = 8
_N_DIGITS = 2**_DIGIT_BITS
_STRIPS_AT_A_TIME = 16  # whose counts are in memory together


def lazy_percentiles(labels, data, ids, percentages):
    """Return percentiles of each band in each cluster, without NaN.

    They are those of NumPy, bit by bit.

    Parameters
    ----------
    labels : dask array of int of shape (n_rows, n_columns)
    data : dask array of shape (n_rows, n_columns, n_bands)
        Fluxes, in the strips of the labels.
    ids : ndarray of int of shape (n_clusters,)
        Labels of the clusters.
    percentages : sequence of float of length n_percentiles

    Returns
    -------
    percentiles : ndarray of shape (n_clusters, n_bands, n_percentiles)
        Of the dtype of the data; NaN where a cluster has no flux.
    """
    key_type = np.dtype(f"u{data.dtype.itemsize}")
    n_bits = 8 * key_type.itemsize
    # Of each percentile, the digits of the values below and above that are known.
    heads = np.zeros((len(ids), data.shape[2], 2 * len(percentages)), dtype=key_type)
    for n_known_bits in range(0, n_bits, _DIGIT_BITS):
        counts = _count_next_digits(labels, data, ids, heads, n_bits - n_known_bits)
        if n_known_bits == 0:
            n_values = counts[:, :, :1].sum(axis=-1)
            last_rank = np.maximum(n_values - 1, 0)
            positions = last_rank * np.divide(percentages, 100)
            fractions = positions % 1
            lower_ranks = np.floor(positions)
            upper_ranks = np.minimum(lower_ranks + 1, last_rank)
            ranks = np.concatenate([lower_ranks, upper_ranks], axis=-1)
        cumulative = np.cumsum(counts, axis=-1)
        digits = np.argmax(cumulative > ranks[..., np.newaxis], axis=-1)
        # From here on a rank counts among the values that begin like the wanted one.
        n_below = np.take_along_axis(cumulative - counts, digits[..., np.newaxis], -1)
        ranks -= n_below[..., 0]
        heads = heads * key_type.type(_N_DIGITS) + digits.astype(key_type)
    lower, upper = np.split(_values_of_keys(heads, data.dtype), 2, axis=-1)
    percentiles = np.full(fractions.shape, np.nan, dtype=data.dtype)
    for cluster, band, _ in np.argwhere(n_values > 0):
        for number, fraction in enumerate(fractions[cluster, band]):
            position = cluster, band, number
            pair = np.array([lower[position], upper[position]])
            # NumPy itself goes from one value to the next.
            percentiles[position] = np.quantile(pair, [fraction])[0]
    return percentiles


def _count_next_digits(labels, data, ids, heads, n_unknown_bits):
    """Return how many values go on with each digit, for each head of a value.

    Parameters
    ----------
    labels, data, ids
        As for `lazy_percentiles`.
    heads : ndarray of unsigned int of shape (n_clusters, n_bands, n_heads)
        The digits that are known.
    n_unknown_bits : int
        Bits of the others.

    Returns
    -------
    counts : ndarray of int64 of shape (n_clusters, n_bands, n_heads, 256)
    """
    from dask import delayed

    count = delayed(
        partial(
            _count_next_digits_of_strip,
            ids=ids,
            heads=heads,
            n_unknown_bits=n_unknown_bits,
        ),
        pure=False,
        traverse=False,
    )
    label_strips = labels.to_delayed().ravel()
    flux_strips = data.to_delayed().ravel()
    tasks = [count(*strips) for strips in zip(label_strips, flux_strips, strict=True)]
    total = np.zeros((*heads.shape, _N_DIGITS), dtype=np.int64)
    for first in range(0, len(tasks), _STRIPS_AT_A_TIME):
        for counts in computed(*tasks[first : first + _STRIPS_AT_A_TIME]):
            total += counts
    return total


def _count_next_digits_of_strip(labels, data, ids, heads, n_unknown_bits):
    """Return the counts of one strip in memory."""
    key_type = heads.dtype.type
    n_bits = 8 * heads.dtype.itemsize
    counts = np.zeros((*heads.shape, _N_DIGITS), dtype=np.int64)
    for cluster, label in enumerate(ids):
        spectra = data[labels == label]
        for band, heads_of_band in enumerate(heads[cluster]):
            fluxes = spectra[:, band]
            keys = _keys_of_values(fluxes[~np.isnan(fluxes)])
            digits = keys >> key_type(n_unknown_bits - _DIGIT_BITS)
            digits &= key_type(_N_DIGITS - 1)
            for head in np.unique(heads_of_band):
                like_head = digits
                if n_unknown_bits < n_bits:  # the first digit follows on nothing
                    like_head = digits[keys >> key_type(n_unknown_bits) == head]
                counts[cluster, band, heads_of_band == head] = np.bincount(
                    like_head.astype(np.int64), minlength=_N_DIGITS
                )
    return counts


def _keys_of_values(values):
    """Return unsigned integers in the order of floating-point values.

    The bits of positive values are in their order already, and come behind the negative
    ones by the highest bit, which says the sign. Negative values are in the order of
    their flipped bits.
    """
    bits = values.view(f"u{values.dtype.itemsize}")
    sign = bits.dtype.type(1 << (8 * bits.itemsize - 1))
    return np.where(bits & sign, ~bits, bits | sign)


def _values_of_keys(keys, dtype):
    """Return the values that `_keys_of_values` made integers of."""
    sign = keys.dtype.type(1 << (8 * keys.itemsize - 1))
    return np.where(keys & sign, keys & ~sign, ~keys).view(dtype)

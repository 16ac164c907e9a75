# SPDX-License-Identifier: BSD-3-Clause
"""Exact percentiles of the clusters of lazy label maps and cubes, without a sort."""

from functools import partial

import numpy as np

from skesom._common.lazy import computed

_DIGIT = 8  # bits of the values that are found in a pass
_AT_A_TIME = 16  # strips


def percentiles(labels, cube, ids, ranks):
    """Return percentiles without NaN, of shape (n_clusters, n_bands, n_percentiles).

    They are those of NumPy bit by bit, but no values are kept: each pass counts the
    next digit of the values that begin like the wanted ones.
    """
    key = np.dtype(f"u{cube.dtype.itemsize}")
    n_bits = 8 * key.itemsize
    heads = np.zeros((len(ids), cube.shape[2], 2 * len(ranks)), dtype=key)
    for known in range(0, n_bits, _DIGIT):
        counts = _count_all(labels, cube.data, ids, heads, n_bits - known)
        if known == 0:
            n_values = counts[:, :, :1].sum(axis=-1)
            places = np.maximum(n_values - 1, 0) * np.divide(ranks, 100)
            steps, places = places % 1, np.floor(places)
            last = np.minimum(places + 1, np.maximum(n_values - 1, 0))
            places = np.concatenate([places, last], axis=-1)[..., np.newaxis]
        ends = np.cumsum(counts, axis=-1)
        digits = np.argmax(ends > places, axis=-1)[..., np.newaxis]
        places -= np.take_along_axis(ends - counts, digits, axis=-1)
        heads = heads * key.type(2**_DIGIT) + digits[..., 0].astype(key)
    sign = key.type(1 << (n_bits - 1))
    found = np.where(heads & sign, heads & ~sign, ~heads).view(cube.dtype)
    summary = np.full(steps.shape, np.nan, dtype=cube.dtype)
    for place in zip(*np.nonzero(n_values > 0)[:2], strict=True):
        pairs = found[place].reshape(2, -1).T
        for rank, (pair, step) in enumerate(zip(pairs, steps[place], strict=True)):
            # NumPy itself goes from one value to the next.
            summary[place][rank] = np.quantile(pair, [step])[0]
    return summary + 0


def _count_all(labels, data, ids, heads, n_left):
    """Return how many values go on with each digit, for each head of a value."""
    from dask import delayed

    count = partial(_count, ids=ids, heads=heads, n_left=n_left)
    count = delayed(count, pure=False, traverse=False)
    strips = zip(labels.to_delayed().ravel(), data.to_delayed().ravel(), strict=True)
    tasks = [count(*strip) for strip in strips]
    groups = range(0, len(tasks), _AT_A_TIME)
    return sum(sum(computed(*tasks[i : i + _AT_A_TIME])) for i in groups)


def _count(labels, data, ids, heads, n_left):
    """Return the counts of one strip."""
    key, n_bits = heads.dtype, 8 * heads.dtype.itemsize
    counts = np.zeros((*heads.shape, 2**_DIGIT), dtype=np.int64)
    for cluster, own in enumerate(ids):
        values = data[labels == own]
        for band, wanted in enumerate(heads[cluster]):
            bits = values[:, band][~np.isnan(values[:, band])].view(key)
            sign = key.type(1 << (n_bits - 1))
            bits = np.where(bits & sign, ~bits, bits | sign)  # in the order of values
            digits = (bits >> key.type(n_left - _DIGIT)) & key.type(2**_DIGIT - 1)
            for head in set(wanted.tolist()):
                some = n_left == n_bits or bits >> key.type(n_left % n_bits) == head
                found = digits[some].astype(np.int64).ravel()
                counts[cluster, band, wanted == head] = np.bincount(
                    found, minlength=256
                )
    return counts

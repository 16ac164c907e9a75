# SPDX-License-Identifier: BSD-3-Clause
"""Pixels that have data in enough bands."""

import numpy as np

from skesom._common.strip_calls import map_strips


def find_valid(data, min_bands=None, n_jobs=None):
    """Find the pixels that have enough bands with data; of lazy data lazily.

    Parameters
    ----------
    data : array of shape (n_rows, n_columns, n_bands)
    min_bands : int, default=None
        How many bands are enough; all of them by default.
    n_jobs : int, default=None

    Returns
    -------
    valid : array of bool of shape (n_rows, n_columns)
    """
    n_bands = data.shape[2]
    n_needed = n_bands if min_bands is None else min_bands
    if n_needed > n_bands:
        raise ValueError(f"min_bands={min_bands} exceeds the {n_bands} bands.")

    def find_valid_rows(rows_of_data, _):
        is_missing = np.isnan(rows_of_data)
        n_missing = np.zeros(is_missing.shape[:2], dtype=np.uint16)
        for band in range(n_bands):
            n_missing += is_missing[:, :, band]
        return n_missing <= n_bands - n_needed

    return map_strips(find_valid_rows, data, bool, one_plane=True, n_jobs=n_jobs)

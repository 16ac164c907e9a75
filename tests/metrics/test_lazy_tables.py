# SPDX-License-Identifier: BSD-3-Clause
"""Measures of maps take tables of dask, block by block, with the same bits."""

import dask
import dask.array as da
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skesom.metrics import (
    distortion,
    kaski_lagus_error,
    map_scorer,
    quantization_error,
    topographic_error,
)
from skesom.som import CSOM
from tests.helpers.block_sizes import cut_tables


@pytest.mark.parametrize("per_unit", [False, True])
@pytest.mark.parametrize(
    "measure", [quantization_error, topographic_error, kaski_lagus_error, distortion]
)
def test_chunks_change_no_bit(measure, per_unit, monkeypatch):
    cut_tables(monkeypatch, 32)
    X = np.random.default_rng(0).normal(size=(300, 3))
    X[::7, 1] = np.nan
    X[5] = np.nan
    som = CSOM(None, shape=(4, 3), n_epochs=2).fit(X)
    expected = measure(X, som, per_unit=per_unit)
    for chunks in (300, 64, 17):
        with dask.config.set(scheduler="threads"):
            lazily = da.from_array(X, chunks=(chunks, 2))
            with pytest.warns(UserWarning, match="along the features"):
                found = measure(lazily, som, per_unit=per_unit)
        assert_array_equal(found, expected)


def test_scorer_and_bad_table():
    X = np.random.default_rng(0).normal(size=(300, 3))
    som = CSOM(None, shape=(4, 3), n_epochs=2).fit(X)
    score = map_scorer("quantization_error")
    assert score(som, da.from_array(X, chunks=(100, 3))) == score(som, X)
    with pytest.raises(ValueError, match="X has 2 features, but the codebook has 3"):
        quantization_error(da.from_array(X[:, :2], chunks=(100, 2)), som)
    X[250, 2] = np.inf
    with pytest.raises(ValueError, match="inf in row 250, column 2"):
        quantization_error(da.from_array(X, chunks=(100, 3)), som)

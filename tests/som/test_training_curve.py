# SPDX-License-Identifier: BSD-3-Clause
"""The error of each epoch of training, against distances that are measured."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skesom.som import CSOM
from skesom.som._lattice_training import TrainingCurve
from skesom.som.metric import METRICS, Metric
from skesom.som.samples import Samples


def root_mean_square(metric, X, codebook, sample_weight=None, errors=None):
    """The error, sample by sample."""
    winners, _ = metric.nearest(X, codebook, errors=errors)
    difference = metric.prepared(X) - metric.prepared(codebook)[winners]
    if errors is not None:
        difference = difference / errors
    squares = np.nansum(difference.astype(float) ** 2, axis=1)[winners >= 0]
    weights = None if sample_weight is None else sample_weight[winners >= 0]
    return np.sqrt(np.average(squares, weights=weights))


# A chord over the present features of a sample is no sum over samples.
SETTINGS = [
    *((name, False, False) for name in METRICS),
    *((name, False, True) for name in ("euclidean", "manhattan")),
    *(("euclidean", True, missing) for missing in (False, True)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
@pytest.mark.parametrize(("name", "with_errors", "missing"), SETTINGS)
def test_against_distances(name, with_errors, missing, weighted, dtype):
    rng = np.random.default_rng(0)
    metric = Metric(name, [1, 0.5, 3, 2] if weighted else None)
    X = rng.normal(size=(9000, 4)) * [1, 2, 0.1, 1]
    X = (X if metric.of_angles else X + 100).astype(dtype)
    codebook = X[:30] + dtype(0.1)
    if missing:
        X[rng.random(X.shape) < 0.2] = np.nan
        X[:3] = np.nan
    errors = rng.uniform(0.5, 2, X.shape).astype(dtype) if with_errors else None
    sample_weight = rng.uniform(0, 2, len(X)) if weighted else None
    curve = TrainingCurve(metric, Samples(X, errors, sample_weight))
    sums = curve.sums(codebook)
    expected = root_mean_square(metric, X, codebook, sample_weight, errors)
    rtol = 1e-8 if dtype == np.float64 else 2e-4
    assert curve.error(codebook, *sums) == pytest.approx(expected, rel=rtol)


@pytest.mark.parametrize("algorithm", ["batch", "online"])
def test_attribute(algorithm):
    X = np.random.default_rng(0).normal(size=(500, 3))
    X[::9, 1] = np.nan
    csom = CSOM(
        None, shape=(5, 5), algorithm=algorithm, n_epochs=8, random_state=0
    ).fit(X)
    errors = csom.training_errors_
    assert errors.shape == (8,)
    assert errors[-1] < 0.9 * errors[0]
    now = root_mean_square(Metric(), X, csom.codebook_)
    assert errors[-1] == pytest.approx(now, rel=0.1)
    before = csom.codebook_
    csom.partial_fit(X[:100])
    assert_array_equal(csom.training_errors_[:8], errors)
    called = root_mean_square(Metric(), X[:100], before)
    assert csom.training_errors_[8:] == pytest.approx([called])


def test_first_error_is_that_of_the_initial_units():
    X = np.random.default_rng(0).normal(size=(200, 2))
    init = X[:6]
    csom = CSOM(None, shape=(2, 3), init=init, n_epochs=3, sigma=[1.0, 0.5, 0.5]).fit(X)
    first = root_mean_square(Metric(), X, init)
    assert csom.training_errors_[0] == pytest.approx(first)
    shorter = CSOM(None, shape=(2, 3), init=init, n_epochs=2, sigma=[1.0, 0.5]).fit(X)
    third = root_mean_square(Metric(), X, shorter.codebook_)
    assert csom.training_errors_[2] == pytest.approx(third)


def test_samples_right_on_their_units():
    csom = CSOM(None, shape=(1, 2), init=[[1e8], [1e8 + 1]], n_epochs=2, sigma=0.01)
    csom.fit([[1e8], [1e8 + 1]])
    assert_allclose(csom.training_errors_, 0, atol=1e-6)

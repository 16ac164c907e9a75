# SPDX-License-Identifier: BSD-3-Clause
"""Further layers of a classical map, each trained on the units of the one before."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score

from skesom.som import CSOM
from skesom.som.samples import Samples


@pytest.fixture(scope="module")
def blobs():
    return make_blobs(900, centers=4, cluster_std=0.6, random_state=2)


def test_a_layer_is_a_map_of_the_units_weighted_by_their_hits(blobs):
    X, _ = blobs
    second = {"shape": (3, 3), "sigma": 2.0, "diameter": 4, "n_epochs": 7}
    csom = CSOM(None, shape=(8, 6), topology="rectangular", layers=[second, 4]).fit(X)
    units, hits = csom.codebook_, csom.hits_
    for layer, own in zip(csom.layers_, [second, {"shape": 4}], strict=True):
        alone = CSOM(None, topology="rectangular", **own)
        alone.fit(units, sample_weight=hits)
        assert_array_equal(layer.codebook_, alone.codebook_)
        units, hits = layer.codebook_, layer.hits_
    assert csom.layers_[0].n_epochs == 7
    assert csom.layers_[1].n_epochs == 20  # what a layer lacks it has from the map
    assert csom.layers_[1].diameter is None  # but not its widths


def test_the_label_is_that_of_the_unit_of_the_unit(blobs):
    X, _ = blobs
    csom = CSOM(None, shape=(8, 6), layers=[(4, 3), 5]).fit(X)
    place = csom.winners(X)
    below = csom.codebook_
    for layer in csom.layers_:
        place = layer.winners(below)[place]
        below = layer.codebook_
    # One label for each unit of the last layer, by falling size.
    sizes = np.bincount(place, minlength=5)
    expected = np.argsort(np.argsort(-sizes, kind="stable"), kind="stable")[place]
    assert_array_equal(csom.labels_, expected)
    assert_array_equal(csom.predict(X), csom.labels_)
    # Units are where they learned, also for who asks a graph of them.
    csom.set_params(n_clusters=5)
    assert csom._codebook_to_group(None, Samples(X)) is csom.codebook_


def test_every_layer_may_be_trained_in_its_own_way(blobs):
    X, truth = blobs
    layers = [
        {"shape": (4, 4), "algorithm": "online", "learning_rate": 0.3},
        {"shape": 4, "neighborhood": "bubble", "sigma": 0.9, "toroidal": True},
    ]
    csom = CSOM(None, shape=(10, 10), layers=layers, random_state=0).fit(X)
    assert csom.layers_[0].algorithm == "online"
    assert csom.layers_[1].neighborhood == "bubble"
    assert adjusted_rand_score(truth, csom.labels_) > 0.9
    assert_array_equal(clone(csom).fit(X).labels_, csom.labels_)


def test_the_last_layer_may_be_grouped(blobs):
    X, _ = blobs
    csom = CSOM(3, shape=(10, 10), layers=[(5, 5)]).fit(X)
    assert csom.labels_.max() == 2
    assert csom.layers_[0].n_clusters == 3
    with pytest.warns(ConvergenceWarning, match="fewer than n_clusters=6"):
        CSOM(6, shape=(10, 10), layers=[(2, 2)]).fit(X)


def test_streams_and_missing_features(blobs):
    X = blobs[0].copy()
    X[::3, 0] = np.nan
    csom = (
        CSOM(None, shape=(6, 6), layers=[4]).partial_fit(X[:400]).partial_fit(X[400:])
    )
    assert csom.labels_.shape == (500,)
    assert csom.labels_.max() <= 3


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([(8, 6)], "fewer units than the one before, got layers of .48, 48. units"),
        ([(3, 3), 9], "got layers of .48, 9, 9. units"),
        ([{"diameter": 3}], "Layer 2 of 'layers' needs a 'shape'"),
        ([{"shape": 3, "epsilon": 1}], "parameters of its own among .* Got"),
        ([{"shape": 3, "n_clusters": 2}], "Layer 2 of 'layers' .*'n_clusters': 2"),
        ([{"shape": 3, "n_epochs": 0}], "The 'n_epochs' parameter of CSOM"),
        ([(3, 0)], "'shape' of the lattice must be two integers >= 1"),
        ([3.5], "The 'shape' parameter of CSOM"),
        (4, "The 'layers' parameter of CSOM"),
    ],
)
def test_refused_layers(blobs, layers, message):
    with pytest.raises(ValueError, match=message):
        CSOM(None, shape=(8, 6), layers=layers).fit(blobs[0])

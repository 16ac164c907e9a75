# SPDX-License-Identifier: BSD-3-Clause
"""Clusters that say little do not pass in silence."""

import re
import warnings
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.maps import CubeClusterer
from skesom.maps.doubtful_clusters import check_enough_pixels
from skesom.som import ESOM


class Divide(ClusterMixin, BaseEstimator):
    """Make clusters of given sizes, -1 for the rest."""

    def __init__(self, sizes=(1,), n_clusters=None):
        self.sizes = sizes
        self.n_clusters = n_clusters

    def fit(self, X, y=None):
        labels = np.repeat(np.arange(len(self.sizes)), self.sizes)
        rest = np.full(len(X) - len(labels), -1)
        self.labels_ = np.concatenate([labels, rest])
        return self


def warnings_of(estimator, shape, **parameters):
    """Return the warnings of a fit on noise of some shape."""
    cube = np.random.default_rng(0).normal(size=shape)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        CubeClusterer(estimator, **parameters).fit(cube)
    for warning in caught:
        assert warning.category is UserWarning
        assert warning.filename == __file__
    return [str(warning.message) for warning in caught]


class TestFewPixels:
    """Pixels against clusters and bands."""

    @pytest.mark.parametrize(
        ("n_pixels", "warns"), [(29, True), (39, True), (40, False)]
    )
    def test_clusters(self, n_pixels, warns):
        sizes = [n_pixels // 8] * 7
        sizes.append(n_pixels - sum(sizes))
        found = warnings_of(Divide(sizes), (1, n_pixels, 3))
        assert len(found) == warns
        for text in found:
            assert text.startswith(f"{n_pixels} pixels are few for 8 clusters")
            assert "fewer clusters" in text

    @pytest.mark.parametrize(("n_pixels", "warns"), [(48, True), (1800, False)])
    def test_bands(self, n_pixels, warns):
        half = [n_pixels // 2] * 2
        found = warnings_of(Divide(half), (1, n_pixels, 1800))
        assert len(found) == warns
        for text in found:
            assert text.startswith("48 pixels are few for 1800 bands")
            assert "(bin_bands, BandBinner)" in text
            assert "PCA" in text

    def test_masked_pixels_do_not_count_and_voxels_have_one_band(self):
        cube = np.random.default_rng(0).normal(size=(10, 10, 2))
        cube[3:] = np.nan
        with pytest.warns(UserWarning, match="30 pixels are few for 8 clusters"):
            CubeClusterer(ESOM(n_clusters=8, random_state=0)).fit(cube)
        assert warnings_of(Divide([20, 20]), (2, 2, 10), pattern="voxel") == []
        both = warnings_of(KMeans(8, n_init=1, random_state=0), (1, 29, 30))
        assert len(both) == 2


class TestOneCluster:
    """A cluster that holds nearly all pixels."""

    @pytest.mark.parametrize(
        ("sizes", "share"),
        [((91, 9), "91.0%"), ((90, 10), None), ((46, 4), "92.0%"), ((100,), "100.0%")],
    )
    def test_share_of_the_clustered_pixels(self, sizes, share):
        found = warnings_of(Divide(sizes), (10, 10, 2))
        assert len(found) == (share is not None)
        for text in found:
            assert text.startswith(f"One cluster holds {share} of the clustered pixels")
            for remedy in ("AsinhStretch", "outliers", "sky", "epsilon"):
                assert remedy in text

    def test_one_cluster_that_was_asked_for_and_nothing_but_noise(self):
        estimator = make_pipeline(StandardScaler(), Divide((100,), n_clusters=1))
        assert warnings_of(estimator, (10, 10, 2)) == []
        assert warnings_of(Divide(()), (10, 10, 2)) == []

    def test_hot_pixels(self):
        cube = np.random.default_rng(0).normal(size=(40, 40, 3))
        cube[:20] += 8
        esom = ESOM(n_clusters=2, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            CubeClusterer(esom).fit(cube)
        cube[5, ::8] = 1e5
        with pytest.warns(UserWarning, match="One cluster holds 99"):
            CubeClusterer(KMeans(2, n_init=1, random_state=0)).fit(cube)


@pytest.mark.parametrize(
    ("labels", "advice"),
    [
        ([*range(6), -3], None),  # nothing was set aside as sky
        ([*range(6), -3, -2], "; or cluster the sky"),
        ([*range(3)] * 4 + [-2], "; or ask for fewer clusters (n_clusters=2), clus"),
        ([*range(3)] * 5 + [-2], None),  # five pixels each
    ],
)
def test_few_pixels_that_stand_out_are_refused(labels, advice):
    estimator = SimpleNamespace(labels_=np.array([labels]))
    refused = advice and pytest.raises(ValueError, match=re.escape(advice))
    with refused or nullcontext():
        check_enough_pixels(estimator)

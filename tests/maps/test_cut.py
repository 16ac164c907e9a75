# SPDX-License-Identifier: BSD-3-Clause
"""A cube clusterer whose tree is cut at another number of clusters."""

import pickle

import numpy as np
import pytest
from astropy import units
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.cluster import contingency_matrix
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.consensus import ConsensusClusterer
from skesom.datasets import make_galaxy_cube
from skesom.maps import CubeClusterer, MajorityVote
from skesom.pixels import PixelSampler
from skesom.som import CSOM, ESOM

HOW = {"n_estimators": 4, "random_state": 0}
CLUSTERERS = {
    "esom": CubeClusterer(ConsensusClusterer(ESOM(5), **HOW)),
    "pipeline": CubeClusterer(
        make_pipeline(StandardScaler(), ConsensusClusterer(ESOM(5), **HOW)),
        regularizer=MajorityVote(fwhm=2 * units.pix),
    ),
    "errors": CubeClusterer(
        ConsensusClusterer(CSOM(5, shape=(7, 7)), max_samples=0.5, **HOW)
    ),
    "sample": CubeClusterer(
        ConsensusClusterer(ESOM(5), **HOW),
        sampler=PixelSampler(900, random_state=0),
    ),
    "single": CubeClusterer(make_pipeline(StandardScaler(), ESOM(5, random_state=0))),
    "single sample": CubeClusterer(
        CSOM(5, shape=(7, 7)), sampler=PixelSampler(900, random_state=0)
    ),
}
WITH_ERRORS = {"errors", "single sample"}


@pytest.fixture(scope="module")
def cube():
    cube = make_galaxy_cube((40, 44), 3, random_state=0)[0]
    data = np.array(cube.data)
    data[:3] = np.nan
    return cube.replace(data=np.arcsinh(data))


@pytest.fixture(scope="module", params=CLUSTERERS)
def fitted(request, cube):
    if request.param not in WITH_ERRORS:
        cube = cube.replace(data=cube.data, errors=None)
    return cube, CLUSTERERS[request.param].fit(cube)


def same(one, other):
    np.testing.assert_array_equal(one.labels_, other.labels_)
    if hasattr(other, "agreement_"):
        np.testing.assert_array_equal(one.agreement_, other.agreement_)
    assert one.n_clusters_ == other.n_clusters_


@pytest.mark.parametrize("number", [1, 3, 8])
def test_all_of_a_cut_is_of_its_number(fitted, number):
    cube, clusterer = fitted
    cut = clusterer.cut_at(number, cube)
    assert clusterer.n_clusters_ == 5  # the fitted one stays as it was
    sizes = np.bincount(cut.labels_[cut.labels_ >= 0])
    assert (np.diff(sizes) <= 0).all()
    assert len(sizes) == cut.n_clusters_ <= number
    if clusterer.regularizer is None:
        assert cut.n_clusters_ == number
    np.testing.assert_array_equal(cut.predict(cube), cut.labels_)
    if not hasattr(clusterer, "agreement_"):
        return
    np.testing.assert_array_equal(cut.agreement(cube), cut.agreement_)
    np.testing.assert_array_equal(np.isnan(cut.agreement_), cut.labels_ < 0)
    assert 0 < np.nanmin(cut.agreement_) <= np.nanmax(cut.agreement_) <= 1.0001


def test_it_can_be_cut_again_and_stored(fitted):
    cube, clusterer = fitted
    cut = pickle.loads(pickle.dumps(clusterer.cut_at(7, cube)))
    same(cut.cut_at(5, cube), clusterer)
    for number in (3, 8):
        same(cut.cut_at(number, cube), clusterer.cut_at(number, cube))
    same(cut.fit(cube), clusterer)


def test_a_cut_is_a_fit_with_that_number(fitted):
    cube, clusterer = fitted
    other = clone(clusterer)
    numbers = [name for name in other.get_params() if name.endswith("n_clusters")]
    other.set_params(**dict.fromkeys(numbers, 7)).fit(cube)
    same(clusterer.cut_at(7, cube), other)


def test_labels_are_those_of_the_table(cube):
    cube = cube.replace(data=cube.data, errors=None)
    clusterer = CLUSTERERS["esom"].fit(cube)
    table, valid = clusterer.table(cube)
    for number in (2, 8):
        cut = clusterer.cut_at(number, cube)
        labels = clusterer.estimator_.labels_at(number)
        assert adjusted_rand_score(cut.labels_[valid], labels) == 1
        consensus, whole = cut.estimator_, clusterer.estimator_
        np.testing.assert_array_equal(consensus.predict(table[3:4]), labels[3:4])
        np.testing.assert_array_equal(consensus.labels_at(8), whole.labels_at(8))
        member = consensus.representative_
        shared = contingency_matrix(member.winners(table), labels)
        held = np.unique(member.winners(table))
        of_units = member.unit_labels_[held]
        own = shared[np.arange(len(held)), of_units]
        np.testing.assert_array_equal(own, shared.max(axis=1))


def test_of_a_lazy_cube(cube):
    da = pytest.importorskip("dask.array")
    cube = cube.replace(data=cube.data, errors=None)
    clusterer = CLUSTERERS["esom"].fit(cube)
    lazy = cube.replace(data=da.from_array(cube.data, chunks=(10, 44, 3)))
    for number in (3, 8):
        same(clusterer.cut_at(number, lazy), clusterer.cut_at(number, cube))
    of_lazy = clone(clusterer).fit(lazy)
    kept = vars(of_lazy.estimator_).keys() & {"labels_", "agreement_", "_pieces"}
    assert not kept  # which would hold the images


def test_says_what_cannot_be_cut(cube):
    single = CubeClusterer(KMeans(3, n_init=1)).fit(cube)
    with pytest.raises(ValueError, match=r"no tree to cut: this KMeans has none, as"):
        single.cut_at(2, cube)
    units = CubeClusterer(CSOM(shape=(4, 4), clusterer=KMeans(3, n_init=1))).fit(cube)
    with pytest.raises(ValueError, match=r"no tree to cut: this CSOM has none, as on"):
        units.cut_at(2, cube)
    clusterer = CLUSTERERS["esom"].fit(cube)
    with pytest.raises(ValueError, match=r"from 1 to the \d+ leaves of the tree"):
        clusterer.cut_at(1000, cube)


class TestLookUp:
    """A cut by what the members saw, without the cube."""

    @pytest.mark.parametrize(
        "member", [ESOM(5), CSOM(5, shape=(6, 6)), KMeans(5)], ids=["esom", "csom", "k"]
    )
    def test_same_as_with_the_cube(self, cube, member):
        cube = cube.replace(data=cube.data, errors=None)
        consensus = ConsensusClusterer(member, n_estimators=3, random_state=0)
        clusterer = CubeClusterer(consensus).fit(cube)
        for number in (2, 3, 5):
            one, other = clusterer.cut_at(number), clusterer.cut_at(number, cube)
            same(one, other)
            inner, outer = one.estimator_, other.estimator_
            np.testing.assert_array_equal(
                inner.cluster_centers_, outer.cluster_centers_
            )
            assert inner.inertia_ == outer.inertia_
            np.testing.assert_array_equal(one.predict(cube), one.labels_)

    def test_with_a_vote_and_sky(self, cube):
        sky = np.zeros(cube.shape[:2], dtype=bool)
        sky[:6] = True
        data = np.where(sky[:, :, np.newaxis], np.nan, cube.data)
        cube = cube.replace(data=data, errors=None, sky_mask=sky)
        clusterer = clone(CLUSTERERS["esom"])
        clusterer.set_params(regularizer=MajorityVote(fwhm=2 * units.pix)).fit(cube)
        same(clusterer.cut_at(5), clusterer.cut_at(5, cube))
        assert (clusterer.cut_at(5).labels_[sky] == -2).all()

    def test_of_voxels_beside_sky(self, cube):
        sky = np.zeros(cube.shape[:2], dtype=bool)
        sky[:6] = True
        data = np.where(sky[:, :, np.newaxis], np.nan, cube.data)
        data[20, 20, 1] = np.nan
        cube = cube.replace(data=data, errors=None, sky_mask=sky)
        clusterer = clone(CLUSTERERS["esom"]).set_params(pattern="voxel").fit(cube)
        same(clusterer.cut_at(3), clusterer.cut_at(3, cube))
        assert clusterer.cut_at(3).labels_[20, 20, 1] == -3

    def test_a_cut_is_cut_again(self, cube):
        clusterer = CLUSTERERS["esom"].fit(cube.replace(data=cube.data, errors=None))
        same(clusterer.cut_at(7).cut_at(3), clusterer.cut_at(3))

    @pytest.mark.parametrize(
        "clusterer",
        [
            CubeClusterer(ESOM(4, random_state=0)),
            CubeClusterer(
                ConsensusClusterer(ESOM(4), n_estimators=3, random_state=0),
                sampler=PixelSampler(500, random_state=0),
            ),
        ],
        ids=["map", "sampler"],
    )
    def test_others_say_that_they_need_the_cube(self, cube, clusterer):
        clusterer.fit(cube.replace(data=cube.data, errors=None))
        with pytest.raises(ValueError, match="needs the cube of fit: give it as X"):
            clusterer.cut_at(3)

    def test_not_after_pickling(self, cube):
        clusterer = CLUSTERERS["esom"].fit(cube.replace(data=cube.data, errors=None))
        again = pickle.loads(pickle.dumps(clusterer))
        with pytest.raises(ValueError, match="after pickling"):
            again.cut_at(3)

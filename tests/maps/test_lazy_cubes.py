# SPDX-License-Identifier: BSD-3-Clause
"""Lazy cubes: the label maps of cubes in memory, bit for bit."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import ndimage
from sklearn.base import clone
from sklearn.cluster import DBSCAN, KMeans, MiniBatchKMeans
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.consensus import ConsensusClusterer
from skesom.cube import AsinhStretch, Cube, CubeStore
from skesom.datasets import make_galaxy_cube
from skesom.maps import (
    CubeClassifier,
    CubeClusterer,
    MajorityVote,
    make_cluster_pipeline,
)
from skesom.pixels import PixelSampler, flatten, unflatten
from skesom.som import CSOM, ESOM
from tests.helpers.block_sizes import cut_tables, set_size

da = pytest.importorskip("dask.array")

ESTIMATORS = [
    None,
    ESOM(random_state=0),
    CSOM(shape=(6, 6)),
    ConsensusClusterer(n_estimators=3, random_state=0),
    ConsensusClusterer(MiniBatchKMeans(), n_estimators=3, random_state=0),
    make_pipeline(StandardScaler(), PCA(2), ESOM(random_state=1)),
    make_pipeline(PCA(2), MiniBatchKMeans(3, random_state=0)),
]


class CountingKMeans(MiniBatchKMeans):
    """Remembers how many rows it has labeled, in all copies."""

    counts: list[int] = []

    def predict(self, X):
        """Label rows."""
        self.counts.append(len(X))
        return super().predict(X)


@pytest.fixture(scope="module")
def galaxy():
    """A galaxy with gaps, one of them as high as a strip, and some sky set aside."""
    cube, _ = make_galaxy_cube((230, 140), 4, random_state=0)
    cube = AsinhStretch().fit_transform(cube)
    cube.data[3:9, 10:40, 1] = np.nan
    cube.data[64:128] = np.nan
    sky_mask = np.zeros(cube.shape[:2], dtype=bool)
    sky_mask[60:66, :50] = True
    return cube.replace(data=cube.data, sky_mask=sky_mask)


def in_strips(cube, height):
    """Return a lazy cube in strips of so many rows."""
    parts = {
        name: da.from_array(part, chunks=(height, *part.shape[1:]))
        for name, part in vars(cube).items()
        if name in ("data", "errors") and part is not None
    }
    return cube.replace(sky_mask=cube.sky_mask, **parts)


@pytest.fixture(params=["small", "large"])
def heights(request, monkeypatch):
    """Heights of strips; whether steps before a clusterer learn from whole tables."""
    if request.param == "small":
        return 64, -1
    monkeypatch.setattr("skesom.maps.pixel_tables.ENOUGH", 5000)
    return (101,)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: repr(e)[:50])
def test_label_maps_of_lazy_cubes_are_the_same(galaxy, estimator, heights):
    if len(heights) == 1 and estimator is ESTIMATORS[-1]:
        estimator = make_pipeline(PCA(2), ESTIMATORS[3])
    expected = CubeClusterer(estimator).fit(galaxy)
    for height in heights:
        lazy = in_strips(galaxy, height)
        step = CubeClusterer(estimator).fit(lazy)
        assert type(step.labels_) is np.ndarray
        assert step.labels_.dtype == np.int32
        assert_array_equal(step.labels_, expected.labels_)
        assert_array_equal(step.predict(lazy), step.labels_)
        assert step.n_clusters_ == expected.n_clusters_
        assert np.any(step.labels_ == -2)
        if hasattr(expected, "agreement_"):
            assert_array_equal(step.agreement_, expected.agreement_)
            assert_array_equal(step.agreement(lazy), step.agreement_)


def test_threads_of_dask_do_not_change_the_map(galaxy):
    import dask

    lazy = in_strips(galaxy, 30)
    maps = []
    for options in ({"scheduler": "sync"}, {"num_workers": 1}, {"num_workers": 4}):
        with dask.config.set(**options):
            maps.append(CubeClusterer(ESTIMATORS[3]).fit_predict(lazy))
    assert_array_equal(maps[0], maps[1])
    assert_array_equal(maps[0], maps[2])


def test_large_tables_of_images_in_memory_are_those_of_lazy_ones(galaxy, monkeypatch):
    # By blocks: the products of PCA could differ in the last bit with the rows.
    monkeypatch.setattr("skesom.maps.pixel_tables.ENOUGH", 1000)
    pipeline = make_pipeline(PCA(3), ESOM(random_state=0))
    fitted = [CubeClusterer(pipeline).fit(c) for c in (galaxy, in_strips(galaxy, 50))]
    assert_array_equal(*(step.estimator_[0].components_ for step in fitted))
    assert_array_equal(*(step.labels_ for step in fitted))


@pytest.mark.parametrize("estimator", ESTIMATORS[:3], ids=["None", "ESOM", "CSOM"])
def test_maps_learn_large_tables_in_the_same_blocks(
    galaxy, estimator, heights, monkeypatch
):
    # As with more than a million pixels, in windows of several blocks.
    cut_tables(monkeypatch, 1024, window=4096)
    expected = CubeClusterer(estimator).fit(galaxy)
    for height in heights:
        found = CubeClusterer(estimator).fit(in_strips(galaxy, height))
        assert_array_equal(found.labels_, expected.labels_)


def test_fitted_clusterer_holds_no_images(galaxy):
    step = CubeClusterer(ESTIMATORS[3]).fit(in_strips(galaxy, 64))
    copy = pickle.loads(pickle.dumps(step))
    assert not any(isinstance(v, da.Array) for v in vars(copy.estimator_).values())
    assert_array_equal(copy.predict(galaxy), step.labels_)


@pytest.mark.parametrize("estimator", [KMeans(3), make_pipeline(PCA(2), DBSCAN())])
def test_clusterers_that_learn_in_memory_get_no_large_lazy_cube(
    galaxy, estimator, monkeypatch
):
    monkeypatch.setattr("skesom.maps.pixel_tables.ENOUGH", 5000)
    name = type(estimator[-1] if hasattr(estimator, "steps") else estimator).__name__
    with pytest.raises(
        ValueError, match=rf"^{name} learns in memory from at most 5000"
    ):
        CubeClusterer(estimator).fit(in_strips(galaxy, 64))


def test_any_clusterer_learns_from_a_sample_of_a_large_lazy_cube(galaxy, monkeypatch):
    monkeypatch.setattr("skesom.maps.pixel_tables.ENOUGH", 5000)
    sampler = PixelSampler(3000, method="brightness", random_state=0)
    estimator = make_pipeline(StandardScaler(), KMeans(4, random_state=0))
    fitted = [
        CubeClusterer(estimator, sampler=sampler).fit(cube)
        for cube in (galaxy, in_strips(galaxy, 64))
    ]
    assert_array_equal(*(step.labels_ for step in fitted))


@pytest.mark.parametrize("pattern", ["pixel", "voxel"])
def test_bands_without_data_and_constant_ones_are_refused(galaxy, pattern):
    data = galaxy.data.copy()
    data[..., 2] = 5
    if pattern == "voxel":
        data[:] = 5
    match = "band 3.* is constant" if pattern == "pixel" else "'flux' is constant"
    with pytest.raises(ValueError, match=match):
        CubeClusterer(pattern=pattern).fit(in_strips(Cube(data), 64))


def test_voxels_of_lazy_cubes(galaxy):
    maps = [
        CubeClusterer(CSOM(3, shape=5), pattern="voxel").fit_predict(cube)
        for cube in (galaxy, in_strips(galaxy, 64))
    ]
    assert_array_equal(*maps)
    assert maps[0].shape == galaxy.shape


def test_lazy_cube_without_a_valid_pixel_is_labeled(galaxy):
    step = CubeClusterer(ESTIMATORS[3]).fit(galaxy)
    empty = in_strips(Cube(np.full((70, 30, 4), np.nan)), 20)
    assert np.all(step.predict(empty) == -3)
    assert np.isnan(step.agreement(empty)).all()


@pytest.mark.parametrize("limit", [2**22, 4000])
def test_errors_of_lazy_cubes(galaxy, limit, monkeypatch):
    monkeypatch.setattr("skesom.maps.pixel_tables.ENOUGH", limit)
    rng = np.random.default_rng(0)
    errors = rng.uniform(0.1, 2, galaxy.shape).astype(galaxy.dtype)
    errors[::7, ::5, 0] = -1
    cube = galaxy.replace(data=galaxy.data, errors=errors)
    estimator = make_pipeline(StandardScaler(), PCA(3), CSOM(shape=(5, 5)))
    steps = []
    for each in (cube, in_strips(cube, 64)):
        with pytest.warns(UserWarning, match="values have no valid error") as caught:
            steps.append((CubeClusterer(estimator).fit(each), str(caught[0].message)))
    (expected, text), (step, same_text) = steps
    assert_array_equal(step.labels_, expected.labels_)
    assert same_text == text
    assert_array_equal(step._typical_errors, expected._typical_errors)


def test_classifier_labels_lazy_cubes(galaxy):
    labels = np.full(galaxy.shape[:2], -1)
    labels[20:40, 50:60], labels[150:160, 70:90] = 1, 4
    steps = [CubeClassifier().fit(c, labels) for c in (galaxy, in_strips(galaxy, 64))]
    lazy = in_strips(galaxy, 37)
    assert_array_equal(steps[1].predict(lazy), steps[0].predict(galaxy))
    assert_array_equal(steps[1].predict_proba(lazy), steps[0].predict_proba(galaxy))


def test_votes_do_not_depend_on_blocks(monkeypatch, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    labels = rng.integers(-3, 5, (90, 40)).astype(np.int32)
    # Plainly: every label votes in the whole map, the first of the highest wins.
    votes = [
        ndimage.gaussian_filter(
            (labels == n).astype(np.float32), 3 / 2.3548200450309493, mode="constant"
        )
        for n in range(5)
    ]
    best = np.max(votes, axis=0)
    own = np.take_along_axis(np.array(votes), np.maximum(labels, 0)[None], axis=0)[0]
    winner = np.where((labels < 0) | (own >= best), labels, np.argmax(votes, axis=0))
    set_size(monkeypatch, "votes", values=280)
    assert_array_equal(MajorityVote().regularize(labels), winner)


class TestPipeline:
    @pytest.mark.parametrize(
        "clusterer",
        [ESOM(random_state=0), ESTIMATORS[3]],
        ids=["esom", "consensus"],
    )
    def test_default_pipeline_gives_the_same_map(self, clusterer):
        cube, _ = make_galaxy_cube((200, 150), 3, random_state=1, missing=0.1)
        expected = make_cluster_pipeline(clusterer).fit(cube)
        lazy = make_cluster_pipeline(clusterer).fit(in_strips(cube, 64))
        assert_array_equal(lazy[-1].labels_, expected[-1].labels_)
        assert_array_equal(lazy.predict(in_strips(cube, 81)), lazy[-1].labels_)

    def test_pixels_are_read_once_after_the_costly_steps(self, galaxy):
        reads = []

        def count(block, block_info):
            reads.append(block_info[0]["chunk-location"][0])
            return block

        pipeline = make_cluster_pipeline(ESOM(random_state=0))
        pipeline = pipeline[list(pipeline.named_steps).index("store") :]
        data = in_strips(galaxy, 64).data.map_blocks(count, dtype=galaxy.dtype)
        reads.clear()
        pipeline.fit(galaxy.replace(data=data))
        assert sorted(reads) == [0, 1, 2, 3]

    def test_pipelines_without_a_store_give_the_same_map(self):
        cube, _ = make_galaxy_cube((150, 90), 3, random_state=1)
        pipeline = make_cluster_pipeline(ESOM(random_state=0))
        expected = pipeline.fit_predict(cube)
        pipeline.set_params(store="passthrough")
        assert_array_equal(pipeline.fit_predict(in_strips(cube, 64)), expected)

    def test_store_keeps_the_fitted_cube_but_not_in_copies(self, galaxy):
        store = CubeStore()
        passed_on = store.fit_transform(in_strips(galaxy, 50))
        assert store.cube_ is passed_on
        assert_array_equal(store.cube_, galaxy)
        assert not hasattr(pickle.loads(pickle.dumps(store)), "cube_")
        store.fit_transform(galaxy)
        assert not hasattr(store, "cube_")


class TestPartialFit:
    @pytest.mark.parametrize("height", [None, 30])
    @pytest.mark.parametrize("estimator", [ESOM(random_state=0), CSOM(shape=(6, 6))])
    def test_learns_strip_by_strip_what_the_map_alone_learns(
        self, galaxy, estimator, height
    ):
        step, alone = CubeClusterer(estimator), clone(estimator)
        for rows in (slice(0, 60), slice(128, 190), slice(190, 230)):
            part = galaxy[rows]
            table, valid = flatten(part)
            alone = alone.partial_fit(table)
            part = part if height is None else in_strips(part, height)
            assert step.partial_fit(part) is step
            expected = unflatten(alone.predict(table), valid)
            expected[part.sky_mask & (expected == -3)] = -2
            assert_array_equal(step.labels_, expected)
            assert_array_equal(step.predict(part), step.labels_)

    @pytest.mark.parametrize("height", [None, 30])
    def test_learns_blocks_where_the_estimator_takes_arrays(
        self, galaxy, height, monkeypatch
    ):
        cut_tables(monkeypatch, 2048)
        estimator = MiniBatchKMeans(3, random_state=0)
        step = CubeClusterer(MiniBatchKMeans(3, random_state=0))
        step.partial_fit(galaxy if height is None else in_strips(galaxy, height))
        table, valid = flatten(galaxy)
        for start in range(0, len(table), 2048):
            estimator.partial_fit(table[start : start + 2048])
        labels = unflatten(estimator.predict(table), valid)
        assert_array_equal(step.labels_[valid], labels[valid])

    def test_strip_without_pixels_is_labeled_and_teaches_nothing(self, galaxy):
        step = CubeClusterer(ESOM(random_state=0)).partial_fit(galaxy[:60])
        codebook = step.estimator_.codebook_.copy()
        step.partial_fit(galaxy[70:90])
        assert np.all(step.labels_ == -3)
        assert step.n_clusters_ == 0
        assert_array_equal(step.estimator_.codebook_, codebook)

    def test_sampler_chooses_in_each_cube(self, galaxy):
        sampler = PixelSampler(500, random_state=0)
        step = CubeClusterer(ESOM(random_state=0), sampler=sampler)
        step.partial_fit(galaxy[:60])
        table, valid = flatten(galaxy[:60])
        chosen = sampler.sample(galaxy[:60], valid)
        alone = ESOM(random_state=0).partial_fit(table[chosen[valid]])
        assert_array_equal(step.estimator_.codebook_, alone.codebook_)

    def test_errors_are_not_used(self, galaxy):
        cube = galaxy.replace(data=galaxy.data, errors=np.ones_like(galaxy.data))
        with pytest.warns(UserWarning, match="does not use the errors"):
            CubeClusterer(CSOM(shape=(4, 4))).partial_fit(cube)

    @pytest.mark.parametrize(
        ("estimator", "name"),
        [
            (None, "A Pipeline"),
            (KMeans(), "KMeans"),
            (make_pipeline(ESOM()), "Pipeline"),
        ],
    )
    def test_estimators_without_it_are_named(self, galaxy, estimator, name):
        with pytest.raises(AttributeError) as error:
            CubeClusterer(estimator).partial_fit(galaxy)
        assert f"{name} has no partial_fit" in str(error.value.__cause__)

    def test_other_bands_and_empty_first_cubes_are_refused(self, galaxy):
        with pytest.raises(ValueError, match="All 2800 pixels are masked"):
            CubeClusterer(ESOM()).partial_fit(galaxy[70:90])
        step = CubeClusterer(ESOM(random_state=0)).partial_fit(galaxy[:60])
        with pytest.raises(ValueError, match="bands"):
            step.partial_fit(galaxy[:60, :, :3])


def test_labels_and_agreement_come_from_one_vote(galaxy):
    members = ConsensusClusterer(CountingKMeans(3), n_estimators=2, random_state=0)
    CountingKMeans.counts.clear()
    CubeClusterer(members).fit(in_strips(galaxy, 40))
    n_pixels = np.count_nonzero(np.isfinite(galaxy.data).all(axis=2))
    # To compare the members, for the sizes of clusters, and for their map.
    assert sum(CountingKMeans.counts) == 3 * 2 * n_pixels

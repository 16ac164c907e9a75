# SPDX-License-Identifier: BSD-3-Clause
"""Neighboring pixels that agree: against plain loops, by hand, and on noisy truth."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import DBSCAN, AgglomerativeClustering, KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.cube import Cube
from skesom.maps import ConditionalModes, CubeClusterer, MajorityVote
from skesom.maps._cluster_costs import cluster_costs, typical_margin
from skesom.som import CSOM, ESOM

REGULARIZERS = [MajorityVote(), MajorityVote(fwhm=3.0), ConditionalModes(2.0)]


@pytest.fixture
def halves(global_random_seed):
    """Two halves of a frame with one small bright square, in much noise."""
    rng = np.random.default_rng(global_random_seed)
    truth = np.zeros((40, 40), dtype=np.int32)
    truth[:, 20:] = 1
    return rng.normal(truth[:, :, np.newaxis] * 1.2, 0.6, (40, 40, 2)), truth


def reference_energy(label_map, costs, strength):
    """Return the energy, summed pair by pair in plain loops."""
    rows, columns = label_map.shape
    total = 0.0
    whole = 4 + 4 / np.sqrt(2)
    for i, j in np.ndindex(rows, columns):
        if label_map[i, j] < 0:
            continue
        total += costs[i, j, label_map[i, j]]
        for a, b in np.ndindex(3, 3):
            k, m = i + a - 1, j + b - 1
            if (a, b) == (1, 1) or not (0 <= k < rows and 0 <= m < columns):
                continue
            if label_map[k, m] != label_map[i, j]:
                total += strength / np.hypot(a - 1, b - 1) / whole / 2
    return total


def test_conditional_modes_stop_where_no_single_change_lowers_the_energy(
    global_random_seed,
):
    rng = np.random.default_rng(global_random_seed)
    costs = rng.exponential(size=(7, 6, 3)).astype(np.float32)
    start = costs.argmin(axis=2).astype(np.int32)
    start[2, 3], start[5, 0] = -3, -1
    result = ConditionalModes(1.5).regularize(start, costs)
    energy = reference_energy(result, costs, 1.5)
    assert energy < reference_energy(start, costs, 1.5)
    for i, j in np.argwhere(start >= 0):
        for label in range(3):
            other = result.copy()
            other[i, j] = label
            assert reference_energy(other, costs, 1.5) > energy - 1e-5
    np.testing.assert_array_equal(result[start < 0], start[start < 0])


def test_strength_says_how_many_neighbors_convince():
    label_map = np.zeros((3, 3), dtype=np.int32)
    label_map[1, 1] = 1
    costs = np.stack([label_map == 1, label_map == 0], axis=-1).astype(np.float32)
    # Half of the neighbors by weight: two sides and two corners.
    label_map[[0, 0, 1, 2], [0, 1, 0, 2]] = -1
    assert ConditionalModes(1.99).regularize(label_map, costs)[1, 1] == 1
    assert ConditionalModes(2.01).regularize(label_map, costs)[1, 1] == 0


def test_without_strength_nothing_changes(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    label_map = rng.integers(-1, 4, (9, 8)).astype(np.int32)
    costs = np.ones((9, 8, 4), dtype=np.float32)
    np.put_along_axis(costs, np.maximum(label_map, 0)[..., None], 0, axis=2)
    np.testing.assert_array_equal(
        ConditionalModes(0).regularize(label_map, costs), label_map
    )


def test_too_few_passes_are_told():
    # A front that moves over the frame, one grid after the other.
    label_map = np.ones((1, 60), dtype=np.int32)
    label_map[0, :1] = 0
    costs = np.zeros((1, 60, 2), dtype=np.float32)
    costs[..., 1] = 0.01
    costs[0, 0, 1] = 9
    modes = ConditionalModes(0.05, max_iter=1)
    with pytest.warns(ConvergenceWarning, match="still changed"):
        modes.regularize(label_map, costs)


def test_votes_are_weighted_as_the_gaussian_says(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    label_map = rng.integers(0, 3, (11, 12)).astype(np.int32)
    label_map[3, 4], label_map[8, 8] = -3, -1
    sigma = 2.0 / np.sqrt(8 * np.log(2))
    voted = MajorityVote(fwhm=2.0).regularize(label_map)
    for i, j in np.argwhere(label_map >= 0):
        votes = np.zeros(3)
        for k, m in np.argwhere(label_map >= 0):
            if max(abs(k - i), abs(m - j)) <= int(4 * sigma + 0.5):
                distance = (k - i) ** 2 + (m - j) ** 2
                votes[label_map[k, m]] += np.exp(-distance / (2 * sigma**2))
        assert votes[voted[i, j]] == pytest.approx(votes.max(), rel=1e-5)
    np.testing.assert_array_equal(voted < 0, label_map < 0)


@pytest.mark.filterwarnings("ignore:One cluster holds:UserWarning")
def test_majority_takes_the_width_that_the_cube_knows():
    data = np.zeros((21, 21, 2), dtype=np.float32)
    data[8:13, 8:13] = 1
    labels = {
        fwhm: CubeClusterer(
            KMeans(2, random_state=0), regularizer=MajorityVote()
        ).fit_predict(Cube(data, pixel_scale=(0.1, 0.1), fwhm=[fwhm, 0.1]))
        for fwhm in (0.1, 2.0)
    }
    assert (labels[0.1] == 1).sum() == 25
    assert (labels[2.0] == 1).sum() == 0


@pytest.mark.parametrize("regularizer", REGULARIZERS, ids=repr)
@pytest.mark.parametrize(
    "clusterer",
    [
        KMeans(2, random_state=0),
        make_pipeline(StandardScaler(), ESOM(n_clusters=2, random_state=0)),
        CSOM((6, 5), n_clusters=2),
        GaussianMixture(2, random_state=0),
    ],
    ids=lambda clusterer: type(clusterer).__name__,
)
def test_noise_goes_and_borders_stay(halves, clusterer, regularizer):
    cube, truth = halves
    plain = CubeClusterer(clone(clusterer)).fit_predict(cube)
    smooth = CubeClusterer(clone(clusterer), regularizer=clone(regularizer)).fit(cube)
    before = adjusted_rand_score(truth.ravel(), plain.ravel())
    after = adjusted_rand_score(truth.ravel(), smooth.labels_.ravel())
    assert 1 - after < 0.5 * (1 - before)
    np.testing.assert_array_equal(smooth.predict(cube), smooth.labels_)


def test_a_bright_star_survives_conditional_modes_but_no_vote():
    rng = np.random.default_rng(0)
    cube = rng.normal(0, 0.3, (30, 30, 2))
    cube[:, 15:] += 2
    cube[5, 5] = 2.0
    kmeans = KMeans(2, random_state=0)
    modes = CubeClusterer(kmeans, regularizer=ConditionalModes(0.5)).fit_predict(cube)
    votes = CubeClusterer(kmeans, regularizer=MajorityVote()).fit_predict(cube)
    assert modes[5, 5] == modes[5, 25]
    assert votes[5, 5] == votes[5, 4]


def test_labels_alone_are_enough(halves):
    cube, truth = halves
    ward = AgglomerativeClustering(2)
    plain = CubeClusterer(ward).fit_predict(cube)
    smooth = CubeClusterer(ward, regularizer=ConditionalModes(2.5)).fit_predict(cube)
    assert adjusted_rand_score(truth.ravel(), smooth.ravel()) > adjusted_rand_score(
        truth.ravel(), plain.ravel()
    )


@pytest.mark.filterwarnings("ignore:One cluster holds:UserWarning")
def test_masked_pixels_and_noise_stay(halves):
    cube, _ = halves
    cube[3:6, 10:14] = np.nan
    scan = DBSCAN(eps=0.12, min_samples=5)
    plain = CubeClusterer(scan).fit_predict(cube)
    smooth = CubeClusterer(scan, regularizer=ConditionalModes(3.0)).fit_predict(cube)
    assert (plain == -1).any()
    np.testing.assert_array_equal(smooth == -1, plain == -1)
    np.testing.assert_array_equal(smooth == -3, plain == -3)


@pytest.mark.filterwarnings("ignore:One cluster holds:UserWarning")
def test_clusters_that_end_empty_are_not_counted():
    cube = np.zeros((20, 20, 1))
    cube[10, 10] = 1
    clusterer = CubeClusterer(KMeans(2, random_state=0), regularizer=MajorityVote())
    assert not clusterer.fit_predict(cube).any()
    assert clusterer.n_clusters_ == 1
    np.testing.assert_array_equal(clusterer.predict(cube), clusterer.labels_)


def test_costs_of_units_are_those_of_the_nearest_of_each_cluster(halves):
    table = halves[0].reshape(-1, 2)
    csom = CSOM((5, 4), n_clusters=3).fit(table)
    clusters = np.arange(csom.unit_labels_.max() + 1)
    costs = cluster_costs(csom, table, csom.labels_, clusters)
    for label in clusters:
        units = csom.codebook_[csom.unit_labels_ == label]
        squares = np.square(table[:, np.newaxis] - units).sum(axis=2).min(axis=1)
        np.testing.assert_allclose(costs[:, label], squares, rtol=1e-4, atol=1e-6)


def test_margin_is_the_median_between_best_and_second():
    costs = np.array([[1.0, 4.0, 2.0], [0.0, 9.0, 5.0], [7.0, 4.0, 6.0]])
    assert typical_margin(costs) == 2.0
    assert typical_margin(costs[:, :1]) == 1.0
    assert typical_margin(np.zeros((3, 2))) == 1.0


def test_voxels_have_no_neighbors(halves):
    clusterer = CubeClusterer(
        KMeans(2, random_state=0), pattern="voxel", regularizer=MajorityVote()
    )
    with pytest.raises(ValueError, match="pattern='pixel'"):
        clusterer.fit(halves[0])


@pytest.mark.parametrize(
    ("regularizer", "message"),
    [
        (MajorityVote(fwhm=0), "'fwhm' parameter of MajorityVote"),
        (ConditionalModes(-1), "'strength' parameter of ConditionalModes"),
        (ConditionalModes(max_iter=0), "'max_iter' parameter of ConditionalModes"),
    ],
)
def test_bad_parameters_are_named(halves, regularizer, message):
    with pytest.raises(ValueError, match=message):
        CubeClusterer(KMeans(2, random_state=0), regularizer=regularizer).fit(halves[0])

# SPDX-License-Identifier: BSD-3-Clause
"""The vote of neighboring pixels: against plain loops, by hand, and on noisy truth."""

import numpy as np
import pytest
from astropy import units as u
from sklearn.base import clone
from sklearn.cluster import DBSCAN, AgglomerativeClustering, KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.cube import Cube
from skesom.maps import CubeClusterer, MajorityVote
from skesom.som import CSOM, ESOM

REGULARIZERS = [MajorityVote(), MajorityVote(fwhm=3 * u.pixel)]


@pytest.fixture
def halves(global_random_seed):
    """Two halves of a frame with one small bright square, in much noise."""
    rng = np.random.default_rng(global_random_seed)
    truth = np.zeros((40, 40), dtype=np.int32)
    truth[:, 20:] = 1
    return rng.normal(truth[:, :, np.newaxis] * 1.2, 0.6, (40, 40, 2)), truth


def test_votes_are_weighted_as_the_gaussian_says(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    label_map = rng.integers(0, 3, (11, 12)).astype(np.int32)
    label_map[3, 4], label_map[8, 8] = -3, -1
    sigma = 2.0 / np.sqrt(8 * np.log(2))
    voted = MajorityVote(fwhm=2.0).regularize(label_map, pixel_scale=1.0)
    for i, j in np.argwhere(label_map >= 0):
        votes = np.zeros(3)
        for k, m in np.argwhere(label_map >= 0):
            if max(abs(k - i), abs(m - j)) <= int(4 * sigma + 0.5):
                distance = (k - i) ** 2 + (m - j) ** 2
                votes[label_map[k, m]] += np.exp(-distance / (2 * sigma**2))
        assert votes[voted[i, j]] == pytest.approx(votes.max(), rel=1e-5)
    np.testing.assert_array_equal(voted < 0, label_map < 0)


@pytest.mark.parametrize(
    ("fwhm", "pixels"),
    [(0.3, 3.0), (0.3 * u.arcsec, 3.0), (300 * u.mas, 3.0), (2.5 * u.pix, 2.5)],
)
def test_widths_are_arcsec_unless_they_have_a_unit(fwhm, pixels, global_random_seed):
    label_map = np.random.default_rng(global_random_seed).integers(0, 3, (30, 30))
    voted = MajorityVote(fwhm=fwhm).regularize(label_map, pixel_scale=0.1)
    expected = MajorityVote(fwhm=pixels * u.pix).regularize(label_map)
    np.testing.assert_array_equal(voted, expected)


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
        CSOM(shape=(6, 5), n_clusters=2),
        GaussianMixture(2, random_state=0),
        AgglomerativeClustering(2),  # its labels alone are enough
    ],
    ids=lambda clusterer: type(clusterer).__name__,
)
def test_noise_goes_and_borders_stay(halves, clusterer, regularizer):
    cube, truth = halves
    plain = CubeClusterer(clone(clusterer)).fit_predict(cube)
    smooth = CubeClusterer(clone(clusterer), regularizer=clone(regularizer)).fit(cube)
    before = adjusted_rand_score(truth.ravel(), plain.ravel())
    after = adjusted_rand_score(truth.ravel(), smooth.labels_.ravel())
    # What neighbors cannot mend are borders that lie elsewhere in the colors.
    assert 1 - after < 0.65 * (1 - before)
    if hasattr(smooth, "predict"):
        np.testing.assert_array_equal(smooth.predict(cube), smooth.labels_)


@pytest.mark.filterwarnings("ignore:One cluster holds:UserWarning")
def test_masked_pixels_and_noise_stay(halves):
    cube, _ = halves
    cube[3:6, 10:14] = np.nan
    scan = DBSCAN(eps=0.12, min_samples=5)
    plain = CubeClusterer(scan).fit_predict(cube)
    smooth = CubeClusterer(scan, regularizer=MajorityVote()).fit_predict(cube)
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


@pytest.mark.parametrize(
    ("fwhm", "pattern", "message"),
    [
        (0, "pixel", "'fwhm' parameter of MajorityVote"),
        (2 * u.arcsec, "pixel", "nothing tells how large pixels are"),
        (None, "voxel", "pattern='pixel'"),  # voxels have no neighbors
    ],
)
def test_bad_parameters_are_named(halves, fwhm, pattern, message):
    vote, kmeans = MajorityVote(fwhm=fwhm), KMeans(2, random_state=0)
    with pytest.raises(ValueError, match=message):
        CubeClusterer(kmeans, pattern=pattern, regularizer=vote).fit(halves[0])

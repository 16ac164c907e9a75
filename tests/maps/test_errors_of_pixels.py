# SPDX-License-Identifier: BSD-3-Clause
"""Errors of a cube on their way into the maps."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from skesom.consensus import ConsensusClusterer
from skesom.cube import Cube
from skesom.maps import CubeClassifier, CubeClusterer
from skesom.pixels import CubeFlattener, PixelSampler, flatten
from skesom.som import CSOM, ESOM


def noisy_cube(seed=0, shape=(24, 30)):
    """Return two kinds of pixels whose values are noise in 40 % of the cases."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, shape)
    errors = np.where(rng.random((*shape, 6)) < 0.4, 20.0, 0.3)
    data = 2.0 * kind[:, :, None] + errors * rng.normal(size=errors.shape)
    data[rng.random(shape) < 0.1] = np.nan
    return Cube(data, errors=errors), kind


def table_of(cube):
    """Return the valid pixels, their errors with a floor, and where they are."""
    table, valid = flatten(cube)
    errors = cube.errors[valid]
    return table, np.hypot(errors, np.median(errors, axis=0)), valid


def carry_through(pca, errors):
    """Return the errors of components of independent values."""
    variances = errors**2 @ np.square(pca.components_).T
    if pca.whiten:
        variances = variances / pca.explained_variance_
    return np.sqrt(variances)


def purity(labels, kind):
    """Return the share of the pixels that are of the main kind of their cluster."""
    counts = np.zeros((labels.max() + 1, 2))
    np.add.at(counts, (labels, kind), 1)
    return counts.max(axis=1).sum() / len(labels)


CSOMS = [
    CSOM(3, shape=(5, 5)),  # one is for strays
    ConsensusClusterer(
        CSOM(shape=(5, 5)),
        n_estimators=3,
        n_clusters=2,
        max_samples=0.5,
        random_state=0,
    ),
]
NAMES = ["CSOM", "consensus"]


@pytest.mark.parametrize("clusterer", CSOMS, ids=NAMES)
def test_the_map_gets_the_errors_of_its_rows(clusterer):
    cube, kind = noisy_cube()
    table, errors, valid = table_of(cube)
    step = CubeClusterer(clusterer).fit(cube)
    labels = clusterer.fit(table, errors=errors).labels_
    # Clusters of a cube are numbered by size, as those of the map are.
    assert_array_equal(step.labels_[valid], labels)
    assert_array_equal(step.predict(cube), step.labels_)
    assert purity(labels, kind[valid]) > 0.98
    if hasattr(step, "agreement_"):
        assert_array_equal(step.agreement(cube), step.agreement_)


def test_a_scaler_before_the_map_scales_the_errors():
    cube, _ = noisy_cube()
    table, errors, valid = table_of(cube)
    step = CubeClusterer(make_pipeline(StandardScaler(), CSOM(3, shape=(5, 5))))
    step.fit(cube)
    scaler = StandardScaler().fit(table)
    csom = CSOM(3, shape=(5, 5))
    csom.fit(scaler.transform(table), errors=errors / table.std(axis=0))
    assert_allclose(step.estimator_[-1].codebook_, csom.codebook_, rtol=1e-9)
    assert_array_equal(step.labels_[valid], csom.labels_)
    assert_array_equal(step.predict(cube), step.labels_)


@pytest.mark.parametrize("whiten", [False, True])
def test_components_before_the_map_carry_errors(whiten):
    cube, _ = noisy_cube()
    table, errors, valid = table_of(cube)
    step = CubeClusterer(make_pipeline(PCA(2, whiten=whiten), CSOM(2, shape=(5, 5))))
    step.fit(cube)
    pca = step.estimator_[0]
    # By definition: the scatter of what the components make of noise of that size.
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(4000, 6)) * errors[0]
    measured = np.std(pca.transform(table[:1] + noise), axis=0)
    carried = carry_through(pca, errors)
    assert_allclose(carried[0], measured, rtol=0.05)
    csom = CSOM(2, shape=(5, 5)).fit(pca.transform(table), errors=carried)
    assert_allclose(step.estimator_[-1].codebook_, csom.codebook_, rtol=1e-9)
    assert_array_equal(step.labels_[valid], csom.labels_)
    assert_array_equal(step.predict(cube), step.labels_)


def test_two_steps_before_the_map_carry_errors_one_after_the_other():
    cube, _ = noisy_cube()
    table, errors, valid = table_of(cube)
    csom = CSOM(3, shape=(5, 5))
    step = CubeClusterer(make_pipeline(StandardScaler(), PCA(2), csom)).fit(cube)
    scaler, pca, fitted = step.estimator_
    rows = pca.transform(scaler.transform(table))
    csom.fit(rows, errors=carry_through(pca, errors / scaler.scale_))
    assert_allclose(fitted.codebook_, csom.codebook_, rtol=1e-9)
    assert_array_equal(step.labels_[valid], csom.labels_)


@pytest.mark.parametrize("clusterer", CSOMS, ids=NAMES)
def test_a_sampler_takes_errors_of_the_same_rows(clusterer):
    cube, kind = noisy_cube()
    sampler = PixelSampler(300, random_state=0)
    step = CubeClusterer(clusterer, sampler=sampler).fit(cube)
    valid = step.labels_ >= 0
    assert purity(step.labels_[valid], kind[valid]) > 0.98
    assert_array_equal(step.predict(cube), step.labels_)


def test_equal_errors_give_the_map_without_errors():
    rng = np.random.default_rng(1)
    data = np.repeat(rng.integers(0, 4, (20, 20)), 3, axis=1).reshape(20, 20, 3) * 10.0
    data += rng.normal(size=data.shape)
    with_errors = CubeClusterer(CSOM(4, shape=(6, 5))).fit(
        Cube(data, errors=np.full(data.shape, 0.25))
    )
    assert_array_equal(
        with_errors.labels_, CubeClusterer(CSOM(4, shape=(6, 5))).fit_predict(data)
    )


def test_unknown_errors_are_the_median_of_the_band():
    cube, _ = noisy_cube()
    table, errors, valid = table_of(cube)
    cube.errors[valid.nonzero()[0][3], valid.nonzero()[1][3], 2] = np.nan
    cube.errors[valid.nonzero()[0][9], valid.nonzero()[1][9], 0] = 0
    n_values = np.isfinite(table).sum()
    with pytest.warns(UserWarning, match=f"^2 of {n_values} values have no valid"):
        step = CubeClusterer(CSOM(6, shape=(5, 5))).fit(cube)
    # Errors are .3 or 20, so that two of them do not change the median.
    errors[3, 2] = errors[9, 0] = np.hypot(0.3, 0.3)
    csom = CSOM(6, shape=(5, 5)).fit(table, errors=errors)
    assert_array_equal(step.estimator_.codebook_, csom.codebook_)
    part = cube[:12]  # has other medians, but these errors are those of the fit
    with pytest.warns(UserWarning, match="no valid error"):
        labels = step.predict(part)
    known = ~np.isnan(cube.errors).any(axis=2) & (cube.errors > 0).all(axis=2)
    assert_array_equal(labels[known[:12]], step.labels_[:12][known[:12]])


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (ESOM(n_clusters=2, random_state=0), r"ESOM takes none \(CSOM does\)"),
        (None, "ESOM takes none"),
        (ConsensusClusterer(n_estimators=3, random_state=0), "ESOM takes none"),
        (KMeans(5, random_state=0), "KMeans takes none"),
        (CSOM(2, shape=(4, 4), metric="cosine"), "with metric='euclidean' only"),
        (make_pipeline(Normalizer(), CSOM(2, shape=(4, 4))), "only StandardScaler"),
    ],
)
def test_one_line_says_that_errors_are_not_used(estimator, reason):
    cube, _ = noisy_cube()
    with pytest.warns(UserWarning, match=f"not used: .*{reason}") as caught:
        step = CubeClusterer(estimator).fit(cube)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert_array_equal(step.labels_, CubeClusterer(estimator).fit_predict(cube.data))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_array_equal(step.predict(cube), step.labels_)


def test_a_band_without_errors_and_a_classifier_that_takes_none():
    cube, kind = noisy_cube()
    with pytest.warns(UserWarning, match="CubeClassifier passes none on"):
        CubeClassifier().fit(cube, kind)
    cube.errors[:, :, 1] = np.nan
    with pytest.warns(UserWarning, match="no pixel has a valid one in band 2"):
        step = CubeClusterer(CSOM(2, shape=(4, 4))).fit(cube)
    twin = CubeClusterer(CSOM(2, shape=(4, 4))).fit(cube.data)
    assert_array_equal(step.labels_, twin.labels_)


def test_a_cube_without_errors_after_one_with_errors():
    cube, _ = noisy_cube()
    step = CubeClusterer(CSOM(3, shape=(4, 4))).fit(cube)
    with pytest.warns(UserWarning, match="has learned with some"):
        labels = step.predict(cube.data)
    table, _, valid = table_of(cube)
    assert_array_equal(labels[valid], step.estimator_.predict(table))
    blind = CubeClusterer(CSOM(3, shape=(4, 4))).fit(cube.data)
    with pytest.warns(UserWarning, match="has learned without any"):
        assert_array_equal(blind.predict(cube), blind.labels_)


@pytest.mark.parametrize("pattern", ["pixel", "voxel"])
def test_the_flattener_gives_errors_in_the_rows_of_the_table(pattern):
    cube, _ = noisy_cube()
    flattener = CubeFlattener(pattern)
    table = flattener.fit_transform(cube)
    errors = flattener.errors(cube)
    assert errors.shape == table.shape
    # The errors of this cube are its values: rows stay together.
    same = cube.replace(data=cube.errors + 0 * cube.data)
    assert_array_equal(errors, CubeFlattener(pattern).fit_transform(same))
    with pytest.raises(ValueError, match="has no errors"):
        flattener.errors(cube.data)


def test_voxels_take_errors():
    cube, _ = noisy_cube()
    step = CubeClusterer(CSOM(2, shape=9), pattern="voxel").fit(cube)
    flattener = CubeFlattener("voxel")
    table = flattener.fit_transform(cube)
    errors = flattener.errors(cube)
    csom = CSOM(2, shape=9).fit(table, errors=np.hypot(errors, np.median(errors)))
    assert_array_equal(step.estimator_.codebook_, csom.codebook_)

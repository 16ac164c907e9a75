# SPDX-License-Identifier: BSD-3-Clause
"""What a masked array hides is missing, in whatever takes an array."""

import functools
import inspect

import dask.array as da
import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import CCDData
from astropy.table import MaskedColumn, QTable, Table
from astropy.utils.masked import Masked
from sklearn.cluster import KMeans

import skesom.cube
from skesom import metrics
from skesom._common.masked import filled
from skesom.consensus import ConsensusClusterer
from skesom.cube import Cube, CubeMasker, CubeTransformer, FWHMConvolver
from skesom.datasets import make_galaxy_cube
from skesom.displays import (
    cluster_colors,
    rgb_image,
)
from skesom.io import read_cube, read_map, write_map
from skesom.maps import (
    CubeClassifier,
    CubeClusterer,
    MajorityVote,
    compare_clusterings,
    find_pieces,
    stability,
    suggest_names,
    truth_scorer,
)
from skesom.pixels import (
    CubeFlattener,
    PixelSampler,
    SuperpixelFlattener,
    cluster_table,
    unflatten,
)
from skesom.report import merge_clusters
from skesom.som import (
    CSOM,
    ESOM,
    MapClassifier,
    MapRegressor,
    scaled_winners,
    unit_table,
)

LOUD = 3e4  # what masks hide, and would be learned


def of_numpy(values, mask):
    return np.ma.array(values, mask=mask)


def with_units(values, mask):
    return Masked(values * u.Jy, mask=mask)


def in_rows(values, mask):
    return [of_numpy(*row) for row in zip(values, mask, strict=True)]


def as_table(values, mask):
    columns = zip(values.T, mask.T, strict=True)
    return Table([MaskedColumn(v, f"c{v[0]}", mask=m) for v, m in columns])


def as_qtable(values, mask):
    return QTable(list(with_units(values, mask).T), names=["a", "b", "c"])


def chunked(values, mask):
    return da.from_array(of_numpy(values, mask), chunks=(30, *values.shape[1:]))


ARRAYS = of_numpy, Masked
TABLES = *ARRAYS, with_units, in_rows, as_table, as_qtable, chunked
CUBES = *ARRAYS, with_units, chunked


def hidden(values, kind, seed=1, share=0.1):
    """Return values that a mask hides, and the same without them as floats."""
    mask = np.random.default_rng(seed).uniform(size=values.shape) < share
    known = np.where(mask, np.nan, values).astype(np.promote_types(values.dtype, "f4"))
    return kind(np.where(mask, LOUD, values).astype(values.dtype), mask), known


KNOWN = {}


def same(function, masked, known, once=None):
    """Check that a function makes the same of what is masked and what is missing.

    `once` names what is made of what is missing, where several tests ask for it.
    """
    if once is None or once not in KNOWN:
        KNOWN[once] = in_list(function(known))
    for one, other in zip(in_list(function(masked)), KNOWN[once], strict=True):
        if isinstance(other, np.ndarray):
            np.testing.assert_array_equal(np.asarray(one), other)
        else:
            assert repr(one) == repr(other)


def in_list(results):
    results = results if isinstance(results, list) else [results]
    results = [getattr(r, "data", r) if isinstance(r, Cube) else r for r in results]
    return [r.compute() if hasattr(r, "compute") else r for r in results]


def samples():
    rng = np.random.default_rng(0)
    y = np.arange(90) // 30
    return rng.normal(size=(90, 3)) + y[:, np.newaxis], y


@functools.cache
def galaxy():
    cube, truth = make_galaxy_cube((60, 56), n_bands=3, random_state=0)
    return cube.replace(data=cube.data + 1), truth


def of_clusterer(som):
    def learn(X):
        fitted = som.fit(X)
        return [fitted.labels_, fitted.predict(X), fitted.fit_predict(X)]

    return learn


def of_map(X):
    """Return what the methods of a map make of samples."""
    som = CSOM(3, shape=(4, 4)).partial_fit(X)
    methods = som.transform, som.score, som.winners, som.impute, som.hit_map
    return [som.codebook_, *(method(X) for method in methods)]


def of_classifier(X):
    y = samples()[1]
    fitted = MapClassifier(CSOM(shape=(4, 4))).fit(X, y)
    return [fitted.predict_proba(X), fitted.score(X, y)]


def of_regressor(X):
    return MapRegressor(CSOM(shape=(4, 4))).fit(X, samples()[1]).predict(X)


def of_measures(X):
    som = CSOM(3, shape=(4, 4)).fit(samples()[0])
    names = "quantization_error", "distortion", "kaski_lagus_error", "trustworthiness"
    measured = [getattr(metrics, name)(X, som) for name in names]
    return [*measured, metrics.map_scorer("silhouette")(som, X)]


def of_units(X):
    som = CSOM(3, shape=(4, 4)).fit(samples()[0])
    return list(unit_table(som, X).columns.values())


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize(
    "learn",
    [
        pytest.param(of_clusterer(ESOM(3, random_state=0)), id="ESOM"),
        pytest.param(of_clusterer(CSOM(3, shape=(4, 4))), id="CSOM"),
        pytest.param(
            of_clusterer(ConsensusClusterer(ESOM(3), n_estimators=2, random_state=0)),
            id="ConsensusClusterer",
        ),
        *(of_map, of_classifier, of_regressor, of_measures, of_units),
    ],
)
def test_samples(learn, kind):
    masked, known = hidden(samples()[0], kind)
    if kind is chunked:
        known = da.from_array(known, chunks=(30, 3))
    same(learn, masked, known, once=(learn, kind is chunked))


@pytest.mark.parametrize("kind", ARRAYS)
def test_masked_integers_are_missing_too(kind):
    masked, known = hidden(np.round(10 * samples()[0]).astype(int), kind)
    same(of_clusterer(CSOM(3, shape=(4, 4))), masked, known)


@pytest.mark.parametrize("kind", TABLES)
def test_who_takes_no_missing_values_says_so(kind):
    clusterer = ConsensusClusterer(KMeans(3), n_estimators=3, random_state=0)
    with pytest.raises(ValueError, match=r"NaN|nan"):
        clusterer.fit(hidden(samples()[0], kind)[0])


@pytest.mark.parametrize("kind", ARRAYS)
def test_weights_and_parameters_that_are_masked_are_refused(kind):
    X, _ = samples()
    one = kind([1.0, 2.0, 3.0], mask=[True, False, False])
    many = hidden(np.ones(90), kind)[0]
    errors = hidden(np.ones((90, 3)), kind)[0]
    units = hidden(X[:3], kind, share=0.5)[0]
    for learn in (
        lambda: CSOM(3, shape=3).fit(X, sample_weight=many),
        lambda: CSOM(3, shape=3).fit(X, errors=errors),
        lambda: CSOM(3, shape=3, init=units).fit(X),
        lambda: ESOM(3, init=units).fit(X),
        lambda: CSOM(3, shape=3, feature_weights=one).fit(X),
        lambda: CSOM(3, shape=3, sigma=one, n_epochs=3).fit(X),
        lambda: scaled_winners(X, units, np.ones((90, 3))),
        lambda: metrics.quantization_error(X, units),
        lambda: unit_table(CSOM(3, shape=3).fit(X), X, weights=many),
        lambda: skesom.cube.AsinhStretch(noise=one).fit(galaxy()[0]),
        lambda: FWHMConvolver(psfs=[units] * 3, pixel_scale=1.0).fit(galaxy()[0]),
    ):
        with pytest.raises(ValueError, match=r"NaN|nan|finite|positive|number"):
            learn()


@pytest.mark.parametrize("kind", ARRAYS)
@pytest.mark.parametrize("estimator", [MapClassifier, MapRegressor])
def test_masked_targets_are_unlabeled_or_refused(estimator, kind):
    X, y = samples()
    mask = np.arange(90) % 3 > 0
    masked, som = kind(np.where(mask, 7, y), mask=mask), CSOM(shape=(4, 4))
    with pytest.raises(ValueError, match="y is masked in 60 samples"):
        estimator(som).fit(X, masked)
    fitted = [estimator(som, unlabeled=-1).fit(X, masked)]
    fitted.append(estimator(som, unlabeled=-1).fit(X, np.where(mask, -1, y)))
    np.testing.assert_array_equal(*(each.predict(X) for each in fitted))


def test_masked_texts_and_nullable_labels():
    pandas = pytest.importorskip("pandas")
    X, y = samples()
    mask = np.arange(90) % 3 > 0
    names = np.array(list("abc"))[y]
    nullable = pandas.Series(y, dtype="Int64").mask(mask)
    for labels, unlabeled in ((np.ma.array(names, mask=mask), "none"), (nullable, -1)):
        known = np.asarray(names if unlabeled == "none" else y)
        known = np.where(mask, unlabeled, known)
        classifier = MapClassifier(CSOM(shape=(4, 4)), unlabeled=unlabeled)
        found = [classifier.fit(X, given).predict(X) for given in (labels, known)]
        np.testing.assert_array_equal(*found)
    with pytest.raises(ValueError, match="masked in 60 samples"):
        MapClassifier().fit(X, nullable)


STEPS = [
    getattr(skesom.cube, name)
    for name in skesom.cube.__all__
    if inspect.isclass(getattr(skesom.cube, name))
    and issubclass(getattr(skesom.cube, name), CubeTransformer)
    and name != "CubeTransformer"
]
NEEDS = {
    "FWHMConvolver": {"fwhm": [2.0, 3.0, 4.0], "pixel_scale": 1.0},
    "FluxUnitConverter": {"calibration": 25.0},
    "BackgroundSubtractor": {"box_size": 16},
}


def of_cluster_map(cube):
    fitted = CubeClusterer(CSOM(3, shape=(4, 4)), min_bands=1).fit(cube)
    return [fitted.labels_, fitted.predict(cube)]


def of_class_map(cube):
    return CubeClassifier().fit(cube, galaxy()[1]).labels_


def of_sample(cube):
    return PixelSampler(0.2, "brightness", random_state=0).sample(cube)


@pytest.mark.parametrize("kind", CUBES)
@pytest.mark.parametrize(
    "work",
    [
        *(
            pytest.param(
                step(**NEEDS.get(step.__name__, {})).fit_transform, id=str(step)
            )
            for step in STEPS
        ),
        CubeMasker(min_bands=1).fit_transform,
        CubeFlattener(min_bands=1).fit_transform,
        CubeFlattener("voxel").fit_transform,
        SuperpixelFlattener().fit_transform,
        *(of_cluster_map, of_class_map, of_sample, rgb_image),
        lambda cube: cluster_colors(galaxy()[1], cube),
    ],
)
def test_cubes(work, kind):
    cube, _ = galaxy()
    masked, known = hidden(cube.data, kind, share=0.02)
    if kind is chunked:
        if "Superpixel" in str(work):
            pytest.skip("takes no lazy cube")
        known = da.from_array(known, chunks=(30, 56, 3))
    elif kind is with_units:
        known = known * u.Jy
    same(work, masked, known, once=(work, kind in (chunked, with_units) and kind))


def test_images_of_astropy():
    cube, _ = galaxy()
    masked, known = hidden(np.moveaxis(cube.data, 2, 0), of_numpy)
    image = CCDData(masked.data, mask=masked.mask, unit="Jy", wcs=None)
    np.testing.assert_array_equal(
        read_cube([image[0], image[1]], band_names=["a", "b"]).data,
        np.moveaxis(known[:2], 0, 2),
    )


@pytest.mark.parametrize("kind", ARRAYS)
def test_parts_of_cubes(kind):
    data = galaxy()[0].data
    for name, values in (
        ("errors", np.abs(data) + 1),
        ("fwhm", np.array([1.0, 2.0, 3.0])),
        ("zero_points", np.array([1.0, 2.0, 3.0])),
    ):
        masked, known = hidden(values, kind, 3, 0.5)
        same(
            lambda given, name=name: getattr(Cube(data, **{name: given}), name),
            masked,
            known,
        )
    places = Cube(data, band_coordinates=hidden(np.arange(3.0), with_units, 3, 0.5)[0])
    assert not isinstance(places.band_coordinates, Masked)
    pixels = np.ones(data.shape[:2], dtype=bool)
    masked, known = hidden(pixels, kind)
    known = known == 1
    np.testing.assert_array_equal(Cube(data, sky_mask=masked).sky_mask, known)
    sampler = PixelSampler(0.3, random_state=0)
    same(lambda valid: sampler.sample(data, valid), masked, known)
    same(lambda inside: CubeMasker(include=inside).fit(data).mask_, masked, known)
    masked, _ = hidden(~pixels, kind)
    same(lambda outside: CubeMasker(exclude=outside).fit(data).mask_, masked, ~known)
    masked, known = hidden(np.abs(data), kind)
    noisy = {"min_signal_to_noise": -9, "min_bands": 1}
    same(lambda noise: CubeMasker(noise=noise, **noisy).fit(data).mask_, masked, known)


@pytest.mark.parametrize("kind", ARRAYS)
@pytest.mark.parametrize("lazy", [False, True])
def test_arrays_beside_images(kind, lazy):
    image = galaxy()[0].data[:, :, 0]
    masked, known = hidden(image, kind)
    same(lambda given: np.asarray(read_cube([given], lazy=lazy)), masked, known)
    masked, known = hidden(np.ones_like(image), kind)
    same(lambda errors: read_cube([image], errors=[errors]).errors, masked, known)
    same(lambda weights: read_cube([image], weights=[weights]).data, masked, known)
    for dtype in (bool, np.uint8, np.int32):
        masked, known = hidden(np.zeros(image.shape, dtype), kind)
        lost = np.isnan(known)
        for ignored in (0, 1) if dtype is not bool else (0,):
            cube = read_cube([image], masks=[masked], ignore_flags=ignored)
            np.testing.assert_array_equal(np.isnan(cube.data[:, :, 0]), lost)


def written(path):
    def write(label_map):
        write_map(path, label_map, overwrite=True)
        return read_map(path)[0]

    return write


@pytest.mark.parametrize("kind", ARRAYS)
@pytest.mark.parametrize(
    "tell",
    [
        pytest.param(MajorityVote().regularize, id="vote"),
        pytest.param(None, id="write_map"),
        lambda labels: compare_clusterings(labels, galaxy()[1]),
        lambda labels: list(find_pieces(labels, galaxy()[0]).columns.values()),
        lambda labels: list(cluster_table(labels, galaxy()[0]).columns.values()),
        lambda labels: merge_clusters(labels, [("a", [1, 2])])[0],
        lambda labels: cluster_colors(labels, galaxy()[0]),
        lambda labels: stability([labels, galaxy()[1]]),
        lambda labels: suggest_names(labels, galaxy()[0]),
        lambda labels: CubeClassifier().fit(galaxy()[0], labels).labels_,
        lambda labels: truth_scorer("adjusted_rand_score")(
            CubeClusterer(CSOM(3, shape=(4, 4))).fit(galaxy()[0]), galaxy()[0], labels
        ),
        lambda labels: unflatten(labels.ravel(), np.ones(galaxy()[1].shape, bool)),
    ],
)
def test_label_maps(tell, kind, tmp_path):
    truth = galaxy()[1]
    masked, known = hidden(truth, kind)
    known = np.where(np.isnan(known), -3, truth)
    same(tell or written(tmp_path / "map.fits"), masked, known)


@pytest.mark.parametrize("kind", ARRAYS)
def test_values_of_pixels(kind):
    cube, truth = galaxy()
    masked, known = hidden(np.random.default_rng(0).uniform(size=truth.shape), kind)
    pieces = {"agreement": masked}, {"agreement": known}
    found = [find_pieces(truth, cube, **each)["agreement"] for each in pieces]
    np.testing.assert_array_equal(*found)
    same(
        lambda values: unflatten(values.ravel(), np.ones(truth.shape, bool)),
        masked,
        known,
    )


def test_what_hides_nothing_stays_as_it_is():
    X, _ = samples()
    assert filled(X) is X
    assert filled(np.ma.array([1, 2])).dtype.kind == "i"
    with pytest.raises(ValueError, match="1 values of <U1 are masked"):
        filled(np.ma.array(["a", "b"], mask=[True, False]))

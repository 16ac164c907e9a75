# SPDX-License-Identifier: BSD-3-Clause
"""Every parameter of every public estimator does something, and counts from fit on.

A row of `TABLE` changes one parameter; on its data the result or a message changes. A
new parameter needs a row. Parameters in `FREE` change no result.
"""

import functools
import hashlib
import inspect
import pickle
import warnings
from copy import deepcopy
from typing import NamedTuple

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table
from astropy.wcs import WCS
from sklearn.base import BaseEstimator, clone
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skesom.cube
import skesom.maps
import skesom.pixels
import skesom.som
from skesom.consensus import ConsensusClusterer
from skesom.cube import (
    AsinhStretch,
    BackgroundSubtractor,
    BandBinner,
    ColorScaler,
    ComponentFilter,
    CountSmoother,
    Cube,
    CubeAligner,
    CubeMasker,
    CubeStore,
    CubeTransformer,
    FluxShape,
    FluxUnitConverter,
    FWHMConvolver,
    SkyMasker,
    SpatialFeatures,
)
from skesom.datasets import make_galaxy_cube
from skesom.displays import ClusterMapDisplay, HitMapDisplay, ValueMapDisplay
from skesom.io import write_map, write_regions
from skesom.maps import CubeClassifier, CubeClusterer, MajorityVote, stability
from skesom.pixels import (
    CubeFlattener,
    PixelSampler,
    SuperpixelFlattener,
    cluster_table,
)
from skesom.som import CSOM, ESOM, MapClassifier, MapRegressor

FREE = {
    "n_jobs": (2, "threads share the work, each value comes from one of them"),
    "verbose": (1, "a bar on the terminal"),
    "copy": (False, "where the result is written"),
    "folder": (None, "where files lie"),
}


class Row(NamedTuple):
    """A value that changes something, beside other parameters, on some data."""

    value: object
    beside: dict = {}
    data: str = None


def table():
    X, y = make_blobs(240, 3, centers=6, cluster_std=1.5, random_state=0)
    return X * [1, 2, 0.5], y


def points():
    X, _ = table()
    return X, X[:, :1] + X[:, 1:2] ** 2


def partly_labeled():
    X, y = table()
    return X, np.where(np.arange(len(y)) % 3, -1, y)


def partly_known():
    X, _ = table()
    return X[:, 1:], np.where(np.arange(len(X)) % 3, X[:, 0], -1.0)


def galaxy():
    cube, truth = make_galaxy_cube((44, 40), n_bands=3, random_state=0)
    return cube, truth


def with_gaps():
    cube, truth = galaxy()
    data = cube.data.copy()
    data[:9, :7, 1] = np.nan
    return cube.replace(data=data), truth


def few_labels():
    cube, truth = galaxy()
    return cube, np.where(np.eye(*truth.shape, dtype=bool), truth, -3)


def noise():
    """Sky with a source, and all that a masker looks for."""
    rng = np.random.default_rng(0)
    data = rng.normal(size=(120, 120, 2)).astype(np.float32)
    data += np.linspace(0, 12, 120, dtype=np.float32)[:, np.newaxis, np.newaxis]
    data[40:60, 30:60] += 40
    data[100:, 100:, 0] = 0
    data[80, 10, 1] = 0
    data[:10, 110:, 1] = 7.5
    data[60:110, 70, 0] -= 60
    data[20, 90] += 300
    return Cube(data, pixel_scale=(0.5, 0.5)), None


def flat():
    """A wide source on noise without a slope."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:96, :96]
    light = 60 * np.exp(-((rows - 40) ** 2 + (columns - 50) ** 2) / 300)
    data = rng.normal(size=(96, 96, 3)) + light[:, :, np.newaxis] * [1, 2, 3]
    names, band_units = ["a", "b", "c"], ["Jy"] * 3
    known = {"band_names": names, "band_units": band_units, "pixel_scale": (0.5, 0.5)}
    return Cube(data, fwhm=[1.2, 1.5, 2.0], **known), None


def photons():
    """Few of them, and more of them in a source."""
    rows, columns = np.mgrid[:64, :64]
    rate = 0.1 + 2 * np.exp(-((rows - 30) ** 2 + (columns - 40) ** 2) / 100)
    counts = np.random.default_rng(0).poisson(rate)
    return Cube(counts[:, :, np.newaxis].astype(np.float64)), None


def grids():
    """Cubes on two grids, that do not cover the same sky."""

    def image(n_pixels, size, name, seed, unit="MJy / sr"):
        wcs = WCS({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"})
        wcs.wcs.crpix = [(n_pixels + 1) / 2 + 3 * seed] * 2
        wcs.wcs.cdelt = [-size / 3600, size / 3600]
        rng = np.random.default_rng(seed)
        data = rng.normal(10, 1, (n_pixels, n_pixels, 1))
        return Cube(data, wcs=wcs, band_names=[name], band_units=[unit], fwhm=[2.0])

    return [
        image(60, 0.5, "r", 0),
        image(32, 1.0, "g", 1),
        image(36, 1.0, "b", 2),
    ], None


DATA = {
    f.__name__: functools.cache(f)
    for f in (table, points, partly_labeled, partly_known)
    + (galaxy, with_gaps, few_labels, noise, flat, photons, grids)
}
NARROW = np.exp(-((np.mgrid[-4:5, -4:5] ** 2).sum(axis=0)) / 3)
WIDE = np.exp(-((np.mgrid[-6:7, -6:7] ** 2).sum(axis=0)) / 12)
LATER = {"n_clusters": 6, "clusterer": KMeans(4, random_state=0)}
ONLINE = {"algorithm": "online", "n_epochs": 3}

# By class: the data, parameters that all rows share, and a row for each parameter.
TABLE = {
    AsinhStretch: (
        "galaxy",
        {},
        {"softening": 1.0, "light": 0.0, "noise": 5.0, "subtract_sky": True},
    ),
    BackgroundSubtractor: (
        "noise",
        {"box_size": 32},
        {"box_size": 16, "filter_size": 1, "source_threshold": 50.0, "bands": "uneven"},
    ),
    BandBinner: ("flat", {}, {"bin_size": 3}),
    ColorScaler: ("galaxy", {}, {"contrast": 0.0, "signal_to_noise": 50.0}),
    ComponentFilter: (
        "galaxy",
        {"max_bands": 0},
        {"n_components": 1, "max_bands": 20},
    ),
    CountSmoother: ("photons", {}, {"signal_to_noise": 8.0}),
    CubeAligner: (
        "grids",
        {},
        {
            "align_to": "first",
            "resample": "interp",
            "conserve": "flux",
            "crop": True,
            "min_bands": Row(1, {"crop": True}),
            "registration": "check",
        },
    ),
    CubeMasker: (
        "noise",
        {},
        {
            "mask_zeros": True,
            "mask_pedestal": False,
            "mask_lines": False,
            "mask_outliers": False,
            "saturation": 20.0,
            "grow": 2,
            "exclude": np.eye(120, dtype=bool),
            "include": ~np.eye(120, dtype=bool),
            "min_signal_to_noise": 2.0,
            "noise": Row(9.0, {"min_signal_to_noise": 2.0}),
            "min_bands": 1,
            "check_background": False,
        },
    ),
    CubeStore: ("galaxy", {}, {}),
    CubeTransformer: ("galaxy", {}, {}),
    FWHMConvolver: (
        "flat",
        {},
        {
            "fwhm": [1.0, 1.5, 2.5],
            "target_fwhm": 3.0,
            "pixel_scale": 1.0,
            "psfs": [NARROW, NARROW, WIDE],
            "kernels": [NARROW, None, None],
        },
    ),
    FluxShape: (
        "flat",
        {},
        {
            "reference": "b",
            "method": Row("log", {"reference": 1}),
            "brightness": True,
            "softening": 10.0,
            "noise": 5.0,
            "subtract_sky": False,
        },
    ),
    FluxUnitConverter: (
        "flat",
        {},
        {
            "unit": "mJy",
            "calibration": 22.0,
            "wavelengths": Row(
                [500, 600, 700] * u.nm,
                {"unit": "erg / (s cm2 AA)", "wavelengths": [450, 500, 550] * u.nm},
            ),
        },
    ),
    SkyMasker: (
        "flat",
        {},
        {
            "sky": "keep",
            "threshold": 1.0,
            "smoothing": 0.0,
            "min_bands": Row(2, data="with_gaps"),
        },
    ),
    SpatialFeatures: (
        "galaxy",
        {},
        {
            "smooth": 2.0,
            "surroundings": 4.0,
            "fwhm": 3 * u.pixel,
            "min_bands": Row(2, data="with_gaps"),
        },
    ),
    CubeFlattener: (
        "with_gaps",
        {},
        {"pattern": "voxel", "min_bands": 2},
    ),
    PixelSampler: (
        "galaxy",
        {"random_state": 0},
        {
            "size": 0.3,
            "method": "brightness",
            "n_strata": Row(3, {"method": "brightness"}),
            "block_size": Row(4, {"method": "blocks"}),
            "random_state": 1,
            "each_band": True,
        },
    ),
    SuperpixelFlattener: (
        "with_gaps",
        {},
        {"size": 40, "compactness": 0.05, "statistic": "median", "min_bands": 1},
    ),
    CSOM: (
        "table",
        {"n_clusters": 3, "shape": (6, 5), "n_epochs": 5},
        {
            "n_clusters": 5,
            "shape": (4, 4),
            "topology": "rectangular",
            "toroidal": True,
            "neighborhood": "bubble",
            "diameter": 2.0,
            "algorithm": "online",
            "n_epochs": 2,
            "sigma": 1.0,
            "learning_rate": Row(0.1, ONLINE),
            "init": "random",
            "metric": "manhattan",
            "feature_weights": [1.0, 0.0, 2.0],
            "layers": [(3, 3)],
            "clusterer": KMeans(4, random_state=0),
            "random_state": Row(1, {**ONLINE, "random_state": 0}),
        },
    ),
    ESOM: (
        "table",
        {"n_clusters": 3, "random_state": 0},
        {
            "n_clusters": 5,
            "epsilon": 0.9,
            "learning_rate": 0.5,
            "forgetting": Row(0.1, {"pruning_period": 5}),
            "pruning_period": 3,
            "max_nodes": 20,
            "link_second": False,
            "clusterer": KMeans(4, random_state=0),
            "update_set": "ball",
            "n_epochs": 3,
            "shuffle": False,
            "random_state": 1,
            "init": [[0.0, 0.0, 0.0], [5.0, 5.0, 0.0]],
        },
    ),
    ConsensusClusterer: (
        "table",
        {"estimator": ESOM(), "n_estimators": 2, "random_state": 0},
        {
            "estimator": KMeans(4),
            "n_estimators": 3,
            "n_clusters": 5,
            "max_samples": 0.4,
            "random_state": 1,
        },
    ),
    MapClassifier: (
        "table",
        {"estimator": CSOM(shape=(6, 5), n_epochs=3)},
        {
            "estimator": ESOM(random_state=0),
            "label_rule": Row("grow", {"estimator": ESOM(random_state=0)}),
            "smoothing": 3.0,
            "n_neighbors": 5,
            "class_weight": {0: 50.0},
            "unlabeled": Row(-1, data="partly_labeled"),
        },
    ),
    MapRegressor: (
        "points",
        {"estimator": CSOM(shape=(6, 5), n_epochs=3)},
        {
            "estimator": ESOM(random_state=0),
            "smoothing": 3.0,
            "n_neighbors": 5,
            "unlabeled": Row(-1.0, data="partly_known"),
        },
    ),
    CubeClassifier: (
        "with_gaps",
        {"estimator": make_pipeline(StandardScaler(), MapClassifier(CSOM(shape=4)))},
        {
            "estimator": MapClassifier(CSOM(shape=(9, 3))),
            "pattern": "voxel",
            "min_bands": 2,
            "semi_supervised": Row(
                True,
                {"estimator": MapClassifier(CSOM(shape=5), unlabeled=-1)},
                "few_labels",
            ),
        },
    ),
    CubeClusterer: (
        "with_gaps",
        {"estimator": CSOM(3, shape=(4, 4), n_epochs=3)},
        {
            "estimator": CSOM(5, shape=(4, 4), n_epochs=3),
            "pattern": "voxel",
            "min_bands": 2,
            "sampler": PixelSampler(0.2, random_state=0),
            "regularizer": MajorityVote(),
            "regularizer__fwhm": Row(9 * u.pixel, {"regularizer": MajorityVote()}),
        },
    ),
    MajorityVote: ("galaxy", {}, {"fwhm": 5 * u.pixel}),
}


def public_classes():
    rooms = skesom.cube, skesom.pixels, skesom.som, skesom.maps
    named = [getattr(room, name) for room in rooms for name in room.__all__]
    return [c for c in named if inspect.isclass(c) and issubclass(c, BaseEstimator)]


def parameters_of(kind):
    return list(inspect.signature(kind).parameters)


ROWS = [
    pytest.param(
        *(kind, name, row if isinstance(row, Row) else Row(row)),
        id=f"{kind.__name__}-{name}",
    )
    for kind, (_, _, changes) in TABLE.items()
    for name, row in changes.items()
]


def prepared(kind, row):
    """Return an estimator to change, and data."""
    data, shared, _ = TABLE[kind]
    return clone(kind(**{**shared, **row.beside})), DATA[row.data or data]()


def learn(estimator, X, y):
    """Fit an estimator; return it."""
    if isinstance(X, Cube) and y is not None and hasattr(estimator, "pattern"):
        y = np.dstack([y] * X.shape[2]) if estimator.pattern == "voxel" else y
    return estimator.fit(X, y) if hasattr(estimator, "fit") else estimator


def answers(estimator, X, y):
    """Return what a fitted estimator says about data."""
    if isinstance(estimator, PixelSampler):
        return [estimator.sample(X)]
    if isinstance(estimator, MajorityVote):
        return [estimator.regularize(y % 2, fwhm=0.1, pixel_scale=0.05)]
    found = []
    for name in ("predict", "transform", "predict_proba", "u_matrix", "score"):
        if hasattr(estimator, name) and (name != "score" or not is_of_cube(estimator)):
            needs = () if name == "u_matrix" else (X, y) if name == "score" else (X,)
            found.append(getattr(estimator, name)(*needs))
    return found


def is_of_cube(estimator):
    return isinstance(estimator, CubeTransformer | CubeClusterer | CubeClassifier)


def learned(estimator):
    """Return the attributes of a fitted estimator that are numbers or texts."""
    names = [name for name in dir(type(estimator)) if name.endswith("_")]
    names = {*vars(estimator), *(n for n in names if not n.startswith("_"))}
    found = {n: getattr(estimator, n, None) for n in sorted(names) if n.endswith("_")}
    return {n: v for n, v in found.items() if not hasattr(v, "get_params")}


def digest(found):
    """Return a text that tells results apart."""
    if isinstance(found, Cube):
        found = [found.data, found.errors, found.sky_mask, found.band_names, found.fwhm]
        found.append(None)
    if isinstance(found, np.ndarray) and found.dtype != object:
        return (
            hashlib.sha256(np.ascontiguousarray(found)).hexdigest() + f"{found.shape}"
        )
    if isinstance(found, dict):
        return {str(key): digest(value) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return [digest(part) for part in found]
    if hasattr(found, "get_params"):
        return type(found).__name__
    if hasattr(found, "toarray"):
        return digest(found.toarray())
    return str(found)


def outcome(estimator, X, y):
    """Return all that a fit gives: attributes, answers, and messages."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            estimator = learn(clone(estimator), deepcopy(X), y)  # may write into it
            found = [learned(estimator), answers(estimator, deepcopy(X), y)]
        except ValueError as error:
            found = [str(error)]
    return digest([*found, [str(warning.message) for warning in caught]])


KNOWN, FITTED = {}, {}


def outcome_before(kind, row):
    """Return the outcome of a class before the change, once for all rows."""
    key = kind, repr(row.beside), row.data
    if key not in KNOWN:
        estimator, data = prepared(kind, row)
        KNOWN[key] = outcome(estimator, *data)
    return KNOWN[key]


def fitted_before(kind, row):
    """Return a fitted estimator and what it answers, once for all rows."""
    key = kind, repr(row.beside), row.data
    if key not in FITTED:
        estimator, data = prepared(kind, row)
        fitted = learn(estimator, *data)
        FITTED[key] = fitted, digest(answers(fitted, *data))
    return FITTED[key]


def test_every_parameter_has_a_row():
    listed = {kind: {*changes, *FREE} for kind, (_, _, changes) in TABLE.items()}
    missing = [
        f"{kind.__name__}({name}=)"
        for kind in public_classes()
        for name in parameters_of(kind)
        if name not in listed.get(kind, ())
    ]
    assert not missing


@pytest.mark.parametrize(("kind", "name", "row"), ROWS)
def test_a_parameter_changes_the_result_or_the_message(kind, name, row):
    estimator, data = prepared(kind, row)
    changed = outcome(estimator.set_params(**{name: row.value}), *data)
    assert changed != outcome_before(kind, row)


@pytest.mark.parametrize(("kind", "name", "row"), ROWS)
def test_a_fit_fixes_what_its_parameters_were(kind, name, row):
    estimator, (X, y) = prepared(kind, row)
    if not hasattr(estimator, "fit"):
        return
    usual = estimator.get_params()[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted, before = fitted_before(kind, row)
        for again in (fitted, pickle.loads(pickle.dumps(fitted))):
            again.set_params(**{name: row.value})
            assert digest(answers(again, X, y)) == before
            again.set_params(**{name: usual})


@pytest.mark.parametrize(
    ("estimator", "data", "unused"),
    [
        (CSOM(3, shape=4, learning_rate=0.1), "table", "learning_rate=0.1"),
        (CSOM(3, shape=4, learning_rate=[0.1]), "table", r"learning_rate=\[0.1\]"),
        (CSOM(None, shape=4, clusterer=KMeans(2)), "table", "clusterer=KMeans"),
        (CSOM(5, shape=4, clusterer=KMeans(2)), "table", "n_clusters=5"),
        (ESOM(3, epsilon=0.5, clusterer=KMeans(2)), "table", "n_clusters=3"),
        (MapClassifier(ESOM(epsilon=0.5), smoothing=1), "table", "smoothing=1"),
        (MapRegressor(ESOM(epsilon=0.5), smoothing=1), "table", "smoothing=1"),
        (FluxShape(method="log"), "flat", "method='log'"),
        (CubeMasker(noise=2.0), "flat", "noise=2.0"),
        (CubeAligner(min_bands=1), "flat", "min_bands=1"),
        (PixelSampler(n_strata=3), "flat", "n_strata=3"),
        (PixelSampler(method="brightness", block_size=3), "flat", "block_size=3"),
    ],
)
def test_what_does_nothing_beside_others_is_named(estimator, data, unused):
    X, y = DATA[data]()
    with pytest.warns(UserWarning, match=f"does not use .*{unused}"):
        answers(learn(clone(estimator), X, y), X, y)


@pytest.mark.parametrize("estimator", [CubeFlattener, CubeClusterer, CubeClassifier])
def test_voxels_have_no_bands_to_count(estimator):
    cube, truth = galaxy()
    with pytest.raises(ValueError, match="min_bands=2 is about pixels"):
        learn(estimator(pattern="voxel", min_bands=2), cube, truth)


@pytest.mark.parametrize("som", [ESOM(3, epsilon=0.5), CSOM(3, shape=(5, 4))])
def test_the_last_call_of_a_stream_fixes_the_clusters(som):
    X, _ = table()
    labels = [clone(som).partial_fit(X).set_params(**c).labels_ for c in ({}, LATER)]
    np.testing.assert_array_equal(*labels)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param(kind, name, id=f"{kind.__name__}-{name}")
        for kind in TABLE
        for name in FREE
        if name in parameters_of(kind)
    ],
)
def test_what_changes_no_result_changes_none(kind, name, tmp_path):
    row, value = Row(None), FREE[name][0]
    estimator, (X, y) = prepared(kind, row)
    estimator.set_params(**{name: tmp_path if name == "folder" else value})
    assert outcome(estimator, X, y) == outcome_before(kind, row)


@pytest.mark.parametrize(
    ("idle", "unused"),
    [
        (lambda: ClusterMapDisplay(galaxy()[1]).plot(bands=(0, 1, 2)), "bands are"),
        (lambda: ClusterMapDisplay(galaxy()[1]).plot(smoothing=3), "smoothing is"),
        (lambda: HitMapDisplay.from_predictions(np.eye(3), colors=["r"]), "colors are"),
    ],
)
def test_idle_parameters_of_pictures_are_named(idle, unused):
    with pytest.warns(UserWarning, match=unused):
        idle()


def test_idle_parameters_of_functions_are_refused(tmp_path):
    truth = galaxy()[1]
    with pytest.raises(ValueError, match="seeds are those of an estimator"):
        stability([truth, truth], seeds=3)
    with pytest.raises(ValueError, match="seeds are those of runs"):
        ValueMapDisplay.from_estimator(CubeClusterer(), galaxy()[0], seeds=3)
    with pytest.raises(ValueError, match="are about units on a lattice"):
        HitMapDisplay.from_predictions(np.ones(2), positions=np.eye(2), toroidal=True)
    objects = Table({"x": [1.0], "y": [2.0], "type": ["a"]})
    for idle in ({"wcs": galaxy()[0].wcs}, {"min_size": 3}, {"smoothing": 1.0}):
        with pytest.raises(ValueError, match="are about outlines"):
            write_regions(tmp_path / "objects.reg", objects, **idle)
    with pytest.raises(ValueError, match="leave out the table"):
        write_map(tmp_path / "map.zarr", truth, table=cluster_table(truth))

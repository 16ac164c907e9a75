# SPDX-License-Identifier: BSD-3-Clause
"""The wrong but likely thing gets one error that says what to give instead."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skesom import metrics
from skesom.consensus import ConsensusClusterer
from skesom.cube import Cube, CubeMasker
from skesom.datasets import make_galaxy_cube
from skesom.displays import ClusterMapDisplay, HitMapDisplay, UMatrixDisplay
from skesom.io import read_catalog, read_cube, write_map
from skesom.maps import (
    CubeClassifier,
    CubeClusterer,
    crossmatch,
    make_cluster_pipeline,
    stability,
)
from skesom.pixels import CubeFlattener, flatten
from skesom.runs import Run
from skesom.som import (
    CSOM,
    ESOM,
    MapClassifier,
    MapRegressor,
    unit_columns,
    unit_table,
)

CUBE, TRUTH = make_galaxy_cube((32, 32), random_state=0)
LABELS = TRUTH.astype(np.int32)
X = np.random.default_rng(0).normal(size=(60, 3))
Y = np.arange(60) % 2

# A call, and words of its message.
MISTAKES = {
    "class for clusterer": (lambda: make_cluster_pipeline(KMeans), "write KMeans("),
    "text for clusterer": (lambda: make_cluster_pipeline("kmeans"), "'clusterer' must"),
    "number for clusterer": (lambda: make_cluster_pipeline(5), "'clusterer' must"),
    "class in consensus": (lambda: ConsensusClusterer(ESOM).fit(X), "write ESOM("),
    "text in consensus": (lambda: ConsensusClusterer("esom").fit(X), "'estimator'"),
    "class in ESOM": (lambda: ESOM(3, clusterer=KMeans).fit(X), "write KMeans("),
    "class in cube": (lambda: CubeClusterer(KMeans).fit(CUBE), "write KMeans("),
    "text in cube": (lambda: CubeClusterer("esom").fit(CUBE), "'estimator'"),
    "class of classifier": (
        lambda: CubeClassifier(MapClassifier).fit(CUBE, LABELS),
        r"write MapClassifier\(",
    ),
    "class in votes": (lambda: MapClassifier(ESOM).fit(X, Y), "write ESOM("),
    "KMeans in votes": (lambda: MapClassifier(KMeans()).fit(X, Y), "'estimator'"),
    "class of stability": (lambda: stability(KMeans, CUBE), "write KMeans("),
    "text of stability": (lambda: stability("kmeans", CUBE), "'runs' must"),
    "text for a number": (lambda: ESOM("8").fit(X), "'n_clusters'"),
    "text for a shape": (lambda: CSOM(3, shape="6x6").fit(X), "'shape'"),
    "text for epochs": (lambda: CSOM(3, n_epochs="20").fit(X), "'n_epochs'"),
    "path for table": (lambda: CSOM(3).fit("table.csv"), "got the path 'table.csv'"),
    "path for cube": (lambda: CubeMasker().fit("a.fits"), "got the path 'a.fits'"),
    "path to flatten": (lambda: flatten("a.fits"), "got the path 'a.fits'"),
    "path for labels": (lambda: ClusterMapDisplay("a.fits").plot(), "'a.fits': read"),
    "table for cube": (lambda: CubeFlattener().fit(X), "A cube has three axes"),
    "swapped": (lambda: write_map(LABELS, "a.fits"), "'a.fits': read"),
    "no class": (lambda: MapClassifier().fit(X), "requires y"),
    "no class later": (lambda: MapClassifier().partial_fit(X), "requires y"),
    "no target": (lambda: MapRegressor().fit(X), "requires y"),
    "no target later": (lambda: MapRegressor().partial_fit(X), "requires y"),
    "number for paths": (lambda: read_cube(5), "paths must be"),
    "no file": (lambda: read_cube("nowhere/a.fits"), "nowhere"),
    "text for WCS": (lambda: Cube(np.asarray(CUBE), wcs="a.fits"), "astropy.wcs.WCS"),
    "text for map": (lambda: metrics.quantization_error(X, "csom"), "'codebook' must"),
    "class for map": (lambda: metrics.quantization_error(X, CSOM), "write CSOM("),
    "function for name": (
        lambda: metrics.map_scorer(metrics.quantization_error),
        "'measure'",
    ),
    "text for units": (lambda: unit_table("csom", X), "'som' must"),
    "class for columns": (lambda: unit_columns(X, CSOM), "write CSOM("),
    "KMeans for hits": (
        lambda: HitMapDisplay.from_estimator(KMeans(2).fit(X)),
        "KMeans has none",
    ),
    "class for U-matrix": (lambda: UMatrixDisplay.from_estimator(CSOM), "a class"),
    "not fitted units": (lambda: unit_table(CSOM(3), X), "not fitted"),
    "not fitted U-matrix": (
        lambda: UMatrixDisplay.from_estimator(CSOM(3)),
        "not fitted",
    ),
    "not fitted score": (lambda: CSOM(3).score(X), "not fitted"),
    "report of an estimator": (
        lambda: Run(CubeClusterer(ESOM(3)), CUBE).write("folder"),
        "needs a Pipeline",
    ),
    "report of nothing fitted": (
        lambda: Run(make_cluster_pipeline(ESOM(3)), CUBE).write("folder"),
        "not fitted",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_likely_mistake_is_told(mistake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call, words = MISTAKES[mistake]
    words = words.replace("(", r"\(") if "\\" not in words else words
    with pytest.raises(
        (ValueError, TypeError, NotFittedError, FileNotFoundError), match=words
    ) as caught:
        call()
    assert len(str(caught.value)) < 600
    assert list(tmp_path.iterdir()) == []


def test_a_table_of_pandas_is_no_catalog():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"ra": [1.0], "dec": [2.0]})
    with pytest.raises(TypeError, match=r"Table\.from_pandas"):
        read_catalog(frame)


@pytest.mark.parametrize(
    "catalog", [{"x": [1.0], "y": [2.0]}, np.ones((3, 2)), None, 5]
)
def test_what_is_no_catalog_is_told_what_is(catalog):
    with pytest.raises(TypeError, match=r"is a \w+: give the path of a file") as caught:
        crossmatch(LABELS, catalog)
    assert type(catalog).__name__ in str(caught.value)


def test_a_sparse_table_is_told_who_makes_it():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"band": list("gri") * 20, "flux": X[:, 0]})
    words = "sparse_output=False.*sparse_threshold=0"
    sparse = OneHotEncoder().fit_transform(frame[["band"]])
    for estimator in (ESOM(2), CSOM(2), ConsensusClusterer(ESOM(2))):
        with pytest.raises(TypeError, match=words):
            estimator.fit(sparse)
    encoder = make_column_transformer(
        (OneHotEncoder(), ["band"]), remainder="passthrough", sparse_threshold=0
    )
    assert make_pipeline(encoder, ESOM(2)).fit_predict(frame).shape == (60,)

# SPDX-License-Identifier: BSD-3-Clause
"""Programs as users write them, with the types that a checker must find."""

from pathlib import Path
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

from skesom import (
    CSOM,
    ESOM,
    ConsensusClusterer,
    Cube,
    CubeAligner,
    CubeClassifier,
    CubeClusterer,
    CubeFlattener,
    CubeMasker,
    FWHMConvolver,
    MapClassifier,
    read_cube,
    write_map,
)
from skesom.datasets import make_galaxy_cube
from skesom.displays import ClusterMapDisplay, UMatrixDisplay
from skesom.maps import crossmatch, find_pieces, make_cluster_pipeline
from skesom.metrics import map_scorer, quantization_error
from skesom.pixels import flatten, unflatten
from skesom.report import PictureStyle
from skesom.runs import Run, load_model


def cluster_a_table(table: NDArray[np.float32]) -> NDArray[np.int32]:
    som = ESOM(n_clusters="auto", epsilon=0.3, random_state=0).fit(table)
    assert_type(som, ESOM)
    assert_type(som.predict(table), NDArray[np.int32])
    assert_type(som.score(table), float)
    assert_type(som.inertia_ + som.n_clusters_, float)
    assert_type(som.score_samples(table), NDArray[Any])
    assert quantization_error(table, som) < 1.0
    units, _ = som.winners(table, return_distance=True)
    planes = CSOM(shape=(8, 12), topology="rectangular").fit(table).component_planes()
    assert_type(planes, NDArray[Any])
    ConsensusClusterer(CSOM(), n_estimators=4).fit(table).predict(table)
    classifier = MapClassifier(ESOM()).fit([[0.0], [1.0]], ["a", "b"])
    assert_type(classifier, MapClassifier)
    assert_type(som.labels_, NDArray[np.int32])
    return som.labels_[units >= 0]


def cluster_images(folder: Path) -> None:
    cube: Cube = read_cube([folder / "g.fits", folder / "r.fits"], order="wavelength")
    masked = CubeMasker(mask_zeros=True, saturation=[6e4, 5e4]).fit_transform(cube)
    sharp = FWHMConvolver(fwhm=[0.8, 1.1], target_fwhm="worst").fit_transform(masked)
    one = CubeAligner("coarsest", crop=True).fit_transform([sharp, sharp])
    assert_type(one, Cube)
    assert_type(one.shape, tuple[int, int, int])
    assert_type(CubeFlattener().fit_transform(one), NDArray[Any])
    clusterer = CubeClusterer(ESOM(), min_bands=2).fit(one)
    assert_type(clusterer, CubeClusterer)
    label_map = clusterer.predict(one)
    assert_type(label_map, NDArray[np.int32])
    write_map(folder / "map.fits", label_map, cube=one)
    find_pieces(label_map, one, min_size=5)
    result = crossmatch(label_map, folder / "ned.txt", wcs=one.wcs, radius=1.0)
    print(result.table)
    ClusterMapDisplay.from_predictions(label_map, one).plot(contours=[0, 1])
    UMatrixDisplay.from_estimator(CSOM())


def cluster_arrays_and_lists() -> None:
    cube, truth = make_galaxy_cube((64, 64), kind="edge-on", random_state=1)
    assert_type(cube, Cube)
    assert_type(truth, NDArray[np.int32])
    assert_type(CubeMasker().fit(cube).transform(cube), Cube)
    several = FWHMConvolver().fit_transform([cube, cube])
    assert_type(several, list[Cube])
    print(CubeMasker().fit_transform(np.asarray(cube)).mean())
    CubeMasker().fit([[[1.0, 2.0]], [[3.0, 4.0]]])
    table, valid = flatten(cube, pattern="voxel")
    unflatten(table[:, 0], valid)
    pipeline = make_cluster_pipeline(ESOM(), stretch="none", fwhm="stars")
    pipeline.set_params(cluster__min_bands=2).fit(cube)
    files = Run(pipeline, cube).write("out", pictures=PictureStyle("pdf", dpi=300))
    assert_type(files["cluster_map.fits"], Path)
    pipeline, names = load_model("out/model.skops")
    assert_type(names, list[str] | None)
    CubeClassifier(MapClassifier()).fit(cube, truth).predict_proba(cube)
    score: float = map_scorer("silhouette")(pipeline, cube)
    print(score)

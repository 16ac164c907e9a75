# SPDX-License-Identifier: BSD-3-Clause
"""Mistakes as users make them: mypy warns of each announced one that it misses."""

import numpy as np

import skesom
from skesom import CSOM, ESOM, Cube, CubeClusterer, CubeMasker, read_cube, write_map
from skesom.datasets import make_galaxy_cube
from skesom.displays import ComponentPlanesDisplay
from skesom.maps import make_cluster_pipeline
from skesom.metrics import map_scorer
from skesom.report import PictureStyle
from skesom.runs import Run

table = np.zeros((9, 2))
cube, truth = make_galaxy_cube((8, 8))

skesom.ESON()  # type: ignore[attr-defined]
ESOM(n_cluster=8)  # type: ignore[call-arg]
ESOM(epsilon="small")  # type: ignore[arg-type]
ESOM(8, 0.3)  # type: ignore[call-arg]
CSOM(topology="hexagon")  # type: ignore[arg-type]
CSOM(shape=(4, 4, 4))  # type: ignore[arg-type]
ESOM().fit(table, errors=table)  # type: ignore[call-arg]
CSOM().fit(table).map_coordinates()  # type: ignore[call-arg]
CubeMasker().fit("image.fits")  # type: ignore[arg-type]
CubeClusterer(pattern="pixels")  # type: ignore[arg-type]
Cube(np.zeros((4, 4, 2)), band_names=4)  # type: ignore[arg-type]
cube.cutout((4, 4))  # type: ignore[call-arg]
print(cube.band_name)  # type: ignore[attr-defined]
read_cube("image.fits", order="name")  # type: ignore[arg-type]
write_map("map.fits", truth, overwrite="no")  # type: ignore[arg-type]
make_cluster_pipeline(ESOM(), stretch="log")  # type: ignore[arg-type]
map_scorer("silhouettes")  # type: ignore[arg-type]
ComponentPlanesDisplay.from_estimator(CSOM()).plot(scale="log")  # type: ignore[arg-type]
Run(pipeline=None, cubes=cube)  # type: ignore[call-arg]
PictureStyle(resolution=300)  # type: ignore[call-arg]

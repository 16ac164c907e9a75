# SPDX-License-Identifier: BSD-3-Clause
"""Maps of tables and cubes, and the report, at sizes that take seconds."""

import tempfile
from pathlib import Path

import numpy as np
from sklearn.base import clone

from skesom.consensus import ConsensusClusterer
from skesom.datasets import make_galaxy_cube
from skesom.maps import make_cluster_pipeline
from skesom.runs import Run
from skesom.som import CSOM, ESOM

MAPS = {
    "ESOM": ESOM(n_clusters=8, random_state=0),
    "CSOM": CSOM(n_clusters=8, random_state=0),
    "consensus": ConsensusClusterer(
        ESOM(), n_estimators=4, n_clusters=8, random_state=0
    ),
}


def groups(n_rows, n_features):
    """Return rows of twelve groups."""
    rng = np.random.default_rng(0)
    centers = rng.normal(scale=3, size=(12, n_features))
    X = centers[rng.integers(12, size=n_rows)] + rng.normal(size=(n_rows, n_features))
    return X.astype(np.float32)


class Maps:
    """Each map on 20 000 rows of nine features."""

    params = [list(MAPS)]
    param_names = ["map"]

    def setup(self, name):
        """Make the rows, and a fitted map."""
        self.X = groups(20_000, 9)
        self.map = clone(MAPS[name]).fit(self.X)

    def time_fit(self, name):
        """Seconds to fit."""
        clone(MAPS[name]).fit(self.X)

    def time_predict(self, name):
        """Seconds to predict the rows."""
        self.map.predict(self.X)

    def peakmem_fit(self, name):
        """Bytes of the process, what is loaded included."""
        clone(MAPS[name]).fit(self.X)


class Kernels:
    """Epochs and searches of a classical map, by features and units."""

    params = [[9, 50], [20, 40]]
    param_names = ["features", "side"]

    def setup(self, n_features, side):
        """Make the rows, and a map without clusters."""
        self.X = groups(50_000, n_features)
        self.map = CSOM(None, shape=(side, side), n_epochs=2, random_state=0)
        self.fitted = clone(self.map).fit(self.X[:5000])

    def time_two_epochs(self, n_features, side):
        """Seconds of two epochs, initialization and labels of rows included."""
        self.map.fit(self.X)

    def time_search(self, n_features, side):
        """Seconds to find the winners of all rows."""
        self.fitted.predict(self.X)


class Report:
    """The pipeline of a cube of 96 x 96 pixels, and the folder of its results."""

    timeout = 300

    def setup(self):
        """Make the cube, and a fitted pipeline."""
        self.cube, _ = make_galaxy_cube((96, 96), random_state=0)
        self.pipeline = make_cluster_pipeline(clone(MAPS["ESOM"])).fit(self.cube)

    def time_pipeline(self):
        """Seconds from the cube to its label map."""
        make_cluster_pipeline(clone(MAPS["ESOM"])).fit_predict(self.cube)

    def time_report(self):
        """Seconds to write the folder."""
        with tempfile.TemporaryDirectory() as folder:
            Run(self.pipeline, self.cube).write(Path(folder) / "report")

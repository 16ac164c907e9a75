# SPDX-License-Identifier: BSD-3-Clause
"""Make the pictures of the two pages on getting started, by what these pages tell.

Run from the root of a checkout: ``python docs/images/getting_started.py`` (a minute).
"""

import shutil
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.datasets import load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.cli import main
from skesom.datasets import make_galaxy_cube
from skesom.displays import HitMapDisplay, UMatrixDisplay
from skesom.io import write_bands
from skesom.som import CSOM

IMAGES = Path(__file__).parent


def draw_galaxy():
    """Cluster the galaxy as the page does, and keep three of the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        cube, _ = make_galaxy_cube((300, 300), random_state=0)
        files = write_bands(Path(folder, "images"), cube)
        result = Path(folder, "result")
        style = ["--width", "two", "--dpi", "120"]  # letters that a page can show
        main(["cluster", *map(str, files), "-o", str(result), *style])
        for name in ("map", "spectra", "agreement"):
            source = "agreement" if name == "agreement" else f"cluster_{name}"
            target = IMAGES / f"getting_started_{name}.png"
            shutil.copy(result / f"{source}.png", target)


def draw_wine():
    """Draw the U-matrix of the wines, and how many of which kind each unit has."""
    X, y = load_wine(return_X_y=True, as_frame=True)
    csom = CSOM(n_clusters=3, shape=(8, 6), random_state=0)
    pipeline = make_pipeline(StandardScaler(), csom).fit(X)
    figure, axes = plt.subplots(1, 2, figsize=(10, 5), layout="constrained")
    UMatrixDisplay.from_estimator(pipeline, ax=axes[0])
    HitMapDisplay.from_estimator(pipeline, X, y=y, ax=axes[1])
    figure.savefig(IMAGES / "getting_started_table.png", dpi=100)


if __name__ == "__main__":
    draw_wine()
    draw_galaxy()

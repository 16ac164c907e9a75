# SPDX-License-Identifier: BSD-3-Clause
"""What every display promises: to draw when it is made, where it is told, and whole."""

import builtins
import subprocess
import sys

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline

from skesom.cube import AsinhStretch
from skesom.displays import (
    ClusterHistogramDisplay,
    ClusterMapDisplay,
    ClusterSpectraDisplay,
    ComponentPlanesDisplay,
    DisagreementMapDisplay,
    HitMapDisplay,
    QuantizationErrorMapDisplay,
    StabilityMapDisplay,
    TrainingCurveDisplay,
    UMatrixDisplay,
)
from skesom.maps import CubeClusterer, make_cluster_pipeline
from skesom.som import CSOM

pytestmark = pytest.mark.usefixtures("_close_figures")


@pytest.fixture(scope="module")
def lattice_job(galaxy):
    """The job done by a classical map."""
    csom = CSOM(shape=(6, 9), n_clusters=4, random_state=0)
    return make_cluster_pipeline(csom, fwhm="cube", sky="mask").fit(galaxy)


@pytest.fixture
def make(galaxy, job, lattice_job):
    """A function that draws one of all kinds of pictures."""
    units = {
        "lattice": lattice_job,
        "graph": job,
        "torus": CSOM(shape=(4, 6), toroidal=True, n_clusters=2, random_state=0).fit(
            np.random.default_rng(0).random((200, 5))
        ),
    }
    labels = job["cluster"].labels_
    names = galaxy.band_names
    kmeans = CubeClusterer(KMeans(2, n_init=1))
    clusterer = make_pipeline(AsinhStretch(), kmeans)

    def make(kind, ax=None):
        name, _, where = kind.partition(" ")
        of_units = {
            "UMatrix": UMatrixDisplay,
            "HitMap": HitMapDisplay,
        }
        if name in of_units:
            return of_units[name].from_estimator(units[where], ax=ax)
        if name == "ComponentPlanes":
            return ComponentPlanesDisplay.from_estimator(
                units[where.split()[0]], names=names, scale=where.split()[1], ax=ax
            )
        return {
            "ClusterMap": lambda: ClusterMapDisplay.from_estimator(job, galaxy, ax=ax),
            "Contours": lambda: ClusterMapDisplay.from_predictions(
                labels, cube=galaxy, contours=True, ax=ax
            ),
            "ClusterSpectra": lambda: ClusterSpectraDisplay.from_estimator(
                job, galaxy, ax=ax
            ),
            "ClusterHistogram": lambda: ClusterHistogramDisplay.from_estimator(
                job, galaxy, ax=ax
            ),
            "QuantizationErrorMap": lambda: QuantizationErrorMapDisplay.from_estimator(
                job, galaxy, ax=ax
            ),
            "DisagreementMap": lambda: DisagreementMapDisplay.from_estimator(
                job, galaxy, lattice_job["cluster"].labels_, ax=ax
            ),
            "StabilityMap": lambda: StabilityMapDisplay.from_estimator(
                clusterer, galaxy, seeds=2, ax=ax
            ),
            "TrainingCurve": lambda: TrainingCurveDisplay.from_estimator(
                lattice_job, ax=ax
            ),
        }[name]()

    return make


KINDS = [
    *(
        f"{name} {where}"
        for name in ("UMatrix", "HitMap")
        for where in ("lattice", "graph", "torus")
    ),
    *("ComponentPlanes lattice own", "ComponentPlanes graph shared"),
    *("ComponentPlanes torus own", "ClusterMap", "Contours", "ClusterSpectra"),
    *("ClusterHistogram", "QuantizationErrorMap", "DisagreementMap"),
    *("StabilityMap", "TrainingCurve"),
]
# One of each class: what the others draw differs, not where.
CLASSES = ["UMatrix graph", "HitMap torus", "ComponentPlanes lattice own"]
CLASSES += ["ClusterMap", *KINDS[-6:]]
ON_THE_SKY = {"ClusterMap", "Contours", "QuantizationErrorMap"}
ON_THE_SKY |= {"DisagreementMap", "StabilityMap"}


def new_axes(kind, size, wcs):
    figure = Figure(figsize=size, layout="constrained")
    return figure.add_subplot(projection=wcs if kind in ON_THE_SKY else None)


@pytest.mark.parametrize("kind", CLASSES)
def test_makes_a_figure_of_pyplot(make, kind):
    display = make(kind)
    assert pyplot.get_fignums() == [display.figure_.number]
    assert display.ax_.figure is display.figure_


@pytest.mark.parametrize("kind", CLASSES)
def test_draws_where_it_is_told(make, kind, galaxy):
    first, second = (new_axes(kind, (4, 3), galaxy.wcs) for _ in range(2))
    display = make(kind, first)
    assert display.ax_ is first
    assert display.figure_ is first.figure
    assert display.plot(second) is display
    assert display.ax_ is second
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize("size", [(4, 3), (10, 8)])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_cut_off(make, kind, size, galaxy):
    figure = make(kind, new_axes(kind, size, galaxy.wcs)).figure_
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    assert (box.min >= -0.01).all()
    assert (box.max <= np.array(size) + 0.01).all()


@pytest.mark.parametrize("kind", CLASSES)
def test_names_the_extra_that_is_missing(make, kind, monkeypatch):
    original = builtins.__import__

    def without_matplotlib(name, *args, **kwargs):
        if name.split(".")[0] == "matplotlib":
            raise ImportError(f"No module named {name!r}")
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_matplotlib)
    with pytest.raises(ImportError, match=r"skesom\[plot\]"):
        make(kind)


def test_matplotlib_is_not_imported_before_anything_is_drawn():
    code = "import sys, skesom.maps; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

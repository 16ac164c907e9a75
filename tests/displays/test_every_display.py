# SPDX-License-Identifier: BSD-3-Clause
"""What every display promises: to draw when it is made, where it is told, and whole."""

import inspect
import subprocess
import sys
from operator import attrgetter

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline

from skesom import displays
from skesom.cube import AsinhStretch
from skesom.displays import (
    ClusterHistogramDisplay,
    ClusterMapDisplay,
    ClusterSpectraDisplay,
    ComponentPlanesDisplay,
    CutoutsDisplay,
    DendrogramDisplay,
    HitMapDisplay,
    PrototypesDisplay,
    TrainingCurveDisplay,
    UMatrixDisplay,
    ValueMapDisplay,
)
from skesom.maps import CubeClusterer, make_cluster_pipeline
from skesom.som import CSOM


@pytest.fixture(scope="module")
def lattice_job(galaxy):
    """The job done by a classical map."""
    csom = CSOM(shape=(6, 9), n_clusters=4, random_state=0)
    return make_cluster_pipeline(csom, sky="mask").fit(galaxy)


@pytest.fixture(scope="module")
def make(galaxy, job, lattice_job):
    """A function that draws one of all kinds of pictures."""
    torus = CSOM(shape=(4, 6), toroidal=True, n_clusters=2, random_state=0)
    units = {
        "lattice": lattice_job,
        "graph": job,
        "torus": torus.fit(np.random.default_rng(0).random((200, 5))),
    }
    labels = lattice_job["cluster"].labels_
    kmeans = CubeClusterer(KMeans(2, n_init=1))
    of_units = {"UMatrix": UMatrixDisplay, "HitMap": HitMapDisplay}
    of_units["ComponentPlanes"] = ComponentPlanesDisplay
    of_units["Prototypes"] = PrototypesDisplay
    of_cubes = {
        "ClusterMap": ClusterMapDisplay,
        "Cutouts": CutoutsDisplay,
        "ClusterSpectra": ClusterSpectraDisplay,
        "ClusterHistogram": ClusterHistogramDisplay,
        "ValueMap": ValueMapDisplay,
    }

    def make(kind, ax=None):
        name, *where = kind.split()
        if name == "TrainingCurve":
            return TrainingCurveDisplay.from_estimator(lattice_job, ax=ax)
        if name == "Dendrogram":
            return DendrogramDisplay.from_predictions([[0, 1], [2, 3]], [0.2, 1], ax=ax)
        if name in of_units:
            options = {"scale": where[1]} if where[1:] else {}
            if name == "Prototypes":
                options = {"shape": (1, 5)}
            return of_units[name].from_estimator(units[where[0]], ax=ax, **options)
        estimator, options = job, {}
        if where == ["stability"]:
            estimator = make_pipeline(AsinhStretch(), kmeans)
            options = {"kind": "stability", "seeds": 2}
        if where == ["compared"]:
            options = {"reference": labels}
        return of_cubes[name].from_estimator(estimator, galaxy, ax=ax, **options)

    return make


# One of each class: what the others draw differs, not where.
CLASSES = ["UMatrix graph", "HitMap lattice", "ComponentPlanes lattice own"]
CLASSES += ["ClusterMap", "ClusterSpectra", "ClusterHistogram", "ValueMap"]
CLASSES += ["TrainingCurve", "Prototypes lattice", "Dendrogram"]
VARIANTS = ["UMatrix torus", "ComponentPlanes graph shared", "Prototypes graph"]
VARIANTS += ["ClusterMap compared"]
KINDS = CLASSES + VARIANTS
CLASSES += ["ValueMap stability"]  # which is checked before its runs
ON_THE_SKY = {"ClusterMap", "ClusterMap compared", "ValueMap"}


def new_axes(kind, size, wcs):
    figure = Figure(figsize=size, layout="constrained")
    return figure.add_subplot(projection=wcs if kind in ON_THE_SKY else None)


def assert_is_whole(figure):
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    assert (box.min >= -0.01).all()
    assert (box.max <= figure.get_size_inches() + 0.01).all()


@pytest.mark.parametrize("kind", KINDS)
def test_draws_where_it_is_told_and_cuts_nothing_off(make, kind, galaxy):
    ax = new_axes(kind, (4, 3), galaxy.wcs)
    display = make(kind, ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert pyplot.get_fignums() == []
    assert_is_whole(ax.figure)
    if kind in VARIANTS:
        return
    # By default in a new figure, which is larger.
    assert display.plot() is display
    assert pyplot.get_fignums() == [display.figure_.number]
    assert display.ax_.figure is display.figure_
    assert_is_whole(display.figure_)


@pytest.mark.parametrize("kind", ["ClusterMap", "ClusterSpectra"])
def test_draws_in_part_of_a_figure(make, kind, galaxy):
    figure = Figure(figsize=(9, 3), layout="constrained")
    left, right = figure.subfigures(1, 2)
    sky = galaxy.wcs if kind in ON_THE_SKY else None
    display = make(kind, left.add_subplot(projection=sky))
    right.add_subplot()
    assert display.figure_ is left
    assert_is_whole(figure)
    legend = display.legend_.get_window_extent()
    assert legend.x1 <= left.bbox.x1 + 1


@pytest.mark.parametrize("kind", CLASSES)
def test_names_the_extra_that_is_missing(make, kind, monkeypatch):
    for name in [n for n in sys.modules if n.partition(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"skesom\[plot\]"):
        make(kind)


def test_matplotlib_is_not_imported_before_anything_is_drawn():
    code = "import sys, skesom.displays; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


METHODS = "from_estimator", "from_predictions", "plot"
RETURN = [f"{n}.{m}" for n in displays.__all__ if "Display" in n for m in METHODS]


@pytest.mark.parametrize("name", [*RETURN, "cluster_colors", "rgb_image"])
def test_docstrings_tell_what_is_returned(name):
    assert "\n\nReturns\n-------\n" in inspect.getdoc(attrgetter(name)(displays))

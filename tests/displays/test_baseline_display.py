# SPDX-License-Identifier: BSD-3-Clause
"""Pictures look as they did when somebody last looked at them.

They are drawn without letters, which differ from machine to machine, in axes that no
layout moves. The pictures to compare with are in the folder ``baseline``. After a
change that is meant, ``SKESOM_TESTS_NEW_BASELINE=1 pytest FILE`` writes them anew: look
at each of them then.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from astropy.wcs import WCS
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text

from skesom.cube import Cube
from skesom.displays import (
    ClusterHistogramDisplay,
    ClusterMapDisplay,
    ClusterSpectraDisplay,
    ComponentPlanesDisplay,
    CrossmatchDisplay,
    DendrogramDisplay,
    HitMapDisplay,
    PrototypesDisplay,
    TrainingCurveDisplay,
    UMatrixDisplay,
    ValueMapDisplay,
)

FOLDER = Path(__file__).parent / "baseline"
# Of levels from 0 to 255. Versions 3.8 to 3.11 of Matplotlib differ by 0.5 at most, a
# wrong cell, color or line by 5 or more.
TOLERANCE = 2.0

ROWS, COLUMNS = np.indices((24, 32))
RADIUS = np.hypot(ROWS - 11, (COLUMNS - 14) / 1.3)
LABELS = np.digitize(RADIUS, [3, 6, 9, 12]) % 5
LABELS[:, 24:26] = -3
LABELS[RADIUS > 15] = -3
LABELS[3:5, 3:5] = -1
SKY = RADIUS > 15
MOVED = np.roll(LABELS, 3, axis=1)
# The boxes of scale bar and compass are as large as their letters.
UNMARKED = {"scale_bar": False, "compass": False}
NO_LETTERS = {"legend": False, **UNMARKED}
WAVE = np.sin(np.arange(48) / 5).reshape(6, 8) + np.arange(8) / 4


def tilted_wcs():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [204.25, -29.87]
    wcs.wcs.crpix = [16, 12]
    cosine, sine = np.cos(0.6), np.sin(0.6)
    wcs.wcs.cd = np.array([[-cosine, sine], [sine, cosine]]) / 3600
    return wcs


def cube():
    profile = np.exp(-RADIUS / 8)[:, :, np.newaxis] * [1.0, 1.4, 0.7]
    profile[6:9, 18:22] += [2.0, 0, 0]
    return Cube(profile, wcs=tilted_wcs())


def graph():
    angle = np.arange(12) * 0.9
    positions = np.column_stack([angle * np.cos(angle), angle * np.sin(angle)])
    connections = np.diag(np.linspace(0.1, 1, 11), 1)
    return positions, connections + connections.T


def draw_graph(ax):
    positions, connections = graph()
    UMatrixDisplay.from_predictions(
        np.linspace(0, 1, 12),
        positions=positions,
        connections=connections,
        unit_labels=np.arange(12) // 4,
        ax=ax,
    )


def draw_crossmatch(ax):
    objects = Table({"x": [14, 15, 13, 3, 24], "y": [11, 12, 11, 4, 1]})
    objects["type"] = ["HII", "HII", "HII", "SNR", "SNR"]
    CrossmatchDisplay.from_predictions(LABELS, objects, ax=ax)


PICTURES = {
    "u_matrix_hexagonal": lambda ax: UMatrixDisplay.from_predictions(
        WAVE, unit_labels=WAVE > 1, ax=ax
    ),
    "u_matrix_rectangular": lambda ax: UMatrixDisplay.from_predictions(
        WAVE, topology="rectangular", ax=ax
    ),
    "u_matrix_toroidal": lambda ax: UMatrixDisplay.from_predictions(
        WAVE, toroidal=True, ax=ax
    ),
    "u_matrix_graph": draw_graph,
    "hit_map": lambda ax: HitMapDisplay.from_predictions(
        np.maximum(np.rint(9 * WAVE), 0), ax=ax
    ),
    "hit_map_by_class": lambda ax: HitMapDisplay.from_predictions(
        np.maximum(np.rint(np.dstack([WAVE, 2 - WAVE, WAVE**2])), 0),
        classes="abc",
        ax=ax,
    ),
    "prototypes": lambda ax: PrototypesDisplay.from_predictions(
        WAVE[:3, :4, np.newaxis] * np.linspace(-1, 1, 6), shape=(2, 3), ax=ax
    ),
    "component_planes": lambda ax: ComponentPlanesDisplay.from_predictions(
        np.dstack([WAVE, WAVE[::-1], WAVE**2, -WAVE]), ax=ax, scale="shared"
    ),
    "cluster_map": lambda ax: ClusterMapDisplay.from_predictions(
        LABELS, wcs=tilted_wcs(), sky_mask=SKY, ax=ax, **NO_LETTERS
    ),
    "cluster_contours": lambda ax: ClusterMapDisplay.from_predictions(
        LABELS, cube=cube(), contours=[0, 2], ax=ax, **NO_LETTERS
    ),
    "cluster_map_beside_image": lambda ax: ClusterMapDisplay.from_predictions(
        LABELS, cube=cube(), image=True, ax=ax, **NO_LETTERS
    ),
    "cluster_spectra": lambda ax: ClusterSpectraDisplay.from_predictions(
        LABELS, cube().data ** [0.5, 1, 2], ax=ax
    ),
    "cluster_histogram": lambda ax: ClusterHistogramDisplay.from_predictions(
        LABELS, ax=ax
    ),
    "dendrogram": lambda ax: DendrogramDisplay.from_predictions(
        [[0, 1], [2, 5], [3, 4], [6, 7]],
        [0.1, 0.2, 0.6, 0.9],
        clusters=[0, 0, 0, 1, 2],
        ax=ax,
    ),
    "value_map_distance": lambda ax: ValueMapDisplay.from_predictions(
        np.where(SKY, np.nan, RADIUS % 5), wcs=tilted_wcs(), ax=ax, **UNMARKED
    ),
    "disagreement_map": lambda ax: ClusterMapDisplay.from_predictions(
        MOVED, reference=LABELS, wcs=tilted_wcs(), ax=ax, **NO_LETTERS
    ),
    "value_map_stability": lambda ax: ValueMapDisplay.from_predictions(
        np.where(SKY, np.nan, np.cos(RADIUS) ** 2), kind="stability", ax=ax, **UNMARKED
    ),
    "crossmatch": draw_crossmatch,
    "training_curve": lambda ax: TrainingCurveDisplay.from_predictions(
        {"first": 1 + 2.0 ** -np.arange(9), "second": 1 + 1.5 ** -np.arange(9)}, ax=ax
    ),
}


def save(draw, path):
    """Draw without letters in axes of a fixed place."""
    figure = Figure(figsize=(3.2, 2.4), dpi=50)
    FigureCanvasAgg(figure)
    ax = figure.add_axes([0.05, 0.08, 0.75, 0.82])
    draw(ax)
    figure.draw_without_rendering()
    for text in figure.findobj(Text):
        text.set_visible(False)
    for axes in figure.axes:
        legend = axes.get_legend()
        if legend is not None:
            legend.remove()  # its place depends on its letters
    figure.savefig(path)


def difference(first, second):
    """Return the root mean square by which the levels of two pictures differ.

    A dot is compared with the nine around the same place, and the most similar counts.
    """
    first, second = (imread(path)[:, :, :3] * 255 for path in (first, second))
    if first.shape != second.shape:
        return np.inf
    return max(
        np.sqrt(np.mean(np.min([(a - moved) ** 2 for moved in shifted(b)], axis=0)))
        for a, b in ((first, second), (second, first))
    )


def shifted(picture):
    """Return a picture moved by up to one dot in all directions."""
    moves = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return [np.roll(picture, move, axis=(0, 1)) for move in moves]


@pytest.mark.parametrize("name", PICTURES)
def test_looks_as_it_did(name, tmp_path):
    if os.environ.get("SKESOM_TESTS_NEW_BASELINE"):
        FOLDER.mkdir(exist_ok=True)
        save(PICTURES[name], FOLDER / f"{name}.png")
    save(PICTURES[name], tmp_path / "drawn.png")
    assert difference(FOLDER / f"{name}.png", tmp_path / "drawn.png") < TOLERANCE


CHANGES = {  # the smallest ones: larger ones differ by more
    "a hexagon": (
        "u_matrix_hexagonal",
        lambda ax: UMatrixDisplay.from_predictions(
            np.where(np.arange(48).reshape(6, 8) == 20, 2.5, WAVE),
            unit_labels=WAVE > 1,
            ax=ax,
        ),
    ),
    "borders": (
        "u_matrix_hexagonal",
        lambda ax: UMatrixDisplay.from_predictions(WAVE, ax=ax),
    ),
    "a contour": (
        "cluster_contours",
        lambda ax: ClusterMapDisplay.from_predictions(
            LABELS, cube=cube(), contours=[0], ax=ax, **NO_LETTERS
        ),
    ),
    "no quartiles": (
        "cluster_spectra",
        lambda ax: ClusterSpectraDisplay.from_predictions(
            LABELS, cube().data ** [0.5, 1, 2], ax=ax, quartiles=False
        ),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_noticed(change, tmp_path):
    name, draw = CHANGES[change]
    save(draw, tmp_path / "drawn.png")
    assert difference(FOLDER / f"{name}.png", tmp_path / "drawn.png") > TOLERANCE

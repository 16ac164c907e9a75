# SPDX-License-Identifier: BSD-3-Clause
"""How the units of any map are drawn: as cells of a lattice, or nodes of a graph."""

import numpy as np
from scipy import sparse

from skesom.displays._axes import new_axes, size_in_points
from skesom.displays._fitted import hits_of
from skesom.displays._graph_layout import GraphLayout, embed
from skesom.displays._lattice_layout import LatticeLayout

_LONGEST_SIDE = 5.5  # inches
_NUMBER = 0.4  # height of a number by the room that a cluster has
_NUMBER_SIZES = 5.0, 8.5  # points
_LEAST_ROOM = 12.0  # points by points for a cluster, or numbers would hide all


def layout_of(som, embedding):
    """Return how the units of a fitted map are drawn."""
    if hasattr(som, "shape_"):
        return LatticeLayout(som.shape_, som.topology, som.toroidal)
    positions, names = embed(som.codebook_, som.connections_, embedding)
    return GraphLayout(positions, som.connections_, hits_of(som), names)


def given_layout(
    shape, *, topology="hexagonal", toroidal=False, positions=None, connections=None
):
    """Return how units are drawn that are given as arrays."""
    if positions is not None:
        n_units = int(np.prod(shape))
        if connections is None:
            connections = sparse.coo_array((n_units, n_units))
        return GraphLayout(positions, connections)
    if len(shape) != 2:
        raise ValueError(
            "Values of a lattice have the shape (n_rows, n_columns); for the nodes of "
            f"a graph give their positions. Got shape {tuple(shape)}."
        )
    return LatticeLayout(shape, topology, toroidal)


def unit_axes(ax, layout):
    """Return axes for the units, new ones in the proportions of the layout."""
    width, height = layout.size
    scale = _LONGEST_SIDE / max(width, height)
    size = max(scale * width, 2.0) + 1.2, max(scale * height, 1.2) + 0.6
    return new_axes(ax, size)


def write_cluster_numbers(ax, layout, unit_labels):
    """Write the number of each cluster on the unit that is most in its middle."""
    from matplotlib.patheffects import withStroke

    labels, counts = np.unique(unit_labels[unit_labels >= 0], return_counts=True)
    room = np.sqrt(np.prod(size_in_points(ax)) / max(len(labels), 1))
    if room < _LEAST_ROOM:
        return []
    size = float(np.clip(_NUMBER * room, *_NUMBER_SIZES))
    texts, boxes = {}, np.empty((0, 4))
    for label in labels[np.argsort(-counts, kind="stable")].tolist():
        places = layout.positions[unit_labels == label]
        apart = np.linalg.norm(places - places.mean(axis=0), axis=1)
        place = places[np.argmin(apart)]
        box = _box_of_number(ax, place, str(label), size)
        if (np.abs(boxes - box)[:, :2] < (boxes + box)[:, 2:]).all(axis=1).any():
            continue
        boxes = np.vstack([boxes, box])
        texts[label] = ax.text(
            *place,
            str(label),
            color="white",
            size=size,
            weight="bold",
            ha="center",
            va="center",
            zorder=4,
            path_effects=[withStroke(linewidth=size / 4, foreground="black")],
        )
    return [texts[label] for label in sorted(texts)]


def _box_of_number(ax, place, text, size):
    """Return middle and half width and height, in points, of a number."""
    middle = ax.transData.transform(place) * 72 / ax.figure.dpi
    return np.array([*middle, 0.35 * size * len(text), 0.45 * size])

# SPDX-License-Identifier: BSD-3-Clause
"""The units of a map for the page: outlines or points, colors, links."""

import numpy as np

from skesom._common.pipelines import map_inside
from skesom.displays import GraphLayout, layout_of
from skesom.report.page._pixels import NO_UNIT

_LINKS_DRAWN = 4000  # the strongest
_SMALLEST, _LARGEST = 3.0, 11.0  # pixels across, the second on top of the first
_LOW, _HIGH = 2, 98  # per cent of the units that have the first and the last color


def unit_map(pipeline, cube, som):
    """Return the nearest unit of each pixel."""
    first = list(pipeline.named_steps).index("align") + 1
    step = pipeline["cluster"]
    table, valid = step.table(pipeline[first:-1].transform(cube))
    _, table = map_inside(step.estimator_, table)
    units = np.full(valid.shape, NO_UNIT, dtype=np.uint16)
    units[valid] = som.winners(table)
    return units


def unit_facts(step, som, value_names):
    """Return what the page knows of units, beside numbers."""
    from bokeh.palettes import Cividis256

    labels = step._ranked(step._numbered(som.unit_labels_))
    return {
        "unit_values": value_names,
        "unit_labels": labels.tolist(),
        "color_map": list(Cividis256),
    }


def unit_columns(som):
    """Return what is drawn of each unit."""
    layout = layout_of(som, "pca")
    x, y = layout.positions.T
    if isinstance(layout, GraphLayout):
        shares = layout.hits / max(layout.hits.max(initial=0), 1)
        columns = {"x": x, "y": y, "size": _SMALLEST + _LARGEST * np.sqrt(shares)}
        return columns, _links(layout)
    corners = layout.positions[:, np.newaxis] + layout.corners
    return {
        "x": x,
        "y": -y,  # the first row is the upper one, as in the arrays
        "xs": corners[:, :, 0].tolist(),
        "ys": (-corners[:, :, 1]).tolist(),
    }, None


def unit_values(som, band_names):
    """Return numbers that units can be colored by."""
    values = {
        "distance to neighbors": np.ravel(som.u_matrix()),
        "number of pixels": np.sqrt(som.hits_),
    }
    codebook = som.codebook_
    for feature, name in enumerate(band_names):
        values[name] = codebook[:, feature]
    return {name: _as_places(value) for name, value in values.items()}


def _as_places(values):
    """Return numbers as places from 0 to 255."""
    values = np.asarray(values, dtype=np.float64)
    low, high = np.nanpercentile(values, [_LOW, _HIGH])
    share = np.nan_to_num((values - low) / (high - low or 1.0))
    return np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)


def _links(layout):
    """Return the strongest links, the strongest of them last."""
    order = np.argsort(layout.strengths, kind="stable")[-_LINKS_DRAWN:]
    ends = layout.positions[layout.links[order]]
    strongest = layout.strengths.max(initial=0) or 1.0
    return {
        "x0": ends[:, 0, 0],
        "y0": ends[:, 0, 1],
        "x1": ends[:, 1, 0],
        "y1": ends[:, 1, 1],
        "alpha": 0.08 + 0.5 * layout.strengths[order] / strongest,
    }

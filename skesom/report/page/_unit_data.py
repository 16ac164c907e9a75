# SPDX-License-Identifier: BSD-3-Clause
"""The units of the map on the page: their positions, links, values and clusters."""

import numpy as np

from skesom.displays.thinning import middle_pixels
from skesom.displays.unit_layout import GraphLayout, layout_of
from skesom.report.page._packing import finite

_MOST_LINKS = 4000  # the strongest are drawn
_SMALLEST_UNIT = 3.0  # pixels across
_LARGEST_UNIT = 11.0  # on top of the smallest
_LOW_PERCENTILE = 2  # of the units: below it they have the first color
_HIGH_PERCENTILE = 98


def unit_data(result, step):
    """Return arrays and facts about the units, such as their positions."""
    layout = layout_of(result.som, "pca")
    x, y = layout.positions.T
    values, ranges = unit_values(result.som, result.feature_names)
    if result.tree is None:
        labels = result.run_unit_labels
    else:
        labels = result.unit_leaves
    arrays = {
        "units": middle_pixels(result.unit_map, step),
        "unit_values": np.stack(list(values.values())),
    }
    facts = {
        "unit_values": list(values),
        "unit_ranges": ranges,
        "unit_labels": labels.tolist(),
    }
    if isinstance(layout, GraphLayout):
        shares = layout.hits / max(layout.hits.max(initial=0), 1)
        sizes = _SMALLEST_UNIT + _LARGEST_UNIT * np.sqrt(shares)
        arrays["unit_size"] = sizes.astype(np.float32)
        arrays["links"] = _links(layout).astype(np.float32)
    else:
        y = -y  # the first row is the upper one, as in arrays
        facts["cell"] = layout.corners.tolist()
    arrays["unit_x"] = x.astype(np.float32)
    arrays["unit_y"] = y.astype(np.float32)
    return arrays, facts


def unit_values(som, feature_names):
    """Return numbers from 0 to 255 by which units are colored, and their ranges."""
    values = {
        "distance to neighbors": np.ravel(som.u_matrix()),
        "number of pixels": som.hits_,
    }
    values |= dict(zip(feature_names, som.codebook_.T, strict=True))
    ranges = []
    for name, value in values.items():
        value = np.asarray(value, dtype=np.float64)
        low, high = np.nanpercentile(value, [_LOW_PERCENTILE, _HIGH_PERCENTILE])
        ranges.append([finite(low), finite(high)])
        share = np.nan_to_num((value - low) / (high - low or 1.0))
        values[name] = np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)
    return values, ranges


def _links(layout):
    """Return ends and opacity of the strongest links, the strongest of them last."""
    order = np.argsort(layout.strengths, kind="stable")[-_MOST_LINKS:]
    ends = layout.positions[layout.links[order]].reshape(-1, 4)
    strongest = layout.strengths.max(initial=0) or 1.0
    alpha = 0.08 + 0.5 * layout.strengths[order] / strongest
    return np.column_stack([ends, alpha])

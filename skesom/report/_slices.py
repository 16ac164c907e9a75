# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of the slices of a label map of voxels, one for each band."""

import io

import numpy as np

from skesom._common.labels import MASKED, SKY
from skesom.displays import (
    MISSING_COLOR,
    NOISE_COLOR,
    SKY_COLOR,
    literal,
    pick,
    thinning,
)
from skesom.maps import count_clusters

_MOST = 12  # in one picture
_PANEL = 2.6  # inches, the longer side
_PIXELS = 400_000  # of a slice
_MOST_NAMES = 40


class Slices:
    """The slices of a result, thinned if they are large."""

    def __init__(self, result):
        from matplotlib.colors import to_rgba_array

        labels, names = result.label_map, result.names
        self.bands = result.cube.band_names
        self._labels = pick(labels, thinning(labels.shape, _PIXELS))
        # Negative labels are found from the end.
        others = to_rgba_array([MISSING_COLOR, SKY_COLOR, NOISE_COLOR])
        self._colors = np.rint(255 * np.vstack([result.colors, others])).astype("u1")
        sizes = count_clusters(labels)
        shares = 100 * sizes / max(sizes.sum(), 1)
        legend = [(n, f"{names[n]}: {shares[n]:.1f} %") for n in np.flatnonzero(sizes)]
        others = (-1, "noise"), (SKY, "sky, set aside"), (MASKED, "no data")
        legend += [(n, name) for n, name in others if (labels == n).any()]
        self._legend = [(self._colors[n] / 255, name) for n, name in legend]

    def image_of(self, band):
        """Return the colors of the pixels of a slice."""
        return self._colors[self._labels[:, :, band]]

    def together(self):
        """Draw at most 12 slices, evenly spread over the bands; return self."""
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch

        n_bands = len(self.bands)
        n_shown = min(n_bands, _MOST)
        n_columns = int(np.ceil(np.sqrt(n_shown)))
        n_rows = -(-n_shown // n_columns)
        height, width = np.array(self._labels.shape[:2]) / max(self._labels.shape[:2])
        size = n_columns * _PANEL * width + 2, n_rows * (_PANEL * height + 0.3)
        figure = Figure(figsize=size, layout="constrained")
        shown = np.linspace(0, n_bands - 1, n_shown).round().astype(int)
        for place, band in enumerate(shown, 1):
            ax = figure.add_subplot(n_rows, n_columns, place)
            ax.imshow(self.image_of(band), origin="lower", interpolation="nearest")
            ax.set_title(literal(self.bands[band]), fontsize="small")
            ax.set_axis_off()
        if len(self._legend) <= _MOST_NAMES:
            style = {"edgecolor": "0.6", "linewidth": 0.5}
            handles = [
                Patch(facecolor=c, label=literal(n), **style) for c, n in self._legend
            ]
            style = {"frameon": False, "fontsize": "small", "title": "cluster"}
            figure.legend(handles=handles, loc="outside right upper", **style)
        self.figure_ = figure
        return self

    def picture(self, band):
        """Return the slice of a band as the bytes of a PNG, a dot for each pixel."""
        from matplotlib.image import imsave

        buffer = io.BytesIO()
        imsave(buffer, self.image_of(band), origin="lower", format="png")
        return buffer.getvalue()

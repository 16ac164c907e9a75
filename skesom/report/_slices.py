# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of voxels, whose label map has a slice for each band."""

import io

import numpy as np

from skesom._common.labels import count_clusters
from skesom._common.texts import percent
from skesom.displays.clusters import GROUND
from skesom.displays.colors import MISSING_COLOR
from skesom.displays.display import literal
from skesom.displays.thinning import middle_pixels, thinning_step
from skesom.report._band_images import BAND_PIXELS

_MOST_SLICES = 12  # in one picture
_LONGER_SIDE = 2.6  # of a slice, in inches
_TITLE_HEIGHT = 0.3
_LEGEND_WIDTH = 2
_MOST_LEGEND_ENTRIES = 40
# Names and colors of the labels -3, -2 and -1: negative labels find them from the end.
_IN_NO_CLUSTER = [(name, color or MISSING_COLOR) for name, color in reversed(GROUND)]


class Slices:
    """The slices of a result, thinned if they are large."""

    def __init__(self, result):
        from matplotlib.colors import to_rgba_array

        label_map = result.label_map
        self._bands = result.cube.band_names
        step = thinning_step(label_map.shape, BAND_PIXELS)
        self._labels = middle_pixels(label_map, step)
        others = to_rgba_array([color for _, color in _IN_NO_CLUSTER])
        levels = np.rint(255 * np.vstack([result.colors, others]))
        self._colors = levels.astype(np.uint8)
        self._legend = []  # labels and texts
        shares = count_clusters(label_map) / max(np.count_nonzero(label_map >= 0), 1)
        for label in np.flatnonzero(shares):
            text = f"{result.names[label]}: {percent(100 * shares[label])}"
            self._legend.append((label, text))
        for label in (-3, -2, -1):
            if (label_map == label).any():
                name, _ = _IN_NO_CLUSTER[label]
                self._legend.append((label, name))

    def _image(self, band):
        """Return the slice of a band in colors."""
        return self._colors[self._labels[:, :, band]]

    def draw_together(self):
        """Draw at most 12 slices, evenly spread over the bands; return self."""
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch

        n_shown = min(len(self._bands), _MOST_SLICES)
        n_columns = int(np.ceil(np.sqrt(n_shown)))
        n_rows = -(-n_shown // n_columns)
        n_pixels = np.array(self._labels.shape[:2])
        height, width = n_pixels / n_pixels.max()
        self.figure_ = Figure(
            figsize=(
                n_columns * _LONGER_SIDE * width + _LEGEND_WIDTH,
                n_rows * (_LONGER_SIDE * height + _TITLE_HEIGHT),
            ),
            layout="constrained",
        )
        shown = np.linspace(0, len(self._bands) - 1, n_shown).round().astype(int)
        for number, band in enumerate(shown, 1):
            ax = self.figure_.add_subplot(n_rows, n_columns, number)
            ax.imshow(self._image(band), origin="lower", interpolation="nearest")
            ax.set_title(literal(self._bands[band]), fontsize="small")
            ax.set_axis_off()
        handles = [
            Patch(facecolor=self._colors[label] / 255, label=literal(text))
            for label, text in self._legend[:_MOST_LEGEND_ENTRIES]
        ]
        self.figure_.legend(
            handles=handles,
            loc="outside right upper",
            frameon=False,
            fontsize="small",
            title="cluster",
        )
        return self

    def draw_one_by_one(self):
        """Return slices by the names of bands as bytes of PNGs, a dot for a pixel."""
        from matplotlib.image import imsave

        pictures = {}
        for band, name in enumerate(self._bands):
            buffer = io.BytesIO()
            imsave(buffer, self._image(band), origin="lower", format="png")
            pictures[name] = buffer.getvalue()
        return pictures

# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of the slices of a label map of voxels, one for each band."""

import io

import numpy as np

from skesom._common.labels import MASKED, SKY
from skesom.displays._colors import MISSING_COLOR, NOISE_COLOR, SKY_COLOR
from skesom.displays._display import literal
from skesom.displays._sky_image import pick, thinning
from skesom.maps._cube_clusterer import count_clusters

_MOST = 12  # in one picture
_PANEL = 2.6  # inches, the longer side
_PIXELS = 400_000  # of a slice
_MOST_NAMES = 40
_OTHERS = {
    MASKED: ("no data", MISSING_COLOR),
    SKY: ("sky, set aside", SKY_COLOR),
    -1: ("noise", NOISE_COLOR),
}


class Slices:
    """The slices of a result, thinned if they are large."""

    def __init__(self, result):
        from matplotlib.colors import to_rgba_array

        labels, self._bands = result.label_map, result.cube.band_names
        self._labels = pick(labels, thinning(labels.shape, _PIXELS))
        # Negative labels are found from the end.
        others = to_rgba_array([color for _, color in _OTHERS.values()])
        self._colors = np.rint(255 * np.vstack([result.colors, others])).astype("u1")
        shares = count_clusters(labels) / max(np.count_nonzero(labels >= 0), 1)
        texts = [f"{result.names[n]}: {share:.1%}" for n, share in enumerate(shares)]
        self._legend = [(n, texts[n]) for n in np.flatnonzero(shares)]
        found = [n for n in _OTHERS if (labels == n).any()]
        self._legend += [(n, _OTHERS[n][0]) for n in found]

    def together(self):
        """Draw at most 12 slices, evenly spread over the bands; return self."""
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch

        n_shown = min(len(self._bands), _MOST)
        n_columns = int(np.ceil(np.sqrt(n_shown)))
        n_rows = -(-n_shown // n_columns)
        height, width = np.divide(self._labels.shape[:2], max(self._labels.shape[:2]))
        size = n_columns * _PANEL * width + 2, n_rows * (_PANEL * height + 0.3)
        self.figure_ = Figure(figsize=size, layout="constrained")
        shown = np.linspace(0, len(self._bands) - 1, n_shown).round().astype(int)
        for place, band in enumerate(shown, 1):
            ax = self.figure_.add_subplot(n_rows, n_columns, place)
            image = self._colors[self._labels[:, :, band]]
            ax.imshow(image, origin="lower", interpolation="nearest")
            ax.set_title(literal(self._bands[band]), fontsize="small")
            ax.set_axis_off()
        handles = [
            Patch(facecolor=self._colors[n] / 255, label=literal(text))
            for n, text in self._legend[:_MOST_NAMES]
        ]
        style = {"frameon": False, "fontsize": "small", "title": "cluster"}
        self.figure_.legend(handles=handles, loc="outside right upper", **style)
        return self

    def one_by_one(self):
        """Return slices by the names of bands as bytes of PNGs, a dot for a pixel."""
        from matplotlib.image import imsave

        pictures = {name: io.BytesIO() for name in self._bands}
        for band, buffer in enumerate(pictures.values()):
            image = self._colors[self._labels[:, :, band]]
            imsave(buffer, image, origin="lower", format="png")
        return {name: buffer.getvalue() for name, buffer in pictures.items()}

# SPDX-License-Identifier: BSD-3-Clause
"""Which types of known objects gather in which clusters, as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from skesom._types import Axes, Catalog, CubeLike, Names
from skesom.displays.clusters import check_named, labeled_cube
from skesom.displays.colors import luminance_of
from skesom.displays.display import (
    NUMBER,
    Display,
    add_color_bar,
    literal,
    name_ticks,
    size_in_points,
    update_layout,
)
from skesom.io.ned import describe_types
from skesom.maps import crossmatch

if TYPE_CHECKING:
    from skesom.maps.crossmatching import Crossmatch


_DOUBLINGS = 3  # the colors end at 8 times the area share, and an eighth of it
_CELL = np.array([0.62, 0.36])  # width and height in inches in a new figure
_ROOM = np.array([3.4, 1.6])  # inches around the cells: names, and the color bar
_LARGEST = 9.0  # points, of the numbers in the cells
_SMALLEST = 4.5
_SHARE = 26.0  # points for a share of the pixels


@dataclass(eq=False, repr=False)
class CrossmatchDisplay(Display):
    """Enrichment of each cluster (column) in each type of known objects (row).

    Parameters
    ----------
    crossmatch : Crossmatch
        Result of `skesom.maps.crossmatch`.
    %(style)s

    %(attributes)s
    %(color_bar)s
    texts_ : list of matplotlib.text.Text
        Enrichment in each cell, if they are wide enough.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.table import Table
    >>> from skesom.displays import CrossmatchDisplay
    >>> label_map = np.zeros((20, 20), dtype=int)
    >>> label_map[:4, :5] = 1
    >>> nebulae = Table({"x": [0, 1, 2, 3, 15], "y": [0, 1, 2, 2, 15]})
    >>> nebulae["type"] = "HII"
    >>> display = CrossmatchDisplay.from_predictions(label_map, nebulae)
    >>> [text.get_text() for text in display.texts_]
    ['0.21', '16']
    """

    crossmatch: Crossmatch
    _: KW_ONLY
    colors: ArrayLike | None = None
    names: Names | None = None

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: CubeLike,
        catalog: Catalog,
        *,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw the enrichment of the clusters that an estimator finds in a cube.

        %(estimator)s
        %(catalog)s
        %(drawn)s

        Examples
        --------
        >>> import numpy as np
        >>> from astropy.table import Table
        >>> from sklearn.cluster import KMeans
        >>> from skesom.displays import CrossmatchDisplay
        >>> from skesom.maps import CubeClusterer
        >>> cube = np.zeros((20, 20, 1))
        >>> cube[:10] = 1
        >>> clusterer = CubeClusterer(KMeans(2, random_state=0)).fit(cube)
        >>> nebulae = Table({"x": [0, 1, 2], "y": [0, 1, 2], "type": ["HII"] * 3})
        >>> display = CrossmatchDisplay.from_estimator(clusterer, cube, nebulae)
        >>> [text.get_text() for text in display.texts_]
        ['0', '2.0']
        """
        label_map, cube = labeled_cube(estimator, X)
        options = {"wcs": cube.wcs} | options
        return cls.from_predictions(label_map, catalog, ax=ax, **options)

    @classmethod
    def from_predictions(  # type: ignore[override]
        cls,
        label_map: ArrayLike,
        catalog: Catalog,
        *,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw the enrichment of clusters that are known already.

        Parameters
        ----------
        label_map : array-like of int of shape (n_rows, n_columns)
            Clusters from 0, -1 = noise, -3 = masked.
        %(catalog)s
        %(drawn)s

        Examples
        --------
        >>> import numpy as np
        >>> from astropy.table import Table
        >>> from skesom.displays import CrossmatchDisplay
        >>> label_map = np.zeros((20, 20), dtype=int)
        >>> label_map[:4, :5] = 1
        >>> nebulae = Table({"x": [0, 1, 2], "y": [0, 1, 2], "type": ["HII"] * 3})
        >>> display = CrossmatchDisplay.from_predictions(label_map, nebulae)
        >>> [text.get_text() for text in display.texts_]
        ['0', '20']
        """
        # All other options are those of the crossmatch.
        display_options = {}
        for name in ("colors", "names", "significance"):
            if name in options:
                display_options[name] = options.pop(name)
        result = crossmatch(label_map, catalog, **options)
        return cls._drawn(ax, display_options, {"crossmatch": result})

    def plot(self, ax: Axes | None = None, *, significance: float = 0.05) -> Self:
        """Draw a table of colors and numbers.

        %(parameters)s
        significance : float, default=0.05
            Cells are colored if random positions deviate as much in any cluster less
            often than this.

        %(plotted)s

        Examples
        --------
        >>> import numpy as np
        >>> from astropy.table import Table
        >>> from skesom.displays import CrossmatchDisplay
        >>> from skesom.maps import crossmatch
        >>> label_map = np.zeros((20, 20), dtype=int)
        >>> label_map[:4, :5] = 1
        >>> nebulae = Table({"x": [0, 1, 2], "y": [0, 1, 2], "type": ["HII"] * 3})
        >>> display = CrossmatchDisplay(crossmatch(label_map, nebulae))
        >>> len(display.plot(significance=0.01).texts_)
        2
        """
        enrichment = self.crossmatch.matrix("enrichment")
        certain = self.crossmatch.matrix("p_any") < significance
        ax = self._new_axes(ax, crossmatch_size(self.crossmatch))
        # No objects at all, which have no logarithm, are far below the scale.
        doublings = np.log2(np.maximum(enrichment, 0.5 ** (2 * _DOUBLINGS)))
        self.image_ = ax.imshow(
            np.ma.array(doublings, mask=~certain),
            cmap="PuOr_r",
            aspect="auto",
            interpolation="nearest",
        )
        self.image_.set_clim(-_DOUBLINGS, _DOUBLINGS)
        ax.spines[:].set_visible(False)
        self._name_types(ax)
        self._add_color_bar(ax)
        update_layout(ax)  # names and numbers depend on the room beside the color bar
        self._name_clusters(ax)
        update_layout(ax)
        self.texts_ = self._write_numbers(ax, enrichment, certain)
        return self

    def _write_numbers(self, ax, enrichment, certain):
        """Write the enrichment in each cell, if there is room."""
        width, height = size_in_points(ax) / np.array(enrichment.shape[::-1])
        size = min(width / 2.4, height / 1.4, _LARGEST)
        if size < _SMALLEST:
            return []
        luminance = luminance_of(self.image_.to_rgba(self.image_.get_array()))
        texts = []
        for (row, column), value in np.ndenumerate(enrichment):
            if value == 0:
                number = "0"
            else:  # two digits
                decimals = np.clip(1 - np.floor(np.log10(value)), 0, 2)
                number = f"{value:.{int(decimals)}f}"
            text = ax.text(column, row, number, ha="center", va="center", size=size)
            if not certain[row, column]:
                text.set_color("0.55")
            elif luminance[row, column] < 0.45:
                text.set(color="white", weight="bold")
            else:
                text.set(color="black", weight="bold")
            texts.append(text)
        return texts

    def _name_types(self, ax):
        """Write the names of the types and how many objects they have."""
        table = self.crossmatch.table
        counts = dict(zip(table["type"], table["n_objects"], strict=True))
        object_types = describe_types([str(name) for name in counts]).values()
        texts = []
        for object_type, count in zip(object_types, counts.values(), strict=True):
            texts.append(f"{literal(object_type.description)}  {count}")
        ax.set_yticks(range(len(texts)), texts)

    def _name_clusters(self, ax):
        """Write the names of the clusters and their shares of the pixels."""
        n_types, n_clusters = self.image_.get_array().shape
        labels = np.asarray(self.crossmatch.table["cluster"])[:n_clusters].tolist()
        shares = np.asarray(self.crossmatch.table["area_share"])[:n_clusters]
        names = {-1: "noise"}
        if isinstance(self.names, Mapping):
            described = f"the clusters {', '.join(map(str, labels))}"
            check_named(self.names, {-1, *labels}, described)
            names |= self.names
        elif self.names is not None:
            names |= enumerate(self.names)
        ax.tick_params(length=0)
        texts = [str(names.get(label, label)) for label in labels]
        if size_in_points(ax)[0] > _SHARE * n_clusters:
            for number, share in enumerate(shares):
                digits = 1 if share < 0.1 else 0
                texts[number] = f"{texts[number]}\n{100 * share:.{digits}f} %"
            ax.set_xlabel("cluster, and its share of the clustered pixels")
        else:
            ax.set_xlabel("cluster")
        if not name_ticks(ax, texts, NUMBER):
            return
        ax.tick_params(axis="x", labelsize="small")
        ax.set_xticks(np.arange(1, n_clusters) - 0.5, minor=True)
        ax.set_yticks(np.arange(1, n_types) - 0.5, minor=True)
        ax.tick_params(which="minor", length=0)
        ax.grid(which="minor", color="0.92", linewidth=0.6)
        if self.colors is not None:
            self._draw_colors(ax, labels)

    def _draw_colors(self, ax, labels):
        """Draw the color of each cluster along the lower edge of its column."""
        columns = []
        colors = []
        for column, label in enumerate(labels):
            if 0 <= label < len(self.colors):
                columns.append(column)
                colors.append(self.colors[label])
        columns = np.array(columns)
        heights = np.full(len(columns), -0.012)
        bars = ax.hlines(heights, columns - 0.42, columns + 0.42, colors=colors)
        bars.set(linewidth=5, clip_on=False, transform=ax.get_xaxis_transform())
        ax.tick_params(axis="x", pad=8)

    def _add_color_bar(self, ax):
        """Draw the scale of the colors."""
        text = "share of objects / share of area\n(no color: within chance)"
        bar = add_color_bar(ax, self.image_, text, extend="both")
        ticks = range(-_DOUBLINGS, _DOUBLINGS + 1)
        bar.set_ticks(ticks, labels=[str(Fraction(2) ** tick) for tick in ticks])
        self.color_bar_ = bar


def crossmatch_size(crossmatch):
    """Return width and height of a new figure, in inches."""
    n_types, n_clusters = crossmatch.matrix("z").shape
    size = np.array([n_clusters, n_types]) * _CELL + _ROOM
    return np.clip(size, 4, 24)

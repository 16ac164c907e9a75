# SPDX-License-Identifier: BSD-3-Clause
"""Maps of clusters on the sky."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import find_objects, gaussian_filter

from skesom._common.warn import warn_user
from skesom._types import WCS, Axes, Bands, Catalog
from skesom.displays.clusters import COMPARED, ClusterDisplay, as_clusters
from skesom.displays.colors import rim_of
from skesom.displays.display import literal, numbers_of, size_in_points, update_layout
from skesom.displays.legends import add_legend, ground_entries
from skesom.displays.rgb import thinned_rgb
from skesom.displays.sky_image import (
    HALF,
    draw_image,
    draw_outline,
    hide_vertical_labels,
    side_by_side,
)
from skesom.displays.thinning import MAX_PIXELS
from skesom.io.ned import describe_types
from skesom.maps.positions import objects_inside

if TYPE_CHECKING:
    from skesom.cube import Cube


_SMOOTHING = 1.5
_REACH = 4.0  # standard deviations of a Gaussian
# Share of a cluster inside its outline, at least, and pixels of smoothing. Else half of
# the clusters of thin rings have no outline.
_KEPT = 0.1
_LEAST_SMOOTHING = 0.3
_OUTLINE = 0.004  # width by the shorter side of the axes
_WIDTHS = (0.5, 1.3)  # points, of outlines
_RIM = 0.6  # points
# Of the symbols of DS9, see `skesom.io.write_regions`.
_MARKERS = {
    "circle": "o",
    "box": "s",
    "diamond": "D",
    "cross": "+",
    "x": "x",
    "arrow": "^",
    "boxcircle": "h",
}
_SYMBOL = 0.2  # by the mean distance of the objects of a type
_SYMBOLS = (3.0, 7.0)  # points
_MOST_CORNERS = 5_000  # of the outlines of a cluster as lines in a PDF


@dataclass(eq=False, repr=False)
class ClusterMapDisplay(ClusterDisplay):
    """Cluster map: each pixel of the image in the color of its cluster.

    Sky is dark, and pixels without data are hatched. Compared with another map, pixels
    in clusters that match are white. The others have the color of their own cluster,
    numbered after those of the other map if it matches none.

    Parameters
    ----------
    label_map : ndarray of shape (n_rows, n_columns), dtype int
        Clusters from 0, -1 = noise, -2 = sky, -3 = no data.
    %(style)s
    cube : Cube, default=None
        The images, for their WCS and pixel scale, and to draw contours over.
    wcs : astropy.wcs.WCS, default=None
        Celestial coordinates for the axes, used instead of the WCS of the cube. Without
        both, the axes count pixels.
    sky_mask : array-like of bool of shape (n_rows, n_columns), default=None
        Pixels of label -3 that are sky, for label maps that do not mark it as -2.
    reference : array-like of int of shape (n_rows, n_columns), default=None
        A first label map to compare this second one with, see
        `skesom.maps.compare_clusterings`; numbers, colors and names are of the first.

    %(attributes)s
    image_ : matplotlib.image.AxesImage
        The map, or the picture below the contours.
    objects_ : dict of str to matplotlib.lines.Line2D
        Symbols of the known objects of each type, if they are drawn.
    picture_ : matplotlib.image.AxesImage or None
        The color picture beside it.
    contours_ : dict of int to matplotlib.contour.QuadContourSet
        Outlines of clusters, if they are drawn.
    %(legend)s

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.displays import ClusterMapDisplay
    >>> label_map = np.array([[0, 0, 1, -2], [0, -1, -3, -2]])
    >>> display = ClusterMapDisplay.from_predictions(label_map)
    >>> [text.get_text() for text in display.legend_.get_texts()]
    ['0: 75.0 %', '1: 25.0 %', 'noise', 'sky, set aside', 'no data']
    >>> other = np.array([[1, 1, 0, 0], [1, 1, 1, -2]])
    >>> display = ClusterMapDisplay.from_predictions(other, reference=label_map)
    >>> [text.get_text() for text in display.legend_.get_texts()]
    ['same: 100.0 %', 'not in the first', 'in neither']
    """

    _: KW_ONLY
    cube: Cube | None = None
    wcs: WCS | None = None
    sky_mask: ArrayLike | None = None
    reference: ArrayLike | None = None

    def plot(
        self,
        ax: Axes | None = None,
        *,
        contours: bool | Sequence[int] = False,
        image: bool = False,
        bands: Bands | None = None,
        smoothing: float = _SMOOTHING,
        objects: Catalog | None = None,
        legend: bool = True,
        scale_bar: bool = True,
        compass: bool = True,
        max_pixels: int = MAX_PIXELS,
    ) -> Self:
        """Draw the map.

        %(parameters)s
        contours : bool or sequence of int, default=False
            Whether to draw outlines of all clusters, or of these clusters, over a color
            picture of the cube instead of filled pixels.
        image : bool, default=False
            Whether a color picture of the cube is drawn to the left of the map, at the
            same scale; `ax` is then shared by both.
        bands : sequence of three int or str, default=None
            Bands of that picture for red, green and blue, see `rgb_image`.
        smoothing : float, default=1.5
            Standard deviation of the Gaussian that smooths outlines, in pixels of the
            picture; less for a cluster that would vanish; 0 follows every pixel.
        objects : str, os.PathLike, Table or sequence of regions, default=None
            Known objects, as `skesom.io.read_catalog` takes them, to draw in a symbol
            and color for each type.
        legend : bool, default=True
            Whether there is a legend, or a color bar for more clusters than fit in one.
        %(image)s

        %(plotted)s

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.displays import ClusterMapDisplay
        >>> display = ClusterMapDisplay(np.array([[0, 0, 1, -3]])).plot(legend=False)
        >>> display.legend_ is None
        True
        """
        clusters = as_clusters(self, max_pixels)
        filled = contours is False
        if bands is not None and filled and not image:
            warn_user("bands are those of a picture: give image=True or contours=True.")
        if smoothing != _SMOOTHING and filled:
            warn_user("smoothing is that of outlines: give contours=True.")
        self._draw_images(ax, clusters, filled, image, bands, (scale_bar, compass))

        # What is drawn on the map, and named in the legend.
        numbers = None
        if contours not in (True, False):
            numbers = contours
        numbers = numbers_of("cluster", numbers, clusters.names)
        shares = clusters.percentages()
        title = "cluster"
        if clusters.ground == COMPARED:
            numbers = [number for number in numbers if shares[number]]
            title = "other cluster\nin the second"
        self.contours_ = {}
        if not filled:
            self.contours_ = _draw_contours(self.ax_, clusters, numbers, smoothing)
        self.objects_ = {}
        if objects is not None:
            self.objects_ = _draw_objects(self.ax_, clusters, objects)
        self.legend_ = None
        self.color_bar_ = None
        if legend:
            others = []
            if filled:
                others += ground_entries(clusters)
            others += self.objects_.values()
            self.legend_, self.color_bar_ = add_legend(
                self.ax_, clusters, numbers, shares, others, title
            )
            if self.contours_ and self.legend_ is not None:
                _outline_entries(self.legend_, clusters.colors[numbers])
        update_layout(self.ax_)
        return self

    def _draw_images(self, ax, clusters, filled, image, bands, marks):
        """Draw the map or the picture below outlines, and the picture beside it."""
        shape = clusters.shape
        step = clusters.step
        place = clusters.place
        wcs, _ = place
        picture = self._picture
        if picture is None and (image or not filled):
            picture = thinned_rgb(self.cube, bands, step)
        self.picture_ = None
        if image:
            left, ax = side_by_side(ax, shape, wcs)
            self.picture_ = draw_image(left, shape, picture, step, place, marks)
            marks = (False, False)  # those of the picture are enough
        if filled:
            picture = _map_image(clusters)
        self.image_ = draw_image(ax, shape, picture, step, place, marks)
        self.ax_ = self.image_.axes
        self.figure_ = self.image_.figure
        if image:
            hide_vertical_labels(self.ax_, wcs)


def _map_image(clusters):
    """Return the colors of clusters and other pixels; the rest is transparent."""
    from matplotlib.colors import to_rgba_array

    labels = clusters.label_map
    image = np.zeros((*labels.shape, 4), dtype=np.uint8)
    colors = np.rint(255 * clusters.colors).astype(np.uint8)
    image[labels >= 0] = colors[labels[labels >= 0]]
    for label, (_, color) in enumerate(clusters.ground, start=1):
        if color is not None:
            image[labels == -label] = np.rint(255 * to_rgba_array(color)[0])
    return image


def _outline_entries(legend, colors):
    """Draw the entries of a legend on the dark and light ground of outlines."""
    for patch, color in zip(legend.get_patches(), colors, strict=False):
        patch.set(edgecolor=rim_of(color), linewidth=_RIM)


def _draw_contours(ax, clusters, numbers, smoothing):
    """Draw where half of the smoothed pixels belong to a cluster."""
    labels = clusters.label_map
    if min(labels.shape) < 2:
        return {}  # an image of one row or column has no outlines
    width = float(np.clip(_OUTLINE * size_in_points(ax).min(), *_WIDTHS))
    # Middles of the rows and columns, in pixels of the whole image.
    step = clusters.step
    y = np.arange(labels.shape[0]) * step + (step - 1) / 2
    x = np.arange(labels.shape[1]) * step + (step - 1) / 2
    boxes = find_objects(np.maximum(labels, -1) + 1, len(clusters.names))
    margin = int(np.ceil(_REACH * smoothing)) + 1
    contours = {}
    for number in numbers:
        if boxes[number] is None:  # no pixel is left of it in a thinned map
            continue
        # Smoothed in its own box: the whole map would be smoothed for each cluster.
        rows, columns = (
            slice(max(side.start - margin, 0), side.stop + margin)
            for side in boxes[number]
        )
        share = _smoothed(labels[rows, columns] == number, smoothing)
        color = clusters.colors[number]
        contour = draw_outline(ax, x[columns], y[rows], share, color, width, _RIM)
        if contour is not None:
            n_corners = sum(len(path.vertices) for path in contour.get_paths())
            contour.set_rasterized(n_corners > _MOST_CORNERS)
            contours[number] = contour
    return contours


def _smoothed(inside, smoothing):
    """Return smoothed pixels of a cluster, less where most of it would vanish."""
    while smoothing >= _LEAST_SMOOTHING:
        share = gaussian_filter(inside.astype(np.float32), smoothing)
        if np.mean(share[inside] > HALF) > _KEPT:
            return share
        smoothing /= 2
    return inside.astype(np.float32)


def _draw_objects(ax, clusters, catalog):
    """Draw the objects of a catalog in a map, a line of symbols for each type."""
    from matplotlib.patheffects import withStroke

    wcs, _ = clusters.place
    objects = objects_inside(catalog, clusters.shape, wcs)
    types, counts = np.unique(objects["type"], return_counts=True)
    descriptions = describe_types(types.tolist())
    # The most frequent type first.
    order = np.lexsort((types, -counts))
    update_layout(ax)
    side = np.sqrt(size_in_points(ax).prod())
    lines = {}
    for name, count in zip(types[order].tolist(), counts[order], strict=True):
        object_type = descriptions[name]
        color = object_type.color
        objects_of_type = objects[objects["type"] == name]
        (line,) = ax.plot(
            objects_of_type["x"],
            objects_of_type["y"],
            linestyle="",
            marker=_MARKERS[object_type.symbol],
            markersize=np.clip(_SYMBOL * side / np.sqrt(count), *_SYMBOLS),
            markeredgewidth=1.1,
            markerfacecolor="none",
            markeredgecolor=color,
            label=literal(f"{object_type.description}: {count}"),
            path_effects=[withStroke(linewidth=2.6, foreground=rim_of(color))],
            zorder=4,  # above the image, below scale bar and compass
        )
        lines[name] = line
    return lines

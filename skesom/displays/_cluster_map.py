# SPDX-License-Identifier: BSD-3-Clause
"""Maps of clusters on the sky, and of the pixels where two clusterings disagree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import find_objects, gaussian_filter
from sklearn.base import BaseEstimator

from skesom._common.warn import warn_user
from skesom._types import (
    WCS,
    Axes,
    Bands,
    Catalog,
    Comparison,
    Cube,
    CubeLike,
    Names,
)
from skesom.displays._clusters import (
    ClusterDisplay,
    add_legend,
    as_clusters,
    labeled_cube,
    missing_patch,
)
from skesom.displays._colors import NOISE_COLOR, SKY_COLOR
from skesom.displays._display import Display, numbers_of, size_in_points, update_layout
from skesom.displays._objects import draw_objects, rim_of
from skesom.displays._rgb import thinned_rgb
from skesom.displays._sky_image import (
    MAX_PIXELS,
    draw_image,
    hide_vertical_labels,
    pick,
    side_by_side,
    thinning,
)
from skesom.maps import compare_clusterings
from skesom.maps._comparison import NEITHER, ONLY_FIRST, ONLY_SECOND, OTHER, SAME

KIND_COLORS = {SAME: "#ffffff", ONLY_FIRST: "#000000", ONLY_SECOND: "#8a8a8a"}
_NOISE, _SMOOTHING = -1, 1.5
_HALF = 0.5
_REACH = 4.0  # standard deviations of a Gaussian
_KEPT = 0.1  # share of a cluster inside its outline, at least
_LEAST_SMOOTHING = 0.3  # pixels
_OUTLINE, _WIDTHS, _RIM = 0.004, (0.5, 1.3), 0.6  # by the axes, and points
_MOST_CORNERS = 5_000  # of the outlines of a cluster as lines in a PDF


class ClusterMapDisplay(ClusterDisplay):
    """Cluster map: each pixel of the image in the color of its cluster.

    Sky is dark, and pixels without data are hatched.

    Parameters
    ----------
    label_map : ndarray of shape (n_rows, n_columns), dtype int
        Clusters from 0, -1 = noise, -2 = sky, -3 = no data.
    %(cube)s
    sky_mask : array-like of bool of shape (n_rows, n_columns), default=None
        Pixels of label -3 that are sky, for label maps that do not mark it as -2.
    %(style)s

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
    """

    def __init__(
        self,
        label_map: NDArray[np.integer[Any]],
        *,
        cube: Cube | None = None,
        wcs: WCS | None = None,
        sky_mask: ArrayLike | None = None,
        colors: ArrayLike | None = None,
        names: Names | None = None,
    ) -> None:
        self.label_map, self.sky_mask = label_map, sky_mask
        self.cube, self.wcs = cube, wcs
        self.colors, self.names = colors, names

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
        %(show_legend)s
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
        clusters = as_clusters(self, self.label_map, max_pixels=max_pixels)
        filled = contours is False
        if bands is not None and filled and not image:
            warn_user("bands are those of a picture: give image=True or contours=True.")
        if smoothing != _SMOOTHING and filled:
            warn_user("smoothing is that of outlines: give contours=True.")
        shape, step = clusters.shape, clusters.step
        picture, marks = self._picture, (scale_bar, compass)
        if picture is None and (image or not filled):
            picture = thinned_rgb(self.cube, bands, step)
        self.picture_ = None
        if image:
            left, ax = side_by_side(ax, shape, clusters.place[0])
            given = left, shape, picture, step, clusters.place
            self.picture_ = draw_image(*given, marks)
            marks = False, False
        drawn = _map_image(clusters) if filled else picture
        self.image_ = draw_image(ax, shape, drawn, step, clusters.place, marks)
        self.ax_, self.figure_ = self.image_.axes, self.image_.figure
        if image:
            hide_vertical_labels(self.ax_, clusters.place[0])
        wanted = None if contours in (True, False) else contours
        shown = numbers_of("cluster", wanted, clusters.names)
        self.contours_ = {}
        if not filled:
            self.contours_ = _draw_contours(self.ax_, clusters, shown, smoothing)
        self.objects_ = {}
        if objects is not None:
            self.objects_ = draw_objects(self.ax_, clusters, objects)
        self.legend_ = self.color_bar_ = None
        if legend:
            others = _other_entries(clusters) if filled else []
            others += self.objects_.values()
            self.legend_, self.color_bar_ = add_legend(
                self.ax_, clusters, shown, clusters.percentages(), others
            )
            if self.contours_ and self.legend_ is not None:
                _outline_entries(self.legend_, clusters.colors[shown])
        update_layout(self.ax_)
        return self


class DisagreementMapDisplay(Display):
    """Map of the pixels that two clusterings put into clusters that do not match.

    Pixels in clusters that match are white. The others have the color of the cluster
    of the second clustering, numbered after those of the first if it matches none.

    Parameters
    ----------
    comparison : Comparison
        Result of `skesom.maps.compare_clusterings` for label maps.
    %(cube)s
    %(style)s

    %(attributes)s
    image_ : matplotlib.image.AxesImage
        The map.
    %(legend)s

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.displays import DisagreementMapDisplay
    >>> first = np.array([[0, 0, 0], [1, 1, -3]])
    >>> second = np.array([[1, 1, 0], [0, 0, 0]])
    >>> display = DisagreementMapDisplay.from_predictions(first, second)
    >>> [text.get_text() for text in display.legend_.get_texts()]
    ['1: 20.0 %', 'same: 80.0 %', 'not in the first']
    """

    def __init__(
        self,
        comparison: Comparison,
        *,
        cube: Cube | None = None,
        wcs: WCS | None = None,
        colors: ArrayLike | None = None,
        names: Names | None = None,
    ) -> None:
        self.comparison = comparison
        self.cube, self.wcs = cube, wcs
        self.colors, self.names = colors, names

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: CubeLike,
        reference: ArrayLike,
        *,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Compare the clusters that an estimator finds in a cube with others.

        %(estimator)s
        reference : array-like of int of shape (n_rows, n_columns)
            The first clustering, whose numbers, colors and names are used. The second
            is that of the estimator.
        %(drawn)s

        Examples
        --------
        >>> from sklearn.cluster import KMeans
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.displays import DisagreementMapDisplay
        >>> from skesom.maps import CubeClusterer
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> first = CubeClusterer(KMeans(4, random_state=0)).fit(cube)
        >>> second = CubeClusterer(KMeans(3, random_state=0)).fit(cube)
        >>> display = DisagreementMapDisplay.from_estimator(second, cube, first.labels_)
        >>> display.image_.get_array().shape[:2]
        (40, 40)
        """
        label_map, cube = labeled_cube(estimator, X)
        return cls.from_predictions(reference, label_map, ax=ax, cube=cube, **options)

    @classmethod
    def from_predictions(  # type: ignore[override]
        cls,
        first: ArrayLike,
        second: ArrayLike,
        *,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Compare two label maps.

        Parameters
        ----------
        first, second : array-like of int of shape (n_rows, n_columns)
            Clusters from 0; negative labels are no clusters.
        %(drawn)s

        Examples
        --------
        >>> from skesom.displays import DisagreementMapDisplay
        >>> first, second = [[0, 0, 0, 1]], [[1, 1, 0, 0]]
        >>> display = DisagreementMapDisplay.from_predictions(first, second)
        >>> [text.get_text() for text in display.legend_.get_texts()]
        ['1: 25.0 %', 'same: 75.0 %']
        """
        comparison = compare_clusterings(first, second)
        return cls._drawn(ax, options, comparison=comparison)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        legend: bool = True,
        scale_bar: bool = True,
        compass: bool = True,
        max_pixels: int = MAX_PIXELS,
    ) -> Self:
        """Draw the map; pixels that are in no cluster of both are hatched.

        %(parameters)s
        %(show_legend)s
        %(image)s
        %(plotted)s

        Examples
        --------
        >>> from skesom.displays import DisagreementMapDisplay
        >>> from skesom.maps import compare_clusterings
        >>> comparison = compare_clusterings([[0, 0, 0, 1]], [[1, 1, 0, 0]])
        >>> DisagreementMapDisplay(comparison).plot(legend=False).legend_ is None
        True
        """
        matched, kinds = self.comparison.matched, self.comparison.disagreement
        n_clusters = max(matched.max(), len(self.comparison.contingency) - 1) + 1
        others = np.where(kinds == OTHER, matched, -1)
        clusters = as_clusters(self, others, int(n_clusters))
        step = thinning(kinds.shape, max_pixels)
        drawn = pick(kinds, step)
        plain = [(drawn == kind, color) for kind, color in KIND_COLORS.items()]
        image = _image_of(pick(others, step), clusters.colors, plain)
        marks = scale_bar, compass
        self.image_ = draw_image(ax, kinds.shape, image, step, clusters.place, marks)
        self.ax_, self.figure_ = self.image_.axes, self.image_.figure
        self.legend_ = self.color_bar_ = None
        if legend:
            self.legend_, self.color_bar_ = _add_comparison(self.ax_, clusters, kinds)
        update_layout(self.ax_)
        return self


def _image_of(labels, colors, others):
    """Return the colors of clusters, and of other masks; the rest is transparent."""
    from matplotlib.colors import to_rgba_array

    image = np.zeros((*labels.shape, 4), dtype=np.uint8)
    image[labels >= 0] = np.rint(255 * colors).astype(np.uint8)[labels[labels >= 0]]
    for mask, color in others:
        image[mask] = np.rint(255 * to_rgba_array(color)[0])
    return image


def _map_image(clusters):
    """Return the colors of clusters, noise and sky."""
    labels = clusters.label_map
    others = [(labels == _NOISE, NOISE_COLOR), (clusters.is_sky, SKY_COLOR)]
    return _image_of(labels, clusters.colors, others)


def _entries(others):
    """Return entries of the legend for what there is of all."""
    from matplotlib.patches import Patch

    return [
        missing_patch(name) if color is None else Patch(facecolor=color, label=name)
        for n_pixels, color, name in others
        if n_pixels
    ]


def _other_entries(clusters):
    """Return entries of the legend for pixels in no cluster."""
    noise, sky, missing = clusters.others.values()
    others = (noise, NOISE_COLOR, "noise"), (sky, SKY_COLOR, "sky, set aside")
    return _entries([*others, (missing, None, "no data")])


def _outline_entries(legend, colors):
    """Draw the entries of a legend on the dark and light ground of outlines."""
    for patch, color in zip(legend.get_patches(), colors, strict=False):
        patch.set(edgecolor=rim_of(color), linewidth=_RIM)


def _draw_contours(ax, clusters, shown, smoothing):
    """Draw where half of the smoothed pixels belong to a cluster."""
    from matplotlib.patheffects import withStroke

    labels, step = clusters.label_map, clusters.step
    width = float(np.clip(_OUTLINE * size_in_points(ax).min(), *_WIDTHS))
    rows, columns = (np.arange(n) * step + (step - 1) / 2 for n in labels.shape)
    boxes = find_objects(np.maximum(labels, -1) + 1, len(clusters.names))
    contours = {}
    for number in shown:
        if boxes[number] is None or min(labels.shape) < 2:
            continue  # an image of one row or column has no outlines
        margin = int(np.ceil(_REACH * smoothing)) + 1
        box = tuple(
            slice(max(side.start - margin, 0), side.stop + margin)
            for side in boxes[number]
        )
        share = _smoothed(labels[box] == number, smoothing)
        if min(share.shape) < 2 or not share.min() < _HALF < share.max():
            continue
        color = clusters.colors[number]
        style = {"levels": [_HALF], "colors": [color], "linewidths": width}
        place = columns[box[1]], rows[box[0]]
        contours[number] = ax.contour(*place, share, **style)
        # A rim, because the picture may have the color of the line.
        rim = withStroke(linewidth=width + _RIM, foreground=rim_of(color))
        contours[number].set_path_effects([rim])
        n_corners = sum(len(path.vertices) for path in contours[number].get_paths())
        contours[number].set_rasterized(n_corners > _MOST_CORNERS)
    return contours


def _smoothed(inside, smoothing):
    """Return smoothed pixels of a cluster, less where most of it would vanish."""
    while smoothing >= _LEAST_SMOOTHING:
        share = gaussian_filter(inside.astype(np.float32), smoothing)
        if np.mean(share[inside] > _HALF) > _KEPT:
            return share
        smoothing /= 2
    return inside.astype(np.float32)


def _add_comparison(ax, clusters, kinds):
    """Add a legend of what two clusterings have in common."""
    from matplotlib.patches import Patch

    n_same, n_other = (np.count_nonzero(kinds == kind) for kind in (SAME, OTHER))
    shares = 100 * clusters.pixels / (n_same + n_other)
    same = f"same: {100 * n_same / (n_same + n_other):.1f} %"
    rim = {"edgecolor": "0.6", "linewidth": 0.5}
    others = [(kinds == ONLY_FIRST, KIND_COLORS[ONLY_FIRST], "not in the second")]
    others += [(kinds == ONLY_SECOND, KIND_COLORS[ONLY_SECOND], "not in the first")]
    others += [(kinds == NEITHER, None, "in neither")]
    others = [(mask.any(), *entry) for mask, *entry in others]
    entries = [Patch(facecolor=KIND_COLORS[SAME], label=same, **rim), *_entries(others)]
    title = "other cluster\nin the second"
    return add_legend(ax, clusters, np.flatnonzero(shares), shares, entries, title)

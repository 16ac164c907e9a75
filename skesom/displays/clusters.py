# SPDX-License-Identifier: BSD-3-Clause
"""Base of displays of clusters: their checked input, colors and names."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skesom._common.labels import SKY, check_label_map
from skesom._common.masked import filled
from skesom._common.pipelines import pipeline_end
from skesom._common.strips import strips_of
from skesom._types import Axes, CubeLike, Names
from skesom.cube import Cube
from skesom.cube.base import check_cube, is_cube_list
from skesom.cube.convert import as_cube
from skesom.displays.colors import NOISE_COLOR, SKY_COLOR, cluster_palette
from skesom.displays.display import Display, check_matplotlib
from skesom.displays.thinning import middle_pixels, thinning_step
from skesom.maps import compare_clusterings
from skesom.maps.comparison import NEITHER, ONLY_FIRST, ONLY_SECOND, SAME

_NOISE = -1
# Of the labels -1, -2, ... of a label map, and of one that is compared with another.
GROUND = [
    ("noise", NOISE_COLOR),
    ("sky, set aside", SKY_COLOR),
    ("no data", None),
]
COMPARED = [
    ("same", "#ffffff"),
    ("not in the second", "#000000"),
    ("not in the first", "#8a8a8a"),
    ("in neither", None),
]


@dataclass(eq=False, repr=False)
class ClusterDisplay(Display):
    """Base of displays of one label map."""

    label_map: ArrayLike
    _: KW_ONLY
    colors: ArrayLike | None = None
    names: Names | None = None

    _clusters = None  # checked already, by `thinned`
    _picture = None

    def thinned(
        self,
        max_pixels: int,
        picture: NDArray[Any] | None = None,
        cube: Cube | None = None,
    ) -> Self:
        """Return a display without large arrays, which another process can draw.

        Parameters
        ----------
        max_pixels : int
            Of a larger map every second, third, ... row and column is kept.
        picture : ndarray of shape (n_rows, n_columns, 3), default=None
            Color picture of the pixels that are kept, to draw below contours.
        cube : Cube, default=None
            Images of the pixels that are kept, for spectra and diagrams.

        Returns
        -------
        display : object
            Not drawn yet.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.displays import ClusterMapDisplay
        >>> display = ClusterMapDisplay(np.zeros((200, 300), dtype=int))
        >>> display.thinned(max_pixels=10_000).plot().image_.get_array().shape[:2]
        (67, 100)
        """
        small = copy(self)
        small._clusters = as_clusters(self, max_pixels)
        small._picture = picture
        small.cube = cube
        # The large arrays, of which `_clusters` holds what is drawn.
        small.label_map = None
        small.sky_mask = None
        small.reference = None
        return small

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: CubeLike,
        *,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw the clusters that an estimator finds in a cube.

        Spectra are of X, or, if X is on other pixels than the clusters, of the input of
        the last step of the Pipeline.

        %(estimator)s
        %(drawn)s

        Examples
        --------
        >>> from sklearn.cluster import KMeans
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.displays import ClusterHistogramDisplay
        >>> from skesom.maps import CubeClusterer
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> clusterer = CubeClusterer(KMeans(4, random_state=0)).fit(cube)
        >>> display = ClusterHistogramDisplay.from_estimator(clusterer, cube)
        >>> len(display.bars_)
        4
        """
        label_map, cube = labeled_cube(estimator, X)
        return cls._drawn(ax, options, {"label_map": label_map, "cube": cube})

    @classmethod
    def from_predictions(  # type: ignore[override]
        cls,
        label_map: ArrayLike,
        cube: CubeLike | None = None,
        *,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw clusters that are known already.

        Parameters
        ----------
        label_map : array-like of int of shape (n_rows, n_columns)
            Clusters from 0, -1 = noise, -2 = sky, -3 = no data.
        cube : Cube or array-like of shape (n_rows, n_columns, n_bands), default=None
            The images: needed for spectra and contours, optional for the WCS of a map,
            not used for a histogram.
        %(drawn)s

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.displays import ClusterMapDisplay
        >>> label_map = np.array([[0, 0, 1, -3]])
        >>> names = ["disc", "nucleus"]
        >>> display = ClusterMapDisplay.from_predictions(label_map, names=names)
        >>> [text.get_text() for text in display.legend_.get_texts()]
        ['disc: 66.7 %', 'nucleus: 33.3 %', 'no data']
        """
        fields = {"label_map": label_map}
        if cube is not None:
            fields["cube"] = cube
        return cls._drawn(ax, options, fields)


class Clusters(NamedTuple):
    """A label map, thinned if it is large, with all that is needed to draw it."""

    label_map: np.ndarray
    shape: tuple  # of the whole map
    step: int  # how many of its rows and columns became one
    place: tuple  # WCS and pixel scale, or None
    colors: np.ndarray
    names: list
    pixels: np.ndarray  # of each cluster in the whole map
    others: list  # the same of each of the negative labels, from -1 down
    ground: list  # name and color of each of these labels; no color is a hatch

    def percentages(self):
        """Return the percentage of the pixels in clusters that each cluster has."""
        n_same = self.others[0] if self.ground == COMPARED else 0
        return 100 * self.pixels / max(self.pixels.sum() + n_same, 1)


def as_clusters(display, max_pixels=None):
    """Check the parameters of a display of clusters, and complete them."""
    check_matplotlib()
    if display._clusters is not None:
        return display._clusters
    # Not every display of clusters has all of these.
    cube = getattr(display, "cube", None)
    wcs = getattr(display, "wcs", None)
    sky_mask = getattr(display, "sky_mask", None)
    reference = getattr(display, "reference", None)
    label_map = check_label_map(display.label_map)
    if label_map.size == 0:
        raise ValueError(f"label_map has no pixels, its shape is {label_map.shape}.")
    shapes = {}
    if sky_mask is not None:
        shapes["sky_mask"] = np.shape(sky_mask)
    if cube is not None:
        shapes["the cube"] = np.shape(cube)[:2]
    for name, shape in shapes.items():
        if shape != label_map.shape:
            raise ValueError(
                f"{name} must have the shape of label_map, {label_map.shape}, got "
                f"{shape}."
            )
    if sky_mask is not None:
        sky_mask = np.asarray(filled(sky_mask, False), dtype=bool)
        label_map = np.where(sky_mask & (label_map < _NOISE), SKY, label_map)
    if reference is None:
        n_clusters = int(label_map.max()) + 1
        ground = GROUND
    else:
        label_map, n_clusters = _label_differences(reference, label_map)
        ground = COMPARED
    n_clusters = max(n_clusters, 0)
    if wcs is not None:
        celestial_wcs = wcs if wcs.naxis == 2 else wcs.celestial
        place = (celestial_wcs, None)
    elif isinstance(cube, Cube):
        place = (cube.wcs, cube.pixel_scale)
    else:
        place = (None, None)
    step = 1 if max_pixels is None else thinning_step(label_map.shape, max_pixels)
    n_pixels, n_pixels_of_ground = _counts(label_map, n_clusters, len(ground))
    return Clusters(
        label_map=middle_pixels(label_map, step),
        shape=label_map.shape,
        step=step,
        place=place,
        colors=as_colors(display.colors, n_clusters),
        names=as_names(display.names, n_clusters),
        pixels=n_pixels,
        others=n_pixels_of_ground,
        ground=ground,
    )


def _label_differences(reference, label_map):
    """Return clusters of differing pixels, labels of `COMPARED`, and the number of all.

    Clusters that match have the numbers of the reference.
    """
    comparison = compare_clusterings(reference, label_map)
    kinds = comparison.disagreement
    labels = comparison.matched.copy()
    n_clusters = max(labels.max() + 1, len(comparison.contingency))
    for label, kind in enumerate((SAME, ONLY_FIRST, ONLY_SECOND, NEITHER), start=1):
        labels[kinds == kind] = -label
    return labels, int(n_clusters)


def _counts(label_map, n_clusters, n_others):
    """Return how many pixels each cluster has, and each of the negative labels."""
    counts = np.zeros(n_others + n_clusters, dtype=np.int64)
    for rows in strips_of(label_map.shape, "block"):  # large maps, little memory
        labels = label_map[rows].ravel() + n_others
        counts += np.bincount(labels, minlength=len(counts))
    return counts[n_others:], counts[:n_others][::-1].tolist()


def labeled_cube(estimator, X):
    """Return the label map that an estimator of cubes finds, and its cube."""
    check_is_fitted(estimator)
    step, step_input = pipeline_end(estimator, X)
    cube = check_cube(step_input)
    if hasattr(step, "predict"):
        label_map = np.asarray(step.predict(step_input))
    else:
        label_map = np.asarray(step.labels_)
    if label_map.shape[:2] != cube.shape[:2]:
        raise ValueError(
            f"{type(step).__name__} cannot label other pixels than those it was fitted "
            f"on, an image of {label_map.shape[:2]}. Got one of {cube.shape[:2]}."
        )
    # Spectra are of the input of the Pipeline where it has the pixels of the labels.
    if not is_cube_list(X):
        first = as_cube(X)
        if first.shape[:2] == cube.shape[:2]:
            return label_map, first
    return label_map, cube


def as_colors(colors, n_clusters):
    """Return a color for each cluster: the given ones, or those of the palette."""
    if colors is None:
        return cluster_palette(n_clusters)
    from matplotlib.colors import to_rgba_array

    colors = to_rgba_array(colors) if len(colors) else np.empty((0, 4))
    if len(colors) < n_clusters:
        raise ValueError(f"There are {n_clusters} clusters but {len(colors)} colors.")
    return colors[:n_clusters]


def as_names(names, n_clusters):
    """Return a name for each cluster: the given ones, or numbers."""
    if names is None:
        names = {}
    if not isinstance(names, Mapping):
        names = dict(enumerate(names))
        if len(names) < n_clusters:
            raise ValueError(
                f"There are {n_clusters} clusters but {len(names)} names: give one for "
                "each, or a dict from numbers to names."
            )
    else:
        check_named(names, range(n_clusters), f"the {n_clusters} clusters from 0")
    return [str(names.get(number, number)) for number in range(n_clusters)]


def check_named(names, numbers, described):
    """Refuse names of numbers that do not exist.

    Parameters
    ----------
    names : Mapping
    numbers : container of int
        Those that may have a name.
    described : str
        What these numbers are, for the message.
    """
    unknown = [number for number in names if number not in numbers]
    if unknown:
        raise ValueError(
            f"'names' names {', '.join(map(repr, unknown))}, and there are only "
            f"{described}: give a dict from their numbers, as int, to names."
        )

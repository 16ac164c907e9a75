# SPDX-License-Identifier: BSD-3-Clause
"""A number for each pixel on the sky: quantization errors, stability, confidence."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

import numpy as np

from skesom._common.pipelines import map_inside, pipeline_end
from skesom.cube import check_cube
from skesom.displays._display import (
    Display,
    add_color_bar,
    check_matplotlib,
    update_layout,
)
from skesom.displays._sky_image import MAX_PIXELS, draw_image, mean, thinning
from skesom.displays._unit_layout import fitted_map
from skesom.maps import stability
from skesom.pixels import unflatten, valid_pixels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Self

    from astropy.wcs import WCS
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from numpy.typing import ArrayLike
    from sklearn.base import BaseEstimator

    from skesom._common.types import CubeLike


class _ValueMapDisplay(Display):
    """Values of pixels from 0, as colors; pixels without a value are hatched."""

    _shape = None  # of the whole image, if values are thinned

    def __init__(
        self,
        values: ArrayLike,
        *,
        wcs: WCS | None = None,
        pixel_scale: tuple[float, float] | None = None,
    ) -> None:
        self.values = values
        self.wcs, self.pixel_scale = wcs, pixel_scale

    def thinned(self, max_pixels: int) -> Self:
        """Return a display without a large array, which another process can draw.

        Parameters
        ----------
        max_pixels : int
            Larger maps are averaged in squares.

        Returns
        -------
        display : object
            Not drawn yet.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.displays import StabilityMapDisplay
        >>> display = StabilityMapDisplay(np.zeros((200, 300)))
        >>> display.thinned(max_pixels=10_000).plot().image_.get_array().shape[:2]
        (67, 100)
        """
        small = copy(self)
        small._shape = np.shape(self.values)
        small.values = mean(self.values, thinning(small._shape, max_pixels))
        return small

    def plot(
        self,
        ax: Axes | None = None,
        *,
        highest: float | None = None,
        cmap: str | Colormap | None = None,
        scale_bar: bool = True,
        compass: bool = True,
        max_pixels: int = MAX_PIXELS,
    ) -> Self:
        """Draw the values; pixels without a value are hatched.

        %(parameters)s
        highest : float, default=None
            Percentage of the pixels that the scale of colors covers. By default 99.5
            for quantization errors; the scale of a stability ends at 1.
        cmap : str or matplotlib.colors.Colormap, default=None
            By default "inferno" for quantization errors, "viridis" for stability.
        %(image)s
        %(plotted)s

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.displays import QuantizationErrorMapDisplay
        >>> display = QuantizationErrorMapDisplay(np.eye(3)).plot(cmap="magma")
        >>> display.image_.get_cmap().name
        'magma'
        """
        if highest is None:
            highest = self._highest
        elif not 0 < highest <= 100:
            raise ValueError(f"highest must be above 0, up to 100, got {highest!r}.")
        values = np.asarray(self.values, dtype=np.float64)
        if values.ndim != 2:
            raise ValueError(
                f"values must have the shape (n_rows, n_columns), got {values.shape}."
            )
        shape = self._shape or values.shape
        step = thinning(shape, max_pixels)
        drawn = mean(values, step) if values.shape == shape else values
        known = drawn[~np.isnan(drawn)]
        is_given = highest is not None and len(known)
        top = float(np.percentile(known, highest)) if is_given else 1.0
        image = np.ma.masked_invalid(drawn)
        place, marks = (self.wcs, self.pixel_scale), (scale_bar, compass)
        style = {"cmap": cmap or self._cmap, "vmin": 0, "vmax": top or 1.0}
        style["note"] = "means of {step} x {step} pixels"
        self.image_ = draw_image(ax, shape, image, step, place, marks, **style)
        self.ax_, self.figure_ = self.image_.axes, self.image_.figure
        style = {"extend": "max" if known.max(initial=0) > top else "neither"}
        self.color_bar_ = add_color_bar(self.ax_, self.image_, self._label, **style)
        update_layout(self.ax_)
        return self


class QuantizationErrorMapDisplay(_ValueMapDisplay):
    """Quantization error of each pixel: its distance to the nearest unit.

    High values are pixels that no unit represents: rare objects, artifacts, borders.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        Distance of each pixel to its nearest unit, NaN where it is masked.
    %(place)s

    %(attributes)s
    %(color_bar)s

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.displays import QuantizationErrorMapDisplay
    >>> display = QuantizationErrorMapDisplay.from_predictions(np.eye(3))
    >>> display.ax_.get_xlabel()
    'column [pixel]'
    """

    _label, _cmap, _highest = "distance to the nearest unit", "inferno", 99.5

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: CubeLike,
        *,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw how far the pixels of a cube are from the units, as the map sees them.

        %(estimator)s
        %(drawn)s

        Examples
        --------
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.displays import QuantizationErrorMapDisplay
        >>> from skesom.maps import CubeClusterer
        >>> from skesom.som import ESOM
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> clusterer = CubeClusterer(ESOM(4, random_state=0)).fit(cube)
        >>> display = QuantizationErrorMapDisplay.from_estimator(clusterer, cube)
        >>> display.values.shape
        (40, 40)
        """
        distances, cube = _distances(estimator, X, cls.__name__)
        place = {"wcs": cube.wcs, "pixel_scale": cube.pixel_scale}
        return cls._drawn(ax, options, values=distances, **place)


class StabilityMapDisplay(_ValueMapDisplay):
    """Share of the runs in which each pixel keeps its cluster.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        From 0 to 1, NaN where a pixel is in no cluster; see ``stability`` of the
        results of `skesom.maps.stability` and `skesom.maps.label_stability`.
    %(place)s

    %(attributes)s
    %(color_bar)s

    Examples
    --------
    >>> from skesom.displays import StabilityMapDisplay
    >>> from skesom.maps import label_stability
    >>> result = label_stability([[[1, 1, 1, 0]]], reference=[[0, 0, 1, 1]])
    >>> display = StabilityMapDisplay.from_predictions(result.stability)
    >>> display.image_.get_array().tolist()
    [[1.0, 1.0, 0.0, 1.0]]
    """

    _label, _cmap, _highest = "agreement of the runs", "viridis", None

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: CubeLike,
        *,
        seeds: int | Sequence[int] = 10,
        reference: ArrayLike | None = None,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Cluster a cube with other seeds, and draw how stable the pixels are.

        Parameters
        ----------
        estimator : clusterer or Pipeline
            Takes X in ``fit_predict``; it is cloned and need not be fitted.
        X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
            Input of the estimator. Its WCS is used if it has the pixels of the map.
        seeds : int or sequence of int, default=10
            The seeds, or their number: 0, 1, 2, ...
        reference : array-like of int of shape (n_rows, n_columns), default=None
            Label map to compare with, see `skesom.maps.stability`.
        %(drawn)s

        Examples
        --------
        >>> from sklearn.cluster import KMeans
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.displays import StabilityMapDisplay
        >>> from skesom.maps import CubeClusterer
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> clusterer = CubeClusterer(KMeans(4))
        >>> display = StabilityMapDisplay.from_estimator(clusterer, cube, seeds=3)
        >>> display.values.shape
        (40, 40)
        """
        check_matplotlib()  # before the runs, which take time
        shares = stability(estimator, X, seeds=seeds, reference=reference).stability
        place = {}
        if "wcs" not in options and np.shape(X)[:2] == shares.shape:
            place = {name: getattr(X, name, None) for name in ("wcs", "pixel_scale")}
        return cls._drawn(ax, options, values=shares, **place)


class ConfidenceMapDisplay(_ValueMapDisplay):
    """Probability of the class that each pixel was given.

    Low values are pixels between classes, and pixels unlike all that were learned.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        The largest of the probabilities of each pixel, NaN where it is masked.
    %(place)s

    %(attributes)s
    %(color_bar)s

    Examples
    --------
    >>> from skesom.displays import ConfidenceMapDisplay
    >>> display = ConfidenceMapDisplay.from_predictions([[0.5, 0.9], [1.0, 0.7]])
    >>> display.color_bar_.ax.get_ylabel()
    'probability of the class'
    """

    _label, _cmap, _highest = "probability of the class", "viridis", None

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: CubeLike,
        *,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw the probabilities that a classifier gives the pixels of a cube.

        %(estimator)s
        %(drawn)s

        Examples
        --------
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.displays import ConfidenceMapDisplay
        >>> from skesom.maps import CubeClassifier
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> classifier = CubeClassifier().fit(cube, truth)
        >>> display = ConfidenceMapDisplay.from_estimator(classifier, cube)
        >>> display.values.shape
        (40, 40)
        """
        step, given = pipeline_end(estimator, X)
        cube = check_cube(given)
        # The largest of NaN is NaN, without a warning.
        values = np.maximum.reduce(step.predict_proba(given), axis=2)
        place = {"wcs": cube.wcs, "pixel_scale": cube.pixel_scale}
        return cls._drawn(ax, options, values=values, **place)


def _distances(estimator, X, display):
    """Return how far each pixel of a cube is from its nearest unit, and the cube."""
    som = fitted_map(estimator, display)
    step, given = pipeline_end(estimator, X)
    if not hasattr(step, "table"):
        raise ValueError(
            f"{display} draws an image, but {type(step).__name__} takes a table: give "
            "a CubeClusterer, or a Pipeline that ends in one."
        )
    cube = check_cube(given)
    valid = valid_pixels(cube, pattern=step.pattern, min_bands=step.min_bands)
    if not valid.any():
        return np.full(valid.shape, np.nan), cube
    table, valid = step.table(cube)
    _, table = map_inside(step.estimator_, table)
    return unflatten(som.winners(table, return_distance=True)[1], valid), cube

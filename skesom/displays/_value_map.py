# SPDX-License-Identifier: BSD-3-Clause
"""A value of each pixel on the sky: distance to units, stability, confidence."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from skesom._common.estimator import as_fitted
from skesom._common.masked import filled
from skesom._common.pipelines import map_inside, pipeline_end
from skesom._types import WCS, Axes, Colormap, CubeLike
from skesom.cube.base import check_cube
from skesom.displays.display import (
    Display,
    add_color_bar,
    check_matplotlib,
    update_layout,
)
from skesom.displays.sky_image import draw_image
from skesom.displays.thinning import MAX_PIXELS, mean_pixels, thinning_step
from skesom.displays.unit_layout import fitted_map
from skesom.maps.stability_of_maps import N_SEEDS, stability
from skesom.pixels import unflatten
from skesom.pixels.flattening import valid_pixels

Kind: TypeAlias = Literal["distance", "stability", "confidence"]


# Label, colors, and the percentage of the pixels that they cover (None: up to 1).
_KINDS = {
    "distance": ("distance to the nearest unit", "inferno", 99.5),
    "stability": ("agreement of the runs", "viridis", None),
    "confidence": ("probability of the class", "viridis", None),
}


@dataclass(eq=False, repr=False)
class ValueMapDisplay(Display):
    """A value of each pixel on the sky: distance to units, stability, confidence.

    Far from all units are rare objects, artifacts, borders. Low stability or confidence
    is that of pixels between clusters or classes.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        Values from 0, NaN where a pixel has none.
    kind : {"distance", "stability", "confidence"}, default="distance"
        What they are, for colors and labels: the distance of a pixel to its nearest
        unit (its quantization error); the share of the runs in which it keeps its
        cluster, as `skesom.maps.stability` returns; the probability of its class.
    wcs : astropy.wcs.WCS, default=None
        Celestial coordinates for the axes; pixels without.
    pixel_scale : tuple of float (height, width), default=None
        Arcsec per pixel, of the WCS by default.

    %(attributes)s
    %(color_bar)s

    Examples
    --------
    >>> from skesom.displays import ValueMapDisplay
    >>> display = ValueMapDisplay.from_predictions([[0.5, 0.9]], kind="confidence")
    >>> display.color_bar_.ax.get_ylabel()
    'probability of the class'
    """

    values: ArrayLike
    _: KW_ONLY
    kind: Kind = "distance"
    wcs: WCS | None = None
    pixel_scale: tuple[float, float] | None = None

    _shape = None  # of the whole image, if values are thinned

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: CubeLike,
        *,
        kind: Kind = "distance",
        seeds: int | Sequence[int] = N_SEEDS,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw the values of the pixels of a cube.

        %(estimator)s
        kind : {"distance", "stability", "confidence"}, default="distance"
            For distances the estimator has a map of units; for confidence it is a
            classifier; for stability it clusters X again, and need not be fitted.
        seeds : int or sequence of int, default=10
            For stability, the seeds of its runs or their number, as
            `skesom.maps.stability` takes them.
        %(drawn)s

        Examples
        --------
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.displays import ValueMapDisplay
        >>> from skesom.maps import CubeClusterer
        >>> from skesom.som import ESOM
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> clusterer = CubeClusterer(ESOM(4, random_state=0)).fit(cube)
        >>> display = ValueMapDisplay.from_estimator(clusterer, cube)
        >>> display.values.shape
        (40, 40)
        """
        check_matplotlib()  # before runs, which take time
        _check_kind(kind)
        if kind != "stability" and seeds is not N_SEEDS:
            raise ValueError(f"seeds are those of runs, for stability: got {kind=}.")
        if kind == "stability":
            values = stability(estimator, X, seeds=seeds).stability
            cube = X if np.shape(X)[:2] == values.shape else None
        elif kind == "confidence":
            step, step_input = pipeline_end(estimator, X)
            cube = check_cube(step_input)
            # The largest of NaN is NaN, without a warning.
            values = np.maximum.reduce(step.predict_proba(step_input), axis=2)
        else:
            values, cube = _distances(estimator, X, cls.__name__)
        fields = {
            "values": values,
            "kind": kind,
            "wcs": getattr(cube, "wcs", None),
            "pixel_scale": getattr(cube, "pixel_scale", None),
        }
        return cls._drawn(ax, options, fields)

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
        >>> from skesom.displays import ValueMapDisplay
        >>> display = ValueMapDisplay(np.zeros((200, 300)))
        >>> display.thinned(max_pixels=10_000).plot().image_.get_array().shape[:2]
        (67, 100)
        """
        small = copy(self)
        small._shape = np.shape(self.values)
        small.values = mean_pixels(self.values, thinning_step(small._shape, max_pixels))
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
            for distances; other scales end at 1.
        cmap : str or matplotlib.colors.Colormap, default=None
            By default "inferno" for distances, else "viridis".
        %(image)s

        %(plotted)s

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.displays import ValueMapDisplay
        >>> display = ValueMapDisplay(np.eye(3)).plot(cmap="magma")
        >>> display.image_.get_cmap().name
        'magma'
        """
        label, colors, usual = _check_kind(self.kind)
        if highest is None:
            highest = usual
        elif not 0 < highest <= 100:
            raise ValueError(f"highest must be above 0, up to 100, got {highest!r}.")
        values = np.asarray(filled(self.values), dtype=np.float64)
        if values.ndim != 2:
            raise ValueError(
                f"values must have the shape (n_rows, n_columns), got {values.shape}."
            )
        shape = self._shape or values.shape
        step = thinning_step(shape, max_pixels)
        drawn = mean_pixels(values, step) if values.shape == shape else values
        numbers = drawn[~np.isnan(drawn)]
        if highest is not None and len(numbers) > 0:
            top = float(np.percentile(numbers, highest))
        else:
            # Shares and probabilities are compared between maps: their scale is fixed.
            top = 1.0
        self.image_ = draw_image(
            ax,
            shape=shape,
            image=np.ma.masked_invalid(drawn),
            step=step,
            place=(self.wcs, self.pixel_scale),
            marks=(scale_bar, compass),
            note="means of {step} x {step} pixels",
        )
        self.image_.set(cmap=cmap or colors, clim=(0, top or 1.0))
        self.ax_ = self.image_.axes
        self.figure_ = self.image_.figure
        extend = "max" if numbers.max(initial=0) > top else "neither"
        self.color_bar_ = add_color_bar(self.ax_, self.image_, label, extend=extend)
        update_layout(self.ax_)
        return self


def _check_kind(kind):
    """Return how values of a kind are drawn."""
    if kind not in _KINDS:
        raise ValueError(f"kind must be one of {', '.join(_KINDS)}, got {kind!r}.")
    return _KINDS[kind]


def _distances(estimator, X, display):
    """Return how far each pixel of a cube is from its nearest unit, and the cube."""
    som = fitted_map(estimator, display)
    step, step_input = pipeline_end(estimator, X)
    if not hasattr(step, "table"):
        raise ValueError(
            f"{display} draws an image, but {type(step).__name__} takes a table: give "
            "a CubeClusterer, or a Pipeline that ends in one."
        )
    cube = check_cube(step_input)
    step = as_fitted(step)
    valid = valid_pixels(cube, pattern=step.pattern, min_bands=step.min_bands)
    if not valid.any():
        return np.full(valid.shape, np.nan), cube
    table, valid = step.table(cube)
    _, table = map_inside(step.estimator_, table)
    return unflatten(som.winners(table, return_distance=True)[1], valid), cube

# SPDX-License-Identifier: BSD-3-Clause
"""Colors, magnitudes and lines of the pixels, with a contour for each cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal, Self

import numpy as np
from scipy.ndimage import gaussian_filter

from skesom._common.lazy import computed, is_lazy
from skesom._sky.narrow_bands import HYDROGEN, HYDROGEN_BETA, OXYGEN, SULFUR
from skesom._types import Axes, CubeLike
from skesom.cube import Cube
from skesom.cube.flux.photometry import Photometry
from skesom.cube.masking.sky_level import above_sky, sky_level
from skesom.displays.clusters import ClusterDisplay, as_clusters
from skesom.displays.display import literal, numbers_of
from skesom.displays.legends import add_legend
from skesom.displays.thinning import MAX_PIXELS, middle_pixels, thinning_step

_BINS = 120  # along each axis: a few dots of the picture each
_INSIDE = 0.5  # share of the pixels of a cluster within its contour
_RANGE = (0.5, 99.5)  # per cent of the pixels that the axes show
_SMOOTHING = 2.0  # bins, of clusters of many pixels
_WIDEST = 7.0  # bins, of clusters of few
_MANY = 3000  # pixels of a cluster
_FEWEST = 30  # pixels for a contour
_MOST_BANDS = 50  # more are channels of a spectrum, which have no colors
_SHOCKS = -0.4  # log10 of [S II] / H alpha of remnants: 0.4, Mathewson & Clarke (1973)


class NoPixelError(ValueError):
    """No pixel is bright enough for a diagram."""


@dataclass(eq=False, repr=False)
class ColorDiagramDisplay(ClusterDisplay):
    """Colors, magnitudes or lines of all pixels, with a contour for each cluster.

    %(label_map)s
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands)
        The images.
    %(style)s
    x, y : str
        What the axes are, by the names of bands: ``"F814W"`` is a magnitude,
        ``"F438W - F814W"`` a color, ``"excess F657N"`` by how many magnitudes a line is
        brighter than its continuum, and ``"F673N / F657N"`` the logarithm of the ratio
        of two lines without continuum.
    continua : dict of str to sequence of str, or "none", default=None
        The one or two continuum bands of narrow bands, ``{"F657N": ["F555W",
        "F814W"]}``; by default the nearest broad bands on both sides of narrow filters
        that are known.
    subtract_sky : bool, default=True
        Whether fluxes count from the level of the sky, as in
        `skesom.pixels.cluster_table`.

    %(attributes)s
    density_ : matplotlib.image.AxesImage
        Number of pixels, on a logarithmic scale.
    contours_ : dict of int to matplotlib.contour.QuadContourSet
        The contour that holds half of the pixels of each cluster of at least 30.
    left_out_ : float
        Share of the pixels in clusters that are left out: a flux is not positive; or,
        for a ratio, a line is less than 3 times its noise, or both exceed the continuum
        by less than 0.3 mag, by which stars deviate from the interpolation.
    %(legend)s

    See Also
    --------
    skesom.cube.FluxUnitConverter : Calibrates bands.

    Notes
    -----
    Magnitudes are AB where units or zero points are known (per square arcsec if the
    pixel scale is known), else instrumental; the axes say which. Between two bands of
    continuum, the flux per wavelength is interpolated as a power law. If one of them is
    not calibrated, the continuum is scaled so that the median pixel has no excess. A
    dashed line marks the ratio 0.4 of [S II] and H alpha, above which shocks ionize
    gas [1]_; filters that hold [N II] too move pixels to the left of it.

    References
    ----------
    .. [1] Mathewson & Clarke (1973), ApJ 180, 725.

    Examples
    --------
    >>> from skesom.datasets import make_galaxy_cube
    >>> from skesom.displays import ColorDiagramDisplay
    >>> cube, truth = make_galaxy_cube((64, 64), random_state=0)
    >>> axes = {"x": "F438W - F814W", "y": "excess F657N"}
    >>> display = ColorDiagramDisplay.from_predictions(truth, cube, **axes)
    >>> display.ax_.get_xlabel(), display.ax_.get_ylabel()
    ('F438W - F814W [AB mag]', 'excess of F657N (H alpha + [N II]) [mag]')
    """

    cube: CubeLike
    _: KW_ONLY
    x: str
    y: str
    continua: Mapping[str, Sequence[str]] | Literal["none"] | None = None
    subtract_sky: bool = True

    def plot(
        self,
        ax: Axes | None = None,
        *,
        clusters: Sequence[int] | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> Self:
        """Draw the density of the pixels, and a contour for each cluster.

        %(parameters)s
        clusters : sequence of int, default=None
            Which ones have a contour; all by default.
        max_pixels : int, default=4000000
            Of larger images every second, third, ... row and column is used.

        %(plotted)s

        Examples
        --------
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.displays import ColorDiagramDisplay
        >>> cube, truth = make_galaxy_cube((64, 64), random_state=0)
        >>> display = ColorDiagramDisplay(truth, cube, x="F438W - F814W", y="F814W")
        >>> list(display.plot(clusters=[1]).contours_)
        [1]
        """
        all_clusters = as_clusters(self)
        numbers = numbers_of("cluster", clusters, all_clusters.names)
        labels, photometry = self._photometry(all_clusters.label_map, max_pixels)
        x_image, x_label = _measure(photometry, self.x)
        y_image, y_label = _measure(photometry, self.y)
        is_clustered = labels >= 0
        labels = labels[is_clustered]
        values = np.array([x_image[is_clustered], y_image[is_clustered]])
        is_measured = np.isfinite(values).all(axis=0)
        self.left_out_ = 0.0
        if len(is_measured) > 0:
            self.left_out_ = float(1 - is_measured.mean())
        if not is_measured.any():
            raise NoPixelError(f"No pixel has both {self.x!r} and {self.y!r}.")
        ax = self._new_axes(ax, (7.4, 5.2))
        values = values[:, is_measured]
        labels = labels[is_measured]
        self._draw_pixels(ax, values, labels, all_clusters.colors, numbers)
        ax.set(xlabel=literal(x_label), ylabel=literal(y_label))
        # Magnitudes fall with brightness: bright pixels are above, or at the right.
        ax.xaxis.set_inverted(self.x in photometry.wavelengths)
        ax.yaxis.set_inverted(self.y in photometry.wavelengths)
        if _is_shock_ratio(photometry, self.x):
            ax.axvline(_SHOCKS, color="0.3", linestyle="--", linewidth=0.8)
        if self.left_out_ > 0:
            share = f"{100 * self.left_out_:.2g} % of the pixels left out"
            ax.set_title(f"{share}: flux too faint", loc="left", size="small")
        shares = all_clusters.percentages()
        legend, color_bar = add_legend(ax, all_clusters, numbers, shares)
        self.legend_ = legend
        self.color_bar_ = color_bar
        return self

    def _photometry(self, label_map, max_pixels):
        """Return the labels and the photometry of at most so many pixels."""
        cube = self.cube
        if not isinstance(cube, Cube):
            cube = Cube(cube)
        step = thinning_step(label_map.shape, max_pixels)
        data = middle_pixels(cube.data, step)
        if is_lazy(data):
            data = computed(data)[0]
        cube = cube.replace(
            data=data,
            wcs=None,
            errors=None,
            sky_mask=None,
            pixel_scale=cube.pixel_scale,
        )
        labels = middle_pixels(label_map, step)
        if self.subtract_sky:
            cube = above_sky(cube, sky_level(labels, cube))
        return labels, Photometry(cube, self.continua)

    def _draw_pixels(self, ax, values, labels, colors, numbers):
        """Draw the density of all pixels, and contours and medians of clusters."""
        x, y = values
        x_limits = _limits(x)
        y_limits = _limits(y)
        limits = [x_limits, y_limits]
        counts, x_edges, y_edges = np.histogram2d(x, y, _BINS, limits)
        with np.errstate(divide="ignore"):
            density = np.log10(counts.T)
        self.density_ = ax.imshow(density, "Greys", origin="lower", aspect="auto")
        self.density_.set_extent(x_limits + y_limits)
        # Above the highest, so that no bin is black and hides a contour.
        self.density_.set_clim(None, 1.6 * density.max())
        self.contours_ = {}
        x_centers = (x_edges[1:] + x_edges[:-1]) / 2
        y_centers = (y_edges[1:] + y_edges[:-1]) / 2
        for number in numbers:
            x, y = values[:, labels == number]
            if len(x) == 0:
                continue
            color = colors[number]
            level = None
            if len(x) >= _FEWEST:
                # As the width of kernels in Scott's rule for two dimensions.
                factor = (_MANY / len(x)) ** (1 / 6)
                width = float(np.clip(_SMOOTHING * factor, _SMOOTHING, _WIDEST))
                counts, _, _ = np.histogram2d(x, y, _BINS, limits)
                smooth = gaussian_filter(counts, width)
                level = _level_around(smooth)
            if level is not None:
                contour = ax.contour(
                    x_centers, y_centers, smooth.T, [level], colors=[color]
                )
                contour.set_linewidths(1.6)
                self.contours_[number] = contour
            ax.plot(
                np.median(x),
                np.median(y),
                "o",
                color=color,
                markersize=6,
                markeredgecolor="white",
            )
        ax.set(xlim=x_limits, ylim=y_limits)


def choose_diagrams(cube, continua=None):
    """Return x and y of the diagrams that the bands allow, by the names of their kinds.

    Colors are of broad bands far apart; lines of narrow bands that have a continuum.
    """
    photometry = Photometry(cube, continua)
    broad = photometry.broad_bands()
    # All diagrams have a color of two broad bands.
    if len(cube.band_names) > _MOST_BANDS or len(broad) < 2:
        return {}
    diagrams = {}
    optical = [name for name in broad if 300 <= photometry.wavelengths[name] <= 1000]
    color_bands = optical if len(optical) >= 2 else broad
    color = f"{color_bands[0]} - {color_bands[-1]}"
    diagrams["color_magnitude"] = (color, color_bands[-1])
    if len(broad) >= 3:
        middle = broad[len(broad) // 2]
        diagrams["color_color"] = (f"{middle} - {broad[-1]}", f"{broad[0]} - {middle}")

    # The first band of each line.
    band_of_line = {}
    for name in photometry.continua:
        band_of_line.setdefault(photometry.filters[name].line or name, name)
    if not band_of_line:
        return diagrams
    band = band_of_line.get(HYDROGEN) or next(iter(band_of_line.values()))
    excess = f"excess {band}"
    diagrams["line_excess"] = (color, excess)

    # A ratio of fluxes needs the widths of both filters.
    ratios = []
    for upper, lower in (
        (SULFUR, HYDROGEN),
        (OXYGEN, HYDROGEN_BETA),
        (OXYGEN, HYDROGEN),
    ):
        bands = [band_of_line.get(upper), band_of_line.get(lower)]
        if None in bands:
            continue
        if all(np.isfinite(photometry.filters[name].width) for name in bands):
            ratios.append(f"{bands[0]} / {bands[1]}")
    if len(ratios) > 1:
        diagrams["line_ratio"] = (ratios[0], ratios[1])
    elif ratios:
        diagrams["line_ratio"] = (ratios[0], excess)
    return diagrams


def _measure(photometry, axis):
    """Return the image of the measure of an axis, and the text of the axis."""
    names = photometry.wavelengths
    if axis in names:
        if not photometry.is_calibrated(axis):
            unit = "instrumental mag"
        elif photometry.cube.pixel_scale:
            unit = "AB mag / arcsec2"
        else:
            unit = "AB mag"
        return photometry.magnitude(axis), f"{axis} [{unit}]"
    first, operator, second = _split(axis)
    if operator == "excess" and second in photometry.continua:
        unit = "mag"
        if not photometry.is_line_calibrated(second):
            unit = "mag above the median pixel"
        band = second
        line = photometry.filters[second].line
        if line:
            band = f"{second} ({line})"
        return photometry.excess(second), f"excess of {band} [{unit}]"
    if operator == "-" and first in names and second in names:
        unit = "instrumental mag"
        if photometry.is_calibrated(first, second):
            unit = "AB mag"
        return photometry.color(first, second), f"{first} - {second} [{unit}]"
    if operator == "/" and {first, second} <= photometry.continua.keys():
        upper = _name_line(photometry, first)
        lower = _name_line(photometry, second)
        label = f"log {upper} / {lower}"
        is_calibrated = photometry.is_line_calibrated
        if not (is_calibrated(first) and is_calibrated(second)):
            label = f"{label}, arbitrary zero"
        return photometry.ratio(first, second), label
    lines = ", ".join(photometry.continua) or "none"
    raise ValueError(
        f"{axis!r} must be a band, 'A - B', 'excess LINE' or 'LINE / LINE'. Bands are "
        f"{', '.join(names)}; lines with a continuum: {lines}."
    )


def _name_line(photometry, band):
    """Return the lines in a band, as a part of a ratio."""
    line = photometry.filters[band].line or band
    if "+" in line:
        return f"({line})"
    return line


def _split(axis):
    """Return first band, operator and second band of an axis."""
    axis = str(axis)
    if axis.startswith("excess "):
        return "", "excess", axis.removeprefix("excess ").strip()
    for operator in ("-", "/"):
        first, separator, second = axis.partition(f" {operator} ")
        if separator:
            return first.strip(), operator, second.strip()
    return "", "", axis.strip()


def _is_shock_ratio(photometry, axis):
    """Tell whether an axis is [S II] / H alpha."""
    first, operator, second = _split(axis)
    if operator != "/":
        return False
    lines = [photometry.filters[name].line for name in (first, second)]
    return lines == [SULFUR, HYDROGEN]


def _limits(values):
    """Return the ends of an axis that shows nearly all values."""
    low, high = np.percentile(values, _RANGE)
    margin = 0.08 * (high - low)
    if margin == 0:
        margin = 0.5
    return float(low - margin), float(high + margin)


def _level_around(density):
    """Return the level of the contour that holds half of the pixels, or None."""
    densities = np.sort(density, axis=None)[::-1]  # from the highest
    total = densities.sum()
    if total == 0:
        return None
    number = np.searchsorted(np.cumsum(densities), _INSIDE * total)
    return densities[number]

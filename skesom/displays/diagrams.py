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
from skesom.displays.clusters import ClusterDisplay, add_legend, as_clusters
from skesom.displays.display import literal, numbers_of
from skesom.displays.sky_image import MAX_PIXELS, pick, thinning

_BINS = 120  # along each axis: a few dots of the picture each
_INSIDE = 0.5  # share of the pixels of a cluster within its contour
_RANGE = 0.5, 99.5  # per cent of the pixels that the axes show
_SMOOTHING, _WIDEST = 2.0, 7.0  # bins, of many pixels and of few
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
        given = as_clusters(self)
        chosen = numbers_of("cluster", clusters, given.names)
        labels, photometry = _thinned(given.label_map, self.cube, max_pixels, self)
        inside = labels >= 0
        values, texts = [], []
        for axis in (self.x, self.y):
            image, text = _measure(photometry, axis)
            values.append(image[inside])
            texts.append(text)
        labels, known = labels[inside], np.isfinite(values).all(axis=0)
        self.left_out_ = float(1 - known.mean()) if len(known) else 0.0
        if not known.any():
            raise NoPixelError(f"No pixel has both {self.x!r} and {self.y!r}.")
        ax = self._new_axes(ax, (7.4, 5.2))
        self._draw(ax, np.array(values)[:, known], labels[known], given, chosen)
        ax.set(xlabel=literal(texts[0]), ylabel=literal(texts[1]))
        for axis, text in zip((ax.xaxis, ax.yaxis), (self.x, self.y), strict=True):
            axis.set_inverted(text in photometry.wavelengths)  # bright ones above
        if _is_shock_ratio(photometry, self.x):
            ax.axvline(_SHOCKS, color="0.3", linestyle="--", linewidth=0.8)
        if self.left_out_ > 0:
            share = f"{100 * self.left_out_:.2g} % of the pixels left out"
            ax.set_title(f"{share}: flux too faint", loc="left", size="small")
        shares = given.percentages()
        self.legend_, self.color_bar_ = add_legend(ax, given, chosen, shares)
        return self

    def _draw(self, ax, values, labels, given, chosen):
        """Draw the density of all pixels, and contours and medians of clusters."""
        limits = [_limits(one) for one in values]
        counts, *bins = np.histogram2d(*values, _BINS, limits)
        with np.errstate(divide="ignore"):
            shown = np.log10(counts.T)
        self.density_ = ax.imshow(shown, "Greys", origin="lower", aspect="auto")
        # Above the highest, so that no bin is black and hides a contour.
        self.density_.set(extent=limits[0] + limits[1], clim=(None, 1.6 * shown.max()))
        self.contours_ = {}
        centers = [(edges[1:] + edges[:-1]) / 2 for edges in bins]
        for number in chosen:
            own = values[:, labels == number]
            if own.shape[1] == 0:
                continue
            color = given.colors[number]
            level = None
            if own.shape[1] >= _FEWEST:
                # As the width of kernels in Scott's rule for two dimensions.
                wider = (_MANY / own.shape[1]) ** (1 / 6)
                width = float(np.clip(_SMOOTHING * wider, _SMOOTHING, _WIDEST))
                counts, *_ = np.histogram2d(*own, _BINS, limits)
                smooth = gaussian_filter(counts, width)
                level = _level_around(smooth)
            if level is not None:
                contour = ax.contour(*centers, smooth.T, [level], colors=[color])
                contour.set_linewidths(1.6)
                self.contours_[number] = contour
            x, y = np.median(own, axis=1)
            ax.plot(x, y, "o", color=color, markersize=6, markeredgecolor="white")
        ax.set(xlim=limits[0], ylim=limits[1])


def choose_diagrams(cube, continua=None):
    """Return x and y of the diagrams that the bands allow, by the names of their kinds.

    Colors are of broad bands far apart; lines of narrow bands that have a continuum.
    """
    photometry = Photometry(cube, continua)
    broad, found = photometry.broad_bands(), {}
    if len(cube.band_names) > _MOST_BANDS:
        return found
    if len(broad) >= 2:
        optical = [n for n in broad if 300 <= photometry.wavelengths[n] <= 1000]
        ends = optical if len(optical) >= 2 else broad
        color = f"{ends[0]} - {ends[-1]}"
        found["color_magnitude"] = color, ends[-1]
        if len(broad) >= 3:
            middle = broad[len(broad) // 2]
            pair = f"{broad[0]} - {middle}", f"{middle} - {broad[-1]}"
            found["color_color"] = pair[1], pair[0]
    lines = {}
    for name in photometry.continua:
        lines.setdefault(photometry.filters[name].line or name, name)
    if lines and len(broad) >= 2:
        line = lines.get(HYDROGEN) or next(iter(lines.values()))
        found["line_excess"] = found["color_magnitude"][0], f"excess {line}"
    measured = {
        line: name
        for line, name in lines.items()
        if np.isfinite(photometry.filters[name].width)
    }
    pairs = [(SULFUR, HYDROGEN), (OXYGEN, HYDROGEN_BETA), (OXYGEN, HYDROGEN)]
    ratios = [
        f"{measured[upper]} / {measured[lower]}"
        for upper, lower in pairs
        if upper in measured and lower in measured
    ]
    if ratios and len(broad) >= 2:
        other = ratios[1] if len(ratios) > 1 else found["line_excess"][1]
        found["line_ratio"] = ratios[0], other
    return found


def _thinned(label_map, cube, max_pixels, display):
    """Return labels and measures of so few pixels."""
    cube = cube if isinstance(cube, Cube) else Cube(cube)
    step = thinning(label_map.shape, max_pixels)
    data = pick(cube.data, step)
    data = computed(data)[0] if is_lazy(data) else data
    cube = cube.replace(
        data=data, wcs=None, errors=None, sky_mask=None, pixel_scale=cube.pixel_scale
    )
    labels = pick(label_map, step)
    if display.subtract_sky:
        cube = above_sky(cube, sky_level(labels, cube))
    return labels, Photometry(cube, display.continua)


def _measure(photometry, axis):
    """Return the image of the measure of an axis, and the text of the axis."""
    names = photometry.wavelengths
    if axis in names:
        per = " / arcsec2" if photometry.cube.pixel_scale else ""
        unit = f"AB mag{per}" if photometry.is_calibrated(axis) else "instrumental mag"
        return photometry.magnitude(axis), f"{axis} [{unit}]"
    first, word, second = (part.strip() for part in _split(axis))
    if word == "excess" and second in photometry.continua:
        is_known = photometry.is_line_calibrated(second)
        unit = "mag" if is_known else "mag above the median pixel"
        line = photometry.filters[second].line
        of = f"{second} ({line})" if line else second
        return photometry.excess(second), f"excess of {of} [{unit}]"
    if word == "-" and first in names and second in names:
        unit = "AB mag" if photometry.is_calibrated(first, second) else None
        text = f"{first} - {second} [{unit or 'instrumental mag'}]"
        return photometry.color(first, second), text
    if word == "/" and {first, second} <= photometry.continua.keys():
        of = [photometry.filters[name].line or name for name in (first, second)]
        of = [f"({line})" if "+" in line else line for line in of]
        is_known = photometry.is_line_calibrated
        scale = "" if is_known(first) and is_known(second) else ", arbitrary zero"
        text = f"log {of[0]} / {of[1]}{scale}"
        return photometry.ratio(first, second), text
    lines = ", ".join(photometry.continua) or "none"
    raise ValueError(
        f"{axis!r} must be a band, 'A - B', 'excess LINE' or 'LINE / LINE'. Bands are "
        f"{', '.join(names)}; lines with a continuum: {lines}."
    )


def _split(axis):
    """Return the parts of an axis around its operator, and this between them."""
    if str(axis).startswith("excess "):
        return "", "excess", axis.removeprefix("excess ")
    for word in ("-", "/"):
        if f" {word} " in str(axis):
            return str(axis).partition(f" {word} ")
    return "", "", str(axis)


def _is_shock_ratio(photometry, axis):
    """Tell whether an axis is [S II] / H alpha."""
    first, word, second = (part.strip() for part in _split(axis))
    lines = [photometry.filters[n].line for n in (first, second) if n]
    return word == "/" and lines == [SULFUR, HYDROGEN]


def _limits(values):
    """Return the ends of an axis that shows nearly all values."""
    low, high = np.percentile(values, _RANGE)
    margin = 0.08 * (high - low) or 0.5
    return float(low - margin), float(high + margin)


def _level_around(density):
    """Return the density within which lies a share of the whole, None if none does."""
    falling = np.sort(density, axis=None)[::-1]
    total = falling.sum()
    if total == 0:
        return None
    number = np.searchsorted(np.cumsum(falling), _INSIDE * total)
    return falling[number]

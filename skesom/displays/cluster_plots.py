# SPDX-License-Identifier: BSD-3-Clause
"""Spectra and sizes of clusters."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal, Self

import numpy as np
from astropy import units
from astropy.units import Quantity
from sklearn.isotonic import isotonic_regression

from skesom._common.texts import percent
from skesom._types import Axes, CubeLike
from skesom.cube import Cube
from skesom.cube.flux.physical import physical_factors
from skesom.displays.clusters import ClusterDisplay, as_clusters
from skesom.displays.display import (
    LINE,
    NUMBER,
    literal,
    name_ticks,
    numbers_of,
    size_in_points,
    update_layout,
)
from skesom.displays.legends import add_legend
from skesom.displays.spectral_axes import axis_name, band_axis, spectral_axis
from skesom.pixels import cluster_table

_OPACITY = 0.18  # of the area between the quartiles of a cluster
_TOTAL_OPACITY = 2.0  # of all of them together
_HIGHEST = 8.0  # points, of the numbers above the bars
_SMALLEST = 5.0
_LONGEST_NAME = 16  # letters in a line below a bar
_MANY = 50  # bars without gaps
_WIDE = 1.3  # decades of fluxes from where their scale is logarithmic
_FAINT = 10  # per cent of fluxes, where the scale is linear if some are negative


@dataclass(eq=False, repr=False)
class ClusterSpectraDisplay(ClusterDisplay):
    """Spectra of clusters: median and quartiles of their pixels in each band.

    %(label_map)s
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands)
        The images.
    %(style)s
    wavelengths : Quantity of shape (n_bands,), default=None
        Wavelengths, frequencies, energies or velocities of the bands. Those of the
        cube by default, or of common filters by their names; without them for all bands
        these are side by side in their order.
    subtract_sky : bool, default=True
        Whether fluxes count from the level of the sky, as in
        `skesom.pixels.cluster_table`.

    %(attributes)s
    lines_ : dict of int to matplotlib.lines.Line2D
        Medians of each cluster that is drawn.
    areas_ : dict of int to matplotlib.collections.FillBetweenPolyCollection
        From the first to the third quartile of each.
    %(legend)s

    See Also
    --------
    skesom.pixels.cluster_table : The numbers.

    Examples
    --------
    >>> from skesom.datasets import make_galaxy_cube
    >>> from skesom.displays import ClusterSpectraDisplay
    >>> cube, truth = make_galaxy_cube((64, 64), random_state=0)
    >>> display = ClusterSpectraDisplay.from_predictions(truth, cube)
    >>> display.ax_.get_ylabel().splitlines()[0], display.ax_.get_xlabel()
    ('median surface brightness', 'wavelength [nm]')
    """

    cube: CubeLike
    _: KW_ONLY
    wavelengths: Quantity | None = None
    subtract_sky: bool = True

    def plot(
        self,
        ax: Axes | None = None,
        *,
        clusters: Sequence[int] | None = None,
        quartiles: bool = True,
        log: bool | Literal["auto"] = "auto",
        flux: str | None = None,
        physical: bool = True,
    ) -> Self:
        """Draw a line for each cluster.

        %(parameters)s
        clusters : sequence of int, default=None
            Which ones; all by default.
        quartiles : bool, default=True
            Whether the half of the pixels around the median is shown as an area.
        log : bool or "auto", default="auto"
            Whether fluxes are on a logarithmic scale. "auto" decides by their range;
            if some of a wide range are negative, the scale is linear around 0 only.
        flux : str, default=None
            Name of the values, for the axis; by default flux with its unit.
        physical : bool, default=True
            Whether fluxes are converted to one unit if units or zero points are known
            for all bands: to surface brightness if the pixel scale is known, else to
            flux density per pixel; per wavelength up to 3 um, beyond per frequency.

        %(plotted)s

        Examples
        --------
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.displays import ClusterSpectraDisplay
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> display = ClusterSpectraDisplay(truth, cube).plot(clusters=[1, 2])
        >>> sorted(display.lines_)
        [1, 2]
        """
        cube = self.cube
        if not isinstance(cube, Cube):
            cube = Cube(cube)
        all_clusters = as_clusters(self)
        numbers = numbers_of("cluster", clusters, all_clusters.names)
        factors = None
        flux_unit = None
        if physical:
            factors, flux_unit = physical_factors(cube)
        if factors is None:
            factors = np.ones(cube.shape[2])
        x, unit = _band_axis(cube, self.wavelengths)
        ax = self._new_axes(ax, (7.4, 4.6))
        self._draw_lines(ax, all_clusters, numbers, cube, x, quartiles, factors)
        _set_scale(ax, log, [line.get_ydata() for line in self.lines_.values()])
        if not flux:
            flux = _flux_of(cube, flux_unit)
        ax.set_ylabel(f"median {flux}")
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        from matplotlib.patches import Patch

        others = []
        if quartiles:
            others.append(Patch(facecolor="0.8", label="quartiles"))
        self.legend_, self.color_bar_ = add_legend(
            ax, all_clusters, numbers, all_clusters.percentages(), others
        )
        update_layout(ax)  # names of bands depend on the width beside the legend
        if unit is not None:
            ax.set_xlabel(axis_name(unit))
            _name_bands_above(ax, x, cube.band_names)
        elif name_ticks(ax, [shortened(name) for name in cube.band_names]):
            ax.set_xlabel("band")
        else:
            ax.set_xlabel("number of the band")
        return self

    def _draw_lines(self, ax, clusters, numbers, cube, x, quartiles, factors):
        """Draw the medians, and areas between the quartiles."""
        order = np.argsort(x, kind="stable")
        x = x[order]
        opacity = min(_OPACITY, _TOTAL_OPACITY / max(len(numbers), 1))
        self.lines_ = {}
        self.areas_ = {}
        table = cluster_table(clusters.label_map, cube, subtract_sky=self.subtract_sky)
        for row in table:
            number = int(row["id"])
            if number not in numbers:
                continue
            spectra = {}
            for statistic in ("q25", "median", "q75"):
                fluxes = [row[f"{band}_{statistic}"] for band in cube.band_names]
                spectra[statistic] = (factors * fluxes)[order]
            color = clusters.colors[number]
            if quartiles:
                area = ax.fill_between(
                    x, spectra["q25"], spectra["q75"], color=color, linewidth=0
                )
                area.set_alpha(opacity)
                self.areas_[number] = area
            (line,) = ax.plot(
                x, spectra["median"], "o-", color=color, markersize=4, linewidth=1.4
            )
            self.lines_[number] = line


class ClusterHistogramDisplay(ClusterDisplay):
    """Histogram of clusters: the number of pixels of each.

    %(label_map)s
    %(style)s

    %(attributes)s
    bars_ : matplotlib.container.BarContainer
        A bar for each cluster, as high as the number of its pixels.
    texts_ : list of matplotlib.text.Text
        Percentages of the pixels in clusters, above bars that are wide enough.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.displays import ClusterHistogramDisplay
    >>> label_map = np.array([[0, 0, 1], [0, -1, -3]])
    >>> display = ClusterHistogramDisplay.from_predictions(label_map)
    >>> [text.get_text() for text in display.texts_]
    ['75.0 %', '25.0 %']
    """

    def plot(self, ax: Axes | None = None, *, log: bool = False) -> Self:
        """Draw a bar for each cluster.

        %(parameters)s
        log : bool, default=False
            Whether the numbers of pixels are on a logarithmic scale.

        %(plotted)s

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.displays import ClusterHistogramDisplay
        >>> display = ClusterHistogramDisplay(np.array([[0, 0, 1]])).plot(log=True)
        >>> display.ax_.get_yscale()
        'log'
        """
        clusters = as_clusters(self)
        n_clusters = len(clusters.names)
        pixels = clusters.pixels
        ax = self._new_axes(ax)
        self.bars_ = ax.bar(
            range(n_clusters),
            pixels,
            width=0.86 if n_clusters <= _MANY else 1.0,
            color=clusters.colors,
            log=log,
        )
        self.texts_ = self._write_percentages(ax, pixels)
        names = [textwrap.fill(name, _LONGEST_NAME) for name in clusters.names]
        are_numbers = clusters.names == [str(number) for number in range(n_clusters)]
        if name_ticks(ax, names, NUMBER if are_numbers else LINE):
            ax.tick_params(axis="x", length=0)
        ax.set(xlabel="cluster", ylabel="pixels", xlim=(-0.6, max(n_clusters, 1) - 0.4))
        ax.spines[["top", "right"]].set_visible(False)
        ax.margins(y=0.1)
        if not pixels.any():
            ax.set_ylim(0, 1)
        others = _shares_of_others(clusters)
        if others:
            ax.set_title(others, loc="left", size="small")
        return self

    def _write_percentages(self, ax, pixels):
        """Write the share of each cluster above its bar, if it is wide enough."""
        room = size_in_points(ax)[0] / max(len(pixels), 1)
        size = min(room / 4.2, _HIGHEST)  # "12.3 %" is four times as wide as high
        if size < _SMALLEST:
            return []
        shares = [percent(share) for share in 100 * pixels / max(pixels.sum(), 1)]
        return ax.bar_label(self.bars_, shares, size=size, padding=2)


def push_apart(positions, distance):
    """Move rising positions as little as needed to be at least `distance` apart."""
    # Less the distances before them, positions need only not fall.
    steps = distance * np.arange(len(positions))
    return isotonic_regression(np.asarray(positions, dtype=float) - steps) + steps


def _band_axis(cube, wavelengths):
    """Return the coordinates of the bands on the axis, and their unit or None."""
    n_bands = cube.shape[2]
    if wavelengths is not None and np.shape(wavelengths) != (n_bands,):
        raise ValueError(
            f"Give a wavelength for each of the {n_bands} bands, got shape "
            f"{np.shape(wavelengths)}."
        )
    if wavelengths is None:
        coordinates = band_axis(cube)
    else:
        coordinates = spectral_axis(units.Quantity(wavelengths))
    if coordinates is not None:
        return coordinates.value, coordinates.unit
    if wavelengths is not None:
        raise ValueError(
            "wavelengths must be finite and have a unit of wavelength, frequency, "
            f"energy or velocity, got {wavelengths}."
        )
    return np.arange(n_bands), None


def is_wide(values):
    """Return whether values, none of them 0, need a logarithmic scale."""
    return len(values) > 0 and bool(np.ptp(np.log10(np.abs(values))) > _WIDE)


def flux_name(unit):
    """Return the name of fluxes in a physical unit, and the unit in a second line."""
    is_bright = {units.arcsec, units.sr} & set(unit.bases)
    name = "surface brightness" if is_bright else "flux density"
    return f"{name}\n[{unit:unicode}]".replace("1\N{MULTIPLICATION SIGN}", "")


def _set_scale(ax, log, lines):
    """Set the scale of fluxes that shows all lines.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    log : bool or "auto"
    lines : list of ndarray
        Fluxes of each.
    """
    values = np.concatenate(lines) if lines else np.ones(1)
    values = values[np.isfinite(values) & (values != 0)]
    if log == "auto" and is_wide(values):
        if (values > 0).all() and min(ax.dataLim.intervaly) > 0:
            log = True
        else:
            # Values below 0 have no logarithm: the scale is linear around 0, up to the
            # flux below which the faintest tenth of the values lies.
            width = np.percentile(abs(values), _FAINT)
            ax.set_yscale("symlog", linthresh=10 ** np.round(np.log10(width)))
    if log is True:
        ax.set_yscale("log", nonpositive="clip")


def _flux_of(cube, unit):
    """Return the name of the values of a cube, or of converted ones, with the unit."""
    if unit is not None:
        return flux_name(unit)
    band_units = set(cube.band_units)
    if band_units == {None}:
        return "flux"
    if len(band_units) == 1:
        return f"flux [{band_units.pop()}]"
    return "flux in the unit of each band"


def _name_bands_above(ax, x, names):
    """Write the names of bands above the axes, near their coordinates but apart."""
    width = size_in_points(ax)[0]
    if len(names) * LINE > width:
        return
    first, last = ax.get_xlim()
    order = np.argsort(x, kind="stable")
    points = (np.asarray(x)[order] - first) / (last - first) * width
    for band, point in zip(order, push_apart(points, LINE), strict=True):
        ax.annotate(
            literal(shortened(names[band])),
            xy=(x[band], 1.0),
            xytext=(point / width, 1.05),
            xycoords=ax.get_xaxis_transform(),
            textcoords="axes fraction",
            arrowprops={
                "arrowstyle": "-",
                "linewidth": 0.5,
                "shrinkA": 0,
                "shrinkB": 0,
            },
            rotation=90,
            ha="center",
            va="bottom",
            size="x-small",
        )


def shortened(name):
    """Return a name without its middle if it would leave no room for the axes."""
    if len(name) <= 40:
        return name
    return f"{name[:20]}...{name[-15:]}"


def _shares_of_others(clusters):
    """Return a text on the pixels that belong to no cluster."""
    noise, sky, without_data = clusters.others
    n_pixels = np.prod(clusters.shape)
    n_with_data = n_pixels - without_data
    shares = []
    if noise:
        shares.append(f"noise {percent(100 * noise / n_with_data)}")
    if sky:
        shares.append(f"sky {percent(100 * sky / n_with_data)}")
    lines = []
    if shares:
        lines.append(f"of the pixels with data: {', '.join(shares)}")
    if without_data:
        lines.append(f"no data in {percent(100 * without_data / n_pixels)} of all")
    return "\n".join(lines)

# SPDX-License-Identifier: BSD-3-Clause
"""Three bands of a cube as a color picture."""

from __future__ import annotations

from typing import Literal

import numpy as np
from astropy import units
from numpy.typing import NDArray

from skesom._common.lazy import computed
from skesom._sky.narrow_bands import band_wavelengths
from skesom._types import Bands, BaseInterval, CubeLike
from skesom.cube import Cube
from skesom.cube.masking.sky import sky_statistics
from skesom.cube.masking.sky_tiles import sampled
from skesom.displays.colors import MISSING_COLOR
from skesom.displays.display import numbers_of
from skesom.displays.spectral_axes import band_axis
from skesom.displays.thinning import mean_pixels

_STRETCHES = ("lupton", "asinh", "log", "sqrt", "linear")
_BRIGHT = 99.5  # per cent
_DARK = 5.0  # per cent of the pixels that are black in all bands alike
_DARK_NOISE = 20  # the bright level in units of the noise, at least
_SIGNIFICANT = 5  # times the noise: what is not sky
_FEWEST_BRIGHT = 1.0  # per cent of the pixels whose mean color is white
_SAMPLES = 250_000  # pixels for the interval of a band
_FEWEST_IN_THIRDS = 6  # bands; of fewer, any three may be the best
_MANY_BANDS = 20  # channels of a spectrum rather than filters


def rgb_image(
    cube: CubeLike,
    bands: Bands | None = None,
    *,
    stretch: Literal["asinh", "lupton", "log", "sqrt", "linear"] = "asinh",
    interval: Literal["sky", "zscale", "minmax"] | float | BaseInterval = "sky",
) -> NDArray[np.uint8]:
    """Make a color picture of three bands.

    The bands are scaled to their `interval`, and then stretched. Units may differ.

    Parameters
    ----------
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands)
        The images.
    bands : sequence of three int or str, default=None
        Numbers from 0, or names, of the bands for red, green and blue. By default,
        in the order of wavelength, those in which most pixels stand out of the noise;
        of six or more bands, one of each third; of more than 20, the mean of each
        third. Wavelengths are those of the cube, else of the filters that bands are
        named by. If none are known, three bands are red, green and blue in their order,
        and of more the last ones are red.
    stretch : {"asinh", "lupton", "log", "sqrt", "linear"}, default="asinh"
        "lupton" stretches the mean of the bands and keeps their colors [1]_; the others
        stretch each band separately, so that bright pixels are white.
    interval : {"sky", "zscale", "minmax"}, float or astropy BaseInterval, default="sky"
        Values that become 0 and 1. "sky": all bands together, so that the darkest
        twentieth of the pixels is black, what stands out of the sky is white on the
        average, and the value that 0.5 % of the pixels exceed (at least 20 times the
        noise) is 1. Others are of each band: "zscale": the algorithm of IRAF; "minmax":
        its minimum and maximum; a float: limits of this central percentage of it.

    Returns
    -------
    picture : ndarray of shape (n_rows, n_columns, 3), dtype uint8
        Red, green and blue; light gray where one of the bands is masked.

    Raises
    ------
    ValueError
        If there is no such band, stretch or interval, or a band has no data.

    References
    ----------
    .. [1] Lupton, R. et al. (2004), "Preparing Red-Green-Blue Images from CCD Data",
       PASP 116, 133-137, doi:10.1086/382245

    Examples
    --------
    >>> from skesom.datasets import make_galaxy_cube
    >>> from skesom.displays import rgb_image
    >>> cube, _ = make_galaxy_cube((64, 64), random_state=0)
    >>> rgb_image(cube, ["F814W", "F502N", "F336W"]).shape
    (64, 64, 3)
    """
    if not isinstance(cube, Cube):
        cube = Cube(cube)
    if stretch not in _STRETCHES:
        raise ValueError(f"stretch must be one of {_STRETCHES}, got {stretch!r}.")
    interval = _as_interval(interval)
    return sky_picture(_rgb_planes(cube, bands), stretch, interval)


def _rgb_planes(cube, bands=None, step=1):
    """Return images for red, green and blue, means of squares of `step` pixels."""
    planes = []
    for numbers in _rgb_bands(cube, bands):
        total = sum(mean_plane(cube, number, step) for number in numbers)
        planes.append(total / len(numbers))
    return planes


def mean_plane(cube, number, step):
    """Return the means of squares of `step` by `step` pixels of a band."""
    plane = cube.data[:, :, number]
    if cube.is_lazy:
        plane = computed(plane)[0]
    plane = mean_pixels(plane, step)
    if not np.isfinite(plane).any():
        name = cube.band_names[number]
        raise ValueError(f"Band {name!r} has no data: all its pixels are NaN.")
    return plane


def thinned_rgb(cube, bands, step):
    """Return the color picture of the means of squares of `step` by `step` pixels."""
    if cube is None:
        raise ValueError("A color picture is drawn: give the cube too.")
    if not isinstance(cube, Cube):
        cube = Cube(cube)
    return sky_picture(_rgb_planes(cube, bands, step))


def rgb_numbers(bands, band_names):
    """Return the numbers of three bands that are given by number or name."""
    if isinstance(bands, str):  # its letters are no bands
        bands = [bands]
    bands = list(bands)
    if len(bands) != 3:
        raise ValueError(
            f"A color picture has three bands, for red, green and blue, got {bands}."
        )
    return numbers_of("band", bands, band_names)


def _rgb_bands(cube, bands):
    """Return the numbers of the bands whose means are red, green and blue."""
    if bands is not None:
        return [[number] for number in rgb_numbers(bands, cube.band_names)]
    order = _by_wavelength(cube)
    if len(order) < 3:
        return [[order[-1]], [order[len(order) // 2]], [order[0]]]
    thirds = [third.tolist() for third in np.array_split(order, 3)[::-1]]
    if len(order) == 3 or len(order) > _MANY_BANDS:
        return thirds
    # The bands in which most pixels stand out of the noise.
    sample = sampled(cube.data)
    shares = np.empty(len(order))
    for band in range(len(order)):
        flux = sample[:, :, band]
        level, noise = sky_statistics(flux)
        shares[band] = np.mean(flux > level + _SIGNIFICANT * noise)
    if len(order) < _FEWEST_IN_THIRDS:
        best = np.sort(np.argsort(-shares[order], kind="stable")[:3])
        return [[number] for number in order[best[::-1]].tolist()]
    return [[max(third, key=lambda band: shares[band])] for third in thirds]


def _by_wavelength(cube):
    """Return the numbers of the bands from the shortest wavelength to the longest.

    Bands of unknown wavelength keep their positions.
    """
    order = np.arange(cube.shape[2])
    coordinates = band_axis(cube)
    if coordinates is None:
        wavelengths = band_wavelengths(cube)
        if len(order) == 3:  # red, green and blue
            order = order[::-1]
    elif coordinates.unit in (units.keV, units.GHz):
        wavelengths = -coordinates.value  # energies and frequencies fall with it
    else:
        wavelengths = coordinates.value
    wavelengths = wavelengths[order]
    has_wavelength = np.isfinite(wavelengths)
    ranks = np.argsort(wavelengths[has_wavelength], kind="stable")
    order[has_wavelength] = order[has_wavelength][ranks]
    return order


def _as_interval(interval):
    """Return an interval of astropy, or "sky"."""
    from astropy import visualization  # imports matplotlib

    if isinstance(interval, visualization.BaseInterval) or interval == "sky":
        return interval
    if interval == "zscale":
        return visualization.ZScaleInterval()
    if interval == "minmax":
        return visualization.MinMaxInterval()
    if isinstance(interval, str) or not 0 < interval <= 100:
        raise ValueError(
            "interval must be 'sky', 'zscale', 'minmax', a percentage above 0, or an "
            f"interval of astropy.visualization. Got {interval!r}."
        )
    return visualization.PercentileInterval(interval)


def sky_picture(planes, stretch="asinh", interval="sky"):
    """Return three images as a color picture, or one as a gray picture."""
    missing = np.isnan(planes).any(axis=0)
    if interval == "sky":
        scaled = _balanced(planes)
    else:
        scaled = _limited(planes, interval)
    for plane in scaled:
        plane[missing] = 0
    picture = _stretched(scaled, stretch)
    missing_color = list(bytes.fromhex(MISSING_COLOR.removeprefix("#")))
    picture[missing] = missing_color[: len(planes)]
    return picture


def _limited(planes, interval):
    """Return images with the interval of each brought to 0 and 1."""
    scaled = []
    for plane in planes:
        sample = _thinned_plane(plane)
        low, high = map(float, interval.get_limits(sample[np.isfinite(sample)]))
        if high == low:  # a constant band is black
            high = low + 1
        scaled.append(((plane - low) / (high - low)).astype(np.float32))
    return scaled


def _balanced(planes):
    """Return images of which dark pixels are black, and the mean bright one is gray.

    A band that is scaled by itself makes galaxies green and dust blue.
    """
    statistics = np.array([sky_statistics(plane) for plane in planes])
    level, noise = statistics.T[:, :, np.newaxis]
    # Fluxes of shape (n_bands, n_pixels), of pixels that have data in all bands.
    samples = [_thinned_plane(plane).ravel() for plane in planes]
    flux = np.array(samples, dtype=np.float64)
    flux = flux[:, np.isfinite(flux).all(axis=0)]
    if flux.shape[1] == 0:  # no pixel has all three bands
        return [np.zeros(plane.shape, dtype=np.float32) for plane in planes]
    # Where the sky of a band is constant, a small part of its range stands for noise.
    flux_range = np.ptp(flux, axis=1, keepdims=True)
    part_of_range = np.where(flux_range > 0, 1e-3 * flux_range, 1)
    noise = np.where(noise > 0, noise, part_of_range)
    # In order of size, so that the sum has the same bits for any order of the bands.
    ratios = np.sort((flux - level) / noise, axis=0)
    signal = ratios.sum(axis=0) / np.sqrt(len(planes))
    # Black: the median of the darkest pixels in each band.
    dark = signal <= np.percentile(signal, _DARK)
    black = np.median(flux[:, dark], axis=1, keepdims=True)
    # White: the median of the pixels that stand out of the sky.
    least = min(_SIGNIFICANT, np.percentile(signal, 100 - _FEWEST_BRIGHT))
    white = np.median(flux[:, signal >= least] - black, axis=1, keepdims=True)
    white = np.maximum(white, noise)
    # One factor for all bands brings the bright level to 1.
    bright = np.percentile(np.mean((flux - black) / white, axis=0), _BRIGHT)
    bright = max(bright, _DARK_NOISE * np.max(noise / white))
    scaled = []
    for plane, low, width in zip(
        planes, black[:, 0], white[:, 0] * bright, strict=True
    ):
        scaled.append(((plane - low) / width).astype(np.float32))
    return scaled


def _thinned_plane(plane):
    """Return every second, third, ... row and column of a large image."""
    step = int(np.ceil(np.sqrt(plane.size / _SAMPLES)))
    return plane[::step, ::step]


def _stretched(planes, stretch):
    """Return planes from 0 to 1 as a picture of uint8."""
    from astropy import visualization

    if stretch == "lupton":
        # Black pixels have no color.
        with np.errstate(divide="ignore", invalid="ignore"):
            r, g, b = planes
            return visualization.make_lupton_rgb(r, g, b, minimum=0, stretch=0.25, Q=8)
    functions = {
        "asinh": visualization.AsinhStretch(0.1),
        "log": visualization.LogStretch(),
        "sqrt": visualization.SqrtStretch(),
        "linear": visualization.LinearStretch(),
    }
    levels = functions[stretch](np.clip(np.dstack(planes), 0, 1))
    return np.rint(255 * levels).astype(np.uint8)

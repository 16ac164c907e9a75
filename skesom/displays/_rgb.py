# SPDX-License-Identifier: BSD-3-Clause
"""Three bands of a cube as a color picture."""

import numpy as np
from astropy import units

from skesom._common.lazy import computed
from skesom.cube import Cube, sky_statistics
from skesom.displays._colors import MISSING_COLOR
from skesom.displays._display import numbers_of
from skesom.displays._sky_image import mean

_STRETCHES = ("lupton", "asinh", "log", "sqrt", "linear")
_BRIGHT = 99.5  # per cent
_DARK_NOISE = 20  # the bright level in units of the noise, at least
_SOFTENING = 0.25  # of the Lupton stretch, in units of the interval
_Q = 8  # where it turns from linear to logarithmic
_ASINH = 0.1
_SAMPLES = 1_000_000  # pixels for the interval of a band
# Where pictures change from energies to wavelengths, nm to um, and to frequencies.
_X_RAYS, _INFRARED, _RADIO = 10 * units.nm, 2 * units.um, 1 * units.mm


def rgb_image(cube, bands=None, *, stretch="asinh", interval="sky"):
    """Make a color picture of three bands.

    Each band is scaled to its `interval`, and then stretched. Units may differ.

    Parameters
    ----------
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands)
        The images.
    bands : sequence of three int or str, default=None
        Numbers from 0, or names, of the bands for red, green and blue. By default the
        last, middle and first by wavelength or, if unknown, in the cube.
    stretch : {"asinh", "lupton", "log", "sqrt", "linear"}, default="asinh"
        "lupton" stretches the mean of the bands and keeps their colors [1]_; the others
        stretch each band separately, so that bright pixels are white.
    interval : {"sky", "zscale", "minmax"}, float or astropy BaseInterval, default="sky"
        Values of a band that become 0 and 1. "sky": the level of its darkest parts, and
        the value that 0.5 % of the pixels exceed (at least 20 times the noise);
        "zscale": the algorithm of IRAF; "minmax": its minimum and maximum; a float:
        limits of this central percentage of its values.

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
    cube = cube if isinstance(cube, Cube) else Cube(cube)
    if stretch not in _STRETCHES:
        raise ValueError(f"stretch must be one of {_STRETCHES}, got {stretch!r}.")
    interval = _as_interval(interval)
    planes = [_scaled(cube, number, interval) for number in rgb_bands(cube, bands)]
    missing = np.isnan(planes).any(axis=0)
    for plane in planes:
        plane[missing] = 0
    picture = _stretched(planes, stretch)
    picture[missing] = list(bytes.fromhex(MISSING_COLOR[1:]))
    return picture


def spectral_places(coordinates):
    """Return spectral coordinates in the unit of a picture, None unless all are known.

    Velocities are in km/s, what is shorter than ultraviolet in keV, what is longer than
    1 mm in GHz, and all other in nm or um.
    """
    if coordinates is None or np.isnan(coordinates.value).any():
        return None
    if coordinates.unit.is_equivalent(units.km / units.s):
        return coordinates.to(units.km / units.s)
    if not coordinates.unit.is_equivalent(units.nm, units.spectral()):
        return None
    lengths = coordinates.to(units.nm, units.spectral())
    if not np.isfinite(lengths).all():
        return None
    if lengths.max() < _X_RAYS:
        return coordinates.to(units.keV, units.spectral())
    if lengths.min() > _RADIO:
        return coordinates.to(units.GHz, units.spectral())
    return lengths if lengths.max() < _INFRARED else lengths.to(units.um)


def rgb_bands(cube, bands=None):
    """Return the numbers of the bands for red, green and blue."""
    if bands is None:
        order = np.arange(cube.shape[2])
        places = spectral_places(cube.band_coordinates)
        if places is not None:
            falls = places.unit in (units.keV, units.GHz)
            order = np.argsort(-places.value if falls else places.value, kind="stable")
        return [int(order[-1]), int(order[len(order) // 2]), int(order[0])]
    bands = [bands] if isinstance(bands, str) else list(bands)
    if len(bands) != 3:
        raise ValueError(
            f"A color picture has three bands, for red, green and blue, got {bands}."
        )
    return numbers_of("band", bands, cube.band_names)


def thinned_rgb(cube, bands, step):
    """Return the color picture of the means of squares of `step` by `step` pixels."""
    if cube is None:
        raise ValueError("Contours are drawn on a color picture: give the cube too.")
    cube = cube if isinstance(cube, Cube) else Cube(cube)
    numbers = rgb_bands(cube, bands)
    means = {n: mean(_plane(cube, n), step) for n in dict.fromkeys(numbers)}
    planes = [means[number] for number in numbers]
    names = [f"{n}: {cube.band_names[number]}" for n, number in enumerate(numbers)]
    return rgb_image(Cube(np.dstack(planes), band_names=names), [0, 1, 2])


def _plane(cube, number):
    """Return a band in memory."""
    plane = cube.data[:, :, number]
    return computed(plane)[0] if cube.is_lazy else plane


def _as_interval(interval):
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


def _scaled(cube, band, interval):
    """Return a band with its interval brought to 0 and 1."""
    flux = cube.data[:, :, band]
    step = int(np.ceil(np.sqrt(flux.size / _SAMPLES)))
    sample = flux[::step, ::step]
    sample = sample[np.isfinite(sample)]
    if len(sample) == 0:
        raise ValueError(
            f"Band {cube.band_names[band]!r} has no data: all its pixels are NaN."
        )
    if interval == "sky":
        level, noise = sky_statistics(flux)
        low = level - noise
        high = max(np.percentile(sample, _BRIGHT), level + _DARK_NOISE * noise)
    else:
        low, high = map(float, interval.get_limits(sample))
    if high == low:  # a constant band is black
        high = low + 1
    return ((flux - low) / (high - low)).astype(np.float32)


def _stretched(planes, stretch):
    """Return planes from 0 to 1 as a picture."""
    from astropy import visualization

    if stretch == "lupton":
        # Black pixels have no color.
        with np.errstate(divide="ignore", invalid="ignore"):
            style = {"minimum": 0, "stretch": _SOFTENING, "Q": _Q}
            return visualization.make_lupton_rgb(*planes, **style)
    function = {
        "asinh": visualization.AsinhStretch(_ASINH),
        "log": visualization.LogStretch(),
        "sqrt": visualization.SqrtStretch(),
        "linear": visualization.LinearStretch(),
    }[stretch]
    return np.rint(255 * function(np.clip(np.dstack(planes), 0, 1))).astype(np.uint8)

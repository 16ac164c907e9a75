# SPDX-License-Identifier: BSD-3-Clause
"""A synthetic galaxy in nine bands, with the truth."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
from astropy import units
from astropy.wcs import WCS
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from skesom._common.decorators import validate_params
from skesom._common.labels import MASKED
from skesom._types import RandomState
from skesom.cube import Cube
from skesom.datasets import _galaxy_light as optics
from skesom.datasets._galaxy_scene import KINDS, make_scene, surface_brightness

# The number that a population has in a truth map is its place in this tuple.
POPULATIONS = (
    "sky",
    "old disc",
    "bulge",
    "young arm",
    "dust lane",
    "H II region",
    "star cluster",
    "supernova remnant",
    "foreground star",
)
SKY_BRIGHTNESS = 22.2  # V magnitudes per square arcsec
MESSIER_83 = (204.25396, -29.86542)  # right ascension and declination, deg
MARGIN = 12  # pixels around the frame that keep the borders of the blur outside
FRAME = (slice(MARGIN, -MARGIN),) * 2


@validate_params(
    {
        "shape": ["array-like"],
        "n_bands": [Interval(Integral, 1, optics.MAX_BANDS, closed="both")],
        "missing": [Interval(Real, 0.0, 0.9, closed="both")],
        "noise": [Interval(Real, 0.0, None, closed="left")],
        "extent": [Interval(Real, 0.1, 10.0, closed="both")],
        "kind": [StrOptions(set(KINDS))],
        "dust": [Interval(Real, 0.0, None, closed="left")],
        "star_formation": [Interval(Real, 0.0, None, closed="left")],
        "blur": [Interval(Real, 0.0, 10.0, closed="right")],
        "gap_value": [Real],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_galaxy_cube(
    shape: tuple[int, int] = (605, 605),
    n_bands: int = 9,
    *,
    missing: float = 0.0,
    noise: float = 1.0,
    extent: float = 1.0,
    kind: Literal["spiral", "edge-on", "merger", "elliptical"] = "spiral",
    dust: float = 1.0,
    star_formation: float = 1.0,
    blur: float = 1.0,
    gap_value: float = np.nan,
    random_state: RandomState = None,
) -> tuple[Cube, NDArray[np.int32]]:
    """Make a close-up of a galaxy, a face-on spiral like Messier 83, and its truth.

    Parameters
    ----------
    shape : tuple of int (n_rows, n_columns), default=(605, 605)
        Size, at least 32 x 32 pixels of 0.0396 arcsec. Larger frames have more compact
        objects, of the same sizes in pixels.
    n_bands : int, default=9
        Number of bands, 1 to 100. Nine are F225W, F336W, F373N, F438W, F487N, F502N,
        F657N, F673N and F814W of Hubble. Fewer are those nine without F487N, then
        F373N, F225W, F673N, F502N, F438W, F657N and F336W. More than nine continue with
        bands without lines from F814W to 1700 nm.
    missing : float, default=0.0
        Share, up to 0.9, of pixels without data in at least one of the nine bands. If
        positive, images are mosaics of two pointings, with a gap and noisier borders.
    noise : float, default=1.0
        Factor on the standard deviation of photon noise and read-out noise.
    extent : float, default=1.0
        Size of the galaxy relative to the frame. Smaller galaxies leave more sky.
    kind : {"spiral", "edge-on", "merger", "elliptical"}, default="spiral"
        A face-on spiral, a spiral seen nearly from the side, two smaller disturbed
        spirals, or a smooth ellipse with globular clusters and a ring of dust and gas.
    dust : float, default=1.0
        Factor on the optical depth of the dust.
    star_formation : float, default=1.0
        Factor on the light of young stars, gas and clusters, except in ellipticals.
    blur : float in (0, 10], default=1.0
        Factor on the width of the point-spread function of each band.
    gap_value : float, default=nan
        Value of pixels without data; 0.0 in many archives.
    random_state : int, RandomState instance or None, default=None
        Determines the galaxy and the noise. Pass an int for reproducible results.

    Returns
    -------
    cube : Cube of shape (n_rows, n_columns, n_bands)
        Images in electron / s per pixel with the sky, float32, with WCS, FWHM,
        wavelengths and zero points.
    truth : ndarray of shape (n_rows, n_columns), dtype int32
        Index into `POPULATIONS` for each pixel, -3 where a band has no data.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    Notes
    -----
    *Stars* are sums of black bodies. *Gas* emits the lines in a filter, at the redshift
    of Messier 83 and in ratios of H II regions [1]_ and of shocks [2]_. *Dust* covers
    80 % of the light with an optical depth ~ wavelength**-0.7 [3]_. Images are blurred
    by Gaussians. The same `random_state` gives the same images in shared bands for any
    `n_bands`; `dust`, `star_formation` and `blur` do not move anything.

    *Truth* is measured without noise at the worst FWHM of the nine bands. A pixel is
    "old disc" unless one of these is true; the last true one counts: "young arm" is
    more than half of the galaxy's light in F336W; "bulge" more than half of F814W;
    "sky" brighter than the galaxy in F438W; "dust lane" lets less than 57 % of F438W
    pass; "H II region" (with diffuse ionized gas) is more than half of F657N; "star
    cluster" more than half of F438W; "supernova remnant" more than 40 % of F673N;
    "foreground star" more than half of F438W or F814W.

    References
    ----------
    .. [1] Osterbrock & Ferland (2006), Astrophysics of Gaseous Nebulae.
    .. [2] Mathewson & Clarke (1973), ApJ 180, 725.
    .. [3] Charlot & Fall (2000), ApJ 539, 718.

    Examples
    --------
    >>> from skesom.datasets import POPULATIONS, make_galaxy_cube
    >>> cube, truth = make_galaxy_cube((64, 48), n_bands=3, random_state=0)
    >>> cube
    <Cube 64 x 48 pixels, 3 bands (F336W, F657N, F814W), float32, WCS>
    >>> truth.shape, POPULATIONS[truth[32, 24]]
    ((64, 48), 'bulge')
    """
    shape = _check_shape(shape)
    scene_seed, noise_seed = _seeds(random_state).spawn(2)
    scene = make_scene(
        tuple(length + 2 * MARGIN for length in shape),
        extent,
        np.random.default_rng(scene_seed),
        kind=kind,
        dust=dust,
        star_formation=star_formation,
    )
    truth = _truth(scene, blur)
    size = optics.find_size(shape, missing)
    noise_seeds = noise_seed.spawn(optics.MAX_BANDS)
    bands = optics.select_bands(n_bands)
    data = np.empty((*shape, n_bands), dtype=np.float32)
    for position, band in enumerate(bands):
        # Noise and mosaic of a band do not depend on the other bands.
        number = position
        if band in optics.STUDY_BANDS:
            number = optics.STUDY_BANDS.index(band)
        rate = optics.light(scene, band, fwhm=blur * band.fwhm)[FRAME] + _sky(band)
        times = optics.coverage(shape, missing, number, size)
        rng = np.random.default_rng(noise_seeds[number])
        image = optics.expose(rate, band, times, noise, rng)
        image[times == 0] = gap_value
        truth[times == 0] = MASKED
        data[:, :, position] = image
    cube = Cube(
        data,
        wcs=_wcs(shape),
        band_names=[band.name for band in bands],
        band_units=["electron / s"] * n_bands,
        fwhm=[blur * band.fwhm for band in bands],
        band_coordinates=[band.wavelength for band in bands] * units.nm,
        zero_points=[optics.zero_point(band) for band in bands],
    )
    return cube, truth


def _check_shape(shape):
    """Return the shape as a tuple of two Python integers."""
    sides = tuple(shape)
    if len(sides) != 2 or not all(isinstance(side, Integral) for side in sides):
        raise ValueError(f"shape must be two integers (rows, columns), got {shape}.")
    if min(sides) < 32:
        raise ValueError(f"shape must be at least 32 x 32, got {shape}.")
    return int(sides[0]), int(sides[1])


def _seeds(random_state):
    """Return the root of all random streams; None does not touch the global state."""
    if random_state is None:
        return np.random.SeedSequence()
    words = check_random_state(random_state).randint(2**31 - 1, size=4)
    return np.random.SeedSequence(words.tolist())


def _sky(band):
    """Return the electrons per second and pixel of the sky background."""
    rate = np.float32(optics.population_rate("sky", band))
    return surface_brightness(SKY_BRIGHTNESS) * rate


def _wcs(shape):
    """Return the world coordinates of a frame around Messier 83, north up."""
    wcs = WCS({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "RADESYS": "ICRS"})
    wcs.wcs.crval = MESSIER_83
    wcs.wcs.crpix = [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
    wcs.wcs.cdelt = [-optics.PIXEL_SCALE / 3600.0, optics.PIXEL_SCALE / 3600.0]
    wcs.wcs.set()
    return wcs


def _truth(scene, blur):
    """Return the population of each pixel: the last rule that holds decides."""
    bands = {band.name: band for band in optics.STUDY_BANDS}
    worst = blur * max(band.fwhm for band in optics.STUDY_BANDS)

    def seen(name, *parts):
        return optics.light(scene, bands[name], parts or None, fwhm=worst)[FRAME]

    blue, red = seen("F438W"), seen("F814W")
    nebulae = ("nebula core", "nebula shell", "diffuse gas")
    passed = optics.transmission(scene.optical_depth[FRAME], bands["F438W"])
    rules = {
        "young arm": seen("F336W", "young") > 0.5 * seen("F336W"),
        "bulge": seen("F814W", "bulge") > 0.5 * red,
        "sky": blue < _sky(bands["F438W"]),
        "dust lane": passed < 0.57,
        "H II region": seen("F657N", *nebulae) > 0.5 * seen("F657N"),
        "star cluster": seen("F438W", "clusters") > 0.5 * blue,
        "supernova remnant": seen("F673N", "remnant") > 0.4 * seen("F673N"),
        "foreground star": (seen("F438W", "stars") > 0.5 * blue)
        | (seen("F814W", "stars") > 0.5 * red),
    }
    truth = np.full(blue.shape, POPULATIONS.index("old disc"), dtype=np.int32)
    for population, pixels in rules.items():
        truth[pixels] = POPULATIONS.index(population)
    return truth

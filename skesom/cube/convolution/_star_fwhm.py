# SPDX-License-Identifier: BSD-3-Clause
"""How wide the point-spread function of an image is, measured from its stars."""

import importlib
import warnings

import numpy as np
from astropy.stats import gaussian_fwhm_to_sigma, mad_std
from scipy import optimize, spatial

FEWEST_STARS = 5
# In units of the noise of a pixel: fainter ones scatter more than they help.
LEAST_PEAK = 10.0
# In units of the brightest pixel.
LEAST_NOISE = 1e-6
# In units of the FWHM: a neighbor within this distance spoils the wings of a star.
ISOLATION = 4.0
NEIGHBOR_PEAK = 0.1
# Half of the side of the square that is fitted, in units of the FWHM.
HALF_WINDOW = 1.5
WORST_RESIDUAL = 0.1
WORST_OFFSET = 1.5
FIRST_GUESS = 3.0
# Stars of one image differ by less than this fraction; galaxies are wider.
STAR_SPREAD = 0.1
BACKGROUND_BOX = 64
# Stars of the middle tell enough of a large image.
ENOUGH_PIXELS = 2048


def measure_star_fwhm(image, band_name):
    """Measure the FWHM of isolated stars.

    Notes
    -----
    Sources are found by `photutils.detection.DAOStarFinder` on the image minus its
    background. A round Gaussian on a constant, sampled at the pixel centers, is fitted
    to each that has no neighbor of a tenth of its peak within four FWHM, so that no
    moment of noisy wings enters. Galaxies are wider than stars and differ from each
    other, so the stars are the sources around the densest width (half-sample mode
    [1]_).

    References
    ----------
    .. [1] D. R. Bickel and R. Fruehwirth, "On a fast, robust estimator of the mode",
       Computational Statistics and Data Analysis 50 (2006), 3500.
    """
    image = _middle(image)
    masked = np.isnan(image)
    widths = np.empty(0)
    if not masked.all():
        flux, noise = _subtract_background(image, masked)
        widths = fit_sources(flux, masked, noise, FIRST_GUESS)
        if len(widths):
            # The finder knows its stars best when it is told their width.
            guess = half_sample_mode(widths)
            widths = fit_sources(flux, masked, noise, guess)
    if len(widths):
        mode = half_sample_mode(widths)
        widths = widths[np.abs(widths - mode) <= STAR_SPREAD * mode]
    if len(widths) < FEWEST_STARS:
        raise ValueError(
            f"Band {band_name!r} shows {len(widths)} isolated stars of one width, but "
            f"{FEWEST_STARS} are needed to measure its FWHM. Pass its fwhm in arcsec."
        )
    return float(np.median(widths)), len(widths)


def _middle(image):
    """Return the middle of a large image in double precision."""
    for axis in range(2):
        margin = max(0, image.shape[axis] - ENOUGH_PIXELS) // 2
        image = image[margin : image.shape[axis] - margin].T
    return np.array(image, dtype=np.float64)


def _subtract_background(image, masked):
    """Return the flux above the background, 0 where masked, and its noise."""
    background = _photutils("background").Background2D(
        image,
        min(BACKGROUND_BOX, *image.shape),
        mask=masked,
        exclude_percentile=100,  # a box needs any pixel at all
    )
    flux = np.where(masked, 0, image - background.background)
    # Simulated images may have no noise at all.
    return flux, max(mad_std(flux[~masked]), LEAST_NOISE * flux.max())


def fit_sources(flux, masked, noise, guess):
    """Return the FWHM of isolated round sources near the FWHM that is expected."""
    peaks, stars = _find_sources(flux, masked, noise, guess)
    if stars is None:
        return np.empty(0)
    tree = spatial.cKDTree(peaks[:, :2])
    half = max(3, int(np.ceil(HALF_WINDOW * guess)))
    widths = []
    for row, column, peak in stars:
        near = peaks[tree.query_ball_point((row, column), ISOLATION * guess)]
        distance = np.hypot(near[:, 0] - row, near[:, 1] - column)
        alone = not np.any((distance > 1) & (near[:, 2] > NEIGHBOR_PEAK * peak))
        top, left = round(row) - half, round(column) - half
        window = np.s_[top : top + 2 * half + 1, left : left + 2 * half + 1]
        inside = min(top, left) >= 0 and flux[window].shape == (2 * half + 1,) * 2
        if alone and inside and not masked[window].any():
            width = fit_gaussian_fwhm(flux[window], guess)
            if 1 < width < 2 * half:
                widths.append(width)
    return np.array(widths)


def _find_sources(flux, masked, noise, guess):
    """Return (row, column, peak) of all peaks and of those that look like stars."""
    finder = _photutils("detection").DAOStarFinder
    nothing = _photutils("utils.exceptions").NoDetectionsWarning
    anything = {"sharpness_range": (-np.inf, np.inf)}
    anything["roundness_range"] = anything["sharpness_range"]
    found = []
    for shapes in (anything, {}):
        if not noise > 0:
            return None, None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", nothing)
            table = finder(LEAST_PEAK * noise, guess, **shapes)(flux, mask=masked)
        if table is None:
            return None, None
        columns = (table[name] for name in ("y_centroid", "x_centroid", "peak"))
        found.append(np.column_stack([np.asarray(column) for column in columns]))
    return found


def fit_gaussian_fwhm(cut, guess):
    """Fit a round Gaussian on a constant, sampled at the pixel centers."""
    rows, columns = (np.arange(length) - length // 2 for length in cut.shape)
    rows = rows[:, np.newaxis]
    level = np.median(np.concatenate([cut[0], cut[-1], cut[:, 0], cut[:, -1]]))
    height = cut[cut.shape[0] // 2, cut.shape[1] // 2] - level
    if not height > 0:
        return np.nan
    scaled = (cut - level) / height

    def misfit(parameters):
        peak, row, column, sigma, constant = parameters
        squares = ((rows - row) ** 2 + (columns - column) ** 2) / (2 * sigma**2)
        return (peak * np.exp(-squares) + constant - scaled).ravel()

    fit = optimize.least_squares(
        misfit, [1, 0, 0, guess * gaussian_fwhm_to_sigma, 0], method="lm"
    )
    residual = np.sqrt(np.mean(fit.fun**2))
    offset = np.hypot(fit.x[1], fit.x[2])
    if residual > WORST_RESIDUAL or offset > WORST_OFFSET:
        return np.nan
    return float(abs(fit.x[3]) / gaussian_fwhm_to_sigma)


def half_sample_mode(values):
    """Return the mode of numbers by repeated halving of the sample."""
    values = np.sort(values)
    while len(values) > 2:
        half = (len(values) + 1) // 2
        spans = values[half - 1 :] - values[: len(values) - half + 1]
        start = int(np.argmin(spans))
        if half == 2 and len(values) == 3 and spans[0] == spans[1]:
            return float(values[1])
        values = values[start : start + half]
    return float(values.mean())


def _photutils(module):
    """Return a module of photutils, or say how to install it."""
    try:
        return importlib.import_module(f"photutils.{module}")
    except ImportError as error:
        raise ImportError(
            "Measuring point-spread functions needs photutils: pip install skesom[psf]"
        ) from error

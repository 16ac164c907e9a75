# SPDX-License-Identifier: BSD-3-Clause
"""The width of the stars in an image, by fits of Gaussians to isolated sources."""

import warnings

import numpy as np
from astropy.stats import gaussian_fwhm_to_sigma, mad_std
from scipy import optimize, spatial

from skesom._common.extras import import_photutils
from skesom._common.lazy import computed

FEWEST_STARS = 5  # isolated ones of one width
LEAST_PEAK = 10.0  # times the noise; fainter stars add more scatter than information
LEAST_NOISE = 1e-6  # of the brightest pixel
ISOLATION = 4.0  # FWHM; a neighbor within this distance spoils the wings of a star
NEIGHBOR_PEAK = 0.1  # of the peak of the star; fainter neighbors spoil nothing
HALF_WINDOW = 1.5  # FWHM; half of the side of the square that is fitted
WORST_RESIDUAL = 0.1  # rms of a fit over the peak; what fits worse is no star
WORST_OFFSET = 1.5  # pixels from where the source was found
FIRST_GUESS = 3.0  # pixels; the second search takes what the first one found
STAR_SPREAD = 0.1  # of the width; galaxies are wider
BACKGROUND_BOX = 64  # pixels; many times as wide as a star
ENOUGH_PIXELS = 2048  # rows and columns in the middle of an image (docs/sharpness.md)
MOST_FITS = 300  # of the brightest sources, so that time is bounded (docs/sharpness.md)
# What DAOFIND takes for stars: its defaults.
STAR_SHARPNESS = (0.2, 1.0)
STAR_ROUNDNESS = (-1.0, 1.0)
ANY_SHAPE = (-np.inf, np.inf)


def middle_images(bands):
    """Return the middle of each image, in memory; there are enough stars in it.

    Lazy images are computed together.
    """
    images = []
    for band in bands:
        middle = []
        for length in band.image.shape:
            margin = max(0, length - ENOUGH_PIXELS) // 2
            middle.append(slice(margin, length - margin))
        images.append(band.image[tuple(middle)])
    return computed(*images)


def measure_star_fwhm(image, band_name):
    """Measure the FWHM of isolated stars.

    Galaxies and H II regions are wider than stars, and differ: stars are the sources
    around the densest width.

    Parameters
    ----------
    image : ndarray of shape (n_rows, n_columns)
        Fluxes; NaN is masked.
    band_name : str
        Of the image, for errors.

    Returns
    -------
    fwhm : float
        In pixels.
    n_stars : int
        Number of stars that it is the median of.
    """
    image = np.array(image, dtype=np.float64)
    masked = np.isnan(image)
    widths = np.empty(0)
    if not masked.all():
        flux, noise = _subtract_background(image, masked)
        widths = fit_sources(flux, masked, noise, FIRST_GUESS)
        if len(widths):  # the finder works best with the width of the stars
            widths = fit_sources(flux, masked, noise, half_sample_mode(widths))
    if len(widths):
        mode = half_sample_mode(widths)
        widths = widths[np.abs(widths - mode) <= STAR_SPREAD * mode]
    if len(widths) < FEWEST_STARS:
        raise ValueError(
            f"Band {band_name!r} shows {len(widths)} isolated stars of one width, but "
            f"{FEWEST_STARS} are needed to measure its FWHM. Pass its fwhm in arcsec "
            "('stars' may stay for other bands)."
        )
    return float(np.median(widths)), len(widths)


def _subtract_background(image, masked):
    """Return the flux above the background, 0 where masked, and its noise."""
    background = import_photutils("background").Background2D(
        image,
        min(BACKGROUND_BOX, *image.shape),
        mask=masked,
        exclude_percentile=100,  # a box counts if it has one pixel
    )
    flux = np.where(masked, 0, image - background.background)
    # Simulated images may have no noise.
    noise = max(mad_std(flux[~masked]), LEAST_NOISE * flux.max())
    return flux, noise


def fit_sources(flux, masked, noise, fwhm):
    """Return the FWHM of isolated round sources near the FWHM that is expected.

    Parameters
    ----------
    flux : ndarray of shape (n_rows, n_columns)
        Above the background, 0 where masked.
    masked : ndarray of bool of shape (n_rows, n_columns)
    noise : float
        Standard deviation of the flux.
    fwhm : float
        Expected FWHM in pixels.

    Returns
    -------
    widths : ndarray of shape (n_sources,)
        In pixels.
    """
    peaks = _find_sources(flux, masked, noise, fwhm, ANY_SHAPE, ANY_SHAPE)
    stars = _find_sources(flux, masked, noise, fwhm, STAR_SHARPNESS, STAR_ROUNDNESS)
    if not len(stars):
        return np.empty(0)
    tree = spatial.cKDTree(peaks[:, :2])
    half = max(3, int(np.ceil(HALF_WINDOW * fwhm)))
    length = 2 * half + 1
    brightest_first = np.argsort(-stars[:, 2], kind="stable")
    widths = []
    for row, column, peak in stars[brightest_first]:
        if len(widths) == MOST_FITS:
            break
        near = peaks[tree.query_ball_point((row, column), ISOLATION * fwhm)]
        distance = np.hypot(near[:, 0] - row, near[:, 1] - column)
        is_neighbor = distance > 1  # the star itself may be found a little off
        if np.any(is_neighbor & (near[:, 2] > NEIGHBOR_PEAK * peak)):
            continue
        top = round(row) - half
        left = round(column) - half
        if top < 0 or left < 0:
            continue
        window = slice(top, top + length), slice(left, left + length)
        if flux[window].shape != (length, length) or masked[window].any():
            continue
        width, _ = fit_gaussian(flux[window], fwhm)
        widths.append(width)
    widths = np.array(widths)
    return widths[(1 < widths) & (widths < 2 * half)]  # not NaN, of what fits badly


def _find_sources(flux, masked, noise, fwhm, sharpness, roundness):
    """Return (row, column, peak) of the sources within two ranges of DAOFIND."""
    if not noise > 0:
        return []
    finder = import_photutils("detection").DAOStarFinder(
        LEAST_PEAK * noise,
        fwhm,
        sharpness_range=sharpness,
        roundness_range=roundness,
    )
    no_detections = import_photutils("utils.exceptions").NoDetectionsWarning
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", no_detections)
        table = finder(flux, mask=masked)
    if table is None:
        return []
    rows = np.asarray(table["y_centroid"])
    columns = np.asarray(table["x_centroid"])
    return np.column_stack([rows, columns, np.asarray(table["peak"])])


def fit_gaussian(cutout, fwhm):
    """Fit a round Gaussian on a constant, sampled at the pixel centers.

    Parameters
    ----------
    cutout : ndarray of shape (n_rows, n_columns)
        A source, with its peak near the middle.
    fwhm : float
        First guess in pixels.

    Returns
    -------
    fwhm : float
        In pixels; NaN if the source is no Gaussian, or not near the middle.
    offset : ndarray of shape (2,)
        Rows and columns from the middle to the center; NaN too.
    """
    n_rows, n_columns = cutout.shape
    rows = np.arange(n_rows)[:, np.newaxis] - n_rows // 2
    columns = np.arange(n_columns) - n_columns // 2
    border = np.concatenate([cutout[0], cutout[-1], cutout[:, 0], cutout[:, -1]])
    level = np.median(border)
    height = cutout[n_rows // 2, n_columns // 2] - level
    if not height > 0:
        return np.nan, np.full(2, np.nan)
    scaled = (cutout - level) / height

    def misfit(parameters):
        peak, row, column, sigma, constant = parameters
        squares = ((rows - row) ** 2 + (columns - column) ** 2) / (2 * sigma**2)
        return (peak * np.exp(-squares) + constant - scaled).ravel()

    start = [1, 0, 0, fwhm * gaussian_fwhm_to_sigma, 0]
    fit = optimize.least_squares(misfit, start, method="lm")
    _, row, column, sigma, _ = fit.x
    residual = np.sqrt(np.mean(fit.fun**2))
    if residual > WORST_RESIDUAL or np.hypot(row, column) > WORST_OFFSET:
        return np.nan, np.full(2, np.nan)
    return float(abs(sigma) / gaussian_fwhm_to_sigma), fit.x[1:3]


def half_sample_mode(values):
    """Return the half-sample mode of numbers (Bickel and Fruehwirth 2006).

    The densest half of the numbers is taken again and again, until two are left.
    """
    values = np.sort(values)
    while len(values) > 2:
        half = (len(values) + 1) // 2
        spans = values[half - 1 :] - values[: len(values) - half + 1]
        start = int(np.argmin(spans))
        if half == 2 and len(values) == 3 and spans[0] == spans[1]:
            return float(values[1])
        values = values[start : start + half]
    return float(values.mean())

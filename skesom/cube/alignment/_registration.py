# SPDX-License-Identifier: BSD-3-Clause
"""The check that bands on the same pixels show the same sky there."""

import warnings

import numpy as np
from astropy.stats import mad_std
from scipy import fft

from skesom._common.blocks import find_valid
from skesom.cube.convolution._filtering import smooth

TOLERANCE = 0.5  # pixels of a shift without a warning
WINDOW = 1024  # pixels; the middle of a large image is enough
# Pixels: noise is finer, the shape of the galaxy is coarser and differs between bands.
FINE_SIGMA, COARSE_SIGMA = 1.0, 8.0
# What chance gives: noise stays below 5 deviations and a correlation of .1.
LEAST_CORRELATION = 0.15
LEAST_DEVIATIONS = 8.0


def find_shift(image, reference):
    """Return the (rows, columns) where the correlation of images peaks, or None."""
    parts = [_structure(band) for band in (image, reference)]
    if any(part is None for part in parts):
        return None
    shape = [fft.next_fast_len(2 * length, real=True) for length in image.shape]
    spectra = [fft.rfft2(part, shape) for part in parts]
    correlation = fft.fftshift(fft.irfft2(spectra[0] * np.conj(spectra[1]), shape))
    row, column = np.unravel_index(np.argmax(correlation), shape)
    peak = correlation[row, column]
    on_edge = not (0 < row < shape[0] - 1 and 0 < column < shape[1] - 1)
    least = max(LEAST_CORRELATION, LEAST_DEVIATIONS * mad_std(correlation))
    if peak < least or on_edge:
        return None
    near = correlation[row - 1 : row + 2, column - 1 : column + 2]
    beside = near[:, 1], near[1]
    middle = np.array(shape) // 2
    return np.array([row, column]) - middle + [_vertex(values) for values in beside]


def _structure(band):
    """Return structures between two widths, of mean 0 and norm 1, None without."""
    band = band.astype(np.float64)
    structure = smooth(band, FINE_SIGMA) - smooth(band, COARSE_SIGMA)
    valid = ~np.isnan(structure)
    scale = mad_std(structure[valid]) if valid.any() else 0
    if not scale > 0:
        return None
    structure = np.arcsinh(structure / (3 * scale))  # so that no star outweighs all
    structure -= structure[valid].mean()
    structure[~valid] = 0  # flat, so that borders of gaps do not correlate
    return structure / np.linalg.norm(structure)


def _vertex(values):
    """Return where a parabola through three values at -1, 0 and 1 is highest."""
    before, at, after = values
    curvature = before - 2 * at + after
    return 0.0 if curvature == 0 else 0.5 * (before - after) / curvature


def warn_of_shifts(cube, reference):
    """Warn of bands that are shifted against the reference band."""
    window = _busy_window(cube)
    against = cube.data[*window, reference]
    shifts = np.zeros((cube.shape[2], 2))
    for band in set(range(cube.shape[2])) - {reference}:
        found = find_shift(cube.data[*window, band], against)
        shifts[band] = np.nan if found is None else found
    places = np.flatnonzero(np.hypot(*shifts.T) > TOLERANCE)
    shifted = [_describe(cube, band, shifts[band]) for band in places]
    if shifted:
        warnings.warn(
            f"Against band {cube.band_names[reference]!r}, the sky seems to be shifted "
            f"in {'; '.join(shifted)}. Correct the WCS of one of them before the bands "
            "are compared pixel by pixel.",
            UserWarning,
            stacklevel=4,
        )
    return shifts


def _busy_window(cube):
    """Return slices of rows and columns in the middle of the valid pixels."""
    valid = find_valid(cube.data)
    window = []
    for axis, length in enumerate(valid.shape):
        count = np.cumsum(valid.sum(axis=1 - axis))
        middle = np.searchsorted(count, count[-1] / 2)
        start = int(np.clip(middle - WINDOW // 2, 0, max(0, length - WINDOW)))
        window.append(slice(start, start + min(WINDOW, length)))
    return tuple(window)


def _describe(cube, band, shift):
    """Return the text on the shift of one band."""
    rows, columns = shift
    words = f"{cube.band_names[band]!r} by {rows:+.1f} rows and {columns:+.1f} columns"
    if cube.pixel_scale is None:
        return words
    return f"{words} ({np.hypot(*(shift * cube.pixel_scale)):.3g} arcsec)"

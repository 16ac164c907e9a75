# SPDX-License-Identifier: BSD-3-Clause
"""How far two images lie apart: the peak of the correlation of their structures."""

from typing import NamedTuple

import numpy as np
from astropy.stats import mad_std
from scipy import fft

from skesom.cube.convolution.filtering import smooth

# Pixels: noise is finer, the shape of the galaxy is coarser and differs between bands.
FINE_SIGMA = 1.0
COARSE_SIGMA = 6.0
CLEAR = 5.0  # deviations of noise: it gets there once in three million places
# Of a peak at any place. Two fields that have nothing in common but a bright middle
# reach one of the two (docs/benchmarks/registration.py).
LEAST_CORRELATION = 0.15
LEAST_DEVIATIONS = 8.0
# Pixels. Pointings of telescopes are good to an arcsec or two: 20 pixels of most
# cameras. What lies further away is another field, or a WCS that a person must see.
LARGEST_SHIFT = 20.0
STEP = 0.01  # pixels between the places where a correlation is computed
SPARSE = 3  # pixels between the values that tell the noise of a correlation


class Structure(NamedTuple):
    """What an image shows between two widths, and where it is transformed."""

    image: np.ndarray  # of mean 0 and norm 1, and 0 where there are no data
    spectrum: np.ndarray  # its Fourier transform, on a larger frame
    n_clear: int  # pixels that stand out of the noise


class Peak(NamedTuple):
    """The peak of the correlation of two structures."""

    shift: np.ndarray  # rows and columns by which the first lies off the second
    correlation: float
    deviations: float  # of the noise of the correlation
    gain: float  # deviations by which it stands above the correlation without a shift

    @property
    def is_sure(self):
        """Whether chance has no such peak, at whatever place."""
        is_high = self.correlation >= LEAST_CORRELATION
        return is_high and self.deviations >= LEAST_DEVIATIONS


def find_shift(image, reference):
    """Return the (rows, columns) by which an image lies off a reference.

    None if they have too little in common.
    """
    peak = find_peak(find_structure(image), find_structure(reference))
    if peak is None or not peak.is_sure:
        return None
    return peak.shift


def find_structure(image):
    """Return the structure of an image that may have gaps, None if it shows nothing."""
    image = image.astype(np.float64)
    values = smooth(image, FINE_SIGMA) - smooth(image, COARSE_SIGMA)
    valid = ~np.isnan(values)
    if not valid.any():
        return None
    scale = mad_std(values[valid])
    if not scale > 0:
        return None
    n_clear = int(np.count_nonzero(values > CLEAR * scale))
    # What is bright counts by its place alone: its shape differs between bands.
    values = np.tanh(values / (2 * scale))
    values -= values[valid].mean()
    values[~valid] = 0  # flat, so that borders of gaps do not correlate
    values = (values / np.linalg.norm(values)).astype(np.float32)
    spectrum = fft.rfft2(values, _frame_shape(values.shape))
    return Structure(values, spectrum, n_clear)


def find_peak(first, second):
    """Return the peak of the correlation of two structures, None if it is noise."""
    if first is None or second is None:
        return None
    frame = _frame_shape(first.image.shape)
    spectrum = first.spectrum * np.conj(second.spectrum)
    correlation = fft.irfft2(spectrum, frame)
    row, column = np.unravel_index(np.argmax(correlation), frame)
    height = correlation[row, column]
    noise = mad_std(correlation[::SPARSE, ::SPARSE])
    if not height >= CLEAR * noise > 0:
        return None
    # The frame is a torus: from its middle on, indices stand for negative shifts.
    n_rows, n_columns = frame
    row = (row + n_rows // 2) % n_rows - n_rows // 2
    column = (column + n_columns // 2) % n_columns - n_columns // 2
    shift = _refine(spectrum, frame, np.array([row, column]))
    gain = (height - correlation[0, 0]) / noise
    return Peak(shift, float(height), float(height / noise), float(gain))


def _frame_shape(shape):
    """Return the size of a frame in which no shift that is corrected comes around."""
    frame = []
    for length in shape:
        frame.append(fft.next_fast_len(int(length + 2 * LARGEST_SHIFT), real=True))
    return frame


def _refine(spectrum, frame, peak):
    """Return the peak of a correlation between pixels, as (rows, columns).

    The method of Guizar-Sicairos et al. (2008): within a pixel of the peak, and only
    there, the correlation is computed at small steps. The inverse Fourier transform to
    these places is a product of three matrices.

    Parameters
    ----------
    spectrum : ndarray of complex
        Of the correlation, the half that is not redundant.
    frame : list of int
        Rows and columns of the correlation.
    peak : ndarray of int of shape (2,)
    """
    n_rows, n_columns = frame
    row, column = peak
    steps = np.arange(-1, 1 + STEP / 2, STEP)
    rows = 2j * np.pi * (steps + row)[:, np.newaxis]
    columns = 2j * np.pi * (steps + column)[:, np.newaxis]
    half = np.full(spectrum.shape[1], 2.0)  # the other half is conjugate
    half[0] = 1
    left = np.exp(rows * fft.fftfreq(n_rows))
    right = np.exp(columns * fft.rfftfreq(n_columns)) * half
    fine = (left @ spectrum @ right.T).real
    finest_row, finest_column = np.unravel_index(np.argmax(fine), fine.shape)
    return peak + np.array([steps[finest_row], steps[finest_column]])

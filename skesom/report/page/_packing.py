# SPDX-License-Identifier: BSD-3-Clause
"""Arrays as elements of the page, and fluxes as whole numbers that take little room."""

import base64
import zlib
from typing import NamedTuple

import numpy as np

from skesom._common.noise import noise_from_changes

_STEPS_OF_NOISE = 4  # of a faint flux
_RELATIVE_STEP = 0.01  # of a bright flux
_MOST_CODES = 65535  # of a flux; 0 stands for none
_MEDIAN_SAMPLE = 1_000_000
_LEVEL = 7  # of zlib: 9 takes four times as long for a page smaller by 0.2 %
_NO_STEP = 128  # makes steps within 128 positive, so that few have a second byte
_JAVASCRIPT_TYPES = {
    "u1": "Uint8Array",
    "u2": "Uint16Array",
    "i2": "Int16Array",
    "f4": "Float32Array",
    "f8": "Float64Array",
}


def packed(name, array):
    """Return an array as an element of the page, which `read_array` of page.js reads.

    The first bytes of all numbers come before the second ones, which are compressed
    better alone.
    """
    array = np.ascontiguousarray(array)
    kind = _JAVASCRIPT_TYPES[array.dtype.str[1:]]
    little_endian = array.astype(array.dtype.newbyteorder("<"))
    values = little_endian.reshape(-1).view(np.uint8)
    planes = values.reshape(-1, array.itemsize).T.tobytes()
    text = base64.b64encode(zlib.compress(planes, _LEVEL)).decode("ascii")
    return (
        f'<script type="text/plain" data-name="{name}" data-kind="{kind}">'
        f"{text}</script>"
    )


def steps_of(array):
    """Return the steps from pixel to pixel, around 128, which are compressed better.

    Whole numbers without sign wrap around, here and where `start` of page.js adds them.
    """
    zero = array.dtype.type(0)
    no_step = array.dtype.type(_NO_STEP)
    return np.diff(array.ravel(), prepend=zero) + no_step


class Scale(NamedTuple):
    """How the codes of a band stand for fluxes.

    The flux of a code is ``level + softening * sinh(low + step * (code - 1))``.
    """

    level: float
    softening: float
    low: float
    step: float
    dark: float  # code of the darkest and the brightest gray of the picture
    bright: float


def encode_band(flux):
    """Return a band as whole numbers, even for the noise, and relative where bright.

    A step is 1/4 of the noise, as of FITS files that fpack compresses (Pence et al.
    2010), or 1 % of what is above the median, whichever is larger; finer only if the
    band has no noise.

    Parameters
    ----------
    flux : ndarray of shape (n_rows, n_columns)
        NaN where there is none.

    Returns
    -------
    codes : ndarray of uint16, shape (n_rows, n_columns)
        From 1; 0 where there is no flux.
    scale : Scale
    """
    fluxes = flux[~np.isnan(flux)].astype(np.float64)
    if len(fluxes) == 0:
        scale = Scale(level=0.0, softening=1.0, low=0.0, step=1.0, dark=1.0, bright=2.0)
        return np.zeros(flux.shape, dtype=np.uint16), scale
    level = float(np.median(fluxes[:: len(fluxes) // _MEDIAN_SAMPLE + 1]))
    softening = _noise_of(flux, fluxes) / _STEPS_OF_NOISE / _RELATIVE_STEP
    curved = np.arcsinh((flux.astype(np.float64) - level) / softening)
    low = float(np.nanmin(curved))
    high = float(np.nanmax(curved))
    step = max(_RELATIVE_STEP, (high - low) / (_MOST_CODES - 1))
    codes = np.nan_to_num(np.rint((curved - low) / step) + 1, nan=0.0)
    codes = codes.astype(np.uint16)
    dark, bright = np.percentile(codes[codes > 0], [1.0, 99.7]).tolist()
    scale = Scale(
        level=level,
        softening=softening,
        low=low,
        step=step,
        dark=dark,
        bright=max(bright, dark + 1),
    )
    return codes, scale


def _noise_of(flux, fluxes):
    """Return the noise of a band, or a part of its range or of a value; never 0."""
    noise = noise_from_changes(flux)
    if noise:
        return noise
    step = float(np.ptp(fluxes)) / 1000
    if step != 0:
        return step
    return abs(float(fluxes[0])) or 1.0


def encode_bands(cube):
    """Return the bands of a cube as whole numbers, and the facts about them."""
    codes = []
    bands = []
    for number, name in enumerate(cube.band_names):
        code, scale = encode_band(cube.data[:, :, number])
        unit = cube.band_units[number]
        facts = scale._asdict()
        facts["name"] = name
        facts["unit"] = "" if unit is None else unit.to_string()
        codes.append(code)
        bands.append(facts)
    return np.stack(codes), bands


def values_of_codes(codes, cube):
    """Return the mean value of a cube for each number of each band, NaN for none."""
    n_codes = int(codes.max(initial=0)) + 1
    values = np.full((len(codes), n_codes), np.nan, dtype=np.float32)
    for band, band_codes in enumerate(codes):
        flux = cube.data[:, :, band]
        is_known = (band_codes > 0) & ~np.isnan(flux)
        sums = np.bincount(band_codes[is_known], flux[is_known], n_codes)
        counts = np.bincount(band_codes[is_known], minlength=n_codes)
        np.divide(sums, counts, out=values[band], where=counts > 0, casting="same_kind")
    return values


def finite(number):
    """Return a number for JSON, which has no NaN."""
    if np.isfinite(number):
        return float(f"{number:.6g}")
    return None

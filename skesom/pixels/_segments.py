# SPDX-License-Identifier: BSD-3-Clause
"""Segments of an image: find them, and take the spectrum of each."""

import math

import numpy as np
from scipy.ndimage import distance_transform_edt

from skesom._common.labels import MASKED


def find_segments(scaled, valid, size, compactness):
    """Cut an image into patches of similar neighboring pixels."""
    slic = _import_slic()
    image = np.empty_like(scaled)
    for band in range(scaled.shape[2]):
        image[:, :, band] = _fill(scaled[:, :, band], valid)
    image /= math.sqrt(scaled.shape[2])
    # scikit-image scales by the extremes, which a single star would set.
    spread = float(np.ptp(image)) or 1
    segments = slic(
        image,
        n_segments=max(1, round(valid.size / size)),
        compactness=compactness / spread,
        convert2lab=False,
        channel_axis=-1,
    )
    return _renumber(segments, valid)


def _import_slic():
    """Return the function of scikit-image."""
    try:
        from skimage.segmentation import slic
    except ImportError as error:
        raise ImportError(
            "Superpixels need scikit-image: pip install skesom[superpixels]"
        ) from error
    return slic


def _fill(flux, valid):
    """Give pixels without flux that of the nearest with, 0 if there is none."""
    known = valid & ~np.isnan(flux)
    if known.all():
        return flux
    if not known.any():
        return np.zeros_like(flux)
    nearest = distance_transform_edt(
        ~known, return_distances=False, return_indices=True
    )
    return flux[tuple(nearest)]


def _renumber(segments, valid):
    """Return segments without masked pixels, by the first pixel that is left."""
    _, first, place = np.unique(segments[valid], return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int32)
    rank[np.argsort(first)] = np.arange(len(first))
    numbered = np.full(valid.shape, MASKED, dtype=np.int32)
    numbered[valid] = rank[place]
    return numbered


def segment_spectra(cube, segments, statistic):
    """Return the spectra of segments."""
    valid = segments >= 0
    rows = segments[valid]
    spectrum = _mean if statistic == "mean" else _median
    spectra = np.empty((rows.max() + 1, cube.shape[2]), dtype=cube.dtype)
    for band in range(cube.shape[2]):
        spectra[:, band] = spectrum(cube.data[:, :, band][valid], rows, len(spectra))
    return spectra


def _mean(flux, rows, n_rows):
    """Return the mean flux of each row without NaN, NaN if there is nothing else."""
    known = ~np.isnan(flux)
    total = np.bincount(rows[known], weights=flux[known], minlength=n_rows)
    count = np.bincount(rows[known], minlength=n_rows)
    return np.divide(total, count, out=np.full(n_rows, np.nan), where=count > 0)


def _median(flux, rows, n_rows):
    """Return the median flux of each row without NaN, NaN if there is nothing else."""
    known = ~np.isnan(flux)
    count = np.bincount(rows[known], minlength=n_rows)
    ordered = flux[known][np.lexsort((flux[known], rows[known]))].astype(np.float64)
    start, some = np.cumsum(count) - count, count > 0
    median = np.full(n_rows, np.nan)
    middle = (start + (count - 1) // 2)[some], (start + count // 2)[some]
    median[some] = (ordered[middle[0]] + ordered[middle[1]]) / 2
    return median

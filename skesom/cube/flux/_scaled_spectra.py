# SPDX-License-Identifier: BSD-3-Clause
"""Bands scaled to like variance, their brightness, and their principal components."""

import numpy as np

from skesom._common.threads import one_blas_thread

NO_VARIANCE = 1e-10  # of a component, when the bands have variance 1


class BandScaling:
    """Scales spectra by the mean and the standard deviation of each band.

    Sums of floats depend on the order of their terms. So spectra are sorted by what is
    known of their bands: whatever the order of the bands in a cube, sums over the bands
    of a spectrum have the same bits.

    Parameters
    ----------
    mean, deviation : ndarray of shape (n_bands,)
        What is subtracted from each band, and what it is divided by then.

    Attributes
    ----------
    order : ndarray of int of shape (n_bands,)
        Number in the cube of each band of a scaled spectrum.
    """

    def __init__(self, mean, deviation):
        self.mean = mean
        self.deviation = deviation
        self.order = np.lexsort((deviation, mean))

    def scale(self, pixels):
        """Return scaled spectra of shape (n_pixels, n_bands), the bands in `order`.

        They lie band by band in memory: on that, too, the last bits of sums depend.
        """
        order = self.order
        bands = pixels.T.take(order, axis=0) - self.mean[order, np.newaxis]
        return (bands / self.deviation[order, np.newaxis]).T


def brightness_of(spectra):
    """Return the mean of the bands that each spectrum has, NaN where it has none.

    Parameters
    ----------
    spectra : ndarray of shape (..., n_bands)
        Scaled spectra, NaN where a band is missing.

    Returns
    -------
    brightness : ndarray of shape (...)
    """
    is_present = ~np.isnan(spectra)
    total = np.where(is_present, spectra, 0).sum(axis=-1)
    with np.errstate(invalid="ignore"):
        return total / is_present.sum(axis=-1)


def find_components(data, is_valid, scaling):
    """Return the principal components of scaled bands.

    Parameters
    ----------
    data : ndarray of shape (n_rows, n_columns, n_bands)
        Fluxes.
    is_valid : ndarray of bool of shape (n_rows, n_columns)
        Pixels that have all bands.
    scaling : BandScaling
        Scaling of the bands.

    Returns
    -------
    variance : ndarray of shape (n_bands,)
        Variances of the components, falling.
    components : ndarray of shape (n_bands, n_bands)
        Components as columns; the bands in the order of the scaling.
    """
    n_bands = data.shape[2]
    products = np.zeros((n_bands, n_bands))
    with one_blas_thread():
        for row in range(len(data)):
            spectra = scaling.scale(data[row][is_valid[row]])
            products += spectra.T @ spectra
        variance, components = np.linalg.eigh(products / np.count_nonzero(is_valid))
    return np.maximum(variance[::-1], 0), components[:, ::-1]


def find_components_of_few(data, is_valid, scaling):
    """Return the principal components of fewer pixels than bands.

    As `find_components`, but only those that vary: at most one for each pixel. The
    matrix of products of pixels has the same eigenvalues as that of products of bands.
    It is the smaller one, so that the time is linear in the number of bands.
    """
    spectra = scaling.scale(data[is_valid])
    n_pixels = len(spectra)
    with one_blas_thread():
        variance, weights = np.linalg.eigh(spectra @ spectra.T / n_pixels)
        varies = variance > NO_VARIANCE
        variance = variance[varies][::-1]
        weights = weights[:, varies][:, ::-1]
        components = spectra.T @ weights / np.sqrt(n_pixels * variance)
    return variance, components

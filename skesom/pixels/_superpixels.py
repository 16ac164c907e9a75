# SPDX-License-Identifier: BSD-3-Clause
"""Patches of similar neighboring pixels as rows of a table, and back to the sky."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skesom._common.estimator import by_fit
from skesom._common.extras import import_extra
from skesom._common.labels import MASKED, mark_sky
from skesom._types import CubeLike
from skesom.cube.base import check_cube
from skesom.pixels.flattening import Flattener, some_valid, unflatten


class SuperpixelFlattener(Flattener):
    """Turn a cube into a table of superpixels: patches of similar neighbors.

    The table has fewer rows than that of `CubeFlattener`, with less noise.

    Parameters
    ----------
    size : float, default=16
        Pixels in a superpixel, on average.
    compactness : float, default=0.7
        Standard deviations of the bands that weigh as much as the distance between
        superpixels; high values give squares.
    statistic : {"mean", "median"}, default="mean"
        Which spectrum a superpixel has, of the pixels that have the band.
    min_bands : int, default=None
        Bands that must be there for a pixel to be valid; all by default.

    Attributes
    ----------
    segments_ : ndarray of shape (n_rows, n_columns), dtype int32
        Row of the table to which each pixel of the fitted cube belongs, -3 if it is
        masked (-2 if as sky). Numbered by the first pixel in raster order.
    sizes_ : ndarray of shape (n_superpixels,), dtype int64
        Number of valid pixels in each.
    mean_, scale_ : ndarray of shape (n_bands,)
        Mean and standard deviation of each band over the valid pixels.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the bands seen during fit.
    band_names_ : tuple of str
        Names of the bands seen during fit.

    Raises
    ------
    ValueError
        If no pixel is valid, the number of bands differs from the fitted one, or the
        cube is lazy.
    ImportError
        If scikit-image is missing.

    See Also
    --------
    CubeFlattener : A row for each pixel.

    Notes
    -----
    Simple linear iterative clustering (SLIC) [1]_ of scikit-image: k-means of spectra
    and positions. Stretch fluxes before, else a few stars make all the variance. Masked
    pixels count as their nearest valid neighbors, but belong to no superpixel.

    References
    ----------
    .. [1] R. Achanta, A. Shaji, K. Smith, A. Lucchi, P. Fua and S. Süsstrunk, "SLIC
       Superpixels Compared to State-of-the-Art Superpixel Methods", IEEE Transactions
       on Pattern Analysis and Machine Intelligence 34 (2012), 2274,
       https://doi.org/10.1109/TPAMI.2012.120

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.pipeline import make_pipeline
    >>> from skesom.pixels import SuperpixelFlattener
    >>> cube = np.random.default_rng(0).normal(0, 0.1, size=(40, 40, 3))
    >>> cube[:, 20:] += 1
    >>> pipeline = make_pipeline(SuperpixelFlattener(), KMeans(2, random_state=0))
    >>> labels = pipeline.fit_predict(cube)
    >>> label_map = pipeline[0].inverse_transform(labels)
    >>> label_map.shape, bool(np.all(label_map[:, :20] != label_map[0, 20]))
    ((40, 40), True)
    """

    # What a model in a file may hold: kind and axes of each array.
    _stored = {
        "mean_": "reals features",
        "scale_": "reals features",
    }

    _parameter_constraints = {
        "size": [Interval(Real, 1, None, closed="left")],
        "compactness": [Interval(Real, 0, None, closed="neither")],
        "statistic": [StrOptions({"mean", "median"})],
        "min_bands": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        size: float = 16,
        *,
        compactness: float = 0.7,
        statistic: Literal["mean", "median"] = "mean",
        min_bands: int | None = None,
    ) -> None:
        self.size = size
        self.compactness = compactness
        self.statistic = statistic
        self.min_bands = min_bands

    def _transform(self, X):
        segments = self.segment(X)
        return _segment_spectra(check_cube(X), segments, self.statistic)

    @by_fit
    def segment(self, X: CubeLike) -> NDArray[np.int32]:
        """Find the superpixels of a cube by the fitted scales.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube.

        Returns
        -------
        segments : ndarray of shape (n_rows, n_columns), dtype int32
            Row of each pixel in the table, as in `segments_`.

        Examples
        --------
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.pixels import SuperpixelFlattener
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> flattener = SuperpixelFlattener().fit(cube)
        >>> bool((flattener.segment(cube) == flattener.segments_).all())
        True
        """
        check_is_fitted(self)
        cube = self._check(X, reset=False)
        valid = some_valid(cube, "pixel", self.min_bands)
        return mark_sky(self._segment(cube, valid), cube.sky_mask)

    def _check(self, X, *, reset):
        cube = check_cube(X, estimator=self, reset=reset)
        if cube.is_lazy:
            raise ValueError(
                "Superpixels are found in a whole image, but the cube is lazy. Pass "
                "cube.compute() if it fits into memory, else use CubeFlattener."
            )
        return cube

    def _inverse_transform(self, X):
        return unflatten(X, self.segments_)

    def _fit(self, X):
        """Find the superpixels and return their spectra."""
        cube = self._check(X, reset=True)
        valid = some_valid(cube, "pixel", self.min_bands)
        pixels = cube.data[valid].astype(np.float64)
        self.mean_ = _mean_of_known(pixels)
        scale = np.sqrt(_mean_of_known((pixels - self.mean_) ** 2))
        self.scale_ = np.where(scale > 0, scale, 1)
        self.segments_ = mark_sky(self._segment(cube, valid), cube.sky_mask)
        self.sizes_ = np.bincount(self.segments_[valid])
        self.band_names_ = cube.band_names
        return _segment_spectra(cube, self.segments_, self.statistic)

    def _segment(self, cube, valid):
        """Return the row of each pixel."""
        image = np.empty(cube.shape, dtype=cube.dtype)
        for band in range(cube.shape[2]):
            flux = (cube.data[:, :, band] - self.mean_[band]) / self.scale_[band]
            image[:, :, band] = _fill(flux.astype(cube.dtype, copy=False), valid)
        return _find_segments(image, valid, self.size, self.compactness)


def _mean_of_known(values):
    """Return the mean of each column without its NaN, 0 if there is nothing else."""
    known = ~np.isnan(values)
    return np.sum(values, axis=0, where=known) / np.maximum(known.sum(axis=0), 1)


def _find_segments(image, valid, size, compactness):
    """Cut an image into patches of similar neighboring pixels."""
    text = "Superpixels need scikit-image: pip install 'skesom[superpixels]'"
    segmentation = import_extra("skimage.segmentation", text)
    image /= math.sqrt(image.shape[2])
    # scikit-image scales by the extremes, which a single star would set.
    spread = float(np.ptp(image)) or 1
    segments = segmentation.slic(
        image,
        n_segments=max(1, round(valid.size / size)),
        compactness=compactness / spread,
        convert2lab=False,
        channel_axis=-1,
    )
    # Without masked pixels, numbered by the first pixel that is left.
    _, first, place = np.unique(segments[valid], return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    numbered = np.full(valid.shape, MASKED, dtype=np.int32)
    numbered[valid] = rank[place]
    return numbered


def _fill(flux, valid):
    """Give pixels without flux that of the nearest with, 0 if there is none."""
    known = valid & ~np.isnan(flux)
    if known.all():
        return flux
    if not known.any():
        return np.zeros_like(flux)
    nearest = ndimage.distance_transform_edt(
        ~known, return_distances=False, return_indices=True
    )
    return flux[tuple(nearest)]


def _segment_spectra(cube, segments, statistic):
    """Return the spectra of segments; NaN where a band has nothing else."""
    measure = ndimage.mean if statistic == "mean" else ndimage.median
    spectra = np.full((segments.max() + 1, cube.shape[2]), np.nan, dtype=cube.dtype)
    for band in range(cube.shape[2]):
        flux = cube.data[:, :, band]
        known = (segments >= 0) & ~np.isnan(flux)
        some = np.unique(segments[known])
        if len(some):
            flux = flux[known].astype(np.float64)
            spectra[some, band] = measure(flux, segments[known], some)
    return spectra

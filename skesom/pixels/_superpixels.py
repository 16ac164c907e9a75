# SPDX-License-Identifier: BSD-3-Clause
"""Patches of similar neighboring pixels as rows of a table, and back to the sky."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skesom._common.blocks import find_valid
from skesom._common.labels import mark_sky
from skesom.cube import check_cube
from skesom.pixels._flatten import unflatten
from skesom.pixels._segments import find_segments, segment_spectra


class SuperpixelFlattener(TransformerMixin, BaseEstimator):
    """Turn a cube into a table of superpixels: patches of similar neighbors.

    Stands where `CubeFlattener` stands. The table has fewer rows, with less noise, and
    a map of its clusters has no lonely pixels.

    Parameters
    ----------
    size : float, default=16
        Pixels in a superpixel, on average.
    compactness : float, default=0.7
        How many standard deviations of the bands weigh as much as the distance between
        superpixels. Low values follow the light closely, high ones give squares.
    statistic : {"mean", "median"}, default="mean"
        Which spectrum a superpixel has.
    min_bands : int, default=None
        Bands that must be there for a pixel to be valid; all by default. With fewer,
        missing bands do not count in a superpixel, which lacks a band only if all its
        pixels do.

    Attributes
    ----------
    segments_ : ndarray of shape (n_rows, n_columns), dtype int32
        Row of the table to which each pixel of the fitted cube belongs, -3 if it is
        masked (-2 if as sky). Numbered by the first pixel in raster order.
    sizes_ : ndarray of shape (n_superpixels,), dtype int64
        Number of valid pixels in each: weights for what counts pixels.
    mean_, scale_ : ndarray of shape (n_bands,)
        Mean and standard deviation of each band over the valid pixels.
    n_features_in_ : int
        Number of bands seen during fit.
    band_names_ : tuple of str
        Names of the bands seen during fit.

    Raises
    ------
    ValueError
        If no pixel is valid, or the number of bands differs from the fitted one.
    ImportError
        If scikit-image is missing.

    See Also
    --------
    CubeFlattener : A row for each pixel.
    unflatten : Puts rows back to their pixels, also for cubes that were not fitted.

    Notes
    -----
    Simple linear iterative clustering (SLIC) [1]_ of scikit-image: k-means of spectra
    and positions that starts from a grid. The bands are scaled to a mean variance of 1
    before; fluxes should be stretched, else a few stars make all the variance.

    Masked pixels are given the spectrum of the nearest valid one, so that a gap is no
    edge, and belong to no superpixel in the end. Beside gaps some superpixels are
    small: hence the weights.

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

    _parameter_constraints = {
        "size": [Interval(Real, 1, None, closed="left")],
        "compactness": [Interval(Real, 0, None, closed="neither")],
        "statistic": [StrOptions({"mean", "median"})],
        "min_bands": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(self, size=16, *, compactness=0.7, statistic="mean", min_bands=None):
        self.size = size
        self.compactness = compactness
        self.statistic = statistic
        self.min_bands = min_bands

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Find the superpixels of a cube.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube.
        y : None
            Ignored, present for API consistency.

        Returns
        -------
        self : SuperpixelFlattener
            The fitted transformer.
        """
        self._fit(X)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X, y=None):
        """Find the superpixels of a cube and return them as a table.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube.
        y : None
            Ignored, present for API consistency.

        Returns
        -------
        table : ndarray of shape (n_superpixels, n_bands)
            Their spectra.
        """
        return segment_spectra(self._fit(X), self.segments_, self.statistic)

    def transform(self, X):
        """Return the superpixels of a cube as a table.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube; its own superpixels are found.

        Returns
        -------
        table : ndarray of shape (n_superpixels, n_bands)
            Their spectra.
        """
        segments = self.segment(X)
        return segment_spectra(check_cube(X), segments, self.statistic)

    def segment(self, X):
        """Find the superpixels of a cube by the fitted scales.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube.

        Returns
        -------
        segments : ndarray of shape (n_rows, n_columns), dtype int32
            Row to which each pixel belongs in what `transform` returns for the same
            cube, -3 if it is masked, -2 if that is because it is sky. `unflatten`
            takes it as the way back.
        """
        check_is_fitted(self)
        cube = check_cube(X, estimator=self, reset=False)
        return mark_sky(self._segment(cube, self._valid(cube)), cube.sky_mask)

    def inverse_transform(self, X):
        """Give every pixel of the fitted cube what its superpixel has.

        Parameters
        ----------
        X : array-like of shape (n_superpixels,) or (n_superpixels, n_values)
            Labels or numbers, one row for each superpixel of the fitted cube. For
            another cube use `unflatten` with what `segment` returns.

        Returns
        -------
        image : ndarray of shape (n_rows, n_columns) or (n_rows, n_columns, n_values)
            -3 (labels) or NaN (numbers) where a pixel is masked; labels of sky that was
            set aside are -2.
        """
        check_is_fitted(self)
        return unflatten(X, self.segments_)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns, which are those of the bands.

        Parameters
        ----------
        input_features : None
            Ignored, present for API consistency.

        Returns
        -------
        names : ndarray of str
            The bands.
        """
        check_is_fitted(self)
        return np.asarray(self.band_names_, dtype=object)

    def _fit(self, X):
        """Find the superpixels and return the cube."""
        cube = check_cube(X, estimator=self, reset=True)
        valid = self._valid(cube)
        pixels = cube.data[valid].astype(np.float64)
        self.mean_ = np.nan_to_num(_mean_of_known(pixels))
        scale = np.sqrt(np.nan_to_num(_mean_of_known((pixels - self.mean_) ** 2)))
        self.scale_ = np.where(scale > 0, scale, 1)
        self.segments_ = mark_sky(self._segment(cube, valid), cube.sky_mask)
        self.sizes_ = np.bincount(self.segments_[valid])
        self.band_names_ = cube.band_names
        return cube

    def _valid(self, cube):
        """Return which pixels are valid, at least one."""
        valid = find_valid(cube.data, self.min_bands)
        if not valid.any():
            raise ValueError(
                f"All {valid.size} pixels are masked: none has "
                f"{self.min_bands or cube.shape[2]} bands with data. Mask less, or let "
                "partly observed pixels through with min_bands."
            )
        return valid

    def _segment(self, cube, valid):
        """Return the row of each pixel."""
        scaled = np.empty(cube.shape, dtype=cube.dtype)
        for band in range(cube.shape[2]):
            flux = (cube.data[:, :, band] - self.mean_[band]) / self.scale_[band]
            scaled[:, :, band] = flux
        return find_segments(scaled, valid, self.size, self.compactness)


def _mean_of_known(values):
    """Return the mean of each column without its NaN, NaN if there is nothing else."""
    known = ~np.isnan(values)
    total = np.sum(values, axis=0, where=known)
    count = known.sum(axis=0)
    return np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)

# SPDX-License-Identifier: BSD-3-Clause
"""The step of a Pipeline at which a cube becomes a table."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skesom._common.labels import mark_sky
from skesom.cube import check_cube
from skesom.pixels._flatten import flatten, unflatten


class CubeFlattener(TransformerMixin, BaseEstimator):
    """Turn a cube into the table of its valid pixels: the step that changes rows.

    Parameters
    ----------
    pattern : {"pixel", "voxel"}, default="pixel"
        A row for the spectrum of each pixel, or a row for each single flux.
    min_bands : int, default=None
        Bands that must be there for a pixel to be valid; all by default.
    copy : bool, default=True
        False moves the valid pixels together in the memory of the cube, which is lost
        then. That is right after a step that has made a new cube.
    n_jobs : int, default=None
        Number of threads.

    Attributes
    ----------
    valid_ : ndarray of bool
        The valid pixels of the fitted cube, of shape (n_rows, n_columns), or
        (n_rows, n_columns, n_bands) for voxels.
    n_features_in_ : int
        Number of bands seen during fit.
    band_names_ : tuple of str
        Names of the bands seen during fit.
    sky_mask_ : ndarray of bool of shape (n_rows, n_columns) or None
        Pixels of the fitted cube that were set aside as sky, None if none were.

    Raises
    ------
    ValueError
        If no pixel is valid, or the number of bands differs from the fitted one.

    See Also
    --------
    skesom.maps.CubeClusterer : Keeps one row per pixel: cube in, label map out.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.pipeline import make_pipeline
    >>> from skesom.pixels import CubeFlattener
    >>> cube = np.random.default_rng(0).normal(size=(8, 9, 3))
    >>> pipeline = make_pipeline(CubeFlattener(), KMeans(2, random_state=0))
    >>> labels = pipeline.fit_predict(cube)
    >>> pipeline[0].inverse_transform(labels).shape
    (8, 9)
    """

    _parameter_constraints = {
        "pattern": [StrOptions({"pixel", "voxel"})],
        "min_bands": [Interval(Integral, 1, None, closed="left"), None],
        "copy": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(self, pattern="pixel", *, min_bands=None, copy=True, n_jobs=None):
        self.pattern = pattern
        self.min_bands = min_bands
        self.copy = copy
        self.n_jobs = n_jobs

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Remember the valid pixels.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube.
        y : None
            Ignored, present for API consistency.

        Returns
        -------
        self : CubeFlattener
            The fitted transformer.
        """
        self._fit(X)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X, y=None):
        """Remember the valid pixels and return them as a table.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube.
        y : None
            Ignored, present for API consistency.

        Returns
        -------
        table : ndarray of shape (n_valid, n_bands) or (n_valid, 1)
            The valid pixels in raster order.
        """
        return self._fit(X)

    def transform(self, X):
        """Return the valid pixels of a cube as a table.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube.

        Returns
        -------
        table : ndarray of shape (n_valid, n_bands) or (n_valid, 1)
            The valid pixels of this cube in raster order.
        """
        check_is_fitted(self)
        return self._flatten(check_cube(X, estimator=self, reset=False))[0]

    def inverse_transform(self, X):
        """Put rows back to the pixels of the fitted cube.

        Parameters
        ----------
        X : array-like of shape (n_valid,) or (n_valid, n_values)
            Labels or numbers, one row for each valid pixel of the fitted cube. For
            another cube use `unflatten`.

        Returns
        -------
        image : ndarray of shape valid_.shape or valid_.shape + (n_values,)
            -3 (labels) or NaN (numbers) where a pixel is masked, labels of sky that
            was set aside are -2. The voxel pattern gives the spectra back where X is a
            column of fluxes.
        """
        check_is_fitted(self)
        X = np.asarray(X)
        if self.pattern == "voxel" and X.ndim == 2 and X.shape[1] == 1:
            X = X[:, 0]
        return mark_sky(unflatten(X, self.valid_), self.sky_mask_)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns.

        Parameters
        ----------
        input_features : None
            Ignored, present for API consistency.

        Returns
        -------
        names : ndarray of str
            The bands, or "flux" for the voxel pattern.
        """
        check_is_fitted(self)
        names = ["flux"] if self.pattern == "voxel" else self.band_names_
        return np.asarray(names, dtype=object)

    def _fit(self, X):
        cube = check_cube(X, estimator=self, reset=True)
        table, self.valid_ = self._flatten(cube)
        self.band_names_ = cube.band_names
        self.sky_mask_ = cube.sky_mask
        return table

    def _flatten(self, cube):
        return flatten(
            cube,
            pattern=self.pattern,
            min_bands=self.min_bands,
            copy=self.copy,
            n_jobs=self.n_jobs,
        )

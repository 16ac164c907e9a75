# SPDX-License-Identifier: BSD-3-Clause
"""Cluster the pixels of a cube: cube in, label map out."""

from numbers import Integral

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClusterMixin,
    MetaEstimatorMixin,
    _fit_context,
    clone,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skesom.cube import check_cube
from skesom.pixels import MASKED, flatten, unflatten, valid_pixels
from skesom.som import ESOM


def check_bands(values, band_names):
    """Refuse bands that cannot tell pixels apart.

    Parameters
    ----------
    values : ndarray of shape (..., n_bands)
        Fluxes; NaN marks missing ones.
    band_names : sequence of str of length n_bands
        The bands, for the message.

    Raises
    ------
    ValueError
        If a band is NaN everywhere, or has the same value wherever it is not.
    """
    bands = np.moveaxis(values, -1, 0)
    least = np.array([np.fmin.reduce(band, axis=None) for band in bands])
    most = np.array([np.fmax.reduce(band, axis=None) for band in bands])
    empty = np.flatnonzero(np.isnan(least))
    if len(empty):
        raise ValueError(
            f"Band {band_names[empty[0]]!r} has no data: all its pixels are NaN. Leave "
            "it out."
        )
    constant = np.flatnonzero(least == most)
    if len(constant) == len(bands) > 1:
        raise ValueError(
            f"Nothing tells pixels apart: the bands {', '.join(band_names)} are all "
            "constant in the pixels that are left. Give images with more than noise."
        )
    if len(constant):
        raise ValueError(
            f"Band {band_names[constant[0]]!r} is constant ({least[constant[0]]:g} in "
            "all pixels with data), so it cannot tell pixels apart. Leave it out."
        )


def _fitted_or_given_predicts(clusterer):
    estimator = getattr(clusterer, "estimator_", clusterer.estimator)
    if estimator is None or hasattr(estimator, "predict"):
        return True
    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    raise AttributeError(
        f"{type(last).__name__} cannot label pixels that it was not fitted on; use "
        "fit_predict, or labels_ after fit."
    )


class CubeClusterer(MetaEstimatorMixin, ClusterMixin, BaseEstimator):
    """Cluster the pixels of a cube with any clusterer of tables.

    Rows in are rows out: a cube of (n_rows, n_columns, n_bands) gives a label map of
    (n_rows, n_columns), so cross-validation may cut the sky into strips.

    Parameters
    ----------
    estimator : clusterer or Pipeline that ends in one, default=None
        Takes the table of the valid pixels. It is cloned; None stands for
        ``make_pipeline(StandardScaler(), ESOM(random_state=0))``.
    pattern : {"pixel", "voxel"}, default="pixel"
        A row of the table is the spectrum of a pixel, or one flux; the label map of
        voxels has the shape of the cube.
    min_bands : int, default=None
        Bands that must be there for a pixel to be labelled; all by default. The
        estimator must accept NaN for fewer, as ESOM and CSOM do.

    Attributes
    ----------
    estimator_ : estimator
        The fitted clusterer.
    labels_ : ndarray of shape (n_rows, n_columns), dtype int32
        Label map of the fitted cube: clusters from 0 by falling size, -1 for noise (of
        clusterers that know it), -3 for masked pixels.
    n_clusters_ : int
        Number of clusters.
    n_features_in_ : int
        Number of bands seen during fit.

    Raises
    ------
    ValueError
        If no pixel is valid, a band is the same in all valid pixels, or the number of
        bands differs from the fitted one.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.cluster import KMeans
    >>> from skesom.maps import CubeClusterer
    >>> cube = np.zeros((4, 4, 2))
    >>> cube[:2] = 1
    >>> cube[0, 0] = np.nan
    >>> CubeClusterer(KMeans(2, random_state=0)).fit_predict(cube)
    array([[-3,  1,  1,  1],
           [ 1,  1,  1,  1],
           [ 0,  0,  0,  0],
           [ 0,  0,  0,  0]], dtype=int32)
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["fit_predict"]), None],
        "pattern": [StrOptions({"pixel", "voxel"})],
        "min_bands": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(self, estimator=None, *, pattern="pixel", min_bands=None):
        self.estimator = estimator
        self.pattern = pattern
        self.min_bands = min_bands

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Cluster the valid pixels of a cube.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube.
        y : None
            Ignored, present for API consistency.

        Returns
        -------
        self : CubeClusterer
            The fitted clusterer.
        """
        cube = check_cube(X, estimator=self, reset=True)
        table, valid = self.table(cube)
        if len(table) > 1:
            names = ["flux"] if self.pattern == "voxel" else cube.band_names
            check_bands(table, names)
        estimator = self.estimator
        if estimator is None:
            estimator = make_pipeline(StandardScaler(), ESOM(random_state=0))
        estimator = clone(estimator)
        labels = np.asarray(estimator.fit_predict(table))
        self.estimator_ = estimator
        self._clusters, sizes = np.unique(labels[labels >= 0], return_counts=True)
        self.n_clusters_ = len(self._clusters)
        self._ranks = np.empty(self.n_clusters_, dtype=np.int32)
        self._ranks[np.argsort(-sizes, kind="stable")] = np.arange(self.n_clusters_)
        self.labels_ = unflatten(self._ranked(labels), valid)
        return self

    @available_if(_fitted_or_given_predicts)
    def predict(self, X):
        """Label the valid pixels of a cube.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            A cube of the same bands; it may have no valid pixel.

        Returns
        -------
        label_map : ndarray of shape (n_rows, n_columns), dtype int32
            Labels as in `labels_`, -3 for masked pixels.
        """
        check_is_fitted(self)
        cube = check_cube(X, estimator=self, reset=False)
        valid = valid_pixels(cube, pattern=self.pattern, min_bands=self.min_bands)
        if not valid.any():
            return np.full(valid.shape, MASKED, dtype=np.int32)
        table, valid = self.table(cube)
        return unflatten(self._ranked(self.estimator_.predict(table)), valid)

    def table(self, X):
        """Return the valid pixels as the estimator gets them.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube.

        Returns
        -------
        table : ndarray of shape (n_valid, n_bands) or (n_valid, 1)
            The valid pixels in raster order.
        valid : ndarray of bool
            Which pixels (or voxels) are valid.
        """
        return flatten(X, pattern=self.pattern, min_bands=self.min_bands)

    def _ranked(self, labels):
        """Translate the labels of the estimator to ranks by size.

        A label that no pixel had during fit becomes -1, noise.
        """
        labels = np.asarray(labels)
        if self.n_clusters_ == 0:
            return labels.astype(np.int32)
        place = np.searchsorted(self._clusters, labels)
        place = np.minimum(place, self.n_clusters_ - 1)
        known = self._clusters[place] == labels
        return np.where(known, self._ranks[place], np.minimum(labels, -1)).astype(
            np.int32
        )

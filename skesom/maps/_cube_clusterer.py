# SPDX-License-Identifier: BSD-3-Clause
"""Cluster the pixels of a cube: cube in, label map out."""

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClusterMixin,
    _fit_context,
    clone,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skesom._common.labels import mark_sky
from skesom._common.pipelines import pipeline_end
from skesom.cube import Cube
from skesom.maps._cluster_costs import cluster_costs, typical_margin
from skesom.maps._cluster_warnings import warn_of_clusters
from skesom.maps._pixel_table import PixelTableMixin
from skesom.pixels import unflatten
from skesom.som import ESOM


def _fitted_or_given_predicts(clusterer):
    estimator = getattr(clusterer, "estimator_", clusterer.estimator)
    if estimator is None or hasattr(estimator, "predict"):
        return True
    raise AttributeError(
        f"{_kind(estimator)} cannot label pixels that it was not fitted on; use "
        "fit_predict, or labels_ after fit."
    )


def _has_agreement(clusterer):
    estimator = getattr(clusterer, "estimator_", clusterer.estimator)
    if hasattr(pipeline_end(estimator)[0], "agreement"):
        return True
    raise AttributeError(f"{_kind(estimator)} is no consensus whose members may agree.")


def _check_predicts(estimator):
    if not hasattr(estimator, "predict"):
        raise ValueError(
            f"{_kind(estimator)} cannot label pixels that it was not fitted on, so it "
            "has to learn from all: leave out the sampler."
        )


def _kind(estimator):
    return type(pipeline_end(estimator)[0]).__name__


def _fwhm_in_pixels(cube):
    """Return the width of the widest band in pixels, None if it is unknown."""
    if not isinstance(cube, Cube) or cube.pixel_scale is None:
        return None
    if np.isnan(cube.fwhm).all():
        return None
    return float(np.nanmax(cube.fwhm) / np.sqrt(np.prod(cube.pixel_scale))) or None


class CubeClusterer(PixelTableMixin, ClusterMixin, BaseEstimator):
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
        Bands that must be there for a pixel to be labeled; all by default. The
        estimator must accept NaN for fewer, as ESOM and CSOM do.
    sampler : PixelSampler, default=None
        Chooses the pixels to learn from, of which all are labeled; the estimator must
        have ``predict`` then. By default it learns from all.
    regularizer : MajorityVote or ConditionalModes, default=None
        Lets neighboring pixels agree after each has been labeled on its own, so that
        labels flicker less in noise. By default pixels stay alone. Not for voxels.

    Attributes
    ----------
    estimator_ : estimator
        The fitted clusterer.
    labels_ : ndarray of shape (n_rows, n_columns), dtype int32
        Label map of the fitted cube: clusters from 0 by falling size, -1 for noise (of
        clusterers that know it), -2 for sky that was set aside (by a step that gives a
        `Cube`, whose ``sky_mask`` tells it), -3 for pixels without data.
    agreement_ : ndarray of shape (n_rows, n_columns), dtype float32
        Share of the members that agree on each pixel, NaN for masked ones; only if
        the clusterer is a `ConsensusClusterer`.
    n_clusters_ : int
        Number of clusters.
    n_features_in_ : int
        Number of bands seen during fit.

    Raises
    ------
    ValueError
        If no pixel is valid, a band is the same in all valid pixels, or the number of
        bands differs from the fitted one.

    Warns
    -----
    UserWarning
        If there are fewer than five pixels per cluster or fewer pixels than bands, or
        if one cluster holds more than 90 % of the clustered pixels; each says what to
        do.

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
        **PixelTableMixin._pixel_constraints,
        "sampler": [HasMethods(["sample"]), None],
        "regularizer": [HasMethods(["regularize"]), None],
    }

    def __init__(
        self,
        estimator=None,
        *,
        pattern="pixel",
        min_bands=None,
        sampler=None,
        regularizer=None,
    ):
        self.estimator = estimator
        self.pattern = pattern
        self.min_bands = min_bands
        self.sampler = sampler
        self.regularizer = regularizer

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
        if self.regularizer is not None and self.pattern == "voxel":
            raise ValueError(
                "A regularizer compares the labels of neighboring pixels; voxels of "
                "different bands are none. Use pattern='pixel' or no regularizer."
            )
        table, valid = self._training_table(X)
        estimator = self.estimator
        if estimator is None:
            estimator = make_pipeline(StandardScaler(), ESOM(random_state=0))
        estimator = clone(estimator)
        if self.sampler is None:
            labels = np.asarray(estimator.fit_predict(table))
        else:
            _check_predicts(estimator)
            rows = self._sampled_rows(X, valid)
            labels = np.asarray(estimator.fit(table[rows]).predict(table))
        self.estimator_ = estimator
        self._clusters = np.unique(labels[labels >= 0])
        labels = self._numbered(labels)
        if self.regularizer is not None:
            labels = self._regularized(X, table, valid, labels, reset=True)
        sizes = np.bincount(labels[labels >= 0], minlength=len(self._clusters))
        self.n_clusters_ = np.count_nonzero(sizes)
        self._ranks = np.empty(len(sizes), dtype=np.int32)
        self._ranks[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
        self._ranks[sizes == 0] = -1
        wanted = getattr(pipeline_end(estimator)[0], "n_clusters", None)
        warn_of_clusters(labels, table.shape[1], asked_for=wanted)
        self.labels_ = mark_sky(
            unflatten(self._ranked(labels), valid), getattr(X, "sky_mask", None)
        )
        end, _ = pipeline_end(estimator)
        if hasattr(end, "agreement_"):
            agreement = end.agreement_
            if self.sampler is not None:
                agreement = self._agreement_of(table)
            self.agreement_ = unflatten(agreement, valid)
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
            Labels as in `labels_`, -2 for sky, -3 for pixels without data.
        """
        check_is_fitted(self)
        return self._map(
            X,
            lambda table, valid: self._labels_of(X, table, valid),
            np.empty(0, dtype=np.int32),
        )

    @available_if(_has_agreement)
    def agreement(self, X):
        """Return the share of the members of the consensus that agree on each pixel.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            A cube of the same bands.

        Returns
        -------
        agreement : ndarray of shape (n_rows, n_columns), dtype float32
            As `agreement_`.
        """
        check_is_fitted(self)
        return self._map(
            X,
            lambda table, valid: self._agreement_of(table),
            np.empty(0, dtype=np.float32),
        )

    def _agreement_of(self, table):
        consensus, rows = pipeline_end(self.estimator_, table)
        return consensus.agreement(rows)

    def _labels_of(self, X, table, valid):
        """Return the ranks of the clusters of the rows of a table."""
        labels = self._numbered(self.estimator_.predict(table))
        if self.regularizer is not None:
            labels = self._regularized(X, table, valid, labels, reset=False)
        return self._ranked(labels)

    def _sampled_rows(self, X, valid):
        """Return which rows of the table the sampler chooses."""
        pixels = valid if valid.ndim == 2 else valid.any(axis=2)
        chosen = clone(self.sampler).sample(X, pixels)
        return chosen[valid] if valid.ndim == 2 else chosen[np.nonzero(valid)[:2]]

    def _regularized(self, X, table, valid, labels, *, reset):
        """Return the labels after neighboring pixels have been heard."""
        costs = None
        if getattr(self.regularizer, "needs_costs", False):
            costs = cluster_costs(self.estimator_, table, labels, self._clusters)
            if reset:
                self._cost_unit = typical_margin(costs)
            costs /= self._cost_unit
            costs = unflatten(costs, valid)
        label_map = self.regularizer.regularize(
            unflatten(labels, valid), costs, fwhm=_fwhm_in_pixels(X)
        )
        return label_map[valid]

    def _numbered(self, labels):
        """Translate the labels of the estimator to places among those seen in fit.

        A label that no pixel had during fit becomes -1, noise.
        """
        labels = np.asarray(labels)
        if len(self._clusters) == 0:
            return labels.astype(np.int32)
        place = np.searchsorted(self._clusters, labels)
        place = np.minimum(place, len(self._clusters) - 1)
        known = self._clusters[place] == labels
        return np.where(known, place, np.minimum(labels, -1)).astype(np.int32)

    def _ranked(self, labels):
        """Translate places to ranks by size, -1 for clusters that ended empty."""
        if len(self._ranks) == 0:
            return labels
        return np.where(labels >= 0, self._ranks[np.maximum(labels, 0)], labels)

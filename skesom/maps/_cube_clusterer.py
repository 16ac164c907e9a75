# SPDX-License-Identifier: BSD-3-Clause
"""Cluster the pixels of a cube: cube in, label map out."""

import warnings
from numbers import Integral

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClusterMixin,
    MetaEstimatorMixin,
    _fit_context,
    clone,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skesom._common.labels import mark_sky, ranks_by_size
from skesom._common.pipelines import pipeline_end
from skesom.cube import CubeInput, check_cube
from skesom.maps._comparison import renumber
from skesom.maps._errors import apply, at_end, errors_to_apply, errors_to_learn
from skesom.pixels import flatten, unflatten, valid_pixels
from skesom.som import ESOM


def _last_class(estimator):
    return type(pipeline_end(estimator)[0]).__name__


def _predicts(wrapper):
    estimator = getattr(wrapper, "estimator_", wrapper.estimator)
    if estimator is None or hasattr(estimator, "predict"):
        return True
    raise AttributeError(
        f"{_last_class(estimator)} cannot label pixels that it was not fitted on; use "
        "fit_predict, or labels_ after fit."
    )


class PixelTableMixin(CubeInput, MetaEstimatorMixin):
    """Mixin of the estimators that pass the valid pixels of a cube to another one."""

    _pixel_constraints = {
        "pattern": [StrOptions({"pixel", "voxel"})],
        "min_bands": [Interval(Integral, 1, None, closed="left"), None],
    }

    def table(self, X):
        """Return the valid pixels as the estimator gets them, and which are valid."""
        return flatten(X, pattern=self.pattern, min_bands=self.min_bands)

    @available_if(_predicts)
    def predict(self, X):
        """Label the valid pixels of a cube.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            A cube of the same bands; it may have no valid pixel.

        Returns
        -------
        label_map : ndarray of shape (n_rows, n_columns), dtype int32
            Labels; -2 for sky (the ``sky_mask`` of a `Cube`), -3 without data.
        """
        return self._map(X, self._labels_of, np.empty(0, dtype=np.int32))

    def _training_table(self, X):
        """Return a cube to learn from, its table and which pixels are valid."""
        cube = check_cube(X, estimator=self, reset=True)
        table, valid = self.table(cube)
        if len(table) > 1:
            names = ["flux"] if self.pattern == "voxel" else cube.band_names
            check_bands(table, names)
        return cube, table, valid

    def _map(self, X, values_of, empty):
        """Return values_of(table, valid, cube) as an image; empty without any pixel."""
        check_is_fitted(self)
        cube = check_cube(X, estimator=self, reset=False)
        valid = valid_pixels(cube, pattern=self.pattern, min_bands=self.min_bands)
        values = values_of(self.table(cube)[0], valid, cube) if valid.any() else empty
        return mark_sky(unflatten(values, valid), cube.sky_mask)


def check_bands(values, band_names):
    """Refuse bands without data, and constant ones."""
    bands = np.moveaxis(values, -1, 0)
    least = np.array([np.fmin.reduce(band, axis=None) for band in bands])
    most = np.array([np.fmax.reduce(band, axis=None) for band in bands])
    for band in np.flatnonzero(np.isnan(least)):
        raise ValueError(
            f"Band {band_names[band]!r} has no data, only NaN. Leave it out."
        )
    constant = np.flatnonzero(least == most)
    if len(constant) == len(bands) > 1:
        raise ValueError(
            f"Nothing tells pixels apart: the bands {', '.join(band_names)} are all "
            "constant in the valid pixels."
        )
    for band in constant:
        raise ValueError(
            f"Band {band_names[band]!r} is constant ({least[band]:g} in all pixels "
            "with data), so it cannot tell pixels apart. Leave it out."
        )


def _has_agreement(clusterer):
    estimator = getattr(clusterer, "estimator_", clusterer.estimator)
    if hasattr(pipeline_end(estimator)[0], "agreement"):
        return True
    raise AttributeError(
        f"{_last_class(estimator)} is no consensus whose members may agree."
    )


class CubeClusterer(PixelTableMixin, ClusterMixin, BaseEstimator):
    """Cluster the pixels of a cube with any clusterer of tables.

    Parameters
    ----------
    estimator : clusterer or Pipeline that ends in one, default=None
        Takes the table of the valid pixels. It is cloned; None stands for
        ``make_pipeline(StandardScaler(), ESOM(random_state=0))``.
    pattern : {"pixel", "voxel"}, default="pixel"
        A row of the table is a pixel with all bands, or one flux; the label map of
        voxels has the shape of the cube.
    min_bands : int, default=None
        Bands that must be there for a pixel to be labeled; all by default. Fewer need
        an estimator that accepts NaN, as ESOM and CSOM do.
    sampler : PixelSampler, default=None
        Chooses the pixels to learn from, by default all; the estimator must have
        ``predict`` for the others.
    regularizer : MajorityVote, default=None
        A vote of neighboring pixels, against labels that flicker in noise; none by
        default. Not for voxels.

    Attributes
    ----------
    estimator_ : estimator
        The fitted clusterer.
    labels_ : ndarray of shape (n_rows, n_columns), dtype int32
        Label map of the fitted cube: clusters from 0 by falling size, -1 for noise,
        else as from `predict`.
    agreement_ : ndarray of shape (n_rows, n_columns), dtype float32
        Share of the members of a `ConsensusClusterer` that agree on each pixel, NaN
        for masked ones; not of other clusterers.
    n_clusters_ : int
        Number of clusters.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the bands seen during fit.

    Raises
    ------
    ValueError
        If no pixel is valid, a band is the same in all valid pixels, or the number of
        bands differs from the fitted one.

    Warns
    -----
    UserWarning
        If pixels are fewer than five per cluster or than bands, or if one cluster holds
        more than 90 % of them; if a cube has errors, and they are not used or some are
        not known.

    Notes
    -----
    The errors of a `Cube` go to an estimator that takes ``errors``: a `CSOM`, a
    `ConsensusClusterer` of them, or a Pipeline of `StandardScaler`, `PCA` and these.
    The median error of each band in the fitted pixels is added in quadrature, so that
    bright pixels do not rule the map (`docs/preparing_images.md`). A value whose
    error is NaN, 0 or negative gets that median.

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
        cube, table, valid = self._training_table(X)
        estimator = self.estimator
        if estimator is None:
            estimator = make_pipeline(StandardScaler(), ESOM(random_state=0))
        estimator = clone(estimator)
        errors, typical = errors_to_learn(estimator, cube, table, valid)
        labels = self._fit_predict(estimator, table, errors, valid, cube)
        self._typical_errors = typical
        self.estimator_, labels = estimator, np.asarray(labels)
        self._clusters = np.unique(labels[labels >= 0])
        labels = self._voted(self._numbered(labels), valid, cube)
        sizes = np.bincount(labels[labels >= 0], minlength=len(self._clusters))
        self.n_clusters_ = np.count_nonzero(sizes)
        self._ranks = np.where(sizes > 0, ranks_by_size(sizes), np.int32(-1))
        last, _ = pipeline_end(estimator)
        wanted = getattr(last, "n_clusters", None)
        for text in _doubts(labels, table.shape[1], asked_for=wanted):
            warnings.warn(text, UserWarning, stacklevel=3)  # the line that calls fit
        label_map = unflatten(renumber(labels, self._ranks), valid)
        self.labels_ = mark_sky(label_map, cube.sky_mask)
        if hasattr(last, "agreement_"):
            is_part = self.sampler is not None
            agreement = last.agreement_
            if is_part:
                agreement = apply(estimator, "agreement", table, errors)
            self.agreement_ = unflatten(agreement, valid)
        return self

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
        return self._map(X, self._agreement_of, np.empty(0, dtype=np.float32))

    def _agreement_of(self, table, valid, cube):
        return self._apply("agreement", table, valid, cube)

    def _labels_of(self, table, valid, cube):
        labels = self._numbered(self._apply("predict", table, valid, cube))
        return renumber(self._voted(labels, valid, cube), self._ranks)

    def _apply(self, method, table, valid, cube):
        """Return what a method of the estimator gives, with the errors of the cube."""
        errors = errors_to_apply(self, cube, table, valid)
        return apply(self.estimator_, method, table, errors)

    def _clusters_of(self, labels):
        """Return the clusters that labels of the estimator stand for."""
        return renumber(self._numbered(labels), self._ranks)

    def _fit_predict(self, estimator, table, errors, valid, cube):
        """Fit the estimator to the sampled rows, and return its labels of all rows."""
        if self.sampler is None and errors is None:
            return estimator.fit_predict(table)
        if self.sampler is None:
            last, table, errors = at_end(estimator, table, errors, fit=True)
            return last.fit_predict(table, errors=errors)
        if not hasattr(estimator, "predict"):
            raise ValueError(
                f"{_last_class(estimator)} cannot label pixels that it was not "
                "fitted on, so it has to learn from all: leave out the sampler."
            )
        pixels = valid if valid.ndim == 2 else valid.any(axis=2)
        chosen = clone(self.sampler).sample(cube, pixels)
        rows = chosen[valid] if valid.ndim == 2 else chosen[np.nonzero(valid)[:2]]
        if errors is None:
            return estimator.fit(table[rows]).predict(table)
        last, some, of_some = at_end(estimator, table[rows], errors[rows], fit=True)
        last.fit(some, errors=of_some)
        return apply(estimator, "predict", table, errors)

    def _numbered(self, labels):
        """Return the place of each label among those of fit, -1 for other labels."""
        labels = np.asarray(labels)
        places = np.minimum(labels, -1).astype(np.int32)
        known = np.isin(labels, self._clusters)
        places[known] = np.searchsorted(self._clusters, labels[known])
        return places

    def _voted(self, places, valid, cube):
        """Return the places after the vote of neighboring pixels, if there is one."""
        if self.regularizer is None:
            return places
        image = unflatten(places, valid)
        return self.regularizer.regularize(image, **_sharpness(cube))[valid]


def _sharpness(cube):
    """Return the width of the widest band and the size of a pixel, if known."""
    if cube.pixel_scale is None:
        return {}
    scale = float(np.sqrt(np.prod(cube.pixel_scale)))
    fwhm = None if np.isnan(cube.fwhm).all() else float(np.nanmax(cube.fwhm)) or None
    return {"fwhm": fwhm, "pixel_scale": scale}


# The mean of five pixels is uncertain by 45 % of their scatter; fewer are just noise.
_FEWEST_PIXELS_PER_CLUSTER = 5
_LARGEST_SHARE = 0.9  # the largest of eight clusters holds 20 to 50 % in galaxies


def _doubts(labels, n_bands, *, asked_for=None):
    """Return the warnings of too few pixels, or of one cluster with nearly all."""
    sizes = np.bincount(labels[labels >= 0])
    n_clusters, n_pixels = np.count_nonzero(sizes), len(labels)
    share = sizes.max(initial=0) / max(sizes.sum(), 1)
    if n_clusters > 1 and n_pixels < _FEWEST_PIXELS_PER_CLUSTER * n_clusters:
        yield (
            f"{n_pixels} pixels are few for {n_clusters} clusters: a cluster of "
            f"{n_pixels / n_clusters:.2g} pixels is hardly more than their noise. Ask "
            "for fewer clusters, or mask less."
        )
    if 1 < n_pixels < n_bands:
        yield (
            f"{n_pixels} pixels are few for {n_bands} bands: distances between so few "
            "spectra are mostly noise. Average neighboring bands (BandBinner, "
            "--bin-bands), or reduce them to a few by PCA (--pca)."
        )
    if share > _LARGEST_SHARE and n_pixels > 1 and asked_for != 1:
        yield (
            f"One cluster holds {share:.1%} of the clustered pixels: outliers, empty "
            "sky or few bright pixels rule the map. Stretch the fluxes (AsinhStretch), "
            "mask outliers and sky (CubeMasker), or try another epsilon or number of "
            "clusters."
        )

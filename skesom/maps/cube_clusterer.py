# SPDX-License-Identifier: BSD-3-Clause
"""Cluster the pixels of a cube: cube in, label map out."""

from __future__ import annotations

from copy import copy
from functools import reduce
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClusterMixin, MetaEstimatorMixin, clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skesom._common.decorators import available_if, fit_context
from skesom._common.estimator import LinkedEstimator, by_fit, keep_parameters
from skesom._common.labels import MASKED, SKY, count_clusters, mark_sky, ranks_by_size
from skesom._common.lazy import computed, in_memory, is_lazy, take_rows
from skesom._common.lazy_strips import in_memory_by_strips
from skesom._common.pipelines import last_name, map_inside, pipeline_end, with_end
from skesom._common.strip_calls import each_block
from skesom._common.strips import strips_of
from skesom._common.texts import list_names
from skesom._common.warn import warn_user
from skesom._sky.lengths import side_of_pixel, widest_fwhm
from skesom._types import CubeLike
from skesom.consensus import ConsensusClusterer
from skesom.cube.base import CubeInput, check_cube
from skesom.maps.comparison import renumber
from skesom.maps.neighbor_agreement import agreement_with_neighbors
from skesom.maps.pixel_tables import (
    apply,
    at_end,
    drop_lazy_labels,
    errors_to_apply,
    errors_to_learn,
    in_blocks,
    is_large,
    learn_more,
    to_apply,
    to_learn,
    with_errors,
)
from skesom.maps.seen_pixels import SeenPixels
from skesom.pixels import flatten, unflatten
from skesom.pixels.flattening import some_valid, table_of, valid_pixels
from skesom.som import ESOM
from skesom.som.tree import check_cut as check_cut_of_tree
from skesom.som.tree import has_tree

if TYPE_CHECKING:
    from skesom.maps._majority_vote import MajorityVote
    from skesom.pixels import PixelSampler


def _predicts(wrapper):
    estimator = getattr(wrapper, "estimator_", wrapper.estimator)
    if estimator is None or hasattr(estimator, "predict"):
        return True
    raise AttributeError(
        f"{last_name(estimator)} cannot label pixels that it was not fitted on; use "
        "fit_predict, or labels_ after fit."
    )


class PixelTableMixin(CubeInput, MetaEstimatorMixin):
    """Mixin of the estimators that pass the valid pixels of a cube to another one."""

    _pixel_constraints = {
        "pattern": [StrOptions({"pixel", "voxel"})],
        "min_bands": [Interval(Integral, 1, None, closed="left"), None],
    }
    _typical_errors = None  # of those that were learned with

    @by_fit
    def table(self, X: CubeLike) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the valid pixels as the estimator gets them, and which are valid.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            A cube.

        Returns
        -------
        table : ndarray of shape (n_valid, n_bands) or (n_valid, 1)
            As from `skesom.pixels.flatten`; that of a lazy cube is lazy.
        valid : ndarray of bool
            Which pixels, or voxels, are its rows.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.maps import CubeClusterer
        >>> table, valid = CubeClusterer().table(np.zeros((4, 5, 2)))
        >>> table.shape, valid.shape
        ((20, 2), (4, 5))
        """
        return flatten(X, pattern=self.pattern, min_bands=self.min_bands)

    @available_if(_predicts)
    @by_fit
    def predict(self, X: CubeLike) -> NDArray[np.int32]:
        """Label the valid pixels of a cube.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            A cube of the same bands; it may have no valid pixel. A lazy one is
            computed twice, strip by strip.

        Returns
        -------
        label_map : ndarray of shape (n_rows, n_columns), dtype int32
            Labels; -2 for sky (the ``sky_mask`` of a `Cube`), -3 without data. In
            memory also for a lazy cube.

        Examples
        --------
        >>> from sklearn.cluster import KMeans
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.maps import CubeClusterer
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> clusterer = CubeClusterer(KMeans(4, random_state=0)).fit(cube[:20])
        >>> clusterer.predict(cube).shape
        (40, 40)
        """
        empty = np.empty(0, dtype=np.int32)
        label_map, cube, sky_mask = self._map(X, "predict", empty)
        return mark_sky(self._as_clusters(label_map, cube), sky_mask)

    def _training_table(self, X):
        """Return a cube to learn from, its table and which pixels are valid."""
        cube = check_cube(X, estimator=self, reset=True)
        # A sampler looks at the cube once more.
        copy = bool(getattr(self, "_copy", True) or getattr(self, "sampler", None))
        table, valid = flatten(
            cube, pattern=self.pattern, min_bands=self.min_bands, copy=copy
        )
        if len(table) > 1:  # every band of a single pixel is constant
            names = ["flux"] if self.pattern == "voxel" else cube.band_names
            check_bands(table, names, "all that masks leave, after scaling")
        return cube, table, valid

    def _map(self, X, method, empty):
        """Return what a method of the estimator gives as image, the cube, its sky."""
        check_is_fitted(self)
        cube = check_cube(X, estimator=self, reset=False)
        valid = valid_pixels(cube, pattern=self.pattern, min_bands=self.min_bands)
        values = empty
        if valid.any():
            values = self._apply(method, table_of(cube, valid), valid, cube)
        image, sky_mask = in_memory_by_strips(unflatten(values, valid), cube.sky_mask)
        return image, cube, sky_mask

    def _as_clusters(self, label_map, cube):
        """Return an image of labels of the estimator as one of clusters."""
        return label_map


def check_bands(values, band_names, where="all pixels with data"):
    """Refuse bands without data, and constant ones."""
    least, most = _limits(values)
    for band in np.flatnonzero(np.isnan(least)):
        raise ValueError(
            f"Band {band_names[band]!r} has no data, only NaN. Leave it out."
        )
    constant = np.flatnonzero(least == most)
    if len(constant) == len(least) > 1:
        raise ValueError(
            f"Nothing tells pixels apart: the bands {list_names(band_names)} are all "
            "constant in the valid pixels."
        )
    for band in constant:
        raise ValueError(
            f"Band {band_names[band]!r} is constant ({least[band]:g} in {where}), so "
            "it cannot tell pixels apart. Leave it out."
        )


def empty_bands(values):
    """Return which bands hold nothing but NaN, or one value."""
    least, most = _limits(values)
    return ~(least < most)


def _limits(values):
    """Return the least and the largest value of each band."""
    if is_lazy(values):
        from dask import delayed

        parts = [delayed(_limits)(part) for part in values.to_delayed().ravel()]
        least, most = zip(*computed(*parts), strict=True)
        return np.fmin.reduce(least), np.fmax.reduce(most)
    bands = np.moveaxis(values, -1, 0)
    both = [(np.fmin.reduce(b, axis=None), np.fmax.reduce(b, axis=None)) for b in bands]
    return tuple(np.transpose(both))


def _has_agreement(clusterer):
    estimator = getattr(clusterer, "estimator_", clusterer.estimator)
    if hasattr(pipeline_end(estimator)[0], "agreement"):
        return True
    raise AttributeError(
        f"{last_name(estimator)} is no consensus whose members may agree."
    )


def _scores(clusterer):
    estimator = getattr(clusterer, "estimator_", clusterer.estimator)
    last, _ = pipeline_end(estimator)
    if isinstance(last, ConsensusClusterer):
        last, _ = pipeline_end(last._prototype())
    if last is None or hasattr(last, "score"):
        return True
    raise AttributeError(f"{type(last).__name__} has no score.")


def _has_units(clusterer):
    estimator = getattr(clusterer, "estimator_", clusterer.estimator)
    last, _ = pipeline_end(estimator)
    if isinstance(last, ConsensusClusterer):
        last, _ = pipeline_end(last._prototype())
    if last is None or hasattr(last, "winners"):
        return True
    raise AttributeError(f"{type(last).__name__} has no units to measure distances to.")


def _learns_more(clusterer):
    estimator = getattr(clusterer, "estimator_", clusterer.estimator)
    if hasattr(estimator, "partial_fit"):
        return True
    name = "A Pipeline" if estimator is None else type(estimator).__name__
    raise AttributeError(
        f"{name} has no partial_fit, to learn from one cube after the other. Use ESOM, "
        "CSOM or MiniBatchKMeans, and scale the cubes before (ColorScaler)."
    )


class CubeClusterer(PixelTableMixin, ClusterMixin, LinkedEstimator):
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
        ``predict`` for the others. Voxels are those of chosen pixels, or drawn from
        each band on its own (``each_band=True``).
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
        How sure the label of each pixel is, by the members of a `ConsensusClusterer`:
        the mean of its `agreement_` and of that of the four neighbors, which is 0 where
        they are in another cluster (of voxels without neighbors). NaN for masked
        pixels, and everywhere if the members are equal; not of other clusterers.
    n_clusters_ : int
        Number of clusters.
    distance_limit_ : float or None
        Distance to the nearest unit within which 99 % of the fitted pixels are, see
        `distances`; None of clusterers without units, and after `partial_fit`.
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
    bright pixels do not rule the map (`docs/errors_of_pixels.md`). A value whose
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

    labels_: NDArray[np.int32]
    agreement_: NDArray[np.float32]
    n_clusters_: int
    distance_limit_: float | None

    _n_before_cut = None  # clusters of the fit, of a tree that was cut elsewhere
    _sharpness = None, None  # of the cube of fit: widest FWHM and side of a pixel
    _seen = None  # `SeenPixels` of a consensus

    # What a model in a file may hold: kind and axes of each array.
    _stored = {
        "labels_": "classes *",
        "_clusters": "labels places",
        "_ranks": "labels places",
    }

    _parameter_constraints = {
        "estimator": [HasMethods(["fit_predict"]), None],
        **PixelTableMixin._pixel_constraints,
        "sampler": [HasMethods(["sample"]), None],
        "regularizer": [HasMethods(["regularize"]), None],
    }

    def __init__(
        self,
        estimator: BaseEstimator | None = None,
        *,
        pattern: Literal["pixel", "voxel"] = "pixel",
        min_bands: int | None = None,
        sampler: PixelSampler | None = None,
        regularizer: MajorityVote | None = None,
    ) -> None:
        self.estimator = estimator
        self.pattern = pattern
        self.min_bands = min_bands
        self.sampler = sampler
        self.regularizer = regularizer

    def __getstate__(self):
        state = super().__getstate__()
        return {name: state[name] for name in state.keys() - {"_seen"}}

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: CubeLike, y: object = None) -> Self:
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

        Examples
        --------
        >>> from sklearn.cluster import KMeans
        >>> from skesom.maps import CubeClusterer
        >>> from skesom.datasets import make_galaxy_cube
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> int(CubeClusterer(KMeans(4, random_state=0)).fit(cube).n_clusters_)
        4
        """
        self._check_regularizer()
        cube, table, valid = self._training_table(X)
        estimator = self.estimator
        if estimator is None:
            estimator = make_pipeline(StandardScaler(), ESOM(random_state=0))
        estimator = clone(estimator)
        if self.sampler is None:
            table = to_learn(estimator, table)
        errors, typical = errors_to_learn(estimator, cube, table, valid)
        labels, agreement = self._fit_predict(estimator, table, errors, valid, cube)
        self._typical_errors = typical
        self._n_before_cut = None
        self.estimator_ = estimator
        self.distance_limit_ = self._limit_of(table, errors)
        keep_parameters(self)
        self._sharpness = _sharpness(cube)
        sizes = self._take_labels(labels, agreement, valid, cube.sky_mask)
        last, _ = pipeline_end(estimator)
        self._seen = None
        if isinstance(last, ConsensusClusterer):
            members, pieces = last._take_seen()
            if members is not None and self.sampler is None:
                self._seen = SeenPixels.of_rows(members, pieces, valid)
        wanted = getattr(last, "n_clusters", None)
        for text in _doubts(sizes, *table.shape, asked_for=wanted):
            warn_user(text)  # the line that calls fit
        return self

    def _take_labels(self, labels, agreement, valid, sky_mask):
        """Take the labels of the valid pixels as clusters; return their sizes."""
        images = [unflatten(labels, valid)]
        if agreement is not None:
            images.append(unflatten(agreement, valid))
        *images, sky_mask = in_memory_by_strips(*images, sky_mask)
        label_map = images[0]
        blocks = [label_map[rows] for rows in strips_of(label_map.shape, "block")]
        found = (np.unique(block[block >= 0]) for block in blocks)
        self._clusters = reduce(np.union1d, found).astype(np.int32)
        label_map = self._voted(self._numbered(label_map), *self._sharpness)
        # The vote may leave a cluster without pixels: it has no rank, and is noise.
        n_clusters = len(self._clusters)
        sizes = count_clusters(label_map, n_clusters)
        self.n_clusters_ = np.count_nonzero(sizes)
        self._ranks = np.where(sizes > 0, ranks_by_size(sizes), np.int32(-1))
        self.labels_ = mark_sky(self._ranked(label_map), sky_mask)
        if agreement is not None:
            self.agreement_ = images[1]
            if self.pattern == "pixel":
                self.agreement_ = agreement_with_neighbors(images[1], self.labels_)
        return sizes

    @available_if(_predicts)
    @by_fit
    def cut_at(self, n_clusters: int, X: CubeLike | None = None) -> CubeClusterer:
        """Cut the tree of clusters into another number of them, without a fit.

        Parameters
        ----------
        n_clusters : int
            As for `ESOM.labels_at`.
        X : Cube or array-like of shape (n_rows, n_columns, n_bands), default=None
            The cube of fit. A consensus of up to a million pixels needs none, unless it
            was pickled.

        Returns
        -------
        clusterer : CubeClusterer
            A copy that has, and predicts, those clusters; it can be cut again.

        Raises
        ------
        ValueError
            If the tree has fewer leaves, or if there is none, as of `KMeans`; if X is
            needed.

        Examples
        --------
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.maps import CubeClusterer
        >>> from skesom.som import ESOM
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> consensus = ConsensusClusterer(ESOM(4), n_estimators=3, random_state=0)
        >>> clusterer = CubeClusterer(consensus).fit(cube)
        >>> int(clusterer.n_clusters_), int(clusterer.cut_at(6).n_clusters_)
        (4, 6)
        """
        check_is_fitted(self)
        check_cut(self, n_clusters)
        cut = copy(self)
        cut._seen = self._seen
        if cut._n_before_cut is None:
            cut._n_before_cut = int(pipeline_end(self.estimator_)[0].n_clusters_)
        if X is None:
            return self._look_up_cut(cut, n_clusters)
        cube, valid, last, table, errors = self._at_end(X)
        learned, own_errors = table, errors
        if self.sampler is not None:
            rows = self._sampled_rows(cube, valid)
            learned = take_rows(table, rows)
            own_errors = None if errors is None else take_rows(errors, rows)
        last = last._cut_at(n_clusters, learned, own_errors)
        cut.estimator_ = with_end(self.estimator_, last)
        labels = last.labels_
        agreement = getattr(last, "agreement_", None)
        if self.sampler is not None:
            labels = with_errors(last.predict, table, errors)
            if agreement is not None:
                agreement = with_errors(last.agreement, table, errors)
        cut._take_labels(labels, agreement, valid, cube.sky_mask)
        drop_lazy_labels(last)
        return cut

    def _look_up_cut(self, cut, n_clusters):
        """Cut a copy by what the members saw of each pixel."""
        if self._seen is None:
            raise ValueError(
                "What the members of a consensus see of each pixel is not known (of "
                "more than a million pixels, of a single map, with a sampler, or after "
                "pickling), so a cut needs the cube of fit: give it as X."
            )
        last, _ = pipeline_end(self.estimator_)
        valid = self._seen.valid
        last = last._cut_at(
            n_clusters,
            seen=[of_member[valid] for of_member in self._seen.members],
            pieces=self._seen.pieces[valid],
        )
        cut.estimator_ = with_end(self.estimator_, last)
        sky_mask = self.labels_ == SKY
        if sky_mask.ndim == 3:  # of voxels, of which all in a pixel are sky
            sky_mask = sky_mask.any(axis=2)
        cut._take_labels(last.labels_, last.agreement_, valid, sky_mask)
        return cut

    def _accept_seen(self, seen):
        """Take what members of the fit saw of pixels, from a file; return if it fits.

        The clusters of the fit and their agreement must follow from it.
        """
        last, _ = pipeline_end(self.estimator_)
        if seen.pieces.shape != self.labels_.shape or not seen.can_be_of(last):
            return False
        self._seen = seen
        again = self.cut_at(last.n_clusters_)
        if np.array_equal(again.labels_, self.labels_) and np.array_equal(
            again.agreement_, self.agreement_, equal_nan=True
        ):
            return True
        self._seen = None
        return False

    def _leaf_labels(self):
        """Return the leaf of each pixel of fit, -3 elsewhere; None if unknown."""
        if self._seen is None:
            return None
        last, _ = pipeline_end(self.estimator_)
        return last._leaves_of(self._seen.pieces)

    @available_if(_learns_more)
    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X: CubeLike, y: object = None) -> Self:
        """Learn the valid pixels of one cube of a stream, such as strips of a mosaic.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The next cube, with the bands of the first. It may have no valid pixel,
            apart from the first one. Errors are not used.
        y : None
            Ignored, present for API consistency.

        Returns
        -------
        self : CubeClusterer
            With the `labels_` of this cube, as from `predict`. Clusters have the
            numbers that the estimator gives them, which may change from cube to cube.
            Parameters that were changed since the last call count from this one on;
            those of the estimator are fixed by the first.

        Raises
        ------
        AttributeError
            If the estimator has no ``partial_fit``, such as a Pipeline or None.

        Examples
        --------
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.maps import CubeClusterer
        >>> from skesom.som import CSOM
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> clusterer = CubeClusterer(CSOM(4, shape=(4, 4)))
        >>> for strip in (cube[:20], cube[20:]):
        ...     clusterer = clusterer.partial_fit(strip.replace(errors=None))
        >>> clusterer.labels_.shape
        (20, 40)
        """
        self._check_regularizer()
        is_first = not hasattr(self, "estimator_")
        cube = check_cube(X, estimator=self, reset=is_first)
        if cube.errors is not None:
            warn_user("partial_fit does not use the errors of the cube.")
            cube = cube.replace(data=cube.data)
        find = some_valid if is_first else valid_pixels
        valid = find(cube, pattern=self.pattern, min_bands=self.min_bands)
        if is_first:
            self.estimator_ = clone(self.estimator)
        # Sizes are those of one cube of the stream, so they give no numbers.
        self._typical_errors = self._clusters = self._ranks = None
        self._n_before_cut = self._seen = None
        self.distance_limit_ = None  # of the cubes before there are no pixels any more
        if valid.any():
            table = table_of(cube, valid)
            if self.sampler is not None:
                table = take_rows(table, self._sampled_rows(cube, valid))
            learn_more(self.estimator_, table)
        keep_parameters(self)
        self.labels_ = self.predict(cube)
        drop_lazy_labels(self.estimator_)
        self.n_clusters_ = np.count_nonzero(count_clusters(self.labels_))
        return self

    @available_if(_scores)
    @by_fit
    def score(self, X: CubeLike, y: object = None) -> float:
        """Return the score of the estimator for the valid pixels of a cube.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            A cube of the same bands.
        y : None
            Ignored, present for API consistency; see `truth_scorer`.

        Returns
        -------
        score : float
            That of the estimator for the valid pixels: of a map or a consensus minus
            the sum of the squared distances to the centers of their clusters, as of
            `KMeans`. More is better.

        Examples
        --------
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.maps import CubeClusterer
        >>> from skesom.som import ESOM
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> clusterer = CubeClusterer(ESOM(4, random_state=0)).fit(cube)
        >>> round(clusterer.score(cube) / clusterer.estimator_.inertia_, 6)
        -1.0
        """
        check_is_fitted(self)
        _, _, last, table, errors = self._at_end(X)
        return float(with_errors(last.score, table, errors))

    @available_if(_has_agreement)
    @by_fit
    def agreement(self, X: CubeLike) -> NDArray[np.float32]:
        """Return how much the members of the consensus agree on each pixel.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            A cube of the same bands.

        Returns
        -------
        agreement : ndarray of shape (n_rows, n_columns), dtype float32
            As `agreement_`.

        Examples
        --------
        >>> from sklearn.cluster import KMeans
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.maps import CubeClusterer
        >>> from skesom.consensus import ConsensusClusterer
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> consensus = ConsensusClusterer(KMeans(4), n_estimators=3, random_state=0)
        >>> CubeClusterer(consensus).fit(cube).agreement(cube).shape
        (40, 40)
        """
        empty = np.empty(0, dtype=np.float32)
        agreement, cube, _ = self._map(X, "agreement", empty)
        if self.pattern == "voxel":
            return agreement
        return agreement_with_neighbors(agreement, self.predict(cube))

    @available_if(_has_units)
    @by_fit
    def distances(self, X: CubeLike) -> NDArray[np.float32]:
        """Return how far each pixel is from the nearest unit of the map.

        Pixels beyond `distance_limit_` are unlike those of fit: of these, one in a
        hundred is so far. Where many are, as in images of another unit, level or
        filter, clusters of `predict` mean little.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            A cube of the same bands.

        Returns
        -------
        distances : ndarray of shape (n_rows, n_columns), dtype float32
            In the scaled features that the map learned from; NaN for pixels without a
            label. Of a consensus, to the units of the map that represents it.

        Raises
        ------
        AttributeError
            If the clusterer has no units, such as `KMeans`.

        Examples
        --------
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.maps import CubeClusterer
        >>> from skesom.som import ESOM
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> clusterer = CubeClusterer(ESOM(4, random_state=0)).fit(cube)
        >>> limit = clusterer.distance_limit_
        >>> round(float((clusterer.distances(cube) > limit).mean()), 3)
        0.01
        >>> brighter = cube.replace(data=3 * cube.data)
        >>> bool((clusterer.distances(brighter) > limit).mean() > 0.1)
        True
        """
        return self._map(X, "distances", np.empty(0, dtype=np.float32))[0]

    def _limit_of(self, table, errors):
        """Return the distance within which 99 % of the rows are, None without units.

        At most 65 536 rows, evenly spread, give that share to 0.04 %.
        """
        last, _ = map_inside(self.estimator_)
        if not hasattr(last, "winners"):
            return None
        n_rows = min(len(table), _ROWS_OF_LIMIT)
        rows = np.arange(n_rows) * len(table) // n_rows
        some = in_memory(take_rows(table, rows))
        few = None if errors is None else in_memory(take_rows(errors, rows))
        return float(np.nanquantile(self._measured(some, few), _SHARE_WITHIN_LIMIT))

    def _measured(self, table, errors):
        """Return the distance of each row to the nearest unit."""
        last, table, errors = at_end(self.estimator_, table, errors)
        last, table = map_inside(last, table)
        _, distances = last.winners(table, return_distance=True, errors=errors)
        return distances.astype(np.float32)

    def _as_clusters(self, label_map, cube):
        return self._ranked(self._voted(self._numbered(label_map), *_sharpness(cube)))

    def _apply(self, method, table, valid, cube):
        """Return the values of a method of the estimator, with errors of the cube."""
        table = to_apply(self.estimator_, table)
        errors = errors_to_apply(self, cube, table, valid)
        if method == "distances":  # which only the map inside a consensus can tell
            return self._measured(table, errors)
        return apply(self.estimator_, method, table, errors)

    def _at_end(self, X):
        """Return a cube, which pixels are valid, and the last step with its input."""
        cube = check_cube(X, estimator=self, reset=False)
        table, valid = self.table(cube)
        table = to_apply(self.estimator_, table)
        errors = errors_to_apply(self, cube, table, valid)
        return cube, valid, *at_end(self.estimator_, table, errors)

    def _clusters_of(self, labels):
        """Return the clusters that labels of the estimator stand for."""
        return self._ranked(self._numbered(np.array(labels, np.int32)))

    def _fit_predict(self, estimator, table, errors, valid, cube):
        """Fit the estimator; return its labels of all rows, and agreement or None."""
        if self.sampler is not None:
            return self._fit_to_sample(estimator, table, errors, valid, cube)
        last, _ = pipeline_end(estimator)
        # A Pipeline passes no errors on, and transforms a large table at once.
        if errors is None and not (is_lazy(table) or is_large(table)):
            labels = estimator.fit_predict(table)
        else:
            last, table, errors = at_end(estimator, table, errors, fit=True)
            labels = with_errors(last.fit_predict, in_blocks(last, table), errors)
        agreement = getattr(last, "agreement_", None)
        drop_lazy_labels(last)
        return labels, agreement

    def _fit_to_sample(self, estimator, table, errors, valid, cube):
        """Do the same with an estimator that learns from the sampled rows."""
        if not hasattr(estimator, "predict"):
            raise ValueError(
                f"{last_name(estimator)} cannot label pixels that it was not "
                "fitted on, so it has to learn from all: leave out the sampler."
            )
        rows = self._sampled_rows(cube, valid)
        last, some, few = estimator, take_rows(table, rows), None
        if errors is not None:
            few = take_rows(errors, rows)
            last, some, few = at_end(estimator, some, few, fit=True)
        with_errors(last.fit, some, few)
        table, errors = (to_apply(estimator, each) for each in (table, errors))
        labels = apply(estimator, "predict", table, errors)
        if not hasattr(pipeline_end(estimator)[0], "agreement_"):
            return labels, None
        return labels, apply(estimator, "agreement", table, errors)

    def _sampled_rows(self, cube, valid):
        """Return the rows of the table to learn from."""
        # A chosen pixel takes all its voxels with it, unless voxels are chosen.
        each_band = getattr(self.sampler, "each_band", False)
        pixels = valid if each_band or valid.ndim == 2 else valid.any(axis=2)
        chosen = clone(self.sampler).sample(cube, pixels)
        return np.flatnonzero(chosen[np.nonzero(valid)[: chosen.ndim]])

    def _numbered(self, labels):
        """Turn labels into their places among those of fit, -1 for others; in place."""

        def number(rows):
            part = labels[rows]
            places = np.minimum(part, -1)
            known = np.isin(part, self._clusters)
            places[known] = np.searchsorted(self._clusters, part[known])
            labels[rows] = places

        if self._clusters is not None:
            each_block(number, labels.shape)
        return labels

    def _ranked(self, labels):
        """Turn places into clusters in place; after partial_fit they are the same."""
        for rows in strips_of(labels.shape, "block") if self._ranks is not None else ():
            labels[rows] = renumber(labels[rows], self._ranks)
        return labels

    def _voted(self, label_map, fwhm, scale):
        """Return a map after the vote of neighboring pixels, if there is one."""
        if self.regularizer is None:
            return label_map
        return self.regularizer.regularize(label_map, fwhm=fwhm, pixel_scale=scale)

    def _check_regularizer(self):
        if self.regularizer is not None and self.pattern == "voxel":
            raise ValueError(
                "A regularizer compares the labels of neighboring pixels; voxels of "
                "different bands are none. Use pattern='pixel' or no regularizer."
            )


_SHARE_WITHIN_LIMIT = 0.99
_ROWS_OF_LIMIT = 65_536


def check_cut(clusterer, n_clusters):
    """Refuse a fitted clusterer without a tree of so many leaves."""
    last, _ = pipeline_end(clusterer.estimator_)
    if not has_tree(last):
        raise ValueError(
            f"there is no tree to cut: this {type(last).__name__} has none, as only "
            "a consensus, and a map with clusterer='tree', have one. Fit again with "
            "that number of clusters."
        )
    check_cut_of_tree(last._tree_and_sizes()[0], n_clusters)


def known_agreement(step):
    """Return `agreement_` of a fitted estimator of cubes; None if it says nothing.

    Members that are equal agree on all, which is no evidence: it is all NaN.
    """
    agreement = getattr(step, "agreement_", None)
    if agreement is None or np.isnan(agreement).all():
        return None
    return agreement


def check_enough_pixels_to_fit(clusterer, cube):
    """Refuse to look for clusters in hardly any pixels, if others are set aside as sky.

    Numbers that a clusterer finds itself are known after its fit only, and pixels of a
    lazy cube would be made twice: `check_enough_pixels` looks at these.
    """
    number = getattr(pipeline_end(clusterer.estimator)[0], "n_clusters", None)
    if cube.sky_mask is None or cube.is_lazy or not isinstance(number, Integral):
        return
    valid = valid_pixels(cube, pattern=clusterer.pattern, min_bands=clusterer.min_bands)
    n_pixels = np.count_nonzero(valid)
    if n_pixels:  # none at all is another error
        n_with_data = n_pixels + np.count_nonzero(cube.sky_mask)
        _check_numbers(n_pixels, int(number), n_with_data)


def check_enough_pixels(clusterer):
    """Refuse clusters of hardly any pixels, if all others were set aside as sky."""
    sizes = count_clusters(clusterer.labels_)
    if (clusterer.labels_ == SKY).any():
        n_with_data = np.count_nonzero(clusterer.labels_ != MASKED)
        _check_numbers(sizes.sum(), np.count_nonzero(sizes), n_with_data)


def _check_numbers(n_pixels, n_clusters, n_with_data):
    """Refuse so many clusters of the pixels that stand out of the sky."""
    enough = n_pixels // _FEWEST_PIXELS_PER_CLUSTER
    if n_clusters <= max(enough, 1):
        return
    fewer = ""
    if enough > 1:
        fewer = f"ask for fewer clusters (n_clusters={enough}), "
    raise ValueError(
        f"Only {n_pixels} of {n_with_data} pixels stand out of the sky: {n_clusters} "
        "clusters of so few would be noise. For a list of sources use a program that "
        f'detects them; or {fewer}cluster the sky too (sky="keep"), or take images '
        "that are larger or deeper."
    )


def _sharpness(cube):
    """Return the width of the widest band and the size of a pixel, None if unknown."""
    side = side_of_pixel(cube.pixel_scale)
    return (None if side is None else widest_fwhm(cube.fwhm)), side


# The mean of five pixels is uncertain by 45 % of their scatter; fewer are just noise.
_FEWEST_PIXELS_PER_CLUSTER = 5
_LARGEST_SHARE = 0.9  # the largest of eight clusters holds 20 to 50 % in galaxies


def _doubts(sizes, n_pixels, n_bands, *, asked_for=None):
    """Return the warnings of too few pixels, or of one cluster with nearly all."""
    n_clusters = np.count_nonzero(sizes)
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
            "spectra are mostly noise. Average neighboring bands (bin_bands, "
            "BandBinner), or reduce them to a few by PCA (n_components)."
        )
    if share > _LARGEST_SHARE and n_pixels > 1 and asked_for not in (1, "auto"):
        yield (
            f"One cluster holds {share:.1%} of the clustered pixels: outliers, empty "
            "sky or few bright pixels rule the map, or small groups come off first. "
            "Ask for more clusters, stretch the fluxes (AsinhStretch), mask outliers "
            "and sky (CubeMasker), or try another epsilon."
        )

# SPDX-License-Identifier: BSD-3-Clause
"""Cluster the pixels of a cube: cube in, label map out."""

from __future__ import annotations

from copy import copy
from functools import reduce
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_is_fitted

from skesom._common.decorators import available_if, fit_context
from skesom._common.estimator import LinkedEstimator, by_fit, keep_parameters
from skesom._common.labels import SKY, count_clusters, mark_sky, ranks_by_size
from skesom._common.lazy import in_memory, is_lazy, take_rows
from skesom._common.lazy_strips import in_memory_by_strips
from skesom._common.pipelines import last_name, map_inside, pipeline_end, with_end
from skesom._common.strip_calls import each_block
from skesom._common.strips import strips_of
from skesom._common.warn import warn_user
from skesom._sky.lengths import side_of_pixel, widest_fwhm
from skesom._types import CubeLike
from skesom.consensus import ConsensusClusterer
from skesom.cube.base import check_cube
from skesom.maps._pixel_table_mixin import (
    PixelTableMixin,
    can_predict,
    inner_estimator,
)
from skesom.maps.cluster_matching import renumber
from skesom.maps.doubtful_clusters import warn_of_doubtful_clusters
from skesom.maps.errors_of_pixels import errors_to_apply, errors_to_learn
from skesom.maps.leaves import check_tree_and_cut
from skesom.maps.neighbor_agreement import agreement_with_neighbors
from skesom.maps.pixel_tables import (
    apply_method,
    at_end,
    call_with_errors,
    drop_lazy_labels,
    fit_to_end,
    innermost_clusterer,
    is_large,
    partial_fit_by_blocks,
    rechunk_for_map,
    table_to_apply,
    table_to_learn,
)
from skesom.maps.seen_pixels import SeenPixels
from skesom.pixels import unflatten
from skesom.pixels.flattening import some_valid, table_of, valid_pixels
from skesom.som import ESOM

if TYPE_CHECKING:
    from skesom.cube import Cube
    from skesom.maps._majority_vote import MajorityVote
    from skesom.pixels import PixelSampler

_SHARE_WITHIN_LIMIT = 0.99
# This many rows, evenly spread, have that share within the limit to 0.04 %.
_ROWS_OF_LIMIT = 65_536


class _LastStepInput(NamedTuple):
    """The last step of an estimator of tables, and what it gets of a cube."""

    cube: Cube
    valid: NDArray[np.bool_]  # which pixels, or voxels, are the rows of the table
    estimator: BaseEstimator
    table: Any  # an array, lazy or not
    errors: Any  # of the table, or None


def _has_agreement(clusterer):
    last, _ = pipeline_end(inner_estimator(clusterer))
    if hasattr(last, "agreement"):
        return True
    name = "ESOM" if last is None else type(last).__name__
    raise AttributeError(
        f"{name} has no agreement: only the members of a ConsensusClusterer may agree."
    )


def _has_score(clusterer):
    last = innermost_clusterer(inner_estimator(clusterer))
    if last is None or hasattr(last, "score"):
        return True
    raise AttributeError(f"{type(last).__name__} has no score.")


def _has_units(clusterer):
    last = innermost_clusterer(inner_estimator(clusterer))
    if last is None or hasattr(last, "winners"):
        return True
    raise AttributeError(f"{type(last).__name__} has no units to measure distances to.")


def _has_partial_fit(clusterer):
    estimator = inner_estimator(clusterer)
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

    # Clusters from 0 are numbered three times: as the estimator has them (`_clusters`,
    # sorted), by their index in these, and by falling size (`_ranks` by index).
    _n_before_cut = None  # clusters of the fit, of a tree that was cut elsewhere
    _sharpness = (None, None)  # of the cube of fit: widest FWHM and side of a pixel
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
        state = dict(super().__getstate__())
        # Larger than all else together, and a cut can be made from the cube instead.
        state.pop("_seen", None)
        return state

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
        if self.estimator is None:
            estimator = make_pipeline(StandardScaler(), ESOM(random_state=0))
        else:
            estimator = clone(self.estimator)
        if self.sampler is None:
            table = table_to_learn(estimator, table)
        errors, typical_errors = errors_to_learn(estimator, cube, table, valid)
        if self.sampler is None:
            labels, agreement = _fit_to_all(estimator, table, errors)
        else:
            rows = self._sample_rows(cube, valid)
            labels, agreement = _fit_to_sample(estimator, table, errors, rows)
        self._typical_errors = typical_errors
        self._n_before_cut = None
        self.estimator_ = estimator
        self.distance_limit_ = _find_distance_limit(estimator, table, errors)
        keep_parameters(self)
        self._sharpness = _measure_sharpness(cube)
        sizes = self._set_labels(labels, agreement, valid, cube.sky_mask)
        last, _ = pipeline_end(estimator)
        self._seen = None
        if isinstance(last, ConsensusClusterer):
            members, pieces = last._take_seen()
            if members is not None and self.sampler is None:
                self._seen = SeenPixels.of_rows(members, pieces, valid)
        n_pixels, n_bands = table.shape
        n_clusters = getattr(last, "n_clusters", None)
        warn_of_doubtful_clusters(sizes, n_pixels, n_bands, n_clusters)
        return self

    def _set_labels(self, labels, agreement, valid, sky_mask):
        """Set the fitted attributes that follow from the labels of the estimator.

        Parameters
        ----------
        labels : ndarray or dask array of int of shape (n_valid,)
        agreement : ndarray or dask array of shape (n_valid,) or None
        valid : ndarray of bool
            Which pixels, or voxels, are these rows.
        sky_mask : ndarray or dask array of bool of shape (n_rows, n_columns) or None

        Returns
        -------
        sizes : ndarray of int
            Pixels of each cluster before these are numbered by size; 0 of one that the
            vote has left without any.
        """
        images = [unflatten(labels, valid)]
        if agreement is not None:
            images.append(unflatten(agreement, valid))
        # Together, as both may come from the same votes of lazy members.
        *images, sky_mask = in_memory_by_strips(*images, sky_mask)
        label_map = images[0]
        self._clusters = _find_clusters(label_map)
        _index_labels(label_map, self._clusters)
        label_map = self._vote(label_map, self._sharpness)
        sizes = count_clusters(label_map, len(self._clusters))
        # A cluster that the vote has left without pixels has no rank, and is noise.
        self._ranks = np.where(sizes > 0, ranks_by_size(sizes), np.int32(-1))
        self.n_clusters_ = np.count_nonzero(sizes)
        self.labels_ = mark_sky(_rank_labels(label_map, self._ranks), sky_mask)
        if agreement is not None:
            self.agreement_ = images[1]
            if self.pattern == "pixel":
                self.agreement_ = agreement_with_neighbors(images[1], self.labels_)
        return sizes

    @available_if(can_predict)
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
        check_tree_and_cut(self, n_clusters)
        cut = copy(self)
        cut._seen = self._seen  # which is no part of the state that copies take
        if cut._n_before_cut is None:
            last, _ = pipeline_end(self.estimator_)
            cut._n_before_cut = int(last.n_clusters_)
        if X is None:
            self._cut_by_seen_pixels(cut, n_clusters)
        else:
            self._cut_by_cube(cut, n_clusters, X)
        return cut

    def _cut_by_cube(self, cut, n_clusters, X):
        """Give a copy the clusters of a cut, which the cube of fit is labeled with."""
        cube, valid, last, table, errors = self._input_of_last_step(X)
        fitted_table, fitted_errors = table, errors
        if self.sampler is not None:
            rows = self._sample_rows(cube, valid)
            fitted_table = take_rows(table, rows)
            fitted_errors = _take_errors(errors, rows)
        last = last._cut_at(n_clusters, fitted_table, fitted_errors)
        cut.estimator_ = with_end(self.estimator_, last)
        labels = last.labels_
        agreement = getattr(last, "agreement_", None)
        if self.sampler is not None:
            labels = call_with_errors(last.predict, table, errors)
            if agreement is not None:
                agreement = call_with_errors(last.agreement, table, errors)
        cut._set_labels(labels, agreement, valid, cube.sky_mask)
        drop_lazy_labels(last)

    def _cut_by_seen_pixels(self, cut, n_clusters):
        """Give a copy the clusters of a cut, by what members saw of each pixel."""
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
        cut._set_labels(last.labels_, last.agreement_, valid, sky_mask)

    def _accept_seen(self, seen):
        """Take what members of the fit saw of each pixel, as a file has it.

        Parameters
        ----------
        seen : SeenPixels

        Returns
        -------
        fits : bool
            Whether the clusters of the fit and their agreement follow from it. If not,
            it is not taken.
        """
        last, _ = pipeline_end(self.estimator_)
        if seen.pieces.shape != self.labels_.shape or not seen.can_be_of(last):
            return False
        self._seen = seen
        again = self.cut_at(last.n_clusters_)
        fits = np.array_equal(again.labels_, self.labels_) and np.array_equal(
            again.agreement_, self.agreement_, equal_nan=True
        )
        if not fits:
            self._seen = None
        return fits

    def _leaf_labels(self):
        """Return the leaf of each pixel of fit, -3 elsewhere; None if unknown."""
        if self._seen is None:
            return None
        last, _ = pipeline_end(self.estimator_)
        return last._leaves_of(self._seen.pieces)

    @available_if(_has_partial_fit)
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
        if is_first:
            valid = some_valid(cube, pattern=self.pattern, min_bands=self.min_bands)
            self.estimator_ = clone(self.estimator)
        else:
            valid = valid_pixels(cube, pattern=self.pattern, min_bands=self.min_bands)
        self._typical_errors = None
        # Sizes in one cube of the stream say nothing about the others, so clusters
        # keep the numbers of the estimator.
        self._clusters = None
        self._ranks = None
        self._n_before_cut = None
        self._seen = None
        self.distance_limit_ = None  # pixels of the cubes before are gone
        if valid.any():
            table = table_of(cube, valid)
            if self.sampler is not None:
                table = take_rows(table, self._sample_rows(cube, valid))
            partial_fit_by_blocks(self.estimator_, table)
        keep_parameters(self)
        self.labels_ = self.predict(cube)
        drop_lazy_labels(self.estimator_)
        self.n_clusters_ = np.count_nonzero(count_clusters(self.labels_))
        return self

    @available_if(_has_score)
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
        at_last = self._input_of_last_step(X)
        score = call_with_errors(at_last.estimator.score, at_last.table, at_last.errors)
        return float(score)

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
        no_values = np.empty(0, dtype=np.float32)
        agreement, cube, _ = self._make_image("agreement", X, no_values)
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
        no_values = np.empty(0, dtype=np.float32)
        distances, _, _ = self._make_image("distances", X, no_values)
        return distances

    def _finish_label_map(self, label_map, cube):
        sharpness = _measure_sharpness(cube)
        if self._clusters is None:  # after partial_fit, which gives no numbers
            return self._vote(label_map, sharpness)
        _index_labels(label_map, self._clusters)
        label_map = self._vote(label_map, sharpness)
        return _rank_labels(label_map, self._ranks)

    def _clusters_of(self, labels):
        """Return the clusters that labels of the estimator stand for."""
        clusters = np.array(labels, np.int32)
        if self._clusters is None:
            return clusters
        return _rank_labels(_index_labels(clusters, self._clusters), self._ranks)

    def _values_of_rows(self, method, table, valid, cube):
        """Return the values of a method of the estimator, with errors of the cube."""
        table = table_to_apply(self.estimator_, table)
        errors = errors_to_apply(self, cube, table, valid)
        if method == "distances":  # which only the map inside a consensus can tell
            return _distances_to_units(self.estimator_, table, errors)
        return apply_method(self.estimator_, method, table, errors)

    def _input_of_last_step(self, X):
        """Return the last step of the estimator, and what it gets of a cube."""
        cube = check_cube(X, estimator=self, reset=False)
        table, valid = self.table(cube)
        table = table_to_apply(self.estimator_, table)
        errors = errors_to_apply(self, cube, table, valid)
        last, table, errors = at_end(self.estimator_, table, errors)
        return _LastStepInput(cube, valid, last, table, errors)

    def _sample_rows(self, cube, valid):
        """Return the rows of the table that the sampler chooses."""
        can_choose = valid
        # A chosen pixel takes all its voxels with it, unless fluxes are chosen.
        if valid.ndim == 3 and not getattr(self.sampler, "each_band", False):
            can_choose = valid.any(axis=2)
        chosen = clone(self.sampler).sample(cube, can_choose)
        position = np.nonzero(valid)[: chosen.ndim]  # of each row in `chosen`
        return np.flatnonzero(chosen[position])

    def _vote(self, label_map, sharpness):
        """Return a map after the vote of neighboring pixels, if there is one."""
        if self.regularizer is None:
            return label_map
        fwhm, pixel_scale = sharpness
        return self.regularizer.regularize(
            label_map, fwhm=fwhm, pixel_scale=pixel_scale
        )

    def _check_regularizer(self):
        if self.regularizer is not None and self.pattern == "voxel":
            raise ValueError(
                "A regularizer compares the labels of neighboring pixels; voxels of "
                "different bands are not neighbors. Use pattern='pixel' or no "
                "regularizer."
            )


def _fit_to_all(estimator, table, errors):
    """Fit an estimator to all rows; return their labels, and agreement or None."""
    last, _ = pipeline_end(estimator)
    # A Pipeline passes no errors on, and transforms a large table at once.
    if errors is None and not (is_lazy(table) or is_large(table)):
        labels = estimator.fit_predict(table)
    else:
        last, table, errors = fit_to_end(estimator, table, errors)
        table = rechunk_for_map(last, table)
        labels = call_with_errors(last.fit_predict, table, errors)
    agreement = getattr(last, "agreement_", None)
    drop_lazy_labels(last)
    return labels, agreement


def _fit_to_sample(estimator, table, errors, rows):
    """Fit an estimator to some rows; return labels of all, and agreement or None."""
    if not hasattr(estimator, "predict"):
        raise ValueError(
            f"{last_name(estimator)} cannot label pixels that it was not "
            "fitted on, so it has to learn from all: leave out the sampler."
        )
    sample = take_rows(table, rows)
    if errors is None:
        estimator.fit(sample)
    else:
        sample_errors = _take_errors(errors, rows)
        last, sample, sample_errors = fit_to_end(estimator, sample, sample_errors)
        last.fit(sample, errors=sample_errors)
    table = table_to_apply(estimator, table)
    if errors is not None:
        errors = table_to_apply(estimator, errors)
    labels = apply_method(estimator, "predict", table, errors)
    last, _ = pipeline_end(estimator)
    agreement = None
    if hasattr(last, "agreement_"):
        agreement = apply_method(estimator, "agreement", table, errors)
    return labels, agreement


def _take_errors(errors, rows):
    """Return some rows of errors, None without errors."""
    if errors is None:
        return None
    return take_rows(errors, rows)


def _find_distance_limit(estimator, table, errors):
    """Return the distance within which 99 % of the rows are, None without units."""
    last, _ = map_inside(estimator)
    if not hasattr(last, "winners"):
        return None
    n_rows = min(len(table), _ROWS_OF_LIMIT)
    rows = np.arange(n_rows) * len(table) // n_rows
    distances = _distances_to_units(
        estimator,
        in_memory(take_rows(table, rows)),
        in_memory(_take_errors(errors, rows)),
    )
    return float(np.nanquantile(distances, _SHARE_WITHIN_LIMIT))


def _distances_to_units(estimator, table, errors):
    """Return the distance of each row to the nearest unit of the map inside."""
    last, table, errors = at_end(estimator, table, errors)
    last, table = map_inside(last, table)
    _, distances = last.winners(table, return_distance=True, errors=errors)
    return distances.astype(np.float32)


def _find_clusters(label_map):
    """Return the labels from 0 that pixels have, in ascending order, dtype int32."""
    labels_of_blocks = []
    for rows in strips_of(label_map.shape, "block"):
        block = label_map[rows]
        labels_of_blocks.append(np.unique(block[block >= 0]))
    return reduce(np.union1d, labels_of_blocks).astype(np.int32)


def _index_labels(labels, clusters):
    """Turn labels into their index among the clusters of fit, in place.

    Labels below 0 stay, and those that no fitted pixel had become -1.
    """

    def index_block(rows):
        block = labels[rows]
        indices = np.minimum(block, -1)
        is_of_fit = np.isin(block, clusters)
        indices[is_of_fit] = np.searchsorted(clusters, block[is_of_fit])
        labels[rows] = indices

    each_block(index_block, labels.shape)
    return labels


def _rank_labels(indices, ranks):
    """Turn indices of clusters into their ranks by size, in place."""
    for rows in strips_of(indices.shape, "block"):
        indices[rows] = renumber(indices[rows], ranks)
    return indices


def _measure_sharpness(cube):
    """Return the width of the widest band and the size of a pixel, None if unknown."""
    side = side_of_pixel(cube.pixel_scale)
    if side is None:
        return None, None
    return widest_fwhm(cube.fwhm), side

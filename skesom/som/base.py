# SPDX-License-Identifier: BSD-3-Clause
"""Base of the evolving and the classical map: all that follows from a codebook."""

from __future__ import annotations

from copy import copy
from functools import partial
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from sklearn.base import ClusterMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    StrOptions,
)
from sklearn.utils.validation import check_is_fitted

from skesom._common.estimator import LinkedEstimator
from skesom._common.lazy import add_up, is_lazy
from skesom._common.threads import one_blas_thread
from skesom._common.warn import warn_unused, warn_user
from skesom._types import Errors
from skesom.som._after_learning import AfterLearning, FinishesAfterLearning
from skesom.som._summary import ENOUGH_ROWS, enough_rows, summarize
from skesom.som.cluster_sums import add_up_labeled, label_and_add_up, means_of
from skesom.som.codebook import exponent_for
from skesom.som.docstrings import fill_docstrings
from skesom.som.input import (
    check_errors,
    check_weights,
    checked_table,
    number_above_0,
)
from skesom.som.measured_units import MeasuredUnits, mean_distances
from skesom.som.metric import Metric
from skesom.som.samples import Samples
from skesom.som.second_stage import Grouping, UnitTree, labels_by_units, ranked
from skesom.som.second_stage.graph import coactivation_graph, number_by_gaps
from skesom.som.second_stage.ladder import cuts_of_units
from skesom.som.second_stage.units import (
    Units,
    clusters_of,
    held_groups,
    majority_groups,
    spread,
)
from skesom.som.tree import LADDER, HasClusterTree, check_cut, tree_of_units

if TYPE_CHECKING:
    from skesom.som.second_stage.spectral import Gap


COUNT = Interval(Integral, 1, None, closed="left")
# Parameters of k-means, and what stands in their place.
INSTEAD = {
    "n_init": "one run is enough, and ConsensusClusterer tells what many agree on",
    "max_iter": "n_epochs=... is how often it passes over the data",
    "tol": "it ends after n_epochs=... passes over the data",
    "batch_size": "partial_fit learns batches",
    "copy_x": "data are never changed",
}
_NOT_STORED = {"_winners"}  # which is as long as the table


@fill_docstrings
class CodebookMap(
    TransformerMixin,
    ClusterMixin,
    FinishesAfterLearning,
    HasClusterTree,
    LinkedEstimator,
):
    """Base of the maps: units that stand for samples and belong to clusters."""

    codebook_: NDArray[Any]
    connections_: csr_array
    n_iter_: int

    # What needs more than the units, and after partial_fit waits until it is asked for.
    hits_: NDArray[np.int64] = AfterLearning()
    quantization_error_: float = AfterLearning()
    grouping_: Grouping = AfterLearning()
    labels_: NDArray[np.int32] = AfterLearning()
    cluster_centers_: NDArray[Any] = AfterLearning()
    inertia_: float = AfterLearning()
    _winners = AfterLearning()

    # What a model in a file may hold: kind and axes of each array.
    _stored = {
        "codebook_": "floats units features",
        "hits_": "counts units",
        "connections_": "any units units",
        "cluster_centers_": "numbers clusters features",
        "labels_": "classes *",
    }

    # Whether units are grouped where they learned. Those of a CSOM that a tree groups
    # first move to the means of their samples.
    _units_stay = True
    _hint = ""  # in the error of a wrong n_clusters: what else it was meant for
    _cluster_constraints = {
        "n_clusters": [COUNT, StrOptions({"auto"}), None],
        "clusterer": [StrOptions({"tree"}), HasMethods(["fit_predict"])],
    }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def unit_labels_(self) -> NDArray[np.int32]:
        """Cluster of each unit."""
        return self.grouping_.unit_labels

    @property
    def n_clusters_(self) -> int:
        """Number of clusters."""
        return self.grouping_.n_clusters

    @property
    def gaps_(self) -> list[Gap]:
        """Gaps at which n_clusters="auto" parts no cluster, the widest first."""
        return list(self.grouping_.gaps)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns of `transform`, which are units.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Ignored, present for API consistency.

        Returns
        -------
        names : ndarray of shape (n_units,), dtype object
            The name of the class in small letters, "_unit" and the number of the unit.

        Examples
        --------
        >>> from skesom.som import CSOM
        >>> csom = CSOM(1, shape=2, init=[[0.0], [4.0]]).fit([[0.0], [4.0]])
        >>> csom.get_feature_names_out().tolist()
        ['csom_unit0', 'csom_unit1']
        """
        check_is_fitted(self)
        name = type(self).__name__.lower()
        names = [f"{name}_unit{unit}" for unit in range(len(self.codebook_))]
        return np.asarray(names, dtype=object)

    def predict(self, X: ArrayLike, errors: Errors = None) -> NDArray[np.int32]:
        """Return the cluster of every sample, that of its nearest unit.

        %(X_errors)s

        Returns
        -------
        labels : ndarray of shape (n_samples,), dtype int32
            Cluster labels, -3 for a sample without any present feature.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.som import ESOM
        >>> X = load_iris().data
        >>> esom = ESOM(3, random_state=0).fit(X[::2])
        >>> esom.predict(X[1::2]).shape
        (75,)
        """
        samples = self._checked(X, errors)
        label = self._labels_by(self.unit_labels_)
        return samples.map_rows(label, dtype=np.int32)

    def labels_at(
        self, n_clusters: int, X: ArrayLike | None = None, errors: Errors = None
    ) -> NDArray[np.int32] | Any:
        """Return labels for another number of clusters, without a new fit.

        They are cuts of the tree of `children_`: each lies inside the coarser ones, and
        `fit` with that number gives the same labels.

        Parameters
        ----------
        n_clusters : int
            From 1 to the number of leaves, ``len(children_) + 1``.
        X : array-like of shape (n_samples, n_features), default=None
            Samples; those of `fit` by default, if these were in memory.
        %(errors)s

        Returns
        -------
        labels : ndarray of shape (n_samples,), dtype int32
            Clusters from 0 by falling size in training, -3 for a sample without any
            present feature.

        Raises
        ------
        ValueError
            For a number out of range, or if X is needed.
        AttributeError
            If the units are not grouped by the tree.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.som import ESOM
        >>> X = load_iris().data
        >>> esom = ESOM(3, random_state=0).fit(X)
        >>> bool((esom.labels_at(3) == esom.labels_).all())
        True
        >>> len(set(esom.labels_at(2))), len(set(esom.labels_at(5)))
        (2, 5)
        """
        unit_tree = self._unit_tree()
        check_cut(unit_tree.tree, n_clusters)
        unit_labels = unit_tree.unit_labels(n_clusters)
        if X is not None:
            samples = self._checked(X, errors)
            label = self._labels_by(unit_labels)
            return samples.map_rows(label, dtype=np.int32)
        winners = getattr(self, "_winners", None)
        if winners is None:
            raise ValueError(
                "The samples of fit are not part of a stored map, nor of one that was "
                "fitted to a lazy table: give them as X."
            )
        label = self._labels_by(unit_labels)
        samples = None  # is not asked for, as the winners are there
        return label(samples, winners)

    def _tree_and_sizes(self):
        """Return the tree, and the samples of each leaf."""
        unit_tree = self._unit_tree()
        return unit_tree.tree, unit_tree.sizes

    def _cut_at(self, n_clusters, X, errors=None):
        """Return a copy with the clusters of `labels_at`; X are the samples of fit."""
        unit_tree = self._unit_tree()
        check_cut(unit_tree.tree, n_clusters)
        samples = self._checked(X, errors)
        cut = copy(self)
        cut.grouping_ = Grouping(unit_tree.unit_labels(n_clusters), unit_tree)
        winners = None
        if not samples.is_lazy:
            nearest, _ = self._units().metric.nearest(
                samples.X, self.codebook_, errors=samples.errors, measured=False
            )
            winners = nearest.astype(np.int32)
        cut._set_labels(samples, winners)
        return cut

    def _has_tree(self):
        """Return whether the units are grouped by a tree."""
        grouping = getattr(self, "grouping_", None)
        return grouping is not None and grouping.unit_tree is not None

    def _unit_tree(self):
        """Return the tree over the units; an AttributeError without one."""
        check_is_fitted(self)
        if not self._has_tree():
            raise AttributeError(
                f"This {type(self).__name__} has no tree of clusters: its units are "
                "grouped by a clusterer or layers of its own, or not at all. Fit it "
                "with a number of clusters and clusterer='tree'."
            )
        return self.grouping_.unit_tree

    def transform(self, X: ArrayLike, errors: Errors = None) -> NDArray[Any]:
        """Measure the distance of every sample to every unit.

        A column is a unit, not a cluster: where one for each cluster is expected, as of
        `KMeans`, measure to `cluster_centers_` (`sklearn.metrics.pairwise_distances`).

        %(X_errors)s

        Returns
        -------
        distances : ndarray of shape (n_samples, n_units)
            Of the dtype of the codebook, scaled up over missing features; NaN for a
            sample without any present feature.

        Examples
        --------
        >>> from skesom.som import CSOM
        >>> csom = CSOM(1, shape=2, init=[[0.0], [4.0]]).fit([[0.0], [4.0]])
        >>> csom.transform([[1.0]]).shape
        (1, 2)
        """
        samples = self._checked(X, errors)
        return samples.map_rows(
            self._units().distances,
            dtype=samples.dtype,
            columns=len(self.codebook_),
        )

    def score(
        self,
        X: ArrayLike,
        y: object = None,
        sample_weight: ArrayLike | None = None,
        errors: Errors = None,
    ) -> float:
        """Return minus the sum of the squared distances to the centers of clusters.

        %(Xy)s
        sample_weight : array-like of shape (n_samples,), default=None
            How often each sample counts; once by default.
        %(errors)s

        Returns
        -------
        score : float
            Minus the sum over the samples, each to the center of the cluster that
            `predict` gives it; NaN without any present feature. Of the training samples
            it is minus `inertia_`, as in `KMeans`, and like that it rises with the
            number of clusters: to compare numbers, use a scorer of `skesom.metrics`.
            How well the units stand for samples is `skesom.metrics.quantization_error`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.som import CSOM
        >>> X = load_iris().data
        >>> csom = CSOM(3, shape=(6, 4)).fit(X)
        >>> csom.score(X) == -csom.inertia_
        True
        """
        samples = self._checked(X, errors)
        samples.weights = check_weights(self, sample_weight, samples.X, reset=False)
        total, weight = self._sums_of_squares(samples, winners=None)
        if weight == 0:
            return np.nan
        return -float(total)

    def score_samples(self, X: ArrayLike, errors: Errors = None) -> NDArray[Any]:
        """Rate how usual every sample is: low where few training samples are near.

        %(X_errors)s

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Minus the distance within which units stand for 20 training samples, of the
            dtype of the codebook; NaN without any present feature. As from
            `sklearn.ensemble.IsolationForest`, the lowest are outliers.

        Notes
        -----
        After Ramaswamy, Rastogi & Shim (2000), Proc. SIGMOD 427-438,
        doi:10.1145/342009.335437, with the units in place of their samples. The nearest
        unit alone says less: an outlier of the training is a unit of its own.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.som import ESOM
        >>> X = np.random.default_rng(0).normal(size=(500, 2))
        >>> esom = ESOM(1, random_state=0).fit(X)
        >>> usual, outlier = esom.score_samples([[0.0, 0.0], [9.0, 9.0]])
        >>> bool(outlier < usual)
        True
        """
        samples = self._checked(X, errors)
        has_samples = self.hits_ > 0
        units = MeasuredUnits(self._metric(), self.codebook_[has_samples])
        scores = partial(units.outlier_scores, hits=self.hits_[has_samples])
        return samples.map_rows(scores, dtype=samples.dtype)

    def winners(
        self,
        X: ArrayLike,
        k: int = 1,
        *,
        return_distance: bool = False,
        errors: Errors = None,
    ) -> NDArray[np.intp] | Any:
        """Find the best-matching unit of every sample, or the best few.

        %(X)s
        k : int, default=1
            Number of units for each sample, up to all.
        return_distance : bool, default=False
            Whether to return the distances too.
        %(errors)s

        Returns
        -------
        winners : ndarray of shape (n_samples,) or (n_samples, k), dtype intp
            Nearest first, the lowest number first if several are as near; -1 for a
            sample without any present feature.
        distances : ndarray of shape (n_samples,) or (n_samples, k)
            NaN where a winner is -1; only if `return_distance` is true.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.som import CSOM
        >>> X = load_iris().data
        >>> csom = CSOM(3, shape=(6, 4)).fit(X)
        >>> units, distances = csom.winners(X, 2, return_distance=True)
        >>> units.shape, bool((distances[:, 0] <= distances[:, 1]).all())
        ((150, 2), True)
        """
        samples = self._checked(X, errors)
        n_units = len(self.codebook_)
        if not isinstance(k, Integral) or not 1 <= k <= n_units:
            raise ValueError(
                f"k must be an int from 1 to the number of units, {n_units}. Got {k!r}."
            )
        units = self._units()
        if not return_distance:
            winners = samples.map_rows(
                partial(units.winners, k=k), dtype=np.intp, columns=k
            )
            return winners[:, 0] if k == 1 else winners
        table = samples.map_rows(
            partial(units.winners_and_distances, k=k),
            dtype=np.float64,
            columns=2 * k,
        )
        winners = table[:, :k].astype(np.intp)
        distances = table[:, k:].astype(samples.dtype)
        if k == 1:
            winners = winners[:, 0]
            distances = distances[:, 0]
        return winners, distances

    def impute(self, X: ArrayLike, errors: Errors = None) -> NDArray[Any]:
        """Fill in missing features from the units.

        %(X_errors)s

        Returns
        -------
        filled : ndarray of shape (n_samples, n_features)
            A copy, of the dtype of the codebook, without NaN. A missing feature (or one
            of infinite error) is that of the unit nearest by the present ones (for a
            metric of angles, scaled to the sample); a sample without any has the mean
            of the units, weighted by their hits.

        Notes
        -----
        After Fessant & Midenet (2002), Neural Computing & Applications 10, 300-310,
        doi:10.1007/s005210200002.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.som import ESOM
        >>> X = np.repeat([[0.0, 0.0], [5.0, 8.0]], 10, axis=0)
        >>> ESOM(2, epsilon=1, random_state=0).fit(X).impute([[5.0, np.nan]]).tolist()
        [[5.0, 8.0]]
        """
        samples = self._checked(X, errors)
        mean_unit = np.average(self.codebook_, axis=0, weights=self.hits_)
        return samples.map_rows(
            partial(self._units().impute, mean_unit=mean_unit),
            dtype=samples.dtype,
            columns=samples.n_features,
        )

    def u_matrix(self) -> NDArray[Any]:
        """Return the mean distance of each unit to the units it is connected with.

        Returns
        -------
        distances : ndarray of shape (n_units,)
            High values are borders between clusters (Ultsch & Siemon 1990); 0 for a
            unit without connections.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.som import ESOM
        >>> esom = ESOM(3, random_state=0).fit(load_iris().data)
        >>> esom.u_matrix().shape == (len(esom.codebook_),)
        True
        """
        check_is_fitted(self)
        return mean_distances(self._metric(), self.codebook_, self.connections_)

    def __getstate__(self):
        self._finish_stream()
        state = without_lazy(super().__getstate__())
        return {name: state[name] for name in state.keys() - _NOT_STORED}

    def _metric(self):
        """Return how samples are compared with units."""
        return Metric()

    def _checked(self, X, errors=None):
        """Return samples as the kernels need them, of the features of the fit."""
        check_is_fitted(self)
        X = checked_table(self, X, self.codebook_.dtype, reset=False)
        return Samples(*check_errors(errors, X, self._metric()))

    def _validate_params(self):
        """Check the parameters; say where others go that stand in place of a number."""
        n_clusters = self.n_clusters
        if n_clusters is not None and not isinstance(n_clusters, Integral | str):
            raise InvalidParameterError(
                f"The 'n_clusters' parameter of {type(self).__name__} must be an int "
                f"from 1, 'auto' or None. Got {n_clusters!r} instead; a clusterer is "
                f"given as clusterer=..., {self._hint}."
            )
        super()._validate_params()

    def _check_enough_samples(self, samples):
        """Refuse fewer samples than clusters, as KMeans does."""
        if self._grouped_by_tree():
            n_samples = len(samples)
            if samples.weights is not None:
                n_samples = add_up(number_above_0, samples.weights)[0]
            check_enough_samples(n_samples, self.n_clusters)

    def _warn_of_unused(self):
        """Warn if n_clusters or clusterer is set, and the other makes it unused."""
        if self.n_clusters is None:
            warn_unused(self, ["clusterer"], "n_clusters=None")
        elif not self._takes_number() and isinstance(self.n_clusters, Integral):
            reason = "a clusterer that decides how many clusters there are"
            warn_unused(self, ["n_clusters"], reason)

    def _uses_seed(self):
        """Return whether maps of other seeds can differ."""
        return True

    def _takes_number(self):
        """Return whether n_clusters, not a clusterer, decides how many there are."""
        return isinstance(self.clusterer, str)

    def _number_asked_for(self):
        """Return n_clusters, None where it does not decide how many there are."""
        if not self._takes_number():
            return None
        return self.n_clusters

    def _grouped_by_tree(self):
        """Return whether a tree groups the units."""
        return self.n_clusters is not None and self._takes_number()

    def _statistics(self):
        """Return which sums over samples a grouping needs, by names in `summarize`."""
        if not self._grouped_by_tree():
            return set()
        return {"pairs", "moments"}

    def _finish(self, samples):
        """Group the units by samples, and label these; return the unit of each."""
        statistics = self._statistics()
        if samples.errors is not None:
            # The scatter of noisy samples around a unit is that of their errors.
            statistics = statistics - {"moments"}
        # A pass over all samples counts them. If these are few, and the units stay, it
        # also tells what a grouping needs.
        if not self._units_stay:
            statistics_of_all = {"sums"}
        elif not samples.is_lazy and len(samples) <= ENOUGH_ROWS:
            statistics_of_all = statistics
        else:
            statistics_of_all = set()
        summary = self._summary(samples, self.codebook_, statistics_of_all)
        self.hits_ = summary.hits
        self.quantization_error_ = summary.quantization_error
        codebook = self.codebook_
        summary_to_group_by = summary
        if statistics and statistics_of_all != statistics:
            subset = enough_rows(samples)
            codebook = self._codebook_to_group(summary.sums, subset)
            summary_to_group_by = self._summary(subset, codebook, statistics)
        self.grouping_ = self._group(codebook, summary_to_group_by)
        self._winners = summary.winners
        self._set_labels(samples, summary.winners)
        return summary.winners

    def _summary(self, samples, codebook, statistics):
        return summarize(samples, codebook, self._metric(), statistics)

    def _codebook_to_group(self, sums, samples):
        """Return where the units lie when they are grouped.

        Parameters
        ----------
        sums : tuple of ndarray
            Sums of the samples of each unit, and the weights of these, where units do
            not stay.
        samples : Samples
            Those by which the units are grouped.
        """
        return self.codebook_

    def _group(self, codebook, summary):
        """Group the units, that lie where the codebook says; return a Grouping."""
        if self.n_clusters is None:
            each_unit = np.arange(len(codebook))
            return self._grouping_of(each_unit)
        units = self._units_to_group(codebook, summary)
        if not self._takes_number():
            return self._grouping_of(clusters_of(self.clusterer, units))
        n_clusters = self.n_clusters
        gaps = ()
        # LAPACK rounds differently for each number of threads.
        with one_blas_thread():
            graph = coactivation_graph(units)
            cuts = cuts_of_units(units, graph, LADDER)
            unit_tree = self._tree_over_units(cuts)
            if n_clusters == "auto":
                n_clusters, gaps = number_by_gaps(graph, units.hits)
        n_leaves = unit_tree.tree.n_leaves
        if n_leaves < n_clusters:
            warn_user(
                f"The map has {n_leaves} units with samples, fewer than "
                f"n_clusters={n_clusters}. Ask for fewer, or for more units of the map "
                "(a smaller epsilon, more max_nodes, a larger shape).",
                ConvergenceWarning,
            )
        unit_labels = unit_tree.unit_labels(min(int(n_clusters), n_leaves))
        return Grouping(unit_labels, unit_tree, tuple(gaps))

    def _grouping_of(self, groups):
        """Return groups of units as clusters; units without samples join others."""
        units = Units(self._metric().prepared(self.codebook_), self.hits_)
        return Grouping(ranked(held_groups(groups, units), self.hits_))

    def _tree_over_units(self, cuts):
        """Return the tree over the units that hold samples, by cuts of the units."""
        codebook = self._metric().prepared(self.codebook_)
        codebook = np.ldexp(codebook, exponent_for(codebook, always=True))
        has_samples = self.hits_ > 0
        hits = self.hits_[has_samples]
        tree = tree_of_units(
            cuts[has_samples], hits, codebook[has_samples].astype(np.float64)
        )
        leaves = np.arange(len(hits))
        return UnitTree(
            tree=tree,
            leaf_of_unit=spread(leaves, has_samples, codebook),
            sizes=hits,
        )

    def _units_to_group(self, codebook, summary):
        """Return the units as the second stage sees them."""
        codebook = self._metric().prepared(codebook)
        # The tree sees units of size 1, so that no answer depends on their unit of
        # measurement. A clusterer may have lengths among its parameters.
        exponent = 0
        if self._grouped_by_tree():
            exponent = exponent_for(codebook, always=True)
        return Units(
            codebook=np.ldexp(codebook, exponent),
            hits=summary.hits,
            counts=summary.counts,
            radii=np.ldexp(summary.radii, exponent),
            means=summary.means,
            covariances=summary.covariances,
        )

    def _set_labels(self, samples, winners):
        """Label the samples, and set the means of the clusters."""
        label = self._labels_by(self.unit_labels_)
        if samples.is_lazy:
            # Labels are computed once more when they are read: they may not fit.
            self.labels_ = samples.map_rows(label, dtype=np.int32)
            function = partial(add_up_labeled, label, self.n_clusters_)
            _, sums, counts = samples.add_up(function, winners)
        else:
            self.labels_ = np.empty(len(samples), dtype=np.int32)
            function = partial(label_and_add_up, label, self.n_clusters_)
            _, sums, counts = samples.add_up(function, winners, out=self.labels_)
        self.cluster_centers_ = means_of(sums, counts, samples.dtype)
        total, _ = self._sums_of_squares(samples, winners)
        self.inertia_ = float(total)

    def _relabel_units(self, winners, labels):
        """Give units the labels that most of their samples have.

        What follows from clusters of the map itself is deleted.
        """
        codebook = self._metric().prepared(self.codebook_)
        self.grouping_ = Grouping(majority_groups(winners, labels, codebook))
        for name in ("labels_", "cluster_centers_", "inertia_"):
            vars(self).pop(name, None)

    def _sums_of_squares(self, samples, winners):
        """Add up the squared distances of samples to the centers of their clusters.

        Returns
        -------
        total, weight : float
            The sum, and the weights of the samples that it is of.
        """
        label = self._labels_by(self.unit_labels_)
        centers = MeasuredUnits(self._metric(), self.cluster_centers_)
        measure = partial(centers.sums_of_squares, label)
        return samples.add_up(measure, winners)

    def _labels_by(self, unit_labels):
        """Return a function of samples, and their winners if known; it is small."""
        return partial(
            labels_by_units,
            unit_labels,
            metric=self._metric(),
            codebook=self.codebook_,
        )

    def _units(self):
        """Return the units to look samples up in, small enough for other processes."""
        check_is_fitted(self)
        return MeasuredUnits(self._metric(), self.codebook_)


def without_lazy(state):
    """Return a state to pickle: lazy labels would take the table along."""
    return {name: value for name, value in state.items() if not is_lazy(value)}


def check_enough_samples(n_samples, n_clusters):
    """Refuse fewer samples than clusters."""
    if isinstance(n_clusters, Integral) and n_samples < n_clusters:
        raise ValueError(f"n_samples={n_samples} should be >= n_clusters={n_clusters}.")

# SPDX-License-Identifier: BSD-3-Clause
"""The consensus of many clusterings of one table."""

from __future__ import annotations

import copy
from functools import partial
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    MetaEstimatorMixin,
    TransformerMixin,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import gen_batches, get_tags
from sklearn.utils._param_validation import HasMethods, Interval, RealNotInt, StrOptions
from sklearn.utils.validation import check_is_fitted
from tqdm import tqdm

from skesom._common.decorators import available_if, fit_context
from skesom._common.estimator import (
    LinkedEstimator,
    as_fitted,
    keep_parameters,
    refuses,
)
from skesom._common.lazy import map_rows
from skesom._common.pipelines import last_name, pipeline_end
from skesom._common.warn import warn_user
from skesom._types import Errors, RandomState
from skesom.consensus._member_fits import (
    automatic_number_of_members,
    each_fit,
    each_in_single_threads,
    successful,
)
from skesom.consensus._piece_sums import (
    means_of_pieces,
    sum_of_squares,
    sum_up_pieces,
)
from skesom.consensus._piece_tree import grow_tree
from skesom.consensus._prototype import (
    USUAL_NUMBER,
    default_value,
    number_of_most_maps,
    number_parameter,
    uses_seeds,
)
from skesom.consensus._representative import closest_member, with_clusters_of_rows
from skesom.consensus._row_samples import (
    SEEDS,
    number_to_draw,
    rows_to_compare,
    rows_to_grow,
)
from skesom.consensus._seen_rows import SeenRows, has_cuts, look_up, see_rows
from skesom.som import CSOM, ESOM
from skesom.som.base import (
    COUNT,
    CodebookMap,
    check_enough_samples,
    without_lazy,
)
from skesom.som.docstrings import fill_docstrings
from skesom.som.input import check_errors, checked_table, random_generator
from skesom.som.measured_units import MeasuredUnits
from skesom.som.metric import Metric
from skesom.som.samples import Samples
from skesom.som.threads import threads_were_lost
from skesom.som.tree import HasClusterTree, check_cut, falls_of, tree_of_pieces

_ROWS_AT_A_TIME = 262_144  # whose labels by all members are a few tens of megabytes
_NOT_STORED = {"_pieces", "_seen"}  # which are as long as the table


def _members_predict(consensus):
    """Return True if members can label other rows than those of their fit.

    It is a condition of `available_if`, which shows the error that it raises.
    """
    member = getattr(consensus, "estimators_", [consensus.estimator])[0]
    if member is None or hasattr(member, "predict"):
        return True
    raise AttributeError(
        f"{last_name(member)} cannot label rows that it was not fitted on, "
        "and so its consensus cannot; use fit_predict, or labels_ after fit."
    )


@fill_docstrings
class ConsensusClusterer(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    MetaEstimatorMixin,
    ClusterMixin,
    HasClusterTree,
    LinkedEstimator,
):
    """Cluster by what many runs of a clusterer agree on.

    Parameters
    ----------
    estimator : clusterer or Pipeline that ends in one, default=None
        What the members are clones of; `ESOM` by default. Each gets its own seed for
        every `random_state`, and `n_clusters` (`n_components` of a mixture) at its end.
    n_estimators : int or "auto", default="auto"
        Number of members. "auto": 12; of fewer than 20 000 rows as many as learn from
        250 000 in all, up to 100, because few rows say less.
    n_clusters : int, "auto" or None, default=None
        Number of clusters, of each member and of the consensus. None takes that of the
        estimator, or 8 if it has none. "auto" takes the number that most
        maps find (1 for a continuum), and of other members that of the widest gap
        between the heights of the tree.
    max_samples : int, float in (0, 1] or "auto", default="auto"
        Rows that a member learns from, drawn without replacement: a number, or a share
        of at most 50 000 rows. "auto" is all, and half for members that do not depend
        on a seed, such as a `CSOM`, which would all be equal. Members without
        ``predict`` learn from all rows.
    random_state : int, RandomState instance or None, default=None
        Seed of the members; an int makes the result reproducible.
    verbose : int, default=0
        1 shows a progress bar.
    n_jobs : int, default=None
        Number of threads that fit members; -1 for one per processor.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,), dtype int32
        Cluster of each row, consecutive from 0 by falling size; -1 where more than half
        of the members see noise, -3 without any present feature.
    agreement_ : ndarray of shape (n_samples,), dtype float32
        How much the clusters that the members give the row are like that of the
        consensus: the rows that both hold over the mean of what each holds (Dice's
        coefficient), mean of the members; NaN for rows without any present feature. It
        estimates how likely the row keeps its cluster if the data are measured and
        clustered again.
    estimators_ : list of clusterer
        The fitted members.
    representative_ : clusterer
        The member closest to the consensus, by the adjusted Rand index. The units of a
        map are labeled as the consensus labels their rows; what is of clusters of its
        own (`labels_`, `cluster_centers_`, `inertia_`) is not kept.
    n_clusters_ : int
        Number of clusters.
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        Mean of the rows of each cluster, over the features that they have.
    inertia_ : float
        Sum of the squared distances of the rows to the center of their own cluster.
    children_ : ndarray of shape (n_leaves - 1, 2), dtype intp
        The tree of clusters, as in `AgglomerativeClustering`; see `labels_at`.
    distances_ : ndarray of shape (n_leaves - 1,)
        Height of each step of the tree, from 0 to 1 and rising.
    gaps_ : list of NumberGap
        What ``n_clusters="auto"`` considered too: `width`, how much lower the next step
        of the tree is after `n_clusters`, the widest gap first. Empty for a number
        given.
    %(features)s

    Raises
    ------
    ValueError
        For a parameter out of its range, fewer rows than clusters, input that the
        members refuse, if half of them cannot be fitted, or if all rows are noise.

    Warns
    -----
    ConvergenceWarning
        If some members failed, or fewer clusters than asked for were found.
    UserWarning
        If `n_clusters` and that of the estimator are both given, and differ, or if the
        members cannot differ and are equal; then `agreement_` is NaN.

    See Also
    --------
    ESOM : One network.
    skesom.maps.stability : How often pixels keep their clusters.

    Notes
    -----
    Each member that is a map has a tree of its own. Into 8, 20 and 40 clusters the
    members agree on one clustering of the rows each; rows that are together in all
    three are a piece, which another clustering, into 80, splits. Average linkage joins
    pieces by the share of all cuts of all members that hold them together [4]_, and
    that tree is cut (`docs/consensus.md`).

    To agree on one clustering, with rows i, clusters j of all M members, b_ij = 1 where
    row i is in cluster j, and r_i the number of members that label the row, their graph
    is folded to ::

        F_jl = sum_i b_ij b_il / r_i,      G = D^-1/2 F D^-1/2,      D_jj = sum_i b_ij

    k-means in the plane of the first k eigenvectors groups the clusters of the members,
    each weighted by its rows; each cluster votes for the group with most of its rows.
    The tree grows by up to 131 072 rows; all rows then vote for its pieces.

    References
    ----------
    .. [1] Strehl, A. & Ghosh, J. (2002), "Cluster ensembles - a knowledge reuse
       framework for combining multiple partitions", J. Mach. Learn. Res. 3, 583-617
    .. [2] Fern, X. Z. & Brodley, C. E. (2004), "Solving cluster ensemble problems by
       bipartite graph partitioning", Proc. ICML, doi:10.1145/1015330.1015414
    .. [3] Ghosh, J. & Acharya, A. (2011), "Cluster ensembles", WIREs Data Mining and
       Knowledge Discovery 1, 305-315, doi:10.1002/widm.32
    .. [4] Fred, A. L. N. & Jain, A. K. (2005), "Combining multiple clusterings using
       evidence accumulation", IEEE Trans. Pattern Anal. Mach. Intell. 27, 835-850,
       doi:10.1109/TPAMI.2005.113

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skesom.consensus import ConsensusClusterer
    >>> from skesom.som import ESOM
    >>> X, y = make_moons(1000, noise=0.05, random_state=0)
    >>> consensus = ConsensusClusterer(ESOM(), n_clusters=2, random_state=0).fit(X)
    >>> consensus.n_clusters_
    2
    >>> consensus.predict(X[:3]).shape
    (3,)
    """

    labels_: NDArray[np.int32]
    agreement_: NDArray[np.float32]
    n_clusters_: int
    cluster_centers_: NDArray[Any]
    inertia_: float

    # What a model in a file may hold: kind and axes of each array.
    _stored = {
        "cluster_centers_": "numbers clusters features",
        "labels_": "classes *",
        "_clusters": "labels places",
    }

    _parameter_constraints = {
        "estimator": [HasMethods(["fit_predict"]), None],
        "n_estimators": [COUNT, StrOptions({"auto"})],
        "n_clusters": [COUNT, StrOptions({"auto"}), None],
        "max_samples": [
            COUNT,
            Interval(RealNotInt, 0, 1, closed="right"),
            StrOptions({"auto"}),
        ],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "n_jobs": [Integral, None],
    }

    @refuses(
        n_init="n_estimators=... is the number of runs",
        init="give it to the estimator",
        max_iter="give it to the estimator",
        tol="give it to the estimator",
    )
    def __init__(
        self,
        estimator: BaseEstimator | None = None,
        *,
        n_estimators: int | Literal["auto"] = "auto",
        n_clusters: int | Literal["auto"] | None = None,
        max_samples: float | Literal["auto"] = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.n_clusters = n_clusters
        self.max_samples = max_samples
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = get_tags(self._prototype()).input_tags.allow_nan
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def __getstate__(self):
        state = without_lazy(super().__getstate__())
        return {name: state[name] for name in state.keys() - _NOT_STORED}

    @refuses(sample_weight="repeat rows (numpy.repeat)")
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: object = None, errors: Errors = None) -> Self:
        """Fit the members and find what they agree on.

        %(Xy)s
        errors : array-like of shape (n_samples, n_features), default=None
            Measurement errors, for members that are a `CSOM`; see `CSOM.fit`.

        %(fitted)s

        Examples
        --------
        >>> from sklearn.cluster import KMeans
        >>> from sklearn.datasets import make_blobs
        >>> from skesom.consensus import ConsensusClusterer
        >>> X, _ = make_blobs(200, centers=3, random_state=0)
        >>> consensus = ConsensusClusterer(KMeans(3), n_estimators=4, random_state=0)
        >>> consensus = consensus.fit(X)
        >>> consensus.labels_.shape, consensus.agreement_.shape
        ((200,), (200,))
        """
        samples = self._checked(X, errors, reset=True)
        threads_were_lost()  # members may use OpenMP before a kernel of skesom does
        asked_for = self._number_asked_for()
        check_enough_samples(len(samples), asked_for)
        generator = random_generator(self.random_state)
        members, labels = self._fit_members(samples, generator)
        # Members that predict are compared by rows of all of the table, not by those
        # that they learned from; others have labels of the rows of their fit only.
        if labels is None:
            seen = self._see_rows_to_compare(members, samples, generator)
        else:
            seen = SeenRows(labels, samples)
        if 2 * seen.n_voters().max() < len(members):  # no row has a cluster
            raise ValueError(
                "The members find no cluster: all rows are noise to most of them. "
                f"Choose other parameters of {last_name(self._prototype())}."
            )
        seen_by_tree = seen.take(rows_to_grow(seen.n_rows))
        piece_votes, pieces_in_tree, tree = grow_tree(members, seen_by_tree)
        n_clusters, other_falls = _choose_number(asked_for, tree, members)

        self.estimators_ = members
        keep_parameters(self)
        self.gaps_ = other_falls
        self._tree = tree
        self._are_equal = (
            not self._members_can_differ(len(samples)) and seen.are_equal()
        )
        groups, groups_of_members = self._compare(
            n_clusters, piece_votes, seen_by_tree, pieces_in_tree
        )
        if seen.n_rows < len(samples) or samples.is_lazy:
            self._pieces, self.agreement_ = self._vote(samples)
        else:
            self._pieces, self.agreement_ = self._tally(seen.members)
        means = means_of_pieces(seen_by_tree.samples.X, pieces_in_tree, tree.n_leaves)
        self._sizes, self._piece_sums = sum_up_pieces(means, self._pieces, samples.X)
        self._set_labels(samples.dtype)
        self._closest = closest_member(groups, groups_of_members, self.n_jobs)
        self._seen = None
        if seen.n_rows == len(samples):
            self._seen = seen.compact()
        self.representative_ = self._representative(seen_by_tree, pieces_in_tree)
        if self._are_equal:
            warn_user(
                f"All {len(members)} members are equal: their agreement says nothing, "
                "and is missing (NaN). Let them differ by their rows (max_samples=0.5) "
                "or by a seed.",
                UserWarning,
            )
        if isinstance(asked_for, Integral) and n_clusters < asked_for:
            warn_user(
                f"The members distinguish {n_clusters} clusters, fewer than "
                f"n_clusters={asked_for}. Ask for fewer, or let the members find more.",
                ConvergenceWarning,
            )
        return self

    @available_if(_members_predict)
    def predict(
        self, X: ArrayLike, return_agreement: bool = False, errors: Errors = None
    ) -> NDArray[np.int32] | Any:
        """Label rows by the votes of the members.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN marks missing features, if the members take them.
        return_agreement : bool, default=False
            Whether to return the agreement too, in the same pass.
        errors : array-like of shape (n_samples, n_features), default=None
            As for `fit`.

        Returns
        -------
        labels : ndarray of shape (n_samples,), dtype int32
            As `labels_`.
        agreement : ndarray of shape (n_samples,), dtype float32
            As `agreement_`; only if `return_agreement` is true.

        Examples
        --------
        >>> from sklearn.cluster import KMeans
        >>> from skesom.consensus import ConsensusClusterer
        >>> X = [[0.0], [0.1], [0.2], [5.0], [5.1], [5.2]]
        >>> consensus = ConsensusClusterer(KMeans(2), n_clusters=2, random_state=0)
        >>> consensus = consensus.fit(X)
        >>> labels, agreement = consensus.predict([[0.0], [5.0]], return_agreement=True)
        >>> agreement.tolist()
        [1.0, 1.0]
        """
        check_is_fitted(self)
        samples = self._checked(X, errors, reset=False)
        pieces, agreement = self._vote(samples)
        labels = self._labels_of(pieces)
        if return_agreement:
            return labels, agreement
        return labels

    @available_if(_members_predict)
    def agreement(self, X: ArrayLike, errors: Errors = None) -> NDArray[np.float32]:
        """Return how much the members agree on each row, as `agreement_`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, as for `predict`.
        errors : array-like of shape (n_samples, n_features), default=None
            As for `fit`.

        Returns
        -------
        agreement : ndarray of shape (n_samples,), dtype float32
            From 0 to 1.

        Examples
        --------
        >>> from sklearn.cluster import KMeans
        >>> from skesom.consensus import ConsensusClusterer
        >>> X = [[0.0], [0.1], [0.2], [5.0], [5.1], [5.2]]
        >>> consensus = ConsensusClusterer(KMeans(2), n_clusters=2, random_state=0)
        >>> consensus.fit(X).agreement([[0.0], [5.0]]).tolist()
        [1.0, 1.0]
        """
        return self.predict(X, return_agreement=True, errors=errors)[1]

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Measure the distance of every row to the center of every cluster.

        %(X)s

        Returns
        -------
        distances : ndarray of shape (n_samples, n_clusters)
            Euclidean, of the dtype of X, scaled up over missing features; NaN without
            any present feature. The nearest center need not be that of the cluster of
            the row, which the members vote for.

        Examples
        --------
        >>> from sklearn.cluster import KMeans
        >>> from skesom.consensus import ConsensusClusterer
        >>> X = [[0.0], [0.2], [5.0], [5.0], [5.0]]
        >>> consensus = ConsensusClusterer(KMeans(2), n_clusters=2, random_state=0)
        >>> consensus.fit(X).transform([[1.0]]).round(1).tolist()
        [[4.0, 0.9]]
        """
        check_is_fitted(self)
        samples = self._checked(X, None, reset=False)
        centers = self.cluster_centers_.astype(samples.dtype)
        return samples.map_rows(
            MeasuredUnits(Metric(), centers).distances,
            dtype=samples.dtype,
            columns=len(centers),
        )

    @available_if(_members_predict)
    def score(self, X: ArrayLike, y: object = None, errors: Errors = None) -> float:
        """Return minus the sum of the squared distances to the centers of clusters.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, as for `predict`.
        y : None
            Ignored, present for API consistency.
        errors : array-like of shape (n_samples, n_features), default=None
            As for `fit`: clusters are found with them, distances are Euclidean.

        Returns
        -------
        score : float
            Minus the sum over the rows, each to the center of the cluster that
            `predict` gives it; NaN if none has a cluster. Of the rows of `fit` minus
            `inertia_`, as in `KMeans`: it rises with the number of clusters. How sure
            the clusters are is the mean of `agreement`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.consensus import ConsensusClusterer
        >>> from skesom.som import CSOM
        >>> X = load_iris().data
        >>> consensus = ConsensusClusterer(CSOM(3), n_estimators=2, random_state=0)
        >>> consensus = consensus.fit(X)
        >>> bool(abs(consensus.score(X) / consensus.inertia_ + 1) < 1e-9)
        True
        """
        check_is_fitted(self)
        samples = self._checked(X, errors, reset=False)
        pieces, _ = self._vote(samples)
        labels = self._labels_of(pieces)
        total, n_rows = sum_of_squares(self.cluster_centers_, labels, samples.X)
        if n_rows == 0:
            return np.nan
        return -float(total)

    @property
    def _n_features_out(self):
        return len(self.cluster_centers_)

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
            Rows; those of `fit` by default.
        errors : array-like of shape (n_samples, n_features), default=None
            As for `fit`.

        Returns
        -------
        labels : ndarray of shape (n_samples,), dtype int32
            Clusters from 0 by falling size in `fit`, and labels below 0 as in
            `labels_`.

        Raises
        ------
        ValueError
            For a number out of range, or if X is needed.

        Notes
        -----
        The height of a step is the share of the cuts (of the trees of all members, into
        2, 3, ... up to 48 clusters) that have a row of one node apart from a row of the
        other (average linkage, Fred & Jain 2005).

        Examples
        --------
        >>> from sklearn.datasets import make_blobs
        >>> from skesom.consensus import ConsensusClusterer
        >>> from skesom.som import ESOM
        >>> X, _ = make_blobs(500, centers=3, random_state=0)
        >>> consensus = ConsensusClusterer(ESOM(), n_estimators=4, n_clusters=3)
        >>> consensus = consensus.set_params(random_state=0).fit(X)
        >>> bool((consensus.labels_at(3) == consensus.labels_).all())
        True
        >>> len(set(consensus.labels_at(2))), len(set(consensus.labels_at(5)))
        (2, 5)
        """
        check_is_fitted(self)
        check_cut(self._tree, n_clusters)
        clusters = self._tree.clusters(n_clusters, self._sizes)
        if X is not None:
            pieces, _ = self._vote(self._checked(X, errors, reset=False))
        elif "_pieces" in vars(self):
            pieces = self._pieces
        elif n_clusters <= self.n_clusters_ and "labels_" in vars(self):
            pieces = self.labels_  # cuts nest: each cluster lies in one
            _, first_pieces = np.unique(self._clusters, return_index=True)
            clusters = clusters[first_pieces]
        else:
            raise ValueError(
                "The rows of fit are not part of a stored consensus: give them as X."
            )
        return map_rows(partial(look_up, clusters), pieces, dtype=np.int32)

    def _tree_and_sizes(self):
        """Return the tree, and the rows of fit of each leaf."""
        check_is_fitted(self)
        return self._tree, self._sizes

    def _has_tree(self):
        return "_tree" in vars(self)

    def _take_seen(self):
        """Return what members see of the rows of fit, and forget it.

        Returns
        -------
        seen : ndarray of int of shape (n_members, n_rows) or None
            Unit of each row in each member that is a map, and its label in others; None
            of so many rows that members saw a part of them, and of maps whose units
            have no tree, where it does not tell all that a cut needs.
        pieces : ndarray of int of shape (n_rows,)
            Piece of the tree of each row.
        """
        seen = self._seen
        self._seen = None
        last, _ = pipeline_end(self.estimators_[self._closest])
        if seen is None or (isinstance(last, CodebookMap) and not has_cuts(last)):
            return None, None
        if "_pieces" in vars(self):
            return seen, self._pieces
        pieces, _ = self._tally(seen)  # of lazy rows
        return seen, pieces

    def _cut_at(self, n_clusters, X=None, errors=None, *, seen=None, pieces=None):
        """Return a copy with the clusters of `labels_at`.

        Parameters
        ----------
        n_clusters : int
        X : array-like of shape (n_rows, n_features), default=None
            The rows of fit. They may be left out where the other two are given.
        errors : array-like of the same shape, default=None
        seen : sequence of ndarray of int of shape (n_rows,), default=None
            What members see of these rows, as in `SeenRows`.
        pieces : ndarray of int of shape (n_rows,), default=None
            Piece of each of these rows.
        """
        check_cut(self._tree, n_clusters)
        cut = copy.copy(self)
        cut._forget_cut()
        cut.gaps_ = []
        if X is None:
            seen_rows = SeenRows(seen)
        else:
            samples = self._checked(X, errors, reset=False)
            seen_rows = self._see_rows_to_compare(
                self.estimators_, samples, random_generator(0)
            )
            pieces = None  # not known where members are compared by some of the rows
            if seen_rows.n_rows == len(samples) and not samples.is_lazy:
                pieces, _ = self._tally(seen_rows.members)
        rows = rows_to_grow(seen_rows.n_rows)
        seen_by_tree = seen_rows.take(rows)
        if pieces is None:
            pieces_in_tree, _ = self._tally(seen_by_tree.members)
        else:
            pieces_in_tree = pieces[rows]
        cut._compare(n_clusters, self._piece_votes, seen_by_tree, pieces_in_tree)
        if pieces is None:
            cut._pieces, cut.agreement_ = cut._vote(samples)
        else:
            cut._pieces = pieces
            votes = cut._piece_votes.votes
            agreement = votes.agreement(seen_rows.members, pieces)
            cut.agreement_ = cut._unless_equal(agreement)
        cut._set_labels(self.cluster_centers_.dtype)
        cut.representative_ = cut._representative(seen_by_tree, pieces_in_tree)
        return cut

    def _forget_cut(self):
        """Forget what belongs to one cut of the tree."""
        for name in ("_pieces", "_clusters", "_piece_votes"):
            self.__dict__.pop(name, None)

    def _numbers_of_units(self):
        """Return how many units, or labels, each member has."""
        return [len(table) - 1 for table in self._piece_votes.votes.tables]

    def _leaves_of(self, pieces):
        """Return the leaf of each row, numbered as by `labels_at`."""
        n_leaves = len(tree_of_pieces(self).clusters)
        return look_up(self._tree.clusters(n_leaves, self._sizes), pieces)

    def _compare(self, n_clusters, piece_votes, seen, pieces):
        """Compare members by a cut of the tree; return that cut, and theirs.

        Parameters
        ----------
        n_clusters : int
        piece_votes : PieceVotes
        seen : SeenRows
        pieces : ndarray of shape (n_rows,)
            Piece of each of these rows.

        Returns
        -------
        groups : ndarray of shape (n_rows,)
            Group of each row in the cut.
        groups_of_members : list of ndarray of shape (n_rows,)
            Group in which each member sees each row.
        """
        groups = self._tree.groups(n_clusters)
        self._piece_votes, groups_of_members = piece_votes.compare(seen, pieces, groups)
        self.n_clusters_ = n_clusters
        return look_up(groups, pieces), groups_of_members

    def _set_labels(self, dtype):
        """Label the rows of fit, and set centers and inertia by sums of the pieces."""
        self._clusters = self._tree.clusters(self.n_clusters_, self._sizes)
        self.labels_ = self._labels_of(self._pieces)
        self.cluster_centers_, self.inertia_ = self._piece_sums.of_clusters(
            self._clusters, self.n_clusters_, dtype
        )

    def _labels_of(self, pieces):
        """Return the cluster of each row by its piece, lazily of lazy rows."""
        return map_rows(partial(look_up, self._clusters), pieces, dtype=np.int32)

    def _representative(self, seen, pieces):
        """Return a copy of the closest member, whose units have labels of their rows.

        Parameters
        ----------
        seen : SeenRows
        pieces : ndarray of shape (n_rows,)
            Piece of each of these rows.
        """
        return with_clusters_of_rows(
            self.estimators_[self._closest],
            units=seen.members[self._closest],
            labels=look_up(self._clusters, pieces),
            samples=seen.samples,
        )

    def _see_rows_to_compare(self, members, samples, generator):
        """Return what members see of the rows by which they are compared."""
        rows = rows_to_compare(len(samples), generator)
        if samples.is_lazy or len(rows) < len(samples):
            samples = samples[rows]
        return see_rows(members, samples, self.n_jobs)

    def _vote(self, samples):
        """Return the piece of each row, and how much the members agree on it."""
        if samples.is_lazy:
            # What is computed later is that of this fit, also if another one follows.
            vote = partial(_stacked_votes, self._piece_votes, self.estimators_)
            votes = samples.map_rows(vote, dtype=np.float64, columns=2)
            agreement = votes[:, 1].astype(np.float32)
            if self._are_equal:
                agreement = agreement * np.float32(np.nan)
            return votes[:, 0].astype(np.int32), agreement

        def vote_of_block(rows):
            return self._tally(see_rows(self.estimators_, samples[rows]).members)

        blocks = list(gen_batches(len(samples), _ROWS_AT_A_TIME))
        pieces = np.empty(len(samples), dtype=np.int16)
        agreement = np.empty(len(samples), dtype=np.float32)
        votes = each_in_single_threads(vote_of_block, blocks, self.n_jobs)
        for rows, votes_of_block in zip(blocks, votes, strict=True):
            pieces[rows], agreement[rows] = votes_of_block
        return pieces, agreement

    def _tally(self, seen):
        """Return the pieces of rows, and how much the members agree on them.

        Parameters
        ----------
        seen : sequence of ndarray of int of shape (n_rows,)
            What each member sees of the rows, as in `SeenRows`.
        """
        pieces, agreement = self._piece_votes.votes.tally(seen)
        return pieces, self._unless_equal(agreement)

    def _unless_equal(self, agreement):
        """Return an agreement; NaN if members are equal, where it says nothing."""
        if self._are_equal:
            agreement[:] = np.nan
        return agreement

    def _checked(self, X, errors, *, reset):
        """Return a table and its errors as samples, or refuse them."""
        clusterer = self if reset else as_fitted(self)
        prototype = clusterer._prototype()
        X = checked_table(
            self,
            X,
            None,
            reset=reset,
            allow_nan=get_tags(prototype).input_tags.allow_nan,
        )
        if errors is not None and not isinstance(prototype, CSOM):
            raise ValueError(
                f"{last_name(prototype)} takes no 'errors' as member of a "
                "consensus: leave them out, or use a CSOM."
            )
        X, errors = check_errors(errors, X, Metric())
        return Samples(X, errors)

    def _prototype(self):
        """Return what members are clones of."""
        if self.estimator is None:
            return ESOM()
        return self.estimator

    def _fit_members(self, samples, generator):
        """Return the members that could be fitted, and their labels if need be."""
        prototype = self._prototype()
        n_drawn = number_to_draw(prototype, self.max_samples, len(samples))
        n_members = self.n_estimators
        if n_members == "auto":
            n_members = automatic_number_of_members(len(samples))
        fits = each_fit(
            prototype,
            samples,
            seeds=generator.randint(SEEDS, size=n_members),
            n_clusters=self.n_clusters,
            n_drawn=n_drawn,
            n_jobs=self.n_jobs,
        )
        progress = tqdm(
            fits,
            desc=type(self).__name__,
            total=n_members,
            unit="run",
            disable=not self.verbose,
        )
        good_fits = successful(progress)
        members = [fit.member for fit in good_fits]
        if hasattr(members[0], "predict"):
            return members, None
        return members, [fit.labels for fit in good_fits]

    def _number_asked_for(self):
        """Return n_clusters, or that of the estimator; None if neither has one."""
        last, _ = pipeline_end(self._prototype())
        name = number_parameter(last)
        number_of_last = None if name is None else getattr(last, name)
        if number_of_last != "auto" and not isinstance(number_of_last, Integral):
            return self.n_clusters
        if self.n_clusters is None:
            return number_of_last
        if number_of_last not in (self.n_clusters, default_value(last, name)):
            warn_user(
                f"{type(self).__name__} has n_clusters={self.n_clusters!r} and its "
                f"estimator {name}={number_of_last!r}: members get "
                f"{self.n_clusters!r}. Leave one of them out.",
                UserWarning,
            )
        return self.n_clusters

    def _members_can_differ(self, n_rows):
        """Return whether members learn from other rows, or by other seeds.

        Such members may agree on all rows, and then their agreement is 1.
        """
        prototype = self._prototype()
        n_drawn = number_to_draw(prototype, self.max_samples, n_rows)
        return uses_seeds(prototype) or n_drawn < n_rows


def _choose_number(asked_for, tree, members):
    """Return the number of clusters, and what else "auto" considered.

    Parameters
    ----------
    asked_for : int, "auto" or None
    tree : ClusterTree
    members : list of clusterer

    Returns
    -------
    n_clusters : int
        As asked for, up to the leaves of the tree.
    other_falls : list of NumberGap
        The other numbers after which the heights of the tree fall, the widest fall
        first; empty for a number that was asked for.
    """
    if asked_for is None:
        return min(USUAL_NUMBER, tree.n_leaves), []
    if asked_for != "auto":
        return min(int(asked_for), tree.n_leaves), []
    falls = falls_of(tree)
    number = number_of_most_maps(members)
    if number is None:
        number = falls[0].n_clusters
    other_falls = [fall for fall in falls if fall.n_clusters != number]
    return min(int(number), tree.n_leaves), other_falls


def _stacked_votes(piece_votes, members, samples):
    """Return pieces and agreement of rows, of shape (n_rows, 2)."""
    seen = see_rows(members, samples)
    return np.column_stack(piece_votes.votes.tally(seen.members))

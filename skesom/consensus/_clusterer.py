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
from skesom._common.lazy import (
    add_up,
    computed,
    map_rows,
    take_lazily,
)
from skesom._common.pipelines import last_name, pipeline_end
from skesom._common.warn import warn_user
from skesom._types import Errors, RandomState
from skesom.consensus._members import (
    USUAL_NUMBER,
    closest,
    default_of,
    fit_in_one_thread,
    fit_member,
    in_single_threads,
    name_of_number,
    new_member,
    uses_seeds,
    usual_number,
)
from skesom.consensus._piece_sums import (
    PieceSums,
    means_of_pieces,
    squares_to,
    sums_by_piece,
)
from skesom.consensus._piece_tree import grown
from skesom.consensus._row_samples import SEEDS, drawn, few_of, rows_to_compare
from skesom.consensus._seen_rows import (
    are_equal,
    has_cuts,
    looked_up,
    smallest,
    view,
    views,
)
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

_ENOUGH_TO_LEARN = 50_000  # rows; twice as many win nothing (docs/consensus.md)
_ROWS_AT_A_TIME = 262_144  # whose labels by all members are a few tens of megabytes
# The automatic number of members: of 1 700 to 2 600 pixels, maps of two seeds agree to
# .59-.86 with 12 members, .66-.95 with 36 and .82-.93 with 100 (3 CPU seconds); of
# 20 000 pixels to .9 with 12. docs/choosing.md shows more.
_FEWEST_MEMBERS = 12
_MOST_MEMBERS = 100
_ROWS_IN_ALL = 250_000
_NOT_STORED = {"_pieces", "_seen"}  # which are as long as the table


def _members_predict(consensus):
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
        **dict.fromkeys(["init", "max_iter", "tol"], "give it to the estimator"),
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
        written = self._written_number()
        number = USUAL_NUMBER if written is None else written
        check_enough_samples(len(samples), written)
        generator = random_generator(self.random_state)
        members, labels = self._fitted_members(samples, generator)
        # Members that predict are compared by rows of all of the table, not by those
        # that they learned from; others have labels of the rows of their fit only.
        some = samples
        seen = labels
        if labels is None:
            compared = rows_to_compare(len(samples), generator)
            if samples.is_lazy or len(compared) < len(samples):
                some = samples[compared]
            seen = self._seen_by(members, some)
        n_voters = np.sum([of_member >= 0 for of_member in seen], axis=0)
        if 2 * n_voters.max() < len(seen):  # no row has a cluster
            raise self._all_noise()
        few = few_of(len(seen[0]))
        of_few, some = [of_member[few] for of_member in seen], some[few]
        piece_votes, pieces, tree = grown(members, of_few, some.X)
        if number == "auto":
            falls = falls_of(tree)
            number = usual_number(members) or falls[0].n_clusters
            falls = [fall for fall in falls if fall.n_clusters != number]
        else:
            falls = []
        n_clusters = min(int(number), tree.n_leaves)

        self.estimators_ = members
        keep_parameters(self)
        self.gaps_ = falls
        self._tree = tree
        self._are_equal = not self._members_can_differ(len(samples)) and are_equal(seen)
        cut = self._compare(n_clusters, piece_votes, of_few, pieces)
        if len(seen[0]) < len(samples) or samples.is_lazy:
            self._pieces, self.agreement_ = self._voted(samples)
        else:
            self._pieces, self.agreement_ = self._counted(seen)
        means = means_of_pieces(some.X, pieces, tree.n_leaves)
        self._sizes, self._piece_sums = self._sums_of_pieces(samples.X, means)
        self._set_labels(samples.dtype)
        self._closest = closest(*cut, self.n_jobs)
        self._seen = None
        if len(seen[0]) == len(samples):
            self._seen = smallest(seen)
        self.representative_ = self._representative(
            of_few, looked_up(self._clusters, pieces), some
        )
        if self._are_equal:
            warn_user(
                f"All {len(members)} members are equal: their agreement says nothing, "
                "and is missing (NaN). Let them differ by their rows (max_samples=0.5) "
                "or by a seed.",
                UserWarning,
            )
        if isinstance(written, Integral) and n_clusters < written:
            warn_user(
                f"The members distinguish {n_clusters} clusters, fewer than "
                f"n_clusters={written}. Ask for fewer, or let the members find more.",
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
        pieces, agreement = self._voted(samples)
        label = partial(looked_up, self._clusters)
        labels = map_rows(label, pieces, dtype=np.int32)
        return (labels, agreement) if return_agreement else labels

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
        measure = self._centers(samples.dtype).distances
        columns = len(self.cluster_centers_)
        return samples.map_rows(measure, dtype=samples.dtype, columns=columns)

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
        total, n_rows = self._sums_of_squares(samples)
        return -float(total) if n_rows else np.nan

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
            pieces, _ = self._voted(self._checked(X, errors, reset=False))
        elif "_pieces" in vars(self):
            pieces = self._pieces
        elif n_clusters <= self.n_clusters_ and "labels_" in vars(self):
            pieces = self.labels_  # cuts nest: each cluster lies in one
            _, first = np.unique(self._clusters, return_index=True)
            clusters = clusters[first]
        else:
            raise ValueError(
                "The rows of fit are not part of a stored consensus: give them as X."
            )
        label = partial(looked_up, clusters)
        return map_rows(label, pieces, dtype=np.int32)

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
        seen, self._seen = self._seen, None
        last, _ = pipeline_end(self.estimators_[self._closest])
        if seen is None or (isinstance(last, CodebookMap) and not has_cuts(last)):
            return None, None
        if "_pieces" in vars(self):
            return seen, self._pieces
        return seen, self._piece_votes.votes.counted(seen)[0]  # of lazy rows

    def _cut_at(self, n_clusters, X=None, errors=None, *, seen=None, pieces=None):
        """Return a copy with the clusters of `labels_at`.

        X are the rows of fit; they may be left out where it is known what members see
        of them, and in which pieces they are.
        """
        check_cut(self._tree, n_clusters)
        cut = copy.copy(self)
        cut._forget_cut()
        cut.gaps_ = []
        some = None
        if X is not None:
            samples = some = self._checked(X, errors, reset=False)
            compared = rows_to_compare(len(samples), random_generator(0))
            if samples.is_lazy or len(compared) < len(samples):
                some = samples[compared]
            seen = self._seen_by(self.estimators_, some)
            if len(seen[0]) == len(samples) and not samples.is_lazy:
                pieces = self._piece_votes.votes.counted(seen)[0]
        few = few_of(len(seen[0]))
        of_few = [of_member[few] for of_member in seen]
        some = some if some is None else some[few]
        if pieces is None:
            few_pieces, _ = self._piece_votes.votes.counted(of_few)
        else:
            few_pieces = pieces[few]
        cut._compare(n_clusters, self._piece_votes, of_few, few_pieces)
        if pieces is None:
            cut._pieces, cut.agreement_ = cut._voted(samples)
        else:
            cut._pieces = pieces
            cut.agreement_ = cut._agreement(seen, pieces)
        cut._set_labels(self.cluster_centers_.dtype)
        cut.representative_ = cut._representative(
            of_few, looked_up(cut._clusters, few_pieces), some
        )
        return cut

    def _agreement(self, seen, pieces):
        """Return how much members agree on rows whose pieces are known."""
        agreement = self._piece_votes.votes.agreement(seen, pieces)
        if self._are_equal:
            agreement[:] = np.nan
        return agreement

    def _numbers_of_units(self):
        """Return how many units, or labels, each member has."""
        return [len(table) - 1 for table in self._piece_votes.votes.tables]

    def _leaves_of(self, pieces):
        """Return the leaf of each row, numbered as by `labels_at`."""
        n_leaves = len(tree_of_pieces(self).clusters)
        return looked_up(self._tree.clusters(n_leaves, self._sizes), pieces)

    def _representative(self, seen, labels, samples):
        """Return a copy of the closest member, whose units have labels of their rows.

        Parameters
        ----------
        seen : list of ndarray of shape (n_rows,)
            Unit of each row in each member that is a map, and its label in others.
        labels : ndarray of shape (n_rows,)
            Cluster of each row.
        samples : Samples or None
            The rows, which are needed for maps whose units have no tree.
        """
        member = copy.deepcopy(self.estimators_[self._closest])
        last, _ = pipeline_end(member)
        if not isinstance(last, CodebookMap):
            return member
        few = slice(None, None, max(1, len(labels) // _ENOUGH_TO_LEARN))
        winners = seen[self._closest][few]
        if not has_cuts(last):
            samples = samples[few]
            last, X = pipeline_end(member, samples.X)
            winners = last.winners(X, errors=samples.errors)
        last._relabel_units(winners, labels[few])
        return member

    def _forget_cut(self):
        """Forget what is of a cut."""
        for name in ("_pieces", "_clusters", "_piece_votes"):
            self.__dict__.pop(name, None)

    def _compare(self, n_clusters, piece_votes, seen, pieces):
        """Compare members by a cut of the tree; return that cut, and theirs.

        Parameters
        ----------
        n_clusters : int
        piece_votes : PieceVotes
        seen : list of ndarray of shape (n_rows,)
            The units, or labels, of some rows in each member.
        pieces : ndarray of shape (n_rows,)
            Piece of each of these rows.

        Returns
        -------
        groups : ndarray of shape (n_rows,)
            Group of each row in the cut.
        own_groups : list of ndarray of shape (n_rows,)
            Group in which each member sees each row.
        """
        groups = self._tree.groups(n_clusters)
        self._piece_votes, own_groups = piece_votes.comparing(seen, pieces, groups)
        self.n_clusters_ = n_clusters
        return looked_up(groups, pieces), own_groups

    def _seen_by(self, members, samples):
        """Return the unit, or the label, of rows in each member."""
        look = partial(view, samples=samples)
        return list(in_single_threads(look, members, self.n_jobs))

    def _counted(self, seen):
        """Return the pieces of rows of which each member has seen a part."""
        pieces, agreement = self._piece_votes.votes.counted(seen)
        if self._are_equal:
            agreement[:] = np.nan
        return pieces, agreement

    def _voted(self, samples):
        """Return the piece of each row, and how much the members agree on it."""
        if samples.is_lazy:
            vote = partial(_stacked_votes, self._piece_votes, self.estimators_)
            voted = samples.map_rows(vote, dtype=np.float64, columns=2)
            pieces, agreement = voted[:, 0], voted[:, 1].astype(np.float32)
            if self._are_equal:
                agreement = agreement * np.float32(np.nan)
            return pieces.astype(np.int32), agreement

        def of_block(rows):
            return self._counted(views(self.estimators_, samples[rows]))

        blocks = list(gen_batches(len(samples), _ROWS_AT_A_TIME))
        pieces = np.empty(len(samples), dtype=np.int16)
        agreement = np.empty(len(samples), dtype=np.float32)
        voted = in_single_threads(of_block, blocks, self.n_jobs)
        for rows, of_rows in zip(blocks, voted, strict=True):
            pieces[rows], agreement[rows] = of_rows
        return pieces, agreement

    def _sums_of_pieces(self, X, means):
        """Return what is added up of the pieces of the rows of fit.

        It is one pass: members vote again for each pass over lazy rows.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
        means : ndarray of shape (n_pieces, n_features)
            About those of the pieces.

        Returns
        -------
        sizes : ndarray of shape (n_pieces,)
        sums : PieceSums
        """
        sizes, *sums = add_up(partial(sums_by_piece, means), self._pieces, X)
        return sizes, PieceSums(means, *sums)

    def _set_labels(self, dtype):
        """Label the rows of fit, and set centers and inertia by sums of the pieces."""
        self._clusters = self._tree.clusters(self.n_clusters_, self._sizes)
        label = partial(looked_up, self._clusters)
        self.labels_ = map_rows(label, self._pieces, dtype=np.int32)
        self.cluster_centers_, self.inertia_ = self._piece_sums.of_clusters(
            self._clusters, self.n_clusters_, dtype
        )

    def _sums_of_squares(self, samples):
        """Return the sum of the squared distances of rows to the centers, and a number.

        Each row is measured to the center of the cluster that the members vote for;
        the number is how many rows have one.
        """
        pieces, _ = self._voted(samples)
        labels = map_rows(partial(looked_up, self._clusters), pieces, dtype=np.int32)
        return add_up(partial(squares_to, self.cluster_centers_), labels, samples.X)

    def _centers(self, dtype):
        """Return the centers of the clusters, to measure rows by."""
        return MeasuredUnits(Metric(), self.cluster_centers_.astype(dtype))

    def _checked(self, X, errors, *, reset):
        prototype = (self if reset else as_fitted(self))._prototype()
        allow_nan = get_tags(prototype).input_tags.allow_nan
        X = checked_table(self, X, None, reset=reset, allow_nan=allow_nan)
        if errors is not None and not isinstance(prototype, CSOM):
            raise ValueError(
                f"{last_name(prototype)} takes no 'errors' as member of a "
                "consensus: leave them out, or use a CSOM."
            )
        return Samples(*check_errors(errors, X, Metric()))

    def _all_noise(self):
        return ValueError(
            "The members find no cluster: all rows are noise to most of them. Choose "
            f"other parameters of {last_name(self._prototype())}."
        )

    def _prototype(self):
        return ESOM() if self.estimator is None else self.estimator

    def _fitted_members(self, samples, generator):
        """Return the members that could be fitted, and their labels if need be."""
        n_rows = len(samples)
        prototype = self._prototype()
        n_samples = self._n_samples(n_rows, hasattr(prototype, "predict"))
        n_members = self.n_estimators
        if n_members == "auto":
            wanted = -(-_ROWS_IN_ALL // max(n_rows, 1))
            n_members = min(max(wanted, _FEWEST_MEMBERS), _MOST_MEMBERS)
        seeds = generator.randint(SEEDS, size=n_members)

        def fit(seed):
            rows = drawn(seed, n_rows, n_samples)
            return fit_member(
                new_member(self._prototype(), self.n_clusters, seed),
                samples.X,
                samples.errors,
                rows,
            )

        if samples.is_lazy:
            runs = self._runs_of_dask(samples, seeds, n_samples)
        else:
            runs = in_single_threads(fit, seeds, self.n_jobs)
        progress = tqdm(
            runs,
            desc=type(self).__name__,
            total=n_members,
            unit="run",
            disable=not self.verbose,
        )
        members = []
        labels = []
        failures = {}
        for number, (member, labels_of_member, error) in enumerate(progress):
            if error is None:
                members.append(member)
                labels.append(labels_of_member)
            else:
                failures[number] = error
        if 2 * len(members) <= n_members:
            raise next(iter(failures.values()))
        if failures:
            numbers = ", ".join(str(number) for number in failures)
            first_error = next(iter(failures.values()))
            warn_user(
                f"{len(failures)} of {n_members} members failed ({numbers}, "
                f"from 0) and are left out. The first error: {first_error}",
                ConvergenceWarning,
            )
        if hasattr(members[0], "predict"):
            return members, None
        return members, labels

    def _runs_of_dask(self, samples, seeds, n_samples):
        """Fit each member by a task of dask, to its rows of a dask array."""
        if not hasattr(self._prototype(), "predict"):
            raise ValueError(
                f"{last_name(self._prototype())} cannot label rows that it was not "
                "fitted on, and X is a dask array: take a clusterer with predict."
            )
        import dask

        rows_of_members = [drawn(seed, len(samples), n_samples) for seed in seeds]
        # Rows that several members learn from are computed once.
        drawn_rows = np.unique(np.concatenate(rows_of_members))
        X = take_lazily(samples.X, drawn_rows)
        errors = None
        if samples.errors is not None:
            errors = take_lazily(samples.errors, drawn_rows)
        fit = dask.delayed(fit_in_one_thread)
        runs = []
        for seed, rows in zip(seeds, rows_of_members, strict=True):
            member = new_member(self._prototype(), self.n_clusters, seed)
            runs.append(fit(member, X, errors, np.searchsorted(drawn_rows, rows)))
        return computed(*runs)

    def _written_number(self):
        """Return the number of clusters: the own, that of the estimator, or None."""
        last, _ = pipeline_end(self._prototype())
        name = name_of_number(last)
        number_of_last = None if name is None else getattr(last, name)
        if number_of_last != "auto" and not isinstance(number_of_last, Integral):
            return self.n_clusters
        if self.n_clusters is None:
            return number_of_last
        if number_of_last not in (self.n_clusters, default_of(last, name)):
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
        predicts = hasattr(self._prototype(), "predict")
        return (
            uses_seeds(self._prototype()) or self._n_samples(n_rows, predicts) < n_rows
        )

    def _n_samples(self, n_rows, predicts):
        """Return how many rows a member learns from."""
        n_samples = self.max_samples
        if n_samples == "auto":
            n_samples = 0.5 if predicts and not uses_seeds(self._prototype()) else 1.0
        if not isinstance(n_samples, Integral):
            n_samples = max(1, round(n_samples * n_rows))
            if predicts:
                n_samples = min(n_samples, _ENOUGH_TO_LEARN)
        if n_samples < n_rows and not predicts:
            raise ValueError(
                f"{last_name(self._prototype())} cannot label rows that it was not "
                "fitted on, so each member has to learn from all of them: leave out "
                f"max_samples. Got max_samples={self.max_samples!r}."
            )
        return min(n_rows, n_samples)


def _stacked_votes(piece_votes, members, samples):
    return np.column_stack(piece_votes.pieces(members, samples))

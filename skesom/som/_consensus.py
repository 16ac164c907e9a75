# SPDX-License-Identifier: BSD-3-Clause
"""The consensus of many clusterings of one table."""

from __future__ import annotations

import copy
import inspect
from functools import partial
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    MetaEstimatorMixin,
    TransformerMixin,
    clone,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import gen_batches, get_tags
from sklearn.utils._param_validation import HasMethods, Interval, RealNotInt, StrOptions
from sklearn.utils.validation import check_is_fitted
from tqdm import tqdm

from skesom._common.advice import refuses
from skesom._common.blocks import each_in_threads
from skesom._common.decorators import available_if, fit_context
from skesom._common.estimator import LinkedEstimator
from skesom._common.fitted import as_fitted, keep_parameters
from skesom._common.labels import ranks_by_size
from skesom._common.lazy import add_up, computed, is_lazy, map_rows, take_lazily
from skesom._common.pipelines import last_name, pipeline_end, random_states
from skesom._common.threads import jobs_possible, one_thread
from skesom._common.warn import warn_user
from skesom._types import Errors, RandomState
from skesom.som._base import (
    COUNT,
    CodebookMap,
    MeasuredUnits,
    check_enough_samples,
    means_of,
    sums_by_label,
    without_lazy,
)
from skesom.som._csom import CSOM
from skesom.som._docstrings import fill_docstrings
from skesom.som._esom import ESOM
from skesom.som._folded_graph import FoldedGraph
from skesom.som._input import check_errors, checked_table, random_generator, rows_of
from skesom.som._metric import Metric
from skesom.som._threads import threads_were_lost
from skesom.som._tree import Cut, labels_of, tree_of_members

_ENOUGH_TO_LEARN = 50_000  # rows; twice as many win nothing (docs/consensus.md)
_ENOUGH_TO_COMPARE = 1_000_000  # rows; of a cluster of 0.1 % they show a thousand
_ENOUGH_FOR_TREE = 10_000  # rows, or up to twice as many, that each map groups again
_ROWS_AT_A_TIME = 262_144  # whose labels by all members are a few tens of megabytes
# The automatic number of members: of 1 700 to 2 600 pixels, maps of two seeds agree to
# .59-.86 with 12 members, .66-.95 with 36 and .82-.93 with 100 (3 CPU seconds); of
# 20 000 pixels to .9 with 12. docs/choosing.md shows more.
_FEWEST_MEMBERS, _MOST_MEMBERS, _ROWS_IN_ALL = 12, 100, 250_000
_SEEDS = 2**31 - 1  # which any scikit-learn estimator takes
_USUAL = 8  # clusters, as in scikit-learn, where nobody gives a number
_NOT_OF_THIS_FIT = "_grown _leaves_ _learned _of_members _whole _cut".split()


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
        estimator, or 8 if it has none. "auto" takes it from the widest gap of the
        spectrum (1 for a continuum), and lets maps choose their own.
    max_samples : int or float in (0, 1], default=1.0
        Rows that a member learns from, drawn without replacement: a number, or a share
        of at most 50 000 rows. A share of 0.5 lets members differ that do not depend on
        a seed, such as a `CSOM`. Members without ``predict`` learn from all rows.
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
        map are labeled as the consensus labels their rows.
    n_clusters_ : int
        Number of clusters.
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        Mean of the rows of each cluster, over the features that they have.
    inertia_ : float
        Sum of the squared distances of the rows to the nearest of these centers.
    spectrum_ : ndarray of shape (n_eigenvalues,)
        Eigenvalues of the graph, falling from 1. Near 1 are clusters on which members
        agree, near 0 chance.
    children_ : ndarray of shape (n_leaves - 1, 2), dtype intp
        The tree of clusters, as in `AgglomerativeClustering`; see `labels_at`.
    distances_ : ndarray of shape (n_leaves - 1,)
        Height of each step of the tree, from 0 to 1 and rising.
    gaps_ : list of NumberGap
        What ``n_clusters="auto"`` considered too: `width`, how much the eigenvalues
        fall after `n_clusters` of them, the widest gap first. Empty for a number given.
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
        If `n_clusters` and that of the estimator are both given, and differ.

    See Also
    --------
    ESOM : One network.
    skesom.maps.stability : How often pixels keep their clusters.

    Notes
    -----
    With rows i, clusters j of all M members, b_ij = 1 where row i is in cluster j, and
    r_i the number of members that label the row, the graph is folded to ::

        F_jl = sum_i b_ij b_il / r_i,      G = D^-1/2 F D^-1/2,      D_jj = sum_i b_ij

    k-means in the plane of the first k eigenvectors groups the clusters of the members,
    each weighted by its rows, and a row belongs to the nearest center of the mean of
    its clusters (`docs/consensus.md`). Tables of more than a million rows are folded
    from that many drawn at random.

    References
    ----------
    .. [1] Strehl, A. & Ghosh, J. (2002), "Cluster ensembles - a knowledge reuse
       framework for combining multiple partitions", J. Mach. Learn. Res. 3, 583-617
    .. [2] Fern, X. Z. & Brodley, C. E. (2004), "Solving cluster ensemble problems by
       bipartite graph partitioning", Proc. ICML, doi:10.1145/1015330.1015414
    .. [3] Ghosh, J. & Acharya, A. (2011), "Cluster ensembles", WIREs Data Mining and
       Knowledge Discovery 1, 305-315, doi:10.1002/widm.32

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skesom.som import ESOM, ConsensusClusterer
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

    _parameter_constraints = {
        "estimator": [HasMethods(["fit_predict"]), None],
        "n_estimators": [COUNT, StrOptions({"auto"})],
        "n_clusters": [COUNT, StrOptions({"auto"}), None],
        "max_samples": [COUNT, Interval(RealNotInt, 0, 1, closed="right")],
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
        max_samples: float = 1.0,
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
        if "_to_grow" in self.__dict__:
            self._tree()
        state = without_lazy(super().__getstate__())
        return {name: value for name, value in state.items() if name != "_learned"}

    def __setstate__(self, state):
        if "_votes" in state:
            state["_votes"] = state["_votes"].of_this_version()
        super().__setstate__(state)

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
        >>> from skesom.som import ConsensusClusterer
        >>> X, _ = make_blobs(200, centers=3, random_state=0)
        >>> consensus = ConsensusClusterer(KMeans(3), n_estimators=4, random_state=0)
        >>> consensus = consensus.fit(X)
        >>> consensus.labels_.shape, consensus.agreement_.shape
        ((200,), (200,))
        """
        X, errors = self._checked(X, errors, reset=True)
        threads_were_lost()  # members may use OpenMP before a kernel of skesom does
        written = self._written_number()
        number = _USUAL if written is None else written
        check_enough_samples(len(X), written)
        generator = random_generator(self.random_state)
        members, labels = self._fitted_members(X, errors, generator)
        # Members that predict are compared by rows of all of the table, not by those
        # that they learned from; others have labels of the rows of their fit only.
        compared = np.arange(len(X))
        some = X, errors
        if labels is None:
            compared = _rows_to_compare(len(X), generator)
            if is_lazy(X) or len(compared) < len(X):
                some = rows_of(compared, X, errors)
            labels = _labels_of(members, *some, self.n_jobs)
        if all(of_member.max() < 0 for of_member in labels):
            raise self._all_noise()
        graph = FoldedGraph(labels)
        gaps = graph.gaps() if number == "auto" else []
        number_found = gaps[0].n_clusters if gaps else min(number, graph.rank())
        votes = graph.votes(int(number_found), generator)  # KMeans takes no bool
        winner, agreement = votes.counted(labels)
        closest = graph.closest(winner, self.n_jobs)
        of_compared = winner
        if is_lazy(X) or len(winner) < len(X):
            winner, agreement = _voted(members, votes, X, errors, self.n_jobs)
        sizes, *sums = add_up(partial(sums_by_label, len(votes.bias)), winner, X)
        if not sizes.any():
            raise self._all_noise()
        rank = ranks_by_size(sizes)
        by_size = np.argsort(rank)[: np.count_nonzero(sizes)]

        self.estimators_ = members
        keep_parameters(self)
        self.spectrum_ = graph.eigenvalues
        self.gaps_ = gaps[1:]
        self._votes = votes.kept(by_size)
        self.n_clusters_ = len(by_size)
        self.labels_ = map_rows(partial(_ranked, rank=rank), winner, dtype=np.int32)
        self.agreement_ = agreement
        self._set_centers(X, *(of_clusters[by_size] for of_clusters in sums))
        some = *some, _ranked(of_compared, rank)
        self._keep_for_tree(X, errors, some, labels)
        self.representative_ = _labeled_alike(members[closest], *some)
        if isinstance(written, Integral) and self.n_clusters_ < written:
            warn_user(
                f"The members distinguish {self.n_clusters_} clusters, fewer than "
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
        >>> from skesom.som import ConsensusClusterer
        >>> X = [[0.0], [0.1], [0.2], [5.0], [5.1], [5.2]]
        >>> consensus = ConsensusClusterer(KMeans(2), n_clusters=2, random_state=0)
        >>> consensus = consensus.fit(X)
        >>> labels, agreement = consensus.predict([[0.0], [5.0]], return_agreement=True)
        >>> agreement.tolist()
        [1.0, 1.0]
        """
        check_is_fitted(self)
        X, errors = self._checked(X, errors, reset=False)
        votes = getattr(self, "_cut", self._votes)
        voted = _voted(self.estimators_, votes, X, errors, self.n_jobs)
        return voted if return_agreement else voted[0]

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
        >>> from skesom.som import ConsensusClusterer
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
        >>> from skesom.som import ConsensusClusterer
        >>> X = [[0.0], [0.2], [5.0], [5.0], [5.0]]
        >>> consensus = ConsensusClusterer(KMeans(2), n_clusters=2, random_state=0)
        >>> consensus.fit(X).transform([[1.0]]).round(1).tolist()
        [[4.0, 0.9]]
        """
        check_is_fitted(self)
        X, _ = self._checked(X, None, reset=False)
        measure, columns = self._centers(X.dtype).distances, len(self.cluster_centers_)
        return map_rows(measure, X, None, dtype=X.dtype, columns=columns)

    def score(self, X: ArrayLike, y: object = None) -> float:
        """Return minus the sum of the squared distances to the nearest centers.

        %(Xy)s

        Returns
        -------
        score : float
            Of the rows of `fit` minus `inertia_`, as in `KMeans`: it rises with the
            number of clusters. How sure the clusters are is the mean of `agreement`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.som import CSOM, ConsensusClusterer
        >>> X = load_iris().data
        >>> consensus = ConsensusClusterer(CSOM(3), n_estimators=2, random_state=0)
        >>> consensus.fit(X).score(X) == -consensus.inertia_
        True
        """
        check_is_fitted(self)
        X, _ = self._checked(X, None, reset=False)
        return -self._squares(X)

    @property
    def _n_features_out(self):
        return len(self.cluster_centers_)

    @property
    def children_(self) -> NDArray[np.intp]:
        """The two nodes that each step of the tree joins, leaves first."""
        return self._tree()[0].children

    @property
    def distances_(self) -> NDArray[np.float64]:
        """The height of each step of `children_`, rising."""
        return self._tree()[0].distances

    def labels_at(
        self, n_clusters: int, X: ArrayLike | None = None, errors: Errors = None
    ) -> NDArray[np.int32] | Any:
        """Cut the tree of clusters into another number of them, without a new fit.

        The cuts nest. At `n_clusters_` they are `labels_`; below, clusters are joined,
        and above, they are parted, first where there are gaps. Numbers stay: the
        smaller part of a cluster gets a new one, and joined clusters the lower one.

        Parameters
        ----------
        n_clusters : int
            From 1 to the number of leaves, ``len(children_) + 1``.
        X : array-like of shape (n_samples, n_features), default=None
            Rows; those of `fit` by default, if these were at most a million and in an
            array that has not changed since.
        errors : array-like of shape (n_samples, n_features), default=None
            As for `fit`.

        Returns
        -------
        labels : ndarray of shape (n_samples,), dtype int32
            Clusters, and labels below 0 as in `labels_`.

        Notes
        -----
        The height of a step is 1 minus the share of the members that have a row of one
        node together with a row of the other (average linkage, Fred & Jain 2005). It
        grows from up to 20 000 rows when it is first asked for.

        Examples
        --------
        >>> from sklearn.datasets import make_blobs
        >>> from skesom.som import ESOM, ConsensusClusterer
        >>> X, _ = make_blobs(500, centers=3, random_state=0)
        >>> consensus = ConsensusClusterer(ESOM(), n_estimators=4, n_clusters=3)
        >>> consensus = consensus.set_params(random_state=0).fit(X)
        >>> bool((consensus.labels_at(3) == consensus.labels_).all())
        True
        >>> len(set(consensus.labels_at(2))), len(set(consensus.labels_at(5)))
        (2, 5)
        """
        if hasattr(self, "_whole"):
            return self._whole.labels_at(n_clusters, X, errors)
        numbers = self._numbers_at(n_clusters)
        if n_clusters <= self.n_clusters_:  # needs no leaves
            places = self.labels_ if X is None else self.predict(X, errors=errors)
        elif X is None:
            places = self._leaves_learned()
        else:
            places = self._leaves(*self._checked(X, errors, reset=False))
        return map_rows(partial(_ranked, rank=numbers), places, dtype=np.int32)

    def _numbers_at(self, n_clusters):
        """Return the new number of each cluster or, of more clusters, of each leaf."""
        if hasattr(self, "_whole"):
            return self._whole._numbers_at(n_clusters)
        tree = self._tree()[0]
        n_leaves = len(tree.clusters)
        if not isinstance(n_clusters, Integral) or not 1 <= n_clusters <= n_leaves:
            raise ValueError(
                f"n_clusters must be an int from 1 to the {n_leaves} leaves of the "
                f"tree. Got {n_clusters!r}. For more, fit again with that number."
            )
        numbers = tree.numbers(n_clusters)
        if n_clusters > self.n_clusters_:
            return numbers
        return numbers[np.unique(tree.clusters, return_index=True)[1]]

    def _cut_at(self, n_clusters, X, errors=None):
        """Return a copy with the clusters of `labels_at`; X are the rows of fit."""
        whole = getattr(self, "_whole", self)
        numbers, voting = whole._numbers_at(n_clusters), whole._tree()[1]
        X, errors = whole._checked(X, errors, reset=False)
        cut = copy.copy(whole)
        if n_clusters != whole.n_clusters_:
            voting = voting if n_clusters > whole.n_clusters_ else None
            rows = _rows_to_compare(len(X), random_generator(0))
            some, members = rows_of(rows, X, errors), whole.estimators_
            labels = _labels_of(members, *some, whole.n_jobs)
            cut._cut, *voted = Cut(numbers, whole._votes, voting).compared(
                members, labels, *some
            )
            cut.representative_ = _labeled_alike(whole.representative_, *some, voted[0])
            cut._whole, cut.n_clusters_, cut.gaps_ = whole, n_clusters, []
        if n_clusters == whole.n_clusters_ or is_lazy(X) or len(rows) < len(X):
            voted = cut.predict(X, True, errors)
        cut.labels_, cut.agreement_ = voted
        _, *sums = add_up(partial(sums_by_label, n_clusters), cut.labels_, X)
        cut._set_centers(X, *sums)
        return cut

    def _set_centers(self, X, sums, counts):
        self.cluster_centers_ = means_of(sums, counts, X.dtype)
        self.inertia_ = self._squares(X)

    def _squares(self, X):
        """Return the sum of the squared distances of rows to the nearest centers."""
        return float(add_up(self._centers(X.dtype).sums_of_distances, X)[2])

    def _centers(self, dtype):
        """Return the centers of the clusters, to measure rows by."""
        return MeasuredUnits(Metric(), self.cluster_centers_.astype(dtype))

    def _keep_for_tree(self, X, errors, compared, of_members):
        """Keep rows from which the tree grows, when somebody asks for it."""
        for name in _NOT_OF_THIS_FIT:
            self.__dict__.pop(name, None)
        rows = np.flatnonzero(compared[-1] >= 0)
        rows = rows[:: max(1, len(rows) // _ENOUGH_FOR_TREE)]
        some, given = rows_of(rows, *compared), None
        if not hasattr(self.estimators_[0], "predict"):
            given, self._of_members = [own[rows] for own in of_members], of_members
        elif len(X) <= _ENOUGH_TO_COMPARE:
            self._learned = X, errors  # more rows must be given to labels_at again
        self._to_grow = *some, given

    def _tree(self):
        """Return the tree of clusters, and the votes that give rows its leaves."""
        check_is_fitted(self)
        if not self._has_tree():
            raise ValueError(
                "The consensus is of an earlier version, which grew no tree of its "
                "clusters: fit it again, with the number of clusters that you want."
            )
        to_grow = self.__dict__.get("_to_grow")
        if to_grow is not None:  # other threads may grow the same tree
            *some, given = to_grow
            n_clusters = self.n_clusters_
            self._grown = tree_of_members(self.estimators_, *some, n_clusters, given)
            self.__dict__.pop("_to_grow", None)
        return self._grown

    def _has_tree(self):
        return not {"_grown", "_to_grow"}.isdisjoint(vars(self))

    def _clusters_of_leaves(self):
        """Return the cluster of each leaf of the tree."""
        return self._tree()[0].numbers(self.n_clusters_)

    def _leaves_learned(self):
        """Return the leaf of each row of fit."""
        if not hasattr(self, "_leaves_"):
            if hasattr(self, "_of_members"):
                voting = self._tree()[1]
                self._leaves_ = voting.leaves(self._of_members, self.labels_)
            elif hasattr(self, "_learned"):
                self._leaves_ = self._leaves(*self._learned)
                del self._learned  # whose table may be large
            else:
                raise ValueError(
                    "The rows of fit are not part of a stored consensus, nor of one "
                    "of more than a million rows: give them as X."
                )
        return self._leaves_

    def _leaves(self, X, errors):
        """Return the leaf of each row."""
        voting = self._tree()[1]
        leaves = partial(_leaves_of_rows, self.estimators_, self._votes, voting)
        return map_rows(leaves, X, errors, dtype=np.int32)

    def _checked(self, X, errors, *, reset):
        prototype = (self if reset else as_fitted(self))._prototype()
        allow_nan = get_tags(prototype).input_tags.allow_nan
        X = checked_table(self, X, None, reset=reset, allow_nan=allow_nan)
        if errors is not None and not isinstance(prototype, CSOM):
            raise ValueError(
                f"{last_name(prototype)} takes no 'errors' as member of a "
                "consensus: leave them out, or use a CSOM."
            )
        return check_errors(errors, X, Metric())

    def _all_noise(self):
        return ValueError(
            "The members find no cluster: all rows are noise to most of them. Choose "
            f"other parameters of {last_name(self._prototype())}."
        )

    def _prototype(self):
        return ESOM() if self.estimator is None else self.estimator

    def _fitted_members(self, X, errors, generator):
        """Return the members that could be fitted, and their labels if need be."""
        prototype = self._prototype()
        n_samples = self._n_samples(len(X), hasattr(prototype, "predict"))
        n_members = self.n_estimators
        if n_members == "auto":
            wanted = -(-_ROWS_IN_ALL // max(len(X), 1))
            n_members = min(max(wanted, _FEWEST_MEMBERS), _MOST_MEMBERS)
        seeds = generator.randint(_SEEDS, size=n_members)

        def fit(seed):
            rows = _drawn(seed, len(X), n_samples)
            return _fit_member(self._member(seed), X, errors, rows)

        if is_lazy(X):
            runs = self._runs_of_dask(X, errors, seeds, n_samples)
        else:
            runs = _in_threads(fit, seeds, self.n_jobs)
        name, is_quiet = type(self).__name__, not self.verbose
        runs = list(tqdm(runs, name, n_members, unit="run", disable=is_quiet))
        members = [member for member, _, error in runs if error is None]
        failures = [(i, run[2]) for i, run in enumerate(runs) if run[2] is not None]
        if 2 * len(members) <= n_members:
            raise failures[0][1]
        if failures:
            numbers = ", ".join(str(number) for number, _ in failures)
            warn_user(
                f"{len(failures)} of {n_members} members failed ({numbers}, "
                f"from 0) and are left out. The first error: {failures[0][1]}",
                ConvergenceWarning,
            )
        if hasattr(members[0], "predict"):
            return members, None
        return members, [labels for _, labels, error in runs if error is None]

    def _runs_of_dask(self, X, errors, seeds, n_samples):
        """Fit each member by a task of dask, to its rows of a dask array."""
        if not hasattr(self._prototype(), "predict"):
            raise ValueError(
                f"{last_name(self._prototype())} cannot label rows that it was not "
                "fitted on, and X is a dask array: take a clusterer with predict."
            )
        import dask

        rows = [_drawn(seed, len(X), n_samples) for seed in seeds]
        every = np.unique(np.concatenate(rows))
        some = [t if t is None else take_lazily(t, every) for t in (X, errors)]
        fit = dask.delayed(_fit_in_one_thread)
        return computed(
            *(
                fit(self._member(seed), *some, np.searchsorted(every, own))
                for seed, own in zip(seeds, rows, strict=True)
            )
        )

    def _member(self, seed):
        """Return a member that is not fitted."""
        member = clone(self._prototype())
        member.set_params(**dict.fromkeys(random_states(member), int(seed)))
        last, _ = pipeline_end(member)
        number, name = self.n_clusters, _name_of_number(last)
        if number is None and getattr(last, str(name), 0) is None:
            number = _USUAL  # each unit of a map for itself tells nothing
        if isinstance(number, Integral) and name is not None:
            setattr(last, name, number)
        elif number == "auto" and isinstance(last, CodebookMap):
            last.set_params(n_clusters=number)
        return member

    def _written_number(self):
        """Return the number of clusters: the own, that of the estimator, or None."""
        last, _ = pipeline_end(self._prototype())
        name, number = _name_of_number(last), self.n_clusters
        of_last = getattr(last, str(name), None)
        known = of_last == "auto" or isinstance(of_last, Integral)
        if number is None:
            return of_last if known else None
        if known and of_last not in (number, _default_of(last, name)):
            warn_user(
                f"{type(self).__name__} has n_clusters={number!r} and its estimator "
                f"{name}={of_last!r}: members get {number!r}. Leave one of them out.",
                UserWarning,
            )
        return number

    def _n_samples(self, n_rows, predicts):
        """Return how many rows a member learns from."""
        n_samples = self.max_samples
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


def _name_of_number(clusterer):
    """Return the parameter of a clusterer that is the number of clusters, or None."""
    if isinstance(clusterer, CodebookMap) and not clusterer._takes_number():
        return None
    names = clusterer.get_params(deep=False)
    return next((n for n in ("n_clusters", "n_components") if n in names), None)


def _default_of(estimator, name):
    return inspect.signature(type(estimator)).parameters[name].default


def _drawn(seed, n_rows, n_samples):
    """Return the rows from which a member learns, in their order."""
    return np.random.default_rng(seed).choice(n_rows, n_samples, replace=False)


def _fit_member(member, X, errors, rows):
    """Fit a member; return it, its labels of all rows if it has them, and an error."""
    labels = error = None
    try:
        if errors is not None:
            member.fit(X[rows], errors=errors[rows])
        elif hasattr(member, "predict"):
            member.fit(X[rows])
        else:
            labels = np.empty(len(X), dtype=np.int32)
            labels[rows] = member.fit_predict(X[rows])
    except (ArithmeticError, RuntimeError, ValueError) as failure:
        error = failure
    return member, labels, error


def _fit_in_one_thread(*arguments):
    with one_thread():
        return _fit_member(*arguments)


def _in_threads(function, items, n_jobs):
    """Return an iterator of the results of a function for items, in their order."""
    if effective_n_jobs(jobs_possible(n_jobs)) == 1:
        return map(function, items)

    def alone(item):
        with one_thread():  # several with more would wait for each other
            return function(item)

    return each_in_threads(alone, items, n_jobs)


def _rows_to_compare(n_rows, generator):
    """Return the rows by which members are compared."""
    if n_rows <= _ENOUGH_TO_COMPARE:
        return np.arange(n_rows)
    draw = np.random.default_rng(generator.randint(_SEEDS))
    places = np.arange(_ENOUGH_TO_COMPARE) + draw.uniform(size=_ENOUGH_TO_COMPARE)
    return (places * (n_rows / _ENOUGH_TO_COMPARE)).astype(np.intp)


def _labels_of(members, X, errors, n_jobs=None):
    """Return the labels that each member gives to rows."""
    label = partial(labels_of, X=X, errors=errors)
    return list(_in_threads(label, members, n_jobs))


def _voted(members, votes, X, errors, n_jobs):
    """Return the cluster of each row, and how much the members agree on it."""
    if is_lazy(X):
        vote = partial(_stacked_votes, members, votes)
        voted = map_rows(vote, X, errors, dtype=np.float64, columns=2)
        return voted[:, 0].astype(np.int32), voted[:, 1].astype(np.float32)

    def of_block(rows):
        return _votes_of_rows(members, votes, *rows_of(rows, X, errors))

    blocks = list(gen_batches(len(X), _ROWS_AT_A_TIME))
    labels = np.empty(len(X), dtype=np.int32)
    agreement = np.empty(len(X), dtype=np.float32)
    for rows, voted in zip(blocks, _in_threads(of_block, blocks, n_jobs), strict=True):
        labels[rows], agreement[rows] = voted
    return labels, agreement


def _votes_of_rows(members, votes, X, errors):
    """Return the cluster of each row, and how much the members agree on it."""
    labels = _labels_of(members, X, errors)
    if isinstance(votes, Cut):
        return votes.votes_of_rows(members, labels, X, errors)
    return votes.counted(labels)


def _stacked_votes(members, votes, X, errors):
    return np.column_stack(_votes_of_rows(members, votes, X, errors))


def _leaves_of_rows(members, votes, voting, X, errors):
    """Return the leaf of each row."""
    winner, _ = votes.counted(_labels_of(members, X, errors))
    return voting.leaves(voting.parts_of(members, X, errors), winner)


def _ranked(labels, rank):
    return np.where(labels >= 0, rank[np.maximum(labels, 0)], labels)


def _labeled_alike(member, X, errors, labels):
    """Return a copy of a member; units of a map have the clusters of their rows."""
    member = copy.deepcopy(member)
    if isinstance(pipeline_end(member)[0], CodebookMap):
        few = slice(None, None, max(1, len(labels) // _ENOUGH_TO_LEARN))
        X, errors, labels = rows_of(few, X, errors, labels)
        last, X = pipeline_end(member, X)
        last._take_labels(X, labels, errors)
    return member

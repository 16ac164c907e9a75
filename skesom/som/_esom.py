# SPDX-License-Identifier: BSD-3-Clause
"""The evolving self-organizing map."""

import sys
import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import _fit_context, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions
from tqdm import tqdm

from skesom.som._base import (
    CodebookClusterer,
    feature_means,
    random_generator,
    summarize,
)
from skesom.som._epsilon import forecast, resolve_epsilon
from skesom.som._merging import make_room
from skesom.som._network import Network
from skesom.som._second_stage import component_clusters

_SAMPLES_AT_A_TIME = 65536  # between two moments at which Ctrl-C is heard


class ESOM(CodebookClusterer):
    """Evolving self-organizing map: a network that grows node by node.

    A sample farther than `epsilon` from every node becomes a node; any other sample
    pulls its nearest node and that node's neighbors towards itself. One pass over the
    data is enough, the number of nodes follows from the data, and the nodes are then
    grouped into clusters.

    Parameters
    ----------
    epsilon : float or "auto", default="auto"
        Distance in the space of the features beyond which a sample is novel. "auto"
        chooses it from the data so that about 500 nodes result (5 sqrt(n_samples)
        in a small table). Scale the features first, and stretch fluxes before that.
    learning_rate : float in (0, 1], default=0.2
        How far a sample pulls the nodes.
    forgetting : float in [0, 1), default=0.8
        Share of its old strength that a link keeps when it is renewed.
    pruning_period : int, default=50
        Every so many samples the weakest link is dropped, and with it a node that is
        left without any; 0 prunes never.
    max_nodes : int, default=2000
        Bound of the number of nodes. When it is reached, epsilon grows and close nodes
        merge, so that every fit ends in a time proportional to the number of samples.
    max_edge_length : float or None, default=2.0
        Longest link, in units of epsilon, that holds a component together. Used with
        ``n_clusters=None`` only; None keeps all links.
    link_second : bool, default=True
        Whether the nearest and the second nearest node of a sample are linked
        (competitive Hebbian learning).
    n_clusters : int, "auto", clusterer or None, default=8
        Number of clusters that the nodes are grouped into. "auto" takes it from the
        data; a continuum such as the pixels of a galaxy is 1. None takes the connected
        components of the links with "graph", one on a continuum too, and is "auto"
        with the other rules.
    clusterer : {"graph", "umatrix", "two-winners"} or clusterer, default="graph"
        How nodes are grouped: by normalized cuts of the graph of their relative
        co-activation (with a number given and no gaps to follow, by normal
        distributions), by the valleys of the U-matrix, or by the links of the nearest
        two nodes of the samples (`docs/second_stage.md`). A scikit-learn clusterer is
        cloned and fitted on the nodes that have samples, with their hits as weights if
        it takes any; its own parameters say how many clusters. It may as well be the
        value of `n_clusters`, as in `sklearn.cluster.Birch`.
    update_set : {"neighbors", "ball"}, default="neighbors"
        Which nodes a sample pulls: its nearest node and the nodes linked with it, or
        every node inside epsilon. With "ball" these are linked with the nearest, and
        the strength of a link is the smaller of the two activations.
    n_epochs : int, default=1
        Passes over the data.
    shuffle : bool, default=True
        Whether each pass takes the samples in a new random order. Without it the
        order of the rows is part of the result.
    random_state : int, RandomState instance or None, default=None
        Order of the samples; an int makes the result reproducible.
    verbose : int, default=0
        1 tells how many nodes the run will make and how long it will take, and shows
        a progress bar.

    Attributes
    ----------
    codebook_ : ndarray of shape (n_units, n_features)
        The nodes, of the dtype of the data (float32 or float64).
    unit_labels_ : ndarray of shape (n_units,), dtype int32
        Cluster of each node.
    mixture_ : NormalMixture or None
        The normal distributions whose clusters the labels are, where no gaps part the
        clusters (`docs/second_stage.md`); None where a sample has the cluster of its
        nearest node.
    labels_ : ndarray of shape (n_samples,), dtype int32
        Cluster of each training sample: consecutive from 0 by falling size, -3 for a
        sample without any present feature.
    hits_ : ndarray of shape (n_units,), dtype int64
        Training samples nearest to each node.
    connections_ : csr_array of shape (n_units, n_units)
        Strengths of the links, symmetric.
    epsilon_ : float
        The distance in force at the end.
    quantization_error_ : float
        Mean distance of the training samples to their nearest node.
    n_iter_ : int
        Passes over the data.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, when all are strings.

    Raises
    ------
    ValueError
        For a parameter out of its range, infinite values, fewer samples than
        clusters, or a feature that is NaN in every sample.

    Warns
    -----
    ConvergenceWarning
        When `max_nodes` was reached, or fewer clusters than asked for were found.

    See Also
    --------
    CSOM : The classical map, a fixed lattice of units.

    Notes
    -----
    With nodes w_i, a sample x at distance d_i and S = the winner b and its neighbors::

        a_i = exp(-2 d_i^2 / epsilon^2)
        w_i += learning_rate * a_i / sum(a over S) * (x - w_i)      for i in S
        s_bi = forgetting * s_bi + (1 - forgetting) * a_b a_i       for i in S, i != b

    A new node is linked with the two nearest that are there. The time is proportional
    to n_samples * n_units * n_features. Samples are compared in the features that are
    not NaN. The automatic epsilon, the bound of the nodes, the longest link and the
    grouping of the nodes are the authors' own additions to the method.

    References
    ----------
    .. [1] Deng, D. & Kasabov, N. (2003), "On-line pattern analysis by evolving
       self-organizing maps", Neurocomputing 51, 87-103,
       doi:10.1016/S0925-2312(02)00599-4

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from skesom.som import ESOM
    >>> X, y = make_blobs(n_samples=500, centers=3, random_state=3)
    >>> esom = ESOM(n_clusters=3, random_state=0).fit(X)
    >>> esom.unit_labels_.max() + 1
    np.int32(3)
    >>> esom.predict(X[:2]).shape
    (2,)
    """

    _deep_valley = 2.0  # the links of a network are uneven, and so is its U-matrix

    _parameter_constraints = {
        "epsilon": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "learning_rate": [Interval(Real, 0, 1, closed="right")],
        "forgetting": [Interval(Real, 0, 1, closed="left")],
        "pruning_period": [Interval(Integral, 0, None, closed="left")],
        "max_nodes": [Interval(Integral, 1, None, closed="left")],
        "max_edge_length": [Interval(Real, 0, None, closed="neither"), None],
        "link_second": ["boolean"],
        "n_clusters": CodebookClusterer._n_clusters_constraint,
        "clusterer": CodebookClusterer._clusterer_constraint,
        "update_set": [StrOptions({"neighbors", "ball"})],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        epsilon="auto",
        *,
        learning_rate=0.2,
        forgetting=0.8,
        pruning_period=50,
        max_nodes=2000,
        max_edge_length=2.0,
        link_second=True,
        n_clusters=8,
        clusterer="graph",
        update_set="neighbors",
        n_epochs=1,
        shuffle=True,
        random_state=None,
        verbose=0,
    ):
        self.epsilon = epsilon
        self.learning_rate = learning_rate
        self.forgetting = forgetting
        self.pruning_period = pruning_period
        self.max_nodes = max_nodes
        self.max_edge_length = max_edge_length
        self.link_second = link_second
        self.n_clusters = n_clusters
        self.clusterer = clusterer
        self.update_set = update_set
        self.n_epochs = n_epochs
        self.shuffle = shuffle
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the nodes and group them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        y : None
            Ignored, present for API consistency.

        Returns
        -------
        self : ESOM
            The fitted map.
        """
        X = self._check_training_samples(X)
        self._check_enough_samples(X)
        order, fill, epsilon = self._prepare(X)
        if self.verbose:
            tqdm.write(self._forecast(X, order, fill, epsilon), file=sys.stderr)
        network = Network(fill)
        epsilon = self._learn(network, X, order, epsilon)
        self._finish(network, X, epsilon)
        self.n_iter_ = self.n_epochs
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Learn more samples, in the order given.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        y : None
            Ignored, present for API consistency.

        Returns
        -------
        self : ESOM
            The map that has learned. `labels_`, `hits_` and `quantization_error_`
            are of the samples of this call.
        """
        first_call = not hasattr(self, "_network")
        self._validate_params()  # scikit-learn does so at the first call only
        X = self._check_training_samples(X, reset=first_call)
        order = np.arange(len(X), dtype=np.intp)
        if first_call:
            fill = feature_means(X)
            network = Network(fill)
            epsilon = resolve_epsilon(
                self.epsilon, X, order, fill, self.max_nodes, self._rule()
            )
        else:
            network = self._network.copy()
            X = X.astype(network.fill.dtype, copy=False)
            epsilon = self.epsilon_
        epsilon = self._learn(network, X, order, epsilon)
        self._finish(network, X, epsilon)
        self.n_iter_ = 1
        return self

    def activation(self, X):
        """Return how strongly each sample activates its nearest node.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.

        Returns
        -------
        activation : ndarray of shape (n_samples,)
            exp(-2 d^2 / epsilon^2) with the distance d to the nearest node: 1 at the
            node, 0.135 at the distance epsilon; NaN without any present feature.
        """
        _, distances = self.winners(X, return_distance=True)
        return np.exp(-2 * (distances / distances.dtype.type(self.epsilon_)) ** 2)

    def is_novel(self, X):
        """Tell which samples are farther than epsilon from every node.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.

        Returns
        -------
        novel : ndarray of shape (n_samples,), dtype bool
            True where a sample would become a node; False without any present feature.
        """
        _, distances = self.winners(X, return_distance=True)
        return distances > self.epsilon_

    @_fit_context(prefer_skip_nested_validation=True)
    def forecast(self, X):
        """Tell before a run how many nodes it will make and how long it will take.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The training samples. Only the first of the training order are looked at.

        Returns
        -------
        forecast : Forecast
            Named tuple of `epsilon` (the one chosen, if it is "auto"), `n_nodes`, and
            `seconds` of learning on this machine. The map stays as it is.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.som import ESOM
        >>> X = np.random.default_rng(0).uniform(size=(2000, 2))
        >>> 50 < ESOM(0.1, random_state=0).forecast(X).n_nodes < 200
        True
        """
        X = clone(self)._check_training_samples(X)
        return forecast(X, *self._prepare(X), self.max_nodes, self._rule())

    def _prepare(self, X):
        """Return the order of learning, a fill for missing values, and epsilon."""
        random_state = random_generator(self.random_state)
        orders = [self._order(len(X), random_state) for _ in range(self.n_epochs)]
        fill = feature_means(X)
        order = _joined(orders)
        epsilon = resolve_epsilon(
            self.epsilon, X, order, fill, self.max_nodes, self._rule()
        )
        return order, fill, epsilon

    def _forecast(self, X, order, fill, epsilon):
        """Return the forecast of a run as a line of text."""
        run = forecast(X, order, fill, epsilon, self.max_nodes, self._rule())
        return (
            f"{type(self).__name__}: {len(order)} samples with epsilon={epsilon:.4g} "
            f"make about {run.n_nodes} nodes in about {run.seconds:.1f} s."
        )

    def _order(self, n_samples, random_state):
        if self.shuffle:
            return random_state.permutation(
                np.arange(n_samples, dtype=self._index(n_samples))
            )
        return np.arange(n_samples, dtype=self._index(n_samples))

    @staticmethod
    def _index(n_samples):
        """Return the smallest integer type that numbers the rows."""
        return np.int32 if n_samples < 2**31 else np.int64

    def _rule(self):
        """Return the arguments of the learning kernel."""
        return {
            "learning_rate": float(self.learning_rate),
            "forgetting": float(self.forgetting),
            "pruning_period": self.pruning_period,
            "link_second": self.link_second,
            "whole_ball": self.update_set == "ball",
        }

    def _learn(self, network, X, order, epsilon):
        """Let the network learn X in the given order; return the final epsilon."""
        first_epsilon = epsilon
        bar = tqdm(
            total=len(order),
            desc=type(self).__name__,
            unit="sample",
            unit_scale=True,
            disable=not self.verbose,
        )
        with bar:
            for begin in range(0, len(order), _SAMPLES_AT_A_TIME):
                part = order[begin : begin + _SAMPLES_AT_A_TIME].astype(np.intp)
                epsilon = network.learn(
                    X,
                    part,
                    epsilon=float(epsilon),
                    max_nodes=self.max_nodes,
                    when_full=make_room,
                    **self._rule(),
                )
                bar.update(len(part))
                bar.set_postfix(nodes=network.n_nodes, epsilon=f"{epsilon:.4g}")
        if network.n_nodes == 0:
            raise ValueError(
                f"None of the {len(X)} samples has a feature that is not NaN."
            )
        if epsilon != first_epsilon:
            warnings.warn(
                f"The network reached max_nodes={self.max_nodes}; epsilon grew from "
                f"{first_epsilon:.4g} to {epsilon:.4g} (epsilon_) and close nodes were "
                'merged. Choose a larger epsilon (or "auto"), or a larger max_nodes.',
                ConvergenceWarning,
                stacklevel=4,  # the line that calls fit
            )
        return float(epsilon)

    def _finish(self, network, X, epsilon):
        """Group the nodes by the samples X, and set the fitted attributes."""
        codebook = network.nodes()
        links = network.links()
        summary = summarize(
            X,
            codebook,
            with_pairs=self._needs_pairs(),
            with_moments=self._needs_moments(),
        )
        self._network = network
        self.epsilon_ = epsilon
        self.codebook_ = codebook
        self.connections_ = links
        self.hits_ = summary.hits
        self.quantization_error_ = summary.quantization_error
        groups, mixture = (
            (self._components(), None)
            if self._are_components()
            else self._groups(codebook, summary, links)
        )
        self._set_labels(X, groups, mixture, summary)

    def _needs_pairs(self):
        return not self._are_components() and super()._needs_pairs()

    def _are_components(self):
        return self.n_clusters is None and self._grouped_by("graph")

    def _components(self):
        longest = np.inf
        if self.max_edge_length is not None:
            longest = self.max_edge_length * self.epsilon_
        return component_clusters(self.codebook_, self.connections_, longest)


def _joined(orders):
    """Return the orders of all passes as one, without a copy if there is one."""
    return np.concatenate(orders) if len(orders) > 1 else orders[0]

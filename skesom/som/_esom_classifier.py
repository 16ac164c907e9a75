# SPDX-License-Identifier: BSD-3-Clause
"""The evolving map as a classifier: nodes that know the classes of their samples."""

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import StrOptions

from skesom.som._base import feature_means, random_generator
from skesom.som._codebook import nearest_units
from skesom.som._epsilon import resolve_epsilon
from skesom.som._esom import ESOM
from skesom.som._labeled_network import LabeledLesson, inherited, nearest_of_class
from skesom.som._network import Network
from skesom.som._unit_classifier import UnitClassifier, count_classes, encoded

_LIKE_ESOM = (
    *("epsilon", "learning_rate", "forgetting", "pruning_period", "max_nodes"),
    *("link_second", "n_epochs", "shuffle", "random_state", "verbose"),
)


class ESOMClassifier(UnitClassifier):
    """Evolving self-organizing map that predicts classes.

    The nodes are learned as by `ESOM`; a sample then has the class of its nearest
    node.

    Parameters
    ----------
    epsilon : float or "auto", default="auto"
        Distance in the space of the features beyond which a sample is novel. "auto"
        chooses it from the data, without their classes, so that about 500 nodes
        result (5 sqrt(n_samples) in a small table). Scale the features first.
    label_rule : {"majority", "grow"}, default="majority"
        "majority" learns the nodes without the classes and gives each the class that
        most of its samples have. With "grow" a sample whose nearest node is of another
        class becomes a node of its own as well, even inside `epsilon`; that follows
        thin borders, and wrong labels too.
    n_neighbors : int, default=1
        Number of nearest nodes whose hits are added up, without regard to distance.
    class_weight : None, "balanced" or dict, default=None
        Factor on the hits of each class. "balanced" divides them by the frequency of
        the class, so that a rare class is not outvoted; a dict gives the factors by
        class, 1 where it has none.
    unlabeled : int, float, str or None, default=None
        What stands in y for a sample of unknown class, for instance -1. Such samples
        are learned, but do not vote. For "majority" only.
    learning_rate : float in (0, 1], default=0.05
        How far a sample pulls the nodes.
    forgetting : float in [0, 1), default=0.8
        Share of its old strength that a link keeps when it is renewed.
    pruning_period : int, default=50
        Every so many samples the weakest link is dropped, and with it a node that is
        left without any; 0 prunes never.
    max_nodes : int, default=2000
        Bound of the number of nodes. When it is reached, epsilon grows and close nodes
        (of one class under "grow") merge. "grow" wants at least two for each class.
    link_second : bool, default=True
        Whether the nearest and the second nearest node of a sample are linked.
    n_epochs : int, default=1
        Passes over the data.
    shuffle : bool, default=True
        Whether each pass takes the samples in a new random order.
    random_state : int, RandomState instance or None, default=None
        Order of the samples; an int makes the result reproducible.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    class_count_ : ndarray of shape (n_classes,), dtype int64
        Training samples of each class that have any present feature.
    codebook_ : ndarray of shape (n_units, n_features)
        The nodes, of the dtype of the data (float32 or float64).
    class_hits_ : ndarray of shape (n_units, n_classes), dtype int64
        Training samples of each class nearest to each node. Under "grow" a sample
        belongs to the nearest node of its own class.
    unit_classes_ : ndarray of shape (n_units,)
        Class of each node.
    connections_ : csr_array of shape (n_units, n_units)
        Strengths of the links, symmetric.
    epsilon_ : float
        The distance in force at the end.
    n_iter_ : int
        Passes over the data.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, when all are strings.

    Raises
    ------
    ValueError
        For a parameter out of its range, infinite values, a feature that is NaN in
        every sample, no labeled sample, or a class that `partial_fit` was not told of.

    Warns
    -----
    ConvergenceWarning
        When `max_nodes` was reached.

    See Also
    --------
    skesom.maps.CubeClassifier : Learns from the labeled pixels of a cube.

    Notes
    -----
    Probabilities are m-estimates with m = 1 (Cestnik 1990): to the hits is added one
    sample, divided among the classes as the training samples are. It never outvotes a
    hit, decides ties for the more frequent class, and is all there is for a sample
    without any present feature.

    A node that no sample is nearest to votes as its class under "grow", else as the
    nearest node that has hits.

    References
    ----------
    Deng, D. & Kasabov, N. (2003). On-line pattern analysis by evolving self-organizing
    maps. Neurocomputing 51, 87-103, doi:10.1016/S0925-2312(02)00599-4.

    Cestnik, B. (1990). Estimating probabilities: a crucial task in machine learning.
    Proceedings of the 9th European Conference on Artificial Intelligence, 147-149.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.som import ESOMClassifier
    >>> X = np.array([[0.0], [0.1], [0.2], [2.0], [2.1], [2.2]])
    >>> y = ["star", "star", "star", "galaxy", "galaxy", "star"]
    >>> classifier = ESOMClassifier(1.0, random_state=0).fit(X, y)
    >>> classifier.predict([[0.3], [1.9], [np.nan]]).tolist()
    ['star', 'galaxy', 'star']
    >>> classifier.predict_proba([[0.3], [1.9]]).round(2).tolist()
    [[0.08, 0.92], [0.58, 0.42]]
    """

    _parameter_constraints = {
        **{name: ESOM._parameter_constraints[name] for name in _LIKE_ESOM},
        "label_rule": [StrOptions({"majority", "grow"})],
        **UnitClassifier._vote_constraints,
    }

    # A classifier is no clusterer, but it learns like one.
    _learn, _rule = ESOM._learn, ESOM._rule
    update_set = "neighbors"

    def __init__(
        self,
        epsilon="auto",
        *,
        label_rule="majority",
        n_neighbors=1,
        class_weight=None,
        unlabeled=None,
        learning_rate=0.05,
        forgetting=0.8,
        pruning_period=50,
        max_nodes=2000,
        link_second=True,
        n_epochs=1,
        shuffle=True,
        random_state=None,
        verbose=0,
    ):
        self.epsilon = epsilon
        self.label_rule = label_rule
        self.n_neighbors = n_neighbors
        self.class_weight = class_weight
        self.unlabeled = unlabeled
        self.learning_rate = learning_rate
        self.forgetting = forgetting
        self.pruning_period = pruning_period
        self.max_nodes = max_nodes
        self.link_second = link_second
        self.n_epochs = n_epochs
        self.shuffle = shuffle
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Learn the nodes and their classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        y : array-like of shape (n_samples,)
            Their classes, numbers or strings.

        Returns
        -------
        self : ESOMClassifier
            The fitted classifier.
        """
        X, y = self._check_labeled_samples(X, y, reset=True)
        classes = self._known_classes(y, None, first_call=True)
        y = encoded(y, classes, self.unlabeled)
        self._check_room(classes)
        random_state = random_generator(self.random_state)
        orders = [np.arange(len(X), dtype=np.intp) for _ in range(self.n_epochs)]
        if self.shuffle:
            orders = [random_state.permutation(order) for order in orders]
        network, epsilon = self._begin(X, orders[0])
        epsilon = self._learn(
            self._lesson(network, y), X, np.concatenate(orders), epsilon
        )
        self._finish(network, epsilon, X, y, classes)
        self.n_iter_ = self.n_epochs
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None):
        """Learn more samples, in the order given.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        y : array-like of shape (n_samples,)
            Their classes.
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever come. Needed at the first call only; without it
            they are those of the first `y`.

        Returns
        -------
        self : ESOMClassifier
            The classifier that has learned.
        """
        first_call = not hasattr(self, "_network")
        self._validate_params()  # scikit-learn does so at the first call only
        X, y = self._check_labeled_samples(X, y, reset=first_call)
        known = self._known_classes(y, classes, first_call)
        y = encoded(y, known, self.unlabeled)
        self._check_room(known)
        order = np.arange(len(X), dtype=np.intp)
        if first_call:
            network, epsilon = self._begin(X, order)
        else:
            network, epsilon = self._network.copy(), self.epsilon_
        epsilon = self._learn(self._lesson(network, y), X, order, epsilon)
        so_far = () if first_call else (self.class_count_, self._inherited(network))
        self._finish(network, epsilon, X, y, known, *so_far)
        self.n_iter_ = 1
        return self

    def _check_room(self, classes):
        if self.label_rule == "grow" and self.max_nodes < 2 * len(classes):
            raise ValueError(
                f"max_nodes={self.max_nodes} should be >= {2 * len(classes)}, two for "
                f'each of the {len(classes)} classes, with label_rule="grow".'
            )
        if self.label_rule == "grow" and self.unlabeled is not None:
            raise ValueError(
                f'unlabeled={self.unlabeled!r} needs label_rule="majority": nodes '
                "that grow by classes cannot learn samples that have none."
            )

    def _begin(self, X, order):
        """Return an empty network and the epsilon to begin with."""
        fill = feature_means(X)
        epsilon = resolve_epsilon(
            self.epsilon, X, order, fill, self.max_nodes, self._rule()
        )
        return Network(fill), epsilon

    def _lesson(self, network, y):
        if self.label_rule == "majority":
            return network
        return LabeledLesson(network, y.astype(np.int64, copy=False))

    def _inherited(self, network):
        """Return the hits so far of the nodes of a network that has learned on.

        A node keeps its hits; those of a node that is gone go to the nearest one.
        """
        before = self._network
        labels = before.node_class[: before.n_nodes]
        return inherited(
            self.class_hits_,
            before.identity[: before.n_nodes],
            network.identity[: network.n_nodes],
            self._nearest(before.nodes(), labels, network),
        )

    def _nearest(self, X, y, network):
        """Return the nodes that count samples: -1 for none, of their class if grown."""
        if self.label_rule == "majority":
            return nearest_units(X, network.nodes())[0]
        node_class = network.node_class[: network.n_nodes]
        return nearest_of_class(X, y, network.nodes(), node_class)

    def _finish(self, network, epsilon, X, y, classes, count=0, hits=0):
        """Count the samples X on top of those so far; set the fitted attributes."""
        winners = self._nearest(X, y, network)
        observed = ~np.isnan(X).all(axis=1)
        self._network = network
        self.epsilon_ = epsilon
        self.classes_ = classes
        self.codebook_ = network.nodes()
        self.connections_ = network.links()
        grown = self.label_rule == "grow"
        shape = network.n_nodes, len(classes)
        self._set_votes(
            count + count_classes(np.where(observed, 0, -1), y, (1, shape[1]))[0],
            hits + count_classes(winners, y, shape),
            network.node_class[: network.n_nodes] if grown else None,
        )

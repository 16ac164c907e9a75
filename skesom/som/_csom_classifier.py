# SPDX-License-Identifier: BSD-3-Clause
"""The classical map as a classifier: units that know the classes of their samples."""

from sklearn.base import _fit_context

from skesom.som._lattice_map import LatticeMap
from skesom.som._lattice_votes import LatticeVotes
from skesom.som._unit_classifier import UnitClassifier, count_classes, encoded


class CSOMClassifier(LatticeVotes, UnitClassifier, LatticeMap):
    """Classical self-organizing map that predicts classes.

    The map is trained as `CSOM` trains it, without the classes; a sample then has the
    class that most training samples of its nearest unit, and some of its neighbors,
    have.

    Parameters
    ----------
    shape : tuple of int (n_rows, n_columns), int or "auto", default=(10, 10)
        Units of the lattice; an int is a chain of them, "auto" takes about
        5 sqrt(n_samples).
    smoothing : float, default=0.5
        Width, in lattice distances, of the gaussian by which neighbors share the
        classes of their samples; 0 leaves each unit its own.
    n_neighbors : int, default=1
        Number of nearest units whose hits are added up, without regard to distance.
    class_weight : None, "balanced" or dict, default=None
        Factor on the hits of each class. "balanced" divides them by the frequency of
        the class, so that a rare class is not outvoted; a dict gives the factors by
        class, 1 where it has none.
    unlabeled : int, float, str or None, default=None
        What stands in y for a sample of unknown class, for instance -1. Such samples
        train the map, but do not vote.
    topology : {"hexagonal", "rectangular"}, default="hexagonal"
        Six neighbors per unit, or four.
    toroidal : bool, default=False
        Whether opposite edges of the lattice are joined.
    neighborhood : {"gaussian", "cut_gaussian", "bubble", "epanechnikov", \
"mexican_hat"}, default="gaussian"
        How the weight of a unit falls with its distance from the winner.
    diameter : float, default=None
        Window of the neighborhood: its weight is 0 beyond diameter / 2.
    algorithm : {"batch", "online"}, default="batch"
        All units once an epoch, or after each sample.
    n_epochs : int, default=20
        Passes over the data.
    sigma : float, array-like of shape (n_epochs,) or None, default=None
        Width of the neighborhood at the start, or of each epoch.
    final_sigma : float, default=None
        Width at the end.
    sigma_decay : {"exponential", "linear", "inverse"} or callable, \
default="exponential"
        How the width falls.
    learning_rate : float in (0, 1], default=0.5
        Of online training, at the start.
    final_learning_rate : float in (0, 1], default=0.01
        Of online training, at the end.
    learning_rate_decay : {"linear", "exponential", "inverse"} or callable, \
default="linear"
        How the learning rate falls.
    init : {"pca", "random"} or array-like of shape (n_units, n_features), \
default="pca"
        Units at the start.
    metric : {"euclidean", "manhattan", "cosine", "spectral_angle"}, \
default="euclidean"
        How samples are compared with units.
    feature_weights : array-like of shape (n_features,), default=None
        Factors of the squared or absolute differences, 1 by default.
    random_state : int, RandomState instance or None, default=None
        Random initialization and the order of online training.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    class_count_ : ndarray of shape (n_classes,), dtype int64
        Training samples of each class that have any present feature; their weights,
        float64, if there are any.
    class_hits_ : ndarray of shape (n_units, n_classes)
        Those nearest to each unit, summed over the calls of `partial_fit`.
    unit_classes_ : ndarray of shape (n_units,)
        Class of each unit: ``unit_classes_.reshape(shape_)`` is a map of the classes.
    codebook_ : ndarray of shape (n_units, n_features)
        Weights of the units row by row, of the dtype of the data (float32 or float64).
    hits_ : ndarray of shape (n_units,), dtype int64
        Training samples nearest to each unit; their weights, float64, if there are
        any. After `partial_fit` those of the last call.
    shape_ : tuple (n_rows, n_columns)
        Of the lattice.
    positions_ : ndarray of shape (n_units, 2)
        x and y of each unit on the lattice, laid flat.
    connections_ : csr_array of shape (n_units, n_units)
        1 for neighbors on the lattice.
    quantization_error_ : float
        Mean distance of the training samples to their nearest unit.
    training_errors_ : ndarray of shape (n_epochs,)
        Root mean square of the differences of the samples and their units.
    n_iter_ : int
        Passes over the data.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, when all are strings.

    Raises
    ------
    ValueError
        For a parameter out of its range, infinite values, weights that are negative or
        all zero, a feature that is NaN in every sample, no labeled sample, or a class
        that `partial_fit` was not told of.

    See Also
    --------
    CSOM : The map without classes, which tells more of the parameters of training.
    CSOMRegressor : The same for targets that are numbers.
    ESOMClassifier : The same on the evolving map.
    skesom.maps.CubeClassifier : Learns from the labeled pixels of a cube.

    Notes
    -----
    Probabilities are m-estimates with m = 1 (Cestnik 1990): to the hits is added one
    sample, divided among the classes as the training samples are. It never outvotes a
    hit, decides ties for the more frequent class, and is all there is for a sample
    without any present feature. Hits are shared before: a unit has also exp(-2) of
    those of its direct neighbors at a `smoothing` of 0.5, and if none of them has any
    votes as the nearest unit that got some. Units count as one sample at least.

    References
    ----------
    Kohonen, T. (2001). Self-Organizing Maps. Springer, doi:10.1007/978-3-642-56927-2.

    Cestnik, B. (1990). Estimating probabilities: a crucial task in machine learning.
    Proceedings of the 9th European Conference on Artificial Intelligence, 147-149.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> from skesom.som import CSOMClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = CSOMClassifier((6, 4)).fit(X, y)
    >>> classifier.class_hits_.sum(axis=0)
    array([50, 50, 50])
    >>> bool(cross_val_score(CSOMClassifier((6, 4)), X, y).mean() > 0.9)
    True

    Few labels, the map of all samples:

    >>> few = y.copy()
    >>> few[5:50] = few[55:100] = few[105:150] = -1
    >>> bool(CSOMClassifier((6, 4), unlabeled=-1).fit(X, few).score(X, y) > 0.85)
    True
    """

    _parameter_constraints = {
        **LatticeMap._training_constraints,
        **UnitClassifier._vote_constraints,
        **LatticeVotes._sharing_constraints,
    }

    def __init__(
        self,
        shape=(10, 10),
        *,
        smoothing=0.5,
        n_neighbors=1,
        class_weight=None,
        unlabeled=None,
        topology="hexagonal",
        toroidal=False,
        neighborhood="gaussian",
        diameter=None,
        algorithm="batch",
        n_epochs=20,
        sigma=None,
        final_sigma=None,
        sigma_decay="exponential",
        learning_rate=0.5,
        final_learning_rate=0.01,
        learning_rate_decay="linear",
        init="pca",
        metric="euclidean",
        feature_weights=None,
        random_state=None,
        verbose=0,
    ):
        self.shape = shape
        self.smoothing = smoothing
        self.n_neighbors = n_neighbors
        self.class_weight = class_weight
        self.unlabeled = unlabeled
        self.topology = topology
        self.toroidal = toroidal
        self.neighborhood = neighborhood
        self.diameter = diameter
        self.algorithm = algorithm
        self.n_epochs = n_epochs
        self.sigma = sigma
        self.final_sigma = final_sigma
        self.sigma_decay = sigma_decay
        self.learning_rate = learning_rate
        self.final_learning_rate = final_learning_rate
        self.learning_rate_decay = learning_rate_decay
        self.init = init
        self.metric = metric
        self.feature_weights = feature_weights
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, errors=None):
        """Train the map, and count the classes of its units.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        y : array-like of shape (n_samples,)
            Their classes, numbers or strings.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each sample counts; once by default.
        errors : array-like of shape (n_samples, n_features), default=None
            Measurement errors (standard deviations) of X, as `CSOM.fit` takes them.

        Returns
        -------
        self : CSOMClassifier
            The fitted classifier.
        """
        table = self._checked_table(X, sample_weight, errors)
        y = self._check_labels(table[0], y)
        return self._learn(table, y, self._known_classes(y, None, first_call=True))

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None, errors=None):
        """Train on the first samples, then follow a stream of them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        y : array-like of shape (n_samples,)
            Their classes.
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever come. Needed at the first call only; without it
            they are those of the first `y`.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each sample counts within this call; once by default.
        errors : array-like of shape (n_samples, n_features), default=None
            Measurement errors of X.

        Returns
        -------
        self : CSOMClassifier
            The classifier that has learned.
        """
        n_calls = self._next_call()
        table = self._checked_table(X, sample_weight, errors, reset=n_calls == 1)
        y = self._check_labels(table[0], y)
        known = self._known_classes(y, classes, first_call=n_calls == 1)
        return self._learn(table, y, known, n_calls)

    def _learn(self, table, y, classes, n_calls=1):
        """Train on samples that have been checked, and count their classes."""
        y = encoded(y, classes, self.unlabeled)
        winners = self._learn_units(*table, n_calls)
        shape = len(self.codebook_), len(classes)
        class_hits = count_classes(winners, y, shape, weights=table[1])
        if n_calls > 1:
            class_hits = class_hits + self.class_hits_
        self.classes_ = classes
        self._set_votes(class_hits.sum(axis=0), class_hits)
        return self

# SPDX-License-Identifier: BSD-3-Clause
"""The classical map as a regressor: units that know the mean of their targets."""

from sklearn.base import _fit_context

from skesom.som._lattice_map import LatticeMap
from skesom.som._lattice_votes import LatticeVotes
from skesom.som._unit_regressor import UnitRegressor


class CSOMRegressor(LatticeVotes, UnitRegressor, LatticeMap):
    """Classical self-organizing map that predicts numbers.

    The map is trained as `CSOM` trains it, without the targets; a sample then has the
    mean target of the training samples of its nearest unit, and some of its neighbors.

    Parameters
    ----------
    shape : tuple of int (n_rows, n_columns), int or "auto", default=(10, 10)
        Units of the lattice; an int is a chain of them, "auto" takes about
        5 sqrt(n_samples).
    smoothing : float, default=0.5
        Width, in lattice distances, of the gaussian by which neighbors share the
        targets of their samples; 0 leaves each unit its own.
    n_neighbors : int, default=1
        Number of nearest units whose samples are averaged, without regard to distance.
    unlabeled : float, default=None
        What stands in y for an unknown target, for instance NaN. Such samples train
        the map, no more.
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
    unit_targets_ : ndarray of shape (n_units,) or (n_units, n_targets)
        Mean target of the training samples of each unit, to which those of its
        neighbors are added by their weights; where none of them has any, that of the
        nearest unit.
    target_hits_ : ndarray of shape (n_units,) or (n_units, n_targets), dtype float64
        Weight of the training samples that a mean target is of, over the calls of
        `partial_fit`.
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
        all zero, a feature that is NaN in every sample, or no known target.

    See Also
    --------
    CSOM : The map without targets, which tells more of the parameters of training.
    CSOMClassifier : The same for classes.

    References
    ----------
    Kohonen, T. (2001). Self-Organizing Maps. Springer, doi:10.1007/978-3-642-56927-2.

    Masters, D. et al. (2015). Mapping the galaxy color-redshift relation: optimal
    photometric redshift calibration strategies for cosmology surveys. The Astrophysical
    Journal 813, 53, doi:10.1088/0004-637X/813/1/53.

    Examples
    --------
    A few redshifts, and a map of all samples:

    >>> import numpy as np
    >>> from skesom.som import CSOMRegressor
    >>> z = np.linspace(0, 1, 500)
    >>> colors = np.column_stack([np.sin(3 * z), np.cos(3 * z)])
    >>> measured = np.where(np.arange(500) % 10 == 0, z, np.nan)
    >>> regressor = CSOMRegressor(20, unlabeled=np.nan).fit(colors, measured)
    >>> bool(regressor.score(colors, z) > 0.99)
    True
    """

    _parameter_constraints = {
        **LatticeMap._training_constraints,
        **UnitRegressor._vote_constraints,
        **LatticeVotes._sharing_constraints,
    }

    def __init__(
        self,
        shape=(10, 10),
        *,
        smoothing=0.5,
        n_neighbors=1,
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
        """Train the map, and average the targets of its units.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each sample counts; once by default.
        errors : array-like of shape (n_samples, n_features), default=None
            Measurement errors (standard deviations) of X, as `CSOM.fit` takes them.

        Returns
        -------
        self : CSOMRegressor
            The fitted regressor.
        """
        table = self._checked_table(X, sample_weight, errors)
        return self._learn(table, self._check_targets(table[0], y))

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None, errors=None):
        """Train on the first samples, then follow a stream of them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each sample counts within this call; once by default.
        errors : array-like of shape (n_samples, n_features), default=None
            Measurement errors of X.

        Returns
        -------
        self : CSOMRegressor
            The regressor that has learned.
        """
        n_calls = self._next_call()
        table = self._checked_table(X, sample_weight, errors, reset=n_calls == 1)
        y = self._check_targets(table[0], y, reset=n_calls == 1)
        return self._learn(table, y, n_calls)

    def _learn(self, table, y, n_calls=1):
        """Train on samples that have been checked, and add up their targets."""
        weights = self._weights_of_targets(*table[:2], y, first_call=n_calls == 1)
        winners = self._learn_units(*table, n_calls)
        self._add_targets(y, weights, winners, first_call=n_calls == 1)
        return self

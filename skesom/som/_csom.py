# SPDX-License-Identifier: BSD-3-Clause
"""The classical self-organizing map."""

import numpy as np
from sklearn.base import _fit_context

from skesom.som._base import CodebookClusterer, summarize
from skesom.som._lattice_map import LatticeMap
from skesom.som._layers import fit_layers, planned_layers
from skesom.som._settled import settled_units


class CSOM(CodebookClusterer, LatticeMap):
    """Classical self-organizing map of Kohonen: a lattice of units.

    Units that are neighbors on the lattice learn together, so that the lattice
    becomes a map of the data: near units stand for similar samples.

    Parameters
    ----------
    shape : tuple of int (n_rows, n_columns), int or "auto", default=(10, 10)
        Units of the lattice. An int is a chain of units. "auto" takes about
        5 sqrt(n_samples) units, at most 2500, with sides in the ratio of the standard
        deviations along the first two principal components.
    topology : {"hexagonal", "rectangular"}, default="hexagonal"
        Six neighbors per unit, or four.
    toroidal : bool, default=False
        Whether opposite edges of the lattice are joined; a hexagonal one then needs an
        even number of rows.
    neighborhood : {"gaussian", "cut_gaussian", "bubble", "epanechnikov", \
"mexican_hat"}, default="gaussian"
        How the weight h of a unit falls with its distance r on the lattice from the
        winner: exp(-r^2 / (2 sigma^2)); the same or 1 up to sigma, 0 beyond;
        1 - r^2 / sigma^2 up to sigma; or (1 - r^2 / (2 sigma^2)) times the gaussian,
        which pushes units away and is for online training only.
    diameter : float, default=None
        Window of the neighborhood in lattice distances: h is 0 beyond diameter / 2.
    algorithm : {"batch", "online"}, default="batch"
        "batch" sets all units to weighted means once an epoch; "online" pulls them
        to one sample after the other.
    n_epochs : int, default=20
        Passes over the data.
    sigma : float, array-like of shape (n_epochs,) or None, default=None
        Width of the neighborhood in lattice distances (its variance is sigma^2). A
        number is the width at the start, by default half of the longer side, or a
        quarter on a torus. An array gives the width of each epoch.
    final_sigma : float, default=None
        Width at the end, 0.7 by default, and 1.25 for neighborhoods that end at sigma.
        Wider, the map does not reach the data; narrower, it loses its order.
    sigma_decay : {"exponential", "linear", "inverse"} or callable, \
default="exponential"
        How the width falls: by the same factor, by the same amount, or as
        1 / (1 + c t). A callable ``f(first, last, progress)`` returns the widths for
        an array of progress from 0 to 1.
    learning_rate : float in (0, 1], default=0.5
        Of online training, at the start.
    final_learning_rate : float in (0, 1], default=0.01
        Of online training, at the end.
    learning_rate_decay : {"linear", "exponential", "inverse"} or callable, \
default="linear"
        How the learning rate falls, as `sigma_decay`.
    init : {"pca", "random"} or array-like of shape (n_units, n_features), \
default="pca"
        Units on the plane of the first two principal components, one standard
        deviation to each side (the first along the longer side); on samples drawn at
        random; or given.
    metric : {"euclidean", "manhattan", "cosine", "spectral_angle"}, \
default="euclidean"
        How samples are compared with units: root of the summed squared differences,
        summed absolute differences, 1 - cosine of the angle, or the angle in radians
        (the spectral angle mapper of remote sensing), for which only the shape of a
        spectrum counts; units then have the length 1.
    feature_weights : array-like of shape (n_features,), default=None
        Factors of the squared or absolute differences, 1 by default. In batch training
        a feature of weight 0 is carried along: it has no say in who is nearest.
    layers : list of shape or dict, default=None
        Further layers, each with fewer units than the one before: a shape, or a dict
        of the "shape" and of those of the parameters above that differ. A layer is
        trained on the units of the layer before, which count by their hits, and the
        last one gives the labels.
    n_clusters : int, "auto", clusterer or None, default=None
        Number of clusters that the units (of the last layer) are grouped into; "auto"
        takes it from the data, 1 for a continuum such as the pixels of a galaxy. None
        makes each unit a cluster with "graph", and is "auto" with the other rules.
    clusterer : {"graph", "umatrix", "two-winners"} or clusterer, default="graph"
        How units are grouped: by normalized cuts of the graph of their relative
        co-activation (with a number given and no gaps to follow, by normal
        distributions), by the valleys of the U-matrix, or by the links of the nearest
        two units of the samples (`docs/second_stage.md`). A scikit-learn clusterer is
        cloned and fitted on the units that have samples, with their hits as weights if
        it takes any; its own parameters say how many clusters. It may as well be the
        value of `n_clusters`, as in `sklearn.cluster.Birch`.
    random_state : int, RandomState instance or None, default=None
        Random initialization and the order of online training.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    codebook_ : ndarray of shape (n_units, n_features)
        Weights of the units row by row, of the dtype of the data (float32 or float64).
    unit_labels_ : ndarray of shape (n_units,), dtype int32
        Cluster of each unit.
    mixture_ : NormalMixture or None
        The normal distributions whose clusters the labels are, where no gaps part the
        clusters (`docs/second_stage.md`); None where a sample has the cluster of its
        nearest unit.
    labels_ : ndarray of shape (n_samples,), dtype int32
        Cluster of each training sample: consecutive from 0 by falling size, -3 for a
        sample without any present feature.
    hits_ : ndarray of shape (n_units,), dtype int64
        Training samples nearest to each unit; their weights, float64, if there are any.
    shape_ : tuple (n_rows, n_columns)
        Of the lattice.
    positions_ : ndarray of shape (n_units, 2)
        x and y of each unit on the lattice, laid flat.
    connections_ : csr_array of shape (n_units, n_units)
        1 for neighbors on the lattice.
    layers_ : list of CSOM
        The further layers, fitted. The other attributes are those of the first layer.
    quantization_error_ : float
        Mean distance of the training samples to their nearest unit.
    training_errors_ : ndarray of shape (n_epochs,)
        Root mean square of the differences of the samples and their units at the
        start of each epoch (in online training: during each epoch), weighted as the
        metric does. Calls of `partial_fit` add theirs.
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
        clusters, weights that are negative or all zero, a feature that is NaN in every
        sample, or online training that diverges.

    Warns
    -----
    ConvergenceWarning
        When fewer clusters than asked for were found.
    UserWarning
        When data that vary along one direction only meet a lattice of two.

    See Also
    --------
    CSOMClassifier : The same map, whose units know the classes of their samples.
    CSOMRegressor : The same map, whose units know the mean target of their samples.
    ESOM : The evolving map, whose number of units follows from the data.

    Notes
    -----
    With n_j samples of mean m_j at unit j, c(x) the unit nearest to x and weights h_ij
    of the neighborhood, an epoch of batch training is ::

        w_i = sum_j h_ij n_j m_j / sum_j h_ij n_j

    (a unit out of reach of every sample stays), and a step of online training ::

        w_i += rate * h_i,c(x) * (x - w_i)

    For angles x is scaled to the length 1, and w_i after each step.

    A sample with missing features is compared, and counts, in the others. The time of
    an epoch is proportional to n_samples * n_units * n_features. Sums run over fixed
    chunks of rows, so the result does not depend on the number of threads.

    A weight counts a sample so many times. In online training a sample comes so much
    more often: whole weights, up to 16 in the mean after division by a common factor,
    are repetitions, others are relative. But for rounding, the order of the rows does
    not matter: what is random is drawn from the samples as sorted by their content.

    `partial_fit` trains a map on its first samples and then follows a stream: sums per
    unit are renewed by the share t^-0.6 at the t-th call, the schedule of online
    expectation-maximization [2]_.

    References
    ----------
    .. [1] Kohonen, T. (2001), "Self-Organizing Maps", Springer,
       doi:10.1007/978-3-642-56927-2
    .. [2] Cappe, O. & Moulines, E. (2009), "On-line expectation-maximization algorithm
       for latent data models", J. R. Stat. Soc. B 71, 593-613,
       doi:10.1111/j.1467-9868.2009.00698.x

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skesom.som import CSOM
    >>> X = load_iris().data
    >>> csom = CSOM((8, 6), n_clusters=3).fit(X)
    >>> csom.codebook_.shape
    (48, 4)
    >>> csom.u_matrix().shape
    (8, 6)

    Three layers, the second with a window of its own and the third a chain of units:

    >>> layers = [{"shape": (4, 3), "diameter": 4}, 3]
    >>> CSOM((8, 6), layers=layers).fit(X).unit_labels_.max()
    np.int32(2)
    """

    _parameter_constraints = {
        **LatticeMap._training_constraints,
        "layers": [list, tuple, None],
        "n_clusters": CodebookClusterer._n_clusters_constraint,
        "clusterer": CodebookClusterer._clusterer_constraint,
    }

    def __init__(
        self,
        shape=(10, 10),
        *,
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
        layers=None,
        n_clusters=None,
        clusterer="graph",
        random_state=None,
        verbose=0,
    ):
        self.shape = shape
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
        self.layers = layers
        self.n_clusters = n_clusters
        self.clusterer = clusterer
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None, errors=None):
        """Train the map and group its units.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        y : None
            Ignored, present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each sample counts; once by default. A sample of weight 0 is
            labeled, no more.
        errors : array-like of shape (n_samples, n_features), default=None
            Measurement errors (standard deviations) of X, in the same units. A sample
            is nearest to the unit of the smallest chi squared, and a value counts in
            the mean of a unit by 1 / error^2.

        Returns
        -------
        self : CSOM
            The fitted map.
        """
        X, sample_weight, errors = self._checked_table(X, sample_weight, errors)
        self._check_enough_samples(self._used(sample_weight, X)[1])
        return self._learn(X, sample_weight, errors)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None, errors=None):
        """Train on the first samples, then follow a stream of them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        y : None
            Ignored, present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each sample counts within this call; once by default.
        errors : array-like of shape (n_samples, n_features), default=None
            Measurement errors of X, see `fit`.

        Returns
        -------
        self : CSOM
            The map that has learned. `labels_`, `hits_` and `quantization_error_`
            are of the samples of this call.
        """
        n_calls = self._next_call()
        table = self._checked_table(X, sample_weight, errors, reset=n_calls == 1)
        return self._learn(*table, n_calls)

    def _learn(self, X, sample_weight, errors=None, n_calls=1):
        """Train on samples that have been checked, and group the units by them."""
        layers = planned_layers(self)
        training = self._trained(X, sample_weight, errors, n_calls)
        samples = {
            "X": X,
            "sample_weight": sample_weight,
            "metric": self._metric(),
            "errors": errors,
        }
        of_graph = not layers and self._needs_pairs() and self._grouped_by("graph")
        summary = summarize(
            codebook=training.codebook,
            with_pairs=not layers and self._needs_pairs() and not of_graph,
            **samples,
        )
        self._set_lattice_attributes(training, summary, n_calls)
        if layers:
            groups = fit_layers(layers, self.codebook_, self.hits_), None
        elif self._each_unit_is_a_cluster():
            groups = np.arange(len(self.codebook_)), None
        elif of_graph:
            groups = self._groups_of_graph(samples)
        else:
            groups = self._groups(self.codebook_, summary, self.connections_)
        self.layers_ = layers
        self._set_labels(X, *groups, summary, sample_weight)
        return self

    def _groups_of_graph(self, samples):
        """Group the units as they lie when neighbors do not hold them back."""
        codebook = settled_units(codebook=self.codebook_, **samples)
        summary = summarize(
            codebook=codebook,
            with_pairs=True,
            with_moments=self._needs_moments() and samples["errors"] is None,
            **samples,
        )
        return self._groups(codebook, summary, self.connections_)

    def _needs_pairs(self):
        return not self._each_unit_is_a_cluster() and super()._needs_pairs()

    def _each_unit_is_a_cluster(self):
        return self.n_clusters is None and self._grouped_by("graph")

# SPDX-License-Identifier: BSD-3-Clause
"""The classical self-organizing map."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from itertools import pairwise
from numbers import Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from tqdm import tqdm

from skesom._common.decorators import fit_context
from skesom._common.estimator import as_fitted, keep_parameters, refuses
from skesom._common.lazy import add_up, is_lazy, map_rows
from skesom._common.masked import filled
from skesom._common.threads import one_blas_thread
from skesom._common.warn import warn_unused
from skesom._types import Errors, RandomState
from skesom.som._after_learning import AfterLearning
from skesom.som._initial_codebook import initial_codebook, lattice_shape, principal_axes
from skesom.som._lattice import NEIGHBORHOODS, Lattice, Neighborhood
from skesom.som._lattice_training import (
    Schedule,
    Training,
    falling_by_factors,
    follow,
    given_values,
    train_in_batch,
    train_online,
    units_by_k_means,
)
from skesom.som.base import COUNT, INSTEAD, CodebookMap
from skesom.som.cluster_sums import count_labels
from skesom.som.docstrings import fill_docstrings
from skesom.som.input import (
    check_errors,
    check_observed,
    check_training_samples,
    check_weights,
    random_generator,
    without_idle,
)
from skesom.som.metric import METRICS, Metric
from skesom.som.samples import Samples
from skesom.som.second_stage import Grouping

_FINAL_SIGMA = 0.7  # neighbors weigh about a third of a unit itself
_FINAL_RADIUS = 1.25  # of neighborhoods that end at sigma: neighbors are inside
_SIGMAS = 1e-2, 1e30  # beyond, a unit learns alone, or all learn alike, to the bit
_RATE, _FINAL_RATE = 0.5, 0.01  # of online training, as in other programs
# Sum of the rates of all steps with a mexican hat, whose least value is -exp(-2): a
# unit is pushed to at most exp(10 exp(-2)) = 4 times its distance.
_SUM_OF_RATES = 10
_SCHEDULE = "array-like", callable, None
_OF_LAYER = {"shape", "sigma", "diameter", "init"}  # which it takes from no map


@fill_docstrings
class CSOM(CodebookMap):
    """Classical self-organizing map of Kohonen: a lattice of units.

    Neighbors on the lattice learn together, so near units stand for similar samples.

    Parameters
    ----------
    %(n_clusters)s
    shape : tuple of int (n_rows, n_columns), int or "auto", default="auto"
        Units of the lattice; an int is a chain. "auto" takes about as many as an `ESOM`
        makes, 5 sqrt(n_samples), but from 100 to 500 and 2 for each of more
        clusters, with sides in the ratio of the standard deviations along the first
        two principal components.
    topology : {"hexagonal", "rectangular"}, default="hexagonal"
        Six neighbors per unit, or four.
    toroidal : bool, default=False
        Whether opposite edges are joined; a hexagonal lattice then needs an even
        number of rows.
    neighborhood : {"gaussian", "cut_gaussian", "bubble", "epanechnikov", \
"mexican_hat"}, default="gaussian"
        How the weight h of a unit falls with its distance r on the lattice from the
        winner: exp(-r^2 / (2 sigma^2)); the same or 1 up to sigma, 0 beyond;
        1 - r^2 / sigma^2 up to sigma; or (1 - r^2 / (2 sigma^2)) times the gaussian,
        which pushes units away, needs small learning rates and is for online training
        only.
    diameter : float, default=None
        Window of the neighborhood in lattice distances: h is 0 beyond diameter / 2.
    algorithm : {"batch", "online"}, default="batch"
        "batch" sets all units to weighted means once an epoch; "online" pulls them
        to one sample after the other.
    n_epochs : int, default=20
        Passes over the data.
    sigma : float, array-like of shape (n_epochs,) or callable, default=None
        Width of the neighborhood in lattice distances. From a number it falls by the
        same factor in each epoch, to 0.7, or 1.25 for neighborhoods that end at sigma;
        by default from half of the longer side, on a torus a quarter. An array is the
        width of each epoch (`numpy.geomspace`, `numpy.linspace`), and a function
        returns widths for an array of progress from 0 to 1.
    learning_rate : float in (0, 1], array-like of shape (n_epochs,) or callable, \
default=None
        Of online training. From a number it falls by the same amount in each step, to
        0.01; by default from 0.5, and for "mexican_hat" from 10 / (number of steps),
        because what it pushes away grows by a factor in each step. An array or a
        function is as for `sigma`.
    init : {"pca", "random"} or array-like of shape (n_units, n_features), \
default="pca"
        Where units begin: on the plane of the first two principal components, one
        standard deviation to each side; on samples drawn at random; or as given.
    metric : {"euclidean", "manhattan", "cosine", "spectral_angle"}, \
default="euclidean"
        Distance of samples and units. "cosine" is 1 - cosine of the angle,
        "spectral_angle" the angle in radians: only the shape of a spectrum counts, and
        units have the length 1.
    feature_weights : array-like of shape (n_features,), default=None
        Factors of the squared or absolute differences, 1 by default. A feature of
        weight 0 (batch training only) is learned but does not decide.
    layers : list of shape or dict, default=None
        Further layers, each with fewer units: a shape, or a dict of the "shape" and of
        parameters above that differ. A layer is trained on the units of the one before,
        weighted by their hits; the units of the last are grouped into clusters.
    clusterer : "tree" or clusterer, default="tree"
        %(rules)s
    random_state : int, RandomState instance or None, default=None
        Random initialization and the order of online training.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    %(map_attributes)s
    shape_ : tuple (n_rows, n_columns)
        Of the lattice.
    positions_ : ndarray of shape (n_units, 2)
        x and y of each unit on the lattice, laid flat.
    connections_ : csr_array of shape (n_units, n_units)
        1 for neighbors on the lattice.
    layers_ : list of CSOM
        The further layers; the other attributes are of the first.
    training_errors_ : ndarray of shape (n_epochs,)
        Root mean square of the weighted differences of samples and units at the start
        of each epoch (online: during it). Calls of `partial_fit` add theirs.

    Raises
    ------
    ValueError
        For a parameter out of its range, infinite values, fewer samples than clusters,
        weights that are negative or all zero, a feature that is NaN in every sample, or
        online training that diverges.

    Warns
    -----
    ConvergenceWarning
        When fewer clusters than asked for were found, or "mexican_hat" pushed units
        more than 10 times the range of the samples away.
    UserWarning
        When data that vary along one direction only meet a lattice of two.

    See Also
    --------
    MapClassifier, MapRegressor : Predict classes or numbers from the units.
    ESOM : The evolving map, whose number of units follows from the data.

    Notes
    -----
    With n_j samples of mean m_j at unit j, c(x) the unit nearest to x and weights h_ij
    of the neighborhood, an epoch of batch training is ::

        w_i = sum_j h_ij n_j m_j / sum_j h_ij n_j

    (a unit out of reach of every sample stays), and a step of online training ::

        w_i += rate * h_i,c(x) * (x - w_i)

    A sample with missing features counts in the others. With errors a value counts in
    sums and means by 1 / error^2, in place of 1 if present and 0 if missing: so each
    epoch minimizes the sum of h chi^2 for given winners. In online training errors find
    the winner, and the step is the same [3]_. The time of an epoch is
    proportional to n_samples * n_units * n_features. The result depends neither on the
    number of threads nor, but for rounding, on the order of the rows. In online
    training whole weights, up to 16 in the mean after division by a common factor, are
    repetitions of samples; others are relative. `partial_fit` renews the sums of units
    by the share t^-0.6 at the t-th call [2]_.

    References
    ----------
    .. [1] Kohonen, T. (2001), "Self-Organizing Maps", Springer,
       doi:10.1007/978-3-642-56927-2
    .. [2] Cappe, O. & Moulines, E. (2009), "On-line expectation-maximization algorithm
       for latent data models", J. R. Stat. Soc. B 71, 593-613,
       doi:10.1111/j.1467-9868.2009.00698.x
    .. [3] Masters, D. et al. (2015), "Mapping the galaxy color-redshift relation",
       ApJ 813, 53, doi:10.1088/0004-637X/813/1/53

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skesom.som import CSOM
    >>> X = load_iris().data
    >>> csom = CSOM(3, shape=(8, 6)).fit(X)
    >>> csom.codebook_.shape
    (48, 4)
    >>> csom.u_matrix().shape
    (8, 6)

    Three layers, the last a chain of units:

    >>> layers = [{"shape": (4, 3), "diameter": 4}, 3]
    >>> CSOM(None, shape=(8, 6), layers=layers).fit(X).unit_labels_.max()
    np.int32(2)
    """

    _hint = "the lattice as shape=..."

    shape_: tuple[int, int]
    positions_: NDArray[np.float64]
    layers_: list[CSOM] | None = AfterLearning()

    # What a model in a file may hold: kind and axes of each array.
    _stored = {
        "positions_": "floats units 2",
        "feature_weights": "any features",
    }

    _parameter_constraints = {
        **CodebookMap._cluster_constraints,
        "shape": [COUNT, tuple, list, StrOptions({"auto"})],
        "topology": [StrOptions({"hexagonal", "rectangular"})],
        "toroidal": ["boolean"],
        "neighborhood": [StrOptions(set(NEIGHBORHOODS))],
        "diameter": [Interval(Real, 0, None, closed="neither"), None],
        "algorithm": [StrOptions({"batch", "online"})],
        "n_epochs": [COUNT],
        "sigma": [Interval(Real, 0, None, closed="neither"), *_SCHEDULE],
        "learning_rate": [Interval(Real, 0, 1, closed="right"), *_SCHEDULE],
        "metric": [StrOptions(set(METRICS))],
        "feature_weights": ["array-like", None],
        "init": [StrOptions({"pca", "random"}), "array-like"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "layers": [list, tuple, None],
    }

    @refuses(**INSTEAD)
    def __init__(
        self,
        n_clusters: int | Literal["auto"] | None = 8,
        *,
        shape: tuple[int, int] | int | Literal["auto"] = "auto",
        topology: Literal["hexagonal", "rectangular"] = "hexagonal",
        toroidal: bool = False,
        neighborhood: Literal[
            "gaussian", "cut_gaussian", "bubble", "epanechnikov", "mexican_hat"
        ] = "gaussian",
        diameter: float | None = None,
        algorithm: Literal["batch", "online"] = "batch",
        n_epochs: int = 20,
        sigma: ArrayLike | Callable[..., ArrayLike] | None = None,
        learning_rate: ArrayLike | Callable[..., ArrayLike] | None = None,
        init: Literal["pca", "random"] | NDArray[Any] | list[Any] = "pca",
        metric: Literal[
            "euclidean", "manhattan", "cosine", "spectral_angle"
        ] = "euclidean",
        feature_weights: ArrayLike | None = None,
        layers: list[Any] | None = None,
        clusterer: Literal["tree"] | BaseEstimator = "tree",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.shape = shape
        self.topology = topology
        self.toroidal = toroidal
        self.neighborhood = neighborhood
        self.diameter = diameter
        self.algorithm = algorithm
        self.n_epochs = n_epochs
        self.sigma = sigma
        self.learning_rate = learning_rate
        self.init = init
        self.metric = metric
        self.feature_weights = feature_weights
        self.layers = layers
        self.clusterer = clusterer
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: object = None,
        sample_weight: ArrayLike | None = None,
        errors: Errors = None,
    ) -> Self:
        """Train the map and group its units.

        %(Xy)s
        %(sample_weight)s

        %(fitted)s

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.som import CSOM
        >>> csom = CSOM(3, shape=(6, 4)).fit(load_iris().data)
        >>> csom.labels_.shape, int(csom.hits_.sum())
        ((150,), 150)
        """
        self._warn_of_unused()
        self._learn_checked(X, sample_weight, errors)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: object = None,
        sample_weight: ArrayLike | None = None,
        errors: Errors = None,
    ) -> Self:
        """Train on the first samples, then follow a stream of them.

        %(Xy)s
        %(sample_weight)s

        %(followed)s

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.som import CSOM
        >>> X = load_iris().data
        >>> csom = CSOM(3, shape=(6, 4))
        >>> for start in range(0, 150, 50):
        ...     csom = csom.partial_fit(X[start : start + 50])
        >>> csom.codebook_.shape
        (24, 4)
        """
        self._validate_params()  # scikit-learn does so at the first call only
        self._learn_checked(X, sample_weight, errors, stream=True, later=True)
        return self

    def fit_transform(
        self,
        X: ArrayLike,
        y: object = None,
        sample_weight: ArrayLike | None = None,
        errors: Errors = None,
    ) -> NDArray[Any]:
        """Train the map, and measure the distance of every sample to every unit.

        %(Xy)s
        %(sample_weight)s

        Returns
        -------
        distances : ndarray of shape (n_samples, n_units)
            As from `transform`, with the errors.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.som import CSOM
        >>> CSOM(3, shape=(6, 4)).fit_transform(load_iris().data).shape
        (150, 24)
        """
        self.fit(X, y, sample_weight, errors)
        return self.transform(X, errors)

    def map_coordinates(self, X: ArrayLike, errors: Errors = None) -> NDArray[np.intp]:
        """Return the row and column of the nearest unit of every sample.

        %(X_errors)s

        Returns
        -------
        coordinates : ndarray of shape (n_samples, 2), dtype intp
            -1 for a sample without any present feature.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.som import CSOM
        >>> X = load_iris().data
        >>> row, column = CSOM(3, shape=(6, 4)).fit(X).map_coordinates(X[:1])[0]
        >>> bool(0 <= row < 6 and 0 <= column < 4)
        True
        """
        winners = self.winners(X, errors=errors)
        place = partial(_coordinates, n_columns=self.shape_[1])
        return map_rows(place, winners, dtype=np.intp, columns=2)

    def u_matrix(self) -> NDArray[Any]:
        """Return the mean distance of each unit to its neighbors on the lattice.

        Returns
        -------
        distances : ndarray of shape (n_rows, n_columns)
            High values are borders between clusters (Ultsch & Siemon 1990).

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.som import CSOM
        >>> CSOM(3, shape=(6, 4)).fit(load_iris().data).u_matrix().shape
        (6, 4)
        """
        return super().u_matrix().reshape(self.shape_)

    def hit_map(
        self, X: ArrayLike | None = None, errors: Errors = None
    ) -> NDArray[Any]:
        """Return the number of samples of each unit.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), default=None
            Samples to count; those of the training by default.
        %(errors)s

        Returns
        -------
        hits : ndarray of shape (n_rows, n_columns)
            `hits_` on the lattice, or those of X, dtype int64.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.som import CSOM
        >>> hits = CSOM(3, shape=(6, 4)).fit(load_iris().data).hit_map()
        >>> hits.shape, int(hits.sum())
        ((6, 4), 150)
        """
        check_is_fitted(self)
        hits = self.hits_
        if X is not None:
            count = partial(count_labels, n_clusters=len(hits))
            hits = add_up(count, self.winners(X, errors=errors))[0]
        return hits.reshape(self.shape_)

    def component_planes(self) -> NDArray[Any]:
        """Return the weights of the units on the lattice.

        Returns
        -------
        planes : ndarray of shape (n_rows, n_columns, n_features)
            ``planes[:, :, i]`` is that of the feature i, a view of `codebook_`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.som import CSOM
        >>> CSOM(3, shape=(6, 4)).fit(load_iris().data).component_planes().shape
        (6, 4, 4)
        """
        check_is_fitted(self)
        return self.codebook_.reshape(*self.shape_, -1)

    def _metric(self):
        return as_fitted(self)._metric_to_learn()

    def _metric_to_learn(self):
        return Metric(self.metric, self.feature_weights)

    def _learn_checked(
        self, X, sample_weight=None, errors=None, *, stream=False, later=False
    ):
        """Check a table and learn it, anew or more; return the unit of each sample."""
        n_calls = getattr(self, "_n_calls", 0) + 1 if stream else 1
        X = check_training_samples(self, X, reset=n_calls == 1)
        if errors is not None:
            X, errors = check_errors(errors, X, self._metric_to_learn())
            check_observed(self, X, each=n_calls == 1)
        weights = check_weights(self, sample_weight, X, reset=n_calls == 1)
        samples = Samples(X, errors, weights)
        if not stream:  # whose next calls may bring more
            self._check_enough_samples(samples)
        return self._learn(samples, n_calls, later=later)

    def _learn(self, samples, n_calls=1, *, later=False):
        """Train on samples that have been checked, and group the units by them."""
        layers = _planned_layers(self)
        used = without_idle(samples.X, samples.weights)
        used = Samples(used, samples.errors, samples.weights)
        self._set_map(self._trained(used, n_calls), n_calls)
        return self._after_learning(later, samples, layers)

    def _finish(self, samples, layers=None):
        """Group the units by samples, and label these; return the unit of each."""
        self.layers_ = layers
        return super()._finish(samples)

    def _statistics(self):
        return set() if self.layers_ else super()._statistics()

    def _group(self, codebook, summary):
        if self.layers_:
            return _fit_layers(self.layers_, codebook, summary.hits)
        return super()._group(codebook, summary)

    def _uses_seed(self):
        is_drawn = isinstance(self.init, str) and self.init == "random"
        return is_drawn or self.algorithm == "online"

    @property
    def _units_stay(self):
        return bool(self.layers_) or not self._grouped_by_tree()

    def _codebook_to_group(self, sums, samples):
        """Return the units at the means of their samples, for the graph of units."""
        if self._units_stay:
            return self.codebook_
        codebook, metric = self.codebook_, self._metric()
        return units_by_k_means(samples, codebook, sums, metric)

    def _trained(self, samples, n_calls):
        """Return the map after the first or a later call of a stream."""
        if n_calls == 1:
            self._check_training(samples.X)
        generator = random_generator(self.random_state)
        # One BLAS thread: a matrix product must not depend on how many there are.
        with one_blas_thread():
            if n_calls > 1:
                lattice, curve = self._lattice(self.shape_), self.training_errors_
                begin = Training(self.codebook_, lattice, self._sums, curve)
            else:
                begin = self._begin(samples.X, samples.weights, generator)
            schedule = Schedule(
                self._metric_to_learn(),
                Neighborhood(self.neighborhood, self.diameter),
                self.n_epochs,
                partial(self._widths, begin.lattice.shape),
                self._rates,
                partial(tqdm, desc=type(self).__name__, disable=not self.verbose),
            )
            if n_calls > 1:
                return follow(samples, begin, schedule, n_calls)
            if self.algorithm == "online":
                return train_online(samples, begin, schedule, generator)
            return train_in_batch(samples, begin, schedule)

    def _lattice(self, shape):
        return Lattice(shape, self.topology, self.toroidal)

    def _begin(self, X, sample_weight, generator):
        """Return the map before training."""
        if self.algorithm == "online" and is_lazy(X):
            raise ValueError(
                "algorithm='online' takes samples of a table in memory in random "
                "order, and X is a dask array: use algorithm='batch'."
            )
        of_lattice = self.topology, self.toroidal, self._number_asked_for()
        axes = cache(partial(principal_axes, X, sample_weight))  # of shape and units
        shape = lattice_shape(self.shape, axes, X, sample_weight, *of_lattice)
        start = initial_codebook(self.init, axes, X, sample_weight, shape, generator)
        start = self._metric_to_learn().normalized(start)
        return Training(start, self._lattice(shape), (), np.empty(0))

    def _set_map(self, training, n_calls):
        lattice = training.lattice
        self.codebook_ = training.codebook
        self.shape_ = lattice.shape
        self.positions_ = lattice.positions
        self.connections_ = lattice.connections()
        self.training_errors_ = training.curve
        self.n_iter_ = self.n_epochs
        self._sums = training.sums
        self._n_calls = n_calls
        keep_parameters(self)

    def _widths(self, shape, progress, epoch=None):
        """Return sigma at each progress of training, or of an epoch of it."""
        first = self.sigma
        if first is None or isinstance(first, Real):
            bounded = Neighborhood(self.neighborhood).ends_at_sigma
            last = _FINAL_RADIUS if bounded else _FINAL_SIGMA
            if first is None:
                # On a torus no unit is farther than half a side.
                first = max(max(shape) / (4 if self.toroidal else 2), last)
            first, last = np.clip([first, min(first, last)], *_SIGMAS).tolist()
            widths = falling_by_factors(first, last, progress)
        else:
            widths = given_values("sigma", first, self.n_epochs, progress, epoch)
        return np.clip(widths, *_SIGMAS)

    def _rates(self, progress, epoch, n_steps):
        """Return the learning rate at each progress of online training."""
        first = self.learning_rate
        if first is None or isinstance(first, Real):
            if first is None:
                first = _RATE
                if self.neighborhood == "mexican_hat":
                    first = min(first, _SUM_OF_RATES / n_steps)
            return first + (min(first, _FINAL_RATE) - first) * progress
        return given_values("learning_rate", first, self.n_epochs, progress, epoch, 1)

    def _check_training(self, X):
        if self.neighborhood == "mexican_hat" and self.algorithm == "batch":
            raise ValueError(
                'neighborhood="mexican_hat" needs algorithm="online": in batch '
                "training negative weights let a denominator pass through 0."
            )
        if self.algorithm == "batch":
            warn_unused(self, ["learning_rate"], 'algorithm="batch"')
        if self.feature_weights is None:
            return
        weights = np.asarray(filled(self.feature_weights), dtype=np.float64)
        if weights.shape != (X.shape[1],):
            raise ValueError(
                "'feature_weights' must be one number for each of the "
                f"n_features={X.shape[1]} features, got shape {weights.shape}."
            )
        if not (np.isfinite(weights) & (weights >= 0)).all() or not weights.any():
            raise ValueError(
                "'feature_weights' must be finite, not negative and not all zero, got "
                f"{weights}."
            )
        if self.algorithm == "online" and not weights.all():
            raise ValueError(
                "algorithm=\"online\" needs 'feature_weights' above zero, got "
                f"{weights}. Leave features out, or train in batch."
            )


def _coordinates(winners, n_columns):
    coordinates = np.column_stack(np.divmod(winners, n_columns))
    coordinates[winners < 0] = -1
    return coordinates


def _planned_layers(csom):
    """Return the further layers of a map, not yet fitted."""
    inherited = csom.get_params(deep=False)
    last = {name: inherited.pop(name) for name in ("n_clusters", "clusterer")}
    for name in ("layers", "verbose", *_OF_LAYER):
        del inherited[name]
    layers, names = [], sorted(_OF_LAYER | set(inherited))
    for number, wanted in enumerate(csom.layers or (), start=2):
        own = dict(wanted) if isinstance(wanted, Mapping) else {"shape": wanted}
        if "shape" not in own or not set(own) <= set(names):
            raise ValueError(
                f"Layer {number} of 'layers' needs a 'shape', and may have parameters "
                f"of its own among {names}. Got {wanted!r}."
            )
        own |= last if number == len(csom.layers) + 1 else {"n_clusters": None}
        layer = type(csom)(**inherited | own)
        layer._validate_params()
        layers.append(layer)
    _check_sizes([csom, *layers])
    return layers


def _fit_layers(layers, codebook, hits):
    """Fit each layer on the units of the one before; return the last grouping."""
    units, place = codebook, np.arange(len(codebook))
    for layer in layers:
        layer.n_features_in_ = units.shape[1]
        layer._learn(Samples(units, weights=hits.astype(np.float64)))
        place = layer._metric().nearest(units, layer.codebook_)[0][place]
        units, hits = layer.codebook_, layer.hits_
    grouping = layers[-1].grouping_
    labels = grouping.unit_labels[place]
    unit_tree = grouping.unit_tree
    if unit_tree is not None:
        leaf_of_unit = unit_tree.leaf_of_unit[place]
        unit_tree = unit_tree._replace(leaf_of_unit=leaf_of_unit)
    return Grouping(labels, unit_tree, grouping.gaps)


def _check_sizes(maps):
    shapes = [each.shape for each in maps]
    sizes = [None if isinstance(s, str) else int(np.prod(s)) for s in shapes]
    for before, size in pairwise(sizes):
        if before is not None and size is not None and size >= before:
            raise ValueError(
                f"Each of the 'layers' must have fewer units than the one before, got "
                f"layers of {sizes} units."
            )

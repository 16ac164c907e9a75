# SPDX-License-Identifier: BSD-3-Clause
"""The evolving self-organizing map."""

from __future__ import annotations

import copy
import sys
from functools import partial
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    StrOptions,
)
from tqdm import tqdm

from skesom._common.decorators import fit_context
from skesom._common.estimator import keep_parameters, refuses
from skesom._common.lazy import blocks_of
from skesom._common.warn import warn_user
from skesom._types import RandomState
from skesom.som._epsilon import Forecast, choose_epsilon, forecast, target_nodes
from skesom.som._initial_codebook import given_units
from skesom.som._network import Network, make_room
from skesom.som._row_order import Windows
from skesom.som._summary import feature_means
from skesom.som.base import INSTEAD, CodebookMap
from skesom.som.docstrings import fill_docstrings
from skesom.som.input import check_training_samples, random_generator
from skesom.som.samples import Samples

_NO_WEIGHTS = "use a CSOM, or repeat rows (numpy.repeat)"


@fill_docstrings
class ESOM(CodebookMap):
    """Evolving self-organizing map: a network that grows unit by unit.

    A sample farther than `epsilon` from every unit becomes a unit; any other
    pulls its nearest unit and that unit's neighbors towards itself. One pass over the
    data is enough, and the number of units follows from the data.

    Parameters
    ----------
    %(n_clusters)s
    epsilon : float or "auto", default="auto"
        Distance in the space of the features beyond which a sample is novel. "auto"
        chooses it from the data so that about 500 units result (5 sqrt(n_samples)
        in a small table, and 2 for each of more clusters). Scale the
        features first, and stretch fluxes before that.
    learning_rate : float in (0, 1], default=0.2
        How far a sample pulls the units.
    forgetting : float in [0, 1), default=0.8
        Share of its old strength that a link keeps when it is renewed.
    pruning_period : int, default=50
        Every so many samples the weakest link is dropped, and a unit left without any;
        0 prunes never.
    max_nodes : int, default=2000
        Most units. When they are reached, epsilon grows and close units merge.
    link_second : bool, default=True
        Whether the nearest and the second nearest unit of a sample are linked
        (competitive Hebbian learning).
    clusterer : "tree" or clusterer, default="tree"
        %(rules)s
    update_set : {"neighbors", "ball"}, default="neighbors"
        Which units a sample pulls: its nearest and those linked with it, or every unit
        inside epsilon. With "ball" these are linked with the nearest, and the strength
        of a link is the smaller of the two activations.
    n_epochs : int, default=1
        Passes over the data.
    shuffle : bool, default=True
        Whether each pass takes the samples in a new random order.
    random_state : int, RandomState instance or None, default=None
        Order of the samples; an int makes the result reproducible.
    verbose : int, default=0
        1 prints a `forecast` and shows a progress bar.
    init : array-like of shape (n_units, n_features), default=None
        Units to begin with, in the space of the features, such as the `codebook_` of
        an earlier map; at most `max_nodes`. They have no links before samples link
        them, and those that no sample links stay. By default there are none, and the
        first sample is the first unit.

    Attributes
    ----------
    %(map_attributes)s
    connections_ : csr_array of shape (n_units, n_units)
        Strengths of the links, symmetric.
    epsilon_ : float
        The distance in force at the end.

    Raises
    ------
    ValueError
        For a parameter out of its range, infinite values, fewer samples than clusters,
        or a feature that is NaN in every sample.

    Warns
    -----
    ConvergenceWarning
        When `max_nodes` was reached, or fewer clusters than asked for were found.

    See Also
    --------
    CSOM : The classical map, a fixed lattice of units.

    Notes
    -----
    With units w_i, a sample x at distance d_i and S = the winner b and its neighbors::

        a_i = exp(-2 d_i^2 / epsilon^2)
        w_i += learning_rate * a_i / sum(a over S) * (x - w_i)      for i in S
        s_bi = forgetting * s_bi + (1 - forgetting) * a_b a_i       for i in S, i != b

    A new unit is linked with the two nearest. The time is proportional to
    n_samples * n_units * n_features. Samples are compared in the features that are not
    NaN. The automatic epsilon, the bound of the units and the grouping of the
    units are the authors' own additions to the method. There is no
    `sample_weight`: repeat rows (`numpy.repeat`), or use `CSOM`.

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
    >>> esom = ESOM(3, random_state=0).fit(X)
    >>> esom.unit_labels_.max() + 1
    np.int32(3)
    >>> esom.predict(X[:2]).shape
    (2,)
    """

    _hint = "the distance of novel samples as epsilon=..."

    epsilon_: float
    init = None  # of models that were stored before it was a parameter

    _parameter_constraints = {
        **CodebookMap._cluster_constraints,
        "epsilon": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "learning_rate": [Interval(Real, 0, 1, closed="right")],
        "forgetting": [Interval(Real, 0, 1, closed="left")],
        "pruning_period": [Interval(Integral, 0, None, closed="left")],
        "max_nodes": [Interval(Integral, 1, None, closed="left")],
        "link_second": ["boolean"],
        "update_set": [StrOptions({"neighbors", "ball"})],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "init": ["array-like", None],
    }

    @refuses(**INSTEAD, algorithm="update_set=... is how it learns")
    def __init__(
        self,
        n_clusters: int | Literal["auto"] | None = 8,
        *,
        epsilon: float | Literal["auto"] = "auto",
        learning_rate: float = 0.2,
        forgetting: float = 0.8,
        pruning_period: int = 50,
        max_nodes: int = 2000,
        link_second: bool = True,
        clusterer: Literal["tree"] | BaseEstimator = "tree",
        update_set: Literal["neighbors", "ball"] = "neighbors",
        n_epochs: int = 1,
        shuffle: bool = True,
        random_state: RandomState = None,
        verbose: int = 0,
        init: NDArray[Any] | list[Any] | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.epsilon = epsilon
        self.learning_rate = learning_rate
        self.forgetting = forgetting
        self.pruning_period = pruning_period
        self.max_nodes = max_nodes
        self.link_second = link_second
        self.clusterer = clusterer
        self.update_set = update_set
        self.n_epochs = n_epochs
        self.shuffle = shuffle
        self.random_state = random_state
        self.verbose = verbose
        self.init = init

    @refuses(sample_weight=_NO_WEIGHTS)
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn the units and group them.

        %(Xy)s

        %(fitted)s

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.som import ESOM
        >>> esom = ESOM(3, random_state=0).fit(load_iris().data)
        >>> esom.labels_.shape, int(esom.hits_.sum())
        ((150,), 150)
        """
        self._warn_of_unused()
        self._learn_checked(X)
        return self

    @refuses(sample_weight=_NO_WEIGHTS)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn more samples, in the order given.

        %(Xy)s

        %(followed)s

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.som import ESOM
        >>> X = load_iris().data
        >>> esom = ESOM(3, epsilon=0.5, random_state=0).partial_fit(X[:75])
        >>> n_nodes = len(esom.codebook_)
        >>> len(esom.partial_fit(X[75:]).codebook_) > n_nodes
        True
        """
        self._validate_params()  # scikit-learn does so at the first call only
        self._learn_checked(X, stream=True, later=True)
        return self

    def activation(self, X: ArrayLike) -> NDArray[Any]:
        """Return how strongly each sample activates its nearest unit.

        %(X)s

        Returns
        -------
        activation : ndarray of shape (n_samples,)
            With the distance d to the nearest unit, exp(-2 d^2 / epsilon^2); NaN
            without any present feature.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.som import ESOM
        >>> esom = ESOM(1, epsilon=1, random_state=0).fit(np.zeros((5, 1)))
        >>> esom.activation([[0.0], [0.5]]).round(2).tolist()
        [1.0, 0.61]
        """
        _, distances = self.winners(X, return_distance=True)
        return np.exp(-2 * (distances / distances.dtype.type(self.epsilon_)) ** 2)

    def is_novel(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Return which samples are farther than epsilon from every unit.

        %(X)s

        Returns
        -------
        novel : ndarray of shape (n_samples,), dtype bool
            True where a sample would become a unit; False without any present feature.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.som import ESOM
        >>> esom = ESOM(1, epsilon=1, random_state=0).fit(np.zeros((5, 1)))
        >>> esom.is_novel([[0.5], [3.0]]).tolist()
        [False, True]
        """
        _, distances = self.winners(X, return_distance=True)
        return distances > self.epsilon_

    @fit_context(prefer_skip_nested_validation=True)
    def forecast(self, X: ArrayLike) -> Forecast:
        """Estimate before a run how many units it will make and how long it will take.

        %(X)s

        Returns
        -------
        forecast : Forecast
            Named tuple of `epsilon` (the one chosen, if it is "auto"), `n_nodes`, and
            `seconds` of learning on this machine, from the first samples of a run. The
            map stays as it is.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.som import ESOM
        >>> X = np.random.default_rng(0).uniform(size=(2000, 2))
        >>> 50 < ESOM(epsilon=0.1, random_state=0).forecast(X).n_nodes < 200
        True
        """
        som = clone(self)
        X = check_training_samples(som, X)
        windows = Windows(X, self.n_epochs, self._generator(), som._exponent)
        start = self._prepare(X, windows)
        return forecast(windows, *start, self.max_nodes, self._rule())

    def _learn_checked(self, X, classes=None, *, stream=False, later=False):
        """Check samples and learn them, anew or more; return the unit of each."""
        more = stream and hasattr(self, "_network")
        X = check_training_samples(self, X, reset=not more)
        if not stream:
            self._check_enough_samples(Samples(X))
        generator = None if stream else self._generator()
        n_epochs = 1 if stream else self.n_epochs
        windows = Windows(X, n_epochs, generator, self._exponent)
        if more:
            network, epsilon = copy.deepcopy(self._network), self.epsilon_
        else:
            network, epsilon = self._prepare(X, windows)
            if self.verbose and not stream:
                self._announce(windows, network, epsilon)
        epsilon = self._train(network, epsilon, windows, classes)
        codebook, links = network.units(), network.links()
        self._network, self.epsilon_ = network, epsilon
        self.codebook_, self.connections_ = codebook, links
        self.n_iter_ = 1 if stream else self.n_epochs
        keep_parameters(self)
        return self._after_learning(later, Samples(X))

    def _validate_params(self):
        if isinstance(self.init, str):
            raise InvalidParameterError(
                "The 'init' parameter of ESOM must be an array-like of nodes or None. "
                f"Got {self.init!r} instead; nodes grow where samples are, so that no "
                "choice is needed."
            )
        super()._validate_params()

    def _generator(self):
        return random_generator(self.random_state) if self.shuffle else None

    def _prepare(self, X, windows):
        """Return the network to begin with, and epsilon."""
        fill, epsilon, nodes = feature_means(X), self.epsilon, self.init
        if nodes is not None:
            nodes = given_units(nodes, X, 1, self.max_nodes)
        if epsilon == "auto":
            target = target_nodes(len(X), self.max_nodes, self._number_asked_for())
            epsilon = choose_epsilon(windows, fill, target, self._rule())
        return Network(fill, windows.exponent, nodes), epsilon

    def _announce(self, windows, network, epsilon):
        """Print the forecast of a run."""
        run = forecast(windows, network, epsilon, self.max_nodes, self._rule())
        tqdm.write(
            f"{type(self).__name__}: {windows.n_rows} samples with "
            f"epsilon={epsilon:.4g} make about {run.n_nodes} units in about "
            f"{run.seconds:.1f} s.",
            file=sys.stderr,
        )

    def _rule(self):
        """Return `Network.learn` as the parameters want it."""
        return partial(
            Network.learn,
            learning_rate=float(self.learning_rate),
            forgetting=float(self.forgetting),
            pruning_period=self.pruning_period,
            link_second=self.link_second,
            whole_ball=self.update_set == "ball",
        )

    def _train(self, network, first_epsilon, windows, classes):
        """Let the network learn the windows; return epsilon."""
        epsilon, learn = first_epsilon, self._rule()
        with tqdm(
            desc=type(self).__name__,
            total=windows.n_rows,
            unit="sample",
            unit_scale=True,
            disable=not self.verbose,
        ) as bar:
            for X, of_window in windows.rows(classes):
                for rows in blocks_of(len(X)):
                    epsilon = learn(
                        network,
                        X,
                        np.arange(rows.start, rows.stop),
                        epsilon=float(epsilon),
                        max_nodes=self.max_nodes,
                        when_full=make_room,
                        classes=of_window,
                    )
                    bar.update(rows.stop - rows.start)
                    bar.set_postfix(units=network.n_nodes, epsilon=f"{epsilon:.4g}")
        if network.n_nodes == 0:
            raise ValueError(
                f"None of the {windows.n_rows} samples has a feature that is not NaN."
            )
        if epsilon != first_epsilon:
            warn_user(
                f"The network reached max_nodes={self.max_nodes}; epsilon grew from "
                f"{first_epsilon:.4g} to {epsilon:.4g} (epsilon_) and close units were "
                'merged. Choose a larger epsilon (or "auto"), or a larger max_nodes.',
                ConvergenceWarning,
            )
        return float(epsilon)

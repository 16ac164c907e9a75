# SPDX-License-Identifier: BSD-3-Clause
"""The classical self-organizing map."""

from itertools import pairwise
from numbers import Integral, Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from tqdm import tqdm

from skesom.som import _second_stage
from skesom.som._base import (
    CodebookClusterer,
    random_generator,
    summarize,
)
from skesom.som._codebook import by_feature, padded, search_scratch
from skesom.som._lattice import Lattice
from skesom.som._threads import effective_n_threads, one_blas_thread
from skesom.som._training import learn_one_by_one, sum_by_winner

_ROWS_PER_CHUNK = 16384  # of the sums over samples; at most this many chunks:
_MOST_CHUNKS = 16
_FINAL_SIGMA = 0.7
_LEARNING_RATES = (0.5, 0.01)  # of online training, first and last
_STEPS_AT_A_TIME = 65536  # between two moments at which Ctrl-C is heard


class CSOM(CodebookClusterer):
    """Classical self-organizing map of Kohonen: a lattice of units.

    Units that are neighbours on the lattice learn together, so that the lattice
    becomes a map of the data: near units stand for similar samples.

    Parameters
    ----------
    shape : tuple of int (n_rows, n_columns), default=(10, 10)
        Units of the lattice.
    topology : {"hexagonal", "rectangular"}, default="hexagonal"
        Six neighbours per unit, or four.
    algorithm : {"batch", "online"}, default="batch"
        "batch" sets all units to weighted means once an epoch; "online" pulls them
        to one sample after the other.
    n_epochs : int, default=20
        Passes over the data.
    sigma : float, array-like of shape (n_epochs,) or None, default=None
        Width of the gaussian neighbourhood in lattice distances. A number is the width
        at the start, half of the longer side by default; it shrinks geometrically to
        0.7. An array gives the width of each epoch.
    init : {"pca", "random"} or array-like of shape (n_units, n_features), \
default="pca"
        Units on the plane of the first two principal components, one standard
        deviation to each side (the first along the rows); on samples drawn at
        random; or given.
    n_clusters : int, "auto" or None, default=None
        Number of clusters that the units are grouped into; "auto" takes it from the
        graph of the units. None makes each unit a cluster.
    clusterer : {"graph"}, default="graph"
        How units are grouped: by spectral clustering of their relative co-activation.
    random_state : int, RandomState instance or None, default=None
        Random initialisation and the order of online training.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    codebook_ : ndarray of shape (n_units, n_features)
        Weights of the units row by row, of the dtype of the data (float32 or float64).
    unit_labels_ : ndarray of shape (n_units,), dtype int32
        Cluster of each unit.
    labels_ : ndarray of shape (n_samples,), dtype int32
        Cluster of each training sample: consecutive from 0 by falling size, -3 for a
        sample without any present feature.
    hits_ : ndarray of shape (n_units,), dtype int64
        Training samples nearest to each unit.
    positions_ : ndarray of shape (n_units, 2)
        x and y of each unit on the lattice.
    connections_ : csr_array of shape (n_units, n_units)
        1 for neighbours on the lattice.
    quantization_error_ : float
        Mean distance of the training samples to their nearest unit.
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
        When fewer clusters than asked for were found.

    See Also
    --------
    ESOM : The evolving map, whose number of units follows from the data.

    Notes
    -----
    With n_j samples of mean m_j at unit j, c(x) the unit nearest to x, lattice
    distances r and h_ij = exp(-r_ij^2 / (2 sigma^2)), an epoch of batch training is ::

        w_i = sum_j h_ij n_j m_j / sum_j h_ij n_j

    and a step of online training, its rate falling linearly from 0.5 to 0.01, ::

        w_i += rate * h_i,c(x) * (x - w_i)

    A sample with missing features is compared, and counts, in the others. The time of
    an epoch is proportional to n_samples * n_units * n_features. Sums run over fixed
    chunks of rows, so the result does not depend on the number of threads.

    `partial_fit` trains a map on its first samples and then follows a stream: sums per
    unit are renewed by the share t^-0.6 at the t-th call, the schedule of online
    expectation-maximisation [2]_.

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
    >>> csom = CSOM((8, 6), n_clusters=3).fit(load_iris().data)
    >>> csom.codebook_.shape
    (48, 4)
    >>> csom.u_matrix().shape
    (8, 6)
    """

    _parameter_constraints = {
        "shape": [tuple, list],
        "topology": [StrOptions({"hexagonal", "rectangular"})],
        "algorithm": [StrOptions({"batch", "online"})],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "sigma": [Interval(Real, 0, None, closed="neither"), "array-like", None],
        "init": [StrOptions({"pca", "random"}), "array-like"],
        "n_clusters": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
            None,
        ],
        "clusterer": [StrOptions({"graph"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        shape=(10, 10),
        *,
        topology="hexagonal",
        algorithm="batch",
        n_epochs=20,
        sigma=None,
        init="pca",
        n_clusters=None,
        clusterer="graph",
        random_state=None,
        verbose=0,
    ):
        self.shape = shape
        self.topology = topology
        self.algorithm = algorithm
        self.n_epochs = n_epochs
        self.sigma = sigma
        self.init = init
        self.n_clusters = n_clusters
        self.clusterer = clusterer
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Train the map and group its units.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        y : None
            Ignored, present for API consistency.

        Returns
        -------
        self : CSOM
            The fitted map.
        """
        X = self._check_training_samples(X)
        self._check_enough_samples(X)
        codebook, lattice, sums = self._train(X)
        self._finish(X, codebook, lattice)
        self._sums, self._n_calls = sums, 1
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Train on the first samples, then follow a stream of them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        y : None
            Ignored, present for API consistency.

        Returns
        -------
        self : CSOM
            The map that has learned. `labels_`, `hits_` and `quantization_error_`
            are of the samples of this call.
        """
        if not hasattr(self, "codebook_"):
            X = self._check_training_samples(X)
            codebook, lattice, sums = self._train(X)
            n_calls = 1
        else:
            X = self._check_training_samples(X, reset=False)
            X = X.astype(self.codebook_.dtype, copy=False)
            lattice = Lattice(self._checked_shape(), self.topology)
            n_calls = self._n_calls + 1
            share = n_calls**-0.6
            sums = tuple(
                (1 - share) * old + share * new / len(X)
                for old, new in zip(
                    self._sums, _sums_over_samples(X, self.codebook_), strict=True
                )
            )
            with one_blas_thread():
                codebook = _moved(self.codebook_, lattice, *sums, self._widths()[-1])
        self._finish(X, codebook, lattice)
        self._sums, self._n_calls = sums, n_calls
        return self

    def map_coordinates(self, X):
        """Return the row and column of the nearest unit of every sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.

        Returns
        -------
        coordinates : ndarray of shape (n_samples, 2), dtype intp
            Row and column on the lattice, -1 for a sample without any present feature.
        """
        winners = self.winners(X)
        coordinates = np.column_stack(np.divmod(winners, self._checked_shape()[1]))
        coordinates[winners < 0] = -1
        return coordinates

    def u_matrix(self):
        """Return the mean distance of each unit to its neighbours on the lattice.

        Returns
        -------
        distances : ndarray of shape (n_rows, n_columns)
            High values are borders between clusters (Ultsch & Siemon 1990).
        """
        return super().u_matrix().reshape(self._checked_shape())

    def _train(self, X):
        """Return the trained codebook, its lattice, and the last sums per sample."""
        random_state = random_generator(self.random_state)
        lattice = Lattice(self._checked_shape(), self.topology)
        widths = self._widths()
        # One BLAS thread: a matrix product must not depend on how many there are.
        with one_blas_thread():
            codebook = self._initial_codebook(X, random_state)
            if self.algorithm == "online":
                codebook = self._train_online(
                    X, codebook, lattice, widths, random_state
                )
                sums = _sums_over_samples(X, codebook)
            else:
                for sigma in tqdm(
                    widths, type(self).__name__, unit="epoch", disable=not self.verbose
                ):
                    sums = _sums_over_samples(X, codebook)
                    codebook = _moved(codebook, lattice, *sums, sigma)
        return codebook, lattice, tuple(part / len(X) for part in sums)

    def _train_online(self, X, codebook, lattice, widths, random_state):
        order = np.concatenate(
            [random_state.permutation(len(X)) for _ in range(self.n_epochs)]
        ).astype(np.intp, copy=False)
        progress = np.arange(len(order)) / max(len(order) - 1, 1)
        first, last = _LEARNING_RATES
        rates = first + (last - first) * progress
        if np.ndim(self.sigma) == 0:
            sigmas = widths[0] * (widths[-1] / widths[0]) ** progress
        else:
            sigmas = np.repeat(widths, len(X))
        weights = by_feature(codebook)
        scratch = [np.empty(X.shape[1], dtype=np.intc)]
        scratch += [np.empty(padded(len(codebook)), dtype=X.dtype) for _ in range(2)]
        bar = tqdm(
            total=len(order),
            desc=type(self).__name__,
            unit="sample",
            unit_scale=True,
            disable=not self.verbose,
        )
        with bar:
            for begin in range(0, len(order), _STEPS_AT_A_TIME):
                part = slice(begin, begin + _STEPS_AT_A_TIME)
                learn_one_by_one(
                    X,
                    order[part],
                    rates[part],
                    sigmas[part],
                    lattice.positions,
                    weights,
                    *scratch,
                )
                bar.update(len(order[part]))
        return np.ascontiguousarray(weights[:-1, : len(codebook)].T)

    def _finish(self, X, codebook, lattice):
        """Group the units by the samples X, and set the fitted attributes."""
        winners, counts, hits, quantization_error = summarize(X, codebook)
        self.codebook_ = codebook
        self.positions_ = lattice.positions
        self.connections_ = lattice.connections()
        self.hits_ = hits
        self.quantization_error_ = quantization_error
        self.n_iter_ = self.n_epochs
        self.unit_labels_ = self._group(codebook, counts, hits)
        self.labels_ = self._labels_of_winners(winners)

    def _group(self, codebook, counts, hits):
        if self.n_clusters is None:
            groups = np.arange(len(codebook))
        else:
            groups = _second_stage.group_units(codebook, counts, hits, self.n_clusters)
        return _second_stage.labels_by_size(groups, codebook, hits)

    def _checked_shape(self):
        shape = tuple(self.shape)
        if len(shape) != 2 or not all(
            isinstance(side, Integral) and side >= 1 for side in shape
        ):
            raise ValueError(
                "The 'shape' of the lattice must be two integers >= 1, the number of "
                f"rows and of columns. Got {self.shape!r}."
            )
        return shape

    def _widths(self):
        """Return sigma of each epoch."""
        if self.sigma is None or np.ndim(self.sigma) == 0:
            start = self.sigma
            if start is None:
                start = max(max(self._checked_shape()) / 2, _FINAL_SIGMA)
            return np.geomspace(start, min(start, _FINAL_SIGMA), self.n_epochs)
        widths = np.asarray(self.sigma, dtype=np.float64)
        if widths.shape != (self.n_epochs,) or not (widths > 0).all():
            raise ValueError(
                f"'sigma' must be one positive number or n_epochs={self.n_epochs} of "
                f"them, got an array of shape {widths.shape}."
            )
        return widths

    def _initial_codebook(self, X, random_state):
        n_rows, n_columns = self._checked_shape()
        n_units = n_rows * n_columns
        if isinstance(self.init, str) and self.init == "pca":
            return _principal_plane(X, (n_rows, n_columns))
        means = np.nanmean(X, axis=0, dtype=np.float64).astype(X.dtype)
        if isinstance(self.init, str):
            picked = random_state.choice(len(X), n_units, replace=len(X) < n_units)
            codebook = X[picked]
            return np.where(np.isnan(codebook), means, codebook)
        codebook = np.array(self.init, dtype=X.dtype, order="C")
        if codebook.shape != (n_units, X.shape[1]) or not np.isfinite(codebook).all():
            raise ValueError(
                f"'init' must hold finite weights of shape ({n_units}, {X.shape[1]}) "
                f"for n_units and n_features, got shape {codebook.shape}."
            )
        return codebook


def _principal_plane(X, shape):
    """Units on the plane of the first two components, one deviation to each side."""
    means = np.nanmean(X, axis=0, dtype=np.float64)
    centred = X - means
    np.nan_to_num(centred, copy=False, nan=0.0)
    # The singular values of R are those of the centred data, at the size of R.
    triangle = np.linalg.qr(centred, mode="r")
    _, singular, components = np.linalg.svd(triangle, full_matrices=False)
    n_axes = min(2, len(singular))
    deviations = singular[:n_axes] / np.sqrt(max(len(X) - 1, 1))
    components = components[:n_axes]
    largest = np.argmax(np.abs(components), axis=1)
    components = components * np.sign(components[np.arange(n_axes), largest])[:, None]
    rows, columns = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    plane = np.column_stack(
        [2 * rows / max(shape[0] - 1, 1) - 1, 2 * columns / max(shape[1] - 1, 1) - 1]
    )
    codebook = means + (plane[:, :n_axes] * deviations) @ components
    return codebook.astype(X.dtype)


def _sums_over_samples(X, codebook):
    """Return sums and counts of the samples nearest to each unit.

    Returns
    -------
    sums : ndarray of shape (n_units, n_features), dtype float64
        Sums over the present features.
    counts : ndarray of shape (n_units, 1 or n_features), dtype float64
        Samples, or present features if some are missing.
    """
    n_units, n_features = codebook.shape
    n_threads = effective_n_threads()
    n_chunks = int(np.clip(len(X) // _ROWS_PER_CHUNK, 1, _MOST_CHUNKS))
    bounds = np.linspace(0, len(X), n_chunks + 1).astype(np.intp)
    missing = any(np.isnan(X[begin:end]).any() for begin, end in pairwise(bounds))
    sums = np.zeros((n_chunks, n_units, n_features))
    counts = np.zeros((n_chunks, n_units, n_features if missing else 1))
    sum_by_winner(
        X,
        by_feature(codebook),
        n_units,
        bounds,
        *search_scratch(X, n_units, n_threads),
        sums,
        counts,
        n_threads,
    )
    return sums.sum(axis=0), counts.sum(axis=0)


def _moved(codebook, lattice, sums, counts, sigma):
    """Return the codebook after a batch update; units without weight stay."""
    weights = lattice.smooth(counts, sigma)
    moved = lattice.smooth(sums, sigma) / np.where(weights > 0, weights, 1)
    return np.where(weights > 0, moved, codebook).astype(codebook.dtype)

# SPDX-License-Identifier: BSD-3-Clause
"""Let neighboring pixels agree: what to do about labels that flicker in noise."""

import warnings
from numbers import Integral, Real

import numpy as np
from scipy import ndimage
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval

from skesom.cube.convolution._gaussian import TRUNCATE

SIGMA_PER_FWHM = 1 / np.sqrt(8 * np.log(2))
_UNKNOWN_FWHM = 2.0
_NEIGHBORS = [(i, j) for i in (0, 1, 2) for j in (0, 1, 2) if (i, j) != (1, 1)]
_WEIGHTS = np.array([1 / np.hypot(i - 1, j - 1) for i, j in _NEIGHBORS])
_WEIGHTS /= _WEIGHTS.sum()


class MajorityVote(BaseEstimator):
    """Give each pixel the label that prevails within the point-spread function.

    The votes of the pixels around, its own included, have the weights of a Gaussian.
    The light of a pixel is a mean over about that area, so its label may well be.

    Parameters
    ----------
    fwhm : float, default=None
        Full width at half maximum of the Gaussian in pixels. By default that of the
        widest band if the cube knows it, or else 2, as of a well-sampled image.

    See Also
    --------
    ConditionalModes : Weighs the votes against how well the spectrum fits.

    Notes
    -----
    What is no larger than the Gaussian, such as a star, is outvoted by its
    surroundings. Noise (-1), sky (-2) and pixels without data (-3) neither vote nor
    change. If labels have equal votes the pixel keeps its own.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.maps import MajorityVote
    >>> label_map = np.zeros((5, 5), dtype=np.int32)
    >>> label_map[2, 2] = 1
    >>> int(MajorityVote().regularize(label_map).max())
    0
    """

    needs_costs = False

    _parameter_constraints = {"fwhm": [Interval(Real, 0, None, closed="neither"), None]}

    def __init__(self, *, fwhm=None):
        self.fwhm = fwhm

    def regularize(self, label_map, costs=None, *, fwhm=None):
        """Return the label map after the vote.

        Parameters
        ----------
        label_map : ndarray of shape (n_rows, n_columns), int
            Clusters from 0; negative pixels stay as they are.
        costs : None
            Not used; all regularizers are called alike.
        fwhm : float, default=None
            Width of the point-spread function in pixels, if known.

        Returns
        -------
        label_map : ndarray of shape (n_rows, n_columns), int
            A new map.
        """
        self._validate_params()
        width = self.fwhm or fwhm or _UNKNOWN_FWHM
        best = np.full(label_map.shape, -np.inf, dtype=np.float32)
        winner = label_map.copy()
        own = np.zeros(label_map.shape, dtype=np.float32)
        for label in range(label_map.max(initial=-1) + 1):
            members = label_map == label
            votes = ndimage.gaussian_filter(
                members.astype(np.float32),
                width * SIGMA_PER_FWHM,
                mode="constant",
                truncate=TRUNCATE,
            )
            own[members] = votes[members]
            better = votes > best
            best[better] = votes[better]
            winner[better] = label
        stays = (label_map < 0) | (own >= best)
        return np.where(stays, label_map, winner)


class ConditionalModes(BaseEstimator):
    """Weigh how well a spectrum fits a cluster against the labels of the neighbors.

    Iterated conditional modes [1]_: pixel after pixel takes the label of least cost,
    given those of its eight neighbors, until none changes.

    Parameters
    ----------
    strength : float, default=1.0
        What disagreement costs. With 1, a pixel of the usual certainty gives way when
        all its neighbors have the label that is second best for it; with 2, when half
        of them have. 0 leaves every pixel alone.
    max_iter : int, default=50
        Most passes over the image.

    Raises
    ------
    ConvergenceWarning
        If labels still change after `max_iter` passes.

    See Also
    --------
    MajorityVote : Looks at the labels alone.

    Notes
    -----
    The energy that falls with each change is ::

        sum_i cost_i(label_i) + strength * sum_i sum_j w_ij [label_i != label_j] / 2

    Costs are measured by `CubeClusterer` in units of the median difference between
    the best and the second best cluster: squared distances to the units or centers of
    clusters, or minus the logarithm of their probability; clusterers that tell neither
    have costs of 1 for any label but their own. Neighbors at a corner weigh 1 /
    sqrt(2) of those at a side, and the eight weights add up to 1. A pixel whose
    spectrum is unlike all around keeps its label, so bright stars and clusters stay
    where a majority vote would delete them.

    Pixels are visited in four interleaved grids, on which none is the neighbor of
    another, so the order within a grid does not matter.

    References
    ----------
    .. [1] J. Besag, "On the statistical analysis of dirty pictures", Journal of the
       Royal Statistical Society B 48, 259 (1986).

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.maps import ConditionalModes
    >>> label_map = np.zeros((5, 5), dtype=np.int32)
    >>> label_map[2, 2] = 1
    >>> costs = np.dstack([label_map != 0, label_map != 1]).astype(np.float32)
    >>> int(ConditionalModes(strength=0.5).regularize(label_map, costs)[2, 2])
    1
    >>> int(ConditionalModes(strength=1.5).regularize(label_map, costs)[2, 2])
    0
    """

    needs_costs = True

    _parameter_constraints = {
        "strength": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, strength=1.0, *, max_iter=50):
        self.strength = strength
        self.max_iter = max_iter

    def regularize(self, label_map, costs, *, fwhm=None):
        """Return the label map of least energy near the given one.

        Parameters
        ----------
        label_map : ndarray of shape (n_rows, n_columns), int
            Clusters from 0; negative pixels stay as they are.
        costs : ndarray of shape (n_rows, n_columns, n_clusters), float32
            What each cluster costs each pixel. Not read where `label_map` is negative.
        fwhm : None
            Not used; all regularizers are called alike.

        Returns
        -------
        label_map : ndarray of shape (n_rows, n_columns), int
            A new map.
        """
        self._validate_params()
        padded = np.pad(label_map, 1, constant_values=-1)
        for _ in range(self.max_iter):
            changes = 0
            for row in (0, 1):
                for column in (0, 1):
                    changes += self._visit(padded, costs, row, column)
            if not changes:
                break
        else:
            warnings.warn(
                f"{changes} pixels still changed their label in pass {self.max_iter}; "
                "raise max_iter.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return padded[1:-1, 1:-1].copy()

    def _visit(self, padded, costs, row, column):
        """Give the pixels of one grid their best label; return how many change."""
        n_rows, n_columns, n_clusters = costs.shape
        own = padded[1 + row : n_rows + 1 : 2, 1 + column : n_columns + 1 : 2]
        around = [
            padded[i + row : n_rows + i : 2, j + column : n_columns + j : 2]
            for i, j in _NEIGHBORS
        ]
        best = np.full(own.shape, np.inf, dtype=np.float32)
        now = np.zeros(own.shape, dtype=np.float32)
        winner = own.copy()
        for label in range(n_clusters):
            energy = costs[row::2, column::2, label].astype(np.float32)
            for weight, labels in zip(_WEIGHTS, around, strict=True):
                energy -= np.float32(self.strength * weight) * (labels == label)
            mine = own == label
            now[mine] = energy[mine]
            better = energy < best
            best[better] = energy[better]
            winner[better] = label
        changed = (own >= 0) & (best < now)
        own[changed] = winner[changed]
        return np.count_nonzero(changed)

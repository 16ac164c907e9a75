# SPDX-License-Identifier: BSD-3-Clause
"""What supervised maps share: samples ask the nearest units what they know."""

from numbers import Integral

import numpy as np
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import Interval

from skesom.som._codebook_map import CodebookMap

_DISTANCES_AT_A_TIME = 2**22


class UnitVotes(CodebookMap):
    """Base of the maps whose units were told something about their samples.

    A subclass has the parameter `n_neighbors`.
    """

    _vote_constraints = {"n_neighbors": [Interval(Integral, 1, None, closed="left")]}

    def _sum_over_nearest(self, X, table, errors=None):
        """Add up the rows of a table over the nearest units of every sample."""
        table = np.vstack([table, np.zeros(table.shape[1])])  # for units numbered -1
        n_neighbors = min(self.n_neighbors, len(self.codebook_))
        metric = self._metric()
        if n_neighbors == 1:
            return table[metric.nearest(X, self.codebook_, errors=errors)[0]]
        sums = np.empty((len(X), table.shape[1]))
        size = max(1, _DISTANCES_AT_A_TIME // len(self.codebook_))
        for rows in gen_batches(len(X), size):
            distances = metric.distances(
                X[rows],
                self.codebook_,
                errors=None if errors is None else errors[rows],
            )
            nearest = np.argpartition(distances, n_neighbors - 1)[:, :n_neighbors]
            nearest[np.isnan(distances[:, 0])] = -1
            sums[rows] = table[nearest].sum(axis=1)
        return sums

    def _lent(self, table, knows):
        """Return a table in which units that know nothing have what the nearest knows.

        Before, neighbors share what they know, if the map has a way to.
        """
        table, knows = self._shared(table.astype(np.float64), knows)
        if knows.any() and not knows.all():
            nearest, _ = self._metric().nearest(
                self.codebook_[~knows], self.codebook_[knows]
            )
            table[~knows] = table[knows][nearest]
        return table

    def _shared(self, table, knows):
        """Return what units know after they have told others, and which then do."""
        return table, knows

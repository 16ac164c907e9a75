# SPDX-License-Identifier: BSD-3-Clause
"""Units of a lattice share what they know of their samples with their neighbors."""

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from skesom.som._lattice import Lattice

_LEAST = 0.1  # of a unit that knows: its direct neighbors reach it at smoothing 0.5


class LatticeVotes:
    """Mixin of the supervised maps that have a lattice.

    A subclass has the parameter `smoothing` and those of `LatticeMap`.
    """

    _sharing_constraints = {"smoothing": [Interval(Real, 0, None, closed="left")]}

    def _shared(self, table, knows):
        if self.smoothing == 0:
            return table, knows
        lattice = Lattice(self.shape_, self.topology, self.toroidal)
        told = lattice.smooth(
            np.column_stack([table, knows]).astype(np.float64), self.smoothing
        )
        return told[:, :-1], told[:, -1] >= _LEAST

# SPDX-License-Identifier: BSD-3-Clause
"""How much a unit learns from a sample whose winner is some way off on the lattice."""

import numpy as np

NEIGHBORHOODS = ("gaussian", "cut_gaussian", "bubble", "epanechnikov", "mexican_hat")
_ROUNDING = 1 + 1e-9  # so that a unit right on the rim of a window is inside


class Neighborhood:
    """Weight h of a unit at the distance r from the winner, for a width sigma.

    ============== ====================================================
    gaussian       exp(-r^2 / (2 sigma^2))
    cut_gaussian   the same, 0 beyond sigma
    bubble         1, 0 beyond sigma
    epanechnikov   1 - r^2 / sigma^2, 0 beyond sigma
    mexican_hat    (1 - r^2 / (2 sigma^2)) exp(-r^2 / (2 sigma^2))
    ============== ====================================================

    The first four are those of Vesanto et al. (2000), "SOM Toolbox for Matlab 5", but
    for the epanechnikov function, which is there max(0, 1 - (sigma - r)^2); here it is
    the kernel of Epanechnikov (1969), doi:10.1137/1114019. The mexican hat is the
    negative Laplacian of a gaussian in the plane: its integral is 0.

    Parameters
    ----------
    name : str
        One of those above.
    diameter : float, default=None
        Of a window: beyond diameter / 2 the weight is 0.
    """

    def __init__(self, name, diameter=None):
        self.name = name
        self.diameter = diameter

    @property
    def separable(self):
        """Whether h is a product of functions of the rows and of the columns."""
        return self.name == "gaussian" and self.diameter is None

    @property
    def ends_at_sigma(self):
        """Whether the weight is 0 beyond sigma."""
        return self.name in ("cut_gaussian", "bubble", "epanechnikov")

    @property
    def code(self):
        """Return the number that the kernel of online training knows it by."""
        return NEIGHBORHOODS.index(self.name)

    def squared_reach(self, sigma):
        """Return the squared distance up to which a weight may differ from 0."""
        reach = np.full_like(sigma, np.inf, dtype=np.float64)
        if self.ends_at_sigma:
            reach = np.minimum(reach, sigma)
        if self.diameter is not None:
            reach = np.minimum(reach, self.diameter / 2)
        return reach**2 * _ROUNDING

    def __call__(self, squared, sigma):
        """Return the weights at squared distances on the lattice."""
        inside = squared <= self.squared_reach(sigma)
        scaled = squared / sigma**2
        if self.name == "bubble":
            weights = np.ones_like(scaled)
        elif self.name == "epanechnikov":
            weights = np.maximum(1 - scaled, 0)
        else:
            weights = np.exp(-0.5 * scaled)
            if self.name == "mexican_hat":
                weights *= 1 - 0.5 * scaled
        return np.where(inside, weights, 0)

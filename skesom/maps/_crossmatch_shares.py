# SPDX-License-Identifier: BSD-3-Clause
"""What share of the surroundings of a position each cluster has."""

import numpy as np
from scipy.signal import oaconvolve

_NOISE = -1
_ROUNDING = 1e-6


class Surroundings:
    """The clusters within a radius around the pixels of a label map.

    Parameters
    ----------
    label_map : ndarray of int32 of shape (n_rows, n_columns)
        Clusters from 0, -1 = noise, lower labels = masked.
    radius : float
        In pixels; below 1 only the pixel itself counts.

    Attributes
    ----------
    labels : ndarray of shape (n_labels,)
        Labels that the map has, noise among them, masked pixels not.
    area_shares : ndarray of shape (n_labels,)
        Their shares of the pixels that are not masked.
    places : ndarray of shape (n_places,)
        Flat indices of the pixels with anything but masked pixels within the radius.
    """

    def __init__(self, label_map, radius):
        self.shape = label_map.shape
        flat = label_map.ravel()
        valid = flat >= _NOISE
        self.labels, counts = np.unique(flat[valid], return_counts=True)
        self.area_shares = counts / counts.sum()
        self._flat = flat
        self._disc = _make_disc(radius)
        self._n_known = valid if self._is_single else self._count_within(valid)
        self.places = np.flatnonzero(self._n_known)

    @property
    def _is_single(self):
        """Whether only the pixel itself counts."""
        return self._disc.size == 1

    def find_places(self, columns, rows):
        """Return the flat indices of the pixels at positions, -1 outside of the map."""
        n_rows, n_columns = self.shape
        inside = (columns >= -0.5) & (columns < n_columns - 0.5)
        inside &= (rows >= -0.5) & (rows < n_rows - 0.5)
        places = np.full(np.shape(columns), -1, dtype=np.intp)
        row = np.floor(rows[inside] + 0.5).astype(np.intp)
        column = np.floor(columns[inside] + 0.5).astype(np.intp)
        places[inside] = row * n_columns + column
        return places

    def are_known(self, places):
        """Tell whether there is anything but masked pixels around places."""
        return self._n_known[places] > 0

    def count(self, draws):
        """Return how many objects each cluster holds."""
        counts = [np.empty((len(draw), len(self.labels))) for draw in draws]
        means, spreads = np.empty((2, len(self.labels)))
        totals = None if self._is_single else np.maximum(self._n_known, 1)
        for number, label in enumerate(self.labels):
            shares = self._flat == label
            if totals is not None:
                shares = self._count_within(shares) / totals
            for count, draw in zip(counts, draws, strict=True):
                found = np.where(draw >= 0, shares[draw], 0)
                count[:, number] = found.sum(axis=1, dtype=np.float64)
            around = shares[self.places]
            means[number] = around.mean(dtype=np.float64)
            spreads[number] = around.std(dtype=np.float64)
        return counts, means, spreads

    def _count_within(self, mask):
        """Return how many pixels of a mask are within the radius of each pixel."""
        image = mask.reshape(self.shape).astype(np.float32)
        return np.rint(oaconvolve(image, self._disc, mode="same")).ravel()


def _make_disc(radius):
    """Return the pixels within a radius, as a kernel of ones and zeros."""
    reach = int(radius + _ROUNDING)
    steps = np.arange(-reach, reach + 1)
    # An angle that is two pixels may be a little less by rounding.
    inside = steps**2 + steps[:, np.newaxis] ** 2 <= radius**2 + _ROUNDING
    return inside.astype(np.float32)

# SPDX-License-Identifier: BSD-3-Clause
"""Which clusters lie within a radius around the pixels of a label map."""

import numpy as np
from scipy.signal import oaconvolve

from skesom.maps.positions import ROUNDING, in_image


class Surroundings:
    """The clusters within a radius around each pixel of a label map.

    An object counts for a cluster by its share of the pixels within the radius that are
    not masked. Pixels are told by their flat index.

    Parameters
    ----------
    label_map : ndarray of int of shape (n_rows, n_columns)
        Clusters from 0, noise (-1), which counts as one, and masked pixels below.
    radius : float
        In pixels; 0 if only the pixel itself counts.

    Attributes
    ----------
    labels : ndarray of int of shape (n_clusters,)
        The clusters, noise among them.
    area_shares : ndarray of shape (n_clusters,)
        Their shares of the pixels that are not masked.
    n_within : ndarray of shape (n_rows * n_columns,)
        Number of pixels within the radius that are not masked.
    pixels : ndarray of int
        Pixels that have at least one such pixel around them.
    """

    def __init__(self, label_map, radius):
        self._shape = label_map.shape
        self._flat_labels = label_map.ravel()
        is_valid = self._flat_labels >= -1
        self.labels, n_pixels = np.unique(
            self._flat_labels[is_valid], return_counts=True
        )
        self.area_shares = n_pixels / n_pixels.sum()
        reach = int(radius + ROUNDING)
        steps = np.arange(-reach, reach + 1)
        is_within = steps**2 + steps[:, np.newaxis] ** 2 <= radius**2 + ROUNDING
        self._disc = is_within.astype(np.float32)
        self._is_single = self._disc.size == 1
        if self._is_single:
            self.n_within = is_valid
        else:
            self.n_within = self._count_within(is_valid)
        self.pixels = np.flatnonzero(self.n_within)

    def find_pixels(self, columns, rows):
        """Return the pixels at positions, -1 outside of the map."""
        inside = in_image(columns, rows, self._shape)
        pixels = np.full(np.shape(columns), -1, dtype=np.intp)
        row = np.floor(rows[inside] + 0.5).astype(np.intp)
        column = np.floor(columns[inside] + 0.5).astype(np.intp)
        pixels[inside] = row * self._shape[1] + column
        return pixels

    def count(self, draws):
        """Count objects in each cluster, and tell what random ones count on average.

        Parameters
        ----------
        draws : list of ndarray of int of shape (n_draws, n_objects)
            Pixels of objects, -1 for those that do not count.

        Returns
        -------
        counts : list of ndarray of shape (n_draws, n_clusters)
            How many objects of each draw are in each cluster.
        means, spreads : ndarray of shape (n_clusters,)
            Mean and standard deviation of what one object at a random pixel counts.
        """
        n_clusters = len(self.labels)
        counts = [np.empty((len(pixels), n_clusters)) for pixels in draws]
        means = np.empty(n_clusters)
        spreads = np.empty(n_clusters)
        # Cluster by cluster, so that the shares of one alone are in memory.
        for cluster, label in enumerate(self.labels):
            shares = self._flat_labels == label
            if not self._is_single:
                shares = self._count_within(shares) / np.maximum(self.n_within, 1)
            for count, pixels in zip(counts, draws, strict=True):
                shares_of_objects = np.where(pixels >= 0, shares[pixels], 0)
                count[:, cluster] = shares_of_objects.sum(axis=1, dtype=np.float64)
            random_shares = shares[self.pixels]
            means[cluster] = random_shares.mean(dtype=np.float64)
            spreads[cluster] = random_shares.std(dtype=np.float64)
        return counts, means, spreads

    def measure_coverage(self, pixels):
        """Return the share of each cluster that is within the radius of pixels."""
        is_near = np.zeros(len(self._flat_labels), dtype=bool)
        is_near[pixels] = True
        if not self._is_single:
            is_near = self._count_within(is_near) > 0
        return np.array(
            [is_near[self._flat_labels == label].mean() for label in self.labels]
        )

    def _count_within(self, mask):
        """Return the number of pixels of a mask within the radius of each pixel."""
        image = mask.reshape(self._shape).astype(np.float32)
        return np.rint(oaconvolve(image, self._disc, mode="same")).ravel()

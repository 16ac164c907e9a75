# SPDX-License-Identifier: BSD-3-Clause
"""Whether a map has the number of dimensions of its data."""

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.utils._param_validation import validate_params

from skesom.metrics._map import Map, blocks, mean_of_known
from skesom.metrics._ranks import mean_over_orders


@validate_params({"per_unit": ["boolean"]}, prefer_skip_nested_validation=True)
def topographic_product(
    codebook, connections=None, *, positions=None, distances=None, per_unit=False
):
    """Tell whether a map has fewer dimensions than its data, or more.

    Of the N units let a(j, k) be the k-th nearest to unit j on the map and v(j, k) that
    in the data, let D and d be the distances on the map and in the data, and ::

        P3(j, k) = prod_{l=1..k} [ d(j, a(j, l)) / d(j, v(j, l))
                                   D(j, a(j, l)) / D(j, v(j, l)) ]^(1 / 2k)

    The topographic product is the mean of log P3(j, k) over all j and k = 1..N-1.

    Parameters
    ----------
    codebook : array-like of shape (n_units, n_features), or fitted map
        Weights of the units.
    connections : sparse or array-like of shape (n_units, n_units), default=None
        Which units are connected: the distance on the map is the number of connections
        to pass. By default ``connections_`` of a fitted map, if nothing else is given.
    positions : array-like of shape (n_units, n_dimensions), default=None
        Where units stand on the map: the distance is Euclidean, as in [1]_.
    distances : array-like of shape (n_units, n_units), default=None
        Distances on the map, for instance on a torus.
    per_unit : bool, default=False
        Whether to return the mean over k for each unit j.

    Returns
    -------
    product : float or ndarray of shape (n_units,), dtype float64
        0 if neighborhoods are preserved; below 0 the map has too few dimensions, above
        0 too many. NaN without any pair of units to compare.

    Raises
    ------
    ValueError
        For infinite or missing values, if the numbers of units differ, or unless one
        thing says how units lie on the map.

    Notes
    -----
    It compares the dimensions of a map that is ordered. Units that lie at random have
    a product near 0 too, so it cannot tell order, and there is no scorer of it for
    searches: look at `topographic_error` first.

    Ties count as the mean over all orders that they allow. Pairs of units at the same
    place, in the data or on the map, and pairs that no path joins are left out, because
    they have no ratio. The time grows with N^2 log N; the memory stays below 50 MB for
    200 x 200 units, because blocks of the distances are worked on. With connections a
    path is sought to every unit: positions are faster on large maps.

    References
    ----------
    .. [1] Bauer, H.-U. & Pawelzik, K. R. (1992), "Quantifying the neighborhood
       preservation of self-organizing feature maps", IEEE Trans. Neural Networks 3,
       570-579, doi:10.1109/72.143371

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.metrics import topographic_product
    >>> line = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> topographic_product(2 * line, positions=line)
    0.0
    >>> folded = [[0, 0], [1, 0], [1, 1], [0, 1]]  # a line that fills a square
    >>> round(topographic_product(folded, positions=line), 4)
    -0.0482
    """
    som = Map(codebook, connections, positions=positions, distances=distances)
    products = _products(som)
    return products if per_unit else mean_of_known(products)


def _products(som):
    """Return the topographic product of each unit, NaN without any other to compare.

    Sums over k are done first. With H(l) = 1 + 1/2 + .. + 1/l the product of unit j is
    the sum over the other units i of [H(rank of i in the data - 1) - H(rank of i on the
    map - 1)] log(d_ij D_ij), over 2 (N - 1).
    """
    n_units = som.n_units
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, n_units))])
    codebook = som.codebook.astype(np.float64)
    products = np.full(n_units, np.nan)
    for block in blocks(n_units, n_units):
        in_data = cdist(codebook[block], codebook)
        on_map = som.distances_from(np.arange(block.start, block.stop))
        apart = (in_data > 0) & (on_map > 0) & np.isfinite(on_map)
        logs = np.log(in_data, out=np.zeros_like(in_data), where=apart)
        logs += np.log(on_map, out=np.zeros_like(on_map), where=apart)
        in_data[~apart] = on_map[~apart] = np.inf  # the last ranks
        gain = mean_over_orders(in_data, harmonic) - mean_over_orders(on_map, harmonic)
        count = apart.sum(axis=1)
        total = np.einsum("ij,ij->i", gain, logs)
        np.divide(total, 2 * count, out=products[block], where=count > 0)
    return products

# SPDX-License-Identifier: BSD-3-Clause
"""Further layers of a map: each is trained on the units of the one before."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

_OWN = {"shape", "sigma", "diameter", "init"}  # a layer does not take these from a map
_LAST = {"n_clusters", "clusterer"}  # and only the last takes these


def planned_layers(csom):
    """Return the further layers of a map, not yet fitted."""
    inherited = csom.get_params(deep=False)
    last = {name: inherited.pop(name) for name in _LAST}
    for name in ("layers", "verbose", *_OWN):
        del inherited[name]
    layers = []
    for number, wanted in enumerate(csom.layers or (), start=2):
        own = dict(wanted) if isinstance(wanted, Mapping) else {"shape": wanted}
        unknown = sorted(set(own) - set(inherited) - _OWN)
        if unknown or "shape" not in own:
            raise ValueError(
                f"Layer {number} of 'layers' needs a 'shape', and may have parameters "
                f"of its own among {sorted(_OWN | set(inherited))}. Got {wanted!r}."
            )
        own.update(last if number == len(csom.layers) + 1 else {"n_clusters": None})
        layer = type(csom)(**{**inherited, **own})
        layer._validate_params()
        layers.append(layer)
    _check_sizes([csom, *layers])
    return layers


def fit_layers(layers, codebook, hits):
    """Fit each layer on the units of the one before."""
    units, place = codebook, np.arange(len(codebook))
    for layer in layers:
        layer.n_features_in_ = units.shape[1]
        layer._learn(units, hits.astype(np.float64))
        place = layer._metric().nearest(units, layer.codebook_)[0][place]
        units, hits = layer.codebook_, layer.hits_
    return layers[-1].unit_labels_[place]


def _check_sizes(maps):
    shapes = [each.shape for each in maps]
    sizes = [None if isinstance(s, str) else int(np.prod(s)) for s in shapes]
    for before, size in pairwise(sizes):
        if before is not None and size is not None and size >= before:
            raise ValueError(
                f"Each of the 'layers' must have fewer units than the one before, got "
                f"layers of {sizes} units."
            )

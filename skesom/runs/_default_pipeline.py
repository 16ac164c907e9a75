# SPDX-License-Identifier: BSD-3-Clause
"""The pipeline of a run for which nobody gave one, and parameters that need it."""

import numpy as np

from skesom._common.texts import list_names
from skesom.maps import make_cluster_pipeline, make_clusterer
from skesom.maps.clusterers import make_classifier


def make_default_pipeline(clusterer, clusterer_parameters, steps, *, is_classifier):
    """Return the pipeline of a run that has none of its own.

    Parameters
    ----------
    clusterer : clusterer or None
        By default a consensus of `ESOM`, or a classifier.
    clusterer_parameters : dict
        ``n_clusters`` and ``random_state`` of the default clusterer.
    steps : dict
        Parameters of `make_cluster_pipeline`.
    is_classifier : bool
        Whether the default learns classes.

    Returns
    -------
    pipeline : Pipeline
        Not fitted.
    """
    if clusterer is None and is_classifier:
        random_state = clusterer_parameters["random_state"]
        clusterer = make_classifier("esom", random_state=random_state)
    elif clusterer is None:
        clusterer = make_clusterer("esom", **clusterer_parameters)
    return make_cluster_pipeline(clusterer, **steps)


def refuse_ignored(values, defaults):
    """Refuse parameters that a pipeline or clusterer of the user takes no notice of.

    Parameters
    ----------
    values : dict
        By the names of parameters of `Run.fit`. Nobody asked for those that have their
        default.
    defaults : mapping of str to inspect.Parameter
        The parameters of `Run.fit`.

    Raises
    ------
    ValueError
        If one has another value.
    """
    ignored = []
    for name, value in values.items():
        # Arrays and the like, which are never a default, do not compare to one value.
        is_plain = value is None or np.isscalar(value)
        if not is_plain or value != defaults[name].default:
            ignored.append(name)
    if ignored:
        raise ValueError(
            f"{list_names(ignored)} would be ignored: a pipeline and a clusterer of "
            "your own have their own parameters. Set them there."
        )

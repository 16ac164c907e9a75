# SPDX-License-Identifier: BSD-3-Clause
"""Clusterers and classifiers by their names."""

from __future__ import annotations

import importlib
from typing import Any

from sklearn.base import is_classifier

from skesom._common.warn import warn_user
from skesom.consensus import ConsensusClusterer
from skesom.som import CSOM, ESOM, MapClassifier

_MAPS = {"esom": ESOM, "csom": CSOM}
_N_CLUSTERS = 8


def make_clusterer(
    method: str,
    *,
    n_clusters: int | None = _N_CLUSTERS,
    n_runs: int | None = None,
    random_state: int = 0,
    verbose: int = 0,
    **parameters: Any,
) -> Any:
    """Make a clusterer from its name.

    Parameters
    ----------
    method : str
        "esom", "csom", or an import path such as "sklearn.cluster.MiniBatchKMeans".
    n_clusters : int or None, default=8
        Number of clusters (mixture components). Another than 8 is refused where the
        clusterer has no such parameter.
    n_runs : int, default=None
        Runs with different seeds for a `ConsensusClusterer`; by default its own number
        (12, more of small images) if the clusterer has a seed and ``predict``. 1 is the
        clusterer alone.
    random_state : int, default=0
        Seed, where the clusterer has one; else a warning says so of another than 0.
    verbose : int, default=0
        1 shows progress; for maps only.
    **parameters : dict
        Further constructor arguments.

    Returns
    -------
    clusterer : clusterer
        Not fitted.

    Raises
    ------
    ValueError
        For an unknown clusterer, an unknown or impossible parameter, or a number of
        clusters that the clusterer cannot be given.

    Examples
    --------
    >>> from skesom.maps import make_clusterer
    >>> make_clusterer("sklearn.cluster.KMeans", n_clusters=5, n_runs=1)
    KMeans(n_clusters=5, random_state=0)
    """
    default = _default_of(method, "clusterer", "fit_predict")
    wanted = {"random_state": random_state}
    if isinstance(default, ESOM | CSOM) and n_runs == 1:
        wanted["verbose"] = verbose
    number = "n_components"  # of mixtures
    if "n_clusters" in default.get_params():
        number = "n_clusters"
    wanted[number] = n_clusters
    if number not in default.get_params() and n_clusters not in (_N_CLUSTERS, None):
        raise ValueError(
            f"{method} finds the number of clusters by itself: n_clusters={n_clusters} "
            "cannot be given."
        )
    clusterer = _with_parameters(method, default, wanted, parameters)
    n_clusters = clusterer.get_params().get(number)
    return _consensus_of(clusterer, n_clusters, n_runs, random_state, verbose)


def make_classifier(method, *, random_state=0, verbose=0, **parameters):
    """Make a classifier from its name, as `make_clusterer`.

    "esom" and "csom" are a `MapClassifier` of such a map, whose classes are balanced
    and ask three units; parameters are of the map, or of the `MapClassifier`.
    """
    wanted = {"random_state": random_state}
    if method.lower() not in _MAPS:
        default = _default_of(method, "classifier", "predict")
        return _with_parameters(method, default, wanted, parameters)
    default = _default_of(method, "map", "predict")
    wanted["verbose"] = verbose
    if isinstance(default, ESOM):
        wanted["learning_rate"] = 0.05  # as in CubeClassifier
    names_of_votes = MapClassifier().get_params(deep=False).keys() - {"estimator"}
    of_votes = {}
    of_map = {}
    for name, value in parameters.items():
        if name in names_of_votes:
            of_votes[name] = value
        else:
            of_map[name] = value
    som = _with_parameters(method, default, wanted, of_map)
    wanted = {"estimator": som, "n_neighbors": 3, "class_weight": "balanced"}
    return _with_parameters("MapClassifier", MapClassifier(), wanted, of_votes)


def _default_of(method, role, needed):
    """Return an estimator of default parameters by the name of its class."""
    kind = _MAPS.get(method.lower()) or _import(method, role)
    try:
        default = kind()
    except TypeError as error:
        raise ValueError(
            f"{method} cannot be made without arguments: {error}"
        ) from error
    # Some objects lack a method that their class has (FeatureAgglomeration).
    if not (hasattr(default, needed) and hasattr(default, "get_params")):
        raise ValueError(f"{method} is not a {role}: it has no {needed}.")
    if role == "classifier" and not is_classifier(default):
        raise ValueError(f"{method} is not a classifier: it cannot learn from labels.")
    return default


def _with_parameters(method, default, wanted, parameters):
    """Return an estimator with the wanted parameters that it has, and with others."""
    names = default.get_params()
    unknown = sorted(parameters.keys() - names.keys())
    if unknown:
        raise ValueError(
            f"{method} has no parameter {unknown[0]!r}. It has {sorted(names)}."
        )
    if "random_state" not in names and wanted.get("random_state"):
        warn_user(f"{method} takes no random_state: it does the same in every run.")
    wanted = {name: value for name, value in wanted.items() if name in names}
    estimator = type(default)(**(wanted | parameters))
    if hasattr(estimator, "_validate_params"):  # before images are read for nothing
        estimator._validate_params()
    return estimator


def _consensus_of(clusterer, n_clusters, n_runs, random_state, verbose):
    """Return a consensus of a clusterer, or the clusterer where that is as good."""
    differs = "random_state" in clusterer.get_params() and hasattr(clusterer, "predict")
    if n_runs is None and differs:
        n_runs = "auto"
    elif n_runs is None:
        n_runs = 1
    if n_runs == 1:
        return clusterer
    if not differs:
        raise ValueError(
            f"{type(clusterer).__name__} gives the same clusters in every run, or "
            "cannot label other pixels: leave out the number of runs."
        )
    return ConsensusClusterer(
        clusterer,
        n_estimators=n_runs,
        n_clusters=n_clusters,
        random_state=random_state,
        verbose=verbose,
        n_jobs=-1,
    )


def _import(path, role):
    """Return the class of an import path."""
    module, _, name = path.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f"Unknown method {path!r}: use esom, csom, or the import path of a class "
            "of scikit-learn such as sklearn.cluster.MiniBatchKMeans."
        ) from error
    if not isinstance(kind, type):
        raise ValueError(f"{path} is not a {role}: it is not a class.")
    return kind

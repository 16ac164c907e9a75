# SPDX-License-Identifier: BSD-3-Clause
"""The last step of pipelines, and the map inside an estimator."""

from copy import copy

import numpy as np
from sklearn.pipeline import Pipeline


def last_step(estimator, X):
    """Return the last step of an estimator, in an estimator of cubes, and X there."""
    step, X = pipeline_end(estimator, X)
    if not hasattr(step, "table"):
        return step, X
    if not (step.predict(X) >= 0).any():  # there may be no valid pixel at all
        inner_step, _ = pipeline_end(step.estimator_)
        return inner_step, np.empty((0, 1))
    return pipeline_end(step.estimator_, step.table(X)[0])


def pipeline_end(estimator, X=None):
    """Return the last step of (nested) pipelines, and X as it gets there."""
    while isinstance(estimator, Pipeline):
        if X is not None and len(estimator) > 1:
            X = estimator[:-1].transform(X)
        estimator = estimator[-1]
    return estimator, X


def last_name(estimator):
    """Return the name of the class of the last step of (nested) pipelines."""
    step, _ = pipeline_end(estimator)
    return type(step).__name__


def with_end(estimator, last):
    """Return a copy of (nested) pipelines with another last step."""
    if not isinstance(estimator, Pipeline):
        return last
    name, step = estimator.steps[-1]
    pipeline = copy(estimator)
    pipeline.steps = [*estimator.steps[:-1], (name, with_end(step, last))]
    return pipeline


def map_inside(estimator, X=None):
    """Return the map that a pipeline, consensus or supervised map ends in, and X there.

    For a consensus it is the map that represents it.
    """
    step, X = pipeline_end(estimator, X)
    while inner := _inner_map(step):
        step, X = pipeline_end(inner, X)
    return step, X


def random_states(estimator):
    """Return the names of the parameters that seeds are given to."""
    if not hasattr(estimator, "get_params"):  # a step that is left out
        return []
    return [
        name
        for name in estimator.get_params(deep=True)
        if name == "random_state" or name.endswith("__random_state")
    ]


def _inner_map(step):
    if hasattr(step, "representative_"):
        return step.representative_
    inner = getattr(step, "estimator_", None)
    return inner if hasattr(inner, "codebook_") else None

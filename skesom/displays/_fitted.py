# SPDX-License-Identifier: BSD-3-Clause
"""What displays find in a fitted estimator: its map, and what it says about a cube."""

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skesom._common.pipelines import map_inside, pipeline_end
from skesom.cube import Cube, check_cube
from skesom.pixels import unflatten, valid_pixels


def fitted_map(estimator, display):
    """Return the map inside an estimator."""
    check_is_fitted(estimator)
    som = estimator
    while isinstance(som, Pipeline) or hasattr(som, "estimator_"):
        som = som[-1] if isinstance(som, Pipeline) else som.estimator_
    som, _ = map_inside(som)
    if not (hasattr(som, "codebook_") and hasattr(som, "connections_")):
        raise ValueError(
            f"{display} shows the units of a map such as ESOM or CSOM, but "
            f"{type(som).__name__} has none."
        )
    return som


def hits_of(som):
    """Return how many training samples each unit of a map has."""
    if hasattr(som, "hits_"):
        return som.hits_
    return som.class_hits_.sum(axis=1)


def labeled_cube(estimator, X):
    """Return the label map that an estimator of cubes gives, and the cube it is of."""
    check_is_fitted(estimator)
    step, given = pipeline_end(estimator, X)
    cube = check_cube(given)
    if hasattr(step, "predict"):
        label_map = np.asarray(step.predict(given))
    else:
        label_map = step.labels_
    if label_map.shape[:2] != cube.shape[:2]:
        raise ValueError(
            f"{type(step).__name__} cannot label other pixels than those it was fitted "
            f"on, an image of {label_map.shape[:2]}. Got one of {cube.shape[:2]}."
        )
    return label_map, _on_same_pixels(X, cube)


def distance_map_of(estimator, X, display):
    """Return how far each pixel of a cube is from its nearest unit."""
    som = fitted_map(estimator, display)
    step, given = pipeline_end(estimator, X)
    if not hasattr(step, "table"):
        raise ValueError(
            f"{display} draws an image, but {type(step).__name__} takes a table: give "
            "a CubeClusterer, or a Pipeline that ends in one."
        )
    cube = check_cube(given)
    valid = valid_pixels(cube, pattern=step.pattern, min_bands=step.min_bands)
    if not valid.any():
        return np.full(valid.shape, np.nan), cube
    table, valid = step.table(cube)
    _, table = map_inside(step.estimator_, table)
    return unflatten(som.winners(table, return_distance=True)[1], valid), cube


def _on_same_pixels(X, cube):
    """Return X as a cube if it has the pixels of a cube, or else that cube."""
    if isinstance(X, Cube):
        return X if X.shape[:2] == cube.shape[:2] else cube
    if isinstance(X, list | tuple) and len(X) and isinstance(X[0], Cube):
        return cube
    return Cube(X) if np.shape(X)[:2] == cube.shape[:2] else cube

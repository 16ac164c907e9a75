# SPDX-License-Identifier: BSD-3-Clause
"""What displays find in a fitted estimator: its map, and what it says about a cube."""

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skesom.cube import check_cube
from skesom.pixels import unflatten, valid_pixels


def fitted_map(estimator, display):
    """Return the map inside an estimator.

    Parameters
    ----------
    estimator : estimator
        A fitted map, a Pipeline that ends in one, or an estimator of cubes with one.
    display : str
        Name of the display, for messages.

    Returns
    -------
    som : estimator
        With ``codebook_`` and ``connections_``.

    Raises
    ------
    ValueError
        If there is none.
    """
    check_is_fitted(estimator)
    som = estimator
    while isinstance(som, Pipeline) or hasattr(som, "estimator_"):
        som = som[-1] if isinstance(som, Pipeline) else som.estimator_
    if not (hasattr(som, "codebook_") and hasattr(som, "connections_")):
        raise ValueError(
            f"{display} shows the units of a map such as ESOM or CSOM, but "
            f"{type(som).__name__} has none."
        )
    return som


def label_map_of(estimator, X):
    """Return the label map that an estimator of cubes gives for a cube.

    Clusterers that cannot predict have labels for the cube that they were fitted on.
    """
    check_is_fitted(estimator)
    if hasattr(estimator, "predict"):
        return np.asarray(estimator.predict(X))
    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    if last.labels_.shape != X.shape[:2]:
        raise ValueError(
            f"{type(last).__name__} cannot label other pixels than those it was fitted "
            f"on, an image of {last.labels_.shape}. Got one of {X.shape[:2]}."
        )
    return last.labels_


def distance_map_of(estimator, X, display):
    """Return how far each pixel of a cube is from its nearest unit.

    Parameters
    ----------
    estimator : estimator
        Fitted, takes cubes and ends in a map.
    X : Cube or array-like of shape (n_rows, n_columns, n_bands)
        The cube.
    display : str
        Name of the display, for messages.

    Returns
    -------
    distances : ndarray of shape (n_rows, n_columns)
        NaN for masked pixels.
    """
    som = fitted_map(estimator, display)
    step = estimator
    while isinstance(step, Pipeline):
        X = step[:-1].transform(X) if len(step) > 1 else X
        step = step[-1]
    if not hasattr(step, "table"):
        raise ValueError(
            f"{display} draws an image, but {type(step).__name__} takes a table: give "
            "a CubeClusterer, or a Pipeline that ends in one."
        )
    cube = check_cube(X)
    valid = valid_pixels(cube, pattern=step.pattern, min_bands=step.min_bands)
    if not valid.any():
        return np.full(valid.shape, np.nan)
    table, valid = step.table(cube)
    inner = step.estimator_
    while isinstance(inner, Pipeline):
        table = inner[:-1].transform(table) if len(inner) > 1 else table
        inner = inner[-1]
    return unflatten(som.winners(table, return_distance=True)[1], valid)

# SPDX-License-Identifier: BSD-3-Clause
"""What every transformer of cubes shares: fitting, the checks and the tags."""

import os

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils.validation import check_is_fitted

from skesom._common.blocks import row_blocks
from skesom.cube._container import Cube


class CubeTransformer(TransformerMixin, BaseEstimator):
    """Base of the transformers that take a cube and give the same kind of cube.

    A `Cube` comes back as a `Cube`, a plain array as a plain array.

    Attributes
    ----------
    keeps_flux : bool
        Class attribute: whether what comes out is a flux, as what went in was. Reports
        show the fluxes of the last step of a pipeline up to which all do. False by
        default, which is right for any transformer.
    works_pixelwise : bool
        Class attribute: whether `transform` makes each pixel from the bands of that
        pixel alone, so that a part of the rows gives the same part of the result.
        Reports apply such steps strip by strip. False by default, which costs memory
        but is right for any transformer.

    Notes
    -----
    A transformer of your own overrides `fit` and `transform`, and sets the two class
    attributes where they are true.
    """

    keeps_flux = False
    works_pixelwise = False
    _parameter_constraints = {}  # a transformer of a user needs none

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Measure in a cube what `transform` needs.

        Parameters
        ----------
        X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
            The cube; NaN marks masked pixels. A list of cubes on different grids only
            where the transformer takes it.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        self._fit(X)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X, y=None):
        """Fit to a cube and transform it, with less work than one after the other.

        Parameters
        ----------
        X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
            The cube or cubes, as in `fit`.
        y : None
            Ignored.

        Returns
        -------
        transformed : Cube, ndarray or list of Cube
            What `transform` gives for the same cube.
        """
        return self._fit_transform(X)

    def transform(self, X):
        """Transform a cube by what was measured in the fitted one.

        Parameters
        ----------
        X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
            The cube or cubes, with as many bands as those of `fit`.

        Returns
        -------
        transformed : Cube, ndarray or list of Cube
            In the kind and the float type of X. Masked pixels stay NaN, and errors of a
            Cube are propagated.
        """
        check_is_fitted(self)
        return self._transform(X)

    def _fit_transform(self, X):
        """Do what `fit_transform` does, in a class that can save work."""
        return self.fit(X).transform(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def set_output(self, *, transform=None):
        """Leave the output a cube: it has no table form (kept for pipelines).

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            Asked for by scikit-learn's pipelines; a cube stays a cube.

        Returns
        -------
        self : object
            The transformer.
        """
        return self

    def _check_cube(self, X, *, reset):
        """Return X as a Cube after comparing it with the fitted number of bands."""
        if not reset:
            check_is_fitted(self)
        return check_cube(X, estimator=self, reset=reset)

    @staticmethod
    def _like_input(X, cube):
        """Return the cube as what X was: a Cube, or else a plain array."""
        return cube if isinstance(X, Cube) else cube.data


def check_cube(X, *, estimator=None, reset=True):
    """Return X as a `Cube`, refusing what no step of the flow can use.

    Parameters
    ----------
    X : Cube or array-like of shape (n_rows, n_columns, n_bands)
        The cube. NaN marks masked pixels.
    estimator : object, default=None
        Estimator that takes the cube; remembers the number of bands when `reset`
        is true, and is compared with it otherwise.
    reset : bool, default=True
        Whether the estimator is being fitted.

    Returns
    -------
    cube : Cube
        The same object if X is a Cube, a view of X if it is a native float array.

    Raises
    ------
    ValueError
        If X has another number of axes or bands than wanted, no pixels, or infinite
        values.
    """
    name = "The cube" if estimator is None else type(estimator).__name__
    cube = X if isinstance(X, Cube) else _as_cube(X, name)
    if 0 in cube.shape:
        raise ValueError(f"{name} got an empty cube of shape {cube.shape}.")
    if estimator is not None:
        if reset:
            estimator.n_features_in_ = cube.shape[2]
        elif cube.shape[2] != estimator.n_features_in_:
            raise ValueError(
                f"X has {cube.shape[2]} bands, but {name} was fitted on "
                f"{estimator.n_features_in_} bands."
            )
    if any(np.isinf(cube.data[rows]).any() for rows in row_blocks(cube.shape)):
        _refuse_infinity(cube)
    return cube


def _as_cube(X, name):
    """Return an array as a cube, saying what to do with what is none."""
    parts = X if isinstance(X, list | tuple) else [X]
    for part in parts:
        if isinstance(part, str | os.PathLike):
            raise ValueError(
                f"{name} takes a cube, got the path {os.fspath(part)!r}. Read it with "
                "skesom.io.read_cube."
            )
    if any(isinstance(part, Cube) for part in parts):
        raise ValueError(
            f"{name} takes one cube, got a list of {len(X)}. If these are images on "
            "several grids: CubeAligner().fit_transform(cubes)."
        )
    return Cube(X)


def _refuse_infinity(cube):
    """Say where a cube is infinite."""
    for band, band_name in enumerate(cube.band_names):
        infinite = np.isinf(cube.data[:, :, band])
        if infinite.any():
            row, column = np.argwhere(infinite)[0]
            raise ValueError(
                f"Band {band_name!r} holds {np.count_nonzero(infinite)} infinite "
                f"values, the first at row {row}, column {column}. Replace them by "
                "NaN, which marks masked pixels."
            )

# SPDX-License-Identifier: BSD-3-Clause
"""The base class of the transformers of cubes, and the checks of their input."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skesom._common.decorators import fit_context
from skesom._common.estimator import LinkedEstimator, as_fitted, keep_parameters
from skesom._common.strips import strips_of
from skesom._common.texts import list_names
from skesom._types import CubeLike
from skesom.cube._container import Cube
from skesom.cube.bands import all_band_names, same_bands
from skesom.cube.convert import as_cube, find_converter

if TYPE_CHECKING:
    CubeT = TypeVar("CubeT", Cube, list[Cube], NDArray[Any])

# The names that dask has for lazy data begin so, once they are checked for infinities.
_CHECKED_NAME = "skesom-finite"


class CubeInput:
    """Mixin of estimators that take cubes: the tags of their input."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags


class CubeStep(CubeInput, TransformerMixin, LinkedEstimator):
    """Base of the steps that take cubes: a subclass defines `_fit`, `_transform`."""

    _parameter_constraints = {}  # a transformer of a user needs none

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: CubeLike, y: object = None) -> Self:
        """Measure in a cube what `transform` needs.

        Parameters
        ----------
        X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
            NaN marks masked pixels. Or an image of another library, as `read_cube`
            takes it, but files. A list only where the class takes it.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted transformer.

        Examples
        --------
        >>> from skesom.cube import ColorScaler
        >>> from skesom.datasets import make_galaxy_cube
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> ColorScaler().fit(cube).n_features_in_
        9
        """
        self._fit(X)
        keep_parameters(self)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: CubeLike, y: object = None) -> Any:
        """Fit to a cube and transform it.

        Parameters
        ----------
        X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
            As for `fit`.
        y : None
            Ignored.

        Returns
        -------
        transformed : Cube, ndarray or list of Cube
            What `transform` gives for the same cube.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.cube import AsinhStretch
        >>> flux = np.random.default_rng(0).normal(100, 2, (64, 64, 3))
        >>> AsinhStretch().fit_transform(flux).shape
        (64, 64, 3)
        """
        transformed = self._fit_transform(X)
        keep_parameters(self)
        return transformed

    def transform(self, X: CubeLike) -> Any:
        """Transform a cube by what was measured in the fitted one.

        Parameters
        ----------
        X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
            As for `fit`, with the same bands in the same order; bands without names
            (of arrays) are taken as they come.

        Returns
        -------
        transformed : Cube, ndarray or list of Cube
            An array for an array, else a Cube, in the float type of X, with NaN in
            masked pixels and errors propagated; or the table of a flattener.

        Examples
        --------
        >>> from skesom.cube import AsinhStretch
        >>> from skesom.datasets import make_galaxy_cube
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> stretch = AsinhStretch().fit(cube)
        >>> stretch.transform(cube[:10]).shape
        (10, 40, 9)
        """
        check_is_fitted(self)
        return as_fitted(self)._transform(X)

    def _fit_transform(self, X):
        """Fit and transform, in one go in a class that can save work so."""
        return self.fit(X).transform(X)


class CubeTransformer(CubeStep):
    """Base of the transformers that take a cube and give the same kind of cube.

    A transformer of your own overrides `fit` and `transform`, and sets the two class
    attributes where they are true; False is right for any transformer.

    Attributes
    ----------
    keeps_flux : bool
        Whether what comes out is a flux, as what went in was. Reports show the fluxes
        of the last step of a pipeline up to which all do.
    works_pixelwise : bool
        Whether `transform` makes each pixel from the bands of that pixel alone. Reports
        apply such steps strip by strip.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.cube import Cube, CubeTransformer
    >>> class Logarithm(CubeTransformer):
    ...     works_pixelwise = True
    ...
    ...     def fit(self, X, y=None):
    ...         return self
    ...
    ...     def transform(self, X):
    ...         return X.replace(data=np.log10(X.data))
    >>> Logarithm().fit_transform(Cube(np.full((2, 2, 1), 100.0))).data[0, 0]
    array([2.])
    """

    keeps_flux = False
    works_pixelwise = False

    if TYPE_CHECKING:  # what goes in comes out

        @overload
        def fit_transform(self, X: CubeT, y: object = None) -> CubeT: ...
        @overload
        def fit_transform(self, X: CubeLike, y: object = None) -> Any: ...
        def fit_transform(self, X: Any, y: object = None) -> Any: ...  # noqa: D102
        @overload
        def transform(self, X: CubeT) -> CubeT: ...
        @overload
        def transform(self, X: CubeLike) -> Any: ...
        def transform(self, X: Any) -> Any: ...  # noqa: D102

    def set_output(self, *, transform: str | None = None) -> Self:
        """Return the transformer unchanged: a cube has no table form.

        Parameters
        ----------
        transform : str, default=None
            Ignored.

        Returns
        -------
        self : object
            The transformer.

        Examples
        --------
        >>> from skesom.cube import AsinhStretch
        >>> AsinhStretch().set_output(transform="pandas")
        AsinhStretch()
        """
        return self

    def _transform(self, X):
        """Transform one cube by the `_apply` of a subclass."""
        cube = self._check_cube(X, reset=False)
        return self._like_input(X, self._apply(cube))

    def _check_cube(self, X, *, reset):
        if not reset:
            check_is_fitted(self)
        return check_cube(X, estimator=self, reset=reset)

    @staticmethod
    def _like_input(X, cube):
        """Return the cube, or its array if X was an array."""
        if is_cube_list(X) or is_described(X):
            return cube
        return cube.data

    @classmethod
    def _like_inputs(cls, X, cubes):
        """Return the cubes in the form of X: a list, one Cube, or an array."""
        return cubes if is_cube_list(X) else cls._like_input(X, cubes[0])


def check_cube(X, *, estimator=None, reset=True):
    """Return X as a `Cube`; the estimator stores or compares the names of its bands."""
    name = "The cube" if estimator is None else type(estimator).__name__
    entries = X if isinstance(X, list | tuple) else [X]
    for entry in entries:
        if isinstance(entry, str | os.PathLike):
            raise ValueError(
                f"{name} takes a cube, got the path {os.fspath(entry)!r}. Read it with "
                "skesom.io.read_cube."
            )
    cube = as_cube(X)
    if 0 in cube.shape:
        raise ValueError(f"{name} got an empty cube of shape {cube.shape}.")
    if estimator is not None:
        _check_bands(cube.band_names, estimator, reset)
    if cube.is_lazy:
        return _check_when_computed(cube)
    if cube._without_infinities is not cube.data:
        for rows in strips_of(cube.shape, "block"):
            if np.isinf(cube.data[rows]).any():
                # Of all rows, to say how many infinite values there are.
                _refuse_infinity(cube.data, cube.band_names)
        cube._without_infinities = cube.data
    return cube


def _check_when_computed(cube):
    """Return a lazy cube that refuses infinite values when it is computed.

    The name of its dask array tells that it does, so that the steps of a pipeline add
    one check and not one each.
    """
    if cube.data.name.startswith(_CHECKED_NAME):
        return cube
    from dask.base import tokenize

    data = cube.data.map_blocks(
        _check_strip,
        cube.band_names,
        dtype=cube.dtype,
        meta=cube.data._meta,
        name=f"{_CHECKED_NAME}-{tokenize(cube.data.name, cube.band_names)}",
    )
    return cube.replace(data=data, errors=cube.errors)


def _check_strip(data, names, block_info):
    """Return a strip; raise the error that names an infinite value in it."""
    if np.isinf(data).any():
        rows, *_ = block_info[0]["array-location"]
        first_row, _ = rows
        _refuse_infinity(data, names, first_row)
    return data


def _check_bands(names, estimator, reset):
    """Store the names of the bands in the estimator, or compare them."""
    name = type(estimator).__name__
    if reset:
        estimator.n_features_in_ = len(names)
        estimator.feature_names_in_ = np.array(names, dtype=object)
    elif len(names) != estimator.n_features_in_:
        raise ValueError(
            f"X has {len(names)} bands, but {name} was fitted on "
            f"{estimator.n_features_in_} bands."
        )
    fitted_names = list(estimator.feature_names_in_)
    if not same_bands(names, fitted_names):
        raise ValueError(
            f"X has the bands {list_names(names)}, but {name} was fitted on "
            f"{list_names(fitted_names)}, in this order. Pick and sort bands as in "
            "cube[['r', 'i']]; if only their names differ, rename them with "
            "Cube.replace(band_names=...)."
        )


def _refuse_infinity(data, names, first_row=0):
    """Raise the error that names the band and pixel of an infinite value."""
    for band, name in enumerate(names):
        places = np.argwhere(np.isinf(data[:, :, band]))
        if len(places):
            row, column = places[0]
            raise ValueError(
                f"Band {name!r} holds {len(places)} infinite values, the first at "
                f"row {row + first_row}, column {column}. Replace them by NaN."
            )


def is_cube_list(X):
    """Return whether X is a list (or tuple) of cubes instead of one cube."""
    if not isinstance(X, list | tuple) or len(X) == 0:
        return False
    # A list of HDUs is one image.
    return find_converter(X) is None and is_described(X[0])


def is_described(X):
    """Return whether X is a cube or converted to one, not an array."""
    return isinstance(X, Cube) or find_converter(X) is not None


def check_cubes(X, estimator, *, reset):
    """Return X as a list of cubes after checking each of them."""
    expectation = f"{type(estimator).__name__} takes a cube or a list of cubes"
    if isinstance(X, list | tuple) and len(X) == 0:
        raise ValueError(f"{expectation}, got an empty list.")
    if not is_cube_list(X):
        return [check_cube(X, estimator=estimator, reset=reset)]
    for number, entry in enumerate(X):
        if not is_described(entry):
            kind = type(entry).__name__
            raise ValueError(f"{expectation}, but entry {number} is a {kind}.")
    cubes = [check_cube(entry) for entry in X]
    names = all_band_names(cubes)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(
            f"Several bands are named {', '.join(map(repr, repeated))}. Rename them "
            "with Cube.replace(band_names=...), or read_cube(images, band_names=...)."
        )
    _check_bands(names, estimator, reset)
    return cubes

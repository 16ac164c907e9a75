# SPDX-License-Identifier: BSD-3-Clause
"""From a cube to a table of its valid pixels, and from rows back to the sky."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skesom._common.estimator import by_fit
from skesom._common.labels import MASKED, SKY, mark_sky
from skesom._common.lazy import in_memory, is_lazy
from skesom._common.lazy_strips import join_strips, strips_of_chunks
from skesom._common.masked import filled
from skesom._common.strips import strips_of
from skesom._common.thread_pools import in_threads
from skesom._types import CubeLike
from skesom.cube.base import CubeStep, check_cube
from skesom.cube.valid_pixels import find_valid

if TYPE_CHECKING:
    from skesom.cube import Cube


def flatten(
    cube: CubeLike,
    *,
    pattern: Literal["pixel", "voxel"] = "pixel",
    min_bands: int | None = None,
    copy: bool = True,
    n_jobs: int | None = None,
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Make a table of the valid pixels of a cube.

    Parameters
    ----------
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands)
        NaN marks masked pixels.
    pattern : {"pixel", "voxel"}, default="pixel"
        A row for the spectrum of each pixel, or a row for each single flux.
    min_bands : int, default=None
        Bands that must be there for a pixel to be valid; all by default. With fewer,
        the table holds NaN. Not for the pattern "voxel".
    copy : bool, default=True
        False moves the valid pixels together in the memory of the cube, which is lost.
    n_jobs : int, default=None
        Number of threads.

    Returns
    -------
    table : ndarray of shape (n_valid, n_bands) or (n_valid, 1)
        The valid pixels in raster order, C-contiguous, of the dtype of the cube. A view
        of the cube if all pixels are valid. Of a lazy cube an array of dask, in chunks
        that are the valid pixels of the strips.
    valid : ndarray of bool
        Shape (n_rows, n_columns), or (n_rows, n_columns, n_bands) for voxels. In memory
        also of a lazy cube, which is computed for it.

    Raises
    ------
    ValueError
        If no pixel is valid, or `min_bands` exceeds the number of bands or is given for
        voxels.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.pixels import flatten, unflatten
    >>> cube = np.arange(12.0).reshape(2, 2, 3)
    >>> cube[0, 1, 2] = np.nan
    >>> table, valid = flatten(cube)
    >>> table.shape, int(valid.sum())
    ((3, 3), 3)
    >>> unflatten(np.array([0, 1, 1]), valid)
    array([[ 0, -3],
           [ 1,  1]], dtype=int32)
    """
    cube = check_cube(cube)
    valid = some_valid(cube, pattern, min_bands, n_jobs)
    return table_of(cube, valid, copy, n_jobs), valid


def table_of(cube, valid, copy=True, n_jobs=None):
    """Return the table of the valid pixels or voxels of a cube, as `flatten`."""
    if valid.all() and not cube.is_lazy:
        width = cube.shape[2] if valid.ndim == 2 else 1
        return np.ascontiguousarray(cube.data).reshape(-1, width)
    return pick(cube.data, valid, copy, n_jobs)


def pick(data, valid, copy=True, n_jobs=None):
    """Return the valid pixels or voxels of fluxes or errors, one in a row."""
    width = data.shape[2] if valid.ndim == 2 else 1
    if is_lazy(data):
        return _pick_lazily(data, valid, width)
    blocks = strips_of(data.shape, "block")
    ends = np.cumsum([np.count_nonzero(valid[rows]) for rows in blocks])
    in_place = not copy and data.flags.carray
    if in_place:
        table = data.reshape(-1, width)[: ends[-1]]
    else:
        table = np.empty((ends[-1], width), data.dtype)

    def fill(number):
        rows = blocks[number]
        picked = np.compress(valid[rows].ravel(), data[rows].reshape(-1, width), axis=0)
        table[ends[number] - len(picked) : ends[number]] = picked

    # In place, a block may only move when those before it have left.
    in_threads(fill, range(len(blocks)), 1 if in_place else n_jobs)
    return table


def _pick_lazily(data, valid, width):
    """Return the table of a lazy cube, with a chunk for each strip that has a pixel."""
    from dask import delayed

    later = delayed(pick, pure=False)
    tables = []
    lengths = []
    for strip, rows in zip(data.blocks, strips_of_chunks(data), strict=True):
        n_valid = np.count_nonzero(valid[rows])
        if n_valid:
            tables.append(later(strip, valid[rows], n_jobs=1))
            lengths.append(n_valid)
    return join_strips(tables, lengths, (width,), data.dtype)


def valid_pixels(cube, pattern="pixel", min_bands=None, n_jobs=None):
    """Find the valid pixels or voxels of a cube that has been checked."""
    if pattern == "voxel":
        if min_bands is not None:
            raise ValueError(
                f"min_bands={min_bands} is about pixels with their bands, and a voxel "
                "is one flux: leave it out, or use pattern='pixel'."
            )
        return in_memory(~np.isnan(cube.data))
    return in_memory(find_valid(cube.data, min_bands, n_jobs))


def some_valid(cube, pattern, min_bands, n_jobs=None):
    """Find the valid pixels or voxels; a cube without any is an error."""
    valid = valid_pixels(cube, pattern, min_bands, n_jobs)
    if not valid.any():
        raise ValueError(
            f"All {cube.shape[0] * cube.shape[1]} pixels are masked: none has "
            f"{min_bands or cube.shape[2]} bands with data. Mask less, or let partly "
            "observed pixels through with min_bands."
        )
    return valid


def unflatten(values: ArrayLike, valid: NDArray[Any]) -> NDArray[Any]:
    """Put the rows of a table back to where their pixels are.

    Parameters
    ----------
    values : array-like of shape (n_valid,) or (n_valid, n_values)
        A label or numbers for each valid pixel, in raster order.
    valid : ndarray of bool or int
        As `flatten` returns it; or the row of each pixel, -3 where it is masked and -2
        for sky, as the segments of `SuperpixelFlattener`.

    Returns
    -------
    image : ndarray of shape valid.shape or valid.shape + (n_values,)
        Integers become int32, -3 or -2 without a row; floats keep their dtype, NaN
        without a row. Of lazy values an array of dask, in strips of rows: those of the
        cube, if the values have the chunks of its table.

    Raises
    ------
    ValueError
        If there is not one row for each valid pixel (or segment).

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.pixels import unflatten
    >>> unflatten(np.array([0.5, 0.7]), np.array([[True, False, True]]))
    array([[0.5, nan, 0.7]])
    """
    valid = np.asarray(filled(valid, False))
    if is_lazy(values) and valid.dtype == bool:
        return _unflatten_lazily(values, valid)
    values = _without_mask(values)
    is_sky = False
    if valid.dtype.kind in "iu":
        rows = valid
        is_sky = rows == SKY
        valid = rows >= 0
        _check_length(values, int(rows.max(initial=-1)) + 1, "segments")
        values = values[rows[valid]]
    _check_length(values, np.count_nonzero(valid), "valid pixels")
    shape = valid.shape + values.shape[1:]
    if values.dtype.kind in "iub":
        image = np.full(shape, MASKED, dtype=np.int32)
        image[is_sky] = SKY
    else:
        image = np.full(shape, np.nan, dtype=values.dtype)
    image[valid] = values
    return image


def _without_mask(values):
    """Return an array in which hidden labels are those of no data, and others NaN."""
    if np.asanyarray(values).dtype.kind in "iub":
        return np.asarray(filled(values, MASKED))
    return np.asarray(filled(values, np.nan))


def _unflatten_lazily(values, valid):
    """Return the strips of an image in which the chunks of values end."""
    from dask import delayed

    n_values = values.shape[0]
    if np.isnan(n_values):
        raise ValueError(
            f"The values have chunks of unknown length, but {np.count_nonzero(valid)} "
            "pixels are valid. Call their method .compute_chunk_sizes() before."
        )
    before = np.cumsum([0] + [np.count_nonzero(row) for row in valid])
    _check_length(values, before[-1], "valid pixels")
    # Rows of the image at which strips begin and end.
    edges = np.searchsorted(before, np.cumsum(values.chunks[0]))
    edges = np.unique([0, *edges[:-1], len(valid)])
    lengths = tuple(np.diff(before[edges]).tolist())
    values = values.rechunk((lengths, *values.shape[1:]))
    dtype = np.int32 if values.dtype.kind in "iub" else values.dtype
    # Not optimized one by one: labels and agreement come from the same votes.
    chunks = values.to_delayed(optimize_graph=False).ravel()
    fill = delayed(unflatten, pure=False)
    strips = []
    for chunk, start, stop in zip(chunks, edges[:-1], edges[1:], strict=True):
        strips.append(fill(chunk, valid[start:stop]))
    shape = (*valid.shape[1:], *values.shape[1:])
    return join_strips(strips, np.diff(edges).tolist(), shape, dtype)


def _check_length(values, n_rows, things):
    if len(values) != n_rows:
        raise ValueError(f"Got {len(values)} rows for {n_rows} {things}.")


class Flattener(CubeStep):
    """Base of the steps at which a cube becomes a table; `_fit` returns the table."""

    if TYPE_CHECKING:

        def fit_transform(  # noqa: D102
            self, X: CubeLike, y: object = None
        ) -> NDArray[Any]: ...
        def transform(self, X: CubeLike) -> NDArray[Any]: ...  # noqa: D102

    def _fit_transform(self, X):
        return self._fit(X)

    @by_fit
    def inverse_transform(self, X: ArrayLike) -> NDArray[Any]:
        """Put the rows of the table back to the pixels of the fitted cube.

        Parameters
        ----------
        X : array-like of shape (n_samples,) or (n_samples, n_values)
            Labels or numbers, one row for each valid pixel (or superpixel).

        Returns
        -------
        image : ndarray of shape (n_rows, n_columns) or (n_rows, n_columns, n_values)
            NaN, or label -3, where a pixel is masked; label -2 for sky that was set
            aside. A column of fluxes of voxels becomes the spectra.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.pixels import CubeFlattener
        >>> flattener = CubeFlattener().fit([[[1.0], [np.nan], [3.0]]])
        >>> flattener.inverse_transform(np.array([0, 1]))
        array([[ 0, -3,  1]], dtype=int32)
        """
        check_is_fitted(self)
        return self._inverse_transform(X)

    @by_fit
    def get_feature_names_out(
        self, input_features: object = None
    ) -> NDArray[np.object_]:
        """Return the names of the columns.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of str
            The bands, or "flux" for the voxel pattern.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.cube import Cube
        >>> from skesom.pixels import CubeFlattener
        >>> cube = Cube(np.zeros((4, 5, 2)), band_names=["r", "i"])
        >>> CubeFlattener().fit(cube).get_feature_names_out().tolist()
        ['r', 'i']
        """
        check_is_fitted(self)
        is_voxel = getattr(self, "pattern", "pixel") == "voxel"
        return np.asarray(["flux"] if is_voxel else self.band_names_, dtype=object)


class CubeFlattener(Flattener):
    """Turn a cube into the table of its valid pixels: the step that changes rows.

    Parameters
    ----------
    pattern : {"pixel", "voxel"}, default="pixel"
        A row for the spectrum of each pixel, or a row for each single flux.
    min_bands : int, default=None
        Bands that must be there for a pixel to be valid; all by default.
    copy : bool, default=True
        False moves the valid pixels together in the memory of the cube, which is lost.
    n_jobs : int, default=None
        Number of threads.

    Attributes
    ----------
    valid_ : ndarray of bool
        The valid pixels of the fitted cube, as from `flatten`.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the bands seen during fit.
    band_names_ : tuple of str
        Names of the bands seen during fit.
    sky_mask_ : ndarray of bool of shape (n_rows, n_columns) or None
        Pixels of the fitted cube that were set aside as sky, None if none were.

    Raises
    ------
    ValueError
        If no pixel is valid, or the number of bands differs from the fitted one.

    See Also
    --------
    skesom.maps.CubeClusterer : Cube in, label map out.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.pipeline import make_pipeline
    >>> from skesom.pixels import CubeFlattener
    >>> cube = np.random.default_rng(0).normal(size=(8, 9, 3))
    >>> pipeline = make_pipeline(CubeFlattener(), KMeans(2, random_state=0))
    >>> labels = pipeline.fit_predict(cube)
    >>> pipeline[0].inverse_transform(labels).shape
    (8, 9)
    """

    _parameter_constraints = {
        "pattern": [StrOptions({"pixel", "voxel"})],
        "min_bands": [Interval(Integral, 1, None, closed="left"), None],
        "copy": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        pattern: Literal["pixel", "voxel"] = "pixel",
        *,
        min_bands: int | None = None,
        copy: bool = True,
        n_jobs: int | None = None,
    ) -> None:
        self.pattern = pattern
        self.min_bands = min_bands
        self.copy = copy
        self.n_jobs = n_jobs

    @by_fit
    def errors(self, X: Cube) -> NDArray[Any]:
        """Return the errors of the valid pixels of a cube.

        Parameters
        ----------
        X : Cube of shape (n_rows, n_columns, n_bands)
            A cube with errors.

        Returns
        -------
        errors : ndarray of shape (n_valid, n_bands) or (n_valid, 1)
            Standard deviations, in the rows of the table from `transform`.

        Raises
        ------
        ValueError
            If the cube has no errors or no valid pixel.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.cube import Cube
        >>> from skesom.pixels import CubeFlattener
        >>> cube = Cube(np.zeros((4, 5, 2)), errors=np.ones((4, 5, 2)))
        >>> CubeFlattener().fit(cube).errors(cube).shape
        (20, 2)
        """
        check_is_fitted(self)
        cube = check_cube(X, estimator=self, reset=False)
        if cube.errors is None:
            raise ValueError("The cube has no errors: give a Cube with errors=...")
        valid = some_valid(cube, self.pattern, self.min_bands, self.n_jobs)
        return pick(cube.errors, valid)

    def _transform(self, X):
        cube = check_cube(X, estimator=self, reset=False)
        return flatten(cube, **self.get_params())[0]

    def _inverse_transform(self, X):
        X = X if is_lazy(X) else _without_mask(X)
        if self.pattern == "voxel" and X.ndim == 2 and X.shape[1] == 1:
            X = X[:, 0]
        return mark_sky(unflatten(X, self.valid_), self.sky_mask_)

    def _fit(self, X):
        cube = check_cube(X, estimator=self, reset=True)
        table, self.valid_ = flatten(cube, **self.get_params())
        self.band_names_ = cube.band_names
        self.sky_mask_ = cube.sky_mask
        return table

# SPDX-License-Identifier: BSD-3-Clause
"""The step that writes a lazy cube to the disk, so that it is computed only once."""

from __future__ import annotations

import os

from skesom._common.lazy import is_lazy
from skesom._common.row_files import stored
from skesom._types import StrPath
from skesom.cube.base import CubeTransformer


class CubeStore(CubeTransformer):
    """Write a lazy cube to the disk once and pass on the cube that is read from there.

    The steps after it read their strips of rows from the disk, whenever they need them
    (to fit, to transform, for each estimator), instead of repeating the steps before
    it. Values are the same. A cube in memory is passed on as it is.

    Parameters
    ----------
    folder : str or os.PathLike, default=None
        Where the files go, which must exist; by default the folder of the system for
        temporary files. All workers of a cluster must find it there. Files are as large
        as data, errors and sky mask in memory, and are removed when both the
        transformer and all cubes that come from it are gone.

    Attributes
    ----------
    n_features_in_ : int
        Number of bands of the fitted cube.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of its bands.
    cube_ : Cube
        What was passed on of the fitted cube, if that is lazy; not in copies.

    Raises
    ------
    OSError
        If the folder does not exist or the disk is full.

    Examples
    --------
    >>> import dask.array as da
    >>> from skesom.cube import Cube, CubeStore
    >>> cube = Cube(da.ones((4, 5, 2), chunks=(2, 5, 2)))
    >>> kept = CubeStore().fit_transform(cube)
    >>> kept.is_lazy, float(kept["band 2"].sum())
    (True, 20.0)
    """

    keeps_flux = True
    works_pixelwise = True
    _parameter_constraints = {"folder": [str, os.PathLike, None]}

    def __init__(self, folder: StrPath | None = None) -> None:
        self.folder = folder

    def _fit(self, X):
        self._check_cube(X, reset=True)
        vars(self).pop("cube_", None)

    def _fit_transform(self, X):
        transformed = super()._fit_transform(X)
        # Of an array of NumPy or dask an array comes out, which is not kept.
        if getattr(transformed, "is_lazy", False):
            self.cube_ = transformed
        return transformed

    def _apply(self, cube):
        if not cube.is_lazy:
            return cube
        lazy_arrays = {}
        for name in ("data", "errors", "sky_mask"):
            array = getattr(cube, name)
            if is_lazy(array):
                lazy_arrays[name] = array
        # dask names an array by the way it is computed: one of the same name has the
        # same values, and is on the disk already.
        dask_names = [array.name for array in lazy_arrays.values()]
        if getattr(self, "_names_on_disk", None) != dask_names:
            self._arrays_on_disk = stored(lazy_arrays.values(), self.folder)
            self._names_on_disk = dask_names
        changes = dict(zip(lazy_arrays, self._arrays_on_disk, strict=True))
        return cube.replace(**changes)

    def __getstate__(self):
        """Leave out the files, which belong to this process."""
        state = dict(super().__getstate__())
        for name in ("cube_", "_arrays_on_disk", "_names_on_disk"):
            state.pop(name, None)
        return state

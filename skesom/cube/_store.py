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
        passed_on = super()._fit_transform(X)
        if getattr(passed_on, "is_lazy", False):
            self.cube_ = passed_on
        return passed_on

    def _apply(self, cube):
        if not cube.is_lazy:
            return cube
        parts = ("data", "errors", "sky_mask")
        lazy = {p: getattr(cube, p) for p in parts if is_lazy(getattr(cube, p))}
        key = tuple(array.name for array in lazy.values())
        if getattr(self, "_kept", (None,))[0] != key:
            self._kept = key, stored(lazy.values(), self.folder)
        changes = dict(zip(lazy, self._kept[1], strict=True))
        return cube.replace(**changes)

    def __getstate__(self):
        """Leave out the files, which belong to this process."""
        own = "_kept", "cube_"
        return {k: v for k, v in super().__getstate__().items() if k not in own}

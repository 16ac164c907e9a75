# SPDX-License-Identifier: BSD-3-Clause
"""Cubes and maps as groups of Zarr, which are read and written in strips of rows."""

from __future__ import annotations

import os
import shutil
import uuid
import zlib
from pathlib import Path

from skesom._common.extras import import_extra
from skesom._common.fits_files import file_stamp
from skesom._common.new_files import UNFINISHED, check_parent, exchange_folders
from skesom._common.row_files import as_lazy
from skesom._common.strips import strip_height
from skesom._types import CubeLike, StrPath
from skesom.cube.convert import as_cube
from skesom.cube.description import read_description, write_description

_DESCRIPTION, _LABELS = "skesom", "labels"


def is_zarr(path):
    """Return whether something is the path of a group of Zarr."""
    return isinstance(path, str | os.PathLike) and Path(path).suffix == ".zarr"


def write_cube(path: StrPath, cube: CubeLike, *, overwrite: bool = False) -> None:
    """Write a cube with all its parts as a group of Zarr, for `read_cube`.

    Strips of rows are compressed one by one. A lazy cube is computed once, and takes
    the memory of a few strips.

    Parameters
    ----------
    path : str or os.PathLike
        The folder to write, whose name ends in ``.zarr``.
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands)
        The cube.
    overwrite : bool, default=False
        Whether an existing group may be replaced.

    Raises
    ------
    FileExistsError
        If the folder exists and `overwrite` is False, or it is no group of Zarr.
    ImportError
        If zarr, xarray or dask is missing (extra ``zarr``).
    ValueError
        If the name does not end in ``.zarr``, or the WCS has lookup tables.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skesom.cube import Cube
    >>> from skesom.io import read_cube, write_cube
    >>> cube = Cube(np.ones((4, 5, 2)), band_names=["r", "u"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_cube(f"{folder}/cube.zarr", cube)
    ...     read_cube(f"{folder}/cube.zarr")
    <Cube 4 x 5 pixels, 2 bands (r, u), float32, no WCS>
    """
    _import_xarray()
    if not is_zarr(path):
        raise ValueError(f"{path} must end in '.zarr'. write_bands writes FITS files.")
    # Names are in the description; Zarr has no common format of text yet.
    _write(path, as_cube(cube).to_xarray().drop_vars("band"), overwrite)


def write_labels(path, labels, wcs, *, overwrite):
    """Write a checked label map as a group of Zarr."""
    attributes = {_DESCRIPTION: write_description(wcs)}
    axes = ("y", "x", "band")[: labels.ndim]
    array = _import_xarray().DataArray(labels, None, axes, _LABELS, attributes)
    _write(path, array, overwrite)


def read_labels(path):
    """Return the label map of a group, as an array of dask, and its WCS or None."""
    array = read_zarr(path)
    is_integer = array.dtype.kind in "iu"
    if array.name != _LABELS or not is_integer or array.ndim not in (2, 3):
        raise ValueError(f"{path} is not a label map: not plain integers.")
    try:
        known = read_description(array.attrs[_DESCRIPTION], str(path))
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no whole label map ({error!r}).") from error
    return array.data, known.get("wcs")


def _write(path, array, overwrite):
    """Write a DataArray as a group that appears as a whole or not at all."""
    path = Path(path)
    is_there = os.path.lexists(path)
    if is_there and not (overwrite and (path / "zarr.json").is_file()):
        raise FileExistsError(
            f"{path} exists already. Choose another name, or allow to overwrite it, if "
            "it is a group of Zarr."
        )
    check_parent(path)
    height = min(strip_height(array.shape), len(array))
    names = (f"{UNFINISHED}{uuid.uuid4().hex[:8]}.zarr" for _ in range(2))
    new, old = map(path.with_name, names)
    try:
        chunks = {**dict.fromkeys(array.dims, -1), "y": height}
        array.chunk(chunks).to_zarr(new, "w-", zarr_format=3, consolidated=False)
        exchange_folders(path, new, old)
        # Of a link, what it points to is not ours.
        old.unlink() if old.is_symlink() else shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def read_zarr(path):
    """Return the DataArray of a group, with arrays of dask."""
    # Groups of older formats than 3 may hold compressors that run code.
    xarray = _import_xarray()
    parts = [Path(path), *Path(path).rglob("*")]
    odd = [part for part in parts if not (part.is_file() or part.is_dir())]
    if odd:  # a pipe would block, and addresses lead to other computers
        raise OSError(f"{path} is no readable group of Zarr 3 ({odd[0]} is no file).")
    try:
        array = xarray.open_dataarray(
            path,
            engine="zarr",
            chunks=None,
            cache=False,
            decode_times=False,
            zarr_format=3,
            consolidated=False,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OSError(f"{path} is no readable group of Zarr 3 ({error}).") from error
    file = os.path.abspath(Path(path) / "zarr.json")
    stamp = file_stamp(file)
    for part in (array, *array.coords.values()):
        if part.ndim > 1:
            stored = _Stored(part.variable.copy(deep=False), file, stamp)
            part.data = as_lazy(stored, part.encoding["chunks"])
    return array


class _Stored:
    """An array of a group, of which dask reads strips of rows."""

    def __init__(self, variable, file, stamp):
        self._variable, self._file, self._stamp = variable, file, stamp
        self.shape, self.ndim = variable.shape, variable.ndim
        self.dtype = variable.dtype

    def __getitem__(self, key):
        block = problem = None
        try:
            block = self._variable[key].values
        except (OSError, RuntimeError, ValueError, zlib.error) as error:
            problem = error
        # Of what is gone, Zarr gives NaN.
        folder = os.path.dirname(self._file)
        if not os.path.exists(self._file) or file_stamp(self._file) != self._stamp:
            raise OSError(f"{folder} was changed or removed after it was opened.")
        if problem is not None:
            raise OSError(f"{folder} is damaged ({problem}).") from problem
        return block


def _import_xarray():
    """Return xarray if it can read Zarr, or name the extra."""
    text = "Groups of Zarr need more packages: pip install 'skesom[zarr]'."
    return [import_extra(name, text) for name in ("dask.array", "zarr", "xarray")][-1]

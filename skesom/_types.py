# SPDX-License-Identifier: BSD-3-Clause
"""Types of signatures: what texts name loads for checkers of types only."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import astropy
    import matplotlib
    import pandas
    import xarray


class ImageHDU(Protocol):
    """An image of a FITS file, by its parts: astropy has no types."""

    data: Any
    header: Any


class SupportsArray(Protocol):
    """What NumPy takes as an array: a Cube, NDData, dask, xarray, ..."""

    def __array__(self) -> NDArray[Any]:
        """Return the array."""


Axes: TypeAlias = "matplotlib.axes.Axes"
BaseInterval: TypeAlias = "astropy.visualization.BaseInterval"
Colormap: TypeAlias = "matplotlib.colors.Colormap"
DataArray: TypeAlias = "xarray.DataArray"
DataFrame: TypeAlias = "pandas.DataFrame"
Figure: TypeAlias = "matplotlib.figure.Figure"
Header: TypeAlias = "astropy.io.fits.Header"
Quantity: TypeAlias = "astropy.units.Quantity"
Table: TypeAlias = "astropy.table.Table"
WCS: TypeAlias = "astropy.wcs.WCS"

Bands: TypeAlias = Sequence[int | str]
Catalog: TypeAlias = "str | os.PathLike[str] | Table | Sequence[Any]"
ClusterGroups: TypeAlias = Sequence[tuple[Any, ...]]
# No str, as in ArrayLike: the path of a file is no image.
CubeLike: TypeAlias = SupportsArray | ImageHDU | list[Any] | tuple[Any, ...]
Errors: TypeAlias = ArrayLike | None
Extension: TypeAlias = int | str | tuple[str, int]
Names: TypeAlias = Mapping[int, str] | Sequence[str]
RandomState: TypeAlias = int | np.random.RandomState | None
StrPath: TypeAlias = str | os.PathLike[str]

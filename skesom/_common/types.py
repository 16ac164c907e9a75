# SPDX-License-Identifier: BSD-3-Clause
"""Types of signatures; only checkers of types import this module."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from skesom.cube import Cube
from skesom.displays._unit_layout import GraphLayout, LatticeLayout


class ImageHDU(Protocol):
    """An image of a FITS file, by its parts: astropy has no types."""

    data: Any
    header: Any


class SupportsArray(Protocol):
    """What NumPy takes as an array: a Cube, NDData, dask, xarray, ..."""

    def __array__(self) -> NDArray[Any]:
        """Return the array."""


Bands: TypeAlias = Sequence[int | str]
Catalog: TypeAlias = str | os.PathLike[str] | Table | Sequence[Any]
ClusterGroups: TypeAlias = Sequence[tuple[Any, ...]]
# No str, as in ArrayLike: the path of a file is no image.
CubeLike: TypeAlias = Cube | SupportsArray | ImageHDU | list[Any] | tuple[Any, ...]
CubeT = TypeVar("CubeT", Cube, list[Cube], NDArray[Any])
Extension: TypeAlias = int | str | tuple[str, int]
Layout: TypeAlias = LatticeLayout | GraphLayout
Names: TypeAlias = Mapping[int, str] | Sequence[str]
RandomState: TypeAlias = int | np.random.RandomState | None
StrPath: TypeAlias = str | os.PathLike[str]

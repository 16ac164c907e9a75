# SPDX-License-Identifier: BSD-3-Clause
"""One image of a file or in memory: its grid, its bands, errors and masks."""

import os
import re
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.io import fits
from astropy.nddata import NDData
from astropy.wcs import WCS

from skesom._common.grids import Grid
from skesom.cube import Cube
from skesom.io import _world_axes
from skesom.io._fits_files import find_images, name_hdu, open_fits, split_path
from skesom.io._header_cards import read_band_coordinates, read_bands, read_unit
from skesom.io._planes import ERROR_POWERS, Plane, find_beside, open_pixels, order_axes

_ROW_NAMES = frozenset("y row rows lat latitude dec".split())
_COLUMN_NAMES = frozenset("x column columns lon longitude ra".split())
_FITS_SUFFIX = re.compile(r"(\.(fits?|fts|fz|gz|bz2|xz|Z))+$", re.IGNORECASE)
# Names of extensions that do not name a band.
_COMMON_NAMES = ("", "PRIMARY", "SCI", "IMAGE", "DATA", "COMPRESSED_IMAGE")


class Image(NamedTuple):
    """One image, with a list for each property of its bands; pixels are read later."""

    label: str  # in messages
    open: Callable  # context manager of the array of rows, columns and perhaps bands
    grid: Grid
    band_names: list  # None where nothing names a band
    band_units: list
    fwhm: np.ndarray  # in arcsec, NaN where unknown
    zero_points: np.ndarray  # AB magnitude of a value of 1, NaN where unknown
    diffraction_fwhm: np.ndarray  # in arcsec, NaN where unknown
    band_coordinates: units.Quantity | None = None
    place: tuple | None = None  # path and HDU number, None in memory
    shape: tuple = ()  # of the array in the file
    axes: tuple = ()  # of that array along rows, columns and, if there is one, bands
    planes: tuple = ()
    stem: str | None = None  # name of the file, or of one of several extensions

    @property
    def n_bands(self):
        """Return the number of bands."""
        return len(self.band_units)


def describe_file(path, hdu=None, beside=None, error_kind=None):
    """Return the images of a file, with the planes beside each of them."""
    file, bracket = split_path(os.fspath(path))
    images, headers = [], []
    with open_fits(file) as hdus:
        numbers = find_images(hdus, hdu if bracket is None else bracket, file)
        chosen = bracket is not None or len(numbers) > 1
        for number in numbers:
            image = _describe_hdu(hdus, number, file, chosen)
            planes = (
                find_beside(hdus, image, *one, error_kind)
                for one in (beside or {}).items()
            )
            images.append(image._replace(planes=tuple(filter(None, planes))))
            headers.append(hdus[number].header)
    for image, header in zip(images, headers, strict=True):
        _world_axes.warn_of_plate(header, image.grid.wcs, image.label)
    return images


def _describe_hdu(hdus, number, file, chosen):
    """Return the image of an HDU; a chosen one may be named by its extension."""
    hdu, label = hdus[number], name_hdu(file, number)
    headers = [hdu.header] if number == 0 else [hdu.header, hdus[0].header]
    world = _world_axes.read_world(hdu.header, hdus, label)
    grid, axes, coordinates = _world_axes.place_image(hdu.shape, world, label)
    n_bands = hdu.shape[axes[2]] if len(axes) == 3 else 1
    if coordinates is None and n_bands == 1:
        coordinates = read_band_coordinates(headers)
    stem = _FITS_SUFFIX.sub("", os.path.basename(file))
    stem = hdu.name if chosen and hdu.name not in _COMMON_NAMES else stem
    return Image(
        label=label,
        open=partial(open_pixels, file, number, axes),
        grid=grid,
        **read_bands(headers, n_bands, stem, read_unit(headers)),
        band_coordinates=coordinates,
        place=(os.path.realpath(file), number),
        shape=hdu.shape,
        axes=axes,
        stem=stem,
    )


def describe_array(array, label, beside=None, error_kind=None):
    """Return an image in memory, with its own errors and mask."""
    for role, wanted in (beside or {}).items():
        if wanted != "auto":
            raise ValueError(
                f"{label} is no file, with no HDU {wanted!r} for {role}. Give arrays."
            )
    if isinstance(array, Cube):
        return _describe_cube(array, label)
    if isinstance(array, NDData):
        return _describe_nddata(array, label, error_kind)
    if hasattr(array, "data_vars"):
        raise ValueError(f'{label} is a Dataset. Give dataset.to_dataarray("band").')
    if all(hasattr(array, name) for name in ("dims", "coords", "attrs", "values")):
        return _describe_xarray(array, label)
    unit = None
    if isinstance(array, units.Quantity):
        array, unit = array.value, array.unit
    return _make_image(array, label, unit=unit)


def _make_image(array, label, *, wcs=None, names=None, unit=None, **known):
    """Return the image of an array of rows, columns and perhaps bands."""
    if not isinstance(array, np.ma.MaskedArray):
        array = np.asarray(array)
    if array.ndim not in (2, 3) or array.dtype.kind not in "biuf" or 0 in array.shape:
        raise ValueError(
            f"{label} is no image: it must be real numbers in rows, columns and bands, "
            f"got {array.dtype} of shape {array.shape}."
        )
    n_bands = array.shape[2] if array.ndim == 3 else 1
    parts = {
        "label": label,
        "open": partial(nullcontext, array),
        "grid": Grid(wcs, array.shape[:2]),
        "band_names": names or [None] * n_bands,
        "band_units": [unit] * n_bands,
        "fwhm": np.full(n_bands, np.nan),
        "zero_points": np.full(n_bands, np.nan),
        "diffraction_fwhm": np.full(n_bands, np.nan),
        "shape": array.shape,
    }
    return Image(**(parts | known))


def _describe_cube(cube, label):
    """Return the image of a cube."""
    errors = Plane(f"the errors of {label}", "std", partial(nullcontext, cube.errors))
    return _make_image(
        cube.data,
        label,
        wcs=cube.wcs,
        names=list(cube.band_names),
        band_units=list(cube.band_units),
        fwhm=cube.fwhm,
        band_coordinates=cube.band_coordinates,
        zero_points=cube.zero_points,
        diffraction_fwhm=cube.diffraction_fwhm,
        planes=() if cube.errors is None else (errors,),
    )


def _describe_nddata(nddata, label, error_kind):
    """Return the image of an NDData or CCDData object."""
    data = np.asanyarray(nddata.data)
    wcs = getattr(nddata.wcs, "low_level_wcs", nddata.wcs)
    if not isinstance(wcs, WCS | None):
        raise ValueError(
            f"{label} has a WCS of the class {type(wcs).__name__}, not astropy.wcs.WCS."
        )
    world = _world_axes.WorldAxes() if wcs is None else _world_axes.split_world(wcs)
    if data.ndim > 2 and world.sky is None:
        raise ValueError(
            f"{label} has {data.ndim} axes and no celestial WCS. Give it one, or its "
            "array with bands last."
        )
    grid, axes, coordinates = _world_axes.place_image(data.shape, world, label)

    def order(array):
        return order_axes(np.broadcast_to(array, data.shape), axes)

    planes = []
    if nddata.uncertainty is not None and nddata.uncertainty.array is not None:
        planes.append(_uncertainty_plane(nddata, label, error_kind, order))
    if nddata.mask is not None:
        mask = partial(nullcontext, order(nddata.mask))
        planes.append(Plane(f"the mask of {label}", "masks", mask))
    n_bands = data.shape[axes[2]] if len(axes) == 3 else 1
    return _make_image(
        order(data),
        label,
        wcs=grid.wcs,
        **read_bands([_as_header(nddata.meta)], n_bands, None, nddata.unit),
        band_coordinates=coordinates,
        planes=tuple(planes),
    )


def _uncertainty_plane(nddata, label, error_kind, order):
    """Return the errors of an NDData object."""
    uncertainty, factor = nddata.uncertainty, 1.0
    kind = uncertainty.uncertainty_type
    kind = kind if kind in ERROR_POWERS else error_kind
    if kind is None:
        raise ValueError(
            f"The uncertainty of {label} is of an unknown kind. Give error_kind."
        )
    if uncertainty.unit is not None and nddata.unit is not None:
        factor = uncertainty.unit.to(nddata.unit ** ERROR_POWERS[kind])
    array = partial(nullcontext, order(uncertainty.array))
    return Plane(f"the uncertainty of {label}", kind, array, factor)


def _as_header(meta):
    """Return a FITS header of those meta data that FITS cards can hold."""
    if isinstance(meta, fits.Header):
        return meta
    cards = [
        (card, value)
        for card, value in meta.items()
        if isinstance(card, str) and card.isidentifier() and len(card) <= 8
        if isinstance(value, str)
        or (isinstance(value, int | float) and np.isfinite(value))
    ]
    return fits.Header(cards)


def _describe_xarray(array, label):
    """Return the image of an xarray.DataArray, whose axes have names."""
    dims = [str(dim) for dim in array.dims]
    row, column = _find_dim(dims, _ROW_NAMES), _find_dim(dims, _COLUMN_NAMES)
    others = [i for i in range(len(dims)) if i not in (row, column)]
    others = [i for i in others if array.shape[i] > 1] or others[:1]
    if None in (row, column) or len(others) > 1:
        raise ValueError(
            f"{label} has the axes {', '.join(dims)}, which are not rows, columns and "
            "bands. Select what is one image per band, and rename its axes as in "
            "array.rename(lines='y', samples='x')."
        )
    names, coordinates = [array.name if isinstance(array.name, str) else None], None
    if others:
        names, coordinates = _describe_dim(array, array.dims[others[0]])
    return _make_image(
        order_axes(np.asarray(array.values), (row, column, *others)),
        label,
        names=names,
        unit=_parse_unit(array.attrs),
        band_coordinates=coordinates,
    )


def _find_dim(dims, names):
    """Return the place of the only axis with one of some names, None without one."""
    found = [place for place, dim in enumerate(dims) if dim.lower() in names]
    return found[0] if len(found) == 1 else None


def _describe_dim(array, dim):
    """Return names and spectral coordinates of the bands of a DataArray."""
    long_name = array.attrs.get("long_name")
    n_bands = array.sizes[dim]
    if isinstance(long_name, tuple | list) and len(long_name) == n_bands:
        return [str(name) for name in long_name], None  # as rioxarray reads GeoTIFF
    if dim not in array.coords:
        return None, None
    values = np.asarray(array.coords[dim].values)
    if values.dtype.kind not in "iuf":
        return [str(value) for value in values], None
    unit = _parse_unit(array.coords[dim].attrs)
    if unit is None or unit == units.dimensionless_unscaled:
        return [f"{dim} {value}" for value in values], None
    names = [f"{dim} {value:g} {unit}" for value in values]
    return names, units.Quantity(values, unit, dtype=np.float64)


def _parse_unit(attributes):
    """Return the unit of an array or coordinate of xarray, None if unknown."""
    try:
        return units.Unit(str(attributes["units"]).strip())
    except (KeyError, ValueError):
        return None

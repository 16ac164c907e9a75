# SPDX-License-Identifier: BSD-3-Clause
"""Images that are in memory already: arrays, NDData, xarray and cubes."""

from contextlib import nullcontext
from functools import partial

import numpy as np
from astropy import units
from astropy.io import fits
from astropy.nddata import NDData
from astropy.wcs import WCS

from skesom._common.grids import Grid
from skesom.cube._container import Cube
from skesom.io._headers import read_band_names, read_fwhm
from skesom.io._images import Image, Plane
from skesom.io._units import read_zero_points
from skesom.io._wcs import WorldAxes, band_coordinates, find_axes, make_grid, split_wcs

_ROW_NAMES = frozenset("y row rows lat latitude dec".split())
_COLUMN_NAMES = frozenset("x column columns lon longitude ra".split())


def describe_array(array, label, error_kind=None):
    """Find out what an image in memory knows of itself."""
    if isinstance(array, Cube):
        return _describe_cube(array, label)
    if isinstance(array, NDData):
        return _describe_nddata(array, label, error_kind)
    if hasattr(array, "data_vars"):
        raise ValueError(
            f"{label} is a Dataset. Give its variables as the bands of one array: "
            'dataset.to_dataarray("band").'
        )
    if all(hasattr(array, name) for name in ("dims", "coords", "attrs", "values")):
        return _describe_xarray(array, label)
    unit = None
    if isinstance(array, units.Quantity):
        array, unit = array.value, array.unit
    return _make_image(_as_pixels(array, label), label, unit=unit)


def _as_pixels(array, label):
    """Return an array of rows, columns and perhaps bands after checking it."""
    if not isinstance(array, np.ma.MaskedArray):
        array = np.asarray(array)
    if array.ndim not in (2, 3) or array.dtype.kind not in "biuf" or 0 in array.shape:
        raise ValueError(
            f"{label} is no image: it must have the axes rows, columns and perhaps "
            f"bands of real numbers, got {array.dtype} of shape {array.shape}."
        )
    return array


def _make_image(array, label, *, wcs=None, names=None, unit=None, **known):
    """Return the image of an array, bands last."""
    n_bands = array.shape[2] if array.ndim == 3 else 1
    parts = {
        "label": label,
        "open": partial(nullcontext, array),
        "grid": Grid(wcs, array.shape[:2]),
        "band_names": names or [None] * n_bands,
        "band_units": [unit] * n_bands,
        "fwhm": np.full(n_bands, np.nan),
        "zero_points": np.full(n_bands, np.nan),
        "shape": array.shape,
    }
    return Image(**(parts | known))


def _describe_cube(cube, label):
    """Return the image that a cube is."""
    planes = ()
    if cube.errors is not None:
        errors = partial(nullcontext, cube.errors)
        planes = (Plane(f"the errors of {label}", "std", errors),)
    return _make_image(
        cube.data,
        label,
        wcs=cube.wcs,
        names=list(cube.band_names),
        band_units=list(cube.band_units),
        fwhm=cube.fwhm,
        band_coordinates=cube.band_coordinates,
        zero_points=cube.zero_points,
        planes=planes,
    )


def _describe_nddata(nddata, label, error_kind):
    """Return the image of an NDData or CCDData object."""
    data = np.asanyarray(nddata.data)
    world = _nddata_world(nddata, label)
    if data.ndim > 2 and world.sky is None:
        raise ValueError(
            f"{label} has {data.ndim} axes and no celestial WCS that tells which of "
            "them are rows and columns. Give it a WCS, or give its array with the "
            "bands last."
        )
    axes = find_axes(data.shape, world, label)

    def order(array):
        dropped = tuple(axis for axis in range(data.ndim) if axis not in axes)
        array = np.broadcast_to(array, data.shape).transpose(*axes, *dropped)
        return array.reshape([data.shape[axis] for axis in axes])

    planes = []
    if nddata.uncertainty is not None and nddata.uncertainty.array is not None:
        planes.append(_uncertainty_plane(nddata, label, error_kind, order))
    if nddata.mask is not None:
        mask = partial(nullcontext, order(nddata.mask))
        planes.append(Plane(f"the mask of {label}", "flags", mask))
    array = _as_pixels(order(data), label)
    headers = [_as_header(nddata.meta)]
    n_bands = array.shape[2] if array.ndim == 3 else 1
    return _make_image(
        array,
        label,
        wcs=make_grid(data.shape, world, axes).wcs,
        names=read_band_names(headers, n_bands, None),
        unit=nddata.unit,
        fwhm=np.full(n_bands, read_fwhm(headers)),
        band_coordinates=band_coordinates(world, data.shape, axes),
        zero_points=read_zero_points(headers, n_bands, nddata.unit),
        planes=tuple(planes),
    )


def _nddata_world(nddata, label):
    """Return the world coordinates of an NDData object."""
    wcs = nddata.wcs
    if wcs is None:
        return WorldAxes()
    wcs = getattr(wcs, "low_level_wcs", wcs)
    if not isinstance(wcs, WCS):
        raise ValueError(
            f"{label} has a WCS of the class {type(wcs).__name__}. Give one that FITS "
            "can express (astropy.wcs.WCS)."
        )
    return split_wcs(wcs)


def _uncertainty_plane(nddata, label, error_kind, order):
    """Return the errors that an NDData object has."""
    uncertainty = nddata.uncertainty
    kind = uncertainty.uncertainty_type
    kind = kind if kind in ("std", "var", "ivar") else error_kind
    if kind is None:
        raise ValueError(
            f"The uncertainty of {label} is of an unknown kind. Give error_kind, or "
            "make it a StdDevUncertainty."
        )
    factor = 1.0
    if uncertainty.unit is not None and nddata.unit is not None:
        factor = uncertainty.unit.to(
            nddata.unit ** {"std": 1, "var": 2, "ivar": -2}[kind]
        )
    array = partial(nullcontext, order(uncertainty.array))
    return Plane(f"the uncertainty of {label}", kind, array, factor)


def _as_header(meta):
    """Return meta data as a FITS header of the cards that can stand in one."""
    if isinstance(meta, fits.Header):
        return meta
    return fits.Header(
        [
            (card, value)
            for card, value in meta.items()
            if isinstance(card, str)
            and card.isidentifier()
            and len(card) <= 8
            and isinstance(value, str | int | float)
            and (isinstance(value, str) or np.isfinite(value))
        ]
    )


def _describe_xarray(array, label):
    """Return the image of an xarray.DataArray, whose axes have names."""
    dims = [str(dim) for dim in array.dims]
    sizes = array.shape
    row = _find_dim(dims, _ROW_NAMES)
    column = _find_dim(dims, _COLUMN_NAMES)
    others = [i for i in range(len(dims)) if i not in (row, column)]
    others = [i for i in others if sizes[i] > 1] or others[:1]
    if None in (row, column) or len(others) > 1:
        raise ValueError(
            f"{label} has the axes {', '.join(dims)}, which are not rows, columns and "
            "bands. Select what is one image per band, and rename its axes to y and x "
            "as in array.rename(lines='y', samples='x')."
        )
    axes = (row, column, *others)
    dropped = tuple(axis for axis in range(len(dims)) if axis not in axes)
    values = np.asarray(array.values).transpose(*axes, *dropped)
    values = _as_pixels(values.reshape([sizes[axis] for axis in axes]), label)
    unit = _parse_unit(array.attrs.get("units"))
    if not others:
        name = array.name if isinstance(array.name, str) else None
        return _make_image(values, label, names=[name], unit=unit)
    names, coordinates = _describe_bands(array, array.dims[others[0]])
    return _make_image(
        values, label, names=names, unit=unit, band_coordinates=coordinates
    )


def _find_dim(dims, names):
    """Return the place of the only axis with one of some names, None without one."""
    found = [place for place, dim in enumerate(dims) if dim.lower() in names]
    return found[0] if len(found) == 1 else None


def _describe_bands(array, dim):
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
    unit = _parse_unit(array.coords[dim].attrs.get("units"))
    if unit is None or unit == units.dimensionless_unscaled:
        return [f"{dim} {value}" for value in values], None
    names = [f"{dim} {value:g} {unit}" for value in values]
    return names, units.Quantity(values, unit, dtype=np.float64)


def _parse_unit(text):
    """Return the unit that a text names, None if it is none."""
    if text is None:
        return None
    try:
        return units.Unit(str(text).strip())
    except ValueError:
        return None

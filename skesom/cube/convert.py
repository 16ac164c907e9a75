# SPDX-License-Identifier: BSD-3-Clause
"""Images in memory, as other libraries hold them, to cubes."""

import warnings

import numpy as np
from astropy import units
from astropy.io import fits
from astropy.nddata import NDData
from astropy.wcs import WCS, FITSFixedWarning

from skesom._common.lazy import is_lazy
from skesom._common.warn import warn_user
from skesom._sky.filters import filter_wavelength, wavelengths_of
from skesom._sky.header_cards import (
    is_hdu,
    read_band_coordinates,
    read_bands,
    read_unit,
)
from skesom._sky.world_axes import WorldAxes, place_image, read_world, split_world
from skesom.cube._container import NDDATA_KEY, Cube
from skesom.cube.description import DESCRIPTION, read_description

_SAME_FILTER = 0.1  # of the wavelength: lines of galaxies that move away
ERROR_POWERS = {"std": 1, "var": 2, "ivar": -2}
_ROW_NAMES = frozenset("y row rows lat latitude dec".split())
_COLUMN_NAMES = frozenset("x column columns lon longitude ra".split())


def as_cube(X, label="the cube", error_kind=None):
    """Return an image in memory as a `Cube`, with all that its class knows of it."""
    converter = None if isinstance(X, Cube) else find_converter(X)
    if converter is not None:
        X = converter(X, label, error_kind)
    return X if isinstance(X, Cube) else Cube(X)


def find_converter(X):
    """Return the maker of a cube of an object of another library, None for an array."""
    # Optional libraries are known by what their classes have, and never imported.
    if isinstance(X, fits.HDUList) or is_hdu(X):
        return _convert_hdus
    if isinstance(X, NDData):  # also Spectrum of specutils
        return _convert_nddata
    if isinstance(X, units.Quantity):
        return _convert_quantity
    # The values themselves may be lazy.
    if all(hasattr(type(X), name) for name in ("dims", "coords", "attrs", "values")):
        return _convert_xarray
    if hasattr(X, "filled_data") and hasattr(X, "spectral_axis"):
        return _convert_spectral_cube
    return _refuse_table if hasattr(X, "columns") else None


def describe_image(shape, world, headers, unit, label, stem=None):
    """Return grid and axes of an array in the order of FITS, and its bands by name."""
    grid, axes, coordinates = place_image(shape, world, label)
    n_bands = shape[axes[2]] if len(axes) == 3 else 1
    bands = read_bands(headers, n_bands, stem, unit)
    if n_bands == 1:
        if coordinates is not None and _is_of_other_filter(coordinates, bands, label):
            coordinates = None
        if coordinates is None:
            coordinates = read_band_coordinates(headers)
    return grid, axes, {**bands, "band_coordinates": coordinates}


def _is_of_other_filter(coordinates, bands, label):
    """Tell whether the spectral axis of one image contradicts the name of its filter.

    Such an axis has one step or none, and may be left over from another image.
    """
    (name,) = bands["band_names"]
    by_axis = wavelengths_of([(coordinates, 1)])[0]
    by_name = filter_wavelength(name)
    is_other = abs(by_axis / by_name - 1) > _SAME_FILTER  # not where one is unknown
    if is_other:
        warn_user(
            f"{label}: its spectral axis says {by_axis:.4g} nm, its filter {name} "
            f"{by_name:.4g} nm. The filter is taken; if the axis is right, name the "
            "band otherwise."
        )
    return is_other


def order_axes(data, axes):
    """Return an array with its axes in some order, without those of length 1."""
    dropped = tuple(axis for axis in range(data.ndim) if axis not in axes)
    shape = [data.shape[axis] for axis in axes]
    return data.transpose(*axes, *dropped).reshape(shape)


def to_errors(values, kind, factor, dtype):
    """Return standard deviations, and where the values are no valid errors."""
    # Squares of small fluxes are below the range of single precision.
    values = np.array(values, dtype=np.float64) * factor
    bad = ~(values > 0)
    values = 1 / values if kind == "ivar" else values
    values = (values if kind == "std" else np.sqrt(values)).astype(dtype)
    return np.where(bad | np.isinf(values), np.nan, values), bad


def check_image(array, label, most=9):
    """Refuse an array that is no image or stack of images."""
    is_real = array.dtype.kind in "biuf"
    if not (2 <= array.ndim <= most and is_real and array.size):
        raise ValueError(
            f"{label} is no image: it must be real numbers in rows, columns and bands, "
            f"got {array.dtype} of shape {array.shape}."
        )
    return array


def _make(data, world, headers, unit, label, known=None, *, mask=None, errors=None):
    """Return the cube of an array whose axes are in the order of FITS.

    What is known of the cube beside its header are arguments of `Cube`.
    """
    shape = check_image(np.asanyarray(data), label).shape
    grid, axes, bands = describe_image(shape, world, headers, unit, label)

    def order(array):
        return np.atleast_3d(order_axes(np.broadcast_to(array, shape), axes))

    names = [n or f"band {i}" for i, n in enumerate(bands.pop("band_names"), 1)]
    parts = {**bands, "band_names": names, "wcs": grid.wcs, **(known or {})}
    if errors is not None:
        values, kind, factor = errors
        with np.errstate(all="ignore"):
            sigma, bad = to_errors(values, kind, factor, np.float64)
        parts["errors"] = order(sigma)
        if kind == "ivar":  # where it is 0, nothing was measured
            mask = bad if mask is None else bad | (np.asarray(mask) != 0)
    data = order(data)
    if mask is not None:
        data = np.ma.array(data, mask=order(np.asarray(mask) != 0))
    return Cube(data, **parts)


def _convert_hdus(hdus, label, _):
    """Convert an HDU, or the only image of a list of them."""
    hdus = fits.HDUList([hdus]) if is_hdu(hdus) else hdus
    images = [hdu for hdu in hdus if hdu.is_image and len(hdu.shape) >= 2]
    if len(images) != 1:
        raise ValueError(
            f"{label} must be one image, got {len(images)} in {len(hdus)} HDUs. Choose "
            "with skesom.io.read_cube(hdus, hdu=...)."
        )
    (hdu,) = images
    headers = [hdu.header] if hdu is hdus[0] else [hdu.header, hdus[0].header]
    with warnings.catch_warnings():  # cards that astropy corrects
        warnings.simplefilter("ignore", FITSFixedWarning)
        world = read_world(hdu.header, hdus, label)
    return _make(hdu.data, world, headers, read_unit(headers), label)


def _convert_nddata(nddata, label, error_kind):
    """Convert an NDData, CCDData or Spectrum object."""
    data, wcs = np.asanyarray(nddata.data), nddata.wcs
    wcs = getattr(wcs, "low_level_wcs", wcs)
    known, world, to_front = {}, WorldAxes(), 0
    if isinstance(wcs, WCS):
        world = split_world(wcs)
    if hasattr(nddata, "spectral_axis"):
        if data.ndim < 3:
            raise ValueError(
                f"{label} is a Spectrum of {data.ndim} axes. Give one with two axes of "
                "the sky and one of the spectrum."
            )
        known["band_coordinates"] = nddata.spectral_axis
        to_front = nddata.spectral_axis_index if world.sky is None else 0
    elif not isinstance(wcs, WCS | None):
        raise ValueError(
            f"{label} has a WCS of the class {type(wcs).__name__}, not astropy.wcs.WCS."
        )
    meta = nddata.meta
    known |= parts if isinstance(parts := meta.get(NDDATA_KEY), dict) else {}
    if data.ndim > 2 and world.sky is None and not known:
        raise ValueError(
            f"{label} has {data.ndim} axes and no celestial WCS. Give it one, or its "
            "array with bands last."
        )

    def arrange(array):
        if np.shape(array) not in ((), data.shape):
            raise ValueError(
                f"The mask or uncertainty of {label} has the shape {np.shape(array)}, "
                f"but its data {data.shape}."
            )
        return np.moveaxis(np.broadcast_to(array, data.shape), to_front, 0)

    errors = None
    if nddata.uncertainty is not None and nddata.uncertainty.array is not None:
        values, *kind = _uncertainty(nddata, label, error_kind)
        errors = arrange(values), *kind
    mask = None if nddata.mask is None else arrange(nddata.mask)
    parts = arrange(data), world, [_as_header(meta)], nddata.unit, label, known
    return _make(*parts, mask=mask, errors=errors)


def _uncertainty(nddata, label, error_kind):
    """Return the values of an uncertainty, their kind, and a factor to its unit."""
    uncertainty, factor = nddata.uncertainty, 1.0
    kind = uncertainty.uncertainty_type
    kind = kind if kind in ERROR_POWERS else error_kind
    if kind is None:
        raise ValueError(
            f"The uncertainty of {label} is of an unknown kind. Give error_kind to "
            "skesom.io.read_cube."
        )
    if uncertainty.unit is not None and nddata.unit is not None:
        factor = uncertainty.unit.to(nddata.unit ** ERROR_POWERS[kind])
    return uncertainty.array, kind, factor


def _as_header(meta):
    """Return a FITS header of those meta data that FITS cards can hold."""
    if isinstance(meta, fits.Header):
        return meta
    cards = [
        (card, value)
        for card, value in meta.items()
        if isinstance(card, str) and card.isidentifier() and len(card) <= 8
        if (isinstance(value, str) and value.isascii() and value.isprintable())
        or (isinstance(value, int | float) and np.isfinite(value))
    ]
    return fits.Header(cards)


def _convert_quantity(quantity, label, _):
    """Convert an array with a unit, or an image that was cut out of a SpectralCube."""
    if isinstance(getattr(quantity, "wcs", None), WCS) and quantity.ndim == 2:
        world, headers = split_world(quantity.wcs), [quantity.header]
        return _make(quantity.value, world, headers, quantity.unit, label)
    return Cube(np.atleast_3d(check_image(quantity, label)))


def _refuse_table(table, label, _):
    """Refuse a table of astropy, pandas or others."""
    raise ValueError(f"{label} is a table ({type(table).__name__}), not an image.")


def _convert_spectral_cube(cube, label, _):
    """Convert a SpectralCube."""
    known = {"band_coordinates": cube.spectral_axis}
    if hasattr(type(cube), "beams"):  # one for each channel
        areas = [beam.major * beam.minor for beam in cube.beams]
        known["fwhm"] = np.sqrt(units.Quantity(areas))
    data, world = cube.filled_data[:], split_world(cube.wcs)
    data = getattr(data, "value", data)
    return _make(data, world, [cube.header], cube.unit, label, known)


def _convert_xarray(array, label, _):
    """Convert a DataArray of xarray, whose axes have names."""
    if hasattr(array, "data_vars"):
        raise ValueError(f'{label} is a Dataset. Give dataset.to_dataarray("band").')
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
    lazy = getattr(array, "data", None)
    data = check_image(lazy if is_lazy(lazy) else np.asarray(array.values), label)
    data = np.atleast_3d(order_axes(data, (row, column, *others)))
    if isinstance(text := array.attrs.get(DESCRIPTION), str):
        return _restore(array, data, text, label)
    return Cube(
        data,
        band_names=None if names in (None, [None]) else names,
        band_units=[read_unit([array.attrs], "units")] * data.shape[2],
        band_coordinates=coordinates,
    )


def _restore(array, data, text, label):
    """Return the cube that was made a DataArray, or the part of it that is left."""
    coords, cuts = array.coords, []
    try:
        known = read_description(text, label)
        for axis in "yx":
            first, *_, last = place = [*coords[axis].values, coords[axis].values[-1]]
            cut = slice(int(first), int(last) + 1, int(place[1] - first) or None)
            if not np.array_equal(place[:-1], np.arange(last + 1)[cut]):
                raise ValueError(f"its {axis} are not whole numbers at equal steps")
            cuts.append(cut)
        names = known["band_names"]
        whole = Cube(np.zeros((1, 1, len(names)), dtype=np.float32), **known)
        if "band" in coords:
            whole = whole[np.atleast_1d(coords["band"].values).tolist()]
        shape = cuts[0].stop, cuts[1].stop, whole.shape[2]
        # Without memory, as long as bands are not picked from it.
        part = whole.replace(data=np.broadcast_to(np.float32(0), shape))[*cuts]
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ValueError(
            f"{label} is no part of the cube that its attribute {DESCRIPTION!r} "
            f"describes ({error}). Delete the attribute, or write the cube again."
        ) from error
    if part.wcs is not None:
        part.wcs.array_shape = part.shape[:2]
    errors, sky_mask = (
        coords[name].transpose("y", "x", "band", missing_dims="ignore").data
        if name in coords
        else None
        for name in ("errors", "sky_mask")
    )
    errors = None if errors is None else np.atleast_3d(errors)
    return part.replace(data=data, errors=errors, sky_mask=sky_mask)


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
    unit = read_unit([array.coords[dim].attrs], "units")
    if unit is None or unit == units.dimensionless_unscaled:
        return [f"{dim} {value}" for value in values], None
    names = [f"{dim} {value:g} {unit}" for value in values]
    return names, units.Quantity(values, unit, dtype=np.float64)

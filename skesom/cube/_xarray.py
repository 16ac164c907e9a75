# SPDX-License-Identifier: BSD-3-Clause
"""DataArrays of xarray to cubes, also those that `Cube.to_xarray` made."""

import numpy as np
from astropy import units

from skesom._common.lazy import is_lazy
from skesom._sky.header_cards import read_unit
from skesom.cube._container import Cube
from skesom.cube.description import DESCRIPTION, read_description
from skesom.cube.fits_images import check_image, order_axes

# Names of axes in lower case, of pixels and of places on the Earth or the sky.
_ROW_NAMES = frozenset({"y", "row", "rows", "lat", "latitude", "dec"})
_COLUMN_NAMES = frozenset({"x", "column", "columns", "lon", "longitude", "ra"})


def convert_data_array(array, label, _):
    """Return the cube of a DataArray of xarray, whose axes are told by their names.

    Parameters
    ----------
    array : xarray.DataArray
    label : str
        What messages call it.
    """
    names_of_axes = [str(dim) for dim in array.dims]
    row_axis = _find_axis(names_of_axes, _ROW_NAMES)
    column_axis = _find_axis(names_of_axes, _COLUMN_NAMES)
    other_axes = [
        axis for axis in range(array.ndim) if axis not in (row_axis, column_axis)
    ]
    # Axes of length 1 may be left out, but not the last one that could be the bands.
    band_axes = [axis for axis in other_axes if array.shape[axis] > 1]
    if not band_axes:
        band_axes = other_axes[:1]
    if row_axis is None or column_axis is None or len(band_axes) > 1:
        raise ValueError(
            f"{label} has the axes {', '.join(names_of_axes)}, which are not rows, "
            "columns and bands. Select what is one image per band, and rename its axes "
            "as in array.rename(lines='y', samples='x')."
        )
    names = None
    coordinates = None
    if band_axes:
        names, coordinates = _describe_bands(array, array.dims[band_axes[0]])
    elif isinstance(array.name, str):
        names = [array.name]
    data = getattr(array, "data", None)
    if not is_lazy(data):
        data = np.asarray(array.values)
    check_image(data, label)
    data = np.atleast_3d(order_axes(data, (row_axis, column_axis, *band_axes)))
    description = array.attrs.get(DESCRIPTION)
    if isinstance(description, str):
        return _restore_cube(array, data, description, label)
    return Cube(
        data,
        band_names=names,
        band_units=[read_unit([array.attrs], "units")] * data.shape[2],
        band_coordinates=coordinates,
    )


def _find_axis(names_of_axes, names):
    """Return the number of the only axis with one of some names, else None."""
    axes = []
    for axis, name in enumerate(names_of_axes):
        if name.lower() in names:
            axes.append(axis)
    return axes[0] if len(axes) == 1 else None


def _describe_bands(array, dim):
    """Return names and spectral coordinates of the bands along an axis, or None."""
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


def _restore_cube(array, data, description, label):
    """Return the cube that `Cube.to_xarray` made a DataArray, or what is left of it.

    The description is that of the first cube; the coordinates tell which rows, columns
    and bands of it were selected since.

    Parameters
    ----------
    array : xarray.DataArray
    data : array of shape (n_rows, n_columns, n_bands)
    description : str
    label : str
    """
    try:
        arguments = read_description(description, label)
        rows = _selected_slice(array, "y")
        columns = _selected_slice(array, "x")
        n_bands = len(arguments["band_names"])
        one_pixel = np.zeros((1, 1, n_bands), dtype=np.float32)
        described = Cube(one_pixel, **arguments)
        if "band" in array.coords:
            names = np.atleast_1d(array.coords["band"].values).tolist()
            described = described[names]
        # A cube that reaches to the last selected pixel has the WCS of the first cube,
        # and its part that of the selection. The zeros take no memory, as long as bands
        # are not picked from them.
        shape = (rows.stop, columns.stop, described.shape[2])
        zeros = np.broadcast_to(np.float32(0), shape)
        selection = described.replace(data=zeros)[rows, columns]
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ValueError(
            f"{label} does not fit the cube that its attribute {DESCRIPTION!r} "
            f"describes ({error}). Delete the attribute, or write the cube again."
        ) from error
    if selection.wcs is not None:
        selection.wcs.array_shape = selection.shape[:2]
    errors = _read_coordinate(array, "errors")
    if errors is not None:
        errors = np.atleast_3d(errors)
    sky_mask = _read_coordinate(array, "sky_mask")
    return selection.replace(data=data, errors=errors, sky_mask=sky_mask)


def _selected_slice(array, dim):
    """Return the slice of the rows ("y") or columns ("x") that were selected."""
    numbers = array.coords[dim].values
    first = int(numbers[0])
    last = int(numbers[-1])
    step = 1
    if len(numbers) > 1:
        step = int(numbers[1] - numbers[0])
    selected = slice(first, last + 1, step or None)
    if not np.array_equal(numbers, np.arange(last + 1)[selected]):
        raise ValueError(f"its {dim} are not whole numbers at equal steps")
    return selected


def _read_coordinate(array, name):
    """Return errors or the sky mask among the coordinates of a DataArray, or None."""
    if name not in array.coords:
        return None
    ordered = array.coords[name].transpose("y", "x", "band", missing_dims="ignore")
    return ordered.data

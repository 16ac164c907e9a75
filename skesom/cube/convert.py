# SPDX-License-Identifier: BSD-3-Clause
"""Images in memory, as other libraries hold them, to cubes."""

import warnings

import numpy as np
from astropy import units
from astropy.io import fits
from astropy.nddata import NDData
from astropy.wcs import WCS, FITSFixedWarning

from skesom._sky.header_cards import is_hdu, read_unit
from skesom._sky.world_axes import read_world, split_world
from skesom.cube._container import Cube
from skesom.cube._nddata import convert_nddata
from skesom.cube._xarray import convert_data_array
from skesom.cube.fits_images import check_image, make_cube


def as_cube(X, label="the cube", error_kind=None):
    """Return an image in memory as a `Cube`, with all that its class knows of it.

    Parameters
    ----------
    X : Cube, array-like or object of another library
    label : str, default="the cube"
        What messages call the image.
    error_kind : {"std", "var", "ivar"}, default=None
        What its uncertainty holds, if its class does not say so.
    """
    if isinstance(X, Cube):
        return X
    converter = find_converter(X)
    if converter is None:
        return Cube(X)
    return converter(X, label, error_kind)


def find_converter(X):
    """Return the function that makes a cube of an object, None for an array.

    It takes the object, what messages call it, and the kind of its errors.
    """
    # Optional libraries are known by what their classes have, and never imported.
    if isinstance(X, fits.HDUList) or is_hdu(X):
        return _convert_hdus
    if isinstance(X, NDData):  # also Spectrum of specutils
        return convert_nddata
    if isinstance(X, units.Quantity):
        return _convert_quantity
    # Asked of the class: of an object, `values` might be computed.
    xarray_names = ("dims", "coords", "attrs", "values")
    if all(hasattr(type(X), name) for name in xarray_names):
        if hasattr(X, "data_vars"):
            return _refuse_dataset
        return convert_data_array
    if hasattr(X, "filled_data") and hasattr(X, "spectral_axis"):
        return _convert_spectral_cube
    if hasattr(X, "columns"):
        return _refuse_table
    return None


def _convert_hdus(hdus, label, _):
    """Convert an HDU, or the only image of a list of them."""
    if is_hdu(hdus):
        hdus = fits.HDUList([hdus])
    images = [hdu for hdu in hdus if hdu.is_image and len(hdu.shape) >= 2]
    if len(images) != 1:
        raise ValueError(
            f"{label} must be one image, got {len(images)} in {len(hdus)} HDUs. Choose "
            "with skesom.io.read_cube(hdus, hdu=...)."
        )
    (hdu,) = images
    headers = [hdu.header]
    if hdu is not hdus[0]:
        headers.append(hdus[0].header)
    with warnings.catch_warnings():  # cards that astropy corrects
        warnings.simplefilter("ignore", FITSFixedWarning)
        world = read_world(hdu.header, hdus, label)
    return make_cube(hdu.data, world, headers, read_unit(headers), label)


def _convert_quantity(quantity, label, _):
    """Convert an array with a unit, or an image that was cut out of a SpectralCube."""
    wcs = getattr(quantity, "wcs", None)
    if isinstance(wcs, WCS) and quantity.ndim == 2:
        return make_cube(
            quantity.value, split_world(wcs), [quantity.header], quantity.unit, label
        )
    return Cube(np.atleast_3d(check_image(quantity, label)))


def _convert_spectral_cube(cube, label, _):
    """Convert a SpectralCube."""
    arguments = {"band_coordinates": cube.spectral_axis}
    if hasattr(type(cube), "beams"):  # one for each channel
        areas = [beam.major * beam.minor for beam in cube.beams]
        arguments["fwhm"] = np.sqrt(units.Quantity(areas))
    data = cube.filled_data[:]
    return make_cube(
        getattr(data, "value", data),  # without the unit, if it has one
        split_world(cube.wcs),
        [cube.header],
        cube.unit,
        label,
        arguments=arguments,
    )


def _refuse_dataset(dataset, label, _):
    """Refuse a Dataset of xarray, which holds several arrays."""
    raise ValueError(f'{label} is a Dataset. Give dataset.to_dataarray("band").')


def _refuse_table(table, label, _):
    """Refuse a table of astropy, pandas or others."""
    raise ValueError(f"{label} is a table ({type(table).__name__}), not an image.")

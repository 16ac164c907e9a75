# SPDX-License-Identifier: BSD-3-Clause
"""NDData of astropy and its subclasses (CCDData, Spectrum) to cubes."""

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from skesom._sky.world_axes import WorldAxes, split_world
from skesom.cube._container import NDDATA_KEY
from skesom.cube.fits_images import ERROR_POWERS, Uncertainty, make_cube


def convert_nddata(nddata, label, error_kind):
    """Return the cube of an NDData, CCDData or Spectrum object.

    Parameters
    ----------
    nddata : NDData
    label : str
        What messages call it.
    error_kind : {"std", "var", "ivar"} or None
        What its uncertainty holds, if the class of that does not tell.
    """
    data = np.asanyarray(nddata.data)
    wcs = getattr(nddata.wcs, "low_level_wcs", nddata.wcs)
    world = WorldAxes()
    if isinstance(wcs, WCS):
        world = split_world(wcs)
    arguments = {}
    spectral_axis = 0  # of the array, as in FITS files
    if hasattr(nddata, "spectral_axis"):  # a Spectrum
        if data.ndim < 3:
            raise ValueError(
                f"{label} is a Spectrum of {data.ndim} axes. Give one with two axes of "
                "the sky and one of the spectrum."
            )
        arguments["band_coordinates"] = nddata.spectral_axis
        if world.sky is None:  # the WCS does not tell the order of the axes
            spectral_axis = nddata.spectral_axis_index
    elif not isinstance(wcs, WCS | None):
        raise ValueError(
            f"{label} has a WCS of the class {type(wcs).__name__}, not astropy.wcs.WCS."
        )
    arguments_of_cube = nddata.meta.get(NDDATA_KEY)  # from `Cube.to_nddata`
    if isinstance(arguments_of_cube, dict):
        arguments |= arguments_of_cube
    if data.ndim > 2 and world.sky is None and not arguments:
        raise ValueError(
            f"{label} has {data.ndim} axes and no celestial WCS. Give it one, or its "
            "array with bands last."
        )

    def in_fits_order(array):
        if np.shape(array) not in ((), data.shape):
            raise ValueError(
                f"The mask or uncertainty of {label} has the shape {np.shape(array)}, "
                f"but its data {data.shape}."
            )
        return np.moveaxis(np.broadcast_to(array, data.shape), spectral_axis, 0)

    uncertainty = _read_uncertainty(nddata, label, error_kind)
    if uncertainty is not None:
        uncertainty = uncertainty._replace(values=in_fits_order(uncertainty.values))
    mask = None
    if nddata.mask is not None:
        mask = in_fits_order(nddata.mask)
    return make_cube(
        in_fits_order(data),
        world,
        [_as_header(nddata.meta)],
        nddata.unit,
        label,
        arguments=arguments,
        mask=mask,
        uncertainty=uncertainty,
    )


def _read_uncertainty(nddata, label, error_kind):
    """Return the uncertainty of an NDData object, None without one."""
    uncertainty = nddata.uncertainty
    if uncertainty is None or uncertainty.array is None:
        return None
    kind = uncertainty.uncertainty_type
    if kind not in ERROR_POWERS:
        kind = error_kind
    if kind is None:
        raise ValueError(
            f"{label} has an uncertainty of an unknown kind. Give error_kind to "
            "skesom.io.read_cube."
        )
    factor = 1.0
    if uncertainty.unit is not None and nddata.unit is not None:
        factor = uncertainty.unit.to(nddata.unit ** ERROR_POWERS[kind])
    return Uncertainty(uncertainty.array, kind, factor)


def _as_header(meta):
    """Return a FITS header of those meta data that FITS cards can hold."""
    if isinstance(meta, fits.Header):
        return meta
    cards = []
    for name, value in meta.items():
        if _can_be_card(name, value):
            cards.append((name, value))
    return fits.Header(cards)


def _can_be_card(name, value):
    """Return whether a FITS card can hold an entry of meta data."""
    if not isinstance(name, str) or not name.isidentifier() or len(name) > 8:
        return False
    if isinstance(value, str):
        return value.isascii() and value.isprintable()
    return isinstance(value, int | float) and bool(np.isfinite(value))

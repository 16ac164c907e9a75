# SPDX-License-Identifier: BSD-3-Clause
"""The Cube: a stack of images of one piece of sky, bands last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.nddata import NDData, StdDevUncertainty
from astropy.units import Quantity
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales
from numpy.typing import ArrayLike, DTypeLike, NDArray

from skesom._common.extras import import_extra
from skesom._common.lazy import computed, in_memory, is_lazy
from skesom._common.lazy_strips import as_strips
from skesom._common.masked import filled
from skesom._common.texts import legible, list_names
from skesom._sky.header_cards import band_cards, is_hdu
from skesom._sky.units import unit_of
from skesom._types import DataArray, Figure
from skesom.cube._arrays import (
    as_errors,
    as_sky_mask,
    check_bands_last,
    check_data,
)
from skesom.cube._cutouts import as_slice, crop_wcs, find_cutout, split_key
from skesom.cube._preview import draw_bands, write_html
from skesom.cube.description import DESCRIPTION, write_description

# Attributes with one entry for each band, which are arguments of the constructor too.
_PER_BAND = (
    "band_names",
    "band_units",
    "fwhm",
    "band_coordinates",
    "zero_points",
    "diffraction_fwhm",
)
# In the meta data of NDData, the entry that holds those parts of a cube for which
# NDData has no attribute.
NDDATA_KEY = "skesom.cube.Cube"


class Cube:
    """Images of the same piece of sky in several bands.

    NumPy and scikit-learn take a cube as an array of shape ``(n_rows, n_columns,
    n_bands)``. Masked pixels are NaN.

    Parameters
    ----------
    data : array-like of shape (n_rows, n_columns, n_bands)
        The fluxes. Real types other than float32 and float64 become float32, or float64
        where float32 would lose digits. Masked values of a masked array become NaN.
        An array of dask makes a lazy cube: it is kept in strips of rows, and computed
        when its values are needed.
    wcs : astropy.wcs.WCS, default=None
        Celestial world coordinates of the pixel grid (two axes).
    band_names : sequence of str of length n_bands, default=None
        Unique names; ``"band 1"``, ``"band 2"``, ... by default.
    band_units : sequence of length n_bands, default=None
        Units of astropy, unit strings, or None for a band whose unit is unknown. By
        default that of data with a unit (Quantity).
    fwhm : array-like of shape (n_bands,), default=None
        Full width at half maximum of the point-spread functions in arcsec or as a
        Quantity, NaN where unknown.
    pixel_scale : tuple of float (height, width), default=None
        Sides of a pixel in arcsec, by default those of the WCS.
    errors : array-like of shape (n_rows, n_columns, n_bands), default=None
        Standard deviation of each value in the unit of its band, NaN where unknown.
    band_coordinates : Quantity of shape (n_bands,), default=None
        Frequency, wavelength or velocity of the bands, NaN where unknown.
    zero_points : array-like of shape (n_bands,), default=None
        AB magnitude of a pixel whose value is 1, NaN where unknown.
    diffraction_fwhm : array-like of shape (n_bands,), default=None
        Least FWHM in arcsec that the mirror of the telescope allows, NaN where unknown.
    sky_mask : array-like of bool of shape (n_rows, n_columns), default=None
        Pixels that were set aside as sky, see `CubeMasker`; they are NaN in `data`.

    Raises
    ------
    ValueError
        If the data are not three-dimensional and real, a parameter does not fit, or an
        array of dask has sizes that are not known. If the names of the bands or the WCS
        tell that the bands come first.

    Warns
    -----
    UserWarning
        If the shape looks like that of an image with its bands first, and neither
        names nor a WCS tell.
        If an array of dask has its bands in several chunks, which are joined.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.cube import Cube
    >>> cube = Cube(np.zeros((4, 5, 2)), band_names=["F438W", "F814W"])
    >>> cube.shape
    (4, 5, 2)
    >>> cube[1:3].shape, cube["F814W"].shape, cube[["F814W"]].shape
    ((2, 5, 2), (4, 5), (4, 5, 1))
    """

    def __init__(
        self,
        data: ArrayLike,
        *,
        wcs: WCS | None = None,
        band_names: Sequence[str] | None = None,
        band_units: Sequence[Any] | None = None,
        fwhm: ArrayLike | None = None,
        pixel_scale: tuple[float, float] | None = None,
        errors: ArrayLike | None = None,
        band_coordinates: Quantity | None = None,
        zero_points: ArrayLike | None = None,
        diffraction_fwhm: ArrayLike | None = None,
        sky_mask: ArrayLike | None = None,
    ) -> None:
        if isinstance(data, list | tuple):
            _refuse_list_of_images(data)
        if isinstance(data, Quantity) and band_units is None and data.ndim == 3:
            band_units = [data.unit] * data.shape[2]
        self.data = check_data(data)
        _check_wcs(wcs)
        check_bands_last(self.data.shape, band_names, wcs)
        if is_lazy(self.data):
            self.data = as_strips(self.data, "The cube")
        # The data, once they are known to hold no infinite value: each step of a
        # pipeline asks, and one look is enough.
        self._without_infinities = None
        self.wcs = wcs
        self._pixel_scale = pixel_scale

        n_bands = self.data.shape[2]
        self.band_names = _unique_names(band_names, n_bands)
        self.band_units = _units_or_none(band_units, n_bands)
        if isinstance(fwhm, Quantity):
            fwhm = fwhm.to_value(units.arcsec)
        self.fwhm = _numbers_or_nan(fwhm, n_bands)
        self.zero_points = _numbers_or_nan(zero_points, n_bands)
        self.diffraction_fwhm = _numbers_or_nan(diffraction_fwhm, n_bands)
        self.band_coordinates = _check_coordinates(band_coordinates)
        for name in _PER_BAND:
            entries = getattr(self, name)
            if entries is not None and np.shape(entries) != (n_bands,):
                raise ValueError(
                    f"{name} must have one entry for each of the {n_bands} bands, "
                    f"got {np.size(entries)}."
                )

        self.errors = as_errors(errors, self.data)
        self.sky_mask = as_sky_mask(sky_mask, self.data)

    @property
    def pixel_scale(self) -> tuple[float, float] | None:
        """Height and width of a pixel in arcsec, None if unknown."""
        if self._pixel_scale is not None or self.wcs is None:
            return self._pixel_scale
        width, height = proj_plane_pixel_scales(self.wcs)
        width_unit, height_unit = self.wcs.wcs.cunit
        return (
            float(height * height_unit.to(units.arcsec)),
            float(width * width_unit.to(units.arcsec)),
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Tuple (n_rows, n_columns, n_bands)."""
        return self.data.shape

    @property
    def ndim(self) -> int:
        """Number of axes, always 3."""
        return 3

    @property
    def dtype(self) -> np.dtype[Any]:
        """Floating-point type of the data."""
        return self.data.dtype

    @property
    def is_lazy(self) -> bool:
        """Whether the data are an array of dask, computed when they are needed."""
        return is_lazy(self.data)

    def compute(self) -> Cube:
        """Return the cube with its values in memory; itself if they are there.

        Returns
        -------
        cube : Cube
            With all of its parts.

        Examples
        --------
        >>> import dask.array as da
        >>> from skesom.cube import Cube
        >>> cube = Cube(da.zeros((4, 5, 2), chunks=(2, 5, 2)))
        >>> cube.is_lazy, cube.compute().is_lazy
        (True, False)
        """
        if not self.is_lazy:
            return self
        data, errors, sky_mask = computed(self.data, self.errors, self.sky_mask)
        return self.replace(data=data, errors=errors, sky_mask=sky_mask)

    def __len__(self) -> int:
        return len(self.data)

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> NDArray[Any]:
        return np.array(in_memory(self.data), dtype=dtype, copy=copy)

    def __repr__(self):
        n_rows, n_columns, n_bands = self.shape
        facts = [
            f"Cube {n_rows} x {n_columns} pixels",
            f"{n_bands} bands ({list_names(self.band_names)})",
            str(self.dtype),
            "no WCS" if self.wcs is None else "WCS",
        ]
        if self.errors is not None:
            facts.append("errors")
        if self.is_lazy:
            facts.append("lazy")
        return f"<{', '.join(facts)}>"

    def __getitem__(self, key: Any) -> Any:
        """Cut the cube; the result is a Cube as long as it keeps all three axes.

        A name gives the image of a band, a list of names a Cube of these bands.
        """
        if isinstance(key, str):
            return self.data[:, :, self._find_band(key)]
        if _is_list_of_names(key):
            key = (..., [self._find_band(name) for name in key])
        data = self.data[key]
        if data.ndim != 3:
            return data
        rows, columns, bands = split_key(key)
        if not isinstance(columns, slice):
            return data
        wcs, pixel_scale = self._crop_world(rows, columns)
        bands = np.arange(self.shape[2])[bands]
        sky_mask = self.sky_mask
        coordinates = self.band_coordinates
        return Cube(
            data,
            wcs=wcs,
            pixel_scale=pixel_scale,
            errors=None if self.errors is None else self.errors[key],
            sky_mask=None if sky_mask is None else sky_mask[rows, columns],
            band_names=[self.band_names[band] for band in bands],
            band_units=[self.band_units[band] for band in bands],
            fwhm=self.fwhm[bands],
            band_coordinates=None if coordinates is None else coordinates[bands],
            zero_points=self.zero_points[bands],
            diffraction_fwhm=self.diffraction_fwhm[bands],
        )

    def _crop_world(self, row_key, column_key):
        """Return WCS and pixel scale, as arguments of `Cube`, of rows and columns."""
        rows = as_slice(row_key, self.shape[0])
        columns = as_slice(column_key, self.shape[1])
        if rows is None or columns is None:
            # Rows that do not follow each other, as in a cross-validation, have no
            # WCS. Their pixels keep their size.
            return None, self.pixel_scale
        wcs = None if self.wcs is None else crop_wcs(self.wcs, rows, columns)
        if self._pixel_scale is None:
            return wcs, None
        height, width = self._pixel_scale
        return wcs, (height * (rows.step or 1), width * (columns.step or 1))

    def _find_band(self, name):
        """Return the number of the band with a name."""
        if name in self.band_names:
            return self.band_names.index(name)
        raise KeyError(
            f"There is no band {name!r}; the bands are {list_names(self.band_names)}."
        )

    def replace(self, **changes: Any) -> Cube:
        """Return a cube with some of its parts exchanged.

        Parameters
        ----------
        **changes : dict
            Constructor arguments of the new cube; the others are kept, but new data
            drop errors, new units zero points, another size drops the sky mask, and
            another number of bands the diffraction limits.

        Returns
        -------
        cube : Cube
            The data are shared if they are not among the changes.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.cube import Cube
        >>> cube = Cube(np.zeros((4, 5, 2)), pixel_scale=(0.5, 0.5))
        >>> cube.replace(band_names=["r", "i"]).band_names
        ('r', 'i')
        """
        names = ("data", "wcs", "errors", "sky_mask", *_PER_BAND)
        arguments = {name: getattr(self, name) for name in names}
        if "wcs" not in changes:  # a new WCS has a pixel scale of its own
            arguments["pixel_scale"] = self._pixel_scale
        if "data" in changes:
            arguments["errors"] = None
        if "band_units" in changes:
            arguments["zero_points"] = None
        shape = np.shape(changes.get("data", self.data))
        if shape[:2] != self.shape[:2]:
            arguments["sky_mask"] = None
        if shape[2:] != self.shape[2:]:
            arguments["diffraction_fwhm"] = None
        cube = Cube(**(arguments | changes))
        if cube.data is self._without_infinities:
            cube._without_infinities = cube.data
        return cube

    def cutout(
        self,
        center: SkyCoord | tuple[float, float],
        size: float | str | Quantity | tuple[float | str | Quantity, ...],
    ) -> Cube:
        """Cut out a part of the sky, as far as it lies in the image.

        Parameters
        ----------
        center : SkyCoord or tuple of float (row, column)
            Middle of the part, on the sky or in pixels.
        size : float, Quantity, str or tuple of two of these (height, width)
            Length along the columns and rows of the image: in arcsec, or in pixels if
            these have no size on the sky; a Quantity or a text such as "300pix" says
            otherwise.

        Returns
        -------
        cube : Cube
            The part, a view of the same memory.

        Raises
        ------
        ValueError
            If the part lies outside of the image, or the cube has no WCS to find it.

        Examples
        --------
        >>> import numpy as np
        >>> from astropy import units as u
        >>> from skesom.cube import Cube
        >>> cube = Cube(np.zeros((100, 80, 2)), pixel_scale=(0.5, 0.5))
        >>> cube.cutout((50, 40), 10).shape
        (20, 20, 2)
        >>> cube.cutout((50, 40), ("11pix", 21 * u.pixel)).shape
        (11, 21, 2)
        """
        return self[find_cutout(self, center, size)]

    def to_nddata(self, band: str | int | None = None) -> NDData:
        """Return the cube or one of its bands as `astropy.nddata.NDData`.

        `read_cube` and the transformers of cubes take it back.

        Parameters
        ----------
        band : str or int, default=None
            Name or number of a band; None is all of them.

        Returns
        -------
        nddata : astropy.nddata.NDData
            The image of the band, with FITS cards (FILTER, FWHM in arcsec, SPECVAL,
            MAGZERO) as ``meta``; or all, of shape (n_bands, n_rows, n_columns) as in
            FITS, with the other parts of the cube in ``meta``. ``mask`` is True at NaN,
            errors are a `StdDevUncertainty`.

        Raises
        ------
        KeyError, IndexError
            If there is no such band.
        ValueError
            If all bands are wanted, but have several units.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.cube import Cube
        >>> cube = Cube(np.zeros((4, 5, 2)), band_names=["r", "i"])
        >>> cube.to_nddata("i").data.shape, cube.to_nddata().data.shape
        ((4, 5), (2, 4, 5))
        """
        if band is None:
            return self._all_to_nddata()
        number = self._find_band(band) if isinstance(band, str) else band
        return _make_nddata(
            self.data[:, :, number],
            None if self.errors is None else self.errors[:, :, number],
            wcs=self.wcs,
            unit=self.band_units[number],
            meta=band_cards(self, number),
        )

    def _all_to_nddata(self):
        """Return all bands as NDData, with what only a cube has in the meta data."""
        if len(set(self.band_units)) > 1:
            raise ValueError(
                f"NDData has one unit, but the bands have {self.band_units}. Name a "
                "band, or convert them with FluxUnitConverter."
            )
        arguments = {name: getattr(self, name) for name in _PER_BAND}
        arguments["sky_mask"] = self.sky_mask
        arguments["pixel_scale"] = self._pixel_scale
        wcs = None
        if self.wcs is not None:
            wcs = self.wcs.sub([1, 2, 0])  # an axis without a name for the bands
        return _make_nddata(
            np.moveaxis(self.data, 2, 0),
            None if self.errors is None else np.moveaxis(self.errors, 2, 0),
            wcs=wcs,
            unit=self.band_units[0],
            meta={NDDATA_KEY: arguments},
        )

    def to_xarray(self) -> DataArray:
        """Return the cube as a DataArray of xarray; what is lazy stays lazy.

        `read_cube` and the transformers of cubes take it back, also after a selection.

        Returns
        -------
        array : xarray.DataArray
            With the axes ``y``, ``x`` (numbers of the pixels) and ``band`` (names), and
            ``errors`` and ``sky_mask`` as coordinates. A map of the same pixels gets
            ``{"y": array.y, "x": array.x}``. The attribute ``skesom`` is a description
            of bands and WCS in JSON.

        Raises
        ------
        ImportError
            If xarray is missing (extra ``zarr``).
        ValueError
            If the WCS has lookup tables.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.cube import Cube
        >>> Cube(np.zeros((4, 5, 2)), band_names=["r", "i"]).to_xarray().dims
        ('y', 'x', 'band')
        """
        xarray = import_extra(
            "xarray", "This needs xarray: pip install 'skesom[zarr]'."
        )
        description = write_description(
            self.wcs,
            pixel_scale=self._pixel_scale,
            band_coordinates=self.band_coordinates,
            band_names=self.band_names,
            band_units=self.band_units,
            fwhm=self.fwhm,
            zero_points=self.zero_points,
            diffraction_fwhm=self.diffraction_fwhm,
        )
        attributes = {DESCRIPTION: description}
        if len(set(self.band_units)) == 1 and self.band_units[0] is not None:
            attributes["units"] = self.band_units[0].to_string()
        n_rows, n_columns, _ = self.shape
        coordinates = {
            "y": np.arange(n_rows),
            "x": np.arange(n_columns),
            "band": list(self.band_names),
        }
        if self.errors is not None:
            coordinates["errors"] = (("y", "x", "band"), self.errors)
        if self.sky_mask is not None:
            coordinates["sky_mask"] = (("y", "x"), self.sky_mask)
        return xarray.DataArray(
            self.data,
            coords=coordinates,
            dims=("y", "x", "band"),
            name="data",
            attrs=attributes,
        )

    def plot(self, *, figsize: tuple[float, float] | None = None) -> Figure:
        """Draw the bands side by side, as in ``cube[["F814W", "F502N"]].plot()``.

        Parameters
        ----------
        figsize : tuple of float (width, height), default=None
            Size of the figure in inches; by default it fits the images.

        Returns
        -------
        figure : matplotlib.figure.Figure
            An asinh stretch of each band, or of 12 at equal steps of more; NaN is pink.
            Pictures in color are `skesom.displays.RGBDisplay`.

        Raises
        ------
        ImportError
            If matplotlib is missing (extra ``plot``).

        Examples
        --------
        >>> from skesom.datasets import make_galaxy_cube
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> len(cube[["F438W", "F814W"]].plot().axes)
        2
        """
        return draw_bands(self, figsize)

    def _repr_html_(self):
        return write_html(self)


def _refuse_list_of_images(entries):
    """Raise an error if a list holds images with a WCS, or HDUs, instead of numbers."""
    if any(hasattr(entry, "wcs") or is_hdu(entry) for entry in entries):
        raise ValueError(
            f"There must be one cube, got a list of {len(entries)}. If these are "
            "images on several grids: CubeAligner().fit_transform(cubes). Others "
            "are joined by skesom.io.read_cube."
        )


def _check_wcs(wcs):
    """Refuse what is not the WCS of an image."""
    if wcs is None:
        return
    if not hasattr(wcs, "naxis"):
        raise TypeError(
            "The wcs of a cube must be an astropy.wcs.WCS, such as WCS(header). "
            f"Got {wcs!r:.80}."
        )
    if wcs.naxis != 2:
        raise ValueError(
            f"The WCS of a cube has two celestial axes, got {wcs.naxis}. "
            "Pass wcs.celestial."
        )


def _is_list_of_names(key):
    """Return whether an index of a cube is a list of band names."""
    if not isinstance(key, list) or len(key) == 0:
        return False
    return all(isinstance(entry, str) for entry in key)


def _unique_names(band_names, n_bands):
    """Return the names of bands, by default their numbers; refuse repeated ones."""
    if band_names is None:
        band_names = [f"band {number + 1}" for number in range(n_bands)]
    names = tuple(map(legible, band_names))
    if len(set(names)) != len(names):
        raise ValueError(f"Band names must be unique, got {list(names)}.")
    return names


def _units_or_none(band_units, n_bands):
    """Return a unit or None for each band."""
    if band_units is None:
        return (None,) * n_bands
    return tuple(None if unit is None else unit_of(unit) for unit in band_units)


def _numbers_or_nan(values, n_bands):
    """Return one number for each band as float64, NaN if there are none."""
    if values is None:
        return np.full(n_bands, np.nan)
    return np.asarray(filled(values), dtype=np.float64)


def _check_coordinates(band_coordinates):
    """Return the spectral coordinates of bands as float64; they need a unit."""
    if band_coordinates is None:
        return None
    if not isinstance(band_coordinates, Quantity):
        raise ValueError(
            "band_coordinates needs a unit: give an astropy Quantity, got "
            f"{type(band_coordinates).__name__}."
        )
    return Quantity(filled(band_coordinates), band_coordinates.unit, dtype=np.float64)


def _make_nddata(data, errors, *, wcs, unit, meta):
    """Return NDData whose mask is True at NaN; errors may be None."""
    return NDData(
        data,
        uncertainty=None if errors is None else StdDevUncertainty(errors),
        mask=np.isnan(data),
        wcs=wcs,
        unit=unit,
        meta=meta,
    )

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
from skesom._common.lazy_strips import as_strips, in_strips
from skesom._common.masked import filled
from skesom._common.texts import legible, list_names
from skesom._common.warn import warn_user
from skesom._sky.header_cards import band_cards, is_hdu
from skesom._sky.units import unit_of
from skesom._types import DataArray, Figure
from skesom.cube._parts import as_slice, cut_wcs, find_cutout, full_key
from skesom.cube._preview import draw_bands, write_html
from skesom.cube.description import DESCRIPTION, write_description

_PER_BAND = ("band_names", "band_units", "fwhm", "band_coordinates", "zero_points")
_PER_BAND += ("diffraction_fwhm",)
NDDATA_KEY = "skesom.cube.Cube"  # of what else a cube knows, in meta data of NDData

# Two axes that are so much longer than the first one, and of similar length, look like
# an image with its bands first. Spectra of 10 x 20 and of 4 x 4 pixels do not.
_MUCH_LONGER = 8
_SIMILAR = 4


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
        is_list = isinstance(data, list | tuple)
        if is_list and any(hasattr(part, "wcs") or is_hdu(part) for part in data):
            raise ValueError(
                f"There must be one cube, got a list of {len(data)}. If these are "
                "images on several grids: CubeAligner().fit_transform(cubes). Others "
                "are joined by skesom.io.read_cube."
            )
        if isinstance(data, units.Quantity) and band_units is None and data.ndim == 3:
            band_units = [data.unit] * data.shape[2]
        self.data = _as_native_float(data)
        if self.data.ndim != 3:
            raise ValueError(
                "A cube has three axes (rows, columns, bands), got an array with "
                f"{self.data.ndim} axes of shape {self.data.shape}. One image is a "
                "cube of one band: image[:, :, np.newaxis]."
            )
        if wcs is not None and not hasattr(wcs, "naxis"):
            raise TypeError(
                "The wcs of a cube must be an astropy.wcs.WCS, such as WCS(header). "
                f"Got {wcs!r:.80}."
            )
        _check_bands_last(self.data.shape, band_names, wcs)
        if is_lazy(self.data):
            self.data = as_strips(self.data, "The cube")
        if wcs is not None and wcs.naxis != 2:
            raise ValueError(
                f"The WCS of a cube has two celestial axes, got {wcs.naxis}. "
                "Pass wcs.celestial."
            )
        self.wcs = wcs
        self._pixel_scale = pixel_scale
        self._without_infinities = None  # data in which none were found
        n_bands = self.data.shape[2]
        if band_names is None:
            band_names = [f"band {number + 1}" for number in range(n_bands)]
        self.band_names = tuple(map(legible, band_names))
        if len(set(self.band_names)) != len(self.band_names):
            raise ValueError(f"Band names must be unique, got {list(self.band_names)}.")
        band_units = [None] * n_bands if band_units is None else band_units
        self.band_units = tuple(
            None if unit is None else unit_of(unit) for unit in band_units
        )
        if isinstance(fwhm, units.Quantity):
            fwhm = fwhm.to_value(units.arcsec)
        self.fwhm = _floats_or_nan(fwhm, n_bands)
        self.zero_points = _floats_or_nan(zero_points, n_bands)
        self.diffraction_fwhm = _floats_or_nan(diffraction_fwhm, n_bands)
        if not isinstance(band_coordinates, units.Quantity | None):
            raise ValueError(
                "band_coordinates needs a unit: give an astropy Quantity, got "
                f"{type(band_coordinates).__name__}."
            )
        if band_coordinates is not None:
            unit = band_coordinates.unit
            band_coordinates = units.Quantity(
                filled(band_coordinates), unit, dtype=np.float64
            )
        self.band_coordinates = band_coordinates
        for name in _PER_BAND:
            description = getattr(self, name)
            if description is not None and np.shape(description) != (n_bands,):
                raise ValueError(
                    f"{name} must have one entry for each of the {n_bands} bands, "
                    f"got {np.size(description)}."
                )
        self.errors = _check_errors(errors, self.data)
        self.sky_mask = _check_sky_mask(sky_mask, self.data)

    @property
    def pixel_scale(self) -> tuple[float, float] | None:
        """Height and width of a pixel in arcsec, None if unknown."""
        if self._pixel_scale is not None or self.wcs is None:
            return self._pixel_scale
        scales = zip(proj_plane_pixel_scales(self.wcs), self.wcs.wcs.cunit, strict=True)
        width, height = (float(s * unit.to(units.arcsec)) for s, unit in scales)
        return height, width

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
        rows, columns, bands = self.shape
        sky = "no WCS" if self.wcs is None else "WCS"
        errors = "" if self.errors is None else ", errors"
        lazy = ", lazy" if self.is_lazy else ""
        return (
            f"<Cube {rows} x {columns} pixels, {bands} bands "
            f"({list_names(self.band_names)}), {self.dtype}, {sky}{errors}{lazy}>"
        )

    def __getitem__(self, key: Any) -> Any:
        """Cut the cube; the result is a Cube as long as it keeps all three axes.

        A name gives the image of a band, a list of names a Cube of these bands.
        """
        if isinstance(key, str):
            return self.data[:, :, self._number(key)]
        if isinstance(key, list) and key and all(isinstance(k, str) for k in key):
            key = ..., [self._number(name) for name in key]
        data = self.data[key]
        if data.ndim != 3:
            return data
        rows, columns, bands = full_key(key)
        if not isinstance(columns, slice):
            return data
        pixels = rows, columns
        rows, columns = as_slice(rows, self.shape[0]), as_slice(columns, self.shape[1])
        wcs, pixel_scale = self.wcs, self._pixel_scale
        if rows is None or columns is None:  # as in a cross-validation
            wcs, pixel_scale = None, self.pixel_scale
        else:
            wcs = None if wcs is None else cut_wcs(wcs, rows, columns)
            if pixel_scale is not None:
                height, width = pixel_scale
                pixel_scale = height * (rows.step or 1), width * (columns.step or 1)
        picked = np.arange(self.shape[2])[bands]
        return Cube(
            data,
            wcs=wcs,
            pixel_scale=pixel_scale,
            errors=_cut(self.errors, key),
            sky_mask=_cut(self.sky_mask, pixels),
            **{name: _cut(getattr(self, name), picked) for name in _PER_BAND},
        )

    def _number(self, name):
        """Return the place of the band of a name."""
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
        parts = {name: getattr(self, name) for name in names}
        parts["pixel_scale"] = None if "wcs" in changes else self._pixel_scale
        if "data" in changes:
            parts["errors"] = None
        if "band_units" in changes:
            parts["zero_points"] = None
        if np.shape(changes.get("data", self.data))[:2] != self.shape[:2]:
            parts["sky_mask"] = None
        if np.shape(changes.get("data", self.data))[2:] != self.shape[2:]:
            parts["diffraction_fwhm"] = None
        cube = Cube(**(parts | changes))
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
        if band is None and len(set(self.band_units)) > 1:
            raise ValueError(
                f"NDData has one unit, but the bands have {self.band_units}. Name a "
                "band, or convert them with FluxUnitConverter."
            )
        number = self._number(band) if isinstance(band, str) else band or 0
        wcs, errors = self.wcs, self.errors
        if band is None:
            data = np.moveaxis(self.data, 2, 0)
            errors = None if errors is None else np.moveaxis(errors, 2, 0)
            wcs = None if wcs is None else wcs.sub([1, 2, 0])  # an axis without a name
            parts = {name: getattr(self, name) for name in (*_PER_BAND, "sky_mask")}
            meta = {NDDATA_KEY: parts | {"pixel_scale": self._pixel_scale}}
        else:
            data, errors = self.data[:, :, number], _cut(errors, np.s_[:, :, number])
            meta = band_cards(self, number)
        return NDData(
            data,
            uncertainty=None if errors is None else StdDevUncertainty(errors),
            mask=np.isnan(data),
            wcs=wcs,
            unit=self.band_units[number],
            meta=meta,
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
        text = "This needs xarray: pip install 'skesom[zarr]'."
        xarray = import_extra("xarray", text)
        known = {name: getattr(self, name) for name in _PER_BAND}
        text = write_description(self.wcs, pixel_scale=self._pixel_scale, **known)
        attributes = {DESCRIPTION: text}
        if len(set(self.band_units)) == 1 and self.band_units[0] is not None:
            attributes["units"] = self.band_units[0].to_string()
        dims, (rows, columns, _) = ("y", "x", "band"), self.shape
        coordinates = {"y": np.arange(rows), "x": np.arange(columns)}
        coordinates["band"] = list(self.band_names)
        for name, axes in (("errors", dims), ("sky_mask", dims[:2])):
            if getattr(self, name) is not None:
                coordinates[name] = axes, getattr(self, name)
        return xarray.DataArray(
            self.data, coordinates, dims, name="data", attrs=attributes
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


def _cut(values, key):
    """Return a part of an array, or of a tuple, that may be None."""
    if isinstance(values, tuple):
        return [values[place] for place in key]
    return None if values is None else values[key]


def _floats_or_nan(values, n_bands):
    """Return numbers as float64, NaN for each band by default."""
    values = np.full(n_bands, np.nan) if values is None else values
    return np.asarray(filled(values), dtype=np.float64)


def _as_native_float(data):
    """Return data as float32 or float64 in native byte order, as a copy if needed."""
    if is_lazy(data):
        made = _as_native_float(data._meta)
        if made is data._meta:
            return data
        return data.map_blocks(_as_native_float, dtype=made.dtype, meta=made)
    data = np.asarray(filled(data))
    if data.dtype.kind not in "biuf":
        raise ValueError(f"A cube holds real numbers, got an array of {data.dtype}.")
    is_short = data.dtype.itemsize <= (4 if data.dtype.kind == "f" else 2)
    return np.asarray(data, dtype=np.float32 if is_short else np.float64)


def _beside(values, data):
    """Return values in strips beside lazy data, in memory beside data in memory."""
    if is_lazy(data):
        return in_strips(values, data.chunks)
    return in_memory(values)


def _check_errors(errors, data):
    """Return errors in the type of the data after comparing their shapes."""
    if errors is None:
        return None
    errors = _as_native_float(errors)
    if errors.shape != data.shape:
        raise ValueError(
            f"errors must have the shape of the data {data.shape}, got {errors.shape}."
        )
    return _beside(errors.astype(data.dtype, copy=False), data)


def _check_sky_mask(sky_mask, data):
    """Return the mask of sky after comparing its pixels with those of the data."""
    if sky_mask is None:
        return None
    if not is_lazy(sky_mask):
        sky_mask = np.asarray(filled(sky_mask, False))
    if sky_mask.dtype != bool or sky_mask.shape != data.shape[:2]:
        raise ValueError(
            f"sky_mask must be of bool and have the pixels of the data "
            f"{data.shape[:2]}, got {sky_mask.dtype} of shape {sky_mask.shape}."
        )
    return _beside(sky_mask, data)


def _check_bands_last(shape, band_names, wcs):
    """Refuse an array whose bands come first for sure; warn of one that looks so.

    Names of bands and a WCS of the image tell it. Without both, few rows beside many
    columns and bands may also be a slit, or a strip of a cube of spectra.
    """
    n_first, n_second, n_last = shape
    mend = "np.moveaxis(array, 0, -1) puts the bands last"
    if band_names is not None:
        if len(band_names) == n_first != n_last:
            raise ValueError(
                f"A cube has the axes (rows, columns, bands), but of shape {shape} the "
                f"first axis has the length of the {len(band_names)} band names: "
                f"{mend}."
            )
        return
    size = None if wcs is None else wcs.array_shape
    if size is not None and size == shape[1:] != shape[:2]:
        raise ValueError(
            f"A cube has the axes (rows, columns, bands), but of shape {shape} the "
            f"last two axes are the {size[0]} x {size[1]} pixels of the WCS: {mend}."
        )
    longest, shortest = max(n_second, n_last), min(n_second, n_last)
    looks_so = shortest >= _MUCH_LONGER * n_first and longest <= _SIMILAR * shortest
    if looks_so and wcs is None and n_first > 1:
        warn_user(
            f"A cube has the axes (rows, columns, bands), and shape {shape} means "
            f"{n_first} rows and {n_last} bands. If it has {n_first} bands, as arrays "
            f"of astropy have them, {mend}."
        )

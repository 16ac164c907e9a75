# SPDX-License-Identifier: BSD-3-Clause
"""Pixels of images, and the errors, masks and weights beside them."""

import math
import os
import threading
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.nddata.bitmask import bitfield_to_boolean_mask

from skesom._common.fits_files import HDUsInMemory, file_stamp, is_packed, open_fits
from skesom._common.lazy import computed, is_lazy
from skesom._common.masked import filled
from skesom._common.row_files import new_row_file
from skesom._common.strips import strips_of
from skesom._common.warn import warn_user
from skesom._sky.grids import Grid, same_grid
from skesom._sky.header_cards import read_unit
from skesom._sky.world_axes import read_world
from skesom.cube.convert import ERROR_POWERS, order_axes, to_errors
from skesom.io import fits_files as files

_NAMES = {"masks": files.MASK_NAMES, "weights": files.WEIGHT_NAMES}
_NAMES["errors"] = set(files.ERROR_KINDS)
_PARTS = {"POISSON", "RNOISE", "FLAT"}  # of the variance, in files of JWST
_BAD_PLANES = "BAD", "CR", "NO_DATA", "SAT", "UNMASKEDNAN"  # of the LSST pipelines
_UNCERTAINTY_CLASSES = {  # as astropy.nddata.CCDData writes them
    "StdDevUncertainty": "std",
    "VarianceUncertainty": "var",
    "InverseVariance": "ivar",
}
_CLASSES_OF_ERRORS = {"RMSE": "std", "MSE": "var", "INVMSE": "ivar"}
_CARDS_OF_PLANES = {"errors": "ERRDATA", "masks": "QUALDATA"}
_MOST_FLAGGED = 0.5  # of an image, without a warning


class Plane(NamedTuple):
    """Errors ("std", "var", "ivar"), "masks" or "weights" of the pixels of an image."""

    label: str
    kind: str
    open: Callable  # context manager of a scalar or an array of one or all bands
    factor: float = 1.0  # to the unit of the image
    file: str | None = None
    harmless: int = 0  # flags of pixels that can be used


def find_beside(hdus, image, role, wanted, error_kind):
    """Return the plane in the file of the image or, if "auto", one of like name."""
    path, _ = image.place
    if wanted in ("auto", "inside"):
        chosen = number_beside(hdus, image, role)
        if chosen is None:
            # Of several images in a file, it is not clear whose another file is.
            single = len(files.find_images(hdus, "all", path)) == 1
            in_memory = isinstance(path, HDUsInMemory)
            is_search = wanted == "auto" and single and not in_memory
            return _find_in_folder(image, role, error_kind) if is_search else None
    else:
        # If names are repeated, the plane with the version of the image is meant.
        name = wanted.upper() if isinstance(wanted, str) else None
        same = [n for n in _fitting(hdus, image) if hdus[n].name == name]
        chosen = same[0] if same else files.find_hdu(hdus, wanted, path)
    return _make_plane(hdus, chosen, path, image, role, error_kind)


def number_beside(hdus, image, role):
    """Return the number of the HDU that holds a plane of an image, None without one.

    Cards name it in files of ESO, and the names of the HDUs do in others.
    """
    fitting = _fitting(hdus, image)
    header = hdus[image.place[1]].header
    card = _CARDS_OF_PLANES.get(role)
    if card is not None and card in header:
        name = str(header[card]).strip().upper()
        named = [number for number in fitting if hdus[number].name == name]
        if named:
            return named[0]
    return _choose(hdus, fitting, role)


def _fitting(hdus, image):
    """Return the numbers of the HDUs that may hold a plane of an image."""
    number = image.place[1]
    name, version = hdus[number].name, hdus[number].ver
    fitting = [n for n, h in enumerate(hdus) if _belongs_to(h, name, version, image)]
    return [n for n in fitting if n != number]


def find_elsewhere(image, role, wanted, error_kind):
    """Return the plane in another file or in an array."""
    if not isinstance(wanted, str | os.PathLike):
        array = wanted if is_lazy(wanted) else np.asanyarray(wanted)
        return _array_plane(image, role, array, error_kind)
    path, bracket = files.split_path(os.fspath(wanted))
    with open_fits(path, keep=True) as hdus:
        if bracket is not None:
            number = files.find_hdu(hdus, bracket, path)
        else:
            images = [n for n, hdu in enumerate(hdus) if files.is_image(hdu)]
            number = images[0] if len(images) == 1 else _choose(hdus, images, role)
        if number is None:
            raise ValueError(
                f"{path} does not tell which HDU holds the {role} of {image.label}: "
                f"{files.list_hdus(hdus)}. Name it as in image.fits[ERR]."
            )
        label = files.name_hdu(path, number)
        wcs = read_world(hdus[number].header, hdus, label).celestial
        known = wcs is not None and image.grid.wcs is not None
        if known and not same_grid(Grid(wcs, image.grid.shape), image.grid):
            raise ValueError(
                f"{label} lies on other pixels of the sky than {image.label}. Align it."
            )
        return _make_plane(hdus, number, path, image, role, error_kind)


def _find_in_folder(image, role, error_kind):
    """Return the plane in a file named as that of the image but for its kind."""
    path, _ = files.split_path(image.label)
    words, held = files.split_file_name(path)
    folder = os.path.dirname(path)
    if held:
        return None  # no name of an image
    ranked = []
    for name in sorted(os.listdir(folder or ".")):
        is_fits = files.FITS_SUFFIX.search(name)
        others, held = files.split_file_name(name) if is_fits else ([], [])
        if others == words and (held := [w for w in held if w in _NAMES[role]]):
            ranked.append((_rank(held[0], role), os.path.join(folder, name)))
    best = [path for rank, path in sorted(ranked) if rank == min(ranked)[0]]
    if len(best) > 1:
        raise ValueError(
            f"Several files may hold the {role} of {image.label}: {', '.join(best)}. "
            f"Name the {role} of each image."
        )
    try:
        return find_elsewhere(image, role, *best, error_kind) if best else None
    except (OSError, ValueError) as error:
        warn_user(f"{best[0]} is not used: {error}")
        return None


def _belongs_to(hdu, name, version, image):
    """Return whether an HDU may hold a plane of the image with a name and version."""
    fits = files.is_image(hdu) and _plane_axes(hdu.shape, image) is not None
    if not (fits or _is_constant(hdu)):
        return False
    words, own = files.split_name(hdu.name), files.split_name(name)
    return hdu.ver == version if len(words) == 1 else own in (words[1:], words[:-1])


def _is_constant(hdu):
    """Return whether an HDU has one value for all pixels, as in Hubble's files."""
    return hdu.is_image and hdu.shape == () and "PIXVALUE" in hdu.header


def _choose(hdus, candidates, role):
    """Return the best candidate for a role, None without any."""
    named = []
    for number in candidates:
        words = files.outer_words(hdus[number].name)
        fitting = [word for word in words if word in _NAMES[role]]
        if fitting and _PARTS.isdisjoint(words):
            named.append((_rank(fitting[0], role), number))
    return min(named, default=(0, None))[1]


def _rank(word, role):
    """Return the place of a plane of some name among those of a role."""
    if role != "errors":
        return 0
    # Standard deviations come first, because they are used as they are. STD is how far
    # exposures differ, in mosaics of Spitzer and WISE, and not the error of their mean.
    kind = files.ERROR_KINDS[word]
    return 3 if word in ("STD", "STDDEV") else list(ERROR_POWERS).index(kind)


def _array_plane(image, role, array, error_kind):
    """Return the plane of an array in memory."""
    if array.shape not in (image.grid.shape, (*image.grid.shape, image.n_bands)):
        rows, columns = image.grid.shape
        raise ValueError(
            f"The array given as {role} of {image.label} has the shape {array.shape}, "
            f"but the image has {rows} x {columns} pixels in {image.n_bands} bands."
        )
    kind = role if role != "errors" else error_kind or "std"
    if not is_lazy(array):  # a hidden flag has all bits
        flags = role == "masks" and array.dtype.kind in "biu"
        array = np.asarray(filled(array, ~array.dtype.type(0) if flags else np.nan))
    opener = partial(open_array, array)
    return Plane(f"the {role} of {image.label}", kind, opener)


def _make_plane(hdus, number, path, image, role, error_kind):
    """Return the plane of an HDU, which must fit the image."""
    hdu = hdus[number]
    label = files.name_hdu(path, number)
    label += "" if hdu.name in ("", "PRIMARY", "COMPRESSED_IMAGE") else f" ({hdu.name})"
    kind, factor = role, 1.0
    if role == "errors":
        kind = error_kind or _error_kind(hdu, image, label, path)
        factor = _unit_factor(hdu, image, kind, label)
    if _is_constant(hdu):
        value = np.asarray(hdu.header["PIXVALUE"])
        return Plane(label, kind, partial(open_array, value), factor, path)
    axes = _plane_axes(hdu.shape, image)
    if axes is None:
        shape = " x ".join(map(str, hdu.shape[::-1]))
        wanted = " x ".join(map(str, image.grid.shape[::-1]))
        raise ValueError(
            f"{label} has {shape} pixels, but the image {image.label} has {wanted}."
        )
    # Scaling to floats may lose bits of flags.
    opener = opener_of(path, number, axes, uint=role == "masks")
    harmless = _harmless_flags(hdus, hdu.header) if role == "masks" else 0
    return Plane(label, kind, opener, factor, str(path), harmless)


def _harmless_flags(hdus, header):
    """Return the flags that do not rule a pixel out, by the origin of a file."""
    if hdus[0].header.get("TELESCOP") == "JWST":
        return ~1  # all but DO_NOT_USE
    planes = {c.removeprefix("MP_"): header[c] for c in header if c.startswith("MP_")}
    bad = [planes[name] for name in _BAD_PLANES if isinstance(planes.get(name), int)]
    return ~sum(1 << bit for bit in bad if 0 <= bit < 63) if bad else 0


def _plane_axes(shape, image):
    """Return the axes of rows, columns and bands of a plane, None if none fit."""
    if image.place is not None and shape == image.shape:
        return image.axes
    *leading, row, column = range(len(shape))
    if (shape[row], shape[column]) != image.grid.shape:
        return None
    leading = [axis for axis in leading if shape[axis] > 1]
    fits = [shape[axis] for axis in leading] in ([], [image.n_bands])
    return (row, column, *leading) if fits else None


def _error_kind(hdu, image, label, path):
    """Return the kind of errors by the cards, unit or name of an HDU, or of a file."""
    written = hdu.header.get("UTYPE")
    if written in _UNCERTAINTY_CLASSES:
        return _UNCERTAINTY_CLASSES[written]
    written = str(hdu.header.get("HDUCLAS3", "")).strip().upper()
    if written in _CLASSES_OF_ERRORS:
        return _CLASSES_OF_ERRORS[written]
    kind = _kind_of_unit(hdu, image)
    if kind is not None:
        return kind
    _, held = files.split_file_name(path)
    for word in (*files.outer_words(hdu.name), *held):
        if word in files.ERROR_KINDS:
            return files.ERROR_KINDS[word]
        if word in files.WEIGHT_NAMES | files.MASK_NAMES:
            raise ValueError(
                f"{label} does not show the kind of its errors. Give error_kind="
                "'ivar' (inverse variances), 'var' or 'std'."
            )
    return "std"


def _kind_of_unit(hdu, image):
    """Return the kind of errors in the squared unit of an image or its inverse.

    None of other units: variances are often labeled with the unit of the image.
    """
    unit, of_image = read_unit([hdu.header]), image.band_units[0]
    if unit is None or of_image is None:
        return None
    for kind in ("var", "ivar"):
        wanted = of_image ** ERROR_POWERS[kind]
        if unit.is_equivalent(wanted) and not unit.is_equivalent(of_image):
            return kind
    return None


def _unit_factor(hdu, image, kind, label):
    """Return the factor from the values of a plane to the unit of the image."""
    unit, wanted = read_unit([hdu.header]), image.band_units[0]
    if unit is None or wanted is None:
        return 1.0
    try:
        return unit.to(wanted ** ERROR_POWERS[kind])
    except units.UnitConversionError as error:
        if unit == wanted:
            return 1.0  # variances are often labeled with the unit of the image
        raise ValueError(
            f"{label} is in {unit}, but the image {image.label} in {wanted}."
        ) from error


def opener_of(file, number, axes, *, uint=False):
    """Return the opener of pixels of an HDU, if the file is still as it is now."""
    stamp = None if isinstance(file, HDUsInMemory) else file_stamp(file)
    return partial(open_pixels, file, number, axes, stamp=stamp, uint=uint)


@contextmanager
def open_array(array):
    """Give an array, computed if it is lazy."""
    yield computed(array)[0] if is_lazy(array) else array


# The decoder of HCOMPRESS keeps its place in the file for all threads together.
_hcompress = threading.Lock()


@contextmanager
def open_pixels(file, number, axes, rows=None, *, stamp=None, uint=False):
    """Open some or all rows of an HDU, its axes in the order rows, columns, bands."""
    with _reader(file, number, axes, stamp=stamp, uint=uint) as read:
        yield read(rows)


@contextmanager
def _reader(file, number, axes, *, stamp, uint):
    """Give a function that reads some rows of an HDU, or all for None."""

    def read_from(hdu, rows):
        parts = [slice(None)] * len(hdu.shape)
        parts[axes[0]] = rows
        one_by_one = getattr(hdu, "compression_type", "") == "HCOMPRESS_1"
        with _hcompress if one_by_one else nullcontext():
            return hdu.data if rows is None else hdu.section[tuple(parts)]

    with open_fits(file, stamp=stamp, uint=uint) as hdus:
        zero_is_blank = hdus[number].header.get("BLANK") == 0
        in_memory = isinstance(file, HDUsInMemory)

        def read(rows):
            data = read_from(hdus[number], rows)
            if zero_is_blank and data.dtype.kind == "f" and not in_memory:
                # astropy ignores a BLANK of zero.
                with open_fits(file, stamp=stamp, uint=uint, scaled=False) as stored:
                    data[read_from(stored[number], rows) == 0] = np.nan
            return order_axes(data, axes)

        yield read


def _unpacked_rows(opener, label, strips):
    """Return the rows of a packed file in one on the disk, where strips can be read."""
    with _reader(*opener.args, **opener.keywords) as read:
        first = read(strips[0])
        file = new_row_file(first.dtype, (strips[-1].stop, *first.shape[1:]))
        size = math.prod(file.shape) * file.dtype.itemsize
        warn_user(
            f"{label} is compressed as a whole: its pixels are unpacked to {file.path} "
            f"({size / 1e9:.3g} GB). Decompress it to have it read where it is."
        )
        try:
            for rows in strips:
                file[rows,] = read(rows)
        except BaseException:
            file.remove()
            raise
    return file


@contextmanager
def _open_rows(file, rows):
    """Give some rows of a file of rows."""
    yield file[rows,]


def open_in_tasks(part, strips):
    """Return the opener of strips of rows of an image or plane in tasks of dask."""
    opener, (source, *place) = part.open, part.open.args
    if isinstance(source, HDUsInMemory):
        raise ValueError(f"{part.label} is in memory. For lazy=True, give its path.")
    if opener.func is open_array and is_lazy(source):
        from dask import delayed

        heights = tuple(rows.stop - rows.start for rows in strips)
        whole = source.rechunk((heights, *source.shape[1:]))
        blocks = whole.to_delayed().ravel()
        return [delayed(partial, pure=False)(open_array, block) for block in blocks]
    if opener.func is open_pixels and is_packed(source):
        file = _unpacked_rows(opener, part.label, strips)
        return [partial(_open_rows, file, rows) for rows in strips]
    if opener.func is open_array:
        cut = [source[rows] if source.ndim else source for rows in strips]
        return [partial(open_array, array) for array in cut]
    read = partial(open_pixels, os.path.abspath(source), *place, **opener.keywords)
    return [partial(read, rows=rows) for rows in strips]


def copy_pixels(image, data, places):
    """Copy the bands of an image to their places in the data; masked becomes NaN."""
    with image.open() as array, np.errstate(over="raise"):
        try:
            # Band by band is faster than one copy that transposes.
            for band, place in enumerate(places):
                values = array if array.ndim == 2 else array[:, :, band]
                data[:, :, place] = values
        except FloatingPointError as error:
            raise ValueError(
                f"{image.label} holds values beyond {data.dtype}. Use dtype=np.float64."
            ) from error


def apply_plane(plane, data, errors, places, ignore_flags, is_whole):
    """Fill in the errors of an image, or mask the pixels that a plane rules out."""
    n_flagged = 0
    with plane.open() as array, np.errstate(all="ignore"):
        for band, place in enumerate(places):
            for rows in strips_of(data.shape[:2], "block"):
                index = (rows, slice(None), band)[: array.ndim]
                values = array[index] if array.ndim else array
                if plane.kind == "masks":
                    ignored = plane.harmless if ignore_flags == "auto" else ignore_flags
                    bad = _find_flagged(values, ignored, plane.label)
                    n_flagged += np.count_nonzero(np.broadcast_to(bad, values.shape))
                elif plane.kind == "weights":
                    bad = ~(values > 0)
                else:
                    one = plane.kind, plane.factor, errors.dtype
                    errors[rows, :, place], bad = to_errors(values, *one)
                if plane.kind in ("masks", "weights", "ivar"):
                    np.copyto(data[rows, :, place], np.nan, where=bad)
    share = n_flagged / (data[:, :, 0].size * len(places))
    is_auto = ignore_flags == "auto" and is_whole
    if share > _MOST_FLAGGED and plane.file and is_auto:
        warn_user(
            f"{plane.label} flags {share:.0%} of the pixels, which are masked. If some "
            "of its flags do no harm, name them in ignore_flags; or leave it out."
        )


def _find_flagged(values, ignore_flags, label):
    """Return which pixels have other flags than the ignored ones."""
    values = np.asarray(values)
    if ignore_flags == 0 or values.dtype == bool:
        return values != 0
    if values.dtype.kind not in "iu":
        raise ValueError(
            f"{label} holds {values.dtype} numbers, which have no flags to ignore."
        )
    return bitfield_to_boolean_mask(values, ignore_flags=ignore_flags)

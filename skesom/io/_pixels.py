# SPDX-License-Identifier: BSD-3-Clause
"""Pixels of images and of the planes beside them: opened as a whole or by strips."""

import math
import os
import threading
from contextlib import contextmanager, nullcontext
from functools import partial

import numpy as np
from astropy.nddata.bitmask import bitfield_to_boolean_mask

from skesom._common.fits_checks import is_packed
from skesom._common.fits_files import HDUsInMemory, file_stamp, open_fits
from skesom._common.lazy import computed, is_lazy
from skesom._common.row_files import new_row_file
from skesom._common.strips import strips_of
from skesom._common.warn import warn_user
from skesom.cube.fits_images import order_axes, to_errors

_MOST_FLAGGED = 0.5  # of an image, without a warning
# The decoder of HCOMPRESS keeps its place in the file for all threads together.
_hcompress_lock = threading.Lock()


def opener_of(file, number, axes, *, uint=False):
    """Return the opener of pixels of an HDU, if the file is still as it is now."""
    stamp = None if isinstance(file, HDUsInMemory) else file_stamp(file)
    return partial(open_pixels, file, number, axes, stamp=stamp, uint=uint)


@contextmanager
def open_array(array):
    """Give an array, computed if it is lazy."""
    yield computed(array)[0] if is_lazy(array) else array


@contextmanager
def open_pixels(file, number, axes, rows=None, *, stamp=None, uint=False):
    """Open some or all rows of an HDU, its axes in the order rows, columns, bands."""
    with _reader(file, number, axes, stamp=stamp, uint=uint) as read:
        yield read(rows)


@contextmanager
def _reader(file, number, axes, *, stamp, uint):
    """Give a function that reads some rows of an HDU, or all for None."""

    def read_from(hdu, rows):
        is_hcompressed = getattr(hdu, "compression_type", "") == "HCOMPRESS_1"
        with _hcompress_lock if is_hcompressed else nullcontext():
            if rows is None:
                return hdu.data
            index = [slice(None)] * len(hdu.shape)
            index[axes[0]] = rows
            return hdu.section[tuple(index)]

    with open_fits(file, stamp=stamp, uint=uint) as hdus:
        zero_is_blank = hdus[number].header.get("BLANK") == 0
        in_memory = isinstance(file, HDUsInMemory)

        def read(rows):
            data = read_from(hdus[number], rows)
            if zero_is_blank and data.dtype.kind == "f" and not in_memory:
                # astropy ignores a BLANK of zero.
                with open_fits(file, stamp=stamp, uint=uint, scaled=False) as unscaled:
                    data[read_from(unscaled[number], rows) == 0] = np.nan
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
    """Return the openers of strips of rows of an image or plane in tasks of dask.

    Parameters
    ----------
    part : Image or Plane
    strips : list of slice
        Rows, from the first to the last.

    Returns
    -------
    openers : list of callable
        Context managers of the rows, one for each strip.
    """
    opener = part.open
    source, *arguments = opener.args  # an array; or a file, its HDU and axes
    if isinstance(source, HDUsInMemory):
        raise ValueError(f"{part.label} is in memory. For lazy=True, give its path.")
    if opener.func is open_array and is_lazy(source):
        from dask import delayed

        heights = tuple(rows.stop - rows.start for rows in strips)
        in_strips = source.rechunk((heights, *source.shape[1:]))
        blocks = in_strips.to_delayed().ravel()
        return [delayed(partial, pure=False)(open_array, block) for block in blocks]
    if opener.func is open_array and source.ndim == 0:  # one value for all pixels
        return [partial(open_array, source) for _ in strips]
    if opener.func is open_array:
        return [partial(open_array, source[rows]) for rows in strips]
    if opener.func is open_pixels and is_packed(source):
        file = _unpacked_rows(opener, part.label, strips)
        return [partial(_open_rows, file, rows) for rows in strips]
    path = os.path.abspath(source)
    open_rows = partial(open_pixels, path, *arguments, **opener.keywords)
    return [partial(open_rows, rows=rows) for rows in strips]


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


def apply_plane(plane, data, errors, places, ignore_flags, is_complete):
    """Fill in the errors of an image, or mask the pixels that a plane rules out.

    Parameters
    ----------
    plane : Plane
    data, errors : ndarray of shape (n_rows, n_columns, n_bands)
        Changed in place; `errors` is None if no image has them.
    places : sequence of int
        Where the bands of the image are in `data`.
    ignore_flags : "auto" or int
        Flags that do not mask.
    is_complete : bool
        Whether these are all rows, so that many flags can be warned of.
    """
    if ignore_flags == "auto":
        ignored_flags = plane.harmless
    else:
        ignored_flags = ignore_flags
    n_flagged = 0
    with plane.open() as array, np.errstate(all="ignore"):
        for band, place in enumerate(places):
            for rows in strips_of(data.shape[:2], "block"):
                values = array
                if array.ndim:
                    index = (rows, slice(None), band)
                    values = array[index[: array.ndim]]
                if plane.kind == "masks":
                    bad = _find_flagged(values, ignored_flags, plane.label)
                    n_flagged += np.count_nonzero(np.broadcast_to(bad, values.shape))
                elif plane.kind == "weights":
                    bad = ~(values > 0)
                else:
                    errors[rows, :, place], bad = to_errors(
                        values, plane.kind, plane.factor, errors.dtype
                    )
                if plane.kind in ("masks", "weights", "ivar"):
                    np.copyto(data[rows, :, place], np.nan, where=bad)
    share = n_flagged / (data[:, :, 0].size * len(places))
    is_auto = ignore_flags == "auto" and is_complete
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

# SPDX-License-Identifier: BSD-3-Clause
"""From a cube to a table of its valid pixels, and from rows back to the sky."""

import numpy as np

from skesom._common.blocks import find_valid, in_threads, row_blocks
from skesom._common.labels import MASKED, SKY
from skesom.cube import check_cube


def flatten(cube, *, pattern="pixel", min_bands=None, copy=True, n_jobs=None):
    """Make a table of the valid pixels of a cube.

    Parameters
    ----------
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands)
        NaN marks masked pixels.
    pattern : {"pixel", "voxel"}, default="pixel"
        "pixel": a row of the table is the spectrum of a pixel. "voxel": a row is one
        flux, a pixel in one band.
    min_bands : int, default=None
        Bands that must be there for a pixel to be valid; all by default. With fewer,
        the table holds NaN. Not used by the pattern "voxel".
    copy : bool, default=True
        False moves the valid pixels together in the memory of the cube, which is lost
        then, instead of copying them.
    n_jobs : int, default=None
        Number of threads.

    Returns
    -------
    table : ndarray of shape (n_valid, n_bands) or (n_valid, 1)
        The valid pixels in raster order, C-contiguous, of the dtype of the cube. A view
        of the cube if all pixels are valid.
    valid : ndarray of bool
        Shape (n_rows, n_columns), or (n_rows, n_columns, n_bands) for voxels.

    Raises
    ------
    ValueError
        If no pixel is valid, or `min_bands` exceeds the number of bands.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.pixels import flatten, unflatten
    >>> cube = np.arange(12.0).reshape(2, 2, 3)
    >>> cube[0, 1, 2] = np.nan
    >>> table, valid = flatten(cube)
    >>> table.shape, int(valid.sum())
    ((3, 3), 3)
    >>> unflatten(np.array([0, 1, 1]), valid)
    array([[ 0, -3],
           [ 1,  1]], dtype=int32)
    """
    cube = check_cube(cube)
    n_bands = cube.shape[2]
    valid = _find_valid(cube, pattern, min_bands, n_jobs)
    if not valid.any():
        raise ValueError(
            f"All {cube.shape[0] * cube.shape[1]} pixels are masked: none has "
            f"{min_bands or n_bands} bands with data. Mask less, or let partly "
            "observed pixels through with min_bands."
        )
    width = 1 if pattern == "voxel" else n_bands
    if valid.all():
        return np.ascontiguousarray(cube.data).reshape(-1, width), valid
    return _pick(cube.data, valid, width, copy, n_jobs), valid


def _pick(data, valid, width, copy, n_jobs):
    """Return the valid pixels or voxels of a cube, one in a row."""
    blocks = row_blocks(data.shape)
    ends = np.cumsum([np.count_nonzero(valid[rows]) for rows in blocks])
    in_place = not copy and data.flags.carray
    if in_place:
        table = data.reshape(-1, width)[: ends[-1]]
    else:
        table = np.empty((ends[-1], width), dtype=data.dtype)

    def fill(number):
        rows = blocks[number]
        picked = np.compress(valid[rows].ravel(), data[rows].reshape(-1, width), axis=0)
        table[ends[number] - len(picked) : ends[number]] = picked

    # In place, a block may only move when those before it have left.
    in_threads(fill, range(len(blocks)), 1 if in_place else n_jobs)
    return table


def valid_pixels(cube, *, pattern="pixel", min_bands=None):
    """Find the pixels that have enough bands with data.

    Parameters
    ----------
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands)
        NaN marks masked pixels.
    pattern : {"pixel", "voxel"}, default="pixel"
        Whether pixels or single fluxes are asked about.
    min_bands : int, default=None
        Bands that must be there; all by default. Not used by the pattern "voxel".

    Returns
    -------
    valid : ndarray of bool
        Shape (n_rows, n_columns), or (n_rows, n_columns, n_bands) for voxels.

    Raises
    ------
    ValueError
        If `min_bands` exceeds the number of bands.
    """
    return _find_valid(check_cube(cube), pattern, min_bands)


def _find_valid(cube, pattern, min_bands, n_jobs=None):
    """Find the valid pixels or voxels of a cube that has been checked."""
    if pattern == "voxel":
        return ~np.isnan(cube.data)
    return find_valid(cube.data, min_bands, n_jobs)


def unflatten(values, valid):
    """Put the rows of a table back to where their pixels are.

    Parameters
    ----------
    values : array-like of shape (n_valid,) or (n_valid, n_values)
        A label or numbers for each valid pixel, in raster order.
    valid : ndarray of bool or int
        As `flatten` returns it; or the row of each pixel, negative where it is masked
        (-2 if it is sky), as the segments of `SuperpixelFlattener`.

    Returns
    -------
    image : ndarray of shape valid.shape or valid.shape + (n_values,)
        Integers become int32 and -3 where a pixel is masked (-2 in segments of sky);
        floating-point numbers keep their dtype and are NaN there.

    Raises
    ------
    ValueError
        If there is not one row for each valid pixel (or segment).
    """
    values, valid = np.asarray(values), np.asarray(valid)
    is_sky = None
    if valid.dtype.kind in "iu":
        is_sky = valid == SKY
        rows, valid = valid, valid >= 0
        n_rows = int(rows.max(initial=-1)) + 1
        if len(values) != n_rows:
            raise ValueError(f"Got {len(values)} rows for {n_rows} segments.")
        values = values[rows[valid]]
    n_valid = np.count_nonzero(valid)
    if len(values) != n_valid:
        raise ValueError(f"Got {len(values)} rows for {n_valid} valid pixels.")
    if values.dtype.kind in "iub":
        image = np.full(valid.shape + values.shape[1:], MASKED, dtype=np.int32)
        if is_sky is not None:
            image[is_sky] = SKY
    else:
        image = np.full(valid.shape + values.shape[1:], np.nan, dtype=values.dtype)
    image[valid] = values
    return image

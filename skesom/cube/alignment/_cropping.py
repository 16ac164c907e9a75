# SPDX-License-Identifier: BSD-3-Clause
"""The rectangle of a grid in which enough bands have data."""

import numpy as np

from skesom._common.lazy import computed
from skesom._sky.grids import cut_grid, overlap_box
from skesom.cube.alignment._grid import grid_of
from skesom.cube.valid_pixels import find_valid


def crop_grid(cubes, grid, min_bands):
    """Return the part of a grid that enough bands can reach, None if they reach none.

    `min_bands` bands are enough, or all of them if that is None.
    """
    boxes = []
    n_bands_of_boxes = []
    for cube in cubes:
        box = overlap_box(grid, [grid_of(cube)])
        if box is not None:
            boxes.append(box)
            n_bands_of_boxes.append(cube.shape[2])
    # The edges of all boxes cut the grid into cells, in which bands are counted: the
    # grid itself may be larger than memory.
    row_edges = _find_edges(rows for rows, _ in boxes)
    column_edges = _find_edges(columns for _, columns in boxes)
    n_cells = (max(0, len(row_edges) - 1), max(0, len(column_edges) - 1))
    count = np.zeros(n_cells, dtype=int)
    for (rows, columns), n_bands in zip(boxes, n_bands_of_boxes, strict=True):
        top, bottom = np.searchsorted(row_edges, (rows.start, rows.stop))
        left, right = np.searchsorted(column_edges, (columns.start, columns.stop))
        count[top:bottom, left:right] += n_bands
    if min_bands is None:
        min_bands = sum(cube.shape[2] for cube in cubes)
    cells = _find_bounds(count >= min_bands)
    if cells is None:
        return None
    row_cells, column_cells = cells
    rows = slice(int(row_edges[row_cells.start]), int(row_edges[row_cells.stop]))
    columns = slice(
        int(column_edges[column_cells.start]), int(column_edges[column_cells.stop])
    )
    return cut_grid(grid, (rows, columns))


def _find_edges(slices):
    """Return the numbers of pixels at which slices begin or end, in order."""
    return np.unique([(side.start, side.stop) for side in slices])


def crop_cube(cube, min_bands):
    """Return the pixels of a cube around those with data in enough bands, or None."""
    box = _find_bounds(find_valid(cube.data, min_bands))
    if box is None:
        return None
    if box == tuple(slice(0, length) for length in cube.shape[:2]):
        return cube
    cropped = cube[box]
    if cropped.is_lazy:
        return cropped
    errors = cropped.errors
    if errors is not None:
        errors = np.ascontiguousarray(errors)
    # A copy, so that the larger cube can go.
    return cropped.replace(data=np.ascontiguousarray(cropped.data), errors=errors)


def _find_bounds(mask):
    """Return slices of the rows and columns around the pixels of a mask, or None."""
    in_rows, in_columns = computed(mask.any(axis=1), mask.any(axis=0))
    rows = np.flatnonzero(in_rows)
    columns = np.flatnonzero(in_columns)
    if not len(rows):
        return None
    return (
        slice(int(rows[0]), int(rows[-1]) + 1),
        slice(int(columns[0]), int(columns[-1]) + 1),
    )

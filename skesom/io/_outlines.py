# SPDX-License-Identifier: BSD-3-Clause
"""The outlines of the connected pieces of a label map, exactly along pixel edges.

A walk around a piece keeps the piece on its left. At each corner of a pixel it turns
left if it can, else goes straight on, else turns right; hence every side of a pixel has
one side that follows it, for all pieces at once. A hole would be a walk of its own. It
is joined to the walk around it by a cut along pixel edges that is walked there and back
and encloses nothing. So a piece is a single polygon, whatever its holes.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

# Directions of the walk along the four sides of a pixel: east along the bottom side,
# north along the right one, west along the top, south along the left.
_EAST, _NORTH, _WEST, _SOUTH = range(4)
# Where each of these sides starts: columns and rows from the centre of the pixel.
_START = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])


class Outline(NamedTuple):
    """The polygon around one connected piece of a label map.

    Parameters
    ----------
    label : int
        Label of the piece.
    n_pixels : int
        Its size.
    corners : ndarray of shape (n_corners, 2)
        Columns and rows of the corners, counterclockwise if rows go upwards; 0 is the
        centre of the first pixel. The last corner is joined to the first.
    """

    label: int
    n_pixels: int
    corners: np.ndarray


def trace_outlines(labels, min_size=1):
    """Trace the outlines of the pieces of all labels from 0.

    The pixels of a piece touch by their sides. Holes stay empty whether a polygon is
    filled by the even-odd or by the nonzero rule.

    Parameters
    ----------
    labels : ndarray of int of shape (n_rows, n_columns)
        Label map; negative pixels belong to nothing.
    min_size : int, default=1
        Smaller pieces are left out.

    Returns
    -------
    outlines : list of Outline
        By label, then in the order of the first pixels (row by row).
    """
    pieces, piece_labels, sizes = _find_pieces(labels, min_size)
    if not pieces.any():
        return []
    sides = _Sides(pieces)
    order, ends = sides.walk()
    if sides.cut_to_holes(order, ends):
        order, ends = sides.walk()
    turns = sides.directions[order] != sides.directions[_predecessors(order, ends)]
    corners = sides.starts()[order[turns]]
    owners = sides.owners()[order[ends - 1]]
    parts = np.split(corners, np.cumsum(turns)[ends[:-1] - 1])
    return [
        Outline(int(piece_labels[owner]), int(sizes[owner]), parts[walk])
        for walk, owner in sorted(enumerate(owners), key=lambda pair: pair[1])
    ]


def _find_pieces(labels, min_size):
    """Return pieces numbered from 1 (0 is nothing), their labels and their sizes."""
    present = np.unique(labels[labels >= 0])
    ranks = np.zeros(labels.shape, dtype=np.int32)
    ranks[labels >= 0] = np.searchsorted(present, labels[labels >= 0]) + 1
    pieces = np.zeros(labels.shape, dtype=np.int32)
    piece_labels, sizes = [-1], [0]
    for rank, box in enumerate(ndimage.find_objects(ranks), 1):
        found, _ = ndimage.label(ranks[box] == rank)
        counts = np.bincount(found.ravel())[1:]
        kept = counts >= min_size
        numbers = np.zeros(len(counts) + 1, dtype=np.int32)
        numbers[1:][kept] = len(sizes) + np.arange(kept.sum())
        pieces[box] += numbers[found]
        sizes.extend(counts[kept])
        piece_labels.extend([present[rank - 1]] * kept.sum())
    return pieces, piece_labels, sizes


class _Sides:
    """The sides of pixels that border a piece, each of them seen from its pixel."""

    def __init__(self, pieces):
        padded = np.pad(pieces, 1)
        self.pieces = padded.ravel()
        self.width = padded.shape[1]
        # What lies beyond each side of a pixel.
        self.beyond = np.array([-self.width, 1, self.width, -1])
        # Where a cut separates a pixel from the one above it.
        self.cut_above = np.zeros(len(self.pieces), dtype=bool)
        self._collect()

    def _collect(self):
        """Find all sides, sorted by pixel and direction."""
        inside = np.flatnonzero(self.pieces)
        closed = np.stack([self.is_closed(inside, side) for side in range(4)], axis=1)
        places, self.directions = np.nonzero(closed)
        self.pixels = inside[places]

    def is_closed(self, pixels, directions):
        """Tell whether sides of pixels border their piece, or lie along a cut."""
        beyond = pixels + self.beyond[directions]
        return (
            (self.pieces[pixels] != self.pieces[beyond])
            | ((directions == _WEST) & self.cut_above[pixels])
            | ((directions == _EAST) & self.cut_above[beyond])
        )

    def starts(self):
        """Return column and row of the corner where each side starts."""
        rows, columns = np.divmod(self.pixels, self.width)
        return np.stack([columns, rows], axis=1) - 1 + _START[self.directions]

    def owners(self):
        """Return the piece of each side."""
        return self.pieces[self.pixels]

    def followers(self):
        """Return the side that follows each side on the walk around its piece."""
        left = (self.directions + 1) % 4
        ahead = self.pixels + self.beyond[left]
        right = ahead + self.beyond[self.directions]
        turns_left = self.is_closed(self.pixels, left)
        goes_on = ~turns_left & self.is_closed(ahead, self.directions)
        pixels = np.select([turns_left, goes_on], [self.pixels, ahead], right)
        directions = np.select(
            [turns_left, goes_on], [left, self.directions], (self.directions - 1) % 4
        )
        return np.searchsorted(
            4 * self.pixels + self.directions, 4 * pixels + directions
        )

    def walk(self):
        """Return the sides in the order of all walks, and where each walk ends."""
        followers = self.followers().tolist()
        seen = bytearray(len(followers))
        order, ends = [], []
        for first in range(len(followers)):
            side = first
            while not seen[side]:
                seen[side] = 1
                order.append(side)
                side = followers[side]
            if len(order) > (ends[-1] if ends else 0):
                ends.append(len(order))
        return np.array(order, dtype=np.intp), np.array(ends, dtype=np.intp)

    def cut_to_holes(self, order, ends):
        """Join each hole to the walk west of it; tell whether there was any hole."""
        pixels, directions = self.pixels[order], self.directions[order]
        walks = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
        east_edges = pixels % self.width + (directions == _NORTH)
        upwards = np.select([directions == _NORTH, directions == _SOUTH], [1, -1], 0)
        areas = np.bincount(walks, weights=east_edges * upwards, minlength=len(ends))
        holes = (areas[walks] < 0) & (directions == _NORTH)
        if not holes.any():
            return False
        # The westernmost, lowest side of each hole has its piece in the west.
        pixels, walks = pixels[holes], walks[holes]
        sorting = np.lexsort((pixels, pixels % self.width, walks))
        _, first = np.unique(walks[sorting], return_index=True)
        self._cut_west(pixels[sorting][first])
        self._collect()
        return True

    def _cut_west(self, pixels):
        """Cut below some pixels, westwards until the cuts meet the end of a side."""
        while len(pixels):
            below = pixels - self.width
            self.cut_above[below] = True
            piece = self.pieces[pixels]
            west, west_below = pixels - 1, below - 1
            go_on = (self.pieces[west] == piece) & (self.pieces[west_below] == piece)
            pixels = west[go_on]


def _predecessors(order, ends):
    """Return the side before each side, in the order of the walks."""
    before = np.roll(order, 1)
    starts = np.concatenate([[0], ends[:-1]])
    before[starts] = order[ends - 1]
    return before

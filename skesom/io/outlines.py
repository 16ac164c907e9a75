# SPDX-License-Identifier: BSD-3-Clause
"""Outlines of the connected pieces of a label map, exactly along pixel edges.

A walk keeps its piece on the left: at each corner it turns left if it can, else goes
straight on, else turns right. A hole has a walk of its own. A cut from each hole to the
next walk, straight along pixel edges, joins all walks of a piece to one polygon. Smooth
outlines go through the middles of the sides of the pixels.
"""

from array import array
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from skesom._common.strips import strips_of

# Directions of the walk along the four sides of a pixel: east along the bottom side,
# north along the right one, west along the top, south along the left.
_EAST, _NORTH, _WEST, _SOUTH = range(4)
# Where each of these sides starts: columns and rows from the center of the pixel.
_START = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
_MIDDLE = np.array([[0, -0.5], [0.5, 0], [0, 0.5], [-0.5, 0]])


class Outline(NamedTuple):
    """A polygon around a connected piece of a label map, or around a part of it."""

    label: int
    corners: np.ndarray  # columns and rows; 0 is the center of the first pixel
    size: int  # pixels of the piece


def trace_outlines(labels, min_size=1, *, middles=False):
    """Trace the outlines of pieces of labels from 0, the same for all filling rules.

    With `middles`, through the middles of the sides of all pixels at the border.
    """
    pieces, piece_labels = number_pieces(labels, min_size)
    if not pieces.any():
        return []
    sizes = np.bincount(pieces.ravel())
    sides = _Sides(pieces)
    order, ends = sides.walk()
    if sides.cut_to_holes(order, ends):
        order, ends = sides.walk()
    before = np.roll(order, 1)
    before[np.append(0, ends[:-1])] = order[ends - 1]  # walks are closed
    turns = sides.directions[order] != sides.directions[before]
    if middles:
        turns[:] = True
    corners = sides.places(_MIDDLE if middles else _START)[order[turns]]
    owners = sides.pieces[sides.pixels[order[ends - 1]]]
    parts = np.split(corners, np.cumsum(turns)[ends[:-1] - 1])
    return [
        Outline(int(piece_labels[owner]), parts[walk], int(sizes[owner]))
        for walk, owner in sorted(enumerate(owners), key=lambda pair: pair[1])
    ]


def number_pieces(labels, min_size=1):
    """Return pieces numbered from 1 (0 is nothing), and the label of each number."""
    pieces = np.zeros(labels.shape, dtype=np.int32)
    boxes = ndimage.find_objects(np.maximum(labels, -1) + 1)
    counts = np.zeros(len(boxes), dtype=int)
    for label, box in enumerate(boxes):
        if box is None:
            continue
        inside = labels[box] == label
        found, n_found = ndimage.label(inside)
        if min_size > 1:
            kept = np.bincount(found.ravel()) >= min_size
            kept[0] = False
            found, n_found = (np.cumsum(kept, dtype=np.int32) * kept)[found], kept.sum()
            inside = found > 0
        np.add(found, int(counts.sum()), out=pieces[box], where=inside)
        counts[label] = n_found
    return pieces, np.repeat(np.arange(-1, len(boxes)), np.append(1, counts))


class _Sides:
    """The sides of pixels at the border of a piece, each with its pixel."""

    def __init__(self, pieces):
        padded = np.pad(pieces, 1)
        self.pieces = padded.ravel()
        self.width = padded.shape[1]
        # Steps to the neighbor beyond each side of a pixel.
        self.beyond = np.array([-self.width, 1, self.width, -1])
        # Where a cut separates a pixel from the one above it.
        self.cut_above = np.zeros(len(self.pieces), dtype=bool)
        self._collect()

    def _collect(self):
        """Find all sides, sorted by pixel and direction."""
        pixels, directions = [], []
        for rows in strips_of(self.pieces.shape, "outlines"):
            inside = np.flatnonzero(self.pieces[rows]) + rows.start
            sides = [self.is_closed(inside, side) for side in range(4)]
            places, found = np.nonzero(np.stack(sides, axis=1))
            pixels.append(inside[places])
            directions.append(found)
        self.pixels = np.concatenate(pixels)
        self.directions = np.concatenate(directions)

    def is_closed(self, pixels, directions):
        """Return whether sides of pixels are at a border of their piece or at a cut."""
        beyond = pixels + self.beyond[directions]
        return (
            (self.pieces[pixels] != self.pieces[beyond])
            | ((directions == _WEST) & self.cut_above[pixels])
            | ((directions == _EAST) & self.cut_above[beyond])
        )

    def places(self, offsets):
        """Return column and row of a point of each side."""
        rows, columns = np.divmod(self.pixels, self.width)
        return np.stack([columns, rows], axis=1) - 1 + offsets[self.directions]

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
        keys = 4 * self.pixels + self.directions
        return np.searchsorted(keys, 4 * pixels + directions)

    def walk(self):
        """Return the sides in the order of all walks, and where each walk ends."""
        # Arrays of Python are as fast as lists, and a fifth of the size.
        followers = array("q", self.followers().astype(np.int64).tobytes())
        seen = bytearray(len(followers))
        order, ends = array("q"), []
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
        """Cut straight from each hole to another walk; return whether there was any."""
        first = order[np.append(0, ends[:-1])]
        _, outer = np.unique(self.pieces[self.pixels[first]], return_index=True)
        pieces = memoryview(self.pieces)  # of single numbers as fast as lists
        # The first side of a hole is below it. To the left of it, at this height, there
        # is nothing more of the hole, so that no cuts make a circle.
        for pixel in (self.pixels[np.delete(first, outer)] - 1).tolist():
            piece = pieces[pixel]
            while pieces[pixel] == piece == pieces[pixel + self.width]:
                self.cut_above[pixel] = True
                pixel -= 1
        if len(outer) < len(first):
            self._collect()
        return len(outer) < len(first)

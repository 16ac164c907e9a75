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
    if middles:
        points = sides.points(_MIDDLE)
        is_corner = np.ones(len(order), dtype=bool)
    else:
        # A corner is where a side has another direction than the side before it.
        points = sides.points(_START)
        before = np.roll(order, 1)
        before[np.append(0, ends[:-1])] = order[ends - 1]  # walks are closed
        is_corner = sides.directions[order] != sides.directions[before]
    corners = np.split(points[order[is_corner]], np.cumsum(is_corner)[ends[:-1] - 1])
    pieces_of_walks = sides.pieces[sides.pixels[order[ends - 1]]]
    outlines = []
    for walk in np.argsort(pieces_of_walks, kind="stable"):
        piece = pieces_of_walks[walk]
        outlines.append(
            Outline(
                label=int(piece_labels[piece]),
                corners=corners[walk],
                size=int(sizes[piece]),
            )
        )
    return outlines


def number_pieces(labels, min_size=1):
    """Return pieces numbered from 1 (0 is nothing), and the label of each number."""
    pieces = np.zeros(labels.shape, dtype=np.int32)
    boxes = ndimage.find_objects(np.maximum(labels, -1) + 1)
    counts = np.zeros(len(boxes), dtype=int)  # pieces of each label
    for label, box in enumerate(boxes):
        if box is None:
            continue
        inside = labels[box] == label
        numbers, n_pieces = ndimage.label(inside)
        if min_size > 1:
            is_kept = np.bincount(numbers.ravel()) >= min_size
            is_kept[0] = False
            # Those that are kept are numbered again, and others become 0.
            new_numbers = np.cumsum(is_kept, dtype=np.int32) * is_kept
            numbers = new_numbers[numbers]
            n_pieces = is_kept.sum()
            inside = numbers > 0
        np.add(numbers, int(counts.sum()), out=pieces[box], where=inside)
        counts[label] = n_pieces
    # The number 0 has the label -1.
    piece_labels = np.repeat(np.arange(-1, len(boxes)), np.append(1, counts))
    return pieces, piece_labels


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
        pixels = []
        directions = []
        for strip in strips_of(self.pieces.shape, "outlines"):
            pixels_of_pieces = np.flatnonzero(self.pieces[strip]) + strip.start
            is_closed = np.stack(
                [self.is_closed(pixels_of_pieces, side) for side in range(4)], axis=1
            )
            numbers, directions_of_strip = np.nonzero(is_closed)
            pixels.append(pixels_of_pieces[numbers])
            directions.append(directions_of_strip)
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

    def points(self, offsets):
        """Return column and row of a point of each side.

        `offsets` are those of the point from the center of the pixel, by direction.
        """
        rows, columns = np.divmod(self.pixels, self.width)
        return np.stack([columns, rows], axis=1) - 1 + offsets[self.directions]

    def followers(self):
        """Return the side that follows each side on the walk around its piece."""
        left = (self.directions + 1) % 4
        right = (self.directions - 1) % 4
        # To the left is another side of this pixel, straight on is a side of the pixel
        # ahead, and to the right one of the pixel that touches it by a corner.
        pixels_ahead = self.pixels + self.beyond[left]
        pixels_right = pixels_ahead + self.beyond[self.directions]
        turns_left = self.is_closed(self.pixels, left)
        goes_on = ~turns_left & self.is_closed(pixels_ahead, self.directions)
        cases = [turns_left, goes_on]
        pixels = np.select(cases, [self.pixels, pixels_ahead], default=pixels_right)
        directions = np.select(cases, [left, self.directions], default=right)
        # Sides are sorted by pixel and direction.
        keys = 4 * self.pixels + self.directions
        return np.searchsorted(keys, 4 * pixels + directions)

    def walk(self):
        """Return the sides in the order of all walks, and where each walk ends."""
        # Arrays of Python are as fast as lists, and a fifth of the size.
        followers = array("q", self.followers().astype(np.int64).tobytes())
        seen = bytearray(len(followers))
        order = array("q")
        ends = []
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

# SPDX-License-Identifier: BSD-3-Clause
"""Outlines as smooth as the images, with few corners: for programs that draw them."""

import math

import numpy as np
from scipy import ndimage

from skesom.io.outlines import number_pieces, trace_outlines

# Larger maps are thinned, so that smoothing takes seconds: their small pieces are
# dropped.
_MOST_PIXELS = 4_000_000
_LEAST_SIGMA = 0.7  # pixels of the map that is traced
_LEAST_CORNERS = 4  # of a polygon
# Area, in pixels, of the triangle that a corner must stand out by to be kept: at first,
# and as far as outlines are simplified if they have more corners than DS9 draws fast.
_FIRST_AREA = 1.0
_LARGEST_AREA = 12.0
_AREA_STEP = 1.5
_MOST_CORNERS = 65_000


def find_outlines(labels, min_size, smoothing):
    """Return the outlines of the pieces of a label map.

    Pieces of fewer than `min_size` pixels have none. If outlines are smooth, smaller
    pieces join their neighbors, and each cluster keeps one piece at least, its largest.
    `smoothing` is the standard deviation of the Gaussian in pixels; 0 follows every
    pixel.
    """
    if smoothing == 0:
        return trace_outlines(labels, min_size)
    step = math.isqrt(max(labels.size // _MOST_PIXELS, 1))
    first = (step - 1) // 2  # in the middle of the pixels that one stands for
    labels = labels[first::step, first::step]
    labels = _smooth(labels, max(smoothing / step, _LEAST_SIGMA))
    labels = _merge_small(labels, min_size / step**2)
    outlines = trace_outlines(labels, middles=True)
    if not outlines:
        return []
    corners = np.concatenate([outline.corners for outline in outlines])
    ends = np.cumsum([len(outline.corners) for outline in outlines])
    area = _FIRST_AREA
    corners, ends = _simplify(corners, ends, area)
    while len(corners) > _MOST_CORNERS and area < _LARGEST_AREA:
        area *= _AREA_STEP
        corners, ends = _simplify(corners, ends, area)
    corners_of_outlines = np.split(corners * step + first, ends[:-1])
    return [
        outline._replace(corners=corners, size=outline.size * step**2)
        for outline, corners in zip(outlines, corners_of_outlines, strict=True)
    ]


def _smooth(labels, sigma):
    """Give each pixel the label that is most frequent around it, by a Gaussian."""
    smoothed = np.full(labels.shape, -1, dtype=np.int32)
    largest_share = np.zeros(labels.shape, dtype=np.float32)
    clusters = np.unique(labels[labels >= 0])
    for label in [*clusters, -1]:
        mask = labels == label if label >= 0 else labels < 0
        share = ndimage.gaussian_filter(mask.astype(np.float32), sigma)
        smoothed[share > largest_share] = label
        np.maximum(largest_share, share, out=largest_share)
    # Clusters that are thin or scattered everywhere keep their pixels.
    for label in np.setdiff1d(clusters, smoothed):
        smoothed[labels == label] = label
    return smoothed


def _merge_small(labels, min_size):
    """Give the pixels of pieces that are too small the nearest label of others."""
    # Pixels in no cluster get the label 0, and so are pieces too.
    pieces, piece_labels = number_pieces(labels + 1)
    sizes = np.bincount(pieces.ravel(), minlength=len(piece_labels))
    is_kept = sizes >= min_size
    # The largest piece of each label stays, whatever its size.
    largest_first = np.lexsort((-sizes, piece_labels))
    _, first = np.unique(piece_labels[largest_first], return_index=True)
    is_kept[largest_first[first]] = True
    nearest = ndimage.distance_transform_edt(
        ~is_kept[pieces], return_distances=False, return_indices=True
    )
    return labels[tuple(nearest)]


def _simplify(corners, ends, min_area):
    """Leave out corners that stand out little, of both sides of a border the same.

    The method of Visvalingam & Whyatt (1993): the corner goes first that makes the
    least triangle with its neighbors. In each round, all corners go whose triangles are
    less than those of both neighbors. `ends` are where the corners of each outline end.
    """
    owners = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    while True:
        counts = np.bincount(owners)
        ends = np.cumsum(counts)
        starts = ends - counts
        # The numbers of the neighbors of each corner; outlines are closed.
        before = np.arange(len(corners)) - 1
        before[starts] = ends - 1
        after = np.arange(len(corners)) + 1
        after[ends - 1] = starts
        to_before = corners[before] - corners
        to_after = corners[after] - corners
        cross = to_before[:, 0] * to_after[:, 1] - to_before[:, 1] * to_after[:, 0]
        area = np.abs(cross) / 2
        # Among equals a hash of the position decides, which is the same on both sides
        # of a border. Corners lie on halves of pixels.
        column, row = (2 * corners).astype(np.int64).T
        hashed = (column * 73_856_093 ^ row * 19_349_663) % 1_000_003
        rank = area + 1e-9 * hashed
        is_least = (rank < rank[before]) & (rank < rank[after])
        can_go = (area < min_area) & (counts[owners] > _LEAST_CORNERS)
        goes = can_go & (is_least | (area == 0))
        if not goes.any():
            return corners, ends
        corners = corners[~goes]
        owners = owners[~goes]

# SPDX-License-Identifier: BSD-3-Clause
"""Outlines of the pieces of a label map as smooth as its images, with few corners."""

import math

import numpy as np
from scipy import ndimage

from skesom.io._outlines import number_pieces, trace_outlines

_MOST_PIXELS = 4_000_000  # larger maps are thinned: their small pieces are dropped
_LEAST_SIGMA = 0.7  # pixels of the map that is traced
_FLAT = 1.0  # area, in pixels, of the triangle that a needless corner stands out
_FLATTEST = 12.0
_MOST_CORNERS = 65_000  # if needed, corners that stand out more are left out too


def smooth_outlines(labels, sigma, min_size):
    """Return outlines of pieces after smoothing; what is smaller joins its neighbors.

    Each cluster keeps one piece at least, its largest.
    """
    step = math.isqrt(max(labels.size // _MOST_PIXELS, 1))
    first = (step - 1) // 2
    thinned = labels[first::step, first::step]
    smoothed = _smooth(thinned, max(sigma / step, _LEAST_SIGMA))
    outlines = trace_outlines(_merge_small(smoothed, min_size / step**2), middles=True)
    if not outlines:
        return []
    ends = np.cumsum([len(outline.corners) for outline in outlines])
    corners, flat = np.concatenate([o.corners for o in outlines]), _FLAT
    corners, ends = _simplify(corners, ends, flat)
    while len(corners) > _MOST_CORNERS and flat < _FLATTEST:
        flat *= 1.5
        corners, ends = _simplify(corners, ends, flat)
    parts = np.split(corners * step + first, ends[:-1])
    return [
        outline._replace(corners=part, size=outline.size * step**2)
        for outline, part in zip(outlines, parts, strict=True)
    ]


def _smooth(labels, sigma):
    """Give each pixel the label that is most frequent around it, by a Gaussian."""
    smoothed = np.full(labels.shape, -1, dtype=np.int32)
    most = np.zeros(labels.shape, dtype=np.float32)
    present = np.unique(labels[labels >= 0])
    for label in [*present, -1]:
        mask = labels == label if label >= 0 else labels < 0
        share = ndimage.gaussian_filter(mask.astype(np.float32), sigma)
        better = share > most
        smoothed[better] = label
        np.maximum(most, share, out=most)
    for label in np.setdiff1d(present, smoothed):  # thin or scattered everywhere
        smoothed[labels == label] = label
    return smoothed


def _merge_small(labels, min_size):
    """Give the pixels of pieces that are too small the nearest label of others."""
    pieces, piece_labels = number_pieces(labels + 1)  # pixels in no cluster too
    sizes = np.bincount(pieces.ravel(), minlength=len(piece_labels))
    keep = sizes >= min_size
    order = np.lexsort((-sizes, piece_labels))
    _, largest = np.unique(piece_labels[order], return_index=True)
    keep[order[largest]] = True
    nearest = ndimage.distance_transform_edt(
        ~keep[pieces], return_distances=False, return_indices=True
    )
    return labels[tuple(nearest)]


def _simplify(corners, ends, largest):
    """Leave out corners that stand out little, of both sides of a border the same.

    The method of Visvalingam & Whyatt (1993): the least of the triangles that each
    corner makes with its neighbors goes first.
    """
    walks = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    while True:
        counts = np.bincount(walks)
        ends = np.cumsum(counts)
        places = np.arange(len(corners))
        before, after = places - 1, places + 1
        before[ends - counts], after[ends - 1] = ends - 1, ends - counts
        a, b = corners[before] - corners, corners[after] - corners
        area = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2
        # Among equals chance decides, but the same on both sides of a border.
        column, row = (2 * corners).astype(np.int64).T
        rank = area + 1e-9 * ((column * 73_856_093 ^ row * 19_349_663) % 1_000_003)
        flat = (area < largest) & (counts[walks] > 4)
        flat &= ((rank < rank[before]) & (rank < rank[after])) | (area == 0)
        if not flat.any():
            return corners, ends
        corners, walks = corners[~flat], walks[~flat]

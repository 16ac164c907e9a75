# SPDX-License-Identifier: BSD-3-Clause
"""Outlines of clusters."""

import numpy as np
from scipy.ndimage import gaussian_filter

_HALF = 0.5
_LUMINANCE = np.array([0.299, 0.587, 0.114])  # of red, green and blue


def draw_contours(ax, labels, clusters, shown, step, smoothing):
    """Draw where half of the smoothed pixels belong to a cluster."""
    from matplotlib.patheffects import withStroke

    middle = (step - 1) / 2
    columns = np.arange(labels.shape[1]) * step + middle
    rows = np.arange(labels.shape[0]) * step + middle
    contours = {}
    for number in shown:
        share = (labels == number).astype(np.float32)
        if smoothing > 0:
            share = gaussian_filter(share, smoothing)
        # An image of one row or column has no lines in it.
        if min(share.shape) < 2 or not share.min() < _HALF < share.max():
            continue
        contours[number] = ax.contour(
            columns,
            rows,
            share,
            levels=[_HALF],
            colors=[clusters.colors[number]],
            linewidths=1.0,
        )
        # A rim, because the picture may have the color of the line.
        rim = withStroke(linewidth=1.8, foreground=rim_of(clusters.colors[number]))
        contours[number].set_path_effects([rim])
    return contours


def rim_of(color):
    """Return black or white, whichever a color is farther from."""
    return "black" if color[:3] @ _LUMINANCE > 0.4 else "white"

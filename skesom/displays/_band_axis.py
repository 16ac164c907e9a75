# SPDX-License-Identifier: BSD-3-Clause
"""Names of bands along an axis, none over another."""

import numpy as np

from skesom.displays._axes import size_in_points

_LETTER = 6.0  # points, width in the size of ticks
_LINE = 9.0  # points, height of a line of the names above


def name_bands(ax, names):
    """Name bands that stand side by side, slanted where names are long."""
    room = size_in_points(ax)[0] / max(len(names), 1)
    ax.set_xlabel("band")
    if room < _LINE:  # too many even for upright names
        ax.locator_params(axis="x", integer=True)
        ax.set_xlabel("number of the band")
        return
    style = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
    if max(map(len, names)) * _LETTER < room:
        style = {}
    elif room < 1.6 * _LINE:
        style = {"rotation": 90}
    ax.set_xticks(range(len(names)), names, **style)


def name_bands_above(ax, places, names):
    """Name bands above the axes, each as near to its place as the others let it."""
    width = size_in_points(ax)[0]
    if len(names) * _LINE > width:
        return []
    first, last = ax.get_xlim()
    order = np.argsort(places, kind="stable")
    wanted = (np.asarray(places)[order] - first) / (last - first) * width
    leader = {"arrowstyle": "-", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0}
    return [
        ax.annotate(
            names[band],
            (places[band], 1.0),
            xycoords=ax.get_xaxis_transform(),
            xytext=(place / width, 1.05),
            textcoords="axes fraction",
            rotation=90,
            ha="center",
            va="bottom",
            size="x-small",
            arrowprops=leader,
        )
        for band, place in zip(order, spread(wanted, _LINE), strict=True)
    ]


def spread(wanted, apart):
    """Move numbers as little as needed to be so far apart."""
    from sklearn.isotonic import isotonic_regression

    steps = apart * np.arange(len(wanted))
    return isotonic_regression(np.asarray(wanted, dtype=float) - steps) + steps

# SPDX-License-Identifier: BSD-3-Clause
"""Make the picture of the page that compares clusterings.

Run from the root of a checkout: ``python docs/images/comparing.py``.
"""

from pathlib import Path

import matplotlib.pyplot as plt

from skesom.datasets import make_galaxy_cube
from skesom.displays import ClusterMapDisplay, ValueMapDisplay, cluster_colors
from skesom.maps import compare_clusterings, make_cluster_pipeline, stability
from skesom.som import CSOM, ESOM


def draw():
    """Draw two clusterings of a galaxy, their differences, and the first by seeds."""
    cube, _ = make_galaxy_cube((200, 200), random_state=0)
    pipeline = make_cluster_pipeline(ESOM(n_clusters=6, random_state=0))
    first = pipeline.fit_predict(cube)
    csom = CSOM(shape=(10, 12), n_clusters=6, random_state=0)
    second = make_cluster_pipeline(csom).fit_predict(cube)
    comparison = compare_clusterings(first, second)
    result = stability(pipeline, cube, seeds=10, reference=first)
    known = {"cube": cube, "colors": cluster_colors(comparison.matched, cube)}
    displays = {
        "first: ESOM": ClusterMapDisplay.from_predictions(first, **known),
        "second: CSOM, matched": ClusterMapDisplay.from_predictions(
            comparison.matched, **known
        ),
        "where they disagree": ClusterMapDisplay(second, reference=first, **known),
        "the first with ten seeds": ValueMapDisplay(
            result.stability, kind="stability", wcs=cube.wcs
        ),
    }
    figure = plt.figure(figsize=(11.5, 8.6), layout="constrained")
    for place, (title, display) in enumerate(displays.items(), start=1):
        ax = figure.add_subplot(2, 2, place, projection=cube.wcs)
        display.plot(ax=ax)
        ax.set_title(title)
    figure.savefig(Path(__file__).with_suffix(".png"), dpi=70)


if __name__ == "__main__":
    draw()

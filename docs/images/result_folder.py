# SPDX-License-Identifier: BSD-3-Clause
"""The picture of a result folder: what to open first, and what is there beside it.

Clusters a synthetic galaxy as ``skesom cluster`` does, and puts pictures of the result
beside the names of the files. Run: ``python docs/images/result_folder.py PICTURE``.
"""

import sys
import tempfile
from pathlib import Path

from matplotlib import image, pyplot

from skesom.datasets import make_galaxy_cube
from skesom.maps import make_cluster_pipeline, make_clusterer
from skesom.runs import Run

PANELS = (  # file, what it is for, place
    ("summary.md", "1  read this first", (0.02, 0.56, 0.31, 0.27)),
    ("cluster_map.png", "2  where are the clusters?", (0.36, 0.46, 0.62, 0.37)),
    ("cluster_spectra.png", "3  how do they differ?", (0.02, 0.11, 0.31, 0.27)),
    ("agreement.png", "4  are they certain?", (0.36, 0.11, 0.31, 0.27)),
    ("color_color.png", "5  stars, gas or dust?", (0.69, 0.11, 0.30, 0.27)),
)
BELOW = (
    "to work with: cluster_map.fits, clusters.ecsv, pixels.fits, pieces.ecsv, regions/",
    "to reuse, repeat and name: model.skops, provenance.json, groups.json",
)


def first_lines(path):
    """Return what the summary says of each cluster, in short."""
    rows = [row for row in path.read_text().splitlines() if row[:3].strip("| ")]
    rows = [row.split("|") for row in rows if row.startswith("| ") and row[2].isdigit()]
    width = max(len(row[2]) for row in rows)
    lines = [f"{row[1]} {row[2]:{width}} {row[3].strip():>7}" for row in rows]
    return "\n".join(["# What was found in 8 clusters", "", *lines])


def main(path):
    """Write a result and draw its picture."""
    cube, _ = make_galaxy_cube((200, 200), random_state=0)
    pipeline = make_cluster_pipeline(make_clusterer("esom", n_clusters=8)).fit(cube)
    figure = pyplot.figure(figsize=(11, 7.2), facecolor="white")
    figure.text(0.02, 0.945, "result/", size=16, weight="bold", family="monospace")
    with tempfile.TemporaryDirectory() as folder:
        files = Run(pipeline, cube).write(Path(folder) / "result", tables=False)
        for name, purpose, place in PANELS:
            ax = figure.add_axes(place, xticks=[], yticks=[])
            ax.set_title(f"{name}\n", loc="left", family="monospace", weight="bold")
            ax.text(0, 1.02, purpose, transform=ax.transAxes, size=11, va="bottom")
            if name.endswith(".md"):
                text = first_lines(files[name])
                ax.text(0.03, 0.95, text, size=8.5, family="monospace", va="top")
                continue
            ax.imshow(image.imread(files[name]), aspect="equal")
            ax.set_anchor("NW")
            ax.axis("off")
    for row, text in enumerate(BELOW):
        figure.text(0.02, 0.055 - 0.038 * row, text, size=11, family="monospace")
    figure.savefig(path, dpi=90)


if __name__ == "__main__":
    main(sys.argv[1])

# SPDX-License-Identifier: BSD-3-Clause
"""Outlines of the clusters for DS9: of all, and of each alone."""

from itertools import groupby

from skesom.io import write_regions

_MIN_SIZE = 10
_MIN_SHARE = 1e-5


def smallest_piece(label_map):
    """Return how many pixels a piece of a cluster needs to be drawn."""
    return max(_MIN_SIZE, round(_MIN_SHARE * label_map.size))


def write_cluster_regions(folder, label_map, wcs, colors):
    """Write the outlines of all clusters, and the same for each of them."""
    folder.mkdir()
    everything = folder / "all.reg"
    write_regions(
        everything,
        label_map,
        wcs=wcs,
        colors=colors,
        min_size=smallest_piece(label_map),
    )
    return [everything, *_split(everything, len(colors))]


def _split(everything, n_clusters):
    """Write the regions of each cluster to a file of their own."""
    width = len(str(n_clusters - 1))
    head, paths = [], []
    with open(everything, encoding="utf-8") as lines:
        # Those of a cluster follow each other.
        for number, group in groupby(lines, _cluster_of):
            if number is None:
                head = list(group)
                continue
            paths.append(everything.with_name(f"cluster_{number:0{width}}.reg"))
            with open(paths[-1], "w", encoding="utf-8") as file:
                file.writelines([*head, *group])
    return paths


def _cluster_of(line):
    """Return the number of the cluster that a line is about, None in the head."""
    if not line.startswith("polygon"):
        return None
    return int(line.rpartition("{")[2].rstrip("}\n"))

# SPDX-License-Identifier: BSD-3-Clause
"""What the page says of each cluster of the run, each group, and each leaf."""

import numpy as np

from skesom._common.labels import count_clusters, means_by_cluster
from skesom.displays.cluster_plots import is_wide
from skesom.displays.thinning import middle_pixels
from skesom.maps.middles import middles_of
from skesom.pixels import cluster_table
from skesom.report.cluster_groups import ClusterGroup
from skesom.report.page._packing import finite
from skesom.report.page._pixel_data import spectra_cube
from skesom.report.result import hex_of
from skesom.report.summary import levels_of, reasons_of, suggestions_of


def cluster_facts(result, step, order):
    """Return the facts on each cluster of the run, each group, and each leaf.

    Parameters
    ----------
    result : Result
    step : int
        Of the rows and columns from which quartiles are taken.
    order : list of int
        Bands in the order of the spectra.

    Returns
    -------
    facts : dict
        Of the clusters of the run as ``"originals"``, of the groups as ``"clusters"``
        by falling size, and of what is never parted as ``"parts"``: the leaves of the
        tree, which is there too, or the clusters of the run.
    """
    group_facts = _GroupFacts(result, step, order)
    clusters = group_facts.groups()
    n_clusters = len(result.run_colors)
    if len(clusters) < n_clusters or result.has_parts:  # some are merged
        originals = group_facts.clusters_of_run()
    else:
        originals = clusters
    facts = {
        "originals": originals,
        "clusters": sorted(clusters, key=lambda each: -each["pixels"]),
        "label_map_sha256": result.label_map_sha256,
        "parts": originals,
    }
    if result.tree is not None:
        facts["tree"] = _tree_facts(result.tree, group_facts.owners)
        facts["parts"] = group_facts.leaves()
    return facts


class _GroupFacts:
    """The facts on groups, which add up those on the clusters or leaves in them.

    Labels on the page are leaves of the tree of the run, or clusters if it has none.
    """

    def __init__(self, result, step, order):
        self._result = result
        self._step = step
        self._order = order
        self._sizes = count_clusters(result.run_label_map, len(result.run_colors))
        self._agreement = np.full(len(self._sizes), np.nan)  # unless several runs agree
        of_pixels = result.agreement_of_fit
        if of_pixels is not None:
            self._agreement = means_by_cluster(result.run_label_map, of_pixels)
        if result.tree is None:
            return
        # The cluster of each leaf; a vote of neighbors may leave one no pixel.
        self.owners = np.maximum(result.tree.clusters, 0)
        self._leaf_sizes = count_clusters(result.leaf_map, result.tree.n_leaves)
        self._leaf_agreement = np.full(len(self._leaf_sizes), np.nan)
        if of_pixels is not None:
            means = means_by_cluster(result.leaf_map, of_pixels)
            self._leaf_agreement[: len(means)] = means
            self._leaf_agreement[self._leaf_sizes == 0] = 0

    def groups(self):
        """Return the facts on each group."""
        result = self._result
        if result.is_voxel:
            suggestions = _levels(result)
        else:
            suggestions = suggestions_of(result)
        return self._described(result.groups, result.label_map, suggestions)

    def clusters_of_run(self):
        """Return the facts on each cluster of the run, alone as it was."""
        result = self._result
        groups_of_one = {group.labels: group for group in result.groups}
        groups = []
        for number in range(len(self._sizes)):
            unnamed = ClusterGroup(name=None, labels=(number,))
            groups.append(groups_of_one.get((number,), unnamed))
        suggestions = suggestions_of(result, of_run=True)
        return self._described(groups, result.run_label_map, suggestions)

    def _described(self, groups, label_map, suggestions):
        """Return the facts on groups, which are the labels of a label map."""
        result = self._result
        _, thin, scaled = result.thinned(self._step)
        cube, _ = spectra_cube(result, result.above_sky(thin), scaled)
        quartiles = _quartiles(middle_pixels(label_map, self._step), cube, self._order)
        no_quartiles = [[None] * 3] * len(self._order)
        described = []
        for number, group in enumerate(groups):
            if group.leaves:
                labels = list(group.leaves)
                sizes = self._leaf_sizes[labels]
                agreement = self._leaf_agreement[labels]
            else:
                labels = list(group.labels)
                sizes = self._sizes[labels]
                agreement = self._agreement[labels]
            n_pixels = int(sizes.sum())
            color = group.color
            if color is None:
                color = hex_of(result.run_colors[labels[0]])
            if result.tree is not None and not group.leaves:
                labels = np.flatnonzero(np.isin(self.owners, labels)).tolist()
            facts = {
                "name": group.name,
                "labels": labels,
                "pixels": n_pixels,
                "color": color,
                "quartiles": quartiles.get(number, no_quartiles),
                "agreement": finite(agreement @ sizes / max(n_pixels, 1)),
            }
            if suggestions is not None:
                suggestion = suggestions[number]
                facts["suggestion"] = suggestion.name
                facts["description"] = suggestion.description
                facts["why"] = reasons_of(suggestion)
            described.append(facts)
        return described

    def leaves(self):
        """Return the facts on each leaf of the tree."""
        result = self._result
        leaves_of_pixels = middle_pixels(result.leaf_map, self._step)
        middles = middles_of(leaves_of_pixels, result.tree.n_leaves)
        width = -(-result.leaf_map.shape[1] // self._step)
        leaves = []
        for leaf, middle in enumerate(middles):
            pixel = None  # its number in raster order
            if middle is not None:
                row, column = middle[:2]  # of a voxel the band comes last
                pixel = row * width + column
            leaves.append(
                {
                    "labels": [leaf],
                    "pixels": int(self._leaf_sizes[leaf]),
                    "color": hex_of(result.leaf_colors[leaf]),
                    "agreement": finite(self._leaf_agreement[leaf]),
                    "middle": pixel,
                }
            )
        return leaves


def _tree_facts(tree, owners):
    """Return the tree, and the clusters of the run that its leaves are in."""
    return {
        "children": tree.children.tolist(),
        "distances": tree.distances.tolist(),  # whole: small differences are an order
        "clusters": owners.tolist(),
        "sha256": tree.sha256,
        "n_clusters": len(np.unique(owners)),
    }


def _quartiles(labels, cube, order):
    """Return quartiles of each band, in an order, for each label; None for NaN."""
    quartiles = {}
    for row in cluster_table(labels, cube, subtract_sky=False):
        of_bands = []
        for band in order:
            name = cube.band_names[band]
            columns = (f"{name}_q25", f"{name}_median", f"{name}_q75")
            of_bands.append([finite(row[column]) for column in columns])
        quartiles[int(row["id"])] = of_bands
    return quartiles


def _levels(result):
    """Return the levels of clusters of voxels in words."""
    fluxes = np.zeros(result.label_map.shape, dtype=np.float32)
    for rows in result.strips():
        fluxes[rows][result.valid(rows)] = result.features(rows)[:, 0]
    return levels_of(result, means_by_cluster(result.label_map, fluxes))


def spans_decades(clusters):
    """Return whether medians differ so much that their scale has to be logarithmic."""
    medians = []
    for cluster in clusters:
        for _, median, _ in cluster["quartiles"]:
            if median:
                medians.append(median)
    return is_wide(medians)

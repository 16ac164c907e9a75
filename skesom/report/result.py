# SPDX-License-Identifier: BSD-3-Clause
"""A label map together with the images it is of, on its pixels, strip by strip."""

from copy import copy
from functools import cached_property

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skesom._common.labels import MASKED, SKY, count_clusters, label_map_digest
from skesom._common.lazy import computed, is_lazy
from skesom._common.pipelines import map_inside, pipeline_end
from skesom._common.strips import strips_of
from skesom._sky.narrow_bands import find_continua
from skesom.cube import (
    AsinhStretch,
    ComponentFilter,
    CubeMasker,
    CubeStore,
    SkyMasker,
)
from skesom.cube.base import check_cube
from skesom.cube.masking.picture_values import hold_picture
from skesom.cube.masking.sky_level import above_sky, sky_level
from skesom.displays import cluster_colors
from skesom.displays.dendrogram import tree_of
from skesom.displays.diagrams import choose_diagrams
from skesom.displays.thinning import middle_pixels, thinning_step
from skesom.maps import CubeClassifier, CubeClusterer
from skesom.maps.errors_of_pixels import errors_to_apply
from skesom.maps.fit_in_place import MapImages, n_steps_to_map
from skesom.maps.leaves import has_leaves, keep_inside, leaf_labels, leaf_tree
from skesom.maps.nameless_images import OF_LINES, OF_PICTURE, are_of_lines
from skesom.maps.neighbor_agreement import known_agreement
from skesom.maps.pixel_tables import at_end
from skesom.report._leaf_colors import leaf_colors
from skesom.report.cluster_groups import (
    by_size,
    check_groups,
    check_names,
    complete_groups,
    leaf_groups,
    merged_labels,
    whole_groups,
)
from skesom.report.decisions import counts_of
from skesom.report.sky_level import find_sky_left
from skesom.som.tree import ClusterTree, has_tree

MAX_PIXELS = 2_000_000  # of a picture
NO_UNIT = 65535
_MASKERS = (CubeMasker, SkyMasker)


class Result:
    """A label map (by default of the fit), images, the clustered values, groups.

    Attributes
    ----------
    step : CubeClusterer or CubeClassifier
        The last step of the pipeline.
    clusterer : estimator
        The end of what the step has fitted, such as a map or a consensus.
    som : estimator or None
        The map of units; of a consensus, its representative.
    run_label_map, label_map : ndarray of int32
        Clusters of the run, and those of the groups, which are shown.
    cube : Cube
        The images on the pixels of the label map.
    is_of_fit : bool
        Whether the images are those of the fit, and not others.
    is_voxel : bool
        Whether the label map has a slice for each band.
    has_parts : bool
        Whether a group has a part of a cluster: leaves of the tree.
    """

    def __init__(
        self,
        pipeline,
        images,
        label_map=None,
        groups=None,
        *,
        held_out=None,
        continua=None,
        cutout=None,
        subtract_sky=True,
    ):
        step = pipeline[-1] if isinstance(pipeline, Pipeline) else None
        if not isinstance(step, CubeClusterer | CubeClassifier):
            raise ValueError(
                "A report needs a Pipeline that ends in a CubeClusterer or a "
                "CubeClassifier."
            )
        check_is_fitted(step)
        self.step = step
        self.held_out = held_out
        self.cutout = cutout
        self.subtract_sky = subtract_sky
        self.counts = counts_of(pipeline)
        self.clusterer, _ = pipeline_end(step.estimator_)
        som, _ = map_inside(self.clusterer)
        has_units = hasattr(som, "codebook_") and hasattr(som, "connections_")
        self.som = som if has_units else None

        self.is_of_fit = label_map is None
        labels = step.labels_ if self.is_of_fit else label_map
        self.run_label_map = np.asarray(labels, dtype=np.int32)
        self.label_map = self.run_label_map
        classes = getattr(step, "classes_", ())  # some may be found nowhere
        last_label = max(*classes, self.run_label_map.max(initial=-1), -1)
        sizes = count_clusters(step.labels_, int(last_label) + 1)
        self._n_clusters_of_run = len(sizes)
        groups = check_groups(groups or ())
        # Labels of the groups are those of the run, or leaves of its tree.
        self.has_parts = any(group.leaves for group in groups)
        if self.has_parts:
            groups = self._of_leaves(groups)
        if not self.has_parts:
            self._groups = self._ordered(groups, sizes)
            if len(self._groups) < self._n_clusters_of_run:
                self.label_map = self.grouped(self.run_label_map)

        steps = [each for _, each in pipeline.steps[:-1]]
        n_steps_before = n_steps_to_map(pipeline)
        self.cube = self._aligned(steps, n_steps_before, images)
        self.is_voxel = step.pattern == "voxel"
        shape = self.cube.shape if self.is_voxel else self.cube.shape[:2]
        if shape != self.label_map.shape:
            raise ValueError(
                f"The images have {shape} pixels, but the label map has "
                f"{self.label_map.shape}. Give the images that were clustered."
            )
        self.continua = find_continua(self.cube, continua) or "none"
        filters = [each for each in steps if isinstance(each, ComponentFilter)]
        self.component_filter = filters[-1] if filters else None
        maskers = [each for each in steps if isinstance(each, CubeMasker)]
        self._masker = maskers[0] if maskers else None
        # From the pixels of the map to what was clustered.
        self._steps = []
        for each in steps[n_steps_before:]:
            if not isinstance(each, CubeStore):
                self._steps.append(each)
        self._pixelwise_steps = []
        for each in self._steps:
            if getattr(each, "works_pixelwise", False):
                self._pixelwise_steps.append(each)
        # The last strip and the last thinned images, which several pictures need.
        self._strip = (None, None)
        self._thinned = (None, None)

        # The leaves of other images need the features of these.
        if self.has_parts:
            self._groups = groups
            if self.is_of_fit:
                sizes = count_clusters(self.leaf_map, self.tree.n_leaves)
                self._groups = by_size(groups, sizes)
            self.label_map = self.grouped(self.leaf_map)
        self.names = []
        for number, group in enumerate(self._groups):
            self.names.append(group.name or str(number))
        check_names(self.names)

    def _of_leaves(self, groups):
        """Return groups with leaves as labels, or of clusters if all are whole."""
        if self.tree is None:
            raise ValueError(
                "Some groups hold parts of clusters, but the run has no tree of them. "
                "Are they of another run?"
            )
        groups = leaf_groups(groups, self.tree.clusters)
        whole = whole_groups(groups, self.tree.clusters)
        self.has_parts = whole is None
        if whole is not None:
            return whole
        return [group._replace(labels=group.leaves, leaves=()) for group in groups]

    def _ordered(self, groups, sizes):
        """Return all groups by size in the fit, or one cluster each as they were."""
        groups = complete_groups(groups, len(sizes))
        if len(groups) == len(sizes):
            return sorted(groups, key=lambda group: group.labels)
        return by_size(groups, sizes)

    def _aligned(self, steps, n_steps_before, images):
        """Return the images on the pixels of the map; lazy ones are on the disk."""
        later_steps = steps[n_steps_before:]
        stores = [step for step in later_steps if isinstance(step, CubeStore)]
        if self.is_of_fit and stores and hasattr(stores[0], "cube_"):
            return stores[0].cube_
        if isinstance(images, MapImages):
            return images.cube
        cube = check_cube(_transformed(steps[:n_steps_before], images))
        return CubeStore().fit_transform(cube) if cube.is_lazy else cube

    @cached_property
    def _transformed_cube(self):
        """The input of the last step; None if strips can be transformed one by one."""
        # A pixel that has a label has lost no band in a mask, if it needs all.
        maskers = _MASKERS if self.step.min_bands is None else ()
        for step in self._steps:
            works_by_strips = step in self._pixelwise_steps or isinstance(step, maskers)
            if not works_by_strips:
                return check_cube(_transformed(self._steps, self.cube))
        return None

    @cached_property
    def sky_level(self):
        """Level from which the fluxes of each band count, NaN for none.

        Tables, spectra and colors show fluxes above it; names count from it too.
        """
        if not self.subtract_sky:
            return np.full(self.cube.shape[2], np.nan)
        return sky_level(self.run_label_map, self.cube)

    def above_sky(self, cube):
        """Return a thinned cube, or a part of the cube, above the level of the sky."""
        return above_sky(cube, self.sky_level)

    @cached_property
    def is_picture(self):
        """Whether the images are a picture for the eye, whose values are no fluxes."""
        if self.is_of_fit and self._masker is not None:
            # The masker saw them before they were moved or convolved.
            return bool(getattr(self._masker, "is_picture_", False))
        return hold_picture([self.cube])

    @property
    def why_no_names(self):
        """The reason for which nothing is called by the names of stars, or None."""
        if self.is_voxel or self.is_classified:
            return None
        if self.is_picture:
            return OF_PICTURE
        return OF_LINES if are_of_lines(self.cube, self.continua) else None

    @cached_property
    def sky_left(self):
        """Share of the light of bands that is sky and was not taken off, by name."""
        if not self.is_of_fit:
            return {}
        return find_sky_left(self._steps, self.cube, self.run_label_map)

    def strips(self):
        """Return the rows of each strip, as slices from top to bottom."""
        return strips_of(self.cube.shape, "steps")

    def part(self, rows):
        """Return a strip of the images, in memory."""
        # Several threads ask, so rows and strip are read and replaced together.
        known_rows, strip = self._strip
        if known_rows != rows:
            strip = self.cube[rows].compute()
            self._strip = (rows, strip)
        return strip

    def valid(self, rows):
        """Return which pixels or voxels of a strip are neither sky nor without data."""
        return self.label_map[rows] > SKY

    def slice_of(self, band):
        """Return the label map of a band: one of voxels has a slice for each."""
        return self.label_map[:, :, band] if self.is_voxel else self.label_map

    def features(self, rows):
        """Return the features of the valid pixels of a strip."""
        table = self._stepped(rows).data[self.valid(rows)]
        if len(table) == 0:
            return np.empty((0, len(self.feature_names)), table.dtype)
        table = table.reshape(len(table), -1)  # a voxel is one flux
        _, table = pipeline_end(self.step.estimator_, table)
        return np.ascontiguousarray(table)

    def errors(self, rows):
        """Return the errors of the features of a strip, None if they are not used."""
        if self.step._typical_errors is None:  # the steps would be taken for nothing
            return None
        cube = self._stepped(rows, with_errors=True)
        valid = self.valid(rows)
        table = cube.data[valid]
        errors = errors_to_apply(self.step, cube, table, valid, warn=False)
        if errors is None or len(table) == 0:
            return None
        table = table.reshape(len(table), -1)
        return at_end(self.step.estimator_, table, errors)[2]

    def nearest_units(self, rows, features):
        """Return the nearest unit of each pixel of a strip, and the distance to it."""
        if len(features) == 0:
            return np.empty(0, np.int32), np.empty(0, np.float32)
        _, table = map_inside(self.clusterer, features)
        return self.som.winners(table, return_distance=True, errors=self.errors(rows))

    @cached_property
    def feature_names(self):
        """Names of the features: those of the bands if there are as many bands."""
        names = self._stepped(slice(0, 1)).band_names
        n_features = getattr(self.clusterer, "n_features_in_", len(names))
        if self.is_voxel:
            names = ["flux"]
        if n_features == len(names):
            return list(names)
        return [f"feature {number + 1}" for number in range(n_features)]

    def _stepped(self, rows, *, with_errors=False):
        """Return a strip as the last step gets it, apart from the mask."""
        if self._transformed_cube is not None:
            return self._transformed_cube[rows].compute()
        if with_errors and self.cube.errors is not None:
            return _transformed(self._pixelwise_steps, self.part(rows))
        return _transformed_values(self._pixelwise_steps, self.part(rows))

    def thinned(self, step):
        """Return labels, bands and scaled bands of every `step`-th row and column."""
        known_step, cubes = self._thinned
        if known_step != step:
            cubes = self._thin(step)
            self._thinned = (step, cubes)
        cube, scaled = cubes
        return middle_pixels(self.label_map, step), cube, scaled

    def _thin(self, step):
        """Return bands and scaled bands of every `step`-th row and column."""
        data = middle_pixels(self.cube.data, step)
        if is_lazy(data):
            (data,) = computed(data)
        cube = self.cube.replace(data=data, wcs=None)
        stretches = [each for each in self._steps if isinstance(each, AsinhStretch)]
        scaled = _transformed_values(stretches, cube).data.astype(cube.dtype)
        inside = middle_pixels(self.run_label_map, step) >= 0
        bands = [scaled] if self.is_voxel else np.moveaxis(scaled, 2, 0)
        if inside.any() and not any(np.isnan(band[inside]).all() for band in bands):
            for band in bands:  # one by one, as they are in double precision
                spread = np.nanstd(band[inside], dtype=np.float64)
                mean = np.nanmean(band[inside], dtype=np.float64)
                band[:] = (band - mean) / (spread if spread > 0 else 1)
        no_units = [None] * cube.shape[2]
        return cube, cube.replace(data=scaled, band_units=no_units)

    @property
    def stretch(self):
        """The fitted stretch of the images on the pixels of the map, None without."""
        first = self._steps[0] if self._steps else None
        return first if isinstance(first, AsinhStretch) else None

    @cached_property
    def diagrams(self):
        """The axes x and y of the diagrams that the bands allow, by their kinds."""
        if self.is_picture:
            return {}
        return choose_diagrams(self.cube, self.continua)

    @cached_property
    def run_colors(self):
        """Colors of the clusters of the run, by their brightness."""
        labels = self.run_label_map
        step = thinning_step(labels.shape, MAX_PIXELS)
        _, _, scaled = self.thinned(step)
        colors = _colors_of(middle_pixels(labels, step), scaled)
        if len(colors) <= labels.max(initial=-1):  # a cluster is too small
            colors = _colors_of(labels, self.cube)
        # Other images than those of the fit may lack the last clusters.
        n_lost = self._n_clusters_of_run - len(colors)
        return np.pad(colors, ((0, n_lost), (0, 0)), constant_values=0.5)

    @cached_property
    def tree(self):
        """The tree below the clusters of the run, None if there is none."""
        return leaf_tree(self.step) if has_leaves(self.step) else None

    @property
    def tree_sha256(self):
        """Digest of the tree, which groups of leaves are of; None without one."""
        return None if self.tree is None else self.tree.sha256

    @cached_property
    def leaf_map(self):
        """Leaf of each pixel, in the cluster that it has; as the label map below 0."""
        leaves = self.step._leaf_labels() if self.is_of_fit else None
        if leaves is not None:
            leaves = np.where(self.run_label_map == SKY, np.int32(SKY), leaves)
        else:
            leaves = self._predict_leaves()
        return keep_inside(leaves, self.run_label_map, self.tree.clusters)

    def _predict_leaves(self):
        """Return the leaf of each pixel as its features tell it."""
        leaves = np.full(self.run_label_map.shape, MASKED, dtype=np.int32)
        for rows in self.strips():
            features = self.features(rows)
            if len(features):
                valid = self.run_label_map[rows] > SKY
                errors = self.errors(rows)
                leaves[rows][valid] = leaf_labels(self.clusterer, features, errors)
        return leaves

    @cached_property
    def leaf_colors(self):
        """Color of each leaf, shape (n_leaves, 4)."""
        sizes = count_clusters(self.leaf_map, self.tree.n_leaves)
        return leaf_colors(
            self.tree.children, sizes, self.tree.clusters, self.run_colors
        )

    @cached_property
    def groups(self):
        """The clusters in the order of their labels, all with a color."""
        colors = self.leaf_colors if self.has_parts else self.run_colors
        groups = []
        for group in self._groups:
            if group.color is None:
                first = min(group.labels)  # the largest of its clusters or leaves
                group = group._replace(color=hex_of(colors[first]))
            if self.has_parts:
                group = group._replace(labels=(), leaves=group.labels)
            groups.append(group)
        return groups

    def labels_text(self, number):
        """Return the clusters of the run that are in a group, as a text."""
        labels = self._groups[number].labels
        if not self.has_parts:
            return ", ".join(str(label) for label in labels)
        clusters = self.tree.clusters
        texts = []
        for cluster in np.unique(clusters[list(labels)]).tolist():
            is_whole = np.isin(np.flatnonzero(clusters == cluster), labels).all()
            texts.append(str(cluster) if is_whole else f"part of {cluster}")
        return ", ".join(texts)

    @cached_property
    def colors(self):
        """Color of each cluster in all pictures, shape (n_clusters, 4)."""
        levels = [[*bytes.fromhex(group.color[1:]), 255] for group in self.groups]
        return np.array(levels, dtype=np.float64).reshape(-1, 4) / 255

    @property
    def run_unit_labels(self):
        """Cluster of the run, or class, of each unit of the map."""
        if self.is_classified:
            return self.clusterer.unit_classes_
        return self.step._clusters_of(self.som.unit_labels_)

    @cached_property
    def unit_map(self):
        """Nearest unit of each pixel, dtype uint16."""
        units = np.full(self.run_label_map.shape, NO_UNIT, dtype=np.uint16)
        for rows in self.strips():
            nearest, _ = self.nearest_units(rows, self.features(rows))
            units[rows][self.valid(rows)] = nearest
        return units

    @cached_property
    def unit_leaves(self):
        """Leaf of each unit: of those of its cluster, that of most of its pixels."""
        clusters = self.tree.clusters
        unit_clusters = self.run_unit_labels
        n_units = len(unit_clusters)
        n_leaves = len(clusters)
        counts = np.zeros(n_units * n_leaves)
        for rows in self.strips():
            units = self.unit_map[rows]
            leaves = self.leaf_map[rows]
            inside = (units != NO_UNIT) & (leaves >= 0)
            pairs = units[inside].astype(np.intp) * n_leaves + leaves[inside]
            counts += np.bincount(pairs, minlength=len(counts))
        counts = counts.reshape(n_units, n_leaves)
        # Units without pixels have the largest leaf of their cluster.
        counts += counts.sum(axis=0) / (1 + counts.sum())
        counts[clusters != unit_clusters[:, np.newaxis]] = -1
        return np.where(unit_clusters >= 0, counts.argmax(axis=1), unit_clusters)

    @cached_property
    def unit_labels(self):
        """Cluster of each unit of the map."""
        if self.has_parts:
            return self.grouped(self.unit_leaves)
        return self.grouped(self.run_unit_labels)

    def grouped(self, labels):
        """Return clusters of the run, or leaves, as those of the groups."""
        return merged_labels(labels, self._groups)

    @property
    def agreement(self):
        """Share of the runs of the fit that agree on each pixel, None if unknown."""
        return self.agreement_of_fit if self.is_of_fit else None

    @cached_property
    def agreement_of_fit(self):
        """The same in the pixels of the fit, also if the label map is another."""
        return known_agreement(self.step)

    @property
    def has_tree(self):
        """Whether there is a tree of several clusters, or parts of one."""
        return has_tree(self.clusterer) and len(self.clusterer.children_) > 0

    @cached_property
    def grouped_tree(self):
        """The tree with the groups as clusters, as parameters of a dendrogram."""
        tree = tree_of(self.step)
        if self.has_parts:
            n_leaves = self.tree.n_leaves
            tree["clusters"] = np.arange(n_leaves)
            sizes = count_clusters(self.leaf_map, n_leaves)
            tree["sizes"] = sizes.astype(float)
        tree["clusters"] = self.grouped(tree["clusters"])
        return tree

    @cached_property
    def persistence(self):
        """Share of the clusterings that hold each cluster apart, or None (no tree)."""
        if not self.has_tree:
            return None
        grouped_tree = self.grouped_tree
        tree = ClusterTree(grouped_tree["children"], grouped_tree["distances"])
        return tree.persistence(grouped_tree["clusters"])

    @property
    def is_classified(self):
        """Whether the clusters are classes, which were learned from labels."""
        return isinstance(self.step, CubeClassifier)

    @cached_property
    def confidence(self):
        """Probability of the class of each pixel, NaN if masked; None if not known."""
        if not (self.is_classified and hasattr(self.clusterer, "predict_proba")):
            return None
        confidence = np.full(self.label_map.shape, np.nan, dtype=np.float32)
        for rows in self.strips():
            features = self.features(rows)
            if len(features):
                probabilities = self.clusterer.predict_proba(features)
                confidence[rows][self.valid(rows)] = probabilities.max(axis=1)
        return confidence

    @cached_property
    def label_map_sha256(self):
        """Digest of the label map of the fit, which the labels of groups are of."""
        return label_map_digest(self.step.labels_)


def _colors_of(labels, cube):
    """Return the colors of clusters of pixels, or of voxels as an image of one band."""
    if labels.ndim == 2:
        return cluster_colors(labels, cube)
    fluxes = cube.data
    if cube.is_lazy:
        (fluxes,) = computed(fluxes)
    n_rows = len(labels)
    return cluster_colors(
        labels.reshape(n_rows, -1),
        fluxes.reshape(n_rows, -1, 1),
    )


def hex_of(color):
    """Return a color as "#rrggbb"."""
    return f"#{bytes(np.rint(255 * color[:3]).astype('u1')).hex()}"


def _transformed(steps, images):
    """Return images after some steps, with as few copies as possible."""
    is_own = False
    for step in steps:
        if is_own and "copy" in step.get_params():
            step = copy(step)
            step.copy = False
        images = step.transform(images)
        is_own = is_own or (isinstance(step, _MASKERS) and step.copy)
    return images


def _transformed_values(steps, cube):
    """Return a cube after some steps; without errors, which would take time."""
    return _transformed(steps, cube.replace(data=cube.data))

# SPDX-License-Identifier: BSD-3-Clause
"""Labels to learn from: read from files, given to a classifier, kept for repeats."""

from typing import NamedTuple

import numpy as np

from skesom._common.warn import warn_user
from skesom.io import read_map, read_region_labels
from skesom.io.label_maps import read_cluster_names
from skesom.maps import held_out_score
from skesom.maps.held_out import HeldOut
from skesom.maps.positions import label_objects
from skesom.pixels.flattening import valid_pixels

_TOLERANCE = 0.5  # pixels: a map that is shifted by less names the same pixels
_MOST_CLASSES = 200  # in a map of labels; an image of fluxes has far more values


class TaughtClasses(NamedTuple):
    """What a classifier learned beside its model."""

    groups: list  # of tuple (name, labels, color) for `Run`
    held_out: HeldOut | None


class TrainingLabels(NamedTuple):
    """A file of labels to learn from, and how it is read."""

    path: str
    kind: str  # "regions", "catalog" or "labels"
    by: str = "text"  # what names a region
    radius: object = None  # of objects
    names: tuple = ()  # pairs (label, name)
    classes: tuple = ()  # names of those to learn, all by default
    block_size: int = 32  # pixels that are held out together

    def teach(self, step, cube):
        """Fit a CubeClassifier.

        Parameters
        ----------
        step : CubeClassifier
            Fitted in place.
        cube : Cube

        Returns
        -------
        classes : TaughtClasses
        """
        labels, names, colors = self._read(cube)
        for name in self.classes:
            if name not in names.values():
                raise ValueError(
                    f"{self.path} has no class {name!r}, but "
                    f"{', '.join(names.values())}."
                )
        if self.classes:
            names = {
                label: name for label, name in names.items() if name in self.classes
            }
        valid = valid_pixels(cube, min_bands=step.min_bands)
        labels, kept = _usable(labels, names, valid)
        step.fit(cube, labels)

        class_names = [names[label] for label in kept]
        class_colors = [colors.get(label) for label in kept]
        if None in class_colors or len(set(class_colors)) < len(class_colors):
            class_colors = [None] * len(kept)  # they do not tell the classes apart
        groups = [
            (class_names[number], (number,), class_colors[number])
            for number in range(len(kept))
        ]
        held_out = None
        try:
            held_out = held_out_score(
                step, cube, labels, names=class_names, block_size=self.block_size
            )
        except ValueError as error:
            warn_user(f"There is no held-out score: {error}")
        return TaughtClasses(groups, held_out)

    def _read(self, cube):
        """Return a label map on the pixels of a cube, and names and colors by label."""
        if self.kind == "regions":
            return read_region_labels(self.path, cube, name_by=self.by, empty="ignore")
        shape = cube.shape[:2]
        if self.kind == "catalog":
            labels, names = label_objects(
                self.path, shape, wcs=cube.wcs, radius=self.radius
            )
            return labels, names, {}
        labels, wcs = read_map(self.path)
        if labels.shape != shape:
            raise ValueError(
                f"{self.path} has the shape {labels.shape}, but the map of the bands "
                f"{shape}. Bring the bands to its grid (align_to={self.path!r})."
            )
        warn_of_shift(shape, cube.wcs, wcs)
        in_map = np.unique(labels[labels >= 0]).tolist()
        if len(in_map) > _MOST_CLASSES:
            raise ValueError(
                f"{self.path} has more than {_MOST_CLASSES} labels: is it an image "
                "of classes?"
            )
        names = dict(self.names)
        missing = names.keys() - set(in_map)
        if missing:
            labels_in_map = ", ".join(map(str, in_map))
            raise ValueError(
                f"{self.path} has no label {min(missing)}, but {labels_in_map:.80}."
            )
        names = read_cluster_names(self.path) | names
        return labels, {label: names.get(label, str(label)) for label in in_map}, {}


def _usable(labels, names, valid):
    """Return the labels that can be learned, numbered from 0.

    Parameters
    ----------
    labels : ndarray of int of shape (n_rows, n_columns)
    names : dict of int to str
    valid : ndarray of bool of shape (n_rows, n_columns)
        Which pixels have data.

    Returns
    -------
    numbered : ndarray of int32 of shape (n_rows, n_columns)
        -1 where no class is, or no data.
    kept : list of int
        The label of each number.
    """
    numbered = np.full(labels.shape, -1, dtype=np.int32)
    kept = []
    for label, name in names.items():
        of_class = labels == label
        usable = of_class & valid
        if usable.any():
            numbered[usable] = len(kept)
            kept.append(label)
        elif of_class.any():
            warn_user(
                f"Class {name!r} is left out: none of its "
                f"{np.count_nonzero(of_class)} pixels has data that are used (masked, "
                'or set aside as sky: sky="keep").'
            )
        else:
            warn_user(f"Class {name!r} is left out: no pixel of the image has it.")
    if len(kept) < 2:
        classes = "no class"
        if kept:
            classes = f"only the class {names[kept[0]]!r}"
        raise ValueError(
            f"Pixels with data have {classes}, but a classifier learns from two at "
            'least. Label pixels of another class, or mask less (sky="keep").'
        )
    return numbered, kept


def warn_of_shift(shape, wcs, other):
    """Warn if two maps of one shape lie elsewhere on the sky."""
    if wcs is None or other is None:
        return
    last_row = shape[0] - 1
    last_column = shape[1] - 1
    corners = np.array(
        [(0, 0), (last_column, 0), (0, last_row), (last_column, last_row)]
    )
    there = other.wcs_world2pix(wcs.wcs_pix2world(corners, 0), 0)
    shift = np.abs(there - corners).max()
    if not shift < _TOLERANCE:
        warn_user(
            f"The two maps lie {shift:.1f} pixels apart on the sky; pixels are "
            "compared with those of the same row and column."
        )

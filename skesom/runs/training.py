# SPDX-License-Identifier: BSD-3-Clause
"""Labels to learn from: read from files, given to a classifier, kept for repeats."""

from typing import NamedTuple

import numpy as np

from skesom._common.warn import warn_user
from skesom.io import read_map, read_region_labels
from skesom.io.label_maps import read_cluster_names
from skesom.maps import held_out_score
from skesom.maps.positions import label_objects
from skesom.pixels.flattening import valid_pixels

_TOLERANCE = 0.5  # pixels
_MOST = 200  # classes


class Training(NamedTuple):
    """A file of labels to learn from, and how it is read."""

    path: str
    kind: str  # "regions", "catalog" or "labels"
    by: str = "text"  # what names a region
    radius: object = None  # of objects
    names: tuple = ()  # pairs (label, name)
    classes: tuple = ()  # names of those to learn, all by default
    block_size: int = 32  # pixels that are held out together

    def teach(self, step, cube):
        """Fit a CubeClassifier; return the arguments of `Run` beside it."""
        labels, names, colors = self._read(cube)
        for name in {*self.classes} - {*names.values()}:
            known = ", ".join(names.values())
            raise ValueError(f"{self.path} has no class {name!r}, but {known}.")
        wanted = self.classes or names.values()
        names = {label: name for label, name in names.items() if name in wanted}
        valid = valid_pixels(cube, min_bands=step.min_bands)
        labels, kept = _usable(labels, names, valid)
        step.fit(cube, labels)
        names, colors = [names[n] for n in kept], [colors.get(n) for n in kept]
        if None in colors or len(set(colors)) < len(colors):
            colors = [None] * len(kept)  # they do not tell the classes apart
        given = zip(names, colors, strict=True)
        groups = [(name, (label,), color) for label, (name, color) in enumerate(given)]
        held_out, size = None, self.block_size
        try:
            held_out = held_out_score(step, cube, labels, names=names, block_size=size)
        except ValueError as error:
            warn_user(f"There is no held-out score: {error}")
        return {"held_out": held_out, "groups": groups, "training": self}

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
        found = np.unique(labels[labels >= 0]).tolist()
        given, unknown = dict(self.names), {*dict(self.names)} - {*found}
        if unknown or len(found) > _MOST:
            problem = f"more than {_MOST} labels: is it an image of classes?"
            if unknown:
                problem = f"no label {min(unknown)}, but {str(found)[1:-1]:.80}."
            raise ValueError(f"{self.path} has {problem}")
        given = read_cluster_names(self.path) | given
        return labels, {label: given.get(label, str(label)) for label in found}, {}


def _usable(labels, names, valid):
    """Return labels from 0 of pixels with data, and the labels that they stand for."""
    numbered, kept = np.full(labels.shape, -1, dtype=np.int32), []
    for label, name in names.items():
        inside = labels == label
        if (inside & valid).any():
            numbered[inside & valid] = len(kept)
            kept.append(label)
            continue
        reason = f"none of its {np.count_nonzero(inside)} pixels has data that are used"
        reason += ' (masked, or set aside as sky: sky="keep")'
        reason = reason if inside.any() else "no pixel of the image has it"
        warn_user(f"Class {name!r} is left out: {reason}.")
    if len(kept) < 2:
        found = f"only the class {names[kept[0]]!r}" if kept else "no class"
        raise ValueError(
            f"Pixels with data have {found}, but a classifier learns from two at "
            'least. Label pixels of another class, or mask less (sky="keep").'
        )
    return numbered, kept


def warn_of_shift(shape, wcs, other):
    """Warn if two maps of one shape lie elsewhere on the sky."""
    if wcs is None or other is None:
        return
    corners = np.indices((2, 2)).reshape(2, -1).T * (shape[1] - 1, shape[0] - 1)
    there = other.wcs_world2pix(wcs.wcs_pix2world(corners, 0), 0)
    shift = np.abs(there - corners).max()
    if not shift < _TOLERANCE:
        text = (
            f"The two maps lie {shift:.1f} pixels apart on the sky; pixels are "
            "compared with those of the same row and column."
        )
        warn_user(text)

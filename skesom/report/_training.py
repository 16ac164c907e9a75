# SPDX-License-Identifier: BSD-3-Clause
"""Labels to learn from: read from files, given to a pipeline, and kept for repeats."""

import warnings
from typing import NamedTuple

import numpy as np
from astropy.table import Table

from skesom.io import read_map, read_region_labels
from skesom.maps import held_out_score, label_objects
from skesom.pixels import valid_pixels

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
        """Fit a CubeClassifier; return what `write_report` takes beside it."""
        labels, names, colors = self.read(cube)
        valid = valid_pixels(cube, min_bands=step.min_bands)
        labels, kept = _usable(labels, names, valid)
        names = dict(enumerate(names[label] for label in kept))
        step.fit(cube, labels)
        how = {"names": names, "block_size": self.block_size}
        try:
            held_out = held_out_score(step, cube, labels, **how)
        except ValueError as error:
            warnings.warn(f"There is no held-out score: {error}", stacklevel=3)
            held_out = None
        colors = [colors.get(label) for label in kept]
        if None in colors or len(set(colors)) < len(colors):
            colors = [None] * len(kept)  # they do not tell the classes apart
        groups = [(names[n], (n,), color) for n, color in enumerate(colors)]
        return {"held_out": held_out, "groups": groups, "training": self}

    def read(self, cube):
        """Return a label map on the pixels of a cube, and names and colors by label."""
        if self.kind == "regions":
            how = {"name_by": self.by, "empty": "ignore"}
            found = read_region_labels(self.path, cube, **how)
        elif self.kind == "catalog":
            how = {"wcs": cube.wcs, "radius": self.radius}
            found = *label_objects(self.path, cube.shape[:2], **how), {}
        else:
            found = *self._read_label_image(cube), {}
        return self._chosen(*found)

    def _read_label_image(self, cube):
        """Return a label map of a file, and its names."""
        labels, wcs = read_map(self.path)
        if labels.shape != cube.shape[:2]:
            sizes = [" x ".join(map(str, s)) for s in (labels.shape, cube.shape[:2])]
            raise ValueError(
                f"{self.path} has {sizes[0]} pixels, but the map of the bands has "
                f"{sizes[1]}. Bring one to the grid of the other (--align-to "
                f"{self.path} --crop no)."
            )
        warn_of_shift(labels.shape, cube.wcs, wcs)
        names = {int(label): str(label) for label in np.unique(labels[labels >= 0])}
        if len(names) > _MOST:
            raise ValueError(
                f"{self.path} has {len(names)} different labels, but classes are at "
                f"most {_MOST}. Is it an image of classes?"
            )
        unknown = sorted(dict(self.names).keys() - names.keys())
        if unknown:
            raise ValueError(
                f"{self.path} has no pixel of label {unknown[0]} "
                f"({dict(self.names)[unknown[0]]}), but of {', '.join(names.values())}."
            )
        return labels, names | _names_in(self.path, names) | dict(self.names)

    def _chosen(self, labels, names, colors):
        """Return what `read` does, of the chosen classes alone."""
        for name in self.classes:
            if name not in names.values():
                raise ValueError(
                    f"{self.path} has no class {name!r}, but "
                    f"{', '.join(names.values())}. (Regions are named by {self.by}.)"
                )
        if self.classes:
            names = {n: name for n, name in names.items() if name in self.classes}
            labels = np.where(np.isin(labels, list(names)), labels, -1)
        return labels, names, colors


def _names_in(path, names):
    """Return the names that the file of a label map gives its labels."""
    try:
        table = Table.read(path, hdu="CLUSTERS")
        pairs = zip(table["id"].tolist(), table["name"].tolist(), strict=True)
    except (KeyError, OSError, ValueError):
        return {}
    return {label: name for label, name in pairs if label in names}


def _usable(labels, names, valid):
    """Return labels from 0 of pixels with data, and the labels that they stand for."""
    usable = np.where(valid, labels, -1)
    kept = [label for label in names if (usable == label).any()]
    for label in sorted(names.keys() - kept):
        n_pixels = np.count_nonzero(labels == label)
        reason = f"none of its {n_pixels} pixels has data that are used (masked, or "
        reason += "set aside as sky: --sky keep)"
        if not n_pixels:
            reason = "no pixel of the image has it"
        warnings.warn(f"Class {names[label]!r} is left out: {reason}.", stacklevel=4)
    if len(kept) < 2:
        found = f"only the class {names[kept[0]]!r}" if kept else "no class"
        raise ValueError(
            f"Pixels with data have {found}, but a classifier learns from two at "
            "least. Label pixels of another class, or mask less (--sky keep)."
        )
    numbered = np.full(labels.shape, -1, dtype=np.int32)
    for number, label in enumerate(kept):
        numbered[usable == label] = number
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
        warnings.warn(text, stacklevel=3)

# SPDX-License-Identifier: BSD-3-Clause
"""Images as callers give them: paths, patterns, how they are read, or cubes."""

import errno
import os
from collections.abc import Mapping
from copy import deepcopy
from glob import glob
from typing import Any

from skesom._common.fits_files import keep_files_open
from skesom.cube.convert import as_cube
from skesom.io.regions import is_path
from skesom.runs.image_source import ImageSource


def source_of_images(
    images: Any, choices: Mapping[str, Any] | None = None, *, or_cube: bool = False
) -> ImageSource | None:
    """Return the source of files, or of a dict with them and how they are read.

    Parameters
    ----------
    images : path, sequence of paths, dict, ImageSource or None
        ``*`` and ``?`` in a path stand for all files that fit it.
    choices : dict or None
        How files are read for which nothing else is said.
    or_cube : bool
        Whether images in memory may be given, which have no source: None.
    """
    if images is None or isinstance(images, ImageSource):
        return images
    if isinstance(images, Mapping):
        fields = dict(images)
    elif or_cube and not are_files(images):
        return None
    else:
        fields = {**(choices or {}), "files": images}
    if "files" not in fields or fields.keys() - set(ImageSource._fields):
        raise ValueError(
            "source must hold files, and how they are read: some of "
            f"{', '.join(ImageSource._fields)}; got {', '.join(fields)}."
        )
    patterns = fields["files"]
    if is_path(patterns):
        patterns = [patterns]
    files = []
    for pattern in patterns:
        files += _files_like(os.fspath(pattern))
    fields["files"] = tuple(files)
    for name in ("exclude", "include"):
        if is_path(fields.get(name)):
            fields[name] = (fields[name],)
    return ImageSource(**fields)


def are_files(images):
    """Return whether images are the path of a file or folder, or a list of paths."""
    if isinstance(images, list | tuple):
        return all(is_path(image) for image in images)
    return is_path(images)


def _files_like(path):
    """Return the files that fit a path with ``*`` or ``?``, in the order of names."""
    if os.path.exists(path) or not {"*", "?"} & set(path):
        return [path]
    files = sorted(glob(path, recursive=True))
    if not files:
        raise FileNotFoundError(errno.ENOENT, "no file fits this", path)
    return files


def cubes_in_memory(images):
    """Return images in memory as a cube, or a list of cubes."""
    if not isinstance(images, list | tuple):
        return as_cube(images, "images")
    return [as_cube(image, f"image {number}") for number, image in enumerate(images, 1)]


def read_for_fit(images):
    """Return images that a fit may change, and the files that they are from.

    Parameters
    ----------
    images : path, sequence of paths, dict, Cube or list of Cube
        As for `Run.fit`. Those in memory are copied.

    Returns
    -------
    images : Cube or list of Cube
    source : ImageSource or None
        With bands in the order of wavelength; None of images in memory.
    """
    source = source_of_images(images, or_cube=True)
    if source is None:
        return deepcopy(cubes_in_memory(images)), None
    with keep_files_open():
        source = source.by_wavelength()
        return source.read(), source

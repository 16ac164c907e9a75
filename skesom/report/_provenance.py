# SPDX-License-Identifier: BSD-3-Clause
"""How a result was made, in a file from which it can be made again."""

import hashlib
import os
import platform
import warnings
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from skesom._common.labels import MASKED, SKY
from skesom.report._decisions import decisions_of
from skesom.report._image_source import ImageSource
from skesom.report._json_values import (
    decode,
    encode,
    read_json,
    unrepeatable_parts,
)

PROVENANCE_FORMAT = "skesom provenance"
FILE_NAME = "provenance.json"
_PACKAGES = ("skesom", "scikit-learn", "numpy", "scipy", "astropy", "reproject")


class Run(NamedTuple):
    """What a run was made of: images where they are now, steps that are not fitted."""

    source: ImageSource
    pipeline: Pipeline
    label_map_sha256: str


def describe_run(pipeline, label_map, folder, source, model, command):
    """Return how a result was made, for JSON."""
    return {
        "format": PROVENANCE_FORMAT,
        "version": 1,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command and [str(part) for part in command],
        "software": software_versions(),
        "random_state": {
            name: encode(value)
            for name, value in pipeline.get_params().items()
            if name.rpartition("__")[2] == "random_state"
        },
        "pipeline": encode(pipeline),
        "images": source
        and {
            "read": encode(source.moved(os.path.abspath)._asdict()),
            "files": [_describe_file(path, folder) for path in source.paths()],
        },
        "model": model and _describe_file(model, folder),
        "decisions": None if model else decisions_of(pipeline),
        "result": {
            "shape": list(label_map.shape),
            "n_clusters": len(np.unique(label_map[label_map >= 0])),
            "clustered_pixels": int(np.count_nonzero(label_map >= 0)),
            "sky_pixels": int(np.count_nonzero(label_map == SKY)),
            "pixels_without_data": int(np.count_nonzero(label_map == MASKED)),
            "label_map_sha256": label_map_digest(label_map),
        },
    }


def _describe_file(path, folder=None):
    """Return what identifies the content of a file."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    path = os.path.abspath(path)
    description = {"path": path, "size": os.path.getsize(path), "sha256": digest}
    if folder is not None:
        description["beside"] = os.path.relpath(path, folder)
    return description


def label_map_digest(label_map):
    """Return the SHA-256 of the labels as little-endian 32-bit integers, row by row."""
    digest = hashlib.sha256()
    for row in np.asarray(label_map):
        digest.update(np.ascontiguousarray(row, dtype="<i4"))
    return digest.hexdigest()


def read_provenance(path):
    """Read the provenance of a result."""
    provenance = read_json(path, PROVENANCE_FORMAT, "provenance of a result of skesom")
    if provenance.get("version") != 1:
        raise ValueError(f"{path} is of a newer version of skesom, use that one.")
    return provenance


def read_run(path, *, files=None):
    """Read what a run was made of; `files` are images to take instead of its own."""
    path = Path(path)
    path = path / FILE_NAME if path.is_dir() else path
    provenance = read_provenance(path)
    try:
        return _as_run(path, provenance, files)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: {error!r}.") from error


def _as_run(path, provenance, files):
    if provenance["model"] is not None:
        raise ValueError(
            f"{path} is of a model that was applied to other images: apply "
            f"{provenance['model']['path']} again (skesom predict)."
        )
    lost = unrepeatable_parts(provenance["pipeline"])
    if lost:
        raise ValueError(f"{path} lacks {lost[0]}, which is in Python only.")
    pipeline = decode(provenance["pipeline"])
    if not isinstance(pipeline, BaseEstimator):
        raise ValueError(f"{path} holds no pipeline.")
    warn_of_versions(f"{path} was written", provenance["software"])
    source = _source_of(path, provenance, files)
    return Run(source, pipeline, provenance["result"]["label_map_sha256"])


def _source_of(path, provenance, files):
    """Return the images of a run, where they are now."""
    if provenance["images"] is None:
        raise ValueError(f"{path} does not name the files: the run had no source.")
    source = ImageSource(**decode(provenance["images"]["read"]))
    known = {file["path"]: file for file in provenance["images"]["files"]}
    if files is not None:
        if len(files) != len(source.files):
            raise ValueError(
                f"The run had {len(source.files)} files of images, got {len(files)}."
            )
        source = source._replace(files=tuple(files))
        now = {_describe_file(place)["sha256"] for place in source.paths()}
        if not now <= {file["sha256"] for file in known.values()}:
            text = "other images than those of the run, so the result will differ"
            warnings.warn(f"The files are {text}.", stacklevel=4)
        return source
    places = {}
    for text, file in known.items():
        places[text] = _find(file, path)
        if _describe_file(places[text])["sha256"] != file["sha256"]:
            raise ValueError(
                f"{places[text]} has changed since the run. Give the files to use them."
            )
    return source.moved(lambda text: places[str(text)])


def _find(file, provenance):
    """Return where a file is: at its place, or at the same place from the results."""
    for place in (Path(file["path"]), provenance.parent / file["beside"]):
        if place.is_file():
            return place
    raise FileNotFoundError(
        f"{file['path']} is no longer there. Put it back, or give the files in their "
        "order."
    )


def software_versions():
    """Return the version of Python and of each package that results depend on."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            versions[package] = version(package)
    return versions


def warn_of_versions(what, versions, packages=_PACKAGES):
    """Warn if something was made by other versions."""
    here = software_versions()
    other = [
        f"{package} {versions[package]} (here {here.get(package, 'none')})"
        for package in packages
        if package in versions and versions[package] != here.get(package)
    ]
    if other:
        text = "with other versions: {}. Results may differ a little, or fail."
        warnings.warn(f"{what} {text.format(', '.join(other))}", stacklevel=3)

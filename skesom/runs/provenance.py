# SPDX-License-Identifier: BSD-3-Clause
"""The file ``provenance.json``: how a result was made, and of which files."""

import math
import os
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from skesom._common.file_errors import errors_naming, read_json
from skesom._common.fits_files import FileContent, file_stamp
from skesom._common.labels import MASKED, SKY, count_clusters, label_map_digest
from skesom._common.pipelines import pipeline_end
from skesom._common.written_files import file_digest
from skesom.runs._versions import software_versions

PROVENANCE_FORMAT = "skesom provenance"
FILE_NAME = "provenance.json"
# Parameters that do not decide the result. A recipe never sets them, because a memory
# unpickles files.
PARAMETERS_WITHOUT_EFFECT = ("memory", "n_jobs", "verbose")
_MAX_TEXT = 200  # characters of a value that JSON has no type for


def describe_run(run, label_map, folder):
    """Return how a result was made, for JSON.

    Parameters
    ----------
    run : Run
    label_map : ndarray of int
        Labels of the run, without the merges of its groups.
    folder : str or os.PathLike
        Of the result.

    Returns
    -------
    provenance : dict
    """
    command = run.command
    if command is not None:
        command = [str(argument) for argument in command]
    parameters = {}
    for name, value in run.pipeline.get_params().items():
        if name.rpartition("__")[2] not in PARAMETERS_WITHOUT_EFFECT:
            parameters[name] = _as_json(value)
    training = None
    if run.training is not None:
        training = {
            "read": _as_json(run.training._asdict()),
            "file": _record_of_file(run.training.path, folder),
        }
    return {
        "format": PROVENANCE_FORMAT,
        "version": 1,
        "finished": run.finished,
        "command": command,
        "software": software_versions(),
        "pipeline": parameters,
        "cut": cut_of(run.pipeline),
        "strips": run.source is not None and bool(run.source.lazy),
        "images": _record_of_images(run.source, folder),
        "training": training,
        "model": _record_of_file(run.model, folder) if run.model else None,
        "result": {
            "shape": list(label_map.shape),
            "n_clusters": int(np.count_nonzero(count_clusters(label_map))),
            "clustered_pixels": int(np.count_nonzero(label_map >= 0)),
            "sky_pixels": int(np.count_nonzero(label_map == SKY)),
            "pixels_without_data": int(np.count_nonzero(label_map == MASKED)),
            "label_map_sha256": label_map_digest(label_map),
        },
    }


def _record_of_images(source, folder):
    """Return how images are read and what their files hold, None of those in memory."""
    if source is None:
        return None
    files = []
    for path in [*source.paths(), *source.companions()]:
        files.append(_record_of_file(path, folder, source.known_content(path)))
    return {
        "read": _as_json(source.moved(os.path.abspath)._asdict()),
        "files": files,
    }


def _record_of_file(path, folder, content=None):
    """Return the place of a file, also seen from a folder, its size and digest.

    They are of its `content` when it was read, else of what it holds now.
    """
    path = os.path.abspath(path)
    if content is None:
        content = content_now(path)
    return {
        "path": path,
        "size": content.size,
        "sha256": content.sha256,
        "beside": os.path.relpath(path, folder),
    }


def content_now(path):
    """Return what a file holds now."""
    return FileContent(file_stamp(path), file_digest(path))


def _as_json(value):
    """Return a value for readers: as text if JSON has no type for it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, BaseEstimator):
        return type(value).__name__
    if isinstance(value, dict):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    if isinstance(value, bool | int | str | None):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return " ".join(repr(value).split())[:_MAX_TEXT]


def cut_of(pipeline):
    """Return into how many clusters a tree was cut after its fit, or None."""
    step = pipeline[-1]
    n_of_fit = getattr(step, "_n_before_cut", None)
    if n_of_fit is None:
        return None
    clusterer, _ = pipeline_end(step.estimator_)
    n_clusters = int(clusterer.n_clusters_)
    return None if n_clusters == n_of_fit else n_clusters


def digest_of_fit(pipeline, path):
    """Return the digest of the label map of a fitted pipeline, None without one.

    `path` is the file of the pipeline, for messages.
    """
    if not isinstance(pipeline, Pipeline):
        return None
    labels = getattr(pipeline[-1], "labels_", None)
    if labels is None:
        return None
    with errors_naming(path):
        return label_map_digest(labels)


def read_provenance(path):
    """Read the provenance of a result.

    Parameters
    ----------
    path : str or os.PathLike
        Its file, or the folder that holds it.

    Returns
    -------
    path : pathlib.Path
        Of the file.
    provenance : dict
    """
    path = Path(path)
    if path.is_dir():
        path = path / FILE_NAME
    if path.name == FILE_NAME and path.parent.is_dir() and not path.is_file():
        raise FileNotFoundError(
            f"{path.parent} holds no result: it has no {FILE_NAME}. Give a folder that "
            "`skesom cluster -o` wrote."
        )
    provenance = read_json(path, PROVENANCE_FORMAT, "provenance of a result of skesom")
    if provenance.get("version") != 1:
        raise ValueError(f"{path} is of a newer version of skesom, use that one.")
    return path, provenance


def check_is_of_fit(path, provenance):
    """Refuse the provenance of a model that was applied to other images."""
    with errors_naming(path):
        if provenance["model"] is not None:
            raise ValueError(
                f"{path} is of a model that was applied to other images: apply "
                f"{provenance['model']['path']} again (skesom predict)."
            )

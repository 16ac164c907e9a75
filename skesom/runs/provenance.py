# SPDX-License-Identifier: BSD-3-Clause
"""How a result was made, in a file from which it can be made again."""

import inspect
import math
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from skesom._common.fits_files import FileContent, file_stamp
from skesom._common.folders import file_digest
from skesom._common.json_values import read_json, whole
from skesom._common.labels import MASKED, SKY, count_clusters, label_map_digest
from skesom._common.pipelines import pipeline_end
from skesom._common.texts import first_names
from skesom._common.warn import warn_user
from skesom.runs._models import (
    NOT_IN_FILES,
    read_skops,
    software_versions,
    warn_of_versions,
    write_skops,
)
from skesom.runs.image_source import ImageSource
from skesom.runs.training import Training

PROVENANCE_FORMAT = "skesom provenance"
FILE_NAME = "provenance.json"
RECIPE_FORMAT = "skesom recipe"
RECIPE_NAME = "recipe.skops"
# A recipe never sets these: none decides the result, but a memory unpickles files.
_NOT_OF_THE_RESULT = ("memory", "n_jobs", "verbose")


class Recipe(NamedTuple):
    """What repeats a run: images where they are now, steps that are not fitted."""

    source: ImageSource
    pipeline: Pipeline
    label_map_sha256: str
    path: Path
    training: Training | None  # the labels that were learned
    cut: int | None  # clusters into which the tree was cut after the fit


def describe_run(run, label_map, folder):
    """Return how a result was made, for JSON."""
    pipeline, source, training = run.pipeline, run.source, run.training
    return {
        "format": PROVENANCE_FORMAT,
        "version": 1,
        "finished": run.finished,
        "command": run.command and [str(part) for part in run.command],
        "software": software_versions(),
        "pipeline": {
            name: _as_json(value)
            for name, value in pipeline.get_params().items()
            if name.rpartition("__")[2] not in _NOT_OF_THE_RESULT
        },
        "cut": cut_of(pipeline),
        "strips": bool(source and source.lazy),
        "images": source
        and {
            "read": _as_json(source.moved(os.path.abspath)._asdict()),
            "files": [
                _describe_file(path, folder, source.known_content(path))
                for path in [*source.paths(), *source.companions()]
            ],
        },
        "training": training
        and {
            "read": _as_json(training._asdict()),
            "file": _describe_file(training.path, folder),
        },
        "model": run.model and _describe_file(run.model, folder),
        "result": {
            "shape": list(label_map.shape),
            "n_clusters": int(np.count_nonzero(count_clusters(label_map))),
            "clustered_pixels": int(np.count_nonzero(label_map >= 0)),
            "sky_pixels": int(np.count_nonzero(label_map == SKY)),
            "pixels_without_data": int(np.count_nonzero(label_map == MASKED)),
            "label_map_sha256": label_map_digest(label_map),
        },
    }


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
    return " ".join(repr(value).split())[:200]


def write_recipe(path, pipeline, source, training):
    """Write the parts that make a run again, as far as a file can hold them."""
    steps = unfitted(pipeline)
    # The source stays in the file even if the steps cannot: pages and names need it.
    recipe = {
        "format": RECIPE_FORMAT,
        "pipeline": steps,
        "source": source.moved(os.path.abspath)._asdict(),
        "training": training and training._asdict(),
        "cut": cut_of(pipeline),
    }
    for name, value in steps.get_params().items():
        if isinstance(value, np.random.RandomState):  # the fit has drawn from it
            recipe["pipeline"] = f"{name} is {value}, which is in Python only"
    try:
        write_skops(path, recipe)
    except NOT_IN_FILES as error:
        recipe["pipeline"] = " ".join(str(error).split())[:100]
        write_skops(path, recipe)


def unfitted(pipeline):
    """Return a clone that has the defaults where they do not decide the result."""
    pipeline = clone(pipeline)
    parameters = pipeline.get_params()
    for path in parameters:
        home, _, name = path.rpartition("__")
        if name in _NOT_OF_THE_RESULT:
            kind = type(parameters[home] if home else pipeline)
            known = inspect.signature(kind).parameters.get(name)
            # Some take them among others that have no name: None is their default.
            pipeline.set_params(**{path: known and known.default})
    return pipeline


def cut_of(pipeline):
    """Return into how many clusters a tree was cut after its fit, or None."""
    step = pipeline[-1]
    before = getattr(step, "_n_before_cut", None)
    if before is None:
        return None
    number = int(pipeline_end(step.estimator_)[0].n_clusters_)
    return None if number == before else number


def _content(path):
    """Return what a file holds now."""
    return FileContent(file_stamp(path), file_digest(path))


def _describe_file(path, folder, content=None):
    """Return the place of a file, also seen from a folder, its size and digest.

    They are of its `content` when it was read, else of what it holds now.
    """
    path = os.path.abspath(path)
    if content is None:
        content = _content(path)
    return {
        "path": path,
        "size": content.size,
        "sha256": content.sha256,
        "beside": os.path.relpath(path, folder),
    }


def digest_of_fit(pipeline, path):
    """Return the digest of the label map of a fitted pipeline of a file, or None."""
    step = pipeline[-1] if isinstance(pipeline, Pipeline) else None
    if getattr(step, "labels_", None) is None:
        return None
    with whole(path):
        return label_map_digest(step.labels_)


def read_provenance(path):
    """Read the provenance of a result: its file, or the folder that holds it."""
    path = Path(path)
    path = path / FILE_NAME if path.is_dir() else path
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
    with whole(path):
        if provenance["model"] is not None:
            raise ValueError(
                f"{path} is of a model that was applied to other images: apply "
                f"{provenance['model']['path']} again (skesom predict)."
            )


def _read_recipe(path, trust):
    """Return provenance and recipe of a run, and where they are."""
    path, provenance = read_provenance(path)
    check_is_of_fit(path, provenance)
    with whole(path):
        if provenance["images"] is None:
            raise ValueError(
                f"{path} names no files: the run was of images in memory. Give them "
                "again, as images of Run.read."
            )
    place = path.with_name(RECIPE_NAME)
    if not place.is_file():
        raise FileNotFoundError(f"{path.parent} has no {RECIPE_NAME} to repeat it by.")
    with whole(place):
        recipe = read_skops(place, trust)
        if recipe["format"] != RECIPE_FORMAT:
            raise ValueError(f"{place} is no recipe of skesom.")
        recipe["source"] = source = ImageSource(**recipe["source"])
        parts = source.files, source.exclude, source.include
        if not all(isinstance(part, tuple) for part in parts):
            raise ValueError(f"{place} is damaged: its files are no lists.")
    return path, provenance, recipe


def read_recipe(path, *, files=None, trust=False):
    """Read the parts of a run; `files` are as in `read_source`."""
    path, provenance, recipe = _read_recipe(path, trust)
    source = _moved(recipe["source"], path, provenance, files)
    pipeline = recipe["pipeline"]
    with whole(path.with_name(RECIPE_NAME)):
        if isinstance(pipeline, str):
            raise ValueError(f"{path} cannot be repeated: {pipeline}.")
        if not (isinstance(pipeline, Pipeline) and pipeline.steps):
            raise ValueError(f"{path} is of no pipeline.")
        for name, step in pipeline.steps:
            if not (isinstance(name, str) and isinstance(step, BaseEstimator)):
                raise ValueError(
                    f"{path} has a step that is no estimator: {name!r:.80}."
                )
        pipeline = unfitted(pipeline)
        training = recipe["training"] and Training(**recipe["training"])
    with whole(path):
        warn_of_versions(f"{path} was written", provenance["software"])
        digest = provenance["result"]["label_map_sha256"]
        if training is not None:
            folder = files[0] if files and Path(files[0]).is_dir() else None
            found, _ = _find(provenance["training"]["file"], path, folder)
            training = training._replace(path=str(found))
    return Recipe(source, pipeline, digest, path, training, recipe["cut"])


def source_of_model(model, *, trust=False):
    """Return the images that a model in a folder of results learned from, or None."""
    try:
        return _read_recipe(Path(model).parent, trust)[2]["source"]
    except (OSError, ValueError):
        return None


def read_source(path, *, files=None, trust=False):
    """Return the images of a run, where they are now.

    `files` are to be taken instead, in their order; or are one folder to look in.
    """
    path, provenance, recipe = _read_recipe(path, trust)
    return _moved(recipe["source"], path, provenance, files)


def _moved(source, path, provenance, files):
    """Return the images of a provenance where they are now."""
    with whole(path):
        known = {file["path"]: file for file in provenance["images"]["files"]}
        needed = {str(place): known[str(place)] for place in source.paths()}
    folder = None
    if files is not None and len(files) == 1 and Path(files[0]).is_dir():
        folder, files = files[0], None
    if files is not None:
        if len(files) != len(source.files):
            raise ValueError(
                f"The run had {len(source.files)} files of images, got {len(files)} "
                f"({first_names(list(map(str, files)))}): give all of them in their "
                "order, or the folder that holds them."
            )
        own = source._replace(files=()).paths()
        needed = {str(place): needed[str(place)] for place in own}
    with whole(path):
        # What "auto" found beside the images must be there too: without it, or with
        # another file beside them now, the same source would read other values.
        companions = [] if files is not None else known.keys() - needed.keys()
        companions = [_find(known[text], path, folder) for text in companions]
        found = {text: _find(file, path, folder) for text, file in needed.items()}
    places = {text: place for text, (place, _) in found.items()}
    source = source.moved(lambda text: places.get(str(text), text))
    # Files that stay as they are need not be hashed once more when they are read.
    for place, content in [*companions, *found.values()]:
        source.contents[os.path.realpath(place)] = content
    new = [] if files is not None else {*map(os.path.realpath, source.companions())}
    new = sorted({*new} - {os.path.realpath(place) for place, _ in companions})
    if new:
        raise ValueError(
            f"{new[0]} lies beside an image now, and did not in the run. Move it away, "
            "or give the files to read it."
        )
    if files is not None:
        source = source._replace(files=tuple(files))
        contents = {os.path.realpath(path): _content(path) for path in source.paths()}
        source.contents.update(contents)
        now = {content.sha256 for content in contents.values()}
        if not now <= {file["sha256"] for file in known.values()}:
            text = "other images than those of the run, so the result will differ"
            warn_user(f"The files are {text}.")
    return source


def _find(file, provenance, folder):
    """Return where a file is, and its content.

    It is at its place, at that seen from the results, or in a folder.
    """
    places = [Path(file["path"]), provenance.parent / file["beside"]]
    if folder is not None:
        name = places[0].name
        places = [place for place in Path(folder).rglob("*") if place.name == name]
    found = [place for place in places if place.is_file()]
    for place in found:  # others may have no end, as those of the system
        if place.stat().st_size == file["size"]:
            content = _content(place)
            if content.sha256 == file["sha256"]:
                return place, content
    if found:
        raise ValueError(
            f"{found[0]} has changed since the run. Give the files to use them."
        )
    where = "no longer there" if folder is None else f"not in {folder}"
    raise FileNotFoundError(
        f"{file['path']} is {where}. Put it back, or give the folder that holds the "
        "images now, or all files in their order, as images."
    )

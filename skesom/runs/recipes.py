# SPDX-License-Identifier: BSD-3-Clause
"""The file ``recipe.skops``: images and steps, from which a run can be made again."""

import inspect
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from skesom._common.file_errors import errors_naming
from skesom.runs._recorded_files import find_recorded_file, find_recorded_images
from skesom.runs._skops_files import NOT_IN_FILES, read_skops, write_skops
from skesom.runs._versions import warn_of_versions
from skesom.runs.image_source import ImageSource
from skesom.runs.provenance import (
    PARAMETERS_WITHOUT_EFFECT,
    check_is_of_fit,
    cut_of,
    read_provenance,
)
from skesom.runs.training import TrainingLabels

RECIPE_FORMAT = "skesom recipe"
RECIPE_NAME = "recipe.skops"


class Recipe(NamedTuple):
    """What repeats a run: images where they are now, steps that are not fitted."""

    source: ImageSource
    pipeline: Pipeline
    label_map_sha256: str
    path: Path  # of the provenance beside it
    training: TrainingLabels | None  # the labels that were learned
    cut: int | None  # clusters into which the tree was cut after the fit


class _StoredRecipe(NamedTuple):
    """A recipe as it is in its file, and the provenance beside it."""

    source: ImageSource
    content: dict
    provenance: dict
    provenance_path: Path


def write_recipe(path, pipeline, source, training):
    """Write what makes a run again, as far as a file can hold it.

    Where it cannot hold the steps, the reason takes their place: the source stays in
    the file, because pages and names need it.
    """
    steps = unfitted(pipeline)
    recipe = {
        "format": RECIPE_FORMAT,
        "pipeline": steps,
        "source": source.moved(os.path.abspath)._asdict(),
        "training": training._asdict() if training is not None else None,
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
        owner_path, _, name = path.rpartition("__")
        if name not in PARAMETERS_WITHOUT_EFFECT:
            continue
        owner = parameters[owner_path] if owner_path else pipeline
        signature = inspect.signature(type(owner)).parameters
        default = None  # of those that take it among others that have no name
        if name in signature:
            default = signature[name].default
        pipeline.set_params(**{path: default})
    return pipeline


def read_recipe(path, *, files=None, trust=False):
    """Return the recipe of a run, with its images where they are now.

    Parameters
    ----------
    path : str or os.PathLike
        Folder of the result, or its provenance.
    files : sequence of str or os.PathLike, or None
        As in `read_source`.
    trust : bool
        Whether the file may hold classes that are not known to be harmless.

    Returns
    -------
    recipe : Recipe
    """
    stored = _read_stored(path, trust)
    path = stored.provenance_path
    provenance = stored.provenance
    source = find_recorded_images(stored.source, path, provenance, files)
    content = stored.content
    pipeline = content["pipeline"]
    with errors_naming(path.with_name(RECIPE_NAME)):
        if isinstance(pipeline, str):
            raise ValueError(f"{path} cannot be repeated: {pipeline}.")
        _check_pipeline(pipeline, path)
        pipeline = unfitted(pipeline)
        training = None
        if content["training"]:
            training = TrainingLabels(**content["training"])
    with errors_naming(path):
        warn_of_versions(f"{path} was written", provenance["software"])
        label_map_sha256 = provenance["result"]["label_map_sha256"]
        if training is not None:
            folder = None
            if files and Path(files[0]).is_dir():
                folder = files[0]
            training_file = find_recorded_file(
                provenance["training"]["file"], path, folder
            )
            training = training._replace(path=str(training_file.path))
    return Recipe(
        source=source,
        pipeline=pipeline,
        label_map_sha256=label_map_sha256,
        path=path,
        training=training,
        cut=content["cut"],
    )


def _check_pipeline(pipeline, path):
    """Refuse what is no pipeline of estimators."""
    if not (isinstance(pipeline, Pipeline) and pipeline.steps):
        raise ValueError(f"{path} is of no pipeline.")
    for name, step in pipeline.steps:
        if not (isinstance(name, str) and isinstance(step, BaseEstimator)):
            raise ValueError(f"{path} has a step that is no estimator: {name!r:.80}.")


def read_source(path, *, files=None, trust=False):
    """Return the images of a run, where they are now.

    `files` are to be taken instead, in their order; or are one folder to look in.
    """
    stored = _read_stored(path, trust)
    return find_recorded_images(
        stored.source, stored.provenance_path, stored.provenance, files
    )


def source_of_model(model, *, trust=False):
    """Return the images that a model in a folder of results learned from, or None."""
    try:
        return _read_stored(Path(model).parent, trust).source
    except (OSError, ValueError):
        return None


def _read_stored(path, trust):
    """Return the recipe of a run, whose images may have moved since."""
    path, provenance = read_provenance(path)
    check_is_of_fit(path, provenance)
    with errors_naming(path):
        if provenance["images"] is None:
            raise ValueError(
                f"{path} names no files: the run was of images in memory. Give them "
                "again, as images of Run.read."
            )
    recipe_path = path.with_name(RECIPE_NAME)
    if not recipe_path.is_file():
        raise FileNotFoundError(f"{path.parent} has no {RECIPE_NAME} to repeat it by.")
    with errors_naming(recipe_path):
        content = read_skops(recipe_path, trust)
        if content["format"] != RECIPE_FORMAT:
            raise ValueError(f"{recipe_path} is no recipe of skesom.")
        source = ImageSource(**content["source"])
        for paths in (source.files, source.exclude, source.include):
            if not isinstance(paths, tuple):
                raise ValueError(f"{recipe_path} is damaged: its files are no lists.")
    return _StoredRecipe(source, content, provenance, path)

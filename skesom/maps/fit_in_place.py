# SPDX-License-Identifier: BSD-3-Clause
"""Fit a pipeline whose steps change the images that they are given, to save memory."""

import logging
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from skesom.cube import BandBinner, CubeAligner, CubeStore

_logger = logging.getLogger(__name__)
_WORK = {  # of the steps, in words
    "gaps": "masking what is missing or broken",
    "counts": "looking for bands of few photons",
    "background": "looking for a background",
    "convolve": "bringing the bands to one width",
    "align": "bringing the bands to one grid",
    "bin": "averaging bands",
    "store": "storing the bands",
    "stretch": "stretching fluxes",
    "sky": "looking for sky",
    "color": "scaling colors",
    "components": "looking for components above the noise",
    "features": "looking at the surroundings of pixels",
    "cluster": "clustering the pixels",
    "classify": "classifying the pixels",
}


class MapImages(NamedTuple):
    """Images on the pixels of the map, and the names of the bands they were made of."""

    cube: object
    band_names: list


def fit_in_place(pipeline, images, fit=None, *, prepare=None):
    """Fit a pipeline, which may change the images; return those of the map.

    `fit` is what fits the last step to the cube that it gets, if it needs more, and
    `prepare` stands for `prepare_in_place`. The pipeline is fitted as by ``fit``, with
    less memory, and without doing the steps up to the pixels of the map again for a
    report.
    """
    if prepare is None:
        prepare = prepare_in_place
    cube, of_map = prepare(pipeline, images)
    if getattr(cube, "is_lazy", False):  # a clusterer reads it several times
        cube = CubeStore().fit_transform(cube)
    name, step = pipeline.steps[-1]
    _logger.debug("%s", _WORK.get(name, name))
    copies = fit is not None or _share_memory(cube, of_map.cube)
    with _copying(step, copies):
        if fit is None:
            step.fit(cube)
        else:
            fit(step, cube)
    return of_map


def prepare_in_place(pipeline, images, *, is_fitted=False):
    """Fit all steps but the last, unless they are fitted; return what they give.

    Return also the images of the map.
    """
    cubes = images
    if not isinstance(images, list):
        cubes = [images]
    band_names = []
    for cube in cubes:
        band_names += cube.band_names
    n_steps_before = n_steps_to_map(pipeline)
    of_map = None
    for number, (name, step) in enumerate(pipeline.steps[:-1]):
        if number == n_steps_before:
            of_map = images
        is_shared = of_map is not None and _share_memory(images, of_map)
        _logger.debug("%s", _WORK.get(name, name))
        with _copying(step, is_shared):
            if is_fitted:
                images = step.transform(images)
            else:
                images = step.fit_transform(images)
    if of_map is None:
        of_map = images
    return images, MapImages(of_map, band_names)


def n_steps_to_map(pipeline):
    """Return after how many steps the bands are those of the map, on its pixels."""
    steps = [step for _, step in pipeline.steps[:-1]]
    n_shaped = 0
    for number, step in enumerate(steps, start=1):
        if isinstance(step, CubeAligner | BandBinner):
            n_shaped = number
    if n_shaped:
        return n_shaped
    for number, step in enumerate(steps):
        if not getattr(step, "keeps_flux", False):
            return number
    return len(steps)


def _share_memory(cube, other):
    """Return whether a change of one cube may change another."""
    if cube.is_lazy or other.is_lazy:
        return True
    return np.may_share_memory(cube.data, other.data)


@contextmanager
def _copying(step, copy):
    """Let a step change the cube that it is given, unless that is shared."""
    name = "_copy"
    if "copy" in step.get_params(deep=False):
        name = "copy"
    before = vars(step).get(name)
    setattr(step, name, copy)
    try:
        yield
    finally:
        if before is None:  # nothing that a model would hold
            delattr(step, name)
        else:
            setattr(step, name, before)

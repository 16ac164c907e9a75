# SPDX-License-Identifier: BSD-3-Clause
"""The fit of a run: the grid first, labels that teach, the cut at the end."""

from contextlib import nullcontext
from typing import NamedTuple

from skesom.cube import CubeAligner
from skesom.cube.alignment.aligner import grid_found_before
from skesom.maps.doubtful_clusters import (
    check_enough_pixels,
    check_enough_pixels_to_fit,
)
from skesom.maps.fit_in_place import MapImages, fit_in_place, prepare_in_place
from skesom.maps.held_out import HeldOut
from skesom.runs.training import TaughtClasses


class FittedRun(NamedTuple):
    """What a fit leaves beside the fitted pipeline."""

    images: MapImages  # on the pixels of the map
    classes: TaughtClasses | None  # None of clusters

    @property
    def held_out(self) -> HeldOut | None:
        """Scores of pixels that were held out of the training."""
        if self.classes is None:
            return None
        return self.classes.held_out


def fit_pipeline(pipeline, images, *, training=None, cut=None):
    """Fit a pipeline to images.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted in place.
    images : Cube or list of Cube
        Steps may change them.
    training : TrainingLabels or None
        Labels that the last step learns from.
    cut : int or None
        Number of clusters into which the tree is cut after the fit.

    Returns
    -------
    fitted : FittedRun
    """
    classes = None

    def fit_and_cut(step, cube):
        """Fit the clusterer, and put what is cut elsewhere in its place."""
        cut_step = step.fit(cube).cut_at(cut, cube)
        name, _ = pipeline.steps[-1]
        pipeline.steps[-1] = name, cut_step

    def teach(step, cube):
        nonlocal classes
        classes = training.teach(step, cube)

    def prepare_and_check(pipeline, images):
        """Prepare images, and say before the runs that there is only noise."""
        prepared = prepare_in_place(pipeline, images)
        if training is None:
            check_enough_pixels_to_fit(pipeline[-1], prepared[0])
        return prepared

    aligner = pipeline.named_steps.get("align")
    if isinstance(aligner, CubeAligner):  # grids that cannot be aligned fail early
        grid_is_found = grid_found_before(aligner, images)
    else:
        grid_is_found = nullcontext()
    fit_last_step = None  # its own method fit
    if cut is not None:
        fit_last_step = fit_and_cut
    elif training is not None:
        fit_last_step = teach
    with grid_is_found:
        images_on_map = fit_in_place(
            pipeline, images, fit_last_step, prepare=prepare_and_check
        )
    if training is None:  # before a folder of noise is written
        check_enough_pixels(pipeline[-1])
    return FittedRun(images_on_map, classes)

# SPDX-License-Identifier: BSD-3-Clause
"""Another cut of the tree of a run, from its leaves or else from its images."""

from skesom.maps.fit_in_place import MapImages, n_steps_to_map, prepare_in_place
from skesom.runs._leaves_file import read_leaves


def cut_last_step(run, n_clusters):
    """Cut the tree of the last step of a run into a number of clusters.

    Where leaves of the pixels are known, in memory or in the folder, the cut is looked
    up. Else the cube that the last step was fitted to is made again.

    Parameters
    ----------
    run : Run
    n_clusters : int
        One that the tree can have, see `check_tree_and_cut`.

    Returns
    -------
    step : CubeClusterer
        A fitted one.
    images : Cube, list of Cube, MapImages or None
        Those of the run that are in memory now.
    """
    step = run.pipeline[-1]
    has_leaves = getattr(step, "_seen", None) is not None
    if not has_leaves and run.leaves_file is not None:
        has_leaves = read_leaves(run.leaves_file, step)
    if has_leaves:
        return step.cut_at(n_clusters), run.images.in_memory
    cube, images = _cube_of_last_step(run)
    return step.cut_at(n_clusters, cube), images


def _cube_of_last_step(run):
    """Return the cube that the last step was fitted to, and that of the map."""
    pipeline = run.pipeline
    images = run.images.in_memory
    if images is None:  # steps may change what nobody else has
        return prepare_in_place(pipeline, run.images.read(), is_fitted=True)
    n_to_map = n_steps_to_map(pipeline)
    if not isinstance(images, MapImages):
        cube = images
        for _, step in pipeline.steps[:n_to_map]:
            cube = step.transform(cube)
        images = MapImages(cube, run.band_names)
    cube = images.cube
    for _, step in pipeline.steps[n_to_map:-1]:
        cube = step.transform(cube)
    return cube, images

# SPDX-License-Identifier: BSD-3-Clause
"""A run in a folder: what `report` presents of it, and what finds and repeats it."""

import json
import logging
import shutil
from pathlib import Path

from skesom._common.extras import NO_PICTURES, PICTURES_LEFT_OUT, has_extra
from skesom._common.folders import (
    atomic_folder,
    check_outside,
)
from skesom._common.warn import warn_user
from skesom._common.written_files import names_of_files
from skesom.report.decisions import decision_lines, decisions_of
from skesom.report.drawing import PictureStyle
from skesom.report.facts import lines_of
from skesom.report.pieces import psf_sigma
from skesom.report.report import Presentation
from skesom.report.sky_level import describe_sky, text_of_left
from skesom.runs._leaves_file import write_leaves
from skesom.runs._models import save_model
from skesom.runs.group_files import GROUPS_NAME, write_cluster_groups
from skesom.runs.provenance import FILE_NAME, describe_run
from skesom.runs.recipes import RECIPE_NAME, source_of_model, write_recipe

_logger = logging.getLogger(__name__)


def write_run_folder(run, folder, *, tables, pictures, overwrite):
    """Write a run to a folder, which appears at the end; return its files.

    `tables`, `pictures` and `overwrite` are as in `Run.write`.
    """
    style = None
    if pictures is True:
        style = PictureStyle()
    elif pictures:
        style = pictures
    has_no_matplotlib = style is not None and not has_extra("matplotlib")
    if has_no_matplotlib:
        warn_user(PICTURES_LEFT_OUT)
        style = None
    is_of_fit = run.is_of_fit
    with atomic_folder(folder, overwrite=overwrite) as temporary:
        source = run.source
        if source is not None:
            check_outside(folder, source.paths())
        result = run._result()
        if style is not None:
            style.check(result.cube.band_names)
        run_label_map = result.run_label_map
        label_map = result.label_map
        wcs = result.cube.wcs
        presented = Presentation(temporary, Path(folder))
        if has_no_matplotlib:
            presented.left_out["pictures"] = NO_PICTURES
        presented.write_findings(result, tables, style, run.catalog, run.radius)
        write_cluster_groups(
            presented.path(GROUPS_NAME),
            result.groups,
            label_map_sha256=result.label_map_sha256,
            tree_sha256=result.tree_sha256,
        )
        # What is needed of the result after it is gone, with its copy of the cube:
        # outlines need room too.
        sky = describe_sky(result)
        why_no_names = result.why_no_names
        names = result.names
        colors = result.colors
        sigma = psf_sigma(result.cube)
        del result
        if label_map.ndim == 2:
            presented.write_outlines(label_map, wcs, names, colors, sigma)
        if is_of_fit:
            _write_model(presented, temporary, run)
            presented.add(write_leaves(temporary, run))
        presented.write_pictures(style)
        if source is not None and is_of_fit:
            _write_recipe(presented.path(RECIPE_NAME), run)
        decisions = None
        if is_of_fit or run.model is None:
            decisions = decisions_of(run.pipeline, sky, why_no_names)
        presented.files.decisions = decisions
        provenance = describe_run(run, run_label_map, folder)
        provenance |= {
            "decisions": decisions,
            "off_map": presented.files.off_map,
            "files": names_of_files(temporary, FILE_NAME),
            "left_out": presented.left_out,
            "pictures": style._asdict() if style is not None else None,
            "lines": list(lines_of(presented.files)),
        }
        text = json.dumps(provenance, indent=1, allow_nan=False)
        presented.path(FILE_NAME).write_text(f"{text}\n", encoding="utf-8")
    if sky is not None and sky["left"]:
        warn_user(text_of_left(sky["left"]))
    if presented.off_map_line is not None:
        _logger.info("%s", presented.off_map_line)
    if is_of_fit and decisions:
        for line in decision_lines(decisions):
            _logger.info("%s", line)
    return presented.files


def _write_model(presented, folder, run):
    """Write the fitted pipeline: as a pickle if no file to share can hold it."""
    _logger.debug("writing the model")
    if run.model_file is not None and run.model_file.suffix == ".skops":
        shutil.copyfile(run.model_file, folder / run.model_file.name)
        presented.add([run.model_file.name])
        return
    for name in ("model.skops", "model.joblib"):
        try:
            save_model(folder / name, run.pipeline, band_names=run.band_names)
        except ValueError as error:
            presented.left_out[name] = str(error)
            warn_user(f"{name} is left out: {error}")
        else:
            presented.add([name])
            return


def _write_recipe(path, run):
    """Write what repeats a run; of one that was read, a copy if that still holds."""
    if run.model_file is not None and run.source == source_of_model(
        run.model_file, trust=run.trust
    ):
        shutil.copyfile(run.model_file.with_name(RECIPE_NAME), path)
        return
    write_recipe(path, run.pipeline, run.source, run.training)

# SPDX-License-Identifier: BSD-3-Clause
"""The folder of results of a run: written as a whole, and read back."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.units import Quantity
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from skesom._common.extras import NO_PICTURES, PICTURES_LEFT_OUT, has_extra
from skesom._common.texts import write_ecsv
from skesom._common.warn import warn_user
from skesom._types import ClusterGroups, Cube, StrPath
from skesom.io import read_map, write_map
from skesom.maps._crossmatch import Crossmatch
from skesom.maps._held_out import HeldOut
from skesom.maps._leaves import tree_digest
from skesom.maps._pipeline import MapImages
from skesom.maps._suggestions import Suggestion
from skesom.report import _catalog, _pictures, _pieces, _populations, _tables
from skesom.report._cluster_groups import (
    GROUPS_NAME,
    check_groups_file,
    groups_of,
    read_cluster_groups,
    write_cluster_groups,
)
from skesom.report._drawing import PictureStyle, start_drawing
from skesom.report._folders import (
    atomic_folder,
    check_folder,
    check_outside,
    names_of_files,
)
from skesom.report._image_source import ImageSource, source_from
from skesom.report._json_values import whole
from skesom.report._models import find_model, load_model, save_model
from skesom.report._off_map import (
    NO_LIMIT,
    OFF_MAP_NAME,
    find_off_map,
    lacks_limit,
    warning_of,
)
from skesom.report._provenance import (
    FILE_NAME,
    RECIPE_NAME,
    decision_lines,
    decisions_of,
    describe_run,
    digest_of_fit,
    read_provenance,
    read_source,
    write_recipe,
)
from skesom.report._result import Result
from skesom.report._sky_level import describe_sky, text_of_left
from skesom.report._summary import (
    SUMMARY_NAME,
    Description,
    suggestions_of,
    write_summary,
)
from skesom.report._training import Training

_NOT_OF_VOXELS = {
    "cluster_contours, cutouts, regions": "clusters of several bands overlap",
    "cluster_spectra, diagrams of colors": "a voxel is a single flux",
    "pictures of agreement and quantization error": "they would be one for each band: "
    "agreement.fits and pixels.fits hold the numbers",
}
_logger = logging.getLogger(__name__)


def write_report(
    folder: StrPath,
    pipeline: BaseEstimator,
    cube: Cube | list[Cube],
    *,
    label_map: ArrayLike | None = None,
    groups: ClusterGroups | None = None,
    held_out: HeldOut | None = None,
    training: Training | None = None,
    continua: Mapping[str, Sequence[str]] | Literal["none"] | None = None,
    catalog: StrPath | Table | None = None,
    radius: float | Quantity | None = None,
    subtract_sky: bool | None = None,
    source: Sequence[StrPath] | Mapping[str, Any] | None = None,
    model: StrPath | None = None,
    command: Sequence[str] | None = None,
    tables: bool | Literal["auto"] = "auto",
    pictures: bool | PictureStyle = True,
    overwrite: bool = False,
) -> WrittenReport:
    """Write everything about a clustered cube to a folder, which appears at the end.

    Parameters
    ----------
    folder : str or os.PathLike
        Where to write; made if it does not exist.
    pipeline : sklearn.pipeline.Pipeline
        Fitted; ends in a `CubeClusterer` or `CubeClassifier`, as those of
        `make_cluster_pipeline`.
    cube : Cube or list of Cube
        The images as they were read.
    label_map : array-like of int of shape (n_rows, n_columns), default=None
        ``pipeline.predict(cube)`` for other images than those of the fit, without the
        model and pictures of its units. By default the labels of the fit.
    groups : sequence of tuple (name, labels), +color, +leaves, default=None
        Names and colors of clusters, and which are one, in all files but the model and
        ``provenance.json``; see `read_cluster_groups`. Labels are those of the fit,
        leaves are parts of its clusters, as in the ``groups`` of `ClusterNames`.
    held_out : HeldOut, default=None
        Scores of a classifier, from `skesom.maps.held_out_score`.
    training : Training, default=None
        File of the labels that were learned, from which the run can be repeated.
    continua : dict of str to sequence of str, or "none", default=None
        Continuum bands of bands of lines, see `ColorDiagramDisplay`; by default those
        of `source`, else the broad bands around narrow filters that are known.
    catalog : str, os.PathLike or Table, default=None
        Known objects to cross-match with the clusters, as `crossmatch` takes them.
    radius : float or Quantity, default=None
        Size of these objects, as for `crossmatch`.
    subtract_sky : bool, default=None
        Whether fluxes in tables, spectra and diagrams count from the level of the sky
        that was set aside, as in `skesom.io.cluster_table`; what is clustered is the
        same. By default as `source` tells, else True.
    source : sequence of str or os.PathLike, or dict, default=None
        Files of the images, from which the run can be repeated. A dict has them as
        ``"files"``, and parameters of `read_cube` and region files to ``"exclude"`` and
        ``"include"`` if the images were read so.
    model : str or os.PathLike, default=None
        File of the model that predicted `label_map`, for ``provenance.json``.
    command : sequence of str, default=None
        Arguments of the command line, for ``provenance.json``.
    tables : bool or "auto", default="auto"
        Whether the table with a row for each pixel is written; if True, also that of
        the scaled pixels, validity indices, and images of the clusters in each band.
        "auto" leaves it out for more than 10 million pixels: tables are gigabytes.
    pictures : bool or PictureStyle, default=True
        Whether pictures are drawn, or in which format, resolution and width. They are
        left out, with a warning, if matplotlib is missing (extra ``plot``).
    overwrite : bool, default=False
        Whether an earlier report may be replaced. Files in its folder that were not
        written here, or have changed since, are refused.

    Returns
    -------
    files : dict of str to pathlib.Path
        By their names in the folder; the guide on reports explains each. Attributes
        tell what is in them: ``clusters`` (their table), ``populations`` (theirs, None
        where no name holds), ``descriptions``, ``suggestions``, ``matches`` with known
        objects, ``decisions`` of the run, ``off_map`` (for a `label_map`: the share of
        the pixels that are farther from any unit than 99 % of those of the fit, see
        `CubeClusterer.distances`), and ``left_out``, reasons by what is not there.

    Raises
    ------
    FileExistsError, PermissionError
        If the folder is not empty and `overwrite` is False, or cannot be written to.
    ValueError
        If the images are not those of the label map, or `groups` do not fit.

    Warns
    -----
    UserWarning
        If pictures are left out because matplotlib is missing.
        If more than 10 % of the pixels of a `label_map` are off the map; it says which
        units and levels differ.
        If most of the light of a band is sky that was neither set aside nor subtracted:
        no names are suggested.

    Notes
    -----
    Beside the cube and one aligned copy of it, a report takes the memory of a few
    single bands. Pictures of more than 2 million pixels are thinned, and state it.

    Examples
    --------
    >>> import tempfile
    >>> from skesom.datasets import make_galaxy_cube
    >>> from skesom.maps import make_cluster_pipeline
    >>> from skesom.report import write_report
    >>> from skesom.som import ESOM
    >>> cube, truth = make_galaxy_cube((48, 48), 3, random_state=0)
    >>> pipeline = make_cluster_pipeline(ESOM(random_state=0)).fit(cube)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = write_report(f"{folder}/result", pipeline, cube)
    >>> [name for name in files if name.endswith(".fits")]
    ['pixels.fits', 'cluster_map.fits', 'population_map.fits']
    """
    check_folder(folder, overwrite=overwrite)
    style = PictureStyle() if pictures is True else pictures or None
    has_no_matplotlib = style is not None and not has_extra("matplotlib")
    if has_no_matplotlib:
        warn_user(PICTURES_LEFT_OUT)
        style = None
    source = source_from(source)
    check_outside(folder, source.paths() if source is not None else [])
    if continua is None and source is not None:
        continua = source.continua
    if subtract_sky is None:
        subtract_sky = source is None or source.subtract_sky
    result = Result(
        pipeline,
        cube,
        label_map,
        groups,
        held_out=held_out,
        continua=continua,
        cutout=source and source.cutout,
        subtract_sky=subtract_sky,
    )
    if style is not None:
        style.check(result.cube.band_names)
    is_of_fit, run_label_map = result.is_of_fit, result.run_label_map
    label_map, names, colors = result.label_map, result.names, result.colors
    wcs, bands = result.cube.wcs, _names_of(cube)
    sigma = _pieces.psf_sigma(result.cube)
    with atomic_folder(folder, overwrite=overwrite) as temporary:
        report = _Report(temporary, Path(folder))
        if has_no_matplotlib:
            report.files.left_out["pictures"] = NO_PICTURES
        report.write_findings(result, tables, style, catalog, radius)
        sky, why_no_names = describe_sky(result), result.why_no_names
        del result  # with its copy of the cube; outlines need room too
        if label_map.ndim == 2:
            report.write_outlines(label_map, wcs, names, colors, sigma)
        if is_of_fit:
            report.write_models(pipeline, bands)
        report.write_pictures(style)
        if source is not None and model is None:
            write_recipe(report.path(RECIPE_NAME), pipeline, source, training)
        decisions = None
        if model is None:
            decisions = decisions_of(pipeline, sky, why_no_names)
        report.files.decisions = decisions
        provenance = describe_run(
            pipeline, run_label_map, folder, source, model, command, training
        )
        provenance |= {"decisions": decisions, "off_map": report.files.off_map}
        report.write_provenance(provenance, style)
    if sky is not None and sky["left"]:
        warn_user(text_of_left(sky["left"]))
    if report.off_map_line is not None:
        _logger.info("%s", report.off_map_line)
    for line in decision_lines(decisions) if is_of_fit and decisions else ():
        _logger.info("%s", line)
    return report.files


@dataclass(eq=False)
class WrittenReport(dict[str, Path]):
    """The files of a report by their names, with the facts in them."""

    clusters: Table | None = None
    populations: Table | None = None
    descriptions: list[Description] = field(default_factory=list)
    suggestions: list[Suggestion] | None = None
    matches: Crossmatch | None = None
    decisions: dict[str, Any] | None = None
    off_map: dict[str, Any] | None = None
    left_out: dict[str, str] = field(default_factory=dict)


class _Report:
    """A report that is being written."""

    def __init__(self, folder, home):
        self._folder, self._home = folder, home  # of now, and at the end
        self.files, self._drawing = WrittenReport(), {}
        self.off_map_line = None
        self._left_out = self.files.left_out

    def _add(self, names):
        """Remember files that were written."""
        self.files.update({name: self._home / name for name in names})

    def path(self, name):
        """Return where a file goes, and remember it."""
        _logger.debug("writing %s", name)
        self._add([name])
        return self._folder / name

    def write_findings(self, result, tables, style, catalog, radius):
        """Write maps, tables and, unless the style is None, pictures."""
        cube = result.cube
        if style is not None:  # other processes draw while this one writes tables
            pictures = _pictures.Pictures(result, style)
            self.draw(pictures.jobs_of_bands() if tables is True else (), style)
            self.draw(pictures.jobs(), style)
        reason = _tables.why_not(result, tables)
        if reason:
            self._left_out["pixels"] = reason
        names = () if reason or not tables else _tables.TABLES[: 1 + (tables is True)]
        _logger.debug("looking at the pixels%s", ", writing tables" if names else "")
        summary = _tables.pass_over_pixels(result, self._folder, names)
        self._add(names)
        off_map = find_off_map(result, summary.distances)
        clusters = _tables.cluster_list(result, summary, off_map)
        self.files.clusters = clusters
        write_ecsv(clusters, self.path("clusters.ecsv"))
        write_cluster_groups(
            self.path(GROUPS_NAME),
            result.groups,
            label_map_sha256=result.label_map_sha256,
            tree_sha256=result.tree_sha256,
        )
        path = self.path("cluster_map.fits")
        write_map(path, result.label_map, cube=cube, table=clusters)
        if summary.agreement is not None:
            header = None if cube.wcs is None else cube.wcs.to_header()
            agreement = summary.agreement  # of voxels, with the bands first
            agreement = np.moveaxis(agreement, 2, 0) if result.is_voxel else agreement
            fits.writeto(self.path("agreement.fits"), agreement, header)
        if off_map is not None:
            self.write_off_map(result, off_map)
        elif lacks_limit(result):
            self._left_out["off the map"] = NO_LIMIT
        _pieces.write_color_map(self.path(_pieces.COLOR_MAP), result.colors)
        _logger.debug("finding connected pieces")
        for names, left_out in (
            _write_classes(self._folder, result),
            _pieces.write_pieces(self._folder, result, summary.agreement),
        ):
            self._add(names)
            self._left_out |= left_out
        populations = self.write_populations(result, summary.agreement)
        if populations is not None and style is not None:
            colors = _populations.colors_of(populations)
            self.draw(pictures.jobs_of_populations(populations, colors), style)
        if tables is True:
            indices = _tables.validity_indices(result, summary)
            write_ecsv(indices, self.path("validity.ecsv"))
            path = self.path(_pictures.BAND_IMAGES)
            _pictures.write_band_images(path, result, clusters)
        if style is not None:
            self.draw(pictures.jobs_of_pixels(summary), style)
        drawn = {name: f"{name}.{style.format}" for name in self._drawing}
        if catalog is not None:
            self.write_crossmatch(result, catalog, radius, style)
        self.files.suggestions = suggestions_of(result, self.files.matches)
        self.files.descriptions = write_summary(
            self.path(SUMMARY_NAME),
            result,
            clusters,
            self.files.suggestions,
            drawn,
            populations,
            off_map,
        )
        if result.is_voxel:
            self._left_out |= _NOT_OF_VOXELS

    def write_off_map(self, result, off_map):
        """Write how far pixels are off the map, and warn of many."""
        cube, image = result.cube, off_map.image
        header = None if cube.wcs is None else cube.wcs.to_header()
        image = np.moveaxis(image, 2, 0) if result.is_voxel else image
        fits.writeto(self.path(OFF_MAP_NAME), image, header)
        self.files.off_map = off_map.facts()
        self.off_map_line = off_map.line()
        text = warning_of(off_map, result)
        if text is not None:
            warn_user(text)

    def write_populations(self, result, agreement):
        """Write what has one suggested name; return it, None where no name holds."""
        _logger.debug("looking for populations")
        populations = _populations.find_of_result(result, agreement)
        if populations is not None:
            write = _populations.write_populations
            self._add(write(self._folder, populations, result.cube))
            self.files.populations = populations.table
        elif _populations.is_too_large(result):
            self._left_out["populations"] = (
                "these images would take much memory; find_populations makes them"
            )
        return populations

    def write_crossmatch(self, result, catalog, radius, style):
        """Write tables and pictures of known objects in the clusters."""
        clusters = _catalog.NamedMap.of(result)
        try:
            found = _catalog.match_catalog(clusters, catalog, radius)
            self._add(
                _catalog.write_catalog(self._folder, clusters, found, style=style)
            )
        except ValueError as error:
            self._left_out["crossmatch"] = str(error)
            warn_user(f"Known objects are left out: {error}")
        else:
            self.files.matches = found

    def draw(self, jobs, style):
        """Let other processes draw the first pictures while later ones are prepared."""
        for name, job in jobs:
            self._drawing[name] = start_drawing(job, style)

    def write_pictures(self, style):
        """Write the pictures that were drawn, those of bands into the archive."""
        _logger.debug("drawing pictures")
        begun = reversed(self._drawing.items())  # the last ones are not
        drawn = {name: collect() for name, collect in begun}
        for name in self._drawing:
            if name == "bands":
                path = self._folder / _pictures.BAND_IMAGES
                _pictures.add_band_pictures(path, drawn[name])
            elif drawn[name] is not None:
                self.path(f"{name}.{style.format}").write_bytes(drawn[name])

    def write_outlines(self, label_map, wcs, names, colors, sigma):
        """Write the outlines of the clusters as regions."""
        folder = self._folder / "regions"
        _logger.debug("writing regions")
        try:
            self._left_out["regions"] = _pieces.write_cluster_outlines(
                folder, label_map, wcs, names, colors, sigma
            )
        except ValueError as error:
            self._left_out["regions"] = str(error)
        else:
            self._add(["regions/all.reg"])

    def write_models(self, pipeline, band_names):
        """Write the fitted pipeline: as a pickle if no file to share can hold it."""
        _logger.debug("writing the model")
        for name in ("model.skops", "model.joblib"):
            try:
                save_model(self._folder / name, pipeline, band_names=band_names)
            except ValueError as error:
                self._left_out[name] = str(error)
                warn_user(f"{name} is left out: {error}")
            else:
                self._add([name])
                return

    def write_provenance(self, provenance, style):
        """Write how the results were made."""
        path = self.path(FILE_NAME)
        provenance["files"] = names_of_files(self._folder, FILE_NAME)
        provenance["left_out"] = self._left_out
        provenance["pictures"] = style and style._asdict()
        text = json.dumps(provenance, indent=1, allow_nan=False)
        path.write_text(f"{text}\n", encoding="utf-8")


class Report(NamedTuple):
    """The content of a folder of results."""

    pipeline: Pipeline  # fitted
    cube: object  # Cube or list of Cube: the images, read again from their files
    label_map: np.ndarray  # the clusters, shape (n_rows, n_columns)
    provenance: dict  # content of provenance.json
    groups: list  # of ClusterGroup: names, colors and merges of the clusters
    source: ImageSource


def read_report(
    folder: StrPath,
    *,
    trust: bool = False,
    images: Sequence[StrPath] | None = None,
    groups: StrPath | None = None,
) -> Report:
    """Read the fitted pipeline of a folder of results, and its images again.

    Parameters
    ----------
    folder : str or os.PathLike
        Of `write_report` with a ``source``, or of ``skesom cluster -o``.
    trust : bool, default=False
        Whether a model may be loaded that could run programs, see `load_model`.
    images : sequence of str or os.PathLike, default=None
        Where the images are if they have moved: one folder that is searched for them,
        or all files in the order of the run.
    groups : str or os.PathLike, default=None
        File of `read_cluster_groups` to take instead of ``groups.json`` of the folder.

    Returns
    -------
    report : Report
        The tuple (pipeline, cube, label_map, provenance, groups, source). The label map
        is merged as in the folder; pipeline and groups have the labels of the run.

    Raises
    ------
    OSError
        If it is no such folder, or an image is no longer there.
    ValueError
        If an image has changed, the groups are not of this result, or the model is a
        pickle and not trusted.

    Examples
    --------
    >>> import tempfile
    >>> from skesom.datasets import make_galaxy_cube
    >>> from skesom.io import read_cube, write_bands
    >>> from skesom.maps import make_cluster_pipeline
    >>> from skesom.report import read_report, write_report
    >>> from skesom.som import ESOM
    >>> cube, truth = make_galaxy_cube((48, 48), 3, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = write_bands(f"{folder}/images", cube)
    ...     cube = read_cube(files)
    ...     pipeline = make_cluster_pipeline(ESOM(random_state=0)).fit(cube)
    ...     _ = write_report(f"{folder}/result", pipeline, cube, source=files)
    ...     report = read_report(f"{folder}/result", trust=True)
    >>> bool((report.pipeline.predict(report.cube) == report.label_map).all())
    True
    """
    folder = Path(folder)
    if groups is not None:
        check_groups_file(groups)
    path, provenance = read_provenance(folder)
    source = read_source(folder, files=images, trust=trust)
    pipeline, _ = load_model(find_model(folder), trust=trust)
    label_map, _ = read_map(folder / "cluster_map.fits")
    digests = digest_of_fit(pipeline, path), tree_digest(pipeline)
    if groups is None:
        groups = groups_of(folder, *digests)
    else:
        groups = read_cluster_groups(
            groups, label_map_sha256=digests[0], tree_sha256=digests[1]
        )
    with whole(path):
        return Report(pipeline, source.read(), label_map, provenance, groups, source)


def _write_classes(folder, result):
    """Write the files about classes; return their names, and the parts left out."""
    names, left_out, held_out = [], {}, result.held_out
    if result.confidence is not None:
        header = None if result.cube.wcs is None else result.cube.wcs.to_header()
        names.append("confidence.fits")
        fits.writeto(folder / names[-1], result.confidence, header)
    elif result.is_classified:
        left_out["confidence"] = "the classifier gives no probabilities"
    if held_out is not None:
        names += ["held_out_classes.ecsv", "held_out_confusion.ecsv"]
        for name, table in zip(names[-2:], held_out[1:], strict=True):
            table.meta.update(held_out.scores)
            write_ecsv(table, folder / name)
    elif result.is_classified:
        left_out["held_out_classes.ecsv"] = "no pixels were held out"
    return names, left_out


def _names_of(images):
    """Return the names of the bands that the pipeline takes, None for an array."""
    if isinstance(images, MapImages):
        return images.band_names
    cubes = images if isinstance(images, list | tuple) else [images]
    return [n for cube in cubes for n in getattr(cube, "band_names", [])] or None

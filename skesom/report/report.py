# SPDX-License-Identifier: BSD-3-Clause
"""What a folder of results shows: maps, tables, pictures, regions, a summary."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.table import Table

from skesom._common.texts import write_ecsv
from skesom._common.warn import warn_user
from skesom.io import write_map
from skesom.maps.crossmatching import Crossmatch
from skesom.maps.suggestions import Suggestion
from skesom.report import _pictures, _populations
from skesom.report import catalog as _catalog
from skesom.report import pieces as _pieces
from skesom.report import tables as _tables
from skesom.report._off_map import (
    NO_LIMIT,
    OFF_MAP_NAME,
    find_off_map,
    lacks_limit,
    warning_of,
)
from skesom.report.drawing import start_drawing
from skesom.report.summary import (
    SUMMARY_NAME,
    Description,
    suggestions_of,
    write_summary,
)

_NOT_OF_VOXELS = {
    "cluster_contours, cutouts, regions": "clusters of several bands overlap",
    "cluster_spectra, diagrams of colors": "a voxel is a single flux",
    "pictures of agreement and quantization error": "they would be one for each band: "
    "agreement.fits and pixels.fits hold the numbers",
}
_logger = logging.getLogger(__name__)


@dataclass(eq=False)
class WrittenReport(dict[str, Path]):
    """The files of a report by their names, with the facts in them.

    It stands for the path of its folder where one is taken.
    """

    folder: Path
    clusters: Table | None = None
    populations: Table | None = None
    descriptions: list[Description] = field(default_factory=list)
    suggestions: list[Suggestion] | None = None
    matches: Crossmatch | None = None
    decisions: dict[str, Any] | None = None
    off_map: dict[str, Any] | None = None
    left_out: dict[str, str] = field(default_factory=dict)

    def __fspath__(self) -> str:
        """Return the path of the folder."""
        return os.fspath(self.folder)


class Presentation:
    """A folder of results that is being written."""

    def __init__(self, folder, home):
        self._folder, self._home = folder, home  # of now, and at the end
        self.files, self._drawing = WrittenReport(Path(home)), {}
        self.off_map_line = None
        self.left_out = self.files.left_out

    def add(self, names):
        """Remember files that were written."""
        self.files.update({name: self._home / name for name in names})

    def path(self, name):
        """Return where a file goes, and remember it."""
        _logger.debug("writing %s", name)
        self.add([name])
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
            self.left_out["pixels"] = reason
        names = () if reason or not tables else _tables.TABLES[: 1 + (tables is True)]
        _logger.debug("looking at the pixels%s", ", writing tables" if names else "")
        summary = _tables.pass_over_pixels(result, self._folder, names)
        self.add(names)
        off_map = find_off_map(result, summary.distances)
        clusters = _tables.cluster_list(result, summary, off_map)
        self.files.clusters = clusters
        write_ecsv(clusters, self.path("clusters.ecsv"))
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
            self.left_out["off the map"] = NO_LIMIT
        _pieces.write_color_map(self.path(_pieces.COLOR_MAP), result.colors)
        _logger.debug("finding connected pieces")
        for names, left_out in (
            _write_classes(self._folder, result),
            _pieces.write_pieces(self._folder, result, summary.agreement),
        ):
            self.add(names)
            self.left_out |= left_out
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
            self.left_out |= _NOT_OF_VOXELS

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
            self.add(write(self._folder, populations, result.cube))
            self.files.populations = populations.table
        elif _populations.is_too_large(result):
            self.left_out["populations"] = (
                "these images would take much memory; find_populations makes them"
            )
        return populations

    def write_crossmatch(self, result, catalog, radius, style):
        """Write tables and pictures of known objects in the clusters."""
        clusters = _catalog.NamedMap.of(result)
        try:
            found = _catalog.match_catalog(clusters, catalog, radius)
            self.add(_catalog.write_catalog(self._folder, clusters, found, style=style))
        except ValueError as error:
            self.left_out["crossmatch"] = str(error)
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
            self.left_out["regions"] = _pieces.write_cluster_outlines(
                folder, label_map, wcs, names, colors, sigma
            )
        except ValueError as error:
            self.left_out["regions"] = str(error)
        else:
            self.add(["regions/all.reg"])


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

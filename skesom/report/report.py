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
from skesom.report._band_images import (
    BAND_IMAGES,
    add_band_pictures,
    write_band_images,
)
from skesom.report._off_map import (
    NO_LIMIT,
    OFF_MAP_NAME,
    lacks_limit,
    warning_of,
)
from skesom.report._pictures import Pictures
from skesom.report._populations import is_too_large, write_populations
from skesom.report.catalog import NamedMap, write_catalog
from skesom.report.drawing import start_drawing
from skesom.report.facts import find_in_pixels, warn_of_catalog
from skesom.report.pieces import (
    COLOR_MAP,
    write_cluster_outlines,
    write_color_map,
    write_pieces,
)
from skesom.report.summary import SUMMARY_NAME, Description, write_summary
from skesom.report.tables import choose_tables
from skesom.report.validity import validity_indices

_NOT_OF_VOXELS = {
    "cluster_contours, cutouts, regions": "clusters of several bands overlap",
    "cluster_spectra, diagrams of colors": "a voxel is a single flux",
    "pictures of agreement and quantization error": (
        "they would be one for each band: agreement.fits and pixels.fits hold the "
        "numbers"
    ),
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
    """A folder of results that is being written.

    Files are written to a temporary folder, and listed under their paths in the
    folder that it becomes at the end.
    """

    def __init__(self, temporary_folder, final_folder):
        self._temporary_folder = temporary_folder
        self._final_folder = final_folder
        self.files = WrittenReport(Path(final_folder))
        self.left_out = self.files.left_out
        self.off_map_line = None
        self._drawings = {}  # functions that return a picture, by its name

    def add(self, names):
        """Remember files that were written."""
        for name in names:
            self.files[name] = self._final_folder / name

    def path(self, name):
        """Return where a file goes, and remember it."""
        _logger.debug("writing %s", name)
        self.add([name])
        return self._temporary_folder / name

    def write_findings(self, result, tables, style, catalog, radius):
        """Write maps, tables and, unless the style is None, pictures.

        Other processes draw while this one looks at the pixels and writes: each
        picture is begun as soon as all that it shows is known.
        """
        chosen = choose_tables(result, tables)
        if chosen.why_no_pixels is not None:
            self.left_out["pixels"] = chosen.why_no_pixels
        pictures = None
        if style is not None:
            pictures = Pictures(result, style)
            if chosen.has_details:
                self._start_drawing(pictures.jobs_of_bands(), style)
            self._start_drawing(pictures.jobs(), style)

        ending = ", writing tables" if chosen.of_pixels else ""
        _logger.debug("looking at the pixels%s", ending)
        findings = find_in_pixels(
            result,
            catalog,
            radius,
            folder=self._temporary_folder,
            pixel_tables=chosen.of_pixels,
        )
        self.add(chosen.of_pixels)
        if pictures is not None:
            self._start_drawing(pictures.jobs_of_findings(findings), style)

        self._write_clusters(result, findings)
        self._write_off_map(result, findings.off_map)
        write_color_map(self.path(COLOR_MAP), result.colors)
        self._write_classes(result)
        self._write_pieces(result, findings)
        self._write_populations(result, findings.populations)
        if chosen.has_details:
            indices = validity_indices(result, findings.pixel_summary)
            write_ecsv(indices, self.path("validity.ecsv"))
            write_band_images(self.path(BAND_IMAGES), result, findings.clusters)
        self._write_crossmatch(result, findings, style)
        picture_files = {name: f"{name}.{style.format}" for name in self._drawings}
        write_summary(self.path(SUMMARY_NAME), result, findings, picture_files)
        self.files.descriptions = findings.descriptions
        self.files.suggestions = findings.suggestions
        if result.is_voxel:
            self.left_out |= _NOT_OF_VOXELS

    def _start_drawing(self, jobs, style):
        """Let other processes draw the first pictures while later ones are prepared."""
        for name, job in jobs:
            self._drawings[name] = start_drawing(job, style)

    def _write_clusters(self, result, findings):
        """Write the label map, the table of its clusters, and their agreement."""
        clusters = findings.clusters
        self.files.clusters = clusters
        write_ecsv(clusters, self.path("clusters.ecsv"))
        write_map(
            self.path("cluster_map.fits"),
            result.label_map,
            cube=result.cube,
            table=clusters,
        )
        agreement = findings.pixel_summary.agreement
        if agreement is not None:
            self._write_image("agreement.fits", result, agreement)

    def _write_image(self, name, result, image):
        """Write a number for each pixel or voxel on the pixels of the map."""
        header = None
        if result.cube.wcs is not None:
            header = result.cube.wcs.to_header()
        if result.is_voxel:  # FITS files have the bands first
            image = np.moveaxis(image, 2, 0)
        fits.writeto(self.path(name), image, header)

    def _write_off_map(self, result, off_map):
        """Write how far pixels are off the map, and warn of many."""
        if off_map is None:
            if lacks_limit(result):
                self.left_out["off the map"] = NO_LIMIT
            return
        self._write_image(OFF_MAP_NAME, result, off_map.image)
        self.files.off_map = off_map.facts()
        self.off_map_line = off_map.line()
        warning = warning_of(off_map, result)
        if warning is not None:
            warn_user(warning)

    def _write_classes(self, result):
        """Write how sure the classes are, and how held-out pixels were classified."""
        if result.confidence is not None:
            self._write_image("confidence.fits", result, result.confidence)
        elif result.is_classified:
            self.left_out["confidence"] = "the classifier gives no probabilities"
        held_out = result.held_out
        if held_out is not None:
            for name, table in (
                ("held_out_classes.ecsv", held_out.classes),
                ("held_out_confusion.ecsv", held_out.confusion),
            ):
                table.meta.update(held_out.scores)
                write_ecsv(table, self.path(name))
        elif result.is_classified:
            self.left_out["held_out_classes.ecsv"] = "no pixels were held out"

    def _write_pieces(self, result, findings):
        """Write the connected pieces of the clusters, and marks for DS9."""
        _logger.debug("finding connected pieces")
        names, left_out = write_pieces(
            self._temporary_folder, result, findings.pixel_summary.agreement
        )
        self.add(names)
        self.left_out |= left_out

    def _write_populations(self, result, populations):
        """Write what has one suggested name, if there is any."""
        if populations is not None:
            names = write_populations(self._temporary_folder, populations, result.cube)
            self.add(names)
            self.files.populations = populations.table
        elif is_too_large(result):
            self.left_out["populations"] = (
                "these images would take much memory; find_populations makes them"
            )

    def _write_crossmatch(self, result, findings, style):
        """Write tables and pictures of known objects in the clusters."""
        if findings.why_no_matches is not None:
            self.left_out["crossmatch"] = findings.why_no_matches
            warn_of_catalog(findings)
        elif findings.matches is not None:
            names = write_catalog(
                self._temporary_folder,
                NamedMap.of(result),
                findings.matches,
                style=style,
            )
            self.add(names)
            self.files.matches = findings.matches

    def write_pictures(self, style):
        """Write the pictures that were drawn, those of bands into the archive."""
        _logger.debug("drawing pictures")
        pictures = {}
        # The last ones are not begun yet, so that this process draws them meanwhile.
        for name, collect in reversed(self._drawings.items()):
            pictures[name] = collect()
        for name in self._drawings:
            picture = pictures[name]
            if name == "bands":
                add_band_pictures(self._temporary_folder / BAND_IMAGES, picture)
            elif picture is not None:
                self.path(f"{name}.{style.format}").write_bytes(picture)

    def write_outlines(self, label_map, wcs, names, colors, sigma):
        """Write the outlines of the clusters as regions."""
        _logger.debug("writing regions")
        try:
            self.left_out["regions"] = write_cluster_outlines(
                self._temporary_folder / "regions",
                label_map,
                wcs,
                names,
                colors,
                sigma,
            )
        except ValueError as error:
            self.left_out["regions"] = str(error)
        else:
            self.add(["regions/all.reg"])

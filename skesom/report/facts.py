# SPDX-License-Identifier: BSD-3-Clause
"""What was found in a run: one look at its pixels, for notebooks and for folders."""

import logging
from typing import NamedTuple

import numpy as np
from astropy.table import Table

from skesom._common.texts import percent
from skesom._common.warn import warn_user
from skesom.maps.crossmatching import Crossmatch
from skesom.maps.suggestions import Suggestion
from skesom.report._off_map import OffMap, find_off_map
from skesom.report._populations import find_of_result, terminal_lines
from skesom.report.catalog import NamedMap, association_lines, match_catalog
from skesom.report.cluster_list import cluster_list
from skesom.report.summary import Description, described, suggestions_of
from skesom.report.tables import PixelSummary, pass_over_pixels

_logger = logging.getLogger(__name__)


class Findings(NamedTuple):
    """Results of a look at the pixels, with the arrays that pictures are made of."""

    pixel_summary: PixelSummary
    off_map: OffMap | None
    clusters: Table
    populations: tuple | None  # the result of find_populations
    matches: Crossmatch | None
    why_no_matches: str | None  # of a catalog that does not fit the images
    suggestions: list[Suggestion] | None  # none of classes and of voxels
    descriptions: list[Description]


class Facts(NamedTuple):
    """The findings that a notebook keeps, without the large arrays of the others."""

    clusters: Table
    descriptions: list[Description]
    populations: Table | None
    matches: Crossmatch | None
    agreement: np.ndarray | None


def find_in_pixels(result, catalog=None, radius=None, *, folder=None, pixel_tables=()):
    """Look at the pixels of a result once.

    Parameters
    ----------
    result : Result
    catalog, radius
        Known objects, as for `crossmatch`.
    folder : pathlib.Path, default=None
        Where the tables of the pixels go.
    pixel_tables : sequence of str, default=()
        The tables of the pixels to write on the way, see `pass_over_pixels`.

    Returns
    -------
    findings : Findings
    """
    pixel_summary = pass_over_pixels(result, folder, pixel_tables)
    off_map = find_off_map(result, pixel_summary.distances)
    clusters = cluster_list(result, pixel_summary, off_map)
    _logger.debug("looking for populations")
    populations = find_of_result(result, pixel_summary.agreement)
    matches = None
    why_no_matches = None
    if catalog is not None:
        try:
            matches = match_catalog(NamedMap.of(result), catalog, radius)
        except ValueError as error:
            why_no_matches = str(error)
    suggestions = suggestions_of(result, matches)
    return Findings(
        pixel_summary=pixel_summary,
        off_map=off_map,
        clusters=clusters,
        populations=populations,
        matches=matches,
        why_no_matches=why_no_matches,
        suggestions=suggestions,
        descriptions=described(result, clusters, suggestions),
    )


def warn_of_catalog(findings):
    """Warn if there was a catalog that does not fit the images."""
    if findings.why_no_matches is not None:
        warn_user(f"Known objects are left out: {findings.why_no_matches}")


def facts_of(result, catalog=None, radius=None):
    """Look at the pixels of a result once, without writing files.

    Parameters
    ----------
    result : Result
    catalog, radius
        Known objects, as for `crossmatch`.

    Returns
    -------
    facts : Facts
    """
    findings = find_in_pixels(result, catalog, radius)
    warn_of_catalog(findings)
    populations = findings.populations
    return Facts(
        clusters=findings.clusters,
        descriptions=findings.descriptions,
        populations=populations.table if populations is not None else None,
        matches=findings.matches,
        agreement=findings.pixel_summary.agreement,
    )


def lines_of(facts):
    """Yield what was found, as lines of a terminal.

    Parameters
    ----------
    facts : Facts or WrittenReport
    """
    yield f"{len(facts.clusters)} clusters:"
    for row, description in zip(facts.clusters, facts.descriptions, strict=True):
        size = f"{row['pixels']:>9} pixels  {percent(row['percentage'], 2):>8}"
        yield f"  {row['id']:>3}  {size}  {description.line()}"
    if facts.populations is not None:
        yield from terminal_lines(facts.populations)
    if facts.matches is not None:
        yield from association_lines(facts.matches.table)

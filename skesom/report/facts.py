# SPDX-License-Identifier: BSD-3-Clause
"""What was found in a run, without files: for notebooks and terminals."""

from typing import NamedTuple

import numpy as np
from astropy.table import Table

from skesom._common.texts import percent
from skesom._common.warn import warn_user
from skesom.maps.crossmatching import Crossmatch
from skesom.report._off_map import find_off_map
from skesom.report._populations import find_of_result, terminal_lines
from skesom.report.catalog import NamedMap, association_lines, match_catalog
from skesom.report.summary import described, suggestions_of
from skesom.report.tables import cluster_list, pass_over_pixels


class Facts(NamedTuple):
    """What a look at the pixels of a result tells."""

    clusters: Table
    descriptions: list  # of Description
    populations: Table | None
    matches: Crossmatch | None
    agreement: np.ndarray | None


def facts_of(result, catalog=None, radius=None):
    """Look at the pixels of a result once.

    Parameters
    ----------
    result : Result
    catalog, radius
        Known objects, as for `crossmatch`.

    Returns
    -------
    facts : Facts
    """
    summary = pass_over_pixels(result)
    off_map = find_off_map(result, summary.distances)
    clusters = cluster_list(result, summary, off_map)
    populations = find_of_result(result, summary.agreement)
    matches = None
    if catalog is not None:
        try:
            matches = match_catalog(NamedMap.of(result), catalog, radius)
        except ValueError as error:
            warn_user(f"Known objects are left out: {error}")
    suggestions = suggestions_of(result, matches)
    return Facts(
        clusters,
        described(result, clusters, suggestions),
        None if populations is None else populations.table,
        matches,
        summary.agreement,
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

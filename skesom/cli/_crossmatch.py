# SPDX-License-Identifier: BSD-3-Clause
"""``skesom crossmatch``: known objects in the clusters of a result."""

from pathlib import Path

from skesom._common.extras import PICTURES_LEFT_OUT, has_extra
from skesom.cli._messages import listen_to_astropy, say, tell, tell_paths, warn_now
from skesom.cli._option_tables import OVERWRITE, RADIUS_OF_OBJECTS
from skesom.cli._options import add_options
from skesom.cli._output import check_output
from skesom.cli._parser import add_command


def add_crossmatch(commands):
    """Add the command."""
    parser = add_command(
        commands,
        "crossmatch",
        _crossmatch,
        help="compare clusters with known objects",
        description=(
            "Count known objects in the clusters, and compare with chance: where each "
            "type gathers, and how complete and pure these clusters are."
        ),
    )
    parser.add_argument(
        "result", metavar="RESULT", help="folder of results, or a label map (FITS)"
    )
    parser.add_argument(
        "objects",
        metavar="FILE",
        help="known objects: table of NED, region file, CSV, FITS, VOTable",
    )
    add_options(parser, [RADIUS_OF_OBJECTS])
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        help="folder for the tables and pictures (default: only print what gathers)",
    )
    add_options(parser, [OVERWRITE])


def _crossmatch(options):
    """Compare a result with a catalog."""
    listen_to_astropy()
    from skesom._common.folders import atomic_folder
    from skesom.report import PictureStyle
    from skesom.report.catalog import (
        association_lines,
        match_catalog,
        read_named_map,
        write_catalog,
    )

    check_output(options)
    style = None
    if options.output is not None:
        if has_extra("matplotlib"):
            style = PictureStyle()
        else:
            warn_now(PICTURES_LEFT_OUT)
    clusters = read_named_map(options.result)
    match = match_catalog(clusters, options.objects, options.radius_of_objects)
    lines = association_lines(match.table)
    if options.output is None:
        tell(*lines)
        return
    say(*lines)
    with atomic_folder(options.output, overwrite=options.overwrite) as folder:
        files = write_catalog(folder, clusters, match, style=style)
    tell_paths(Path(options.output) / name for name in files)

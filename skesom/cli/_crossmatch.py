# SPDX-License-Identifier: BSD-3-Clause
"""``skesom crossmatch``: known objects in the clusters of a result."""

from pathlib import Path

from skesom._common.extras import PICTURES_LEFT_OUT, has_extra
from skesom.cli._messages import (
    listen_to_astropy,
    say,
    tell,
    tell_paths,
    warn_now,
)
from skesom.cli._options import add_command, add_overwrite, radius


def add_crossmatch(commands):
    """Add the command."""
    text = "compare clusters with known objects"
    about = "Count known objects in the clusters, and compare with chance: where each "
    about += "type gathers, and how complete and pure these clusters are."
    parser = add_command(commands, "crossmatch", _crossmatch, text, about)
    text = "folder of results, or a label map (FITS)"
    parser.add_argument("result", metavar="RESULT", help=text)
    text = "known objects: table of NED, region file, CSV, FITS, VOTable"
    parser.add_argument("objects", metavar="FILE", help=text)
    add_radius(parser)
    text = "folder for the tables and pictures (default: only print what gathers)"
    parser.add_argument("-o", "--output", metavar="DIR", help=text)
    add_overwrite(parser)


def add_catalog(parser):
    """Add the options of known objects."""
    group = parser.add_argument_group("known objects")
    text = "table of NED, region file, CSV, FITS or VOTable to compare clusters with"
    names = "--catalog", "--catalogue"
    group.add_argument(*names, dest="objects", metavar="FILE", help=text)
    add_radius(group)


def add_radius(parser):
    """Add the size of known objects."""
    text = "size of the objects in arcsec, or as 3pix: they count for the clusters "
    text += "within (default: only for that of their pixel)"
    parser.add_argument(
        "--radius", dest="radius_of_objects", type=radius, metavar="ARCSEC", help=text
    )


def check_radius(options):
    """Refuse the size of objects that are not given."""
    if options.radius_of_objects is not None and options.objects is None:
        raise ValueError("--radius is the size of known objects: give --catalog")


def check_output(options):
    """Refuse a folder that must not be written, if one is given."""
    from skesom._common.folders import check_folder

    if options.output is not None:
        check_folder(options.output, overwrite=options.overwrite)
    elif options.overwrite:
        raise ValueError("--overwrite is about files: give a folder for them (-o)")


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
    found = match_catalog(clusters, options.objects, options.radius_of_objects)
    lines = association_lines(found.table)
    if options.output is None:
        tell(*lines)
        return
    say(*lines)
    with atomic_folder(options.output, overwrite=options.overwrite) as folder:
        files = write_catalog(folder, clusters, found, style=style)
    tell_paths(Path(options.output) / name for name in files)

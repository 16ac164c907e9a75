# SPDX-License-Identifier: BSD-3-Clause
"""``skesom explore``: a result in, one page to explore it in the browser out."""

from pathlib import Path

from skesom._common.new_files import check_place
from skesom.cli._messages import listen_to_astropy, tell_paths
from skesom.cli._option_tables import (
    CATALOG_OF_PAGE,
    GROUPS,
    MOVED_IMAGES,
    OVERWRITE,
    RGB,
    TITLE,
    TRUST,
)
from skesom.cli._options import add_options
from skesom.cli._parser import add_command


def add_explore(commands):
    """Add the command."""
    parser = add_command(
        commands,
        "explore",
        _explore,
        help="write a page to explore a result",
        description=(
            "Read a folder of results and its images again, and write one HTML file "
            "with linked views of image, clusters, units and spectra, for the browser."
        ),
    )
    parser.add_argument(
        "folder", metavar="DIR", help="folder that `skesom cluster -o` wrote"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="PAGE",
        help="file to write (default: DIR/page.html)",
    )
    add_options(
        parser, [CATALOG_OF_PAGE, GROUPS, MOVED_IMAGES, TITLE, RGB, OVERWRITE, TRUST]
    )


def _explore(options):
    """Write the page."""
    listen_to_astropy()
    from skesom._common.file_errors import errors_naming
    from skesom.report.page import PAGE_NAME
    from skesom.runs import Run

    folder = Path(options.folder)
    path = Path(options.output or folder / PAGE_NAME)
    if options.output is not None or folder.is_dir():
        check_place(path, overwrite=options.overwrite)
    run = Run.read(
        folder, groups=options.groups, images=options.images, trust=options.trust
    )
    run.catalog = options.catalog
    with errors_naming(folder):
        page = run.explore(
            path, rgb=options.rgb, title=options.title, overwrite=options.overwrite
        )
    tell_paths([page])

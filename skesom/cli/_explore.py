# SPDX-License-Identifier: BSD-3-Clause
"""``skesom explore``: a page in the browser of a folder of results."""

from pathlib import Path

from skesom.cli._parser import Help


def add_explore(commands):
    """Add the command."""
    parser = commands.add_parser(
        "explore",
        help="write a page on which a result is explored in the browser",
        description="Read a folder of results and its images again, and write one HTML "
        "file with linked views of image, clusters, units and spectra.",
        formatter_class=Help,
    )
    parser.add_argument(
        "folder", metavar="DIR", help="folder that `skesom cluster -o` wrote"
    )
    parser.add_argument(
        "-o", "--output", metavar="PAGE", help="file to write (default: DIR/page.html)"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an existing page"
    )
    parser.add_argument(
        "--catalog",
        metavar="FILE",
        help="known objects to draw: table of NED, region file, CSV, FITS, VOTable",
    )
    parser.add_argument(
        "--groups",
        metavar="FILE",
        help="names and merged clusters, as the page exports them",
    )
    parser.add_argument(
        "--title", metavar="TEXT", help="heading (default: the name of the folder)"
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="load the model also if it is a pickle: only if you know who made it",
    )
    parser.set_defaults(run=_explore)


def _explore(options):
    """Write the page."""
    from skesom.report import PAGE_NAME, explore, read_cluster_groups, read_report

    folder = Path(options.folder)
    groups = options.groups and read_cluster_groups(options.groups)
    result = read_report(folder, trust=options.trust)
    page = explore(
        options.output or folder / PAGE_NAME,
        result.pipeline,
        result.cube,
        catalog=options.catalog,
        groups=groups,
        title=options.title or folder.resolve().name,
        overwrite=options.overwrite,
    )
    print(f"Written:\n  {page}")

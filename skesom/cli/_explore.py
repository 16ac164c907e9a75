# SPDX-License-Identifier: BSD-3-Clause
"""``skesom explore``: a page in the browser of a folder of results."""

from pathlib import Path

from skesom.cli._options import add_command, add_overwrite, add_trust


def add_explore(commands):
    """Add the command."""
    parser = add_command(
        *(commands, "explore", _explore, "write a page to explore a result"),
        "Read a folder of results and its images again, and write one HTML file with "
        "linked views of image, clusters, units and spectra, for the browser.",
    )
    text = "folder that `skesom cluster -o` wrote"
    parser.add_argument("folder", metavar="DIR", help=text)
    text = "file to write (default: DIR/page.html)"
    parser.add_argument("-o", "--output", metavar="PAGE", help=text)
    text = "known objects to draw: table of NED, region file, CSV, FITS, VOTable"
    parser.add_argument("--catalog", metavar="FILE", help=text)
    text = "names and merged clusters, as the page exports them"
    parser.add_argument("--groups", metavar="FILE", help=text)
    text = "heading (default: the name of the folder)"
    parser.add_argument("--title", metavar="TEXT", help=text)
    add_overwrite(parser)
    add_trust(parser)


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

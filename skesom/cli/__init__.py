# SPDX-License-Identifier: BSD-3-Clause
"""The ``skesom`` command: cluster the pixels of FITS images, and go on from there."""

import gc
import os
import sys

from skesom._common.machine_limits import is_machine_limit
from skesom._common.version import VERSION
from skesom.cli._classify import add_classify
from skesom.cli._cluster import add_cluster, output_of
from skesom.cli._compare import add_test
from skesom.cli._crossmatch import add_crossmatch
from skesom.cli._demo import add_demo
from skesom.cli._explore import add_explore
from skesom.cli._messages import complain, messages, open_streams, status_with_output
from skesom.cli._name import add_name
from skesom.cli._parser import check_no_empty, make_parser
from skesom.cli._predict import add_predict
from skesom.cli._stops import status_of_stop, stopped_by_signals, text_of

# New objects until Python searches for what can be freed: with its 700 the searches
# took 10 % of the pictures' time, and a run of nine images of 605 x 605 pixels no less
# memory.
_N_NEW_OBJECTS = 50_000
EXAMPLES = """\
examples:
  skesom demo
      make a synthetic galaxy in nine Hubble filters and cluster it
  skesom cluster F*.fits -o result --fwhm .083 .075 .070 .070 .067 .067 .070 .070 .074
      cluster nine images after bringing them to the widest point-spread function
  skesom cluster nuv.fits r.fits K.fits -o result --fwhm 5.3 stars stars
      the same on three pixel grids, with widths measured from the stars of two images
  skesom cluster u.fits g.fits r.fits -o result --method csom --set shape=15,15
      use a classical map of 15 x 15 units
  skesom cluster cube.fits -o result --method sklearn.cluster.MiniBatchKMeans
      use any scikit-learn clusterer
  skesom cluster --from result --n-clusters 12
      cut the tree of the clusters of that result into twelve, without a new fit
  skesom classify F*.fits --regions drawn.reg -o classes
      learn from the pixels in regions that were drawn in DS9, and classify all others
  skesom crossmatch result ned.txt -o objects
      tell in which clusters the known objects of a catalog gather
  skesom explore result --catalog ned.txt
      write a page on which that result is explored in the browser
  skesom name result groups.json
      take names, colors and merges that the page exported to all files of a result
"""


def run():
    """Run the command line in a process of its own, and return its exit status."""
    gc.set_threshold(_N_NEW_OBJECTS)
    try:
        return main()
    finally:
        gc.freeze()  # else Python searches all modules at its end: half a second


def main(arguments=None):
    """Run the command line, and return its exit status."""
    open_streams()
    parser = parser_of_commands()
    arguments = sys.argv[1:] if arguments is None else arguments
    if "_ARGCOMPLETE" in os.environ:  # a shell asks what could come next
        try:
            import argcomplete
        except ModuleNotFoundError:  # the shell's words would be taken for a command
            return 1
        argcomplete.autocomplete(parser)
    try:
        check_no_empty(parser, arguments)
        options = parser.parse_args(arguments)
    except SystemExit as end:
        return status_with_output(end.code or 0)
    return status_with_output(_run(options))


def _run(options):
    """Run a command, and return its exit status."""
    try:
        with stopped_by_signals(), messages(options):
            options.run(options)
    except (ImportError, MemoryError, OSError, RuntimeError, ValueError) as error:
        if isinstance(error, RuntimeError) and not is_machine_limit(error):
            raise
        text = text_of(error, output_of(options))
        complain(f"skesom {options.command}: error: {text}")
        return 2
    except KeyboardInterrupt as stop:
        complain(f"skesom {options.command}: interrupted")
        return status_of_stop(stop)
    return 0


def parser_of_commands():
    """Return the parser of the command line, with all commands."""
    parser = make_parser(
        description=(
            "Find the populations hidden in multi-band images: cluster their pixels "
            "with self-organizing maps."
        ),
        epilog=EXAMPLES,
    )
    parser.add_argument("--version", action="version", version=f"skesom {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add_command in (
        add_cluster,
        add_classify,
        add_predict,
        add_test,
        add_crossmatch,
        add_name,
        add_explore,
        add_demo,
    ):
        add_command(commands)
    return parser

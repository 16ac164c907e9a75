# SPDX-License-Identifier: BSD-3-Clause
"""The ``skesom`` command: cluster the pixels of FITS images, and go on from there."""

import argparse
import os
import sys

import skesom
from skesom.cli._classify import add_classify
from skesom.cli._cluster import add_cluster, add_demo
from skesom.cli._crossmatch import add_crossmatch
from skesom.cli._messages import messages, one_line
from skesom.cli._name import add_name
from skesom.cli._options import NEGATIVE, Parser
from skesom.cli._results import add_explore, add_predict, add_test

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


def main(arguments=None):
    """Run the command line."""
    parser = _parser()
    if "_ARGCOMPLETE" in os.environ:  # a shell asks what could come next
        import argcomplete

        argcomplete.autocomplete(parser)
    options = parser.parse_args(arguments)
    try:
        with messages(options):
            options.run(options)
    except (ImportError, MemoryError, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno and error.filename is None:
            error.filename = getattr(options, "output", None)  # of a full disk
        print(f"skesom {options.command}: error: {_text(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"skesom {options.command}: interrupted", file=sys.stderr)
        return 130
    return 0


def _parser():
    parser = Parser(
        prog="skesom",
        description="Find the populations hidden in multi-band images: cluster their "
        "pixels with self-organizing maps.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser._negative_number_matcher = NEGATIVE
    version = f"skesom {skesom.__version__}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    others = add_predict, add_test, add_crossmatch, add_name, add_explore, add_demo
    for add in (add_cluster, add_classify, *others):
        add(commands)
    return parser


def _text(error):
    """Return in one line what went wrong."""
    if isinstance(error, OSError) and error.filename is not None:
        return one_line(f"{error.filename}: {error.strerror}")
    if isinstance(error, MemoryError):
        return f"not enough memory for this method and so many pixels ({error})"
    return one_line(error)

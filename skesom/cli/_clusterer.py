# SPDX-License-Identifier: BSD-3-Clause
"""Options that name the clusterer and its parameters."""

import sys

from skesom.cli._parser import assignment, count, count_or_none


def add_clusterer(parser):
    """Add the options about the clusterer."""
    group = parser.add_argument_group("clustering")
    group.add_argument(
        "--method",
        default="esom",
        help="esom, csom, or the import path of a scikit-learn clusterer",
    )
    group.add_argument(
        "--n-clusters",
        type=count_or_none,
        default=8,
        metavar="N",
        help='number of clusters, or "none" for the rule of the method without it',
    )
    group.add_argument(
        "--runs",
        type=count,
        metavar="N",
        help="runs whose consensus is taken (default: 12 where runs can differ; 1 is a "
        "single run)",
    )
    group.add_argument(
        "--epsilon",
        type=float,
        help="distance at which esom makes a new node (default: chosen from the data)",
    )
    group.add_argument(
        "--random-state", type=int, default=0, metavar="SEED", help="random seed"
    )
    group.add_argument(
        "--set",
        action="append",
        default=[],
        type=assignment,
        metavar="NAME=VALUE",
        help="another parameter of the method, for instance learning_rate=0.1; may be "
        "repeated",
    )


def clusterer_of(options):
    """Make the clusterer that the options name."""
    from skesom.maps import make_clusterer

    parameters = dict(options.set)
    if options.epsilon is not None:
        parameters["epsilon"] = options.epsilon
    return make_clusterer(
        options.method,
        n_clusters=options.n_clusters,
        n_runs=options.runs,
        random_state=options.random_state,
        verbose=int(sys.stderr.isatty()),
        **parameters,
    )

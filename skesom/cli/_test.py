# SPDX-License-Identifier: BSD-3-Clause
"""``skesom test``: the clusters of a result against what is known."""

import json
import warnings
from pathlib import Path

import numpy as np

from skesom.cli._options import add_command, add_overwrite

_REGION_FILES = (".reg", ".crtf")
_TOLERANCE = 0.5  # pixels


def add_test(commands):
    """Add the command."""
    parser = add_command(
        *(commands, "test", _test, "compare clusters with a map of known classes"),
        "Compare the clusters of a result with known classes: how many pixels of each "
        "class are in each cluster, the adjusted Rand index, and how complete and pure "
        "the classes are in the clusters that stand for them.",
    )
    text = "folder of results, or a label map (FITS)"
    parser.add_argument("result", metavar="RESULT", help=text)
    parser.add_argument(
        "truth",
        metavar="TRUTH",
        help="label map of the classes on the same pixels (FITS, classes from 0, "
        "unknown ones negative), or regions of DS9 or CASA named by their text",
    )
    text = "folder for the tables and scores"
    parser.add_argument("-o", "--output", metavar="DIR", help=text)
    add_overwrite(parser)


def _test(options):
    """Compare two maps of the user."""
    from skesom.io import read_map
    from skesom.maps import compare_with_truth
    from skesom.report import check_folder

    if options.output is not None:
        check_folder(options.output, overwrite=options.overwrite)
    path = Path(options.result)
    path = path / "cluster_map.fits" if path.is_dir() else path
    label_map, wcs = read_map(path)
    truth, names = _read_truth(options.truth, label_map.shape, wcs)
    comparison = compare_with_truth(label_map, truth, names=names)
    for name, value in comparison.scores.items():
        print(f"{name + ':':<29}{value:>12{'d' if isinstance(value, int) else '.3f'}}")
    for table in (comparison.classes, comparison.confusion):
        print()
        print("\n".join(table.pformat(max_lines=-1, max_width=-1)))
    if options.output is not None:
        _write(options, comparison)


def _read_truth(path, shape, wcs):
    """Return the map of the classes, and their names if they have some."""
    from skesom.io import read_map, read_region_labels

    if Path(path).suffix.lower() in _REGION_FILES:
        regions = read_region_labels(path, shape, wcs=wcs, empty="ignore")
        return regions.label_map, regions.names
    truth, other = read_map(path)
    if truth.shape == shape and None not in (wcs, other):
        _compare_grids(shape, wcs, other)
    return truth, None


def _compare_grids(shape, wcs, other):
    """Warn if two maps of one shape lie elsewhere on the sky."""
    corners = np.array([[x, y] for x in (0, shape[1] - 1) for y in (0, shape[0] - 1)])
    there = other.wcs_world2pix(wcs.wcs_pix2world(corners, 0), 0)
    shift = np.abs(there - corners).max()
    if not shift < _TOLERANCE:
        warnings.warn(
            f"The two maps lie {shift:.1f} pixels apart on the sky; pixels are "
            "compared with those of the same row and column.",
            UserWarning,
            stacklevel=2,
        )


def _write(options, comparison):
    """Write the tables and scores of a comparison."""
    from skesom.report import atomic_folder

    with atomic_folder(options.output, overwrite=options.overwrite) as folder:
        comparison.confusion.write(folder / "confusion.ecsv", format="ascii.ecsv")
        comparison.classes.write(folder / "classes.ecsv", format="ascii.ecsv")
        text = json.dumps(comparison.scores, indent=1, allow_nan=False)
        (folder / "scores.json").write_text(f"{text}\n", encoding="utf-8")
    print("\nWritten:")
    for name in ("confusion.ecsv", "classes.ecsv", "scores.json"):
        print(f"  {Path(options.output) / name}")

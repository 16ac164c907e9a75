# SPDX-License-Identifier: BSD-3-Clause
"""The ``skesom`` command: cluster the pixels of FITS images."""

import argparse
import ast
import sys
import warnings
from pathlib import Path

import numpy as np

import skesom

EXAMPLES = """\
examples:
  skesom demo
      make a synthetic galaxy in nine Hubble filters and cluster it
  skesom cluster F*.fits -o result --fwhm .083 .075 .070 .070 .067 .067 .070 .070 .074
      cluster nine images after bringing them to the widest point-spread function
  skesom cluster u.fits g.fits r.fits -o result --method csom --set shape=15,15
      use a classical map of 15 x 15 units
  skesom cluster cube.fits -o result --method sklearn.cluster.MiniBatchKMeans
      use any scikit-learn clusterer
"""


def main(arguments=None):
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, default=None
        Arguments after the command's name, ``sys.argv[1:]`` by default.

    Returns
    -------
    status : int
        0, or 2 when the input cannot be used; one line on standard error says why.
    """
    options = _parser().parse_args(arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = _print_warning
        try:
            options.run(options)
        except (ImportError, MemoryError, OSError, ValueError) as error:
            print(f"skesom {options.command}: error: {_say(error)}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print(f"skesom {options.command}: interrupted", file=sys.stderr)
            return 130
    return 0


class _Parser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong, as the commands do."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Help with the defaults that mean something and are not told already."""

    def _get_help_string(self, action):
        told = "default" in action.help
        if told or action.default in (None, []) or action.default is False:
            return action.help
        return super()._get_help_string(action)


def _parser():
    parser = _Parser(
        prog="skesom",
        description="Find the populations hidden in multi-band images: cluster their "
        "pixels with self-organizing maps.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"skesom {skesom.__version__}"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_cluster(commands)
    _add_demo(commands)
    return parser


def _add_cluster(commands):
    parser = commands.add_parser(
        "cluster",
        help="cluster the pixels of FITS images",
        description="Read one FITS file per band (or a cube of several), bring the "
        "bands to one grid and, if asked, to one resolution, and cluster the pixels.",
        formatter_class=_Help,
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FITS",
        help="one file per band, or files of several; image.fits[2] or "
        "image.fits[SCI,1] picks an extension",
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="folder for the results"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace results in an existing folder",
    )
    images = parser.add_argument_group("images")
    images.add_argument(
        "--hdu",
        metavar="NAME",
        help="name or number of the extension to read, where a file does not say it "
        "(default: the first image)",
    )
    images.add_argument(
        "--band-names",
        nargs="+",
        metavar="NAME",
        help="one for each band (default: from FILTER cards or the file names)",
    )
    images.add_argument(
        "--align-to",
        default="coarsest",
        metavar="GRID",
        help="grid for bands on other grids: coarsest, first, or the number of a band "
        "from 0",
    )
    images.add_argument(
        "--fwhm",
        nargs="+",
        type=float,
        metavar="ARCSEC",
        help="width of the point-spread function, one for all or one for each band "
        "(default: from FWHM cards; without those the bands stay as sharp as they are)",
    )
    images.add_argument(
        "--target-fwhm",
        type=float,
        metavar="ARCSEC",
        help="width to bring all bands to (default: that of the worst band)",
    )
    images.add_argument(
        "--pixel-scale",
        type=float,
        metavar="ARCSEC",
        help="size of a pixel (default: from the WCS)",
    )
    images.add_argument(
        "--mask-zeros",
        choices=["auto", "yes", "no"],
        default="auto",
        help="whether exact zeros are missing data; auto looks for gaps of zeros",
    )
    images.add_argument(
        "--min-bands",
        type=int,
        metavar="N",
        help="cluster pixels that have at least N bands (default: all bands)",
    )
    images.add_argument(
        "--stretch",
        choices=["asinh", "none"],
        default="asinh",
        help="how fluxes are compressed before they are scaled",
    )
    images.add_argument(
        "--sky",
        choices=["auto", "mask", "keep"],
        default="auto",
        help="whether pixels of empty sky are set aside; auto decides by how much of "
        "the frame they are",
    )
    images.add_argument(
        "--colour-contrast",
        type=float,
        default=1 / 3,
        metavar="0..0.5",
        help="how much colours count beside brightness; 0 scales each band and no more "
        "(default: 1/3)",
    )
    _add_clusterer(parser)
    parser.set_defaults(run=_cluster)


def _add_demo(commands):
    parser = commands.add_parser(
        "demo",
        help="make a synthetic galaxy and cluster it",
        description="Make a synthetic galaxy like M83 in nine Hubble filters, write it "
        "as one FITS file per filter, cluster these files, and compare the clusters "
        "with the truth.",
        formatter_class=_Help,
    )
    parser.add_argument(
        "-o", "--output", default="skesom-demo", metavar="DIR", help="folder to write"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace results in an existing folder",
    )
    parser.add_argument(
        "--size", type=int, default=605, metavar="PIXELS", help="rows and columns"
    )
    _add_clusterer(parser)
    parser.set_defaults(run=_demo)


def _add_clusterer(parser):
    group = parser.add_argument_group("clustering")
    group.add_argument(
        "--method",
        default="esom",
        help="esom, csom, or the import path of a scikit-learn clusterer",
    )
    group.add_argument(
        "--n-clusters",
        type=_count_or_none,
        default=8,
        metavar="N",
        help='number of clusters, or "none" for the rule of the method without it',
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
        type=_assignment,
        metavar="NAME=VALUE",
        help="another parameter of the method, for instance learning_rate=0.1; may be "
        "repeated",
    )


def _cluster(options):
    """Cluster the user's files."""
    from skesom.io import read_cube
    from skesom.maps import check_bands, check_folder, write_results

    check_folder(options.output, overwrite=options.overwrite)
    clusterer = _clusterer(options)
    cube = read_cube(
        options.files,
        hdu=_number_or_name(options.hdu),
        band_names=options.band_names,
        fwhm=_one_per_band(options.fwhm),
        align_to=_number_or_name(options.align_to),
    )
    check_bands(cube.data, cube.band_names)
    pipeline = _fit(
        cube,
        clusterer,
        target_fwhm=options.target_fwhm,
        pixel_scale=options.pixel_scale,
        mask_zeros={"yes": True, "no": False}.get(options.mask_zeros, "auto"),
        stretch=options.stretch,
        sky=options.sky,
        colour_contrast=options.colour_contrast,
        min_bands=options.min_bands,
    )
    files = write_results(options.output, pipeline, cube, overwrite=options.overwrite)
    _report(pipeline, files.values())


def _demo(options):
    """Make a scene, cluster its files, and compare with the truth."""
    from sklearn.metrics import adjusted_rand_score

    from skesom.datasets import make_galaxy_cube
    from skesom.io import read_cube, write_bands, write_map
    from skesom.maps import atomic_folder, write_results

    clusterer = _clusterer(options)
    with atomic_folder(options.output, overwrite=options.overwrite) as folder:
        side = options.size
        print(f"Making a galaxy of {side} x {side} pixels in nine filters.", flush=True)
        cube, truth = make_galaxy_cube((side, side), random_state=options.random_state)
        files = write_bands(folder / "images", cube)
        write_map(folder / "truth.fits", truth, cube=cube)
        cube = read_cube(files)
        pipeline = _fit(cube, clusterer)
        files = write_results(folder, pipeline, cube, overwrite=True)
    _report(pipeline, [Path(options.output) / file.name for file in files.values()])
    label_map = pipeline["cluster"].labels_
    known = (label_map >= 0) & (truth >= 0)
    agreement = adjusted_rand_score(truth[known], label_map[known])
    print(f"Agreement with the truth, adjusted Rand index: {agreement:.3f}")


def _fit(cube, clusterer, *, target_fwhm=None, **steps):
    """Fit the chain of all steps to a cube."""
    from skesom.maps import make_cluster_pipeline

    known = ~np.isnan(cube.fwhm)
    if known.any() and not known.all():
        without = [n for n, k in zip(cube.band_names, known, strict=True) if not k]
        warnings.warn(
            f"The bands stay as sharp as they are, because the FWHM of "
            f"{', '.join(without)} is unknown: give --fwhm to bring them to one width.",
            UserWarning,
            stacklevel=2,
        )
    asked = target_fwhm is not None
    pipeline = make_cluster_pipeline(
        clusterer,
        fwhm="cube" if asked or known.all() else None,
        target_fwhm=target_fwhm if asked else "worst",
        **steps,
    )
    return pipeline.fit(cube)


def _report(pipeline, files):
    """Print what was found and where it is."""
    from skesom.io import cluster_table

    if pipeline["sky"].sky_masked_:
        share = np.mean(pipeline["sky"].sky_)
        print(f"Sky set aside: {share:.1%} of the pixels (--sky keep clusters them).")
    print(f"{pipeline['cluster'].n_clusters_} clusters:")
    for row in cluster_table(pipeline["cluster"].labels_):
        print(
            f"  {row['id']:>3}  {row['pixels']:>9} pixels  {row['percentage']:6.2f} %"
        )
    print("Written:")
    for file in files:
        print(f"  {file}")


def _clusterer(options):
    from skesom.maps import make_clusterer

    parameters = dict(options.set)
    if options.epsilon is not None:
        parameters["epsilon"] = options.epsilon
    return make_clusterer(
        options.method,
        n_clusters=options.n_clusters,
        random_state=options.random_state,
        verbose=int(sys.stderr.isatty()),
        **parameters,
    )


def _assignment(text):
    """Return the name and the value of NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    try:
        return name, ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return name, value


def _count_or_none(text):
    if text.lower() == "none":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f'must be a whole number from 1, or "none", got {text!r}'
        )
    return int(text)


def _number_or_name(text):
    if text is not None and text.lstrip("-").isdigit():
        return int(text)
    return text


def _one_per_band(values):
    """Return a single number for all bands, or the list."""
    if values is not None and len(values) == 1:
        return values[0]
    return values


def _say(error):
    """Return in one line what went wrong."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, MemoryError):
        return f"not enough memory for this method and so many pixels ({error})"
    return " ".join(str(error).split())


def _print_warning(message, category, filename, lineno, file=None, line=None):
    print(f"warning: {' '.join(str(message).split())}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())

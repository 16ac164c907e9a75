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
        except (ImportError, OSError, ValueError) as error:
            message = " ".join(str(error).split())
            print(f"skesom {options.command}: error: {message}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print(f"skesom {options.command}: interrupted", file=sys.stderr)
            return 130
    return 0


def _parser():
    parser = argparse.ArgumentParser(
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
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FITS", help="one file per band")
    parser.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="folder for the results"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace results in an existing folder",
    )
    images = parser.add_argument_group("images")
    images.add_argument("--hdu", help="name or number of the extension to read")
    images.add_argument(
        "--band-names",
        nargs="+",
        metavar="NAME",
        help="by default from the FILTER cards or the file names",
    )
    images.add_argument(
        "--align-to",
        default="coarsest",
        help="grid for bands on other grids: coarsest, first, or the number of a band "
        "from 0",
    )
    images.add_argument(
        "--fwhm",
        nargs="+",
        type=float,
        metavar="ARCSEC",
        help="width of the point-spread function, one for each band; by default from "
        "FWHM cards, and without those the bands stay as sharp as they are",
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
        help="size of a pixel, for images without a WCS",
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
        help="how much colours count beside brightness; 0 scales each band and no more",
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
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
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
    from skesom.maps import check_folder

    check_folder(options.output, overwrite=options.overwrite)
    clusterer = _clusterer(options)
    cube = read_cube(
        options.files,
        hdu=_number_or_name(options.hdu),
        band_names=options.band_names,
        fwhm=_one_per_band(options.fwhm),
        align_to=_number_or_name(options.align_to),
    )
    _cluster_cube(
        cube,
        clusterer,
        options,
        target_fwhm="worst" if options.target_fwhm is None else options.target_fwhm,
        pixel_scale=options.pixel_scale,
        mask_zeros={"yes": True, "no": False}.get(options.mask_zeros, "auto"),
        stretch=options.stretch,
        sky=options.sky,
        colour_contrast=options.colour_contrast,
        min_bands=options.min_bands,
    )


def _demo(options):
    """Make a scene, cluster its files, and compare with the truth."""
    from sklearn.metrics import adjusted_rand_score

    from skesom.datasets import make_galaxy_cube
    from skesom.io import read_cube, write_bands, write_map
    from skesom.maps import check_folder

    folder = Path(options.output)
    check_folder(folder, overwrite=options.overwrite)
    clusterer = _clusterer(options)
    print(f"Making a galaxy of {options.size} x {options.size} pixels in nine filters.")
    cube, truth = make_galaxy_cube(
        (options.size, options.size), random_state=options.random_state
    )
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    files = write_bands(images, cube, overwrite=options.overwrite)
    write_map(folder / "truth.fits", truth, cube=cube, overwrite=options.overwrite)
    options.overwrite = True  # the folder is ours by now
    label_map = _cluster_cube(read_cube(files), clusterer, options)
    known = (label_map >= 0) & (truth >= 0)
    agreement = adjusted_rand_score(truth[known], label_map[known])
    print(f"Agreement with the truth, adjusted Rand index: {agreement:.3f}")


def _cluster_cube(cube, clusterer, options, **steps):
    """Cluster a cube, write the results and say where they are."""
    from skesom.io import cluster_table
    from skesom.maps import make_cluster_pipeline, write_results

    fwhm = None if np.isnan(cube.fwhm).any() else "cube"
    pipeline = make_cluster_pipeline(clusterer, fwhm=fwhm, **steps)
    label_map = pipeline.fit_predict(cube)
    files = write_results(options.output, pipeline, cube, overwrite=options.overwrite)
    if pipeline["sky"].sky_masked_:
        share = np.mean(pipeline["sky"].sky_)
        print(f"Sky set aside: {share:.1%} of the pixels (--sky keep clusters them).")
    print(f"{pipeline['cluster'].n_clusters_} clusters:")
    for row in cluster_table(label_map):
        print(
            f"  {row['id']:>3}  {row['pixels']:>9} pixels  {row['percentage']:6.2f} %"
        )
    print("Written:")
    for file in files.values():
        print(f"  {file}")
    return label_map


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
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {count}")
    return count


def _number_or_name(text):
    if text is not None and text.lstrip("-").isdigit():
        return int(text)
    return text


def _one_per_band(values):
    """Return a single number for all bands, or the list."""
    if values is not None and len(values) == 1:
        return values[0]
    return values


def _print_warning(message, category, filename, lineno, file=None, line=None):
    print(f"warning: {' '.join(str(message).split())}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())

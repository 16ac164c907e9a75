# SPDX-License-Identifier: BSD-3-Clause
"""Options that say which images are read, and how."""

from skesom.cli._parser import number_or_name


def add_images(parser, nargs="+"):
    """Add the options about files, and about what is left out of them."""
    parser.add_argument(
        "files",
        nargs=nargs,
        metavar="FITS",
        help="one file per band, or files of several; image.fits[2] or "
        "image.fits[SCI,1] picks an extension",
    )
    group = parser.add_argument_group("images")
    group.add_argument(
        "--hdu",
        type=number_or_name,
        metavar="NAME",
        help="name or number of the extension to read, where a file does not say it; "
        '"all" reads every image (default: the first image)',
    )
    group.add_argument(
        "--band-names",
        nargs="+",
        metavar="NAME",
        help="one for each band (default: from FILTER cards or the file names)",
    )
    group.add_argument(
        "--masks",
        nargs="+",
        metavar="FLAGS",
        help='where flags of bad pixels are: "auto" looks for DQ, MASK and the like in '
        "each file; else an extension of each file, or one file for each image",
    )
    group.add_argument(
        "--ignore-flags",
        default="0",
        metavar="FLAGS",
        help='flags that do not rule a pixel out, as "4,16" or "~1" (default: none)',
    )
    group.add_argument(
        "--weights",
        nargs="+",
        metavar="WEIGHTS",
        help="where weights or exposure times are, as for --masks; pixels without a "
        "positive weight are masked",
    )
    group.add_argument(
        "--exclude",
        nargs="+",
        default=[],
        metavar="REGIONS",
        help="region files of DS9 or CASA; pixels inside are masked",
    )
    group.add_argument(
        "--include",
        nargs="+",
        default=[],
        metavar="REGIONS",
        help="region files of DS9 or CASA; pixels outside of all of them are masked",
    )


def source_of(options):
    """Return the files that the options name, and how they are read."""
    from skesom.report import ImageSource

    return ImageSource(
        files=tuple(options.files),
        hdu=options.hdu,
        band_names=options.band_names,
        masks=_companions(options.masks),
        weights=_companions(options.weights),
        ignore_flags=options.ignore_flags,
        exclude=tuple(options.exclude),
        include=tuple(options.include),
    )


def _companions(values):
    """Return what tells `read_cube` where masks or weights are."""
    if not values:
        return None
    is_file = len(values) > 1 or "." in values[0]
    return values if is_file else number_or_name(values[0])

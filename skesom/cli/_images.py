# SPDX-License-Identifier: BSD-3-Clause
"""Options that say which images are read, and the cubes that they make."""

import numpy as np

from skesom.cli._parser import number_or_name


def add_images(parser):
    """Add the options about files, and about what is left out of them.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Parser of a command.
    """
    parser.add_argument(
        "files",
        nargs="+",
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


def read_images(options):
    """Read the images that the options name.

    Parameters
    ----------
    options : argparse.Namespace
        With what `add_images` adds.

    Returns
    -------
    images : Cube or list of Cube
        One cube, or one for each pixel grid.

    Raises
    ------
    OSError, ValueError
        If files cannot be used; see `skesom.io.read_cube`.
    """
    from skesom.io import read_cube
    from skesom.maps import check_bands

    cubes = read_cube(
        options.files,
        hdu=options.hdu,
        band_names=options.band_names,
        masks=_companions(options.masks),
        weights=_companions(options.weights),
        ignore_flags=options.ignore_flags,
        align_to=None,
    )
    for cube in cubes:
        check_bands(cube.data, cube.band_names)
    for path in options.exclude:
        _mask_inside(cubes, path)
    if options.include:
        _mask_outside(cubes, options.include)
    return cubes[0] if len(cubes) == 1 else cubes


def _companions(values):
    """Return what tells `read_cube` where masks or weights are."""
    if not values:
        return None
    is_file = len(values) > 1 or "." in values[0]
    return values if is_file else number_or_name(values[0])


def _mask_inside(cubes, path):
    """Mask what the regions of a file hold; at least one cube must show some."""
    _check_on_sky(cubes, path)
    outside = []
    for cube in cubes:
        try:
            cube.data[_pixels(cube, path)] = np.nan
        except ValueError as error:
            outside.append(error)
    if len(outside) == len(cubes):
        raise outside[0]


def _mask_outside(cubes, paths):
    """Mask what the regions of some files do not hold."""
    for path in paths:
        _check_on_sky(cubes, path)
    for cube in cubes:
        inside = np.zeros(cube.shape[:2], dtype=bool)
        for path in paths:
            inside |= _pixels(cube, path)
        cube.data[~inside] = np.nan


def _pixels(cube, path):
    """Return the pixels that the regions of a file hold."""
    from skesom.io import read_region_mask

    return read_region_mask(path, cube, empty="ignore")


def _check_on_sky(cubes, path):
    """Refuse regions in pixels where there are several kinds of pixels."""
    from skesom.io import read_regions

    regions = read_regions(path)
    if len(cubes) > 1 and not all(hasattr(region, "to_pixel") for region in regions):
        raise ValueError(
            f"{path} holds regions in pixels, but the images lie on {len(cubes)} pixel "
            "grids. Save the regions in the coordinate system icrs."
        )

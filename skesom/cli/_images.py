# SPDX-License-Identifier: BSD-3-Clause
"""The images of a command: which files, how they are read, and whether in strips."""

import argparse
import math
import re

from joblib import cpu_count

from skesom._common import machine_limits
from skesom._common.extras import import_extra
from skesom._common.row_files import remove_left_rows
from skesom.cli._messages import announce, say
from skesom.cli._option_tables import COMBINE, IMAGES, IMAGES_FOR_MODEL, SUBTRACT_SKY
from skesom.cli._option_values import length, number_or_name
from skesom.cli._options import add_options

# Names of options that most people need, where a run may be repeated.
IMAGES_AND_RESULTS = (
    "files",
    "output",
    "overwrite",
    "provenance",
    "cutout",
    "masks",
)
# Cube, a copy of it, the table of pixels, its copy in the clusterer, and what steps
# hold on the way; docs/larger_than_memory.md measures the memory of runs.
_N_COPIES = 6
_MEMORY_OF_WORKER = 10**9  # bytes of a strip of all bands, and what steps make of it


def add_images(parser, *, are_required=True, of_model=False):
    """Add the files, and the options of how they are read.

    Without `are_required` a command can take the images of an earlier run; `of_model`
    tells that a model knows how its own images were read.
    """
    parser.add_argument(
        "files",
        nargs="+" if are_required else "*",
        metavar="FITS",
        help="one file per band or of several; image.fits[SCI,1] names an extension",
    )
    options = IMAGES_FOR_MODEL if of_model else IMAGES
    add_options(parser.add_argument_group("images"), options)
    # Of commands without these options.
    parser.set_defaults(continuum=[], subtract_sky="yes")


def source_of(options, model_source=None):
    """Return the files of the options, and how they are read.

    What options leave open is as for the images of a model, if `model_source` tells it.
    """
    from skesom.runs.image_source import ImageSource

    subtract_sky = SUBTRACT_SKY.parameter_value(options)
    continua = _continua(options.continuum)
    choices = {}
    if model_source is not None:
        choices = model_source.choices()
        subtract_sky = model_source.subtract_sky  # no option of such a command
        continua = continua or model_source.continua
    for role in ("masks", "weights", "errors"):
        companions = getattr(options, role)
        if companions:
            choices[role] = _companions(companions)
    for name in ("ignore_flags", "error_kind"):
        if getattr(options, name) is not None:
            choices[name] = getattr(options, name)
    cutout = None
    if options.cutout is not None:
        cutout = _cutout(*options.cutout)
    source = ImageSource(
        tuple(options.files),
        options.hdu,
        options.band_names,
        exclude=tuple(options.exclude),
        include=tuple(options.include),
        combine=COMBINE.parameter_value(options),
        continua=continua,
        cutout=cutout,
        subtract_sky=subtract_sky,
        **choices,
    )
    if options.error_kind is not None and source.errors is None:
        raise ValueError("--error-kind is about errors: give --errors")
    if options.ignore_flags is not None and source.masks is None:
        raise ValueError("--ignore-flags is about flags: give --masks")
    return source


def _companions(values):
    """Return where masks, weights or errors are, as `read_cube` takes it."""
    if values == ["none"]:
        return None
    if len(values) > 1 or "." in values[0]:  # files
        return values
    return number_or_name(values[0])


def _continua(values):
    """Return the continua that an option gives, None for those that are known."""
    if "none" not in values:
        return dict(values) or None
    if len(values) > 1:
        raise ValueError("--continuum none switches all off: give no bands with it")
    return "none"


def _cutout(*words):
    """Return right ascension and declination in degrees, and the side of a cutout."""
    from astropy import units
    from astropy.coordinates import Angle, SkyCoord

    try:
        unit = units.deg
        if re.search(r"\d[\s:]+\d", words[0]):  # 13:37:00.9, 13 37 00.9
            unit = units.hourangle
        center = SkyCoord(Angle(words[0], unit), Angle(words[1], units.deg))
        side = length(words[2])
        if side.unit.is_unity():
            side = side.value * units.arcsec
        is_length = side.unit == units.pix or side.unit.is_equivalent(units.arcsec)
        if not (is_length and side.value > 0):
            raise ValueError("SIZE must be an angle or in pixels, and above 0")
        if not math.isfinite(center.ra.deg + center.dec.deg):
            raise ValueError("RA and DEC must be finite")
    except (argparse.ArgumentTypeError, TypeError, ValueError) as error:
        raise ValueError(
            "--cutout must be RA DEC SIZE, as 204.25 -29.87 90arcsec, got "
            f"{' '.join(words)}: {error}"
        ) from error
    return float(center.ra.deg), float(center.dec.deg), side


def with_strips(source, strips):
    """Return images that are read in strips if `strips` or the memory want it.

    `strips` is "yes", "no" or "auto". That it is so, and why, is said.
    """
    remove_left_rows()
    n_planes = 2 if source.errors else 1  # of values, and of errors
    needed = 4 * _N_COPIES * source.n_values() * n_planes  # bytes of float32
    free = machine_limits.free_memory()
    exceeds_memory = needed > free
    if strips == "no" or (strips == "auto" and not exceeds_memory):
        return source._replace(lazy=False)
    reason = ""
    if exceeds_memory:
        reason = (
            f" The images need about {_gigabytes(needed)} of memory, and "
            f"{_gigabytes(free)} are free."
        )
    import_extra(
        "dask.array",
        f"Work in strips needs dask: pip install 'skesom[dask]'.{reason} "
        "--strips no reads the images as a whole.",
    )
    import dask

    say(f"Working through the images in strips of rows.{reason}")
    if dask.config.get("num_workers", None) is None:
        n_workers = cpu_count()
        if math.isfinite(free):
            n_workers = min(n_workers, int(free // _MEMORY_OF_WORKER))
        dask.config.set(num_workers=max(1, n_workers))
    return source._replace(lazy=True)


def _gigabytes(size):
    """Return a number of bytes as text."""
    return f"{size / 1e9:.1f} GB"


def read_images(source):
    """Read images."""
    announce("reading the images")
    return source.read()

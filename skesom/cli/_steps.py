# SPDX-License-Identifier: BSD-3-Clause
"""Options of the steps between images and clusters, and the pipeline they make."""

import argparse
from copy import copy
from functools import partial
from pathlib import Path

from skesom._common.files import regular
from skesom.cli._options import (
    YES_OR_NO,
    add_choice,
    count,
    finite,
    length,
    number_or_name,
    width,
)

_CONTRAST = 1 / 3  # as of a pipeline without the option
_REGISTRATION = {"auto": "auto", "yes": "correct", "check": "check", "no": None}


def add_steps(parser, *, smoothing=True):
    """Add the options of all steps, in their order."""
    _add_masking(parser.add_argument_group("masking").add_argument)
    _add_sharpness(parser.add_argument_group("sharpness and pixels").add_argument)
    _add_scaling(parser.add_argument_group("scaling").add_argument)
    if smoothing:
        add = parser.add_argument_group("smoothing of labels").add_argument
        text = 'FWHM in which pixels vote for labels: "psf", arcsec, or as in 2.5pix'
        add("--smooth", type=_smoothing, metavar="WIDTH", default="none", help=text)


def _add_masking(add):
    text = "whether exact zeros are missing data; auto looks for gaps of zeros"
    add_choice(add, "--mask-zeros", text, "auto", "yes", "no")
    text = "whether hot and dead pixels and cosmic rays are masked"
    add_choice(add, "--mask-outliers", text, "yes", "no")
    text = "mask values from this flux, one for all or one for each band"
    add("--saturation", nargs="+", type=finite, metavar="FLUX", help=text)
    text = "whether bands of few photons a pixel, such as X-rays, are smoothed until "
    text += "their signal-to-noise is 5"
    add_choice(add, "--smooth-counts", text, "yes", "no")
    text = "mask also pixels that are so near to a gap (default: 0)"
    add(
        "--grow",
        type=partial(finite, least=0),
        metavar="PIXELS",
        default=0.0,
        help=text,
    )
    text = "mask values of less signal to noise"
    add("--min-snr", type=finite, metavar="RATIO", help=text)
    text = "cluster pixels that have at least N bands (default: all bands)"
    add("--min-bands", type=count, metavar="N", help=text)
    text = "whether empty sky is set aside; auto: if enough of it is flat"
    add_choice(add, "--sky", text, "auto", "mask", "keep")
    text = "subtract a background that changes slowly across an image (extra psf); "
    text += "auto where it slopes and no galaxy fills the frame"
    add_choice(add, "--subtract-background", text, "auto", "yes", "no")


def _add_sharpness(add):
    text = "width of the point-spread function, one for all or one for each band: "
    text += "arcsec (pixels, if no image tells how large they are), pixels as in "
    text += (
        '2.5pix, "header", or "stars" to measure it (default: from headers; if that '
    )
    text += "of a band is unknown, all bands stay as sharp as they are)"
    add("--fwhm", nargs="+", type=width, metavar="WIDTH", help=text)
    text = "measured point-spread functions to match the bands by: FITS images, one "
    text += "for each band, or BAND=FITS by the name of a band or its beginning (extra "
    text += "psf)"
    add("--psf", nargs="+", metavar="FITS", help=text)
    text = "width to bring all bands to: arcsec (pixels, if no image tells how large "
    text += "they are), or as in 5pix (default: that of the worst band)"
    add("--target-fwhm", type=length, metavar="WIDTH", help=text)
    text = "size of a pixel (default: from the WCS)"
    add("--pixel-scale", type=finite, metavar="ARCSEC", help=text)
    text = "grid of the map: coarsest, optimal (north up, around all images), first, a "
    text += "band by its name or its number from 0 (first and numbers in the order of "
    text += "the files), or a FITS file or text file with a header"
    add("--align-to", default="coarsest", metavar="GRID", help=text)
    text = "how bands come there; auto averages over the exact overlap of pixels"
    add_choice(add, "--resample", text, "auto", "interp", "adaptive", "exact")
    text = "what is conserved where pixels change their size: flux, which grows with "
    text += "them (counts, Jy), or surface brightness (MJy/sr); auto tells it from "
    text += "BUNIT"
    add_choice(add, "--conserve", text, "auto", "flux", "surface-brightness")
    text = "cut the map to where all (or --min-bands) bands have data; auto: if they "
    text += "lie on several grids"
    add_choice(add, "--crop", text, "auto", "yes", "no")
    text = (
        "whether bands are moved that show the sky at another place than most; auto: "
        "by more than a pixel where it is sure, not of spectra and more than 20 bands; "
        "yes: by .1 pixel; check: warn only; no: keep images as they are"
    )
    add_choice(add, "--register", text, "auto", "yes", "check", "no")


def _add_scaling(add):
    text = "average N neighboring bands, such as the channels of a spectrum"
    add("--bin-bands", type=count, metavar="N", default=1, help=text)
    text = "how fluxes are compressed before they are scaled"
    add_choice(add, "--stretch", text, "asinh", "none")
    text = "weight of colors beside brightness; 0 scales each band only (default: 1/3)"
    add("--color-contrast", type=finite, metavar="0..0.5", default=_CONTRAST, help=text)
    text = "whether colors are averaged with those around where they are mostly noise"
    add_choice(add, "--smooth-colors", text, "no", "yes")
    text = "cluster N principal components of the bands instead of the bands; auto "
    text += "leaves out what more than 20 bands do not show above the noise, no keeps "
    text += "the bands as they are (default: auto)"
    add("--pca", type=_components, metavar="N", default="auto", help=text)


def _components(text):
    """Return a number of components, or a keyword."""
    try:
        return text if text in ("auto", "no") else int(text)
    except ValueError as error:
        message = f'must be a whole number, "auto" or "no", got {text!r}'
        raise argparse.ArgumentTypeError(message) from error


def _smoothing(text):
    return text if text in ("none", "psf") else length(text, ', "psf" or "none"')


def pipeline_of(options, clusterer):
    """Make the pipeline of options whose bands are in order, see `options_of_bands`."""
    from skesom.maps import make_cluster_pipeline

    pipeline = make_cluster_pipeline(
        clusterer,
        pattern=options.pattern,
        fwhm=_one_or_list(options.fwhm),
        target_fwhm="worst" if options.target_fwhm is None else options.target_fwhm,
        pixel_scale=options.pixel_scale,
        psfs=options.psf,
        align_to=_grid(options.align_to),
        resample=options.resample,
        mask_zeros=YES_OR_NO.get(options.mask_zeros, "auto"),
        mask_outliers=options.mask_outliers == "yes",
        smooth_counts=options.smooth_counts == "yes",
        bin_bands=options.bin_bands,
        n_components=None if options.pca == "no" else options.pca,
        stretch=options.stretch,
        subtract_background=YES_OR_NO.get(options.subtract_background, "auto"),
        sky=options.sky,
        color_contrast=options.color_contrast,
        smooth_colors=options.smooth_colors == "yes",
        spatial_features=options.spatial_features == "yes",
        min_bands=options.min_bands,
        n_jobs=-1,
    )
    if (vote := vote_of(options)) is not None:
        pipeline.set_params(cluster__regularizer=vote)
    return pipeline.set_params(
        gaps__saturation=_one_or_list(options.saturation),
        gaps__grow=options.grow,
        gaps__min_signal_to_noise=options.min_snr,
        align__conserve=options.conserve.replace("-", " "),
        align__crop=YES_OR_NO.get(options.crop, "auto"),
        align__min_bands=None if options.crop == "no" else options.min_bands,
        align__registration=_REGISTRATION[options.register],
    )


def check_steps(options):
    """Refuse options that do not go together."""
    vote_of(options)
    others = ("pca", "auto"), ("min_bands", None), ("smooth", "none")
    for name, default in (*others, ("color_contrast", _CONTRAST)):
        if options.pattern == "voxel" and getattr(options, name) != default:
            text = f"--{name.replace('_', '-')} is about pixels with all their bands"
            raise ValueError(f"{text}: leave it out with --pattern voxel")


def vote_of(options):
    """Return the vote of neighboring pixels, None without."""
    from skesom._sky.lengths import width_in_pixels
    from skesom.maps import MajorityVote

    if options.smooth == "none":
        return None
    if options.smooth == "psf":
        return MajorityVote()
    # The vote refuses it too, but only after the images are read.
    width_in_pixels(options.smooth, 1.0, "--smooth")
    return MajorityVote(fwhm=options.smooth)


def options_of_bands(options, order, bands):
    """Return options with those of single bands in their order; read the PSFs."""
    own = copy(options)
    own.psf = options.psf and _psfs_of(options.psf, bands)
    for name in ("fwhm", "saturation", "psf"):
        values = getattr(own, name)
        if isinstance(values, list) and len(values) == len(order):
            setattr(own, name, [values[band] for band in order])
    place = {str(band): str(number) for number, band in enumerate(order)}
    align_to = "0" if options.align_to == "first" else options.align_to
    own.align_to = place.get(align_to, options.align_to)
    return own


def _psfs_of(texts, bands):
    """Return the PSFs of files, in a list or, if bands are named, by their names."""
    from skesom.cube.convolution.kernels import read_psf

    named = [text for text in texts if "=" in text and not Path(text).exists()]
    psfs, names = [], [_band_of(text, bands) for text in texts if named]
    for text in texts:
        path = text.partition("=")[2] if named else text
        psfs.append(read_psf(path))
    if len(set(names)) < len(names):
        raise ValueError(f"--psf gives two PSFs for one band: {', '.join(names)}.")
    return dict(zip(names, psfs, strict=True)) if named else psfs


def _band_of(text, bands):
    """Return the only band with a name or the beginning of it."""
    name = text.partition("=")[0].lower() if "=" in text else ""
    found = [band for band in bands if band.lower() == name]
    found = found or [band for band in bands if band.lower().startswith(name)]
    if len(found) != 1:
        problem = f"{len(found)} of the bands {', '.join(bands)} begin so"
        raise ValueError(f"--psf {text} must be BAND=FITS of one band, but {problem}.")
    return found[0]


def _grid(text):
    """Return the name of a grid, or the grid of a file."""
    path = Path(text.partition("[")[0])
    if not path.exists() or path.is_dir():
        return number_or_name(text)
    from astropy.io.fits import Header

    from skesom.io import read_cube

    with open(regular(path), "rb") as file:
        is_text = file.read(6) != b"SIMPLE"
    if is_text:
        return Header.fromtextfile(text)
    cube = read_cube(text)
    if cube.wcs is None:
        raise ValueError(f"{text} has no WCS, so that no image can be aligned to it.")
    wcs = cube.wcs.deepcopy()
    wcs.array_shape = cube.shape[:2]
    return wcs


def _one_or_list(values):
    """Return a single value for all bands, or the list."""
    return values[0] if values is not None and len(values) == 1 else values

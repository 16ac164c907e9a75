# SPDX-License-Identifier: BSD-3-Clause
"""Options of the steps between images and clusters, and the pipeline they make."""

from pathlib import Path

from skesom.cli._parser import number_or_name, width
from skesom.cli._smoothing import add_smoothing, regularizer_of


def add_steps(parser):
    """Add the options of all steps, in their order."""
    _add_masking(parser.add_argument_group("masking"))
    _add_sharpness(parser.add_argument_group("sharpness and pixels"))
    _add_scaling(parser.add_argument_group("scaling"))
    add_smoothing(parser.add_argument_group("smoothing of labels"))


def _add_masking(group):
    group.add_argument(
        "--mask-zeros",
        choices=["auto", "yes", "no"],
        default="auto",
        help="whether exact zeros are missing data; auto looks for gaps of zeros",
    )
    group.add_argument(
        "--mask-outliers",
        choices=["yes", "no"],
        default="yes",
        help="whether hot and dead pixels, cosmic rays and trails of satellites are "
        "masked (default: yes)",
    )
    group.add_argument(
        "--saturation",
        nargs="+",
        type=float,
        metavar="FLUX",
        help="mask values from this flux, one for all or one for each band",
    )
    group.add_argument(
        "--grow",
        type=float,
        default=0.0,
        metavar="PIXELS",
        help="mask also what is so near to a gap (default: 0)",
    )
    group.add_argument(
        "--border-noise",
        type=float,
        metavar="FACTOR",
        help="mask borders that are so many times as noisy as the inside, for instance "
        "1.5",
    )
    group.add_argument(
        "--min-snr",
        type=float,
        metavar="RATIO",
        help="mask values of less signal to noise",
    )
    group.add_argument(
        "--min-bands",
        type=int,
        metavar="N",
        help="cluster pixels that have at least N bands (default: all bands)",
    )
    group.add_argument(
        "--sky",
        choices=["auto", "mask", "keep"],
        default="auto",
        help="whether pixels of empty sky are set aside; auto decides by how much of "
        "the frame they are, and how flat",
    )
    group.add_argument(
        "--subtract-background",
        action="store_true",
        help="subtract from each image a background that changes slowly across it, as "
        "scattered light does (needs photutils: extra psf)",
    )


def _add_sharpness(group):
    group.add_argument(
        "--fwhm",
        nargs="+",
        type=width,
        metavar="WIDTH",
        help="width of the point-spread function, one for all or one for each band: "
        'arcsec, pixels as in 2.5pix, "header", or "stars" to measure it '
        "(default: from headers; if that of a band is unknown, all bands stay as sharp "
        "as they are)",
    )
    group.add_argument(
        "--target-fwhm",
        type=float,
        metavar="ARCSEC",
        help="width to bring all bands to (default: that of the worst band)",
    )
    group.add_argument(
        "--pixel-scale",
        type=float,
        metavar="ARCSEC",
        help="size of a pixel (default: from the WCS)",
    )
    group.add_argument(
        "--align-to",
        default="coarsest",
        metavar="GRID",
        help="grid of the map: coarsest, optimal (north up, around all images), first, "
        "a band by its name or its number from 0 (first and numbers in the order of "
        "the files), or a FITS file or text file with a header",
    )
    group.add_argument(
        "--resample",
        choices=["auto", "interp", "adaptive", "exact"],
        default="auto",
        help="how bands come to that grid: auto interpolates bands of one width and "
        "averages others",
    )
    group.add_argument(
        "--crop",
        action="store_true",
        help="cut the map to the rectangle that all bands share",
    )
    group.add_argument(
        "--check-registration",
        action="store_true",
        help="compare the places of what all bands show, and warn of shifts",
    )


def _add_scaling(group):
    group.add_argument(
        "--stretch",
        choices=["asinh", "none"],
        default="asinh",
        help="how fluxes are compressed before they are scaled",
    )
    group.add_argument(
        "--color-contrast",
        type=float,
        default=1 / 3,
        metavar="0..0.5",
        help="how much colors count beside brightness; 0 scales each band and no more "
        "(default: 1/3)",
    )


def pipeline_of(options, clusterer):
    """Make the pipeline that the options describe."""
    from skesom.maps import make_cluster_pipeline

    pipeline = make_cluster_pipeline(
        clusterer,
        fwhm=_one_or_list(options.fwhm),
        target_fwhm="worst" if options.target_fwhm is None else options.target_fwhm,
        pixel_scale=options.pixel_scale,
        align_to=_grid(options.align_to),
        resample=options.resample,
        mask_zeros={"yes": True, "no": False}.get(options.mask_zeros, "auto"),
        mask_outliers=options.mask_outliers == "yes",
        stretch=options.stretch,
        subtract_background=options.subtract_background,
        sky=options.sky,
        color_contrast=options.color_contrast,
        min_bands=options.min_bands,
        n_jobs=-1,
    )
    return pipeline.set_params(
        gaps__saturation=_one_or_list(options.saturation),
        gaps__grow=options.grow,
        gaps__border_noise=options.border_noise,
        gaps__min_signal_to_noise=options.min_snr,
        align__crop=options.crop,
        align__check_registration=options.check_registration,
        cluster__regularizer=regularizer_of(options),
    )


def put_in_order(options, order):
    """Give what the options say of single bands the order of the bands."""
    for name in ("fwhm", "saturation"):
        values = getattr(options, name)
        if values is not None and len(values) == len(order):
            setattr(options, name, [values[band] for band in order])
    place = {str(band): str(number) for number, band in enumerate(order)}
    align_to = "0" if options.align_to == "first" else options.align_to
    options.align_to = place.get(align_to, options.align_to)


def fit(pipeline, images):
    """Fit the pipeline, after a look at what would stop it late."""
    from sklearn.base import clone

    clone(pipeline["align"]).fit(images)
    return pipeline.fit(images)


def _grid(text):
    """Return the grid that is named, or that a file describes."""
    if not Path(text.partition("[")[0]).is_file():
        return number_or_name(text)
    from astropy.io.fits import Header

    from skesom.io import read_cube

    with open(text.partition("[")[0], "rb") as file:
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
    if values is not None and len(values) == 1:
        return values[0]
    return values

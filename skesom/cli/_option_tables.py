# SPDX-License-Identifier: BSD-3-Clause
"""All options of the commands that set something in the library, in their groups.

A new option is one entry here: what it is called, what it does, and which parameter of
the library it sets. An option of a step between image and map needs nothing else, see
`skesom.cli._steps`; messages of the library, which name parameters, are put in the
words of the command line by the same entry, see `skesom.cli._words`.
"""

from skesom.cli._option_values import (
    assignment,
    companion,
    continuum,
    count,
    finite,
    flags,
    hdu,
    label_and_name,
    n_clusters,
    n_components,
    not_negative,
    number_or_name,
    radius,
    seed,
    smoothing_width,
    target_width,
    width,
)
from skesom.cli._options import BandValues, Choice, NotedStore, Switch, Value

_AUTO_YES_NO = {"auto": "auto", "yes": True, "no": False}
_YES_NO = {"yes": True, "no": False}
_NO_YES = {"no": False, "yes": True}


def _same(*words):
    """Return words that the parameter gets as they are."""
    return dict(zip(words, words, strict=True))


# Images
HDU = Value(
    flag="--hdu",
    parameter="hdu",
    read=hdu,
    metavar="NAME",
    help=(
        "name or number of the extension to read, where a file does not name it; "
        '"all" reads every image (default: the first image)'
    ),
)
BAND_NAMES = Value(
    flag="--band-names",
    parameter="band_names",
    nargs="+",
    metavar="NAME",
    help="one for each band (default: from FILTER cards or the file names)",
)
COMBINE = Choice(
    flag="--combine",
    parameter="combine",
    words=_AUTO_YES_NO,
    help=(
        "whether exposures of a band become one image: auto if files of an "
        "instrument have the same FILTER and others another one; yes if they have "
        "the same name"
    ),
)
_MASKS_HELP = (
    'where flags of bad pixels are: "inside" looks for DQ, MASK and the like in '
    'each file, "auto" also for a file beside it (g_mask.fits of g.fits); '
    '"none", an extension of each file, one file for all, or one for each '
    "image "
)
MASKS = Value(
    flag="--masks",
    parameter="masks",
    nargs="+",
    read=companion,
    metavar="FLAGS",
    default=["inside"],
    help=f"{_MASKS_HELP}(default: inside)",
)
MASKS_OF_MODEL = Value(
    flag="--masks",
    parameter="masks",
    nargs="+",
    read=companion,
    metavar="FLAGS",
    help=f"{_MASKS_HELP}(default: that of the model)",
)
IGNORE_FLAGS = Value(
    flag="--ignore-flags",
    parameter="ignore_flags",
    read=flags,
    metavar="FLAGS",
    help=(
        'flags of pixels to use all the same, as "4,16" or "~1"; "auto" knows those '
        "of JWST, HSC and LSST (default: auto)"
    ),
)
_WEIGHTS_HELP = "weights or exposures, as --masks; only positive ones are used "
WEIGHTS = Value(
    flag="--weights",
    parameter="weights",
    nargs="+",
    read=companion,
    metavar="WEIGHTS",
    default=["inside"],
    help=f"{_WEIGHTS_HELP}(default: inside)",
)
WEIGHTS_OF_MODEL = Value(
    flag="--weights",
    parameter="weights",
    nargs="+",
    read=companion,
    metavar="WEIGHTS",
    help=f"{_WEIGHTS_HELP}(default: that of the model)",
)
_ERRORS_HELP = "errors of the values, as --masks, which csom weighs them by "
ERRORS = Value(
    flag="--errors",
    parameter="errors",
    nargs="+",
    read=companion,
    metavar="ERRORS",
    help=f"{_ERRORS_HELP}(default: none)",
)
ERRORS_OF_MODEL = Value(
    flag="--errors",
    parameter="errors",
    nargs="+",
    read=companion,
    metavar="ERRORS",
    help=f"{_ERRORS_HELP}(default: those of the model)",
)
ERROR_KIND = Value(
    flag="--error-kind",
    parameter="error_kind",
    choices=("std", "var", "ivar"),
    help="what all errors are (default: by the names of extensions or files)",
)
CUTOUT = Value(
    flag="--cutout",
    nargs=3,
    metavar=("RA", "DEC", "SIZE"),
    help=(
        "take only a square of this side around a place: degrees, or as in "
        "13h37m00.9s -29d51m57s (ICRS); side in arcsec, or as in 2arcmin or 300pix"
    ),
)
EXCLUDE = Value(
    flag="--exclude",
    parameter="exclude",
    nargs="+",
    metavar="REGIONS",
    default=[],
    help="region files of DS9 or CASA; pixels inside are masked",
)
INCLUDE = Value(
    flag="--include",
    parameter="include",
    nargs="+",
    metavar="REGIONS",
    default=[],
    help="region files of DS9 or CASA; pixels outside of all of them are masked",
)
STRIPS = Choice(
    flag="--strips",
    parameter="lazy",
    words=_AUTO_YES_NO,
    help=(
        "whether images stay on the disk and are worked through in strips of rows, "
        "with the same result (extra dask); auto: if they need more memory than is "
        "free"
    ),
)
IMAGES = (
    HDU,
    BAND_NAMES,
    COMBINE,
    MASKS,
    IGNORE_FLAGS,
    WEIGHTS,
    ERRORS,
    ERROR_KIND,
    CUTOUT,
    EXCLUDE,
    INCLUDE,
    STRIPS,
)
IMAGES_FOR_MODEL = (
    HDU,
    BAND_NAMES,
    COMBINE,
    MASKS_OF_MODEL,
    IGNORE_FLAGS,
    WEIGHTS_OF_MODEL,
    ERRORS_OF_MODEL,
    ERROR_KIND,
    CUTOUT,
    EXCLUDE,
    INCLUDE,
    STRIPS,
)
CONTINUUM = Value(
    flag="--continuum",
    parameter="continua",
    nargs="+",
    read=continuum,
    metavar="LINE=BANDS",
    default=[],
    help=(
        "bands of continuum of a band of lines, as F657N=F555W,F814W; or none "
        "(default: the broad bands around narrow filters that are known)"
    ),
)
SUBTRACT_SKY = Choice(
    flag="--subtract-sky",
    parameter="subtract_sky",
    words=_YES_NO,
    help=(
        "whether tables, spectra and colors show fluxes above the level of the sky "
        "that was set aside; what is clustered is the same"
    ),
)
MOVED_IMAGES = Value(
    flag="--images",
    parameter="images",
    nargs="+",
    metavar="FITS",
    help="images that have moved: the folder where they are, or all in their order",
)

# Results
OVERWRITE = Switch(
    flag="--overwrite",
    parameter="overwrite",
    help="replace results that exist already",
)
TABLES = Choice(
    flag="--tables",
    parameter="tables",
    words=_AUTO_YES_NO,
    help=(
        "table of the pixels; auto: of up to 10 million; yes: also scaled pixels, "
        "validity indices, and an image of the clusters in each band"
    ),
)
NO_PICTURES = Switch(
    flag="--no-pictures",
    parameter="pictures",
    help="write no pictures, to save time",
)
FORMAT = Choice(
    flag="--format",
    words=_same("png", "pdf", "svg"),
    help="format of the pictures",
)
DPI = Value(
    flag="--dpi",
    parameter="dpi",
    read=count,
    default=150,
    metavar="N",
    help="dots per inch of images",
)
WIDTH = Value(
    flag="--width",
    choices=("one", "two"),
    help="width of one or two columns of a journal (default: for the screen)",
)
RGB = Value(
    flag="--rgb",
    parameter="rgb",
    nargs=3,
    read=number_or_name,
    metavar=("R", "G", "B"),
    help=(
        "bands for red, green and blue in color pictures, by name or number from 0 "
        "(default: by wavelength, those that show most)"
    ),
)
PICTURES = (NO_PICTURES, FORMAT, DPI, WIDTH, RGB)
TRUST = Switch(
    flag="--trust",
    parameter="trust",
    help=(
        "load also a pickle (.joblib) or classes of any package that the file of "
        "someone you trust names: they could run any program"
    ),
)
GROUPS = Value(
    flag="--groups",
    parameter="groups",
    metavar="FILE",
    help="names and merges, as the page exports them (default: those of the result)",
)
TITLE = Value(
    flag="--title",
    parameter="title",
    metavar="TEXT",
    help="heading (default: the name of the folder)",
)

# Steps between image and map: each sets a parameter of `make_cluster_pipeline`, or
# that of a step, as in "gaps__grow".
MASK_ZEROS = Choice(
    flag="--mask-zeros",
    parameter="mask_zeros",
    words=_AUTO_YES_NO,
    help="whether exact zeros are missing data; auto looks for gaps of zeros",
)
MASK_OUTLIERS = Choice(
    flag="--mask-outliers",
    parameter="mask_outliers",
    words=_YES_NO,
    help="whether hot and dead pixels and cosmic rays are masked",
)
SATURATION = BandValues(
    flag="--saturation",
    parameter="gaps__saturation",
    read=finite,
    metavar="FLUX",
    help="mask values from this flux, one for all or one for each band",
)
SMOOTH_COUNTS = Choice(
    flag="--smooth-counts",
    parameter="smooth_counts",
    words=_YES_NO,
    help=(
        "whether bands of few photons a pixel, such as X-rays, are smoothed until "
        "their signal-to-noise is 5"
    ),
)
GROW = Value(
    flag="--grow",
    parameter="gaps__grow",
    read=not_negative,
    metavar="PIXELS",
    default=0.0,
    help="mask also pixels that are so near to a gap (default: 0)",
)
MIN_SNR = Value(
    flag="--min-snr",
    parameter="gaps__min_signal_to_noise",
    read=finite,
    metavar="RATIO",
    help="mask values of less signal to noise",
)
MIN_BANDS = Value(
    flag="--min-bands",
    parameter="min_bands",
    read=count,
    metavar="N",
    help="cluster pixels that have at least N bands (default: all bands)",
)
SKY = Choice(
    flag="--sky",
    parameter="sky",
    words=_same("auto", "mask", "keep"),
    help="whether empty sky is set aside; auto: if enough of it is flat",
)
SUBTRACT_BACKGROUND = Choice(
    flag="--subtract-background",
    parameter="subtract_background",
    words=_AUTO_YES_NO,
    help=(
        "subtract a background that changes slowly across an image (extra psf); "
        "auto where it slopes and no galaxy fills the frame"
    ),
)
MASKING = (
    MASK_ZEROS,
    MASK_OUTLIERS,
    SATURATION,
    SMOOTH_COUNTS,
    GROW,
    MIN_SNR,
    MIN_BANDS,
    SKY,
    SUBTRACT_BACKGROUND,
)
FWHM = BandValues(
    flag="--fwhm",
    parameter="fwhm",
    read=width,
    metavar="WIDTH",
    help=(
        "width of the point-spread function, one for all or one for each band: "
        "arcsec (pixels, if no image tells how large they are), pixels as in "
        '2.5pix, "header", or "stars" to measure it (default: from headers; if '
        "that of a band is unknown, all bands stay as sharp as they are)"
    ),
)
PSF = Value(
    flag="--psf",
    parameter="psfs",
    nargs="+",
    metavar="FITS",
    help=(
        "measured point-spread functions to match the bands by: FITS images, one "
        "for each band, or BAND=FITS by the name of a band or its beginning "
        "(extra psf)"
    ),
)
TARGET_FWHM = Value(
    flag="--target-fwhm",
    parameter="target_fwhm",
    read=target_width,
    default="worst",
    metavar="WIDTH",
    help=(
        "width to bring all bands to: arcsec (pixels, if no image tells how large "
        "they are), or as in 5pix (default: that of the worst band)"
    ),
)
PIXEL_SCALE = Value(
    flag="--pixel-scale",
    parameter="pixel_scale",
    read=finite,
    metavar="ARCSEC",
    help="size of a pixel (default: from the WCS)",
)
ALIGN_TO = Value(
    flag="--align-to",
    parameter="align_to",
    default="coarsest",
    metavar="GRID",
    help=(
        "grid of the map: coarsest, optimal (north up, around all images), first, "
        "a band by its name or its number from 0 (first and numbers in the order "
        "of the files), or a FITS file or text file with a header"
    ),
)
RESAMPLE = Choice(
    flag="--resample",
    parameter="resample",
    words=_same("auto", "interp", "adaptive", "exact"),
    help=("how bands come there; auto averages over the exact overlap of pixels"),
)
CONSERVE = Choice(
    flag="--conserve",
    parameter="align__conserve",
    words={
        "auto": "auto",
        "flux": "flux",
        "surface-brightness": "surface brightness",
    },
    help=(
        "what is conserved where pixels change their size: flux, which grows with "
        "them (counts, Jy), or surface brightness (MJy/sr); auto tells it from "
        "BUNIT"
    ),
)
CROP = Choice(
    flag="--crop",
    parameter="align__crop",
    words=_AUTO_YES_NO,
    help=(
        "cut the map to where all (or --min-bands) bands have data; auto: if they "
        "lie on several grids"
    ),
)
REGISTER = Choice(
    flag="--register",
    parameter="align__registration",
    words={"auto": "auto", "yes": "correct", "check": "check", "no": None},
    help=(
        "whether bands are moved that show the sky at another place than most; "
        "auto: by more than a pixel where it is sure, not of spectra and more than "
        "20 bands; yes: by .1 pixel; check: warn only; no: keep images as they are"
    ),
)
SHARPNESS = (
    FWHM,
    PSF,
    TARGET_FWHM,
    PIXEL_SCALE,
    ALIGN_TO,
    RESAMPLE,
    CONSERVE,
    CROP,
    REGISTER,
)
BIN_BANDS = Value(
    flag="--bin-bands",
    parameter="bin_bands",
    read=count,
    metavar="N",
    default=1,
    help="average N neighboring bands, such as the channels of a spectrum",
)
STRETCH = Choice(
    flag="--stretch",
    parameter="stretch",
    words=_same("asinh", "none"),
    help="how fluxes are compressed before they are scaled",
)
COLOR_CONTRAST = Value(
    flag="--color-contrast",
    parameter="color_contrast",
    read=finite,
    metavar="0..0.5",
    default=1 / 3,
    help=("weight of colors beside brightness; 0 scales each band only (default: 1/3)"),
)
SMOOTH_COLORS = Choice(
    flag="--smooth-colors",
    parameter="smooth_colors",
    words=_NO_YES,
    help="whether colors are averaged with those around where they are mostly noise",
)
PCA = Value(
    flag="--pca",
    parameter="n_components",
    read=n_components,
    metavar="N",
    default="auto",
    help=(
        "cluster N principal components of the bands instead of the bands; auto "
        "leaves out what more than 20 bands do not show above the noise, no keeps "
        "the bands as they are (default: auto)"
    ),
)
SCALING = (
    BIN_BANDS,
    STRETCH,
    COLOR_CONTRAST,
    SMOOTH_COLORS,
    PCA,
)
SMOOTH = Value(
    flag="--smooth",
    parameter="regularizer",
    read=smoothing_width,
    metavar="WIDTH",
    default="none",
    help='FWHM in which pixels vote for labels: "psf", arcsec, or as in 2.5pix',
)
PATTERN = Choice(
    flag="--pattern",
    parameter="pattern",
    words=_same("pixel", "voxel"),
    help=(
        "what is clustered: pixels with all bands, or voxels, each a single flux, "
        "for a map of each band (not with --pca, --min-bands, --smooth, "
        "--color-contrast)"
    ),
)
SPATIAL_FEATURES = Choice(
    flag="--spatial-features",
    parameter="spatial_features",
    words=_YES_NO,
    help=(
        "whether pixels are described by their surroundings too: each band smoothed, "
        "and against what lies around; no takes the bands alone"
    ),
)
STEPS = (*MASKING, *SHARPNESS, *SCALING, PATTERN, SPATIAL_FEATURES)


# Clusters and classes
RANDOM_STATE = Value(
    flag="--random-state",
    parameter="random_state",
    read=seed,
    default=0,
    metavar="SEED",
    help="random seed",
)
CLUSTERER = Value(
    flag="--method",
    parameter="clusterer",
    default="esom",
    help="esom, csom, or the import path of a scikit-learn clusterer",
)
N_CLUSTERS = Value(
    flag="--n-clusters",
    parameter="n_clusters",
    action=NotedStore,
    read=n_clusters,
    default=8,
    metavar="N",
    help=(
        'number of clusters; "auto" chooses it (esom and csom), "none" is for the '
        "rule of the method without it; with --from, where the tree of that run is "
        "cut"
    ),
)
RUNS = Value(
    flag="--runs",
    parameter="n_runs",
    read=count,
    metavar="N",
    help="runs of a consensus (default: 12, more of small images; 1 is a single run)",
)
EPSILON = Value(
    flag="--epsilon",
    parameter="epsilon",
    read=not_negative,
    help="distance at which esom makes a new unit (default: chosen from the data)",
)
SET_OF_CLUSTERER = Value(
    flag="--set",
    action="append",
    read=assignment,
    default=[],
    metavar="NAME=VALUE",
    help="another parameter of the method, as learning_rate=0.1; may be repeated",
)
CLUSTERING = (
    CLUSTERER,
    N_CLUSTERS,
    RUNS,
    EPSILON,
    RANDOM_STATE,
    SET_OF_CLUSTERER,
)
CLASSIFIER = Value(
    flag="--method",
    parameter="clusterer",
    default="esom",
    help="esom, csom, or the import path of a scikit-learn classifier",
)
SET_OF_CLASSIFIER = Value(
    flag="--set",
    action="append",
    read=assignment,
    default=[],
    metavar="NAME=VALUE",
    help="another parameter of the method, as n_neighbors=5; may be repeated",
)
CLASSIFICATION = (
    CLASSIFIER,
    RANDOM_STATE,
    SET_OF_CLASSIFIER,
    SPATIAL_FEATURES,
)
# Of these three files one tells which pixels to learn from.
TRAINING_REGIONS = Value(
    flag="--regions",
    parameter="regions",
    metavar="FILE",
    help="regions of DS9 or CASA, each named by its class",
)
TRAINING_CATALOG = Value(
    flag="--catalog",
    parameter="catalog",
    synonyms=("--catalogue",),
    metavar="FILE",
    help=("objects, of which each type is a class: NED, CSV, FITS, VOTable, regions"),
)
TRAINING_LABELS = Value(
    flag="--labels",
    metavar="FITS",
    help="image of labels from 0 on the pixels of the map, negative where unknown",
)
TRAINING_FILES = (
    TRAINING_REGIONS,
    TRAINING_CATALOG,
    TRAINING_LABELS,
)
BY = Choice(
    flag="--by",
    parameter="by",
    words=_same("text", "tag", "color"),
    help="what names a region",
)
TRAINING_RADIUS = Value(
    flag="--radius",
    parameter="radius",
    read=radius,
    metavar="ARCSEC",
    help="around objects: arcsec, or as in 2.5pix (default: the pixel of each)",
)
LABEL_NAMES = Value(
    flag="--names",
    parameter="names",
    nargs="+",
    read=label_and_name,
    default=[],
    metavar="LABEL=NAME",
    help="names of the labels of --labels, as 3='H II region' (default: those in it)",
)
CLASSES = Value(
    flag="--classes",
    parameter="classes",
    nargs="+",
    metavar="NAME",
    default=[],
    help="names of the classes to learn (default: all)",
)
BLOCK_SIZE = Value(
    flag="--block-size",
    parameter="block_size",
    read=count,
    default=32,
    metavar="PIXELS",
    help="side of the blocks of the sky that are held out together, for the score",
)
TRAINING = (
    BY,
    TRAINING_RADIUS,
    LABEL_NAMES,
    CLASSES,
    BLOCK_SIZE,
)

# Known objects
RADIUS_OF_OBJECTS = Value(
    flag="--radius",
    parameter="radius",
    dest="radius_of_objects",
    read=radius,
    metavar="ARCSEC",
    help=(
        "size of the objects in arcsec, or as 3pix: they count for the clusters "
        "within (default: only for that of their pixel)"
    ),
)
OBJECTS = Value(
    flag="--catalog",
    parameter="catalog",
    synonyms=("--catalogue",),
    dest="objects",
    metavar="FILE",
    help="table of NED, region file, CSV, FITS or VOTable to compare clusters with",
)
KNOWN_OBJECTS = (
    OBJECTS,
    RADIUS_OF_OBJECTS,
)
CATALOG_OF_PAGE = Value(
    flag="--catalog",
    parameter="catalog",
    synonyms=("--catalogue",),
    metavar="FILE",
    help="known objects to draw: table of NED, region file, CSV, FITS, VOTable",
)

ALL_OPTIONS = (
    *IMAGES,
    CONTINUUM,
    SUBTRACT_SKY,
    MOVED_IMAGES,
    OVERWRITE,
    TABLES,
    *PICTURES,
    TRUST,
    GROUPS,
    TITLE,
    *STEPS,
    SMOOTH,
    *CLUSTERING,
    *CLASSIFICATION,
    *TRAINING_FILES,
    *TRAINING,
    *KNOWN_OBJECTS,
)

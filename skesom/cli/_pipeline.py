# SPDX-License-Identifier: BSD-3-Clause
"""The pipeline of a command: steps and the clusterer, as the options set them."""

from copy import copy
from pathlib import Path

from skesom._common.files import regular
from skesom.cli._messages import shows_bars
from skesom.cli._option_tables import (
    COLOR_CONTRAST,
    FWHM,
    MASKING,
    MIN_BANDS,
    PCA,
    PSF,
    SATURATION,
    SCALING,
    SHARPNESS,
    SMOOTH,
    STEPS,
)
from skesom.cli._option_values import number_or_name
from skesom.cli._options import add_options

# These look at the bands of a pixel together.
_NOT_FOR_VOXELS = (PCA, MIN_BANDS, SMOOTH, COLOR_CONTRAST)


def add_steps(parser):
    """Add the options of the steps between images and clusters, in their order."""
    add_options(parser.add_argument_group("masking"), MASKING)
    add_options(parser.add_argument_group("sharpness and pixels"), SHARPNESS)
    add_options(parser.add_argument_group("scaling"), SCALING)


def check_steps(options):
    """Refuse options that do not go together."""
    vote_of(options)
    if options.pattern != "voxel":
        return
    for option in _NOT_FOR_VOXELS:
        if getattr(options, option.name) != option.default:
            raise ValueError(
                f"{option.flag} is about pixels with all their bands: leave it out "
                "with --pattern voxel"
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
        verbose=shows_bars(),
        **parameters,
    )


def classifier_of(options):
    """Make the classifier that the options name."""
    from skesom.maps.clusterers import make_classifier

    return make_classifier(
        options.method,
        random_state=options.random_state,
        verbose=shows_bars(),
        **dict(options.set),
    )


def pipeline_of(options, clusterer):
    """Make the pipeline of options whose bands are in order, see `options_of_bands`.

    Each option of the table sets its parameter: of `make_cluster_pipeline`, or of a
    step, which has two underscores.
    """
    from skesom.maps import make_cluster_pipeline

    pipeline_parameters = {}
    step_parameters = {}
    for option in STEPS:
        is_of_step = "__" in option.parameter
        parameters = step_parameters if is_of_step else pipeline_parameters
        parameters[option.parameter] = option.parameter_value(options)
    if not step_parameters["align__crop"]:
        # It tells the aligner where to cut, and is refused if nothing is cut.
        step_parameters["align__min_bands"] = None
    vote = vote_of(options)
    if vote is not None:
        step_parameters["cluster__regularizer"] = vote
    pipeline = make_cluster_pipeline(clusterer, n_jobs=-1, **pipeline_parameters)
    return pipeline.set_params(**step_parameters)


def vote_of(options):
    """Return the vote of neighboring pixels, None without."""
    from skesom._sky.lengths import width_in_pixels
    from skesom.maps import MajorityVote

    if options.smooth == "none":
        return None
    if options.smooth == "psf":
        return MajorityVote()
    # The vote refuses it too, but only after the images are read.
    width_in_pixels(options.smooth, 1.0, SMOOTH.flag)
    return MajorityVote(fwhm=options.smooth)


def options_of_bands(options, order, band_names):
    """Return options with those of single bands in the order of the bands.

    PSFs and a grid that are in files are read.

    Parameters
    ----------
    options : argparse.Namespace
        Values of bands are in the order of the files.
    order : sequence of int
        Number of the file of each band.
    band_names : sequence of str
        Names of the bands in their order.
    """
    of_bands = copy(options)
    if options.psf is not None:
        of_bands.psf = _read_psfs(options.psf, band_names)
    for option in (FWHM, SATURATION, PSF):
        values = getattr(of_bands, option.name)
        if isinstance(values, list) and len(values) == len(order):
            values_in_order = [values[number] for number in order]
            setattr(of_bands, option.name, values_in_order)
    of_bands.align_to = _grid(options.align_to, order)
    return of_bands


def _read_psfs(words, band_names):
    """Return the PSFs of files, in a list or, if bands are named, by their names."""
    from skesom.cube.convolution.stamps import read_psf

    if all("=" not in word or Path(word).exists() for word in words):
        return [read_psf(path) for path in words]
    psfs = []
    names = [_band_of_psf(word, band_names) for word in words]
    for word in words:
        _, _, path = word.partition("=")
        psfs.append(read_psf(path))
    if len(set(names)) < len(names):
        raise ValueError(f"--psf gives two PSFs for one band: {', '.join(names)}.")
    return dict(zip(names, psfs, strict=True))


def _band_of_psf(word, band_names):
    """Return the only band that BAND=FITS names, wholly or by the beginning."""
    name, equals, _ = word.partition("=")
    name = name.lower() if equals else ""
    bands = [band for band in band_names if band.lower() == name]
    if not bands:
        bands = [band for band in band_names if band.lower().startswith(name)]
    if len(bands) != 1:
        raise ValueError(
            f"--psf {word} must be BAND=FITS of one band, but {len(bands)} of the "
            f"bands {', '.join(band_names)} begin so."
        )
    return bands[0]


def _grid(word, order):
    """Return the name of a grid, the number of a band, or the grid of a file.

    Numbers, and "first", are those of files; `order` tells which bands they became.
    """
    if word == "first":
        word = "0"
    numbers = {str(number): band for band, number in enumerate(order)}
    if word in numbers:
        return numbers[word]
    path = Path(word.partition("[")[0])
    if not path.exists() or path.is_dir():
        return number_or_name(word)
    from astropy.io.fits import Header

    from skesom.io import read_cube

    with open(regular(path), "rb") as file:
        is_text = file.read(6) != b"SIMPLE"
    if is_text:
        return Header.fromtextfile(word)
    cube = read_cube(word)
    if cube.wcs is None:
        raise ValueError(f"{word} has no WCS, so that no image can be aligned to it.")
    wcs = cube.wcs.deepcopy()
    wcs.array_shape = cube.shape[:2]
    return wcs

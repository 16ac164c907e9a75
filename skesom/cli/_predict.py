# SPDX-License-Identifier: BSD-3-Clause
"""``skesom predict``: a saved model and other images in, a map of its clusters out."""

import numpy as np

from skesom.cli._images import add_images, read_images, source_of, with_strips
from skesom.cli._messages import announce, say
from skesom.cli._option_tables import TRUST
from skesom.cli._options import add_options
from skesom.cli._output import add_output, prepare_pictures, print_clusters, write_run
from skesom.cli._parser import add_command

_SHORT_HELP = {
    "model and images": ("model", "files", "band_names", "masks", "cutout"),
    "results": ("output", "overwrite", "tables", "no_pictures", "trust"),
}


def add_predict(commands):
    """Add the command."""
    parser = add_command(
        commands,
        "predict",
        _predict,
        help="apply a saved model to other images",
        description=(
            "Read images of the same bands as those of a model, take them through its "
            "steps, and give each pixel its cluster. Bands are known by their names."
        ),
        short_help=_SHORT_HELP,
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="folder of results, or model.skops or model.joblib of one",
    )
    add_images(parser, of_model=True)
    add_output(parser)
    add_options(parser, [TRUST])


def _predict(options):
    """Label the pixels of images."""
    prepare_pictures(options)
    from skesom._common.fits_files import keep_files_open
    from skesom._common.folders import check_folder
    from skesom.runs import Run
    from skesom.runs.matching_bands import matched_source
    from skesom.runs.run import earlier_source, predict_read

    check_folder(options.output, overwrite=options.overwrite)
    model = Run.of_model(options.model, trust=options.trust)
    source = source_of(options, earlier_source(model))
    with keep_files_open():
        source, channels = matched_source(source, model.band_names)
        source = with_strips(source, options.strips)
        images = read_images(source)
    announce("finding the cluster of each pixel")
    run = predict_read(model, images, source, channels)
    files = write_run(options, run, options.output, overwrite=options.overwrite)
    say(*source.lines())
    _say_steps(run, images)
    print_clusters(files)


def _say_steps(run, images):
    """Print what the steps made of the images: where they were cut, and their width."""
    from skesom.cube import CubeAligner
    from skesom.cube.alignment.aligner import shape_before_crop
    from skesom.report.decisions import line_of_cut

    steps = run.pipeline.named_steps
    aligner = steps.get("align")
    if isinstance(aligner, CubeAligner):
        shape = run.label_map.shape[:2]
        whole_shape = shape_before_crop(aligner, images)
        if shape != whole_shape:
            say(f"{line_of_cut(shape, whole_shape)}.")
    convolver = steps.get("convolve")
    if convolver is not None and np.isfinite(convolver.target_fwhm_):
        say(f"Sharpness: {convolver.target_fwhm_:.4g} {convolver.length_unit_}.")

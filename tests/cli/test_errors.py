# SPDX-License-Identifier: BSD-3-Clause
"""Errors, masks and weights from the files to the map, and in what goes on from it."""

import shutil

import numpy as np
import pytest
from astropy.io import fits

from skesom.io import read_cube
from skesom.maps import make_cluster_pipeline, make_clusterer
from skesom.report.result import Result
from skesom.runs import Run

SHAPE = 32, 36
KEPT = "--sky", "keep"
CSOM = "--method", "csom", "--set", "shape=(5, 5)", "--runs", "1"


@pytest.fixture(scope="module")
def shared(bands, tmp_path_factory):
    """Three bands, the first with flags; the errors lie in files beside them."""
    folder = tmp_path_factory.mktemp("errors")
    paths = [shutil.copy(band, folder / band.name) for band in bands]
    sigma = np.linspace(0.002, 0.01, SHAPE[0])[:, None] * np.ones(SHAPE[1])
    for number, path in enumerate(paths):
        rms = path.with_name(f"{path.stem}_rms.fits")
        fits.writeto(rms, (sigma * (1 + number)).astype(np.float32))
    flags = np.zeros(SHAPE, np.int16)
    flags[:3] = 4
    fits.append(paths[0], flags, fits.Header({"EXTNAME": "DQ"}))
    return paths


@pytest.fixture
def files(shared, tmp_path):
    """Copies of these files, which tests may change."""
    shutil.copytree(shared[0].parent, tmp_path / "files")
    return [tmp_path / "files" / path.name for path in shared]


@pytest.fixture(scope="module")
def result(command, shared, tmp_path_factory):
    """A run with errors, and what was printed."""
    out = tmp_path_factory.mktemp("result") / "out"
    options = "--no-pictures", "--tables=no", *KEPT, *CSOM, "--errors", "auto"
    return out, command("cluster", *shared, "-o", out, *options)


def test_from_files_to_the_map(result, shared, labels_in, told_in):
    out, lines = result
    cube = read_cube(shared, errors="auto", masks="auto")
    clusterer = make_clusterer("csom", n_runs=1, shape=(5, 5))
    pipeline = make_cluster_pipeline(clusterer, sky="keep")
    labels = labels_in(out)
    np.testing.assert_array_equal(labels, pipeline.fit_predict(cube))
    blind = pipeline.fit_predict(cube.replace(data=cube.data, errors=None))
    assert (labels != blind).mean() > 0.01
    assert (labels[:3] == -3).all()
    names = [f"{file.stem}_rms.fits (std)" for file in shared]
    assert f"Errors: {', '.join(names)} (--errors none leaves them out)." in lines
    flags = f"{shared[0].name}[1] (DQ)"
    assert f"Masks: {flags} (--masks none leaves them out)." in lines
    recorded = {file["path"] for file in told_in(out)["images"]["files"]}
    assert {str(file.with_name(f"{file.stem}_rms.fits")) for file in shared} < recorded


@pytest.mark.parametrize(
    ("options", "share", "is_told"),
    [
        ((), 1, True),
        (("--masks", "none"), 0, False),
        (("--ignore-flags", "4"), 0, True),
    ],
)
def test_masks_are_used_unless_left_out(made_by, shared, options, share, is_told):
    source, _ = made_by(shared[0], *options)
    assert any("Masks: " in line for line in source.lines()) == is_told
    assert np.isnan(source.read().data[:3]).mean() == share


def test_a_run_is_repeated_with_its_errors(run, quick, files, repeat, tmp_path):
    out = tmp_path / "out"
    quick("cluster", *files, "-o", out, *KEPT, *CSOM, "--errors", "auto")
    new = files[0].with_name(f"{files[0].stem}_exp.fits")
    fits.writeto(new, np.ones(SHAPE, np.float32))  # weights are not looked for there
    repeat(out)
    again = "cluster", "--from", out, "-o", tmp_path / "lost"
    rms = files[0].with_name(f"{files[0].stem}_rms.fits")
    other = rms.rename(files[0].with_name(f"{files[0].stem}_err.fits"))
    assert f"{rms} is no longer there" in run.fails(*again)
    other.rename(rms)
    with fits.open(rms, mode="update") as hdus:
        hdus[0].data[0] = 9
    assert f"{rms} has changed since the run" in run.fails(*again)


def test_new_files_beside_the_images_are_no_part_of_a_run(run, files, fast, tmp_path):
    out = tmp_path / "out"
    run("cluster", *files, "-o", out, *fast, "--weights", "auto")
    new = files[0].with_name(f"{files[0].stem}_wht.fits")
    fits.writeto(new, np.ones(SHAPE, np.float32))
    line = run.fails("cluster", "--from", out, "-o", tmp_path / "again")
    assert f"{new} lies beside an image now, and did not in the run" in line


def test_prediction_repeats_the_choice_of_the_model(
    quick, result, shared, labels_in, tmp_path
):
    out, _ = result
    there = tmp_path / "there"
    lines = quick.ok("predict", out, *shared, "-o", there)
    np.testing.assert_array_equal(labels_in(there), labels_in(out))
    kinds = [line.split(":")[0] for line in lines]
    assert [kind for kind in kinds if kind in ("Masks", "Errors")] == kinds[1:3]
    assert kinds[1:3] == ["Masks", "Errors"]
    some = "--errors", "none", "--masks", "none"
    predict = "predict", out, *shared, "-o", tmp_path / "without", *some
    status, lines, err = quick(*predict)
    assert status == 0
    assert "it has none, and the clusterer has learned with some" in err[0]
    assert not any(line.startswith(("Masks", "Errors")) for line in lines)


def test_esom_says_that_it_uses_no_errors(quick, shared, tmp_path):
    options = *KEPT, "--runs", "1", "--errors", "auto"
    status, _, err = quick("cluster", *shared, "-o", tmp_path / "out", *options)
    assert status == 0
    assert err == [
        "warning: The errors of the cube are not used: ESOM takes none (CSOM does)."
    ]


def test_named_files_and_kinds(quick, result, shared, labels_in, tmp_path):
    weights = []
    for number, file in enumerate(shared):
        sigma = fits.getdata(file.with_name(f"{file.stem}_rms.fits"))
        weights.append(tmp_path / f"{number}.fits")
        fits.writeto(weights[-1], sigma.astype(float) ** -2)
    options = *KEPT, *CSOM, "--errors", *weights, "--error-kind", "ivar"
    lines = quick.ok("cluster", *shared, "-o", tmp_path / "ivar", *options)
    assert any("Errors: 0.fits (ivar), 1.fits (ivar)" in line for line in lines)
    same = labels_in(tmp_path / "ivar") == labels_in(result[0])
    assert same.mean() > 0.99  # squares and roots are rounded
    # Files of errors belong to these images: others need their own.
    predict = "predict", tmp_path / "ivar", *shared, "-o", tmp_path / "p"
    status, _, err = quick(*predict)
    assert status == 0
    assert "it has none" in err[0]


def test_units_of_a_report_are_those_of_the_labels(result):
    report = Run.read(result[0], trust=True)
    found = Result(report.pipeline, report.cube)
    som, step = found.som, report.pipeline[-1]
    for rows in found.strips():
        units, _ = found.nearest_units(rows, found.features(rows))
        labels = step._clusters_of(som.unit_labels_)[units]
        np.testing.assert_array_equal(labels, found.label_map[rows][found.valid(rows)])


def test_warnings_of_the_library_name_options(quick, pattern, tmp_path):
    for seed, name in enumerate("gr"):
        image = 1e-17 * pattern(seed=seed)
        planes = [fits.ImageHDU(image, name="SCI")]
        planes.append(fits.ImageHDU(np.full(image.shape, 1e-34), name="ERR"))
        hdus = fits.HDUList([fits.PrimaryHDU(), *planes])
        hdus.writeto(tmp_path / f"{name}.fits")
    files = tmp_path / "g.fits", tmp_path / "r.fits"
    options = "--errors", "inside", "--runs", 1, "-o", tmp_path / "out"
    status, _, told = quick("cluster", *files, *options)
    assert status == 0
    (line,) = [line for line in told if "Errors are more than" in line]
    assert "read them with --error-kind var or --error-kind ivar" in line
    assert "error_kind" not in line

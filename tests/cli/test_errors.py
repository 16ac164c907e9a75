# SPDX-License-Identifier: BSD-3-Clause
"""Errors, masks and weights from the files to the map, and in what goes on from it."""

import json

import numpy as np
import pytest
from astropy.io import fits

from skesom.datasets import make_galaxy_cube
from skesom.io import read_cube, read_map, write_bands
from skesom.maps import make_cluster_pipeline, make_clusterer

QUICK = "--no-pictures", "--tables=no", "--sky", "keep", "--runs", "1"
CSOM = "--method", "csom", "--set", "shape=(5, 5)"


@pytest.fixture
def files(tmp_path):
    """Three bands, the first with flags; the errors lie in files beside them."""
    cube, _ = make_galaxy_cube((48, 56), 3, random_state=0)
    paths = write_bands(tmp_path, cube)
    sigma = np.linspace(0.002, 0.01, 48, dtype=np.float32)[:, None] * np.ones(56)
    for number, path in enumerate(paths):
        rms = path.with_name(f"{path.stem}_rms.fits")
        fits.writeto(rms, (sigma * (1 + number)).astype(np.float32))
    flags = np.zeros((48, 56), np.int16)
    flags[:3] = 4
    fits.append(paths[0], flags, fits.Header({"EXTNAME": "DQ"}))
    return paths


def labels_of(folder):
    return read_map(folder / "cluster_map.fits")[0]


def source_of(folder):
    return json.loads((folder / "provenance.json").read_text())["images"]


@pytest.fixture
def result(run, files, tmp_path):
    """A run with errors."""
    out = tmp_path / "out"
    lines = run.ok("cluster", *files, "-o", out, *QUICK, *CSOM, "--errors", "auto")
    return out, lines


def test_from_files_to_the_map(result, files):
    out, lines = result
    cube = read_cube(files, errors="auto", masks="auto")
    clusterer = make_clusterer("csom", n_runs=1, shape=(5, 5))
    pipeline = make_cluster_pipeline(clusterer, sky="keep")
    np.testing.assert_array_equal(labels_of(out), pipeline.fit_predict(cube))
    blind = pipeline.fit_predict(cube.replace(data=cube.data, errors=None))
    assert (labels_of(out) != blind).mean() > 0.01
    names = [f"{file.stem}_rms.fits (std)" for file in files]
    assert f"Errors: {', '.join(names)} (--errors none leaves them out)." in lines
    flags = f"{files[0].name}[1] (DQ)"
    assert f"Masks: {flags} (--masks none leaves them out)." in lines
    recorded = {file["path"] for file in source_of(out)["files"]}
    assert {str(file.with_name(f"{file.stem}_rms.fits")) for file in files} < recorded


def test_masks_are_used_unless_left_out(run, files, tmp_path):
    shares = []
    for name, options in {"a": (), "b": ("--masks", "none"), "c": ()}.items():
        more = ("--ignore-flags", "4") if name == "c" else ()
        out = tmp_path / name
        lines = run.ok("cluster", files[0], "-o", out, *QUICK, *options, *more)
        assert any("Masks: " in line for line in lines) == (name != "b")
        shares.append((labels_of(out)[:3] == -3).mean())
    assert shares == [1, 0, 0]


def test_a_run_is_repeated_with_its_errors(run, result, files, tmp_path):
    out, _ = result
    again = "cluster", "--from", out
    again = *again, "--no-pictures", "--tables=no"
    status, lines, err = run(*again, "-o", tmp_path / "again")
    assert (status, err, lines[-1]) == (
        *(0, []),
        "The label map is that of the run, bit for bit.",
    )
    new = tmp_path / f"{files[0].stem}_exp.fits"
    fits.writeto(new, np.ones((48, 56), np.float32))  # weights are not looked for there
    run.ok(*again, "-o", tmp_path / "more")
    rms = files[0].with_name(f"{files[0].stem}_rms.fits")
    rms.rename(files[0].with_name(f"{files[0].stem}_err.fits"))
    line = run.fails(*again, "-o", tmp_path / "lost")
    assert f"{rms} is no longer there" in line
    rms.with_name(f"{files[0].stem}_err.fits").rename(rms)
    with fits.open(rms, mode="update") as hdus:
        hdus[0].data[0] = 9
    line = run.fails(*again, "-o", tmp_path / "changed")
    assert f"{rms} has changed since the run" in line


def test_new_files_beside_the_images_are_no_part_of_a_run(run, files, tmp_path):
    out = tmp_path / "out"
    run("cluster", *files, "-o", out, *QUICK, "--weights", "auto")
    new = tmp_path / f"{files[0].stem}_wht.fits"
    fits.writeto(new, np.ones((48, 56), np.float32))
    line = run.fails("cluster", "--from", out, "-o", tmp_path / "again")
    assert f"{new} lies beside an image now, and did not in the run" in line


def test_prediction_repeats_the_choice_of_the_model(run, result, files, tmp_path):
    out, _ = result
    there = tmp_path / "there"
    lines = run.ok("predict", out, *files, "-o", there, *QUICK[:2])
    np.testing.assert_array_equal(labels_of(there), labels_of(out))
    assert [line.split(":")[0] for line in lines[:2]] == ["Masks", "Errors"]
    without = tmp_path / "without"
    some = "--errors", "none", "--masks", "none"
    status, lines, err = run("predict", out, *files, "-o", without, *QUICK[:2], *some)
    assert status == 0
    assert "it has none, and the clusterer has learned with some" in err[0]
    assert not lines[0].startswith(("Masks", "Errors"))


def test_esom_says_that_it_uses_no_errors(run, files, tmp_path):
    options = *QUICK, "--errors", "auto"
    status, _, err = run("cluster", *files, "-o", tmp_path / "out", *options)
    assert status == 0
    assert err == [
        "warning: The errors of the cube are not used: ESOM takes none (CSOM does)."
    ]


def test_named_files_and_kinds(run, result, files, tmp_path):
    weights = []
    for number, file in enumerate(files):
        sigma = fits.getdata(file.with_name(f"{file.stem}_rms.fits"))
        weights.append(tmp_path / f"{number}.fits")
        fits.writeto(weights[-1], sigma.astype(float) ** -2)
    options = *QUICK, *CSOM, "--errors", *weights, "--error-kind", "ivar"
    lines = run.ok("cluster", *files, "-o", tmp_path / "ivar", *options)
    assert any("Errors: 0.fits (ivar), 1.fits (ivar)" in line for line in lines)
    out, _ = result
    same = labels_of(tmp_path / "ivar") == labels_of(out)
    assert same.mean() > 0.99  # squares and roots are rounded
    # Files of errors belong to these images: others need their own.
    predict = "predict", tmp_path / "ivar", *files, "-o", tmp_path / "p"
    status, _, err = run(*predict, *QUICK[:2])
    assert status == 0
    assert "it has none" in err[0]


def test_units_of_a_report_are_those_of_the_labels(result):
    out, _ = result
    from skesom.report import read_report
    from skesom.report._result import Result

    report = read_report(out, trust=True)
    found = Result(report.pipeline, report.cube)
    som, step = found.som, report.pipeline[-1]
    for rows in found.strips():
        units, _ = found.nearest_units(rows, found.features(rows))
        labels = step._clusters_of(som.unit_labels_)[units]
        np.testing.assert_array_equal(labels, found.label_map[rows][found.valid(rows)])

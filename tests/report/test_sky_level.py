# SPDX-License-Identifier: BSD-3-Clause
"""The level of the sky in a result: subtracted where it was set aside, else told."""

import json

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from sklearn.cluster import KMeans

from skesom.cube import Cube
from skesom.maps import make_cluster_pipeline
from skesom.pixels import cluster_table
from skesom.runs import Run

BANDS = ["2MASS J", "2MASS H", "2MASS Ks"]
PEDESTALS = np.array([3.0, 20.0, 116.0])  # MJy / sr, the last as in the K of NGC 309
NOISE = 0.03
SIDE = 120
SPARE = {"pictures": False}


def galaxy(pedestals=(0, 0, 0), *, scale=8.0, **changes):
    """An inclined galaxy with a bulge in sky of some level."""
    rows, columns = np.indices((SIDE, SIDE)) - SIDE / 2 + 0.3
    disc = 3 * np.exp(-np.hypot(columns, 1.4 * rows) / scale)
    bulge = 8 * np.exp(-np.hypot(columns, rows) / 3)
    planes = disc + 0.4 * bulge, 1.4 * disc + bulge, 1.6 * disc + 1.5 * bulge
    noise = np.random.default_rng(0).normal(0, NOISE, (SIDE, SIDE, 3))
    known = {"pixel_scale": (1.0, 1.0), "band_units": ["MJy / sr"] * 3}
    known |= {"fwhm": [2.0] * 3, "band_names": BANDS}
    data = np.stack(planes, axis=2) + noise + np.array(pedestals)
    return Cube(data.astype(np.float64), **known | changes)


def fitted(cube, n_clusters=4, **options):
    clusterer = KMeans(n_clusters, n_init=1, random_state=0)
    return make_cluster_pipeline(clusterer, **options).fit(cube)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The same clusters, reported from images without and with a pedestal."""
    found = {}
    for name, pedestals in (("flat", 0 * PEDESTALS), ("raised", PEDESTALS)):
        cube = galaxy(pedestals)
        pipeline = fitted(cube)
        folder = tmp_path_factory.mktemp(name) / "result"
        files = Run(pipeline, cube).write(folder, tables=True, **SPARE)
        found[name] = files, pipeline[-1].labels_
    return found


def test_tables_are_those_without_the_pedestal(results):
    flat, raised = (results[name][0] for name in ("flat", "raised"))
    np.testing.assert_array_equal(results["flat"][1], results["raised"][1])
    names = "pixels.fits", "clusters.ecsv", "pieces.ecsv"
    for first, second in (
        (Table.read(files[name]) for files in (flat, raised)) for name in names
    ):
        assert first.colnames == second.colnames
        for name in first.colnames:
            if first[name].dtype.kind == "f":
                # The pedestal costs the last digits of a number.
                np.testing.assert_allclose(first[name], second[name], 1e-6, 1e-4)
    # And the median of the sky itself is what is left of it.
    clusters = Table.read(raised["clusters.ecsv"])
    assert clusters["2MASS Ks_median"].max() < 20
    assert "above the sky of 116" in clusters["2MASS Ks_median"].description
    pixels = fits.getheader(raised["pixels.fits"], 1)
    assert "flux in 2MASS Ks above the sky" in [*pixels.values()]


def test_words_are_those_without_the_pedestal(results):
    flat, raised = (results[name][0] for name in ("flat", "raised"))
    assert flat.descriptions == raised.descriptions
    assert flat.suggestions == raised.suggestions


def test_the_level_is_told_in_the_unit_of_the_bands(results):
    files, labels = results["raised"]
    assert np.count_nonzero(labels == -2) > 1000
    decisions = json.loads(files["provenance.json"].read_text())["decisions"]
    told = decisions["sky_level"]
    assert told["left"] == {}
    for name, pedestal in zip(BANDS, PEDESTALS, strict=True):
        found = told["subtracted"][name]
        assert found["level"] == pytest.approx(pedestal, abs=NOISE)
        assert found["unit"] == "MJy / sr"
    text = files["summary.md"].read_text()
    assert "from the level of the sky that was set aside: 2MASS J 3" in text
    assert "2MASS Ks 116 MJy / sr." in text


def test_a_line_tells_it_and_the_option_that_undoes_it(tmp_path, caplog):
    cube = galaxy(PEDESTALS)
    pipeline = fitted(cube)
    with caplog.at_level("INFO", "skesom"):
        Run(pipeline, cube).write(tmp_path / "a", tables=False, **SPARE)
    (line,) = (text for text in caplog.messages if "Sky subtracted" in text)
    assert "2MASS Ks 116 MJy / sr (subtract_sky=False" in line
    caplog.clear()
    with caplog.at_level("INFO", "skesom"):
        run = Run(pipeline, cube, subtract_sky=False)
        files = run.write(tmp_path / "b", tables=False, **SPARE)
    assert not any("Sky subtracted" in text for text in caplog.messages)
    clusters = Table.read(files["clusters.ecsv"])
    assert clusters["2MASS Ks_median"].min() > 116 - 3 * NOISE


def test_what_is_no_sky_is_not_subtracted(tmp_path):
    """A microscope, whose dark and flat ground was set aside."""
    unknown = {"pixel_scale": None, "band_names": ["a", "b", "c"], "fwhm": None}
    cube = galaxy(PEDESTALS, **unknown)
    pipeline = fitted(cube, target_fwhm=None)
    assert np.count_nonzero(pipeline[-1].labels_ == -2) > 1000
    files = Run(pipeline, cube).write(tmp_path / "r", tables=False, **SPARE)
    assert Table.read(files["clusters.ecsv"])["c_median"].min() > 116 - 3 * NOISE
    assert files.decisions["sky_level"] is None


def test_a_galaxy_that_fills_the_frame_keeps_its_light(tmp_path, recwarn):
    cube = galaxy(scale=70.0)
    pipeline = fitted(cube)
    files = Run(pipeline, cube).write(tmp_path / "r", tables=False, **SPARE)
    assert not (pipeline[-1].labels_ == -2).any()
    assert files.decisions["sky_level"] is None
    assert not any("Most of the light" in str(each.message) for each in recwarn)


def test_sky_that_was_kept_is_a_warning_and_names_nothing(tmp_path):
    optical = {"band_names": ["SDSS g", "SDSS r", "SDSS i"]}
    cube = galaxy(100 * PEDESTALS, **optical)
    pipeline = fitted(cube, sky="keep")
    message = r"Most of the light .* SDSS g \d+%, SDSS r \d+%, SDSS i \d+%"
    with pytest.warns(UserWarning, match=message):
        files = Run(pipeline, cube).write(tmp_path / "r", tables=False, **SPARE)
    assert {each.name for each in files.suggestions} == {None}
    assert files.populations is None
    left = files.decisions["sky_level"]["left"]
    # The sky has 300 MJy / sr in g, and the galaxy less than one in the mean.
    assert left["SDSS g"] == pytest.approx(1, abs=0.01)
    assert "Most of the light" in files["summary.md"].read_text()


def test_what_a_run_shows_is_shown_again(tmp_path):
    from skesom.io import read_cube, write_bands

    files = write_bands(tmp_path / "images", galaxy(PEDESTALS))
    cube = read_cube(files)
    source = {"files": files, "subtract_sky": False}
    spare = {"tables": False} | SPARE
    Run(fitted(cube), cube, source=source).write(tmp_path / "r", **spare)
    report = Run.read(tmp_path / "r", trust=True)
    assert report.source.subtract_sky is False


SKY_BANDS = {"band_names": ["SDSS g", "SDSS r"], "pixel_scale": (1, 1)}


@pytest.mark.parametrize(
    ("n_sky", "n_missing", "expected"),
    [(99, 0, [7, 9]), (100, 0, [2, 6]), (100, 1, [2, 9])],
)
def test_a_hundred_pixels_of_sky_tell_the_level_of_a_band(n_sky, n_missing, expected):
    """Light of 7 and 9 above a sky of 5 and 3; bright outliers change no median."""
    labels = np.zeros((30, 30), dtype=int)
    labels.ravel()[:n_sky] = -2
    data = np.full((30, 30, 2), [7.0, 9.0])
    data[labels == -2] = 5, 3
    data[0, 1:4] = 1e6
    data[0, :n_missing, 1] = np.nan
    table = cluster_table(labels, Cube(data, **SKY_BANDS))
    assert [table[f"{name}_median"][0] for name in SKY_BANDS["band_names"]] == expected
    table = cluster_table(labels, Cube(data, **SKY_BANDS), subtract_sky=False)
    assert table["SDSS g_median"][0] == 7


def test_voxels_of_each_band_have_the_sky_of_that_band():
    labels = np.zeros((30, 30, 2), dtype=int)
    data = np.full((30, 30, 2), [7.0, 9.0])
    labels[:10, :, 0] = labels[20:, :, 1] = -2
    data[:10, :, 0] = 5
    data[20:, :, 1] = 3
    table = cluster_table(labels, Cube(data, **SKY_BANDS))
    assert [table[f"{name}_median"][0] for name in SKY_BANDS["band_names"]] == [2, 6]

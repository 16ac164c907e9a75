# SPDX-License-Identifier: BSD-3-Clause
"""``skesom cluster``: files in, folder out."""

import re
import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from scipy import ndimage

from skesom.io import read_cube, read_map
from skesom.maps import make_cluster_pipeline
from skesom.som import ESOM, ConsensusClusterer

PICTURES = [
    *("agreement", "cluster_contours", "cluster_histogram", "cluster_map"),
    *("cluster_spectra", "color_magnitude", "cutouts", "line_excess"),
    *("component_planes", "dendrogram", "hit_map", "quantization_error"),
    *("training_curve", "u_matrix"),
]
RESULTS = [
    *("agreement.fits", "cluster_images.zip", "cluster_map.fits", "clusters.ecsv"),
    *("cluster_map.lut", "groups.json", "model.joblib", "summary.md"),
    *("pieces.ecsv", "pieces.vot"),
    *("pixels.fits", "pixels_scaled.fits", "provenance.json", "validity.ecsv"),
    *("model.skops", "recipe.skops"),
]


def consensus_of(esom, n_runs):
    """Return what the command makes of a map by default."""
    return ConsensusClusterer(
        esom,
        n_estimators=n_runs,
        n_clusters=esom.n_clusters,
        random_state=esom.random_state,
    )


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


class TestCluster:
    """Files in, folder out."""

    @pytest.mark.usefixtures("pictures")
    def test_maps(self, run, bands, tmp_path):
        status, out, err = run(
            *("cluster", *bands, "-o", tmp_path / "out", "--method", "csom"),
            *("--runs", 2),
        )
        assert (status, err) == (0, [])
        pictures = [f"{name}.png" for name in PICTURES]
        names = set(names_in(tmp_path / "out"))
        assert names == {*RESULTS, *pictures, "regions"}
        assert "8 clusters:" in out
        written = {line.strip() for line in out[out.index("Written:") + 1 :]}
        assert {
            str(tmp_path / "out" / name) for name in (*RESULTS, *pictures)
        } < written

    def test_a_clusterer_of_scikit_learn(self, run, bands, tmp_path):
        status, _, err = run(
            *("cluster", *bands, "-o", tmp_path / "out", "--tables=no"),
            *("--method", "sklearn.mixture.GaussianMixture", "--n-clusters", 3),
        )
        assert (status, err) == (0, [])
        assert "pixels.fits" not in names_in(tmp_path / "out")
        labels, _ = read_map(tmp_path / "out" / "cluster_map.fits")
        assert np.unique(labels[labels >= 0]).tolist() == [0, 1, 2]

    def test_neighbors_may_have_to_agree(self, run, bands, tmp_path, fast):
        pieces = []
        for number, options in enumerate(
            [
                [],
                ["--smooth", "4pix"],
                ["--smooth", "psf"],
            ]
        ):
            folder = tmp_path / str(number)
            status, _, err = run("cluster", *bands, "-o", folder, *fast, *options)
            assert (status, err) == (0, [])
            labels, _ = read_map(folder / "cluster_map.fits")
            pieces.append(
                sum(ndimage.label(labels == n)[1] for n in range(labels.max() + 1))
            )
        assert pieces[1] < pieces[0] / 2
        assert pieces[2] < pieces[0] / 2

    def test_prints_the_sizes_that_are_in_the_file(self, run, bands, tmp_path, fast):
        _, out, _ = run(
            *("cluster", *bands, "-o", tmp_path / "out"),
            *(*fast, "--n-clusters", 3, "--sky", "mask"),
        )
        labels, _ = read_map(tmp_path / "out" / "cluster_map.fits")
        printed = [
            re.findall(r"[\d.]+", line)[:3]
            for line in out
            if line[:2] == "  " and "%" in line
        ]
        table = Table.read(tmp_path / "out" / "cluster_map.fits", hdu="CLUSTERS")
        assert len(printed) == 3
        for (label, pixels, percentage), row in zip(printed, table, strict=True):
            assert int(label) == row["id"]
            assert int(pixels) == np.sum(labels == row["id"]) == row["pixels"]
            assert float(percentage) == pytest.approx(row["percentage"], abs=0.006)
        (line,) = [line for line in out if line.startswith("Sky set aside")]
        share = float(re.search(r"([\d.]+)%", line)[1])
        assert share == pytest.approx(100 * np.mean(labels < 0), abs=0.06)

    @pytest.mark.parametrize("runs", [None, 1, 3])
    def test_does_what_the_pipeline_does(self, run, bands, tmp_path, runs):
        run(
            *("cluster", *bands, "-o", tmp_path / "out", "--n-clusters", 4),
            *("--sky", "keep", "--color-contrast", 0.2, "--target-fwhm", 0.1),
            *("--random-state", 5, "--set", "learning_rate=0.1", "--epsilon", 0.5),
            *(() if runs is None else ("--runs", runs)),
        )
        labels, wcs = read_map(tmp_path / "out" / "cluster_map.fits")
        cube = read_cube(bands)
        esom = ESOM(epsilon=0.5, learning_rate=0.1, n_clusters=4, random_state=5)
        clusterer = esom if runs == 1 else consensus_of(esom, runs or "auto")
        pipeline = make_cluster_pipeline(
            clusterer, target_fwhm=0.1, sky="keep", color_contrast=0.2
        )
        np.testing.assert_array_equal(labels, pipeline.fit_predict(cube))
        assert wcs.wcs.compare(cube.wcs.wcs, tolerance=1e-9)

    def test_same_input_same_bytes(self, run, bands, tmp_path, fast):
        for name in ("one", "two"):
            run("cluster", *bands, "-o", tmp_path / name, *fast)
        first, second = (
            (tmp_path / name / "cluster_map.fits").read_bytes()
            for name in ("one", "two")
        )
        assert first == second

    def test_images_without_a_wcs(self, run, images, tmp_path, pattern, fast):
        files = [images(f"{name}.fits", pattern(seed=i)) for i, name in enumerate("ab")]
        status, _, (line,) = run(
            *("cluster", *files, "-o", "out", *fast),
            *("--check-registration", "no"),  # which are shifted by five rows
        )
        assert status == 0
        assert line == (
            "warning: The bands stay as sharp as they are, because the FWHM of all "
            "bands is unknown. Give fwhm (--fwhm) in arcsec to bring them to one "
            "width, or 'stars' to measure it on stars, with pixel_scale "
            "(--pixel-scale)."
        )
        labels, wcs = read_map(tmp_path / "out" / "cluster_map.fits")
        assert labels.shape == (40, 44)
        assert wcs is None

    def test_one_file_with_all_bands(self, run, images, tmp_path, pattern, fast):
        stack = np.stack([pattern(seed=seed) for seed in range(3)])
        status, _, err = run(
            *("cluster", images("cube.fits", stack), "-o", "out", *fast),
            *("--band-names", "red", "green", "blue"),
            *("--fwhm", 1, "--pixel-scale", 0.5),
        )
        assert (status, err) == (0, [])
        table = Table.read(tmp_path / "out" / "cluster_map.fits", hdu="CLUSTERS")
        assert {"red_median", "blue_q75"} <= set(table.colnames)

    def test_widths_and_pixels_from_the_command_line(
        self, run, images, tmp_path, pattern, fast
    ):
        files = [images(f"{name}.fits", pattern(seed=i)) for i, name in enumerate("ab")]
        status, _, err = run(
            *("cluster", *files, "-o", "out", *fast),
            *("--fwhm", 0.5, 0.8, "--pixel-scale", 0.3),
        )
        assert (status, err) == (0, [])

    def test_says_which_width_is_missing(self, run, images, bands, fast):
        with fits.open(bands[1]) as hdus:
            del hdus[0].header["FWHM"]
            hdus.writeto("blunt.fits")
        status, _, err = run("cluster", bands[0], "blunt.fits", "-o", "out", *fast)
        assert status == 0
        (line,) = err
        assert line.startswith("warning: The bands stay as sharp as they are")
        assert "F657N" in line
        assert "--fwhm" in line

    def test_one_band_needs_no_width(self, run, images, pattern, fast):
        file = images("a.fits", pattern())
        status, _, err = run("cluster", file, "-o", "out", *fast)
        assert (status, err) == (0, [])

    def test_overwrite_replaces(self, run, bands, tmp_path, fast):
        (tmp_path / "cluster_map.fits").write_text("old")
        status, _, _ = run("cluster", *bands, "-o", tmp_path, "--overwrite", *fast)
        assert status == 0
        read_map(tmp_path / "cluster_map.fits")

    def test_zeros_may_be_data(self, run, images, tmp_path, pattern, fast):
        data = [pattern(seed=seed) for seed in range(2)]
        data[0][10:20, 10:30] = 0
        files = [images(f"{name}.fits", d) for name, d in zip("ab", data, strict=True)]
        masked = {}
        for choice in ("auto", "yes", "no"):
            run(
                *("cluster", *files, "-o", choice, *fast, "--sky", "keep"),
                *("--mask-zeros", choice),
                *("--mask-outliers", "no"),
            )
            labels, _ = read_map(tmp_path / choice / "cluster_map.fits")
            masked[choice] = np.sum(labels == -3)
        assert masked == {"auto": 200, "yes": 200, "no": 0}

    def test_partly_observed_pixels(self, run, images, tmp_path, pattern):
        data = [pattern(seed=seed) for seed in range(3)]
        data[0][:, 30:] = np.nan
        files = [images(f"{name}.fits", d) for name, d in zip("abc", data, strict=True)]
        for name, least in (("all", 3), ("some", 2)):
            status, _, err = run(
                *("cluster", *files, "-o", name, "--min-bands", least, "--runs", 1)
            )
            assert (status, ["FWHM" in line for line in err]) == (0, [True])
        for name, expected in (("all", 40 * 14), ("some", 0)):
            labels, _ = read_map(tmp_path / name / "cluster_map.fits")
            assert np.sum(labels == -3) == expected

    def test_restores_the_way_warnings_are_shown(self, run, images):
        before = warnings.showwarning
        run("cluster", "missing.fits", "-o", "out")
        assert warnings.showwarning is before

# SPDX-License-Identifier: BSD-3-Clause
"""The ``skesom`` command: from files to a folder, and one clear line for bad input."""

import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from sklearn.metrics import adjusted_rand_score

import skesom
from skesom.cli import main
from skesom.datasets import make_galaxy_cube
from skesom.io import read_cube, read_map, write_bands
from skesom.maps import make_cluster_pipeline
from skesom.som import ESOM

RESULTS = ["cluster_map.fits", "cluster_map.png", "cluster_spectra.png", "u_matrix.png"]
FAST = ["--method", "sklearn.cluster.KMeans", "--set", "n_init=1"]


def run(capsys, *arguments):
    """Run the command; return its status and the lines of both outputs."""
    capsys.readouterr()
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as error:  # as argparse ends
        status = error.code or 0
    captured = capsys.readouterr()
    return status, captured.out.splitlines(), captured.err.splitlines()


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(autouse=True)
def _coarse_pictures(monkeypatch):
    """Save the time of drawing many dots, which nobody looks at here."""
    monkeypatch.setattr("skesom.maps._figures.DOTS_PER_INCH", 20)


@pytest.fixture(scope="module")
def scene():
    """A small galaxy in three bands, and the truth."""
    return make_galaxy_cube((64, 72), 3, random_state=0)


@pytest.fixture(scope="module")
def bands(scene, tmp_path_factory):
    """Files of that galaxy; the headers tell the WCS, the filter and the FWHM."""
    return write_bands(tmp_path_factory.mktemp("bands"), scene[0])


@pytest.fixture
def images(tmp_path, monkeypatch):
    """An empty folder to work in, with a function that writes images without a WCS."""
    monkeypatch.chdir(tmp_path)

    def write(name, data, wcs=None):
        header = None if wcs is None else wcs.to_header()
        fits.writeto(name, np.asarray(data, dtype=np.float32), header)
        return name

    return write


def pattern(shape=(40, 44), seed=0):
    """Make an image with structure well above its noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(shape)
    return (
        50 + 40 * np.sin(rows / 5 + seed) * np.cos(columns / 7) + rng.normal(size=shape)
    )


class TestHelp:
    """What the command says about itself."""

    @pytest.mark.parametrize("command", [[], ["cluster"], ["demo"]])
    def test_help_is_complete_and_ends_well(self, capsys, command):
        status, out, err = run(capsys, *command, "--help")
        assert (status, err) == (0, [])
        text = " ".join(" ".join(out).split())
        wanted = {
            "": ["cluster", "demo", "--version", "examples", "--fwhm .083"],
            "cluster": [
                *("FITS", "--output DIR", "--overwrite", "--hdu", "--band-names"),
                *("--masks", "--ignore-flags", "--weights", "--exclude", "--include"),
                *("--mask-zeros", "--saturation", "--grow", "--border-noise"),
                *("--min-snr", "--min-bands", "--sky"),
                *("--fwhm", "--target-fwhm", "--pixel-scale", "--align-to"),
                *("--resample", "--crop", "--check-registration", "--stretch"),
                *("--colour-contrast", "--method", "--n-clusters", "--epsilon"),
                *("--random-state", "--set NAME=VALUE", "(default: 8)"),
            ],
            "demo": ["--output DIR", "(default: skesom-demo)", "--size", "--method"],
        }["".join(command)]
        missing = [part for part in wanted if part not in text]
        assert not missing
        assert "default: None" not in text
        assert "default: []" not in text

    def test_every_option_is_explained(self, capsys):
        _, out, _ = run(capsys, "cluster", "--help")
        text = "\n".join(out)
        for option in re.findall(r"^  (?:-\w \w+, )?(--[\w-]+)", text, re.MULTILINE):
            explained = rf"{option}(?: [^\n]*? {{2,}}\w| ?[^\n]*\n {{20,}}\w)"
            assert re.search(explained, text), option

    def test_version(self, capsys):
        assert run(capsys, "--version") == (0, [f"skesom {skesom.__version__}"], [])

    def test_wants_a_command(self, capsys):
        status, out, err = run(capsys)
        assert (status, out) == (2, [])
        assert err == [
            "skesom: error: the following arguments are required: COMMAND "
            "(see skesom --help)"
        ]


class TestCluster:
    """Files in, folder out."""

    @pytest.mark.parametrize("method", ["esom", "csom"])
    def test_maps(self, capsys, bands, tmp_path, method):
        status, out, err = run(
            capsys, "cluster", *bands, "-o", tmp_path / "out", "--method", method
        )
        assert (status, err) == (0, [])
        assert names_in(tmp_path / "out") == RESULTS
        assert "8 clusters:" in out
        written = out[out.index("Written:") + 1 :]
        assert [line.strip() for line in written] == [
            str(tmp_path / "out" / name) for name in RESULTS
        ]

    def test_a_clusterer_of_scikit_learn(self, capsys, bands, tmp_path):
        status, _, err = run(
            *(capsys, "cluster", *bands, "-o", tmp_path / "out"),
            *("--method", "sklearn.mixture.GaussianMixture", "--n-clusters", 3),
        )
        assert (status, err) == (0, [])
        assert names_in(tmp_path / "out") == RESULTS[:3]
        labels, _ = read_map(tmp_path / "out" / "cluster_map.fits")
        assert np.unique(labels[labels >= 0]).tolist() == [0, 1, 2]

    def test_prints_the_sizes_that_are_in_the_file(self, capsys, bands, tmp_path):
        _, out, _ = run(
            *(capsys, "cluster", *bands, "-o", tmp_path / "out"),
            *(*FAST, "--n-clusters", 3, "--sky", "mask"),
        )
        labels, _ = read_map(tmp_path / "out" / "cluster_map.fits")
        printed = [
            re.findall(r"[\d.]+", line)
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

    def test_does_what_the_pipeline_does(self, capsys, bands, tmp_path):
        run(
            *(capsys, "cluster", *bands, "-o", tmp_path / "out", "--n-clusters", 4),
            *("--sky", "keep", "--colour-contrast", 0.2, "--target-fwhm", 0.1),
            *("--random-state", 5, "--set", "learning_rate=0.1", "--epsilon", 0.5),
        )
        labels, wcs = read_map(tmp_path / "out" / "cluster_map.fits")
        cube = read_cube(bands)
        esom = ESOM(0.5, learning_rate=0.1, n_clusters=4, random_state=5)
        pipeline = make_cluster_pipeline(
            *(esom,), fwhm="cube", target_fwhm=0.1, sky="keep", colour_contrast=0.2
        )
        np.testing.assert_array_equal(labels, pipeline.fit_predict(cube))
        assert wcs.wcs.compare(cube.wcs.wcs, tolerance=1e-9)

    def test_same_input_same_bytes(self, capsys, bands, tmp_path):
        for name in ("one", "two"):
            run(capsys, "cluster", *bands, "-o", tmp_path / name, *FAST)
        first, second = (
            (tmp_path / name / "cluster_map.fits").read_bytes()
            for name in ("one", "two")
        )
        assert first == second

    def test_images_without_a_wcs(self, capsys, images, tmp_path):
        files = [images(f"{name}.fits", pattern(seed=i)) for i, name in enumerate("ab")]
        status, _, err = run(capsys, "cluster", *files, "-o", "out", *FAST)
        assert (status, err) == (0, [])
        labels, wcs = read_map(tmp_path / "out" / "cluster_map.fits")
        assert labels.shape == (40, 44)
        assert wcs is None

    def test_one_file_with_all_bands(self, capsys, images, tmp_path):
        stack = np.stack([pattern(seed=seed) for seed in range(3)])
        status, _, err = run(
            *(capsys, "cluster", images("cube.fits", stack), "-o", "out", *FAST),
            *("--band-names", "red", "green", "blue"),
        )
        assert (status, err) == (0, [])
        table = Table.read(tmp_path / "out" / "cluster_map.fits", hdu="CLUSTERS")
        assert {"red_median", "blue_q75"} <= set(table.colnames)

    def test_widths_and_pixels_from_the_command_line(self, capsys, images, tmp_path):
        files = [images(f"{name}.fits", pattern(seed=i)) for i, name in enumerate("ab")]
        status, _, err = run(
            *(capsys, "cluster", *files, "-o", "out", *FAST),
            *("--fwhm", 0.5, 0.8, "--pixel-scale", 0.3),
        )
        assert (status, err) == (0, [])

    def test_says_which_width_is_missing(self, capsys, images, bands):
        with fits.open(bands[1]) as hdus:
            del hdus[0].header["FWHM"]
            hdus.writeto("blunt.fits")
        status, _, err = run(
            capsys, "cluster", bands[0], "blunt.fits", "-o", "out", *FAST
        )
        assert status == 0
        (line,) = err
        assert line.startswith("warning: The bands stay as sharp as they are")
        assert "F657N" in line
        assert "--fwhm" in line

    def test_overwrite_replaces(self, capsys, bands, tmp_path):
        (tmp_path / "cluster_map.fits").write_text("old")
        status, _, _ = run(
            capsys, "cluster", *bands, "-o", tmp_path, "--overwrite", *FAST
        )
        assert status == 0
        read_map(tmp_path / "cluster_map.fits")

    def test_zeros_may_be_data(self, capsys, images, tmp_path):
        data = [pattern(seed=seed) for seed in range(2)]
        data[0][10:20, 10:30] = 0
        files = [images(f"{name}.fits", d) for name, d in zip("ab", data, strict=True)]
        masked = {}
        for choice in ("auto", "yes", "no"):
            run(
                *(capsys, "cluster", *files, "-o", choice, *FAST, "--sky", "keep"),
                *("--mask-zeros", choice),
            )
            labels, _ = read_map(tmp_path / choice / "cluster_map.fits")
            masked[choice] = np.sum(labels == -3)
        assert masked == {"auto": 200, "yes": 200, "no": 0}

    def test_partly_observed_pixels(self, capsys, images, tmp_path):
        data = [pattern(seed=seed) for seed in range(3)]
        data[0][:, 30:] = np.nan
        files = [images(f"{name}.fits", d) for name, d in zip("abc", data, strict=True)]
        for name, least in (("all", 3), ("some", 2)):
            status, _, err = run(
                capsys, "cluster", *files, "-o", name, "--min-bands", least
            )
            assert (status, err) == (0, [])
        for name, expected in (("all", 40 * 14), ("some", 0)):
            labels, _ = read_map(tmp_path / name / "cluster_map.fits")
            assert np.sum(labels == -3) == expected

    def test_restores_the_way_warnings_are_shown(self, capsys, images):
        before = warnings.showwarning
        run(capsys, "cluster", "missing.fits", "-o", "out")
        assert warnings.showwarning is before


class TestDemo:
    """The scene, its files, the job, and the agreement with the truth."""

    def test_end_to_end(self, capsys, tmp_path):
        folder = tmp_path / "demo"
        status, out, err = run(capsys, "demo", "--size", 96, "-o", folder)
        assert (status, err) == (0, [])
        assert names_in(tmp_path) == ["demo"]
        assert names_in(folder) == sorted([*RESULTS, "images", "truth.fits"])
        assert len(names_in(folder / "images")) == 9
        labels, _ = read_map(folder / "cluster_map.fits")
        truth, _ = read_map(folder / "truth.fits")
        assert labels.shape == truth.shape == (96, 96)
        (line,) = [line for line in out if "adjusted Rand index" in line]
        known = (labels >= 0) & (truth >= 0)
        expected = adjusted_rand_score(truth[known], labels[known])
        assert line == f"Agreement with the truth, adjusted Rand index: {expected:.3f}"
        assert expected > 0.2
        for file in RESULTS:
            assert f"  {folder / file}" in out

    def test_is_used_again_only_when_told_so(self, capsys, tmp_path):
        command = ["demo", "--size", 48, "-o", tmp_path / "demo", *FAST]
        assert run(capsys, *command)[0] == 0
        status, _, err = run(capsys, *command)
        assert status == 2
        assert "is not empty" in err[0]
        assert run(capsys, *command, "--overwrite", "--random-state", 1)[0] == 0
        assert len(names_in(tmp_path / "demo" / "images")) == 9

    @pytest.mark.parametrize(
        ("options", "part"),
        [
            (["--size", 10], "at least 32 x 32 pixels"),
            (["--size", "big"], "argument --size"),
            (["--set", "learning_rate=2"], "'learning_rate' parameter of ESOM"),
            (["--n-clusters", 5000], "n_clusters=5000"),
        ],
    )
    def test_failure_leaves_nothing(self, capsys, tmp_path, options, part):
        status, _, err = run(
            capsys, "demo", "--size", 48, "-o", tmp_path / "new" / "demo", *options
        )
        assert status == 2
        (line,) = err
        assert line.startswith("skesom demo: error: ")
        assert part in line
        assert names_in(tmp_path) == []


class TestProcess:
    """The command as a program of its own."""

    def test_no_progress_bar_in_a_pipe(self, bands, tmp_path):
        command = [sys.executable, "-m", "skesom.cli", "cluster", *map(str, bands)]
        done = subprocess.run(
            [*command, "-o", "out", "--n-clusters", "3"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        assert done.returncode == 0
        assert "3 clusters:" in done.stdout
        assert names_in(tmp_path / "out") == RESULTS

    def test_a_progress_bar_on_a_terminal(self, capsys, bands, tmp_path, monkeypatch):
        monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
        status, _, err = run(capsys, "cluster", *bands, "-o", tmp_path / "out")
        assert status == 0
        assert any("ESOM" in line and "sample" in line for line in err)

    def test_ctrl_c_ends_quietly(self, capsys, bands, tmp_path, monkeypatch):
        def interrupt(*args, **kwargs):
            raise KeyboardInterrupt

        monkeypatch.setattr("skesom.som.ESOM.fit", interrupt)
        status, out, err = run(capsys, "cluster", *bands, "-o", tmp_path / "out")
        assert (status, out, err) == (130, [], ["skesom cluster: interrupted"])
        assert names_in(tmp_path) == []


class TestBadInput:
    """One line that says what is wrong, where, and what to do; status 2; no traces."""

    def check(self, capsys, *arguments, parts=(), command="cluster"):
        """Run and compare; the error line must have all parts."""
        before = names_in(type(self).folder)
        status, out, err = run(capsys, command, *arguments, "-o", "new/out")
        assert status == 2
        assert out == []
        (line,) = err
        assert line.startswith(f"skesom {command}: error: ")
        for part in parts:
            assert part in line, line
        assert "Traceback" not in line
        assert names_in(type(self).folder) == before

    @pytest.fixture(autouse=True)
    def _work_here(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        type(self).folder = tmp_path

    @pytest.fixture
    def good(self, images):
        return [images(f"good-{i}.fits", pattern(seed=i)) for i in range(2)]

    def test_not_a_fits_file(self, capsys, good, tmp_path):
        (tmp_path / "notes.fits").write_text("dear diary\n" * 300)
        self.check(
            capsys, *good, "notes.fits", parts=["notes.fits is not a readable FITS"]
        )

    def test_empty_file(self, capsys, tmp_path):
        (tmp_path / "empty.fits").touch()
        self.check(capsys, "empty.fits", parts=["empty.fits"])

    def test_damaged_file(self, capsys, good, tmp_path):
        (tmp_path / "cut.fits").write_bytes((tmp_path / good[0]).read_bytes()[:5000])
        self.check(capsys, good[1], "cut.fits", parts=["cut.fits"])

    def test_missing_file(self, capsys, good):
        self.check(
            capsys, *good, "lost.fits", parts=["lost.fits: No such file or directory"]
        )

    def test_a_folder_for_a_file(self, capsys, good):
        self.check(capsys, *good, ".", parts=[".: Is a directory"])

    def test_no_image_in_the_file(self, capsys, good):
        Table({"flux": [1.0, 2.0]}).write("table.fits")
        self.check(capsys, *good, "table.fits", parts=["table.fits holds no image"])

    def test_no_such_extension(self, capsys, good):
        self.check(capsys, *good, "--hdu", "SCI", parts=["good-0.fits has no HDU"])

    def test_the_same_file_twice(self, capsys, good):
        self.check(capsys, good[0], good[0], parts=["good-0.fits", "given twice"])

    def test_shapes_that_differ_without_a_wcs(self, capsys, good, images):
        images("wide.fits", pattern((40, 50)))
        self.check(
            *(capsys, *good, "wide.fits"),
            parts=[
                "Band 'wide' cannot be aligned without a WCS",
                "where 40 x 50 pixels lie on the 40 x 44 of band 'good-0' is unknown",
                "Add the WCS to its header",
            ],
        )

    def test_wcs_that_do_not_overlap(self, capsys, images):
        files = []
        for name, declination in (("south", -30.0), ("north", 40.0)):
            wcs = WCS(naxis=2)
            wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
            wcs.wcs.crval = [204.0, declination]
            wcs.wcs.cdelt = [-1e-4, 1e-4]
            files.append(images(f"{name}.fits", pattern(), wcs))
        self.check(capsys, *files, parts=["'north'", "'south'", "do not overlap"])

    def test_wrong_number_of_widths(self, capsys, good):
        self.check(
            *(capsys, *good, "--fwhm", 1, 2, 3),
            parts=["fwhm must be one number or one for each of the 2 bands", "got 3"],
        )

    @pytest.mark.parametrize("width", [0, -1, "inf", "0arcmin"])
    def test_impossible_width(self, capsys, good, width):
        self.check(
            *(capsys, *good, "--fwhm", 1, width),
            parts=["FWHM of band 'good-1' must be a positive number of arcsec"],
        )

    def test_band_worse_than_the_target(self, capsys, good):
        self.check(
            *(capsys, *good, "--fwhm", 1, 2, "--target-fwhm", 1.5),
            *("--pixel-scale", 0.5),
            parts=["Band 'good-1'", "2 arcsec", "target of 1.5 arcsec"],
        )

    def test_target_without_widths(self, capsys, good):
        self.check(
            *(capsys, *good, "--target-fwhm", 2),
            parts=["FWHM of these bands is unknown: good-0, good-1"],
        )

    def test_width_without_pixel_scale(self, capsys, good):
        self.check(capsys, *good, "--fwhm", 1, 2, parts=["no WCS", "pixel"])

    def test_band_without_data(self, capsys, good, images):
        images("blank.fits", np.full((40, 44), np.nan))
        self.check(
            capsys, *good, "blank.fits", parts=["Band 'blank' has no data", "Leave it"]
        )

    def test_all_pixels_masked(self, capsys, images):
        left, right = pattern(seed=0), pattern(seed=1)
        left[:, :20] = np.nan
        right[:, 20:] = np.nan
        files = [images("left.fits", left), images("right.fits", right)]
        self.check(capsys, *files, parts=["All 1760 pixels are masked", "min_bands"])

    @pytest.mark.parametrize("value", [0, 5])
    def test_constant_band(self, capsys, good, images, value):
        images("flat.fits", np.full((40, 44), value))
        self.check(
            *(capsys, *good, "flat.fits"),
            parts=[f"Band 'flat' is constant ({value} ", "Leave it out"],
        )

    def test_fewer_pixels_than_clusters(self, capsys, images):
        files = [images(f"{i}.fits", pattern((2, 3), i)) for i in range(2)]
        self.check(capsys, *files, parts=["n_samples=6", "n_clusters=8"])

    @pytest.mark.parametrize("value", [np.inf, -np.inf])
    def test_infinite_value(self, capsys, good, images, value):
        data = pattern()
        data[3, 4] = value
        images("hot.fits", data)
        self.check(
            *(capsys, *good, "hot.fits"),
            parts=["Band 'hot'", "infinite", "row 3, column 4", "NaN"],
        )

    @pytest.mark.parametrize("method", ["kmeans", "sklearn.cluster.Nothing", "a..B"])
    def test_unknown_method(self, capsys, good, method):
        self.check(
            *(capsys, *good, "--method", method),
            parts=[f"Unknown method {method!r}", "esom, csom", "sklearn.cluster"],
        )

    def test_method_that_does_not_cluster(self, capsys, good):
        method = "sklearn.preprocessing.StandardScaler"
        self.check(capsys, *good, "--method", method, parts=[f"{method} is no cluster"])

    def test_method_that_needs_too_much_memory(self, capsys, good, monkeypatch):
        def fail(*args, **kwargs):
            raise MemoryError("Unable to allocate 965. GiB")

        monkeypatch.setattr("sklearn.cluster.KMeans.fit", fail)
        self.check(capsys, *good, *FAST, parts=["not enough memory", "965. GiB"])

    def test_unknown_parameter(self, capsys, good):
        self.check(
            *(capsys, *good, "--set", "speed=3"),
            parts=["esom has no parameter 'speed'", "learning_rate"],
        )

    def test_parameter_of_another_method(self, capsys, good):
        self.check(
            *(capsys, *good, "--method", "csom", "--epsilon", 0.5),
            parts=["csom has no parameter 'epsilon'"],
        )

    @pytest.mark.parametrize(
        ("options", "parts"),
        [
            (["--set", "learning_rate=7"], ["'learning_rate'", "ESOM", "Got 7"]),
            (["--set", "learning_rate=much"], ["'learning_rate'", "Got 'much'"]),
            (["--epsilon", "-1"], ["'epsilon'", "ESOM", "Got -1.0"]),
            (["--random-state", "-1"], ["'random_state'", "ESOM", "Got -1"]),
            (["--colour-contrast", "2"], ["'contrast'", "[0.0, 0.5]", "Got 2.0"]),
            (["--min-bands", "0"], ["'min_bands'", "Got 0"]),
            (["--min-bands", "3"], ["min_bands is 3", "2 bands"]),
            (["--band-names", "a"], ["band_names has 1", "2 bands"]),
            (["--band-names", "a", "a"], ["must be unique"]),
        ],
    )
    def test_parameter_out_of_range(self, capsys, good, options, parts):
        self.check(capsys, *good, *options, parts=parts)

    @pytest.mark.parametrize(
        ("options", "parts"),
        [
            (["--set", "speed"], ["--set", "'speed' is not of the form NAME=VALUE"]),
            (["--set", "a b=3"], ["--set", "NAME=VALUE"]),
            (["--n-clusters", "0"], ["--n-clusters", "from 1", "'0'"]),
            (["--n-clusters", "many"], ["--n-clusters", "whole number", "'many'"]),
            (["--n-clusters", "2.5"], ["--n-clusters", "'2.5'"]),
            (["--fwhm", "sharp"], ["--fwhm", "'sharp'"]),
            (["--sky", "blue"], ["--sky", "'blue'", "keep"]),
            (["--nonsense"], ["--nonsense"]),
        ],
    )
    def test_what_the_parser_refuses(self, capsys, good, options, parts):
        status, out, err = run(capsys, "cluster", *good, "-o", "out", *options)
        assert (status, out) == (2, [])
        (line,) = err
        assert line.startswith("skesom")
        assert ": error: " in line
        for part in [*parts, "--help)"]:
            assert part in line
        assert names_in(type(self).folder) == sorted(good)

    def test_existing_folder(self, capsys, good, tmp_path):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "notes.txt").write_text("mine")
        status, out, err = run(capsys, "cluster", *good, "-o", "out")
        assert (status, out) == (2, [])
        (line,) = err
        assert line.startswith("skesom cluster: error: The folder out is not empty")
        assert "overwrite" in line
        assert names_in(tmp_path / "out") == ["notes.txt"]

    def test_folder_that_is_a_file(self, capsys, good, tmp_path):
        status, _, err = run(capsys, "cluster", *good, "-o", good[0])
        assert status == 2
        assert err == [
            f"skesom cluster: error: {good[0]} is a file, choose another folder."
        ]

    def test_full_disk_leaves_nothing(self, capsys, good, monkeypatch):
        def fail(*args, **kwargs):
            raise OSError(28, "No space left on device", "picture.png")

        monkeypatch.setattr("matplotlib.figure.Figure.savefig", fail)
        self.check(capsys, *good, *FAST, parts=["picture.png: No space left on device"])

# SPDX-License-Identifier: BSD-3-Clause
"""One line that says what is wrong, where, and what to do; status 2; no traces."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refused(run, folder):
    """Run ``skesom cluster``: it must fail with one line that has all parts."""

    def check(*arguments, parts=()):
        before = names_in(folder)
        status, out, err = run("cluster", *arguments, "-o", "new/out")
        assert (status, out) == (2, [])
        (line,) = err
        assert line.startswith("skesom cluster: error: ")
        for part in parts:
            assert part in line
        assert "Traceback" not in line
        assert names_in(folder) == before

    return check


@pytest.fixture
def good(images, pattern):
    return [images(f"good-{i}.fits", pattern(seed=i)) for i in range(2)]


def test_not_a_fits_file(refused, good, tmp_path):
    (tmp_path / "notes.fits").write_text("dear diary\n" * 300)
    refused(*good, "notes.fits", parts=["notes.fits is not a readable FITS"])


def test_empty_file(refused, tmp_path):
    (tmp_path / "empty.fits").touch()
    refused("empty.fits", parts=["empty.fits"])


def test_damaged_file(refused, good, tmp_path):
    (tmp_path / "cut.fits").write_bytes((tmp_path / good[0]).read_bytes()[:5000])
    refused(good[1], "cut.fits", parts=["cut.fits"])


def test_missing_file(refused, good):
    refused(*good, "lost.fits", parts=["lost.fits: No such file or directory"])


def test_a_folder_for_a_file(refused, good):
    refused(*good, ".", parts=[".: Is a directory"])


def test_no_image_in_the_file(refused, good):
    Table({"flux": [1.0, 2.0]}).write("table.fits")
    refused(*good, "table.fits", parts=["table.fits holds no image"])


def test_no_such_extension(refused, good):
    refused(*good, "--hdu", "SCI", parts=["good-0.fits has no HDU"])


def test_the_same_file_twice(refused, good):
    refused(good[0], good[0], parts=["good-0.fits", "given twice"])


def test_shapes_that_differ_without_a_wcs(refused, good, images, pattern):
    images("wide.fits", pattern((40, 50)))
    refused(
        *(*good, "wide.fits"),
        parts=[
            "Band 'wide' cannot be aligned without a WCS",
            "where 40 x 50 pixels lie on the 40 x 44 of band 'good-0' is unknown",
            "Add the WCS to its header",
        ],
    )


def test_wcs_that_do_not_overlap(refused, images, pattern):
    files = []
    for name, declination in (("south", -30.0), ("north", 40.0)):
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval = [204.0, declination]
        wcs.wcs.cdelt = [-1e-4, 1e-4]
        files.append(images(f"{name}.fits", pattern(), wcs))
    refused(*files, parts=["'north'", "'south'", "do not overlap"])


def test_wrong_number_of_widths(refused, good):
    refused(
        *(*good, "--fwhm", 1, 2, 3),
        parts=["fwhm must be one number or one for each of the 2 bands", "got 3"],
    )


@pytest.mark.parametrize("width", [0, -1, "inf", "0arcmin"])
def test_impossible_width(refused, good, width):
    refused(
        *(*good, "--fwhm", 1, width),
        parts=["FWHM of band 'good-1' must be a positive number of arcsec"],
    )


def test_band_worse_than_the_target(refused, good):
    refused(
        *(*good, "--fwhm", 1, 2, "--target-fwhm", 1.5),
        *("--pixel-scale", 0.5),
        parts=["Band 'good-1'", "2 arcsec", "target of 1.5 arcsec"],
    )


def test_target_without_widths(refused, good):
    refused(
        *(*good, "--target-fwhm", 2),
        parts=["FWHM of these bands is unknown: good-0, good-1"],
    )


def test_width_without_pixel_scale(refused, good):
    refused(*good, "--fwhm", 1, 2, parts=["no WCS", "pixel"])


def test_band_without_data(refused, good, images):
    images("blank.fits", np.full((40, 44), np.nan))
    refused(*good, "blank.fits", parts=["Band 'blank' has no data", "Leave it"])


def test_all_pixels_masked(refused, images, pattern):
    left, right = pattern(seed=0), pattern(seed=1)
    left[:, :20] = np.nan
    right[:, 20:] = np.nan
    files = [images("left.fits", left), images("right.fits", right)]
    refused(*files, parts=["All 1760 pixels are masked", "min_bands"])


@pytest.mark.parametrize("value", [0, 5])
def test_constant_band(refused, good, images, value):
    images("flat.fits", np.full((40, 44), value))
    refused(
        *(*good, "flat.fits"),
        parts=[f"Band 'flat' is constant ({value} ", "Leave it out"],
    )


def test_fewer_pixels_than_clusters(refused, images, pattern):
    files = [images(f"{i}.fits", pattern((2, 3), i)) for i in range(2)]
    refused(*files, parts=["n_samples=6", "n_clusters=8"])


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_value(refused, good, images, value, pattern):
    data = pattern()
    data[3, 4] = value
    images("hot.fits", data)
    refused(
        *(*good, "hot.fits"),
        parts=["Band 'hot'", "infinite", "row 3, column 4", "NaN"],
    )


@pytest.mark.parametrize("method", ["kmeans", "sklearn.cluster.Nothing", "a..B"])
def test_unknown_method(refused, good, method):
    refused(
        *(*good, "--method", method),
        parts=[f"Unknown method {method!r}", "esom, csom", "sklearn.cluster"],
    )


def test_method_that_does_not_cluster(refused, good):
    method = "sklearn.preprocessing.StandardScaler"
    refused(*good, "--method", method, parts=[f"{method} is no cluster"])


def test_method_that_needs_too_much_memory(refused, good, monkeypatch, fast):
    def fail(*args, **kwargs):
        raise MemoryError("Unable to allocate 965. GiB")

    monkeypatch.setattr("sklearn.cluster.KMeans.fit", fail)
    refused(*good, *fast, parts=["not enough memory", "965. GiB"])


def test_unknown_parameter(refused, good):
    refused(
        *(*good, "--set", "speed=3"),
        parts=["esom has no parameter 'speed'", "learning_rate"],
    )


def test_parameter_of_another_method(refused, good):
    refused(
        *(*good, "--method", "csom", "--epsilon", 0.5),
        parts=["csom has no parameter 'epsilon'"],
    )


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--set", "learning_rate=7"], ["'learning_rate'", "ESOM", "Got 7"]),
        (["--set", "learning_rate=much"], ["'learning_rate'", "Got 'much'"]),
        (["--epsilon", "-1"], ["'epsilon'", "ESOM", "Got -1.0"]),
        (["--random-state", "-1"], ["'random_state'", "ESOM", "Got -1"]),
        (["--color-contrast", "2"], ["'contrast'", "[0.0, 0.5]", "Got 2.0"]),
        (["--min-bands", "0"], ["'min_bands'", "Got 0"]),
        (["--min-bands", "3"], ["min_bands=3", "2 bands"]),
        (["--band-names", "a"], ["band_names has 1", "2 bands"]),
        (["--band-names", "a", "a"], ["must be unique"]),
    ],
)
def test_parameter_out_of_range(refused, good, options, parts):
    refused(*good, *options, parts=parts)


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--set", "speed"], ["--set", "'speed' is not of the form NAME=VALUE"]),
        (["--set", "a b=3"], ["--set", "NAME=VALUE"]),
        (["--n-clusters", "0"], ["--n-clusters", "from 1", "'0'"]),
        (["--n-clusters", "many"], ["--n-clusters", "number", "auto", "'many'"]),
        (["--set", "n_clusters=3"], ["n_clusters", "give --n-clusters"]),
        (["--set", "random_state=3"], ["random_state", "give --random-state"]),
        (["--set", "n_runs=3"], ["n_runs", "give --runs"]),
        (["--set", "method=csom"], ["method", "give --method"]),
        (["--set", "verbose=1"], ["verbose", "progress"]),
        (["--n-clusters", "2.5"], ["--n-clusters", "'2.5'"]),
        (["--runs", "0"], ["--runs", "from 1", "'0'"]),
        (["--runs", "none"], ["--runs", "whole number", "'none'"]),
        (["--fwhm", "sharp"], ["--fwhm", "'sharp'"]),
        (["--sky", "blue"], ["--sky", "'blue'", "keep"]),
        (["--nonsense"], ["--nonsense"]),
    ],
)
def test_what_the_parser_refuses(run, folder, good, options, parts):
    status, out, err = run("cluster", *good, "-o", "out", *options)
    assert (status, out) == (2, [])
    (line,) = err
    assert line.startswith("skesom")
    assert ": error: " in line
    for part in [*parts, "--help)"]:
        assert part in line
    assert names_in(folder) == sorted(good)


def test_existing_folder(run, good, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    status, out, err = run("cluster", *good, "-o", "out")
    assert (status, out) == (2, [])
    (line,) = err
    assert line.startswith("skesom cluster: error: The folder out is not empty")
    assert "overwrite" in line
    assert names_in(tmp_path / "out") == ["notes.txt"]


def test_folder_that_is_a_file(run, good, tmp_path):
    status, _, err = run("cluster", *good, "-o", good[0])
    assert status == 2
    assert err == [
        f"skesom cluster: error: {good[0]} is a file, choose another folder."
    ]


def test_widths_of_the_vote(refused, good):
    refused(*good, "--smooth", "wide", parts=["--smooth", "2.5pix", "wide"])
    refused(*good, "--smooth", -1, parts=["fwhm must be a positive width", "-1"])


def test_nothing_can_be_written(refused, good, monkeypatch, tmp_path):
    # Permissions do not bind the superuser, who may run the tests.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    refused(*good, parts=["Nothing can be written to new/out", "no permission"])


@pytest.mark.usefixtures("pictures")
def test_full_disk_leaves_nothing(refused, good, monkeypatch, fast):
    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device", "picture.png")

    # Other processes would draw as ever.
    monkeypatch.setattr("skesom.report._drawing._n_others", lambda: 0)
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fail)
    refused(*good, *fast, parts=["picture.png: No space left on device"])


def test_full_disk_names_the_file(refused, good, monkeypatch, fast):
    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")  # as a write fails

    monkeypatch.setattr("astropy.io.fits.StreamingHDU.write", fail)
    refused(*good, *fast, parts=["pixels.fits: No space left on device"])


def test_full_disk_names_the_folder_at_least(refused, good, monkeypatch, fast):
    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("skesom.report.write_report", fail)
    refused(*good, *fast, parts=["new/out: No space left on device"])


@pytest.mark.parametrize("method", ["esom", "csom"])
def test_number_of_clusters_from_the_data(run, good, method):
    options = ["--n-clusters", "auto", "--runs", 1, "--method", method]
    status, out, _ = run("cluster", *good, "-o", "out", *options)
    assert status == 0
    assert any("clusters:" in line for line in out)


def test_number_from_the_data_of_a_method_without(refused, good):
    options = ["--n-clusters", "auto", "--method", "sklearn.cluster.KMeans"]
    refused(*good, *options, parts=["'n_clusters' parameter of KMeans", "'auto'"])


@pytest.mark.usefixtures("pictures")
def test_names_are_no_formulas(run, images, pattern):
    for number, name in enumerate([r"$\foo$", "_b", "$c"]):
        images(f"{number}.fits", pattern(seed=number))
        fits.setval(f"{number}.fits", "FILTER", value=name)
    options = ["--runs", 1, "--sky", "keep", "--tables=no"]
    status, out, _ = run("cluster", "0.fits", "1.fits", "2.fits", "-o", "out", *options)
    assert status == 0
    assert r"Bands in their order: $\foo$, _b, $c." in out


def test_more_pixels_than_the_file_has(refused, good, tmp_path):
    content = (tmp_path / good[0]).read_bytes()
    place = content.index(b"NAXIS2  =")
    card = f"NAXIS2  = {10**9:>20}".ljust(80).encode()
    (tmp_path / good[0]).write_bytes(content[:place] + card + content[place + 80 :])
    refused(*good, parts=["good-0.fits", "ends too early", "copy it again"])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("--method sklearn.cluster.DBSCAN --n-clusters 5", "the number of clusters by"),
        ("--register --check-registration no", "--register looks for shifts"),
        ("--error-kind var", "--error-kind is about errors: give --errors"),
        ("--masks none --ignore-flags 4", "--ignore-flags is about flags"),
        ("--trust", "--trust is about the files of a run: give --from"),
        ("--radius 3", "--radius is the size of known objects: give --catalog"),
        ("--no-pictures --format pdf", "--format is about pictures"),
        ("--no-pictures --dpi 50", "--dpi is about pictures"),
        ("--no-pictures --width one", "--width is about pictures"),
        ("--no-pictures --rgb 0 0 1", "--rgb is about pictures"),
        ("--pattern voxel --color-contrast 0.1", "--color-contrast is about pixels"),
        ("--pattern voxel --pca 2", "--pca is about pixels"),
    ],
)
def test_options_that_mean_nothing_together(refused, good, options, reason):
    refused(*good, *options.split(), parts=[reason])


@pytest.mark.parametrize("command", ["crossmatch", "test"])
def test_overwrite_without_a_folder(run, command):
    status, _, err = run(command, "result", "objects.csv", "--overwrite")
    assert (status, len(err)) == (2, 1)
    assert "--overwrite is about files" in err[0]


def test_radius_without_objects_when_naming(run):
    status, _, err = run("name", "result", "--radius", 3)
    assert (status, len(err)) == (2, 1)
    assert "--radius is the size of known objects: give --catalog" in err[0]

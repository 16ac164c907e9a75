# SPDX-License-Identifier: BSD-3-Clause
"""One line that says what is wrong, where, and what to do; status 2; no traces."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS


@pytest.fixture(scope="module")
def bad(pattern, tmp_path_factory):
    """A folder of two good images, and of others that are wrong in some way."""
    folder = tmp_path_factory.mktemp("bad")

    def write(name, data, wcs=None):
        header = None if wcs is None else wcs.to_header()
        path = folder / f"{name}.fits"
        fits.writeto(path, np.asarray(data, dtype=np.float32), header)
        return path

    good = [write(f"good-{seed}", pattern(seed=seed)) for seed in range(2)]
    content = good[0].read_bytes()
    (folder / "notes.fits").write_text("dear diary\n" * 300)
    (folder / "empty.fits").touch()
    (folder / "cut.fits").write_bytes(content[:5000])
    place = content.index(b"NAXIS2  =")
    card = f"NAXIS2  = {10**9:>20}".ljust(80).encode()
    (folder / "long.fits").write_bytes(content[:place] + card + content[place + 80 :])
    Table({"flux": [1.0, 2.0]}).write(folder / "table.fits")
    write("wide", pattern((40, 50)))
    for name, value in (("blank", np.nan), ("zero", 0), ("five", 5)):
        write(name, np.full((40, 44), value))
    halves = np.arange(44) < 20
    write("left", np.where(halves, np.nan, pattern(seed=0)))
    write("right", np.where(halves, pattern(seed=1), np.nan))
    for number in range(2):
        write(f"few-{number}", pattern((2, 3), number))
    for name, value in (("above", np.inf), ("below", -np.inf)):
        data = pattern()
        data[3, 4] = value
        write(name, data)
    for name, declination in (("south", -30.0), ("north", 40.0)):
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval = [204.0, declination]
        wcs.wcs.cdelt = [-1e-4, 1e-4]
        write(name, pattern(), wcs)
    return folder


# A "+" stands for the two good images.
CASES = [
    ("+ notes.fits", "notes.fits is not a readable FITS"),
    ("empty.fits", "empty.fits"),
    ("good-1.fits cut.fits", "cut.fits"),
    ("long.fits", "long.fits", "ends too early", "copy it again"),
    ("+ lost.fits", "lost.fits: No such file or directory"),
    ("+ .", ".: Is a directory"),
    ("+ table.fits", "table.fits holds no image"),
    ("+ --hdu SCI", "good-0.fits has no HDU"),
    ("good-0.fits good-0.fits", "good-0.fits", "given twice"),
    (
        *("+ wide.fits", "Band 'wide' cannot be aligned without a WCS"),
        "where 40 x 50 pixels lie on the 40 x 44 of band 'good-0' is unknown",
        "Add the WCS to its header",
    ),
    ("south.fits north.fits", "'north'", "'south'", "do not overlap"),
    ("+ --fwhm 1 2 3", "fwhm must be one number or one for each of the 2", "got 3"),
    *(
        (f"+ --fwhm 1 {width}", "FWHM of band 'good-1' must be a positive number of")
        for width in ("0", "-1", "0pix")
    ),
    ("+ --fwhm 1 inf", "--fwhm", "must be a number of arcsec", "got 'inf'"),
    (
        "+ --fwhm 1 2 --target-fwhm 1.5 --pixel-scale 0.5",
        *("Band 'good-1'", "2 arcsec", "target of 1.5 arcsec"),
    ),
    (
        "+ --fwhm 1 2 --target-fwhm 3pix --pixel-scale 0.5",
        *("Band 'good-1'", "2 arcsec", "target of 1.5 arcsec"),
    ),
    ("+ --fwhm 1 2 --target-fwhm 3arcsec", "--target-fwhm is an angle", "2.5pix"),
    ("+ --fwhm 1 2 --target-fwhm 0pix", "--target-fwhm must be one positive number"),
    ("+ --fwhm 1 2 --target-fwhm wide", "--target-fwhm: must be a number", "2.5pix"),
    ("+ --target-fwhm 2", "FWHM of these bands is unknown: good-0, good-1"),
    ("+ --fwhm 1arcsec 2arcsec", "no WCS", "pixel"),
    ("+ blank.fits", "Band 'blank' has no data", "Leave it"),
    ("left.fits right.fits", "All 1760 pixels are masked", "--min-bands"),
    ("+ zero.fits", "Band 'zero' is constant (0 ", "Leave it out"),
    ("+ five.fits", "Band 'five' is constant (5 ", "Leave it out"),
    ("few-0.fits few-1.fits", "n_samples=6", "--n-clusters 8"),
    ("+ above.fits", "Band 'above'", "infinite", "row 3, column 4", "NaN"),
    ("+ below.fits", "Band 'below'", "infinite", "row 3, column 4", "NaN"),
    *(
        (f"+ --method {name}", f"Unknown method '{name}'", "esom, csom", "sklearn.clu")
        for name in ("kmeans", "sklearn.cluster.Nothing", "a..B")
    ),
    (
        "+ --method sklearn.preprocessing.StandardScaler",
        "StandardScaler is not a clusterer",
    ),
    ("+ --set speed=3", "esom has no parameter 'speed'", "learning_rate"),
    ("+ --method csom --epsilon 0.5", "csom has no parameter 'epsilon'"),
    ("+ --set learning_rate=7", "'learning_rate'", "ESOM", "Got 7"),
    ("+ --set learning_rate=much", "'learning_rate'", "Got 'much'"),
    ("+ --epsilon -1", "--epsilon", "from 0", "got '-1'"),
    ("+ --random-state -1", "--random-state", "from 0", "got '-1'"),
    ("+ --color-contrast 2", "'contrast'", "[0.0, 0.5]", "Got 2.0"),
    ("+ --min-bands 0", "--min-bands", "from 1", "got '0'"),
    ("+ --min-bands 3", "--min-bands 3", "2 bands"),
    ("+ --band-names a", "--band-names has 1", "2 bands"),
    ("+ --band-names a a", "must be unique"),
    ("+ --smooth -1", "--smooth must be finite and not negative", "-1"),
    ("+ --smooth 0", "--smooth must be a positive width"),
    (
        "+ --n-clusters auto --method sklearn.cluster.KMeans",
        *("'n_clusters' parameter of KMeans", "'auto'"),
    ),
    (
        "+ --method sklearn.cluster.DBSCAN --n-clusters 5",
        "the number of clusters by",
    ),
    ("+ --register maybe", "argument --register: invalid choice: 'maybe'"),
    ("+ --error-kind var", "--error-kind is about errors: give --errors"),
    ("+ --masks none --ignore-flags 4", "--ignore-flags is about flags"),
    ("+ --trust", "--trust is about the files of a run: give --from"),
    ("+ --radius 3", "--radius is the size of known objects: give --catalog"),
    ("+ --no-pictures --format pdf", "--format is about pictures"),
    ("+ --no-pictures --dpi 50", "--dpi is about pictures"),
    ("+ --no-pictures --width one", "--width is about pictures"),
    ("+ --no-pictures --rgb 0 0 1", "--rgb is about pictures"),
    *(
        (f"+ --pattern voxel {option}", f"{option.split()[0]} is about pixels with all")
        for option in ("--color-contrast 0.1", "--pca 2", "--min-bands 1")
    ),
    ("+ --pattern voxel --smooth 2pix", "--smooth is about pixels with all"),
]


@pytest.mark.parametrize(("words", "parts"), [(c[0], c[1:]) for c in CASES])
def test_one_line_for_what_is_wrong(refused, bad, monkeypatch, words, parts):
    monkeypatch.chdir(bad)
    words = words.replace("+", "good-0.fits good-1.fits")
    refused("cluster", *words.split(), parts=parts)


@pytest.mark.parametrize(
    ("words", "parts"),
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
        (["--smooth", "wide"], ["--smooth", "2.5pix", "wide"]),
        (["--nonsense"], ["--nonsense"]),
    ],
)
def test_what_the_parser_refuses(run, words, parts):
    status, out, (line,) = run("cluster", "image.fits", "-o", "out", *words)
    assert (status, out) == (2, [])
    assert line.startswith("skesom")
    assert ": error: " in line
    assert [part for part in [*parts, "--help)"] if part not in line] == []


@pytest.fixture
def good(images, pattern):
    return [images(f"good-{i}.fits", pattern(seed=i)) for i in range(2)]


def test_method_that_needs_too_much_memory(refused, good, monkeypatch, fast):
    def fail(*args, **kwargs):
        raise MemoryError("Unable to allocate 965. GiB")

    monkeypatch.setattr("sklearn.cluster.KMeans.fit", fail)
    refused("cluster", *good, *fast, parts=["not enough memory", "965. GiB"])


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("out/notes.txt", "The folder out is not empty"),
        ("out", "out is a file"),
    ],
)
def test_a_place_that_is_taken(run, good, tmp_path, place, reason):
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("mine")
    status, out, (line,) = run("cluster", *good, "-o", "out")
    assert (status, out) == (2, [])
    assert line.startswith(f"skesom cluster: error: {reason}")
    assert (tmp_path / place).read_text() == "mine"


def test_nothing_can_be_written(refused, good, monkeypatch):
    # Permissions do not bind the superuser, who may run the tests.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    parts = ["Nothing can be written to new/out", "no permission"]
    refused("cluster", *good, parts=parts)


@pytest.mark.parametrize(
    ("place", "file", "named"),
    [
        ("matplotlib.figure.Figure.savefig", "picture.png", "picture.png"),
        ("astropy.io.fits.StreamingHDU.write", None, "pixels.fits"),  # as a write fails
        ("skesom.runs.Run.write", None, "new/out"),  # at least the folder
    ],
)
def test_full_disk_leaves_nothing(refused, good, monkeypatch, place, file, named):
    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device", *filter(None, [file]))

    # Other processes would draw as ever.
    monkeypatch.setattr("skesom._common.workers.Workers.n_workers", 0)
    monkeypatch.setattr(place, fail)
    method = "--method", "sklearn.cluster.KMeans", "--set", "n_init=1", "--runs", 1
    more = () if file else ("--no-pictures",)
    parts = [f"{named}: No space left on device"]
    refused("cluster", *good, *method, *more, parts=parts)


def test_number_of_clusters_from_the_data(quick, good):
    options = ["--n-clusters", "auto", "--runs", 1, "--method", "csom"]
    status, out, _ = quick("cluster", *good, "-o", "out", *options)
    assert status == 0
    assert any(line.endswith(" clusters:") for line in out)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("crossmatch result objects.csv --overwrite", "--overwrite is about files"),
        ("test result objects.csv --overwrite", "--overwrite is about files"),
        ("name result --radius 3", "--radius is the size of known objects: give --cat"),
    ],
)
def test_options_of_other_commands(run, words, reason):
    status, _, (line,) = run(*words.split())
    assert status == 2
    assert reason in line

# SPDX-License-Identifier: BSD-3-Clause
"""Messages of the library name parameters, those of the command its options."""

import errno
import re
from pathlib import Path

import pytest
from astropy.io import fits

import skesom
from skesom.cli._words import PHRASES


@pytest.fixture(scope="module")
def sources():
    """All texts of the library, with literals of several lines joined."""
    folder = Path(skesom.__file__).parent
    paths = [path for path in folder.rglob("*.py") if path.name != "_words.py"]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return re.sub(r"""["']\n\s*f?["']""", "", "\n".join(texts))


@pytest.mark.parametrize("phrase", PHRASES)
def test_the_library_says_what_is_put_in_other_words(sources, phrase):
    assert phrase in sources or phrase.replace('"', '\\"') in sources


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--fwhm", "1", "2"], "Give --pixel-scale in arcsec"),
        (["--target-fwhm", "2"], "Give --fwhm in arcsec"),
        (["--smooth", "1arcsec"], "3pix"),
        (["--pca", "7"], "--pca 7"),
    ],
)
def test_errors_name_options(refused, images, pattern, fast, words, wanted):
    files = [images(f"{seed}.fits", pattern(seed=seed)) for seed in range(2)]
    refused("cluster", *files, *fast, *words, parts=[wanted])


def test_a_folder_that_is_not_there(run):
    line = run.fails("predict", "nores", "image.fits", "-o", "out")
    assert line == "skesom predict: error: nores: No such file or directory"


def test_too_many_open_files_are_no_damage(refused, images, pattern, monkeypatch):
    file = images("a.fits", pattern())

    def fail(*args, **kwargs):
        raise ValueError("no data") from OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(fits, "open", fail)
    parts = ["a.fits: Too many open files: raise the limit (ulimit -n)"]
    refused("cluster", file, parts=parts)


def test_codes_in_a_catalog_are_written_out(run, bands, objects, fast, tmp_path):
    catalog = tmp_path / "objects.csv"
    text = objects.read_text(encoding="utf-8")
    catalog.write_text(text.replace("HII", "H\u202eII\x1b"), encoding="utf-8")
    out = tmp_path / "out"
    assert run("cluster", *bands, "-o", out, *fast, "--catalog", catalog)[0] == 0
    assert run("explore", out, "--catalog", catalog, "--trust")[0] == 0
    names = ["summary.md", "crossmatch.ecsv", "objects.ecsv", "page.html"]
    texts = [(out / name).read_text(encoding="utf-8") for name in names]
    assert not any("\u202e" in text or "\x1b" in text for text in texts)
    assert "H\\u202eII\\x1b" in texts[1]


def test_names_of_bands_are_no_markup_in_the_summary(run, bands, fast, tmp_path):
    out = tmp_path / "out"
    names = ["a|b", "<i>c", "`d` [e](f)"]
    run("cluster", *bands, "-o", out, *fast, "--band-names", *names)
    summary = (out / "summary.md").read_text(encoding="utf-8")
    for written in (r"a\|b", r"\<i>c", r"\`d\` \[e](f)"):
        assert written in summary


def test_a_single_band_is_named_without_markup_too(run, bands, fast, tmp_path):
    out = tmp_path / "out"
    run("cluster", bands[0], "-o", out, *fast, "--band-names", "<b>`a|b`")
    summary = (out / "summary.md").read_text(encoding="utf-8")
    assert r"One band, \<b>\`a\|b\`:" in summary
    assert "<b>" not in summary.replace(r"\<b>", "")

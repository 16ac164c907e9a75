# SPDX-License-Identifier: BSD-3-Clause
"""Names of files that are long, no text, or would be read as something else."""

import os
import shutil

import pytest
from astropy.io import fits

from skesom._common import folders as folder_rules
from skesom.io import read_cube

NAMES = {
    "codes, syntax and no text": "-a\n\x1b[31m{};'\"<i>%s$(c)[1]"
    + os.fsdecode(b"\xff"),
    "long": "\u6f22" * 80,  # 240 bytes
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_images_and_folders(run, quick, bands, fast, told_in, tmp_path, name):
    """Commands take them as any others, one after the other."""
    files = []
    for number, band in enumerate(bands[:2]):
        files.append(tmp_path / f"{name[:120]}{'xy'[number]}.fits")
        shutil.copy(band, files[-1])
        fits.delval(files[-1], "FILTER")  # names of bands are those of files
    out = tmp_path / "out" / name
    run.ok("cluster", *files, "-o", out, *fast)
    run.ok("explore", out, f"--title={name}")
    quick.ok("cluster", "--from", out, "-o", out, "--overwrite")
    quick.ok("predict", out, *files, "-o", tmp_path / "predicted" / name)
    assert [path.name for path in out.parent.iterdir()] == [name]
    places = [each["path"] for each in told_in(out)["images"]["files"]]
    assert sorted(places) == sorted(map(str, files))


LONG = [("cluster", name) for name in ("x" * 256, "x/" * 2100, "new/" + "\u6f22" * 90)]


@pytest.mark.parametrize(("command", "name"), [*LONG, ("explore", "x" * 256)])
def test_too_long_is_told_before_images_are_read(
    run, bands, fast, tmp_path, monkeypatch, command, name
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("skesom.runs.image_source.ImageSource.read", None)
    options = ["result"] if command == "explore" else [*bands, *fast]
    status, out, (line,) = run(command, *options, "-o", name)
    assert (status, out) == (2, [])
    assert "File name too long" in line
    assert list(tmp_path.iterdir()) == []


def test_long_names_keep_what_killed_runs_left_apart(tmp_path):
    """Folders of long names that begin and end alike are different ones."""
    folders = [tmp_path / f"{'x' * 120}{letter}{'x' * 120}" for letter in "ab"]
    left, other = (
        tmp_path / f"{folder_rules._hidden(folder)}-01234567-old" for folder in folders
    )
    left.mkdir()
    with pytest.warns(UserWarning, match="it is in its place again"):
        folder_rules.check_folder(folders[0])
    assert [path.name for path in tmp_path.iterdir()] == [folders[0].name]
    other.mkdir()
    folder_rules.check_folder(folders[0])
    assert other.exists()


def test_bands_of_names_that_are_no_text(tmp_path, bands):
    files = [tmp_path / os.fsdecode(name) for name in (b"\xfe.fits", b"\xff.fits")]
    for file in files:
        shutil.copy(bands[0], file)
        fits.delval(file, "FILTER")
    assert read_cube(files).band_names == ("?", "? 2")
    assert read_cube(files[0], band_names=["\udcff"]).band_names == ("?",)

# SPDX-License-Identifier: BSD-3-Clause
"""Prepared pixels are kept for other runs of the same images, and only for these."""

import os
from argparse import Namespace

import numpy as np
import pytest
from sklearn.base import clone

from skesom.cli import main
from skesom.cli._prepared import prepared_by
from skesom.cube import CubeMasker
from skesom.datasets import make_galaxy_cube
from skesom.io import write_bands
from skesom.maps import make_cluster_pipeline, make_clusterer
from skesom.maps._pipeline import prepare_in_place


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder of caches, and the cubes whose gaps were searched for since then."""
    monkeypatch.setenv("SKESOM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def searched(monkeypatch):
    searched, fit = [], CubeMasker._fit_transform

    def note(masker, X):
        searched.append(X)
        return fit(masker, X)

    monkeypatch.setattr(CubeMasker, "_fit_transform", note)
    return searched


def prepare(cube, *, megabytes=100, **options):
    pipeline = make_cluster_pipeline(make_clusterer("esom"), **options)
    prepare = prepared_by(Namespace(cache=megabytes))
    return pipeline, prepare(pipeline, cube.replace(data=cube.data.copy()))


def test_other_runs_take_the_same_pixels(galaxy, searched):
    first, (cube, of_map) = prepare(galaxy)
    second, (taken, of_map_taken) = prepare(galaxy)
    assert len(searched) == 1
    alone = clone(first)
    expected, _ = prepare_in_place(alone, galaxy.replace(data=galaxy.data.copy()))
    for each in (cube, taken):
        np.testing.assert_array_equal(each.data, expected.data)
        np.testing.assert_array_equal(each.sky_mask, expected.sky_mask)
        assert each.band_names == expected.band_names
    np.testing.assert_array_equal(of_map_taken.cube.data, of_map.cube.data)
    for pipeline in (first, second):  # fitted, as without what is kept
        again = pipeline[:-1].transform(galaxy)
        np.testing.assert_array_equal(again.data, expected.data)
        assert pipeline["stretch"].scale_.tolist() == alone["stretch"].scale_.tolist()


def test_other_images_and_steps_are_prepared(galaxy, searched):
    prepare(galaxy)
    changed = galaxy.data.copy()
    row, column, band = np.argwhere(np.isfinite(changed))[0]
    changed[row, column, band] += 1
    prepare(galaxy.replace(data=changed))
    prepare(galaxy, color_contrast=0.2)
    prepare(galaxy.replace(fwhm=np.full(5, 0.2)))
    assert len(searched) == 4


def test_warnings_come_again(galaxy):
    cube = galaxy.replace(fwhm=np.full(5, np.nan))
    texts = []
    for _ in range(2):
        with pytest.warns(UserWarning, match="FWHM") as caught:
            prepare(cube)
        texts.append([str(each.message) for each in caught])
    assert texts[0] == texts[1] != []


def test_as_much_is_kept_as_is_wanted(folder, searched):
    cubes = [make_galaxy_cube((120, 120), 9, random_state=n)[0] for n in range(3)]
    for cube in cubes:
        prepare(cube, megabytes=3)  # about 1 MB each
        size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
        assert 0 < size < 3e6
    prepare(cubes[0], megabytes=1)  # less than one takes
    prepare(cubes[0], megabytes=0)
    assert len(searched) == 5


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs the modes of POSIX")
def test_folders_of_others_are_not_read(folder, galaxy, searched):
    before = os.umask(0)
    prepare(galaxy)
    os.umask(before)
    assert len(searched) == 1
    (own,) = folder.iterdir()
    assert own.stat().st_mode & 0o077 == 0
    own.chmod(0o777)
    for _ in range(2):
        with pytest.warns(UserWarning, match="which others can write to"):
            prepare(galaxy)
    assert len(searched) == 3


def test_a_place_that_takes_no_file_stops_nothing(folder, galaxy, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("joblib.memory.MemorizedFunc.check_call_in_cache", full)
    with pytest.warns(UserWarning, match="not kept in .*No space left"):
        _, (cube, _) = prepare(galaxy)
    assert cube.shape == galaxy.shape


def test_the_command_says_it(tmp_path, folder, galaxy, searched, capsys):
    files = list(map(str, write_bands(tmp_path / "images", galaxy)))
    maps, few = [], ["--no-pictures", "--runs", "1", "--tables", "no"]
    for name, *more in (("a",), ("b", "--n-clusters", "5"), ("c", "--cache", "0")):
        assert main(["cluster", *files, "-o", str(tmp_path / name), *few, *more]) == 0
        said = capsys.readouterr().out
        maps.append((tmp_path / name / "cluster_map.fits").read_bytes())
        assert (str(folder) in said) == (name != "c")
        assert ("those of an earlier run" in said) == (name == "b")
    assert maps[0] == maps[2] != maps[1]
    assert len(searched) == 2

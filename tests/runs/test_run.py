# SPDX-License-Identifier: BSD-3-Clause
"""A run in memory, in a folder, and read again."""

import filecmp
import json

import numpy as np
import pytest

from skesom import ESOM, ConsensusClusterer, Run
from skesom.datasets import make_galaxy_cube
from skesom.io import write_bands


@pytest.fixture(scope="module")
def galaxy():
    cube, _ = make_galaxy_cube((48, 48), 3, random_state=0)
    return cube


@pytest.fixture(scope="module")
def consensus():
    return ConsensusClusterer(ESOM(4), n_estimators=3, random_state=0)


@pytest.fixture(scope="module")
def in_memory(galaxy, consensus, tmp_path_factory):
    """The folder of a run of a cube, which no file names."""
    folder = tmp_path_factory.mktemp("in_memory") / "result"
    Run.fit(galaxy, clusterer=consensus).write(folder, pictures=False)
    return folder


def files_that_differ(folder, other):
    """Return the names of files that are in one folder only, or have other bytes."""
    names = {p.relative_to(folder) for p in folder.rglob("*") if p.is_file()}
    others = {p.relative_to(other) for p in other.rglob("*") if p.is_file()}
    _, different, missing = filecmp.cmpfiles(
        folder, other, sorted(map(str, names & others)), shallow=False
    )
    return sorted({*different, *missing, *map(str, names ^ others)})


def test_a_run_of_files_that_was_read_writes_the_same_files(
    galaxy, consensus, tmp_path
):
    images = write_bands(tmp_path / "images", galaxy)
    run = Run.fit(images, clusterer=consensus).name({0: "disc"})
    run.write(tmp_path / "first", pictures=False)
    Run.read(tmp_path / "first").write(tmp_path / "again", pictures=False)
    differ = files_that_differ(tmp_path / "first", tmp_path / "again")
    assert differ == []


def test_a_run_in_memory_that_was_read_with_its_cube_writes_the_same_files(
    in_memory, galaxy, tmp_path
):
    run = Run.read(in_memory, images=galaxy)
    run.write(tmp_path / "again", pictures=False)
    assert files_that_differ(in_memory, tmp_path / "again") == []


def test_a_run_in_memory_can_be_cut_after_reading(
    in_memory, galaxy, consensus, tmp_path
):
    cut = Run.read(in_memory, images=galaxy).cut(6)
    cut.write(tmp_path / "cut", pictures=False)
    assert json.loads((tmp_path / "cut" / "provenance.json").read_text())["cut"] == 6
    at_once = Run.fit(galaxy, clusterer=consensus).cut(6)
    np.testing.assert_array_equal(cut.label_map, at_once.label_map)
    assert cut.clusters["pixels"].tolist() == at_once.clusters["pixels"].tolist()


def test_without_its_cube_a_run_in_memory_says_what_it_needs(in_memory, tmp_path):
    run = Run.read(in_memory)
    assert len(run.clusters) == 4  # from its table
    with pytest.raises(ValueError, match="images in memory"):
        run.write(tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_another_cube_is_refused(in_memory, galaxy):
    for other in (galaxy[:40], galaxy.replace(data=galaxy.data[::-1].copy())):
        with pytest.raises(ValueError, match="are not those of the run"):
            Run.read(in_memory, images=other)


def test_one_region_file_masks_as_a_list_of_it_does(galaxy, consensus, tmp_path):
    pytest.importorskip("regions")
    files = [str(path) for path in write_bands(tmp_path / "images", galaxy)]
    hole = tmp_path / "hole.reg"
    hole.write_text("image\ncircle(15,18,5)\n")
    for role, is_masked_in_it in [("exclude", True), ("include", False)]:
        label_maps = []
        for regions in (hole, str(hole), [str(hole)]):
            run = Run.fit({"files": files, role: regions}, clusterer=consensus)
            label_maps.append(run.label_map)
            assert (run.label_map[17, 14] == -3) == is_masked_in_it
        np.testing.assert_array_equal(label_maps[0], label_maps[1])
        np.testing.assert_array_equal(label_maps[0], label_maps[2])

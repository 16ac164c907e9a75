# SPDX-License-Identifier: BSD-3-Clause
"""The main job on real images: is the map one to show a colleague?"""

import contextlib
import io
import re

import numpy as np
import pytest
from astropy.table import Table

from skesom.cli import main
from skesom.io import read_map

SMALLEST_SHARE = 0.002  # of the pixels, in a cluster that counts


def cluster(files, folder, *options):
    """Run the command; return the label map and what was printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        status = main(["cluster", *map(str, files), "-o", str(folder), *options])
    assert status == 0, printed.getvalue()
    return read_map(folder / "cluster_map.fits")[0], printed.getvalue()


@pytest.fixture(scope="module")
def spiral(shared_data, tmp_path_factory):
    """Nine bands of a spiral among stars, in units that differ by 1e13, no WCS."""
    names = "u g r i Z Y J H Ks".split()
    files = [shared_data / "kids_viking9" / f"{name}.fits" for name in names]
    return cluster(files, tmp_path_factory.mktemp("spiral") / "result")


class TestFieldWithSpiral:
    """Pixels of the galaxy, the stars and the sky, at places known from the images."""

    disc = np.s_[270:286, 100:116]
    bright_star = np.s_[89:95, 494:500]
    red_star = np.s_[280:285, 175:180]  # beside the galaxy
    empty = np.s_[472:512, 126:166]  # the faintest such square

    def test_the_sky_is_set_aside(self, spiral):
        label_map, printed = spiral
        share = float(re.search(r"Sky set aside: ([\d.]+)%", printed)[1])
        assert 85 < share < 96
        assert (label_map[self.empty] == -3).all()

    def test_all_clusters_are_found(self, spiral):
        label_map, printed = spiral
        assert "8 clusters:" in printed
        assert np.unique(label_map).tolist() == [-3, *range(8)]

    def test_the_galaxy_is_whole(self, spiral):
        disc = spiral[0][self.disc]
        assert (disc >= 0).all()
        assert len(np.unique(disc)) <= 3

    @pytest.mark.parametrize("name", ["bright_star", "red_star"])
    def test_stars_are_no_part_of_it(self, spiral, name):
        label_map, _ = spiral
        (star,) = np.unique(label_map[getattr(self, name)])
        assert star >= 0
        assert star not in label_map[self.disc]

    def test_clusters_are_objects_and_not_noise(self, spiral):
        label_map, _ = spiral
        same = label_map[:, 1:] == label_map[:, :-1]
        either = (label_map[:, 1:] >= 0) & (label_map[:, :-1] >= 0)
        shares = np.bincount(label_map[label_map >= 0]) / np.sum(label_map >= 0)
        by_chance = np.sum(shares**2)
        assert same[either].mean() > 2.5 * by_chance


@pytest.fixture(scope="module")
def messier_83(shared_data, tmp_path_factory):
    """A colour picture of M83 from Hubble's images, filled by the galaxy."""
    folder = tmp_path_factory.mktemp("m83") / "result"
    file = shared_data / "m83" / "m83_hubble_rgb_wcs.fits"
    return cluster([file], folder, "--n-clusters", "10")


@pytest.fixture(scope="module")
def objects(shared_data):
    """Rows and columns of known objects by their type in NED."""
    table = Table.read(shared_data / "m83" / "m83_ned_objects_pix.csv")
    return {
        kind: np.rint([own["y"], own["x"]]).astype(int)
        for kind in np.unique(table["type"])
        for own in [table[table["type"] == kind]]
    }


def concentration(label_map, rows, columns):
    """Return how many times its share of the area the best cluster holds."""
    n_rows, n_columns = label_map.shape
    inside = (rows >= 0) & (rows < n_rows) & (columns >= 0) & (columns < n_columns)
    labels = label_map[rows[inside], columns[inside]]
    n_clusters = label_map.max() + 1
    area = np.bincount(label_map[label_map >= 0], minlength=n_clusters) / label_map.size
    found = np.bincount(labels[labels >= 0], minlength=n_clusters) / len(labels)
    return np.max((found / area)[area >= SMALLEST_SHARE])


class TestMessier83:
    """The objects that are known in the galaxy of the 2014 study."""

    def test_no_sky_is_set_aside(self, messier_83):
        label_map, printed = messier_83
        assert "Sky set aside" not in printed
        assert (label_map >= 0).all()

    def test_nebulae_are_in_one_cluster(self, messier_83, objects):
        assert objects["HII"].shape == (2, 223)
        assert concentration(messier_83[0], *objects["HII"]) >= 2.4

    def test_star_clusters_are_in_one_cluster(self, messier_83, objects):
        assert objects["*Cl"].shape == (2, 1179)
        assert concentration(messier_83[0], *objects["*Cl"]) >= 4

    def test_random_positions_are_in_none(self, messier_83):
        label_map, _ = messier_83
        rng = np.random.default_rng(0)
        draws = (rng.integers(0, [[833], [1280]], (2, 223)) for _ in range(200))
        assert max(concentration(label_map, *draw) for draw in draws) < 2.05

    def test_the_nucleus_is_one_cluster_and_not_that_of_the_outer_disc(
        self, messier_83
    ):
        label_map, _ = messier_83
        (nucleus,) = np.unique(label_map[427:438, 610:621])
        outside = label_map[60:110, 1200:1250]
        assert np.mean(outside == nucleus) < 0.02

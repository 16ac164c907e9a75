# SPDX-License-Identifier: BSD-3-Clause
"""The main job on real images: is the map one to show a colleague?"""

import contextlib
import io
import re

import numpy as np
import pytest
from astropy.table import Table
from scipy.stats import binom

from skesom.cli import main
from skesom.io import read_cube, read_map
from skesom.maps import crossmatch

SMALLEST_SHARE = 0.002  # of the pixels, in a cluster that counts


def cluster(files, folder, *options):
    """Run the command; return the label map and what was printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        spare = "-o", str(folder), "--no-pictures", "--tables", "no"
        status = main(["cluster", *map(str, files), *spare, *options])
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
    bright_star = np.s_[86:98, 489:494]  # beside the core, which is saturated in r
    red_star = np.s_[280:285, 175:180]  # beside the galaxy
    empty = np.s_[472:512, 126:166]  # the faintest such square

    def test_the_sky_is_set_aside_and_the_galaxy_is_whole(self, spiral):
        label_map, printed = spiral
        share = float(re.search(r"Sky set aside: ([\d.]+)%", printed)[1])
        assert 85 < share < 96
        assert (label_map[self.empty] == -2).all()
        assert "8 clusters:" in printed
        assert np.unique(label_map).tolist() == [-3, -2, *range(8)]
        disc = label_map[self.disc]
        assert (disc >= 0).all()
        # Its middle has one color or two; a few pixels may stray in the noise.
        shares = np.sort(np.bincount(disc.ravel()) / disc.size)[::-1]
        assert shares[:2].sum() > 0.97

    @pytest.mark.parametrize("name", ["bright_star", "red_star"])
    def test_stars_are_no_part_of_it(self, spiral, name):
        label_map, _ = spiral
        star = np.unique(label_map[getattr(self, name)])
        assert (star >= 0).all()
        assert not np.isin(label_map[self.disc], star).any()

    def test_clusters_are_objects_and_not_noise(self, spiral):
        label_map, _ = spiral
        same = label_map[:, 1:] == label_map[:, :-1]
        either = (label_map[:, 1:] >= 0) & (label_map[:, :-1] >= 0)
        shares = np.bincount(label_map[label_map >= 0]) / np.sum(label_map >= 0)
        by_chance = np.sum(shares**2)
        # Of what chance leaves, as in Cohen's kappa: 0 for noise, 1 for no border.
        assert (same[either].mean() - by_chance) / (1 - by_chance) > 0.6


@pytest.fixture(scope="module")
def messier_83(shared_data, tmp_path_factory):
    """A color picture of M83 from Hubble's images, filled by the galaxy."""
    folder = tmp_path_factory.mktemp("m83") / "result"
    file = shared_data / "m83" / "m83_hubble_rgb_wcs.fits"
    return cluster([file], folder, "--n-clusters", "10")


@pytest.fixture(scope="module")
def known_objects(messier_83, shared_data):
    """The objects of NED in these clusters."""
    label_map, _ = messier_83
    catalog = shared_data / "m83" / "m83_ned_objects_pix.csv"
    return crossmatch(label_map, catalog)


def best_enrichment(result, kind):
    """Return the enrichment of the best cluster that counts, by its area."""
    table = result.table[result.table["area_share"] >= SMALLEST_SHARE]
    return table["enrichment"][table["type"] == kind].max()


class TestMessier83:
    """The objects that are known in the galaxy of the 2014 study."""

    def test_no_sky_is_set_aside(self, messier_83):
        label_map, printed = messier_83
        assert "Sky set aside" not in printed
        assert (label_map != -2).all()
        # A few pixels are unlike their neighbors in one band, and are masked.
        assert np.sum(label_map == -3) <= 10

    def test_all_objects_in_the_frame_are_found(self, known_objects):
        assert len(known_objects.objects) + known_objects.n_outside == 1621
        types, numbers = known_objects.table["type"], known_objects.table["n_objects"]
        for kind, number in (("HII", 223), ("SNR", 62)):
            assert set(numbers[types == kind]) == {number}

    def test_nebulae_and_star_clusters_are_in_one_cluster(self, known_objects):
        # Random positions are enriched up to 2.05 times, nebulae 3.0 times by k-means.
        assert best_enrichment(known_objects, "*Cl") >= 2.4
        assert best_enrichment(known_objects, "HII") >= 4
        best = known_objects.best()
        (nebulae,) = best[best["type"] == "HII"]
        assert nebulae["p_any"] < 0.002
        assert nebulae["enrichment_low"] > nebulae["chance_high"]

    def test_the_sky_finds_the_same_objects_as_pixels(
        self, messier_83, known_objects, shared_data
    ):
        """The catalog as DS9 regions, by the WCS of the picture."""
        pytest.importorskip("regions")
        folder = shared_data / "m83"
        wcs = read_cube(folder / "m83_hubble_rgb_wcs.fits").wcs
        result = crossmatch(
            messier_83[0], folder / "M83-nearname-10_REGION.reg", wcs=wcs, radius=1.0
        )
        inside = result.objects["type"] == "HII region"
        assert abs(inside.sum() - 223) <= 2
        assert best_enrichment(result, "HII region") >= 2.4
        # A radius of an arcsecond tells more than a pixel of a third of it.
        best = result.best()
        assert (
            best["cluster"][best["type"] == "HII region"]
            == known_objects.best()["cluster"][known_objects.best()["type"] == "HII"]
        )

    def test_random_positions_are_in_none(self, messier_83):
        label_map, _ = messier_83
        rng = np.random.default_rng(0)
        y, x = rng.uniform(-0.5, [[[832.5]], [[1279.5]]], (2, 200, 223))
        draw = np.repeat(np.arange(200), 223).astype(str)
        random = Table({"x": x.ravel(), "y": y.ravel(), "type": draw})
        result = crossmatch(label_map, random, n_draws=10)
        share = result.matrix("area_share")
        assert result.matrix("enrichment").shape[0] == 200
        # Of 2000 clusters in draws, the least likely has a chance of some 1 in 2000.
        found = np.rint(result.matrix("enrichment") * share * 223)
        assert binom.sf(found - 1, 223, share).min() > 1e-6

    def test_the_nucleus_is_one_cluster_and_not_that_of_the_outer_disc(
        self, messier_83
    ):
        label_map, _ = messier_83
        labels, counts = np.unique(label_map[427:438, 610:621], return_counts=True)
        nucleus = labels[counts.argmax()]
        # A lane of dust crosses it.
        assert counts.max() / counts.sum() > 0.85
        outside = label_map[60:110, 1200:1250]
        assert np.mean(outside == nucleus) < 0.02

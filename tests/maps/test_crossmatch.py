# SPDX-License-Identifier: BSD-3-Clause
"""Known objects in clusters: counts, enrichment, and what chance would do."""

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from skesom.maps import crossmatch


@pytest.fixture
def rng(global_random_seed):
    """Return a source of random numbers."""
    return np.random.default_rng(global_random_seed)


def make_wcs(shape, size=0.5):
    """Return a WCS near M83 with north turned by 30 degrees."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [204.25, -29.86]
    wcs.wcs.crpix = [shape[1] / 2, shape[0] / 2]
    turn = np.deg2rad(30)
    matrix = [[-np.cos(turn), np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    wcs.wcs.cd = np.array(matrix) * size / 3600
    wcs.wcs.set()
    return wcs


def objects_at(places, kind="HII"):
    """Return a catalog of objects at rows and columns."""
    rows, columns = np.array(places).reshape(-1, 2).T
    return Table({"x": columns * 1.0, "y": rows * 1.0, "type": [kind] * len(rows)})


def row_of(result, kind, cluster):
    """Return the row of a type and cluster."""
    table = result.table
    (row,) = table[(table["type"] == kind) & (table["cluster"] == cluster)]
    return row


# ---------------------------------------------------------------- counts

#                   0   1   2   3   4
SMALL = np.array([[0, 0, 0, 1, 1], [0, 0, 2, 2, -1], [0, 0, -3, -3, -3]])


def test_objects_are_counted_by_hand():
    objects = Table(
        {
            "x": [0, 1.4, 3, 4, 2, 4.4, 9, -0.6],
            "y": [0, 0, 0, 0, 1, 1, 0, 0],
            "type": ["HII"] * 5 + ["SNR"] * 3,
        }
    )
    result = crossmatch(SMALL, objects)
    assert result.n_outside == 2
    assert result.n_masked == 0
    assert result.table["type"].tolist() == ["HII"] * 4 + ["SNR"] * 4
    assert result.table["cluster"].tolist() == [-1, 0, 1, 2] * 2
    assert result.table["n_objects"].tolist() == [5] * 4 + [1] * 4
    assert_array_equal(result.matrix("count"), [[0, 2, 2, 1], [1, 0, 0, 0]])
    assert_allclose(result.matrix("share"), [[0, 0.4, 0.4, 0.2], [1, 0, 0, 0]])
    # Twelve pixels are not masked.
    areas = np.array([1, 7, 2, 2]) / 12
    assert_allclose(result.matrix("area_share"), [areas, areas])
    assert_allclose(result.matrix("enrichment")[0], [0, 0.4, 0.4, 0.2] / areas)
    assert result.objects["cluster"].tolist() == [0, 0, 1, 1, 2, -1]
    assert result.objects["cluster_share"].tolist() == [1.0] * 6


def test_masked_objects_are_counted_apart():
    labels = np.where(SMALL == 1, -2, SMALL)  # sky is told from missing data
    result = crossmatch(labels, objects_at([(2, 2), (0, 4), (0, 0)]))
    assert (result.n_masked, result.n_outside) == (2, 0)
    assert result.objects["cluster"].tolist() == [-3, -2, 0]
    assert row_of(result, "HII", 0)["count"] == 1
    assert row_of(result, "HII", 0)["n_objects"] == 1


def test_the_best_cluster_is_the_most_significant(rng):
    labels = np.zeros((40, 50), dtype=int)
    labels[:10] = 1
    labels[39, 49] = 2  # one object here is more enriched, and may be by chance
    places = [(r, c) for r in range(10) for c in range(0, 50, 10)]
    places += [(39, 49)] + [(20, c) for c in range(10)]
    result = crossmatch(labels, objects_at(places))
    best = result.best()
    assert best["cluster"].tolist() == [1]
    assert row_of(result, "HII", 2)["enrichment"] > best["enrichment"][0]


def test_types_are_chosen_and_ordered():
    objects = Table({"x": [0, 1, 2, 3], "y": [0] * 4, "type": ["b", "a", "c", "c"]})
    for types, expected in ((None, "cab"), (["b", "c"], "bc"), ("a", "a")):
        found = crossmatch(SMALL, objects, types=types, n_draws=5).table["type"]
        assert list(dict.fromkeys(found)) == list(expected)


def test_sky_positions_and_pixels_give_the_same(rng):
    labels = rng.integers(0, 4, (30, 40))
    wcs = make_wcs(labels.shape)
    columns, rows = rng.uniform(0, 39, 50), rng.uniform(0, 29, 50)
    places = wcs.pixel_to_world(columns, rows)
    in_pixels = Table({"x": columns, "y": rows})
    on_sky = Table({"ra": places.ra.deg, "dec": places.dec.deg})
    options = {"object_type": "HII", "n_draws": 50}
    first = crossmatch(labels, in_pixels, **options)
    second = crossmatch(labels, on_sky, wcs=wcs, **options)
    for name in first.table.colnames:
        assert_array_equal(first.table[name], second.table[name])
    assert_allclose(second.objects["x"], columns, atol=1e-6)


def test_the_wcs_of_a_cube_with_other_axes_will_do():
    wcs = make_wcs(SMALL.shape)
    header = wcs.to_header()
    header.update({"WCSAXES": 3, "CTYPE3": "WAVE", "CUNIT3": "m", "CRVAL3": 1e-7})
    header.update({"CDELT3": 1e-8, "CRPIX3": 1})
    place = wcs.pixel_to_world(3, 0)
    objects = Table({"ra": [place.ra.deg], "dec": [place.dec.deg]})
    result = crossmatch(SMALL, objects, wcs=WCS(header), object_type="HII", n_draws=9)
    assert result.objects["cluster"].tolist() == [1]


# ---------------------------------------------------------------- size


def test_an_object_with_a_radius_counts_by_the_pixels_around_it(rng):
    labels = rng.integers(-3, 3, (23, 31))
    labels[labels == -2] = -3
    radius = 3.3
    places = [(0, 0), (5, 7), (22, 30), (11, 15)]
    result = crossmatch(labels, objects_at(places), radius=radius * u.pixel, n_draws=5)
    expected = np.zeros(4)
    rows, columns = np.indices(labels.shape)
    for row, column in places:
        within = (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
        around = labels[within & (labels >= -1)]
        expected += np.bincount(around + 1, minlength=4) / len(around)
    assert_allclose(result.matrix("count")[0], expected, rtol=1e-5)


def test_radius_is_in_arcsec():
    labels = np.zeros((21, 21), dtype=int)
    labels[:, 11:] = 1
    wcs = make_wcs(labels.shape, size=0.5)
    objects = objects_at([(10, 10)])
    # Five pixels right of the middle column are among the thirteen of radius two.
    expected = [9 / 13, 4 / 13]
    for radius in (1.0, 1 * u.arcsec, 1 / 60 * u.arcmin, 2 * u.pixel):
        result = crossmatch(labels, objects, wcs=wcs, radius=radius, n_draws=5)
        assert_allclose(result.matrix("count")[0], expected, rtol=1e-6)


def test_an_object_is_masked_only_if_all_around_it_is():
    labels = np.full((9, 9), -3)
    labels[4, 4] = 0
    objects = objects_at([(4, 6), (4, 7)])
    result = crossmatch(labels, objects, radius=2 * u.pixel, n_draws=5)
    assert result.objects["cluster"].tolist() == [0, -3]
    assert result.n_masked == 1


# ---------------------------------------------------------------- uncertainty


def test_uncertain_positions_are_shared_as_the_gaussian_says():
    labels = np.zeros((60, 200), dtype=int)
    labels[:, 100:] = 1
    # The border is at column 99.5; sigma is 4 pixels.
    objects = Table({"x": [99.5, 95.5, 111.5], "y": [30, 30, 30], "type": list("abc")})
    result = crossmatch(labels, objects, uncertainty=4 * u.pixel, n_draws=20_000)
    expected = stats.norm.sf([0, 1, -3])
    for kind, share in zip("abc", expected, strict=True):
        assert_allclose(row_of(result, kind, 1)["share"], share, atol=0.015)
    objects["uncertainty"] = [0.0, 2.0, np.nan]  # arcsec: 0, 4 and unknown pixels
    objects["uncertainty"].unit = u.arcsec
    wcs = make_wcs(labels.shape, size=0.5)
    result = crossmatch(labels, objects, wcs=wcs, n_draws=20_000)
    assert row_of(result, "a", 1)["share"] == 1  # its pixel is column 100
    assert_allclose(row_of(result, "b", 1)["share"], expected[1], atol=0.015)
    assert row_of(result, "c", 1)["share"] == 1


def test_the_range_of_the_enrichment_is_that_of_counting(rng):
    labels = np.zeros((100, 100), dtype=int)
    labels[:, :20] = 1
    objects = objects_at(rng.integers(0, 100, (200, 2)))
    result = crossmatch(labels, objects, n_draws=4000)
    row = row_of(result, "HII", 1)
    low, high = stats.binom.ppf([0.025, 0.975], 200, row["share"]) / 200 / 0.2
    assert_allclose(
        [row["enrichment_low"], row["enrichment_high"]], [low, high], atol=0.05
    )


# ---------------------------------------------------------------- chance


def test_chance_is_binomial_for_single_pixels():
    labels = np.zeros((50, 40), dtype=int)
    labels[:, :4] = 1  # a tenth
    labels[:25, 20:] = -3  # masked pixels draw no random places
    area = 200 / 1500
    inside = [(r, c) for r in range(10) for c in range(4)][:14]
    outside = [(30, c) for c in range(4, 40)]
    result = crossmatch(labels, objects_at(inside + outside), n_draws=20_000)
    row = row_of(result, "HII", 1)
    chance = stats.binom(50, area)
    assert_allclose(row["area_share"], area)
    assert_allclose(row["z"], stats.norm.isf(chance.sf(13)), rtol=1e-6)
    expected = chance.ppf([0.025, 0.975]) / 50 / area
    assert_allclose([row["chance_low"], row["chance_high"]], expected)
    assert_allclose(row["p_value"], 2 * chance.sf(13), rtol=0.15)


def test_p_any_asks_for_the_best_of_all_clusters():
    """Ten objects all in one of a hundred clusters, against eleven of one in ten."""
    labels = np.repeat(np.arange(100), 20).reshape(100, 20)
    objects = objects_at([(50, 3), (50, 5), *[(r, 0) for r in range(0, 96, 2)]])
    result = crossmatch(labels, objects, n_draws=4000)
    row = row_of(result, "HII", 50)
    assert row["count"] == 3
    # Three of fifty in a given hundredth of the area is rare, but not in any of them.
    assert row["p_value"] < 0.05
    assert row["p_any"] > 0.5


@pytest.mark.parametrize("radius", [None, 2 * u.pixel])
def test_random_objects_are_rarely_significant(rng, radius):
    labels = np.digitize(rng.normal(size=(60, 60)), [-1.5, -0.5, 0.5, 1.5])
    y, x = rng.integers(0, 60, (2, 300, 40))
    kinds = np.repeat(np.arange(300), 40).astype(str)
    objects = Table({"x": x.ravel(), "y": y.ravel(), "type": kinds})
    result = crossmatch(labels, objects, radius=radius, n_draws=400)
    found = result.matrix("p_any").min(axis=1)
    for level in (0.05, 0.25, 0.5):
        few, many = stats.binom.ppf([0.0001, 0.9999], 300, level)
        assert few <= np.sum(found < level) <= many


def test_clustering_in_a_tiny_cluster_is_significant():
    labels = np.zeros((300, 300), dtype=int)
    labels[0, 0] = 1
    result = crossmatch(labels, objects_at([(0, 0), (0, 0), (9, 9)]), n_draws=500)
    row = row_of(result, "HII", 1)
    # Two of three in one of 90 000 pixels; a Gaussian would make it 245 sigma.
    assert_allclose(row["z"], stats.norm.isf(stats.binom.sf(1, 3, 1 / 90_000)))
    assert row["p_any"] == pytest.approx(1 / 501)
    assert row["p_value"] == pytest.approx(2 / 501)


@pytest.mark.parametrize("radius", [None, 1 * u.pixel])
def test_a_single_object_gathers_nowhere(radius):
    labels = np.zeros((100, 100), dtype=int)
    labels[:10, :10] = 1  # one pixel in a hundred
    table = Table({"x": [5, 50, 60, 70], "y": [5, 50, 60, 70], "type": ["a", *"bbb"]})
    result = crossmatch(labels, table, radius=radius, n_draws=200)
    row = row_of(result, "a", 1)
    assert (row["count"], row["p_value"], row["p_any"]) == (1, 1, 1)
    assert 2 < row["z"] < 3  # a probability of 0.01, not the 10 sigma of a Gaussian
    # Nor do three objects where 2.97 would be by chance.
    assert row_of(result, "b", 0)["p_any"] > 0.5


@pytest.mark.parametrize("share", [1, 0.6])
def test_very_small_probabilities_keep_their_order(share):
    labels = np.zeros((100, 100), dtype=int)
    labels[0] = 1
    z, numbers = [], np.array([100, 200, 400, 800])
    for n in numbers:  # of probabilities from 1e-200 to 1e-1600 if all are there
        places = [(0 if c < share * n else 50, c % 100) for c in range(n)]
        z.append(row_of(crossmatch(labels, objects_at(places)), "HII", 1)["z"])
    # The logarithm of the probability is that of a Gaussian, but for its logarithm.
    entropy = stats.entropy([share, 1 - share], [0.01, 0.99])
    assert_allclose(z, np.sqrt(2 * entropy * numbers), rtol=0.01)


@pytest.mark.parametrize("radius", [None, 3 * u.pixel])
def test_objects_in_every_pixel_are_not_enriched(rng, radius):
    # Random objects reach over the borders of map, gap and clusters as these do.
    labels = rng.integers(-1, 4, (30, 24))
    labels[:9] = 0
    labels[12:16, 5:] = -3
    places = np.argwhere(np.ones(labels.shape))
    result = crossmatch(labels, objects_at(places), radius=radius, n_draws=10)
    assert_allclose(result.table["share"], result.table["expected_share"], rtol=1e-6)
    assert_allclose(result.table["enrichment"], 1, rtol=1e-6)
    # Nor is a single cluster, by any of its objects.
    (row,) = crossmatch(np.zeros((5, 5), int), objects_at([(1, 1), (2, 2)])).table
    assert row["enrichment"] == row["p_value"] == row["p_any"] == 1
    assert row["z"] == 0


@pytest.mark.parametrize("options", [{}, {"radius": 2 * u.pixel}])
def test_results_depend_on_the_seed_alone(rng, options):
    labels = rng.integers(0, 3, (40, 40))
    objects = objects_at(rng.integers(0, 40, (30, 2)))
    options = {"uncertainty": 1 * u.pixel, "n_draws": 100, **options}
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    first = crossmatch(labels, objects, **options)
    again = crossmatch(labels, objects, random_state=0, **options)
    other = crossmatch(labels, objects, random_state=1, **options)
    assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    for name in first.table.colnames:
        assert_array_equal(first.table[name], again.table[name])
    assert not np.array_equal(first.table["z"], other.table["z"])
    assert objects.colnames == ["x", "y", "type"]  # left as they were


# ---------------------------------------------------------------- bad input

SKY = Table({"ra": [204.25], "dec": [-29.86], "type": ["HII"]})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"catalog": SKY}, "positions on the sky, but the label map has no WCS"),
        ({"radius": 1 * u.arcsec}, "radius is an angle, but nothing tells how large"),
        ({"uncertainty": 1 * u.deg}, "uncertainty is an angle, but nothing tells"),
        ({"radius": -1 * u.pixel}, "radius must be finite and not negative"),
        ({"radius": 1 * u.kg}, "radius must be an angle or in pixels"),
        ({"uncertainty": np.nan}, "uncertainty must be finite and not negative"),
        ({"label_map": np.zeros((2, 2))}, "label_map must hold integers"),
        ({"label_map": np.full((2, 2), -3)}, "All pixels of label_map are masked"),
        ({"n_draws": 0}, "n_draws must be a positive integer"),
        ({"types": ["SNR"]}, "no object of type 'SNR' in the map, but of HII"),
        ({"catalog": Table({"x": [], "y": [], "type": []})}, "has no object"),
        ({"catalog": objects_at([(2, 3)])}, "All objects lie where the label map is"),
        (
            {"catalog": objects_at([(90, 50), (80, 7)])},
            "None of the 2 objects lies in the map of 3 x 5 pixels: the nearest is at "
            "column 7, row 80. Check the catalog.$",
        ),
    ],
)
def test_bad_input_is_named(arguments, message):
    arguments = {"label_map": SMALL, "catalog": objects_at([(0, 0)]), **arguments}
    with pytest.raises(ValueError, match=message):
        crossmatch(**arguments)


def test_the_other_side_of_the_sky_is_outside():
    there = Table({"ra": [24.25], "dec": [29.86], "type": ["HII"]})
    wcs = make_wcs(SMALL.shape)
    with pytest.raises(ValueError, match=r"other side of the sky. .*and the WCS"):
        crossmatch(SMALL, there, wcs=wcs)
    place = wcs.pixel_to_world(3, 0)
    there.add_row([place.ra.deg, place.dec.deg, "HII"])
    assert crossmatch(SMALL, there, wcs=wcs, n_draws=5).n_outside == 1


def test_a_distorted_wcs_finds_what_is_inside_and_loses_what_is_far():
    wcs = make_wcs((40, 50))
    header = wcs.to_header(relax=True)
    header.update({"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP"})
    header.update({"A_ORDER": 2, "A_2_0": 1e-3, "B_ORDER": 2, "B_0_2": -1e-3})
    distorted = WCS(header)
    labels = np.arange(2000).reshape(40, 50)
    place = distorted.pixel_to_world(31.2, 17.9)
    objects = Table({"ra": [place.ra.deg, 210.0], "dec": [place.dec.deg, -20.0]})
    result = crossmatch(labels, objects, wcs=distorted, object_type="HII", n_draws=5)
    assert result.objects["cluster"].tolist() == [18 * 50 + 31]
    assert result.n_outside == 1


# ---------------------------------------------------------------- purity


def test_purity_counts_the_objects_of_all_types_in_a_cluster():
    # In cluster 0: two of a, one of b; in 1: one of a; in 2: two of c.
    objects = Table({"x": [0, 1, 3, 2, 2, 3], "y": [0, 0, 0, 0, 1, 1]})
    objects["type"] = ["a", "a", "a", "b", "c", "c"]
    result = crossmatch(SMALL, objects)
    assert result.table["type"].tolist()[::4] == ["a", "c", "b"]
    purity = result.matrix("purity")[:, 1:]
    assert_allclose(purity, [[2 / 3, 1, 0], [0, 0, 1], [1 / 3, 0, 0]])
    assert np.isnan(result.matrix("purity")[:, 0]).all()  # no object is in the noise
    assert "area_purity" not in result.table.colnames
    # The types that are not asked for are objects of the cluster, too.
    alone = crossmatch(SMALL, objects, types=["b"])
    assert_allclose(alone.matrix("purity")[0, 1:], [1 / 3, 0, 0])


def test_purity_by_area_is_the_covered_share_of_the_pixels():
    objects = Table({"x": [1, 2, 4], "y": [0, 0, 1], "type": ["a", "a", "b"]})
    result = crossmatch(SMALL, objects, radius=1 * u.pixel)
    # Within a pixel of the two of type a: all of the first row but its last pixel,
    # and two pixels of the second. Of b: itself, and its two neighbors with data.
    covered = result.matrix("area_purity")
    assert result.matrix("cluster")[0].tolist() == [-1, 0, 1, 2]
    assert_allclose(covered[0], [0, 4 / 7, 1 / 2, 1 / 2])
    assert_allclose(covered[1], [1, 0, 1 / 2, 1 / 2])

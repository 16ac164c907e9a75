# SPDX-License-Identifier: BSD-3-Clause
"""Populations: light of one suggested name, and the published numbers behind names."""

import re

import numpy as np
import pytest

from skesom.consensus import ConsensusClusterer
from skesom.cube import Cube, CubeMasker
from skesom.datasets import POPULATIONS, make_galaxy_cube
from skesom.maps import (
    find_piece_map,
    find_populations,
    make_cluster_pipeline,
    suggest_names,
)
from skesom.maps.stellar_colors import extinction, mixture_color, oldest_color
from skesom.som import ESOM


@pytest.fixture(scope="module")
def spiral():
    """Images, their truth, and the populations over the truth as pieces."""
    cube, truth = make_galaxy_cube((128, 128), random_state=4)
    return cube, truth, find_populations(truth, cube)


def share_of(populations, name, inside):
    """Return the share of some pixels that a population has."""
    if name not in populations.names:
        return 0.0
    return np.mean(populations.label_map[inside] == populations.names.index(name))


@pytest.mark.parametrize(
    ("name", "population", "least"),
    [
        ("young stars", "young arm", 0.7),
        ("old stars, bulge", "bulge", 0.6),
        ("H II regions", "H II region", 0.7),
        ("old stars, disc", "old disc", 0.6),
    ],
)
def test_most_of_a_population_has_its_name(spiral, name, population, least):
    _, truth, populations = spiral
    inside = truth == POPULATIONS.index(population)
    assert share_of(populations, name, inside) > least


def test_the_table_tells_of_the_map(spiral):
    _, truth, populations = spiral
    label_map, names, table, pieces = populations
    sizes = np.bincount(label_map[label_map >= 0])
    np.testing.assert_array_equal(table["pixels"], sizes)
    assert (np.diff(sizes) <= 0).all()  # by falling size
    assert table["percentage"].sum() == pytest.approx(100)
    np.testing.assert_allclose(table["area"], sizes * 0.0396**2, rtol=1e-5)
    assert [n for n, is_named in zip(names, table["is_named"], strict=True) if is_named]
    for number, row in enumerate(table):
        assert (row["name"] == names[number]) == row["is_named"]
    assert len(pieces) == truth.max() + 1
    arm = POPULATIONS.index("young arm")
    assert names[pieces[arm]] == "young stars"


def test_purity_is_the_mean_agreement_of_the_pixels(spiral):
    cube, truth, populations = spiral
    agreement = np.random.default_rng(0).uniform(size=truth.shape)
    table = find_populations(truth, cube, agreement=agreement).table
    for number, value in enumerate(table["agreement"]):
        inside = populations.label_map == number
        assert value == pytest.approx(agreement[inside].mean())


def test_negative_labels_stay(spiral):
    cube, truth, _ = spiral
    piece_map = truth.copy()
    piece_map[:20], piece_map[20:30], piece_map[30:35] = -3, -1, -1
    found = find_populations(piece_map, cube).label_map
    np.testing.assert_array_equal(found < 0, piece_map < 0)
    np.testing.assert_array_equal(found[piece_map < 0], piece_map[piece_map < 0])


def test_names_do_not_depend_on_the_unit_of_flux(spiral):
    cube, truth, _ = spiral
    plain = cube.replace(zero_points=None)
    scaled = plain.replace(data=plain.data * np.float32(1e-9))
    found = [find_populations(truth, each).names for each in (plain, scaled)]
    assert found[0] == found[1]
    assert {"young stars", "H II regions"} <= {*found[0]}


@pytest.mark.parametrize("names", [["a", "b", "c"], ["J", "H", "Ks"]])
def test_bands_that_tell_nothing_have_no_populations(spiral, names):
    cube, truth, _ = spiral
    unknown = Cube(cube.data[:, :, :3], band_names=names)
    with pytest.raises(ValueError, match="bands do not tell old stars from young"):
        find_populations(truth, unknown)


LINES = ["He2r_4686A", "O3_4959A", "H1r_6563A", "S2_6731A", "Ar3_7136A"]


def test_maps_of_lines_have_no_populations(spiral):
    cube, truth, _ = spiral
    lines = Cube(cube.data[:, :, :5], band_names=LINES, pixel_scale=(0.2, 0.2))
    with pytest.raises(ValueError, match="all bands are emission lines"):
        find_populations(truth, lines)


def test_lines_with_a_continuum_that_is_named_are_no_map_of_lines(spiral):
    cube, truth, _ = spiral
    lines = Cube(cube.data[:, :, :5], band_names=LINES, pixel_scale=(0.2, 0.2))
    with pytest.raises(ValueError, match="do not tell old stars from young"):
        find_populations(truth, lines, continua={"H1r_6563A": "S2_6731A"})


def test_a_line_far_from_all_broad_bands_makes_no_map_of_lines(spiral):
    cube, truth, _ = spiral
    names = ["F336W", "F814W", "F212N"]
    far = Cube(cube.data[:, :, [1, 8, 6]], band_names=names, pixel_scale=(0.2, 0.2))
    assert "young stars" in find_populations(truth, far).names


def picture_of(cube, number=3):
    """Three bands stretched for the eye, in levels from 0 to 255."""
    data = np.arcsinh(cube.data[:, :, :number] / np.nanstd(cube.data))
    levels = 255 * data / np.percentile(data, 99.5)
    names = ["F438W", "F555W", "F814W"][:number]
    return Cube(np.clip(np.round(levels), 0, 255), band_names=names)


def test_pictures_have_no_populations(spiral):
    cube, truth, _ = spiral
    picture = picture_of(cube)
    for each in (picture, picture.replace(data=picture.data / np.float32(255))):
        with pytest.raises(ValueError, match="those of a picture"):
            find_populations(truth, each)
    # The same light without the end of the scale, or in counts, is no picture.
    falling = np.minimum(picture.data, 254)
    brightest = np.count_nonzero(falling == 254, axis=(0, 1)).argmax()
    falling[:2, 0, brightest] = 255  # two pixels, fewer than those of the level below
    fractions = picture.data.copy()
    fractions[-1] *= 0.99
    no_pictures = [
        picture.data * 1.5,
        np.minimum(picture.data, 254),
        falling,
        fractions,
        # Masks, whose values are 0 and 1.
        np.float32(picture.data > 30 * np.arange(1, 4)),
    ]
    for data in no_pictures[:-1]:
        assert find_populations(truth, picture.replace(data=data)).names
    for data in no_pictures:
        masker = CubeMasker(mask_zeros=False).fit(picture.replace(data=data))
        assert not masker.is_picture_
    counts = picture.replace(band_units=["adu"] * 3)
    assert find_populations(truth, counts).names


def test_noise_and_stars_have_no_populations():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(60, 60, 3))
    for pedestal in (0, 100):  # the sky, which is as wide as the frame
        noise = Cube(data + pedestal, band_names=["g", "r", "i"])
        labels = (data[:, :, 0] > 0).astype(int)
        with pytest.raises(ValueError, match=r"wider than a star|no rule"):
            find_populations(labels, noise)


def test_images_of_land_have_no_populations(spiral):
    cube, truth, _ = spiral
    channels = [f"channel {n}" for n in range(cube.shape[2])]
    changes = {"band_coordinates": cube.band_coordinates, "band_names": channels}
    land = cube.replace(wcs=None, pixel_scale=None, **changes)
    with pytest.raises(ValueError, match="not of the sky"):
        find_populations(truth, land)


def test_light_that_no_color_parts_is_of_one_kind_if_it_is_calibrated():
    # Stars of 10 Gyr in F438W and F814W, by 1.6 mag, and nothing else.
    rows, columns = np.indices((80, 80)) - 40
    light = 100 * np.exp(-np.hypot(rows, columns) / 20)
    color = mixture_color(438, 814, 0)
    data = light[:, :, np.newaxis] * [1, 10 ** (0.4 * color)]
    cube = Cube(data, band_names=["F438W", "F814W"], zero_points=[31, 31])
    labels = (light > 30).astype(int)
    found = find_populations(labels, cube)
    assert {*found.names} <= {"old stars, disc", "faint outskirts"}
    with pytest.raises(ValueError, match="no rule gives any light a name"):
        find_populations(np.where(labels, 0, -1), cube.replace(zero_points=None))


def test_dust_lanes_are_darker_than_both_sides_and_slopes_are_not():
    # A disc redder than any star of the Sun's metals, with and without a lane.
    rows, columns = np.indices((120, 120)) - 60
    light = 1000 * np.exp(-np.hypot(rows, columns) / 15)
    color = oldest_color(438, 814) + 0.3
    disc = light[:, :, np.newaxis] * [1, 10 ** (0.4 * color)]
    disc += np.random.default_rng(0).normal(size=disc.shape)
    dark = disc.copy()
    lane = (abs(rows - 12) < 3) & (abs(columns) < 30)
    dark[lane] *= [0.5, 0.7]
    labels = np.where(light > 20, 0, -2)
    shares = []
    for data in (disc, dark):
        names = {"band_names": ["F438W", "F814W"], "zero_points": [31, 31]}
        found = find_populations(labels, Cube(data, **names))
        assert "reddest old stars" in found.names
        middle = lane & (abs(rows - 12) < 2)
        shares.append(share_of(found, "dust lanes", middle))
    assert shares[0] < 0.02
    assert shares[1] > 0.9
    assert share_of(found, "dust lanes", (labels == 0) & (rows < 0)) < 0.02


def test_evidence_is_physical_where_nothing_is_above_the_noise():
    """A star in a galaxy, and outskirts below the sky down to nothing."""
    rng = np.random.default_rng(0)
    rows, columns = np.indices((140, 140)) - 70
    radius = np.hypot(rows, columns)
    light = 300 * np.exp(-radius / 12)
    star = 400 * np.exp(-(np.hypot(rows + 14, columns + 10) ** 2) / 4)
    data = (light + star)[:, :, np.newaxis] * [1.0, 2.0, 3.0]
    data += 30 + rng.normal(scale=0.5, size=data.shape)
    names = ["g", "r", "i"]
    cube = Cube(data, band_names=names, pixel_scale=(0.3, 0.3), fwhm=[1.0] * 3)
    labels = np.digitize(-light, [-60, -10, -2]).astype(int)
    labels[star > 20] = 4
    labels[:, 120:] = -2
    found = find_populations(labels, cube)
    told = "; ".join(found.table["evidence"])
    told += "; ".join(text for each in suggest_names(labels, cube) for text in each[1])
    assert "stars and nuclei" in found.names or "star clusters" in found.names
    numbers = [float(n) for n in re.findall(r"(-?[\d.]+) (?:mag|times)", told)]
    assert len(numbers) > 3
    assert max(numbers) <= 100
    depths = re.findall(r"(-?[\d.]+) mag fainter than the sky", told)
    assert depths
    assert all(0 < float(depth) < 15 for depth in depths)


def test_maps_of_other_shapes_are_refused(spiral):
    cube, truth, _ = spiral
    with pytest.raises(ValueError, match="piece_map has the shape"):
        find_populations(truth[1:], cube)
    with pytest.raises(ValueError, match="agreement has the shape"):
        find_populations(truth, cube, agreement=np.ones(3))
    with pytest.raises(ValueError, match="no piece"):
        find_populations(np.full(truth.shape, -2), cube)


def test_pieces_are_finer_than_clusters_and_keep_what_is_masked():
    cube, _ = make_galaxy_cube((48, 48), 4, random_state=0)
    cube.data[:5] = np.nan
    consensus = ConsensusClusterer(ESOM(4), n_estimators=3, random_state=0)
    pipeline = make_cluster_pipeline(consensus).fit(cube)
    clusterer = pipeline[-1]
    pieces = find_piece_map(clusterer, pipeline[:-1].transform(cube))
    assert 4 < len(np.unique(pieces[pieces >= 0])) <= 48
    np.testing.assert_array_equal(pieces < 0, clusterer.labels_ < 0)


def test_colors_of_stars_are_those_of_the_models():
    """Colors of Bruzual & Charlot (2003) in other bands, and rules of mixtures."""
    # B - V of 10 Gyr is 0.96 in magnitudes of Vega, 0.85 in AB magnitudes.
    assert mixture_color(440, 550, 0) == pytest.approx(0.85, abs=0.06)
    # Stars of which half of the light at 335 nm is young have 0.75 mag more of it.
    old, half = (mixture_color(335, 2190, share) for share in (0, 0.5))
    assert old - half == pytest.approx(0.75, abs=0.05)
    assert oldest_color(435, 800) > mixture_color(435, 800, 0)


def test_extinction_is_that_of_the_law():
    """Table 3 of Cardelli, Clayton & Mathis (1989), for R = 3.1."""
    wavelengths = 1000 / np.array([2.78, 2.27, 1.43, 1.11, 0.80, 0.63, 0.46])
    expected = [1.569, 1.337, 0.751, 0.479, 0.282, 0.190, 0.114]
    np.testing.assert_allclose(extinction(wavelengths), expected, rtol=0.02)
    assert np.isnan(extinction([50, 20000])).all()


def test_few_faint_pixels_do_not_tell_the_noise():
    """Between stars, they differ much from their neighbors."""
    cube, truth = make_galaxy_cube((96, 96), random_state=0)
    expected = find_populations(truth, cube)
    spoiled = cube.data.copy()
    spoiled[2:7:2, 40] = spoiled.min(axis=(0, 1))
    spoiled[2:7:2, 39:42:2] = spoiled.max(axis=(0, 1))
    pieces = truth.copy()
    pieces[2:7:2, 40] = truth.max() + 1
    found = find_populations(pieces, cube.replace(data=spoiled))
    far = np.s_[20:]  # rows
    names = [
        np.array(populations.names, dtype=str)[populations.label_map[far]]
        for populations in (expected, found)
    ]
    assert np.mean(names[0] == names[1]) > 0.99

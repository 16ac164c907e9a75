# SPDX-License-Identifier: BSD-3-Clause
"""The table of connected pieces: what it measures, and what takes it."""

import numpy as np
import pytest
from astropy import units as u
from numpy.testing import assert_allclose
from scipy import ndimage

from skesom.cube import Cube
from skesom.io import read_catalog
from skesom.maps import crossmatch, find_pieces
from skesom.maps.pieces import number_largest
from tests.helpers.block_sizes import set_size


@pytest.fixture
def labels():
    """A field with an upright bar, and two pixels that touch by a corner."""
    labels = np.zeros((40, 30), dtype=int)
    labels[10:19, 5:8] = 1
    labels[30, 20] = labels[31, 21] = 1
    labels[:, 29] = -3
    return labels


@pytest.fixture
def cube(labels, sky_wcs):
    """Two bands with noise of standard deviation 2 and 0.5 on a slope."""
    rng = np.random.default_rng(3)
    rows, columns = np.indices(labels.shape)
    noise = rng.normal(size=(*labels.shape, 2)) * [2, 0.5]
    data = (100 + 5 * rows + 3 * columns)[:, :, np.newaxis] + noise
    return Cube(data, wcs=sky_wcs, band_names=["g", "r"], band_units=["mJy", "MJy/sr"])


def test_a_bar(labels, cube):
    table = find_pieces(labels, cube, min_size=2, names={1: "bar"})
    assert table["id"].tolist() == [1, 2]
    assert table["cluster"].tolist() == [0, 1]
    assert table["cluster_name"].tolist() == ["0", "bar"]
    bar = table[1]
    assert (bar["x"], bar["y"], bar["pixels"], bar["area"]) == (6, 14, 27, 27)
    place = cube.wcs.pixel_to_world(6, 14)
    assert_allclose([bar["ra"], bar["dec"]], [place.ra.deg, place.dec.deg])
    # The standard deviation of 1, ..., n is sqrt((n^2 - 1) / 12).
    assert_allclose(bar["semimajor_axis"], np.sqrt(80 / 12))
    assert_allclose(bar["semiminor_axis"], np.sqrt(8 / 12))
    assert abs(bar["orientation"]) == pytest.approx(90)
    inside = cube.data[10:19, 5:8].sum(axis=(0, 1))
    assert_allclose(bar["g_flux"], inside[0], rtol=1e-6)
    # A surface brightness times a square arcsec.
    per_pixel = (1 * u.arcsec**2).to_value(u.sr)
    assert_allclose(bar["r_flux"], inside[1] * per_pixel, rtol=1e-6)
    assert (table["g_flux"].unit, table["r_flux"].unit) == (u.mJy, u.MJy)
    left_out = "2 pieces of fewer than 2 pixels, 0.2% of the pixels in clusters"
    assert table.meta["left_out"] == left_out


def test_errors_from_the_scatter_are_those_of_the_noise(cube):
    labels = np.zeros(cube.shape[:2], dtype=int)
    table = find_pieces(labels, cube)
    assert "scatter" in table.meta["errors"]
    assert_allclose(table["g_error"], 2 * np.sqrt(labels.size), rtol=0.1)


def test_errors_of_the_cube_add_up(labels, cube):
    errors = np.full(cube.shape, 3.0)
    cube = cube.replace(data=cube.data, errors=errors)
    table = find_pieces(labels, cube, min_size=2)
    assert_allclose(table["g_error"][1], 3 * np.sqrt(27))
    assert "errors of the images" in table.meta["errors"]


def test_pixels_without_data_count_as_area_only(labels, cube):
    cube.data[10:19, 5, 0] = np.nan
    cube.data[10:19, 5:8, 1] = np.nan
    table = find_pieces(labels, cube, min_size=2)
    assert table["pixels"][1] == 27
    assert_allclose(table["g_flux"][1], cube.data[10:19, 6:8, 0].sum(), rtol=1e-6)
    assert np.isnan(table["r_flux"][1])
    assert np.isnan(table["r_error"][1])


def test_bands_do_not_depend_on_each_other(labels, cube):
    data = cube.data.copy()
    data[12, 6, 1] = np.nan
    cube = cube.replace(data=data)
    both = find_pieces(labels, cube, min_size=2)
    alone = find_pieces(labels, cube[:, :, 1:], min_size=2)
    names = [name for name in alone.colnames if name.startswith("r_")]
    assert len(names) == 2
    for name in names:
        assert_allclose(both[name], alone[name])


def test_agreement_is_averaged(labels, cube):
    agreement = np.where(labels == 1, 0.75, 0.5)
    table = find_pieces(labels, cube, agreement=agreement)
    assert table["agreement"].tolist() == [0.5, 0.75]


def test_blocks_change_nothing(labels, cube, monkeypatch):
    whole = find_pieces(labels, cube, min_size=1)
    for name, values in (("sums", cube.data[:7].size), ("block", labels[:7].size)):
        set_size(monkeypatch, name, values=values)
    parts = find_pieces(labels, cube, min_size=1)
    for name in set(whole.colnames) - {"cluster_name"}:
        assert_allclose(parts[name], whole[name], err_msg=name)


def test_shapes_are_those_of_photutils(cube):
    segmentation = pytest.importorskip("photutils.segmentation")
    rng = np.random.default_rng(1)
    labels = ndimage.gaussian_filter(rng.normal(size=cube.shape[:2]), 1.2) > 0
    table = find_pieces(labels.astype(int), cube, min_size=1)
    image, *_ = number_largest(labels.astype(int), 1, 10_000)
    segments = segmentation.SegmentationImage(image)
    known = segmentation.SourceCatalog(np.ones(image.shape), segments)
    for name in ("semimajor_axis", "semiminor_axis", "ellipticity"):
        assert_allclose(table[name], getattr(known, name).value, atol=1e-9)
    turned = np.asarray(table["orientation"]) - known.orientation.value
    long = np.asarray(table["ellipticity"]) > 1e-6
    assert_allclose(np.cos(2 * np.deg2rad(turned[long])), 1, atol=1e-9)
    assert 1 in table["pixels"]  # one pixel has the width of its sides
    assert table["semimajor_axis"][table["pixels"] == 1][0] ** 2 * 12 == pytest.approx(
        1
    )


def test_each_cluster_keeps_its_largest_piece(labels, cube):
    labels[labels == 1] = 0
    labels[30, 20] = 1
    table = find_pieces(labels, cube, min_size=500)
    assert table["cluster"].tolist() == [0, 1]
    many = np.indices(labels.shape).sum(axis=0) % 2
    table = find_pieces(many, cube, min_size=1, max_pieces=5)
    assert set(table["cluster"]) == {0, 1}
    assert len(table) == 6
    assert "1194 pieces of fewer than 2 pixels" in table.meta["left_out"]


def test_catalogs_take_the_table(labels, cube, tmp_path):
    table = find_pieces(labels, cube, min_size=1, names=["field", "bar"])
    catalog = read_catalog(table)
    assert catalog["type"].tolist() == ["field", "bar", "bar", "bar"]
    assert catalog["name"].tolist() == ["1", "2", "3", "4"]
    best = crossmatch(labels, table, wcs=cube.wcs).best()
    assert {row["type"]: row["cluster"] for row in best}["bar"] == 1


def test_a_map_without_sky_and_clusters():
    table = find_pieces(np.full((5, 5), -3), np.ones((5, 5, 1)))
    assert len(table) == 0
    table = find_pieces(np.zeros((5, 5), dtype=int), np.ones((5, 5, 1)))
    assert not {"ra", "dec", "area", "agreement"} & set(table.colnames)


def test_other_pixels_are_refused(labels, cube):
    with pytest.raises(ValueError, match="cube must have the pixels"):
        find_pieces(labels[1:], cube)
    with pytest.raises(ValueError, match="agreement must have the pixels"):
        find_pieces(labels, cube, agreement=np.ones((3, 3)))

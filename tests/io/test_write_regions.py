# SPDX-License-Identifier: BSD-3-Clause
"""Label maps go to DS9 as polygons, and come back pixel by pixel."""

import re

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.wcs import WCS
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_array_equal

from skesom.io import read_region_labels, write_regions

Regions = pytest.importorskip("regions").Regions

RING = np.array(
    [
        [0, 0, 0, 0, 0],
        [0, 1, 1, 1, 0],
        [0, 1, -3, 1, 0],
        [0, 1, 1, 1, 0],
        [0, 0, 0, 0, 0],
    ]
)


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """Return a path that may be written again and again."""
    return tmp_path_factory.mktemp("regions") / "clusters.reg"


def paint(path, shape, wcs=None):
    """Return the label map of a file, painted by the regions package alone."""
    painted = np.full(shape, -1)
    for region in Regions.read(str(path), format="ds9"):
        pixels = region if wcs is None else region.to_pixel(wcs)
        inside = pixels.to_mask(mode="center").to_image(shape) > 0
        assert (painted[inside] == -1).all(), "polygons overlap"
        painted[inside] = int(region.meta["text"])
    return painted


def make_projection(kind, shape):
    """Return a WCS in one of several frames and projections."""
    names = {
        "icrs": ("RA---TAN", "DEC--TAN", "ICRS"),
        "fk5": ("RA---SIN", "DEC--SIN", "FK5"),
        "fk4": ("RA---TAN", "DEC--TAN", "FK4"),
        "galactic": ("GLON-CAR", "GLAT-CAR", ""),
    }
    wcs = WCS(naxis=2)
    *wcs.wcs.ctype, wcs.wcs.radesys = names[kind]
    # Right ascension passes through zero in the middle of the image.
    wcs.wcs.crval = [0.0, 0.0] if kind == "galactic" else [0.0, -29.8]
    wcs.wcs.crpix = [shape[1] / 2, shape[0] / 2]
    wcs.wcs.cd = np.array([[-0.8, 0.6], [0.6, 0.8]]) * 0.04 / 3600
    wcs.wcs.set()
    return wcs


label_maps = arrays(
    np.int32,
    array_shapes(min_dims=2, max_dims=2, max_side=12),
    elements=st.sampled_from([-3, -1, 0, 1, 4]),
)


@given(label_maps)
@settings(deadline=None)
def test_pixels_come_back_from_image_coordinates(place, labels):
    if (labels < 0).all():
        return
    write_regions(place, labels, min_size=1, overwrite=True)
    expected = np.where(labels < 0, -1, labels)
    assert_array_equal(paint(place, labels.shape), expected)
    assert_array_equal(read_region_labels(place, labels.shape).label_map, expected)


@given(label_maps, st.sampled_from(["icrs", "fk5", "fk4", "galactic"]))
@settings(deadline=None, max_examples=30)
def test_pixels_come_back_from_the_sky(place, labels, kind):
    if (labels < 0).all():
        return
    wcs = make_projection(kind, labels.shape)
    write_regions(place, labels, wcs=wcs, min_size=1, overwrite=True)
    expected = np.where(labels < 0, -1, labels)
    assert_array_equal(paint(place, labels.shape, wcs), expected)
    result = read_region_labels(place, labels.shape, wcs=wcs).label_map
    assert_array_equal(result, expected)


def test_pixels_come_back_through_distortion(place, global_random_seed):
    labels = np.random.default_rng(global_random_seed).integers(-1, 3, (16, 20))
    wcs = make_projection("icrs", labels.shape)
    header = wcs.to_header(relax=True)
    header.update({"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP"})
    header.update({"A_ORDER": 2, "A_2_0": 1e-3, "B_ORDER": 2, "B_0_2": -1e-3})
    distorted = WCS(header)
    assert distorted.has_distortion
    write_regions(place, labels, wcs=distorted, min_size=1, overwrite=True)
    assert_array_equal(paint(place, labels.shape, distorted), labels)


@pytest.mark.parametrize(
    ("kind", "frame"),
    [("icrs", "icrs"), ("fk5", "fk5"), ("galactic", "galactic"), ("fk4", "icrs")],
)
def test_frame_is_that_of_the_map_if_ds9_knows_it(place, kind, frame):
    write_regions(
        place, RING, wcs=make_projection(kind, RING.shape), min_size=1, overwrite=True
    )
    assert place.read_text().splitlines()[2] == frame


def test_corners_are_at_the_right_place_on_the_sky(place):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [10, 0]
    wcs.wcs.crpix = [1, 1]
    wcs.wcs.cdelt = [-0.01, 0.01]
    write_regions(place, [[0]], wcs=wcs, min_size=1, overwrite=True)
    (region,) = Regions.read(str(place), format="ds9")
    # Half a pixel to the north-east, at the equator.
    corner = SkyCoord(10.005, 0.005, unit="deg")
    assert region.vertices.separation(corner).arcsec.min() < 0.04
    assert len(region.vertices) == 4


def test_a_ring_is_one_polygon_and_so_is_what_it_encloses(place):
    labels = np.where(RING < 0, 2, RING)
    write_regions(place, labels, min_size=1, overwrite=True)
    lines = place.read_text().splitlines()
    assert sum(line.startswith("polygon") for line in lines) == 3
    assert not any(line.startswith("-") for line in lines)


def length_of(path):
    """Return the length of the outlines of a file in pixels."""
    total = 0.0
    for region in Regions.read(str(path), format="ds9"):
        x, y = region.vertices.x, region.vertices.y
        total += np.hypot(x - np.roll(x, 1), y - np.roll(y, 1)).sum()
    return total


def test_cuts_end_at_the_next_outline(place):
    """Two holes in a row, of which the first is four pixels from the edge."""
    labels = np.zeros((20, 20), dtype=int)
    labels[9, 4] = labels[9, 8] = -1
    write_regions(place, labels, min_size=1, overwrite=True)
    # The frame, two holes, and cuts of four and three pixels there and back.
    assert length_of(place) == 80 + 2 * 4 + 2 * (4 + 3)
    assert place.read_text().count("polygon(") == 1


@pytest.mark.parametrize("turns", range(4))
def test_holes_of_any_shape_make_one_polygon(place, turns):
    """Rings that are open to one side, and holes that touch at corners, around them."""
    labels = np.zeros((41, 41), dtype=int)
    labels[20, [17, 23]] = labels[[17, 23], 20] = -1
    labels[5:12, 5:12] = -1
    labels[6:11, 6:12] = labels[12, 12] = 0
    labels[[30, 31, 32, 31], [30, 31, 30, 29]] = -1
    labels = np.rot90(labels, turns)
    write_regions(place, labels, min_size=1, overwrite=True)
    assert_array_equal(paint(place, labels.shape), labels)
    # One pixel lies alone in four holes that touch at corners.
    assert place.read_text().count("polygon(") == 2


def test_pieces_that_touch_at_a_corner_are_two(place):
    write_regions(place, [[0, -1], [-1, 0]], min_size=1, overwrite=True)
    assert place.read_text().count("polygon(") == 2


def test_small_pieces_are_left_out(place):
    labels = np.full((6, 8), -3)
    labels[:3, :4] = 0  # twelve pixels
    labels[4, :5] = 0  # five
    labels[5, 7] = 1
    for min_size, expected in [(1, [0, 0, 1]), (5, [0, 0]), (6, [0]), (12, [0])]:
        write_regions(place, labels, min_size=min_size, overwrite=True)
        regions = Regions.read(str(place), format="ds9")
        assert [int(region.meta["text"]) for region in regions] == expected


def test_names_and_colors_are_kept(place):
    names = {0: "young arm (1)", 1: "H II, 'core' # 2"}
    colors = {0: (1, 0.5, 0, 1), 1: "cyan"}
    write_regions(place, RING, names=names, colors=colors, min_size=1, overwrite=True)
    result = read_region_labels(place, RING.shape)
    assert_array_equal(result.label_map, np.where(RING < 0, -1, RING))
    assert result.names == names
    assert result.colors == {0: "#ff8000", 1: "cyan"}


@given(
    st.text(
        st.characters(exclude_categories=["C", "Z"], exclude_characters="{};"),
        min_size=1,
    )
)
@example("1\N{TAMIL DIGIT ZERO}")  # a number in Python
@example("1E100")  # an integer in the package, too large for NumPy
@settings(deadline=None)
def test_any_name_comes_back(place, name):
    write_regions(place, [[0]], names=[name], min_size=1, overwrite=True)
    assert list(read_region_labels(place, (1, 1)).names.values()) == [name]


def test_default_colors_differ(place):
    labels = np.arange(40).reshape(5, 8)
    write_regions(place, labels, min_size=1, overwrite=True)
    colors = read_region_labels(place, labels.shape).colors
    assert len(set(colors.values())) == 40


def test_nothing_is_left_behind_when_writing_fails(tmp_path):
    path = tmp_path / "clusters.reg"
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="allow to overwrite"):
        write_regions(path, RING, min_size=1)
    # The second label is the one without a name: the first is written by then.
    with pytest.raises(ValueError, match="no entry for label 1"):
        write_regions(path, RING, names=["a"], min_size=1, overwrite=True)
    assert [file.name for file in tmp_path.iterdir()] == ["clusters.reg"]
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"content": np.full((2, 2), -3)}, "nothing to write. Lower min_size"),
        ({"content": np.zeros((2, 2), int), "min_size": 5}, "min_size=5 pixels"),
        ({"content": np.zeros((2, 2))}, "must hold integers"),
        ({"content": np.zeros(4, int)}, "must have two axes"),
        ({"names": ["a", "b}"]}, "label 1 holds braces"),
        ({"names": ["a;", "b"]}, "label 0 holds braces, semicolons"),
        ({"names": {0: "a"}}, "names has no entry for label 1"),
        ({"colors": ["red"]}, "colors has no entry for label 1"),
        ({"colors": ["red", "#12"]}, "color of label 1 must be a name"),
        ({"colors": [(0, 0, 2), "red"]}, "color of label 0 must be"),
        ({"wcs": WCS(naxis=2)}, "no celestial axes"),
    ],
)
def test_bad_input_is_named(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        write_regions(
            tmp_path / "a.reg", **{"content": RING, "min_size": 1} | arguments
        )
    assert not list(tmp_path.iterdir())


def test_pixels_beyond_the_sky_are_named(tmp_path):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["GLON-AIT", "GLAT-AIT"]
    wcs.wcs.crpix = [10.5, 5.5]
    wcs.wcs.cdelt = [-18, 18]
    with pytest.raises(ValueError, match=r"outside the sky.*column -0.5, row -0.5"):
        write_regions(tmp_path / "a.reg", np.zeros((10, 20), int), wcs=wcs)
    write_regions(tmp_path / "a.reg", np.zeros((10, 20), int))


class TestSmoothed:
    """Outlines as smooth as the images."""

    @pytest.fixture
    def discs(self):
        """A ring and the disc in it, each pixel in twenty in the other cluster."""
        rows, columns = np.indices((80, 90))
        away = np.hypot(rows - 40, columns - 45)
        labels = np.where(away < 30, np.where(away < 12, 1, 0), -3)
        flipped = np.random.default_rng(0).random(labels.shape) < 0.05
        return labels, np.where(flipped & (labels >= 0), 1 - labels, labels)

    def test_holds_the_pixels_without_specks(self, place, discs):
        truth, noisy = discs
        options = {"smoothing": 1.5, "min_size": 14, "overwrite": True}
        write_regions(place, noisy, **options)
        found = paint(place, truth.shape)
        # A pixel at the border may lie on the other side: 264 of 2827 touch it.
        assert (found == np.maximum(truth, -1)).mean() > 0.99
        # The ring, cut to its hole, and the disc.
        assert place.read_text().count("polygon") == 2

    def test_has_few_corners_and_few_digits(self, place, discs, sky_wcs):
        truth, _ = discs
        sizes = {}
        for smoothing in (0, 1.5):
            options = {"smoothing": smoothing, "wcs": sky_wcs, "overwrite": True}
            write_regions(place, truth, **options)
            sizes[smoothing] = len(place.read_text())
        assert sizes[1.5] < sizes[0] / 2
        # 0.1 pixel of an arcsec is 2.8e-5 degrees.
        assert len(re.search(r"\d\.(\d+),", place.read_text())[1]) == 5

    def test_no_cluster_is_lost(self, place):
        labels = np.zeros((40, 40), dtype=int)
        labels[20, 5:35] = 1  # a line, thinner than the point-spread function
        labels[5, 5] = 2
        options = {"smoothing": 2.0, "min_size": 25, "overwrite": True}
        write_regions(place, labels, **options)
        regions = Regions.read(str(place), format="ds9")
        assert {region.meta["tag"][0] for region in regions} == {"0", "1", "2"}

    def test_large_maps_are_thinned_to_the_same_place(self, place, discs, monkeypatch):
        truth, _ = discs
        large = np.repeat(np.repeat(truth, 3, axis=0), 3, axis=1)
        monkeypatch.setattr("skesom.io.smooth_outlines._MOST_PIXELS", truth.size)
        write_regions(place, large, smoothing=2.0, overwrite=True)
        found = paint(place, large.shape)
        assert (found == np.maximum(large, -1)).mean() > 0.98

    def test_more_corners_than_wanted_are_left_out(self, place, discs, monkeypatch):
        truth, _ = discs
        write_regions(place, truth, smoothing=1.5, overwrite=True)
        before = place.read_text().count(",")
        monkeypatch.setattr("skesom.io.smooth_outlines._MOST_CORNERS", 30)
        write_regions(place, truth, smoothing=1.5, overwrite=True)
        assert place.read_text().count(",") < before
        found = paint(place, truth.shape)
        assert (found == np.maximum(truth, -1)).mean() > 0.95

    def test_small_pieces_have_no_text_but_a_tag(self, place):
        labels = np.zeros((20, 20), dtype=int)
        labels[:3, :4] = 1
        write_regions(place, labels, text_size=13, overwrite=True)
        lines = place.read_text().splitlines()
        assert [("text={" in line, "tag={" in line) for line in lines[-2:]] == [
            (True, True),
            (False, True),
        ]

    @pytest.mark.parametrize("smoothing", [-1, float("nan")])
    def test_smoothing_is_no_number_from_0(self, place, smoothing):
        with pytest.raises(ValueError, match="smoothing must be a number from 0"):
            write_regions(place, RING, smoothing=smoothing, overwrite=True)


def test_objects_have_the_colors_that_are_given(tmp_path):
    objects = Table({"x": [1.0, 2.0], "y": [3.0, 4.0], "type": ["arm", "sky"]})
    path = tmp_path / "objects.reg"
    write_regions(path, objects, colors={"arm": (1, 0, 0), "sky": "blue"})
    colors = re.findall(r"color=(\S+) tag", path.read_text())
    assert colors == ["#ff0000", "blue"]
    with pytest.raises(ValueError, match="colors has no entry"):
        write_regions(path, objects, colors={}, overwrite=True)

# SPDX-License-Identifier: BSD-3-Clause
"""Regions of DS9 and CRTF files as masks and label maps."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skesom.cube import Cube, CubeMasker
from skesom.io import read_region_labels
from skesom.io.regions import read_regions

regions = pytest.importorskip("regions")

SHAPE = (20, 30)


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file and returns its path."""

    def write(text, name="drawn.reg"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def read_mask(*where, **options):
    """Return the pixels of regions, whatever their names."""
    return read_region_labels(*where, name_by=None, **options).mask


def disc(x, y, radius):
    """Return the pixels of a circle around a DS9 position, which counts from 1."""
    rows, columns = np.indices(SHAPE)
    return (columns + 1 - x) ** 2 + (rows + 1 - y) ** 2 < radius**2


# ---------------------------------------------------------------- files


def test_shapes_hold_the_pixels_that_geometry_says(write):
    rows, columns = np.indices(SHAPE)
    shapes = {
        "circle(10,8,4.2)": disc(10, 8, 4.2),
        "annulus(10,8,2.1,4.2)": disc(10, 8, 4.2) & ~disc(10, 8, 2.1),
        "box(10,8,4.5,2.5,0)": (abs(columns - 9) < 2.25) & (abs(rows - 7) < 1.25),
        "box(10,8,4.5,2.5,90)": (abs(rows - 7) < 2.25) & (abs(columns - 9) < 1.25),
        "ellipse(10,8,6.1,3.1,0)": ((columns - 9) / 6.1) ** 2 + ((rows - 7) / 3.1) ** 2
        < 1,
        "polygon(0.6,0.6,11.6,0.6,0.6,11.6)": (rows + columns < 10.2),
        "point(10,8)": (columns == 9) & (rows == 7),
        "point(10.4,7.6)": (columns == 9) & (rows == 7),
    }
    for shape, expected in shapes.items():
        path = write(f"image\n{shape}\n")
        assert_array_equal(read_mask(path, SHAPE), expected, err_msg=shape)


def test_regions_on_the_sky_need_the_wcs_and_use_it(write, make_wcs):
    wcs = make_wcs(SHAPE)
    center = wcs.pixel_to_world(9, 7)
    text = f'icrs\ncircle({center.ra.deg:.8f},{center.dec.deg:.8f},2.1") # text={{a}}'
    path = write(text)
    # A pixel is half an arcsecond.
    expected = disc(10, 8, 4.2)
    assert_array_equal(read_mask(path, SHAPE, wcs=wcs), expected)
    cube = Cube(np.zeros((*SHAPE, 2)), wcs=wcs)
    assert_array_equal(read_mask(path, cube), expected)
    label_map, names, colors = read_region_labels(path, cube)
    assert_array_equal(label_map, np.where(expected, 0, -1))
    assert label_map.dtype == np.int32
    assert (names, colors) == ({0: "a"}, {0: "green"})
    with pytest.raises(
        ValueError, match=r"Region 1 of .*drawn.reg \(circle 'a'\) lies on the sky"
    ):
        read_region_labels(path, SHAPE)


def test_crtf_gives_the_same_as_ds9(write, make_wcs):
    wcs = make_wcs(SHAPE)
    center = wcs.pixel_to_world(9, 7)
    place = f"[{center.ra.deg:.8f}deg, {center.dec.deg:.8f}deg]"
    text = "\n".join(
        [
            "#CRTFv0",
            "global coord=ICRS, color=blue",
            f"circle[{place}, 2.1arcsec], label='disc', color=red",
            "ann circle[[1deg, 1deg], 2arcsec]",
            "circle[[19pix, 14pix], 3.3pix], coord=image, label='other'",
            f"-circle[{place}, 1.1arcsec]",
        ]
    )
    result = read_region_labels(write(text, "drawn.crtf"), SHAPE, wcs=wcs)
    expected = np.where(disc(20, 15, 3.3), 1, np.where(disc(10, 8, 4.2), 0, -1))
    expected[disc(10, 8, 2.2)] = -1
    assert_array_equal(result.label_map, expected)
    assert result.names == {0: "disc", 1: "other"}
    assert result.colors == {0: "red", 1: "blue"}


def test_excluded_regions_take_pixels_from_all_others(write):
    path = write("image\n-circle(10,8,2.2)\ncircle(10,8,4.2) # text={a}\n")
    expected = disc(10, 8, 4.2) & ~disc(10, 8, 2.2)
    assert_array_equal(read_mask(path, SHAPE), expected)
    result = read_region_labels(path, SHAPE).label_map
    assert_array_equal(result, np.where(expected, 0, -1))


def test_excluded_regions_alone_leave_the_rest_of_the_image(write):
    path = write("image\n-circle(10,8,2.2)\n")
    assert_array_equal(read_mask(path, SHAPE), ~disc(10, 8, 2.2))


def test_a_mask_goes_into_the_masker(write):
    cube = np.random.default_rng(0).normal(size=(*SHAPE, 2))
    mask = read_mask(write("image\ncircle(10,8,2.2)\n"), SHAPE)
    masker = CubeMasker(exclude=mask).fit(cube)
    assert_array_equal(masker.mask_, mask)


def test_a_region_much_larger_than_the_image_costs_no_memory(write):
    path = write("image\ncircle(10,8,1e9) # text={a}\n")
    assert read_mask(path, SHAPE).all()


# ---------------------------------------------------------------- labels

NESTED = """image
circle(10,8,6) # text={disc} color=yellow
circle(10,8,3) # text={nucleus} color=#ff0000
circle(24,14,3) # text={disc} color=blue
"""


def test_the_last_region_wins(write):
    result = read_region_labels(write(NESTED), SHAPE)
    expected = np.full(SHAPE, -1)
    expected[disc(10, 8, 6) | disc(24, 14, 3)] = 0
    expected[disc(10, 8, 3)] = 1
    assert_array_equal(result.label_map, expected)
    assert result.names == {0: "disc", 1: "nucleus"}
    assert result.colors == {0: "yellow", 1: "#ff0000"}


def test_disputed_pixels_may_stay_unlabeled(write):
    path = write(NESTED + "circle(24,14,2) # text={disc}\n")
    result = read_region_labels(path, SHAPE, overlap="unlabeled")
    expected = np.full(SHAPE, -1)
    expected[disc(10, 8, 6) & ~disc(10, 8, 3) | disc(24, 14, 3)] = 0
    assert_array_equal(result.label_map, expected)


def test_names_fix_the_labels(write):
    path = write(NESTED)
    names = ["sky", "nucleus", "disc"]
    for known in (names, dict(enumerate(names))):
        result = read_region_labels(path, SHAPE, names=known)
        assert result.label_map[7, 9] == 1
        assert result.label_map[13, 23] == 2
        assert result.names == dict(enumerate(names))
        assert result.colors == {1: "#ff0000", 2: "yellow"}
    with pytest.raises(
        ValueError, match=r"Region 2 of .*\(circle 'nucleus'\) is named 'nucleus', whi"
    ):
        read_region_labels(path, SHAPE, names=["sky", "disc"])
    with pytest.raises(ValueError, match="names must be unique"):
        read_region_labels(path, SHAPE, names=["disc", "disc"])


def test_whole_numbers_are_labels_unless_one_name_is_none(write):
    path = write("image\ncircle(10,8,3) # text={7}\ncircle(24,14,3) # text={2}\n")
    result = read_region_labels(path, SHAPE)
    assert result.names == {2: "2", 7: "7"}
    assert result.label_map[7, 9] == 7
    path = write("image\ncircle(10,8,3) # text={7}\ncircle(24,14,3) # text={b}\n")
    assert read_region_labels(path, SHAPE).names == {0: "7", 1: "b"}


def test_tags_and_colors_may_be_the_names(write):
    path = write(
        "image\ncircle(10,8,3) # color=red tag={arm 1} tag={x}\n"
        "circle(24,14,3) # color=red tag={arm 2}\n"
    )
    assert read_region_labels(path, SHAPE, name_by="tag").names == {
        0: "arm 1",
        1: "arm 2",
    }
    by_color = read_region_labels(path, SHAPE, name_by="color")
    assert by_color.names == {0: "red"}
    assert_array_equal(
        by_color.label_map, np.where(disc(10, 8, 3) | disc(24, 14, 3), 0, -1)
    )
    with pytest.raises(ValueError, match=r"Region 1 of .*\(circle\) has no text"):
        read_region_labels(path, SHAPE)


def test_regions_in_memory_are_taken_too():
    drawn = regions.Regions.parse(NESTED, format="ds9")
    result = read_region_labels(drawn, SHAPE)
    assert result.names == {0: "disc", 1: "nucleus"}
    one = regions.CirclePixelRegion(regions.PixCoord(9, 7), 3)
    assert_array_equal(read_mask(one, SHAPE), disc(10, 8, 3))
    with pytest.raises(ValueError, match=r"Region 1 \(circle\) has no text"):
        read_region_labels(one, SHAPE)
    with pytest.raises(ValueError, match="Entry 2 of the regions is a str"):
        read_mask([one, "a"], SHAPE)
    with pytest.raises(ValueError, match="no region in the list"):
        read_mask([], SHAPE)


# ---------------------------------------------------------------- bad input


def test_a_region_outside_the_image_is_named_or_ignored(write):
    path = write(NESTED + "circle(100,8,3) # text={far}\n")
    with pytest.raises(
        ValueError, match=r"Region 4 of .*drawn.reg \(circle 'far'\) lies outside"
    ):
        read_region_labels(path, SHAPE)
    result = read_region_labels(path, SHAPE, empty="ignore")
    assert result.names == {0: "disc", 1: "nucleus", 2: "far"}
    assert not (result.label_map == 2).any()


def test_a_region_between_the_pixels_is_named_or_ignored(write):
    path = write("image\ncircle(10.5,8.5,.3) # text={tiny}\npoint(3,3) # text={b}\n")
    with pytest.raises(ValueError, match=r"'tiny'.*holds the center of no pixel"):
        read_region_labels(path, SHAPE)
    label_map = read_region_labels(path, SHAPE, empty="ignore").label_map
    assert (label_map >= 0).sum() == 1


@pytest.mark.parametrize("read", [read_region_labels, read_mask])
def test_it_is_an_error_if_no_pixel_is_left(write, read):
    far = write("image\ncircle(100,8,3) # text={far}\n")
    with pytest.raises(ValueError, match=r"drawn.reg hold no pixel of the image of 20"):
        read(far, SHAPE, empty="ignore")
    gone = write("image\ncircle(10,8,3) # text={a}\n-circle(10,8,4)\n")
    with pytest.raises(ValueError, match="hold no pixel"):
        read(gone, SHAPE)


def test_a_region_on_the_far_side_of_the_sky_is_outside(write, make_wcs):
    path = write(NESTED + 'icrs\ncircle(20.0,29.0,5") # text={far}\n')
    wcs = make_wcs(SHAPE)
    with pytest.raises(ValueError, match=r"'far'\) lies outside of the image"):
        read_region_labels(path, SHAPE, wcs=wcs)
    seen = read_region_labels(write(NESTED, "seen.reg"), SHAPE).label_map
    result = read_region_labels(path, SHAPE, wcs=wcs, empty="ignore")
    assert_array_equal(result.label_map, seen)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("panda(10,8,0,360,3,1,5,1)", "not supported"),
        ("blob(10,8,3)", "not a valid"),
        ("circle(10,8)", ""),
        ("circle(ten,8,3)", ""),
        ("circle(10,8,-3)", "radius"),
        ("physical", "not supported"),
    ],
)
def test_lines_that_cannot_be_read_are_named(write, line, reason):
    path = write(f"# Region file\nimage\ncircle(10,8,3)\n\n{line}\npoint(3,3)\n")
    with pytest.raises(ValueError, match=rf"drawn.reg, line 5 \(.*{reason}"):
        read_regions(path)


def test_a_region_without_coordinate_system_is_named(write):
    with pytest.raises(ValueError, match=r"line 1 .*coordinate frame was not found"):
        read_regions(write("circle(10,8,3)\n"))


def test_a_bad_line_of_a_crtf_file_is_named(write):
    path = write("#CRTFv0\ncircle[[10pix, 8pix], 3pix]\nblob[[10pix, 8pix], 3pix]\n")
    with pytest.raises(ValueError, match=r"line 3 .* as CRTF"):
        read_regions(path)


def test_properties_that_mean_nothing_here_are_no_error(write):
    path = write("image\ncircle(10,8,3) # color=red color=blue line=1 1 point=X dash=1")
    assert len(read_regions(path)) == 1


def test_annotations_are_left_out(write):
    path = write("image\n# text(3,3) text={north}\n# ruler(1,1,5,5)\ncircle(10,8,3)\n")
    (region,) = read_regions(path)
    assert isinstance(region, regions.CirclePixelRegion)


def test_shapes_without_area_are_named(write):
    path = write("image\nline(1,1,5,5) # text={slit}\n")
    with pytest.raises(ValueError, match=r"Region 1 .*\(line 'slit'\) has no area"):
        read_mask(path, SHAPE)


def test_other_files_are_refused(write, tmp_path):
    with pytest.raises(ValueError, match="holds no region in the DS9"):
        read_regions(write("# nothing here\n"))
    binary = tmp_path / "image.fits"
    binary.write_bytes(bytes(range(256)))
    with pytest.raises(ValueError, match=r"image.fits is not a region file"):
        read_regions(binary)
    with pytest.raises(FileNotFoundError, match=r"missing.reg"):
        read_regions(tmp_path / "missing.reg")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image": np.zeros(SHAPE)}, "image must be a Cube or the shape"),
        ({"image": (5,)}, "image must be a Cube or the shape"),
        ({"overlap": "first"}, "overlap must be"),
        ({"name_by": "font"}, "name_by must be"),
        ({"empty": "skip"}, "empty must be"),
    ],
)
def test_bad_parameters_are_named(write, options, message):
    with pytest.raises(ValueError, match=message):
        read_region_labels(write(NESTED), **{"image": SHAPE} | options)


def test_the_missing_extra_is_named(write, monkeypatch):
    monkeypatch.setitem(sys.modules, "regions", None)
    with pytest.raises(ImportError, match=r"pip install 'skesom\[regions\]'"):
        read_regions(write(NESTED))

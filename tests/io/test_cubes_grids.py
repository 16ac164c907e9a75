# SPDX-License-Identifier: BSD-3-Clause
"""Several pixel grids: one cube for each; several HDUs of one file."""

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans

from skesom.cube import CubeAligner
from skesom.io import read_cube, read_region_labels, write_bands
from skesom.maps import CubeClusterer
from skesom.pixels import cluster_table


@pytest.fixture
def write(tmp_path, make_wcs):
    """Return a function that writes a constant image of a pixel size, or without."""

    def write_file(name, value, shape, size=None, **cards):
        hdu = fits.PrimaryHDU(np.full(shape, value, dtype=np.float32))
        if size is not None:
            hdu.header.update(make_wcs(shape, size).to_header())
        hdu.header.update(cards)
        errors = fits.ImageHDU(hdu.data / 10, name="ERR")
        path = tmp_path / f"{name}.fits"
        fits.HDUList([hdu, errors]).writeto(path)
        return path

    return write_file


@pytest.fixture
def two_grids(write):
    """Return files on a coarse and a fine grid, interleaved: c1, f1, f2, c2."""
    return [
        write("c1", 1, (10, 11), 1.0, BUNIT="Jy"),
        write("f1", 2, (40, 44), 0.25, BUNIT="mJy", PHOTPLAM=5000.0),
        write("f2", 3, (40, 44), 0.25, BUNIT="Jy"),
        write("c2", 4, (10, 11), 1.0),
    ]


def test_one_cube_for_each_grid(two_grids):
    cubes = read_cube(
        two_grids,
        errors="auto",
        band_names=["a", "b", "c", "d"],
        fwhm=[5, 6, 7, 8],
    )
    assert isinstance(cubes, list)
    coarse, fine = cubes
    assert coarse.shape == (10, 11, 2)
    assert fine.shape == (40, 44, 2)
    assert coarse.band_names == ("a", "d")
    assert fine.band_names == ("b", "c")
    assert coarse.band_units == (units.Jy, None)
    assert fine.band_units == (units.mJy, units.Jy)
    assert_array_equal(coarse.fwhm, [5, 8])
    assert_array_equal(fine.fwhm, [6, 7])
    assert coarse.band_coordinates is None
    assert_array_equal(fine.band_coordinates.to_value("Angstrom"), [5000, np.nan])
    for cube, values in ((coarse, [1, 4]), (fine, [2, 3])):
        assert_array_equal(cube.data, np.broadcast_to(values, cube.shape))
        assert_array_equal(cube.errors, cube.data / 10)


def test_the_list_can_be_aligned_later(two_grids):
    cubes = read_cube(two_grids, fwhm=[9, 6, 7, 8])
    cube = CubeAligner(conserve="surface brightness").fit_transform(cubes)
    assert cube.shape == (10, 11, 4)
    assert cube.dtype == np.float32
    assert cube.band_names == ("c1", "c2", "f1", "f2")
    assert cube.band_units == (units.Jy, None, units.mJy, units.Jy)
    assert_array_equal(cube.fwhm, [9, 8, 6, 7])
    assert_allclose(cube.data[5, 5], [1, 4, 2, 3], rtol=1e-6)


def test_one_grid_is_one_cube(two_grids):
    for order in ("given", "wavelength", [1, 0]):
        cube = read_cube(two_grids[1:3], order=order)
        assert set(cube.band_names) == {"f1", "f2"}


@pytest.mark.parametrize(
    "step",
    [
        lambda cubes, path: CubeClusterer(KMeans()).fit(cubes),
        lambda cubes, path: write_bands(path, cubes),
        lambda cubes, path: cluster_table(np.zeros((10, 11), dtype=int), cubes),
        lambda cubes, path: read_region_labels(path, cubes),
    ],
)
def test_steps_that_take_one_cube_say_what_to_do(two_grids, tmp_path, step):
    with pytest.raises(
        ValueError, match=r"several grids: .*CubeAligner\(\)\.fit_transform\(cubes\)"
    ):
        step(read_cube(two_grids), tmp_path)


def test_grids_without_a_wcs_are_told_apart_by_their_shape(write):
    paths = [write("a", 1, (4, 5)), write("b", 2, (6, 5)), write("c", 3, (4, 5))]
    cubes = read_cube(paths)
    assert [cube.band_names for cube in cubes] == [("a", "c"), ("b",)]
    with pytest.raises(ValueError, match="WCS"):
        CubeAligner().fit_transform(cubes)


def test_an_image_without_a_wcs_among_several_grids(two_grids, write):
    cubes = read_cube([*two_grids, write("x", 5, (10, 11))])
    assert [cube.band_names for cube in cubes] == [("c1", "c2"), ("f1", "f2"), ("x",)]
    assert cubes[2].wcs is None
    with pytest.raises(ValueError, match="WCS"):
        CubeAligner().fit_transform(cubes)


def test_an_image_without_a_wcs_joins_the_only_grid(write):
    paths = [write("a", 1, (4, 5), 1.0), write("b", 2, (4, 5))]
    with pytest.warns(UserWarning, match=r"b\.fits without a WCS: taken to lie on"):
        cube = read_cube(paths)
    assert cube.band_names == ("a", "b")


# ---------------------------------------------------------------- several HDUs


@pytest.fixture
def mosaic(tmp_path):
    """Return a file with one extension per filter, and things that are no bands."""
    hdus = [fits.PrimaryHDU()]
    for number, name in enumerate(["F438W", "WHT", "SCI", "F814W", "F814W_DQ", "PSF"]):
        hdus.append(fits.ImageHDU(np.full((3, 4), float(number)), name=name))
    hdus[3].header["FILTER"] = "F502N"
    fits.HDUList(hdus).writeto(tmp_path / "mosaic.fits")
    return tmp_path / "mosaic.fits"


def test_all_images_of_a_file(mosaic):
    cube = read_cube(mosaic, hdu="all")
    assert cube.band_names == ("F438W", "F502N", "F814W")
    assert_array_equal(cube.data[0, 0], [0, 2, 3])


def test_listed_images_of_a_file(mosaic):
    cube = read_cube(mosaic, hdu=["F814W", 3, "F438W"])
    assert cube.band_names == ("F814W", "F502N", "F438W")
    assert_array_equal(cube.data[0, 0], [3, 2, 0])
    cube = read_cube([f"{mosaic}[1]", f"{mosaic}[SCI]"], hdu="all")
    assert cube.band_names == ("F438W", "F502N")


def test_images_of_a_file_are_named_in_messages(mosaic):
    with pytest.raises(ValueError, match=r"mosaic\.fits\[1\] is given twice"):
        read_cube([mosaic, f"{mosaic}[1]"], hdu=["SCI", 1])
    with pytest.raises(ValueError, match=r"mosaic\.fits has no HDU 'F555W': its HDUs"):
        read_cube(mosaic, hdu=["SCI", "F555W"])

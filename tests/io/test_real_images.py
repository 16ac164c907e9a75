# SPDX-License-Identifier: BSD-3-Clause
"""Real files from many archives: each loads, or fails with one clear line."""

import contextlib
import re

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal

from skesom.cube import Cube, CubeAligner
from skesom.io import read_cube, read_map, write_bands, write_map

# Shape of the cube and whether it has a WCS.
LOADS = {
    "awkward/blank_int16.fits": ((20, 20, 1), True),
    "awkward/float64.fits": ((50, 50, 1), False),
    "awkward/int16.fits": ((50, 50, 1), False),
    "awkward/multi_extension.fits": ((40, 40, 1), False),
    "awkward/multi_extension.fits[SCI,2]": ((40, 40, 1), True),
    "awkward/no_wcs.fits": ((512, 512, 1), False),
    "awkward/rice_compressed.fits": ((300, 300, 1), True),
    "awkward/science_mef.fits": ((10, 10, 1), False),
    "awkward/sip_wcs.fits": ((50, 100, 1), True),
    "kids_viking9/*.fits": ((600, 600, 9), False),
    "m101/m101HI.fits": ((679, 679, 1), True),
    "m101/*.fits": ((530, 530, 2), True),
    "m83/m83_hubble_rgb_wcs.fits": ((833, 1280, 3), True),
    "ngc5584/*_crop.fits": ((140, 140, 4), True),
    "ngc5584/ngc5584_cube_18arcsec.fits": ((80, 80, 4), True),
    "psfs_wfc3_uvis/*[!3]n.fits": ((149, 149, 3), False),
    "psfs_wfc3_uvis/wfc3_uvis_f373n.fits": ((149, 149, 1), False),
    "psfs_wfc3_uvis/wfc3_uvis_f673n.fits": ((148, 148, 1), False),
    "psfs_wfc3_uvis/*w.fits": ((149, 149, 4), False),
    "threegrid_G202627/*.fits": ((82, 82, 3), True),
}
FAILS = {
    "awkward/not_fits.fits": (OSError, r"not_fits\.fits is not a readable FITS file"),
    "awkward/four_axes_dec_first.fits": (
        ValueError,
        r"dec_first\.fits has 4 axes \(36",
    ),
    "m83/hbetaSample.jpg": (OSError, r"hbetaSample\.jpg is not a readable FITS file"),
    "m83/*.reg": (OSError, r"REGION\.reg is not a readable FITS file"),
}


def find(folder, pattern):
    """Return the files of a pattern; brackets with a comma are an HDU."""
    if "," in pattern:
        return [f"{folder}/{pattern}"]
    return sorted(folder.glob(pattern))


def read_aligned(paths):
    """Return the cube of images on one grid or on several."""
    cubes = read_cube(paths)
    if isinstance(cubes, Cube):
        return cubes
    return CubeAligner(conserve="surface brightness").fit_transform(cubes)


def _warning_of(pattern):
    """Expect that the turned image with the cards of the original's plate is named."""
    if pattern not in ("m101/m101HI.fits", "m101/*.fits"):
        return contextlib.nullcontext()
    return pytest.warns(UserWarning, match="m101HI.fits: the cards of .* the plate")


@pytest.fixture(scope="module")
def m101(shared_data):
    """An image and the same turned, on the pixels of the first, and what was said."""
    with _warning_of("m101/*.fits") as said:
        cube = read_aligned(find(shared_data, "m101/*.fits"))
    return cube, str(said[0].message)


@pytest.mark.parametrize("pattern", LOADS)
def test_loads(shared_data, pattern, tmp_path, request):
    if pattern == "m101/*.fits":
        cube, _ = request.getfixturevalue("m101")
    else:
        with _warning_of(pattern):
            cube = read_aligned(find(shared_data, pattern))
    shape, has_wcs = LOADS[pattern]
    assert cube.shape == shape
    assert cube.dtype == np.float32
    assert (cube.wcs is not None) is has_wcs
    for band in range(shape[2]):
        assert np.isfinite(cube.data[:, :, band]).any()
    back = read_cube(write_bands(tmp_path, cube))
    np.testing.assert_array_equal(back.data, cube.data)
    assert back.band_names == cube.band_names
    labels = np.where(np.isnan(cube.data).any(axis=2), -3, 0)
    write_map(tmp_path / "map.fits", labels, cube=cube)
    again, wcs = read_map(tmp_path / "map.fits")
    np.testing.assert_array_equal(again, labels)
    assert (wcs is not None) is has_wcs


@pytest.mark.parametrize("pattern", FAILS)
def test_fails_with_one_clear_line(shared_data, pattern):
    error, message = FAILS[pattern]
    with pytest.raises(error, match=message) as caught:
        read_cube(find(shared_data, pattern))
    assert len(str(caught.value).splitlines()) == 1


def test_every_file_is_tried(shared_data):
    tried = {path for pattern in LOADS | FAILS for path in shared_data.glob(pattern)}
    assert set(shared_data.glob("*/*.fits")) <= tried


# What comes out of a file when all its images are read onto their own pixels: shapes.
NOT_LOADED = ["awkward/four_axes_dec_first.fits", "awkward/not_fits.fits"]
# Files whose images have one name.
REPEATED = "float64.fits int16.fits multi_extension.fits science_mef.fits".split()
SEVERAL = {
    "awkward/float64.fits": [(50, 50, 2)],
    "awkward/int16.fits": [(50, 50, 2)],
    "awkward/multi_extension.fits": [(40, 40, 1)] * 4,
    "awkward/science_mef.fits": [(10, 10, 3)],
    "m83/m83_hubble_rgb_wcs.fits": [(833, 1280, 3)],
    "ngc5584/ngc5584_cube_18arcsec.fits": [(80, 80, 4)],
}


@pytest.mark.filterwarnings("ignore:No errors were found:UserWarning")
def test_every_file_of_every_kind_loads_or_says_why(shared_data):
    files = [path for path in sorted(shared_data.rglob("*")) if path.is_file()]
    assert len(files) > 30
    beside = {"errors": "auto", "masks": "auto", "weights": "auto"}
    for path in files:
        name = path.relative_to(shared_data).as_posix()
        if path.suffix != ".fits" or name in NOT_LOADED:
            with pytest.raises((OSError, ValueError)) as caught:
                read_cube(path, hdu="all", **beside)
            (line,) = str(caught.value).splitlines()
            assert line.startswith(str(path))
            assert " Give " in line
            continue
        expected = _warning_of(name)
        if path.name in REPEATED:
            expected = pytest.warns(UserWarning, match="Several bands have the name")
        with expected, pytest.warns(UserWarning, match="No errors were found"):
            cubes = read_cube(path, hdu="all", **beside)
        cubes = cubes if isinstance(cubes, list) else [cubes]
        with fits.open(path) as hdus:
            stored = [h.shape for h in hdus if h.is_image and len(h.shape) == 2]
        wanted = SEVERAL.get(name) or [(*shape, 1) for shape in stored]
        assert [cube.shape for cube in cubes] == wanted
        for cube in cubes:
            assert np.isfinite(cube.data).any()
            assert not np.isinf(cube.data).any()
            assert cube.errors is None


def test_folders_of_several_grids(shared_data):
    folder = shared_data / "ngc5584"
    names = ["GALEX_NUV", "PACS_100", "SPIRE_250", "WISE_12"]
    paths = [folder / f"NGC5584_{name}_crop.fits" for name in names]
    cubes = read_cube(paths, band_names=names, fwhm=[5.3, 10, 18, 6.5])
    assert [cube.band_names for cube in cubes] == [(name,) for name in names]
    assert [cube.shape[0] for cube in cubes] == [262, 280, 140, 611]
    assert [float(cube.fwhm[0]) for cube in cubes] == [5.3, 10, 18, 6.5]
    for path, cube in zip(paths, cubes, strict=True):
        assert_array_equal(cube.data[:, :, 0], fits.getdata(path))
    # Tiny Tim's point-spread functions have no WCS, and one is smaller.
    paths = sorted((shared_data / "psfs_wfc3_uvis").glob("*.fits"))
    large, small = read_cube(paths)
    assert large.shape == (149, 149, 8)
    assert small.band_names == ("f673n",)


def test_arrays_of_other_programs(shared_data):
    with np.load(shared_data / "m83" / "nine_panels_uint16.npz") as file:
        panels, names = file["panels"], file["names_assumed"]
    cube = read_cube(list(panels), band_names=names)
    assert cube.shape == (298, 465, 9)
    assert cube.band_names == tuple(names)
    assert_array_equal(cube.data, np.moveaxis(panels, 0, -1))


def test_blank_pixels_and_scale_are_those_of_the_file(shared_data):
    path = shared_data / "awkward" / "blank_int16.fits"
    with fits.open(path, do_not_scale_image_data=True) as hdus:
        stored = hdus[0].data.astype(float)
    stored[stored == -32768] = np.nan
    cube = read_cube(path)
    wanted = stored * 0.009613025 + 95.057
    # astropy scales in single precision, where 95.057 is rounded at its 24th bit.
    assert_allclose(cube.data[:, :, 0], wanted, rtol=1e-6, atol=95.057 * 2**-23)


def test_galaxy_is_at_its_place_on_four_grids(shared_data):
    # NGC 5584 at 14h22m23.8s -00d23m16s (NED); each band peaks near its nucleus or in
    # its arms, so that its light is centered within the disc of 1 arcmin radius.
    cube = read_aligned(sorted((shared_data / "ngc5584").glob("*_crop.fits")))
    x, y = cube.wcs.world_to_pixel(SkyCoord("14h22m23.8s -0d23m16s"))
    row, column = np.indices(cube.shape[:2])
    near = np.hypot(column - x, row - y) < 15  # 90 arcsec
    for band in range(4):
        image = cube.data[:, :, band]
        light = np.where(near, image - np.nanmedian(image), 0)
        light = np.clip(np.nan_to_num(light), 0, None)
        assert abs(np.average(column, weights=light) - x) < 2.5
        assert abs(np.average(row, weights=light) - y) < 2.5


def test_aligned_bands_keep_the_brightness_of_the_sky(shared_data):
    folder = shared_data / "ngc5584"
    names = ["GALEX_NUV", "WISE_12", "SPIRE_250"]
    paths = [folder / f"NGC5584_{name}_crop.fits" for name in names]
    cube = read_aligned(paths)
    for band, path in enumerate(paths):
        before, after = read_cube(path).data, cube.data[:, :, band]
        spread = np.nanstd(before)
        assert abs(np.nanmean(after) - np.nanmean(before)) < 0.1 * spread


def test_m83_nucleus_is_where_ned_has_it(shared_data):
    cube = read_cube(shared_data / "m83" / "m83_hubble_rgb_wcs.fits")
    nucleus = SkyCoord(204.25383, -29.86576, unit="deg")
    x, y = (round(float(value)) for value in cube.wcs.world_to_pixel(nucleus))
    around = cube.data[y - 15 : y + 16, x - 15 : x + 16]
    assert around.mean() > 2 * cube.data.mean()
    assert cube.wcs.pixel_to_world(x, y).separation(nucleus) < 0.4 * units.arcsec


def test_original_of_the_plate_needs_no_warning(shared_data):
    # Its two descriptions differ by a third of a pixel at the corners.
    assert read_cube(shared_data / "m101" / "m101.fits").wcs is not None


def test_rotated_image_falls_on_the_original(m101):
    # The rotated image kept cards that describe the original's pixels and plate: the
    # Sky Survey's plate solution, and an epoch that reads as the equinox.
    cube, said = m101
    text = r"2\.98 arcmin apart. Taken: those of the image .* agree with .*m101.fits"
    assert re.search(text, said)
    seen = np.isfinite(cube.data).all(axis=2)
    assert seen.mean() > 0.99
    original, rotated = cube.data[seen].T
    # A shift of one pixel in any direction brings the correlation below 0.98.
    assert np.corrcoef(original, rotated)[0, 1] > 0.995

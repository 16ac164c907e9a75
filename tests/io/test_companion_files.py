# SPDX-License-Identifier: BSD-3-Clause
"""Errors, masks and weights as archives of telescopes and surveys name them."""

import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal

from skesom.io import read_cube

IMAGE = np.arange(12, dtype=np.float32).reshape(3, 4) + 1
SIGMA = (IMAGE[::-1] / 8).astype(np.float32)
WEIGHT = np.ones((3, 4), np.float32)
WEIGHT[0] = 0
KINDS = {"std": SIGMA, "var": SIGMA**2, "ivar": SIGMA**-2.0}

# Names of an image, of its errors and their kind, of its weights, and of its mask.
SURVEYS = {
    "plain": ("g.fits", "g_err.fits", "std", "g_weight.fits", "g_mask.fits"),
    "sci": ("g_sci.fits", "g_rms.fits", "std", "g_exp.fits", "g_flag.fits"),
    # https://archive.stsci.edu/hlsp: CANDELS, Frontier Fields
    "hlsp": (
        "hlsp_frontier_hst_acs-30mas_abell2744_f814w_v1.0_drz.fits",
        "hlsp_frontier_hst_acs-30mas_abell2744_f814w_v1.0_rms.fits",
        "std",
        "hlsp_frontier_hst_acs-30mas_abell2744_f814w_v1.0_wht.fits",
        None,
    ),
    "hap": ("hst_1_a_drc_sci.fits", None, None, "hst_1_a_drc_wht.fits", None),
    "desi": (
        "legacysurvey-0001m002-image-r.fits.fz",
        "legacysurvey-0001m002-invvar-r.fits.fz",
        "ivar",
        "legacysurvey-0001m002-invvar-r.fits.fz",
        None,
    ),
    "terapix": (
        "CFHTLS_W_g_020241-041700_T0007_MEDIAN.fits",
        None,
        None,
        "CFHTLS_W_g_020241-041700_T0007_MEDIAN.weight.fits.fz",
        None,
    ),
    "kids": (
        "KiDS_DR4.0_140.0_0.5_r_sci.fits",
        None,
        None,
        "KiDS_DR4.0_140.0_0.5_r_wei.fits",
        "KiDS_DR4.0_140.0_0.5_r_msk.fits",
    ),
    "euclid": (
        "EUC_MER_BGSUB-MOSAIC-VIS_TILE102018211-ACBD03_20241018T142710.276Z_00.00.fits",
        "EUC_MER_MOSAIC-VIS-RMS_TILE102018211-B0D1AB_20241018T142710.300Z_00.00.fits",
        "std",
        None,
        "EUC_MER_MOSAIC-VIS-FLAG_TILE102018211-86E06D_20241018T1427.351Z_00.00.fits",
    ),
    "spitzer": (
        "SPITZER_I1_1_0000_4_E1_maic.fits",
        "SPITZER_I1_1_0000_4_E1_munc.fits",
        "std",
        "SPITZER_I1_1_0000_4_E1_mcov.fits",
        None,
    ),
    "allwise": (
        "0496p015_ac51-w1-int-3.fits",
        "0496p015_ac51-w1-unc-3.fits.gz",
        "std",
        "0496p015_ac51-w1-cov-3.fits.gz",
        None,
    ),
    "pan-starrs": (
        "rings.v3.skycell.1405.053.stk.r.unconv.fits",
        None,
        None,
        "rings.v3.skycell.1405.053.stk.r.unconv.wt.fits",
        "rings.v3.skycell.1405.053.stk.r.unconv.mask.fits",
    ),
}


def write(folder, name, array):
    """Write an image as its name demands, compressed without loss."""
    if name.endswith(".fz"):
        how = {"compression_type": "GZIP_1", "quantize_level": 0}
        hdus = [fits.PrimaryHDU(), fits.CompImageHDU(array, **how)]
        fits.HDUList(hdus).writeto(folder / name)
    else:
        fits.writeto(folder / name, array)
    return folder / name


@pytest.mark.parametrize("survey", SURVEYS)
def test_files_beside_the_image(survey, tmp_path):
    image, errors, kind, weights, mask = SURVEYS[survey]
    path = write(tmp_path, image, IMAGE)
    write(tmp_path, "other_err.fits", IMAGE)  # of another image
    options = {}
    if errors is not None:
        write(tmp_path, errors, KINDS[kind])
        options["errors"] = "auto"
    if weights not in (None, errors):
        write(tmp_path, weights, WEIGHT)
        options["weights"] = "auto"
    if mask is not None:
        write(tmp_path, mask, np.int16([[0, 0, 0, 0], [0, 0, 0, 4], [0, 0, 0, 0]]))
        options["masks"] = "auto"
    cube = read_cube(path, **options)
    if errors is not None:
        assert_allclose(cube.errors[:, :, 0], SIGMA, rtol=1e-6)
    bad = np.zeros((3, 4), bool)
    bad[0] = "weights" in options
    bad[1, 3] = "masks" in options
    assert_array_equal(np.isnan(cube.data[:, :, 0]), bad)
    inside = read_cube(path, masks="inside", weights="inside")
    assert_array_equal(inside.data[:, :, 0], IMAGE)


@pytest.mark.parametrize("survey", ["hap", "terapix", "kids", "pan-starrs"])
def test_a_weight_may_not_be_an_inverse_variance(survey, tmp_path):
    image, _, _, weights, _ = SURVEYS[survey]
    path = write(tmp_path, image, IMAGE)
    weights = write(tmp_path, weights, KINDS["ivar"])
    with pytest.warns(UserWarning, match="No errors .*need error_kind='ivar'"):
        assert read_cube(path, errors="auto").errors is None
    with pytest.raises(ValueError, match="does not show the kind of its errors"):
        read_cube(path, errors=[weights])
    cube = read_cube(path, errors=[weights], error_kind="ivar")
    assert_allclose(cube.errors[:, :, 0], SIGMA, rtol=1e-6)


def test_the_scatter_of_exposures_is_no_error_of_their_mean(tmp_path):
    path = write(tmp_path, "m51.IRAC.1.mosaic.fits", IMAGE)
    write(tmp_path, "m51.IRAC.1.unc.fits", SIGMA)
    write(tmp_path, "m51.IRAC.1.std.fits", 9 * SIGMA)
    assert_array_equal(read_cube(path, errors="auto").errors[:, :, 0], SIGMA)


def test_files_that_cannot_be_chosen(tmp_path):
    path = write(tmp_path, "g.fits", IMAGE)
    write(tmp_path, "g_err.fits", SIGMA)
    write(tmp_path, "g_rms.fits", SIGMA)
    pattern = (
        r"Several files may hold the errors of .*g_err\.fits, .*g_rms\.fits\. Name"
    )
    with pytest.raises(ValueError, match=pattern):
        read_cube(path, errors="auto")


@pytest.mark.parametrize("content", [b"no FITS", None], ids=["damaged", "shape"])
def test_files_that_cannot_be_used_are_named(content, tmp_path):
    path = write(tmp_path, "g.fits", IMAGE)
    if content is None:
        write(tmp_path, "g_flags.fits", np.ones((2, 2), np.int16))
    else:
        (tmp_path / "g_flags.fits").write_bytes(content)
    with pytest.warns(UserWarning, match=r"g_flags\.fits is not used: "):
        cube = read_cube(path, masks="auto")
    assert_array_equal(cube.data[:, :, 0], IMAGE)


def test_one_mask_for_all_images(tmp_path):
    paths = [write(tmp_path, f"{band}.fits", IMAGE) for band in "ugr"]
    mask = write(tmp_path, "maskbits.fits", np.int16(IMAGE > 10))
    cube = read_cube(paths, masks=[mask])
    assert_array_equal(np.isnan(cube.data).sum(axis=(0, 1)), [2, 2, 2])
    with pytest.raises(ValueError, match="errors has 1 entries for 3 images"):
        read_cube(paths, errors=[mask])


def write_extensions(path, extensions, **cards):
    hdus = [fits.PrimaryHDU(), *(fits.ImageHDU(a, name=n) for n, a in extensions)]
    hdus[0].header.update(cards)
    fits.HDUList(hdus).writeto(path)
    return path


FLAGS = np.array([[0, 1, 2, 4], [8, 16, 32, 64], [128, 256, 512, 1024]], np.int32)


class TestOneFile:
    """Extensions in the order in which pipelines write them."""

    def test_hubble_exposure(self, tmp_path):
        flags = FLAGS.astype(np.int16)
        parts = [("SCI", IMAGE), ("ERR", SIGMA), ("DQ", flags)]
        path = write_extensions(tmp_path / "j_flt.fits", parts, TELESCOP="HST")
        cube = read_cube(path, errors="inside", masks="inside", ignore_flags="64,32")
        assert_array_equal(cube.errors[:, :, 0], SIGMA)
        good = np.isin(flags, [0, 32, 64])
        assert_array_equal(~np.isnan(cube.data[:, :, 0]), good)
        with pytest.warns(UserWarning, match=r"\(DQ\) flags 92% of the pixels"):
            read_cube(path, masks="inside")

    def test_hubble_mosaic(self, tmp_path):
        context = np.ones((3, 4), np.int32)
        parts = [("SCI", IMAGE), ("WHT", WEIGHT), ("CTX", context)]
        path = write_extensions(tmp_path / "j_drz.fits", parts, TELESCOP="HST")
        cube = read_cube(path, weights="inside", masks="inside")
        assert_array_equal(np.isnan(cube.data[:, :, 0]), WEIGHT == 0)

    def test_webb_mosaic(self, tmp_path):
        parts = [
            ("SCI", IMAGE),
            ("ERR", SIGMA),
            ("CON", np.ones((1, 3, 4), np.int32)),
            ("WHT", WEIGHT),
            *((f"VAR_{name}", SIGMA**2 / 3) for name in ("POISSON", "RNOISE", "FLAT")),
        ]
        path = write_extensions(tmp_path / "jw_i2d.fits", parts, TELESCOP="JWST")
        cube = read_cube(path, errors="auto", weights="auto", masks="auto")
        assert_array_equal(cube.errors[:, :, 0], SIGMA)
        assert_array_equal(np.isnan(cube.data[:, :, 0]), WEIGHT == 0)

    def test_parts_of_a_variance_are_no_errors(self, tmp_path):
        parts = [("SCI", IMAGE), ("VAR_POISSON", SIGMA), ("VAR_RNOISE", SIGMA)]
        path = write_extensions(tmp_path / "jw_i2d.fits", parts, TELESCOP="JWST")
        with pytest.warns(UserWarning, match="No errors"):
            assert read_cube(path, errors="auto").errors is None

    def test_webb_exposure(self, tmp_path):
        parts = [("SCI", IMAGE), ("ERR", SIGMA), ("DQ", FLAGS + 2)]
        path = write_extensions(tmp_path / "jw_cal.fits", parts, TELESCOP="JWST")
        cube = read_cube(path, masks="inside")
        assert_array_equal(np.isnan(cube.data[:, :, 0]), (FLAGS + 2) % 2 == 1)

    def test_subaru(self, tmp_path):
        planes = {"BAD": 0, "SAT": 1, "DETECTED": 5, "NO_DATA": 8}
        cards = {f"HIERARCH MP_{name}": bit for name, bit in planes.items()}
        parts = [("IMAGE", IMAGE), ("MASK", FLAGS | 32), ("VARIANCE", SIGMA**2)]
        path = write_extensions(tmp_path / "calexp.fits", parts)
        with fits.open(path, mode="update") as hdus:
            hdus["MASK"].header.update(cards)
        cube = read_cube(path, masks="inside", errors="inside")
        assert_array_equal(np.isnan(cube.data[:, :, 0]), np.isin(FLAGS, [1, 2, 256]))
        assert_allclose(cube.errors[:, :, 0], SIGMA, rtol=1e-6)

    def test_dark_energy_camera(self, tmp_path):
        parts = [("SCI", IMAGE), ("MSK", np.int16(FLAGS == 4)), ("WGT", WEIGHT)]
        path = write_extensions(tmp_path / "DES0347-5540_r.fits", parts)
        cube = read_cube(path, masks="inside", weights="inside")
        bad = (WEIGHT == 0) | (FLAGS == 4)
        assert_array_equal(np.isnan(cube.data[:, :, 0]), bad)
        assert read_cube(path, hdu="all").shape == (3, 4, 1)

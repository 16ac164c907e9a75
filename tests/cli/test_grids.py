# SPDX-License-Identifier: BSD-3-Clause
"""``skesom cluster`` on several pixel grids, with masks and regions."""

import json
import re
import warnings
from functools import partial

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from skesom.consensus import ConsensusClusterer
from skesom.io import read_cube, read_map
from skesom.maps import make_cluster_pipeline
from skesom.som import ESOM

CENTER = 204.25, -29.87


def make_wcs(shape, size, angle=0.0):
    """Return a tangential WCS: pixel size in arcsec, angle in degrees."""
    angle = np.deg2rad(angle)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = CENTER
    wcs.wcs.crpix = [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
    wcs.wcs.pc = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    wcs.wcs.cdelt = [-size / 3600, size / 3600]
    return wcs


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Three bands of one galaxy on three grids; headers tell the widths."""
    folder = tmp_path_factory.mktemp("grids")
    paths = []
    for seed, (name, size, shape, angle, fwhm) in enumerate(
        [
            ("nuv", 1.0, (50, 60), 0.0, 3.0),
            ("red", 0.5, (110, 120), 30.0, 1.5),
            ("infrared", 1.5, (36, 34), -10.0, 4.0),
        ]
    ):
        wcs = make_wcs(shape, size, angle)
        rows, columns = np.indices(shape)
        place = np.stack(wcs.wcs_pix2world(columns.ravel(), rows.ravel(), 0))
        x, y = ((place.T - CENTER) * 3600).T.reshape(2, *shape)
        image = 30 * np.exp(-np.hypot(x * np.cos(0.5), y) / (5 + seed))
        image += np.random.default_rng(seed).normal(0, 0.3, shape)
        header = wcs.to_header()
        header["FWHM"], header["BUNIT"] = fwhm, "MJy/sr"
        paths.append(folder / f"{name}.fits")
        fits.writeto(paths[-1], image.astype(np.float32), header)
    return paths


@pytest.fixture
def aligned(fitted_step):
    """A function of options: the fitted aligner, and the cube on its grid."""
    return partial(fitted_step, "align")


class TestGrids:
    """Which grid the map lies on, and what reaches it."""

    def test_the_same_as_the_pipeline(self, quick, files, tmp_path):
        out = quick.ok("cluster", *files, "-o", tmp_path / "out", "--runs", 2)
        assert "Sharpness: all bands have a FWHM of 4 arcsec." in out
        cubes = read_cube(files)
        assert len(cubes) == 3
        consensus = ConsensusClusterer(
            ESOM(random_state=0), n_estimators=2, n_clusters=8, random_state=0
        )
        pipeline = make_cluster_pipeline(consensus)
        labels, wcs = read_map(tmp_path / "out" / "cluster_map.fits")
        np.testing.assert_array_equal(labels, pipeline.fit_predict(cubes))
        assert labels.shape == (36, 34)
        assert wcs.wcs.compare(cubes[2].wcs.wcs, tolerance=1e-9)

    @pytest.mark.parametrize(
        ("target", "shape"),
        [
            ("first", (50, 56)),  # cut to where the coarse image ends
            ("red", (110, 120)),
            ("1", (110, 120)),
            ("infrared.fits", (36, 34)),
            ("header.fits", (20, 30)),
            ("header.txt", (20, 30)),
        ],
    )
    def test_other_grids(self, aligned, files, monkeypatch, target, shape):
        header = make_wcs((20, 30), 1.2, 45.0).to_header()
        header["NAXIS"] = 2
        header["NAXIS1"], header["NAXIS2"] = 30, 20
        monkeypatch.chdir(files[0].parent)
        fits.writeto("header.fits", np.zeros((20, 30)), header, overwrite=True)
        header.totextfile("header.txt", overwrite=True)
        _, cube = aligned(*files, "--align-to", target)
        assert cube.shape[:2] == shape
        if target.startswith("header"):
            np.testing.assert_allclose(
                cube.wcs.wcs_pix2world([[3, 4]], 0),
                WCS(header).wcs_pix2world([[3, 4]], 0),
            )

    def test_crop(self, run, quick, files, aligned, tmp_path, fast):
        common = (*files, "--align-to", "nuv")
        _, whole = aligned(*common, "--crop", "no")
        command = "cluster", *common, "-o", tmp_path / "cropped", "--sky", "keep"
        out = run.ok(*command, *fast)
        cropped, cut = read_map(tmp_path / "cropped" / "cluster_map.fits")
        rows, columns = np.nonzero(~np.isnan(whole.data).any(axis=2))
        assert cropped.shape == (np.ptp(rows) + 1, np.ptp(columns) + 1)
        assert whole.shape[:2] == (50, 60)
        assert cropped.shape < (50, 60)
        size = "{} x {}".format(*cropped.shape)
        text = f"Map cut to the {size} pixels around those with data, of 50 x 60"
        assert any(line.startswith(text) for line in out)
        np.testing.assert_allclose(
            cut.wcs_pix2world([[0, 0]], 0),
            whole.wcs.wcs_pix2world([[columns.min(), rows.min()]], 0),
        )
        # That of other images is told too.
        other = tmp_path / "other"
        out = quick.ok("predict", tmp_path / "cropped", *files, "-o", other)
        assert read_map(other / "cluster_map.fits")[0].shape == cropped.shape
        assert f"{text}." in out

    def test_fluxes_by_unit(self, aligned, files, tmp_path):
        """Clusters do not care, fluxes do: 2 x 2 pixels make one."""
        counts, blank = ([tmp_path / f"{n}_{i}.fits" for i in (0, 1)] for n in "cb")
        for file, *paths in zip(files[:2], counts, blank, strict=True):
            with fits.open(file) as hdus:
                hdus[0].header["BUNIT"] = "adu"
                hdus.writeto(paths[0])
                del hdus[0].header["BUNIT"]
                hdus.writeto(paths[1])
        level, counted, asked = (
            aligned(*given, "--align-to", "0")[1].data[:, :, 1]
            for given in (files[:2], counts, [*files[:2], "--conserve", "flux"])
        )
        for found in (counted, asked):  # pixels of .5 arcsec on pixels of 1 arcsec
            np.testing.assert_allclose(found, 4 * level, rtol=1e-3)
        with pytest.warns(UserWarning, match=r"b_1.*conserve='flux'"):
            aligned(*blank)

    @pytest.fixture
    def shifted(self, files, tmp_path):
        """One of the images, and the same with a wrong CRPIX."""
        path = tmp_path / "shifted.fits"
        with fits.open(files[0]) as hdus:
            hdus[0].header["CRPIX1"] += 6
            hdus[0].header["CRPIX2"] -= 2
            hdus.writeto(path)
        return files[0], path

    def test_registration_is_checked(self, aligned, shifted):
        text = r"'shifted' by .*[+-]2\.0 rows and [+-]6\.0 columns"
        with pytest.warns(UserWarning, match=text):
            aligned(*shifted, "--register", "check")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            aligned(*shifted, "--register", "no")

    def test_registration(self, run, shifted, tmp_path, fast):
        """A line says by how much an image is moved, and how it is not."""
        command = "cluster", *shifted, *fast, "-o", tmp_path / "out"
        text = (
            r"Registration: shifted moved back by \+(2.0|1.9)\d rows and -(6.0|5.9).*; "
            r"2 of 2 bands compared \(--register no keeps them\)\."
        )
        assert any(re.match(text, line) for line in run.ok(*command))
        with open(tmp_path / "out" / "provenance.json") as file:
            decisions = json.load(file)["decisions"]
        assert list(decisions["shifts"]) == ["shifted"]

    def test_widths_in_pixels(self, made_by, files):
        source, pipeline = made_by(*files, "--fwhm", "3pix", "1.5", "header")
        pipeline["convolve"].fit(source.read())
        assert pipeline["convolve"].target_fwhm_ == 4

    @pytest.mark.parametrize("folder", ["ngc5584", "threegrid_G202627"])
    def test_real_images(self, made_by, shared_data, folder):
        pattern, fwhm, shape = {
            "ngc5584": ("*_crop.fits", [5.3, 10, 18, 6.5], (140, 139)),
            "threegrid_G202627": ("*.fits", [5.3, 0.9, 0.7], (80, 81)),
        }[folder]
        files = sorted((shared_data / folder).glob(pattern))
        source, pipeline = made_by(*files, "--fwhm", *fwhm)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            cube = pipeline[:-1].fit_transform(source.read())
        (warned,) = caught  # no file says what it holds
        assert "conserve='flux'" in str(warned.message)
        assert cube.shape[:2] == shape


class TestMasks:
    """Masks of files, and regions."""

    @pytest.fixture
    def regions(self, tmp_path):
        pytest.importorskip("regions")

        def write(text, name="drawn.reg"):
            path = tmp_path / name
            path.write_text(text)
            return path

        return write

    def masked(self, made_by, files, *options):
        """Return which pixels of the first band are masked as images are read."""
        cubes = made_by(*files, *options)[0].read()
        cube = cubes[0] if isinstance(cubes, list) else cubes
        return np.isnan(cube.data[:, :, 0])

    def radius(self, cube_shape=(50, 60)):
        rows, columns = np.indices(cube_shape)
        return np.hypot(rows - 24.5, columns - 29.5)

    def test_excluded_and_included_regions(self, made_by, files, regions):
        small = regions(f'icrs; circle({CENTER[0]}, {CENTER[1]}, 6")')
        large = regions(f'icrs; circle({CENTER[0]}, {CENTER[1]}, 9")', "b.reg")
        # The bands are in the order of their names, and nuv is the last but one.
        source = made_by(*files, "--exclude", small)[0]
        place = next(i for i, cube in enumerate(source.read()) if cube.shape[0] == 50)
        inside = self.radius() < 6
        masked = np.isnan(source.read()[place].data[:, :, 0])
        np.testing.assert_array_equal(masked, inside)
        source = made_by(*files, "--include", small, large)[0]
        masked = np.isnan(source.read()[place].data[:, :, 0])
        np.testing.assert_array_equal(masked, self.radius() >= 9)

    def test_a_region_that_one_image_does_not_show(self, made_by, files, regions):
        # In a corner of the second image, which the third one does not reach.
        wcs = WCS(fits.getheader(files[1]))
        longitude, latitude = wcs.wcs_pix2world([[4, 4]], 0)[0]
        path = regions(f'icrs; circle({longitude}, {latitude}, 1")')
        cubes = made_by(*files[1:], "--exclude", path)[0].read()
        lost = {cube.shape[0]: np.isnan(cube.data).sum() for cube in cubes}
        assert lost[36] == 0
        assert lost[110] > 0

    @pytest.mark.parametrize(
        ("options", "count"),
        [
            ("--masks auto", 240),
            ("--masks DQ --ignore-flags 4", 40),
            ("--masks mask.fits --ignore-flags ~4", 200),
            ("--weights DQ --masks none", 50 * 60 - 240),
        ],
    )
    def test_flags_of_extensions_and_files(
        self, made_by, files, tmp_path, monkeypatch, options, count
    ):
        monkeypatch.chdir(tmp_path)
        flags = np.zeros((50, 60), dtype=np.int16)
        flags[20:30, 20:40] = 4
        flags[30:32, 20:40] = 1
        with fits.open(files[0]) as hdus:
            hdus.append(fits.ImageHDU(flags, name="DQ"))
            hdus.writeto("image.fits")
        fits.writeto("mask.fits", flags)
        assert self.masked(made_by, ["image.fits"], *options.split()).sum() == count

    @pytest.mark.parametrize(
        ("options", "count"),
        [
            ("--mask-outliers yes", 4),
            ("--mask-outliers no", 0),
            ("--mask-outliers no --saturation 500", 4),
            ("--mask-outliers no --saturation 500 --grow 1", 4 + 10),
        ],
    )
    def test_other_criteria(self, made_by, images, pattern, options, count):
        data = pattern()
        data[4, 5:9] = 1000
        source, pipeline = made_by(images("image.fits", data), *options.split())
        masked = np.isnan(pipeline["gaps"].fit_transform(source.read()).data[:, :, 0])
        assert masked[4, 5:9].all() == (count > 0)
        assert masked.sum() == count or options == "--mask-outliers yes"


REFUSED = [
    ("--align-to green", "no band 'green'", "nuv", "'coarsest', 'optimal' and 'first'"),
    ("--align-to 7", "no band number 7", "3 bands are counted from 0"),
    ("--align-to lost.fits", "no band 'lost.fits'"),
    ("--align-to bare.fits", "bare.fits has no WCS"),
    (  # before stars are looked for, which there are not
        "--align-to far.fits --fwhm stars",
        "Band 'nuv' and the grid of the reference do not overlap",
    ),
    ("--pixel-scale 0.5", "--pixel-scale", "1, 1.5 and 0.5 arcsec", "Leave it out"),
    ("--masks nuv.fits red.fits", "masks has 2 entries for 3 images"),
    ("--masks DQ", "nuv.fits", "DQ"),
    ("--fwhm 3kg", "band 'nuv'", "an angle or in pixels"),
    ("--exclude far.reg", "far.reg"),
    ("--include far.reg", "far.reg"),
    (
        "--exclude pixels.reg",
        *("pixels.reg holds regions in pixels", "3 pixel grids", "icrs"),
    ),
    ("--exclude notes.reg", "notes.reg"),
    ("--exclude lost.reg", "lost.reg: No such file"),
]


@pytest.mark.parametrize(("options", "parts"), [(r[0], r[1:]) for r in REFUSED])
def test_one_line_for_what_cannot_be(refused, files, tmp_path, options, parts):
    if ".reg" in options:
        pytest.importorskip("regions")
    header = make_wcs((9, 9), 1.0).to_header()
    header["CRVAL2"] = 20.0
    fits.writeto(tmp_path / "far.fits", np.zeros((9, 9)), header)
    fits.writeto(tmp_path / "bare.fits", np.zeros((4, 5)))
    (tmp_path / "far.reg").write_text('icrs; circle(10, 10, 5")')
    (tmp_path / "pixels.reg").write_text("image; circle(10, 10, 5)")
    (tmp_path / "notes.reg").write_text("dear diary")
    refused("cluster", *files, *options.split(), parts=parts)


def test_no_stars(refused, files):
    pytest.importorskip("photutils")
    parts = ["Band 'red' shows", "stars of one width", "Give its --fwhm"]
    refused("cluster", *files, "--fwhm", 3, "stars", 4, parts=parts)

# SPDX-License-Identifier: BSD-3-Clause
"""``skesom cluster`` on several pixel grids, with masks and regions."""

import contextlib
import re

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from skesom.io import read_cube, read_map
from skesom.maps import make_cluster_pipeline
from skesom.som import ESOM, ConsensusClusterer

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


def map_of(folder):
    return read_map(folder / "cluster_map.fits")


class TestGrids:
    """Which grid the map lies on, and what reaches it."""

    def test_the_same_as_the_pipeline(self, run, files, tmp_path):
        status, out, err = run("cluster", *files, "-o", tmp_path / "out")
        assert (status, err) == (0, [])
        assert "Sharpness: all bands have a FWHM of 4 arcsec." in out
        cubes = read_cube(files)
        assert len(cubes) == 3
        consensus = ConsensusClusterer(
            ESOM(random_state=0), n_clusters=8, random_state=0
        )
        pipeline = make_cluster_pipeline(consensus)
        labels, wcs = map_of(tmp_path / "out")
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
        ],
    )
    def test_other_grids(self, run, files, tmp_path, fast, monkeypatch, target, shape):
        monkeypatch.chdir(files[0].parent)
        status, _, err = run(
            *("cluster", *files, "-o", tmp_path / "out", *fast, "--align-to", target),
        )
        assert (status, err) == (0, [])
        assert map_of(tmp_path / "out")[0].shape == shape

    @pytest.mark.parametrize("kind", ["FITS", "text"])
    def test_grid_of_a_header(self, run, files, tmp_path, fast, kind):
        header = make_wcs((20, 30), 1.2, 45.0).to_header()
        header["NAXIS"] = 2
        header["NAXIS1"], header["NAXIS2"] = 30, 20
        target = tmp_path / "target"
        if kind == "FITS":
            fits.writeto(target, np.zeros((20, 30)), header)
        else:
            header.totextfile(target)
        status, _, err = run(
            *("cluster", *files, "-o", tmp_path / "out", *fast, "--align-to", target),
            *("--sky", "keep"),
        )
        assert (status, err) == (0, [])
        labels, wcs = map_of(tmp_path / "out")
        assert labels.shape == (20, 30)
        np.testing.assert_allclose(
            wcs.wcs_pix2world([[3, 4]], 0), WCS(header).wcs_pix2world([[3, 4]], 0)
        )

    def test_crop(self, run, files, tmp_path, fast):
        common = ("cluster", *files, *fast, "--sky", "keep", "--align-to", "nuv")
        run(*common, "-o", tmp_path / "whole", "--crop", "no")
        _, out, _ = run(*common, "-o", tmp_path / "cropped")
        whole, wcs = map_of(tmp_path / "whole")
        cropped, cut = map_of(tmp_path / "cropped")
        rows, columns = np.nonzero(whole >= 0)
        assert cropped.shape == (np.ptp(rows) + 1, np.ptp(columns) + 1)
        assert whole.shape == (50, 60)
        assert cropped.shape < whole.shape
        size = "{} x {}".format(*cropped.shape)
        text = f"Map cut to the {size} pixels around those with data, of 50 x 60"
        assert any(line.startswith(text) for line in out)
        np.testing.assert_allclose(
            cut.wcs_pix2world([[0, 0]], 0),
            wcs.wcs_pix2world([[columns.min(), rows.min()]], 0),
        )

    def test_crop_of_other_images(self, run, files, tmp_path, fast):
        common = ("cluster", *files, *fast, "--sky", "keep", "--align-to", "nuv")
        run(*common, "-o", tmp_path / "out")
        model, other = tmp_path / "out" / "model.joblib", tmp_path / "other"
        status, out, err = run("predict", model, *files, "-o", other, "--trust")
        assert (status, err) == (0, [])
        size = "{} x {}".format(*map_of(other)[0].shape)
        text = f"Map cut to the {size} pixels around those with data, of 50 x 60."
        assert text in out

    def test_fluxes_by_unit(self, run, files, tmp_path, fast):
        """Clusters do not care, fluxes do: 2 x 2 or 3 x 3 pixels make one."""
        common = ("cluster", *files[:2], *fast, "--align-to", "nuv", "--sky", "keep")
        counts = []
        for file in files[:2]:
            counts.append(tmp_path / file.name)
            with fits.open(file) as hdus:
                hdus[0].header["BUNIT"] = "adu"
                hdus.writeto(counts[-1])
        table = {}
        for name, images, more in [
            ("level", files[:2], ()),
            ("counts", counts, ()),
            ("asked", files[:2], ("--conserve", "flux")),
        ]:
            command = ("cluster", *images, *common[3:], *more)
            status, _, err = run(*command, "-o", tmp_path / name)
            assert (status, err) == (0, [])
            table[name] = Table.read(tmp_path / name / "clusters.ecsv")
        column = next(c for c in table["level"].colnames if "red" in c and "mean" in c)
        level = table["level"][column]
        for name in ("counts", "asked"):
            # Pixels of .5 arcsec on pixels of 1 arcsec.
            np.testing.assert_allclose(table[name][column], 4 * level, rtol=1e-3)
        blank = [tmp_path / f"no_unit_{n}.fits" for n in (0, 1)]
        for file, path in zip(files, blank, strict=False):
            with fits.open(file) as hdus:
                del hdus[0].header["BUNIT"]
                hdus.writeto(path)
        _, _, err = run("cluster", *blank, *fast, "-o", tmp_path / "unknown")
        (line,) = err
        assert "no_unit_1" in line
        assert "--conserve flux" in line

    def test_registration(self, run, files, tmp_path, fast):
        """A wrong CRPIX is corrected, and a line says by how much."""
        shifted = tmp_path / "shifted.fits"
        with fits.open(files[0]) as hdus:
            hdus[0].header["CRPIX1"] += 6
            hdus[0].header["CRPIX2"] -= 2
            hdus.writeto(shifted)
        command = ("cluster", files[0], shifted, *fast, "--register")
        status, out, err = run(*command, "-o", tmp_path / "out")
        assert (status, err) == (0, [])
        assert re.search(
            r"Registration: shifted moved back by \+(2.0|1.9)\d rows and -(6.0|5.9)",
            "\n".join(out),
        )

    def test_shifted_bands_are_named(self, run, files, tmp_path, fast):
        shifted = tmp_path / "shifted.fits"
        with fits.open(files[0]) as hdus:
            hdus[0].header["CRPIX1"] += 6
            hdus.writeto(shifted)
        command = ("cluster", files[0], shifted, *fast)
        trusted = run(*command, "-o", tmp_path / "no", "--check-registration", "no")
        assert trusted[2] == []
        _, _, err = run(*command, "-o", tmp_path / "check")
        (line,) = err
        assert "'shifted' by" in line
        assert "+6.0 columns" in line or "-6.0 columns" in line

    def test_widths_in_pixels(self, run, files, tmp_path, fast):
        _, out, err = run(
            *("cluster", *files, "-o", tmp_path / "out", *fast),
            *("--fwhm", "3pix", "1.5", "header"),
        )
        assert err == []
        assert "Sharpness: all bands have a FWHM of 4 arcsec." in out

    @pytest.mark.parametrize("folder", ["ngc5584", "threegrid_G202627"])
    def test_real_images(self, run, shared_data, tmp_path, folder, fast):
        pattern, fwhm, shape = {
            "ngc5584": ("*_crop.fits", [5.3, 10, 18, 6.5], (140, 139)),
            "threegrid_G202627": ("*.fits", [5.3, 0.9, 0.7], (80, 81)),
        }[folder]
        files = sorted((shared_data / folder).glob(pattern))
        status, out, err = run(
            *("cluster", *files, "-o", tmp_path / "out", *fast, "--fwhm", *fwhm),
        )
        assert status == 0
        (line,) = err  # no file says what it holds
        assert "--conserve flux" in line
        assert "8 clusters:" in out
        assert map_of(tmp_path / "out")[0].shape == shape


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

    def masked(self, run, files, folder, fast, *options):
        """Return where the map is masked, and where it was without the options."""
        common = ("cluster", *files, *fast, "--sky", "keep", "--align-to", "nuv")
        common += ("--crop", "no")
        for name, more in (("plain", ()), ("masked", options)):
            status, _, err = run(*common, "-o", folder / name, *more)
            assert (status, err) == (0, [])
        return [map_of(folder / name)[0] == -3 for name in ("masked", "plain")]

    def test_excluded_regions(self, run, files, tmp_path, regions, fast):
        path = regions(f'icrs; circle({CENTER[0]}, {CENTER[1]}, 6")')
        masked, before = self.masked(run, files, tmp_path, fast, "--exclude", path)
        rows, columns = np.indices((50, 60))
        inside = np.hypot(rows - 24.5, columns - 29.5) < 6
        assert masked[inside].all()
        assert not before[inside].any()
        # Beyond the reach of a pixel of the coarsest band nothing changes.
        far = np.hypot(rows - 24.5, columns - 29.5) > 6 + 2 * 1.5
        np.testing.assert_array_equal(masked[far], before[far])

    def test_included_regions(self, run, files, tmp_path, regions, fast):
        first = regions(f'icrs; circle({CENTER[0]}, {CENTER[1]}, 6")')
        second = regions(f'icrs; circle({CENTER[0]}, {CENTER[1]}, 9")', "b.reg")
        masked, _ = self.masked(run, files, tmp_path, fast, "--include", first, second)
        rows, columns = np.indices(masked.shape)
        radius = np.hypot(rows - 24.5, columns - 29.5)
        assert masked[radius > 9].all()
        assert not masked[radius < 6].any()

    def test_a_region_that_one_image_does_not_show(
        self, run, files, tmp_path, regions, fast
    ):
        # In a corner of the second image, which the third one does not reach.
        wcs = WCS(fits.getheader(files[1]))
        longitude, latitude = wcs.wcs_pix2world([[4, 4]], 0)[0]
        path = regions(f'icrs; circle({longitude}, {latitude}, 1")')
        status, _, err = run(
            *("cluster", *files[1:], "-o", tmp_path / "out", *fast),
            *("--exclude", path, "--align-to", "red"),
        )
        assert (status, err) == (0, [])

    def test_flags_of_extensions_and_files(self, run, files, tmp_path, fast):
        flags = np.zeros((50, 60), dtype=np.int16)
        flags[20:30, 20:40] = 4
        flags[30:32, 20:40] = 1
        with fits.open(files[0]) as hdus:
            science, header = hdus[0].data, hdus[0].header
        hdus = [fits.PrimaryHDU(science, header), fits.ImageHDU(flags, name="DQ")]
        image, mask = tmp_path / "image.fits", tmp_path / "mask.fits"
        fits.HDUList(hdus).writeto(image)
        fits.writeto(mask, flags)
        counts = []
        for number, options in enumerate(
            [
                ["--masks", "auto"],
                ["--masks", "DQ", "--ignore-flags", "4"],
                ["--masks", mask, "--ignore-flags", "~4"],
                ["--weights", "DQ", "--masks", "none"],
            ]
        ):
            folder = tmp_path / str(number)
            status, _, err = run(
                *("cluster", image, "-o", folder, *fast, "--sky", "keep", *options)
            )
            assert (status, err) == (0, [])
            counts.append(int(np.sum(map_of(folder)[0] == -3)))
        assert counts == [240, 40, 200, 50 * 60 - 240]

    def test_other_criteria(self, run, images, pattern, fast, tmp_path):
        data = pattern()
        data[4, 5:9] = 1000
        file = images("image.fits", data)
        status, _, err = run(
            *("cluster", file, "-o", "outliers", *fast, "--sky", "keep")
        )
        assert (status, err) == (0, [])
        assert (map_of(tmp_path / "outliers")[0][4, 5:9] == -3).all()
        for folder, options, count in (
            ("none", [], 0),
            ("saturation", ["--saturation", 500], 4),
            ("grow", ["--saturation", 500, "--grow", 1], 4 + 10),
            ("snr", ["--min-snr", 1e6], None),
        ):
            status, _, err = run(
                *("cluster", file, "-o", folder, *fast, "--sky", "keep"),
                *("--mask-outliers", "no", *options),
            )
            if count is None:
                assert "by 'signal_to_noise'" in err[0]
                continue
            assert (status, err) == (0, [])
            with contextlib.chdir(folder):
                labels, _ = read_map("cluster_map.fits")
            assert np.sum(labels == -3) == count


class TestRefused:
    """One line for what cannot be."""

    @pytest.fixture
    def refused(self, run, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)

        def check(*arguments, parts):
            status, out, err = run("cluster", *arguments, "-o", "out")
            assert (status, out) == (2, [])
            for part in parts:
                assert part in err[-1]
            assert not (tmp_path / "out").exists()

        return check

    @pytest.mark.parametrize(
        ("grid", "parts"),
        [
            ("green", ["no band 'green'", "nuv", "'coarsest', 'optimal' and 'first'"]),
            ("7", ["no band number 7", "3 bands are counted from 0"]),
            ("lost.fits", ["no band 'lost.fits'"]),
        ],
    )
    def test_no_such_grid(self, refused, files, grid, parts):
        refused(*files, "--align-to", grid, parts=parts)

    def test_grid_without_wcs(self, refused, files, tmp_path):
        fits.writeto(tmp_path / "bare.fits", np.zeros((4, 5)))
        refused(*files, "--align-to", "bare.fits", parts=["bare.fits has no WCS"])

    def test_grid_elsewhere_before_the_work(self, refused, files, tmp_path):
        header = make_wcs((9, 9), 1.0).to_header()
        header["CRVAL2"] = 20.0
        fits.writeto(tmp_path / "far.fits", np.zeros((9, 9)), header)
        refused(
            *(
                *files,
                "--align-to",
                "far.fits",
                "--fwhm",
                "stars",
            ),  # which there are not
            parts=["Band 'nuv' and the grid of the reference do not overlap"],
        )

    def test_one_pixel_scale_for_all(self, refused, files):
        refused(
            *(*files, "--pixel-scale", 0.5),
            parts=["pixel_scale", "1, 1.5 and 0.5 arcsec", "Leave it out"],
        )

    @pytest.mark.parametrize("option", ["--exclude", "--include"])
    def test_regions_elsewhere(self, refused, files, tmp_path, option):
        pytest.importorskip("regions")
        (tmp_path / "far.reg").write_text('icrs; circle(10, 10, 5")')
        refused(*files, option, "far.reg", parts=["far.reg"])

    def test_regions_in_pixels_of_which_image(self, refused, files, tmp_path):
        pytest.importorskip("regions")
        (tmp_path / "pixels.reg").write_text("image; circle(10, 10, 5)")
        refused(
            *(*files, "--exclude", "pixels.reg"),
            parts=["pixels.reg holds regions in pixels", "3 pixel grids", "icrs"],
        )

    def test_region_files_that_are_none(self, refused, files, tmp_path):
        pytest.importorskip("regions")
        (tmp_path / "notes.reg").write_text("dear diary")
        refused(*files, "--exclude", "notes.reg", parts=["notes.reg"])
        refused(*files, "--exclude", "lost.reg", parts=["lost.reg: No such file"])

    def test_masks_of_other_images(self, refused, files):
        refused(
            *(*files, "--masks", files[0], files[1]),
            parts=["masks has 2 entries for 3 images"],
        )
        refused(*files, "--masks", "DQ", parts=["nuv.fits", "DQ"])

    def test_no_stars(self, refused, files):
        pytest.importorskip("photutils")
        refused(
            *(*files, "--fwhm", 3, "stars", 4),
            parts=["Band 'red' shows", "stars of one width", "Pass its fwhm"],
        )

    def test_unit_that_is_no_angle(self, refused, files):
        refused(
            *(*files, "--fwhm", "3kg"), parts=["band 'nuv'", "arcsec or another angle"]
        )

# SPDX-License-Identifier: BSD-3-Clause
"""``--cutout RA DEC SIZE``: a part of the images is all that a command works on."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord

from skesom.cube import Cube
from skesom.io import read_cube, read_map, write_bands
from skesom.runs.image_source import ImageSource

PLACE = SkyCoord("13h37m00.9s -29d51m57s")


@pytest.fixture
def place(bands):
    """The middle of row 16 and column 18, as a SkyCoord."""
    return read_cube(bands[0]).wcs.pixel_to_world(18, 16)


@pytest.mark.parametrize(
    ("ra", "dec"),
    [
        ("13h37m00.9s", "-29d51m57s"),
        ("13:37:00.9", "-29:51:57"),
        ("13 37 00.9", "-29 51 57"),
        ("204.25375", "-29.865833333"),
        ("204.25375deg", "-29d51.95m"),
        ("-155.74625", "-29.865833333"),
    ],
)
@pytest.mark.parametrize(
    ("size", "side"),
    [
        ("90", 90 * units.arcsec),
        ("90arcsec", 90 * units.arcsec),
        ("1.5arcmin", 90 * units.arcsec),
        ("0.025 deg", 90 * units.arcsec),
        ("300pix", 300 * units.pix),
    ],
)
def test_places_and_sides(made_by, bands, ra, dec, size, side):
    source, _ = made_by(*bands, "--cutout", ra, dec, size)
    *center, size = source.cutout
    assert PLACE.separation(SkyCoord(*center, unit="deg")) < 0.001 * units.arcsec
    assert units.isclose(size, side, rtol=1e-9)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (("204", "-29", "0"), "above 0"),
        (("204", "-29", "-3arcsec"), "above 0"),
        (("204", "-29", "nan"), "a number of arcsec"),
        (("204", "-29", "3kg"), "angle or in pixels"),
        (("204", "-29", "wide"), "must be a number of arcsec"),
        (("204", "-95", "3"), "within -90 deg"),
        (("east", "-29", "3"), "'east'"),
        (("13h37m", "nan", "3"), "nan"),
    ],
)
def test_what_is_no_cutout(refused, bands, texts, words):
    wanted = "--cutout must be RA DEC SIZE, as 204.25 -29.87 90arcsec"
    refused("cluster", *bands, "--cutout", *texts, parts=[wanted, words])


def test_the_part_is_all_that_is_clustered(
    run, quick, made_by, bands, place, fast, repeat, labels_in, tmp_path
):
    """The result is that of files of the part alone."""
    part = read_cube(bands).cutout((16, 18), "21pix")
    few = ("--n-clusters", 3, *fast)
    files = write_bands(tmp_path / "part", part)
    run.ok("cluster", *files, "-o", tmp_path / "alone", *few)
    dec, cut = place.dec.to_string("deg"), tmp_path / "cut"
    where = ("--cutout", place.ra.to_string("hour"), dec, "21pix")
    np.testing.assert_array_equal(made_by(*bands, *where)[0].read().data, part.data)
    told = place.to_string("hmsdms", precision=2)
    _, out, _ = run("cluster", *bands, "-o", cut, *few, *where, "--strips", "yes")
    labels, wcs = read_map(cut / "cluster_map.fits")
    np.testing.assert_array_equal(labels, labels_in(tmp_path / "alone"))
    assert place.separation(wcs.pixel_to_world(10, 10)) < 1e-3 * units.arcsec
    assert f"Cutout: 21 pix around {told} (ICRS)." in out
    text = f"They are a cutout of 21 pix around {told}"
    assert text in (cut / "summary.md").read_text()
    repeat(cut)
    line = run.fails("cluster", "--from", cut, "-o", tmp_path / "new", *where)
    assert "leave out --cutout" in line
    # A model is applied to the images as they are given.
    predicted = tmp_path / "predicted"
    more = ("--trust", "--cutout", place.ra.deg, place.dec.deg, "9pix")
    assert quick("predict", cut, *bands, "-o", predicted, *more)[0] == 0
    assert labels_in(predicted).shape == (9, 9)


def test_outside_and_without_a_place(run, bands, images, place, tmp_path):
    ra, dec, out = place.ra.deg, place.dec.deg, tmp_path / "out"
    status, _, err = run("cluster", *bands, "-o", out, "--cutout", ra, dec + 1, 1)
    assert status == 2
    assert "lies outside of the image of 32 x 36 pixels" in err[0]
    assert f"Bands: {', '.join(read_cube(bands).band_names)}" in err[0]
    plain = images("plain.fits", np.eye(30))
    line = run.fails("cluster", plain, "-o", out, "--cutout", ra, dec, 1)
    assert "no WCS is in plain" in line
    assert not out.exists()


def test_no_more_is_read_than_the_part(bands, place, tmp_path, monkeypatch):
    source = ImageSource(bands, cutout=(place.ra.deg, place.dec.deg, 9 * units.pix))
    assert source.n_values() == 9 * 9 * 3
    computed = []
    whole = Cube.compute

    def compute(cube):
        computed.append((cube.is_lazy, cube.shape))
        return whole(cube)

    monkeypatch.setattr(Cube, "compute", compute)
    cube = source.read()
    assert computed == [(True, (9, 9, 3))]
    assert not cube.is_lazy
    assert cube.data.base is None
    # What is compressed as a whole is read as a whole.
    packed = [tmp_path / f"{Path(band).name}.gz" for band in bands]
    for band, path in zip(bands, packed, strict=True):
        with open(band, "rb") as plain, gzip.open(path, "wb") as file:
            shutil.copyfileobj(plain, file)
    again = source._replace(files=packed).read()
    np.testing.assert_array_equal(again.data, cube.data)
    assert again.data.base is None

# SPDX-License-Identifier: BSD-3-Clause
"""Images of the Digitized Sky Survey: two places in one header, and which is taken."""

import re

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import pixel_to_pixel

from skesom.io import read_cube

SIZE = 200
ALL = re.compile(r"AMD[XY]\d+|PLT.*|PPO\d|CNPIX\d|[XY]PIXELSZ")


def plate_header():
    """Make the header of an image on a plate, of which all cards give one place."""
    header = fits.PrimaryHDU(np.zeros((SIZE, SIZE), np.float32)).header
    header.update(PLTRAH=14, PLTRAM=1, PLTRAS=15.39, PLTDECSN="+")
    header.update(PLTDECD=53, PLTDECM=17, PLTDECS=54.6)
    header.update(CNPIX1=5900, CNPIX2=9046, XPIXELSZ=25.28445, YPIXELSZ=25.28445)
    header.update(PPO3=177474.7, PPO6=177474.7, EPOCH=1955.3)
    for axis in "XY":
        header.update({f"AMD{axis}{number}": 0.0 for number in range(1, 21)})
    header.update(AMDX1=67.2459, AMDX2=0.10396, AMDX3=-434.2081, AMDX12=1.88964e-6)
    header.update(AMDY1=67.2627, AMDY2=-0.10916, AMDY3=-114.8918, AMDY12=1.82523e-6)
    header.update(EQUINOX=2000.0)
    place = WCS(header).pixel_to_world(99.5, 99.5)
    del header["EQUINOX"]
    header.update(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRPIX1=100.5, CRPIX2=100.5)
    header.update(CRVAL1=place.ra.deg, CRVAL2=place.dec.deg)
    header.update(CDELT1=-0.0004724, CDELT2=0.0004726)
    return header


def plate_wcs(header):
    """Return the place by the plate."""
    header = header.copy()
    header["EQUINOX"] = 2000.0
    return WCS(header)


def card_wcs(header):
    """Return the place by the other cards."""
    header = header.copy()
    for card in list(header):
        if ALL.fullmatch(card) or card == "EPOCH":
            del header[card]
    return WCS(header)


def star_field(wcs, seed=0):
    """Make an image of stars at places on the sky that a seed gives."""
    rng = np.random.default_rng(seed)
    stars = rng.uniform(-300, 500, (2, 700))
    x, y = pixel_to_pixel(plate_wcs(plate_header()), wcs, *stars)
    flux = rng.pareto(1.5, 700) * 30
    rows, columns = np.indices((SIZE, SIZE))
    image = rng.normal(size=(SIZE, SIZE))
    for column, row, light in zip(x, y, flux, strict=True):
        if -5 < column < SIZE + 5 and -5 < row < SIZE + 5:
            squares = (rows - row) ** 2 + (columns - column) ** 2
            image += light * np.exp(-squares / (2 * 1.3**2))
    return image.astype(np.float32)


def write(path, header, image):
    fits.writeto(path, image, header)
    return path


def moved(header, pixels=60):
    """Return a header whose other cards are 60 pixels (1.7 arcmin) beside the plate."""
    header = header.copy()
    header["CRPIX1"] += pixels
    return header


def plain(tmp_path, name="plain.fits"):
    """Write an image that has one place."""
    header = card_wcs(plate_header()).to_header()
    return write(tmp_path / name, header, star_field(card_wcs(plate_header()), 0))


def same_place(cube, wcs):
    ours, there = (each.pixel_to_world(99.5, 99.5).icrs for each in (cube.wcs, wcs))
    return ours.separation(there).arcsec < 0.01


def test_plate_holds_where_both_agree(tmp_path, recwarn):
    # With EPOCH as the equinox, the image would be 15 arcmin away.
    header = plate_header()
    cube = read_cube(write(tmp_path / "a.fits", header, star_field(plate_wcs(header))))
    assert same_place(cube, plate_wcs(header))
    assert not recwarn.list


def test_other_cards_hold_without_other_images(tmp_path):
    header = moved(plate_header())
    path = write(tmp_path / "a.fits", header, star_field(card_wcs(header)))
    with pytest.warns(UserWarning, match=r"a\.fits.* 1\.7 arcmin apart.*no other") as w:
        cube = read_cube(path)
    assert "Taken: those of the image" in str(w[0].message)
    assert same_place(cube, card_wcs(header))


@pytest.mark.parametrize("right", ["the image", "the plate"])
@pytest.mark.parametrize("first", [0, 1])
def test_other_images_decide(tmp_path, right, first):
    header = moved(plate_header())
    where = {"the image": card_wcs, "the plate": plate_wcs}[right](header)
    path = write(tmp_path / "two.fits", header, star_field(where))
    paths = [path, plain(tmp_path)]
    match = f"Taken: those of {right} .*agree with .*plain.fits"
    with pytest.warns(UserWarning, match=match):
        cubes = read_cube([paths[first], paths[1 - first]], band_names=["a", "b"])
    assert same_place(cubes[first], where)


def test_images_of_other_stars_decide_nothing(tmp_path):
    header = moved(plate_header())
    path = write(tmp_path / "two.fits", header, star_field(plate_wcs(header), 1))
    with pytest.warns(UserWarning, match="no other image decides"):
        cubes = read_cube([path, plain(tmp_path)])
    assert same_place(cubes[0], card_wcs(header))

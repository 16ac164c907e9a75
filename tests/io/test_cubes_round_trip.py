# SPDX-License-Identifier: BSD-3-Clause
"""Whatever the shape, number format and gaps: what is written is what is read."""

import gzip
import tempfile
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.testing import assert_allclose, assert_array_equal

from skesom.cube import Cube
from skesom.io import read_cube, write_bands

# The files of an example are written in its own folder, not in the fixture's.
quick = settings(max_examples=30, deadline=None, derandomize=True)
sides = st.integers(1, 6)
shapes = st.tuples(sides, sides, st.integers(1, 3))
byte_orders = st.sampled_from("<>")
words = st.text(st.sampled_from("abcXYZ019 _-+'[]/"), min_size=1, max_size=12)


def floats(shape, dtype):
    """Return a strategy of arrays of a floating-point type with gaps."""
    width = 8 * np.dtype(dtype).itemsize
    values = st.floats(width=width, allow_nan=True, allow_infinity=False)
    return npst.arrays(dtype, shape, elements=values)


@st.composite
def cubes(draw, dtype):
    """Draw a cube of a type that may know much or little."""
    shape = draw(shapes)
    n_bands = shape[2]
    names = draw(
        st.lists(
            words.map(str.strip).filter(bool),
            min_size=n_bands,
            max_size=n_bands,
            unique_by=lambda name: "".join(filter(str.isalnum, name)).lower(),
        )
    )
    positive = st.floats(1e-3, 1e3)
    unit = st.sampled_from([None, "Jy", "MJy / sr", "electron / s", "mag", ""])
    place = st.one_of(st.just(np.nan), st.floats(1e-6, 1e12))
    errors = st.none()
    if draw(st.booleans()):
        small = st.one_of(st.just(np.nan), st.floats(2**-20, 2**20, width=32))
        errors = npst.arrays(dtype, shape, elements=small)
    coordinates = draw(st.lists(place, min_size=n_bands, max_size=n_bands))
    known = draw(st.booleans()) and not np.isnan(coordinates).all()
    spectral = draw(st.sampled_from(["nm", "GHz", "km / s"]))
    return Cube(
        draw(floats(shape, dtype)),
        band_names=names,
        band_units=draw(st.lists(unit, min_size=n_bands, max_size=n_bands)),
        fwhm=draw(st.lists(positive, min_size=n_bands, max_size=n_bands)),
        errors=draw(errors),
        band_coordinates=coordinates * units.Unit(spectral) if known else None,
    )


def assert_same_optional(first, second, rtol=0.0):
    """Compare what either both have or neither."""
    assert (first is None) == (second is None)
    if first is not None:
        assert_allclose(first, second, rtol=rtol)


@pytest.mark.filterwarnings("ignore:No errors were found")
@quick
@given(st.one_of(cubes(np.float32), cubes(np.float64)))
def test_cube(cube):
    with tempfile.TemporaryDirectory() as folder:
        back = read_cube(write_bands(folder, cube), dtype=cube.dtype, errors="auto")
    assert back.dtype == cube.dtype
    assert_array_equal(back.data, cube.data)
    assert_same_optional(back.errors, cube.errors)
    # The cards of a header hold 16 digits.
    assert_same_optional(back.band_coordinates, cube.band_coordinates, rtol=1e-15)
    assert_allclose(back.fwhm, cube.fwhm, rtol=1e-15)
    unknown = (None, units.dimensionless_unscaled)  # an empty BUNIT has no unit
    for read, unit in zip(back.band_units, cube.band_units, strict=True):
        assert read == unit or {read, unit} <= set(unknown)


@quick
@given(st.data(), shapes, byte_orders, st.sampled_from(["f4", "f8"]))
def test_arrays_of_any_layout(data, shape, byte_order, kind):
    array = data.draw(floats(shape, byte_order + kind))
    layout = data.draw(st.sampled_from(["C", "F", "reversed", "read-only"]))
    if layout == "F":
        array = np.asfortranarray(array)
    elif layout == "reversed":
        array = array[::-1, :, ::-1]
    elif layout == "read-only":
        array.flags.writeable = False
    before = array.copy()
    for cube in (read_cube(array, dtype=kind), Cube(array)):
        assert cube.dtype == np.dtype(kind)
        assert cube.dtype.isnative
        assert_array_equal(cube.data, array)
    assert_array_equal(array, before)


def write_scaled(path, stored, cards, *, tiles):
    """Write integers as they are, with cards that scale them when they are read."""
    hdu = fits.CompImageHDU(stored) if tiles else fits.PrimaryHDU(stored)
    hdus = [fits.PrimaryHDU(), hdu] if tiles else [hdu]
    fits.HDUList(hdus).writeto(path)
    options = {"disable_image_compression": True, "do_not_scale_image_data": True}
    with fits.open(path, "update", **options) as hdus:
        hdus[-1].header.update(cards)


@quick
@given(
    npst.arrays(
        st.sampled_from(["u1", ">i2", "<i4", ">i4"]),
        st.tuples(sides, sides),
        elements=st.integers(0, 100),
    ),
    st.integers(0, 100),
    st.sampled_from([1.0, 0.5, -4.0]),
    st.sampled_from([0.0, 96.0, -2048.0]),
    st.sampled_from(["plain", "gzip", "tiles"]),
)
def test_scaled_integers(stored, blank, scale, zero, packing):
    cards = {"BLANK": blank, "BSCALE": scale, "BZERO": zero}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.fits"
        write_scaled(path, stored, cards, tiles=packing == "tiles")
        if packing == "gzip":
            zipped = path.with_name("a.fits.gz")
            zipped.write_bytes(gzip.compress(path.read_bytes()))
            path = zipped
        cube = read_cube(path)
    wanted = np.where(stored == blank, np.nan, stored * scale + zero)
    assert_array_equal(cube.data[:, :, 0], wanted)


@quick
@given(
    st.data(),
    st.tuples(sides, sides),
    st.integers(1, 3),
    st.permutations([0, 1, 2, 3]),
)
def test_axes_in_any_order(data, shape, n_bands, order):
    """Sky, bands and an axis of length 1 in any order, known by their CTYPE."""
    array = data.draw(floats((*shape, n_bands, 1), "f4"))
    # The WCS of the cube has the sky axes in the order of the file: no swap needed.
    assume(order.index(0) < order.index(1))
    kinds = np.array(["DEC--TAN", "RA---TAN", "WAVE", "STOKES"])[list(order)]
    hdu = fits.PrimaryHDU(array.transpose(order))
    for number, kind in enumerate(kinds[::-1], 1):
        hdu.header.update({f"CTYPE{number}": kind, f"CDELT{number}": 0.1})
    with tempfile.TemporaryDirectory() as folder:
        hdu.writeto(Path(folder) / "a.fits")
        cube = read_cube(Path(folder) / "a.fits")
    assert_array_equal(cube.data, array[..., 0])


@quick
@given(st.data(), shapes)
def test_masked_arrays(data, shape):
    array = data.draw(floats(shape, "f8"))
    mask = data.draw(npst.arrays(bool, shape))
    cube = read_cube(np.ma.MaskedArray(array, mask), dtype=np.float64)
    assert_array_equal(cube.data, np.where(mask, np.nan, array))
    flagged = read_cube(array, masks=mask, dtype=np.float64)
    assert_array_equal(flagged.data, cube.data)

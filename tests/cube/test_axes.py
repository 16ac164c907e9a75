# SPDX-License-Identifier: BSD-3-Clause
"""Arrays with the bands first, as FITS libraries read them."""

import warnings

import numpy as np
import pytest
from astropy.wcs import WCS

from skesom import AsinhStretch, Cube

MEND = r"np.moveaxis\(array, 0, -1\)"


@pytest.mark.parametrize("make", [Cube, lambda array: AsinhStretch().fit(array)])
@pytest.mark.parametrize("kind", ["array", "list", "lazy"])
def test_bands_that_look_first_are_warned_of(make, kind):
    array = np.random.default_rng(0).normal(size=(3, 40, 30))
    if kind == "list":
        array = array.tolist()
    elif kind == "lazy":
        array = pytest.importorskip("dask.array").from_array(array)
    with pytest.warns(UserWarning, match=rf"3 rows and 30 bands.*{MEND}"):
        make(array)


@pytest.mark.parametrize(
    "shape",
    [(10, 20, 1595), (4, 4, 200), (200, 200, 9), (1, 40, 40), (20, 40, 40), (3, 40, 4)],
)
def test_spectra_and_slits_are_not(shape):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cube = Cube(np.zeros(shape, dtype=np.float32))
        if shape[0] > 4:
            assert cube[:2].shape[2] == shape[2]  # a part of a cube is known


def test_names_of_bands_and_a_wcs_tell_it_for_sure():
    array = np.zeros((3, 10, 12))
    with pytest.raises(ValueError, match=f"length of the 3 band names: {MEND}"):
        Cube(array, band_names=["a", "b", "c"])
    wcs = WCS(naxis=2)
    wcs.array_shape = 10, 12
    with pytest.raises(ValueError, match=f"10 x 12 pixels of the WCS: {MEND}"):
        Cube(array, wcs=wcs)
    assert Cube(np.moveaxis(array, 0, -1), wcs=wcs).shape == (10, 12, 3)

# SPDX-License-Identifier: BSD-3-Clause
"""A WCS to write into test images."""

import numpy as np
import pytest
from astropy.wcs import WCS


@pytest.fixture
def make_wcs():
    """Return a function that makes a tangential WCS near M83."""

    def make(shape, size=0.5, *, angle=30.0, ra=204.2683, dec=-29.8395):
        angle = np.deg2rad(angle)
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval = [ra, dec]
        wcs.wcs.crpix = [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
        wcs.wcs.pc = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        wcs.wcs.cdelt = [-size / 3600, size / 3600]
        wcs.array_shape = shape
        wcs.wcs.set()
        return wcs

    return make

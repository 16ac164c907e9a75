# SPDX-License-Identifier: BSD-3-Clause
"""A small galaxy, and the job done on it."""

import pytest
from astropy.wcs import WCS
from matplotlib import pyplot
from matplotlib.figure import Figure

from skesom.datasets import make_galaxy_cube
from skesom.maps import make_cluster_pipeline
from skesom.som import ESOM


@pytest.fixture(scope="session")
def galaxy():
    """Five bands of a galaxy that leaves some sky, with a gap between the detectors."""
    return make_galaxy_cube((64, 80), 5, missing=0.1, extent=0.3, random_state=1)[0]


@pytest.fixture(scope="session")
def job(galaxy):
    """A fitted pipeline of all steps."""
    pipeline = make_cluster_pipeline(
        ESOM(n_clusters=4, random_state=0), fwhm="cube", sky="mask"
    )
    return pipeline.fit(galaxy)


@pytest.fixture
def ax():
    """Axes of a figure that pyplot does not know."""
    return Figure(figsize=(4, 3), layout="constrained").add_subplot()


@pytest.fixture
def sky_wcs():
    """Sky with the north up and the east to the left, one arcsec per pixel."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [204.25, -29.87]
    wcs.wcs.crpix = [20, 10]
    wcs.wcs.cdelt = [-1 / 3600, 1 / 3600]
    return wcs


@pytest.fixture
def _close_figures():
    """Close what pyplot has opened."""
    yield
    pyplot.close("all")

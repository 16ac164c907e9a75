# SPDX-License-Identifier: BSD-3-Clause
"""A small galaxy, and the job done on it."""

import pytest

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

# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures that several rooms share."""

import os
import zipfile
from pathlib import Path

import pytest

# scikit-learn checks array API input only if SciPy was loaded with this switch.
os.environ.setdefault("SCIPY_ARRAY_API", "1")


def pytest_generate_tests(metafunc):
    """Draw ``global_random_seed`` from the environment: a number, or "all" for 100."""
    if "global_random_seed" in metafunc.fixturenames:
        wanted = os.environ.get("SKESOM_TESTS_GLOBAL_RANDOM_SEED", "42")
        seeds = range(100) if wanted == "all" else [int(wanted)]
        metafunc.parametrize("global_random_seed", seeds)


@pytest.fixture(scope="session")
def shared_data():
    """Folder of real images beside the project; tests that need it skip without."""
    folder = Path(
        os.environ.get(
            "SKESOM_TEST_DATA",
            Path(__file__).resolve().parents[2] / "shared" / "data",
        )
    )
    if not folder.is_dir():
        pytest.skip(f"needs the real images in {folder} (set SKESOM_TEST_DATA)")
    return folder


@pytest.fixture(scope="session")
def galaxy():
    """Five bands of a galaxy that leaves some sky, with a gap between the detectors."""
    from skesom.datasets import make_galaxy_cube

    return make_galaxy_cube((64, 80), 5, missing=0.1, extent=0.3, random_state=1)[0]


@pytest.fixture(scope="session")
def job(galaxy):
    """A fitted pipeline of all steps."""
    from skesom.maps import make_cluster_pipeline
    from skesom.som import ESOM

    pipeline = make_cluster_pipeline(ESOM(n_clusters=4, random_state=0), sky="mask")
    return pipeline.fit(galaxy)


@pytest.fixture(scope="session")
def rewrite():
    """A function that replaces a text in the schema of a skops file."""

    def change(path, old, new):
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        text = files["schema.json"].decode()
        assert old in text
        files["schema.json"] = text.replace(old, new)
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path

    return change


@pytest.fixture
def ax():
    """Axes of a figure that pyplot does not know."""
    from matplotlib.figure import Figure

    return Figure(figsize=(4, 3), layout="constrained").add_subplot()


@pytest.fixture
def sky_wcs():
    """Sky with north up and east to the left, one arcsec per pixel."""
    from astropy.wcs import WCS

    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [204.25, -29.87]
    wcs.wcs.crpix = [20, 10]
    wcs.wcs.cdelt = [-1 / 3600, 1 / 3600]
    return wcs

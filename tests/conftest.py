# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures that several rooms share."""

import os
from pathlib import Path

import matplotlib
import pytest

# scikit-learn checks array API input only if SciPy was loaded with this switch.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
matplotlib.use("Agg")


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

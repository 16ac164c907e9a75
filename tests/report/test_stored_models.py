# SPDX-License-Identifier: BSD-3-Clause
"""Models of earlier versions are read, and predict as they did."""

from pathlib import Path

import numpy as np
import pytest

from skesom.report import load_model

STORED = sorted((Path(__file__).parent / "models").glob("*/*.skops"))


def test_there_are_models():
    assert len(STORED) >= 4


@pytest.mark.parametrize(
    "path", STORED, ids=lambda path: f"{path.parent.name}-{path.stem}"
)
@pytest.mark.filterwarnings("ignore:.* was saved with:UserWarning")
def test_predicts_as_when_it_was_stored(path):
    pytest.importorskip("skops")
    model, _ = load_model(path)
    stored = np.load(path.with_name("predicted.npz"))
    np.testing.assert_array_equal(model.predict(stored["X"]), stored[path.stem])

# SPDX-License-Identifier: BSD-3-Clause
"""Models of earlier versions are read, and predict as they did."""

import shutil
from functools import partial
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
    model, _ = load_model(path)
    stored = np.load(path.with_name("predicted.npz"))
    np.testing.assert_array_equal(model.predict(stored["X"]), stored[path.stem])


@pytest.fixture
def rewritten(tmp_path, rewrite):
    """A function that changes a text in the schema of a stored model."""
    return partial(rewrite, shutil.copy(STORED[0], tmp_path / "model.skops"))


def test_a_class_of_a_newer_version(rewritten):
    path = rewritten('"MapClassifier"', '"AnotherClassifier"')
    with pytest.raises(ValueError, match=r"AnotherClassifier.*--trust"):
        load_model(path)


@pytest.mark.filterwarnings("ignore:.* was saved with:UserWarning")
def test_an_attribute_that_has_another_name(rewritten):
    path = rewritten('"codebook_"', '"units_"')
    with pytest.raises(ValueError, match=r"model\.skops cannot be loaded"):
        load_model(path)


def test_a_long_number_of_a_version(rewritten):
    number = "9." * 100_000
    path = rewritten('\\"0.1.0\\"', f'\\"{number}\\"')
    with pytest.warns(UserWarning, match="other versions") as caught:
        load_model(path)
    assert all(len(str(each.message)) < 1000 for each in caught)


@pytest.mark.parametrize("share", [0, 0.3, 0.9, 0.999])
def test_a_part_of_a_file(tmp_path, share):
    content = STORED[0].read_bytes()
    path = tmp_path / "model.skops"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"model\.skops cannot be loaded"):
        load_model(path)

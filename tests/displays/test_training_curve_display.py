# SPDX-License-Identifier: BSD-3-Clause
"""How the error of a map falls while it is trained."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.displays import TrainingCurveDisplay
from skesom.som import CSOM, ESOM

X = make_blobs(200, n_features=3, random_state=0)[0]


def test_shows_what_the_map_remembers(ax):
    pipeline = make_pipeline(
        StandardScaler(), CSOM(None, shape=(3, 4), n_epochs=9)
    ).fit(X)
    (line,) = TrainingCurveDisplay.from_estimator(pipeline, ax=ax).lines_
    np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 10))
    np.testing.assert_array_equal(line.get_ydata(), pipeline[-1].training_errors_)
    assert ax.get_xlabel() == "epoch"
    assert ax.get_ylabel() == "root mean square distance"


def test_takes_any_sequence_and_compares_several(ax):
    display = TrainingCurveDisplay.from_predictions([3, 2, 1.5], what="energy", ax=ax)
    (line,) = display.lines_
    assert line.get_ydata().tolist() == [3, 2, 1.5]
    assert ax.get_ylabel() == "energy"
    assert ax.get_legend() is None
    curves = {"batch": [3, 2, 1], "online": np.array([2.5, 2.0])}
    first, second = TrainingCurveDisplay.from_predictions(curves, ax=ax).lines_
    assert first.get_ydata().tolist() == [3, 2, 1]
    assert second.get_ydata().tolist() == [2.5, 2]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(curves)


@pytest.mark.parametrize("wrong", [[], 3.0, [[1, 2]], {"a": []}])
def test_needs_a_number_for_each_epoch(ax, wrong):
    esom = ESOM(n_clusters=2, random_state=0).fit(X)
    with pytest.raises(ValueError, match="ESOM has no training curve"):
        TrainingCurveDisplay.from_estimator(esom, ax=ax)
    with pytest.raises(ValueError, match="values must have one number for each epoch"):
        TrainingCurveDisplay.from_predictions(wrong, ax=ax)

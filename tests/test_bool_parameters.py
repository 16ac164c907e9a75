# SPDX-License-Identifier: BSD-3-Clause
"""True and False are not taken for the numbers 1 and 0."""

import numpy as np
import pytest
from sklearn.utils._param_validation import InvalidParameterError

from skesom.consensus import ConsensusClusterer
from skesom.cube import (
    AsinhStretch,
    BandBinner,
    ColorScaler,
    CountSmoother,
    CubeMasker,
)
from skesom.som import CSOM, ESOM

CUBE = np.random.default_rng(0).normal(10, 1, (12, 12, 3))
TABLE = CUBE.reshape(-1, 3)


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (ESOM(True), "n_clusters"),
        (ESOM(random_state=False), "random_state"),
        (CSOM(True), "n_clusters"),
        (ConsensusClusterer(ESOM(4), n_estimators=True), "n_estimators"),
        (BandBinner(True), "bin_size"),
        (AsinhStretch(softening=True), "softening"),
        (ColorScaler(contrast=False), "contrast"),
        (CountSmoother(True), "signal_to_noise"),
        (CubeMasker(grow=True), "grow"),
    ],
)
def test_numbers_are_no_bools(estimator, name):
    table = CUBE if "cube" in type(estimator).__module__ else TABLE
    with pytest.raises(InvalidParameterError, match=f"{name!r} parameter .* no bool"):
        estimator.fit(table)


def test_bools_are_bools():
    masker = CubeMasker(mask_outliers=False, mask_zeros=True)
    assert masker.fit_transform(CUBE).shape == CUBE.shape

# SPDX-License-Identifier: BSD-3-Clause
"""The same bits on other processors, as far as the environment can imitate them."""

import math
import os
import subprocess
import sys
from decimal import Decimal, localcontext

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skesom.som._vectors import exp

SCRIPT = """
import hashlib
import numpy as np
from skesom import CSOM, ESOM

rng = np.random.default_rng(0)
X = rng.integers(-30, 30, (9, 9)) / 4 + rng.integers(-999, 999, (3000, 1, 9)) / 700
X = X[np.arange(3000), rng.integers(0, 9, 3000)]
how = {"n_clusters": None, "init": "random", "n_epochs": 3, "random_state": 0}
maps = [ESOM(None, epsilon=1.5, random_state=0)]
maps += [CSOM(algorithm=a, **how) for a in ("batch", "online")]
for som in maps:
    print(hashlib.md5(som.fit(X).codebook_.tobytes()).hexdigest())
print(hashlib.md5(maps[0].connections_.data.tobytes()).hexdigest())
print(hashlib.md5(maps[1].training_errors_.tobytes()).hexdigest())
for dtype, n_samples, n_features, epsilon in (
    (np.float32, 3000, 7, 1.2),
    (np.float64, 3000, 7, 1.2),
    (np.float32, 700, 70, 9),
    (np.float64, 700, 70, 9),
):
    X = rng.standard_t(4, size=(n_samples, n_features)).astype(dtype)
    X[::50, 3] = np.nan
    X[::3] += 10
    for som in (
        ESOM(epsilon=epsilon, random_state=0),
        CSOM(shape=(9, 8), n_epochs=4, n_clusters=5),
    ):
        bits = som.fit_predict(X).tobytes() + som.codebook_.tobytes()
        print(hashlib.md5(bits).hexdigest())
"""
# A processor without wide vectors takes the narrower code whatever is asked for.
PROCESSORS = {
    "no fused multiply-add": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2"},
    "another BLAS kernel": {"OPENBLAS_CORETYPE": "NEHALEM"},
    "NumPy of version 2": {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4"},
    "short vectors": {"SKESOM_VECTOR_BYTES": "16"},
    "longer vectors": {"SKESOM_VECTOR_BYTES": "32"},
    "long vectors": {"SKESOM_VECTOR_BYTES": "64"},
}
OLD = {k: v for k in list(PROCESSORS)[:4] for k, v in PROCESSORS[k].items()}


def digests(environment):
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT]
    environment = {**os.environ, **environment}
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    ).stdout.split()


@pytest.fixture(scope="module")
def here():
    return digests({})


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param(OLD, id="an old processor"),
        *(
            pytest.param(only, id=name, marks=pytest.mark.long)
            for name, only in PROCESSORS.items()
        ),
    ],
)
def test_maps_have_the_same_bits(environment, here):
    assert len(here) == 13
    assert digests(environment) == here


def test_exp_is_right_to_a_unit_in_the_last_place():
    rng = np.random.default_rng(0)
    x = np.concatenate([-700 * rng.random(2000), -rng.random(2000), [0.0, -708.0]])
    with localcontext() as context:
        context.prec = 40
        for power, found in zip(x.tolist(), exp(x).tolist(), strict=True):
            right = Decimal(power).exp()
            assert abs(Decimal(found) - right) < Decimal(math.ulp(float(right)))


def test_exp_underflows_to_zero():
    assert_array_equal(exp([[-708.1, -1e300], [-np.inf, 0.0]]), [[0, 0], [0, 1]])
    assert np.isnan(exp(np.nan))

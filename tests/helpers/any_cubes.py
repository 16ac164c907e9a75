# SPDX-License-Identifier: BSD-3-Clause
"""Arrays of any shape, type, byte order, layout and pattern of gaps."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skesom.cube import Cube

DTYPES = ["<f4", ">f4", "<f8", ">f8", "<f2", "<i2", ">i2", "<u2", "|u1", "<i4", "|b1"]
cubes_profile = settings(deadline=None, max_examples=30)


@st.composite
def cubes(draw, min_bands=1):
    """Draw an array of any kind of real numbers, with gaps if it can have them."""
    shape = draw(
        st.tuples(st.integers(1, 14), st.integers(1, 14), st.integers(min_bands, 4))
    )
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    if dtype.kind == "f":
        numbers = st.floats(-1000, 1000, width=16, allow_subnormal=False)
    else:
        numbers = None
    data = draw(hnp.arrays(dtype, shape, elements=numbers))
    if dtype.kind == "f":
        if dtype.itemsize > 2:
            data = data * dtype.type(10.0 ** draw(st.integers(-20, 20)))
        data = data.astype(dtype)
        data[draw(gaps(shape))] = np.nan
    return draw(st.sampled_from([np.asarray, np.asfortranarray, flipped]))(data)


def gaps(shape):
    """Draw where values are missing: anywhere, in whole lines, bands or pixels."""
    n_rows, n_columns, n_bands = shape
    return st.one_of(
        st.just(np.zeros(shape, dtype=bool)),
        hnp.arrays(bool, shape),
        hnp.arrays(bool, (n_rows, 1, 1)).map(lambda x: np.broadcast_to(x, shape)),
        hnp.arrays(bool, (1, n_columns, n_bands)).map(
            lambda x: np.broadcast_to(x, shape)
        ),
        hnp.arrays(bool, (n_rows, n_columns, 1)).map(
            lambda x: np.broadcast_to(x, shape)
        ),
    )


def flipped(array):
    """Return the same numbers behind a negative stride."""
    return np.ascontiguousarray(array[::-1])[::-1]


def plain(array):
    """Return the numbers as a plain cube has them."""
    return np.ascontiguousarray(Cube(array).data)

# SPDX-License-Identifier: BSD-3-Clause
"""Write NaN into pixels of a cube, in place or in a copy."""

import numpy as np

from skesom._common.strip_calls import map_strips


def write_nan(cube, find_lost, sky_mask, copy, n_jobs):
    """Return a cube, NaN where a function of some rows finds True (bands first)."""

    def write(data, rows):
        data = data.copy()
        np.copyto(np.moveaxis(data, 2, 0), np.nan, where=find_lost(rows))
        return data

    in_place = not (copy or cube.is_lazy) and cube.data.flags.writeable
    data = map_strips(write, cube.data, n_jobs=n_jobs, in_place=in_place)
    return cube.replace(data=data, errors=cube.errors, sky_mask=sky_mask)

# SPDX-License-Identifier: BSD-3-Clause
"""Images from one pixel grid to another, strip by strip, by reproject."""

import numpy as np
from astropy.wcs.wcsapi import HighLevelWCSWrapper, SlicedLowLevelWCS
from joblib import Parallel, delayed

METHODS = ("interp", "adaptive", "exact")
# Large enough to hide the cost of a call, small enough to stay in the cache.
PIXELS_PER_STRIP = 2**18


def resample(arrays, source, grid, data, bands, *, method, n_jobs):
    """Fill bands of an array from images on another grid."""
    # Importing reproject takes seconds, and most cubes need no resampling.
    import reproject

    function = getattr(reproject, f"reproject_{method}")
    options = {}
    if method != "exact":
        # The check costs as much again; only distortions can fold back on the image.
        distorted = source.wcs.has_distortion or grid.wcs.has_distortion
        options["roundtrip_coords"] = distorted
    stack = [np.moveaxis(array, 2, 0) for array in arrays]
    stack = stack[0] if len(stack) == 1 else np.concatenate(stack)
    rows, columns = grid.shape
    # The exact method visits every input pixel in each call.
    height = rows if method == "exact" else max(1, PIXELS_PER_STRIP // columns)

    def fill(start, wcs_in, wcs_out):
        stop = min(start + height, rows)
        part = HighLevelWCSWrapper(
            SlicedLowLevelWCS(wcs_out, [slice(start, stop), slice(0, columns)])
        )
        strip = np.empty((len(stack), stop - start, columns), stack.dtype)
        function(
            (stack, wcs_in),
            part,
            shape_out=strip.shape,
            output_array=strip,
            return_footprint=False,
            **options,
        )
        data[start:stop, :, bands] = np.moveaxis(strip, 0, 2)
        return np.isfinite(strip).any(axis=(1, 2))

    # A WCS is not safe to share between threads, so that each strip has its own.
    seen = Parallel(n_jobs=n_jobs, require="sharedmem")(
        delayed(fill)(start, source.wcs.deepcopy(), grid.wcs.deepcopy())
        for start in range(0, rows, height)
    )
    return np.any(seen, axis=0)

# SPDX-License-Identifier: BSD-3-Clause
"""Time and memory of the steps from images to the table that maps learn.

Every step runs in a process of its own on a cube of nine noisy bands, of which three
tenths are a gap with slanting borders as in a mosaic. "CPU" adds up the seconds of all
threads: on a busy machine it tells more than the clock, but for k-means, whose OpenMP
threads count while they wait (set OMP_NUM_THREADS=1). "Memory" is the most that the
process ever held above the cube, the result of the step included. Run:
``python docs/benchmarks/image_chain.py`` (8500 x 5000 pixels: a few minutes and up to
8 GB) or with ``--size 2000 1500``.
"""

import argparse
import multiprocessing
import time
import warnings

import numpy as np
from astropy.wcs import WCS
from measuring import memory, report
from sklearn.cluster import MiniBatchKMeans
from sklearn.pipeline import make_pipeline

from skesom.cube import (
    AsinhStretch,
    ColorScaler,
    Cube,
    CubeAligner,
    CubeMasker,
    FWHMConvolver,
)
from skesom.maps import make_cluster_pipeline
from skesom.pixels import CubeFlattener

PIXEL = 0.0396  # arcsec
FWHM = {  # arcsec, of the Early Release Science mosaics of M83
    "F225W": 0.083,
    "F336W": 0.075,
    "F373N": 0.070,
    "F438W": 0.070,
    "F487N": 0.067,
    "F502N": 0.067,
    "F657N": 0.070,
    "F673N": 0.070,
    "F814W": 0.074,
}


def make_wcs(shape, angle=0.0, pixel=PIXEL):
    """Make a tangential WCS around M83, turned by an angle in degrees."""
    angle = np.deg2rad(angle)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [204.2683, -29.8395]
    wcs.wcs.crpix = [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
    wcs.wcs.cdelt = [-pixel / 3600, pixel / 3600]
    wcs.wcs.pc = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    wcs.array_shape = shape
    return wcs


def make_cube(shape):
    """Make the bands row by row, so that the cube is all the memory ever held."""
    rng = np.random.default_rng(0)
    rows, columns = shape
    data = np.empty((rows, columns, len(FWHM)), dtype=np.float32)
    for row in range(rows):
        rng.standard_normal(dtype=np.float32, out=data[row])
        edge = columns * (0.4 - 0.2 * row / rows)
        data[row, : int(edge)] = np.nan
    galaxy = np.s_[rows // 4 : rows // 2, columns // 2 : columns * 3 // 4]
    data[galaxy] += 40
    return Cube(data, wcs=make_wcs(shape), band_names=FWHM, fwhm=list(FWHM.values()))


def split(cube):
    """Return the cube as one cube per band, views of the same memory."""
    return [cube[:, :, band : band + 1] for band in range(cube.shape[2])]


def align_turned(cube):
    """Resample all bands to a grid turned by 30 degrees."""
    target = make_wcs(cube.shape[:2], angle=30.0)
    return CubeAligner(target, resample="interp", n_jobs=-1).fit_transform(cube)


def chain(cube):
    """Run the whole chain to a map of clusters."""
    pipeline = make_cluster_pipeline(MiniBatchKMeans(8, random_state=0), n_jobs=-1)
    return pipeline.fit_predict(cube)


STEPS = {
    "mask": lambda cube: CubeMasker(n_jobs=-1).fit_transform(cube),
    "convolve": lambda cube: FWHMConvolver(n_jobs=-1).fit_transform(cube),
    "convolve in place": lambda cube: FWHMConvolver(
        copy=False, n_jobs=-1
    ).fit_transform(cube),
    "convolve nine cubes": lambda cube: FWHMConvolver(n_jobs=-1).fit_transform(
        split(cube)
    ),
    "align equal grids": lambda cube: CubeAligner(n_jobs=-1).fit_transform(split(cube)),
    "align to a turned grid": align_turned,
    "stretch": lambda cube: AsinhStretch(n_jobs=-1).fit_transform(cube),
    "color": lambda cube: ColorScaler().fit_transform(cube),
    "flatten": lambda cube: CubeFlattener(n_jobs=-1).fit_transform(cube),
    "mask, stretch, flatten, in place": lambda cube: make_pipeline(
        CubeMasker(copy=False, n_jobs=-1),
        AsinhStretch(copy=False, n_jobs=-1),
        CubeFlattener(copy=False, n_jobs=-1),
    ).fit_transform(cube),
    "whole chain with k-means": chain,
}


def measure(step, shape):
    """Run one step; return the bytes of the cube, times, memory above it."""
    warnings.simplefilter("ignore")
    STEPS[step](make_cube((64, 64)))  # imports and threads
    cube = make_cube(shape)
    before = memory("HWM")
    start, start_cpu = time.perf_counter(), time.process_time()
    STEPS[step](cube)
    seconds = time.perf_counter() - start, time.process_time() - start_cpu
    return cube.data.nbytes, seconds, memory("HWM") - before


def main():
    """Measure all steps and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--size", nargs=2, type=int, default=[8500, 5000], metavar=("ROWS", "COLUMNS")
    )
    parser.add_argument("--steps", nargs="+", choices=list(STEPS), default=list(STEPS))
    options = parser.parse_args()
    shape = tuple(options.size)
    context, rows = multiprocessing.get_context("spawn"), []
    for step in options.steps:
        with context.Pool(1) as pool:
            nbytes, seconds, above = pool.apply(measure, (step, shape))
        row = {"step": step, "wall s": seconds[0], "CPU s": seconds[1]}
        rows.append(row | {"GB above the cube": above / 1e9})
        print(f"{step}: {seconds[0]:.0f} s", flush=True)
    title = f"{shape[0]} x {shape[1]} pixels in nine bands, {nbytes / 1e9:.2f} GB"
    report("image_chain", title, rows)


if __name__ == "__main__":
    main()

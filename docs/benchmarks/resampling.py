# SPDX-License-Identifier: BSD-3-Clause
"""What each method of `CubeAligner` does to stars: flux, width and time.

Stars of 2.5 pixels (FWHM) of the target grid are drawn on pixels of an image that are
smaller, as large and larger, and brought to the target grid, which is turned by 0, 20
and 45 degrees. Reported are the largest error of the flux of one star, the mean width
afterwards from second moments, in pixels of the target, and the CPU seconds for each
million pixels of the target. Run: ``python docs/benchmarks/resampling.py``.
"""

import argparse
import time
import warnings

import numpy as np
from astropy.wcs import WCS
from measuring import report
from scipy.special import erf

from skesom.cube import Cube, CubeAligner

FWHM, SIDE, N_STARS, STEP = 2.5, 480, 12, 40
METHODS = "exact", "adaptive", "interp"


def grid(n_pixels, size, angle=0.0):
    """Return the WCS of a square image with pixels of a size in arcsec."""
    wcs = WCS({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"})
    wcs.wcs.crpix = [(n_pixels + 1) / 2] * 2
    wcs.wcs.cdelt = [-size / 3600, size / 3600]
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    wcs.wcs.pc = [[cosine, -sine], [sine, cosine]]
    wcs.array_shape = n_pixels, n_pixels
    return wcs


def integrated(n_pixels, places, sigma):
    """Return the share of the light of stars in each pixel along one axis."""
    edges = np.arange(n_pixels + 1) - 0.5
    return np.diff(erf((edges - places[:, np.newaxis]) / (2**0.5 * sigma)), axis=1) / 2


def stars_on(target, size):
    """Return an image with pixels of a size, and the places of its stars."""
    side = int(SIDE * 1.5 / size)
    wcs = grid(side, size)
    first = (SIDE - STEP * (N_STARS - 1)) / 2 - 0.5
    places = first + STEP * np.arange(N_STARS) + 0.083 * np.arange(N_STARS)
    rows, columns = map(np.ravel, np.meshgrid(places, places))
    inside = np.hypot(rows - SIDE / 2, columns - SIDE / 2) < 0.4 * SIDE
    rows, columns = rows[inside], columns[inside]
    x, y = wcs.world_to_pixel(target.pixel_to_world(columns, rows))
    sigma = FWHM / 2.3548 / size
    image = integrated(side, y, sigma).T @ integrated(side, x, sigma)
    return Cube(image[:, :, np.newaxis], wcs=wcs), rows, columns


def moments(image, row, column):
    """Return flux and FWHM of a star, in a box around it."""
    top, left = round(row) - 15, round(column) - 15
    box = image[top : top + 31, left : left + 31]
    rows, columns = np.indices(box.shape)
    flux = box.sum()
    middle = [(box * places).sum() / flux for places in (rows, columns)]
    spread = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2
    return flux, 2.3548 * np.sqrt((box * spread).sum() / flux / 2)


def measure(method, size):
    """Return the largest error of a flux, the mean width and the CPU seconds."""
    errors, widths, seconds = [], [], 0.0
    for angle in (0.0, 20.0, 45.0):
        target = grid(SIDE, 1.0, angle)
        cube, rows, columns = stars_on(target, size)
        aligner = CubeAligner(target, resample=method, conserve="flux")
        start = time.process_time()
        image = np.nan_to_num(aligner.fit_transform(cube).data[:, :, 0])
        seconds += time.process_time() - start
        for row, column in zip(rows, columns, strict=True):
            flux, width = moments(image, row, column)
            errors.append(abs(flux - 1))
            widths.append(width)
    return max(errors), np.mean(widths), seconds / 3 / SIDE**2 * 1e6


def main():
    """Report a row for each size of pixels and each method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ratios", type=float, nargs="+", default=[0.75, 1, 2, 4])
    rows = []
    for ratio in parser.parse_args().ratios:
        for method in METHODS:
            error, width, seconds = measure(method, 1 / ratio)
            row = {"pixel of the grid / of the image": f"{ratio:g}", "method": method}
            row |= {"error of the flux": f"{error:.2%}", "width": float(width)}
            rows.append(row | {"CPU s per megapixel": seconds})
    title = f"Stars of {FWHM} pixels (FWHM) of the grid"
    report("resampling", title, rows)


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of light that falls between pixels
    main()

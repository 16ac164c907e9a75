# SPDX-License-Identifier: BSD-3-Clause
"""A cube at a glance: a table with small images for notebooks, and panels of bands."""

import base64
import math
import struct
import zlib
from html import escape

import numpy as np

from skesom._common.extras import NO_PICTURES, import_extra

_ICON, _PANEL = 96, 800  # pixels of an image; more are left out in steps
_SAMPLE = 512  # rows and columns in which the numbers of a band are measured
_MOST_LINES, _MOST_PANELS = 24, 12  # that a cell of a notebook shows at a glance
_DARK, _BRIGHT = 25, 99.7  # percentiles that are black and white
_HEADINGS = ("", "band", "unit", "coordinate", "FWHM", "with data", "range")


def _steps(length, most):
    """Return whole numbers below a length at equal steps, at most so many."""
    return range(0, length, max(1, math.ceil(length / most)))


def _thin(image, most):
    """Return rows and columns of images at equal steps, at most so many."""
    step = _steps(max(image.shape[:2]), most).step
    return image[::step, ::step]


def _gray(image):
    """Return an image between 0 and 1 by an asinh stretch; NaN stays."""
    known = image[np.isfinite(image)].astype(np.float64)
    low, high = np.percentile(known, (_DARK, _BRIGHT)) if known.size else (0, 0)
    scaled = np.clip((image - low) / ((high - low) or 1), 0, 1)
    return np.arcsinh(10 * scaled) / np.arcsinh(10)


def _png(gray):
    """Return a PNG file of grays between 0 and 1, lowest row first; NaN is pink."""
    gray = gray[::-1, :, np.newaxis]
    pixels = np.where(np.isnan(gray), (255, 192, 203), 255 * gray).astype(np.uint8)
    lines = b"".join(b"\0" + row.tobytes() for row in pixels)
    rows, columns = gray.shape[:2]
    head = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n"
    for part in (b"IHDR" + head, b"IDAT" + zlib.compress(lines), b"IEND"):
        png += struct.pack(">I", len(part) - 4) + part
        png += struct.pack(">I", zlib.crc32(part))
    return png


def write_html(cube):
    """Return the table of the bands of a cube; its time does not grow with the cube."""
    numbers = _steps(cube.shape[2], _MOST_LINES)
    lines = ["".join(f"<th>{text}</th>" for text in _HEADINGS)]
    lines += ["".join(f"<td>{cell}</td>" for cell in _cells(cube, n)) for n in numbers]
    title = "Cube of {} x {} pixels, {} bands".format(*cube.shape)
    title += "" if numbers.step == 1 else f" (each {numbers.step}th is shown)"
    title += f", {cube.dtype}, {'no ' if cube.wcs is None else ''}WCS"
    title += "" if cube.errors is None else ", errors"
    if cube.is_lazy:
        title += f"; lazy, in strips of {cube.data.chunks[0][0]} rows"
    elif max(cube.shape[:2]) > _SAMPLE:
        title += "; shares and ranges are of a sample of pixels"
    return f"<p>{title}</p><table><tr>{'</tr><tr>'.join(lines)}</tr></table>"


def _cells(cube, number):
    """Yield the texts of the line of a band, without its values if it is lazy."""
    image = np.empty((0, 0)) if cube.is_lazy else cube.data[:, :, number]
    png = _png(_gray(_thin(image, _ICON))) if image.size else b""
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    yield f'<img alt="" src="{source}">' if png or not cube.is_lazy else ""
    unit, fwhm = cube.band_units[number], cube.fwhm[number]
    yield escape(cube.band_names[number])
    yield "" if unit is None else escape(str(unit))
    place = None if cube.band_coordinates is None else cube.band_coordinates[number]
    yield "" if place is None or np.isnan(place) else escape(f"{place:.6g}")
    yield "" if np.isnan(fwhm) else f"{fwhm:.3g} arcsec"
    sample = _thin(image, _SAMPLE)
    known = sample[np.isfinite(sample)]
    yield "" if cube.is_lazy else f"{known.size / max(sample.size, 1):.1%}"
    yield f"{known.min():.4g} to {known.max():.4g}" if known.size else ""


def draw_bands(cube, figsize):
    """Draw bands side by side."""
    import_extra("matplotlib", NO_PICTURES)
    from matplotlib import pyplot

    bands = _steps(cube.shape[2], _MOST_PANELS)
    images = np.asarray(_thin(cube.data, _PANEL)[:, :, :: bands.step])
    n_rows, n_columns = math.ceil(len(bands) / 4), min(len(bands), 4)
    height, width = 3 * np.array(cube.shape[:2]) / max(cube.shape[:2])
    figsize = figsize or (n_columns * width + 0.5, n_rows * (height + 0.4))
    figure, axes = pyplot.subplots(
        n_rows, n_columns, figsize=figsize, squeeze=False, layout="compressed"
    )
    colors = pyplot.get_cmap("gray").with_extremes(bad="pink")
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, band in zip(axes.flat, bands, strict=False):
        image = images[:, :, band // bands.step]
        ax.imshow(_gray(image), cmap=colors, origin="lower", vmin=0, vmax=1)
        ax.set_title(cube.band_names[band], parse_math=False)
    if len(bands) < cube.shape[2]:
        figure.suptitle(f"{len(bands)} of {cube.shape[2]} bands")
    return figure

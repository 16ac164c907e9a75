# SPDX-License-Identifier: BSD-3-Clause
"""A cube at a glance: a table with small images for notebooks, and panels of bands."""

import base64
import math
import struct
import zlib
from html import escape

import numpy as np

from skesom._common.extras import NO_PICTURES, import_extra

# What a cell of a notebook shows at a glance. Of longer sides, and of more bands,
# every second, third, ... is taken.
_ICON_SIZE = 96  # rows and columns of an image in the table
_PANEL_SIZE = 800  # and of one in a figure
_MOST_LINES = 24
_MOST_PANELS = 12
_PANELS_PER_ROW = 4
_PANEL_INCHES = 3  # the longer side of an image
_SAMPLE_SIZE = 512  # rows and columns in which the numbers of a band are measured

# Percentiles of the pixels that are black and white: the darkest quarter is mostly
# sky, and single bright stars shall not make all else dark.
_BLACK_PERCENTILE = 25
_WHITE_PERCENTILE = 99.7
_SOFTENING = 10  # of the asinh stretch: linear below a tenth of white
_PINK = (255, 192, 203)

_HEADINGS = ("", "band", "unit", "coordinate", "FWHM", "with data", "range")


def _spread(length, most):
    """Return a range of at most so many numbers below a length, at equal steps."""
    return range(0, length, max(1, math.ceil(length / most)))


def _thin_out(image, most):
    """Return at most so many rows and columns of an image, at equal steps."""
    step = _spread(max(image.shape[:2]), most).step
    return image[::step, ::step]


def _to_gray(image):
    """Return an image between 0 and 1 by an asinh stretch; NaN stays."""
    values = image[np.isfinite(image)].astype(np.float64)
    black = 0.0
    white = 0.0
    if values.size:
        black, white = np.percentile(values, (_BLACK_PERCENTILE, _WHITE_PERCENTILE))
    contrast = white - black
    if contrast == 0:
        contrast = 1.0
    scaled = np.clip((image - black) / contrast, 0, 1)
    return np.arcsinh(_SOFTENING * scaled) / np.arcsinh(_SOFTENING)


def _encode_png(gray):
    """Return a PNG file of grays between 0 and 1, lowest row first; NaN is pink.

    Written here, as the table of a cube must not need an optional library.
    """
    gray = gray[::-1, :, np.newaxis]
    pixels = np.where(np.isnan(gray), _PINK, 255 * gray).astype(np.uint8)
    n_rows, n_columns = gray.shape[:2]
    # 8 bits in three colors, no interlacing; each line begins with "no filter".
    header = struct.pack(">IIBBBBB", n_columns, n_rows, 8, 2, 0, 0, 0)
    lines = b"".join(b"\0" + row.tobytes() for row in pixels)
    png = b"\x89PNG\r\n\x1a\n"
    for kind, content in (
        (b"IHDR", header),
        (b"IDAT", zlib.compress(lines)),
        (b"IEND", b""),
    ):
        png += struct.pack(">I", len(content)) + kind + content
        png += struct.pack(">I", zlib.crc32(kind + content))
    return png


def write_html(cube):
    """Return the table of the bands of a cube; its time does not grow with the cube."""
    bands = _spread(cube.shape[2], _MOST_LINES)
    lines = ["".join(f"<th>{heading}</th>" for heading in _HEADINGS)]
    for band in bands:
        cells = _write_cells(cube, band)
        lines.append("".join(f"<td>{cell}</td>" for cell in cells))
    title = _write_title(cube, bands.step)
    return f"<p>{title}</p><table><tr>{'</tr><tr>'.join(lines)}</tr></table>"


def _write_title(cube, step):
    """Return the line above a table that shows one of `step` bands."""
    n_rows, n_columns, n_bands = cube.shape
    title = f"Cube of {n_rows} x {n_columns} pixels, {n_bands} bands"
    if step > 1:
        title += f" (1 of {step} is shown)"
    title += f", {cube.dtype}"
    title += ", no WCS" if cube.wcs is None else ", WCS"
    if cube.errors is not None:
        title += ", errors"
    if cube.is_lazy:
        title += f"; lazy, in strips of {cube.data.chunks[0][0]} rows"
    elif max(n_rows, n_columns) > _SAMPLE_SIZE:
        title += "; shares and ranges are of a sample of pixels"
    return title


def _write_cells(cube, band):
    """Return the cells of a band, one for each heading; a lazy band has no values."""
    unit = cube.band_units[band]
    fwhm = cube.fwhm[band]
    coordinate = None
    if cube.band_coordinates is not None and not np.isnan(cube.band_coordinates[band]):
        coordinate = cube.band_coordinates[band]
    icon = ""
    share = ""
    value_range = ""
    if not cube.is_lazy:
        image = cube.data[:, :, band]
        icon = _write_icon(image)
        sample = _thin_out(image, _SAMPLE_SIZE)
        values = sample[np.isfinite(sample)]
        share = f"{values.size / max(sample.size, 1):.1%}"
        if values.size:
            value_range = f"{values.min():.4g} to {values.max():.4g}"
    return (
        icon,
        escape(cube.band_names[band]),
        "" if unit is None else escape(str(unit)),
        "" if coordinate is None else escape(f"{coordinate:.6g}"),
        "" if np.isnan(fwhm) else f"{fwhm:.3g} arcsec",
        share,
        value_range,
    )


def _write_icon(image):
    """Return the tag of a small picture of an image, which may have no pixels."""
    png = b""
    if image.size:
        png = _encode_png(_to_gray(_thin_out(image, _ICON_SIZE)))
    code = base64.b64encode(png).decode()
    return f'<img alt="" src="data:image/png;base64,{code}">'


def draw_bands(cube, figsize):
    """Draw bands side by side, of many some at equal steps."""
    import_extra("matplotlib", NO_PICTURES)
    from matplotlib import pyplot

    bands = _spread(cube.shape[2], _MOST_PANELS)
    images = np.asarray(_thin_out(cube.data, _PANEL_SIZE)[:, :, :: bands.step])
    n_rows = math.ceil(len(bands) / _PANELS_PER_ROW)
    n_columns = min(len(bands), _PANELS_PER_ROW)
    if figsize is None:
        height, width = _PANEL_INCHES * np.array(cube.shape[:2]) / max(cube.shape[:2])
        # With room for a title above each panel.
        figsize = (n_columns * width + 0.5, n_rows * (height + 0.4))
    figure, axes = pyplot.subplots(
        n_rows, n_columns, figsize=figsize, squeeze=False, layout="compressed"
    )
    colors = pyplot.get_cmap("gray").with_extremes(bad="pink")
    for ax in axes.flat:
        ax.set_axis_off()
    # The last row may have fewer bands than panels.
    for ax, band in zip(axes.flat, bands, strict=False):
        gray = _to_gray(images[:, :, band // bands.step])
        ax.imshow(gray, cmap=colors, origin="lower", vmin=0, vmax=1)
        ax.set_title(cube.band_names[band], parse_math=False)
    if len(bands) < cube.shape[2]:
        figure.suptitle(f"{len(bands)} of {cube.shape[2]} bands")
    return figure

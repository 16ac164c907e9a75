# SPDX-License-Identifier: BSD-3-Clause
"""The archive of the clusters in each band: an image of fluxes, and a picture."""

import io
import re
import zipfile

import numpy as np

from skesom._common.fits_checks import BLOCK
from skesom._common.strips import strips_of
from skesom._sky.header_cards import to_ascii
from skesom._sky.units import write_unit
from skesom.displays.display import literal
from skesom.displays.rgb import sky_picture
from skesom.displays.sky_image import image_size
from skesom.io.fits_files import make_hdus
from skesom.io.label_maps import short_ascii
from skesom.report.drawing import PNG_LEVEL

BAND_IMAGES = "cluster_images.zip"
BAND_PIXELS = 400_000  # of a picture of one band
_DPI = 100
_LEFT = 0.7  # inches of the margins of a picture
_RIGHT = 1.5
_BELOW = 0.55
_ABOVE = 0.35


def draw_over_bands(display, planes, names):
    """Return the outlines of clusters over each band by name, as the bytes of a PNG.

    The outlines take most of the time, so they are drawn once, on nothing, and laid
    over the picture of each band. Coordinates on the sky and a fitted layout would
    take more time still.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    width, height = image_size(display._clusters.shape)
    figure = Figure(figsize=(width, height), dpi=_DPI)
    canvas = FigureCanvasAgg(figure)
    ax = figure.add_axes(
        (
            _LEFT / width,
            _BELOW / height,
            1 - (_LEFT + _RIGHT) / width,
            1 - (_BELOW + _ABOVE) / height,
        )
    )
    display.plot(ax, contours=True)
    display.image_.set_visible(False)
    ax.patch.set_visible(False)
    figure.patch.set_alpha(0)
    canvas.draw()
    outlines = Image.fromarray(np.array(canvas.buffer_rgba()))

    for artist in ax.get_children():
        artist.set_visible(False)
    display.image_.set_visible(True)
    figure.patch.set_alpha(1)
    pictures = {}
    for plane, name in zip(planes, names, strict=True):
        display.image_.set_data(np.repeat(sky_picture([plane]), 3, axis=2))
        title = ax.set_title(literal(name), loc="right", y=1.0)
        title.set_visible(True)
        canvas.draw()
        background = Image.fromarray(np.array(canvas.buffer_rgba()))
        picture = Image.alpha_composite(background, outlines).convert("RGB")
        buffer = io.BytesIO()
        picture.save(buffer, "png", compress_level=PNG_LEVEL)
        pictures[name] = buffer.getvalue()
    return pictures


def write_band_images(path, result, clusters):
    """Write the image of the clusters in each band to an archive."""
    file_names = _file_names(result.cube.band_names)
    # Members of 2 GiB need another format, which is to be chosen before.
    is_large = 4 * result.slice_of(0).size >= 2**31
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for band, file_name in enumerate(file_names):
            hdus = _hdus_of_band(result, band)
            fluxes = _fluxes_of_band(result, band, clusters)
            with archive.open(f"{file_name}.fits", "w", force_zip64=is_large) as stream:
                _write_image(stream, hdus, fluxes, result.slice_of(band))


def add_band_pictures(path, pictures):
    """Add the picture of each band, by name, to the archive."""
    file_names = _file_names(pictures)
    with zipfile.ZipFile(path, "a") as archive:
        for file_name, picture in zip(file_names, pictures.values(), strict=True):
            archive.writestr(zipfile.ZipInfo(f"{file_name}.png"), picture)


def _file_names(names):
    """Return the names of the files of bands: in order, and no name twice."""
    n_digits = len(str(len(names)))
    file_names = []
    for number, name in enumerate(names, 1):
        text = re.sub(r"[^A-Za-z0-9._+-]+", "_", short_ascii(name))
        file_names.append(f"{number:0{n_digits}}_{text}")
    return file_names


def _fluxes_of_band(result, band, clusters):
    """Return the median flux of each cluster in a band, and NaN as the last one."""
    n_clusters = int(result.label_map.max(initial=-1)) + 1
    fluxes = np.full(n_clusters + 1, np.nan, dtype=np.float32)
    name = result.cube.band_names[band]
    fluxes[np.asarray(clusters["id"])] = np.asarray(clusters[f"{name}_median"])
    return fluxes


def _hdus_of_band(result, band):
    """Return the HDUs of the image of a band, whose pixels are not there yet."""
    cube = result.cube
    no_pixels = np.broadcast_to(np.float32(0), result.slice_of(band).shape)
    hdus = make_hdus(no_pixels, cube.wcs)
    header = hdus[0].header
    header["FILTER"] = to_ascii(cube.band_names[band])
    unit = cube.band_units[band]
    if unit is not None:
        header["BUNIT"] = write_unit(unit)
    header["COMMENT"] = "Each pixel has the median flux of its cluster in this band."
    level = float(result.sky_level[band])
    if np.isfinite(level):
        header["SKYLEVEL"] = (level, "flux of the sky, from which this counts")
    return hdus


def _write_image(stream, hdus, fluxes, label_map):
    """Write an image in which each pixel has the flux of its cluster.

    It is written strip by strip, since it may be larger than the memory.
    """
    hdus.update_extend()
    stream.write(hdus[0].header.tostring().encode("ascii"))
    for rows in strips_of(label_map.shape, "block"):
        # The last flux is NaN, for pixels in no cluster.
        labels = np.maximum(label_map[rows], -1)
        stream.write(fluxes[labels].astype(">f4").tobytes())
    stream.write(bytes(-4 * label_map.size % BLOCK))

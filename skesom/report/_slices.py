# SPDX-License-Identifier: BSD-3-Clause
"""The image of the clusters in each band, all in one archive."""

import io
import re
import zipfile

import numpy as np
from astropy.io import fits

from skesom.io import make_hdus, to_ascii, write_unit

_BLOCK = 2880
_FAST = 1
_ROWS = 256


def write_slices(path, result, table, pictures):
    """Write an image of the clusters for each band of the cube."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=_FAST) as all_:
        for band, name in enumerate(_file_names(result.cube.band_names)):
            with all_.open(f"{name}.fits", "w", force_zip64=True) as file:
                _write_image(file, result, band, table)
            if pictures is not None:  # packed already
                picture = zipfile.ZipInfo(f"{name}.png")
                all_.writestr(picture, pictures(band), zipfile.ZIP_STORED)


def _file_names(band_names):
    """Return a file name for each band; numbers keep them apart and in order."""
    width = len(str(len(band_names)))
    return [
        f"{number:0{width}}_{re.sub(r'[^A-Za-z0-9._+-]+', '_', to_ascii(name))}"
        for number, name in enumerate(band_names, 1)
    ]


def _write_image(file, result, band, table):
    """Write an image in which each pixel has the median flux of its cluster."""
    cube, labels = result.cube, result.label_map
    name = cube.band_names[band]
    fluxes = np.full(int(labels.max(initial=-1)) + 2, np.nan, dtype=">f4")
    fluxes[np.asarray(table["id"])] = np.asarray(table[f"{name}_median"])
    header = _image_header(labels.shape, cube.wcs)
    header["FILTER"] = to_ascii(name)
    if cube.band_units[band] is not None:
        header["BUNIT"] = write_unit(cube.band_units[band])
    header["COMMENT"] = "Each pixel has the median flux of its cluster in this band."
    file.write(header.tostring().encode("ascii"))
    for start in range(0, len(labels), _ROWS):
        # The last one is NaN, for whatever is in no cluster.
        rows = np.maximum(labels[start : start + _ROWS], -1)
        file.write(fluxes[rows].tobytes())
    file.write(bytes(-4 * labels.size % _BLOCK))


def _image_header(shape, wcs):
    """Return the header of an image in single precision."""
    header = make_hdus(np.zeros((1, 1), dtype=np.float32), wcs)[0].header
    header["NAXIS1"], header["NAXIS2"] = shape[1], shape[0]
    return fits.Header(header, copy=True)


def png_bytes(figure, **options):
    """Return a figure as the bytes of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", **options)
    return buffer.getvalue()

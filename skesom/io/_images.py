# SPDX-License-Identifier: BSD-3-Clause
"""Find the image in a FITS file, know it by its header, and read its pixels."""

import os
import re
import warnings
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning
from astropy.wcs import FITSFixedWarning

from skesom.cube._grid import Grid
from skesom.io._headers import read_band_names, read_fwhm, read_unit, read_wcs

# First words of the names of extensions that go with an image but are not it.
_COMPANIONS = frozenset(
    "AREA BADPIX BPM CON CONF CONFIDENCE CTX D2IMARR DQ ERR ERROR EXP EXPOSURE FLAG "
    "FLAGS INVVAR IVAR MASK NOISE NSAMP QUALITY RMS SAMP SIGMA STAT STDDEV TIME UNC "
    "UNCERT UNCERTAINTY VAR VARIANCE WCSDVARR WEIGHT WHT".split()
)
_FITS_SUFFIX = re.compile(r"(\.(fits?|fts|fz|gz|bz2|xz|Z))+$", re.IGNORECASE)


class Image(NamedTuple):
    """One image of a FITS file, known by its header.

    Parameters
    ----------
    label : str
        The path as it was given, for messages.
    path : str
        The file.
    hdu : int
        Number of the HDU that holds the image.
    axes : tuple of int
        Array axes that run along rows, columns and, if there is one, bands.
    grid : Grid
        Shape and celestial WCS.
    band_names : list of str
        Names of the bands.
    unit : astropy.units.UnitBase or None
        Unit of the pixels.
    fwhm : ndarray of shape (n_bands,)
        Full width at half maximum in arcsec, NaN where unknown.
    """

    label: str
    path: str
    hdu: int
    axes: tuple
    grid: Grid
    band_names: list
    unit: object
    fwhm: np.ndarray


@contextmanager
def open_fits(path, **options):
    """Open a FITS file; whatever is wrong with it becomes an OSError that names it."""
    # Our own handle is closed also when astropy gives up in the middle of a header.
    with open(path, "rb") as stream, warnings.catch_warnings():
        # Cards that astropy puts right by itself are nothing a user must act on, and
        # what is missing shows up when it is read.
        warnings.simplefilter("ignore", FITSFixedWarning)
        warnings.filterwarnings(
            "ignore", category=AstropyUserWarning, module=r"astropy\.io\.fits"
        )
        try:
            with fits.open(stream, uint=False, **options) as hdus:
                yield hdus
        except (ValueError, MemoryError):
            raise  # these say by themselves what is wrong with which file
        except Exception as error:
            # Damaged bytes break astropy and its decompressors in countless ways.
            text = str(error).strip() or type(error).__name__
            reason = text.splitlines()[0].split(", this file")[0].rstrip(".")
            raise OSError(
                f"{path} is not a readable FITS file ({reason}). Give undamaged FITS "
                "images, one file per band or one file with all bands."
            ) from error


def describe_image(path, hdu=None):
    """Read what the header of an image says.

    Parameters
    ----------
    path : str or os.PathLike
        The file, or the file with an HDU in brackets as in ``image.fits[SCI,2]``.
    hdu : int, str, tuple or None
        HDU to use where the path names none.

    Returns
    -------
    image : Image
        Where the pixels are and what they are.
    """
    label = os.fspath(path)
    file, bracket = _split_path(label)
    with open_fits(file) as hdus:
        number = _find_image(hdus, hdu if bracket is None else bracket, file)
        header = hdus[number].header
        headers = [header] if number == 0 else [header, hdus[0].header]
        shape = hdus[number].shape
        wcs = read_wcs(header, hdus, label)
        axes = _find_axes(shape, wcs, label)
        n_bands = shape[axes[2]] if len(axes) == 3 else 1
        return Image(
            label=label,
            path=file,
            hdu=number,
            axes=axes,
            grid=Grid(
                None if wcs is None else wcs.celestial,
                (shape[axes[0]], shape[axes[1]]),
            ),
            band_names=read_band_names(headers, n_bands, _stem(file)),
            unit=read_unit(headers),
            fwhm=np.full(n_bands, read_fwhm(headers)),
        )


def read_pixels(image, out):
    """Read the pixels of an image, bands last.

    Parameters
    ----------
    image : Image
        The image.
    out : ndarray of shape (n_rows, n_columns, n_bands)
        Filled with the values; blank pixels become NaN.
    """
    with open_fits(image.path) as hdus:
        data = hdus[image.hdu].data
        last = range(data.ndim - len(image.axes), data.ndim)
        data = np.moveaxis(data, image.axes, last).reshape(out.shape)
        try:
            with np.errstate(over="raise"):
                # Band by band is quicker than letting NumPy transpose as it copies.
                for band in range(out.shape[2]):
                    out[:, :, band] = data[:, :, band]
        except FloatingPointError as error:
            raise ValueError(
                f"{image.label} holds values beyond the range of {out.dtype}. Read it "
                "with dtype=np.float64."
            ) from error


def _split_path(text):
    """Return the file and the HDU of a path like image.fits[SCI,2]."""
    match = re.fullmatch(r"(.+)\[([^\[\]]+)\]", text)
    if match is None or os.path.exists(text):
        return text, None
    parts = [part.strip() for part in match[2].split(",")]
    parts = [int(part) if part.isdigit() else part for part in parts]
    return match[1], parts[0] if len(parts) == 1 else tuple(parts)


def _stem(path):
    """Return the file's name without folder and FITS suffixes."""
    return _FITS_SUFFIX.sub("", os.path.basename(path))


def _find_image(hdus, wanted, path):
    """Return the number of the HDU that holds the image."""
    if wanted is None:
        images = [number for number, hdu in enumerate(hdus) if _is_image(hdu)]
        science = [n for n in images if not _is_companion(hdus[n].name)]
        if not images:
            raise ValueError(f"{path} holds no image: {_list(hdus)}.")
        return (science or images)[0]
    try:
        number = hdus.index_of(wanted)
        hdu = hdus[number]
    except (KeyError, IndexError) as error:
        raise ValueError(f"{path} has no HDU {wanted!r}: {_list(hdus)}.") from error
    if not _is_image(hdu):
        raise ValueError(f"HDU {wanted!r} of {path} is not an image: {_list(hdus)}.")
    return number


def _is_image(hdu):
    """Tell whether an HDU holds an image of two or more axes."""
    return hdu.is_image and len(hdu.shape) >= 2 and min(hdu.shape) > 0


def _is_companion(name):
    """Tell whether an extension's name is that of a weight, error or mask image."""
    return re.split(r"[^A-Z0-9]", name.upper())[0] in _COMPANIONS


def _list(hdus):
    """Return a line that lists the HDUs of a file."""
    lines = []
    for number, hdu in enumerate(hdus):
        shape = " x ".join(str(length) for length in hdu.shape) if hdu.is_image else ""
        kind = (f"image {shape}" if shape else "empty") if hdu.is_image else "table"
        lines.append(f"{number} {hdu.name or 'unnamed'} ({kind})")
    return "its HDUs are " + ", ".join(lines)


def _find_axes(shape, wcs, label):
    """Return the array axes of rows, columns and bands; the others have length 1."""
    n_axes = len(shape)
    row, column = n_axes - 2, n_axes - 1
    if wcs is not None:
        # World axis i of FITS lies along array axis n_axes - 1 - i.
        places = sorted(n_axes - 1 - axis for axis in (wcs.wcs.lng, wcs.wcs.lat))
        row, column = places
    if row < 0:
        raise ValueError(
            f"{label}: the WCS puts the sky on axes that the image of {n_axes} axes "
            "does not have. Correct its CTYPE cards."
        )
    others = [a for a in range(n_axes) if a not in (row, column) and shape[a] > 1]
    if len(others) > 1:
        lengths = " x ".join(str(length) for length in shape[::-1])
        raise ValueError(
            f"{label} has {n_axes} axes ({lengths}), but a cube has two on the sky and "
            "one of bands. Cut or average the image to three axes."
        )
    return (row, column, *others)

# SPDX-License-Identifier: BSD-3-Clause
"""FITS files: find their images, and write them by strips."""

import os
import re
from contextlib import suppress
from io import BytesIO

import numpy as np
from astropy.io import fits

from skesom._common.fits_checks import BLOCK
from skesom._common.lazy import is_lazy
from skesom._common.row_files import RowFile, write_strips

# Names of the HDUs beside an image, and what their values are: standard deviation,
# variance or inverse variance (in the words of astropy.nddata), ...
ERROR_KINDS = {
    **dict.fromkeys("ERR ERROR NOISE RMS SIGMA STDDEV STD".split(), "std"),
    **dict.fromkeys("BUNC CBUNC MUNC UNC UNCERT UNCERTAINTY".split(), "std"),
    **dict.fromkeys("STAT VAR VARIANCE".split(), "var"),
    **dict.fromkeys("INVVAR IVAR".split(), "ivar"),
}
# ... flags, which are not zero where a pixel is bad, ...
MASK_NAMES = frozenset("BADPIX BPM DQ FLAG FLAGS MASK MSK QUALITY".split())
# ... weights, which are zero where nothing was measured, ...
WEIGHT_NAMES = frozenset(
    "CONF CONFIDENCE COV COVERAGE EXP EXPOSURE INVVAR IVAR MCOV WEI WEIGHT WGT WHT "
    "WT".split()
)
# ... what names of files call the image that others lie beside, ...
_IMAGE_WORDS = frozenset(
    "BCD BGSUB CBCD DATA DRC DRZ FLUX IMAGE IMG INT MAIC MOSAIC SCI".split()
)
# ... and images that are not used here.
_OTHER_NAMES = frozenset(
    "AREA CON CONFIG CTX D2IMARR NSAMP PSF PSFIMAGE SAMP TIME WCSDVARR".split()
)
_COMPANIONS = MASK_NAMES | WEIGHT_NAMES | _OTHER_NAMES | set(ERROR_KINDS)

# The same in files of ESO, by the card HDUCLAS2.
_COMPANION_CLASSES = "ERROR", "QUALITY"

FITS_SUFFIX = re.compile(r"(\.(fits?|fts|fz|gz|bz2|xz|Z))+$", re.IGNORECASE)


def split_path(text):
    """Return the file and the HDU of a path like image.fits[SCI,2]."""
    match = re.fullmatch(r"(.+)\[([^\[\]]+)\]", text)
    if match is None or os.path.exists(text):
        return text, None
    parts = [part.strip() for part in match[2].split(",")]
    parts = [int(part) if part.isdigit() else part for part in parts]
    return match[1], parts[0] if len(parts) == 1 else tuple(parts)


def name_hdu(path, number):
    """Return the path of an HDU; the first HDU is the file itself."""
    return f"{path}[{number}]" if number else str(path)


def find_images(hdus, wanted, path):
    """Return the numbers of the HDUs that hold the images."""
    if wanted is not None and wanted != "all":
        wanted = wanted if isinstance(wanted, list) else [wanted]
        return [find_hdu(hdus, one, path) for one in wanted]
    images = [number for number, hdu in enumerate(hdus) if is_image(hdu)]
    if not images:
        is_cut = False
        with suppress(FileNotFoundError), open(path, "rb") as stream:  # or in memory
            is_cut = stream.read(6) == b"SIMPLE" and os.path.getsize(path) % BLOCK
        cut = " The file ends too early: copy it again." if is_cut else ""
        raise ValueError(f"{path} holds no image: {list_hdus(hdus)}.{cut}")
    science = [n for n in images if not _is_companion(hdus[n])]
    return (science or images)[: None if wanted == "all" else 1]


def _is_companion(hdu):
    """Return whether an HDU has the name or class of what lies beside an image."""
    if str(hdu.header.get("HDUCLAS2", "")).strip().upper() in _COMPANION_CLASSES:
        return True
    return not _COMPANIONS.isdisjoint(outer_words(hdu.name))


def outer_words(name):
    """Return the words that may name a companion: of ERR, ERR_F814W or F814W_ERR."""
    words = split_name(name)
    return words[:1] + words[-1:]


def find_hdu(hdus, wanted, path):
    """Return the number of the image HDU with a number or a name."""
    try:
        number = hdus.index_of(wanted)
        hdu = hdus[number]
    except (KeyError, IndexError) as error:
        raise ValueError(f"{path} has no HDU {wanted!r}: {list_hdus(hdus)}.") from error
    if not is_image(hdu):
        problem = f"HDU {wanted!r} of {path} is not an image"
        raise ValueError(f"{problem}: {list_hdus(hdus)}.")
    return number


def is_image(hdu):
    """Return whether an HDU holds an image of two or more axes."""
    return hdu.is_image and len(hdu.shape) >= 2 and min(hdu.shape) > 0


def split_name(name):
    """Return the words of an extension's name in capitals."""
    return [word for word in re.split(r"[^A-Z0-9]+", name.upper()) if word]


def split_file_name(path):
    """Return the words of a file's name: the others, and those of its kind."""
    stem = FITS_SUFFIX.sub("", os.path.basename(path))
    # In names of Euclid, a number and the time at which the file was made follow.
    words = split_name(re.sub(r"(TILE\d+)-.*", r"\1", stem))
    held = [word for word in words if word in _COMPANIONS]
    return [w for w in words if w not in _COMPANIONS | _IMAGE_WORDS], held


def list_hdus(hdus):
    """Return a line that lists the HDUs of a file."""
    kinds = [
        ("image " + " x ".join(map(str, hdu.shape)) if hdu.shape else "empty")
        if hdu.is_image
        else "table"
        for hdu in hdus
    ]
    lines = [f"{n} {hdus[n].name or 'unnamed'} ({k})" for n, k in enumerate(kinds)]
    return "its HDUs are " + ", ".join([*lines[:20], *["..."] * (len(lines) > 20)])


def make_hdus(data, wcs):
    """Return an HDU list with an image and its WCS in the primary HDU."""
    if wcs is None:
        return fits.HDUList([fits.PrimaryHDU(data)])
    # to_fits also gives the tables of a distorted WCS, which to_header leaves out.
    hdus = wcs.to_fits(relax=True)
    hdus[0].data = data
    return hdus


def stand_in(image):
    """Return a stand-in of a lazy image in an HDU, without memory; others as is."""
    if not is_lazy(image):
        return np.ascontiguousarray(image)
    return np.broadcast_to(np.zeros((), image.dtype), image.shape)


def write_files(files):
    """Write FITS files (path, HDUs, images by number of HDU), lazy images by strips.

    HDUs hold the `stand_in` of lazy images, which are computed in one pass for all.
    """
    images, targets = [], []
    for path, hdus, own in files:
        lazy = {number: image for number, image in own.items() if is_lazy(image)}
        if not lazy:
            hdus.writeto(path)
            continue
        hdus.update_extend()
        with open(path, "xb") as file:
            for number, hdu in enumerate(hdus):
                if number not in lazy:  # what follows the primary HDU
                    buffer = BytesIO()
                    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(buffer)
                    file.write(buffer.getvalue()[BLOCK:])
                    continue
                file.write(hdu.header.tostring().encode("ascii"))
                image, start = lazy[number], file.tell()
                dtype = image.dtype.newbyteorder(">")
                images.append(image)
                targets.append(RowFile(path, start, dtype, image.shape))
                file.truncate(start + image.nbytes + -image.nbytes % BLOCK)
                file.seek(0, os.SEEK_END)
    if images:
        write_strips(images, targets)

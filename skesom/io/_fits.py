# SPDX-License-Identifier: BSD-3-Clause
"""Open FITS files, and tell which of their HDUs is what."""

import os
import re
import warnings
from contextlib import contextmanager

from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning
from astropy.wcs import FITSFixedWarning

# What the planes beside an image are called, and what their values are: standard
# deviation, variance or inverse variance (in the words of astropy.nddata), ...
ERROR_KINDS = {
    **dict.fromkeys("ERR ERROR NOISE RMS SIGMA STDDEV STD".split(), "std"),
    **dict.fromkeys("UNC UNCERT UNCERTAINTY".split(), "std"),
    **dict.fromkeys("STAT VAR VARIANCE".split(), "var"),
    **dict.fromkeys("INVVAR IVAR".split(), "ivar"),
}
# ... flags that are not zero where a pixel is bad, ...
MASK_NAMES = frozenset("BADPIX BPM DQ FLAG FLAGS MASK QUALITY".split())
# ... how much was measured, zero where nothing was, ...
WEIGHT_NAMES = frozenset(
    "CONF CONFIDENCE COVERAGE EXP EXPOSURE INVVAR IVAR WEIGHT WHT".split()
)
# ... and what is of no use here.
_OTHER_NAMES = frozenset(
    "AREA CON CONFIG CTX D2IMARR NSAMP PSF PSFIMAGE SAMP TIME WCSDVARR".split()
)
_COMPANIONS = MASK_NAMES | WEIGHT_NAMES | _OTHER_NAMES | set(ERROR_KINDS)

# A FITS file is a whole number of blocks of so many bytes.
_BLOCK = 2880
_FITS_SUFFIX = re.compile(r"(\.(fits?|fts|fz|gz|bz2|xz|Z))+$", re.IGNORECASE)


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
            with fits.open(stream, **{"uint": False, **options}) as hdus:
                yield hdus
        except (ValueError, MemoryError):
            raise  # these say by themselves what is wrong with which file
        except Exception as error:
            # Damaged bytes break astropy and its decompressors in countless ways.
            text = str(error).strip() or type(error).__name__
            reason = text.splitlines()[0].split(", this file")[0].rstrip(".")
            raise OSError(
                f"{path} is not a readable FITS file ({reason}). Give undamaged FITS "
                "images; what other programs read goes in as arrays."
            ) from error


def split_path(text):
    """Return the file and the HDU of a path like image.fits[SCI,2]."""
    match = re.fullmatch(r"(.+)\[([^\[\]]+)\]", text)
    if match is None or os.path.exists(text):
        return text, None
    parts = [part.strip() for part in match[2].split(",")]
    parts = [int(part) if part.isdigit() else part for part in parts]
    return match[1], parts[0] if len(parts) == 1 else tuple(parts)


def name_hdu(path, number):
    """Return an HDU as it is named in a path; the first is the file itself."""
    return f"{path}[{number}]" if number else str(path)


def file_stem(path):
    """Return the file's name without folder and FITS suffixes."""
    return _FITS_SUFFIX.sub("", os.path.basename(path))


def find_images(hdus, wanted, path):
    """Return the numbers of the HDUs that hold the images."""
    if isinstance(wanted, list):
        return [find_hdu(hdus, one, path) for one in wanted]
    if wanted is not None and wanted != "all":
        return [find_hdu(hdus, wanted, path)]
    images = [number for number, hdu in enumerate(hdus) if is_image(hdu)]
    science = [n for n in images if companion_word(hdus[n].name) is None]
    if not images:
        cut = " The file ends too early: copy it again." if _is_cut_off(path) else ""
        raise ValueError(f"{path} holds no image: {list_hdus(hdus)}.{cut}")
    return (science or images)[: None if wanted == "all" else 1]


def _is_cut_off(path):
    """Tell whether a FITS file that is not compressed as a whole is incomplete."""
    with open(path, "rb") as stream:
        is_plain = stream.read(6) == b"SIMPLE"
    return is_plain and os.path.getsize(path) % _BLOCK != 0


def find_hdu(hdus, wanted, path):
    """Return the number of the HDU of an image that a number or a name means."""
    try:
        number = hdus.index_of(wanted)
        hdu = hdus[number]
    except (KeyError, IndexError) as error:
        raise ValueError(f"{path} has no HDU {wanted!r}: {list_hdus(hdus)}.") from error
    if not is_image(hdu):
        raise ValueError(
            f"HDU {wanted!r} of {path} is not an image: {list_hdus(hdus)}."
        )
    return number


def is_image(hdu):
    """Tell whether an HDU holds an image of two or more axes."""
    return hdu.is_image and len(hdu.shape) >= 2 and min(hdu.shape) > 0


def split_name(name):
    """Return the words of an extension's name in capitals."""
    return [word for word in re.split(r"[^A-Z0-9]+", name.upper()) if word]


def companion_word(name):
    """Return the word by which a name is that of a companion, None if it is not.

    The word stands first or last: ERR, ERR_F814W, F814W_ERR.
    """
    words = split_name(name)
    return next((w for w in (words[:1] + words[-1:]) if w in _COMPANIONS), None)


def list_hdus(hdus):
    """Return a line that lists the HDUs of a file."""
    lines = []
    for number, hdu in enumerate(hdus):
        shape = " x ".join(str(length) for length in hdu.shape) if hdu.is_image else ""
        kind = (f"image {shape}" if shape else "empty") if hdu.is_image else "table"
        lines.append(f"{number} {hdu.name or 'unnamed'} ({kind})")
    return "its HDUs are " + ", ".join(lines)

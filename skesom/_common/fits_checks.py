# SPDX-License-Identifier: BSD-3-Clause
"""FITS files of strangers: unpacked, and refused where their headers do harm.

astropy and WCSLIB take the sizes in headers without a check, and hang, crash or fill
the memory if these are wrong. A packed file may expand to far more than its size.
"""

import bz2
import errno
import gzip
import lzma
import math
import os
import re
import tempfile
import zipfile
from contextlib import contextmanager, nullcontext
from importlib import import_module

from astropy.io import fits

from skesom._common.files import regular
from skesom._common.machine_limits import free_memory
from skesom._common.warn import warn_user

BLOCK = 2880  # bytes: the size of a FITS file is a multiple of it
_CARD = 80  # bytes
_END = re.compile(rb"END(?![A-Z0-9_-])")
_OPENERS = {  # by the first bytes of a file
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
    b"PK": lambda file: zipfile.ZipFile(file).open(zipfile.ZipFile(file).namelist()[0]),
    b"\x1f\x9d": lambda file: import_module("uncompresspy").LZWFile(file),
}
# gzip cannot expand a file by more than this factor. Better formats may, to an image of
# so many bytes.
_MAX_EXPANSION = 1032
_ALWAYS_READ = 2**28
_MAX_HEADERS = 2**22  # bytes of all headers in a compressed file, beside its size
# What astropy and WCSLIB take without a check, though they hang or crash if it is not
# from ... to ..., of the same type; names of cards are regular expressions.
_HUGE = 2**63 - 1
_CARDS = {
    r"Z?NAXIS|TFIELDS": (0, 999),
    r"Z?NAXIS\d+|PCOUNT|GCOUNT|THEAP": (0, _HUGE),
    r"Z?BITPIX": (-64, 64),
    r"ZTILE\d+": (1, _HUGE),
    r"WCSAXES[A-Z]?|[AB]P?_ORDER": (0.0, 99.0),
    r"[AB]P?_\d+_\d+|AMD[XY]\d+|CNPIX\d|[XY]PIXELSZ": (-math.inf, math.inf),
    r"PLT(?:RA[HMS]|DEC[DMS])|PPO\d+": (-math.inf, math.inf),
    "PLTDECSN": ("", chr(127)),
    "GROUPS|ZIMAGE": (False, True),
}
_ANY_CARD = re.compile(
    rf" *(?:HIERARCH +)?(?:{'|'.join(f'({names})' for names in _CARDS)}) *=".encode(),
    re.IGNORECASE,
)


def unpacked(stream):
    """Give the content of a file: itself, or a stream of its unpacked bytes."""
    return _opener_of(stream)(stream)


def is_packed(path):
    """Return whether a file is compressed as a whole."""
    with open(regular(path), "rb") as stream:
        return _opener_of(stream) is not nullcontext


def _opener_of(stream):
    """Return the opener of the content of an open file, by its first bytes."""
    start = stream.read(6)
    stream.seek(0)
    for magic, opener in _OPENERS.items():
        if start.startswith(magic):
            return opener
    return nullcontext


def is_packed_stream(stream):
    """Return whether an open file is compressed as a whole."""
    return _opener_of(stream) is not nullcontext


@contextmanager
def checked(stream, path):
    """Give a file without compression, and how many HDUs are complete; check them.

    Parameters
    ----------
    stream : file
        Open for reading of bytes.
    path : str or os.PathLike
        For messages.
    """
    size = os.fstat(stream.fileno()).st_size
    with unpacked(stream) as content:
        if content is stream:
            count = _check_hdus(stream, path, size)
            stream.seek(0)
            yield stream, count
            return
        with _temporary_file() as copy:
            count = _check_hdus(content, path, size, copy)
            copy.seek(0)  # which also writes what is left
            with open(copy.fileno(), "rb", closefd=False) as plain:
                yield plain, count


def _temporary_file():
    """Return a new file without a name, or say why there is none.

    tempfile takes a lack of file handles for folders that cannot be written to.
    """
    try:
        return tempfile.TemporaryFile()
    except FileNotFoundError:
        os.close(os.open(os.devnull, os.O_RDONLY))  # raises an error without a handle
        raise


def _check_hdus(stream, path, size, copy=None):
    """Return the number of complete HDUs of a file, which is copied if it was packed.

    Parameters
    ----------
    stream : file
        The bytes of the file without compression.
    path : str or os.PathLike
        For messages.
    size : int
        Bytes of the file as it is on the disk.
    copy : file or None
        Gets the bytes.
    """
    n_bytes_left = max(_MAX_EXPANSION * size, _ALWAYS_READ)
    n_header_bytes_left = _MAX_HEADERS + size
    start = b"SIMPLE"
    number = 0
    while blocks := _read_header(stream, start, n_header_bytes_left):
        header = check_cards(blocks, f"HDU {number}")
        if header.get("ZIMAGE") is True:
            n_bytes_left -= _size_of_tiles(header)
        if copy is not None:
            copy.write(blocks)
            n_header_bytes_left -= len(blocks)
            n_bytes_left -= len(blocks) + header.data_size
        if n_bytes_left < 0:
            raise ValueError(
                f"HDU {number} would expand to more than {_MAX_EXPANSION} times the "
                "size of the file; decompress it before, if you know who made it"
            )
        if copy is not None:
            # An image that memory cannot hold is refused before the disk is filled.
            _check_memory(header, f"HDU {number}")
        if not _pass_over(stream, header.data_size, size, copy):
            problem = f"HDU {number} has less than its {header.data_size} bytes of data"
            if number == 0:
                raise ValueError(f"it ends too early: {problem}; copy it again")
            warn_user(f"{path} ends too early: {problem}.")
            break
        start = b"XTENSION"
        number += 1
    if number == 0:
        raise ValueError("it has no header from SIMPLE to END")
    return number


def _check_memory(header, label):
    """Refuse packed data of more bytes than this process may take."""
    free = free_memory()
    if header.data_size > free:
        sides = [header[f"NAXIS{axis}"] for axis in range(header["NAXIS"], 0, -1)]
        raise OSError(
            errno.ENOMEM,
            f"{label} has {' x '.join(map(str, sides))} values, which take "
            f"{header.data_size / 1e9:.1f} GB, and {free / 1e9:.1f} GB of memory are "
            "free. Decompress the file, and read it in strips (lazy=True)",
        )


def _read_header(stream, start, max_bytes):
    """Return a header in blocks of bytes, empty if there is none."""
    blocks = []
    while len(blocks) * BLOCK < max_bytes and (block := stream.read(BLOCK)):
        if not blocks and not block.startswith(start):
            break
        blocks.append(block)
        if any(_END.match(block, card) for card in range(0, len(block), _CARD)):
            return b"".join(blocks)
    return b""


def _pass_over(stream, n_bytes, size, copy):
    """Go to the next header; return whether all bytes of data are there."""
    n_fill_bytes = -n_bytes % BLOCK
    if copy is None:
        is_complete = stream.tell() + n_bytes <= size
        stream.seek(n_bytes + n_fill_bytes, os.SEEK_CUR)
        return is_complete
    n_missing = n_bytes + n_fill_bytes
    while n_missing and (chunk := stream.read(min(n_missing, 2**20))):
        copy.write(chunk)
        n_missing -= len(chunk)
    return n_missing <= n_fill_bytes


def check_cards(blocks, label):
    """Return the cards of sizes; refuse values that hang or crash astropy or WCSLIB."""
    header = fits.Header()
    limits = list(_CARDS.values())
    for start in range(0, len(blocks), _CARD):
        # Only within the card: a blank one ends where the next one begins.
        match = _ANY_CARD.match(blocks, start, start + _CARD)
        if match is None:
            continue
        card = fits.Card.fromstring(blocks[start : start + _CARD])
        lowest, highest = limits[match.lastindex - 1]
        value = card.rawvalue
        if not (_is_of_type(value, type(lowest)) and lowest <= value <= highest):
            name = match[match.lastindex].decode()
            raise ValueError(f"{label} has {name} = {value!r:.80}")
        header.append(card)
    return header


def _is_of_type(value, value_type):
    """Return whether the value of a card is of a type; reals may be integers."""
    if isinstance(value, bool):  # an integer for Python
        return value_type is bool
    if value_type is float:
        return isinstance(value, int | float)
    return isinstance(value, value_type)


def _size_of_tiles(header):
    """Return the bytes of the image in a header of tiles."""
    sides = [header.get(f"ZNAXIS{axis + 1}", 0) for axis in range(header["ZNAXIS"])]
    return math.prod(sides) * abs(header["ZBITPIX"]) // 8

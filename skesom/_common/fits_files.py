# SPDX-License-Identifier: BSD-3-Clause
"""FITS files and HDUs in memory, opened after their headers were checked."""

import bz2
import errno
import gzip
import hashlib
import lzma
import math
import os
import re
import tempfile
import threading
import warnings
import zipfile
from contextlib import ExitStack, closing, contextmanager, nullcontext
from contextvars import ContextVar
from importlib import import_module
from typing import NamedTuple

from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning
from astropy.wcs import FITSFixedWarning

from skesom._common.files import regular
from skesom._common.machine_limits import (
    free_memory,
    is_machine_limit,
    machine_limit_behind,
)
from skesom._common.warn import warn_user

try:
    import resource
except ImportError:  # Windows
    resource = None

BLOCK, _CARD = 2880, 80  # bytes: the size of a FITS file is a multiple of a block
_END = re.compile(rb"END(?![A-Z0-9_-])")
_OPENERS = {  # by the first bytes of a file
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
    b"PK": lambda file: zipfile.ZipFile(file).open(zipfile.ZipFile(file).namelist()[0]),
    b"\x1f\x9d": lambda file: import_module("uncompresspy").LZWFile(file),
}
# gzip cannot expand a file more. Better formats may, to an image of so many bytes.
_MOST_EXPANSION, _ALWAYS_READ = 1032, 2**28
# Files that stay open: no more than this, and than this part of what the system lets a
# process open (256 on macOS).
_MOST_KEPT, _SHARE_OF_HANDLES = 32, 1 / 8
# Bytes of all that these are unpacked to, which is in memory where temporary files are.
_MOST_UNPACKED = 2**28
_MOST_HEADERS = 2**22  # bytes of all headers in a compressed file, beside its size
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


_quiet, _quiet_lock = [], threading.RLock()  # those who ask for no warnings
# The file that is read, for who collects what astropy says of it.
file_at_work = ContextVar("file_at_work", default=None)
_kept = threading.local()  # files: those of the block of `keep_files_open`, or None


class HDUsInMemory(str):
    """The name of HDUs in memory, which stands for the path of a file."""

    hdus = None


class FileContent(NamedTuple):
    """What a file held when it was read."""

    stamp: tuple  # its size and time, as of `file_stamp`
    sha256: str

    @property
    def size(self):
        """Return how many bytes it had."""
        return self.stamp[0]


@contextmanager
def keep_files_open(contents=None):
    """Let images that are planned in the block stay open until their pixels are read.

    `open_fits` closes a file after it, and a file of which first the headers and later
    the pixels are wanted would be opened, checked and, if packed, unpacked twice. In
    the block it stays open until the end of the outermost block. No more stay open
    than `_KeptFiles` has room for: others are opened again.

    Parameters
    ----------
    contents : dict or None
        Gets the `FileContent` of each file whose pixels are read, by its real path.
        The bytes are hashed then, from the same open file: from the memory of the
        system, and not once more from the disk. One that is there already is taken, if
        its stamp is that of the file.
    """
    files = getattr(_kept, "files", None)
    if files is not None:
        before, files.contents = files.contents, contents
        try:
            yield
        finally:
            files.contents = before
        return
    _kept.files = files = _KeptFiles(contents)
    try:
        yield
    finally:
        _kept.files = None
        files.close()


@contextmanager
def open_fits(path, *, stamp=None, uint=False, scaled=True, keep=False):
    """Open a FITS file; every failure of astropy becomes an OSError with its name.

    With its `stamp`, a file that was opened before is not checked again. Images are
    `scaled` by their cards, or unsigned integers (`uint`) stay what they are. One that
    will be opened again by its stamp may stay open, see `keep_files_open`: `keep` it.
    """
    hdus = getattr(path, "hdus", None)
    files = getattr(_kept, "files", None)
    if hdus is not None:
        source = nullcontext()
    elif files is not None and (keep or stamp is not None):
        source = files.opened(path)
    else:
        # Our own handle is also closed if astropy fails in the middle of a header.
        source = closing(_FitsFile(path))
    with source as file, _without_warnings(), _at_work(path):
        try:
            yield hdus if file is None else file.hdus(stamp, uint, scaled)
            if file is not None and files is not None and stamp is not None:
                files.note_content(file)
        except Exception as error:
            limit = error if is_machine_limit(error) else machine_limit_behind(error)
            if limit is not None and is_machine_limit(limit):
                reason = getattr(limit, "strerror", None) or str(limit)
                number = getattr(limit, "errno", None) or errno.ENOMEM
                raise OSError(number, reason, str(path)) from error
            if isinstance(error, ValueError) and "closed file" in str(error):
                text = f"{path} was closed before it was read. Give its path."
                raise ValueError(text) from error
            if isinstance(error, OSError | ValueError) and _is_named(error, path):
                raise
            # Damaged bytes raise errors of many classes in astropy and decompressors.
            text = str(error).strip() or type(error).__name__
            reason = text.splitlines()[0].split(", this file")[0].rstrip(".")[:300]
            raise OSError(
                f"{path} is not a readable FITS file ({reason}). Give undamaged FITS "
                "images, or arrays, as readers of other formats return."
            ) from error


@contextmanager
def _at_work(path):
    """Tell which file is read."""
    before = file_at_work.get()
    file_at_work.set(path)
    try:
        yield
    finally:
        file_at_work.set(before)


@contextmanager
def _without_warnings():
    """Ignore warnings of cards that astropy corrects, which need no action."""
    # Filters belong to all threads: the first one sets them, the last one resets them.
    with _quiet_lock:
        _quiet.append(_quiet[0] if _quiet else ExitStack())
        if len(_quiet) == 1:
            _quiet[0].enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore", FITSFixedWarning)
            fits_modules = r"astropy\.io\.fits"
            warnings.filterwarnings("ignore", "", AstropyUserWarning, fits_modules)
    try:
        yield
    finally:
        with _quiet_lock:
            last = _quiet.pop()
            if not _quiet:
                last.close()


def file_stamp(file):
    """Return the size and time of a file, which change with its content."""
    status = os.stat(file)
    return status.st_size, status.st_mtime_ns


class _FitsFile:
    """An open FITS file, its content without compression, and its HDUs."""

    def __init__(self, path):
        self.path = path
        self.stream = open(regular(path), "rb")
        self.stamp = file_stamp(self.stream.fileno())
        self.n_unpacked = 0  # bytes of a copy without compression
        self._cleanup = ExitStack()
        self._plain = self._n_hdus = None  # unknown before `_check`
        self._headers = None  # HDUs of which only headers were read

    def close(self):
        """Close the file, and remove what it was unpacked to."""
        self._headers = None
        self._cleanup.close()
        self.stream.close()

    def hdus(self, stamp, uint, scaled):
        """Return the HDUs for a call of `open_fits`."""
        self._refuse_change(stamp)
        if uint or not scaled:
            return self._read_headers(stamp, uint, scaled)
        hdus = self._headers
        if hdus is None:
            hdus = self._read_headers(stamp, uint, scaled)
        # HDUs hold the pixels that are read from them. To let go of these, whoever
        # comes for pixels is the last one to get the HDUs.
        self._headers = hdus if stamp is None else None
        return hdus

    def content(self):
        """Return stamp and digest of the whole file, as it is packed."""
        self.stream.seek(0)
        sha256 = hashlib.file_digest(self.stream, "sha256").hexdigest()
        self._refuse_change(file_stamp(self.stream.fileno()))
        return FileContent(self.stamp, sha256)

    def _refuse_change(self, stamp):
        """Refuse a file that is no longer what it was."""
        if stamp not in (None, self.stamp):
            raise OSError(f"{self.path} changed after it was opened. Read it again.")

    def _read_headers(self, stamp, uint, scaled):
        """Return the HDUs, of a new file without what nobody has checked."""
        if self._plain is None:
            is_plain = _opener_of(self.stream) is nullcontext
            if stamp is None or not is_plain:
                self._check(is_plain)
        plain = self.stream if self._plain is None else self._plain
        plain.seek(0)
        # Where a file in the memory map is cut, the system ends the process.
        hdus = fits.open(
            plain, uint=uint, memmap=False, do_not_scale_image_data=not scaled
        )
        if stamp is not None:  # its HDUs are read as far as they are asked for
            return hdus
        return fits.HDUList([hdus[number] for number in range(self._n_hdus)])

    def _check(self, is_plain):
        """Check all HDUs; unpack the file if it is packed."""
        checked = _checked(self.stream, self.path)
        self._plain, self._n_hdus = self._cleanup.enter_context(checked)
        if not is_plain:
            self.n_unpacked = os.fstat(self._plain.fileno()).st_size


class _KeptFiles:
    """Files that stay open until the end of a block of `keep_files_open`."""

    def __init__(self, contents):
        self.contents = contents
        self._files = {}  # by real path

    def close(self):
        """Close all files."""
        while self._files:
            self._files.popitem()[1].close()

    @contextmanager
    def opened(self, path):
        """Give a file that was kept, or a new one, which is kept if there is room."""
        place = os.path.realpath(path)
        file = self._files.get(place)
        if file is not None and file.stamp == file_stamp(path):
            yield file
            return
        if file is not None:  # another file took its place
            self._files.pop(place).close()
        file = self._files[place] = _FitsFile(path)
        is_kept = False
        try:
            yield file
            is_kept = self._has_room()
        finally:
            if not is_kept:
                if self._files.get(place) is file:
                    del self._files[place]
                file.close()

    def note_content(self, file):
        """Note the content of a file whose pixels were read, if that is asked for."""
        if self.contents is None:
            return
        place = os.path.realpath(file.path)
        known = self.contents.get(place)
        if known is None or known.stamp != file.stamp:
            self.contents[place] = file.content()

    def _has_room(self):
        """Return whether the files that are open may stay so."""
        n_unpacked = sum(file.n_unpacked for file in self._files.values())
        return len(self._files) <= _most_kept() and n_unpacked <= _MOST_UNPACKED


def _most_kept():
    """Return how many files may stay open: few, if a process may have few handles."""
    if resource is None:
        return _MOST_KEPT
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return _MOST_KEPT
    return min(_MOST_KEPT, int(limit * _SHARE_OF_HANDLES))


def _is_named(error, path):
    """Return whether the message of an error names a file."""
    return os.path.basename(path) in f"{error.args} {getattr(error, 'filename', '')}"


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
    openers = (opener for magic, opener in _OPENERS.items() if start.startswith(magic))
    return next(openers, nullcontext)


@contextmanager
def _checked(stream, path):
    """Give a file without compression, and how many HDUs are whole; check them all."""
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
    """Return the number of whole HDUs of a file, which is copied if it was packed."""
    budget, headers = max(_MOST_EXPANSION * size, _ALWAYS_READ), _MOST_HEADERS + size
    start, number = b"SIMPLE", 0
    while blocks := _read_header(stream, start, headers):
        header = check_cards(blocks, f"HDU {number}")
        budget -= _size_of_tiles(header) if header.get("ZIMAGE") is True else 0
        if copy is not None:
            copy.write(blocks)
            headers -= len(blocks)
            budget -= len(blocks) + header.data_size
        if budget < 0:
            raise ValueError(
                f"HDU {number} would expand to more than {_MOST_EXPANSION} times the "
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
        start, number = b"XTENSION", number + 1
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


def _read_header(stream, start, most):
    """Return a header in blocks of bytes, empty if there is none."""
    blocks = []
    while len(blocks) * BLOCK < most and (block := stream.read(BLOCK)):
        if not blocks and not block.startswith(start):
            break
        blocks.append(block)
        if any(_END.match(block, card) for card in range(0, len(block), _CARD)):
            return b"".join(blocks)
    return b""


def _pass_over(stream, count, size, copy):
    """Go to the next header; return whether all bytes of data are there."""
    missing = count + -count % BLOCK
    if copy is None:
        is_whole = stream.tell() + count <= size
        stream.seek(missing, os.SEEK_CUR)
        return is_whole
    while missing and (part := stream.read(min(missing, 2**20))):
        copy.write(part)
        missing -= len(part)
    return missing <= -count % BLOCK


def check_cards(blocks, label):
    """Return the cards of sizes; refuse values that hang or crash astropy or WCSLIB."""
    header = fits.Header()
    for start in range(0, len(blocks), _CARD):
        # Only within the card: a blank one ends where the next one begins.
        if match := _ANY_CARD.match(blocks, start, start + _CARD):
            card = fits.Card.fromstring(blocks[start : start + _CARD])
            low, high = list(_CARDS.values())[match.lastindex - 1]
            kinds = {int: int, float: int | float}.get(type(low), type(low))
            value = card.rawvalue
            # A truth value is an integer for Python.
            right = isinstance(value, kinds) and isinstance(value, bool) <= (
                kinds is bool
            )
            if not (right and low <= value <= high):
                name = match[match.lastindex].decode()
                raise ValueError(f"{label} has {name} = {value!r:.80}")
            header.append(card)
    return header


def _size_of_tiles(header):
    """Return the bytes of the image in a header of tiles."""
    sides = [header.get(f"ZNAXIS{axis + 1}", 0) for axis in range(header["ZNAXIS"])]
    return math.prod(sides) * abs(header["ZBITPIX"]) // 8

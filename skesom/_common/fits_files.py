# SPDX-License-Identifier: BSD-3-Clause
"""FITS files and HDUs in memory, opened after their headers were checked."""

import errno
import hashlib
import os
import threading
import warnings
from contextlib import ExitStack, closing, contextmanager, nullcontext
from contextvars import ContextVar
from typing import NamedTuple

from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning
from astropy.wcs import FITSFixedWarning

from skesom._common.files import regular
from skesom._common.fits_checks import checked, is_packed_stream
from skesom._common.machine_limits import is_machine_limit, machine_limit_behind

try:
    import resource
except ImportError:  # Windows
    resource = None

# Files that stay open: no more than this, and than this part of what the system lets a
# process open (256 on macOS).
_MAX_KEPT = 32
_SHARE_OF_HANDLES = 1 / 8
# Bytes of all that these are unpacked to, which is in memory where temporary files are.
_MAX_UNPACKED = 2**28

_quiet = []  # an ExitStack for each who asks for no warnings, all the same
_quiet_lock = threading.RLock()
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
        contents_before = files.contents
        files.contents = contents
        try:
            yield
        finally:
            files.contents = contents_before
        return
    files = _KeptFiles(contents)
    _kept.files = files
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
        self._plain = None  # its content without compression, unknown before `_check`
        self._n_hdus = None
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
            is_packed = is_packed_stream(self.stream)
            if stamp is None or is_packed:
                self._check(is_packed)
        plain = self.stream if self._plain is None else self._plain
        plain.seek(0)
        # Where a file in the memory map is cut, the system ends the process.
        hdus = fits.open(
            plain, uint=uint, memmap=False, do_not_scale_image_data=not scaled
        )
        if stamp is not None:  # its HDUs are read as far as they are asked for
            return hdus
        return fits.HDUList([hdus[number] for number in range(self._n_hdus)])

    def _check(self, is_packed):
        """Check all HDUs; unpack the file if it is packed."""
        content = checked(self.stream, self.path)
        self._plain, self._n_hdus = self._cleanup.enter_context(content)
        if is_packed:
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
        real_path = os.path.realpath(path)
        file = self._files.get(real_path)
        if file is not None and file.stamp == file_stamp(path):
            yield file
            return
        if file is not None:  # another file took its place
            self._files.pop(real_path).close()
        file = _FitsFile(path)
        self._files[real_path] = file
        is_kept = False
        try:
            yield file
            is_kept = self._has_room()
        finally:
            if not is_kept:
                if self._files.get(real_path) is file:
                    del self._files[real_path]
                file.close()

    def note_content(self, file):
        """Note the content of a file whose pixels were read, if that is asked for."""
        if self.contents is None:
            return
        real_path = os.path.realpath(file.path)
        content = self.contents.get(real_path)
        if content is None or content.stamp != file.stamp:
            self.contents[real_path] = file.content()

    def _has_room(self):
        """Return whether the files that are open may stay so."""
        n_unpacked = sum(file.n_unpacked for file in self._files.values())
        return len(self._files) <= _max_kept() and n_unpacked <= _MAX_UNPACKED


def _max_kept():
    """Return how many files may stay open: few, if a process may have few handles."""
    if resource is None:
        return _MAX_KEPT
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return _MAX_KEPT
    return min(_MAX_KEPT, int(limit * _SHARE_OF_HANDLES))


def _is_named(error, path):
    """Return whether the message of an error names a file."""
    return os.path.basename(path) in f"{error.args} {getattr(error, 'filename', '')}"

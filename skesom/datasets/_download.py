# SPDX-License-Identifier: BSD-3-Clause
"""Download FITS files once, and never use one that is damaged."""

import json
import warnings
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

from astropy.config import get_cache_dir
from astropy.io import fits
from astropy.utils.data import (
    CacheMissingWarning,
    clear_download_cache,
    compute_hash,
    download_file,
    is_url_in_cache,
)
from astropy.utils.exceptions import AstropyUserWarning

from skesom.io import atomic_path

# In the folder of astropy's cache.
_RECORDS = "skesom-checksums.json"


def fetch_fits(name, folders, check, *, show_progress=True):
    """Return the path of a FITS file in the cache, after downloading it if it must."""
    urls = [f"{folder.rstrip('/')}/{name}" for folder in folders]
    url = urls[0]
    if _is_cached(url):
        path = _download(url, urls, show_progress)
        problem = _find_damage(name, path, check)
        if problem is None:
            return path
        clear_download_cache(url)
        warnings.warn(
            f"The copy of {name} in the cache is damaged ({problem}). It was discarded "
            "and is downloaded again.",
            UserWarning,
            stacklevel=4,
        )
    path = _download(url, urls, show_progress)
    problem = find_problem(path, check)
    if problem is not None:
        clear_download_cache(url)
        raise OSError(
            f"The download of {name} from {' or '.join(urls)} is damaged ({problem}) "
            "and was discarded. Try again, or give another source."
        )
    before = _record(name, path)
    if before is not None:
        warnings.warn(
            f"{name} is not the file that was downloaded before (MD5 sum "
            f"{before['md5']} then): the archive has replaced it.",
            UserWarning,
            stacklevel=4,
        )
    return path


def find_problem(path, check):
    """Tell what is wrong with a FITS file."""
    # Our own handle is closed also when astropy gives up in the middle of a header.
    with open(path, "rb") as stream, warnings.catch_warnings():
        # Files that end too early and wrong checksums are only warnings otherwise.
        warnings.simplefilter("error", AstropyUserWarning)
        try:
            with fits.open(stream, checksum=True) as hdus:
                len(hdus)  # reads all headers, and so finds the end of the file
                return check(hdus)
        except (OSError, ValueError, AstropyUserWarning) as error:
            return str(error).strip().splitlines()[0].rstrip(".")


def _is_cached(url):
    """Tell whether a file is in the cache."""
    with _no_cache_yet():
        return is_url_in_cache(url)


@contextmanager
def _no_cache_yet():
    """Keep astropy from warning that its cache does not exist before the first use."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* does not exist", CacheMissingWarning)
        yield


def _download(url, urls, show_progress):
    """Return the path of a file in the cache, downloading what is not there."""
    try:
        with _no_cache_yet():
            path = download_file(
                url, cache=True, sources=urls, show_progress=show_progress
            )
    except (OSError, HTTPException) as error:  # of the network or the disk
        reason = getattr(error, "reason", None) or error
        raise OSError(
            f"{Path(url).name} could not be downloaded from {' or '.join(urls)} "
            f"({reason}). Try again later, or give another source, for instance a "
            "folder with files that were downloaded by hand."
        ) from error
    return Path(path)


def _find_damage(name, path, check):
    """Tell how a file in the cache differs from what was downloaded."""
    known = _read_records().get(name)
    if known is None:
        problem = find_problem(path, check)
        if problem is None:
            _record(name, path)
        return problem
    if compute_hash(path) != known["md5"]:
        return "its MD5 sum is no longer that of the download"
    return None


def _read_records():
    """Return the size and checksum of each file that was downloaded before."""
    path = Path(get_cache_dir()) / _RECORDS
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _record(name, path):
    """Write down the size and checksum of a file; return another one known before."""
    records = _read_records()
    found = {"bytes": path.stat().st_size, "md5": compute_hash(path)}
    before = records.get(name)
    if before == found:
        return None
    records[name] = found
    target = Path(get_cache_dir()) / _RECORDS
    with atomic_path(target, overwrite=True) as temporary:
        temporary.write_text(json.dumps(records, indent=1), encoding="utf-8")
    return before

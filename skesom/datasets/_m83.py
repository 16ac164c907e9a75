# SPDX-License-Identifier: BSD-3-Clause
"""Hubble's mosaics of Messier 83 in nine filters, from the archive."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.utils.data import (
    CacheMissingWarning,
    clear_download_cache,
    download_file,
    is_url_in_cache,
)
from astropy.utils.exceptions import AstropyUserWarning

from skesom._common.warn import warn_user
from skesom._types import StrPath
from skesom.cube import CubeAligner
from skesom.datasets._galaxy_light import STUDY_BANDS
from skesom.io import read_cube

if TYPE_CHECKING:
    from skesom.cube import Cube


# Folders of the archive that hold the files; the second is the newer way to them.
ARCHIVE = (
    "https://archive.stsci.edu/pub/hlsp/wfc3ers",
    "https://archive.stsci.edu/hlsps/wfc3ers",
)
MOSAIC_SHAPE = (8500, 5000)  # rows and columns of the mosaics
# Center, and height and width in degrees; a pixel is 1.1e-5 degrees.
PARTS = {
    "study": ((204.2683, -29.839535), (0.07907, 0.03930)),
    "HII region": ((204.26971, -29.84933), (605 * 1.1e-5, 605 * 1.1e-5)),
}


def fetch_m83(
    filters: Sequence[str] | None = None,
    *,
    part: Literal["study", "HII region", "whole"] | tuple[Any, Any] = "study",
    source: StrPath | Sequence[str] | None = None,
    show_progress: bool = True,
) -> Cube:
    """Fetch Hubble's images of Messier 83 in nine filters, the data of the 2014 study.

    The mosaics of the Early Release Science program with Wide Field Camera 3 [1]_, 170
    MB for each filter, are from the Mikulski Archive for Space Telescopes, and stay in
    astropy's cache.

    Parameters
    ----------
    filters : sequence of str, default=None
        Names as F225W, in the order of the bands; None for the nine of the study.
    part : {"study", "HII region", "whole"} or (center, size), default="study"
        That of the 2014 study (3573 x 7188 pixels, 0.9 GB for nine bands), its test
        field around an H II region (605 x 605 pixels), the whole (5000 x 8500 pixels,
        1.5 GB, twice as much while reading), or center and size as for `Cube.cutout`.
    source : str, os.PathLike or sequence of str, default=None
        Address of a folder with the files, several to try in turn, or a folder on disk.
        By default the folders of the archive.
    show_progress : bool, default=True
        Whether to show the progress of downloads on a terminal.

    Returns
    -------
    cube : Cube of shape (n_rows, n_columns, n_bands)
        Images in electron / s per pixel of 0.0396 arcsec with the sky, float32, north
        up, with WCS and FWHM. Pixels without data, 0 in the files, are NaN.

    Raises
    ------
    OSError
        If a file cannot be downloaded, or is damaged.
    ValueError
        If a filter or part is unknown, or the part lies outside of the images.

    Warns
    -----
    UserWarning
        If a damaged file in the cache is discarded and downloaded again.

    Notes
    -----
    The length, checksum, shape and filter of a file are checked at each use. By hand,
    ``hlsp_wfc3ers_hst_wfc3_m83_f225w_v2_drz_sci.fits`` etc. can be downloaded from
    https://archive.stsci.edu/prepds/wfc3ers. Positions agree between filters to 0.1
    pixel, and with catalogs to 0.5 arcsec.

    References
    ----------
    .. [1] Dopita et al. (2010), ApJ 710, 964; images by M. Mutchler (2011).

    Examples
    --------
    >>> from skesom.datasets import fetch_m83
    >>> cube = fetch_m83(part="HII region")  # doctest: +SKIP
    >>> cube.shape  # doctest: +SKIP
    (605, 605, 9)
    """
    fwhm_of = {band.name: band.fwhm for band in STUDY_BANDS}
    filters = list(fwhm_of) if filters is None else list(filters)
    unknown = [name for name in filters if name not in fwhm_of]
    if unknown or not filters or len(set(filters)) < len(filters):
        raise ValueError(
            f"filters must be different ones of {list(fwhm_of)}, got {filters}."
        )
    center, size = _find_part(part)
    cubes = []
    for name in filters:
        path = _find_file(name, source, show_progress)
        cube = read_cube(path, band_names=[name], fwhm=[fwhm_of[name]])
        if center is not None:
            cube = cube.cutout(center, size)
        # A copy, so that the rest of the mosaic is not kept.
        data = np.where(cube.data == 0, np.float32(np.nan), cube.data)
        cubes.append(cube.replace(data=data))
    return CubeAligner("first", resample="interp", n_jobs=-1).fit_transform(cubes)


def _find_part(part):
    """Return the center and size of a part, None for the whole."""
    if isinstance(part, str):
        if part == "whole":
            return None, None
        if part in PARTS:
            (ra, dec), size = PARTS[part]
            return SkyCoord(ra, dec, unit="deg"), tuple(size * units.deg)
    elif isinstance(part, tuple) and len(part) == 2:
        return part
    wanted = f"one of {[*PARTS, 'whole']} or a tuple (center, size)"
    raise ValueError(f"part must be {wanted}, got {part!r}.")


def _find_file(name, source, show_progress):
    """Return the path of the mosaic of a filter, which is whole."""
    file = f"hlsp_wfc3ers_hst_wfc3_m83_{name.lower()}_v2_drz_sci.fits"
    is_address = isinstance(source, str) and "://" in source
    if isinstance(source, str | os.PathLike) and not is_address:
        path = Path(source) / file
        if not path.is_file():
            raise FileNotFoundError(f"There is no {file} in {source}. Download it.")
        if problem := _find_problem(path, name):
            raise OSError(f"{path} is damaged ({problem}). Download it again.")
        return path
    folders = ARCHIVE if source is None else source
    folders = [folders] if isinstance(folders, str) else list(folders)
    urls = [f"{folder.rstrip('/')}/{file}" for folder in folders]
    with warnings.catch_warnings():
        # astropy warns of a cache that does not exist before the first download.
        warnings.filterwarnings("ignore", ".* does not exist", CacheMissingWarning)
        was_cached = is_url_in_cache(urls[0])
        path = _download(urls, show_progress)
    problem = _find_problem(path, name)
    if problem is not None and was_cached:
        clear_download_cache(urls[0])
        warn_user(
            f"{file} in the cache is damaged ({problem}) and is downloaded again."
        )
        path = _download(urls, show_progress)
        problem = _find_problem(path, name)
    if problem is not None:
        clear_download_cache(urls[0])
        raise OSError(
            f"The download of {file} from {' or '.join(urls)} is damaged ({problem}) "
            "and was discarded. Try again, or give another source."
        )
    return path


def _download(urls, show_progress):
    """Return the path of a file in the cache, after a download if it is not there."""
    try:
        return download_file(urls[0], True, show_progress=show_progress, sources=urls)
    except (OSError, HTTPException) as error:  # of the network or the disk
        reason = getattr(error, "reason", None) or error
        raise OSError(
            f"{Path(urls[0]).name} could not be downloaded from {' or '.join(urls)} "
            f"({reason}). Try again later, or give another source."
        ) from error


def _find_problem(path, name):
    """Return the fault of the file of a filter, None without any."""
    # Our own handle is also closed if astropy fails in the middle of a header.
    with open(path, "rb") as stream, warnings.catch_warnings():
        # astropy only warns of files that end too early and of wrong checksums.
        warnings.simplefilter("error", AstropyUserWarning)
        try:
            with fits.open(stream, checksum=True) as hdus:
                len(hdus)  # reads all headers, and so finds the end of the file
                return _find_difference(hdus, name)
        except (OSError, ValueError, AstropyUserWarning) as error:
            return str(error).strip().splitlines()[0].rstrip(".")


def _find_difference(hdus, name):
    """Return the difference of a file from the mosaic of a filter, None without any."""
    image = next((hdu for hdu in hdus if hdu.is_image and len(hdu.shape) == 2), None)
    if image is None or image.shape != MOSAIC_SHAPE:
        rows, columns = MOSAIC_SHAPE
        return f"it holds no image of {columns} x {rows} pixels"
    found = hdus[0].header.get("FILTER", image.header.get("FILTER", name))
    if str(found).strip().upper() != name:
        return f"its filter is {found}"
    return None

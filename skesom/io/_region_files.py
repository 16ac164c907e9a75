# SPDX-License-Identifier: BSD-3-Clause
"""Regions from the files of DS9 and CASA, all of them or none."""

import os
import warnings
from pathlib import Path

from astropy.utils.exceptions import AstropyUserWarning

_FORMATS = {"ds9": "DS9", "crtf": "CRTF"}
# What the regions package says of properties that do not change where a region is.
_HARMLESS = r'DS9 "|DS9 meta "|Found duplicate metadata|dashed lines are unsupported'


def read_regions(path, *, file_format=None):
    """Read all regions of a DS9 or CRTF region file.

    Unlike the regions package itself, which skips what it does not know, this refuses
    a file of which only a part would be read.

    Parameters
    ----------
    path : str or os.PathLike
        Region file of DS9 (``.reg``), or of CASA (``.crtf``).
    file_format : {"ds9", "crtf"} or None, default=None
        Format of the file; by default CRTF if it starts with ``#CRTF``, else DS9.

    Returns
    -------
    regions : list of regions.Region
        In the order of the file. Annotations of DS9 that enclose nothing (text,
        vectors, rulers, compasses) and those of CRTF (``ann``) are left out.

    Raises
    ------
    ImportError
        If the regions package is missing.
    FileNotFoundError
        If there is no such file.
    ValueError
        If a line cannot be read, a shape or coordinate system is unknown, or there is
        no region.

    See Also
    --------
    read_region_mask : The pixels inside.
    read_region_labels : A label map of named regions.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skesom.io import read_regions
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "drawn.reg"
    ...     _ = path.write_text("image; circle(20, 10, 5) # text={nucleus}")
    ...     read_regions(path)
    [<CirclePixelRegion(center=PixCoord(x=19.0, y=9.0), radius=5.0)>]
    """
    parse = _import_parser()
    path = Path(path)
    text = _read_text(path)
    if file_format is None:
        file_format = "crtf" if text.lstrip().startswith("#CRTF") else "ds9"
    if file_format not in _FORMATS:
        raise ValueError(
            f'file_format must be "ds9", "crtf" or None, got {file_format!r}.'
        )
    lines = text.splitlines()
    regions, problem = _try_to_parse(parse, lines, file_format)
    if problem:
        number = _find_line(parse, lines, file_format)
        raise ValueError(
            f"{path}, line {number} ({lines[number - 1].strip()!r}) cannot be read as "
            f"{_FORMATS[file_format]}: {problem.rstrip('.')}. Draw circles, ellipses, "
            "boxes, annuli, polygons or points, and save them in the coordinate system "
            "fk5, icrs, galactic or image."
        )
    regions = [region for region in regions if not _is_annotation(region)]
    if not regions:
        raise ValueError(
            f"{path} holds no region in the {_FORMATS[file_format]} format. Draw some "
            "and save them."
        )
    return regions


def is_path(value):
    """Tell whether a value is the name of a file."""
    return isinstance(value, str | os.PathLike)


def _import_parser():
    """Return the parser of the regions package."""
    try:
        from regions import Regions
    except ImportError as error:
        raise ImportError(
            "Region files need the package regions: pip install 'skesom[regions]'."
        ) from error
    return Regions.parse


def _read_text(path):
    """Return the text of a file."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not a region file: it is not text. Give a file of DS9 (.reg) "
            "or CASA (.crtf)."
        ) from error


def _try_to_parse(parse, lines, file_format):
    """Return the regions of some lines, and why they cannot be read or None."""
    # What the parsers skip with a warning would be missing without a trace.
    with warnings.catch_warnings():
        warnings.simplefilter("error", AstropyUserWarning)
        warnings.filterwarnings("ignore", _HARMLESS, AstropyUserWarning)
        try:
            return list(parse("\n".join(lines), format=file_format)), None
        except Exception as error:
            # Damaged lines break the parsers in countless ways.
            return [], str(error).strip() or type(error).__name__


def _find_line(parse, lines, file_format):
    """Return the number of the first line that cannot be read, counted from 1."""
    good, bad = 0, len(lines)
    while bad - good > 1:
        middle = (good + bad) // 2
        if _try_to_parse(parse, lines[:middle], file_format)[1]:
            bad = middle
        else:
            good = middle
    return bad


def _is_annotation(region):
    """Tell whether a region is a remark on the image."""
    return hasattr(region, "text") or region.meta.get("type") == "ann"

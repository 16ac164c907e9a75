# SPDX-License-Identifier: BSD-3-Clause
"""Files of tables: their formats, and bounds on what a strange file may cost.

Catalogs come from anywhere. A file of some kilobytes can ask for hours, for all memory
or for files of other computers; such files are refused before a reader gets them.
"""

import csv
import math
import os
import re
from contextlib import contextmanager
from io import BytesIO, StringIO
from itertools import chain
from pathlib import Path

from astropy.io import ascii
from astropy.io.misc.yaml import AstropyLoader
from astropy.io.votable import is_votable
from astropy.table import Table
from astropy.utils.xml.iterparser import get_xml_iterator

from skesom._common.files import regular
from skesom._common.fits_checks import unpacked
from skesom._common.fits_files import open_fits
from skesom._sky.units import check_power
from skesom.io.ned import is_ned, parse_ned
from skesom.io.region_objects import read_region_objects
from skesom.io.regions import is_path

# Packed files and padded columns may take this many times the size of the file; text
# rarely expands more than ten times. Files smaller than a quarter of a megabyte may
# take as much as one of that size.
_MOST_EXPANSION = 100
_LEAST_SIZE = 2**18
_MOST_COLUMNS = 999  # as of FITS tables; the time of astropy is quadratic
# The largest header of ECSV that is read: lists in lists, and texts.
_MOST_NESTED = 20
_MOST_TEXTS = 30_000
_FITS_BLOCK = 2880  # bytes
_CHUNK = 2**20  # bytes


def read_table(source, where):
    """Return a source as a table of astropy.

    It is a table, the path of a file, or regions. `where` names it in messages.
    """
    if isinstance(source, Table):
        return source
    if not is_path(source):
        return read_region_objects(source)
    path = Path(regular(source))
    with _one_line_errors(where):
        content = _read_unpacked(path)
    if content.startswith(b"SIMPLE"):
        with open_fits(path) as hdus, _one_line_errors(where):
            for hdu in hdus:
                for value in hdu.header.values():
                    check_power(value)
            return Table.read(hdus, format="fits")
    beginning = content[:100_000].decode(errors="replace")
    is_marked = beginning.startswith(("# Region file", "#CRTF"))
    if is_marked or path.suffix.lower() in (".reg", ".crtf"):
        return read_region_objects(path)
    if is_ned(beginning):
        return parse_ned(content.decode(errors="replace"), path)
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    with _one_line_errors(where):
        if is_votable(BytesIO(content)):
            return _parse_votable(content)
        return _parse_text(content.decode("utf-8-sig"), is_csv=".csv" in suffixes)


@contextmanager
def _one_line_errors(where):
    """Turn whatever readers of many formats fail with into one line."""
    try:
        yield
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        reason = lines[0].rstrip(".")[:300]
        raise ValueError(
            f"{where} cannot be read as a catalog ({reason}). Give a table of NED with "
            "bars, a region file, CSV (*.csv), FITS, VOTable or ECSV, or a table of "
            "astropy that you have read from another format."
        ) from error


def _read_unpacked(path):
    """Return the bytes of a file without compression; of FITS only the first block."""
    with open(path, "rb") as file, unpacked(file) as stream:
        first = stream.read(_FITS_BLOCK)
        chunks = [first]
        n_bytes_left = _MOST_EXPANSION * max(os.path.getsize(path), _LEAST_SIZE)
        while chunks[-1] and not first.startswith(b"SIMPLE"):
            chunks.append(stream.read(_CHUNK))
            n_bytes_left -= len(chunks[-1])
            if n_bytes_left < 0:
                raise ValueError("it is packed, and much larger than tables are")
    content = b"".join(chunks)
    with BytesIO(content) as stream, unpacked(stream) as inner:
        if inner is not stream:
            raise ValueError("it is packed twice")
    return content


def _parse_text(text, is_csv):
    """Return the table in a text of CSV or ECSV, which open no other files."""
    is_ecsv = text.startswith("# %ECSV")
    if is_ecsv:
        _check_ecsv_header(re.match("(#.*\n?)*", text)[0])
    elif not is_csv:
        raise ValueError("it is in none of the known formats")
    elif text.partition("\n")[0].count(",") >= _MOST_COLUMNS:
        raise ValueError(f"it has more than {_MOST_COLUMNS} columns")
    # A column takes the room of its longest text in each row.
    if '"' in text:  # cells may hold line breaks
        cells = chain.from_iterable(csv.reader(StringIO(text)))
    else:
        cells = text.split("\n")  # no cell is longer than its line
    longest = max(map(len, cells), default=0)
    if text.count("\n") * longest > _MOST_EXPANSION * max(len(text), _LEAST_SIZE):
        raise ValueError("one of its texts is far longer than the others")
    return ascii.read(f"{text}\n", format="ecsv" if is_ecsv else "csv", guess=False)


def _check_ecsv_header(header):
    """Refuse a header of ECSV that would take hours to understand."""
    yaml = header.replace("#", " ").partition("---")[2]
    loader = AstropyLoader(yaml)
    n_texts = 0
    while loader.check_token():
        text = getattr(loader.get_token(), "value", None)
        check_power(text)
        if text is not None:
            n_texts += 1
        if loader.flow_level > _MOST_NESTED or n_texts > _MOST_TEXTS:
            raise ValueError("its header is far larger than those of tables")


def _parse_votable(content):
    """Return a VOTable; refuse one that would open other files, or be without end."""
    n_columns = 0
    n_rows = 0
    row_size = 0  # values of all columns of a fixed length
    with get_xml_iterator(BytesIO(content)) as tags:
        for is_start, name, attributes, _ in tags:
            if not is_start:
                continue
            if name == "STREAM" and "href" in attributes:
                raise ValueError(f"its data are elsewhere, in {attributes['href']!r}")
            check_power(attributes.get("unit"))
            if name == "FIELD":
                n_columns += 1
                sides = re.findall(r"\d+", attributes.get("arraysize", ""))
                row_size += math.prod(map(int, sides))
            elif name == "TR":
                n_rows += 1
            n_rows = max(n_rows, int(attributes.get("nrows", 0)))
    if n_columns > _MOST_COLUMNS:
        raise ValueError(f"it has more than {_MOST_COLUMNS} columns")
    if n_rows * row_size > _MOST_EXPANSION * max(len(content), _LEAST_SIZE):
        raise ValueError("it would take far more memory than its size lets expect")
    return Table.read(BytesIO(content), format="votable")

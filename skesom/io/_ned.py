# SPDX-License-Identifier: BSD-3-Clause
"""Tables of the NASA/IPAC Extragalactic Database with bars between their columns."""

import re

import numpy as np
from astropy import units
from astropy.table import Column, MaskedColumn, Table

_HEADER = re.compile(r"^\s*No\.\s*\|\s*Object Name\s*\|")
_MISSING = ("", "...", "....")
# Columns by the start of their heading: name, type and unit in the result.
_COLUMNS = {
    "No.": ("number", int, None),
    "Object Name": ("name", str, None),
    "RA": ("ra", str, None),
    "DEC": ("dec", str, None),
    "Type": ("type", str, None),
    "Velocity": ("velocity", float, units.km / units.s),
    "Redshift Flag": ("redshift_flag", str, None),
    "Redshift Points": ("redshift_points", int, None),
    "Redshift": ("redshift", float, None),
    "Magnitude and Filter": ("magnitude_and_filter", str, None),
    "Distance": ("separation", float, units.arcmin),
    "Separation": ("separation", float, units.arcmin),
    "References": ("references", int, None),
    "Notes": ("notes", int, None),
    "Photometry Points": ("photometry_points", int, None),
    "Positions": ("positions", int, None),
    "Diameter Points": ("diameter_points", int, None),
    "Associations": ("associations", int, None),
}


def is_ned(text):
    """Tell whether a text is a bar-separated main-source table of NED."""
    return any(_HEADER.match(line) for line in text.splitlines())


def parse_ned(text, path):
    """Parse a bar-separated main-source table of NED."""
    if text.startswith("{\\rtf"):
        raise ValueError(
            f"{path} is text with formatting (RTF). Save it as plain text."
        )
    lines = text.splitlines()
    start = next(n for n, line in enumerate(lines) if _HEADER.match(line))
    _check_coordinates("\n".join(lines[:start]), path)
    headings = [heading.strip() for heading in lines[start].split("|")]
    rows = []
    for number, line in enumerate(lines[start + 1 :], start + 2):
        if not line.strip():
            continue
        fields = [field.strip() for field in line.split("|")]
        if len(fields) != len(headings):
            raise ValueError(
                f"{path}, line {number} has {len(fields)} columns instead of "
                f"{len(headings)}. Download the table again."
            )
        rows.append(fields)
    table = Table()
    for place, heading in enumerate(headings):
        fields = [row[place] for row in rows]
        name, kind, unit = _find_column(heading)
        if name == "magnitude_and_filter":
            _add_magnitudes(table, fields)
        else:
            table[name] = _make_column(fields, kind, unit, f"{path}, column {heading}")
    return table


def _check_coordinates(preamble, path):
    """Refuse coordinates other than right ascension and declination of J2000."""
    for card, wanted in (("Equinox", "J2000"), ("CoordSystem", "Equatorial")):
        found = re.search(rf"^\s*{card}\s*:\s*(\S+)", preamble, re.MULTILINE)
        if found and not found[1].startswith(wanted):
            raise ValueError(
                f"{path} gives positions with {card} {found[1]}. Ask NED for "
                "equatorial coordinates of J2000."
            )


def _find_column(heading):
    """Return name, type and unit of a column."""
    for start, found in _COLUMNS.items():
        if heading.startswith(start):
            return found
    return re.sub(r"\W+", "_", heading.lower()).strip("_"), str, None


def _make_column(fields, kind, unit, where):
    """Return a column of the right type, masked where nothing is written."""
    if kind is str:
        return Column(fields, dtype=str)
    missing = np.array([field in _MISSING for field in fields], dtype=bool)
    try:
        values = [0 if field in _MISSING else kind(field) for field in fields]
    except ValueError as error:
        raise ValueError(f"{where}: {error}. Download the table again.") from error
    return MaskedColumn(values, mask=missing, dtype=kind, unit=unit)


def _add_magnitudes(table, fields):
    """Add columns of the magnitude and of the filter that is written behind it."""
    numbers, filters = [], []
    for field in fields:
        found = re.match(r"([+-]?\d+\.?\d*)\s*(.*)", field)
        numbers.append(found[1] if found else "")
        filters.append(found[2] if found else field)
    table["magnitude"] = _make_column(numbers, float, units.mag, "magnitude")
    table["magnitude_filter"] = Column(filters, dtype=str)

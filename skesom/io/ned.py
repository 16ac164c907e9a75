# SPDX-License-Identifier: BSD-3-Clause
"""The NASA/IPAC Extragalactic Database: its tables, and its types of objects."""

import colorsys
import re
from itertools import count
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.table import Column, MaskedColumn, Table

_HEADER = re.compile(r"^\s*No\.\s*\|\s*Object Name\s*\|")
_MISSING = ("", "...", "....")
_MOST_COLUMNS = 100  # those of NED have 18
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
_GOLDEN_RATIO = (1 + 5**0.5) / 2
_SYMBOLS = ("circle", "box", "diamond", "cross", "x", "arrow", "boxcircle")


def is_ned(text):
    """Return whether a text is a bar-separated main-source table of NED."""
    return any(_HEADER.match(line) for line in text.splitlines())


def parse_ned(text, path):
    """Return the table in the text of a bar-separated main-source table of NED."""
    if text.startswith("{\\rtf"):
        raise ValueError(f"{path} is text with formatting. Save it as plain text.")
    lines = text.splitlines()
    start = next(n for n, line in enumerate(lines) if _HEADER.match(line))
    for card, wanted in (("Equinox", "J2000"), ("CoordSystem", "Equatorial")):
        card_line = re.compile(rf"\s*{card}\s*:\s*(\S+)")
        found = next(filter(None, map(card_line.match, lines[:start])), None)
        if found and not found[1].startswith(wanted):
            raise ValueError(
                f"{path} has the {card} {found[1]:.80}. Ask NED for equatorial "
                "coordinates of J2000."
            )
    headings = [heading.strip() for heading in lines[start].split("|")]
    if len(headings) > _MOST_COLUMNS:
        raise ValueError(
            f"{path} has {len(headings)} columns, but tables of NED have "
            f"{len(_COLUMNS)} at most. Download the table again."
        )
    rows = []
    for number, line in enumerate(lines[start + 1 :], start + 2):
        fields = [field.strip() for field in line.split("|")]
        if fields == [""]:
            continue
        if len(fields) != len(headings):
            raise ValueError(
                f"{path}, line {number} has {len(fields)} columns instead of "
                f"{len(headings)}. Download the table again."
            )
        rows.append(fields)
    table = Table()
    for heading, *fields in zip(headings, *rows, strict=True):
        known = (_COLUMNS[start] for start in _COLUMNS if heading.startswith(start))
        other = re.sub(r"\W+", "_", heading.lower()).strip("_"), str, None
        name, kind, unit = next(known, other)
        if name == "magnitude_and_filter":
            # The filter is written behind the magnitude.
            parts = [re.fullmatch(r"([+-]?\d+\.?\d*)?\s*(.*)", f) for f in fields]
            fields = [part[1] or "" for part in parts]
            filters = [part[2] for part in parts]
            table["magnitude"] = _make_column(fields, float, units.mag, "magnitude")
            table["magnitude_filter"] = Column(filters, dtype=str)
        else:
            table[name] = _make_column(fields, kind, unit, f"{path}, column {heading}")
    return table


def _make_column(fields, kind, unit, where):
    """Return a column of the right type, masked where the field is empty."""
    if kind is str:
        return Column(fields, dtype=str)
    missing = np.array([field in _MISSING for field in fields], dtype=bool)
    try:
        values = [0 if field in _MISSING else kind(field) for field in fields]
        return MaskedColumn(values, mask=missing, dtype=kind, unit=unit)
    except (OverflowError, ValueError) as error:
        text = f"{where:.200}: {error!s:.200}. Download the table again."
        raise ValueError(text) from error


class ObjectType(NamedTuple):
    """The description of a type in words, its symbol in DS9, and its color."""

    description: str
    symbol: str
    color: str


# The types of NED, https://ned.ipac.caltech.edu/help/ui/nearname-list_objecttypes. No
# two of them look the same.
NED_TYPES = {
    "*": ObjectType("star or point source", "cross", "green"),
    "**": ObjectType("double star", "cross", "red"),
    "*Ass": ObjectType("stellar association", "cross", "white"),
    "*Cl": ObjectType("star cluster", "circle", "blue"),
    "AbLS": ObjectType("absorption line system", "arrow", "yellow"),
    "Blue*": ObjectType("blue star", "cross", "blue"),
    "C*": ObjectType("carbon star", "cross", "yellow"),
    "EmLS": ObjectType("emission line source", "arrow", "green"),
    "EmObj": ObjectType("emission object", "arrow", "cyan"),
    "exG*": ObjectType("extragalactic star", "diamond", "green"),
    "Flare*": ObjectType("flare star", "x", "yellow"),
    "G": ObjectType("galaxy", "diamond", "magenta"),
    "GammaS": ObjectType("gamma-ray source", "boxcircle", "yellow"),
    "GClstr": ObjectType("cluster of galaxies", "diamond", "red"),
    "GGroup": ObjectType("group of galaxies", "diamond", "blue"),
    "GPair": ObjectType("pair of galaxies", "box", "blue"),
    "GTrpl": ObjectType("triple of galaxies", "box", "cyan"),
    "G_Lens": ObjectType("lensed image of a galaxy", "diamond", "cyan"),
    "HII": ObjectType("H II region", "circle", "green"),
    "IrS": ObjectType("infrared source", "box", "yellow"),
    "MCld": ObjectType("molecular cloud", "circle", "white"),
    "Neb": ObjectType("nebula", "boxcircle", "cyan"),
    "Nova": ObjectType("nova", "x", "cyan"),
    "Other": ObjectType("other", "diamond", "yellow"),
    "PN": ObjectType("planetary nebula", "circle", "yellow"),
    "PofG": ObjectType("part of a galaxy", "x", "white"),
    "Psr": ObjectType("pulsar", "x", "green"),
    "QGroup": ObjectType("group of quasars", "boxcircle", "red"),
    "QSO": ObjectType("quasar", "boxcircle", "blue"),
    "Q_Lens": ObjectType("lensed image of a quasar", "boxcircle", "magenta"),
    "RadioS": ObjectType("radio source", "box", "red"),
    "Red*": ObjectType("red star", "cross", "orange"),
    "RfN": ObjectType("reflection nebula", "circle", "red"),
    "SN": ObjectType("supernova", "circle", "magenta"),
    "SNR": ObjectType("supernova remnant", "circle", "cyan"),
    "UvES": ObjectType("ultraviolet excess source", "x", "magenta"),
    "UvS": ObjectType("ultraviolet source", "cross", "magenta"),
    "V*": ObjectType("variable star", "x", "red"),
    "VisS": ObjectType("visual source", "box", "green"),
    "WD*": ObjectType("white dwarf", "diamond", "white"),
    "WR*": ObjectType("Wolf-Rayet star", "x", "blue"),
    "XrayS": ObjectType("X-ray source", "cross", "cyan"),
}


def describe_types(types):
    """Return the `ObjectType` of each type of NED; other names describe themselves."""
    described, numbers = {}, count()
    for name in dict.fromkeys(types):
        code = name.removeprefix("!")
        # NED shortens "!Flare*" to five letters.
        known = NED_TYPES.get("Flare*" if code == "Flar*" else code)
        if known is None:
            other = next(numbers)
            symbol = _SYMBOLS[other % len(_SYMBOLS)]
            known = ObjectType(name, symbol, distinct_color(other))
        elif code != name:
            known = known._replace(description=f"Galactic {known.description}")
        described[name] = known
    return described


def distinct_color(number):
    """Return the color of a number, "#rrggbb"; any number of colors are distinct."""
    # Steps by the golden ratio keep the hues apart.
    parts = colorsys.hsv_to_rgb(number / _GOLDEN_RATIO % 1, 0.75, 0.95)
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)

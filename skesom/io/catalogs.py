# SPDX-License-Identifier: BSD-3-Clause
"""Catalogs of objects: where each of them is, and what it is."""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Mapping
from contextlib import contextmanager
from io import BytesIO, StringIO
from itertools import chain
from pathlib import Path

import numpy as np
from astropy import units
from astropy.coordinates import Angle, SkyCoord, UnitSphericalRepresentation
from astropy.io import ascii
from astropy.io.misc.yaml import AstropyLoader
from astropy.io.votable import is_votable
from astropy.table import Column, Table
from astropy.utils.xml.iterparser import get_xml_iterator

from skesom._common.files import regular
from skesom._common.fits_files import open_fits, unpacked
from skesom._common.texts import printable
from skesom._common.warn import warn_user
from skesom._sky.units import check_power
from skesom._types import Catalog
from skesom.io.ned import is_ned, parse_ned
from skesom.io.regions import collect_regions, is_path

UNTYPED = "untyped"
_MOST_EXPANSION = 100  # of text, which rarely expands more than ten times
_MOST_COLUMNS = 999  # as of FITS tables; the time of astropy is quadratic
_DEEPEST, _MOST_TEXTS = 20, 30_000  # of lists in lists, and of texts in a header
# Names that columns have in catalogs, in lower case; the best first.
_ALIASES = {
    "name": ("name", "object name", "object_name", "objname", "main_id", "id"),
    "type": ("type", "object type", "object_type", "objtype", "otype", "class")
    + ("cluster_name",),  # of `skesom.maps.find_pieces`
    "ra": ("ra", "ra(deg)", "ra_deg", "radeg", "raj2000", "_raj2000", "ra_icrs"),
    "dec": ("dec", "dec(deg)", "dec_deg", "decdeg", "dej2000", "_dej2000", "de_icrs"),
    "x": ("x", "xcentroid", "x_centroid", "column"),
    "y": ("y", "ycentroid", "y_centroid", "row"),
    "uncertainty": ("uncertainty", "pos_err", "poserr", "position_error"),
}


def read_catalog(
    source: Catalog,
    *,
    columns: Mapping[str, str] | None = None,
    object_type: str | None = None,
) -> Table:
    """Read a catalog of objects, with their positions and types.

    Parameters
    ----------
    source : str, os.PathLike, Table or sequence of regions
        A table, regions of the regions package, or a file: the bar-separated table of
        NED, regions of DS9 or CASA, CSV (``*.csv``), FITS, VOTable or ECSV.
    columns : dict of str to str, default=None
        Names of the columns for ``name``, ``type``, ``ra``, ``dec``, ``x``, ``y`` and
        ``uncertainty``; by default usual names (RAJ2000, otype, ...).
    object_type : str, default=None
        Type of all objects, for catalogs of one type.

    Returns
    -------
    catalog : astropy.table.Table
        One row for each object, with ``name`` and ``type`` (str, ``"untyped"`` where
        missing), if present ``ra`` and ``dec`` (ICRS, degrees), ``x`` and ``y`` (column
        and row from 0) and ``uncertainty`` (standard deviation of the position in each
        direction, arcsec), and all other columns of the source.

    Raises
    ------
    FileNotFoundError, ImportError
        If there is no such file, or the regions package for region files is missing.
    TypeError
        If the catalog is an array, a dict or a table of another library.
    ValueError
        If the file cannot be read, or has no object or positions.

    Warns
    -----
    UserWarning
        If objects without a position are left out, or no object has a type.

    Notes
    -----
    Numbers without a unit are degrees; text may be sexagesimal, with right ascension in
    hours. The first tag of a region is its type and the text its name; without tags the
    text is the type. Regions without either have the type of those drawn alike.

    Examples
    --------
    >>> from astropy.table import Table
    >>> from skesom.io import read_catalog
    >>> table = Table({"RAJ2000": [204.252], "DEJ2000": [-29.866], "otype": ["SN"]})
    >>> read_catalog(table).colnames
    ['name', 'type', 'ra', 'dec']
    """
    # A table of pandas, whose columns would count as regions; astropy's have iloc too.
    if hasattr(source, "iloc") and not hasattr(source, "colnames"):
        raise TypeError(
            f"The catalog is a {type(source).__name__} of pandas: give "
            "astropy.table.Table.from_pandas(catalog)."
        )
    is_array = isinstance(source, np.ndarray | Mapping)
    is_table_or_region = hasattr(source, "meta")
    has_entries = hasattr(source, "__iter__") or hasattr(source, "__getitem__")
    if is_array or not (is_path(source) or is_table_or_region or has_entries):
        raise TypeError(
            f"The catalog is a {type(source).__name__}: give the path of a file, an "
            "astropy.table.Table, as Table(catalog) makes of a dict or a structured "
            "array, or a list of regions."
        )
    where = str(source) if is_path(source) else "The catalog"
    table = read_table(source, where)
    if len(table) == 0:
        raise ValueError(f"{where} has no object.")
    found = _find_columns(table, columns or {}, where)
    catalog = Table()
    blank = Column([""] * len(table), dtype=str)
    catalog["name"] = _as_text(table[found["name"]]) if "name" in found else blank
    types = blank if "type" not in found else _as_text(table[found["type"]])
    if object_type is not None:
        types = np.full(len(table), str(object_type))
    catalog["type"] = [kind or UNTYPED for kind in types]
    _add_positions(catalog, table, found, where)
    if "uncertainty" in found:
        uncertainty = table[found["uncertainty"]]
        catalog["uncertainty"] = _as_quantity(uncertainty, units.arcsec, where)
    used = {*found.values(), *catalog.colnames}
    for name in filter(lambda name: name not in used, table.colnames):
        catalog[name] = table[name]
    catalog = _drop_lost(catalog, where)
    if not any(types):
        warn_user(
            f"{where} gives no types, so its objects are all {UNTYPED!r}. Its columns "
            f"are {_list(table)}: name the one of types in columns."
        )
    return catalog


def read_table(source, where):
    """Return a source as a table."""
    if isinstance(source, Table):
        return source
    if not is_path(source):
        return read_region_objects(source)
    path = Path(regular(source))
    with _readable(where):
        content = _unpacked_content(path)
    if content.startswith(b"SIMPLE"):
        with open_fits(path) as hdus, _readable(where):
            for hdu in hdus:
                any(map(check_power, hdu.header.values()))
            return Table.read(hdus, format="fits")
    start = content[:100_000].decode(errors="replace")
    is_marked = start.startswith(("# Region file", "#CRTF"))
    if is_marked or path.suffix.lower() in (".reg", ".crtf"):
        return read_region_objects(path)
    if is_ned(start):
        return parse_ned(content.decode(errors="replace"), path)
    with _readable(where):
        return _parse(content, is_csv=".csv" in map(str.lower, path.suffixes[-2:]))


@contextmanager
def _readable(where):
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


def _unpacked_content(path):
    """Return the bytes of a file, of FITS only the first; packed ones have a bound."""
    with open(path, "rb") as file, unpacked(file) as stream:
        parts = [stream.read(2880)]
        left = _MOST_EXPANSION * max(os.path.getsize(path), 2**18)
        while parts[-1] and not parts[0].startswith(b"SIMPLE"):
            parts.append(stream.read(2**20))
            left -= len(parts[-1])
            if left < 0:
                raise ValueError("it is packed, and much larger than tables are")
    with unpacked(stream := BytesIO(b"".join(parts))) as inner:
        if inner is not stream:
            raise ValueError("it is packed twice")
    return stream.getvalue()


def _parse(content, is_csv):
    """Return the table in a text of one of the formats that open no other files."""
    if is_votable(BytesIO(content)):
        _check_votable(content)
        return Table.read(BytesIO(content), format="votable")
    text = content.decode("utf-8-sig")
    is_ecsv = text.startswith("# %ECSV")
    if not (is_ecsv or is_csv):
        raise ValueError("it is in none of the known formats")
    if is_ecsv:
        _check_header(re.match("(#.*\n?)*", text)[0])
    elif text.partition("\n")[0].count(",") >= _MOST_COLUMNS:
        raise ValueError(f"it has more than {_MOST_COLUMNS} columns")
    # A column takes the room of its longest text in each row.
    cells = chain.from_iterable(csv.reader(StringIO(text)))
    longest = max(map(len, cells if '"' in text else text.split("\n")), default=0)
    if text.count("\n") * longest > _MOST_EXPANSION * max(len(text), 2**18):
        raise ValueError("one of its texts is far longer than the others")
    return ascii.read(f"{text}\n", format="ecsv" if is_ecsv else "csv", guess=False)


def _check_header(header):
    """Refuse a header of ECSV that would take hours to understand."""
    loader, n_texts = AstropyLoader(header.replace("#", " ").partition("---")[2]), 0
    while loader.check_token():
        text = getattr(loader.get_token(), "value", None)
        check_power(text)
        n_texts += text is not None
        if loader.flow_level > _DEEPEST or n_texts > _MOST_TEXTS:
            raise ValueError("its header is far larger than those of tables")


def _check_votable(content):
    """Refuse a table that would open other files, or be without end."""
    n_fields, width, n_rows = 0, 0, 0
    with get_xml_iterator(BytesIO(content)) as tags:
        for is_start, name, attributes, _ in tags:
            if not is_start:
                continue
            if name == "STREAM" and "href" in attributes:
                raise ValueError(f"its data are elsewhere, in {attributes['href']!r}")
            check_power(attributes.get("unit"))
            if name == "FIELD":
                n_fields += 1
                sides = re.findall(r"\d+", attributes.get("arraysize", ""))
                width += math.prod(map(int, sides))
            n_rows += name == "TR"
            n_rows = max(n_rows, int(attributes.get("nrows", 0)))
    if n_fields > _MOST_COLUMNS:
        raise ValueError(f"it has more than {_MOST_COLUMNS} columns")
    if n_rows * width > _MOST_EXPANSION * max(len(content), 2**18):
        raise ValueError("it would take far more memory than its size lets expect")


def _find_columns(table, columns, where):
    """Return the name of the column for each of the known kinds."""
    unknown = set(columns) - set(_ALIASES)
    if unknown:
        raise ValueError(
            f"columns has the keys {sorted(unknown)}; possible are {list(_ALIASES)}."
        )
    for kind, name in columns.items():
        if name not in table.colnames:
            raise ValueError(
                f"{where} has no column {name!r} for {kind!r}, but {_list(table)}."
            )
    by_lower = {name.lower(): name for name in reversed(table.colnames)}
    usual = {
        kind: by_lower[alias]
        for kind, aliases in _ALIASES.items()
        for alias in reversed(aliases)
        if alias in by_lower
    }
    return usual | columns


def _add_positions(catalog, table, found, where):
    """Add the positions on the sky and in pixels."""
    sky = [name for name in table.colnames if isinstance(table[name], SkyCoord)]
    if {"ra", "dec"} <= set(found):
        catalog["ra"] = _as_degrees(table[found["ra"]], units.hourangle, where)
        catalog["dec"] = _as_degrees(table[found["dec"]], units.deg, where)
    elif sky:
        places = table[sky[0]].icrs
        catalog["ra"], catalog["dec"] = places.ra.deg, places.dec.deg
    if "ra" in catalog.colnames:
        catalog["ra"].unit = catalog["dec"].unit = units.deg
        bad = np.flatnonzero(np.abs(catalog["dec"]) > 90)
        if len(bad):
            raise ValueError(
                f"{where}, object {bad[0] + 1} has a declination of "
                f"{catalog['dec'][bad[0]]:g} degrees. Check the units of the columns."
            )
    if {"x", "y"} <= set(found):
        for axis in "xy":
            catalog[axis] = _as_quantity(table[found[axis]], units.pixel, where)
    if not {"ra", "x"} & set(catalog.colnames):
        raise ValueError(
            f"{where} has no columns for positions, but {_list(table)}. "
            "Name 'ra' and 'dec', or 'x' and 'y' for pixels from 0, in columns."
        )


def _as_text(column, missing=""):
    """Return a column as text without blanks around it, or codes that move letters."""
    mask = getattr(column, "mask", np.zeros(len(column), dtype=bool))
    pairs = zip(column, mask, strict=True)
    texts = ["" if hidden else printable(str(value).strip()) for value, hidden in pairs]
    return Column([text or missing for text in texts], dtype=str)


def _list(table):
    """Return the names of the first columns in one line."""
    return ", ".join(table.colnames[:30])[:500] + ", ..." * (len(table.colnames) > 30)


def _as_quantity(column, unit, where):
    """Return the numbers of a column in a unit, NaN where they are missing."""
    own = getattr(column, "unit", None) or unit
    values = np.ma.asarray(getattr(column, "value", column)).astype(np.float64)
    if not units.Unit(own).is_equivalent(unit):
        raise ValueError(
            f"{where}: the column {column.info.name!r} is in {own!s:.80}, which is not "
            f"{unit} or the like. Correct its unit."
        )
    return Column(np.ma.filled(values, np.nan) * units.Unit(own).to(unit), unit=unit)


def _as_degrees(column, unit, where):
    """Return angles in degrees, NaN where missing; the unit is that of 13h37m text."""
    if column.dtype.kind in "fiu":
        return _as_quantity(column, units.deg, where)
    degrees = np.full(len(column), np.nan)
    for place, text in enumerate(_as_text(column, "nan").tolist()):
        try:
            degrees[place] = _parse_angle(text, unit)
        except ValueError as error:
            raise ValueError(
                f"{where}, object {place + 1} has the coordinate {text!r:.80}, which "
                "is no angle. Give degrees, or 13h37m00.9s and -29d51m57s."
            ) from error
    return Column(degrees, unit=units.deg)


def _parse_angle(text, unit):
    """Return an angle in degrees."""
    try:
        return float(text)
    except ValueError:
        return Angle(text, unit=unit).deg


def _drop_lost(catalog, where):
    """Return the objects that have a position."""
    lost = np.ones(len(catalog), dtype=bool)
    for pair in (("ra", "dec"), ("x", "y")):
        if pair[0] in catalog.colnames:
            lost &= ~np.isfinite(catalog[pair[0]] + catalog[pair[1]])
    if lost.all():
        raise ValueError(f"{where} has no object with a position.")
    if lost.any():
        warn_user(
            f"{where} has {lost.sum()} objects without a position, which are left out."
        )
    return catalog[~lost]


def read_region_objects(regions):
    """Return a table of the objects that regions mark."""
    collected = [entry for entry in collect_regions(regions) if entry.is_included]
    names = [entry.text or "" if entry.tags else "" for entry in collected]
    table = Table({"name": np.array(names, dtype=str)})
    table["type"] = np.array(_find_types(collected), dtype=str)
    middles = [_find_middle(entry) for entry in collected]
    on_sky = np.array([isinstance(middle, SkyCoord) for middle in middles], dtype=bool)
    if on_sky.any():
        table["ra"], table["dec"] = np.full((2, len(table)), np.nan) * units.deg
        for rows, places in _by_frame(middles, np.flatnonzero(on_sky)):
            table["ra"][rows], table["dec"][rows] = places.ra.deg, places.dec.deg
    if not on_sky.all():
        table["x"], table["y"] = np.full((2, len(table)), np.nan)
        for row in np.flatnonzero(~on_sky):
            table["x"][row], table["y"][row] = middles[row]
    return table


def _find_types(collected):
    """Return types of regions: tag, text, or the only type of those drawn alike."""
    types = [e.tags[0] if e.tags else (e.text or "").strip() for e in collected]
    # Some markers are paths of matplotlib, which differ only in their text.
    styles = [
        (entry.shape_name, str(entry.region.visual.get("marker")), entry.color)
        for entry in collected
    ]
    types_of = {style: set() for style in styles}
    for style, kind in zip(styles, types, strict=True):
        types_of[style] |= {kind} - {""}
    alike = ["".join(types_of[s]) if len(types_of[s]) == 1 else "" for s in styles]
    return [kind or other for kind, other in zip(types, alike, strict=True)]


def _find_middle(entry):
    """Return the middle of a region, as SkyCoord or as column and row."""
    region = entry.region
    corners = getattr(region, "vertices", None)
    place = getattr(region, "center", None) if corners is None else corners
    if place is None:
        raise ValueError(
            f"{entry.label} has no middle for an object. Draw a point or a circle."
        )
    if not hasattr(region, "to_pixel"):
        return np.mean(place.x), np.mean(place.y)
    if corners is None:
        return place
    middle = corners.cartesian.mean().represent_as(UnitSphericalRepresentation)
    return SkyCoord(corners.frame.realize_frame(middle))


def _by_frame(middles, rows):
    """Yield rows of the same frame and their places in ICRS, all at once for speed."""
    while len(rows):
        frame = middles[rows[0]].frame.replicate_without_data()
        same = np.array([middles[r].frame.is_equivalent_frame(frame) for r in rows])
        places = [middles[row].spherical for row in rows[same]]
        angles = [[place.lon.deg, place.lat.deg] for place in places]
        places = SkyCoord(*np.transpose(angles), unit="deg", frame=frame)
        yield rows[same], places.icrs
        rows = rows[~same]

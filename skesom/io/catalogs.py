# SPDX-License-Identifier: BSD-3-Clause
"""Catalogs of objects: where each of them is, and what it is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from astropy import units
from astropy.coordinates import Angle, SkyCoord
from astropy.table import Column, Table

from skesom._common.texts import printable
from skesom._common.warn import warn_user
from skesom._types import Catalog
from skesom.io.regions import is_path
from skesom.io.table_files import read_table

UNTYPED = "untyped"
# Names that columns have in catalogs, in lower case; the best first.
_ALIASES = {
    "name": ("name", "object name", "object_name", "objname", "main_id", "id"),
    "type": (
        "type",
        "object type",
        "object_type",
        "objtype",
        "otype",
        "class",
        "cluster_name",  # of `skesom.maps.find_pieces`
    ),
    "ra": ("ra", "ra(deg)", "ra_deg", "radeg", "raj2000", "_raj2000", "ra_icrs"),
    "dec": ("dec", "dec(deg)", "dec_deg", "decdeg", "dej2000", "_dej2000", "de_icrs"),
    "x": ("x", "xcentroid", "x_centroid", "column"),
    "y": ("y", "ycentroid", "y_centroid", "row"),
    "uncertainty": ("uncertainty", "pos_err", "poserr", "position_error"),
}
_MOST_LISTED = 30  # names of columns in a message


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
    used_columns = _find_columns(table, columns or {}, where)

    catalog = Table()
    blank = Column([""] * len(table), dtype=str)
    catalog["name"] = blank
    if "name" in used_columns:
        catalog["name"] = _as_text(table[used_columns["name"]])
    types = blank
    if object_type is not None:
        types = np.full(len(table), str(object_type))
    elif "type" in used_columns:
        types = _as_text(table[used_columns["type"]])
    catalog["type"] = [name or UNTYPED for name in types]
    _add_positions(catalog, table, used_columns, where)
    if "uncertainty" in used_columns:
        uncertainty = table[used_columns["uncertainty"]]
        catalog["uncertainty"] = _as_quantity(uncertainty, units.arcsec, where)
    for name in table.colnames:
        if name not in used_columns.values() and name not in catalog.colnames:
            catalog[name] = table[name]
    catalog = _drop_without_position(catalog, where)
    if not any(types):
        warn_user(
            f"{where} gives no types, so its objects are all {UNTYPED!r}. Its columns "
            f"are {_list_columns(table)}: name the one of types in columns."
        )
    return catalog


def _find_columns(table, columns, where):
    """Return the name of the column for each kind of `_ALIASES` that a table has.

    `columns` are those that the user names; others are found by their usual names.
    """
    unknown = set(columns) - set(_ALIASES)
    if unknown:
        raise ValueError(
            f"columns has the keys {sorted(unknown)}; possible are {list(_ALIASES)}."
        )
    for kind, name in columns.items():
        if name not in table.colnames:
            raise ValueError(
                f"{where} has no column {name!r} for {kind!r}, but "
                f"{_list_columns(table)}."
            )
    # Of names that differ in their case only, the first column counts.
    names_by_lower = {}
    for name in table.colnames:
        names_by_lower.setdefault(name.lower(), name)
    found_columns = {}
    for kind, aliases in _ALIASES.items():
        for alias in aliases:
            if alias in names_by_lower:
                found_columns[kind] = names_by_lower[alias]
                break
    return found_columns | columns


def _add_positions(catalog, table, used_columns, where):
    """Add the positions on the sky and in pixels."""
    sky_columns = [name for name in table.colnames if isinstance(table[name], SkyCoord)]
    if "ra" in used_columns and "dec" in used_columns:
        right_ascension = table[used_columns["ra"]]
        declination = table[used_columns["dec"]]
        catalog["ra"] = _as_degrees(right_ascension, units.hourangle, where)
        catalog["dec"] = _as_degrees(declination, units.deg, where)
    elif sky_columns:
        positions = table[sky_columns[0]].icrs
        catalog["ra"] = positions.ra.deg
        catalog["dec"] = positions.dec.deg
    if "ra" in catalog.colnames:
        catalog["ra"].unit = units.deg
        catalog["dec"].unit = units.deg
        impossible = np.flatnonzero(np.abs(catalog["dec"]) > 90)
        if len(impossible):
            row = impossible[0]
            raise ValueError(
                f"{where}, object {row + 1} has a declination of "
                f"{catalog['dec'][row]:g} degrees. Check the units of the columns."
            )
    if "x" in used_columns and "y" in used_columns:
        catalog["x"] = _as_quantity(table[used_columns["x"]], units.pixel, where)
        catalog["y"] = _as_quantity(table[used_columns["y"]], units.pixel, where)
    if "ra" not in catalog.colnames and "x" not in catalog.colnames:
        raise ValueError(
            f"{where} has no columns for positions, but {_list_columns(table)}. "
            "Name 'ra' and 'dec', or 'x' and 'y' for pixels from 0, in columns."
        )


def _as_text(column, missing=""):
    """Return a column as text without blanks around it, or codes that move letters."""
    mask = getattr(column, "mask", np.zeros(len(column), dtype=bool))
    texts = []
    for value, is_masked in zip(column, mask, strict=True):
        text = "" if is_masked else printable(str(value).strip())
        texts.append(text or missing)
    return Column(texts, dtype=str)


def _list_columns(table):
    """Return the names of the first columns in one line."""
    line = ", ".join(table.colnames[:_MOST_LISTED])[:500]
    if len(table.colnames) > _MOST_LISTED:
        line += ", ..."
    return line


def _as_quantity(column, unit, where):
    """Return the numbers of a column in a unit, NaN where they are missing.

    Numbers without a unit are taken to have it.
    """
    column_unit = getattr(column, "unit", None) or unit
    values = np.ma.asarray(getattr(column, "value", column)).astype(np.float64)
    if not units.Unit(column_unit).is_equivalent(unit):
        raise ValueError(
            f"{where}: the column {column.info.name!r} is in {column_unit!s:.80}, "
            f"which is not {unit} or the like. Correct its unit."
        )
    factor = units.Unit(column_unit).to(unit)
    return Column(np.ma.filled(values, np.nan) * factor, unit=unit)


def _as_degrees(column, text_unit, where):
    """Return angles in degrees, NaN where they are missing.

    Numbers without a unit are degrees, and sexagesimal texts without units, such as
    13:37:00, have that of `text_unit`.
    """
    if column.dtype.kind in "fiu":
        return _as_quantity(column, units.deg, where)
    degrees = np.full(len(column), np.nan)
    for row, text in enumerate(_as_text(column, missing="nan").tolist()):
        try:
            degrees[row] = _parse_angle(text, text_unit)
        except ValueError as error:
            raise ValueError(
                f"{where}, object {row + 1} has the coordinate {text!r:.80}, which "
                "is no angle. Give degrees, or 13h37m00.9s and -29d51m57s."
            ) from error
    return Column(degrees, unit=units.deg)


def _parse_angle(text, text_unit):
    """Return an angle in degrees: a number of them, or a sexagesimal text."""
    try:
        return float(text)
    except ValueError:
        return Angle(text, unit=text_unit).deg


def _drop_without_position(catalog, where):
    """Return the objects that have a position on the sky or in pixels."""
    has_position = np.zeros(len(catalog), dtype=bool)
    for first, second in (("ra", "dec"), ("x", "y")):
        if first in catalog.colnames:
            has_position |= np.isfinite(catalog[first] + catalog[second])
    if not has_position.any():
        raise ValueError(f"{where} has no object with a position.")
    if not has_position.all():
        warn_user(
            f"{where} has {(~has_position).sum()} objects without a position, which "
            "are left out."
        )
    return catalog[has_position]

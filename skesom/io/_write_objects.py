# SPDX-License-Identifier: BSD-3-Clause
"""Catalogs as regions that DS9 draws over the image, each type in its own style."""

import re

from skesom.io._atomic import atomic_path
from skesom.io._catalogs import read_catalog
from skesom.io._object_types import describe_types

_HEADER = """\
# Region file format: DS9 version 4.1
global color=white width=1 font="helvetica 10 normal roman" select=1 highlite=1 dash=0 \
fixed=0 edit=1 move=1 delete=1 include=1 source=1
"""
_NOT_IN_TEXT = re.compile(r"[{};\r\n]")


def write_object_regions(
    path, catalog, *, columns=None, object_type=None, names=False, overwrite=False
):
    """Write a catalog as a region file of DS9, with a symbol and color per type.

    Each object is a point with its type as tag: DS9 groups regions by tags, so that the
    objects of a type are shown, hidden or colored together.

    Parameters
    ----------
    path : str or os.PathLike
        File to write, usually ``*.reg``.
    catalog : str, os.PathLike, Table or sequence of regions
        The objects, as `read_catalog` takes them.
    columns, object_type
        As for `read_catalog`.
    names : bool, default=False
        Whether to write the name beside each object.
    overwrite : bool, default=False
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is False.
    ValueError
        If the catalog cannot be read, or a type or name holds braces, semicolons or
        line breaks.

    See Also
    --------
    read_catalog : Reads the file again.
    describe_types : The symbols and colors.

    Notes
    -----
    Positions are written on the sky (ICRS, to .04 milliarcsec), in pixels if the
    catalog has no others.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from astropy.table import Table
    >>> from skesom.io import write_object_regions
    >>> objects = Table({"ra": [204.25], "dec": [-29.87], "type": ["HII"]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "objects.reg"
    ...     write_object_regions(path, objects)
    ...     print(path.read_text().splitlines()[-1])
    point(204.25000000,-29.87000000) # point=circle color=green tag={HII}
    """
    objects = read_catalog(catalog, columns=columns, object_type=object_type)
    styles = describe_types(objects["type"].tolist())
    on_sky = "ra" in objects.colnames
    lines = []
    for row in objects:
        kind, name = str(row["type"]), str(row["name"])
        for text in (kind, name) if names else (kind,):
            if _NOT_IN_TEXT.search(text):
                raise ValueError(
                    f"{text!r} holds braces, semicolons or line breaks, which region "
                    "files cannot hold. Choose another name."
                )
        if on_sky:
            place = f"{row['ra']:.8f},{row['dec']:.8f}"
        else:
            place = f"{row['x'] + 1:.3f},{row['y'] + 1:.3f}"
        style = styles[kind]
        line = (
            f"point({place}) # point={style.symbol} color={style.color} tag={{{kind}}}"
        )
        lines.append(f"{line} text={{{name}}}" if names and name else line)
    with atomic_path(path, overwrite=overwrite) as temporary:
        frame = "icrs" if on_sky else "image"
        body = "\n".join(lines)
        temporary.write_text(f"{_HEADER}{frame}\n{body}\n", encoding="utf-8")

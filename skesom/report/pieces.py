# SPDX-License-Identifier: BSD-3-Clause
"""The pieces of clusters in a report: tables, outlines for DS9, and its color map."""

import warnings
from functools import partial

import numpy as np
from astropy.stats import gaussian_fwhm_to_sigma
from astropy.table import Table

from skesom._common.labels import SKY
from skesom._common.texts import write_ecsv
from skesom._sky.lengths import star_width
from skesom.displays.colors import MISSING_COLOR, NOISE_COLOR, SKY_COLOR, rgb_of
from skesom.io import write_regions
from skesom.io.region_writing import write_outlines
from skesom.io.smooth_outlines import find_outlines
from skesom.maps import find_pieces

TABLES = "pieces.ecsv", "pieces.vot"
COLOR_MAP = "cluster_map.lut"
MARKS = "regions/pieces.reg"
_PLACE = "ra", "dec", "x", "y"
_MOST_BYTES = 2_000_000  # of a region file: DS9 needs a second for 2 MB
_CORNER, _POLYGON = 24, 80  # bytes, at most
_TEXT_SIZE = 10  # pieces of so many areas of the point-spread function have a text
_MOST_TEXTS = 300
_SAME_COLOR = 16  # lines of the color map for a label, so that no rounding matters
_UCD = {
    "id": "meta.id;meta.main",
    "ra": "pos.eq.ra;meta.main",
    "dec": "pos.eq.dec;meta.main",
}


def psf_sigma(cube):
    """Return the standard deviation of the point-spread function in pixels."""
    return star_width(cube)[0] * gaussian_fwhm_to_sigma


def smallest_piece(label_map, sigma):
    """Return how many pixels a piece needs: those of the point-spread function."""
    return max(int(np.ceil(2 * np.pi * sigma**2)), round(1e-5 * label_map.size), 2)


def write_pieces(folder, result, agreement=None):
    """Write the table of the pieces, and marks for DS9.

    Return the names of the files, and what is left out.
    """
    if result.is_voxel:
        return [], {"pieces": "labels of voxels have no pieces on the sky"}
    size = smallest_piece(result.label_map, psf_sigma(result.cube))
    table = find_pieces(
        result.label_map,
        result.cube,
        agreement=agreement,
        names=result.names,
        min_size=size,
        subtract_sky=result.subtract_sky,
    )
    if len(table) == 0:
        return [], {"pieces": "no pixel is in a cluster"}
    write_ecsv(table, folder / TABLES[0])
    _write_votable(folder / TABLES[1], table)
    left_out = {"pieces": table.meta["left_out"]}
    marks = table["cluster_name", *(n for n in _PLACE if n in table.colnames)]
    # DS9 is slow with many texts.
    marks["name"] = [str(n) if n <= _MOST_TEXTS else "" for n in table["id"]]
    (folder / "regions").mkdir()
    colors = dict(zip(result.names, result.colors, strict=True))
    try:
        write_regions(folder / MARKS, marks, names=True, colors=colors)
    except ValueError as error:  # of names that regions cannot hold
        return [*TABLES], left_out | {MARKS: str(error)}
    return [*TABLES, MARKS], left_out


def _write_votable(path, table):
    """Write a VOTable with the words of the standard for positions and units."""
    from astropy.io.votable import from_table
    from astropy.io.votable.tree import Field

    with warnings.catch_warnings(action="ignore"):  # names that are no identifiers
        votable = from_table(Table(meta=table.meta))  # its time is cubic in columns
        votable.description = "; ".join(f"{k}: {v}" for k, v in table.meta.items())
        content = votable.get_first_table()
        columns = table.itercols()
        content.fields.extend(Field.from_table_column(votable, c) for c in columns)
        content.array = np.ma.array(table.as_array())
        for field in content.fields:
            unit = table[field.name].unit
            field.ucd = _UCD.get(field.name)
            try:
                field.unit = None if unit is None else unit.to_string("vounit")
            except ValueError:  # the standard has no such unit
                field.unit = None
                field.description = f"{field.description or field.name} [{unit}]"
        votable.to_xml(str(path), tabledata_format="tabledata")


def write_cluster_outlines(folder, label_map, wcs, names, colors, sigma):
    """Write regions of all clusters for DS9, and of each cluster alone.

    Return what is left out.
    """
    size = smallest_piece(label_map, sigma)
    outlines = find_outlines(label_map, size, sigma)
    if not outlines:
        raise ValueError("no pixel is in a cluster")
    write = partial(
        write_outlines,
        wcs=wcs,
        exact=False,
        names=names,
        colors=colors,
        text_size=_TEXT_SIZE * size,
    )
    sizes = np.array([outline.size for outline in outlines])
    corners = np.array([len(outline.corners) for outline in outlines])
    lengths = [2 * len(str(names[outline.label]).encode()) for outline in outlines]
    order = np.argsort(-sizes, kind="stable")
    totals = np.cumsum((_CORNER * corners + _POLYGON + lengths)[order])
    kept = np.sort(order[: max(np.count_nonzero(totals <= _MOST_BYTES), 1)])
    kept = [outlines[number] for number in kept]
    folder.mkdir(exist_ok=True)
    write(folder / "all.reg", kept)
    width = len(str(len(colors) - 1))
    for label in dict.fromkeys(outline.label for outline in kept):
        own = [outline for outline in kept if outline.label == label]
        path = folder / f"cluster_{label:0{width}}.reg"
        write(path, own)
    lost = len(outlines) - len(kept)
    beyond = f"the {lost} smallest outlines, so that DS9 loads the others soon; "
    return beyond * bool(lost) + f"what is finer than {sigma:.2g} pixels"


def write_color_map(path, colors):
    """Write a color map for DS9 that shows the label map as the pictures do."""
    limits = f"{SKY - 0.5:g} {len(colors) - 0.5:g}"
    lines = [
        "# Color map of DS9 for cluster_map.fits. The line below shows all of it:",
        f"# ds9 cluster_map.fits -scale linear -scale limits {limits} -cmap load "
        f"{COLOR_MAP} -nan '{MISSING_COLOR}' -regions load regions/all.reg",
    ]
    rows = [rgb_of(SKY_COLOR), rgb_of(NOISE_COLOR), *np.asarray(colors)[:, :3]]
    for row in rows:
        lines += ["{:.4f} {:.4f} {:.4f}".format(*row)] * _SAME_COLOR
    path.write_text("\n".join(lines) + "\n", encoding="ascii")

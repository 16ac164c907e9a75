# SPDX-License-Identifier: BSD-3-Clause
"""The populations of a report: their map, table, regions, colors and lines."""

import numpy as np

from skesom._common.texts import in_markdown, percent, write_ecsv
from skesom.displays.colors import rgb_of
from skesom.io import write_map
from skesom.io.region_writing import write_outlines
from skesom.io.smooth_outlines import find_outlines
from skesom.maps import find_populations
from skesom.maps.pieces import SMALL_PIECE
from skesom.report.pieces import psf_sigma, smallest_piece

FILES = "population_map.fits", "populations.ecsv"
REGIONS = "regions/populations.reg"
_MOST_PIXELS = 4_000_000  # which take the memory of the cube three times more
_TEXT_SIZE = 10  # outlines of so many smallest pieces have a text
# Colors that astronomers expect: blue young stars, red hydrogen, brown dust.
_COLORS = {
    "young stars": "#3b7ddd",
    "star clusters": "#7fd4ff",
    "H II regions": "#e0428a",
    "supernova remnants": "#3fae5a",
    "[O III] sources": "#00a79d",
    "dust lanes": "#6b4226",
    "reddest old stars": "#c25b3a",
    "old stars, bulge": "#ffd75e",
    "old stars, disc": "#e8873a",
    "stars and nuclei": "#8e44ad",
    "background galaxies": "#b03a2e",
    "faint outskirts": "#7d8597",
    "sky": "#454b57",
}


def find_of_result(result, agreement=None):
    """Return the populations of a result, None where no name holds."""
    if result.is_voxel or result.is_classified or is_too_large(result):
        return None
    if result.sky_left:  # whose color all light has
        return None
    if result.why_no_names is not None:
        return None
    cube = result.cube.compute() if result.cube.is_lazy else result.cube
    pieces = result.run_label_map if result.tree is None else result.leaf_map
    try:
        return find_populations(
            pieces,
            cube,
            agreement=agreement,
            continua=result.continua,
        )
    except ValueError:  # bands, light or rules that tell nothing
        return None


def is_too_large(result):
    """Return whether populations are left out because of their memory."""
    return result.label_map.size > _MOST_PIXELS


def colors_of(populations):
    """Return the color of each population, shape (n_populations, 4)."""
    unnamed = np.linspace(0.35, 0.75, len(populations.names) + 1)
    colors = np.ones((len(populations.names), 4))
    for number, name in enumerate(populations.names):
        known = _COLORS.get(name)
        colors[number, :3] = unnamed[number] if known is None else rgb_of(known)
    return colors


def write_populations(folder, populations, cube):
    """Write the map, the table and the regions; return the names of the files."""
    table = populations.table.copy()
    write_map(folder / FILES[0], populations.label_map, cube=cube, table=table)
    write_ecsv(table, folder / FILES[1])
    sigma = psf_sigma(cube)
    size = smallest_piece(populations.label_map, sigma)
    outlines = find_outlines(populations.label_map, size, sigma)
    if not outlines:
        return [*FILES]
    (folder / "regions").mkdir(exist_ok=True)
    write_outlines(
        folder / REGIONS,
        outlines,
        wcs=cube.wcs,
        exact=False,
        names=list(table["name"]),
        colors=colors_of(populations),
        text_size=_TEXT_SIZE * size,
    )
    return [*FILES, REGIONS]


def summary_lines(populations, picture):
    """Yield the lines of the section of the summary."""
    yield "## Populations"
    yield ""
    where = f", as `{picture}` shows" if picture else ""
    yield (
        f"Light of one suggested name, pixel by pixel{where}; `populations.ecsv` has "
        "all numbers. Names are suggestions by published physics."
    )
    yield ""
    yield "| population | share of the clustered pixels | how sure | why |"
    yield "|---|---|---|---|"
    shown, small = _without_small_pieces(populations.table)
    for row in shown:
        sure = ""
        if "agreement" in populations.table.colnames:
            sure = f"the runs agree to {100 * row['agreement']:.0f} %"
        share = percent(row["percentage"])
        evidence = in_markdown(row["evidence"])
        yield f"| {in_markdown(title_of(row))} | {share} | {sure} | {evidence} |"
    if len(small):
        share = percent(small["percentage"].sum())
        yield f"| {_text_of_small(small)} | {share} | | |"


def terminal_lines(table):
    """Yield a line for each population, for a terminal."""
    n_named = int(np.count_nonzero(table["is_named"]))
    n_others = len(table) - n_named
    text = f"{n_named} population{'s' * (n_named > 1)}, light of one suggested name"
    if n_named > 1:
        text += " each"
    if n_others:
        text += f", and {n_others} piece{'s' * (n_others > 1)} without a name"
    yield f"{text}:"
    shown, small = _without_small_pieces(table)
    for row in shown:
        first = row["evidence"].split("; ")[0]
        text = ", ".join(filter(None, (title_of(row), first)))
        size = f"{row['pixels']:>9} pixels  {percent(row['percentage'], 2):>8}"
        yield f"  {row['id']:>3}  {size}  {text}"
    if len(small):
        share = percent(small["percentage"].sum(), 2)
        size = f"{small['pixels'].sum():>9} pixels  {share:>8}"
        yield f"       {size}  {_text_of_small(small)}"


def _without_small_pieces(table):
    """Return the rows that are told one by one, and those that are told together."""
    is_small = ~np.asarray(table["is_named"])
    is_small &= np.asarray(table["pixels"]) < SMALL_PIECE
    return table[~is_small], table[is_small]


def _text_of_small(table):
    """Return what small pieces without a name are called together."""
    pieces = "1 piece" if len(table) == 1 else f"{len(table)} pieces"
    return f"{pieces} without a name, of fewer than {SMALL_PIECE} pixels"


def title_of(row):
    """Return the name of a population, marked if it is a suggestion."""
    return f"{row['name']} (?)" if row["is_named"] else row["name"]

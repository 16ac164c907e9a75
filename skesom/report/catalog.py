# SPDX-License-Identifier: BSD-3-Clause
"""Known objects in the clusters of a result: tables, pictures, and plain words."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skesom._common.file_errors import errors_naming
from skesom._common.labels import MASKED, SKY
from skesom._common.texts import write_ecsv
from skesom.displays import ClusterMapDisplay, CrossmatchDisplay
from skesom.displays.crossmatch import crossmatch_size
from skesom.displays.sky_image import image_size
from skesom.io import read_catalog, read_map
from skesom.io.label_maps import read_cluster_names
from skesom.io.ned import describe_types
from skesom.io.table_files import read_table
from skesom.maps import crossmatch
from skesom.maps.positions import measure_in_pixels, objects_inside
from skesom.report.drawing import new_axes, start_drawing
from skesom.report.result import MAX_PIXELS

_NO_CLUSTER = {-1: "noise", SKY: "sky", MASKED: "no data"}
_CERTAIN = 0.05
_MOST_LINES = 6
_MOST_TYPES = 8  # drawn on a map
_MOST_CLUSTERS = 1_000_000


class NamedMap(NamedTuple):
    """A label map, with names and colors of its clusters."""

    label_map: np.ndarray
    wcs: object
    names: list
    colors: object  # as displays take them

    @classmethod
    def of(cls, result):
        """Return the map of a Result."""
        return cls(result.label_map, result.cube.wcs, result.names, result.colors)


def read_named_map(path):
    """Return the label map of a file or of a folder of results, named as there."""
    listed = Path(path) / "clusters.ecsv"
    is_folder = Path(path).is_dir()
    label_map, wcs = read_map(Path(path) / "cluster_map.fits" if is_folder else path)
    if (most := label_map.max(initial=-1)) >= _MOST_CLUSTERS:
        raise ValueError(f"{path} has the label {most}. Number its clusters from 0.")
    names, colors = list(map(str, range(most + 1))), None
    if listed.is_file():
        colors = ["gray"] * len(names)
        with errors_naming(listed):
            for row in read_table(listed, listed):
                names[row["id"]], colors[row["id"]] = str(row["name"]), row["color"]
    elif not is_folder:
        for label, name in read_cluster_names(path).items():
            if 0 <= label <= most:
                names[label] = str(name)
    return NamedMap(label_map, wcs, names, colors)


def check_catalog(catalog, radius, images):
    """Return the objects of a catalog; refuse those of another part of the sky."""
    cube = images[0] if isinstance(images, list) else images
    objects = read_catalog(catalog)
    measure_in_pixels(radius, cube.wcs, "radius")
    objects_inside(objects, cube.shape[:2], cube.wcs)
    return objects


def match_catalog(clusters, catalog, radius=None):
    """Cross-match a catalog with a named map; the tables name the clusters."""
    found = crossmatch(clusters.label_map, catalog, wcs=clusters.wcs, radius=radius)
    names = dict(enumerate(clusters.names)) | _NO_CLUSTER
    for table in (found.table, found.objects):
        own = np.array([names[label] for label in table["cluster"].tolist()], dtype=str)
        table.add_column(own, table.colnames.index("cluster") + 1, "cluster_name")
    found.objects.meta["radius"] = radius
    found.table.meta |= {"n_outside": found.n_outside, "n_masked": found.n_masked}
    return found


def association_lines(table):
    """Yield in plain words where types gather, from the table of match_catalog."""
    counts = dict(zip(table["type"].tolist(), table["n_objects"].tolist(), strict=True))
    words = {kind: known.description for kind, known in describe_types(counts).items()}
    certain = table[(table["p_any"] < _CERTAIN) & (table["z"] > 0)]
    certain.sort("z", reverse=True)
    best = certain[np.sort(np.unique(certain["type"], return_index=True)[1])]
    found = "They gather:" if len(best) else "None gather more than by chance."
    yield (
        f"Known objects: {sum(counts.values())} in clusters, {table.meta['n_masked']} "
        f"in none, {table.meta['n_outside']} outside of the map. {found}"
    )
    for row in best[:_MOST_LINES]:
        percent = [100 * row[name] for name in ("share", "area_share", "purity")]
        share, area, purity = (f"{value:.{2 + (value > 99)}g} %" for value in percent)
        yield (
            f"  {words[row['type']]} ({row['n_objects']}): {share} in cluster "
            f"{row['cluster_name']} ({area} of the clustered pixels), "
            f"{row['enrichment']:.1f} times chance ({row['z']:.0f} sigma, "
            f"{_text_of_chance(row['p_any'], table.meta['n_draws'])}); {purity} of the "
            "objects there"
        )
    if others := [words[kind] for kind in best["type"][_MOST_LINES:].tolist()]:
        yield f"  also {', '.join(others)}"


def _text_of_chance(p_any, n_draws):
    """Return how often chance does as much, which draws tell down to a limit only."""
    n_as_far = round(p_any * (n_draws + 1)) - 1  # the observation counts as a draw
    if n_as_far == 0:
        return f"p < {1 / n_draws:.1g}, none of {n_draws} draws"
    return f"p = {p_any:.1g}"


def write_catalog(folder, clusters, found, *, style=None):
    """Write tables and pictures of a match with a catalog; return their names."""
    names = ["type", "n_objects", "cluster", "cluster_name", "count", "share", "purity"]
    names += ["area_purity"] if "area_purity" in found.table.colnames else []
    tables = {"crossmatch": found.table, "objects": found.objects}
    tables["completeness"] = found.table[names]
    tables["completeness"].rename_column("share", "completeness")
    for name, table in tables.items():
        write_ecsv(table, folder / f"{name}.ecsv")
    files = [f"{name}.ecsv" for name in tables]
    jobs = [] if style is None else _pictures(clusters, found)
    drawn = [(name, start_drawing(job, style)) for name, job in jobs]
    for name, collect in reversed(drawn):  # the last one is not begun
        files.append(f"{name}.{style.format}")
        (folder / files[-1]).write_bytes(collect())
    return files


def _pictures(clusters, found):
    """Yield the name of each picture, and the function that draws it."""
    yield "crossmatch", partial(_draw_enrichment, clusters, found)
    yield "cluster_map_objects", partial(_draw_map, clusters, found)


def _draw_enrichment(clusters, found):
    display = CrossmatchDisplay(found, colors=clusters.colors, names=clusters.names)
    return display.plot(new_axes(crossmatch_size(found)))


def _draw_map(clusters, found):
    """Draw the most numerous types on the map."""
    drawn = list(dict.fromkeys(found.table["type"]))[:_MOST_TYPES]
    objects = found.objects[np.isin(found.objects["type"], drawn)]
    ax = new_axes(image_size(clusters.label_map.shape), clusters.wcs)
    display = ClusterMapDisplay(
        clusters.label_map,
        wcs=clusters.wcs,
        colors=clusters.colors,
        names=clusters.names,
    )
    return display.plot(ax, objects=objects, max_pixels=MAX_PIXELS)

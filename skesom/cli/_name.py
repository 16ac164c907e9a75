# SPDX-License-Identifier: BSD-3-Clause
"""``skesom name``: names, colors and merges of clusters for a whole result."""

import shutil
import tempfile
from collections import Counter
from pathlib import Path

from skesom.cli._cluster import print_clusters
from skesom.cli._crossmatch import add_catalog
from skesom.cli._options import add_command, add_moved, add_overwrite, add_trust
from skesom.cli._progress import announce, finish


def add_name(commands):
    """Add the command."""
    parser = add_command(
        *(commands, "name", _name, "name, color and merge the clusters of a result"),
        "Take names, colors and merges of a file to all files of a result: maps, "
        "tables, pictures, regions, page. The file is DIR/groups.json after editing, "
        "or what the page exports. The model is not fitted again.",
    )
    text = "folder that `skesom cluster -o` wrote"
    parser.add_argument("folder", metavar="DIR", help=text)
    text = "names, labels of the run and colors (default: DIR/groups.json)"
    parser.add_argument("groups", nargs="?", metavar="GROUPS", help=text)
    text = "folder to write to (default: DIR, which is replaced when all is written)"
    parser.add_argument("-o", "--output", metavar="OTHER", help=text)
    text = "give clusters without a name the one that their fluxes suggest"
    parser.add_argument("--accept-suggestions", action="store_true", help=text)
    add_catalog(parser)
    add_moved(parser)
    add_overwrite(parser)
    add_trust(parser)


def _name(options):
    """Write a result again, with the names of a file."""
    from astropy.table import Table

    from skesom import report as results

    folder, output = Path(options.folder), Path(options.output or options.folder)
    overwrite = options.overwrite or output == folder
    results.check_folder(output, overwrite=overwrite)
    edited, page = folder / results.GROUPS_NAME, results.PAGE_NAME
    where = {"images": options.images, "trust": options.trust}
    result = results.read_report(folder, groups=options.groups or edited, **where)
    told, fitted = result.provenance, (result.pipeline, result.cube)
    if told.get("training"):
        raise ValueError(f"{folder} has classes: name them in the file they are from.")
    named, size = {"groups": result.groups}, options.radius_of_objects
    catalog, known = options.objects, folder / "objects.ecsv"
    if catalog is None and known.name in told["files"]:
        catalog = Table.read(known)
        catalog.remove_columns(["cluster", "cluster_name", "cluster_share"])
        size = catalog.meta.get("radius")
    if options.accept_suggestions:
        continua = result.source.continua
        whole = results.Result(*fitted, **named, continua=continua)
        named["groups"] = _suggested(whole, catalog, size)
    named["catalog"] = catalog
    details = {"source": result.source, "command": told["command"]} | named
    details["radius"] = size
    details["tables"] = "pixels.fits" in told["files"]
    if (style := told.get("pictures", {})) is not None:
        with results.whole(folder):
            style = results.PictureStyle(**style)
    details |= {"pictures": style, "progress": announce, "overwrite": overwrite}
    with tempfile.TemporaryDirectory() as temporary:
        has_page, title = (folder / page).is_file(), folder.resolve().name
        if has_page:
            results.explore(Path(temporary) / page, *fitted, title=title, **named)
        if output == folder:  # what was edited is not in the way of the new one
            results.note_files(folder, [edited])
        files = results.write_report(output, *fitted, **details)
        finish()
        if has_page:
            files[page] = Path(shutil.move(Path(temporary) / page, output / page))
            results.note_files(output, [files[page]])
    print_clusters(files)


def _suggested(result, catalog, radius):
    """Return the groups of a result; those without a name have the suggested one."""
    from skesom.report import NamedMap, match_catalog, suggestions_of

    place = result.label_map, result.cube.wcs, result.names, result.colors
    found = None
    if catalog is not None:
        found = match_catalog(NamedMap(*place), catalog, radius)
    suggestions = suggestions_of(result, found)
    if suggestions is None:
        raise ValueError("no names are suggested, because the filters are unknown")
    pairs = zip(result.groups, suggestions, strict=True)
    names = [group.name or suggestion.name for group, suggestion in pairs]
    counts, numbers, groups = Counter(names), Counter(), []
    for group, name in zip(result.groups, names, strict=True):
        numbers[name] += 1
        if name and group.name is None and counts[name] > 1:
            name = f"{name} {numbers[name]}"
        groups.append(group._replace(name=name))
    return groups

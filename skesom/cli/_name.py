# SPDX-License-Identifier: BSD-3-Clause
"""``skesom name``: names, colors and merges of clusters for a whole result."""

import shutil
import tempfile
from collections import Counter
from pathlib import Path

from skesom._common.new_files import atomic_path
from skesom.cli._cluster import print_clusters
from skesom.cli._crossmatch import add_catalog, check_radius
from skesom.cli._options import add_command, add_moved, add_overwrite, add_trust


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
    from skesom import report as results
    from skesom.report._cluster_groups import GROUPS_NAME
    from skesom.report._folders import check_folder, note_files
    from skesom.report._json_values import whole
    from skesom.report.page import PAGE_NAME

    check_radius(options)
    folder, output = Path(options.folder), Path(options.output or options.folder)
    overwrite = options.overwrite or output == folder
    check_folder(output, overwrite=overwrite)
    edited, page = folder / GROUPS_NAME, PAGE_NAME
    given = Path(options.groups or edited)
    where = {"images": options.images, "trust": options.trust, "groups": given}
    result = results.read_report(folder, **where)
    with whole(folder):
        details = _details_of(options, folder, result)
    fitted, named = result[:2], {name: details[name] for name in ("groups", "catalog")}
    with tempfile.TemporaryDirectory() as temporary:
        has_page, title = (folder / page).is_file(), folder.resolve().name
        if has_page:
            results.explore(Path(temporary) / page, *fitted, title=title, **named)
        if output == folder and given == edited:  # it is not in the way of the new one
            note_files(folder, [edited])
        files = results.write_report(output, *fitted, overwrite=overwrite, **details)
        if has_page:
            files[page] = output / page
            with atomic_path(files[page], overwrite=True) as place:
                shutil.copyfile(Path(temporary) / page, place)
            note_files(output, [files[page]])
    print_clusters(files)


def _details_of(options, folder, result):
    """Return the options of a report as those that a folder was written with."""
    from skesom.io._catalogs import read_table
    from skesom.report import PictureStyle

    told, known = result.provenance, folder / "objects.ecsv"
    if told.get("training"):
        raise ValueError(f"{folder} has classes: name them in the file they are from.")
    details = {"catalog": options.objects, "radius": options.radius_of_objects}
    if options.objects is None and known.name in told["files"]:
        objects = read_table(known, known)
        objects.remove_columns(["cluster", "cluster_name", "cluster_share"])
        details = {"catalog": objects, "radius": objects.meta["radius"]}
    details["groups"] = result.groups
    if options.accept_suggestions:
        details["groups"] = _suggested(result, **details)
    style = told.get("pictures", {})  # None for no pictures
    details["pictures"] = style if style is None else PictureStyle(**style)
    details |= {"tables": "pixels.fits" in told["files"], "command": told["command"]}
    return details | {"source": result.source}


def _suggested(report, groups, catalog, radius):
    """Return groups, of which those without a name have the suggested one."""
    from skesom.report._catalog import NamedMap, match_catalog
    from skesom.report._result import Result
    from skesom.report._summary import suggestions_of

    fitted, continua = report[:2], report.source.continua
    result, found = Result(*fitted, groups=groups, continua=continua), None
    if catalog is not None:
        found = match_catalog(NamedMap.of(result), catalog, radius)
    suggestions = suggestions_of(result, found)
    if not any(suggestion.name for suggestion in suggestions or ()):
        text = "because the filters are unknown or no rule holds"
        if suggestions is None:
            text = "because the classes are those that were taught"
        raise ValueError(f"no names are suggested, {text}")
    pairs = zip(result.groups, suggestions, strict=True)
    names = [group.name or suggestion.name for group, suggestion in pairs]
    counts, numbers, groups = Counter(names), Counter(), []
    for group, name in zip(result.groups, names, strict=True):
        numbers[name] += 1
        if name and group.name is None and counts[name] > 1:
            name = f"{name} {numbers[name]}"
        groups.append(group._replace(name=name))
    return groups

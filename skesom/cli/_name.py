# SPDX-License-Identifier: BSD-3-Clause
"""``skesom name``: names, colors and merges of clusters for a whole result."""

import shutil
import tempfile
from collections import Counter
from pathlib import Path

from skesom._common.files import regular
from skesom._common.new_files import atomic_path
from skesom.cli._cluster import print_clusters
from skesom.cli._crossmatch import add_catalog, check_radius
from skesom.cli._messages import listen_to_astropy
from skesom.cli._options import add_command, add_moved, add_overwrite, add_trust


def add_name(commands):
    """Add the command."""
    text = "name, color and merge the clusters of a result"
    about = "Take names, colors and merges of a file to all files of a result: maps, "
    about += "tables, pictures, regions, page. The file is DIR/groups.json after "
    about += "editing, or what the page exports. The model is not fitted again."
    parser = add_command(commands, "name", _name, text, about)
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
    listen_to_astropy()
    from skesom.report import PictureStyle, explore, read_report, write_report
    from skesom.report._cluster_groups import GROUPS_NAME, check_groups_file
    from skesom.report._folders import check_folder, note_files
    from skesom.report._json_values import whole
    from skesom.report._tables import TABLES
    from skesom.report.page import PAGE_NAME

    check_radius(options)
    folder, output = Path(options.folder), Path(options.output or options.folder)
    overwrite = options.overwrite or output == folder
    edited = folder / GROUPS_NAME
    if options.objects is not None:
        open(regular(options.objects), "rb").close()  # raises what is wrong with it
    given = Path(options.groups or edited)
    if options.groups is not None:
        check_groups_file(given)
    is_edited = output == folder and given == edited
    check_folder(output, overwrite=overwrite, edited=is_edited and GROUPS_NAME)
    report = read_report(
        folder, images=options.images, trust=options.trust, groups=given
    )
    told = report.provenance
    with whole(folder):
        if told.get("training"):
            problem = "has classes: name them in the file they are from"
            raise ValueError(f"{folder} {problem}.")
        catalog, radius = _objects_of(options, folder, told["files"])
        groups = report.groups
        if options.accept_suggestions:
            groups = _suggested(report, catalog, radius)
        style = told.get("pictures", {})  # None for no pictures
        style = style if style is None else PictureStyle(**style)
        pixels, scaled = (name in told["files"] for name in TABLES)
        tables, command = scaled or (pixels and "auto"), told["command"]
    with tempfile.TemporaryDirectory() as temporary:
        page = Path(temporary) / PAGE_NAME
        has_page = (folder / PAGE_NAME).is_file()
        if has_page:
            explore(
                page,
                report.pipeline,
                report.cube,
                groups=groups,
                continua=report.source.continua,
                subtract_sky=report.source.subtract_sky,
                catalog=catalog,
                title=folder.resolve().name,
            )
        if is_edited:  # it is not in the way of the new one
            note_files(folder, [edited])
        files = write_report(
            output,
            report.pipeline,
            report.cube,
            groups=groups,
            catalog=catalog,
            radius=radius,
            source=report.source,
            tables=tables,
            pictures=style,
            command=command,
            overwrite=overwrite,
        )
        if has_page:
            files[PAGE_NAME] = output / PAGE_NAME
            with atomic_path(files[PAGE_NAME], overwrite=True) as place:
                shutil.copyfile(page, place)
            note_files(output, [files[PAGE_NAME]])
    print_clusters(files)


def _objects_of(options, folder, files):
    """Return the known objects that are given, or those of the folder, and a radius."""
    from skesom.io._catalogs import read_table

    known = folder / "objects.ecsv"
    if options.objects is not None or known.name not in files:
        return options.objects, options.radius_of_objects
    objects = read_table(known, known)
    objects.remove_columns(["cluster", "cluster_name", "cluster_share"])
    return objects, objects.meta["radius"]


def _suggested(report, catalog, radius):
    """Return groups, of which those without a name have the suggested one."""
    from skesom.report._catalog import NamedMap, match_catalog
    from skesom.report._result import Result
    from skesom.report._summary import suggestions_of

    continua, found = report.source.continua, None
    result = Result(*report[:2], groups=report.groups, continua=continua)
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

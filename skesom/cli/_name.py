# SPDX-License-Identifier: BSD-3-Clause
"""``skesom name``: names, colors and merges of clusters for a whole result."""

import shutil
import tempfile
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
    from skesom._common.file_errors import errors_naming
    from skesom._common.folders import check_folder
    from skesom._common.written_files import note_files
    from skesom.report import PictureStyle
    from skesom.report.page import PAGE_NAME
    from skesom.report.tables import TABLES
    from skesom.runs import Run
    from skesom.runs.group_files import GROUPS_NAME, check_groups_file

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
    run = Run.read(folder, images=options.images, trust=options.trust, groups=given)
    told = run.provenance
    with errors_naming(folder):
        if run.training is not None:
            problem = "has classes: name them in the file they are from"
            raise ValueError(f"{folder} {problem}.")
        if options.objects is not None:
            run.catalog, run.radius = options.objects, options.radius_of_objects
        if options.accept_suggestions:
            run = run.name("suggested")
        style = told.get("pictures", {})  # None for no pictures
        style = style if style is None else PictureStyle(**style)
        pixels, scaled = (name in told["files"] for name in TABLES)
        tables = scaled or (pixels and "auto")
    with tempfile.TemporaryDirectory() as temporary:
        page = Path(temporary) / PAGE_NAME
        has_page = (folder / PAGE_NAME).is_file()
        if has_page:
            run.explore(page, title=folder.resolve().name)
        if is_edited:  # it is not in the way of the new one
            note_files(folder, [edited])
        files = run.write(output, tables=tables, pictures=style, overwrite=overwrite)
        if has_page:
            files[PAGE_NAME] = output / PAGE_NAME
            with atomic_path(files[PAGE_NAME], overwrite=True) as place:
                shutil.copyfile(page, place)
            note_files(output, [files[PAGE_NAME]])
    print_clusters(files)

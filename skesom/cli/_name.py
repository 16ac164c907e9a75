# SPDX-License-Identifier: BSD-3-Clause
"""``skesom name``: names, colors and merges of clusters for a whole result."""

import shutil
import tempfile
from pathlib import Path

from skesom._common.files import regular
from skesom._common.new_files import atomic_path
from skesom.cli._messages import listen_to_astropy
from skesom.cli._option_tables import KNOWN_OBJECTS, MOVED_IMAGES, OVERWRITE, TRUST
from skesom.cli._options import add_options
from skesom.cli._output import check_radius, print_clusters
from skesom.cli._parser import add_command


def add_name(commands):
    """Add the command."""
    parser = add_command(
        commands,
        "name",
        _name,
        help="name, color and merge the clusters of a result",
        description=(
            "Take names, colors and merges of a file to all files of a result: maps, "
            "tables, pictures, regions, page. The file is DIR/groups.json after "
            "editing, or what the page exports. The model is not fitted again."
        ),
    )
    parser.add_argument(
        "folder", metavar="DIR", help="folder that `skesom cluster -o` wrote"
    )
    parser.add_argument(
        "groups",
        nargs="?",
        metavar="GROUPS",
        help="names, labels of the run and colors (default: DIR/groups.json)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OTHER",
        help="folder to write to (default: DIR, which is replaced when all is written)",
    )
    parser.add_argument(
        "--accept-suggestions",
        action="store_true",
        help="give clusters without a name the one that their fluxes suggest",
    )
    add_options(parser.add_argument_group("known objects"), KNOWN_OBJECTS)
    add_options(parser, [MOVED_IMAGES, OVERWRITE, TRUST])


def _name(options):
    """Write a result again, with the names of a file."""
    listen_to_astropy()
    from skesom._common.file_errors import errors_naming
    from skesom._common.folders import check_folder
    from skesom._common.written_files import note_files
    from skesom.report.page import PAGE_NAME
    from skesom.runs import Run
    from skesom.runs.group_files import GROUPS_NAME, check_groups_file

    check_radius(options)
    folder = Path(options.folder)
    output = Path(options.output or folder)
    overwrite = options.overwrite or output == folder
    if options.objects is not None:
        open(regular(options.objects), "rb").close()  # raises what is wrong with it
    edited_file = folder / GROUPS_NAME
    groups_file = Path(options.groups or edited_file)
    if options.groups is not None:
        check_groups_file(groups_file)
    # People edit this file of the result, which would else be kept from them.
    is_edited_in_place = output == folder and groups_file == edited_file
    check_folder(
        output,
        overwrite=overwrite,
        edited=GROUPS_NAME if is_edited_in_place else None,
    )
    run = Run.read(
        folder, images=options.images, trust=options.trust, groups=groups_file
    )
    provenance = run.provenance
    with errors_naming(folder):
        if run.training is not None:
            raise ValueError(
                f"{folder} has classes: name them in the file they are from."
            )
        if options.objects is not None:
            run.catalog = options.objects
            run.radius = options.radius_of_objects
        if options.accept_suggestions:
            run = run.name("suggested")
        style = _style_of_result(provenance)
        tables = _tables_of_result(provenance)
    with tempfile.TemporaryDirectory() as temporary:
        page = Path(temporary) / PAGE_NAME
        has_page = (folder / PAGE_NAME).is_file()
        if has_page:
            run.explore(page, title=folder.resolve().name)
        if is_edited_in_place:  # it is not in the way of the new one
            note_files(folder, [edited_file])
        files = run.write(output, tables=tables, pictures=style, overwrite=overwrite)
        if has_page:
            files[PAGE_NAME] = output / PAGE_NAME
            with atomic_path(files[PAGE_NAME], overwrite=True) as place:
                shutil.copyfile(page, place)
            note_files(output, [files[PAGE_NAME]])
    print_clusters(files)


def _style_of_result(provenance):
    """Return how the pictures of a result were drawn, None if it has none."""
    from skesom.report import PictureStyle

    style = provenance.get("pictures", {})
    if style is None:
        return None
    return PictureStyle(**style)


def _tables_of_result(provenance):
    """Return which tables a result has, as `Run.write` takes it."""
    from skesom.report.tables import TABLES

    pixel_table, scaled_table = TABLES
    if scaled_table in provenance["files"]:
        return True
    if pixel_table in provenance["files"]:
        return "auto"
    return False

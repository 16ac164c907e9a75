# SPDX-License-Identifier: BSD-3-Clause
"""Files that a provenance names, found where they are now.

A file is the same if it has the size and digest of the provenance. It may be at its
place, at that place seen from the folder of results, which moved with it, or in a
folder of the user.
"""

import os
from pathlib import Path
from typing import NamedTuple

from skesom._common.file_errors import errors_naming
from skesom._common.fits_files import FileContent
from skesom._common.texts import first_names
from skesom._common.warn import warn_user
from skesom.runs.provenance import content_now


class _FoundFile(NamedTuple):
    """A file where it is now."""

    path: Path
    content: FileContent


def find_recorded_images(source, provenance_path, provenance, files=None):
    """Return the images of a provenance where they are now.

    Parameters
    ----------
    source : ImageSource
        With the paths of the run.
    provenance_path : pathlib.Path
    provenance : dict
    files : sequence of str or os.PathLike, or None
        All files of images, to be taken instead in their order; or one folder to look
        in.

    Returns
    -------
    source : ImageSource

    Raises
    ------
    FileNotFoundError
        If a file is nowhere.
    ValueError
        If a file has changed, or there are too few or too many.
    """
    with errors_naming(provenance_path):
        records = {record["path"]: record for record in provenance["images"]["files"]}
        for path in source.paths():
            records[str(path)]  # raises if the provenance lacks it
    if files is None:
        return _with_all_found(source, provenance_path, records, folder=None)
    if len(files) == 1 and Path(files[0]).is_dir():
        return _with_all_found(source, provenance_path, records, folder=files[0])
    return _with_other_images(source, provenance_path, records, files)


def _with_all_found(source, provenance_path, records, folder):
    """Return a source with all its files found.

    What "auto" found beside the images must be there too: without it, or with another
    file beside them now, the same source would read other values.
    """
    paths = {str(path) for path in source.paths()}
    found = {}
    with errors_naming(provenance_path):
        for path, record in records.items():
            found[path] = find_recorded_file(record, provenance_path, folder)
    source = _with_paths_now(
        source, {path: found[path] for path in paths}, found.values()
    )
    companions = {
        os.path.realpath(file.path) for path, file in found.items() if path not in paths
    }
    now_beside = {os.path.realpath(path) for path in source.companions()}
    new = sorted(now_beside - companions)
    if new:
        raise ValueError(
            f"{new[0]} lies beside an image now, and did not in the run. Move it away, "
            "or give the files to read it."
        )
    return source


def _with_other_images(source, provenance_path, records, files):
    """Return a source of other files of images; its masks and regions are found."""
    if len(files) != len(source.files):
        raise ValueError(
            f"The run had {len(source.files)} files of images, got {len(files)} "
            f"({first_names(list(map(str, files)))}): give all of them in their "
            "order, or the folder that holds them."
        )
    found = {}
    with errors_naming(provenance_path):
        for path in source._replace(files=()).paths():
            found[str(path)] = find_recorded_file(
                records[str(path)], provenance_path, None
            )
    source = _with_paths_now(source, found, found.values())
    source = source._replace(files=tuple(files))
    digests = set()
    for path in source.paths():
        content = content_now(path)
        source.contents[os.path.realpath(path)] = content
        digests.add(content.sha256)
    if not digests <= {record["sha256"] for record in records.values()}:
        warn_user(
            "The files are other images than those of the run, so the result will "
            "differ."
        )
    return source


def _with_paths_now(source, found_by_path, found_files):
    """Return a source with the paths where files are now, and note what they hold."""

    def path_now(path):
        file = found_by_path.get(str(path))
        return path if file is None else file.path

    source = source.moved(path_now)
    # Files that stay as they are need not be hashed once more when they are read.
    for file in found_files:
        source.contents[os.path.realpath(file.path)] = file.content
    return source


def find_recorded_file(record, provenance_path, folder):
    """Return where a file is now, and its content.

    Parameters
    ----------
    record : dict
        Of the file in the provenance.
    provenance_path : pathlib.Path
    folder : str, os.PathLike or None
        Where to look, with all folders in it; by default at the places of the record.

    Returns
    -------
    file : _FoundFile
        Its attributes are `path` and `content`.
    """
    path = Path(record["path"])
    if folder is None:
        candidates = [path, provenance_path.parent / record["beside"]]
    else:
        entries = Path(folder).rglob("*")
        candidates = [entry for entry in entries if entry.name == path.name]
    candidates = [candidate for candidate in candidates if candidate.is_file()]
    for candidate in candidates:
        # Others may have no end, as those of the system, and are not read.
        if candidate.stat().st_size == record["size"]:
            content = content_now(candidate)
            if content.sha256 == record["sha256"]:
                return _FoundFile(candidate, content)
    if candidates:
        raise ValueError(
            f"{candidates[0]} has changed since the run. Give the files to use them."
        )
    state = "no longer there" if folder is None else f"not in {folder}"
    raise FileNotFoundError(
        f"{record['path']} is {state}. Put it back, or give the folder that holds the "
        "images now, or all files in their order, as images."
    )

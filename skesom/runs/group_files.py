# SPDX-License-Identifier: BSD-3-Clause
"""Files of the names, colors and merges of clusters."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

from skesom._common.file_errors import read_json
from skesom._common.new_files import atomic_path
from skesom._types import StrPath
from skesom.maps.leaves import tree_digest
from skesom.report.cluster_groups import FORMAT, ClusterGroup, check_groups
from skesom.runs.provenance import digest_of_fit

GROUPS_NAME = "groups.json"


def read_cluster_groups(
    path: StrPath,
    *,
    label_map_sha256: str | None = None,
    tree_sha256: str | None = None,
) -> list[ClusterGroup]:
    """Read the names and colors of clusters, and which clusters are one group.

    Parameters
    ----------
    path : str or os.PathLike
        JSON file of a result, or of its page.
    label_map_sha256 : str, default=None
        Digest of the label map that the groups should be of (under "result" in
        ``provenance.json``). Not compared with files without one.
    tree_sha256 : str, default=None
        Digest of the tree whose leaves the groups should be of, as in the file. Not
        compared with files of whole clusters.

    Returns
    -------
    groups : list of ClusterGroup
        Tuples (name, labels, color, leaves) in the order of the file: labels and leaves
        are tuples of int, the color is "#rrggbb"; name and color are None where none is
        given. Leaves are those of the tree, for parts of clusters.

    Raises
    ------
    ValueError
        If the file is no such list, is of another label map or tree, or of a newer
        version of skesom.

    Examples
    --------
    >>> import json, tempfile
    >>> from skesom.runs import read_cluster_groups
    >>> clusters = [{"name": "nebulae", "labels": [1, 2], "color": "#dc143c"}]
    >>> content = {"format": "skesom clusters", "version": 1, "clusters": clusters}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open(f"{folder}/groups.json", "w") as file:
    ...         json.dump(content, file)
    ...     read_cluster_groups(f"{folder}/groups.json")
    [ClusterGroup(name='nebulae', labels=(1, 2), color='#dc143c', leaves=())]
    """
    content = read_json(path, FORMAT, "list of clusters exported from a page")
    if content.get("version", 1) not in (1, 2):
        raise ValueError(f"{path} is of a newer version of skesom, use that one.")
    digest = content.get("label_map_sha256")
    if None not in (digest, label_map_sha256) and digest != label_map_sha256:
        raise ValueError(
            f"{path} is of another result: its names are for another label map. Take "
            "the groups.json of this result, or what its page exported."
        )
    digest = content.get("tree_sha256")
    if None not in (digest, tree_sha256) and digest != tree_sha256:
        raise ValueError(
            f"{path} is of another run: its parts of clusters are of another tree. "
            "Take the groups.json of this result, or what its page exported."
        )
    try:
        groups = []
        for each in content["clusters"]:
            leaves = each.get("leaves", ())
            labels = each.get("labels", ()) if len(leaves) else each["labels"]
            groups.append((each["name"], labels, each.get("color"), leaves))
        return check_groups(groups)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def read_groups_of_fit(path, pipeline, model_file):
    """Return the groups of a file, which must be of a fitted pipeline.

    Parameters
    ----------
    path : str or os.PathLike
        File of groups.
    pipeline : Pipeline
        Fitted.
    model_file : pathlib.Path or None
        Where the pipeline was read, for messages.
    """
    return read_cluster_groups(
        path,
        label_map_sha256=digest_of_fit(pipeline, model_file),
        tree_sha256=tree_digest(pipeline),
    )


def groups_file_in(folder):
    """Return the file of groups in a folder of results or of a model, None without."""
    path = folder / GROUPS_NAME
    return path if path.is_file() else None


def check_groups_file(path):
    """Refuse a file of groups by its name, before a result is read for nothing."""
    path = Path(path)
    if path.suffix.lower() != ".json":
        raise ValueError(
            f"{path} is no file of groups, whose names end in .json: take "
            f"{GROUPS_NAME} of the result after editing, or what its page exported."
        )
    if not path.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))


def write_cluster_groups(path, groups, *, label_map_sha256=None, tree_sha256=None):
    """Write groups, and digests of the label map and the tree that they are of.

    Groups of whole clusters are written as version 1, which earlier versions read.
    """
    groups = check_groups(groups)
    content = {"format": FORMAT, "version": 1, "label_map_sha256": label_map_sha256}
    listed = [group._asdict() for group in groups]
    if any(group.leaves for group in groups):
        content |= {"version": 2, "tree_sha256": tree_sha256}
    else:
        for each in listed:
            del each["leaves"]
    content["clusters"] = listed
    with atomic_path(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

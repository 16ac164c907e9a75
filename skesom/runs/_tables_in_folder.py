# SPDX-License-Identifier: BSD-3-Clause
"""Tables in the folder of a result that are read into a run."""

from skesom._common.file_errors import errors_naming
from skesom.io.table_files import read_table
from skesom.maps.held_out import HeldOut

OBJECTS_NAME = "objects.ecsv"
_CLUSTERS_NAME = "clusters.ecsv"
_CLASSES_NAME = "held_out_classes.ecsv"
_CONFUSION_NAME = "held_out_confusion.ecsv"
# Columns that a result adds to a catalog of known objects.
_COLUMNS_ON_CLUSTERS = ["cluster", "cluster_name", "cluster_share"]


def read_clusters(folder):
    """Return the table of the clusters."""
    path = folder / _CLUSTERS_NAME
    with errors_naming(path):
        return read_table(path, path)


def read_held_out(folder):
    """Return the score of pixels that were held out, None if there were none."""
    classes_path = folder / _CLASSES_NAME
    confusion_path = folder / _CONFUSION_NAME
    if not (classes_path.is_file() and confusion_path.is_file()):
        return None
    classes = read_table(classes_path, classes_path)
    confusion = read_table(confusion_path, confusion_path)
    scores = dict(classes.meta)
    classes.meta.clear()
    confusion.meta.clear()
    return HeldOut(scores, classes, confusion)


def read_objects(folder):
    """Return the known objects, as they were given, and their radius."""
    path = folder / OBJECTS_NAME
    objects = read_table(path, path)
    objects.remove_columns(_COLUMNS_ON_CLUSTERS)
    return objects, objects.meta["radius"]

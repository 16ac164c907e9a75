# SPDX-License-Identifier: BSD-3-Clause
"""The report of a run: a folder with all that it found, and to run it again."""

from skesom.maps.report._decisions import decisions_of, lines_of
from skesom.maps.report._folder import atomic_folder, check_folder
from skesom.maps.report._image_source import ImageSource
from skesom.maps.report._models import load_model, save_model
from skesom.maps.report._provenance import Run, label_map_digest, read_run
from skesom.maps.report._read import Report, find_model, read_report
from skesom.maps.report._write import write_report

__all__ = [
    "ImageSource",
    "Report",
    "Run",
    "atomic_folder",
    "check_folder",
    "decisions_of",
    "find_model",
    "label_map_digest",
    "lines_of",
    "load_model",
    "read_report",
    "read_run",
    "save_model",
    "write_report",
]

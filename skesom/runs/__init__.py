# SPDX-License-Identifier: BSD-3-Clause
"""Runs: fitted to images, kept in a folder, found again, cut, repeated, applied."""

from skesom.runs._models import load_model, save_model
from skesom.runs.group_files import read_cluster_groups
from skesom.runs.run import Run

__all__ = ["Run", "load_model", "read_cluster_groups", "save_model"]

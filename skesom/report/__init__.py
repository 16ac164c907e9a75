# SPDX-License-Identifier: BSD-3-Clause
"""The folder of results of a run, and the page on which they are explored."""

from skesom.report._cluster_groups import (
    ClusterGroup,
    merge_clusters,
    read_cluster_groups,
    write_cluster_groups,
)
from skesom.report._drawing import PictureStyle
from skesom.report._models import load_model, save_model
from skesom.report._report import read_report, write_report
from skesom.report.page._explore import explore

__all__ = [
    "ClusterGroup",
    "PictureStyle",
    "explore",
    "load_model",
    "merge_clusters",
    "read_cluster_groups",
    "read_report",
    "save_model",
    "write_cluster_groups",
    "write_report",
]

# For the other folders of skesom; not public.
from skesom.report._catalog import NamedMap as NamedMap
from skesom.report._catalog import association_lines as association_lines
from skesom.report._catalog import check_catalog as check_catalog
from skesom.report._catalog import match_catalog as match_catalog
from skesom.report._catalog import read_named_map as read_named_map
from skesom.report._catalog import write_catalog as write_catalog
from skesom.report._cluster_groups import GROUPS_NAME as GROUPS_NAME
from skesom.report._cluster_groups import carried_groups as carried_groups
from skesom.report._cluster_groups import groups_of as groups_of
from skesom.report._drawing import prepare_drawing as prepare_drawing
from skesom.report._folders import atomic_folder as atomic_folder
from skesom.report._folders import check_folder as check_folder
from skesom.report._folders import note_files as note_files
from skesom.report._image_source import ImageSource as ImageSource
from skesom.report._json_values import whole as whole
from skesom.report._models import find_model as find_model
from skesom.report._provenance import digest_of_fit as digest_of_fit
from skesom.report._provenance import label_map_digest as label_map_digest
from skesom.report._provenance import left_out_lines as left_out_lines
from skesom.report._provenance import line_of_cut as line_of_cut
from skesom.report._provenance import read_provenance as read_provenance
from skesom.report._provenance import read_run as read_run
from skesom.report._provenance import read_source as read_source
from skesom.report._provenance import source_of_model as source_of_model
from skesom.report._result import Result as Result
from skesom.report._samp import send_result as send_result
from skesom.report._summary import SUMMARY_NAME as SUMMARY_NAME
from skesom.report._summary import suggestions_of as suggestions_of
from skesom.report._summary import summarized_clusters as summarized_clusters
from skesom.report._training import Training as Training
from skesom.report._training import warn_of_shift as warn_of_shift
from skesom.report.page import PAGE_NAME as PAGE_NAME

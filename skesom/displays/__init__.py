# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of maps and of clusters, in the style of scikit-learn's displays."""

from skesom.displays._cluster_map import ClusterMapDisplay, DisagreementMapDisplay
from skesom.displays._cluster_plots import (
    ClusterHistogramDisplay,
    ClusterSpectraDisplay,
)
from skesom.displays._colors import cluster_colors
from skesom.displays._crossmatch import CrossmatchDisplay
from skesom.displays._cutouts import CutoutsDisplay
from skesom.displays._dendrogram import DendrogramDisplay
from skesom.displays._diagrams import ColorDiagramDisplay
from skesom.displays._rgb import rgb_image
from skesom.displays._training import TrainingCurveDisplay
from skesom.displays._unit_contents import HitMapDisplay, PrototypesDisplay
from skesom.displays._unit_maps import ComponentPlanesDisplay, UMatrixDisplay
from skesom.displays._value_map import ValueMapDisplay

__all__ = [
    "ClusterHistogramDisplay",
    "ClusterMapDisplay",
    "ClusterSpectraDisplay",
    "ColorDiagramDisplay",
    "ComponentPlanesDisplay",
    "CrossmatchDisplay",
    "CutoutsDisplay",
    "DendrogramDisplay",
    "DisagreementMapDisplay",
    "HitMapDisplay",
    "PrototypesDisplay",
    "TrainingCurveDisplay",
    "UMatrixDisplay",
    "ValueMapDisplay",
    "cluster_colors",
    "rgb_image",
]

# For the other folders of skesom; not public.
from skesom.displays._cluster_plots import axis_name as axis_name
from skesom.displays._cluster_plots import flux_name as flux_name
from skesom.displays._cluster_plots import is_wide as is_wide
from skesom.displays._colors import HATCH_COLOR as HATCH_COLOR
from skesom.displays._colors import MISSING_COLOR as MISSING_COLOR
from skesom.displays._colors import NOISE_COLOR as NOISE_COLOR
from skesom.displays._colors import SKY_COLOR as SKY_COLOR
from skesom.displays._colors import cluster_palette as cluster_palette
from skesom.displays._crossmatch import crossmatch_size as crossmatch_size
from skesom.displays._dendrogram import HEIGHT_OF_TREE as HEIGHT_OF_TREE
from skesom.displays._dendrogram import tree_of as tree_of
from skesom.displays._diagrams import NoPixelError as NoPixelError
from skesom.displays._diagrams import choose_diagrams as choose_diagrams
from skesom.displays._display import check_matplotlib as check_matplotlib
from skesom.displays._display import literal as literal
from skesom.displays._rgb import band_places as band_places
from skesom.displays._rgb import mean_plane as mean_plane
from skesom.displays._rgb import rgb_numbers as rgb_numbers
from skesom.displays._rgb import sky_picture as sky_picture
from skesom.displays._rgb import thinned_rgb as thinned_rgb
from skesom.displays._sky_image import MAX_PIXELS as MAX_PIXELS
from skesom.displays._sky_image import image_size as image_size
from skesom.displays._sky_image import note_thinning as note_thinning
from skesom.displays._sky_image import pick as pick
from skesom.displays._sky_image import thinning as thinning
from skesom.displays._unit_layout import GraphLayout as GraphLayout
from skesom.displays._unit_layout import hits_of as hits_of
from skesom.displays._unit_layout import layout_of as layout_of

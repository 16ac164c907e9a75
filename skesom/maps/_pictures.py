# SPDX-License-Identifier: BSD-3-Clause
"""The pictures of a folder of results."""

from skesom.maps.displays import (
    ClusterMapDisplay,
    ClusterSpectraDisplay,
    UMatrixDisplay,
    cluster_colours,
)
from skesom.maps.displays._axes import check_matplotlib, image_size

_SIZE = 8.0, 5.0  # inches


def draw_pictures(label_map, cube, scaled, *, sky=None, som=None):
    """Draw the clusters on the sky, their spectra, and the map that they are from.

    Parameters
    ----------
    label_map : ndarray of shape (n_rows, n_columns), dtype int32
        Clusters from 0, -1 = noise, -3 = masked.
    cube : Cube
        The images, for their WCS.
    scaled : Cube
        The images, stretched and scaled, for the spectra and the order of the colours.
    sky : ndarray of shape (n_rows, n_columns), dtype bool, default=None
        Masked pixels that are sky and not missing.
    som : estimator, default=None
        Fitted map.

    Returns
    -------
    figures : dict of str to matplotlib.figure.Figure
        "cluster_picture", "spectra" and, with a map, "u_matrix"; in all of them a
        cluster has the same colour.

    Raises
    ------
    ImportError
        If matplotlib is missing (extra ``plot``).
    """
    check_matplotlib()
    from matplotlib.figure import Figure

    def axes(size=_SIZE, projection=None):
        # No figure of pyplot, which would stay open.
        return Figure(figsize=size, layout="constrained").add_subplot(
            projection=projection
        )

    colours = cluster_colours(label_map, scaled)
    displays = {
        "cluster_picture": ClusterMapDisplay.from_predictions(
            label_map,
            cube=cube,
            sky=sky,
            colours=colours,
            ax=axes(image_size(label_map.shape), cube.wcs),
        ),
        "spectra": ClusterSpectraDisplay.from_predictions(
            label_map, scaled, colours=colours, ax=axes(), flux="stretched flux"
        ),
    }
    if som is not None:
        displays["u_matrix"] = UMatrixDisplay.from_estimator(
            som, colours=colours, ax=axes()
        )
    return {kind: display.figure_ for kind, display in displays.items()}

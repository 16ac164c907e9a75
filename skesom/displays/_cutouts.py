# SPDX-License-Identifier: BSD-3-Clause
"""The largest and the most typical pieces of each cluster as postage stamps."""

from __future__ import annotations

import math
from copy import copy
from dataclasses import KW_ONLY, dataclass
from typing import Self

import numpy as np
from astropy.coordinates import SkyCoord
from numpy.typing import ArrayLike
from scipy import ndimage

from skesom._types import Axes, Bands, CubeLike
from skesom.cube.base import check_cube
from skesom.displays.clusters import ClusterDisplay, as_clusters
from skesom.displays.display import literal, panels_in, update_layout
from skesom.displays.legends import in_lines
from skesom.displays.rgb import thinned_rgb
from skesom.displays.sky_image import draw_outline
from skesom.displays.thinning import middle_pixels, thinning_step
from skesom.maps.pieces import measure_pieces, number_largest

_STAMP = (1.4, 1.75)  # inches, with the position below
_LEAST = 24  # pixels along the side of a stamp
_MARGIN = 1.5  # side of a stamp by that of its piece
_MOST_CLUSTERS = 20  # rows that a page can show
_MOST_PIXELS = 16_000_000  # of the picture that stamps are cut from
_SAMPLE = 400_000  # pixels for the medians of clusters
_SMOOTH = 90  # side of a stamp by the deviation of the Gaussian that smooths outlines
_DOTS = 200  # along the side of a stamp


@dataclass(eq=False, repr=False)
class CutoutsDisplay(ClusterDisplay):
    """Postage stamps of the largest and the most typical pieces of each cluster.

    Typical pieces are those whose mean fluxes are nearest to the median of the cluster,
    in units of its quartiles, among the larger ones on which the runs agree most.

    Parameters
    ----------
    label_map : array-like of int of shape (n_rows, n_columns)
        Clusters from 0; negative labels are no clusters.
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands)
        The images.
    %(style)s
    agreement : array-like of shape (n_rows, n_columns), default=None
        Share of the runs that agree on each pixel.

    %(attributes)s
    axes_ : ndarray of matplotlib.axes.Axes
        A row for each cluster; first its largest pieces, then typical ones.
    pieces_ : astropy.table.Table
        The pieces that are drawn, see `skesom.maps.find_pieces`.

    Examples
    --------
    >>> from skesom.datasets import make_galaxy_cube
    >>> from skesom.displays import CutoutsDisplay
    >>> cube, truth = make_galaxy_cube((64, 64), 3, random_state=0)
    >>> display = CutoutsDisplay.from_predictions(truth, cube)
    >>> display.axes_.shape[1]
    6
    """

    cube: CubeLike
    _: KW_ONLY
    agreement: ArrayLike | None = None

    _stamps = None

    def plot(
        self,
        ax: Axes | None = None,
        *,
        n_cutouts: int = 3,
        min_size: int = 10,
        bands: Bands | None = None,
    ) -> Self:
        """Draw the stamps, each with its place and its width.

        %(parameters)s
        n_cutouts : int, default=3
            How many of the largest pieces are drawn, and how many typical ones.
        min_size : int, default=10
            Pieces of fewer pixels are not drawn, apart from the largest.
        bands : sequence of three int or str, default=None
            Bands for red, green and blue, see `rgb_image`.

        %(plotted)s

        Examples
        --------
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.displays import CutoutsDisplay
        >>> cube, truth = make_galaxy_cube((64, 64), 3, random_state=0)
        >>> CutoutsDisplay(truth, cube).plot(n_cutouts=2).axes_.shape[1]
        4
        """
        if self._stamps is None:
            self._cut(n_cutouts, min_size, bands)
        stamps, names, colors, n_more = self._stamps
        ax = self._new_axes(ax, self.size)
        grid = panels_in(ax, max(len(stamps), 1), 2 * n_cutouts, hspace=0.45)
        self.axes_ = grid.subplots(squeeze=False)
        if n_more:
            text = f"the {n_more} smallest clusters are not drawn"
            ax.set_title(text, size="small", loc="right")
        for panel in self.axes_.flat:
            panel.set(xticks=[], yticks=[], facecolor="none")
            panel.spines[:].set_visible(False)
        for row, name, color, panels in zip(
            stamps, names, colors, self.axes_, strict=False
        ):
            panels[0].set_ylabel(in_lines(literal(name), 14))
            for stamp, panel in zip(row, panels, strict=True):
                if stamp is not None:
                    panel.spines[:].set(color=color, linewidth=2, visible=True)
                    _draw_stamp(panel, *stamp, color)
        self.axes_[0, 0].set_title("largest", loc="left")
        self.axes_[0, n_cutouts].set_title("typical", loc="left")
        update_layout(ax)
        return self

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of a figure in inches."""
        stamps, _, _, _ = self._stamps
        n_rows = max(len(stamps), 1)
        n_columns = len(stamps[0]) if stamps else 1
        width, height = _STAMP
        return n_columns * width + 0.8, n_rows * height + 0.4  # with names and titles

    def thinned(  # type: ignore[override]
        self, n_cutouts: int = 3, min_size: int = 10, bands: Bands | None = None
    ) -> Self:
        """Return a display of the stamps alone, which holds no cube.

        Parameters
        ----------
        n_cutouts : int, default=3
            As for `plot`.
        min_size : int, default=10
            As for `plot`.
        bands : sequence of three int or str, default=None
            As for `plot`.

        Returns
        -------
        display : object
            Not drawn yet.

        Examples
        --------
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.displays import CutoutsDisplay
        >>> cube, truth = make_galaxy_cube((64, 64), 3, random_state=0)
        >>> CutoutsDisplay(truth, cube).thinned().cube is None
        True
        """
        display = copy(self)
        display._cut(n_cutouts, min_size, bands)
        display.label_map = None
        display.cube = None
        display.agreement = None
        return display

    def _cut(self, n_cutouts, min_size, bands):
        """Cut the stamps from a picture."""
        cube = check_cube(self.cube)
        clusters = as_clusters(self)
        labels = clusters.label_map
        image, *pieces = number_largest(labels, min_size, labels.size)
        # Fluxes per pixel, also of a surface brightness.
        cube_of_fluxes = cube.replace(band_units=[None] * cube.shape[2])
        table = measure_pieces(image, pieces, cube_of_fluxes, self.agreement)
        numbers = np.unique(table["cluster"])
        n_more = max(len(numbers) - _MOST_CLUSTERS, 0)
        numbers = numbers[:_MOST_CLUSTERS]
        boxes = ndimage.find_objects(image)
        step = thinning_step(labels.shape, _MOST_PIXELS)
        picture = thinned_rgb(cube, bands, step)
        # A row for each cluster; None where it has too few pieces.
        stamps = []
        rows_of_table = []
        for cluster in numbers:
            row = []
            for piece in _choose_pieces(table, labels, cube, cluster, n_cutouts):
                if piece is None:
                    row.append(None)
                    continue
                area = _around(boxes[piece - 1], labels.shape)
                crop, mask = _cut_out(picture, step, area, image[area] == piece)
                text = _stamp_text(table[piece - 1], area, cube.pixel_scale)
                row.append((crop, mask, text))
                rows_of_table.append(piece - 1)
            stamps.append(row)
        names = [clusters.names[cluster] for cluster in numbers]
        self._stamps = (stamps, names, clusters.colors[numbers], n_more)
        self.pieces_ = table[rows_of_table]


def _choose_pieces(table, labels, cube, label, n_cutouts):
    """Return the numbers of the largest and of typical pieces of a cluster.

    There are `n_cutouts` of each, with None for those that the cluster lacks.
    """
    pieces = table[table["cluster"] == label]
    # Among the larger ones: a piece of a few pixels shows nothing.
    others = pieces[n_cutouts : max(2 * n_cutouts, len(pieces) // 4)]
    if "agreement" in pieces.colnames and len(others):
        others = others[others["agreement"] >= np.median(others["agreement"])]
    step = thinning_step(labels.shape, _SAMPLE)
    fluxes_of_sample = np.asarray(middle_pixels(cube.data, step))
    sample = fluxes_of_sample[middle_pixels(labels, step) == label]
    if len(sample) == 0:  # no pixel of a small cluster is left
        sample = np.full((1, cube.shape[2]), np.nan)
    low, middle, high = np.nanquantile(sample, [0.25, 0.5, 0.75], axis=0)
    # Of shape (n_bands, n_pieces).
    fluxes = np.array([others[f"{name}_flux"] for name in cube.band_names])
    means = fluxes / np.asarray(others["pixels"])
    quartile_range = np.where(high > low, high - low, 1)
    deviations = (means - middle[:, np.newaxis]) / quartile_range[:, np.newaxis]
    distances = np.nansum(deviations**2, axis=0)
    typical = others["id"][np.argsort(distances, kind="stable")][:n_cutouts].tolist()
    largest = pieces["id"][:n_cutouts].tolist()
    numbers = []
    for chosen in (largest, typical):
        n_missing = n_cutouts - len(chosen)
        numbers += chosen + [None] * n_missing
    return numbers


def _around(box, shape):
    """Return the rows and columns of a square around a piece, within the image."""
    longest = max(extent.stop - extent.start for extent in box)
    side = max(_LEAST, int(_MARGIN * longest))
    square = []
    for extent, length in zip(box, shape, strict=True):
        centered = (extent.start + extent.stop - side) // 2
        start = max(min(centered, length - side), 0)
        square.append(slice(start, start + side))
    return tuple(square)


def _cut_out(picture, step, area, mask):
    """Return the part of a thinned picture, and the mask of its piece, smoothed.

    Parameters
    ----------
    picture : ndarray of shape (n_thinned_rows, n_thinned_columns, 3)
    step : int
        How many rows and columns of the image became one in the picture.
    area : tuple of slice
        Rows and columns of the image.
    mask : ndarray of bool
        Which pixels of this area are of the piece.

    Returns
    -------
    crop : ndarray of shape (n_crop_rows, n_crop_columns, 3)
    mask : ndarray of float32
        On the same pixels, but for rounding at the edge.
    """
    rows, columns = area
    crop = picture[
        rows.start // step : math.ceil(rows.stop / step),
        columns.start // step : math.ceil(columns.stop / step),
    ]
    stride = max(max(crop.shape[:2]) // _DOTS, 1)
    mask = mask[:: stride * step, :: stride * step].astype(np.float32)
    mask = ndimage.gaussian_filter(mask, max(mask.shape) / _SMOOTH)
    return np.ascontiguousarray(crop[::stride, ::stride]), mask


def _draw_stamp(panel, picture, mask, text, color):
    """Draw a stamp with the outline of its piece."""
    panel.imshow(picture, origin="lower", interpolation="nearest")
    panel.set_xlabel(text, size=6)
    y = np.arange(mask.shape[0])
    x = np.arange(mask.shape[1])
    draw_outline(panel, x, y, mask, color, width=1.0, rim=1.0)


def _stamp_text(piece, area, pixel_scale):
    """Return the position of a piece, and the width of its stamp."""
    if "ra" in piece.colnames:
        coordinates = SkyCoord(piece["ra"], piece["dec"], unit="deg")
        position = coordinates.to_string("hmsdms", sep=":", precision=1)
        position = position.replace(" ", "\n")
    else:
        position = f"x {piece['x']:.0f}, y {piece['y']:.0f}"
    _, columns = area
    width = columns.stop - columns.start
    if pixel_scale is None:
        return f"{position}\n{width} pixels wide"
    return f"{position}\n{_angle(width * pixel_scale[1])} wide"


def _angle(arcsec):
    """Return an angle in the smallest unit in which three digits are enough."""
    if arcsec < 999.5:
        return f"{arcsec:.3g} arcsec"
    if arcsec < 999.5 * 60:
        return f"{arcsec / 60:.3g} arcmin"
    return f"{arcsec / 3600:.3g} deg"

# SPDX-License-Identifier: BSD-3-Clause
"""The clusters of the pixels on the sky."""

import numpy as np
from scipy.ndimage import gaussian_filter

from skesom._common.labels import SKY
from skesom.displays._axes import update_layout
from skesom.displays._clusters import (
    ClusterDisplay,
    add_legend,
    as_clusters,
    missing_patch,
    percentages,
)
from skesom.displays._colors import NOISE_COLOR, SKY_COLOR, luminance_of
from skesom.displays._rgb import thinned_rgb
from skesom.displays._sky_image import MAX_PIXELS, draw_image, pick, thinning

_NOISE = -1
_HALF = 0.5


class ClusterMapDisplay(ClusterDisplay):
    """Cluster map: each pixel of the image in the color of its cluster.

    Sky is dark, and pixels without data are hatched.

    Parameters
    ----------
    label_map : ndarray of shape (n_rows, n_columns), dtype int
        Clusters from 0, -1 = noise, -2 = sky, -3 = no data.
    %(cube)s
    sky_mask : array-like of bool of shape (n_rows, n_columns), default=None
        Pixels of label -3 that are sky, for label maps that do not mark it as -2.
    %(style)s

    Attributes
    ----------
    %(figure)s
    image_ : matplotlib.image.AxesImage
        The map, or the picture below the contours.
    contours_ : dict of int to matplotlib.contour.QuadContourSet
        Outlines of clusters, if they are drawn.
    %(legend)s

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.displays import ClusterMapDisplay
    >>> label_map = np.array([[0, 0, 1, -2], [0, -1, -3, -2]])
    >>> display = ClusterMapDisplay.from_predictions(label_map)
    >>> [text.get_text() for text in display.legend_.get_texts()]
    ['0: 75.0 %', '1: 25.0 %', 'noise', 'sky, set aside', 'no data']
    """

    def __init__(
        self, label_map, *, cube=None, wcs=None, sky_mask=None, colors=None, names=None
    ):
        self.label_map, self.sky_mask = label_map, sky_mask
        self.cube, self.wcs = cube, wcs
        self.colors, self.names = colors, names

    def plot(
        self,
        ax=None,
        *,
        contours=False,
        bands=None,
        smoothing=1.5,
        legend=True,
        scale_bar=True,
        compass=True,
        max_pixels=MAX_PIXELS,
    ):
        """Draw the map.

        Parameters
        ----------
        %(ax)s
        contours : bool or sequence of int, default=False
            Whether to draw outlines of all clusters, or of these clusters, over a color
            picture of the cube instead of filled pixels.
        bands : sequence of three int or str, default=None
            Bands of that picture for red, green and blue, see `rgb_image`.
        smoothing : float, default=1.5
            Standard deviation of the Gaussian that smooths outlines, in pixels of the
            picture; 0 follows every pixel.
        %(show_legend)s
        %(image)s
        %(plotted)s
        """
        clusters = as_clusters(self, self.label_map)
        filled = contours is False
        shape = clusters.label_map.shape
        step = thinning(shape, max_pixels)
        image = _colored(clusters, step) if filled else self._picture(step, bands)
        marks = scale_bar, compass
        self.image_ = draw_image(ax, shape, image, step, clusters.place, marks)
        self.ax_, self.figure_ = self.image_.axes, self.image_.figure
        shown = clusters.chosen(None if contours in (True, False) else contours)
        self.contours_ = {}
        if not filled:
            self.contours_ = _draw_contours(self.ax_, clusters, shown, step, smoothing)
        self.legend_ = self.color_bar_ = None
        if legend:
            others = _other_entries(clusters) if filled else []
            shares = percentages(clusters)
            self.legend_, self.color_bar_ = add_legend(
                self.ax_, clusters, shown, shares, others
            )
        update_layout(self.ax_)
        return self

    def _picture(self, step, bands):
        """Return the color picture below contours."""
        if self.cube is None:
            raise ValueError(
                "Contours are drawn on a picture of the images: give the cube too."
            )
        return thinned_rgb(self.cube, bands, step)


def rim_of(color):
    """Return black or white, whichever contrasts more with a color."""
    return "black" if luminance_of(color) > 0.4 else "white"


def _colored(clusters, step):
    """Return the colors of the map; pixels without data are transparent."""
    from matplotlib.colors import to_rgba_array

    labels = pick(clusters.label_map, step)
    table = np.vstack([clusters.colors, to_rgba_array(NOISE_COLOR), np.zeros(4)])
    table = np.rint(255 * table).astype(np.uint8)
    places = np.where(labels >= 0, labels, len(table) - 1)
    places[labels == _NOISE] = len(table) - 2
    image = table[places]
    is_sky = pick(_is_sky(clusters), step)
    image[is_sky] = np.rint(255 * to_rgba_array(SKY_COLOR)[0])
    return image


def _other_entries(clusters):
    """Return entries of the legend for pixels in no cluster."""
    from matplotlib.patches import Patch

    labels = clusters.label_map
    is_sky = _is_sky(clusters)
    entries = []
    if (labels == _NOISE).any():
        entries.append(Patch(facecolor=NOISE_COLOR, label="noise"))
    if is_sky.any():
        entries.append(Patch(facecolor=SKY_COLOR, label="sky, set aside"))
    if ((labels < _NOISE) & ~is_sky).any():
        entries.append(missing_patch("no data"))
    return entries


def _is_sky(clusters):
    """Return the pixels that are sky, by their label or by the mask."""
    labels, mask = clusters.label_map, clusters.sky_mask
    return (labels == SKY) | (mask & (labels < _NOISE))


def _draw_contours(ax, clusters, shown, step, smoothing):
    """Draw where half of the smoothed pixels belong to a cluster."""
    from matplotlib.patheffects import withStroke

    labels = pick(clusters.label_map, step)
    rows, columns = (np.arange(n) * step + (step - 1) / 2 for n in labels.shape)
    contours = {}
    for number in shown:
        share = (labels == number).astype(np.float32)
        if smoothing > 0:
            share = gaussian_filter(share, smoothing)
        # An image of one row or column has no outlines.
        if min(share.shape) < 2 or not share.min() < _HALF < share.max():
            continue
        color = clusters.colors[number]
        contours[number] = ax.contour(
            columns, rows, share, levels=[_HALF], colors=[color], linewidths=1.0
        )
        # A rim, because the picture may have the color of the line.
        rim = withStroke(linewidth=1.8, foreground=rim_of(color))
        contours[number].set_path_effects([rim])
    return contours

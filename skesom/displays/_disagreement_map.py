# SPDX-License-Identifier: BSD-3-Clause
"""Where on the sky two clusterings disagree."""

import numpy as np

from skesom.displays._axes import update_layout
from skesom.displays._clusters import (
    add_legend,
    as_clusters,
    labeled_cube,
    missing_patch,
)
from skesom.displays._display import Display
from skesom.displays._sky_image import MAX_PIXELS, draw_image, pick, thinning
from skesom.maps import (
    NEITHER,
    ONLY_FIRST,
    ONLY_SECOND,
    OTHER,
    SAME,
    compare_clusterings,
)

SAME_COLOR, ONLY_FIRST_COLOR, ONLY_SECOND_COLOR = "#ffffff", "#000000", "#8a8a8a"


class DisagreementMapDisplay(Display):
    """Map of the pixels that two clusterings put into clusters that do not match.

    Pixels in clusters that match are white. The others have the color of the cluster
    of the second clustering, numbered after those of the first if it matches none.

    Parameters
    ----------
    comparison : Comparison
        Result of `skesom.maps.compare_clusterings` for label maps.
    %(cube)s
    %(style)s

    Attributes
    ----------
    %(figure)s
    image_ : matplotlib.image.AxesImage
        The map.
    legend_ : matplotlib.legend.Legend or None
        Percentages of the pixels in clusters of both: of those in the same cluster, and
        of those that are in each cluster only in the second clustering.
    color_bar_ : matplotlib.colorbar.Colorbar or None
        Replaces the legend if there are too many clusters for one.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.displays import DisagreementMapDisplay
    >>> first = np.array([[0, 0, 0], [1, 1, -3]])
    >>> second = np.array([[1, 1, 0], [0, 0, 0]])
    >>> display = DisagreementMapDisplay.from_predictions(first, second)
    >>> [text.get_text() for text in display.legend_.get_texts()]
    ['1: 20.0 %', 'same: 80.0 %', 'not in the first']
    """

    def __init__(self, comparison, *, cube=None, wcs=None, colors=None, names=None):
        self.comparison = comparison
        self.cube, self.wcs = cube, wcs
        self.colors, self.names = colors, names

    @classmethod
    def from_estimator(cls, estimator, X, reference, *, ax=None, **options):
        """Compare the clusters that an estimator finds in a cube with others.

        Parameters
        ----------
        %(estimator)s
        reference : array-like of int of shape (n_rows, n_columns)
            The first clustering, whose numbers, colors and names are used. The second
            is that of the estimator.
        %(drawn)s
        """
        label_map, cube = labeled_cube(estimator, X)
        return cls.from_predictions(reference, label_map, ax=ax, cube=cube, **options)

    @classmethod
    def from_predictions(cls, first, second, *, ax=None, **options):
        """Compare two label maps.

        Parameters
        ----------
        first, second : array-like of int of shape (n_rows, n_columns)
            Clusters from 0; negative labels are no clusters.
        %(drawn)s
        """
        comparison = compare_clusterings(first, second)
        return cls._drawn(ax, options, comparison=comparison)

    def plot(
        self,
        ax=None,
        *,
        legend=True,
        scale_bar=True,
        compass=True,
        max_pixels=MAX_PIXELS,
    ):
        """Draw the map; pixels that are in no cluster of both are hatched.

        Parameters
        ----------
        %(ax)s
        %(show_legend)s
        %(image)s
        %(plotted)s
        """
        matched, kinds = self.comparison.matched, self.comparison.disagreement
        n_clusters = max(matched.max(), len(self.comparison.contingency) - 1) + 1
        others = np.where(kinds == OTHER, matched, -1)
        clusters = as_clusters(self, others, int(n_clusters))
        step = thinning(kinds.shape, max_pixels)
        image = _colored(pick(others, step), pick(kinds, step), clusters.colors)
        marks = scale_bar, compass
        self.image_ = draw_image(ax, kinds.shape, image, step, clusters.place, marks)
        self.ax_, self.figure_ = self.image_.axes, self.image_.figure
        self.legend_ = self.color_bar_ = None
        if legend:
            self.legend_, self.color_bar_ = _add_legend(self.ax_, clusters, kinds)
        update_layout(self.ax_)
        return self


def _colored(labels, kinds, colors):
    """Return the colors of the pixels; those in no cluster are transparent."""
    from matplotlib.colors import to_rgba_array

    table = np.rint(255 * colors).astype(np.uint8)
    image = np.zeros((*kinds.shape, 4), dtype=np.uint8)
    image[kinds == OTHER] = table[labels[kinds == OTHER]]
    plain = to_rgba_array([SAME_COLOR, ONLY_FIRST_COLOR, ONLY_SECOND_COLOR])
    for kind, color in zip((SAME, ONLY_FIRST, ONLY_SECOND), plain, strict=True):
        image[kinds == kind] = np.rint(255 * color)
    return image


def _add_legend(ax, clusters, kinds):
    """Add a legend of what is in the map."""
    from matplotlib.patches import Patch

    n_compared = np.count_nonzero((kinds == SAME) | (kinds == OTHER))
    pixels = clusters.pixels()
    shown = np.flatnonzero(pixels)
    same = f"same: {100 * np.count_nonzero(kinds == SAME) / n_compared:.1f} %"
    rim = {"edgecolor": "0.6", "linewidth": 0.5}
    others = [Patch(facecolor=SAME_COLOR, label=same, **rim)]
    if (kinds == ONLY_FIRST).any():
        others.append(Patch(facecolor=ONLY_FIRST_COLOR, label="not in the second"))
    if (kinds == ONLY_SECOND).any():
        others.append(Patch(facecolor=ONLY_SECOND_COLOR, label="not in the first"))
    if (kinds == NEITHER).any():
        others.append(missing_patch("in neither"))
    shares = 100 * pixels / n_compared
    title = "other cluster\nin the second"
    return add_legend(ax, clusters, shown, shares, others, title)

# SPDX-License-Identifier: BSD-3-Clause
"""How young the stars are that give light, and how much dust is in front of them."""

import warnings

import numpy as np

from skesom.maps.stellar_colors import bluing, extinction, mixture_color, oldest_color

# Shares of the light at 335 nm that stars of 30 Myr give among those of 10 Gyr: what
# young light has more than the oldest part of the galaxy, what it has in all, and what
# that part may have. All three are chosen in docs/populations.md.
_YOUNG_SHARE = 0.4
_YOUNG_SHARE_IN_ALL = 0.6
_YOUNG_SHARE_OF_OLD = 0.8
_OLD_PART = 0.15  # of the area, which has the oldest stars; docs/populations.md
_BLUE = (300, 520)  # nm, of bands that tell the age of stars best
_LEAST = 0.1  # mag, of colors that people would call different
_SIGMAS = 3.0  # errors, of a difference that is significant


class StarLight:
    """Colors that tell young stars from old ones, and the old ones of one galaxy.

    Each broad band between 300 and 520 nm, which tell ages best, is compared with the
    red one of two bands. Without such a band, it is the blue one of these.

    Parameters
    ----------
    photometry : Photometry
        Of images or of a list of clusters; its bands count.
    color_bands : tuple of str
        A blue and a red band whose color tells old stars from young ones.

    Attributes
    ----------
    pairs : list of tuple of str
        The blue and the red band of each color, of which there are n_colors.
    """

    def __init__(self, photometry, color_bands):
        blue, red = color_bands
        nm = photometry.wavelengths
        first, last = _BLUE
        blue_bands = [
            name
            for name in photometry.broad_bands()
            if first <= nm[name] <= last and nm[name] < nm[red]
        ]
        if not blue_bands:
            blue_bands = [blue]
        self.pairs = [(name, red) for name in blue_bands]
        self._wavelengths = [(nm[name], nm[red]) for name in blue_bands]
        self._is_calibrated = photometry.is_calibrated(red, *blue_bands)
        self._tells_ages = False
        self._old_colors = None
        self._old_errors = None

    def colors(self, photometry):
        """Return the color of each pair of bands, one after the other."""
        return np.array([photometry.color(*pair) for pair in self.pairs])

    def learn_old_stars(self, colors, areas, errors):
        """Learn the color of the old stars: that of the reddest part of the area.

        Parameters
        ----------
        colors, errors : ndarray of shape (n_colors, n_clusters)
            Colors of clusters, NaN where they are not known, and their errors.
        areas : ndarray of shape (n_clusters,)
            Their numbers of pixels.
        """
        self._old_colors = np.full(len(self.pairs), np.nan)
        self._old_errors = np.full(len(self.pairs), np.nan)
        for number, values in enumerate(colors):
            known = np.flatnonzero(np.isfinite(values))
            if not len(known):
                continue
            order = known[np.argsort(values[known])]
            shares = np.cumsum(areas[order])
            oldest = order[np.searchsorted(shares, (1 - _OLD_PART) * shares[-1])]
            self._old_colors[number] = values[oldest]
            self._old_errors[number] = errors[number, oldest]
        if self._is_calibrated:
            # In a galaxy of young stars, even the reddest ones are not old.
            bluest = [
                mixture_color(*pair, _YOUNG_SHARE_OF_OLD) for pair in self._wavelengths
            ]
            self._old_colors = np.fmax(self._old_colors, bluest)
            self._tells_ages = True
        else:
            # Without zero points, only a difference tells that there are two kinds.
            excess = self._excess_over_old(colors, errors)
            self._tells_ages = bool((excess > 1).any())

    def young_light(self, colors, errors=None):
        """Return how much bluer than old stars light is, 1 if young stars give enough.

        Parameters
        ----------
        colors : ndarray of shape (n_colors, ...)
            Colors of clusters or pixels.
        errors : ndarray of the same shape, default=None
            Their errors, which a difference must exceed.

        Returns
        -------
        young : ndarray of shape (...)
            NaN where no color is known.
        """
        excess = self._excess_over_old(colors, errors)
        if not self._tells_ages:
            return np.full(excess.shape, np.nan)
        if self._is_calibrated:
            limits = [
                mixture_color(*pair, _YOUNG_SHARE_IN_ALL) for pair in self._wavelengths
            ]
            below = (_along_colors(limits, colors) - colors) / _LEAST
            excess = np.minimum(excess, 1 + np.fmin.reduce(below, axis=0))
        return excess

    def _excess_over_old(self, colors, errors):
        """Return the mean difference to old stars, in steps that young stars make."""
        steps = [bluing(*pair, _YOUNG_SHARE) for pair in self._wavelengths]
        steps = np.fmax(_along_colors(steps, colors), _LEAST)
        if errors is not None:
            both = np.hypot(errors, _along_colors(self._old_errors, colors))
            steps = np.fmax(steps, _SIGMAS * both)
        old = _along_colors(self._old_colors, colors)
        with warnings.catch_warnings(action="ignore"):  # of pixels without any color
            return np.nanmean((old - colors) / steps, axis=0)

    def bluer_than_old(self, colors):
        """Return by how many magnitudes light is bluer than the oldest stars.

        In the longest of the blue bands, which is in the last of the pairs.
        """
        if not self._tells_ages:
            return np.full(colors.shape[1:], np.nan)
        return self._old_colors[-1] - colors[-1]

    def reddening(self, colors):
        """Return the extinction at 550 nm that reddens the oldest stars to a color.

        It is told by the longest of the blue bands; NaN without zero points.
        """
        blue, red = self._wavelengths[-1]
        blue_extinction, red_extinction = extinction([blue, red])
        is_known = np.isfinite(blue_extinction) and np.isfinite(red_extinction)
        if not (self._is_calibrated and is_known):
            return np.full(colors.shape[1:], np.nan)
        excess = colors[-1] - oldest_color(blue, red)
        return excess / (blue_extinction - red_extinction)


def _along_colors(values, colors):
    """Return a value for each color in a shape that broadcasts against `colors`."""
    return np.reshape(values, (len(colors), *[1] * (colors.ndim - 1)))

# SPDX-License-Identifier: BSD-3-Clause
"""What light tells by published physics: ages of stars, dust, lines, brightness.

Each function takes a `Photometry`, whose planes may be images or lists of clusters, and
returns arrays of the shape of a plane.
"""

import warnings

import numpy as np

from skesom._sky.narrow_bands import HYDROGEN, OXYGEN, SULFUR
from skesom.maps._stellar_light import bluing, extinction, mixture_color, oldest_color

# Shares of the light at 335 nm that stars of 30 Myr give among those of 10 Gyr: what
# young light has more than the oldest part of the galaxy, what it has in all, and what
# that part may have. All three are chosen in docs/populations.md.
_YOUNG_SHARE, _YOUNG_SHARE_IN_ALL, _YOUNG_SHARE_OF_OLD = 0.4, 0.6, 0.8
_OLD_PART = 0.15  # of the area, which has the oldest stars; docs/populations.md
_BLUE = 300, 520  # nm, of bands that tell the age of stars best
_LEAST = 0.1  # mag, of colors that people would call different
_SIGMAS = 3.0  # errors, of a difference that is significant
# Discs have 21.65 mag per square arcsec in B at their centers, with a deviation of
# 0.30; Freeman (1970, ApJ 160, 811, doi:10.1086/150474). Six deviations brighter is
# chosen in docs/populations.md. AB magnitudes are 0.09 lower.
_B_BAND, _AB = 440, -0.09
_BRIGHTEST_DISC = 21.65 - 6 * 0.30 + _AB
# The sky of dark nights in B; Patat (2003, A&A 400, 1183,
# doi:10.1051/0004-6361:20030030).
_DARK_SKY = 22.64 + _AB
_USUAL_WIDTH = 8.0  # nm, of narrow bands whose width is not known
LINES = {
    "H alpha": HYDROGEN,
    "[S II]": SULFUR,
    "[O III]": OXYGEN,
    "[O III] alone": OXYGEN,
}
_FAR = 0.1  # octaves from a line, from where one continuum band has another color


class StarLight:
    """Colors that tell young stars from old ones, and the old ones of one galaxy.

    `color_bands` are two bands that tell them; bands between 300 and 520 nm, which tell
    them best, are compared with the red one of them.
    """

    def __init__(self, photometry, color_bands):
        blue, red = color_bands
        nm = photometry.wavelengths
        first, last = _BLUE
        broad = [name for name in photometry.broad_bands() if nm[name] < nm[red]]
        short = [name for name in broad if first <= nm[name] <= last]
        self.pairs = [(name, red) for name in short or [blue]]
        self.places = [(nm[one], nm[other]) for one, other in self.pairs]
        self.is_calibrated = photometry.is_calibrated(red, *(b for b, _ in self.pairs))
        self.old, self._errors, self.is_told = None, None, False

    def colors(self, photometry):
        """Return the color of each pair of bands, one after the other."""
        return np.array([photometry.color(*pair) for pair in self.pairs])

    def learn_old_stars(self, colors, areas, errors):
        """Take as old the color of the reddest part of the area, of known colors."""
        self.old, self._errors = np.full((2, len(self.pairs)), np.nan)
        for number, values in enumerate(colors):
            known = np.flatnonzero(np.isfinite(values))
            if not len(known):
                continue
            order = known[np.argsort(values[known])]
            shares = np.cumsum(areas[order])
            place = order[np.searchsorted(shares, (1 - _OLD_PART) * shares[-1])]
            self.old[number], self._errors[number] = (
                values[place],
                errors[number, place],
            )
        if self.is_calibrated:  # in a galaxy of young stars, none are old
            least = [mixture_color(*pair, _YOUNG_SHARE_OF_OLD) for pair in self.places]
            self.old = np.fmax(self.old, least)
        # Without a zero point, only a difference tells that there are two kinds.
        self.is_told = self.is_calibrated
        if not self.is_told:
            self.is_told = True
            self.is_told = bool((self.young_light(colors, errors) > 1).any())

    def young_light(self, colors, errors=None):
        """Return how much bluer than old stars light is, 1 if young stars give enough.

        NaN where no color is known. With errors, a difference must exceed them.
        """
        shape = len(self.pairs), *(1,) * (colors.ndim - 1)
        old = self.old.reshape(shape)
        steps = [bluing(*pair, _YOUNG_SHARE) for pair in self.places]
        steps = np.fmax(np.reshape(steps, shape), _LEAST)
        if errors is not None:
            both = np.hypot(errors, self._errors.reshape(shape))
            steps = np.fmax(steps, _SIGMAS * both)
        with warnings.catch_warnings(action="ignore"):  # of pixels without any color
            excess = np.nanmean((old - colors) / steps, axis=0)
        if not self.is_told:
            return np.full(excess.shape, np.nan)
        if self.is_calibrated:
            limits = [mixture_color(*pair, _YOUNG_SHARE_IN_ALL) for pair in self.places]
            below = (np.reshape(limits, shape) - colors) / _LEAST
            excess = np.minimum(excess, 1 + np.fmin.reduce(below, axis=0))
        return excess

    def bluer_than_old(self, colors):
        """Return by how many magnitudes light is bluer than the oldest stars.

        In the longest of the blue bands, whose name is the last of the pairs.
        """
        return self.old[-1] - colors[-1] if self.is_told else np.nan * colors[-1]

    def reddening(self, colors):
        """Return the extinction at 550 nm that reddens the oldest stars to a color.

        It is told by the longest of the blue bands; NaN without zero points.
        """
        blue, red = self.places[-1]
        laws = extinction([blue, red])
        if not (self.is_calibrated and np.isfinite(laws).all()):
            return np.full(colors.shape[1:], np.nan)
        return (colors[-1] - oldest_color(blue, red)) / (laws[0] - laws[1])


def brightness_over_discs(photometry):
    """Return by how many magnitudes light is brighter than discs, NaN if not known.

    The band nearest to B is taken, with the color of old stars between both.
    """
    surface = _surface_brightness(photometry)
    return np.nan if surface is None else _BRIGHTEST_DISC - surface


def depth_below_sky(photometry, level, errors):
    """Return by how many magnitudes light is fainter than the sky, NaN if not known.

    `level` has the flux of the sky in each band, NaN where none was set aside, and
    `errors` those of the light, with bands last: less than its error counts as much as
    that. Where the surface brightness is known, light must be fainter than a dark sky
    too.
    """
    name = _band_near_b(photometry)
    if name is None:
        return np.nan
    band = photometry.cube.band_names.index(name)
    sky = level[band]
    if not sky > 0:
        return np.nan
    fluxes = np.asarray(photometry.cube[name], dtype=np.float64)
    least = np.maximum(errors[..., band], np.finfo(np.float32).tiny)
    depth = -2.5 * np.log10(np.maximum(fluxes, least) / sky)
    surface = _surface_brightness(photometry)
    if surface is None:
        return depth
    surface = np.where(fluxes > least, surface, np.inf)
    return np.minimum(depth, surface - _DARK_SKY)


def line_light(photometry):
    """Return equivalent widths in Angstrom and ratios of lines, by their names.

    Widths count from a power law between the continuum bands.
    """
    found = {}
    hydrogen = line_band(photometry, HYDROGEN)
    sulfur = line_band(photometry, SULFUR)
    oxygen = line_band(photometry, OXYGEN)
    if hydrogen is not None:
        found["H alpha"] = _equivalent_width(photometry, hydrogen)
    if sulfur is not None:
        found["[S II]"] = _equivalent_width(photometry, sulfur)
    if oxygen is not None:
        # Where H alpha is seen, it tells more of the same gas.
        name = "[O III]" if hydrogen is not None else "[O III] alone"
        found[name] = _equivalent_width(photometry, oxygen)
    for name, band in (("sulfur ratio", sulfur), ("oxygen ratio", oxygen)):
        pair = band, hydrogen
        if None in pair or not all(map(photometry.is_line_calibrated, pair)):
            continue
        first, second = (photometry.line_flux(band) for band in pair)
        with np.errstate(divide="ignore", invalid="ignore"):
            found[name] = np.where(second > 0, first / second, np.nan)
    return found


def complete_continua(photometry):
    """Give [S II] the continuum of H alpha, 17 nm away, if its own is on one side."""
    hydrogen, sulfur = (line_band(photometry, line) for line in (HYDROGEN, SULFUR))
    if hydrogen is None or sulfur is None:
        return
    beside = photometry.continua[hydrogen]
    if len(photometry.continua[sulfur]) < len(beside):
        photometry.continua = photometry.continua | {sulfur: beside}


def line_band(photometry, line):
    """Return the band with a continuum that holds a line, None without."""
    found = [n for n in photometry.continua if photometry.filters[n].line == line]
    return found[0] if found else None


def line_excess(photometry, band):
    """Return the magnitudes of a band above its continuum.

    A continuum far on one side has another color than the light below the line: NaN.
    """
    excess, bands = photometry.excess(band), photometry.continua[band]
    if len(bands) == 1:
        nm = photometry.wavelengths
        if abs(np.log2(nm[bands[0]] / nm[band])) > _FAR:
            return np.full(excess.shape, np.nan)
    return excess


def _equivalent_width(photometry, band):
    width = photometry.filters[band].width
    nm = _USUAL_WIDTH if np.isnan(width) else width
    return 10 * nm * (10 ** (0.4 * line_excess(photometry, band)) - 1)


def _band_near_b(photometry):
    """Return the broad band of the optical that is nearest to B, None without one."""
    nm = photometry.wavelengths
    optical = [name for name in photometry.broad_bands() if 300 <= nm[name] <= 1000]
    return min(optical, key=lambda n: abs(np.log(nm[n] / _B_BAND)), default=None)


def _surface_brightness(photometry):
    """Return magnitudes per square arcsec at 440 nm, None if they are not known."""
    name = _band_near_b(photometry)
    is_known = photometry.cube.pixel_scale is not None and name is not None
    if not (is_known and photometry.is_calibrated(name)):
        return None
    color = mixture_color(_B_BAND, photometry.wavelengths[name], 0)
    return photometry.magnitude(name) + color

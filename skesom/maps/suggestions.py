# SPDX-License-Identifier: BSD-3-Clause
"""Names of clusters by rules on their colors, lines and objects."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from skesom._common.labels import MASKED, SKY, check_label_map
from skesom._sky.field_of_view import is_of_the_sky
from skesom._sky.lengths import star_width
from skesom._sky.narrow_bands import HYDROGEN
from skesom.cube import BandBinner, Cube
from skesom.cube.flux.photometry import Photometry
from skesom.cube.masking.picture_values import hold_picture
from skesom.cube.masking.sky_level import sky_level
from skesom.maps._measured_light import (
    LINES,
    StarLight,
    brightness_over_discs,
    complete_continua,
    depth_below_sky,
    line_band,
    line_excess,
    line_light,
)
from skesom.maps._saturated_stars import find_star_halos
from skesom.maps.nameless_images import are_of_lines
from skesom.pixels import cluster_table

if TYPE_CHECKING:
    from skesom.maps.crossmatching import Crossmatch


ABOVE, BELOW = 1, -1
# Colors tell old stars from young ones between bands on both sides of the break of old
# stars (nm), or from a blue band, as many octaves apart as B - V, which r - i is not.
_BREAK, _LONGEST_BLUE, _BASELINE = 400, 700, 0.3
_FAINT = -1.7  # mag per area, below is mostly sky
_ROUNDED = 1e-9  # part of the largest value of a band that is a rounding error
_NO_LIGHT = -99.0  # brightness of a median flux that is not positive
_BRIGHT = 0.8  # mag per area, from where bulges, stars and nuclei are looked for
_REDDER = 0.3  # mag per octave, than old stars: from where distant galaxies are
_MOST_BANDS, _BINS = 50, 10  # more are channels of a spectrum, averaged to so many
_SIGMAS = 3.0  # errors, of a difference that is significant
# Pixels that noise put into a cluster are up to so many deviations bright, and those
# next to them less than half as much.
_MOST_NOISE = 5.0
_UNSURE = 0.3  # mag, error of what is not known
_RED = 0.1  # octaves between bands of which one is redder; less is within a line
_LEAST, _LEAST_BRIGHTNESS = 0.1, 0.3  # mag, that people would call different
# Of Gaussian noise: its standard deviation by the median step between two pixels, and
# the error of a median in magnitudes of one that is relative and of a mean.
_OF_STEPS, _ERROR_OF_MEDIAN = 1.05, 1.25
_OF_MEDIAN = 1.0857 * _ERROR_OF_MEDIAN
_WIDE, _RESOLVED = 5.0, 0.5  # widths of a star of pieces with that share of the light
_CHANCE = 0.01  # probability of chance from where objects are evidence
_ENRICHED = 1.5  # times as many objects as by chance
_NAMING = 3.0  # times as many, for a name
_FEWEST = 5  # objects of a type
_MOST_TYPES = 3  # in the evidence of a cluster
_ENOUGH = 100  # pixels, of which medians tell the noise
# How a measure is told; {line} and {band} are the bands that were used.
TEXTS = {
    "above noise": "in no band brighter than the noise of a pixel",
    "H alpha": "H alpha ({line}) has an equivalent width of {value:.0f} Angstrom",
    "[S II]": "[S II] has an equivalent width of {value:.0f} Angstrom",
    "[O III]": "[O III] has an equivalent width of {value:.0f} Angstrom",
    "[O III] alone": "[O III] has an equivalent width of {value:.0f} Angstrom",
    "oxygen ratio": "[O III] is {times} times H alpha",
    "sulfur ratio": "[S II] is {times} times H alpha",
    "color": "{size:.2f} mag {bluer} in {band} than the mean",
    "bluer than old": "{size:.2f} mag {redder} in {pair} than the old stars here",
    "brightness": "{size:.1f} mag {brighter} per area than half of the light",
    "redder than old": "{value:.2f} mag redder in {band} than the brightest old stars",
    "reddening": "as red as the oldest stars behind dust of {value:.1f} mag in V",
    "darker than around": "{value:.1f} mag fainter per area than what is around it",
    "darker than both sides": "{value:.2f} mag fainter per area than on both sides",
    "above discs": "{value:.1f} mag per area brighter than discs are",
    "below the sky": "at least {value:.1f} mag fainter than the sky",
    "compact": "{factor} times as bright as what is around it",
    "pieces": "its pieces are only {value:.1f} times as wide as a star's image",
}
# Measures that are evidence for any name, from a least value on: 14 Angstrom of H alpha
# is more than old stars make; Lacerda et al. (2018).
_WORTH_TELLING = (
    ("H alpha", 14),
    ("color", 0.0),
    ("brightness", _LEAST_BRIGHTNESS),
)
_COLORS = "color", "redder than old"  # per octave of wavelength
_ANYWHERE = "sky", "stars and nuclei"  # rules that need no resolved galaxy
_MOST_TIMES = 100  # a larger ratio divides by hardly any light


class Rule(NamedTuple):
    """A name, what the light must measure to have it, and why; the first that holds."""

    name: str
    conditions: tuple  # of (measure, ABOVE or BELOW, limit)
    reason: str


RULES = (
    Rule(
        "sky",
        (("above noise", BELOW, 0.5),),
        "Light that the noise of a pixel hides in all bands may be that of the sky.",
    ),
    Rule(
        "faint outskirts",
        (("below the sky", ABOVE, 0.0),),
        "The sky of a dark night is brighter; Patat (2003).",
    ),
    Rule(
        "supernova remnants",
        (("[S II]", ABOVE, 80), ("sulfur ratio", ABOVE, 0.4)),
        "Gas behind shocks has much [S II] beside H alpha; Mathewson & Clarke (1973).",
    ),
    Rule(
        "[O III] sources",
        (("[O III]", ABOVE, 100), ("oxygen ratio", ABOVE, 1.0)),
        "Such high ionization is that of planetary nebulae and of active nuclei; "
        "Osterbrock & Ferland (2006).",
    ),
    Rule(
        # 100 Angstrom of H alpha, and a third of it of [N II] in the same band.
        "H II regions",
        (("H alpha", ABOVE, 133),),
        "Only stars younger than 7 Myr ionize so much hydrogen beside their light; "
        "Leitherer et al. (1999).",
    ),
    Rule(
        "H II regions",
        (("[O III] alone", ABOVE, 20), ("young light", ABOVE, 1.0)),
        "The same gas shines in [O III] too, where no band holds H alpha.",
    ),
    Rule(
        "star clusters",
        (("compact", ABOVE, 2.5), ("young light", ABOVE, 1.0)),
        "What is blue and not wider than the point-spread function is a cluster of "
        "young stars, or a hot star in front.",
    ),
    Rule(
        "stars and nuclei",
        (("compact", ABOVE, 2.5),),
        "What is bright and not wider than the point-spread function is a star in "
        "front, a compact star cluster or a nucleus.",
    ),
    Rule(
        "stars and nuclei",
        (("brightness", ABOVE, 1.5), ("pieces", BELOW, 3.0)),
        "What is bright and not wider than the point-spread function is a star in "
        "front, a compact star cluster or a nucleus.",
    ),
    Rule(
        "background galaxies",
        (
            ("redder than old", ABOVE, _REDDER),
            ("brightness", BELOW, 0.0),
            ("pieces", BELOW, 6.0),
        ),
        "Redshift makes small distant galaxies redder than old stars nearby.",
    ),
    Rule(
        "faint outskirts",
        (("brightness", BELOW, _FAINT), ("distance", ABOVE, 1.2), ("depth", BELOW, 10)),
        "The light of discs and halos falls steeply outwards, to that of the sky.",
    ),
    Rule(
        "young stars",
        (("young light", ABOVE, 1.0),),
        "Stars of some 10 million years are blue, and give much of the near "
        "ultraviolet; Bruzual & Charlot (2003).",
    ),
    Rule(
        "old stars, bulge",
        (("young light", BELOW, 1.0), ("above discs", ABOVE, 0.0)),
        "Old stars are red, and no disc is so bright; Freeman (1970).",
    ),
    Rule(
        "old stars, bulge",
        (("color", ABOVE, 0.1), ("bright center", ABOVE, _BRIGHT), ("width", ABOVE, 1)),
        "Old stars are cool and red, and are most crowded in the bulge.",
    ),
    Rule(
        "dust lanes",
        (("reddening", ABOVE, 0.0), ("darker than both sides", ABOVE, 0.03)),
        "Only dust makes light redder than that of the oldest stars, and fainter than "
        "on both sides; Cardelli, Clayton & Mathis (1989).",
    ),
    Rule(
        "reddest old stars",
        (("reddening", ABOVE, 0.0), ("darker than around", ABOVE, 0.1)),
        "Light that is redder than the oldest stars of the Sun's metals is of stars "
        "with more of them, or behind dust that shows no lanes; Bruzual & Charlot "
        "(2003).",
    ),
    Rule(
        "dust lanes",
        (("redder than old", ABOVE, 0.15), ("darker than around", ABOVE, 0.1)),
        "Within a galaxy, only dust makes light redder than that of old stars, and "
        "fainter; Charlot & Fall (2000).",
    ),
    Rule(
        "old stars, disc",
        (("young light", BELOW, 1.0),),
        "Old stars are cool and red; Bruzual & Charlot (2003).",
    ),
)
# Names by types of NED and SIMBAD, where no rule holds.
_OF_TYPES = {
    **dict.fromkeys(("HII", "HII Region", "H II region"), "H II regions"),
    **dict.fromkeys(("SNR", "SN remnant"), "supernova remnants"),
    **dict.fromkeys(("*Cl", "Cl*", "star cluster"), "star clusters"),
    **dict.fromkeys(("*", "Star", "star"), "stars and nuclei"),
    **dict.fromkeys(("G", "GGroup", "GClstr", "galaxy"), "background galaxies"),
    **dict.fromkeys(("PN", "planetary nebula"), "[O III] sources"),
}


class Suggestion(NamedTuple):
    """What a cluster looks like: result of `suggest_names`, one for each cluster."""

    name: str | None
    evidence: tuple
    reason: str
    description: str


def suggest_names(
    label_map: ArrayLike,
    cube: Cube,
    *,
    continua: Mapping[str, Sequence[str]] | Literal["none"] | None = None,
    crossmatch: Crossmatch | None = None,
) -> list[Suggestion]:
    """Suggest what each cluster is, with the evidence.

    Parameters
    ----------
    label_map : array-like of int of shape (n_rows, n_columns)
        Cluster of each pixel from 0; negative labels are no clusters.
    cube : Cube of shape (n_rows, n_columns, n_bands)
        The images, as they were before fluxes were scaled.
    continua : dict of str to sequence of str, or "none", default=None
        Continuum bands of narrow bands, see `ColorDiagramDisplay`; "none" uses no
        lines.
    crossmatch : Crossmatch, default=None
        Known objects in the clusters, of `skesom.maps.crossmatch`. Types that gather in
        a cluster are evidence, and name it if no rule does.

    Returns
    -------
    suggestions : list of Suggestion
        For each cluster a tuple of ``name`` (None if no rule holds), ``evidence`` (a
        tuple of texts), ``reason``, and ``description``: how the cluster differs from
        all others, as in "reddest in J - K, bright". No two are equal; that of a
        cluster without pixels is empty.

    Raises
    ------
    ValueError
        If label map and cube do not fit, or a continuum is not of the bands.

    See Also
    --------
    ColorDiagramDisplay : The same measures as diagrams.

    Notes
    -----
    The rules and their reasons are the table ``RULES`` of this module, in the
    documentation too; the first that holds gives the name. They use the median flux of
    each cluster, so that bands may have any units: its color (magnitudes per octave of
    wavelength) and the excess of lines relative to the mean over the area, and its
    brightness per area relative to the one that half of the light exceeds. Colors and
    lines are of clusters that are brighter than the noise of a pixel; the mean is over
    the area of all of these. A name is a suggestion: two clusters can have the same.
    Rules on colors need bands that tell old stars from young ones; descriptions need no
    wavelengths. Of more than 50 bands, averages of neighbors are used. Nothing is
    suggested where no band is known, for noise, for pictures (all values are levels
    from 0 to 255, with a pile-up at the end), and where images are not of the sky:
    their pixels have no angle (neither ``wcs`` nor ``pixel_scale``), and no band has a
    name that astronomers give. Where all bands are emission lines, nothing is called by
    the names of stars.

    Examples
    --------
    >>> from skesom.datasets import POPULATIONS, make_galaxy_cube
    >>> from skesom.maps import suggest_names
    >>> cube, truth = make_galaxy_cube((128, 128), random_state=0)
    >>> suggestion = suggest_names(truth, cube)[POPULATIONS.index("H II region")]
    >>> suggestion.name
    'H II regions'
    >>> suggestion.evidence[0]
    '...'
    """
    labels = check_label_map(label_map)
    cube = cube if isinstance(cube, Cube) else Cube(cube)
    is_picture = hold_picture([cube])
    if cube.shape[2] > _MOST_BANDS:
        cube, continua = _averaged(cube), "none"
    n_clusters = int(labels.max(initial=-1)) + 1
    if n_clusters == 0:
        return []
    clusters = ClusterLight(labels, cube, continua)
    found, words = _measure(clusters)
    suggestions = [Suggestion(None, (), "", "")] * n_clusters
    for place, number in enumerate(clusters.ids):
        measures = {name: float(values[place]) for name, values in found.items()}
        text = _describe(clusters, place, measures["brightness"])
        rules = _rules_for(clusters, place, measures["resolved"])
        if is_picture:  # whose values measure nothing
            rules, measures = [], {}
        suggestions[number] = _suggest(number, rules, measures, words, crossmatch, text)
    return suggestions


def _rules_for(clusters, place, resolved):
    """Return the rules that may name a cluster; none for noise, and halos of stars."""
    is_none = clusters.is_noise[place] or clusters.is_of_star[place]
    if is_none or not clusters.can_be_named:
        return []
    if clusters.is_of_lines:
        return [rule for rule in RULES if rule.name == "sky"]
    is_galaxy = resolved > _RESOLVED and clusters.shows_structure
    return [rule for rule in RULES if is_galaxy or rule.name in _ANYWHERE]


def _suggest(number, rules, measures, words, crossmatch, text):
    """Return the name of the first rule that holds, or of the objects in a cluster."""
    rule = next((rule for rule in rules if holds(rule, measures)), None)
    told = [] if rule is None else told_of(rule)
    told += [
        name
        for name, least in _WORTH_TELLING
        if name not in told and abs(measures.get(name, 0)) > least
    ]
    evidence = [tell(name, measures[name], words) for name in told]
    name, reason = (None, "") if rule is None else (rule.name, rule.reason)
    rows = [] if crossmatch is None else _enriched(crossmatch.table, number)
    for row in rows:
        evidence.append(
            f"{row['share']:.0%} of the {row['type']} of the catalog in "
            f"{row['area_share']:.1%} of the clustered pixels"
        )
        is_strong = row["enrichment"] > _NAMING
        if name is None and is_strong and row["type"] in _OF_TYPES:
            name = _OF_TYPES[row["type"]]
            reason = "Known objects of this type gather here."
    return Suggestion(name, tuple(evidence), reason, text)


def told_of(rule):
    """Return the measures that are evidence for the name of a rule."""
    names = [name for name, *_ in rule.conditions]
    names = ["bluer than old" if name == "young light" else name for name in names]
    return [name for name in names if name in TEXTS]


def holds(rule, measures):
    """Tell where all conditions of a rule are known and true.

    A measure is a number, or an array of the shape of the others.
    """
    found = True
    for measure, side, limit in rule.conditions:
        with np.errstate(invalid="ignore"):
            found &= side * (np.asarray(measures.get(measure, np.nan)) - limit) > 0
    return found


def contradicts(rule, measure, value):
    """Return whether a value is on the other side of a limit of a rule."""
    return any(
        side * (value - limit) <= 0
        for name, side, limit in rule.conditions
        if name == measure
    )


def tell(name, value, words):
    """Return a measure in words."""
    if name == "brightness" and value == _NO_LIGHT:
        return "no brighter than the sky"
    if name in _COLORS:
        value = value * words["octaves"]
    told = words | {
        "value": value,
        "times": f"{value:.2f}",
        "factor": f"{value:.1f}",
        "size": abs(value),
        "bluer": "bluer" if value < 0 else "redder",
        "redder": "bluer" if value > 0 else "redder",
        "brighter": "brighter" if value > 0 else "fainter",
    }
    if value > _MOST_TIMES:
        told["times"] = f"more than {_MOST_TIMES}"
        told["factor"] = f"more than {_MOST_TIMES}"
    return TEXTS[name].format_map(told)


def _enriched(table, number):
    """Return the rows of the types that gather in a cluster, strongest first."""
    gathers = (table["enrichment"] > _ENRICHED) & (table["p_any"] < _CHANCE)
    gathers &= (table["cluster"] == number) & (table["n_objects"] >= _FEWEST)
    rows = table[gathers]
    return rows[np.argsort(-rows["z"], kind="stable")][:_MOST_TYPES]


class ClusterLight:
    """Median fluxes of clusters with their errors, shape (n_clusters, n_bands)."""

    def __init__(self, labels, cube, continua):
        self.level = sky_level(labels, cube)
        counted = cube.data - np.nan_to_num(self.level)
        data = np.where(labels[:, :, np.newaxis] < 0, np.nan, counted)
        near = np.roll(data, -1, axis=1)
        images = data, near, abs(near - data)
        tables = [
            cluster_table(labels, cube.replace(data=data), subtract_sky=False)
            for data in images
        ]
        self.labels, self.cube, self.names = labels, cube, cube.band_names
        self.ids, self.pixels = (np.asarray(tables[0][n]) for n in ("id", "pixels"))
        columns = [[each[f"{n}_median"] for n in self.names] for each in tables]
        medians = np.array(columns, dtype=np.float64).transpose(0, 2, 1)
        self.fluxes, noise = medians[0], _OF_STEPS * np.nan_to_num(medians[2])
        # Noise is that of the faintest cluster: bright light is steeper than noise. A
        # few pixels do not tell it: those beside a star may be the faintest.
        is_large = self.pixels >= min(_ENOUGH, self.pixels.max())
        of_large = np.where(is_large[:, np.newaxis], self.fluxes, np.inf)
        faintest = np.nan_to_num(of_large, nan=np.inf).argmin(axis=0)
        self.noise = noise[faintest, np.arange(len(self.names))]
        seen = np.where(self.fluxes > self.noise, self.fluxes, np.nan)
        self.errors = _OF_MEDIAN * noise / seen / np.sqrt(self.pixels)[:, None]
        # Of the medians, in the units of the bands.
        self.flux_errors = _ERROR_OF_MEDIAN * noise / np.sqrt(self.pixels)[:, None]
        pixels = cube.replace(
            data=medians[:2], wcs=None, pixel_scale=cube.pixel_scale, sky_mask=None
        )
        self.photometry = Photometry(pixels, continua)
        complete_continua(self.photometry)
        self.nm, self.broad = self.photometry.wavelengths, self.photometry.broad_bands()
        is_known = any(np.isfinite(nm) for nm in self.nm.values())
        self.can_be_named = is_known and is_of_the_sky(cube)
        self.is_of_lines = are_of_lines(cube, continua)
        self.is_noise, self.shows_structure = self._look_for_noise(medians[1])
        self.color_bands = self._find_color_bands()
        self.bright = self._find_bright_band(np.abs(counted[labels >= 0]))
        self.star_halos = self._find_star_halos(counted)
        self.is_of_star = self._are_of_stars()
        self.axes = list(_axes(self))

    def _find_star_halos(self, counted):
        """Return the pixels in which light is that of saturated stars."""
        order = [self.bright, *range(len(self.names))]
        images = [counted[:, :, band] for band in dict.fromkeys(order)]
        lost = np.isnan(self.cube.data).any(axis=2) & (self.labels != SKY)
        star_area, _ = _star_area(self.cube)
        return find_star_halos(images, lost, self.noise[self.bright], star_area)

    def _are_of_stars(self):
        """Return the clusters of which most pixels are light of saturated stars."""
        inside = self.labels[self.star_halos & (self.labels >= 0)]
        counts = np.bincount(inside, minlength=int(self.labels.max()) + 1)
        return counts[self.ids] > 0.5 * self.pixels

    def _look_for_noise(self, near):
        """Return which clusters are noise, and whether any differ by more than that.

        Both are seen in the pixels next to those of a cluster, which are not in it for
        their noise.
        """
        above = self.fluxes > self.noise
        with np.errstate(invalid="ignore"):
            by_noise = near < 0.5 * self.fluxes
        by_noise &= self.fluxes < _MOST_NOISE * self.noise
        is_noise = above.any(axis=1) & (by_noise | ~above).all(axis=1)
        with warnings.catch_warnings(action="ignore"):  # of bands without data
            lowest = np.where(np.isnan(self.level), np.nanmin(near, axis=0), 0)
            contrast = np.nanmax(near, axis=0) - lowest
        is_alone = len(self.ids) == 1  # so that nothing is known of its contrast
        return is_noise, is_alone or bool((contrast > self.noise).any())

    def _find_color_bands(self):
        """Return two bands whose color tells old from young stars, or none."""
        # In nm. The optical tells best; beyond the last, dust shines.
        for first, last in ((300, 1000), (90, 2500)):
            bands = [name for name in self.broad if first <= self.nm[name] <= last]
            if len(bands) > 1:
                blue, red = self.nm[bands[0]], self.nm[bands[-1]]
                is_wide = blue <= _LONGEST_BLUE and np.log2(red / blue) >= _BASELINE
                if is_wide or blue <= _BREAK < red:
                    return bands[0], bands[-1]
        return None

    def _find_bright_band(self, sizes):
        """Return the number of the band that tells how bright clusters are.

        It is none of which most values are 0, or rounding errors of it, as of few
        photons: medians of these are no light, and their differences no noise. `sizes`
        are the absolute values of the pixels in clusters.
        """
        with warnings.catch_warnings(action="ignore"):  # of bands without data
            typical, largest = np.nanmedian(sizes, axis=0), np.nanmax(sizes, axis=0)
        is_zero = ~(typical > _ROUNDED * largest)
        if self.color_bands:
            red = self.names.index(self.color_bands[1])
            if not is_zero[red]:
                return red
        contrasts = np.ptp(np.nan_to_num(self.fluxes), axis=0) / (self.noise + 1e-99)
        return int(np.where(is_zero, -1.0, contrasts).argmax())

    def relative(self, values, *names, lost=0.0):
        """Return values of bands relative to their mean, and the error, in magnitudes.

        NaN where noise hides a band or the error is large.
        """
        places = [self.names.index(name) for name in names]
        error = np.sqrt((self.errors[:, places] ** 2).sum(axis=1))
        error = np.maximum(error, lost)
        known = np.where(error < _UNSURE, values, np.nan)
        return _above_mean(known, self.pixels), error

    def color(self, blue, red):
        """Return a color relative to its mean, and the error.

        Pixels are in a cluster for their noise too, the pixels next to them are not:
        of what these do not show by half, the error is too large for any rule.
        """
        own, near = self.photometry.color(blue, red)
        return self.relative(own, blue, red, lost=2 / _SIGMAS * np.abs(own - near))

    def excess(self, line):
        """Return the excess of a line relative to its mean, and the error."""
        excess = line_excess(self.photometry, line)[0]
        return self.relative(excess, line, *self.photometry.continua[line])

    def known_colors(self, stars):
        """Return the colors that tell ages, NaN where they are not sure, and errors."""
        colors = stars.colors(self.photometry)[:, 0]
        errors = np.array([self.color(*pair)[1] for pair in stars.pairs])
        return np.where(errors < _UNSURE, colors, np.nan), errors

    def star_light(self):
        """Return the young light of each cluster, and the colors that tell it."""
        stars = StarLight(self.photometry, self.color_bands)
        colors, errors = self.known_colors(stars)
        stars.learn_old_stars(colors, self.pixels, errors)
        young = stars.young_light(colors, errors)
        return {
            "young light": young,
            "bluer than old": stars.bluer_than_old(colors),
        }, stars


def _averaged(cube):
    """Return the channels of a spectrum as a few broad bands."""
    binner = BandBinner(-(-cube.shape[2] // _BINS))
    bins = binner.fit_transform(cube.replace(band_units=None))
    return bins.replace(band_names=[n.replace(" - ", " to ") for n in bins.band_names])


def _measure(clusters):
    """Return the measures of each cluster, and the words for bands."""
    photometry, bands = clusters.photometry, clusters.color_bands
    magnitude = photometry.magnitude(clusters.names[clusters.bright])[0]
    is_seen = np.isfinite(clusters.errors).any(axis=1)
    has_flux = np.isfinite(clusters.fluxes).any(axis=1)
    found = {"above noise": np.where(has_flux, is_seen, np.nan)}
    found["brightness"] = _brightness(magnitude, clusters)
    found["depth"] = _depth(clusters)
    words = words_of(clusters)
    if bands:
        color, error = clusters.color(*bands)
        found |= _colors(color, error, words["octaves"], found["brightness"])
        found |= clusters.star_light()[0]
    wanted = found["brightness"] > _BRIGHT
    wanted |= found.get("redder than old", 0) > _REDDER
    is_lit = is_seen & (found["brightness"] > _FAINT)
    found |= _lines(clusters) | _widths(clusters, wanted) | _shape(clusters, is_lit)
    surface = _of_clusters(brightness_over_discs(photometry), clusters)
    found["above discs"] = surface
    if np.isnan(surface).all():  # no zero point, or no pixel scale
        found["bright center"] = found["brightness"]
    found["below the sky"] = _of_clusters(
        depth_below_sky(photometry, clusters.level, clusters.flux_errors), clusters
    )
    return found, words


def words_of(clusters):
    """Return the words for bands in `TEXTS`, and the octaves between two of them."""
    words = {"line": line_band(clusters.photometry, HYDROGEN)}
    bands = clusters.color_bands
    if bands:
        octaves = float(np.log2(clusters.nm[bands[1]] / clusters.nm[bands[0]]))
        words |= {"band": " - ".join(bands), "octaves": octaves}
        pair = StarLight(clusters.photometry, bands).pairs[-1]
        words["pair"] = " - ".join(pair)
    return words


def of_galaxy(clusters):
    """Return measures of clusters that tell where in a galaxy they are."""
    magnitude = clusters.photometry.magnitude(clusters.names[clusters.bright])[0]
    brightness = _brightness(magnitude, clusters)
    is_lit = np.isfinite(clusters.errors).any(axis=1) & (brightness > _FAINT)
    distance = _shape(clusters, is_lit)["distance"]
    return {
        "brightness": brightness,
        "distance": distance,
        "depth": _depth(clusters),
    }


def resolved_share(clusters):
    """Return the share of the light that is in pieces wider than stars."""
    magnitude = clusters.photometry.magnitude(clusters.names[clusters.bright])[0]
    is_seen = np.isfinite(clusters.errors).any(axis=1)
    is_lit = is_seen & (_brightness(magnitude, clusters) > _FAINT)
    return float(_shape(clusters, is_lit)["resolved"][0])


def _of_clusters(values, clusters):
    """Return a measure of each cluster, NaN if there is none."""
    if np.ndim(values) == 0:
        return np.full(len(clusters.ids), values)
    return values[0]


def _depth(clusters):
    """Return how many times light is as bright as the noise of a pixel."""
    fluxes = clusters.fluxes[:, clusters.bright]
    depth = fluxes / (clusters.noise[clusters.bright] or np.inf)
    return np.where(fluxes > 0, depth, np.nan)


def _brightness(magnitude, clusters):
    """Return magnitudes per area above the level that half of the light exceeds.

    Light that is not above its error has none.
    """
    band = clusters.bright
    is_above = clusters.fluxes[:, band] > clusters.flux_errors[:, band]
    magnitude = np.where(is_above, magnitude, np.nan)
    light = np.nan_to_num(clusters.pixels * 10 ** (-0.4 * magnitude))
    order = np.argsort(magnitude)
    half = np.searchsorted(np.cumsum(light[order]), 0.5 * light.sum())
    brightness = magnitude[order[min(half, len(order) - 1)]] - magnitude
    return np.where(np.isfinite(brightness), brightness, _NO_LIGHT)


def _significant(values, errors):
    """Return values, 0 where they are small or within their errors."""
    is_small = np.abs(values) <= np.fmax(_LEAST, _SIGMAS * errors)
    return np.where(is_small, 0.0, values)


def _colors(color, error, octaves, brightness):
    """Return colors per octave of wavelength, relative to the mean and to old stars."""
    relative = _significant(color, error)
    old = np.where(relative > 0, brightness, -np.inf).argmax()
    redder = _significant(color - color[old], np.hypot(error, error[old]))
    redder = redder if relative[old] > 0 else redder * np.nan
    return {"color": relative / octaves, "redder than old": redder / octaves}


def _above_mean(values, weights):
    """Return values relative to their mean, without NaN."""
    known = np.isfinite(values) & (weights > 0)
    if not known.any():
        return values
    return values - np.average(values[known], weights=weights[known])


def _lines(clusters):
    """Return the light of lines, none where it is small or within its error."""
    light = line_light(clusters.photometry)
    found = {name: values[0] for name, values in light.items()}
    for name, line in LINES.items():
        if name in found:
            band = line_band(clusters.photometry, line)
            excess = line_excess(clusters.photometry, band)[0]
            _, error = clusters.excess(band)
            known = np.where(error < _UNSURE, found[name], np.nan)
            found[name] = np.where(_significant(excess, error) == 0, 0.0, known)
    return found


def _widths(clusters, wanted):
    """Return the width of the median piece of some clusters by that of a star."""
    area, is_known = _star_area(clusters.cube)
    widths = np.full(len(wanted), np.nan)
    for place in np.flatnonzero(wanted):
        inside = clusters.labels == clusters.ids[place]
        pieces, _ = ndimage.label(inside, structure=np.ones((3, 3)))
        sizes = np.bincount(pieces[inside])[pieces[inside]]
        widths[place] = np.sqrt(np.median(sizes) / area)
    return {"width": widths} | ({"pieces": widths} if is_known else {})


def _star_area(cube):
    """Return the area of a star's image, 2 FWHM wide, in pixels; if that is known."""
    width, is_known = star_width(cube)
    return np.pi * width**2, is_known


def _shape(clusters, is_lit):
    """Return the resolved share of the light, and places and surroundings of clusters.

    Distances are from the middle of the light, in units of that of the light. Pixels
    have the flux of their cluster, and 0 in none.
    """
    labels, ids = clusters.labels, clusters.ids
    fluxes = np.nan_to_num(clusters.fluxes[:, clusters.bright])
    seen = np.where(fluxes > clusters.flux_errors[:, clusters.bright], fluxes, np.nan)
    image, light = np.zeros((2, labels.max() + 2))
    image[ids], light[ids] = fluxes, np.where(is_lit, fluxes, 0)
    image, light = image[np.maximum(labels, -1)], light[np.maximum(labels, -1)]
    light[clusters.star_halos] = 0
    light /= light.sum() or 1.0
    pieces, _ = ndimage.label(light > 0, structure=np.ones((3, 3)))
    is_wide = np.bincount(pieces.ravel()) > _WIDE**2 * _star_area(clusters.cube)[0]
    share = light[is_wide[pieces]].sum()
    y, x = np.indices(light.shape)
    distances = np.hypot(y - (y * light).sum(), x - (x * light).sum())
    mean = max((distances * light).sum(), 1.0)
    return {
        "darker than around": _darkness(labels, image, ids, seen),
        "distance": ndimage.mean(distances, labels, ids) / mean,
        "resolved": np.full(len(ids), share),
    }


def _darkness(labels, image, ids, fluxes):
    """Return magnitudes of clusters below those of the pixels next to them."""
    totals, counts = np.zeros((2, labels.max() + 1))
    for one, other in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        for own, near in ((one, other), (other, one)):
            edge = (labels[own] != labels[near]) & (labels[own] >= 0)
            edge &= labels[near] > MASKED
            totals += np.bincount(labels[own][edge], image[near][edge], len(totals))
            counts += np.bincount(labels[own][edge], minlength=len(totals))
    with np.errstate(divide="ignore", invalid="ignore"):
        return 2.5 * np.log10(totals[ids] / (counts[ids] * fluxes))


def _axes(clusters):
    """Yield axes that tell clusters apart: words for ends and bands, values, least."""
    continua, least = clusters.photometry.continua, 10 ** (0.4 * _LEAST_BRIGHTNESS) - 1
    for name, noise, fluxes in zip(
        clusters.names, clusters.noise, clusters.fluxes.T, strict=True
    ):
        least_flux = np.fmax(least * np.abs(fluxes), noise + 1e-99)
        yield "brightest", "faintest", f" in {name}", fluxes, least_flux
    bands = [n for n in clusters.names if n not in {*clusters.broad, *continua}]
    bands = [*clusters.broad, *bands]
    ends = [clusters.color_bands or (bands[0], bands[-1])] if bands else []
    for blue, red in [*pairwise(bands), *ends]:
        words = f"highest {red} / {blue}", f"highest {blue} / {red}", ""
        if np.log2(clusters.nm[red] / clusters.nm[blue]) >= _RED:
            words = "reddest", "bluest", f" in {blue} - {red}"
        color, error = clusters.color(blue, red)
        yield *words, color, np.fmax(_LEAST, _SIGMAS * error)
    for name in continua:
        where = f" in {clusters.photometry.filters[name].line or 'the line'} ({name})"
        excess, error = clusters.excess(name)
        least = np.fmax(_LEAST, _SIGMAS * error)
        yield "most light", "least light", where, excess, least


def _describe(clusters, place, brightness):
    """Return words that tell a cluster from the others, and that no other has."""
    n_bands = len(clusters.names)
    n_minor = len(clusters.axes) - len(clusters.photometry.continua) - 1
    claims = [_claim(axis, place) for axis in clusters.axes]
    known = [
        (*claim, number)
        for number, claim in enumerate(claims)
        if claim and (number < n_bands or not claim[0])
    ]
    if len(clusters.ids) == 1:
        return "the only cluster"
    if not known:
        return f"cluster {clusters.ids[place]}, not told from others by brightness"
    *_, text, number = min(
        known,
        key=lambda c: (c[0] and c[-1] != clusters.bright, c[1] + (c[-1] < n_minor), c),
    )
    is_same = {claim and claim[3] for claim in claims[:n_bands]} == {text}
    text += "" if is_same else clusters.axes[number][2]
    if number >= n_bands and abs(brightness) > _LEAST_BRIGHTNESS:
        text += ", bright" if brightness > 0 else ", faint"
    return text


def _claim(axis, place):
    """Return if a place on an axis is unsure, its rank, how little it tells, and words.

    The rank is from the nearer end, with unknown values as if they were beyond; None of
    a place that clusters share.
    """
    high, low, _, values, least = axis
    others, least = np.delete(values, place), least[place]
    gap = np.nanmin(np.abs(others - values[place]), initial=np.inf)
    if gap == 0 or not np.isfinite(gap):
        return None
    above = np.count_nonzero(others > values[place])
    below = np.count_nonzero(others < values[place])
    if high != "brightest" and (values[place] > 0) != (above <= below):
        return None  # as red as few, but bluer than the mean
    rank, word = (above, high) if above <= below else (below, low)
    ordinal = ("", "2nd ", "3rd ")[rank] if rank < 3 else f"{rank + 1}th "
    rank += np.count_nonzero(np.isnan(others))  # which may be further out
    return not gap > least, rank, -gap / least, f"{ordinal}{word}"

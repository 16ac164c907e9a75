# SPDX-License-Identifier: BSD-3-Clause
"""What each cluster looks like, by rules on its colors, lines and objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from skesom._common.labels import check_label_map
from skesom.cube import HYDROGEN, OXYGEN, SULFUR, Cube, Photometry
from skesom.io import cluster_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    from numpy.typing import ArrayLike

    from skesom.maps import Crossmatch

ABOVE, BELOW = 1, -1
_OPTICAL = 300, 1000  # nm
_FAINT = -1.7  # mag per area, below is mostly sky
_NO_LIGHT = -99.0  # brightness of a median flux that is not positive
_BRIGHT = 1.5  # mag per area, from where stars and nuclei are looked for
_REDDER = 0.3  # mag per octave, than old stars: from where distant galaxies are
_MOST_BANDS = 50  # more are channels of a spectrum, which have no colors
_CHANCE = 0.01  # probability of chance from where objects are evidence
_ENRICHED = 1.5  # times as many objects as by chance
_NAMING = 3.0  # times as many, for a name
_FEWEST = 5  # objects of a type
_MOST_TYPES = 3  # in the evidence of a cluster
# How a measure is told; {line} and {band} are the bands that were used.
_TEXTS = {
    "H alpha": "{0:.2f} mag more light in H alpha ({line}) than the mean",
    "[O III]": "{0:.2f} mag more light in [O III] than the mean",
    "oxygen over H alpha": "[O III] exceeds H alpha by {0:.2f} mag",
    "sulfur ratio": "[S II] is {0:.2f} times H alpha",
    "color": "{1:.2f} mag {bluer} in {band} than the mean",
    "brightness": "{1:.1f} mag {brighter} per area than half of the light",
    "redder than old": "{0:.2f} mag redder in {band} than the brightest old stars",
    "darker than around": "{0:.1f} mag fainter per area than what is around it",
    "pieces": "its pieces are only {0:.1f} times as wide as a star's image",
}


_COLORS = "color", "redder than old"  # per octave of wavelength


class Rule(NamedTuple):
    """A name, what a cluster must measure to have it, and why; the first that holds."""

    name: str
    conditions: tuple  # of (measure, ABOVE or BELOW, limit)
    reason: str


RULES = (
    Rule(
        "supernova remnants",
        (("H alpha", ABOVE, 0.3), ("sulfur ratio", ABOVE, 0.4)),
        "Gas behind shocks has much [S II] beside H alpha; Mathewson & Clarke (1973).",
    ),
    Rule(
        "[O III] sources",
        (("[O III]", ABOVE, 0.5), ("oxygen over H alpha", ABOVE, 0.3)),
        "Such high ionization is that of planetary nebulae and of active nuclei; "
        "Osterbrock & Ferland (2006).",
    ),
    Rule(
        "H II regions",
        (("H alpha", ABOVE, 0.3),),
        "Hydrogen that hot young stars ionize shines in H alpha; Kennicutt (1998).",
    ),
    Rule(
        "H II regions",
        (("[O III]", ABOVE, 0.3), ("color", BELOW, -0.2)),
        "The same gas shines in [O III] too, where no band holds H alpha.",
    ),
    Rule(
        "stars and nuclei",
        (("brightness", ABOVE, _BRIGHT), ("pieces", BELOW, 3.0)),
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
        "dust lanes",
        (("redder than old", ABOVE, 0.15), ("darker than around", ABOVE, 0.0)),
        "Within a galaxy, only dust makes light redder than that of old stars, and "
        "fainter; Charlot & Fall (2000).",
    ),
    Rule(
        "faint outskirts",
        (("brightness", BELOW, _FAINT),),
        "The light of discs and halos falls steeply outwards, to that of the sky.",
    ),
    Rule(
        "old stars, bulge",
        (("color", ABOVE, 0.1), ("brightness", ABOVE, 0.8)),
        "Old stars are cool and red, and are most crowded in the bulge.",
    ),
    Rule(
        "young stars",
        (("color", BELOW, -0.1),),
        "Hot stars are blue and do not live long, as in arms; Bell & de Jong (2001).",
    ),
    Rule(
        "old stars, disc",
        (("color", ABOVE, -0.1),),
        "Old stars are cool and red.",
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


def suggest_names(
    label_map: ArrayLike,
    cube: Cube,
    *,
    continua: Mapping[str, Sequence[str]] | Literal["none"] | None = None,
    crossmatch: Crossmatch | None = None,
) -> list[Suggestion] | None:
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
    suggestions : list of Suggestion or None
        For each cluster a tuple of ``name`` (None if no rule holds), ``evidence`` (a
        tuple of texts) and ``reason``. None if fewer than two broad bands are of known
        wavelength and no cross-match is given: the rules are off.

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
    brightness per area relative to the one that half of the light exceeds. A name is a
    suggestion: two clusters can have the same.

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
    measures, words = _measure(labels, cube, continua)
    if measures is None and crossmatch is None:
        return None
    n_clusters = int(labels.max(initial=-1)) + 1
    return [
        _suggest(number, (measures or {}).get(number, {}), words, crossmatch)
        for number in range(n_clusters)
    ]


def _suggest(number, measures, words, crossmatch):
    """Return the name of the first rule that holds, or of the objects in a cluster."""
    rule = next((rule for rule in RULES if _holds(rule, measures)), None)
    told = [] if rule is None else [name for name, *_ in rule.conditions]
    told += [
        name
        for name, least in (("color", 0.1), ("brightness", 0.3))
        if name not in told and abs(measures.get(name, 0)) > least
    ]
    evidence = [_tell(name, measures[name], words) for name in told if name in measures]
    name, reason = (None, "") if rule is None else (rule.name, rule.reason)
    rows = [] if crossmatch is None else _enriched(crossmatch.table, number)
    for row in rows:
        evidence.append(
            f"{row['share']:.0%} of the {row['type']} of the catalog in "
            f"{row['area_share']:.1%} of the area"
        )
        is_strong = row["enrichment"] > _NAMING
        if name is None and is_strong and row["type"] in _OF_TYPES:
            name = _OF_TYPES[row["type"]]
            reason = "Known objects of this type gather here."
    return Suggestion(name, tuple(evidence), reason)


def _holds(rule, measures):
    """Tell whether all conditions of a rule are known and true."""
    return all(
        measure in measures and side * (measures[measure] - limit) > 0
        for measure, side, limit in rule.conditions
    )


def _tell(name, value, words):
    """Return a measure in words."""
    if name == "brightness" and value == _NO_LIGHT:
        return "no brighter than the sky"
    if name in _COLORS:
        value = value * words["octaves"]
    sides = {
        "bluer": "bluer" if value < 0 else "redder",
        "brighter": "brighter" if value > 0 else "fainter",
    }
    return _TEXTS[name].format(value, abs(value), **words, **sides)


def _enriched(table, number):
    """Return the rows of the types that gather in a cluster, strongest first."""
    rows = [
        row
        for row in table
        if row["cluster"] == number
        and row["enrichment"] > _ENRICHED
        and row["p_any"] < _CHANCE
        and row["n_objects"] >= _FEWEST
    ]
    return sorted(rows, key=lambda row: -row["z"])[:_MOST_TYPES]


def _measure(labels, cube, continua):
    """Return what is measured of each cluster, and the words for bands."""
    broad = Photometry(cube[:1, :1], continua).broad_bands()
    if len(broad) < 2 or cube.shape[2] > _MOST_BANDS:
        return None, {}
    table = cluster_table(labels, cube)
    if len(table) == 0:
        return {}, {}
    medians = np.array([table[f"{name}_median"] for name in cube.band_names]).T
    shares = np.asarray(table["pixels"]) / max(table["pixels"].sum(), 1)
    known = {"wcs": None, "errors": None, "sky_mask": None}
    row = cube.replace(data=medians[np.newaxis], pixel_scale=cube.pixel_scale, **known)
    photometry = Photometry(row, continua)
    places = photometry.wavelengths
    inside = [n for n in broad if _OPTICAL[0] <= places[n] <= _OPTICAL[1]]
    blue, *_, red = inside if len(inside) >= 2 else broad
    octaves = float(np.log2(places[red] / places[blue]))
    found = _colors(photometry, blue, red, octaves, shares)
    lit = np.where(found["brightness"] > _FAINT, shares, 0)
    found |= _lines(photometry, lit)
    ids, is_bright = np.asarray(table["id"]), found["brightness"] > _BRIGHT
    is_red = found["redder than old"] > _REDDER
    found["pieces"] = _widths(labels, cube, ids, is_bright | is_red)
    reds = np.asarray(table[f"{red}_median"])
    found["darker than around"] = _darkness(labels, ids, reds)
    line = _band_of(photometry, HYDROGEN)
    words = {"band": f"{blue} - {red}", "line": line, "octaves": octaves}
    measures = {
        int(number): {
            name: float(values[place])
            for name, values in found.items()
            if np.isfinite(values[place])
        }
        for place, number in enumerate(table["id"])
    }
    return measures, words


def _colors(photometry, blue, red, octaves, shares):
    """Return color per octave of wavelength, and brightness, relative to the whole."""
    color = photometry.color(blue, red)[0] / octaves
    magnitude = photometry.magnitude(red)[0]
    light = np.nan_to_num(shares * 10 ** (-0.4 * magnitude))
    order = np.argsort(magnitude)
    half = np.searchsorted(np.cumsum(light[order]), 0.5 * light.sum())
    brightness = magnitude[order[min(half, len(order) - 1)]] - magnitude
    brightness = np.where(np.isfinite(brightness), brightness, _NO_LIGHT)
    color = _above_mean(color, np.where(brightness > _FAINT, shares, 0))
    old = np.where(color > 0, brightness, -np.inf)
    redder = color - color[old.argmax()] if (color > 0).any() else color * np.nan
    return {"color": color, "brightness": brightness, "redder than old": redder}


def _darkness(labels, ids, fluxes):
    """Return by how many magnitudes clusters are fainter than the pixels next to them.

    Pixels have the flux of their cluster, and 0 in none.
    """
    image = np.zeros(labels.max() + 2)
    image[ids] = fluxes
    totals, counts = np.zeros((2, len(image)))
    for pairs in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        for own, neighbor in (pairs, pairs[::-1]):
            edge = (own != neighbor) & (own >= 0)
            weights = image[np.maximum(neighbor[edge], -1)]
            totals += np.bincount(own[edge], weights, len(image))
            counts += np.bincount(own[edge], minlength=len(image))
    with np.errstate(divide="ignore", invalid="ignore"):
        return 2.5 * np.log10(totals[ids] / (counts[ids] * fluxes))


def _above_mean(values, weights):
    """Return values relative to their mean, without NaN."""
    known = np.isfinite(values) & (weights > 0)
    if not known.any():
        return values
    return values - np.average(values[known], weights=weights[known])


def _lines(photometry, weights):
    """Return the excess of lines relative to the mean, and the ratio for shocks."""
    found, bands = {}, {}
    for line, name in ((HYDROGEN, "H alpha"), (OXYGEN, "[O III]"), (SULFUR, "sulfur")):
        bands[name] = band = _band_of(photometry, line)
        if band is not None:
            found[name] = _above_mean(photometry.excess(band)[0], weights)
    if {"H alpha", "[O III]"} <= found.keys():
        found["oxygen over H alpha"] = found["[O III]"] - found["H alpha"]
    hydrogen, sulfur = bands["H alpha"], bands["sulfur"]
    if None not in (hydrogen, sulfur) and all(
        map(photometry.is_line_calibrated, (hydrogen, sulfur))
    ):
        fluxes = [photometry.line_flux(band)[0] for band in (sulfur, hydrogen)]
        with np.errstate(divide="ignore", invalid="ignore"):
            found["sulfur ratio"] = fluxes[0] / fluxes[1]
    found.pop("sulfur", None)
    return found


def _band_of(photometry, line):
    """Return the band with a continuum that holds a line, None without."""
    found = [n for n in photometry.continua if photometry.filters[n].line == line]
    return found[0] if found else None


def _widths(labels, cube, clusters, wanted):
    """Return the width of the median piece of some clusters by that of a star."""
    scale = cube.pixel_scale
    fwhm = np.nanmax(cube.fwhm, initial=0)
    widths = np.full(len(clusters), np.nan)
    if scale is None or fwhm == 0:
        return widths
    star = np.pi / 4 * (2 * fwhm) ** 2 / np.prod(scale)  # pixels
    for place in np.flatnonzero(wanted):
        inside = labels == clusters[place]
        pieces, _ = ndimage.label(inside, structure=np.ones((3, 3)))
        sizes = np.bincount(pieces[inside])[pieces[inside]]
        widths[place] = np.sqrt(np.median(sizes) / star)
    return widths

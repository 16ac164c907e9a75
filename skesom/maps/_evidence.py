# SPDX-License-Identifier: BSD-3-Clause
"""The evidence for names: measures of light in words."""

from typing import NamedTuple

NO_LIGHT = -99.0  # brightness of a median flux that is not positive
_LARGEST_RATIO = 100  # a larger one divides by hardly any light
# How a measure is told: {line}, {color} and {old_color} are the bands that were used.
_TEXTS = {
    "above noise": "in no band brighter than the noise of a pixel",
    "H alpha": "H alpha ({line}) has an equivalent width of {value:.0f} Angstrom",
    "[S II]": "[S II] has an equivalent width of {value:.0f} Angstrom",
    "[O III]": "[O III] has an equivalent width of {value:.0f} Angstrom",
    "[O III] alone": "[O III] has an equivalent width of {value:.0f} Angstrom",
    "oxygen ratio": "[O III] is {ratio} times H alpha",
    "sulfur ratio": "[S II] is {ratio} times H alpha",
    "color": "{size:.2f} mag {bluer} in {color} than the mean",
    "bluer than old": "{size:.2f} mag {redder} in {old_color} than the old stars here",
    "brightness": "{size:.1f} mag {brighter} per area than half of the light",
    "redder than old": "{value:.2f} mag redder in {color} than the brightest old stars",
    "reddening": "as red as the oldest stars behind dust of {value:.1f} mag in V",
    "darker than around": "{value:.1f} mag fainter per area than what is around it",
    "darker than both sides": "{value:.2f} mag fainter per area than on both sides",
    "above discs": "{value:.1f} mag per area brighter than discs are",
    "below the sky": "at least {value:.1f} mag fainter than the sky",
    "compact": "{factor} times as bright as what is around it",
    "pieces": "its pieces are only {value:.1f} times as wide as a star's image",
}
_PER_OCTAVE = ("color", "redder than old")  # colors that are told between two bands
# Measures that are evidence for any name, if they are larger than this. 14 Angstrom of
# H alpha is more than old stars make; Lacerda et al. (2018, MNRAS 474, 3727). Of
# brightness, it is what people would call different.
_ALWAYS_TOLD = {"H alpha": 14, "color": 0.0, "brightness": 0.3}


class ComparedBands(NamedTuple):
    """The bands that measures are taken from; None without bands that tell ages."""

    line: str | None  # of H alpha
    color: str | None = None  # as "F438W - F814W"
    octaves: float | None = None  # between these two
    old_color: str | None = None  # in which light is compared with old stars


def measures_to_tell(rule, measures):
    """Return the names of the measures that are evidence for a rule, or for none."""
    names = []
    if rule is not None:
        names += measures_of_rule(rule)
    for name, least in _ALWAYS_TOLD.items():
        if name not in names and abs(measures.get(name, 0)) > least:
            names.append(name)
    return names


def measures_of_rule(rule):
    """Return the names of the measures of a rule that can be told."""
    names = []
    for condition in rule.conditions:
        name = condition.measure
        if name == "young light":  # in units that nobody knows
            name = "bluer than old"
        if name in _TEXTS:
            names.append(name)
    return names


def tell_measure(name, value, bands):
    """Return a measure in words, with the `ComparedBands` that it is taken from."""
    if name == "brightness" and value == NO_LIGHT:
        return "no brighter than the sky"
    if name in _PER_OCTAVE:
        value = value * bands.octaves
    ratio = f"{value:.2f}"
    factor = f"{value:.1f}"
    if value > _LARGEST_RATIO:
        ratio = factor = f"more than {_LARGEST_RATIO}"
    return _TEXTS[name].format(
        **bands._asdict(),
        value=value,
        size=abs(value),
        ratio=ratio,
        factor=factor,
        bluer="bluer" if value < 0 else "redder",
        redder="bluer" if value > 0 else "redder",
        brighter="brighter" if value > 0 else "fainter",
    )

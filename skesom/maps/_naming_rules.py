# SPDX-License-Identifier: BSD-3-Clause
"""Rules by which light gets a name: what it must measure, and why.

docs/names.md lists the rules with their sources and tells how often their names are
right, by docs/benchmarks/suggested_names.py.
"""

from typing import NamedTuple

import numpy as np

FAINT = -1.7  # mag per area above half of the light; fainter light is mostly sky
BRIGHT = 0.8  # mag per area, from where bulges, stars and nuclei are looked for
REDDER = 0.3  # mag per octave, than old stars: from where distant galaxies are
NAMES_WITHOUT_GALAXY = ("sky", "stars and nuclei")  # all others need a galaxy


class Condition(NamedTuple):
    """A limit, and the side of it on which a measure must lie."""

    measure: str
    side: int  # 1 above the limit, -1 below
    limit: float

    def holds(self, values):
        """Return where values lie on that side; nowhere if they are NaN."""
        with np.errstate(invalid="ignore"):
            return self.side * (np.asarray(values) - self.limit) > 0

    def is_broken(self, value):
        """Return whether a value lies on the other side, or on the limit."""
        return self.side * (value - self.limit) <= 0


class Rule(NamedTuple):
    """A name, what light must measure to have it, and why."""

    name: str
    conditions: tuple[Condition, ...]
    reason: str

    def holds(self, measures):
        """Return where all conditions are known and true.

        Measures are numbers, or arrays of one shape, by their names.
        """
        is_true = True
        for condition in self.conditions:
            is_true &= condition.holds(measures.get(condition.measure, np.nan))
        return is_true

    def is_broken(self, measure, value):
        """Return whether a value of a measure is on the wrong side of its limit."""
        return any(
            condition.is_broken(value)
            for condition in self.conditions
            if condition.measure == measure
        )


def _above(measure, limit):
    return Condition(measure, 1, limit)


def _below(measure, limit):
    return Condition(measure, -1, limit)


# The first rule that holds gives the name.
RULES = (
    Rule(
        name="sky",
        conditions=(_below("above noise", 0.5),),
        reason=(
            "Light that the noise of a pixel hides in all bands may be that of the sky."
        ),
    ),
    Rule(
        name="faint outskirts",
        conditions=(_above("below the sky", 0.0),),
        reason="The sky of a dark night is brighter; Patat (2003).",
    ),
    Rule(
        name="supernova remnants",
        conditions=(_above("[S II]", 80), _above("sulfur ratio", 0.4)),
        reason=(
            "Gas behind shocks has much [S II] beside H alpha; Mathewson & Clarke "
            "(1973)."
        ),
    ),
    Rule(
        name="[O III] sources",
        conditions=(_above("[O III]", 100), _above("oxygen ratio", 1.0)),
        reason=(
            "Such high ionization is that of planetary nebulae and of active nuclei; "
            "Osterbrock & Ferland (2006)."
        ),
    ),
    Rule(
        # 100 Angstrom of H alpha, and a third of it of [N II] in the same band.
        name="H II regions",
        conditions=(_above("H alpha", 133),),
        reason=(
            "Only stars younger than 7 Myr ionize so much hydrogen beside their light; "
            "Leitherer et al. (1999)."
        ),
    ),
    Rule(
        name="H II regions",
        conditions=(_above("[O III] alone", 20), _above("young light", 1.0)),
        reason="The same gas shines in [O III] too, where no band holds H alpha.",
    ),
    Rule(
        name="star clusters",
        conditions=(_above("compact", 2.5), _above("young light", 1.0)),
        reason=(
            "What is blue and not wider than the point-spread function is a cluster of "
            "young stars, or a hot star in front."
        ),
    ),
    Rule(
        name="stars and nuclei",
        conditions=(_above("compact", 2.5),),
        reason=(
            "What is bright and not wider than the point-spread function is a star in "
            "front, a compact star cluster or a nucleus."
        ),
    ),
    Rule(
        name="stars and nuclei",
        conditions=(_above("brightness", 1.5), _below("pieces", 3.0)),
        reason=(
            "What is bright and not wider than the point-spread function is a star in "
            "front, a compact star cluster or a nucleus."
        ),
    ),
    Rule(
        name="background galaxies",
        conditions=(
            _above("redder than old", REDDER),
            _below("brightness", 0.0),
            _below("pieces", 6.0),
        ),
        reason="Redshift makes small distant galaxies redder than old stars nearby.",
    ),
    Rule(
        name="faint outskirts",
        conditions=(
            _below("brightness", FAINT),
            _above("distance", 1.2),
            _below("depth", 10),
        ),
        reason=(
            "The light of discs and halos falls steeply outwards, to that of the sky."
        ),
    ),
    Rule(
        name="young stars",
        conditions=(_above("young light", 1.0),),
        reason=(
            "Stars of some 10 million years are blue, and give much of the near "
            "ultraviolet; Bruzual & Charlot (2003)."
        ),
    ),
    Rule(
        name="old stars, bulge",
        conditions=(_below("young light", 1.0), _above("above discs", 0.0)),
        reason="Old stars are red, and no disc is so bright; Freeman (1970).",
    ),
    Rule(
        name="old stars, bulge",
        conditions=(
            _above("color", 0.1),
            _above("bright center", BRIGHT),
            _above("width", 1),
        ),
        reason="Old stars are cool and red, and are most crowded in the bulge.",
    ),
    Rule(
        # The limit of the depth is measured in docs/populations.md.
        name="dust lanes",
        conditions=(_above("reddening", 0.0), _above("darker than both sides", 0.03)),
        reason=(
            "Only dust makes light redder than that of the oldest stars, and fainter "
            "than on both sides; Cardelli, Clayton & Mathis (1989)."
        ),
    ),
    Rule(
        name="reddest old stars",
        conditions=(_above("reddening", 0.0), _above("darker than around", 0.1)),
        reason=(
            "Light that is redder than the oldest stars of the Sun's metals is of "
            "stars with more of them, or behind dust that shows no lanes; Bruzual & "
            "Charlot (2003)."
        ),
    ),
    Rule(
        name="dust lanes",
        conditions=(_above("redder than old", 0.15), _above("darker than around", 0.1)),
        reason=(
            "Within a galaxy, only dust makes light redder than that of old stars, and "
            "fainter; Charlot & Fall (2000)."
        ),
    ),
    Rule(
        name="old stars, disc",
        conditions=(_below("young light", 1.0),),
        reason="Old stars are cool and red; Bruzual & Charlot (2003).",
    ),
)
# Names by the types of objects in NED and SIMBAD, where no rule holds.
NAMES_BY_TYPE = {
    "HII": "H II regions",
    "HII Region": "H II regions",
    "H II region": "H II regions",
    "SNR": "supernova remnants",
    "SN remnant": "supernova remnants",
    "*Cl": "star clusters",
    "Cl*": "star clusters",
    "star cluster": "star clusters",
    "*": "stars and nuclei",
    "Star": "stars and nuclei",
    "star": "stars and nuclei",
    "G": "background galaxies",
    "GGroup": "background galaxies",
    "GClstr": "background galaxies",
    "galaxy": "background galaxies",
    "PN": "[O III] sources",
    "planetary nebula": "[O III] sources",
}

# SPDX-License-Identifier: BSD-3-Clause
"""Types of celestial objects as NED abbreviates them, and how to draw each of them."""

import colorsys
from typing import NamedTuple

_GOLDEN_RATIO = (1 + 5**0.5) / 2
_SYMBOLS = ("circle", "box", "diamond", "cross", "x", "arrow", "boxcircle")


class ObjectType(NamedTuple):
    """What a type of objects is called and drawn with.

    Parameters
    ----------
    description : str
        Its name in words.
    symbol : str
        Its symbol in DS9.
    color : str
        Its color, a name or ``"#rrggbb"``.
    """

    description: str
    symbol: str
    color: str


# The types of NED, https://ned.ipac.caltech.edu/help/ui/nearname-list_objecttypes. No
# two of them look the same.
_EXTRAGALACTIC = {
    "*": ObjectType("star or point source", "cross", "green"),
    "**": ObjectType("double star", "cross", "red"),
    "*Ass": ObjectType("stellar association", "cross", "white"),
    "*Cl": ObjectType("star cluster", "circle", "blue"),
    "AbLS": ObjectType("absorption line system", "arrow", "yellow"),
    "Blue*": ObjectType("blue star", "cross", "blue"),
    "C*": ObjectType("carbon star", "cross", "yellow"),
    "EmLS": ObjectType("emission line source", "arrow", "green"),
    "EmObj": ObjectType("emission object", "arrow", "cyan"),
    "exG*": ObjectType("extragalactic star", "diamond", "green"),
    "Flare*": ObjectType("flare star", "x", "yellow"),
    "G": ObjectType("galaxy", "diamond", "magenta"),
    "GammaS": ObjectType("gamma-ray source", "boxcircle", "yellow"),
    "GClstr": ObjectType("cluster of galaxies", "diamond", "red"),
    "GGroup": ObjectType("group of galaxies", "diamond", "blue"),
    "GPair": ObjectType("pair of galaxies", "box", "blue"),
    "GTrpl": ObjectType("triple of galaxies", "box", "cyan"),
    "G_Lens": ObjectType("lensed image of a galaxy", "diamond", "cyan"),
    "HII": ObjectType("H II region", "circle", "green"),
    "IrS": ObjectType("infrared source", "box", "yellow"),
    "MCld": ObjectType("molecular cloud", "circle", "white"),
    "Neb": ObjectType("nebula", "boxcircle", "cyan"),
    "Nova": ObjectType("nova", "x", "cyan"),
    "Other": ObjectType("other", "diamond", "yellow"),
    "PN": ObjectType("planetary nebula", "circle", "yellow"),
    "PofG": ObjectType("part of a galaxy", "x", "white"),
    "Psr": ObjectType("pulsar", "x", "green"),
    "QGroup": ObjectType("group of quasars", "boxcircle", "red"),
    "QSO": ObjectType("quasar", "boxcircle", "blue"),
    "Q_Lens": ObjectType("lensed image of a quasar", "boxcircle", "magenta"),
    "RadioS": ObjectType("radio source", "box", "red"),
    "Red*": ObjectType("red star", "cross", "orange"),
    "RfN": ObjectType("reflection nebula", "circle", "red"),
    "SN": ObjectType("supernova", "circle", "magenta"),
    "SNR": ObjectType("supernova remnant", "circle", "cyan"),
    "UvES": ObjectType("ultraviolet excess source", "x", "magenta"),
    "UvS": ObjectType("ultraviolet source", "cross", "magenta"),
    "V*": ObjectType("variable star", "x", "red"),
    "VisS": ObjectType("visual source", "box", "green"),
    "WD*": ObjectType("white dwarf", "diamond", "white"),
    "WR*": ObjectType("Wolf-Rayet star", "x", "blue"),
    "XrayS": ObjectType("X-ray source", "cross", "cyan"),
}


def describe_types(types):
    """Tell what types of objects are called, and how to draw them.

    Parameters
    ----------
    types : iterable of str
        Abbreviations of NED (``"HII"``, and ``"!HII"`` for an H II region of our own
        Galaxy), or any other names.

    Returns
    -------
    described : dict of str to ObjectType
        Description, symbol of DS9 and color of each type, in order of appearance.
        Other names than those of NED describe themselves and are drawn in distinct
        colors.

    Examples
    --------
    >>> from skesom.io import describe_types
    >>> described = describe_types(["HII", "!SNR", "bubble"])
    >>> described["HII"]
    ObjectType(description='H II region', symbol='circle', color='green')
    >>> described["!SNR"].description, described["bubble"].description
    ('Galactic supernova remnant', 'bubble')
    """
    described = {}
    others = 0
    for name in dict.fromkeys(types):
        code = name.removeprefix("!")
        # NED shortens "!Flare*" to five letters.
        known = _EXTRAGALACTIC.get("Flare*" if code == "Flar*" else code)
        if known is None:
            hue = colorsys.hsv_to_rgb(others / _GOLDEN_RATIO % 1, 0.75, 0.95)
            color = "#" + "".join(f"{round(255 * part):02x}" for part in hue)
            known = ObjectType(name, _SYMBOLS[others % len(_SYMBOLS)], color)
            others += 1
        elif code != name:
            known = known._replace(description=f"Galactic {known.description}")
        described[name] = known
    return described

# SPDX-License-Identifier: BSD-3-Clause
"""Wavelengths of the common filters by their names, NaN for unknown names."""

import re

import numpy as np
from astropy import units

# Wavelengths in nm, rounded: they are only used to sort bands. Bands with a name of one
# letter are so similar in all surveys that the order is the same.
_BROAD = {
    **{"FUV": 153, "NUV": 231, "UVW2": 205, "UVM2": 225, "UVW1": 260},
    **{"u": 355, "U": 366, "B": 436, "g": 477, "V": 545, "VIS": 715},
    **{"r": 622, "R": 641, "i": 763, "I": 798, "z": 905, "Z": 878, "y": 963},
    **{"Rc": 641, "Ic": 798, "Y": 1020, "J": 1240, "H": 1650},
    **{"K": 2190, "Kp": 2120, "Ks": 2160},
    **{"W1": 3368, "W2": 4618, "W3": 12082, "W4": 22194},
}
_SURVEYS = frozenset(
    "2mass bessel bessell cfht cousins decam des euclid galex gunn hsc johnson kids "
    "kron legacy lsst lsstcam megacam nir nisp omegacam panstarrs ps1 rubin sdss sloan "
    "skymapper swift twomass ukidss ukirt uvot vhs video viking virac vircam vista vst "
    "vvv vvvx wfcam wise".split()
)
# Instruments whose bands are called by their wavelengths in micrometers.
_MICROMETERS = {
    "wise": (3.4, 4.6, 12, 22),
    "irac": (3.6, 4.5, 5.8, 8),
    "mips": (24, 70, 160),
    "spitzer": (3.6, 4.5, 5.8, 8, 24, 70, 160),
    "pacs": (70, 100, 160),
    "spire": (250, 350, 500),
    "herschel": (70, 100, 160, 250, 350, 500),
    "iras": (12, 25, 60, 100),
    "akari": (9, 18, 65, 90, 140, 160),
    "scuba": (450, 850),
    "scuba2": (450, 850),
}
_CHANNELS = {
    **{"irac1": 3600, "irac2": 4500, "irac3": 5800, "irac4": 8000},
    **{"psw": 250000, "pmw": 350000, "plw": 500000},
}
_LINES = {
    **{"lya": 121.6, "lyalpha": 121.6, "oii": 372.7, "heii": 468.6, "oiii": 500.7},
    **{"ha": 656.3, "halpha": 656.3, "hb": 486.1, "hbeta": 486.1, "hgamma": 434.0},
    **{"oi": 630.0, "nii": 658.3, "sii": 672.4, "siii": 953.1, "feii": 1644},
    **{"pabeta": 1282, "paalpha": 1875, "brgamma": 2166, "bralpha": 4052},
}
# The number of these is ten times what it is on Hubble's optical cameras.
_INFRARED = frozenset(
    # WFC3
    "F098M F105W F110W F125W F126N F127M F128N F130N F132N F139M F140W F153M F160W "
    "F164N F167N "
    # NICMOS
    "F090M F095N F097N F108N F110M F113N F145M F150W F165M F166N F170M F171M F175W "
    "F180M F187N F187W F190N F196N F200N F204M F205W F207M F212N F215N F216N F222M "
    "F237M F240M "
    # NIRCam and NIRISS
    "F070W F090W F115W F140M F150W2 F158M F162M F182M F200W F210M F250M F277W F300M "
    "F322W2 F323N F335M F356W F360M F380M F405N F430M F444W F460M F466N F470N F480M "
    # MIRI
    "F560W F770W F1000W F1065C F1130W F1140C F1280W F1500W F1550C F1800W F2100W F2300C "
    "F2550W".split()
)
_OPTICAL = frozenset(
    # WFC3
    "F218W F225W F275W F280N F300X F336W F343N F373N F390M F390W F395N F438W F467M "
    "F469N F475W F475X F487N F502N F547M F555W F606W F621M F625W F631N F645N F656N "
    "F657N F658N F665N F673N F680N F689M F763M F775W F814W F845M F953N "
    # ACS
    "F220W F250W F330W F344N F435W F550M F660N F892N F122M "
    # WFPC2
    "F160BW F170W F185W F255W F300W F375N F380W F390N F437N F439W F450W F569W F588N "
    "F622W F675W F702W F791W F1042M "
    # long-pass filters of narrow response
    "F785LP F850LP F115LP F125LP F140LP F150LP F165LP".split()
)
# Long-pass filters whose number is an edge far from the middle, in nm.
_EDGES = {"F200LP": 497, "F350LP": 585, "F600LP": 747}
_AMBIGUOUS = {"F410M": (410, 4100)}  # on WFC3 or WFPC2, and on NIRCam
_HUBBLE = frozenset("acs hst hubble wfc3 wfpc2 uvis wfpc".split())
_WEBB = frozenset("jwst nircam webb".split())
_LENGTHS = {
    **{"nm": "nm", "um": "um", "micron": "um", "microns": "um", "mum": "um"},
    **{"A": "Angstrom", "angstrom": "Angstrom", "ang": "Angstrom"},
    **{"ghz": "GHz", "mhz": "MHz"},
}
_FEWEST_ANGSTROM = 900  # below, the letter A is no unit
_LATIN = str.maketrans(
    {
        **{"\N{GREEK SMALL LETTER ALPHA}": "alpha", "\N{MICRO SIGN}": "u"},
        **{"\N{GREEK SMALL LETTER BETA}": "beta", "\N{GREEK SMALL LETTER MU}": "u"},
        **{"\N{GREEK SMALL LETTER GAMMA}": "gamma", "\N{ANGSTROM SIGN}": "A"},
        "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}": "A",
    }
)
_MEASURE = re.compile(r"(\d+(?:\.\d+)?)[ _]?([A-Za-z]+)")


def filter_wavelength(name):
    """Return the wavelength of a band by its name."""
    if not name:
        return np.nan
    text = name.strip().translate(_LATIN)
    alone = _alone(text)
    if np.isfinite(alone):
        return alone
    words = [word for word in re.split(r"[^A-Za-z0-9.]+", text) if word]
    known = {word.lower() for word in words}
    found = {_word(word, known) for word in words}
    found |= {_measured(match) for match in _MEASURE.finditer(text.replace("_", " "))}
    found = {wavelength for wavelength in found if np.isfinite(wavelength)}
    return found.pop() if len(found) == 1 else np.nan


def named_line(name):
    """Return the key in the table of lines of the only line in a name, else None."""
    text = str(name).strip().translate(_LATIN)
    joined = _joined(text)
    if joined in _LINES:
        return joined
    words = {word.lower() for word in re.split(r"[^A-Za-z0-9.]+", text)}
    found = [word for word in words if len(word) > 2 and word in _LINES]
    return found[0] if len(found) == 1 else None


def _joined(text):
    """Return a name without brackets and spaces, in lower case."""
    return re.sub(r"[\[\]\s_-]", "", text).lower()


def _alone(text):
    """Return the wavelength of a name that is only a band."""
    if text in _BROAD:
        return _BROAD[text]
    match = _MEASURE.fullmatch(text)
    if match:
        return _measured(match)
    if _joined(text) in _LINES:
        return _LINES[_joined(text)]
    # Primes mark the filters of the first Sloan survey (g'), numbers those of MegaCam
    # and Pan-STARRS (g.MP9402, g.00000).
    match = re.fullmatch(r"([ugrizy])('|\.MP\d{4}|\.\d{5})", text)
    return _BROAD[match[1]] if match else np.nan


def _word(word, known):
    """Return the wavelength of a word; `known` are all words in lower case."""
    upper, lower = word.upper(), word.lower()
    if upper in _AMBIGUOUS:
        optical, infrared = _AMBIGUOUS[upper]
        if bool(known & _HUBBLE) == bool(known & _WEBB):
            return np.nan
        return optical if known & _HUBBLE else infrared
    if upper in _EDGES:
        return _EDGES[upper]
    if upper in _INFRARED | _OPTICAL or re.fullmatch(r"FQ\d{3}N", upper):
        number = float(re.search(r"\d+", word)[0])
        return 10 * number if upper in _INFRARED else number
    if upper in ("FUV", "NUV", "UVW1", "UVM2", "UVW2"):
        return _BROAD[upper]
    if word in ("Ks", "W1", "W2", "W3", "W4") or known & _SURVEYS:
        if word in _BROAD and lower not in _SURVEYS:
            return _BROAD[word]
    if lower in _CHANNELS:
        return _CHANNELS[lower]
    if len(word) > 2 and lower in _LINES:
        return _LINES[lower]
    return _band_in_micrometers(word, known)


def _band_in_micrometers(word, known):
    """Return the wavelength of a number beside the name of an instrument."""
    match = re.fullmatch(r"([A-Za-z]+2?(?=\d))?(\d+(?:\.\d+)?)", word)
    if match is None:
        return np.nan
    names = {match[1].lower()} if match[1] else known
    bands = {band for name in names for band in _MICROMETERS.get(name, ())}
    return 1000 * float(match[2]) if float(match[2]) in bands else np.nan


def _measured(match):
    """Return the wavelength of a number with a unit of length or frequency."""
    number, letters = float(match[1]), match[2]
    unit = _LENGTHS.get(letters if len(letters) == 1 else letters.lower())
    if unit is None or number == 0:
        return np.nan
    if letters == "A" and number < _FEWEST_ANGSTROM:
        return np.nan
    wavelength = (number * units.Unit(unit)).to_value(units.nm, units.spectral())
    return float(f"{wavelength:.6g}")  # equal for each unit

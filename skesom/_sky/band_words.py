# SPDX-License-Identifier: BSD-3-Clause
"""Words in the names of bands."""

import re
from itertools import pairwise

_LATIN = str.maketrans(
    {
        "\N{GREEK SMALL LETTER ALPHA}": "alpha",
        "\N{GREEK SMALL LETTER BETA}": "beta",
        "\N{GREEK SMALL LETTER GAMMA}": "gamma",
        "\N{GREEK SMALL LETTER MU}": "u",
        "\N{MICRO SIGN}": "u",
        "\N{ANGSTROM SIGN}": "A",
        "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}": "A",
    }
)
_SEPARATOR = re.compile(r"[^A-Za-z0-9.]+|\.(?!\d)|(?<!\d)\.")
# A survey and a band, or a filter of Hubble or Webb and what a file of it holds,
# without anything between them.
_TWO_IN_ONE = re.compile(
    r"(?i)(sdss|2mass|ps1|dss[12]?)(.+)|([ugrizy])(sdss)"
    r"|(f\d{3,4}(?:lp|[wmnx]))(sci|drz|drc|flt|flc|cal|i2d|img|wht|err)"
)
_FIELD = re.compile(r"\d+\.\d+[^\W_]*|[^\W_]+")


def to_latin(name):
    """Return the name of a band with the Greek letters and signs of units in Latin."""
    return str(name or "").strip().translate(_LATIN)


def split_words(name):
    """Return the words of a name, and what two of them say together.

    "hst_wfc3 f814wdrz" has the words hst, wfc3 and f814wdrz. Read as a filter may be
    also the halves of a word, f814w and drz, and neighbors without the space, hstwfc3.
    """
    words = [word for word in _SEPARATOR.split(name) if word]
    halves = []
    for word in words:
        match = _TWO_IN_ONE.fullmatch(word)
        if match is not None:
            halves += [half for half in match.groups() if half]
    return words + halves + [first + second for first, second in pairwise(words)]


def split_fields(name):
    """Return the words and numbers between the separators of a name, in order."""
    return _FIELD.findall(name)


def differing_words(names, is_kept=None):
    """Return names without the words at their beginning and end that all share.

    Parameters
    ----------
    names : list of str
    is_kept : callable, default=None
        Says of a word whether it stays, with all words between it and the middle.

    Returns
    -------
    names : list of str
        Empty where nothing is left.
    """
    fields = [split_fields(name) for name in names]
    n_first = _count_shared(fields, is_kept)
    fields = [words[n_first:] for words in fields]
    n_last = _count_shared([words[::-1] for words in fields], is_kept)
    fields = [words[: len(words) - n_last] for words in fields]
    shorter = []
    for name, words in zip(names, fields, strict=True):
        # With the separators as they are between the words that stay.
        shorter.append(re.search(r"[\W_]+".join(words), name)[0])
    return shorter


def _count_shared(fields, is_kept):
    """Return how many words all names share at their beginning, up to a kept one."""
    n_shared = 0
    for words in zip(*fields, strict=False):
        if len(set(words)) > 1:
            break
        if is_kept is not None and is_kept(words[0]):
            break
        n_shared += 1
    return n_shared

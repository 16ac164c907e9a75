# SPDX-License-Identifier: BSD-3-Clause
"""Values of FITS header cards: numbers, and words that name a telescope."""

import math
import re

_SETUP_CARDS = ("TELESCOP", "INSTRUME", "ORIGIN", "SURVEY", "DATASET")


def first_card(headers, card):
    """Return the value of a card in the first header that has it, else None."""
    for header in headers:
        if card in header:
            return header[card]
    return None


def is_number(value):
    """Return whether a card holds a finite real number."""
    is_real = isinstance(value, int | float) and not isinstance(value, bool)
    return is_real and math.isfinite(value)


def is_positive(value):
    """Return whether a card holds a positive finite number."""
    return is_number(value) and value > 0


def setup_words(headers):
    """Return the words in the cards of telescope, instrument and survey."""
    texts = []
    for card in _SETUP_CARDS:
        value = first_card(headers, card)
        if value:
            texts.append(str(value))
    return words_of(" ".join(texts))


def words_of(text):
    """Return the words of a text, of letters and digits."""
    return re.findall("[A-Za-z0-9]+", text)


def setup_and_band_words(headers, names):
    """Return the words of the setup, and those of the name of an only band."""
    words = setup_words(headers)
    if len(names) == 1:  # NGC5584_GALEX_NUV, g DECam SDSS
        words += words_of(f"{names[0]} {first_card(headers, 'FILTER')}")
    return words

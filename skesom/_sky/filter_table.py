# SPDX-License-Identifier: BSD-3-Clause
"""The tables of filters.txt: filters, lines, telescopes and units in headers."""

from importlib import resources


def _read_tables():
    """Return the numbers of the names under each title, None for names without one."""
    tables = {}
    file = resources.files("skesom._sky") / "filters.txt"
    for row in file.read_text(encoding="utf-8").splitlines():
        title, _, entries = row.partition(": ")
        if row.startswith("#") or not entries:
            continue
        table = tables.setdefault(title, {})  # a title may have several rows
        for entry in entries.split():
            name, _, number = entry.partition("=")
            table[name] = float(number) if number else None
    return tables


_TABLES = _read_tables()


def _tables_by_subject(kind):
    """Return the tables of a kind by their subjects: "beside wise" is about wise."""
    prefix = f"{kind} "
    return {
        title.removeprefix(prefix): table
        for title, table in _TABLES.items()
        if title.startswith(prefix)
    }


def _subjects_by_name(kind):
    """Return the subject that each name of a kind of tables stands for."""
    subjects = {}
    for subject, table in _tables_by_subject(kind).items():
        subjects.update(dict.fromkeys(table, subject))
    return subjects


# Wavelengths in nm.
BARE_NAMES = _TABLES["alone"]  # names that are nothing but a filter; case counts
FILTER_WORDS = _TABLES["word"]  # words of any name, in lower case
LINES = _TABLES["line"]
INSTRUMENT_BANDS = _tables_by_subject("beside")  # words beside those of an instrument
BAND_SETS = _tables_by_subject("together")  # names that tell only beside each other

# Filters such as F814W, with the nm that one of their number stands for.
NUMBERED_FILTERS = {
    "hubble": {
        **dict.fromkeys(_TABLES["hubble"], 1),
        **dict.fromkeys(_TABLES["hubble10"], 10),
    },
    "webb": dict.fromkeys(_TABLES["webb10"], 10),
}
# Words that say which of the two telescopes a filter belongs to.
TELESCOPE_WORDS = {
    telescope: frozenset(table)
    for telescope, table in _tables_by_subject("words for").items()
}

# Surveys and cameras beside whose names a letter is a filter: of u g r i z y, of the
# near infrared, any.
SLOAN_SURVEYS = frozenset(_TABLES["ab"])
INFRARED_SURVEYS = frozenset(_TABLES["infrared"])
LETTER_SURVEYS = SLOAN_SURVEYS | INFRARED_SURVEYS | frozenset(_TABLES["letters"])
# Every word that says which names of filters to expect. The p of p70 (PACS) does so
# only where nothing is between them.
INSTRUMENT_WORDS = (
    LETTER_SURVEYS
    | (INSTRUMENT_BANDS.keys() - {"p"})
    | TELESCOPE_WORDS["hubble"]
    | TELESCOPE_WORDS["webb"]
)

# Lines that narrow filters, or words for lines, hold, and widths of filters in nm.
FILTER_LINES = _subjects_by_name("holds")
FILTER_WIDTHS = _TABLES["width"]

# Zero points.
AB_SURVEYS = SLOAN_SURVEYS | frozenset(_TABLES["calibrated"])
VEGA_OFFSETS = _tables_by_subject("vega")  # AB minus Vega magnitudes
ZERO_POINT_CARDS = tuple(_TABLES["zero point"])

# What else telescopes write in headers.
CHANNELS = {
    instrument: tuple(names)
    for instrument, names in _tables_by_subject("number").items()
}
MIRRORS = _TABLES["mirror"]  # diameters in m
WAVELENGTH_UNITS = _tables_by_subject("unit")  # of wavelengths in cards, telescopes
UNIT_SPELLINGS = _subjects_by_name("spelling")
LENGTH_UNITS = _subjects_by_name("length")  # of words behind numbers in names

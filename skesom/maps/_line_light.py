# SPDX-License-Identifier: BSD-3-Clause
"""Light of gas: equivalent widths and ratios of emission lines.

Each function takes a `Photometry`, whose planes may be images or lists of clusters, and
returns arrays of the shape of a plane.
"""

import numpy as np

from skesom._sky.narrow_bands import HYDROGEN, OXYGEN, SULFUR

# The line of each equivalent width. [O III] is measured alone where no band holds
# H alpha.
LINES = {
    "H alpha": HYDROGEN,
    "[S II]": SULFUR,
    "[O III]": OXYGEN,
    "[O III] alone": OXYGEN,
}
_USUAL_WIDTH = 8.0  # nm, of narrow bands whose width is not known
_FAR = 0.1  # octaves from a line, from where one continuum band has another color


def line_light(photometry):
    """Return equivalent widths in Angstrom and ratios of lines, by their names.

    Widths count from a power law between the continuum bands.
    """
    hydrogen = line_band(photometry, HYDROGEN)
    sulfur = line_band(photometry, SULFUR)
    oxygen = line_band(photometry, OXYGEN)
    measures = {}
    if hydrogen is not None:
        measures["H alpha"] = _equivalent_width(photometry, hydrogen)
    if sulfur is not None:
        measures["[S II]"] = _equivalent_width(photometry, sulfur)
    if oxygen is not None:
        # Where H alpha is seen, it tells more of the same gas.
        name = "[O III]" if hydrogen is not None else "[O III] alone"
        measures[name] = _equivalent_width(photometry, oxygen)
    for name, band in (("sulfur ratio", sulfur), ("oxygen ratio", oxygen)):
        if _have_ratio(photometry, band, hydrogen):
            flux = photometry.line_flux(band)
            hydrogen_flux = photometry.line_flux(hydrogen)
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = flux / hydrogen_flux
            measures[name] = np.where(hydrogen_flux > 0, ratio, np.nan)
    return measures


def _have_ratio(photometry, *bands):
    """Return whether all these lines have a band, and that has a zero point."""
    return all(
        band is not None and photometry.is_line_calibrated(band) for band in bands
    )


def complete_continua(photometry):
    """Give [S II] the continuum of H alpha, 17 nm away, if its own is on one side."""
    hydrogen = line_band(photometry, HYDROGEN)
    sulfur = line_band(photometry, SULFUR)
    if hydrogen is None or sulfur is None:
        return
    continuum = photometry.continua[hydrogen]
    if len(photometry.continua[sulfur]) < len(continuum):
        photometry.continua = photometry.continua | {sulfur: continuum}


def line_band(photometry, line):
    """Return the first band with a continuum that holds a line, None without one."""
    for name in photometry.continua:
        if photometry.filters[name].line == line:
            return name
    return None


def line_excess(photometry, band):
    """Return the magnitudes of a band above its continuum.

    A continuum far on one side has another color than the light below the line: NaN.
    """
    excess = photometry.excess(band)
    continuum = photometry.continua[band]
    if len(continuum) == 1:
        nm = photometry.wavelengths
        if abs(np.log2(nm[continuum[0]] / nm[band])) > _FAR:
            return np.full(excess.shape, np.nan)
    return excess


def _equivalent_width(photometry, band):
    """Return the equivalent width of a line in Angstrom."""
    nm = photometry.filters[band].width
    if np.isnan(nm):
        nm = _USUAL_WIDTH
    return 10 * nm * (10 ** (0.4 * line_excess(photometry, band)) - 1)

# SPDX-License-Identifier: BSD-3-Clause
"""Words that tell each cluster from all others, as in "reddest in J - K, bright"."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from skesom.maps._cluster_light import SIGMAS

_REDDER = 0.1  # octaves between bands of which one is redder; less is within a line
# Magnitudes of colors and of brightness that people would call different.
_LEAST_COLOR = 0.1
_LEAST_BRIGHTNESS = 0.3


class Axis(NamedTuple):
    """Values by which clusters are ordered, and the words for both ends."""

    highest: str
    lowest: str
    bands: str
    values: np.ndarray  # of shape (n_clusters,)
    least: np.ndarray  # differences that are sure, of the same shape
    is_relative: bool  # to the mean, which parts red from blue


class Claim(NamedTuple):
    """The place of a cluster on an axis; the least claim tells most."""

    is_unsure: bool
    rank: int  # from the nearer end, unknown values as if they were beyond
    minus_gap: float  # the distance to the next cluster, in sure differences
    words: str


def describe_clusters(clusters, brightness):
    """Return a text for each cluster of a `ClusterLight`, no two of them equal.

    Parameters
    ----------
    clusters : ClusterLight
        Of n_clusters.
    brightness : ndarray of shape (n_clusters,)
        Magnitudes above the brightness that half of the light exceeds.

    Returns
    -------
    texts : list of str
        The place of each cluster on the axis on which it stands out most.
    """
    if len(clusters.ids) == 1:
        return ["the only cluster"]
    axes_of_bands = _axes_of_bands(clusters)
    axes_of_colors = _axes_of_colors(clusters)
    axes = [*axes_of_bands, *axes_of_colors, *_axes_of_lines(clusters)]
    # The last color is that of the two bands that tell most, and lines tell of gas.
    # All others are told if a cluster is one place nearer to an end in them.
    n_minor = len(axes_of_bands) + len(axes_of_colors) - 1
    texts = []
    for place, cluster in enumerate(clusters.ids):
        claims = [_claim_of(axis, place) for axis in axes]
        best = _best_claim(claims, len(axes_of_bands), n_minor, clusters.brightest_band)
        if best is None:
            texts.append(f"cluster {cluster}, not told from others by brightness")
            continue
        text = claims[best].words
        is_same_in_all_bands = all(
            claim is not None and claim.words == text
            for claim in claims[: len(axes_of_bands)]
        )
        if not is_same_in_all_bands:
            text += axes[best].bands
        is_told_by_brightness = best < len(axes_of_bands)
        if not is_told_by_brightness and abs(brightness[place]) > _LEAST_BRIGHTNESS:
            text += ", bright" if brightness[place] > 0 else ", faint"
        texts.append(text)
    return texts


def _axes_of_bands(clusters):
    """Return the axes of brightness, one for each band."""
    least_share = 10 ** (0.4 * _LEAST_BRIGHTNESS) - 1
    axes = []
    for name, noise, fluxes in zip(
        clusters.band_names, clusters.noise, clusters.fluxes.T, strict=True
    ):
        axis = Axis(
            highest="brightest",
            lowest="faintest",
            bands=f" in {name}",
            values=fluxes,
            least=np.fmax(least_share * np.abs(fluxes), noise + 1e-99),
            is_relative=False,
        )
        axes.append(axis)
    return axes


def _axes_of_colors(clusters):
    """Return the axes of colors: neighboring bands, then the two that tell most.

    Those two are bands that tell ages, or the first and the last; lines are left out.
    """
    lines = clusters.photometry.continua
    others = [
        name
        for name in clusters.band_names
        if name not in clusters.broad_bands and name not in lines
    ]
    names = [*clusters.broad_bands, *others]
    if not names:
        return []
    axes = []
    for blue, red in [*pairwise(names), clusters.color_bands or (names[0], names[-1])]:
        color, error = clusters.color(blue, red)
        octaves = np.log2(clusters.wavelengths[red] / clusters.wavelengths[blue])
        if octaves >= _REDDER:
            highest, lowest = "reddest", "bluest"
            bands = f" in {blue} - {red}"
        else:  # wavelengths are not known, or too near
            highest = f"highest {red} / {blue}"
            lowest = f"highest {blue} / {red}"
            bands = ""
        axis = Axis(
            highest=highest,
            lowest=lowest,
            bands=bands,
            values=color,
            least=np.fmax(_LEAST_COLOR, SIGMAS * error),
            is_relative=True,
        )
        axes.append(axis)
    return axes


def _axes_of_lines(clusters):
    """Return the axes of narrow bands above their continuum."""
    axes = []
    for name in clusters.photometry.continua:
        line = clusters.photometry.filters[name].line or "the line"
        excess, error = clusters.excess(name)
        axis = Axis(
            highest="most light",
            lowest="least light",
            bands=f" in {line} ({name})",
            values=excess,
            least=np.fmax(_LEAST_COLOR, SIGMAS * error),
            is_relative=True,
        )
        axes.append(axis)
    return axes


def _claim_of(axis, place):
    """Return the claim of a cluster to its place on an axis.

    None if other clusters share the place, nothing is known of it, or the words would
    mislead: as red as few others, but bluer than the mean.
    """
    value = axis.values[place]
    least = axis.least[place]
    others = np.delete(axis.values, place)
    gap = np.nanmin(np.abs(others - value), initial=np.inf)
    if gap == 0 or not np.isfinite(gap):
        return None
    n_above = np.count_nonzero(others > value)
    n_below = np.count_nonzero(others < value)
    is_high = n_above <= n_below
    if axis.is_relative and (value > 0) != is_high:
        return None
    if is_high:
        rank = n_above
        word = axis.highest
    else:
        rank = n_below
        word = axis.lowest
    ordinals = ("", "2nd ", "3rd ")
    ordinal = ordinals[rank] if rank < len(ordinals) else f"{rank + 1}th "
    return Claim(
        is_unsure=not gap > least,
        rank=rank + np.count_nonzero(np.isnan(others)),
        minus_gap=-gap / least,
        words=f"{ordinal}{word}",
    )


def _best_claim(claims, n_bands, n_minor, brightest_band):
    """Return the number of the claim that tells most, None if there is none.

    Brightness may be unsure, in the brightest band best; colors and lines may not. A
    minor axis needs a place that is nearer to an end.
    """
    best = None
    for number, claim in enumerate(claims):
        if claim is None or (claim.is_unsure and number >= n_bands):
            continue
        is_doubtful = claim.is_unsure and number != brightest_band
        rank = claim.rank + 1 if number < n_minor else claim.rank
        key = (is_doubtful, rank, claim, number)
        if best is None or key < best:
            best = key
    return None if best is None else best[-1]

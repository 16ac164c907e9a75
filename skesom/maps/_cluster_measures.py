# SPDX-License-Identifier: BSD-3-Clause
"""What the light of clusters measures, for the rules of names.

Measures are arrays of shape (n_clusters,) by their names in the rules.
"""

import numpy as np
from scipy import ndimage

from skesom._common.labels import MASKED
from skesom._sky.lengths import star_width
from skesom._sky.narrow_bands import HYDROGEN
from skesom.maps._cluster_light import SIGMAS, star_area
from skesom.maps._evidence import NO_LIGHT, ComparedBands
from skesom.maps._line_light import LINES, line_band, line_excess, line_light
from skesom.maps._naming_rules import BRIGHT, FAINT, REDDER
from skesom.maps._star_light import StarLight
from skesom.maps._surface_brightness import brightness_over_discs, depth_below_sky

_LEAST = 0.1  # mag, that people would call different
_WIDE = 5.0  # widths of a star, of pieces that are wider than stars
_RESOLVED = 0.5  # share of the light in such pieces, of a galaxy


def measure_clusters(clusters):
    """Return what the rules ask of a `ClusterLight`, and the bands that were used."""
    photometry = clusters.photometry
    is_seen = np.isfinite(clusters.magnitude_errors).any(axis=1)
    has_flux = np.isfinite(clusters.fluxes).any(axis=1)
    bands = compared_bands(clusters)
    measures = {
        "above noise": np.where(has_flux, is_seen, np.nan),
        **measure_places(clusters),
    }
    brightness = measures["brightness"]
    # Widths take time, and the rules on them are for bright light and distant galaxies.
    asks_for_width = brightness > BRIGHT
    if clusters.color_bands is not None:
        color, error = clusters.color(*clusters.color_bands)
        measures |= _compare_colors(color, error, bands.octaves, brightness)
        stars, colors, errors = learn_old_stars(clusters)
        measures["young light"] = stars.young_light(colors, errors)
        measures["bluer than old"] = stars.bluer_than_old(colors)
        asks_for_width |= measures["redder than old"] > REDDER
    measures |= _measure_lines(clusters)
    measures |= _measure_widths(clusters, asks_for_width)
    surface = _in_clusters(brightness_over_discs(photometry), clusters)
    measures["above discs"] = surface
    if np.isnan(surface).all():  # no zero point, or no pixel scale
        measures["bright center"] = brightness
    depth = depth_below_sky(photometry, clusters.level, clusters.flux_errors)
    measures["below the sky"] = _in_clusters(depth, clusters)
    return measures, bands


def compared_bands(clusters):
    """Return the bands from which clusters are measured, for texts."""
    line = line_band(clusters.photometry, HYDROGEN)
    if clusters.color_bands is None:
        return ComparedBands(line)
    blue, red = clusters.color_bands
    stars = StarLight(clusters.photometry, clusters.color_bands)
    return ComparedBands(
        line=line,
        color=f"{blue} - {red}",
        octaves=float(np.log2(clusters.wavelengths[red] / clusters.wavelengths[blue])),
        old_color=" - ".join(stars.pairs[-1]),
    )


def learn_old_stars(clusters):
    """Return the `StarLight` of a galaxy, and the colors of clusters with errors."""
    stars = StarLight(clusters.photometry, clusters.color_bands)
    colors, errors = clusters.stellar_colors(stars)
    stars.learn_old_stars(colors, clusters.n_pixels, errors)
    return stars, colors, errors


def measure_places(clusters):
    """Return how bright clusters are, how far out, and what is around them.

    Returns
    -------
    measures : dict of str to ndarray of shape (n_clusters,)
        "brightness" per area, in magnitudes above the level that half of the light
        exceeds; "depth", the flux by the noise of a pixel; "distance" from the middle
        of the light, by the mean distance of the light; "darker than around", in
        magnitudes below the pixels next to the cluster; and "resolved", the share of
        the light in pieces wider than stars, the same for all.
    """
    labels, ids = clusters.labels, clusters.ids
    band = clusters.brightest_band
    fluxes = clusters.fluxes[:, band]
    is_above_error = fluxes > clusters.flux_errors[:, band]
    noise = clusters.noise[band] or np.inf
    brightness = _relative_brightness(clusters, is_above_error)
    is_seen = np.isfinite(clusters.magnitude_errors).any(axis=1)
    is_lit = is_seen & (brightness > FAINT)
    # Pixels have the flux of their cluster, and 0 in none. Labels below 0 take the last
    # place of these lists.
    flux_of_label = np.zeros(labels.max() + 2)
    flux_of_label[ids] = np.nan_to_num(fluxes)
    light_of_label = np.zeros(labels.max() + 2)
    light_of_label[ids] = np.where(is_lit, np.nan_to_num(fluxes), 0)
    label_or_last = np.maximum(labels, -1)
    light = light_of_label[label_or_last]
    light[clusters.star_halos] = 0
    light /= light.sum() or 1.0
    y, x = np.indices(light.shape)
    distances = np.hypot(y - (y * light).sum(), x - (x * light).sum())
    mean_distance = max((distances * light).sum(), 1.0)
    resolved = _share_wider_than_stars(light, star_area(clusters.cube))
    sums, n_around = _sums_around(labels, flux_of_label[label_or_last])
    seen = np.where(is_above_error, fluxes, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        darkness = 2.5 * np.log10(sums[ids] / (n_around[ids] * seen))
    return {
        "brightness": brightness,
        "depth": np.where(fluxes > 0, fluxes / noise, np.nan),
        "darker than around": darkness,
        "distance": ndimage.mean(distances, labels, ids) / mean_distance,
        "resolved": np.full(len(ids), resolved),
    }


def shows_galaxy(clusters, measures):
    """Return whether there is a galaxy wider than stars, and not of noise alone."""
    return clusters.shows_structure and bool(measures["resolved"][0] > _RESOLVED)


def _relative_brightness(clusters, is_above_error):
    """Return magnitudes per area above the level that half of the light exceeds.

    Light that is not above its error has `NO_LIGHT`.
    """
    magnitude = np.where(is_above_error, clusters.magnitude(), np.nan)
    light = np.nan_to_num(clusters.n_pixels * 10 ** (-0.4 * magnitude))
    order = np.argsort(magnitude)
    half = np.searchsorted(np.cumsum(light[order]), 0.5 * light.sum())
    level = magnitude[order[min(half, len(order) - 1)]]
    brightness = level - magnitude
    return np.where(np.isfinite(brightness), brightness, NO_LIGHT)


def _share_wider_than_stars(light, area_of_star):
    """Return the share of an image of light in pieces that are wider than stars."""
    pieces, _ = ndimage.label(light > 0, structure=np.ones((3, 3)))
    is_wide = np.bincount(pieces.ravel()) > _WIDE**2 * area_of_star
    return light[is_wide[pieces]].sum()


def _sums_around(labels, image):
    """Return the sum of the pixels that touch each cluster from outside, and how many.

    Pixels without data do not count. A pixel counts once for each side by which it
    touches the cluster.
    """
    sums = np.zeros(labels.max() + 1)
    counts = np.zeros(labels.max() + 1)
    first_rows, last_rows = np.s_[:-1], np.s_[1:]
    first_columns, last_columns = np.s_[:, :-1], np.s_[:, 1:]
    for inside, outside in (
        (last_rows, first_rows),
        (first_rows, last_rows),
        (last_columns, first_columns),
        (first_columns, last_columns),
    ):
        is_edge = labels[inside] != labels[outside]
        is_edge &= labels[inside] >= 0
        is_edge &= labels[outside] > MASKED
        numbers = labels[inside][is_edge]
        sums += np.bincount(numbers, image[outside][is_edge], len(sums))
        counts += np.bincount(numbers, minlength=len(counts))
    return sums, counts


def _compare_colors(color, error, octaves, brightness):
    """Return colors per octave of wavelength, relative to the mean and to old stars.

    The old stars are the brightest light that is redder than the mean; NaN if there is
    none.
    """
    relative = _significant(color, error)
    oldest = np.where(relative > 0, brightness, -np.inf).argmax()
    redder = _significant(color - color[oldest], np.hypot(error, error[oldest]))
    if not relative[oldest] > 0:
        redder = np.full(redder.shape, np.nan)
    return {"color": relative / octaves, "redder than old": redder / octaves}


def _significant(values, errors):
    """Return values, 0 where they are small or within their errors."""
    is_small = np.abs(values) <= np.fmax(_LEAST, SIGMAS * errors)
    return np.where(is_small, 0.0, values)


def _measure_lines(clusters):
    """Return the light of lines, 0 where it is small or within its error."""
    photometry = clusters.photometry
    measures = {name: light[0] for name, light in line_light(photometry).items()}
    for name in measures.keys() & LINES.keys():
        band = line_band(photometry, LINES[name])
        excess = line_excess(photometry, band)[0]
        relative_excess, error = clusters.excess(band)
        light = np.where(np.isnan(relative_excess), np.nan, measures[name])
        is_zero = _significant(excess, error) == 0
        measures[name] = np.where(is_zero, 0.0, light)
    return measures


def _measure_widths(clusters, is_asked):
    """Return the width of the median piece of clusters, by that of a star.

    NaN where it is not asked for. It is the "width"; and that of "pieces", if the width
    of a star is known.
    """
    area = star_area(clusters.cube)
    widths = np.full(len(is_asked), np.nan)
    for number in np.flatnonzero(is_asked):
        inside = clusters.labels == clusters.ids[number]
        pieces, _ = ndimage.label(inside, structure=np.ones((3, 3)))
        size_at_pixel = np.bincount(pieces[inside])[pieces[inside]]
        widths[number] = np.sqrt(np.median(size_at_pixel) / area)
    measures = {"width": widths}
    if star_width(clusters.cube)[1]:
        measures["pieces"] = widths
    return measures


def _in_clusters(values, clusters):
    """Return the clusters' row of a measure of `photometry`; NaN if there is none."""
    if np.ndim(values) == 0:
        return np.full(len(clusters.ids), values)
    return values[0]

# SPDX-License-Identifier: BSD-3-Clause
"""Populations: light of one suggested name, joined over the pieces of a fine map."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from astropy import units
from astropy.table import Column, Table
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from skesom._common.labels import check_label_map
from skesom._common.noise import DEVIATIONS_BY_MEDIAN
from skesom._sky.field_of_view import is_of_the_sky
from skesom._sky.lengths import star_width
from skesom._types import CubeLike
from skesom.cube import Cube
from skesom.cube.convolution.filtering import smooth, smooth_all
from skesom.cube.flux.photometry import Photometry
from skesom.cube.masking.picture_values import hold_picture
from skesom.maps._measured_light import (
    LINES,
    brightness_over_discs,
    complete_continua,
    depth_below_sky,
    line_band,
    line_excess,
    line_light,
)
from skesom.maps.cube_clusterer import CubeClusterer
from skesom.maps.leaves import has_leaves, leaf_map_of
from skesom.maps.nameless_images import OF_LINES, OF_PICTURE, are_of_lines
from skesom.maps.suggestions import (
    RULES,
    ClusterLight,
    contradicts,
    holds,
    of_galaxy,
    resolved_share,
    tell,
    told_of,
    words_of,
)

_SMOOTHING = 1.0  # pixels, so that a pixel counts with its neighbors
_RING = 2.5  # widths (FWHM), half the side of the square around what may be compact
_PER_SIDE = 5  # pixels along that side, of which the median is taken
_ROUNDED = 1e-6  # part of the largest value of a band that is a rounding error
_SURROUNDINGS = 4.0  # FWHM, deviation of the Gaussian of what is around a pixel
# FWHM from the middle of a dust lane to its sides, and errors of its depth; both are
# measured in docs/populations.md.
_LANE_STEPS, _LANE_SIGMAS = (1, 2, 4), 3.0
_MAGNITUDE = 1.0857  # of a relative error
_SIGMAS = 8.0  # deviations of the surroundings, by which a compact source exceeds them
# Of the smoothed noise, which lines and their continuum exceed, and which colors do.
_LINE_SIGMAS, _COLOR_SIGMAS = 5.0, 2.0
_RESOLVED = 0.5  # share of the light in pieces wider than stars, from where names hold
_MOST_BANDS = 50  # more are channels of a spectrum


class Populations(NamedTuple):
    """Light of one suggested name each: result of `find_populations`."""

    label_map: NDArray[np.int32]
    names: list[str | None]
    table: Table
    pieces: NDArray[np.int32]


def find_piece_map(clusterer: CubeClusterer, cube: CubeLike) -> NDArray[np.int32]:
    """Return the finest pieces of a fitted clusterer, those of its tree.

    Parameters
    ----------
    clusterer : CubeClusterer
        Fitted to the cube.
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands)
        The cube of the fit.

    Returns
    -------
    piece_map : ndarray of shape (n_rows, n_columns), dtype int32
        Pieces from 0, at most 48, or as many as there are clusters; the clusters
        themselves, if there is no tree.

    Examples
    --------
    >>> from skesom.datasets import make_galaxy_cube
    >>> from skesom.maps import CubeClusterer, find_piece_map
    >>> from skesom.consensus import ConsensusClusterer
    >>> from skesom.som import ESOM
    >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
    >>> consensus = ConsensusClusterer(ESOM(4), n_estimators=3, random_state=0)
    >>> clusterer = CubeClusterer(consensus).fit(cube)
    >>> bool(find_piece_map(clusterer, cube).max() > clusterer.labels_.max())
    True
    """
    if not has_leaves(clusterer):
        return clusterer.labels_
    return leaf_map_of(clusterer, cube, clusterer.labels_)


def find_populations(
    piece_map: ArrayLike,
    cube: Cube,
    *,
    agreement: ArrayLike | None = None,
    continua: Mapping[str, Sequence[str]] | Literal["none"] | None = None,
) -> Populations:
    """Join what published physics gives one name, over the pieces of a fine map.

    Parameters
    ----------
    piece_map : array-like of int of shape (n_rows, n_columns)
        Pieces from 0, such as those of `find_piece_map`; -2 is sky that was set aside,
        from which light is counted.
    cube : Cube of shape (n_rows, n_columns, n_bands)
        The images, as they were before fluxes were scaled.
    agreement : array-like of shape (n_rows, n_columns), default=None
        Share of the members of a consensus that agree on each pixel.
    continua : dict of str to sequence of str, or "none", default=None
        Continuum bands of narrow bands, see `ColorDiagramDisplay`; "none" uses no
        lines.

    Returns
    -------
    populations : Populations
        A tuple of ``label_map`` (ndarray of shape (n_rows, n_columns), dtype int32:
        populations from 0 by falling area, and negative labels as in `piece_map`),
        ``names`` (of each population, None of pieces that no rule names), ``table``
        (a row for each: name, pixels, area in square arcsec if the pixel scale is
        known, mean agreement, evidence), and ``pieces`` (ndarray of shape (n_pieces,),
        dtype int32: the population that most pixels of a piece are in, -1 without
        pixels).

    Raises
    ------
    ValueError
        If the bands tell nothing about stars, as emission lines, the images are not of
        the sky or a picture for the eye, no galaxy is resolved, no rule holds, or map
        and cube do not fit.

    See Also
    --------
    suggest_names : The same rules for whole clusters.

    Notes
    -----
    A rule asks the light of a pixel and its neighbors (a Gaussian of 1 pixel). Pieces
    tell which stars are the oldest of the galaxy, and keep together what has no name.
    The rules, their sources and their limits are in the documentation.

    Examples
    --------
    >>> from skesom.datasets import make_galaxy_cube
    >>> from skesom.maps import find_piece_map, find_populations, make_cluster_pipeline
    >>> from skesom.consensus import ConsensusClusterer
    >>> from skesom.som import ESOM
    >>> cube, truth = make_galaxy_cube((96, 96), random_state=0)
    >>> consensus = ConsensusClusterer(ESOM(8), n_estimators=3, random_state=0)
    >>> pipeline = make_cluster_pipeline(consensus).fit(cube)
    >>> piece_map = find_piece_map(pipeline[-1], pipeline[:-1].transform(cube))
    >>> populations = find_populations(piece_map, cube)
    >>> "young stars" in populations.names, "H II regions" in populations.names
    (True, True)
    """
    labels = check_label_map(piece_map)
    cube = cube if isinstance(cube, Cube) else Cube(cube)
    _check_shapes(labels, cube, agreement)
    pieces = _pieces_that_tell(labels, cube, continua)
    measures = _measure_pixels(labels, cube, pieces, continua)
    numbers = np.zeros(labels.shape, dtype=np.int32)  # of a name, from 1
    names = list(dict.fromkeys(rule.name for rule in RULES))
    for rule in reversed(RULES):  # the first one that holds has the last word
        numbers[holds(rule, measures)] = names.index(rule.name) + 1
    numbers[labels < 0] = 0
    _fill(numbers, labels)
    numbers[pieces.star_halos] = 0
    if not numbers.any():
        raise ValueError("no rule gives any light a name.")
    return _joined(labels, numbers, names, measures, pieces, cube, agreement)


def _fill(numbers, labels):
    """Give pixels without a name that of most pixels of their piece, in place."""
    inside = labels >= 0
    counts = np.zeros((int(labels.max()) + 1, int(numbers.max()) + 1), dtype=np.int64)
    np.add.at(counts, (labels[inside], numbers[inside]), 1)
    most = counts.argmax(axis=1)  # 0 where most have none
    is_empty = inside & (numbers == 0)
    numbers[is_empty] = most[labels[is_empty]]


def _check_shapes(labels, cube, agreement):
    """Refuse maps of another shape than the images."""
    if labels.shape != cube.shape[:2]:
        raise ValueError(
            f"piece_map has the shape {labels.shape}, but the images have "
            f"{cube.shape[:2]} pixels."
        )
    if agreement is not None and np.shape(agreement) != labels.shape:
        raise ValueError(
            f"agreement has the shape {np.shape(agreement)}, but piece_map has "
            f"{labels.shape}."
        )


def _pieces_that_tell(labels, cube, continua):
    """Return the light of the pieces; refuse what tells nothing about stars."""
    if cube.shape[2] > _MOST_BANDS:
        raise ValueError(
            f"{cube.shape[2]} bands are the channels of a spectrum, of which no rule "
            "tells. Average them first (BandBinner)."
        )
    if not (labels >= 0).any():
        raise ValueError("piece_map has no piece: all labels are negative.")
    if hold_picture([cube]):
        raise ValueError(OF_PICTURE)
    if are_of_lines(cube, continua):
        raise ValueError(OF_LINES)
    pieces = ClusterLight(labels, cube, continua)
    if pieces.color_bands is None:
        raise ValueError(
            "the bands do not tell old stars from young ones: name two that do, as in "
            f"F438W and F814W, or g and r. The bands are {', '.join(cube.band_names)}."
        )
    if not is_of_the_sky(cube):
        raise ValueError(
            "the images are not of the sky: their pixels have no angle, and no band "
            "has a name of astronomers. Give the cube a wcs or a pixel_scale."
        )
    if not (pieces.shows_structure and resolved_share(pieces) > _RESOLVED):
        raise ValueError("the light is of no galaxy that is wider than a star.")
    return pieces


def _measure_pixels(labels, cube, pieces, continua):
    """Return what the smoothed light of each pixel measures."""
    inside = labels >= 0
    bands = np.array(np.moveaxis(cube.data, 2, 0), order="C")
    level = np.nan_to_num(pieces.level).astype(bands.dtype)
    bands -= level[:, np.newaxis, np.newaxis]
    bands[:, ~inside] = np.nan
    smoothed = np.stack(smooth_all(list(bands), _SMOOTHING), axis=2)
    # Outside, a Gaussian reaches pixels that were left out.
    smoothed[~inside] = np.nan
    light = cube.replace(data=smoothed, sky_mask=None, errors=None)
    photometry = Photometry(light, continua)
    complete_continua(photometry)
    stars = pieces.star_light()[1]
    colors = _known_colors(labels, pieces, stars, photometry)
    above = smoothed > pieces.noise
    noise = _smoothed_noise(pieces)
    measures = {
        "above noise": np.where(inside, above.any(axis=2), np.nan),
        "young light": stars.young_light(colors),
        "bluer than old": stars.bluer_than_old(colors),
        "reddening": stars.reddening(colors),
        "above discs": brightness_over_discs(photometry),
        "below the sky": depth_below_sky(photometry, pieces.level, noise),
    }
    if np.ndim(measures["above discs"]) == 0:  # surface brightness is not known
        for name, values in of_galaxy(pieces).items():
            measures[name] = _of_pixels(values, pieces, labels)
    measures |= _significant_lines(photometry, pieces)
    numbers = [cube.band_names.index(name) for name in pieces.color_bands]
    red = smoothed[:, :, numbers[1]]
    width, _ = star_width(cube)
    around = smooth(red, _SURROUNDINGS * width)
    with np.errstate(invalid="ignore"):
        seen = np.where(red > noise[numbers[1]], red, np.nan)
    measures["darker than around"] = 2.5 * np.log10(around / seen)
    lanes = _depth_of_lanes(seen, width, noise[numbers[1]])
    measures["darker than both sides"] = lanes
    compact = [_compactness(bands[n], width, pieces.noise[n]) for n in numbers]
    measures["compact"] = np.fmax.reduce(compact)
    return measures


def _of_pixels(values, pieces, labels):
    """Return in each pixel the value of its piece, NaN in none."""
    of_labels = np.full(int(labels.max()) + 2, np.nan)
    of_labels[pieces.ids] = values
    return of_labels[np.maximum(labels, -1)]


def _smoothed_noise(pieces):
    """Return the noise of pixels after smoothing, if it is independent."""
    return pieces.noise / (2 * np.sqrt(np.pi) * _SMOOTHING)


def _known_colors(labels, pieces, stars, photometry):
    """Return the colors of pixels; those of their pieces where noise hides them."""
    noise = _smoothed_noise(pieces)
    names = photometry.cube.band_names
    colors = stars.colors(photometry)
    for number, (pair, of_pieces) in enumerate(
        zip(stars.pairs, pieces.known_colors(stars)[0], strict=True)
    ):
        is_hidden = np.zeros(labels.shape, dtype=bool)
        for band in pair:
            least = _COLOR_SIGMAS * noise[names.index(band)]
            is_hidden |= ~(photometry.cube[band] > least)
        instead = _of_pixels(of_pieces, pieces, labels)
        colors[number][is_hidden] = instead[is_hidden]
    return colors


def _significant_lines(photometry, pieces):
    """Return the light of lines, 0 where the noise of a pixel could make it."""
    noise = _smoothed_noise(pieces)
    names = photometry.cube.band_names
    found = line_light(photometry)
    bands = {name: line_band(photometry, line) for name, line in LINES.items()}
    for name in found.keys() & bands.keys():
        fluxes = photometry.cube[bands[name]]
        share = 1 - 10 ** (-0.4 * line_excess(photometry, bands[name]))
        least = _LINE_SIGMAS * noise[names.index(bands[name])]
        with np.errstate(invalid="ignore"):
            is_seen = fluxes * share > least
            for band in photometry.continua[bands[name]]:
                least = _LINE_SIGMAS * noise[names.index(band)]
                is_seen &= photometry.cube[band] > least
        found[name] = np.where(is_seen, found[name], 0.0)
    return found


def _depth_of_lanes(light, width, noise):
    """Return by how many magnitudes light is fainter than on both sides of it.

    The sides lie opposite to each other, along the rows, the columns or a diagonal; of
    the fainter ones, the brightest counts. So the slope of a disc is no lane. 0 where
    noise could make the difference.
    """
    largest = np.full(light.shape, np.nan)
    for step in _LANE_STEPS:
        reach = max(1, round(step * width))
        diagonal = max(1, round(step * width / np.sqrt(2)))
        padded = np.pad(light, reach, constant_values=np.nan)
        for rows, columns in (
            (reach, 0),
            (0, reach),
            (diagonal, diagonal),
            (diagonal, -diagonal),
        ):
            sides = [
                padded[
                    reach + sign * rows : reach + sign * rows + light.shape[0],
                    reach + sign * columns : reach + sign * columns + light.shape[1],
                ]
                for sign in (-1, 1)
            ]
            largest = np.fmax(largest, np.minimum(*sides))
    depth = 2.5 * np.log10(largest / light)
    error = _MAGNITUDE * np.hypot(noise / light, noise / largest)
    with np.errstate(invalid="ignore"):
        return np.where(depth > _LANE_SIGMAS * error, depth, 0.0)


def _compactness(plane, width, noise):
    """Return how many times light is as bright as the median of what is around it.

    0 where light is within the scatter of what is around, and where that is not above
    the noise of a pixel: its median may be that of pixels without data.
    """
    side = 2 * round(_RING * width) + 1
    values = np.nan_to_num(plane)
    # Of few photons, most pixels are rounding errors, and so is their noise.
    least = max(noise, _ROUNDED * np.abs(values).max())
    around = _local_median(values, side)
    excess = values - around
    scatter = DEVIATIONS_BY_MEDIAN * _local_median(np.abs(excess), side)
    is_compact = (excess > _SIGMAS * scatter) & (around > least)
    return np.where(is_compact, values / np.where(is_compact, around, 1), 0)


def _local_median(image, side):
    """Return the median of a square around each pixel, of every few rows and columns.

    All pixels would take twenty times as long, and medians differ little.
    """
    step = max(1, side // _PER_SIDE)
    coarse = ndimage.median_filter(image[::step, ::step], side // step | 1)
    whole = np.repeat(np.repeat(coarse, step, axis=0), step, axis=1)
    return whole[: image.shape[0], : image.shape[1]]


def _joined(labels, numbers, names, measures, pieces, cube, agreement):
    """Return the populations: named ones, and pieces without a name."""
    # Pieces without a name follow the names.
    keys = np.where(numbers > 0, numbers - 1, len(names) + labels)
    keys[labels < 0] = -1
    sizes = np.bincount(keys[keys >= 0])
    order = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)]
    ranks = np.full(len(sizes) + 1, -1, dtype=np.int32)  # the last of none
    ranks[order] = np.arange(len(order))
    label_map = np.where(labels < 0, labels, ranks[keys]).astype(np.int32)
    found = [names[key] if key < len(names) else None for key in order]
    n_pieces = int(labels.max()) + 1
    counts = np.zeros((n_pieces, len(order)), dtype=np.int64)
    np.add.at(counts, (labels[labels >= 0], label_map[labels >= 0]), 1)
    homes = np.where(counts.any(axis=1), counts.argmax(axis=1), -1).astype(np.int32)
    table = _table(label_map, found, sizes[order], homes, cube, agreement)
    evidence = _evidence(label_map, found, measures, words_of(pieces))
    table["evidence"] = evidence
    table["evidence"].info.description = "median measures of the pixels"
    return Populations(label_map, found, table, homes)


def _table(label_map, names, sizes, homes, cube, agreement):
    """Return a row for each population."""
    n_found = len(names)
    texts = [name or f"piece {n}" for n, name in enumerate(names)]
    for number, name in enumerate(names):
        if name is None:
            own = np.flatnonzero(homes == number)
            texts[number] = f"piece {own[0]}" if len(own) else f"rest {number}"
    table = Table(
        [
            Column(np.arange(n_found), "id", description="label in the map"),
            Column(texts, "name", description="suggested name, or a piece without one"),
            Column(
                [name is not None for name in names],
                "is_named",
                description="whether a rule suggests the name",
            ),
            Column(sizes, "pixels", description="number of pixels"),
            Column(
                100 * sizes / sizes.sum(),
                "percentage",
                format=".2f",
                description="share of the pixels in pieces",
            ),
        ]
    )
    if cube.pixel_scale is not None:
        table["area"] = Column(
            sizes * float(np.prod(cube.pixel_scale)),
            unit=units.arcsec**2,
            format=".4g",
            description="area on the sky",
        )
    if agreement is not None:
        values = np.nan_to_num(np.asarray(agreement, dtype=np.float64))
        inside = label_map >= 0
        sums = np.bincount(label_map[inside], values[inside], n_found)
        table["agreement"] = Column(
            sums / sizes,
            format=".3f",
            description="mean agreement of the runs on its pixels",
        )
    pieces = [" ".join(map(str, np.flatnonzero(homes == n))) for n in range(n_found)]
    table["pieces"] = Column(pieces, description="pieces of which it has the most")
    return table


def _evidence(label_map, names, measures, words):
    """Return the measures of each population in words: medians of its pixels."""
    texts = []
    for number, name in enumerate(names):
        told = []
        inside = label_map == number
        for rule in RULES if name is not None else ():
            if rule.name != name:
                continue
            medians = {}
            for measure in told_of(rule):
                if np.ndim(measures.get(measure, 0)) == 0:
                    continue
                with warnings.catch_warnings(action="ignore"):  # none is known
                    medians[measure] = float(np.nanmedian(measures[measure][inside]))
            told += [
                tell(measure, value, words)
                for measure, value in medians.items()
                if np.isfinite(value) and not contradicts(rule, measure, value)
            ]
        texts.append("; ".join(dict.fromkeys(told)))
    return texts

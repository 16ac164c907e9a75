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

from skesom._common.labels import check_label_map
from skesom._sky.field_of_view import is_of_the_sky
from skesom._types import CubeLike
from skesom.cube import Cube
from skesom.cube.masking.picture_values import hold_picture
from skesom.maps._cluster_light import MOST_BANDS, ClusterLight
from skesom.maps._cluster_measures import (
    compared_bands,
    measure_places,
    shows_galaxy,
)
from skesom.maps._evidence import measures_of_rule, tell_measure
from skesom.maps._naming_rules import RULES
from skesom.maps._pixel_measures import measure_pixels
from skesom.maps.cube_clusterer import CubeClusterer
from skesom.maps.leaves import has_leaves, leaf_map_of
from skesom.maps.nameless_images import OF_LINES, OF_PICTURE, are_of_lines


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
    _check_images(labels, cube, continua)
    pieces = ClusterLight(labels, cube, continua)
    places = measure_places(pieces)
    _check_light(pieces, places)
    measures = measure_pixels(pieces, places, continua)
    names = list(dict.fromkeys(rule.name for rule in RULES))
    numbers = _number_names(labels, names, measures)
    numbers[pieces.star_halos] = 0
    if not numbers.any():
        raise ValueError("no rule gives any light a name.")

    label_map, keys = _label_by_size(labels, numbers, len(names))
    names_found = [names[key] if key < len(names) else None for key in keys]
    population_of_piece = _assign_pieces(labels, label_map, len(keys))
    table = _tabulate(label_map, names_found, population_of_piece, cube, agreement)
    evidence = _tell_evidence(label_map, names_found, measures, compared_bands(pieces))
    table["evidence"] = Column(evidence, description="median measures of the pixels")
    return Populations(label_map, names_found, table, population_of_piece)


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


def _check_images(labels, cube, continua):
    """Refuse images that tell nothing about stars, before their light is measured."""
    if cube.shape[2] > MOST_BANDS:
        raise ValueError(
            f"{cube.shape[2]} bands are the channels of a spectrum, about which no "
            "rule tells anything. Average them first (BandBinner)."
        )
    if not (labels >= 0).any():
        raise ValueError("piece_map has no piece: all labels are negative.")
    if hold_picture([cube]):
        raise ValueError(OF_PICTURE)
    if are_of_lines(cube, continua):
        raise ValueError(OF_LINES)


def _check_light(pieces, places):
    """Refuse light in which rules on the stars of a galaxy do not hold."""
    if pieces.color_bands is None:
        raise ValueError(
            "the bands do not tell old stars from young ones: name two that do, as in "
            "F438W and F814W, or g and r. The bands are "
            f"{', '.join(pieces.band_names)}."
        )
    if not is_of_the_sky(pieces.cube):
        raise ValueError(
            "the images are not of the sky: their pixels have no angle, and no band "
            "has a name of astronomers. Give the cube a wcs or a pixel_scale."
        )
    if not shows_galaxy(pieces, places):
        raise ValueError("the images show no galaxy that is wider than a star.")


def _number_names(labels, names, measures):
    """Return the number of the name of each pixel, from 1; 0 where it has none.

    Pixels without a name of their own take that of most pixels of their piece.
    """
    numbers = np.zeros(labels.shape, dtype=np.int32)
    for rule in reversed(RULES):  # the first one that holds has the last word
        numbers[rule.holds(measures)] = names.index(rule.name) + 1
    inside = labels >= 0
    numbers[~inside] = 0
    counts = np.zeros((int(labels.max()) + 1, int(numbers.max()) + 1), dtype=np.int64)
    np.add.at(counts, (labels[inside], numbers[inside]), 1)
    number_of_piece = counts.argmax(axis=1)  # 0 where most pixels have no name
    is_nameless = inside & (numbers == 0)
    numbers[is_nameless] = number_of_piece[labels[is_nameless]]
    return numbers


def _label_by_size(labels, numbers, n_names):
    """Return the label map of the populations by falling size, and what each is.

    That is the place of a name, or `n_names` and more for pieces without one.
    """
    keys = np.where(numbers > 0, numbers - 1, n_names + labels)
    keys[labels < 0] = -1
    sizes = np.bincount(keys[keys >= 0])
    order = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)]
    ranks = np.full(len(sizes) + 1, -1, dtype=np.int32)  # the last is of no population
    ranks[order] = np.arange(len(order))
    label_map = np.where(labels < 0, labels, ranks[keys]).astype(np.int32)
    return label_map, order


def _assign_pieces(labels, label_map, n_populations):
    """Return the population that most pixels of each piece are in, -1 without any."""
    inside = labels >= 0
    counts = np.zeros((int(labels.max()) + 1, n_populations), dtype=np.int64)
    np.add.at(counts, (labels[inside], label_map[inside]), 1)
    return np.where(counts.any(axis=1), counts.argmax(axis=1), -1).astype(np.int32)


def _tabulate(label_map, names, population_of_piece, cube, agreement):
    """Return a row for each population."""
    inside = label_map >= 0
    sizes = np.bincount(label_map[inside], minlength=len(names))
    pieces = [np.flatnonzero(population_of_piece == n) for n in range(len(names))]
    titles = []
    for number, name in enumerate(names):
        if name is not None:
            titles.append(name)
        elif len(pieces[number]):
            titles.append(f"piece {pieces[number][0]}")
        else:
            titles.append(f"rest {number}")
    table = Table()
    table["id"] = Column(np.arange(len(names)), description="label in the map")
    table["name"] = Column(titles, description="suggested name, or a piece without one")
    table["is_named"] = Column(
        [name is not None for name in names],
        description="whether a rule suggests the name",
    )
    table["pixels"] = Column(sizes, description="number of pixels")
    table["percentage"] = Column(
        100 * sizes / sizes.sum(),
        format=".2f",
        description="share of the pixels in pieces",
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
        sums = np.bincount(label_map[inside], values[inside], len(names))
        table["agreement"] = Column(
            sums / sizes,
            format=".3f",
            description="mean agreement of the runs on its pixels",
        )
    table["pieces"] = Column(
        [" ".join(map(str, numbers)) for numbers in pieces],
        description="pieces of which it has the most",
    )
    return table


def _tell_evidence(label_map, names, measures, bands):
    """Return what each population measures, in words; nothing without a name."""
    texts = []
    for number, name in enumerate(names):
        inside = label_map == number
        sentences = []
        for rule in RULES:
            if rule.name == name:
                sentences += _tell_rule(rule, inside, measures, bands)
        texts.append("; ".join(dict.fromkeys(sentences)))
    return texts


def _tell_rule(rule, inside, measures, bands):
    """Return the median measures of a rule inside of a mask, where it is true."""
    sentences = []
    for name in measures_of_rule(rule):
        if np.ndim(measures.get(name, 0)) == 0:  # it is not known here
            continue
        with warnings.catch_warnings(action="ignore"):  # none of the pixels has it
            median = float(np.nanmedian(measures[name][inside]))
        if np.isfinite(median) and not rule.is_broken(name, median):
            sentences.append(tell_measure(name, median, bands))
    return sentences

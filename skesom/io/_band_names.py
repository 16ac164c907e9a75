# SPDX-License-Identifier: BSD-3-Clause
"""Names of the bands of several files: unique, and no longer than they need to be."""

import os
import re

import numpy as np

from skesom._common.texts import legible, list_names, unique_names
from skesom._common.warn import warn_user
from skesom._sky.band_words import differing_words
from skesom._sky.filters import filter_wavelength, is_telling
from skesom.cube.bands import all_band_names


def name_bands(images):
    """Return one unique name for each band, from headers and names of files.

    Bands of the same name get what tells their files apart.
    """
    owners = []
    for image in images:
        owners += [image] * image.n_bands
    names = _shorten_names(_find_names(images), owners)
    bands_by_name = {}
    for band, name in enumerate(names):
        bands_by_name.setdefault(name, []).append(band)
    repeated = {name: bands for name, bands in bands_by_name.items() if len(bands) > 1}
    renamed = []
    for name, bands in repeated.items():
        file_names = _tell_files_apart([owners[band] for band in bands])
        if file_names is None:
            additions = [str(number) for number in range(1, len(bands) + 1)]
            replace_name = False
        else:
            additions = file_names
            # A filter that all bands have in common tells nothing.
            replace_name = len(bands) == len(names)
        for band, addition in zip(bands, additions, strict=True):
            if replace_name or name in addition:
                names[band] = addition
            else:
                names[band] = f"{name} {addition}"
            renamed.append(names[band])
    if repeated:
        warn_user(
            f"Several bands have the name {list_names(map(repr, repeated))}: by what "
            f"tells their files apart, they are called {list_names(renamed)}. Give "
            "other names with band_names."
        )
    # A new name may be that of another band by chance.
    return unique_names(map(legible, names))


def check_names(images, band_names):
    """Return the names that a user gives the bands, after checking them."""
    if isinstance(band_names, str):
        band_names = [band_names]
    names = [legible(name) for name in band_names]
    names_in_files = _find_names(images)
    if len(names) != len(names_in_files):
        raise ValueError(
            f"band_names has {len(names)} entries, but the files hold "
            f"{len(names_in_files)} bands ({list_names(names_in_files)})."
        )
    if len(set(names)) < len(names):
        raise ValueError(f"band_names must be unique, got {names}.")
    return names


def _find_names(images):
    """Return the name of each band in the order of the images, else its number."""
    return [
        name or f"band {number}"
        for number, name in enumerate(all_band_names(images), 1)
    ]


def _shorten_names(names, owners):
    """Return names without words that tell nothing, if they stay different.

    `owners` are the images of the bands. Names of files lose the words that all begin
    or end with; those of surveys, instruments and filters stay. If headers name other
    bands, names of files become the filter in them: galaxy_GALEX_FUV beside j is FUV.
    """
    names = list(names)
    named_by_file = [
        band
        for band, image in enumerate(owners)
        if image.stem and image.setup is None and image.n_bands == 1
    ]
    file_names = [names[band] for band in named_by_file]
    short_names = differing_words(file_names, is_telling)
    are_different = len(set(short_names)) == len(short_names) > 1
    if are_different and all(_has_letter(name) for name in short_names):
        for band, name in zip(named_by_file, short_names, strict=True):
            names[band] = name
    if len(named_by_file) < len(names):
        with_filters = list(names)
        for band in named_by_file:
            with_filters[band] = _only_filter(names[band]) or names[band]
        if len(set(with_filters)) == len(with_filters):
            return with_filters
    return names


def _only_filter(name):
    """Return the word of a name that is a filter, None if no word or several are."""
    filters = []
    for word in re.findall(r"[A-Za-z0-9]+", str(name)):
        if len(word) > 1 and np.isfinite(filter_wavelength(word)):
            filters.append(word)
    return filters[0] if len(filters) == 1 else None


def _has_letter(text):
    """Return whether there is a letter in a text."""
    return re.search("[A-Za-z]", text) is not None


def _tell_files_apart(images):
    """Return the words of each image's file name that the others lack, or None.

    Images of the same file name are told apart by their folders and HDUs; images in
    memory cannot be.
    """
    stems = [image.stem for image in images]
    if None in stems:
        return None
    words = differing_words(stems)
    if not all(_has_letter(word) for word in words):
        words = stems
    if len(set(words)) < len(words):
        places = []
        for image in images:
            path, hdu_number = image.place
            places.append(f"{os.path.dirname(path)} {hdu_number}")
        words = [
            f"{stem} {place}"
            for stem, place in zip(stems, differing_words(places), strict=True)
        ]
    if len(set(words)) < len(words):
        return None
    return words

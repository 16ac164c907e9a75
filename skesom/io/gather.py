# SPDX-License-Identifier: BSD-3-Clause
"""All images of a cube, with the grids, names, widths and order of their bands.

Headers are read once: whoever asks for names, order, sizes, companions or pixels of
files asks the `Plan` that they become.
"""

import os
import re
from collections.abc import Iterable
from numbers import Integral
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.io import fits
from astropy.wcs.utils import pixel_to_pixel

from skesom._common.fits_files import HDUsInMemory
from skesom._common.lazy import is_lazy
from skesom._common.texts import legible, list_names, unique_names
from skesom._common.warn import warn_user
from skesom._sky.filters import (
    differing_words,
    filter_wavelength,
    is_telling,
    wavelengths_of,
)
from skesom._sky.grids import group_by_grid, pixel_size
from skesom._sky.header_cards import is_hdu
from skesom._sky.world_axes import distance_of
from skesom.cube import Cube
from skesom.cube.alignment.correlation import find_shift
from skesom.cube.base import all_band_names, split_bands, with_bands
from skesom.cube.convert import find_converter
from skesom.io._images import Image, describe_array, describe_file
from skesom.io._planes import ERROR_POWERS, find_elsewhere
from skesom.io._zarr import is_zarr, read_zarr

_SAME_PIXELS = 0.1  # detectors of one camera differ less, its channels more
_WINDOW = 1024  # pixels in the middle of an image that are compared with others


class Plan(NamedTuple):
    """Images and planes beside them, known by their headers; pixels come later."""

    images: list[Image]  # exposures that are combined are one image
    order: list[int]  # numbers of the bands in the order of the cube
    is_sorted: bool  # whether cubes are cut so that all their bands are in that order
    planes: list[tuple]  # role and plane of all files, one by one

    @property
    def band_names(self):
        """Names of all bands, as the files are given."""
        return all_band_names(self.images)

    def named(self, names):
        """Return the same with other names of the bands."""
        pairs = with_bands(self.images, names)
        return self._replace(images=[i._replace(band_names=own) for i, own in pairs])


def gather_images(
    paths,
    hdu,
    planes,
    error_kind=None,
    *,
    band_names=None,
    fwhm=None,
    order="given",
    combine=False,
):
    """Return the plan of all images; `planes` are read beside them, by role."""
    if error_kind not in (None, "std", "var", "ivar"):
        raise ValueError(
            f"error_kind must be 'std', 'var', 'ivar' or None, got {error_kind!r}."
        )
    planes = {role: wanted for role, wanted in planes.items() if wanted is not None}
    listed = {  # one by one
        role: wanted if isinstance(wanted, list) else [wanted]
        for role, wanted in planes.items()
        if isinstance(wanted, os.PathLike | np.ndarray | list) or is_lazy(wanted)
    }
    beside = {role: planes[role] for role in planes if role not in listed}
    paths = _list_paths(paths)
    images = []
    for number, path in enumerate(paths, 1):
        label = f"array {number}" if len(paths) > 1 else "the array"
        if is_hdu(path) or isinstance(path, fits.HDUList):
            hdus = fits.HDUList([path]) if is_hdu(path) else path
            path = HDUsInMemory(hdus.filename() or label)
            path.hdus = hdus
        if is_zarr(path):
            label, path = str(path), read_zarr(path)
        if isinstance(path, str | os.PathLike):
            images += describe_file(path, hdu, beside, error_kind)
        else:
            images.append(describe_array(path, label, beside, error_kind))
    if not images:
        raise ValueError("There is nothing to read: the list of paths is empty.")
    places = [image.place for image in images]
    for number, image in enumerate(images):
        if image.place is not None and image.place in places[:number]:
            raise ValueError(f"{image.label} is given twice. Leave one out.")
    for role, wanted in listed.items():
        images = _add_planes(images, role, wanted, error_kind)
    roles = dict.fromkeys(ERROR_POWERS, "errors")
    found = [(roles.get(p.kind, p.kind), p) for image in images for p in image.planes]
    images = _choose_places(images)
    widths = with_bands(images, _spread_fwhm(images, fwhm))
    images = [image._replace(fwhm=own) for image, own in widths]
    images, band_names = _merge_exposures(images, combine, band_names)
    unnamed = band_names is None
    names = _name_bands(images) if unnamed else _check_names(images, band_names)
    numbers = _find_order(images, order, names)
    if isinstance(planes.get("errors"), str) and planes["errors"] in ("auto", "inside"):
        _warn_of_no_errors(images)
    is_sorted = not (isinstance(order, str) and order == "given")
    return Plan(images, numbers, is_sorted, found).named(names)


def _warn_of_no_errors(images):
    """Name the images beside which no errors were found."""
    files = [image for image in images if image.place is not None]
    labels = ", ".join(image.label for image in files if not image.has_errors)
    if labels:
        warn_user(
            f"No errors were found for {labels}. Name their files; inverse variances "
            "in weights need error_kind='ivar'."
        )


def _list_paths(paths):
    """Return paths and images in memory as a list."""
    # An array is one image; other iterables hold paths.
    single = isinstance(paths, str | os.PathLike | Cube) or hasattr(paths, "__array__")
    if single or find_converter(paths) is not None:
        return [paths]
    if isinstance(paths, list | tuple):
        return paths
    if isinstance(paths, Iterable):
        return list(paths)
    wanted = "a file, an image in memory, or a list of these"
    raise TypeError(f"paths must be {wanted}, got {paths!r}.")


def _add_planes(images, role, wanted, error_kind):
    """Return the images with the planes that are given for each of them."""
    if len(wanted) == 1 and role == "masks":
        wanted = wanted * len(images)
    if len(wanted) != len(images):
        raise ValueError(
            f"{role} has {len(wanted)} entries for {len(images)} images. Give one for "
            "each image, None where there is none."
        )
    found = []
    for image, one in zip(images, wanted, strict=True):
        if one is not None:
            plane = find_elsewhere(image, role, one, error_kind)
            image = image._replace(planes=(*image.planes, plane))
        found.append(image)
    return found


def _choose_places(images):
    """Put images to which a header gives two places where others show the same."""
    certain = [i for i in images if i.plate is None and i.grid.wcs is not None]
    return [i if i.plate is None else _choose_place(i, certain) for i in images]


def _choose_place(image, others):
    """Return an image at the likelier of its places, with a warning."""
    angle, pixels = distance_of(image.grid.wcs, image.plate, image.grid.shape)
    shifts = {
        (_shift(image, wcs, other), other.label, number)
        for number, wcs in enumerate((image.grid.wcs, image.plate))
        for other in others
    }
    shift, label, number = min(shifts, default=(np.inf, "", 0))
    reason = f"which agree with {label}"
    if not shift < pixels / 4:
        number, reason = 0, "as no other image decides"
    sets = "the image (CRVAL1, CRPIX1, ...)", "the plate (AMDX1, PLTRAH, ...)"
    warn_user(
        f"{image.label}: the cards of {sets[0]} and those of {sets[1]} put its middle "
        f"{angle.arcmin:.3g} arcmin apart. Taken: those of {sets[number]}, {reason}. "
        "If they are wrong, delete them, or use Cube.replace(wcs=...)."
    )
    if number == 0:
        return image
    image.plate.array_shape = image.grid.shape
    return image._replace(grid=image.grid._replace(wcs=image.plate))


def _shift(image, wcs, other):
    """Return how many pixels an image at a place is shifted against another."""
    spans = [(max(0, n - _WINDOW) // 2, (n + _WINDOW) // 2) for n in image.grid.shape]
    window = tuple(slice(*span) for span in spans)
    y, x = np.indices(image.grid.shape)[:, *window]
    column, row = np.rint(pixel_to_pixel(wcs, other.grid.wcs, x, y))
    height, width = other.grid.shape
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    seen = np.full(x.shape, np.nan)
    place = row[inside].astype(int), column[inside].astype(int)
    with image.open() as own, other.open() as pixels:
        seen[inside] = _first_band(pixels)[place]
        found = find_shift(_first_band(own)[window], seen)
    return np.inf if found is None else float(np.hypot(*found))


def _first_band(array):
    """Return the first band of an array, NaN where it is masked."""
    array = array.reshape(*array.shape[:2], -1)[:, :, 0]
    return np.ma.filled(array.astype(np.float64), np.nan)


def _merge_exposures(images, combine, band_names):
    """Return one image for all exposures of a band, and the names that are given."""
    if not (isinstance(combine, bool) or combine == "auto"):
        raise ValueError(f"combine must be True, False or 'auto', got {combine!r}.")
    if combine is False:
        return images, band_names
    given = [] if band_names is None or isinstance(band_names, str) else [*band_names]
    # Names may be one for each band before or after exposures are merged.
    is_named = len(given) == sum(image.n_bands for image in images)
    names = split_bands(given, images) if is_named else [i.band_names for i in images]
    by_header = combine == "auto" and not is_named
    groups = []
    for pair in zip(images, names, strict=True):
        same = [group for group in groups if _are_alike(pair, group[0], by_header)]
        if same:
            same[0].append(pair)
        else:
            groups.append([pair])
    if combine is True and len(groups) == len(images):
        raise ValueError(
            "No two images show the same band, so there is nothing to combine. Give "
            "exposures of a band the same name, as in band_names=['g', 'g', 'r', 'r'], "
            "or pass combine=False."
        )
    if len(groups) == len(images) or (combine == "auto" and len(groups) == 1):
        return images, band_names
    merged = []
    for (first, _), *others in groups:
        members = first, *(image for image, _ in others)
        merged.append(first._replace(exposures=members) if others else first)
    if is_named:
        band_names = [name for group in groups for name in group[0][1]]
    return merged, band_names


def _are_alike(one, other, by_header):
    """Return whether images have the same names, of one filter of one instrument."""
    (first, names), (second, others) = one, other
    if names != others or None in names:
        return False
    if not by_header:
        return True
    if None in (first.setup, second.setup, first.grid.wcs, second.grid.wcs):
        return False
    pairs = zip(first.setup, second.setup, strict=True)
    ratio = pixel_size(first.grid.wcs) / pixel_size(second.grid.wcs)
    known = all(ours == theirs or "" in (ours, theirs) for ours, theirs in pairs)
    return known and abs(ratio - 1) < _SAME_PIXELS


def complete_grids(images):
    """Return the images; those without a WCS get the only grid of the others."""
    known = [image for image in images if image.grid.wcs is not None]
    one_shape = len({image.grid.shape for image in images}) == 1
    one_grid = len(group_by_grid([image.grid for image in known])) == 1
    if len(known) == len(images) or not (one_shape and one_grid):
        return images
    without = ", ".join(image.label for image in images if image.grid.wcs is None)
    warn_user(
        f"{without} without a WCS: taken to lie on the pixels of {known[0].label}, "
        "which has the same shape."
    )
    return [image._replace(grid=known[0].grid) for image in images]


def _find_names(images):
    """Return the name of each band in the order of the images."""
    found = enumerate(all_band_names(images), 1)
    return [name or f"band {number}" for number, name in found]


def _name_bands(images):
    """Return one unique name for each band; repeated ones get parts of file names."""
    owners = [image for image in images for _ in range(image.n_bands)]
    found, places, renamed = _strip(_find_names(images), owners), {}, []
    for band, name in enumerate(found):
        places.setdefault(name, []).append(band)
    names, repeated = list(found), [n for n, bands in places.items() if len(bands) > 1]
    for name in repeated:
        bands = places[name]
        parts = _tell_apart([owners[band] for band in bands])
        # If all bands have one filter, it tells nothing.
        alone = parts is not None and len(bands) == len(found)
        for number, band in enumerate(bands):
            part = parts[number] if parts else number + 1
            is_said = alone or name in str(part)
            names[band] = part if is_said else f"{name} {part}"
        renamed += [names[band] for band in bands]
    if repeated:
        warn_user(
            f"Several bands have the name {list_names(map(repr, repeated))}: by what "
            f"tells their files apart, they are called {list_names(renamed)}. Give "
            "other names with band_names."
        )
    return unique_names(map(legible, names))  # not that of another band by chance


def _strip(names, images):
    """Return names; those that are names of files without their shared part.

    Names of surveys, instruments and filters stay.
    """
    is_stem = [i.stem and i.setup is None and i.n_bands == 1 for i in images]
    stems = np.flatnonzero(is_stem).tolist()
    parts = differing_words([names[band] for band in stems], is_telling)
    if len(set(parts)) == len(parts) > 1 and all(map(_has_letters, parts)):
        for band, part in zip(stems, parts, strict=True):
            names[band] = part
    if len(stems) < len(names):  # GALEX_FUV beside j, which a header names
        filters = {band: _only_filter(names[band]) for band in stems}
        short = [filters.get(band) or name for band, name in enumerate(names)]
        if len(set(short)) == len(short):
            return short
    return names


def _only_filter(name):
    """Return the only word of a name that is a filter by itself, None without one."""
    words = re.findall(r"[A-Za-z0-9]+", str(name))
    filters = [w for w in words if len(w) > 1 and np.isfinite(filter_wavelength(w))]
    return filters[0] if len(filters) == 1 else None


def _has_letters(text):
    """Return whether there is a letter in a text."""
    return re.search("[A-Za-z]", text) is not None


def _tell_apart(images):
    """Return a name of each image by the difference of their paths, or None."""
    if any(image.stem is None for image in images):
        return None
    stems = [image.stem for image in images]
    parts = differing_words(stems)
    if not all(map(_has_letters, parts)):
        parts = stems
    if len(set(parts)) < len(parts):  # in several folders, or in one file
        places = [image.place for image in images]
        paths = [f"{os.path.dirname(path)} {number}" for path, number in places]
        others = zip(stems, differing_words(paths), strict=True)
        parts = [f"{stem} {part}" for stem, part in others]
    return parts if len(set(parts)) == len(parts) else None


def _check_names(images, band_names):
    """Return the names from the user as a list, after checking them."""
    found = _find_names(images)
    names = [band_names] if isinstance(band_names, str) else band_names
    names = list(map(legible, names))
    if len(names) != len(found):
        raise ValueError(
            f"band_names has {len(names)} entries, but the files hold {len(found)} "
            f"bands ({list_names(found)})."
        )
    if len(set(names)) < len(names):
        raise ValueError(f"band_names must be unique, got {names}.")
    return names


def _spread_fwhm(images, fwhm):
    """Return the FWHM of each band in arcsec, NaN where unknown."""
    found = np.concatenate([image.fwhm for image in images])
    if fwhm is None:
        return found
    fwhm = fwhm.to_value("arcsec") if isinstance(fwhm, units.Quantity) else fwhm
    fwhm = np.asarray(fwhm, dtype=np.float64)
    if fwhm.ndim > 0 and fwhm.shape != found.shape:
        raise ValueError(
            f"fwhm has {fwhm.size} entries, but the files hold {found.size} bands."
        )
    if np.any(fwhm <= 0) or np.any(np.isinf(fwhm)):
        raise ValueError(f"fwhm must be positive, got {fwhm.tolist()}.")
    return np.broadcast_to(fwhm, found.shape).copy()


def _find_order(images, order, names):
    """Return the numbers of the bands in the order of the cube."""
    n_bands = sum(image.n_bands for image in images)
    if isinstance(order, str):
        if order == "given":
            return list(range(n_bands))
        if order == "wavelength":
            return sorted(range(n_bands), key=_sort_keys(images, names).__getitem__)
        wanted = "'given', 'wavelength' or the numbers of the bands"
        raise ValueError(f"order must be {wanted}, got {order!r}.")
    order = list(order)
    whole = all(isinstance(number, Integral) for number in order)
    if not whole or sorted(order) != list(range(n_bands)):
        raise ValueError(
            f"order must hold the numbers from 0 to {n_bands - 1} of the {n_bands} "
            f"bands, each once, got {order}."
        )
    return [int(number) for number in order]


def _sort_keys(images, names):
    """Return the keys that sort bands: wavelength, then file."""
    parts = [(image.band_coordinates, image.n_bands) for image in images]
    found = wavelengths_of(parts, names, all_band_names(images))
    found = np.where(np.isnan(found), np.inf, found).tolist()
    keys = []
    for image, own in with_bands(images, found):
        file = (), "", 0  # images in memory stay as they are given
        if image.place is not None:
            path, number = image.place
            file = _natural(os.path.basename(path)), path, number
        keys += [(value, *file, band) for band, value in enumerate(own)]
    return keys


def _natural(name):
    """Return a sort key of a name by its numbers: band2 comes before band10."""
    parts = filter(None, re.split(r"(\d+)", name.lower()))
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in parts)

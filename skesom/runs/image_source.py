# SPDX-License-Identifier: BSD-3-Clause
"""The files that images are read from, and how they are read."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from astropy.coordinates import SkyCoord

from skesom._common.fits_files import FileContent, keep_files_open
from skesom._common.lazy_strips import in_strips
from skesom._common.texts import first_names, list_names
from skesom._common.warn import warn_user
from skesom._sky.field_of_view import text_of_cutout
from skesom._sky.grids import Grid, group_by_grid
from skesom._sky.narrow_bands import check_continua
from skesom._types import StrPath
from skesom.io.cubes import read_images
from skesom.io.fits_files import split_path
from skesom.io.gather import CubePlan, gather_images
from skesom.io.region_maps import read_region_labels
from skesom.io.regions import read_regions
from skesom.maps.usable_bands import check_bands, find_useless_bands

if TYPE_CHECKING:
    from skesom.cube import Cube


_ROLES = ("masks", "weights", "errors")
MOST_BANDS = 20  # of images; more are the channels of a spectral cube
# The fields that change nothing of what headers tell.
_FIELDS_OF_PIXELS = {
    "ignore_flags",
    "exclude",
    "include",
    "lazy",
    "continua",
    "cutout",
    "subtract_sky",
}


class _Fields(NamedTuple):
    """The files of images, and how to read them.

    Parameters
    ----------
    files : sequence of str
        FITS files of one band or of several; ``"image.fits[SCI,1]"`` names the HDU.
    hdu : int, str, tuple, list of them, "all" or None, default=None
        HDUs to read, as `skesom.io.read_cube` takes them.
    band_names : sequence of str, default=None
        Names of the bands.
    masks, weights : "auto", "inside", int, str, tuple, list or None, default=None
        Masks and weights, as `skesom.io.read_cube` takes them; files as paths.
    ignore_flags : "auto", int, str or list of int, default="auto"
        Flags in masks that do not mask.
    exclude, include : str or sequence of str, default=()
        One region file of DS9 or CASA, or several. Pixels inside of an excluded region
        and pixels outside of all included regions are masked.
    order : {"given", "wavelength"} or sequence of int, default="given"
        Order of the bands.
    combine : bool or "auto", default=False
        Whether exposures of one band become one image.
    errors : "auto", "inside", int, str, tuple, list or None, default=None
        Errors, as `skesom.io.read_cube` takes them; files as paths.
    error_kind : {"std", "var", "ivar"} or None, default=None
        What the errors are.
    lazy : bool, default=False
        Whether images are read when they are needed.
    continua : dict of str to sequence of str, or "none", default=None
        Continuum bands of bands of lines, for a report, see `Run`.
    cutout : tuple of (float, float, Quantity), default=None
        ICRS right ascension and declination in degrees, and side in pixels or as an
        angle, of a part to take of each image, see `skesom.cube.Cube.cutout`. With dask
        only the rows of that part are read.
    subtract_sky : bool, default=True
        Whether a report shows fluxes above the level of the sky, see `Run`.
    """

    files: tuple
    hdu: object = None
    band_names: tuple | None = None
    masks: object = None
    weights: object = None
    ignore_flags: object = "auto"
    exclude: tuple = ()
    include: tuple = ()
    order: object = "given"
    combine: object = False
    errors: object = None
    error_kind: str | None = None
    lazy: bool = False
    continua: object = None
    cutout: tuple | None = None
    subtract_sky: bool = True


class ImageSource(_Fields):
    """The files of images, how to read them, and the plan that headers make of them."""

    @cached_property
    def plan(self) -> CubePlan:
        """The plan of the headers, read when it is asked for the first time."""
        return gather_images(
            list(self.files),
            self.hdu,
            {role: getattr(self, role) for role in _ROLES},
            self.error_kind,
            band_names=self.band_names,
            order=self.order,
            combine=self.combine,
        )

    @cached_property
    def contents(self) -> dict[str, FileContent]:
        """What files held when they were read or looked for, by their real paths."""
        return {}

    def known_content(self, path: StrPath) -> FileContent | None:
        """Return what a file of images held when it was read or looked for, or None."""
        if path in map(Path, [*self.exclude, *self.include]):
            return None  # regions are read later, and their content is not noted
        return self.contents.get(os.path.realpath(path))

    def _replace(self, **changes: Any) -> ImageSource:
        """Return the same with other fields; the plan stays if it can."""
        source = super()._replace(**changes)
        source.contents = self.contents
        is_planned = "plan" in vars(self)  # a cached property
        if is_planned and changes.keys() <= _FIELDS_OF_PIXELS:
            source.plan = self.plan
        return source

    def by_wavelength(self) -> ImageSource:
        """Return the same with the bands in the order of wavelength, in numbers."""
        return self._planned(self._replace(order="wavelength").plan)

    def matched(self, order: list[int], band_names: list[str]) -> ImageSource:
        """Return the same with the bands in an order and of other names."""
        plan = self.plan.with_band_names(band_names)._replace(
            order=order, is_sorted=True
        )
        return self._replace(band_names=band_names)._planned(plan)

    def _planned(self, plan):
        """Return the same with another plan, and the order of its bands."""
        source = self._replace(order=plan.order)
        source.plan = plan
        return source

    def n_values(self) -> int:
        """Return how many values the images have, without reading them."""
        if self.cutout is not None and self._can_read_parts():
            return sum(cube.data.size for cube in self._opened())
        images = self.plan.images
        return sum(math.prod(image.grid.shape) * image.n_bands for image in images)

    def read(self) -> Cube | list[Cube]:
        """Read the images."""
        with keep_files_open(self.contents):
            cubes = self._opened()
        if self.cutout is not None and not self.lazy:
            cubes = [deepcopy(cube.compute()) for cube in cubes]  # lets the images go
        cubes = [_without_empty_channels(cube) for cube in cubes]
        band_names = []
        for cube in cubes:
            check_bands(cube.data, cube.band_names)
            band_names += cube.band_names
        check_continua(self.continua, band_names)
        return cubes[0] if len(cubes) == 1 else cubes

    def _opened(self):
        """Return the cubes, masked in regions, and their cutouts.

        They are lazy if only a part of the files is read.
        """
        is_lazy = self.lazy or (self.cutout is not None and self._can_read_parts())
        cubes = read_images(self.plan, np.float32, self.ignore_flags, is_lazy)
        for path in [*self.exclude, *self.include]:
            _check_on_sky(cubes, path)
        for path in self.exclude:
            _mask_inside(cubes, path)
        if self.include:
            for cube in cubes:
                masks = [_in_regions(path, cube) for path in self.include]
                _mask(cube, ~np.any(masks, axis=0))
        if self.cutout is None:
            return cubes
        ra, dec, size = self.cutout
        return [_cutout_of(cube, ra, dec, size) for cube in cubes]

    def _can_read_parts(self):
        """Return whether rows of the files can be read without all the others."""
        if find_spec("dask") is None:
            return False
        if any(image.exposures for image in self.plan.images):
            return False  # they are combined in memory
        return not any(path.suffix in (".gz", ".bz2") for path in self.paths())

    def choices(self) -> dict[str, Any]:
        """How masks, weights and errors are found, if not in files of their own."""
        choices = {}
        for name in ("masks", "weights", "ignore_flags", "errors", "error_kind"):
            value = getattr(self, name)
            if value is None or isinstance(value, int | str):
                choices[name] = value
        return choices

    def lines(self) -> Iterator[str]:
        """Return a line on a cutout, and on planes read beside the images by role."""
        if self.cutout is not None:
            yield f"Cutout: {text_of_cutout(self.cutout)}."
        labels_of_role: dict[str, list[str]] = {}
        for role, plane in self.plan.planes:
            label = os.path.basename(plane.label)
            if role == "errors":
                label = f"{label} ({plane.kind})"
            labels = labels_of_role.setdefault(role, [])
            if label not in labels:
                labels.append(label)
        for role, labels in labels_of_role.items():
            text = f"{first_names(labels)} ({role}=None leaves them out)."
            yield f"{role.capitalize()}: {text}"
        if self.errors is not None:
            return
        unused = []
        for image in self.plan.images:
            if image.unused_errors is not None:
                unused.append(os.path.basename(image.unused_errors))
        if unused:
            advice = "CSOM weighs values by them, with errors='inside'"
            yield f"Errors: {first_names(unused)} not used ({advice})."

    def paths(self) -> list[Any]:
        """Return the path of every file that is read, without names of HDUs."""
        companions = [getattr(self, role) for role in _ROLES]
        paths = []
        for files in [self.files, *companions, self.exclude, self.include]:
            if not _is_list(files):
                continue
            for file in files:
                if file is not None:
                    paths.append(_path_of(file))
        return list(dict.fromkeys(paths))

    def companions(self) -> list[Path]:
        """Return the path of every other file that "auto" finds beside the images."""
        if "auto" not in [getattr(self, role) for role in _ROLES]:
            return []
        known_paths = {os.path.realpath(path) for path in self.paths()}
        companions = []
        for _, plane in self.plan.planes:
            if plane.file is None or os.path.realpath(plane.file) in known_paths:
                continue
            companions.append(Path(plane.file))
        return list(dict.fromkeys(companions))

    def moved(self, path_now: Callable[[str], str]) -> ImageSource:
        """Return the same with the paths that a function gives for those of here."""

        def file_now(file):
            if file is None:
                return None
            path = _path_of(file)
            hdu = str(file)[len(str(path)) :]  # as "[SCI,1]", often nothing
            return f"{path_now(path)}{hdu}"

        fields = {}
        for name in ("files", "exclude", "include"):
            fields[name] = tuple(file_now(file) for file in getattr(self, name))
        for name in _ROLES:
            companions = getattr(self, name)
            if _is_list(companions):
                companions = [file_now(file) for file in companions]
            fields[name] = companions
        return self._replace(**fields)


def _is_list(value):
    """Return whether a field holds files, and not a word or the HDU of a file."""
    return isinstance(value, list | tuple)


def _path_of(file):
    """Return the path in "image.fits[SCI,1]"."""
    path, _ = split_path(os.fspath(file))
    return Path(path)


def _without_empty_channels(cube):
    """Leave out channels of a spectral cube that tell nothing, as at its ends."""
    if cube.shape[2] <= MOST_BANDS:
        return cube
    is_empty = find_useless_bands(cube.data)
    if not is_empty.any() or 2 * np.count_nonzero(is_empty) > cube.shape[2]:
        return cube
    left_out = [cube.band_names[band] for band in np.flatnonzero(is_empty)]
    warn_user(
        f"{len(left_out)} of {cube.shape[2]} channels are left out, as they hold no "
        f"data or one value: {list_names(left_out)}."
    )
    return cube[:, :, ~is_empty]


def _cutout_of(cube, ra, dec, size):
    """Return the part of a cube around a place on the sky."""
    bands = ", ".join(cube.band_names)
    if cube.wcs is None:
        raise ValueError(f"A cutout needs a place on the sky; no WCS is in {bands}.")
    try:
        return cube.cutout(SkyCoord(ra, dec, unit="deg"), size)
    except ValueError as error:
        raise ValueError(f"{error} (Bands: {bands}.)") from error


def _mask(cube, is_masked):
    """Mask pixels of a cube that was read here."""
    if cube.is_lazy:
        is_masked = in_strips(is_masked, cube.data.chunks)[:, :, np.newaxis]
        cube.data = np.where(is_masked, cube.dtype.type(np.nan), cube.data)
    else:
        cube.data[is_masked] = np.nan


def _in_regions(path, cube):
    """Return which pixels of a cube are in the regions of a file."""
    return read_region_labels(path, cube, name_by=None, empty="ignore").mask


def _mask_inside(cubes, path):
    """Mask the pixels in the regions of a file; some must lie in a cube."""
    exceptions = []
    for cube in cubes:
        try:
            _mask(cube, _in_regions(path, cube))
        except ValueError as error:
            exceptions.append(error)
    if len(exceptions) == len(cubes):
        raise exceptions[0]


def _check_on_sky(cubes, path):
    """Refuse regions in pixels if the images lie on several grids."""
    regions = read_regions(path)
    if len(cubes) > 1 and not all(hasattr(region, "to_pixel") for region in regions):
        grids = group_by_grid([Grid(cube.wcs, cube.shape[:2]) for cube in cubes])
        raise ValueError(
            f"{path} holds regions in pixels, but the images lie on {len(grids)} pixel "
            "grids. Save the regions in the coordinate system icrs."
        )

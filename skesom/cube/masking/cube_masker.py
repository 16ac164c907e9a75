# SPDX-License-Identifier: BSD-3-Clause
"""Mask what is no measurement, by criteria that mark values of single bands."""

from __future__ import annotations

import copy
import zlib
from functools import partial
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from skesom._common.lazy_strips import planes_of
from skesom._common.masked import filled
from skesom._common.strip_calls import scan
from skesom._common.strips import Plan, around, strips_of
from skesom._common.texts import first_names
from skesom._common.thread_pools import in_threads
from skesom._common.warn import warn_unused, warn_user
from skesom.cube.bands import all_band_names, numbers_per_band, split_bands, with_bands
from skesom.cube.base import CubeTransformer, check_cubes, is_cube_list
from skesom.cube.masking._defects import (
    dark_lines,
    gaps_of_value,
    grown,
    near_value,
    pedestal_values,
    residue_limit,
)
from skesom.cube.masking._outliers import (
    MARGIN,
    find_outliers,
    narrowest_widths,
    tile_noise,
)
from skesom.cube.masking.picture_values import hold_picture
from skesom.cube.masking.regions import pixels_of_regions
from skesom.cube.masking.sky import (
    KEPT,
    measure_sky,
    measure_slopes,
    representative_rows,
    sampled,
    write_nan,
)

# The criteria in the order in which they take values, with what to do if one takes too
# many. A value belongs to the first that takes it.
REMEDIES = {
    "missing": "They are NaN in the input: leave out the band that is empty there, or "
    "pass min_bands.",
    "zeros": "Pass mask_zeros=False if zeros are measurements here.",
    "pedestal": "Pass mask_pedestal=False if constant areas are measurements here.",
    "lines": "Pass mask_lines=False if such lines are measurements here.",
    "saturation": "Pass a higher saturation.",
    "outliers": "Pass mask_outliers=False if such pixels are measurements here.",
    "grow": "Pass a smaller grow.",
    "regions": "Pass regions to exclude or include that leave some pixels.",
    "signal_to_noise": "Pass a lower min_signal_to_noise, or min_bands.",
}
CRITERIA = tuple(REMEDIES)

# Errors that differ so much from the noise are of another kind or unit, as variances
# are; errors of bright parts or of smoothed images differ by some tens at most.
FARTHEST_ERRORS = 1000.0


class CubeMasker(CubeTransformer):
    """Mask pixels that hold no measurement.

    Takes one cube, or a list of cubes, each of which then gets its own mask.

    Parameters
    ----------
    mask_zeros : "auto" or bool, default="auto"
        ``"auto"`` masks zeros that fill areas or lines (gaps of mosaics, dead columns)
        but leaves scattered ones, which come from rounding and counting. Values up to
        a millionth of the noise of their band count as zeros there: such are left of
        zeros that were resampled or convolved. True masks every exact 0 too.
    mask_pedestal : bool, default=True
        Whether to mask areas that another constant fills. Bands with at most 1024
        different values, as 8-bit pictures, are left alone.
    mask_lines : bool, default=True
        Whether to mask columns and rows that are darker than the sky along at least
        25 pixels, as broken detector columns are.
    mask_outliers : bool, default=True
        Whether to mask hot and dead pixels and cosmic rays: what is sharper than a
        point-spread function. Do this before convolving or resampling, which spread
        such values.
    saturation : float or array-like of shape (n_bands,), default=None
        Mask values at or above this flux.
    grow : float, default=0
        Mask also what is so many pixels or less from values that are masked by one of
        the criteria above, or were NaN before.
    exclude, include : array-like of bool, region or sequence of both, default=None
        Pixels to mask in any case, and pixels outside of which everything is masked: a
        mask of shape (n_rows, n_columns), a region of the regions package, on the sky
        or in pixels, or several of them together. A pixel belongs to a region if its
        center does; a point holds the pixel it lies in. Regions that their file marks
        as excluded are taken out of the others.
    min_signal_to_noise : float, default=None
        Mask values whose flux above the sky is less than so many times `noise`.
    noise : float or array-like of shape (n_bands,) or of the cube's, default=None
        Standard deviation of a pixel for `min_signal_to_noise`: one number for each
        band, or a map. By default the errors of the cube, if it has any, else what is
        measured in the sky. Where it is NaN, or not positive, the value is masked.
    min_bands : int, default=None
        Keep a pixel that has at least so many usable bands; its other bands become
        NaN. By default a pixel needs all bands.
    check_background : bool, default=True
        Whether to warn of a background that slopes across the frame. Give fluxes for
        this: a stretch bends slopes.
    copy : bool, default=True
        False writes NaN into the cube that is given, if its memory allows.
    n_jobs : int, default=None
        Number of threads. The result does not depend on it.

    Attributes
    ----------
    mask_ : ndarray of bool of shape (n_rows, n_columns)
        True where the fitted cube is masked.
    summary_ : dict of str to int
        Number of pixels of the fitted cube that each criterion masked, in their order;
        a pixel counts for the first that took it.
    sky_level_, noise_ : ndarray of shape (n_bands,)
        Level of the sky, or of the darkest parts of a frame without sky, and standard
        deviation per pixel there.
    background_gradient_ : ndarray of shape (n_bands,)
        What a sloping background rises by across the frame in units of this noise, 0
        in bands without one; NaN if the background is not checked.
    saturation_ : ndarray of shape (n_bands,)
        Flux from which a value is masked; infinite if none is.
    is_picture_ : bool
        Whether the fitted bands are a picture for the eye and no fluxes: whole numbers
        from 0 to 255, cut off at the upper end.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the bands, of all cubes together.

    Raises
    ------
    ValueError
        If no pixel of a cube would remain, or a parameter does not fit the cube.

    Warns
    -----
    UserWarning
        If the levels of the sky follow a plane that spans more than three standard
        deviations of the smoothed sky.

    See Also
    --------
    SkyMasker : Masks pixels that do not stand out from the sky.

    Notes
    -----
    Fitted on a list of cubes, `mask_` and `summary_` are lists with an entry for each
    cube, and the others have an entry for each band of all cubes. Saturation, level and
    noise are those of the fitted cube; the rest is looked for in each cube anew. So
    `transform` reads a lazy cube too: each band at a time, or several small ones, then
    all in strips. It keeps one band in memory, and of the others compressed masks.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.cube import CubeMasker
    >>> cube = np.random.default_rng(0).normal(size=(100, 100, 3))
    >>> cube[40:60, 30:60] += 20  # a galaxy
    >>> cube[:, 90:, 1] = 0  # a gap in one band
    >>> masker = CubeMasker().fit(cube)
    >>> masker.summary_["zeros"]
    1000
    >>> bool(masker.mask_[50, 45])
    False
    """

    keeps_flux = True

    # What a model in a file may hold: kind and axes of each array.
    _stored = {
        "saturation_": "reals features",
        "sky_level_": "reals features",
        "noise_": "reals features",
        "background_gradient_": "reals features",
    }

    _parameter_constraints = {
        "mask_zeros": [StrOptions({"auto"}), "boolean"],
        "mask_pedestal": ["boolean"],
        "mask_lines": ["boolean"],
        "mask_outliers": ["boolean"],
        "saturation": [Real, "array-like", None],
        "grow": [Interval(Real, 0, None, closed="left")],
        "exclude": ["array-like", HasMethods("to_mask"), HasMethods("to_pixel"), None],
        "include": ["array-like", HasMethods("to_mask"), HasMethods("to_pixel"), None],
        "min_signal_to_noise": [Real, None],
        "noise": [Interval(Real, 0, None, closed="neither"), "array-like", None],
        "min_bands": [Interval(Integral, 1, None, closed="left"), None],
        "check_background": ["boolean"],
        "copy": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        *,
        mask_zeros: Literal["auto"] | bool = "auto",
        mask_pedestal: bool = True,
        mask_lines: bool = True,
        mask_outliers: bool = True,
        saturation: float | ArrayLike | None = None,
        grow: float = 0,
        exclude: Any = None,
        include: Any = None,
        min_signal_to_noise: float | None = None,
        noise: float | ArrayLike | None = None,
        min_bands: int | None = None,
        check_background: bool = True,
        copy: bool = True,
        n_jobs: int | None = None,
    ) -> None:
        self.mask_zeros = mask_zeros
        self.mask_pedestal = mask_pedestal
        self.mask_lines = mask_lines
        self.mask_outliers = mask_outliers
        self.saturation = saturation
        self.grow = grow
        self.exclude = exclude
        self.include = include
        self.min_signal_to_noise = min_signal_to_noise
        self.noise = noise
        self.min_bands = min_bands
        self.check_background = check_background
        self.copy = copy
        self.n_jobs = n_jobs

    def _fit_transform(self, X):
        return self._masked(X, *self._fit(X))

    def _transform(self, X):
        cubes = check_cubes(X, self, reset=False)
        # The same bands may lie on other grids than those of the fit.
        _check_min_bands(cubes, self.min_bands)
        taken = self._values_by_criterion(cubes, must_overlap=False)
        self._take_faint(cubes, taken)
        return self._masked(X, cubes, taken)

    def _fit(self, X):
        """Fit, and return the cubes and which criterion takes each value."""
        cubes = check_cubes(X, self, reset=True)
        _check_min_bands(cubes, self.min_bands)
        if self.min_signal_to_noise is None:
            warn_unused(self, ["noise"], "min_signal_to_noise=None")
        saturation = np.inf if self.saturation is None else self.saturation
        names = all_band_names(cubes)
        self.saturation_ = numbers_per_band(saturation, names, "saturation")
        self.is_picture_ = hold_picture(cubes)
        taken = self._values_by_criterion(cubes, must_overlap=True)
        skies = zip(*map(self._measure_sky, cubes, taken), strict=True)
        self.sky_level_, self.noise_, self.background_gradient_ = map(
            np.concatenate, skies
        )
        self._take_faint(cubes, taken)
        pixels = [_pixels_by_criterion(each, self.min_bands) for each in taken]
        for group in zip(cubes, taken, pixels, strict=True):
            _refuse_empty(*group)
        for part in with_bands(cubes, self.background_gradient_):
            _warn_of_slopes(*part)
        for part in with_bands(cubes, self.noise_):
            _warn_of_errors(*part)
        all_or_one = list if is_cube_list(X) else next
        self.mask_ = all_or_one(each != KEPT for each in pixels)
        self.summary_ = all_or_one(_count(each) for each in pixels)
        return cubes, taken

    def _measure_sky(self, cube, taken):
        """Return level, noise and slope of the values left in representative rows."""
        rows = representative_rows(*cube.shape[:2])
        lost = _lost_values(taken, self.min_bands, rows)
        sample = sampled(cube.data)  # of a lazy cube, computed once
        sky, slopes = measure_sky(sample, lost, n_jobs=self.n_jobs), np.nan
        if self.check_background:
            slopes = measure_slopes(sample, lost, self.n_jobs)
        return sky.level, sky.noise, np.broadcast_to(slopes, len(sky.level))

    def _masked(self, X, cubes, taken):
        """Return the masked cubes in the form of X."""
        lost = [partial(_lost_values, each, self.min_bands) for each in taken]
        masked = [
            write_nan(cube, find_lost, cube.sky_mask, self.copy, self.n_jobs)
            for cube, find_lost in zip(cubes, lost, strict=True)
        ]
        return self._like_inputs(X, masked)

    def _values_by_criterion(self, cubes, *, must_overlap):
        """Return the criterion of each value before the signal to noise."""
        return [
            self._values_of_cube(cube, saturation, must_overlap)
            for cube, saturation in with_bands(cubes, self.saturation_)
        ]

    def _values_of_cube(self, cube, saturation, must_overlap):
        """Return the criterion of each value of a cube, bands first."""
        bands = range(cube.shape[2])
        # What is lazy is searched by threads of dask, with few bands in memory.
        n_jobs = 1 if cube.is_lazy else self.n_jobs
        taken = self._search(cube, saturation, n_jobs)
        if self.grow:

            def grow(band):
                near = grown(taken[band, :] != KEPT, self.grow)
                _take_of_band(taken, band, "grow", near)

            in_threads(grow, bands, n_jobs)
        for name in ("exclude", "include"):
            regions = getattr(self, name)
            if regions is not None:
                inside = pixels_of_regions(regions, cube, name, must_overlap)
                outside = inside if name == "exclude" else ~inside
                for band in bands:
                    _take_of_band(taken, band, "regions", outside)
        return taken

    def _search(self, cube, saturation, n_jobs):
        """Return the criterion of each value of a cube before it grows."""
        shape = cube.shape[2], *cube.shape[:2]
        taken = _Planes(shape) if cube.is_lazy else np.full(shape, KEPT, np.uint8)

        def search(plane):
            band, image = plane
            values = np.full(image.shape, KEPT, dtype=np.uint8)
            self._take_single_values(image, values, saturation[band])
            taken[band, :] = values
            return tile_noise(image, values) if self.mask_outliers else None

        noise = in_threads(search, planes_of(cube.data), n_jobs)
        if self.mask_outliers:
            _take_outliers(cube, taken, np.stack(noise, axis=-1), n_jobs)
        return taken

    def _take_single_values(self, image, taken, saturation):
        """Let the criteria take values of a band that need no other band."""
        limit = residue_limit(image) if self.mask_zeros else 0.0
        n_zeros = 0
        for rows in strips_of(image.shape, "block"):
            block = image[rows].copy()
            _take(taken[rows], "missing", np.isnan(block))
            n_zeros += np.count_nonzero(near_value(block, 0, limit))
        if self.mask_zeros and n_zeros:
            zeros = gaps_of_value(image, 0, limit)
            if self.mask_zeros != "auto":
                zeros |= image == 0
            _take(taken, "zeros", zeros)
        if self.mask_pedestal:
            for value in pedestal_values(image):
                _take(taken, "pedestal", gaps_of_value(image, value))
        if self.mask_lines:
            _take(taken, "lines", dark_lines(image, taken != KEPT))
        if saturation < np.inf:
            _take(taken, "saturation", image >= saturation)

    def _take_faint(self, cubes, taken):
        """Let the signal to noise take values, if that is asked."""
        maps = _noise_maps(self.noise, self.noise_, cubes)
        if self.min_signal_to_noise is None:
            return
        least = self.min_signal_to_noise
        levels = split_bands(self.sky_level_, cubes)
        for cube, level, noise, each in zip(cubes, levels, maps, taken, strict=True):
            spreads = noise if np.ndim(noise) == 1 else (n for _, n in planes_of(noise))
            planes = zip(planes_of(cube.data), spreads, strict=True)
            for (band, image), spread in planes:
                faint = np.empty(image.shape, dtype=bool)
                spread = np.broadcast_to(spread, image.shape)
                for rows in strips_of(image.shape, "block"):
                    signal = image[rows] - cube.dtype.type(level[band])
                    clear = signal >= least * spread[rows]
                    faint[rows] = ~(clear & (spread[rows] > 0))
                _take_of_band(each, band, "signal_to_noise", faint)


class _Planes:
    """Criteria of the values of a lazy cube, indexed as an array with bands first."""

    # Compressed, they take a few percent of what the cube would.

    def __init__(self, shape):
        self.shape = shape
        self.strips = strips_of((*shape[1:], shape[0]), "search", multiple=64)
        self.parts = [[None] * shape[0] for _ in self.strips]

    def __getitem__(self, key):
        bands, rows = key
        if isinstance(bands, slice):
            every = range(*bands.indices(self.shape[0]))
            return np.stack([self[band, rows] for band in every])
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(self.shape[1]))
        values = np.full((len(rows), self.shape[2]), KEPT, dtype=np.uint8)
        for strip, part in zip(self.strips, self.parts, strict=True):
            first, last = np.searchsorted(rows, [strip.start, strip.stop])
            if first < last and part[bands] is not None:
                here = np.frombuffer(zlib.decompress(part[bands]), dtype=np.uint8)
                here = here.reshape(-1, self.shape[2])
                values[first:last] = here[rows[first:last] - strip.start]
        return values

    def __setitem__(self, key, values):
        """Replace all criteria of a band."""
        for strip, part in zip(self.strips, self.parts, strict=True):
            part[key[0]] = _pack(values[strip])

    def near(self, rows):
        """Return the strips that hold some rows, for a task."""
        part = copy.copy(self)
        pairs = zip(self.strips, self.parts, strict=True)
        near = [p for p in pairs if p[0].start < rows.stop and p[0].stop > rows.start]
        part.strips, part.parts = zip(*near, strict=True)
        return part


def _pack(values):
    return None if np.all(values == KEPT) else zlib.compress(values, 1)


def _take(taken, criterion, found):
    """Let a criterion take the values that it found and no other took before."""
    taken[found & (taken == KEPT)] = CRITERIA.index(criterion)


def _take_of_band(taken, band, criterion, found):
    """Let a criterion take values of one of several bands."""
    values = taken[band, :]
    _take(values, criterion, found)
    taken[band, :] = values


def _take_outliers(cube, taken, noise, n_jobs):
    """Let outliers be taken, by the noise in tiles."""
    widths = narrowest_widths(cube)
    if cube.is_lazy:
        plan = Plan(taken.strips, MARGIN)
        near = [taken.near(around(rows, MARGIN)) for rows in plan.strips]
        search = partial(_packed_with_outliers, noise=noise, widths=widths)
        taken.parts = list(scan(search, [cube.data], plan, near))
        return

    def search(band):
        found = [
            find_outliers(cube.data, taken, band, rows, noise, widths[band])
            for rows in strips_of(cube.shape, "wide block")
        ]
        _take(taken[band], "outliers", np.concatenate(found))

    in_threads(search, range(cube.shape[2]), n_jobs)


def _packed_with_outliers(data, rows, taken, *, noise, widths):
    """Return the criteria of a strip with outliers, each band compressed."""
    packed = []
    for band, width in enumerate(widths):
        values = taken[band, rows]
        found = find_outliers(data, taken, band, rows, noise, width)
        _take(values, "outliers", found)
        packed.append(_pack(values))
    return packed


def _pixels_by_criterion(taken, min_bands):
    """Return the number of the criterion that leaves a pixel too few bands, or KEPT."""
    if isinstance(taken, _Planes):
        strips = [_pixels_by_criterion(taken[:, s], min_bands) for s in taken.strips]
        return np.concatenate(strips)
    may_lose = 0 if min_bands is None else len(taken) - min_bands
    if may_lose == 0:
        return taken.min(axis=0)
    return np.partition(taken, may_lose, axis=0)[may_lose]


def _lost_values(taken, min_bands, rows):
    """Return the values in some rows that become NaN."""
    part = taken[:, rows]
    return (part != KEPT) | (_pixels_by_criterion(part, min_bands) != KEPT)


def _count(pixels):
    """Return the number of pixels that each criterion took."""
    return {
        name: int(np.count_nonzero(pixels == number))
        for number, name in enumerate(CRITERIA)
    }


def _noise_maps(noise, measured, cubes):
    """Return the noise of each cube: that of its bands, or a map with bands last."""
    if noise is None:
        parts = with_bands(cubes, measured)
        return [own if cube.errors is None else cube.errors for cube, own in parts]
    if np.ndim(noise) < 2:
        numbers = numbers_per_band(noise, all_band_names(cubes), "noise", positive=True)
        return split_bands(numbers, cubes)
    noise = np.asarray(filled(noise))
    for cube in cubes:
        if noise.shape != cube.shape:
            raise ValueError(
                f"noise has shape {noise.shape}, but the cube has {cube.shape}."
            )
    return [noise] * len(cubes)


def _check_min_bands(cubes, min_bands):
    """Refuse to ask a pixel for more bands than its cube has."""
    fewest = min(cube.shape[2] for cube in cubes)
    if min_bands is not None and min_bands > fewest:
        raise ValueError(
            f"min_bands is {min_bands}, but the cube has {fewest} bands. Mask cubes of "
            "different grids after aligning them."
        )


def _refuse_empty(cube, taken, pixels):
    """Refuse a mask that leaves nothing."""
    if (pixels == KEPT).any():
        return
    summary = _count(pixels)
    worst = max(summary, key=summary.get)
    number, bands = CRITERIA.index(worst), range(cube.shape[2])
    found = [np.count_nonzero(taken[band, :] == number) for band in bands]
    band = int(np.argmax(found))
    raise ValueError(
        f"All {pixels.size} pixels are masked, {summary[worst]} of them by {worst!r} "
        f"(in band {cube.band_names[band]!r} {found[band]}). {REMEDIES[worst]}"
    )


def _warn_of_slopes(cube, gradient):
    """Warn of a background that slopes."""
    pairs = zip(cube.band_names, gradient, strict=True)
    sloping = [f"{name} ({rise:.2g})" for name, rise in pairs if rise > 0]
    if sloping:
        warn_user(
            "The background slopes across the frame. In units of the noise of a pixel, "
            f"it rises by: {', '.join(sloping)}. Unless it is the light of an object, "
            "subtract it first (subtract_background=True, or BackgroundSubtractor)."
        )


def _warn_of_errors(cube, noise):
    """Warn of errors that have nothing to do with the noise of their band."""
    if cube.errors is None:
        return
    sample = sampled(cube.errors)
    doubtful = []
    for name, errors, of_band in zip(
        cube.band_names, np.moveaxis(sample, 2, 0), noise, strict=True
    ):
        known = errors[np.isfinite(errors) & (errors > 0)]
        if not len(known) or not of_band > 0:
            continue
        usual = float(np.median(known))
        if not 1 / FARTHEST_ERRORS < usual / of_band < FARTHEST_ERRORS:
            doubtful.append(f"{name} (error {usual:.2g}, noise {of_band:.2g})")
    if doubtful:
        warn_user(
            f"Errors are more than {FARTHEST_ERRORS:g} times smaller or larger than "
            f"the noise of their band: {first_names(doubtful)}. If they are variances "
            "or inverse variances, read them with error_kind='var' or "
            "error_kind='ivar'; if they are not of these images, with errors=None."
        )

# SPDX-License-Identifier: BSD-3-Clause
"""Mask values that measure nothing, by criteria that look at each band."""

from __future__ import annotations

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
from skesom.cube.masking._criteria import (
    CRITERIA,
    KEPT,
    REMEDIES,
    PackedCriteria,
    count_pixels,
    criteria_of_pixels,
    lost_values,
    pack,
    take,
    take_of_band,
)
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
from skesom.cube.masking.nan_values import write_nan
from skesom.cube.masking.picture_values import hold_picture
from skesom.cube.masking.regions import pixels_of_regions
from skesom.cube.masking.sky import measure_sky
from skesom.cube.masking.sky_slopes import measure_slopes
from skesom.cube.masking.sky_tiles import representative_rows, sampled

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
        cubes, criteria = self._fit(X)
        return self._masked(X, cubes, criteria)

    def _transform(self, X):
        cubes = check_cubes(X, self, reset=False)
        # The same bands may lie on other grids than those of the fit.
        _check_min_bands(cubes, self.min_bands)
        criteria = self._find_criteria(cubes, must_overlap=False)
        self._take_faint(cubes, criteria)
        return self._masked(X, cubes, criteria)

    def _fit(self, X):
        """Fit, and return the cubes and the criteria of their values."""
        cubes = check_cubes(X, self, reset=True)
        _check_min_bands(cubes, self.min_bands)
        if self.min_signal_to_noise is None:
            warn_unused(self, ["noise"], "min_signal_to_noise=None")
        saturation = np.inf if self.saturation is None else self.saturation
        names = all_band_names(cubes)
        self.saturation_ = numbers_per_band(saturation, names, "saturation")
        self.is_picture_ = hold_picture(cubes)
        criteria = self._find_criteria(cubes, must_overlap=True)
        self._fit_sky(cubes, criteria)
        self._take_faint(cubes, criteria)

        of_pixels = [
            criteria_of_pixels(of_cube, self.min_bands) for of_cube in criteria
        ]
        for cube, of_cube, of_its_pixels in zip(
            cubes, criteria, of_pixels, strict=True
        ):
            _refuse_empty(cube, of_cube, of_its_pixels)
        for cube, gradient in with_bands(cubes, self.background_gradient_):
            _warn_of_slopes(cube, gradient)
        for cube, noise in with_bands(cubes, self.noise_):
            _warn_of_errors(cube, noise)

        masks = [of_its_pixels != KEPT for of_its_pixels in of_pixels]
        summaries = [count_pixels(of_its_pixels) for of_its_pixels in of_pixels]
        if is_cube_list(X):
            self.mask_ = masks
            self.summary_ = summaries
        else:
            self.mask_ = masks[0]
            self.summary_ = summaries[0]
        return cubes, criteria

    def _fit_sky(self, cubes, criteria):
        """Measure level, noise and slope of the values left in representative rows."""
        levels = []
        noises = []
        gradients = []
        for cube, of_cube in zip(cubes, criteria, strict=True):
            rows = representative_rows(*cube.shape[:2])
            lost = lost_values(of_cube, self.min_bands, rows)
            sample = sampled(cube.data)  # of a lazy cube, computed once
            sky = measure_sky(sample, lost, n_jobs=self.n_jobs)
            gradient = np.full(len(sky.level), np.nan)
            if self.check_background:
                gradient = measure_slopes(sample, lost, self.n_jobs)
            levels.append(sky.level)
            noises.append(sky.noise)
            gradients.append(gradient)
        self.sky_level_ = np.concatenate(levels)
        self.noise_ = np.concatenate(noises)
        self.background_gradient_ = np.concatenate(gradients)

    def _masked(self, X, cubes, criteria):
        """Return the masked cubes in the form of X."""
        masked = []
        for cube, of_cube in zip(cubes, criteria, strict=True):
            find_lost = partial(lost_values, of_cube, self.min_bands)
            masked.append(
                write_nan(cube, find_lost, cube.sky_mask, self.copy, self.n_jobs)
            )
        return self._like_inputs(X, masked)

    def _find_criteria(self, cubes, *, must_overlap):
        """Return the criteria of each cube before the signal to noise."""
        return [
            self._find_criteria_of_cube(cube, saturation, must_overlap)
            for cube, saturation in with_bands(cubes, self.saturation_)
        ]

    def _find_criteria_of_cube(self, cube, saturation, must_overlap):
        """Return the criterion of each value of a cube, bands first."""
        bands = range(cube.shape[2])
        # What is lazy is searched by threads of dask, with few bands in memory.
        n_jobs = 1 if cube.is_lazy else self.n_jobs
        criteria = self._search(cube, saturation, n_jobs)
        if self.grow:

            def grow(band):
                is_near = grown(criteria[band, :] != KEPT, self.grow)
                take_of_band(criteria, band, "grow", is_near)

            in_threads(grow, bands, n_jobs)
        if self.exclude is not None:
            excluded = pixels_of_regions(self.exclude, cube, "exclude", must_overlap)
            for band in bands:
                take_of_band(criteria, band, "regions", excluded)
        if self.include is not None:
            included = pixels_of_regions(self.include, cube, "include", must_overlap)
            for band in bands:
                take_of_band(criteria, band, "regions", ~included)
        return criteria

    def _search(self, cube, saturation, n_jobs):
        """Return the criterion of each value of a cube before it grows."""
        n_rows, n_columns, n_bands = cube.shape
        shape = (n_bands, n_rows, n_columns)
        if cube.is_lazy:
            criteria = PackedCriteria(shape)
        else:
            criteria = np.full(shape, KEPT, dtype=np.uint8)

        def search(plane):
            band, image = plane
            of_band = np.full(image.shape, KEPT, dtype=np.uint8)
            self._take_within_band(image, of_band, saturation[band])
            criteria[band, :] = of_band
            if self.mask_outliers:
                return tile_noise(image, of_band)
            return None

        noise = in_threads(search, planes_of(cube.data), n_jobs)
        if self.mask_outliers:
            _take_outliers(cube, criteria, np.stack(noise, axis=-1), n_jobs)
        return criteria

    def _take_within_band(self, image, criteria, saturation):
        """Let the criteria that need one band take its values."""
        limit = residue_limit(image) if self.mask_zeros else 0.0
        n_zeros = 0
        for rows in strips_of(image.shape, "block"):
            block = image[rows].copy()
            take(criteria[rows], "missing", np.isnan(block))
            n_zeros += np.count_nonzero(near_value(block, 0, limit))
        if self.mask_zeros and n_zeros:
            is_zero = gaps_of_value(image, 0, limit)
            if self.mask_zeros != "auto":
                is_zero |= image == 0
            take(criteria, "zeros", is_zero)
        if self.mask_pedestal:
            for value in pedestal_values(image):
                take(criteria, "pedestal", gaps_of_value(image, value))
        if self.mask_lines:
            take(criteria, "lines", dark_lines(image, criteria != KEPT))
        if saturation < np.inf:
            take(criteria, "saturation", image >= saturation)

    def _take_faint(self, cubes, criteria):
        """Let the signal to noise take values, if that is asked."""
        noises = _noise_of_cubes(self.noise, self.noise_, cubes)
        if self.min_signal_to_noise is None:
            return
        levels = split_bands(self.sky_level_, cubes)
        for cube, level, noise, of_cube in zip(
            cubes, levels, noises, criteria, strict=True
        ):
            if np.ndim(noise) == 1:
                noise_of_bands = noise
            else:
                noise_of_bands = (plane for _, plane in planes_of(noise))
            planes = planes_of(cube.data)
            for (band, image), noise_of_band in zip(
                planes, noise_of_bands, strict=True
            ):
                spread = np.broadcast_to(noise_of_band, image.shape)
                is_faint = np.empty(image.shape, dtype=bool)
                for rows in strips_of(image.shape, "block"):
                    signal = image[rows] - cube.dtype.type(level[band])
                    is_clear = signal >= self.min_signal_to_noise * spread[rows]
                    is_faint[rows] = ~(is_clear & (spread[rows] > 0))
                take_of_band(of_cube, band, "signal_to_noise", is_faint)


def _take_outliers(cube, criteria, noise, n_jobs):
    """Let outliers be taken, by the noise in tiles."""
    widths = narrowest_widths(cube)
    if cube.is_lazy:
        plan = Plan(criteria.strips, MARGIN)
        criteria_near = [criteria.near(around(rows, MARGIN)) for rows in plan.strips]
        search = partial(_packed_with_outliers, noise=noise, widths=widths)
        criteria.packed = list(scan(search, [cube.data], plan, criteria_near))
        return

    def search(band):
        is_outlier = []
        for rows in strips_of(cube.shape, "wide block"):
            is_outlier.append(
                find_outliers(cube.data, criteria, band, rows, noise, widths[band])
            )
        take(criteria[band], "outliers", np.concatenate(is_outlier))

    in_threads(search, range(cube.shape[2]), n_jobs)


def _packed_with_outliers(data, rows, criteria, *, noise, widths):
    """Return the criteria of a strip with outliers, each band compressed."""
    packed = []
    for band, width in enumerate(widths):
        of_band = criteria[band, rows]
        is_outlier = find_outliers(data, criteria, band, rows, noise, width)
        take(of_band, "outliers", is_outlier)
        packed.append(pack(of_band))
    return packed


def _noise_of_cubes(noise, measured, cubes):
    """Return the noise of each cube: that of its bands, or a map with bands last."""
    if noise is None:
        noises = []
        for cube, measured_in_cube in with_bands(cubes, measured):
            noises.append(measured_in_cube if cube.errors is None else cube.errors)
        return noises
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


def _refuse_empty(cube, criteria, of_pixels):
    """Refuse a mask that leaves nothing."""
    if (of_pixels == KEPT).any():
        return
    summary = count_pixels(of_pixels)
    worst = max(summary, key=summary.get)
    number = CRITERIA.index(worst)
    n_values = []  # that the worst criterion took in each band
    for band in range(cube.shape[2]):
        n_values.append(np.count_nonzero(criteria[band, :] == number))
    band = int(np.argmax(n_values))
    raise ValueError(
        f"All {of_pixels.size} pixels are masked, {summary[worst]} of them by "
        f"{worst!r} (in band {cube.band_names[band]!r} {n_values[band]}). "
        f"{REMEDIES[worst]}"
    )


def _warn_of_slopes(cube, gradient):
    """Warn of a background that slopes."""
    sloping = []
    for name, rise in zip(cube.band_names, gradient, strict=True):
        if rise > 0:
            sloping.append(f"{name} ({rise:.2g})")
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
    for band, name in enumerate(cube.band_names):
        errors = sample[:, :, band]
        usable = errors[np.isfinite(errors) & (errors > 0)]
        if len(usable) == 0 or not noise[band] > 0:
            continue
        usual = float(np.median(usable))
        if not 1 / FARTHEST_ERRORS < usual / noise[band] < FARTHEST_ERRORS:
            doubtful.append(f"{name} (error {usual:.2g}, noise {noise[band]:.2g})")
    if doubtful:
        warn_user(
            f"Errors are more than {FARTHEST_ERRORS:g} times smaller or larger than "
            f"the noise of their band: {first_names(doubtful)}. If they are variances "
            "or inverse variances, read them with error_kind='var' or "
            "error_kind='ivar'; if they are not of these images, with errors=None."
        )

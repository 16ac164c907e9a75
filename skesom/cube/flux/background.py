# SPDX-License-Identifier: BSD-3-Clause
"""Subtract a background that changes slowly across the frame."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skesom._common.extras import import_photutils
from skesom._common.lazy_strips import planes_of
from skesom._common.strip_calls import map_strips
from skesom._common.warn import warn_user
from skesom.cube.bands import all_band_names, with_bands
from skesom.cube.base import CubeTransformer, check_cubes
from skesom.cube.flux._background_mesh import measure_background, subtract_backgrounds
from skesom.cube.masking.sky import measure_slopes

# A background that slopes may bend by so much of its slope; beyond, it holds objects.
BENT = 0.5


class BackgroundSubtractor(CubeTransformer):
    """Subtract the background of each band: what changes slowly and is no source.

    Needs the extra ``psf`` (photutils). Takes one cube or a list.

    Parameters
    ----------
    box_size : int, default=64
        Side in pixels of the boxes in which the background is measured. Larger than
        the largest object, or its light is taken for background too.
    filter_size : int, default=3
        Side in boxes of the median filter that smooths the background; odd.
    source_threshold : float, default=2.0
        Sources stand out by so many standard deviations of the smoothed image; they
        and the 5 pixels around them are left out.
    bands : {"all", "uneven"}, default="all"
        Which bands lose their background: all, or those in which `CubeMasker` would
        warn of a slope, if what is found follows that slope: where it bends by more
        than half of the slope, a galaxy that fills the frame would lose its light.

    Attributes
    ----------
    background_range_ : ndarray of shape (n_bands,)
        Largest minus smallest background of each band of the fitted cubes, NaN if it
        is not subtracted.
    subtracted_ : ndarray of bool of shape (n_bands,)
        Bands that lose their background.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the bands, of all cubes together.

    Raises
    ------
    ImportError
        If photutils is missing; a warning if `bands` is "uneven".
    ValueError
        If a band is masked everywhere, or `filter_size` is even.

    Warns
    -----
    UserWarning
        If `bands` is "uneven": which bands slope, and what was done about them.

    See Also
    --------
    CubeMasker : Warns of a background that slopes.

    Notes
    -----
    The surface of second order that most tiles of 16 pixels follow is subtracted to
    find sources. The rest is measured without them by
    `photutils.background.Background2D` [1]_. The level is subtracted too; errors stay.
    Where a galaxy fills most of the frame there is no background to measure. It is
    measured in each cube anew, so `transform` reads a lazy cube too, with one band at a
    time in memory, or several small ones.

    References
    ----------
    .. [1] L. Bradley et al., photutils, https://doi.org/10.5281/zenodo.596036

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.cube import BackgroundSubtractor
    >>> cube = np.random.default_rng(0).normal(size=(128, 128, 2))
    >>> cube += np.linspace(0, 20, 128)[:, np.newaxis, np.newaxis]
    >>> flat = BackgroundSubtractor(box_size=32).fit_transform(cube)
    >>> bool(np.abs(flat[:10].mean() - flat[-10:].mean()) < 0.5)
    True
    """

    keeps_flux = True

    # What a model in a file may hold: kind and axes of each array.
    _stored = {
        "background_range_": "reals features",
        "subtracted_": "flags features",
    }

    _parameter_constraints = {
        "box_size": [Interval(Integral, 4, None, closed="left")],
        "filter_size": [Interval(Integral, 1, None, closed="left")],
        "source_threshold": [Interval(Real, 0, None, closed="neither")],
        "bands": [StrOptions({"all", "uneven"})],
    }

    def __init__(
        self,
        box_size: int = 64,
        *,
        filter_size: int = 3,
        source_threshold: float = 2.0,
        bands: Literal["all", "uneven"] = "all",
    ) -> None:
        self.box_size = box_size
        self.filter_size = filter_size
        self.source_threshold = source_threshold
        self.bands = bands

    def _fit_transform(self, X):
        return self._like_inputs(X, self._fit(X))

    def _transform(self, X):
        cubes = check_cubes(X, self, reset=False)
        parts = with_bands(cubes, self.subtracted_)
        return self._like_inputs(X, [self._subtract(*part)[0] for part in parts])

    def _fit(self, X):
        cubes = check_cubes(X, self, reset=True)
        if self.filter_size % 2 == 0:
            raise ValueError(f"filter_size must be odd, got {self.filter_size}.")
        slopes, missing = np.ones(self.n_features_in_), None
        if self.bands == "uneven":
            found = [measure_slopes(cube.data, n_jobs=-1) for cube in cubes]
            slopes = np.concatenate(found)
        wanted, check = slopes > 0, self.bands == "uneven"
        try:
            if wanted.any():  # the import takes seconds
                import_photutils("background")
        except ImportError as error:
            if not check:
                raise
            wanted, missing = np.zeros_like(wanted), str(error)
        parts = with_bands(cubes, wanted)
        found = [self._subtract(*part, check=check) for part in parts]
        cubes, ranges = map(list, zip(*found, strict=True))
        self.background_range_ = np.concatenate(ranges)
        self.subtracted_ = ~np.isnan(self.background_range_)
        if check and np.any(slopes > 0):
            _tell(all_band_names(cubes), slopes, self.subtracted_, missing)
        return cubes

    def _subtract(self, cube, wanted, *, check=False):
        """Return a cube without the background of some bands, and its range or NaN."""
        ranges = np.full(cube.shape[2], np.nan)
        if not wanted.any():
            return cube, ranges
        options = self.box_size, self.filter_size, self.source_threshold
        backgrounds = {}
        for band, image in planes_of(cube.data, np.flatnonzero(wanted)):
            _refuse_empty(image, cube.band_names[band])
            background = measure_background(image, *options)
            del image  # before the next one comes
            some = background.sample()
            if not (check and _bends(some)):
                backgrounds[band] = background
                ranges[band] = np.ptp(some)
        data = map_strips(
            lambda part, rows: subtract_backgrounds(part, backgrounds, rows), cube.data
        )
        return cube.replace(data=data, errors=cube.errors), ranges


def _refuse_empty(image, name):
    """Refuse a band without data."""
    if np.isnan(image).all():
        raise ValueError(
            f"Band {name!r} has no background to subtract: all its pixels are NaN. "
            "Leave it out."
        )


def _bends(background):
    """Return whether a background leaves its plane by more than a part of its slope."""
    rest = background
    for axis in (0, 1):
        line = background.mean(axis=1 - axis)
        places = np.arange(len(line))
        trend = np.polyval(np.polyfit(places, line, 1), places)
        rest = rest - np.expand_dims(trend, 1 - axis)
    return np.ptp(rest) > BENT * np.ptp(background - rest)


def _tell(names, slopes, subtracted, missing):
    """Warn of slopes, and say how they were treated."""
    done, kept = (
        ", ".join(f"{names[n]} ({slopes[n]:.2g})" for n in np.flatnonzero(places))
        for places in (subtracted, (slopes > 0) & ~subtracted)
    )
    reason = missing or (
        "too much of what changes slowly there does not follow the slope, as the light "
        "of objects (subtract_background=True subtracts it)"
    )
    text = "The background slopes across the frame, in units of the noise of a pixel."
    if done:
        text += f" It was subtracted from: {done} (subtract_background=False keeps it)."
    if kept:
        text += f" It stays in: {kept}, as {reason}."
    warn_user(text)

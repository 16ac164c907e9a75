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
from skesom.cube.flux._band_background import measure_background, subtract_backgrounds
from skesom.cube.masking.sky_slopes import measure_slopes

# What does not follow the slope of a background, as a share of the slope: beyond, it is
# the light of objects, and stays (docs/masking.md, "Backgrounds that slope").
_MOST_BENDING = 0.5


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
        warn of a slope, if the background follows that slope. Where it bends by more
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
        cubes, _ = self._subtract_from_all(cubes, self.subtracted_)
        return self._like_inputs(X, cubes)

    def _fit(self, X):
        cubes = check_cubes(X, self, reset=True)
        if self.filter_size % 2 == 0:
            raise ValueError(f"filter_size must be odd, got {self.filter_size}.")
        if self.bands == "uneven":
            cubes, ranges = self._subtract_slopes(cubes)
        else:
            import_photutils("background")  # or an error, before any work
            is_chosen = np.ones(self.n_features_in_, dtype=bool)
            cubes, ranges = self._subtract_from_all(cubes, is_chosen)
        self.background_range_ = ranges
        self.subtracted_ = ~np.isnan(ranges)
        return cubes

    def _subtract_slopes(self, cubes):
        """Subtract the backgrounds that slope and do not bend; warn of all that slope.

        Returns what `_subtract_from_all` does.
        """
        slopes = np.concatenate(
            [measure_slopes(cube.data, n_jobs=-1) for cube in cubes]
        )
        ranges = np.full(len(slopes), np.nan)
        if not np.any(slopes > 0):
            return cubes, ranges
        reason = (
            "too much of what changes slowly there does not follow the slope, as the "
            "light of objects (subtract_background=True subtracts it)"
        )
        try:
            import_photutils("background")
        except ImportError as error:
            reason = str(error)
        else:
            cubes, ranges = self._subtract_from_all(cubes, slopes > 0, keep_bent=True)
        _warn_of_slopes(all_band_names(cubes), slopes, ~np.isnan(ranges), reason)
        return cubes, ranges

    def _subtract_from_all(self, cubes, is_chosen, *, keep_bent=False):
        """Subtract the background of the chosen bands of all cubes.

        Parameters
        ----------
        cubes : list of Cube
            The cubes.
        is_chosen : ndarray of bool of shape (n_bands,)
            Whether each band of all cubes loses its background.
        keep_bent : bool, default=False
            Whether a background that does not follow its slope stays.

        Returns
        -------
        subtracted : list of Cube
            The cubes without backgrounds.
        ranges : ndarray of shape (n_bands,)
            Range of each background, NaN where it stays.
        """
        subtracted = []
        ranges = []
        for cube, is_chosen_here in with_bands(cubes, is_chosen):
            cube, cube_ranges = self._subtract(
                cube, np.flatnonzero(is_chosen_here), keep_bent=keep_bent
            )
            subtracted.append(cube)
            ranges.append(cube_ranges)
        return subtracted, np.concatenate(ranges)

    def _subtract(self, cube, bands, *, keep_bent):
        """Return a cube without the background of some bands, and the ranges of these.

        Shape (n_bands,), NaN in other bands.
        """
        ranges = np.full(cube.shape[2], np.nan)
        if len(bands) == 0:
            return cube, ranges
        backgrounds = {}
        for band, image in planes_of(cube.data, bands):
            _refuse_empty_band(image, cube.band_names[band])
            background = measure_background(
                image,
                box_size=self.box_size,
                filter_size=self.filter_size,
                threshold=self.source_threshold,
            )
            del image  # before the next one comes
            sample = background.sample()
            if not (keep_bent and _bends(sample)):
                backgrounds[band] = background
                ranges[band] = np.ptp(sample)

        def subtract(data, rows):
            return subtract_backgrounds(data, backgrounds, rows)

        data = map_strips(subtract, cube.data)
        return cube.replace(data=data, errors=cube.errors), ranges


def _refuse_empty_band(image, name):
    """Refuse a band without data."""
    if np.isnan(image).all():
        raise ValueError(
            f"Band {name!r} has no background to subtract: all its pixels are NaN. "
            "Leave it out."
        )


def _bends(background):
    """Return whether too much of a background does not follow its slope.

    The slope is the sum of the lines that fit its means along both axes best.
    """
    residual = background
    for axis in (0, 1):
        profile = background.mean(axis=1 - axis)
        positions = np.arange(len(profile))
        line = np.polyval(np.polyfit(positions, profile, 1), positions)
        residual = residual - np.expand_dims(line, 1 - axis)
    slope = background - residual
    return np.ptp(residual) > _MOST_BENDING * np.ptp(slope)


def _warn_of_slopes(names, slopes, is_subtracted, reason):
    """Say which bands slope, by how much, and what was done about them.

    Parameters
    ----------
    names : list of str
        Names of all bands.
    slopes : ndarray of shape (n_bands,)
        Range of the slope of each band in units of its noise, 0 without one.
    is_subtracted : ndarray of bool of shape (n_bands,)
        Whether each band has lost its background.
    reason : str
        Why the others keep theirs.
    """
    subtracted = _list_slopes(names, slopes, is_subtracted)
    kept = _list_slopes(names, slopes, (slopes > 0) & ~is_subtracted)
    text = "The background slopes across the frame, in units of the noise of a pixel."
    if subtracted:
        text += (
            f" It was subtracted from: {subtracted} (subtract_background=False keeps "
            "it)."
        )
    if kept:
        text += f" It stays in: {kept}, as {reason}."
    warn_user(text)


def _list_slopes(names, slopes, is_listed):
    """Return the names of some bands, each with its slope in brackets."""
    return ", ".join(
        f"{names[band]} ({slopes[band]:.2g})" for band in np.flatnonzero(is_listed)
    )

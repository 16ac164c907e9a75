# SPDX-License-Identifier: BSD-3-Clause
"""Set aside the pixels that show nothing but sky."""

from __future__ import annotations

import copy
from functools import partial
from numbers import Integral, Real
from typing import Literal, NamedTuple

import numpy as np
from scipy import ndimage
from sklearn.utils._param_validation import Interval, StrOptions

from skesom._common.lazy import cut_rows, in_memory, is_lazy
from skesom._common.strip_calls import map_images
from skesom._common.strips import Plan, around, cut_frame
from skesom._common.warn import warn_user
from skesom.cube.base import CubeTransformer
from skesom.cube.convolution.filtering import GaussianKernel, smooth_all
from skesom.cube.masking.nan_values import write_nan
from skesom.cube.masking.sky import FLAT, measure_sky, significance
from skesom.cube.masking.sky_tiles import sampled
from skesom.cube.valid_pixels import find_valid

# Bits of the code of a pixel, which is 0 without enough bands.
_USABLE = 1  # has enough bands
_DARK = 2
_IN_SKY = 4  # dark, and among pixels at the level of the sky
_BELOW = 8  # as far below the level as others stand out above it
# The frame has sky if so much of what is dark lies in sky, by the scenes for choosing
# of docs/benchmarks/sky_share.py: .27 and more where all that is dark is sky, .16 and
# less where it is light of objects, but for star clouds deep in noise.
LEAST_IN_SKY = 0.25
# More pixels must stand out than twice those that are as far below, by so many.
FEWEST_SIGNALS = 10
BANDS_AT_ONCE = 8  # which bounds the memory


class OnlySkyWarning(UserWarning):
    """A frame shows nothing but sky, which is worth knowing before a long fit."""


class _BandSums(NamedTuple):
    """Sums over the bands of pixels, in which bands without data count nothing."""

    above: np.ndarray  # squares of deviations of the smoothed noise above the sky
    below: np.ndarray
    height: np.ndarray  # mean deviations of the noise of a pixel
    n_bands: np.ndarray  # with data, 1 in pixels that are not usable


class SkyMasker(CubeTransformer):
    """Mask pixels that do not stand out from the sky.

    Parameters
    ----------
    sky : {"auto", "mask", "keep"}, default="auto"
        What to do with these pixels. ``"auto"`` masks all of them if a quarter of
        them or more have a neighborhood that is flat and as dark as the sky, whatever
        their share of the frame; a frame that a galaxy or a star cloud fills keeps all
        its pixels. ``"mask"`` masks them in any case.
    threshold : float, default=3.0
        A pixel that has as many neighbors that are sky as others stands out as seldom
        by noise alone as a Gaussian value by so many standard deviations.
    smoothing : float, default=1.0
        Standard deviation in pixels of the Gaussian that smooths the bands for this.
    min_bands : int, default=None
        Pixels with data in fewer bands stay as they are, and nothing is measured in
        them. All bands by default.
    copy : bool, default=True
        False writes NaN into the cube that is given, if its memory allows.
    n_jobs : int, default=None
        Number of threads. The result does not depend on it.

    Attributes
    ----------
    masks_sky_ : bool
        Whether sky is masked; of ``"auto"``, whether there is any.
    sky_mask_ : ndarray of bool of shape (n_rows, n_columns)
        True where the fitted cube is masked as sky; all False if the sky is kept.
    share_ : float
        Share of the usable pixels of the fitted cube that are masked as sky.
    certainty_ : float
        That the frame has sky, from 0 to 1: more tiles of 16 x 16 pixels must have one
        dark level than levels beside it.
    in_sky_ : float
        Share of the dark pixels of the fitted cube that lie in sky, from 0 to 1; 0 if
        they are not looked for. ``"auto"`` masks the sky from 0.25 on.
    level_, noise_ : ndarray of shape (n_bands,)
        Level of the sky, or of the darkest parts of a frame without sky, and standard
        deviation per pixel there.
    threshold_ : ndarray of shape (n_bands,)
        Sum over bands of the squared significance above the sky by which a pixel stands
        out that has as many neighbors that are sky as others, and 1, 2, ... bands.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the bands.

    Raises
    ------
    ValueError
        If no pixel would remain, or `min_bands` exceeds the number of bands.

    Warns
    -----
    UserWarning
        If ``sky="auto"`` finds nothing but sky: all pixels are kept.

    See Also
    --------
    CubeMasker : Masks what is no measurement, before; warns of sloping backgrounds.

    Notes
    -----
    Level, noise, threshold and certainty are those of the fitted cube, which may hold
    fluxes, or what `AsinhStretch` makes of them. The dark pixels of a frame are sky if
    enough of them are in sky.

    *A pixel is dark.* The sum over bands of the squared positive significance of the
    smoothed pixel is below a threshold. That is where the tail of such sums below the
    sky has the probability of `threshold`, plus twice the logarithm of the odds of sky
    in the 17 x 17 pixels around it.

    *A dark pixel is in sky.* In the 65 x 65 pixels around it, places at the level of
    the sky outnumber the places beside that level: the median of 17 x 17 pixels is
    within half the noise of a pixel, or up to that much again on either side, or
    darker. Light that changes over the frame has as many places beside a level as at
    it. So has sky beside a galaxy: these squares tell whether the frame has sky, and
    not where it ends.

    If fewer than ten pixels more stand out than twice those that lie as far below the
    sky, nothing does, and all are kept. A `Cube` comes back with masked pixels in its
    ``sky_mask``, so that label maps mark them by -2 and pixels without data by -3.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.cube import SkyMasker
    >>> cube = np.random.default_rng(0).normal(size=(100, 100, 3))
    >>> cube[40:60, 30:60] += 20  # a galaxy
    >>> masker = SkyMasker().fit(cube)
    >>> masker.masks_sky_, bool(masker.sky_mask_[50, 45])
    (True, False)
    """

    keeps_flux = True

    # What a model in a file may hold: kind and axes of each array.
    _stored = {
        "level_": "reals features",
        "noise_": "reals features",
        "threshold_": "reals features",
        "_estimates": "reals features 2",
    }

    _parameter_constraints = {
        "sky": [StrOptions({"auto", "mask", "keep"})],
        "threshold": [Interval(Real, 0, None, closed="neither")],
        "smoothing": [Interval(Real, 0, None, closed="left")],
        "min_bands": [Interval(Integral, 1, None, closed="left"), None],
        "copy": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        sky: Literal["auto", "mask", "keep"] = "auto",
        *,
        threshold: float = 3.0,
        smoothing: float = 1.0,
        min_bands: int | None = None,
        copy: bool = True,
        n_jobs: int | None = None,
    ) -> None:
        self.sky = sky
        self.threshold = threshold
        self.smoothing = smoothing
        self.min_bands = min_bands
        self.copy = copy
        self.n_jobs = n_jobs

    def _fit_transform(self, X):
        cube = self._fit(X)
        return self._like_input(X, self._masked(cube, self.sky_mask_))

    def _apply(self, cube):
        return self._masked(cube, _is_dark(self._find_codes(cube)))

    def _fit(self, X):
        """Fit, and return the cube."""
        cube = self._check_cube(X, reset=True)
        sample = sampled(cube.data)
        usable = find_valid(sample, self.min_bands, self.n_jobs)
        sky = measure_sky(
            sample,
            ~usable,
            threshold=self.threshold,
            smoothing=self.smoothing,
            n_jobs=self.n_jobs,
        )
        self.level_ = sky.level
        self.noise_ = sky.noise
        self.certainty_ = sky.certainty
        self.threshold_ = sky.cuts
        self._estimates = sky.smoothed
        self._tile = sky.tile
        self.masks_sky_ = self.sky != "keep"
        codes = in_memory(self._find_codes(cube))
        n_usable = np.count_nonzero(codes & _USABLE)
        n_dark = np.count_nonzero(codes & _DARK)
        self.in_sky_ = float(np.count_nonzero(codes & _IN_SKY) / max(1, n_dark))
        if self.sky == "auto":
            n_kept = n_usable - n_dark
            n_below = np.count_nonzero(codes & _BELOW)
            has_sky = n_dark > 0 and self.in_sky_ >= LEAST_IN_SKY
            shows_more = n_kept >= FEWEST_SIGNALS + 2 * n_below
            self.masks_sky_ = bool(has_sky and shows_more)
            if has_sky and not shows_more:
                _warn_of_noise(n_kept, n_below)
        self.sky_mask_ = _is_dark(codes) & self.masks_sky_
        self.share_ = float(self.sky_mask_.sum() / max(1, n_usable))
        _refuse_empty(cube, codes, self.sky_mask_)
        return cube

    def _find_codes(self, cube):
        """Return the codes of all pixels, lazily of a lazy cube."""
        # Otherwise no pixel is sky, however dark.
        looks = self.masks_sky_ and (self.sky == "mask" or self.certainty_ > 0)
        reach = GaussianKernel(self.smoothing).reach + 3 * self._tile
        plan = Plan(cut_frame(cube.shape), reach if looks else 0)
        n_jobs = self.n_jobs if len(plan.strips) == 1 and not cube.is_lazy else 1
        find = copy.copy(self)._codes_of_strip  # as it is now
        function = partial(find, halo=plan.halo, looks=looks, n_jobs=n_jobs)
        made = [(cube.shape[1:2], np.uint8)]
        return map_images(function, [cube.data], plan, made, n_jobs=self.n_jobs)[0]

    def _codes_of_strip(self, data, rows, *, halo, looks, n_jobs):
        """Return the codes of the pixels of a strip, as the only plane."""
        with_halo = around(rows, halo)
        slab = data[with_halo]
        usable = find_valid(slab, self.min_bands, n_jobs)
        inside = slice(rows.start - with_halo.start, rows.stop - with_halo.start)
        codes = np.where(usable, np.uint8(_USABLE), np.uint8(0))
        if not looks:
            return [codes[inside]]
        sums = self._sum_bands(slab, usable, n_jobs)
        cut = self.threshold_[sums.n_bands - 1]
        # The posterior odds of sky: those of its neighbors, and how seldom the noise
        # of sky lifts a pixel so high.
        side = self._tile + 1
        n_usable = _count_near(usable, side)
        n_dark = _count_near(usable & (sums.above <= cut), side)
        highest = cut + 2 * np.log((n_dark + 1) / (n_usable - n_dark + 1))
        dark = usable & (sums.above <= highest)
        codes[dark] |= _DARK
        codes[dark & (sums.below > highest)] |= _BELOW
        if self.sky != "mask":
            at_level = self._is_at_level(sums.height, usable, n_usable)
            codes[dark & at_level] |= _IN_SKY
        return [codes[inside]]

    def _sum_bands(self, slab, usable, n_jobs):
        """Return sums over the bands of how far pixels are above and below the sky."""
        above = np.zeros(usable.shape)
        below = np.zeros(usable.shape)
        height = np.zeros(usable.shape)
        n_bands = np.zeros(usable.shape, dtype=np.intp)
        for bands in cut_rows(slab.shape[2], BANDS_AT_ONCE):
            images = np.array(np.moveaxis(slab[:, :, bands], 2, 0), order="C")
            images[:, ~usable] = np.nan
            images = smooth_all(images, self.smoothing, n_jobs)
            for image, (level, smoothed_noise), noise in zip(
                images, self._estimates[bands], self.noise_[bands], strict=True
            ):
                excess = significance(image, level, smoothed_noise)
                above += np.fmax(excess, 0) ** 2
                below += np.fmin(excess, 0) ** 2
                height += np.nan_to_num(significance(image, level, noise))
                n_bands += ~np.isnan(excess)
        n_bands[~usable] = 1
        return _BandSums(above, below, height / n_bands, n_bands)

    def _is_at_level(self, height, usable, n_usable):
        """Return where more pixels around are at the level of the sky than beside it.

        A pixel is below a level if at least half of the usable pixels in its tile are.
        """

        def is_below(level):
            n_below = _count_near(usable & (height <= level), self._tile + 1)
            return usable & (2 * n_below >= n_usable)

        lower = is_below(-FLAT)
        up_to_sky = is_below(FLAT)
        up_to_beside = is_below(3 * FLAT)
        side = 4 * self._tile + 1
        at_level = _count_near(up_to_sky & ~lower, side)
        beside = _count_near(lower | (up_to_beside & ~up_to_sky), side)
        return self.certainty_ * (at_level - beside) > 0.5 * at_level

    def _masked(self, cube, sky_mask):
        """Return a cube in which the sky is NaN."""
        all_sky = cube.sky_mask
        if self.masks_sky_ and all_sky is None:
            all_sky = sky_mask
        elif self.masks_sky_:
            all_sky = all_sky | sky_mask
        if is_lazy(sky_mask):
            lost = sky_mask.rechunk(cube.data.chunks[:2])[:, :, np.newaxis]
            data = np.where(lost, cube.dtype.type(np.nan), cube.data)
            return cube.replace(data=data, errors=cube.errors, sky_mask=all_sky)

        def find_lost(rows):
            return sky_mask[np.newaxis, rows]

        return write_nan(cube, find_lost, all_sky, self.copy, self.n_jobs)


def _is_dark(codes):
    """Return where codes say that a pixel is dark."""
    return codes & _DARK > 0


def _count_near(pixels, side):
    """Return how many of some pixels are in a square around each pixel."""
    share = ndimage.uniform_filter(pixels.astype(np.float64), side, mode="constant")
    return np.rint(share * side**2)


def _refuse_empty(cube, codes, sky_mask):
    """Refuse a cube of which no pixel remains."""
    if ((codes != 0) & ~sky_mask).any():
        return
    n_sky = np.count_nonzero(sky_mask)
    message = f"All {codes.size} pixels are masked, "
    if 2 * n_sky > codes.size:
        message += f'{n_sky} of them as sky. Pass sky="keep", or a lower threshold.'
    else:
        missing = np.asarray(np.isnan(cube.data).sum(axis=(0, 1)))
        band = int(np.argmax(missing))
        message += (
            f"{codes.size - n_sky} of them because they lack bands (band "
            f"{cube.band_names[band]!r} {missing[band]}). Leave out a band that is "
            "empty there, or pass min_bands."
        )
    raise ValueError(message)


def _warn_of_noise(n_kept, n_below):
    """Warn of a frame that shows nothing but sky."""
    warn_user(
        f"The frame shows nothing but sky: {n_kept} pixels stand out, and {n_below} "
        "lie as far below it by chance. All pixels are kept, and clusters of them are "
        "clusters of noise. Look for fainter sources with a lower threshold.",
        OnlySkyWarning,
    )

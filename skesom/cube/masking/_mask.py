# SPDX-License-Identifier: BSD-3-Clause
"""Set aside what is no measurement, and on request what is only sky.

Every criterion looks at single bands and marks values that cannot be used; together
they decide which pixels remain. Masked values become NaN, the one sign for them in the
whole package.
"""

from numbers import Integral, Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skesom.cube._base import CubeTransformer
from skesom.cube._cube_list import (
    all_band_names,
    check_cubes,
    is_cube_list,
    split_bands,
)
from skesom.cube.flux._per_band import numbers_per_band
from skesom.cube.masking._criteria import check_min_bands, check_rest
from skesom.cube.masking._flatness import Flatness
from skesom.cube.masking._masking import apply_mask, find_mask, noise_maps, warn_of_sky


class CubeMasker(CubeTransformer):
    """Mask pixels that hold no measurement, and on request those of the sky.

    Takes one cube, or a list of cubes on different pixel grids, each of which then gets
    its own mask.

    Parameters
    ----------
    mask_zeros : "auto" or bool, default="auto"
        ``"auto"`` masks zeros where they fill areas or lines that chance would not
        fill (gaps of mosaics, dead columns) but leaves scattered zeros, which come
        from rounding and counting. True masks every exact 0.
    mask_pedestal : bool, default=True
        Whether to mask areas that another constant fills. Bands with at most 1024
        different values, as 8-bit pictures, are left alone.
    mask_lines : bool, default=True
        Whether to mask columns and rows that are darker than the sky along at least
        25 pixels, as broken detector columns are.
    mask_outliers : bool, default=True
        Whether to mask hot and dead pixels, cosmic rays and trails of satellites: what
        is sharper than a point-spread function, or a straight line, in one band alone.
        Leave it to the detector's own pixels: convolving or resampling first would
        spread such values.
    saturation : float or array-like of shape (n_bands,), default=None
        Mask values at or above this flux.
    grow : float, default=0
        Mask also what is so many pixels or less from values that are masked by one of
        the criteria above, or were NaN before.
    border_noise : float, default=None
        Mask the borders of mosaics and of the frame as far as their noise is more than
        so many times that of the inside, at most 32 pixels. 1.5 is a good start.
    exclude, include : array-like of bool, region or sequence of both, default=None
        Pixels to mask in any case, and pixels outside of which everything is masked: a
        mask of shape (n_rows, n_columns), a region of the regions package, on the sky
        or in pixels, or several of them together. A pixel belongs to a region if its
        center does; a point holds the pixel it lies in. What a region holds that its
        file marks as excluded is taken out of the others.
    min_signal_to_noise : float, default=None
        Mask values whose flux above the sky is less than so many standard deviations
        of a pixel.
    noise : float or array-like of shape (n_bands,) or of the cube's, default=None
        Standard deviation of a pixel for `min_signal_to_noise`: one number for each
        band, or a map. By default the errors of the cube, if it has any, else what is
        measured in the sky. Where it is NaN, or not positive, the value is masked.
    min_bands : int, default=None
        Keep a pixel that has at least so many usable bands; its other bands become
        NaN. By default a pixel needs all bands.
    sky : {"keep", "mask", "auto"}, default="keep"
        Whether to mask pixels that do not stand out from the sky. ``"auto"`` does it
        if they are more than half of the frame, are as flat as sky, and something
        stands out; a frame that a galaxy or a star cloud fills keeps all its pixels.
    sky_threshold : float, default=3.0
        A pixel stands out in a band by so many standard deviations of the smoothed
        sky.
    sky_smoothing : float, default=1.0
        Standard deviation in pixels of the Gaussian that smooths the bands for this.
    sky_min_bands : int, default=2
        A pixel stands out if it does so in that many bands (or in all, if there are
        fewer).
    check_background : bool, default=True
        Whether to warn of a background that slopes across the frame, as scattered
        light and bright nights make it. Give fluxes for this: a stretch bends slopes.
    copy : bool, default=True
        False writes NaN into the cube that is given, if its memory allows.
    n_jobs : int, default=None
        Number of threads. The result does not depend on it.

    Attributes
    ----------
    mask_ : ndarray of bool of shape (n_rows, n_columns)
        True where the fitted cube is masked.
    sky_ : ndarray of bool of shape (n_rows, n_columns)
        True where the fitted cube is masked as sky; all False if the sky is kept.
    sky_masked_ : bool
        Whether sky is masked: what ``"auto"`` decided.
    sky_share_ : float
        Share of the fitted frame's usable pixels that do not stand out from the sky.
    sky_unevenness_ : float
        How flat these pixels are: scatter of the levels of tiles of 16 x 16 pixels in
        units of the noise of a pixel, in the median band. ``"auto"`` takes up to 0.5
        for sky. NaN, and the pixels are kept, if there are fewer than 16 tiles of 8 x 8
        pixels; NaN also if neither the sky nor the background is asked about.
    summary_ : dict of str to int
        Number of pixels of the fitted cube that each criterion masked, in the order
        in which they were asked; a pixel counts for the first that took it.
    sky_level_ : ndarray of shape (n_bands,)
        Level of the sky, or of the darkest parts of a frame without sky.
    noise_ : ndarray of shape (n_bands,)
        Standard deviation per pixel there.
    background_gradient_ : ndarray of shape (n_bands,)
        What a sloping background rises by across the frame in units of this noise, 0
        in bands without one.
    sky_cut_ : ndarray of shape (n_bands,)
        Smoothed flux above which a pixel stands out.
    saturation_ : ndarray of shape (n_bands,)
        Flux from which a value is masked; infinite if none is.
    n_features_in_ : int
        Number of bands, of all cubes together.

    Notes
    -----
    Fitted on a list of cubes, the first six attributes are lists with an entry for
    each cube, and the others have an entry for each band of all cubes.

    Thresholds and the decision on the sky are those of the fitted cube; zeros,
    pedestals, lines and borders are looked for in each cube anew.

    A `Cube` comes back with the pixels of sky in its ``sky_mask``, so that label maps
    tell them (-2) from pixels without data (-3). A plain array cannot carry that.

    Unevenness is measured after a plane is subtracted, if the plane explains most of
    it. If the plane spans more than the threshold of the sky, across the dark pixels
    as across all, the background slopes: that hides the sky, and `fit` warns.
    What is sky must lie flat, and noise must not pass for something: pixels stand out
    if they are ten more than twice those that lie as far below the sky.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.cube import CubeMasker
    >>> cube = np.random.default_rng(0).normal(size=(100, 100, 3))
    >>> cube[40:60, 30:60] += 20  # a galaxy
    >>> cube[:, 90:, 1] = 0  # a gap in one band
    >>> masker = CubeMasker(sky="auto").fit(cube)
    >>> masker.summary_["zeros"], masker.sky_masked_
    (1000, True)
    >>> bool(masker.mask_[50, 45])
    False
    """

    _parameter_constraints = {
        "mask_zeros": [StrOptions({"auto"}), "boolean"],
        "mask_pedestal": ["boolean"],
        "mask_lines": ["boolean"],
        "mask_outliers": ["boolean"],
        "saturation": [Real, "array-like", None],
        "grow": [Interval(Real, 0, None, closed="left")],
        "border_noise": [Interval(Real, 1, None, closed="neither"), None],
        "exclude": ["array-like", HasMethods("to_mask"), HasMethods("to_pixel"), None],
        "include": ["array-like", HasMethods("to_mask"), HasMethods("to_pixel"), None],
        "min_signal_to_noise": [Real, None],
        "noise": [Interval(Real, 0, None, closed="neither"), "array-like", None],
        "min_bands": [Interval(Integral, 1, None, closed="left"), None],
        "sky": [StrOptions({"keep", "mask", "auto"})],
        "sky_threshold": [Interval(Real, 0, None, closed="neither")],
        "sky_smoothing": [Interval(Real, 0, None, closed="left")],
        "sky_min_bands": [Interval(Integral, 1, None, closed="left")],
        "check_background": ["boolean"],
        "copy": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        *,
        mask_zeros="auto",
        mask_pedestal=True,
        mask_lines=True,
        mask_outliers=True,
        saturation=None,
        grow=0,
        border_noise=None,
        exclude=None,
        include=None,
        min_signal_to_noise=None,
        noise=None,
        min_bands=None,
        sky="keep",
        sky_threshold=3.0,
        sky_smoothing=1.0,
        sky_min_bands=2,
        check_background=True,
        copy=True,
        n_jobs=None,
    ):
        self.mask_zeros = mask_zeros
        self.mask_pedestal = mask_pedestal
        self.mask_lines = mask_lines
        self.mask_outliers = mask_outliers
        self.saturation = saturation
        self.grow = grow
        self.border_noise = border_noise
        self.exclude = exclude
        self.include = include
        self.min_signal_to_noise = min_signal_to_noise
        self.noise = noise
        self.min_bands = min_bands
        self.sky = sky
        self.sky_threshold = sky_threshold
        self.sky_smoothing = sky_smoothing
        self.sky_min_bands = sky_min_bands
        self.check_background = check_background
        self.copy = copy
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Measure sky and noise, and decide what to mask.

        Parameters
        ----------
        X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
            The cube, or cubes on different grids; NaN marks pixels that are masked
            already.
        y : None
            Ignored.

        Returns
        -------
        self : CubeMasker
            The fitted transformer.

        Raises
        ------
        ValueError
            If no pixel of a cube would remain, or a parameter does not fit the cube.

        Warns
        -----
        UserWarning
            If the background slopes, or ``sky="auto"`` finds nothing but sky.
        """
        self._fit(X)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X, y=None):
        """Fit to a cube and mask it, with less work than one after the other.

        Parameters
        ----------
        X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
            The cube, or cubes on different grids; NaN marks pixels that are masked
            already.
        y : None
            Ignored.

        Returns
        -------
        masked : Cube, ndarray of shape (n_rows, n_columns, n_bands) or list of Cube
            What `transform` gives for the same cube.
        """
        return self._masked(X, *self._fit(X))

    def transform(self, X):
        """Mask a cube by the fitted thresholds.

        Parameters
        ----------
        X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
            The cube, or cubes on different grids; NaN marks pixels that are masked
            already.

        Returns
        -------
        masked : Cube, ndarray of shape (n_rows, n_columns, n_bands) or list of Cube
            A copy in which masked values are NaN.
        """
        check_is_fitted(self)
        cubes = check_cubes(X, self, reset=False)
        counts = [cube.shape[2] for cube in cubes]
        if counts != self._band_counts:
            raise ValueError(
                f"CubeMasker was fitted on cubes of {self._band_counts} bands, and got "
                f"cubes of {counts} bands."
            )
        saturation = split_bands(self.saturation_, cubes)
        noise = noise_maps(self.noise, cubes)
        tasks = zip(cubes, saturation, noise, self._known, strict=True)
        return self._masked(
            X, cubes, [find_mask(cube, self, *task) for cube, *task in tasks]
        )

    def _fit(self, X):
        """Fit, and return the cubes and their masks."""
        cubes = check_cubes(X, self, reset=True)
        check_min_bands(cubes, self.min_bands)
        saturation = np.inf if self.saturation is None else self.saturation
        saturation = numbers_per_band(saturation, all_band_names(cubes), "saturation")
        noise = noise_maps(self.noise, cubes)
        tasks = zip(cubes, split_bands(saturation, cubes), noise, strict=True)
        masks = [find_mask(cube, self, *task) for cube, *task in tasks]
        for cube, mask in zip(cubes, masks, strict=True):
            check_rest(cube, mask.claims, mask.summary)
            warn_of_sky(cube, mask, self)

        all_or_one = list if is_cube_list(X) else next
        self.mask_ = all_or_one(mask.pixels.unpack() for mask in masks)
        self.sky_ = all_or_one(mask.lost["sky"].unpack() for mask in masks)
        self.sky_masked_ = all_or_one(mask.sky_masked for mask in masks)
        self.sky_share_ = all_or_one(mask.sky.share for mask in masks)
        self.sky_unevenness_ = all_or_one(_flatness(mask).typical for mask in masks)
        self.summary_ = all_or_one(mask.summary for mask in masks)
        self.sky_level_ = np.concatenate([mask.sky.level for mask in masks])
        self.noise_ = np.concatenate([mask.sky.noise for mask in masks])
        self.background_gradient_ = np.concatenate(
            [_flatness(mask).gradient for mask in masks]
        )
        self.sky_cut_ = np.concatenate([mask.sky.cut for mask in masks])
        self.saturation_ = saturation
        self._known = [(mask.sky, mask.sky_masked) for mask in masks]
        self._band_counts = [cube.shape[2] for cube in cubes]
        return cubes, masks

    def _masked(self, X, cubes, masks):
        """Return the masked cubes in the form of X."""
        masked = [apply_mask(*pair, self) for pair in zip(cubes, masks, strict=True)]
        return masked if is_cube_list(X) else self._like_input(X, masked[0])


def _flatness(mask):
    """Return how flat the sky is, of NaN if it was not asked."""
    unknown = np.full(len(mask.sky.level), np.nan)
    return mask.sky.flatness or Flatness(unknown, unknown)

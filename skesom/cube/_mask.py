# SPDX-License-Identifier: BSD-3-Clause
"""Set aside what is no measurement, and on request what is only sky.

Every criterion looks at single bands and marks values that cannot be used; together
they decide which pixels remain. Masked values become NaN, the one sign for them in the
whole package.
"""

from numbers import Integral, Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from skesom.cube._base import CubeTransformer
from skesom.cube._gaps import gaps_of_value, pedestal_values
from skesom.cube._gaussian import smooth
from skesom.cube._lines import dark_lines
from skesom.cube._noise import measure_sky
from skesom.cube._runs import grown

# In the order in which they claim values, with what to do if they claim too many.
REMEDIES = {
    "missing": "They are NaN in the input: leave out the band that is empty there, or "
    "pass min_bands.",
    "zeros": "Pass mask_zeros=False if zeros are measurements here.",
    "pedestal": "Pass mask_pedestal=False if constant areas are measurements here.",
    "lines": "Pass mask_lines=False if such lines are measurements here.",
    "saturation": "Pass a higher saturation.",
    "grow": "Pass a smaller grow.",
    "mask": "Pass a mask that leaves some pixels False.",
    "signal_to_noise": "Pass a lower min_signal_to_noise, or min_bands.",
    "sky": 'Pass sky="keep", or a lower sky_threshold.',
}
CRITERIA = tuple(REMEDIES)[:-1]
# Sky is set aside only where so many pixels stand out by twice the threshold.
FEWEST_SIGNALS = 10


class CubeMasker(CubeTransformer):
    """Mask pixels that hold no measurement, and on request those of the sky.

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
    grow : float, default=0
        Mask also what is so many pixels or less from a gap (all of the above and
        values that were NaN before): mosaics are noisy near their edges.
    saturation : float or array-like of shape (n_bands,), default=None
        Mask values at or above this flux.
    min_signal_to_noise : float, default=None
        Mask values whose flux above the sky is less than so many standard deviations
        of a pixel.
    mask : array-like of bool of shape (n_rows, n_columns), default=None
        Pixels to mask in any case (True); for cubes of this size only.
    min_bands : int, default=None
        Keep a pixel that has at least so many usable bands; its other bands become
        NaN. By default a pixel needs all bands.
    sky : {"keep", "mask", "auto"}, default="keep"
        Whether to mask pixels that do not stand out from the sky. ``"auto"`` does it
        if they are more than half of the frame and something stands out; a frame that
        a galaxy fills keeps all its pixels.
    sky_threshold : float, default=3.0
        A pixel stands out in a band by so many standard deviations of the smoothed
        sky.
    sky_smoothing : float, default=1.0
        Standard deviation in pixels of the Gaussian that smooths the bands for this.
    sky_min_bands : int, default=2
        A pixel stands out if it does so in that many bands (or in all, if there are
        fewer).

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
    sky_level_ : ndarray of shape (n_bands,)
        Level of the sky, or of the darkest parts of a frame without sky.
    noise_ : ndarray of shape (n_bands,)
        Standard deviation per pixel there.
    sky_cut_ : ndarray of shape (n_bands,)
        Smoothed flux above which a pixel stands out.
    saturation_ : ndarray of shape (n_bands,)
        Flux from which a value is masked; infinite if none is.
    summary_ : dict of str to int
        Number of pixels of the fitted cube that each criterion masked, in the order
        in which they were asked; a pixel counts for the first that took it.
    n_features_in_ : int
        Number of bands.

    Notes
    -----
    Thresholds and the decision on the sky are those of the fitted cube; zeros,
    pedestals and lines are looked for in each cube anew.

    A smooth gradient that spans many standard deviations across the frame hides the
    sky from ``"auto"``, which then keeps everything; subtract the background first.

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
        "grow": [Interval(Real, 0, None, closed="left")],
        "saturation": [Real, "array-like", None],
        "min_signal_to_noise": [Real, None],
        "mask": ["array-like", None],
        "min_bands": [Interval(Integral, 1, None, closed="left"), None],
        "sky": [StrOptions({"keep", "mask", "auto"})],
        "sky_threshold": [Interval(Real, 0, None, closed="neither")],
        "sky_smoothing": [Interval(Real, 0, None, closed="left")],
        "sky_min_bands": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        mask_zeros="auto",
        mask_pedestal=True,
        mask_lines=True,
        grow=0,
        saturation=None,
        min_signal_to_noise=None,
        mask=None,
        min_bands=None,
        sky="keep",
        sky_threshold=3.0,
        sky_smoothing=1.0,
        sky_min_bands=2,
    ):
        self.mask_zeros = mask_zeros
        self.mask_pedestal = mask_pedestal
        self.mask_lines = mask_lines
        self.grow = grow
        self.saturation = saturation
        self.min_signal_to_noise = min_signal_to_noise
        self.mask = mask
        self.min_bands = min_bands
        self.sky = sky
        self.sky_threshold = sky_threshold
        self.sky_smoothing = sky_smoothing
        self.sky_min_bands = sky_min_bands

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Measure sky and noise, and decide what to mask.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube; NaN marks pixels that are masked already.
        y : None
            Ignored.

        Returns
        -------
        self : CubeMasker
            The fitted transformer.

        Raises
        ------
        ValueError
            If no pixel would remain, or a parameter does not fit the cube.
        """
        cube = self._check_cube(X, reset=True)
        n_bands = cube.shape[2]
        if self.min_bands is not None and self.min_bands > n_bands:
            raise ValueError(
                f"min_bands is {self.min_bands}, but the cube has {n_bands} bands."
            )
        saturation = self._saturation(cube)
        claims = self._claim_gaps(cube, saturation)
        sky = measure_sky(
            self._masked(cube, claims),
            threshold=self.sky_threshold,
            smoothing=self.sky_smoothing,
            min_bands=self.sky_min_bands,
        )
        sky_masked = self.sky == "mask" or (
            self.sky == "auto" and sky.dominates and sky.stands_out >= FEWEST_SIGNALS
        )
        self._claim_faint(cube, claims, sky.level, sky.noise)
        sky_map = np.zeros(cube.shape[:2], dtype=bool)
        if sky_masked:
            sky_map = self._find_sky(self._masked(cube, claims), sky.cut)
        mask = self._lost_pixels(claims) | sky_map
        summary = self._summarize(claims, sky_map)
        if mask.all():
            worst = max(summary, key=summary.get)
            raise ValueError(
                f"All {mask.size} pixels are masked, {summary[worst]} of them by "
                f"{worst!r}. {REMEDIES[worst]}"
            )
        self.sky_level_ = sky.level
        self.noise_ = sky.noise
        self.sky_cut_ = sky.cut
        self.sky_share_ = sky.share
        self.sky_masked_ = sky_masked
        self.sky_ = sky_map
        self.saturation_ = saturation
        self.summary_ = summary
        self.mask_ = mask
        return self

    def fit_transform(self, X, y=None):
        """Fit to a cube and mask it, with less work than one after the other.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube; NaN marks pixels that are masked already.
        y : None
            Ignored.

        Returns
        -------
        masked : Cube or ndarray of shape (n_rows, n_columns, n_bands)
            What `transform` gives for the same cube.
        """
        self.fit(X)
        if self.min_bands is not None:
            return self.transform(X)
        cube = self._check_cube(X, reset=False)
        data = np.array(cube.data, order="C")
        data[self.mask_] = np.nan
        return self._like_input(X, cube.replace(data=data))

    def transform(self, X):
        """Mask a cube by the fitted thresholds.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube; NaN marks pixels that are masked already.

        Returns
        -------
        masked : Cube or ndarray of shape (n_rows, n_columns, n_bands)
            A copy in which masked values are NaN.
        """
        cube = self._check_cube(X, reset=False)
        claims = self._claim_gaps(cube, self.saturation_)
        self._claim_faint(cube, claims, self.sky_level_, self.noise_)
        data = self._masked(cube, claims)
        if self.sky_masked_:
            data[self._find_sky(data, self.sky_cut_)] = np.nan
        return self._like_input(X, cube.replace(data=data))

    def _saturation(self, cube):
        """Return the flux of each band from which values are masked."""
        if self.saturation is None:
            return np.full(cube.shape[2], np.inf)
        saturation = np.asarray(self.saturation, dtype=np.float64)
        if saturation.shape not in [(), (cube.shape[2],)]:
            raise ValueError(
                "saturation must be one number or one for each of the "
                f"{cube.shape[2]} bands, got {saturation.size}."
            )
        return np.array(np.broadcast_to(saturation, cube.shape[2]))

    def _claim_gaps(self, cube, saturation):
        """Return which criterion (0: none) claims each value of each band.

        The result has shape (n_bands, n_rows, n_columns).
        """
        claims = np.zeros((cube.shape[2], *cube.shape[:2]), dtype=np.uint8)
        for band, claim in enumerate(claims):
            image = np.array(cube.data[:, :, band], order="C")
            _take(claim, "missing", np.isnan(image))
            if self.mask_zeros == "auto":
                _take(claim, "zeros", gaps_of_value(image, 0))
            elif self.mask_zeros:
                _take(claim, "zeros", image == 0)
            if self.mask_pedestal:
                for value in pedestal_values(image):
                    _take(claim, "pedestal", gaps_of_value(image, value))
            if self.mask_lines:
                image[claim > 0] = np.nan
                _take(claim, "lines", dark_lines(image))
            _take(claim, "saturation", image >= saturation[band])
            _take(claim, "grow", grown(claim > 0, self.grow))
        if self.mask is not None:
            mask = np.asarray(self.mask, dtype=bool)
            if mask.shape != cube.shape[:2]:
                raise ValueError(
                    f"mask has shape {mask.shape}, but the cube has "
                    f"{cube.shape[0]} x {cube.shape[1]} pixels."
                )
            for claim in claims:
                _take(claim, "mask", mask)
        return claims

    def _claim_faint(self, cube, claims, level, noise):
        """Claim the values of low signal to noise."""
        if self.min_signal_to_noise is None:
            return
        for band, claim in enumerate(claims):
            least = level[band] + self.min_signal_to_noise * noise[band]
            _take(claim, "signal_to_noise", cube.data[:, :, band] < least)

    def _lost_pixels(self, claims):
        """Return the pixels that have too few unclaimed bands."""
        if self.min_bands is None:
            return np.any(claims, axis=0)
        return np.count_nonzero(claims, axis=0) > len(claims) - self.min_bands

    def _masked(self, cube, claims):
        """Return a copy of the data with NaN for claimed values and lost pixels."""
        data = np.array(cube.data, order="C")
        if self.min_bands is not None:
            data[np.moveaxis(claims, 0, -1) > 0] = np.nan
        data[self._lost_pixels(claims)] = np.nan
        return data

    def _find_sky(self, data, cut):
        """Return the usable pixels that stand out in too few bands."""
        usable = np.zeros(data.shape[:2], dtype=bool)
        signals = np.zeros(data.shape[:2], dtype=np.int16)
        for band in range(data.shape[2]):
            image = np.ascontiguousarray(data[:, :, band])
            image = smooth(image, self.sky_smoothing)
            usable |= np.isfinite(image)
            signals += image > cut[band]
        return usable & (signals < min(self.sky_min_bands, data.shape[2]))

    def _summarize(self, claims, sky_map):
        """Return how many pixels were lost to each criterion, in order."""
        summary, lost = {}, 0
        for number, name in enumerate(CRITERIA, start=1):
            so_far = int(
                np.sum(self._lost_pixels(np.where(claims <= number, claims, 0)))
            )
            summary[name] = so_far - lost
            lost = so_far
        summary["sky"] = int(np.sum(sky_map))
        return summary


def _take(claim, criterion, found):
    """Let a criterion claim the values that it found and nobody claimed before."""
    claim[found & (claim == 0)] = CRITERIA.index(criterion) + 1

# SPDX-License-Identifier: BSD-3-Clause
"""Set aside the pixels that show nothing but sky."""

from __future__ import annotations

from functools import partial
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skesom._common.blocks import find_valid, in_threads
from skesom._common.lazy import is_lazy
from skesom._common.warn import warn_user
from skesom.cube._base import CubeTransformer
from skesom.cube._by_strips import fixed_strips, scan, scan_lazily
from skesom.cube.convolution._filtering import GaussianKernel
from skesom.cube.masking._sky import measure_rest, sampled, write_nan

if TYPE_CHECKING:
    from typing import Literal

_SKY, _KEPT = 1, 2  # codes of pixels; 0 is one without enough bands


class SkyMasker(CubeTransformer):
    """Mask pixels that do not stand out from the sky.

    Parameters
    ----------
    sky : {"auto", "mask", "keep"}, default="auto"
        What to do with these pixels. ``"auto"`` masks them if they are more than half
        of the frame and as flat as sky, and something stands out; a frame that a galaxy
        or a star cloud fills keeps all its pixels.
    threshold : float, default=3.0
        A pixel stands out in a band by so many standard deviations of the smoothed
        sky.
    smoothing : float, default=1.0
        Standard deviation in pixels of the Gaussian that smooths the bands for this.
    min_signals : int, default=2
        A pixel stands out if it does so in that many bands (or in all, if there are
        fewer).
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
        Whether sky is masked: what ``"auto"`` decided.
    sky_mask_ : ndarray of bool of shape (n_rows, n_columns)
        True where the fitted cube is masked as sky; all False if the sky is kept.
    share_ : float
        Share of the usable pixels of the fitted cube that do not stand out.
    unevenness_ : float
        Scatter of the levels of tiles of 16 x 16 of these pixels in units of the noise
        of a pixel, in the median band. ``"auto"`` takes up to 0.5 for sky. NaN, and
        nothing is masked, if there are fewer than 16 tiles of 8 x 8 pixels; NaN also if
        ``sky="keep"``.
    level_, noise_ : ndarray of shape (n_bands,)
        Level of the sky, or of the darkest parts of a frame without sky, and standard
        deviation per pixel there.
    threshold_ : ndarray of shape (n_bands,)
        Smoothed value above which a pixel stands out.
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
    Thresholds and the decision are those of the fitted cube. It may hold fluxes, or
    what `AsinhStretch` makes of them. A plane that explains most of the unevenness is
    subtracted before. Something stands out if its pixels are ten more than twice those
    that lie as far below the sky. A `Cube` comes back with these pixels in its
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

    _parameter_constraints = {
        "sky": [StrOptions({"auto", "mask", "keep"})],
        "threshold": [Interval(Real, 0, None, closed="neither")],
        "smoothing": [Interval(Real, 0, None, closed="left")],
        "min_signals": [Interval(Integral, 1, None, closed="left")],
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
        min_signals: int = 2,
        min_bands: int | None = None,
        copy: bool = True,
        n_jobs: int | None = None,
    ) -> None:
        self.sky = sky
        self.threshold = threshold
        self.smoothing = smoothing
        self.min_signals = min_signals
        self.min_bands = min_bands
        self.copy = copy
        self.n_jobs = n_jobs

    def _fit_transform(self, X):
        cube = self._fit(X)
        return self._like_input(X, self._masked(cube, self.sky_mask_))

    def _transform(self, X):
        cube = self._check_cube(X, reset=False)
        sky_mask = self._find_codes(cube, lazily=cube.is_lazy) == _SKY
        return self._like_input(X, self._masked(cube, sky_mask))

    def _fit(self, X):
        """Fit, and return the cube."""
        cube = self._check_cube(X, reset=True)
        sample = sampled(cube.data)
        usable = find_valid(sample, self.min_bands, self.n_jobs)
        names = ("threshold", "smoothing", "min_signals", "n_jobs")
        options = {name: getattr(self, name) for name in names}
        options["flatness"] = self.sky != "keep"
        sky = measure_rest(sample, ~usable, **options)
        self.masks_sky_ = self.sky == "mask"
        if self.sky == "auto":
            self.masks_sky_ = sky.is_flat and sky.shows_something
            if sky.is_flat and not sky.shows_something:
                _warn_of_noise(sky)
        self.share_, self.unevenness_ = sky.share, sky.unevenness
        self.level_, self.noise_, self.threshold_ = sky.level, sky.noise, sky.cut
        codes = self._find_codes(cube)
        self.sky_mask_ = codes == _SKY
        _refuse_empty(cube, codes)
        return cube

    def _find_codes(self, cube, *, lazily=False):
        """Return the codes of all pixels."""
        kernel = GaussianKernel(self.smoothing) if self.masks_sky_ else None
        strips = fixed_strips(cube.shape)
        n_jobs = self.n_jobs if len(strips) == 1 and not cube.is_lazy else 1
        function = partial(
            _codes_of_strip,
            kernel=kernel,
            thresholds=self.threshold_,
            needed=min(self.min_signals, cube.shape[2]),
            min_bands=self.min_bands,
            n_jobs=n_jobs,
        )
        options = {"margin": kernel.reach if kernel else 0}
        if lazily:
            return scan_lazily(function, [cube.data], strips, np.uint8, **options)
        options["n_jobs"] = self.n_jobs
        return np.concatenate(scan(function, [cube.data], strips, **options))

    def _masked(self, cube, sky_mask):
        """Return a cube in which the sky is NaN."""
        known = cube.sky_mask
        if self.masks_sky_:
            known = sky_mask if known is None else known | sky_mask
        if is_lazy(sky_mask):
            lost = sky_mask.rechunk(cube.data.chunks[:2])[:, :, np.newaxis]
            data = np.where(lost, cube.dtype.type(np.nan), cube.data)
            return cube.replace(data=data, errors=cube.errors, sky_mask=known)
        options = {"copy": self.copy, "n_jobs": self.n_jobs}
        return write_nan(
            cube, lambda rows: sky_mask[np.newaxis, rows], known, **options
        )


def _codes_of_strip(data, rows, _, *, kernel, thresholds, needed, min_bands, n_jobs):
    """Return the codes of the pixels of a strip."""
    slab = data.values
    usable = find_valid(slab, min_bands, n_jobs)
    inside = slice(rows.start - data.top, rows.stop - data.top)
    codes = np.where(usable[inside], np.uint8(_KEPT), np.uint8(0))
    if kernel is None:
        return codes

    def stands_out(band):
        image = np.array(slab[:, :, band], order="C")
        image[~usable] = np.nan
        return kernel.convolve(image)[0][inside] > thresholds[band]

    signals = in_threads(stands_out, range(slab.shape[2]), n_jobs)
    dark = np.sum(signals, axis=0, dtype=np.uint16) < needed
    codes[dark & (codes == _KEPT)] = _SKY
    return codes


def _refuse_empty(cube, codes):
    """Refuse a cube of which no pixel remains."""
    if (codes == _KEPT).any():
        return
    n_sky = np.count_nonzero(codes == _SKY)
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


def _warn_of_noise(sky):
    """Warn of a frame that shows nothing but sky."""
    warn_user(
        f"The frame shows nothing but sky: {sky.stands_out} pixels stand out, and "
        f"{sky.chance} lie as far below it by chance. All pixels are kept, and "
        "clusters of them are clusters of noise. Look for fainter sources with a "
        "lower threshold.",
    )

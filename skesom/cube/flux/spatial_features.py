# SPDX-License-Identifier: BSD-3-Clause
"""Describe pixels by their light on two scales, so that a classifier knows more."""

from __future__ import annotations

from functools import partial
from numbers import Integral, Real

import numpy as np
from astropy import units
from astropy.stats import gaussian_fwhm_to_sigma
from sklearn.utils._param_validation import Interval

from skesom._common.strip_calls import map_images
from skesom._common.strips import Plan, around, strips_of
from skesom._common.thread_pools import in_threads
from skesom._common.warn import warn_user
from skesom._sky.lengths import UNKNOWN_FWHM, in_pixels, is_angle, widest_fwhm
from skesom._types import Quantity
from skesom.cube.base import CubeTransformer
from skesom.cube.convolution.filtering import LEAST_HEIGHT, GaussianKernel
from skesom.cube.valid_pixels import find_valid


class SpatialFeatures(CubeTransformer):
    """Replace each band by two: smoothed, and against its surroundings.

    This is for classifiers, which learn from labels what a feature tells. Clusters have
    no labels, and become worse by it.

    Parameters
    ----------
    smooth : float, default=1.0
        FWHM of the Gaussian that bands are smoothed by, in widths of the point-spread
        function. By one width, small sources stand out most from noise.
    surroundings : float, default=8.0
        FWHM of the Gaussian of the surroundings that are subtracted from the smoothed
        bands: an unsharp mask, in which dust lanes are dark wherever they lie.
    fwhm : float, Quantity or str, default=None
        Width of the point-spread function: in arcsec, or in pixels if these have no
        size on the sky; a Quantity or a text such as "2.5pix" says otherwise. By
        default that of the widest band of the cube, else 3 pixels.
    min_bands : int, default=None
        Bands that a pixel must have; all by default. Pixels with fewer become NaN.
    n_jobs : int, default=None
        Number of threads. The result does not depend on it.

    Attributes
    ----------
    psf_width_ : float
        The width in arcsec, NaN if it or the pixel scale is unknown.
    psf_pixels_ : ndarray of shape (2,)
        The width in pixels as they are high and wide; 3 if unknown.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the bands.

    Raises
    ------
    ValueError
        If `surroundings` is not wider than `smooth`, `fwhm` is not a width, or is an
        angle where the pixel scale is unknown, or `min_bands` exceeds the number of
        bands.

    Warns
    -----
    UserWarning
        If the cube has errors: they are not passed on, because classifiers take none
        and neighbors share their noise after smoothing.

    See Also
    --------
    ColorScaler : Comes before, so that all bands count.
    skesom.maps.CubeClassifier : Learns from labeled pixels.

    Notes
    -----
    With the Gaussians s of `smooth` and l of `surroundings`, a band b becomes two ::

        "F657N smooth"   s * b
        "F657N unsharp"  s * b - l * b

    all smooth bands first. Masked pixels and the outside of the frame have no weight,
    and masked pixels stay masked. A width in arcsec is kept for images of another pixel
    scale. Both widths were chosen on synthetic galaxies: docs/classifying.md has the
    table, and what was tried beside them (colors, lines, the bands themselves).

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.cube import Cube, SpatialFeatures
    >>> lane = np.full((64, 64, 1), 5.0)
    >>> lane[30:34] -= 1
    >>> features = SpatialFeatures().fit_transform(Cube(lane, band_names=["r"]))
    >>> features.band_names
    ('r smooth', 'r unsharp')
    >>> features.data[[10, 32], 32].round(1)
    array([[ 5. ,  0. ],
           [ 4.1, -0.7]])
    """

    # What a model in a file may hold: kind and axes of each array.
    _stored = {
        "psf_pixels_": "reals 2",
    }

    _parameter_constraints = {
        "smooth": [Interval(Real, 0, None, closed="neither")],
        "surroundings": [Interval(Real, 0, None, closed="neither")],
        "fwhm": [Interval(Real, 0, None, closed="neither"), units.Quantity, str, None],
        "min_bands": [Interval(Integral, 1, None, closed="left"), None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        *,
        smooth: float = 1.0,
        surroundings: float = 8.0,
        fwhm: float | Quantity | None = None,
        min_bands: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.smooth = smooth
        self.surroundings = surroundings
        self.fwhm = fwhm
        self.min_bands = min_bands
        self.n_jobs = n_jobs

    def _fit(self, X):
        cube = self._check_cube(X, reset=True)
        if self.surroundings <= self.smooth:
            raise ValueError(
                f"surroundings={self.surroundings} must be wider than "
                f"smooth={self.smooth}."
            )
        n_bands = cube.shape[2]
        if self.min_bands is not None and self.min_bands > n_bands:
            raise ValueError(f"min_bands={self.min_bands} exceeds the {n_bands} bands.")
        if cube.errors is not None:
            warn_user(
                "The errors of the cube are not used: SpatialFeatures passes none on."
            )
        width, pixels = _find_width(self.fwhm, cube)
        self.psf_width_ = width
        self.psf_pixels_ = pixels

    def _apply(self, cube):
        kernels = self._kernels(cube)
        reach = max(kernel.reach for kernel in kernels)
        n_rows, n_columns, n_bands = cube.shape
        n_features = 2 * n_bands
        # The strips depend on the shape alone, so that lazy cubes give the same bits.
        strips = strips_of(
            (n_rows, n_columns, n_features), "convolve", least=LEAST_HEIGHT * reach
        )
        (data,) = map_images(
            partial(
                _make_features,
                kernels=kernels,
                min_bands=self.min_bands,
                # Of a lazy cube dask works through several strips at once.
                n_jobs=1 if cube.is_lazy else self.n_jobs,
            ),
            [cube.data],
            Plan(strips, reach),
            [((n_columns, n_features), cube.dtype)],
            n_jobs=1,
        )
        names = [f"{name} smooth" for name in cube.band_names]
        names += [f"{name} unsharp" for name in cube.band_names]
        return cube.replace(
            data=data,
            band_names=names,
            band_units=[None] * n_features,
            band_coordinates=None,
            fwhm=np.full(n_features, np.nan),
        )

    def _kernels(self, cube):
        """Return the Gaussians of both scales on the pixels of a cube."""
        width = self.psf_pixels_
        if np.isfinite(self.psf_width_) and cube.pixel_scale is not None:
            width = self.psf_width_ / np.array(cube.pixel_scale)
        kernels = []
        for scale in (self.smooth, self.surroundings):
            sigma = scale * gaussian_fwhm_to_sigma * width
            # Wider ones average the whole frame, too, and would take its memory.
            kernels.append(GaussianKernel(np.minimum(sigma, max(cube.shape[:2]))))
        return kernels


def _find_width(fwhm, cube):
    """Return the width of the point-spread function.

    Parameters
    ----------
    fwhm : float, Quantity, str or None
        The parameter of `SpatialFeatures`.
    cube : Cube
        The cube, whose widest band tells the width if `fwhm` is None.

    Returns
    -------
    width : float
        In arcsec, NaN if unknown.
    pixels : ndarray of shape (2,)
        In heights and in widths of pixels.
    """
    scale = None if cube.pixel_scale is None else np.array(cube.pixel_scale)
    if fwhm is None:
        width = widest_fwhm(cube.fwhm)
        if width is None or scale is None:
            return np.nan, np.full(2, UNKNOWN_FWHM)
        return width, width / scale
    if np.ndim(fwhm) > 0:
        raise ValueError(f"fwhm must be one positive width, got {fwhm}.")
    pixels = np.broadcast_to(in_pixels(fwhm, scale, "fwhm"), 2)
    if not (pixels > 0).all():
        raise ValueError(f"fwhm must be one positive width, got {fwhm}.")
    if not is_angle(fwhm, scale):
        return np.nan, pixels
    return float(in_pixels(fwhm, 1.0, "fwhm")), pixels  # of pixels of 1 arcsec


def _make_features(data, rows, *, kernels, min_bands, n_jobs):
    """Return the features of a strip of rows, as the only image of a list."""
    smoothing, surroundings = kernels
    near = around(rows, max(smoothing.reach, surroundings.reach))
    inner = slice(rows.start - near.start, rows.stop - near.start)
    data = data[near]
    n_bands = data.shape[2]
    n_rows, n_columns = data[inner].shape[:2]
    features = np.empty((n_rows, n_columns, 2 * n_bands), data.dtype)

    def make_features_of_band(band):
        image = np.ascontiguousarray(data[:, :, band])
        smoothed = smoothing.convolve(image)[0][inner]
        features[:, :, band] = smoothed
        unsharp = smoothed - surroundings.convolve(image)[0][inner]
        features[:, :, n_bands + band] = unsharp

    in_threads(make_features_of_band, range(n_bands), n_jobs)
    features[~find_valid(data[inner], min_bands)] = np.nan
    return [features]

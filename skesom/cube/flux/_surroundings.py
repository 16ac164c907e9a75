# SPDX-License-Identifier: BSD-3-Clause
"""Let a pixel know what is around it: bands of the smoothed surroundings."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval

from skesom._common.blocks import in_threads
from skesom.cube._base import CubeTransformer
from skesom.cube.convolution._gaussian import GaussianKernel


class SurroundingBands(CubeTransformer):
    """Add to each band a copy that is smoothed over the surroundings of each pixel.

    Clusters then follow where a pixel lies as well as what it is: faint noisy pixels
    take after their surroundings, in which noise averages out.

    Parameters
    ----------
    fwhm : float, default=5.0
        Full width at half maximum, in pixels, of the Gaussian that smooths.
    weight : float, default=1.0
        What the smoothed copies are multiplied by: how much the surroundings count
        beside the pixel, for clusterers that measure distances.
    n_jobs : int, default=None
        Number of threads. The result does not depend on it.

    Attributes
    ----------
    sigma_ : float
        Standard deviation of the Gaussian in pixels.
    n_features_in_ : int
        Number of bands.

    See Also
    --------
    skesom.maps.ConditionalModes : Lets neighbors agree after clustering instead.

    Notes
    -----
    Put it last before the clusterer: a scaler behind it would undo `weight`. NaN stay
    where they are, and take no part in the means beside them. Errors of the smoothed
    bands are those of independent pixels. The number of bands doubles; the new ones are
    named after the old, with " around".

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.cube import Cube, SurroundingBands
    >>> cube = Cube(np.zeros((6, 8, 2)), band_names=["u", "g"])
    >>> SurroundingBands(3.0).fit_transform(cube).band_names
    ('u', 'g', 'u around', 'g around')
    """

    _parameter_constraints = {
        "fwhm": [Interval(Real, 0, None, closed="neither")],
        "weight": [Interval(Real, 0, None, closed="neither")],
        "n_jobs": [Integral, None],
    }

    def __init__(self, fwhm=5.0, *, weight=1.0, n_jobs=None):
        self.fwhm = fwhm
        self.weight = weight
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Remember the number of bands.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube.
        y : None
            Ignored, present for API consistency.

        Returns
        -------
        self : SurroundingBands
            The fitted transformer.
        """
        self._check_cube(X, reset=True)
        self.sigma_ = float(self.fwhm / np.sqrt(8 * np.log(2)))
        return self

    def transform(self, X):
        """Add the smoothed bands.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            A cube with the fitted number of bands.

        Returns
        -------
        X_new : Cube or ndarray of shape (n_rows, n_columns, 2 * n_bands)
            The bands, then their smoothed copies.
        """
        cube = self._check_cube(X, reset=False)
        n_bands = cube.shape[2]
        kernel = GaussianKernel(self.sigma_)
        data = np.empty((*cube.shape[:2], 2 * n_bands), dtype=cube.dtype)
        data[:, :, :n_bands] = cube.data
        errors = None
        if cube.errors is not None:
            errors = np.empty_like(data)
            errors[:, :, :n_bands] = cube.errors

        def smooth(band):
            variance = None if errors is None else np.square(cube.errors[:, :, band])
            image = np.ascontiguousarray(cube.data[:, :, band])
            mean, variance = kernel.convolve(image, variance)
            data[:, :, n_bands + band] = mean * cube.dtype.type(self.weight)
            if errors is not None:
                errors[:, :, n_bands + band] = np.sqrt(variance) * self.weight

        in_threads(smooth, range(n_bands), self.n_jobs)
        return self._like_input(X, self._doubled(cube, data, errors))

    def _doubled(self, cube, data, errors):
        """Return a cube with twice the bands and what is known of them."""
        scales = cube.pixel_scale
        around = np.full(cube.shape[2], np.nan)
        if scales is not None:
            around = np.hypot(cube.fwhm, self.fwhm * np.sqrt(np.prod(scales)))
        coordinates = cube.band_coordinates
        return cube.replace(
            data=data,
            errors=errors,
            band_names=[*cube.band_names, *(f"{n} around" for n in cube.band_names)],
            band_units=[*cube.band_units, *cube.band_units],
            band_coordinates=None
            if coordinates is None
            else np.concatenate([coordinates, coordinates]),
            fwhm=np.concatenate([cube.fwhm, around]),
            zero_points=np.concatenate([cube.zero_points, cube.zero_points]),
        )

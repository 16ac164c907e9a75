# SPDX-License-Identifier: BSD-3-Clause
"""What estimators of cubes share: the table of the valid pixels, and the way back."""

from numbers import Integral

import numpy as np
from sklearn.base import MetaEstimatorMixin
from sklearn.utils._param_validation import Interval, StrOptions

from skesom._common.labels import mark_sky
from skesom.cube import check_cube
from skesom.pixels import flatten, unflatten, valid_pixels


class PixelTableMixin(MetaEstimatorMixin):
    """Mixin of the estimators that hand the valid pixels of a cube to another one.

    A subclass has the parameters `pattern` and `min_bands`, and sets ``estimator_``.
    """

    _pixel_constraints = {
        "pattern": [StrOptions({"pixel", "voxel"})],
        "min_bands": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags

    def table(self, X):
        """Return the valid pixels as the estimator gets them.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube.

        Returns
        -------
        table : ndarray of shape (n_valid, n_bands) or (n_valid, 1)
            The valid pixels in raster order.
        valid : ndarray of bool
            Which pixels (or voxels) are valid.
        """
        return flatten(X, pattern=self.pattern, min_bands=self.min_bands)

    def _training_table(self, X):
        """Return the table of a cube to learn from; refuse bands that say nothing."""
        cube = check_cube(X, estimator=self, reset=True)
        table, valid = self.table(cube)
        if len(table) > 1:
            names = ["flux"] if self.pattern == "voxel" else cube.band_names
            check_bands(table, names)
        return table, valid

    def _map(self, X, values_of, empty):
        """Apply a function of the table and the valid pixels to those of a cube.

        Without any valid pixel, `empty` stands for what the function would return.
        """
        cube = check_cube(X, estimator=self, reset=False)
        valid = valid_pixels(cube, pattern=self.pattern, min_bands=self.min_bands)
        if not valid.any():
            return mark_sky(unflatten(empty, valid), cube.sky_mask)
        table, valid = self.table(cube)
        return mark_sky(unflatten(values_of(table, valid), valid), cube.sky_mask)


def check_bands(values, band_names):
    """Refuse bands that cannot tell pixels apart."""
    bands = np.moveaxis(values, -1, 0)
    least = np.array([np.fmin.reduce(band, axis=None) for band in bands])
    most = np.array([np.fmax.reduce(band, axis=None) for band in bands])
    empty = np.flatnonzero(np.isnan(least))
    if len(empty):
        raise ValueError(
            f"Band {band_names[empty[0]]!r} has no data: all its pixels are NaN. Leave "
            "it out."
        )
    constant = np.flatnonzero(least == most)
    if len(constant) == len(bands) > 1:
        raise ValueError(
            f"Nothing tells pixels apart: the bands {', '.join(band_names)} are all "
            "constant in the pixels that are left. Give images with more than noise."
        )
    if len(constant):
        raise ValueError(
            f"Band {band_names[constant[0]]!r} is constant ({least[constant[0]]:g} in "
            "all pixels with data), so it cannot tell pixels apart. Leave it out."
        )

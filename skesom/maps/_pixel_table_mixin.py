# SPDX-License-Identifier: BSD-3-Clause
"""What `CubeClusterer` and `CubeClassifier` share: cube to table, and back to a map."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import MetaEstimatorMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skesom._common.decorators import available_if
from skesom._common.estimator import by_fit
from skesom._common.labels import mark_sky
from skesom._common.lazy_strips import in_memory_by_strips
from skesom._common.pipelines import last_name
from skesom._types import CubeLike
from skesom.cube.base import CubeInput, check_cube
from skesom.maps.usable_bands import check_bands
from skesom.pixels import flatten, unflatten
from skesom.pixels.flattening import table_of, valid_pixels


def inner_estimator(wrapper):
    """Return the estimator of tables in one of cubes: the fitted one after a fit."""
    return getattr(wrapper, "estimator_", wrapper.estimator)


def can_predict(wrapper):
    """Return True if the estimator labels other pixels, for `available_if`."""
    estimator = inner_estimator(wrapper)
    if estimator is None or hasattr(estimator, "predict"):
        return True
    raise AttributeError(
        f"{last_name(estimator)} cannot label pixels that it was not fitted on; use "
        "fit_predict, or labels_ after fit."
    )


class PixelTableMixin(CubeInput, MetaEstimatorMixin):
    """Mixin of the estimators that pass the valid pixels of a cube to another one."""

    _pixel_constraints = {
        "pattern": [StrOptions({"pixel", "voxel"})],
        "min_bands": [Interval(Integral, 1, None, closed="left"), None],
    }
    _typical_errors = None  # of each band, if the estimator learned with errors

    @by_fit
    def table(self, X: CubeLike) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the valid pixels as the estimator gets them, and which are valid.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            A cube.

        Returns
        -------
        table : ndarray of shape (n_valid, n_bands) or (n_valid, 1)
            As from `skesom.pixels.flatten`; that of a lazy cube is lazy.
        valid : ndarray of bool
            Which pixels, or voxels, are its rows.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.maps import CubeClusterer
        >>> table, valid = CubeClusterer().table(np.zeros((4, 5, 2)))
        >>> table.shape, valid.shape
        ((20, 2), (4, 5))
        """
        return flatten(X, pattern=self.pattern, min_bands=self.min_bands)

    @available_if(can_predict)
    @by_fit
    def predict(self, X: CubeLike) -> NDArray[np.int32]:
        """Label the valid pixels of a cube.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            A cube of the same bands; it may have no valid pixel. A lazy one is
            computed twice, strip by strip.

        Returns
        -------
        label_map : ndarray of shape (n_rows, n_columns), dtype int32
            Labels; -2 for sky (the ``sky_mask`` of a `Cube`), -3 without data. In
            memory also for a lazy cube.

        Examples
        --------
        >>> from sklearn.cluster import KMeans
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.maps import CubeClusterer
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> clusterer = CubeClusterer(KMeans(4, random_state=0)).fit(cube[:20])
        >>> clusterer.predict(cube).shape
        (40, 40)
        """
        no_labels = np.empty(0, dtype=np.int32)
        label_map, cube, sky_mask = self._make_image("predict", X, no_labels)
        return mark_sky(self._finish_label_map(label_map, cube), sky_mask)

    def _training_table(self, X):
        """Return a cube to learn from, its table and which pixels are valid."""
        cube = check_cube(X, estimator=self, reset=True)
        # Inside `make_cluster_pipeline` the table may take the memory of the cube
        # (`_copy`), but not with a sampler, which looks at the cube once more.
        must_copy = getattr(self, "_copy", True)
        has_sampler = getattr(self, "sampler", None) is not None
        table, valid = flatten(
            cube,
            pattern=self.pattern,
            min_bands=self.min_bands,
            copy=must_copy or has_sampler,
        )
        if len(table) > 1:  # every band of a single pixel is constant
            names = ["flux"] if self.pattern == "voxel" else cube.band_names
            check_bands(table, names, "all that masks leave, after scaling")
        return cube, table, valid

    def _make_image(self, method, X, no_values):
        """Return an image of what a method of the estimator gives for the pixels.

        Parameters
        ----------
        method : str
            Its name, as `_values_of_rows` takes it.
        X : Cube or array-like
        no_values : ndarray
            What the method gives for a table without a row: its type and columns.

        Returns
        -------
        image : ndarray
            The values; -3 or NaN where a pixel is not valid.
        cube : Cube
            X after its check.
        sky_mask : ndarray of bool or None
            That of the cube, in memory.
        """
        check_is_fitted(self)
        cube = check_cube(X, estimator=self, reset=False)
        valid = valid_pixels(cube, pattern=self.pattern, min_bands=self.min_bands)
        values = no_values
        if valid.any():
            table = table_of(cube, valid)
            values = self._values_of_rows(method, table, valid, cube)
        image, sky_mask = in_memory_by_strips(unflatten(values, valid), cube.sky_mask)
        return image, cube, sky_mask

    def _finish_label_map(self, label_map, cube):
        """Turn an image of the labels of the estimator into a label map."""
        return label_map

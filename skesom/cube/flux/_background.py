# SPDX-License-Identifier: BSD-3-Clause
"""Subtract a background that changes slowly across the frame."""

from numbers import Integral, Real

import numpy as np
from scipy import ndimage
from sklearn.utils._param_validation import Interval

from skesom.cube._base import CubeTransformer, check_cubes
from skesom.cube.convolution._filtering import smooth
from skesom.cube.masking._sky import fit_most, median_and_scatter, valid_tiles

TILE = 16
FEWEST_TILES = 16
SMOOTHING = 2.0  # pixels, of the image in which sources are looked for
WINGS = 5  # pixels around a source that are left out too


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

    Attributes
    ----------
    background_range_ : ndarray of shape (n_bands,)
        Largest minus smallest background of each band of the fitted cubes.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the bands, of all cubes together.

    Raises
    ------
    ImportError
        If photutils is missing.
    ValueError
        If a band is masked everywhere, or `filter_size` is even.

    See Also
    --------
    CubeMasker : Warns of a background that slopes.

    Notes
    -----
    The surface of second order that most tiles of 16 pixels follow is subtracted to
    find sources. The rest is measured without them by
    `photutils.background.Background2D` [1]_. The level is subtracted too; errors stay.
    Where a galaxy fills most of the frame there is no background to measure.

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

    _parameter_constraints = {
        "box_size": [Interval(Integral, 4, None, closed="left")],
        "filter_size": [Interval(Integral, 1, None, closed="left")],
        "source_threshold": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, box_size=64, *, filter_size=3, source_threshold=2.0):
        self.box_size = box_size
        self.filter_size = filter_size
        self.source_threshold = source_threshold

    def _fit_transform(self, X):
        return self._like(X, self._fit(X))

    def _transform(self, X):
        cubes = check_cubes(X, self, reset=False)
        return self._like(X, [self._subtracted(cube)[0] for cube in cubes])

    def _fit(self, X):
        cubes = check_cubes(X, self, reset=True)
        if self.filter_size % 2 == 0:
            raise ValueError(f"filter_size must be odd, got {self.filter_size}.")
        flat, ranges = zip(*(self._subtracted(cube) for cube in cubes), strict=True)
        self.background_range_ = np.concatenate(ranges)
        return list(flat)

    def _like(self, X, cubes):
        return self._like_inputs(X, cubes)

    def _subtracted(self, cube):
        """Return a cube without its background, and the range of that."""
        data = np.empty_like(cube.data)
        measure = import_background()
        ranges = []
        # Not in threads: photutils silences warnings, which concerns all of them.
        for band, name in enumerate(cube.band_names):
            image = np.array(cube.data[:, :, band], dtype=np.float64)
            if np.isnan(image).all():
                raise ValueError(
                    f"Band {name!r} has no background to subtract: all its pixels are "
                    "NaN. Leave it out."
                )
            background = self._measure(image, measure)
            data[:, :, band] = image - background
            ranges.append(np.ptp(background))
        return cube.replace(data=data, errors=cube.errors), ranges

    def _measure(self, image, measure):
        """Return the background of an image."""
        lost = np.isnan(image)
        surface = fit_background(image)
        rest = image - surface  # boxes cannot follow a slope to the borders
        covered = lost | find_sources(rest, self.source_threshold)
        box = min(self.box_size, *image.shape)
        if not len(valid_tiles(np.where(covered, np.nan, rest), box)[0]):
            covered = lost  # there is no place without sources
        options = {"mask": covered, "filter_size": self.filter_size}
        options["exclude_percentile"] = 50 if covered is not lost else 100
        found = measure(np.where(lost, 0, rest), box, **options)
        return surface + found.background


def import_background():
    """Return `photutils.background.Background2D`."""
    try:
        from photutils.background import Background2D
    except ImportError as error:
        raise ImportError(
            "Subtracting the background needs photutils: pip install skesom[psf]"
        ) from error
    return Background2D


def fit_background(image):
    """Return the surface of second order that most tiles of an image follow."""
    tiles, places = valid_tiles(image, TILE)
    if len(tiles) < FEWEST_TILES:
        return np.zeros(image.shape)
    rows, columns = (
        (index + 0.5) * TILE / length - 0.5
        for index, length in zip(np.nonzero(places), image.shape, strict=True)
    )
    squares = rows**2, rows * columns, columns**2
    terms = np.stack([np.ones(len(rows)), rows, columns, *squares], -1)
    factors = fit_most(terms, median_and_scatter(tiles)[0])
    rows, columns = ((np.arange(n) + 0.5) / n - 0.5 for n in image.shape)
    surface = np.add.outer(
        np.polynomial.Polynomial(factors[[0, 1, 3]])(rows),
        np.polynomial.Polynomial([0, factors[2], factors[5]])(columns),
    )
    return surface + factors[4] * np.outer(rows, columns)


def find_sources(image, threshold):
    """Find what stands out from a background that is flat but for boxes."""
    above = smooth(image, SMOOTHING)
    above -= np.nanmedian(above)
    # Sources only rise, so what lies below is noise.
    noise = 1.4826 * np.median(-above[above <= 0])
    sources = above > threshold * noise
    return ndimage.binary_dilation(sources, iterations=WINGS)

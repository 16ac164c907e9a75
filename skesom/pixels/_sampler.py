# SPDX-License-Identifier: BSD-3-Clause
"""Choose pixels to learn from, where learning from all would be slow or one-sided."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.random import sample_without_replacement

from skesom._common.estimator import LinkedEstimator
from skesom._common.lazy_strips import in_memory_by_strips
from skesom._common.masked import filled
from skesom._common.noise import robust_scatter
from skesom._common.strip_calls import map_strips
from skesom._common.warn import warn_unused
from skesom._types import CubeLike, RandomState
from skesom.cube import Cube
from skesom.cube.base import check_cube
from skesom.pixels.flattening import valid_pixels

_N_MEASURED = 100_000  # pixels to measure a band by


class PixelSampler(LinkedEstimator):
    """Choose some of the valid pixels of a cube.

    `skesom.maps.CubeClusterer` learns from the pixels of its sampler and labels all.

    Parameters
    ----------
    size : int or float, default=0.1
        Number of pixels (all if there are fewer), or share of the valid ones.
    method : {"random", "brightness", "blocks"}, default="random"
        ``"random"`` gives every pixel the same chance. ``"brightness"`` takes equally
        many, as far as there are, from each of `n_strata` steps of brightness.
        ``"blocks"`` takes whole blocks of the sky until there are enough pixels.
    n_strata : int, default=10
        Number of steps of brightness.
    block_size : int, default=32
        Height and width of a block in pixels.
    random_state : int, RandomState or None, default=None
        Seed; an int gives the same pixels every time.
    each_band : bool, default=False
        Whether fluxes are drawn from each band on its own, `size` of each, by the
        brightness in that band; for voxels.

    See Also
    --------
    sky_blocks : The blocks, as groups for cross-validation.

    Notes
    -----
    The brightness of a pixel is the mean over its bands of ``asinh(flux / 3)``, with
    the flux counted from the median of the band in units of its scaled median absolute
    deviation. The steps are equal parts of its range.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.pixels import PixelSampler
    >>> cube = np.random.default_rng(0).normal(size=(60, 80, 3))
    >>> cube[:, :20] = np.nan
    >>> chosen = PixelSampler(0.25, random_state=0).sample(cube)
    >>> chosen.shape, int(chosen.sum()), bool(chosen[:, :20].any())
    ((60, 80), 900, False)
    """

    _parameter_constraints = {
        "size": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="right"),
        ],
        "method": [StrOptions({"random", "brightness", "blocks"})],
        "n_strata": [Interval(Integral, 1, None, closed="left")],
        "block_size": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "each_band": ["boolean"],
    }

    def __init__(
        self,
        size: float = 0.1,
        method: Literal["random", "brightness", "blocks"] = "random",
        *,
        n_strata: int = 10,
        block_size: int = 32,
        random_state: RandomState = None,
        each_band: bool = False,
    ) -> None:
        self.size = size
        self.method = method
        self.n_strata = n_strata
        self.block_size = block_size
        self.random_state = random_state
        self.each_band = each_band

    def sample(
        self, X: CubeLike, valid: NDArray[np.bool_] | None = None
    ) -> NDArray[np.bool_]:
        """Choose pixels, or fluxes of each band.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube; NaN marks masked pixels. A lazy one is computed once, or for the
            method "brightness" three times, of which that keeps 8 bytes for a pixel.
        valid : ndarray of bool of shape (n_rows, n_columns), default=None
            Pixels to choose from, by default those with data in all bands; or with
            `each_band` the fluxes, of the shape of the cube.

        Returns
        -------
        chosen : ndarray of bool of shape (n_rows, n_columns)
            True for the chosen pixels; or with `each_band` for the chosen fluxes, of
            the shape of the cube. A band without any to choose from has none.

        Raises
        ------
        ValueError
            If there is no pixel to choose from, or `valid` does not fit the cube.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.pixels import PixelSampler
        >>> cube = np.random.default_rng(0).normal(size=(30, 40, 3))
        >>> int(PixelSampler(0.25, random_state=0).sample(cube).sum())
        300
        """
        self._validate_params()
        for name, method in (("n_strata", "brightness"), ("block_size", "blocks")):
            if self.method != method:
                warn_unused(self, [name], f"method={self.method!r}")
        cube = check_cube(X)
        if valid is None:
            pattern = "voxel" if self.each_band else "pixel"
            valid = valid_pixels(cube, pattern=pattern)
        valid = np.asarray(filled(valid, False))
        shape = cube.shape if self.each_band else cube.shape[:2]
        if valid.shape != shape or valid.dtype != bool:
            raise ValueError(
                f"valid must be of bool and of shape {shape}, got "
                f"{valid.dtype} of shape {valid.shape}. With each_band=True, fluxes "
                "are drawn, for pattern='voxel'; without it, pixels."
            )
        if not valid.any():
            raise ValueError(f"No pixel to choose from: all {valid.size} are masked.")
        rng = check_random_state(self.random_state)
        if not self.each_band:
            return self._chosen(cube, valid, rng)
        chosen = np.zeros(shape, dtype=bool)
        for band in np.flatnonzero(valid.any(axis=(0, 1))):
            layer = Cube(cube.data[:, :, band : band + 1])
            chosen[:, :, band] = self._chosen(layer, valid[:, :, band], rng)
        return chosen

    def _chosen(self, cube, valid, rng):
        """Return which of the valid pixels are chosen."""
        pixels = np.flatnonzero(valid)
        number = min(self.size, len(pixels))
        if not isinstance(self.size, Integral):
            number = max(1, round(self.size * len(pixels)))
        choose = getattr(self, f"_choose_{self.method}")
        chosen = np.zeros(valid.size, dtype=bool)
        chosen[pixels[choose(cube, pixels, number, rng)]] = True
        return chosen.reshape(valid.shape)

    def _choose_random(self, cube, pixels, number, rng):
        """Return places in the list of pixels, all by the same chance."""
        return sample_without_replacement(len(pixels), number, random_state=rng)

    def _choose_brightness(self, cube, pixels, number, rng):
        """Return places in the list of pixels, as many from each stratum."""
        brightness = _brightness(cube, pixels)
        lowest = brightness.min()
        width = (brightness.max() - lowest) / self.n_strata or 1
        strata = np.minimum((brightness - lowest) / width, self.n_strata - 1)
        strata = strata.astype(np.intp)
        counts = np.bincount(strata, minlength=self.n_strata)
        members = np.split(np.argsort(strata, kind="stable"), np.cumsum(counts)[:-1])
        chosen = [
            member[sample_without_replacement(len(member), share, random_state=rng)]
            for member, share in zip(members, _fair_shares(counts, number), strict=True)
        ]
        return np.concatenate(chosen)

    def _choose_blocks(self, cube, pixels, number, rng):
        """Return places in the list of pixels, those of whole blocks."""
        blocks = sky_blocks(cube, self.block_size).ravel()[pixels]
        counts = np.bincount(blocks)
        order = rng.permutation(np.flatnonzero(counts))
        n_blocks = np.searchsorted(np.cumsum(counts[order]), number) + 1
        return np.flatnonzero(np.isin(blocks, order[:n_blocks]))


def sky_blocks(X: CubeLike, block_size: int = 32) -> NDArray[np.int32]:
    """Give each pixel the number of its square block of the sky.

    As groups of a cross-validation they keep tested pixels away from learned ones.

    Parameters
    ----------
    X : Cube or array-like of shape (n_rows, n_columns, ...)
        The cube, or any image of its shape.
    block_size : int, default=32
        Height and width of a block in pixels.

    Returns
    -------
    blocks : ndarray of shape (n_rows, n_columns), dtype int32
        Number of the block of each pixel, in raster order. The first column,
        ``blocks[:, 0]``, has the groups of the samples of a cube, which are its rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import GroupKFold
    >>> from skesom.pixels import flatten, sky_blocks
    >>> cube = np.random.default_rng(0).normal(size=(100, 80, 3))
    >>> table, valid = flatten(cube)
    >>> folds = GroupKFold(4).split(table, groups=sky_blocks(cube, 20)[valid])
    >>> [len(test) for train, test in folds]
    [2000, 2000, 2000, 2000]
    >>> folds = GroupKFold(5).split(cube, groups=sky_blocks(cube, 20)[:, 0])
    >>> [int(np.ptp(test)) for train, test in folds]
    [19, 19, 19, 19, 19]
    """
    n_rows, n_columns = np.shape(X)[:2]
    per_row = -(-n_columns // block_size)
    row = np.arange(n_rows, dtype=np.int32)[:, np.newaxis] // block_size
    column = np.arange(n_columns, dtype=np.int32) // block_size
    return row * np.int32(per_row) + column


def _fair_shares(available, number):
    """Return how many to take of each, as equal as they allow."""
    shares = np.zeros(len(available), dtype=np.intp)
    # From the rarest on, so that what it lacks goes to the others.
    order = np.argsort(available, kind="stable")
    for done, stratum in enumerate(order):
        shares[stratum] = min(available[stratum], number // (len(order) - done))
        number -= shares[stratum]
    return shares


def _brightness(cube, pixels):
    """Return the brightness of the pixels, robust against units and bright stars."""
    # Odd, and so 1 where there are fewer pixels than are to be measured.
    step = (len(pixels) // _N_MEASURED) | 1
    measured_pixels = pixels[::step]
    positions = np.divmod(measured_pixels, cube.shape[1])
    if cube.is_lazy:
        spectra = cube.data.vindex[positions]
    else:
        spectra = cube.data[positions]
    levels = {}  # of bands with a spread: median and scale
    for band, flux in enumerate(np.asarray(spectra, dtype=np.float64).T):
        flux = flux[np.isfinite(flux)]
        scale = robust_scatter(flux)
        if scale:
            levels[band] = np.median(flux), scale

    def measure(data, _):
        total = np.zeros(data.shape[:2])
        count = np.zeros(data.shape[:2])
        for band, (median, scale) in levels.items():
            flux = (data[:, :, band] - median) / (3 * scale)
            has_flux = ~np.isnan(flux)
            np.add(total, np.arcsinh(flux), out=total, where=has_flux)
            count += has_flux
        return np.divide(total, count, out=total, where=count > 0)

    brightness = map_strips(measure, cube.data, np.float64, one_plane=True)
    return in_memory_by_strips(brightness)[0].ravel()[pixels]

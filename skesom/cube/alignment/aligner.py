# SPDX-License-Identifier: BSD-3-Clause
"""Alignment as a step of a Pipeline: several cubes in, one cube out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import numpy as np
from astropy.io.fits import Header
from astropy.wcs import WCS, WCSCOMPARE_ANCILLARY, WCSCOMPARE_TILING
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skesom._common.estimator import as_fitted, by_fit
from skesom._common.texts import list_names
from skesom._common.warn import warn_unused, warn_user
from skesom._sky.grids import group_by_grid, pixel_size
from skesom._types import CubeLike
from skesom.cube._container import Cube
from skesom.cube.alignment._conserved import CONSERVED, FLUX, find_conserved
from skesom.cube.alignment._cropping import crop_cube, crop_grid
from skesom.cube.alignment._grid import Target, find_target, grid_of, refuse_to_crop
from skesom.cube.alignment._registration import (
    LEAST_MOVED,
    measure_shifts,
    reason_to_skip,
)
from skesom.cube.alignment._resampling import METHODS
from skesom.cube.alignment._shifts import on_sky, shift_cubes, text_of_shift
from skesom.cube.alignment.stack import stack_cubes, warn_of_undersampled
from skesom.cube.bands import all_band_names
from skesom.cube.base import CubeTransformer, check_cubes


class CubeAligner(CubeTransformer):
    """Bring cubes on different pixel grids to one grid and stack their bands.

    Takes a list of cubes, or one cube, best after masking and convolving.

    Parameters
    ----------
    align_to : {"coarsest", "optimal", "first"}, int, str, WCS, Header or Cube, \
            default="coarsest"
        The grid to align to: that of the (first) band with the largest pixels, a grid
        with pixels as large, north up, that holds all images, the grid of the first
        band, of the band with this index or name, of an `astropy.wcs.WCS` with an
        ``array_shape``, of a FITS header with NAXIS1 and NAXIS2, or of another cube.
    resample : {"auto", "interp", "adaptive", "exact"}, default="auto"
        Bilinear interpolation (fast, for bands that the target pixels sample well), the
        anti-aliased average of [1]_ (blurs more), or the average over the exact overlap
        of the pixels (slowest). "auto" is "exact", which keeps fluxes and widths best.
    conserve : {"auto", "surface brightness", "flux"} or sequence, default="auto"
        What a pixel holds, for all bands or for each: surface brightness (MJy/sr), or
        flux (Jy/pixel, counts), which grows with its area. "auto" tells it from the
        units: flux per pixel if a unit is of counts, flux or power and not per solid
        angle or beam, or if a band has a zero point and no unit.
    crop : bool or "auto", default=False
        Whether to cut the result to the rectangle around the pixels with data in
        enough bands. "auto" does if the cubes lie on several grids, the target grid
        is not given as such, and there are such pixels.
    min_bands : int, default=None
        How many bands are enough for `crop`; all by default.
    registration : {None, "check", "auto", "correct"}, default=None
        Whether to compare each band by cross-correlation with the one that it has most
        in common with, and to take shifts off by moving the WCS of the band before it
        is resampled: those above a pixel that are sure ("auto"; not of spectra and more
        than 20 bands), or all from .1 pixel on ("correct"). "check" only warns of those
        that "auto" takes off.
    n_jobs : int, default=None
        Number of threads.

    Attributes
    ----------
    reference_band_ : int or None
        Number of the band that gives the grid, None if `align_to` is a grid itself.
    resample_ : {"interp", "adaptive", "exact"}
        How bands are resampled.
    conserved_ : tuple of str of length n_bands
        What is conserved of each band.
    shifts_ : ndarray of shape (n_bands, 2)
        By how many pixels (rows, columns) of the grid the sky of each band lay off
        that of most bands, and was moved back; 0 for what was uncertain.
    registration_ : str or None
        What the comparison found, or why there was none.
    wcs_ : astropy.wcs.WCS or None
        World coordinates of the grid of the fitted cubes, before cropping.
    shape_ : tuple of int (n_rows, n_columns)
        Size of that grid.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the bands, of all cubes together.

    Raises
    ------
    ValueError
        If `align_to` is no grid, a cube has no WCS to place it on the grid, a cube or
        band does not overlap it, two bands share a name, or cropping leaves nothing.

    Warns
    -----
    UserWarning
        If interpolation gives pixels larger than half a FWHM; if pixels change their
        size, and it is unknown what they hold; if a band is shifted ("check"), or it
        is unknown whether it is; if `transform` moves bands of other images.

    Notes
    -----
    Images are resampled by reproject, in tiles. Grids of the same shape whose
    corners and center agree within 0.001 pixel are equal: bands on them are copied, and
    one cube on the grid is returned as it is. float32 stays float32. Cubes to transform
    may show another field than the fitted ones.

    A pixel has data if its center lies on a pixel of the image that is not masked, or,
    if it averages and is at least twice as wide, if half of it is not masked. Weights
    are shared out among what is there. Flux is conserved by the ratio of the areas at
    each pixel. Errors are resampled with the weights of the data: right where neighbors
    share their noise, too large where it is independent.

    Lazy cubes stay lazy, with the same values, in strips of whole rows of tiles; one
    lazy cube is enough. `crop` computes the bands once more to find the rectangle, and
    `registration` parts of them, and those bands as a whole that lack data in the
    middle. That no band with data lies beside the grid is then told by its frame alone.

    Resampling blurs: a variance of (a + b) / 12 is added by "exact", of a / 6 by
    "interp" and .41 max(a, b) by "adaptive", where a and b are the areas of the pixels
    of the image and of the target. `Cube.fwhm` is not changed.

    Shifts are those of structures between 1 and 6 pixels, found to .01 pixel by the
    method of [2]_ in the 384 x 384 pixels around the middle ("correct": 1024 x 1024).
    Bands are joined to a tree [3]_ by the pairs whose correlation stands out most from
    its noise, and their shifts add up along it; the place of most bands stays, or that
    of the band that gives the grid. A shift counts if it is at most 20 pixels, is gone
    afterwards, most quarters of the image that show anything agree within a pixel, and
    so do most pairs of other bands that can tell. "auto" and "check" also want it to be
    three times the scatter of the quarters. `transform` uses the fitted shifts for
    cubes with the WCS of the fitted ones, for parts of these (as in a
    cross-validation), and without a WCS for cubes with as many columns and fewer rows;
    it measures those of other images anew.

    References
    ----------
    .. [1] C. E. DeForest, "On Re-sampling of Solar Images", Solar Physics 219, 3
       (2004), https://doi.org/10.1023/B:SOLA.0000021743.24248.b0
    .. [2] M. Guizar-Sicairos, S. T. Thurman and J. R. Fienup, "Efficient subpixel image
       registration algorithms", Optics Letters 33 (2008), 156.
    .. [3] J. B. Kruskal, "On the shortest spanning subtree of a graph and the traveling
       salesman problem", Proceedings of the AMS 7 (1956), 48.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.wcs import WCS
    >>> from sklearn.pipeline import make_pipeline
    >>> from skesom.cube import Cube, CubeAligner, FWHMConvolver
    >>> def image(n_pixels, size, name, fwhm):
    ...     wcs = WCS({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"})
    ...     wcs.wcs.crpix = [(n_pixels + 1) / 2] * 2
    ...     wcs.wcs.cdelt = [-size / 3600, size / 3600]
    ...     data = np.ones((n_pixels, n_pixels, 1))
    ...     known = {"band_names": [name], "band_units": ["MJy / sr"], "fwhm": [fwhm]}
    ...     return Cube(data, wcs=wcs, **known)
    >>> cubes = [image(40, 0.5, "r", 1.2), image(10, 2.0, "NUV", 4.9)]
    >>> pipeline = make_pipeline(FWHMConvolver(), CubeAligner())
    >>> pipeline.fit_transform(cubes)
    <Cube 10 x 10 pixels, 2 bands (r, NUV), float64, WCS>
    """

    keeps_flux = True

    if TYPE_CHECKING:  # cubes become one

        @overload  # type: ignore[override]
        def fit_transform(self, X: Cube | list[Cube], y: object = None) -> Cube: ...
        @overload
        def fit_transform(self, X: CubeLike, y: object = None) -> Any: ...
        def fit_transform(self, X: Any, y: object = None) -> Any: ...  # noqa: D102
        @overload  # type: ignore[override]
        def transform(self, X: Cube | list[Cube]) -> Cube: ...
        @overload
        def transform(self, X: CubeLike) -> Any: ...
        def transform(self, X: Any) -> Any: ...  # noqa: D102

    # What a model in a file may hold: kind and axes of each array.
    _stored = {
        "shifts_": "reals features 2",
    }

    _parameter_constraints = {
        "align_to": [str, Integral, WCS, Header, Cube],
        "resample": [StrOptions({*METHODS, "auto"})],
        "conserve": [StrOptions({*CONSERVED, "auto"}), list, tuple],
        "crop": ["boolean", StrOptions({"auto"})],
        "min_bands": [Interval(Integral, 1, None, closed="left"), None],
        "registration": [StrOptions({"auto", "check", "correct"}), None],
        "n_jobs": [Integral, None],
    }
    _grid_in_advance = None  # set in the block of `grid_found_before`

    def __init__(
        self,
        align_to: int | str | WCS | Header | Cube = "coarsest",
        *,
        resample: Literal["auto", "interp", "adaptive", "exact"] = "auto",
        conserve: Literal["auto", "surface brightness", "flux"]
        | Sequence[str] = "auto",
        crop: bool | Literal["auto"] = False,
        min_bands: int | None = None,
        registration: Literal["auto", "check", "correct"] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.align_to = align_to
        self.resample = resample
        self.conserve = conserve
        self.crop = crop
        self.min_bands = min_bands
        self.registration = registration
        self.n_jobs = n_jobs

    def _fit(self, X):
        self._fit_to_grid(X)

    def _fit_to_grid(self, X):
        """Fit, and return the cubes and the target that they are aligned to."""
        cubes = check_cubes(X, self, reset=True)
        if self.crop is False:
            warn_unused(self, ["min_bands"], "crop=False")
        in_advance = self._grid_in_advance
        if in_advance is not None and in_advance.is_of(cubes):
            target = in_advance.target
        else:
            target = find_target(cubes, self.align_to)
        grid = target.grid
        self.reference_band_ = target.band
        self.resample_ = "exact" if self.resample == "auto" else self.resample
        self.conserved_ = tuple(find_conserved(self.conserve, cubes, grid))
        self.wcs_ = grid.wcs
        self.shape_ = grid.shape
        self._solutions = [cube.wcs for cube in cubes]
        self.shifts_, self.registration_ = self._measure(cubes, grid)
        return cubes, target

    def _fit_transform(self, X):
        cubes, target = self._fit_to_grid(X)
        aligned = self._align(cubes, target, self.shifts_)
        return self._like_input(X, aligned)

    def _transform(self, X):
        cubes = check_cubes(X, self, reset=False)
        target = find_target(cubes, self._fitted_align_to())
        shifts = self._find_shifts(cubes, target.grid)
        return self._like_input(X, self._align(cubes, target, shifts))

    def _align(self, cubes, target, shifts):
        """Return cubes on the grid of a target, each band moved by its shift."""
        grid = target.grid
        moved, grid_on_sky = _move_bands(cubes, grid, shifts)
        is_cropped = self._is_cropped(cubes)
        reachable_grid = None
        if is_cropped:
            reachable_grid = crop_grid(moved, grid_on_sky, self.min_bands)
        cube = stack_cubes(
            moved,
            grid_on_sky if reachable_grid is None else reachable_grid,
            is_flux=[content == FLUX for content in self.conserved_],
            method=self.resample_,
            grid_name=target.name,
            n_jobs=self.n_jobs,
        )
        if is_cropped:
            # What bands can reach may still have no data.
            cropped = None
            if reachable_grid is not None:
                cropped = crop_cube(cube, self.min_bands)
            if cropped is not None:
                cube = cropped
            elif self.crop != "auto":
                refuse_to_crop(all_band_names(cubes), target.name)
        if self.resample_ == "interp":
            warn_of_undersampled(cubes, grid)
        if grid.wcs is None and cube.wcs is not None:
            cube = cube.replace(wcs=None, pixel_scale=cubes[0].pixel_scale)
        return cube

    def _is_cropped(self, cubes):
        """Return whether the result is cut to the pixels with data in enough bands."""
        if self.crop != "auto":
            return self.crop
        is_grid_of_band = isinstance(self.align_to, str | Integral)
        n_grids = len(group_by_grid([grid_of(cube) for cube in cubes]))
        return is_grid_of_band and n_grids > 1

    def _measure(self, cubes, grid):
        """Return `shifts_` and `registration_` of cubes on a grid."""
        no_shifts = np.zeros((self.n_features_in_, 2))
        if self.registration is None:
            return no_shifts, None
        if self.registration == "auto":
            reason = reason_to_skip(cubes)
            if reason is not None:
                return no_shifts, f"shifts are not looked for: {reason}"
        comparison = measure_shifts(
            cubes,
            grid,
            self.reference_band_ or 0,
            is_asked=self.registration == "correct",
            n_jobs=self.n_jobs,
        )
        names = self.feature_names_in_
        self._warn_of_doubts(comparison, names)
        if self.registration == "check":
            shifted = _list_shifts(comparison.shifts, names, _scale_of(cubes, grid))
            if shifted:
                warn_user(
                    f"Against the others, these bands seem to be shifted: {shifted}. "
                    "Correct the WCS, or have it done by registration='auto'."
                )
                return no_shifts, f"shifted: {shifted}"
        return comparison.shifts, _sum_up(comparison, names)

    def _warn_of_doubts(self, comparison, names):
        """Warn of bands of which it is unknown whether they fit."""
        is_asked = self.registration == "correct"
        has_structure = comparison.has_structure
        # Nothing can be seen of a shift of noise, so that it does no harm.
        if not is_asked and np.count_nonzero(has_structure) < 2:
            return
        bands_by_reason = {}
        for number, reason in comparison.doubts.items():
            if is_asked or has_structure[number]:
                bands_by_reason.setdefault(reason, []).append(repr(names[number]))
        if bands_by_reason:
            doubts = [
                f"{', '.join(bands)} ({reason})"
                for reason, bands in bands_by_reason.items()
            ]
            warn_user(
                "Whether these bands show the sky at the same place as the others is "
                f"unknown, and they are not moved: {'; '.join(doubts)}."
            )

    def _find_shifts(self, cubes, grid):
        """Return the shifts to take off: the fitted ones, or those of other images."""
        if self._are_fitted_images(cubes):
            return self.shifts_
        shifts, _ = self._measure(cubes, grid)
        shifted = _list_shifts(shifts, self.feature_names_in_, _scale_of(cubes, grid))
        if shifted and not np.array_equal(shifts, self.shifts_):
            warn_user(
                "These are other images than the fitted ones, and bands of them "
                f"are moved back: {shifted}. With registration=None they stay."
            )
        return shifts

    def _are_fitted_images(self, cubes):
        """Return whether cubes must be the fitted ones, or may be parts of them."""
        if len(cubes) != len(self._solutions):
            return False
        # Parts of one image differ by a whole number of pixels (tiling).
        tolerance = WCSCOMPARE_ANCILLARY | WCSCOMPARE_TILING
        n_rows, n_columns = self.shape_
        for cube, wcs in zip(cubes, self._solutions, strict=True):
            if cube.wcs is None:
                # As many rows may be another image on the same pixels.
                if cube.shape[0] >= n_rows or cube.shape[1] != n_columns:
                    return False
            elif wcs is None or not cube.wcs.wcs.compare(wcs.wcs, tolerance):
                return False
        return True

    @by_fit
    def footprint(self, X: CubeLike) -> NDArray[np.bool_]:
        """Return which pixels of the grid lie inside of each image.

        Parameters
        ----------
        X : list of Cube, Cube or array-like of shape (n_rows, n_columns, n_bands)
            The bands.

        Returns
        -------
        footprint : ndarray of bool of shape (n_rows, n_columns, n_bands)
            True where a band has a pixel, with data or masked; not cropped. Of lazy
            cubes an array of dask.

        Examples
        --------
        >>> from skesom.cube import CubeAligner
        >>> from skesom.datasets import make_galaxy_cube
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> footprint = CubeAligner().fit(cube).footprint(cube)
        >>> footprint.shape, bool(footprint.all())
        ((40, 40, 9), True)
        """
        check_is_fitted(self)
        cubes = check_cubes(X, self, reset=False)
        target = find_target(cubes, self._fitted_align_to())
        shifts = self._find_shifts(cubes, target.grid)
        cubes, grid = _move_bands(cubes, target.grid, shifts)
        frames = []  # one band without gaps for each image
        for number, cube in enumerate(cubes):
            ones = np.ones_like(cube.data[:, :, :1], dtype=np.float32)
            frames.append(Cube(ones, wcs=cube.wcs, band_names=[number]))
        inside = stack_cubes(
            frames,
            grid,
            is_flux=[False] * len(frames),
            method="interp",
            grid_name=target.name,
            n_jobs=self.n_jobs,
        )
        n_bands = [cube.shape[2] for cube in cubes]
        image_of_band = np.repeat(np.arange(len(cubes)), n_bands)
        return np.isfinite(inside.data)[:, :, image_of_band]

    def _fitted_align_to(self):
        """Return `align_to`, or the number of the band that `fit` took for it.

        Fitted to one image, it stays as the user wrote it: which band is the coarsest
        of several images is not known then.
        """
        is_of_one_image = isinstance(self.align_to, str) and len(self._solutions) == 1
        if is_of_one_image or self.reference_band_ is None:
            return self.align_to
        return self.reference_band_


class _GridInAdvance(NamedTuple):
    """The grid that was found for cubes, and by what these are known."""

    target: Target
    sources: list  # grids of the cubes
    band_names: list

    def is_of(self, cubes):
        """Return whether cubes have the same bands and grids as those it was found for.

        A WCS must be the same object: one that is only equal may differ in the digits
        that decide which of several grids is the coarsest.
        """
        if len(cubes) != len(self.sources):
            return False
        for cube, source in zip(cubes, self.sources, strict=True):
            if cube.wcs is not source.wcs or cube.shape[:2] != source.shape:
                return False
        return all_band_names(cubes) == self.band_names


@contextmanager
def grid_found_before(aligner, images):
    """Find the grid of an aligner before the steps that it waits for do their work.

    Images that cannot be aligned are refused here, and not after minutes of convolving.
    A fit of the aligner in the block takes the grid, if the images that come to it
    still lie on the grids of these.

    Parameters
    ----------
    aligner : CubeAligner
    images : Cube or list of Cube
    """
    aligner._validate_params()
    # Of a copy, as nothing is fitted yet.
    cubes = check_cubes(images, clone(aligner), reset=True)
    target = find_target(cubes, aligner.align_to)
    find_conserved(aligner.conserve, cubes, target.grid)
    aligner._grid_in_advance = _GridInAdvance(
        target=target,
        sources=[grid_of(cube) for cube in cubes],
        band_names=all_band_names(cubes),
    )
    try:
        yield
    finally:
        del aligner._grid_in_advance


def shape_before_crop(aligner, images):
    """Return the rows and columns that a fitted aligner gives before it crops them.

    Parameters
    ----------
    aligner : CubeAligner
    images : Cube or list of Cube
    """
    cubes = images if isinstance(images, list) else [images]
    return find_target(cubes, as_fitted(aligner)._fitted_align_to()).grid.shape


def _move_bands(cubes, grid, shifts):
    """Return cubes whose WCS is moved by the shifts of their bands, and the grid.

    Cubes and grid without a WCS get one, if there is a shift.
    """
    if not shifts.any():
        return cubes, grid
    cubes, grid = on_sky(cubes, grid)
    return shift_cubes(cubes, grid, shifts), grid


def _scale_of(cubes, grid):
    """Return the height and width of a pixel of a grid in arcsec, None if unknown."""
    if grid.wcs is None:
        return cubes[0].pixel_scale
    size = pixel_size(grid.wcs)
    return size, size


def _list_shifts(shifts, names, scale):
    """Return in one line the bands that are shifted, and by how much; "" if none is."""
    shifted = []
    for name, shift in zip(names, shifts, strict=True):
        if shift.any():
            shifted.append(f"{name!r} by {text_of_shift(shift, scale)}")
    return ", ".join(shifted)


def _sum_up(comparison, names):
    """Return in a few words what a comparison of bands found."""
    n_bands = len(names)
    n_moved = np.count_nonzero(comparison.shifts.any(axis=1))
    n_compared = n_bands - len(comparison.doubts)
    if n_compared < 2:  # the one band that is left was compared with none
        return "no bands compared: too little in common, or nothing but noise"
    if n_moved:
        moved = f"{n_moved} of {n_bands} bands moved"
    else:
        moved = f"no shift above {LEAST_MOVED:g} pixel"
    summary = f"{moved}; {n_compared} of {n_bands} bands compared"
    if comparison.doubts:
        names_in_doubt = [names[number] for number in comparison.doubts]
        summary += f" (not {list_names(names_in_doubt)})"
    return summary

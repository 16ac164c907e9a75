# SPDX-License-Identifier: BSD-3-Clause
"""Alignment as a step of a Pipeline: several cubes in, one cube out."""

from numbers import Integral

import numpy as np
from astropy.io.fits import Header
from astropy.wcs import WCS
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from skesom.cube._base import CubeTransformer, check_cubes
from skesom.cube._container import Cube
from skesom.cube.alignment._grid import find_grid
from skesom.cube.alignment._registration import warn_of_shifts
from skesom.cube.alignment._stack import (
    CONSERVED,
    METHODS,
    crop_cube,
    crop_grid,
    find_fluxes,
    stack_cubes,
    warn_of_undersampled,
)


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
    resample : {"interp", "adaptive", "exact", "auto"}, default="interp"
        Bilinear interpolation (fast, for bands that the target pixels sample well), the
        anti-aliased average of [1]_, or the average over the exact overlap of the
        pixels (slowest). "auto" is "interp" if all bands have the same known FWHM, else
        "adaptive".
    conserve : {"surface brightness", "flux"} or sequence of them, default=\
            "surface brightness"
        What a pixel holds, for all bands or for each: surface brightness (MJy/sr), or
        flux (Jy/pixel, counts), which grows with its area.
    crop : bool, default=False
        Whether to cut the result to the rectangle of pixels with data in all bands.
    check_registration : bool, default=False
        Whether to compare each band with that of the target grid (else the first) by
        cross-correlation and warn of shifts above half a pixel.
    n_jobs : int, default=None
        Number of threads.

    Attributes
    ----------
    reference_band_ : int or None
        Number of the band that gives the grid, None if `align_to` is a grid itself.
    resample_ : {"interp", "adaptive", "exact"}
        How bands are resampled.
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
        If interpolation gives pixels larger than half a FWHM, or a band is shifted.

    Notes
    -----
    Images are resampled by reproject, in strips of rows. Grids of the same shape whose
    corners and center agree within 0.001 pixel are equal: bands on them are copied, and
    one cube on the grid is returned as it is. Pixels without data are NaN; float32
    stays float32. Cubes to transform may show another field than the fitted ones.
    Errors are resampled with the weights of the data: right where neighbors share
    their noise, too large where it is independent. Flux is conserved by the ratio of
    the pixel areas at the reference points of both grids.

    References
    ----------
    .. [1] C. E. DeForest, "On Re-sampling of Solar Images", Solar Physics 219, 3
       (2004), https://doi.org/10.1023/B:SOLA.0000021743.24248.b0

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
    ...     return Cube(data, wcs=wcs, band_names=[name], fwhm=[fwhm])
    >>> cubes = [image(40, 0.5, "r", 1.2), image(10, 2.0, "NUV", 4.9)]
    >>> pipeline = make_pipeline(FWHMConvolver(), CubeAligner())
    >>> pipeline.fit_transform(cubes)
    <Cube 10 x 10 pixels, 2 bands (r, NUV), float64, WCS>
    """

    keeps_flux = True

    _parameter_constraints = {
        "align_to": [str, Integral, WCS, Header, Cube],
        "resample": [StrOptions({*METHODS, "auto"})],
        "conserve": [StrOptions(set(CONSERVED)), list, tuple],
        "crop": ["boolean"],
        "check_registration": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        align_to="coarsest",
        *,
        resample="interp",
        conserve="surface brightness",
        crop=False,
        check_registration=False,
        n_jobs=None,
    ):
        self.align_to = align_to
        self.resample = resample
        self.conserve = conserve
        self.crop = crop
        self.check_registration = check_registration
        self.n_jobs = n_jobs

    def _fit(self, X):
        cubes = check_cubes(X, self, reset=True)
        grid, self.reference_band_, _ = find_grid(cubes, self.align_to)
        self.resample_ = self.resample
        if self.resample == "auto":
            fwhm = np.concatenate([cube.fwhm for cube in cubes])
            is_one = np.allclose(fwhm, fwhm[0], rtol=1e-6, atol=0)  # no NaN
            self.resample_ = "interp" if is_one else "adaptive"
        self.wcs_, self.shape_ = grid

    def _transform(self, X):
        cubes = check_cubes(X, self, reset=False)
        fluxes = find_fluxes(self.conserve, cubes)
        grid, band, name = find_grid(cubes, self._target())
        if self.crop:
            grid = crop_grid(cubes, grid, name)
        options = {"method": self.resample_, "n_jobs": self.n_jobs}
        cube = stack_cubes(cubes, grid, name, fluxes, **options)
        if self.resample_ == "interp":
            warn_of_undersampled(cubes, grid)
        if self.crop:
            cube = crop_cube(cube, name)
        if self.check_registration:
            warn_of_shifts(cube, band or 0)
        return self._like_input(X, cube)

    def footprint(self, X):
        """Return which pixels of the grid lie inside of each image.

        Parameters
        ----------
        X : list of Cube, Cube or array-like of shape (n_rows, n_columns, n_bands)
            The bands.

        Returns
        -------
        footprint : ndarray of bool of shape (n_rows, n_columns, n_bands)
            True where a band has a pixel, with data or masked; not cropped.
        """
        check_is_fitted(self)
        cubes = check_cubes(X, self, reset=False)
        grid, _, name = find_grid(cubes, self._target())
        frames = []
        for n, cube in enumerate(cubes):
            ones = np.ones((*cube.shape[:2], 1), np.float32)
            frames.append(Cube(ones, wcs=cube.wcs, band_names=[n]))
        options = {"method": "interp", "n_jobs": self.n_jobs}
        inside = stack_cubes(frames, grid, name, [False] * len(frames), **options)
        n_bands = [cube.shape[2] for cube in cubes]
        return np.isfinite(inside.data).repeat(n_bands, axis=2)

    def _target(self):
        """Return the grid to align to: the band found by `fit`, else as given."""
        return self.align_to if self.reference_band_ is None else self.reference_band_

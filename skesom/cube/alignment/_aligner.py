# SPDX-License-Identifier: BSD-3-Clause
"""Alignment as a step of a Pipeline: several cubes in, one cube out."""

from numbers import Integral

import numpy as np
from astropy.io.fits import Header
from astropy.wcs import WCS
from sklearn.base import _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from skesom.cube._base import CubeTransformer
from skesom.cube._container import Cube
from skesom.cube._cube_list import check_cubes, is_cube_list
from skesom.cube.alignment._align import align
from skesom.cube.alignment._align_checks import CONSERVED, check_places
from skesom.cube.alignment._reference import find_reference
from skesom.cube.alignment._resample import METHODS


class CubeAligner(CubeTransformer):
    """Bring cubes on different pixel grids to one grid and stack their bands.

    Comes after masking and convolving, which are done best on native pixels; a list of
    cubes is what `skesom.io.read_cube` returns for images on several pixel grids.

    Parameters
    ----------
    to : {"coarsest", "optimal", "first"}, int, str, WCS, Header or Cube, \
            default="coarsest"
        The grid: that of the band with the largest pixels, a grid with pixels as
        large, north up, that holds all images, the grid of the first band, of a band
        by its index or name, or a grid from elsewhere.
    method : {"interp", "adaptive", "exact"}, default="interp"
        Bilinear interpolation (fast; right for bands that the target pixels sample
        well), anti-aliased average, or average over the exact overlap of pixels
        (slowest).
    conserve : {"surface brightness", "flux"} or sequence of them, default=\
            "surface brightness"
        What a pixel holds, for all bands or for each: a brightness, which keeps its
        level, or a flux, which grows with the area of the pixel.
    crop : bool, default=False
        Whether to cut the result to the smallest rectangle that holds all pixels with
        data in all bands.
    check_registration : bool, default=False
        Whether to warn of bands whose sky is shifted by more than half a pixel
        against the band of the reference grid (else the first).
    n_jobs : int, default=None
        Number of threads. The result does not depend on it.

    Attributes
    ----------
    reference_band_ : int or None
        Number of the band that gives the grid, also to cubes of other fields; None if
        `to` does so itself.
    wcs_ : astropy.wcs.WCS or None
        World coordinates of the grid of the fitted cubes, before cropping.
    shape_ : tuple of int (n_rows, n_columns)
        Size of that grid.
    n_features_in_ : int
        Number of bands, of all cubes together.

    See Also
    --------
    skesom.cube.align : The same as a function, with notes on errors and flux.

    Notes
    -----
    Images are resampled by reproject in strips of rows, so that the memory needed
    beside the result is small. What lies on the grid already is copied; one cube that
    does is returned as it is.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.wcs import WCS
    >>> from sklearn.pipeline import make_pipeline
    >>> from skesom.cube import Cube, CubeAligner, FWHMConvolver
    >>> def image(n_pixels, pixel_size, name, fwhm):
    ...     wcs = WCS(naxis=2)
    ...     wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    ...     wcs.wcs.crval = [204.25, -29.87]
    ...     wcs.wcs.crpix = [(n_pixels + 1) / 2] * 2
    ...     wcs.wcs.cdelt = [-pixel_size / 3600, pixel_size / 3600]
    ...     data = np.ones((n_pixels, n_pixels, 1))
    ...     return Cube(data, wcs=wcs, band_names=[name], fwhm=[fwhm])
    >>> cubes = [image(40, 0.5, "r", 1.2), image(10, 2.0, "NUV", 4.9)]
    >>> pipeline = make_pipeline(FWHMConvolver(), CubeAligner())
    >>> pipeline.fit_transform(cubes)
    <Cube 10 x 10 pixels, 2 bands (r, NUV), float64, WCS>
    """

    keeps_flux = True

    _parameter_constraints = {
        "to": [str, Integral, WCS, Header, Cube],
        "method": [StrOptions(set(METHODS))],
        "conserve": [StrOptions(set(CONSERVED)), list, tuple],
        "crop": ["boolean"],
        "check_registration": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        to="coarsest",
        *,
        method="interp",
        conserve="surface brightness",
        crop=False,
        check_registration=False,
        n_jobs=None,
    ):
        self.to = to
        self.method = method
        self.conserve = conserve
        self.crop = crop
        self.check_registration = check_registration
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Find the grid.

        Parameters
        ----------
        X : list of Cube, Cube or array-like of shape (n_rows, n_columns, n_bands)
            The bands. The fluxes are not looked at.
        y : None
            Ignored.

        Returns
        -------
        self : CubeAligner
            The fitted transformer.

        Raises
        ------
        ValueError
            If `to` is no grid, one is needed that the cubes do not have, or a cube
            has no place on it.
        """
        cubes = check_cubes(X, self, reset=True)
        grid, band = find_reference(cubes, self.to)
        check_places(cubes, grid, band)
        self.reference_band_ = band
        self.wcs_ = grid.wcs
        self.shape_ = grid.shape
        return self

    def transform(self, X):
        """Resample the bands to the grid.

        Parameters
        ----------
        X : list of Cube, Cube or array-like of shape (n_rows, n_columns, n_bands)
            The bands; they may show another field than the fitted ones.

        Returns
        -------
        aligned : Cube of shape (n_rows, n_columns, n_bands)
            All bands in order. An array comes back as an array.

        Raises
        ------
        ValueError
            If a cube has no WCS, or bands do not overlap.
        """
        check_is_fitted(self)
        cube = align(
            check_cubes(X, self, reset=False),
            self._reference(),
            method=self.method,
            conserve=self.conserve,
            crop=self.crop,
            check_registration=self.check_registration,
            n_jobs=self.n_jobs,
        )
        return cube if is_cube_list(X) else self._like_input(X, cube)

    def footprint(self, X):
        """Tell which pixels of the grid lie inside of each image.

        Parameters
        ----------
        X : list of Cube, Cube or array-like of shape (n_rows, n_columns, n_bands)
            The bands.

        Returns
        -------
        footprint : ndarray of bool of shape (n_rows, n_columns, n_bands)
            True where a band has a pixel, with data or masked. Nothing is cropped.
        """
        check_is_fitted(self)
        cubes = check_cubes(X, self, reset=False)
        reference = self._reference()
        if isinstance(reference, int):
            owners = [n for n, cube in enumerate(cubes) for _ in cube.band_names]
            reference = owners[reference]
        frames = [
            Cube(
                np.ones((*cube.shape[:2], 1), dtype=np.float32),
                wcs=cube.wcs,
                band_names=[str(number)],
            )
            for number, cube in enumerate(cubes)
        ]
        seen = np.isfinite(align(frames, reference, n_jobs=self.n_jobs).data)
        return np.repeat(seen, [cube.shape[2] for cube in cubes], axis=2)

    def _reference(self):
        """Return the reference in the form that `align` takes."""
        return self.to if self.reference_band_ is None else self.reference_band_

# SPDX-License-Identifier: BSD-3-Clause
"""Alignment as a step of a Pipeline: several cubes in, one cube out."""

from numbers import Integral

import numpy as np
from astropy.io.fits import Header
from astropy.wcs import WCS
from sklearn.base import _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from skesom.cube._base import CubeTransformer, check_cubes, is_cube_list
from skesom.cube._container import Cube
from skesom.cube.alignment._grid import check_places, find_grid, name_of_grid
from skesom.cube.alignment._stack import CONSERVED, METHODS, align_cubes


class CubeAligner(CubeTransformer):
    """Bring cubes on different pixel grids to one grid and stack their bands.

    Comes after masking and convolving, which are done best on native pixels; a list of
    cubes is what `skesom.io.read_cube` returns for images on several pixel grids. Bands
    that lie on the grid already are copied, not resampled.

    Parameters
    ----------
    align_to : {"coarsest", "optimal", "first"}, int, str, WCS, Header or Cube, \
            default="coarsest"
        The grid to align to: that of the band with the largest pixels (the first such
        band), a grid with pixels as large, north up, that holds all images, the grid of
        the first band, of the band with this index or name, or the one described by an
        `astropy.wcs.WCS` with an ``array_shape``, by a FITS header with NAXIS1 and
        NAXIS2, or by another cube.
    resample : {"interp", "adaptive", "exact", "auto"}, default="interp"
        Bilinear interpolation (fast; right for bands that the target pixels sample
        well), the anti-aliased average of [1]_, or the average over the exact overlap
        of the pixels on the sphere (slowest). "auto" interpolates if all bands have
        the same known FWHM, as `FWHMConvolver` leaves them, and else averages
        ("adaptive"), so that no light falls between the samples.
    conserve : {"surface brightness", "flux"} or sequence of them, default=\
            "surface brightness"
        What a pixel holds, for all bands or for each. Surface brightness (MJy/sr)
        keeps its level whatever the pixel sizes; the flux of a pixel (Jy/pixel,
        counts) grows with its area.
    crop : bool, default=False
        Whether to cut the result to the smallest rectangle that holds all pixels with
        data in all bands.
    check_registration : bool, default=False
        Whether to compare each band with that of the target grid (else the first) by
        cross-correlation and warn of shifts above half a pixel.
    n_jobs : int, default=None
        Number of threads. The result does not depend on it.

    Attributes
    ----------
    reference_band_ : int or None
        Number of the band that gives the grid, also to cubes of other fields; None if
        `align_to` is a grid itself.
    resample_ : {"interp", "adaptive", "exact"}
        How bands are resampled.
    wcs_ : astropy.wcs.WCS or None
        World coordinates of the grid of the fitted cubes, before cropping.
    shape_ : tuple of int (n_rows, n_columns)
        Size of that grid.
    n_features_in_ : int
        Number of bands, of all cubes together.

    Warns
    -----
    UserWarning
        If interpolation leaves a band of known FWHM with pixels larger than half its
        FWHM: some of its light then falls between the samples. If a band is shifted.

    Notes
    -----
    Images are resampled by reproject in strips of rows, so that the memory needed
    beside the result is small. Bands on equal grids (same shape; corners and center
    within 0.001 pixel) share one computation of coordinates. One cube that lies on the
    grid is returned as it is.

    Errors are resampled with the weights of the data. That is right where the noise
    of neighbors is the same, as it nearly is in bands that were convolved to pixels
    of half their FWHM, and too large where it is independent: an error never comes
    out too small.

    Flux is conserved by the ratio of the pixel areas at the reference points of both
    grids.

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

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Find the grid.

        Parameters
        ----------
        X : list of Cube, Cube or array-like of shape (n_rows, n_columns, n_bands)
            The bands. Their fluxes are not used.
        y : None
            Ignored.

        Returns
        -------
        self : CubeAligner
            The fitted transformer.

        Raises
        ------
        ValueError
            If `align_to` is no grid, a cube has no WCS to place it on the grid, a
            cube does not overlap it, or two bands share a name.
        """
        cubes = check_cubes(X, self, reset=True)
        grid, band = find_grid(cubes, self.align_to)
        check_places(cubes, grid, name_of_grid(cubes, band))
        self.reference_band_ = band
        self.resample_ = self.resample
        if self.resample == "auto":
            self.resample_ = "interp" if _share_fwhm(cubes) else "adaptive"
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
            All bands in order, on the grid. Pixels without data in a band are NaN
            there. float32 if all cubes are. An array comes back as an array.

        Raises
        ------
        ValueError
            If a cube has no WCS, a band has no data on the grid, or nothing remains
            after cropping.
        """
        check_is_fitted(self)
        cube = align_cubes(
            check_cubes(X, self, reset=False),
            self._target(),
            resample=self.resample_,
            conserve=self.conserve,
            crop=self.crop,
            check_registration=self.check_registration,
            n_jobs=self.n_jobs,
        )
        return cube if is_cube_list(X) else self._like_input(X, cube)

    def footprint(self, X):
        """Return which pixels of the grid lie inside of each image.

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
        target = self._target()
        if isinstance(target, int):
            owners = [n for n, cube in enumerate(cubes) for _ in cube.band_names]
            target = owners[target]
        frames = [
            Cube(
                np.ones((*cube.shape[:2], 1), dtype=np.float32),
                wcs=cube.wcs,
                band_names=[str(number)],
            )
            for number, cube in enumerate(cubes)
        ]
        seen = np.isfinite(align_cubes(frames, target, n_jobs=self.n_jobs).data)
        return np.repeat(seen, [cube.shape[2] for cube in cubes], axis=2)

    def _target(self):
        """Return the fitted grid as `align_cubes` takes it."""
        return self.align_to if self.reference_band_ is None else self.reference_band_


def _share_fwhm(cubes):
    """Return whether the FWHM of all bands is known and the same."""
    fwhm = np.concatenate([cube.fwhm for cube in cubes])
    return bool(np.allclose(fwhm, fwhm[0], rtol=1e-6, atol=0))

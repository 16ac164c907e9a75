# SPDX-License-Identifier: BSD-3-Clause
"""Bring every band to the same sharpness with the kernel that it lacks.

Colors mean something only where all bands see the sky through the same point-spread
function. Gaussians add in quadrature, so a band of width FWHM_i reaches the target by
a kernel of width sqrt(target^2 - FWHM_i^2), and the band at the target stays as it is.
Measured point-spread functions do the same with a kernel of their own shape.
"""

from numbers import Integral, Real

import numpy as np
from astropy import units
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skesom.cube._base import CubeTransformer
from skesom.cube._cube_list import check_cubes, is_cube_list, list_bands
from skesom.cube.convolution._beams import KEYWORDS, one_pixel_scale
from skesom.cube.convolution._match_bands import match_bands
from skesom.cube.convolution._matching import kernel_on_pixels
from skesom.cube.convolution._strips import convolve_cube


class FWHMConvolver(CubeTransformer):
    r"""Convolve every band to the same point-spread function.

    Works on one cube and, before bands are aligned, on a list of cubes with pixels of
    their own: each band is convolved on its native pixels to the width that is common
    to all.

    Parameters
    ----------
    fwhm : float, Quantity, {"header", "stars"}, dict or sequence, default=None
        Full width at half maximum of the point-spread function: one for all bands, a
        sequence with one entry per band, or a dict by band name (other bands:
        "header"). An entry is

        - a number of arcsec, or a Quantity of an angle or of pixels;
        - ``"header"``: what the cube knows (`Cube.fwhm`, which `skesom.io.read_cube`
          takes from the header). This is the default;
        - an `astropy.io.fits.Header` with BMAJ, BMIN and BPA (degrees), or with FWHM
          (arcsec, or pixels if its comment says so);
        - ``"stars"``: the median width of isolated stars in the band (needs the extra
          ``psf``);
        - an elliptical beam (major, minor, angle): two widths and degrees from north
          through east.
    target : "worst", float or Quantity, default="worst"
        Width that all bands shall have in the end, in arcsec: that of the worst band
        or a number no smaller.
    pixel_scale : float, array-like of shape (2,) or Quantity, default=None
        Height and width of a pixel in arcsec, or one number for square pixels. By
        default the cubes tell.
    psfs : dict or sequence of length n_bands, default=None
        Measured point-spread functions by band name or in the order of the bands, as
        arrays on the pixels of the band or as FITS files (whose PIXELSCL, PIXSCALE or
        CDELT1 gives their own pixels). All bands are then matched by Wiener kernels
        (needs the extra ``psf``): to the widest of these functions, or to a Gaussian
        with a number as `target`. A band without (None) is taken to be a Gaussian.
    kernels : dict or sequence of length n_bands, default=None
        Ready kernels in the same forms; they are normalized and taken to lead to the
        target. Bands without one are treated as usual, or stay as they are if their
        FWHM is unknown.
    kernel : {"matched", "target"}, default="matched"
        ``"matched"`` convolves with what each band lacks. ``"target"`` convolves
        every band with a Gaussian of the target width, which leaves all of them too
        blurred and still different; it is here for comparison with earlier work only.
    copy : bool, default=True
        False convolves in the memory of the cube that is given, if that allows. That
        is right after a step that has made a new cube.
    n_jobs : int, default=None
        Number of threads. The result does not depend on it.

    Attributes
    ----------
    target_fwhm_ : float
        The common width in arcsec; NaN if it is unknown, as with ready kernels alone.
    fwhm_ : ndarray of shape (n_bands,)
        Width of each band before (of the major axis) in arcsec, NaN if unknown.
    kernel_fwhm_ : ndarray of shape (n_bands,)
        Width of the Gaussian (its major axis) that each band is convolved with, in
        arcsec; 0 for a band that is left alone, NaN for a kernel of another shape.
    methods_ : list of str
        ``"none"``, ``"gaussian"``, ``"elliptical"``, ``"wiener"`` or ``"kernel"`` for
        each band.
    summary_ : dict of str to str
        One line per band that says what is done to it and why.
    pixel_scale_ : ndarray of shape (n_bands, 2)
        Height and width of the pixels of each band in arcsec; NaN if unknown.
    n_features_in_ : int
        Number of bands, of all cubes together.

    See Also
    --------
    CubeAligner : Bring bands on different pixels to one grid, as the next step.

    Notes
    -----
    Along an axis where a Gaussian kernel has a standard deviation of at least one
    pixel it is sampled at the pixel centers (`scipy.ndimage.gaussian_filter1d`, cut at
    four standard deviations). A narrower one cannot be sampled so: for the nine M83
    mosaics of the WFC3 Early Release Science, whose kernels have standard deviations
    of .4 to .5 pixels, sampling ends 2 to 6 % away from the wanted width. There the
    kernel is applied in Fourier space (`scipy.ndimage.fourier_gaussian`); its wings
    alternate in sign and stay below .075 divided by the squared distance in pixels.
    Elliptical kernels that lie askew to the pixels are made in Fourier space as well.

    Masked pixels (NaN) and the outside of the frame take no part: the weights of the
    kernel are renormalized over the valid pixels, and masked pixels stay masked. Thus
    nothing darkens at the borders and beside gaps. Kernels with negative lobes (as
    Wiener kernels) cannot be renormalized; for them gaps and surroundings are filled
    with the mean around the nearest valid pixel, and masked again.

    Errors of the cube (`Cube.errors`) are propagated for noise that is independent
    from pixel to pixel: variances are convolved with the squared weights. Afterwards
    the noise of neighbors is correlated, which errors cannot say.

    Widths of stars are those of Gaussians through the pixel values, so they include
    the pixel; this is what counts for images that are convolved after sampling.
    Measured point-spread functions and kernels are taken to lie along the pixel axes
    of their band.

    The number of operations is proportional to the number of pixels and to the width
    of a Gaussian kernel. The memory needed beside the result does not depend on the
    number of rows.

    References
    ----------
    G. Aniano, B. T. Draine, K. D. Gordon and K. Sandstrom, "Common-Resolution
    Convolution Kernels for Space- and Ground-Based Telescopes", Publications of the
    Astronomical Society of the Pacific 123 (2011), 1218.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.cube import Cube, FWHMConvolver
    >>> cube = Cube(np.ones((20, 30, 2)), band_names=["F438W", "F225W"])
    >>> convolver = FWHMConvolver([0.070, 0.083], pixel_scale=0.0396).fit(cube)
    >>> convolver.kernel_fwhm_.round(4)
    array([0.0446, 0.    ])
    >>> convolver.summary_["F438W"]
    '0.07 arcsec to 0.083 arcsec by a Gaussian of 0.0446 arcsec'
    >>> convolver.transform(cube).fwhm
    array([0.083, 0.083])
    """

    keeps_flux = True

    _parameter_constraints = {
        "fwhm": [Interval(Real, 0, None, closed="neither"), "array-like", None]
        + [units.Quantity, StrOptions(set(KEYWORDS))],
        "target": [StrOptions({"worst"}), Interval(Real, 0, None, closed="neither")]
        + [units.Quantity],
        "pixel_scale": [Interval(Real, 0, None, closed="neither"), "array-like", None]
        + [units.Quantity],
        "psfs": ["array-like", None],
        "kernels": ["array-like", None],
        "kernel": [StrOptions({"matched", "target"})],
        "copy": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        fwhm=None,
        *,
        target="worst",
        pixel_scale=None,
        psfs=None,
        kernels=None,
        kernel="matched",
        copy=True,
        n_jobs=None,
    ):
        self.fwhm = fwhm
        self.target = target
        self.pixel_scale = pixel_scale
        self.psfs = psfs
        self.kernels = kernels
        self.kernel = kernel
        self.copy = copy
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Work out the kernels from the description of the cubes.

        The fluxes are looked at only where the width is to be measured from stars;
        else any part of the sky gives the same kernels.

        Parameters
        ----------
        X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
            The bands.
        y : None
            Ignored.

        Returns
        -------
        self : FWHMConvolver
            The fitted transformer.

        Raises
        ------
        ValueError
            If a width or the pixel scale is missing or impossible, a band is worse
            than the target, a point-spread function or kernel is not fit for use, or
            there are too few stars.
        OSError
            If a file cannot be read.
        ImportError
            If photutils is needed and missing.
        """
        cubes = check_cubes(X, self, reset=True)
        bands = self._list_bands(cubes)
        target, matches = match_bands(
            bands,
            fwhm=self.fwhm,
            target=self.target,
            psfs=self.psfs,
            kernels=self.kernels,
            legacy=self.kernel == "target",
        )
        geometry = [
            _geometry(match, band) for match, band in zip(matches, bands, strict=True)
        ]
        for match, band, known in zip(matches, bands, geometry, strict=True):
            kernel_on_pixels(match, *known, band.name)
        self.target_fwhm_ = target
        self.fwhm_ = np.array([match.fwhm for match in matches])
        self.kernel_fwhm_ = np.array([match.kernel_fwhm for match in matches])
        self.methods_ = [match.method for match in matches]
        self.summary_ = {
            band.name: match.describe()
            for band, match in zip(bands, matches, strict=True)
        }
        self.pixel_scale_ = np.array([scale for scale, _ in geometry])
        self._matches = matches
        self._directions = [directions for _, directions in geometry]
        return self

    def transform(self, X):
        """Convolve the bands.

        Parameters
        ----------
        X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
            The bands.

        Returns
        -------
        convolved : the same kind as X
            The bands at their common width, of the same float type. A cube of which
            no band needs a kernel shares its data with X.
        """
        check_is_fitted(self)
        cubes = check_cubes(X, self, reset=False)
        results, first = [], 0
        for cube in cubes:
            results.append(self._convolve(cube, first))
            first += cube.shape[2]
        return results if is_cube_list(X) else self._like_input(X, results[0])

    def _convolve(self, cube, first):
        """Convolve one cube; its first band has this number among all bands."""
        kernels = []
        for number, band in enumerate(self._list_bands([cube]), first):
            match = self._matches[number]
            scale, directions = _geometry(match, band)
            if np.isnan(scale).any():
                scale = self.pixel_scale_[number]
            if directions is None:
                directions = self._directions[number]
            kernels.append(kernel_on_pixels(match, scale, directions, band.name))
        fwhm = [match.result for match in self._matches[first : first + len(kernels)]]
        if all(kernel is None for kernel in kernels):
            return cube.replace(fwhm=fwhm)
        planes = [part for part in (cube.data, cube.errors) if part is not None]
        copy = self.copy or not all(part.flags.writeable for part in planes)
        data, errors = convolve_cube(cube, kernels, self.n_jobs, copy=copy)
        return cube.replace(data=data, errors=errors, fwhm=fwhm)

    def _list_bands(self, cubes):
        """Return the bands of all cubes with the pixel scale that the user tells."""
        return list_bands(cubes, one_pixel_scale(self.pixel_scale, cubes))


def _geometry(match, band):
    """Return the size of the pixels (NaN if unknown) and north if it matters."""
    scale = np.full(2, np.nan) if band.pixel_scale is None else band.pixel_scale
    return scale, band.directions if match.method == "elliptical" else None

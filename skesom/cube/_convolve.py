# SPDX-License-Identifier: BSD-3-Clause
"""Bring every band to the same sharpness with the Gaussian that it lacks.

Colours mean something only where all bands see the sky through the same point-spread
function. Gaussians add in quadrature, so a band of width FWHM_i reaches the target by
a kernel of width sqrt(target^2 - FWHM_i^2), and the band at the target stays as it is.
"""

from numbers import Integral, Real

import numpy as np
from astropy import units
from astropy.stats import gaussian_fwhm_to_sigma
from joblib import Parallel, delayed
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from skesom.cube._base import CubeTransformer
from skesom.cube._gaussian import smooth


class FWHMConvolver(CubeTransformer):
    r"""Convolve every band to the same full width at half maximum.

    Parameters
    ----------
    fwhm : float, array-like of shape (n_bands,) or Quantity, default=None
        Full width at half maximum of the point-spread function of each band, in
        arcsec unless it is a Quantity. By default the cube tells (`Cube.fwhm`).
    target : "worst", float or Quantity, default="worst"
        Width that all bands shall have in the end, in arcsec: that of the worst band
        or a number no smaller.
    pixel_scale : float, array-like of shape (2,) or Quantity, default=None
        Height and width of a pixel in arcsec, or one number for square pixels. By
        default the WCS of the cube tells.
    kernel : {"matched", "target"}, default="matched"
        ``"matched"`` convolves with what each band lacks. ``"target"`` convolves
        every band with a Gaussian of the target width, which leaves all of them too
        blurred and still different; it is here for comparison with earlier work only.
    n_jobs : int, default=None
        Number of bands convolved at the same time, in threads. The result does not
        depend on it.

    Attributes
    ----------
    target_fwhm_ : float
        The common width in arcsec.
    kernel_fwhm_ : ndarray of shape (n_bands,)
        Width of the kernel of each band in arcsec; 0 for a band that is left alone.
    pixel_scale_ : ndarray of shape (2,) or None
        Height and width of a pixel in arcsec; None if it is unknown and no band needs
        a kernel.
    n_features_in_ : int
        Number of bands.

    Notes
    -----
    Along an axis where the kernel has a standard deviation of at least one pixel it is
    sampled at the pixel centres (`scipy.ndimage.gaussian_filter1d`, cut at four
    standard deviations). A narrower Gaussian cannot be sampled so: for the nine M83
    mosaics of the WFC3 Early Release Science, whose kernels have standard deviations
    of .4 to .5 pixels, sampling ends 2 to 6 % away from the wanted width. There the
    kernel is applied in Fourier space (`scipy.ndimage.fourier_gaussian`); its wings
    alternate in sign and stay below .075 divided by the squared distance in pixels.

    Masked pixels (NaN) and the outside of the frame take no part: the weights of the
    kernel are renormalised over the valid pixels, and masked pixels stay masked. Thus
    nothing darkens at the borders and beside gaps.

    The number of operations is proportional to the number of pixels and to the width
    of the kernel.

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
    >>> convolver.transform(cube).fwhm
    array([0.083, 0.083])
    """

    _parameter_constraints = {
        "fwhm": [Interval(Real, 0, None, closed="neither"), "array-like", None]
        + [units.Quantity],
        "target": [StrOptions({"worst"}), Interval(Real, 0, None, closed="neither")]
        + [units.Quantity],
        "pixel_scale": [Interval(Real, 0, None, closed="neither"), "array-like", None]
        + [units.Quantity],
        "kernel": [StrOptions({"matched", "target"})],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        fwhm=None,
        *,
        target="worst",
        pixel_scale=None,
        kernel="matched",
        n_jobs=None,
    ):
        self.fwhm = fwhm
        self.target = target
        self.pixel_scale = pixel_scale
        self.kernel = kernel
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Work out the kernels from the description of the cube.

        The fluxes are not looked at, so any part of the sky gives the same kernels.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube.
        y : None
            Ignored.

        Returns
        -------
        self : FWHMConvolver
            The fitted transformer.

        Raises
        ------
        ValueError
            If a width or the pixel scale is missing or impossible, or a band is worse
            than the target.
        """
        cube = self._check_cube(X, reset=True)
        fwhm = self._band_fwhm(cube)
        target = self._target_fwhm(cube, fwhm)
        if self.kernel == "target":
            kernel_fwhm = np.full(len(fwhm), target)
        else:
            kernel_fwhm = np.sqrt(np.maximum(target**2 - fwhm**2, 0))
        pixel_scale = self._pixel_scale(cube, needed=kernel_fwhm.any())
        self.target_fwhm_ = target
        self.kernel_fwhm_ = kernel_fwhm
        self.pixel_scale_ = pixel_scale
        self._result_fwhm = np.hypot(fwhm, kernel_fwhm)
        return self

    def transform(self, X):
        """Convolve the bands.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube.

        Returns
        -------
        convolved : Cube or ndarray of shape (n_rows, n_columns, n_bands)
            The bands at their common width, of the same float type. Where no band
            needs a kernel, the data are shared with X.
        """
        cube = self._check_cube(X, reset=False)
        data = cube.data
        if self.kernel_fwhm_.any():
            data = np.empty(cube.shape, dtype=cube.dtype)
            Parallel(n_jobs=self.n_jobs, require="sharedmem")(
                delayed(self._convolve_band)(cube.data, data, band)
                for band in range(cube.shape[2])
            )
        return self._like_input(X, cube.replace(data=data, fwhm=self._result_fwhm))

    def _convolve_band(self, source, result, band):
        """Write one convolved band into the result."""
        kernel_fwhm = self.kernel_fwhm_[band]
        if kernel_fwhm == 0:
            result[:, :, band] = source[:, :, band]
        else:
            sigma = kernel_fwhm * gaussian_fwhm_to_sigma / self.pixel_scale_
            image = np.ascontiguousarray(source[:, :, band])
            result[:, :, band] = smooth(image, sigma)

    def _band_fwhm(self, cube):
        """Return the width of every band in arcsec after checking it."""
        if self.fwhm is None:
            unknown = [
                name
                for name, width in zip(cube.band_names, cube.fwhm, strict=True)
                if np.isnan(width)
            ]
            if unknown:
                raise ValueError(
                    f"The FWHM of these bands is unknown: {', '.join(unknown)}. Pass "
                    "fwhm, one value in arcsec for each band, or give the Cube its "
                    "fwhm."
                )
            fwhm = cube.fwhm
        else:
            fwhm = _in_arcsec("fwhm", self.fwhm)
            if fwhm.ndim > 1 or (fwhm.ndim == 1 and len(fwhm) != cube.shape[2]):
                raise ValueError(
                    f"fwhm must be one number or one for each of the {cube.shape[2]} "
                    f"bands ({', '.join(cube.band_names)}), got {fwhm.size}."
                )
            fwhm = np.broadcast_to(fwhm, cube.shape[2])
        for name, width in zip(cube.band_names, fwhm, strict=True):
            if not (np.isfinite(width) and width > 0):
                raise ValueError(
                    f"The FWHM of band {name!r} must be a positive number of arcsec, "
                    f"got {width}."
                )
        return np.array(fwhm, dtype=np.float64)

    def _target_fwhm(self, cube, fwhm):
        """Return the common width in arcsec; no band may be worse."""
        if isinstance(self.target, str):
            return float(fwhm.max())
        target = _in_arcsec("target", self.target)
        if target.ndim or not (np.isfinite(target) and target > 0):
            raise ValueError(
                f"target must be one positive number of arcsec, got {self.target}."
            )
        worst = int(np.argmax(fwhm))
        if fwhm[worst] > target * (1 + 1e-9):  # units may have been converted
            raise ValueError(
                f"Band {cube.band_names[worst]!r} has a FWHM of {fwhm[worst]:g} arcsec "
                f"and cannot be brought to the sharper target of {target:g} arcsec. "
                "Raise target or leave the band out."
            )
        return float(target)

    def _pixel_scale(self, cube, *, needed):
        """Return the height and the width of a pixel in arcsec."""
        if self.pixel_scale is not None:
            scale = _in_arcsec("pixel_scale", self.pixel_scale)
            if scale.shape not in [(), (2,)] or not np.all(
                np.isfinite(scale) & (scale > 0)
            ):
                raise ValueError(
                    "pixel_scale must be one positive number of arcsec or two (height, "
                    f"width), got {self.pixel_scale}."
                )
            return np.array(np.broadcast_to(scale, 2))
        if cube.pixel_scale is not None:
            return np.array(cube.pixel_scale)
        if needed:
            raise ValueError(
                "The cube has no WCS, so the size of its pixels is unknown. Pass "
                "pixel_scale in arcsec per pixel."
            )
        return None


def _in_arcsec(name, value):
    """Return numbers, taken as arcsec, or Quantities as plain numbers of arcsec."""
    try:
        value = units.Quantity(value)
        if value.unit.is_equivalent(units.arcsec / units.pixel):
            value = value * units.pixel
        elif value.unit == units.dimensionless_unscaled:
            value = value * units.arcsec
        return value.to_value(units.arcsec)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be in arcsec or another angle, got {value!r}."
        ) from error

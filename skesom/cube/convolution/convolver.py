# SPDX-License-Identifier: BSD-3-Clause
"""Bring every band to the same FWHM with the kernel that it lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from astropy import units
from astropy.units import Quantity
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions

from skesom._common.warn import warn_user
from skesom._sky.lengths import side_of_pixel
from skesom.cube.bands import all_band_names, list_bands, with_bands
from skesom.cube.base import CubeTransformer, check_cubes
from skesom.cube.convolution.beams import (
    FULL_CIRCLE,
    KEYWORDS,
    check_one_pixel_size,
    find_beams,
    one_pixel_scale,
    read_width,
)
from skesom.cube.convolution.filtering import convolve_cube
from skesom.cube.convolution.kernels import (
    Match,
    kernel_on_pixels,
    match_gaussian,
    match_stamps,
    stamp_beam,
)
from skesom.cube.convolution.stamps import read_stamps

_ROUNDING = 1e-9  # of widths that were converted from other units
SHARPEST = 1.5  # pixels
LEAST_OF_LIMIT = 0.9  # the hole in the mirror makes the core narrower by 5 to 10 %
MOST_OF_LIMIT = 10.0  # beyond, if also so many pixels wide: pixels taken as arcsec
WIDEST = 25.0  # pixels, from which a width is worth a warning


class FWHMConvolver(CubeTransformer):
    """Convolve every band to the same point-spread function.

    Takes one cube, or a list before they are aligned; convolves each band on its native
    pixels by a Gaussian of width sqrt(target^2 - fwhm^2).

    Parameters
    ----------
    fwhm : float, Quantity, {"header", "stars"}, dict or sequence, default=None
        Full width at half maximum of the point-spread function. None takes the widths
        of the cubes (`Cube.fwhm`); if that of a band is unknown, all bands stay as
        they are, with a warning. Otherwise one entry for all bands, one for each, or a
        dict by band name (others: "header"):

        - a number, of arcsec if the pixels of any cube have a size on the sky, else of
          pixels; or a Quantity of an angle or of pixels, or a text such as "2.5pix";
        - ``"header"``: the width that the cube has;
        - an `astropy.io.fits.Header` with BMAJ, BMIN and BPA (degrees), or with FWHM
          (arcsec, or pixels if its comment says so);
        - ``"stars"``: the median width of isolated stars (needs the extra ``psf``);
        - an elliptical beam (major, minor, angle): two widths and degrees from north
          through east.
    target_fwhm : "worst", float, Quantity or str, default="worst"
        Width that all bands are brought to, no smaller than the worst: in arcsec if
        the pixels of any cube have a size on the sky, else in pixels. A Quantity, or a
        text such as "5pix", says otherwise; one in pixels needs pixels of one size.
    pixel_scale : float, array-like of shape (2,) or Quantity, default=None
        Height and width of a pixel in arcsec, or one number for square pixels; that
        of the cubes by default.
    psfs : dict or sequence of length n_bands, default=None
        Measured point-spread functions, as arrays on the pixels of the band, as tuples
        (array, side of its pixels in arcsec or None, name) or as FITS files (with the
        pixel size in PIXELSCL, PIXSCALE or the WCS, else that of the band). Those of
        even lengths, or with the peak off the middle, are brought there, parts of a
        pixel in Fourier space. Wiener kernels [2]_ (extra ``psf``) then match bands to
        the widest, or to a Gaussian of a number as `target_fwhm`. A band without (None)
        is a Gaussian.
    kernels : dict or sequence of length n_bands, default=None
        Ready kernels in the same forms, with the peak in the middle of odd lengths,
        normalized, which lead to the target. Bands without one are treated as usual,
        or stay as they are if their FWHM is unknown.
    copy : bool, default=True
        False convolves in the memory of the cube, if it can be written and is not lazy.
    n_jobs : int, default=None
        Number of threads.

    Attributes
    ----------
    length_unit_ : {"arcsec", "pixels"}
        Unit of the widths: pixels if nothing tells how large they are on the sky. What
        `transform` returns then has no `Cube.fwhm`, which is in arcsec.
    target_fwhm_ : float
        The common width, NaN if unknown (as with ready kernels alone).
    fwhm_ : ndarray of shape (n_bands,)
        Width of each band before (of the major axis), NaN if unknown.
    kernel_fwhm_ : ndarray of shape (n_bands,)
        Width of the Gaussian (its major axis) that each band is convolved with; 0
        without one, NaN for a kernel of another shape.
    methods_ : list of {"none", "gaussian", "elliptical", "wiener", "kernel"}
        How each band is convolved.
    summary_ : dict of str to str
        By band name: what is done to it, and from which width.
    pixel_scale_ : ndarray of shape (n_bands, 2)
        Height and width of the pixels of each band in arcsec; NaN if unknown.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the bands, of all cubes together.

    Raises
    ------
    ValueError
        If widths or the pixel scale are missing or impossible, a band is worse than the
        target, a PSF or kernel cannot be used, or there are too few stars.
    OSError
        If a file cannot be read.
    ImportError
        If photutils is needed and missing.

    Warns
    -----
    UserWarning
        If `fwhm` is None and a width is unknown, a width is below 1.5 pixels or below
        .9 of the diffraction limit (`Cube.diffraction_fwhm`), a number of arcsec seems
        to be one of pixels, a PSF is more than a pixel off the middle of its frame, or
        its file does not tell the size of its pixels.

    See Also
    --------
    CubeAligner : Bring bands on different pixels to one grid, as the next step.

    Notes
    -----
    The method is that of [1]_. Along an axis where a Gaussian kernel has a standard
    deviation of at least one pixel it is sampled at the pixel centers and cut at four
    standard deviations. Sampling a narrower one (.4 to .5 pixels in the M83 mosaics of
    WFC3) would miss the width by some %: it is applied in Fourier space, with wings
    below .075 divided by the squared distance in pixels, as are elliptical kernels that
    are not along the pixel axes.

    Masked pixels (NaN) and the outside of the frame have no weight. Only for kernels
    with negative lobes (as Wiener kernels) they are filled with the mean around the
    nearest valid pixel. Masked pixels stay masked. Errors of the cube are propagated
    for independent noise; afterwards that of neighbors is correlated.

    A lazy cube stays lazy, with the same values, in strips of about 4 million pixels
    (fewer of more than 16 bands), or at least 8 times as many rows as the widest kernel
    reaches: each task holds all bands of a strip. `fit` computes only the pixels in
    which it looks for stars.

    Stars are isolated sources around the densest width (half-sample mode [3]_) of
    Gaussians on a constant, fitted to the 300 brightest in the middle 2048 x 2048
    pixels. These widths include the pixel. Where star clusters and H II regions
    outnumber stars, they are too large. Measured functions and kernels lie along the
    pixel axes of their band; a PSF whose peak is in the middle pixel is not shifted.

    References
    ----------
    .. [1] G. Aniano, B. T. Draine, K. D. Gordon and K. Sandstrom, "Common-Resolution
       Convolution Kernels for Space- and Ground-Based Telescopes", Publications of the
       Astronomical Society of the Pacific 123 (2011), 1218.
    .. [2] A. Boucaud et al., "Convolution kernels for multi-wavelength imaging",
       Astronomy and Astrophysics 596 (2016), A63.
    .. [3] D. R. Bickel and R. Fruehwirth, "On a fast, robust estimator of the mode",
       Computational Statistics and Data Analysis 50 (2006), 3500.

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

    # What a model in a file may hold: kind and axes of each array.
    _stored = {
        "fwhm_": "reals features",
        "kernel_fwhm_": "reals features",
        "pixel_scale_": "reals features 2",
    }

    _parameter_constraints = {
        "fwhm": [
            Interval(Real, 0, None, closed="neither"),
            "array-like",
            None,
            units.Quantity,
            StrOptions(set(KEYWORDS)),
            str,  # "2.5pix"
        ],
        "target_fwhm": [
            Interval(Real, 0, None, closed="neither"),
            units.Quantity,
            StrOptions({"worst"}),
            str,  # "5pix"
        ],
        "pixel_scale": [
            Interval(Real, 0, None, closed="neither"),
            "array-like",
            None,
            units.Quantity,
        ],
        "psfs": ["array-like", None],
        "kernels": ["array-like", None],
        "copy": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        fwhm: float
        | str
        | Quantity
        | Literal["header", "stars"]
        | Mapping[str, Any]
        | Sequence[Any]
        | None = None,
        *,
        target_fwhm: float | str | Quantity | Literal["worst"] = "worst",
        pixel_scale: ArrayLike | Quantity | None = None,
        psfs: Mapping[str, Any] | Sequence[Any] | None = None,
        kernels: Mapping[str, Any] | Sequence[Any] | None = None,
        copy: bool = True,
        n_jobs: int | None = None,
    ) -> None:
        self.fwhm = fwhm
        self.target_fwhm = target_fwhm
        self.pixel_scale = pixel_scale
        self.psfs = psfs
        self.kernels = kernels
        self.copy = copy
        self.n_jobs = n_jobs

    def _fit(self, X):
        cubes = check_cubes(X, self, reset=True)
        unit_of_numbers = self._find_unit_of_numbers(cubes)
        # Without a fwhm, the known widths are those of cubes and of measured functions.
        self.length_unit_ = "arcsec" if self.fwhm is None else unit_of_numbers
        bands = self._list_bands(cubes)
        self.target_fwhm_, matches = self._match(bands, unit_of_numbers)
        scales = []
        directions = []
        summaries = []
        for match, band in zip(matches, bands, strict=True):
            scale, direction = _find_geometry(match, band)
            kernel_on_pixels(match, scale, direction, band.name)  # or an error
            scales.append(scale)
            directions.append(direction)
            summaries.append(match.describe(self.length_unit_))
        self.fwhm_ = np.array([match.fwhm for match in matches])
        self.kernel_fwhm_ = np.array([match.kernel_fwhm for match in matches])
        self.methods_ = [match.method for match in matches]
        self.summary_ = dict(zip(all_band_names(cubes), summaries, strict=True))
        if self.length_unit_ == "pixels":
            self.pixel_scale_ = np.full((len(bands), 2), np.nan)
        else:
            self.pixel_scale_ = np.array(scales)
        self._matches = matches
        self._directions = directions

    def _transform(self, X):
        cubes = check_cubes(X, self, reset=False)
        numbers_of_bands = range(len(self._matches))
        convolved = [
            self._convolve(cube, numbers)
            for cube, numbers in with_bands(cubes, numbers_of_bands)
        ]
        return self._like_inputs(X, convolved)

    def _convolve(self, cube, numbers):
        """Convolve one cube whose bands have these numbers among all bands."""
        kernels = []
        for number, band in zip(numbers, self._list_bands([cube]), strict=True):
            match = self._matches[number]
            scale, directions = _find_geometry(match, band)
            # What this cube does not tell is that of the fitted one.
            if np.isnan(scale).any():
                scale = self.pixel_scale_[number]
            if directions is None:
                directions = self._directions[number]
            kernels.append(kernel_on_pixels(match, scale, directions, band.name))
        fwhm = np.array([self._matches[number].result for number in numbers])
        if self.length_unit_ == "pixels":  # a cube's FWHM is in arcsec
            side = side_of_pixel(cube.pixel_scale)
            fwhm *= np.nan if side is None else side
        if all(kernel is None for kernel in kernels):
            return cube.replace(fwhm=fwhm)
        data, errors = convolve_cube(
            cube, kernels, self.n_jobs, copy=self._must_copy(cube)
        )
        return cube.replace(data=data, errors=errors, fwhm=fwhm)

    def _must_copy(self, cube):
        """Return whether the result needs memory of its own."""
        if self.copy or cube.is_lazy or not cube.data.flags.writeable:
            return True
        return cube.errors is not None and not cube.errors.flags.writeable

    def _find_unit_of_numbers(self, cubes):
        """Return the unit of numbers as `fwhm`: pixels where these have no known size.

        Widths of cubes and of measured functions are angles, so the size of pixels
        must be known for them.
        """
        has_size = self.pixel_scale is not None
        has_angles = self.psfs is not None
        for cube in cubes:
            has_size = has_size or cube.pixel_scale is not None
            has_angles = has_angles or np.isfinite(cube.fwhm).any()
        if has_size or has_angles:
            return "arcsec"
        return "pixels"

    def _list_bands(self, cubes):
        """Return the bands of all cubes, with the pixel scale if it is given."""
        pixel_scale = one_pixel_scale(self.pixel_scale, cubes)
        return list_bands(cubes, pixel_scale, self.length_unit_)

    def _match(self, bands, unit_of_numbers):
        """Return the common width, NaN if it is unknown, and the match of each band."""
        kernels = read_stamps(self.kernels, bands, "kernel")
        psfs = read_stamps(self.psfs, bands, "PSF")
        for band, psf, kernel in zip(bands, psfs, kernels, strict=True):
            if psf is not None and kernel is not None:
                raise ValueError(
                    f"Band {band.name!r} has both a PSF and a kernel. Pass one of them."
                )
        beams = find_beams(self._widths(bands, psfs), bands)
        _warn_of_odd_widths(bands, beams)
        matches = []  # as the bands are
        for beam in beams:
            width = np.nan if beam is None else beam.major
            matches.append(Match("none", width, width))
        has_kernels = any(kernel is not None for kernel in kernels)
        if not has_kernels and not self._are_known(bands, beams, unit_of_numbers):
            return np.nan, matches
        # Bands with a ready kernel need no width; others of an unknown width stay.
        without_kernel = []
        for number, (beam, kernel) in enumerate(zip(beams, kernels, strict=True)):
            if beam is not None and kernel is None:
                without_kernel.append(number)
        width = _target_width(self.target_fwhm, bands, beams, without_kernel)
        if self.psfs is not None and without_kernel:
            matches_without_kernel = match_stamps(
                [bands[number] for number in without_kernel],
                [beams[number] for number in without_kernel],
                [psfs[number] for number in without_kernel],
                None if _is_worst(self.target_fwhm) else width,
            )
        else:
            matches_without_kernel = [
                match_gaussian(beams[number], width) for number in without_kernel
            ]
        for number, match in zip(without_kernel, matches_without_kernel, strict=True):
            matches[number] = match
        for number, kernel in enumerate(kernels):
            if kernel is not None:
                before = matches[number].fwhm
                matches[number] = Match("kernel", before, width, array=kernel.array)
        return width, matches

    def _widths(self, bands, psfs):
        """Return the parameter fwhm; by default, widths of measured functions.

        Bands without such a function have the widths of their cubes.
        """
        if self.fwhm is not None:
            return self.fwhm
        widths = {}
        for band, psf in zip(bands, psfs, strict=True):
            if psf is not None:
                widths[band.name] = stamp_beam(psf, band)
        return widths

    def _are_known(self, bands, beams, unit_of_numbers):
        """Return whether all widths are known; only by default they need not be.

        Otherwise it is an error. By default bands stay as they are, with a warning.
        """
        unknown = []
        for band, beam in zip(bands, beams, strict=True):
            if beam is None:
                unknown.append(band)
        if not unknown:
            return True
        by_default = self.fwhm is None and _is_worst(self.target_fwhm)
        if self.psfs is not None or not by_default:
            names = ", ".join(band.name for band in unknown)
            raise ValueError(
                f"The FWHM of these bands is unknown: {names}. Pass fwhm in "
                f"{unit_of_numbers} for each band, or give the Cube its fwhm."
            )
        if len(bands) > 1:  # one band has nothing to be brought to
            _warn_of_unknown(bands, unknown, unit_of_numbers)
        return False


def _find_geometry(match, band):
    """Return the pixel scale (NaN if unknown), and directions for an ellipse."""
    scale = band.pixel_scale
    if scale is None:
        scale = np.full(2, np.nan)
    if match.method != "elliptical":
        return scale, None
    return scale, band.directions


def _is_worst(target):
    """Return whether bands are brought to the width of the worst of them."""
    return isinstance(target, str) and target == "worst"


def _target_width(target, bands, beams, to_match):
    """Return the width that bands are brought to.

    It is an error if a band with a number in `to_match` has a larger width.
    """
    if _is_worst(target):
        widths = [beam.major for beam in beams if beam is not None]
        return max(widths, default=np.nan)
    unit = bands[0].length_unit
    width = read_width(target, bands[0], "target_fwhm", keywords=["worst"])
    if units.Quantity(target).unit.is_equivalent(units.pixel):
        check_one_pixel_size(bands, "target_fwhm")
    if np.ndim(width) or not 0 < width <= FULL_CIRCLE:
        raise ValueError(
            f"target_fwhm must be one positive number of {unit}, up to a full circle, "
            f"got {target}."
        )
    for number in to_match:
        if beams[number].major > width * (1 + _ROUNDING):
            raise ValueError(
                f"Band {bands[number].name!r} has a FWHM of {beams[number].major:g} "
                f"{unit} and cannot be brought to the sharper target of {width:g} "
                f"{unit}. Raise target_fwhm or leave the band out."
            )
    return float(width)


def _warn_of_unknown(bands, unknown, unit_of_numbers):
    """Warn that bands stay as they are, and tell how their widths can be known."""
    names = ", ".join(band.name for band in unknown)
    if len(unknown) == len(bands):
        names = "all bands"
    needs_scale = any(band.pixel_size is None for band in unknown)
    scale = ""
    if unit_of_numbers == "arcsec" and needs_scale:
        scale = ", with pixel_scale"
    warn_user(
        f"The bands stay as sharp as they are, because the FWHM of {names} is unknown. "
        f"Pass fwhm in {unit_of_numbers} to bring them to one width, or fwhm='stars' "
        f"to measure it on stars{scale}."
    )


def _warn_of_odd_widths(bands, beams):
    """Warn of widths that no image has, mostly because of their unit."""
    sharp = []
    below_limit = []
    wide = []
    for band, beam in zip(bands, beams, strict=True):
        if beam is None or beam.source == "its PSF":
            continue
        limit = np.nan  # in arcsec
        if band.length_unit == "arcsec":
            limit = band.cube.diffraction_fwhm[band.number]
        n_pixels = np.nan
        if band.pixel_size is not None and band.pixel_size > 0:  # cards may say 0
            n_pixels = beam.minor / band.pixel_size
        text = f"{band.name} ({beam.minor:.3g} {band.length_unit}"
        if n_pixels < SHARPEST:
            sharp.append(f"{text}, {n_pixels:.2g} pixels)")
        if beam.minor < LEAST_OF_LIMIT * limit:
            below_limit.append(f"{text} instead of {limit:.3g})")
        elif beam.minor > MOST_OF_LIMIT * limit and n_pixels > WIDEST:
            wide.append(f"{text}, {n_pixels:.3g} pixels)")
    problems = {
        f"less than {SHARPEST} pixels, which few cameras reach:": sharp,
        "below the diffraction limit of the telescope:": below_limit,
        f"more than {WIDEST:g} pixels, though the telescope is sharper:": wide,
    }
    for problem, widths in problems.items():
        if widths:
            warn_user(
                f"The FWHM is {problem} {', '.join(widths)}. Check its unit: numbers "
                f"are in {bands[0].length_unit}, and pixels are given as in "
                "fwhm='2.5pix'."
            )

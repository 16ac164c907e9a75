# SPDX-License-Identifier: BSD-3-Clause
"""The main job as one scikit-learn Pipeline: images in, cluster map out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from sklearn.base import BaseEstimator, is_classifier
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import get_tags

from skesom._common.estimator import check_estimator
from skesom._types import WCS, Header, Quantity
from skesom.cube import (
    AsinhStretch,
    BackgroundSubtractor,
    BandBinner,
    ColorScaler,
    ComponentFilter,
    CountSmoother,
    CubeAligner,
    CubeMasker,
    CubeStore,
    FWHMConvolver,
    SkyMasker,
    SpatialFeatures,
)
from skesom.maps._cube_classifier import CubeClassifier
from skesom.maps.cube_clusterer import CubeClusterer

if TYPE_CHECKING:
    from skesom.cube import Cube

_CONTRAST = 1 / 3
_CLEAR_COLORS = 2.0  # signal-to-noise; docs/fluxes_and_rows.md compares it with 3


def make_cluster_pipeline(
    clusterer: BaseEstimator,
    *,
    pattern: Literal["pixel", "voxel"] = "pixel",
    fwhm: float | str | Quantity | Sequence[Any] | Mapping[str, Any] | None = None,
    target_fwhm: float | str | Quantity | Literal["worst"] | None = "worst",
    pixel_scale: float | None = None,
    psfs: Mapping[str, Any] | Sequence[Any] | None = None,
    align_to: int | str | WCS | Header | Cube = "coarsest",
    resample: Literal["auto", "interp", "adaptive", "exact"] = "auto",
    mask_zeros: bool | Literal["auto"] = "auto",
    mask_outliers: bool = True,
    smooth_counts: bool = True,
    subtract_background: bool | Literal["auto"] = "auto",
    bin_bands: int = 1,
    stretch: Literal["asinh", "none"] = "asinh",
    sky: Literal["auto", "mask", "keep"] = "auto",
    color_contrast: float = _CONTRAST,
    smooth_colors: bool = False,
    spatial_features: bool | Literal["auto"] = "auto",
    n_components: int | Literal["auto"] | None = "auto",
    min_bands: int | None = None,
    n_jobs: int | None = None,
) -> Pipeline:
    """Chain the steps from a cube, or cubes on several grids, to a map of clusters.

    Parameters
    ----------
    clusterer : clusterer or classifier
        Takes the table of stretched and scaled pixels.
    pattern : {"pixel", "voxel"}, default="pixel"
        Whether pixels with all bands or single fluxes are clustered, see
        `CubeClusterer`. Bands of voxels are not scaled one by one, and have no colors:
        there is no step "color".
    fwhm : float, "stars", sequence of length n_bands or dict, default=None
        Full width at half maximum of the point-spread function of all bands or each,
        as `skesom.cube.FWHMConvolver` takes it: arcsec (pixels, if nothing tells how
        large they are), by default those of the cubes. If one is unknown, all bands
        stay as sharp as they are, with a warning.
    target_fwhm : "worst", float, Quantity, str or None, default="worst"
        Width that all bands are brought to, in the same unit, or as in "5pix". None
        leaves them as they are.
    pixel_scale : float, default=None
        Arcsec per pixel, from the WCS by default.
    psfs : sequence of length n_bands or dict, default=None
        Measured point-spread functions, as `skesom.cube.FWHMConvolver` takes them:
        arrays or FITS files, by which bands are matched instead of Gaussians.
    align_to : {"coarsest", "optimal", "first"}, int, str, WCS, Header or Cube, \
            default="coarsest"
        Grid of the map, see `skesom.cube.CubeAligner`.
    resample : {"auto", "interp", "adaptive", "exact"}, default="auto"
        How bands of other grids are resampled, see `skesom.cube.CubeAligner`. "auto"
        averages over the exact overlap of the pixels.
    mask_zeros : bool or "auto", default="auto"
        Whether exact zeros are missing data, see `skesom.cube.CubeMasker`.
    mask_outliers : bool, default=True
        Whether hot and dead pixels and cosmic rays are masked.
    smooth_counts : bool, default=True
        Whether bands of few photons per pixel, such as X-rays, are smoothed until they
        have a signal-to-noise, see `skesom.cube.CountSmoother`.
    subtract_background : bool or "auto", default="auto"
        Whether to subtract the background, see `skesom.cube.BackgroundSubtractor`.
        "auto" does so in bands where it slopes and no galaxy fills the frame.
    bin_bands : int, default=1
        Number of neighboring bands that are averaged, see `skesom.cube.BandBinner`.
    stretch : {"asinh", "none"}, default="asinh"
        How fluxes are compressed before they are scaled.
    sky : {"auto", "mask", "keep"}, default="auto"
        Whether empty sky is set aside, see `skesom.cube.SkyMasker`.
    color_contrast : float in [0, 0.5], default=1/3
        How much colors count beside brightness, see `skesom.cube.ColorScaler`; 0
        scales each band to unit variance.
    smooth_colors : bool, default=False
        Whether colors are averaged with those around until their signal-to-noise is 2,
        see `skesom.cube.ColorScaler`; brightness stays as sharp as it is.
    spatial_features : bool or "auto", default="auto"
        Whether a classifier gets each band smoothed and against its surroundings
        instead of the bands, see `skesom.cube.SpatialFeatures`. "auto" does so where
        pixels are classified. Clusters become worse by it: True refuses a clusterer.
    n_components : int, "auto" or None, default="auto"
        What is clustered of many bands, such as the channels of spectra. "auto" leaves
        out what the principal components of more than 20 scaled bands do not show above
        the noise, see `skesom.cube.ComponentFilter`; not with `min_bands`, voxels or a
        classifier. A number clusters so many components instead of the bands, and None
        the bands as they are.
    min_bands : int, default=None
        Bands that must be there for a pixel to be clustered; all by default. Fewer
        need a clusterer that takes NaN, such as ESOM and CSOM.
    n_jobs : int, default=None
        Number of threads, -1 for one per processor. The result does not depend on it.

    Returns
    -------
    pipeline : sklearn.pipeline.Pipeline
        Steps "gaps", "counts" (unless `smooth_counts` is False), "background" (unless
        False), "convolve" (with `target_fwhm`), "align", "bin" (with `bin_bands`),
        "store" (lazy cubes are written to the disk once), "stretch" (unless "none"),
        "sky", "color", "components" (with ``n_components="auto"``) and "cluster" (or
        "features" and "classify", a `CubeClassifier`, with a classifier), to set their
        parameters as ``pipeline.set_params(gaps__grow=2, align__crop=False)``. The map
        of images on several grids is cut to where enough bands have data, unless the
        grid is given as a WCS, header or Cube. Bands that are surely off the others by
        more than a pixel are moved back, as ``shifts_`` of "align" tells;
        ``set_params(align__registration=None)`` keeps them.

    Raises
    ------
    TypeError
        If the clusterer is a class or a text.
    ValueError
        For an unknown stretch; for `min_bands` and a clusterer that takes no NaN; for
        `min_bands`, `n_components` or `color_contrast` and voxels; for
        `spatial_features` and voxels or a clusterer; for widths, PSFs or a pixel scale
        without `target_fwhm`.

    Examples
    --------
    >>> from skesom.datasets import make_galaxy_cube
    >>> from skesom.maps import make_cluster_pipeline
    >>> from skesom.som import ESOM
    >>> cube, truth = make_galaxy_cube((64, 64), random_state=0)
    >>> pipeline = make_cluster_pipeline(ESOM(random_state=0))
    >>> pipeline.fit_predict(cube).shape
    (64, 64)
    """
    check_estimator(clusterer, "clusterer", "skesom.som.ESOM(8)")
    if stretch not in ("asinh", "none"):
        raise ValueError(f"stretch must be 'asinh' or 'none', got {stretch!r}.")
    if min_bands is not None and not get_tags(clusterer).input_tags.allow_nan:
        raise ValueError(
            f"{type(clusterer).__name__} takes no pixels of which bands are missing. "
            "Leave out min_bands, or use ESOM or CSOM."
        )
    if isinstance(n_components, str) and n_components != "auto":
        raise ValueError(
            f"n_components must be a number, 'auto' or None, got {n_components!r}."
        )
    filters_components = n_components == "auto"
    n_fixed = n_components
    if filters_components:
        n_fixed = None
    is_of_bands = (
        n_fixed is not None or min_bands is not None or color_contrast != _CONTRAST
    )
    if pattern == "voxel" and is_of_bands:
        raise ValueError(
            "A voxel is one flux: it has neither principal components nor missing "
            "bands nor a color. Leave out n_components, min_bands and color_contrast, "
            "or use pattern='pixel'."
        )
    is_of_pixels = is_classifier(clusterer) and pattern == "pixel"
    if spatial_features is True and not is_of_pixels:
        raise ValueError(
            "spatial_features=True is for a classifier of pixels: clusters become "
            "worse, and a voxel is one flux. Leave it out."
        )
    widths = {"fwhm": fwhm, "psfs": psfs, "pixel_scale": pixel_scale}
    given = [name for name, value in widths.items() if value is not None]
    if target_fwhm is None and given:
        raise ValueError(
            f"target_fwhm=None leaves all bands as sharp as they are: leave out "
            f"{' and '.join(given)}, or choose a width."
        )
    if n_fixed is not None and (n_fixed < 1 or min_bands is not None):
        raise ValueError(
            "n_components must be at least 1, and needs all bands of a pixel (no "
            f"min_bands). Got n_components={n_components}, min_bands={min_bands}."
        )
    if n_fixed is not None:
        # From the covariances: the same result in each run, and little memory.
        components = PCA(n_fixed, svd_solver="covariance_eigh")
        clusterer = make_pipeline(components, clusterer)
    # Bands are counted when they lie on one grid; before, each value is kept.
    min_bands_before = None
    if min_bands is not None:
        min_bands_before = 1
    gaps = CubeMasker(
        mask_zeros=mask_zeros,
        mask_outliers=mask_outliers,
        min_bands=min_bands_before,
        check_background=not subtract_background,
        n_jobs=n_jobs,
    )
    steps = [("gaps", gaps)]
    if smooth_counts:
        steps.append(("counts", CountSmoother()))
    if subtract_background:
        bands = "all"
        if subtract_background == "auto":
            bands = "uneven"
        steps.append(("background", BackgroundSubtractor(bands=bands)))
    if target_fwhm is not None:
        convolver = FWHMConvolver(
            fwhm,
            target_fwhm=target_fwhm,
            pixel_scale=pixel_scale,
            psfs=psfs,
            n_jobs=n_jobs,
        )
        steps.append(("convolve", convolver))
    aligner = CubeAligner(
        align_to,
        resample=resample,
        crop="auto",
        min_bands=min_bands,
        registration="auto",
        n_jobs=n_jobs,
    )
    steps.append(("align", aligner))
    if bin_bands != 1:
        steps.append(("bin", BandBinner(bin_bands)))
    steps.append(("store", CubeStore()))
    if stretch == "asinh":
        steps.append(("stretch", AsinhStretch(n_jobs=n_jobs)))
    steps.append(("sky", SkyMasker(sky, min_bands=min_bands, n_jobs=n_jobs)))
    if pattern == "pixel":
        color = ColorScaler(contrast=color_contrast)
        if smooth_colors:
            color.set_params(signal_to_noise=_CLEAR_COLORS)
        steps.append(("color", color))
        takes_bands = min_bands is None and not is_classifier(clusterer)
        if filters_components and takes_bands:
            steps.append(("components", ComponentFilter()))
    if spatial_features and is_of_pixels:
        features = SpatialFeatures(min_bands=min_bands, n_jobs=n_jobs)
        steps.append(("features", features))
    if is_classifier(clusterer):
        last = CubeClassifier(clusterer, pattern=pattern, min_bands=min_bands)
        steps.append(("classify", last))
    else:
        last = CubeClusterer(clusterer, pattern=pattern, min_bands=min_bands)
        steps.append(("cluster", last))
    return Pipeline(steps)

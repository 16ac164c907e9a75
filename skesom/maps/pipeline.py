# SPDX-License-Identifier: BSD-3-Clause
"""The main job as one scikit-learn Pipeline: images in, cluster map out."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import get_tags

from skesom._common.estimator import check_estimator
from skesom._common.warn import warn_user
from skesom._types import WCS, Header, Quantity
from skesom.consensus import ConsensusClusterer
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
from skesom.som import CSOM, ESOM, MapClassifier

if TYPE_CHECKING:
    from skesom.cube import Cube


_logger = logging.getLogger(__name__)
_WORK = {  # of the steps, in words
    "gaps": "masking what is missing or broken",
    "counts": "looking for bands of few photons",
    "background": "looking for a background",
    "convolve": "bringing the bands to one width",
    "align": "bringing the bands to one grid",
    "bin": "averaging bands",
    "store": "storing the bands",
    "stretch": "stretching fluxes",
    "sky": "looking for sky",
    "color": "scaling colors",
    "components": "looking for components above the noise",
    "features": "looking at the surroundings of pixels",
    "cluster": "clustering the pixels",
    "classify": "classifying the pixels",
}
_MAPS = {"esom": ESOM, "csom": CSOM}
_CONTRAST, _N_CLUSTERS = 1 / 3, 8
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
    is_auto = n_components == "auto"
    n_fixed = None if is_auto else n_components
    of_bands = n_fixed, min_bands, color_contrast
    if pattern == "voxel" and of_bands != (None, None, _CONTRAST):
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
    gaps = CubeMasker(
        mask_zeros=mask_zeros,
        mask_outliers=mask_outliers,
        min_bands=None if min_bands is None else 1,
        check_background=not subtract_background,
        n_jobs=n_jobs,
    )
    steps = [("gaps", gaps)]
    if smooth_counts:
        steps.append(("counts", CountSmoother()))
    if subtract_background:
        bands = "uneven" if subtract_background == "auto" else "all"
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
        if is_auto and min_bands is None and not is_classifier(clusterer):
            steps.append(("components", ComponentFilter()))
    if spatial_features and is_of_pixels:
        features = SpatialFeatures(min_bands=min_bands, n_jobs=n_jobs)
        steps.append(("features", features))
    last, kind = "cluster", CubeClusterer
    if is_classifier(clusterer):
        last, kind = "classify", CubeClassifier
    steps.append((last, kind(clusterer, pattern=pattern, min_bands=min_bands)))
    return Pipeline(steps)


class MapImages(NamedTuple):
    """Images on the pixels of the map, and the names of the bands they were made of."""

    cube: object
    band_names: list


def fit_in_place(pipeline, images, fit=None, *, prepare=None):
    """Fit a pipeline, which may change the images; return those of the map.

    `fit` is what fits the last step to the cube that it gets, if it needs more, and
    `prepare` stands for `prepare_in_place`. The pipeline is fitted as by ``fit``, with
    less memory, and without doing the steps up to the pixels of the map again for a
    report.
    """
    cube, of_map = (prepare or prepare_in_place)(pipeline, images)
    if getattr(cube, "is_lazy", False):  # a clusterer reads it several times
        cube = CubeStore().fit_transform(cube)
    last = pipeline.steps[-1][0]
    _logger.debug("%s", _WORK.get(last, last))
    with _copying(pipeline[-1], bool(fit) or _share_memory(cube, of_map.cube)):
        (fit or type(pipeline[-1]).fit)(pipeline[-1], cube)
    return of_map


def prepare_in_place(pipeline, images, *, is_fitted=False):
    """Fit all steps but the last, unless they are fitted; return what they give.

    Return also the images of the map.
    """
    cubes = images if isinstance(images, list) else [images]
    bands = [name for cube in cubes for name in cube.band_names]
    n_first = n_steps_to_map(pipeline)
    kept = None
    for number, (name, step) in enumerate(pipeline.steps[:-1]):
        if number == n_first:
            kept = images
        is_shared = kept is not None and _share_memory(images, kept)
        _logger.debug("%s", _WORK.get(name, name))
        with _copying(step, is_shared):
            images = (step.transform if is_fitted else step.fit_transform)(images)
    return images, MapImages(images if kept is None else kept, bands)


def n_steps_to_map(pipeline):
    """Return after how many steps the bands are those of the map, on its pixels."""
    steps = [step for _, step in pipeline.steps[:-1]]
    shapers = CubeAligner, BandBinner
    last = [n for n, step in enumerate(steps) if isinstance(step, shapers)]
    if last:
        return last[-1] + 1
    keep = [bool(getattr(step, "keeps_flux", False)) for step in steps]
    return [*keep, False].index(False)


def _share_memory(cube, other):
    """Return whether a change of one cube may change another."""
    if cube.is_lazy or other.is_lazy:
        return True
    return np.may_share_memory(cube.data, other.data)


@contextmanager
def _copying(step, copy):
    """Let a step change the cube that it is given, unless that is shared."""
    name = "copy" if "copy" in step.get_params(deep=False) else "_copy"
    kept = vars(step).get(name)
    setattr(step, name, copy)
    try:
        yield
    finally:
        if kept is None:  # nothing that a model would hold
            delattr(step, name)
        else:
            setattr(step, name, kept)


def make_clusterer(
    method: str,
    *,
    n_clusters: int | None = _N_CLUSTERS,
    n_runs: int | None = None,
    random_state: int = 0,
    verbose: int = 0,
    **parameters: Any,
) -> Any:
    """Make a clusterer from its name.

    Parameters
    ----------
    method : str
        "esom", "csom", or an import path such as "sklearn.cluster.MiniBatchKMeans".
    n_clusters : int or None, default=8
        Number of clusters (mixture components). Another than 8 is refused where the
        clusterer has no such parameter.
    n_runs : int, default=None
        Runs with different seeds for a `ConsensusClusterer`; by default its own number
        (12, more of small images) if the clusterer has a seed and ``predict``. 1 is the
        clusterer alone.
    random_state : int, default=0
        Seed, where the clusterer has one; else a warning says so of another than 0.
    verbose : int, default=0
        1 shows progress; for maps only.
    **parameters : dict
        Further constructor arguments.

    Returns
    -------
    clusterer : clusterer
        Not fitted.

    Raises
    ------
    ValueError
        For an unknown clusterer, an unknown or impossible parameter, or a number of
        clusters that the clusterer cannot be given.

    Examples
    --------
    >>> from skesom.maps import make_clusterer
    >>> make_clusterer("sklearn.cluster.KMeans", n_clusters=5, n_runs=1)
    KMeans(n_clusters=5, random_state=0)
    """
    default = _default_of(method, "clusterer", "fit_predict")
    wanted = {"random_state": random_state}
    if isinstance(default, ESOM | CSOM) and n_runs == 1:
        wanted["verbose"] = verbose
    number = "n_clusters" if "n_clusters" in default.get_params() else "n_components"
    wanted[number] = n_clusters
    if number not in default.get_params() and n_clusters not in (_N_CLUSTERS, None):
        raise ValueError(
            f"{method} finds the number of clusters by itself: n_clusters={n_clusters} "
            "cannot be given."
        )
    clusterer = _with_parameters(method, default, wanted, parameters)
    n_clusters = clusterer.get_params().get(number)
    return _consensus_of(clusterer, n_clusters, n_runs, random_state, verbose)


def make_classifier(method, *, random_state=0, verbose=0, **parameters):
    """Make a classifier from its name, as `make_clusterer`.

    "esom" and "csom" are a `MapClassifier` of such a map, whose classes are balanced
    and ask three units; parameters are of the map, or of the `MapClassifier`.
    """
    wanted = {"random_state": random_state}
    if method.lower() not in _MAPS:
        default = _default_of(method, "classifier", "predict")
        return _with_parameters(method, default, wanted, parameters)
    default = _default_of(method, "map", "predict")
    wanted["verbose"] = verbose
    if isinstance(default, ESOM):
        wanted["learning_rate"] = 0.05  # as in CubeClassifier
    own = MapClassifier().get_params(deep=False).keys() - {"estimator"}
    votes = {name: parameters.pop(name) for name in own & parameters.keys()}
    som = _with_parameters(method, default, wanted, parameters)
    wanted = {"estimator": som, "n_neighbors": 3, "class_weight": "balanced"}
    return _with_parameters("MapClassifier", MapClassifier(), wanted, votes)


def _default_of(method, role, needed):
    """Return an estimator of default parameters by the name of its class."""
    try:
        default = (_MAPS.get(method.lower()) or _import(method, role))()
    except TypeError as error:
        text = f"{method} cannot be made without arguments: {error}"
        raise ValueError(text) from error
    # Some objects lack a method that their class has (FeatureAgglomeration).
    if not (hasattr(default, needed) and hasattr(default, "get_params")):
        raise ValueError(f"{method} is no {role}: it has no {needed}.")
    if role == "classifier" and not is_classifier(default):
        raise ValueError(f"{method} is no classifier: it cannot learn from labels.")
    return default


def _with_parameters(method, default, wanted, parameters):
    """Return an estimator with the wanted parameters that it has, and with others."""
    names = default.get_params()
    for name in sorted(parameters.keys() - names.keys()):
        raise ValueError(f"{method} has no parameter {name!r}. It has {sorted(names)}.")
    if "random_state" not in names and wanted.get("random_state"):
        warn_user(f"{method} takes no random_state: it does the same in every run.")
    wanted = {name: value for name, value in wanted.items() if name in names}
    estimator = type(default)(**(wanted | parameters))
    if hasattr(estimator, "_validate_params"):  # before images are read for nothing
        estimator._validate_params()
    return estimator


def _consensus_of(clusterer, n_clusters, n_runs, random_state, verbose):
    """Return a consensus of a clusterer, or the clusterer where that is as good."""
    differs = "random_state" in clusterer.get_params() and hasattr(clusterer, "predict")
    if n_runs is None:
        n_runs = "auto" if differs else 1
    if n_runs == 1:
        return clusterer
    if not differs:
        raise ValueError(
            f"{type(clusterer).__name__} gives the same clusters in every run, or "
            "cannot label other pixels: leave out the number of runs."
        )
    return ConsensusClusterer(
        clusterer,
        n_estimators=n_runs,
        n_clusters=n_clusters,
        random_state=random_state,
        verbose=verbose,
        n_jobs=-1,
    )


def _import(path, role):
    module, _, name = path.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f"Unknown method {path!r}: use esom, csom, or the import path of a class "
            "of scikit-learn such as sklearn.cluster.MiniBatchKMeans."
        ) from error
    if not isinstance(kind, type):
        raise ValueError(f"{path} is no {role}: it is no class.")
    return kind

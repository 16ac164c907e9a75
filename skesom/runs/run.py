# SPDX-License-Identifier: BSD-3-Clause
"""One object for a run: what was clustered, how, what was found, and its names."""

from __future__ import annotations

import html
import inspect
import os
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from astropy.table import Table
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from skesom._common.file_errors import errors_naming
from skesom._common.fits_files import keep_files_open
from skesom._types import WCS, ClusterGroups, Header, Quantity, StrPath
from skesom.io import read_map
from skesom.maps.fit_in_place import MapImages
from skesom.maps.held_out import HeldOut
from skesom.maps.leaves import check_tree_and_cut
from skesom.maps.neighbor_agreement import known_agreement
from skesom.report.catalog import NamedMap, check_catalog, match_catalog
from skesom.report.cluster_groups import carried_groups, check_groups
from skesom.report.decisions import decision_lines, decisions_of
from skesom.report.drawing import PictureStyle
from skesom.report.facts import facts_of, lines_of
from skesom.report.page import PAGE_NAME
from skesom.report.page.explore import explore
from skesom.report.report import WrittenReport
from skesom.report.result import Result
from skesom.report.sky_level import describe_sky
from skesom.report.summary import suggestions_of
from skesom.report.tables import table_of_pixels
from skesom.runs._cutting import cut_last_step
from skesom.runs._default_pipeline import make_default_pipeline, refuse_ignored
from skesom.runs._leaves_file import LEAVES_NAME
from skesom.runs._models import find_model, load_model
from skesom.runs._named_groups import (
    merge_groups,
    name_by_suggestions,
    rename_groups,
)
from skesom.runs._notebook import notebook_view
from skesom.runs._prediction import check_images_are_of_fit, predict_labels
from skesom.runs._run_images import RunImages, names_of_bands
from skesom.runs._tables_in_folder import (
    OBJECTS_NAME,
    read_clusters,
    read_held_out,
    read_objects,
)
from skesom.runs._writing import write_run_folder
from skesom.runs.fitting import fit_pipeline
from skesom.runs.group_files import (
    check_groups_file,
    groups_file_in,
    read_cluster_groups,
    read_groups_of_fit,
)
from skesom.runs.image_source import ImageSource
from skesom.runs.input_images import (
    are_files,
    cubes_in_memory,
    read_for_fit,
    source_of_images,
)
from skesom.runs.matching_bands import matched_source, taken_channels
from skesom.runs.provenance import (
    check_is_of_fit,
    cut_of,
    digest_of_fit,
    read_provenance,
)
from skesom.runs.recipes import read_recipe, source_of_model, unfitted
from skesom.runs.training import TrainingLabels

if TYPE_CHECKING:
    from skesom.cube import Cube


SUGGESTED = "suggested"


class Run:
    """Images that were clustered: how, what was found, and how it is called.

    `Run.fit` makes one from images, `Run.read` from a folder that `write` or
    ``skesom cluster -o`` wrote. Methods leave a run as it is and return another one.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted; ends in a `CubeClusterer` or `CubeClassifier`, as those of
        `make_cluster_pipeline`.
    cube : Cube or list of Cube
        The images as they were read.
    label_map : array-like of int of shape (n_rows, n_columns), default=None
        ``pipeline.predict(cube)`` for other images than those of the fit, without the
        model and pictures of its units. By default the labels of the fit.
    groups : sequence of tuple (name, labels), +color, +leaves, default=None
        Names and colors of clusters, and which are one, in all files but the model and
        ``provenance.json``; see `read_cluster_groups`. Labels are those of the fit,
        leaves are parts of its clusters, as in the ``groups`` of `ClusterNames`.
    held_out : HeldOut, default=None
        Scores of a classifier, from `skesom.maps.held_out_score`.
    training : TrainingLabels, default=None
        File of the labels that were learned, from which the run can be repeated.
    continua : dict of str to sequence of str, or "none", default=None
        Continuum bands of bands of lines, see `ColorDiagramDisplay`; by default those
        of `source`, else the broad bands around narrow filters that are known.
    catalog : str, os.PathLike or Table, default=None
        Known objects to cross-match with the clusters, as `crossmatch` takes them.
    radius : float or Quantity, default=None
        Size of these objects, as for `crossmatch`.
    subtract_sky : bool, default=None
        Whether fluxes in tables, spectra and diagrams count from the level of the sky
        that was set aside, as in `skesom.pixels.cluster_table`; what is clustered is
        the same. By default as `source` tells, else True.
    source : sequence of str or os.PathLike, or dict, default=None
        Files of the images, from which the run can be repeated. A dict has them as
        ``"files"``, and parameters of `read_cube` and region files to ``"exclude"`` and
        ``"include"`` if the images were read so.
    model : str or os.PathLike, default=None
        File of the model that predicted `label_map`, for ``provenance.json``.
    command : sequence of str, default=None
        Arguments of the command line, for ``provenance.json``.

    Attributes
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted.
    source : ImageSource or None
        Files of the images; of a folder, where they are now.
    groups : list of ClusterGroup
        Names, colors and merges, as they were given.
    cube : Cube or list of Cube
        The images; of a folder, read from their files when they are asked for.
    label_map : ndarray of shape (n_rows, n_columns), dtype int32
        Clusters from 0 by falling size, as they are named and merged; -1 noise, -2 sky,
        -3 without data.
    wcs : astropy.wcs.WCS or None
        Of the pixels of the label map.
    agreement : ndarray of shape (n_rows, n_columns), dtype float32, or None
        How far the runs of a consensus agree, see `CubeClusterer`.
    clusters : astropy.table.Table
        A row for each cluster: name, color, size, place, fluxes with units.
    pixels : astropy.table.Table
        A row for each pixel with data: place, fluxes with units, unit, cluster.
    decisions : dict or None
        What the steps decided; None of images to which a model was applied.

    Examples
    --------
    >>> import tempfile
    >>> from skesom import ESOM, Run
    >>> from skesom.datasets import make_galaxy_cube
    >>> cube, truth = make_galaxy_cube((48, 48), 3, random_state=0)
    >>> run = Run.fit(cube, clusterer=ESOM(5, random_state=0))
    >>> run.label_map.shape, len(run.clusters)
    ((48, 48), 5)
    >>> run = run.name({0: "disc"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = run.write(f"{folder}/result", pictures=False)
    ...     again = Run.read(f"{folder}/result")
    >>> str(again.clusters["name"][0]), (again.label_map == run.label_map).all()
    ('disc', np.True_)
    """

    def __init__(
        self,
        pipeline: BaseEstimator,
        cube: Cube | list[Cube],
        *,
        label_map: ArrayLike | None = None,
        groups: ClusterGroups | None = None,
        held_out: HeldOut | None = None,
        training: TrainingLabels | None = None,
        continua: Mapping[str, Sequence[str]] | Literal["none"] | None = None,
        catalog: StrPath | Table | None = None,
        radius: float | Quantity | None = None,
        subtract_sky: bool | None = None,
        source: Sequence[StrPath] | Mapping[str, Any] | None = None,
        model: StrPath | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        self.pipeline = pipeline
        self.groups = check_groups(groups or ())
        self.held_out = held_out
        self.training = training
        self.catalog = catalog
        self.radius = radius
        self.model = model
        self.command = command
        self.finished = _now()
        # Of a run that was read: where it is, and what its provenance tells.
        self.folder = None
        self.model_file = None
        self.leaves_file = None
        self.provenance = None
        self.images = RunImages(cube, source_of_images(source))
        self._predicted_labels = label_map
        self._continua = continua
        self._subtract_sky = subtract_sky
        self.trust = False
        self._band_names = None
        self._computed = {}  # what was asked for, by the names of properties

    @classmethod
    def fit(
        cls,
        images: Any,
        pipeline: Pipeline | None = None,
        *,
        clusterer: BaseEstimator | None = None,
        n_clusters: int | Literal["auto"] | None = 8,
        random_state: int = 0,
        catalog: StrPath | Table | None = None,
        radius: float | Quantity | None = None,
        regions: StrPath | None = None,
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
        color_contrast: float = 1 / 3,
        smooth_colors: bool = False,
        spatial_features: bool | Literal["auto"] = "auto",
        n_components: int | Literal["auto"] | None = "auto",
        min_bands: int | None = None,
        n_jobs: int | None = -1,
    ) -> Self:
        """Cluster the pixels of images.

        Parameters
        ----------
        images : str, os.PathLike, sequence of them, dict, Cube or list of Cube
            Files, one for each band or with several; ``"*.fits"`` stands for all that
            fit it. Bands of files are put in the order of their wavelengths. A dict has
            ``"files"`` and how they are read, see the parameter `source`. A cube is
            clustered as it is, and the run cannot be repeated from a folder.
        pipeline : Pipeline, default=None
            As from `make_cluster_pipeline`, for steps of your own; cloned. The
            parameters from `clusterer` on, but `catalog`, `radius` and `regions`, are
            those of the pipeline that is made by default.
        clusterer : clusterer, default=None
            By default a consensus of `ESOM`, as from ``make_clusterer("esom")``; with
            `regions` a `MapClassifier`.
        n_clusters : int, "auto" or None, default=8
            Number of clusters of the default clusterer, see `make_clusterer`.
        random_state : int, default=0
            Seed of the default clusterer.
        catalog : str, os.PathLike or Table, default=None
            Known objects to cross-match with the clusters, as `crossmatch` takes them.
        radius : float or Quantity, default=None
            Size of these objects, as for `crossmatch`.
        regions : str or os.PathLike, default=None
            File of regions that are named by their text: pixels are classified as what
            was learned from those in them.
        pattern : {"pixel", "voxel"}, default="pixel"
            As for `make_cluster_pipeline`.
        fwhm : float, str, Quantity, sequence or dict, default=None
            As for `make_cluster_pipeline`.
        target_fwhm : "worst", float, Quantity, str or None, default="worst"
            As for `make_cluster_pipeline`.
        pixel_scale : float, default=None
            As for `make_cluster_pipeline`.
        psfs : sequence or dict, default=None
            As for `make_cluster_pipeline`.
        align_to : int, str, WCS, Header or Cube, default="coarsest"
            As for `make_cluster_pipeline`.
        resample : {"auto", "interp", "adaptive", "exact"}, default="auto"
            As for `make_cluster_pipeline`.
        mask_zeros : bool or "auto", default="auto"
            As for `make_cluster_pipeline`.
        mask_outliers : bool, default=True
            As for `make_cluster_pipeline`.
        smooth_counts : bool, default=True
            As for `make_cluster_pipeline`.
        subtract_background : bool or "auto", default="auto"
            As for `make_cluster_pipeline`.
        bin_bands : int, default=1
            As for `make_cluster_pipeline`.
        stretch : {"asinh", "none"}, default="asinh"
            As for `make_cluster_pipeline`.
        sky : {"auto", "mask", "keep"}, default="auto"
            As for `make_cluster_pipeline`.
        color_contrast : float, default=1/3
            As for `make_cluster_pipeline`.
        smooth_colors : bool, default=False
            As for `make_cluster_pipeline`.
        spatial_features : bool or "auto", default="auto"
            As for `make_cluster_pipeline`.
        n_components : int, "auto" or None, default="auto"
            As for `make_cluster_pipeline`.
        min_bands : int, default=None
            As for `make_cluster_pipeline`.
        n_jobs : int, default=-1
            Number of threads, -1 for one per processor.

        Returns
        -------
        run : Run
            The run.

        Raises
        ------
        OSError
            If a file cannot be read.
        TypeError
            If `images` are none of the above.
        ValueError
            If parameters of the default pipeline go with a pipeline of your own, or as
            of `make_cluster_pipeline` and its steps.

        Examples
        --------
        >>> from skesom import ESOM, Run
        >>> from skesom.datasets import make_galaxy_cube
        >>> cube, truth = make_galaxy_cube((48, 48), 3, random_state=0)
        >>> Run.fit(cube, clusterer=ESOM(4, random_state=0), sky="keep").label_map.shape
        (48, 48)
        """
        steps = {
            "pattern": pattern,
            "fwhm": fwhm,
            "target_fwhm": target_fwhm,
            "pixel_scale": pixel_scale,
            "psfs": psfs,
            "align_to": align_to,
            "resample": resample,
            "mask_zeros": mask_zeros,
            "mask_outliers": mask_outliers,
            "smooth_counts": smooth_counts,
            "subtract_background": subtract_background,
            "bin_bands": bin_bands,
            "stretch": stretch,
            "sky": sky,
            "color_contrast": color_contrast,
            "smooth_colors": smooth_colors,
            "spatial_features": spatial_features,
            "n_components": n_components,
            "min_bands": min_bands,
            "n_jobs": n_jobs,
        }
        clusterer_parameters = {"n_clusters": n_clusters, "random_state": random_state}
        defaults = inspect.signature(Run.fit).parameters
        if pipeline is not None:
            ignored = {"clusterer": clusterer, **clusterer_parameters, **steps}
            refuse_ignored(ignored, defaults)
        elif clusterer is not None:
            refuse_ignored(clusterer_parameters, defaults)
        cube, source = read_for_fit(images)
        training = None
        if regions is not None:
            training = TrainingLabels(os.fspath(regions), "regions")
        if pipeline is None:
            pipeline = make_default_pipeline(
                clusterer,
                clusterer_parameters,
                steps,
                is_classifier=regions is not None,
            )
        return fit_run(
            clone(pipeline),
            cube,
            source=source,
            training=training,
            catalog=catalog,
            radius=radius,
        )

    @classmethod
    def read(
        cls,
        folder: StrPath,
        *,
        trust: bool = False,
        images: Sequence[StrPath] | Cube | list[Cube] | None = None,
        groups: StrPath | None = None,
    ) -> Self:
        """Read a run from its folder.

        Parameters
        ----------
        folder : str or os.PathLike
            Of `write`, or of ``skesom cluster -o``.
        trust : bool, default=False
            Whether a model may be loaded that could run programs, see `load_model`.
        images : sequence of str or os.PathLike, Cube or list of Cube, default=None
            Where the images are if they have moved: one folder that is searched for
            them, or all files in the order of the run. Those of a run of images in
            memory, which no file names, are given as they were for its fit.
        groups : str or os.PathLike, default=None
            File of `read_cluster_groups` to take instead of ``groups.json`` of the
            folder.

        Returns
        -------
        run : Run
            Its images are found and read when they are needed.

        Raises
        ------
        OSError
            If it is no such folder, or an image is no longer there.
        ValueError
            If an image has changed, images in memory are not those of the run, the
            groups are not of this result, or the model is a pickle and not trusted.

        Examples
        --------
        >>> import tempfile
        >>> from skesom import ESOM, Run
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.io import write_bands
        >>> cube, truth = make_galaxy_cube((48, 48), 3, random_state=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     images = write_bands(f"{folder}/images", cube)
        ...     run = Run.fit(images, clusterer=ESOM(4, random_state=0))
        ...     files = run.write(f"{folder}/result", pictures=False)
        ...     run = Run.read(f"{folder}/result")
        ...     labels = run.pipeline.predict(run.cube)
        >>> bool((labels == run.label_map).all())
        True
        """
        folder = Path(folder)
        if groups is not None:
            check_groups_file(groups)
        path, provenance = read_provenance(folder)
        check_is_of_fit(path, provenance)
        folder = path.parent
        run = cls.of_model(folder, trust=trust, groups=groups)
        run.provenance = provenance
        if images is None or are_files(images):
            run.images = RunImages(folder=folder, files=images, trust=trust)
        else:
            cube = cubes_in_memory(images)
            with errors_naming(folder):
                check_images_are_of_fit(run.pipeline, cube)
            run.images = RunImages(cube)
        label_map, wcs = read_map(folder / "cluster_map.fits")
        run._computed["label_map"] = label_map
        run._computed["wcs"] = wcs
        run._computed["clusters"] = read_clusters(folder)
        with errors_naming(path):
            run.command = provenance["command"]
            run.finished = provenance["finished"]
            if provenance.get("training"):
                run.training = TrainingLabels(**provenance["training"]["read"])
                run.held_out = read_held_out(folder)
            if OBJECTS_NAME in provenance["files"]:
                run.catalog, run.radius = read_objects(folder)
        return run

    @classmethod
    def of_model(
        cls, path: StrPath, *, trust: bool = False, groups: StrPath | None = None
    ) -> Self:
        """Return a run that has a model, and the names beside it, without images.

        Parameters
        ----------
        path : str or os.PathLike
            File of `save_model`, or a folder that holds one.
        trust : bool, default=False
            As for `read`.
        groups : str or os.PathLike, default=None
            As for `read`.

        Returns
        -------
        run : Run
            To be applied to other images.

        Examples
        --------
        >>> import tempfile
        >>> from skesom import ESOM, Run
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.runs import save_model
        >>> cube, truth = make_galaxy_cube((48, 48), 3, random_state=0)
        >>> run = Run.fit(cube, clusterer=ESOM(4, random_state=0))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_model(f"{folder}/model.skops", run.pipeline)
        ...     again = Run.of_model(f"{folder}/model.skops").predict(cube)
        >>> bool((again.label_map == run.label_map).all())
        True
        """
        model = find_model(path)
        pipeline, band_names = load_model(model, trust=trust)
        groups_file = groups
        if groups is None:
            groups_file = groups_file_in(model.parent)
        named_groups = []
        if groups_file is not None:
            named_groups = read_groups_of_fit(groups_file, pipeline, model)
        run = cls(pipeline, None, groups=named_groups)
        run.folder = model.parent
        run.model_file = model
        run.leaves_file = model.with_name(LEAVES_NAME)
        run._band_names = band_names
        run.trust = trust
        return run

    @property
    def source(self) -> ImageSource | None:
        """Files of the images; of a folder, where they are now."""
        return self.images.source

    @source.setter
    def source(self, source: ImageSource) -> None:
        self.images = self.images.with_source(source)

    @property
    def continua(self) -> Any:
        """Continuum bands of bands of lines, None for those that are known."""
        if self._continua is None and self.source is not None:
            return self.source.continua
        return self._continua

    @property
    def subtract_sky(self) -> bool:
        """Whether fluxes count from the level of the sky."""
        if self._subtract_sky is None:
            return self.source is None or self.source.subtract_sky
        return self._subtract_sky

    @property
    def is_of_fit(self) -> bool:
        """Whether the label map is that of the fit, and not of a prediction."""
        return self._predicted_labels is None

    @property
    def band_names(self) -> list[str] | None:
        """Names of the bands that the pipeline takes, None if unknown."""
        if self._band_names is None:
            self._band_names = names_of_bands(self.images.in_memory)
        return self._band_names

    @property
    def cube(self) -> Any:
        """The images, read from their files if they are not in memory."""
        images = self.images.loaded()
        return images.cube if isinstance(images, MapImages) else images

    def _result(self) -> Result:
        """Return what a report presents; it holds a copy of the images on the map."""
        source = self.source
        cutout = None
        if source is not None:
            cutout = source.cutout
        result = Result(
            self.pipeline,
            self.images.loaded(),
            self._predicted_labels,
            self.groups,
            held_out=self.held_out,
            continua=self.continua,
            cutout=cutout,
            subtract_sky=self.subtract_sky,
        )
        self._computed["label_map"] = result.label_map
        self._computed["wcs"] = result.cube.wcs
        return result

    @property
    def label_map(self) -> NDArray[np.int32]:
        """Clusters of the pixels, as they are named and merged."""
        if "label_map" not in self._computed:
            is_merged = any(
                len(group.labels) != 1 or group.leaves for group in self.groups
            )
            if self.is_of_fit and not is_merged:
                return self.pipeline[-1].labels_
            self._result()
        return self._computed["label_map"]

    @property
    def wcs(self) -> WCS | None:
        """World coordinates of the label map."""
        if "wcs" not in self._computed:
            self._result()
        return self._computed["wcs"]

    @property
    def agreement(self) -> NDArray[np.float32] | None:
        """How far the runs of a consensus agree on each pixel, None if unknown."""
        if self.is_of_fit:
            return known_agreement(self.pipeline[-1])
        return self._facts().agreement

    @property
    def clusters(self) -> Table:
        """A row for each cluster: name, color, size, place, fluxes with units."""
        if "clusters" not in self._computed:
            self._computed["clusters"] = self._facts().clusters
        return self._computed["clusters"]

    @property
    def pixels(self) -> Table:
        """A row for each pixel with data: place, fluxes with units, unit, cluster."""
        if self.provenance is not None:  # it is as in its folder
            path = self.folder / "pixels.fits"
            if path.is_file():
                return Table.read(path)
        return table_of_pixels(self._result())

    @property
    def decisions(self) -> dict[str, Any] | None:
        """What the steps decided, None where a model was applied."""
        if not self.is_of_fit:
            return None
        if self.provenance is not None:
            return self.provenance["decisions"]
        if "decisions" not in self._computed:
            result = self._result()
            self._computed["decisions"] = decisions_of(
                self.pipeline, describe_sky(result), result.why_no_names
            )
        return self._computed["decisions"]

    def _facts(self):
        """Return what was found, looking at the pixels once."""
        if "facts" not in self._computed:
            self._computed["facts"] = facts_of(
                self._result(), self.catalog, self.radius
            )
        return self._computed["facts"]

    def _changed(self, **changes):
        """Return another run, of which some attributes are others."""
        run = copy(self)
        run._computed = {}
        run.provenance = None  # that of the folder is of the run as it was
        for name, value in changes.items():
            setattr(run, name, value)
        return run

    def cut(self, n_clusters: int) -> Run:
        """Cut the tree of clusters into another number of them, without a fit.

        That of a consensus of up to a million pixels is looked up, in a part of a
        second and without the images; others need these.

        Parameters
        ----------
        n_clusters : int
            From 1 to the number of leaves of the tree.

        Returns
        -------
        run : Run
            With those clusters. A name stays with a cluster that holds the same pixels.

        Raises
        ------
        ValueError
            If there is no tree, or not so many leaves.

        Examples
        --------
        >>> from skesom import ESOM, ConsensusClusterer, Run
        >>> from skesom.datasets import make_galaxy_cube
        >>> cube, truth = make_galaxy_cube((48, 48), 3, random_state=0)
        >>> maps = ConsensusClusterer(ESOM(4), n_estimators=3, random_state=0)
        >>> run = Run.fit(cube, clusterer=maps)
        >>> len(run.cut(9).clusters), len(run.clusters)
        (9, 4)
        """
        step = self.pipeline[-1]
        with errors_naming(self.folder):
            check_tree_and_cut(step, n_clusters)
        cut_step, images = cut_last_step(self, n_clusters)
        name, _ = self.pipeline.steps[-1]
        run = self._changed(
            pipeline=Pipeline([*self.pipeline.steps[:-1], (name, cut_step)]),
            groups=carried_groups(self.groups, step.labels_, cut_step.labels_),
            folder=None,
            model_file=None,
            images=self.images.with_memory(images),
            _predicted_labels=None,
        )
        if "wcs" in self._computed:  # pixels are the same
            run._computed["wcs"] = self._computed["wcs"]
        return run

    def repeat(self, images: Sequence[StrPath] | None = None) -> Run:
        """Fit again, as this run was made.

        Parameters
        ----------
        images : sequence of str or os.PathLike, default=None
            Files to take instead, in their order, or one folder that holds those of the
            run.

        Returns
        -------
        run : Run
            With the names of this one, if the label maps are the same.

        Raises
        ------
        OSError, ValueError
            If the images are not known, not found, or have changed.

        Examples
        --------
        >>> import tempfile
        >>> from skesom import ESOM, Run
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.io import write_bands
        >>> cube, truth = make_galaxy_cube((48, 48), 3, random_state=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     images = write_bands(folder, cube)
        ...     run = Run.fit(images, clusterer=ESOM(4, random_state=0))
        ...     again = run.repeat()
        >>> bool((again.label_map == run.label_map).all())
        True
        """
        if self.folder is not None and self.provenance is not None:
            with keep_files_open():
                recipe = read_recipe(self.folder, files=images, trust=self.trust)
                cube = recipe.source.read()
            return fit_recipe(
                recipe,
                recipe.source,
                cube,
                catalog=self.catalog,
                radius=self.radius,
            )
        if self.source is None:
            raise ValueError(
                "The files of the images are not known: fit to files (Run.fit), or "
                "give source to Run."
            )
        source = self.source
        if images is not None:
            source = source._replace(files=tuple(map(os.fspath, images)))
        return fit_run(
            unfitted(self.pipeline),
            source.read(),
            source=source,
            training=self.training,
            catalog=self.catalog,
            radius=self.radius,
            cut=cut_of(self.pipeline),
            groups=self.groups,
            label_map_sha256=digest_of_fit(self.pipeline, "the run"),
        )

    def predict(self, images: Any) -> Run:
        """Apply the fitted pipeline to other images of the same bands.

        Parameters
        ----------
        images : str, os.PathLike, sequence of them, dict, Cube or list of Cube
            As for `fit`. Bands of files are known by their names.

        Returns
        -------
        run : Run
            Of these images, with the clusters and names of this run.

        Raises
        ------
        OSError, ValueError
            If a file cannot be read, or a band of the model is not there.

        Examples
        --------
        >>> from skesom import ESOM, Run
        >>> from skesom.datasets import make_galaxy_cube
        >>> cube, truth = make_galaxy_cube((48, 48), 3, random_state=0)
        >>> run = Run.fit(cube, clusterer=ESOM(4, random_state=0))
        >>> run.predict(cube[:30]).label_map.shape
        (30, 48)
        """
        choices = None
        source_of_fit = earlier_source(self)
        if source_of_fit is not None:
            choices = source_of_fit.choices()
        source = source_of_images(images, choices, or_cube=True)
        if source is None:
            return predict_read(self, cubes_in_memory(images), None)
        with keep_files_open():
            source, channels = matched_source(source, self.band_names)
            cube = source.read()
        return predict_read(self, cube, source, channels)

    def name(self, names: Mapping[int, str | None] | ClusterGroups | StrPath) -> Run:
        """Name clusters.

        Parameters
        ----------
        names : dict of int to str or None, "suggested", path, or sequence of groups
            Names by the labels of the label map, None for none. "suggested" gives
            clusters without a name the one that their fluxes suggest. A file as the
            page exports it, or groups as those of `ClusterNames`, replace all names,
            colors and merges.

        Returns
        -------
        run : Run
            With these names.

        Raises
        ------
        ValueError
            If a label is not in the map, a name is given twice or impossible, or no
            name is suggested.

        Examples
        --------
        >>> from skesom import ESOM, Run
        >>> from skesom.datasets import make_galaxy_cube
        >>> cube, truth = make_galaxy_cube((48, 48), 3, random_state=0)
        >>> run = Run.fit(cube, clusterer=ESOM(4, random_state=0))
        >>> run = run.name({3: "H II regions"})
        >>> run.clusters["name"].tolist()
        ['0', '1', '2', 'H II regions']
        """
        if isinstance(names, str) and names == SUGGESTED:
            return self._changed(groups=self._groups_with_suggestions())
        if isinstance(names, str | os.PathLike):
            check_groups_file(names)
            return self._changed(
                groups=read_groups_of_fit(names, self.pipeline, self.model_file)
            )
        if not isinstance(names, Mapping):
            return self._changed(groups=check_groups(names))
        groups = rename_groups(self._result().groups, names)
        return self._changed(groups=check_groups(groups))

    def _groups_with_suggestions(self):
        """Return groups, of which those without a name have the suggested one."""
        result = self._result()
        matches = None
        if self.catalog is not None:
            matches = match_catalog(NamedMap.of(result), self.catalog, self.radius)
        return name_by_suggestions(result.groups, suggestions_of(result, matches))

    def merge(self, labels: Sequence[int], name: str | None = None) -> Run:
        """Make one cluster of several.

        Parameters
        ----------
        labels : sequence of int
            Of the label map.
        name : str, default=None
            Name of the new cluster; by default that of the only one that has a name.

        Returns
        -------
        run : Run
            With fewer clusters, numbered by falling size.

        Raises
        ------
        ValueError
            If a label is not in the map, or there are fewer than two.

        Examples
        --------
        >>> from skesom import ESOM, Run
        >>> from skesom.datasets import make_galaxy_cube
        >>> cube, truth = make_galaxy_cube((48, 48), 3, random_state=0)
        >>> len(Run.fit(cube, clusterer=ESOM(4, random_state=0)).merge([2, 3]).clusters)
        3
        """
        groups = merge_groups(self._result().groups, labels, name)
        return self._changed(groups=check_groups(groups))

    def write(
        self,
        folder: StrPath,
        *,
        overwrite: bool = False,
        pictures: bool | PictureStyle = True,
        tables: bool | Literal["auto"] = "auto",
    ) -> WrittenReport:
        """Write everything about the run to a folder, which appears at the end.

        Parameters
        ----------
        folder : str or os.PathLike
            Where to write; made if it does not exist.
        overwrite : bool, default=False
            Whether an earlier result may be replaced. Files in its folder that were not
            written here, or have changed since, are refused.
        pictures : bool or PictureStyle, default=True
            Whether pictures are drawn, or in which format, resolution and width. They
            are left out, with a warning, if matplotlib is missing (extra ``plot``).
        tables : bool or "auto", default="auto"
            Whether the table with a row for each pixel is written; if True, also that
            of the scaled pixels, validity indices, and images of the clusters in each
            band. "auto" leaves it out for more than 10 million pixels: tables are
            gigabytes.

        Returns
        -------
        files : dict of str to pathlib.Path
            By their names in the folder; the guide on reports explains each. It stands
            for the path of the folder, as for `read`. Attributes tell what is in them:
            ``clusters`` (their table), ``populations`` (theirs, None where no name
            holds), ``descriptions``, ``suggestions``, ``matches`` with known objects,
            ``decisions`` of the run, ``off_map`` (of other images than those of the
            fit: the share of the pixels that are farther from any unit than 99 % of
            those of the fit, see `CubeClusterer.distances`), and ``left_out``, reasons
            by what is not there.

        Raises
        ------
        FileExistsError, PermissionError
            If the folder is not empty and `overwrite` is False, or cannot be written
            to.
        ValueError
            If the images are not those of the label map, or names do not fit.

        Warns
        -----
        UserWarning
            If pictures are left out because matplotlib is missing.
            If more than 10 % of the pixels of other images than those of the fit are
            off the map; it says which units and levels differ.
            If most of the light of a band is sky that was neither set aside nor
            subtracted: no names are suggested.

        Notes
        -----
        Beside the cube and one aligned copy of it, this takes the memory of a few
        single bands. Pictures of more than 2 million pixels are thinned, and state it.

        Examples
        --------
        >>> import tempfile
        >>> from skesom import ESOM, Run
        >>> from skesom.datasets import make_galaxy_cube
        >>> cube, truth = make_galaxy_cube((48, 48), 3, random_state=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = Run.fit(cube, clusterer=ESOM(4, random_state=0))
        ...     files = run.write(f"{folder}/result")
        >>> [name for name in files if name.endswith(".fits")][:2]
        ['pixels.fits', 'cluster_map.fits']
        """
        return write_run_folder(
            self, folder, tables=tables, pictures=pictures, overwrite=overwrite
        )

    def explore(
        self,
        path: StrPath | None = None,
        *,
        catalog: StrPath | Table | None = None,
        rgb: Sequence[int | str] | None = None,
        title: str | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write one HTML file on which the run is explored.

        See `skesom.report.explore`.

        Parameters
        ----------
        path : str or os.PathLike, default=None
            File to write; by default ``page.html``, in the folder that the run was read
            from.
        catalog : str, os.PathLike or Table, default=None
            Known objects to draw; by default those of the run.
        rgb : sequence of three int or str, default=None
            Bands of the color image.
        title : str, default=None
            Heading; by default the name of the folder.
        overwrite : bool, default=False
            Whether a file of that name may be replaced.

        Returns
        -------
        path : pathlib.Path
            The file.

        Examples
        --------
        >>> import tempfile
        >>> from skesom import ESOM, Run
        >>> from skesom.datasets import make_galaxy_cube
        >>> cube, truth = make_galaxy_cube((48, 48), 3, random_state=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = Run.fit(cube, clusterer=ESOM(4, random_state=0))
        ...     run.explore(f"{folder}/page.html").name
        'page.html'
        """
        if title is None:
            title = "Clusters" if self.folder is None else self.folder.resolve().name
        if path is None:
            path = PAGE_NAME if self.folder is None else self.folder / PAGE_NAME
        return explore(
            path,
            self.pipeline,
            self.images.loaded(),
            groups=self.groups,
            continua=self.continua,
            subtract_sky=self.subtract_sky,
            catalog=self.catalog if catalog is None else catalog,
            rgb=rgb,
            title=title,
            overwrite=overwrite,
        )

    def lines(self) -> Iterator[str]:
        """Return what was found, as lines of a terminal.

        Returns
        -------
        lines : iterator of str
            Clusters by size, populations and known objects.

        Examples
        --------
        >>> from skesom import ESOM, Run
        >>> from skesom.datasets import make_galaxy_cube
        >>> cube, truth = make_galaxy_cube((48, 48), 3, random_state=0)
        >>> next(iter(Run.fit(cube, clusterer=ESOM(4, random_state=0)).lines()))
        '4 clusters:'
        """
        if self.provenance is not None:
            return iter(self.provenance["lines"])
        return lines_of(self._facts())

    def _decided_lines(self):
        """Return what the steps decided, as lines of a terminal."""
        if self.decisions is None:
            return []
        return [*decision_lines(self.decisions)]

    def __repr__(self):
        if not self.images.are_known:
            return f"Run of the model {self.model_file}, without images"
        return "\n".join([*self._decided_lines(), *self.lines()])

    def _repr_html_(self):
        if not self.images.are_known:
            return f"<p>{html.escape(repr(self))}</p>"
        return notebook_view(self)


def fit_run(
    pipeline,
    images,
    *,
    source=None,
    training=None,
    catalog=None,
    radius=None,
    cut=None,
    groups=None,
    label_map_sha256=None,
):
    """Fit a pipeline to images, which may be changed, and return the run.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted in place.
    images : Cube or list of Cube
    source : ImageSource or None
    training : TrainingLabels or None
        Labels to learn from.
    catalog, radius
        Known objects: those of another part of the sky are refused before the fit.
    cut : int or None
        Number of clusters into which the tree is cut after the fit.
    groups : list of ClusterGroup or None
        Names, colors and merges of an earlier fit, kept if this one has the same
        label map. By default those of the classes that are learned.
    label_map_sha256 : str or None
        Digest of the label map that the groups are of.

    Returns
    -------
    run : Run
    """
    if catalog is not None:  # which may be of another part of the sky
        catalog = check_catalog(catalog, radius, images)
    fitted = fit_pipeline(pipeline, images, training=training, cut=cut)
    if groups is not None and label_map_sha256 != digest_of_fit(pipeline, "the run"):
        groups = None  # they are of clusters that are no longer there
    if groups is None and fitted.classes is not None:
        groups = fitted.classes.groups
    return Run(
        pipeline,
        fitted.images,
        source=source,
        catalog=catalog,
        radius=radius,
        training=training,
        held_out=fitted.held_out,
        groups=groups,
    )


def earlier_source(run):
    """Return the files that the pipeline of a run was fitted to, None if unknown."""
    if run.model_file is not None:
        return source_of_model(run.model_file, trust=run.trust)
    return run.source


def predict_read(run, cube, source, channels=None):
    """Apply the pipeline of a run to images that were read.

    Parameters
    ----------
    run : Run
    cube : Cube or list of Cube
    source : ImageSource or None
        Where they are from.
    channels : list of str or None
        Names of the channels of a spectral cube that the model takes.

    Returns
    -------
    run : Run
        Of these images.
    """
    if channels is not None:
        cube = taken_channels(cube, channels)
    with errors_naming(run.model_file):
        label_map = predict_labels(run.pipeline, cube)
    return Run(
        run.pipeline,
        cube,
        label_map=label_map,
        groups=run.groups,
        source=source,
        model=run.model_file,
    )


def fit_recipe(recipe, source, images, *, catalog=None, radius=None):
    """Fit the pipeline of a recipe to its images."""
    groups = []
    groups_file = groups_file_in(recipe.path.parent)
    if groups_file is not None:
        groups = read_cluster_groups(
            groups_file, label_map_sha256=recipe.label_map_sha256
        )
    pipeline = recipe.pipeline
    for name in pipeline.get_params():
        if name.endswith("__n_jobs"):  # which a recipe leaves out
            pipeline.set_params(**{name: -1})
    with errors_naming(recipe.path):
        return fit_run(
            pipeline,
            images,
            source=source,
            training=recipe.training,
            catalog=catalog,
            radius=radius,
            cut=recipe.cut,
            groups=groups,
            label_map_sha256=recipe.label_map_sha256,
        )


def _now():
    """Return the time as text."""
    return datetime.now(UTC).isoformat(timespec="seconds")

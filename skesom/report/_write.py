# SPDX-License-Identifier: BSD-3-Clause
"""Write all that a run found to a folder."""

import json
from pathlib import Path

from astropy.io import fits

from skesom.displays import check_matplotlib
from skesom.io import write_map
from skesom.report import _pictures
from skesom.report._cluster_list import cluster_list
from skesom.report._folder import atomic_folder, check_folder
from skesom.report._models import save_model
from skesom.report._pixels import pass_over_pixels, result_columns
from skesom.report._provenance import FILE_NAME, describe_run, read_provenance
from skesom.report._regions import smallest_piece, write_cluster_regions
from skesom.report._result import Result
from skesom.report._slices import write_slices
from skesom.report._table_files import MAX_FITS_COLUMNS, check_tables
from skesom.report._validity import validity_indices
from skesom.report.page import PAGE_NAME

_MANY_BANDS = 50  # that nobody leafs through


def write_report(
    folder,
    pipeline,
    cube,
    *,
    label_map=None,
    source=None,
    model=None,
    command=None,
    tables="fits",
    pictures=True,
    overwrite=False,
):
    """Write everything about a clustered cube to a folder.

    The folder appears when all is written; if something fails there is none.

    Parameters
    ----------
    folder : str or os.PathLike
        Where to write; made if it does not exist.
    pipeline : sklearn.pipeline.Pipeline
        Fitted; ends in a `CubeClusterer`, as those of `make_cluster_pipeline`.
    cube : Cube or list of Cube
        The images as they were read.
    label_map : array-like of int of shape (n_rows, n_columns), default=None
        ``pipeline.predict(cube)`` for other images than those that the pipeline was
        fitted on. What tells of the fit is left out then. By default the labels of
        the fit.
    source : ImageSource, default=None
        The files that the images are from. With them the run can be repeated from
        ``provenance.json``.
    model : str or os.PathLike, default=None
        File of the model that predicted `label_map`, to be remembered.
    command : sequence of str, default=None
        Arguments of the command that was typed, to be remembered.
    tables : {"fits", "parquet", "ecsv", "csv"} or None, default="fits"
        Format of the two tables of pixels; None leaves them out. Parquet needs the
        extra ``tables``.
    pictures : bool, default=True
        Whether pictures are drawn.
    overwrite : bool, default=False
        Whether an earlier report in the folder, or files of the same names, may be
        replaced.

    Returns
    -------
    files : dict of str to pathlib.Path
        What was written, by its name in the folder: "cluster_map.fits",
        "clusters.ecsv", "pixels.fits", "validity.ecsv", pictures, ... The guide on
        reports explains each.

    Raises
    ------
    FileExistsError
        If the folder is not empty and `overwrite` is False.
    ImportError
        If matplotlib (extra ``plot``) or pyarrow (extra ``tables``) is missing.
    PermissionError
        If nothing can be written there.
    ValueError
        If the images are not those of the label map.

    See Also
    --------
    read_report : Read the model, the images and the label map back.

    Notes
    -----
    The cube goes through the steps of the pipeline in strips, and tables are written
    strip by strip: beside the cube and one aligned copy of it, a report takes little
    memory. Pictures of images beyond 4 million pixels are drawn from fewer, and say so.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skesom.datasets import make_galaxy_cube
    >>> from skesom.maps import make_cluster_pipeline
    >>> from skesom.report import write_report
    >>> from skesom.som import ESOM
    >>> cube, truth = make_galaxy_cube((48, 48), 3, random_state=0)
    >>> pipeline = make_cluster_pipeline(ESOM(random_state=0)).fit(cube)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = write_report(Path(folder) / "result", pipeline, cube)
    >>> [name for name in files if name.endswith(".fits")]
    ['pixels.fits', 'pixels_scaled.fits', 'cluster_map.fits']
    """
    check_matplotlib()  # which also knows the colors of the regions
    check_tables(tables)
    check_folder(folder, overwrite=overwrite)
    result = Result(pipeline, cube, label_map)
    label_map, wcs, names = result.label_map, result.cube.wcs, result.cube.band_names
    is_of_fit = result.is_of_fit
    earlier = _files_of(folder)
    with atomic_folder(folder, overwrite=overwrite) as temporary:
        report = _Report(temporary)
        colors = report.write_findings(result, tables, pictures)
        del result  # with its copy of the cube; outlines need room too
        report.write_regions(label_map, wcs, colors)
        if is_of_fit:
            report.write_models(pipeline, names)
        origin = {"source": source, "model": model, "command": command}
        names = report.write_provenance(pipeline, label_map, folder=folder, **origin)
    for name in earlier - names:  # which would be taken for files of this report
        (Path(folder) / name).unlink(missing_ok=True)
    return {name: Path(folder) / name for name in report.names}


def _files_of(folder):
    """Return the names of the files that tell of an earlier report in a folder."""
    try:
        names = read_provenance(Path(folder) / FILE_NAME)["files"]
    except (OSError, KeyError, ValueError):
        return set()
    home = Path(folder).resolve()
    return {
        name
        for name in [*names, PAGE_NAME]
        if isinstance(name, str) and (home / name).resolve().is_relative_to(home)
    }


def _write_image(path, image, cube):
    """Write numbers of the pixels of a cube as FITS."""
    header = None if cube.wcs is None else cube.wcs.to_header()
    fits.PrimaryHDU(image, header).writeto(path)


class _Report:
    """A report that is being written."""

    def __init__(self, folder):
        self._folder = folder
        self.names, self._left_out = [], {}

    def _path(self, name):
        """Return where a file goes, and remember it."""
        self.names.append(name)
        return self._folder / name

    def write_findings(self, result, tables, draw):
        """Write maps, tables and pictures; return the colors of the clusters."""
        if tables == "fits" and len(result_columns(result)) > MAX_FITS_COLUMNS:
            self._left_out["pixels"] = "FITS tables cannot have so many columns"
            tables = None
        summary = pass_over_pixels(result, self._folder, tables)
        if tables is not None:
            self._path(f"pixels.{tables}")
            self._path(f"pixels_scaled.{tables}")
        clusters = cluster_list(result, summary)
        clusters.write(self._path("clusters.ecsv"), format="ascii.ecsv")
        write_map(
            self._path("cluster_map.fits"),
            result.label_map,
            wcs=result.cube.wcs,
            table=clusters,
        )
        if summary.agreement is not None:
            _write_image(self._path("agreement.fits"), summary.agreement, result.cube)
        validity_indices(result, summary).write(
            self._path("validity.ecsv"), format="ascii.ecsv"
        )
        pictures = _pictures.Pictures(result)
        if draw:
            self._draw(pictures, summary)
        n_bands = result.cube.shape[2]
        write_slices(
            self._path("cluster_images.zip"),
            result,
            clusters,
            pictures.slice_picture if draw and n_bands <= _MANY_BANDS else None,
        )
        return pictures.colors

    def _draw(self, pictures, summary):
        for name, figure in pictures.draw(summary):
            figure.savefig(
                self._path(f"{name}.png"),
                dpi=_pictures.DOTS_PER_INCH,
                bbox_inches="tight",  # without empty borders
            )
            del figure

    def write_regions(self, label_map, wcs, colors):
        """Write the outlines of the clusters."""
        try:
            write_cluster_regions(self._folder / "regions", label_map, wcs, colors)
        except ValueError as error:
            self._left_out["regions"] = str(error)
            return
        self.names.append("regions/all.reg")
        n_pixels = smallest_piece(label_map)
        text = f"pieces of clusters of fewer than {n_pixels} pixels"
        self._left_out["regions"] = text

    def write_models(self, pipeline, band_names):
        """Write the fitted pipeline: a pickle, and what can be shared."""
        for suffix in ("joblib", "skops"):
            path = self._folder / f"model.{suffix}"
            try:
                save_model(path, pipeline, band_names=band_names)
            except (ImportError, ValueError) as error:
                self._left_out[path.name] = str(error)
            else:
                self.names.append(path.name)

    def write_provenance(self, pipeline, label_map, **origin):
        """Write where all this comes from; return the names of all files."""
        provenance = describe_run(pipeline, label_map, **origin)
        self.names.append(FILE_NAME)
        paths = [path for path in self._folder.rglob("*") if path.is_file()]
        names = {str(path.relative_to(self._folder)) for path in paths} | {FILE_NAME}
        provenance["files"] = sorted(names)
        provenance["left_out"] = self._left_out
        text = json.dumps(provenance, indent=1, allow_nan=False)
        (self._folder / FILE_NAME).write_text(f"{text}\n", encoding="utf-8")
        return names

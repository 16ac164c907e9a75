# SPDX-License-Identifier: BSD-3-Clause
"""Read a folder of results back."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline

from skesom.io import read_map
from skesom.report._models import load_model
from skesom.report._provenance import read_provenance, read_run


class Report(NamedTuple):
    """What a folder of results holds to go on with."""

    pipeline: Pipeline
    """Fitted, as it was."""
    cube: object
    """Cube or list of Cube: the images, read again from their files."""
    label_map: np.ndarray
    """The clusters, shape (n_rows, n_columns)."""
    provenance: dict
    """Content of ``provenance.json``."""


def read_report(folder, *, trust=False):
    """Read the fitted pipeline of a folder of results, and its images again.

    Parameters
    ----------
    folder : str or os.PathLike
        Where `write_report` wrote, with the files of the images as ``source`` (as
        ``skesom cluster -o`` does).
    trust : bool, default=False
        Whether ``model.joblib``, a pickle, may be loaded if there is no
        ``model.skops`` or skops is not installed; see `load_model`.

    Returns
    -------
    report : Report
        The tuple (pipeline, cube, label_map, provenance).

    Raises
    ------
    OSError
        If the folder is no such folder, or an image is no longer there.
    ValueError
        If an image has changed since, or the model is a pickle and not trusted.

    Examples
    --------
    >>> import tempfile
    >>> from skesom.datasets import make_galaxy_cube
    >>> from skesom.io import write_bands
    >>> from skesom.maps import make_cluster_pipeline
    >>> from skesom.report import ImageSource
    >>> from skesom.report import read_report, write_report
    >>> from skesom.som import ESOM
    >>> cube, truth = make_galaxy_cube((48, 48), 3, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     source = ImageSource(write_bands(f"{folder}/images", cube))
    ...     cube = source.read()
    ...     pipeline = make_cluster_pipeline(ESOM(random_state=0)).fit(cube)
    ...     _ = write_report(f"{folder}/result", pipeline, cube, source=source)
    ...     report = read_report(f"{folder}/result", trust=True)
    >>> bool((report.pipeline.predict(report.cube) == report.label_map).all())
    True
    """
    folder = Path(folder)
    provenance = read_provenance(folder / "provenance.json")
    pipeline, _ = load_model(find_model(folder, trust=trust), trust=trust)
    run = read_run(folder)
    label_map, _ = read_map(folder / "cluster_map.fits")
    return Report(pipeline, run.source.read(), label_map, provenance)


def find_model(path, *, trust=False):
    """Return the file of a model: the given one, or the best one of a folder."""
    path = Path(path)
    if not path.is_dir():
        return path
    files = [path / "model.skops", path / "model.joblib"]
    there = [file for file in files[:: -1 if trust else 1] if file.is_file()]
    if not there:
        raise FileNotFoundError(
            f"{path} holds no model. Give a folder that `skesom cluster` wrote."
        )
    return there[0]

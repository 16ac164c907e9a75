# SPDX-License-Identifier: BSD-3-Clause
"""Fitted pipelines in files: pickles for own use, skops files to share."""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning

from skesom._common.file_errors import errors_naming
from skesom._common.files import regular
from skesom._common.new_files import atomic_path
from skesom._types import StrPath
from skesom.runs._skops_files import (
    COMPRESSION_LEVEL,
    NOT_IN_FILES,
    read_skops,
    write_skops,
)
from skesom.runs._versions import software_versions, warn_of_versions

MODEL_FORMAT = "skesom model"
_DECIDE_RESULTS = ("skesom", "scikit-learn")
_CANNOT_BE_LOADED = (
    "cannot be loaded (is it damaged, or of a version of skesom or scikit-learn that "
    "is too different?)"
)


def save_model(
    path: StrPath,
    pipeline: BaseEstimator,
    *,
    band_names: Sequence[str] | None = None,
    overwrite: bool = False,
) -> None:
    """Write a fitted pipeline to a file.

    Parameters
    ----------
    path : str or os.PathLike
        ``*.skops`` for a file that others can load without trust, ``*.joblib`` for a
        pickle.
    pipeline : estimator
        Fitted.
    band_names : sequence of str, default=None
        Bands of its images, in order, to be compared with those of other images.
    overwrite : bool, default=False
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is False.
    ValueError
        If the name ends in something else, or such a file cannot hold the pipeline,
        as one with a lambda.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from skesom.runs import load_model, save_model
    >>> from skesom.som import ESOM
    >>> X = load_iris().data
    >>> esom = ESOM(random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(f"{folder}/iris.joblib", esom)
    ...     loaded, names = load_model(f"{folder}/iris.joblib", trust=True)
    >>> bool((loaded.predict(X) == esom.labels_).all())
    True
    """
    path = Path(path)
    suffix = _suffix_of_model(path)
    if band_names is not None:
        band_names = [str(name) for name in band_names]
    model = {
        "format": MODEL_FORMAT,
        "software": software_versions(),
        "band_names": band_names,
        "pipeline": pipeline,
    }
    with atomic_path(path, overwrite=overwrite) as temporary:
        try:
            if suffix == ".joblib":
                joblib.dump(model, temporary, compress=COMPRESSION_LEVEL)
            else:
                write_skops(temporary, model)
        except NOT_IN_FILES as error:
            reason = " ".join(str(error).split())[:100]
            raise ValueError(
                f"A {suffix} file cannot hold this pipeline ({reason})."
            ) from error


def load_model(path: StrPath, *, trust: bool = False) -> tuple[Any, list[str] | None]:
    """Read a fitted pipeline from a file.

    Parameters
    ----------
    path : str or os.PathLike
        Of `save_model`.
    trust : bool, default=False
        Whether the file may run programs on this computer, as pickles can. Otherwise
        only skops files of types of skesom, scikit-learn and NumPy are loaded.

    Returns
    -------
    pipeline : estimator
        Fitted.
    band_names : list of str or None
        Bands of its images, if known.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If the file is not trusted, or holds no model.

    Warns
    -----
    UserWarning
        If it was saved with another version of skesom or scikit-learn.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from skesom.runs import load_model, save_model
    >>> from skesom.som import CSOM
    >>> csom = CSOM(3, shape=(6, 4)).fit(load_iris().data)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(f"{folder}/iris.skops", csom)
    ...     loaded, names = load_model(f"{folder}/iris.skops")
    >>> loaded.codebook_.shape
    (24, 4)
    """
    path = Path(path)
    suffix = _suffix_of_model(path)
    open(regular(path), "rb").close()  # raises what is wrong with the path
    if suffix == ".joblib" and not trust:
        raise ValueError(
            f"{path} is a pickle, which can run any program when it is loaded. If you "
            "know who made it, trust it (trust=True); or ask for a .skops file."
        )
    with warnings.catch_warnings():
        # One warning, below, is about all versions.
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        with errors_naming(path, _CANNOT_BE_LOADED):
            if suffix == ".joblib":
                model = joblib.load(path)
            else:
                model = read_skops(path, trust)
    if not _is_model(model):
        raise ValueError(f"{path} holds no model of skesom.")
    warn_of_versions(f"{path} was saved", model["software"], _DECIDE_RESULTS)
    return model["pipeline"], model["band_names"]


def _is_model(content):
    """Return whether the content of a file is what `save_model` writes."""
    if not isinstance(content, dict) or content.get("format") != MODEL_FORMAT:
        return False
    if not {"software", "pipeline", "band_names"} <= content.keys():
        return False
    names = content["band_names"]
    return (
        isinstance(content["software"], dict)
        and isinstance(content["pipeline"], BaseEstimator)
        and isinstance(names, list | None)
        and all(isinstance(name, str) for name in names or ())
    )


def find_model(path):
    """Return the file of a model: the given one, or that of a folder."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    if not path.is_dir():
        return path
    for name in ("model.skops", "model.joblib"):
        if (path / name).is_file():
            return path / name
    raise FileNotFoundError(f"{path} holds no model. Give a folder of results.")


def _suffix_of_model(path):
    """Return the end of the name of a model, which says what the file is."""
    if path.suffix not in (".joblib", ".skops"):
        raise ValueError(f"{path} is no model: its name must end in .skops or .joblib.")
    return path.suffix

# SPDX-License-Identifier: BSD-3-Clause
"""Fitted pipelines in files: pickles for own use, skops files to share."""

import importlib
import warnings
import zipfile
from pathlib import Path

import joblib
from astropy.wcs import WCS
from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning

from skesom.io import atomic_path
from skesom.report._provenance import software_versions, warn_of_versions

MODEL_FORMAT = "skesom model"
_DECIDE_RESULTS = ("skesom", "scikit-learn")
_COMPRESSION = 1
_NOT_IN_SKOPS = RecursionError, TypeError, AttributeError, NotImplementedError
# Beside the classes of skesom, and those that skops accepts.
_HARMLESS = {"astropy.wcs.wcs.WCS", "scipy.sparse._csr.csr_array"}


def save_model(path, pipeline, *, band_names=None, overwrite=False):
    """Write a fitted pipeline to a file.

    Parameters
    ----------
    path : str or os.PathLike
        ``*.skops`` for a file that others can load without trust (extra ``share``),
        ``*.joblib`` for a pickle.
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
    ImportError
        If skops is missing (extra ``share``).
    ValueError
        If the name ends in something else, or skops cannot hold the pipeline.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from skesom.report import load_model, save_model
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
    kind = _kind_of(path)
    model = {
        "format": MODEL_FORMAT,
        "software": software_versions(),
        "band_names": band_names and [str(name) for name in band_names],
        "pipeline": pipeline,
    }
    with atomic_path(path, overwrite=overwrite) as temporary:
        if kind == ".joblib":
            joblib.dump(model, temporary, compress=_COMPRESSION)
        else:
            skops, options = _import_skops(), {"compression": zipfile.ZIP_DEFLATED}
            _forget_frames(pipeline)
            try:
                skops.dump(model, temporary, compresslevel=_COMPRESSION, **options)
            except _NOT_IN_SKOPS as error:
                reason = " ".join(str(error).split())[:100]
                text = f"skops cannot hold this pipeline ({reason})."
                raise ValueError(text) from error


def load_model(path, *, trust=False):
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
    ImportError
        If skops is missing (extra ``share``).
    OSError
        If the file cannot be read.
    ValueError
        If the file is not trusted, or holds no model.

    Warns
    -----
    UserWarning
        If it was saved with another version of skesom or scikit-learn.
    """
    path = Path(path)
    kind = _kind_of(path)
    open(path, "rb").close()  # raises what is wrong with the path
    if kind == ".joblib" and not trust:
        raise ValueError(
            f"{path} is a pickle, which can run any program when it is loaded. If you "
            "know who made it, trust it (--trust); or ask for a .skops file."
        )
    with warnings.catch_warnings():
        # One warning, below, is about all versions.
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        model = _load_pickle(path) if kind == ".joblib" else _load_skops(path, trust)
    if not (isinstance(model, dict) and model.get("format") == MODEL_FORMAT):
        raise ValueError(f"{path} holds no model of skesom.")
    warn_of_versions(f"{path} was saved", model["software"], _DECIDE_RESULTS)
    return model["pipeline"], model["band_names"]


def find_model(path, *, trust=False):
    """Return the file of a model: the given one, or the best one of a folder."""
    path = Path(path)
    if not path.is_dir():
        return path
    names = ("model.joblib", "model.skops")
    for name in names if trust else names[::-1]:
        if (path / name).is_file():
            return path / name
    raise FileNotFoundError(f"{path} holds no model. Give a folder of results.")


def _kind_of(path):
    if path.suffix not in (".joblib", ".skops"):
        raise ValueError(f"{path} is no model: its name must end in .skops or .joblib.")
    return path.suffix


def _import_skops():
    """Return skops.io; raise an ImportError that names the extra if it is missing."""
    try:
        import skops.io
    except ImportError as error:
        text = "Models in .skops files need skops: pip install 'skesom[share]'."
        raise ImportError(text) from error
    return skops.io


def _forget_frames(part):
    """Empty the caches of grids: skops cannot store the frames and units in them."""
    if isinstance(part, WCS):
        part.__dict__.pop("_components_and_classes_cache", None)
    elif isinstance(part, BaseEstimator):
        _forget_frames(list(vars(part).values()))
    elif isinstance(part, list | tuple):
        for item in part:
            _forget_frames(item)


def _load_pickle(path):
    try:
        return joblib.load(path)
    except OSError:
        raise
    except Exception as error:  # whatever a class of another version may raise
        raise _unreadable(path, error) from error


def _unreadable(path, error):
    return ValueError(
        f"{path} cannot be loaded: {type(error).__name__}: {error}. Is it damaged, or "
        "of a version of skesom or scikit-learn that is too different?"
    )


def _load_skops(path, trust):
    skops = _import_skops()
    try:
        strange = skops.get_untrusted_types(file=path)
        unknown = [name for name in strange if not _is_harmless(name)]
        if unknown and not trust:
            raise ValueError(
                f"{path} holds objects that are not known to be harmless: "
                f"{', '.join(unknown)}. If you know who made it, trust it (--trust)."
            )
        return skops.load(path, trusted=strange)
    except (zipfile.BadZipFile, KeyError, AttributeError, ImportError, TypeError) as e:
        raise _unreadable(path, e) from e


def _is_harmless(name):
    """Return whether objects of a type do nothing when they are made."""
    if name in _HARMLESS:
        return True
    module, _, kind = name.rpartition(".")
    if module.partition(".")[0] != "skesom":
        return False
    try:
        return isinstance(getattr(importlib.import_module(module), kind), type)
    except (ImportError, AttributeError):
        return False

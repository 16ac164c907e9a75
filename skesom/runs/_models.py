# SPDX-License-Identifier: BSD-3-Clause
"""Fitted pipelines in files: pickles for own use, skops files to share."""

from __future__ import annotations

import errno
import io
import json
import os
import platform
import warnings
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from pickle import PicklingError
from types import FunctionType
from typing import Any

import joblib
import numpy as np
from astropy.io.fits import Header
from astropy.units import Quantity, UnitBase
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS
from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning

from skesom._common.files import regular
from skesom._common.fits_files import check_cards
from skesom._common.json_values import whole
from skesom._common.new_files import atomic_path
from skesom._common.warn import warn_user
from skesom._sky.units import unit_of
from skesom._types import StrPath
from skesom.cube import Cube
from skesom.runs._fitted import classes_of_files, tamed

MODEL_FORMAT = "skesom model"
_PACKAGES = ("skesom", "scikit-learn", "numpy", "scipy", "astropy", "reproject")
_DECIDE_RESULTS = ("skesom", "scikit-learn")
_COMPRESSION = 1  # of zlib, the fastest
NOT_IN_FILES = RecursionError, TypeError, AttributeError, NotImplementedError
NOT_IN_FILES += (PicklingError,)
# What a file may hold without trust beside the classes of skesom and scikit-learn: of
# each kind of part in skops, the names that it may give.
_SCALARS = {f"numpy.{np.dtype(code).type.__name__}" for code in "?bhilqBHILQefdgU"}
_BUILTINS = {f"builtins.{name}" for name in "bool float int str".split()}
_PLAIN = {
    "JsonNode": {"builtins.str"},
    "DictNode": {"builtins.dict"},
    "ListNode": {"builtins.list"},
    "SetNode": {"builtins.set"},
    "SliceNode": {"builtins.slice"},
    "TupleNode": {"builtins.tuple"},
    "TypeNode": _BUILTINS | _SCALARS,
    "NdArrayNode": {"numpy.ndarray"} | _SCALARS,
    "DTypeNode": {"numpy.dtype"},
    "RandomStateNode": {"numpy.random.mtrand.RandomState"},
    "ObjectNode": {"skesom.som._network.Network"},
}
_COMPRESSIONS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_MIN_LIMIT = 2**28  # bytes that a model may take when it is read
_MAX_EXPANSION = 100  # ... and for each byte of the file
_MAX_AXES = 99  # WCSLIB takes the memory of their square
_ENCODED = "encoded by skesom"
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
    kind = _kind_of(path)
    model = {
        "format": MODEL_FORMAT,
        "software": software_versions(),
        "band_names": band_names and [str(name) for name in band_names],
        "pipeline": pipeline,
    }
    with atomic_path(path, overwrite=overwrite) as temporary:
        try:
            if kind == ".joblib":
                joblib.dump(model, temporary, compress=_COMPRESSION)
            else:
                write_skops(temporary, model)
        except NOT_IN_FILES as error:
            reason = " ".join(str(error).split())[:100]
            text = f"A {kind} file cannot hold this pipeline ({reason})."
            raise ValueError(text) from error


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
    kind = _kind_of(path)
    open(regular(path), "rb").close()  # raises what is wrong with the path
    if kind == ".joblib" and not trust:
        raise ValueError(
            f"{path} is a pickle, which can run any program when it is loaded. If you "
            "know who made it, trust it (trust=True); or ask for a .skops file."
        )
    with warnings.catch_warnings():
        # One warning, below, is about all versions.
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        with whole(path, _CANNOT_BE_LOADED):
            model = joblib.load(path) if kind == ".joblib" else read_skops(path, trust)
    if not (
        isinstance(model, dict)
        and model.get("format") == MODEL_FORMAT
        and {"software", "pipeline", "band_names"} <= model.keys()
        and isinstance(model["software"], dict)
        and isinstance(model["pipeline"], BaseEstimator)
        and isinstance(names := model["band_names"], list | None)
        and all(isinstance(name, str) for name in names or ())
    ):
        raise ValueError(f"{path} holds no model of skesom.")
    warn_of_versions(f"{path} was saved", model["software"], _DECIDE_RESULTS)
    return model["pipeline"], names


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


def _kind_of(path):
    if path.suffix not in (".joblib", ".skops"):
        raise ValueError(f"{path} is no model: its name must end in .skops or .joblib.")
    return path.suffix


def software_versions():
    """Return the version of Python and of each package that results depend on."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            versions[package] = version(package)
    return versions


def warn_of_versions(what, versions, packages=_PACKAGES):
    """Warn if something was made by other versions."""
    here = software_versions()
    other = [
        f"{package} {versions[package]!s:.40} (here {here.get(package, 'none')})"
        for package in packages
        if package in versions and versions[package] != here.get(package)
    ]
    if other:
        text = "with other versions: {}. Results may differ a little, or fail."
        warn_user(f"{what} {text.format(', '.join(other))}")


def mapped(part, change, done):
    """Return a copy of estimators and containers in which each part is changed."""
    if id(part) in done:
        return done[id(part)][1]
    new = change(part)
    if new is not part:
        pass
    elif isinstance(part, BaseEstimator):
        new = type(part).__new__(type(part))
        done[id(part)] = part, new
        new.__dict__ |= mapped(vars(part), change, done)
    elif type(part) in (list, set):
        new = type(part)(mapped(each, change, done) for each in part)
    elif isinstance(part, tuple):
        items = [mapped(each, change, done) for each in part]
        new = type(part)(*items) if hasattr(part, "_fields") else tuple(items)
    elif type(part) is dict:
        new = {name: mapped(each, change, done) for name, each in part.items()}
    done[id(part)] = part, new  # the first one lives on, so that its id stays its own
    return new


def write_skops(path, content):
    """Write plain values and estimators to a skops file."""
    import skops.io  # takes 1.3 s

    text = mapped(content, _as_text, {})
    packed = zipfile.ZIP_DEFLATED
    skops.io.dump(text, path, compression=packed, compresslevel=_COMPRESSION)


def read_skops(path, trust):
    """Return the content of a skops file: without trust, harmless parts only."""
    import skops.io

    names = skops.io.get_untrusted_types(file=path) if trust else [*_check_parts(path)]
    content = mapped(skops.io.load(path, trusted=names), _from_text, {})
    return content if trust else mapped(content, tamed, {})


def _as_text(part):
    """Return as text the objects that skops cannot hold, or not the whole of it."""
    if isinstance(part, FunctionType) and "<" in part.__qualname__:
        raise TypeError(f"no module holds {part.__qualname__}")  # by which it is loaded
    if isinstance(part, Cube) and part.wcs is not None:  # a grid to align to
        text = _text_of_wcs(part.wcs, part.shape[:2])
    elif isinstance(part, WCS):
        text = _text_of_wcs(part, part.array_shape)
    elif isinstance(part, Header):
        text = {"header": part.tostring(sep="\n")}
    elif isinstance(part, Quantity):
        text = {"quantity": part.value, "unit": part.unit.to_string()}
    elif isinstance(part, UnitBase):
        text = {"named unit": part.to_string()}
    else:
        return part
    return {_ENCODED: text}


def _text_of_wcs(wcs, shape):
    if any((wcs.cpdis1, wcs.cpdis2, wcs.det2im1, wcs.det2im2)):
        raise TypeError("no text can hold the tables of distortion of a WCS")
    header = wcs.to_header(relax=True).tostring(sep="\n")
    return {"wcs": header, "shape": shape and [int(side) for side in shape]}


def _from_text(part):
    """Return the part that `_as_text` made a text of."""
    if not (isinstance(part, dict) and list(part) == [_ENCODED]):
        return part
    text = part[_ENCODED]
    if "quantity" in text:
        return Quantity(text["quantity"], unit_of(text["unit"]))
    if "named unit" in text:
        return unit_of(text["named unit"])
    # No card that is passed on may harm WCSLIB; those of no standard are corrected.
    with warnings.catch_warnings(action="ignore", category=AstropyWarning):
        header = Header.fromstring(text["wcs" if "wcs" in text else "header"], sep="\n")
        check_cards(header.tostring().encode("ascii"), "A header in it")
        if header.get("NAXIS", 0) > _MAX_AXES:
            raise ValueError(f"A header in it has NAXIS = {header['NAXIS']}.")
        if "wcs" not in text:
            return header
        try:
            wcs = WCS(header)
        except MemoryError as error:  # of WCSLIB, which means anything that is wrong
            raise ValueError(f"A header in it is no WCS: {error}") from error
    wcs.array_shape = text["shape"] and tuple(text["shape"])
    return wcs


def _check_parts(path):
    """Refuse a file with more than data in classes that are known to be harmless.

    Nothing is imported or made here. Return the names of the classes.
    """
    with zipfile.ZipFile(path) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
        limit = _MIN_LIMIT + _MAX_EXPANSION * os.path.getsize(path)
        kinds = {entry.compress_type for entry in archive.infolist()}
        if sizes["schema.json"] > _MIN_LIMIT // 4 or not kinds <= _COMPRESSIONS:
            raise _too_large(path)
        parts, names, total = [json.loads(archive.read("schema.json"))], set(), 0
        while parts:
            part = parts.pop()
            if isinstance(part, list):
                parts += part
            if not isinstance(part, dict):
                continue
            parts += part.values()
            if "__loader__" not in part:
                continue
            kind, name = part["__loader__"], f"{part['__module__']}.{part['__class__']}"
            if not _is_known(kind, name):
                raise ValueError(
                    f"{path} holds objects that are not known to be harmless: "
                    f"{name:.80} ({kind!s:.40}). If you know who made it, trust it "
                    "(trust=True)."
                )
            names.add(name)
            if "file" in part:  # which many parts may name
                total += sizes[part["file"]]
            if total < limit and kind == "SparseMatrixNode":  # is an archive of its own
                inner = zipfile.ZipFile(io.BytesIO(archive.read(part["file"])))
                total += sum(entry.file_size for entry in inner.infolist())
            if total > limit:
                raise _too_large(path)
    return names


def _too_large(path):
    return ValueError(
        f"{path} would take far more memory than its size lets expect. If you know "
        "who made it, trust it (trust=True)."
    )


def _is_known(kind, name):
    """Return whether a part of a skops file is data, or in a class that is harmless."""
    if kind in ("ObjectNode", "TupleNode"):
        known = classes_of_files()
        return name in known or name in _PLAIN[kind]
    if kind == "SparseMatrixNode":  # whose class is that of its content
        return name.startswith("scipy.sparse.")
    return name in _PLAIN.get(kind, ())

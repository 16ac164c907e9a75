# SPDX-License-Identifier: BSD-3-Clause
"""Files of skops, which hold estimators and plain values without a pickle.

Objects of astropy, which skops cannot hold, are kept as text. A file of a stranger is
checked before anything in it is imported or made, and what was read of it is tamed.
"""

import io
import json
import os
import warnings
import zipfile
from pickle import PicklingError
from types import FunctionType

import numpy as np
from astropy.io.fits import Header
from astropy.units import Quantity, UnitBase
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS
from sklearn.base import BaseEstimator

from skesom._common.fits_checks import check_cards
from skesom._sky.units import unit_of
from skesom.cube import Cube
from skesom.runs._untrusted_models import classes_of_files, tamed

COMPRESSION_LEVEL = 1  # of zlib, the fastest
# What is raised where a file cannot hold an object.
NOT_IN_FILES = (
    RecursionError,
    TypeError,
    AttributeError,
    NotImplementedError,
    PicklingError,
)
# What a file may hold without trust beside the classes of skesom and scikit-learn: of
# each kind of part in skops, the names that it may give.
_BUILTINS = {
    "builtins.bool",
    "builtins.float",
    "builtins.int",
    "builtins.str",
}
_SCALARS = {f"numpy.{np.dtype(code).type.__name__}" for code in "?bhilqBHILQefdgU"}
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
# A file is refused if it would take more memory than this number of bytes, and so many
# for each byte of the file.
_MIN_LIMIT = 2**28
_MAX_EXPANSION = 100
_MAX_AXES = 99  # WCSLIB takes the memory of their square
_ENCODED = "encoded by skesom"


def write_skops(path, content):
    """Write plain values and estimators to a skops file."""
    import skops.io  # takes 1.3 s

    skops.io.dump(
        mapped(content, _as_text, {}),
        path,
        compression=zipfile.ZIP_DEFLATED,
        compresslevel=COMPRESSION_LEVEL,
    )


def read_skops(path, trust):
    """Return the content of a skops file: without trust, harmless parts only."""
    import skops.io

    if trust:
        names = skops.io.get_untrusted_types(file=path)
    else:
        names = list(_check_parts(path))
    content = mapped(skops.io.load(path, trusted=names), _from_text, {})
    if not trust:
        content = mapped(content, tamed, {})
    return content


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
    names = set()
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        sizes = {entry.filename: entry.file_size for entry in entries}
        compressions = {entry.compress_type for entry in entries}
        is_schema_large = sizes["schema.json"] > _MIN_LIMIT // 4
        if is_schema_large or not compressions <= _COMPRESSIONS:
            raise _too_large(path)
        limit = _MIN_LIMIT + _MAX_EXPANSION * os.path.getsize(path)
        n_bytes = 0
        parts = [json.loads(archive.read("schema.json"))]
        while parts:
            part = parts.pop()
            if isinstance(part, list):
                parts += part
            if not isinstance(part, dict):
                continue
            parts += part.values()
            if "__loader__" not in part:
                continue
            kind = part["__loader__"]
            name = f"{part['__module__']}.{part['__class__']}"
            if not _is_harmless(kind, name):
                raise ValueError(
                    f"{path} holds objects that are not known to be harmless: "
                    f"{name:.80} ({kind!s:.40}). If you know who made it, trust it "
                    "(trust=True)."
                )
            names.add(name)
            if "file" in part:  # which many parts may name
                n_bytes += sizes[part["file"]]
            # A sparse matrix is an archive of its own, not read if it is too large.
            if n_bytes < limit and kind == "SparseMatrixNode":
                inner = zipfile.ZipFile(io.BytesIO(archive.read(part["file"])))
                n_bytes += sum(entry.file_size for entry in inner.infolist())
            if n_bytes > limit:
                raise _too_large(path)
    return names


def _too_large(path):
    return ValueError(
        f"{path} would take far more memory than its size lets expect. If you know "
        "who made it, trust it (trust=True)."
    )


def _is_harmless(kind, name):
    """Return whether a part of a skops file is data, or in a class that is harmless."""
    if kind in ("ObjectNode", "TupleNode"):
        return name in classes_of_files() or name in _PLAIN[kind]
    if kind == "SparseMatrixNode":  # whose class is that of its content
        return name.startswith("scipy.sparse.")
    return name in _PLAIN.get(kind, ())

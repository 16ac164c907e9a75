# SPDX-License-Identifier: BSD-3-Clause
"""Files of skops, which hold estimators and plain values without a pickle.

Objects of astropy, which skops cannot hold, are kept as text. A file of a stranger is
checked before anything in it is imported or made, and what was read of it is bounded.
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
from skesom.runs._untrusted_models import check_part, classes_of_files

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
        mapped(content, _encoded_object, {}),
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
    content = mapped(skops.io.load(path, trusted=names), _decoded_object, {})
    if not trust:
        content = mapped(content, check_part, {})
    return content


def mapped(part, change, done):
    """Return a copy of estimators and containers in which each part is changed.

    Parameters
    ----------
    part : object
    change : callable
        Gets each part; what it returns unchanged is searched for parts.
    done : dict
        Empty at first. It gets the old and the new part by the id of the old one, so
        that what occurs twice stays one object. The old one is in it because an id is
        given to another object as soon as its own is gone.

    Returns
    -------
    new_part : object
    """
    if id(part) in done:
        _, new_part = done[id(part)]
        return new_part
    new_part = change(part)
    if new_part is part:
        if isinstance(part, BaseEstimator):
            new_part = type(part).__new__(type(part))
            done[id(part)] = (part, new_part)  # an attribute may lead back to it
            new_part.__dict__ |= mapped(vars(part), change, done)
        elif type(part) in (list, set):
            new_part = type(part)(mapped(item, change, done) for item in part)
        elif isinstance(part, tuple):
            items = [mapped(item, change, done) for item in part]
            is_named_tuple = hasattr(part, "_fields")
            new_part = type(part)(*items) if is_named_tuple else tuple(items)
        elif type(part) is dict:
            new_part = {name: mapped(item, change, done) for name, item in part.items()}
    done[id(part)] = (part, new_part)
    return new_part


def _encoded_object(part):
    """Return objects of astropy as plain values, and all others as they are.

    A Cube is a grid to align to: only its WCS and its shape are kept.
    """
    if isinstance(part, FunctionType) and "<" in part.__qualname__:
        # A function is loaded by its name in a module, which a lambda does not have.
        raise TypeError(f"no module holds {part.__qualname__}")
    if isinstance(part, Cube) and part.wcs is not None:
        values = _encoded_wcs(part.wcs, part.shape[:2])
    elif isinstance(part, WCS):
        values = _encoded_wcs(part, part.array_shape)
    elif isinstance(part, Header):
        values = {"header": part.tostring(sep="\n")}
    elif isinstance(part, Quantity):
        values = {"quantity": part.value, "unit": part.unit.to_string()}
    elif isinstance(part, UnitBase):
        values = {"named unit": part.to_string()}
    else:
        return part
    return {_ENCODED: values}


def _encoded_wcs(wcs, shape):
    """Return a WCS and the shape of its image, which may be None, as plain values."""
    if any((wcs.cpdis1, wcs.cpdis2, wcs.det2im1, wcs.det2im2)):
        raise TypeError("no text can hold the tables of distortion of a WCS")
    header = wcs.to_header(relax=True).tostring(sep="\n")
    if shape is not None:
        shape = [int(length) for length in shape]
    return {"wcs": header, "shape": shape}


def _decoded_object(part):
    """Return the object that `_encoded_object` made plain values of."""
    if not (isinstance(part, dict) and list(part) == [_ENCODED]):
        return part
    values = part[_ENCODED]
    if "quantity" in values:
        return Quantity(values["quantity"], unit_of(values["unit"]))
    if "named unit" in values:
        return unit_of(values["named unit"])
    with warnings.catch_warnings(action="ignore", category=AstropyWarning):
        if "wcs" not in values:
            return _checked_header(values["header"])
        header = _checked_header(values["wcs"])
        try:
            wcs = WCS(header)
        except MemoryError as error:  # of WCSLIB, which means anything that is wrong
            raise ValueError(f"A header in it is no WCS: {error}") from error
    shape = values["shape"]
    wcs.array_shape = None if shape is None else tuple(shape)
    return wcs


def _checked_header(text):
    """Return a header, or refuse cards that may harm WCSLIB."""
    header = Header.fromstring(text, sep="\n")
    # Cards that only deviate from the standard are corrected here.
    check_cards(header.tostring().encode("ascii"), "A header in it")
    if header.get("NAXIS", 0) > _MAX_AXES:
        raise ValueError(f"A header in it has NAXIS = {header['NAXIS']}.")
    return header


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

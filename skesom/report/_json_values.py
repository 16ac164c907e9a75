# SPDX-License-Identifier: BSD-3-Clause
"""Estimators and their parameters as JSON, and back."""

import base64
import importlib
import json
import math
from pathlib import Path

import numpy as np
from astropy import units
from astropy.io.fits import Header
from astropy.wcs import WCS
from sklearn.base import BaseEstimator

from skesom.cube import Cube

_NOT_OF_THE_RESULT = ("n_jobs", "verbose")
_MAX_VALUES = 4_000_000
_MANY_VALUES = 1000  # of which a reader sees no more in numbers than in base 64
_UNREPEATABLE = "unrepeatable"


def read_json(path, kind, description):
    """Return the content of a JSON file of skesom of some kind."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no JSON file: {error}.") from error
    if not isinstance(content, dict) or content.get("format") != kind:
        raise ValueError(f'{path} is no {description}: it has no "format": "{kind}".')
    return content


def encode(value):
    """Return a value in types of JSON."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if isinstance(value, BaseEstimator):
        parameters = {
            name: encode(parameter)
            for name, parameter in value.get_params(deep=False).items()
            if name not in _NOT_OF_THE_RESULT
        }
        return {"class": _public_path(type(value)), "parameters": parameters}
    return _encode_data(value)


def _encode_data(value):
    if isinstance(value, Cube) and value.wcs is not None:
        grid = value.wcs.deepcopy()
        grid.array_shape = value.shape[:2]
        return encode(grid)
    is_wcs = isinstance(value, WCS)
    if is_wcs and not any((value.cpdis1, value.cpdis2, value.det2im1, value.det2im2)):
        shape = value.array_shape  # without tables, which no header holds
        header = value.to_header(relax=True).tostring(sep="\n")
        return {"wcs": header, "shape": shape and [int(side) for side in shape]}
    if isinstance(value, Header):
        return {"header": value.tostring(sep="\n")}
    if isinstance(value, units.Quantity):
        return {"quantity": encode(value.value), "unit": value.unit.to_string()}
    is_plain = isinstance(value, np.ndarray) and value.dtype.kind in "biuf"
    if is_plain and _MANY_VALUES < value.size <= _MAX_VALUES:
        value = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
        kind = {"shape": value.shape, "dtype": value.dtype.str}
        return {"base64": base64.b64encode(value).decode()} | kind
    if is_plain and value.size <= _MANY_VALUES:
        values = [encode(number) for number in value.ravel().tolist()]
        return {"array": values, "shape": value.shape, "dtype": value.dtype.name}
    return {_UNREPEATABLE: " ".join(repr(value).split())[:200]}


def decode(encoded):
    """Return the value that `encode` was given."""
    if isinstance(encoded, list):
        return [decode(item) for item in encoded]
    if not isinstance(encoded, dict):
        return encoded
    for kind, build in _BUILDERS.items():
        if kind in encoded:
            return build(encoded)
    raise ValueError(f"It holds {str(encoded)[:80]!r}, which is no parameter.")


def _decode_estimator(encoded):
    kind = _import(encoded["class"])
    parameters = {name: decode(value) for name, value in encoded["parameters"].items()}
    try:
        return kind(**parameters)
    except TypeError as error:
        raise ValueError(f"{encoded['class']} is another one here: {error}") from error


def _decode_wcs(encoded):
    wcs = WCS(Header.fromstring(encoded["wcs"], sep="\n"))
    if encoded["shape"]:
        wcs.array_shape = tuple(encoded["shape"])
    return wcs


def _decode_array(encoded):
    values = [decode(value) for value in encoded["array"]]
    return np.array(values, dtype=encoded["dtype"]).reshape(encoded["shape"])


def _decode_bytes(encoded):
    values = np.frombuffer(base64.b64decode(encoded["base64"]), encoded["dtype"])
    values = values.astype(values.dtype.newbyteorder("="))
    return values.reshape(encoded["shape"])


def _refuse(encoded):
    lost = encoded[_UNREPEATABLE]
    raise ValueError(f"A parameter of the run cannot be made from text: {lost}.")


_BUILDERS = {
    "class": _decode_estimator,
    "wcs": _decode_wcs,
    "array": _decode_array,
    "base64": _decode_bytes,
    _UNREPEATABLE: _refuse,
    "float": lambda encoded: float(encoded["float"]),
    "tuple": lambda encoded: tuple(decode(item) for item in encoded["tuple"]),
    "dict": lambda encoded: {decode(key): decode(it) for key, it in encoded["dict"]},
    "header": lambda encoded: Header.fromstring(encoded["header"], sep="\n"),
    "quantity": lambda it: units.Quantity(decode(it["quantity"]), it["unit"]),
}


def unrepeatable_parts(encoded):
    """Return the texts of the parts of an encoded value that cannot be decoded."""
    if isinstance(encoded, dict):
        if _UNREPEATABLE in encoded:
            return [encoded[_UNREPEATABLE]]
        encoded = list(encoded.values())
    items = encoded if isinstance(encoded, list | tuple) else []
    return [text for item in items for text in unrepeatable_parts(item)]


def _public_path(kind):
    """Return the shortest import path of a class."""
    parts = kind.__module__.split(".")
    for length in range(1, len(parts) + 1):
        path = ".".join(parts[:length])
        if getattr(importlib.import_module(path), kind.__qualname__, None) is kind:
            return f"{path}.{kind.__qualname__}"
    return f"{kind.__module__}.{kind.__qualname__}"


def _import(path):
    """Return an estimator class; a file can make no other kind of object."""
    module, _, name = path.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} cannot be imported here: {error}.") from error
    if not (isinstance(kind, type) and issubclass(kind, BaseEstimator)):
        raise ValueError(f"{path} is no scikit-learn estimator.")
    return kind

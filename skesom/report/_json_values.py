# SPDX-License-Identifier: BSD-3-Clause
"""Estimators and their parameters as JSON, and back."""

import base64
import importlib
import json
import math
import os
import pkgutil
import warnings
from contextlib import contextmanager
from functools import cache
from itertools import chain

import numpy as np
from astropy import units
from astropy.io.fits import Header
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS
from sklearn.base import BaseEstimator

from skesom._common.files import is_of_machine, regular
from skesom._common.fits_files import check_cards
from skesom._sky.units import unit_of
from skesom.cube import Cube

# The only modules from which a file can name classes; the file imports none of them.
_HOMES = tuple(f"skesom.{name}" for name in "cube maps pixels som".split())
_OF_SKLEARN = tuple(
    f"sklearn.{name}"
    for name in "cluster compose covariance cross_decomposition decomposition "
    "discriminant_analysis feature_selection impute kernel_approximation linear_model "
    "manifold mixture naive_bayes neighbors pipeline preprocessing "
    "random_projection".split()
)
_RUN_OTHER_CODE = {
    "sklearn.preprocessing.FunctionTransformer",
    "sklearn.preprocessing._function_transformer.FunctionTransformer",
}
# A file never sets these: they do not decide the result, but a memory unpickles files.
NOT_OF_THE_RESULT = ("memory", "n_jobs", "verbose")
# Parameters of free text, which is looked up and never opened: names of bands, classes,
# steps, attributes and measures. All others take only the choices of their class.
FREE_TEXTS = {"align_to", "reference", "unit", "class_weight", "unlabeled", "metric"}
FREE_TEXTS |= {"steps", "transformers", "transformer_list", "importance_getter"}
FREE_TEXTS |= {"outlier_label", "scoring", "threshold"}
_NUMBERS = {np.dtype(code).name for code in "?bhilqBHILQefdg"}
_MAX_VALUES = 4_000_000
_MANY_VALUES = 1000  # of which a reader sees no more in numbers than in base 64
_MAX_BYTES = 2**28
_MAX_AXES = 99  # WCSLIB takes the memory of their square
_UNREPEATABLE = "unrepeatable"


@contextmanager
def whole(path, problem=None):
    """Turn whatever a damaged or crafted file leads to into a line with its name."""
    try:
        yield
    except Exception as error:  # text that makes no sense can fail anywhere
        text = " ".join(str(error).split())
        is_usual = isinstance(error, ImportError | OSError) or is_of_machine(error)
        if is_usual and len(text) < 800:
            raise
        is_told = isinstance(error, ValueError)
        if is_told and text == str(error) and str(path) in text:
            raise
        if problem or not is_told:
            text = f"{path} {problem or 'is damaged'}: {type(error).__name__}: {text}"
        else:
            text = f"{path}: {text}"
        raise ValueError(text if len(text) < 800 else f"{text[:800]} ...") from error


def read_json(path, kind, description):
    """Return the content of a JSON file of skesom of some kind."""
    with open(regular(path), "rb") as file:
        text = file.read(_MAX_BYTES + 1)
    try:
        if len(text) > _MAX_BYTES:
            raise ValueError(f"it has more than {_MAX_BYTES} bytes")
        content = json.loads(text.decode("utf-8"))
    except (RecursionError, ValueError) as error:
        raise ValueError(f"{path} is no JSON file: {error}.") from error
    if not isinstance(content, dict) or content.get("format") != kind:
        raise ValueError(f'{path} is no {description}: it has no "format": "{kind}".')
    return content


@cache
def classes_of_files():
    """Return the estimators and named tuples that files may hold, by their paths."""
    doors = [importlib.import_module(path) for path in _HOMES + _OF_SKLEARN]
    found, modules = {}, list(doors)
    for door in doors[: len(_HOMES)]:
        parts = pkgutil.walk_packages(door.__path__, f"{door.__name__}.")
        modules += [importlib.import_module(part.name) for part in parts]
    for module in modules:
        for name, kind in vars(module).items():
            if not isinstance(kind, type):
                continue
            if not kind.__module__.startswith(module.__name__):
                continue
            if issubclass(kind, BaseEstimator) or kind.__bases__ == (tuple,):
                found[f"{module.__name__}.{name}"] = kind
                found[f"{kind.__module__}.{kind.__qualname__}"] = kind
                if module.__name__ in _HOMES:
                    found[f"skesom.{name}"] = kind
    return {path: kind for path, kind in found.items() if path not in _RUN_OTHER_CODE}


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
            if name not in NOT_OF_THE_RESULT
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
    if isinstance(value, units.UnitBase):
        return {"named unit": value.to_string()}
    is_plain = isinstance(value, np.ndarray) and value.dtype.kind in "biuf"
    if is_plain and _MANY_VALUES < value.size <= _MAX_VALUES:
        value = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
        kind = {"shape": value.shape, "dtype": value.dtype.str}
        return {"base64": base64.b64encode(value).decode()} | kind
    if is_plain and value.size <= _MANY_VALUES:
        values = [encode(number) for number in value.ravel().tolist()]
        return {"array": values, "shape": value.shape, "dtype": value.dtype.name}
    return {_UNREPEATABLE: " ".join(repr(value).split())[:200]}


def decode(encoded, *, trust=False):
    """Return the value that `encode` was given; trust allows classes of any package."""
    if isinstance(encoded, list):
        return [decode(item, trust=trust) for item in encoded]
    if not isinstance(encoded, dict):
        return encoded
    if "class" in encoded:
        return _decode_estimator(encoded, trust)
    if "tuple" in encoded:
        return tuple(decode(item, trust=trust) for item in encoded["tuple"])
    if "dict" in encoded:
        return dict(decode(pair, trust=trust) for pair in encoded["dict"])
    for kind, build in _BUILDERS.items():
        if kind in encoded:
            return build(encoded)
    raise ValueError(f"It holds {str(encoded)[:80]!r}, which is no parameter.")


def _decode_estimator(encoded, trust):
    kind = (_import if trust else _known)(encoded["class"])
    parameters = {
        name: decode(value, trust=trust)
        for name, value in encoded["parameters"].items()
        if name not in NOT_OF_THE_RESULT
    }
    if not trust:
        check_texts(kind, parameters)
    try:
        return kind(**parameters)
    except TypeError as error:
        raise ValueError(f"{encoded['class']} is another one here: {error}") from error


def check_texts(kind, parameters):
    """Refuse texts in the parameters of a class that could name files or folders."""
    limits = getattr(kind, "_parameter_constraints", {})
    for name in parameters.keys() - FREE_TEXTS:
        value = parameters[name]
        if name == "layers" and value:  # with parameters of their own
            for layer in value:
                check_texts(
                    kind, layer if isinstance(layer, dict) else {"shape": layer}
                )
            continue
        allowed = [getattr(each, "constraint", each) for each in limits.get(name, ())]
        allowed = [getattr(each, "options", ()) for each in allowed]
        for text in {*_texts_in(value)}.difference(*allowed):
            raise ValueError(
                f"The parameter {name} of {kind.__name__} holds the text "
                f"{str(text)[:80]!r}, which could name a file or a folder. If you know "
                "who made it, trust it (--trust)."
            )


def _texts_in(value):
    """Yield the texts in a value, without keys and where a PSF was read from."""
    if isinstance(value, str | bytes | os.PathLike):
        yield value
    if isinstance(value, np.ndarray) and value.dtype.kind not in "biufc":
        value = value.ravel().tolist()
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, tuple) and [getattr(v, "ndim", 0) for v in value[:1]] == [2]:
        value = value[:2] + value[3:]
    if isinstance(value, list | tuple | set):
        yield from chain.from_iterable(map(_texts_in, value))


def _decode_header(text):
    """Return a header without cards that harm WCSLIB."""
    header = Header.fromstring(text, sep="\n")
    with _unseen_corrections():
        check_cards(header.tostring().encode("ascii"), "A header in it")
    if header.get("NAXIS", 0) > _MAX_AXES:
        raise ValueError(f"A header in it has NAXIS = {header['NAXIS']}.")
    return header


def _decode_wcs(encoded):
    header = _decode_header(encoded["wcs"])
    try:
        with _unseen_corrections():
            wcs = WCS(header)
    except MemoryError as error:  # of WCSLIB, which means anything that is wrong
        raise ValueError(f"A header in it is no WCS: {error}") from error
    if encoded["shape"]:
        wcs.array_shape = tuple(encoded["shape"])
    return wcs


@contextmanager
def _unseen_corrections():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        yield


def _decode_array(encoded):
    if encoded["dtype"] not in _NUMBERS:
        raise ValueError(f"Arrays of {encoded['dtype']!r} are not read.")
    values = [decode(value) for value in encoded["array"]]
    return np.array(values, dtype=encoded["dtype"]).reshape(encoded["shape"])


def _decode_bytes(encoded):
    kind = str(encoded["dtype"])
    if len(kind) > 4 or np.dtype(kind).name not in _NUMBERS:
        raise ValueError(f"Arrays of {kind!r} are not read.")
    values = np.frombuffer(base64.b64decode(encoded["base64"]), kind)
    values = values.astype(values.dtype.newbyteorder("="))
    return values.reshape(encoded["shape"])


def _refuse(encoded):
    lost = encoded[_UNREPEATABLE]
    raise ValueError(f"A parameter of the run cannot be made from text: {lost}.")


_BUILDERS = {
    "wcs": _decode_wcs,
    "array": _decode_array,
    "base64": _decode_bytes,
    _UNREPEATABLE: _refuse,
    "float": lambda encoded: float(encoded["float"]),
    "header": lambda encoded: _decode_header(encoded["header"]),
    "named unit": lambda encoded: unit_of(encoded["named unit"]),
    "quantity": lambda it: units.Quantity(decode(it["quantity"]), unit_of(it["unit"])),
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


def _known(path):
    """Return an estimator class of skesom or scikit-learn; import none for it."""
    kind = classes_of_files().get(path)
    if kind is None or not issubclass(kind, BaseEstimator):
        raise ValueError(
            f"{path} is not known to be harmless: only estimators of skesom and "
            "scikit-learn are made without trust. If you know who made the file, "
            "trust it (--trust)."
        )
    return kind


def _import(path):
    """Return an estimator class; a trusted file can make no other kind."""
    module, _, name = path.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} cannot be imported here: {error}.") from error
    if not (isinstance(kind, type) and issubclass(kind, BaseEstimator)):
        raise ValueError(f"{path} is no scikit-learn estimator.")
    return kind

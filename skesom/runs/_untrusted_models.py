# SPDX-License-Identifier: BSD-3-Clause
"""Models of strangers: what their use could do is bounded, or they are refused.

They hold known classes, and no text that could name a file. Compiled code trusts the
arrays of a fitted model, so each is compared with the others.
"""

import importlib
import inspect
import os
import pkgutil
import re
from functools import cache
from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from skesom.runs._fitted_arrays import check_fitted

# The only modules from which a file can name classes; the file imports none of them.
_OWN_MODULES = (
    "skesom.consensus",
    "skesom.cube",
    "skesom.maps",
    "skesom.pixels",
    "skesom.som",
)
_MODULES_OF_SKLEARN = (
    "sklearn.cluster",
    "sklearn.compose",
    "sklearn.covariance",
    "sklearn.cross_decomposition",
    "sklearn.decomposition",
    "sklearn.discriminant_analysis",
    "sklearn.feature_selection",
    "sklearn.impute",
    "sklearn.kernel_approximation",
    "sklearn.linear_model",
    "sklearn.manifold",
    "sklearn.mixture",
    "sklearn.naive_bayes",
    "sklearn.neighbors",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "sklearn.random_projection",
)
_RUNS_OTHER_CODE = "sklearn.preprocessing._function_transformer.FunctionTransformer"
# Parameters of free text, which is looked up and never opened: names of bands, classes,
# steps, attributes and measures. All others take only the choices of their class.
FREE_TEXTS = {
    "align_to",
    "class_weight",
    "importance_getter",
    "metric",
    "outlier_label",
    "reference",
    "scoring",
    "steps",
    "threshold",
    "transformer_list",
    "transformers",
    "unit",
    "unlabeled",
}
_LENGTHS = {"fwhm", "target_fwhm"}  # texts are numbers with a unit, and nothing else


@cache
def classes_of_files():
    """Return the estimators and named tuples that files may hold, by their names."""
    modules = []
    for name in _OWN_MODULES:
        folder = importlib.import_module(name)
        modules.append(folder)
        for member in pkgutil.walk_packages(folder.__path__, f"{name}."):
            modules.append(importlib.import_module(member.name))
    modules += [importlib.import_module(name) for name in _MODULES_OF_SKLEARN]
    classes = {}
    for module in modules:
        for value in vars(module).values():
            # Only from home: what a module imports from elsewhere is not of it.
            is_at_home = getattr(value, "__module__", "").startswith(module.__name__)
            if not (is_at_home and isinstance(value, type)):
                continue
            if issubclass(value, BaseEstimator) or value.__bases__ == (tuple,):
                classes[f"{value.__module__}.{value.__qualname__}"] = value
    del classes[_RUNS_OTHER_CODE]
    return classes


def check_texts(estimator_class, parameters):
    """Refuse texts in the parameters of a class that could name files or folders."""
    constraints = getattr(estimator_class, "_parameter_constraints", {})
    for name in parameters.keys() - FREE_TEXTS:
        value = parameters[name]
        if name == "layers" and value:  # with parameters of their own
            for layer in value:
                if not isinstance(layer, dict):
                    layer = {"shape": layer}
                check_texts(estimator_class, layer)
            continue
        if name in _LENGTHS and isinstance(value, str) and _is_length(value):
            continue
        texts = set(_texts_in(value))
        for constraint in constraints.get(name, ()):
            constraint = getattr(constraint, "constraint", constraint)  # if hidden
            texts.difference_update(getattr(constraint, "options", ()))
        if texts:
            text = min(texts, key=str)
            raise ValueError(
                f"The parameter {name} of {estimator_class.__name__} holds the text "
                f"{str(text)[:80]!r}, which could name a file or a folder. If you know "
                "who made it, trust it (trust=True)."
            )


def _is_length(text):
    """Return whether a text is a number with a unit of length, as 2.5pix."""
    return re.fullmatch(r"\d+(\.\d*)? ?(pix|arcsec|arcmin|deg)", text) is not None


def _texts_in(value):
    """Yield the texts in a value, without keys and where a PSF was read from."""
    if isinstance(value, str | bytes | os.PathLike):
        yield value
    if isinstance(value, np.ndarray) and value.dtype.kind not in "biufc":
        value = value.ravel().tolist()
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, tuple) and value and getattr(value[0], "ndim", 0) == 2:
        # A point-spread function: its image comes first, and its file third.
        value = value[:2] + value[3:]
    if isinstance(value, list | tuple | set):
        for item in value:
            yield from _texts_in(item)


def check_part(part):
    """Return a part of a stranger's model, or refuse it if its use could do harm.

    Estimators are changed in place: see `_check_estimator`.
    """
    if sparse.issparse(part) and hasattr(part, "check_format"):
        part.check_format(full_check=True)  # compiled code trusts its indices
    if isinstance(part, np.ndarray) and part.dtype.hasobject:
        types = {type(item) for item in part.ravel().tolist()}
        if not all(issubclass(item_type, str | Real | None) for item_type in types):
            raise ValueError("it has an array of other objects than texts and numbers")
    is_beam = hasattr(part, "major")
    if is_beam and not all(isinstance(number, Real) for number in part[:3]):
        raise ValueError("it has a beam whose axes and angle are not numbers")
    if isinstance(part, BaseEstimator):
        _check_estimator(part)
    return part


def _check_estimator(estimator):
    """Check an estimator, and take from it what a file must not decide."""
    estimator_class = type(estimator)
    attributes = vars(estimator)
    is_of_skesom = estimator_class.__module__.startswith("skesom.")
    _complete_parameters(estimator_class, attributes, is_of_skesom)
    if "memory" in attributes:
        attributes["memory"] = None  # a folder of pickles
    for name in ("n_jobs", "_n_threads"):
        if isinstance(attributes.get(name), Integral):
            attributes[name] = min(attributes[name], os.cpu_count() or 1)
    parameters = {}
    for name in estimator._get_param_names():
        if name in attributes:
            parameters[name] = attributes[name]
    # Parameters that were set after the fit count for the next one. Those of the fit
    # are what predict uses.
    parameters_of_fit = parameters | attributes.get("_fitted_parameters", {})
    for checked_parameters in (parameters, parameters_of_fit):
        check_texts(estimator_class, checked_parameters)
        if is_of_skesom:
            estimator_class(**checked_parameters)._validate_params()
        check_fitted(estimator_class, attributes | checked_parameters, is_of_skesom)


def _complete_parameters(estimator_class, attributes, is_of_skesom):
    """Refuse an estimator of skesom without all of its parameters.

    One of another version of scikit-learn gets the defaults of what it lacks.
    """
    for name, parameter in inspect.signature(estimator_class).parameters.items():
        if name in attributes or parameter.default is parameter.empty:
            continue
        if is_of_skesom:
            raise ValueError(f"its parameter {name} is missing")
        attributes[name] = parameter.default

# SPDX-License-Identifier: BSD-3-Clause
"""Models of strangers: what their use could do is bounded, or they are refused.

They hold known classes, and no text that could name a file. Compiled code trusts the
arrays of a fitted model, so each is compared with the others.
"""

import importlib
import inspect
import math
import os
import pkgutil
import re
from functools import cache
from itertools import chain
from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from skesom._common.labels import MASKED

# The only modules from which a file can name classes; the file imports none of them.
_HOMES = tuple(f"skesom.{name}" for name in "consensus cube maps pixels som".split())
_OF_SKLEARN = tuple(
    f"sklearn.{name}"
    for name in "cluster compose covariance cross_decomposition decomposition "
    "discriminant_analysis feature_selection impute kernel_approximation linear_model "
    "manifold mixture naive_bayes neighbors pipeline preprocessing "
    "random_projection".split()
)
_RUNS_OTHER_CODE = "sklearn.preprocessing._function_transformer.FunctionTransformer"
# Parameters of free text, which is looked up and never opened: names of bands, classes,
# steps, attributes and measures. All others take only the choices of their class.
FREE_TEXTS = {"align_to", "reference", "unit", "class_weight", "unlabeled", "metric"}
FREE_TEXTS |= {"steps", "transformers", "transformer_list", "importance_getter"}
FREE_TEXTS |= {"outlier_label", "scoring", "threshold"}
_LENGTHS = {"fwhm", "target_fwhm"}  # texts are numbers with a unit, and nothing else
# `_stored` of a class of skesom has the kind and the axes of each array by which rows
# get labels: axes of one name have one length, "*" is for any further axes. This is
# that of all classes of scikit-learn.
_OF_OTHERS = {"cluster_centers_": "numbers clusters features", "labels_": "classes *"}
_TYPES = {"floats": "fd", "reals": "fd", "singles": "f", "doubles": "d"}
_TYPES |= dict.fromkeys(["counts", "numbers"], "bhilqfd")
_TYPES |= {"flags": "?", "labels": "bhilq", "classes": "bhilq"}
_MOST = {"labels": 2**16, "classes": 2**24}  # that are counted, or as many as elements
_NUMBERS = {"n_features_in_": Integral, "epsilon_": Real, "n_clusters_": Integral}
_NUMBERS |= {"_exponent": Integral, "_n_calls": Integral}
_UNFINISHED = "_later"  # of a fit; no file holds it


@cache
def classes_of_files():
    """Return the estimators and named tuples that files may hold, by their names."""
    modules = [importlib.import_module(path) for path in _HOMES + _OF_SKLEARN]
    for home in modules[: len(_HOMES)]:
        parts = pkgutil.walk_packages(home.__path__, f"{home.__name__}.")
        modules += [importlib.import_module(part.name) for part in parts]
    found = {}
    for module in modules:
        for kind in vars(module).values():
            is_own = getattr(kind, "__module__", "").startswith(module.__name__)
            if not (is_own and isinstance(kind, type)):
                continue
            if issubclass(kind, BaseEstimator) or kind.__bases__ == (tuple,):
                found[f"{kind.__module__}.{kind.__qualname__}"] = kind
    del found[_RUNS_OTHER_CODE]
    return found


def stored_by(kind):
    """Return the arrays that a class of skesom stores: their kinds and axes."""
    stored = {}
    for base in reversed(kind.__mro__):
        stored |= vars(base).get("_stored", {})
    return stored


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
        if name in _LENGTHS and isinstance(value, str) and _is_length(value):
            continue
        allowed = [getattr(each, "constraint", each) for each in limits.get(name, ())]
        allowed = [getattr(each, "options", ()) for each in allowed]
        for text in {*_texts_in(value)}.difference(*allowed):
            raise ValueError(
                f"The parameter {name} of {kind.__name__} holds the text "
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
        value = [*value.values()]
    if isinstance(value, tuple) and [getattr(v, "ndim", 0) for v in value[:1]] == [2]:
        value = value[:2] + value[3:]
    if isinstance(value, list | tuple | set):
        yield from chain.from_iterable(map(_texts_in, value))


def tamed(part):
    """Return a part of the model of a stranger, whose use is bounded."""
    if sparse.issparse(part) and hasattr(part, "check_format"):
        part.check_format(full_check=True)  # compiled code trusts its indices
    if isinstance(part, np.ndarray) and part.dtype.hasobject:
        kinds = {*map(type, part.ravel().tolist())}
        if not all(issubclass(kind, str | Real | type(None)) for kind in kinds):
            raise ValueError("it has an array of objects that are no texts or numbers")
    if hasattr(part, "major") and not all(isinstance(n, Real) for n in part[:3]):
        raise ValueError("it has a beam that is none")
    if isinstance(part, BaseEstimator):
        values = vars(part)
        is_own = type(part).__module__.startswith("skesom.")
        _check_parameters(type(part), values, is_own)
        if "memory" in values:
            values["memory"] = None  # a folder of pickles
        for name in ("n_jobs", "_n_threads"):
            if isinstance(values.get(name), Integral):
                values[name] = min(values[name], os.cpu_count() or 1)
        now = {name: values[name] for name in part._get_param_names() if name in values}
        # Those of the fit are what predict uses.
        for parameters in (now, now | values.get("_fitted_parameters", {})):
            check_texts(type(part), parameters)
            if is_own:
                type(part)(**parameters)._validate_params()
            known = stored_by(type(part)) if is_own else _OF_OTHERS
            _check_fitted(values | parameters, known)
    return part


def _check_parameters(kind, values, is_own):
    """Refuse an estimator of skesom without all of its parameters.

    One of another version of scikit-learn gets the defaults of what it lacks.
    """
    for name, parameter in inspect.signature(kind).parameters.items():
        if name in values or parameter.default is parameter.empty:
            continue
        if is_own:
            raise ValueError(f"its parameter {name} is missing")
        values[name] = parameter.default


def _check_fitted(values, known):
    """Refuse attributes of an estimator that do not fit together."""
    if _UNFINISHED in values:
        raise ValueError("its fit is not finished")
    for name, kind in _NUMBERS.items():
        number = values.get(name, 1)
        is_number = isinstance(number, kind) and abs(number) < 2**62
        if not (is_number and (number > 0 or name == "_exponent")):
            raise ValueError(f"its {name} is {number!r:.80}")
    for length in values.get("_sharpness", ()):
        if not (length is None or (isinstance(length, Real) and 0 < length < math.inf)):
            raise ValueError(f"its pixels are {length!r:.80} wide")
    width = values.get("n_features_in_", 1)
    names = values.get("feature_names_in_", ())
    n_texts = sum(isinstance(name, str) for name in names)
    if "feature_names_in_" in values and n_texts != width:
        raise ValueError(f"its feature_names_in_ are not {width} texts")
    found = {**values}
    grouping = values.get("grouping_")
    if grouping is not None:
        found["unit_labels"] = grouping.unit_labels
        known = known | {"unit_labels": "labels units"}
    # Of a classifier, the map is in it.
    units = values.get("codebook_", getattr(values.get("estimator_"), "codebook_", ()))
    lengths = {"units": len(units)} if len(units) else {}
    if "n_features_in_" in values:
        lengths["features"] = width
    for name, wanted in known.items():
        if found.get(name) is not None:
            _check_array(name, found[name], wanted, lengths)
    for sums in values.get("_sums") or ():
        _check_array("_sums", sums, "floats units *", lengths)
    sides = values.get("shape_", ()) if "codebook_" in values else ()
    is_whole = all(isinstance(side, Integral) and side > 0 for side in sides)
    if sides and not (is_whole and math.prod(sides) == len(units)):
        raise ValueError(f"its lattice of shape {sides} has not {len(units)} units")
    network = values.get("_network")
    if network is not None:
        network.check()
        if not np.array_equal(network.units(), units):
            raise ValueError("its network has not the units of its codebook")
    if grouping is not None and grouping.unit_tree is not None:
        _check_unit_tree(grouping, len(units))
    if "estimators_" in values:
        _check_consensus(values)


def _check_array(name, array, wanted, lengths):
    """Refuse an array of other numbers, or of other lengths than axes have."""
    kind, *axes = wanted.split()
    shape, plain = np.shape(array), [axis for axis in axes if axis != "*"]
    known = dict(zip(plain, shape, strict=False)) | {"2": 2} | lengths
    fits = shape[: len(plain)] == (*(known.get(axis) for axis in plain),)
    fits = fits and (len(shape) == len(plain) or plain != axes)
    lengths.update((axis, known[axis]) for axis in plain if fits)
    if fits and kind != "any":
        fits = isinstance(array, np.ndarray) and array.dtype.isnative
        fits = fits and array.dtype.char in _TYPES.get(kind, array.dtype.char)
    if fits and kind in ("floats", "singles", "doubles", "counts"):
        fits = array.size > 0 and np.isfinite(array).all()
        fits = fits and (kind != "counts" or array.min() >= 0)
    if fits and kind in _MOST:
        fits = ((array >= MASKED) & (array < max(_MOST[kind], array.size))).all()
    if not fits:
        text = " x ".join(f"{known.get(axis, '')} {axis}" for axis in axes)
        raise ValueError(f"its {name} of shape {shape} is no array of {kind}: {text}")


def _check_unit_tree(grouping, n_units):
    """Refuse a tree over the units of a map whose arrays do not fit together."""
    tree, leaf_of_unit, sizes = grouping.unit_tree
    n_leaves = len(sizes)
    lengths = {"units": n_units, "leaves": n_leaves}
    _check_tree(tree, n_leaves)
    _check_array("sizes", sizes, "counts leaves", lengths)
    _check_array("leaf_of_unit", leaf_of_unit, "labels units", lengths)
    if not _are_all_of(leaf_of_unit, n_leaves):
        raise ValueError(f"its leaf_of_unit are not of all {n_leaves} leaves")
    clusters = tree.clusters(_checked_number(grouping.n_clusters, n_leaves), sizes)
    if not np.array_equal(grouping.unit_labels, clusters[leaf_of_unit]):
        raise ValueError("its unit_labels are no cut of its tree")


def _check_consensus(values):
    """Refuse votes, pieces or a tree of a consensus that do not fit together."""
    members = values["estimators_"]
    sizes = values["_sizes"]
    votes = values["_piece_votes"].votes
    n_pieces = len(sizes)
    _check_tree(values["_tree"], n_pieces)
    _check_array("sizes", sizes, "counts pieces", {"pieces": n_pieces})
    number = _checked_number(values["n_clusters_"], n_pieces)
    clusters = values["_tree"].clusters(number, sizes)
    if not _is_same(values["_clusters"], clusters):
        raise ValueError("its clusters are no cut of its tree")
    if len(values["cluster_centers_"]) != number:
        raise ValueError(f"its cluster_centers_ are not of {number} clusters")
    if len(np.shape(values.get("labels_", clusters))) != 1:
        raise ValueError("its labels_ are not of rows")
    if np.max(values.get("labels_", clusters), initial=-1) >= number:
        raise ValueError(f"its labels_ are not of {number} clusters")
    if not isinstance(values["_are_equal"], bool):
        raise ValueError("it does not tell whether its members are equal")

    if not 0 <= values["_closest"] < len(members):
        raise ValueError("its representative is none of its members")

    lengths = {"pieces": n_pieces, "all": n_pieces + 1}
    _check_array("votes", votes.bias, "doubles pieces", lengths)
    for name, sums in values["_piece_sums"]._asdict().items():
        axes = "pieces" if name == "squares" else "pieces features"
        _check_array(name, sums, f"doubles {axes}", lengths)
    for _, table, overlap in zip(members, votes.tables, votes.overlaps, strict=True):
        own = dict(lengths)  # units or labels of the member, and a row for all others
        _check_array("votes", table, "doubles own pieces", own)
        _check_array("votes", overlap, "singles own all", own)


def _check_tree(tree, n_leaves):
    """Refuse children or heights that make no tree over so many leaves."""
    n_steps = n_leaves - 1
    lengths = {"steps": n_steps}
    _check_array("children", tree.children, "labels steps 2", lengths)
    _check_array("heights", tree.heights, "reals steps", lengths)
    nodes = np.sort(tree.children, axis=None)
    earlier = n_leaves + np.arange(n_steps)[:, np.newaxis]
    is_tree = np.array_equal(nodes, np.arange(2 * n_steps))
    if not is_tree or (tree.children >= earlier).any():
        raise ValueError(f"its children make no tree of {n_leaves} leaves")
    heights = np.concatenate([[0.0], tree.heights, [1.0]])
    if not (np.diff(heights) >= 0).all():
        raise ValueError("its heights do not rise from 0 to 1")


def _checked_number(number, n_leaves):
    """Return a number of clusters that a tree can be cut into."""
    if not 1 <= number <= n_leaves:
        raise ValueError(f"its {n_leaves} leaves cannot be {number!r:.80} clusters")
    return int(number)


def _are_all_of(numbers, n_numbers):
    """Return whether numbers are from 0 to below a limit, and none is missing."""
    return np.array_equal(np.unique(numbers), np.arange(n_numbers))


def _is_same(array, expected):
    """Return whether an array of a file is one of the same type and content."""
    is_array = isinstance(array, np.ndarray) and array.dtype == expected.dtype
    return is_array and np.array_equal(array, expected)

# SPDX-License-Identifier: BSD-3-Clause
"""Whether the attributes of a fitted estimator that came from a file fit together.

Compiled code trusts the arrays of a fitted estimator. ``_stored`` of a class of skesom
has the type and the axes of each array by which rows get labels, as in ``"floats units
features"``: axes of one name have one length, and ``*`` is for any further axes.
"""

import math
from numbers import Integral, Real

import numpy as np

from skesom._common.labels import MASKED

_STORED_BY_SKLEARN = {  # by all its classes
    "cluster_centers_": "numbers clusters features",
    "labels_": "classes *",
}
# Codes of the types of NumPy for each word in `_stored`; other words take any type.
_TYPES = {
    "floats": "fd",
    "reals": "fd",
    "singles": "f",
    "doubles": "d",
    "counts": "bhilqfd",
    "numbers": "bhilqfd",
    "flags": "?",
    "labels": "bhilq",
    "classes": "bhilq",
}
_FINITE = ("floats", "singles", "doubles", "counts")
# Labels are below these, because they are counted, or below the number of elements.
_LABEL_LIMITS = {
    "labels": 2**16,
    "classes": 2**24,
}
_NUMBERS = {
    "n_features_in_": Integral,
    "epsilon_": Real,
    "n_clusters_": Integral,
    "_exponent": Integral,
    "_n_calls": Integral,
}
_UNFINISHED = "_later"  # of a fit; no file holds it


def stored_by(estimator_class):
    """Return the arrays that a class of skesom stores: their types and axes."""
    stored = {}
    for base in reversed(estimator_class.__mro__):
        stored |= vars(base).get("_stored", {})
    return stored


def check_fitted(estimator_class, values, is_of_skesom):
    """Refuse attributes of an estimator that do not fit together.

    Parameters
    ----------
    estimator_class : type
    values : dict
        Attributes and parameters by their names.
    is_of_skesom : bool
        Whether the class declares the arrays that it stores.
    """
    if _UNFINISHED in values:
        raise ValueError("its fit is not finished")
    _check_numbers(values)
    n_features = values.get("n_features_in_", 1)
    if "feature_names_in_" in values:
        names = values["feature_names_in_"]
        if sum(isinstance(name, str) for name in names) != n_features:
            raise ValueError(f"its feature_names_in_ are not {n_features} texts")

    stored = stored_by(estimator_class) if is_of_skesom else _STORED_BY_SKLEARN
    arrays = dict(values)
    grouping = values.get("grouping_")
    if grouping is not None:
        arrays["unit_labels"] = grouping.unit_labels
        stored = stored | {"unit_labels": "labels units"}
    # Of a classifier, the map is in it.
    codebook_of_map = getattr(values.get("estimator_"), "codebook_", ())
    units = values.get("codebook_", codebook_of_map)
    lengths = {}
    if len(units):
        lengths["units"] = len(units)
    if "n_features_in_" in values:
        lengths["features"] = n_features
    for name, declaration in stored.items():
        if arrays.get(name) is not None:
            _check_stored_array(name, arrays[name], declaration, lengths)
    for sums in values.get("_sums") or ():
        _check_stored_array("_sums", sums, "floats units *", lengths)

    if "codebook_" in values:
        _check_lattice(values.get("shape_", ()), len(units))
    network = values.get("_network")
    if network is not None:
        network.check()
        if not np.array_equal(network.units(), units):
            raise ValueError("its network has not the units of its codebook")
    if grouping is not None and grouping.unit_tree is not None:
        _check_unit_tree(grouping, len(units))
    if "estimators_" in values:
        _check_consensus(values)


def _check_numbers(values):
    """Refuse numbers of a fit that are of another type, negative or very large."""
    for name, number_class in _NUMBERS.items():
        number = values.get(name, 1)
        is_number = isinstance(number, number_class) and abs(number) < 2**62
        if not (is_number and (number > 0 or name == "_exponent")):
            raise ValueError(f"its {name} is {number!r:.80}")
    for length in values.get("_sharpness", ()):
        is_unknown = length is None
        if not is_unknown and not (isinstance(length, Real) and 0 < length < math.inf):
            raise ValueError(f"its pixels are {length!r:.80} wide")


def _check_lattice(sides, n_units):
    """Refuse sides of a lattice that has another number of units than the map."""
    if not sides:
        return
    are_counts = all(isinstance(side, Integral) and side > 0 for side in sides)
    if not are_counts or math.prod(sides) != n_units:
        raise ValueError(f"its lattice of shape {sides} has not {n_units} units")


def _check_stored_array(name, array, declaration, lengths):
    """Refuse an array of another type, or of other lengths than axes have.

    Parameters
    ----------
    name : str
        For the message.
    array : ndarray
    declaration : str
        Type and axes, as in `_stored`.
    lengths : dict of str to int
        Of the axes that are known; those of the array are added.
    """
    type_name, *axes = declaration.split()
    named_axes = [axis for axis in axes if axis != "*"]
    has_more_axes = len(named_axes) < len(axes)
    shape = np.shape(array)
    # An axis that no other array has may have any length, but the same twice.
    expected = dict(zip(named_axes, shape, strict=False)) | {"2": 2} | lengths
    expected_shape = tuple(expected.get(axis) for axis in named_axes)
    if has_more_axes:
        has_shape = shape[: len(named_axes)] == expected_shape
    else:
        has_shape = shape == expected_shape
    if has_shape:
        for axis in named_axes:
            lengths[axis] = expected[axis]
    holds_type = type_name == "any" or (has_shape and _holds(array, type_name))
    if not (has_shape and holds_type):
        axes_text = " x ".join(f"{expected.get(axis, '')} {axis}" for axis in axes)
        raise ValueError(
            f"its {name} of shape {shape} must hold {type_name} for {axes_text}"
        )


def _holds(array, type_name):
    """Return whether an array holds what a word in `_stored` says."""
    if not (isinstance(array, np.ndarray) and array.dtype.isnative):
        return False
    if array.dtype.char not in _TYPES.get(type_name, array.dtype.char):
        return False
    if type_name in _FINITE and not (array.size > 0 and np.isfinite(array).all()):
        return False
    if type_name == "counts" and array.min() < 0:
        return False
    if type_name in _LABEL_LIMITS:
        limit = max(_LABEL_LIMITS[type_name], array.size)
        return ((array >= MASKED) & (array < limit)).all()
    return True


def _check_unit_tree(grouping, n_units):
    """Refuse a tree over the units of a map whose arrays do not fit together."""
    tree, leaf_of_unit, sizes = grouping.unit_tree
    n_leaves = len(sizes)
    lengths = {"units": n_units, "leaves": n_leaves}
    _check_tree(tree, n_leaves)
    _check_stored_array("sizes", sizes, "counts leaves", lengths)
    _check_stored_array("leaf_of_unit", leaf_of_unit, "labels units", lengths)
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
    _check_stored_array("sizes", sizes, "counts pieces", {"pieces": n_pieces})
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
    _check_stored_array("votes", votes.bias, "doubles pieces", lengths)
    for name, sums in values["_piece_sums"]._asdict().items():
        axes = "pieces" if name == "squares" else "pieces features"
        _check_stored_array(name, sums, f"doubles {axes}", lengths)
    for _, table, overlap in zip(members, votes.tables, votes.overlaps, strict=True):
        # Rows are units or labels of the member, and one for all others.
        lengths_of_member = dict(lengths)
        _check_stored_array("votes", table, "doubles rows pieces", lengths_of_member)
        _check_stored_array("votes", overlap, "singles rows all", lengths_of_member)


def _check_tree(tree, n_leaves):
    """Refuse children or heights that make no tree over so many leaves."""
    n_steps = n_leaves - 1
    lengths = {"steps": n_steps}
    _check_stored_array("children", tree.children, "labels steps 2", lengths)
    _check_stored_array("heights", tree.heights, "reals steps", lengths)
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

# SPDX-License-Identifier: BSD-3-Clause
"""Any array of a fitted model may be damaged: it is refused, or used without harm."""

import copy

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.pipeline import Pipeline, make_pipeline

from skesom.consensus import ConsensusClusterer
from skesom.datasets import make_galaxy_cube
from skesom.maps import make_cluster_pipeline
from skesom.runs import load_model, save_model
from skesom.runs._skops_files import mapped
from skesom.runs._untrusted_models import check_part
from skesom.som import CSOM, ESOM, MapClassifier, MapRegressor
from skesom.som.tree import ClusterTree, has_tree, tree_of_pieces

CSOM_ = CSOM(3, shape=(4, 3), n_epochs=2, random_state=0)
ESOM_ = ESOM(3, epsilon=2.0, random_state=0)
LAYERS = [{"shape": (3, 2), "metric": "manhattan"}, 2]
MODELS = {
    "evolving": ESOM_,
    "layers": CSOM(2, shape=(4, 3), layers=LAYERS, feature_weights=[1, 2, 1]),
    "angles": CSOM(3, shape=(4, 3), metric="cosine", random_state=0),
    "groups": CSOM(3, shape=(4, 3), clusterer=KMeans(3, n_init=1), random_state=0),
    "consensus": ConsensusClusterer(ESOM_, n_estimators=3, random_state=0),
    "consensus of k-means": ConsensusClusterer(
        KMeans(3, n_init=1), n_estimators=3, random_state=0
    ),
    "in a pipeline": make_pipeline(make_pipeline(CSOM_)),
    "classifier": MapClassifier(CSOM_, n_neighbors=2),
    "growing": MapClassifier(ESOM(epsilon=2.0, random_state=0), label_rule="grow"),
    "regressor": MapRegressor(CSOM_),
    "k-means": KMeans(3, n_init=1, random_state=0),
    "cube": make_cluster_pipeline(CSOM_, sky="mask"),
}


@pytest.fixture(scope="module")
def table():
    y = np.repeat(np.arange(3), 20)
    X = np.random.default_rng(0).normal(size=(60, 3)) + 4 * y[:, np.newaxis]
    return X.astype(np.float32), y


def arrays_in(part, home=()):
    """Yield the way to each array in a model, as attributes and keys."""
    if isinstance(part, np.ndarray):
        yield home
    elif sparse.issparse(part):
        yield from ((*home, name) for name in ("data", "indices", "indptr"))
    elif isinstance(part, BaseEstimator) or type(part).__name__ == "Network":
        state = part.__getstate__()
        for name in sorted(state.keys() & vars(part).keys()):
            yield from arrays_in(vars(part)[name], (*home, name))
    elif isinstance(part, list | tuple):
        for number, each in enumerate(part):
            yield from arrays_in(each, (*home, number))
    elif isinstance(part, dict):
        for name, each in part.items():
            yield from arrays_in(each, (*home, name))


def changed(part, way, change):
    """Return a part in which an array is changed."""
    if not way:
        return change(part)
    if isinstance(part, list | tuple):
        items = list(part)
        items[way[0]] = changed(items[way[0]], way[1:], change)
        return type(part)(*items) if hasattr(part, "_fields") else type(part)(items)
    if isinstance(part, dict):
        return part | {way[0]: changed(part[way[0]], way[1:], change)}
    setattr(part, way[0], changed(getattr(part, way[0]), way[1:], change))
    return part


def rows_as_objects(array):
    rows = np.empty(len(array), dtype=object)
    for number, row in enumerate(array):
        rows[number] = np.asarray(row)
    return rows


def wrapped(array):
    one = np.empty(1, dtype=object)
    one[0] = array
    return one


def filled(value):
    return lambda array: np.full_like(array, value)


CHANGES = {
    "cut": lambda array: array[:-1],
    "empty": lambda array: array[:0],
    "long": lambda array: np.concatenate([array, array]),
    "transposed": lambda array: array.T if array.ndim > 1 else array[np.newaxis],
    "without axes": lambda array: array.ravel()[:1].reshape(()),
    "objects": lambda array: array.astype(object),
    "rows": rows_as_objects,
    "wrapped": wrapped,
    "text": lambda array: array.astype(str),
    "list": lambda array: array.tolist(),
    "integers": lambda array: array.astype(np.int64),
    "halves": lambda array: array.astype(np.float16),
    "swapped": lambda array: array.astype(array.dtype.newbyteorder()),
    "nan": filled(np.nan),
    "large": filled(10**6),
    "negative": filled(-(10**6)),
}


def use(model, X):
    """Do with a model what commands do."""
    last = model[-1] if isinstance(model, Pipeline) else model
    for method in ("predict", "transform", "winners", "predict_proba", "u_matrix"):
        if hasattr(model, method):
            getattr(model, method)(*([] if method == "u_matrix" else [X]))
    if has_tree(last):
        tree_of_pieces(last)
        last.labels_at(len(last.children_), X)
        last._cut_at(2, X)
    if isinstance(last, ConsensusClusterer):
        last.labels_at(2)
    if hasattr(last, "partial_fit") and hasattr(last, "codebook_"):
        last.partial_fit(X)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore")
def test_any_array(table, name):
    """Whatever is not refused is used without an error, but of lengths (ValueError)."""
    X, y = table
    if name == "cube":
        X, _ = make_galaxy_cube((32, 32), 3, random_state=0)
    model = copy.deepcopy(MODELS[name]).fit(X, y)
    model = copy.deepcopy(model)  # as it is in a file
    use(mapped(copy.deepcopy(model), check_part, {}), X)
    n_changes = 1 if name in ("cube", "consensus") else 3  # which take longer
    rng, n_refused, wrong = np.random.default_rng(0), 0, []
    for way in arrays_in(model):
        for change in rng.choice([*CHANGES], n_changes, replace=False):
            try:
                damaged = changed(copy.deepcopy(model), way, CHANGES[change])
            except (TypeError, ValueError, OverflowError):  # cannot be done to it
                continue
            try:
                damaged = mapped(damaged, check_part, {})
            except Exception:
                n_refused += 1
                continue
            try:
                use(damaged, X)
            except ValueError:
                pass
            except Exception as error:
                wrong.append((way, change, repr(error)))
    assert not wrong, wrong
    assert n_refused > 2


def shifted(array):
    return (array + 1).astype(array.dtype)


def with_a_circle(children):
    children = children.copy()
    children[0] = len(children) + 1, children[0, 0]  # the first step joins itself
    return children


def with_a_leaf_twice(children):
    children = children.copy()
    children[1, 0] = children[0, 0]
    return children


# Each array has its type and its length: only the others tell that it is wrong.
WRONG_TREES = {
    "a circle": (("tree", "children"), with_a_circle),
    "a leaf twice": (("tree", "children"), with_a_leaf_twice),
    "falling heights": (("tree", "heights"), lambda heights: heights[::-1].copy()),
    "heights above 1": (("tree", "heights"), shifted),
    "heights of nothing": (("tree", "heights"), lambda h: np.full_like(h, np.nan)),
}
WRONG_UNITS = {
    "leaves that are none": (("leaf_of_unit",), shifted),
    "one leaf for all": (("leaf_of_unit",), np.zeros_like),
    "other sizes": (("sizes",), lambda sizes: 1 + 10_000 * np.arange(len(sizes))),
}


@pytest.mark.parametrize("name", WRONG_TREES | WRONG_UNITS)
def test_trees_of_units_that_do_not_fit_together(table, name):
    """Whatever lies in a tree is looked up by it."""
    way, change = (WRONG_TREES | WRONG_UNITS)[name]
    csom = copy.deepcopy(CSOM_).fit(table[0])
    csom = copy.deepcopy(csom)  # as it is in a file
    check_part(csom)
    places, part = [], csom.grouping_
    for name_of_part in ("unit_tree", *way):
        places.append(part._fields.index(name_of_part))
        part = getattr(part, name_of_part)
    csom.grouping_ = changed(csom.grouping_, places, change)
    with pytest.raises(ValueError, match=r"^its (children|heights|leaf|cuts|unit_lab)"):
        check_part(csom)


@pytest.mark.parametrize("name", WRONG_TREES)
def test_trees_of_a_consensus_that_do_not_fit_together(table, name):
    way, change = WRONG_TREES[name]
    consensus = copy.deepcopy(MODELS["consensus"]).fit(table[0])
    consensus = copy.deepcopy(consensus)  # as it is in a file
    check_part(consensus)
    place = [ClusterTree._fields.index(way[1])]
    consensus._tree = changed(consensus._tree, place, change)
    with pytest.raises(ValueError, match=r"^its (children|heights)"):
        check_part(consensus)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_clusters_", 1000),
        ("n_clusters_", 2),
        ("_clusters", np.zeros(3, dtype=np.int32)),
        ("_sizes", np.ones(2)),
        ("_are_equal", None),
        ("labels_", np.full(60, 7, dtype=np.int32)),
        ("cluster_centers_", np.zeros((2, 3), dtype=np.float32)),
    ],
)
def test_clusters_that_are_no_cut_of_the_tree(table, name, value):
    consensus = copy.deepcopy(MODELS["consensus"]).fit(table[0])
    setattr(consensus, name, value)
    with pytest.raises(ValueError, match=r"^(its|it does not)"):
        check_part(consensus)


@pytest.mark.parametrize("name", ["tables", "overlaps"])
@pytest.mark.parametrize("kept", [np.s_[:-1], np.s_[:, :-1]], ids=["rows", "columns"])
def test_votes_that_do_not_fit_together(table, name, kept):
    consensus = copy.deepcopy(MODELS["consensus"]).fit(table[0])
    consensus = copy.deepcopy(consensus)  # as it is in a file
    votes = consensus._piece_votes.votes
    first, *others = getattr(votes, name)
    votes = votes._replace(**{name: [np.ascontiguousarray(first[kept]), *others]})
    consensus._piece_votes = consensus._piece_votes._replace(votes=votes)
    with pytest.raises(ValueError, match="its votes of shape"):
        check_part(consensus)


@pytest.mark.parametrize("damage", [None, "width", "nan", "labels"])
def test_members_in_an_array_of_objects(table, tmp_path, damage):
    """Checks reach into every container, or it is refused."""
    consensus = ConsensusClusterer(CSOM_, n_estimators=3, random_state=0)
    consensus = copy.deepcopy(consensus.fit(table[0]))  # with its tree
    member = consensus.estimators_[1]
    if damage == "width":
        member.codebook_ = member.codebook_[:, :1]
    elif damage == "nan":
        member.codebook_ = np.full_like(member.codebook_, np.nan)
    elif damage == "labels":
        labels = member.grouping_.unit_labels[:2]
        member.grouping_ = member.grouping_._replace(unit_labels=labels)
    for container in (np.array, list, tuple):
        options = {"dtype": object} if container is np.array else {}
        consensus.estimators_ = container(consensus.estimators_, **options)
        save_model(tmp_path / "model.skops", consensus, overwrite=True)
        if damage is None and container is not np.array:
            load_model(tmp_path / "model.skops")[0].predict(table[0])
            continue
        with pytest.raises(ValueError, match=r"model\.skops cannot be loaded"):
            load_model(tmp_path / "model.skops")


def test_a_fit_that_is_not_finished(table):
    """A file holds none; its arrays would reach the kernels unseen."""
    model = copy.deepcopy(CSOM_).fit(table[0])
    model._later = (table[0][:, :1], None, None)
    with pytest.raises(ValueError, match="fit is not finished"):
        check_part(model)


def test_a_parameter_that_is_missing(table):
    """Files hold all of skesom's; scikit-learn may have got one since."""
    model = copy.deepcopy(CSOM_).fit(table[0])
    del model.layers
    with pytest.raises(ValueError, match="its parameter layers is missing"):
        check_part(model)
    other = KMeans(3, n_init=1, random_state=0).fit(table[0])
    labels = other.predict(table[0])
    del other.algorithm
    other = check_part(other)
    assert other.get_params()["algorithm"] == KMeans().algorithm
    np.testing.assert_array_equal(other.predict(table[0]), labels)

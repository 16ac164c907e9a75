# SPDX-License-Identifier: BSD-3-Clause
"""What both maps promise beyond scikit-learn's own checks."""

import copy
import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from skesom.som import CSOM, ESOM, MapClassifier, MapRegressor
from tests.helpers.memory import peak_of

MAPS = [
    pytest.param(ESOM(4, random_state=0), id="esom"),
    pytest.param(ESOM(None, random_state=0), id="esom-units"),
    pytest.param(CSOM(4, shape=(5, 6), random_state=0), id="csom"),
    pytest.param(CSOM(None, shape=(5, 6), random_state=0), id="csom-units"),
    pytest.param(
        CSOM(
            None,
            shape=(5, 6),
            algorithm="online",
            init="random",
            n_epochs=2,
            random_state=0,
        ),
        id="csom-online",
    ),
]
every_map = pytest.mark.parametrize("estimator", MAPS)


def pairs(some, others):
    """Pair each of some with two of the others, which come equally often."""
    return [
        (each, others[(n + shift) % len(others)])
        for shift in (0, len(others) // 2)
        for n, each in enumerate(some)
    ]


@pytest.fixture
def X():
    return make_blobs(400, 3, centers=4, random_state=5)[0]


def state_of(estimator):
    """Everything learned, in a form that compares bit for bit."""
    state = {}
    getattr(estimator, "labels_", None)  # after partial_fit they wait to be asked for
    for name, value in vars(estimator).items():
        if name == "grouping_":
            state["unit_labels_"] = value.unit_labels
            continue
        if name == "estimator_":
            state |= state_of(value)
            continue
        if sparse.issparse(value):
            value = value.toarray()
        if name.endswith("_") and not name.startswith("_"):
            state[name] = np.copy(value)
    return state


def assert_same_state(first, second):
    first, second = state_of(first), state_of(second)
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert value.dtype == second[name].dtype, name
        assert_array_equal(value, second[name], err_msg=name)


@every_map
def test_fitted_attributes(estimator, X):
    fitted = clone(estimator).fit(X)
    n_units = len(fitted.codebook_)
    assert fitted.codebook_.shape == (n_units, 3)
    assert fitted.unit_labels_.shape == fitted.hits_.shape == (n_units,)
    assert fitted.unit_labels_.dtype == fitted.labels_.dtype == np.int32
    assert fitted.connections_.shape == (n_units, n_units)
    assert (fitted.connections_ != fitted.connections_.T).nnz == 0
    assert fitted.connections_.diagonal().sum() == 0
    assert fitted.hits_.sum() == len(X)
    assert fitted.n_features_in_ == 3
    distances = cdist(X, fitted.codebook_)
    assert_array_equal(
        fitted.hits_, np.bincount(distances.argmin(1), minlength=n_units)
    )
    assert fitted.quantization_error_ == pytest.approx(distances.min(axis=1).mean())
    apart = X - fitted.cluster_centers_[fitted.labels_]
    assert fitted.inertia_ == pytest.approx(np.sum(apart**2))
    assert fitted.score(X) == -fitted.inertia_


@every_map
def test_labels_fall_in_size_and_all_occur(estimator, X):
    fitted = clone(estimator).fit(X)
    sizes = np.bincount(fitted.labels_)
    assert (sizes > 0).all()
    assert (np.diff(sizes) <= 0).all()
    assert set(fitted.unit_labels_) == set(fitted.labels_)
    assert_array_equal(fitted.predict(X), fitted.labels_)
    if fitted.n_clusters == 4:
        assert len(sizes) == 4


@every_map
@pytest.mark.parametrize("n_clusters", [1, 5, 8])
def test_number_of_clusters(estimator, n_clusters):
    X, truth = make_blobs(800, centers=5, cluster_std=0.5, random_state=1)
    som = clone(estimator).set_params(n_clusters=n_clusters).fit(X)
    assert_array_equal(np.unique(som.labels_), np.arange(n_clusters))
    assert n_clusters != 5 or adjusted_rand_score(truth, som.labels_) > 0.9


@every_map
def test_verbose_shows_a_bar(estimator, X, capsys):
    clone(estimator).set_params(verbose=1).fit(X)
    assert type(estimator).__name__ in capsys.readouterr().err
    clone(estimator).fit(X)
    assert capsys.readouterr().err == ""


@every_map
def test_methods_agree_with_distances(estimator, X):
    fitted = clone(estimator).fit(X)
    new = X[:50] + 0.1
    distances = cdist(new, fitted.codebook_)
    assert_allclose(fitted.transform(new), distances, rtol=1e-12, atol=1e-12)
    winners, nearest = fitted.winners(new, return_distance=True)
    assert_array_equal(winners, distances.argmin(axis=1))
    assert_array_equal(fitted.winners(new), winners)
    assert_allclose(nearest, distances.min(axis=1), rtol=1e-12)
    assert_array_equal(fitted.predict(new), fitted.unit_labels_[winners])


@every_map
def test_u_matrix(estimator, X):
    fitted = clone(estimator).fit(X)
    between = cdist(fitted.codebook_, fitted.codebook_)
    linked = fitted.connections_.tocoo()
    expected = [
        np.mean(between[unit, linked.coords[1][linked.coords[0] == unit]])
        for unit in range(len(between))
    ]
    assert_allclose(fitted.u_matrix().ravel(), expected, rtol=1e-12)


@every_map
def test_a_stored_map_goes_on_as_if_it_had_not_been_stored(estimator, X, tmp_path):
    fitted = clone(estimator).fit(X)
    joblib.dump(fitted, tmp_path / "map.joblib", compress=3)
    assert_same_state(joblib.load(tmp_path / "map.joblib"), fitted)
    loaded = pickle.loads(pickle.dumps(fitted))
    assert_same_state(loaded, fitted)
    assert_array_equal(loaded.predict(X), fitted.predict(X))
    more = X[::-1] + 0.3
    for chunk in (more[:150], more[150:]):
        assert_same_state(loaded.partial_fit(chunk), fitted.partial_fit(chunk))
    again = pickle.loads(pickle.dumps(loaded))
    assert_same_state(again, fitted)


@every_map
def test_set_output_pandas(estimator, X):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X, columns=["u", "g", "r"], index=np.arange(len(X)) + 7)
    fitted = clone(estimator).set_output(transform="pandas").fit(table)
    distances = fitted.transform(table)
    name = type(estimator).__name__.lower()
    assert list(distances.columns) == [
        f"{name}_unit{unit}" for unit in range(len(fitted.codebook_))
    ]
    assert_array_equal(distances.index, table.index)
    assert_array_equal(fitted.feature_names_in_, ["u", "g", "r"])
    assert_array_equal(fitted.predict(table), fitted.labels_)


LAYOUTS = "fortran", "big-endian", "read-only", "memory map", "strided", "list"


@pytest.mark.parametrize(
    ("estimator", "layout"),
    [pytest.param(*a.values, b, id=f"{a.id}-{b}") for a, b in pairs(MAPS, LAYOUTS)],
)
def test_layouts_of_the_input(estimator, layout, X, tmp_path):
    expected = clone(estimator).fit(X)
    if layout == "memory map":
        np.save(tmp_path / "table.npy", X)
        other = np.load(tmp_path / "table.npy", mmap_mode="r")
    else:
        other = {
            "fortran": np.asfortranarray(X),
            "big-endian": X.astype(">f8"),
            "read-only": X.copy(),
            "strided": np.repeat(X, 2, axis=1)[:, ::2],
            "list": X.tolist(),
        }[layout]
    if layout == "read-only":
        other.flags.writeable = False
    fitted = clone(estimator).fit(other)
    assert_same_state(fitted, expected)
    assert_array_equal(fitted.predict(other), expected.labels_)
    assert_array_equal(fitted.transform(other), expected.transform(X))
    fitted.partial_fit(other)


DTYPES = [
    (np.float32, np.float32),
    (np.float64, np.float64),
    (">f8", np.float64),
    (np.int16, np.float64),
    (">f4", np.float32),
]


@pytest.mark.parametrize(
    ("estimator", "dtype", "native"),
    [pytest.param(*a.values, *b, id=f"{a.id}-{b[0]}") for a, b in pairs(MAPS, DTYPES)],
)
def test_dtypes(estimator, dtype, native, X):
    X = (10 * X).astype(dtype)
    fitted = clone(estimator).fit(X)
    assert_array_equal(fitted.predict(X), fitted.labels_)
    assert fitted.codebook_.dtype == native
    assert fitted.transform(X).dtype == native
    other = np.float64 if native == np.float32 else np.float32
    assert fitted.transform(X.astype(other)).dtype == native
    assert fitted.partial_fit(X.astype(other)).codebook_.dtype == native


@every_map
def test_same_random_state_same_bits(estimator, X):
    """And neither the samples nor the global random state are changed."""
    before = X.copy(), pickle.dumps(np.random.get_state())  # noqa: NPY002
    first = clone(estimator).fit(X)
    assert_same_state(clone(estimator).fit(X), first)
    assert_same_state(first.fit(X), clone(first).fit(X))
    first.predict(X)
    first.set_params(random_state=None).partial_fit(X)
    assert_array_equal(X, before[0])
    assert pickle.dumps(np.random.get_state()) == before[1]  # noqa: NPY002


@every_map
def test_thread_limits_change_nothing(estimator):
    X = make_blobs(3000, 9, centers=4, random_state=1)[0].astype(np.float32)
    fitted = []
    for limit in (1, 2):
        with threadpool_limits(limit):
            fitted.append(clone(estimator).fit(X).partial_fit(X[:500]))
    assert_same_state(*fitted)


@every_map
def test_predict_needs_no_table_of_samples_by_units(estimator, X):
    fitted = clone(estimator).fit(X)
    many = np.tile(X, (100, 1))
    peak, _ = peak_of(lambda: fitted.predict(many))
    assert peak < 64 * len(many) < 8 * len(many) * len(fitted.codebook_)


@every_map
def test_missing_features(estimator, X):
    X[::7, 1] = np.nan
    X[3] = np.nan
    fitted = clone(estimator).fit(X)
    assert np.isfinite(fitted.codebook_).all()
    assert fitted.labels_[3] == -3
    assert (np.delete(fitted.labels_, 3) >= 0).all()
    assert fitted.hits_.sum() == len(X) - 1
    assert fitted.winners(X)[3] == -1
    assert np.isnan(fitted.transform(X)[3]).all()
    assert_array_equal(fitted.predict(X), fitted.labels_)
    assert np.isnan(fitted.score(X[[3, 3]]))
    fitted.partial_fit(X)
    assert fitted.labels_[3] == -3


@every_map
def test_constant_data(estimator):
    fitted = clone(estimator).set_params(n_clusters=1).fit(np.full((30, 2), 4.5))
    assert_array_equal(fitted.labels_, np.zeros(30))
    # A weighted mean of equal numbers may end a rounding beyond them.
    assert_allclose(fitted.codebook_, 4.5, rtol=1e-15)
    assert fitted.quantization_error_ < 1e-14
    one = fitted.fit([[1.0, 2.0]])
    assert_array_equal(one.labels_, [0])
    assert_array_equal(one.codebook_, np.tile([1, 2], (len(one.codebook_), 1)))


@every_map
def test_a_refused_partial_fit_leaves_the_map_as_it_was(estimator, X):
    fitted = clone(estimator).fit(X)
    untouched = pickle.loads(pickle.dumps(fitted))
    for bad, message in [
        (np.ones((5, 2)), "X has 2 features, but .* is expecting 3 features"),
        (np.array([[1.0, np.inf, 2.0]]), "infinity"),
        (np.full((1, 3), np.nan), r"NaN in all 1 samples: columns \[0, 1, 2\]"),
        (sparse.csr_array(np.ones((5, 3))), "[Ss]parse"),
    ]:
        with pytest.raises((ValueError, TypeError), match=message):
            fitted.partial_fit(bad)
        assert_same_state(fitted, untouched)
    assert_same_state(fitted.partial_fit(X), untouched.partial_fit(X))


@every_map
def test_a_map_must_be_fitted_first(estimator, X):
    for method in ("predict", "transform", "winners", "score"):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            getattr(clone(estimator), method)(X)


@every_map
def test_refused_tables(estimator, X):
    X[:, 2] = np.nan
    name = type(estimator).__name__
    with pytest.raises(ValueError, match=rf"{name} got 1 features .* columns \[2\]"):
        clone(estimator).fit(X)
    X[:, 2] = 0
    X[4, 0] = -np.inf
    with pytest.raises(ValueError, match="infinity"):
        clone(estimator).fit(X)
    with pytest.raises(ValueError, match="n_samples=3 should be >= n_clusters=5"):
        clone(estimator).set_params(n_clusters=5).fit(np.ones((3, 2)))


@pytest.mark.parametrize(
    ("make", "wrong", "hint"),
    [
        (CSOM, (8, 6), r"Got \(8, 6\) instead; .* the lattice as shape=\.\.\."),
        (ESOM, 0.5, r"Got 0.5 instead; .* novel samples as epsilon=\.\.\."),
        (ESOM, KMeans(3), r"a clusterer is given as clusterer=\.\.\."),
        (CSOM, KMeans(3), r"a clusterer is given as clusterer=\.\.\."),
    ],
)
def test_what_is_no_number_of_clusters_gets_a_hint(make, wrong, hint, X):
    with pytest.raises(ValueError, match=hint):
        make(wrong).fit(X)


@pytest.mark.parametrize("make", [CSOM, ESOM])
def test_the_first_argument_is_the_number_of_clusters(make, X):
    assert make(3, random_state=0).fit(X).labels_.max() == 2
    with pytest.raises(TypeError, match="positional"):
        make(3, 4)


@every_map
def test_centers_are_the_means_of_the_clusters(estimator, X):
    X[::9, 1] = np.nan
    som = clone(estimator).fit(X)
    assert len(som.cluster_centers_) == som.labels_.max() + 1
    for cluster, center in enumerate(som.cluster_centers_):
        for value, own in zip(center, X[som.labels_ == cluster].T, strict=True):
            present = own[~np.isnan(own)]
            expected = present.mean() if len(present) else np.nan
            assert value == pytest.approx(expected, rel=1e-12, nan_ok=True)
    assert som.cluster_centers_[som.predict(X)].shape == X.shape


def test_weighted_centers(X):
    weights = np.random.default_rng(0).integers(0, 3, len(X))
    csom = CSOM(4).fit(X, sample_weight=weights)
    for cluster, center in enumerate(csom.cluster_centers_):
        own = csom.labels_ == cluster
        assert_allclose(center, np.average(X[own], axis=0, weights=weights[own]))


@every_map
@pytest.mark.parametrize("n_clusters", [0, -1, 2.5, "three"])
def test_refused_number_of_clusters(estimator, n_clusters, X):
    with pytest.raises(ValueError, match=r"The 'n_clusters' parameter of .SOM must"):
        clone(estimator).set_params(n_clusters=n_clusters).fit(X)


@pytest.mark.parametrize(
    ("estimator", "wrong"),
    [
        (ESOM(2, epsilon=0.5), {"learning_rate": 7}),
        (CSOM(2, shape=(3, 3)), {"n_epochs": 0}),
        (MapClassifier(ESOM(epsilon=0.5)), {"n_neighbors": 0}),
        (MapClassifier(CSOM(shape=(3, 3))), {"n_neighbors": 0}),
        (MapRegressor(CSOM(shape=(3, 3))), {"n_neighbors": 0}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_parameter_that_is_wrong_later_leaves_the_map_as_it_was(estimator, wrong, X):
    y = np.arange(len(X)) % 2
    fitted = clone(estimator).partial_fit(X, y)
    before = copy.deepcopy(fitted)
    with pytest.raises(ValueError, match="parameter of"):
        fitted.set_params(**wrong).partial_fit(X, y)
    assert_same_state(fitted, before)

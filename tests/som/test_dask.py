# SPDX-License-Identifier: BSD-3-Clause
"""Tables of dask: the same classes, the same bits, errors that say what is wrong.

Sums over blocks and windows are tested inside: all estimators add up and learn by them,
and their order is what makes the bits the same.
"""

import pickle
import warnings

import dask
import dask.array as da
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.cluster import AgglomerativeClustering

from skesom._common.lazy import add_pairwise, add_up, map_rows, take_rows
from skesom.consensus import ConsensusClusterer
from skesom.som import CSOM, ESOM
from skesom.som._row_order import Windows
from tests.helpers.block_sizes import cut_tables

N_ROWS = 1003
OF_SAMPLES = "hits_ quantization_error_ unit_labels_ labels_ cluster_centers_".split()
OF_UNITS = "hits_ quantization_error_ unit_labels_".split()
CHUNKS = [1003, 300, 37, (500, 3, 500), (0, 64, 939)]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Cut tables of a thousand rows as others of millions."""
    cut_tables(monkeypatch, 64)
    with dask.config.set(scheduler="threads"):  # processes would not see the patch
        yield


def table(missing=False, dtype=np.float32):
    rng = np.random.default_rng(0)
    centers = rng.normal(scale=4, size=(4, 3))
    X = centers[rng.integers(4, size=N_ROWS)] + rng.normal(size=(N_ROWS, 3))
    if missing:
        X[rng.random(X.shape) < 0.1] = np.nan
        X[[5, 700]] = np.nan
    return X.astype(dtype)


def cut(array, chunks):
    return da.from_array(array, chunks=(chunks, -1)[: array.ndim])


def assert_same(one, other, names):
    for name in names:
        expected, found = getattr(one, name), np.asarray(getattr(other, name))
        assert_array_equal(found, expected, err_msg=name)
        assert np.asarray(expected).dtype == found.dtype, name


class TestSums:
    def test_tree_is_that_of_powers_of_two(self):
        class Pair(tuple):
            def __add__(self, other):
                return Pair((self, other))

        leaves = [Pair((i,)) for i in range(13)]
        (tree,) = add_pairwise((leaf,) for leaf in leaves)

        def pair(low, high):
            if high - low == 1:
                return leaves[low]
            half = 1 << ((high - low - 1).bit_length() - 1)
            return Pair((pair(low, low + half), pair(low + half, high)))

        assert tree == pair(0, 13)

    @pytest.mark.parametrize("chunks", CHUNKS)
    @pytest.mark.parametrize("n_rows", [1, 63, 64, 65, 640, 1003])
    def test_chunks_change_no_bit(self, chunks, n_rows):
        rng = np.random.default_rng(1)
        X = rng.normal(size=(N_ROWS, 2)).astype(np.float32)
        weights = rng.uniform(size=N_ROWS).astype(np.float32)

        def sums(X, weights, nothing):
            assert nothing is None
            assert len(X) <= 64
            return (X * weights[:, np.newaxis]).sum(axis=0), X.sum()

        expected = add_up(sums, X[:n_rows], weights[:n_rows], None)
        lazily = cut(X, chunks)[:n_rows], cut(weights, 100)[:n_rows]
        for one, other in zip(expected, add_up(sums, *lazily, None), strict=True):
            assert_array_equal(one, other)

    def test_first_of_each_row_is_written(self):
        X, out = table(), np.empty(N_ROWS, dtype=np.float32)
        (total,) = add_up(lambda X: (X[:, 0], len(X)), X, out=out)
        assert_array_equal(out, X[:, 0])
        assert total == N_ROWS

    @pytest.mark.parametrize("chunks", CHUNKS)
    def test_rows_are_mapped_and_taken(self, chunks):
        X = table()
        rows = np.array([0, 1, 64, 299, 300, 1002])
        assert_array_equal(take_rows(cut(X, chunks), rows), X[rows])
        how = {"dtype": "f4", "columns": 3}
        twice = map_rows(lambda X, nothing: 2 * X, cut(X, chunks), None, **how)
        assert_array_equal(twice.compute(), 2 * X)
        assert twice.chunks == cut(X, chunks).chunks


SETTINGS = [
    ({}, {}),
    ({}, {"sample_weight"}),
    ({}, {"errors"}),
    ({"shape": "auto"}, {"sample_weight"}),
    ({"metric": "spectral_angle"}, {}),
    ({"metric": "manhattan", "feature_weights": [1, 2, 1]}, {"sample_weight"}),
    ({"n_clusters": "auto"}, {}),
    ({"layers": [6]}, {}),
    ({"n_clusters": None}, {}),
]


@pytest.mark.filterwarnings("ignore:Found", "ignore:The samples")
class TestCSOM:
    @pytest.mark.parametrize(
        ("parameters", "names", "missing"),
        [(*of, n % 2 == 0) for n, of in enumerate([({}, {}), *SETTINGS])],
    )
    def test_same_bits_as_in_memory(self, parameters, names, missing):
        rng = np.random.default_rng(2)
        weights = rng.uniform(size=N_ROWS)
        weights[::5] = 0
        others = {"sample_weight": weights, "errors": rng.uniform(0.1, 1, (N_ROWS, 3))}
        others = {name: others[name] for name in names}
        csom = CSOM(**({"n_clusters": 4, "shape": (5, 4), "n_epochs": 3} | parameters))
        X = table(missing)
        lazily = {name: cut(values, 200) for name, values in others.items()}
        csom.fit(X, **others)
        for chunks in CHUNKS[1::3]:
            other = CSOM(**csom.get_params()).fit(cut(X, chunks), **lazily)
            assert_same(csom, other, ["codebook_", "training_errors_", *OF_SAMPLES])
            assert isinstance(other.labels_, da.Array)

    def test_partial_fit(self):
        X = table(missing=True)
        one, other = (CSOM(4, shape=(5, 4), n_epochs=3) for _ in range(2))
        for rows in (slice(0, 500), slice(500, None)):
            one.partial_fit(X[rows])
            other.partial_fit(cut(X, 150)[rows])
        assert_same(one, other, ["codebook_", *OF_SAMPLES])

    @pytest.mark.parametrize("estimator", [CSOM(4, shape=(5, 4)), ESOM(4)])
    def test_stream_waits_to_group_units(self, estimator, monkeypatch):
        X, groups = table(), []
        kind = type(estimator)
        finish = kind._finish
        monkeypatch.setattr(
            kind, "_finish", lambda som, *some: groups.append(1) or finish(som, *some)
        )
        for rows in (slice(0, 500), slice(500, None)):
            estimator.partial_fit(X[rows])
            estimator.transform(X)
            estimator.winners(cut(X, 300), return_distance=True)[0].compute()
            estimator.u_matrix()
        assert not groups
        estimator.predict(X)
        assert len(estimator.labels_) == N_ROWS - 500
        assert groups == [1]

    @pytest.mark.parametrize("chunks", CHUNKS)
    def test_methods_are_lazy_and_keep_chunks(self, chunks):
        X = table(missing=True)
        csom = CSOM(4, shape=(5, 4), n_epochs=3).fit(X)
        Y = cut(X, chunks)
        heights = tuple(n for n in Y.chunks[0] if n)
        for name, arguments in [
            ("predict", {}),
            ("transform", {}),
            ("impute", {}),
            ("map_coordinates", {}),
            ("winners", {}),
            ("winners", {"k": 3}),
            ("predict", {"errors": np.full(X.shape, 0.5)}),
        ]:
            expected = getattr(csom, name)(X, **arguments)
            found = getattr(csom, name)(Y, **arguments)
            assert isinstance(found, da.Array), name
            assert found.chunks[0] == heights
            assert found.dtype == expected.dtype
            assert found.shape == expected.shape
            assert_array_equal(found.compute(), expected, err_msg=name)
        for k in (1, 2):
            expected = csom.winners(X, k, return_distance=True)
            found = csom.winners(Y, k, return_distance=True)
            for one, two in zip(expected, found, strict=True):
                assert_array_equal(two.compute(), one)
                assert two.dtype == one.dtype
        assert csom.score(Y) == csom.score(X)
        assert_array_equal(csom.hit_map(Y), csom.hit_map(X))

    def test_what_travels_is_small(self):
        X = np.tile(table(), (20, 1))
        csom = CSOM(4, shape=(5, 4), n_epochs=2).fit(X)
        assert csom.labels_.nbytes >= 80_000
        fitted = CSOM(4, shape=(5, 4), n_epochs=2).fit(cut(X, 1000))
        stored = pickle.dumps(fitted)
        assert len(stored) < 20_000
        assert_array_equal(pickle.loads(stored).predict(X), fitted.labels_.compute())
        lazily = csom.predict(da.zeros((1000, 3), chunks=(100, 3)))
        assert len(pickle.dumps(lazily)) < 20_000


class TestESOM:
    @pytest.mark.parametrize("window", [None, 200])
    def test_same_bits_as_in_memory(self, window, monkeypatch):
        if window:  # of whole blocks
            cut_tables(monkeypatch, 64, window=window)
        X = table(missing=not window)
        one = ESOM(4, random_state=0, n_epochs=2).fit(X)
        for chunks in [64] if window else CHUNKS:
            other = ESOM(4, random_state=0, n_epochs=2).fit(cut(X, chunks))
            assert_same(one, other, ["codebook_", *OF_SAMPLES])

    def test_each_epoch_learns_each_sample_once(self, monkeypatch):
        cut_tables(monkeypatch, 64, window=200)
        X = np.arange(N_ROWS, dtype=np.float32)[:, np.newaxis]
        for source in (X, cut(X, 37), cut(X, 400)):
            windows = Windows(source, 2, np.random.RandomState(0))
            parts = [rows[:, 0] for (rows,) in windows.rows()]
            assert len(parts) > 4
            learned = np.concatenate(parts)
            for epoch in (learned[:N_ROWS], learned[N_ROWS:]):
                assert_array_equal(np.sort(epoch), X[:, 0])
            assert (learned[:N_ROWS] != learned[N_ROWS:]).any()
            assert_array_equal(windows.first(300)[:, 0], learned[:300])

    def test_order_of_the_table_is_kept_without_shuffle(self, monkeypatch):
        cut_tables(monkeypatch, 64, window=200)
        X = np.arange(N_ROWS, dtype=np.float32)[:, np.newaxis]
        for source in (X, cut(X, 37)):
            learned = [rows for (rows,) in Windows(source, 1).rows()]
            assert_array_equal(np.concatenate(learned), X)


SMALL = CSOM(shape=(5, 4), n_epochs=3)


class TestConsensus:
    @pytest.mark.parametrize(
        ("estimator", "with_errors"), [(None, False), (SMALL, False), (SMALL, True)]
    )
    def test_same_bits_as_in_memory(self, estimator, with_errors):
        X, errors = table(), np.random.default_rng(3).uniform(0.1, 1, (N_ROWS, 3))
        given = {"n_estimators": 3, "n_clusters": 4, "max_samples": 0.5}
        given |= {"random_state": 0}
        of_rows = {"errors": errors} if with_errors else {}
        one = ConsensusClusterer(estimator, **given).fit(X, **of_rows)
        for chunks in (1003, 300, 37):
            lazily = {name: cut(values, 100) for name, values in of_rows.items()}
            other = ConsensusClusterer(estimator, **given)
            other.fit(cut(X, chunks), **lazily)
            assert isinstance(other.labels_, da.Array)
            assert_same(one, other, ["labels_", "agreement_", "distances_"])
            assert_same(one.representative_, other.representative_, OF_UNITS)
            found = other.predict(cut(X, chunks), return_agreement=True, **lazily)
            expected = one.predict(X, return_agreement=True, **of_rows)
            for array, lazy_array in zip(expected, found, strict=True):
                assert_array_equal(lazy_array.compute(), array)

    def test_member_without_predict_is_refused(self):
        consensus = ConsensusClusterer(AgglomerativeClustering(), n_clusters=2)
        with pytest.raises(ValueError, match="take a clusterer with predict"):
            consensus.fit(cut(table(), 300))


class TestBadInput:
    def test_another_number_of_axes(self):
        with pytest.raises(ValueError, match=r"CSOM takes a table .* shape \(1003,\)"):
            CSOM().fit(da.from_array(table()[:, 0]))

    def test_unknown_chunk_sizes(self):
        X = cut(table(), 300)
        with pytest.raises(ValueError, match=r"compute_chunk_sizes\(\)"):
            CSOM().fit(X[X[:, 0] > 0])

    def test_chunks_along_the_features(self):
        X = table()
        with pytest.warns(UserWarning, match="2 parts along the features"):
            csom = CSOM(4, shape=(5, 4), n_epochs=2).fit(da.from_array(X, (300, 2)))
        assert_same(CSOM(4, shape=(5, 4), n_epochs=2).fit(X), csom, ["codebook_"])

    def test_blocks_of_several_types(self):
        X = cut(table(), 300)

        def widened(rows, block_info=None):
            return (
                rows.astype("f8") if block_info[0]["chunk-location"][0] == 1 else rows
            )

        wrong = X.map_blocks(widened, dtype="f4", meta=X._meta)
        with pytest.raises(ValueError, match="rows from 300 on are float64"):
            CSOM().fit(wrong)

    @pytest.mark.parametrize("value", [np.inf, -np.inf])
    def test_infinity_is_named(self, value):
        X = table()
        X[777, 1] = value
        with pytest.raises(ValueError, match="inf in row 777, column 1"):
            CSOM().fit(cut(X, 300))
        csom = CSOM(4, shape=(5, 4), n_epochs=2).fit(table())
        labels = csom.predict(cut(X, 300))  # lazily: not yet
        with pytest.raises(ValueError, match="inf in row 777, column 1"):
            labels.compute()

    def test_errors_and_weights_name_their_row(self):
        X, errors = table(), np.ones((N_ROWS, 3))
        errors[888, 2] = -1
        with pytest.raises(ValueError, match=r"Got -1\.0 in row 888, column 2"):
            CSOM().fit(cut(X, 300), errors=cut(errors, 300))
        weights = np.ones(N_ROWS)
        weights[5] = -1
        with pytest.raises(ValueError, match="Negative values"):
            CSOM().fit(cut(X, 300), sample_weight=cut(weights, 300))
        with pytest.raises(ValueError, match=r"'sample_weight' must have the shape"):
            CSOM().fit(cut(X, 300), sample_weight=weights[1:])

    def test_other_number_of_features(self):
        csom = CSOM(4, shape=(5, 4), n_epochs=2).fit(table())
        with pytest.raises(ValueError, match="2 features, but CSOM is expecting 3"):
            csom.predict(cut(table()[:, :2], 300))

    def test_what_needs_memory_says_so(self):
        X = cut(table(), 300)
        with pytest.raises(ValueError, match="use algorithm='batch'"):
            CSOM(algorithm="online").fit(X)
        with pytest.raises(ValueError, match="use init='pca'"):
            CSOM(init="random").fit(X)

    def test_empty(self):
        with pytest.raises(ValueError, match="empty table"):
            CSOM().fit(da.zeros((0, 3), chunks=(1, 3)))
        csom = CSOM(4, shape=(5, 4), n_epochs=2).fit(table())
        with pytest.raises(ValueError, match="feature"):
            CSOM().fit(cut(np.full((100, 2), np.nan, dtype="f4"), 30))
        assert csom.predict(cut(table(), CHUNKS[-1])).shape == (N_ROWS,)


@pytest.mark.parametrize("dtype", [np.int16, np.float16, ">f4"])
def test_other_types_become_floats(dtype):
    X = np.round(table(dtype=np.float64)).astype(dtype)
    one = CSOM(4, shape=(5, 4), n_epochs=2).fit(X)
    other = CSOM(4, shape=(5, 4), n_epochs=2).fit(cut(X, 300))
    assert_same(one, other, ["codebook_", *OF_SAMPLES])


def test_no_warning_and_no_cluster_unasked():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CSOM(4, shape=(5, 4), n_epochs=2).fit(cut(table(), 300)).labels_.compute()

# SPDX-License-Identifier: BSD-3-Clause
"""Checkpoints: a fit that was broken off anywhere goes on to the same bits."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import dask.array as da
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.report import load_model, save_model
from skesom.som import CSOM, ESOM, ConsensusClusterer, MapClassifier, _row_order
from skesom.som._checkpoint import Checkpoint
from skesom.som._network import Network

pytestmark = pytest.mark.filterwarnings("ignore:The network reached max_nodes")

ONLINE = CSOM(3, shape=(6, 5), n_epochs=5, algorithm="online", random_state=0)
MAPS = {
    "batch": CSOM(3, shape=(6, 5), n_epochs=5),
    "shape from data": CSOM(3, shape="auto", n_epochs=5, topology="rectangular"),
    "random units": CSOM(3, shape=(4, 3), n_epochs=5, init="random", random_state=3),
    "layers": CSOM(3, shape=(6, 5), n_epochs=5, layers=[{"shape": (3, 2)}]),
    "online": ONLINE,
    "weighted angles": clone(ONLINE).set_params(
        metric="cosine", feature_weights=[1, 2, 3, 1, 1, 1, 1, 1, 0.3]
    ),
    "esom": ESOM(3, n_epochs=5, random_state=0),
    "esom that merges": ESOM(3, n_epochs=5, epsilon=1.0, max_nodes=60, random_state=0),
    "ball": ESOM(3, n_epochs=5, update_set="ball", shuffle=False),
}
SEEDLESS = {
    "online": clone(ONLINE).set_params(random_state=None),
    "esom": ESOM(3, n_epochs=5),
}
RESULTS = ["codebook_", "unit_labels_", "labels_", "hits_", "quantization_error_"]


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(700, 9)) + 3 * rng.integers(3, size=(700, 1))
    X[rng.random(X.shape) < 0.05] = np.nan
    return X.astype(np.float32)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fit.checkpoint"


class BrokenOffError(Exception):
    """Stands for all that can end a fit."""


@pytest.fixture
def saves(monkeypatch):
    """Record what is saved to files; let a fit break off after one of them."""
    save = Checkpoint.save

    class Saves(list):
        last = None

    saves = Saves()

    def recorded(self, done, *args, **how):
        before, self._saved = self._saved, None
        save(self, done, *args, **how)
        if self._saved is None:
            self._saved = before
            return
        saves.append(done)
        if done == saves.last:
            saves.last = None
            raise BrokenOffError

    monkeypatch.setattr(Checkpoint, "save", recorded)
    return saves


def break_off(som, number, saves, *args, **how):
    saves.last = number
    with pytest.raises(BrokenOffError):
        som.fit(*args, **how)
    del saves[:]


def assert_same(one, other):
    for name in RESULTS:
        assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert_array_equal(one.connections_.toarray(), other.connections_.toarray())


@pytest.mark.parametrize("number", [1, 3, 5])
@pytest.mark.parametrize("name", MAPS)
def test_goes_on_to_the_same_bits(name, number, X, path, saves):
    expected = clone(MAPS[name]).fit(X)
    som = clone(MAPS[name]).set_params(checkpoint=path)
    break_off(som, number, saves, X)
    assert os.listdir(path.parent) == [path.name]  # nothing beside it
    som.fit(X)
    assert saves == list(range(number + 1, 6))  # nothing was learned again
    assert_same(expected, som)
    if isinstance(som, CSOM):
        assert_array_equal(expected.training_errors_, som.training_errors_)
    else:
        assert expected.epsilon_ == som.epsilon_
    assert os.listdir(path.parent) == []


def test_network_is_restored_bit_by_bit():
    X = np.random.default_rng(0).normal(size=(3000, 33))
    network = ESOM(epsilon=6.0, random_state=0).fit(X)._network
    numbers, arrays = network.state()
    again = Network.restored(json.loads(json.dumps(numbers)), arrays)
    assert again.state()[0] == numbers
    used = {"codebook": np.s_[:, : network.n_nodes]}  # the rest is padding
    for name, array in again.state()[1].items():
        place = used.get(name, ...)
        assert_array_equal(array[place], arrays[name][place], err_msg=name)


def test_node_linked_to_itself_is_refused():
    X = np.random.default_rng(0).normal(size=(300, 3))
    network = ESOM(epsilon=2.0, random_state=0).fit(X)._network
    network.check()
    network.set_links(np.array([0, 2]), np.array([1, 2]), np.ones(2))
    with pytest.raises(ValueError, match="do not fit together"):
        network.check()


@pytest.mark.parametrize("algorithm", ["batch", "online"])
def test_weights_and_errors(algorithm, X, path, saves):
    rng = np.random.default_rng(1)
    how = {"sample_weight": rng.uniform(size=len(X)).round(2)}
    how["errors"] = rng.uniform(0.1, 1, X.shape)
    som = CSOM(3, shape=(4, 3), n_epochs=4, algorithm=algorithm, random_state=0)
    expected = clone(som).fit(X, **how)
    som.set_params(checkpoint=str(path))
    break_off(som, 2, saves, X, **how)
    for name in how:
        with pytest.raises(ValueError, match=rf"{name} was float.* and is now None"):
            som.fit(X, **{**how, name: None})
    assert_same(expected, som.fit(X, **how))


def test_samples_of_classes(X, path, saves):
    y = np.arange(len(X)) % 3
    esom = ESOM(n_epochs=3, random_state=0)
    expected = MapClassifier(esom, label_rule="grow").fit(X, y)
    classifier = MapClassifier(clone(esom), label_rule="grow")
    classifier.set_params(estimator__checkpoint=path)
    break_off(classifier, 2, saves, X, y)
    with pytest.raises(ValueError, match="classes was int64"):
        classifier.fit(X, y[::-1])
    assert_array_equal(classifier.fit(X, y).class_hits_, expected.class_hits_)
    assert saves == [3]


@pytest.mark.parametrize("lazy", [False, True])
def test_windows_of_a_large_table(lazy, X, path, saves, monkeypatch):
    monkeypatch.setattr(_row_order, "ROWS", 64)
    monkeypatch.setattr(_row_order, "_WINDOW_ROWS", 150)  # two blocks of 64
    data = da.from_array(X, chunks=(64, -1)) if lazy else X
    expected = ESOM(3, n_epochs=2, random_state=0, checkpoint=path).fit(X)
    n_windows = len(saves)
    assert n_windows > 8  # so that the seventh is in the second epoch
    som = clone(expected)
    break_off(som, 7, saves, data)
    with pytest.raises(ValueError, match="chunks was"):
        som.fit(da.from_array(X, chunks=(50, -1)))
    assert_same(expected, som.fit(data))
    assert saves == list(range(8, n_windows + 1))


def test_lazy_table_goes_on_in_memory(X, path, saves):
    expected = CSOM(3, shape=(4, 3)).fit(X)
    som = CSOM(3, shape=(4, 3), checkpoint=path)
    break_off(som, 9, saves, da.from_array(X, chunks=(99, -1)))
    assert_same(expected, som.fit(X))


@pytest.mark.parametrize("name", SEEDLESS)
def test_order_without_a_seed_is_that_of_the_file(name, X, path, saves):
    som = clone(SEEDLESS[name]).set_params(checkpoint=path)
    break_off(som, 2, saves, X)
    content = path.read_bytes()
    one = clone(som).fit(X)
    assert not np.array_equal(one.codebook_, clone(som).fit(X).codebook_)  # anew
    path.write_bytes(content)
    assert_same(one, som.fit(X))


@pytest.mark.parametrize("name", SEEDLESS)
def test_generator_of_the_user_goes_on(name, X, path, saves):
    whole, broken = np.random.RandomState(5), np.random.RandomState(5)
    expected = clone(SEEDLESS[name]).set_params(random_state=whole).fit(X)
    som = SEEDLESS[name]
    som = type(som)(**{**som.get_params(), "random_state": broken, "checkpoint": path})
    break_off(som, 2, saves, X)
    broken.uniform(size=99)
    som.fit(X)
    if name == "online":  # the clone has a copy of the other
        whole = np.random.RandomState(5)
        type(som)(**{**som.get_params(), "random_state": whole}).fit(X)
        assert whole.randint(2**31) == broken.randint(2**31)
    assert_same(expected, som)


def test_every_few_epochs(X, path, saves):
    CSOM(3, shape=(3, 3), n_epochs=7, checkpoint=(path, 3)).fit(X)
    assert saves == [3, 6, 7]


def test_file_that_was_taken_away(X, path, monkeypatch):
    save = Checkpoint.save

    def saved_and_removed(self, *args, **how):
        save(self, *args, **how)
        path.unlink(missing_ok=True)

    monkeypatch.setattr(Checkpoint, "save", saved_and_removed)
    som = clone(MAPS["batch"]).set_params(checkpoint=path).fit(X)
    assert_same(clone(MAPS["batch"]).fit(X), som)


@pytest.mark.parametrize("som", [MAPS["batch"], MAPS["esom"]])
def test_stream_does_not_use_it(som, X, path):
    path.write_text("of somebody")
    stream = clone(som).set_params(checkpoint=path).partial_fit(X).partial_fit(X)
    assert path.read_text() == "of somebody"
    assert_same(stream, clone(som).partial_fit(X).partial_fit(X))


KILLED = """
import sys
import numpy as np
from skesom.som import CSOM, ESOM
X = np.load(sys.argv[1])
som = {"CSOM": CSOM, "ESOM": ESOM}[sys.argv[3]]
som(3, random_state=0, n_epochs=5000, checkpoint=sys.argv[2]).fit(X)
"""


@pytest.mark.parametrize("name", ["CSOM", "ESOM"])
def test_process_that_is_killed(name, X, path, tmp_path, saves):
    X = np.nan_to_num(X)
    np.save(tmp_path / "X.npy", X)
    command = [sys.executable, "-c", KILLED, tmp_path / "X.npy", path, name]
    with subprocess.Popen(command) as process:
        while not path.exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(0.3)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    done = saved_in(path)["done"]
    assert 1 <= done < 5000
    som = {"CSOM": CSOM, "ESOM": ESOM}[name](3, random_state=0, n_epochs=5000)
    break_off(som.set_params(checkpoint=path), done + 2, saves, X)
    whole = clone(som).set_params(checkpoint=tmp_path / "whole")
    break_off(whole, done + 2, saves, X)
    assert saved_in(path) == saved_in(tmp_path / "whole")


def saved_in(path):
    """Return the header of a checkpoint, and the arrays without padding of nodes."""
    _, header, data = path.read_bytes().split(b"\n", 2)
    header, place = json.loads(header), 0
    for name, (dtype, shape) in header["arrays"].items():
        array = np.ndarray(shape, dtype, data, place)
        place += array.nbytes
        if name == "codebook":
            array = array[:, : header["numbers"].get("n_nodes")]
        header["arrays"][name] = array.tolist()
    return header


def changed(X, place):
    X = X.copy()
    X[place] += 1
    return X


OTHERS = {
    "n_epochs was 5 and is now 6": lambda som, X: (som.set_params(n_epochs=6), X),
    "n_clusters was 3 and is now 4": lambda som, X: (som.set_params(n_clusters=4), X),
    "sigma_decay was 'exp": lambda som, X: (som.set_params(sigma_decay=min), X),
    "shape was": lambda som, X: (som.set_params(shape=[6, 5]), X),
    "estimator was CSOM and is now ESOM": lambda som, X: (
        ESOM(checkpoint=som.checkpoint),
        X,
    ),
    r"X was float32 of shape \(700, 9\)": lambda som, X: (som, X[:-1]),
    "X was float32 of .* float64": lambda som, X: (som, X.astype(float)),
    "X was .* and is": lambda som, X: (som, changed(X, 0)),
    "X was .* and is now": lambda som, X: (som, changed(X, -1)),
}


@pytest.mark.parametrize("problem", OTHERS)
def test_another_fit_is_refused(problem, X, path, saves, monkeypatch):
    break_off(MAPS["batch"].set_params(checkpoint=path), 2, saves, X)
    content = path.read_bytes()
    if "sigma_decay" in problem:
        monkeypatch.setitem(globals(), "min", lambda first, last, x: last + 0 * x)
    som, other = OTHERS[problem](clone(MAPS["batch"]), X)
    MAPS["batch"].set_params(checkpoint=None)
    with pytest.raises(ValueError, match=f"{path}: {problem}.*delete the file"):
        som.fit(other)
    assert path.read_bytes() == content


def test_another_function_of_the_same_name_is_refused(X, path, saves):
    decays = [lambda a, b, t, n=n: a + (b - a) * t**n for n in (1, 2)]
    som = CSOM(3, shape=(3, 3), sigma_decay=decays[0], checkpoint=path)
    break_off(som, 2, saves, X)
    with pytest.raises(ValueError, match="sigma_decay was"):
        som.set_params(sigma_decay=decays[1]).fit(X)
    som.set_params(sigma_decay=lambda a, b, t: a + (b - a) * t).fit(X)


@pytest.fixture
def saved(X, path, saves):
    """Return the bytes of a checkpoint of an ESOM."""
    break_off(clone(MAPS["esom"]).set_params(checkpoint=path), 2, saves, X)
    return path.read_bytes()


def refused(content, problem, X, path, som=MAPS["esom"]):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=problem) as caught:
        clone(som).set_params(checkpoint=path).fit(X)
    assert str(path) in str(caught.value)
    assert "delete the file" in str(caught.value)
    assert path.read_bytes() == content


def test_files_of_other_kinds_are_refused(saved, X, path):
    for content in (b"", b"SIMPLE  =   T", b"\x80\x04.", b"PK\x03\x04", b"\n" * 99):
        refused(content, "another version of skesom, or none", X, path)
    other = saved.replace(b"skesom checkpoint 1", b"skesom checkpoint 2", 1)
    refused(other, "another version of skesom.*checkpoint 2", X, path)


def test_damaged_files_are_refused(saved, X, path):
    rng = np.random.default_rng(0)
    for length in [20, 21, 84, 85, *rng.integers(85, len(saved), 10), len(saved) - 1]:
        refused(saved[:length], "it is damaged", X, path)
    for place in rng.integers(20, len(saved), 20):
        flipped = bytearray(saved)
        flipped[place] ^= 1 << rng.integers(8)
        refused(bytes(flipped), "it is damaged", X, path)
    refused(saved + b"\0", "it is damaged", X, path)


def rewritten(saved, change):
    """Return a checkpoint whose header was changed, with the digest it should have."""
    first, header, arrays = saved.split(b"\n", 2)
    header = json.loads(header)
    change(header)
    return sealed(first, json.dumps(header).encode() + b"\n" + arrays)


def sealed(first, content):
    digest = hashlib.sha256(content).hexdigest().encode()
    return first[: len("skesom checkpoint 1 ")] + digest + b"\n" + content


def of(*names, value):
    def change(header):
        for name in names[:-1]:
            header = header[name]
        header[names[-1]] = value

    return change


HOSTILE = {
    "huge": of("arrays", "fill", value=["<f4", [2**40]]),
    "huge product": of("arrays", "fill", value=["<f8", [2**62, 2**62]]),
    "empty rows": of("arrays", "codebook", value=["<f4", [2**40, 0]]),
    "negative": of("arrays", "fill", value=["<f4", [-9]]),
    "objects": of("arrays", "fill", value=["|O", [9]]),
    "bytes": of("arrays", "fill", value=["|S4", [9]]),
    "fewer features": of("arrays", "fill", value=["<f4", [8]]),
    "names": of("arrays", value=7),
    "no arrays": of("arrays", value={}),
    "no nodes": of("numbers", "n_nodes", value=0),
    "more nodes": of("numbers", "n_nodes", value=2**40),
    "half a node": of("numbers", "n_nodes", value=1.5),
    "no number": of("numbers", "n_nodes", value="9"),
    "links": of("numbers", "n_links", value=2**30),
    "slots": of("numbers", "n_slots", value=2**30),
    "chain": of("numbers", "unused", value=2**40),
    "no chain": of("numbers", "unused", value=-1.0),
    "pool": of("numbers", "pool_used", value=2**40),
    "epsilon": of("numbers", "epsilon", value=float("nan")),
    "no windows": of("done", value=-1),
    "windows": of("done", value=[3]),
    "place in the draws": of("draws", "state", "pos", value=2**20),
    "few draws": of("draws", "state", "key", value=[1, 2]),
    "no draws": of("draws", value=None),
    "about": of("about", value=[1]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(name, saved, X, path):
    refused(rewritten(saved, HOSTILE[name]), "cannot go on", X, path)


def test_hostile_arrays_are_refused(saved, X, path):
    first, header, arrays = saved.split(b"\n", 2)
    place = 0
    for name, (dtype, shape) in json.loads(header)["arrays"].items():
        size = np.dtype(dtype).itemsize * int(np.prod(shape))
        if name in ("begin", "degree", "room", "target", "slot", "ends", "codebook"):
            garbage = np.full(size, 0x7F, dtype=np.uint8).tobytes()
            garbage = arrays[:place] + garbage + arrays[place + size :]
            refused(sealed(first, header + b"\n" + garbage), "cannot go on", X, path)
        place += size


def test_hostile_headers_are_refused(saved, X, path):
    for header in (b"", b"[" * 10**5, b"{}", b"[1]", b"nul", b"9" * 5000, b"\xff"):
        refused(sealed(saved, header + b"\nabc"), "cannot go on", X, path)


HOSTILE_LATTICES = {
    "huge": of("numbers", "shape", value=[10**6, 10**6]),
    "negative": of("numbers", "shape", value=[-6, -5]),
    "one side": of("numbers", "shape", value=[30]),
    "text": of("numbers", "shape", value="ab"),
    "units": of("arrays", "codebook", value=["<f4", [29, 9]]),
    "type": of("arrays", "codebook", value=["<f8", [30, 9]]),
    "sums": of("arrays", "sums", value=["<f8", [3, 9]]),
    "curve": of("arrays", "curve", value=["<f8", [1]]),
    "epoch": of("done", value=3),
}


@pytest.mark.parametrize("name", HOSTILE_LATTICES)
def test_hostile_lattices_are_refused(name, X, path, saves):
    break_off(clone(MAPS["batch"]).set_params(checkpoint=path), 2, saves, X)
    content = rewritten(path.read_bytes(), HOSTILE_LATTICES[name])
    refused(content, "cannot go on", X, path, MAPS["batch"])


def test_failed_write_keeps_the_file(saved, X, path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        clone(MAPS["esom"]).set_params(checkpoint=path).fit(X)
    assert path.read_bytes() == saved
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(
    "checkpoint",
    ["missing/fit", ".", ("fit", 0), ("fit", 1.5), ("fit",), ("fit", 1, 1), (None, 1)],
)
def test_bad_place_is_refused_before_the_fit(checkpoint, X, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    som = CSOM(3, shape=(3, 3), checkpoint=checkpoint)
    with pytest.raises(ValueError, match="'checkpoint' must be the path"):
        som.fit(X)
    assert not hasattr(som, "codebook_")


def test_members_of_a_consensus_share_no_file(X, path):
    for member in (ESOM(), make_pipeline(StandardScaler(), CSOM())):
        names = [n for n in member.get_params() if n.endswith("checkpoint")]
        member.set_params(**dict.fromkeys(names, path))
        with pytest.raises(ValueError, match=f"share the file.*leave {names[0]} out"):
            ConsensusClusterer(member).fit(np.nan_to_num(X))


@pytest.mark.parametrize("end", ["skops", "joblib"])
def test_models_of_others_bring_no_path(end, X, path, tmp_path):
    save_model(tmp_path / f"som.{end}", CSOM(3, checkpoint=str(path)).fit(X))
    som, _ = load_model(tmp_path / f"som.{end}", trust=end == "joblib")
    assert som.checkpoint == (str(path) if end == "joblib" else None)


def test_layers_have_no_file_of_their_own(X, path):
    layers = [{"shape": 3, "checkpoint": path}]
    with pytest.raises(ValueError, match="Layer 2 of 'layers'"):
        CSOM(layers=layers, checkpoint=path).fit(X)

# SPDX-License-Identifier: BSD-3-Clause
"""Crafted headers and arrays in files of strangers end in one line, and no crash."""

import copy
import json
import subprocess
import sys
import warnings
import zipfile

import numpy as np
import pytest
from sklearn.pipeline import Pipeline

from skesom.cli import main
from skesom.report import load_model, save_model
from skesom.report._json_values import decode, whole
from skesom.report._provenance import read_run
from skesom.som import CSOM, ESOM, ConsensusClusterer, MapClassifier
from skesom.som._second_stage import NormalMixture

HEADERS = [
    *("AMDX1   = 'x'", "CNPIX1  = T", "PLTRAH  = 'x'", "PLTDECSN= 3", "PPO3    = 'a'"),
    *("WCSAXES = 65536", "NAXIS   =  999", "A_ORDER = 65536", " WCSAXES= 65536"),
    "A_ORDER = 2\nB_ORDER = 2\nA_0_2   = 'X: 3'",
    "A_ORDER = 2\nB_ORDER = 2\n A_0_2 = 'x'",
    "HIERARCH A_ORDER = 2\nHIERARCH B_ORDER = 2\nHIERARCH A_0_2 = 'x'",
    "CPDIS1  = 'LOOKUP'\nDP1     = 'EXTVER: 1'\nDP1     = 'NAXES: 2'",
    "CTYPE3  = 'WAVE-TAB'\nPS3_0   = '/etc/passwd'",
]
SKY = "CTYPE1  = 'RA---TAN-SIP'\nCTYPE2  = 'DEC--TAN-SIP'\nCRPIX1  = 1.\nCRPIX2  = 1.\n"
READ = """
import sys, warnings
warnings.simplefilter("ignore")
from skesom.report import load_model
from skesom.report._provenance import read_run
read = load_model if sys.argv[1].endswith(".skops") else read_run
try:
    read(sys.argv[1])
except ValueError as error:
    print(error)
"""


def lines_of(path):
    """Return what a process of its own says about a file."""
    command = [sys.executable, "-c", READ, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-500:]
    return done.stdout.splitlines()


class TestHeaders:
    """Headers as text, which WCSLIB reads."""

    @pytest.mark.parametrize(
        ("kind", "cards"),
        [("wcs", cards) for cards in HEADERS]
        # The last ones only fail when a WCS is made of them.
        + [("header", cards) for cards in HEADERS[:-2]],
    )
    def test_each_is_refused(self, kind, cards):
        # Without the check, most of these end the process; see the next tests.
        problem = r"^a\.json.*(A header in it|Unparsable card|Verif)"
        with pytest.raises(ValueError, match=problem), whole("a.json"):
            decode({kind: SKY + cards, "shape": [4, 4]})

    @pytest.mark.parametrize("cards", [HEADERS[0], HEADERS[10]])
    def test_no_crash_of_a_provenance(self, report, tmp_path, cards):
        told = json.loads(report["provenance.json"].read_text())
        steps = told["pipeline"]["parameters"]["steps"]
        steps[0]["tuple"][1]["parameters"]["grow"] = {"wcs": SKY + cards, "shape": None}
        path = tmp_path / "provenance.json"
        path.write_text(json.dumps(told))
        (line,) = lines_of(path)
        assert str(path) in line

    @pytest.mark.parametrize("cards", [HEADERS[2], HEADERS[10]])
    def test_no_crash_of_a_model(self, job, tmp_path, monkeypatch, cards):
        pytest.importorskip("skops")
        path = tmp_path / "model.skops"
        encoded = {"wcs": SKY + cards, "shape": None}
        monkeypatch.setattr("skesom.report._models.encode", lambda part: encoded)
        save_model(path, job)
        (line,) = lines_of(path)
        assert str(path) in line


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(2000, 3))


@pytest.fixture(scope="module")
def esom(X):
    return ESOM(epsilon=0.5, random_state=0).fit(X)


@pytest.fixture
def reload(tmp_path):
    """A function that saves a model and loads it as one of a stranger."""
    pytest.importorskip("skops")

    def save_and_load(model):
        save_model(tmp_path / "model.skops", model, overwrite=True)
        return load_model(tmp_path / "model.skops")[0]

    return save_and_load


def _put(name, place, value):
    def change(network):
        getattr(network, name)[place] = value

    return change


def _set(name, change):
    return lambda network: setattr(network, name, change(getattr(network, name)))


def _swap_lists(network):
    network.begin[[0, 1]] = network.begin[[1, 0]]


def _give_up_a_link(network):
    network.ends[:2] = -1, network.unused
    network.unused = 0


NETWORKS = {
    "neighbor outside": _put("target", slice(None), 10**6),
    "negative neighbor": _put("target", slice(None), -5),
    "slot outside": _put("slot", slice(None), 10**8),
    "wrong slots": _set("slot", np.zeros_like),
    "end outside": _put("ends", 0, 10**8),
    "other end outside": _put("ends", 1, -(2**31)),
    "link to itself": _put("ends", slice(0, 2), 0),
    "link without neighbors": _give_up_a_link,
    "list outside": _put("begin", 0, 10**8),
    "list before the start": _put("begin", 0, -1000),
    "list of another node": _swap_lists,
    "one list twice": _put("begin", slice(0, 2), 0),
    "long list": _put("degree", 0, 10**6),
    "negative list": _put("degree", 0, -1),
    "much room": _put("room", slice(None), 2**31 - 1),
    "used outside": _set("pool_used", lambda used: 10**9),
    "many slots": _set("n_slots", lambda n: 10**6),
    "few slots": _set("n_slots", lambda n: n // 2),
    "many links": _set("n_links", lambda n: n + 1),
    "unused outside": _set("unused", lambda first: 10**7),
    "unused in a circle": _set("unused", lambda first: 3),
    "many nodes": _set("n_nodes", lambda n: n + 1),
    "few nodes": _set("n_nodes", lambda n: n - 1),
    "no node": _set("n_nodes", lambda n: 0),
    "wide nodes": _set("n_nodes", lambda n: 2.5),
    "seen too many": _set("n_seen", lambda n: 2**70),
    "short pool": _set("target", lambda target: target[:5]),
    "short strengths": _set("strength", lambda strength: strength[:8]),
    "short ends": _set("ends", lambda ends: ends[:8]),
    "short identities": _set("identity", lambda identity: identity[:2]),
    "short classes": _set("node_class", lambda of_node: of_node[:2]),
    "wide numbers": _set("target", lambda target: target.astype(np.int64)),
    "another fill": _set("fill", lambda fill: fill[:1]),
    "fill of another type": _set("fill", lambda fill: fill.astype(np.float32)),
    "no numbers": _put("codebook", (0, 0), np.nan),
    "text": _set("begin", lambda begin: "begin"),
    "nothing": _set("slot", lambda slot: None),
}


class TestNetworks:
    """The arrays by which the kernel of an evolving map indexes."""

    @pytest.mark.parametrize("name", NETWORKS)
    def test_what_does_not_fit_is_refused(self, esom, reload, name):
        changed = copy.deepcopy(esom)
        NETWORKS[name](changed._network)
        with pytest.raises(ValueError, match=r"model\.skops cannot be loaded"):
            reload(changed)

    def test_any_number_in_any_array(self, esom, reload, X):
        """Whatever is not refused can go on learning."""
        rng = np.random.default_rng(0)
        names = "target slot ends begin degree room strength identity".split()
        for number in range(60):
            changed = copy.deepcopy(esom)
            array = getattr(changed._network, names[number % len(names)])
            array[rng.integers(len(array))] = rng.integers(-3, 200)
            try:
                loaded = reload(changed)
            except ValueError:
                continue
            loaded.partial_fit(X[:500] + 0.5)
            loaded._network.check()

    @pytest.mark.parametrize("max_nodes", [40, 2000])
    def test_a_network_goes_on_as_it_was(self, reload, X, max_nodes):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            esom = ESOM(epsilon=0.4, max_nodes=max_nodes, random_state=0)
            for start in range(0, 2000, 500):
                esom.partial_fit(X[start : start + 500])
                loaded = reload(esom)
                for each in (esom, loaded):
                    each.partial_fit(X[:300] + start / 500)
                np.testing.assert_array_equal(loaded.codebook_, esom.codebook_)
                assert (loaded.connections_ != esom.connections_).nnz == 0

    def test_nodes_that_are_not_those_of_the_codebook(self, esom, reload, X):
        changed = copy.deepcopy(esom)
        changed._network = ESOM(epsilon=1.0, random_state=0).fit(X)._network
        with pytest.raises(ValueError, match="not the nodes of its codebook"):
            reload(changed)


class TestUnits:
    """Arrays of one number for each unit."""

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("hits_", np.zeros(0, dtype=np.int64)),
            ("shape_", (300, 4)),
            ("shape_", (3, 5)),
            ("codebook_", np.full((12, 3), np.nan)),
            ("codebook_", np.zeros((12, 3), dtype=np.int64)),
            ("codebook_", np.zeros((12, 2))),
            ("codebook_", np.zeros((0, 3))),
            ("_network", 7),
        ],
    )
    def test_of_a_lattice(self, X, reload, name, value):
        som = CSOM(shape=(3, 4), n_clusters=2, random_state=0).fit(X)
        reload(som).predict(X)
        setattr(som, name, value)
        with pytest.raises(ValueError, match=r"model\.skops cannot be loaded"):
            reload(som)

    @pytest.mark.parametrize("labels", [np.zeros(3, dtype=np.int32), np.zeros(12)])
    def test_labels_of_units(self, X, reload, labels):
        som = CSOM(shape=(3, 4), n_clusters=2, random_state=0).fit(X)
        som.grouping_ = som.grouping_._replace(unit_labels=labels)
        with pytest.raises(
            ValueError, match=r"its unit_labels of shape .* labels: 12 units"
        ):
            reload(som)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("means", np.zeros((2, 2))),
            ("means", np.zeros((2, 3), dtype=np.float32)),
            ("factors", np.zeros((2, 3, 2))),
            ("factors", np.zeros((1, 3, 3))),
            ("constants", np.zeros(1)),
            ("labels", np.zeros(2)),
            ("labels", np.zeros(3, dtype=np.int32)),
        ],
    )
    def test_normals(self, X, reload, name, value):
        parts = np.zeros((2, 3)), np.zeros((2, 3, 3)), np.zeros(2)
        mixture = NormalMixture(*parts, np.zeros(2, dtype=np.int32))
        som = CSOM(shape=(3, 4), n_clusters=2, random_state=0).fit(X)
        som.grouping_ = som.grouping_._replace(mixture=mixture)
        reload(som).predict(X)
        mixture = mixture._replace(**{name: value})
        som.grouping_ = som.grouping_._replace(mixture=mixture)
        with pytest.raises(ValueError, match=f"its ({name}|normals|factors|labels) "):
            reload(som)

    @pytest.mark.parametrize("name", ["class_hits_", "unit_classes_", "_votes"])
    def test_of_a_classifier(self, X, reload, name):
        classifier = MapClassifier(CSOM(shape=(3, 4), random_state=0))
        classifier.fit(X, X[:, 0] > 0)
        reload(classifier)
        setattr(classifier, name, getattr(classifier, name)[:5])
        with pytest.raises(ValueError, match=r"model\.skops cannot be loaded"):
            reload(classifier)

    def test_votes_of_a_consensus(self, X, reload):
        members = ConsensusClusterer(CSOM(shape=(3, 4)), n_estimators=3, random_state=0)
        members.fit(X)
        reload(members)
        tables, homes, bias = members._votes
        for votes in [(tables[:2], homes[:2], bias), (tables, homes, bias[:-1])]:
            members._votes = type(members._votes)(*votes)
            with pytest.raises(ValueError, match=r"its votes of shape|zip\(\)"):
                reload(members)

    def test_votes_of_a_cut(self, X, reload):
        members = ConsensusClusterer(CSOM(shape=(3, 4)), n_estimators=3, random_state=0)
        cut = members.fit(X)._cut_at(1, X)
        reload(cut)
        votes = cut._cut.votes
        votes = votes._replace(overlaps=[table[:1] for table in votes.overlaps])
        cut._cut = cut._cut._replace(votes=votes)
        with pytest.raises(ValueError, match=r"its votes of shape|zip\(\)"):
            reload(cut)


class TestPipelines:
    """Parts that are no estimators, or make no sense together."""

    @pytest.mark.parametrize("step", [7, "passthrough", None, {"tuple": []}])
    def test_steps_of_a_run(self, report, tmp_path, step):
        told = json.loads(report["provenance.json"].read_text())
        told["pipeline"]["parameters"]["steps"][0]["tuple"][1] = step
        path = tmp_path / "provenance.json"
        path.write_text(json.dumps(told))
        with pytest.raises(ValueError, match=f"^{path} .*estimator"):
            read_run(path)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"pipeline": {"dict": []}}, "holds no pipeline"),
            ({"model": {"path": "m.skops"}}, "other images: apply m.skops again"),
            (
                {"images": {"read": {"dict": [["files", "a.fits"]]}, "files": []}},
                "its files are no lists",
            ),
        ],
    )
    def test_a_run_that_is_none(self, report, tmp_path, change, message):
        told = json.loads(report["provenance.json"].read_text())
        path = tmp_path / "provenance.json"
        path.write_text(json.dumps(told | change))
        with pytest.raises(ValueError, match=f"^{path} .*{message}"):
            read_run(path)

    @pytest.mark.parametrize("change", ["order", "type", "value"])
    def test_a_run_that_cannot_be_repeated(self, report, tmp_path, capsys, change):
        told = json.loads(report["provenance.json"].read_text())
        steps = told["pipeline"]["parameters"]["steps"]
        if change == "order":
            steps.reverse()
        else:
            parameters = steps[0]["tuple"][1]["parameters"]
            value = {"dict": []} if change == "type" else -7
            parameters.update(dict.fromkeys(parameters, value))
        path = tmp_path / "provenance.json"
        path.write_text(json.dumps(told))
        assert main(["cluster", "--from", str(path), "-o", str(tmp_path / "new")]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert str(path) in line
        assert not (tmp_path / "new").exists()

    @pytest.mark.parametrize("model", [7, None, ["a"], {}])
    def test_models_that_are_none(self, reload, model):
        with pytest.raises(ValueError, match="holds no model of skesom"):
            reload(model)

    @pytest.mark.parametrize("names", [7, [1, 2], {"a": "b"}])
    def test_names_that_are_none(self, esom, tmp_path, names):
        pytest.importorskip("skops")
        path = tmp_path / "model.skops"
        save_model(path, Pipeline([("som", esom)]), band_names=["a"])
        change_names(path, names)
        with pytest.raises(ValueError, match="holds no model of skesom"):
            load_model(path)

    def test_a_long_name(self, esom, tmp_path):
        pytest.importorskip("skops")
        path = tmp_path / "model.skops"
        save_model(path, esom)
        rewrite(path, '"ESOM"', f'"{"x" * 20_000}"')
        with pytest.raises(ValueError, match="not known to be harmless") as caught:
            load_model(path)
        assert len(str(caught.value)) < 1000

    @pytest.mark.parametrize("name", ["software", "pipeline", "band_names", "format"])
    def test_a_part_is_missing(self, esom, tmp_path, name):
        pytest.importorskip("skops")
        path = tmp_path / "model.skops"
        save_model(path, esom)
        rewrite(path, f'"{name}":', '"other":')
        with pytest.raises(ValueError, match=f"{path} (holds no|cannot be loaded)"):
            load_model(path)


def rewrite(path, old, new):
    """Replace a text in the schema of a skops file."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    text = files["schema.json"].decode()
    assert old in text
    files["schema.json"] = text.replace(old, new).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def change_names(path, names):
    """Put something else in the place of the band name in a model."""
    rewrite(path, '"\\"a\\""', json.dumps(json.dumps(names)))

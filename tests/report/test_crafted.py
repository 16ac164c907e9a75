# SPDX-License-Identifier: BSD-3-Clause
"""Crafted headers and arrays in files of strangers end in one line, and no crash."""

import copy
import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
from astropy import units
from sklearn.cluster import KMeans
from sklearn.pipeline import Pipeline

from skesom._common.file_errors import errors_naming
from skesom.cli import main
from skesom.consensus import ConsensusClusterer
from skesom.cube import SpatialFeatures
from skesom.runs import load_model, save_model
from skesom.runs._skops_files import _decoded_object, read_skops, write_skops
from skesom.runs.recipes import read_recipe
from skesom.som import CSOM, ESOM, MapClassifier

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
from skesom.runs import load_model
for path in sys.argv[1:]:
    try:
        load_model(path)
    except ValueError as error:
        print(error)
"""


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
        with pytest.raises(ValueError, match=problem), errors_naming("a.json"):
            _decoded_object({"encoded by skesom": {kind: SKY + cards, "shape": [4, 4]}})

    def test_no_crash_of_a_model(self, esom, tmp_path):
        """In a process of its own, which the first of these would end."""
        paths = []
        for number in (0, 2, 10):
            text = {"wcs": SKY + HEADERS[number], "shape": None}
            names = [{"encoded by skesom": text}]
            paths.append(tmp_path / f"{number}.skops")
            write_skops(paths[-1], {"pipeline": esom, "band_names": names})
        command = [sys.executable, "-c", READ, *map(str, paths)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr[-500:]
        lines = done.stdout.splitlines()
        assert len(lines) == 3
        assert all(str(path) in line for path, line in zip(paths, lines, strict=True))


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(2000, 3))


@pytest.fixture(scope="module")
def esom(X):
    return ESOM(epsilon=0.5, random_state=0).fit(X)


@pytest.fixture
def reload(tmp_path):
    """A function that saves a model and loads it as one of a stranger."""

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
        with pytest.raises(ValueError, match="not the units of its codebook"):
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
            ValueError, match=r"its unit_labels of shape .* labels for 12 units"
        ):
            reload(som)

    @pytest.mark.parametrize("name", ["leaf_of_unit", "sizes"])
    def test_tree(self, X, reload, name):
        som = CSOM(shape=(3, 4), n_clusters=2, random_state=0).fit(X)
        unit_tree = reload(som).grouping_.unit_tree
        np.testing.assert_array_equal(unit_tree.leaf_of_unit, range(12))
        shorter = getattr(unit_tree, name)[:-1]
        unit_tree = unit_tree._replace(**{name: shorter})
        som.grouping_ = som.grouping_._replace(unit_tree=unit_tree)
        with pytest.raises(ValueError, match=r"its (children|leaf_of_unit) of"):
            reload(som)

    @pytest.mark.parametrize("name", ["class_hits_", "unit_classes_", "_votes"])
    def test_of_a_classifier(self, X, reload, name):
        classifier = MapClassifier(CSOM(shape=(3, 4), random_state=0))
        classifier.fit(X, X[:, 0] > 0)
        reload(classifier)
        setattr(classifier, name, getattr(classifier, name)[:5])
        with pytest.raises(ValueError, match=r"model\.skops cannot be loaded"):
            reload(classifier)

    def test_of_features(self, reload):
        data = np.random.default_rng(0).normal(size=(9, 9, 2))
        features = SpatialFeatures(fwhm=3 * units.pixel).fit(data)
        again = reload(features)
        np.testing.assert_array_equal(again.transform(data), features.transform(data))
        features.psf_pixels_ = features.psf_pixels_[:1]
        with pytest.raises(ValueError, match=r"its psf_pixels_ of shape \(1,\)"):
            reload(features)
        features.psf_pixels_ = np.full(2, 1e300)  # for which no memory is enough
        assert np.isfinite(reload(features).transform(data)).all()

    @pytest.mark.parametrize("cut_at", [None, 1])
    def test_votes_of_a_consensus(self, X, reload, cut_at):
        X = X + 9 * (np.arange(len(X)) % 3)[:, np.newaxis]
        csom = CSOM(3, shape=(3, 4))
        members = ConsensusClusterer(csom, n_estimators=3, random_state=0).fit(X)
        if cut_at is not None:
            members = members._cut_at(cut_at, X)
        reload(members)
        tables, overlaps, bias = members._piece_votes.votes
        short = [table[:1] for table in overlaps]
        for votes in [
            (tables[:2], overlaps[:2], bias),
            (tables, overlaps, bias[:-1]),
            (tables, short, bias),
        ]:
            votes = type(members._piece_votes.votes)(*votes)
            members._piece_votes = members._piece_votes._replace(votes=votes)
            with pytest.raises(ValueError, match=r"its votes of shape|zip\(\)"):
                reload(members)


class TestPipelines:
    """Parts that are no estimators, or make no sense together."""

    @pytest.fixture
    def told(self, plain_report, tmp_path):
        """Provenance and recipe of a run, and a function that writes changed ones."""
        home = plain_report["provenance.json"].parent
        provenance = json.loads((home / "provenance.json").read_text())
        recipe = read_skops(home / "recipe.skops", trust=False)

        def write():
            (tmp_path / "provenance.json").write_text(json.dumps(provenance))
            write_skops(tmp_path / "recipe.skops", recipe)
            return tmp_path

        return provenance, recipe, write

    @pytest.mark.parametrize("step", [7, "passthrough", None, ()])
    def test_steps_of_a_run(self, told, step):
        _, recipe, write = told
        steps = recipe["pipeline"].steps
        steps[0] = (steps[0][0], step)
        with pytest.raises(ValueError, match=f"^{write()}.*estimator"):
            read_recipe(write())

    @pytest.mark.parametrize(
        ("part", "key", "value", "message"),
        [
            (1, "pipeline", {}, "is of no pipeline"),
            (1, "pipeline", KMeans(2), "is of no pipeline"),
            (1, "pipeline", Pipeline([]), "is of no pipeline"),
            (1, "format", "skesom model", "is no recipe of skesom"),
            (1, "source", {"files": "a.fits"}, "its files are no lists"),
            (1, "source", {"lost": 1}, "is damaged: TypeError"),
            (0, "model", {"path": "m.skops"}, "other images: apply m.skops again"),
            (0, "images", None, "names no files"),
        ],
    )
    def test_a_run_that_is_none(self, told, part, key, value, message):
        told[part][key] = value
        with pytest.raises(ValueError, match=f"^{told[2]()}.*{message}"):
            read_recipe(told[2]())

    @pytest.mark.parametrize("change", ["order", "type", "value"])
    def test_a_run_that_cannot_be_repeated(self, told, tmp_path, capsys, change):
        _, recipe, write = told
        if change == "order":
            recipe["pipeline"].steps.reverse()
        else:
            step = recipe["pipeline"][0]
            value = {} if change == "type" else -7
            vars(step).update(dict.fromkeys(step.get_params(), value))
        arguments = ["cluster", "--from", str(write()), "-o", str(tmp_path / "new")]
        assert main(arguments) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert str(tmp_path) in line
        assert not (tmp_path / "new").exists()

    @pytest.mark.parametrize("model", [7, None, ["a"], {}])
    def test_models_that_are_none(self, reload, model):
        with pytest.raises(ValueError, match="holds no model of skesom"):
            reload(model)

    @pytest.mark.parametrize("names", [7, [1, 2], {"a": "b"}])
    def test_names_that_are_none(self, esom, tmp_path, rewrite, names):
        path = tmp_path / "model.skops"
        save_model(path, Pipeline([("som", esom)]), band_names=["a"])
        rewrite(path, '"\\"a\\""', json.dumps(json.dumps(names)))
        with pytest.raises(ValueError, match="holds no model of skesom"):
            load_model(path)

    def test_a_long_name(self, esom, tmp_path, rewrite):
        path = tmp_path / "model.skops"
        save_model(path, esom)
        rewrite(path, '"ESOM"', f'"{"x" * 20_000}"')
        with pytest.raises(ValueError, match="not known to be harmless") as caught:
            load_model(path)
        assert len(str(caught.value)) < 1000

    @pytest.mark.parametrize("name", ["software", "pipeline", "band_names", "format"])
    def test_a_part_is_missing(self, esom, tmp_path, rewrite, name):
        path = tmp_path / "model.skops"
        save_model(path, esom)
        rewrite(path, f'"{name}":', '"other":')
        with pytest.raises(ValueError, match=f"{path} (holds no|cannot be loaded)"):
            load_model(path)

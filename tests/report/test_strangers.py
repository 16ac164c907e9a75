# SPDX-License-Identifier: BSD-3-Clause
"""Files of strangers run nothing, import nothing, and read nothing that they name."""

import copy
import inspect
import io
import json
import os
import shutil
import sys
import zipfile

import joblib
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skesom.cli import main
from skesom.consensus import ConsensusClusterer
from skesom.cube import (
    AsinhStretch,
    CubeAligner,
    CubeMasker,
    CubeStore,
    FluxShape,
    FluxUnitConverter,
    FWHMConvolver,
    SpatialFeatures,
)
from skesom.io import read_catalog
from skesom.maps import CubeClusterer, MajorityVote
from skesom.runs import Run, load_model, read_cluster_groups, save_model
from skesom.runs._skops_files import read_skops, write_skops
from skesom.runs._untrusted_models import FREE_TEXTS, check_texts, classes_of_files
from skesom.runs.recipes import read_recipe, read_source
from skesom.som import CSOM, ESOM, MapClassifier

EVIL = """
from pathlib import Path
from sklearn.base import BaseEstimator, clone

Path(__file__).with_name("was_run").touch()


class X(BaseEstimator):
    def __init__(self, a=None):
        Path(__file__).with_name("was_made").touch()
"""
REFUSED = [  # what a file may not make, though skesom or scikit-learn has it
    *("evilmod.X", "os.system", "builtins.eval", "pathlib.Path", "functools.partial"),
    *("skesom.runs._models.Path", "skesom.runs._untrusted_models.importlib"),
    *("skesom.cube.base.Cube", "skesom.cube.base.importlib"),
    *("skesom.runs.image_source.ImageSource", "skesom.datasets.fetch_m83"),
    *("skesom.som._csom.np", "skesom.maps.crossmatch", "joblib.memory.Memory"),
    "sklearn.preprocessing._function_transformer.FunctionTransformer",
    *("sklearn.feature_extraction.text.CountVectorizer", "sklearn.datasets.load_files"),
    *("sklearn.utils._testing.BaseEstimator", "sklearn.cluster.KMeans.fit"),
    *("hdbscan.HDBSCAN", "sklearn.cluster._kmeans.np", "sklearn..cluster.KMeans"),
    *(".KMeans", "../evilmod.X", "evilmod\nX"),
]


@pytest.fixture
def trap(tmp_path, monkeypatch):
    """A folder from which a module can be imported; fails if one was."""
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "evilmod.py").write_text(EVIL)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "evilmod", raising=False)
    yield folder
    assert not list(folder.glob("was_*"))
    assert "evilmod" not in sys.modules


@pytest.fixture
def run_with(plain_report, tmp_path):
    """A function that reads a run of which something is changed."""
    home = plain_report["provenance.json"].parent
    provenance = json.loads((home / "provenance.json").read_text())
    recipe = read_skops(home / "recipe.skops", trust=False)

    def read(change, reader=read_recipe):
        told, made = copy.deepcopy(provenance), copy.deepcopy(recipe)
        change(told, made)
        (tmp_path / "provenance.json").write_text(json.dumps(told))
        write_skops(tmp_path / "recipe.skops", made)
        return reader(tmp_path)

    return read


class Bomb:
    """Runs a program when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (f"{self.folder}/was_unpickled",)


class TestMemory:
    """A memory of joblib unpickles whatever lies in its folder."""

    def test_a_poisoned_cache_beside_the_results(self, run_with, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        X = np.random.default_rng(0).normal(size=(20, 2))
        steps = [("scale", StandardScaler()), ("cluster", KMeans(2, n_init=1))]
        poisoned = Pipeline(steps, memory="cache").fit(X)
        outputs = list((tmp_path / "cache").rglob("output.pkl"))
        assert outputs
        for path in outputs:
            joblib.dump(Bomb(tmp_path), path)
        read = run_with(lambda told, made: made.update(pipeline=poisoned)).pipeline
        assert read.memory is None
        read.fit(X)
        assert not (tmp_path / "was_unpickled").exists()

    def test_threads_and_bars_are_those_of_here(self, run_with):
        steps = [("stretch", AsinhStretch(n_jobs=10**9)), ("map", ESOM(verbose=1))]
        read = run_with(lambda told, made: made.update(pipeline=Pipeline(steps)))
        assert read.pipeline["stretch"].n_jobs is AsinhStretch().n_jobs
        assert read.pipeline["map"].verbose == ESOM().verbose


_SECRET = "/home/me/secret.fits"
_STAMP = np.ones((3, 3))


class TestPlaces:
    """Texts in a recipe or a model that could name files or folders."""

    @pytest.mark.parametrize(
        "step",
        [
            FWHMConvolver(psfs=[_SECRET]),
            FWHMConvolver(psfs=(_STAMP, _SECRET)),
            FWHMConvolver(psfs={"a": _STAMP, "b": _SECRET}),
            FWHMConvolver(kernels=[None, [{"a": (_SECRET,)}]]),
            FWHMConvolver(psfs=[(_SECRET, 0.1, _STAMP)]),
            FWHMConvolver(psfs=["header"]),  # a choice, but of another parameter
            FWHMConvolver(psfs=_SECRET),
            FWHMConvolver(fwhm=_SECRET),
            FWHMConvolver(target_fwhm=_SECRET),
            FWHMConvolver(target_fwhm="3pix/../secret"),
            MajorityVote(fwhm=_SECRET),
            MajorityVote(fwhm="3pix/../secret"),
            CubeStore(folder="rows"),
            CubeMasker(exclude=[_SECRET]),
            CubeMasker(include="regions.reg"),
            CubeAligner(conserve=["flux", _SECRET]),
            AsinhStretch(noise={"a": "http://host/noise.fits"}),
            CSOM(layers=[(3, 3), {"shape": 3, "init": _SECRET}]),
            CSOM(init=[[_SECRET]]),
            CSOM(layers=[_SECRET]),
            ESOM(clusterer=_SECRET),
            KMeans(2, init="pca"),
            ColumnTransformer([], verbose_feature_names_out="{a:>999999999}"),
            Pipeline([("a", Pipeline([("b", CubeStore("rows"))]))]),
            CubeClusterer(ConsensusClusterer(CSOM(init=_SECRET))),
            RFE(KMeans(2, init=_SECRET)),
        ],
    )
    def test_none_is_taken(self, step, tmp_path):
        problem = r"parameter \w+ of \w+ holds the text .* name a file .*trust=True"
        save_model(tmp_path / "model.skops", step)
        load_model(tmp_path / "model.skops", trust=True)
        with pytest.raises(ValueError, match=problem):
            load_model(tmp_path / "model.skops")

    @pytest.mark.parametrize(
        "step",
        [
            FWHMConvolver(fwhm="header", psfs=[(_STAMP, 0.1, "psf.fits"), None]),
            FWHMConvolver(psfs={"F438W": _STAMP}, kernels={"F225W": _STAMP}),
            CubeAligner(align_to="F438W", conserve=["flux", "surface brightness"]),
            FluxShape(reference="F438W", noise={"F438W": 1.0}),
            FluxUnitConverter("MJy / sr", calibration={"F438W": 2.0}),
            MapClassifier(CSOM(), class_weight={"dust": 2.0}, unlabeled="none"),
            CSOM(layers=[{"shape": (3, 3), "neighborhood": "bubble"}, 2]),
            SelectFromModel(KMeans(2), threshold="mean"),
            FWHMConvolver(target_fwhm="5pix"),
            MajorityVote(fwhm="2.5pix"),
            SpatialFeatures(fwhm="3 arcsec"),
            ColumnTransformer([("a", StandardScaler(), ["x", "y"])]),
        ],
    )
    def test_choices_and_names_are(self, step, tmp_path):
        save_model(tmp_path / "model.skops", step)
        assert repr(load_model(tmp_path / "model.skops")[0]) == repr(step)

    def test_arrays_of_texts(self, tmp_path):
        for kind in (object, str):
            psfs = np.array([_SECRET, _SECRET], dtype=kind)
            save_model(tmp_path / "a.skops", FWHMConvolver(psfs=psfs), overwrite=True)
            with pytest.raises(ValueError, match="parameter psfs of FWHMConvolver"):
                load_model(tmp_path / "a.skops")

    def test_every_parameter_that_takes_any_text(self):
        """A new one must be decided on: it is a name, or it is refused."""
        found = {
            name
            for kind in classes_of_files().values()
            for name, limits in getattr(kind, "_parameter_constraints", {}).items()
            if {str, os.PathLike}.intersection(limits) and name not in FREE_TEXTS
        }
        of_lengths = {
            "fwhm",
            "target_fwhm",
        }  # which are taken as numbers with a unit only
        others = {"folder", "memory", "verbose_feature_names_out"}
        assert found <= others | of_lengths

    def test_what_comes_by_default_is_taken(self):
        for kind in {*classes_of_files().values()}:
            if issubclass(kind, BaseEstimator):
                given = inspect.signature(kind).parameters.items()
                default = {name: each.default for name, each in given}
                check_texts(kind, default)

    def test_in_a_folder_of_results(self, plain_report, job, galaxy, tmp_path, capsys):
        folder, home = tmp_path / "result", plain_report["provenance.json"].parent
        files = "provenance.json", "groups.json", "cluster_map.fits"
        folder.mkdir()
        for name in files:
            shutil.copy(home / name, folder)
        told = json.loads((folder / files[0]).read_text())
        stored = CubeStore(str(tmp_path)).fit(galaxy)
        pipeline = Pipeline([*job.steps[:-1], ("disk", stored), job.steps[-1]])
        save_model(folder / "model.skops", pipeline)
        recipe = read_skops(home / "recipe.skops", trust=False)
        write_skops(folder / "recipe.skops", recipe | {"pipeline": clone(pipeline)})
        images = [file["path"] for file in told["images"]["files"]]
        new = ["-o", str(tmp_path / "new")]
        for arguments in (
            ["cluster", "--from", str(folder), *new],
            ["predict", str(folder), *images, *new],
            ["name", str(folder), str(folder / "groups.json"), *new],
            ["explore", str(folder)],
        ):
            assert main(arguments) == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert "parameter folder of CubeStore" in line
            assert "--trust" in line
        assert {*tmp_path.iterdir()} == {folder}


class TestText:
    """Values in a provenance, a recipe, a list of clusters."""

    @pytest.mark.parametrize(
        "text",
        [
            {"wcs": "WCSAXES = 30000", "shape": None},
            {"wcs": "WCSAXES =   900\nCTYPE1  = 'RA---TAN'", "shape": [4, 4]},
            {"wcs": 7, "shape": None},
            {"header": "NAXIS   =    -1"},
            {"header": "NAXIS   =  900"},
            {"quantity": 1, "unit": "__import__('os').mkdir('was_run')"},
            {"quantity": 1.0, "unit": "m**" + "9" * 400},
            {"named unit": "(" * 3000},
            {"lost": 1},
        ],
    )
    def test_that_makes_no_sense(self, trap, run_with, text):
        def change(told, made):
            made["source"]["hdu"] = {"encoded by skesom": text}

        with pytest.raises(ValueError, match=r"recipe\.skops") as caught:
            run_with(change)
        assert len(str(caught.value)) < 1000

    @pytest.mark.parametrize(
        "text", ["[" * 100_000, '{"a": ' + 5000 * "9" + "}", "\x00", "\ufeff{}", ""]
    )
    def test_json_of_any_kind(self, tmp_path, text):
        for name, read in [
            ("provenance.json", read_recipe),
            ("clusters.json", read_cluster_groups),
        ]:
            path = tmp_path / name
            path.write_text(text, encoding="utf-8")
            with pytest.raises(ValueError, match=f"{path} is no "):
                read(path)

    def test_json_without_end(self, tmp_path, monkeypatch):
        monkeypatch.setattr("skesom._common.file_errors._MAX_BYTES", 1000)
        (tmp_path / "provenance.json").write_text(" " * 2000)
        with pytest.raises(ValueError, match="more than 1000 bytes"):
            read_recipe(tmp_path)


def _places_in(part):
    """Yield the home and the key of every part of a JSON value."""
    keys = list(part) if isinstance(part, dict) else range(len(part))
    for key in keys:
        yield part, key
        if isinstance(part[key], dict | list):
            yield from _places_in(part[key])


_HOSTILE = {
    "NaN": float("nan"),
    "infinity": float("inf"),
    "negative": -1,
    "huge": 10**30,
    "list": [1, [2]],
    "dict": {"a": 1},
    "nothing": None,
    "long": "x" * 50_000,
    "deep": json.loads("[" * 90 + "]" * 90),
    "estimator": KMeans(2),
}


@pytest.mark.parametrize(
    "first", [0, *(pytest.param(n, marks=pytest.mark.long) for n in range(1, 10))]
)
@pytest.mark.filterwarnings("ignore:.*other versions:UserWarning")
def test_any_value_anywhere_in_a_run(run_with, tmp_path, first):
    """It is read, or one line of some length with the place tells what is wrong."""
    lines = []
    for place in range(100):
        name = [*_HOSTILE][(first + place) % len(_HOSTILE)]

        def change(told, made, place=place, name=name):
            places = [*_places_in(made)]
            if name != "estimator":
                for part in ("images", "software", "result"):
                    places += [(told, part), *_places_in(told[part])]
            home, key = places[place % len(places)]
            home[key] = _HOSTILE[name]

        try:
            run_with(change)
        except OSError as error:  # of an image
            lines.append(str(error))
        except ValueError as error:
            lines.append(str(error))
            assert str(tmp_path) in lines[-1]
    assert max(map(len, lines)) < 1500
    assert not any("\n" in line for line in lines)


@pytest.mark.parametrize("text", ["NaN", "1e400", "-1", "9" * 5000, "[" * 20_000])
@pytest.mark.parametrize("key", ["name", "labels", "color"])
def test_any_value_in_groups(tmp_path, key, text):
    group = {"name": "a", "labels": [0], "color": None} | {key: "here"}
    groups = {"format": "skesom clusters", "version": 1, "clusters": [group]}
    path = tmp_path / "groups.json"
    path.write_text(json.dumps(groups).replace('"here"', text))
    with pytest.raises(ValueError, match=f"^{path} ") as caught:
        read_cluster_groups(path)
    assert len(str(caught.value)) < 1000


class TestPaths:
    """Files that a run names."""

    @pytest.mark.parametrize("role", ["files", "exclude", "masks"])
    def test_only_those_that_the_provenance_describes(self, run_with, tmp_path, role):
        (tmp_path / "secret.fits").write_text("mine")

        def change(told, made):
            made["source"][role] = (str(tmp_path / "secret.fits"),)

        with pytest.raises(ValueError, match=r"provenance\.json is damaged: KeyError"):
            run_with(change, read_source)

    @pytest.mark.parametrize(
        "secret", ["secret.fits", "/dev/zero", "http://127.0.0.1:9/x.fits", "\x00"]
    )
    def test_another_content(self, run_with, tmp_path, secret):
        (tmp_path / "secret.fits").write_text("mine")

        def change(told, made):
            path = str(tmp_path / secret)
            _, *others = made["source"]["files"]
            made["source"]["files"] = (path, *others)
            told["images"]["files"][0] |= {"path": path, "beside": secret}

        with pytest.raises((ValueError, OSError)):
            run_with(change, read_source)

    def test_a_file_without_end(self, run_with, monkeypatch):
        """It is not read, if its size is another one."""

        def change(told, made):
            for file in told["images"]["files"]:
                file["size"] += 1

        monkeypatch.setattr("skesom.runs.provenance.file_digest", pytest.fail)
        with pytest.raises(ValueError, match="has changed since the run"):
            run_with(change, read_source)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes")
    def test_a_pipe_does_not_block(self, run_with, tmp_path):
        os.mkfifo(tmp_path / "pipe.fits")

        def change(told, made):
            for file in told["images"]["files"]:
                file["path"] = file["beside"] = str(tmp_path / "pipe.fits")

        with pytest.raises((ValueError, OSError)):
            run_with(change, read_source)
        for name, read in (
            ("recipe.skops", read_recipe),
            ("provenance.json", Run.read),
        ):
            (tmp_path / name).unlink()
            os.mkfifo(tmp_path / name)
            with pytest.raises(FileNotFoundError, match=r"has no recipe|no result"):
                read(tmp_path)


def _node(kind, name, **more):
    """Return a part of a skops file."""
    module, _, name = name.rpartition(".")
    return {"__loader__": kind, "__module__": module, "__class__": name, **more}


def _plain(value):
    return _node("JsonNode", "builtins.str", content=json.dumps(value), is_json=True)


def _tuple(*items):
    return _node("TupleNode", "builtins.tuple", content=[*items])


def _dict(**items):
    keys = _node(
        "ListNode", "builtins.list", content=[_node("TypeNode", "builtins.str")]
    )
    return _node("DictNode", "builtins.dict", content=items, key_types=keys)


def _object(name, **values):
    return _node("ObjectNode", name, content=_dict(**values))


_PART = "here comes a text"
_PARTS = [  # what no file may hold of skops, by its loaders
    *(("ConstructorFromReduceNode", name) for name in ("evilmod.X", "skesom.som.CSOM")),
    ("ConstructorFromReduceNode", "astropy.wcs.wcs.WCS"),  # which opens a file
    *(("FunctionNode", name) for name in ("os.system", "numpy.exp")),
    ("FunctionNode", "skesom.datasets.fetch_m83"),
    *(("TypeNode", f"builtins.{name}") for name in ("map", "eval")),
    *(("TypeNode", name) for name in ("os.system", "skesom.som._csom.CSOM")),
    ("PartialNode", "functools.partial"),
    ("MethodNode", "sklearn.cluster._kmeans.KMeans"),
    ("OperatorFuncNode", "operator.methodcaller"),
    *((f"{kind}Node", "evilmod.X") for kind in ("Dict", "List", "Tuple", "Set")),
    ("NdArrayNode", "os.system"),  # a scalar of another kind
    ("RandomGeneratorNode", "numpy.random.Generator"),
    ("TreeNode", "sklearn.tree._tree.Tree"),
    ("LossNode", "os.system"),
    *((f"{kind}Node", "evilmod.X") for kind in ("Evil", "Cached")),
]


@pytest.fixture
def attacked(tmp_path):
    """A function that writes a model with another part, and loads it."""
    path = tmp_path / "model.skops"
    X = np.random.default_rng(0).normal(size=(50, 2))
    save_model(
        path, Pipeline([("cluster", KMeans(2, n_init=1, random_state=0).fit(X))])
    )
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}

    def load(part, more=(), *, trust=False, **options):
        schema = json.loads(files["schema.json"])
        schema["content"]["band_names"] = _PART if isinstance(part, str) else part
        schema = json.dumps(schema)
        if isinstance(part, str):
            schema = schema.replace(json.dumps(_PART), part)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
            for name, content in {**files, **dict(more)}.items():
                text = schema if name == "schema.json" else content
                archive.writestr(name, text)
        return load_model(path, trust=trust)

    return load


class TestSkops:
    """Models in skops files."""

    @pytest.mark.parametrize(("kind", "name"), _PARTS)
    def test_only_data_in_known_classes(self, trap, attacked, kind, name):
        problem = rf"not known to be harmless: {name} \({kind}\)\..*trust=True"
        for part in (_node(kind, name), _tuple(_node(kind, name))):
            with pytest.raises(ValueError, match=problem):
                attacked(part)

    @pytest.mark.parametrize("name", REFUSED)
    def test_only_known_classes(self, trap, attacked, name):
        for part in (_object(name), _node("TypeNode", name), _tuple(_object(name))):
            with pytest.raises(
                ValueError, match=r"not known to be harmless.*trust=True"
            ):
                attacked(part)

    @pytest.mark.parametrize("name", [None, 7, 1.5, True, ["evilmod.X"], {"class": 1}])
    def test_what_is_no_name(self, attacked, name):
        with pytest.raises(ValueError, match=r"not known to be harmless.*trust=True"):
            attacked(_object("a.b") | {"__class__": name})

    def test_trust_imports(self, trap, attacked):
        with pytest.raises(ValueError, match="holds no model"):
            attacked(_object("evilmod.X"), trust=True)
        (trap / "was_run").unlink()
        del sys.modules["evilmod"]

    def test_data(self, attacked):
        _, names = attacked(_plain(["a", "b"]))
        assert names == ["a", "b"]

    @pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", "lost.npy", ""])
    def test_files_outside(self, attacked, name):
        part = _node("NdArrayNode", "numpy.ndarray", type="numpy", file=name)
        with pytest.raises(ValueError, match=r"model\.skops cannot be loaded"):
            attacked(part)

    def test_arrays_of_objects(self, trap, attacked):
        part = _node("NdArrayNode", "numpy.ndarray", type="numpy", file="a.npy")
        array = np.array([Bomb(trap)], dtype=object)
        with pytest.raises(ValueError, match=r"model\.skops cannot be loaded"):
            attacked(part, {"a.npy": _npy(array, allow_pickle=True)})

    def test_bombs(self, attacked, monkeypatch):
        monkeypatch.setattr("skesom.runs._skops_files._MIN_LIMIT", 100_000)
        monkeypatch.setattr("skesom.runs._skops_files._MAX_EXPANSION", 2)
        zeros = _npy(np.zeros(1_000_000))
        part = _node("NdArrayNode", "numpy.ndarray", type="numpy", file="a.npy")
        with pytest.raises(ValueError, match="far more memory"):
            attacked(part, {"a.npy": zeros})
        small = {"a.npy": _npy(np.zeros(3000))}
        with pytest.raises(ValueError, match="holds no model"):  # it is read
            attacked(part, small)
        many = _node("ListNode", "builtins.list", content=[part] * 100)
        with pytest.raises(ValueError, match="far more memory"):
            attacked(many, small)
        inner = io.BytesIO()
        sparse.save_npz(inner, sparse.csr_array((1, 10_000_000)))
        inner = io.BytesIO()
        with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("data.npy", zeros)
        matrix = _node("SparseMatrixNode", "scipy.sparse._csr.csr_array", type="scipy")
        with pytest.raises(ValueError, match="far more memory"):
            attacked(matrix | {"file": "a.npz"}, {"a.npz": inner.getvalue()})
        with pytest.raises(ValueError, match="far more memory"):
            attacked(_plain("a" * 1_000_000))

    def test_sparse_matrices_that_reach_outside(self, attacked):
        matrix = sparse.csr_array(np.eye(3))
        matrix.indices[1] = 10**6
        buffer = io.BytesIO()
        sparse.save_npz(buffer, matrix)
        part = _node("SparseMatrixNode", "scipy.sparse._csr.csr_array", type="scipy")
        with pytest.raises(ValueError, match="cannot be loaded"):
            attacked(part | {"file": "a.npz"}, {"a.npz": buffer.getvalue()})

    def test_nested_without_end(self, attacked):
        first, last = json.dumps(_tuple(7)).split("7")
        with pytest.raises(ValueError, match="cannot be loaded"):
            attacked(first * 10_000 + "7" + last * 10_000)

    def test_what_use_could_do(self, tmp_path):
        X = np.random.default_rng(0).normal(size=(50, 2))
        kmeans = KMeans(2, n_init=1, random_state=0).fit(X)
        kmeans._n_threads = 10**9
        som = CSOM(shape=(3, 3), random_state=0).fit(X)
        som.n_jobs = 10**9
        pipeline = Pipeline([("som", som), ("cluster", kmeans)], memory="cache")
        save_model(tmp_path / "model.skops", pipeline)
        loaded, _ = load_model(tmp_path / "model.skops")
        assert loaded.memory is None
        assert loaded["som"].n_jobs <= os.cpu_count()
        assert loaded["cluster"]._n_threads <= os.cpu_count()

    @pytest.mark.parametrize("name", ["codebook_", "cluster_centers_"])
    def test_units_of_another_width(self, tmp_path, name):
        X = np.random.default_rng(0).normal(size=(50, 4))
        kind = CSOM(shape=(3, 3), random_state=0) if name == "codebook_" else KMeans(2)
        kind.fit(X)
        setattr(kind, name, np.zeros((5, 1)))
        save_model(tmp_path / "model.skops", kind)
        with pytest.raises(ValueError, match=f"its {name} of shape .* 4 features"):
            load_model(tmp_path / "model.skops")


def _npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


class TestCatalogs:
    """Tables of known objects."""

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
    @pytest.mark.parametrize(
        "text",
        [
            '<STREAM encoding="base64" href="{}"/>',
            "<v:STREAM\n href='{}'/>",
            '<!DOCTYPE V [<!ENTITY s SYSTEM "{}">]>',
        ],
    )
    def test_data_of_other_places(self, tmp_path, monkeypatch, encoding, text):
        def request(*args, **kwargs):
            pytest.fail("it asks for an address")

        monkeypatch.setattr("urllib.request.urlopen", request)
        path = tmp_path / "objects.xml"
        table = f"<VOTABLE><DATA><BINARY>{text}</BINARY></DATA></VOTABLE>"
        path.write_text(table.format("file:///etc/passwd"), encoding=encoding)
        with pytest.raises(ValueError, match="cannot be read as a catalog"):
            read_catalog(path)

    @pytest.mark.parametrize(
        "meta",
        [
            '!!python/object/apply:os.mkdir ["was_run"]',
            "{__serialized_columns__: {ra: {__class__: subprocess.Popen}}}",
        ],
    )
    def test_objects_in_the_head_of_a_table(self, trap, meta):
        path = trap / "objects.ecsv"
        path.write_text(
            "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: ra, datatype: float64}\n"
            f"# meta: {meta}\nra\n1\n"
        )
        with pytest.raises(ValueError, match="cannot be read as a catalog"):
            read_catalog(path)

# SPDX-License-Identifier: BSD-3-Clause
"""Random Pipelines of skesom and scikit-learn, and what is done with them.

A case chooses a table or a cube, steps and their parameters, and a check. It fails if
an error is no ValueError or names neither a parameter nor what is wrong with the data,
if the fit is not the same bits when it is repeated, when it has another number of
threads, or after a pickle, or if the data or the global random state change.
"""

import os
import pickle
import re
import traceback
import warnings

import numpy as np
import pandas as pd
from run import where
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    MinMaxScaler,
    Normalizer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from threadpoolctl import threadpool_limits

from skesom import (
    CSOM,
    ESOM,
    AsinhStretch,
    ColorScaler,
    ConsensusClusterer,
    CubeClassifier,
    CubeClusterer,
    CubeFlattener,
    CubeMasker,
    FluxShape,
    FWHMConvolver,
    MapClassifier,
    MapRegressor,
    PixelSampler,
    SkyMasker,
)
from skesom.cube import BandBinner, Cube
from skesom.maps import MajorityVote
from skesom.metrics import map_scorer

METHOD = "spawn"  # of processes: a child of os.fork has one thread only
LONGEST = 60.0  # seconds
# Words of messages about data, not about a parameter.
_OF_DATA = (
    "NaN|infinity|Infinite|finite|sample|samples|feature|features|dtype|rows|row|pixel|"
    "pixels|bands|band|classes|class|labels|label|values|clusters|array|cube|X|y|numbers"
).split("|")
_BAD = [-1, 0, 0.5, 1.5, "x", None, float("nan"), float("inf"), [], (2,), True, 1e300]


def pick(rng, values):
    """Return one of the values as it is, not as NumPy's."""
    return values[rng.integers(len(values))]


def some(rng, parameters, bad=0.03):
    """Return values for some of the parameters, a few of them forbidden."""
    chosen = {k: pick(rng, v) for k, v in parameters.items() if rng.random() < 0.3}
    if rng.random() < bad:
        chosen[pick(rng, list(parameters))] = pick(rng, _BAD)
    if chosen.get("random_state", 0) is None:  # another result each time
        del chosen["random_state"]
    return chosen


def make_table(rng):
    """Return a table and numbers for its rows."""
    n_rows = pick(rng, [1, 2, 3, 10, *[60, 200, 400] * 4])
    n_features = pick(rng, [1, 2, 3, 5, 9, 66])
    kinds = rng.integers(pick(rng, [1, 2, 5]), size=n_rows)
    X = 6 * rng.normal(size=(5, n_features))[kinds] + rng.normal(size=(n_rows, 1))
    if rng.random() < 0.7:
        X += rng.normal(size=X.shape)
    damage(rng, X)
    kind = pick(rng, ["f8"] * 4 + ["f4"] * 3 + [">f8", ">f4", "f2", "i4", "u1", "?"])
    if np.dtype(kind).kind != "f":
        X = np.nan_to_num(X, posinf=0, neginf=0).clip(0, 255)
    with np.errstate(over="ignore"):
        X = X.astype(kind)
    layout = pick(rng, ["C", "C", "C", "F", "strided", "frozen", "frame", "list"])
    if layout == "F":
        X = np.asfortranarray(X)
    elif layout == "strided":
        X = np.repeat(X, 2, axis=0)[::2]
    elif layout == "frozen":
        X.flags.writeable = False
    elif layout == "frame":
        native = X.astype(X.dtype.newbyteorder("="))  # pandas takes no other
        X = pd.DataFrame(native, columns=[f"c{i}" for i in range(n_features)])
    elif layout == "list":
        X = X.tolist()
    return X, kinds


def damage(rng, X):
    """Scale and shift columns, and put constants, gaps and infinities into them."""
    column = rng.integers(X.shape[-1])

    def happens(share):
        return rng.random() < share

    if happens(0.25):
        X *= 10.0 ** pick(rng, [-40, -9, -3, 2, 5, 9, 15, 30])
    if happens(0.15):
        X[..., column] *= 10.0 ** rng.integers(-20, 20)
    if happens(0.1):
        X += 10.0 ** rng.integers(0, 12)
    if happens(0.1):
        X[..., column] = 1.0
    if happens(0.03):
        X[...] = X.flat[0]
    if happens(0.3):
        X[rng.random(X.shape) < 0.1] = np.nan
    if happens(0.1):
        X[rng.random(X.shape[:-1]) < 0.2] = np.nan
    if happens(0.03):
        X[..., column] = np.nan
    if happens(0.01):
        X.flat[rng.integers(X.size)] = np.inf
    if happens(0.1):
        X[: len(X) // 2] = X[0]


def make_cube(rng):
    """Return a cube and labels of its pixels."""
    shape = pick(rng, [(1, 1), (1, 9), (6, 5), (16, 12), (24, 24)])
    n_bands = pick(rng, [1, 2, 3, 5])
    kinds = np.zeros(shape, int)
    kinds[:, shape[1] // 3 :] = 1
    kinds[shape[0] // 2 :] += 2
    data = 50 * rng.random((4, n_bands))[kinds] + rng.normal(size=(*shape, n_bands))
    damage(rng, data)
    with np.errstate(over="ignore"):
        data = data.astype(pick(rng, ["f4", "f4", "f8", ">f4"]))
    if rng.random() < 0.5:
        names = [f"F{300 + 100 * i}W" for i in range(n_bands)]
        fwhm = 1 + rng.random(n_bands)
        data = Cube(data, band_names=names, fwhm=fwhm, pixel_scale=(0.5, 0.5))
    return data, np.where(rng.random(shape) < 0.2, -3, kinds)


def make_map(rng):
    """Return a map of skesom with some parameters."""
    common = {
        "n_clusters": [1, 2, 3, 8, None, "auto"],
        "random_state": [0, 1, 2**32 - 1],
    }
    common["clusterer"] = ["tree", KMeans(2, n_init=1, random_state=0)]
    if rng.random() < 0.5:
        parameters = {
            **common,
            "epsilon": ["auto", 1e-9, 0.1, 1.0, 1e9],
            "learning_rate": [0.01, 0.5, 1.0],
            "forgetting": [0.0, 0.5, 0.99],
            "pruning_period": [0, 1, 7],
            "max_nodes": [1, 2, 10, 300],
            "link_second": [False],
            "update_set": ["ball"],
            "n_epochs": [1, 2, 3],
            "shuffle": [False],
        }
        return ESOM(**{"random_state": 0, **some(rng, parameters)})
    parameters = {
        **common,
        "shape": [(4, 4), (1, 1), (1, 7), (6, 3), 9, "auto"],
        "topology": ["rectangular"],
        "toroidal": [True],
        "neighborhood": ["cut_gaussian", "bubble", "epanechnikov"],
        "diameter": [0.5, 3, 100],
        "algorithm": ["online"],
        "n_epochs": [1, 2, 30],
        "sigma": [0.1, 1.0, 50.0],
        "learning_rate": [0.1, 1.0],
        "init": ["random"],
        "metric": ["manhattan", "cosine", "spectral_angle"],
        "layers": [[(2, 2)]],
    }
    start = {"shape": (5, 5), "n_epochs": 5, "random_state": 0}
    return CSOM(**{**start, **some(rng, parameters)})


def make_scaler(rng):
    """Return a step of scikit-learn from table to table."""
    return pick(
        rng,
        [
            StandardScaler(),
            RobustScaler(),
            MinMaxScaler(),
            Normalizer(),
            SimpleImputer(),
            SimpleImputer(strategy="median", add_indicator=True),
            PCA(pick(rng, [1, 2, None]), random_state=0),
            QuantileTransformer(n_quantiles=10, random_state=0),
            make_union(StandardScaler(), CSOM(shape=(2, 2), n_epochs=2)),
            make_column_transformer((StandardScaler(), [0]), remainder="passthrough"),
            make_map(rng),
        ],
    )


def make_table_model(rng):
    """Return a Pipeline for tables."""
    last = make_map(rng)
    kind = rng.random()
    weights = {"smoothing": [0, 1.0, 9.0], "n_neighbors": [1, 3, 40]}
    if kind < 0.15:
        rules = {"class_weight": ["balanced"]}
        if isinstance(last, ESOM):
            rules["label_rule"] = ["grow"]
        last = MapClassifier(last, **some(rng, {**weights, **rules}))
    elif kind < 0.25:
        last = MapRegressor(last, **some(rng, weights))
    elif kind < 0.35:
        choices = {"n_clusters": [2, 3, None], "max_samples": [0.5, 10]}
        last = ConsensusClusterer(
            last, n_estimators=3, random_state=0, **some(rng, choices)
        )
    return make_pipeline(*(make_scaler(rng) for _ in range(rng.integers(3))), last)


def make_cube_model(rng):
    """Return a Pipeline for cubes."""
    steps = [
        CubeMasker(**some(rng, {"mask_zeros": [True, False], "grow": [1, 3]})),
        SkyMasker(**some(rng, {"sky": ["mask", "keep"], "threshold": [0.5, 10.0]})),
        FWHMConvolver(**some(rng, {"target_fwhm": [3.0, "worst"], "fwhm": [1.0]})),
        AsinhStretch(**some(rng, {"softening": [0.1, 100.0], "noise": [1.0]})),
        FluxShape(**some(rng, {"method": ["asinh", "log"], "brightness": [True]})),
        ColorScaler(),
        BandBinner(pick(rng, [1, 2, 9])),
    ]
    chosen = [step for step in steps if rng.random() < 0.3]
    inner = make_pipeline(
        *(make_scaler(rng) for _ in range(rng.integers(2))), make_map(rng)
    )
    kind = rng.random()
    ways = {"min_bands": [1, 2]}
    if kind < 0.2:
        return make_pipeline(
            *chosen, CubeFlattener(**some(rng, {**ways, "pattern": ["voxel"]})), inner
        )
    if kind < 0.4:
        supervised = pick(rng, [None, KNeighborsClassifier(1), MapClassifier()])
        return make_pipeline(*chosen, CubeClassifier(supervised, **some(rng, ways)))
    extra = {
        "sampler": [PixelSampler(0.5, random_state=0)],
        "regularizer": [MajorityVote(fwhm=2.0)],
    }
    return make_pipeline(*chosen, CubeClusterer(inner, **some(rng, {**ways, **extra})))


def make_case(number):
    """Return the kind, the check, the model, the data and the truth of a case."""
    rng = np.random.default_rng([number, 15])
    kind = pick(rng, ["table", "table", "cube"])
    X, y = make_table(rng) if kind == "table" else make_cube(rng)
    model = make_table_model(rng) if kind == "table" else make_cube_model(rng)
    return kind, pick(rng, CHECKS), model, X, y


def write_case(number, folder):
    """Write the model and the data of a case."""
    (folder / f"{number}.pickle").write_bytes(pickle.dumps(make_case(number)[2:]))


def prepare(home):
    """Let processes that are spawned have threads."""
    os.environ.setdefault("OMP_NUM_THREADS", "3")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def start(home):
    """Nothing is to be done in a process."""


def result_of(model, X):
    """Return all arrays that a fitted model gives for the data."""
    found = []
    for method in ("predict", "transform", "predict_proba"):
        if hasattr(model, method):
            found.append(np.asarray(getattr(model, method)(X)))
    last = model.steps[-1][1]
    for name in ("labels_", "codebook_", "unit_labels_"):
        if hasattr(last, name):
            found.append(np.asarray(getattr(last, name)))
    return found


def expect_same(found, expected, what):
    """Raise an error if arrays differ in a bit, a shape or a type."""
    assert len(found) == len(expected), what
    for array, other in zip(found, expected, strict=True):
        assert array.dtype == other.dtype, f"{what}: {array.dtype}, {other.dtype}"
        np.testing.assert_array_equal(array, other, err_msg=what, strict=True)


def check_repeated(model, X, y):
    """A fit gives the same again, and for any number of threads."""
    first = result_of(clone(model).fit(X, y), X)
    expect_same(result_of(clone(model).fit(X, y), X), first, "repeated")
    if not re.search("PCA|KMeans|Quantile|KNeighbors", repr(model)):
        with threadpool_limits(1, user_api="openmp"):
            single = result_of(clone(model).fit(X, y), X)
        expect_same(single, first, "one thread")


def check_pickled(model, X, y):
    """A pickle gives the same."""
    model.fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    expect_same(result_of(again, X), result_of(model, X), "pickled")
    assert repr(clone(again)) == repr(clone(model))


def check_frames(model, X, y):
    """Frames hold the numbers of the arrays."""
    if not hasattr(model, "transform") or np.ndim(X) != 2:
        return check_pickled(model, X, y)
    first, last = model[:-1], model.steps[-1][1]
    if getattr(X, "dtype", None) == np.float16:  # frames join columns in another type
        X = X.astype(np.float32)
    rows = clone(first).fit(X, y).transform(X)
    frame = clone(first).set_output(transform="pandas").fit(X, y).transform(X)
    expect_frame(frame, rows)
    # Columns lie otherwise in memory, which sums round otherwise, and of units that are
    # equally near rounding takes one: the last step gets the same bits.
    frame = pd.DataFrame(rows)
    plain = clone(last).fit(rows, y).transform(rows)
    framed = clone(last).set_output(transform="pandas").fit(frame, y).transform(frame)
    expect_frame(framed, plain)
    return None


def expect_frame(frame, plain):
    """Expect a frame with the numbers of an array."""
    assert isinstance(frame, pd.DataFrame)
    frame, plain = frame.astype(np.float64), plain.astype(np.float64)  # from bool, too
    largest = np.abs(plain).max(initial=0, where=np.isfinite(plain))
    np.testing.assert_allclose(frame, plain, rtol=1e-6, atol=1e-6 * largest)


def check_streamed(model, X, y):
    """The last step takes the table in parts, twice the same."""
    last = model.steps[-1][1]
    if not hasattr(last, "partial_fit") or np.ndim(X) != 2:
        return check_repeated(model, X, y)
    half = (len(X) + 1) // 2
    streamed = []
    for _ in range(2):
        one = clone(last)
        extra = {"classes": np.unique(y)} if isinstance(last, MapClassifier) else {}
        for part in (slice(half), slice(half, None)):
            if len(y[part]):
                one.partial_fit(X[part], y[part], **extra)
        streamed.append([np.asarray(one.predict(X))])
    expect_same(*streamed, "streamed")
    return None


def check_searched(model, X, y):
    """A search and a cross-validation run to their end."""
    last, step = model.steps[-1]
    grid = {
        f"{last}__{name}": values
        for name, values in (("n_clusters", [2, 3]), ("smoothing", [0, 1.0]))
        if name in step.get_params(deep=False)
    }
    if np.ndim(X) != 2 or not grid:
        return check_repeated(model, X, y)
    scoring = map_scorer("silhouette") if "clusters" in str(grid) else None
    search = GridSearchCV(model, grid, cv=2, scoring=scoring, error_score="raise")
    search.fit(X, y)
    predicted = cross_val_predict(clone(model), X, y, cv=2)
    assert len(predicted) == len(X)
    return None


CHECKS = [check_repeated, check_pickled, check_frames, check_streamed, check_searched]


def state_of(X):
    """Return what must not change: the data and the global random state."""
    state = np.random.get_state()  # noqa: NPY002
    return np.asarray(X).tobytes(), pickle.dumps(state)


def judge(number, check, model, X, y):
    """Return what is wrong with a case, or None, and whether it was refused."""
    before, refused = state_of(X), False
    names = {name.rpartition("__")[2] for name in model.get_params()}
    problem = None
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            check(model, X, y)
    except ValueError as error:
        text, refused = str(error), True
        words = set(re.findall(r"\w+", text))
        inside = traceback.extract_tb(error.__traceback__)[-1].filename
        if not words & (names | set(_OF_DATA)):
            problem = f"names nothing: {text:.300}\n{where(error)}"
        elif "\n" in text and "/skesom/" in inside:
            problem = f"several lines: {text:.300}\n{where(error)}"
    except BaseException as error:
        text = " ".join(str(error).split())
        problem = f"{type(error).__name__}: {text:.200}\n{where(error)}"
    changed = [then != now for then, now in zip(before, state_of(X), strict=True)]
    if any(changed):
        problem = f"data and global random state changed: {changed}; {problem}"
    return problem, refused

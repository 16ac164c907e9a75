# SPDX-License-Identifier: BSD-3-Clause
"""What every transformer of cubes promises.

scikit-learn's own checks feed tables and say nothing about estimators of cubes. To put
a new transformer under the contract, add an instance to `TRANSFORMERS`.
"""

import functools
import inspect
import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest
from astropy import units
from astropy.wcs import WCS
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from skesom.cube import (
    AsinhStretch,
    BackgroundSubtractor,
    BandBinner,
    ColorScaler,
    ComponentFilter,
    CountSmoother,
    Cube,
    CubeAligner,
    CubeMasker,
    CubeStore,
    CubeTransformer,
    FluxShape,
    FluxUnitConverter,
    FWHMConvolver,
    SkyMasker,
    SpatialFeatures,
)

TRANSFORMERS = [
    FWHMConvolver([1.0, 1.2, 2.0], pixel_scale=0.6),
    FWHMConvolver([1.0, 1.2, 1.5], target_fwhm=4.0, pixel_scale=[0.3, 0.9], n_jobs=2),
    FWHMConvolver(1.5, pixel_scale=1.0),
    CubeAligner(),
    CubeAligner("first", conserve="flux", registration="check", n_jobs=2),
    CubeMasker(),
    CubeMasker(min_bands=2, grow=1.5, saturation=90.0, min_signal_to_noise=-3),
    BackgroundSubtractor(),
    BandBinner(),
    BackgroundSubtractor(16, filter_size=1, source_threshold=3),
    BackgroundSubtractor(16, bands="uneven"),
    AsinhStretch(),
    AsinhStretch(softening=1.0, subtract_sky=False, noise=[1.0, 2.0, 3.0]),
    ColorScaler(),
    ComponentFilter(),
    ComponentFilter(2, max_bands=0),
    CountSmoother(),
    FluxUnitConverter(calibration=[25.0, 24.0, 23.0]),
    FluxUnitConverter("Jy", calibration=30, n_jobs=2),
    SkyMasker(),
    CubeStore(),
    SkyMasker("mask", min_bands=2, smoothing=2.0, n_jobs=2),
    FluxShape("band 1"),
    FluxShape("band 2", method="log", brightness=True, subtract_sky=True),
    FluxShape(),
    FluxShape(brightness=True, noise=2.0, softening=1.0, n_jobs=2),
    SpatialFeatures(fwhm=2 * units.pixel),
    SpatialFeatures(smooth=0.5, fwhm=1.8 * units.pixel, min_bands=2, n_jobs=2),
]
N_BANDS = 3
TAKE_LISTS = (
    BackgroundSubtractor,
    CountSmoother,
    FWHMConvolver,
    CubeMasker,
    CubeAligner,
    FluxUnitConverter,
)


def name_of(transformer):
    """Name a case by its class and what is set in it."""
    return repr(transformer).replace("\n", "").replace("  ", "")


def mixes_bands(transformer):
    """Tell whether bands are made of several bands."""
    replaces_bands = isinstance(transformer, BandBinner | SpatialFeatures)
    return replaces_bands or getattr(transformer, "reference", None) is not None


@pytest.fixture(params=range(len(TRANSFORMERS)), ids=lambda n: name_of(TRANSFORMERS[n]))
def number(request):
    """Number of the transformer."""
    return request.param


@pytest.fixture
def transformer(number):
    return clone(TRANSFORMERS[number])


@functools.cache
def make_data(seed):
    """Make a galaxy on noise with a gap in one band and a hole in all."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((48, 56))
    galaxy = 80 * np.exp(-np.hypot(rows - 20, columns - 31) / 4)
    data = galaxy[:, :, np.newaxis] * [1.0, 0.8, 1.2]
    data += rng.normal(size=data.shape)
    data[:, :5, 1] = np.nan
    data[30:33, 42:45] = np.nan
    return data.astype(np.float32)


@pytest.fixture
def data(global_random_seed):
    return make_data(global_random_seed).copy()


@functools.cache
def fit_once(number, seed, dtype=np.float32):
    """Return a transformer that is fitted on the data, and what becomes of them."""
    data = make_data(seed).astype(dtype)
    fitted = clone(TRANSFORMERS[number]).fit(data)
    return fitted, fitted.transform(data)


@pytest.fixture
def fitted(number, global_random_seed):
    """The transformer fitted on the data; tests leave it as it is."""
    return fit_once(number, global_random_seed)[0]


@pytest.fixture
def expected(number, global_random_seed):
    """What the fitted transformer makes of the data."""
    return fit_once(number, global_random_seed)[1]


@pytest.fixture
def cube(data):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cdelt = [-1e-4, 1e-4]
    return Cube(
        data,
        wcs=wcs,
        band_names=["band 1", "band 2", "band 3"],
        band_units=["Jy", "Jy", None],
        fwhm=[1.0, 1.1, 1.2],
    )


def fitted_attributes(transformer):
    return {
        name: value
        for name, value in vars(transformer).items()
        if name.endswith("_") and not name.startswith("_")
    }


def assert_same_attributes(left, right):
    left, right = fitted_attributes(left), fitted_attributes(right)
    assert left.keys() == right.keys()
    assert len(left) > 1
    for name in left:
        np.testing.assert_equal(left[name], right[name], err_msg=name)


def test_every_transformer_is_here():
    """The list covers each public transformer of this folder that takes one cube."""
    import skesom.cube as room

    public = {
        kind
        for kind in vars(room).values()
        if inspect.isclass(kind)
        and issubclass(kind, CubeTransformer)
        and kind is not CubeTransformer
    }
    assert public == {type(transformer) for transformer in TRANSFORMERS}


def test_parameters_are_stored_and_left_alone(transformer):
    kind, wanted = type(transformer), transformer.get_params()
    signature = inspect.signature(kind.__init__)
    names = set(signature.parameters) - {"self"}
    assert set(vars(transformer)) == set(wanted) == names
    assert set(transformer._parameter_constraints) == names
    for name in names:
        assert getattr(kind(), name) is signature.parameters[name].default
    plain = kind().set_params(**wanted)
    for copy in (clone(transformer), plain):
        assert type(copy) is kind
        np.testing.assert_equal(copy.get_params(), wanted)
    with pytest.raises(ValueError, match="Invalid parameter 'color'"):
        plain.set_params(color="blue")
    tags = get_tags(transformer).input_tags
    assert (tags.three_d_array, tags.two_d_array, tags.allow_nan) == (True, False, True)


class TestFit:
    """Fitting and what it leaves behind."""

    def test_returns_self_and_leaves_the_rest_alone(self, transformer, data):
        def rest():
            state = np.random.get_state()  # noqa: NPY002
            return pickle.dumps((transformer.get_params(), state))

        before, data_before = rest(), data.copy()
        assert transformer.fit(data) is transformer
        transformer.transform(data)
        assert rest() == before
        np.testing.assert_array_equal(data, data_before)

    def test_idempotent(self, transformer, fitted, expected, data):
        labels = np.zeros(data.shape[:2])  # y is ignored
        twice = transformer.fit(data[:, ::-1]).fit(data, labels)
        assert twice.n_features_in_ == N_BANDS
        assert_same_attributes(fitted, twice)
        np.testing.assert_array_equal(twice.transform(data), expected)

    def test_fit_transform(self, transformer, expected, data):
        before = data.copy()
        np.testing.assert_array_equal(transformer.fit_transform(data), expected)
        np.testing.assert_array_equal(data, before)

    def test_unfitted(self, transformer, data):
        with pytest.raises(NotFittedError, match=type(transformer).__name__):
            transformer.transform(data)

    def test_stored(self, fitted, expected, data, tmp_path):
        joblib.dump(fitted, tmp_path / "transformer")
        stored = joblib.load(tmp_path / "transformer")
        for again in (pickle.loads(pickle.dumps(fitted)), stored):
            assert_same_attributes(again, fitted)
            np.testing.assert_array_equal(again.transform(data), expected)


def read_only(array):
    return np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)


class TestArrays:
    """Whatever array comes in, the same numbers come out."""

    def test_float_type_is_kept(self, number, global_random_seed, data):
        results = []
        for dtype in (np.float32, np.float64):
            _, result = fit_once(number, global_random_seed, dtype)
            assert type(result) is np.ndarray
            assert result.dtype == dtype
            assert result.shape[:2] == data.shape[:2]
            assert result.flags.c_contiguous
            results.append(result)
        agree = np.isclose(*results, rtol=1e-4, atol=1e-4, equal_nan=True)
        # A pixel right at a threshold may fall on either side.
        assert agree.mean() > 0.999

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda x: x.astype(">f4"), id="big-endian"),
            pytest.param(
                lambda x: np.asfortranarray(np.repeat(x, 2, axis=1))[:, ::2],
                id="fortran, strided",
            ),
            pytest.param(lambda x: x.tolist(), id="list"),
            pytest.param(read_only, id="read-only"),
        ],
    )
    def test_layout_does_not_matter(
        self, transformer, number, global_random_seed, data, change
    ):
        changed = change(data)
        dtype = np.float64 if isinstance(changed, list) else np.float32
        _, expected = fit_once(number, global_random_seed, dtype)
        result = transformer.fit(changed).transform(changed)
        assert result.dtype == dtype
        np.testing.assert_array_equal(result, expected)

    def test_integers(self, transformer, data):
        counts = np.nan_to_num(data).clip(0, 90).round().astype(np.uint8)
        result = transformer.fit(counts).transform(counts)
        assert result.dtype == np.float32

    def test_masked_pixels_stay_masked(self, transformer, expected, data):
        assert np.isnan(expected[np.isnan(data).all(axis=2)]).all()
        assert np.isfinite(expected).any()
        if not mixes_bands(transformer):
            assert np.isnan(expected[:, :, :N_BANDS][np.isnan(data)]).all()


class TestCubes:
    """A cube keeps its description."""

    def test_cube_gives_cube(self, transformer, expected, cube, data):
        before = cube.replace(data=cube.data.copy(), fwhm=cube.fwhm.copy())
        result = transformer.fit_transform(cube)
        np.testing.assert_array_equal(cube.data, before.data)  # it is left alone
        np.testing.assert_array_equal(cube.fwhm, before.fwhm)
        assert cube.band_units == before.band_units
        assert isinstance(result, Cube)
        if not mixes_bands(transformer):
            assert result.band_names[:N_BANDS] == cube.band_names
        assert result.wcs is cube.wcs
        assert len(result.band_units) == len(result.fwhm) == result.shape[2]
        np.testing.assert_array_equal(result.data, expected)
        assert isinstance(transformer.transform(cube), Cube)
        assert type(transformer.transform(data)) is np.ndarray

    def test_strip(self, transformer, cube):
        """A fitted transformer takes any number of rows, as cross-validation cuts."""
        strip = cube[10:50]
        result = transformer.fit(cube).transform(strip)
        assert result.shape[:2] == strip.shape[:2]


class TestRefusals:
    """Bad input is refused with the numbers that do not fit."""

    @pytest.mark.parametrize(
        ("bad", "message"),
        [
            *(
                (np.ones(shape), rf"three axes .* {len(shape)} axes")
                for shape in [(4,), (4, 5), (4, 5, 3, 2)]
            ),
            *(
                (
                    path,
                    r"a cube, got the path 'a\.fits'\. Read it with .*read_cube",
                )
                for path in ["a.fits", Path("a.fits"), ["a.fits", "b.fits"]]
            ),
            (np.ones((0, 5, N_BANDS)), "empty cube"),
            (np.ones((4, 5, N_BANDS), np.complex64), "real numbers"),
        ],
    )
    def test_what_is_no_cube(self, transformer, fitted, bad, message):
        with pytest.raises(ValueError, match=message):
            transformer.fit(bad)
        with pytest.raises(ValueError, match=message):
            fitted.transform(bad)

    @pytest.mark.parametrize(
        "transformer",
        [one for one in TRANSFORMERS if not isinstance(one, TAKE_LISTS)],
        ids=name_of,
    )
    def test_several_grids(self, transformer, cube):
        message = r"one cube, got a list of 2\. .* CubeAligner"
        with pytest.raises(ValueError, match=message):
            clone(transformer).fit([cube, cube])

    def test_number_of_bands(self, fitted, data):
        with pytest.raises(ValueError, match=r"X has 2 bands, .* fitted on 3 bands"):
            fitted.transform(data[:, :, :2])

    def test_infinity(self, transformer, fitted, cube):
        data = cube.data.copy()
        data[2, 7, 1] = np.inf
        with pytest.raises(ValueError, match="'band 2' holds 1 infinite"):
            transformer.fit(cube.replace(data=data))
        with pytest.raises(ValueError, match="infinite"):
            fitted.transform(data)

    def test_parameters_are_checked(self, transformer, data):
        for name in transformer.get_params():
            wrong = clone(transformer).set_params(**{name: object()})
            with pytest.raises(ValueError, match=f"'{name}' parameter"):
                wrong.fit(data)


class TestPipeline:
    """Steps of a pipeline."""

    def test_equals_step_by_step(self, data):
        steps = [
            CubeMasker(),
            FWHMConvolver([1.0, 1.2, 2.0], pixel_scale=0.6),
            AsinhStretch(),
            SkyMasker(),
        ]
        result = make_pipeline(*[clone(step) for step in steps]).fit_transform(data)
        expected = data
        for step in steps:
            expected = step.fit_transform(expected)
        np.testing.assert_array_equal(result, expected)

    def test_set_output(self, transformer, expected, cube):
        pipeline = make_pipeline(transformer).set_output(transform="pandas")
        result = pipeline.fit_transform(cube)
        assert isinstance(result, Cube)
        np.testing.assert_array_equal(result.data, expected)
        assert transformer.set_output(transform="default") is transformer

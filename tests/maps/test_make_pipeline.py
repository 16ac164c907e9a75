# SPDX-License-Identifier: BSD-3-Clause
"""make_clusterer and make_cluster_pipeline: the main job from names and options."""

import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import HDBSCAN, MiniBatchKMeans
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsClassifier

from skesom.consensus import ConsensusClusterer
from skesom.cube import (
    AsinhStretch,
    BackgroundSubtractor,
    ColorScaler,
    ComponentFilter,
    CountSmoother,
    Cube,
    CubeAligner,
    CubeMasker,
    CubeStore,
    FWHMConvolver,
    SkyMasker,
)
from skesom.datasets import make_galaxy_cube
from skesom.maps import (
    CubeClusterer,
    make_cluster_pipeline,
    make_clusterer,
)
from skesom.maps.clusterers import make_classifier
from skesom.maps.fit_in_place import fit_in_place, prepare_in_place
from skesom.som import CSOM, ESOM, MapClassifier

KMEANS = "sklearn.cluster.KMeans"


@pytest.fixture(scope="module")
def scene():
    """A small galaxy and its populations."""
    return make_galaxy_cube((48, 56), 3, random_state=0)


class TestMakeClusterer:
    """A clusterer from its name."""

    @pytest.mark.parametrize(
        ("method", "kind"),
        [
            ("esom", ESOM),
            ("CSOM", CSOM),
            ("skesom.som.ESOM", ESOM),
            ("sklearn.cluster.MiniBatchKMeans", MiniBatchKMeans),
        ],
    )
    def test_sets_what_the_clusterer_has(self, method, kind):
        clusterer = make_clusterer(method, n_clusters=5, n_runs=1, random_state=7)
        assert type(clusterer) is kind
        assert clusterer.n_clusters == 5
        assert clusterer.random_state == 7
        assert clusterer.verbose == 0

    def test_names_what_the_method_has_no_use_for(self):
        dbscan = "sklearn.cluster.DBSCAN"
        assert make_clusterer(dbscan, eps=0.1).eps == 0.1
        with pytest.raises(ValueError, match="finds the number of clusters by itself"):
            make_clusterer(dbscan, n_clusters=5)
        with pytest.warns(UserWarning, match="takes no random_state"):
            make_clusterer(dbscan, random_state=5)
        with pytest.warns(UserWarning, match="takes no random_state"):
            make_classifier("sklearn.neighbors.KNeighborsClassifier", random_state=5)

    def test_components_of_a_mixture_are_clusters(self):
        mixture = "sklearn.mixture.GaussianMixture"
        clusterer = make_clusterer(mixture, n_clusters=3, n_runs=1)
        assert type(clusterer) is GaussianMixture
        assert clusterer.n_components == 3
        consensus = make_clusterer(mixture, n_clusters=3)
        assert type(consensus.estimator) is GaussianMixture
        assert consensus.estimator.n_components == consensus.n_clusters == 3

    @pytest.mark.parametrize(("method", "verbose"), [("esom", 1), (KMEANS, 0)])
    def test_only_maps_are_verbose_and_of_many_runs_there_is_one_bar(
        self, method, verbose
    ):
        assert make_clusterer(method, n_runs=1, verbose=1).verbose == verbose
        consensus = make_clusterer(method, verbose=1)
        assert consensus.verbose == 1
        assert consensus.estimator.verbose == 0

    @pytest.mark.parametrize("n_runs", [1, 3])
    def test_further_parameters_win(self, n_runs):
        def single(*args, **parameters):
            clusterer = make_clusterer(*args, n_runs=n_runs, **parameters)
            return clusterer if n_runs == 1 else clusterer.estimator

        assert single("csom", shape=(3, 4)).shape == (3, 4)
        mixture = "sklearn.mixture.GaussianMixture"
        assert single(mixture, n_clusters=3, n_components=6).n_components == 6

    def test_members_have_the_number_that_won(self):
        consensus = make_clusterer(
            *("sklearn.mixture.GaussianMixture",),
            **{"n_clusters": 3, "n_components": 6, "n_runs": 2},
        )
        X = np.random.default_rng(0).normal(size=(300, 2))
        consensus.fit(X)
        assert {member.n_components for member in consensus.estimators_} == {6}
        assert consensus.n_clusters == 6

    @pytest.mark.parametrize(
        ("method", "parameters", "message"),
        [
            *(
                (name, {}, f"Unknown method '{name}': .*sklearn")
                for name in ("", "kmeans", ".KMeans", "..a.B", "no.such.Module")
            ),
            ("sklearn.cluster.Nothing", {}, "Unknown method 'sklearn.cluster.Not"),
            *(
                (name, {}, f"{name} is not a clusterer")
                for name in (
                    "sklearn.preprocessing.StandardScaler",
                    "sklearn.cluster.FeatureAgglomeration",  # columns, not rows
                    "sklearn.cluster.k_means",
                    "sklearn.utils.Bunch",
                )
            ),
            ("sklearn.pipeline.Pipeline", {}, r"Pipeline cannot be made .* 'steps'"),
            ("csom", {"epsilon": 0.1}, r"csom has no parameter 'epsilon'.*shape"),
            # Values are checked before anything is read.
            ("esom", {"learning_rate": 7}, "The 'learning_rate' parameter of"),
            ("esom", {"epsilon": -1.0}, "The 'epsilon' parameter of"),
            ("csom", {"n_clusters": 0}, "The 'n_clusters' parameter of"),
            ("csom", {"shape": 0}, "The 'shape' parameter of"),
            (KMEANS, {"init": "far"}, "The 'init' parameter of"),
            (KMEANS, {"random_state": -1}, "The 'random_state' parameter of"),
        ],
    )
    def test_refusals(self, method, parameters, message):
        with pytest.raises(ValueError, match=message):
            make_clusterer(method, **parameters)

    def test_a_clusterer_of_ones_own(self, tmp_path, monkeypatch):
        (tmp_path / "own_clusterers.py").write_text(
            "from sklearn.cluster import KMeans\nclass Own(KMeans): pass\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        own = make_clusterer("own_clusterers.Own", n_runs=1)
        assert type(own).__name__ == "Own"
        consensus = make_clusterer("own_clusterers.Own")
        assert type(consensus.estimator) is type(own)
        del sys.modules["own_clusterers"]


class TestRuns:
    """How many runs the clusters are agreed on by."""

    @pytest.mark.parametrize(
        ("method", "kind"),
        [
            ("esom", ESOM),
            ("csom", CSOM),
            ("sklearn.cluster.MiniBatchKMeans", MiniBatchKMeans),
        ],
    )
    @pytest.mark.parametrize(("n_runs", "expected"), [(None, "auto"), (5, 5)])
    def test_clusterers_with_a_seed_are_wrapped(self, method, kind, n_runs, expected):
        consensus = make_clusterer(method, n_clusters=5, n_runs=n_runs, random_state=7)
        assert type(consensus) is ConsensusClusterer
        assert consensus.n_estimators == expected
        assert type(consensus.estimator) is kind
        assert consensus.n_clusters == consensus.estimator.n_clusters == 5
        assert consensus.random_state == 7

    def test_those_that_choose_their_number(self):
        for number in (None, "auto"):
            consensus = make_clusterer("esom", n_clusters=number)
            assert consensus.n_clusters == consensus.estimator.n_clusters == number
        consensus = make_clusterer("sklearn.cluster.AffinityPropagation")
        assert type(consensus) is ConsensusClusterer
        assert consensus.n_clusters is None

    @pytest.mark.parametrize(
        "method",
        [
            "sklearn.cluster.DBSCAN",  # neither a seed nor predict
            "sklearn.cluster.MeanShift",  # no seed
            "sklearn.cluster.SpectralClustering",  # no predict
        ],
    )
    def test_where_runs_cannot_differ_there_is_one(self, method):
        assert type(make_clusterer(method)) is not ConsensusClusterer
        assert type(make_clusterer(method, n_runs=1)) is not ConsensusClusterer
        name = method.rpartition(".")[2]
        with pytest.raises(ValueError, match=f"{name} gives the same .* leave out"):
            make_clusterer(method, n_runs=2)

    def test_seeds(self):
        X = np.random.default_rng(0).random((400, 3))
        labels = [
            make_clusterer("esom", n_runs=3, random_state=seed).fit_predict(X)
            for seed in (0, 0, 1)
        ]
        np.testing.assert_array_equal(labels[0], labels[1])
        assert (labels[0] != labels[2]).any()


def steps_of(**options):
    return dict(make_cluster_pipeline(ESOM(), **options).steps)


class TestMakePipeline:
    """The steps, and what reaches them."""

    def test_steps_in_their_order(self):
        steps = steps_of()
        assert {name: type(step) for name, step in steps.items()} == {
            "gaps": CubeMasker,
            "counts": CountSmoother,
            "background": BackgroundSubtractor,
            "convolve": FWHMConvolver,
            "align": CubeAligner,
            "store": CubeStore,
            "stretch": AsinhStretch,
            "sky": SkyMasker,
            "color": ColorScaler,
            "components": ComponentFilter,
            "cluster": CubeClusterer,
        }
        first = ["gaps", "counts", "background", "convolve", "align"]
        assert list(steps)[:5] == first
        assert list(steps)[5:8] == ["store", "stretch", "sky"]
        assert list(steps)[8:] == ["color", "components", "cluster"]

    def test_known_widths_are_used_by_default(self, galaxy):
        clusterer = MiniBatchKMeans(2, n_init=1, random_state=0)
        pipeline = make_cluster_pipeline(clusterer).fit(galaxy)
        aligned = pipeline[:5].transform(galaxy)
        np.testing.assert_allclose(aligned.fwhm, galaxy.fwhm.max())
        assert pipeline["align"].resample_ == "exact"
        sharp = make_cluster_pipeline(clusterer, target_fwhm=None).fit(galaxy)
        np.testing.assert_array_equal(sharp[:3].transform(galaxy).fwhm, galaxy.fwhm)
        assert sharp["align"].resample_ == "exact"

    def test_bands_of_unknown_width_stay_as_they_are(self, galaxy):
        unknown = galaxy.replace(fwhm=None)
        clusterer = MiniBatchKMeans(2, n_init=1, random_state=0)
        pipeline = make_cluster_pipeline(clusterer)
        with pytest.warns(UserWarning, match="FWHM of all bands is unknown"):
            label_map = pipeline.fit_predict(unknown)
        sharp = make_cluster_pipeline(clusterer, target_fwhm=None)
        np.testing.assert_array_equal(label_map, sharp.fit_predict(unknown))

    def test_background_is_subtracted_before_bands_are_convolved(self, galaxy):
        steps = steps_of(subtract_background=False)
        assert "background" not in steps
        assert steps["gaps"].check_background
        for value, bands in (("auto", "uneven"), (True, "all")):
            steps = steps_of(subtract_background=value)
            assert list(steps)[:4] == ["gaps", "counts", "background", "convolve"]
            assert steps["background"].bands == bands
            assert not steps["gaps"].check_background
        pipeline = make_cluster_pipeline(
            ESOM(n_clusters=2, random_state=0), subtract_background=True
        )
        label_map = pipeline.fit_predict(galaxy)
        np.testing.assert_array_equal(pipeline.predict(galaxy), label_map)

    def test_an_image_of_0_and_1_is_not_called_constant(self, scene):
        """Its zeros are gaps, and ones are all that is left; a background becomes 0."""
        cube, _ = scene
        halves = np.zeros((*cube.shape[:2], 1), dtype=np.float32)
        halves[:24] = 1
        flag = Cube(np.concatenate([cube.data, halves], axis=2), fwhm=np.ones(4))
        where = r"in all that masks leave, after scaling"
        told = pytest.warns(UserWarning, match="constant and carry no information")
        with (
            told,
            pytest.raises(ValueError, match=rf"Band 'band 4' is constant \(0 {where}"),
        ):
            make_cluster_pipeline(ESOM(3, random_state=0)).fit(flag)
        pipeline = make_cluster_pipeline(
            ESOM(3, random_state=0), mask_zeros=False, sky="keep"
        )
        # An edge has nothing in common with a galaxy, which cannot tell where it is.
        with pytest.warns(UserWarning, match=r"'band 4' \(too little in common"):
            pipeline.fit(flag)
        assert pipeline[-1].n_clusters_ == 3

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"fwhm": [1, 2]}, {"convolve__fwhm": [1, 2]}),
            ({"fwhm": ["stars", 2.0]}, {"convolve__fwhm": ["stars", 2.0]}),
            ({"fwhm": {"r": 1.0}}, {"convolve__fwhm": {"r": 1.0}}),
            ({"target_fwhm": 3.0}, {"convolve__target_fwhm": 3.0}),
            ({"pixel_scale": 0.5}, {"convolve__pixel_scale": 0.5}),
            ({}, {"convolve__fwhm": None, "align__resample": "auto"}),
            ({"align_to": "optimal"}, {"align__align_to": "optimal"}),
            ({"resample": "exact"}, {"align__resample": "exact"}),
            ({"n_jobs": 3}, {"gaps__n_jobs": 3, "convolve__n_jobs": 3}),
            (
                {"n_jobs": 3},
                {"align__n_jobs": 3, "stretch__n_jobs": 3, "sky__n_jobs": 3},
            ),
            ({"mask_zeros": True}, {"gaps__mask_zeros": True}),
            ({"sky": "keep"}, {"sky__sky": "keep"}),
            ({"color_contrast": 0.1}, {"color__contrast": 0.1}),
            ({"smooth_colors": True}, {"color__signal_to_noise": 2}),
            # Before bands are aligned there may be fewer of them in a cube.
            ({}, {"gaps__min_bands": None}),
            ({"min_bands": 2}, {"gaps__min_bands": 1, "sky__min_bands": 2}),
            ({"min_bands": 2}, {"cluster__min_bands": 2}),
        ],
    )
    def test_options_reach_their_steps(self, options, expected):
        found = make_cluster_pipeline(ESOM(), **options).get_params()
        assert {name: found[name] for name in expected} == expected

    def test_steps_can_be_left_out(self):
        assert "convolve" not in steps_of(target_fwhm=None)
        assert "stretch" not in steps_of(stretch="none")

    def test_missing_bands_need_a_clusterer_that_takes_them(self):
        with pytest.raises(ValueError, match="MiniBatchKMeans takes no pixels of"):
            make_cluster_pipeline(MiniBatchKMeans(), min_bands=2)
        make_cluster_pipeline(HDBSCAN(copy=True), min_bands=2)

    @pytest.mark.filterwarnings("ignore:One cluster holds:UserWarning")
    def test_gaps_are_looked_for_once_and_in_fluxes(self, galaxy):
        data = galaxy.data.copy()
        data[20:30, 20:40, 2] = 0  # stretched, these would be any other constant
        cube = galaxy.replace(data=data)
        label_map = make_cluster_pipeline(
            ESOM(n_clusters=2, random_state=0),
            mask_zeros=False,
            mask_outliers=False,
            sky="keep",
        ).fit_predict(cube)
        missing = np.isnan(data).any(axis=2)
        np.testing.assert_array_equal(label_map == -3, missing)


class TestFittedPipeline:
    """The job on a galaxy with sky and a gap."""

    def test_map_has_the_shape_of_the_sky(self, galaxy, job):
        label_map = job["cluster"].labels_
        assert label_map.shape == (64, 80)
        assert label_map.dtype == np.int32
        assert job["cluster"].table(job[:-1].transform(galaxy))[0].dtype == np.float32
        assert set(np.unique(label_map)) == {-3, -2, 0, 1, 2, 3}
        missing = np.isnan(galaxy.data).any(axis=2)
        sky = job["sky"].sky_mask_
        assert missing.any()
        assert sky.any()
        assert (label_map[missing] == -3).all()
        assert (label_map[sky] == -2).all()
        assert (label_map[~missing & ~sky] >= 0).all()
        np.testing.assert_array_equal(job.predict(galaxy), label_map)

    def test_plain_arrays_do_as_well(self, galaxy, job):
        pipeline = clone(job)
        pipeline.set_params(convolve__fwhm=galaxy.fwhm, convolve__pixel_scale=0.0396)
        expected = job["cluster"].labels_
        # They cannot carry which pixels are sky and which have no data.
        np.testing.assert_array_equal(
            pipeline.fit_predict(galaxy.data), np.where(expected == -2, -3, expected)
        )

    @pytest.mark.parametrize("is_read_again", [False, True])
    def test_pixels_move_in_the_memory_of_a_cube_that_nobody_reads_again(
        self, scene, is_read_again
    ):
        cube = scene[0].replace(data=scene[0].data.copy())
        cube.data[:5, :20] = np.nan
        prepared = []

        def prepare(pipeline, images):
            found = prepare_in_place(pipeline, images)
            prepared.extend([found[0].data, found[0].data.copy()])
            return found

        pipeline = make_cluster_pipeline(MiniBatchKMeans(3, random_state=0))
        fit = type(pipeline[-1]).fit if is_read_again else None
        fit_in_place(pipeline, cube, fit, prepare=prepare)
        assert np.array_equal(*prepared, equal_nan=True) is is_read_again


@pytest.fixture(scope="module")
def grids(galaxy):
    """The galaxy with two of its bands on pixels twice as large."""
    blue, red = galaxy[:, :, :3], galaxy[:, :, 3:]
    binned = red.data.reshape(32, 2, 40, 2, 2).mean(axis=(1, 3))
    wcs = red.wcs.deepcopy()
    wcs.wcs.crpix = (wcs.wcs.crpix + 0.5) / 2
    wcs.wcs.cdelt = wcs.wcs.cdelt * 2
    # A camera with such pixels has wider stars: of 1.5 pixels and more.
    fwhm = np.hypot(red.fwhm, 0.13)
    return [blue, red.replace(data=binned, wcs=wcs, fwhm=fwhm)]


@pytest.fixture(scope="module")
def fitted(grids):
    pipeline = make_cluster_pipeline(
        ESOM(n_clusters=4, random_state=0), target_fwhm=0.2, n_jobs=2
    )
    return pipeline.fit(grids)


class TestSeveralGrids:
    """A list of cubes on different pixels goes through the same steps."""

    def test_map_lies_on_the_coarsest_grid(self, grids, fitted):
        label_map = fitted["cluster"].labels_
        assert label_map.shape == (32, 40)
        assert set(np.unique(label_map)) == {-3, -2, 0, 1, 2, 3}
        np.testing.assert_array_equal(fitted.predict(grids), label_map)
        pipeline = make_cluster_pipeline(ESOM(), target_fwhm=0.2, min_bands=6)
        with pytest.raises(ValueError, match="min_bands=6 exceeds the 5 bands"):
            pipeline.fit(grids)

    def test_fit_in_place_gives_the_images_of_the_map(self, grids, fitted):
        pipeline, copies = clone(fitted), [c.replace(data=c.data.copy()) for c in grids]
        images = fit_in_place(pipeline, copies)
        np.testing.assert_array_equal(pipeline[-1].labels_, fitted[-1].labels_)
        assert images.band_names == [name for c in grids for name in c.band_names]
        n_steps = [name for name, _ in fitted.steps].index("align") + 1
        expected = fitted[:n_steps].transform(grids)
        np.testing.assert_array_equal(images.cube.data, expected.data)
        assert not any("_copy" in vars(step) for _, step in pipeline.steps)

    def test_bands_are_masked_and_convolved_on_their_own_pixels(self, grids, fitted):
        masked = CubeMasker().fit_transform(grids)
        smoothed = FWHMConvolver(target_fwhm=0.2).fit_transform(masked)
        expected = CubeAligner().fit_transform(smoothed)
        aligned = fitted[:5].transform(grids)
        np.testing.assert_array_equal(aligned.data, expected.data)
        assert aligned.band_names == tuple(
            name for cube in grids for name in cube.band_names
        )
        assert aligned.wcs.wcs.compare(grids[1].wcs.wcs)

    @pytest.mark.filterwarnings("ignore:One cluster holds:UserWarning")
    def test_partly_observed_pixels(self, grids):
        blue = grids[0].replace(data=grids[0].data.copy())
        blue.data[:20] = np.nan
        pipeline = make_cluster_pipeline(
            ESOM(n_clusters=2, random_state=0),
            target_fwhm=0.2,
            min_bands=2,
            sky="keep",
        )
        label_map = pipeline.fit_predict([blue, grids[1]])
        missing = np.isnan(grids[1].data).any(axis=2)
        assert (label_map[:8][~missing[:8]] >= 0).all()


class TestMakeClassifier:
    """Classifiers by their names."""

    def test_maps(self):
        classifier = make_classifier("csom", shape=(4, 5), n_neighbors=2)
        assert isinstance(classifier, MapClassifier)
        assert classifier.estimator.shape == (4, 5)
        assert classifier.n_neighbors == 2
        assert classifier.class_weight == "balanced"
        seeded = make_classifier("ESOM", random_state=7, class_weight=None)
        assert seeded.estimator.random_state == 7
        assert seeded.class_weight is None
        assert seeded.estimator.learning_rate == 0.05
        assert classifier.estimator.learning_rate == CSOM().learning_rate
        path = "sklearn.neighbors.KNeighborsClassifier"
        nearest = make_classifier(path, n_neighbors=3)
        assert type(nearest) is KNeighborsClassifier
        assert nearest.n_neighbors == 3

    @pytest.mark.parametrize(
        ("method", "parameters", "message"),
        [
            ("sklearn.cluster.KMeans", {}, "KMeans is not a classifier"),
            ("sklearn.linear_model.Ridge", {}, "Ridge is not a classifier"),
            ("sklearn.neighbors.Nearest", {}, "Unknown method"),
            ("esom", {"shape": (3, 3)}, "esom has no parameter 'shape'"),
            ("csom", {"smoothing": -1}, "'smoothing' parameter"),
        ],
    )
    def test_refusals(self, method, parameters, message):
        with pytest.raises(ValueError, match=message):
            make_classifier(method, **parameters)

    def test_pipeline_ends_in_a_classifier(self, scene):
        cube, truth = scene
        pipeline = make_cluster_pipeline(make_classifier("esom"), min_bands=1)
        label_map = pipeline.fit(cube, truth).predict(cube)
        assert pipeline.steps[-1][0] == "classify"
        np.testing.assert_array_equal(label_map, pipeline["classify"].labels_)
        assert pipeline["classify"].min_bands == 1
        assert pipeline["features"].min_bands == 1

    def test_classifiers_get_surroundings_and_clusterers_do_not(self):
        classifier = make_classifier("esom")
        names = [name for name, _ in make_cluster_pipeline(classifier).steps]
        assert names[-3:] == ["color", "features", "classify"]
        for estimator, options in (
            (ESOM(), {}),
            (classifier, {"spatial_features": False}),
            (classifier, {"pattern": "voxel"}),
        ):
            pipeline = make_cluster_pipeline(estimator, **options)
            assert "features" not in pipeline.named_steps

    def test_surroundings_help(self):
        """Where pixels are noisy: a few are labeled, and all others are compared."""
        cube, truth = make_galaxy_cube((80, 80), noise=4.0, random_state=3)
        is_labeled = np.indices(truth.shape)[1] % 40 < 20  # strips of the sky
        labels = np.where(is_labeled, truth, -1)
        right = {}
        alone = {"spatial_features": False}
        for name, options in {"bands": alone, "both": {}}.items():
            pipeline = make_cluster_pipeline(make_classifier("esom"), **options)
            label_map = pipeline.fit(cube, labels).predict(cube)
            compared = ~is_labeled & (label_map >= 0)
            right[name] = np.mean(label_map[compared] == truth[compared])
        assert right["both"] > right["bands"] + 0.05


class TestVoxels:
    """Single fluxes are clustered, without colors."""

    @pytest.mark.filterwarnings("ignore:One cluster holds")
    def test_one_scale_for_all_bands(self, scene):
        esom = ESOM(n_clusters=3, random_state=0)
        pipeline = make_cluster_pipeline(esom, pattern="voxel")
        label_map = pipeline.fit_predict(scene[0])
        assert label_map.shape == scene[0].shape
        assert "color" not in pipeline.named_steps
        # Clusters are intervals of the stretched flux, the same in all bands.
        flux = pipeline[:-1].transform(scene[0]).data[label_map >= 0]
        labels = label_map[label_map >= 0]
        ends = sorted(
            (flux[labels == n].min(), flux[labels == n].max()) for n in range(3)
        )
        assert ends[0][1] <= ends[1][0]
        assert ends[1][1] <= ends[2][0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pattern": "voxel", "n_components": 2}, "A voxel is one flux"),
        ({"pattern": "voxel", "min_bands": 1}, "A voxel is one flux"),
        ({"pattern": "voxel", "color_contrast": 0.1}, "A voxel is one flux"),
        # Widths are for bands that are brought to one.
        ({"target_fwhm": None, "fwhm": 1.0}, "leave out fwhm,"),
        ({"target_fwhm": None, "psfs": [np.ones((3, 3))]}, "leave out psfs,"),
        ({"target_fwhm": None, "pixel_scale": 0.1}, "leave out pixel_scale,"),
        ({"stretch": "log"}, "'asinh' or 'none', got 'log'"),
        ({"spatial_features": True}, "is for a classifier of pixels"),
        ({"n_components": 0}, "n_components must be at least 1"),
        ({"n_components": "all"}, "a number, 'auto' or None, got 'all'"),
    ],
)
def test_options_that_contradict(options, message):
    with pytest.raises(ValueError, match=message):
        make_cluster_pipeline(ESOM(), **options)

# SPDX-License-Identifier: BSD-3-Clause
"""``skesom cluster``: files in, folder out."""

import re
import warnings

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.table import Table

from skesom.consensus import ConsensusClusterer
from skesom.io import read_cube, read_map
from skesom.maps import make_cluster_pipeline
from skesom.som import ESOM

PICTURES = [
    *("agreement", "cluster_contours", "cluster_histogram", "cluster_map"),
    *("cluster_spectra", "color_magnitude", "cutouts", "line_excess"),
    *("component_planes", "dendrogram", "hit_map", "quantization_error"),
    *("population_map", "training_curve", "u_matrix"),
]
RESULTS = [
    *("agreement.fits", "cluster_map.fits", "clusters.ecsv"),
    *("cluster_map.lut", "groups.json", "leaves.fits", "summary.md"),
    *("pieces.ecsv", "pieces.vot"),
    *("pixels.fits", "provenance.json"),
    *("population_map.fits", "populations.ecsv"),
    *("model.skops", "recipe.skops"),
]


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


class TestCluster:
    """Files in, folder out."""

    def test_maps(self, run, bands, told_in, tmp_path):
        folder = tmp_path / "out"
        how = "--method", "csom", "--runs", 2, "--dpi", 30, "--width", "one"
        out = run.ok("cluster", *bands, "-o", folder, *how)
        pictures = [f"{name}.png" for name in PICTURES]
        assert set(names_in(folder)) == {*RESULTS, *pictures, "regions"}
        assert "8 clusters:" in out
        written = {line.strip() for line in out[out.index("Written:") + 1 :]}
        assert {str(folder / name) for name in (*RESULTS, *pictures)} < written
        style = told_in(folder)["pictures"]
        assert (style["dpi"], style["width"]) == (30, "one")

    def test_a_result_is_replaced(self, quick, bands, tmp_path):
        method = "--method", "sklearn.mixture.GaussianMixture", "--runs", 1
        for number, more in ((2, ()), (3, ("--overwrite",))):
            options = *method, "--n-clusters", number, *more
            quick.ok("cluster", *bands, "-o", tmp_path / "out", *options)
            assert "pixels.fits" not in names_in(tmp_path / "out")
            labels, _ = read_map(tmp_path / "out" / "cluster_map.fits")
            assert np.unique(labels[labels >= 0]).tolist() == [*range(number)]

    def test_prints_the_sizes_that_are_in_the_file(self, run, bands, tmp_path, fast):
        _, out, _ = run(
            *("cluster", *bands, "-o", tmp_path / "out"),
            *(*fast, "--n-clusters", 3, "--sky", "mask"),
        )
        labels, _ = read_map(tmp_path / "out" / "cluster_map.fits")
        printed = [
            re.findall(r"[\d.]+", line)[:3]
            for line in out[out.index("3 clusters:") + 1 :][:3]
        ]
        table = Table.read(tmp_path / "out" / "cluster_map.fits", hdu="CLUSTERS")
        assert len(printed) == 3
        for (label, pixels, percentage), row in zip(printed, table, strict=True):
            assert int(label) == row["id"]
            assert int(pixels) == np.sum(labels == row["id"]) == row["pixels"]
            assert float(percentage) == pytest.approx(row["percentage"], abs=0.006)
        (line,) = [line for line in out if line.startswith("Sky set aside")]
        share = float(re.search(r"([\d.]+)%", line)[1])
        assert share == pytest.approx(100 * np.mean(labels < 0), abs=0.06)

    def test_does_what_the_pipeline_does(self, quick, bands, tmp_path):
        options = ["--n-clusters", 4, "--sky", "keep", "--runs", 3]
        options += ["--random-state", 5, "--set", "learning_rate=0.1"]
        quick("cluster", *bands, "-o", tmp_path / "out", *options)
        labels, wcs = read_map(tmp_path / "out" / "cluster_map.fits")
        cube = read_cube(bands)
        esom = ESOM(learning_rate=0.1, n_clusters=4, random_state=5)
        consensus = ConsensusClusterer(
            esom, n_estimators=3, n_clusters=4, random_state=5
        )
        pipeline = make_cluster_pipeline(consensus, sky="keep")
        np.testing.assert_array_equal(labels, pipeline.fit_predict(cube))
        assert wcs.wcs.compare(cube.wcs.wcs, tolerance=1e-9)

    def test_images_without_a_wcs(self, run, images, tmp_path, pattern, fast):
        files = [images(f"{name}.fits", pattern(seed=i)) for i, name in enumerate("ab")]
        status, _, (line,) = run(
            *("cluster", *files, "-o", "out", *fast),
            *("--register", "no"),  # which are shifted by five rows
        )
        assert status == 0
        assert line == (
            "warning: The bands stay as sharp as they are, because the FWHM of all "
            "bands is unknown. Give --fwhm in pixels to bring them to one width, "
            "or --fwhm stars to measure it on stars."
        )
        labels, wcs = read_map(tmp_path / "out" / "cluster_map.fits")
        assert labels.shape == (40, 44)
        assert wcs is None

    @pytest.fixture
    def widths(self, made_by):
        """A function of options: the width of all bands, and what was warned."""

        def find(*arguments):
            source, pipeline = made_by(*arguments)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                convolver = pipeline["convolve"].fit(source.read())
            return convolver.target_fwhm_, [str(each.message) for each in caught]

        return find

    def test_one_file_with_all_bands(self, made_by, widths, images, pattern):
        stack = np.stack([pattern(seed=seed) for seed in range(3)])
        names = "red", "green", "blue"
        given = images("cube.fits", stack), "--band-names", *names
        cube = made_by(*given)[0].read()
        assert cube.band_names == ("blue", "green", "red")  # of no known wavelength
        np.testing.assert_allclose(np.moveaxis(cube.data, 2, 0), stack[::-1], rtol=1e-6)
        assert widths(*given, "--fwhm", 1, "--pixel-scale", 0.5) == (1, [])

    def test_says_which_width_is_missing(self, widths, images, bands):
        with fits.open(bands[1]) as hdus:
            del hdus[0].header["FWHM"]
            hdus.writeto("blunt.fits")
        _, (line,) = widths(bands[0], "blunt.fits")
        assert line.startswith("The bands stay as sharp as they are")
        assert "F657N" in line
        assert "Pass fwhm" in line

    def test_one_band_needs_no_width(self, run, images, pattern, fast):
        run.ok("cluster", images("a.fits", pattern()), "-o", "out", *fast)

    def test_restores_the_way_warnings_are_shown(self, run, images):
        before = warnings.showwarning
        run("cluster", "missing.fits", "-o", "out")
        assert warnings.showwarning is before


PARAMETERS = {
    "": {},
    "--fwhm 0.1": {"convolve__fwhm": 0.1},
    "--fwhm 0.1 2.5pix header": {"convolve__fwhm": [0.1, 2.5 * units.pix, "header"]},
    "--target-fwhm 0.1": {"convolve__target_fwhm": 0.1},
    "--target-fwhm 5pix": {"convolve__target_fwhm": 5 * units.pix},
    "--pixel-scale 0.3": {"convolve__pixel_scale": 0.3},
    "--saturation 500": {"gaps__saturation": 500.0},
    "--saturation 1 2 3": {"gaps__saturation": [1.0, 2.0, 3.0]},
    "--grow 1.5": {"gaps__grow": 1.5},
    "--min-snr 3": {"gaps__min_signal_to_noise": 3.0},
    "--mask-zeros yes": {"gaps__mask_zeros": True},
    "--mask-zeros no": {"gaps__mask_zeros": False},
    "--mask-outliers no": {"gaps__mask_outliers": False},
    "--align-to F814W": {"align__align_to": "F814W"},
    "--align-to 1": {"align__align_to": 1},
    "--align-to first": {"align__align_to": 0},
    "--align-to optimal": {"align__align_to": "optimal"},
    "--resample interp": {"align__resample": "interp"},
    "--conserve flux": {"align__conserve": "flux"},
    "--conserve surface-brightness": {"align__conserve": "surface brightness"},
    "--crop yes": {"align__crop": True},
    "--crop no": {"align__crop": False},
    "--register yes": {"align__registration": "correct"},
    "--register check": {"align__registration": "check"},
    "--register no": {"align__registration": None},
    "--sky mask": {"sky__sky": "mask"},
    "--sky keep": {"sky__sky": "keep"},
    "--bin-bands 2": {"bin__bin_size": 2},
    "--color-contrast 0.2": {"color__contrast": 0.2},
    "--smooth 4pix": {"cluster__regularizer__fwhm": 4 * units.pix},
    "--smooth psf": {"cluster__regularizer__fwhm": None},
    "--min-bands 2": {
        **{"gaps__min_bands": 1, "align__min_bands": 2},
        **{"sky__min_bands": 2, "cluster__min_bands": 2},
    },
    "--crop no --min-bands 2": {
        **{"gaps__min_bands": 1, "align__crop": False},
        **{"sky__min_bands": 2, "cluster__min_bands": 2},
    },
    "--pattern voxel": {"cluster__pattern": "voxel"},
}


@pytest.mark.parametrize(("words", "expected"), PARAMETERS.items())
def test_options_become_parameters(made_by, bands, words, expected):
    """They set these and no others."""
    usual, found = (
        {
            name: value
            for name, value in made_by(*bands, *some)[1].get_params().items()
            if name != "steps" and not hasattr(value, "get_params")
        }
        for some in ([], words.split())
    )
    new = {n: v for n, v in found.items() if n not in usual or usual[n] != v}
    assert new == expected


CLUSTERERS = {
    "--runs 1": "ESOM(random_state=0)",
    "--runs 1 --random-state 5 --set learning_rate=.1 --epsilon .5 --n-clusters 4": (
        "ESOM(epsilon=0.5, learning_rate=0.1, n_clusters=4, random_state=5)"
    ),
    "--method csom --set shape=(4,5) --runs 1": "CSOM(random_state=0, shape=(4, 5))",
    "--n-clusters none --runs 1": "ESOM(n_clusters=None, random_state=0)",
    "--n-clusters auto --runs 1": "ESOM(n_clusters='auto', random_state=0)",
    "--method sklearn.cluster.KMeans --n-clusters 3 --set n_init=1 --runs 1": (
        "KMeans(n_clusters=3, n_init=1, random_state=0)"
    ),
    "--runs 3 --n-clusters 4": (
        "ConsensusClusterer(estimator=ESOM(n_clusters=4, random_state=0), n_clusters=4,"
        " n_estimators=3, n_jobs=-1, random_state=0)"
    ),
    "": (
        "ConsensusClusterer(estimator=ESOM(random_state=0), n_clusters=8, n_jobs=-1, "
        "random_state=0)"
    ),
    "--pca 2 --runs 1": (
        "Pipeline(steps=[('pca', PCA(n_components=2, svd_solver='covariance_eigh')), "
        "('esom', ESOM(random_state=0))])"
    ),
}


@pytest.mark.parametrize(("words", "expected"), CLUSTERERS.items())
def test_options_of_the_clusterer(made_by, bands, words, expected):
    clusterer = made_by(*bands, *words.split())[1][-1].estimator
    assert " ".join(repr(clusterer).split()) == expected


def test_steps_that_options_leave_out(made_by, bands):
    steps = [
        {name for name, _ in made_by(*bands, *words.split())[1].steps}
        for words in (
            "",
            "--stretch none",
            "--subtract-background no",
            "--smooth-counts no",
        )
    ]
    assert steps[0] - steps[1] == {"stretch"}
    assert steps[0] - steps[2] == {"background"}
    assert steps[0] - steps[3] == {"counts"}

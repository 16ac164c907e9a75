# SPDX-License-Identifier: BSD-3-Clause
"""The folder of results: what is in it, and all of it or nothing."""

import io
import json
import re
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.votable import validate
from astropy.table import Table
from astropy.wcs import WCS
from PIL import Image
from scipy import ndimage
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import davies_bouldin_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skesom._common.folders import atomic_folder
from skesom.cube import (
    AsinhStretch,
    Cube,
    CubeMasker,
    CubeTransformer,
    FWHMConvolver,
)
from skesom.io import read_catalog, read_map, read_region_labels, write_bands
from skesom.maps import CubeClusterer, make_cluster_pipeline
from skesom.metrics import quantization_error
from skesom.report import PictureStyle, explore
from skesom.report._pictures import Pictures
from skesom.report.pixel_columns import sky_positions
from skesom.report.result import Result
from skesom.report.tables import PixelSummary, choose_tables
from skesom.report.validity import validity_indices
from skesom.runs import Run
from skesom.som import ESOM
from tests.helpers.block_sizes import set_size

PICTURES = [
    *("cluster_contours", "cluster_histogram", "cluster_map", "cluster_spectra"),
    *("component_planes", "cutouts", "hit_map", "quantization_error", "u_matrix"),
]
FILES = [
    *("cluster_images.zip", "cluster_map.fits", "clusters.ecsv", "model.skops"),
    *("pixels.fits", "pixels_scaled.fits", "provenance.json", "validity.ecsv"),
    *("cluster_map.lut", "pieces.ecsv", "pieces.vot", "regions/pieces.reg"),
]


OF_WRITING = {"tables", "overwrite", "pictures"}


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def write(folder, pipeline, cube, **options):
    """Write a report without pictures."""
    shown = {name: options.pop(name) for name in OF_WRITING & options.keys()}
    return Run(pipeline, cube, **options).write(folder, pictures=False, **shown)


def indices_of(sample, som):
    """Return the table of the validity indices of a map and one cluster."""
    summary = PixelSummary(
        distances=som.transform(sample).min(axis=1),
        agreement=None,
        sample=sample,
        sample_labels=np.zeros(len(sample), dtype=int),
        means=None,
    )
    table = validity_indices(SimpleNamespace(som=som), summary)
    table.add_index("index")
    return table


class Smoothed(CubeTransformer):
    """A step of a user's own that looks at the pixels around."""

    def fit(self, X, y=None):
        self._check_cube(X, reset=True)
        return self

    def transform(self, X):
        cube = self._check_cube(X, reset=False)
        return cube.replace(data=ndimage.gaussian_filter(cube.data, (2, 2, 0)))


class Doubled(Smoothed):
    """A step of a user's own that states what it does."""

    keeps_flux = True
    works_pixelwise = True

    def transform(self, X):
        return X.replace(data=2 * X.data)


@pytest.fixture(scope="module")
def aligned(galaxy):
    """What was clustered: masked, brought to one width, in its own units."""
    return FWHMConvolver().fit_transform(CubeMasker().fit_transform(galaxy))


@pytest.fixture(scope="module")
def above_sky(aligned, labels):
    """The same, above the median of the sky that was set aside in each band."""
    return aligned.data - np.nanmedian(aligned.data[labels == -2], axis=0)


@pytest.fixture(scope="module")
def labels(job):
    return job["cluster"].labels_


class TestClusterMap:
    """Labels, WCS and the table of the clusters."""

    def test_map_has_labels_and_wcs(self, galaxy, labels, report):
        path = report["cluster_map.fits"]
        read, wcs = read_map(path)
        np.testing.assert_array_equal(read, labels)
        corners = [[0, 0], [79, 63], [10.5, 40]]
        np.testing.assert_allclose(
            wcs.wcs_pix2world(corners, 0),
            galaxy.wcs.wcs_pix2world(corners, 0),
            rtol=0,
            atol=1e-9,
        )
        with fits.open(path) as hdus:  # as any other program would read it
            hdus.verify("exception")
            header = hdus[0].header
            assert (header["BITPIX"], header["BLANK"]) == (32, -3)
            assert WCS(header).wcs.ctype[0] == "RA---TAN"

    def test_table_of_the_clusters(self, galaxy, job, labels, above_sky, report):
        table = Table.read(report["clusters.ecsv"])
        in_fits = Table.read(report["cluster_map.fits"], hdu="CLUSTERS")
        assert table["id"].tolist() == [0, 1, 2, 3] == in_fits["id"].tolist()
        assert table.colnames == in_fits.colnames
        scaled = job[:-1].transform(galaxy).data
        for row in table:
            inside = labels == row["id"]
            assert row["pixels"] == inside.sum()
            assert row["mean_row"] == pytest.approx(np.nonzero(inside)[0].mean())
            sky = galaxy.wcs.pixel_to_world(row["mean_column"], row["mean_row"])
            assert row["ra"] == pytest.approx(sky.ra.deg, abs=1e-9)
            for band, name in enumerate(galaxy.band_names):
                fluxes = above_sky[inside][:, band]
                quartiles = [row[f"{name}_{q}"] for q in ("q25", "median", "q75")]
                expected = np.percentile(fluxes, [25, 50, 75])
                np.testing.assert_allclose(quartiles, expected, rtol=1e-5)
                mean = fluxes.mean(dtype=np.float64)
                assert row[f"{name}_mean"] == pytest.approx(mean, rel=1e-5)
                mean = scaled[inside][:, band].mean(dtype=np.float64)
                assert row[f"{name}_scaled"] == pytest.approx(mean, abs=1e-6)
        np.testing.assert_allclose(table["percentage"].sum(), 100)
        assert table["F336W_mean"].unit == galaxy.band_units[0]


class TestPixels:
    """Tables with a row per pixel."""

    def test_results(self, galaxy, job, labels, above_sky, report):
        table = Table.read(report["pixels.fits"])
        rows, columns = np.nonzero(labels > -2)
        np.testing.assert_array_equal(table["row"], rows)
        np.testing.assert_array_equal(table["column"], columns)
        np.testing.assert_array_equal(table["cluster"], labels[rows, columns])
        sky = galaxy.wcs.pixel_to_world(columns, rows)
        np.testing.assert_allclose(table["ra"], sky.ra.deg, rtol=0, atol=1e-10)
        np.testing.assert_allclose(table["dec"], sky.dec.deg, rtol=0, atol=1e-10)
        for band, name in enumerate(galaxy.band_names):
            np.testing.assert_allclose(
                table[name], above_sky[rows, columns, band], rtol=1e-5, atol=1e-6
            )
        som = job["cluster"].estimator_
        scaled = job[:-1].transform(galaxy).data[rows, columns]
        winners, distances = som.winners(scaled, return_distance=True)
        np.testing.assert_array_equal(table["unit"], winners)
        np.testing.assert_allclose(table["distance"], distances, rtol=1e-5)
        np.testing.assert_allclose(
            table["activation"], np.exp(-2 * (distances / som.epsilon_) ** 2), rtol=1e-5
        )
        with fits.open(report["pixels.fits"]) as hdus:
            hdus.verify("exception")

    def test_normalized_results(self, galaxy, job, labels, report):
        table = Table.read(report["pixels_scaled.fits"])
        assert table.colnames == ["row", "column", *galaxy.band_names, "cluster"]
        scaled = job[:-1].transform(galaxy).data[labels > -2]
        values = np.column_stack([table[name] for name in galaxy.band_names])
        np.testing.assert_allclose(values, scaled, rtol=1e-5, atol=1e-6)

    def test_strips_make_no_difference(
        self, galaxy, job, report, monkeypatch, tmp_path
    ):
        set_size(monkeypatch, "steps", values=7 * 80 * 5)
        files = write(tmp_path / "out", job, galaxy, tables=True)
        for name in ("pixels.fits", "pixels_scaled.fits", "validity.ecsv"):
            assert files[name].read_bytes() == report[name].read_bytes()


class TestOtherFiles:
    """Pictures, regions, slices, validity."""

    def test_files_are_where_the_answer_says(self, report):
        folder = report["cluster_map.fits"].parent
        pictures = [f"{name}.png" for name in PICTURES]
        expected = {*FILES, *pictures, "model.skops", "regions/all.reg"}
        assert expected - set(report) <= {"model.skops"}
        for name, path in report.items():
            assert path == folder / name
            assert path.stat().st_size > 100
        assert names_in(folder.parent) == ["result"]

    def test_pictures_can_be_opened_and_show_something(self, report):
        for name in PICTURES:
            with Image.open(report[f"{name}.png"]) as image:
                assert image.format == "PNG"
                assert 200 < image.width < 1000
                assert len(image.convert("RGB").getcolors(1_000_000)) > 20

    def test_regions_are_the_clusters(self, galaxy, labels, report):
        pytest.importorskip("regions")
        how = {"name_by": "tag", "names": ["0", "1", "2", "3"]}
        everything = read_region_labels(report["regions/all.reg"], galaxy, **how)
        drawn = everything.label_map >= 0
        # Outlines are as smooth as the images, and hold small pieces of others.
        assert np.mean(everything.label_map[drawn] == labels[drawn]) > 0.8
        assert drawn.sum() > 0.9 * np.sum(labels >= 0)
        folder = report["regions/all.reg"].parent
        there = np.unique(everything.label_map[drawn])
        alone = [f"cluster_{n}.reg" for n in there]
        assert names_in(folder) == ["all.reg", *alone, "pieces.reg", "populations.reg"]
        for number in there:
            path = folder / f"cluster_{number}.reg"
            one = read_region_labels(path, galaxy, **how).label_map == number
            # Corners left out may put a pixel at a border into two outlines.
            assert np.mean(one != (everything.label_map == number)) < 0.002

    def test_pieces_are_a_catalog_that_other_programs_read(self, galaxy, report):
        told = validate(str(report["pieces.vot"]), output=None)
        assert "found no violations" in told
        table = Table.read(report["pieces.vot"])
        assert table.colnames == Table.read(report["pieces.ecsv"]).colnames
        assert len(read_catalog(report["pieces.vot"])) == len(table)
        marks = read_catalog(report["regions/pieces.reg"])
        np.testing.assert_allclose(marks["ra"], table["ra"], rtol=0, atol=1e-7)
        assert marks["type"].tolist() == table["cluster_name"].tolist()

    def test_color_map_of_ds9_has_the_colors_of_the_pictures(self, job, galaxy, report):
        lines = report["cluster_map.lut"].read_text().splitlines()
        low, high = map(float, re.search(r"limits (\S+) (\S+)", lines[1]).groups())
        table = np.array([line.split() for line in lines[2:]], dtype=float)
        # As DS9 finds the color of a value in a table.
        places = (np.arange(4) - low) / (high - low) * len(table)
        colors = Result(job, galaxy).colors[:, :3]
        np.testing.assert_allclose(table[places.astype(int)], colors, atol=1e-4)

    def test_slices(self, galaxy, labels, report):
        table = Table.read(report["clusters.ecsv"])
        with zipfile.ZipFile(report["cluster_images.zip"]) as archive:
            names = archive.namelist()
            assert len(names) == 2 * 5
            for band, name in enumerate(galaxy.band_names):
                with fits.open(
                    io.BytesIO(archive.read(f"{band + 1}_{name}.fits"))
                ) as hdus:
                    hdus.verify("exception")
                    image, header = hdus[0].data, hdus[0].header
                assert header["FILTER"] == name
                np.testing.assert_allclose(WCS(header).wcs.crval, galaxy.wcs.wcs.crval)
                for row in table:
                    values = image[labels == row["id"]]
                    assert (values == np.float32(row[f"{name}_median"])).all()
                assert np.isnan(image[labels < 0]).all()
                picture = archive.read(f"{band + 1}_{name}.png")
                with Image.open(io.BytesIO(picture)) as png:
                    assert png.width > 200

    def test_way_over_a_map_of_two_parts(self):
        units = np.array([[0.0], [1.0], [5.0], [9.0]])
        esom = ESOM(
            None, epsilon=100, init=units, learning_rate=1e-9, link_second=False
        )
        esom.fit(units)
        esom.connections_ = csr_array([[0, 1, 0, 0], [1, 0, 0, 0]] + [[0] * 4] * 2)
        # The first is 0.25 from a unit and 1 from the next. The second one lies
        # between the parts, the third belongs to units without links.
        sample = np.array([[0.25], [3.5], [8.0]])
        table = indices_of(sample, esom)
        error = table.loc["Kaski-Lagus error"]
        assert error["value"] == pytest.approx(1.25, rel=1e-6)
        assert error["pixels"] == 1
        assert table.loc["topographic error"]["value"] == pytest.approx(2 / 3)
        error = indices_of(sample[1:], esom).loc["Kaski-Lagus error"]
        assert np.isnan(error["value"])
        assert error["pixels"] == 0

    def test_validity(self, galaxy, job, labels, report):
        table = Table.read(report["validity.ecsv"])
        assert {*zip(table["index"], table["better"], strict=True)} == {
            ("quantization error", "low"),
            ("topographic error", "low"),
            ("Kaski-Lagus error", "low"),
            ("trustworthiness", "high"),
            ("continuity", "high"),
            ("Davies-Bouldin index", "low"),
            ("Calinski-Harabasz index", "high"),
            ("silhouette", "high"),
        }
        values = dict(zip(table["index"], table["value"], strict=True))
        scaled = job[:-1].transform(galaxy).data[labels > -2]
        som = job["cluster"].estimator_
        assert values["quantization error"] == pytest.approx(
            quantization_error(scaled, som), rel=1e-5
        )
        known = labels[labels > -2]
        assert values["Davies-Bouldin index"] == pytest.approx(
            davies_bouldin_score(scaled, known), rel=1e-5
        )
        assert len(table) == 8
        assert np.isfinite(table["value"]).all()

    def test_provenance_lists_all_files(self, report):
        folder = report["provenance.json"].parent
        told = json.loads(report["provenance.json"].read_text())
        there = {
            str(path.relative_to(folder))
            for path in folder.rglob("*")
            if path.is_file()
        }
        assert set(told["files"]) == there
        assert told["command"] == ["skesom", "x"]
        assert told["pipeline"]["cluster__estimator__random_state"] == 0


@pytest.mark.usefixtures("small_sample")
@pytest.mark.filterwarnings("ignore:One cluster holds:UserWarning")
class TestOtherPipelines:
    """Whatever ends in a CubeClusterer."""

    def test_a_clusterer_without_units(self, galaxy, tmp_path):
        pipeline = make_cluster_pipeline(KMeans(3, random_state=0)).fit(galaxy)
        files = write(tmp_path / "out", pipeline, galaxy, tables=True)
        columns = Table.read(files["pixels.fits"]).colnames
        assert "unit" not in columns
        assert columns[-1] == "cluster"
        indices = Table.read(files["validity.ecsv"])["index"].tolist()
        assert indices[0] == "Davies-Bouldin index"

    def test_map_behind_nested_pipelines(self, galaxy, tmp_path):
        nested = make_pipeline(
            StandardScaler(), make_pipeline(PCA(3), ESOM(n_clusters=3, random_state=0))
        )
        pipeline = make_pipeline(CubeClusterer(nested)).fit(galaxy)
        table = Table.read(write(tmp_path / "out", pipeline, galaxy)["pixels.fits"])
        som = pipeline[-1].estimator_[-1][-1]
        hits = np.bincount(table["unit"], minlength=len(som.hits_))
        np.testing.assert_array_equal(hits, som.hits_)

    @pytest.mark.parametrize(
        "steps",
        [
            [CubeMasker(), FWHMConvolver(), AsinhStretch()],
            [CubeMasker(), AsinhStretch(), Smoothed()],
            [Doubled(), AsinhStretch(), Doubled()],
            [],
        ],
    )
    def test_steps_of_ones_own(self, galaxy, steps):
        clusterer = make_pipeline(
            StandardScaler(), PCA(3), ESOM(n_clusters=3, random_state=0)
        )
        pipeline = make_pipeline(*steps, CubeClusterer(clusterer)).fit(galaxy)
        result = Result(pipeline, galaxy)
        assert list(result.feature_names) == ["feature 1", "feature 2", "feature 3"]
        given = pipeline[:-1].transform(galaxy) if steps else galaxy
        rows, _ = pipeline[-1].table(given)
        expected = pipeline[-1].estimator_[:-1].transform(rows)
        values = np.concatenate([result.features(r) for r in result.strips()])
        np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize(
        ("step", "factor", "whole"), [(Doubled(), 2, False), (Smoothed(), 1, True)]
    )
    def test_a_step_states_what_it_does(self, galaxy, step, factor, whole):
        """A report shows fluxes as long as all steps keep them."""
        galaxy = galaxy.replace(data=np.nan_to_num(galaxy.data))
        clusterer = CubeClusterer(KMeans(2, n_init=1, random_state=0))
        pipeline = make_pipeline(step, clusterer).fit(galaxy)
        result = Result(pipeline, galaxy)
        np.testing.assert_array_equal(result.cube.data, factor * galaxy.data)
        assert (result._transformed_cube is not None) == whole
        rows = slice(3, 9)
        expected = pipeline[0].transform(galaxy).data[rows].reshape(-1, 5)
        np.testing.assert_array_equal(result.features(rows), expected)

    def test_a_pipeline_of_something_else(self, galaxy, tmp_path):
        with pytest.raises(ValueError, match="ends in a CubeClusterer"):
            write(tmp_path / "out", make_pipeline(KMeans(3)), galaxy)

    def test_other_images(self, galaxy, job, tmp_path):
        with pytest.raises(ValueError, match="Give the images that were clustered"):
            write(tmp_path / "out", job, galaxy[:50])
        labels = job.predict(galaxy[:50])
        files = write(tmp_path / "out", job, galaxy[:50], label_map=labels)
        np.testing.assert_array_equal(read_map(files["cluster_map.fits"])[0], labels)
        assert "model.skops" not in files


class TestWrittenReport:
    """What is handed over beside the paths is what the files hold."""

    def test_clusters_and_decisions(self, report, job):
        told = json.loads(report["provenance.json"].read_text())
        assert report.left_out == told["left_out"]
        assert report.decisions == told["decisions"]
        assert report.matches is None
        columns = Table.read(report["clusters.ecsv"]).colnames
        assert report.clusters.colnames == columns
        assert len(report.suggestions) == len(report.clusters) == 4

    def test_matches(self, galaxy, job, tmp_path):
        sky = galaxy.wcs.pixel_to_world([40, 42], [30, 31])
        known = Table({"ra": sky.ra.deg, "dec": sky.dec.deg, "type": ["HII", "G"]})
        files = write(tmp_path / "out", job, galaxy, catalog=known, tables=False)
        written = Table.read(files["crossmatch.ecsv"])
        assert not any("pixels" in name for name in files)
        assert files.matches.table["type"].tolist() == written["type"].tolist()
        assert files.matches.table["count"].tolist() == written["count"].tolist()


@pytest.mark.usefixtures("small_sample")
class TestInput:
    """The images of the caller stay as they are."""

    def test_copies_are_saved_but_not_the_first(self, galaxy, job):
        before = galaxy.data.copy()
        result = Result(job, galaxy)
        np.testing.assert_array_equal(galaxy.data, before)
        expected = job[: list(job.named_steps).index("align") + 1].transform(galaxy)
        np.testing.assert_array_equal(result.cube.data, expected.data)
        assert result.cube.band_names == expected.band_names

    def test_images_on_several_grids(self, galaxy, tmp_path):
        coarse = galaxy[::2, ::2][:, :, 3:]
        cubes = [galaxy[:, :, :3], coarse]
        before = [cube.data.copy() for cube in cubes]
        clusterer = KMeans(3, n_init=1, random_state=0)
        pipeline = make_cluster_pipeline(clusterer, target_fwhm=None)
        labels = pipeline.fit_predict(cubes)
        files = write(tmp_path / "out", pipeline, cubes)
        assert read_map(files["cluster_map.fits"])[0].shape == labels.shape == (32, 40)
        for cube, data in zip(cubes, before, strict=True):
            np.testing.assert_array_equal(cube.data, data)


@pytest.mark.usefixtures("small_sample")
class TestStrangeMaps:
    """Maps that are as poor, or as rich, as maps can be."""

    @pytest.fixture
    def written(self, tmp_path, monkeypatch):
        """Write a report of which pictures are laid out, but not rendered."""

        def save(figure, path, **options):
            figure.draw_without_rendering()
            if isinstance(path, Path):
                path.touch()

        monkeypatch.setattr("skesom._common.workers.Workers.n_workers", 0)
        monkeypatch.setattr("matplotlib.figure.Figure.savefig", save)

        def make(pipeline, cube, **options):
            shown = {name: options.pop(name) for name in OF_WRITING & options.keys()}
            return Run(pipeline, cube, **options).write(tmp_path / "out", **shown)

        return make

    def test_no_wcs(self, galaxy, job, written):
        pipeline = clone(job).set_params(convolve__pixel_scale=0.04)
        cube = galaxy[:, :, :2].replace(wcs=None)
        files = written(pipeline.fit(cube), cube)
        assert read_map(files["cluster_map.fits"])[1] is None
        assert "ra" not in Table.read(files["pixels.fits"]).colnames
        assert "\nimage\n" in files["regions/all.reg"].read_text()

    def test_one_cluster(self, galaxy, written):
        galaxy = galaxy[:, :, :2]
        pipeline = make_cluster_pipeline(ESOM(n_clusters=1, random_state=0)).fit(galaxy)
        files = written(pipeline, galaxy, tables=True)
        table = Table.read(files["validity.ecsv"])
        value = table["value"][table["index"] == "Davies-Bouldin index"]
        assert np.isnan(value)
        assert len(Table.read(files["clusters.ecsv"])) == 1

    def test_more_than_100_clusters(self, galaxy, written):
        galaxy = galaxy[:40, :50]
        clusterer = KMeans(101, n_init=1, random_state=0)
        pipeline = make_cluster_pipeline(clusterer, sky="keep").fit(galaxy)
        files = written(pipeline, galaxy)
        assert len(Table.read(files["clusters.ecsv"])) == 101
        text = files["regions/all.reg"].read_text()
        there = sorted({int(tag) for tag in re.findall(r"tag={(\d+)}", text)})
        names = names_in(files["regions/all.reg"].parent)
        alone = [f"cluster_{n:03}.reg" for n in there]
        assert names == ["all.reg", *alone, "pieces.reg", "populations.reg"]

    def test_everything_masked(self, galaxy, job, written):
        nothing = np.full(galaxy.shape[:2], -3)
        files = written(job, galaxy, label_map=nothing)
        assert "cluster_map.png" in files
        assert len(Table.read(files["pixels.fits"])) == 0
        assert len(Table.read(files["clusters.ecsv"])) == 0
        told = json.loads(files["provenance.json"].read_text())
        assert told["left_out"]["regions"] == "no pixel is in a cluster"
        assert told["left_out"]["pieces"] == "no pixel is in a cluster"
        assert told["result"]["n_clusters"] == 0

    def test_noise(self, galaxy, job, labels, written):
        noisy = np.where(labels == 3, -1, labels)
        files = written(job, galaxy, label_map=noisy, pictures=False)
        table = Table.read(files["pixels.fits"])
        assert np.sum(table["cluster"] == -1) == np.sum(labels == 3)

    def test_partly_observed_pixels(self, galaxy, job, written):
        pipeline = clone(job).set_params(
            gaps__min_bands=2, sky__min_bands=2, cluster__min_bands=2
        )
        files = written(pipeline.fit(galaxy), galaxy, pictures=False)
        read, _ = read_map(files["cluster_map.fits"])
        np.testing.assert_array_equal(read, pipeline["cluster"].labels_)
        assert np.sum(read >= 0) > np.sum(job["cluster"].labels_ >= 0)
        table = Table.read(files["pixels.fits"])
        fluxes = fits.getdata(files["pixels.fits"], "PIXELS")["F336W"]
        assert 0 < np.isnan(fluxes).sum() < len(fluxes)
        assert np.isfinite(table["distance"]).all()

    def test_bands_with_names_of_columns(self, written):
        rng = np.random.default_rng(0)
        names = ["cluster", "Row", "a b/c"]
        cube = Cube(rng.normal(size=(30, 30, 3)), band_names=names)
        pipeline = make_pipeline(CubeClusterer(KMeans(2, random_state=0))).fit(cube)
        files = written(pipeline, cube, tables=True)
        columns = Table.read(files["pixels.fits"]).colnames
        expected = ["row", "column", "flux_cluster", "flux_Row", "a b/c", "cluster"]
        assert columns == expected
        with zipfile.ZipFile(files["cluster_images.zip"]) as archive:
            assert "3_a_b_c.fits" in archive.namelist()

    def test_a_pipeline_that_no_file_can_hold(self, galaxy, tmp_path):
        steps = FunctionTransformer(lambda X: X), KMeans(2, random_state=0)
        clusterer = CubeClusterer(make_pipeline(*steps))
        pipeline = make_pipeline(AsinhStretch(), clusterer).fit(galaxy)
        with pytest.warns(UserWarning, match="is left out") as warned:
            files = write(tmp_path / "out", pipeline, galaxy)
        said = [str(one.message) for one in warned]
        told = json.loads(files["provenance.json"].read_text())["left_out"]
        for name in ("model.skops", "model.joblib"):
            assert name not in files
            assert "lambda" in told[name]
            assert f"{name} is left out: {told[name]}" in said
        read, _ = read_map(files["cluster_map.fits"])
        np.testing.assert_array_equal(read, pipeline[-1].labels_)

    def test_known_objects_elsewhere(self, galaxy, job, tmp_path):
        far = Table({"ra": [10.0], "dec": [80.0], "type": ["GClstr"]})
        with pytest.warns(UserWarning, match="Known objects are left out: "):
            files = write(tmp_path / "out", job, galaxy, catalog=far)
        told = json.loads(files["provenance.json"].read_text())
        assert "crossmatch" in told["left_out"]
        assert "crossmatch.ecsv" not in files
        assert {"cluster_map.fits", "model.skops"} <= files.keys()

    def test_tables_of_more_pixels_than_are_wanted(
        self, galaxy, job, written, monkeypatch
    ):
        monkeypatch.setattr("skesom.report.tables._MAX_PIXELS", 1000)
        few = written(job, galaxy, pictures=False)
        assert not {"pixels.fits", "pixels_scaled.fits"} & few.keys()
        n_pixels = np.count_nonzero(job["cluster"].labels_ > -2)
        told = json.loads(few["provenance.json"].read_text())["left_out"]
        assert told["pixels"].startswith(f"tables of {n_pixels} pixels are gigabytes")

    @pytest.mark.filterwarnings("ignore:.*few for:UserWarning")
    def test_more_bands_than_fits_has_columns(self):
        cube = Cube(np.random.default_rng(0).normal(size=(6, 5, 1010)))
        clusterer = CubeClusterer(KMeans(2, n_init=1, random_state=0))
        result = Result(make_pipeline(clusterer).fit(cube), cube)
        assert "columns" in choose_tables(result, True).why_no_pixels


class TestLargeImages:
    """Pictures of many pixels are drawn from fewer, and say so."""

    def test_they_say_so_and_legends_count_all_pixels(self, galaxy, job, monkeypatch):
        monkeypatch.setattr("skesom.report._pictures.MAX_PIXELS", 64 * 80 // 4)
        monkeypatch.setattr("skesom.report._pictures._DIAGRAM_PIXELS", 64 * 80 // 9)
        result = Result(job, galaxy)
        labels = result.label_map
        shares = 100 * np.bincount(labels[labels >= 0]) / np.sum(labels >= 0)
        wanted = [f"{n}: {share:.1f} %" for n, share in enumerate(shares)]
        names = ["cluster_map", "cluster_spectra", "color_magnitude"]
        said = {"cluster_contours": "every", "cluster_spectra": "from every"}
        jobs = dict(Pictures(result, PictureStyle()).jobs())
        for name in {*names, *said}:
            drawn = jobs[name]()
            if name in names:
                texts = [text.get_text() for text in drawn.legend_.get_texts()]
                assert texts[: len(wanted)] == wanted, name
            if name in said:
                titles = [ax.get_title(loc="left") for ax in drawn.figure_.axes]
                assert f"{said[name]} 2nd row and column" in titles


@pytest.mark.usefixtures("small_sample")
class TestOverwrite:
    """What is there already is safe."""

    def test_overwriting_replaces_an_earlier_report(self, galaxy, job, tmp_path):
        write(tmp_path, job, galaxy)
        assert "pixels.fits" in names_in(tmp_path)
        explore(tmp_path / "page.html", job, galaxy)
        pipeline = make_cluster_pipeline(KMeans(3, random_state=0)).fit(galaxy)
        files = write(tmp_path, pipeline, galaxy, tables=False, overwrite=True)
        # Nothing of the first report is left.
        told = json.loads(files["provenance.json"].read_text())
        paths = [path for path in tmp_path.rglob("*") if path.is_file()]
        names = {path.relative_to(tmp_path).as_posix() for path in paths}
        assert names == {*told["files"]}
        assert not {"pixels.fits", "page.html", "regions/cluster_3.reg"} & names
        (tmp_path / "notes.txt").write_text("mine")
        with pytest.raises(FileExistsError, match=r"not written here.*: notes\.txt\."):
            write(tmp_path, job, galaxy, overwrite=True)

    def test_images_in_the_folder_stop_it(self, galaxy, job, tmp_path):
        """They were written with a result, as those of a demo."""
        with atomic_folder(tmp_path / "out") as folder:
            write_bands(folder / "images", galaxy)
        files = sorted((tmp_path / "out" / "images").iterdir())
        with pytest.raises(FileExistsError, match="which would be replaced"):
            write(tmp_path / "out", job, galaxy, source=files, overwrite=True)
        assert all(file.is_file() for file in files)


@pytest.mark.usefixtures("small_sample")
class TestFailure:
    """Nothing is left behind when something breaks."""

    def test_in_the_middle_of_writing(self, galaxy, job, tmp_path, monkeypatch):
        def break_down(*args, **kwargs):
            raise OSError("No space left on device")

        monkeypatch.setattr("skesom._common.workers.Workers.n_workers", 0)
        monkeypatch.setattr("matplotlib.figure.Figure.savefig", break_down)
        with pytest.raises(OSError, match="No space left"):
            Run(job, galaxy).write(tmp_path / "new/deep/result")
        assert names_in(tmp_path) == []

    def test_names_the_extra_that_is_missing(self, galaxy, job, tmp_path, monkeypatch):
        for name in [n for n in sys.modules if n.partition(".")[0] == "matplotlib"]:
            monkeypatch.setitem(sys.modules, name, None)
        with pytest.warns(UserWarning, match=r"skesom\[plot\]"):
            Run(job, galaxy).write(tmp_path / "result")
        written = names_in(tmp_path / "result")
        assert "summary.md" in written
        assert not any(name.endswith(".png") for name in written)


@pytest.mark.parametrize(
    ("kinds", "names"),
    [
        (["RA---TAN", "DEC--TAN"], ["ra", "dec"]),
        (["GLAT-TAN", "GLON-TAN"], ["l", "b"]),
        (["HPLN-TAN", "HPLT-TAN"], ["lon", "lat"]),  # of the Sun
    ],
)
def test_positions_in_tables_of_pixels(kinds, names):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = kinds
    wcs.wcs.crpix = [1, 1]
    wcs.wcs.crval = [30, 40]
    wcs.wcs.cdelt = [1e-6, 1e-6]
    wcs.wcs.cunit = ["deg", "deg"]
    found = sky_positions(wcs, np.array([0]), np.array([0]))
    is_swapped = kinds[0].startswith("GLAT")
    assert list(found) == names
    np.testing.assert_allclose(found[names[0]], 40 if is_swapped else 30)
    np.testing.assert_allclose(found[names[1]], 30 if is_swapped else 40)

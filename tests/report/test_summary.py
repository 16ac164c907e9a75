# SPDX-License-Identifier: BSD-3-Clause
"""The summary of a result in words."""

import re

import numpy as np
import pytest
from astropy.table import Table
from sklearn.cluster import KMeans

from skesom.cube import Cube
from skesom.io import read_map
from skesom.maps import make_cluster_pipeline
from skesom.report import PictureStyle
from skesom.report.summary import _fluxes
from skesom.runs import Run

SPARE = {"pictures": False, "tables": False}


def write(folder, cube, n_clusters=3, **options):
    """Cluster a cube; return the summary, and what it tells of the clusters."""
    clusterer = KMeans(n_clusters, n_init=1, random_state=0)
    pipeline = make_cluster_pipeline(clusterer, sky="keep").fit(cube)
    pictures = options.pop("pictures", False)
    run = Run(pipeline, cube, **options)
    files = run.write(folder, pictures=pictures, tables=False)
    return files["summary.md"], [each.line() for each in files.descriptions]


def test_has_a_line_on_each_cluster(report):
    clusters = Table.read(report["clusters.ecsv"])
    assert [each.number for each in report.descriptions] == clusters["id"].tolist()
    text = report["summary.md"].read_text()
    for row, told in zip(clusters, report.descriptions, strict=True):
        share = f"{row['percentage']:.1f} %"
        cells = row["id"], told.name, share, told.sure, told.difference
        assert f"\n| {' | '.join(map(str, cells))} | " in text
        assert told.line().startswith(told.name or "no name")
        assert f"differs as {told.difference}" in told.line()
    heads = (
        "what it is | share of the clustered pixels | how sure | how it differs | why"
    )
    assert f"| cluster | {heads} |" in text


def test_tells_of_units_and_diagrams(report):
    text = report["summary.md"].read_text()
    assert "All bands are calibrated: spectra are in 1e-18 erg" in text
    assert "`color_magnitude.png`" in text
    assert report["color_magnitude.png"].is_file()


def test_names_pictures_by_their_format(tmp_path, galaxy):
    pictures = PictureStyle("svg", dpi=20)
    path, _ = write(tmp_path / "result", galaxy, pictures=pictures)
    named = set(re.findall(r"`(\w+\.svg)`", path.read_text()))
    assert {"cluster_map.svg", "cluster_spectra.svg", "color_magnitude.svg"} <= named
    assert all((path.parent / name).is_file() for name in named)
    assert ".png" not in path.read_text()


def test_tells_why_nothing_is_suggested(tmp_path, galaxy):
    sharp = {"fwhm": galaxy.fwhm, "pixel_scale": galaxy.pixel_scale}
    cube = Cube(galaxy.data, **sharp)
    path, told = write(tmp_path / "result", cube)
    assert "No names are suggested" in path.read_text()
    unknown = "no unit of flux or zero point of band 1, band 2, band 3 and others"
    assert unknown in _fluxes(cube)
    assert len(set(told)) == 3  # what tells them apart needs no filters
    assert all(line.startswith("no name, differs as ") for line in told)
    assert "no name, differs as highest band 5 / band 1" in told


def test_clusters_that_thinned_images_lack(tmp_path, galaxy, monkeypatch):
    """One pixel between those that are looked at is told without words."""
    monkeypatch.setattr("skesom.report.summary.MAX_PIXELS", 64 * 80 // 4)
    clusterer = KMeans(3, n_init=1, random_state=0)
    pipeline = make_cluster_pipeline(clusterer, sky="keep").fit(galaxy)
    labels = pipeline["cluster"].labels_.copy()
    labels[31, 41] = 3
    files = Run(pipeline, galaxy, label_map=labels).write(tmp_path / "r", **SPARE)
    assert [each.number for each in files.descriptions] == [0, 1, 2, 3]
    assert files.descriptions[3][1:] == ("", "< 0.1 %", "", "", "")


def test_keeps_the_names_that_are_given(tmp_path, galaxy):
    groups = [("arms | spurs", [0])]
    path, lines = write(tmp_path / "result", galaxy, groups=groups)
    assert lines[0].startswith("arms | spurs")
    assert r"| arms \| spurs |" in path.read_text()


def test_is_of_the_continua_that_are_given(tmp_path, galaxy):
    line = next(name for name in galaxy.band_names if name.endswith("N"))
    path, _ = write(tmp_path / "result", galaxy, continua="none")
    assert "H alpha" not in path.read_text()
    with pytest.raises(ValueError, match=f"{line} cannot be its own continuum"):
        write(tmp_path / "other", galaxy, continua={line: [line]})


def test_tells_how_many_pixels_are_in_no_cluster(tmp_path, galaxy):
    data = galaxy.data.copy()
    data[: len(data) // 4] = np.nan
    path, _ = write(tmp_path / "result", galaxy.replace(data=data))
    label_map, _ = read_map(path.parent / "cluster_map.fits")
    share = 100 * np.count_nonzero(label_map == -3) / label_map.size
    assert share > 25
    assert f"{share:.2g} % of the pixels have no data" in path.read_text()


@pytest.mark.filterwarnings("ignore:Most of the light is that of the sky")
def test_tells_of_few_photons(tmp_path, galaxy):
    path, _ = write(tmp_path / "light", galaxy)
    assert "Few photons" not in path.read_text()
    data = galaxy.data.copy()
    data[:, :, 1] = np.random.default_rng(0).poisson(0.3, galaxy.shape[:2])
    name = galaxy.band_names[1]
    with pytest.warns(UserWarning, match=f"'{name}' .too little in common"):
        path, _ = write(tmp_path / "photons", galaxy.replace(data=data))
    assert f" Few photons: {galaxy.band_names[1]} has 0.3" in path.read_text()


def test_tells_of_a_map_that_flickers(tmp_path, galaxy):
    path, _ = write(tmp_path / "smooth", galaxy)
    assert "Small pieces" not in path.read_text()
    noise = np.random.default_rng(0).normal(size=(*galaxy.shape[:2], 2))
    sharp = {"fwhm": galaxy.fwhm[:2], "pixel_scale": galaxy.pixel_scale}
    path, _ = write(tmp_path / "noise", Cube(noise, **sharp))
    assert "\n- Small pieces: " in path.read_text()
    assert "regularizer=MajorityVote()" in path.read_text()

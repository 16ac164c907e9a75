# SPDX-License-Identifier: BSD-3-Clause
"""Populations in a result: files, the summary, and when there are none."""

import numpy as np
from astropy.io import fits
from astropy.table import Table

from skesom.consensus import ConsensusClusterer
from skesom.datasets import make_galaxy_cube
from skesom.io import read_map, read_region_labels
from skesom.maps import make_cluster_pipeline
from skesom.report._populations import terminal_lines
from skesom.runs import Run
from skesom.som import ESOM

FILES = {"population_map.fits", "populations.ecsv", "regions/populations.reg"}


def test_map_table_regions_and_summary_tell_the_same(plain_report):
    assert plain_report.keys() >= FILES
    label_map, wcs = read_map(plain_report["population_map.fits"])
    clusters, of_clusters = read_map(plain_report["cluster_map.fits"])
    np.testing.assert_array_equal(label_map < 0, clusters < 0)
    assert wcs.wcs.compare(of_clusters.wcs)
    table = Table.read(plain_report["populations.ecsv"])
    sizes = np.bincount(label_map[label_map >= 0])
    np.testing.assert_array_equal(table["pixels"], sizes)
    header = fits.getheader(plain_report["population_map.fits"])
    assert [header[f"CLUS{n}"] for n in range(len(table))] == list(table["name"])
    summary = plain_report["summary.md"].read_text()
    assert "## Populations" in summary
    small = table[~table["is_named"] & (table["pixels"] < 15)]
    for row in table:
        line = f"| {row['name']}{' (?)' * bool(row['is_named'])} |"
        assert (line in summary) == (row["id"] not in small["id"])
    assert (f"{len(small)} piece" in summary) == bool(len(small))
    np.testing.assert_array_equal(plain_report.populations["id"], table["id"])


def test_regions_hold_most_of_each_large_population(plain_report, galaxy):
    table = Table.read(plain_report["populations.ecsv"])
    label_map, _ = read_map(plain_report["population_map.fits"])
    path, names = plain_report["regions/populations.reg"], list(table["name"])
    drawn = read_region_labels(path, galaxy, name_by="tag", names=names).label_map
    inside = label_map == 0  # the largest
    assert np.mean(drawn[inside] == 0) > 0.8


def test_pictures_show_them(report):
    assert report["population_map.png"].stat().st_size > 1000
    assert "`population_map.png`" in report["summary.md"].read_text()


def test_unknown_bands_have_none(tmp_path):
    cube, _ = make_galaxy_cube((48, 48), 3, random_state=0)
    unknown = cube.replace(band_names=["a", "b", "c"], band_coordinates=None)
    pipeline = make_cluster_pipeline(ESOM(4, random_state=0)).fit(unknown)
    spare = {"pictures": False, "tables": False}
    files = Run(pipeline, unknown).write(tmp_path / "out", **spare)
    assert FILES.isdisjoint(files)
    assert files.populations is None
    assert "Populations" not in files["summary.md"].read_text()


def test_small_pieces_without_a_name_are_told_together():
    table = Table(
        {
            "id": np.arange(5),
            "name": ["piece 0", "young stars", "piece 4", "rest 3", "piece 7"],
            "is_named": [False, True, False, False, False],
            "pixels": [900, 12, 11, 4, 1],
            "percentage": [96.98, 1.29, 1.19, 0.43, 0.11],
            "evidence": ["", "blue", "", "", ""],
        }
    )
    head, *lines = terminal_lines(table)
    assert head.startswith("1 population, light of one suggested name, and 4 pieces")
    assert len(lines) == 3
    assert "900 pixels" in lines[0]
    assert lines[0].endswith("piece 0")
    assert lines[1].endswith("young stars (?), blue")
    assert "16 pixels    1.73 %  3 pieces without a name, of fewer than" in lines[2]


def test_it_is_said_why_a_picture_has_none(tmp_path, caplog):
    """Also where bands were moved, which gives values between the levels."""
    cube, _ = make_galaxy_cube((64, 64), 3, random_state=0)
    data = np.arcsinh(cube.data / np.nanstd(cube.data))
    levels = np.clip(np.round(255 * data / np.percentile(data, 99)), 0, 255)
    picture = cube.replace(data=levels, band_units=None, zero_points=None)
    pipeline = make_cluster_pipeline(ESOM(4, random_state=0))
    pipeline.set_params(align__registration=None).fit(picture)
    spare = {"pictures": False, "tables": False}
    moved = [picture.replace(data=picture.data + np.float32(0.3))]
    assert pipeline["gaps"].is_picture_
    with caplog.at_level("INFO"):
        files = Run(pipeline, moved[0]).write(tmp_path / "out", **spare)
    assert files.populations is None
    assert all(guess.name is None for guess in files.suggestions)
    text = "No magnitudes, names or populations: the values are those of a picture"
    assert text in files["summary.md"].read_text()
    assert text in files.decisions["why_no_names"]
    assert sum(text in record.getMessage() for record in caplog.records) == 1


def test_those_of_a_consensus_tell_how_sure_they_are(tmp_path):
    cube, _ = make_galaxy_cube((64, 64), 4, random_state=0)
    consensus = ConsensusClusterer(ESOM(4), n_estimators=3, random_state=0)
    pipeline = make_cluster_pipeline(consensus).fit(cube)
    spare = {"pictures": False, "tables": False}
    files = Run(pipeline, cube).write(tmp_path / "out", **spare)
    table = Table.read(files["populations.ecsv"])
    assert ((table["agreement"] > 0) & (table["agreement"] <= 1)).all()
    pieces = [int(n) for row in files.populations["pieces"] for n in row.split()]
    assert sorted(pieces) == [*range(len(pieces))]
    assert len(pieces) > 4  # those of the tree

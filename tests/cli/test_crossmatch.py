# SPDX-License-Identifier: BSD-3-Clause
"""``skesom crossmatch`` and ``--catalog``: where known objects gather."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from skesom.cube import Cube
from skesom.io import read_map, write_map
from skesom.report.catalog import read_named_map


@pytest.fixture
def label_map(tmp_path, sky_wcs):
    """A file of two clusters, of which the second has a tenth of 20 x 30 pixels."""
    labels = np.zeros((20, 30), dtype=np.int32)
    labels[:, :3] = 1
    write_map(tmp_path / "map.fits", labels, wcs=sky_wcs)
    return tmp_path / "map.fits"


@pytest.fixture
def catalog(tmp_path, sky_wcs):
    """H II regions in the second cluster but one, and stars anywhere."""
    columns = [0, 1, 2, 0, 1, 2, 0, 1, 2, 20] + [25, 15, 5, 12, 9]
    rows = [0, 2, 4, 6, 8, 10, 12, 14, 16, 18] + [3, 8, 13, 17, 1]
    sky = sky_wcs.pixel_to_world(columns, rows)
    table = Table({"ra": sky.ra.deg, "dec": sky.dec.deg})
    table["type"] = ["HII"] * 10 + ["*"] * 5
    table.write(tmp_path / "known.csv")
    return tmp_path / "known.csv"


@pytest.fixture(scope="module")
def objects_of(scene, tmp_path_factory):
    """A catalog of the brightest places of the galaxy, and of places all over it."""
    cube, _ = scene
    path = tmp_path_factory.mktemp("catalog") / "objects.csv"
    brightest = np.argsort(cube.data[:, :, 1], axis=None)[-30:]
    places = np.append(brightest, np.random.default_rng(0).integers(0, 32 * 36, 20))
    rows, columns = np.unravel_index(places, cube.shape[:2])
    sky = cube.wcs.pixel_to_world(columns, rows)
    table = Table({"ra": sky.ra.deg, "dec": sky.dec.deg})
    table["type"] = ["HII"] * 30 + ["G"] * 20
    table.write(path)
    return path


class TestOfALabelMap:
    """The command with a map alone."""

    def test_clusters_have_the_names_of_their_table(
        self, run, label_map, tmp_path, catalog
    ):
        """As the map of populations, whose table is the extension CLUSTERS."""
        labels, wcs = read_map(label_map)
        cube = Cube(np.zeros((*labels.shape, 1)), wcs=wcs)
        table = Table({"id": [0, 1], "name": ["old stars, disc", "young stars"]})
        write_map(tmp_path / "named.fits", labels, cube=cube, table=table)
        out = run.ok("crossmatch", tmp_path / "named.fits", catalog)
        assert any(
            "90 % in cluster young stars (10 % of the clustered pixels)" in o
            for o in out
        )

    def test_prints_in_words_where_objects_gather(self, run, label_map, catalog):
        out = run.ok("crossmatch", label_map, catalog)
        assert out == [
            "Known objects: 15 in clusters, 0 in none, 0 outside of the map. They "
            "gather:",
            # 9 or 10 of 10 with 0.1 each: 9.1e-9, as beyond 5.6 standard deviations
            "  H II region (10): 90 % in cluster 1 (10 % of the clustered pixels), 9.0 "
            "times chance (6 sigma, p < 0.001, none of 1000 draws); 100 % of the "
            "objects there",
        ]

    def test_writes_tables_and_pictures(self, run, label_map, catalog, tmp_path):
        out = tmp_path / "out"
        run.ok("crossmatch", label_map, catalog, "-o", out, "--radius", 2)
        names = {"crossmatch", "objects", "completeness"}
        tables = {name: Table.read(out / f"{name}.ecsv") for name in names}
        table = tables["completeness"]
        assert {"completeness", "purity", "area_purity", "cluster_name"} < set(
            table.colnames
        )
        assert len(table) == 4
        assert len(tables["objects"]) == 15
        sums = table["completeness"].reshape(2, 2).sum(axis=1)
        np.testing.assert_allclose(sums, 1)
        pictures = {path.name for path in out.glob("*.png")}
        assert pictures == {"crossmatch.png", "cluster_map_objects.png"}

    def test_a_radius_may_be_in_pixels(
        self, run, label_map, catalog, tmp_path, monkeypatch
    ):
        monkeypatch.setattr("skesom.report.catalog._pictures", lambda *_: [])
        for number, radius in enumerate(("2", "2pix", "0.0333333333arcmin")):
            how = "--radius", radius, "-o", tmp_path / f"out{number}"
            assert run("crossmatch", label_map, catalog, *how)[0] == 0
        paths = [tmp_path / f"out{n}" / "crossmatch.ecsv" for n in range(3)]
        counts = [Table.read(path)["count"].tolist() for path in paths]
        assert counts[0] == counts[1] == counts[2]
        assert counts[0] != [1.0, 9.0, 5.0, 0.0]  # as without a radius

    def test_objects_without_types_are_stated(self, run, label_map, catalog, tmp_path):
        table = Table.read(catalog)
        table["ra", "dec"].write(tmp_path / "places.csv")
        status, out, err = run("crossmatch", label_map, tmp_path / "places.csv")
        assert status == 0
        (line,) = err
        assert "gives no types, so its objects are all 'untyped'" in line
        assert out[1].startswith("  untyped (15): 60 % in cluster 1 (10 % of the")

    def test_chance_is_said_to_be_chance(self, run, label_map, catalog, tmp_path):
        table = Table.read(catalog)
        table[table["type"] == "*"].write(tmp_path / "stars.csv")
        out = run("crossmatch", label_map, tmp_path / "stars.csv")[1]
        (line,) = out
        assert line.endswith("outside of the map. None gather more than by chance.")


class TestOfAResult:
    """The command with a folder, and the option of ``skesom cluster``."""

    def test_both_write_the_same(
        self, run, bands, objects_of, tmp_path, told_in, fast, monkeypatch
    ):
        monkeypatch.chdir(tmp_path)
        known = "--catalogue", objects_of, "--radius", "1pix"
        out = run.ok("cluster", *bands, "-o", "a", *fast, *known)
        said = [line for line in out if " times chance " in line]
        assert any(line.startswith("  H II region (30): ") for line in said)
        arguments = objects_of, *known[2:], "-o", "b"
        out = run.ok("crossmatch", "a", *arguments)
        assert [line for line in out if " times chance " in line] == said
        files = {path.name for path in Path("b").iterdir()} - {".skesom.json"}
        assert files == {
            *("crossmatch.ecsv", "objects.ecsv", "completeness.ecsv"),
            *("crossmatch.png", "cluster_map_objects.png"),
        }
        tables = {name for name in files if name.endswith(".ecsv")}
        for name in tables:
            first, second = (Path(each) / name for each in "ab")
            assert first.read_bytes() == second.read_bytes()
        assert tables < set(told_in(Path("a"))["files"])

    def test_names_and_colors_of_the_result_are_used(
        self, run, fitted, objects_of, tmp_path
    ):
        shutil.copytree(fitted, tmp_path / "a")
        listed = Table.read(tmp_path / "a" / "clusters.ecsv")
        listed["name"] = [f"population {n}" for n in range(len(listed))]
        listed.write(tmp_path / "a" / "clusters.ecsv", overwrite=True)
        named = read_named_map(tmp_path / "a")
        assert named.names == listed["name"].tolist()
        assert named.colors == listed["color"].tolist()
        out = run("crossmatch", tmp_path / "a", objects_of)[1]
        assert "in cluster population" in out[1]


class TestBadInput:
    """One line that says what is wrong."""

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"unit": "10**99999999 deg"}, "has a power that is too large"),
            ({"name": "number"}, "is damaged: KeyError"),
            ({"id": 7}, "is damaged: IndexError"),
        ],
    )
    def test_list_of_clusters(self, refused, label_map, catalog, change, reason):
        """That of a folder of a stranger may hold anything."""
        columns = {"unit": "deg", "name": "id", "id": 1} | change
        (label_map.parent / "clusters.ecsv").write_text(
            "# %ECSV 1.0\n# ---\n# datatype:\n# - {{name: {name}, datatype: int64, "
            "unit: {unit}}}\n# - {{name: name, datatype: string}}\n# - {{name: color, "
            "datatype: string}}\n{name} name color\n{id} a red\n".format(**columns)
        )
        label_map.rename(label_map.parent / "cluster_map.fits")
        parts = ["clusters.ecsv", reason]
        refused("crossmatch", label_map.parent, catalog, parts=parts)

    @pytest.mark.parametrize(
        ("labels", "part"),
        [
            ([[0, 2**31 - 1]], "label 2147483647"),
            ([[0, 0]], "positions on the sky, but the label map has no WCS"),
        ],
    )
    def test_label_maps(self, refused, catalog, tmp_path, labels, part):
        write_map(tmp_path / "m.fits", labels)
        refused("crossmatch", tmp_path / "m.fits", catalog, parts=[part])

    def test_objects_of_another_sky(self, refused, label_map, bands, catalog):
        table = Table.read(catalog)
        table["dec"] += 1
        table.write(catalog, overwrite=True)
        parts = "None of the 15 objects lies in the map", "Check the catalog"
        refused("crossmatch", label_map, catalog, parts=parts)
        refused("cluster", *bands, "--catalog", catalog, parts=parts)

    @pytest.mark.parametrize(
        ("radius", "part"),
        [
            ("-2", "argument --radius: must not be negative, got '-2'"),
            ("big", "argument --radius: must be a number of arcsec or with a unit"),
            ("2kg", "radius must be an angle or in pixels, got 2.0 kg"),
        ],
    )
    def test_a_radius_that_is_none(self, refused, label_map, catalog, radius, part):
        refused("crossmatch", label_map, catalog, "--radius", radius, parts=[part])

    def test_no_such_catalog(self, refused, label_map):
        parts = ("No such file", "nothing.csv")
        refused("crossmatch", label_map, "nothing.csv", parts=parts)

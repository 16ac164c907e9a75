# SPDX-License-Identifier: BSD-3-Clause
"""Catalogs come in from NED, DS9, CSV and tables, and go out as regions."""

import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from numpy.testing import assert_allclose, assert_array_equal
from regions import Regions

from skesom.io import read_catalog, write_regions
from skesom.io.ned import NED_TYPES, describe_types

# The form in which NED sends "bar-separated values of main source table".
NED = """

Results from query to  NASA/IPAC Extragalactic Database (NED),
which is operated by the Jet Propulsion Laboratory, California Institute of
Technology, under contract with the National Aeronautics and Space Administration.

queryDateTime:2014-08-01T08:04:29PDT


Main Information Table for NED objects within 10.000 arcmin of object MESSIER 083


Equinox:J2000.0


CoordSystem:Equatorial

No.|Object Name|RA(deg)|DEC(deg)|Type|Velocity|Redshift|Redshift Flag|\
Magnitude and Filter|Distance (arcmin)|References|Notes|Photometry Points|Positions|\
Redshift Points|Diameter Points|Associations
1|MESSIER 083|204.25396 | -29.86542 |G|   513| 0.001711 |    | 8.20|  0.000|1184|25|\
198|7|17|17|1
2|NGC 5236:[SL2011] 1_547|204.25817 | -29.85912 |*Cl||||22.0B|  0.437|1|0|3|0|0|0|0
3|CXOU J133701.6-295128|204.25683 | -29.85789 |HII||||     |  0.476|14|0|3|0|0|0|0
4|A star of our own|204.1 | -29.8 |!*||||     |  0.5|14|0|3|0|0|0|0
"""


FRAMES = "icrs", "galactic"


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file and returns its path."""

    def write(text, name="ned.txt"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


# ---------------------------------------------------------------- NED


def test_ned_is_parsed_and_typed(write):
    table = read_catalog(write(NED))
    assert table["type"].tolist() == ["G", "*Cl", "HII", "!*"]
    assert table["name"][1] == "NGC 5236:[SL2011] 1_547"
    assert_allclose(table["ra"], [204.25396, 204.25817, 204.25683, 204.1])
    assert_allclose(table["dec"], [-29.86542, -29.85912, -29.85789, -29.8])
    assert table["ra"].unit == table["dec"].unit == u.deg
    assert table["number"].dtype.kind == "i"
    assert table["references"].tolist() == [1184, 1, 14, 14]
    assert table["velocity"].unit == u.km / u.s
    assert table["velocity"].tolist() == [513.0, None, None, None]
    assert table["redshift"].tolist() == [0.001711, None, None, None]
    assert table["redshift_points"].tolist() == [17, 0, 0, 0]
    assert table["magnitude"].tolist() == [8.2, 22.0, None, None]
    assert table["magnitude"].unit == u.mag
    assert table["magnitude_filter"].tolist() == ["", "B", "", ""]
    assert table["separation"].unit == u.arcmin
    assert_allclose(table["separation"], [0, 0.437, 0.476, 0.5])


def test_the_newer_headings_and_sexagesimal_positions_of_ned(write):
    text = (
        "No.|Object Name|RA|DEC|Type|Velocity|Redshift|Redshift Flag|"
        "Magnitude and Filter|Separation|References\n"
        "1|MESSIER 083|13h37m00.95s|-29d51m55.5s|G|513|0.001711|SLS|7.5g|0.000|1184\n"
    )
    (row,) = read_catalog(write(text))
    expected = SkyCoord("13h37m00.95s", "-29d51m55.5s")
    assert_allclose([row["ra"], row["dec"]], [expected.ra.deg, expected.dec.deg])
    assert (row["redshift_flag"], row["magnitude_filter"]) == ("SLS", "g")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("|14|0|3|0|0|0|0", "|14"), r"ned.txt, line 21 has 11 columns instead of 17"),
        (("Equinox:J2000.0", "Equinox:B1950.0"), "Equinox B1950.0. Ask NED for"),
        (("Equatorial", "Galactic"), "CoordSystem Galactic. Ask NED for"),
        (("|14|", "|many|"), "ned.txt, column References: .*many"),
        ((" -29.85789 ", " south "), "object 3 has the coordinate 'south'"),
    ],
)
def test_damage_to_a_table_of_ned_is_named(write, change, message):
    with pytest.raises(ValueError, match=message):
        read_catalog(write(NED.replace(*change)))


def test_rich_text_is_refused(write):
    with pytest.raises(ValueError, match=r"ned.rtf is text with formatting"):
        read_catalog(write("{\\rtf1\\ansi\n" + NED, "ned.rtf"))


def test_the_real_catalog_of_m83(shared_data):
    table = read_catalog(shared_data / "m83" / "m83_ned_objects_pix.csv")
    assert len(table) == 1621
    kinds, counts = np.unique(table["type"], return_counts=True)
    counted = dict(zip(kinds.tolist(), counts.tolist(), strict=True))
    assert counted["HII"] == 223
    assert counted["*Cl"] == 1179
    assert {"x", "y", "ra", "dec", "name"} <= set(table.colnames)


# ---------------------------------------------------------------- regions

LEGEND = """# Region file format: DS9
fk5
circle(204.25,-29.86,1") # color=green text={HII region}
circle(204.26,-29.85,1") # color=green
point(204.27,-29.85) # point=cross color=cyan text={X-ray source}
point(204.27,-29.84) # point=cross color=cyan
point(204.27,-29.83) # point=box color=cyan
-circle(204.20,-29.86,1")
"""


def test_regions_drawn_alike_have_the_type_that_one_of_them_names(write):
    pytest.importorskip("regions")
    table = read_catalog(write(LEGEND, "legend.reg"))
    kinds = ["HII region"] * 2 + ["X-ray source"] * 2 + ["untyped"]
    assert table["type"].tolist() == kinds
    expected = SkyCoord(204.26, -29.85, unit="deg", frame="fk5").icrs
    assert_allclose(table["ra"][1], expected.ra.deg, rtol=0, atol=1e-9)
    assert_allclose(table["dec"][1], expected.dec.deg, rtol=0, atol=1e-9)


def test_a_style_of_two_types_tells_nothing(write):
    pytest.importorskip("regions")
    text = LEGEND + 'circle(204.28,-29.86,1") # color=green text={cluster}\n'
    table = read_catalog(write(text, "legend.reg"))
    assert table["type"].tolist()[:2] == ["HII region", "untyped"]


def test_tags_are_types_and_texts_then_names(write):
    pytest.importorskip("regions")
    text = "image\npolygon(1,1,5,1,5,5,1,5) # tag={arm} text={A 1}\ncircle(8,9,2)"
    table = read_catalog(write(text, "tags.reg"))
    assert table["type"].tolist() == ["arm", "untyped"]
    assert table["name"].tolist() == ["A 1", ""]
    assert_allclose(table["x"], [2, 7])
    assert_allclose(table["y"], [2, 8])


def test_the_real_regions_of_m83_have_the_types_of_ned(shared_data):
    pytest.importorskip("regions")
    folder = shared_data / "m83"
    drawn = read_catalog(folder / "M83-nearname-10_REGION.reg")
    kinds = drawn["type"].tolist()
    # As the description of the file counts them, within ten arcminutes.
    assert kinds.count("HII region") == 344
    assert kinds.count("Star cluster") == 1417
    assert kinds.count("Supernova remnant") == 62
    assert kinds.count("X-ray source") == 195
    assert kinds.count("Ultraviolet source") == 286
    ned = read_catalog(folder / "m83_ned_objects_pix.csv")
    places = SkyCoord(drawn["ra"], drawn["dec"], frame="icrs")
    nebulae = ned[ned["type"] == "HII"]
    index, distance, _ = SkyCoord(nebulae["ra"], nebulae["dec"]).match_to_catalog_sky(
        places[drawn["type"] == "HII region"]
    )
    assert len(set(index)) > 200
    assert distance.arcsec.max() < 0.1


def test_lines_are_no_objects(write):
    pytest.importorskip("regions")
    with pytest.raises(ValueError, match=r"Region 1 .*\(line\) has no middle"):
        read_catalog(write("image\nline(1,1,5,5)", "line.reg"))


# ---------------------------------------------------------------- tables


def test_columns_are_found_by_usual_names():
    table = Table(
        {"MAIN_ID": ["a"], "RAJ2000": [10.0], "DEJ2000": [-5.0], "otype": ["Neb"]}
    )
    read = read_catalog(table)
    assert read.colnames[:4] == ["name", "type", "ra", "dec"]
    assert [*read[0]] == ["a", "Neb", 10.0, -5.0]


def test_columns_may_be_named():
    table = Table({"alpha": [1.0], "delta": [2.0], "what": ["x"], "err": [0.5]})
    table["err"].unit = u.arcmin
    columns = {"ra": "alpha", "dec": "delta", "type": "what", "uncertainty": "err"}
    read = read_catalog(table, columns=columns)
    assert [*read["type", "ra", "dec", "uncertainty"][0]] == ["x", 1.0, 2.0, 30.0]


def test_units_frames_and_text_are_converted():
    place = SkyCoord(10.0, -5.0, unit="deg")
    tables = [
        QTable({"ra": [10 / 15] * u.hourangle, "dec": [-300] * u.arcmin}),
        Table({"ra": ["00:40:00"], "dec": ["-05:00:00"]}),
        Table({"ra": ["10.0"], "dec": ["-5"]}),
        Table({"place": SkyCoord([place.galactic])}),
    ]
    for table in tables:
        read = read_catalog(table, object_type="HII")
        assert_allclose([read["ra"][0], read["dec"][0]], [10, -5], rtol=1e-12)
        assert read["type"].tolist() == ["HII"]


@pytest.mark.parametrize("suffix", ["csv", "ecsv", "fits", "vot"])
def test_files_of_many_formats(tmp_path, suffix):
    table = Table({"name": ["a, b", "c"], "ra": [1.5, 2.5], "dec": [3.5, -4.5]})
    table["type"] = ["HII", "SNR"]
    path = tmp_path / f"objects.{suffix}"
    table.write(path, format="votable" if suffix == "vot" else None)
    read = read_catalog(path)
    assert read["type"].tolist() == ["HII", "SNR"]
    assert read["name"].tolist() == ["a, b", "c"]
    assert_array_equal(read["dec"], [3.5, -4.5])


def test_missing_types_are_untyped_and_missing_places_are_left_out():
    table = Table({"x": MaskedColumn([1, 2, 3], mask=[0, 0, 1]), "y": [4, 5, 6]})
    table["type"] = MaskedColumn(["HII", "SNR", "SN"], mask=[0, 1, 0])
    with pytest.warns(UserWarning, match="1 objects without a position"):
        read = read_catalog(table)
    assert read["type"].tolist() == ["HII", "untyped"]
    assert read["x"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ({"a": [1.0], "type": ["b"]}, {}, "no columns for positions, but a, type"),
        ({"ra": [1.0], "dec": [95.0], "type": [""]}, {}, "object 1 has a declination"),
        ({"x": [np.nan], "y": [1], "type": ["a"]}, {}, "no object with a position"),
        ({"x": [], "y": [], "type": []}, {}, "has no object"),
        ({"x": [1], "y": [1]}, {"columns": {"type": "b"}}, "has no column 'b' for"),
        ({"x": [1], "y": [1]}, {"columns": {"kind": "b"}}, r"the keys \['kind'\]"),
    ],
)
def test_bad_tables_are_named(table, options, message):
    with pytest.raises(ValueError, match=message):
        read_catalog(Table(table), **options)


def test_bad_files_are_named(write, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No such file .*missing.csv"):
        read_catalog(tmp_path / "missing.csv")
    with pytest.raises(ValueError, match=r"noise.dat cannot be read as a catalog"):
        read_catalog(write("# nothing\n", "noise.dat"))
    with pytest.raises(ValueError, match=r"empty.csv has no object"):
        read_catalog(write("ra,dec,type\n", "empty.csv"))


# ---------------------------------------------------------------- out


def test_a_catalog_goes_through_regions_and_back(write, tmp_path):
    regions = pytest.importorskip("regions")
    table = read_catalog(write(NED))
    path = tmp_path / "objects.reg"
    write_regions(path, table, names=True)
    read = read_catalog(path)
    assert read["type"].tolist() == table["type"].tolist()
    assert read["name"].tolist() == table["name"].tolist()
    assert_allclose(read["ra"], table["ra"], rtol=0, atol=1e-8)
    drawn = regions.Regions.read(str(path), format="ds9")
    looks = [(r.visual["marker"], r.visual["color"]) for r in drawn]
    assert looks == [("D", "magenta"), ("o", "blue"), ("o", "green"), ("+", "green")]
    write_regions(path, table, overwrite=True)
    assert "text" not in path.read_text()
    with pytest.raises(FileExistsError):
        write_regions(path, table)


def test_pixels_go_out_as_image_coordinates(tmp_path):
    table = Table({"x": [0.0, 10.25], "y": [5.0, 6.5], "type": ["HII", "spot"]})
    path = tmp_path / "objects.reg"
    write_regions(path, table)
    lines = path.read_text().splitlines()
    assert lines[2] == "image"
    assert lines[3].startswith(
        "point(1.000,6.000) # point=circle color=green tag={HII}"
    )
    assert lines[4].startswith("point(11.250,7.500)")


def test_texts_that_regions_cannot_hold_are_named(tmp_path):
    table = Table({"x": [0.0], "y": [5.0], "type": ["a;b"]})
    with pytest.raises(ValueError, match="'a;b' holds braces"):
        write_regions(tmp_path / "objects.reg", table)
    assert not list(tmp_path.iterdir())


def test_types_of_ned_all_look_different():
    known = describe_types(NED_TYPES)
    assert len({(kind.symbol, kind.color) for kind in known.values()}) == len(known)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        others = describe_types([f"kind {n}" for n in range(30)])
    assert len({(kind.symbol, kind.color) for kind in others.values()}) == 30


def test_the_middle_of_a_polygon_on_the_sky(write):
    """Across the beginning of longitudes, and in the frame in which it is drawn."""
    corners = "359.9,10, 0.1,10, 0.1,10.2, 359.9,10.2"
    drawn = [f"{frame}\npolygon({corners}) # tag={{arm}}\n" for frame in FRAMES]
    path = write("".join(drawn), "drawn.reg")
    for source in (path, Regions.read(path, format="ds9")):
        table = read_catalog(source)
        places = SkyCoord(table["ra"], table["dec"])
        for place, frame in zip(places, FRAMES, strict=True):
            middle = SkyCoord(0, 10.1, unit="deg", frame=frame)
            assert place.separation(middle).arcsec < 0.1


def test_a_place_that_is_no_angle():
    table = Table({"ra": [1.0] * u.m, "dec": [2.0] * u.deg, "type": ["HII"]})
    with pytest.raises(ValueError, match=r"'ra' is in m, which is not deg"):
        read_catalog(table)

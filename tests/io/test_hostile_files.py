# SPDX-License-Identifier: BSD-3-Clause
"""Files made to harm: each is refused in one line that names it, at once."""

import errno
import gzip
import lzma
import urllib.request
import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from skesom._sky.units import unit_of
from skesom.cube import FWHMConvolver
from skesom.io import read_catalog, read_cube, read_map, read_region_labels

NED = "No.|Object Name|RA(deg)|DEC(deg)|Type|Velocity\n1|A|204.2|-29.8|SN|"


@pytest.fixture
def write(tmp_path):
    def write_file(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


def block(**cards):
    """A header of one block; cards are written as they are."""
    lines = [
        f"{name.replace('__', '-'):<8}= {value:>20}" for name, value in cards.items()
    ]
    return "".join(f"{line:<80}" for line in [*lines, "END"]).ljust(2880).encode()


def image(columns, rows, bits=-32, **cards):
    return block(SIMPLE="T", BITPIX=bits, NAXIS=2, NAXIS1=columns, NAXIS2=rows, **cards)


def read_mask(path, shape=(5, 5)):
    return read_region_labels(path, shape, name_by=None).mask


def refuse(path, *parts, read=read_cube):
    with pytest.raises((OSError, ValueError)) as caught:
        read(path)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    assert len(text) < 1000
    for part in parts:
        assert part in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("NAXIS", -1), ("NAXIS", 2**31), ("NAXIS1", -1000), ("NAXIS2", -1)],
        *[("BITPIX", -2880), ("WCSAXES", 65536), ("NAXIS1", "'three'")],
    ],
)
@pytest.mark.parametrize("read", [read_cube, read_map, read_catalog])
def test_header_that_cannot_be(write, name, value, read):
    cards = {"SIMPLE": "T", "BITPIX": -32, "NAXIS": 2, "NAXIS1": 3, "NAXIS2": 2}
    path = write("a.fits", block(**cards | {name: value}) + bytes(2880))
    refuse(path, f"HDU 0 has {name} = {value}", read=read)


def test_second_header_that_leads_back(write):
    second = block(
        XTENSION="'IMAGE'", BITPIX=8, NAXIS=1, NAXIS1=-5760, PCOUNT=0, GCOUNT=1
    )
    path = write("a.fits", image(2, 2) + bytes(2880) + second)
    refuse(path, "HDU 1 has NAXIS1 = -5760")


@pytest.mark.parametrize(
    "name", ["AMDX1", "AMDY13", "CNPIX1", "PLTRAH", "PLTDECS", "PPO3"]
)
@pytest.mark.parametrize("value", ["'x'", "T"])
def test_cards_that_crash_wcslib(write, name, value):
    refuse(
        write("a.fits", image(2, 2, **{name: value}) + bytes(2880)), f"has {name} = "
    )


def test_sign_of_a_plate_that_is_a_number(write):
    refuse(write("a.fits", image(2, 2, PLTDECSN=1) + bytes(2880)), "has PLTDECSN = 1")


@pytest.mark.parametrize("start", [" ", "HIERARCH "])
def test_cards_that_only_astropy_knows(write, start):
    header = block(SIMPLE="T", BITPIX=8, NAXIS=2, NAXIS1=2, NAXIS2=2)
    card = f"{start}A_0_2 = 'x'".ljust(80).encode()
    header = header.replace(b"END".ljust(80), card + b"END".ljust(80))[:2880]
    refuse(write("a.fits", header + bytes(2880)), "has A_0_2 = 'x'")


def test_two_units_of_one_band(write):
    path = write("a.fits", image(2, 2, BUNIT="'a,b'") + bytes(2880))
    assert read_cube(path).band_units == (None,)


def test_pixels_of_no_size(write):
    cards = {"CTYPE1": "'RA---TAN'", "CTYPE2": "'DEC--TAN'"}
    cards |= {"CDELT1": "1e-300", "CDELT2": "1e-3"}
    path = write("a.fits", image(2, 2, **cards, FWHM=0.3) + bytes(2880))
    cube = read_cube(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted = FWHMConvolver().fit_transform(cube)
    assert converted.shape == cube.shape


def test_distortion_of_a_huge_order(write):
    cards = {"CTYPE1": "'RA---TAN-SIP'", "CTYPE2": "'DEC--TAN-SIP'"}
    path = write(
        "a.fits", image(2, 2, **cards, A_ORDER=65536, B_ORDER=65536) + bytes(2880)
    )
    refuse(path, "has A_ORDER = 65536")


def test_more_pixels_than_the_file_has(write):
    parts = ["ends too early", "4000000000000 bytes", "copy it again"]
    refuse(write("a.fits", image(10**6, 10**6) + bytes(2880)), *parts)


def test_whole_image_before_a_cut_one_is_read(write):
    second = block(
        XTENSION="'IMAGE'", BITPIX=8, NAXIS=2, NAXIS1=99, NAXIS2=99, PCOUNT=0
    )
    path = write("a.fits", image(2, 2, 8) + bytes([1, 2, 3, 4]).ljust(2880) + second)
    with pytest.warns(UserWarning, match=r"a\.fits ends too early: HDU 1 has less"):
        cube = read_cube(path)
    assert cube.data[:, :, 0].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("opener", [gzip.open, lzma.open])
def test_bomb(tmp_path, opener):
    path = tmp_path / "a.fits.gz"
    with opener(path, "wb") as file:
        file.write(image(100_000, 100_000))
        for _ in range(20):
            file.write(bytes(2**20))
    refuse(path, "HDU 0 would expand to more than 1032 times", "decompress it before")


def test_packed_image_beyond_the_memory_is_refused_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "zeros.fits.gz"
    fits.PrimaryHDU(np.zeros((300, 200), np.float32)).writeto(path)
    assert read_cube(path).shape == (300, 200, 1)
    monkeypatch.setattr("skesom._common.fits_checks.free_memory", lambda: 200_000)
    with pytest.raises(OSError, match=r"300 x 200 values.*Decompress") as caught:
        read_cube(path)
    assert "zeros.fits.gz" in str(caught.value)
    assert caught.value.errno == errno.ENOMEM


def test_only_what_the_headers_tell_is_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "a.fits.gz"
    with gzip.open(path, "wb") as file:
        file.write(image(2, 2, 8) + bytes(2880))
        for _ in range(20):
            file.write(bytes(2**20))
    passed = []
    read = gzip.GzipFile.read

    def counted(file, size=-1):
        part = read(file, size)
        passed.append(len(part))
        return part

    monkeypatch.setattr(gzip.GzipFile, "read", counted)
    assert read_cube(path).shape == (2, 2, 1)
    assert sum(passed) <= 6 * 2880


def test_header_without_an_end(tmp_path):
    path = tmp_path / "a.fits.gz"
    with gzip.open(path, "wb") as file:
        file.write(b"SIMPLE  =                    T".ljust(2880))
        for _ in range(40):
            file.write(b" " * 2**20)
    refuse(path, "no header from SIMPLE to END")


def test_sparse_images_are_read(tmp_path):
    # A thousandth of its size: as many zeros as gzip can pack.
    data = np.zeros((3000, 3000), np.float32)
    data[7, 9] = 5
    fits.writeto(tmp_path / "a.fits.gz", data)
    assert (tmp_path / "a.fits.gz").stat().st_size < data.nbytes / 900
    cube = read_cube(tmp_path / "a.fits.gz")
    assert np.array_equal(cube.data[:, :, 0], data)


@pytest.mark.parametrize(
    ("side", "reason"),
    [(2**40, "HDU 1 would expand"), ("5E1", "HDU 1 has ZNAXIS1 = 50.0")],
)
def test_sides_of_a_tiled_image(write, tmp_path, side, reason):
    packed = fits.CompImageHDU(np.zeros((50, 50), np.int32))
    packed.writeto(tmp_path / "a.fits")
    content = (tmp_path / "a.fits").read_bytes()
    place = content.index(b"ZNAXIS1 =")
    card = f"ZNAXIS1 = {side:>20}".ljust(80).encode()
    path = write("a.fits.fz", content[:place] + card + content[place + 80 :])
    refuse(path, reason)


def test_table_whose_data_are_elsewhere(write, tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise AssertionError("It was opened.")

    monkeypatch.setattr(urllib.request, "urlopen", fail)
    secret = write("secret", b"\0" * 8).as_uri()
    path = write(
        "a.vot",
        '<?xml version="1.0"?><VOTABLE version="1.3"><RESOURCE><TABLE><FIELD name="ra" '
        f'datatype="double"/><DATA><BINARY><STREAM href="{secret}"/></BINARY></DATA>'
        "</TABLE></RESOURCE></VOTABLE>",
    )
    refuse(path, "its data are elsewhere", secret, read=read_catalog)


def test_packed_table_that_expands_without_end(write):
    text = b"name,ra,dec,type\n" + b"A,1,2,SN\n" * 4_000_000
    refuse(write("a.csv.gz", gzip.compress(text)), "much larger", read=read_catalog)


VOTABLE = (
    '<?xml version="1.0"?><VOTABLE version="1.3"><RESOURCE><TABLE{}><FIELD name="ra" '
    'unit="{}" datatype="double"/>{}<DATA><TABLEDATA><TR><TD>1</TD></TR></TABLEDATA>'
    "</DATA></TABLE></RESOURCE></VOTABLE>"
)
ECSV = (
    "# %ECSV 1.0\n# ---\n# datatype:\n# - {{name: ra, datatype: float64}}\n"
    "# meta: {}\nra\n1\n"
)
HUGE = "10**99999999 deg"
CATALOGS = {
    "a.txt": ("ra,dec\n1,2\n", "in none of the known formats"),
    "a.tex": ("\\begin{table}\n\\begin{tabular}{c}\nra \\\\\n", "in none of the"),
    "a.asdf": ("#ASDF 1.0.0\n%YAML 1.1\n--- {}\n", "in none of the known formats"),
    "a.parquet": (b"PAR1\xff", "can't decode"),
    "packed.csv": (gzip.compress(b"1,2\n" * 9_000_000), "much larger"),
    "twice.csv": (gzip.compress(gzip.compress(b"ra,dec\n1,2\n")), "packed twice"),
    "wide.csv": ("ra" + ",c" * 20_000 + "\n", "more than 999 columns"),
    "long.csv": ("ra,a\n1," + "x" * 99_999 + "\n1,a" * 9999, "far longer than the"),
    "lines.csv": (
        'ra,a\n1,"' + "\n" * 99_999 + '"' + "\n1,a" * 9999,
        "far longer than the others",
    ),
    "many.vot": (VOTABLE.format(' nrows="999999999"', "", ""), "far more memory"),
    "long.vot": (
        VOTABLE.format(
            "", "", '<FIELD name="a" datatype="char" arraysize="999999999"/>'
        ),
        "far more memory",
    ),
    "wide.vot": (VOTABLE.format("", "", "<FIELD/>" * 9999), "more than 999 columns"),
    "unit.vot": (VOTABLE.format("", f"&#49;{HUGE[1:]}", ""), HUGE),
    "unit.ecsv": (ECSV.format(f'"\\x31{HUGE[1:8]}\\\n#   {HUGE[8:]}"'), HUGE),
    "tag.ecsv": (ECSV.format(f"!astropy.units.Unit {{unit: {HUGE}}}"), HUGE),
    "code.ecsv": (ECSV.format("!!python/object/apply:os.getcwd []"), "cannot be read"),
    "deep.ecsv": (ECSV.format("[" * 20_000), "far larger than those of tables"),
    "much.ecsv": (ECSV.format(f"[{'a, ' * 40_000}]"), "far larger than those of"),
}


@pytest.mark.parametrize("name", CATALOGS)
def test_catalogs(write, name):
    """Only some formats are read, and none of them without end."""
    content, reason = CATALOGS[name]
    refuse(
        write(name, content), "cannot be read as a catalog", reason, read=read_catalog
    )


def test_packed_catalogs_are_read_as_they_are(write):
    for name, text in (("a.csv.gz", "\ufeffra,dec\n1,2\n"), ("ned.gz", f"{NED}\n")):
        with warnings.catch_warnings(action="ignore"):
            table = read_catalog(write(name, gzip.compress(text.encode())))
        assert len(table) == 1


@pytest.mark.parametrize(
    "unit", [HUGE, "10^99999999m", "(10 ** +099999999) m", "sqrt(10**99999999)"]
)
def test_power_of_a_unit_without_end(write, unit):
    # Astropy makes the number, which no signal interrupts; so does it of TUNIT1.
    path = write(
        "a.fits", image(2, 2, BUNIT=f"'{unit}'", CUNIT1=f"'{unit}'") + bytes(2880)
    )
    assert read_cube(path).band_units == (None,)
    table = Table({"ra": [1.0], "dec": [2.0]})
    hdu = fits.table_to_hdu(table)
    hdu.header["TUNIT1"] = unit
    hdu.writeto(path, overwrite=True)
    refuse(path, f"{unit!r} has a power", read=read_catalog)
    with pytest.raises(ValueError, match="has a power that is too large"):
        unit_of(unit)


def test_numbers_of_ned_that_are_too_large(write):
    text = NED.replace("1|A", f"{10**30}|A") + "5.0\n"
    refuse(write("ned.txt", text), "column No.", read=read_catalog)


def test_long_words_are_cut_in_messages(write):
    refuse(
        write("ned.txt", NED + "1" + "-" * 5000 + "\n"), "Velocity", read=read_catalog
    )
    path = write("a.reg", "image\ncircle(" + "[" * 5000 + ")\n")
    refuse(path, "line 2", read=read_mask)


def test_too_many_columns(write):
    text = NED.splitlines()[0] + "|x" * 100_000 + "\n"
    refuse(write("ned.txt", text), "100006 columns", read=read_catalog)


@pytest.mark.parametrize("size", ["1e300", "-1e300", "inf", "nan"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_sizes_beyond_numbers(write, size):
    path = write("a.reg", f"image\ncircle(3,3,{size})\n")
    refuse(path, read=read_mask)


def test_endless_text_of_a_region(write):
    path = write("a.reg", "image\ncircle(3,3,2) # " + "text={" * 100_000 + "\n")
    parts = ["line 2", "20000 characters"]
    refuse(path, *parts, read=read_mask)


@pytest.mark.parametrize(
    "text",
    [
        "global " + "a" * 100_000 + "\nimage\ncircle(3,3,2)\n",
        "#CRTF\ncircle[[1pix,2pix],3pix], " + "a" * 100_000 + "\n",
        "#CRTF\ncircle[[1pix,2pix],3pix], color=#f00, " + "a" * 19_000 + "=b\n",
    ],
)
def test_endless_word_of_regions(write, text):
    refuse(write("a.reg", text), "1000 in a word", read=read_mask)


def test_first_bad_line_after_many_good_ones(write):
    lines = ["fk5", *['circle(204.25,-29.87,1")'] * 99, "image", "circle(3,3,1)"] * 3
    lines[250] = "circle(a,b)"
    path = write("a.reg", "\n".join(lines))
    refuse(path, "line 251", read=read_mask)


def test_polygon_of_many_corners(write):
    # A star that crosses itself; the same as its parts of few corners say.
    regions = pytest.importorskip("regions")
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-20, 240, (2, 5000))
    corners = ",".join(f"{a:.5f},{b:.5f}" for a, b in zip(x, y, strict=True))
    path = write("a.reg", f"image\npolygon({corners})\n")
    (region,) = regions.Regions.read(path, format="ds9")
    columns, rows = np.meshgrid(range(220), range(200))
    known = region.contains(regions.PixCoord(columns, rows))
    assert 0.4 < known.mean() < 0.6
    assert np.array_equal(read_mask(path, (200, 220)), known)
    corners = ",".join(f"{i % 607},{i * 7 % 601}" for i in range(60_000))
    path = write("b.reg", f"image\npolygon({corners})\n")
    assert read_mask(path, (605, 605)).any()

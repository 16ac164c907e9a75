# SPDX-License-Identifier: BSD-3-Clause
"""The fuzzers on their first cases, and hostile values by hypothesis."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skesom.io import read_catalog, read_cube, read_region_labels
from skesom.report import read_cluster_groups

HERE = Path(__file__).parent
SOME = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([2**31, 2**63, 1e300]))
QUOTE = "'"
PLAIN = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
CARDS = st.sampled_from(
    "NAXIS NAXIS1 NAXIS2 BITPIX PCOUNT GCOUNT BSCALE BZERO BLANK WCSAXES CTYPE1 CUNIT1 "
    "CRVAL1 CRPIX1 CDELT1 CD1_1 PV1_1 A_ORDER B_ORDER A_0_2 AMDX1 PLTRAH PLTDECSN PPO3 "
    "LONPOLE FILTER BUNIT FWHM BMAJ PHOTFLAM EXPTIME EXTNAME SPECVAL".split()
)


def first_cases(*arguments):
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.mark.skipif(sys.platform != "linux", reason="it limits memory as Linux does")
def test_no_case_fails():
    done = first_cases(HERE / "run.py", "300")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "300 cases, 0 fail" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="it reads times as Linux has them")
def test_no_random_pipeline_fails():
    done = first_cases(HERE / "pipelines.py", "--count", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "60 cases, 0 fail" in done.stdout


def read_or_refuse(read, path, content):
    """Read a file, or see that one line names it."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    text = path.stem
    try:
        read(path)
    except (OSError, ValueError) as error:
        text = str(error)
    assert path.stem in text
    assert "\n" not in text


@SOME
@given(cards=st.lists(st.tuples(CARDS, st.one_of(NUMBERS, PLAIN)), max_size=4))
@pytest.mark.filterwarnings("ignore")
def test_any_value_of_a_card(tmp_path, cards):
    start = {"SIMPLE": "T", "BITPIX": "8", "NAXIS": "2", "NAXIS1": "3", "NAXIS2": "2"}
    start |= {"CTYPE1": "'RA---TAN'", "CTYPE2": "'DEC--TAN'"}
    for name, value in cards:
        is_text = isinstance(value, str)
        start[name] = f"'{value.replace(QUOTE, QUOTE * 2)}'" if is_text else str(value)
    header = "".join(f"{k:<8}= {v:>20}"[:80].ljust(80) for k, v in start.items())
    content = (header + "END").ljust(2880).encode() + bytes(range(6)).ljust(2880)
    read_or_refuse(read_cube, tmp_path / "in.fits", content)


@SOME
@given(
    shape=st.sampled_from(["circle", "box", "ellipse", "polygon", "annulus", "point"]),
    frame=st.sampled_from(["image", "fk5", "galactic", "physical"]),
    numbers=st.lists(NUMBERS, max_size=7),
    text=PLAIN,
)
@pytest.mark.filterwarnings("ignore")
def test_any_region(tmp_path, sky_wcs, shape, frame, numbers, text):
    line = f"{frame}\n{shape}({','.join(map(str, numbers))}) # text={{{text}}}\n"

    def read(path):
        read_region_labels(path, (12, 15), wcs=sky_wcs, name_by=None)

    read_or_refuse(read, tmp_path / "in.reg", line)


@SOME
@given(fields=st.lists(st.one_of(NUMBERS.map(str), PLAIN), min_size=17, max_size=17))
@pytest.mark.filterwarnings("ignore")
def test_any_field_of_ned(tmp_path, fields):
    headings = (
        "No.|Object Name|RA|DEC|Type|Velocity|Redshift|Redshift Flag|"
        "Magnitude and Filter|Separation|References|Notes|Photometry Points|Positions|"
        "Redshift Points|Diameter Points|Associations"
    )
    text = headings + "\n" + "|".join(fields) + "\n"
    read_or_refuse(read_catalog, tmp_path / "ned.txt", text)


@SOME
@given(
    tree=st.recursive(
        st.one_of(st.none(), st.booleans(), PLAIN, NUMBERS.map(str)),
        lambda inner: st.lists(inner, max_size=4).map(
            lambda each: f"[{','.join(map(str, each))}]"
        ),
    )
)
def test_any_groups(tmp_path, tree):
    group = f'{{"name": "a", "labels": {tree}}}'
    text = f'{{"format": "skesom clusters", "version": 1, "clusters": [{group}]}}'
    read_or_refuse(read_cluster_groups, tmp_path / "groups.json", text)

# SPDX-License-Identifier: BSD-3-Clause
"""--continuum: the bands of continuum of a line."""

import json

import pytest

from skesom.cli import main
from skesom.datasets import make_galaxy_cube
from skesom.io import write_bands

FAST = ["--runs", "1", "--n-clusters", "3", "--no-pictures", "--tables", "no"]


@pytest.fixture(scope="module")
def bands(tmp_path_factory):
    cube, _ = make_galaxy_cube((48, 48), 3, random_state=0)
    return list(map(str, write_bands(tmp_path_factory.mktemp("bands"), cube)))


def test_is_kept_with_the_run(bands, tmp_path, capsys):
    folder = tmp_path / "result"
    given = ["--continuum", "F657N=F814W"]
    assert main(["cluster", *bands, "-o", str(folder), *FAST, *given]) == 0
    assert "3 clusters:" in capsys.readouterr().out
    kept = json.loads((folder / "provenance.json").read_text())["images"]
    assert "F657N" in json.dumps(kept)


def test_can_be_switched_off(bands, tmp_path):
    folder = tmp_path / "result"
    given = ["--continuum", "none"]
    assert main(["cluster", *bands, "-o", str(folder), *FAST, *given]) == 0
    assert "more light in H alpha" not in (folder / "summary.md").read_text()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["F656N=F814W"], "names band 'F656N', but the bands are F336W, F657N, F814W"),
        (["F657N=F555W,F814W"], "The continuum of F657N names band 'F555W'"),
        (["F657N=F657N"], "F657N cannot be its own continuum"),
        (["none", "F657N=F814W"], "none switches all off"),
    ],
)
def test_that_is_wrong_is_one_line(refused, bands, given, message):
    refused("cluster", *bands, "--continuum", *given, parts=[message])


@pytest.mark.parametrize("given", ["F657N", "F657N=", "=F814W", "F657N=F814W,"])
def test_of_another_form_is_one_line(refused, bands, given):
    parts = ["is not of the form LINE=BAND or LINE=BAND,BAND"]
    refused("cluster", *bands, "--continuum", given, parts=parts)

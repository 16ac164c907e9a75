# SPDX-License-Identifier: BSD-3-Clause
"""--continuum: the bands of continuum of a line."""

import pytest

from skesom.runs.recipes import read_recipe


def test_is_told_by_name(made_by, bands):
    source, _ = made_by(*bands, "--continuum", "F657N=F814W")
    assert source.continua == {"F657N": ["F814W"]}


def test_can_be_switched_off_and_is_kept_with_the_run(
    run, bands, fitted, fast, tmp_path
):
    out, text = tmp_path / "out", "equivalent width"
    run.ok("cluster", *bands, "-o", out, *fast, "--continuum", "none")
    assert read_recipe(out).source.continua == "none"
    assert text in (fitted / "summary.md").read_text()
    assert text not in (out / "summary.md").read_text()


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

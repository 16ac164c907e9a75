# SPDX-License-Identifier: BSD-3-Clause
"""Public names are documented: each parameter, and an example that doctest runs."""

import importlib
import inspect
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

import skesom

DOORS = [
    importlib.import_module(f"skesom.{name}")
    for name in skesom._SUBPACKAGES
    if name != "cli"
]
OF_SCIKIT_LEARN = r"set_.*_request|get_metadata_routing"


def is_ours(function):
    return (getattr(function, "__module__", None) or "").startswith("skesom")


def public_functions():
    """Yield the name and the value of each public class, method and function."""
    for door in DOORS:
        for name in door.__all__:
            value = getattr(door, name)
            if not callable(value):
                continue
            yield f"{door.__name__}.{name}", value
            for part in dir(value) if inspect.isclass(value) else ():
                member = getattr(value, part)
                hidden = part.startswith("_") or re.fullmatch(OF_SCIKIT_LEARN, part)
                if callable(member) and is_ours(member) and not hidden:
                    yield f"{door.__name__}.{name}.{part}", member


FUNCTIONS = dict(public_functions())


def documented_parameters(text):
    """Return the names of the entries of the section Parameters."""
    section = re.search(
        r"^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n---|\Z)", text, re.S | re.M
    )
    entries = re.findall(r"^(\*{0,2}\w[\w*, ]*?)(?: :|$)", section[1], re.M)
    return [name.strip(" *") for entry in entries for name in entry.split(",")]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_parameters_are_those_of_the_signature(name):
    function = FUNCTIONS[name]
    signature = inspect.signature(function)
    expected = [each for each in signature.parameters if each not in ("self", "cls")]
    text = inspect.getdoc(function)
    assert not re.search(r"%\(\w+\)s", text)
    if expected:
        assert documented_parameters(text) == expected


@pytest.mark.parametrize("name", FUNCTIONS)
def test_defaults_are_those_of_the_signature(name):
    parameters = inspect.signature(FUNCTIONS[name]).parameters.values()
    expected = {each.name: each.default for each in parameters}
    text = inspect.getdoc(FUNCTIONS[name])
    entries = re.findall(r"^(\w[\w, ]*) : .*default=(.+)$", text, re.M)
    words = {"numpy": np, "inf": np.inf, "nan": np.nan}
    for names, default in entries:
        for parameter in names.split(", "):
            told = eval(default, words)
            assert [expected.pop(parameter)] == [told], parameter  # NaN is itself
    assert set(expected.values()) <= {
        inspect.Parameter.empty,
        None,
    }  # y=None is ignored


@pytest.mark.parametrize("name", FUNCTIONS)
def test_examples_exist(name):
    text = inspect.getdoc(FUNCTIONS[name])
    assert re.search(r"^Examples\n-{8}\n(.*\n)*>>> ", text, re.M)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_reference_lists_public_names(door):
    page = Path(__file__).parents[1] / "docs/api" / f"{door.__name__[7:]}.md"
    if not page.exists():
        pytest.skip("no pages beside an installed package")
    listed = re.findall(
        r"^   (\w+)$|^\.\. py:data:: [\w.]+\.(\w+)$",
        page.read_text(encoding="utf-8"),
        re.M,
    )
    assert sorted(a or b for a, b in listed) == sorted(door.__all__)


def test_reference_links_the_guide():
    extension = Path(__file__).parents[1] / "docs/_extensions/reference.py"
    if not extension.exists():
        pytest.skip("no pages beside an installed package")
    guides = runpy.run_path(str(extension))["guides"]
    names = {name.split(".")[2] for name in FUNCTIONS}
    assert "ESOM" in names
    assert not [name for name in sorted(names) if not guides(name)]
    assert "evolving_map" in guides("ESOM")
    assert "classical_map" in guides("CSOM")


def test_reference_lists_names_of_the_package():
    page = Path(__file__).parents[1] / "docs/api/index.md"
    if not page.exists():
        pytest.skip("no pages beside an installed package")
    _, listed = page.read_text(encoding="utf-8").split("from `skesom` itself:\n")
    names = re.findall(r"`(\w+)`", listed.partition("\n\n")[0])
    assert sorted(names) == sorted(set(skesom.__all__) - set(skesom._SUBPACKAGES))

# SPDX-License-Identifier: BSD-3-Clause
"""The recipe for conda and the workflows say what pyproject.toml and others say."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

TOP = Path(__file__).parents[1]
NAMES_IN_CONDA = {
    "astropy": "astropy-base",
    "dask": "dask-core",
    "matplotlib": "matplotlib-base",
}


@pytest.fixture(scope="module")
def pyproject():
    if not (TOP / "pyproject.toml").is_file():
        pytest.skip("needs the checkout, the tests alone are here")
    return tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def recipe(pyproject):
    place = TOP / ".github" / "conda" / "recipe.yaml"
    return yaml.safe_load(place.read_text(encoding="utf-8"))


def _versions(requirements):
    """Return the versions that are asked for by the names in conda."""
    found = {}
    for requirement in requirements:
        if isinstance(requirement, str) and not requirement.startswith("skesom["):
            name, versions = re.fullmatch(
                r"([\w-]+)(?:\[\w+\])?\s*(.*)", requirement
            ).groups()
            found[NAMES_IN_CONDA.get(name, name)] = versions
    return found


def test_recipe_needs_what_the_project_needs(recipe, pyproject):
    needed = _versions(pyproject["project"]["dependencies"])
    assert _versions(recipe["requirements"]["run"]) == {"python": "", **needed}
    extras = pyproject["project"]["optional-dependencies"]
    groups = re.split(r"[\[\],]", extras["all"][0])[1:-1]
    optional = _versions(each for group in groups for each in extras[group])
    assert _versions(recipe["requirements"]["run_constraints"]) == optional


def test_recipe_is_built_as_the_project_is(recipe, pyproject):
    wanted = _versions(pyproject["build-system"]["requires"])
    host = _versions(recipe["requirements"]["host"])
    assert {name: host[name] for name in wanted} == wanted


def test_recipe_describes_the_project(recipe, pyproject):
    project = pyproject["project"]
    assert recipe["context"]["version"] == project["version"]
    assert recipe["about"]["license"] == project["license"]
    assert recipe["about"]["summary"] == project["description"]
    (entry,) = recipe["build"]["python"]["entry_points"]
    assert entry == f"skesom = {project['scripts']['skesom']}"


def test_actions_are_pinned_and_get_no_permission_by_default(pyproject):
    workflows = sorted((TOP / ".github" / "workflows").glob("*.yml"))
    assert workflows
    for path in workflows:
        text = path.read_text(encoding="utf-8")
        used = re.findall(r"uses: (.*)", text)
        assert used, path
        for action in used:
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", action), path
        assert yaml.safe_load(text)["permissions"] == {}, path
        assert text.count("persist-credentials: false") == text.count("/checkout@")

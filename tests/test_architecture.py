# SPDX-License-Identifier: BSD-3-Clause
"""Imports go only where docs/architecture.md says, and nothing private leaves home."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import skesom

PACKAGE = Path(skesom.__file__).parent
PAGE = Path(__file__).parents[1] / "docs" / "architecture.md"


def imports_of(tree, package):
    """Dotted names of skesom that a module imports, also in functions and for types.

    Of ``from skesom.maps import CubeClusterer`` it is skesom.maps.CubeClusterer.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"a relative import in {package}"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "skesom")


@pytest.fixture(scope="module")
def modules():
    """The imports of each module, by its dotted name."""
    found = {}
    for path in sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.pyx")]):
        name = ".".join(["skesom", *path.relative_to(PACKAGE).with_suffix("").parts])
        name = name.removesuffix(".__init__")
        found[name] = []
        if path.suffix == ".py":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found[name] = [*imports_of(tree, name)]
    return found


@pytest.fixture(scope="module")
def packages():
    """Dotted names of all folders of modules."""
    inits = PACKAGE.rglob("__init__.py")
    folders = (path.parent.relative_to(PACKAGE).parts for path in inits)
    return {".".join(["skesom", *parts]) for parts in folders}


def owner(name, modules):
    """The module that an imported name is of."""
    while name not in modules:
        name = name.rpartition(".")[0]
    return name


def folder_of(name):
    """The first folder below skesom of a dotted name, or its module there."""
    return name.split(".")[1] if "." in name else name


@pytest.fixture(scope="module")
def allowed():
    """The folders that each folder may import, as the page has them."""
    if not PAGE.is_file():
        pytest.skip("the pages of the documentation are not here")
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition("## Rules of imports")[2].partition("There are no circles")[
        0
    ]
    rows = re.findall(r"^\| `(\w+)` \| ([^|:]*)", table, re.MULTILINE)
    return {folder: set(re.findall(r"`(\w+)`", names)) for folder, names in rows}


def test_folders_import_only_what_the_page_says(modules, allowed):
    wrong = []
    for name, imported in modules.items():
        own = folder_of(name)
        for other in imported:
            target = folder_of(owner(other, modules))
            inside = own in (target, "skesom")  # the front door names all
            if not inside and target not in allowed[own]:
                wrong.append(f"{name} imports {other}")
    assert wrong == []


def test_the_page_allows_no_more_than_is_used(modules, allowed):
    used = {folder: set() for folder in allowed}
    for name, imported in modules.items():
        own = folder_of(name)
        if own == "skesom":
            continue
        used[own].update(folder_of(owner(other, modules)) for other in imported)
        used[own].discard(own)
    assert used == allowed


def test_folders_make_no_circle(allowed):
    assert [*TopologicalSorter(allowed).static_order()][-1] == "cli"


def test_modules_make_no_circle(modules):
    graph = {
        name: {owner(other, modules) for other in imported} - {name}
        for name, imported in modules.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"these modules import each other: {error.args[1]}")


def test_nothing_private_is_used_outside_its_folder(modules, packages):
    wrong = []
    for name, imported in modules.items():
        home = name if name in packages else name.rpartition(".")[0]
        for other in imported:
            parts = other.split(".")
            for place, part in enumerate(parts):
                if part.startswith("_") and not part.startswith("__"):
                    parent = ".".join(parts[:place])
                    if not f"{home}.".startswith(f"{parent}."):
                        wrong.append(f"{name} imports {other}")
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f():\n    from skesom.maps import a", ["skesom.maps.a"]),
        ("if TYPE_CHECKING:\n    import skesom.cli", ["skesom.cli"]),
        ("import numpy\nfrom os import path", []),
    ],
)
def test_imports_are_found_wherever_they_stand(text, expected):
    assert [*imports_of(ast.parse(text), "here")] == expected

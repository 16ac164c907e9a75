# SPDX-License-Identifier: BSD-3-Clause
"""Types of the public names: all are there, and true. mypy checks tests/typing."""

import ast
import importlib
import inspect
import subprocess
import sys
from importlib.resources import files

import pytest
from sklearn.utils._param_validation import StrOptions

import skesom

PACKAGES = [name for name in skesom._SUBPACKAGES if name != "cli"]
PUBLIC = {
    name: getattr(importlib.import_module(f"skesom.{package}"), name)
    for package in PACKAGES
    for name in importlib.import_module(f"skesom.{package}").__all__
}
CLASSES = {name: one for name, one in PUBLIC.items() if inspect.isclass(one)}
ESTIMATORS = [
    name for name in CLASSES if getattr(CLASSES[name], "_parameter_constraints", None)
]


def functions_of(cls):
    """Yield the public methods that skesom defines, with those of base classes."""
    for base in cls.__mro__:
        for name, member in vars(base).items():
            member = getattr(member, "__func__", member)  # of a class method
            member = getattr(member, "fget", member)  # of a property
            member = getattr(member, "fn", member)  # of available_if
            if inspect.isfunction(member) and (name == "__init__" or name[0] != "_"):
                member = inspect.unwrap(member)
                if member.__module__.startswith("skesom"):
                    yield member


def words_of(annotation):
    """Return the words of the Literals of an annotation, and whether it takes any."""
    tree = ast.parse(annotation, mode="eval")
    literals = [
        node.slice
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == "Literal"
    ]
    words = {
        n.value for part in literals for n in ast.walk(part) if hasattr(n, "value")
    }
    takes_any = {"str", "Any"} & set(annotation.replace("|", " ").split())
    return {word for word in words if isinstance(word, str)}, bool(takes_any)


class TestSignatures:
    @pytest.mark.parametrize("name", PUBLIC)
    def test_are_complete(self, name):
        public = PUBLIC[name]
        functions = [inspect.unwrap(public)] if inspect.isfunction(public) else []
        if name in CLASSES:
            functions = list(functions_of(public))
        for function in functions:
            parameters = set(inspect.signature(function).parameters) - {"self", "cls"}
            assert parameters | {"return"} == set(function.__annotations__), function

    @pytest.mark.parametrize("name", ESTIMATORS)
    def test_name_the_words_that_are_checked(self, name):
        annotations = inspect.unwrap(CLASSES[name].__init__).__annotations__
        for parameter, allowed in CLASSES[name]._parameter_constraints.items():
            words = [one.options for one in allowed if isinstance(one, StrOptions)]
            told, takes_any = words_of(annotations[parameter])
            if not takes_any:
                assert told == set().union(*words), parameter


class TestLazyPackage:
    def test_checkers_see_what_is_loaded_on_demand(self):
        source = (files("skesom") / "__init__.py").read_text(encoding="utf-8")
        (block,) = (
            statement
            for statement in ast.parse(source).body
            if isinstance(statement, ast.If)
            and getattr(statement.test, "id", None) == "TYPE_CHECKING"
        )
        seen = {}
        for statement in block.body:
            (one,) = statement.names
            assert one.asname == one.name  # else it is private to checkers
            seen[one.name] = statement.module
        expected = skesom._HOME | dict.fromkeys(skesom._SUBPACKAGES, "skesom")
        assert seen == expected

    def test_types_cost_nothing_at_run_time(self):
        program = (
            "import sys, skesom\n"
            "assert 'numpy' not in sys.modules\n"
            "skesom.ESOM\n"
            "print([n for n in ('matplotlib', 'reproject', 'photutils', 'dask', "
            "'astropy.table', "
            "'skesom.cube', 'skesom.displays') if n in sys.modules])\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        assert done.stdout == "[]\n"


def test_the_marker_is_shipped():
    assert (files("skesom") / "py.typed").is_file()

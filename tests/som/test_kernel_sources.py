# SPDX-License-Identifier: BSD-3-Clause
"""A checkout does not run with kernels that are older than their sources.

The functions are tested in a folder that stands for a checkout: to change the sources
of this one would stop tests that run beside.
"""

import importlib.util

import pytest

import skesom.som
from skesom.som import _kernel_sources, _vectors
from skesom.som._kernel_sources import check_kernels, record_path, write_record


@pytest.fixture
def kernel(tmp_path):
    """A compiled kernel with its sources and their record."""
    (tmp_path / "_search.h").write_text("int nearest(void);")
    (tmp_path / "_vectors.pyx").write_text("cdef extern from '_search.h': pass")
    (tmp_path / "metric.py").write_text("")
    path = tmp_path / "_vectors.cpython-311-x86_64-linux-gnu.so"
    path.write_bytes(b"compiled")
    write_record(path)
    return path


def test_kernels_of_their_sources_are_taken(kernel):
    check_kernels(kernel)


@pytest.mark.parametrize("name", ["_search.h", "_vectors.pyx"])
def test_kernels_older_than_a_source_are_refused(kernel, name):
    (kernel.parent / name).write_text("changed")
    message = rf"older than their sources \({name}\): .* `pip install -e \.`"
    with pytest.raises(ImportError, match=message) as caught:
        check_kernels(kernel)
    assert "\n" not in str(caught.value)


def test_kernels_without_a_source_that_came_or_went_are_refused(kernel):
    (kernel.parent / "_search.h").rename(kernel.parent / "_find.h")
    with pytest.raises(ImportError, match=r"\(_find\.h, _search\.h\)"):
        check_kernels(kernel)


def test_sources_that_were_only_touched_are_the_same(kernel):
    source = kernel.parent / "_search.h"
    source.write_text(source.read_text())
    check_kernels(kernel)


def test_python_files_are_not_compiled(kernel):
    (kernel.parent / "metric.py").write_text("changed = True")
    check_kernels(kernel)


def test_without_a_record_nothing_is_compared(kernel):
    record_path(kernel).unlink()
    (kernel.parent / "_search.h").write_text("changed")
    check_kernels(kernel)


def test_the_import_compares_the_kernels_that_it_loads(monkeypatch):
    def refuse(kernel_path):
        raise ImportError(f"compared {kernel_path}")

    monkeypatch.setattr(_kernel_sources, "check_kernels", refuse)
    spec = importlib.util.spec_from_file_location("som_once_more", skesom.som.__file__)
    module = importlib.util.module_from_spec(spec)
    with pytest.raises(ImportError) as caught:
        spec.loader.exec_module(module)
    assert str(caught.value) == f"compared {_vectors.__file__}"

# SPDX-License-Identifier: BSD-3-Clause
"""``skesom explore`` writes a page of a folder of results."""

import pytest

from skesom.report import write_cluster_groups


@pytest.fixture(scope="module")
def result(bands, tmp_path_factory):
    """A folder of results of three images."""
    from skesom.cli import main

    folder = tmp_path_factory.mktemp("explore") / "result"
    files = [str(file) for file in bands]
    options = ["--method", "csom", "--set", "shape=4,4", "--n-clusters", "3"]
    options += ["--no-pictures", "--runs", "2"]
    assert main(["cluster", *files, "-o", str(folder), *options]) == 0
    return folder


def test_page_of_a_folder(run, result, tmp_path):
    page = tmp_path / "page.html"
    catalog = tmp_path / "objects.csv"
    catalog.write_text("name,type,x,y\nmine,HII,30,20\n")
    groups = tmp_path / "clusters.json"
    write_cluster_groups(groups, [("the arms", [0, 2])])
    status, printed, errors = run(
        "explore", result, "-o", page, "--catalog", catalog, "--groups", groups,
        "--title", "a small galaxy", "--trust",
    )  # fmt: skip
    assert (status, errors) == (0, [])
    assert printed == ["Written:", f"  {page}"]
    text = page.read_text(encoding="utf-8")
    assert "<h1>a small galaxy</h1>" in text
    assert '"mine"' in text


def test_page_is_written_into_the_folder_once(run, result):
    assert run("explore", result)[0] == 0
    assert "<h1>result</h1>" in (result / "page.html").read_text(encoding="utf-8")
    status, _, errors = run("explore", result)
    assert status == 2
    assert "page.html exists already" in errors[-1]
    assert run("explore", result, "--overwrite")[0] == 0


def test_no_folder_of_results(run, tmp_path):
    status, _, errors = run("explore", tmp_path)
    assert status == 2
    assert str(tmp_path) in errors[-1]
    assert list(tmp_path.iterdir()) == []

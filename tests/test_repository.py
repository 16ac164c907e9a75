# SPDX-License-Identifier: BSD-3-Clause
"""What holds for all files of the repository."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KINDS = (".py", ".pyi", ".pyx", ".pxd", ".h", ".js", ".css", ".html")


@pytest.fixture(scope="module")
def sources():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not in a clone of the repository")
    return [ROOT / name for name in listed.stdout.split() if name.endswith(KINDS)]


def test_every_source_names_its_license(sources):
    assert len(sources) > 300
    lines = {path: path.read_text(encoding="utf-8").split("\n")[:2] for path in sources}
    assert not [
        str(path.relative_to(ROOT))
        for path, first in lines.items()
        if "SPDX-License-Identifier: BSD-3-Clause" not in "".join(first)
    ]


def test_hooks_have_the_versions_of_the_lint_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    pinned = set(re.findall(r'"([\w-]+==[\d.]+)"', hooks))
    assert len(pinned) == 3
    assert pinned <= set(project["project"]["optional-dependencies"]["lint"])


def test_each_benchmark_is_run_and_listed():
    folder = ROOT / "docs" / "benchmarks"
    helpers = {"measuring", "run_all", "csom_peers", "csom_task", "families_peers"}
    helpers |= {"pipelines_by_hand", "many_fits", "same_results"}
    scripts = {path.stem for path in folder.glob("*.py")} - helpers
    text = (folder / "run_all.py").read_text(encoding="utf-8")
    assert scripts == set(re.findall(r'^    "(\w+)": \(', text, re.MULTILINE))
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert not [name for name in scripts if f"`{name}.py`" not in page]


def test_page_of_benchmarks_links_all_tables():
    folder = ROOT / "docs" / "benchmarks" / "tables"
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    linked = re.findall(r"\(benchmarks/tables/([\w.]+)\)", page)
    assert sorted(linked) == sorted(path.name for path in folder.iterdir())
    assert len(linked) > 10


def test_pages_add_extras_only_to_what_is_installed(sources):
    pages = [
        path for kind in ("md", "ipynb") for path in ROOT.glob(f"[de]*/**/*.{kind}")
    ]
    pages += [
        ROOT / "README.md",
        *(path for path in sources if "examples" in path.parts),
    ]
    paragraphs = [p for page in pages for p in page.read_text("utf-8").split("\n\n")]
    found = [p for p in paragraphs if re.search(r"install \S*skesom\[", p)]
    assert len(found) >= 2
    assert not [p for p in found if "installed already" not in p]


def test_scripts_report_what_pages_have_marks_for():
    scripts = (ROOT / "docs" / "benchmarks").glob("*.py")
    texts = [path.read_text(encoding="utf-8") for path in scripts]
    names = set(re.findall(r'"([a-z_]+)"', "".join(texts)))
    mark = re.compile(r"<!-- measured(?: and drawn)?: (\S+) -->")
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md")]
    marks = mark.findall("".join(pages))
    assert len(marks) > 20
    for name in marks:
        start, star, _ = name.partition("_*")
        assert name in names or (star and any(n.startswith(start) for n in names)), name

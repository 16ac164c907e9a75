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

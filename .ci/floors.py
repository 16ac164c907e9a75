# SPDX-License-Identifier: BSD-3-Clause
"""Print the oldest supported versions, read from pyproject.toml, as constraints of pip.

Run from anywhere: ``python .ci/floors.py plot dask`` also takes those extras.
"""

import re
import sys
import tomllib
from pathlib import Path


def floors(project, extras=()):
    """Return the oldest version of each dependency, and of those of extras."""
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    oldest = {}
    for requirement in wanted:
        if requirement.startswith(f"{project['name']}["):  # of other extras
            others = re.split(r"[\[\],]", requirement)[1:-1]
            oldest |= floors({**project, "dependencies": []}, others)
        else:
            name, floor = re.fullmatch(
                r"([\w.-]+)(?:\[\w+\])?>=([\d.]+)", requirement
            ).groups()
            oldest[name] = floor
    return oldest


if __name__ == "__main__":
    place = Path(__file__).parents[1] / "pyproject.toml"
    project = tomllib.loads(place.read_text(encoding="utf-8"))["project"]
    for name, floor in sorted(floors(project, sys.argv[1:]).items()):
        print(f"{name}=={floor}")

# SPDX-License-Identifier: BSD-3-Clause
"""Pages of public names: methods, pages of the guide, and links from short names."""

import importlib
import re
from functools import cache
from pathlib import Path

import skesom

DOCS = Path(__file__).parents[1]
# Pages that name nearly everything, lead to others, or are for who changes the code.
NO_GUIDE = {"architecture", "benchmarks", "changelog", "glossary", "kernels"}
NO_GUIDE |= {
    "index",
    "start",
    "tables",
    "images",
    "results",
    "scale",
    "reference",
    "sciences",
}

REQUESTS = re.compile("set_.*_request|get_metadata_routing")  # explained there
DOORS = {
    name: folder
    for folder in skesom._SUBPACKAGES
    for name in getattr(importlib.import_module(f"skesom.{folder}"), "__all__", ())
}


def home_of(value):
    """Return the module in which a member of a class was written, if it was."""
    function = getattr(value, "fget", getattr(value, "__func__", value))
    return getattr(function, "__module__", None) or ""


def skip_inherited(app, what, name, member, skip, options):
    """Leave out what comes from scikit-learn as it is."""
    is_ours = home_of(member).startswith("skesom") and not REQUESTS.fullmatch(name)
    return True if what == "class" and not is_ours else None


@cache
def texts():
    """Return the text of each page of the guide by its name."""
    return {
        path.stem: path.read_text(encoding="utf-8")
        for path in sorted(DOCS.glob("*.md"))
        if path.stem not in NO_GUIDE
    }


def guides(name):
    """Return the three pages that begin with a name or have it most often."""
    word = re.compile(rf"\b{name}\b")
    found = {
        page: [m.start() for m in word.finditer(text)] for page, text in texts().items()
    }
    found = {page: places for page, places in found.items() if places}
    return sorted(
        found, key=lambda page: (min(found[page][0], 400), -len(found[page]))
    )[:3]


def link_guides(app, what, name, member, options, lines):
    """Name the pages of the guide below the summary of a class or function."""
    if what in ("class", "function") and (pages := guides(name.rpartition(".")[2])):
        links = ", ".join(f":doc:`/{page}`" for page in pages)
        place = lines.index("", 1)
        lines[place:place] = ["", f"In the guide: {links}."]


def list_inherited(app, what, name, member, options, lines):
    """Name in a class the methods that come from scikit-learn as they are."""
    if what != "class":
        return
    inherited = [
        f"``{each}``"
        for each in dir(member)
        if not each.startswith("_")
        and home_of(getattr(member, each)).startswith("sklearn")
        and not REQUESTS.fullmatch(each)
    ]
    if inherited:
        lines += ["", f"Methods inherited from scikit-learn: {', '.join(inherited)}."]


def resolve_short_name(app, env, node, content):
    """Link names such as ``ESOM.fit`` from the docstrings of any folder."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"].removeprefix("skesom.")
    folder = DOORS.get(target.partition(".")[0])
    if folder is None:
        return None
    return env.domains["py"].resolve_xref(
        env,
        node["refdoc"],
        app.builder,
        "obj",
        f"skesom.{folder}.{target}",
        node,
        content,
    )


def setup(app):
    """Connect the handlers; after numpydoc, which reads docstrings first."""
    app.connect("autodoc-skip-member", skip_inherited)
    app.connect("autodoc-process-docstring", list_inherited, priority=900)
    app.connect("autodoc-process-docstring", link_guides, priority=901)
    app.connect("missing-reference", resolve_short_name)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

# SPDX-License-Identifier: BSD-3-Clause
"""How the site is built; CONTRIBUTING.md has the command. Nothing needs a network."""

import os
import re
import sys
import tomllib
from pathlib import Path

from sphinx_gallery.sorting import ExplicitOrder

import skesom

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
sys.path.insert(0, str(HERE / "_extensions"))

project = "skesom"
author = "The skesom developers"
copyright = "the skesom developers"
version = release = skesom.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "sphinx_copybutton",
    "sphinx_design",
    "command_line",
    "mathml",
    "reference",
]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
exclude_patterns = ["_build", "benchmarks", "images/README.md"]
templates_path = ["_templates"]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings have shapes and units too
default_role = "py:obj"
numpydoc_show_class_members = False
smartquotes = False  # defaults that are words would close their quotes twice
settings = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
numpydoc_validation_checks = set(settings["tool"]["numpydoc_validation"]["checks"])

# Groups and examples have the order of the tables there.
index = (EXAMPLES / "README.md").read_text(encoding="utf-8")
found = re.findall(r"\((\w+)/(plot_\w+\.py)\)", index)
groups = [f"../examples/{group}" for group in dict(found)]
names = [name for _, name in found]

# Examples whose data are not here are shown, but not run.
without_data = [
    path.name
    for path in EXAMPLES.rglob("plot_*.py")
    if "SKESOM_TEST_DATA" in path.read_text(encoding="utf-8")
    and "SKESOM_TEST_DATA" not in os.environ
]
sphinx_gallery_conf = {
    "examples_dirs": str(EXAMPLES),
    "gallery_dirs": "auto_examples",
    "filename_pattern": rf"[\\/](?!{'|'.join(without_data)}$)plot_",
    "backreferences_dir": "auto_examples/of_names",
    "doc_module": ("skesom",),
    "subsection_order": ExplicitOrder([*groups, "*"]),
    "within_subsection_order": ExplicitOrder([*names, "*"]),
    "nested_sections": True,
    "reset_modules": ("matplotlib", "strict_examples.refuse_warnings"),
    "parallel": True,  # as many as the -j of sphinx-build
    "capture_repr": (),
    "image_scrapers": ("matplotlib",),
    "write_computation_times": False,
    "min_reported_time": float("inf"),  # seconds of one build mean little
}

html_theme = "pydata_sphinx_theme"
html_title = "skesom"
html_static_path = ["_static"]
html_css_files = ["skesom.css"]
html_favicon = "_static/logo.svg"
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_sidebars = {"index": []}
html_theme_options = {
    "logo": {
        "text": f"skesom {version}",
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo.svg",
    },
    "github_url": "https://github.com/skesom/skesom",
    "header_links_before_dropdown": 8,
    "footer_start": ["copyright"],
    "footer_end": [],
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

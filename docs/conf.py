# SPDX-License-Identifier: BSD-3-Clause
"""How the site is built; CONTRIBUTING.md has the command. Nothing needs a network."""

import os
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

# Examples whose data are not here are shown, but not run.
without_data = [
    path.name
    for path in EXAMPLES.glob("plot_*.py")
    if "SKESOM_TEST_DATA" in path.read_text(encoding="utf-8")
    and "SKESOM_TEST_DATA" not in os.environ
]
sphinx_gallery_conf = {
    "examples_dirs": str(EXAMPLES),
    "gallery_dirs": "auto_examples",
    "filename_pattern": rf"[\\/](?!{'|'.join(without_data)}$)plot_",
    "backreferences_dir": "auto_examples/of_names",
    "doc_module": ("skesom",),
    "within_subsection_order": ExplicitOrder(
        [
            "plot_galaxy.py",
            "plot_m83_objects.py",
            "plot_nine_real_bands.py",
            "plot_velocities.py",
            "plot_label_drawn_regions.py",
            "plot_same_pixels.py",
            "plot_one_run_or_many.py",
            "plot_missing_bands.py",
            "plot_preparing_images.py",
            "plot_noisy_regions.py",
            "plot_superpixels.py",
            "plot_displays.py",
            "plot_search.py",
            "plot_shapes.py",
            "plot_digits.py",
            "plot_cytometry.py",
            "plot_tissue.py",
            "plot_hyperspectral.py",
            "plot_streaming.py",
            "plot_photometric_redshifts.py",
            "plot_larger_than_memory.py",
            "plot_choosing_epsilon.py",
            "plot_choosing_map_size.py",
            "plot_choosing_stretch.py",
            "plot_choosing_clusters.py",
            "plot_choosing_runs.py",
            "*",
        ]
    ),
    "reset_modules": ("matplotlib", "strict_examples.refuse_warnings"),
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
html_sidebars = {"**": ["all-pages"]}
html_theme_options = {
    "logo": {
        "text": f"skesom {version}",
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo.svg",
    },
    "github_url": "https://github.com/skesom/skesom",
    "navbar_center": [],
    "footer_start": ["copyright"],
    "footer_end": [],
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

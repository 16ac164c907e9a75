# SPDX-License-Identifier: BSD-3-Clause
"""One HTML file on which a result is explored in a browser."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from importlib import resources
from numbers import Integral
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Literal

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval

from skesom._common.decorators import validate_params
from skesom._common.labels import MASKED, SKY
from skesom._common.new_files import atomic_path
from skesom._common.written_files import has_list, note_files
from skesom._types import Bands, ClusterGroups, StrPath, Table
from skesom.displays.thinning import MAX_PIXELS, thinning_step
from skesom.io.ned import describe_types
from skesom.maps.positions import objects_inside
from skesom.report.page._cluster_facts import cluster_facts, spans_decades
from skesom.report.page._packing import packed
from skesom.report.page._pixel_data import pixel_data, population_data
from skesom.report.page._unit_data import unit_data
from skesom.report.result import Result

if TYPE_CHECKING:
    from skesom.cube import Cube


_MOST_UNITS = 20_000
_MOST_CLUSTERS = 2000
# In the order in which the page runs them.
_SCRIPTS = (
    "view",
    "sky",
    "exports",
    "spectra",
    "units",
    "tree",
    "words",
    "clusters",
    "kept",
    "page",
)
# Of the symbols of DS9.
_LETTERS = {
    "circle": "○",
    "box": "□",
    "diamond": "◇",
    "cross": "+",
    "x": "✕",
    "arrow": "▽",
    "boxcircle": "⊡",
}


@validate_params(
    {"max_pixels": [Interval(Integral, 1, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def explore(
    path: StrPath,
    pipeline: BaseEstimator,
    cube: Cube | list[Cube],
    *,
    catalog: StrPath | Table | None = None,
    groups: ClusterGroups | None = None,
    continua: Mapping[str, Sequence[str]] | Literal["none"] | None = None,
    title: str = "Clusters",
    rgb: Bands | None = None,
    max_pixels: int = MAX_PIXELS,
    subtract_sky: bool = True,
    overwrite: bool = False,
) -> Path:
    """Write one HTML file on which a result is explored with the mouse.

    A selection in the image, the clusters, the units of the map or the spectra shows
    in all of them. Clusters can be renamed, merged, split along the tree of the run if
    it has one, and saved as a file for `read_cluster_groups`. The page needs no
    network.

    Parameters
    ----------
    path : str or os.PathLike
        File to write.
    pipeline : sklearn.pipeline.Pipeline
        Fitted on the cube; ends in a `CubeClusterer`, see `make_cluster_pipeline`.
    cube : Cube or list of Cube
        The images as they were read.
    catalog : str, os.PathLike or Table, default=None
        Known objects to draw, as `skesom.io.read_catalog` takes them.
    groups : sequence of tuple (name, labels), +color, +leaves, default=None
        Names and colors of clusters, and which are one, see `read_cluster_groups`;
        leaves are parts of clusters, as in the ``groups`` of `ClusterNames`.
    continua : dict of str to sequence of str, or "none", default=None
        Continuum bands of bands of lines, by which names are suggested, see
        `suggest_names`.
    title : str, default="Clusters"
        Heading of the page.
    rgb : sequence of three int or str, default=None
        Bands of the color picture for red, green and blue, see `rgb_image`.
    max_pixels : int, default=4000000
        Larger images are thinned to every second, third, ... row and column.
    subtract_sky : bool, default=True
        Whether fluxes count from the level of the sky, as for `Run`.
    overwrite : bool, default=False
        Whether an existing file may be replaced.

    Returns
    -------
    path : pathlib.Path
        The file. A notebook shows it as the page itself.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is False.
    ValueError
        If no pixel is in a cluster, there are more than 2000 clusters, the catalog
        has no object in the image, or `groups` do not fit.

    Notes
    -----
    Fluxes are kept in steps of a quarter of the noise, as in [1]_, or of 1 % where they
    are brighter than 25 times the noise. Sky positions are interpolated between 33 x 33
    exact ones.

    References
    ----------
    .. [1] Pence, W. D. et al. (2010), "Optimal Compression of Floating-Point
       Astronomical Images Without Significant Loss of Information", PASP 122, 1065,
       doi:10.1086/656249

    Examples
    --------
    >>> import tempfile
    >>> from skesom.datasets import make_galaxy_cube
    >>> from skesom.maps import make_cluster_pipeline
    >>> from skesom.report import explore
    >>> from skesom.som import ESOM
    >>> cube, truth = make_galaxy_cube((64, 64), random_state=0)
    >>> pipeline = make_cluster_pipeline(ESOM(random_state=0)).fit(cube)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = explore(f"{folder}/page.html", pipeline, cube)
    ...     page.stat().st_size < 5_000_000
    True
    """
    path = Path(path)
    with atomic_path(path, overwrite=overwrite) as temporary:
        result = Result(
            pipeline,
            cube,
            groups=groups,
            continua=continua,
            subtract_sky=subtract_sky,
        )
        text = _page(result, catalog, title, rgb, max_pixels)
        # The names of folders may hold bytes that are not text.
        temporary.write_text(text, encoding="utf-8", errors="replace")
    if has_list(path.parent):  # replaced with the results that it is about
        note_files(path.parent, [path])
    return Page(path)


class Page(type(Path())):
    """The path of a page, which a notebook shows."""

    def _repr_html_(self):
        """Return the page in a frame from which it cannot reach the notebook."""
        if self.suffix != ".html" or not self.is_file():
            return None
        content = escape(self.read_text(encoding="utf-8"))
        return (
            '<iframe title="Clusters" '
            'sandbox="allow-scripts allow-downloads" allow="fullscreen" '
            'style="width: 100%; height: 860px; border: none" '
            f'srcdoc="{content}"></iframe>'
        )


def _page(result, catalog, title, rgb, max_pixels):
    """Return the page as text."""
    cube = result.cube
    _check_labels(result.run_label_map)
    step = thinning_step(result.run_label_map.shape, max_pixels)
    arrays, facts = pixel_data(result, step, rgb)
    facts |= cluster_facts(result, step, facts["order"])
    population_arrays, population_facts = population_data(result, step)
    arrays |= population_arrays
    facts |= population_facts
    is_physical = len(facts["spectrum_name"]) > 1  # with a unit
    facts["is_log"] = is_physical and spans_decades(facts["clusters"])
    n_units = 0 if result.som is None else len(result.som.codebook_)
    has_units = 0 < n_units <= _MOST_UNITS and not result.is_voxel
    if has_units:
        unit_arrays, unit_facts = unit_data(result, step)
        arrays |= unit_arrays
        facts |= unit_facts
    facts["objects"] = []
    if catalog is not None:
        facts["objects"] = _object_facts(catalog, cube)

    pictures = ["colors"]
    for band in facts["order"]:
        pictures.append(cube.band_names[band])
    clicks = ["cluster"]
    if has_units:
        clicks.append("unit")
    if facts["populations"]:
        clicks.append("population")
    clicks.append("pixel")
    n_clusters_of_tree = 1
    if "tree" in facts:
        n_clusters_of_tree = facts["tree"]["n_clusters"]

    script = "\n".join(_read_text(f"{name}.js") for name in _SCRIPTS)
    script_digest = sha256(script.encode()).digest()
    facts_text = json.dumps(facts, allow_nan=False).replace("<", "\\u003c")
    data = [f'<script type="application/json" id="facts">{facts_text}</script>']
    for name, array in arrays.items():
        data.append(packed(name, array))
    return Template(_read_text("page.html")).substitute(
        title=escape(title),
        summary=escape(_summary(result.run_label_map, cube, step, n_units)),
        pictures=_options(pictures),
        clicks=_options(clicks),
        unit_values=_options([*facts.get("unit_values", ()), "cluster"]),
        hide_units=_hidden_unless(has_units),
        slices=_options(facts["slices"]),
        hide_slices=_hidden_unless(facts["slices"]),
        hide_objects=_hidden_unless(facts["objects"]),
        hide_populations=_hidden_unless(facts["populations"]),
        hide_tree=_hidden_unless("tree" in facts),
        n_clusters=n_clusters_of_tree,
        n_leaves=len(facts["parts"]),
        digest=base64.b64encode(script_digest).decode("ascii"),
        style=_read_text("page.css"),
        script=script,
        data="\n".join(data),
    )


def _read_text(name):
    """Return the text of a file of this folder."""
    path = resources.files("skesom.report.page") / name
    return path.read_text(encoding="utf-8")


def _hidden_unless(condition):
    """Return the attribute of an element that is only there on a condition."""
    return "" if condition else "hidden"


def _options(names):
    """Return the options of a choice, the first of them chosen."""
    return "".join(f"<option>{escape(name)}</option>" for name in names)


def _check_labels(label_map):
    """Refuse a map of no cluster, or of more than a page can show."""
    n_clusters = int(label_map.max(initial=-1)) + 1
    if n_clusters == 0:
        raise ValueError("No pixel is in a cluster, so there is nothing to explore.")
    if n_clusters > _MOST_CLUSTERS:
        raise ValueError(
            f"The page can show {_MOST_CLUSTERS} clusters, but there are {n_clusters}. "
            "Lower n_clusters."
        )


def _object_facts(catalog, cube):
    """Return the objects of each type in an image: their names, pixels and symbol."""
    objects = objects_inside(catalog, cube.shape[:2], cube.wcs)
    facts = []
    for object_type, type_style in describe_types(objects["type"]).items():
        of_type = objects[objects["type"] == object_type]
        facts.append(
            {
                "text": type_style.description,
                "name": [str(name) for name in of_type["name"]],
                "color": type_style.color,
                "letter": _LETTERS[type_style.symbol],
                "x": np.round(of_type["x"], 2).tolist(),
                "y": np.round(of_type["y"], 2).tolist(),
            }
        )
    return facts


def _summary(label_map, cube, step, n_units):
    """Return one line about the image."""
    n_rows, n_columns, n_bands = cube.shape
    n_with_data = max(np.count_nonzero(label_map != MASKED), 1)
    clustered = np.count_nonzero(label_map >= 0) / n_with_data
    sky = np.count_nonzero(label_map == SKY) / n_with_data
    phrases = [
        f"{n_columns} x {n_rows} pixels",
        f"{n_bands} bands",
        f"{clustered:.1%} of the pixels with data in clusters",
    ]
    if sky > 0:
        phrases.append(f"{sky:.1%} set aside as sky (dark)")
    if step > 1:
        phrases.append(f"one pixel of each {step} x {step} is shown here")
    if n_units > _MOST_UNITS:
        phrases.append(f"the {n_units} units of the map are too many to be drawn")
    return ", ".join(phrases) + "."

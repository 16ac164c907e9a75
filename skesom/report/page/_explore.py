# SPDX-License-Identifier: BSD-3-Clause
"""Write the page."""

from importlib import resources
from numbers import Integral
from pathlib import Path

import numpy as np
from sklearn.utils._param_validation import Interval, validate_params

from skesom._common.labels import MASKED, SKY
from skesom.displays import MAX_PIXELS, pick, thinning
from skesom.io import atomic_path, describe_types, read_catalog
from skesom.maps import find_positions
from skesom.report._folders import has_list, note_files
from skesom.report._result import Result
from skesom.report.page import _data

_MOST_UNITS = 20_000
_MOST_CLUSTERS = 2000


@validate_params(
    {"max_pixels": [Interval(Integral, 1, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def explore(
    path,
    pipeline,
    cube,
    *,
    catalog=None,
    groups=None,
    title="Clusters",
    rgb=None,
    max_pixels=MAX_PIXELS,
    overwrite=False,
):
    """Write one HTML file on which a result is explored with the mouse.

    A selection in the image, the clusters, the units of the map or the spectra shows
    in all of them. Clusters can be renamed, merged, and saved as a file for
    `read_cluster_groups`. The page needs no network.

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
    groups : sequence of tuple (name, labels) or (name, labels, color), default=None
        Names and colors of clusters, and which are one, see `read_cluster_groups`.
    title : str, default="Clusters"
        Heading of the page.
    rgb : sequence of three int or str, default=None
        Bands of the color picture for red, green and blue, see `rgb_image`.
    max_pixels : int, default=4000000
        Larger images are thinned to every second, third, ... row and column.
    overwrite : bool, default=False
        Whether an existing file may be replaced.

    Returns
    -------
    path : pathlib.Path
        The file.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is False.
    ImportError
        If bokeh is missing (extra ``explore``).
    ValueError
        If no pixel is in a cluster, there are more than 2000 clusters, the catalog
        has no object in the image, or `groups` do not fit.

    Notes
    -----
    Fluxes are kept with 16 bits, evenly spaced in ``asinh((flux - median) / spread)``.
    Sky positions are interpolated between 33 x 33 exact ones.

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
    try:
        import bokeh  # noqa: F401
    except ImportError as error:
        text = "The page needs bokeh: pip install 'skesom[explore]'."
        raise ImportError(text) from error
    path = Path(path)
    with atomic_path(path, overwrite=overwrite) as temporary:
        result = Result(pipeline, cube, groups=groups)
        text = _page(result, catalog, title, rgb, max_pixels)
        temporary.write_text(text, encoding="utf-8")
    if has_list(path.parent):  # replaced with the results that it is about
        note_files(path.parent, [path])
    return path


def _page(result, catalog, title, rgb, max_pixels):
    """Return the page as text."""
    from bokeh.embed import file_html
    from bokeh.resources import INLINE

    from skesom.report.page import _views

    cube, label_map, som = result.cube, result.run_label_map, result.som
    _check_labels(label_map)
    step = thinning(label_map.shape, max_pixels)
    arrays, facts = _data.pixel_data(result, step, rgb)
    facts |= _data.cluster_facts(result)
    names = [cube.band_names[band] for band in facts["order"]]
    n_units = 0 if som is None else len(som.codebook_)
    has_units = 0 < n_units <= _MOST_UNITS
    views = _views.picture_views(label_map.shape, names, has_units)
    plots = [views["image_plot"], views["map_plot"]]
    views |= _views.spectra_view(names) | _views.table_views(len(facts["clusters"]))
    if has_units:
        values = _data.unit_values(som, result.feature_names)
        views |= _views.unit_views(*_data.unit_columns(som), list(values))
        arrays["units"] = pick(_data.unit_map(result), step)
        arrays["unit_values"] = np.stack(list(values.values()))
        facts |= _data.unit_facts(result, list(values))
    if catalog is not None:
        objects = _objects_in(catalog, cube)
        views |= _views.object_views(objects, describe_types(objects["type"]), plots)
    here = resources.files("skesom.report.page")
    style, script, template = (
        (here / f"page.{kind}").read_text(encoding="utf-8")
        for kind in ("css", "js", "html")
    )
    document = _views.document_of(views, arrays, facts)
    variables = {
        "style": style,
        "script": script,
        "summary": _summary(label_map, cube, step, n_units),
        "has_sky": cube.wcs is not None,
        "has_units": has_units,
        "has_objects": catalog is not None,
        "units_title": "Lattice of units" if hasattr(som, "shape_") else "Nodes",
    }
    page = {"title": title, "template": template, "template_variables": variables}
    return file_html(document, INLINE, suppress_callback_warning=True, **page)


def _check_labels(label_map):
    """Refuse a map of no cluster, or of more than a page can show."""
    n_clusters = int(label_map.max(initial=-1)) + 1
    if n_clusters == 0:
        raise ValueError("No pixel is in a cluster, so there is nothing to explore.")
    if n_clusters > _MOST_CLUSTERS:
        limit = f"The page can show {_MOST_CLUSTERS} clusters"
        raise ValueError(f"{limit}, but there are {n_clusters}. Lower n_clusters.")


def _objects_in(catalog, cube):
    """Return the objects of a catalog within an image, with their pixels."""
    objects = read_catalog(catalog)
    columns, rows = find_positions(objects, cube.wcs)
    n_rows, n_columns = cube.shape[:2]
    inside = np.abs(columns - (n_columns - 1) / 2) <= n_columns / 2
    inside &= np.abs(rows - (n_rows - 1) / 2) <= n_rows / 2
    if not inside.any():
        text = f"None of the {len(objects)} objects of the catalog"
        raise ValueError(f"{text} lies in the image. Use one of this part of the sky.")
    objects["x"], objects["y"] = columns, rows
    return objects[inside]


def _summary(label_map, cube, step, n_units):
    """Return one line about the image."""
    n_rows, n_columns = label_map.shape
    with_data = max(np.count_nonzero(label_map != MASKED), 1)
    clustered = np.count_nonzero(label_map >= 0) / with_data
    sky = np.count_nonzero(label_map == SKY) / with_data
    parts = [
        f"{n_columns} x {n_rows} pixels",
        f"{cube.shape[2]} bands",
        f"{clustered:.1%} of the pixels with data in clusters",
    ]
    if sky > 0:
        parts.append(f"{sky:.1%} set aside as sky (dark)")
    if step > 1:
        parts.append(f"one pixel of each {step} x {step} is shown here")
    if n_units > _MOST_UNITS:
        parts.append(f"the {n_units} units of the map are too many to be drawn")
    return ", ".join(parts) + "."

# SPDX-License-Identifier: BSD-3-Clause
"""Write the page."""

from importlib import resources
from numbers import Integral
from pathlib import Path

import numpy as np
from sklearn.utils._param_validation import Interval, validate_params

from skesom._common.labels import MASKED, SKY
from skesom._common.pipelines import map_inside
from skesom.displays import (
    MAX_PIXELS,
    MISSING_COLOR,
    NOISE_COLOR,
    SKY_COLOR,
    cluster_colors,
    pick,
    rgb_image,
    thinning,
    wavelengths_of,
)
from skesom.io import atomic_path, describe_types, read_catalog
from skesom.maps._pipeline import aligned_bands, scaled_from_aligned
from skesom.maps._positions import find_positions
from skesom.report._cluster_groups import FORMAT, merge_clusters
from skesom.report.page._blob import pack
from skesom.report.page._pixels import NO_UNIT, encode_bands, sky_nodes
from skesom.report.page._units import (
    unit_columns,
    unit_facts,
    unit_map,
    unit_values,
)

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
    max_pixels=MAX_PIXELS,
    overwrite=False,
):
    """Write one HTML file on which a result is explored with the mouse.

    The image, the clusters on the sky, the units of the map and the spectra are linked:
    what is selected in one of them is highlighted in all. Clusters can be renamed and
    merged, and that can be saved as a file for `read_cluster_groups`. The page holds
    all it needs; nothing is fetched from a network.

    Parameters
    ----------
    path : str or os.PathLike
        File to write.
    pipeline : sklearn.pipeline.Pipeline
        Of `make_cluster_pipeline`, fitted on the cube.
    cube : Cube or list of Cube
        The images as they were read.
    catalog : str, os.PathLike or Table, default=None
        Known objects to draw, as `skesom.io.read_catalog` takes them.
    groups : sequence of ClusterGroup, default=None
        Names for clusters, and which are one, see `merge_clusters`.
    title : str, default="Clusters"
        Heading of the page.
    max_pixels : int, default=4000000
        Larger images are thinned: of so many rows and columns one is taken, and the
        page says so.
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
    Fluxes are kept with 16 bits, evenly spaced in ``asinh((flux - median) / spread)``:
    a ten-thousandth of the flux where it is bright, finer than the noise where it is
    faint. Sky positions are interpolated between 33 x 33 exact ones. Browsers from 2023
    on can read the page.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skesom.datasets import make_galaxy_cube
    >>> from skesom.maps import make_cluster_pipeline
    >>> from skesom.report import explore
    >>> from skesom.som import ESOM
    >>> cube, truth = make_galaxy_cube((64, 64), random_state=0)
    >>> pipeline = make_cluster_pipeline(ESOM(random_state=0)).fit(cube)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = explore(Path(folder) / "page.html", pipeline, cube)
    ...     page.stat().st_size < 5_000_000
    True
    """
    check_bokeh()
    path = Path(path)
    with atomic_path(path, overwrite=overwrite) as temporary:
        text = _page(pipeline, cube, catalog, groups, title, max_pixels)
        temporary.write_text(text, encoding="utf-8")
    return path


def check_bokeh():
    """Raise an ImportError that names the extra if bokeh is missing."""
    try:
        import bokeh  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "The page needs bokeh: pip install 'skesom[explore]'."
        ) from error


def _page(pipeline, images, catalog, groups, title, max_pixels):
    """Return the page as text."""
    from bokeh.embed import file_html
    from bokeh.resources import INLINE

    from skesom.report.page import _lists, _views

    cube = aligned_bands(pipeline, images)
    step = pipeline["cluster"]
    label_map = step.labels_
    _check_labels(label_map)
    thinned = thinning(label_map.shape, max_pixels)
    arrays, facts = _pixel_facts(cube, label_map, thinned)
    colors = cluster_colors(label_map, scaled_from_aligned(pipeline, cube))
    facts["originals"] = _cluster_facts(label_map, colors, [])
    facts["originals"].sort(key=lambda cluster: cluster["labels"])
    facts["clusters"] = _cluster_facts(label_map, colors, groups or [])
    names = [cube.band_names[band] for band in facts["order"]]
    som = map_inside(step.estimator_)[0]
    n_units = len(som.codebook_) if hasattr(som, "connections_") else 0
    has_units = 0 < n_units <= _MOST_UNITS
    views = _views.picture_views(label_map.shape, names, has_units)
    plots = [views["image_plot"], views["map_plot"]]
    views |= _views.spectra_view(names) | _lists.table_views(len(facts["clusters"]))
    arrays["units"] = np.full(arrays["labels"].shape, NO_UNIT, dtype=np.uint16)
    if has_units:
        values = unit_values(som, cube.band_names)
        views |= _views.unit_views(*unit_columns(som), list(values))
        arrays["units"] = pick(unit_map(pipeline, cube, som), thinned)
        arrays["unit_values"] = np.stack(list(values.values()))
        facts |= unit_facts(step, som, list(values))
    if catalog is not None:
        objects = _objects_in(catalog, cube)
        views |= _lists.object_views(objects, describe_types(objects["type"]), plots)
    here = resources.files("skesom.report.page")
    style, script, template = (
        (here / f"page.{kind}").read_text(encoding="utf-8")
        for kind in ("css", "js", "html")
    )
    return file_html(
        _views.document_of(views),
        INLINE,
        title=title,
        template=template,
        template_variables={
            "style": style,
            "script": script,
            "data": pack(arrays, facts),
            "summary": _summary(label_map, cube, thinned, n_units),
            "has_sky": cube.wcs is not None,
            "has_units": has_units,
            "has_objects": catalog is not None,
            "units_title": "Lattice of units" if hasattr(som, "shape_") else "Nodes",
        },
        suppress_callback_warning=True,
    )


def _check_labels(label_map):
    """Refuse a map of no cluster, or of more than a page can tell apart."""
    n_clusters = int(label_map.max(initial=-1)) + 1
    if n_clusters == 0:
        raise ValueError(
            "No pixel is in a cluster, so there is nothing to explore. Were all masked?"
        )
    if n_clusters > _MOST_CLUSTERS:
        raise ValueError(
            f"The page can show {_MOST_CLUSTERS} clusters, but there are {n_clusters}. "
            "Ask the map for fewer by n_clusters."
        )


def _pixel_facts(cube, label_map, thinned):
    """Return what the page knows of pixels and bands."""
    labels = pick(label_map, thinned)
    thin = cube.replace(data=pick(cube.data, thinned), wcs=None)
    codes, bands = encode_bands(thin, labels >= 0)
    wavelengths = wavelengths_of(cube)
    order = np.arange(len(bands))
    if wavelengths is not None:
        order = np.argsort(wavelengths.value, kind="stable")
    arrays = {
        "codes": codes,
        "labels": labels.astype(np.int16),
        "rgb": rgb_image(thin),
        "sky": sky_nodes(cube.wcs, label_map.shape),
    }
    facts = {
        "format": FORMAT,
        "shape": labels.shape,
        "full_shape": label_map.shape,
        "step": thinned,
        "bands": bands,
        "order": order.tolist(),
        "missing_color": _parts(MISSING_COLOR),
        "noise_color": _parts(NOISE_COLOR),
        "sky_color": _parts(SKY_COLOR),
    }
    return arrays, facts


def _cluster_facts(label_map, colors, groups):
    """Return name, labels, size and color of each cluster or group of clusters."""
    sizes = np.bincount(label_map[label_map >= 0], minlength=len(colors))
    named = [(name, [*labels]) for name, labels in groups]
    merge_clusters(label_map, named)  # refuses groups of another map
    taken = {label for _, labels in named for label in labels}
    named += [(f"cluster {n}", [n]) for n in range(len(sizes)) if n not in taken]
    facts = []
    for name, labels in named:
        largest = labels[int(np.argmax(sizes[labels]))]
        facts.append(
            {
                "name": name,
                "labels": [int(label) for label in labels],
                "pixels": int(sizes[labels].sum()),
                "color": np.rint(255 * colors[largest, :3]).astype(int).tolist(),
            }
        )
    return sorted(facts, key=lambda group: -group["pixels"])


def _objects_in(catalog, cube):
    """Return the objects of a catalog within an image, with their pixels."""
    objects = read_catalog(catalog)
    columns, rows = find_positions(objects, cube.wcs)
    n_rows, n_columns = cube.shape[:2]
    inside = (np.abs(columns - (n_columns - 1) / 2) <= n_columns / 2) & (
        np.abs(rows - (n_rows - 1) / 2) <= n_rows / 2
    )
    if not inside.any():
        raise ValueError(
            f"None of the {len(objects)} objects of the catalog lies in the image. "
            "Is it a catalog of this part of the sky?"
        )
    objects["x"], objects["y"] = columns, rows
    return objects[inside]


def _summary(label_map, cube, thinned, n_units):
    """Return one line about the image."""
    n_rows, n_columns = label_map.shape
    parts = [
        f"{n_columns} x {n_rows} pixels",
        f"{cube.shape[2]} bands",
        *_shares(label_map),
    ]
    if thinned > 1:
        parts.append(f"one pixel of each {thinned} x {thinned} is shown here")
    if n_units > _MOST_UNITS:
        parts.append(f"the {n_units} units of the map are too many to be drawn")
    return ", ".join(parts) + "."


def _shares(label_map):
    """Return how many of the pixels with data are in clusters, and how many sky."""
    with_data = max(np.count_nonzero(label_map != MASKED), 1)
    clustered = np.count_nonzero(label_map >= 0) / with_data
    sky = np.count_nonzero(label_map == SKY) / with_data
    shares = [f"{clustered:.1%} of the pixels with data in clusters"]
    return shares + ([f"{sky:.1%} set aside as sky (dark)"] if sky else [])


def _parts(color):
    """Return red, green and blue of "#rrggbb"."""
    return list(bytes.fromhex(color[1:]))

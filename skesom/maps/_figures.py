# SPDX-License-Identifier: BSD-3-Clause
"""The pictures of a clustering: clusters on the sky, their spectra, and the map."""

import numpy as np
from astropy import units
from astropy.wcs.utils import proj_plane_pixel_scales
from scipy import sparse

from skesom.som import CSOM

SKY_COLOUR = "#10121c"
MASKED_COLOUR = "#c9ccd3"
DOTS_PER_INCH = 150


def cluster_colours(label_map, cube):
    """Choose a colour for each cluster, from blue for the faintest to red.

    Neighbouring clusters of a galaxy differ in brightness first, so the order of the
    colours makes its shape readable.

    Parameters
    ----------
    label_map : ndarray of shape (n_rows, n_columns), dtype int
        Clusters from 0; negative labels are left out.
    cube : Cube or ndarray of shape (n_rows, n_columns, n_bands)
        The images that the clusters are ordered by, stretched so that all bands weigh
        the same.

    Returns
    -------
    colours : ndarray of shape (n_clusters, 4)
        Red, green, blue and opacity, from 0 to 1.
    """
    from matplotlib import colormaps

    brightness = np.nanmean(np.asarray(cube.data)[label_map >= 0], axis=1)
    labels = label_map[label_map >= 0]
    n_clusters = int(labels.max(initial=-1)) + 1
    sums = np.bincount(labels, weights=brightness, minlength=n_clusters)
    means = sums / np.bincount(labels, minlength=n_clusters)
    rank = np.argsort(np.argsort(means, kind="stable"), kind="stable")
    # The ends of the palette are too dark to tell from the sky.
    return colormaps["turbo"](0.06 + 0.88 * (rank + 0.5) / max(n_clusters, 1))


def draw_cluster_map(label_map, colours, *, sky=None, wcs=None):
    """Draw the clusters on the sky.

    Parameters
    ----------
    label_map : ndarray of shape (n_rows, n_columns), dtype int
        Clusters from 0, -1 = noise, -3 = masked.
    colours : ndarray of shape (n_clusters, 4)
        A colour for each cluster.
    sky : ndarray of shape (n_rows, n_columns), dtype bool, default=None
        Masked pixels that are sky and not missing.
    wcs : astropy.wcs.WCS, default=None
        Celestial coordinates for the axes; pixels without.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The picture.
    """
    from matplotlib.colors import to_rgba
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    image = np.empty((*label_map.shape, 4), dtype=np.float32)
    image[:] = to_rgba(MASKED_COLOUR)
    if sky is not None:
        image[sky] = to_rgba(SKY_COLOUR)
    image[label_map == -1] = to_rgba("black")
    image[label_map >= 0] = colours[label_map[label_map >= 0]]
    n_rows, n_columns = label_map.shape
    width = 9.0
    height = np.clip(width * n_rows / n_columns, 3, 14)
    figure = Figure(figsize=(width + 2.4, height + 0.8), layout="constrained")
    axes = figure.add_subplot(projection=wcs)
    axes.imshow(image, origin="lower", interpolation="nearest")
    if wcs is None:
        axes.set(xlabel="column [pixel]", ylabel="row [pixel]")
    else:
        for coordinate, name in zip(
            axes.coords, ("right ascension", "declination"), strict=True
        ):
            coordinate.set_axislabel(name)
            coordinate.set_ticks_position("#")  # on the side of its labels only
        _draw_scale_bar(axes, wcs, label_map.shape)
    labelled = max(np.count_nonzero(label_map >= 0), 1)
    entries = [
        Patch(
            facecolor=colour,
            label=f"{label}: {np.count_nonzero(label_map == label) / labelled:.1%}",
        )
        for label, colour in enumerate(colours)
    ]
    if (label_map == -1).any():
        entries.append(Patch(facecolor="black", label="noise"))
    if sky is not None and sky.any():
        entries.append(Patch(facecolor=SKY_COLOUR, label="sky, set aside"))
    missing = label_map < -1 if sky is None else (label_map < -1) & ~sky
    if missing.any():
        entries.append(Patch(facecolor=MASKED_COLOUR, label="no data"))
    figure.legend(
        handles=entries, loc="outside right upper", title="cluster", frameon=False
    )
    return figure


def draw_spectra(table, band_names, colours):
    """Draw the median and the quartiles of each cluster in each band.

    Parameters
    ----------
    table : astropy.table.Table
        As `skesom.io.cluster_table` makes it, of the stretched and scaled bands.
    band_names : sequence of str of length n_bands
        The bands in the order of the axis.
    colours : ndarray of shape (n_clusters, 4)
        A colour for each cluster.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The picture.
    """
    from matplotlib.figure import Figure

    figure = Figure(
        figsize=(max(6.0, 1.0 + 0.9 * len(band_names)), 5), layout="constrained"
    )
    axes = figure.add_subplot()
    place = np.arange(len(band_names))
    for row, colour in zip(table, colours, strict=True):
        low, median, high = (
            [row[f"{band}_{statistic}"] for band in band_names]
            for statistic in ("q25", "median", "q75")
        )
        axes.fill_between(place, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(
            place,
            median,
            "o-",
            color=colour,
            label=f"{row['id']}: {row['percentage']:.1f} %",
        )
    slanted = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
    fits = max(map(len, band_names)) <= 9
    axes.set_xticks(place, band_names, **({} if fits else slanted))
    axes.set(ylabel="stretched flux: median and quartiles", xlabel="band")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", title="cluster", frameon=False)
    return figure


def draw_u_matrix(som, colours):
    """Draw the units of a map by their distance to neighbours, and by cluster.

    Units of a `CSOM` stand on their lattice. Nodes of an `ESOM` stand in the plane of
    the first two principal components of the nodes, joined by their links.

    Parameters
    ----------
    som : ESOM or CSOM
        The fitted map.
    colours : ndarray of shape (n_clusters, 4)
        A colour for each cluster.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The picture.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 6), layout="constrained")
    left, right = figure.subplots(1, 2)
    distances = som.u_matrix().ravel()
    draw = _draw_lattice if isinstance(som, CSOM) else _draw_graph
    drawn = draw(left, som, distances, cmap="cividis")
    figure.colorbar(drawn, ax=left, label="mean distance to neighbours")
    left.set_title("U-matrix")
    draw(right, som, colours[som.unit_labels_])
    right.set_title("clusters of the units")
    return figure


def _draw_scale_bar(axes, wcs, shape):
    """Draw a bar of a round angle, about a fifth of the picture wide."""
    scale = float(np.mean(proj_plane_pixel_scales(wcs))) * wcs.wcs.cunit[0].to(
        units.arcsec
    )
    length, text = _round_angle(0.2 * shape[1] * scale)
    start, level = 0.04 * shape[1], 0.04 * shape[0]
    axes.plot([start, start + length / scale], [level, level], color="white", lw=3)
    axes.text(
        start + length / scale / 2,
        level + 0.015 * shape[0],
        text,
        color="white",
        ha="center",
        bbox={"facecolor": "black", "alpha": 0.4, "linewidth": 0, "pad": 2},
    )


def _round_angle(longest):
    """Return the longest round angle up to a given one, in arcsec and as text."""
    sizes = {"°": 3600, "'": 60, '"': 1}
    mark = next((mark for mark, size in sizes.items() if longest >= size), '"')
    power = 10.0 ** np.floor(np.log10(longest / sizes[mark]))
    number = power * max(d for d in (1, 2, 5) if d * power <= longest / sizes[mark])
    return number * sizes[mark], f"{number:g}{mark}"


def _draw_lattice(axes, som, values, cmap=None):
    from matplotlib.collections import PolyCollection

    if som.topology == "hexagonal":
        angles = np.deg2rad(60 * np.arange(6) + 30)
        corners = np.column_stack([np.cos(angles), np.sin(angles)]) / np.sqrt(3)
    else:
        corners = 0.5 * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    cells = PolyCollection(
        som.positions_[:, None] + corners, edgecolors="white", linewidths=0.3
    )
    if cmap is None:
        cells.set_facecolor(values)
    else:
        cells.set(array=values, cmap=cmap)
    axes.add_collection(cells)
    axes.autoscale_view()
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.set_axis_off()
    return cells


def _draw_graph(axes, som, values, cmap=None):
    from matplotlib.collections import LineCollection

    plane = _principal_plane(som.codebook_)
    links = sparse.triu(som.connections_).tocoo()
    strength = links.data / max(links.data.max(initial=0), np.finfo(float).tiny)
    lines = LineCollection(
        plane[np.column_stack(links.coords)],
        colors=[(0, 0, 0, opacity) for opacity in 0.05 + 0.6 * strength],
        linewidths=0.5,
        zorder=1,
    )
    axes.add_collection(lines)
    size = 6 + 150 * som.hits_ / max(som.hits_.max(), 1)
    drawn = axes.scatter(
        *plane.T, c=values, s=size, cmap=cmap, zorder=2, edgecolors="k", linewidths=0.2
    )
    axes.set(xlabel="first principal component", ylabel="second principal component")
    return drawn


def _principal_plane(codebook):
    """Place nodes by their first two principal components."""
    centred = codebook - codebook.mean(axis=0)
    _, _, components = np.linalg.svd(centred, full_matrices=False)
    plane = np.zeros((len(codebook), 2))
    plane[:, : len(components[:2])] = centred @ components[:2].T
    return plane

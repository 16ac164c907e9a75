# SPDX-License-Identifier: BSD-3-Clause
"""Region files for DS9: label maps as polygons, catalogs as points."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from astropy.coordinates import FK5
from astropy.table import Table
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales, wcs_to_celestial_frame
from numpy.typing import ArrayLike
from scipy import ndimage

from skesom._common.labels import check_label_map
from skesom._common.new_files import atomic_path, check_place
from skesom._types import Names, StrPath
from skesom.io.catalogs import read_catalog
from skesom.io.ned import describe_types, distinct_color
from skesom.io.outlines import number_pieces, trace_outlines

_HEADER = """\
# Region file format: DS9 version 4.1
global color={color} width=1 font="helvetica 10 normal roman" select=1 highlite=1 \
dash=0 fixed=0 edit=1 move=1 delete=1 include=1 source=1
{frame}
"""
_NOT_IN_TEXT = re.compile(r"[{};\r\n]")
# Corners are written to this fraction of a pixel, if they are exact or smoothed.
_EXACT, _SMOOTHED = 1e-3, 0.1

# Of smooth outlines:
_MOST_PIXELS = 4_000_000  # larger maps are thinned: their small pieces are dropped
_LEAST_SIGMA = 0.7  # pixels of the map that is traced
_FLAT = 1.0  # area, in pixels, of the triangle that a needless corner stands out
_FLATTEST = 12.0  # pixels; as far as outlines are simplified
# If needed, corners that stand out more are left out too: DS9 is slow with many.
_MOST_CORNERS = 65_000
_OUTLINES = 10, 0.0, 1  # pixels of a piece, smoothing, pixels of one with a text


def write_regions(
    path: StrPath,
    content: ArrayLike | Table,
    *,
    wcs: WCS | None = None,
    names: Names | bool | None = None,
    colors: Sequence[Any] | Mapping[Any, Any] | None = None,
    min_size: int = _OUTLINES[0],
    smoothing: float = _OUTLINES[1],
    text_size: int = _OUTLINES[2],
    overwrite: bool = False,
) -> None:
    """Write the outlines of clusters, or objects of a catalog, as a DS9 region file.

    Each connected piece of a cluster becomes one polygon along the edges of its pixels,
    in the color of the cluster, with its name as text and as tag (DS9 groups by tags).
    Each object becomes a point, with the symbol and color of its type, which is the
    tag.

    Parameters
    ----------
    path : str or os.PathLike
        File to write, usually ``*.reg``.
    content : array-like of int of shape (n_rows, n_columns) or Table
        Label map: cluster of each pixel from 0; negative pixels are not drawn. Or
        objects, as `read_catalog` returns them; they take no parameters of outlines
        (`wcs`, `min_size`, `smoothing`, `text_size`).
    wcs : astropy.wcs.WCS, default=None
        Celestial WCS, to write sky coordinates: in its own frame if that is ICRS, FK5
        (J2000) or galactic, else in ICRS. Without a WCS they are image coordinates.
    names : sequence or dict of str, or bool, default=None
        Name of each label; by default the label itself. For objects, True writes their
        names beside them.
    colors : sequence or dict of str or of (red, green, blue), default=None
        Color of each label, or of each type of objects: a color name of DS9,
        ``"#rrggbb"``, or numbers from 0 to 1 (an opacity after them is ignored). By
        default distinct hues, and those of the types of NED.
    min_size : int, default=10
        Pieces of fewer pixels are left out: noisy maps have very many.
    smoothing : float, default=0.0
        Standard deviation in pixels of the Gaussian that smooths outlines, such as that
        of the point-spread function; 0 follows every pixel.
    text_size : int, default=1
        Pieces of fewer pixels have the name as tag only: DS9 is slow with many texts.
    overwrite : bool, default=False
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is False.
    ValueError
        If the labels are not such a map, all pieces are too small, a label lacks its
        name or color, the WCS does not reach the map, the catalog cannot be read, or a
        name or type has braces, ";" or line breaks.

    Notes
    -----
    Pixels of a piece touch by their sides. Straight cuts along pixel edges join holes
    to the outline, so that every program finds the same pixels inside. Coordinates are
    exact to 0.001 pixel.

    Smoothed, each pixel first gets the label that is most frequent around it, weighted
    by the Gaussian. Pieces that are too small then belong to what is beside them, but
    each cluster keeps its largest. Corners that stand out by a triangle of less than a
    pixel are left out [1]_, and coordinates are exact to 0.1 pixel. Maps of more than 4
    million pixels are thinned before.

    Objects are written on the sky (ICRS, exact to 0.04 milliarcsec), or in pixels if
    the catalog has no others.

    References
    ----------
    .. [1] Visvalingam, M. & Whyatt, J. (1993), "Line generalisation by repeated
       elimination of points", Cartogr. J. 30, 46-51, doi:10.1179/000870493786962263

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skesom.io import write_regions
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "clusters.reg"
    ...     write_regions(path, [[0, 0], [0, 1]], names=["sky", "arm"], min_size=1)
    ...     print(path.read_text().splitlines()[-1])
    polygon(1.5,1.5,2.5,1.5,2.5,2.5,1.5,2.5) # color=#3d72f2 text={arm} tag={arm}
    >>> from astropy.table import Table
    >>> objects = Table({"ra": [204.25], "dec": [-29.87], "type": ["HII"]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "objects.reg"
    ...     write_regions(path, objects)
    ...     print(path.read_text().splitlines()[-1])
    point(204.25000000,-29.87000000) # point=circle color=green tag={HII}
    """
    check_place(path, overwrite=overwrite)
    if isinstance(content, Table):
        if wcs is not None or (min_size, smoothing, text_size) != _OUTLINES:
            text = "wcs, min_size, smoothing and text_size"
            raise ValueError(f"{text} are about outlines: objects take none of them.")
        text = _objects_text(content, names, colors)
        with atomic_path(path, overwrite=overwrite) as temporary:
            temporary.write_text(text, encoding="utf-8")
        return
    labels = check_label_map(content)
    if not smoothing >= 0:
        raise ValueError(f"smoothing must be a number from 0, got {smoothing!r}.")
    outlines = find_outlines(labels, min_size, smoothing)
    if not outlines:
        raise ValueError(
            f"label_map has no piece of a cluster with min_size={min_size} pixels, so "
            "there is nothing to write. Lower min_size."
        )
    with atomic_path(path, overwrite=overwrite) as temporary:
        write_outlines(
            temporary,
            outlines,
            wcs,
            exact=smoothing == 0,
            names=names,
            colors=colors,
            text_size=text_size,
        )


def find_outlines(labels, min_size, smoothing):
    """Return the outlines of the pieces of a label map.

    If they are smooth, smaller pieces join their neighbors, and each cluster keeps one
    piece at least, its largest.
    """
    if smoothing == 0:
        return trace_outlines(labels, min_size)
    step = math.isqrt(max(labels.size // _MOST_PIXELS, 1))
    first = (step - 1) // 2
    thinned = labels[first::step, first::step]
    smoothed = _smooth(thinned, max(smoothing / step, _LEAST_SIGMA))
    outlines = trace_outlines(_merge_small(smoothed, min_size / step**2), middles=True)
    if not outlines:
        return []
    ends = np.cumsum([len(outline.corners) for outline in outlines])
    corners, flat = np.concatenate([o.corners for o in outlines]), _FLAT
    corners, ends = _simplify(corners, ends, flat)
    while len(corners) > _MOST_CORNERS and flat < _FLATTEST:
        flat *= 1.5
        corners, ends = _simplify(corners, ends, flat)
    parts = np.split(corners * step + first, ends[:-1])
    return [
        outline._replace(corners=part, size=outline.size * step**2)
        for outline, part in zip(outlines, parts, strict=True)
    ]


def _smooth(labels, sigma):
    """Give each pixel the label that is most frequent around it, by a Gaussian."""
    smoothed = np.full(labels.shape, -1, dtype=np.int32)
    most = np.zeros(labels.shape, dtype=np.float32)
    present = np.unique(labels[labels >= 0])
    for label in [*present, -1]:
        mask = labels == label if label >= 0 else labels < 0
        share = ndimage.gaussian_filter(mask.astype(np.float32), sigma)
        better = share > most
        smoothed[better] = label
        np.maximum(most, share, out=most)
    for label in np.setdiff1d(present, smoothed):  # thin or scattered everywhere
        smoothed[labels == label] = label
    return smoothed


def _merge_small(labels, min_size):
    """Give the pixels of pieces that are too small the nearest label of others."""
    pieces, piece_labels = number_pieces(labels + 1)  # pixels in no cluster too
    sizes = np.bincount(pieces.ravel(), minlength=len(piece_labels))
    keep = sizes >= min_size
    order = np.lexsort((-sizes, piece_labels))
    _, largest = np.unique(piece_labels[order], return_index=True)
    keep[order[largest]] = True
    nearest = ndimage.distance_transform_edt(
        ~keep[pieces], return_distances=False, return_indices=True
    )
    return labels[tuple(nearest)]


def _simplify(corners, ends, largest):
    """Leave out corners that stand out little, of both sides of a border the same.

    The method of Visvalingam & Whyatt (1993): the least of the triangles that each
    corner makes with its neighbors goes first.
    """
    walks = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    while True:
        counts = np.bincount(walks)
        ends = np.cumsum(counts)
        places = np.arange(len(corners))
        before, after = places - 1, places + 1
        before[ends - counts], after[ends - 1] = ends - 1, ends - counts
        a, b = corners[before] - corners, corners[after] - corners
        area = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2
        # Among equals chance decides, but the same on both sides of a border.
        column, row = (2 * corners).astype(np.int64).T
        rank = area + 1e-9 * ((column * 73_856_093 ^ row * 19_349_663) % 1_000_003)
        flat = (area < largest) & (counts[walks] > 4)
        flat &= ((rank < rank[before]) & (rank < rank[after])) | (area == 0)
        if not flat.any():
            return corners, ends
        corners, walks = corners[~flat], walks[~flat]


def write_outlines(path, outlines, wcs, *, exact, names, colors, text_size):
    """Write outlines as polygons; replace a file."""
    labels = dict.fromkeys(outline.label for outline in outlines)
    properties = {label: _properties(label, names, colors) for label in labels}
    frame, corners = _place(outlines, wcs, _EXACT if exact else _SMOOTHED)
    with open(path, "w", encoding="utf-8") as file:
        file.write(_HEADER.format(color="green", frame=frame))
        for outline, place in zip(outlines, corners, strict=True):
            color, text, tag = properties[outline.label]
            text = text if outline.size >= text_size else ""
            file.write(f"polygon({place}) # {color}{text}{tag}\n")


def _place(outlines, wcs, precision):
    """Return the name of a frame, and the corners of each outline in it as text."""
    ends = np.cumsum([len(outline.corners) for outline in outlines])
    corners = np.concatenate([outline.corners for outline in outlines])
    if wcs is None:
        frame, places, form = "image", corners + 1, "%.1f"
    else:
        frame, places = _to_sky(corners, wcs if wcs.naxis == 2 else wcs.celestial)
        size = min(proj_plane_pixel_scales(wcs.celestial))
        form = f"%.{max(int(np.ceil(-np.log10(size * precision))), 0)}f"
    texts = (  # made one after the other, because they are large
        ",".join([form] * part.size) % tuple(part.ravel().tolist())
        for part in np.split(places, ends[:-1])
    )
    return frame, texts


def _to_sky(corners, wcs):
    """Return the name of the frame, and the corners as longitude and latitude."""
    if not wcs.has_celestial:
        raise ValueError("The WCS of the map has no celestial axes. Leave it out.")
    frame = wcs_to_celestial_frame(wcs)
    name = frame.name
    sky = wcs.pixel_to_world(*corners.T)
    if name not in ("icrs", "galactic") and not frame.is_equivalent_frame(FK5()):
        name, sky = "icrs", sky.icrs
    places = np.stack([sky.spherical.lon.deg, sky.spherical.lat.deg], axis=1)
    lost = ~np.isfinite(places).all(axis=1)
    if lost.any():
        column, row = corners[lost][0]
        raise ValueError(
            "Some clusters reach pixels outside the sky in the projection of the WCS, "
            f"as near column {column:g}, row {row:g}. Mask them, or leave wcs out."
        )
    return name, places


def _properties(label, names, colors):
    """Return color, text and tag of the polygons of a label as they are written."""
    is_named = names is not None and not isinstance(names, bool)
    name = str(_look_up(names, label, "names") if is_named else label)
    name = name.strip() or str(label)  # regions without a text are named by nothing
    _check_text(name, f"The name {name!r} of label {label}")
    color = distinct_color(label)
    if colors is not None:
        color = _color_name(_look_up(colors, label, "colors"), label)
    return f"color={color}", f" text={{{name}}}", f" tag={{{name}}}"


def _look_up(values, label, parameter):
    """Return the value of a label."""
    try:
        return values[label]
    except (IndexError, KeyError):
        raise ValueError(
            f"{parameter} has no entry for label {label} of label_map."
        ) from None


def _color_name(color, label):
    """Return a color as DS9 writes it."""
    if isinstance(color, str):
        if re.fullmatch(r"#[0-9a-fA-F]{6}|[A-Za-z]+\d*", color):
            return color
    elif np.shape(color) in ((3,), (4,)):
        parts = np.asarray(color, dtype=float)[:3]
        if np.all((parts >= 0) & (parts <= 1)):
            return "#" + "".join(f"{round(255 * part):02x}" for part in parts)
    raise ValueError(
        f'The color of label {label} must be a name, "#rrggbb" or three numbers from '
        f"0 to 1, got {color!r}."
    )


def _check_text(text, what):
    """Refuse a text that region files cannot hold."""
    if _NOT_IN_TEXT.search(text):
        raise ValueError(
            f"{what} holds braces, semicolons or line breaks. Choose another name."
        )


def _objects_text(catalog, names, colors):
    """Return a catalog as text of a region file: points with their types as tags."""
    objects = read_catalog(catalog)
    styles = describe_types(objects["type"].tolist())
    for kind in styles if colors is not None else ():
        color = _color_name(_look_up(colors, kind, "colors"), kind)
        styles[kind] = styles[kind]._replace(color=color)
    on_sky = "ra" in objects.colnames
    lines = []
    for row in objects:
        kind, name = str(row["type"]), str(row["name"]) if names else ""
        for text in (kind, name):
            _check_text(text, repr(text))
        if on_sky:
            place = f"{row['ra']:.8f},{row['dec']:.8f}"
        else:
            place = f"{row['x'] + 1:.3f},{row['y'] + 1:.3f}"
        look = f"point={styles[kind].symbol} color={styles[kind].color}"
        line = f"point({place}) # {look} tag={{{kind}}}"
        lines.append(f"{line} text={{{name}}}" if name else line)
    header = _HEADER.format(color="white", frame="icrs" if on_sky else "image")
    return header + "\n".join(lines) + "\n"

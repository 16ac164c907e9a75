# SPDX-License-Identifier: BSD-3-Clause
"""Region files for DS9: label maps as polygons, catalogs as points."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from astropy.coordinates import FK5
from astropy.table import Table
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales, wcs_to_celestial_frame
from numpy.typing import ArrayLike

from skesom._common.labels import check_label_map
from skesom._common.new_files import atomic_path, check_place
from skesom._types import Names, StrPath
from skesom.io.catalogs import read_catalog
from skesom.io.ned import describe_types, distinct_color
from skesom.io.smooth_outlines import find_outlines

_HEADER = """\
# Region file format: DS9 version 4.1
global color={color} width=1 font="helvetica 10 normal roman" select=1 highlite=1 \
dash=0 fixed=0 edit=1 move=1 delete=1 include=1 source=1
{frame}
"""
_NOT_IN_TEXT = re.compile(r"[{};\r\n]")
# Corners are written to this fraction of a pixel, if they are exact or smoothed.
_EXACT_PRECISION = 1e-3
_SMOOTHED_PRECISION = 0.1
# Defaults of the parameters that objects do not have.
_MIN_SIZE = 10
_SMOOTHING = 0.0
_TEXT_SIZE = 1


def write_regions(
    path: StrPath,
    content: ArrayLike | Table,
    *,
    wcs: WCS | None = None,
    names: Names | bool | None = None,
    colors: Sequence[Any] | Mapping[Any, Any] | None = None,
    min_size: int = _MIN_SIZE,
    smoothing: float = _SMOOTHING,
    text_size: int = _TEXT_SIZE,
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
        outline_parameters = (wcs, min_size, smoothing, text_size)
        if outline_parameters != (None, _MIN_SIZE, _SMOOTHING, _TEXT_SIZE):
            raise ValueError(
                "wcs, min_size, smoothing and text_size are about outlines: objects "
                "take none of them."
            )
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


def write_outlines(path, outlines, wcs, *, exact, names, colors, text_size):
    """Write outlines as polygons; replace a file.

    `exact` outlines follow the edges of pixels, and have more digits. The names and
    colors are those that `write_regions` takes.
    """
    names_by_label = {}
    colors_by_label = {}
    for outline in outlines:
        label = outline.label
        if label not in names_by_label:
            names_by_label[label] = _find_name(label, names)
            colors_by_label[label] = _find_color(label, colors)
    precision = _EXACT_PRECISION if exact else _SMOOTHED_PRECISION
    frame, corner_texts = _format_corners(outlines, wcs, precision)
    with open(path, "w", encoding="utf-8") as file:
        file.write(_HEADER.format(color="green", frame=frame))
        for outline, corners in zip(outlines, corner_texts, strict=True):
            name = names_by_label[outline.label]
            text = f" text={{{name}}}" if outline.size >= text_size else ""
            color = colors_by_label[outline.label]
            file.write(f"polygon({corners}) # color={color}{text} tag={{{name}}}\n")


def _format_corners(outlines, wcs, precision):
    """Return the name of a frame, and the corners of each outline in it as text.

    `precision` is the largest error of a coordinate on the sky, in pixels.
    """
    ends = np.cumsum([len(outline.corners) for outline in outlines])
    corners = np.concatenate([outline.corners for outline in outlines])
    if wcs is None:
        frame = "image"
        coordinates = corners + 1  # regions count pixels from 1
        number_format = "%.1f"  # corners lie on halves of pixels
    else:
        frame, coordinates = _to_sky(corners, wcs if wcs.naxis == 2 else wcs.celestial)
        pixel = min(proj_plane_pixel_scales(wcs.celestial))  # degrees
        n_digits = max(int(np.ceil(-np.log10(pixel * precision))), 0)
        number_format = f"%.{n_digits}f"

    def make_texts():
        for polygon in np.split(coordinates, ends[:-1]):
            text_format = ",".join([number_format] * polygon.size)
            yield text_format % tuple(polygon.ravel().tolist())

    # One text at a time, because all of them together are large.
    return frame, make_texts()


def _to_sky(corners, wcs):
    """Return the name of the frame, and the corners as longitude and latitude."""
    if not wcs.has_celestial:
        raise ValueError("The WCS of the map has no celestial axes. Leave it out.")
    frame = wcs_to_celestial_frame(wcs)
    frame_name = frame.name
    positions = wcs.pixel_to_world(corners[:, 0], corners[:, 1])
    is_in_ds9 = frame_name in ("icrs", "galactic") or frame.is_equivalent_frame(FK5())
    if not is_in_ds9:
        frame_name = "icrs"
        positions = positions.icrs
    spherical = positions.spherical
    coordinates = np.stack([spherical.lon.deg, spherical.lat.deg], axis=1)
    is_off_sky = ~np.isfinite(coordinates).all(axis=1)
    if is_off_sky.any():
        column, row = corners[is_off_sky][0]
        raise ValueError(
            "Some clusters reach pixels outside the sky in the projection of the WCS, "
            f"as near column {column:g}, row {row:g}. Mask them, or leave wcs out."
        )
    return frame_name, coordinates


def _find_name(label, names):
    """Return the name of a cluster; without names, or with a blank one, its label."""
    name = ""
    if names is not None and not isinstance(names, bool):
        name = str(_look_up(names, label, "names")).strip()
    name = name or str(label)  # a region without a text cannot be read again
    _check_text(name, f"The name {name!r} of label {label}")
    return name


def _find_color(label, colors):
    """Return the color of a cluster as DS9 writes it."""
    if colors is None:
        return distinct_color(label)
    return _format_color(_look_up(colors, label, "colors"), label)


def _look_up(values, label, parameter):
    """Return the value of a label."""
    try:
        return values[label]
    except (IndexError, KeyError):
        raise ValueError(
            f"{parameter} has no entry for label {label} of label_map."
        ) from None


def _format_color(color, label):
    """Return a color as DS9 writes it."""
    if isinstance(color, str):
        if re.fullmatch(r"#[0-9a-fA-F]{6}|[A-Za-z]+\d*", color):
            return color
    elif np.shape(color) in ((3,), (4,)):
        rgb = np.asarray(color, dtype=float)[:3]
        if np.all((rgb >= 0) & (rgb <= 1)):
            return "#" + "".join(f"{round(255 * value):02x}" for value in rgb)
    raise ValueError(
        f'The color of label {label} must be a name, "#rrggbb" or three numbers from '
        f"0 to 1, got {color!r}."
    )


def _check_text(text, description):
    """Refuse a text that region files cannot hold."""
    if _NOT_IN_TEXT.search(text):
        raise ValueError(
            f"{description} holds braces, semicolons or line breaks. Choose another "
            "name."
        )


def _objects_text(catalog, names, colors):
    """Return a catalog as text of a region file: points with their types as tags."""
    objects = read_catalog(catalog)
    styles = describe_types(objects["type"].tolist())
    if colors is not None:
        for object_type, style in styles.items():
            color = _look_up(colors, object_type, "colors")
            color = _format_color(color, object_type)
            styles[object_type] = style._replace(color=color)
    is_on_sky = "ra" in objects.colnames
    lines = []
    for row in objects:
        object_type = str(row["type"])
        _check_text(object_type, repr(object_type))
        style = styles[object_type]
        if is_on_sky:
            position = f"{row['ra']:.8f},{row['dec']:.8f}"
        else:
            position = f"{row['x'] + 1:.3f},{row['y'] + 1:.3f}"
        line = (
            f"point({position}) # point={style.symbol} color={style.color} "
            f"tag={{{object_type}}}"
        )
        name = str(row["name"]) if names else ""
        if name:
            _check_text(name, repr(name))
            line += f" text={{{name}}}"
        lines.append(line)
    header = _HEADER.format(color="white", frame="icrs" if is_on_sky else "image")
    return header + "\n".join(lines) + "\n"

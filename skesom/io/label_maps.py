# SPDX-License-Identifier: BSD-3-Clause
"""Label maps on disk."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Column, Table
from astropy.wcs import WCS
from numpy.typing import ArrayLike, NDArray

from skesom._common.fits_files import open_fits
from skesom._common.labels import MASKED, SKY, check_label_map
from skesom._common.lazy import computed, is_lazy
from skesom._common.new_files import atomic_path, check_place
from skesom._common.row_files import stored
from skesom._common.texts import unique_names
from skesom._common.warn import warn_user
from skesom._sky.header_cards import to_ascii
from skesom._types import CubeLike, StrPath
from skesom.cube import Cube
from skesom.io._images import describe_file
from skesom.io._zarr import is_zarr, read_labels, write_labels
from skesom.io.fits_files import make_hdus, stand_in, write_files
from skesom.pixels import cluster_table
from skesom.pixels.cluster_statistics import check_fluxes, check_map

_CODES = (
    "The values of this image: 0, 1, ... are clusters, -1 is noise (of",
    "clusterers that know it), -2 is sky that was set aside, -3 (BLANK) is",
    "no data. CLUS0, CLUS1, ... are names of clusters.",
)
# Names of spectral axes in the standard, by the quantity that they count.
_AXES = {"length": "WAVE", "frequency": "FREQ", "speed": "VELO", "energy": "ENER"}
# The FITS standard gives the number of columns three digits.
_MAX_COLUMNS = 999
_MAX_NAME = 60  # characters of a column that astropy writes, with quotes twice


def write_map(
    path: StrPath,
    label_map: ArrayLike,
    *,
    wcs: WCS | None = None,
    cube: CubeLike | None = None,
    table: Table | None = None,
    overwrite: bool = False,
) -> None:
    """Write a label map as a FITS image with a table of its clusters.

    The primary HDU holds the labels as 32-bit integers, with BLANK for no data and
    SKYLABEL for sky, and the celestial WCS; the extension CLUSTERS the
    `skesom.pixels.cluster_table`. If that has a column "name", the card CLUS0 has the
    name of cluster 0, and so on; names are written in ASCII, and long ones without
    their middle in cards.

    Parameters
    ----------
    path : str or os.PathLike
        File to write. Of a name that ends in ``.zarr`` it is a group of Zarr (extra
        ``zarr``), of the labels and the WCS alone.
    label_map : array-like of int of shape (n_rows, n_columns)
        Cluster of each pixel from 0; -1 is noise, -2 is sky and -3 is no data. A lazy
        one is computed once and written strip by strip. Or labels of voxels, of shape
        (n_rows, n_columns, n_bands): the image then has three axes, with the spectral
        axis of the cube if its bands are evenly spaced, and the extension BANDS lists
        them.
    wcs : astropy.wcs.WCS, default=None
        Celestial WCS of the map, by default that of the cube.
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands), default=None
        Fluxes that the table summarizes for each cluster. Those of a lazy cube are
        computed once for each byte of a value: put a `skesom.cube.CubeStore` before.
    table : astropy.table.Table, default=None
        Content of CLUSTERS instead, beginning with the columns of
        `skesom.pixels.cluster_table`.
    overwrite : bool, default=False
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is False.
    ValueError
        If the labels are not such a map, or the cube has another shape.

    Examples
    --------
    >>> import tempfile
    >>> from skesom.io import read_map, write_map
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_map(f"{folder}/map.fits", [[0, 0, 1], [0, -1, -3]])
    ...     labels, wcs = read_map(f"{folder}/map.fits")
    >>> labels
    array([[ 0,  0,  1],
           [ 0, -1, -3]], dtype=int32)
    """
    labels = check_map(label_map)
    if is_zarr(path):
        if table is not None:
            raise ValueError(f"{path} holds labels alone: leave out the table.")
        if wcs is None and isinstance(cube, Cube):
            wcs = cube.wcs
        if wcs is not None:
            wcs = wcs.celestial
        write_labels(path, labels, wcs, overwrite=overwrite)
        return
    check_place(path, overwrite=overwrite)
    if is_lazy(labels) and labels.ndim == 3:
        (labels,) = computed(labels)
    if is_lazy(labels) and table is None:  # which needs the labels again
        (labels,) = stored([labels], Path(path).parent)
    if cube is not None:
        cube = check_fluxes(labels, cube)
        if wcs is None:
            wcs = cube.wcs
    if wcs is not None and wcs.naxis != 2:
        wcs = wcs.celestial
    if table is None:
        table = cluster_table(labels, cube)
    if labels.ndim == 3:  # of voxels: FITS has the bands first
        labels = np.moveaxis(labels, 2, 0)
    hdus = make_hdus(stand_in(labels), wcs)
    header = hdus[0].header
    header["BLANK"] = (MASKED, "pixels without data")
    header["SKYLABEL"] = (SKY, "pixels of sky that were set aside")
    header["EXTNAME"] = ("LABELS", "clusters from 0, -1 is noise")
    for line in _CODES:
        header["COMMENT"] = line
    header.update(_name_cards(table))
    hdus.append(_make_table_hdu(table))
    if labels.ndim == 3 and cube is not None:
        header.update(_cards_of_bands(cube.band_coordinates))
        hdus.append(_make_bands_hdu(cube))
    with atomic_path(path, overwrite=overwrite) as temporary:
        write_files([(temporary, hdus, {0: labels})])


def read_map(path: StrPath) -> tuple[NDArray[np.int32], WCS | None]:
    """Read a label map.

    Parameters
    ----------
    path : str or os.PathLike
        FITS file whose first image holds integers, or group of Zarr, as `write_map`
        makes it.

    Returns
    -------
    label_map : ndarray of int32 of shape (n_rows, n_columns)
        Cluster of each pixel from 0; -1 is noise, -2 is sky and -3 is no data. Of a
        group of Zarr it is a dask array. Labels of voxels have the bands last.
    wcs : astropy.wcs.WCS or None
        Celestial WCS of the map.

    Raises
    ------
    OSError
        If the file is not a readable FITS file.
    ValueError
        If its image is not a label map.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skesom.io import read_map, write_map
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_map(f"{folder}/map.fits", np.array([[0, 1, -3]]))
    ...     label_map, wcs = read_map(f"{folder}/map.fits")
    >>> label_map
    array([[ 0,  1, -3]], dtype=int32)
    """
    if is_zarr(path):
        labels, wcs = read_labels(path)
        return check_map(labels), wcs
    (image,) = describe_file(path)
    file, number = image.place
    with open_fits(file, scaled=False) as hdus:
        header = hdus[number].header
        values = hdus[number].data
        is_scaled = header.get("BSCALE", 1) != 1 or header.get("BZERO", 0) != 0
        are_integers = values.dtype.kind in "iu"
        if not are_integers or values.ndim not in (2, 3) or is_scaled:
            raise ValueError(
                f"{image.label} is not a label map: not one band, or one cube, of "
                "plain integers."
            )
        other_axes = [axis for axis in range(values.ndim) if axis not in image.axes]
        labels = values.transpose([*image.axes, *other_axes]).astype(np.int64)
        labels[labels == header.get("BLANK", MASKED)] = MASKED
    return check_label_map(labels, image.label, voxels=True), image.grid.wcs


def read_cluster_names(path):
    """Return the names of the clusters that a file of a label map lists, by labels."""
    if is_zarr(path):
        return {}
    (image,) = describe_file(path)
    with open_fits(image.place[0]) as hdus:
        if "CLUSTERS" not in hdus:
            return {}
        table = hdus["CLUSTERS"].data
        column_names = getattr(table, "names", None) or ()
        if not {"id", "name"} <= set(column_names):
            return {}
        return dict(zip(table["id"].tolist(), table["name"].tolist(), strict=True))


def _name_cards(table):
    """Return a card for each cluster that has a name, as CLUS0, CLUS1, ..."""
    if "name" not in table.columns:
        return {}
    table = table[:10_000]  # keywords have eight characters
    cards = {}
    for number, name in zip(table["id"], table["name"], strict=True):
        if name != str(number):
            cards[f"CLUS{number}"] = short_ascii(name)
    return cards


def _cards_of_bands(coordinates):
    """Return the cards of a third axis of bands.

    It counts the spectral coordinates if these are evenly spaced, else the bands.
    """
    cards = {
        "WCSAXES": 3,
        "CTYPE3": "BAND",
        "CRPIX3": 1.0,
        "CRVAL3": 1.0,
        "CDELT3": 1.0,
    }
    if coordinates is None or len(coordinates) < 2:
        return cards
    steps = np.diff(coordinates.value)
    if not np.allclose(steps, steps[0], rtol=1e-4, atol=0):
        return cards
    for quantity, axis_name in _AXES.items():
        if quantity in coordinates.unit.physical_type:
            cards["CUNIT3"] = coordinates.unit.to_string("fits")
            cards["CTYPE3"] = axis_name
            cards["CRVAL3"] = coordinates.value[0]
            cards["CDELT3"] = np.mean(steps)
            break
    return cards


def _make_bands_hdu(cube):
    """Return the list of the bands as a FITS extension."""
    table = Table({"band": [to_ascii(name) for name in cube.band_names]})
    if cube.band_coordinates is not None:
        table["place"] = cube.band_coordinates
    hdu = fits.table_to_hdu(table)
    hdu.name = "BANDS"
    return hdu


def _make_table_hdu(table):
    """Return the table as a FITS extension in the terms of the standard."""
    if len(table.columns) > _MAX_COLUMNS:
        warn_user(
            f"The file has no fluxes of the clusters: {len(table.columns)} columns are "
            f"more than the {_MAX_COLUMNS} of a FITS table."
        )
        names = ("id", "name", "color", "labels", "pixels", "percentage")
        table = table[[name for name in names if name in table.columns]]
    table = table.copy(copy_data=False)
    names = unique_names(map(short_ascii, table.colnames))
    for column in list(table.columns.values()):
        try:
            column.unit is None or column.unit.to_string("fits")
        except ValueError:
            # The standard has no electrons; the description may have them.
            column.description += f" [{column.unit}]"
            column.unit = None
        if column.dtype.kind == "U":
            table[column.name] = Column(
                [to_ascii(text) for text in column.tolist()],
                dtype=str,
                description=column.description,
            )
    table = Table(list(table.columns.values()), names=names, copy=False)
    with warnings.catch_warnings():
        # Names have the characters of the bands; all programs can read them.
        warnings.simplefilter("ignore", fits.verify.VerifyWarning)
        hdu = fits.table_to_hdu(table)
    hdu.name = "CLUSTERS"
    for number, column in enumerate(table.columns.values(), 1):
        hdu.header[f"TCOMM{number}"] = to_ascii(column.description or "")
    return hdu


def short_ascii(name):
    """Return a name in ASCII, without its middle if it is long."""
    name = to_ascii(name)
    if len(name.replace("'", "''")) <= _MAX_NAME:
        return name
    name = name.replace("'", "")
    if len(name) > _MAX_NAME:
        name = f"{name[:30]}...{name[-20:]}"
    return name

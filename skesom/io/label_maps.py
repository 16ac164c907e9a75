# SPDX-License-Identifier: BSD-3-Clause
"""Label maps on disk, and the table of the clusters they show."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Column, Table
from astropy.wcs import WCS
from numpy.typing import ArrayLike, NDArray

from skesom._common.blocks import as_strips, in_strips, in_threads
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
from skesom.cube.masking.sky_level import sky_level
from skesom.io._images import describe_file
from skesom.io._zarr import is_zarr, read_labels, write_labels
from skesom.io.fits_files import make_hdus, stand_in, write_files

_CODES = (
    "The values of this image: 0, 1, ... are clusters, -1 is noise (of",
    "clusterers that know it), -2 is sky that was set aside, -3 (BLANK) is",
    "no data. CLUS0, CLUS1, ... are names of clusters.",
)
_QUARTILES = {"median": 50, "q25": 25, "q75": 75}
_DIGIT = 8  # bits of lazy values that are found in a pass
_AT_A_TIME = 16  # strips, whose counts are in memory together
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
    SKYLABEL for sky, and the celestial WCS; the extension CLUSTERS the `cluster_table`.
    If that has a column "name", the card CLUS0 has the name of cluster 0, and so on;
    names are written in ASCII, and long ones without their middle in cards.

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
        Content of CLUSTERS instead, beginning with the columns of `cluster_table`.
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
    labels = _check_map(label_map)
    if is_zarr(path):
        if table is not None:
            raise ValueError(f"{path} holds labels alone: leave out the table.")
        wcs = cube.wcs if wcs is None and isinstance(cube, Cube) else wcs
        write_labels(path, labels, wcs and wcs.celestial, overwrite=overwrite)
        return
    check_place(path, overwrite=overwrite)
    if is_lazy(labels) and labels.ndim == 3:
        (labels,) = computed(labels)
    if is_lazy(labels) and table is None:  # which needs the labels again
        (labels,) = stored([labels], Path(path).parent)
    if cube is not None:
        cube = _check_flux(labels, cube)
        wcs = cube.wcs if wcs is None else wcs
    if wcs is not None and wcs.naxis != 2:
        wcs = wcs.celestial
    table = cluster_table(labels, cube) if table is None else table
    labels = labels if labels.ndim == 2 else np.moveaxis(labels, 2, 0)
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
        return _check_map(labels), wcs
    (image,) = describe_file(path)
    file, number = image.place
    with open_fits(file, scaled=False) as hdus:
        header, stored = hdus[number].header, hdus[number].data
        scaled = header.get("BSCALE", 1) != 1 or header.get("BZERO", 0) != 0
        if stored.dtype.kind not in "iu" or stored.ndim not in (2, 3) or scaled:
            raise ValueError(
                f"{image.label} is not a label map: not one band, or one cube, of "
                "plain integers."
            )
        others = {*range(stored.ndim)} - {*image.axes}
        labels = stored.transpose(*image.axes, *others).astype(np.int64)
        labels[labels == header.get("BLANK", MASKED)] = MASKED
    return check_label_map(labels, image.label, voxels=True), image.grid.wcs


def read_cluster_names(path):
    """Return the names of the clusters that a file of a label map lists, by labels."""
    if is_zarr(path):
        return {}
    (image,) = describe_file(path)
    with open_fits(image.place[0]) as hdus:
        table = hdus["CLUSTERS"].data if "CLUSTERS" in hdus else None
        if not {"id", "name"} <= {*(getattr(table, "names", None) or ())}:
            return {}
        return dict(zip(table["id"].tolist(), table["name"].tolist(), strict=True))


def cluster_table(
    label_map: ArrayLike, cube: CubeLike | None = None, *, subtract_sky: bool = True
) -> Table:
    """Summarize the clusters of a label map.

    Parameters
    ----------
    label_map : array-like of int of shape (n_rows, n_columns)
        Cluster of each pixel from 0; negative labels belong to no cluster. Labels of
        voxels, with an axis of bands, are summarized band by band.
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands), default=None
        Fluxes to summarize.
    subtract_sky : bool, default=True
        Whether fluxes count from the level of the sky in their band: the median of the
        pixels that are labeled -2, if there are 100 of them and the images are of the
        sky (see the notes). False takes them as they are.

    Returns
    -------
    table : astropy.table.Table
        One row per cluster that has pixels: ``id``, ``pixels``, ``percentage`` (of the
        pixels in clusters) and, for each band of the cube, ``<band>_median``,
        ``<band>_q25`` and ``<band>_q75`` in the unit of the band, without NaN. The
        descriptions of columns tell the level that was subtracted.

    Raises
    ------
    ValueError
        If the labels are not such a map, or the cube has another shape.

    Notes
    -----
    Images are of the sky if their pixels have an angle (``wcs`` or ``pixel_scale``), or
    a band has a name that astronomers give. Of more than 2 million pixels, every
    second, third, ... row and column tells the level.

    Examples
    --------
    >>> from skesom.io import cluster_table
    >>> print(cluster_table([[0, 0, 1], [0, -1, -3]]))
     id pixels percentage
    --- ------ ----------
      0      3      75.00
      1      1      25.00
    """
    labels = _check_map(label_map)
    cube = None if cube is None else _check_flux(labels, cube)
    level = None
    if cube is not None and subtract_sky:
        level = sky_level(labels, cube)
    if labels.ndim == 2 and (is_lazy(labels) or getattr(cube, "is_lazy", False)):
        return _make_table(*_summarize_lazily(labels, cube), cube, level)
    labels = computed(labels)[0] if is_lazy(labels) else labels
    ids, pixels = np.unique(labels[labels >= 0], return_counts=True)
    n_bands = 0 if cube is None else cube.shape[2]
    if labels.ndim == 2:  # the same pixels in all bands
        own = _members(labels, ids)
        tasks = [partial(_summarize, cube, band, *own) for band in range(n_bands)]
        bands = in_threads(lambda task: task(), tasks, n_jobs=-1) if tasks else ()
    else:
        images = enumerate(np.moveaxis(labels, 2, 0) if n_bands else ())
        bands = (_summarize(cube, band, *_members(one, ids)) for band, one in images)
    return _make_table(ids, pixels, bands, cube, level)


def _members(labels, ids):
    """Return the pixels of an image by their clusters, and where each cluster ends."""
    labels = labels.ravel()
    members = np.flatnonzero(labels >= 0)
    labels = labels[members]
    if labels.max(initial=0) < np.iinfo(np.int16).max:
        # NumPy sorts short integers in linear time.
        labels = labels.astype(np.int16)
    order = np.argsort(labels, kind="stable")
    return members[order], np.searchsorted(labels[order], ids, side="right")


def _make_table(ids, pixels, bands, cube, level):
    """Return the table of clusters, with columns of the summary of each band."""
    share = 100 * pixels / max(pixels.sum(), 1)
    percentage = Column(share, "percentage", format=".2f")
    percentage.description = "of the pixels that belong to a cluster"
    columns = [
        Column(ids.astype(np.int32), "id", description="cluster"),
        Column(pixels, "pixels", description="number of pixels"),
        percentage,
    ]
    for band, summary in enumerate(bands):
        known = np.nan if level is None else level[band]
        columns += _describe_summary(cube, band, summary, known)
    return Table(columns, copy=False)


def _count_lazily(labels):
    """Return the clusters of a lazy label map that have pixels, and how many."""
    ids, pixels = computed(*np.unique(labels.ravel(), return_counts=True))
    return ids[ids >= 0], pixels[ids >= 0]


def _summarize_lazily(labels, cube):
    """Return clusters, their sizes, and medians and quartiles of each band, or none."""
    if cube is None:
        return *_count_lazily(labels), ()
    cube = cube if cube.is_lazy else Cube(in_strips(cube.data, labels.chunks))
    labels = in_strips(labels, cube.data.chunks)
    ids, pixels = _count_lazily(labels)
    summary = _percentiles(labels, cube, ids, list(_QUARTILES.values()))
    return ids, pixels, np.moveaxis(summary, 1, 0)


def _percentiles(labels, cube, ids, ranks):
    """Return percentiles without NaN, of shape (n_clusters, n_bands, n_percentiles).

    They are those of NumPy bit by bit, but no values are kept: each pass counts the
    next digit of the values that begin like the wanted ones.
    """
    key = np.dtype(f"u{cube.dtype.itemsize}")
    n_bits = 8 * key.itemsize
    heads = np.zeros((len(ids), cube.shape[2], 2 * len(ranks)), dtype=key)
    for known in range(0, n_bits, _DIGIT):
        counts = _count_all(labels, cube.data, ids, heads, n_bits - known)
        if known == 0:
            n_values = counts[:, :, :1].sum(axis=-1)
            places = np.maximum(n_values - 1, 0) * np.divide(ranks, 100)
            steps, places = places % 1, np.floor(places)
            last = np.minimum(places + 1, np.maximum(n_values - 1, 0))
            places = np.concatenate([places, last], axis=-1)[..., np.newaxis]
        ends = np.cumsum(counts, axis=-1)
        digits = np.argmax(ends > places, axis=-1)[..., np.newaxis]
        places -= np.take_along_axis(ends - counts, digits, axis=-1)
        heads = heads * key.type(2**_DIGIT) + digits[..., 0].astype(key)
    sign = key.type(1 << (n_bits - 1))
    found = np.where(heads & sign, heads & ~sign, ~heads).view(cube.dtype)
    summary = np.full(steps.shape, np.nan, dtype=cube.dtype)
    for place in zip(*np.nonzero(n_values > 0)[:2], strict=True):
        pairs = found[place].reshape(2, -1).T
        for rank, (pair, step) in enumerate(zip(pairs, steps[place], strict=True)):
            # NumPy itself goes from one value to the next.
            summary[place][rank] = np.quantile(pair, [step])[0]
    return summary + 0


def _count_all(labels, data, ids, heads, n_left):
    """Return how many values go on with each digit, for each head of a value."""
    from dask import delayed

    count = partial(_count, ids=ids, heads=heads, n_left=n_left)
    count = delayed(count, pure=False, traverse=False)
    strips = zip(labels.to_delayed().ravel(), data.to_delayed().ravel(), strict=True)
    tasks = [count(*strip) for strip in strips]
    groups = range(0, len(tasks), _AT_A_TIME)
    return sum(sum(computed(*tasks[i : i + _AT_A_TIME])) for i in groups)


def _count(labels, data, ids, heads, n_left):
    """Return the counts of one strip."""
    key, n_bits = heads.dtype, 8 * heads.dtype.itemsize
    counts = np.zeros((*heads.shape, 2**_DIGIT), dtype=np.int64)
    for cluster, own in enumerate(ids):
        values = data[labels == own]
        for band, wanted in enumerate(heads[cluster]):
            bits = values[:, band][~np.isnan(values[:, band])].view(key)
            sign = key.type(1 << (n_bits - 1))
            bits = np.where(bits & sign, ~bits, bits | sign)  # in the order of values
            digits = (bits >> key.type(n_left - _DIGIT)) & key.type(2**_DIGIT - 1)
            for head in set(wanted.tolist()):
                some = n_left == n_bits or bits >> key.type(n_left % n_bits) == head
                found = digits[some].astype(np.int64).ravel()
                counts[cluster, band, wanted == head] = np.bincount(
                    found, minlength=256
                )
    return counts


def _summarize(cube, band, members, ends):
    """Return the median and quartiles of one band in each cluster."""
    flux = computed(cube.data[:, :, band])[0].ravel()[members]
    summary = np.full((len(ends), len(_QUARTILES)), np.nan, dtype=cube.dtype)
    for cluster, values in enumerate(np.split(flux, ends[:-1])):
        if len(values := values[~np.isnan(values)]):
            ranks = list(_QUARTILES.values())
            summary[cluster] = np.percentile(values, ranks, overwrite_input=True)
    return summary + 0  # of zeros, NumPy takes one of any sign


def _describe_summary(cube, band, summary, level):
    """Return the median and quartile columns of one band, above a level of the sky."""
    name, above = cube.band_names[band], ""
    if not np.isnan(level):
        summary = summary - summary.dtype.type(level)
        above = f" above the sky of {level:.4g}"
    return [
        Column(
            summary[:, place],
            f"{name}_{statistic}",
            unit=cube.band_units[band],
            format=".4g",
            description=f"{statistic} of {name} over the pixels of the cluster{above}",
        )
        for place, statistic in enumerate(_QUARTILES)
    ]


def _name_cards(table):
    """Return a card for each cluster that has a name, as CLUS0, CLUS1, ..."""
    if "name" not in table.columns:
        return {}
    table = table[:10_000]  # keywords have eight characters
    pairs = zip(table["id"], table["name"], strict=True)
    named = {number: name for number, name in pairs if name != str(number)}
    return {f"CLUS{number}": short_ascii(name) for number, name in named.items()}


def _cards_of_bands(places):
    """Return the cards of a third axis of bands, or of evenly spaced places of them."""
    cards = {"WCSAXES": 3, "CTYPE3": "BAND", "CRPIX3": 1.0, "CRVAL3": 1.0}
    cards |= {"CDELT3": 1.0}
    steps = np.diff(places.value) if places is not None else []
    if not (len(steps) and np.allclose(steps, steps[0], rtol=1e-4, atol=0)):
        return cards
    kinds = [name for name in _AXES if name in places.unit.physical_type]
    if not kinds:
        return cards
    unit = {"CUNIT3": places.unit.to_string("fits"), "CTYPE3": _AXES[kinds[0]]}
    return cards | unit | {"CRVAL3": places.value[0], "CDELT3": np.mean(steps)}


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
            texts, described = map(to_ascii, column.tolist()), column.description
            table[column.name] = Column([*texts], dtype=str, description=described)
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
    return f"{name[:30]}...{name[-20:]}" if len(name) > _MAX_NAME else name


def _check_map(label_map):
    """Return a label map after checking it; a lazy one is checked when computed."""
    if not is_lazy(label_map):
        return check_label_map(label_map, voxels=True)
    check = partial(check_label_map, voxels=True)
    meta = check(label_map._meta)
    strips = as_strips(label_map, "label_map")
    return strips.map_blocks(check, dtype=meta.dtype, meta=meta)


def _check_flux(labels, cube):
    """Return the fluxes as a cube; they must have the shape of the map."""
    cube = cube if isinstance(cube, Cube) else Cube(cube)
    if cube.shape[: labels.ndim] != labels.shape:
        sizes = (
            " x ".join(map(str, s[: labels.ndim])) for s in (cube.shape, labels.shape)
        )
        raise ValueError("The cube has {} pixels, but label_map has {}.".format(*sizes))
    return cube

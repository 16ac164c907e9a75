# SPDX-License-Identifier: BSD-3-Clause
"""The connected pieces of clusters as a catalog: place, size, fluxes, shape."""

from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.table import Column, Table
from astropy.wcs import WCS

from skesom._common.blocks import row_blocks
from skesom._common.labels import check_label_map
from skesom.cube import check_cube
from skesom.io import number_pieces

_VALUES_PER_BLOCK = 2**22
_PIXELS_AT_ONCE = 4_000_000  # in the boxes of pieces whose shapes are measured together
_ANGLES = units.sr, units.arcsec**2, units.arcmin**2, units.deg**2
_SHAPE = {
    "semimajor_axis": "1-sigma radius along the major axis",
    "semiminor_axis": "1-sigma radius along the minor axis",
    "orientation": "angle of the major axis from the x axis, from -90 to 90",
    "ellipticity": "1 - semiminor / semimajor axis",
}


class Pieces(NamedTuple):
    """The largest connected pieces of the clusters of a label map."""

    image: np.ndarray  # number of the piece of each pixel by falling size, 0 is none
    clusters: np.ndarray  # of the pieces from 1
    sizes: np.ndarray  # their pixels
    left_out: str  # what has no number


def find_pieces(
    label_map,
    cube,
    *,
    agreement=None,
    names=None,
    min_size=10,
    max_pieces=10_000,
    shapes=True,
):
    """Measure the connected pieces of clusters: a table that catalogs can be.

    Pixels of a piece touch by their sides. `crossmatch` and `read_catalog` take the
    table, or a file of it, with the names of the clusters as types.

    Parameters
    ----------
    label_map : array-like of int of shape (n_rows, n_columns)
        Clusters from 0; negative pixels are in no cluster.
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands)
        The images, in the units of the fluxes.
    agreement : array-like of shape (n_rows, n_columns), default=None
        Share of the runs that agree on each pixel, for its mean.
    names : sequence or dict of str, default=None
        Name of each cluster; its number by default.
    min_size : int, default=10
        Pieces of fewer pixels are left out, but each cluster keeps its largest.
    max_pieces : int, default=10000
        If there are more, the smaller ones are left out.
    shapes : bool, default=True
        Whether shapes are measured, which needs photutils (extra ``psf``).

    Returns
    -------
    table : astropy.table.Table
        A row per piece, by falling size: ``id`` from 1, ``cluster``, ``cluster_name``,
        mean place ``x``, ``y`` (pixels from 0) and ``ra``, ``dec`` (ICRS, degrees),
        ``pixels``, ``area`` (arcsec^2), ``<band>_flux`` and ``<band>_error`` (sums over
        the pixels with data), ``agreement``, and ``semimajor_axis``,
        ``semiminor_axis``, ``orientation``, ``ellipticity`` of its area. What is not
        known is no column. ``meta`` tells what was left out, and what errors are.

    Raises
    ------
    ImportError
        If photutils is missing.
    ValueError
        If the label map, the cube and `agreement` do not have the same pixels.

    Notes
    -----
    Errors are those of the cube. Without them they come from the scatter of pixels in
    and around the piece: the difference of each to the mean of its two neighbors, along
    rows and columns, which a slope does not change. Noise is taken as independent from
    pixel to pixel: where images were smoothed, errors are underestimated. Sums of a
    surface brightness are times the area of a pixel. Shapes are not measured of pieces
    that spread over more than 4 million pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.maps import find_pieces
    >>> label_map = np.zeros((20, 20), dtype=int)
    >>> label_map[2:6, 3:9] = 1
    >>> table = find_pieces(label_map, np.ones((20, 20, 1)), names=["disc", "knot"])
    >>> table["id", "cluster_name", "x", "y", "pixels", "band 1_flux"].pprint()
     id cluster_name  x    y   pixels band 1_flux
                     pix  pix
    --- ------------ ---- ---- ------ -----------
      1         disc 9.76 9.88    376         376
      2         knot 5.50 3.50     24          24
    """
    labels, cube = check_label_map(label_map), check_cube(cube)
    agreement = agreement if agreement is None else np.asarray(agreement)
    for name, image in (("cube", cube), ("agreement", agreement)):
        if image is not None and image.shape[:2] != labels.shape:
            raise ValueError(
                f"{name} must have the pixels of label_map, {labels.shape}, got "
                f"{image.shape[:2]}."
            )
    return measure_pieces(
        number_largest(labels, min_size, max_pieces),
        *(cube, agreement, names, shapes),
    )


def number_largest(labels, min_size, max_pieces):
    """Find the largest pieces of a label map, and number them."""
    image, clusters = number_pieces(labels)
    sizes = np.bincount(image.ravel(), minlength=len(clusters))
    order = 1 + np.argsort(-sizes[1:], kind="stable")
    is_first = np.zeros(len(order), dtype=bool)
    is_first[np.unique(clusters[order], return_index=True)[1]] = True
    is_large = sizes[order] >= min_size
    is_kept = is_first | (is_large & (np.arange(len(order)) < max_pieces))
    lost = {
        f"{{}} pieces of fewer than {min_size} pixels": ~is_large & ~is_kept,
        f"{{}} pieces beyond the {max_pieces} largest": is_large & ~is_kept,
    }
    texts = [
        f"{text.format(n)} ({sizes[order[mask]].sum() / sizes[1:].sum():.1%} of them)"
        for text, mask in lost.items()
        if (n := np.count_nonzero(mask))
    ]
    kept = order[is_kept]
    numbers = np.zeros(len(sizes), dtype=np.int32)
    numbers[kept] = np.arange(1, len(kept) + 1)
    return Pieces(numbers[image], clusters[kept], sizes[kept], ", ".join(texts))


def measure_pieces(pieces, cube, agreement=None, names=None, shapes=False):
    """Return the table of numbered pieces."""
    numbers = np.arange(1, len(pieces.sizes) + 1)
    table = Table({"id": numbers, "cluster": pieces.clusters})
    names = names if isinstance(names, dict) else dict(enumerate(names or ()))
    texts = [str(names.get(label, label)) for label in pieces.clusters.tolist()]
    table["cluster_name"] = np.array(texts, dtype=str)
    sums = _Sums(pieces.image, len(numbers))
    for rows in row_blocks(cube.shape, _VALUES_PER_BLOCK):
        sums.add(rows, cube[rows].compute(), agreement)
    x, y, mean_agreement = sums.means()
    table["x"], table["y"] = x * units.pix, y * units.pix
    for name, values in _icrs(cube.wcs, x, y).items():
        table[name] = values * units.deg
    table["pixels"] = pieces.sizes
    scale = cube.pixel_scale
    area = None if scale is None else scale[0] * scale[1] * units.arcsec**2
    if area is not None:
        table["area"] = pieces.sizes * area
    origin = "the errors of the images"
    if cube.errors is None:
        origin = "the scatter of pixels in and around the piece"
    fluxes = zip(cube.band_names, cube.band_units, *sums.fluxes(), strict=True)
    for name, unit, flux, error in fluxes:
        factor, unit = _flux_unit(unit, area)
        text = f"sum of {name} over the pixels of the piece"
        style = {"unit": unit, "format": ".5g"}
        table[f"{name}_flux"] = Column(factor * flux, description=text, **style)
        text = f"standard deviation of {name}_flux, from {origin}"
        table[f"{name}_error"] = Column(factor * error, description=text, **style)
    if agreement is not None:
        table["agreement"] = mean_agreement
    if shapes:
        _add_shapes(table, pieces.image)
    for name in ("x", "y", "area", "agreement"):
        if name in table.colnames:
            table[name].info.format = ".2f" if name in "xy" else ".4g"
    table.meta["errors"] = f"from {origin}"
    table.meta["left_out"] = pieces.left_out or "nothing"
    return table


class _Sums:
    """Sums over the pixels of pieces, block by block."""

    def __init__(self, image, n_pieces):
        self._image, self._n = image, n_pieces + 1
        self._places, self._bands = 0, 0

    def add(self, rows, cube, agreement):
        """Add the pixels of a block of rows."""
        image = self._image[rows]
        row, column = np.nonzero(image)
        numbers = image[row, column]
        places = [column, row + rows.start]
        if agreement is not None:
            places.append(agreement[rows][row, column])
        self._places = self._places + np.array([self._sum(numbers, p) for p in places])
        bands = []
        for band in range(cube.shape[2]):
            flux = cube.data[:, :, band]
            if cube.errors is None:
                scatter = self._scatter(image, flux)
            else:
                errors = cube.errors[row, column, band].astype(np.float64)
                scatter = self._sum(numbers, errors**2)
            bands.append([*self._sum(numbers, flux[row, column]), *scatter])
        self._bands = self._bands + np.array(bands)

    def _sum(self, numbers, values):
        """Return sum and count of the values of each piece that are known."""
        known = np.isfinite(values)
        numbers = numbers[known]
        sums = np.bincount(numbers, values[known], minlength=self._n)
        return sums, np.bincount(numbers, minlength=self._n)

    def _scatter(self, image, flux):
        """Return sum and count of variances, from pixels beside each other."""
        total = np.zeros((2, self._n))
        for labels, values in ((image, flux), (image.T, flux.T)):
            middle = labels[:, 1:-1]
            inside = middle > 0
            beside = (values[:, :-2] + values[:, 2:])[inside] / 2
            apart = (values[:, 1:-1][inside] - beside).astype(np.float64)
            total += self._sum(middle[inside], apart**2 / 1.5)
        return total

    def means(self):
        """Return mean columns, rows and agreement."""
        sums, counts = np.moveaxis(self._places[:, :, 1:], 1, 0)
        means = np.divide(
            sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0
        )
        return means if len(means) == 3 else [*means, None]

    def fluxes(self):
        """Return flux and error of each band and piece, NaN where unknown."""
        sums, counts, squares, n_squares = np.moveaxis(self._bands[:, :, 1:], 1, 0)
        variances = np.full(sums.shape, np.nan)
        np.divide(squares, n_squares, out=variances, where=n_squares > 0)
        flux = np.where(counts > 0, sums, np.nan)
        return flux, np.where(counts > 0, np.sqrt(counts * variances), np.nan)


def _icrs(wcs, x, y):
    """Return right ascension and declination in degrees; none without a sky."""
    if not isinstance(wcs, WCS):
        return {}
    try:
        sky = wcs.pixel_to_world(x, y).icrs
    except (AttributeError, ValueError):  # of the Sun or a planet
        return {}
    return {"ra": sky.ra.deg, "dec": sky.dec.deg}


def _flux_unit(unit, area):
    """Return the factor and the unit of sums over pixels, also of a brightness."""
    for angle in (
        _ANGLES if isinstance(unit, units.UnitBase) and area is not None else ()
    ):
        flux = unit * angle
        kinds = [str(base.physical_type) for base in flux.bases]
        if not {"angle", "solid angle"} & set(kinds):
            return area.to_value(angle), flux
    return 1.0, unit


def _add_shapes(table, image):
    """Add the shapes of the areas, measured by photutils."""
    try:
        from photutils.segmentation import SegmentationImage, SourceCatalog
    except ImportError as error:
        raise ImportError(
            "Shapes of pieces need photutils: pip install 'skesom[psf]'."
        ) from error
    values = {name: np.full(len(table), np.nan) for name in _SHAPE}
    if len(table):
        segments = SegmentationImage(image)
        catalog = SourceCatalog(np.broadcast_to(1.0, image.shape), segments)
        sides = [[part.stop - part.start for part in box] for box in segments.slices]
        boxes = np.prod(sides, axis=1)
        chosen = np.flatnonzero(boxes <= _PIXELS_AT_ONCE)
        batches = np.cumsum(boxes[chosen]) // _PIXELS_AT_ONCE
        for batch in np.split(chosen, 1 + np.flatnonzero(np.diff(batches))):
            part = catalog[batch]
            for name in _SHAPE:
                values[name][batch] = getattr(part, name).value
    values["orientation"] = (values["orientation"] + 90) % 180 - 90
    angles = {"orientation": units.deg, "ellipticity": None}
    for name, text in _SHAPE.items():
        style = {"unit": angles.get(name, units.pix), "format": ".3f"}
        table[name] = Column(values[name], description=text, **style)

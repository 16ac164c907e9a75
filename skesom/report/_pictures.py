# SPDX-License-Identifier: BSD-3-Clause
"""The pictures of a report, and the clusters as images and outlines."""

import gc
import io
import re
import zipfile
from itertools import groupby

import numpy as np

from skesom._common.blocks import row_blocks
from skesom._common.fits_files import BLOCK
from skesom.cube import to_ascii, write_unit
from skesom.displays import (
    ClusterHistogramDisplay,
    ClusterMapDisplay,
    ClusterSpectraDisplay,
    ComponentPlanesDisplay,
    ConfidenceMapDisplay,
    HitMapDisplay,
    QuantizationErrorMapDisplay,
    StabilityMapDisplay,
    TrainingCurveDisplay,
    UMatrixDisplay,
    image_size,
    literal,
    note_thinning,
    thinning,
)
from skesom.io import make_hdus, short_ascii, write_regions
from skesom.report._classes import draw_confusion
from skesom.report._result import MAX_PIXELS

DOTS_PER_INCH = 150
_SIZE = 8.0, 5.0  # inches
_PANEL = 3.0, 2.6  # inches of the plane of a component
_MOST_PLANES = 36
_MANY_BANDS = 50  # too many to draw the clusters over each
_BAND_PIXELS = 400_000
_BAND_DOTS = 100
_BAND_MARGINS = (0.7, 1.5), (0.55, 0.35)  # inches: left and right, below and above


class Pictures:
    """Draws the pictures of a report, in which each cluster has one color."""

    def __init__(self, result):
        self._result, self._cube = result, result.cube
        self._step = thinning(result.label_map.shape, MAX_PIXELS)
        self._labels, _, self._scaled = result.thinned(self._step)
        self._style = {"colors": result.colors, "names": result.captions}

    def draw(self, summary):
        """Yield the name and the figure of one picture after the other."""
        for name, display in self._displays(summary):
            yield name, display.figure_
            del display
            self._release()

    def _displays(self, summary):
        result = self._result
        yield "cluster_map", self._map(self._image_axes())
        yield "cluster_contours", self._map(self._image_axes(), contours=True)
        yield "cluster_spectra", self._spectra()
        histogram = ClusterHistogramDisplay.from_predictions
        options = self._style | {"ax": _axes(_SIZE)}
        yield "cluster_histogram", histogram(result.label_map, **options)
        if summary.agreement is not None:
            yield "agreement", self._image(StabilityMapDisplay, summary.agreement)
        if result.confidence is not None:
            yield "confidence", self._image(ConfidenceMapDisplay, result.confidence)
        if result.held_out is not None:
            yield "held_out_confusion", draw_confusion(result.held_out)
        if result.som is None:
            return
        display = QuantizationErrorMapDisplay
        yield "quantization_error", self._image(display, summary.distances)
        if result.is_of_fit:
            colored = {"colors": result.colors, "unit_labels": result.unit_labels}
            yield from self._displays_of_units(result.som, colored)

    def _displays_of_units(self, som, colored):
        names, ax = self._result.feature_names, _axes(_SIZE)
        yield "u_matrix", UMatrixDisplay.from_estimator(som, ax=ax, **colored)
        yield "hit_map", HitMapDisplay.from_estimator(som, ax=_axes(_SIZE))
        n_planes = min(len(names), _MOST_PLANES)
        features = np.linspace(0, len(names) - 1, n_planes).round().astype(int)
        n_columns = int(np.ceil(np.sqrt(n_planes)))
        ax = _axes((n_columns * _PANEL[0], -(-n_planes // n_columns) * _PANEL[1]))
        of = {"names": names, "features": features, "ax": ax}
        yield "component_planes", ComponentPlanesDisplay.from_estimator(som, **of)
        if hasattr(som, "training_errors_"):
            ax = _axes(_SIZE)
            yield "training_curve", TrainingCurveDisplay.from_estimator(som, ax=ax)

    def band_picture(self, band):
        """Return the outlines of the clusters over one band as the bytes of a PNG."""
        from matplotlib.figure import Figure

        # Coordinates on the sky and a fitted layout would take most of the time.
        width, height = image_size(self._cube.shape)
        (left, right), (bottom, top) = _BAND_MARGINS
        size = 1 - (left + right) / width, 1 - (bottom + top) / height
        place = left / width, bottom / height, *size
        ax = Figure(figsize=(width, height)).add_axes(place)
        self._map(ax, contours=True, bands=[band] * 3, max_pixels=_BAND_PIXELS)
        ax.set_title(literal(self._cube.band_names[band]), loc="right")
        buffer = io.BytesIO()
        ax.figure.savefig(buffer, format="png", dpi=_BAND_DOTS)
        del ax
        self._release()
        return buffer.getvalue()

    def _release(self):
        """Free the memory of pictures of large images, which refer to themselves."""
        if self._step > 1:
            gc.collect()

    def _map(self, ax, max_pixels=None, **options):
        options |= self._style | {"max_pixels": max_pixels or MAX_PIXELS}
        labels = self._result.label_map
        display = ClusterMapDisplay.from_predictions(
            labels, cube=self._cube, ax=ax, **options
        )
        if self._result.is_classified and display.legend_ is not None:
            display.legend_.set_title("class")
        return display

    def _image(self, display, values):
        wcs, ax = self._cube.wcs, self._image_axes()
        return display.from_predictions(values, wcs=wcs, ax=ax, max_pixels=MAX_PIXELS)

    def _image_axes(self):
        return _axes(image_size(self._cube.shape), self._cube.wcs)

    def _spectra(self):
        options = self._style | {"flux": "stretched flux, scaled"}
        display = ClusterSpectraDisplay.from_predictions(
            self._labels, self._scaled, ax=_axes(_SIZE), **options
        )
        note_thinning(display.ax_, self._step, "from every {th} row and column")
        return display


def _axes(size, projection=None):
    """Return axes of a figure that pyplot does not know, which would keep it open."""
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained").add_subplot(projection=projection)


def write_band_images(path, result, clusters, pictures=None):
    """Write the image and the picture of the clusters in each band to an archive."""
    names = result.cube.band_names
    is_large = 4 * result.label_map.size >= 2**31
    width = len(str(len(names)))
    if len(names) > _MANY_BANDS:
        pictures = None
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for band, name in enumerate(names):
            file = re.sub(r"[^A-Za-z0-9._+-]+", "_", short_ascii(name))
            file = f"{band + 1:0{width}}_{file}"  # in order, and no name twice
            hdus, fluxes = _band_image(result, band, clusters)
            with archive.open(f"{file}.fits", "w", force_zip64=is_large) as stream:
                _write_image(stream, hdus, fluxes, result.label_map)
            if pictures is not None:  # a PNG is compressed already
                picture = zipfile.ZipInfo(f"{file}.png")
                archive.writestr(picture, pictures.band_picture(band))


def _band_image(result, band, clusters):
    """Return HDUs without pixels, and the median flux of each cluster, NaN for none."""
    cube, labels = result.cube, result.label_map
    name, unit = cube.band_names[band], cube.band_units[band]
    fluxes = np.full(int(labels.max(initial=-1)) + 2, np.nan, dtype=np.float32)
    fluxes[np.asarray(clusters["id"])] = np.asarray(clusters[f"{name}_median"])
    hdus = make_hdus(np.broadcast_to(np.float32(0), labels.shape), cube.wcs)
    header = hdus[0].header
    header["FILTER"] = to_ascii(name)
    if unit is not None:
        header["BUNIT"] = write_unit(unit)
    header["COMMENT"] = "Each pixel has the median flux of its cluster in this band."
    return hdus, fluxes


def _write_image(stream, hdus, fluxes, label_map):
    """Write an image in which each pixel has the flux of its cluster."""
    hdus.update_extend()
    stream.write(hdus[0].header.tostring().encode("ascii"))
    for rows in row_blocks(label_map.shape):
        # The last flux is NaN, for pixels in no cluster.
        stream.write(fluxes[np.maximum(label_map[rows], -1)].astype(">f4").tobytes())
    stream.write(bytes(-4 * label_map.size % BLOCK))


def smallest_piece(label_map):
    """Return how many pixels a piece of a cluster needs to be outlined."""
    return max(10, round(1e-5 * label_map.size))


def write_outlines(folder, label_map, wcs, names, colors):
    """Write regions of all clusters for DS9, and of each cluster alone."""
    folder.mkdir()
    path = folder / "all.reg"
    size = smallest_piece(label_map)
    options = {"names": names, "colors": colors, "min_size": size}
    write_regions(path, label_map, wcs=wcs, **options)
    width = len(str(len(colors) - 1))
    with open(path, encoding="utf-8") as lines:
        # After the head, the regions of a cluster follow each other.
        groups = groupby(lines, _name_of)
        head = list(next(groups)[1])
        for name, group in groups:
            number = names.index(name)
            place = folder / f"cluster_{number:0{width}}.reg"
            place.write_text("".join([*head, *group]), encoding="utf-8")


def _name_of(line):
    """Return the name of the cluster that a line is about, None in the head."""
    if not line.startswith("polygon"):
        return None
    return line.rpartition("{")[2].rstrip("}\n")

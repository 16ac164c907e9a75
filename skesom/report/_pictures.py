# SPDX-License-Identifier: BSD-3-Clause
"""The pictures of a report, and the clusters as images and outlines."""

import io
import re
import zipfile
from functools import partial

import numpy as np

from skesom._common.fits_files import BLOCK
from skesom._common.labels import count_clusters
from skesom._common.strips import strips_of
from skesom._common.texts import percent
from skesom._sky.header_cards import to_ascii, write_unit
from skesom.cube.flux.physical import physical_factors
from skesom.displays import (
    ClusterHistogramDisplay,
    ClusterMapDisplay,
    ClusterSpectraDisplay,
    ColorDiagramDisplay,
    ComponentPlanesDisplay,
    CutoutsDisplay,
    DendrogramDisplay,
    HitMapDisplay,
    TrainingCurveDisplay,
    UMatrixDisplay,
    ValueMapDisplay,
)
from skesom.displays.clusters import GROUND
from skesom.displays.colors import MISSING_COLOR
from skesom.displays.dendrogram import HEIGHT_OF_TREE
from skesom.displays.diagrams import NoPixelError
from skesom.displays.display import literal
from skesom.displays.rgb import mean_plane, sky_picture, thinned_rgb
from skesom.displays.sky_image import image_size, note_thinning, pick, thinning
from skesom.displays.unit_layout import hits_of, layout_of
from skesom.io.fits_files import make_hdus
from skesom.io.label_maps import short_ascii
from skesom.report.drawing import PNG_LEVEL, new_axes
from skesom.report.result import MAX_PIXELS

BAND_IMAGES = "cluster_images.zip"
_SIZE = 8.0, 5.0  # inches
_PANEL = 3.0, 2.6  # inches of the plane of a component
_MOST_PLANES = 36
_MANY_BANDS = 50  # too many to draw the clusters over each
_BAND_PIXELS = 400_000  # of a picture of one band
_DOTS = 400_000  # pixels in a diagram
_BAND_DOTS = 100
_BAND_MARGINS = (0.7, 1.5), (0.55, 0.35)  # inches: left and right, below and above
_MOST_SLICES, _SLICE = 12, 2.6  # in one picture, and inches of the longer side
_MOST_SLICE_NAMES = 40
_CELL, _CELL_MARGIN = 0.55, 2.6  # inches of a class, and of the names beside
# Of the labels -3, -2 and -1, which are found from the end.
_IN_NO_CLUSTER = [(name, color or MISSING_COLOR) for name, color in reversed(GROUND)]


class Pictures:
    """The pictures of a report, in which each cluster has one color, as jobs to draw.

    A job is a name and a function without parameters, which returns a display or a
    figure. It is sent to another process, so it holds thinned arrays and no cube.
    """

    def __init__(self, result, style):
        self._result, self._cube, self._style = result, result.cube, style
        self._step = thinning(result.label_map.shape, MAX_PIXELS)
        pairs = enumerate(result.names)
        self._names = [name if name == str(n) else f"{n} {name}" for n, name in pairs]
        self._size = image_size(self._cube.shape)

    def jobs(self):
        """Yield the jobs that need no look at all pixels, long ones early."""
        result = self._result
        if result.is_voxel:
            yield "cluster_map", _Slices(result).together
        else:
            yield from self._maps()
            if result.is_of_fit:
                yield "cutouts", self._cutouts(result.agreement)
        if result.som is not None and result.is_of_fit:
            yield from self._jobs_of_units(result.som)
        if not result.is_voxel:
            yield "cluster_spectra", self._spectra()
            yield from self._diagrams()
        labels = result.label_map.reshape(len(result.label_map), -1)
        histogram = self._named(ClusterHistogramDisplay(labels))
        counted = "voxels" if result.is_voxel else "pixels"
        yield "cluster_histogram", partial(_histogram, histogram.thinned(1), counted)
        if result.is_of_fit and result.has_tree:
            yield "dendrogram", self._dendrogram()

    def _maps(self):
        """Return the jobs that draw the clusters of pixels on the sky."""
        picture = thinned_rgb(self._cube, self._style.rgb, self._step)
        clusters = self._cluster_map().thinned(MAX_PIXELS, picture)
        title = "class" if self._result.is_classified else None
        beside = self._style.width != "one"  # too narrow for both
        draw = partial(_plotted, clusters, self._size, self._cube.wcs, title=title)
        return [
            ("cluster_map", partial(draw, wide=beside, options={"image": beside})),
            ("cluster_contours", partial(draw, options={"contours": True})),
        ]

    def jobs_of_populations(self, populations, colors):
        """Return the job that draws the populations on the sky."""
        picture = thinned_rgb(self._cube, self._style.rgb, self._step)
        display = ClusterMapDisplay(populations.label_map, cube=self._cube)
        display.colors, display.names = colors, list(populations.table["name"])
        clusters = display.thinned(MAX_PIXELS, picture)
        beside = self._style.width != "one"
        options = {"wide": beside, "title": "population", "options": {"image": beside}}
        draw = partial(_plotted, clusters, self._size, self._cube.wcs, **options)
        return [("population_map", draw)]

    def _named(self, display):
        """Return a display of the clusters, with their colors and names."""
        display.colors, display.names = self._result.colors, self._names
        return display

    def _cluster_map(self):
        return self._named(ClusterMapDisplay(self._result.label_map, cube=self._cube))

    def _spectra(self):
        """Return the job of spectra in physical units, else of stretched values."""
        _, cube, scaled = self._result.thinned(self._step)
        cube, options = cube.replace(pixel_scale=self._cube.pixel_scale), {}
        if physical_factors(cube)[1] is None:
            options = {"flux": "stretched flux, scaled", "physical": False}
            options["log"], cube = False, scaled
        display = self._named(ClusterSpectraDisplay(self._result.label_map, None))
        # Stretched values count from the sky already.
        display.subtract_sky = cube is not scaled and self._result.subtract_sky
        display = display.thinned(MAX_PIXELS, cube=cube)
        return partial(_spectra, display, self._step, options)

    def _dendrogram(self):
        """Return the job of the tree, with the groups as clusters."""
        display = self._named(DendrogramDisplay(**self._result.grouped_tree))
        options = {"height": HEIGHT_OF_TREE}
        return partial(_plotted, display, display.size, options=options)

    def _diagrams(self):
        """Yield names and jobs of the diagrams that the bands allow."""
        result, found = self._result, self._result.diagrams
        if not found:
            return
        _, cube, _ = result.thinned(thinning(result.label_map.shape, _DOTS))
        cube = cube.replace(pixel_scale=self._cube.pixel_scale)
        for kind, (x, y) in found.items():
            display = ColorDiagramDisplay(
                result.label_map,
                None,
                x=x,
                y=y,
                continua=result.continua,
                subtract_sky=result.subtract_sky,
            )
            display = self._named(display).thinned(_DOTS, cube=cube)
            yield kind, partial(_diagram, display)

    def jobs_of_pixels(self, summary):
        """Yield the jobs that draw a number of each pixel."""
        result, wcs = self._result, self._cube.wcs
        if not (result.is_voxel or result.is_of_fit):
            yield "cutouts", self._cutouts(summary.agreement)
        known = {"agreement": ("stability", summary.agreement)}
        known["confidence"] = "confidence", result.confidence
        known["quantization_error"] = "distance", summary.distances
        for name, (kind, values) in known.items():
            if values is not None and not result.is_voxel:
                display = ValueMapDisplay(values, kind=kind, wcs=wcs)
                display = display.thinned(MAX_PIXELS)
                yield name, partial(_plotted, display, self._size, wcs)
        if result.held_out is not None:
            yield "held_out_confusion", partial(_confusion, result.held_out)

    def _cutouts(self, agreement):
        """Return the job of the cutouts of pieces."""
        labels = self._result.label_map
        display = CutoutsDisplay(labels, self._cube, agreement=agreement)
        display = self._named(display).thinned(bands=self._style.rgb)
        return partial(_plotted, display, display.size)

    def _jobs_of_units(self, som):
        layout, result = layout_of(som, "pca"), self._result
        names = result.feature_names
        n_planes = min(len(names), _MOST_PLANES)
        features = np.linspace(0, len(names) - 1, n_planes).round().astype(int)
        n_columns = int(np.ceil(np.sqrt(n_planes)))
        size = n_columns * _PANEL[0], -(-n_planes // n_columns) * _PANEL[1]
        planes = ComponentPlanesDisplay(som.codebook_, layout, names=names)
        options = {"features": features}
        yield "component_planes", partial(_plotted, planes, size, options=options)
        distances = np.ravel(som.u_matrix())
        matrix = UMatrixDisplay(distances, layout, unit_labels=result.unit_labels)
        options = {"colors": result.colors}
        yield "u_matrix", partial(_plotted, matrix, _SIZE, options=options)
        yield "hit_map", partial(_plotted, HitMapDisplay(hits_of(som), layout), _SIZE)
        if hasattr(som, "training_errors_"):
            what = "root mean square distance"
            curve = TrainingCurveDisplay(som.training_errors_, what=what)
            yield "training_curve", partial(_plotted, curve, _SIZE)

    def jobs_of_bands(self):
        """Return the job that draws the outlines over each band; none for many bands.

        It returns the bytes of a PNG for each, by name.
        """
        names, step = self._cube.band_names, thinning(self._cube.shape, _BAND_PIXELS)
        if len(names) > _MANY_BANDS:
            return []
        if self._result.is_voxel:
            return [("bands", _Slices(self._result).one_by_one)]
        planes = [mean_plane(self._cube, n, step) for n in range(len(names))]
        black = np.zeros((*planes[0].shape, 3))
        clusters = self._cluster_map().thinned(_BAND_PIXELS, black)
        return [("bands", partial(_over_bands, clusters, planes, names))]


def _plotted(display, size, wcs=None, *, wide=False, title=None, options=None):
    """Draw a display in new axes, with options; title is that of its legend."""
    size = (2 * size[0] - 1, size[1]) if wide else size
    display.plot(new_axes(size, wcs), **options or {})
    if title is not None and display.legend_ is not None:
        display.legend_.set_title(title)
    return display


def _histogram(display, counted):
    display.plot(new_axes(_SIZE)).ax_.set_ylabel(counted)
    return display


def _diagram(display):
    """Draw a diagram; return None if no pixel has enough light for it."""
    try:
        return display.plot(new_axes(_SIZE))
    except NoPixelError:
        return None


def _spectra(display, step, options):
    display.plot(new_axes(_SIZE), **options)
    note_thinning(display.ax_, step, "from every {th} row and column")
    return display


class _Slices:
    """The slices of a result, thinned if they are large."""

    def __init__(self, result):
        from matplotlib.colors import to_rgba_array

        labels, self._bands = result.label_map, result.cube.band_names
        self._labels = pick(labels, thinning(labels.shape, _BAND_PIXELS))
        others = to_rgba_array([color for _, color in _IN_NO_CLUSTER])
        self._colors = np.rint(255 * np.vstack([result.colors, others])).astype("u1")
        shares = count_clusters(labels) / max(np.count_nonzero(labels >= 0), 1)
        texts = [
            f"{result.names[n]}: {percent(100 * share)}"
            for n, share in enumerate(shares)
        ]
        self._legend = [(n, texts[n]) for n in np.flatnonzero(shares)]
        found = [n for n in (-3, -2, -1) if (labels == n).any()]
        self._legend += [(n, _IN_NO_CLUSTER[n][0]) for n in found]

    def together(self):
        """Draw at most 12 slices, evenly spread over the bands; return self."""
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch

        n_shown = min(len(self._bands), _MOST_SLICES)
        n_columns = int(np.ceil(np.sqrt(n_shown)))
        n_rows = -(-n_shown // n_columns)
        height, width = np.divide(self._labels.shape[:2], max(self._labels.shape[:2]))
        size = n_columns * _SLICE * width + 2, n_rows * (_SLICE * height + 0.3)
        self.figure_ = Figure(figsize=size, layout="constrained")
        shown = np.linspace(0, len(self._bands) - 1, n_shown).round().astype(int)
        for place, band in enumerate(shown, 1):
            ax = self.figure_.add_subplot(n_rows, n_columns, place)
            image = self._colors[self._labels[:, :, band]]
            ax.imshow(image, origin="lower", interpolation="nearest")
            ax.set_title(literal(self._bands[band]), fontsize="small")
            ax.set_axis_off()
        handles = [
            Patch(facecolor=self._colors[n] / 255, label=literal(text))
            for n, text in self._legend[:_MOST_SLICE_NAMES]
        ]
        self.figure_.legend(
            handles=handles,
            loc="outside right upper",
            frameon=False,
            fontsize="small",
            title="cluster",
        )
        return self

    def one_by_one(self):
        """Return slices by the names of bands as bytes of PNGs, a dot for a pixel."""
        from matplotlib.image import imsave

        pictures = {name: io.BytesIO() for name in self._bands}
        for band, buffer in enumerate(pictures.values()):
            image = self._colors[self._labels[:, :, band]]
            imsave(buffer, image, origin="lower", format="png")
        return {name: buffer.getvalue() for name, buffer in pictures.items()}


def _confusion(held_out):
    """Return a display of where the held-out pixels of each class went."""
    from matplotlib.figure import Figure
    from sklearn.metrics import ConfusionMatrixDisplay

    names, *columns = held_out.confusion.itercols()
    shares = 100 * np.stack(columns, axis=1).astype(float)
    shares /= np.where(shares.any(axis=1), shares.sum(axis=1) / 100, np.nan)[:, None]
    side = _CELL_MARGIN + _CELL * len(names)
    ax = Figure(figsize=(side + 0.8, side), layout="constrained").add_subplot()
    display = ConfusionMatrixDisplay(shares, display_labels=[*map(literal, names)])
    display.plot(
        ax=ax,
        xticks_rotation="vertical",
        cmap="Blues",
        values_format=".0f",
        im_kw={"vmin": 0, "vmax": 100},
    )
    display.im_.colorbar.set_label("% of the held-out pixels of the true class")
    title = f"balanced accuracy {held_out.scores['balanced accuracy']:.1%}"
    ax.set(xlabel="class given", ylabel="true class", title=title)
    return display


def _over_bands(display, planes, names):
    """Return outlines, drawn once, over each band by name as the bytes of a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    # Coordinates on the sky and a fitted layout would take most of the time.
    width, height = image_size(display._clusters.shape)
    (left, right), (bottom, top) = _BAND_MARGINS
    size = 1 - (left + right) / width, 1 - (bottom + top) / height
    figure = Figure(figsize=(width, height), dpi=_BAND_DOTS)
    canvas = FigureCanvasAgg(figure)
    ax = figure.add_axes((left / width, bottom / height, *size))
    display.plot(ax, contours=True)
    display.image_.set_visible(False)
    ax.patch.set_visible(False)
    figure.patch.set_alpha(0)
    canvas.draw()
    outlines = Image.fromarray(np.array(canvas.buffer_rgba()))
    for artist in ax.get_children():
        artist.set_visible(False)
    display.image_.set_visible(True)
    figure.patch.set_alpha(1)
    pictures = {}
    for plane, name in zip(planes, names, strict=True):
        display.image_.set_data(np.repeat(sky_picture([plane]), 3, axis=2))
        ax.set_title(literal(name), loc="right", y=1.0).set_visible(True)
        canvas.draw()
        ground = Image.fromarray(np.array(canvas.buffer_rgba()))
        buffer = io.BytesIO()
        merged = Image.alpha_composite(ground, outlines).convert("RGB")
        merged.save(buffer, "png", compress_level=PNG_LEVEL)
        pictures[name] = buffer.getvalue()
    return pictures


def write_band_images(path, result, clusters):
    """Write the image of the clusters in each band to an archive."""
    is_large = 4 * result.slice_of(0).size >= 2**31
    files = _files_of(result.cube.band_names)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for band, file in enumerate(files):
            hdus, fluxes = _band_image(result, band, clusters)
            with archive.open(f"{file}.fits", "w", force_zip64=is_large) as stream:
                _write_image(stream, hdus, fluxes, result.slice_of(band))


def add_band_pictures(path, pictures):
    """Add the picture of each band, by name, to the archive."""
    with zipfile.ZipFile(path, "a") as archive:
        for file, picture in zip(_files_of(pictures), pictures.values(), strict=True):
            archive.writestr(zipfile.ZipInfo(f"{file}.png"), picture)


def _files_of(names):
    """Return the names of the files of bands: in order, and no name twice."""
    width = len(str(len(names)))
    files = [re.sub(r"[^A-Za-z0-9._+-]+", "_", short_ascii(name)) for name in names]
    return [f"{band:0{width}}_{file}" for band, file in enumerate(files, 1)]


def _band_image(result, band, clusters):
    """Return HDUs without pixels, and the median flux of each cluster, NaN for none."""
    cube, labels = result.cube, result.slice_of(band)
    name, unit = cube.band_names[band], cube.band_units[band]
    fluxes = np.full(
        int(result.label_map.max(initial=-1)) + 2, np.nan, dtype=np.float32
    )
    fluxes[np.asarray(clusters["id"])] = np.asarray(clusters[f"{name}_median"])
    hdus = make_hdus(np.broadcast_to(np.float32(0), labels.shape), cube.wcs)
    header = hdus[0].header
    header["FILTER"] = to_ascii(name)
    if unit is not None:
        header["BUNIT"] = write_unit(unit)
    header["COMMENT"] = "Each pixel has the median flux of its cluster in this band."
    level = float(result.sky_level[band])
    if np.isfinite(level):
        header["SKYLEVEL"] = (level, "flux of the sky, from which this counts")
    return hdus, fluxes


def _write_image(stream, hdus, fluxes, label_map):
    """Write an image in which each pixel has the flux of its cluster."""
    hdus.update_extend()
    stream.write(hdus[0].header.tostring().encode("ascii"))
    for rows in strips_of(label_map.shape, "block"):
        # The last flux is NaN, for pixels in no cluster.
        stream.write(fluxes[np.maximum(label_map[rows], -1)].astype(">f4").tobytes())
    stream.write(bytes(-4 * label_map.size % BLOCK))

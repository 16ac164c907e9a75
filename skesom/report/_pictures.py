# SPDX-License-Identifier: BSD-3-Clause
"""The pictures of a report, each as a job that another process can draw."""

from functools import partial

import numpy as np

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
from skesom.displays.dendrogram import HEIGHT_OF_TREE
from skesom.displays.diagrams import NoPixelError
from skesom.displays.display import literal
from skesom.displays.rgb import mean_plane, thinned_rgb
from skesom.displays.sky_image import image_size
from skesom.displays.thinning import note_thinning, thinning_step
from skesom.displays.unit_layout import hits_of, layout_of
from skesom.report._band_images import BAND_PIXELS, draw_over_bands
from skesom.report._populations import colors_of
from skesom.report._slices import Slices
from skesom.report.drawing import new_axes
from skesom.report.result import MAX_PIXELS

# Sizes are in inches.
_SIZE = (8.0, 5.0)  # of a picture that is no image of the sky
_PLANE_WIDTH = 3.0  # of the component plane of a feature
_PLANE_HEIGHT = 2.6
_MOST_PLANES = 36
_MANY_BANDS = 50  # too many to draw the clusters over each
_DIAGRAM_PIXELS = 400_000
_CELL = 0.55  # of a class in a confusion matrix
_CELL_MARGIN = 2.6  # for the names of the classes beside it


class Pictures:
    """The pictures of a report, in which each cluster has one color, as jobs to draw.

    A job is a name and a function without parameters, which returns a display or a
    figure. It is sent to another process, so it holds thinned arrays and no cube.
    """

    def __init__(self, result, style):
        self._result = result
        self._cube = result.cube
        self._style = style
        self._step = thinning_step(result.label_map.shape, MAX_PIXELS)
        self._size = image_size(self._cube.shape)
        # The number finds a cluster in the tables and in the label map.
        self._names = []
        for number, name in enumerate(result.names):
            has_name = name != str(number)
            self._names.append(f"{number} {name}" if has_name else name)

    def jobs(self):
        """Yield the jobs that need no look at all pixels, long ones early."""
        result = self._result
        if result.is_voxel:
            yield "cluster_map", Slices(result).draw_together
        else:
            yield from self._cluster_maps()
            if result.is_of_fit:
                yield "cutouts", self._cutouts(result.agreement)
        if result.som is not None and result.is_of_fit:
            yield from self._unit_maps(result.som)
        if not result.is_voxel:
            yield "cluster_spectra", self._spectra()
            yield from self._color_diagrams()
        yield "cluster_histogram", self._histogram()
        if result.is_of_fit and result.has_tree:
            yield "dendrogram", self._dendrogram()

    def jobs_of_bands(self):
        """Return the job that draws the outlines over each band; none for many bands.

        It returns the bytes of a PNG for each, by name.
        """
        names = self._cube.band_names
        if len(names) > _MANY_BANDS:
            return []
        if self._result.is_voxel:
            return [("bands", Slices(self._result).draw_one_by_one)]
        step = thinning_step(self._cube.shape, BAND_PIXELS)
        planes = [mean_plane(self._cube, band, step) for band in range(len(names))]
        no_picture = np.zeros((*planes[0].shape, 3))
        clusters = self._cluster_map().thinned(BAND_PIXELS, no_picture)
        return [("bands", partial(draw_over_bands, clusters, planes, names))]

    def jobs_of_findings(self, findings):
        """Yield the jobs that draw what a look at all pixels has found."""
        if findings.populations is not None:
            yield "population_map", self._population_map(findings.populations)
        yield from self.jobs_of_pixels(findings.pixel_summary)
        if self._result.held_out is not None:
            yield "held_out_confusion", partial(_draw_confusion, self._result.held_out)

    def jobs_of_pixels(self, pixel_summary):
        """Yield the jobs that draw a number of each pixel."""
        result = self._result
        if result.is_voxel:
            return
        if not result.is_of_fit:
            yield "cutouts", self._cutouts(pixel_summary.agreement)
        for name, kind, values in (
            ("agreement", "stability", pixel_summary.agreement),
            ("confidence", "confidence", result.confidence),
            ("quantization_error", "distance", pixel_summary.distances),
        ):
            if values is None:
                continue
            display = ValueMapDisplay(values, kind=kind, wcs=self._cube.wcs)
            display = display.thinned(MAX_PIXELS)
            yield name, partial(_draw, display, self._size, self._cube.wcs)

    def _with_colors(self, display):
        """Return a display of the clusters, with their colors and names."""
        display.colors = self._result.colors
        display.names = self._names
        return display

    def _cluster_map(self):
        display = ClusterMapDisplay(self._result.label_map, cube=self._cube)
        return self._with_colors(display)

    def _color_picture(self):
        return thinned_rgb(self._cube, self._style.rgb, self._step)

    @property
    def _has_image_beside(self):
        """Whether a map has the color picture beside it: one column is too narrow."""
        return self._style.width != "one"

    def _cluster_maps(self):
        """Return the jobs that draw the clusters of pixels on the sky."""
        clusters = self._cluster_map().thinned(MAX_PIXELS, self._color_picture())
        draw = partial(
            _draw,
            clusters,
            self._size,
            self._cube.wcs,
            legend_title="class" if self._result.is_classified else None,
        )
        cluster_map = partial(
            draw,
            has_image_beside=self._has_image_beside,
            options={"image": self._has_image_beside},
        )
        contours = partial(draw, options={"contours": True})
        return [("cluster_map", cluster_map), ("cluster_contours", contours)]

    def _population_map(self, populations):
        """Return the job that draws the populations on the sky."""
        display = ClusterMapDisplay(
            populations.label_map,
            cube=self._cube,
            colors=colors_of(populations),
            names=list(populations.table["name"]),
        )
        return partial(
            _draw,
            display.thinned(MAX_PIXELS, self._color_picture()),
            self._size,
            self._cube.wcs,
            legend_title="population",
            has_image_beside=self._has_image_beside,
            options={"image": self._has_image_beside},
        )

    def _cutouts(self, agreement):
        """Return the job of the cutouts of pieces."""
        labels = self._result.label_map
        display = CutoutsDisplay(labels, self._cube, agreement=agreement)
        display = self._with_colors(display).thinned(bands=self._style.rgb)
        return partial(_draw, display, display.size)

    def _unit_maps(self, som):
        """Yield the jobs that draw the units of the map, and how they were trained."""
        result = self._result
        layout = layout_of(som, "pca")
        names = result.feature_names
        # Of many features, some that are evenly spread over all.
        n_planes = min(len(names), _MOST_PLANES)
        features = np.linspace(0, len(names) - 1, n_planes).round().astype(int)
        n_columns = int(np.ceil(np.sqrt(n_planes)))
        n_rows = -(-n_planes // n_columns)
        planes = ComponentPlanesDisplay(som.codebook_, layout, names=names)
        size = (n_columns * _PLANE_WIDTH, n_rows * _PLANE_HEIGHT)
        options = {"features": features}
        yield "component_planes", partial(_draw, planes, size, options=options)
        distances = np.ravel(som.u_matrix())
        u_matrix = UMatrixDisplay(distances, layout, unit_labels=result.unit_labels)
        options = {"colors": result.colors}
        yield "u_matrix", partial(_draw, u_matrix, _SIZE, options=options)
        yield "hit_map", partial(_draw, HitMapDisplay(hits_of(som), layout), _SIZE)
        if hasattr(som, "training_errors_"):
            curve = TrainingCurveDisplay(
                som.training_errors_, what="root mean square distance"
            )
            yield "training_curve", partial(_draw, curve, _SIZE)

    def _spectra(self):
        """Return the job of spectra in physical units, else of stretched values."""
        result = self._result
        _, thinned, scaled = result.thinned(self._step)
        thinned = thinned.replace(pixel_scale=self._cube.pixel_scale)
        display = self._with_colors(ClusterSpectraDisplay(result.label_map, None))
        if physical_factors(thinned)[1] is not None:
            cube = thinned
            display.subtract_sky = result.subtract_sky
            options = {}
        else:
            cube = scaled
            display.subtract_sky = False  # stretched values count from the sky already
            options = {
                "flux": "stretched flux, scaled",
                "physical": False,
                "log": False,
            }
        display = display.thinned(MAX_PIXELS, cube=cube)
        return partial(_draw_spectra, display, self._step, options)

    def _color_diagrams(self):
        """Yield names and jobs of the diagrams that the bands allow."""
        result = self._result
        if not result.diagrams:
            return
        step = thinning_step(result.label_map.shape, _DIAGRAM_PIXELS)
        _, cube, _ = result.thinned(step)
        cube = cube.replace(pixel_scale=self._cube.pixel_scale)
        for kind, (x, y) in result.diagrams.items():
            display = ColorDiagramDisplay(
                result.label_map,
                None,
                x=x,
                y=y,
                continua=result.continua,
                subtract_sky=result.subtract_sky,
            )
            display = self._with_colors(display).thinned(_DIAGRAM_PIXELS, cube=cube)
            yield kind, partial(_draw_diagram, display)

    def _histogram(self):
        """Return the job of the sizes of the clusters."""
        result = self._result
        labels = result.label_map.reshape(len(result.label_map), -1)
        display = self._with_colors(ClusterHistogramDisplay(labels)).thinned(1)
        counted = "voxels" if result.is_voxel else "pixels"
        return partial(_draw_histogram, display, counted)

    def _dendrogram(self):
        """Return the job of the tree, with the groups as clusters."""
        tree = self._result.grouped_tree
        display = self._with_colors(DendrogramDisplay(**tree))
        options = {"height": HEIGHT_OF_TREE}
        return partial(_draw, display, display.size, options=options)


def _draw(
    display, size, wcs=None, *, has_image_beside=False, legend_title=None, options=None
):
    """Draw a display in new axes, with the options of its `plot`."""
    width, height = size
    if has_image_beside:
        width = 2 * width - 1  # the margins are there once
    display.plot(new_axes((width, height), wcs), **(options or {}))
    if legend_title is not None and display.legend_ is not None:
        display.legend_.set_title(legend_title)
    return display


def _draw_histogram(display, counted):
    display.plot(new_axes(_SIZE))
    display.ax_.set_ylabel(counted)
    return display


def _draw_diagram(display):
    """Draw a diagram; return None if no pixel has enough light for it."""
    try:
        return display.plot(new_axes(_SIZE))
    except NoPixelError:
        return None


def _draw_spectra(display, step, options):
    display.plot(new_axes(_SIZE), **options)
    note_thinning(display.ax_, step, "from every {th} row and column")
    return display


def _draw_confusion(held_out):
    """Return a display of where the held-out pixels of each class went."""
    from matplotlib.figure import Figure
    from sklearn.metrics import ConfusionMatrixDisplay

    names, *columns = held_out.confusion.itercols()
    counts = np.stack(columns, axis=1).astype(float)
    shares = 100 * counts
    # A class without a held-out pixel has no shares.
    sums = np.where(shares.any(axis=1), shares.sum(axis=1) / 100, np.nan)
    shares /= sums[:, np.newaxis]
    side = _CELL_MARGIN + _CELL * len(names)
    ax = Figure(figsize=(side + 0.8, side), layout="constrained").add_subplot()
    labels = [literal(name) for name in names]
    display = ConfusionMatrixDisplay(shares, display_labels=labels)
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

# SPDX-License-Identifier: BSD-3-Clause
"""The pictures of a report."""

import gc

import numpy as np

from skesom.displays import (
    ClusterHistogramDisplay,
    ClusterMapDisplay,
    ClusterSpectraDisplay,
    ComponentPlanesDisplay,
    HitMapDisplay,
    QuantizationErrorMapDisplay,
    StabilityMapDisplay,
    TrainingCurveDisplay,
    UMatrixDisplay,
    cluster_colors,
    image_size,
    note_thinning,
    thinning,
)
from skesom.report._slices import png_bytes

DOTS_PER_INCH = 150
MAX_PIXELS = 2_000_000
_SIZE = 8.0, 5.0  # inches
_PANEL = 3.0, 2.6  # inches of a plane of a component
_MOST_PLANES = 36
_SLICE_PIXELS = 400_000
_SLICE_DOTS = 100
_SLICE_MARGINS = (0.7, 1.5), (0.55, 0.35)  # inches: left and right, below and above
_THINNED = "from every {th} row and column"


class Pictures:
    """Draws the pictures of a report; in all of them a cluster has the same color.

    Parameters
    ----------
    result : Result
        The label map and its images.

    Attributes
    ----------
    colors : ndarray of shape (n_clusters, 4)
        Of the clusters.
    """

    def __init__(self, result):
        self._result = result
        self._step = thinning(result.label_map.shape, MAX_PIXELS)
        thinned = result.thinned(self._step)
        self._labels, self._cube, self._scaled = thinned
        colors = cluster_colors(self._labels, self._scaled)
        n_clusters = int(result.label_map.max(initial=-1)) + 1
        if len(colors) < n_clusters:  # a cluster that no thinned pixel is of
            colors = cluster_colors(result.label_map, result.cube)
        self.colors = colors

    def draw(self, summary):
        """Draw one picture after the other."""
        result = self._result
        kinds = {
            "cluster_map": self._cluster_map,
            "cluster_contours": self._contours,
            "cluster_spectra": self._spectra,
            "cluster_histogram": self._histogram,
        }
        for name, draw in kinds.items():
            yield name, draw()
            self._release()
        if summary.agreement is not None:
            yield "agreement", self._agreement(summary.agreement)
            self._release()
        if result.som is None:
            return
        yield "quantization_error", self._errors(summary.distances)
        self._release()
        if result.is_of_fit:
            yield from self._pictures_of_map()

    def _pictures_of_map(self):
        """Draw the units of the map."""
        result = self._result
        som, n_features = result.som, len(result.feature_names)
        display = UMatrixDisplay.from_estimator(
            som, colors=self.colors, ax=_axes(_SIZE)
        )
        yield "u_matrix", display.figure_
        yield "hit_map", HitMapDisplay.from_estimator(som, ax=_axes(_SIZE)).figure_
        features = np.arange(n_features)
        if n_features > _MOST_PLANES:
            features = np.linspace(0, n_features - 1, _MOST_PLANES).round().astype(int)
        columns = int(np.ceil(np.sqrt(len(features))))
        size = columns * _PANEL[0], -(-len(features) // columns) * _PANEL[1]
        display = ComponentPlanesDisplay.from_estimator(
            som, names=result.feature_names, features=features, ax=_axes(size)
        )
        yield "component_planes", display.figure_
        if hasattr(som, "training_errors_"):
            display = TrainingCurveDisplay.from_estimator(som, ax=_axes(_SIZE))
            yield "training_curve", display.figure_

    def slice_picture(self, band):
        """Draw the outlines of the clusters over one band."""
        from matplotlib.figure import Figure

        # Coordinates on the sky, and whatever fits a layout to what is drawn, would
        # take most of the time.
        width, height = image_size(self._result.cube.shape)
        (left, right), (bottom, top) = _SLICE_MARGINS
        place = (
            *(left / width, bottom / height),
            *(1 - (left + right) / width, 1 - (bottom + top) / height),
        )
        figure = Figure(figsize=(width, height))
        display = self._outlines([band] * 3, _SLICE_PIXELS, figure.add_axes(place))
        display.ax_.set_title(self._result.cube.band_names[band], loc="right")
        png = png_bytes(figure, dpi=_SLICE_DOTS)
        del figure, display
        self._release()
        return png

    def _release(self):
        """Free the memory of pictures of large images, which refer to themselves."""
        if self._step > 1:
            gc.collect()

    def _cluster_map(self):
        result = self._result
        return ClusterMapDisplay.from_predictions(
            result.label_map,
            cube=result.cube,
            colors=self.colors,
            max_pixels=MAX_PIXELS,
            ax=_image_axes(result.cube),
        ).figure_

    def _contours(self):
        ax = _image_axes(self._result.cube)
        return self._outlines(None, MAX_PIXELS, ax).figure_

    def _outlines(self, bands, max_pixels, ax):
        result = self._result
        return ClusterMapDisplay.from_predictions(
            result.label_map,
            cube=result.cube,
            colors=self.colors,
            contours=True,
            bands=bands,
            max_pixels=max_pixels,
            ax=ax,
        )

    def _spectra(self):
        display = ClusterSpectraDisplay.from_predictions(
            self._labels,
            self._scaled,
            colors=self.colors,
            ax=_axes(_SIZE),
            flux="stretched flux, scaled",
        )
        note_thinning(display.ax_, self._step, _THINNED)
        return display.figure_

    def _histogram(self):
        return ClusterHistogramDisplay.from_predictions(
            self._result.label_map, colors=self.colors, ax=_axes(_SIZE)
        ).figure_

    def _agreement(self, agreement):
        cube = self._result.cube
        return StabilityMapDisplay.from_predictions(
            agreement, wcs=cube.wcs, ax=_image_axes(cube), max_pixels=MAX_PIXELS
        ).figure_

    def _errors(self, distances):
        cube = self._result.cube
        return QuantizationErrorMapDisplay.from_predictions(
            distances, wcs=cube.wcs, ax=_image_axes(cube), max_pixels=MAX_PIXELS
        ).figure_


def _axes(size, projection=None):
    """Return axes of a figure that pyplot does not know, which would keep it open."""
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained").add_subplot(projection=projection)


def _image_axes(cube):
    return _axes(image_size(cube.shape), cube.wcs)

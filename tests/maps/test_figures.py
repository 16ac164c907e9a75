# SPDX-License-Identifier: BSD-3-Clause
"""The pictures say what they show: axes, legends, colours."""

from itertools import pairwise

import matplotlib.colors
import numpy as np
import pytest
from astropy.table import Table
from astropy.wcs import WCS
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from sklearn.datasets import make_blobs

from skesom.cube import Cube
from skesom.io import cluster_table
from skesom.maps import (
    cluster_colours,
    draw_cluster_map,
    draw_spectra,
    draw_u_matrix,
)
from skesom.maps._figures import MASKED_COLOUR, SKY_COLOUR
from skesom.som import CSOM, ESOM

RED, GREEN = np.array([[1.0, 0, 0, 1], [0, 1.0, 0, 1]])


def legend_of(figure):
    """Return the legend of a figure as texts by colour."""
    (legend,) = figure.legends
    assert legend.get_title().get_text() == "cluster"
    return [text.get_text() for text in legend.get_texts()]


@pytest.fixture
def wcs():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [204.25, -29.87]
    wcs.wcs.crpix = [20, 10]
    wcs.wcs.cdelt = [-1 / 3600, 1 / 3600]
    return wcs


class TestColours:
    """From blue for the faintest to red for the brightest."""

    def test_follow_brightness_and_not_numbers(self):
        label_map = np.array([[0, 0, 0], [1, 1, -3], [2, -1, -3]])
        flux = np.array([[5.0, 5, 5], [1, 1, 99], [9, 99, np.nan]])
        colours = cluster_colours(label_map, np.stack([flux, flux], axis=2))
        assert colours.shape == (3, 4)
        redness = colours[:, 0] - colours[:, 2]
        assert np.argsort(redness).tolist() == [1, 0, 2]
        assert redness[1] < 0 < redness[2]

    def test_differ_from_each_other_and_from_what_is_no_cluster(self):
        label_map = np.arange(12).reshape(3, 4)
        colours = cluster_colours(label_map, label_map[:, :, np.newaxis].astype(float))
        others = [matplotlib.colors.to_rgba(c) for c in (SKY_COLOUR, MASKED_COLOUR)]
        everything = np.concatenate([colours, others])
        apart = np.abs(everything[:, None] - everything).max(axis=2)
        assert apart[np.triu_indices(14, 1)].min() > 0.05

    def test_a_missing_band_is_left_out(self):
        cube = np.array([[[1.0, 1.0], [np.nan, 3.0]]])
        colours = cluster_colours(np.array([[0, 1]]), cube)
        assert np.isfinite(colours).all()
        assert colours[1, 0] > colours[0, 0]

    def test_no_cluster_has_no_colour(self):
        label_map = np.full((2, 2), -1)
        assert cluster_colours(label_map, np.ones((2, 2, 1))).shape == (0, 4)


class TestClusterMap:
    """Clusters on the sky."""

    label_map = np.array([[0, 0, 0, 1], [-3, -3, -1, -3]])

    def test_every_pixel_has_the_colour_of_its_kind(self):
        sky = np.zeros((2, 4), dtype=bool)
        sky[1, 0] = True
        figure = draw_cluster_map(self.label_map, np.array([RED, GREEN]), sky=sky)
        (image,) = figure.axes[0].get_images()
        wanted = [
            [RED, RED, RED, GREEN],
            [SKY_COLOUR, MASKED_COLOUR, "black", MASKED_COLOUR],
        ]
        np.testing.assert_allclose(
            image.get_array(),
            [[matplotlib.colors.to_rgba(c) for c in row] for row in wanted],
        )
        assert image.origin == "lower"

    def test_legend_tells_shares_and_kinds(self):
        sky = np.zeros((2, 4), dtype=bool)
        sky[1, 0] = True
        figure = draw_cluster_map(self.label_map, np.array([RED, GREEN]), sky=sky)
        assert legend_of(figure) == [
            *("0: 75.0%", "1: 25.0%"),
            *("noise", "sky, set aside", "no data"),
        ]

    def test_legend_tells_nothing_that_is_not_there(self):
        label_map = np.array([[0, 0], [1, 1]])
        sky = np.zeros((2, 2), dtype=bool)
        for given in (None, sky):
            figure = draw_cluster_map(label_map, np.array([RED, GREEN]), sky=given)
            assert legend_of(figure) == ["0: 50.0%", "1: 50.0%"]

    def test_all_masked_pixels_may_be_sky(self):
        label_map = np.array([[0, -3]])
        figure = draw_cluster_map(label_map, RED[np.newaxis], sky=label_map == -3)
        assert legend_of(figure) == ["0: 100.0%", "sky, set aside"]

    def test_axes_are_pixels_without_a_wcs(self):
        (axes,) = draw_cluster_map(self.label_map, np.array([RED, GREEN])).axes
        assert axes.get_xlabel() == "column [pixel]"
        assert axes.get_ylabel() == "row [pixel]"

    @pytest.mark.parametrize(
        ("pixel", "bar"),
        [(1.0, '5"'), (0.0396, '0.2"'), (20.0, "2'"), (200.0, "20'"), (600.0, "1°")],
    )
    def test_axes_are_sky_with_a_wcs_and_a_scale_bar(self, wcs, pixel, bar):
        wcs.wcs.cdelt = np.array([-pixel, pixel]) / 3600
        label_map = np.zeros((20, 40), dtype=int)
        figure = draw_cluster_map(label_map, RED[np.newaxis], wcs=wcs)
        figure.draw_without_rendering()
        (axes,) = figure.axes
        assert axes.coords[0].get_axislabel() == "right ascension"
        assert axes.coords[1].get_axislabel() == "declination"
        assert bar in [text.get_text() for text in axes.texts]
        (line,) = axes.lines
        arcsec = float(bar[:-1]) * {'"': 1, "'": 60, "°": 3600}[bar[-1]]
        np.testing.assert_allclose(np.ptp(line.get_xdata()), arcsec / pixel)
        assert 0 < np.ptp(line.get_xdata()) <= 0.2 * 40

    @pytest.mark.parametrize("shape", [(2, 2000), (2000, 2)])
    def test_long_strips_fit_on_a_page(self, shape):
        figure = draw_cluster_map(np.zeros(shape, dtype=int), RED[np.newaxis])
        assert 3 <= figure.get_figheight() <= 15


class TestSpectra:
    """Medians and quartiles per cluster."""

    def test_lines_go_through_the_medians(self, galaxy, job):
        label_map = job["cluster"].labels_
        table = cluster_table(label_map, galaxy)
        colours = cluster_colours(label_map, galaxy)
        figure = draw_spectra(table, galaxy.band_names, colours)
        (axes,) = figure.axes
        assert [tick.get_text() for tick in axes.get_xticklabels()] == list(
            galaxy.band_names
        )
        assert axes.get_xlabel() == "band"
        assert "median" in axes.get_ylabel()
        assert len(axes.lines) == len(axes.collections) == 4
        for label, line in enumerate(axes.lines):
            medians = np.median(galaxy.data[label_map == label], axis=0)
            np.testing.assert_allclose(line.get_ydata(), medians, rtol=1e-6)
            assert matplotlib.colors.to_rgba(line.get_color()) == tuple(colours[label])
        assert legend_of(figure) == [
            f"{row['id']}: {row['percentage']:.1f} %" for row in table
        ]

    @pytest.mark.parametrize("length", [1, 5, 9, 10, 30])
    @pytest.mark.parametrize("n_bands", [3, 12])
    def test_names_of_bands_do_not_run_into_each_other(self, length, n_bands):
        names = [f"{band:x}".rjust(length, "F") for band in range(n_bands)]
        cube = Cube(np.random.default_rng(0).random((2, 3, n_bands)), band_names=names)
        table = cluster_table(np.zeros((2, 3), dtype=int), cube)
        figure = draw_spectra(table, names, RED[np.newaxis])
        figure.draw_without_rendering()
        ticks = figure.axes[0].get_xticklabels()
        if ticks[0].get_rotation() == 0:
            boxes = [tick.get_window_extent() for tick in ticks]
            assert all(a.x1 < b.x0 for a, b in pairwise(boxes))
        else:  # slanted lines of text, as far apart as the sine of their slope
            start, following = (
                tick.get_transform().transform(tick.get_position())
                for tick in ticks[:2]
            )
            apart = (following - start)[0] * np.sin(np.deg2rad(ticks[0].get_rotation()))
            assert apart > 1.2 * ticks[0].get_fontsize() * figure.dpi / 72

    def test_wants_a_colour_for_each_cluster(self):
        table = Table({"id": [0, 1], "percentage": [60.0, 40.0]})
        for name in ("b_median", "b_q25", "b_q75"):
            table[name] = [1.0, 2.0]
        with pytest.raises(ValueError, match="shorter"):
            draw_spectra(table, ["b"], RED[np.newaxis])


class TestUMatrix:
    """Units by their distance to neighbours, and by cluster."""

    X = make_blobs(300, n_features=4, centers=2, random_state=0)[0]

    @pytest.mark.parametrize("topology", ["hexagonal", "rectangular"])
    def test_units_of_a_lattice_are_cells(self, topology):
        som = CSOM((4, 6), topology=topology, n_clusters=2, random_state=0).fit(self.X)
        figure = draw_u_matrix(som, np.array([RED, GREEN]))
        left, right, bar = figure.axes
        assert left.get_title() == "U-matrix"
        assert right.get_title() == "clusters of the units"
        assert bar.get_ylabel() == "mean distance to neighbours"
        (cells,), (clusters,) = left.collections, right.collections
        assert isinstance(cells, PolyCollection)
        np.testing.assert_allclose(cells.get_array(), som.u_matrix().ravel())
        np.testing.assert_allclose(
            clusters.get_facecolor(), np.array([RED, GREEN])[som.unit_labels_]
        )

    @pytest.mark.parametrize("topology", ["hexagonal", "rectangular"])
    def test_cells_tile_the_lattice(self, topology):
        som = CSOM((4, 6), topology=topology, n_clusters=2, random_state=0).fit(self.X)
        cells = draw_u_matrix(som, np.array([RED, GREEN])).axes[0].collections[0]
        corners = np.array([path.vertices[:-1] for path in cells.get_paths()])
        x, y = corners[:, :, 0], corners[:, :, 1]
        doubled = x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)
        # Rows of a hexagonal lattice are closer by the height of a triangle.
        area = np.sqrt(3) / 2 if topology == "hexagonal" else 1
        np.testing.assert_allclose(np.abs(doubled.sum(axis=1)) / 2, area)
        shared = {tuple(np.round(corner, 6)) for corner in corners.reshape(-1, 2)}
        assert len(shared) < 0.6 * corners[:, :, 0].size

    def test_nodes_of_a_network_are_points_joined_by_links(self):
        som = ESOM(n_clusters=2, random_state=0).fit(self.X)
        left, right, _ = draw_u_matrix(som, np.array([RED, GREEN])).axes
        lines, points = left.collections
        assert isinstance(lines, LineCollection)
        assert isinstance(points, PathCollection)
        assert len(lines.get_segments()) == som.connections_.nnz // 2
        np.testing.assert_allclose(points.get_array(), som.u_matrix())
        plane = np.asarray(points.get_offsets())
        assert plane.shape == (len(som.codebook_), 2)
        # The plane of the principal components keeps as much variance as any can.
        variances = np.linalg.eigvalsh(np.cov(som.codebook_.T, bias=True))[::-1]
        np.testing.assert_allclose(plane.var(axis=0), variances[:2], rtol=1e-6)
        assert left.get_xlabel() == "first principal component"
        np.testing.assert_allclose(
            right.collections[1].get_facecolor(),
            np.array([RED, GREEN])[som.unit_labels_],
        )

    @pytest.mark.parametrize("n_features", [1, 2])
    def test_few_features_and_single_nodes_can_be_drawn(self, n_features):
        som = ESOM(epsilon=100.0, n_clusters=1, random_state=0)
        som.fit(self.X[:, :n_features])
        figure = draw_u_matrix(som, RED[np.newaxis])
        figure.draw_without_rendering()
        assert len(figure.axes[0].collections[-1].get_offsets()) == len(som.codebook_)

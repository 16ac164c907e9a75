# SPDX-License-Identifier: BSD-3-Clause
"""The U-matrix: cells of a lattice, nodes of a graph, borders of clusters."""

from functools import lru_cache
from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.figure import Figure
from scipy import sparse
from scipy.spatial.distance import pdist
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.displays import UMatrixDisplay
from skesom.displays.colors import cluster_palette
from skesom.displays.unit_embedding import embed
from skesom.displays.unit_layout import LatticeLayout
from skesom.maps import CubeClusterer
from skesom.som import CSOM, ESOM, MapClassifier

X, Y = make_blobs(300, n_features=4, centers=2, random_state=0)
TOPOLOGIES = ["hexagonal", "rectangular"]


@pytest.fixture(scope="module")
def esom():
    return ESOM(n_clusters=2, random_state=0).fit(X)


@lru_cache
def lattice_map(topology="hexagonal", **options):
    som = CSOM(shape=(4, 6), topology=topology, n_clusters=2, random_state=0, **options)
    return som.fit(X)


def connections_of_lattice(shape, topology):
    """Which cells are neighbors, as a fitted map tells it."""
    som = CSOM(shape=shape, topology=topology, n_epochs=1, random_state=0)
    return sparse.coo_array(som.fit(X).connections_)


def corners_of(cells):
    return np.array([path.vertices[:-1] for path in cells.get_paths()])


class TestLattice:
    """Units that stand on a lattice."""

    @pytest.mark.parametrize("topology", TOPOLOGIES)
    def test_cells_in_the_colors_of_their_distances_tile_it(self, ax, topology):
        som = lattice_map(topology)
        display = UMatrixDisplay.from_estimator(som, ax=ax)
        assert isinstance(display.units_, PolyCollection)
        distances = som.u_matrix().ravel()
        np.testing.assert_array_equal(display.units_.get_array(), distances)
        assert display.units_.get_clim() == (distances.min(), distances.max())
        assert display.color_bar_.mappable is display.units_
        label = display.color_bar_.ax.get_ylabel()
        assert label == "mean distance to neighbors"
        corners = corners_of(display.units_)
        np.testing.assert_allclose(corners.mean(axis=1), som.positions_, atol=1e-12)
        assert ax.yaxis_inverted()  # the first row is the upper one
        assert corners.shape[1] == {"hexagonal": 6, "rectangular": 4}[topology]
        x, y = corners[:, :, 0], corners[:, :, 1]
        doubled = x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)
        # Rows of a hexagonal lattice are closer by the height of a triangle.
        area = np.sqrt(3) / 2 if topology == "hexagonal" else 1
        np.testing.assert_allclose(np.abs(doubled.sum(axis=1)) / 2, area)
        shared = {tuple(np.round(corner, 6)) for corner in corners.reshape(-1, 2)}
        assert len(shared) < 0.6 * corners[:, :, 0].size

    def test_a_chain_has_its_color_bar_below(self, ax):
        display = UMatrixDisplay.from_estimator(CSOM(None, shape=12).fit(X), ax=ax)
        assert len(display.units_.get_paths()) == 12
        assert display.color_bar_.orientation == "horizontal"

    @pytest.mark.parametrize(
        "som",
        [CSOM(None, shape=(1, 1)), ESOM(epsilon=100.0, n_clusters=1, random_state=0)],
    )
    def test_a_single_unit_can_be_drawn(self, ax, som):
        display = UMatrixDisplay.from_estimator(som.fit(X[:, :1]), ax=ax)
        ax.figure.draw_without_rendering()
        assert display.units_.get_array().tolist() == [0]


class TestBorders:
    """Lines between cells of different clusters."""

    @pytest.mark.parametrize("topology", TOPOLOGIES)
    def test_are_as_many_as_neighbors_of_different_clusters(
        self, topology, global_random_seed
    ):
        labels = np.random.default_rng(global_random_seed).integers(0, 3, 35)
        layout = LatticeLayout((5, 7), topology)
        links = sparse.triu(connections_of_lattice((5, 7), topology)).tocoo()
        different = labels[links.row] != labels[links.col]
        borders = layout.borders(labels)
        assert len(borders) == different.sum()
        # Each of them lies half way between the two.
        middles = layout.positions[links.row] + layout.positions[links.col]
        expected = np.unique(np.round(middles[different] / 2, 6), axis=0)
        found = np.unique(np.round(borders.mean(axis=1), 6), axis=0)
        np.testing.assert_allclose(found, expected, atol=2e-6)

    @pytest.mark.parametrize(
        ("topology", "sides"), [("hexagonal", 6), ("rectangular", 4)]
    )
    def test_edge_is_what_no_neighbor_shares(self, topology, sides):
        layout = LatticeLayout((5, 7), topology)
        n_links = connections_of_lattice((5, 7), topology).nnz // 2
        edge = layout.borders(np.zeros(35), edge=True)
        assert len(edge) == sides * 35 - 2 * n_links

    def test_are_drawn_between_clusters(self, ax):
        som = lattice_map()
        display = UMatrixDisplay.from_estimator(som, ax=ax)
        expected = LatticeLayout((4, 6)).borders(som.unit_labels_)
        np.testing.assert_array_equal(display.borders_.get_segments(), expected)
        assert [text.get_text() for text in ax.texts] == ["0", "1"]
        for label, text in enumerate(ax.texts):
            place = (som.positions_ == text.get_position()).all(axis=1)
            assert som.unit_labels_[place] == [label]
        ax.clear()
        display.plot(ax, clusters=False)
        assert display.borders_ is None
        assert len(ax.texts) == 0

    @pytest.mark.parametrize("n_clusters", [None, 1])
    def test_are_none_where_clusters_say_nothing(self, ax, n_clusters):
        som = CSOM(shape=(4, 6), n_clusters=n_clusters, random_state=0).fit(X)
        assert UMatrixDisplay.from_estimator(som, ax=ax).borders_ is None


class TestTorus:
    """A lattice without edges is drawn a little beyond them."""

    @pytest.mark.parametrize("topology", TOPOLOGIES)
    def test_cells_beyond_the_edge_are_those_of_the_other_side(self, ax, topology):
        som = lattice_map(topology, toroidal=True)
        display = UMatrixDisplay.from_estimator(som, ax=ax)
        cells, beyond = (c for c in ax.collections if isinstance(c, PolyCollection))
        assert cells is display.units_
        assert len(beyond.get_paths()) == (4 + 2 * 2) * (6 + 2 * 2) - 4 * 6
        assert beyond.get_alpha() < 0.5
        assert beyond.get_clim() == cells.get_clim()
        pitch = np.sqrt(0.75) if topology == "hexagonal" else 1
        centers = corners_of(beyond).mean(axis=1)
        row = np.rint(centers[:, 1] / pitch).astype(int)
        shift = 0.5 * (row % 2) * (topology == "hexagonal")
        column = np.rint(centers[:, 0] - shift).astype(int)
        outside = (row < 0) | (row >= 4) | (column < 0) | (column >= 6)
        assert outside.all()
        np.testing.assert_array_equal(
            beyond.get_array(), som.u_matrix()[row % 4, column % 6]
        )
        assert "opposite edge" in ax.get_xlabel()

    def test_small_ones_repeat_whole_rows(self, ax):
        layout = LatticeLayout((2, 1), "rectangular", toroidal=True)
        layout.draw(ax, np.array([1.0, 2.0]), "viridis")
        _, beyond = (c for c in ax.collections if isinstance(c, PolyCollection))
        centers = corners_of(beyond).mean(axis=1)
        assert np.abs(centers - [0, 0.5]).max() <= 2.5
        assert len(np.unique(centers, axis=0)) == len(centers)


class TestGraph:
    """Nodes that stand where an embedding places them."""

    def test_nodes_are_points_joined_by_links(self, ax, esom):
        display = UMatrixDisplay.from_estimator(esom, ax=ax)
        lines, points = ax.collections
        assert isinstance(lines, LineCollection)
        assert isinstance(points, PathCollection)
        assert points is display.units_
        np.testing.assert_array_equal(points.get_array(), esom.u_matrix())
        links = sparse.triu(esom.connections_).tocoo()
        ends = np.asarray(points.get_offsets())[np.column_stack(links.coords)]
        np.testing.assert_allclose(lines.get_segments(), ends)
        opacity = lines.get_colors()[:, 3][np.argsort(links.data)]
        assert (np.diff(opacity) >= 0).all()  # stronger links are darker
        assert opacity.max() > 3 * opacity.min() > 0
        areas = points.get_sizes()
        large = areas > areas.min()
        ratio = areas[large] / esom.hits_[large]
        np.testing.assert_allclose(ratio, ratio[0])

    def test_few_far_units_leave_room_for_the_others(self, ax):
        places = np.append(np.linspace(-1, 1, 50), 60)
        positions = np.column_stack([places, places[::-1]])
        UMatrixDisplay.from_predictions(np.ones(51), positions=positions, ax=ax)
        drawn = ax.transData.transform(positions[:50])
        assert np.ptp(drawn[:, 0]) > 0.25 * ax.bbox.width
        assert not ax.get_xscale() == "linear"

    def test_units_fill_the_axes(self, ax):
        positions = np.column_stack([np.linspace(0, 1, 9), np.linspace(0, 30, 9)])
        UMatrixDisplay.from_predictions(np.ones(9), positions=positions, ax=ax)
        drawn = np.ptp(ax.transData.transform(positions), axis=0)
        assert (drawn > 0.9 * np.array([ax.bbox.width, ax.bbox.height])).all()

    @pytest.mark.parametrize("given", [None, [[1, 0, 0, 1], [0, 0, 1, 1]]])
    def test_rims_are_clusters(self, ax, esom, given):
        display = UMatrixDisplay.from_estimator(esom, ax=ax, colors=given)
        colors = cluster_palette(2) if given is None else np.array(given)
        rims = display.units_.get_edgecolor()
        np.testing.assert_allclose(rims, colors[esom.unit_labels_])
        assert [text.get_text() for text in ax.texts] == ["0", "1"]
        assert display.borders_ is None


class TestEmbedding:
    """Where nodes stand in the plane."""

    def test_default_are_principal_components(self, ax, esom):
        points = UMatrixDisplay.from_estimator(esom, ax=ax).units_
        pca = PCA(2).fit(esom.codebook_)
        np.testing.assert_allclose(
            np.abs(points.get_offsets()),
            np.abs(pca.transform(esom.codebook_)),
            atol=1e-9,
        )
        shares = 100 * pca.explained_variance_ratio_
        assert ax.get_xlabel() == f"principal component 1 ({shares[0]:.0f} %)"
        assert ax.get_ylabel() == f"principal component 2 ({shares[1]:.0f} %)"

    def test_isomap_unrolls_a_spiral(self):
        # A chain along a spiral: the ways along the links are its length.
        angle = np.sqrt(np.linspace(4, 200, 60))
        spiral = np.column_stack([angle * np.cos(angle), angle * np.sin(angle)])
        chain = sparse.diags_array(np.ones(59), offsets=1)
        plane, names = embed(spiral, chain + chain.T, "isomap")
        steps = np.linalg.norm(np.diff(spiral, axis=0), axis=1)
        length = np.concatenate([[0], np.cumsum(steps)])
        along = plane[:, 0] * np.sign(plane[-1, 0] - plane[0, 0])
        np.testing.assert_allclose(along - along[0], length, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(plane[:, 1], 0, atol=1e-3)
        assert names == ("ways along links, axis 1", "ways along links, axis 2")

    def test_isomap_keeps_a_plane_that_is_fully_linked(self, global_random_seed):
        points = np.random.default_rng(global_random_seed).normal(size=(30, 2))
        plane, _ = embed(points, sparse.coo_array(np.ones((30, 30))), "isomap")
        np.testing.assert_allclose(pdist(plane), pdist(points), rtol=1e-6)

    def test_isomap_joins_parts_at_their_nearest_nodes(self):
        # Two pairs on a line, and the same node twice, without a link between them.
        nodes = np.array([[0.0], [1.0], [5.0], [7.0], [7.0]])
        links = sparse.coo_array(([1, 1], ([0, 2], [1, 3])), shape=(5, 5))
        plane, _ = embed(nodes, links + links.T, "isomap")
        np.testing.assert_allclose(pdist(plane), pdist(nodes), rtol=1e-6, atol=1e-6)

    def test_any_transformer_or_array(self, ax, esom):
        places = PCA(2).fit_transform(esom.codebook_)
        for embedding in (PCA(2), places):
            display = UMatrixDisplay.from_estimator(esom, embedding=embedding, ax=ax)
            np.testing.assert_allclose(display.units_.get_offsets(), places)
            name = "PCA axis 1" if embedding is not places else "axis 1"
            assert ax.get_xlabel() == name

    @pytest.mark.parametrize(
        ("embedding", "message"),
        [
            ("tsne", r"embedding must be .*Got 'tsne'"),
            (np.zeros((3, 2)), "x and y of each of the"),
        ],
    )
    def test_must_be_known_and_of_all_units(self, ax, esom, embedding, message):
        with pytest.raises(ValueError, match=message):
            UMatrixDisplay.from_estimator(esom, embedding=embedding, ax=ax)


class TestFromEstimator:
    """The map is found wherever it is."""

    def test_in_pipelines_and_estimators_of_cubes(self, ax):
        cube = np.random.default_rng(0).random((12, 13, 3))
        inner = make_pipeline(
            StandardScaler(), CSOM(None, shape=(3, 4), random_state=0)
        )
        pipeline = make_pipeline(CubeClusterer(inner)).fit(cube)
        som = pipeline[-1].estimator_[-1]
        display = UMatrixDisplay.from_estimator(pipeline, ax=ax)
        np.testing.assert_array_equal(display.values, som.u_matrix().ravel())

    def test_in_classifiers_but_not_elsewhere(self, ax):
        classifier = MapClassifier(ESOM(random_state=0)).fit(X, Y)
        display = UMatrixDisplay.from_estimator(classifier, ax=ax)
        np.testing.assert_array_equal(display.values, classifier.estimator_.u_matrix())
        kmeans = KMeans(2, random_state=0, n_init=1).fit(X)
        with pytest.raises(ValueError, match=r"UMatrixDisplay .* but KMeans has none"):
            UMatrixDisplay.from_estimator(kmeans, ax=ax)


class TestFromPredictions:
    """Distances of a map of whatever making."""

    def test_of_a_graph(self, ax):
        display = UMatrixDisplay.from_predictions(
            [1.0, 2, 3],
            positions=[[0, 0], [1, 0], [0, 1]],
            connections=[[0, 1, 0], [1, 0, 0], [0, 0, 0]],
            ax=ax,
        )
        np.testing.assert_array_equal(display.units_.get_array(), [1, 2, 3])
        assert len(ax.collections[0].get_segments()) == 1
        assert len(set(display.units_.get_sizes())) == 1

        ax.clear()
        UMatrixDisplay.from_predictions([1.0, 2], positions=[[0, 0], [1, 0]], ax=ax)
        assert len(ax.collections[0].get_segments()) == 0
        with pytest.raises(ValueError, match=r"give their positions. Got shape \(3,\)"):
            UMatrixDisplay.from_predictions([1.0, 2, 3], ax=ax)


class TestNumbers:
    """Numbers of clusters, where they can be read."""

    def draw(self, n_clusters, size):
        side = int(np.sqrt(n_clusters))
        labels = np.arange(n_clusters).reshape(-1, side)
        labels = labels.repeat(2, axis=0).repeat(2, axis=1)
        figure = Figure(figsize=size, layout="constrained")
        ax = figure.add_subplot()
        UMatrixDisplay.from_predictions(
            np.zeros(labels.shape), unit_labels=labels, topology="rectangular", ax=ax
        )
        FigureCanvasAgg(figure).draw()
        return ax.texts

    @pytest.mark.parametrize("size", [(3.5, 2.8), (10, 8)])
    def test_of_few_clusters_are_all_there(self, size):
        texts = self.draw(9, size)
        assert [text.get_text() for text in texts] == list("012345678")

    def test_do_not_overlap(self):
        boxes = [text.get_window_extent() for text in self.draw(196, (5, 4))]
        assert len(boxes) > 50
        assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))

    def test_of_very_many_clusters_in_a_small_picture_are_left_out(self):
        assert len(self.draw(196, (2.5, 2))) == 0

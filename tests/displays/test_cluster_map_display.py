# SPDX-License-Identifier: BSD-3-Clause
"""Clusters on the sky: every pixel in its color, axes, legend, marks."""

from io import BytesIO

import matplotlib.colors
import numpy as np
import pytest
from astropy import units as u
from astropy.wcs import WCS
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnchoredOffsetbox
from matplotlib.text import Text
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar
from sklearn.cluster import AgglomerativeClustering, KMeans

from skesom.cube import Cube
from skesom.datasets import make_galaxy_cube
from skesom.displays import ClusterMapDisplay, rgb_image
from skesom.displays.colors import (
    HATCH_COLOR,
    MISSING_COLOR,
    SKY_COLOR,
    cluster_palette,
    rim_of,
)
from skesom.displays.legends import in_lines
from skesom.displays.sky_marks import round_angle, sky_directions
from skesom.maps import CubeClusterer, make_cluster_pipeline

RED, GREEN = np.array([[1.0, 0, 0, 1], [0, 1.0, 0, 1]])
LABELS = np.array([[0, 0, 0, 1], [-3, -3, -1, -3]])
SKY = np.array([[False] * 4, [True, False, False, False]])
CUBE = Cube(np.ones((2, 4, 3)), band_names=["a", "b", "c"])


def draw(label_map, **options):
    return ClusterMapDisplay.from_predictions(label_map, **options)


def legend_of(display):
    return [text.get_text() for text in display.legend_.get_texts()]


def sky_axes(wcs):
    figure = Figure(figsize=(4, 3), layout="constrained")
    return figure.add_subplot(projection=wcs)


def rendered(figure):
    """Return the figure as red, green and blue, the first row at the bottom."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[::-1, :, :3]


class TestPixels:
    """Every pixel has the color of its kind."""

    @pytest.mark.parametrize("sky", [{"sky_mask": SKY}, {}])
    def test_clusters_noise_and_sky(self, ax, sky):
        labels = LABELS if sky else np.where(SKY, -2, LABELS)
        display = draw(labels, colors=[RED, GREEN], ax=ax, **sky)
        image = display.image_.get_array() / 255
        np.testing.assert_allclose(image[0], [RED, RED, RED, GREEN])
        sky = matplotlib.colors.to_rgba(SKY_COLOR)
        np.testing.assert_allclose(image[1, 0], sky, atol=0.002)
        np.testing.assert_allclose(image[1, 2], (0, 0, 0, 1))
        assert (image[1, [1, 3], 3] == 0).all()  # nothing is drawn there
        assert display.image_.origin == "lower"

    def test_those_without_data_are_hatched(self, ax):
        display = draw(np.full((20, 20), -3), ax=ax, legend=False)
        seen = rendered(display.figure_) / 255
        box = display.ax_.get_window_extent()
        inside = seen[
            int(box.y0) + 3 : int(box.y1) - 3, int(box.x0) + 3 : int(box.x1) - 3
        ]
        light, dark = (
            np.array(matplotlib.colors.to_rgb(c)) for c in (MISSING_COLOR, HATCH_COLOR)
        )
        assert (np.abs(inside - light).max(axis=2) < 0.01).mean() > 0.3
        assert (np.abs(inside - dark).max(axis=2) < 0.05).mean() > 0.02
        # and between the two there is nothing but what is mixed of them
        assert (inside >= dark - 0.01).all()
        assert (inside <= light + 0.01).all()

    def test_have_the_colors_of_the_palette_by_default(self, ax):
        image = draw(LABELS, ax=ax).image_.get_array()
        np.testing.assert_array_equal(image[0, 3], np.rint(255 * cluster_palette(2)[1]))


class TestLegend:
    """What there is, and how much of it."""

    @pytest.mark.parametrize(
        ("labels", "options", "entries"),
        [
            (
                LABELS,
                {"sky_mask": SKY},
                ["0: 75.0 %", "1: 25.0 %", "noise", "sky, set aside", "no data"],
            ),
            ([[0, 1]], {"sky_mask": [[0, 0]]}, ["0: 50.0 %", "1: 50.0 %"]),
            ([[0, -3]], {"sky_mask": [[0, 1]]}, ["0: 100.0 %", "sky, set aside"]),
            ([[0, -2]], {}, ["0: 100.0 %", "sky, set aside"]),
            (
                [*(49 * [50 * [0]]), [*(49 * [0]), 1]],
                {},
                ["0: 100.0 %", "1: < 0.1 %"],
            ),
            (np.full((5, 6), -3), {}, ["no data"]),
            ([[0, 1]], {"names": {1: "disc"}}, ["0: 50.0 %", "disc: 50.0 %"]),
            # All pixels count, also of a map that is thinned.
            (81 * [[0]] + 9 * [[1]], {"max_pixels": 9}, ["0: 90.0 %", "1: 10.0 %"]),
        ],
    )
    def test_tells_what_there_is(self, ax, labels, options, entries):
        display = draw(labels, ax=ax, **options)
        assert legend_of(display) == entries
        assert display.color_bar_ is None

    def test_folds_long_names(self, ax):
        name = "an old stellar population behind a lot of dust"
        (text,) = legend_of(draw(np.zeros((9, 9), dtype=int), names=[name], ax=ax))
        assert text.replace("\n", " ") == f"{name}: 100.0 %"
        assert max(map(len, text.split("\n"))) < 40

    def test_becomes_a_color_bar_for_200_clusters(self, ax):
        assert draw(np.arange(200).reshape(10, 20), ax=ax).legend_ is None
        display = draw(np.arange(-1, 200).reshape(3, 67), ax=ax)
        assert legend_of(display) == ["noise"]
        bar = display.color_bar_
        assert (bar.vmin, bar.vmax) == (-0.5, 199.5)
        mapped = bar.cmap(bar.norm(np.arange(200)))
        np.testing.assert_allclose(mapped, cluster_palette(200))
        assert all(tick == round(tick) for tick in bar.get_ticks())
        assert 3 < len(bar.get_ticks()) < 15

    def test_has_two_columns_before_it_gives_up(self, ax):
        display = draw(np.arange(24).reshape(4, 6), ax=ax)
        assert display.legend_._ncols == 2
        assert len(legend_of(display)) == 24

    def test_letters_are_small_where_it_leaves_the_image_little_room(self):
        figure = Figure(figsize=(3.5, 2.8), layout="constrained")
        labels = np.tile(np.arange(8), (9, 2))
        names = ["a name of some length"] * 8
        # Without image and names, letters of 9 points had room.
        assert figure.get_size_inches()[1] * 72 > 9 * 9 * 1.5
        legend = draw(labels, names=names, ax=figure.add_subplot()).legend_
        assert 6 <= legend.get_texts()[0].get_fontsize() < 7

    @pytest.mark.parametrize("n_letters", range(12, 30))
    def test_no_line_begins_with_the_percent_sign(self, n_letters):
        name = "young stars around H II: 10.0 %"
        lines = in_lines(name, n_letters).split("\n")
        assert " ".join(lines) == name
        assert lines[-1].endswith("10.0 %")


class TestAxes:
    """Pixels, or the sky."""

    def test_are_pixels_without_a_wcs(self, ax):
        draw(LABELS, ax=ax)
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("column [pixel]", "row [pixel]")
        assert ax.get_xlim() == (-0.5, 3.5)
        assert ax.get_ylim() == (-0.5, 1.5)
        assert len(ax.artists) == 0  # neither a scale bar nor a compass

    @pytest.mark.parametrize(
        ("types", "names"),
        [
            (
                ["RA---TAN", "DEC--TAN"],
                ["right ascension (ICRS)", "declination (ICRS)"],
            ),
            (  # latitude first
                ["GLAT-TAN", "GLON-TAN"],
                ["Galactic latitude (GALACTIC)", "Galactic longitude (GALACTIC)"],
            ),
            (["HPLN-TAN", "HPLT-TAN"], ["longitude", "latitude"]),  # of the Sun
        ],
    )
    def test_are_sky_with_a_wcs(self, types, names):
        wcs = WCS(naxis=2)
        wcs.wcs.ctype, wcs.wcs.cdelt = types, [1e-3, 1e-3]
        ax = sky_axes(wcs)
        cube = Cube(np.zeros((9, 9, 1)), wcs=wcs)
        draw(np.zeros((9, 9), dtype=int), cube=cube, ax=ax)
        assert [coordinate.get_axislabel() for coordinate in ax.coords] == names

    def test_plain_ones_show_a_scale_but_count_pixels(self, ax, sky_wcs):
        draw(np.zeros((20, 40), dtype=int), wcs=sky_wcs, ax=ax)
        assert ax.get_xlabel() == "column [pixel]"
        assert len(ax.artists) == 2

    def test_pixels_need_not_be_square(self, ax, sky_wcs):
        sky_wcs.wcs.cdelt = [-1 / 3600, 3 / 3600]
        draw(np.zeros((20, 40), dtype=int), wcs=sky_wcs, ax=ax)
        assert ax.get_aspect() == pytest.approx(3)

    @pytest.mark.parametrize("shape", [(2, 2000), (2000, 2)])
    def test_long_strips_fit_on_a_page(self, shape):
        figure = draw(np.zeros(shape, dtype=int)).figure_
        assert (2.5 < figure.get_size_inches()).all()
        assert (figure.get_size_inches() < 10).all()

    def test_numbers_beside_strips_can_be_drawn_with_few_dots(self, sky_wcs):
        figure = Figure(figsize=(4, 0.6), dpi=10)
        ax = figure.add_subplot(projection=sky_wcs)
        draw(np.zeros((3, 300), dtype=int), wcs=sky_wcs, ax=ax)
        figure.savefig(BytesIO())  # FreeType refuses half a pixel


class TestScaleBar:
    """A round angle, as long as the pixels say."""

    @pytest.mark.parametrize(
        ("pixel", "text"),
        [(1.0, '5"'), (0.0396, '0.2"'), (20.0, "2'"), (200.0, "20'"), (600.0, "1°")],
    )
    def test_is_as_long_as_it_says(self, ax, sky_wcs, pixel, text):
        sky_wcs.wcs.cdelt = np.array([-pixel, pixel]) / 3600
        draw(np.zeros((20, 40), dtype=int), wcs=sky_wcs, ax=ax, compass=False)
        (bar,) = ax.artists
        assert isinstance(bar, AnchoredSizeBar)
        assert bar.txt_label.get_text() == text
        arcsec = float(text[:-1]) * {'"': 1, "'": 60, "°": 3600}[text[-1]]
        (drawn,) = bar.size_bar.get_children()
        assert drawn.get_width() == pytest.approx(arcsec / pixel)
        assert drawn.get_width() <= 0.22 * 40

    def test_needs_no_wcs_but_the_size_of_a_pixel(self, ax):
        cube = Cube(np.zeros((20, 40, 1)), pixel_scale=(1.0, 1.0))
        draw(np.zeros((20, 40), dtype=int), cube=cube, ax=ax)
        assert [artist.txt_label.get_text() for artist in ax.artists] == ['5"']

    @pytest.mark.parametrize(
        ("longest", "arcsec", "text"),
        [(0.9, 0.5, '0.5"'), (59, 50, '50"'), (60, 60, "1'"), (9000, 7200, "2°")],
    )
    def test_is_the_longest_round_angle(self, longest, arcsec, text):
        assert round_angle(longest) == (pytest.approx(arcsec), text)

    @pytest.mark.parametrize("shape", [(4, 60), (60, 4)])
    def test_is_left_out_where_it_would_cover_a_strip(self, shape, sky_wcs):
        ax = sky_axes(sky_wcs)
        draw(np.zeros(shape, dtype=int), wcs=sky_wcs, ax=ax)
        assert not ax.findobj(AnchoredSizeBar)


class TestCompass:
    """Where the north and the east are."""

    @pytest.mark.parametrize(
        ("angle", "parity", "declination"),
        [(0, 1, 0), (30, -1, 60), (85, 1, -89), (85, -1, 0), (200, 1, 60)],
    )
    def test_follow_any_rotation(self, angle, parity, declination):
        cosine, sine = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval = [10, declination]
        wcs.wcs.crpix = [20.5, 10.5]  # the middle of 20 x 40 pixels
        turned = np.array([[parity * cosine, -parity * sine], [sine, cosine]])
        wcs.wcs.cd = turned / 3600
        # One arcsec to the north is CD^-1 (0, 1), to the east CD^-1 (1, 0).
        expected = np.linalg.inv(turned)[:, ::-1].T
        directions = sky_directions(wcs, (20, 40))
        directions /= np.linalg.norm(directions, axis=1)[:, np.newaxis]
        np.testing.assert_allclose(directions, expected, atol=1e-3)

    def test_of_a_real_picture_is_that_of_astropy(self, shared_data):
        wcs = WCS(str(shared_data / "m83" / "m83_hubble_rgb_wcs.fits")).celestial
        north, east = sky_directions(wcs, (833, 1280))
        middle = wcs.pixel_to_world(639.5, 416.0)
        for way, angle in ((north, 0), (east, 90)):
            end = middle.directional_offset_by(angle * u.deg, 1 * u.arcsec)
            expected = np.array(wcs.world_to_pixel(end)) - [639.5, 416.0]
            np.testing.assert_allclose(
                way / np.linalg.norm(way),
                expected / np.linalg.norm(expected),
                atol=1e-3,
            )
        assert north[0] > 10 * abs(north[1])  # the picture lies on its side

    def test_letters_stand_at_the_arrows_and_each_mark_can_be_left_out(
        self, ax, sky_wcs
    ):
        labels = np.zeros((20, 40), dtype=int)
        draw(labels, wcs=sky_wcs, ax=ax, scale_bar=False)
        (compass,) = ax.artists
        texts = {
            text.get_text(): text.get_position()
            for text in compass.findobj(match=Text)
            if text.get_text()
        }
        assert set(texts) == {"N", "E"}
        assert texts["N"][1] > texts["E"][1]
        assert texts["E"][0] < texts["N"][0]
        ax.clear()
        draw(labels, wcs=sky_wcs, ax=ax, compass=False)
        assert [type(artist) for artist in ax.artists] == [AnchoredSizeBar]


class TestThinning:
    """Large images are drawn from fewer pixels."""

    def test_draws_the_middle_of_squares_and_says_so(self, ax):
        labels = np.arange(100).reshape(10, 10)
        display = draw(labels, ax=ax, max_pixels=16, legend=False)
        colors = np.rint(255 * cluster_palette(100)).astype(np.uint8)
        rows = np.array([1, 4, 7, 9])  # the last square has one row
        np.testing.assert_array_equal(
            display.image_.get_array(), colors[labels[np.ix_(rows, rows)]]
        )
        assert ax.get_title(loc="left") == "every 3rd row and column"
        # Four squares of three pixels reach beyond the image, whose pixels are shown.
        assert display.image_.get_extent() == [-0.5, 11.5, -0.5, 11.5]
        assert ax.get_xlim() == ax.get_ylim() == (-0.5, 9.5)


class TestImageBesideTheMap:
    """A color picture to the left, at the same scale."""

    LABELS = np.arange(600).reshape(20, 30) % 3

    @pytest.mark.parametrize("fixture", ["ax", "moved_ax"])
    def test_has_the_scale_of_the_map(self, request, fixture):
        ax = request.getfixturevalue(fixture)
        cube = Cube(np.random.default_rng(0).random((20, 30, 3)))
        display = draw(self.LABELS, cube=cube, image=True, bands=[2, 1, 0], ax=ax)
        assert display.ax_ is ax
        picture = rgb_image(cube, [2, 1, 0])
        np.testing.assert_array_equal(display.picture_.get_array(), picture)
        left, right = display.picture_.axes, display.image_.axes
        corners = [each.transData.transform([(0, 0), (29, 19)]) for each in (left, ax)]
        sizes = [np.diff(each, axis=0) for each in corners]
        np.testing.assert_allclose(*sizes)
        assert corners[0][1, 0] < corners[1][0, 0]
        np.testing.assert_allclose(corners[0][:, 1], corners[1][:, 1])
        assert right.get_ylabel() == ""

    def test_numbers_do_not_meet_in_two_columns_of_a_journal(self):
        cube, labels = make_galaxy_cube((300, 300), 3, random_state=0)
        figure = Figure(figsize=(7.1, 4))
        renderer = FigureCanvasAgg(figure).get_renderer()
        ax = figure.add_axes((0.02, 0.05, 0.96, 0.9), projection=cube.wcs)
        display = draw(labels, cube=cube, image=True, ax=ax)
        figure.draw(renderer)
        marks = [axes.findobj(AnchoredOffsetbox) for axes in figure.axes]
        assert sorted(map(len, marks)) == [0, 2]  # they are there once
        left_image = display.picture_.axes.get_window_extent(renderer)
        assert display.ax_.get_tightbbox(renderer).x0 > left_image.x1


class TestContours:
    """Outlines of clusters over a color picture."""

    @pytest.fixture
    def square(self):
        labels = np.zeros((20, 30), dtype=int)
        labels[5:15, 10:25] = 1
        return labels

    @pytest.fixture
    def cube(self, global_random_seed):
        return Cube(np.random.default_rng(global_random_seed).random((20, 30, 3)))

    def test_have_the_colors_of_their_clusters(self, ax, square, cube):
        options = {"contours": True, "colors": [RED, GREEN], "bands": [1, 0, 2]}
        display = draw(square, cube=cube, ax=ax, **options)
        picture = rgb_image(cube, [1, 0, 2])
        np.testing.assert_array_equal(display.image_.get_array(), picture)
        assert list(display.contours_) == [0, 1]
        np.testing.assert_allclose(display.contours_[1].get_edgecolor(), [GREEN])
        assert legend_of(display) == ["0: 75.0 %", "1: 25.0 %"]

    @pytest.mark.parametrize("side", [1, 4])
    def test_run_along_the_borders_of_thinned_images_too(self, ax, square, cube, side):
        labels = np.kron(square, np.ones((side, side), dtype=int))
        big = Cube(np.kron(cube.data, np.ones((side, side, 1))))
        options = {"contours": [1], "smoothing": 0, "max_pixels": 600}
        display = draw(labels, cube=big, ax=ax, **options)
        assert list(display.contours_) == [1]
        (path,) = display.contours_[1].get_paths()
        x, y = path.vertices.T
        edges = side * np.array([10, 25, 5, 15]) - 0.5
        np.testing.assert_allclose([x.min(), x.max(), y.min(), y.max()], edges)
        np.testing.assert_array_equal(display.image_.get_array(), rgb_image(cube))

    def test_smoothing_removes_single_pixels(self, ax, square, cube):
        square[2, 2] = 1
        rough = draw(square, cube=cube, contours=[1], smoothing=0, ax=ax)
        smooth = draw(square, cube=cube, contours=[1], smoothing=1.5, ax=ax)
        first_row = [
            display.contours_[1].get_paths()[0].vertices[:, 1].min()
            for display in (rough, smooth)
        ]
        assert first_row[0] < 3 < first_row[1]

    def test_a_cluster_everywhere_has_none(self, ax, cube):
        display = draw(np.zeros((20, 30), dtype=int), cube=cube, contours=True, ax=ax)
        assert display.contours_ == {}
        assert legend_of(display) == ["0: 100.0 %"]

    def test_a_thin_ring_is_not_lost(self, ax, cube):
        """Most of a ring one pixel wide is below the half after smoothing."""
        rows, columns = np.indices((20, 30))
        far = np.maximum(abs(rows - 10), abs(columns - 15))
        labels = np.where(far == 7, 1, 0)
        labels[:2, :2] = 1  # of which smoothing keeps something
        display = draw(labels, cube=cube, contours=True, ax=ax)
        x, y = np.concatenate(
            [path.vertices for path in display.contours_[1].get_paths()]
        ).T
        assert x.max() == pytest.approx(22.5, abs=0.4)
        assert y.max() == pytest.approx(17.5, abs=0.4)

    @pytest.mark.parametrize(
        ("color", "rim"), [("navy", "white"), ("gold", "black"), ("lime", "black")]
    )
    def test_stand_out_by_a_rim_of_the_other_lightness(self, color, rim):
        assert rim_of(np.array(matplotlib.colors.to_rgba(color))) == rim

    def test_rims_are_drawn(self, square, cube):
        """Over a picture and lines of one color there is still something else."""
        gray = Cube(np.zeros_like(cube.data))
        ax = Figure(figsize=(4, 3)).add_axes([0, 0, 1, 1])
        draw(square, cube=gray, contours=[1], colors=[RED, "0.02"], ax=ax)
        assert rendered(ax.figure)[60:240, 50:350].max() > 60


class TestFromEstimator:
    """Clusters that an estimator finds."""

    def test_predicts(self, galaxy, job, ax):
        display = ClusterMapDisplay.from_estimator(job, galaxy, ax=ax)
        np.testing.assert_array_equal(display.label_map, job.predict(galaxy))
        assert isinstance(display, ClusterMapDisplay)
        assert len(ax.artists) == 2  # the WCS is that of the cube

    def test_clusterers_that_cannot_predict_know_their_own_pixels(self, ax):
        X = np.random.default_rng(0).random((8, 9, 2))
        clusterer = CubeClusterer(AgglomerativeClustering(3)).fit(X)
        display = ClusterMapDisplay.from_estimator(clusterer, X, ax=ax)
        np.testing.assert_array_equal(display.label_map, clusterer.labels_)
        assert ax.get_xlabel() == "column [pixel]"
        with pytest.raises(ValueError, match=r"image of \(8, 9\). Got one of \(7, 9\)"):
            ClusterMapDisplay.from_estimator(clusterer, X[1:], ax=ax)

    def test_cubes_on_several_grids_are_drawn_on_that_of_the_clusters(self, galaxy, ax):
        coarse = galaxy[::2, ::2, :2]
        fine = galaxy[:, :, 2:]
        pipeline = make_cluster_pipeline(
            KMeans(3, random_state=0, n_init=1), target_fwhm=None, sky="keep"
        )
        cubes = [coarse, fine]
        pipeline.fit(cubes)
        display = ClusterMapDisplay.from_estimator(pipeline, cubes, ax=ax)
        assert display.label_map.shape == coarse.shape[:2]
        assert display.cube.pixel_scale == pytest.approx(coarse.pixel_scale, rel=1e-3)


class TestBadInput:
    """One sentence says what is wrong."""

    @pytest.mark.parametrize(
        ("label_map", "options", "message"),
        [
            (np.zeros((2, 2)), {}, "must hold integers"),
            (np.zeros((2, 2, 2), dtype=int), {}, "must have two axes"),
            (np.zeros((0, 2), dtype=int), {}, "has no pixels"),
            (
                LABELS,
                {"sky_mask": SKY[:1]},
                "sky_mask must have the shape of label_map",
            ),
            (LABELS, {"cube": np.zeros((2, 3, 1))}, "the cube must have the shape"),
            (LABELS, {"colors": [RED]}, "2 clusters but 1 colors"),
            (LABELS, {"names": ["disc"]}, "2 clusters but 1 names"),
            (LABELS, {"image": True}, "give the cube too"),
            (LABELS, {"contours": True}, "give the cube too"),
            (LABELS, {"cube": CUBE, "contours": [2]}, "no cluster 2, only 0, 1"),
            (
                LABELS,
                {"cube": CUBE, "image": True, "bands": [0, 1, "K"]},
                "no band 'K', only a",
            ),
            (LABELS, {"max_pixels": 0}, "max_pixels must be an int from 1"),
            (LABELS, {"max_pixels": 2.5}, "max_pixels must be an int from 1"),
        ],
    )
    def test_is_told(self, ax, label_map, options, message):
        with pytest.raises(ValueError, match=message):
            draw(label_map, ax=ax, **options)


def test_names_of_clusters_that_are_not_there_are_refused():
    label_map = np.repeat([0, 1, -2], 4).reshape(3, 4)
    with pytest.raises(ValueError, match="names 99, and there are only the 2 clusters"):
        ClusterMapDisplay.from_predictions(label_map, names={0: "arm", 99: "disc"})
    ClusterMapDisplay.from_predictions(label_map, names={0: "arm"})

# SPDX-License-Identifier: BSD-3-Clause
"""Colors of clusters can be told apart, by everybody."""

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from scipy.spatial.distance import pdist

from skesom.displays import cluster_colors
from skesom.displays.colors import (
    MISSING_COLOR,
    NOISE_COLOR,
    SKY_COLOR,
    cluster_palette,
)

JUST_NOTICEABLE = 2.3  # in CIELAB (Mahy et al. 1994)

# Another model of color blindness than that of the palette: Vienot et al. (1999).
EYES = {
    "all cones": np.eye(3),
    "protanope": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
    "deuteranope": [
        [0.29275, 0.70725, 0],
        [0.29275, 0.70725, 0],
        [-0.02234, 0.02234, 1],
    ],
}


def linear_light(colors):
    """Return how much light a screen gives for red, green and blue."""
    colors = np.asarray(colors)[:, :3]
    return np.where(colors > 0.04045, ((colors + 0.055) / 1.055) ** 2.4, colors / 12.92)


def lightness(colors):
    """Return the lightness of colors in Oklab (Ottosson 2020)."""
    to_cones = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    cones = np.cbrt(linear_light(colors) @ np.transpose(to_cones))
    return cones @ [0.2104542553, 0.7936177850, -0.0040720468]


def least_difference(colors, eye):
    """Return the smallest CIELAB difference of any two colors, as an eye sees them."""
    linear = np.clip(linear_light(colors) @ np.transpose(EYES[eye]), 0, 1)
    to_xyz = [
        [0.4124, 0.3576, 0.1805],
        [0.2126, 0.7152, 0.0722],
        [0.0193, 0.1192, 0.9505],
    ]
    xyz = linear @ np.transpose(to_xyz) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    lab = np.column_stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])]
    )
    return pdist(lab).min()


class TestPalette:
    """Colors by their number alone."""

    @pytest.mark.parametrize("n_clusters", [0, 1, 2, 3, 8, 10, 11, 40, 200])
    def test_are_opaque_colors_from_dark_to_light(self, n_clusters):
        colors = cluster_palette(n_clusters)
        assert colors.shape == (n_clusters, 4)
        assert ((colors >= 0) & (colors <= 1)).all()
        assert (colors[:, 3] == 1).all()
        # But for what a screen cannot show.
        assert (np.diff(lightness(colors)) >= -0.01).all()
        for other in (SKY_COLOR, MISSING_COLOR, NOISE_COLOR):
            apart = np.abs(colors[:, :3] - to_rgb(other)).max(axis=1)
            assert apart.min(initial=1) > 0.06
        colors[:] = 0  # they belong to the caller
        assert cluster_palette(n_clusters)[:, :3].any() == (n_clusters > 0)

    @pytest.mark.parametrize("eye", EYES)
    @pytest.mark.parametrize(
        ("n_clusters", "times"),
        [(2, 25), (5, 12), (8, 10), (10, 8), (20, 3), (40, 2), (200, 1)],
    )
    def test_can_be_told_apart(self, n_clusters, times, eye):
        colors = cluster_palette(n_clusters)
        assert least_difference(colors, eye) > times * JUST_NOTICEABLE

    @pytest.mark.parametrize("eye", ["protanope", "deuteranope"])
    @pytest.mark.parametrize(("name", "n_colors"), [("tab10", 10), ("tab20", 20)])
    def test_serve_the_color_blind_better_than_usual(self, name, n_colors, eye):
        usual = least_difference(colormaps[name].colors, eye)
        assert least_difference(cluster_palette(n_colors), eye) > 2 * usual

    @pytest.mark.parametrize("n_clusters", [200, 201, 2000])
    def test_of_many_no_two_are_the_same(self, n_clusters):
        colors = np.rint(255 * cluster_palette(n_clusters)).astype(int)
        assert len(np.unique(colors, axis=0)) == n_clusters

    @pytest.mark.parametrize("n_clusters", [-1, 2.5, "8"])
    def test_wants_a_number(self, n_clusters):
        with pytest.raises(ValueError, match="n_clusters must be an int from 0"):
            cluster_palette(n_clusters)


class TestColorsByBrightness:
    """The palette, the faintest cluster in the darkest color."""

    @pytest.mark.parametrize(
        ("labels", "cube", "ranks"),
        [
            (
                [[0, 0, 0], [1, 1, -3], [2, -1, -3]],
                [[[5.0], [5], [5]], [[1], [1], [99]], [[9], [99], [np.nan]]],
                [1, 0, 2],
            ),
            # A missing band is left out.
            ([[1, 0]], [[[1.0, 1.0], [np.nan, 3.0]]], [1, 0]),
            ([[-1, -1], [-3, -3]], np.ones((2, 2, 1)), []),
        ],
    )
    def test_follow_brightness_and_not_numbers(self, labels, cube, ranks):
        colors = cluster_colors(np.array(labels), np.array(cube))
        expected = cluster_palette(len(ranks))[np.array(ranks, dtype=int)]
        np.testing.assert_array_equal(colors, expected)

    def test_large_images_are_summed_in_blocks(self):
        rng = np.random.default_rng(0)
        label_map = rng.integers(0, 5, (700, 400))
        brightness = np.array([3.0, 1, 4, 0, 2])
        cube = brightness[label_map][:, :, np.newaxis] + rng.random((700, 400, 2))
        colors = cluster_colors(label_map, cube)
        np.testing.assert_array_equal(colors, cluster_palette(5)[[3, 1, 4, 0, 2]])

# SPDX-License-Identifier: BSD-3-Clause
"""Nine shapes whose clusters are known, each a problem of its own.

Drawn anew after the descriptions of the Fundamental Clustering Problems Suite: Ultsch,
A. (2005), "Clustering with SOM: U*C", Proc. Workshop on Self-Organizing Maps, 75-82.
Each function takes a NumPy generator and gives points and their clusters.
"""

import numpy as np


def hepta(rng):
    """Six balls around a small dense one: different inner variances."""
    centers = 3.0 * np.vstack([np.zeros(3), np.eye(3), -np.eye(3)])
    radii = [0.1] + 6 * [1.0]
    return together(
        center + radius * ball(rng, 32 if radius < 1 else 30, 3)
        for center, radius in zip(centers, radii, strict=True)
    )


def lsun(rng):
    """Two bars at a right angle and a ball: different shapes and variances."""
    return together(
        [
            rng.uniform([0, 0], [4.0, 0.6], (200, 2)),
            rng.uniform([0, 1.2], [0.6, 4.5], (100, 2)),
            [3.0, 3.2] + 0.7 * ball(rng, 100, 2),
        ]
    )


def tetra(rng):
    """Four balls that almost touch."""
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    return together(corners + 1.2 * ball(rng, 100, 3) for corners in corners)


def two_diamonds(rng):
    """Two squares on their corners that touch in one point."""
    turn = np.array([[1.0, 1.0], [-1.0, 1.0]])  # a unit square becomes a diamond
    return together(
        rng.uniform(-0.5, 0.5, (400, 2)) @ turn + [side, 0] for side in (-1.02, 1.02)
    )


def chainlink(rng):
    """Two rings, one through the other: not separable by a plane."""
    rings = []
    for axes, center in (((0, 1), (0, 0, 0)), ((0, 2), (1, 0, 0))):
        angle = rng.uniform(0, 2 * np.pi, 500)
        ring = 0.1 * ball(rng, 500, 3)
        ring[:, axes[0]] += np.cos(angle)
        ring[:, axes[1]] += np.sin(angle)
        rings.append(ring + center)
    return together(rings)


def atom(rng):
    """A core inside a hull: different variances, not separable by a plane."""
    direction = rng.normal(size=(400, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    hull = direction * rng.uniform(45, 50, (400, 1))
    return together([10 * ball(rng, 400, 3), hull])


def target(rng):
    """A disc in a ring, and four far groups of three points."""
    angle = rng.uniform(0, 2 * np.pi, 395)
    radius = rng.uniform(2.3, 2.7, 395)
    corners = 3.5 * np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    return together(
        [
            0.8 * ball(rng, 363, 2),
            np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]),
            *(corner + 0.1 * rng.normal(size=(3, 2)) for corner in corners),
        ]
    )


def wingnut(rng):
    """Two rectangles side by side, each denser towards the near opposite corner."""
    along = np.sqrt(rng.uniform(size=508))  # density grows linearly along the side
    wing = np.column_stack([3 * along, rng.uniform(0.15, 2, 508)])
    other = np.column_stack([3 * np.sqrt(rng.uniform(size=508)), wing[:, 1]])
    other[:, 1] = rng.uniform(0.15, 2, 508)
    return together([wing, [3, 0] - other])


def engytime(rng):
    """Two normal distributions that overlap: density decides."""
    return together([rng.normal(0.0, 1.0, (2048, 2)), rng.normal(3.0, 1.0, (2048, 2))])


def golf_ball(rng):
    """Points on the unit sphere: one cluster, hollow."""
    points = rng.normal(size=(4002, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return together([points])


def ball(rng, n_points, n_features):
    """Points spread evenly over the unit ball."""
    direction = rng.normal(size=(n_points, n_features))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return direction * rng.uniform(size=(n_points, 1)) ** (1 / n_features)


def together(clusters):
    clusters = list(clusters)
    return (
        np.concatenate(clusters),
        np.repeat(np.arange(len(clusters)), [len(points) for points in clusters]),
    )


SHAPES = {
    shape.__name__: shape
    for shape in (
        atom,
        chainlink,
        engytime,
        hepta,
        lsun,
        target,
        tetra,
        two_diamonds,
        wingnut,
    )
}

# SPDX-License-Identifier: BSD-3-Clause
"""Families of point sets whose clusters are known: half to choose on, half to report.

Each function takes a NumPy generator and returns points and their clusters; what the
generator draws changes numbers, widths, distances and angles too, not the points alone.
A cluster of -1 is noise, which no index counts. Choices of the second stage are made on
`CHOOSING` with seeds below `FIRST_REPORTING_SEED`; `REPORTING` with seeds from there on
only reports.
"""

import numpy as np

from tests.helpers.shapes import ball, together

FIRST_REPORTING_SEED = 1000


def stripes(rng):
    """Long bodies side by side that almost touch."""
    n_stripes, width = rng.integers(2, 5), rng.uniform(0.6, 1.0)
    gap = rng.uniform(0.25, 0.4)
    return together(
        turned(
            rng.uniform([-6, 0], [6, width], (500, 2)) + [0, number * (width + gap)],
            0.3,
        )
        for number in range(n_stripes)
    )


def parabolas(rng):
    """Two bent bodies, the end of each inside the bend of the other."""
    along = rng.uniform(-1.2, 1.2, (2, 600))
    across = rng.normal(0, rng.uniform(0.07, 0.12), (2, 600))
    height = rng.uniform(1.8, 2.1)
    return together(
        [
            np.column_stack([along[0], along[0] ** 2 + across[0]]),
            np.column_stack([along[1] + 1.2, height - along[1] ** 2 + across[1]]),
        ]
    )


def densities(rng):
    """Groups of the same number of points whose widths differ ten times."""
    widths = rng.permutation([0.1, 0.2, 0.4, 1.0])
    return together(
        far_apart(rng, rng.normal(size=(300, 2)) * width, turn, 2.6)
        for turn, width in enumerate(widths)
    )


def big_and_small(rng):
    """A wide body of most points, and small ones at its side."""
    n_small = rng.integers(2, 5)
    radius = rng.uniform(0.35, 0.5)
    clusters = [3.0 * ball(rng, 1500, 2)]
    for turn in range(n_small):
        way = np.array([np.cos(0.9 * turn), np.sin(0.9 * turn)])
        clusters.append(way * (3.3 + radius) + radius * ball(rng, 80, 2))
    return together(clusters)


def unbalanced(rng):
    """Dense groups of very many points, and thin groups of few."""
    centers = rng.permutation(12)[:6]
    sizes = [1500, 1000, 1000, 60, 60, 60]
    widths = [0.5, 0.5, 0.5, 0.8, 0.8, 0.8]
    return together(
        [6.0 * (c % 4), 6.0 * (c // 4)] + width * rng.normal(size=(size, 2))
        for c, size, width in zip(centers, sizes, widths, strict=True)
    )


def groups_in_noise(rng):
    """Groups of different widths in points of noise strewn between them."""
    points, truth = together(
        far_apart(rng, rng.normal(size=(300, 2)) * width, turn, 3.0)
        for turn, width in enumerate(rng.uniform(0.25, 0.6, 5))
    )
    return with_noise(rng, points, truth, 0.15)


def bodies_in_noise(rng):
    """A ring, a bar and a wave in points of noise."""
    angle, along = rng.uniform(0, 2 * np.pi, 500), rng.uniform(-3, 3, (2, 400))
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) * 1.2 + [0, 2.4]
    wave = np.column_stack([along[0], 0.5 * np.sin(2.2 * along[0]) - 2.0])
    bar = np.column_stack([along[1], np.full(400, -0.1)])
    bodies = [body + 0.1 * rng.normal(size=body.shape) for body in (ring, bar, wave)]
    points, truth = together(turned(body, rng.uniform(0, 0.2)) for body in bodies)
    return with_noise(rng, points, truth, rng.uniform(0.1, 0.2))


def spirals(rng):
    """Two or three arms of a spiral."""
    n_arms = rng.integers(2, 4)
    points = [arm(rng, 350, number / n_arms, n_turns=1.2) for number in range(n_arms)]
    return together(points)


def spirals_in_noise(rng):
    """Two arms of a spiral with points of noise between them."""
    points, truth = together(
        arm(rng, 500, number / 2, n_turns=1.5) for number in (0, 1)
    )
    return with_noise(rng, points, truth, 0.1)


def rings(rng):
    """Rings around each other, of the same number of points."""
    radii = np.cumsum(rng.uniform(0.9, 1.3, 3))
    return together(ring_of(rng, 400, radius, 0.1) for radius in radii)


def rings_in_noise(rng):
    """A core in a ring in a ring, with points of noise."""
    points, truth = together(
        [
            0.5 * ball(rng, 300, 2),
            ring_of(rng, 500, 1.4, 0.08),
            ring_of(rng, 800, 2.6, 0.1),
        ]
    )
    return with_noise(rng, points, truth, 0.1)


def moons(rng):
    """Two half moons, each with its end in the other."""
    return together(two_moons(rng, (500, 500), rng.uniform(0.07, 0.12)))


def uneven_moons(rng):
    """Two half moons, one of them much denser than the other."""
    return together(two_moons(rng, (900, 150), rng.uniform(0.06, 0.09)))


def moons_in_noise(rng):
    """Two half moons with points of noise around and between them."""
    points, truth = together(two_moons(rng, (500, 500), rng.uniform(0.05, 0.08)))
    return with_noise(rng, points, truth, rng.uniform(0.08, 0.15))


def waves_in_noise(rng):
    """Two or three waves above each other with points of noise between them."""
    waves = []
    for number in range(rng.integers(2, 4)):
        along = rng.uniform(-4, 4, 450)
        wave = np.column_stack([along, 0.6 * np.sin(1.6 * along) + 1.3 * number])
        waves.append(wave + 0.1 * rng.normal(size=wave.shape))
    return with_noise(rng, *together(waves), rng.uniform(0.08, 0.15))


def disc_and_balls(rng):
    """A thin disc of most points, and dense small balls that almost touch it."""
    balls = [
        turned(np.array([[3.1 + radius, 0.0]]), angle) + radius * ball(rng, 100, 2)
        for angle, radius in zip((0.4, 2.5), rng.uniform(0.3, 0.6, 2), strict=True)
    ]
    return together([2.7 * ball(rng, 1200, 2), *balls])


def interlocked_rings(rng):
    """Two rings in three dimensions, one through the other, of uneven thickness."""
    return together(chain_of_rings(rng, 2, rng.uniform(0.08, 0.15, 2)))


def chain_of_four(rng):
    """Four rings in three dimensions, each through the next."""
    return together(chain_of_rings(rng, 4, rng.uniform(0.08, 0.13, 4)))


def elongated(rng):
    """Overlapping long normal groups in 4 to 10 dimensions."""
    return normal_groups(rng, rng.integers(4, 11), rng.integers(3, 6), 400, 5.0)


def elongated_many(rng):
    """Overlapping long normal groups in 10 to 30 dimensions."""
    return normal_groups(rng, rng.integers(10, 31), rng.integers(3, 8), 400, 6.0)


def crossing(rng):
    """Two long thin normal groups of a plane that cross each other's ends."""
    long, short = rng.uniform(1.5, 2.5), rng.uniform(0.12, 0.25)
    groups = rng.normal(size=(2, 600, 2)) * [long, short]
    angle = rng.uniform(0.7, 1.4)
    return together([groups[0], turned(groups[1], angle) + [1.6 * long, 0]])


def parallel_normals(rng):
    """Long thin normal groups side by side that overlap a little."""
    n_groups, length = rng.integers(2, 5), rng.uniform(2.0, 4.0)
    return together(
        turned(rng.normal(size=(400, 2)) * [length, 0.3] + [0, 1.5 * number], 0.5)
        for number in range(n_groups)
    )


def grid(rng):
    """Many round normal groups close to each other."""
    places = rng.permutation(25)[: rng.integers(12, 21)]
    width = rng.uniform(0.14, 0.19)
    return together(
        [place % 5, place // 5] + width * rng.normal(size=(120, 2)) for place in places
    )


def many_normals(rng):
    """Fifteen normal groups of a plane, of random forms, some of which overlap."""
    clusters = []
    for place in rng.permutation(16)[:15]:
        form = rng.normal(0, 0.16, (2, 2)) + 0.12 * np.eye(2)
        center = np.array([place % 4, place // 4]) + rng.uniform(-0.15, 0.15, 2)
        clusters.append(center + rng.normal(size=(200, 2)) @ form)
    return together(clusters)


def small_groups(rng):
    """Tables of 100 to 300 rows: normal groups in 2 to 5 dimensions."""
    n_groups = rng.integers(3, 6)
    size = rng.integers(100, 301) // n_groups
    return normal_groups(rng, rng.integers(2, 6), n_groups, size, 4.5)


def small_bodies(rng):
    """Tables of 200 to 400 rows: a bar, a bow and a ball."""
    along, angle = rng.uniform(0, 4, 120), rng.uniform(0, np.pi, 120)
    bar = np.column_stack([along, rng.uniform(0, 0.5, 120)])
    bow = np.column_stack([2 + 1.8 * np.cos(angle), 1.4 + 1.8 * np.sin(angle)])
    bow += 0.12 * rng.normal(size=bow.shape)
    return together([bar, bow, [2.0, 1.8] + 0.45 * ball(rng, rng.integers(40, 120), 2)])


def heavy_tails(rng):
    """Groups of Student's t distribution with three degrees of freedom."""
    n_groups, n_features = rng.integers(3, 6), rng.integers(2, 5)
    centers = spaced(rng, n_groups, n_features, 7.0)
    return together(
        center + rng.standard_t(3, (400, n_features)) * rng.uniform(0.6, 1.2)
        for center in centers
    )


def long_tails(rng):
    """Lognormal groups: dense to one side, long tails to the other."""
    centers = spaced(rng, 3, 3, 4.0)
    return together(
        center + np.exp(rng.normal(0, 0.8, (400, 3))) * rng.choice([-1, 1], 3) * 0.5
        for center in centers
    )


def high_dimensional(rng):
    """Round normal groups in 32 to 64 dimensions, of different sizes."""
    n_groups, n_features = rng.integers(4, 9), rng.integers(32, 65)
    centers = rng.normal(size=(n_groups, n_features)) * rng.uniform(0.6, 0.9)
    return together(
        center + rng.normal(size=(rng.integers(60, 400), n_features))
        for center in centers
    )


def subspaces(rng):
    """Flat normal groups in 20 dimensions, each in a plane of its own."""
    clusters = []
    for center in rng.normal(size=(rng.integers(3, 6), 20)) * 0.6:
        axes = np.linalg.qr(rng.normal(size=(20, 2)))[0]
        clusters.append(
            center
            + rng.normal(size=(300, 2)) @ axes.T * 2
            + 0.25 * rng.normal(size=(300, 20))
        )
    return together(clusters)


def nested_squares(rng):
    """A square in a frame in a frame, with narrow gaps between them."""
    points = rng.uniform(-3, 3, (3200, 2))
    far = np.abs(points).max(axis=1)
    gap = rng.uniform(0.18, 0.28)
    parts = [far < 1, (far > 1 + gap) & (far < 2), far > 2 + gap]
    return together(points[part] for part in parts)


def face(rng):
    """Two eyes, a nose, a mouth and the round of a face."""
    angle = rng.uniform(1.15 * np.pi, 1.85 * np.pi, 250)
    mouth = np.column_stack([np.cos(angle), np.sin(angle)]) * 2.0 + [0, 0.3]
    mouth += 0.08 * rng.normal(size=mouth.shape)
    nose = rng.uniform([-0.15, -0.7], [0.15, 0.6], (100, 2))
    eyes = [[side, 1.2] + 0.35 * ball(rng, 150, 2) for side in (-1.0, 1.0)]
    return together([ring_of(rng, 800, 3.2, 0.12), mouth, nose, *eyes])


def cells(rng):
    """Dense bodies of very different size, a little skew, with strays between them."""
    return bodies_and_strays(rng, _skewed, share=rng.uniform(0.01, 0.03))


def stained_cells(rng):
    """Dense bodies of very different size, with tails, and more strays between them."""
    return bodies_and_strays(rng, _tailed, share=rng.uniform(0.02, 0.05))


def turned(points, angle):
    """Turn points of a plane."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return points @ np.array([[cosine, sine], [-sine, cosine]])


def far_apart(rng, points, turn, distance):
    """Move a group of a plane to one of the places of a wide grid."""
    place = np.array([turn % 3, turn // 3]) + rng.uniform(-0.12, 0.12, 2)
    return points + distance * place


def with_noise(rng, points, truth, share):
    """Add points of noise, spread evenly over the box of the points and around it."""
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.1 * (high - low)
    n_noise = int(share * len(points))
    noise = rng.uniform(low - margin, high + margin, (n_noise, points.shape[1]))
    return np.concatenate([points, noise]), np.append(truth, np.full(n_noise, -1))


def arm(rng, n_points, start, n_turns):
    """One arm of a spiral, its points evenly spread along it."""
    way = np.sqrt(rng.uniform(0.04, 1, n_points))
    angle = 2 * np.pi * (n_turns * way + start)
    points = 4 * way[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return points + 0.09 * rng.normal(size=points.shape)


def ring_of(rng, n_points, radius, width):
    """A ring around the origin of the plane."""
    angle = rng.uniform(0, 2 * np.pi, n_points)
    radius = radius + width * rng.normal(size=n_points)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def two_moons(rng, sizes, noise):
    """Two half moons of so many points."""
    upper, lower = (rng.uniform(0, np.pi, size) for size in sizes)
    moons = [
        np.column_stack([np.cos(upper), np.sin(upper)]),
        np.column_stack([1 - np.cos(lower), 0.45 - np.sin(lower)]),
    ]
    return [moon + noise * rng.normal(size=moon.shape) for moon in moons]


def chain_of_rings(rng, n_rings, widths):
    """Rings in turned planes, each through the next."""
    rings = []
    for number, width in enumerate(widths):
        ring = width * rng.normal(size=(400, 3))
        flat = ring_of(rng, 400, 1.0, 0.0)
        ring[:, [0, 1 + number % 2]] += flat
        rings.append(ring + [1.2 * number, 0, 0])
    return rings


def normal_groups(rng, n_features, n_groups, size, distance):
    """Normal groups of random long forms, their centers at least so far apart."""
    clusters = []
    for center in spaced(rng, n_groups, n_features, distance):
        axes = np.linalg.qr(rng.normal(size=(n_features, n_features)))[0]
        widths = np.exp(rng.uniform(np.log(0.4), np.log(2.5), n_features))
        n_points = max(int(size * rng.uniform(0.6, 1.4)), 20)
        points = rng.normal(size=(n_points, n_features)) * widths
        clusters.append(center + points @ axes)
    return together(clusters)


def bodies_and_strays(rng, form, share):
    """Five to seven bodies, the largest over 30 times the smallest, and strays."""
    n_bodies, n_features = rng.integers(5, 8), rng.integers(5, 10)
    sizes = np.geomspace(rng.uniform(80, 150), rng.uniform(4500, 8000), n_bodies)
    sizes[1:-1] *= rng.uniform(0.7, 1.4, n_bodies - 2)
    centers = spaced(rng, n_bodies, n_features, 7.0)
    bodies = []
    for center, size in zip(centers, rng.permutation(sizes), strict=True):
        axes = np.linalg.qr(rng.normal(size=(n_features, n_features)))[0]
        widths = np.exp(rng.normal(0, 0.25, n_features)) * rng.uniform(0.5, 1.3)
        points = form(rng, rng.normal(size=(int(size), n_features)))
        bodies.append(center + (points * widths) @ axes)
    points, truth = together(bodies)
    # A stray lies anywhere between two bodies, or a little beyond one of them.
    n_strays = int(share * len(points))
    ends = rng.integers(n_bodies, size=(2, n_strays))
    way = rng.uniform(-0.3, 1.3, (n_strays, 1))
    strays = centers[ends[0]] * way + centers[ends[1]] * (1 - way)
    strays += rng.normal(0, 1.5, strays.shape)
    return np.concatenate([points, strays]), np.append(truth, np.full(n_strays, -1))


def _skewed(rng, points):
    """Bend normal points to one side."""
    return points + rng.uniform(0.05, 0.2) * (points**2 - 1)


def _tailed(rng, points):
    """Give normal points the tails of Student's distribution of 8 degrees."""
    return points / np.sqrt(rng.chisquare(8, (len(points), 1)) / 8)


def spaced(rng, n_centers, n_features, distance):
    """Centers at random whose nearest two are so far apart."""
    centers = rng.normal(size=(n_centers, n_features))
    between = np.linalg.norm(centers[:, None] - centers, axis=2)
    return centers * (distance / between[between > 0].min())


def _named(*families):
    return {family.__name__: family for family in families}


CHOOSING = _named(
    stripes,
    densities,
    unbalanced,
    groups_in_noise,
    spirals,
    rings,
    moons,
    moons_in_noise,
    waves_in_noise,
    disc_and_balls,
    interlocked_rings,
    elongated,
    crossing,
    grid,
    small_groups,
    heavy_tails,
    high_dimensional,
    face,
)
REPORTING = _named(
    parabolas,
    big_and_small,
    bodies_in_noise,
    spirals_in_noise,
    rings_in_noise,
    uneven_moons,
    chain_of_four,
    elongated_many,
    parallel_normals,
    many_normals,
    small_bodies,
    long_tails,
    subspaces,
    nested_squares,
)
CELLS = _named(cells)  # apart from the others: judged at more clusters than there are
REPORTING_CELLS = _named(stained_cells)

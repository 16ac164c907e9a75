# SPDX-License-Identifier: BSD-3-Clause
"""The small things of the synthetic galaxy: nebulae, clusters, remnants and stars.

Their sizes are in pixels and their numbers follow the area, so a larger frame shows
the galaxy from nearer by.
"""

from dataclasses import dataclass, fields

import numpy as np

REFERENCE_AREA = 605 * 605


@dataclass
class PointSources:
    """Compact sources: places and sizes in pixels, flux at 550 nm, temperature in K."""

    rows: np.ndarray
    columns: np.ndarray
    flux: np.ndarray
    temperature: np.ndarray
    size: np.ndarray

    def joined(self, other):
        """Return the sources of both."""
        return PointSources(
            *(
                np.append(getattr(self, field.name), getattr(other, field.name))
                for field in fields(self)
            )
        )


def _scaled_number(number, area, at_least):
    """Return the number of objects in an area, from that in a frame of 605 x 605."""
    return max(round(number * area / REFERENCE_AREA), at_least)


def _draw_places(density, number, rng):
    """Return places (rows, columns) drawn in proportion to a density map."""
    cumulated = np.cumsum(density, dtype=np.float64)
    picked = np.searchsorted(cumulated, rng.uniform(0.0, cumulated[-1], number))
    picked = np.minimum(picked, density.size - 1)
    rows, columns = np.divmod(picked, density.shape[1])
    return (
        rows + rng.uniform(-0.5, 0.5, number),
        columns + rng.uniform(-0.5, 0.5, number),
    )


def _power_law(exponent, low, high, number, rng):
    """Return draws from a density that falls as value**-exponent."""
    power = 1.0 - exponent
    ends = low**power, high**power
    return (ends[0] + rng.random(number) * (ends[1] - ends[0])) ** (1.0 / power)


def _window(row, column, reach, shape):
    """Return the part of the frame around a place, and the offsets from the place."""
    rows = slice(max(int(row - reach), 0), min(int(row + reach) + 2, shape[0]))
    columns = slice(max(int(column - reach), 0), min(int(column + reach) + 2, shape[1]))
    y = (np.arange(rows.start, rows.stop) - row)[:, np.newaxis]
    x = np.arange(columns.start, columns.stop) - column
    return (rows, columns), y, x


def _local_texture(noise, strength):
    """Return noise of a small window as a factor around 1, whatever its scale."""
    spread = noise.std()
    return np.exp(strength * (noise - noise.mean()) / (spread if spread > 0 else 1.0))


def _wobbly_distance(y, x, radius, strength, rng):
    """Return the distance from a center in units of an irregular outline's radius."""
    angle = np.arctan2(y, x)
    outline = 1.0
    for order in range(2, 6):
        outline = outline + strength / order * rng.normal() * np.cos(
            order * angle + rng.uniform(0.0, 2.0 * np.pi)
        )
    return np.hypot(y, x) / (radius * np.maximum(outline, 0.35))


def star_forming_regions(density, clumps, area, rng):
    """Return H II regions strung along the arms, and the clusters that light them.

    Luminosities follow dN/dL ~ L**-1.9 (Kennicutt, Edgar & Hodge 1989 find -2 +- 0.5)
    and radii L**(1/3), as those of Stromgren spheres. The gas near the stars is highly
    ionised (core), its one-sided rim is not (shell).
    """
    shape = density.shape
    number = _scaled_number(600, area, 3)
    rows, columns = _draw_places(density**2, number, rng)
    luminosity = _power_law(1.9, 1.0, 3.0 * number, number, rng)
    largest = max(0.04 * np.sqrt(density.size), 2.0)
    radii = np.minimum(1.7 * luminosity ** (1 / 3), largest)
    rows, columns, radii = _break_up(rows, columns, radii, shape, rng)
    core = np.zeros(shape, dtype=np.float32)
    shell = np.zeros(shape, dtype=np.float32)
    for row, column, radius in zip(rows, columns, radii, strict=True):
        window, y, x = _window(row, column, 3.0 * radius + 2, shape)
        distance = _wobbly_distance(y, x, radius, 0.4, rng)
        texture = _local_texture(clumps[window], 0.75) * radius**0.4
        side = 1.0 + 0.7 * np.cos(np.arctan2(y, x) - rng.uniform(0.0, 2.0 * np.pi))
        rim = np.exp(-(((distance - 0.8) / 0.25) ** 2))
        core[window] += 2.0 * texture * np.exp(-((distance / 0.6) ** 2))
        shell[window] += texture * (1.2 * side * rim + 0.6 * np.exp(-1.7 * distance))
    gas = {"nebula core": core, "nebula shell": shell}
    return gas, _clusters(density, (rows, columns, radii), area, rng)


def _break_up(rows, columns, radii, shape, rng):
    """Return the bubbles that the regions consist of: the larger one is, the more."""
    n_bubbles = 1 + rng.poisson(0.25 * radii)
    region = np.repeat(np.arange(len(radii)), n_bubbles)
    alone = n_bubbles[region] == 1
    share = np.where(alone, 1.0, rng.uniform(0.3, 0.75, len(region)))
    spread = np.where(alone, 0.0, 0.6) * radii[region]
    rows = rows[region] + spread * rng.normal(size=len(region))
    columns = columns[region] + spread * rng.normal(size=len(region))
    inside = (rows > 0) & (rows < shape[0]) & (columns > 0) & (columns < shape[1])
    return rows[inside], columns[inside], (radii[region] * share)[inside]


def _clusters(density, bubbles, area, rng):
    """Return the clusters inside the bubbles, and the older ones that lost their gas.

    The young ones share the ionising light of their bubble; the older ones follow
    dN/dL ~ L**-2 (Chandar et al. 2010).
    """
    rows, columns, radii = bubbles
    n_members = 1 + rng.poisson(0.35 * radii)
    home = np.repeat(np.arange(len(rows)), n_members)
    n_young = len(home)
    n_old = _scaled_number(420, area, 3)
    old_rows, old_columns = _draw_places(density**0.9, n_old, rng)
    spread = 0.35 * radii[home]
    young_flux = 0.07 * radii[home] ** 3 / n_members[home]
    young_flux *= rng.gamma(1.5, 1.0 / 1.5, n_young)
    old_flux = _power_law(2.0, 0.12, 36.0, n_old, rng)
    young_temperature = rng.uniform(22000.0, 35000.0, n_young)
    old_temperature = rng.uniform(8000.0, 18000.0, n_old)
    return PointSources(
        rows=np.append(rows[home] + spread * rng.normal(size=n_young), old_rows),
        columns=np.append(
            columns[home] + spread * rng.normal(size=n_young), old_columns
        ),
        flux=np.append(young_flux, old_flux),
        temperature=np.append(young_temperature, old_temperature),
        size=rng.uniform(0.2, 0.9, n_young + n_old),
    )


def globular_clusters(density, area, rng):
    """Return old clusters strewn as the stars are."""
    number = _scaled_number(420, area, 3)
    rows, columns = _draw_places(density, number, rng)
    return PointSources(
        rows=rows,
        columns=columns,
        flux=_power_law(2.0, 0.5, 100.0, number, rng),
        temperature=rng.uniform(4500.0, 6500.0, number),
        size=rng.uniform(0.2, 0.9, number),
    )


def supernova_remnants(density, clumps, area, rng):
    """Return the light of thin, nearly round shells, in the arms and between them."""
    shape = density.shape
    number = _scaled_number(18, area, 1)
    rows, columns = _draw_places(np.sqrt(density), number, rng)
    light = np.zeros(shape, dtype=np.float32)
    for row, column in zip(rows, columns, strict=True):
        radius = rng.uniform(2.5, 6.5)
        window, y, x = _window(row, column, 1.8 * radius + 1, shape)
        distance = _wobbly_distance(y, x, radius, 0.12, rng)
        texture = _local_texture(clumps[window], 0.4)
        ring = np.exp(-(((distance - 0.85) / 0.18) ** 2)) + 0.25 * (distance < 0.85)
        light[window] += rng.uniform(0.8, 1.8) * texture * ring
    return light


def foreground_stars(shape, rng):
    """Return stars of the Milky Way: V of 16 to 23, M to A stars."""
    number = _scaled_number(26, shape[0] * shape[1], 2)
    return PointSources(
        rows=rng.uniform(0.0, shape[0] - 1.0, number),
        columns=rng.uniform(0.0, shape[1] - 1.0, number),
        flux=_power_law(1.6, 6.0, 4000.0, number, rng),
        temperature=rng.uniform(3200.0, 8500.0, number),
        size=np.zeros(number),
    )

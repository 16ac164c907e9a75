# SPDX-License-Identifier: BSD-3-Clause
"""The synthetic galaxy before any telescope: maps of light and dust, compact sources.

Young stars, gas and dust share spiral coordinates and fractal noise, so that they lie
together. Compact objects have sizes in pixels; their number grows with the area.
"""

from typing import NamedTuple

import numpy as np
from scipy import fft, ndimage
from scipy.special import expit

from skesom.datasets._galaxy_light import PIXEL_SCALE

PITCH_ANGLE = np.deg2rad(17.0)
FEATHER_ANGLE = np.deg2rad(38.0)
BAR_RADIUS = 0.17  # in units of the radius of the disc, as all lengths here
DUST_LEAD = 0.42  # rad: the lanes lie on the inner edges of the arms
FACE_ON, EDGE_ON = 0.91, 0.16  # ratio of the axes
CALM, STIRRED = 0.035, 0.15  # depth of turbulence
KINDS = ("spiral", "edge-on", "merger", "elliptical")
REFERENCE_AREA = 605 * 605


class PointSources(NamedTuple):
    """Compact sources: places and sizes in pixels, flux at 550 nm, temperature in K."""

    rows: np.ndarray
    columns: np.ndarray
    flux: np.ndarray
    temperature: np.ndarray
    size: np.ndarray


class Scene(NamedTuple):
    """All sources of light, and the dust in front of them."""

    starlight: dict  # a map of light for each name of a spectrum
    gas: dict
    clusters: PointSources
    stars: PointSources
    optical_depth: np.ndarray


class Geometry(NamedTuple):
    """Polar coordinates in the plane of a disc, in units of its radius."""

    radius: np.ndarray
    angle: np.ndarray
    length: float  # radius of the disc in pixels
    round_radius: np.ndarray  # distance from the center on the sky

    def arm_phase(self, pitch_angle):
        """Return the angle from the crest of a logarithmic spiral that leaves a bar."""
        winding = np.log(np.hypot(self.radius, np.float32(BAR_RADIUS)))
        return self.angle - winding / np.float32(np.tan(pitch_angle))


def make_scene(shape, extent, rng, *, kind="spiral", dust=1.0, star_formation=1.0):
    """Return the scene on a pixel grid."""
    if kind == "elliptical":
        scene = _elliptical(shape, extent, rng)
    elif kind == "merger":
        # rng gives each disc its own places and arms.
        first, second = (
            _disc(shape, 0.65 * extent, rng, offset=offset, stirring=STIRRED)
            for offset in (-0.22 * extent, 0.22 * extent)
        )
        lights = zip(first[:2], second[:2], strict=True)
        starlight, gas = ({k: one[k] + two[k] for k in one} for one, two in lights)
        clusters = PointSources(*map(np.append, first.clusters, second.clusters))
        depth = first.optical_depth + second.optical_depth
        scene = Scene(starlight, gas, clusters, first.stars, depth)
    else:
        ratio = EDGE_ON if kind == "edge-on" else FACE_ON
        scene = _disc(shape, extent, rng, axis_ratio=ratio)
    scene.optical_depth[...] *= np.float32(dust)
    if kind != "elliptical":
        scene.starlight["young"] *= np.float32(star_formation)
        for light in scene.gas.values():
            light *= np.float32(star_formation)
        scene.clusters.flux[...] *= star_formation
    return scene


def _disc(shape, extent, rng, *, axis_ratio=FACE_ON, offset=0.0, stirring=CALM):
    """Return a disc with a bulge and two arms, with their nebulae and clusters."""
    geometry = _make_geometry(shape, extent, rng, axis_ratio, offset, stirring)
    clumps = fractal_noise(shape, 2.2, rng)
    feathers = _spiral_texture(geometry, rng)
    radius, phase = geometry.radius, geometry.arm_phase(PITCH_ANGLE)
    bar = _arms(phase, 1.2) * np.exp(-((radius / np.float32(1.3 * BAR_RADIUS)) ** 2))
    disc = surface_brightness(20.0) * np.exp(radius / np.float32(-2.2))
    disc *= 1.0 + 0.3 * _arms(phase, 1.0) + 1.2 * bar
    disc *= _edge(geometry) * _grain(shape, 0.12, rng)
    # A bulge is round, which shows where its disc is seen from the side.
    face_on = axis_ratio == FACE_ON
    bulge = _bulge(radius if face_on else geometry.round_radius)
    density = _young_density(geometry, clumps, feathers)
    optical_depth = _dust(geometry, feathers, rng)
    area = min(extent, 1.0) ** 2 * shape[0] * shape[1] * (axis_ratio / FACE_ON)
    gas, clusters = star_forming_regions(density, clumps, area, rng)
    blur = 0.006 * geometry.length
    gas["diffuse gas"] = 0.8 * ndimage.gaussian_filter(density, blur)
    gas["remnant"] = supernova_remnants(density, clumps, area, rng)
    young = surface_brightness(18.9) * density * _grain(shape, 0.45, rng)
    return Scene(
        starlight={"disc": disc, "bulge": bulge, "young": young},
        gas=gas,
        clusters=clusters,
        stars=foreground_stars(shape, rng),
        optical_depth=optical_depth,
    )


def _elliptical(shape, extent, rng):
    """Return old stars, globular clusters, and a tilted disc of dust and gas."""
    geometry = _make_geometry(shape, extent, rng, axis_ratio=0.75)
    radius, dark = geometry.round_radius, geometry.radius
    envelope = surface_brightness(16.8) * np.exp(-5.2 * radius ** np.float32(0.35))
    envelope *= _grain(shape, 0.12, rng)
    web = np.exp(-3.5 * np.abs(fractal_noise(shape, 2.9, rng)))
    ring = np.exp(-(((dark - np.float32(0.3)) / np.float32(0.15)) ** 2))
    nothing = np.zeros(shape, dtype=np.float32)
    area = min(extent, 1.0) ** 2 * shape[0] * shape[1]
    number = _scaled_number(420, area, 3)
    clusters = PointSources(  # old ones, with the density of the stars
        *_draw_places(envelope, number, rng),
        flux=_power_law(2.0, 0.5, 100.0, number, rng),
        temperature=rng.uniform(4500.0, 6500.0, number),
        size=rng.uniform(0.2, 0.9, number),
    )
    return Scene(
        starlight={"disc": envelope, "bulge": _bulge(radius), "young": nothing},
        gas={"diffuse gas": 0.8 * web * np.exp(-((dark / np.float32(0.25)) ** 2))},
        clusters=clusters,
        stars=foreground_stars(shape, rng),
        optical_depth=2.6 * ring * (0.25 + web),
    )


def surface_brightness(magnitude):
    """Return V magnitudes per square arcsec as flux per pixel."""
    return np.float32(10 ** (-0.4 * (magnitude - 25.0)) * PIXEL_SCALE**2)


def fractal_noise(shape, slope, rng):
    """Return noise of mean 0 and variance 1 whose power falls as frequency**-slope."""
    fast = [fft.next_fast_len(length, real=True) for length in shape]
    rows = fft.fftfreq(fast[0])[:, np.newaxis]
    columns = fft.rfftfreq(fast[1])
    power = (rows**2 + columns**2).astype(np.float32)
    power[0, 0] = np.inf
    spectrum = fft.rfft2(rng.standard_normal(fast, dtype=np.float32))
    spectrum *= np.power(power, np.float32(-slope / 4.0), out=power)
    noise = fft.irfft2(spectrum, s=fast)[: shape[0], : shape[1]]
    noise -= noise.mean()
    noise /= noise.std()
    return noise


def _make_geometry(shape, extent, rng, axis_ratio=FACE_ON, offset=0.0, stirring=CALM):
    """Return the coordinates of an inclined, turbulent disc, moved along the rows."""
    length = extent * 0.66 * np.sqrt(shape[0] * shape[1])
    tilt, handedness = rng.uniform(0.0, np.pi), rng.choice([-1.0, 1.0])
    center = [(side - 1) / 2 + side * rng.uniform(-0.04, 0.04) for side in shape]
    center[1] += offset * shape[1]
    y = ((np.arange(shape[0]) - center[0]) / length).astype(np.float32)[:, np.newaxis]
    x = ((np.arange(shape[1]) - center[1]) / length).astype(np.float32)
    along = np.float32(np.cos(tilt)) * x + np.float32(np.sin(tilt)) * y
    across = np.float32(np.cos(tilt)) * y - np.float32(np.sin(tilt)) * x
    round_radius = np.hypot(along, across)
    across /= np.float32(handedness * axis_ratio)
    radius = np.hypot(along, across)
    swirl = np.float32(stirring) * radius / (radius + np.float32(0.1))
    along += swirl * fractal_noise(shape, 3.2, rng)
    across += swirl * fractal_noise(shape, 3.2, rng)
    radius = np.maximum(np.hypot(along, across), np.float32(1e-3))
    return Geometry(radius, np.arctan2(across, along), length, round_radius)


def _spiral_texture(geometry, rng):
    """Return fractal noise stretched along open spirals: spurs and feathers."""
    n_columns = int(np.clip(2.0 * np.pi * 0.7 * geometry.length, 64, 8192))
    n_columns = fft.next_fast_len(n_columns, real=True)
    n_rows = fft.next_fast_len(max(n_columns // 2, 32), real=True)
    texture = fractal_noise((n_rows, n_columns), 2.0, rng)
    per_radian = n_columns / (2.0 * np.pi)
    angles = np.log(geometry.radius), geometry.arm_phase(FEATHER_ANGLE)
    places = np.stack([angle * np.float32(per_radian) for angle in angles])
    return ndimage.map_coordinates(texture, places, order=1, mode="grid-wrap")


def _edge(geometry):
    """Return the fading of the disc at its radius."""
    return expit((np.float32(0.86) - geometry.radius) * np.float32(11.0))


def _arms(phase, sharpness):
    """Return two spiral arms of height 1: a von Mises profile in the phase."""
    return np.exp(np.float32(sharpness) * (np.cos(2.0 * phase) - np.float32(1.0)))


def _grain(shape, strength, rng):
    """Return the noise of single bright stars, as a factor of mean 1."""
    shape_parameter = np.float32(1.0 / strength**2)
    return rng.standard_gamma(shape_parameter, shape, np.float32) / shape_parameter


def _bulge(radius):
    """Return the old stars of a bulge: a Sersic profile of index 2."""
    steepness = -3.67 * np.sqrt(radius / np.float32(0.12))
    return surface_brightness(15.5) * np.exp(steepness)


def _young_density(geometry, clumps, feathers):
    """Return the young stars: clumpy arms, weaker spurs and a hole at the center."""
    radius = geometry.radius
    arms = _arms(geometry.arm_phase(PITCH_ANGLE), 4.0)
    spurs = 0.12 * np.exp(1.1 * feathers - 0.7)
    patches = np.exp(0.75 * clumps + 0.55 * feathers - 0.4)
    hole = -np.expm1(-((radius / np.float32(0.16)) ** 2))
    gas = (arms + spurs) * patches * hole
    # Stars form where the gas exceeds a threshold, which gives the patches an edge.
    formed = gas**2 / (gas**2 + np.float32(0.3**2))
    outwards = np.exp(radius / np.float32(-1.5)) * _edge(geometry)
    return formed * (0.5 + 0.4 * gas) * outwards


def _dust(geometry, feathers, rng):
    """Return the optical depth at 550 nm: lanes on the inner edges, and filaments."""
    radius = geometry.radius
    phase = geometry.arm_phase(PITCH_ANGLE) - np.float32(DUST_LEAD)
    # Where noise changes sign it draws lines: the web of filaments.
    webs = [fractal_noise(radius.shape, 2.9, rng) for _ in range(2)]
    filaments = sum(np.exp(-3.5 * np.abs(web)) for web in webs)
    spurs = _arms(phase - np.float32(0.3), 1.2) * np.exp(-2.5 * np.abs(feathers))
    depth = 2.6 * _arms(phase, 9.0) * (0.25 + filaments)
    depth += (1.6 * spurs + 0.15) * filaments
    depth *= np.exp(radius / np.float32(-0.9)) * _edge(geometry)
    return depth * -np.expm1(-((radius / np.float32(0.12)) ** 2))


def _scaled_number(number, area, at_least):
    """Return the number of objects in an area, from that in a frame of 605 x 605."""
    return max(round(number * area / REFERENCE_AREA), at_least)


def _draw_places(density, number, rng):
    """Return places (rows, columns) drawn in proportion to a density map."""
    cumulated = np.cumsum(density, dtype=np.float64)
    picked = np.searchsorted(cumulated, rng.uniform(0.0, cumulated[-1], number))
    picked = np.minimum(picked, density.size - 1)
    rows, columns = np.divmod(picked, density.shape[1])
    rows = rows + rng.uniform(-0.5, 0.5, number)
    return rows, columns + rng.uniform(-0.5, 0.5, number)


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
        depth = strength / order * rng.normal()
        outline += depth * np.cos(order * angle + rng.uniform(0.0, 2.0 * np.pi))
    return np.hypot(y, x) / (radius * np.maximum(outline, 0.35))


def star_forming_regions(density, clumps, area, rng):
    """Return H II regions along the arms, and the clusters that ionize them.

    dN/dL ~ L**-1.9 (Kennicutt, Edgar & Hodge 1989 find -2 +- 0.5); radii ~ L**(1/3), as
    of Stromgren spheres. Gas near the stars (core) is more ionized than at the rim.
    """
    shape = density.shape
    number = _scaled_number(600, area, 3)
    rows, columns = _draw_places(density**2, number, rng)
    luminosity = _power_law(1.9, 1.0, 3.0 * number, number, rng)
    largest = max(0.04 * np.sqrt(density.size), 2.0)
    radii = np.minimum(1.7 * luminosity ** (1 / 3), largest)
    n_bubbles = 1 + rng.poisson(0.25 * radii)
    region = np.repeat(np.arange(number), n_bubbles)
    alone = n_bubbles[region] == 1
    share = np.where(alone, 1.0, rng.uniform(0.3, 0.75, len(region)))
    spread = np.where(alone, 0.0, 0.6) * radii[region]
    rows = rows[region] + spread * rng.normal(size=len(region))
    columns = columns[region] + spread * rng.normal(size=len(region))
    inside = (rows > 0) & (rows < shape[0]) & (columns > 0) & (columns < shape[1])
    radii = (radii[region] * share)[inside]
    rows, columns = rows[inside], columns[inside]
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


def _clusters(density, bubbles, area, rng):
    """Return the clusters inside the bubbles, and older ones without gas."""
    rows, columns, radii = bubbles
    n_members = 1 + rng.poisson(0.35 * radii)
    home = np.repeat(np.arange(len(rows)), n_members)
    n_young = len(home)
    n_old = _scaled_number(420, area, 3)
    old_rows, old_columns = _draw_places(density**0.9, n_old, rng)
    spread = 0.35 * radii[home]
    young_flux = 0.07 * radii[home] ** 3 / n_members[home]
    young_flux *= rng.gamma(1.5, 1.0 / 1.5, n_young)
    old_flux = _power_law(2.0, 0.12, 36.0, n_old, rng)  # Chandar et al. (2010)
    young_temperature = rng.uniform(22000.0, 35000.0, n_young)
    old_temperature = rng.uniform(8000.0, 18000.0, n_old)
    young_rows = rows[home] + spread * rng.normal(size=n_young)
    young_columns = columns[home] + spread * rng.normal(size=n_young)
    return PointSources(
        rows=np.append(young_rows, old_rows),
        columns=np.append(young_columns, old_columns),
        flux=np.append(young_flux, old_flux),
        temperature=np.append(young_temperature, old_temperature),
        size=rng.uniform(0.2, 0.9, n_young + n_old),
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

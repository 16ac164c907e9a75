# SPDX-License-Identifier: BSD-3-Clause
"""The synthetic galaxy before any telescope: maps of light and dust, compact sources.

Young stars, gas and dust share spiral coordinates and fractal noise, so that they lie
together. Lengths are in units of the radius of the disc; compact objects have sizes in
pixels, and their number grows with the area.
"""

from collections import namedtuple
from math import tan

import numpy as np
from scipy import fft, ndimage
from scipy.special import expit

from skesom.datasets._galaxy_light import PIXEL_SCALE

PITCH_ANGLE, FEATHER_ANGLE = np.deg2rad([17.0, 38.0]).tolist()
BAR_RADIUS = 0.17  # of the disc, from which the arms start
DUST_LEAD = 0.42  # rad: the lanes lie on the inner edges of the arms
FACE_ON, EDGE_ON = 0.91, 0.16  # ratio of the axes
CALM, STIRRED = 0.035, 0.15  # depth of turbulence
KINDS = ("spiral", "edge-on", "merger", "elliptical")
REFERENCE_AREA = 605 * 605


# Compact sources: places and sizes in pixels, flux at 550 nm, temperature in K.
PointSources = namedtuple("PointSources", "rows columns flux temperature size")
# All sources of light, and the dust in front of them; starlight and gas are maps by the
# name of a spectrum.
Scene = namedtuple("Scene", "starlight gas clusters stars optical_depth")
# Polar coordinates in the plane of a disc, its radius in pixels, and distances from the
# center on the sky.
Geometry = namedtuple("Geometry", "radius angle length round_radius")


def make_scene(shape, extent, rng, *, kind, dust, star_formation):
    """Return the scene on a pixel grid."""
    if kind == "elliptical":
        scene = _elliptical(shape, extent, rng)
        star_formation = 1.0  # its stars are old
    elif kind == "merger":
        scene = _merger(shape, extent, rng)
    elif kind == "edge-on":
        scene = _disc(shape, extent, rng, axis_ratio=EDGE_ON)
    else:
        scene = _disc(shape, extent, rng, axis_ratio=FACE_ON)
    scene.optical_depth[...] *= dust
    for light in (scene.starlight["young"], *scene.gas.values(), scene.clusters.flux):
        light *= star_formation
    return scene


def _merger(shape, extent, rng):
    """Return two smaller, stirred discs side by side, behind the same stars."""
    # Each disc takes its own places and arms from rng, the left one first.
    left = _disc(shape, 0.65 * extent, rng, offset=-0.22 * extent, stirring=STIRRED)
    right = _disc(shape, 0.65 * extent, rng, offset=0.22 * extent, stirring=STIRRED)
    return Scene(
        starlight={
            name: light + right.starlight[name]
            for name, light in left.starlight.items()
        },
        gas={name: light + right.gas[name] for name, light in left.gas.items()},
        clusters=PointSources(*map(np.append, left.clusters, right.clusters)),
        stars=left.stars,
        optical_depth=left.optical_depth + right.optical_depth,
    )


def _disc(shape, extent, rng, *, axis_ratio=FACE_ON, offset=0.0, stirring=CALM):
    """Return a disc with a bulge and two arms, with their nebulae and clusters."""
    geometry = _make_geometry(shape, extent, rng, axis_ratio, offset, stirring)
    clumps = fractal_noise(shape, 2.2, rng)
    feathers = _spiral_texture(geometry, rng)
    radius, phase = geometry.radius, _arm_phase(geometry, PITCH_ANGLE)
    bar = _arms(phase, 1.2) * np.exp(-((radius / (1.3 * BAR_RADIUS)) ** 2))
    disc = surface_brightness(20.0) * np.exp(radius / -2.2)
    disc *= 1.0 + 0.3 * _arms(phase, 1.0) + 1.2 * bar
    disc *= _edge(radius) * _grain(shape, 0.12, rng)
    # A bulge is round, which shows where its disc is seen from the side.
    bulge = _bulge(radius if axis_ratio == FACE_ON else geometry.round_radius)
    density = _young_density(radius, phase, clumps, feathers)
    optical_depth = _dust(radius, phase - DUST_LEAD, feathers, rng)
    area = min(extent, 1.0) ** 2 * shape[0] * shape[1] * (axis_ratio / FACE_ON)
    gas, clusters = _star_forming_regions(density, clumps, area, rng)
    blur = 0.006 * geometry.length
    gas["diffuse gas"] = 0.8 * ndimage.gaussian_filter(density, blur)
    gas["remnant"] = _supernova_remnants(density, clumps, area, rng)
    young = surface_brightness(18.9) * density * _grain(shape, 0.45, rng)
    starlight = {"disc": disc, "bulge": bulge, "young": young}
    return Scene(starlight, gas, clusters, _foreground_stars(shape, rng), optical_depth)


def _elliptical(shape, extent, rng):
    """Return old stars, globular clusters, and a tilted disc of dust and gas."""
    dark, *_, radius = _make_geometry(shape, extent, rng, axis_ratio=0.75)
    envelope = surface_brightness(16.8) * np.exp(-5.2 * radius**0.35)
    envelope *= _grain(shape, 0.12, rng)
    web = np.exp(-3.5 * np.abs(fractal_noise(shape, 2.9, rng)))
    ring = np.exp(-(((dark - 0.3) / 0.15) ** 2))
    area = min(extent, 1.0) ** 2 * shape[0] * shape[1]
    number = _scaled_number(420, area, 3)
    clusters = PointSources(  # old ones, with the density of the stars
        *_draw_places(envelope, number, rng),
        flux=_power_law(2.0, 0.5, 100.0, number, rng),
        temperature=rng.uniform(4500.0, 6500.0, number),
        size=rng.uniform(0.2, 0.9, number),
    )
    starlight = {"disc": envelope, "bulge": _bulge(radius), "young": 0 * envelope}
    gas = {"diffuse gas": 0.8 * web * np.exp(-((dark / 0.25) ** 2))}
    depth = 2.6 * ring * (0.25 + web)
    return Scene(starlight, gas, clusters, _foreground_stars(shape, rng), depth)


def surface_brightness(magnitude):
    """Return V magnitudes per square arcsec as flux per pixel."""
    return np.float32(10 ** (-0.4 * (magnitude - 25.0)) * PIXEL_SCALE**2)


def fractal_noise(shape, slope, rng):
    """Return noise of mean 0 and variance 1 whose power falls as frequency**-slope."""
    fast = [fft.next_fast_len(length, real=True) for length in shape]
    rows, columns = fft.fftfreq(fast[0])[:, np.newaxis], fft.rfftfreq(fast[1])
    power = (rows**2 + columns**2).astype(np.float32)
    power[0, 0] = np.inf
    spectrum = fft.rfft2(rng.standard_normal(fast, dtype=np.float32))
    spectrum *= power ** (-slope / 4.0)
    noise = fft.irfft2(spectrum, s=fast)[: shape[0], : shape[1]]
    noise -= noise.mean()
    return noise / noise.std()


def _make_geometry(shape, extent, rng, axis_ratio=FACE_ON, offset=0.0, stirring=CALM):
    """Return the coordinates of an inclined, turbulent disc, moved along the rows."""
    length = extent * 0.66 * np.sqrt(shape[0] * shape[1])
    tilt, handedness = rng.uniform(0.0, np.pi), rng.choice([-1.0, 1.0])
    center = [(side - 1) / 2 + side * rng.uniform(-0.04, 0.04) for side in shape]
    center[1] += offset * shape[1]
    y, x = (
        ((np.arange(side) - middle) / length).astype(np.float32)
        for side, middle in zip(shape, center, strict=True)
    )
    y, cosine, sine = y[:, np.newaxis], float(np.cos(tilt)), float(np.sin(tilt))
    along, across = cosine * x + sine * y, cosine * y - sine * x
    round_radius = np.hypot(along, across)
    across /= np.float32(handedness * axis_ratio)
    radius = np.hypot(along, across)
    swirl = stirring * radius / (radius + 0.1)
    along += swirl * fractal_noise(shape, 3.2, rng)
    across += swirl * fractal_noise(shape, 3.2, rng)
    radius = np.maximum(np.hypot(along, across), 1e-3)
    return Geometry(radius, np.arctan2(across, along), length, round_radius)


def _arm_phase(geometry, pitch_angle):
    """Return the angle from the crest of a logarithmic spiral that leaves a bar."""
    winding = np.log(np.hypot(geometry.radius, BAR_RADIUS))
    return geometry.angle - winding / tan(pitch_angle)


def _spiral_texture(geometry, rng):
    """Return fractal noise stretched along open spirals: spurs and feathers."""
    n_columns = int(np.clip(2.0 * np.pi * 0.7 * geometry.length, 64, 8192))
    n_columns = fft.next_fast_len(n_columns, real=True)
    n_rows = fft.next_fast_len(max(n_columns // 2, 32), real=True)
    texture = fractal_noise((n_rows, n_columns), 2.0, rng)
    angles = np.stack([np.log(geometry.radius), _arm_phase(geometry, FEATHER_ANGLE)])
    places = angles * (n_columns / (2.0 * np.pi))
    return ndimage.map_coordinates(texture, places, order=1, mode="grid-wrap")


def _edge(radius):
    """Return the fading of the disc at its radius."""
    return expit((0.86 - radius) * 11.0)


def _arms(phase, sharpness):
    """Return two spiral arms of height 1: a von Mises profile in the phase."""
    return np.exp(sharpness * (np.cos(2.0 * phase) - 1.0))


def _grain(shape, strength, rng):
    """Return the noise of single bright stars, as a factor of mean 1."""
    shape_parameter = np.float32(1.0 / strength**2)
    return rng.standard_gamma(shape_parameter, shape, np.float32) / shape_parameter


def _bulge(radius):
    """Return the old stars of a bulge: a Sersic profile of index 2."""
    return surface_brightness(15.5) * np.exp(-3.67 * np.sqrt(radius / 0.12))


def _hole(radius, size):
    """Return a factor that falls to 0 at the center."""
    return -np.expm1(-((radius / size) ** 2))


def _young_density(radius, phase, clumps, feathers):
    """Return the young stars: clumpy arms, weaker spurs and a hole at the center."""
    spurs = 0.12 * np.exp(1.1 * feathers - 0.7)
    patches = np.exp(0.75 * clumps + 0.55 * feathers - 0.4)
    gas = (_arms(phase, 4.0) + spurs) * patches * _hole(radius, 0.16)
    # Stars form where the gas exceeds a threshold, which gives the patches an edge.
    formed = gas**2 / (gas**2 + 0.3**2)
    return formed * (0.5 + 0.4 * gas) * (np.exp(radius / -1.5) * _edge(radius))


def _dust(radius, phase, feathers, rng):
    """Return the optical depth at 550 nm: lanes on the inner edges, and filaments."""
    # Where noise changes sign it draws lines: the web of filaments.
    webs = [fractal_noise(radius.shape, 2.9, rng) for _ in range(2)]
    filaments = sum(np.exp(-3.5 * np.abs(web)) for web in webs)
    spurs = _arms(phase - 0.3, 1.2) * np.exp(-2.5 * np.abs(feathers))
    depth = 2.6 * _arms(phase, 9.0) * (0.25 + filaments)
    depth += (1.6 * spurs + 0.15) * filaments
    depth *= np.exp(radius / -0.9) * _edge(radius)
    return depth * _hole(radius, 0.12)


def _scaled_number(number, area, at_least):
    """Return the number of objects in an area, from that in a frame of 605 x 605."""
    return max(round(number * area / REFERENCE_AREA), at_least)


def _draw_places(density, number, rng):
    """Return places (rows, columns) drawn in proportion to a density map."""
    cumulated = np.cumsum(density, dtype=np.float64)
    picked = np.searchsorted(cumulated, rng.uniform(0.0, cumulated[-1], number))
    pixels = np.divmod(np.minimum(picked, density.size - 1), density.shape[1])
    return tuple(places + rng.uniform(-0.5, 0.5, number) for places in pixels)


def _power_law(exponent, low, high, number, rng):
    """Return draws from a density that falls as value**-exponent."""
    power = 1.0 - exponent
    start, end = low**power, high**power
    return (start + rng.random(number) * (end - start)) ** (1.0 / power)


def _bubble(place, radius, reach, clumps, texture, wobble, rng):
    """Return a window around a place, and in it angles, distances and a texture.

    Distances are in units of the radius of an irregular outline, and the texture is a
    factor around 1, whatever the scale of the clumps.
    """
    window = tuple(slice(max(int(at - reach), 0), int(at + reach) + 2) for at in place)
    axes = zip(clumps.shape, window, place, strict=True)
    y, x = (np.arange(length)[part] - at for length, part, at in axes)
    angle = np.arctan2(y[:, np.newaxis], x)
    outline = 1.0
    for order in range(2, 6):
        depth = wobble / order * rng.normal()
        outline += depth * np.cos(order * angle + rng.uniform(0.0, 2.0 * np.pi))
    distance = np.hypot(y[:, np.newaxis], x) / (radius * np.maximum(outline, 0.35))
    noise = clumps[window]
    texture = np.exp(texture * (noise - noise.mean()) / (noise.std() or 1.0))
    return window, angle, distance, texture


def _star_forming_regions(density, clumps, area, rng):
    """Return H II regions along the arms, and the clusters that ionize them.

    dN/dL ~ L**-1.9 (Kennicutt, Edgar & Hodge 1989 find -2 +- 0.5); radii ~ L**(1/3), as
    of Stromgren spheres. Gas near the stars (core) is more ionized than at the rim.
    """
    number = _scaled_number(600, area, 3)
    places = np.stack(_draw_places(density**2, number, rng))
    luminosity = _power_law(1.9, 1.0, 3.0 * number, number, rng)
    largest = max(0.04 * np.sqrt(density.size), 2.0)
    radii = np.minimum(1.7 * luminosity ** (1 / 3), largest)
    n_bubbles = 1 + rng.poisson(0.25 * radii)
    region = np.repeat(np.arange(number), n_bubbles)
    alone = n_bubbles[region] == 1
    share = np.where(alone, 1.0, rng.uniform(0.3, 0.75, len(region)))
    spread = np.where(alone, 0.0, 0.6) * radii[region]
    places = places[:, region] + spread * rng.normal(size=(2, len(region)))
    inside = ((places > 0) & (places.T < density.shape).T).all(axis=0)
    radii, places = (radii[region] * share)[inside], places[:, inside]
    core, shell = np.zeros((2, *density.shape), dtype=np.float32)
    for *place, radius in zip(*places, radii, strict=True):
        window, angle, distance, texture = _bubble(
            place, radius, 3.0 * radius + 2, clumps, 0.75, 0.4, rng
        )
        texture = texture * radius**0.4  # in double precision
        side = 1.0 + 0.7 * np.cos(angle - rng.uniform(0.0, 2.0 * np.pi))
        rim = np.exp(-(((distance - 0.8) / 0.25) ** 2))
        core[window] += 2.0 * texture * np.exp(-((distance / 0.6) ** 2))
        shell[window] += texture * (1.2 * side * rim + 0.6 * np.exp(-1.7 * distance))
    gas = {"nebula core": core, "nebula shell": shell}
    return gas, _clusters(density, places, radii, area, rng)


def _clusters(density, bubbles, radii, area, rng):
    """Return the clusters inside the bubbles, and older ones without gas."""
    n_members = 1 + rng.poisson(0.35 * radii)
    home = np.repeat(np.arange(len(radii)), n_members)
    n_young, n_old = len(home), _scaled_number(420, area, 3)
    old_places = _draw_places(density**0.9, n_old, rng)
    young_flux = 0.07 * radii[home] ** 3 / n_members[home]
    young_flux *= rng.gamma(1.5, 1.0 / 1.5, n_young)
    old_flux = _power_law(2.0, 0.12, 36.0, n_old, rng)  # Chandar et al. (2010)
    young_kelvin = rng.uniform(22000.0, 35000.0, n_young)
    old_kelvin = rng.uniform(8000.0, 18000.0, n_old)
    steps = 0.35 * radii[home] * rng.normal(size=(2, n_young))
    return PointSources(
        *np.append(bubbles[:, home] + steps, old_places, axis=1),
        flux=np.append(young_flux, old_flux),
        temperature=np.append(young_kelvin, old_kelvin),
        size=rng.uniform(0.2, 0.9, n_young + n_old),
    )


def _supernova_remnants(density, clumps, area, rng):
    """Return the light of thin, nearly round shells, in the arms and between them."""
    places = _draw_places(np.sqrt(density), _scaled_number(18, area, 1), rng)
    light = np.zeros(density.shape, dtype=np.float32)
    for place in zip(*places, strict=True):
        radius = rng.uniform(2.5, 6.5)
        window, _, distance, texture = _bubble(
            place, radius, 1.8 * radius + 1, clumps, 0.4, 0.12, rng
        )
        ring = np.exp(-(((distance - 0.85) / 0.18) ** 2)) + 0.25 * (distance < 0.85)
        light[window] += rng.uniform(0.8, 1.8) * texture * ring
    return light


def _foreground_stars(shape, rng):
    """Return stars of the Milky Way: V of 16 to 23, M to A stars."""
    number = _scaled_number(26, shape[0] * shape[1], 2)
    return PointSources(
        *[rng.uniform(0.0, length - 1.0, number) for length in shape],
        flux=_power_law(1.6, 6.0, 4000.0, number, rng),
        temperature=rng.uniform(3200.0, 8500.0, number),
        size=np.zeros(number),
    )

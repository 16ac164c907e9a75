# SPDX-License-Identifier: BSD-3-Clause
"""The synthetic galaxy itself: maps of its populations, before any telescope.

Two logarithmic arms leave a bar. Young stars, gas and dust share the same spiral
coordinates and the same fractal noise, so what belongs together lies together. A
merger is two such discs, stirred; an elliptical has old stars, and a disc of dust.
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage
from scipy.special import expit

from skesom.datasets._galaxy_objects import (
    PointSources,
    foreground_stars,
    globular_clusters,
    star_forming_regions,
    supernova_remnants,
)
from skesom.datasets._galaxy_spectra import PIXEL_SCALE

PITCH_ANGLE = np.deg2rad(17.0)
FEATHER_ANGLE = np.deg2rad(38.0)
BAR_RADIUS = 0.17  # in units of the radius of the disc, as all lengths here
DUST_LEAD = 0.42  # rad: the lanes lie on the inner edges of the arms
FACE_ON, EDGE_ON = 0.91, 0.16  # ratio of the axes
CALM, STIRRED = 0.035, 0.15  # depth of turbulence
KINDS = ("spiral", "edge-on", "merger", "elliptical")


@dataclass
class Scene:
    """Everything that shines, and the dust in front of it.

    ``starlight`` and ``gas`` hold one map of light per name of a spectrum.
    """

    starlight: dict
    gas: dict
    clusters: PointSources
    stars: PointSources
    optical_depth: np.ndarray


@dataclass
class Geometry:
    """Polar coordinates in the plane of the disc; `length` is its radius in pixels.

    ``round_radius`` is the distance from the center on the sky.
    """

    radius: np.ndarray
    angle: np.ndarray
    length: float
    round_radius: np.ndarray

    def arm_phase(self, pitch_angle):
        """Return the angle from the crest of a logarithmic spiral that leaves a bar."""
        winding = np.log(np.hypot(self.radius, np.float32(BAR_RADIUS)))
        return self.angle - winding / np.float32(np.tan(pitch_angle))


def make_scene(shape, extent, rng, *, kind="spiral", dust=1.0, star_formation=1.0):
    """Return the scene on a pixel grid."""
    if kind == "elliptical":
        scene = _elliptical(shape, extent, rng)
    elif kind == "merger":
        # One disc after the other is drawn: rng gives each its own places and arms.
        first, second = (
            _disc(shape, 0.65 * extent, rng, offset=offset, stirring=STIRRED)
            for offset in (-0.22 * extent, 0.22 * extent)
        )
        scene = _together(first, second)
    elif kind == "edge-on":
        scene = _disc(shape, extent, rng, axis_ratio=EDGE_ON)
    else:
        scene = _disc(shape, extent, rng)
    scene.optical_depth *= np.float32(dust)
    if kind != "elliptical":
        scene.starlight["young"] *= np.float32(star_formation)
        for light in scene.gas.values():
            light *= np.float32(star_formation)
        scene.clusters.flux *= star_formation
    return scene


def _disc(shape, extent, rng, *, axis_ratio=FACE_ON, offset=0.0, stirring=CALM):
    """Return a disc with a bulge, two arms, and what shines in these."""
    geometry = _make_geometry(shape, extent, rng, axis_ratio, offset, stirring)
    clumps = fractal_noise(shape, 2.2, rng)
    feathers = _spiral_texture(geometry, rng)
    disc = _old_disc(geometry, rng)
    # A bulge is round, which shows where its disc is seen from the side.
    face_on = axis_ratio == FACE_ON
    bulge = _bulge(geometry.radius if face_on else geometry.round_radius)
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
    return Scene(
        starlight={"disc": envelope, "bulge": _bulge(radius), "young": nothing},
        gas={"diffuse gas": 0.8 * web * np.exp(-((dark / np.float32(0.25)) ** 2))},
        clusters=globular_clusters(envelope, area, rng),
        stars=foreground_stars(shape, rng),
        optical_depth=2.6 * ring * (0.25 + web),
    )


def _together(first, second):
    """Return what shines in either scene, behind the dust of both."""
    return Scene(
        starlight={
            name: first.starlight[name] + second.starlight[name]
            for name in first.starlight
        },
        gas={name: first.gas[name] + second.gas[name] for name in first.gas},
        clusters=first.clusters.joined(second.clusters),
        stars=first.stars,
        optical_depth=first.optical_depth + second.optical_depth,
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
    """Return the coordinates of an inclined disc, stirred by turbulence.

    The offset of its center is in units of the frame, along the rows.
    """
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
    """Return fractal noise drawn out along open spirals: spurs and feathers."""
    n_columns = int(np.clip(2.0 * np.pi * 0.7 * geometry.length, 64, 8192))
    n_columns = fft.next_fast_len(n_columns, real=True)
    n_rows = fft.next_fast_len(max(n_columns // 2, 32), real=True)
    texture = fractal_noise((n_rows, n_columns), 2.0, rng)
    per_radian = n_columns / (2.0 * np.pi)
    places = np.stack(
        [
            np.log(geometry.radius) * np.float32(per_radian),
            geometry.arm_phase(FEATHER_ANGLE) * np.float32(per_radian),
        ]
    )
    return ndimage.map_coordinates(texture, places, order=1, mode="grid-wrap")


def _edge(geometry):
    """Return the fading of the disc at its radius."""
    return expit((np.float32(0.86) - geometry.radius) * np.float32(11.0))


def _arms(phase, sharpness):
    """Return two spiral arms of height 1: a von Mises profile in the phase."""
    return np.exp(np.float32(sharpness) * (np.cos(2.0 * phase) - np.float32(1.0)))


def _grain(shape, strength, rng):
    """Return what is left of single bright stars: a rough surface of mean 1."""
    shape_parameter = np.float32(1.0 / strength**2)
    return rng.standard_gamma(shape_parameter, shape, np.float32) / shape_parameter


def _old_disc(geometry, rng):
    """Return the old stars of an exponential disc with a bar."""
    radius = geometry.radius
    phase = geometry.arm_phase(PITCH_ANGLE)
    bar = _arms(phase, 1.2) * np.exp(-((radius / np.float32(1.3 * BAR_RADIUS)) ** 2))
    disc = surface_brightness(20.0) * np.exp(radius / np.float32(-2.2))
    disc *= 1.0 + 0.3 * _arms(phase, 1.0) + 1.2 * bar
    disc *= _edge(geometry) * _grain(radius.shape, 0.12, rng)
    return disc


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
    filaments = sum(
        np.exp(-3.5 * np.abs(fractal_noise(radius.shape, 2.9, rng))) for _ in range(2)
    )
    spurs = _arms(phase - np.float32(0.3), 1.2) * np.exp(-2.5 * np.abs(feathers))
    depth = 2.6 * _arms(phase, 9.0) * (0.25 + filaments)
    depth += (1.6 * spurs + 0.15) * filaments
    depth *= np.exp(radius / np.float32(-0.9)) * _edge(geometry)
    return depth * -np.expm1(-((radius / np.float32(0.12)) ** 2))

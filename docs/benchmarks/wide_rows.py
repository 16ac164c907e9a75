# SPDX-License-Identifier: BSD-3-Clause
"""What is won by leaving out what many bands do not show above the noise.

    python docs/benchmarks/wide_rows.py
    python docs/benchmarks/wide_rows.py --cubes samson.mat jasper.mat

reports a row for each cube: components that are kept, and the adjusted Rand index of
clusters and truth for one evolving map, its mean, least and most of a few seeds, by the
bands as they are, by the default, and by others that were tried: five components, and
the components of most signal to noise (`mnf`) of Green et al. (1988),
doi:10.1109/36.3001. The CPU seconds are those of the map.

Synthetic scenes come in 60 and 150 bands: a ground of four materials in sun and shade,
a disc with H II regions whose line moves, and a spiral of stars, gas and dust. What was
tried was compared on those of 60 bands and then on those of 150. ``--cubes`` takes
files of MATLAB of studies of unmixing as well, with the bands times pixels in ``Y``,
column by column, and the abundances of rows, columns and materials in ``S_GT``. The
truth is the material of which a pixel has most.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from measuring import report
from scipy.linalg import eigh
from scipy.ndimage import gaussian_filter
from sklearn.metrics import adjusted_rand_score

from skesom.cube import AsinhStretch, ColorScaler, ComponentFilter
from skesom.som import ESOM

SIDE, N_PIXELS = 60, 2500
LEAST_RATIO = 2  # of signal with noise to noise, as of ComponentFilter
SCENES = {  # name: kind, bands, noise, seed
    "materials, 60 bands": ("materials", 60, 0.01, 0),
    "line, 60 bands": ("line", 60, 0.05, 0),
    "spiral, 60 bands": ("spiral", 60, 0.05, 0),
    "materials, 150 bands": ("materials", 150, 0.02, 1),
    "line, 150 bands": ("line", 150, 0.1, 1),
    "spiral, 150 bands": ("spiral", 150, 0.15, 1),
}


def materials(n_bands, noise, rng):
    """Return four materials in sun and shade, and of which a pixel has most."""
    wavelengths = np.linspace(0.4, 2.4, n_bands)  # micrometers
    red_edge = 1 / (1 + np.exp(-(wavelengths - 0.71) / 0.02))
    spectra = np.vstack(
        [
            0.1 + 0.16 * wavelengths,
            0.05 + 0.4 * red_edge * np.exp(-wavelengths / 3),
            0.09 * np.exp(-2.5 * (wavelengths - 0.4)),
            0.22 + 0.03 * np.sin(3 * wavelengths),
        ]
    )
    for center, depth in ((1.4, 0.5), (1.9, 0.6)):  # water in leaves and soil
        spectra[:2] *= 1 - depth * np.exp(-(((wavelengths - center) / 0.06) ** 2))
    fields = gaussian_filter(rng.normal(size=(4, SIDE, SIDE)), (0, 6, 6))
    abundances = rng.standard_gamma(1 + 12 * np.eye(4)[fields.argmax(axis=0)])
    abundances /= abundances.sum(axis=2, keepdims=True)
    slopes = gaussian_filter(rng.normal(size=(SIDE, SIDE)), 5)
    light = np.interp(slopes, (slopes.min(), slopes.max()), (0.3, 1))
    data = (abundances @ spectra) * light[:, :, np.newaxis]
    return data + rng.normal(0, noise, data.shape), abundances.argmax(axis=2)


def line(n_bands, noise, rng):
    """Return a disc with H II regions, and which come nearer or recede."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    radius = np.hypot(columns, rows)
    velocity = 150 * columns / np.maximum(radius, 3)  # km/s
    wavelengths = np.linspace(6400, 6775, n_bands)  # Angstrom
    regions = np.zeros((SIDE, SIDE))
    for row, column in rng.uniform(6, SIDE - 6, (14, 2)) - SIDE / 2:
        regions += np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 8)
    places = 6563 * (1 + velocity[:, :, np.newaxis] / 299792)
    width = max(3, 375 / n_bands)
    profile = np.exp(-(((wavelengths - places) / width) ** 2) / 2)
    disc = np.exp(-radius / 12)
    spectra = disc[:, :, np.newaxis] * (1 + 0.2 * (wavelengths - 6400) / 400)
    spectra += 0.8 * regions[:, :, np.newaxis] * profile
    moving = np.where(columns < 0, 2, 3)
    truth = np.where(regions > 0.25, moving, np.where(disc > 0.15, 1, 0))
    return spectra + rng.normal(0, noise, spectra.shape), truth


def spiral(n_bands, noise, rng):
    """Return old and young stars, gas and dust, and of which a pixel shows most."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    radius = np.hypot(columns, rows / 0.7)
    phase = 2 * np.arctan2(rows / 0.7, columns) - 4 * np.log(np.maximum(radius, 1))
    wavelengths = np.linspace(0.36, 0.95, n_bands)  # micrometers
    old, young = black_body(wavelengths, 4300), black_body(wavelengths, 12000)
    for center in (0.3934, 0.3968, 0.4304, 0.5175, 0.5893):
        old *= 1 - 0.35 * np.exp(-(((wavelengths - center) / 0.004) ** 2) / 2)
    for center in (0.4102, 0.4340, 0.4861):
        young *= 1 - 0.25 * np.exp(-(((wavelengths - center) / 0.004) ** 2) / 2)
    gas = 0.15 * young
    strengths = {0.3727: 2, 0.4861: 1, 0.5007: 1.5, 0.6563: 3, 0.6584: 1, 0.6724: 0.7}
    for center, strength in strengths.items():
        gas += strength * np.exp(-(((wavelengths - center) / 0.003) ** 2) / 2)
    arms = np.exp(-((wrapped(phase) / 0.7) ** 2)) * np.exp(-radius / 14)
    bulge, disc = 3 * np.exp(-radius / 3), np.exp(-radius / 10)
    regions = np.zeros((SIDE, SIDE))
    in_arms = arms.ravel() * (radius.ravel() < 25)
    for pixel in rng.choice(SIDE**2, 14, replace=False, p=in_arms / in_arms.sum()):
        row, column = np.unravel_index(pixel, (SIDE, SIDE))
        distance = np.hypot(rows - row + SIDE / 2, columns - column + SIDE / 2)
        regions += 0.6 * np.exp(-(distance**2) / 5)
    has_dust = (radius > 4) & (radius < 20)
    depth = 1.2 * np.exp(-((wrapped(phase + 1.3) / 0.35) ** 2)) * has_dust
    light = (bulge + disc)[:, :, np.newaxis] * old
    light += 0.9 * arms[:, :, np.newaxis] * young
    light += regions[:, :, np.newaxis] * gas / gas.mean()
    light *= np.exp(-depth[:, :, np.newaxis] * (wavelengths / 0.55) ** -1.3)
    shown = [regions > 0.25, bulge > disc, depth > 0.6, 0.9 * arms > 0.5 * disc]
    truth = np.select([*shown, disc > 0.1], [4, 3, 5, 2, 1], 0)
    deviations = noise * np.sqrt(1 + 4 * light)  # of the sky and of photons
    return light + rng.normal(0, 1, light.shape) * deviations, truth


def black_body(wavelengths, temperature):
    """Return the spectrum of a black body, of mean 1."""
    light = wavelengths**-5 / np.expm1(1.4388e4 / (wavelengths * temperature))
    return light / light.mean()


def wrapped(angles):
    """Return angles between -pi and pi."""
    return np.angle(np.exp(1j * angles))


def read_cube_of_unmixing(path):
    """Return a cube and of which material a pixel has most."""
    from scipy.io import loadmat

    content = loadmat(path)
    abundances = content["S_GT"]
    n_rows, n_columns, _ = abundances.shape
    spectra = content["Y"].T
    cube = spectra.reshape(n_rows, n_columns, -1, order="F")
    return cube.astype(np.float64), abundances.argmax(axis=2)


def ways_of(scaled):
    """Return the tables that are compared by name, all of the same pixels."""
    component_filter = ComponentFilter().fit(scaled)
    five = ComponentFilter(5).fit(scaled)
    return {
        "bands": scaled,
        "default": component_filter.transform(scaled),
        "five": five.transform(scaled),
        "mnf": noise_adjusted(scaled),
    }, component_filter.n_components_


def noise_adjusted(scaled):
    """Return what the noise-adjusted components above the noise explain."""
    whole = ~np.isnan(scaled).any(axis=2)
    table = scaled[whole]
    mean = table.mean(axis=0)
    covariance = np.cov(table.T, bias=True)
    beside = whole[:, 1:] & whole[:, :-1]
    steps = np.diff(scaled, axis=1)[beside]
    noise = steps.T @ steps / (2 * len(steps))
    n_bands = len(noise)
    noise += 1e-6 * np.trace(noise) / n_bands * np.eye(n_bands)
    ratios, axes = eigh(covariance, noise)
    kept = axes[:, ratios > LEAST_RATIO]
    back = np.linalg.qr(noise @ kept)[1]  # so that noise counts as it does in bands
    return np.where(whole[:, :, np.newaxis], ((scaled - mean) @ kept) @ back.T, np.nan)


def compare(cube, truth, seeds):
    """Return a row of the report."""
    stretched = AsinhStretch().fit_transform(cube)
    scaled = ColorScaler().fit_transform(stretched)
    tables, n_components = ways_of(scaled)
    whole = np.flatnonzero(~np.isnan(scaled).any(axis=2))
    pixels = np.random.default_rng(0).permutation(whole)[:N_PIXELS]
    classes, n_classes = truth.ravel()[pixels], len(np.unique(truth))
    row = {"kept": n_components}
    for name, values in tables.items():
        table = values.reshape(-1, values.shape[2])[pixels].astype(np.float32)
        begin = time.process_time()
        found = []
        for seed in range(seeds):
            labels = ESOM(n_clusters=n_classes, random_state=seed).fit_predict(table)
            found.append(adjusted_rand_score(classes, labels))
        seconds = (time.process_time() - begin) / seeds
        row[name] = f"{np.mean(found):.2f} ({np.min(found):.2f} to {np.max(found):.2f})"
        row[f"{name}, CPU s"] = f"{seconds:.1f}"
    return row


def main():
    """Report a row for each cube."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--cubes", nargs="+", default=[], metavar="FILE")
    parser.add_argument("--scenes", nargs="*", default=list(SCENES), metavar="NAME")
    options = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    rows = []
    makers = {"materials": materials, "line": line, "spiral": spiral}
    for name in options.scenes:
        kind, n_bands, noise, seed = SCENES[name]
        cube, truth = makers[kind](n_bands, noise, np.random.default_rng(seed))
        rows.append({"cube": name, **compare(cube, truth, options.seeds)})
        print(rows[-1], flush=True)
    for path in options.cubes:
        cube, truth = read_cube_of_unmixing(path)
        rows.append({"cube": Path(path).stem, **compare(cube, truth, options.seeds)})
        print(rows[-1], flush=True)
    title = f"Adjusted Rand index, mean (least to most), seeds: {options.seeds}"
    report("wide_rows", title, rows)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: BSD-3-Clause
"""Winners of noisy galaxies: chi^2 of colors, or of fluxes at the best brightness.

Galaxies of two kinds of stars and dust, at redshifts up to 3, are seen in eight bands
(u to K) with the noise of a wide survey; 5 or 25 % of the values are missing. A map of
32 x 32 units is trained on deep photometry: two magnitudes deeper, without gaps. Then
galaxies with the noise of the survey find their units in several ways, and half of
them, as a spectroscopic sample, gives each unit its mean redshift. Reported are, for
the others, the scatter of the mean redshift of their unit minus their own (1.48 times
the median deviation, over 1 + z) as means over seeds, the share beyond 0.15, and the
least microseconds of CPU per galaxy. All rows see the same galaxies and errors; a
winner by fluxes has 3 % of the flux added in quadrature, one by magnitudes .03. The
last row is the same formula in plain NumPy: the first 2000 galaxies tell its time. Run:
``OMP_NUM_THREADS=1 python docs/benchmarks/noise_weighted.py``
"""

import argparse
import time

import numpy as np
from measuring import report

from skesom.som import CSOM, scaled_winners

BANDS = np.array(  # angstrom
    [
        (3300, 4000),
        (4000, 5500),
        (5600, 7000),
        (7000, 8400),
        (8400, 10000),
        (11500, 13500),
        (15000, 18000),
        (20000, 23500),
    ]
)
REFERENCE = 3  # the band i
LIMITS = np.array([24.0, 24.6, 24.4, 24.0, 23.2, 22.0, 21.6, 21.3])  # of 5 sigma
SIGMAS = 10 ** (-0.4 * (LIMITS - 25)) / 5  # in units of the flux of magnitude 25
WIDTH = 0.03  # of units, added to errors
POGSON = 2.5 / np.log(10)
SHAPE = 32, 32
N_PLAIN = 2000


def make_galaxies(n, faintest, rng):
    """Return fluxes without noise, 1 at magnitude 25, and redshifts."""
    magnitudes = np.maximum(faintest + np.log10(1 - rng.random(n)) / 0.35, 17)
    typical = 0.12 + 0.085 * np.clip(magnitudes - 17.5, 0.3, None)
    z = np.minimum(rng.gamma(2.2, typical / 2.2), 3)
    old = rng.beta(0.8 + 1.2 * np.exp(-z), 1.6 + 0.5 * z)
    dust = rng.beta(1.2, 3.5, n) * (1.2 - old)
    seen = np.linspace(*BANDS.T, 12)[..., np.newaxis]  # (12, 8, 1)
    wave = seen / (1 + z)
    young = np.where(wave < 3646, 0.75, 1)
    late = (wave / 5000) ** 1.6 * np.exp(-1.1 * np.maximum(wave / 12000 - 1, 0))
    late *= np.where(wave < 4000, 0.45, 1) * np.where(wave < 2800, 0.4, 1)
    light = (1 - old) ** 1.5 * young + (0.03 + old) * late
    light *= 10 ** (-0.48 * dust * (wave / 5500) ** -0.9)
    light *= np.where(wave < 1216, np.exp(-0.0036 * (seen / 1216) ** 3.46), 1)
    fluxes = light.mean(axis=0).T * np.exp(0.03 * rng.normal(size=(n, len(BANDS))))
    brightness = 10 ** (-0.4 * (magnitudes - 25)) / fluxes[:, REFERENCE]
    return fluxes * brightness[:, np.newaxis], z


def observe(fluxes, rng, depth=0.0, missing=0.0):
    """Return fluxes with noise, and their errors."""
    errors = SIGMAS * 10 ** (-0.4 * depth) * np.exp(0.2 * rng.normal(size=fluxes.shape))
    errors = np.hypot(errors, 0.02 * fluxes)
    measured = fluxes + errors * rng.normal(size=fluxes.shape)
    measured[rng.random(fluxes.shape) < missing] = np.nan
    return measured, errors


def asinh_magnitudes(fluxes, errors):
    """Return asinh magnitudes and errors (Lupton et al. 1999, AJ 118, 1406)."""
    magnitudes = -POGSON * (np.arcsinh(fluxes / (2 * SIGMAS)) + np.log(SIGMAS))
    return magnitudes, POGSON * errors / np.hypot(fluxes, 2 * SIGMAS)


def colors(fluxes, errors, magnitude=False):
    """Return colors relative to i, and perhaps the magnitude i, with errors."""
    values, widths = asinh_magnitudes(fluxes, errors)
    others = np.arange(len(BANDS)) != REFERENCE
    of_i, error_of_i = values[:, [REFERENCE]], widths[:, [REFERENCE]]
    values = values[:, others] - of_i
    widths = np.hypot(widths[:, others], error_of_i)
    if magnitude:
        values = np.hstack([values, of_i])
        widths = np.hstack([widths, np.hypot(error_of_i, 0.3)])
    return values, widths


def colors_and_magnitude(fluxes, errors):
    """Return colors relative to i and, weighed down, the magnitude i."""
    return colors(fluxes, errors, magnitude=True)


def fluxes_of(codebook):
    """Return the fluxes of units of colors, and of their magnitude or of 1 in i."""
    magnitudes = np.insert(codebook[:, :7].astype(np.float64), REFERENCE, 0, axis=1)
    if codebook.shape[1] > 7:
        magnitudes += codebook[:, [7]]
    return 10 ** (-0.4 * magnitudes)


def fit_and_search(features):
    """Return a function that trains a map, and one that finds winners by chi^2."""

    def prepared(fluxes, errors):
        values, widths = features(fluxes, errors)
        return values.astype(np.float32), np.hypot(widths, WIDTH).astype(np.float32)

    def fit(*observed):
        X, errors = prepared(*observed)
        return CSOM(None, shape=SHAPE, random_state=0).fit(X, errors=errors)

    def search(csom, *observed):
        X, errors = prepared(*observed)
        return csom.winners(X, errors=errors)

    return fit, search


def by_brightness(scale_error):
    """Return a function that finds winners by fluxes, at the best brightness."""

    def search(csom, fluxes, errors):
        errors = np.hypot(errors, WIDTH * np.nan_to_num(fluxes))
        units = fluxes_of(csom.codebook_)
        return scaled_winners(fluxes, units, errors, scale_error=scale_error)

    return search


def in_numpy(csom, fluxes, errors, n_rows=64):
    """Find the same winners, all factors free, by the formula written out."""
    units = fluxes_of(csom.codebook_)
    errors = np.hypot(errors, WIDTH * np.nan_to_num(fluxes))
    winners = []
    for begin in range(0, len(fluxes), n_rows):
        rows = slice(begin, begin + n_rows)
        x = (fluxes[rows] / errors[rows])[:, np.newaxis]
        u = units / errors[rows][:, np.newaxis]
        u = np.where(np.isnan(x), 0, u)
        x = np.nan_to_num(x)
        factors = np.maximum((x * u).sum(axis=2) / (u**2).sum(axis=2), 0)
        apart = x - factors[..., np.newaxis] * u
        winners.append((apart**2).sum(axis=2).argmin(axis=1))
    return np.concatenate(winners)


def scatter(units, of_calibrators, z, z_of_calibrators):
    """Return how well mean redshifts of units predict those of galaxies."""
    n_units = np.prod(SHAPE) + 1  # the last has galaxies without any color
    counts = np.bincount(of_calibrators % n_units, minlength=n_units)
    sums = np.bincount(of_calibrators % n_units, z_of_calibrators, n_units)
    known = counts[units] > 0
    apart = (sums / np.maximum(counts, 1))[units[known]] - z[known]
    relative = apart / (1 + z[known])
    spread = 1.4826 * np.median(np.abs(relative - np.median(relative)))
    return spread, np.mean(np.abs(relative) > 0.15)


def compare(faintest, missing, seed, n_galaxies):
    """Return scatter, share beyond 0.15 and microseconds of each way, for one seed."""
    rng = np.random.default_rng(seed)
    deep, _ = make_galaxies(n_galaxies // 3, faintest, rng)
    deep = observe(deep, rng, depth=2)
    fluxes, z = make_galaxies(n_galaxies, faintest, rng)
    fluxes, errors = observe(fluxes, rng, missing=missing)
    bright = fluxes[:, REFERENCE] > 5 * errors[:, REFERENCE]
    fluxes, errors, z = (of[bright] for of in (fluxes, errors, z))
    half = len(z) // 2
    found = {}

    def measure(name, csom, search, n=None):
        start = time.process_time()
        units = search(csom, fluxes[:n], errors[:n])
        microseconds = 1e6 * (time.process_time() - start) / len(units)
        quality = np.nan, np.nan
        if n is None:
            quality = scatter(units[half:], units[:half], z[half:], z[:half])
        found[name] = [*quality, microseconds]
        return units

    for name, features in (
        ("magnitudes", asinh_magnitudes),
        ("colors", colors),
        ("colors and i", colors_and_magnitude),
    ):
        fit, search = fit_and_search(features)
        csom = fit(*deep)
        measure(f"{name}, chi²", csom, search)
        if name != "magnitudes":
            free = measure(f"{name}, `scaled_winners`", csom, by_brightness(np.inf))
        if name == "colors and i":
            measure(f"{name}, `scale_error=0.7`", csom, by_brightness(0.7))
    plain = measure("the same formula in plain NumPy", csom, in_numpy, N_PLAIN)
    several = np.isfinite(fluxes[:N_PLAIN]).sum(axis=1) > 1  # all units fit one band
    if (plain != free[:N_PLAIN])[several].any():
        raise RuntimeError("Plain NumPy finds other winners.")
    return found


def main():
    """Report a row for each way to find winners."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--galaxies", type=int, default=90_000)
    options = parser.parse_args()
    samples = {
        "i < 22.5": (22.5, 0.05),
        "i < 24": (24.0, 0.05),
        "i < 24, 25 % missing": (24.0, 0.25),
    }
    found = {
        sample: [compare(*of, seed, options.galaxies) for seed in range(options.seeds)]
        for sample, of in samples.items()
    }
    rows = []
    for name in found["i < 24"][0]:
        of = {
            sample: np.array([run[name] for run in runs])
            for sample, runs in found.items()
        }
        row = {sample: float(each[:, 0].mean()) for sample, each in of.items()}
        row["beyond .15, i < 24"] = float(of["i < 24"][:, 1].mean())
        row["CPU µs per galaxy"] = float(of["i < 24"][:, 2].min())
        rows.append({"features of the map, winner by": name} | row)
    title = f"Scatter of the mean redshift of the unit, seeds: {options.seeds}"
    report("noise_weighted", title, rows)


if __name__ == "__main__":
    main()

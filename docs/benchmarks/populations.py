# SPDX-License-Identifier: BSD-3-Clause
"""How well populations, named by published physics, are those of synthetic galaxies.

The fourteen scenes of ``features.py`` are drawn with other spectra than those that the
rules were read from: black bodies, stars of 0.4 times and of 2.5 times the metals of
the Sun (Bruzual & Charlot 2003) and of other ages, behind dust of other laws, with
lines of other ratios. A scene takes the next of the three for each seed. The constants
were chosen on the table "choose"; the other only reports. Columns are the
adjusted Rand index with the truth of the populations, of eight clusters, and of the
pieces if the truth named them; the mean over the true populations of the best F1; the
share of the named area whose name is right; the index of two runs with each other; of
what is called dust lanes, the share that is dust, and how much of all dust that is.
Run: ``python docs/benchmarks/populations.py`` (15 minutes for a seed).
"""

import argparse
import warnings
from contextlib import ExitStack
from unittest import mock

import numpy as np
from features import CHOOSE, REPORT, best_f1
from measuring import report
from sklearn.metrics import adjusted_rand_score
from suggested_names import STANDS_FOR

from skesom.datasets import POPULATIONS, make_galaxy_cube
from skesom.datasets import _galaxy_light as optics
from skesom.maps import (
    find_piece_map,
    find_populations,
    make_cluster_pipeline,
    make_clusterer,
)
from skesom.maps.stellar_colors import WAVELENGTHS

SCENES = CHOOSE | REPORT
# Names of tables, seeds, and the spectra with which the first scene begins.
TABLES = {
    "choose": ("populations_choose", (11, 12), 0),
    "report": ("populations_report", (23,), 2),
}
# Names that are right for a population of the truth, beside those of clusters.
RIGHT = STANDS_FOR | {
    "star clusters": {"star cluster"},
    "reddest old stars": {"old disc", "bulge"},
}
# AB magnitudes minus that at 550 nm at WAVELENGTHS, as in skesom/maps.
MAGNITUDES = {
    "0.4 solar, 30 Myr": (
        *(0.12, 0.16, 0.2, 0.28, 0.35, 0.27, -0.04, -0.09, -0.05),
        *(0.0, 0.03, 0.04, 0.02, -0.03, -0.06, -0.07, -0.12, 0.26),
    ),
    "0.4 solar, 1 Gyr": (
        *(7.22, 3.87, 3.31, 2.62, 1.73, 1.38, 0.72, 0.37, 0.16),
        *(0.0, -0.12, -0.19, -0.28, -0.37, -0.4, -0.4, -0.51, -0.26),
    ),
    "0.4 solar, 5 Gyr": (
        *(8.48, 6.55, 4.78, 3.41, 2.09, 1.73, 1.18, 0.67, 0.3),
        *(0.0, -0.24, -0.4, -0.55, -0.7, -0.78, -0.83, -1.0, -0.7),
    ),
    "0.4 solar, 10 Gyr": (
        *(6.54, 6.39, 5.24, 3.74, 2.29, 1.92, 1.33, 0.75, 0.33),
        *(0.0, -0.27, -0.46, -0.63, -0.81, -0.9, -0.94, -1.15, -0.88),
    ),
    "2.5 solar, 300 Myr": (
        *(3.77, 2.54, 2.46, 2.07, 1.5, 1.13, 0.39, 0.13, 0.05),
        *(0.0, -0.05, -0.09, -0.16, -0.26, -0.37, -0.41, -0.55, -0.37),
    ),
    "2.5 solar, 5 Gyr": (
        *(7.3, 7.28, 6.97, 4.64, 2.84, 2.46, 1.7, 0.92, 0.41),
        *(0.0, -0.33, -0.56, -0.77, -1.05, -1.35, -1.53, -1.79, -1.57),
    ),
    "2.5 solar, 13 Gyr": (
        *(5.93, 5.93, 5.97, 5.18, 3.23, 2.8, 1.93, 1.04, 0.46),
        *(0.0, -0.37, -0.64, -0.86, -1.16, -1.49, -1.68, -1.95, -1.73),
    ),
    "solar, 100 Myr": (
        *(0.97, 0.9, 0.94, 0.86, 0.73, 0.55, 0.08, -0.02, -0.02),
        *(0.0, 0.01, 0.01, -0.03, -0.07, -0.08, -0.04, -0.04, 0.32),
    ),
}


def smc_like(nm):
    """Return a law of extinction that is as steep as that of the Small Cloud."""
    return (nm / 550) ** -1.2


def calzetti(nm):
    """Return the law of starbursts; Calzetti et al. (2000, ApJ 533, 682)."""
    um = np.asarray(nm) / 1000
    short = 2.659 * (-2.156 + 1.509 / um - 0.198 / um**2 + 0.011 / um**3) + 4.05
    long = 2.659 * (-1.857 + 1.04 / um) + 4.05
    return np.maximum(np.where(um < 0.63, short, long), 0) / 4.05


# Stars: shares of the light at 550 nm. Lines as in `_galaxy_light`.
SPECTRA = {
    "black bodies": None,
    "metal-poor": {
        "stars": {
            "disc": {"0.4 solar, 5 Gyr": 0.9, "0.4 solar, 1 Gyr": 0.1},
            "bulge": {"0.4 solar, 10 Gyr": 1.0},
            "young": {"0.4 solar, 30 Myr": 0.7, "0.4 solar, 5 Gyr": 0.3},
        },
        "lines": {
            "nebula core": (1.5, 1.0, 4.5, 2.86, 0.2, 0.25),
            "nebula shell": (2.8, 1.0, 2.0, 2.86, 0.35, 0.5),
            "diffuse gas": (3.0, 1.0, 0.8, 2.86, 0.5, 0.8),
            "remnant": (5.0, 1.0, 3.0, 3.00, 1.2, 2.2),
        },
        "dust": smc_like,
    },
    "metal-rich": {
        "stars": {
            "disc": {"2.5 solar, 5 Gyr": 0.85, "2.5 solar, 300 Myr": 0.15},
            "bulge": {"2.5 solar, 13 Gyr": 1.0},
            "young": {"solar, 100 Myr": 0.8, "2.5 solar, 5 Gyr": 0.2},
        },
        "lines": {
            "nebula core": (0.5, 1.0, 0.5, 2.86, 1.2, 0.6),
            "nebula shell": (0.9, 1.0, 0.3, 2.86, 1.4, 0.9),
            "diffuse gas": (1.5, 1.0, 0.3, 2.86, 1.6, 1.3),
            "remnant": (3.0, 1.0, 1.5, 3.00, 3.5, 3.0),
        },
        "dust": calzetti,
    },
}


def flux_of(shares, nm):
    """Return the flux per wavelength of a mixture of stars, 1 at 550 nm."""
    total = 0.0
    for name, share in shares.items():
        magnitude = np.interp(np.log(nm), np.log(WAVELENGTHS), MAGNITUDES[name])
        total += share * 10 ** (-0.4 * magnitude)
    return total * (550 / nm) ** 2


def other_light(spectra):
    """Return a context in which galaxies have other spectra."""
    stack = ExitStack()
    if spectra is None:
        return stack
    usual = optics.population_rate

    def rate(name, band):
        if name not in spectra["stars"]:
            return usual(name, band)
        flux = flux_of(spectra["stars"][name], band.wavelength) * band.width
        return optics.electrons(flux, band.wavelength, band)

    def attenuation(optical_depth, wavelength):
        return np.exp(-optical_depth * spectra["dust"](wavelength))

    stack.enter_context(mock.patch.object(optics, "population_rate", rate))
    stack.enter_context(mock.patch.object(optics, "attenuation", attenuation))
    stack.enter_context(mock.patch.dict(optics.LINE_RATIOS, spectra["lines"]))
    return stack


def draw(options, size, seed, spectra):
    """Return the images of a scene and the truth."""
    options = dict(options)
    bands = options.pop("bands", None)
    with other_light(spectra):
        cube, truth = make_galaxy_cube((size, size), **options, random_state=seed)
    if bands:
        cube = cube[:, :, [cube.band_names.index(band) for band in bands]]
    return cube, truth


def run(cube, seed):
    """Return the clusters, the pieces and the populations of a run."""
    clusterer = make_clusterer("esom", random_state=seed)
    pipeline = make_cluster_pipeline(clusterer).fit(cube)
    piece_map = find_piece_map(pipeline[-1], pipeline[:-1].transform(cube))
    # The bands that the map is of: masked, and of one sharpness.
    names = list(pipeline.named_steps)
    aligned = pipeline[: names.index("align") + 1].transform(cube)
    return pipeline[-1].labels_, piece_map, find_populations(piece_map, aligned)


def row_of(scene, size, seed, kind):
    """Return the row of a scene."""
    cube, truth = draw(SCENES[scene], size, seed, SPECTRA[kind])
    clusters, piece_map, populations = run(cube, 0)
    _, _, again = run(cube, 1)
    inside = (piece_map >= 0) & (truth >= 0)
    true, found = truth[inside], populations.label_map[inside]
    pieces = piece_map[inside]
    majority = [
        np.bincount(true[pieces == piece], minlength=len(POPULATIONS)).argmax()
        for piece in range(pieces.max() + 1)
    ]
    is_right = np.zeros(len(true), dtype=bool)
    is_named = np.zeros(len(true), dtype=bool)
    for number, name in enumerate(populations.names):
        if name is None:
            continue
        own = found == number
        is_named |= own
        names = RIGHT.get(name, set())
        numbers = [POPULATIONS.index(each) for each in names]
        is_right |= own & np.isin(true, numbers)
    return {
        "scene": scene,
        "spectra": kind,
        "seed": seed,
        "8 clusters": adjusted_rand_score(true, clusters[inside]),
        "pieces by truth": adjusted_rand_score(true, np.array(majority)[pieces]),
        "populations": adjusted_rand_score(true, found),
        "F1": best_f1(true, found),
        "area right": is_right.sum() / max(is_named.sum(), 1),
        "area named": is_named.mean(),
        "two runs": adjusted_rand_score(found, again.label_map[inside]),
        **dust_columns(true, found, populations.names),
    }


def dust_columns(true, found, names):
    """Return purity and completeness of dust lanes, NaN where there are none."""
    is_dust = true == POPULATIONS.index("dust lane")
    number = names.index("dust lanes") if "dust lanes" in names else -1
    is_called = found == number
    n_both = np.count_nonzero(is_dust & is_called)
    n_called, n_dust = is_called.sum(), is_dust.sum()
    return {
        "dust purity": n_both / n_called if n_called else np.nan,
        "dust found": n_both / n_dust if n_dust else np.nan,
    }


def with_mean(rows):
    """Return rows as text, and the row of their means."""
    columns = list(rows[0])[3:]
    means = {name: np.nanmean([row[name] for row in rows]) for name in columns}
    rows = [*rows, {"scene": "mean", "spectra": "", "seed": "", **means}]
    return [
        {name: f"{v:.2f}" if name in columns else v for name, v in row.items()}
        for row in rows
    ]


def main():
    """Report both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", nargs="+", default=list(SCENES), choices=SCENES)
    parser.add_argument("--size", type=int, default=180)
    parser.add_argument("--tables", nargs="+", default=["report"], choices=TABLES)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    kinds, order = list(SPECTRA), list(SCENES)
    for table in options.tables:
        name, seeds, first = TABLES[table]
        rows = []
        for shift, seed in enumerate(seeds, first):
            for scene in options.scenes:
                kind = kinds[(order.index(scene) + shift) % len(kinds)]
                rows.append(row_of(scene, options.size, seed, kind))
        title = f"{options.size} x {options.size} pixels, seeds that {table}"
        report(name, title, with_mean(rows))


if __name__ == "__main__":
    main()

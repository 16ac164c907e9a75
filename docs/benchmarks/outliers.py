# SPDX-License-Identifier: BSD-3-Clause
"""What CubeMasker finds of hot pixels, cosmic rays and dead columns.

Synthetic galaxies get outliers whose places are known. Reported are the share of them
that is masked, the share of all other pixels, and the share of the light of stars,
clusters and nebulae that is masked although no outlier lies there; then the adjusted
Rand index of the default chain with the true populations, for the clean cube and for
the corrupted one with and without masking. Run: ``python docs/benchmarks/outliers.py``
(a few minutes; ``--no-maps`` leaves out the chain, ``--seeds 1`` is quicker).
"""

import argparse

import numpy as np
from measuring import report
from sklearn.metrics import adjusted_rand_score

from skesom.cube import CubeMasker
from skesom.datasets import POPULATIONS, make_galaxy_cube
from skesom.maps import make_cluster_pipeline
from skesom.som import CSOM, ESOM

SHAPES = ((200, 200), (605, 605))
HOT_PER_PIXEL = 20 / 40_000
RAYS_PER_PIXEL = 4 / 40_000
DEEP = 20  # in noise: a dead pixel that shows
COMPACT = ("H II region", "star cluster", "supernova remnant", "foreground star")
MAPS = {"ESOM": ESOM, "CSOM": CSOM}
MAP_SEEDS = 2


def noise_of(image):
    """Noise of a pixel in the darker half of an image."""
    steps = np.diff(image, axis=1)
    dark = image[:, 1:] < np.median(image)
    return 1.4826 * np.median(np.abs(steps[dark])) / 2**0.5


def line(shape, start, angle, length, width):
    """Pixels that lie on a straight piece of a line."""
    rows, columns = np.indices(shape)
    y, x = rows - start[0], columns - start[1]
    along = y * np.sin(angle) + x * np.cos(angle)
    across = np.abs(y * np.cos(angle) - x * np.sin(angle))
    return (along >= 0) & (along <= length) & (across <= width / 2)


def hot(data, rng, lowest=10, highest=1e4):
    """Add single bright pixels."""
    return _single(
        data, rng, lambda noise, n: noise * _between(rng, lowest, highest, n)
    )


def extreme(data, rng):
    """Add single pixels of a hundred times the maximum."""

    def height(noise, n, image=data):
        return np.full(n, 100 * np.nanmax(image))

    return _single(data, rng, height)


def dead(data, rng):
    """Set single pixels to zero."""
    return _single(data, rng, None)


def rays(data, rng, widths=(1.0, 2.5), lowest=20):
    """Add cosmic rays, each in one band, of 2 to 30 pixels' length."""
    truth = np.zeros(data.shape, dtype=bool)
    shape = data.shape[:2]
    for band in range(data.shape[2]):
        noise = noise_of(data[:, :, band])
        for _ in range(round(RAYS_PER_PIXEL * data[:, :, 0].size)):
            start = rng.uniform(0, shape)
            length, width = _between(rng, 2, 30, 1)[0], rng.uniform(*widths)
            on = line(shape, start, rng.uniform(0, np.pi), length, width)
            brightness = noise * _between(rng, lowest, 1e4, 1)[0]
            data[on, band] += brightness * rng.uniform(0.7, 1.3, on.sum())
            truth[on, band] = True
    return truth


def columns(data, rng):
    """Set two columns of each band to zero, one of them in part."""
    truth = np.zeros(data.shape, dtype=bool)
    for band in range(data.shape[2]):
        first, second = rng.choice(data.shape[1], 2, replace=False)
        truth[:, first, band] = True
        truth[rng.integers(0, data.shape[0] // 2) :, second, band] = True
    data[truth] = 0
    return truth


def _between(rng, low, high, n):
    return np.exp(rng.uniform(np.log(low), np.log(high), n))


def _single(data, rng, height):
    truth = np.zeros(data.shape, dtype=bool)
    n_pixels = data[:, :, 0].size
    for band in range(data.shape[2]):
        n = round(HOT_PER_PIXEL * n_pixels)
        place = np.unravel_index(rng.choice(n_pixels, n, replace=False), data.shape[:2])
        truth[(*place, band)] = True
        noise = noise_of(data[:, :, band])
        if height is None:
            deep = data[(*place, band)] > DEEP * noise
            truth[(*place, band)] = deep  # of others nobody can tell
            data[(*place, band)] = 0
        else:
            data[(*place, band)] += height(noise, n)
    return truth


KINDS = {
    "hot": hot,
    "hot, 10-30 sigma": lambda data, rng: hot(data, rng, 10, 30),
    "hot, 30-100 sigma": lambda data, rng: hot(data, rng, 30, 100),
    "hot, > 100 sigma": lambda data, rng: hot(data, rng, 100),
    "hot, 100 x maximum": extreme,
    "dead": dead,
    "rays": rays,
    "rays, > 100 sigma": lambda data, rng: rays(data, rng, lowest=100),
    "rays, 1 pixel wide": lambda data, rng: rays(data, rng, (1.0, 1.0)),
    "columns": columns,
}


def outliers_of(cube):
    """Values that the masker takes beyond what is NaN."""
    masker = CubeMasker(min_bands=1)
    return np.isnan(masker.fit_transform(cube).data)


def compact_light(cube, truth):
    """Light of compact objects above that of the median pixel, and 0 elsewhere."""
    compact = np.isin(truth, [POPULATIONS.index(name) for name in COMPACT])
    light = np.maximum(cube.data - np.median(cube.data, axis=(0, 1)), 0)
    light /= light[compact].sum(axis=0)
    return np.where(compact[:, :, np.newaxis], light, 0)


def rates(seeds):
    """Report what is found and what is lost."""
    rows = []
    for shape in SHAPES:
        for name, corrupt in {"clean": None, **KINDS}.items():
            found, others, lost = [], [], []
            for seed in range(seeds):
                cube, truth = make_galaxy_cube(shape, random_state=seed)
                light = compact_light(cube, truth)
                data = cube.data.copy()
                wrong = np.zeros(data.shape, dtype=bool)
                if corrupt is not None:
                    wrong = corrupt(data, np.random.default_rng(seed))
                masked = outliers_of(cube.replace(data=data))
                if wrong.any():
                    found.append(masked[wrong].mean())
                others.append(masked[~wrong].mean())
                by_band = np.where(masked & ~wrong, light, 0).sum(axis=(0, 1))
                lost.append(by_band.max())
            rows.append(
                {
                    "pixels": "{} x {}".format(*shape),
                    "outliers": name,
                    "found": f"{np.mean(found):.1%}" if found else "",
                    "others": f"{np.mean(others):.4%}",
                    "most light lost": f"{np.max(lost):.2%}",
                }
            )
    report("outliers_found", f"Outliers in nine bands, seeds: {seeds}", rows)


def maps(seeds):
    """Report how far the maps follow the true populations."""
    everything = ("hot", "dead", "rays", "columns")
    kinds = {name: (name,) for name in everything}
    kinds |= {"hot, 100 x maximum": ("hot, 100 x maximum",), "all": everything}
    rows = []
    for method, kind in MAPS.items():
        for name, parts in kinds.items():
            scores = []
            for seed in range(seeds):
                cube, truth = make_galaxy_cube((200, 200), random_state=seed)
                data = cube.data.copy()
                rng = np.random.default_rng(seed)
                for part in parts:
                    KINDS[part](data, rng)
                corrupted = cube.replace(data=data)
                for map_seed in range(MAP_SEEDS):
                    clusterer = kind(n_clusters=8, random_state=map_seed)
                    scores.append(
                        [
                            agreement(clusterer, cube, truth, True),
                            agreement(clusterer, corrupted, truth, True),
                            agreement(clusterer, corrupted, truth, False),
                        ]
                    )
            columns = ("clean", "masked", "not masked")
            means = dict(zip(columns, np.mean(scores, axis=0).tolist(), strict=True))
            rows.append({"map": method, "outliers": name} | means)
    title = f"Adjusted Rand index with the true populations, seeds: {seeds}"
    report("outliers_maps", title, rows)


def agreement(clusterer, cube, truth, mask):
    """Adjusted Rand index of the default chain with the true populations."""
    pipeline = make_cluster_pipeline(clusterer, mask_outliers=mask)
    labels = pipeline.fit_predict(cube)
    there = labels >= 0
    return adjusted_rand_score(truth[there], labels[there])


def main():
    """Report both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--no-maps", action="store_true")
    options = parser.parse_args()
    rates(options.seeds)
    if not options.no_maps:
        maps(options.seeds)


if __name__ == "__main__":
    main()

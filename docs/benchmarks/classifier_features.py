# SPDX-License-Identifier: BSD-3-Clause
"""Which features help a classifier of pixels, and that clusters lose by them.

The galaxies of ``features.py``, whose populations are known. A classifier learns from
half of the pixels and is tested on the other half, then the other way round: halves of
blocks of the sky (squares, so that few neighbors of a tested pixel were learned from),
and random pixels, as is often done. Tables: the default on the scenes in REPORT, and
each of these; four scenes without labels; parts of the features and other widths on the
scenes in CHOOSE, with other seeds, by which the default was chosen. Numbers are means
of the adjusted Rand index with the populations, the share of right pixels, and the F1
of the dust lanes (where there are FEWEST of their pixels). Run:
``python docs/benchmarks/classifier_features.py`` (an hour);
``--scenes spiral noisy --size 64`` is a trial.
"""

import argparse
import warnings

import numpy as np
from features import CHOOSE, REPORT, draw
from measuring import report
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import adjusted_rand_score, f1_score

from skesom._sky.narrow_bands import band_wavelengths, find_continua
from skesom.consensus import ConsensusClusterer
from skesom.cube import AsinhStretch, ColorScaler, SpatialFeatures
from skesom.datasets import POPULATIONS
from skesom.som import ESOM, MapClassifier

DUST = POPULATIONS.index("dust lane")
FEWEST = 50  # pixels of dust lanes of a scene that are scored
BLOCKS = 6  # along a side; halves of them are learned from
SEEDS = {"choose": (11, 12), "report": (21,)}
CLUSTERED = ("spiral", "merger", "dusty", "starburst")
BEFORE, DEFAULT = "bands", "smooth, unsharp"
EVERYTHING = "smooth, unsharp, colors, lines"


def main():
    """Report all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    scenes = CHOOSE | REPORT
    parser.add_argument("--scenes", nargs="+", default=list(scenes), choices=scenes)
    parser.add_argument("--size", type=int, default=100)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    reported = [name for name in REPORT if name in options.scenes]
    if reported:
        scores = {
            name: [
                of_ways(
                    scenes[name],
                    seed,
                    options.size,
                    (BEFORE, DEFAULT),
                    ("blocks", "random"),
                )
                for seed in SEEDS["report"]
            ]
            for name in reported
        }
        title = "Held-out halves of the scenes to report, ARI / F1 of dust lanes"
        report("classifier_features_report", title, rows_of_ways(scores))
        title = (
            "Blocks of each of these scenes, share of right pixels / F1 of dust lanes"
        )
        report("classifier_features_scenes", title, rows_of_scenes(scores))
    clustered = [name for name in CLUSTERED if name in options.scenes]
    if clustered:
        rows = [of_clusters(name, scenes[name], options.size) for name in clustered]
        title = "Consensus of the same pixels at 8 clusters, without labels, ARI"
        report("classifier_features_clusters", title, rows)
    chosen = [name for name in CHOOSE if name in options.scenes]
    if chosen:
        scores = {
            name: [
                of_ways(scenes[name], seed, options.size, WAYS, ("blocks",))
                for seed in SEEDS["choose"]
            ]
            for name in chosen
        }
        title = "Held-out halves of the scenes to choose by, ARI / F1 of dust lanes"
        report("classifier_features_choose", title, rows_of_ways(scores))


def of_ways(scene, seed, size, ways, kinds):
    """Return the scores of each way, classifier and kind of halves of a scene."""
    cube, inside, truth = draw(scene, size, seed)
    stretched = AsinhStretch().fit_transform(cube)
    bands = stretched.replace(
        data=np.where(inside[:, :, np.newaxis], stretched.data, np.nan)
    )
    bands = ColorScaler().fit_transform(bands)
    rng = np.random.default_rng(seed)
    halves = {
        "blocks": block_halves(inside.shape, rng)[inside],
        "random": rng.permutation(np.arange(len(truth)) % 2),
    }
    found = {}
    for way in ways:
        table = np.ascontiguousarray(WAYS[way](bands).data[inside])
        for name, classifier in CLASSIFIERS.items():
            for kind in kinds:
                predicted = crossed(classifier, table, truth, halves[kind])
                found[way, name, kind] = scores_of(truth, predicted)
    return found


def block_halves(shape, rng):
    """Return 0 or 1 for each pixel: to which half its block of the sky belongs."""
    rows, columns = np.indices(shape)
    block_rows = rows * BLOCKS // shape[0]
    block_columns = columns * BLOCKS // shape[1]
    half = rng.permutation(np.arange(BLOCKS**2) % 2)
    return half[block_rows * BLOCKS + block_columns]


def crossed(classifier, table, truth, half):
    """Return labels of each half as the other one teaches them."""
    predicted = np.empty_like(truth)
    for tested in (half == 0, half == 1):
        classifier.fit(table[~tested], truth[~tested])
        predicted[tested] = classifier.predict(table[tested])
    return predicted


def scores_of(truth, predicted):
    """Return the index, the share of right pixels, and the F1 of dust lanes."""
    is_dust = truth == DUST
    dust = np.nan
    if np.count_nonzero(is_dust) >= FEWEST:
        dust = f1_score(is_dust, predicted == DUST)
    index = adjusted_rand_score(truth, predicted)
    return index, np.mean(truth == predicted), dust


def rows_of_ways(scores):
    """Return a row for each way, of means over scenes."""
    runs = [run for of_scene in scores.values() for run in of_scene]
    rows = []
    for way in dict.fromkeys(key[0] for key in runs[0]):
        row = {"features": way}
        for key in runs[0]:
            if key[0] == way:
                index, _, dust = np.nanmean([run[key] for run in runs], axis=0)
                row[", ".join(key[1:])] = f"{index:.3f} / {dust:.3f}"
        rows.append(row)
    return rows


def rows_of_scenes(scores):
    """Return a row for each scene, before and after."""
    rows = []
    for scene, runs in scores.items():
        row = {"scene": scene}
        for name in CLASSIFIERS:
            for way in (BEFORE, DEFAULT):
                values = [run[way, name, "blocks"] for run in runs]
                _, right, dust = np.nanmean(values, axis=0)
                text = f"{right:.2f}"
                if np.isfinite(dust):
                    text += f" / {dust:.2f}"
                row[f"{name}, {way}"] = text
        rows.append(row)
    return rows


def of_clusters(name, scene, size):
    """Return the row of a scene that is clustered."""
    row = {"scene": name}
    found = {}
    for seed in SEEDS["report"]:
        cube, inside, truth = draw(scene, size, seed)
        stretched = AsinhStretch().fit_transform(cube)
        bands = stretched.replace(
            data=np.where(inside[:, :, np.newaxis], stretched.data, np.nan)
        )
        bands = ColorScaler().fit_transform(bands)
        for way in (BEFORE, DEFAULT, EVERYTHING):
            table = np.ascontiguousarray(WAYS[way](bands).data[inside])
            consensus = ConsensusClusterer(ESOM(), n_clusters=8, random_state=seed)
            index = adjusted_rand_score(truth, consensus.fit_predict(table))
            found.setdefault(way, []).append(index)
    return row | {way: float(np.mean(indices)) for way, indices in found.items()}


def joined(*cubes):
    """Return a cube of the bands of several."""
    names = [name for cube in cubes for name in cube.band_names]
    data = np.concatenate([cube.data for cube in cubes], axis=2)
    n_bands = len(names)
    return cubes[0].replace(
        data=data,
        band_names=names,
        band_units=[None] * n_bands,
        band_coordinates=None,
        fwhm=np.full(n_bands, np.nan),
    )


def features_of(bands, kind, **parameters):
    """Return the smooth or the unsharp bands alone."""
    features = SpatialFeatures(**parameters).fit_transform(bands)
    return features[[name for name in features.band_names if name.endswith(kind)]]


def colors_of(bands, smooth):
    """Return differences of smooth bands that are neighbors in wavelength."""
    order = np.argsort(band_wavelengths(bands), kind="stable")
    data = np.diff(smooth.data[:, :, order], axis=2)
    names = [f"color {number}" for number in range(data.shape[2])]
    return bands[:, :, : len(names)].replace(data=data, band_names=names)


def lines_of(bands, smooth):
    """Return what narrow bands exceed, smooth, their continuum between broad bands."""
    continua = find_continua(bands)
    if not continua:
        return bands[:, :, :0]
    names, places = list(bands.band_names), np.log(band_wavelengths(bands))
    excesses = []
    for line, continuum in continua.items():
        band, first, last = map(names.index, (line, continuum[0], continuum[-1]))
        share = 0.0
        if first != last:
            share = (places[band] - places[first]) / (places[last] - places[first])
        values = (smooth.data[:, :, number] for number in (band, first, last))
        flux, blue, red = values
        excesses.append(flux - (1 - share) * blue - share * red)
    names = [f"{line} excess" for line in continua]
    part = bands[:, :, : len(names)]
    return part.replace(data=np.dstack(excesses), band_names=names)


def with_colors_and_lines(bands):
    """Return the default, colors and the excess of lines."""
    smooth = features_of(bands, "smooth")
    return joined(
        SpatialFeatures().fit_transform(bands),
        colors_of(bands, smooth),
        lines_of(bands, smooth),
    )


WAYS = {
    BEFORE: lambda bands: bands,
    "bands, colors": lambda bands: joined(bands, colors_of(bands, bands)),
    "bands, lines": lambda bands: joined(bands, lines_of(bands, bands)),
    "bands, unsharp": lambda bands: joined(bands, features_of(bands, "unsharp")),
    "smooth": lambda bands: features_of(bands, "smooth"),
    DEFAULT: lambda bands: SpatialFeatures().fit_transform(bands),
    "smooth, unsharp, bands": lambda bands: joined(
        SpatialFeatures().fit_transform(bands), bands
    ),
    EVERYTHING: with_colors_and_lines,
    "smooth=0.5": SpatialFeatures(smooth=0.5).fit_transform,
    "smooth=2": SpatialFeatures(smooth=2.0).fit_transform,
    "surroundings=4": SpatialFeatures(surroundings=4.0).fit_transform,
    "surroundings=16": SpatialFeatures(surroundings=16.0).fit_transform,
}
CLASSIFIERS = {
    "forest": RandomForestClassifier(
        30, min_samples_leaf=5, max_samples=0.5, random_state=0
    ),
    # As `skesom classify` makes it.
    "map": MapClassifier(
        ESOM(learning_rate=0.05, random_state=0),
        n_neighbors=3,
        class_weight="balanced",
    ),
}


if __name__ == "__main__":
    main()

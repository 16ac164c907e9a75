# SPDX-License-Identifier: BSD-3-Clause
"""How `CubeAligner` finds bands that are shifted, and leaves those that are not.

    python docs/benchmarks/registration.py --seeds 6

prints three tables. Scenes are galaxies of four kinds in nine bands, with the noise of
a deep image and 4 and 8 times of it. Even and odd seeds are reported apart, so that a
constant can be chosen on one half and reported on the other.

- Bands that are not shifted: 4 kinds, 3 levels of noise, 6 seeds make 72 draws. Then
  images with nothing in common, or with other looks: how many bands were moved, and of
  how many a warning says that they could not be compared.
- Bands that are shifted by 1.5 to 12 pixels: the share that was found within half a
  pixel, left, and moved to a wrong place, and the median error.
- The agreement of clusters with the truth of the scene (adjusted Rand index), without
  shifts, with shifts that are kept, and with shifts that are corrected.

With the environment variable SKESOM_TEST_DATA, the nine bands of KiDS and VIKING and
the cuts of M83 come after the first two tables.
"""

import argparse
import os
import sys
import warnings
from pathlib import Path

import numpy as np
from measuring import report
from scipy import ndimage
from sklearn.metrics import adjusted_rand_score

from skesom.cube import Cube, CubeAligner, CubeMasker
from skesom.datasets import make_galaxy_cube
from skesom.maps import make_cluster_pipeline
from skesom.som import ESOM

sys.path.append(str(Path(__file__).resolve().parents[2]))
from tests.helpers.sky_fields import disc, nebula, read_bands, star_cloud, stars

KINDS = "spiral", "edge-on", "merger", "elliptical"
NOISES = 1, 4, 8  # times that of the scenes
SIDE, MARGIN = 160, 24  # pixels; what comes in at the border is cut off
RIGHT = 0.5  # pixels


def scene(kind, noise, seed):
    """Return the data of a galaxy with a margin, and its truth."""
    shape = SIDE + 2 * MARGIN, SIDE + 11 + 2 * MARGIN
    cube, truth = make_galaxy_cube(shape, kind=kind, noise=noise, random_state=seed)
    return cube.data, truth


def moved(data, shifts, order=3):
    """Return data whose bands are shifted, without the margin."""
    bands = [
        ndimage.shift(data[:, :, band], shift, order=order, mode="nearest")
        if np.any(shift)
        else data[:, :, band]
        for band, shift in enumerate(shifts)
    ]
    stack = np.stack(bands, axis=2).astype(np.float32)
    return stack[MARGIN:-MARGIN, MARGIN:-MARGIN]


def turned(data, angle):
    """Return data that are turned as a whole, as of another camera."""
    options = {"axes": (0, 1), "reshape": False, "order": 3, "mode": "nearest"}
    return ndimage.rotate(data, angle, **options)


def register(data):
    """Return the shifts of bands, and of how many a warning tells."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        aligner = CubeAligner(registration="auto").fit(data)
    texts = [str(each.message) for each in caught]
    told = [text for text in texts if "is unknown" in text]
    return aligner.shifts_, sum(text.count("'band") for text in told)


def unshifted_row(name, scenes):
    """Return a row of scenes whose bands all lie at one place."""
    shifts, n_told = zip(*map(register, scenes), strict=True)
    n_moved = [int(np.count_nonzero(each.any(axis=1))) for each in shifts]
    return {
        "images": name,
        "draws": len(shifts),
        "bands": sum(len(each) for each in shifts),
        "draws with a false alarm": int(np.count_nonzero(n_moved)),
        "bands moved": sum(n_moved),
        "told that unknown": sum(n_told),
    }


def galaxies(noise, seeds):
    """Yield galaxies without shifts."""
    for kind in KINDS:
        for seed in seeds:
            yield moved(scene(kind, noise, seed)[0], np.zeros((9, 2)))


def pair(first, second, noise=1.0, rng=None):
    """Return two bands with noise."""
    bands = np.stack([first, second], axis=2)
    return (bands + noise * rng.normal(size=bands.shape)).astype(np.float32)


def other_looks(rng):
    """Return pairs of images that show other things at one place."""
    size = SIDE
    seed = int(rng.integers(2**31))
    galaxy = scene("spiral", 1, seed)[0][MARGIN:-MARGIN, MARGIN:-MARGIN]
    other = scene("merger", 1, seed + 1)[0][MARGIN:-MARGIN, MARGIN:-MARGIN]
    rows, columns = np.indices((size, size)) / size
    star = np.zeros((size, size))
    star[size // 2, size // 2] = 3e4
    star = ndimage.gaussian_filter(star, 2)
    # Photons come from hot gas that is seen nowhere else.
    gas = 0.03 + ndimage.gaussian_filter(rng.random((size, size)) ** 40, 3)
    photons = rng.poisson(gas).astype(float)
    # The near side of a disc has dust, so that blue light lies on the other side.
    blue = galaxy[:, :, 0] * np.exp(-2.0 / (1 + np.exp(-8 * (rows[:, :1] - 0.5))))
    near = galaxy[:size, :size]
    return {
        "two galaxies": pair(near[:, :, 4], other[:size, :size, 4], 0, rng),
        "a galaxy and photons": pair(near[:, :, 4], photons, 0, rng),
        "two fields of stars": pair(
            stars(rng, (size, size, 1), 60)[:, :, 0],
            stars(rng, (size, size, 1), 60)[:, :, 0],
            rng=rng,
        ),
        "one star": pair(star, 1.3 * star, rng=rng),
        "two slopes": pair(50 * rows, 80 * columns, rng=rng),
        "discs of two widths": pair(disc(size, 12, 60), disc(size, 30, 40), rng=rng),
        "two nebulae": pair(
            nebula(rng, size=size)[:, :, 0], nebula(rng, size=size)[:, :, 0], rng=rng
        ),
        "stars behind dark clouds": star_cloud(rng, size=size),
        "dust on one side": pair(blue, galaxy[:, :, 8], 0, rng),
        "noise": rng.normal(size=(size, size, 5)).astype(np.float32),
    }


def shifts_of(case, rng):
    """Return shifts of nine bands, of which those of most are 0 if most stay."""
    shifts = np.zeros((9, 2))
    n_moved = {"one": 1, "four together": 4, "three apart": 3}[case]
    bands = rng.permutation(9)[:n_moved]
    angles = rng.uniform(0, 2 * np.pi, n_moved)
    sizes = rng.uniform(1.5, 12, n_moved)
    if case == "four together":
        angles[:], sizes[:] = angles[0], sizes[0]
    shifts[bands] = np.stack([sizes * np.sin(angles), sizes * np.cos(angles)], axis=1)
    return shifts


def shifted_row(name, draws):
    """Return a row of scenes and the true shifts of their bands."""
    n_bands, n_found, n_left, n_wrong, n_disturbed = 0, 0, 0, 0, 0
    errors = []
    for data, true in draws:
        found, _ = register(data)
        is_shifted = true.any(axis=1)
        gaps = found - true
        gaps -= np.median(gaps, axis=0)  # which place stays is no error
        error = np.hypot(*gaps.T)
        is_moved = found.any(axis=1)
        n_bands += int(np.count_nonzero(is_shifted))
        n_found += int(np.count_nonzero(is_shifted & (error < RIGHT)))
        n_left += int(np.count_nonzero(is_shifted & ~is_moved & (error >= RIGHT)))
        n_wrong += int(np.count_nonzero(is_shifted & is_moved & (error >= RIGHT)))
        n_disturbed += int(np.count_nonzero(~is_shifted & is_moved & (error >= RIGHT)))
        errors += error[is_shifted & is_moved].tolist()
    return {
        "images": name,
        "bands shifted": n_bands,
        "found": n_found / n_bands,
        "left": n_left / n_bands,
        "moved wrongly": n_wrong / n_bands,
        "others moved wrongly": n_disturbed,
        "median error": float(np.median(errors)) if errors else np.nan,
    }


def shifted_scenes(case, noise, seeds, angle=0):
    """Yield galaxies with shifted bands, and the shifts."""
    for kind in KINDS:
        for seed in seeds:
            rng = np.random.default_rng([seed, noise, KINDS.index(kind)])
            data = scene(kind, noise, seed)[0]
            if angle:
                data = turned(data, angle)
            shifts = shifts_of(case, rng)
            yield moved(data, shifts), shifts


def agreement(data, truth, registration):
    """Return the adjusted Rand index of clusters with the truth."""
    esom = ESOM(n_clusters=7, random_state=0)
    pipeline = make_cluster_pipeline(esom, sky="keep")
    pipeline.set_params(align__registration=registration)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        labels = pipeline.fit_predict(Cube(data))
    known = (labels >= 0) & (truth >= 0)
    return adjusted_rand_score(truth[known], labels[known])


def agreement_row(kind, case, seeds):
    """Return a row of the agreement with the truth, before and after."""
    figures = {"without shifts": [], "shifts kept": [], "shifts corrected": []}
    for seed in seeds:
        data, truth = scene(kind, 1, seed)
        truth = truth[MARGIN:-MARGIN, MARGIN:-MARGIN]
        rng = np.random.default_rng([seed, KINDS.index(kind)])
        shifted = moved(data, shifts_of(case, rng))
        right = moved(data, np.zeros((9, 2)))
        figures["without shifts"].append(agreement(right, truth, None))
        figures["shifts kept"].append(agreement(shifted, truth, None))
        figures["shifts corrected"].append(agreement(shifted, truth, "auto"))
    means = {name: float(np.mean(values)) for name, values in figures.items()}
    return {"scene": kind, "shifted": case, **means}


def real_bands(folder):
    """Return the nine bands of KiDS and VIKING, without defects."""
    return CubeMasker().fit_transform(read_bands(Path(folder)))


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--only", choices=["unshifted", "shifted", "agreement"])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    halves = {
        "even seeds": range(0, options.seeds, 2),
        "odd seeds": range(1, options.seeds, 2),
    }
    folder = os.environ.get("SKESOM_TEST_DATA")
    if options.only in (None, "unshifted"):
        rows = [
            unshifted_row(f"galaxies, noise x {noise}, {half}", galaxies(noise, seeds))
            for half, seeds in halves.items()
            for noise in NOISES
        ]
        draws = [
            other_looks(np.random.default_rng(seed)) for seed in range(options.seeds)
        ]
        for name in draws[0]:
            rows.append(unshifted_row(name, [draw[name] for draw in draws]))
        if folder:
            rows.append(unshifted_row("KiDS and VIKING", [real_bands(folder)]))
        report("registration_unshifted", "Bands that are not shifted", rows)
    if options.only in (None, "shifted"):
        rows = []
        for half, seeds in halves.items():
            for case in ("one", "four together", "three apart"):
                for noise in NOISES:
                    name = f"{case} of nine, noise x {noise}, {half}"
                    scenes = shifted_scenes(case, noise, seeds)
                    rows.append(shifted_row(name, scenes))
        scenes = shifted_scenes("one", 1, range(1, options.seeds, 2), angle=30)
        rows.append(shifted_row("one of nine, turned by 30 degrees", scenes))
        if folder:
            draws = []
            data = real_bands(folder)
            for seed in range(options.seeds):
                true = shifts_of("three apart", np.random.default_rng(seed))
                draws.append((moved(data, true, order=1), true))  # around its gaps
            rows.append(shifted_row("KiDS and VIKING, three apart of nine", draws))
        report("registration_shifted", "Bands that are shifted by 1.5 to 12 px", rows)
    if options.only in (None, "agreement"):
        seeds = range(1, options.seeds, 2)
        rows = [
            agreement_row(kind, case, seeds)
            for kind in ("spiral", "merger")
            for case in ("one", "four together", "three apart")
        ]
        report("registration_agreement", "Agreement with the truth (ARI)", rows)


if __name__ == "__main__":
    main()

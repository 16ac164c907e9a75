# SPDX-License-Identifier: BSD-3-Clause
"""Pixel clusters of many fields of tissue: seconds and memory.

Fields of 16-bit counts are made one after the other, and are never on the disk. A map
learns from pixels of each field, then each field is labeled and the pixels of each
cluster in each cell are counted, as the page on tissue does it: no more than one field
is in memory. Each part is timed by itself, without the making of fields; memory is that
of the whole process with a field of integers in it. Run:
``python docs/benchmarks/tissue.py``, or with ``--shape 512 512 8 --fields 2``. The
default is 63 million pixels in 20 channels, 2.5 GB of counts.
"""

import argparse
import time
from collections import Counter

import numpy as np
from measuring import memory, report
from scipy.ndimage import gaussian_filter
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom import CSOM, Cube, CubeClusterer, PixelSampler

N_TYPES, CELL = 8, 16  # pixels of the side of a cell


def make_field(shape, seed):
    """Return counts, the mask of the cells, and the type of each cell."""
    rng = np.random.default_rng(seed)
    n_rows, n_columns, n_channels = shape
    bright = np.random.default_rng(0).random((N_TYPES + 1, n_channels)) < 0.3
    rates = np.where(bright, 6.0, 0.2)
    rates[0] = 0.05  # between cells
    rows, columns = np.arange(n_rows), np.arange(n_columns)
    across = -(-n_columns // CELL)
    mask = rows[:, np.newaxis] // CELL * across + columns // CELL + 1
    types = rng.integers(1, N_TYPES + 1, mask[-1, -1] + 1)
    gap = ((rows % CELL < 3)[:, np.newaxis]) | (columns % CELL < 3)
    mask = np.where(gap, 0, mask).astype(np.int32)
    kinds = np.where(gap, 0, types[mask])
    counts = np.empty(shape, dtype=np.uint16)
    for channel in range(n_channels):  # counts of all pixels of one rate at once
        counts[:, :, channel] = rng.poisson(rates[kinds, channel])
    return counts, mask, types


def prepared(counts):
    """Return a cube of smoothed counts without the pixels between cells."""
    images = gaussian_filter(counts, (1, 1, 0), output=np.float32)
    np.sqrt(images, out=images)
    images[images.max(axis=2) < 1] = np.nan
    return Cube(images)


def count_pixels(mask, label_map, n_clusters):
    """Return the pixels of each cluster in each cell; row 0 is no cell."""
    counts = np.zeros((mask.max() + 1, n_clusters), dtype=int)
    known = label_map >= 0
    np.add.at(counts, (mask[known], label_map[known]), 1)
    return counts


def main():
    """Report the seconds of each part, and the memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = {"nargs": 3, "metavar": ("ROWS", "COLUMNS", "CHANNELS")}
    parser.add_argument("--shape", type=int, default=[2048, 2048, 20], **sizes)
    parser.add_argument("--fields", type=int, default=15)
    parser.add_argument(
        "--learn", type=int, default=20_000, help="pixels of each field"
    )
    options = parser.parse_args()
    shape, n_clusters = tuple(options.shape), 20
    cpu = Counter()

    def timed(part, work, *arguments):
        used = time.process_time()
        result = work(*arguments)
        cpu[part] += time.process_time() - used
        return result

    fields = [(shape, seed) for seed in range(options.fields)]
    sampler, chosen = PixelSampler(options.learn, random_state=0), []
    for field in fields:
        counts, *_ = make_field(*field)
        cube = timed("smooth, twice", prepared, counts)
        chosen.append(cube.data[timed("choose pixels", sampler.sample, cube)])
    training = Cube(np.concatenate(chosen)[:, np.newaxis])
    pipeline = make_pipeline(StandardScaler(), CSOM(n_clusters, shape=(10, 10)))
    clusterer = timed("learn", CubeClusterer(pipeline).fit, training)
    shares, types = [], []
    for field in fields:
        counts, mask, of_cells = make_field(*field)
        cube = timed("smooth, twice", prepared, counts)
        label_map = timed("label all pixels", clusterer.predict, cube)
        counted = timed("count in cells", count_pixels, mask, label_map, n_clusters)
        seen = counted[1:].any(axis=1)
        shares.append(counted[1:][seen])
        types.append(of_cells[1:][seen])
    shares, types = np.vstack(shares), np.concatenate(types)
    shares = shares / shares.sum(axis=1, keepdims=True)
    cells = timed("group the cells", CSOM(N_TYPES, shape=(10, 10)).fit_predict, shares)
    cpu["all"] = cpu.total()
    rows = [{"part": part, "CPU s": seconds} for part, seconds in cpu.items()]
    n_pixels = options.fields * shape[0] * shape[1] / 1e6
    title = f"{n_pixels:.0f} million pixels x {shape[2]} channels in {options.fields} "
    title += (
        f"fields, {len(types)} cells, {memory('HWM') / 1e9:.1f} GB of memory at most"
    )
    report("tissue", title, rows)
    print(f"adjusted Rand index of the cells {adjusted_rand_score(types, cells):.2f}")


if __name__ == "__main__":
    main()

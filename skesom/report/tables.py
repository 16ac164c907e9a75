# SPDX-License-Identifier: BSD-3-Clause
"""A look at all pixels of a result, strip by strip, which writes their tables."""

from contextlib import ExitStack, closing
from typing import NamedTuple

import numpy as np
from astropy.table import vstack
from joblib import cpu_count
from sklearn.utils import gen_batches

from skesom._common.labels import SKY
from skesom._common.thread_pools import in_threads
from skesom._common.threads import one_thread
from skesom.maps.neighbor_agreement import agreement_with_neighbors
from skesom.report._table_file import TableFile
from skesom.report.pixel_columns import StripOfPixels

TABLES = ("pixels.fits", "pixels_scaled.fits")
_MAX_BANDS = 990  # FITS tables have at most 999 columns
_MAX_PIXELS = 10_000_000  # of nine bands, whose tables are 1.2 GB
_SAMPLE_SIZE = 200_000
_SEED = 0


class ChosenTables(NamedTuple):
    """Which tables a report has beside that of the clusters."""

    of_pixels: tuple[str, ...]  # of TABLES
    has_details: bool  # validity indices, and images of the clusters in each band
    why_no_pixels: str | None  # None also where nobody asked for them


def choose_tables(result, tables):
    """Return the tables to write of those asked for, True, False or "auto"."""
    has_details = tables is True
    if not tables:
        return ChosenTables((), has_details, None)
    n_bands = 1 if result.is_voxel else result.cube.shape[2]
    if max(n_bands, len(result.feature_names)) > _MAX_BANDS:
        reason = "FITS tables cannot have so many columns"
        return ChosenTables((), has_details, reason)
    n_pixels = np.count_nonzero(result.label_map > SKY)
    if tables == "auto" and n_pixels > _MAX_PIXELS:
        reason = f"tables of {n_pixels} pixels are gigabytes; tables=True writes them"
        return ChosenTables((), has_details, reason)
    if has_details:
        return ChosenTables(TABLES, has_details, None)
    return ChosenTables(TABLES[:1], has_details, None)


class PixelSummary(NamedTuple):
    """Results of a pass over the pixels, beside their tables."""

    distances: np.ndarray | None  # of each pixel to its nearest unit, NaN if masked
    agreement: np.ndarray | None  # of the runs on it and beside it, NaN if masked
    sample: np.ndarray  # features of at most 200 000 pixels, a row for each
    sample_labels: np.ndarray
    means: np.ndarray  # row, column, fluxes, features; a column for each cluster


def pass_over_pixels(result, folder=None, names=()):
    """Look once at all pixels that are not masked; write some of TABLES to a folder."""
    label_map = result.label_map
    result.sky_level  # noqa: B018 - once, before several threads ask for it
    n_pixels = int(np.count_nonzero(label_map > SKY))
    n_clusters = int(label_map.max(initial=-1)) + 1
    distances = None
    if result.som is not None:
        distances = np.full(label_map.shape, np.nan, dtype=np.float32)
    # In the pixels of the fit, the consensus has measured its agreement already.
    agreement = result.agreement
    measures_agreement = result.agreement_of_fit is not None and not result.is_of_fit
    if measures_agreement:
        agreement = np.full(label_map.shape, np.nan, dtype=np.float32)

    def look(rows):
        """Return a strip, its sums, and the rows of the tables to write."""
        strip = StripOfPixels(result, rows)
        if distances is not None:
            distances[rows][strip.valid] = strip.distances
        if measures_agreement:
            agreement[rows][strip.valid] = strip.agreement()
        tables = []
        if TABLES[0] in names:
            tables.append(strip.table())
        if TABLES[1] in names:
            tables.append(strip.table_of_features())
        return strip.features, strip.labels, strip.totals(n_clusters), tables

    is_sampled = _choose_sample(n_pixels)
    sample = []
    sample_labels = []
    n_seen = 0
    totals = 0
    with ExitStack() as stack:
        files = []
        for name in names:
            file = closing(TableFile(folder / name, n_pixels))
            files.append(stack.enter_context(file))
        for features, labels, strip_totals, tables in in_order(look, result.strips()):
            is_chosen = is_sampled[n_seen : n_seen + len(labels)]
            sample.append(features[is_chosen])
            sample_labels.append(labels[is_chosen])
            n_seen += len(labels)
            totals = totals + strip_totals
            for file, table in zip(files, tables, strict=True):
                file.write(table)
    if measures_agreement and not result.is_voxel:
        agreement = agreement_with_neighbors(agreement, result.run_label_map)
    sums, counts = totals
    means = np.full(sums.shape, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return PixelSummary(
        distances=distances,
        agreement=agreement,
        sample=np.concatenate(sample),
        sample_labels=np.concatenate(sample_labels),
        means=means,
    )


def table_of_pixels(result):
    """Return the table with a row for each pixel that is not masked, in memory."""
    result.sky_level  # noqa: B018 - once, before several threads ask for it

    def table_of(rows):
        return StripOfPixels(result, rows).table()

    return vstack(list(in_order(table_of, result.strips())))


def in_order(function, strips):
    """Yield the results of a function for strips, as many at once as processors."""

    def alone(rows):
        with one_thread():  # kernels with more threads would wait for each other
            return function(rows)

    strips = list(strips)
    for group in gen_batches(len(strips), cpu_count()):
        yield from in_threads(alone, strips[group], n_jobs=-1)


def _choose_sample(n_pixels):
    """Return whether each pixel is sampled; the same for the same number."""
    if n_pixels <= _SAMPLE_SIZE:
        return np.ones(n_pixels, dtype=bool)
    is_sampled = np.zeros(n_pixels, dtype=bool)
    generator = np.random.default_rng(_SEED)
    pixels = generator.choice(n_pixels, _SAMPLE_SIZE, replace=False, shuffle=False)
    is_sampled[pixels] = True
    return is_sampled

# SPDX-License-Identifier: BSD-3-Clause
"""
Redshifts of a photometric survey
=================================

A few galaxies have a measured redshift, and they are not like the others: they are
brighter. A map of the colors of all galaxies shows which kinds of galaxies have been
measured, and corrects the distribution of redshifts for those that are rare among them.
Each measurement has an error, by which the map compares galaxies with its units. The
catalog is a synthetic one in the format of the large surveys (HATS), and is read,
searched and reduced part by part.
"""

import sys
import tempfile
from pathlib import Path

import dask
import lsdb
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import sparse

from skesom.som import CSOM, unit_columns, unit_table

BANDS = ["u", "g", "r", "i", "z", "J", "H", "K"]
EDGES = """3300 4000  4000 5500  5600 7000  7000 8400  8400 10000
11500 13500  15000 18000  20000 23500"""  # angstrom
LIMITS = np.array([24.4, 25.2, 25.0, 24.6, 23.8, 22.6, 22.2, 22.0])  # of 5 sigma
SIGMAS = 10 ** (-0.4 * (LIMITS - 25)) / 5  # in units of the flux of magnitude 25
POGSON = 2.5 / np.log(10)
LIMITS_OF_BINS = [0.35, 0.55, 0.75, 0.95]

# %%
# Galaxies of two kinds of stars, and dust. Fainter ones are farther away, on average.


def make_fluxes(magnitudes, z, rng):
    """Return fluxes of galaxies of a magnitude in i, without noise."""
    old = rng.beta(0.8 + 1.2 * np.exp(-z), 1.6 + 0.5 * z)
    dust = rng.beta(1.2, 3.5, len(z)) * (1.2 - old)
    begin, end = np.array(EDGES.split(), dtype=float).reshape(-1, 2).T
    seen = np.linspace(begin, end, 12)[..., np.newaxis]
    wave = seen / (1 + z)
    young = np.where(wave < 3646, 0.75, 1)
    late = (wave / 5000) ** 1.6 * np.exp(-1.1 * np.maximum(wave / 12000 - 1, 0))
    late *= np.where(wave < 4000, 0.45, 1) * np.where(wave < 2800, 0.4, 1)
    light = (1 - old) ** 1.5 * young + (0.03 + old) * late
    light *= 10 ** (-0.48 * dust * (wave / 5500) ** -0.9)
    light *= np.where(wave < 1216, np.exp(-0.0036 * (seen / 1216) ** 3.46), 1)
    fluxes = light.mean(axis=0).T * np.exp(0.03 * rng.normal(size=(len(z), 8)))
    return fluxes * (10 ** (-0.4 * (magnitudes - 25)) / fluxes[:, 3])[:, np.newaxis]


def make_catalog(n, rng):
    """Return a table of galaxies, of which a few have a spectroscopic redshift."""
    magnitudes = np.maximum(24 + np.log10(1 - rng.random(n)) / 0.35, 17)
    typical = 0.12 + 0.085 * np.clip(magnitudes - 17.5, 0.3, None)
    z = np.minimum(rng.gamma(2.2, typical / 2.2), 3)
    fluxes = make_fluxes(magnitudes, z, rng)
    errors = np.hypot(SIGMAS * np.exp(0.2 * rng.normal(size=fluxes.shape)), fluxes / 50)
    measured = fluxes + errors * rng.normal(size=fluxes.shape)
    measured[rng.random(fluxes.shape) < 0.04] = np.nan
    columns = {f"flux_{band}": measured[:, n] for n, band in enumerate(BANDS)}
    columns |= {f"error_{band}": errors[:, n] for n, band in enumerate(BANDS)}
    frame = pd.DataFrame(columns).astype(np.float32)
    # Spectra are taken of bright galaxies, and fail where no line is in the optical.
    taken = rng.random(n) < 0.4 / (1 + np.exp((magnitudes - 22.8) / 0.4))
    taken &= rng.random(n) < np.where((z > 1.4) & (z < 2), 0.5, 0.9)
    return frame.assign(
        ra=rng.uniform(150, 170, n),
        dec=np.degrees(np.arcsin(rng.uniform(-0.1, 0.1, n))),
        z_spec=np.where(taken, z, np.nan),
        z_true=z,
    )


# Part by part: in threads, warnings of LSDB about its own future would show.
dask.config.set(scheduler="synchronous")

temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name)
sky = make_catalog(200_000, np.random.default_rng(0))
written = lsdb.from_dataframe(
    sky, catalog_name="survey", partition_rows=25_000, margin_threshold=None
)
written.write_catalog(folder / "survey", progress_bar=False)

# %%
# Colors of asinh magnitudes (Lupton, Gunn & Szalay 1999, AJ 118, 1406) stay finite at
# negative fluxes. A missing band is NaN, and so is its color. The magnitude in i is a
# feature too, with .3 added to its error, so that it counts less than the colors.

COLORS = [f"{band}_i" for band in BANDS if band != "i"]
FEATURES = [*COLORS, "mag_i"]
ERRORS = [f"error_{name}" for name in FEATURES]


def add_colors(frame):
    """Add colors relative to i, the magnitude in i, and their errors."""
    of = {"dtype": np.float64, "na_value": np.nan}
    fluxes = frame[[f"flux_{band}" for band in BANDS]].to_numpy(**of)
    errors = frame[[f"error_{band}" for band in BANDS]].to_numpy(**of)
    magnitudes = -POGSON * (np.arcsinh(fluxes / (2 * SIGMAS)) + np.log(SIGMAS)) + 25
    errors = POGSON * errors / np.hypot(fluxes, 2 * SIGMAS)
    colors = np.delete(magnitudes - magnitudes[:, [3]], 3, axis=1)
    of_colors = np.hypot(np.delete(errors, 3, axis=1), errors[:, [3]])
    values = np.column_stack([colors, magnitudes[:, 3]])
    widths = np.hypot(np.column_stack([of_colors, errors[:, 3]]), [0.03] * 7 + [0.3])
    both = dict(zip(FEATURES + ERRORS, np.hstack([values, widths]).T, strict=True))
    return frame.assign(**{name: both[name].astype(np.float32) for name in both})


survey = lsdb.open_catalog(folder / "survey").map_partitions(add_colors)
print(f"{survey.npartitions} parts of the sky")

# %%
# Quality cuts choose what the map learns from: a flux in i of at least ten times its
# error. It learns from a dask array, in which a chunk is a part of the sky: a third
# of the galaxies is enough. The photometric sample goes down to five times the error.

deep = survey.query("flux_i > 10 * error_i").to_dask_dataframe()[FEATURES + ERRORS]
training = deep.sample(frac=0.3, random_state=0).astype(np.float32)
training = training.to_dask_array(lengths=True).persist()
csom = CSOM(n_clusters=None, shape=(75, 150), n_epochs=10)
csom.fit(training[:, :8], errors=training[:, 8:])


def with_units(frame, som, other_errors):
    """Add the unit of each galaxy, by its own errors or by those of all."""
    return unit_columns(frame.assign(**other_errors), som, FEATURES, ERRORS)


def find_units(som, **other_errors):
    """Return the galaxies of the photometric sample with their units."""
    found = survey.query("flux_i > 5 * error_i")
    found = found.map_partitions(with_units, som, other_errors)
    return found[["unit", "mag_i", "z_spec", "z_true"]].compute(progress_bar=False)


galaxies = find_units(csom)
unit = galaxies["unit"].to_numpy()
columns = galaxies[["z_spec", "z_true", "mag_i"]]
z_spec, z_true, magnitude = columns.to_numpy(float, na_value=np.nan).T

# %%
# A row for each unit. Units that have galaxies and no redshift are not covered by the
# spectroscopic sample, and their galaxies are left out: of these nothing is known.
# Every fourth redshift says which bin a unit is in, and the others calibrate: those
# that put a unit into a bin are no fair sample of it.

draws_bins = np.arange(len(unit)) % 4 == 0
calibrates = ~draws_bins & ~np.isnan(z_spec)
table = unit_table(csom, unit, np.where(calibrates, z_spec, np.nan))
covered = table["n_values"] > 0
uncovered = ~covered & (table["count"] > 0)
gold = covered[unit] & (unit >= 0)
calibrates &= gold
print(f"{len(unit)} galaxies, {calibrates.sum()} with a redshift")
print(f"{uncovered.sum()} of {len(table)} units are not covered")
print(f"{gold.mean():.0%} of the galaxies are in covered units")

others = unit_table(csom, unit, np.where(draws_bins, z_spec, np.nan))
near = csom.connections_ + sparse.eye_array(len(table))  # a unit and its neighbors
total = near @ np.nan_to_num(others["n_values"] * others["mean"])
known = near @ np.asarray(others["n_values"])
bins = np.digitize(total / np.maximum(known, 1), LIMITS_OF_BINS)
bins = np.where(known > 0, bins, -1)[unit]

# %%
# Each redshift counts for as many galaxies as its unit has for each redshift. The plain
# spectroscopic sample and the weighted one are compared with the truth.

weights = (table["count"] / np.maximum(table["n_values"], 1))[unit]
rows = []
for number in [None, *range(len(LIMITS_OF_BINS) + 1)]:
    inside = gold if number is None else gold & (bins == number)
    measured = inside & calibrates
    truth, z, weight = z_true[inside].mean(), z_spec[measured], weights[measured]
    mean = np.average(z, weights=weight)
    error = np.sqrt(np.sum((weight * (z - mean)) ** 2)) / weight.sum()
    rows.append((truth, z.mean() - truth, mean - truth, error))
    name = "all" if number is None else f"bin {number + 1}"
    print(
        f"{name}: mean redshift {truth:.3f}, {len(z)} spectra {rows[-1][1]:+.3f}, "
        f"weighted {rows[-1][2]:+.3f} +- {error:.3f}"
    )

# %%
# What do errors gain? A second map learns and is searched with the median errors of all
# galaxies in place of their own. The redshift of a galaxy without a spectrum is the
# mean of those in its unit; the scatter is half of the range of the middle 68 % of its
# error over 1 + z. Errors of their own make it less at all magnitudes, but not by much.

median = np.nanmedian(training[:, 8:].compute(), axis=0)
same = CSOM(n_clusters=None, shape=(75, 150), n_epochs=10)
same.fit(training[:, :8], errors=training[:, 8:] * 0 + median)
same_unit = find_units(same, **dict(zip(ERRORS, median, strict=True)))["unit"]
temporary.cleanup()
errors = {}
for name, som, units in (
    ("errors of each galaxy", csom, unit),
    ("median errors", same, same_unit.to_numpy()),
):
    predicted = unit_table(som, units, z_spec)["mean"][units]
    errors[name] = np.where(units >= 0, (predicted - z_true) / (1 + z_true), np.nan)
common = np.isnan(z_spec) & np.all(np.isfinite([*errors.values()]), axis=0)
steps = np.arange(19, 24.1, 0.5)
classes = np.digitize(magnitude, steps)
scatter = {
    name: [
        np.diff(np.percentile(error[common & (classes == number)], [16, 84]))[0] / 2
        for number in range(1, len(steps))
    ]
    for name, error in errors.items()
}
for name, values in scatter.items():
    print(f"{name}: scatter {' '.join(f'{value:.3f}' for value in values)}")

# %%
# The map, the distributions of redshift, and how far their means are from the truth.
# Weights correct what colors and magnitudes tell. In the last bin they do not help:
# spectra fail between the redshifts 1.4 and 2, and colors hardly tell these galaxies
# from others.

figure, panels = plt.subplot_mosaic(
    [
        [*("mean",) * 3, *("share",) * 3],
        [*("all",) * 2, *("bins",) * 2, *("errors",) * 2],
    ],
    figsize=(12, 7),
    layout="constrained",
)
share = table["n_values"] / np.where(table["count"] > 0, table["count"], np.nan)
for axes, values, title, colors, most in (
    (panels["mean"], table["mean"], "mean redshift of the spectra", "Spectral_r", 1.5),
    (panels["share"], 100 * share, "galaxies with a spectrum (%)", "viridis", 30),
):
    image = axes.imshow(
        np.reshape(values, csom.shape_),
        cmap=plt.get_cmap(colors).with_extremes(bad="0.9"),
        vmin=0,
        vmax=most,
        origin="lower",
        interpolation="nearest",
    )
    figure.colorbar(image, ax=axes, extend="max", shrink=0.75)
    axes.set_title(f"{title} per unit", fontsize=11)
    axes.set(xticks=[], yticks=[])

axes = panels["all"]
edges = np.linspace(0, 2.2, 56)
for z, weight, label, look in (
    (z_true[gold], None, "all galaxies in covered units", {"color": "0.75"}),
    (z_spec[calibrates], None, "spectra", {"color": "C0", "histtype": "step"}),
    (
        z_spec[calibrates],
        weights[calibrates],
        "spectra, weighted by units",
        {"color": "C3", "histtype": "step"},
    ),
):
    axes.hist(z, edges, weights=weight, density=True, label=label, lw=1.5, **look)
axes.set(xlabel="redshift", ylabel="density", xlim=(0, 2.2), ylim=(0, 2))
axes.legend(frameon=False, fontsize=8, loc="upper right")

axes = panels["bins"]
truth, plain, weighted, error = np.array(rows[1:]).T
axes.axhspan(-0.01, 0.01, color="0.9")
axes.axhline(0, color="0.5", lw=0.8)
axes.plot(truth, plain, "s", color="C0", mfc="none", label="spectra")
axes.errorbar(truth, weighted, error, fmt="o", color="C3", label="weighted by units")
axes.set(xlabel="true mean redshift of the bin", ylabel="mean of the spectra - truth")
axes.legend(frameon=False, loc="lower center")

axes = panels["errors"]
for (name, values), color in zip(scatter.items(), ("C3", "0.5"), strict=True):
    axes.plot(steps[:-1] + 0.25, values, "o-", color=color, label=name)
axes.set(xlabel="magnitude in i", ylabel="scatter of redshifts / (1 + z)", ylim=0)
axes.legend(frameon=False)

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=120)
else:
    plt.show()

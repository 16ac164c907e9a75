# SPDX-License-Identifier: BSD-3-Clause
"""Training of a lattice of units, whose input has been checked and prepared."""

from decimal import Decimal
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import gen_batches

from skesom._common.lazy import take_rows
from skesom._common.masked import filled
from skesom._common.warn import warn_user
from skesom.som import work_blocks
from skesom.som._lattice import Lattice
from skesom.som._online import learn_one_by_one
from skesom.som._row_order import Epochs, some_rows
from skesom.som._vectors import exp
from skesom.som.codebook import by_feature, exponent_for
from skesom.som.metric import any_missing

# A denominator below this is out of reach of every sample (36 sigma): beyond,
# gaussian weights are no longer accurate numbers, and then 0.
_SMALLEST_WEIGHT = 1e-290
_FAR = 10  # times the range of the samples: units out there are lost
_STEPS_AT_A_TIME = 65536  # at most, between two steps of the progress bar


class Training(NamedTuple):
    """A trained map."""

    codebook: np.ndarray
    lattice: Lattice
    sums: tuple  # and counts of the samples of each unit, as shares of all
    curve: np.ndarray  # error of each epoch


class Schedule(NamedTuple):
    """How a map is trained."""

    metric: object
    neighborhood: object
    n_epochs: int
    widths: object  # function of the progress, an array from 0 to 1, and the epoch
    rates: object  # function of the progress, the epoch and the number of steps
    bar: object  # function that makes a progress bar


def train_in_batch(samples, begin, schedule):
    """Set all units to weighted means of the samples once an epoch."""
    metric = schedule.metric
    codebook, lattice, sums, curve = begin
    measure = TrainingCurve(metric, samples)
    widths = schedule.widths(np.linspace(0, 1, schedule.n_epochs))
    for sigma in schedule.bar(widths, unit="epoch"):
        sums = measure.sums(codebook)
        curve = np.append(curve, measure.error(codebook, *sums))
        codebook = metric.normalized(
            batch_update(codebook, lattice, *sums, schedule.neighborhood, sigma)
        )
    return Training(codebook, lattice, sums, curve)


def train_online(samples, begin, schedule, generator):
    """Pull the units to one sample after the other."""
    X, errors = samples.X, samples.errors
    metric, neighborhood = schedule.metric, schedule.neighborhood
    codebook, lattice, *_ = begin
    exponent = exponent_for(metric.prepared(some_rows(X))) if errors is None else 0
    codebook = np.ldexp(metric.prepared(codebook), exponent)
    weights = by_feature(codebook)
    scratch = [
        np.empty(X.shape[1], dtype=np.intc),
        np.empty(weights.shape[1], dtype=X.dtype),
        np.empty(weights.shape[1], dtype=X.dtype),
        np.empty((2, lattice.shape[1])),
    ]
    totals = np.zeros((schedule.n_epochs, 2))
    work = 4 * codebook.size  # a step measures all units, and all may be written
    epochs = Epochs(X, samples.weights)
    steps = _online_steps(epochs, schedule, generator, work)
    for epoch, order, rates, widths in steps:
        rows, places, terms, factors = metric.steps(X, order, errors)
        if exponent != 0:
            rows, places = np.ldexp(rows[places], exponent), np.arange(len(places))
        totals[epoch] += learn_one_by_one(
            rows,
            places,
            rates,
            widths,
            neighborhood.squared_reach(widths),
            neighborhood.code,
            lattice.squared_along,
            lattice.squared_across,
            lattice.hexagonal,
            weights,
            *scratch,
            of_angles=metric.of_angles,
            terms=terms,
            factors=factors,
        )
    codebook = np.ascontiguousarray(weights[:-1, : len(codebook)].T)
    codebook = np.ldexp(codebook, -exponent)
    codebook = metric.normalized(metric.restored(codebook))
    _check_units(codebook, X, neighborhood.name)
    sums = TrainingCurve(metric, samples).sums(codebook)
    curve = np.ldexp(np.sqrt(totals[:, 0] / totals[:, 1]), -exponent)
    return Training(codebook, lattice, sums, curve)


def _check_units(codebook, X, neighborhood):
    """Refuse units that are not numbers; warn of units that were pushed far away."""
    finite = np.isfinite(codebook).all()
    if neighborhood != "mexican_hat":  # whose steps are all towards a sample
        if not finite:
            raise ValueError(
                f"Differences of samples and units do not fit into {X.dtype}: scale "
                "the features, and 'init' with them."
            )
        return
    low, high = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
    reach = _FAR * np.max(high - low)
    near = ((codebook >= low - reach) & (codebook <= high + reach)).all(axis=1)
    message = (
        f"neighborhood='mexican_hat' pushed {np.sum(~near)} of {len(near)} units more "
        f"than {_FAR} times the range of the samples away. Leave learning_rate out, "
        "which then suits the number of samples, or give a smaller one."
    )
    if not finite:
        raise ValueError(f"Online training diverged: {message}")
    if not near.all():
        warn_user(message, ConvergenceWarning)


def follow(samples, before, schedule, n_calls):
    """Return the map after one more call of a stream."""
    metric, share = schedule.metric, n_calls**-0.6
    measure = TrainingCurve(metric, samples)
    new = measure.sums(before.codebook)
    error = measure.error(before.codebook, *new)
    pairs = zip(before.sums, new, strict=True)
    sums = tuple((1 - share) * old + share * part for old, part in pairs)
    sigma = schedule.widths(np.ones(schedule.n_epochs))[-1]
    lattice, neighborhood = before.lattice, schedule.neighborhood
    codebook = batch_update(before.codebook, lattice, *sums, neighborhood, sigma)
    curve = np.append(before.curve, error)
    return Training(metric.normalized(codebook), lattice, sums, curve)


def _online_steps(epochs, schedule, generator, work):
    """Yield the number of an epoch, rows to learn, learning rates and widths."""
    n_steps = schedule.n_epochs * epochs.n_rows
    with schedule.bar(total=n_steps, unit="sample", unit_scale=True) as bar:
        for epoch in range(schedule.n_epochs):
            order = epochs.draw(generator)
            least = work_blocks.WORK // _STEPS_AT_A_TIME
            for part in work_blocks.work_blocks(len(order), max(work, least)):
                steps = epoch * len(order) + np.arange(part.start, part.stop)
                progress = steps / max(n_steps - 1, 1)
                widths = schedule.widths(progress, epoch)
                rates = schedule.rates(progress, epoch, n_steps)
                yield epoch, order[part], rates, widths
                bar.update(part.stop - part.start)


def batch_update(codebook, lattice, sums, counts, neighborhood, sigma):
    """Return the codebook after an epoch; units that no sample reaches stay."""
    smoothed = lattice.smooth(np.hstack([sums, counts]), sigma, neighborhood)
    sums, weights = np.split(smoothed, [sums.shape[1]], axis=1)
    reached = weights >= _SMALLEST_WEIGHT
    means = sums / np.where(reached, weights, 1)
    return np.where(reached, means, codebook).astype(codebook.dtype)


def units_by_k_means(samples, codebook, sums, metric):
    """Move units out of gaps, to the means of their samples, by a few k-means steps.

    The first takes the sums and counts of all samples, which are known.
    """
    missing = any_missing(samples.X)
    for step in range(2):  # one leaves units between groups, more win nothing sure
        if step > 0:
            sums = metric.sums(
                samples.X, codebook, samples.weights, samples.errors, missing
            )
        means = codebook.astype(np.float64)
        np.divide(*sums, out=means, where=sums[1] > 0)
        codebook = metric.normalized(means.astype(codebook.dtype))
    return codebook


class TrainingCurve:
    """Sums over samples by unit, and the root mean square of differences from units."""

    def __init__(self, metric, samples):
        self.metric = metric
        self._scale = metric.scale
        if metric.scale is None:
            self._scale = np.ones(samples.n_features)
        # With n samples of the sum s at a unit w, the squared differences add up to
        # sum x^2 - 2 w s + n w^2. Around a typical sample few digits are lost.
        first = take_rows(samples.X, np.zeros(1, dtype=np.intp))
        self._origin = np.nan_to_num(metric.values(first)[0])
        # The sums of an epoch are those of one sample, present or not.
        sums = samples.add_up(self._sums_of_rows)
        squares, known, self._total, missing = map(float, sums)
        self._samples, self._missing = samples, missing > 0
        self._squares, self._known = squares / self._total, known / self._total

    def _sums_of_rows(self, samples):
        """Add up squared differences from the origin, rows with any, weights, NaN."""
        X, errors, sample_weight = samples.X, samples.errors, samples.weights
        total = np.zeros(4)
        for rows in gen_batches(max(len(X), 1), 4096):  # copies in float64 stay small
            differences = self.metric.values(X[rows]) - self._origin
            if self.metric.scale is None and sample_weight is None and errors is None:
                squares = np.square(differences.ravel(), dtype=np.float64)
                squares = float(np.sum(squares))  # BLAS has other orders
                if not np.isnan(squares):  # nothing is missing
                    total += squares, len(differences), len(differences), 0
                    continue
            weights = np.ones(len(differences))
            if sample_weight is not None:
                weights = sample_weight[rows]
            missing = np.isnan(differences)
            scaled = self._scale * differences / (1 if errors is None else errors[rows])
            squares = np.where(missing, 0, scaled**2).sum(axis=1)
            known = np.sum(weights * ~missing.all(axis=1))
            total += np.sum(weights * squares), known, weights.sum(), missing.sum()
        return tuple(total)

    def sums(self, codebook):
        """Return sums over the samples of each unit, per sample or unit of weight."""
        samples = self._samples
        sums = self.metric.sums(
            samples.X, codebook, samples.weights, samples.errors, self._missing
        )
        return tuple(part / self._total for part in sums)

    def error(self, codebook, sums, counts):
        """Return the error of an epoch."""
        units = self.metric.values(codebook).astype(np.float64) - self._origin
        sums = sums - counts * self._origin
        changes = self._scale**2 * units * (counts * units - 2 * sums)
        return float(np.sqrt(max(self._squares + changes.sum(), 0) / self._known))


def falling_by_factors(first, last, progress):
    """Return values that fall by the same factor with equal progress."""
    # The logarithm of the platform, and NumPy's exp, have other last bits elsewhere.
    return first * exp(progress * float(Decimal(last / first).ln()))


def given_values(name, given, n_epochs, progress, epoch=None, most=np.inf):
    """Return the values at each progress from a function of it, or one of each epoch.

    In online training, the progress is that inside of an epoch.
    """
    values = given(progress) if callable(given) else filled(given)
    values = np.asarray(values, dtype=np.float64)
    shape = progress.shape if callable(given) else (n_epochs,)
    good = np.isfinite(values) & (values > 0) & (values <= most)
    if values.shape != shape or not good.all():
        wanted = f"be one positive number or n_epochs={n_epochs} of them"
        if callable(given):
            wanted = f"return positive numbers for {len(progress)} values of progress"
        bound = "" if most == np.inf else f", at most {most:g}"
        raise ValueError(
            f"{name!r} must {wanted}{bound}, got an array of shape {values.shape}: "
            f"{np.array2string(values, threshold=8)}."
        )
    if not callable(given) and epoch is not None:
        values = np.full(len(progress), values[epoch])
    return np.ascontiguousarray(values)

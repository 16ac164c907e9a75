# SPDX-License-Identifier: BSD-3-Clause
"""Fits of the members of a consensus, by threads or as tasks of dask."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn.exceptions import ConvergenceWarning

from skesom._common.lazy import computed, take_lazily
from skesom._common.pipelines import last_name
from skesom._common.thread_pools import each_in_threads, jobs_possible
from skesom._common.threads import one_thread
from skesom._common.warn import warn_user
from skesom.consensus._prototype import new_member
from skesom.consensus._row_samples import draw_rows

# The automatic number of members: of 1 700 to 2 600 pixels, maps of two seeds agree to
# .59-.86 with 12 members, .66-.95 with 36 and .82-.93 with 100 (3 CPU seconds); of
# 20 000 pixels to .9 with 12. docs/choosing.md shows more.
_FEWEST_MEMBERS = 12
_MOST_MEMBERS = 100
_ROWS_IN_ALL = 250_000


@dataclass(frozen=True)
class MemberFit:
    """A member after its fit, whether that succeeded or not."""

    member: Any
    # (n_rows,), of a member that cannot predict; None if it can, or if the fit failed.
    labels: np.ndarray | None = None
    error: Exception | None = None


def automatic_number_of_members(n_rows):
    """Return how many members a consensus of so many rows has by default."""
    n_members = -(-_ROWS_IN_ALL // max(n_rows, 1))
    return min(max(n_members, _FEWEST_MEMBERS), _MOST_MEMBERS)


def each_fit(prototype, samples, seeds, *, n_clusters, n_drawn, n_jobs):
    """Fit a clone of the prototype for each seed; return an iterable of `MemberFit`.

    Parameters
    ----------
    prototype : clusterer or Pipeline
    samples : Samples
    seeds : array-like of int
        One for each member: of the rows that it learns from, and of the clone.
    n_clusters : int, "auto" or None
        As for `new_member`.
    n_drawn : int
        Rows that each member learns from.
    n_jobs : int or None
        Threads, if the samples are in memory.
    """
    if samples.is_lazy:
        return _fits_by_dask(prototype, samples, seeds, n_clusters, n_drawn)

    def fit(seed):
        return _fit_member(
            new_member(prototype, n_clusters, seed),
            samples.X,
            samples.errors,
            draw_rows(seed, len(samples), n_drawn),
        )

    return each_in_single_threads(fit, seeds, n_jobs)


def _fit_member(member, X, errors, rows):
    """Fit a member to some rows of a table."""
    labels = None
    try:
        if errors is not None:
            member.fit(X[rows], errors=errors[rows])
        elif hasattr(member, "predict"):
            member.fit(X[rows])
        else:
            labels = np.empty(len(X), dtype=np.int32)
            labels[rows] = member.fit_predict(X[rows])
    except (ArithmeticError, RuntimeError, ValueError) as error:
        return MemberFit(member, error=error)
    return MemberFit(member, labels)


def _fits_by_dask(prototype, samples, seeds, n_clusters, n_drawn):
    """Fit each member by a task of dask, to its rows of a dask array."""
    if not hasattr(prototype, "predict"):
        raise ValueError(
            f"{last_name(prototype)} cannot label rows that it was not "
            "fitted on, and X is a dask array: take a clusterer with predict."
        )
    import dask

    rows_of_members = [draw_rows(seed, len(samples), n_drawn) for seed in seeds]
    # Rows that several members learn from are computed once.
    rows_of_any = np.unique(np.concatenate(rows_of_members))
    X = take_lazily(samples.X, rows_of_any)
    errors = None
    if samples.errors is not None:
        errors = take_lazily(samples.errors, rows_of_any)
    fit = dask.delayed(_fit_in_one_thread)
    fits = []
    for seed, rows in zip(seeds, rows_of_members, strict=True):
        member = new_member(prototype, n_clusters, seed)
        fits.append(fit(member, X, errors, np.searchsorted(rows_of_any, rows)))
    return computed(*fits)


def _fit_in_one_thread(member, X, errors, rows):
    """Do `_fit_member` as a task of dask, of which several run at a time."""
    with one_thread():
        return _fit_member(member, X, errors, rows)


def successful(fits):
    """Return the fits that succeeded, and warn of others; raise if half of them failed.

    Parameters
    ----------
    fits : iterable of MemberFit

    Returns
    -------
    fits : list of MemberFit
    """
    good_fits = []
    errors = {}  # by the number of the member
    for number, fit in enumerate(fits):
        if fit.error is None:
            good_fits.append(fit)
        else:
            errors[number] = fit.error
    n_members = len(good_fits) + len(errors)
    if 2 * len(good_fits) <= n_members:
        raise next(iter(errors.values()))
    if errors:
        numbers = ", ".join(str(number) for number in errors)
        first_error = next(iter(errors.values()))
        warn_user(
            f"{len(errors)} of {n_members} members failed ({numbers}, "
            f"from 0) and are left out. The first error: {first_error}",
            ConvergenceWarning,
        )
    return good_fits


def each_in_single_threads(function, items, n_jobs):
    """Return an iterator of the results of a function for items, in their order."""
    if effective_n_jobs(jobs_possible(n_jobs)) == 1:
        return map(function, items)

    def call_in_one_thread(item):
        with one_thread():  # several with more would wait for each other
            return function(item)

    return each_in_threads(call_in_one_thread, items, n_jobs)

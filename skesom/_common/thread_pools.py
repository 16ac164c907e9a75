# SPDX-License-Identifier: BSD-3-Clause
"""Tasks that threads work on at the same time, with results in the order of tasks."""

import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from joblib import effective_n_jobs

_this_thread = threading.local()


def jobs_possible(n_jobs):
    """Return a number of threads to work in, 1 where none more can be started."""
    try:
        if n_jobs != 1:
            threading.Thread(target=int).start()
    except RuntimeError:
        return 1
    return n_jobs


def in_threads(function, tasks, n_jobs=None):
    """Return the results of a function of each task, which threads call."""
    return list(each_in_threads(function, tasks, n_jobs))


def each_in_threads(function, tasks, n_jobs=None):
    """Yield the results of a function of each task; one thread takes them as asked."""
    n_threads = 1
    if n_jobs != 1 and not getattr(_this_thread, "is_of_pool", False):
        n_threads = effective_n_jobs(jobs_possible(n_jobs))
    if n_threads > 1:
        tasks = list(tasks)
    if n_threads == 1 or len(tasks) < 2:
        yield from map(function, tasks)
        return
    # Threads of joblib look for results each .01 s, which is long for a few blocks.
    with ThreadPoolExecutor(n_threads, initializer=_mark_thread) as threads:
        futures = deque(threads.submit(function, task) for task in tasks)
        try:
            while futures:
                yield futures.popleft().result()
        finally:  # after an error or Ctrl-C none is begun
            threads.shutdown(wait=False, cancel_futures=True)


def _mark_thread():
    """Mark a thread as one of a pool, so that its tasks start no other threads."""
    _this_thread.is_of_pool = True

# SPDX-License-Identifier: BSD-3-Clause
"""Processes that work beside this one, and load their libraries before."""

import atexit
import gc
import importlib
import multiprocessing
import os
import sys
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial

import joblib
from joblib.externals.loky.backend import get_context

from skesom._common.machine_limits import is_machine_limit, machine_limit_behind

_WATCH = 1.0  # seconds
_MOST_PROCESSES = 4  # each takes the memory of the libraries
_pools = []  # at most one
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)


def prepare(*modules):
    """Let the other processes load modules, for which they need seconds."""
    for _ in range(n_others()):
        submit(partial(_load, modules))


def _load(modules):
    for module in modules:
        importlib.import_module(module)


def n_others():
    """Return the number of the other processes."""
    return min(joblib.cpu_count() - 1, _MOST_PROCESSES)


def submit(task):
    """Give a task to the other processes; return its future, None if none starts."""
    if not _pools:
        # loky's processes need no `if __name__ == "__main__"` in scripts.
        pool = ProcessPoolExecutor(
            max_workers=n_others(),
            mp_context=get_context("loky"),
            initializer=_begin,
            initargs=(os.getpid(), gc.get_threshold()),
        )
        _pools.append(pool)
    try:
        return _pools[0].submit(task)
    except BrokenProcessPool:  # one of them was killed
        _pools.clear()
        return submit(task)
    except (OSError, RuntimeError, UnboundLocalError) as error:
        # loky fails on a name without a value where a process gets no file handles.
        if not is_machine_limit(machine_limit_behind(error) or error):
            raise
        return None


def result_of(future, task):
    """Return the result of a task; do here one that was not begun, or killed."""
    if future is None or future.cancel():
        return task()
    try:
        return future.result()
    except BrokenProcessPool:
        return task()


def _ignore_copied_headers():
    """Ignore what astropy says of a WCS that comes here as the copy of a header.

    It says it of the image in the process that reads it.
    """
    from astropy import log
    from astropy.wcs import FITSFixedWarning

    log.setLevel("WARNING")
    warnings.simplefilter("ignore", FITSFixedWarning)


def _begin(parent, thresholds):
    """Collect garbage as the process that this one works for, and end soon after it."""

    def watch():
        if sys.platform == "win32":  # where getppid names the parent when it is gone
            multiprocessing.parent_process().join()
        else:
            while os.getppid() == parent:
                time.sleep(_WATCH)
        os._exit(1)

    gc.set_threshold(*thresholds)
    threading.Thread(target=watch, daemon=True).start()
    # At the end, nothing is left to be written: modules need not be taken down.
    atexit.register(os._exit, 0)
    _ignore_copied_headers()

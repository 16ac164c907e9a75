# SPDX-License-Identifier: BSD-3-Clause
"""Processes that draw pictures while this one goes on clustering."""

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

_MOST_WORKERS = 4  # each takes the memory of the libraries
_SECONDS_BETWEEN_LOOKS = 1.0  # at whether the process that they work for is there


class Workers:
    """Processes that take tasks, in the order in which they are submitted.

    They start before this process loads matplotlib, so that all load it at the same
    time. Where there are none (one core, no memory for another process) every task runs
    here: results are the same.
    """

    def __init__(self):
        self._executor = None

    @property
    def n_workers(self):
        """Number of the processes: one core is left for this one."""
        return min(joblib.cpu_count() - 1, _MOST_WORKERS)

    def load(self, *modules):
        """Import modules in every worker, ahead of the tasks that need them."""
        for _ in range(self.n_workers):
            self.submit(partial(_import_modules, modules))

    def submit(self, task):
        """Return the future of a task, or None if no worker can be started."""
        if self.n_workers == 0:
            return None
        try:
            return self._started().submit(task)
        except BrokenProcessPool:
            # A worker that was killed takes its whole executor with it.
            self.forget()
            return self.submit(task)
        except (OSError, RuntimeError, UnboundLocalError) as error:
            # loky fails on a name without a value where a process gets no file handles.
            if is_machine_limit(machine_limit_behind(error) or error):
                return None
            raise

    def result_of(self, future, task):
        """Return the result of a task that was submitted.

        It runs here if no worker has begun it, or if its worker was killed.
        """
        if future is None or future.cancel():
            return task()
        try:
            return future.result()
        except BrokenProcessPool:
            return task()

    def forget(self):
        """Let the next task start other processes."""
        self._executor = None

    def _started(self):
        """Return the executor, which is made for the first task."""
        if self._executor is None:
            # loky's processes need no `if __name__ == "__main__"` in scripts.
            self._executor = ProcessPoolExecutor(
                max_workers=self.n_workers,
                mp_context=get_context("loky"),
                initializer=_set_up_worker,
                initargs=(os.getpid(), gc.get_threshold()),
            )
        return self._executor


workers = Workers()
if hasattr(os, "register_at_fork"):
    # The workers of a parent would never answer its child.
    os.register_at_fork(after_in_child=workers.forget)


def _import_modules(modules):
    for module in modules:
        importlib.import_module(module)


def _set_up_worker(parent, thresholds):
    """Let a worker collect garbage as its parent does, and end soon after it."""
    gc.set_threshold(*thresholds)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    # At the end, nothing is left to be written: modules need not be taken down.
    atexit.register(os._exit, 0)
    _ignore_copied_headers()


def _end_with(parent):
    """Wait until a process, the parent of this one, is gone; then end this one."""
    if sys.platform == "win32":  # where getppid names the parent when it is gone
        multiprocessing.parent_process().join()
    else:
        while os.getppid() == parent:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
    os._exit(1)


def _ignore_copied_headers():
    """Ignore what astropy says of a WCS that comes here as the copy of a header.

    It says it of the image in the process that reads it.
    """
    from astropy import log
    from astropy.wcs import FITSFixedWarning

    log.setLevel("WARNING")
    warnings.simplefilter("ignore", FITSFixedWarning)

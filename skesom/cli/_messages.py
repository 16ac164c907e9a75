# SPDX-License-Identifier: BSD-3-Clause
"""What the commands tell: results, warnings, and the step at work."""

import logging
import sys
import warnings
from contextlib import contextmanager
from time import perf_counter

from tqdm import tqdm

_logger = logging.getLogger("skesom.cli")
announce = _logger.debug  # the step at work


def say(*lines):
    """Tell what was done and found, unless that is not wanted (--quiet)."""
    for line in lines:
        _logger.info("%s", line)


def tell_paths(paths):
    """Tell where results are, also to a script that wants to know nothing else."""
    say("Written:")
    indent = "  " if _logger.isEnabledFor(logging.INFO) else ""
    print(*(f"{indent}{path}" for path in paths), sep="\n")


def shows_bars():
    """Return 1 if bars of progress are shown, as the parameter `verbose` of maps."""
    return int(sys.stderr.isatty() and _logger.isEnabledFor(logging.INFO))


def one_line(text):
    """Return a text as one line without codes, which could control the terminal."""
    line = " ".join(str(text).split())
    return "".join(one if one.isprintable() else "?" for one in line)


@contextmanager
def messages(options):
    """Show what skesom logs and warns of as the options want it."""
    logger, terminal = logging.getLogger("skesom"), _Terminal(options.verbose)
    before = logger.level
    logger.setLevel(logging.WARNING if options.quiet else logging.DEBUG)
    logger.addHandler(terminal)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.showwarning = _once()
            yield
    finally:
        terminal.end_step()
        logger.removeHandler(terminal)
        logger.setLevel(before)


def _once():
    """Return what logs warnings, each of them once."""
    seen = set()

    def log_warning(message, category, filename, lineno, file=None, line=None):
        text = one_line(message)
        if text not in seen:
            seen.add(text)
            _logger.warning("%s", text)

    return log_warning


class _Terminal(logging.Handler):
    """Results go to standard output, warnings and steps to standard error."""

    def __init__(self, is_verbose):
        super().__init__()
        self._is_verbose = is_verbose
        self._line = self._step = self._begin = None

    def emit(self, record):
        text = record.getMessage()
        if record.levelno < logging.INFO:
            self._begin_step(text)
        else:
            self.end_step()
            if record.levelno < logging.WARNING:
                print(text, flush=True)
            else:
                print(f"warning: {text}", file=sys.stderr)

    def _begin_step(self, step):
        """Name the step at work in one line, if standard error is a terminal."""
        if self._is_verbose:
            self.end_step()
        if self._line is None:
            style = {"bar_format": "[{elapsed}] {desc}", "leave": False}
            self._line = tqdm(file=sys.stderr, disable=None, **style)
        self._line.set_description_str(step)
        self._step, self._begin = step, perf_counter()

    def end_step(self):
        """Remove the line, and tell how long the step took if that is wanted."""
        if self._line is None:
            return
        self._line.close()
        self._line = None
        if self._is_verbose:
            seconds = perf_counter() - self._begin
            print(f"{seconds:7.2f} s  {self._step}", file=sys.stderr)

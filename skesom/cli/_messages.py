# SPDX-License-Identifier: BSD-3-Clause
"""What the commands tell: results, warnings, and the step at work."""

import logging
import os
import sys
import warnings
from contextlib import contextmanager
from time import perf_counter

from tqdm import tqdm

from skesom._common.texts import printable
from skesom.cli._astropy_messages import AstropyMessages
from skesom.cli._words import in_options, one_line

_logger = logging.getLogger("skesom.cli")
announce = _logger.debug  # the step at work
_failures = []  # of standard output
_listeners = []  # to astropy, of the commands that run
_BROKEN_PIPE = 141  # of a shell, for a program that SIGPIPE ends


def open_streams():
    """Open closed standard streams, whose numbers files would get."""
    streams = (
        (0, "stdin", os.O_RDONLY, "r"),
        (1, "stdout", os.O_RDONLY, "w"),  # so that writes fail, and the status tells
        (2, "stderr", os.O_WRONLY, "w"),
    )
    for number, name, flags, mode in streams:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # gets the lowest free number: this one
            setattr(sys, name, open(number, mode, closefd=False))


def tell(*lines, to=None):
    """Write lines to standard output or another stream, without codes in them."""
    stream = to or sys.stdout
    if stream is None:
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = "".join(f"{printable(line)}\n" for line in lines)
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except OSError as error:  # the run goes on to its results
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if stream is sys.stdout:
            _failures.append(error)


def complain(*lines):
    """Write lines to standard error."""
    tell(*lines, to=sys.stderr)


def status_with_output(status):
    """Return the exit status of a command, also of one that could not print."""
    if not _failures:
        return status
    first_failure = _failures[0]
    _failures.clear()
    if status:
        return status
    if isinstance(first_failure, BrokenPipeError):
        return _BROKEN_PIPE
    complain(f"skesom: error: standard output: {first_failure.strerror}")
    return 1


def say(*lines):
    """Tell a step or a finding, unless that is not wanted (--quiet)."""
    for line in lines:
        _logger.info("%s", line)


def warn_now(text):
    """Tell a warning that must not wait for the end of a command."""
    _logger.warning("%s", one_line(text))


@contextmanager
def late_warnings():
    """Show warnings after success only, so that an error is a single line.

    That there is only noise is said before the runs, which take time for nothing.
    """
    caught = []

    def keep(message, category, filename, line_number, *_):
        from skesom.cube.masking.sky_masker import OnlySkyWarning

        if category is OnlySkyWarning:
            warn_now(message)
        else:
            caught.append((message, category, filename, line_number))

    with warnings.catch_warnings():
        warnings.showwarning = keep
        yield
    for message, category, filename, line_number in caught:
        warnings.warn_explicit(message, category, filename, line_number)


def tell_paths(paths):
    """Tell where results are, also to a script that wants to know nothing else."""
    say("Written:")
    indent = "  " if _logger.isEnabledFor(logging.INFO) else ""
    tell(*(f"{indent}{path}" for path in paths))


def shows_bars():
    """Return 1 if bars of progress are shown, as the parameter `verbose` of maps."""
    return int(_moves_cursor() and _logger.isEnabledFor(logging.INFO))


def _moves_cursor():
    """Return whether standard error is a terminal whose lines can be written again."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def messages(options):
    """Show logs and warnings of skesom as the options want them."""
    logger = logging.getLogger("skesom")
    terminal = _Terminal(options.verbose)
    level_before = logger.level
    logger.setLevel(logging.WARNING if options.quiet else logging.DEBUG)
    logger.addHandler(terminal)
    astropy = AstropyMessages(options.verbose)
    _listeners.append(astropy)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.showwarning = _once(astropy)
            yield
        astropy.tell_kinds()  # after success only: an error is a single line
    finally:
        _listeners.remove(astropy)
        astropy.stop()
        terminal.end_step()
        logger.removeHandler(terminal)
        logger.setLevel(level_before)


def listen_to_astropy():
    """Collect what astropy logs from now on, if a command shows messages.

    It loads astropy, for which a command has time when its processes have started.
    """
    for listener in _listeners:
        listener.start()


def _once(astropy):
    """Return a function that logs warnings, each of them once; astropy's go there."""
    seen = set()

    def log_warning(message, category, filename, lineno, file=None, line=None):
        text = one_line(message)
        if category.__module__.partition(".")[0] == "astropy":
            astropy.take(logging.WARNING, text)
        elif text not in seen:
            seen.add(text)
            _logger.warning("%s", text)

    return log_warning


class _Terminal(logging.Handler):
    """Results go to standard output, warnings and steps to standard error."""

    def __init__(self, is_verbose):
        super().__init__()
        self._is_verbose = is_verbose
        self._line = None  # that names the step at work
        self._step = None
        self._begin = None

    def emit(self, record):
        text = in_options(record.getMessage())
        if record.levelno < logging.INFO:
            self._begin_step(text)
        else:
            self.end_step()
            if record.levelno < logging.WARNING:
                tell(text)
            else:
                complain(f"warning: {text}")

    def _begin_step(self, step):
        """Name the step at work in one line, if standard error is a terminal."""
        if self._is_verbose:
            self.end_step()
        if self._line is None:
            self._line = tqdm(
                disable=not _moves_cursor(),
                bar_format="[{elapsed}] {desc}",
                leave=False,
            )
        self._line.set_description_str(printable(step))
        self._step = step
        self._begin = perf_counter()

    def end_step(self):
        """Remove the line, and tell how long the step took if that is wanted."""
        if self._line is None:
            return
        self._line.close()
        self._line = None
        if self._is_verbose:
            seconds = perf_counter() - self._begin
            complain(f"{seconds:7.2f} s  {self._step}")

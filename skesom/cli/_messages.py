# SPDX-License-Identifier: BSD-3-Clause
"""What the commands tell: results, warnings, and the step at work."""

import logging
import os
import re
import sys
import warnings
from contextlib import contextmanager
from time import perf_counter

from tqdm import tqdm

from skesom._common.texts import printable
from skesom.cli._words import in_options

_logger = logging.getLogger("skesom.cli")
announce = _logger.debug  # the step at work
_failures = []  # of standard output
_listeners = []  # to astropy, of the commands that run
_BROKEN_PIPE = 141  # of a shell, for a program that SIGPIPE ends
_MOST_LETTERS = 200  # of a line that stands for all messages of its kind
# What differs between messages of one kind: numbers, and what stands in quotes.
_VARIABLE = re.compile(r"'[^']*'|\"[^\"]*\"|[-+]?\d[\w.:+-]*")
_END_OF_SENTENCE = re.compile(r"\.(?= |$)")


def open_streams():
    """Open closed standard streams, whose numbers files would get."""
    ways = ("stdin", os.O_RDONLY, "r"), ("stdout", os.O_RDONLY, "w")  # so writes fail
    for number, (name, flags, mode) in enumerate((*ways, ("stderr", os.O_WRONLY, "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)
            setattr(sys, name, open(number, mode, closefd=False))


def tell(*lines, to=None):
    """Write lines to standard output or another stream, without codes in them."""
    stream = to or sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = "".join(f"{printable(line)}\n" for line in lines)
    try:
        if stream is not None:
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()
    except OSError as error:  # the run goes on to its results
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        _failures.extend([error] if stream is sys.stdout else [])


def complain(*lines):
    """Write lines to standard error."""
    tell(*lines, to=sys.stderr)


def status_with_output(status):
    """Return the exit status of a command, also of one that could not print."""
    failures = [*_failures]
    _failures.clear()
    if status or not failures:
        return status
    if isinstance(failures[0], BrokenPipeError):
        return _BROKEN_PIPE
    complain(f"skesom: error: standard output: {failures[0].strerror}")
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
    for each in caught:
        warnings.warn_explicit(*each)


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


def one_line(text):
    """Return a text as one line."""
    return " ".join(str(text).split())


@contextmanager
def messages(options):
    """Show logs and warnings of skesom as the options want them."""
    logger, terminal = logging.getLogger("skesom"), _Terminal(options.verbose)
    before = logger.level
    logger.setLevel(logging.WARNING if options.quiet else logging.DEBUG)
    logger.addHandler(terminal)
    astropy = _Astropy(options.verbose)
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
        logger.setLevel(before)


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


class _Astropy(logging.Handler):
    """Messages of astropy: one line for each kind of them, or all (--verbose).

    They are about headers, and come for each image and for each copy of its WCS.
    """

    def __init__(self, is_verbose):
        super().__init__()
        self._is_verbose = is_verbose
        self._logger = None  # of astropy, and its handlers before
        self._handlers = []
        self._file_at_work = None
        self._kinds = {}  # the first message of each, and the files it came of

    def start(self):
        """Take the place of astropy's own handlers."""
        show = warnings.showwarning
        from astropy import log

        from skesom._common.fits_files import file_at_work

        # When it is loaded, astropy takes the warnings of its own classes to its log.
        warnings.showwarning = show
        self._file_at_work = file_at_work
        self._logger = log
        self._handlers = list(log.handlers)
        for handler in self._handlers:
            log.removeHandler(handler)
        log.addHandler(self)

    def stop(self):
        """Give astropy its handlers back."""
        if self._logger is None:
            return
        self._logger.removeHandler(self)
        for handler in self._handlers:
            self._logger.addHandler(handler)
        self._logger = None

    def emit(self, record):
        self.take(record.levelno, one_line(record.getMessage()))

    def take(self, level, text):
        """Tell a message, or keep it for the line of its kind."""
        path = None if self._file_at_work is None else self._file_at_work.get()
        if self._is_verbose:
            place = "" if path is None else f" ({path})"
            _logger.log(level, "astropy: %s%s", text, place)
            return
        kind = level, _VARIABLE.sub("", text)
        self._kinds.setdefault(kind, (text, []))[1].append(path)

    def tell_kinds(self):
        """Tell a line for each kind of messages, with how many files it concerns."""
        for (level, _), (text, paths) in self._kinds.items():
            sentence = _first_sentence(text)
            notes = _count(paths)
            if notes or sentence != text.rstrip("."):
                notes.append("all with --verbose")
                sentence = f"{sentence} ({'; '.join(notes)})"
            _logger.log(level, "astropy: %s", sentence)


def _first_sentence(text):
    """Return the first sentence of a message without its period, cut if it is long."""
    sentence = _END_OF_SENTENCE.split(text)[0]
    if len(sentence) <= _MOST_LETTERS:
        return sentence
    return f"{sentence[:_MOST_LETTERS].rstrip()} ..."


def _count(paths):
    """Return of how many files a message came, or how often if none was read then."""
    files = sorted({str(path) for path in paths if path is not None})
    if len(files) > 1:
        return [f"{len(files)} files, the first is {files[0]}"]
    if files:
        return [files[0]]
    if len(paths) > 1:
        return [f"{len(paths)} times"]
    return []


class _Terminal(logging.Handler):
    """Results go to standard output, warnings and steps to standard error."""

    def __init__(self, is_verbose):
        super().__init__()
        self._is_verbose = is_verbose
        self._line = self._step = self._begin = None

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
            hidden, form = not _moves_cursor(), "[{elapsed}] {desc}"
            self._line = tqdm(disable=hidden, bar_format=form, leave=False)
        self._line.set_description_str(printable(step))
        self._step, self._begin = step, perf_counter()

    def end_step(self):
        """Remove the line, and tell how long the step took if that is wanted."""
        if self._line is None:
            return
        self._line.close()
        self._line = None
        if self._is_verbose:
            seconds = perf_counter() - self._begin
            complain(f"{seconds:7.2f} s  {self._step}")

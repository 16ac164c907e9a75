# SPDX-License-Identifier: BSD-3-Clause
"""What ends a command early: signals, and limits of the machine."""

import errno
import signal
import threading
from contextlib import contextmanager

from skesom._common.machine_limits import DISK_IS_FULL, machine_limit_behind
from skesom._common.texts import printable
from skesom.cli._words import in_options, one_line

_SIGNALS = [number for number in signal.Signals if number.name in ("SIGTERM", "SIGHUP")]
_LESS_MEMORY = (
    "--cutout takes a part of the images, --strips yes works in strips of rows"
)
_MORE_FILES = "raise the limit (ulimit -n)"
_ADVICE = {
    errno.ENOMEM: f"{_LESS_MEMORY}; or raise the limit (ulimit -v)",
    errno.EAGAIN: "raise the limits (ulimit -u, ulimit -v), or set OMP_NUM_THREADS=1",
    errno.EMFILE: _MORE_FILES,
    errno.ENFILE: _MORE_FILES,
}
_ADVICE_FOR_FULL_DISK = "make room there, or write elsewhere (-o, TMPDIR)"


@contextmanager
def stopped_by_signals():
    """Let more signals end a run as SIGINT does, which cleans up."""
    changed_signals = []
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            if signal.getsignal(number) is signal.SIG_DFL:
                changed_signals.append(number)
    for number in changed_signals:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        for number in changed_signals:
            signal.signal(number, signal.SIG_DFL)


def _stop(number, frame):
    """Stop a run; the cleaning after it is not stopped again."""
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt(number)


def status_of_stop(stop):
    """Return the exit status of a run that a signal stopped, as shells do."""
    number = stop.args[0] if stop.args else signal.SIGINT
    return 128 + number


def text_of(error, output=None):
    """Return an error in one line, with advice about a limit of the machine.

    `output` is the folder of results, which errors of a full disk often do not name.
    """
    text = in_options(one_line(error))
    if isinstance(error, ImportError):
        error = machine_limit_behind(error) or error
    number = getattr(error, "errno", None)
    if isinstance(error, MemoryError):
        number = errno.ENOMEM
        text = f"not enough memory ({text})"
    elif isinstance(error, RuntimeError):
        number = errno.EAGAIN
    elif number is not None:
        place = error.filename
        if place is None and number in DISK_IS_FULL:
            place = output
        text = one_line(error.strerror)
        if place is not None:
            text = f"{printable(place)}: {text}"
    if number in DISK_IS_FULL:
        return f"{text}: {_ADVICE_FOR_FULL_DISK}"
    if number in _ADVICE:
        return f"{text}: {_ADVICE[number]}"
    return text

# SPDX-License-Identifier: BSD-3-Clause
"""What ends a command early: signals, and limits of the machine."""

import errno
import signal
import threading
from contextlib import contextmanager

from skesom._common.machine_limits import DISK_IS_FULL, machine_limit_behind
from skesom._common.texts import printable
from skesom.cli._messages import one_line
from skesom.cli._words import in_options

_SIGNALS = [s for s in signal.Signals if s.name in ("SIGTERM", "SIGHUP")]
_LESS = "--cutout takes a part of the images, --strips yes works in strips of rows"
_ADVICE = {
    errno.ENOMEM: f"{_LESS}; or raise the limit (ulimit -v)",
    errno.EAGAIN: "raise the limits (ulimit -u, ulimit -v), or set OMP_NUM_THREADS=1",
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "raise the limit (ulimit -n)"),
    **dict.fromkeys(DISK_IS_FULL, "make room there, or write elsewhere (-o, TMPDIR)"),
}


@contextmanager
def stopped_by_signals():
    """Let more signals end a run as SIGINT does, which cleans up."""
    is_main = threading.current_thread() is threading.main_thread()
    usual = [s for s in _SIGNALS if is_main and signal.getsignal(s) is signal.SIG_DFL]
    for number in usual:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        for number in usual:
            signal.signal(number, signal.SIG_DFL)


def _stop(number, frame):
    """Stop a run; the cleaning after it is not stopped again."""
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt(number)


def status_of_stop(stop):
    """Return the exit status of a run that a signal stopped."""
    return 128 + (stop.args or (signal.SIGINT,))[0]


def text_of(error, output=None):
    """Return an error in one line, with advice about a limit."""
    number, text = getattr(error, "errno", None), in_options(one_line(error))
    if isinstance(error, ImportError):
        error = machine_limit_behind(error) or error
        number = getattr(error, "errno", None)
    if isinstance(error, MemoryError):
        number, text = errno.ENOMEM, f"not enough memory ({text})"
    elif isinstance(error, RuntimeError):
        number = errno.EAGAIN
    elif number is not None:
        # Errors of a full disk often name no file.
        place = error.filename or (output if number in DISK_IS_FULL else None)
        text = one_line(error.strerror)
        text = text if place is None else f"{printable(place)}: {text}"
    return f"{text}: {_ADVICE[number]}" if number in _ADVICE else text

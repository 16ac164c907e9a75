# SPDX-License-Identifier: BSD-3-Clause
"""What astropy logs and warns of, in one line for each kind of message."""

import logging
import re
import warnings

from skesom.cli._words import one_line

_logger = logging.getLogger("skesom.cli")
_MOST_LETTERS = 200  # of a line that stands for all messages of its kind
# What differs between messages of one kind: numbers, and what stands in quotes.
_VARIABLE = re.compile(r"'[^']*'|\"[^\"]*\"|[-+]?\d[\w.:+-]*")
_END_OF_SENTENCE = re.compile(r"\.(?= |$)")


class AstropyMessages(logging.Handler):
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

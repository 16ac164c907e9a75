# SPDX-License-Identifier: BSD-3-Clause
"""Files from which a fit that was broken off goes on, to the same bits."""

import hashlib
import json
import operator
import os
import re
import sys
from importlib.metadata import version
from numbers import Integral
from pathlib import Path

import numpy as np

from skesom._common.lazy import is_lazy, take_rows

_MAGIC = b"skesom checkpoint 1 "  # the last word is the version of the format
_DTYPES = {np.dtype(code).str for code in "fdilq"}
_DAMAGES = LookupError, OverflowError, RecursionError, TypeError, ValueError
_NOT_OF_THE_RESULT = {"checkpoint", "verbose"}
_PLACES, _ROWS = 16, 64  # of a table: the rows by which it is known again
_LONG = 120  # characters of a value that are kept
# By these errors dask, distributed and pools say that workers or a scheduler are gone.
_LOSSES = {"BrokenExecutor", "CancelledError", "CommClosedError", "KilledWorker"}
_LOSSES |= {"TimeoutError"}


class Checkpoint:
    """The file that a fit goes on from, and which goes when the fit has ended."""

    def __init__(self, som=None, X=None):
        self._som, self._lazy = som, is_lazy(X)
        self._path = self._draws = self._saved = None
        if som is not None and som.checkpoint is not None:
            self._path, self._every = _place_of(som.checkpoint)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is None and self._path is not None:
            self._path.unlink(missing_ok=True)
        if self._lazy and _LOSSES & {base.__name__ for base in type(error).__mro__}:
            saved = "nothing"
            if self._path is not None and self._path.exists():
                saved = f"{self._som._step} {self._saved or 'of a fit before'}"
            raise RuntimeError(
                f"Dask did not finish what {type(self._som).__name__}.fit asked for "
                f"({kind.__name__}: {str(error).rstrip('.')}). Saved in checkpoint="
                f"{self._path} is {saved}: start a cluster, and call fit with the same "
                "data again; with the path of a file as checkpoint it goes on from "
                "what is saved there."
            ) from error

    def load(self, generator, restore, tables):
        """Return what `restore` makes of the state in the file, or None without any.

        The generator then draws what it would have drawn in the fit before.
        """
        if self._path is None:
            return None
        self._draws = _draws_of(generator)
        self._about = _description(self._som, tables)
        if not self._path.exists():
            return None
        try:
            header, arrays = self._read()
            before, done = dict(header["about"]), operator.index(header["done"])
            for name, now in self._about.items():
                if before.get(name) != now:
                    was = f"{before.get(name)!s:.200}"
                    raise ValueError(f"{name} was {was} and is now {now}")
            restored = restore(done, dict(header["numbers"]), arrays)
            if generator is not None:
                _set_draws(generator, header["draws"])
        except _DAMAGES as error:
            raise ValueError(
                f"fit cannot go on from the checkpoint {self._path}: {error}. Fit the "
                "same data with the same parameters, give another path, or delete the "
                "file to begin anew."
            ) from error
        self._draws, self._saved = header["draws"], done
        return restored

    def save(self, done, of, arrays, *, generator=None, **numbers):
        """Replace the file after an epoch or window, out of so many, if it is time."""
        if self._path is None or (done % self._every and done < of):
            return
        self._draws = _draws_of(generator) or self._draws
        kinds = {name: (each.dtype.str, each.shape) for name, each in arrays.items()}
        header = {"about": self._about, "draws": self._draws, "done": done}
        header = json.dumps({**header, "numbers": numbers, "arrays": kinds}).encode()
        parts = [each.tobytes() for each in arrays.values()]
        content = b"".join([header, b"\n", *parts])
        beside = self._path.with_name(f".{self._path.name}.unfinished")
        try:
            with open(beside, "wb") as file:
                file.writelines([_MAGIC, _digest(content), b"\n", content])
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self._path)
        finally:
            beside.unlink(missing_ok=True)
        self._saved = done

    def _read(self):
        """Return the header of the file, and its arrays."""
        with open(self._path, "rb") as file:
            first = file.readline(len(_MAGIC) + 65)
            if not first.startswith(_MAGIC):
                begin = first[: len(_MAGIC)]
                raise ValueError(
                    f"it is of another version of skesom, or none (begins with {begin})"
                )
            content = file.read()
        if first[len(_MAGIC) : -1] != _digest(content):
            raise ValueError("it is damaged, its bytes are not those that were written")
        line, _, data = content.partition(b"\n")
        header, arrays, place = json.loads(line), {}, 0
        for name, (dtype, shape) in dict(header["arrays"]).items():
            if dtype not in _DTYPES:
                raise ValueError(f"{name} is of no known type")
            # One beyond the bytes of the file is refused before there is room for it.
            arrays[name] = np.ndarray(shape, dtype, data, place).copy()
            place += arrays[name].nbytes
        return header, arrays


NO_CHECKPOINT = Checkpoint()


def _place_of(checkpoint):
    """Return the path of the file, and after how many epochs or windows it is due."""
    pair = isinstance(checkpoint, tuple) and len(checkpoint) == 2
    path, every = checkpoint if pair else (checkpoint, 1)
    if isinstance(path, str | os.PathLike) and isinstance(every, Integral):
        path = Path(path).absolute()
        is_file = path.is_file() or (path.parent.is_dir() and not path.exists())
        if is_file and every >= 1:
            return path, every
    raise ValueError(
        "'checkpoint' must be the path of a file in an existing folder, or a tuple of "
        f"it and of an int >= 1. Got {checkpoint!r}."
    )


def _description(som, tables):
    """Return texts that tell fits apart: the parameters, and the data by a few rows."""
    about = {"estimator": type(som).__name__, "version of skesom": version("skesom")}
    for name, value in som.get_params(deep=False).items():
        if name not in _NOT_OF_THE_RESULT:
            about[name] = _text(value)
    for name, table in tables.items():
        about[name] = "None"
        if table is not None:
            starts = np.linspace(0, max(len(table) - _ROWS, 0), _PLACES).astype(np.intp)
            rows = np.unique(starts[:, np.newaxis] + np.arange(_ROWS))
            some = np.ascontiguousarray(take_rows(table, rows[rows < len(table)]))
            digest = _digest(some)[:16].decode()
            about[name] = f"{table.dtype} of shape {table.shape}, digest {digest}"
    return about


def _text(value):
    """Return a parameter as a text that is the same in another process."""
    if callable(value):  # a decay
        value = value(2.0, 1.0, np.linspace(0, 1, _ROWS))
    with np.printoptions(threshold=sys.maxsize, floatmode="unique"):
        text = " ".join(re.sub(" at 0x[0-9a-fA-F]+", "", repr(value)).split())
    if len(text) <= _LONG:
        return text
    return f"{text[:_LONG]}... (digest {_digest(text.encode())[:16].decode()})"


def _digest(content):
    return hashlib.sha256(content).hexdigest().encode()


def _draws_of(generator):
    """Return the state of a generator of random numbers in types of JSON."""
    if generator is None:
        return None
    state = generator.get_state(legacy=False)
    return json.loads(json.dumps(state, default=np.ndarray.tolist))


def _set_draws(generator, draws):
    if not 0 <= dict(draws["state"]).get("pos", 0) <= 624:  # NumPy does not look
        raise ValueError("its random numbers are none")
    generator.set_state(draws)

# SPDX-License-Identifier: BSD-3-Clause
"""Files from which a fit that was broken off goes on, to the same bits."""

import hashlib
import json
import operator
import os
import re
import sys
from collections.abc import Mapping
from concurrent.futures import BrokenExecutor, CancelledError
from contextlib import contextmanager
from importlib.metadata import version
from numbers import Integral
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skesom._common.lazy import is_lazy, take_rows

_MAGIC, _FORMAT = b"skesom checkpoint", b"1"
_DTYPES = {np.dtype(code).str for code in "fdilq"}
_DAMAGES = LookupError, OverflowError, RecursionError, TypeError, ValueError
_NOT_OF_THE_RESULT = {"checkpoint", "verbose"}
_PLACES, _ROWS = 16, 64  # the rows by which data are known again
_LONG = 120  # characters of a value that are kept as they are


class State(NamedTuple):
    """What a fit has learned after some epochs or windows."""

    done: int
    numbers: dict
    arrays: dict


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
        if self._lazy and isinstance(error, _losses()):
            raise RuntimeError(
                f"Dask did not finish what {type(self._som).__name__}.fit asked for "
                f"({type(error).__name__}: {str(error).rstrip('.')}). {self._advice()}"
            ) from error

    def load(self, generator, restore, **tables):
        """Return what `restore` makes of the state in the file, or None without any.

        The generator then draws what it would have drawn in the fit before.
        """
        if self._path is None:
            return None
        self._draws = _draws_of(generator)
        self._about = _description(self._som, tables)
        if not self._path.exists():
            return None
        about, draws, state = self._read()
        for name, now in self._about.items():
            if about.get(name) != now:
                raise ValueError(
                    f"The checkpoint {self._path} is of another fit: {name} was "
                    f"{about.get(name)!s:.200}, and now is {now}. Fit as then to go "
                    "on, or delete the file to begin anew."
                )
        with self._named_damage():
            restored = restore(state)
            if generator is not None:
                _set_draws(generator, draws)
        self._draws, self._saved = draws, state.done
        return restored

    def save(self, done, of, arrays, *, generator=None, **numbers):
        """Replace the file after an epoch or window, out of so many, if it is time."""
        if self._path is None or (done % self._every and done < of):
            return
        self._draws = _draws_of(generator) or self._draws
        kinds = {name: (each.dtype.str, each.shape) for name, each in arrays.items()}
        header = {"about": self._about, "draws": self._draws, "done": done}
        header = json.dumps({**header, "numbers": numbers, "arrays": kinds}).encode()
        content = b"".join(
            [header, b"\n", *(each.tobytes() for each in arrays.values())]
        )
        digest = hashlib.sha256(content).hexdigest().encode()
        beside = self._path.with_name(f".{self._path.name}.unfinished")
        try:
            with open(beside, "wb") as file:
                file.writelines([b" ".join([_MAGIC, _FORMAT, digest]), b"\n", content])
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self._path)
        finally:
            beside.unlink(missing_ok=True)
        self._saved = done

    def _read(self):
        """Return what the fit in the file is, its random numbers, and its state."""
        with open(self._path, "rb") as file:
            first = re.fullmatch(_MAGIC + rb" (\d+) (\w+)\n", file.readline(200))
            if first is None:
                raise ValueError(
                    f"{self._path} is no checkpoint of skesom: give 'checkpoint' "
                    "another path."
                )
            if first[1] != _FORMAT:
                raise ValueError(
                    f"The checkpoint {self._path} has the format {first[1].decode()}, "
                    f"and this version of skesom goes on from {_FORMAT.decode()}: use "
                    "the version that wrote it, or delete the file to begin anew."
                )
            content = file.read()
        with self._named_damage():
            if hashlib.sha256(content).hexdigest().encode() != first[2]:
                raise ValueError("its bytes are not those that were written")
            line, _, data = content.partition(b"\n")
            header = json.loads(line)
            arrays = _arrays_of(header["arrays"], data)
            done, numbers = operator.index(header["done"]), dict(header["numbers"])
            return dict(header["about"]), header["draws"], State(done, numbers, arrays)

    @contextmanager
    def _named_damage(self):
        try:
            yield
        except _DAMAGES as error:
            raise ValueError(
                f"The checkpoint {self._path} is damaged ({error}): delete the file to "
                "begin anew."
            ) from error

    def _advice(self):
        """Return what is left of a fit, and how to go on."""
        if self._path is None:
            return (
                "Nothing was saved: with checkpoint='...', the path of a file, a fit "
                "goes on where it was broken off."
            )
        if self._saved is None:
            return f"Nothing was saved in {self._path} so far: call fit again."
        return (
            f"The state after {self._som._step} {self._saved} is saved in {self._path}:"
            " start a cluster, and call fit with the same data and checkpoint to go on."
        )


NO_CHECKPOINT = Checkpoint()


def _place_of(checkpoint):
    """Return the path of the file, and after how many epochs or windows it is due."""
    pair = isinstance(checkpoint, tuple) and len(checkpoint) == 2
    path, every = checkpoint if pair else (checkpoint, 1)
    is_path = isinstance(path, str | os.PathLike)
    if not (is_path and isinstance(every, Integral) and every >= 1):
        raise ValueError(
            "'checkpoint' must be the path of a file, or a tuple of it and of an "
            f"int >= 1. Got {checkpoint!r}."
        )
    path = Path(path).absolute()
    if not path.parent.is_dir() or (path.exists() and not path.is_file()):
        raise ValueError(
            f"'checkpoint' must be a file in an existing folder. Got {path}."
        )
    return path, every


def _arrays_of(kinds, data):
    """Return copies of the arrays that lie one after the other in some bytes."""
    arrays, place = {}, 0
    for name, (dtype, shape) in kinds.items():
        if dtype not in _DTYPES:
            raise ValueError(f"{name} is of no known type")
        # An array beyond the bytes is refused before there is room for it.
        array = np.ndarray(shape, dtype, data, place).copy()
        arrays[name], place = array, place + array.nbytes
    return arrays


def _description(som, tables):
    """Return texts that tell fits apart: the parameters, and the data by a few rows."""
    about = {"the estimator": type(som).__name__, "skesom": version("skesom")}
    for name, value in som.get_params(deep=False).items():
        if name not in _NOT_OF_THE_RESULT:
            about[name] = _shortened(_text(value))
    for name, table in tables.items():
        about[name] = "None"
        if table is not None:
            starts = np.linspace(0, max(len(table) - _ROWS, 0), _PLACES).astype(np.intp)
            rows = np.unique(starts[:, np.newaxis] + np.arange(_ROWS))
            some = take_rows(table, rows[rows < len(table)])
            digest = hashlib.sha256(np.ascontiguousarray(some)).hexdigest()[:16]
            about[name] = f"{table.dtype} of shape {table.shape}, digest {digest}"
    return about


def _text(value):
    """Return a parameter as a text that is the same in another process."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_text(value[key])}' for key in value)}}}"
    if callable(value):  # a decay
        value = value(2.0, 1.0, np.linspace(0, 1, _ROWS))
    if hasattr(value, "__array__"):
        value = np.asarray(value).tolist()
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_text, value))})"
    return re.sub(" at 0x[0-9a-fA-F]+", "", repr(value))


def _shortened(text):
    if len(text) <= _LONG:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{text[:_LONG]}... (digest {digest})"


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


def _losses():
    """Return the errors that say that workers or a scheduler of dask are gone."""
    losses = BrokenExecutor, CancelledError, TimeoutError
    if "distributed" not in sys.modules:
        return losses
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker

    return *losses, CommClosedError, KilledWorker

# SPDX-License-Identifier: BSD-3-Clause
"""What to write in place of arguments that other libraries take."""

from functools import wraps
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from skesom._common.decorators import F


def refuses(**instead: str) -> "Callable[[F], F]":
    """Return a decorator of a method that says what to write instead of an argument.

    None is what the argument is without a wish. The method keeps its signature, from
    which scikit-learn reads the parameters.
    """

    def decorate(method):
        @wraps(method)
        def call(self, *args, **kwargs):
            for name in kwargs.keys() & instead:
                if kwargs.pop(name) is not None:
                    text = f"{type(self).__name__} takes no {name!r}: {instead[name]}."
                    raise TypeError(text)
            return method(self, *args, **kwargs)

        return call

    return decorate

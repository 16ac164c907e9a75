# SPDX-License-Identifier: BSD-3-Clause
"""Errors that name the file that they are of, also of JSON that others have written."""

import json
from contextlib import contextmanager

from skesom._common.files import regular
from skesom._common.machine_limits import is_machine_limit

_MAX_BYTES = 2**28  # which json.loads takes as objects of several times that
_MAX_TEXT = 800  # characters of a message


@contextmanager
def errors_naming(path, problem=None):
    """Turn whatever a damaged or crafted file leads to into a line with its name.

    Parameters
    ----------
    path : str, os.PathLike or None
        The file; without one, errors stay as they are.
    problem : str or None
        What the line says of the file, by default the error.
    """
    try:
        yield
    except Exception as error:  # text that makes no sense can fail anywhere
        if path is None:
            raise
        text = " ".join(str(error).split())
        is_of_system = isinstance(error, ImportError | OSError)
        if (is_of_system or is_machine_limit(error)) and len(text) < _MAX_TEXT:
            raise
        has_message = isinstance(error, ValueError)  # for users
        if has_message and text == str(error) and str(path) in text:
            raise
        if problem is not None:
            text = f"{path} {problem}: {type(error).__name__}: {text}"
        elif has_message:
            text = f"{path}: {text}"
        else:
            text = f"{path} is damaged: {type(error).__name__}: {text}"
        if len(text) >= _MAX_TEXT:
            text = f"{text[:_MAX_TEXT]} ..."
        raise ValueError(text) from error


def read_json(path, file_format, description):
    """Return the content of a JSON file of skesom, which names its format.

    Parameters
    ----------
    path : str or os.PathLike
    file_format : str
        As in the file.
    description : str
        What the file should be, for the message.

    Returns
    -------
    content : dict
    """
    with open(regular(path), "rb") as file:
        text = file.read(_MAX_BYTES + 1)
    try:
        if len(text) > _MAX_BYTES:
            raise ValueError(f"it has more than {_MAX_BYTES} bytes")
        content = json.loads(text.decode("utf-8"))
    except (RecursionError, ValueError) as error:
        raise ValueError(f"{path} is no JSON file: {error}.") from error
    if not isinstance(content, dict) or content.get("format") != file_format:
        raise ValueError(
            f'{path} is no {description}: it has no "format": "{file_format}".'
        )
    return content

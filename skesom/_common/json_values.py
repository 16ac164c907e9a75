# SPDX-License-Identifier: BSD-3-Clause
"""Files that others may have written: JSON, and errors that name the file."""

import json
from contextlib import contextmanager, nullcontext

from skesom._common.files import is_of_machine, regular

_MAX_BYTES = 2**28  # which json.loads takes as objects of several times that


@contextmanager
def whole(path, problem=None):
    """Turn whatever a damaged or crafted file leads to into a line with its name."""
    try:
        yield
    except Exception as error:  # text that makes no sense can fail anywhere
        text = " ".join(str(error).split())
        is_usual = isinstance(error, ImportError | OSError) or is_of_machine(error)
        if is_usual and len(text) < 800:
            raise
        is_told = isinstance(error, ValueError)
        if is_told and text == str(error) and str(path) in text:
            raise
        if problem or not is_told:
            text = f"{path} {problem or 'is damaged'}: {type(error).__name__}: {text}"
        else:
            text = f"{path}: {text}"
        raise ValueError(text if len(text) < 800 else f"{text[:800]} ...") from error


def errors_naming(path):
    """Name a file in errors of what it holds, as `whole`; nothing to do for None."""
    if path is None:
        return nullcontext()
    return whole(path)


def read_json(path, kind, description):
    """Return the content of a JSON file of skesom of some kind."""
    with open(regular(path), "rb") as file:
        text = file.read(_MAX_BYTES + 1)
    try:
        if len(text) > _MAX_BYTES:
            raise ValueError(f"it has more than {_MAX_BYTES} bytes")
        content = json.loads(text.decode("utf-8"))
    except (RecursionError, ValueError) as error:
        raise ValueError(f"{path} is no JSON file: {error}.") from error
    if not isinstance(content, dict) or content.get("format") != kind:
        raise ValueError(f'{path} is no {description}: it has no "format": "{kind}".')
    return content

# SPDX-License-Identifier: BSD-3-Clause
"""Which sources the kernels of a checkout were compiled from.

A checkout keeps its compiled kernels while Git changes their sources. So a build in
place writes digests of the sources beside the kernels, and the first import compares
them. Times of files would not do: Git sets them when it switches a branch there and
back. A wheel has no such file, nor has a checkout that was compiled before there was
one, and nothing is compared then.

`setup.py` runs this file by its path, when the package cannot be imported yet: it
imports the standard library only.
"""

import json
from hashlib import sha256
from pathlib import Path

SUFFIXES = (".h", ".pxd", ".pyx")


def record_path(kernel_path):
    """Return where the digests stand for one of the kernels.

    Each Python that compiles in the same checkout has kernels, and digests, by its own
    name.
    """
    return Path(f"{kernel_path}.sources")


def write_record(kernel_path):
    """Write the digests of the sources that were compiled, beside a kernel."""
    digests = _digests(Path(kernel_path).parent)
    text = json.dumps(digests, indent=0)
    record_path(kernel_path).write_text(text, encoding="utf-8")


def check_kernels(kernel_path):
    """Refuse kernels that were compiled from other sources than lie beside them."""
    record = record_path(kernel_path)
    if not record.is_file():
        return
    compiled = json.loads(record.read_text(encoding="utf-8"))
    folder = record.parent
    present = _digests(folder)
    changed = [
        name
        for name in sorted(compiled.keys() | present.keys())
        if compiled.get(name) != present.get(name)
    ]
    if changed:
        raise ImportError(
            f"the kernels of skesom in {folder} are older than their sources "
            f"({', '.join(changed)}): compile them again with `pip install -e .` in "
            "the checkout"
        )


def _digests(folder):
    """Return the SHA-256 of each source in a folder, by its name."""
    sources = [path for path in folder.iterdir() if path.suffix in SUFFIXES]
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sources}

# SPDX-License-Identifier: BSD-3-Clause
"""Prepared pixels of earlier runs, which another clusterer, number or seed can take."""

import hashlib
import os
import stat
import warnings
from functools import partial
from pathlib import Path

import skesom
from skesom.cli._messages import announce, say
from skesom.cli._options import count

_MEGABYTES = 2000  # of 20 runs of nine images of 1200 x 1200 pixels
_COPIES = 2  # the images of the map, and what the clusterer gets


def add_cache(add):
    """Add the option."""
    text = "most megabytes of prepared pixels that are kept in the folder of caches "
    text += "(SKESOM_CACHE), so that these images need not be prepared again for "
    text += "another clusterer, number or seed; 0 keeps and takes none"
    size = partial(count, least=0)
    add("--cache", type=size, default=_MEGABYTES, metavar="MB", help=text)


def prepared_by(options):
    """Return what prepares images for a clusterer, or takes what is kept of them."""
    return partial(_prepared, most=options.cache)


def _prepared(pipeline, images, *, most):
    from skesom.maps._pipeline import prepare_in_place

    cubes = images if isinstance(images, list) else [images]
    needed = _COPIES * sum(cube.data.nbytes for cube in cubes)
    is_wanted = needed <= most * 10**6 and not any(cube.is_lazy for cube in cubes)
    folder = _own_folder() if is_wanted else None
    if folder is None:
        return prepare_in_place(pipeline, images)
    from joblib import Memory
    from sklearn.base import clone

    task = clone(pipeline[:-1]), images, _code_digest()
    try:
        memory = Memory(folder, verbose=0)
        prepare = memory.cache(_prepare)
        is_kept = prepare.check_call_in_cache(*task)
    except OSError as error:  # such as a full disk, where the results need not be
        text = f"Prepared pixels are not kept in {folder}: {error}."
        warnings.warn(text, stacklevel=2)
        return prepare_in_place(pipeline, images)
    if is_kept:
        announce("taking the pixels that an earlier run prepared")
    with warnings.catch_warnings():  # of the text of the images that joblib keeps, too
        warnings.filterwarnings("ignore", "Persisting input arguments")
        steps, prepared, caught = prepare(*task)
    pipeline.steps[:-1] = steps
    for each in caught:
        warnings.warn_explicit(*each)
    if is_kept:
        say(f"Prepared pixels: those of an earlier run, in {folder} (--cache 0: anew).")
    else:
        memory.reduce_size(bytes_limit=most * 10**6)
        say(f"Prepared pixels are kept in {folder} for other runs (--cache 0: not).")
    return prepared


def _prepare(steps, images, code):
    """Return the steps, fitted, what they make of images, and their warnings."""
    from sklearn.pipeline import Pipeline

    from skesom.maps._pipeline import prepare_in_place

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pipeline = Pipeline([*steps.steps, ("last", "passthrough")])
        prepared = prepare_in_place(pipeline, images)
    caught = [(w.message, w.category, w.filename, w.lineno) for w in caught]
    return steps.steps, prepared, caught


def _code_digest():
    """Return a digest of the code, by which prepared pixels of other code are left."""
    from skesom.report._models import software_versions

    digest = hashlib.sha256(repr(software_versions()).encode())
    for path in sorted(Path(skesom.__file__).parent.rglob("*")):
        if path.suffix in (".py", ".so", ".pyd"):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _own_folder():
    """Return the folder of caches, None if there is none that only the user writes."""
    folder = os.environ.get("SKESOM_CACHE")
    if folder == "":
        return None
    try:
        if folder is None:
            from astropy.config import get_cache_dir

            folder = get_cache_dir("skesom")
        folder = Path(folder, "prepared")
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)  # whatever the umask lets others do
        found = folder.stat()
    except OSError:
        return None
    is_own = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    # What is kept is unpickled: others must not be able to put something there.
    if not is_own or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        warnings.warn(
            f"Prepared pixels are not kept in {folder}, which others can write to. Set "
            "SKESOM_CACHE to a folder of your own, or leave them out by --cache 0.",
            stacklevel=2,
        )
        return None
    return folder

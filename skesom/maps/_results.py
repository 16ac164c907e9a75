# SPDX-License-Identifier: BSD-3-Clause
"""The folder of results: all of it or nothing."""

import os
import shutil
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path

from skesom.io import write_map
from skesom.maps._pictures import draw_pictures
from skesom.maps._pipeline import (
    aligned_bands,
    fitted_clusterer,
    scaled_from_aligned,
)
from skesom.maps.displays._axes import check_matplotlib
from skesom.som import CSOM, ESOM

DOTS_PER_INCH = 150


def write_results(folder, pipeline, cube, *, overwrite=False):
    """Write the cluster map, its pictures and its table.

    Parameters
    ----------
    folder : str or os.PathLike
        Where to write; made if it does not exist.
    pipeline : sklearn.pipeline.Pipeline
        Of `make_cluster_pipeline`, fitted on the cube.
    cube : Cube or list of Cube
        The images as they were read.
    overwrite : bool, default=False
        Whether files of the same names in an existing folder may be replaced.

    Returns
    -------
    files : dict of str to pathlib.Path
        "cluster_map" (FITS), "cluster_picture", "spectra" and, for a map, "u_matrix"
        (PNG).

    Raises
    ------
    FileExistsError
        If the folder is not empty and `overwrite` is False.
    ImportError
        If matplotlib is missing (extra ``plot``).
    """
    check_matplotlib()
    label_map = pipeline["cluster"].labels_
    cube = aligned_bands(pipeline, cube)
    scaled = scaled_from_aligned(pipeline, cube)
    sky = pipeline["sky"].sky_
    clusterer = fitted_clusterer(pipeline)
    figures = draw_pictures(
        label_map,
        cube,
        scaled,
        sky=sky,
        som=clusterer if isinstance(clusterer, ESOM | CSOM) else None,
    )
    names = {
        "cluster_map": "cluster_map.fits",
        "cluster_picture": "cluster_map.png",
        "spectra": "cluster_spectra.png",
        "u_matrix": "u_matrix.png",
    }
    with atomic_folder(folder, overwrite=overwrite) as temporary:
        write_map(temporary / names["cluster_map"], label_map, cube=cube)
        for kind, figure in figures.items():
            figure.savefig(
                temporary / names[kind],
                dpi=DOTS_PER_INCH,
                bbox_inches="tight",  # without empty borders
            )
    return {kind: Path(folder) / names[kind] for kind in ("cluster_map", *figures)}


@contextmanager
def atomic_folder(folder, *, overwrite=False):
    """Give a temporary folder to write to, and move its files to their place.

    Parameters
    ----------
    folder : str or os.PathLike
        Where the finished files go; made if it does not exist.
    overwrite : bool, default=False
        Whether files of the same names may be replaced.

    Yields
    ------
    temporary : pathlib.Path
        Empty folder in the final one, or beside it if that does not exist yet; removed
        if the block fails.

    Raises
    ------
    FileExistsError
        If the folder is not empty and `overwrite` is False.
    """
    folder = Path(os.path.abspath(folder))  # names even "." and "..", which have none
    check_folder(folder, overwrite=overwrite)
    # A folder that exists may be the only place there that can be written to.
    home = folder if folder.exists() else folder.parent
    made = [parent for parent in (home, *home.parents) if not parent.exists()]
    home.mkdir(parents=True, exist_ok=True)
    temporary = home / f".{folder.name}-{uuid.uuid4().hex[:8]}"
    temporary.mkdir()
    try:
        yield temporary
        if folder.exists():
            _move_files(temporary, folder)
        else:
            os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        for parent in made:  # if nothing came to lie in them
            with suppress(OSError):
                parent.rmdir()


def _move_files(source, target):
    """Move files and folders of files to another folder, in place of what is there."""
    target.mkdir(exist_ok=True)
    for path in sorted(source.iterdir()):
        if path.is_dir():
            _move_files(path, target / path.name)
        else:
            os.replace(path, target / path.name)


def check_folder(folder, *, overwrite=False):
    """Refuse a folder that results must not go to.

    Parameters
    ----------
    folder : str or os.PathLike
        Where results are to go.
    overwrite : bool, default=False
        Whether files of the same names may be replaced.

    Raises
    ------
    FileExistsError
        If it is not empty and `overwrite` is False.
    NotADirectoryError
        If it is a file.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file, choose another folder.")
    if folder.exists() and any(folder.iterdir()) and not overwrite:
        raise FileExistsError(
            f"The folder {folder} is not empty: choose another one, or overwrite."
        )

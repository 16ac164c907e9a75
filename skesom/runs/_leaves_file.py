# SPDX-License-Identifier: BSD-3-Clause
"""The file ``leaves.fits`` of a result, from which another cut is looked up."""

import shutil

import numpy as np
from astropy.io import fits

from skesom._common.file_errors import errors_naming
from skesom._common.pipelines import pipeline_end
from skesom.maps.seen_pixels import NOT_SEEN, SeenPixels

LEAVES_NAME = "leaves.fits"
# Names of the extensions.
_LEAVES = "LEAVES"
_MEMBERS = "MEMBERS"


def write_leaves(folder, run):
    """Write what a cut needs; return the names of the files, none where it is unknown.

    Parameters
    ----------
    folder : pathlib.Path
    run : Run
        Of the images of its fit; the file of one that was read is copied, also to cuts
        of it, which have the same leaves.
    """
    path = folder / LEAVES_NAME
    if run.leaves_file is not None and run.leaves_file.is_file():
        shutil.copyfile(run.leaves_file, path)
        return [LEAVES_NAME]
    seen = getattr(run.pipeline[-1], "_seen", None)
    if seen is None:
        return []
    header = fits.Header() if run.wcs is None else run.wcs.to_header()
    header["COMMENT"] = "Leaf of the tree of clusters of each pixel, from 0; -1 noise,"
    header["COMMENT"] = "-3 without data. The leaves are numbered as in the model."
    leaves = seen.pieces.astype(np.int16)
    units = seen.members
    if leaves.ndim == 3:  # of voxels, with the bands first
        leaves = np.moveaxis(leaves, 2, 0)
        units = np.moveaxis(units, 3, 1)
    pieces = fits.ImageHDU(leaves, header, name=_LEAVES)
    members = fits.CompImageHDU(np.ascontiguousarray(units), name=_MEMBERS)
    members.header["COMMENT"] = "Unit (or label) of each pixel in each member of the"
    members.header["COMMENT"] = f"consensus; {NOT_SEEN} without data."
    fits.HDUList([fits.PrimaryHDU(), pieces, members]).writeto(path)
    return [LEAVES_NAME]


def read_leaves(path, step):
    """Give a fitted CubeClusterer what its members saw of each pixel, if that is there.

    Parameters
    ----------
    path : pathlib.Path
    step : CubeClusterer

    Returns
    -------
    is_there : bool

    Raises
    ------
    ValueError
        If it is not of this fit.
    """
    if not path.is_file():
        return False
    with errors_naming(path), fits.open(path, memmap=False) as hdus:
        shape = step.labels_.shape
        if len(shape) == 3:
            shape = shape[2], *shape[:2]
        # Before pixels are read: a small file may promise any number of them.
        last, _ = pipeline_end(step.estimator_)
        n_members = len(getattr(last, "estimators_", ()))
        is_of_fit = (
            hdus[_LEAVES].shape == shape
            and hdus[_MEMBERS].shape == (n_members, *shape)
            and step._accept_seen(_seen_in(hdus))
        )
    if not is_of_fit:
        raise ValueError(
            f"{path} is not of the model beside it. Remove it, and the images are read "
            "for a cut."
        )
    return True


def _seen_in(hdus):
    """Return what the members saw of each pixel, of a file of the right shape."""
    pieces = np.asarray(hdus[_LEAVES].data, dtype=np.int32)
    members = np.asarray(hdus[_MEMBERS].data)
    members = members.astype(members.dtype.newbyteorder("="))
    if pieces.ndim == 3:
        pieces = np.moveaxis(pieces, 0, 2)
        members = np.moveaxis(members, 1, 3)
    return SeenPixels(np.ascontiguousarray(members), np.ascontiguousarray(pieces))

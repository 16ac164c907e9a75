# SPDX-License-Identifier: BSD-3-Clause
"""The file ``leaves.fits`` of a result, from which another cut is looked up."""

import shutil

import numpy as np
from astropy.io import fits

from skesom._common.json_values import whole
from skesom.maps.seen_pixels import NOT_SEEN, SeenPixels

LEAVES_NAME = "leaves.fits"
_LEAVES, _MEMBERS = "LEAVES", "MEMBERS"


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
    pieces = fits.ImageHDU(seen.pieces.astype(np.int16), header, name=_LEAVES)
    members = fits.CompImageHDU(seen.members, name=_MEMBERS)
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

    Raises
    ------
    ValueError
        If it is not of this fit.
    """
    if not path.is_file():
        return
    with whole(path), fits.open(path, memmap=False) as hdus:
        pieces = np.asarray(hdus[_LEAVES].data, dtype=np.int32)
        members = np.asarray(hdus[_MEMBERS].data)
        members = members.astype(members.dtype.newbyteorder("="))
        is_of_fit = step._accept_seen(SeenPixels(members, pieces))
    if not is_of_fit:
        raise ValueError(
            f"{path} is not of the model beside it. Remove it, and the images are read "
            "for a cut."
        )

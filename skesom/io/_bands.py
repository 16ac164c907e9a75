# SPDX-License-Identifier: BSD-3-Clause
"""A cube on disk: one FITS image per band."""

import re
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from astropy.io import fits

from skesom.cube._container import Cube
from skesom.io._atomic import atomic_path
from skesom.io._headers import make_hdus, to_ascii, write_unit


def write_bands(folder, cube, *, overwrite=False):
    """Write a cube as one FITS image per band, which `read_cube` reads back.

    Each file is named by its band ("F438W.fits"; characters that file systems do not
    like become "_") and says in its header what the cube knows: the WCS, and the
    band's name (FILTER), unit (BUNIT), full width at half maximum in arcsec (FWHM),
    place on the spectral axis (SPECVAL, SPECUNIT) and zero point (MAGZERO). Errors go
    to the extension ERR, from where ``read_cube(..., errors="auto")`` takes them.
    Either all files are written or none.

    Parameters
    ----------
    folder : str or os.PathLike
        Where to write; made if it does not exist.
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands)
        The cube.
    overwrite : bool, default=False
        Whether existing files may be replaced.

    Returns
    -------
    paths : list of pathlib.Path
        The files in the order of the bands.

    Raises
    ------
    FileExistsError
        If a file exists and `overwrite` is False.
    ValueError
        If two bands would go to the same file.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skesom.cube import Cube
    >>> from skesom.io import write_bands
    >>> cube = Cube(np.ones((4, 5, 2)), band_names=["F438W", "[O III]"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write_bands(folder, cube)]
    ['F438W.fits', 'O_III.fits']
    """
    cube = cube if isinstance(cube, Cube) else Cube(cube)
    folder = Path(folder)
    paths = [folder / f"{_file_stem(name)}.fits" for name in cube.band_names]
    # Some file systems do not tell capital letters from small ones.
    if len({path.name.lower() for path in paths}) < len(paths):
        raise ValueError(
            f"Bands {list(cube.band_names)} would share a file, because file names "
            "ignore case and special characters. Rename them with "
            "Cube.replace(band_names=...)."
        )
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        temporary = [
            stack.enter_context(atomic_path(path, overwrite=overwrite))
            for path in paths
        ]
        for band, path in enumerate(temporary):
            _make_band_hdus(cube, band).writeto(path)
    return paths


def _make_band_hdus(cube, band):
    """Return the HDU list that holds one band of a cube."""
    hdus = make_hdus(np.ascontiguousarray(cube.data[:, :, band]), cube.wcs)
    header = hdus[0].header
    header["FILTER"] = (to_ascii(cube.band_names[band]), "band")
    if cube.band_units[band] is not None:
        header["BUNIT"] = (write_unit(cube.band_units[band]), "unit of the pixels")
    if np.isfinite(cube.fwhm[band]):
        header["FWHM"] = (cube.fwhm[band], "[arcsec] of the point-spread function")
    if cube.band_coordinates is not None and np.isfinite(cube.band_coordinates[band]):
        place = cube.band_coordinates[band]
        header["SPECVAL"] = (place.value, "place of the band on the spectral axis")
        header["SPECUNIT"] = (write_unit(place.unit), "unit of SPECVAL")
    if np.isfinite(cube.zero_points[band]):
        header["MAGZERO"] = (
            cube.zero_points[band],
            "[mag] AB magnitude of a value of 1",
        )
    if cube.errors is not None:
        errors = fits.ImageHDU(
            np.ascontiguousarray(cube.errors[:, :, band]), name="ERR"
        )
        if "BUNIT" in header:
            errors.header["BUNIT"] = header["BUNIT"]
        hdus.append(errors)
    return hdus


def _file_stem(band_name):
    """Return a band name in characters that every file system takes."""
    return re.sub(r"[^A-Za-z0-9.+-]+", "_", to_ascii(band_name)).strip("_.") or "band"

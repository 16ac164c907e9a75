# SPDX-License-Identifier: BSD-3-Clause
"""A FITS table that is written strip by strip and is never in memory as a whole."""

import warnings

import numpy as np
from astropy.io import fits

from skesom._common.texts import unique_names
from skesom._sky.header_cards import to_ascii
from skesom.io.label_maps import short_ascii


class TableFile:
    """A file of one table, of which the number of rows is known before."""

    def __init__(self, path, n_rows):
        self._path = path
        self._n_rows = n_rows
        self._stream = None  # is opened by the first rows

    def write(self, table):
        """Append rows; the first ones decide on names, types and units."""
        if self._stream is None:
            self._stream = fits.StreamingHDU(str(self._path), self._header(table))
        types = []
        for column in table.itercols():
            types.append((column.name, column.dtype.newbyteorder(">")))
        rows = np.empty(len(table), dtype=types)
        for column in table.itercols():
            rows[column.name] = column
        if len(rows):
            self._stream.write(rows.view(np.uint8))  # BITPIX of tables counts bytes

    def _header(self, table):
        names = unique_names(map(short_ascii, table.colnames))
        types = [column.dtype for column in table.itercols()]
        no_rows = np.empty(0, dtype=list(zip(names, types, strict=True)))
        with warnings.catch_warnings():
            # Names of columns may have characters that the standard advises against.
            warnings.simplefilter("ignore", fits.verify.VerifyWarning)
            header = fits.BinTableHDU(no_rows, name="PIXELS").header
        header["NAXIS2"] = self._n_rows
        for number, column in enumerate(table.itercols(), 1):
            comment = column.description
            if column.unit is not None:
                try:
                    header[f"TUNIT{number}"] = column.unit.to_string("fits")
                except ValueError:  # the standard has no electrons
                    comment += f" [{column.unit}]"
            header[f"TCOMM{number}"] = to_ascii(comment)
        return header

    def close(self):
        """Close the file."""
        if self._stream is not None:
            self._stream.close()

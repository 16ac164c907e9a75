# SPDX-License-Identifier: BSD-3-Clause
"""Tables written block by block, so that they need not fit into memory."""

import io
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from astropy.io import fits
from astropy.table import Column as TableColumn
from astropy.table import Table

from skesom.io import to_ascii

TABLE_FORMATS = ("fits", "parquet", "ecsv", "csv")
_FITS_BLOCK = 2880
MAX_FITS_COLUMNS = 999
_FORMS = {"i": "%d", "f4": "%.9g", "f8": "%.17g"}


class Column(NamedTuple):
    """A column of a table."""

    name: str
    dtype: np.dtype
    unit: object = None
    description: str = ""


def check_tables(tables):
    """Refuse formats of tables that are not known, or that lack a package."""
    if tables is None:
        return
    if tables not in TABLE_FORMATS:
        raise ValueError(
            f"tables must be one of {', '.join(TABLE_FORMATS)} or None, got {tables!r}."
        )
    if tables == "parquet":
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError as error:
            raise ImportError(
                "Parquet tables need pyarrow: pip install 'skesom[tables]'."
            ) from error


def open_table(path, columns, n_rows):
    """Open a table to write to, in the format of its suffix."""
    writers = {
        ".fits": _write_fits,
        ".parquet": _write_parquet,
        ".ecsv": _write_ecsv,
        ".csv": _write_csv,
    }
    return writers[path.suffix](path, columns, n_rows)


@contextmanager
def _write_fits(path, columns, n_rows):
    if len(columns) > MAX_FITS_COLUMNS:
        raise ValueError(
            f"{len(columns)} columns are more than the {MAX_FITS_COLUMNS} of a FITS "
            "table: ask for tables in another format, or for none."
        )
    names = [to_ascii(column.name) for column in columns]
    native = np.dtype([(n, c.dtype) for n, c in zip(names, columns, strict=True)])
    header = fits.BinTableHDU(np.empty(0, native), name="PIXELS").header
    header["NAXIS2"] = n_rows
    for number, column in enumerate(columns, 1):
        comment = column.description
        if column.unit is not None:
            try:
                header[f"TUNIT{number}"] = column.unit.to_string("fits")
            except ValueError:  # the standard knows no electrons
                comment += f" [{column.unit}]"
        header[f"TCOMM{number}"] = to_ascii(comment)
    big_endian = native.newbyteorder(">")
    with open(path, "wb") as file:
        primary = fits.PrimaryHDU().header
        primary["EXTEND"] = True
        file.write(primary.tostring().encode("ascii"))
        file.write(header.tostring().encode("ascii"))

        def write(*values):
            rows = np.empty(len(values[0]), dtype=big_endian)
            for name, value in zip(names, values, strict=True):
                rows[name] = value
            rows.tofile(file)

        yield write
        file.write(bytes(-(n_rows * native.itemsize) % _FITS_BLOCK))


@contextmanager
def _write_parquet(path, columns, n_rows):
    import pyarrow
    from pyarrow import parquet

    fields = [
        pyarrow.field(
            column.name,
            pyarrow.from_numpy_dtype(column.dtype),
            metadata={
                "unit": "" if column.unit is None else column.unit.to_string(),
                "description": column.description,
            },
        )
        for column in columns
    ]
    schema = pyarrow.schema(fields)
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:

        def write(*values):
            arrays = [
                pyarrow.array(np.ascontiguousarray(value, dtype=column.dtype))
                for value, column in zip(values, columns, strict=True)
            ]
            batch = pyarrow.RecordBatch.from_arrays(arrays, schema=schema)
            writer.write_batch(batch)

        yield write


@contextmanager
def _write_ecsv(path, columns, n_rows):
    empty = Table(
        [
            TableColumn(
                np.empty(0, column.dtype),
                column.name,
                unit=column.unit,
                description=column.description,
            )
            for column in columns
        ]
    )
    text = io.StringIO()
    empty.write(text, format="ascii.ecsv", delimiter=",")
    with _write_text(path, columns, text.getvalue()) as write:
        yield write


@contextmanager
def _write_csv(path, columns, n_rows):
    text = io.StringIO()
    Table(names=[column.name for column in columns]).write(text, format="ascii.csv")
    with _write_text(path, columns, text.getvalue()) as write:
        yield write


@contextmanager
def _write_text(path, columns, head):
    forms = [
        _FORMS.get(column.dtype.kind) or _FORMS[column.dtype.str[1:]]
        for column in columns
    ]
    form = ",".join(forms) + "\n"
    with open(path, "w", encoding="utf-8") as file:
        file.write(head)

        def write(*values):
            numbers = [
                value.astype(column.dtype, copy=False).tolist()
                for value, column in zip(values, columns, strict=True)
            ]
            file.writelines(form % row for row in zip(*numbers, strict=True))

        yield write

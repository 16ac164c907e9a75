# SPDX-License-Identifier: BSD-3-Clause
"""Arrays that hide values, as those of NumPy and astropy: hidden values are missing."""

import numpy as np

_NUMBERS = "biuf"


def filled(values, value=np.nan):
    """Return values with NaN, or another value, where they are hidden.

    A table of astropy becomes an array, an AnnData a table of pandas with the names of
    its variables, and what hides nothing stays as it is.
    """
    if hasattr(values, "obs") and hasattr(values, "to_df"):
        return values.to_df()
    if hasattr(values, "colnames"):
        columns = (values[name] for name in values.colnames)
        return np.column_stack([filled(column, value) for column in columns])
    if isinstance(values, list | tuple) and any(map(_may_hide, values)):
        return [filled(part, value) for part in values]
    if not _may_hide(values):
        return values
    hidden = np.ma.getmaskarray(values) if hasattr(values, "filled") else values.mask
    known = np.asarray(getattr(values, "unmasked", values))
    if not np.any(hidden):
        return known
    if value is np.nan:
        if known.dtype.kind not in _NUMBERS:
            raise ValueError(
                f"{np.count_nonzero(hidden)} values of {known.dtype} are masked, and "
                "only numbers can be missing (NaN): leave them out."
            )
        known = known.astype(np.promote_types(known.dtype, np.float32))
    return np.where(hidden, value, known)


def _may_hide(values):
    return isinstance(values, np.ma.MaskedArray) or hasattr(values, "unmasked")

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
        return [filled(item, value) for item in values]
    if not _may_hide(values):
        return values
    if hasattr(values, "filled"):
        is_hidden = np.ma.getmaskarray(values)
    else:
        is_hidden = values.mask
    array = np.asarray(getattr(values, "unmasked", values))
    if not np.any(is_hidden):
        return array
    if value is np.nan:
        if array.dtype.kind not in _NUMBERS:
            raise ValueError(
                f"{np.count_nonzero(is_hidden)} values of {array.dtype} are masked, "
                "and only numbers can be missing (NaN): leave them out."
            )
        array = array.astype(np.promote_types(array.dtype, np.float32))
    return np.where(is_hidden, value, array)


def _may_hide(values):
    return isinstance(values, np.ma.MaskedArray) or hasattr(values, "unmasked")

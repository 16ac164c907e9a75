# SPDX-License-Identifier: BSD-3-Clause
"""Self-organizing maps of tables."""

from skesom.som._kernel_sources import check_kernels

try:
    import skesom.som._vectors as _vectors
except ModuleNotFoundError as error:
    raise ImportError(
        f"the kernels of skesom are not compiled in {__path__[0]}: compile them with "
        "`pip install -e .` in the checkout, or run from another folder if skesom is "
        "installed elsewhere"
    ) from error
else:
    check_kernels(_vectors.__file__)

from skesom.som._csom import CSOM
from skesom.som._esom import ESOM
from skesom.som._map_classifier import MapClassifier
from skesom.som._map_regressor import MapRegressor
from skesom.som._scaled_winners import scaled_winners
from skesom.som._unit_table import unit_columns, unit_table

__all__ = [
    "CSOM",
    "ESOM",
    "MapClassifier",
    "MapRegressor",
    "scaled_winners",
    "unit_columns",
    "unit_table",
]

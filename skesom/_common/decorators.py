# SPDX-License-Identifier: BSD-3-Clause
"""Decorators of scikit-learn, which has no types, with the types that they keep."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

    def available_if(check: Callable[[Any], Any]) -> Callable[[F], F]: ...
    def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[F], F]: ...
    def validate_params(
        constraints: dict[str, Any], *, prefer_skip_nested_validation: bool
    ) -> Callable[[F], F]: ...
else:
    from sklearn.base import _fit_context as fit_context
    from sklearn.utils._param_validation import validate_params
    from sklearn.utils.metaestimators import available_if

__all__ = ["available_if", "fit_context", "validate_params"]

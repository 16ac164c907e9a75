# SPDX-License-Identifier: BSD-3-Clause
"""Supervised maps whose parameters are given in one call, whoever they belong to."""

from skesom.som import CSOM, ESOM, MapClassifier, MapRegressor


def esom_classifier(epsilon="auto", **parameters):
    parameters = {"learning_rate": 0.05, **parameters}
    return _with(MapClassifier(ESOM(epsilon=epsilon)), parameters)


def csom_classifier(shape=(10, 10), **parameters):
    return _with(MapClassifier(CSOM(shape=shape)), parameters)


def esom_regressor(epsilon="auto", **parameters):
    return _with(MapRegressor(ESOM(epsilon=epsilon)), parameters)


def csom_regressor(shape=(10, 10), **parameters):
    return _with(MapRegressor(CSOM(shape=shape)), parameters)


def _with(estimator, parameters):
    own = estimator.get_params(deep=False)
    return estimator.set_params(
        **{
            name if name in own else f"estimator__{name}": value
            for name, value in parameters.items()
        }
    )

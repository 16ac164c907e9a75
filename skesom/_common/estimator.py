# SPDX-License-Identifier: BSD-3-Clause
"""The base of all estimators, whose HTML view links their page of the site."""

from sklearn.base import BaseEstimator


class LinkedEstimator(BaseEstimator):
    """A scikit-learn estimator that knows where its documentation is."""

    _doc_link_module = "skesom"
    _doc_link_template = "https://skesom.github.io/skesom/api/generated/{page}.html"

    def _doc_link_url_param_generator(self):
        # The site names a class by the folder that it is imported from.
        package, folder, *_ = type(self).__module__.split(".")
        return {"page": f"{package}.{folder}.{type(self).__name__}"}

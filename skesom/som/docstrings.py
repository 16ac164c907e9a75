# SPDX-License-Identifier: BSD-3-Clause
"""Entries that the docstrings of the maps share, each after its name.

%(X)s =

Parameters
----------
X : array-like of shape (n_samples, n_features)
    Samples; NaN marks missing features.

%(errors)s =
errors : array-like of shape (n_samples, n_features), default=None
    Measurement errors (standard deviations) of X, in the same units. With them the
    distance is chi = sqrt(n_features / m * sum (difference / error)^2) over the m
    present features. A value of infinite error is missing; an error of a value that is
    NaN, 0 or negative is refused.

%(X_errors)s =
%(X)s
%(errors)s

%(features)s =
n_features_in_ : int
    Number of features seen during fit.
feature_names_in_ : ndarray of shape (`n_features_in_`,)
    Names of the features, when all are strings.

%(Xy)s =
%(X)s
y : None
    Ignored, present for API consistency.

%(sample_weight)s =
sample_weight : array-like of shape (n_samples,), default=None
    How often each sample of this call counts; once by default. A sample of weight 0 is
    labeled, no more.
%(errors)s In batch training a value counts in the mean of a unit by 1 / error^2.

%(X_targets)s =
%(X)s
y : array-like of shape (n_samples,) or, of numbers, (n_samples, n_targets)
    Classes or targets. It is needed.

%(fit_params)s =
**fit_params : dict
    `sample_weight` and `errors`, as `CSOM.fit` takes them.

%(fitted)s =

Returns
-------
self : object
    The fitted estimator.

%(followed)s =

Returns
-------
self : object
    The map that has learned. `labels_`, `hits_`, `quantization_error_` and `inertia_`
    are of the samples of this call. Parameters that were changed since the last call
    count from this one on.

%(n_clusters)s =
n_clusters : int, "auto" or None, default=8
    Number of clusters that the units are grouped into. "auto" takes it from the data;
    a continuum such as the pixels of a galaxy is 1. None does not group the units: each
    that has samples is a cluster, as in `sklearn.cluster.Birch`.

%(rules)s =
How units are grouped: by a tree, which joins units that stay together in most cuts
of the graph of their relative co-activation (`docs/second_stage.md`). A scikit-learn
clusterer is cloned and fitted on the units that have samples, with their hits as
weights if it takes any; its own parameters decide how many clusters.

%(map_attributes)s =
codebook_ : ndarray of shape (n_units, n_features)
    The units, of the dtype of the data (float32 or float64).
unit_labels_ : ndarray of shape (n_units,), dtype int32
    Cluster of each unit.
children_ : ndarray of shape (n_leaves - 1, 2), dtype intp
    The tree of clusters, as in `AgglomerativeClustering`: the two nodes that each step
    joins. Its leaves are the units with samples; see `labels_at`.
distances_ : ndarray of shape (n_leaves - 1,)
    Height of each step: the share of the cuts that part its sides, from 0 to 1.
gaps_ : list of Gap
    What ``n_clusters="auto"`` considered too, but left whole, the widest gap first:
    `links`, the links over it as a share of those that cut its sides in two, and
    `share`, of the samples on its smaller side. Empty for a number given.
labels_ : ndarray of shape (n_samples,), dtype int32
    Cluster of each training sample: consecutive from 0 by falling size, -3 for a
    sample without any present feature.
cluster_centers_ : ndarray of shape (n_clusters, n_features)
    Mean of the training samples of each cluster, by their weights, over the features
    that they have; NaN for a feature that none of them has.
hits_ : ndarray of shape (n_units,), dtype int64
    Training samples nearest to each unit; their weights, float64, if there are any.
n_clusters_ : int
    Number of clusters.
quantization_error_ : float
    Mean distance of the training samples to their nearest unit.
inertia_ : float
    Sum of the squared distances (by the metric of the map) of the training samples to
    the center of their own cluster, by the weights of the samples, as in `KMeans`.
n_iter_ : int
    Passes over the data.
%(features)s

%(estimator)s =
estimator : ESOM or CSOM, default=None
    The map; ``ESOM(random_state=0)`` by default. It is cloned, and its units are not
    grouped into clusters.

%(smoothing)s =
smoothing : float, default=0.5
    Width, in lattice distances, of the gaussian by which neighbors on the lattice of a
    CSOM share what their samples have; 0 leaves each unit its own. The units of an
    ESOM do not share.
n_neighbors : int, default=1
    Number of nearest units whose samples are added up, without regard to distance.

%(estimator_attribute)s =
estimator_ : ESOM or CSOM
    The fitted map.
%(features)s

%(votes_warning)s =

Warns
-----
ConvergenceWarning
    When an ESOM reached its `max_nodes`.
"""

from skesom._common.docstrings import entries_of, fill_docstring

fill_docstrings = fill_docstring(**entries_of(__doc__))

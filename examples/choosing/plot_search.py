# SPDX-License-Identifier: BSD-3-Clause
"""
What each scorer would choose
=============================

A search needs a score, and each score asks another question. This example searches the
size of a map and the number of clusters of a synthetic galaxy, whose populations are
known, with all scorers at once. Scores that need no truth choose few clusters where the
pixels are a continuum: such a score answers how separate the clusters are, not whether
they are what an astronomer is looking for.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import Pipeline

from skesom.datasets import POPULATIONS, make_galaxy_cube
from skesom.displays import ClusterMapDisplay, cluster_colors
from skesom.maps import make_cluster_pipeline, truth_scorer
from skesom.metrics import map_scorer
from skesom.som import CSOM

# %%
# The bands are masked, convolved, stretched and scaled once. The search is for the last
# step, the map that clusters the pixels of the cube.

cube, truth = make_galaxy_cube((120, 120), random_state=0)
clusterer = CSOM(8, shape=(9, 12), random_state=0)
*steps, (_, last) = make_cluster_pipeline(clusterer).steps
prepared = Pipeline(steps).fit_transform(cube)

# %%
# The size of the map is a question of how well it represents pixels that it has not
# seen. Cross-validation cuts the cube into strips of the sky. Two of the five measures
# cannot choose a size: each new unit brings a unit nearer to the pixels
# (``quantization_error``), and small maps have few folds (``topographic_error``). The
# largest map is best by two others, and ``continuity`` says where folds begin to cost.

measures = (
    *("quantization_error", "topographic_error", "kaski_lagus_error"),
    *("trustworthiness", "continuity"),
)
shapes = [(3, 4), (6, 8), (9, 12), (12, 16), (18, 24)]
sizes = GridSearchCV(
    last,
    {"estimator__shape": shapes},
    scoring={name: map_scorer(name) for name in measures},
    refit=False,
    cv=KFold(3),
).fit(prepared)

# %%
# The number of clusters is a question of what they are for. Where the populations are
# known, ``truth_scorer`` compares with them. Clusters never see the truth, so all
# pixels may serve for both, the fit and the score.

numbers = [2, 3, 4, 5, 6, 8, 10, 12]
scoring = {
    name: map_scorer(name)
    for name in ("silhouette", "calinski_harabasz", "davies_bouldin")
} | {name: truth_scorer(name) for name in ("adjusted_rand", "adjusted_mutual_info")}
rows = np.arange(len(prepared))
clusters = GridSearchCV(
    last,
    {"estimator__n_clusters": numbers},
    scoring=scoring,
    refit=False,
    cv=[(rows, rows)],
).fit(prepared, truth)


# %%
# A row for each scorer, and a column for each value; the darker, the better by this
# scorer. The choice has a frame. Each number of clusters is a single run, so small
# differences say little.


def draw_scores(ax, search, values, title):
    """Draw the scores of a search by scorer and value; return the choices."""
    results = search.cv_results_
    scores = np.array([results[f"mean_test_{name}"] for name in search.scorer_])
    least, most = scores.min(axis=1, keepdims=True), scores.max(axis=1, keepdims=True)
    ax.imshow((scores - least) / (most - least), cmap="Blues", vmax=1.4, aspect="auto")
    best = scores.argmax(axis=1)
    for row, column in np.ndindex(scores.shape):
        digits = 2 if abs(scores[row]).max() < 100 else 0
        text = f"{scores[row, column]:.{digits}f}"
        ax.text(column, row, text, ha="center", va="center", fontsize=9)
    for row, column in enumerate(best):
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, lw=2.5))
    ax.set_yticks(range(len(scores)), search.scorer_)
    ax.set_xticks(range(len(values)), values)
    ax.set_title(title)
    choices = dict(
        zip(search.scorer_, (values[column] for column in best), strict=True)
    )
    print(f"{title}: {choices}")
    return choices


figure = plt.figure(figsize=(13, 8.5), layout="constrained")
above, below = figure.subfigures(2, 1, height_ratios=[1.1, 1])
left, right = above.subplots(1, 2)
names = [f"{rows} x {columns}" for rows, columns in shapes]
draw_scores(left, sizes, names, "size of the map")
choices = draw_scores(right, clusters, numbers, "number of clusters")

# %%
# Below, what two of the scorers would choose, beside the truth. Where the pixels are a
# continuum, the best separated clusters are few. That is a true answer to a question
# that nobody asked: let the science say how many clusters there shall be, and a score
# which of several maps shows them best.

shown = {"truth": truth}
for name in ("silhouette", "adjusted_rand"):
    clusterer = clone(last).set_params(estimator__n_clusters=choices[name])
    shown[f"{choices[name]} clusters, by {name}"] = clusterer.fit_predict(prepared)
for ax, (title, label_map) in zip(below.subplots(1, 3), shown.items(), strict=True):
    names = dict(enumerate(POPULATIONS)) if label_map is truth else None
    colors = cluster_colors(label_map, cube)
    ClusterMapDisplay.from_predictions(label_map, colors=colors, names=names, ax=ax)
    ax.set_axis_off()
    ax.set_title(title)

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=70)
else:
    plt.show()

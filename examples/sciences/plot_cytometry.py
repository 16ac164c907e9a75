# SPDX-License-Identifier: BSD-3-Clause
"""
Cells of a cytometer
====================

A cytometer measures markers of single cells, one cell in a row. Counts go through
``arcsinh(count / 5)``, a map of 10 by 10 units learns the cells, and its units are
grouped to metaclusters, as FlowSOM does it. The cells are synthetic, so the gates are
known: the mean F1 tells how well the metaclusters find them.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment, minimize
from scipy.sparse.csgraph import minimum_spanning_tree, shortest_path
from scipy.spatial.distance import pdist, squareform
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skesom.displays import HitMapDisplay
from skesom.maps import compare_clusterings
from skesom.som import CSOM

# %%
# Ten populations of blood: which markers they carry (2 is bright, 1 dim), and how many
# of a hundred cells they are. Every twentieth cell is two cells that were measured as
# one, and is in no gate.

MARKERS = "CD3 CD4 CD8 CD19 CD56 CD16 CD14 CD11c CD45RA HLA-DR".split()
POPULATIONS = {
    "CD4 T naive": (22, "2200000020"),
    "CD4 T memory": (20, "2200000000"),
    "CD8 T naive": (9, "2020000020"),
    "CD8 T memory": (10, "2020000000"),
    "NK T": (2, "2010200010"),
    "B": (9, "0002000022"),
    "NK": (8, "0010220020"),
    "monocytes": (15, "0100002202"),
    "CD16 monocytes": (3, "0000021212"),
    "dendritic": (2, "0100000212"),
}
shares = np.array([share for share, _ in POPULATIONS.values()])
bright = np.array([[*map(float, carried)] for _, carried in POPULATIONS.values()])
rng = np.random.default_rng(0)
gates = rng.choice(len(shares), size=20_000, p=shares / shares.sum())
levels = bright[gates] * 2.2 + rng.normal(0, 0.9, (len(gates), len(MARKERS)))
counts = np.clip(5 * np.sinh(levels), 0, None) + rng.exponential(1, levels.shape)
counts[::20] += rng.permutation(counts)[::20]
gates[::20] = -1
cells = pd.DataFrame(counts, columns=MARKERS)

# %%
# A step without parameters of its own is a ``FunctionTransformer``. The pipeline keeps
# the names of the markers.

arcsinh = FunctionTransformer(lambda counts: np.arcsinh(counts / 5))
pipeline = make_pipeline(arcsinh, CSOM(n_clusters=10, shape=(10, 10)))
metaclusters = pipeline.fit_predict(cells)

# %%
# Metaclusters and gates are matched one to one, with the largest sum of F1 (Weber and
# Robinson 2016). Cells outside of all gates do not count, and a gate without a
# metacluster has an F1 of 0.

both = compare_clusterings(gates, metaclusters).contingency
f1 = 2 * both / (both.sum(axis=0) + both.sum(axis=1, keepdims=True))
names = list(POPULATIONS)
of_gate, of_cluster = linear_sum_assignment(f1, maximize=True)
for gate, cluster in zip(of_gate, of_cluster, strict=True):
    print(
        f"{[*POPULATIONS][gate]:15} metacluster {cluster}: F1 {f1[gate, cluster]:.2f}"
    )
print(f"mean F1 {f1[of_gate, of_cluster].sum() / len(f1):.2f}")

# %%
# The tree of FlowSOM is the shortest one that joins all units. It is laid into the
# plane as Kamada and Kawai (1989) do it: distances in the plane shall be the numbers of
# steps along the tree, the nearer two units the more exactly.

csom = pipeline[-1]
tree = minimum_spanning_tree(squareform(pdist(csom.codebook_)))
steps = squareform(shortest_path(tree, directed=False, unweighted=True))
first, second = np.triu_indices(len(csom.codebook_), 1)


def stress(flat):
    """Return how far distances are from steps, and the slope of it."""
    places = flat.reshape(-1, 2)
    between = places[first] - places[second]
    distance = np.maximum(np.hypot(*between.T), 1e-9)
    off = (distance - steps) / steps**2
    pull = between * (2 * off / distance)[:, np.newaxis]
    slope = np.zeros_like(places)
    np.add.at(slope, first, pull)
    np.subtract.at(slope, second, pull)
    return np.sum(off**2 * steps**2), slope.ravel()


start = np.random.default_rng(0).normal(size=2 * len(csom.codebook_))
places = minimize(stress, start, jac=True, method="L-BFGS-B").x.reshape(-1, 2)

# %%
# Left, the tree: a pie is a unit, as large as its number of cells, and its slices are
# the gates. Right, the median of each marker in each metacluster.

figure, (left, right) = plt.subplots(
    1, 2, figsize=(13, 6), layout="constrained", width_ratios=[1.3, 1]
)
winners = csom.winners(arcsinh.transform(cells))
in_gate = gates >= 0
hits = np.zeros((len(csom.codebook_), len(POPULATIONS)))
np.add.at(hits, (winners[in_gate], gates[in_gate]), 1)
display = HitMapDisplay.from_predictions(
    hits, positions=places, connections=tree, classes=names, ax=left
)
display.legend_.set_title("gate")
left.set(title="the tree of the units", xlabel="", ylabel="", xticks=[], yticks=[])
medians = arcsinh.transform(cells).groupby(metaclusters).median()
image = right.imshow(medians, cmap="viridis", aspect="auto")
right.set(title="median of arcsinh(count / 5)", ylabel="metacluster")
right.set_xticks(range(len(MARKERS)), MARKERS, rotation=45, ha="right")
right.set_yticks(range(len(medians)))
figure.colorbar(image, ax=right)

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=80)
else:
    plt.show()

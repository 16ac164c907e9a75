# SPDX-License-Identifier: BSD-3-Clause
"""
A stream that drifts
====================

``partial_fit`` learns block after block. Here two groups of samples wander, and halfway
a third group appears. A map that has seen only the first block soon knows nothing of
what arrives. An evolving map follows: samples far from all units become units. By
default it keeps nearly all old units. It forgets if its weakest link is dropped more
often (``pruning_period``), for a unit without links goes; too often, and the map loses
what it needs.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection

from skesom.metrics import quantization_error
from skesom.som import ESOM

# %%
# A block has 500 samples. The first two groups move to the right, one upwards and one
# downwards; the third one appears in block 20.

N_BLOCKS, ARRIVAL = 40, 20


def make_block(number, rng):
    """Return the samples that arrive at one time, in random order."""
    way = number / N_BLOCKS
    centers = [(9 * way, 4 * way), (9 * way, 4 - 4 * way)]
    if number >= ARRIVAL:
        centers.append((0.5, 6.5))
    group = rng.integers(len(centers), size=500)
    return np.array(centers)[group] + 0.4 * rng.normal(size=(500, 2))


rng = np.random.default_rng(0)
blocks = [make_block(number, rng) for number in range(N_BLOCKS)]

# %%
# The error of a block is measured before the block is learned, so it tells what the map
# knew at that time. A unit is out of date if no sample of the block is within epsilon.

MAPS = {
    "first block only": None,
    "keeps all (pruning_period=0)": 0,
    "default (pruning_period=50)": 50,
    "forgets (pruning_period=5)": 5,
    "forgets more (pruning_period=3)": 3,
}
MOMENTS = (0, 13, 26, 39)


def follow(pruning_period):
    """Return errors and counts of units for all blocks, and the units at some."""
    esom = ESOM(None, epsilon=0.4, pruning_period=pruning_period or 0, random_state=0)
    esom.partial_fit(blocks[0])
    errors, n_nodes, n_old, shown = [], [], [], {}
    for number, block in enumerate(blocks):
        errors.append(quantization_error(block, esom))
        if number and pruning_period is not None:
            esom.partial_fit(block)
        nodes = esom.codebook_
        near = np.linalg.norm(block[:, np.newaxis] - nodes, axis=2).min(axis=0)
        n_nodes.append(len(nodes))
        n_old.append(np.sum(near > 0.4))
        if number in MOMENTS:
            shown[number] = nodes.copy(), esom.connections_.tocoo()
    return errors, n_nodes, n_old, shown


followed = {name: follow(period) for name, period in MAPS.items()}
for name, (errors, n_nodes, n_old, _) in followed.items():
    print(
        f"{name}: mean error {np.mean(errors[1:]):.2f}, "
        f"{n_nodes[-1]} units at the end, {n_old[-1]} of them out of date"
    )

# %%
# Above, the map that drops a link every five samples, at four times: samples of the
# block in gray, units and links in blue. Below, all maps. In block 20 the new group is
# a surprise for each of them; one block later it is known.

figure = plt.figure(figsize=(12, 6.5), layout="constrained")
above, below = figure.subfigures(2, 1, height_ratios=[1, 1.2])
moments = above.subplots(1, len(MOMENTS))
errors_ax, nodes_ax = below.subplots(1, 2)
shown = followed["forgets (pruning_period=5)"][-1]
for ax, (number, (nodes, links)) in zip(moments, shown.items(), strict=True):
    ax.scatter(*blocks[number].T, s=4, color="0.75")
    lines = nodes[np.column_stack([links.row, links.col])]
    ax.add_collection(LineCollection(lines, colors="C0", linewidths=0.5, alpha=0.5))
    ax.scatter(*nodes.T, s=9, color="C0")
    ax.set(title=f"block {number}", xlim=(-2, 11), ylim=(-2, 8.5), aspect="equal")
    ax.set(xticks=[], yticks=[])
styles = zip(followed.items(), ("0.5", "C1", "C2", "C0", "C3"), strict=True)
for (name, (errors, n_nodes, n_old, _)), color in styles:
    errors_ax.plot(range(1, N_BLOCKS), errors[1:], color=color, label=name)
    nodes_ax.plot(n_nodes, color=color)
    nodes_ax.plot(n_old, color=color, linestyle="--")
errors_ax.set(xlabel="block", ylabel="error before learning", yscale="log")
errors_ax.set_yticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
errors_ax.minorticks_off()
below.legend(loc="outside lower center", ncols=len(MAPS), frameon=False, fontsize=9)
nodes_ax.plot([], [], color="black", label="units")
nodes_ax.plot([], [], "--", color="black", label="units out of date")
nodes_ax.set(xlabel="block", ylabel="number")
nodes_ax.legend(frameon=False, fontsize=9)

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=80)
else:
    plt.show()

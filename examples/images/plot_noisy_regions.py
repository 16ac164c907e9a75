# SPDX-License-Identifier: BSD-3-Clause
"""
Labels that flicker in noise
============================

Each pixel is labeled by its own spectrum. Where the noise is larger than what tells
distinguishes two populations, labels flicker like salt and pepper. A vote of the
neighbors within the point-spread function helps. Smoothing also deletes small sources:
the synthetic galaxy has stars and star clusters hardly larger than a pixel, so gain and
loss can be counted side by side.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from astropy import units as u
from scipy import ndimage
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score

from skesom.datasets import make_galaxy_cube
from skesom.displays import ClusterMapDisplay, cluster_colors
from skesom.maps import MajorityVote, compare_clusterings, make_cluster_pipeline
from skesom.som import ESOM

# %%
# A galaxy with three times the usual noise goes through the usual pipeline once; only
# its last step is repeated below.

cube, truth = make_galaxy_cube(noise=3, random_state=0)
pipeline = make_cluster_pipeline(ESOM(n_clusters=8, random_state=0))
pipeline.fit(cube)
features = pipeline[:-1].transform(cube)
plain = pipeline["cluster"]

# %%
# The vote is a parameter of the clusterer.

label_maps = {
    "every pixel alone": plain.labels_,
    "majority within the PSF": clone(plain)
    .set_params(regularizer=MajorityVote())
    .fit_predict(features),
    "majority within 5 pixels": clone(plain)
    .set_params(regularizer=MajorityVote(fwhm=5 * u.pixel))
    .fit_predict(features),
}


# %%
# The gain is agreement with the truth, the loss is counted on point sources: a star or
# star cluster is still seen if one of its pixels has another label than most of the
# pixels around it.

sources, n_sources = ndimage.label(np.isin(truth, [6, 8]), np.ones((3, 3)))


def count_seen(label_map):
    """Return how many of the small sources are told from what is around them."""
    seen = 0
    total = 0
    for number, window in enumerate(ndimage.find_objects(sources), start=1):
        window = tuple(slice(max(w.start - 3, 0), w.stop + 3) for w in window)
        core = (sources[window] == number) & (label_map[window] >= 0)
        ring = ndimage.binary_dilation(core, iterations=3) & (sources[window] == 0)
        around = label_map[window][ring]
        around = around[around >= 0]
        if core.any() and core.sum() <= 60 and len(around):
            total += 1
            seen += (label_map[window][core] != np.bincount(around).argmax()).any()
    return seen, total


# %%
# A part of the maps. Without a vote, clusters have the colors of the populations that
# they match best, one to one; gray ones match none. The others have the same colors.

colors = [*cluster_colors(truth, cube), *8 * ["0.6"]]
reference = compare_clusterings(truth, plain.labels_).matched
part = (slice(150, 350), slice(120, 320))
shown = {"colors": colors, "legend": False, "scale_bar": False, "compass": False}
figure, panels = plt.subplots(2, 2, figsize=(8, 8.4), layout="constrained")
for axes, (name, label_map) in zip(panels.flat, label_maps.items(), strict=False):
    labeled = (label_map >= 0) & (truth >= 0)
    agreement = adjusted_rand_score(truth[labeled], label_map[labeled])
    seen, total = count_seen(label_map)
    print(f"{name:26}  agreement {agreement:.3f}, {seen} of {total} sources seen")
    matched = compare_clusterings(reference, label_map).matched
    ClusterMapDisplay.from_predictions(matched[part], ax=axes, **shown)
    axes.set_title(f"{name}\nagreement {agreement:.2f}, {seen} sources", fontsize=11)
ClusterMapDisplay.from_predictions(truth[part], ax=panels.flat[-1], **shown)
panels.flat[-1].set_title(f"the truth\n{total} sources", fontsize=11)
for axes in panels.flat:
    axes.set_axis_off()

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=80)
else:
    plt.show()

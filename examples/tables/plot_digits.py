# SPDX-License-Identifier: BSD-3-Clause
"""
Digits on a map
===============

Each of 1797 handwritten digits is an image of 8 by 8 pixels, hence a point in 64
dimensions, which nobody can see. A map brings them to a plane: each unit stands for a
small image, its prototype, and similar ones are neighbors. The map is not told which
digit an image shows. The pies show that most of its units know.
"""

import sys

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skesom.displays import HitMapDisplay, PrototypesDisplay
from skesom.som import CSOM, ESOM, MapClassifier

images, digits = load_digits(return_X_y=True)
csom = CSOM(10, shape=(10, 12), random_state=0)
esom = ESOM(10, random_state=0)

# %%
# How much do the units know? ``MapClassifier`` gives each unit the digit that most of
# its images show. It is tested with images that it has not seen.

seen, new, digits_seen, digits_new = train_test_split(
    images, digits, stratify=digits, random_state=0
)
for som in (csom, esom):
    classifier = MapClassifier(som).fit(seen, digits_seen)
    print(
        f"{type(som).__name__}: {len(classifier.estimator_.codebook_)} units, "
        f"{classifier.score(new, digits_new):.1%} of {len(new)} new images are right"
    )

# %%
# Above, the images of each unit by digit: the area of a pie is their number. Below, the
# prototypes. The lattice of the classical map is on the left. The units of the evolving
# map have no places; they are drawn at distances along their links (Isomap), and those
# whose images would hide others are dots.

figure = plt.figure(figsize=(13, 9), layout="constrained")
axes = figure.subplots(2, 2, width_ratios=[1.1, 1])
for som, (above, below) in zip((csom, esom), axes.T, strict=True):
    som.fit(images)
    HitMapDisplay.from_estimator(som, images, digits, embedding="isomap", ax=above)
    PrototypesDisplay.from_estimator(som, shape=(8, 8), embedding="isomap", ax=below)

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=70)
else:
    plt.show()

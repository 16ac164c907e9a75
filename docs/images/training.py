# SPDX-License-Identifier: BSD-3-Clause
"""Make the animations of two maps that learn, for the page of displays.

Run from the root of a checkout: ``python docs/images/training.py``.
"""

from pathlib import Path

from sklearn.datasets import make_moons

from skesom.displays import animate_training
from skesom.som import CSOM, ESOM


def draw():
    """Animate an evolving map that grows, and a lattice that unfolds, on two arcs."""
    moons, _ = make_moons(600, noise=0.05, random_state=0)
    for name, som in (("esom", ESOM(2, random_state=0)), ("csom", CSOM(2))):
        animation = animate_training(som, moons, n_frames=16)
        path = Path(__file__).with_name(f"training_{name}.gif")
        animation.save(path, writer="pillow", dpi=55)


if __name__ == "__main__":
    draw()

# SPDX-License-Identifier: BSD-3-Clause
"""How often the suggested name of a cluster is that of most of its pixels.

Eight clusters of a single ESOM are named in synthetic scenes whose truth is known. A
name is right if most pixels of the cluster are of a population that it stands for.
The rules are of published physics; ``populations.py`` asks them of other spectra. Run:
``python docs/benchmarks/suggested_names.py``.
"""

import argparse
import warnings
from collections import Counter

import numpy as np
from measuring import report

from skesom import ESOM
from skesom.datasets import POPULATIONS, make_galaxy_cube
from skesom.maps import make_cluster_pipeline, suggest_names

STANDS_FOR = {
    "H II regions": {"H II region"},
    "supernova remnants": {"supernova remnant"},
    "dust lanes": {"dust lane"},
    "stars and nuclei": {"foreground star", "star cluster"},
    "young stars": {"young arm", "star cluster"},
    "old stars, disc": {"old disc"},
    "old stars, bulge": {"bulge"},
    "faint outskirts": {"sky"},
    "sky": {"sky"},
}
SEEN = {
    "spiral, 128 x 128": {"shape": (128, 128)},
    "spiral, 256 x 256": {"shape": (256, 256)},
    "spiral, 400 x 400": {"shape": (400, 400)},
    "spiral, 220 x 220, 3 bands": {"n_bands": 3},
    "spiral, 220 x 220, 5 bands": {"n_bands": 5},
    "spiral, 220 x 220, 3 times the dust": {"dust": 3.0},
    "small spiral in much sky": {"extent": 0.4},
    "merger": {"kind": "merger"},
    "edge-on": {"kind": "edge-on"},
    "elliptical": {"kind": "elliptical"},
}
UNSEEN = {
    "spiral": {"shape": (200, 200)},
    "0.3 times the star formation": {"star_formation": 0.3},
    "2 times the star formation": {"star_formation": 2.0},
    "2 times the width of the PSF": {"blur": 2.0},
    "smaller (extent=0.6)": {"extent": 0.6},
    "3 times the noise": {"noise": 3.0},
}


def judged(seed, scene):
    """Yield name, whether it is right, and pixels of each cluster of a scene."""
    cube, truth = make_galaxy_cube(**scene, random_state=seed)
    pipeline = make_cluster_pipeline(ESOM(n_clusters=8, random_state=seed))
    labels = pipeline.fit_predict(cube)
    for number, found in enumerate(suggest_names(labels, cube)):
        inside = truth[labels == number]
        most = POPULATIONS[np.bincount(inside[inside >= 0]).argmax()]
        yield found.name, most in STANDS_FOR.get(found.name, ()), len(inside)


def tables(scenes, side, seeds, most):
    """Return a row for each scene, and one for each name."""
    rows, all_names, right_names = [], Counter(), Counter()
    for title, scene in list(scenes.items())[:most]:
        scene = {"shape": (side, side), **scene}
        found = [each for seed in seeds for each in judged(seed, scene)]
        right = [each for each in found if each[1]]
        named = [each for each in found if each[0]]
        all_names += Counter(name for name, *_ in named)
        right_names += Counter(name for name, *_ in right)
        pixels, of_all = (sum(n for *_, n in each) for each in (right, found))
        counts = f"{len(right)} of {len(named)}"
        row = {"scene": title, "names that are right": counts}
        row |= {"pixels in them": f"{pixels / of_all:.0%}"}
        rows.append(row | {"clusters without a name": len(found) - len(named)})
    names = [
        {"name": name, "right": f"{right_names[name]} of {number}"}
        for name, number in all_names.most_common()
    ]
    return rows, names


def main():
    """Report the scenes on which the rules were chosen, and the others."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, help="scenes of each kind")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows, names = tables(SEEN, 220, range(options.seeds), options.most)
    report("names_seen", "Scenes of many kinds", rows)
    report("names_each", "The same scenes, by name", names)
    rows, _ = tables(UNSEEN, 200, range(100, 100 + options.seeds), options.most)
    report("names_unseen", "Other seeds and settings", rows)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: BSD-3-Clause
"""How many answers a person gives until the names of a galaxy are right.

A simulated person is asked what places of a synthetic galaxy are, and answers by the
truth: with the population that has the most pixels in the leaf of the tree that is
offered, or with that of the pixel that is shown. After each answer the label map, which
begins with the eight clusters of a consensus, is compared with the truth by the
adjusted Rand index. Beside it stand places drawn at random, and a classifier that
learns from as many pixels drawn at random. The first table compares rules for what a
word reaches and what is asked next, on the scenes in CHOOSE of ``features.py``; the
second and the picture have the chosen rules on all scenes. Run:
``python docs/benchmarks/answers.py`` (some 15 minutes); ``--plot PICTURE`` draws.
"""

import argparse
import warnings

import numpy as np
from features import CHOOSE, DEFAULT, FEATURES, N_CLUSTERS, REPORT, draw, present
from measuring import report
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import adjusted_rand_score

from skesom.consensus import ConsensusClusterer
from skesom.maps import ClusterNames, CubeClusterer
from skesom.som import ESOM, MapClassifier

MOST = 48  # answers
SHOWN = 1, 2, 4, 8, 12, 16, 20, 24, 32, 40, 48
DRAWS = 3  # of what is drawn at random
BAR = 0.5
OFFERED = "places offered, leaf"
CURVES = {  # how each is drawn
    OFFERED: ("C0", "-", "places that are offered"),
    "places offered, pixel": ("C0", ":", "the same, pixels alone are named"),
    "random leaves": ("C1", "-", "leaves at random"),
    "random pixels": ("C1", ":", "pixels at random"),
    "forest": ("C2", "-", "forest, pixels at random"),
    "map classifier": ("C3", "-", "MapClassifier, pixels at random"),
}


class Scene:
    """A galaxy whose clusters are named, and its truth."""

    def __init__(self, options, size, seed):
        cube, self.inside, self.truth = draw(options, size, seed)
        self.table = present(cube, self.inside, FEATURES[DEFAULT])
        features = np.full((*self.inside.shape, self.table.shape[1]), np.nan)
        features[self.inside] = self.table
        self.features = features.astype(self.table.dtype)
        consensus = ConsensusClusterer(ESOM(), n_clusters=N_CLUSTERS, random_state=0)
        self.clusterer = CubeClusterer(consensus).fit(self.features)
        self._begun = self.begin()
        self.leaves = self._begun.leaf_map[self.inside]
        self.sizes = np.bincount(self.leaves)
        self.image = np.full(self.inside.shape, -1)
        self.image[self.inside] = self.truth

    def begin(self):
        """Return the clusters of the consensus, of which nothing was said."""
        return ClusterNames.from_clusterer(self.clusterer, self.features)

    def population(self, leaf):
        """Return the population that has the most pixels in a leaf."""
        return int(np.bincount(self.truth[self.leaves == leaf]).argmax())

    def score(self, names):
        """Return the index of the present clusters with the truth."""
        return adjusted_rand_score(self.truth, names.label_map[self.inside])

    def distances(self, kind):
        """Return a measure of how far leaves are from each other."""
        if kind == "tree":
            return self._begun.heights
        n_leaves = len(self._begun.heights)
        sums = np.zeros((n_leaves, self.table.shape[1]))
        np.add.at(sums, self.leaves, self.table)
        sizes = np.bincount(self.leaves, minlength=n_leaves)
        means = sums / np.maximum(sizes, 1)[:, np.newaxis]
        if kind == "whitened spectra":
            within = np.cov((self.table - means[self.leaves]).T)
            means = means @ np.linalg.inv(np.linalg.cholesky(within)).T
        return np.linalg.norm(means[:, np.newaxis] - means, axis=-1)


def answer(scene, choose, n_answers=MOST, begin=None):
    """Return the scores after 0, 1, ... answers; choose gives a place and a name."""
    names = (begin or scene.begin)()
    scores = [scene.score(names)]
    for _ in range(n_answers):
        chosen = choose(names)
        if chosen is not None:
            names.say(*chosen)
            scores.append(scene.score(names))
        else:  # all leaves have names
            scores.append(scores[-1])
    return np.array(scores)


def offered_leaves(scene):
    """Return how a person answers who sees a whole leaf."""

    def choose(names):
        place = names.offer()
        return place and (place.leaf, str(scene.population(place.leaf)))

    return choose


def offered_pixels(scene):
    """Return how a person answers who sees a single pixel."""

    def choose(names):
        place = names.offer()
        return place and (place.leaf, str(scene.image[place.pixel]))

    return choose


def random_leaves(scene, rng):
    """Return how a person answers who is asked of leaves at random."""
    order = rng.permutation(np.flatnonzero(scene.sizes)).tolist()

    def choose(names):
        leaf = order.pop() if order else None
        return leaf if leaf is None else (leaf, str(scene.population(leaf)))

    return choose


def random_pixels(scene, rng):
    """Return how a person answers who is asked of pixels at random."""
    rows = np.argwhere(scene.inside)

    def choose(names):
        pixel = tuple(rows[rng.integers(len(rows))].tolist())
        return pixel, str(scene.image[pixel])

    return choose


def taught(scene, classifier, rng, shown):
    """Return the scores of a classifier that learns from so many random pixels."""
    order = rng.permutation(len(scene.table))
    scores = []
    for n_pixels in shown:
        rows = order[:n_pixels]
        known = np.unique(scene.truth[rows])
        if len(known) == 1:
            scores.append(0.0)
            continue
        classifier.fit(scene.table[rows], scene.truth[rows])
        scores.append(adjusted_rand_score(scene.truth, classifier.predict(scene.table)))
    return np.array(scores)


def curves_of(scene):
    """Return the scores after the numbers of answers in SHOWN, by ways to ask."""
    shown = list(SHOWN)
    curves = {
        OFFERED: answer(scene, offered_leaves(scene))[shown],
        "places offered, pixel": answer(scene, offered_pixels(scene))[shown],
    }
    drawn = {name: [] for name in list(CURVES)[2:]}
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        for name, choose in (
            ("random leaves", random_leaves),
            ("random pixels", random_pixels),
        ):
            drawn[name].append(answer(scene, choose(scene, rng))[shown])
        forest = RandomForestClassifier(random_state=seed)
        drawn["forest"].append(taught(scene, forest, rng, shown))
        classifier = MapClassifier(ESOM(random_state=seed))
        drawn["map classifier"].append(taught(scene, classifier, rng, shown))
    return curves | {name: np.mean(of, axis=0) for name, of in drawn.items()}


def doubts(names, rule, known):
    """Return how much a rule wants to know of each leaf."""
    said = list(names.words)
    sizes, apart = names.sizes, np.ones(len(names.sizes))
    if said:
        apart = known[:, said].min(axis=1)
    if rule == "pixels":
        return sizes.astype(float)
    if rule == "height":
        return apart * (sizes > 0)
    if rule == "pixels x height":
        return sizes * apart
    # The most pixels brought nearer to a word, as in greedy k-medoids.
    nearer = np.maximum((apart if said else known.max())[..., np.newaxis] - known, 0)
    return sizes @ np.broadcast_to(nearer, known.shape)


def compare_rules(scenes):
    """Return a row for each measure of what is near, start, and rule of offers."""
    rows = []
    for start in ("8 clusters", "one cluster"):
        for kind in ("tree", "spectra", "whitened spectra"):
            for rule in ("pixels x height", "pixels", "height", "gain"):
                if start == "one cluster" and rule not in ("pixels x height", "gain"):
                    continue
                curves = [of_rule(scene, start, kind, rule) for scene in scenes]
                mean = np.mean(curves, axis=0)
                row = {"begins with": start, "nearest by": kind, "asks next by": rule}
                row |= {f"{n} answers": float(mean[n]) for n in (4, 8, 16, 24)}
                rows.append(row | {"mean of 1 to 24": float(mean[1:25].mean())})
    return rows


def of_rule(scene, start, kind, rule):
    """Return the scores of a scene by other rules than those of `ClusterNames`."""
    known = scene.distances(kind)

    def begin():
        names = scene.begin()
        if start == "one cluster":
            names.cut(1)
        names.heights[:] = known
        return names

    def choose(names):
        doubt = doubts(names, rule, known)
        doubt[list(names.words)] = 0
        leaf = int(doubt.argmax())
        return (leaf, str(scene.population(leaf))) if doubt[leaf] > 0 else None

    return answer(scene, choose, 24, begin)


def rows_of(curves, part):
    """Return a row for each number of answers: the means over scenes."""
    rows = []
    for place, n_answers in enumerate(SHOWN):
        row = {"scenes": part, "answers": n_answers}
        for name in CURVES:
            row[name] = float(np.mean([each[name][place] for each in curves]))
        rows.append(row)
    return rows


def plot(rows, path):
    """Draw the curves of the mean of all scenes."""
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(8, 4.6), layout="constrained")
    n_answers = [row["answers"] for row in rows]
    for name, (color, style, label) in CURVES.items():
        means = [row[name] for row in rows]
        ax.plot(n_answers, means, style, color=color, label=label)
    ax.axhline(BAR, color="gray", linewidth=0.8)
    ax.set(xlabel="answers, or pixels that are taught", ylabel="adjusted Rand index")
    ax.set(xlim=(0, MOST), ylim=(0, None))
    ax.legend(loc="lower right", fontsize="small")
    figure.savefig(path, dpi=100)


def main():
    """Report both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    scenes = CHOOSE | REPORT
    parser.add_argument("--scenes", nargs="+", default=list(scenes), choices=scenes)
    parser.add_argument("--size", type=int, default=110)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--plot", metavar="PICTURE")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    drawn = {
        name: Scene(scenes[name], options.size, options.seed) for name in options.scenes
    }
    chosen = [scene for name, scene in drawn.items() if name in CHOOSE]
    size = f"{options.size} x {options.size} pixels"
    if chosen:
        report("answers_rules", f"{size}: rules, mean ARI", compare_rules(chosen))
    curves = {name: curves_of(scene) for name, scene in drawn.items()}
    every = rows_of([*curves.values()], "all")
    parts = {"choose": CHOOSE, "report": REPORT}
    rows = list(every)
    for part, members in parts.items():
        own = [curves[name] for name in curves if name in members]
        if own:
            rows += [row for row in rows_of(own, part) if row["answers"] in (8, 24)]
    report("answers", f"{size}: mean ARI after so many answers", rows)
    needed = []
    for name, scene in drawn.items():
        scores = answer(scene, offered_leaves(scene))
        reached = np.flatnonzero(scores >= BAR)
        row = {"scene": name, "leaves": len(scene.sizes), "clusters": float(scores[0])}
        row |= {f"{n} answers": float(scores[n]) for n in (8, 16, 24, MOST)}
        needed.append(row | {"answers to .5": int(reached[0]) if len(reached) else ""})
    report("answers_scenes", f"{size}: places that are offered, by scene", needed)
    if options.plot:
        plot(every, options.plot)


if __name__ == "__main__":
    main()

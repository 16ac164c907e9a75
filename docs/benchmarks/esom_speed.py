# SPDX-License-Identifier: BSD-3-Clause
"""CPU seconds of ESOM against samples, nodes and features, beside other methods.

Run from anywhere: ``python docs/benchmarks/esom_speed.py``. With ``--plot FILE`` it
draws how the time grows instead. Machines are noisy: compare the ratios of one run.
The least of three runs is taken.
"""

import argparse
import time
import warnings

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullLocator
from sklearn.cluster import Birch, MiniBatchKMeans
from sklearn.metrics import pairwise_distances_argmin_min
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skesom.cube import AsinhStretch
from skesom.datasets import make_galaxy_cube
from skesom.pixels import flatten
from skesom.som import ESOM
from skesom.som._network import Network
from skesom.som._second_stage import group_units
from skesom.som._second_stage._units import Units, component_clusters
from skesom.som._summary import summarize

NODES = 500
SAMPLES = 100_000
FEATURES = 9
GROWTH = {
    "samples": (12_500, 25_000, 50_000, 100_000, 200_000, 400_000, 800_000),
    "nodes": (62, 125, 250, 500, 1000, 2000, 4000),
    "features": (2, 4, 8, 16, 32, 64, 128),
}


def mixture(n_samples, n_features, seed=0):
    """Standardized mixture of twelve heavy-tailed components, float32."""
    rng = np.random.default_rng(seed)
    centers = 4 * rng.normal(size=(12, n_features))
    scales = rng.uniform(0.3, 1, size=12)
    of = rng.integers(0, 12, n_samples)
    X = centers[of] + scales[of, None] * rng.standard_t(3, (n_samples, n_features))
    return ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32)


def galaxy_pixels():
    """Stretched and scaled spectra of the pixels of a galaxy, float32."""
    cube, _ = make_galaxy_cube((400, 400), random_state=0)
    return StandardScaler().fit_transform(
        flatten(AsinhStretch().fit_transform(cube))[0]
    )


def uniform(n_samples, n_features, seed=0):
    """Numbers without any structure, float32."""
    return np.random.default_rng(seed).random((n_samples, n_features), np.float32)


def cpu_seconds(work, n_runs=3):
    """Return the least CPU seconds of a few runs on one core, and the last result."""
    least = np.inf
    with threadpool_limits(limits=1):  # threads that wait count as CPU seconds too
        for _ in range(n_runs):
            start = time.process_time()
            result = work()
            least = min(least, time.process_time() - start)
    return least, result


def learn(X, epsilon):
    """One learning pass in the order of the rows, nothing else."""
    network = Network(X.mean(axis=0))
    network.learn(
        X,
        np.arange(len(X)),
        epsilon=epsilon,
        max_nodes=100_000,
        when_full=None,
        learning_rate=0.2,
        forgetting=0.8,
        pruning_period=50,
        link_second=True,
        whole_ball=False,
    )
    return network


def bisect(count, wanted, upper, tolerance=0.03):
    """Return the threshold at which a falling count is the wanted one."""
    lower = None
    for _ in range(20):
        middle = upper / 2 if lower is None else np.sqrt(lower * upper)
        found = count(middle)
        if abs(found - wanted) <= tolerance * wanted:
            break
        if found > wanted:
            lower = middle
        else:
            upper = middle
    return middle


def epsilon_for(X, n_nodes):
    """Return the epsilon with which a pass over X makes so many nodes."""
    upper = 8 * np.sqrt(X.shape[1])
    return bisect(lambda epsilon: learn(X, epsilon).n_nodes, n_nodes, upper)


def report(label, X, epsilon):
    """Print a line of the table of growth."""
    seconds, network = cpu_seconds(lambda: learn(X, epsilon))
    print(
        f"{label:24}{network.n_nodes:8}{seconds:10.3f}{1e9 * seconds / len(X):12.0f}"
        f"{1e9 * seconds / len(X) / network.n_nodes / X.shape[1]:12.3f}"
    )


def print_steps(X):
    """Print what the parts of a fit cost."""
    fit, esom = cpu_seconds(
        lambda: ESOM(epsilon=2.0, n_clusters=None, shuffle=False, random_state=0).fit(X)
    )
    learning, _ = cpu_seconds(lambda: learn(X, 2.0))
    clustered, _ = cpu_seconds(lambda: ESOM(epsilon=2.0, shuffle=False).fit(X))
    automatic, chosen = cpu_seconds(lambda: ESOM(random_state=0).fit(X))
    predict, _ = cpu_seconds(lambda: esom.predict(X))
    print(f"  learning pass, {len(esom.codebook_)} nodes            {learning:8.3f}")
    print(f"  fit without second stage           {fit:8.3f}")
    print(f"  fit with 8 clusters                {clustered:8.3f}")
    print(f"  fit with epsilon chosen ({len(chosen.codebook_)})    {automatic:8.3f}")
    print(f"  predict                            {predict:8.3f}")


def print_peers(X):
    """Print other methods that make about as many units in one go."""
    esom = ESOM(epsilon=2.0, n_clusters=None, random_state=0)
    n_units = len(esom.fit(X).codebook_)

    def n_subclusters(radius):
        birch = Birch(threshold=radius, n_clusters=None).fit(X)
        return len(birch.subcluster_centers_)

    radius = bisect(n_subclusters, n_units, 8.0, tolerance=0.1)
    methods = {
        "ESOM": (esom, "codebook_"),
        "MiniBatchKMeans": (
            MiniBatchKMeans(n_units, random_state=0),
            "cluster_centers_",
        ),
        "Birch": (Birch(threshold=radius, n_clusters=None), "subcluster_centers_"),
    }
    print(f"{'':24}{'units':>8}{'seconds':>10}{'mean distance':>16}")
    for name, (method, units) in methods.items():
        seconds, fitted = cpu_seconds(lambda method=method: method.fit(X), n_runs=2)
        centers = getattr(fitted, units)
        _, distances = pairwise_distances_argmin_min(X, centers)
        print(f"{name:24}{len(centers):8}{seconds:10.3f}{distances.mean():16.3f}")


def second_stage(X, epsilon):
    """Return the nodes of a map and functions that group them, by what they do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a bound that is reached is wanted here
        esom = ESOM(
            epsilon=epsilon, max_nodes=5000, n_clusters=None, random_state=0
        ).fit(X)
    nodes = esom.codebook_
    summary = summarize(X, nodes)
    units = Units(nodes, summary.hits, summary.counts, summary.radii)
    return nodes, {
        "8 clusters": lambda: group_units(units, "graph", 8),
        "auto": lambda: group_units(units, "graph", "auto"),
        "two-winners": lambda: group_units(units, "two-winners", 8),
        "components": lambda: component_clusters(
            nodes, esom.connections_, 2 * esom.epsilon_
        ),
    }


def print_second_stage():
    """Print what grouping the nodes costs when they are many."""
    tables = {
        "mixture, 9 features": mixture(SAMPLES, 9),
        "mixture, 50 features": mixture(SAMPLES, 50),
        "pixels of a galaxy": galaxy_pixels(),
        "uniform, 2 features": uniform(SAMPLES, 2),
        "uniform, 9 features": uniform(SAMPLES, 9),
    }
    for number, (name, X) in enumerate(tables.items()):
        nodes, ways = second_stage(X, epsilon_for(X, 4900))
        if number == 0:
            print(f"{'':24}{'nodes':>8}" + "".join(f"{way:>12}" for way in ways))
        cells = [f"{cpu_seconds(way, n_runs=1)[0]:12.3f}" for way in ways.values()]
        print(f"{name:24}{len(nodes):8}" + "".join(cells), flush=True)


def print_growth(X):
    """Print how the learning pass grows where epsilon stays."""
    print(f"{'':24}{'nodes':>8}{'seconds':>10}{'ns/sample':>12}{'ns/(s n d)':>12}")
    for n_samples in (25_000, 50_000, 100_000, 200_000, 400_000):
        report(f"{n_samples} samples", mixture(n_samples, FEATURES), 2.0)
    for epsilon in (2.6, 2.0, 1.5, 1.2):
        report(f"epsilon {epsilon}", X, epsilon)
    for n_features, epsilon in ((3, 0.5), (9, 2.0), (27, 5.0), (50, 7.0)):
        report(f"{n_features} features", mixture(SAMPLES, n_features), epsilon)


def measure_growth(what, size):
    """Return the size reached, and seconds to learn and to find the nearest nodes."""
    sizes = {"samples": SAMPLES, "nodes": NODES, "features": FEATURES, what: size}
    X = mixture(sizes["samples"], sizes["features"])
    epsilon = epsilon_for(X, sizes["nodes"])
    learning, network = cpu_seconds(lambda: learn(X, epsilon))
    esom = ESOM(epsilon=epsilon, max_nodes=10_000, n_clusters=None, shuffle=False).fit(
        X
    )
    predict, _ = cpu_seconds(lambda: esom.predict(X))
    reached = network.n_nodes if what == "nodes" else size
    print(f"{what:10}{reached:8}{learning:10.4f}{predict:10.4f}", flush=True)
    return reached, learning, predict


def plot_growth(path):
    """Draw seconds against samples, nodes and features, the others held fixed."""
    print(f"{'':10}{'':>8}{'learning':>10}{'predict':>10}")
    figure, panels = plt.subplots(
        1, 3, figsize=(12, 4), layout="constrained", sharey=True
    )
    for axes, (what, sizes) in zip(panels, GROWTH.items(), strict=True):
        reached, *series = np.transpose([measure_growth(what, n) for n in sizes])
        for name, seconds, marker in zip(
            ("learning pass", "predict"), series, "os", strict=True
        ):
            upper = slice(len(sizes) // 2, None)  # where overheads weigh less
            exponent = np.polyfit(np.log(reached[upper]), np.log(seconds[upper]), 1)[0]
            print(f"{what}: {name} grows with exponent {exponent:.2f}")
            axes.loglog(
                reached, seconds, marker + "-", label=f"{name}: exponent {exponent:.2f}"
            )
        middle = len(reached) // 2
        proportional = series[0][middle] * reached / reached[middle]
        axes.loglog(reached, proportional, ":", color="0.4", label="proportional")
        axes.set_xlabel(what)
        axes.set_xticks(
            sizes[::2], [f"{size:,}".replace(",", " ") for size in sizes[::2]]
        )
        axes.xaxis.set_minor_locator(NullLocator())
        axes.legend(fontsize="small")
        axes.grid(alpha=0.3)
        fixed = {"samples": SAMPLES, "nodes": NODES, "features": FEATURES}
        fixed.pop(what)
        axes.set_title(
            ", ".join(
                f"{size:,} {name}".replace(",", " ") for name, size in fixed.items()
            )
        )
    panels[0].set_ylabel("CPU seconds")
    figure.savefig(path, dpi=100)


def main():
    """Print the tables, or draw the growth."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", metavar="FILE", help="draw how the time grows")
    path = parser.parse_args().plot
    if path:
        plot_growth(path)
        return
    X = mixture(SAMPLES, FEATURES)
    print("100 000 samples x 9 features, float32, CPU seconds")
    print_steps(X)
    print("\nother methods on the same samples")
    print_peers(X)
    print("\ngrouping the nodes, CPU seconds")
    print_second_stage()
    print("\ngrowth of the learning pass")
    print_growth(X)


if __name__ == "__main__":
    main()

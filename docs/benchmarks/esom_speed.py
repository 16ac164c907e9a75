# SPDX-License-Identifier: BSD-3-Clause
"""CPU seconds of ESOM beside other methods, and how they grow.

Run: ``python docs/benchmarks/esom_speed.py``. With ``--plot FILE`` it draws how the
time grows with samples, units and features instead. Machines are noisy: compare the
ratios of one run. The least of three runs is taken.
"""

import argparse
import time

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullLocator
from measuring import report
from sklearn.cluster import Birch, MiniBatchKMeans
from sklearn.metrics import pairwise_distances_argmin_min
from threadpoolctl import threadpool_limits

from skesom.som import ESOM
from skesom.som._network import Network

NODES = 500
SAMPLES = 100_000
FEATURES = 9
EPSILONS = (2.38, 1.98, 1.32)  # with a million samples 400, 1250 and 5100 units
GROWTH = {
    "samples": (12_500, 25_000, 50_000, 100_000, 200_000, 400_000, 800_000),
    "units": (62, 125, 250, 500, 1000, 2000, 4000),
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
    """Return the epsilon with which a pass over X makes so many units."""
    upper = 8 * np.sqrt(X.shape[1])
    return bisect(lambda epsilon: learn(X, epsilon).n_nodes, n_nodes, upper)


def compare(n_samples):
    """Report other methods that make about as many units in one go."""
    X = mixture(n_samples, FEATURES)
    esom = ESOM(epsilon=2.0, n_clusters=None, random_state=0)
    n_units = len(esom.fit(X).codebook_)

    def n_subclusters(radius):
        birch = Birch(threshold=radius, n_clusters=None).fit(X)
        return len(birch.subcluster_centers_)

    radius = bisect(n_subclusters, n_units, 8.0, tolerance=0.1)
    methods = {
        "`ESOM(epsilon=2.0, n_clusters=None)`": (esom, "codebook_"),
        "`MiniBatchKMeans`": (
            MiniBatchKMeans(n_units, random_state=0),
            "cluster_centers_",
        ),
        "`Birch`": (Birch(threshold=radius, n_clusters=None), "subcluster_centers_"),
    }
    rows = []
    for name, (method, units) in methods.items():
        seconds, fitted = cpu_seconds(lambda method=method: method.fit(X))
        centers = getattr(fitted, units)
        _, distances = pairwise_distances_argmin_min(X, centers)
        row = {"one pass over the data": name, "units": len(centers)}
        row |= {"CPU s": seconds, "mean distance": float(distances.mean())}
        rows.append(row)
    title = f"{n_samples} samples of {FEATURES} features, single precision, one thread"
    report("esom_peers", title, rows)


def compare_nodes(n_samples):
    """Report what a sample takes by the number of units."""
    X = mixture(n_samples, FEATURES)
    rows = []
    for epsilon in EPSILONS:
        seconds, network = cpu_seconds(lambda epsilon=epsilon: learn(X, epsilon))
        row = {"epsilon": str(epsilon), "units": network.n_nodes}
        row["us per sample"] = 1e6 * seconds / n_samples
        rows.append(row | {"links": network.n_links})
    title = f"Learning {n_samples} samples of {FEATURES} features, one thread"
    report("esom_nodes", title, rows)


def measure_growth(what, size):
    """Return the size reached, and seconds to learn and to find the nearest units."""
    sizes = {"samples": SAMPLES, "units": NODES, "features": FEATURES, what: size}
    X = mixture(sizes["samples"], sizes["features"])
    epsilon = epsilon_for(X, sizes["units"])
    learning, network = cpu_seconds(lambda: learn(X, epsilon))
    esom = ESOM(epsilon=epsilon, max_nodes=10_000, n_clusters=None, shuffle=False).fit(
        X
    )
    predict, _ = cpu_seconds(lambda: esom.predict(X))
    reached = network.n_nodes if what == "units" else size
    print(f"{what:10}{reached:8}{learning:10.4f}{predict:10.4f}", flush=True)
    return reached, learning, predict


def plot_growth(path):
    """Draw seconds against samples, units and features, the others held fixed."""
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
        fixed = {"samples": SAMPLES, "units": NODES, "features": FEATURES}
        fixed.pop(what)
        axes.set_title(
            ", ".join(
                f"{size:,} {name}".replace(",", " ") for name, size in fixed.items()
            )
        )
    panels[0].set_ylabel("CPU seconds")
    figure.savefig(path, dpi=100)


def main():
    """Report the table, or draw the growth."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", metavar="FILE", help="draw how the time grows")
    parser.add_argument("--samples", type=int, default=SAMPLES)
    options = parser.parse_args()
    if options.plot:
        plot_growth(options.plot)
    else:
        compare(options.samples)
        compare_nodes(10 * options.samples)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: BSD-3-Clause
"""CPU seconds of ESOM against samples, nodes and features, beside other methods.

Run from anywhere: ``python docs/benchmarks/esom_speed.py``. Machines are noisy: compare
the ratios of one run. The least of three runs is printed.
"""

import time

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from skesom.som import ESOM
from skesom.som._network import Network


def mixture(n_samples, n_features, seed=0):
    """Standardised mixture of twelve heavy-tailed components, float32."""
    rng = np.random.default_rng(seed)
    centres = 4 * rng.normal(size=(12, n_features))
    scales = rng.uniform(0.3, 1, size=12)
    of = rng.integers(0, 12, n_samples)
    X = centres[of] + scales[of, None] * rng.standard_t(3, (n_samples, n_features))
    return ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32)


def cpu_seconds(work, n_runs=3):
    """Return the least CPU seconds of a few runs, and the last result."""
    least = np.inf
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


def report(label, X, epsilon):
    """Print a line of the table of growth."""
    seconds, network = cpu_seconds(lambda: learn(X, epsilon))
    print(
        f"{label:24}{network.n_nodes:8}{seconds:10.3f}{1e9 * seconds / len(X):12.0f}"
        f"{1e9 * seconds / len(X) / network.n_nodes / X.shape[1]:10.3f}"
    )


def main():
    """Print the tables."""
    X = mixture(100_000, 9)
    print("100 000 samples x 9 features, float32, CPU seconds")
    fit, esom = cpu_seconds(
        lambda: ESOM(2.0, n_clusters=None, shuffle=False, random_state=0).fit(X)
    )
    nodes = len(esom.codebook_)
    learning, _ = cpu_seconds(lambda: learn(X, 2.0))
    clustered, _ = cpu_seconds(lambda: ESOM(2.0, shuffle=False).fit(X))
    automatic, chosen = cpu_seconds(lambda: ESOM(random_state=0).fit(X))
    means, _ = cpu_seconds(lambda: MiniBatchKMeans(nodes, random_state=0).fit(X))
    predict, _ = cpu_seconds(lambda: esom.predict(X))
    print(f"  learning pass, {nodes} nodes            {learning:8.3f}")
    print(f"  fit without second stage           {fit:8.3f}")
    print(f"  fit with 8 clusters                {clustered:8.3f}")
    print(f"  fit with epsilon chosen ({len(chosen.codebook_)})    {automatic:8.3f}")
    print(f"  predict                            {predict:8.3f}")
    print(f"  MiniBatchKMeans, as many centres   {means:8.3f}")
    print("\ngrowth of the learning pass")
    print(f"{'':24}{'nodes':>8}{'seconds':>10}{'ns/sample':>12}{'ns/(s n d)':>10}")
    for n_samples in (25_000, 50_000, 100_000, 200_000, 400_000):
        report(f"{n_samples} samples", mixture(n_samples, 9), 2.0)
    for epsilon in (2.6, 2.0, 1.5, 1.2):
        report(f"epsilon {epsilon}", X, epsilon)
    for n_features, epsilon in ((3, 0.5), (9, 2.0), (27, 5.0), (50, 7.0)):
        report(f"{n_features} features", mixture(100_000, n_features), epsilon)


if __name__ == "__main__":
    main()

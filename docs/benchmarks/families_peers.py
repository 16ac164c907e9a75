# SPDX-License-Identifier: BSD-3-Clause
"""One clustering by a package of another environment: what families.py starts.

``python families_peers.py METHOD FOLDER N_CLUSTERS`` reads FOLDER/X.npy and writes
FOLDER/labels.npy. It needs NumPy and the package.
"""

import sys
from pathlib import Path

import numpy as np


def genie(X, n_clusters):
    """Cluster by a linkage that bounds the inequality of sizes."""
    from genieclust import Genie

    return Genie(n_clusters=n_clusters).fit_predict(X)


def hdbscan(X, n_clusters):
    """Cluster by density, with the smallest cluster of the scikit-learn version."""
    from hdbscan import HDBSCAN

    return HDBSCAN(min_cluster_size=5).fit_predict(X)


METHODS = {"hdbscan": hdbscan, "Genie": genie}

if __name__ == "__main__":
    method, folder, n_clusters = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    labels = METHODS[method](np.load(folder / "X.npy"), n_clusters)
    np.save(folder / "labels.npy", labels)

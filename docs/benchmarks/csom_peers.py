# SPDX-License-Identifier: BSD-3-Clause
"""How csom_speed.py asks packages: to train, to search, to train by default.

Each package has a function that prepares a training, ``train(X, codebook, shape,
widths)``, one that prepares a search of best-matching units, ``search(X, codebook,
shape)``, and one that prepares a training with the parameters that the package comes
with, ``train_by_default(X, shape)``. Each returns a function without arguments that
does the work, so that objects and copies of the data are made outside the clock.
"""

import os
from collections import namedtuple

import numpy as np

Package = namedtuple(
    "Package",
    "train search train_by_default lattice slow note distribution",
    defaults=(None, None, None, "rectangular", False, "", ""),
)


def beyond(widths):
    """Return the width one epoch after the last, where some schedules end."""
    return widths[-1] ** 2 / widths[-2]


def n_threads():
    """Return the number of threads that the task is to use."""
    return int(os.environ["OMP_NUM_THREADS"])


# --- skesom


def map_of_skesom(codebook, shape, widths):
    from skesom import CSOM

    how = {"topology": "rectangular", "n_epochs": len(widths), "sigma": widths}
    return CSOM(shape=shape, init=codebook, **how)


def train_skesom(X, codebook, shape, widths):
    csom = map_of_skesom(codebook, shape, widths)
    # As the others: partial_fit of all samples trains as fit does, and groups units and
    # labels samples when it is asked for them.
    return lambda: csom.partial_fit(X).codebook_


def cluster_skesom(X, codebook, shape, widths):
    csom = map_of_skesom(codebook, shape, widths)
    return lambda: csom.fit(X).codebook_


def search_skesom(X, codebook, shape):
    from skesom import CSOM

    csom = CSOM(shape=shape, n_epochs=1).fit(codebook)
    csom.codebook_ = codebook
    return lambda: csom.winners(X)


def default_skesom(X, shape):
    from skesom import CSOM

    return lambda: CSOM(shape=shape).fit(X).codebook_


# --- plain NumPy


def nearest(X, codebook, n_rows=2048):
    """Return the nearest unit of each sample, by matrix products of blocks of rows."""
    half_squares = 0.5 * np.einsum("ij,ij->i", codebook, codebook)
    winners = np.empty(len(X), dtype=np.intp)
    for begin in range(0, len(X), n_rows):
        scores = half_squares - X[begin : begin + n_rows] @ codebook.T
        winners[begin : begin + n_rows] = scores.argmin(axis=1)
    return winners


def smooth(values, shape, width):
    """Add up values over a rectangular lattice, weighted by a gaussian."""
    along, across = (
        np.exp(-0.5 * (np.subtract.outer(range(side), range(side)) / width) ** 2)
        for side in shape
    )
    return np.einsum(
        "ij,kl,jlm->ikm", along, across, values.reshape(*shape, -1), optimize=True
    ).reshape(values.shape)


def train_numpy(X, codebook, shape, widths):
    def train():
        units = codebook
        for width in widths:
            winners = nearest(X, units)
            sums = [np.bincount(winners, x, len(units)) for x in X.T]
            counts = np.bincount(winners, minlength=len(units))
            smoothed = smooth(np.column_stack([*sums, counts]), shape, width)
            units = (smoothed[:, :-1] / smoothed[:, -1:]).astype(X.dtype)
        return units

    return train


def search_numpy(X, codebook, shape):
    return lambda: nearest(X, codebook)


# --- other maps


def train_fastersom(X, codebook, shape, widths):
    from fastersom import SOM

    som = SOM(
        *shape,
        n_epochs=len(widths),
        sigma_initial=widths[0],
        sigma_final=beyond(widths),
        init=codebook,
        device="cpu",
    )
    return lambda: som.fit(X).weights_


def search_fastersom(X, codebook, shape):
    from fastersom import SOM

    som = SOM.from_weights(codebook, *shape, device="cpu")
    return lambda: som.predict(X)


def default_fastersom(X, shape):
    from fastersom import SOM

    return lambda: SOM(*shape, random_state=0, device="cpu").fit(X).weights_


def xpysom_of(shape, n_features, **parameters):
    from xpysom import XPySom

    return XPySom(*shape, n_features, random_seed=0, xp=np, **parameters)


def train_xpysom(X, codebook, shape, widths):
    som = xpysom_of(
        shape, X.shape[1], sigma=widths[0], sigmaN=beyond(widths), std_coeff=1
    )
    som.get_weights()[:] = codebook.reshape(*shape, -1)

    def train():
        som.train(X, len(widths))
        return som.get_weights()

    return train


def search_xpysom(X, codebook, shape):
    som = xpysom_of(shape, X.shape[1])
    som.get_weights()[:] = codebook.reshape(*shape, -1)
    return lambda: som.winner(X)


def default_xpysom(X, shape):
    som = xpysom_of(shape, X.shape[1])

    def train():
        som.train(X, 20)
        return som.get_weights()

    return train


def intrasom_of(X, shape, **parameters):
    from intrasom import SOMFactory

    return SOMFactory.build(
        X,
        mapsize=shape[::-1],
        normalization=None,
        faster=True,
        faster_config={"blas_threads": n_threads()},
        **parameters,
    )


def planar_intrasom(X, codebook, shape):
    som = intrasom_of(X, shape, mapshape="planar", lattice="rect")
    som.codebook.matrix = codebook
    som.bootstrap = False
    return som


def train_intrasom(X, codebook, shape, widths):
    som = planar_intrasom(X, codebook, shape)

    def train():
        for width in widths:
            som.rough_train(trainlen=1, radiusin=width, radiusfin=width)
        return som.codebook.matrix

    return train


def search_intrasom(X, codebook, shape):
    som = planar_intrasom(X, codebook, shape)
    return lambda: som._find_bmu(X)[0]


def default_intrasom(X, shape):
    np.random.seed(0)  # noqa: NPY002
    som = intrasom_of(X, shape)

    def train():
        som.train(save=False, summary=False)
        return som.codebook.matrix

    return train


def python_som_of(shape, n_features, **parameters):
    from python_som import SOM

    return SOM(*shape, n_features, random_seed=0, **parameters)


def train_python_som(X, codebook, shape, widths):
    som = python_som_of(
        shape,
        X.shape[1],
        neighborhood_radius=widths[0],
        neighborhood_radius_decay=lambda first, epoch, n_epochs: widths[epoch],
    )
    som.get_weights()[:] = codebook.reshape(*shape, -1)

    def train():
        som.train(X, len(widths), mode="batch")
        return som.get_weights()

    return train


def search_python_som(X, codebook, shape):
    som = python_som_of(shape, X.shape[1])
    som.get_weights()[:] = codebook.reshape(*shape, -1)
    return lambda: som.predict(X)


def default_python_som(X, shape):
    som = python_som_of(shape, X.shape[1])

    def train():
        som.train(X, 20, mode="batch")
        return som.get_weights()

    return train


def train_somoclu(X, codebook, shape, widths):
    from somoclu import Somoclu

    som = Somoclu(
        *shape[::-1], initialcodebook=codebook.copy(), compactsupport=False, std_coeff=1
    )

    def train():
        som.train(
            X,
            len(widths),
            radius0=widths[0],
            radiusN=beyond(widths),
            radiuscooling="exponential",
        )
        return som.codebook

    return train


def search_somoclu(X, codebook, shape):
    from somoclu import Somoclu

    som = Somoclu(*shape[::-1], initialcodebook=codebook.reshape(*shape, -1))
    return lambda: som.get_bmus(som.get_surface_state(X), order="C")


def default_somoclu(X, shape):
    from somoclu import Somoclu

    som = Somoclu(*shape[::-1])

    def train():
        som.train(X)
        return som.codebook

    return train


def train_minisom(X, codebook, shape, widths):
    from minisom import MiniSom

    def train():
        units = codebook.reshape(*shape, -1)
        for width in widths:
            som = MiniSom(*shape, X.shape[1], sigma=width, learning_rate=1)
            som.get_weights()[:] = units
            som.train_batch_offline(X, 1)
            units = som.get_weights()
        return units

    return train


def search_minisom(X, codebook, shape):
    from minisom import MiniSom

    som = MiniSom(*shape, X.shape[1])
    som.get_weights()[:] = codebook.reshape(*shape, -1)
    return lambda: [som.winner(x) for x in X]


def default_minisom(X, shape, **parameters):
    from minisom import MiniSom

    som = MiniSom(*shape, X.shape[1], random_seed=0, **parameters)

    def train():
        som.train(X, 20, random_order=True, use_epochs=True)
        return som.get_weights()

    return train


def wide_minisom(X, shape, **parameters):
    return default_minisom(X, shape, sigma=max(shape) / 2, **parameters)


def linear_minisom(X, shape):
    decays = {
        "decay_function": "linear_decay_to_zero",
        "sigma_decay_function": "linear_decay_to_one",
    }
    return wide_minisom(X, shape, **decays)


def narrow_minisom(X, shape):
    return default_minisom(X, shape, sigma=0.3)


def train_susi(X, codebook, shape, widths):
    from susi import SOMClustering

    som = SOMClustering(
        *shape,
        init_mode_unsupervised="pca",
        train_mode_unsupervised="batch",
        neighborhood_mode_unsupervised="min",
        n_iter_unsupervised=len(widths),
        n_jobs=n_threads(),
        random_state=0,
    )
    return lambda: som.fit(X).unsuper_som_


def search_susi(X, codebook, shape):
    from susi import SOMClustering

    som = SOMClustering(*shape, n_jobs=n_threads())
    return lambda: som.get_bmus(X, codebook.reshape(*shape, -1))


def default_susi(X, shape, **parameters):
    from susi import SOMClustering

    som = SOMClustering(*shape, random_state=0, **parameters)
    return lambda: som.fit(X).unsuper_som_


def long_susi(X, shape):
    return default_susi(X, shape, n_iter_unsupervised=20 * len(X))


def torchsom_of(X, shape, codebook=None, **parameters):
    import torch
    from torchsom import SOM

    som = SOM(*shape, X.shape[1], device="cpu", **parameters)
    if codebook is not None:
        som.weights.data = torch.from_numpy(codebook.reshape(*shape, -1).copy())
        som._search_strategy.rebuild_index(som.weights)
    return som, torch.from_numpy(X)


def train_torchsom(X, codebook, shape, widths):
    import torch

    som, samples = torchsom_of(
        X, shape, codebook, epochs=len(widths), batch_size=256, sigma=widths[0]
    )
    som.sigma_schedule = torch.from_numpy(np.asarray(widths, dtype=np.float32))

    def train():
        som.fit(samples, verbose=False)
        return som.weights.numpy()

    return train


def search_torchsom(X, codebook, shape):
    som, samples = torchsom_of(X, shape, codebook)
    return lambda: som.identify_bmus(samples).numpy()


def default_torchsom(X, shape):
    som, samples = torchsom_of(X, shape)

    def train():
        som.fit(samples, verbose=False)
        return som.weights.numpy()

    return train


# --- means without a map


def train_faiss(X, codebook, shape, widths):
    import faiss

    means = faiss.Kmeans(
        X.shape[1],
        len(codebook),
        niter=len(widths),
        min_points_per_centroid=1,
        max_points_per_centroid=len(X),
    )

    def train():
        means.train(X, init_centroids=codebook)
        return means.centroids

    return train


def search_faiss(X, codebook, shape):
    import faiss

    index = faiss.IndexFlatL2(X.shape[1])
    index.add(codebook)
    return lambda: index.search(X, 1)[1][:, 0]


def train_scikit_learn(X, codebook, shape, widths):
    from sklearn.cluster import KMeans

    means = KMeans(
        len(codebook), init=codebook, n_init=1, max_iter=len(widths), tol=0.0
    )
    return lambda: means.fit(X).cluster_centers_


def search_scikit_learn(X, codebook, shape):
    from sklearn.cluster import KMeans

    means = KMeans(len(codebook), init=codebook, n_init=1, max_iter=1).fit(codebook)
    return lambda: means.predict(X)


PACKAGES = {
    "skesom": Package(
        train_skesom,
        search_skesom,
        default_skesom,
        "hexagonal",
        distribution="skesom",
    ),
    "skesom, with clusters": Package(
        cluster_skesom,
        note="`fit`: units grouped, samples labeled",
        distribution="skesom",
    ),
    "faiss k-means": Package(
        train_faiss, search_faiss, note="no map", distribution="faiss-cpu"
    ),
    "NumPy batch": Package(train_numpy, search_numpy, distribution="numpy"),
    "scikit-learn KMeans": Package(
        train_scikit_learn,
        search_scikit_learn,
        note="no map",
        distribution="scikit-learn",
    ),
    "fastersom": Package(
        train_fastersom,
        search_fastersom,
        default_fastersom,
        distribution="fastersom",
    ),
    "intrasom": Package(
        train_intrasom,
        search_intrasom,
        default_intrasom,
        "toroidal hexagonal",
        note="trained by one call an epoch",
        distribution="intrasom",
    ),
    "xpysom": Package(
        train_xpysom, search_xpysom, default_xpysom, distribution="xpysom"
    ),
    "python-som": Package(
        train_python_som,
        search_python_som,
        default_python_som,
        note="its training ends with the quantization error",
        distribution="python-som",
    ),
    "somoclu": Package(
        train_somoclu,
        search_somoclu,
        default_somoclu,
        slow=True,
        distribution="somoclu",
    ),
    "torchsom": Package(
        train_torchsom,
        search_torchsom,
        default_torchsom,
        slow=True,
        note="own rule: batches of 256 samples, with errors after each",
        distribution="torchsom",
    ),
    "minisom": Package(
        train_minisom,
        search_minisom,
        default_minisom,
        slow=True,
        note="trained by one call an epoch",
        distribution="minisom",
    ),
    "minisom, sigma=5": Package(train_by_default=wide_minisom),
    "minisom, sigma=5, linear decays": Package(train_by_default=linear_minisom),
    "minisom, sigma=0.3": Package(train_by_default=narrow_minisom),
    "susi, 20 presentations of each sample": Package(train_by_default=long_susi),
    "susi": Package(
        train_susi,
        search_susi,
        default_susi,
        slow=True,
        note="own principal plane, own widths: half of the side to 1",
        distribution="susi",
    ),
}

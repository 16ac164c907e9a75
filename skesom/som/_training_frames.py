# SPDX-License-Identifier: BSD-3-Clause
"""The units of a map at moments of its training."""

import copy

import numpy as np
from sklearn.base import clone

from skesom._common.threads import one_blas_thread
from skesom.som._esom import ESOM
from skesom.som._input import check_training_samples
from skesom.som._network import Network, make_room
from skesom.som._row_order import Windows


def training_frames(som, X, n_frames):
    """Return a list of epochs or samples so far, codebook, links while a map learns."""
    som = clone(som).set_params(checkpoint=None, verbose=0)
    X = check_training_samples(som, X)
    return (_of_network if isinstance(som, ESOM) else _of_lattice)(som, X, n_frames)


class _Recorder(list):
    """Takes the place of a checkpoint, and keeps the units of each epoch."""

    def load(self, generator, *_):
        self.generator = copy.deepcopy(generator)

    def save(self, done, of, arrays, **_):
        self.append(arrays["codebook"].copy())


def _of_lattice(som, X, n_frames):
    """Return frames at equal steps; epoch 0 is the map before training."""
    recorder, metric = _Recorder(), som._metric()
    som._learn_table(X, stream=False, checkpoint=recorder, later=True)
    if som.algorithm == "online":
        recorder[:] = [metric.normalized(metric.restored(units)) for units in recorder]
    with one_blas_thread():
        begin = som._begin(X, None, (som.topology, som.toroidal), recorder.generator)
    units = [begin.codebook, *recorder]
    epochs = np.unique(np.linspace(0, som.n_epochs, n_frames).round().astype(int))
    return [(n, units[n], som.connections_) for n in epochs.tolist()]


def _of_network(som, X, n_frames):
    """Return frames after numbers of samples that grow as squares do."""
    windows = Windows(X, som.n_epochs, som._generator())
    fill, epsilon = som._prepare(X, windows)
    how = {"max_nodes": som.max_nodes, "when_full": make_room, **som._rule()}
    network, frames = Network(fill), []
    ends = windows.n_rows * np.linspace(0, 1, n_frames + 1)[1:] ** 2
    ends = np.unique(np.ceil(ends).astype(int))
    rows = np.concatenate([part for (part,) in windows.rows()])
    for end, part in zip(ends.tolist(), np.split(rows, ends[:-1]), strict=True):
        order = np.arange(len(part))
        epsilon = network.learn(part, order, epsilon=float(epsilon), **how)
        if network.n_nodes > 0:
            frames.append((end, network.nodes().copy(), network.links()))
    return frames

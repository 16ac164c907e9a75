# SPDX-License-Identifier: BSD-3-Clause
"""How well a classifier labels parts of the sky that it has not learned from."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from astropy.table import Table
from numpy.typing import ArrayLike
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import StratifiedGroupKFold

from skesom._common.labels import names_of
from skesom._common.lazy import take_rows
from skesom._common.warn import warn_user
from skesom._types import CubeLike, Names
from skesom.maps._cube_classifier import check_labels
from skesom.maps.pixel_tables import table_to_apply
from skesom.pixels import sky_blocks

if TYPE_CHECKING:
    from skesom.maps._cube_classifier import CubeClassifier


class HeldOut(NamedTuple):
    """How well held-out pixels are classified: result of `held_out_score`."""

    scores: dict
    classes: Table
    confusion: Table


def held_out_score(
    classifier: CubeClassifier,
    X: CubeLike,
    y: ArrayLike,
    *,
    names: Names | None = None,
    block_size: int = 32,
    n_folds: int = 5,
) -> HeldOut:
    """Score a classifier on blocks of the sky that it has not learned from.

    Parameters
    ----------
    classifier : CubeClassifier
        Not changed; copies of its estimator are fitted.
    X : Cube or array-like of shape (n_rows, n_columns, n_bands)
        The cube, as the classifier gets it.
    y : array-like of int of shape (n_rows, n_columns), or of the cube for voxels
        Label map; negative where a pixel is unlabeled.
    names : dict of int to str or sequence of str, default=None
        Names of the classes, their labels by default.
    block_size : int, default=32
        Height and width of a block in pixels. Take blocks larger than the regions that
        were labeled, because neighboring pixels are alike.
    n_folds : int, default=5
        Into how many parts the blocks are divided; each part is held out once.

    Returns
    -------
    held_out : HeldOut
        A named tuple: ``scores``, a dict of "accuracy", "balanced accuracy" (mean
        completeness), the "spread" of both and numbers; ``classes``, a Table of
        completeness (share of the pixels of a class that were found) and purity (share
        of the right ones among those given it); ``confusion``, a Table of numbers of
        pixels, with a row for each true class. Spreads are standard deviations over the
        folds. A pixel is not scored if its class is missing in the other folds.

    Raises
    ------
    ValueError
        If no class lies in several blocks.

    Warns
    -----
    UserWarning
        If a class has no score, because all its pixels lie in one block.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skesom.maps import CubeClassifier, held_out_score
    >>> cube = np.random.default_rng(0).normal(size=(64, 64, 2))
    >>> y = np.indices((64, 64))[1] // 8 % 2
    >>> cube[y == 1] += 10
    >>> classifier = CubeClassifier(KNeighborsClassifier(3))
    >>> held_out_score(classifier, cube, y, block_size=16).scores["accuracy"]
    1.0
    """
    table, valid = classifier.table(X)
    labels = check_labels(y, valid.shape)[valid]
    # The axes are turned because voxels of all bands have the block of their pixel.
    blocks = sky_blocks(valid, block_size).T
    blocks = np.broadcast_to(blocks, valid.T.shape).T[valid]
    rows = np.flatnonzero(labels >= 0)
    found, codes = np.unique(labels[rows], return_inverse=True)
    matrices = []
    for _, test in _folds(codes, blocks[rows], n_folds):
        learned = labels.copy()
        learned[rows[test]] = -1
        known = np.unique(learned[learned >= 0])
        tested = rows[test][np.isin(labels[rows[test]], known)]
        if len(known) > 1 and len(tested):
            fitted = classifier._fitted(table, learned)
            predicted = fitted.predict(table_to_apply(fitted, take_rows(table, tested)))
            matrices.append(confusion_matrix(labels[tested], predicted, labels=found))
    pairs = np.unique([codes, blocks[rows]], axis=1)
    if not matrices:
        raise ValueError(
            f"no class lies in several of the {len(set(pairs[1]))} blocks of "
            f"{block_size} x {block_size} pixels with labels, so none can be held out. "
            "Label pixels in other places too, or take smaller blocks (block_size)."
        )
    classes = Table({"class": names_of(found, names)})
    classes["pixels"], classes["blocks"] = np.bincount(codes), np.bincount(pairs[0])
    return _summarized(np.array(matrices), classes, len(set(pairs[1])))


def _folds(codes, blocks, n_folds):
    """Return the places of learned and of tested pixels, a pair for each fold."""
    n_folds = min(n_folds, len(np.unique(blocks)), int(np.bincount(codes).max()))
    if n_folds < 2:
        return []
    with warnings.catch_warnings():
        # That a class has fewer pixels than there are folds does not matter here.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(StratifiedGroupKFold(n_folds).split(codes, codes, blocks))


def _summarized(matrices, classes, n_blocks):
    """Return the scores of confusion matrices, one for each fold."""
    pooled = matrices.sum(axis=0)
    classes["scored"] = pooled.sum(axis=1)
    for name in classes["class"][classes["scored"] == 0].tolist():
        text = "all its pixels lie in one block (a smaller block_size may help)"
        warn_user(f"The class {name!r} has no held-out score: {text}.")
    every = np.array([pooled, *matrices])
    right = every.diagonal(axis1=1, axis2=2)
    values = {"accuracy": right.sum(axis=1) / every.sum(axis=(1, 2))}
    for name, axis in (("completeness", 2), ("purity", 1)):
        size = every.sum(axis=axis)
        rates = np.ma.masked_invalid(right / np.where(size > 0, size, np.nan))
        values.setdefault("balanced accuracy", rates.mean(axis=1))  # of completeness
        spread = rates[1:].std(axis=0, ddof=1)
        for column, shares in ((name, rates[0]), (f"{name}_spread", spread)):
            classes[column] = np.ma.filled(shares.astype(float), np.nan)
            classes[column].info.format = ".3f"
    scores = {name: float(value[0]) for name, value in values.items()}
    for name, value in values.items():
        scores[f"{name} spread"] = float(np.ma.filled(value[1:].std(ddof=1), np.nan))
    scores |= {"folds": len(matrices), "blocks": n_blocks}
    scores["pixels scored"] = int(pooled.sum())
    names = classes["class"].tolist()
    confusion = Table([names, *pooled.T], names=["true class", *names])
    return HeldOut(scores, classes, confusion)

# SPDX-License-Identifier: BSD-3-Clause
"""How well a classifier labels parts of the sky that it has not learned from."""

import warnings
from typing import NamedTuple

import numpy as np
from astropy.table import Table
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import StratifiedGroupKFold

from skesom._common.lazy import take_rows
from skesom.maps._cube_classifier import check_labels
from skesom.maps._large_tables import to_apply
from skesom.pixels import sky_blocks


class HeldOut(NamedTuple):
    """How well held-out pixels are classified: result of `held_out_score`."""

    scores: dict
    classes: Table
    confusion: Table

    def matrix(self):
        """Return the numbers of pixels of `confusion` as (n_classes, n_classes)."""
        columns = [self.confusion[name] for name in self.confusion.colnames[1:]]
        return np.stack(columns, axis=1)


def held_out_score(classifier, X, y, *, names=None, block_size=32, n_folds=5):
    """Score a classifier on blocks of the sky that it has not learned from.

    Neighboring pixels are alike, so a score of pixels next to those that were learned
    is too good. Here all labeled pixels of a block of the sky are held out together.

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
        Height and width of a block in pixels, see `skesom.pixels.sky_blocks`. Take
        blocks that are larger than the regions that were labeled.
    n_folds : int, default=5
        How often a part of the blocks is held out, each block once. The classes are
        shared among the folds as evenly as their blocks allow.

    Returns
    -------
    held_out : HeldOut
        A named tuple.

        - ``scores``: a dict. "accuracy" is the share of the pixels with the right
          class, "balanced accuracy" the mean completeness of the classes; "accuracy
          spread" and "balanced accuracy spread" are standard deviations over the folds.
          "folds", "blocks", "pixels scored" and "pixels not scored" are numbers.
        - ``classes``: an `astropy.table.Table` with the columns "class", "pixels" and
          "blocks" (labeled), "scored" (pixels), "completeness" (share of them that were
          found), "purity" (share of the right ones among those given the class) and
          their spreads over the folds; NaN where nothing tells.
        - ``confusion``: numbers of scored pixels, a row for each "true class" and a
          column for each class that was given.

    Raises
    ------
    ValueError
        If all labeled pixels lie in one block, or no class is in several.

    Warns
    -----
    UserWarning
        If a class has no score, because all its pixels lie in one block.

    Notes
    -----
    A pixel whose class is missing in the other folds is not scored, because nothing
    could tell its class.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skesom.maps import CubeClassifier, held_out_score
    >>> cube = np.random.default_rng(0).normal(size=(64, 64, 2))
    >>> y = np.indices((64, 64))[1] // 8 % 2
    >>> cube[y == 1] += 10
    >>> classifier = CubeClassifier(KNeighborsClassifier(3))
    >>> held_out = held_out_score(classifier, cube, y, block_size=16)
    >>> held_out.scores["accuracy"], held_out.scores["blocks"]
    (1.0, 16)
    """
    table, valid = classifier.table(X)
    labels = check_labels(y, valid.shape)[valid]
    blocks = sky_blocks(valid, block_size)
    blocks = np.broadcast_to(
        blocks.reshape(*blocks.shape, *[1] * (valid.ndim - 2)), valid.shape
    )[valid]
    if not classifier.semi_supervised:
        rows = np.flatnonzero(labels >= 0)
        table, labels, blocks = take_rows(table, rows), labels[rows], blocks[rows]
    found, codes = np.unique(labels[labels >= 0], return_inverse=True)
    labeled = np.flatnonzero(labels >= 0)
    n_blocks = len(np.unique(blocks[labeled]))
    folds = _folds(codes, blocks[labeled], min(n_folds, n_blocks))
    matrices = []
    for _, test in folds:
        learned = labels.copy()
        learned[labeled[test]] = -1
        known = np.unique(learned[learned >= 0])
        test = labeled[test][np.isin(labels[labeled[test]], known)]
        if len(known) < 2 or len(test) == 0:
            continue
        fitted = classifier._fitted(table, learned)
        predicted = fitted.predict(to_apply(fitted, take_rows(table, test)))
        matrices.append(confusion_matrix(labels[test], predicted, labels=found))
    if not matrices:
        raise ValueError(
            f"no class lies in several of the {n_blocks} blocks of {block_size} x "
            f"{block_size} pixels with labels, so none can be held out. Label pixels "
            "in other places too, or take smaller blocks (--block-size)."
        )
    names = names if isinstance(names, dict) else dict(enumerate(names or ()))
    names = [str(names.get(int(label), label)) for label in found]
    own = [len(np.unique(blocks[labeled][codes == code])) for code in range(len(found))]
    sizes = np.bincount(codes), own
    return _summarized(np.array(matrices), names, sizes, n_blocks)


def _folds(codes, blocks, n_folds):
    """Return the places of learned and of tested pixels, a pair for each fold."""
    n_folds = min(n_folds, int(np.bincount(codes).max()))
    if n_folds < 2:
        return []
    splitter = StratifiedGroupKFold(n_folds)
    with warnings.catch_warnings():
        # That a class has fewer pixels than there are folds does not matter here.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(splitter.split(codes, codes, blocks))


def _summarized(matrices, names, sizes, n_blocks):
    """Return the scores of confusion matrices, one for each fold."""
    pooled = matrices.sum(axis=0)
    accuracy, *rates = _rates(pooled)
    by_fold = [_rates(matrix) for matrix in matrices]
    accuracies, completeness, _ = map(np.array, zip(*by_fold, strict=True))
    scored = pooled.sum(axis=1)
    for name in (names[code] for code in np.flatnonzero(scored == 0)):
        warnings.warn(
            f"The class {name!r} has no held-out score: all its pixels lie in one "
            "block. Label pixels in other places too, or take smaller blocks "
            "(--block-size).",
            stacklevel=3,
        )
    balanced = np.nanmean(completeness, axis=1)
    scores = {
        "accuracy": float(accuracy),
        "accuracy spread": _spread(accuracies),
        "balanced accuracy": float(np.nanmean(rates[0])),
        "balanced accuracy spread": _spread(balanced),
        "folds": len(matrices),
        "blocks": n_blocks,
        "pixels scored": int(scored.sum()),
        "pixels not scored": int(sizes[0].sum() - scored.sum()),
    }
    classes = Table(
        [names, *sizes, scored], names=["class", "pixels", "blocks", "scored"]
    )
    for place, name in enumerate(("completeness", "purity")):
        spread = [
            _spread(values) for values in np.transpose([f[place + 1] for f in by_fold])
        ]
        for column, values in ((name, rates[place]), (f"{name}_spread", spread)):
            classes[column] = values
            classes[column].info.format = ".3f"
    confusion = Table([names, *pooled.T], names=["true class", *names])
    return HeldOut(scores, classes, confusion)


def _rates(matrix):
    """Return accuracy, and completeness and purity of each class; NaN for none."""
    right = np.diag(matrix)
    rates = [np.full(len(matrix), np.nan) for _ in range(2)]
    for rate, sizes in zip(
        rates, (matrix.sum(axis=1), matrix.sum(axis=0)), strict=True
    ):
        np.divide(right, sizes, out=rate, where=sizes > 0)
    return right.sum() / matrix.sum(), *rates


def _spread(values):
    """Return the standard deviation over the folds that tell something."""
    values = np.asarray(values)[~np.isnan(values)]
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")

# SPDX-License-Identifier: BSD-3-Clause
"""What a report tells of classes: confidence, and scores of held-out pixels."""

import numpy as np
from astropy.io import fits

from skesom.displays import literal

_CELL, _MARGIN = 0.55, 2.6  # inches of a class, and of the names beside


def write_classes(folder, result):
    """Write the files about classes; return their names, and what is left out."""
    names, left_out = [], {}
    if not result.is_classified:
        return names, left_out
    if result.confidence is None:
        left_out["confidence"] = "the classifier gives no probabilities"
    else:
        header = None if result.cube.wcs is None else result.cube.wcs.to_header()
        names.append("confidence.fits")
        fits.writeto(folder / names[-1], result.confidence, header)
    held_out = result.held_out
    if held_out is None:
        left_out["held_out_classes.ecsv"] = "no pixels were held out"
        return names, left_out
    for name, table in (
        ("classes", held_out.classes),
        ("confusion", held_out.confusion),
    ):
        names.append(f"held_out_{name}.ecsv")
        table = table.copy(copy_data=False)
        table.meta.update(held_out.scores)
        table.write(folder / names[-1], format="ascii.ecsv")
    return names, left_out


def draw_confusion(held_out):
    """Return a display of where the held-out pixels of each class went."""
    from matplotlib.figure import Figure
    from sklearn.metrics import ConfusionMatrixDisplay

    counts, names = held_out.matrix(), held_out.confusion["true class"]
    sizes = counts.sum(axis=1, keepdims=True)
    shares = np.divide(
        counts, sizes, out=np.full(counts.shape, np.nan), where=sizes > 0
    )
    side = _MARGIN + _CELL * len(names)
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    display = ConfusionMatrixDisplay(
        100 * shares, display_labels=[*map(literal, names)]
    )
    style = {"cmap": "Blues", "values_format": ".0f", "im_kw": {"vmin": 0, "vmax": 100}}
    display.plot(ax=figure.add_subplot(), xticks_rotation="vertical", **style)
    display.ax_.set(xlabel="class given", ylabel="true class")
    display.im_.colorbar.set_label("% of the held-out pixels of the true class")
    scores = held_out.scores
    title = "balanced accuracy {:.0%} $\\pm$ {:.0%}".format(
        scores["balanced accuracy"], scores["balanced accuracy spread"]
    )
    display.ax_.set_title(title, fontsize="medium")
    return display

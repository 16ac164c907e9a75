# SPDX-License-Identifier: BSD-3-Clause
"""What a report tells of classes: confidence, and scores of held-out pixels."""

import numpy as np
from astropy.io import fits

from skesom._common.texts import write_ecsv
from skesom.displays._display import literal

_CELL, _MARGIN = 0.55, 2.6  # inches of a class, and of the names beside


def write_classes(folder, result):
    """Write the files about classes; return their names, and what is left out."""
    names, left_out, held_out = [], {}, result.held_out
    if result.confidence is not None:
        header = None if result.cube.wcs is None else result.cube.wcs.to_header()
        names.append("confidence.fits")
        fits.writeto(folder / names[-1], result.confidence, header)
    elif result.is_classified:
        left_out["confidence"] = "the classifier gives no probabilities"
    if held_out is not None:
        names += ["held_out_classes.ecsv", "held_out_confusion.ecsv"]
        for name, table in zip(names[-2:], held_out[1:], strict=True):
            table.meta.update(held_out.scores)
            write_ecsv(table, folder / name)
    elif result.is_classified:
        left_out["held_out_classes.ecsv"] = "no pixels were held out"
    return names, left_out


def draw_confusion(held_out):
    """Return a display of where the held-out pixels of each class went."""
    from matplotlib.figure import Figure
    from sklearn.metrics import ConfusionMatrixDisplay

    names, *columns = held_out.confusion.itercols()
    shares = 100 * np.stack(columns, axis=1).astype(float)
    shares /= np.where(shares.any(axis=1), shares.sum(axis=1) / 100, np.nan)[:, None]
    side = _MARGIN + _CELL * len(names)
    ax = Figure(figsize=(side + 0.8, side), layout="constrained").add_subplot()
    display = ConfusionMatrixDisplay(shares, display_labels=[*map(literal, names)])
    style = {"cmap": "Blues", "values_format": ".0f", "im_kw": {"vmin": 0, "vmax": 100}}
    display.plot(ax=ax, xticks_rotation="vertical", **style)
    display.im_.colorbar.set_label("% of the held-out pixels of the true class")
    title = "balanced accuracy {balanced accuracy:.1%}".format(**held_out.scores)
    ax.set(xlabel="class given", ylabel="true class", title=title)
    return display

# SPDX-License-Identifier: BSD-3-Clause
"""What a notebook shows of a run: its map, what was decided, and its clusters."""

import base64
import html
from io import BytesIO

from skesom._common.extras import has_extra
from skesom.displays.sky_image import image_size
from skesom.report.drawing import new_axes
from skesom.report.result import MAX_PIXELS

_DOTS_PER_INCH = 100  # some 600 columns, the width of a notebook


def notebook_view(run):
    """Return a run as HTML.

    Parameters
    ----------
    run : Run
        With images.

    Returns
    -------
    text : str
        The cluster map, where matplotlib is installed; decisions, lines, and the table
        of clusters.
    """
    blocks = []
    if has_extra("matplotlib") and run.label_map.ndim == 2:
        blocks.append(_picture_of_map(run))
    items = "".join(f"<li>{html.escape(line)}</li>" for line in run._decided_lines())
    blocks.append(f"<ul>{items}</ul>")
    text = "\n".join(run.lines())
    blocks.append(f"<pre>{html.escape(text)}</pre>")
    blocks.append(run.clusters._repr_html_())
    return "\n".join(blocks)


def _picture_of_map(run):
    """Return the cluster map as an image that is part of the HTML."""
    from skesom.displays import ClusterMapDisplay

    n_clusters = int(run.label_map.max(initial=-1)) + 1
    names = [""] * n_clusters
    colors = ["gray"] * n_clusters
    for row in run.clusters:
        names[row["id"]] = str(row["name"])
        colors[row["id"]] = row["color"]
    display = ClusterMapDisplay(run.label_map, wcs=run.wcs, colors=colors, names=names)
    ax = new_axes(image_size(run.label_map.shape), run.wcs)
    display.plot(ax, max_pixels=MAX_PIXELS)
    stream = BytesIO()
    ax.figure.savefig(stream, format="png", dpi=_DOTS_PER_INCH, bbox_inches="tight")
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    return f'<img alt="cluster map" src="data:image/png;base64,{data}">'

# SPDX-License-Identifier: BSD-3-Clause
"""The views of the page as Bokeh models; page.js fills them and links them."""

import numpy as np
from bokeh.document import Document
from bokeh.events import DocumentReady, MouseMove, SelectionGeometry, Tap
from bokeh.models import (
    ColumnDataSource,
    CustomJS,
    HoverTool,
    Range1d,
    Select,
)
from bokeh.plotting import figure

_TOOLS = "pan,wheel_zoom,box_select,lasso_select,tap,reset,save"
_SHAPES = 0.4, 2.2  # of pictures, height to width


def picture_views(shape, band_names, has_units):
    """Return the two pictures and what is chosen about them."""
    image = _picture("image", shape, {})
    ranges = {"x_range": image.x_range, "y_range": image.y_range}
    clusters = _picture("map", shape, ranges)
    image_choice = Select(title="show", value="colors", options=["colors", *band_names])
    image_choice.js_on_change("value", CustomJS(code="skesom.paint_image()"))
    taps = ["cluster", "unit", "pixel"] if has_units else ["cluster", "pixel"]
    tap_choice = Select(title="a click selects the", value="cluster", options=taps)
    return {
        "image_plot": image,
        "map_plot": clusters,
        "image_choice": image_choice,
        "tap_choice": tap_choice,
    }


def _picture(name, shape, ranges):
    """Return a figure that page.js paints."""
    n_rows, n_columns = shape
    plot = figure(
        width=600,
        height=round(600 * float(np.clip(n_rows / n_columns, *_SHAPES))) + 30,
        sizing_mode="scale_width",
        match_aspect=True,
        tools=_TOOLS,
        active_scroll="wheel_zoom",
        toolbar_location="above",
        **({"x_range": (-0.5, n_columns - 0.5)} | ranges),
    )
    if not ranges:
        plot.y_range = Range1d(-0.5, n_rows - 0.5)
    source = ColumnDataSource({"image": [np.zeros((1, 1), dtype=np.uint32)]})
    source.name = f"{name}-source"
    plot.image_rgba(
        image="image", source=source, x=-0.5, y=-0.5, dw=n_columns, dh=n_rows
    )
    plot.grid.visible = False
    plot.axis.axis_label_text_font_style = "normal"
    plot.xaxis.axis_label, plot.yaxis.axis_label = "column", "row"
    plot.js_on_event(Tap, CustomJS(code="skesom.tap(cb_obj)"))
    plot.js_on_event(SelectionGeometry, CustomJS(code="skesom.geometry(cb_obj)"))
    plot.js_on_event(MouseMove, CustomJS(code="skesom.hover(cb_obj)"))
    return plot


def unit_views(columns, links, value_names):
    """Return the map of the units and what they are colored by."""
    n_units = len(columns["x"])
    source = ColumnDataSource(
        columns | {"alpha": [1.0] * n_units, "color": ["#888888"] * n_units}
    )
    source.name = "units-source"
    plot = figure(
        width=600,
        height=560,
        sizing_mode="scale_width",
        match_aspect=True,
        tools=_TOOLS,
        active_drag="lasso_select",
        toolbar_location="above",
    )
    style = {
        "source": source,
        "fill_color": "color",
        "fill_alpha": "alpha",
        "line_color": "#ffffff" if links is None else "#23262f",
        "line_width": 0.6,
        "line_alpha": "alpha",
        "nonselection_fill_alpha": "alpha",
        "nonselection_line_alpha": "alpha",
    }
    if links is None:
        plot.patches("xs", "ys", **style)
        # Patches are not found by box and lasso; their centers are.
        plot.scatter("x", "y", size=1, source=source, alpha=0, nonselection_alpha=0)
    else:
        plot.segment("x0", "y0", "x1", "y1", source=links, alpha="alpha", color="#555")
        plot.scatter("x", "y", size="size", **style)
    plot.axis.visible = False
    plot.grid.visible = False
    plot.outline_line_color = None
    source.selected.js_on_change(
        "indices", CustomJS(code="skesom.select_units(cb_obj.indices)")
    )
    choice = Select(
        title="colored by", value=value_names[0], options=[*value_names, "cluster"]
    )
    choice.js_on_change("value", CustomJS(code="skesom.show_units()"))
    return {"units_plot": plot, "units_choice": choice}


def spectra_view(band_names):
    """Return the plot of the spectra of clusters and of what is selected."""
    plot = figure(
        width=900,
        height=380,
        sizing_mode="stretch_width",
        tools="pan,wheel_zoom,box_zoom,reset,save",
        toolbar_location="above",
        x_range=(-0.5, len(band_names) - 0.5),
        y_axis_label="stretched flux",
    )
    sources = {
        "spectra": {"xs": [], "ys": [], "color": [], "name": []},
        "quartiles": {"x": [], "low": [], "high": [], "color": []},
        "selected": {"x": [], "y": [], "low": [], "high": []},
    }
    for name, data in sources.items():
        sources[name] = ColumnDataSource(data)
        sources[name].name = f"{name}-source"
    spectra, quartiles, selected = sources.values()
    plot.segment(
        "x", "low", "x", "high", color="color", line_width=2, alpha=0.45,
        source=quartiles,
    )  # fmt: skip
    lines = plot.multi_line("xs", "ys", color="color", line_width=2.2, source=spectra)
    plot.varea("x", "low", "high", color="black", alpha=0.15, source=selected)
    plot.line("x", "y", color="black", line_width=3, source=selected)
    plot.add_tools(HoverTool(renderers=[lines], tooltips=[("cluster", "@name")]))
    plot.xaxis.ticker = list(range(len(band_names)))
    plot.xaxis.major_label_overrides = dict(enumerate(band_names))
    plot.xaxis.major_label_orientation = 0.6 if len(band_names) > 6 else 0.0
    plot.xgrid.visible = False
    plot.yaxis.axis_label_text_font_style = "normal"
    return {"spectra_plot": plot}


def document_of(views):
    """Return a document of the views that starts page.js when it is drawn."""
    document = Document()
    for name, view in views.items():
        view.name = name
        document.add_root(view)
    document.js_on_event(DocumentReady, CustomJS(code="skesom.start()"))
    return document

# SPDX-License-Identifier: BSD-3-Clause
"""The views of the page as Bokeh models; page.js fills and links them."""

import numpy as np
from bokeh import models
from bokeh.document import Document
from bokeh.events import DocumentReady, MouseMove, SelectionGeometry, Tap
from bokeh.layouts import row
from bokeh.plotting import figure

_LINKED = {
    "width": 600,
    "sizing_mode": "scale_width",
    "match_aspect": True,
    "tools": "pan,wheel_zoom,box_select,lasso_select,tap,reset,save",
    "toolbar_location": "above",
}
_SHAPES = 0.4, 2.2  # of pictures, height to width
_MANY_OBJECTS = 500  # that are drawn smaller
_MARKERS = {  # of DS9: of Bokeh, and as a letter
    "circle": ("circle", "○"),
    "box": ("square", "□"),
    "diamond": ("diamond", "◇"),
    "cross": ("cross", "+"),
    "x": ("x", "✕"),
    "arrow": ("inverted_triangle", "▽"),
    "boxcircle": ("square_pin", "⊡"),
}
_ACTIONS = {
    **{"merge": "Merge", "split": "Split"},
    **{"clear": "Clear selection", "export_file": "Export names"},
}
_WRAPPED = (
    ".bk-input-group { display: flex; flex-flow: row wrap; gap: 0 1.4em } "
    "label { white-space: nowrap } "
)
_SWATCH = '<div style="height: 1.1em; background: <%= value %>"></div>'


def picture_views(shape, band_names, has_units):
    """Return the two pictures and the choices about them."""
    image = _picture("image", shape, {})
    ranges = {"x_range": image.x_range, "y_range": image.y_range}
    taps = ["cluster", "unit", "pixel"] if has_units else ["cluster", "pixel"]
    image_choice = _choice("show", ["colors", *band_names])
    image_choice.js_on_change("value", _call("paint_image()"))
    return {
        "image_plot": image,
        "map_plot": _picture("map", shape, ranges),
        "image_choice": image_choice,
        "tap_choice": _choice("a click selects the", taps),
    }


def _call(code):
    """Return the call of a function of page.js."""
    return models.CustomJS(code=f"skesom.{code}")


def _choice(title, options):
    return models.Select(title=title, value=options[0], options=options)


def _source(name, data):
    """Return a source of data that page.js finds by its name."""
    return models.ColumnDataSource(data, name=f"{name}-source")


def _empty_source(name, columns):
    return _source(name, {column: [] for column in columns})


def _picture(name, shape, ranges):
    """Return a figure that page.js paints."""
    n_rows, n_columns = shape
    x_range, y_range = (-0.5, n_columns - 0.5), (-0.5, n_rows - 0.5)
    ranges = ranges or {"x_range": x_range, "y_range": y_range}
    height = round(600 * float(np.clip(n_rows / n_columns, *_SHAPES))) + 30
    plot = figure(height=height, active_scroll="wheel_zoom", **_LINKED, **ranges)
    source = _source(name, {"image": [np.zeros((1, 1), dtype=np.uint32)]})
    plot.image_rgba("image", x=-0.5, y=-0.5, dw=n_columns, dh=n_rows, source=source)
    plot.grid.visible = False
    plot.axis.axis_label_text_font_style = "normal"
    plot.xaxis.axis_label, plot.yaxis.axis_label = "column", "row"
    plot.js_on_event(Tap, _call("tap(cb_obj)"))
    plot.js_on_event(SelectionGeometry, _call("geometry(cb_obj)"))
    plot.js_on_event(MouseMove, _call("hover(cb_obj)"))
    return plot


def unit_views(columns, links, value_names):
    """Return the map of the units and the choice of its colors."""
    n_units = len(columns["x"])
    columns |= {"alpha": [1.0] * n_units, "color": ["#888888"] * n_units}
    source = _source("units", columns)
    plot = figure(height=560, active_drag="lasso_select", **_LINKED)
    style = {
        "source": source,
        "color": "color",
        "line_color": "#ffffff" if links is None else "#23262f",
        "line_width": 0.6,
        "alpha": "alpha",
        "nonselection_alpha": "alpha",
    }
    if links is None:
        plot.patches("xs", "ys", **style)
        # Patches are not found by box and lasso; their centers are.
        plot.scatter("x", "y", size=1, source=source, alpha=0, nonselection_alpha=0)
    else:
        plot.segment("x0", "y0", "x1", "y1", source=links, alpha="alpha", color="#555")
        plot.scatter("x", "y", size="size", **style)
    plot.axis.visible = plot.grid.visible = False
    plot.outline_line_color = None
    source.selected.js_on_change("indices", _call("select_units(cb_obj.indices)"))
    choice = _choice("colored by", [*value_names, "cluster"])
    choice.js_on_change("value", _call("show_units()"))
    return {"units_plot": plot, "units_choice": choice}


def spectra_view(band_names):
    """Return the plot of the spectra of clusters and of the selection."""
    n_bands = len(band_names)
    plot = figure(
        height=380,
        sizing_mode="stretch_width",
        tools="pan,wheel_zoom,box_zoom,reset,save",
        toolbar_location="above",
        x_range=(-0.5, n_bands - 0.5),
        y_axis_label="stretched flux",
    )
    quartiles = _empty_source("quartiles", ["x", "low", "high", "color"])
    spectra = _empty_source("spectra", ["xs", "ys", "color", "name"])
    selected = _empty_source("selected", ["x", "y", "low", "high"])
    style = {"color": "color", "line_width": 2, "alpha": 0.45}
    plot.segment("x", "low", "x", "high", source=quartiles, **style)
    lines = plot.multi_line("xs", "ys", color="color", line_width=2.2, source=spectra)
    plot.varea("x", "low", "high", color="black", alpha=0.15, source=selected)
    plot.line("x", "y", color="black", line_width=3, source=selected)
    plot.add_tools(models.HoverTool(renderers=[lines], tooltips=[("cluster", "@name")]))
    plot.xaxis.ticker = list(range(n_bands))
    names = [models.PlainText(text=name) for name in band_names]  # which is no formula
    plot.xaxis.major_label_overrides = dict(enumerate(names))
    plot.xaxis.major_label_orientation = 0.6 if n_bands > 6 else 0.0
    plot.xgrid.visible = False
    plot.yaxis.axis_label_text_font_style = "normal"
    return {"spectra_plot": plot}


def table_views(n_clusters):
    """Return the table of the clusters and the buttons below it."""
    swatch = models.HTMLTemplateFormatter(template=_SWATCH)
    percent = models.NumberFormatter(format="0.0", text_align="right")
    editor, column = models.StringEditor(), models.TableColumn
    columns = [
        column(field="color", title="", width=34, formatter=swatch),
        column(field="name", title="name", width=170, editor=editor),
        column(field="labels", title="labels", width=60),
        column(field="share", title="% of pixels", width=75, formatter=percent),
        column(field="selected", title="selected", width=65),
    ]
    source = _empty_source("clusters", [each.field for each in columns])
    table = models.DataTable(
        source=source,
        columns=columns,
        index_position=None,
        editable=True,
        sortable=False,
        reorderable=False,
        selectable="checkbox",
        height=min(40 + 26 * n_clusters, 420),
        sizing_mode="stretch_width",
    )
    source.selected.js_on_change("indices", _call("select_groups(cb_obj.indices)"))
    source.js_on_change("patching", _call("renamed()"))
    return {"clusters_table": table, "buttons": row(*map(_button, _ACTIONS))}


def _button(action):
    button = models.Button(label=_ACTIONS[action], width_policy="min")
    button.js_on_click(_call(f"{action}()"))
    return button


def object_views(objects, types, plots):
    """Draw known objects into the pictures; return the choice of their types."""
    size = 9 if len(objects) <= _MANY_OBJECTS else 6
    drawn, labels = [], []
    for kind, described in types.items():
        chosen = objects[objects["type"] == kind]
        labels.append(f"{described.description} ({len(chosen)})")
        columns = {name: np.asarray(chosen[name]) for name in ("x", "y", "name")}
        columns["type"] = [described.description] * len(chosen)
        source = models.ColumnDataSource(columns)
        style = {"fill_alpha": 0, "line_color": described.color, "line_width": 1.6}
        style |= {"marker": _MARKERS[described.symbol][0], "size": size}
        drawn.append([plot.scatter("x", "y", source=source, **style) for plot in plots])
    tooltips = [("name", "@name"), ("", "@type")]
    for plot, renderers in zip(plots, zip(*drawn, strict=True), strict=True):
        plot.add_tools(models.HoverTool(renderers=list(renderers), tooltips=tooltips))
    symbols = [  # before the name of each type
        f"label:nth-of-type({place}) span::before "
        f'{{ content: "{_MARKERS[described.symbol][1]} "; color: {described.color}; '
        "font-size: 1.3em; text-shadow: 0 0 1px #444 }"
        for place, described in enumerate(types.values(), start=1)
    ]
    boxes = models.CheckboxGroup(
        labels=labels,
        active=list(range(len(labels))),
        inline=True,
        sizing_mode="stretch_width",
        stylesheets=[_WRAPPED + " ".join(symbols)],
    )
    code = """for (let i = 0; i < drawn.length; i++)
        for (const each of drawn[i]) each.visible = cb_obj.active.includes(i)"""
    boxes.js_on_change("active", models.CustomJS(args={"drawn": drawn}, code=code))
    return {"object_types": boxes}


def document_of(views, arrays, facts):
    """Return a document of the views that starts page.js when it is drawn."""
    document = Document()
    for name, view in views.items():
        view.name = name
        document.add_root(view)
    data = {"arrays": arrays, "facts": facts}
    start = models.CustomJS(args=data, code="skesom.start(arrays, facts)")
    document.js_on_event(DocumentReady, start)
    return document

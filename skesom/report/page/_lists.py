# SPDX-License-Identifier: BSD-3-Clause
"""The lists of the page as Bokeh models: clusters and known objects."""

import numpy as np
from bokeh.layouts import row
from bokeh.models import (
    Button,
    CheckboxGroup,
    ColumnDataSource,
    CustomJS,
    DataTable,
    HoverTool,
    HTMLTemplateFormatter,
    NumberFormatter,
    StringEditor,
    TableColumn,
)

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
_WRAPPED = (
    ".bk-input-group { display: flex; flex-flow: row wrap; gap: 0 1.4em } "
    "label { white-space: nowrap } "
)
_SWATCH = (
    '<div style="width:1.1em;height:1.1em;margin:.15em auto;border-radius:3px;'
    'background:<%= value %>"></div>'
)


def table_views(n_clusters):
    """Return the table of the clusters and the buttons below it."""
    names = ("color", "name", "labels", "share", "selected")
    source = ColumnDataSource({name: [] for name in names})
    source.name = "clusters-source"
    table = DataTable(
        source=source,
        columns=[
            TableColumn(
                field="color",
                title="",
                width=34,
                formatter=HTMLTemplateFormatter(template=_SWATCH),
                sortable=False,
            ),
            TableColumn(field="name", title="name", width=170, editor=StringEditor()),
            TableColumn(field="labels", title="labels", width=60),
            TableColumn(
                field="share",
                title="% of pixels",
                width=75,
                formatter=NumberFormatter(format="0.0", text_align="right"),
            ),
            TableColumn(field="selected", title="selected", width=65),
        ],
        index_position=None,
        editable=True,
        sortable=False,
        reorderable=False,
        selectable="checkbox",
        height=min(40 + 26 * n_clusters, 420),
        sizing_mode="stretch_width",
    )
    source.selected.js_on_change(
        "indices", CustomJS(code="skesom.select_groups(cb_obj.indices)")
    )
    source.js_on_change("patching", CustomJS(code="skesom.renamed()"))
    actions = {
        "Merge": "merge",
        "Split": "split",
        "Clear selection": "clear",
        "Export names": "export_file",
    }
    buttons = []
    for label, action in actions.items():
        button = Button(label=label, name=f"{action}-button", width_policy="min")
        button.js_on_click(CustomJS(code=f"skesom.{action}()"))
        buttons.append(button)
    return {"clusters_table": table, "buttons": row(*buttons)}


def object_views(objects, types, plots):
    """Draw known objects into the pictures."""
    drawn = [[] for _ in types]
    labels = []
    for place, (kind, described) in enumerate(types.items()):
        chosen = objects[objects["type"] == kind]
        labels.append(f"{described.description} ({len(chosen)})")
        source = ColumnDataSource(
            {
                "x": np.asarray(chosen["x"], dtype=np.float64),
                "y": np.asarray(chosen["y"], dtype=np.float64),
                "name": [str(name) for name in chosen["name"]],
                "type": [described.description] * len(chosen),
            }
        )
        for plot in plots:
            drawn[place].append(
                plot.scatter(
                    "x",
                    "y",
                    source=source,
                    marker=_MARKERS[described.symbol][0],
                    size=9 if len(objects) <= _MANY_OBJECTS else 6,
                    fill_alpha=0,
                    line_color=described.color,
                    line_width=1.6,
                )
            )
    for plot, renderers in zip(plots, zip(*drawn, strict=True), strict=True):
        plot.add_tools(
            HoverTool(
                renderers=list(renderers), tooltips=[("name", "@name"), ("", "@type")]
            )
        )
    boxes = CheckboxGroup(
        labels=labels,
        active=list(range(len(labels))),
        inline=True,
        sizing_mode="stretch_width",
        stylesheets=[_letters_of(types.values())],
    )
    code = """for (let i = 0; i < drawn.length; i++)
        for (const each of drawn[i]) each.visible = cb_obj.active.includes(i)"""
    boxes.js_on_change("active", CustomJS(args={"drawn": drawn}, code=code))
    return {"object_types": boxes}


def _letters_of(types):
    """Return a style sheet that writes the symbol of each type before its name."""
    rules = [
        f"label:nth-of-type({place}) span::before "
        f'{{ content: "{_MARKERS[described.symbol][1]} "; color: {described.color}; '
        "font-size: 1.3em; text-shadow: 0 0 1px #444 }"
        for place, described in enumerate(types, start=1)
    ]
    return _WRAPPED + " ".join(rules)

# SPDX-License-Identifier: BSD-3-Clause
"""Mathematics as MathML, which browsers draw themselves: no script, no network."""

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml


def visit_inline(translator, node):
    """Write an inline formula."""
    translator.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def visit_display(translator, node):
    """Write a displayed formula, with its number if it has one."""
    tex = node.astext()
    if r"\\" in tex and r"\begin" not in tex:
        tex = rf"\begin{{aligned}}{tex}\end{{aligned}}"
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    if number := node["number"]:
        translator.body.append(f'<span class="eqno">({number})</span>')
    translator.body.append(tex2mathml(tex, as_block=True))
    translator.body.append("</div>")
    raise nodes.SkipNode


def setup(app):
    """Add the renderer."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}

# SPDX-License-Identifier: BSD-3-Clause
"""Displays at the end of a cell show one picture, as do estimators and cubes."""

import os

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = {
    "drawn": """
        from matplotlib.figure import Figure
        from skesom.displays import UMatrixDisplay
        UMatrixDisplay.from_predictions([[1, 2], [3, 4]])""",
    "kept": "display_ = UMatrixDisplay.from_predictions([[1, 2], [3, 4]])",
    "again": "display_",
    "own figure": """
        UMatrixDisplay.from_predictions([[1, 2]], ax=Figure().add_subplot())""",
    "not drawn": "UMatrixDisplay([1], None)",
}


@pytest.fixture(scope="module")
def outputs():
    """All pictures, and texts that stand for one, of each cell."""
    sources = ["\n".join(map(str.strip, each.splitlines())) for each in CELLS.values()]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    backend = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    NotebookClient(notebook, timeout=300).execute(env={**os.environ, **backend})
    return dict(zip(CELLS, (cell.outputs for cell in notebook.cells), strict=True))


@pytest.mark.parametrize("name", ["drawn", "kept", "again", "own figure"])
def test_a_display_is_one_picture(outputs, name):
    pictures = [each for each in outputs[name] if "image/png" in each.get("data", {})]
    assert len(pictures) == 1
    texts = [each["data"]["text/plain"] for each in outputs[name]]
    assert not any(" object at 0x" in text or " at 0x" in text for text in texts)


def test_what_is_not_drawn_has_a_name_only(outputs):
    (output,) = outputs["not drawn"]
    assert output["data"] == {"text/plain": "<UMatrixDisplay>"}

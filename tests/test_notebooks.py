# SPDX-License-Identifier: BSD-3-Clause
"""The notebooks of the examples run from the first cell to the last, without a warning.

They are kept without outputs, so that a change can be read.
"""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "examples" / "notebooks"
PATHS = [FOLDER / f"{name}.ipynb" for name in ("galaxy", "table", "teaching")]
INLINE = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}


def test_all_notebooks_are_known():
    assert sorted(FOLDER.glob("*.ipynb")) == PATHS


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_is_kept_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith("# ")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
        assert cell.metadata == {}


@pytest.mark.long
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_runs_without_a_warning(path):
    notebook = nbformat.read(path, as_version=4)
    first = "import warnings\n\nwarnings.simplefilter('error')"
    last = "warnings.simplefilter('ignore')"  # those of a kernel that ends
    notebook.cells.insert(0, nbformat.v4.new_code_cell(first))
    notebook.cells.append(nbformat.v4.new_code_cell(last))
    client = NotebookClient(notebook, timeout=300)
    client.execute(env={**os.environ, **INLINE})
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    assert [each.text for each in outputs if each.get("name") == "stderr"] == []
    assert all(cell.execution_count for cell in cells)
    assert any("image/png" in output.get("data", {}) for output in outputs)

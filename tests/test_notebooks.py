# SPDX-License-Identifier: BSD-3-Clause
"""The notebooks of the examples run from the first cell to the last, without a warning.

They are kept with their outputs, for readers who do not run them; execute.py beside
them makes these again.
"""

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "examples" / "notebooks"
PATHS = [FOLDER / f"{name}.ipynb" for name in ("galaxy", "table", "teaching")]
INLINE = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}


def test_all_notebooks_are_known():
    assert sorted(FOLDER.glob("*.ipynb")) == PATHS


def kinds(cell):
    """Return what kinds of outputs a cell has, without repetition."""
    return {
        "picture" if "image/png" in output.get("data", {}) else output.output_type
        for output in cell.outputs
    }


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_is_kept_with_its_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert path.stat().st_size < 300_000
    assert notebook.cells[0].source.startswith("# ")
    assert all(cell.metadata == {} for cell in notebook.cells)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    assert not [
        out for cell in cells for out in cell.outputs if "stderr" in out.values()
    ]
    draws = re.compile(r"Display\.from_|^draw_|plt\.", flags=re.M)
    of_pictures = [cell for cell in cells if draws.search(cell.source)]
    assert len(of_pictures) >= 3
    assert not [cell.source for cell in of_pictures if "picture" not in kinds(cell)]


@pytest.mark.long
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_runs_without_a_warning(path):
    notebook = nbformat.read(path, as_version=4)
    kept = [kinds(cell) for cell in notebook.cells if cell.cell_type == "code"]
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
    assert [kinds(cell) for cell in cells[1:-1]] == kept

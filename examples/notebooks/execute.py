# SPDX-License-Identifier: BSD-3-Clause
"""Execute the notebooks of this folder, and keep their outputs small.

    python examples/notebooks/execute.py

Pictures get a palette of 64 colors, which halves them and more. What only a browser
shows (the HTML of estimators, which repeats its style for each) is left out where it is
long.
"""

import base64
import io
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

LONG = 20_000  # characters of HTML; tables have less


def shrink(data):
    """Shrink what one output holds, in place."""
    if len(data.get("text/html", "")) > LONG:
        del data["text/html"]
    if "image/png" in data:
        image = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
        small = io.BytesIO()
        image.convert("RGB").quantize(64).save(small, "PNG", optimize=True)
        data["image/png"] = base64.b64encode(small.getvalue()).decode()


def main():
    """Execute all notebooks, each in a kernel of its own."""
    for path in sorted(Path(__file__).parent.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        about = notebook.metadata.copy()
        NotebookClient(notebook, timeout=300, record_timing=False).execute()
        notebook.metadata = about  # without the version of this Python
        for cell in notebook.cells:
            for output in cell.get("outputs", ()):
                shrink(output.get("data", {}))
        nbformat.write(notebook, path)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: BSD-3-Clause
"""Write the models that every later version must read.

    python tests/report/models/write.py

``test_stored_models.py`` reads them. Files of a version that is out stay as they are;
a new version may add files beside them, in a folder with its number.
"""

from pathlib import Path

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom import CSOM, ESOM, MapClassifier, __version__
from skesom.report import save_model


def main():
    """Write models, and a table with what they predict for it."""
    folder = Path(__file__).with_name(__version__)
    folder.mkdir(exist_ok=True)
    y = np.repeat(np.arange(3), 20)
    X = np.random.default_rng(0).normal(size=(60, 3)) + 5 * y[:, None]
    X[::9, 1] = np.nan
    models = {
        "esom": ESOM(3, epsilon=2.0, random_state=0),
        "csom": CSOM(3, shape=(3, 3), init="random", random_state=0),
        "pipeline": make_pipeline(StandardScaler(), CSOM(3, shape=(3, 3))),
        "classifier": MapClassifier(ESOM(epsilon=2.0, random_state=0)),
    }
    arrays = {"X": X.astype(np.float32)}
    for name, model in models.items():
        model.fit(arrays["X"], y)
        save_model(folder / f"{name}.skops", model, overwrite=True)
        arrays[name] = model.predict(arrays["X"]).astype(np.int8)
    np.savez_compressed(folder / "predicted.npz", **arrays)


if __name__ == "__main__":
    main()

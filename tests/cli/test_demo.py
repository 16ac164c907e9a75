# SPDX-License-Identifier: BSD-3-Clause
"""``skesom demo``: the scene, its files, the job, the truth."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from skesom.datasets import POPULATIONS
from skesom.io import read_map

RESULTS = ["cluster_map.fits", "clusters.ecsv", "provenance.json"]


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


class TestDemo:
    """The scene, its files, the job, and the agreement with the truth."""

    def test_end_to_end(self, quick, tmp_path):
        folder = tmp_path / "demo"
        out = quick.ok("demo", "--size", 64, "-o", folder, "--runs", 3)
        assert names_in(tmp_path) == ["demo"]
        assert {*RESULTS, "images", "truth.fits"} < set(names_in(folder))
        assert len(names_in(folder / "images")) == 9
        labels, _ = read_map(folder / "cluster_map.fits")
        truth, _ = read_map(folder / "truth.fits")
        assert labels.shape == truth.shape == (64, 64)
        (line,) = [line for line in out if "adjusted Rand index" in line]
        known = (labels >= 0) & (truth >= 0)
        expected = adjusted_rand_score(truth[known], labels[known])
        assert line == f"Agreement with the truth, adjusted Rand index: {expected:.3f}"
        assert expected > 0.2
        first = out.index("What the clusters hold:") + 1
        for label, line in enumerate(out[first : first + labels.max() + 1]):
            inside = truth[(labels == label) & (truth >= 0)]
            main = np.bincount(inside).argmax()
            share = np.mean(inside == main)
            assert line.startswith(f"  {label}: {share:.0%} {POPULATIONS[main]}")
        for file in RESULTS:
            assert f"  {folder / file}" in out

    def test_is_used_again_only_when_told_so(self, run, repeat, tmp_path, fast):
        command = ["demo", "--size", 32, "-o", tmp_path / "demo", *fast]
        assert run(*command)[0] == 0
        repeat(tmp_path / "demo")
        line = run.fails(*command)
        assert "is not empty" in line
        assert run(*command, "--overwrite", "--random-state", 1)[0] == 0
        assert len(names_in(tmp_path / "demo" / "images")) == 9

    @pytest.mark.parametrize(
        ("options", "part"),
        [
            (["--size", 10], "at least 32 x 32"),
            (["--size", "big"], "argument --size"),
            (["--set", "learning_rate=2"], "'learning_rate' parameter of ESOM"),
            (["--n-clusters", 5000], "--n-clusters 5000"),
        ],
    )
    def test_failure_leaves_nothing(self, run, tmp_path, options, part):
        out = tmp_path / "new" / "demo"
        status, _, (line,) = run("demo", "--size", 32, "-o", out, *options)
        assert status == 2
        assert line.startswith("skesom demo: error: ")
        assert part in line
        assert names_in(tmp_path) == []

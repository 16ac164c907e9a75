# SPDX-License-Identifier: BSD-3-Clause
"""The command as a program of its own."""

import subprocess
import sys

RESULTS = {"cluster_map.fits", "clusters.ecsv", "provenance.json"}


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


class TestProcess:
    """The command as a program of its own."""

    def test_no_progress_bar_in_a_pipe(self, bands, tmp_path):
        command = [sys.executable, "-m", "skesom.cli", "cluster", *map(str, bands)]
        options = ["--runs", "2", "--n-clusters", "3", "--no-pictures"]
        done = subprocess.run(
            [*command, "-o", "out", *options],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        assert done.returncode == 0
        assert "3 clusters:" in done.stdout
        assert set(names_in(tmp_path / "out")) > RESULTS

    def test_a_progress_bar_on_a_terminal(self, quick, bands, tmp_path, monkeypatch):
        monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
        status, _, err = quick("cluster", *bands, "-o", tmp_path / "out", "--runs", 3)
        assert status == 0
        assert any("ConsensusClusterer" in line and "3/3" in line for line in err)
        assert not any("ESOM" in line for line in err)
        status, _, err = quick("cluster", *bands, "-o", tmp_path / "one", "--runs", 1)
        assert status == 0
        assert any("ESOM" in line and "sample" in line for line in err)

    def test_ctrl_c_ends_quietly(self, run, bands, tmp_path, monkeypatch):
        def interrupt(*args, **kwargs):
            raise KeyboardInterrupt

        monkeypatch.setattr("skesom.som.ESOM.fit", interrupt)
        status, out, err = run("cluster", *bands, "-o", tmp_path / "out")
        assert (status, out, err) == (130, [], ["skesom cluster: interrupted"])
        assert names_in(tmp_path) == []

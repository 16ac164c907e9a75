# SPDX-License-Identifier: BSD-3-Clause
"""The command as a program of its own."""

import subprocess
import sys

RESULTS = {"cluster_map.fits", "clusters.ecsv", "provenance.json"}


def test_no_progress_bar_in_a_pipe(bands, fast, tmp_path):
    command = [sys.executable, "-m", "skesom.cli", "cluster", *map(str, bands)]
    done = subprocess.run(
        [*command, "-o", "out", "--n-clusters", "3", *fast],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    assert "3 clusters:" in done.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} > RESULTS


def test_a_progress_bar_on_a_terminal(run, bands, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)

    def end(*_, **__):
        raise OSError("enough")

    monkeypatch.setattr("skesom.runs.Run.write", end)  # what follows has no bars
    _, _, err = run("cluster", *bands, "-o", tmp_path / "out", "--runs", 3)
    assert any("ConsensusClusterer" in line and "3/3" in line for line in err)
    assert not any("ESOM" in line for line in err)
    _, _, err = run("cluster", *bands, "-o", tmp_path / "out", "--runs", 1)
    assert any("ESOM" in line and "sample" in line for line in err)


def test_ctrl_c_ends_quietly(run, bands, tmp_path, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("skesom.som.ESOM.fit", interrupt)
    status, out, err = run("cluster", *bands, "-o", tmp_path / "out", "--no-pictures")
    assert (status, out, err) == (130, [], ["skesom cluster: interrupted"])
    assert [*tmp_path.iterdir()] == []

# SPDX-License-Identifier: BSD-3-Clause
"""``--samp``: without a hub the result stays, and a line says what to start."""

import pytest


@pytest.fixture(autouse=True)
def _no_hub(tmp_path, monkeypatch):
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(tmp_path / 'none').as_uri()}")


@pytest.fixture
def sent(monkeypatch):
    """What would be sent."""
    calls = []

    def send(folder, images):
        calls.append((str(folder), [path.name for path in images]))
        return ["DS9", "TOPCAT"]

    monkeypatch.setattr("skesom.report._samp.send_result", send)
    return calls


def test_no_hub(run, bands, fast, tmp_path):
    folder = tmp_path / "result"
    status, _, errors = run("cluster", *bands, "-o", folder, *fast, "--samp")
    assert status == 0
    assert (folder / "provenance.json").is_file()
    assert [line for line in errors if "No SAMP hub is running" in line] == errors[-1:]


def test_cluster_predict_and_explore(run, quick, bands, fast, tmp_path, sent):
    folder, other = str(tmp_path / "result"), str(tmp_path / "other")
    lines = run.ok("cluster", *bands, "-o", folder, *fast, "--samp")
    assert lines[-1] == "Sent to DS9, TOPCAT."
    quick("predict", folder, *bands, "-o", other, "--trust", "--samp")
    run("explore", folder, "--trust", "--samp")
    middle = [sorted(path.name for path in bands)[1]]
    assert sent == [(folder, middle), (other, middle), (folder, middle)]

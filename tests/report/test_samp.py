# SPDX-License-Identifier: BSD-3-Clause
"""Results go to other programs over a hub on this machine."""

import re
import warnings
from pathlib import Path

import pytest
from astropy.table import Table

from skesom.report._samp import send_result

with warnings.catch_warnings(action="ignore"):  # astropy 8 means to give it up
    from astropy.samp import SAMPHubServer, SAMPIntegratedClient, conf

KINDS = "image.load.fits", "ds9.set", "table.load.votable", "table.load.fits"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub that only this test knows."""
    lock = tmp_path / "hub with a blank"
    with conf.set_temp("use_internet", False):
        server = SAMPHubServer(web_profile=False, lockfile=str(lock), addr="127.0.0.1")
        server.start()
        monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{lock.as_uri()}")
        yield server
        server.stop()


@pytest.fixture
def program(hub):
    """A program that takes everything; a list of what it got."""
    client = SAMPIntegratedClient(name="DS9", addr="127.0.0.1")
    client.connect()
    got = []

    def receive(key, sender, message, kind, parameters, extra):
        got.append((kind, parameters))
        client.reply(message, {"samp.status": "samp.ok", "samp.result": {}})

    for kind in KINDS:
        client.bind_receive_call(kind, receive)
    yield got
    client.disconnect()


def test_everything_arrives_in_its_order(program, report, source):
    folder = report["cluster_map.fits"].parent
    assert send_result(folder, source.files[:1]) == ["DS9"]
    kinds = [kind for kind, _ in program]
    images = [parameters["url"] for kind, parameters in program if "image" in kind]
    assert images == [
        Path(source.files[0]).resolve().as_uri(),
        (folder / "cluster_map.fits").as_uri(),
    ]
    # Commands are about the last image.
    assert kinds[:2] == ["image.load.fits"] * 2
    commands = [p["cmd"] for kind, p in program if kind == "ds9.set"]
    for start, name in (("cmap", "cluster_map.lut"), ("regions", "regions/all.reg")):
        command = next(text for text in commands if text.startswith(start))
        assert Path(re.search(r"\{(.*)\}", command)[1]) == folder / name
    # Four clusters and two kinds of pixels in none.
    assert "scale limits -2.5 3.5" in commands
    tables = [parameters["url"] for kind, parameters in program if "table" in kind]
    pieces, clusters = (Path(url.removeprefix("file://")) for url in tables)
    assert len(Table.read(pieces, format="votable")) > 0
    assert len(Table.read(clusters, hdu=1)) == 4


def test_a_program_that_fails_is_named(hub, report):
    client = SAMPIntegratedClient(name="TOPCAT", addr="127.0.0.1")
    client.connect()

    def refuse(key, sender, message, kind, parameters, extra):
        error = {"samp.errortxt": "no memory"}
        client.reply(message, {"samp.status": "samp.error", "samp.error": error})

    client.bind_receive_call("table.load.votable", refuse)
    try:
        with pytest.raises(OSError, match=r"TOPCAT .*no memory"):
            send_result(report["cluster_map.fits"].parent)
    finally:
        client.disconnect()


def test_nobody_listens(hub, report):
    with pytest.raises(OSError, match="No program at the SAMP hub"):
        send_result(report["cluster_map.fits"].parent)


def test_no_hub(report, tmp_path, monkeypatch):
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(tmp_path / 'none').as_uri()}")
    with pytest.raises(OSError, match=r"No SAMP hub is running.*Start TOPCAT"):
        send_result(report["cluster_map.fits"].parent)

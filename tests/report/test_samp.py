# SPDX-License-Identifier: BSD-3-Clause
"""Results go to other programs over a hub on this machine."""

import re
import socket
import warnings
from pathlib import Path
from threading import Thread
from xmlrpc.client import ServerProxy
from xmlrpc.server import SimpleXMLRPCServer

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


@pytest.fixture
def folder(plain_report):
    """A folder of results."""
    return plain_report["cluster_map.fits"].parent


def test_everything_arrives_in_its_order(program, folder, source):
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


def test_a_program_that_fails_is_named(hub, folder):
    client = SAMPIntegratedClient(name="TOPCAT", addr="127.0.0.1")
    client.connect()

    def refuse(key, sender, message, kind, parameters, extra):
        error = {"samp.errortxt": "no memory"}
        client.reply(message, {"samp.status": "samp.error", "samp.error": error})

    client.bind_receive_call("table.load.votable", refuse)
    try:
        with pytest.raises(OSError, match=r"TOPCAT .*no memory"):
            send_result(folder)
    finally:
        client.disconnect()


def test_a_late_reply_is_of_its_own_message(hub, folder):
    """Each message waits for the reply to it, and takes no other one."""
    client, messages = SAMPIntegratedClient(name="DS9", addr="127.0.0.1"), []
    client.connect()

    def receive(key, sender, message, kind, parameters, extra):
        messages.append(message)
        failed = {"samp.status": "samp.error", "samp.error": {"samp.errortxt": "late"}}
        if len(messages) > 1:
            client.reply(messages[-2], failed)  # once more
        client.reply(message, {"samp.status": "samp.ok", "samp.result": {}})

    for kind in KINDS:
        client.bind_receive_call(kind, receive)
    try:
        assert send_result(folder) == ["DS9"]
    finally:
        client.disconnect()


_ANSWERS = {  # of a hub that lies
    "register": {
        "samp.self-id": "c1",
        "samp.hub-id": "hub",
        "samp.private-key": "key",
    },
    "getSubscribedClients": {"program": {}},
    "getMetadata": {"samp.name": "DS9"},
}


@pytest.fixture
def lying_hub(tmp_path, monkeypatch):
    """A function that starts a hub with some answers of its own; a list of calls."""
    servers, calls = [], []

    def start(**answers):
        server = SimpleXMLRPCServer(
            ("127.0.0.1", 0), allow_none=True, logRequests=False
        )

        class Hub:
            def _dispatch(self, method, parameters):
                name = method.rpartition(".")[2]
                calls.append(name)
                answer = {**_ANSWERS, **answers}.get(name, "")
                return answer(*parameters) if callable(answer) else answer

        server.register_instance(Hub())
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        lock = tmp_path / "lock"
        url = f"http://127.0.0.1:{server.server_address[1]}"
        lock.write_text(f"samp.secret=x\nsamp.hub.xmlrpc.url={url}\n")
        monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{lock.as_uri()}")
        return calls

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    "answers",
    [
        {"register": 7},
        {"register": {}},
        {"register": "x" * 1_000_000},
        {"getSubscribedClients": 7},
        {"getSubscribedClients": ["a", ["b"]]},
        {"getMetadata": 7},
        {"getMetadata": {"samp.name": {"a": [7]}}, "call": lambda *_: 1 / 0},
        {"ping": lambda *_: 1 / 0},
        {"call": lambda *_: 1 / 0},
        {"unregister": lambda *_: 1 / 0},
        {"getSubscribedClients": {}, "unregister": 7},
        {"getSubscribedClients": {str(n): {} for n in range(10_000)}},
    ],
)
def test_a_hub_that_lies_ends_in_one_line(
    lying_hub, folder, monkeypatch, answers, capfd
):
    monkeypatch.setattr("skesom.report._samp._TIMEOUT", 0.2)
    lying_hub(**answers)
    with pytest.raises((OSError, ValueError)) as caught:
        send_result(folder)
    assert len(str(caught.value)) < 1000
    assert "\n" not in str(caught.value)
    assert re.search("SAMP hub|did not reply|not take", str(caught.value))


@pytest.mark.parametrize(
    "reply", [7, "", {}, {"samp.status": "samp.error"}, {"samp.status": [1]}]
)
def test_a_reply_that_is_none(lying_hub, folder, monkeypatch, reply):
    """The hub gives a reply at once, in the name of the program."""
    kept = {}

    def remember(key, address, *_):
        kept["client"] = ServerProxy(address)
        return ""

    def call(key, program, tag, message):
        kept["client"].samp.client.receiveResponse("key", program, tag, reply)
        return "message"

    lying_hub(setXmlrpcCallback=remember, call=call)
    monkeypatch.setattr("skesom.report._samp._TIMEOUT", 0.5)
    with pytest.raises((OSError, ValueError), match=r"SAMP hub|DS9"):
        send_result(folder)


def test_a_hub_that_never_answers(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("skesom.report._samp._TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        lock = tmp_path / "lock"
        lock.write_text(f"samp.secret=x\nsamp.hub.xmlrpc.url={url}\n")
        monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{lock.as_uri()}")
        with pytest.raises(OSError, match="SAMP hub"):
            send_result(folder)
    assert socket.getdefaulttimeout() is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        *((text, "SAMP hub") for text in ("a=b=c", "no", "\0")),
        ("samp.hub.xmlrpc.url=file:///a", "SAMP hub"),
        (None, "No SAMP hub is running.*Start TOPCAT"),
    ],
)
def test_a_lock_file_that_is_none(folder, tmp_path, monkeypatch, text, told):
    if text is not None:
        (tmp_path / "lock").write_text(text)
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(tmp_path / 'lock').as_uri()}")
    with pytest.raises((OSError, ValueError), match=told):
        send_result(folder)


def test_nobody_listens(hub, folder):
    with pytest.raises(OSError, match="No program at the SAMP hub"):
        send_result(folder)

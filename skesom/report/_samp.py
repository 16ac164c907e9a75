# SPDX-License-Identifier: BSD-3-Clause
"""A result in DS9, TOPCAT and Aladin, by messages of SAMP."""

import re
import socket
import warnings
from functools import partial
from pathlib import Path
from queue import Empty, Queue

from skesom.displays._colors import MISSING_COLOR
from skesom.report._json_values import whole
from skesom.report._pieces import COLOR_MAP, TABLES

_MOST_PROGRAMS = 20
_TIMEOUT = 30  # seconds for a program to load a file


def send_result(folder, images=()):
    """Send the files of a result to the programs that are running.

    Parameters
    ----------
    folder : str or os.PathLike
        A folder of results.
    images : sequence of str or os.PathLike, default=()
        FITS images to show beside the map.

    Returns
    -------
    programs : list of str
        Names of the programs that took something.

    Raises
    ------
    OSError
        If no hub or no program that takes images or tables is running, or one fails.
    ValueError
        If the hub does not answer as one.
    """
    with warnings.catch_warnings(action="ignore"):  # astropy 8 means to give it up
        from astropy.samp import SAMPHubError, SAMPIntegratedClient, conf

    with conf.set_temp("use_internet", False):
        client = SAMPIntegratedClient(name="skesom", addr="127.0.0.1")
    before = socket.getdefaulttimeout()
    try:
        socket.setdefaulttimeout(_TIMEOUT)  # for a hub that never answers
        with whole("The SAMP hub", "gives no proper answers"):
            try:
                client.connect()
            except SAMPHubError as error:
                text = "No SAMP hub is running, so nothing was sent. Start TOPCAT, "
                text += "Aladin or DS9, and then: skesom explore DIR --samp --overwrite"
                raise OSError(text) from error
            try:
                taken = _sent(client, Path(folder).resolve(), images)
            finally:
                client.disconnect()
    except (ConnectionError, TimeoutError) as error:
        raise OSError(f"The SAMP hub does not answer any more: {error}.") from error
    finally:
        socket.setdefaulttimeout(before)
    if not taken:
        raise OSError("No program at the SAMP hub takes images or tables. Start DS9.")
    return taken


def _sent(client, folder, images):
    """Send all messages one by one; return the names of the programs that took any."""
    taken = {}
    for number, (kind, parameters) in enumerate(_messages(folder, images)):
        message = {"samp.mtype": kind, "samp.params": parameters}
        for program in [*client.get_subscribed_clients(kind)][:_MOST_PROGRAMS]:
            # One after the other: commands to DS9 are about the last image. A late
            # reply is to the tag of another message.
            name = str(client.get_metadata(program).get("samp.name", program))[:80]
            tag, replies = f"skesom {number} {program}", Queue()
            keep = partial(lambda replies, *reply: replies.put(reply[-1]), replies)
            client.bind_receive_response(tag, keep)
            client.call(program, tag, message)
            try:
                reply = replies.get(timeout=_TIMEOUT)
            except Empty as error:
                text = f"{name} did not reply in {_TIMEOUT} seconds."
                raise OSError(text) from error
            taken[name] = None
            if reply["samp.status"] != "samp.ok":
                reason = reply["samp.error"].get("samp.errortxt", "it failed")
                raise OSError(f"{name} did not take {kind}: {reason!s:.200}")
    return list(taken)


def _messages(folder, images):
    """Yield the kind and the parameters of each message; the map is the last image."""
    cluster_map = folder / "cluster_map.fits"
    for path in [*(Path(image).resolve() for image in images), cluster_map]:
        yield "image.load.fits", {"url": path.as_uri(), "name": path.stem}
    colors, regions = folder / COLOR_MAP, folder / "regions" / "all.reg"
    limits = re.search(r"-scale limits (\S+ \S+)", colors.read_text(encoding="ascii"))
    commands = [f"cmap load {{{colors}}}", "scale linear", f"scale limits {limits[1]}"]
    commands.append(f"nan {MISSING_COLOR}")
    if regions.exists():
        commands.append(f"regions load {{{regions}}}")
    for command in commands:
        yield "ds9.set", {"cmd": command}
    pieces = folder / TABLES[1]
    if pieces.exists():
        place = {"url": pieces.as_uri(), "table-id": str(pieces)}
        yield "table.load.votable", place | {"name": f"pieces of {folder.name}"}
    # Its table of the clusters.
    place = {"url": cluster_map.as_uri(), "table-id": str(cluster_map)}
    yield "table.load.fits", place | {"name": f"clusters of {folder.name}"}

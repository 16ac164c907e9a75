# SPDX-License-Identifier: BSD-3-Clause
"""A result in DS9, TOPCAT and Aladin, by messages of SAMP."""

import re
import warnings
from pathlib import Path
from queue import Empty, Queue

from skesom.displays import MISSING_COLOR
from skesom.report._pieces import COLOR_MAP, TABLES

_TAG = "skesom"
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
        If no hub or no program that takes images or tables is running.
    """
    with warnings.catch_warnings(action="ignore"):  # astropy 8 means to give it up
        from astropy.samp import SAMPHubError, SAMPIntegratedClient, conf

    with conf.set_temp("use_internet", False):
        client = SAMPIntegratedClient(name="skesom", addr="127.0.0.1")
    try:
        client.connect()
    except SAMPHubError as error:
        raise OSError(
            "No SAMP hub is running, so nothing was sent. Start TOPCAT, Aladin or DS9, "
            "and then: skesom explore DIR --samp --overwrite"
        ) from error
    taken, replies = {}, Queue()
    try:
        client.bind_receive_response(_TAG, lambda *reply: replies.put(reply[-1]))
        for kind, parameters in _messages(Path(folder).resolve(), images):
            message = {"samp.mtype": kind, "samp.params": parameters}
            for program in client.get_subscribed_clients(kind):
                # One after the other: commands to DS9 are about the last image.
                name = client.get_metadata(program).get("samp.name", program)
                client.call(program, _TAG, message)
                reply = replies.get(timeout=_TIMEOUT)
                taken[name] = None
                if reply["samp.status"] != "samp.ok":
                    reason = reply["samp.error"].get("samp.errortxt", "it failed")
                    raise OSError(f"{name} did not take {kind}: {reason}")
    except Empty as error:
        raise OSError(f"{name} did not reply in {_TIMEOUT} seconds.") from error
    finally:
        client.disconnect()
    if not taken:
        raise OSError("No program at the SAMP hub takes images or tables. Start DS9.")
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

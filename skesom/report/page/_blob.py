# SPDX-License-Identifier: BSD-3-Clause
"""Arrays as text that a browser can unpack."""

import base64
import json
import struct
import zlib

import numpy as np


def pack(arrays, facts):
    """Return arrays and facts as compressed text."""
    entries, parts, start = {}, [], 0
    for name, array in arrays.items():
        array = np.ascontiguousarray(array)
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        content = array.tobytes()
        if array.itemsize == 2:
            content = content[::2] + content[1::2]
        entries[name] = {
            "dtype": array.dtype.name,
            "shape": array.shape,
            "start": start,
            "bytes": len(content),
        }
        parts.append(content)
        start += len(content)
    header = json.dumps({"arrays": entries, "facts": facts}).encode()
    packer = zlib.compressobj(6)
    packed = [packer.compress(struct.pack("<I", len(header)) + header)]
    packed += [packer.compress(part) for part in parts]
    packed.append(packer.flush())
    return base64.b64encode(b"".join(packed)).decode("ascii")

# SPDX-License-Identifier: BSD-3-Clause
"""Changes that make bad files of good ones; each takes the bytes and a generator."""

import gzip
import io
import json
import re
import zipfile
import zlib

import numpy as np

CARD, BLOCK = 80, 2880
NUMBERS = (
    "0 1 -1 2 3 7 8 16 -32 -64 99 999 1000 -2880 32767 65536 2147483647 2147483648 "
    "-2147483648 4294967296 9223372036854775807 -9223372036854775808 1e99 1e300 -1e300 "
    "1e308 1e-300 1e400 .5 -0. 1.5 123456789012345678901234567890 1E5 3D5 1e-30"
).split()
WORDS = (
    "nan inf -inf True F T None null - -- ... $ $\\foo$ \\ %s {} {0} [] ' \" ; | # "
    "\x00 evilmod.Trap os.system antigravity.fly sklearn.utils.all_estimators "
    "builtins.eval ../../x /etc/passwd CON a,b \u03b1 \u4e2d \U0001f600 \ud7ff "
    "deg mag Jy AA pix RA---TAN DEC--TAN GLON-CAR FREQ WAVE-TAB VELO "
    "XTENSION BINTABLE IMAGE CIRCLE box ellipse polygon annulus point image fk5"
).split(" ")
VALUES = (*NUMBERS, *WORDS)
CARDS = (
    "NAXIS NAXIS1 NAXIS2 NAXIS3 BITPIX PCOUNT GCOUNT BSCALE BZERO BLANK GROUPS SIMPLE "
    "EXTEND EXTNAME EXTVER INHERIT TFIELDS TFORM1 TDIM1 TTYPE1 TUNIT1 TNULL1 TSCAL1 "
    "THEAP ZIMAGE ZNAXIS ZNAXIS1 ZNAXIS2 ZTILE1 ZTILE2 ZBITPIX ZCMPTYPE ZNAME1 ZVAL1 "
    "ZQUANTIZ ZDITHER0 ZBLANK ZSCALE ZZERO WCSAXES CTYPE1 CTYPE2 CTYPE3 CUNIT1 CUNIT3 "
    "CRVAL1 CRVAL2 CRVAL3 CRPIX1 CRPIX2 CDELT1 CDELT2 CDELT3 CD1_1 CD1_2 CD2_2 PC1_1 "
    "PC1_2 PV1_1 PV2_1 PS3_0 LONPOLE LATPOLE EQUINOX RADESYS SPECSYS RESTFRQ RESTWAV "
    "A_ORDER B_ORDER AP_ORDER A_0_2 CPDIS1 DP1 D2IMDIS1 AMDX1 PLTRAH PPO3 MJD-OBS "
    "DATE-OBS FILTER FILTER1 FILTNAM1 BAND BUNIT FWHM BMAJ BMIN PHOTFLAM PHOTPLAM "
    "PHOTFNU MAGZERO MAGSYS EXPTIME SPECVAL SPECUNIT WAVELEN WAVEUNIT PIXVALUE UTYPE "
    "CHECKSUM DATASUM END CONTINUE COMMENT HISTORY HIERARCH TELESCOP INSTRUME SKYLABEL"
).split()
_TOKEN = re.compile(rb"[-+]?\d+\.?\d*(?:[eEdD][-+]?\d+)?|[A-Za-z_]\w*")
_DEPTH = 3000


def pick(rng, values):
    return values[int(rng.integers(len(values)))]


def value(rng, values=VALUES):
    """Return a hostile value, or now and then any number or, among texts, any text."""
    kind = rng.random()
    if kind < 0.1:
        return str(rng.integers(-(2**63), 2**63 - 1) >> rng.integers(64))
    if kind < 0.2:
        return repr(float(np.frombuffer(rng.bytes(8))[0]))
    if kind < 0.25 and values is not NUMBERS:
        return rng.integers(32, 127, rng.integers(20)).astype("u1").tobytes().decode()
    return pick(rng, values)


def flip_bits(data, rng):
    data = bytearray(data)
    for place in rng.integers(0, max(len(data), 1), rng.integers(1, 9)):
        if data:
            data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def set_bytes(data, rng):
    data = bytearray(data)
    start = int(rng.integers(0, len(data) + 1))
    n = int(rng.integers(1, 17))
    data[start : start + n] = bytes([pick(rng, (0, 255, 127, 128, 32, 10))]) * n
    return bytes(data)


def cut_end(data, rng):
    return data[: int(rng.integers(0, len(data) + 1))]


def copy_block(data, rng):
    """Put a part of the file somewhere else, once or many times."""
    size = int(pick(rng, (1, 8, CARD, 1000, BLOCK)))
    source, place = (int(rng.integers(0, len(data) + 1)) for _ in "ab")
    if rng.random() < 0.5 and size in (CARD, BLOCK):
        source, place = source // size * size, place // size * size
    block = data[source : source + size] * int(pick(rng, (1, 1, 1, 2, 50)))
    skipped = size if rng.random() < 0.5 else 0
    return data[:place] + block + data[place + skipped :]


def drop_block(data, rng):
    size = int(pick(rng, (1, 8, CARD, BLOCK)))
    place = int(rng.integers(0, len(data) + 1))
    return data[:place] + data[place + size :]


def _headers(data):
    """Return the places of all cards of headers, where they are in order."""
    places, start = [], 0
    while data[start : start + 8] in (b"SIMPLE  ", b"XTENSION"):
        while start < len(data) and data[start : start + 8] != b"END     ":
            places.append(start)
            start += CARD
        start = -(-(start + CARD) // BLOCK) * BLOCK
        while start < len(data) and data[start : start + 8] != b"XTENSION":
            start += BLOCK
    return places


def edit_cards(data, rng):
    """Give cards hostile values, or put hostile cards in the place of others."""
    places = _headers(data)
    if not places:
        return set_bytes(data, rng)
    data = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        place = pick(rng, places)
        name = bytes(data[place : place + 8]).decode("latin-1")
        if rng.random() < 0.5:
            name = pick(rng, CARDS)
            same = [p for p in places if data[p : p + 8].strip() == name.encode()]
            place = pick(rng, same) if same else place
        text = value(rng)
        if text not in NUMBERS and rng.random() < 0.8:
            text = "'" + text.replace("'", "''") + "'"
        card = f"{name:<8.8}= {text:>20} / [pix] \u00e4".encode("latin-1", "replace")
        data[place : place + CARD] = card[:CARD].ljust(CARD)
    return bytes(data)


def edit_tokens(data, rng):
    """Replace numbers and words of a text."""
    tokens = list(_TOKEN.finditer(data))
    for _ in range(int(rng.integers(1, 4))):
        if not tokens:
            return set_bytes(data, rng)
        token = tokens.pop(int(rng.integers(len(tokens))))
        tokens = [each for each in tokens if each.end() <= token.start()]
        is_number = token[0][-1:].isdigit() or rng.random() < 0.3
        new = value(rng, NUMBERS if is_number else VALUES).encode()
        if rng.random() < 0.1:  # a list of another length
            new = pick(rng, (b"", new + b"," + token[0], new + b"|" + token[0]))
        data = data[: token.start()] + new + data[token.end() :]
    return data


def edit_lines(data, rng):
    """Drop, repeat, swap, join and lengthen lines."""
    lines = data.splitlines(keepends=True) or [b""]
    one, other = (int(rng.integers(len(lines))) for _ in "ab")
    kind = int(rng.integers(6))
    if kind == 0:
        del lines[one]
    elif kind == 1:
        lines[one] = lines[one] * int(pick(rng, (2, 3, 300)))
    elif kind == 2:
        lines[one], lines[other] = lines[other], lines[one]
    elif kind == 3:
        lines[one] = lines[one].rstrip(b"\r\n")
    elif kind == 4:
        repeated = pick(rng, (b"(", b"|", b",", b" ", b"9", b"-", b"&", b"[", b"<a>"))
        at = int(rng.integers(len(lines[one]) + 1))
        extra = repeated * int(pick(rng, (1, 30, 3000)))
        lines[one] = lines[one][:at] + extra + lines[one][at:]
    else:
        lines.insert(one, value(rng).encode("utf-8", "replace") + b"\n")
    return b"".join(lines)


def _nodes(tree, path=()):
    yield path
    if not isinstance(tree, dict | list):
        return
    for key, item in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield from _nodes(item, (*path, key))


def edit_json(data, rng):
    """Replace parts of a JSON tree by others of it, or by hostile ones."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return edit_tokens(data, rng)
    raws = [*NUMBERS[:-8], "1e400", "NaN", "[" * _DEPTH + "]" * _DEPTH, '"\\ud800"']
    for _ in range(int(rng.integers(1, 4))):
        paths = list(_nodes(tree))[1:]
        if not paths:
            break
        *path, key = pick(rng, paths)
        parent = tree
        for step in path:
            parent = parent[step]
        kind = rng.random()
        if kind < 0.15:
            del parent[key]
        elif kind < 0.4:
            found = tree
            for step in pick(rng, paths):
                found = found[step]
            parent[key] = json.loads(json.dumps(found))
        elif kind < 0.6:
            parent[key] = {"raw text": value(rng, raws)}
        else:
            small = [None, True, [], {}, "", [[]], [None], {"class": "evilmod.Trap"}]
            parent[key] = pick(rng, small) if kind < 0.7 else pick(rng, WORDS)
    text = json.dumps(tree)
    return re.sub(
        r'\{"raw text": ("(?:[^"\\]|\\.)*")\}', lambda m: json.loads(m[1]), text
    ).encode("utf-8", "replace")


def edit_zip(data, rng):
    """Change one member of a zip file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            members = {name: packed.read(name) for name in packed.namelist()}
    except Exception:  # of many classes
        return flip_bits(data, rng)
    if not members:
        return flip_bits(data, rng)
    name = "schema.json" if rng.random() < 0.6 else pick(rng, list(members))
    if name in members:
        edit = edit_json if name.endswith(".json") else pick(rng, BYTES)
        members[name] = edit(members[name], rng)
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return changed.getvalue()


def inside_gzip(edit):
    """Return an edit that is made before the compression."""

    def change(data, rng):
        try:
            content = gzip.decompress(data)
        except (OSError, EOFError, ValueError, zlib.error):
            return flip_bits(data, rng)
        return gzip.compress(edit(content, rng), 1)

    return change


BYTES = (flip_bits, set_bytes, cut_end, copy_block, drop_block)
FITS = (*BYTES, *[edit_cards] * 6)
GZIP = (*BYTES, *map(inside_gzip, FITS))
TEXT = (*BYTES, *[edit_tokens] * 4, *[edit_lines] * 4)
JSON = (flip_bits, cut_end, edit_tokens, *[edit_json] * 6)
ZIP = (flip_bits, cut_end, *[edit_zip] * 6)


def mutate(data, edits, rng):
    """Make one to three changes."""
    for _ in range(int(pick(rng, (1, 1, 1, 2, 3)))):
        data = pick(rng, edits)(data, rng)
    return data

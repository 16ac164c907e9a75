# SPDX-License-Identifier: BSD-3-Clause
"""Build the source distribution so that two builds of a commit give the same bytes.

Run ``python .ci/sdist.py dist`` in a checkout; it needs the package ``build``.
Two copies of the commit are built, and it is an error if they differ. Files carry the
date of the commit, or of SOURCE_DATE_EPOCH.
"""

import gzip
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path


def output(*command):
    """Return what a command prints."""
    return subprocess.check_output(command)


def normalized(archive, date):
    """Return a .tar.gz whose bytes depend only on names, contents and the date."""
    packed = io.BytesIO()
    with (
        tarfile.open(archive) as source,
        gzip.GzipFile("", "wb", mtime=date, fileobj=packed) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as target,
    ):
        for member in sorted(source, key=lambda member: member.name):
            member.mtime, member.pax_headers = date, {}
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            target.addfile(member, source.extractfile(member))
    return packed.getvalue()


def build(folder, date):
    """Build the commit in a new folder; return name and bytes of the archive."""
    with tarfile.open(fileobj=io.BytesIO(output("git", "archive", "HEAD"))) as files:
        files.extractall(folder, filter="data")
    output(sys.executable, "-m", "build", "--sdist", "--outdir", folder / "out", folder)
    (archive,) = (folder / "out").iterdir()
    return archive.name, normalized(archive, date)


def main(target):
    """Build twice, compare, and write the archive."""
    date = os.environ.get("SOURCE_DATE_EPOCH") or output(
        "git", "log", "-1", "--format=%ct"
    )
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        name, content = build(Path(one), int(date))
        if build(Path(other), int(date)) != (name, content):
            sys.exit(f"Two builds of {name} differ.")
    target.mkdir(parents=True, exist_ok=True)
    (target / name).write_bytes(content)
    print(f"{target / name}: {len(content)} bytes, the same in two builds")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

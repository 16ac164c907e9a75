# SPDX-License-Identifier: BSD-3-Clause
"""Damaged and hostile files: good ones of every kind, changed, and read.

A case chooses a good file, changes it and reads it. It fails if an error is of another
class than the documentation says or does not name the file in one line, if files stay
behind, if programs run, the network is used or files are written elsewhere, or if
memory grows.
"""

import bz2
import contextlib
import gzip
import io
import json
import lzma
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import NamedTuple

import matplotlib
import matplotlib.figure
import mutations
import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from run import where

from skesom.cli import main
from skesom.datasets import make_galaxy_cube
from skesom.io import (
    read_catalog,
    read_cube,
    read_map,
    read_region_labels,
    write_bands,
    write_map,
)
from skesom.maps import make_cluster_pipeline, make_clusterer
from skesom.runs import Run, load_model, read_cluster_groups
from skesom.runs.recipes import read_recipe

matplotlib.use("Agg")

METHOD = "fork"  # of processes
LONGEST = 10.0  # seconds
MEMORY = 2**30  # bytes more than at the start
RARE = 0.04  # share of the cases with a check that takes longer
SEEDS = Path()  # the folder of the good files, known from `prepare` on
SHAPE = (32, 36)
DS9 = """# Region file format: DS9 version 4.1
global color=green font="helvetica 10 normal" select=1
fk5
circle(204.2504,-29.8702,3") # text={arm} tag={group a} color=red
ellipse(13:37:00.1,-29:52:12.5,5",3",20) # text={disc}
-box(204.2503,-29.8698,4",6",30)
annulus(204.25,-29.87,1",2") # color=cyan
galactic
point(314.5837,31.9729) # point=cross text={007}
image
polygon(3,3,9,3,9,8,3,8) # text={07} tag={b}
line(1,2,9,9) # line=0 0
# text(10,10) text={a note}
"""
CRTF = """#CRTFv0 CASA Region Text Format version 0
global coord=ICRS, color=blue
circle[[204.2504deg, -29.8702deg], 3arcsec], label="arm"
ellipse[[13:37:00.1, -29.52.12.5], [5arcsec, 3arcsec], 20deg]
-centerbox[[10pix, 10pix], [4pix, 5pix]]
poly[[3pix, 3pix], [9pix, 3pix], [9pix, 8pix]], color=red, label='x'
symbol[[204.25deg, -29.87deg], .]
"""
NED = (
    "Position Search results\nEquinox: J2000.0\nCoordSystem: Equatorial\n"
    "No.|Object Name|RA(deg)|DEC(deg)|Type|Velocity|Redshift|Redshift Flag|"
    "Magnitude and Filter|Separation|References|Notes|Photometry Points|Positions|"
    "Redshift Points|Diameter Points|Associations\n"
    "1|M 83|204.25|-29.87|G|513.0|0.001711|SLS|7.5B|0.01|1000|10|300|20|30|40|0\n"
    "2|SN 1950B|204.2503|-29.8701|SN||||16 g|0.7|20|0|0|3|0|0|0\n"
    "3|[BL] 1|204.2497|-29.8699|!Flar*|...||||1.2|2|0|0|1|0|0|0\n"
)
CSV = 'name,ra,dec,type\nA,204.25,-29.87,SN\n"B, b",204.2503,-29.8702,HII\n'


class Target(NamedTuple):
    """A kind of file: names of good ones, their edits, and what is done with them."""

    names: tuple
    edits: tuple
    checks: tuple  # functions of the path
    rare: tuple = ()  # checks that take longer


def write_seeds(folder):
    """Write the good files, and a report to put changed files into."""
    cube, truth = make_galaxy_cube(SHAPE, 3, random_state=0)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ["RA---TAN", "DEC--TAN"], [204.25, -29.87]
    wcs.wcs.crpix, wcs.wcs.cdelt = [18, 16], [-1 / 3600, 1 / 3600]
    cube = cube.replace(wcs=wcs)
    bands = write_bands(folder / "bands", cube)
    flux, header = cube.data[:, :, 0], wcs.to_header()
    header["FILTER"], header["BUNIT"], header["EXPTIME"] = "F555W", "ELECTRONS/S", 10.0
    header["PHOTFLAM"], header["PHOTPLAM"], header["FWHM"] = 1e-19, 5300.0, 0.3
    fits.writeto(folder / "plain.fits", flux, header)
    counts = np.clip(flux, 0, 30000).astype(np.uint16)
    primary = fits.PrimaryHDU(header=header)
    flags = (counts % 7 == 0).astype(np.int16)
    parts = [(flux, "SCI"), (np.ones_like(flux), "ERR"), (flags, "DQ"), (counts, "WHT")]
    hdus = [fits.ImageHDU(data, header, name=name) for data, name in parts]
    fits.HDUList([primary, *hdus]).writeto(folder / "parts.fits")
    sip = WCS(header)
    sip_header = sip.to_header()
    sip_header["CTYPE1"], sip_header["CTYPE2"] = "RA---TAN-SIP", "DEC--TAN-SIP"
    sip_header["A_ORDER"] = sip_header["B_ORDER"] = 2
    sip_header["A_0_2"] = sip_header["B_2_0"] = 1e-6
    fits.writeto(folder / "sip.fits", counts, sip_header)
    axis = {"CTYPE3": "FREQ", "CRVAL3": 1.4e9, "CDELT3": 1e6, "CRPIX3": 1.0}
    axis |= {"CUNIT3": "Hz", "RESTFRQ": 1.42e9, "BMAJ": 0.001, "BMIN": 0.001}
    cube_header = header.copy()
    cube_header.update(axis)
    fits.writeto(folder / "cube.fits", cube.data.transpose(2, 0, 1), cube_header)
    for name, data in (("RICE_1", counts), ("GZIP_2", flux), ("PLIO_1", flags)):
        packed = fits.CompImageHDU(data, header, compression_type=name)
        fits.HDUList([fits.PrimaryHDU(), packed]).writeto(folder / f"{name}.fits.fz")
    packed = fits.CompImageHDU(flux, header, compression_type="HCOMPRESS_1")
    fits.HDUList([fits.PrimaryHDU(), packed]).writeto(folder / "HCOMPRESS.fits.fz")
    plain = (folder / "plain.fits").read_bytes()
    (folder / "packed.fits.gz").write_bytes(gzip.compress(plain))
    (folder / "packed.fits.bz2").write_bytes(bz2.compress(plain))
    (folder / "packed.fits.xz").write_bytes(lzma.compress(plain))
    write_map(folder / "map.fits", truth, wcs=wcs, cube=cube)
    (folder / "drawn.reg").write_text(DS9, encoding="utf-8")
    (folder / "drawn.crtf").write_text(CRTF, encoding="utf-8")
    (folder / "ned.txt").write_text(NED, encoding="utf-8")
    (folder / "table.csv").write_text(CSV, encoding="utf-8")
    table = Table.read(folder / "table.csv")
    table["ra"].unit = table["dec"].unit = "deg"
    for name in ("table.ecsv", "table.vot", "table.fits", "table.dat"):
        form = {"vot": "votable", "dat": "ascii.ipac"}.get(name[6:])
        table.write(folder / name, format=form)
    groups = [{"name": "arm", "labels": [0, 2]}, {"name": "disc", "labels": [1]}]
    content = {"format": "skesom clusters", "version": 1, "clusters": groups}
    (folder / "groups.json").write_text(json.dumps(content), encoding="utf-8")
    images = read_cube(bands)
    clusterer = make_clusterer("esom", n_clusters=3, n_runs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = make_cluster_pipeline(clusterer).fit(images)
        run = Run(pipeline, images, source=bands)
        run.write(folder / "result", tables=False, pictures=False)
    for name in ("provenance.json", "recipe.skops"):
        shutil.copy(folder / "result" / name, folder)
    shutil.copy(folder / "result/model.skops", folder)


def cube(path):
    everything = {"errors": "auto", "masks": "auto", "weights": "auto"}
    read_cube(path, order="wavelength", **everything)


def all_images(path):
    read_cube([path], hdu="all", masks="auto")


def region_mask(path):
    wcs = WCS(fits.getheader(SEEDS / "plain.fits"))
    read_region_labels(path, SHAPE, wcs=wcs, name_by=None)


def region_labels(path):
    wcs = WCS(fits.getheader(SEEDS / "plain.fits"))
    options = {"overlap": "unlabeled", "empty": "ignore"}
    read_region_labels(path, SHAPE, wcs=wcs, **options)


def report(path):
    Run.read(result_with(path))


def run_of(path):
    read_recipe(result_with(path))


def result_with(path):
    """Return a folder of results with a changed file."""
    folder = Path("result")
    if not folder.exists():
        shutil.copytree(SEEDS / "result", folder)
    shutil.copy(path, folder / f"{path.stem[3:]}{path.suffix}")
    return folder


FAST = "--method sklearn.cluster.KMeans --set n_init=1 --runs 1 --n-clusters 3"
FAST += " -o new --tables=no"
WORDS = {
    "FILE": lambda path: [path],
    "BANDS": lambda path: sorted((SEEDS / "bands").iterdir()),
    "OTHERS": lambda path: sorted((SEEDS / "bands").iterdir())[1:],
    "MAP": lambda path: [SEEDS / "map.fits"],
    "RESULT": lambda path: [SEEDS / "result"],
    "CHANGED": lambda path: [result_with(path)],
}


def command(line):
    """Return a check by a command; its judgment is in the status and the lines."""

    def check(path):
        words = [WORDS.get(w, lambda _, w=w: [w])(path) for w in line.split()]
        return main([str(word) for some in words for word in some])

    check.__name__ = line.partition(" --method")[0]
    return check


IMAGES = (cube, all_images)
OF_IMAGES = (
    command(f"cluster FILE BANDS {FAST} --no-pictures"),
    command(f"cluster FILE BANDS {FAST} --dpi 20"),
    command("predict RESULT FILE OTHERS -o new"),
)
OF_REGIONS = (
    command(f"cluster BANDS {FAST} --no-pictures --exclude FILE"),
    command("test RESULT FILE"),
    command("explore RESULT -o new --catalog FILE"),
)
OF_CATALOGS = OF_REGIONS[2:]
OF_RESULTS = (command("explore CHANGED -o new"),)
QUICK = "-o new --tables=no --no-pictures"
REPEAT = command(f"cluster --from CHANGED {QUICK}")
COMPRESSED = ("RICE_1.fits.fz", "GZIP_2.fits.fz", "PLIO_1.fits.fz", "HCOMPRESS.fits.fz")
TARGETS = {
    "FITS": Target(
        ("plain.fits", "parts.fits", "sip.fits", "cube.fits"),
        mutations.FITS,
        IMAGES,
        OF_IMAGES,
    ),
    "compressed FITS": Target(COMPRESSED, mutations.FITS, IMAGES, OF_IMAGES),
    "gzip": Target(("packed.fits.gz",), mutations.GZIP, IMAGES, OF_IMAGES),
    "other streams": Target(
        ("packed.fits.bz2", "packed.fits.xz"), mutations.BYTES, IMAGES
    ),
    "maps": Target(
        ("map.fits",),
        mutations.FITS,
        (read_map,),
        (read_map, command("test RESULT FILE"), command("test FILE MAP")),
    ),
    "regions": Target(
        ("drawn.reg", "drawn.crtf"),
        mutations.TEXT,
        (region_mask, region_labels, read_catalog),
        OF_REGIONS,
    ),
    "NED": Target(("ned.txt",), mutations.TEXT, (read_catalog,), OF_CATALOGS),
    "tables": Target(
        ("table.csv", "table.ecsv", "table.vot", "table.dat"),
        mutations.TEXT,
        (read_catalog,),
        OF_CATALOGS,
    ),
    "FITS tables": Target(
        ("table.fits",), mutations.FITS, (read_catalog,), OF_CATALOGS
    ),
    "groups": Target(
        ("groups.json",),
        mutations.JSON,
        (read_cluster_groups,),
        (command("explore RESULT -o new --groups FILE"),),
    ),
    "provenance": Target(
        ("provenance.json",),
        mutations.JSON,
        (run_of,),
        (report, REPEAT, *OF_RESULTS),
    ),
    "recipe": Target(("recipe.skops",), mutations.ZIP, (run_of,), (report, REPEAT)),
    "models": Target(
        ("model.skops",),
        mutations.ZIP,
        (load_model,),
        (command(f"predict FILE BANDS {QUICK}"), *OF_RESULTS),
    ),
}


FORBIDDEN = (
    "os.system os.exec os.posix_spawn os.spawn os.fork os.forkpty os.putenv pty.spawn "
    "subprocess.Popen socket.connect socket.getaddrinfo urllib.Request webbrowser.open "
    "ftplib.connect http.client.connect pickle.find_class sys.settrace"
).split()
CHANGES = "os.remove os.rename os.rmdir os.mkdir os.link os.symlink os.chmod".split()
# Words in messages about what a file holds, not about the file.
NAMED_OTHERWISE = "Band '", "Bands '", "of the catalog", " parameter of ", " bands."
NAMED_OTHERWISE += "The model takes the bands", "n_samples="
TRAPS = ("evilmod", "antigravity", "this", "os", "posix", "builtins")
TRAP = 'open("trapped", "w").close()\nclass Trap:\n    pass\n'


class Watch:
    """An audit hook that notes what a file must not bring about."""

    def __init__(self):
        self.home = None  # only changes below are allowed; None is off
        self.seen = []

    def __call__(self, event, arguments):
        if self.home is None:
            return
        if event == "pickle.find_class" and arguments[0] not in TRAPS:
            return  # of the processes of joblib
        if event in FORBIDDEN:
            self.seen.append(f"{event} {arguments!r:.100}")
        elif event == "import" and arguments[0].partition(".")[0] in TRAPS[:3]:
            self.seen.append(f"import {arguments[0]}")
        elif event == "open" and isinstance(arguments[0], str | bytes):
            path, mode, flags = arguments
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            if writes and not self._is_ours(path):
                self.seen.append(f"open {path!r} {mode}")
        elif event in CHANGES and not self._is_ours(arguments[0]):
            self.seen.append(f"{event} {arguments!r:.100}")

    def _is_ours(self, path):
        if isinstance(path, int):
            return True
        path = os.path.abspath(os.fsdecode(path))
        return path.startswith(self.home) or path == os.devnull


WATCH = Watch()


def prepare(home):
    """Write the good files, in a process: none may fork after threads have run."""
    global SEEDS
    SEEDS = home / "seeds"
    SEEDS.mkdir()
    context = multiprocessing.get_context(METHOD)
    first = context.Process(target=write_seeds, args=(SEEDS,))
    first.start()
    first.join()
    if first.exitcode:
        sys.exit("The good files cannot be made.")


def start(home):
    """Watch this process, and limit its memory."""
    sys.addaudithook(WATCH)
    sys.path.insert(0, "")
    os.environ["LOKY_MAX_CPU_COUNT"] = "1"  # what is watched has no children
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))


def make_case(number):
    """Return the kind, the check, the name and the bytes of a case."""
    rng = np.random.default_rng([number, 12])
    kind = mutations.pick(rng, sorted(TARGETS))
    target = TARGETS[kind]
    name = mutations.pick(rng, target.names)
    data = mutations.mutate((SEEDS / name).read_bytes(), target.edits, rng)
    is_rare = target.rare and rng.random() < RARE
    check = mutations.pick(rng, target.rare if is_rare else target.checks)
    return kind, check, f"in-{name}", data


def write_case(number, folder):
    """Write the file of a case."""
    _, _, name, data = make_case(number)
    (folder / f"{number}-{name}").write_bytes(data)


def judge(number, check, name, data):
    """Return what is wrong with reading a file, or None, and whether it was refused."""
    folder = SEEDS.parent / f"case-{number}"
    (folder / "tmp").mkdir(parents=True)
    os.chdir(folder)
    tempfile.tempdir = str(folder / "tmp")
    Path(name).write_bytes(data)
    Path("evilmod.py").write_text(TRAP)
    WATCH.seen.clear()
    WATCH.home = str(folder)
    try:
        status, problem = read(check, name)
    finally:
        WATCH.home = None
    left = {path.name for path in folder.iterdir()} - {name, "evilmod.py", "tmp"}
    left -= {"__pycache__"} | ({"new", "result"} if status == 0 else {"result"})
    left |= {path.name for path in (folder / "tmp").iterdir()}
    if left:
        problem = f"left behind {sorted(left)}; {problem}"
    if WATCH.seen:
        problem = f"forbidden {WATCH.seen[:5]}; {problem}"
    os.chdir(SEEDS.parent)
    shutil.rmtree(folder, ignore_errors=True)
    sys.modules.pop("evilmod", None)
    return problem, status == 2


def read(check, name):
    """Return the status of a command, and what is wrong with what is said."""
    err = io.StringIO()
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(err),
    ):
        warnings.simplefilter("ignore")
        try:
            status = check(Path(name))
        except (OSError, ValueError) as error:
            text = str(error)
            if isinstance(error, OSError) and error.filename is not None:
                text = f"{error.filename}: {error.strerror}"
            return 2, judge_text(text, name, f"\n{where(error)}")
        except BaseException as error:
            return 1, f"{type(error).__name__}: {error!s:.200}\n{where(error)}"
    if not isinstance(status, int) or status == 0:
        return status, None
    lines = [line for line in err.getvalue().splitlines() if "warning:" not in line]
    if status == 2 and len(lines) == 1:
        return status, judge_text(lines[0], name)
    return status, f"status {status}, {len(lines)} lines: {' / '.join(lines)[:300]}"


def judge_text(text, name, place=""):
    """Return what is wrong with the text of an error."""
    stem = name.removeprefix("in-").partition(".")[0]
    wrong = None
    if "\n" in text:
        wrong = "several lines"
    elif not any(known in text for known in (stem, name, *NAMED_OTHERWISE)):
        wrong = "no name of the file"
    elif len(text) > 1000:
        wrong = f"{len(text)} characters"
    return wrong and f"{wrong}: {text[:300]}{place}"

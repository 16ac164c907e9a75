# SPDX-License-Identifier: BSD-3-Clause
"""Good files of every kind that skesom reads, and what is done with their mutants."""

import bz2
import gzip
import json
import lzma
import shutil
import warnings
from pathlib import Path
from typing import NamedTuple

import mutations
import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

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
from skesom.report import (
    load_model,
    read_cluster_groups,
    read_report,
    write_report,
)
from skesom.report._provenance import read_run

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
        options = {"tables": False, "pictures": False, "source": bands}
        write_report(folder / "result", pipeline, images, **options)
    for name in ("provenance.json", "recipe.skops"):
        shutil.copy(folder / "result" / name, folder)
    shutil.copy(folder / "result/model.skops", folder)


def _cube(path):
    everything = {"errors": "auto", "masks": "auto", "weights": "auto"}
    read_cube(path, order="wavelength", **everything)


def _all_images(path):
    read_cube([path], hdu="all", masks="auto")


def _wcs():
    return fits.getheader(SEEDS / "plain.fits")


def _region_mask(path):
    read_region_labels(path, SHAPE, wcs=WCS(_wcs()), name_by=None)


def _region_labels(path):
    options = {"overlap": "unlabeled", "empty": "ignore"}
    read_region_labels(path, SHAPE, wcs=WCS(_wcs()), **options)


def _run(*arguments):
    """Run the command line; its judgment is in the status and the lines."""
    return main([str(argument) for argument in arguments])


_FAST = "--method sklearn.cluster.KMeans --set n_init=1 --runs 1 --n-clusters 3".split()
_FAST += ["-o", "new", "--tables=no"]


def _cluster(path):
    return _run("cluster", path, *_bands(), *_FAST, "--no-pictures")


def _cluster_with_pictures(path):
    return _run("cluster", path, *_bands(), *_FAST, "--dpi", "20")


def _predict_images(path):
    return _run("predict", SEEDS / "result", path, *_bands()[1:], "-o", "new")


def _exclude(path):
    return _run("cluster", *_bands(), *_FAST, "--no-pictures", "--exclude", path)


def _test(path):
    return _run("test", SEEDS / "result", path)


def _test_as_result(path):
    return _run("test", path, SEEDS / "map.fits")


def _explore_catalog(path):
    return _run("explore", SEEDS / "result", "-o", "new", "--catalog", path)


def _explore_groups(path):
    return _run("explore", SEEDS / "result", "-o", "new", "--groups", path)


def _explore_result(path):
    folder = _result_with(path)
    return _run("explore", folder, "-o", "new")


def _read_run(path):
    read_run(_result_with(path))


def _repeat(path):
    return _run(
        "cluster",
        "--from",
        _result_with(path),
        "-o",
        "new",
        "--tables=no",
        "--no-pictures",
    )


def _read_report(path):
    read_report(_result_with(path))


def _predict_model(path):
    return _run("predict", path, *_bands(), "-o", "new", "--tables=no", "--no-pictures")


def _bands():
    return sorted((SEEDS / "bands").iterdir())


def _result_with(path):
    """Return a folder of results with a changed file."""
    folder = Path("result")
    if not folder.exists():
        shutil.copytree(SEEDS / "result", folder)
    shutil.copy(path, folder / f"{path.stem[3:]}{path.suffix}")
    return folder


SEEDS = Path()  # the folder of the good files, set by the runner
_IMAGES = (_cube, _all_images)
_OF_IMAGES = (_cluster, _cluster_with_pictures, _predict_images)
_MAPS = (read_map, _test, _test_as_result)
TARGETS = {
    "FITS": Target(
        ("plain.fits", "parts.fits", "sip.fits", "cube.fits"),
        mutations.FITS,
        _IMAGES,
        _OF_IMAGES,
    ),
    "compressed FITS": Target(
        ("RICE_1.fits.fz", "GZIP_2.fits.fz", "PLIO_1.fits.fz", "HCOMPRESS.fits.fz"),
        mutations.FITS,
        _IMAGES,
        _OF_IMAGES,
    ),
    "gzip": Target(("packed.fits.gz",), mutations.GZIP, _IMAGES, _OF_IMAGES),
    "other streams": Target(
        ("packed.fits.bz2", "packed.fits.xz"), mutations.BYTES, _IMAGES
    ),
    "maps": Target(("map.fits",), mutations.FITS, (read_map,), _MAPS),
    "regions": Target(
        ("drawn.reg", "drawn.crtf"),
        mutations.TEXT,
        (_region_mask, _region_labels, read_catalog),
        (_exclude, _test, _explore_catalog),
    ),
    "NED": Target(("ned.txt",), mutations.TEXT, (read_catalog,), (_explore_catalog,)),
    "tables": Target(
        ("table.csv", "table.ecsv", "table.vot", "table.dat"),
        mutations.TEXT,
        (read_catalog,),
        (_explore_catalog,),
    ),
    "FITS tables": Target(
        ("table.fits",), mutations.FITS, (read_catalog,), (_explore_catalog,)
    ),
    "groups": Target(
        ("groups.json",), mutations.JSON, (read_cluster_groups,), (_explore_groups,)
    ),
    "provenance": Target(
        ("provenance.json",),
        mutations.JSON,
        (_read_run,),
        (_read_report, _repeat, _explore_result),
    ),
    "recipe": Target(
        ("recipe.skops",), mutations.ZIP, (_read_run,), (_read_report, _repeat)
    ),
    "models": Target(
        ("model.skops",),
        mutations.ZIP,
        (load_model,),
        (_predict_model, _explore_result),
    ),
}

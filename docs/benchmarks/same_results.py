# SPDX-License-Identifier: BSD-3-Clause
"""Whether two checkouts make the same results, file by file and value by value.

    python docs/benchmarks/same_results.py --against CHECKOUT

runs the same commands in this checkout and in another one, each with its kernels built,
on the same images, in folders of the same names, and the same estimators on tables of
scikit-learn. Then every file is compared with its twin: arrays and tables bit for bit,
headers card by card, texts line by line, pictures by their pixels, models by the arrays
that they hold. Times, versions and paths of the checkouts may differ. A line is printed
for each file that differs, with the first difference, and the exit status is 1 if there
is one. ``--only NAME`` runs some of the commands and what they need, ``--keep FOLDER``
keeps what was written. It takes some minutes.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
from astropy.io import fits
from matplotlib.image import imread

ROOT = Path(__file__).resolve().parents[2]

# Run by each checkout before the commands: images, a truth, a catalog, regions.
MAKE_IMAGES = """
import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from skesom.cube import Cube
from skesom.datasets import make_galaxy_cube
from skesom.io import write_bands, write_map

cube, truth = make_galaxy_cube((96, 96), random_state=0)
write_bands("images", cube)
write_map("truth.fits", truth, cube=cube)
four = cube[["F336W", "F438W", "F657N", "F814W"]]
write_bands("four", four)
other, _ = make_galaxy_cube((80, 88), random_state=1)
write_bands("others", other[["F336W", "F438W", "F657N", "F814W"]])
errors = np.full(four.shape, 0.05, dtype=np.float32) + 0.01 * np.abs(four.data)
write_bands("measured", four.replace(errors=errors))
rows, columns = np.mgrid[8:90:20, 8:90:20]
places = cube.wcs.pixel_to_world(columns.ravel(), rows.ravel())
catalog = Table({"ra": places.ra, "dec": places.dec})
catalog["type"] = np.where(np.arange(len(catalog)) % 2, "HII", "SNR")
catalog.write("catalog.ecsv")
lines = ["image"]
for label, x, y in (("bulge", 48, 48), ("arm", 20, 60), ("disc", 80, 12)):
    lines.append(f"circle({x},{y},5) # text={{{label}}}")
open("drawn.reg", "w").write("\\n".join(lines) + "\\n")
channels, _ = make_galaxy_cube((40, 44), 30, random_state=2)
fits.writeto("channels.fits", np.moveaxis(np.asarray(channels.data), 2, 0))
"""

# Estimators on tables, whose attributes are compared.
FIT_TABLES = """
import numpy as np
from sklearn.datasets import load_digits, load_wine, make_moons
from sklearn.preprocessing import StandardScaler
from skesom import CSOM, ESOM, ConsensusClusterer, MapClassifier, MapRegressor

arrays = {}
digits, targets = load_digits(return_X_y=True)
tables = {
    "digits": digits,
    "wine": StandardScaler().fit_transform(load_wine().data),
    "moons": make_moons(800, noise=0.05, random_state=0)[0].astype(np.float32),
}
for table_name, X in tables.items():
    for name, estimator in {
        "ESOM": ESOM(n_clusters=5, random_state=0),
        "CSOM": CSOM(n_clusters=5, random_state=0),
        "consensus": ConsensusClusterer(ESOM(), n_clusters=5, random_state=0),
    }.items():
        labels = estimator.fit_predict(X)
        key = f"{table_name}_{name}"
        arrays[f"{key}_labels"] = labels
        arrays[f"{key}_transformed"] = estimator.transform(X[:50])
        arrays[f"{key}_centers"] = estimator.cluster_centers_
        arrays[f"{key}_score"] = estimator.score(X)
classifier = MapClassifier().fit(digits, targets)
arrays["classes"] = classifier.predict_proba(digits[:100])
regressor = MapRegressor().fit(digits, targets.astype(float))
arrays["targets"] = regressor.predict(digits[:100])
np.savez("tables.npz", **arrays)
"""

# The commands, in order: the name of the folder that each writes, and its arguments.
# What stands in braces is a folder that another command has written.
COMMANDS = {
    "default": "cluster images/*.fits",
    "cut": "cluster --from {default} --n-clusters 5",
    "csom": "cluster measured/*.fits --errors inside --method csom --n-clusters 6",
    "kmeans": "cluster four/*.fits --method sklearn.cluster.KMeans --n-clusters 6",
    "one-map": "cluster four/*.fits --runs 1 --sky keep --smooth psf --format pdf",
    "voxels": "cluster four/*.fits --pattern voxel --runs 2",
    "cutout": "cluster four/*.fits --cutout 204.2538 -29.8654 40pix --runs 3",
    "channels": "cluster channels.fits --runs 3",
    "catalog": "cluster four/*.fits --catalog catalog.ecsv --runs 3",
    "repeat": "cluster --from {csom}",
    "predict": "predict {one-map} others/*.fits",
    "classes": "classify four/*.fits --regions drawn.reg",
    "objects": "crossmatch {default} catalog.ecsv",
}
# Commands that write into a folder of another one, or only print.
LATER = {
    "test": "test {default} truth.fits",
    "name": "name {one-map}",
    "explore": "explore {default}",
}

# Parts of texts that may differ: times, seconds, places and versions.
_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[^\s\"]*"
_SECONDS = r"\d+(\.\d+)? s\b"
_DIGEST = r"[0-9a-f]{16,64}"
VARIABLE = re.compile(f"{_TIME}|{_SECONDS}|{_DIGEST}")
UNTOLD_CARDS = {"DATE", "CHECKSUM", "DATASUM"}
UNTOLD_KEYS = {"finished", "software", "command", "digest", "sha256", "seconds"}


def parse_options():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, required=True, metavar="CHECKOUT")
    names = [*COMMANDS, *LATER, "tables"]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME")
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    return parser.parse_args()


def needed(only):
    """Return the names of the commands to run: some, and what they read."""
    commands = COMMANDS | LATER
    if only is None:
        return [*commands, "tables"]
    wanted = set(only)
    for name in reversed(commands):
        if name in wanted:
            wanted.update(re.findall(r"{([\w-]+)}", commands[name]))
    return [name for name in [*commands, "tables"] if name in wanted]


def run(arguments, checkout, folder):
    """Run Python in a folder with the skesom of a checkout; return what it prints."""
    unset = {"PYTHONPATH", "SKESOM_CACHE"}
    own = {name: value for name, value in os.environ.items() if name not in unset}
    own |= {"PYTHONPATH": str(checkout), "SKESOM_CACHE": "", "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=folder,
        env=own,
        capture_output=True,
        text=True,
        check=False,
    )
    return f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"


def run_all(names, checkout, folder):
    """Let a checkout write all that is compared into a folder."""
    folder.mkdir(parents=True)
    told = run(["-c", MAKE_IMAGES], checkout, folder)
    if not told.startswith("exit status 0"):
        raise RuntimeError(told)
    for name in names:
        print(f"{checkout.name}: {name}", flush=True)
        if name == "tables":
            told = run(["-c", FIT_TABLES], checkout, folder)
        else:
            text = (COMMANDS | LATER)[name]
            arguments = arguments_of(text, folder)
            if name in COMMANDS:
                arguments += ["-o", name]
            told = run(["-m", "skesom.cli", *arguments], checkout, folder)
        if not told.startswith("exit status 0"):
            print(told, file=sys.stderr)
        told = told.replace(str(folder), "FOLDER").replace(str(checkout), "CHECKOUT")
        (folder / f"{name}.printed.txt").write_text(told, encoding="utf-8")


def arguments_of(text, folder):
    """Return the arguments of a command, with the files that patterns stand for."""
    arguments = []
    for word in text.split():
        if "*" in word:
            found = sorted(folder.glob(word))
            arguments += [str(path.relative_to(folder)) for path in found]
        else:
            arguments.append(word.strip("{}"))
    return arguments


def compare_folders(here, there):
    """Return the number of files, and how those differ that do, by their names."""
    names = set()
    for root in (here, there):
        names |= {
            str(path.relative_to(root))
            for path in root.rglob("*")
            if path.is_file() and not path.relative_to(root).parts[0].startswith(".")
        }
    differences = {}
    for name in sorted(names):
        if not (there / name).exists():
            differences[name] = "only here"
        elif not (here / name).exists():
            differences[name] = "only there"
        else:
            contents = (here / name).read_bytes(), (there / name).read_bytes()
            difference = compare_files(name, *contents)
            if difference is not None:
                differences[name] = difference
    return len(names), differences


def compare_files(name, one, other):
    """Return the first difference between the contents of two files, None without."""
    if one == other:
        return None
    kind = Path(name).suffix
    if kind == ".fits":
        return compare_fits(one, other)
    if kind in (".skops", ".zip", ".npz"):
        return compare_archives(one, other)
    if kind == ".png":
        return compare_arrays("pixels", imread(BytesIO(one)), imread(BytesIO(other)))
    if kind == ".npy":
        return compare_arrays("values", np.load(BytesIO(one)), np.load(BytesIO(other)))
    if kind == ".json":
        return compare_json("", json.loads(one), json.loads(other))
    return compare_texts(
        one.decode("utf-8", "replace"), other.decode("utf-8", "replace")
    )


def compare_arrays(what, one, other):
    """Return how two arrays differ; NaN is equal to NaN."""
    one, other = np.atleast_1d(one), np.atleast_1d(other)
    if one.shape != other.shape or one.dtype != other.dtype:
        kinds = [f"{array.dtype} {array.shape}" for array in (one, other)]
        return f"{what}: {kinds[0]} here, {kinds[1]} there"
    # Only NaN is not equal to itself; texts have no isnan.
    differs = (one != other) & ~((one != one) & (other != other))
    if not differs.any():
        return None
    place = tuple(int(axis[0]) for axis in np.nonzero(differs))
    return (
        f"{what}: {np.count_nonzero(differs)} of {one.size} values, the first at "
        f"{place}: {one[place]} here, {other[place]} there"
    )


def compare_fits(one, other):
    """Return the first difference of two FITS files."""
    with fits.open(BytesIO(one)) as hdus, fits.open(BytesIO(other)) as others:
        if len(hdus) != len(others):
            return f"{len(hdus)} HDUs here, {len(others)} there"
        for number, (hdu, twin) in enumerate(zip(hdus, others, strict=True)):
            difference = compare_hdus(hdu, twin)
            if difference is not None:
                return f"HDU {number}, {difference}"
    return None


def compare_hdus(hdu, twin):
    """Return the first difference of two HDUs, in their headers or data."""
    difference = compare_texts(told_cards(hdu), told_cards(twin))
    if difference is not None:
        return f"header, {difference}"
    if hdu.data is None:
        return None
    if not hasattr(hdu, "columns"):
        return compare_arrays("image", np.asarray(hdu.data), np.asarray(twin.data))
    for name in hdu.columns.names:
        columns = np.asarray(hdu.data[name]), np.asarray(twin.data[name])
        difference = compare_arrays(f"column {name}", *columns)
        if difference is not None:
            return difference
    return None


def told_cards(hdu):
    """Return the lines of a header that must be the same."""
    cards = [card for card in hdu.header.cards if card.keyword not in UNTOLD_CARDS]
    return "\n".join(str(card) for card in cards)


def compare_archives(one, other):
    """Return the first difference of two zip archives, of arrays or other files."""
    archive, twin = zipfile.ZipFile(BytesIO(one)), zipfile.ZipFile(BytesIO(other))
    names, names_of_twin = archive.namelist(), twin.namelist()
    if "schema.json" in names:  # a model, whose files are named by addresses
        arrays, arrays_of_twin = arrays_of(archive), arrays_of(twin)
        return None if arrays == arrays_of_twin else "arrays of the model"
    if names != names_of_twin:
        return f"{len(names)} files here, {len(names_of_twin)} there"
    for name in names:
        difference = compare_files(name, archive.read(name), twin.read(name))
        if difference is not None:
            return f"{name}: {difference}"
    return None


def arrays_of(archive):
    """Return the contents of the arrays in a model, in any order."""
    names = [name for name in archive.namelist() if name.endswith(".npy")]
    return sorted(archive.read(name) for name in names)


def compare_json(path, one, other):
    """Return the first difference of two values of JSON."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted((one.keys() | other.keys()) - UNTOLD_KEYS):
            if key not in other:
                return f"{path}/{key} is only here"
            if key not in one:
                return f"{path}/{key} is only there"
            difference = compare_json(f"{path}/{key}", one[key], other[key])
            if difference is not None:
                return difference
        return None
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (value, twin) in enumerate(zip(one, other, strict=True)):
            difference = compare_json(f"{path}/{number}", value, twin)
            if difference is not None:
                return difference
        return None
    if VARIABLE.sub("", str(one)) == VARIABLE.sub("", str(other)):
        return None
    return f"{path}: {one!r:.100} here, {other!r:.100} there"


def compare_texts(one, other):
    """Return the first line in which two texts differ."""
    lines = VARIABLE.sub("", one).splitlines()
    lines_of_twin = VARIABLE.sub("", other).splitlines()
    pairs = zip(lines, lines_of_twin, strict=False)
    for number, (line, twin) in enumerate(pairs, start=1):
        if line != twin:
            start = max(first_difference(line, twin) - 20, 0)
            shown = slice(start, start + 80)
            return f"line {number}: {line[shown]!r} here, {twin[shown]!r} there"
    if len(lines) != len(lines_of_twin):
        return f"{len(lines)} lines here, {len(lines_of_twin)} there"
    return None


def first_difference(line, twin):
    """Return the place of the first character in which two lines differ."""
    for place, (character, other) in enumerate(zip(line, twin, strict=False)):
        if character != other:
            return place
    return min(len(line), len(twin))


def main():
    """Run both checkouts, and tell what differs."""
    options = parse_options()
    names = needed(options.only)
    with tempfile.TemporaryDirectory() as temporary:
        root = options.keep or Path(temporary)
        folder = root / "work"  # of both in turn: files tell where they are
        here, there = root / "here", root / "there"
        run_all(names, ROOT, folder)
        folder.rename(here)
        run_all(names, options.against.resolve(), folder)
        folder.rename(there)
        n_files, differences = compare_folders(here, there)
    for name, difference in differences.items():
        print(f"{name}: {difference}")
    print(f"{len(differences)} of {n_files} files differ.")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())

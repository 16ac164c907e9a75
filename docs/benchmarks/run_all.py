# SPDX-License-Identifier: BSD-3-Clause
"""Run the scripts of this folder, and put what they measure into the pages.

    python docs/benchmarks/run_all.py --peers-python peers/bin/python -o FOLDER

Each script runs in a process of its own. FOLDER then has, for each, NAME.txt (what it
printed) and NAME.json (command, seconds, machine, versions), and the tables as ECSV. A
script whose NAME.json has the same command is not run again, so a run that was stopped
goes on where it was. ``--quick`` takes small sizes; the full run takes hours, and the
JSON files tell the seconds of each script. At the end the tables are put into the
pages, between ``<!-- measured: NAME -->`` and ``<!-- end -->``; after ``--quick`` only
with ``--pages``. Where a mark says "measured and drawn", all its tables are kept in
``tables``, and the page shows a picture and the table of the most rows, unless it is
long, with links to the files. ``--draw`` makes these parts again from ``tables``.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from astropy.table import Table
from measuring import FOLDER, text_of
from numpy.ma import masked

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent
TABLES = HERE / "tables"
MANY = 20  # rows that a page does not show of what it draws
DRAWN = ("CPU s", "mean ARI", "share now", "share")
NAMES = ("skesom", "numpy", "scipy", "scikit-learn", "astropy", "dask")
PEERS = ("csom_speed", "pipelines", "families", "cytometry")  # take --peers-python
SCRIPTS = {  # name: the arguments of a full and of a quick run
    "csom_speed": (
        "--threads 1 2",
        "--quick --scale .02 --rounds 1 --parts training search defaults",
    ),
    "esom_speed": ("", "--samples 5000"),
    "pipelines": ("", "--size 96 --seeds 1"),
    "families": (
        "--seeds 5",
        "--seeds 1 --members 4 --families parabolas rings_in_noise",
    ),
    "shapes": ("", "--seeds 1"),
    "drop_in": ("", "--seeds 1"),
    "one_tree": ("", "--tables 1 --seeds 1 --scenes spiral noisy --size 64"),
    "tree_constants": ("--scenes 3", "--families 1 --scenes 1 --size 64"),
    "automatic_number": ("", "--seeds 1"),
    "depths": ("", "--kinds spiral --sides 120 --runs 2"),
    "features": ("", "--scenes spiral noisy --sizes 64 64"),
    "classifier_features": ("", "--scenes spiral dusty --size 64"),
    "fluxes_and_rows": ("", "--seeds 1"),
    "stability": ("", "--scenes 3 --size 96 --runs 2 --members 4"),
    "heavy_tails": ("", "--orders 1"),
    "epsilon": ("", "--samples 1000 --features 2 --sides 100"),
    "study_tables": ("", "--size 64"),
    "outliers": ("", "--no-maps --seeds 1"),
    "sky": ("--draws 2", "--draws 2 --only corner"),
    "sky_share": ("", "--draws 1 --only corner"),
    "resampling": ("", "--ratios 1"),
    "registration": ("", "--seeds 2"),
    "spectral_cubes": ("", "--seeds 1"),
    "wide_rows": ("", "--seeds 1"),
    "error_propagation": ("", "--realizations 20"),
    "errors_of_pixels": ("", "--bands 3 --scenes 1"),
    "errors_in_maps": ("", "--seeds 1"),
    "noise_weighted": ("", "--seeds 1 --galaxies 20000"),
    "smoothed_votes": ("", ""),
    "answers": ("--plot docs/images/answers.png", "--scenes small --size 64"),
    "suggested_names": ("", "--most 1 --seeds 1"),
    "populations": ("--tables choose report", "--scenes spiral --size 64"),
    "kernels": ("", "--rounds 1 --units 100"),
    "consensus_speed": ("", "20000 --side 200"),
    "noisy_bands": ("", "--scenes spiral --size 64 --seeds 1"),
    "agreement": ("", "--scenes noisy --size 64 --exposures 2"),
    "second_stage_speed": ("", "--scale .02 --runs 1"),
    "scaling": ("", "--kinds units"),
    "larger_than_memory": ("", "--size 425 250 --runs 2"),
    "image_chain": ("", "--size 300 200"),
    "results": ("", "--sizes 96x96"),
    "cuts": ("", "--size 96"),
    "drawing": ("", "--size 64x64x3 --rounds 1"),
    "full_frame": ("--shape 8500 5000", ""),
    "cytometry": ("", "--number 3000 --seeds 1"),
    "tissue": ("", "--shape 128 128 6 --fields 2 --learn 2000"),
    "first_command": ("--install", "--sizes 64x64x3 --rounds 1"),
}


def machine():
    """Return what the figures depend on beside the code."""
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        models = [line.split(":")[1] for line in lines if line.startswith("model name")]
        processor = models[0].strip() if models else processor
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "system": platform.system(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def versions():
    """Return the versions of Python and of the packages that skesom builds on."""
    found = {"Python": platform.python_version()}
    for name in NAMES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def cpu_seconds():
    """Return the CPU seconds of all processes that were started here and ended."""
    times = os.times()
    return times.children_user + times.children_system


def run(name, arguments, options):
    """Run a script unless its figures are there, and return whether it ended well."""
    about, printed = (options.output / f"{name}{end}" for end in (".json", ".txt"))
    if about.exists() and json.loads(about.read_text())["arguments"] == arguments:
        print(f"{name}: done before")
        return True
    peers = ["--peers-python", options.peers_python] if name in PEERS else []
    command = [sys.executable, HERE / f"{name}.py", *arguments.split(), *peers]
    facts = {"arguments": arguments, **machine(), "versions": versions()}
    start, cpu = time.perf_counter(), cpu_seconds()
    with printed.open("w") as file:
        done = subprocess.run(
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, FOLDER: str(options.output.resolve())},
        )
    facts["seconds"] = round(time.perf_counter() - start, 1)
    facts["CPU seconds"] = round(cpu_seconds() - cpu, 1)
    if done.returncode:
        print(f"{name}: failed after {facts['seconds']} s, see {printed}", flush=True)
        return False
    facts["quick"] = options.quick
    about.write_text(json.dumps(facts, indent=1) + "\n")
    print(f"{name}: {facts['seconds']} s, CPU {facts['CPU seconds']} s", flush=True)
    return True


def origin(script, folder):
    """Return where the figures of a script come from, as one line of a page."""
    about = folder / f"{script}.json"
    if not about.exists():
        return ""
    facts = json.loads(about.read_text())
    packages = ", ".join(
        f"{name} {number}" for name, number in facts["versions"].items()
    )
    arguments = f" {facts['arguments']}".rstrip()
    small = "**Small sizes, on a busy machine: a trial of the script.** "
    return (
        f"{small if facts['quick'] else ''}`{script}.py{arguments}`, "
        f"{facts['processor']}, {facts['cores']} cores, load {facts['load']} at the "
        f"start; {packages}."
    )


def markdown(table, about):
    """Return a table of figures as a table of a page, with what it shows above it."""
    lines = [table.colnames, ["---"] * len(table.colnames)]
    lines += [
        ["" if value is masked else text_of(value) for value in row]  # empty text
        for row in zip(*table.itercols(), strict=True)
    ]
    body = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    first = f"**{table.meta['title']}.** {about}".rstrip()
    return f"{first}\n\n{body}\n"


def natural(path):
    """Return what sorts names with numbers by the numbers."""
    return [int(part) if part.isdigit() else part for part in path.stem.split("_")]


def plot(table, picture):
    """Draw the first column of figures as bars; the longest are the last."""
    from matplotlib import pyplot

    drawn = next(name for name in DRAWN if name in table.colnames)
    before = table.colnames[: table.colnames.index(drawn)]
    named = [n for n in before if n != "version" and table[n].dtype.kind != "f"]
    table = table[table[drawn] >= 0]
    table.sort(drawn, reverse=drawn == "CPU s")
    names = [", ".join(map(str, row)) for row in table[named].iterrows()]
    figure, axes = pyplot.subplots(
        figsize=(8, 1 + 0.26 * len(table)), layout="constrained"
    )
    own = ("skesom", "ESOM", "CSOM", "consensus", "this")
    colors = [
        "#c44e00" if name.startswith(own) or ", this" in name else "#7a8794"
        for name in names
    ]
    bars = axes.barh(range(len(names)), table[drawn], color=colors)
    axes.set_yticks(range(len(names)), names)
    axes.bar_label(bars, [text_of(float(value)) for value in table[drawn]], padding=3)
    wide = drawn == "CPU s" and table[drawn].max() > 30 * table[drawn].min()
    axes.set(xscale="log" if wide else "linear", xlabel=drawn.replace(" s", " seconds"))
    if len(named) > 1:
        axes.set_ylabel(", ".join(named))
    axes.set_title(table.meta["title"], fontsize="medium")
    axes.margins(x=0.15, y=0.02)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(picture, dpi=100)
    pyplot.close(figure)


def draw(name, tables):
    """Return a picture, its table where that is short, and links to all tables."""
    table = max(tables.values(), key=len)
    picture = DOCS / "images" / f"{name.replace('_*', '')}.png"
    plot(table, picture)
    title, about = table.meta["title"], table.meta["origin"]
    links = "\n".join(
        f"- [{each.meta['title']}](benchmarks/tables/{path.name})"
        for path, each in tables.items()
    )
    parts = [f"![{title}](images/{picture.name})\n"]
    parts += [markdown(table, about) if len(table) <= MANY else f"{about}\n"]
    return "\n".join([*parts, f"Tables as files:\n\n{links}\n"])


def fill(folder):
    """Put tables and plots between the marks of the pages."""
    TABLES.mkdir(exist_ok=True)
    for page in sorted(DOCS.rglob("*.md")):
        old = page.read_text(encoding="utf-8")

        def filled(found, page=page):
            paths = sorted(folder.glob(f"{found['name']}.ecsv"), key=natural)
            if not paths:
                return found[0]
            tables = {path: Table.read(path, format="ascii.ecsv") for path in paths}
            for table in tables.values():
                if "origin" not in table.meta:
                    table.meta["origin"] = origin(table.meta["script"], folder)
            if found["plot"]:
                for path, table in tables.items():
                    table.write(TABLES / path.name, format="ascii.ecsv", overwrite=True)
                text = draw(found["name"], tables)
            else:
                abouts = [tables[paths[0]].meta["origin"], *[""] * len(paths)]
                text = "\n".join(map(markdown, tables.values(), abouts))
            print(f"{page.name}: {found['name']}")
            return f"{found['mark']}\n{text}\n<!-- end -->"

        new = re.sub(
            r"(?P<mark><!-- measured(?P<plot> and drawn)?: (?P<name>\S+) -->)\n"
            r".*?<!-- end -->",
            filled,
            old,
            flags=re.DOTALL,
        )
        if new != old:
            page.write_text(new, encoding="utf-8")


def main():
    """Run what is not done yet, then fill the pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("-o", "--output", type=Path, metavar="FOLDER")
    what.add_argument("--draw", action="store_true", help="only pictures, of tables")
    parser.add_argument("--only", nargs="+", choices=SCRIPTS, metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--pages", action="store_true", help="fill pages after --quick")
    parser.add_argument("--peers-python", default=sys.executable, metavar="PATH")
    options = parser.parse_args()
    if options.draw:
        return fill(TABLES)
    options.output.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in options.only or SCRIPTS:
        if not run(name, SCRIPTS[name][options.quick], options):
            failed.append(name)
    if options.pages or not options.quick:
        fill(options.output)
    if failed:
        sys.exit(f"These scripts failed: {', '.join(failed)}.")


if __name__ == "__main__":
    main()

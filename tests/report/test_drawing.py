# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of a report: their format and width, and who draws them."""

import io
import os
import pickle
import re
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures.process import BrokenProcessPool
from functools import partial

import joblib
import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from skesom._common.workers import Workers, workers
from skesom.displays import (
    ClusterHistogramDisplay,
    ClusterMapDisplay,
    cluster_colors,
)
from skesom.report import PictureStyle
from skesom.report._pictures import Pictures, _draw
from skesom.report.drawing import new_axes, start_drawing
from skesom.report.result import Result

STRIPES = np.arange(60 * 60).reshape(60, 60) // 5 % 3


def clusters(labels=STRIPES):
    """A figure of clusters over noise, as jobs draw it."""
    cube = np.random.default_rng(0).random((*labels.shape, 3))
    colors = cluster_colors(labels, cube)
    display = ClusterMapDisplay(labels, cube=cube, colors=colors)
    return display.plot(new_axes((8, 6)), contours=True)


def bars():
    """Return the job of a small picture, which other processes can import."""
    display = ClusterHistogramDisplay(np.array([[0, 0, 1]])).thinned(1)
    return partial(_draw, display, (3, 2))


def drawn(job, **style):
    """Return the file of one picture."""
    return drawn_here([job], PictureStyle(**style))[0]


def drawn_here(jobs, style):
    """Return what this process draws."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Workers, "n_workers", 0)
        return drawn_by_any(jobs, style)


def drawn_by_any(jobs, style):
    """Return what this process and others draw."""
    begun = [start_drawing(job, style) for job in jobs]
    return [collect() for collect in begun]


class TestStyle:
    """Format, resolution, width."""

    @pytest.mark.parametrize(("width", "inches"), [("one", 3.5), ("two", 7.1)])
    def test_png_is_as_wide_as_the_column(self, width, inches):
        with Image.open(io.BytesIO(drawn(clusters, width=width, dpi=100))) as image:
            assert abs(image.width - 100 * inches) <= 1
            ground = np.asarray(image.convert("L"))
        for edge in (ground[0], ground[-1], ground[:, 0], ground[:, -1]):
            assert (edge == 255).all()  # nothing is cut off

    @pytest.mark.parametrize(("width", "inches"), [("one", 3.5), ("two", 7.1)])
    def test_pdf_is_as_wide_as_the_column(self, width, inches):
        text = drawn(clusters, format="pdf", width=width).decode("latin-1")
        box = re.search(r"/MediaBox \[ ?0 0 ([\d.]+) [\d.]+ ?\]", text)
        assert float(box[1]) == pytest.approx(72 * inches, abs=0.5)

    @pytest.mark.parametrize(
        ("file_format", "start"),
        [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")],
    )
    def test_formats(self, file_format, start):
        first, second = (drawn(clusters, format=file_format) for _ in range(2))
        assert first.startswith(start)
        assert first == second  # no date, no random names

    def test_dots(self):
        widths = []
        for dpi in (50, 100):
            with Image.open(io.BytesIO(drawn(bars(), dpi=dpi))) as image:
                widths.append(image.width)
        assert widths[1] == pytest.approx(2 * widths[0], abs=2)

    def test_pdf_of_frayed_clusters_is_small(self):
        """Their outlines are dots, not a million corners, which take 3.5 MB."""
        labels = np.random.default_rng(1).integers(0, 3, (400, 400))
        picture = drawn(partial(clusters, labels), format="pdf")
        assert len(picture) < 2_000_000

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ({"format": "jpg"}, "format must be one of .*, got 'jpg'"),
            ({"dpi": 5}, "dpi must be from 10 to 2400, got 5"),
            ({"width": "three"}, "width must be one of 'one', 'two', got 'three'"),
            ({"rgb": ["a", "b", "z"]}, "There is no band 'z', only a, b, c"),
            ({"rgb": ["a", "b"]}, "has three bands"),
        ],
    )
    def test_must_exist(self, wrong, told):
        with pytest.raises(ValueError, match=told):
            PictureStyle(**wrong).check(("a", "b", "c"))


class TestProcesses:
    """Who draws makes no difference."""

    @pytest.fixture
    def two_processes(self, monkeypatch):
        """Draw elsewhere, on any machine, also what is not begun."""
        monkeypatch.setattr(joblib, "cpu_count", lambda: 2)

        def wait(self, future, task):
            return task() if future is None else future.result()

        monkeypatch.setattr(Workers, "result_of", wait)

    def test_draw_the_same_pixels(self, job, galaxy, two_processes):
        pictures = Pictures(Result(job, galaxy), PictureStyle(dpi=40))
        jobs = [job for _, job in [*pictures.jobs()][::2]]
        jobs += [job for _, job in pictures.jobs_of_bands()]
        elsewhere = drawn_by_any(jobs, PictureStyle(dpi=40))
        here = drawn_here(jobs, PictureStyle(dpi=40))
        assert elsewhere == here
        assert list(here[-1]) == list(galaxy.band_names)

    def test_draw_with_the_settings_of_the_user(self, two_processes):
        jobs = [bars()]
        plain = drawn_by_any(jobs, PictureStyle())
        with mpl.rc_context({"axes.facecolor": "red"}):
            red = drawn_by_any(jobs, PictureStyle())
            assert red == drawn_here(jobs, PictureStyle()) != plain

    def test_warnings_come_back(self, two_processes):
        collect = start_drawing(partial(warnings.warn, "look at it"), PictureStyle())
        with pytest.warns(UserWarning, match="look at it"):
            collect()

    def test_are_sent_no_cube(self, job, galaxy, monkeypatch):
        """Thinned labels and pictures go to another process, not all bands."""
        monkeypatch.setattr("skesom.report._pictures.MAX_PIXELS", 100)
        pictures = Pictures(Result(job, galaxy), PictureStyle())
        for name, task in pictures.jobs():
            if name.startswith("cluster_") and name != "cluster_spectra":
                size = len(pickle.dumps(task))
                assert size < galaxy.data.nbytes / 4


def test_a_killed_process_is_replaced_and_joblib_keeps_its_own():
    victim = workers.submit(os.getpid).result()
    task = partial(time.sleep, 60)
    future = workers.submit(task)
    while not future.running():
        time.sleep(0.01)
    os.kill(victim, signal.SIGKILL)
    with pytest.raises(BrokenProcessPool):
        future.result()
    assert workers.result_of(future, lambda: "drawn here") == "drawn here"
    assert workers.submit(os.getpid).result() != victim
    assert joblib.Parallel(2)(joblib.delayed(abs)(-n) for n in range(3)) == [0, 1, 2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_child_of_a_fork_has_processes_of_its_own():
    """Those of its parent would never answer: a child that hangs is ended."""
    code = """
import os, signal
from skesom._common.workers import workers
before = workers.submit(os.getpid).result()
child = os.fork()
if child == 0:
    signal.alarm(60)
    other = workers.result_of(workers.submit(os.getpid), os.getpid)
    os._exit(other in (before, os.getpid()))
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=150)


def test_processes_end_with_one_that_is_killed():
    code = """
import os, time
from skesom._common.workers import workers
print(workers.submit(os.getpid).result(), flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as run:
        assert int(run.stdout.readline()) != run.pid
        run.kill()
        # The pipe is closed only when all have ended that write to it.
        assert run.stdout.read() == b""

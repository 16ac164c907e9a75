# SPDX-License-Identifier: BSD-3-Clause
"""What commands and the library tell, and how much of it."""

import logging
import re
import subprocess
import sys

import pytest

from skesom.maps import make_cluster_pipeline
from skesom.report import write_report
from skesom.som import ESOM

STEP = re.compile(r" *\d+\.\d\d s  \w+")


@pytest.fixture
def command(bands, fast, tmp_path):
    options = ["--n-clusters", "3", "--no-pictures", *fast]
    return ["cluster", *bands, "-o", tmp_path / "out", *options]


class TestCommands:
    def test_quiet_leaves_the_paths(self, run, command, tmp_path):
        status, loud, _ = run(*command)
        assert status == 0
        assert any(line.startswith("Data: 100.0%") for line in loud)
        quiet = run.ok(*command, "--overwrite", "-q")
        written = [line.strip() for line in loud if str(tmp_path) in line]
        assert quiet == written
        assert len(quiet) > 5

    def test_quiet_keeps_warnings_and_errors(self, run, images, pattern, tmp_path):
        files = [images(f"{name}.fits", pattern(seed=n)) for n, name in enumerate("ab")]
        command = "cluster", *files, "--no-pictures", "--runs", 1
        _, _, normal = run(*command, "-o", "x")
        status, _, quiet = run(*command, "-o", "y", "-q")
        assert status == 0
        assert quiet == normal
        assert quiet
        assert all(line.startswith("warning: ") for line in quiet)
        status, out, err = run("explore", tmp_path / "absent", "-q")
        assert (status, out, len(err)) == (2, [], 1)

    def test_quiet_keeps_what_no_file_holds(self, run, command, tmp_path):
        run(*command)
        result = tmp_path / "out" / "cluster_map.fits"
        _, out, _ = run("test", result, result, "--quiet")
        assert any("adjusted Rand index" in line and "1.000" in line for line in out)
        _, out, _ = run("test", result, result, "--quiet", "-o", tmp_path / "scores")
        names = ["confusion.ecsv", "classes.ecsv", "scores.json"]
        assert out == [str(tmp_path / "scores" / name) for name in names]

    def test_verbose_times_each_step(self, run, command):
        status, _, err = run(*command, "--verbose")
        assert status == 0
        assert all(STEP.match(line) for line in err)
        steps = [line.split("s  ", 1)[1] for line in err]
        order = ["reading the images", "looking for sky", "clustering the pixels"]
        assert [step for step in steps if step in order] == order
        assert steps[-1] == "writing provenance.json"

    def test_not_both(self, run, command):
        status, _, err = run(*command, "-q", "-v")
        assert (status, len(err)) == (2, 1)
        assert "not allowed with argument" in err[0]

    def test_nothing_stays_configured(self, run, command):
        logger = logging.getLogger("skesom")
        before = logger.level, list(logger.handlers)
        run(*command, "-v")
        assert (logger.level, logger.handlers) == before

    def test_no_bars_if_quiet(self, run, bands, tmp_path, monkeypatch):
        monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
        options = ["--no-pictures", "--runs", 2, "--n-clusters", 3]
        run.ok("cluster", *bands, "-o", tmp_path / "out", "-q", *options)


class TestLibrary:
    def test_is_silent_unless_logging_is_configured(self, tmp_path):
        program = (
            "from skesom import ESOM\n"
            "from skesom.datasets import make_galaxy_cube\n"
            "from skesom.maps import make_cluster_pipeline\n"
            "from skesom.report import write_report\n"
            "cube, _ = make_galaxy_cube((32, 32), 3, random_state=0)\n"
            "job = make_cluster_pipeline(ESOM(2, random_state=0)).fit(cube)\n"
            "write_report('out', job, cube, pictures=False)\n"
        )
        configured = "import logging\nlogging.basicConfig(level='INFO')\n" + program
        for text, expected in (
            (program, ""),
            (configured, "INFO:skesom.report._report"),
        ):
            folder = tmp_path / (expected[:4] or "none")
            folder.mkdir()
            ran = subprocess.run(
                [sys.executable, "-W", "ignore", "-c", text],
                cwd=folder,
                capture_output=True,
                text=True,
                check=True,
            )
            assert ran.stdout == ""
            assert ran.stderr.startswith(expected)
            assert bool(ran.stderr) == bool(expected)

    def test_a_report_logs_decisions_and_steps(self, scene, tmp_path, caplog):
        cube, _ = scene
        job = make_cluster_pipeline(ESOM(4, random_state=0)).fit(cube)
        with caplog.at_level(logging.DEBUG, "skesom"):
            write_report(tmp_path / "out", job, cube, pictures=False)
        told = {level: [] for level in (logging.DEBUG, logging.INFO)}
        for record in caplog.records:
            told[record.levelno].append(record.getMessage())
        assert "writing provenance.json" in told[logging.DEBUG]
        assert told[logging.INFO][0].startswith("Data: 100.0% of the 2688 pixels")

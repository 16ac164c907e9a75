# SPDX-License-Identifier: BSD-3-Clause
"""What commands and the library tell, and how much of it."""

import logging
import re
from argparse import Namespace

import pytest

from skesom.cli import _messages
from skesom.io import write_map
from skesom.maps import make_cluster_pipeline
from skesom.report import write_report
from skesom.som import ESOM

STEP = re.compile(r" *\d+\.\d\d s  \w+")


@pytest.fixture
def command(bands, fast, tmp_path):
    return ["cluster", *bands, "-o", tmp_path / "out", "--n-clusters", "3", *fast]


class TestCommands:
    def test_quiet_leaves_paths_and_warnings(
        self, run, images, pattern, fast, tmp_path
    ):
        files = [images(f"{name}.fits", pattern(seed=n)) for n, name in enumerate("ab")]
        command = "cluster", *files, *fast, "-o", tmp_path / "out"
        _, loud, normal = run(*command)
        assert any(line.startswith("Data: 100.0%") for line in loud)
        status, quiet, err = run(*command, "--overwrite", "-q")
        assert (status, err) == (0, normal)
        assert err
        assert all(line.startswith("warning: ") for line in err)
        assert quiet == [line.strip() for line in loud if str(tmp_path) in line]
        assert len(quiet) > 5

    def test_quiet_keeps_errors(self, run, tmp_path):
        status, out, err = run("explore", tmp_path / "absent", "-q")
        assert (status, out, len(err)) == (2, [], 1)

    def test_quiet_keeps_what_no_file_holds(self, run, tmp_path):
        result = tmp_path / "map.fits"
        write_map(result, [[0, 0, 1], [1, 0, 0]])
        out = run.ok("test", result, result, "--quiet")
        assert any("adjusted Rand index" in line and "1.000" in line for line in out)
        out = run.ok("test", result, result, "--quiet", "-o", tmp_path / "scores")
        names = ["confusion.ecsv", "classes.ecsv", "scores.json"]
        assert out == [str(tmp_path / "scores" / name) for name in names]

    def test_verbose_times_each_step(self, run, command):
        logger = logging.getLogger("skesom")
        before = logger.level, list(logger.handlers)
        status, _, err = run(*command, "--verbose")
        assert status == 0
        assert all(STEP.match(line) for line in err)
        steps = [line.split("s  ", 1)[1] for line in err]
        order = ["reading the images", "looking for sky", "clustering the pixels"]
        assert [step for step in steps if step in order] == order
        assert steps[-1] == "writing provenance.json"
        assert (logger.level, logger.handlers) == before  # nothing stays configured

    def test_not_both(self, run, command):
        status, _, err = run(*command, "-q", "-v")
        assert (status, len(err)) == (2, 1)
        assert "not allowed with argument" in err[0]

    @pytest.mark.parametrize("is_terminal", [True, False])
    @pytest.mark.parametrize("quiet", [True, False])
    def test_bars_are_for_terminals_and_not_if_quiet(
        self, monkeypatch, is_terminal, quiet
    ):
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal, raising=False)
        with _messages.messages(Namespace(quiet=quiet, verbose=False)):
            assert _messages.shows_bars() == (is_terminal and not quiet)


class TestLibrary:
    def test_a_report_logs_decisions_and_steps(self, scene, tmp_path, caplog, capsys):
        """Nothing of it is heard unless a user configures logging."""
        cube, logger = scene[0], logging.getLogger("skesom")
        assert logger.level == logging.NOTSET
        assert all(isinstance(each, logging.NullHandler) for each in logger.handlers)
        job = make_cluster_pipeline(ESOM(4, random_state=0)).fit(cube)
        with caplog.at_level(logging.DEBUG, "skesom"):
            write_report(tmp_path / "out", job, cube, pictures=False)
        told = {level: [] for level in (logging.DEBUG, logging.INFO)}
        for record in caplog.records:
            assert record.name.startswith("skesom.")
            told[record.levelno].append(record.getMessage())  # no warnings
        assert capsys.readouterr() == ("", "")
        assert "writing provenance.json" in told[logging.DEBUG]
        assert told[logging.INFO][0].startswith("Data: 100.0% of the 1152 pixels")

# SPDX-License-Identifier: BSD-3-Clause
"""What commands and the library tell, and how much of it."""

import logging
import re
import subprocess
import sys
import warnings
from argparse import Namespace

import numpy as np
import pytest
from astropy import log, units
from astropy.io import fits

from skesom.cli import _messages
from skesom.io import read_cube, write_map
from skesom.maps import make_cluster_pipeline
from skesom.runs import Run
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


# Cards of drizzled images of JWST, as MAST gives them. WCSLIB adds the longitude,
# latitude and height of the telescope to its place, and says so in three lines.
JWST_CARDS = {
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CRVAL1": 214.9,
    "CRVAL2": 52.9,
    "CRPIX1": 22.0,
    "CRPIX2": 20.0,
    "CUNIT1": "deg",
    "CUNIT2": "deg",
    "CDELT1": -1.1e-5,
    "CDELT2": 1.1e-5,
    "BUNIT": "MJy/sr",
    "TELESCOP": "JWST",
    "INSTRUME": "NIRCAM",
    "MJD-AVG": 59935.2,
    "OBSGEO-X": 123456780.0,
    "OBSGEO-Y": 870000000.0,
    "OBSGEO-Z": 410000000.0,
}
# The distortion of a detector, which headers without relaxed cards leave out.
SIP_CARDS = {
    "CTYPE1": "RA---TAN-SIP",
    "CTYPE2": "DEC--TAN-SIP",
    "A_ORDER": 2,
    "A_2_0": 1e-7,
    "B_ORDER": 2,
    "B_0_2": 1e-7,
}


@pytest.fixture
def speaking_images(images, pattern):
    """Three images of one part of the sky, of which astropy has something to say."""
    names = []
    for number, name in enumerate(["F115W", "F150W", "F200W"]):
        header = fits.Header({**JWST_CARDS, **SIP_CARDS, "FILTER": name})
        data = np.float32(pattern(seed=number))
        fits.writeto(f"{name}.fits", data, header)
        names.append(f"{name}.fits")
    return names


@pytest.fixture
def speaks_of_each_file(monkeypatch):
    """Let astropy log and warn of each header that it reads, as of missing suffixes."""
    from skesom._sky import world_axes

    read = world_axes.WCS

    def speak(header, *arguments):
        log.info(
            """
            Inconsistent SIP distortion information is present in the FITS header: SIP
            coefficients were detected, but CTYPE is missing a "-SIP" suffix.

            Please remove them.
            """
        )
        number = header["FILTER"][1:4]
        warnings.warn(
            f"The card X{number} = {number} is odd.", UserWarning, stacklevel=1
        )
        text = f"The unit 'DN{number}' is not known. It is left out."
        warnings.warn(text, units.UnitsWarning, stacklevel=1)
        return read(header, *arguments)

    monkeypatch.setattr(world_axes, "WCS", speak)


class TestAstropy:
    def test_a_kind_is_one_line_with_its_files(
        self, run, speaking_images, speaks_of_each_file, fast, tmp_path
    ):
        handlers = list(log.handlers)
        status, out, err = run("cluster", *speaking_images, *fast, "-o", tmp_path / "o")
        assert status == 0
        assert [line for line in out if "astropy" in line] == [
            "astropy: Inconsistent SIP distortion information is present in the FITS "
            "header: SIP coefficients were detected, but CTYPE is missing a "
            '"-SIP" suffix (3 files, the first is F115W.fits; all with --verbose)'
        ]
        assert [line for line in err if "astropy" in line and "unit" in line] == [
            "warning: astropy: The unit 'DN115' is not known (3 files, the first is "
            "F115W.fits; all with --verbose)"
        ]
        assert log.handlers == handlers  # nothing stays configured

    def test_warnings_of_others_are_all_told(
        self, run, speaking_images, speaks_of_each_file, fast, tmp_path
    ):
        _, _, err = run("cluster", *speaking_images, *fast, "-q", "-o", tmp_path / "o")
        own = [line for line in err if "is odd" in line]
        numbers = [115, 150, 200]
        assert own == [f"warning: The card X{n} = {n} is odd." for n in numbers]
        assert not [line for line in err if "Inconsistent" in line]

    def test_verbose_tells_all_of_it(
        self, run, speaking_images, speaks_of_each_file, fast, tmp_path
    ):
        _, out, err = run(
            "cluster", *speaking_images, *fast, "-v", "-o", tmp_path / "o"
        )
        told = [
            line for line in out if line.endswith("Please remove them. (F150W.fits)")
        ]
        assert len(told) == 1
        units_told = [line for line in err if "unit 'DN" in line]
        assert [line.endswith("left out. (F200W.fits)") for line in units_told] == [
            False,
            False,
            True,
        ]

    def test_nothing_of_it_stands_beside_an_error(
        self, run, speaking_images, speaks_of_each_file, tmp_path
    ):
        _, out, err = run(
            "cluster", *speaking_images, "-o", tmp_path / "o", "--rgb", "a", "b", "c"
        )
        assert out == []
        assert not [line for line in err if "astropy" in line]

    def test_pictures_repeat_nothing_of_headers(self, speaking_images, tmp_path):
        """Other processes draw them, and get the WCS as the cards of a header."""
        arguments = "--method sklearn.cluster.KMeans --runs 2 --tables no".split()
        line = [sys.executable, "-m", "skesom.cli", "cluster", *speaking_images]
        line += [*arguments, "-o", tmp_path / "o"]
        done = subprocess.run(line, capture_output=True, text=True, check=True)
        assert "OBSGEO" not in done.stdout + done.stderr
        assert (tmp_path / "o" / "cluster_map.png").exists()

    def test_python_users_hear_astropy(self, speaking_images, speaks_of_each_file):
        with (
            log.log_to_list() as records,
            pytest.warns(units.UnitsWarning, match="DN115"),
            pytest.warns(UserWarning, match="is odd"),
        ):
            read_cube(speaking_images[0])
        assert any("Inconsistent SIP" in record.getMessage() for record in records)


class TestLibrary:
    def test_a_report_logs_decisions_and_steps(self, scene, tmp_path, caplog, capsys):
        """Nothing of it is heard unless a user configures logging."""
        cube, logger = scene[0], logging.getLogger("skesom")
        assert logger.level == logging.NOTSET
        assert all(isinstance(each, logging.NullHandler) for each in logger.handlers)
        job = make_cluster_pipeline(ESOM(4, random_state=0)).fit(cube)
        with caplog.at_level(logging.DEBUG, "skesom"):
            Run(job, cube).write(tmp_path / "out", pictures=False)
        told = {level: [] for level in (logging.DEBUG, logging.INFO)}
        for record in caplog.records:
            assert record.name.startswith("skesom.")
            told[record.levelno].append(record.getMessage())  # no warnings
        assert capsys.readouterr() == ("", "")
        assert "writing provenance.json" in told[logging.DEBUG]
        assert told[logging.INFO][0].startswith("Data: 100.0% of the 1152 pixels")

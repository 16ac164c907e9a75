# SPDX-License-Identifier: BSD-3-Clause
"""What the command says about itself."""

import re

import pytest

import skesom

ALL = {"cluster": "--help-all", "classify": "--help-all", "predict": "--help-all"}
WANTED = {
    "": "cluster predict test demo --version examples --fwhm",
    "cluster": "FITS --output --overwrite --hdu --band-names --masks --ignore-flags "
    "--weights --exclude --include --mask-zeros --mask-outliers --saturation --grow "
    "--smooth-counts --min-snr --min-bands --sky --fwhm --target-fwhm "
    "--pixel-scale --align-to --resample --conserve --crop --register --stretch "
    "--color-contrast --smooth-colors --method --n-clusters --epsilon --random-state "
    "NAME=VALUE --from --tables --no-pictures --smooth RUN-N",
    "predict": "MODEL FITS --output --trust --tables",
    "test": "RESULT TRUTH --output",
    "crossmatch": "RESULT FILE --radius --output",
    "demo": "--output skesom-demo --size --method",
}


class TestHelp:
    """What the command says about itself."""

    @pytest.mark.parametrize("command", WANTED)
    def test_help_is_complete_and_ends_well(self, run, command):
        text = " ".join(
            " ".join(run.ok(*command.split(), ALL.get(command, "--help"))).split()
        )
        known = set(re.findall(r"[\w=-]+", text))
        assert set(WANTED[command].split()) <= known
        assert "default: None" not in text
        assert "default: []" not in text
        if command == "cluster":
            assert "(default: 8)" in text
            assert "where the tree of that run is cut" in text

    @pytest.mark.parametrize(
        "command", ["cluster", "classify", "predict", "test", "crossmatch", "demo"]
    )
    def test_every_option_is_explained(self, run, command):
        _, out, _ = run(command, ALL.get(command, "--help"))
        text = "\n".join(out)
        for option in re.findall(r"^  (?:-\w \w+, )?(--[\w-]+)", text, re.MULTILINE):
            explained = rf"{option}(?: [^\n]*? {{2,}}\w| ?[^\n]*\n {{20,}}\w)"
            assert re.search(explained, text), option

    @pytest.mark.parametrize("command", ALL)
    def test_help_is_short_and_says_how_to_see_all(self, run, command):
        lines = run.ok(command, "--help")
        options = re.findall(r"^  (?:-\w \w+, )?(--[\w-]+)", "\n".join(lines), re.M)
        titles = [line for line in lines if re.match(r"\w.*:$", line)]
        assert len(options) <= 14
        assert len(titles) == 2
        assert f"skesom {command} --help-all explains all options." in lines[-1]
        assert lines[0].startswith(f"usage: skesom {command} [options] ")
        every = run.ok(command, "--help-all")
        assert set(options) < set(re.findall(r"--[\w-]+", "\n".join(every)))

    def test_version(self, run):
        assert run("--version") == (0, [f"skesom {skesom.__version__}"], [])

    def test_wants_a_command(self, run):
        status, out, err = run()
        assert (status, out) == (2, [])
        assert err == [
            "skesom: error: the following arguments are required: COMMAND "
            "(see skesom --help)"
        ]

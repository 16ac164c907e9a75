# SPDX-License-Identifier: BSD-3-Clause
"""What the command says about itself."""

import re

import pytest

import skesom

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
        text = " ".join(" ".join(run.ok(*command.split(), "--help")).split())
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
        _, out, _ = run(command, "--help")
        text = "\n".join(out)
        for option in re.findall(r"^  (?:-\w \w+, )?(--[\w-]+)", text, re.MULTILINE):
            explained = rf"{option}(?: [^\n]*? {{2,}}\w| ?[^\n]*\n {{20,}}\w)"
            assert re.search(explained, text), option

    def test_version(self, run):
        assert run("--version") == (0, [f"skesom {skesom.__version__}"], [])

    def test_wants_a_command(self, run):
        status, out, err = run()
        assert (status, out) == (2, [])
        assert err == [
            "skesom: error: the following arguments are required: COMMAND "
            "(see skesom --help)"
        ]

# SPDX-License-Identifier: BSD-3-Clause
"""Messages of the library name parameters, those of the command its options.

It looks inside the command: each row of the table of options has to name a parameter
that there is, and each phrase one that the library says.
"""

import ast
import errno
import inspect
import re
from pathlib import Path

import pytest
from astropy.io import fits

import skesom
from skesom import ESOM, Run
from skesom.cli import parser_of_commands
from skesom.cli._parser import commands_of
from skesom.cli._words import PARAMETERS, PHRASES, in_options
from skesom.cube import CubeAligner, CubeMasker
from skesom.io import read_cube
from skesom.maps import CubeClusterer, make_clusterer
from skesom.report import PictureStyle
from skesom.runs.image_source import ImageSource
from skesom.runs.training import TrainingLabels


@pytest.fixture(scope="module")
def sources():
    """All texts of the library, with literals of several lines joined."""
    folder = Path(skesom.__file__).parent
    paths = [path for path in folder.rglob("*.py") if path.name != "_words.py"]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return re.sub(r"""["']\n\s*f?["']""", "", "\n".join(texts))


@pytest.mark.parametrize("phrase", PHRASES)
def test_the_library_says_what_is_put_in_other_words(sources, phrase):
    assert phrase in sources or phrase.replace('"', '\\"') in sources


def options_of_the_library():
    """Options of all commands that set something in the library."""
    options = set()
    for command in commands_of(parser_of_commands()).values():
        for action in command._actions:
            options.update(o for o in action.option_strings if o.startswith("--"))
    return options


def test_the_table_has_only_options_that_there_are():
    assert set(PARAMETERS) <= options_of_the_library()
    assert len(set(PARAMETERS.values())) == len(PARAMETERS)


def test_what_the_table_lacks_is_of_the_command_line_alone():
    alone = "--help --help-all --quiet --verbose --output --from --set --catalogue "
    alone += "--accept-suggestions --size "
    alone += "--format --width --cutout --labels"  # words of English, too
    assert options_of_the_library() - set(PARAMETERS) == set(alone.split())


@pytest.mark.parametrize("name", PARAMETERS.values())
def test_the_table_has_parameters_of_the_library(name):
    places = [
        *(Run.fit, Run.read, Run.write, Run.explore, Run),
        *(read_cube, make_clusterer, ESOM, CubeMasker, CubeAligner, CubeClusterer),
        *(PictureStyle, ImageSource, TrainingLabels),
    ]
    assert any(name in inspect.signature(place).parameters for place in places)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("(crop=False keeps all)", "(--crop no keeps all)"),
        ('Set it aside (sky="mask").', "Set it aside (--sky mask)."),
        ("registration=None keeps them", "--register no keeps them"),
        ("trust it (trust=True).", "trust it (--trust)."),
        ("regularizer=MajorityVote() lets", "--smooth psf lets"),
        ("Pass a smaller grow.", "Give a smaller --grow."),
        ("pass fwhm in arcsec", "give --fwhm in arcsec"),
        ("smaller blocks (block_size)", "smaller blocks (--block-size)"),
        ("min_bands=3 is more", "--min-bands 3 is more"),
        ("Bring it there (align_to='/a b/c.fits').", None),
        (
            "'min_bands' and /min_bands/crop=False",
            "'min_bands' and /min_bands/crop=False",
        ),
        ("It has no sky, and the fwhm is unknown", None),
        ("radius=1.5 is odd", "--radius 1.5 is odd"),
    ],
)
def test_parameters_become_options(text, wanted):
    if wanted is None:
        wanted = text.replace("align_to='/a b/c.fits'", "--align-to /a b/c.fits")
    assert in_options(text) == wanted


def test_the_library_names_no_option():
    found = []
    folder = Path(skesom.__file__).parent
    for path in folder.rglob("*.py"):
        if "cli" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                options = re.findall(r"(?<![\w-])--[a-z][\w-]+", node.value)
                if options and "`skesom " not in node.value:
                    found.append(f"{path.name}: {options}")
    assert found == []


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--fwhm", "1arcsec", "2arcsec"], "give --pixel-scale in arcsec"),
        (["--target-fwhm", "2"], "Give --fwhm in pixels"),
        (["--smooth", "1arcsec"], "3pix"),
        (["--pca", "7"], "--pca 7"),
    ],
)
def test_errors_name_options(refused, images, pattern, fast, words, wanted):
    files = [images(f"{seed}.fits", pattern(seed=seed)) for seed in range(2)]
    refused("cluster", *files, *fast, *words, parts=[wanted])


def test_a_folder_that_is_not_there(run):
    line = run.fails("predict", "nores", "image.fits", "-o", "out")
    assert line == "skesom predict: error: nores: No such file or directory"


def test_too_many_open_files_are_no_damage(refused, images, pattern, monkeypatch):
    file = images("a.fits", pattern())

    def fail(*args, **kwargs):
        raise ValueError("no data") from OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(fits, "open", fail)
    parts = ["a.fits: Too many open files: raise the limit (ulimit -n)"]
    refused("cluster", file, parts=parts)


def test_codes_in_a_catalog_are_written_out(run, bands, objects, fast, tmp_path):
    catalog = tmp_path / "objects.csv"
    text = objects.read_text(encoding="utf-8")
    catalog.write_text(text.replace("HII", "H\u202eII\x1b"), encoding="utf-8")
    out = tmp_path / "out"
    assert run("cluster", *bands, "-o", out, *fast, "--catalog", catalog)[0] == 0
    assert run("explore", out, "--catalog", catalog, "--trust")[0] == 0
    names = ["summary.md", "crossmatch.ecsv", "objects.ecsv", "page.html"]
    texts = [(out / name).read_text(encoding="utf-8") for name in names]
    assert not any("\u202e" in text or "\x1b" in text for text in texts)
    assert "H\\u202eII\\x1b" in texts[1]


def test_names_of_bands_are_no_markup_in_the_summary(run, bands, fast, tmp_path):
    out = tmp_path / "out"
    names = ["a|b", "<i>c", "`d` [e](f)"]
    run("cluster", *bands, "-o", out, *fast, "--band-names", *names)
    summary = (out / "summary.md").read_text(encoding="utf-8")
    for written in (r"a\|b", r"\<i>c", r"\`d\` \[e](f)"):
        assert written in summary


def test_a_single_band_is_named_without_markup_too(run, bands, fast, tmp_path):
    out = tmp_path / "out"
    run("cluster", bands[0], "-o", out, *fast, "--band-names", "<b>`a|b`")
    summary = (out / "summary.md").read_text(encoding="utf-8")
    assert r"One band, \<b>\`a\|b\`:" in summary
    assert "<b>" not in summary.replace(r"\<b>", "")

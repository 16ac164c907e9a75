# SPDX-License-Identifier: BSD-3-Clause
"""What commands share: one-line errors, help, types of values, options."""

import argparse
import ast
import math
import re
from functools import partial
from pathlib import Path

from skesom._common.extras import (
    NO_PHOTUTILS,
    NO_REGIONS,
    PICTURES_LEFT_OUT,
    check_extra,
    has_extra,
)
from skesom.cli._messages import (
    listen_to_astropy,
    one_line,
    shows_bars,
    tell,
    warn_now,
)

NEGATIVE = re.compile(r"-\.?\d")  # no option but a value, as from Python 3.14 on
YES_OR_NO = {"yes": True, "no": False}
_OF_PICTURES = {"format": "png", "dpi": 150, "width": None, "rgb": None}
REGION_FILES = (".reg", ".crtf")
# Of the short help, where a run may be repeated.
IMAGES_AND_RESULTS = "files", "output", "overwrite", "provenance", "cutout", "masks"
_NOT_SET = {
    "method": "give --method",
    "n_clusters": "give --n-clusters",
    "n_runs": "give --runs",
    "random_state": "give --random-state",
    "verbose": "progress is shown in every terminal",
}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, as those of the commands."""

    color = property(lambda self: False, lambda self, given: None)  # from Python 3.14

    def error(self, message):
        """End with status 2 and one line on standard error."""
        text = one_line(message)
        self.exit(2, f"{self.prog}: error: {text} (see {self.prog} --help)\n")

    def _print_message(self, message, file=None):
        tell(*message.removesuffix("\n").split("\n"), to=file)


def check_no_empty(parser, arguments):
    """End with an error if an argument is an empty text, as of a variable without one.

    It would stand for the folder of work, or be left out in silence.
    """
    for number, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if argument == "":
            before = arguments[number - 1] if number else ""
            place = f"after {before}" if before else "in the first place"
            parser.error(f"an argument is an empty text ({place}): give a value")
        if option.startswith("--") and equals and not value:
            parser.error(f"argument {option}: give a value, not an empty text")


class _Noted(argparse.Action):
    """Store a value, and that it was given."""

    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, values)
        namespace.given = {*namespace.given, self.dest}


class _ShortHelp(argparse.Action):
    """Print the help of the options that most people need."""

    def __init__(self, option_strings, dest, *, groups, all_options, help):
        super().__init__(option_strings, dest, nargs=0, help=help)
        self._groups = groups
        self._all = all_options

    def __call__(self, parser, namespace, values, option_string=None):
        places = [
            action.metavar if action.nargs is None else f"{action.metavar} ..."
            for action in parser._actions
            if not action.option_strings
        ]
        short = Parser(
            prog=parser.prog,
            usage=f"{parser.prog} [options] {' '.join(places)} -o DIR",
            description=parser.description,
            epilog=f"{parser.prog} {self._all} explains all options.",
            formatter_class=_Help,
            add_help=False,
        )
        wanted = {action.dest: action for action in parser._actions}
        for title, names in self._groups.items():
            group = short.add_argument_group(title)
            for name in names:
                group._add_action(wanted[name])
        short.print_help()
        parser.exit()


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Help with the defaults that mean something and are not in the text."""

    def _get_help_string(self, action):
        is_given = "default" in action.help
        if is_given or action.default in (None, []) or action.default is False:
            return action.help
        return super()._get_help_string(action)


def add_command(commands, name, run, text, description, *, short=None):
    """Add a command; return its parser.

    `short` has the options that most people need, in groups by their titles.
    """
    parser = commands.add_parser(
        name,
        help=text,
        description=description,
        formatter_class=_Help,
        add_help=short is None,
    )
    if short is not None:
        every = "--help-all"
        parser.add_argument(
            "-h",
            "--help",
            action=_ShortHelp,
            groups=short,
            all_options=every,
            help="show the options that most people need and exit",
        )
        parser.add_argument(every, action="help", help="show all options and exit")
    parser._negative_number_matcher = NEGATIVE
    parser.set_defaults(run=run, given=set())
    add = parser.add_mutually_exclusive_group().add_argument
    text = "print only warnings, errors and the paths of what is written"
    add("-q", "--quiet", action="store_true", help=text)
    text = "print each step, and the seconds that it took"
    add("-v", "--verbose", action="store_true", help=text)
    return parser


def add_choice(add, name, text, *words):
    """Add an option that is one of some words, by default the first."""
    add(name, choices=words, default=words[0], help=text)


def add_output(parser, default=None, *, also=None):
    """Add the options of the folder of results, and of its files.

    `also` tells when the folder may be left out.
    """
    text = "folder for the results" + (f" (default {also})" if also else "")
    must = default is None and also is None
    add = parser.add_argument
    add("-o", "--output", metavar="DIR", default=default, required=must, help=text)
    add_overwrite(parser)
    text = "table of the pixels; auto: of up to 10 million; yes: also scaled pixels, "
    text += "validity indices, and an image of the clusters in each band"
    add_choice(add, "--tables", text, "auto", "yes", "no")
    add = parser.add_argument_group("pictures").add_argument
    text = "write no pictures, to save time"
    add("--no-pictures", action="store_true", help=text)
    add_choice(add, "--format", "format of the pictures", "png", "pdf", "svg")
    text = "dots per inch of images"
    add("--dpi", type=count, default=_OF_PICTURES["dpi"], metavar="N", help=text)
    text = "width of one or two columns of a journal (default: for the screen)"
    add("--width", choices=("one", "two"), help=text)
    add_rgb(add)


def add_rgb(add):
    """Add the option of the bands of color pictures."""
    text = "bands for red, green and blue in color pictures, by name or number from 0 "
    text += "(default: by wavelength, those that show most)"
    add("--rgb", nargs=3, type=number_or_name, metavar=("R", "G", "B"), help=text)


def style_of(options, bands=None):
    """Return how pictures are drawn, False for none; check the names of bands."""
    from skesom.report import PictureStyle

    if options.no_pictures:
        return False
    given = options.format, options.dpi, options.width, options.rgb
    return PictureStyle(*given).check(bands)


def prepare_pictures(options):
    """Start the processes that draw pictures, which need seconds to load libraries.

    Options of pictures are refused without any. Without matplotlib, pictures are left
    out, which is said before the images are read.
    """
    from skesom._common.workers import workers

    if options.no_pictures:
        for name, default in _OF_PICTURES.items():
            if getattr(options, name) != default:
                raise ValueError(f"--{name} is about pictures: leave out --no-pictures")
    elif has_extra("matplotlib"):
        workers.load("astropy.visualization.wcsaxes", "skesom.report._pictures")
    else:
        warn_now(PICTURES_LEFT_OUT)
        options.no_pictures = True
    listen_to_astropy()  # loads a library, too, after the processes have started


def check_extras(options):
    """Refuse what needs libraries that are missing, before images are read."""
    if "stars" in (options.fwhm or ()) or options.subtract_background == "yes":
        check_extra("photutils", NO_PHOTUTILS)
    check_regions_extra(*options.exclude, *options.include, options.objects)


def check_regions_extra(*paths):
    """Refuse region files if what reads them is missing."""
    for path in paths:
        if path is not None and Path(path).suffix.lower() in REGION_FILES:
            check_extra("regions", NO_REGIONS)


def add_overwrite(parser):
    """Add the option to replace files."""
    text = "replace results that exist already"
    parser.add_argument("--overwrite", action="store_true", help=text)


def add_moved(parser):
    """Add the option of where the images of a result are now."""
    text = "images that have moved: the folder where they are, or all in their order"
    parser.add_argument("--images", nargs="+", metavar="FITS", help=text)


def add_trust(parser):
    """Add the option to load pickles, and classes of other packages."""
    text = "load also a pickle (.joblib) or classes of any package that the file of "
    text += "someone you trust names: they could run any program"
    parser.add_argument("--trust", action="store_true", help=text)


def add_images(parser, nargs="+", *, of_model=False):
    """Add the options of the files, of the pixels that are left out, and of errors."""
    text = "one file per band or of several; image.fits[SCI,1] names an extension"
    parser.add_argument("files", nargs=nargs, metavar="FITS", help=text)
    add = parser.add_argument_group("images").add_argument
    text = "name or number of the extension to read, where a file does not name it; "
    text += '"all" reads every image (default: the first image)'
    add("--hdu", type=hdu, metavar="NAME", help=text)
    text = "one for each band (default: from FILTER cards or the file names)"
    add("--band-names", nargs="+", metavar="NAME", help=text)
    text = "whether exposures of a band become one image: auto if files of an "
    text += "instrument have the same FILTER and others another one; yes if they have "
    text += "the same name"
    add_choice(add, "--combine", text, "auto", "yes", "no")
    text = 'where flags of bad pixels are: "inside" looks for DQ, MASK and the like in '
    text += 'each file, "auto" also for a file beside it (g_mask.fits of g.fits); '
    text += '"none", an extension of each file, one file for all, or one for each '
    text += "image (default: "
    where = None if of_model else ["inside"]
    text += "that of the model)" if of_model else "inside)"
    add("--masks", nargs="+", type=companion, metavar="FLAGS", default=where, help=text)
    text = 'flags of pixels to use all the same, as "4,16" or "~1"; "auto" knows those '
    text += "of JWST, HSC and LSST (default: auto)"
    add("--ignore-flags", type=flags, metavar="FLAGS", help=text)
    text = "weights or exposures, as --masks; only positive ones are used (default: "
    text += "that of the model)" if of_model else "inside)"
    add(
        "--weights",
        nargs="+",
        type=companion,
        metavar="WEIGHTS",
        default=where,
        help=text,
    )
    text = "errors of the values, as --masks, which csom weighs them by (default: "
    text += "those of the model)" if of_model else "none)"
    add("--errors", nargs="+", type=companion, metavar="ERRORS", help=text)
    text = "what all errors are (default: by the names of extensions or files)"
    add("--error-kind", choices=("std", "var", "ivar"), help=text)
    text = "take only a square of this side around a place: degrees, or as in "
    text += "13h37m00.9s -29d51m57s (ICRS); side in arcsec, or as in 2arcmin or 300pix"
    add("--cutout", nargs=3, metavar=("RA", "DEC", "SIZE"), help=text)
    text = "region files of DS9 or CASA; pixels inside are masked"
    add("--exclude", nargs="+", metavar="REGIONS", default=[], help=text)
    text = "region files of DS9 or CASA; pixels outside of all of them are masked"
    add("--include", nargs="+", metavar="REGIONS", default=[], help=text)
    text = "whether images stay on the disk and are worked through in strips of rows, "
    text += "with the same result (extra dask); auto: if they need more memory than is "
    text += "free"
    add_choice(add, "--strips", text, "auto", "yes", "no")
    # Of commands without these options.
    parser.set_defaults(continuum=[], subtract_sky="yes")


def add_continuum(parser):
    """Add the option of the continuum of lines."""
    text = "bands of continuum of a band of lines, as F657N=F555W,F814W; or none "
    text += "(default: the broad bands around narrow filters that are known)"
    add, form = parser.add_argument, "LINE=BANDS"
    add("--continuum", nargs="+", type=_continuum, default=[], metavar=form, help=text)


def add_sky_level(parser):
    """Add the option of the level from which fluxes count."""
    text = "whether tables, spectra and colors show fluxes above the level of the sky "
    text += "that was set aside; what is clustered is the same"
    add_choice(parser.add_argument, "--subtract-sky", text, "yes", "no")


def _continuum(text):
    """Return the line and the bands of LINE=BAND,BAND, or "none"."""
    if text == "none":
        return text
    line, equals, bands = text.partition("=")
    if not (equals and line and all(bands.split(","))):
        wanted = "is not of the form LINE=BAND or LINE=BAND,BAND, or none"
        raise argparse.ArgumentTypeError(f"{text!r} {wanted}")
    return line, bands.split(",")


def continua_of(given):
    """Return the continua that an option gives, None for those that are known."""
    if "none" in given:
        if len(given) > 1:
            raise ValueError("--continuum none switches all off: give no bands with it")
        return "none"
    return dict(given) or None


def source_of(options, earlier=None):
    """Return the files of the options, and how they are read or earlier ones were."""
    from skesom.runs.image_source import ImageSource

    how = {} if earlier is None else earlier.choices()
    for role in ("masks", "weights", "errors"):
        if values := getattr(options, role):
            how[role] = _companions(values)
    for name in ("ignore_flags", "error_kind"):
        if getattr(options, name) is not None:
            how[name] = getattr(options, name)
    subtract_sky = YES_OR_NO[options.subtract_sky]
    if earlier is not None:  # of a model, which has no option of its own
        subtract_sky = earlier.subtract_sky
    source = ImageSource(
        tuple(options.files),
        options.hdu,
        options.band_names,
        exclude=tuple(options.exclude),
        include=tuple(options.include),
        combine=YES_OR_NO.get(options.combine, "auto"),
        continua=continua_of(options.continuum) or (earlier and earlier.continua),
        cutout=options.cutout and _cutout(*options.cutout),
        subtract_sky=subtract_sky,
        **how,
    )
    if options.error_kind and source.errors is None:
        raise ValueError("--error-kind is about errors: give --errors")
    if options.ignore_flags and source.masks is None:
        raise ValueError("--ignore-flags is about flags: give --masks")
    return source


def _cutout(*texts):
    """Return right ascension and declination in degrees, and the side of a cutout."""
    from astropy import units
    from astropy.coordinates import Angle, SkyCoord

    try:
        is_in_hours = re.search(r"\d[\s:]+\d", texts[0])  # 13:37:00.9, 13 37 00.9
        hours = units.hourangle if is_in_hours else units.deg
        place = SkyCoord(Angle(texts[0], hours), Angle(texts[1], units.deg))
        size = length(texts[2])
        size = size.value * units.arcsec if size.unit.is_unity() else size
        is_length = size.unit == units.pix or size.unit.is_equivalent(units.arcsec)
        if not (is_length and size.value > 0):
            raise ValueError("SIZE must be an angle or in pixels, and above 0")
        if not math.isfinite(place.ra.deg + place.dec.deg):
            raise ValueError("RA and DEC must be finite")
    except (argparse.ArgumentTypeError, TypeError, ValueError) as error:
        wanted = "RA DEC SIZE, as 204.25 -29.87 90arcsec"
        text = f"--cutout must be {wanted}, got {' '.join(texts)}: {error}"
        raise ValueError(text) from error
    return float(place.ra.deg), float(place.dec.deg), size


def _companions(values):
    """Return where masks, weights or errors are, as `read_cube` takes it."""
    if values == ["none"]:
        return None
    is_file = len(values) > 1 or "." in values[0]
    return values if is_file else number_or_name(values[0])


def add_clusterer(parser):
    """Add the options of the clusterer."""
    add = parser.add_argument_group("clustering").add_argument
    text = "esom, csom, or the import path of a scikit-learn clusterer"
    add("--method", default="esom", help=text)
    text = 'number of clusters; "auto" chooses it (esom and csom), "none" is for the '
    text += "rule of the method without it; with --from, where the tree of that run is "
    text += "cut"
    kind = count_or_none
    add("--n-clusters", action=_Noted, type=kind, default=8, metavar="N", help=text)
    text = "runs of a consensus (default: 12, more of small images; 1 is a single run)"
    add("--runs", type=count, metavar="N", help=text)
    text = "distance at which esom makes a new unit (default: chosen from the data)"
    add("--epsilon", type=partial(finite, least=0), help=text)
    add_parameters(add, "learning_rate=0.1")


def add_parameters(add, example):
    """Add the options of the random state and of other parameters of a method."""
    seed = partial(count, least=0)
    add("--random-state", type=seed, default=0, metavar="SEED", help="random seed")
    text = f"another parameter of the method, as {example}; may be repeated"
    form = "NAME=VALUE"
    add("--set", action="append", type=assignment, default=[], metavar=form, help=text)


def clusterer_of(options):
    """Make the clusterer that the options name."""
    from skesom.maps import make_clusterer

    parameters = dict(options.set)
    if options.epsilon is not None:
        parameters["epsilon"] = options.epsilon
    return make_clusterer(
        options.method,
        n_clusters=options.n_clusters,
        n_runs=options.runs,
        random_state=options.random_state,
        verbose=shows_bars(),
        **parameters,
    )


def assignment(text):
    """Return the name and the value of NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    if name in _NOT_SET:
        raise argparse.ArgumentTypeError(f"{name} cannot be set so, {_NOT_SET[name]}")
    try:
        return name, ast.literal_eval(value)
    except (MemoryError, RecursionError, SyntaxError, TypeError, ValueError):
        return name, value


def count(text, also="", least=1):
    """Return a whole number; the error names the alternatives."""
    if text.isdecimal() and int(text) >= least:
        return int(text)
    wanted = f"must be a whole number from {least}{also}"
    raise argparse.ArgumentTypeError(f"{wanted}, got {text!r}")


def count_or_none(text):
    """Return a count from 1, "auto", or None for "none"."""
    words = {"none": None, "auto": "auto"}
    known = text.lower() in words
    return words[text.lower()] if known else count(text, ', "auto" or "none"')


def finite(text, least=-math.inf):
    """Return a finite number that is not below a least one."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isfinite(number) and number >= least:
        return number
    wanted = "must be a number"
    if least > -math.inf:
        wanted += f" from {least:g}"
    raise argparse.ArgumentTypeError(f"{wanted}, got {text!r}")


def hdu(text):
    """Return the number of an HDU from 0, or its name."""
    number = number_or_name(text)
    if isinstance(number, int) and number < 0:
        raise argparse.ArgumentTypeError(f"HDUs are numbered from 0, got {text!r}")
    return number


def companion(text):
    """Return where masks, weights or errors are: the name of a file or of an HDU."""
    hdu(text)
    return text


def flags(text):
    """Return flags as they are written; they are read with the masks."""
    if re.search(r"(^|,)\s*-", text):
        raise argparse.ArgumentTypeError(f"flags are not negative, got {text!r}")
    return text


def number_or_name(text):
    """Return a whole number as such, and anything else as it is."""
    return int(text) if text.lstrip("-").isdigit() else text


def width(text):
    """Return a width: a number of arcsec, a Quantity ("2.5pix"), or a keyword."""
    words = "header", "stars"
    return text if text in words else length(text, ', "header" or "stars"')


def radius(text):
    """Return a radius from 0: a number of arcsec, or a Quantity."""
    value = length(text)
    if not value.value >= 0:
        raise argparse.ArgumentTypeError(f"must not be negative, got {text!r}")
    return float(value) if value.unit.is_unity() else value


def length(text, also=""):
    """Return a Quantity, without a unit if none is given; the error names words."""
    from astropy import units  # help should come at once

    try:
        quantity = units.Quantity(text)
        if not math.isfinite(quantity.value):
            raise ValueError("it is not finite")
    except (TypeError, ValueError) as error:
        wanted = f"a number of arcsec or with a unit, as 2.5pix{also}"
        raise argparse.ArgumentTypeError(f"must be {wanted}, got {text!r}") from error
    unitless = quantity.unit == units.dimensionless_unscaled
    return quantity.item() if unitless else quantity

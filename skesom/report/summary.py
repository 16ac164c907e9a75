# SPDX-License-Identifier: BSD-3-Clause
"""What was found, in words: a page for people who do not know the method."""

import re
from itertools import islice
from typing import NamedTuple

import numpy as np

from skesom._common.labels import count_clusters
from skesom._common.texts import in_markdown, percent
from skesom._sky.field_of_view import is_of_the_sky, text_of_cutout
from skesom._sky.narrow_bands import band_wavelengths
from skesom.cube.flux.physical import physical_factors
from skesom.displays.thinning import middle_pixels, thinning_step
from skesom.maps import suggest_names
from skesom.maps.suggestions import Suggestion
from skesom.report._populations import summary_lines
from skesom.report.decisions import (
    components_of,
    line_of_components,
    line_of_single_band,
    lines_of_counts,
    lines_of_small_pieces,
    single_band,
    small_pieces_of,
)
from skesom.report.result import MAX_PIXELS
from skesom.report.sky_level import describe_sky, line_of_level, text_of_left

SUMMARY_NAME = "summary.md"
_MANY_BANDS = 12  # to be listed
_MOST_UNKNOWN = 3  # bands that are named
_GUESS = " (?)"
_UNKNOWN = Suggestion(None, (), "", "")
_EXPLANATION = """\
Pixels of one cluster are alike in all bands. A name with (?) is only a suggestion, by
simple rules on colors and lines; "why" gives the numbers. Where no rule holds there is
no name; "how it differs" tells each cluster from all others. Magnitudes (mag): 0.1 mag
is 10 % of the light, 0.75 mag a factor of 2. "Bluer" and "redder" compare a cluster
with the mean over the area of all whose color is known to 0.3 mag, "brighter",
"fainter", "bright" and "faint" with the brightness that half of the light exceeds. Of
"reddest" and "bluest", clusters whose color is not known are left out."""
_OF_CLASSES = (
    "Each pixel has the class that it is most like, of those that were taught."
)
_OF_VOXELS = """\
A voxel is the flux of one pixel in one band. Voxels of one cluster are about as bright,
in units of the noise of their bands. Each band has a slice of the map."""


class Description(NamedTuple):
    """A cluster in words, each as a cell of a table."""

    number: int
    name: str  # with (?) if it is suggested, empty without one
    share: str
    sure: str
    difference: str
    why: str

    def line(self):
        """Return all in one line for a terminal: the first of the reasons is enough."""
        first = re.split(r"; |\. ", self.why)[0]
        difference = self.difference and f"differs as {self.difference}"
        cells = self.name or "no name", difference, self.sure, first
        return ", ".join(filter(None, cells))


def write_summary(path, result, findings, pictures):
    """Write the summary of a result.

    Parameters
    ----------
    path : pathlib.Path
    result : Result
    findings : Findings
    pictures : dict of str to str
        The files of the pictures, by their names.
    """
    if result.is_voxel:
        explanation = _OF_VOXELS
    elif findings.suggestions is None:
        explanation = _OF_CLASSES
    else:
        explanation = _EXPLANATION
    paragraphs = [f"# What was found in {len(findings.clusters)} clusters"]
    paragraphs.append(_images(result))
    if findings.off_map is not None:
        paragraphs.append(findings.off_map.line())
    paragraphs.append(explanation)
    paragraphs.append("\n".join(_table(result, findings.descriptions)))
    if findings.populations is not None:
        lines = summary_lines(findings.populations, pictures.get("population_map"))
        paragraphs.append("\n".join(lines))
    paragraphs.append("## What to look at next")
    paragraphs.append("\n".join(_next(result, findings, pictures)))
    text = "\n\n".join(paragraphs)
    path.write_text(f"{text}\n", encoding="utf-8")


def suggestions_of(result, crossmatch=None, *, of_run=False):
    """Return suggested names, from at most so many pixels as a picture has.

    Of the groups, or of the clusters of the run. Classes are what they were learned as,
    and voxels have no colors: None.
    """
    if result.is_classified or result.is_voxel:
        return None
    step = thinning_step(result.label_map.shape, MAX_PIXELS)
    labels, cube, _ = result.thinned(step)
    if of_run:
        labels = middle_pixels(result.run_label_map, step)
    scale = result.cube.pixel_scale
    if scale is not None:
        cube = cube.replace(pixel_scale=tuple(step * side for side in scale))
    continua = result.continua
    found = suggest_names(labels, cube, continua=continua, crossmatch=crossmatch)
    if result.sky_left or result.is_picture:  # the color of the sky, or of no light
        found = [guess._replace(name=None, evidence=(), reason="") for guess in found]
    n_clusters = len(result.run_colors if of_run else result.names)
    lost = n_clusters - len(found)  # too small to be in thinned images
    return found + [_UNKNOWN] * lost


def reasons_of(guess):
    """Return the evidence of a suggestion in one text, and the reason of its name."""
    return "; ".join(guess.evidence) + (f". {guess.reason}" * bool(guess.name))


def _images(result):
    """Return a paragraph on the images."""
    cube, labels = result.cube, result.label_map
    n_rows, n_columns, n_bands = cube.shape
    named = []
    for name, nm in zip(cube.band_names, band_wavelengths(cube), strict=True):
        text = in_markdown(name)
        if not np.isnan(nm):
            text += f" ({nm:.4g} nm)"
        named.append(text)
    if n_bands > _MANY_BANDS:
        named = [named[0], "...", named[-1]]
    text = (
        f"The images have {n_rows} x {n_columns} pixels in {n_bands} bands: "
        f"{', '.join(named)}."
    )
    if result.cutout is not None:
        text += f" They are a cutout of {text_of_cutout(result.cutout)}."
    components = None
    if result.component_filter is not None:
        components = components_of(result.component_filter)
    if components is not None:
        text += f" {line_of_components(components)}"
    sky = describe_sky(result)
    if sky is not None and sky["subtracted"]:
        text += (
            " Fluxes, spectra and colors count from the level of the sky that was set "
            f"aside: {in_markdown(line_of_level(sky['subtracted']))}."
        )
    if sky is not None and sky["left"]:
        text += f" **{in_markdown(text_of_left(sky['left']))}**"
    for label, what in ((-3, "have no data"), (-2, "are empty sky"), (-1, "are noise")):
        share = np.count_nonzero(labels == label) / labels.size
        if share:
            of = "voxels" if result.is_voxel else "pixels"
            text += f" {100 * share:.2g} % of the {of} {what} and are in no cluster."
    band = single_band(result.step)
    if band is not None:
        text += f" {in_markdown(line_of_single_band(band))}"
    for line in lines_of_counts(result.counts):
        text += f" {in_markdown(line)}"
    return text


def _table(result, descriptions):
    """Yield the lines of the table of the clusters."""
    of = "voxels" if result.is_voxel else "pixels"
    heads = (
        "cluster",
        "what it is",
        f"share of the clustered {of}",
        "how sure",
        "how it differs",
        "why",
    )
    yield f"| {' | '.join(heads)} |"
    yield "|---|---|---|---|---|---|"
    for cells in descriptions:
        yield f"| {' | '.join(map(in_markdown, cells))} |"


def described(result, clusters, suggestions):
    """Return the description of each cluster."""
    return [*_descriptions(result, clusters, suggestions)]


def _descriptions(result, clusters, suggestions):
    """Yield the description of each cluster."""
    if result.is_voxel:
        fluxes = np.full(len(result.names), np.nan)
        fluxes[clusters["id"]] = clusters[f"{result.feature_names[0]}_scaled"]
        suggestions = levels_of(result, fluxes)
    for row in clusters:
        number = int(row["id"])
        name, difference, why = result.names[number], "", ""
        is_named = name != str(number)
        if suggestions is not None:
            guess = suggestions[number]
            if result.is_voxel:  # the level of a flux is what it is
                name = name if is_named else guess.description
            else:
                difference = guess.description
                suggested = guess.name + _GUESS if guess.name else ""
                name = name if is_named else suggested
            if is_named and guess.name:
                why = f"looks like {guess.name}: "
            why += reasons_of(guess)
        sure = ""
        if "agreement" in clusters.colnames:
            sure = f"the runs agree to {100 * row['agreement']:.0f} %"
        if "off_map" in clusters.colnames:
            off_map = f"{100 * row['off_map']:.0f} % are off the map"
            sure = f"{sure}, {off_map}" if sure else off_map
        cells = name, percent(row["percentage"]), sure, difference, why
        yield Description(number, *(" ".join(cell.split()) for cell in cells))


def levels_of(result, fluxes):
    """Return of clusters of voxels, as suggestions, the rank by flux and a band.

    The band is the one that has most of the voxels; a flux of NaN is of no voxel.
    """
    bands, levels = result.cube.band_names, [_UNKNOWN] * len(fluxes)
    slices = map(result.slice_of, range(len(bands)))
    counts = np.array([count_clusters(each, len(fluxes)) for each in slices])
    order = np.argsort(fluxes)[: np.count_nonzero(~np.isnan(fluxes))].tolist()
    for rank, number in enumerate(order, 1):
        own = counts[:, number]
        why = f"{own.max() / own.sum():.0%} of its voxels are in {bands[own.argmax()]}"
        text = f"level {rank} of {len(order)} from the faintest"
        levels[number] = Suggestion(None, (why,), "", text)
    return levels


def _next(result, findings, pictures):
    """Yield advice for the next looks, as items of a list."""
    clusters = findings.clusters
    suggestions = findings.suggestions
    if result.why_no_names is not None:
        yield f"- {result.why_no_names}"
    elif suggestions and np.isfinite(band_wavelengths(result.cube)).sum() < 2:
        yield (
            "- No names are suggested by color: fewer than two bands have a filter or "
            "wavelength that is known. Name them with `band_names`, as in F555W or r."
        )
    elif suggestions and not is_of_the_sky(result.cube):
        yield (
            "- No names are suggested: the pixels have no angle on the sky (a WCS or a "
            "`pixel_scale`), and no band has a name of astronomers."
        )
    if "cluster_map" in pictures:
        yield f"- `{pictures['cluster_map']}` shows where each cluster lies."
    if "cluster_spectra" in pictures:
        spectra = pictures["cluster_spectra"]
        yield f"- `{spectra}` shows how they differ. {_fluxes(result.cube)}"
    if "dendrogram" in pictures:
        yield (
            f"- `{pictures['dendrogram']}` shows which clusters are most alike. "
            "`Run.read(folder).cut(12)`, or `skesom cluster --from` this folder "
            "`--n-clusters 12`, cuts the same tree at another number, in seconds."
        )
    diagrams = [f"`{pictures[n]}`" for n in result.diagrams if n in pictures]
    if diagrams:
        text = "shows" if len(diagrams) == 1 else "show"
        yield (
            f"- {', '.join(diagrams)} {text} the pixels as astronomers plot them; a "
            "contour holds half of a cluster."
        )
    if result.is_of_fit:
        for line in lines_of_small_pieces(small_pieces_of(result.step)):
            yield f"- {line}"
    if "agreement" in clusters.colnames and len(clusters) > 1:
        least = clusters[int(np.argmin(clusters["agreement"]))]
        yield (
            f"- Cluster {least['id']} is the least certain: the runs agree to "
            f"{100 * least['agreement']:.0f} % on its pixels, see `agreement.fits`."
        )
    if "persistence" in clusters.colnames and len(clusters) > 1:
        least = clusters[int(np.argmin(clusters["persistence"]))]
        yield (
            "- Persistence, in `clusters.ecsv`, is the share of the clusterings that "
            "hold a cluster apart from the one that the tree joins it with: cluster "
            f"{least['id']} has the least, {100 * least['persistence']:.0f} %."
        )
    if result.is_voxel:
        yield "- `skesom explore` shows the slices one by one, in the browser."
        return
    yield (
        "- Objects that are known there, of NED or another catalog, tell more: "
        "`skesom crossmatch`."
    )


def _fluxes(cube):
    """Return in which unit the spectra are, and why."""
    _, unit = physical_factors(cube)
    if unit is not None:
        return f"All bands are calibrated: spectra are in {unit}."
    small = cube[:1, :1]
    unknown = (
        name for name in cube.band_names if physical_factors(small[[name]])[1] is None
    )
    unknown = list(islice(unknown, _MOST_UNKNOWN + 1))  # of a thousand in no time
    more = " and others" if len(unknown) > _MOST_UNKNOWN else ""
    named = ", ".join(map(in_markdown, unknown[:_MOST_UNKNOWN]))
    of = f" of {named}{more}" if unknown else ""
    return f"Its values are stretched: no unit of flux or zero point{of} is known."

# SPDX-License-Identifier: BSD-3-Clause
"""How a result was made, in a file from which it can be made again."""

import hashlib
import inspect
import math
import os
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from astropy.stats import gaussian_sigma_to_fwhm
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from skesom._common.labels import MASKED, SKY
from skesom._common.pipelines import pipeline_end
from skesom._common.texts import first_names
from skesom._common.warn import warn_user
from skesom.cube import (
    ColorScaler,
    ComponentFilter,
    CountSmoother,
    CubeAligner,
    CubeMasker,
    FWHMConvolver,
    SkyMasker,
)
from skesom.maps import CubeClusterer
from skesom.maps._cube_clusterer import count_clusters, known_agreement
from skesom.maps._pieces import (
    MUCH_IN_SMALL_PIECES,
    SMALL_PIECE,
    share_in_small_pieces,
)
from skesom.report._folders import file_digest
from skesom.report._image_source import ImageSource
from skesom.report._json_values import read_json, whole
from skesom.report._models import (
    NOT_IN_FILES,
    read_skops,
    software_versions,
    warn_of_versions,
    write_skops,
)
from skesom.report._sky_level import line_of_level
from skesom.report._tables import means_by_cluster
from skesom.report._training import Training

PROVENANCE_FORMAT = "skesom provenance"
FILE_NAME = "provenance.json"
RECIPE_FORMAT = "skesom recipe"
RECIPE_NAME = "recipe.skops"
# A recipe never sets these: none decides the result, but a memory unpickles files.
_NOT_OF_THE_RESULT = ("memory", "n_jobs", "verbose")


class Run(NamedTuple):
    """The parts of a run: images where they are now, steps that are not fitted."""

    source: ImageSource
    pipeline: Pipeline
    label_map_sha256: str
    path: Path
    training: Training | None  # the labels that were learned
    cut: int | None  # clusters into which the tree was cut after the fit


def describe_run(pipeline, label_map, folder, source, model, command, training):
    """Return how a result was made, for JSON."""
    return {
        "format": PROVENANCE_FORMAT,
        "version": 1,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command and [str(part) for part in command],
        "software": software_versions(),
        "pipeline": {
            name: _as_json(value)
            for name, value in pipeline.get_params().items()
            if name.rpartition("__")[2] not in _NOT_OF_THE_RESULT
        },
        "cut": _cut_of(pipeline),
        "strips": bool(source and source.lazy),
        "images": source
        and {
            "read": _as_json(source.moved(os.path.abspath)._asdict()),
            "files": [
                _describe_file(path, folder)
                for path in [*source.paths(), *source.companions()]
            ],
        },
        "training": training
        and {
            "read": _as_json(training._asdict()),
            "file": _describe_file(training.path, folder),
        },
        "model": model and _describe_file(model, folder),
        "result": {
            "shape": list(label_map.shape),
            "n_clusters": int(np.count_nonzero(count_clusters(label_map))),
            "clustered_pixels": int(np.count_nonzero(label_map >= 0)),
            "sky_pixels": int(np.count_nonzero(label_map == SKY)),
            "pixels_without_data": int(np.count_nonzero(label_map == MASKED)),
            "label_map_sha256": label_map_digest(label_map),
        },
    }


def _as_json(value):
    """Return a value for readers: as text if JSON has no type for it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, BaseEstimator):
        return type(value).__name__
    if isinstance(value, dict):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    if isinstance(value, bool | int | str | None):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return " ".join(repr(value).split())[:200]


def write_recipe(path, pipeline, source, training):
    """Write the parts that make a run again, as far as a file can hold them."""
    unfitted = _unfitted(pipeline)
    # The source stays in the file even if the steps cannot: pages and names need it.
    recipe = {
        "format": RECIPE_FORMAT,
        "pipeline": unfitted,
        "source": source.moved(os.path.abspath)._asdict(),
        "training": training and training._asdict(),
        "cut": _cut_of(pipeline),
    }
    for name, value in unfitted.get_params().items():
        if isinstance(value, np.random.RandomState):  # the fit has drawn from it
            recipe["pipeline"] = f"{name} is {value}, which is in Python only"
    try:
        write_skops(path, recipe)
    except NOT_IN_FILES as error:
        recipe["pipeline"] = " ".join(str(error).split())[:100]
        write_skops(path, recipe)


def _unfitted(pipeline):
    """Return a clone that has the defaults where they do not decide the result."""
    pipeline = clone(pipeline)
    parameters = pipeline.get_params()
    for path in parameters:
        home, _, name = path.rpartition("__")
        if name in _NOT_OF_THE_RESULT:
            kind = type(parameters[home] if home else pipeline)
            known = inspect.signature(kind).parameters.get(name)
            # Some take them among others that have no name: None is their default.
            pipeline.set_params(**{path: known and known.default})
    return pipeline


def _cut_of(pipeline):
    """Return into how many clusters a tree was cut after its fit, or None."""
    step = pipeline[-1]
    before = getattr(step, "_n_before_cut", None)
    if before is None:
        return None
    number = int(pipeline_end(step.estimator_)[0].n_clusters_)
    return None if number == before else number


def _describe_file(path, folder):
    """Return the place of a file, also seen from a folder, its size and digest."""
    path = os.path.abspath(path)
    return {
        "path": path,
        "size": os.path.getsize(path),
        "sha256": file_digest(path),
        "beside": os.path.relpath(path, folder),
    }


def label_map_digest(label_map):
    """Return the SHA-256 of the labels as little-endian 32-bit integers, row by row."""
    digest = hashlib.sha256()
    for row in np.asarray(label_map):
        digest.update(np.ascontiguousarray(row, dtype="<i4"))
    return digest.hexdigest()


def digest_of_fit(pipeline, path):
    """Return the digest of the label map of a fitted pipeline of a file, or None."""
    step = pipeline[-1] if isinstance(pipeline, Pipeline) else None
    if getattr(step, "labels_", None) is None:
        return None
    with whole(path):
        return label_map_digest(step.labels_)


def read_provenance(path):
    """Read the provenance of a result: its file, or the folder that holds it."""
    path = Path(path)
    path = path / FILE_NAME if path.is_dir() else path
    if path.name == FILE_NAME and path.parent.is_dir() and not path.is_file():
        raise FileNotFoundError(
            f"{path.parent} holds no result: it has no {FILE_NAME}. Give a folder that "
            "`skesom cluster -o` wrote."
        )
    provenance = read_json(path, PROVENANCE_FORMAT, "provenance of a result of skesom")
    if provenance.get("version") != 1:
        raise ValueError(f"{path} is of a newer version of skesom, use that one.")
    return path, provenance


def _read_recipe(path, trust):
    """Return provenance and recipe of a run, and where they are."""
    path, provenance = read_provenance(path)
    with whole(path):
        if provenance["model"] is not None:
            raise ValueError(
                f"{path} is of a model that was applied to other images: apply "
                f"{provenance['model']['path']} again (skesom predict)."
            )
        if provenance["images"] is None:
            raise ValueError(f"{path} does not name the files: the run had no source.")
    place = path.with_name(RECIPE_NAME)
    if not place.is_file():
        raise FileNotFoundError(f"{path.parent} has no {RECIPE_NAME} to repeat it by.")
    with whole(place):
        recipe = read_skops(place, trust)
        if recipe["format"] != RECIPE_FORMAT:
            raise ValueError(f"{place} is no recipe of skesom.")
        recipe["source"] = source = ImageSource(**recipe["source"])
        parts = source.files, source.exclude, source.include
        if not all(isinstance(part, tuple) for part in parts):
            raise ValueError(f"{place} is damaged: its files are no lists.")
    return path, provenance, recipe


def read_run(path, *, files=None, trust=False):
    """Read the parts of a run; `files` are as in `read_source`."""
    path, provenance, recipe = _read_recipe(path, trust)
    source = _moved(recipe["source"], path, provenance, files)
    pipeline = recipe["pipeline"]
    with whole(path.with_name(RECIPE_NAME)):
        if isinstance(pipeline, str):
            raise ValueError(f"{path} cannot be repeated: {pipeline}.")
        if not (isinstance(pipeline, Pipeline) and pipeline.steps):
            raise ValueError(f"{path} is of no pipeline.")
        for name, step in pipeline.steps:
            if not (isinstance(name, str) and isinstance(step, BaseEstimator)):
                raise ValueError(
                    f"{path} has a step that is no estimator: {name!r:.80}."
                )
        pipeline = _unfitted(pipeline)
        training = recipe["training"] and Training(**recipe["training"])
    with whole(path):
        warn_of_versions(f"{path} was written", provenance["software"])
        digest = provenance["result"]["label_map_sha256"]
        if training is not None:
            folder = files[0] if files and Path(files[0]).is_dir() else None
            found = _find(provenance["training"]["file"], path, folder)
            training = training._replace(path=str(found))
    return Run(source, pipeline, digest, path, training, recipe["cut"])


def source_of_model(model, *, trust=False):
    """Return the images that a model in a folder of results learned from, or None."""
    try:
        return _read_recipe(Path(model).parent, trust)[2]["source"]
    except (OSError, ValueError):
        return None


def read_source(path, *, files=None, trust=False):
    """Return the images of a run, where they are now.

    `files` are to be taken instead, in their order; or are one folder to look in.
    """
    path, provenance, recipe = _read_recipe(path, trust)
    return _moved(recipe["source"], path, provenance, files)


def _moved(source, path, provenance, files):
    """Return the images of a provenance where they are now."""
    with whole(path):
        known = {file["path"]: file for file in provenance["images"]["files"]}
        needed = {str(place): known[str(place)] for place in source.paths()}
    folder = None
    if files is not None and len(files) == 1 and Path(files[0]).is_dir():
        folder, files = files[0], None
    if files is not None:
        if len(files) != len(source.files):
            raise ValueError(
                f"The run had {len(source.files)} files of images, got {len(files)} "
                f"({first_names(list(map(str, files)))}): give all of them in their "
                "order, or the folder that holds them."
            )
        own = source._replace(files=()).paths()
        needed = {str(place): needed[str(place)] for place in own}
    with whole(path):
        # What "auto" found beside the images must be there too: without it, or with
        # another file beside them now, the same source would read other values.
        companions = [] if files is not None else known.keys() - needed.keys()
        companions = [_find(known[text], path, folder) for text in companions]
        places = {text: _find(file, path, folder) for text, file in needed.items()}
    source = source.moved(lambda text: places.get(str(text), text))
    new = [] if files is not None else {*map(os.path.realpath, source.companions())}
    new = sorted({*new} - {*map(os.path.realpath, companions)})
    if new:
        raise ValueError(
            f"{new[0]} lies beside an image now, and did not in the run. Move it away, "
            "or give the files to read it."
        )
    if files is not None:
        source = source._replace(files=tuple(files))
        now = set(map(file_digest, source.paths()))
        if not now <= {file["sha256"] for file in known.values()}:
            text = "other images than those of the run, so the result will differ"
            warn_user(f"The files are {text}.")
    return source


def _find(file, provenance, folder):
    """Return where a file is: at its place, at that from the results, in a folder."""
    places = [Path(file["path"]), provenance.parent / file["beside"]]
    if folder is not None:
        name = places[0].name
        places = [place for place in Path(folder).rglob("*") if place.name == name]
    found = [place for place in places if place.is_file()]
    for place in found:  # others may have no end, as those of the system
        has_size = place.stat().st_size == file["size"]
        if has_size and file_digest(place) == file["sha256"]:
            return place
    if found:
        raise ValueError(
            f"{found[0]} has changed since the run. Give the files to use them."
        )
    where = "no longer there" if folder is None else f"not in {folder}"
    raise FileNotFoundError(
        f"{file['path']} is {where}. Put it back, or give the folder that holds the "
        "images now, or all files in their order: to `skesom explore` after --images, "
        "to `skesom cluster --from` as files, to `read_report` as `images`."
    )


def decisions_of(pipeline, sky_level=None, why_no_names=None):
    """Return the decisions of the steps of a fitted pipeline.

    `sky_level` is what `describe_sky` tells of the images, `why_no_names` the reason
    for which nothing has names of stars.
    """
    step = pipeline[-1]
    steps, labels = [each for _, each in pipeline.steps[:-1]], step.labels_
    found = [each.summary_ for each in steps if isinstance(each, CubeMasker)]
    # Of several cubes, there is a list of summaries.
    summaries = chain.from_iterable([s] if isinstance(s, dict) else s for s in found)
    decisions = {
        "pixels": {
            "all": labels.size,
            "with_data": int(np.count_nonzero(labels != MASKED)),
            "clustered": int(np.count_nonzero(labels >= 0)),
        },
        "outliers": sum(int(summary.get("outliers", 0)) for summary in summaries),
        "counts": counts_of(pipeline),
        "sky": None,
        "sky_level": sky_level,
        "why_no_names": why_no_names,
        "fwhm": None,
        "shape": list(labels.shape[:2]),
        "cut_from": None,
        "shifts": {},
        "registration": None,
        "color_averages": averages_of(pipeline),
        "components": None,
        "clusters": int(np.count_nonzero(count_clusters(labels))),
        "features": int(step.n_features_in_),
        "single_band": single_band(step),
        "considered": _considered(step),
        "small_pieces": small_pieces_of(step),
        "runs": _runs(step),
    }
    for each in steps:  # the last one of a kind tells
        if isinstance(each, SkyMasker) and each.sky != "keep":
            n_pixels = int(np.count_nonzero(labels == SKY))
            sky = {"set_aside": n_pixels, "certainty": each.certainty_}
            decisions["sky"] = sky
        elif isinstance(each, FWHMConvolver):
            width = float(each.target_fwhm_)
            decisions["fwhm"] = None if math.isnan(width) else width
        elif isinstance(each, CubeAligner):
            is_cut = each.shape_ != labels.shape[:2]
            decisions["cut_from"] = list(each.shape_) if is_cut else None
            shifts = zip(each.feature_names_in_, each.shifts_.tolist(), strict=True)
            decisions["shifts"] = {name: shift for name, shift in shifts if any(shift)}
            decisions["registration"] = each.registration_
        elif isinstance(each, ComponentFilter):
            decisions["components"] = components_of(each)
    return decisions


def single_band(step):
    """Return the name of the only band that was clustered, and whether labels voted.

    None for several bands, and for classes, which come with features of their own.
    """
    if not isinstance(step, CubeClusterer) or step.n_features_in_ != 1:
        return None
    name = str(getattr(step, "feature_names_in_", ["band 1"])[0])
    return {"name": name, "smoothed": step.regularizer is not None}


def components_of(component_filter):
    """Return how many components of how many bands are kept, None if all are."""
    n_kept = int(component_filter.n_components_)
    n_bands = int(component_filter.n_features_in_)
    return {"kept": n_kept, "bands": n_bands} if n_kept < n_bands else None


def line_of_components(components):
    """Return in a sentence which components are clustered."""
    of = f"{components['kept']} of {components['bands']} principal components"
    return f"Bands: {of} are kept, which rise above the noise (--pca no takes all)."


def counts_of(pipeline):
    """Return what was done to bands of few photons, by their names."""
    smoothed = {}
    for _, step in pipeline.steps[:-1]:
        if not isinstance(step, CountSmoother):
            continue
        facts = step.counts_, step.fwhm_, step.reached_
        for name, *values in zip(step.feature_names_in_, *facts, strict=True):
            counts, fwhm, reached = map(float, values)
            if not math.isnan(counts):
                smoothed[name] = {
                    "photons_per_pixel": counts,
                    "fwhm_in_pixels": fwhm,
                    "signal_to_noise": float(step.signal_to_noise),
                    "reached": reached,
                }
    return smoothed


def lines_of_counts(counts):
    """Return a sentence for each band of few photons."""
    return [
        f"Few photons: {name} has {band['photons_per_pixel']:.2g} per pixel, and was "
        f"smoothed to a signal-to-noise of {band['signal_to_noise']:g}, "
        f"{band['fwhm_in_pixels']:.2g} pixels wide (--smooth-counts no keeps it)."
        for name, band in counts.items()
    ]


def averages_of(pipeline):
    """Return the widths in pixels under which colors were averaged, None if none."""
    for _, step in pipeline.steps[:-1]:
        if isinstance(step, ColorScaler) and step.widths_.any():
            of_level = step.widths_.max(axis=1)
            return {
                "widest_sigma_in_pixels": float(of_level.max()),
                "share_of_pixels": float(np.mean(of_level > 0)),
                "signal_to_noise": float(step.signal_to_noise),
            }
    return None


def line_of_averages(averages):
    """Return in a sentence where colors were averaged."""
    fwhm = averages["widest_sigma_in_pixels"] * gaussian_sigma_to_fwhm
    return (
        f"Colors: averaged over up to {fwhm:.2g} pixels in the "
        f"{averages['share_of_pixels']:.0%} of the pixels in which they are mostly "
        "noise, brightness is not (--smooth-colors no keeps them)."
    )


def _considered(step):
    """Return the next gap, at which n_clusters="auto" did not part the pixels."""
    end, _ = pipeline_end(step.estimator_)
    gaps = getattr(end, "gaps_", None)
    return gaps[0]._asdict() if gaps else None


def small_pieces_of(step):
    """Return how much of the clusters is in small pieces, None where none can vote."""
    if step.labels_.ndim != 2 or not hasattr(step, "regularizer"):
        return None
    return {
        "share": share_in_small_pieces(step.labels_),
        "pixels": SMALL_PIECE,
        "voted": step.regularizer is not None,
    }


def _runs(step):
    """Return how far the members of a consensus agree."""
    sizes = count_clusters(step.labels_)
    agreement = known_agreement(step)
    if agreement is None or not sizes.any():
        return None
    means = means_by_cluster(step.labels_, agreement)
    return {
        "number": len(pipeline_end(step.estimator_)[0].estimators_),
        "agreement": float(np.average(means, weights=sizes)),
        "by_cluster": means.tolist(),
    }


def decision_lines(decisions):
    """Return the decisions as short sentences, one for each line of a terminal."""
    pixels = decisions["pixels"]
    share = pixels["with_data"] / pixels["all"]
    lines = [f"Data: {share:.1%} of the {pixels['all']} pixels have all bands needed."]
    if decisions["cut_from"]:
        text = line_of_cut(decisions["shape"], decisions["cut_from"])
        lines.append(f"{text} (--crop no keeps all).")
    seen = decisions["registration"]
    if decisions["shifts"]:
        moved = ", ".join(
            f"{name} moved back by {rows:+.2f} rows and {columns:+.2f} columns"
            for name, (rows, columns) in decisions["shifts"].items()
        )
        lines.append(f"Registration: {moved}; {seen} (--register no keeps them).")
    elif seen and not seen.startswith("shifted"):  # of which a warning tells
        lines.append(f"Registration: {seen}.")
    if decisions["outliers"]:
        text = f"{decisions['outliers']} pixels (--mask-outliers no keeps them)"
        lines.append(f"Outliers masked: {text}.")
    lines.extend(lines_of_counts(decisions["counts"]))
    if decisions["sky"] is not None:
        lines.append(_line_of_sky(decisions["sky"], pixels["with_data"]))
    level = decisions["sky_level"]
    if level is not None and level["subtracted"]:
        text = f"Sky subtracted from fluxes shown: {line_of_level(level['subtracted'])}"
        lines.append(f"{text} (--subtract-sky no shows them as they are).")
    averages = decisions.get("color_averages")  # none in a provenance of before
    if averages is not None:
        lines.append(line_of_averages(averages))
    components = decisions.get("components")  # none in a provenance of before
    if components is not None:
        lines.append(line_of_components(components))
    why_no_names = decisions.get("why_no_names")
    if why_no_names is not None:
        lines.append(why_no_names)
    fwhm = decisions["fwhm"]
    if fwhm is not None:
        lines.append(f"Sharpness: all bands have a FWHM of {fwhm:.4g} arcsec.")
    if decisions["single_band"] is not None:
        lines.append(line_of_single_band(decisions["single_band"]))
    if decisions["considered"] is not None:
        lines.append(_line_of_gap(decisions["clusters"], decisions["considered"]))
    if decisions["runs"] is not None:
        lines.append(_line_of_runs(decisions["runs"]))
    lines.extend(lines_of_small_pieces(decisions["small_pieces"]))
    return lines


def line_of_cut(shape, cut_from):
    """Return how a map was cut, without the full stop."""
    text = "{} x {} pixels around those with data, of {} x {}"
    return f"Map cut to the {text.format(*shape, *cut_from)}"


def _line_of_sky(sky, with_data):
    if sky["set_aside"]:
        share = sky["set_aside"] / with_data
        text = f"Sky set aside: {share:.1%} of the pixels with data"
        return f"{text} (--sky keep clusters it)."
    return (
        "Sky kept: no part of the map is dark and flat (--sky mask masks what is dark)."
    )


def line_of_single_band(band):
    """Return what the clusters of a single band are, and what would help."""
    text = (
        f"One band, {band['name']}: there is no color, so clusters are steps of "
        "brightness. Images in other bands tell more"
    )
    if not band["smoothed"]:
        text += "; --smooth psf, or a width as 2.5pix, lets neighbors vote on speckle"
    return f"{text}."


def lines_of_small_pieces(pieces):
    """Return in a list how much of a map flickers, if that is much."""
    if pieces is None or pieces["share"] <= MUCH_IN_SMALL_PIECES:
        return []
    advice = "--smooth psf lets neighboring pixels vote"
    if pieces["voted"]:
        advice = "a wider vote of neighbors, such as --smooth 5pix, joins them"
    return [
        f"Small pieces: {pieces['share']:.0%} of the clustered pixels are in pieces of "
        f"fewer than {pieces['pixels']} pixels ({advice})."
    ]


def _line_of_gap(n_clusters, gap):
    if "width" in gap:
        text = f"is {gap['width']:.2f} wide and would give {gap['n_clusters']}"
        text = f"the next gap between the heights of the tree {text}"
    else:
        text = f"has {gap['links']:.0%} of the usual links and would part "
        text = f"the next gap {text}{gap['share']:.0%} of the pixels"
    clusters = "1 cluster" if n_clusters == 1 else f"{n_clusters} clusters"
    return f"{clusters}: {text}."


def _line_of_runs(runs):
    by_cluster = np.array(runs["by_cluster"])
    text = f"Agreement of {runs['number']} runs: {runs['agreement']:.0%} on the average"
    if len(by_cluster) == 1:
        return f"{text}."
    least, most = by_cluster.argmin(), by_cluster.argmax()
    return (
        f"{text}, from {by_cluster[least]:.0%} in cluster {least} to "
        f"{by_cluster[most]:.0%} in cluster {most}."
    )

# SPDX-License-Identifier: BSD-3-Clause
"""What the steps of a fitted pipeline decided, as facts and in sentences."""

import math
from itertools import chain

import numpy as np
from astropy.stats import gaussian_sigma_to_fwhm

from skesom._common.labels import MASKED, SKY, count_clusters, means_by_cluster
from skesom._common.pipelines import pipeline_end
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
from skesom.maps.neighbor_agreement import known_agreement
from skesom.maps.pieces import (
    MUCH_IN_SMALL_PIECES,
    SMALL_PIECE,
    share_in_small_pieces,
)
from skesom.report.sky_level import line_of_level


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
        "fwhm_unit": "arcsec",
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
            decisions["fwhm_unit"] = each.length_unit_
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
    return (
        f"Bands: {of} are kept, which rise above the noise (n_components=None takes "
        "all)."
    )


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
        f"{band['fwhm_in_pixels']:.2g} pixels wide (smooth_counts=False keeps it)."
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
        "noise, brightness is not (smooth_colors=False keeps them)."
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
        lines.append(f"{text} (crop=False keeps all).")
    seen = decisions["registration"]
    if decisions["shifts"]:
        moved = ", ".join(
            f"{name} moved back by {rows:+.2f} rows and {columns:+.2f} columns"
            for name, (rows, columns) in decisions["shifts"].items()
        )
        lines.append(f"Registration: {moved}; {seen} (registration=None keeps them).")
    elif seen and not seen.startswith("shifted"):  # of which a warning tells
        lines.append(f"Registration: {seen}.")
    if decisions["outliers"]:
        text = f"{decisions['outliers']} pixels (mask_outliers=False keeps them)"
        lines.append(f"Outliers masked: {text}.")
    lines.extend(lines_of_counts(decisions["counts"]))
    if decisions["sky"] is not None:
        lines.append(_line_of_sky(decisions["sky"], pixels["with_data"]))
    level = decisions["sky_level"]
    if level is not None and level["subtracted"]:
        text = f"Sky subtracted from fluxes shown: {line_of_level(level['subtracted'])}"
        lines.append(f"{text} (subtract_sky=False shows them as they are).")
    averages = decisions["color_averages"]
    if averages is not None:
        lines.append(line_of_averages(averages))
    components = decisions["components"]
    if components is not None:
        lines.append(line_of_components(components))
    why_no_names = decisions["why_no_names"]
    if why_no_names is not None:
        lines.append(why_no_names)
    fwhm = decisions["fwhm"]
    if fwhm is not None:
        unit = decisions["fwhm_unit"]
        lines.append(f"Sharpness: all bands have a FWHM of {fwhm:.4g} {unit}.")
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
        return f'{text} (sky="keep" clusters it).'
    return (
        'Sky kept: no part of the map is dark and flat (sky="mask" masks what is dark).'
    )


def line_of_single_band(band):
    """Return what the clusters of a single band are, and what would help."""
    text = (
        f"One band, {band['name']}: there is no color, so clusters are steps of "
        "brightness. Images in other bands tell more"
    )
    if not band["smoothed"]:
        text += "; regularizer=MajorityVote() lets neighbors vote on speckle"
    return f"{text}."


def lines_of_small_pieces(pieces):
    """Return in a list how much of a map flickers, if that is much."""
    if pieces is None or pieces["share"] <= MUCH_IN_SMALL_PIECES:
        return []
    advice = "regularizer=MajorityVote() lets neighboring pixels vote"
    if pieces["voted"]:
        advice = "a wider MajorityVote of neighbors joins them"
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

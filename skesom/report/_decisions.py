# SPDX-License-Identifier: BSD-3-Clause
"""What a run decided by itself: in numbers for a file, and in lines to print."""

import numpy as np

from skesom._common.labels import MASKED, SKY
from skesom._common.pipelines import pipeline_end
from skesom.cube import CubeMasker, FWHMConvolver, SkyMasker


def decisions_of(pipeline):
    """Return what the steps of a fitted pipeline decided."""
    step = pipeline[-1]
    steps = [each for _, each in pipeline.steps[:-1]]
    maskers = [each for each in steps if isinstance(each, CubeMasker)]
    convolvers = [each for each in steps if isinstance(each, FWHMConvolver)]
    labels = step.labels_
    return {
        "pixels": {
            "all": labels.size,
            "with_data": int(np.count_nonzero(labels != MASKED)),
            "clustered": int(np.count_nonzero(labels >= 0)),
        },
        "outliers": sum(map(_outliers, maskers)),
        "sky": _sky([each for each in steps if isinstance(each, SkyMasker)], labels),
        "fwhm": _known(convolvers[-1].target_fwhm_) if convolvers else None,
        "clusters": int(step.n_clusters_),
        "features": int(step.n_features_in_),
        "runs": _runs(step),
    }


def _known(value):
    """Return a number, None instead of NaN."""
    return None if np.isnan(value) else float(value)


def _outliers(masker):
    found = masker.summary_  # a list for several cubes
    return sum(
        int(summary.get("outliers", 0))
        for summary in ([found] if isinstance(found, dict) else found)
    )


def _sky(maskers, labels):
    """Return what the last step that looked for sky found."""
    looking = [masker for masker in maskers if masker.sky != "keep"]
    if not looking:
        return None
    return {
        "set_aside": int(np.count_nonzero(labels == SKY)),
        "does_not_stand_out": float(looking[-1].share_),
        "unevenness": _known(looking[-1].unevenness_),
    }


def _runs(step):
    """Return how far the members of a consensus agree."""
    inside = step.labels_ >= 0
    if not (hasattr(step, "agreement_") and inside.any()):
        return None
    labels, agreement = step.labels_[inside], step.agreement_[inside]
    sums = np.bincount(labels, agreement, minlength=step.n_clusters_)
    return {
        "number": len(pipeline_end(step.estimator_)[0].estimators_),
        "agreement": float(agreement.mean(dtype=np.float64)),
        "by_cluster": (sums / np.bincount(labels, minlength=len(sums))).tolist(),
    }


def decision_lines(pipeline):
    """Return the decisions as short sentences, one for each line of a terminal."""
    decisions = decisions_of(pipeline)
    pixels = decisions["pixels"]
    share = pixels["with_data"] / pixels["all"]
    lines = [f"Data: {share:.1%} of the {pixels['all']} pixels have all bands needed."]
    if decisions["outliers"]:
        text = f"{decisions['outliers']} pixels (--mask-outliers no keeps them)"
        lines.append(f"Outliers masked: {text}.")
    if decisions["sky"] is not None:
        lines.append(_line_of_sky(decisions["sky"], pixels["with_data"]))
    fwhm = decisions["fwhm"]
    if fwhm is not None:
        lines.append(f"Sharpness: all bands have a FWHM of {fwhm:.4g} arcsec.")
    if decisions["runs"] is not None:
        lines.append(_line_of_runs(decisions["runs"]))
    return lines


def _line_of_sky(sky, with_data):
    flatness, unevenness = "how flat it is cannot be measured", sky["unevenness"]
    if unevenness is not None:
        flatness = f"its level changes by {unevenness:.2f} times the noise of a pixel"
    if sky["set_aside"]:
        share = sky["set_aside"] / with_data
        return (
            f"Sky set aside: {share:.1%} of the pixels with data; {flatness} "
            "(--sky keep clusters it)."
        )
    share = sky["does_not_stand_out"]
    if share > 0.5:
        return (
            f"Sky kept: {share:.1%} of the pixels do not stand out, but {flatness} "
            "(--sky mask sets them aside)."
        )
    return f"Sky kept: only {share:.1%} of the pixels do not stand out."


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

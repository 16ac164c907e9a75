# SPDX-License-Identifier: BSD-3-Clause
"""The level of the sky in a result: what was subtracted, and what is left, in words."""

import numpy as np

from skesom._common.labels import SKY
from skesom._common.lazy import computed, is_lazy
from skesom._common.texts import list_names
from skesom._sky.field_of_view import is_of_the_sky
from skesom.cube import AsinhStretch, SkyMasker
from skesom.displays.thinning import middle_pixels, thinning_step

_MOST_PIXELS = 2_000_000
_MOST = 0.5  # of the light of a band, as far as the frame is certain to have sky


def find_sky_left(steps, cube, label_map):
    """Return the share of the light of bands that is sky and was not taken off.

    By the names of the bands; none unless the sky was to be kept (otherwise the masker
    has looked for it), and if the images are not of the sky. The level is that of the
    fitted `SkyMasker` among the steps, before they stretched it.
    """
    maskers = [step for step in steps if isinstance(step, SkyMasker)]
    if not maskers or (label_map == SKY).any() or not is_of_the_sky(cube):
        return {}
    masker = maskers[-1]
    if masker.sky != "keep":
        return {}
    level, noise = masker.level_, masker.noise_
    if len(level) != cube.shape[2]:  # of components
        return {}
    for step in steps:
        if isinstance(step, AsinhStretch):
            level = step.scale_ * np.sinh(level) + step.sky_level_
            noise = step.noise_
    step = thinning_step(cube.shape[:2], _MOST_PIXELS)
    labels, data = middle_pixels(label_map, step), middle_pixels(cube.data, step)
    data = computed(data)[0] if is_lazy(data) else data
    shares = {}
    for band, name in enumerate(cube.band_names):
        inside = labels[:, :, band] if labels.ndim == 3 else labels
        fluxes = data[:, :, band][inside >= 0]
        fluxes = fluxes[~np.isnan(fluxes)]
        if not len(fluxes) or not level[band] > noise[band]:
            continue
        share = float(level[band] / np.mean(fluxes, dtype=np.float64))
        if masker.certainty_ * share > _MOST:
            shares[name] = min(share, 1.0)
    return shares


def describe_sky(result):
    """Return what is known of the level of the sky, for JSON; None if nothing is."""
    known = np.flatnonzero(np.isfinite(result.sky_level))
    if len(known) == 0 and not result.sky_left:
        return None
    names, band_units = result.cube.band_names, result.cube.band_units
    subtracted = {
        names[band]: {
            "level": float(result.sky_level[band]),
            "unit": None if band_units[band] is None else str(band_units[band]),
        }
        for band in known
    }
    return {"subtracted": subtracted, "left": result.sky_left}


def line_of_level(subtracted):
    """Return the levels that were subtracted, in the units of the bands."""
    units = {each["unit"] for each in subtracted.values()}
    common = units.pop() if len(units) == 1 else None
    texts = []
    for name, each in subtracted.items():
        unit = "" if common or each["unit"] is None else f" {each['unit']}"
        texts.append(f"{name} {each['level']:.4g}{unit}")
    text = list_names(texts)
    return f"{text} {common}" if common else text


def text_of_left(left):
    """Return which bands are mostly sky that was not taken off, for a warning."""
    shares = list_names([f"{name} {share:.0%}" for name, share in left.items()])
    return (
        f"Most of the light is that of the sky, which was not taken off: {shares}. "
        "Spectra and colors are those of the sky, and no names are suggested. Set sky "
        'aside (sky="mask"), or subtract it (subtract_background=True).'
    )

# SPDX-License-Identifier: BSD-3-Clause
"""How far the pixels of other images are from all that a model has learned."""

import warnings
from typing import NamedTuple

import numpy as np
from astropy.table import Column
from sklearn.base import clone

from skesom._common.labels import means_by_cluster
from skesom.maps import CubeClusterer

OFF_MAP_NAME = "off_map.fits"
NO_LIMIT = (
    "the model keeps no distance of the pixels that it learned from, as after "
    "partial_fit: fit it again"
)
# A share of pixels off the map from which there is a warning. It is 0.01 for the pixels
# of the fit by definition, and hardly more for the same galaxy with other noise.
_LARGE_SHARE = 0.1
_MOST_BANDS = 3  # that a warning names


class OffMap(NamedTuple):
    """Which pixels of other images are unlike those that a model learned from."""

    limit: float  # distance within which 99 % of the pixels of the fit are
    image: np.ndarray  # distance of each pixel in units of it, NaN without one
    share: float  # of the pixels, beyond 1
    by_cluster: np.ndarray  # the same of each cluster

    def line(self):
        """Return the share in a sentence."""
        return (
            f"Off the map: {self.share:.1%} of the pixels are farther from any unit "
            "than 99 % of those that the model learned from, see off_map.fits."
        )

    def column(self, clusters):
        """Return the shares of clusters as a column of their table."""
        text = "share of the pixels farther from any unit than 99 % of those of the fit"
        return Column(self.by_cluster[clusters], format=".3f", description=text)

    def facts(self):
        """Return the numbers, for JSON."""
        return {
            "limit": self.limit,
            "share": self.share,
            "by_cluster": self.by_cluster.tolist(),
        }


def find_off_map(result, distances):
    """Return the `OffMap` of other images than those of the fit, None without units.

    Parameters
    ----------
    result : Result
    distances : ndarray or None
        Of the pixels to the nearest unit, NaN if masked.
    """
    limit = getattr(result.step, "distance_limit_", None)
    if result.is_of_fit or distances is None or limit is None:
        return None
    # All pixels of the fit may lie on units; then any distance is off the map.
    image = distances / np.float32(limit or 1)
    is_known = ~np.isnan(image)
    is_beyond = np.where(is_known, image > 1, np.float32(np.nan))
    share = 0.0
    if is_known.any():
        share = float(np.nanmean(is_beyond, dtype=np.float64))
    return OffMap(
        limit=float(limit),
        image=image,
        share=share,
        by_cluster=means_by_cluster(result.label_map, is_beyond),
    )


def lacks_limit(result):
    """Return whether a clusterer of units cannot tell what is off its map."""
    if result.is_of_fit or result.som is None:
        return False
    if not isinstance(result.step, CubeClusterer):
        return False
    return getattr(result.step, "distance_limit_", None) is None


def warning_of(off_map, result):
    """Return a warning of many pixels off the map, with what differs; else None."""
    if off_map.share <= _LARGE_SHARE:
        return None
    text = (
        f"{off_map.share:.0%} of the pixels are farther from any unit of the map than "
        "99 % of those that it learned from: their clusters mean little."
    )
    differences = list(_differences(result))
    if differences:
        text += f" What differs from the images of the model: {'; '.join(differences)}."
    return (
        f"{text} Check that the bands are the same filters, in the same units and at "
        "the same level, or fit these images anew."
    )


def _differences(result):
    """Yield how units and levels differ from those of the images of the fit."""
    stretch = result.stretch
    if stretch is None:
        return
    changed_units = _changed_units(result.cube, stretch)
    if len(changed_units) > _MOST_BANDS:
        changed_units = [*changed_units[:_MOST_BANDS], "..."]
    if changed_units:
        yield f"units ({', '.join(changed_units)})"

    cube = result.cube
    with warnings.catch_warnings(action="ignore"):  # of bands without any signal
        new_stretch = clone(stretch).fit(cube.replace(data=cube.data))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = new_stretch.scale_ / stretch.scale_
        is_ratio = (ratios > 0) & np.isfinite(ratios)
        changes = np.where(is_ratio, np.abs(np.log(ratios)), 0)
        shifts = (new_stretch.sky_level_ - stretch.sky_level_) / stretch.scale_
    band = int(changes.argmax())
    yield f"scale of fluxes (most in {cube.band_names[band]}: {ratios[band]:.3g} times)"
    # From one scale on, the stretch of the model turns a level into a logarithm.
    shifts = np.nan_to_num(shifts)
    band = int(np.abs(shifts).argmax())
    if abs(shifts[band]) > 1:
        name = cube.band_names[band]
        yield f"level of the sky (most in {name}: by {shifts[band]:+.3g} of that scale)"


def _changed_units(cube, stretch):
    """Return a text for each band that has another unit than in the fit."""
    texts = []
    for name, unit, unit_of_fit in zip(
        cube.band_names, cube.band_units, stretch._band_units, strict=True
    ):
        text = unit.to_string() if unit is not None else None
        if text != unit_of_fit:
            texts.append(
                f"{name} in {text or 'no unit'}, not {unit_of_fit or 'without one'}"
            )
    return texts

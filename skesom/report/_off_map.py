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
# Of the pixels of fit it is one in a hundred, of other noise of one galaxy hardly more.
_MANY = 0.1
_MOST_NAMED = 3  # bands


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

    `distances` are those of the pixels to the nearest unit.
    """
    limit = getattr(result.step, "distance_limit_", None)
    if result.is_of_fit or distances is None or limit is None:
        return None
    image = distances / np.float32(limit or 1)  # all pixels may lie on units
    is_known = ~np.isnan(image)
    beyond = np.where(is_known, image > 1, np.float32(np.nan))
    share = 0.0
    if is_known.any():
        share = float(np.nanmean(beyond, dtype=np.float64))
    return OffMap(
        float(limit), image, share, means_by_cluster(result.label_map, beyond)
    )


def lacks_limit(result):
    """Return whether a clusterer of units cannot tell what is off its map."""
    is_asked = not result.is_of_fit and result.som is not None
    is_clusterer = isinstance(result.step, CubeClusterer)
    limit = getattr(result.step, "distance_limit_", None)
    return is_asked and is_clusterer and limit is None


def warning_of(off_map, result):
    """Return a warning of many pixels off the map, with what differs; else None."""
    if off_map.share <= _MANY:
        return None
    text = (
        f"{off_map.share:.0%} of the pixels are farther from any unit of the map than "
        "99 % of those that it learned from: their clusters mean little."
    )
    found = [*_differences(result)]
    if found:
        text += f" What differs from the images of the model: {'; '.join(found)}."
    return (
        f"{text} Check that the bands are the same filters, in the same units and at "
        "the same level, or fit these images anew."
    )


def _differences(result):
    """Yield how units and levels differ from those of the images of the fit."""
    stretch = result.stretch
    if stretch is None:
        return
    cube = result.cube
    now = [unit and unit.to_string() for unit in cube.band_units]
    changed = [
        f"{name} in {unit or 'no unit'}, not {before or 'without one'}"
        for name, unit, before in zip(
            cube.band_names, now, stretch._band_units, strict=True
        )
        if unit != before
    ]
    if len(changed) > _MOST_NAMED:
        changed = [*changed[:_MOST_NAMED], "..."]
    if changed:
        yield f"units ({', '.join(changed)})"
    with warnings.catch_warnings(action="ignore"):  # of bands without any signal
        own = clone(stretch).fit(cube.replace(data=cube.data))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = own.scale_ / stretch.scale_
        steps = np.where((ratios > 0) & np.isfinite(ratios), np.abs(np.log(ratios)), 0)
        shifts = (own.sky_level_ - stretch.sky_level_) / stretch.scale_
    band = int(steps.argmax())
    yield f"scale of fluxes (most in {cube.band_names[band]}: {ratios[band]:.3g} times)"
    # From one scale on, the stretch of the model turns a level into a logarithm.
    shifts = np.nan_to_num(shifts)
    band = int(np.abs(shifts).argmax())
    if abs(shifts[band]) > 1:
        name = cube.band_names[band]
        yield f"level of the sky (most in {name}: by {shifts[band]:+.3g} of that scale)"

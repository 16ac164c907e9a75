# SPDX-License-Identifier: BSD-3-Clause
"""How complete and pure clusters are for known objects, over numbers of clusters."""

import numpy as np
from astropy.table import vstack
from sklearn.base import clone

from skesom._common.labels import MASKED
from skesom._common.pipelines import map_inside
from skesom._common.warn import warn_user
from skesom.displays import cluster_palette
from skesom.io import describe_types
from skesom.maps import CubeClusterer, crossmatch
from skesom.report._drawing import new_axes
from skesom.som import regrouped

_TO_CUT = 20_000  # pixels by which units are grouped anew
_MOST_CLUSTERS, _N_CUTS = 20, 12
_MOST_TYPES, _FEW = 6, 5  # drawn; types of fewer objects come last
_CHANCE = {"linewidth": 0.9, "linestyle": (0, (4, 3))}
_DIAMOND = {"marker": "D", "markersize": 8, "markeredgecolor": "white"}
_DIAMOND |= {"linestyle": "none"}
_COLUMNS = ["type", "n_objects", "cluster", "area_share", "completeness", "purity", "z"]


def completeness_curve(result, found, radius):
    """Return the best cluster of each type, by z, for each number of clusters."""
    parameters = result.clusterer.get_params(deep=False)
    name = next((n for n in ("n_clusters", "n_components") if n in parameters), None)
    can_refit = name is not None and hasattr(result.clusterer, "predict")
    if not (isinstance(result.step, CubeClusterer) and (result.som or can_refit)):
        text = "cannot be given a number of clusters, and label other pixels"
        warn_user(
            f"{type(result.clusterer).__name__} {text}, so there is no curve of "
            "completeness over the number of clusters."
        )
        return None
    how, parts = {"wcs": result.cube.wcs, "radius": radius, "n_draws": 1}, []
    for number, label_map in _cuts(result, name):
        best = crossmatch(label_map, found.objects, **how).best()
        best.rename_column("share", "completeness")
        parts.append(best[_COLUMNS])
        parts[-1].add_column(number, 0, "n_clusters")
    return vstack(parts)


def _cuts(result, name):
    """Yield numbers of clusters, and a label map for each."""
    own = max(int(result.run_label_map.max()) + 1, 2)
    numbers = np.geomspace(2, max(_MOST_CLUSTERS, own), _N_CUTS).round().astype(int)
    step = max(1, result.label_map.size // _TO_CUT)
    sample = [result.features(rows)[::step] for rows in result.strips()]
    sample = np.concatenate(sample)
    if result.som is not None:
        units = _label_map(result)
        _, sample = map_inside(result.clusterer, sample)
    for number in sorted({own, *numbers.tolist()}):
        if result.som is None:
            other = clone(result.clusterer).set_params(**{name: number}).fit(sample)
            yield number, _label_map(result, other.predict)
        elif (groups := regrouped(result.som, sample, number)).max() == number - 1:
            yield number, np.where(units < 0, MASKED, groups[units])


def _label_map(result, predict=None):
    """Return what a function predicts from features as an image, by default units."""
    image = np.full(result.label_map.shape, MASKED, dtype=np.int32)
    for rows in result.strips():
        if len(table := result.features(rows)):
            labels = predict(table) if predict else result.nearest_units(rows, table)[0]
            image[rows][result.valid(rows)] = labels
    return image


def completeness_figure(curve, found):
    """Draw the curves of the types that differ most from chance, and a result."""
    figure = new_axes((11, 4.2)).figure  # or of the width of a column
    figure.clear()
    figure.set_layout_engine("constrained")
    is_wide = figure.get_figwidth() > 5
    figure.set_figheight(figure.get_figheight() if is_wide else 5.5)
    panels = figure.subplots(*((1, 2) if is_wide else (2, 1)))
    best, labels = found.best(), np.unique(found.table["cluster"])
    chance = best["n_objects"] / best["n_objects"].sum()
    order = np.lexsort((best["z"], best["n_objects"] >= _FEW))[::-1]
    kinds = best["type"][np.sort(order[:_MOST_TYPES])].tolist()
    for color, kind in zip(cluster_palette(_MOST_TYPES), kinds, strict=False):
        own, mine = curve[curve["type"] == kind], best["type"] == kind
        words = describe_types([kind])[kind].description.replace("$", r"\$")
        expected = own["area_share"], np.full(len(own), chance[mine][0])
        values = [(own["completeness"], best["share"]), (own["purity"], best["purity"])]
        for panel, level, (line, mark) in zip(panels, expected, values, strict=True):
            style = {"color": color, "label": f"{words}: {best['n_objects'][mine][0]}"}
            panel.plot(own["n_clusters"], 100 * line, "o-", markersize=3.5, **style)
            panel.plot(own["n_clusters"], 100 * level, color=color, **_CHANCE)
            number = np.count_nonzero(labels >= 0)
            panel.plot(number, 100 * mark[mine][0], color=color, **_DIAMOND)
    for panel, name in zip(panels, ("completeness", "purity"), strict=True):
        panel.set(xlabel="number of clusters", ylabel=f"{name} [%]")
        panel.spines[["top", "right"]].set_visible(False)
        panel.locator_params(axis="x", integer=True)
    panels[0].set_ylim(0, 104)
    panels[1].set(yscale="log")
    panels[1].set_ylim(min(10, panels[1].get_ylim()[0]), 120)
    panels[1].yaxis.set_major_formatter("{x:g}")
    panels[1].yaxis.set_minor_formatter("")
    panels[1].plot([], [], color="0.4", label="by chance", **_CHANCE)
    panels[1].plot([], [], color="0.4", label="this result", **_DIAMOND)
    where = {"loc": "outside right upper" if is_wide else "outside lower center"}
    where |= {"ncols": 1 if is_wide else 2, "fontsize": "small", "frameon": False}
    figure.legend(*panels[1].get_legend_handles_labels(), **where)
    return figure

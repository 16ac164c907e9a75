# SPDX-License-Identifier: BSD-3-Clause
"""Names of clusters by rules on their colors, lines and objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from skesom._common.labels import check_label_map
from skesom.cube import BandBinner, Cube
from skesom.cube.masking.picture_values import hold_picture
from skesom.maps._cluster_descriptions import describe_clusters
from skesom.maps._cluster_light import MOST_BANDS, ClusterLight
from skesom.maps._cluster_measures import measure_clusters, shows_galaxy
from skesom.maps._evidence import measures_to_tell, tell_measure
from skesom.maps._naming_rules import NAMES_BY_TYPE, NAMES_WITHOUT_GALAXY, RULES

if TYPE_CHECKING:
    from skesom.maps.crossmatching import Crossmatch


_N_AVERAGES = 10  # bands that stand for the channels of a spectrum
# Of objects that are evidence: docs/names.md.
_CHANCE = 0.01  # the largest probability of chance
_ENRICHED = 1.5  # times as many objects as by chance
_NAMING = 3.0  # times as many, for a name
_FEWEST = 5  # objects of a type
_MOST_TYPES = 3  # in the evidence of a cluster


class Suggestion(NamedTuple):
    """What a cluster looks like: result of `suggest_names`, one for each cluster."""

    name: str | None
    evidence: tuple
    reason: str
    description: str


def suggest_names(
    label_map: ArrayLike,
    cube: Cube,
    *,
    continua: Mapping[str, Sequence[str]] | Literal["none"] | None = None,
    crossmatch: Crossmatch | None = None,
) -> list[Suggestion]:
    """Suggest what each cluster is, with the evidence.

    Parameters
    ----------
    label_map : array-like of int of shape (n_rows, n_columns)
        Cluster of each pixel from 0; negative labels are no clusters.
    cube : Cube of shape (n_rows, n_columns, n_bands)
        The images, as they were before fluxes were scaled.
    continua : dict of str to sequence of str, or "none", default=None
        Continuum bands of narrow bands, see `ColorDiagramDisplay`; "none" uses no
        lines.
    crossmatch : Crossmatch, default=None
        Known objects in the clusters, of `skesom.maps.crossmatch`. Types that gather in
        a cluster are evidence, and name it if no rule does.

    Returns
    -------
    suggestions : list of Suggestion
        For each cluster a tuple of ``name`` (None if no rule holds), ``evidence`` (a
        tuple of texts), ``reason``, and ``description``: how the cluster differs from
        all others, as in "reddest in J - K, bright". No two are equal; that of a
        cluster without pixels is empty.

    Raises
    ------
    ValueError
        If label map and cube do not fit, or a continuum is not of the bands.

    See Also
    --------
    ColorDiagramDisplay : The same measures as diagrams.

    Notes
    -----
    The rules and their reasons are a page of the documentation, "Names of clusters";
    the first that holds gives the name. They use the median flux of
    each cluster, so that bands may have any units: its color (magnitudes per octave of
    wavelength) and the excess of lines relative to the mean over the area, and its
    brightness per area relative to the one that half of the light exceeds. Colors and
    lines are of clusters that are brighter than the noise of a pixel; the mean is over
    the area of all of these. A name is a suggestion: two clusters can have the same.
    Rules on colors need bands that tell old stars from young ones; descriptions need no
    wavelengths. Of more than 50 bands, averages of neighbors are used. Nothing is
    suggested where no band is known, for noise, for pictures (all values are levels
    from 0 to 255, with a pile-up at the end), and where images are not of the sky:
    their pixels have no angle (neither ``wcs`` nor ``pixel_scale``), and no band has a
    name that astronomers give. Where all bands are emission lines, nothing is called by
    the names of stars.

    Examples
    --------
    >>> from skesom.datasets import POPULATIONS, make_galaxy_cube
    >>> from skesom.maps import suggest_names
    >>> cube, truth = make_galaxy_cube((128, 128), random_state=0)
    >>> suggestion = suggest_names(truth, cube)[POPULATIONS.index("H II region")]
    >>> suggestion.name
    'H II regions'
    >>> suggestion.evidence[0]
    '...'
    """
    labels = check_label_map(label_map)
    n_clusters = int(labels.max(initial=-1)) + 1
    cube = cube if isinstance(cube, Cube) else Cube(cube)
    is_picture = hold_picture([cube])
    if cube.shape[2] > MOST_BANDS:
        cube = _average_channels(cube)
        continua = "none"
    if n_clusters == 0:
        return []
    clusters = ClusterLight(labels, cube, continua)
    measures, bands = measure_clusters(clusters)
    is_galaxy = shows_galaxy(clusters, measures)
    texts = describe_clusters(clusters, measures["brightness"])
    suggestions = [Suggestion(None, (), "", "")] * n_clusters
    for place, cluster in enumerate(clusters.ids):
        if is_picture:  # its values measure nothing
            rules = []
            values = {}
        else:
            rules = _rules_for(clusters, place, is_galaxy)
            values = {name: float(column[place]) for name, column in measures.items()}
        rule = next((rule for rule in rules if rule.holds(values)), None)
        evidence = [
            tell_measure(name, values[name], bands)
            for name in measures_to_tell(rule, values)
        ]
        name = None
        reason = ""
        if rule is not None:
            name = rule.name
            reason = rule.reason
        if crossmatch is not None:
            rows = _types_that_gather(crossmatch.table, cluster)
            evidence += [_tell_objects(row) for row in rows]
            name_of_objects = _name_by_objects(rows)
            if name is None and name_of_objects is not None:
                name = name_of_objects
                reason = "Known objects of this type gather here."
        suggestions[cluster] = Suggestion(name, tuple(evidence), reason, texts[place])
    return suggestions


def _average_channels(cube):
    """Return the channels of a spectrum as a few broad bands."""
    n_channels = -(-cube.shape[2] // _N_AVERAGES)  # of a band, rounded up
    bands = BandBinner(n_channels).fit_transform(cube.replace(band_units=None))
    # A hyphen between two names says that one is subtracted from the other.
    names = [name.replace(" - ", " to ") for name in bands.band_names]
    return bands.replace(band_names=names)


def _rules_for(clusters, place, is_galaxy):
    """Return the rules that may name a cluster; none for noise, and halos of stars."""
    is_nameless = clusters.is_noise[place] or clusters.is_of_star[place]
    if is_nameless or not clusters.can_be_named:
        return []
    if clusters.is_of_lines:
        return [rule for rule in RULES if rule.name == "sky"]
    if is_galaxy:
        return RULES
    return [rule for rule in RULES if rule.name in NAMES_WITHOUT_GALAXY]


def _types_that_gather(table, cluster):
    """Return the rows of the types that gather in a cluster, strongest first."""
    gathers = (table["enrichment"] > _ENRICHED) & (table["p_any"] < _CHANCE)
    gathers &= (table["cluster"] == cluster) & (table["n_objects"] >= _FEWEST)
    rows = table[gathers]
    return rows[np.argsort(-rows["z"], kind="stable")][:_MOST_TYPES]


def _tell_objects(row):
    """Return in words how many objects of a type are in a cluster."""
    return (
        f"{row['share']:.0%} of the {row['type']} of the catalog in "
        f"{row['area_share']:.1%} of the clustered pixels"
    )


def _name_by_objects(rows):
    """Return the name for the first type that is strong enough, None without one."""
    for row in rows:
        if row["enrichment"] > _NAMING and row["type"] in NAMES_BY_TYPE:
            return NAMES_BY_TYPE[row["type"]]
    return None

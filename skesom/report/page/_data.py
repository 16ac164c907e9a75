# SPDX-License-Identifier: BSD-3-Clause
"""Content of the page: fluxes, labels and units of the pixels, and facts on them."""

import base64
import zlib

import numpy as np

from skesom import displays
from skesom._common.labels import count_clusters, means_by_cluster
from skesom._common.noise import noise_from_changes
from skesom.cube.flux.physical import physical_factors
from skesom.displays.cluster_plots import axis_name, flux_name, is_wide
from skesom.displays.colors import HATCH_COLOR, MISSING_COLOR, NOISE_COLOR, SKY_COLOR
from skesom.displays.rgb import band_axis
from skesom.displays.sky_image import pick
from skesom.displays.unit_layout import GraphLayout, layout_of
from skesom.maps.cluster_names import middles_of
from skesom.pixels import cluster_table
from skesom.report._populations import colors_of, find_of_result, title_of
from skesom.report.cluster_groups import FORMAT, ClusterGroup
from skesom.report.result import NO_UNIT, hex_of
from skesom.report.summary import levels_of, reasons_of, suggestions_of

_FINEST = 4  # steps of a faint flux by the noise
_RELATIVE = 0.01  # step of a bright flux
_MOST_CODES = 65535  # of a flux; 0 stands for none
_MOST_SLICES = 32
_SKY_NODES = 33  # along each side, between which the page interpolates
_SCALE = "level", "softening", "low", "step", "dark", "bright"
_SAMPLES = 1_000_000
_LINKS_DRAWN = 4000  # the strongest
_SMALLEST, _LARGEST = 3.0, 11.0  # pixels across, the second on top of the first
_LOW, _HIGH = 2, 98  # per cent of the units that have the first and the last color
_LEVEL = 7  # of zlib: 9 takes four times as long for a page smaller by 0.2 %
_NO_STEP = 128  # makes steps within 128 positive, so that few have a second byte
_KINDS = {"u1": "Uint8Array", "u2": "Uint16Array", "i2": "Int16Array"}
_KINDS |= {"f4": "Float32Array", "f8": "Float64Array"}


def packed(name, array):
    """Return an array as an element of the page, which `read_array` of page.js reads.

    The first bytes of all numbers come before the second ones, which are compressed
    better alone.
    """
    array = np.ascontiguousarray(array)
    kind = _KINDS[array.dtype.str[1:]]
    planes = array.astype(array.dtype.newbyteorder("<")).reshape(-1).view(np.uint8)
    planes = planes.reshape(-1, array.itemsize).T.tobytes()
    text = base64.b64encode(zlib.compress(planes, _LEVEL)).decode("ascii")
    told = f'data-name="{name}" data-kind="{kind}"'
    return f'<script type="text/plain" {told}>{text}</script>'


def steps_of(array):
    """Return the steps from pixel to pixel, around 128, which are compressed better.

    Whole numbers without sign wrap around, here and where `start` of page.js adds them.
    """
    zero, none = array.dtype.type(0), array.dtype.type(_NO_STEP)
    return np.diff(array.ravel(), prepend=zero) + none


def pixel_data(result, step, rgb=None):
    """Return arrays of every `step`-th row and column, and facts about bands."""
    label_map = result.run_label_map if result.tree is None else result.leaf_map
    labels = pick(label_map, step).astype(np.int16)
    _, thin, scaled = result.thinned(step)
    thin = result.above_sky(thin)
    codes, bands = encode_bands(thin)
    shown, name = spectra_cube(result, thin, scaled)
    places = band_axis(thin)
    order = np.argsort(
        range(len(bands)) if places is None else places.value, kind="stable"
    )
    arrays, slices = {}, []
    if result.is_voxel:  # the page shows one slice, and has some in store
        slices = order[:: -(-len(order) // _MOST_SLICES)]
        arrays["slices"] = np.moveaxis(labels[:, :, slices], 2, 0)
        labels = arrays["slices"][0]
    arrays |= {
        "codes": steps_of(codes),
        "labels": labels,
        "rgb": steps_of(np.moveaxis(displays.rgb_image(thin, rgb), 2, 0)),
        "sky": sky_nodes(result.cube.wcs, result.cube.shape[:2]),
        "units": np.full(labels.shape, NO_UNIT, dtype=np.uint16),
        "spectrum": values_of_codes(codes, shown),
    }
    facts = {
        "format": FORMAT,
        "shape": labels.shape,
        "full_shape": result.cube.shape[:2],
        "step": step,
        "bands": bands,
        "order": order.tolist(),
        "slices": [thin.band_names[band] for band in slices],
        "spectrum_name": name,
        "places": None if places is None else places.value[order].tolist(),
        "places_name": "" if places is None else axis_name(places.unit),
        "missing_color": MISSING_COLOR,
        "hatch_color": HATCH_COLOR,
        "noise_color": NOISE_COLOR,
        "sky_color": SKY_COLOR,
    }
    return arrays, facts


def spectra_cube(result, thin, scaled):
    """Return the values of the picture of the spectra of a thinned cube, and a name."""
    factors, unit = physical_factors(result.cube)
    if unit is None:
        return scaled, ["stretched flux, scaled"]
    data = (thin.data * factors).astype(thin.dtype)
    return thin.replace(data=data), flux_name(unit).split("\n")


def _quartiles(labels, cube, order):
    """Return quartiles of each band, in an order, for each label; None for NaN."""
    names = [cube.band_names[band] for band in order]
    kinds = "q25", "median", "q75"
    return {
        int(row["id"]): [
            [_finite(row[f"{name}_{kind}"]) for kind in kinds] for name in names
        ]
        for row in cluster_table(labels, cube, subtract_sky=False)
    }


def _finite(number):
    """Return a number for JSON, which has no NaN."""
    return float(f"{number:.6g}") if np.isfinite(number) else None


def cluster_facts(result, step, order):
    """Return the facts on each cluster of the run, and on each group.

    Labels are those of the run, or leaves of its tree if there is one.
    """
    sizes = count_clusters(result.run_label_map, len(result.run_colors))
    own = {group.labels: group for group in result.groups}
    means = np.full(len(sizes), np.nan)  # unless several runs agree
    agreement = result.agreement_of_fit
    if agreement is not None:
        means = means_by_cluster(result.run_label_map, agreement)

    leaf_sizes, leaf_means, owners = sizes, means, None
    if result.tree is not None:
        owners = np.maximum(result.tree.clusters, 0)  # a vote may leave one no pixel
        leaf_sizes = count_clusters(result.leaf_map, result.tree.n_leaves)
        leaf_means = np.full(len(leaf_sizes), np.nan)
        if agreement is not None:
            by_leaf = means_by_cluster(result.leaf_map, agreement)
            leaf_means[: len(by_leaf)] = by_leaf
            leaf_means[leaf_sizes == 0] = 0

    def described(groups, *, of_run):
        label_map = result.run_label_map if of_run else result.label_map
        guesses = suggestions_of(result, of_run=of_run)
        if result.is_voxel and not of_run:
            guesses = _levels(result)
        _, thin, scaled = result.thinned(step)
        cube, _ = spectra_cube(result, result.above_sky(thin), scaled)
        quartiles = _quartiles(pick(label_map, step), cube, order)
        clusters = []
        for number, group in enumerate(groups):
            labels = [*(group.leaves or group.labels)]
            is_of_leaves = len(group.leaves) > 0
            pixels = (leaf_sizes if is_of_leaves else sizes)[labels]
            mean = (leaf_means if is_of_leaves else means)[labels]
            facts = {
                "pixels": int(pixels.sum()),
                "color": group.color or hex_of(result.run_colors[labels[0]]),
                "quartiles": quartiles.get(number) or [[None] * 3] * len(order),
                "agreement": _finite(mean @ pixels / max(pixels.sum(), 1)),
            }
            if result.tree is not None and not is_of_leaves:
                labels = np.flatnonzero(np.isin(owners, labels)).tolist()
            if guesses is not None:
                guess = guesses[number]
                facts |= {"suggestion": guess.name, "description": guess.description}
                facts["why"] = reasons_of(guess)
            clusters.append({"name": group.name, "labels": labels} | facts)
        return clusters

    clusters = originals = described(result.groups, of_run=False)
    if len(clusters) < len(sizes) or result.has_parts:  # some are merged
        alone = [own.get((n,), ClusterGroup(None, (n,))) for n in range(len(sizes))]
        originals = described(alone, of_run=True)
    clusters = sorted(clusters, key=lambda each: -each["pixels"])
    digest = result.label_map_sha256
    facts = {"originals": originals, "clusters": clusters, "label_map_sha256": digest}
    facts["parts"] = originals
    if result.tree is not None:
        facts |= _tree_facts(result, owners, leaf_sizes, leaf_means, step)
    return facts


def _tree_facts(result, owners, sizes, means, step):
    """Return the tree, and the facts on each of its leaves."""
    tree = result.tree
    middles = middles_of(pick(result.leaf_map, step), tree.n_leaves)
    width = -(-result.leaf_map.shape[1] // step)
    parts = [
        {
            "labels": [leaf],
            "pixels": int(sizes[leaf]),
            "color": hex_of(result.leaf_colors[leaf]),
            "agreement": _finite(means[leaf]),
            "middle": None if middle is None else middle[0] * width + middle[1],
        }
        for leaf, middle in enumerate(middles)
    ]
    facts = {
        "children": tree.children.tolist(),
        "distances": tree.distances.tolist(),  # whole: small differences are an order
        "clusters": owners.tolist(),
        "sha256": tree.sha256,
        "n_clusters": len(np.unique(owners)),
    }
    return {"tree": facts, "parts": parts}


def _levels(result):
    """Return the levels of clusters of voxels in words."""
    fluxes = np.zeros(result.label_map.shape, dtype=np.float32)
    for rows in result.strips():
        fluxes[rows][result.valid(rows)] = result.features(rows)[:, 0]
    return levels_of(result, means_by_cluster(result.label_map, fluxes))


def population_data(result, step):
    """Return the map of the populations of a result, and facts; none without names."""
    populations = find_of_result(result)
    if populations is None:
        return {}, {"populations": []}
    colors = colors_of(populations)
    facts = [
        {"color": hex_of(colors[number]), "title": title_of(row)}
        for number, row in enumerate(populations.table)
    ]
    label_map = pick(populations.label_map, step).astype(np.int16)
    return {"populations": label_map}, {"populations": facts}


def spans_decades(clusters):
    """Tell whether medians differ so much that their scale has to be logarithmic."""
    medians = [m for each in clusters for _, m, _ in each["quartiles"] if m]
    return is_wide(medians)


def encode_band(flux):
    """Return a band as whole numbers, even for the noise, and relative where bright.

    A step is 1/4 of the noise, as of FITS files that fpack compresses, or 1 % of what
    is above the median, whichever is larger; finer only if the band has no noise.
    """
    known = flux[~np.isnan(flux)].astype(np.float64)
    if len(known) == 0:
        scale = dict(zip(_SCALE, (0.0, 1.0, 0.0, 1.0, 1.0, 2.0), strict=True))
        return np.zeros(flux.shape, dtype=np.uint16), scale
    level = float(np.median(known[:: len(known) // _SAMPLES + 1]))
    softening = _noise(flux, known) / _FINEST / _RELATIVE
    curved = np.arcsinh((flux.astype(np.float64) - level) / softening)
    low, high = float(np.nanmin(curved)), float(np.nanmax(curved))
    step = max(_RELATIVE, (high - low) / (_MOST_CODES - 1))
    codes = np.nan_to_num(np.rint((curved - low) / step) + 1, nan=0.0)
    codes = codes.astype(np.uint16)
    dark, bright = np.percentile(codes[codes > 0], [1.0, 99.7]).tolist()
    scale = level, softening, low, step, dark, max(bright, dark + 1)
    return codes, dict(zip(_SCALE, scale, strict=True))


def _noise(flux, known):
    """Return the noise of a band, or a part of its range or values; never 0."""
    noise = noise_from_changes(flux)
    return noise or float(np.ptp(known)) / 1000 or abs(float(known[0])) or 1.0


def encode_bands(cube):
    """Return the bands of a cube as whole numbers, and the facts about them."""
    codes, bands = [], []
    for number, name in enumerate(cube.band_names):
        code, scale = encode_band(cube.data[:, :, number])
        unit = cube.band_units[number]
        scale |= {"name": name, "unit": "" if unit is None else unit.to_string()}
        codes.append(code)
        bands.append(scale)
    return np.stack(codes), bands


def values_of_codes(codes, cube):
    """Return the mean value of a cube for each number of each band, NaN for none."""
    n_codes = int(codes.max(initial=0)) + 1
    values = np.full((len(codes), n_codes), np.nan, dtype=np.float32)
    for band, own in enumerate(codes):
        flux = cube.data[:, :, band]
        known = (own > 0) & ~np.isnan(flux)
        sums = np.bincount(own[known], flux[known], n_codes)
        counts = np.bincount(own[known], minlength=n_codes)
        np.divide(sums, counts, out=values[band], where=counts > 0, casting="same_kind")
    return values


def sky_nodes(wcs, shape):
    """Return unit vectors to the sky at the nodes of a coarse grid over an image."""
    if wcs is None:
        return np.zeros(0)
    rows, columns = (np.linspace(0, side - 1, _SKY_NODES) for side in shape)
    sky = wcs.pixel_to_world(*np.meshgrid(columns, rows)).icrs
    return np.stack(sky.cartesian.get_xyz(xyz_axis=-1), axis=0).astype(np.float64)


def unit_data(result, step):
    """Return arrays and facts about the units, such as their places."""
    layout = layout_of(result.som, "pca")
    x, y = layout.positions.T
    values, ranges = unit_values(result.som, result.feature_names)
    labels = result.run_unit_labels if result.tree is None else result.unit_leaves
    arrays = {
        "units": pick(result.unit_map, step),
        "unit_values": np.stack(list(values.values())),
    }
    facts = {
        "unit_values": list(values),
        "unit_ranges": ranges,
        "unit_labels": labels.tolist(),
    }
    if isinstance(layout, GraphLayout):
        shares = layout.hits / max(layout.hits.max(initial=0), 1)
        arrays["unit_size"] = _SMALLEST + _LARGEST * np.sqrt(shares)
        arrays["links"] = _links(layout)
    else:
        y = -y  # the first row is the upper one, as in arrays
        facts["cell"] = layout.corners.tolist()
    arrays |= {"unit_x": x, "unit_y": y}
    floats = ("unit_x", "unit_y", "unit_size", "links")
    return {n: a.astype("f4") if n in floats else a for n, a in arrays.items()}, facts


def unit_values(som, names):
    """Return numbers from 0 to 255 by which units are colored, and their ranges."""
    values = {
        "distance to neighbors": np.ravel(som.u_matrix()),
        "number of pixels": som.hits_,
    }
    values |= dict(zip(names, som.codebook_.T, strict=True))
    ranges = []
    for name, value in values.items():
        value = np.asarray(value, dtype=np.float64)
        low, high = np.nanpercentile(value, [_LOW, _HIGH])
        ranges.append([_finite(low), _finite(high)])
        share = np.nan_to_num((value - low) / (high - low or 1.0))
        values[name] = np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)
    return values, ranges


def _links(layout):
    """Return ends and opacity of the strongest links, the strongest of them last."""
    order = np.argsort(layout.strengths, kind="stable")[-_LINKS_DRAWN:]
    ends = layout.positions[layout.links[order]].reshape(-1, 4)
    strongest = layout.strengths.max(initial=0) or 1.0
    alpha = 0.08 + 0.5 * layout.strengths[order] / strongest
    return np.column_stack([ends, alpha])

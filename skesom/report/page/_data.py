# SPDX-License-Identifier: BSD-3-Clause
"""What the page shows: fluxes, labels and units of the pixels, and facts about them."""

import numpy as np

from skesom import displays
from skesom.maps import count_clusters
from skesom.report._cluster_groups import FORMAT, ClusterGroup
from skesom.report._result import hex_of

NO_UNIT = 65535
_STEPS = 65534  # of a flux; 0 stands for none
_SKY_NODES = 33  # along each side, between which the page interpolates
_SCALE = "level", "softening", "low", "step", "dark", "bright"
_SAMPLES = 1_000_000
_LINKS_DRAWN = 4000  # the strongest
_SMALLEST, _LARGEST = 3.0, 11.0  # pixels across, the second on top of the first
_LOW, _HIGH = 2, 98  # per cent of the units that have the first and the last color


def pixel_data(result, step, rgb=None):
    """Return arrays of every `step`-th row and column, and facts about bands."""
    cube, label_map = result.cube, result.run_label_map
    labels = displays.pick(label_map, step)
    thin = cube.replace(data=displays.pick(cube.data, step), wcs=None)
    codes, bands = encode_bands(thin, labels >= 0)
    known = displays.spectral_places(cube.band_coordinates)
    places = range(len(bands)) if known is None else known.value
    arrays = {
        "codes": codes,
        "labels": labels.astype(np.int16),
        "rgb": displays.rgb_image(thin, rgb),
        "sky": sky_nodes(cube.wcs, label_map.shape),
        "units": np.full(labels.shape, NO_UNIT, dtype=np.uint16),
    }
    facts = {
        "format": FORMAT,
        "shape": labels.shape,
        "full_shape": label_map.shape,
        "step": step,
        "bands": bands,
        "order": np.argsort(places, kind="stable").tolist(),
        "missing_color": displays.MISSING_COLOR,
        "noise_color": displays.NOISE_COLOR,
        "sky_color": displays.SKY_COLOR,
    }
    return arrays, facts


def cluster_facts(result):
    """Return name, labels, size and color of each cluster, and of each group.

    Labels, and names of clusters without one, are those of the run.
    """
    sizes = count_clusters(result.run_label_map, len(result.run_colors))
    own = {group.labels: group for group in result.groups}

    def described(group):
        return {
            "name": group.name or group.default_name,
            "labels": [*group.labels],
            "pixels": int(sizes[[*group.labels]].sum()),
            "color": group.color or hex_of(result.run_colors[group.labels[0]]),
        }

    alone = [ClusterGroup(None, (label,)) for label in range(len(sizes))]
    originals = [described(own.get(each.labels, each)) for each in alone]
    clusters = sorted(map(described, result.groups), key=lambda each: -each["pixels"])
    digest = result.label_map_sha256
    return {"originals": originals, "clusters": clusters, "label_map_sha256": digest}


def encode_band(flux):
    """Return a band as numbers of 16 bits, fine near its sky, coarse where bright."""
    known = flux[~np.isnan(flux)].astype(np.float64)
    if len(known) == 0:
        scale = dict(zip(_SCALE, (0.0, 1.0, 0.0, 1.0, 1.0, 2.0), strict=True))
        return np.zeros(flux.shape, dtype=np.uint16), scale
    sample = known[:: len(known) // _SAMPLES + 1]
    level = float(np.median(sample))
    spread = float(np.median(np.abs(sample - level)))
    softening = spread or float(np.ptp(known)) / 1000 or 1.0
    curved = np.arcsinh((flux.astype(np.float64) - level) / softening)
    low, high = float(np.nanmin(curved)), float(np.nanmax(curved))
    step = (high - low) / _STEPS or 1.0
    codes = np.nan_to_num(np.rint((curved - low) / step) + 1, nan=0.0)
    codes = codes.astype(np.uint16)
    dark, bright = np.percentile(codes[codes > 0], [1.0, 99.7]).tolist()
    scale = level, softening, low, step, dark, max(bright, dark + 1)
    return codes, dict(zip(_SCALE, scale, strict=True))


def encode_bands(cube, inside):
    """Return the bands of a cube as numbers of 16 bits, and what is known of them."""
    codes, bands = [], []
    for number, name in enumerate(cube.band_names):
        code, scale = encode_band(cube.data[:, :, number])
        known = code[inside & (code > 0)].astype(np.float64)
        curved = scale["low"] + (known - 1) * scale["step"]
        unit = cube.band_units[number]
        scale["name"], scale["unit"] = name, "" if unit is None else unit.to_string()
        scale["mean"] = float(curved.mean()) if len(curved) else 0.0
        scale["deviation"] = float(curved.std()) or 1.0 if len(curved) else 1.0
        codes.append(code)
        bands.append(scale)
    return np.stack(codes), bands


def sky_nodes(wcs, shape):
    """Return unit vectors to the sky at the nodes of a coarse grid over an image."""
    if wcs is None:
        return np.zeros(0)
    rows, columns = (np.linspace(0, side - 1, _SKY_NODES) for side in shape)
    sky = wcs.pixel_to_world(*np.meshgrid(columns, rows)).icrs
    return np.stack(sky.cartesian.get_xyz(xyz_axis=-1), axis=0).astype(np.float64)


def unit_map(result):
    """Return the nearest unit of each pixel."""
    units = np.full(result.label_map.shape, NO_UNIT, dtype=np.uint16)
    for rows in result.strips():
        nearest, _ = result.nearest_units(rows, result.features(rows))
        units[rows][result.valid(rows)] = nearest
    return units


def unit_facts(result, value_names):
    """Return the clusters of the units, and what they can be colored by."""
    from bokeh.palettes import Cividis256

    return {
        "unit_values": value_names,
        "unit_labels": result.run_unit_labels.tolist(),
        "color_map": list(Cividis256),
    }


def unit_columns(som):
    """Return where units are drawn, and the links between them."""
    layout = displays.layout_of(som, "pca")
    x, y = layout.positions.T
    if isinstance(layout, displays.GraphLayout):
        shares = layout.hits / max(layout.hits.max(initial=0), 1)
        columns = {"x": x, "y": y, "size": _SMALLEST + _LARGEST * np.sqrt(shares)}
        return columns, _links(layout)
    corners = layout.positions[:, np.newaxis] + layout.corners
    return {
        "x": x,
        "y": -y,  # the first row is the upper one, as in the arrays
        "xs": corners[:, :, 0].tolist(),
        "ys": (-corners[:, :, 1]).tolist(),
    }, None


def unit_values(som, names):
    """Return numbers that units can be colored by."""
    values = {
        "distance to neighbors": np.ravel(som.u_matrix()),
        "number of pixels": np.sqrt(som.hits_),
    }
    values |= dict(zip(names, som.codebook_.T, strict=True))
    for name, value in values.items():
        value = np.asarray(value, dtype=np.float64)
        low, high = np.nanpercentile(value, [_LOW, _HIGH])
        share = np.nan_to_num((value - low) / (high - low or 1.0))
        values[name] = np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)
    return values


def _links(layout):
    """Return the strongest links, the strongest of them last."""
    order = np.argsort(layout.strengths, kind="stable")[-_LINKS_DRAWN:]
    ends = layout.positions[layout.links[order]].reshape(-1, 4)
    strongest = layout.strengths.max(initial=0) or 1.0
    links = dict(zip(("x0", "y0", "x1", "y1"), ends.T, strict=True))
    return links | {"alpha": 0.08 + 0.5 * layout.strengths[order] / strongest}

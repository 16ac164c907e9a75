# SPDX-License-Identifier: BSD-3-Clause
"""The pixels on the page: their fluxes, labels, colors, populations and positions."""

import numpy as np

from skesom import displays
from skesom.cube.flux.physical import physical_factors
from skesom.displays.cluster_plots import flux_name
from skesom.displays.colors import HATCH_COLOR, MISSING_COLOR, NOISE_COLOR, SKY_COLOR
from skesom.displays.spectral_axes import axis_name, band_axis
from skesom.displays.thinning import middle_pixels
from skesom.report._populations import colors_of, find_of_result, title_of
from skesom.report.cluster_groups import FORMAT
from skesom.report.page._packing import encode_bands, steps_of, values_of_codes
from skesom.report.result import NO_UNIT, hex_of

_MOST_SLICES = 32
_SKY_NODES = 33  # along each side, between which the page interpolates


def pixel_data(result, step, rgb=None):
    """Return arrays of every `step`-th row and column, and facts about bands."""
    label_map = result.run_label_map if result.tree is None else result.leaf_map
    labels = middle_pixels(label_map, step).astype(np.int16)
    _, thin, scaled = result.thinned(step)
    thin = result.above_sky(thin)
    codes, bands = encode_bands(thin)
    spectra, spectrum_name = spectra_cube(result, thin, scaled)

    order = np.arange(len(bands))
    wavelengths = None
    wavelength_name = ""
    axis = band_axis(thin)
    if axis is not None:
        order = np.argsort(axis.value, kind="stable")
        wavelengths = axis.value[order].tolist()
        wavelength_name = axis_name(axis.unit)

    arrays = {}
    slices = []
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
        "spectrum": values_of_codes(codes, spectra),
    }
    facts = {
        "format": FORMAT,
        "shape": labels.shape,
        "full_shape": result.cube.shape[:2],
        "step": step,
        "bands": bands,
        "order": order.tolist(),
        "slices": [thin.band_names[band] for band in slices],
        "spectrum_name": spectrum_name,
        "places": wavelengths,
        "places_name": wavelength_name,
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


def sky_nodes(wcs, shape):
    """Return unit vectors to the sky at the nodes of a coarse grid over an image."""
    if wcs is None:
        return np.zeros(0)
    n_rows, n_columns = shape
    rows = np.linspace(0, n_rows - 1, _SKY_NODES)
    columns = np.linspace(0, n_columns - 1, _SKY_NODES)
    sky = wcs.pixel_to_world(*np.meshgrid(columns, rows)).icrs
    return np.stack(sky.cartesian.get_xyz(xyz_axis=-1), axis=0).astype(np.float64)


def population_data(result, step):
    """Return the map of the populations of a result, and facts; none without names."""
    populations = find_of_result(result)
    if populations is None:
        return {}, {"populations": []}
    colors = colors_of(populations)
    facts = []
    for number, row in enumerate(populations.table):
        facts.append({"color": hex_of(colors[number]), "title": title_of(row)})
    label_map = middle_pixels(populations.label_map, step).astype(np.int16)
    return {"populations": label_map}, {"populations": facts}

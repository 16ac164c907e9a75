# SPDX-License-Identifier: BSD-3-Clause
"""What the page knows of each pixel: fluxes, cluster, unit, place on the sky."""

import numpy as np

NO_UNIT = 65535
_STEPS = 65534  # of a flux; 0 stands for none
_SKY_NODES = 33  # along each side, between which the page interpolates
_SAMPLES = 1_000_000


def encode_band(flux):
    """Return a band as numbers of 16 bits, fine near its sky, coarse where bright."""
    known = flux[~np.isnan(flux)].astype(np.float64)
    if len(known) == 0:
        scale = {"level": 0.0, "softening": 1.0, "low": 0.0, "step": 1.0}
        scale |= {"dark": 1.0, "bright": 2.0}
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
    dark, bright = np.percentile(codes[codes > 0], [1.0, 99.7])
    return codes, {
        "level": level,
        "softening": softening,
        "low": low,
        "step": step,
        "dark": float(dark),
        "bright": float(max(bright, dark + 1)),
    }


def encode_bands(cube, inside):
    """Return the bands of a cube as numbers of 16 bits, and what is known of them."""
    codes, bands = [], []
    for number, name in enumerate(cube.band_names):
        code, scale = encode_band(cube.data[:, :, number])
        known = code[inside & (code > 0)].astype(np.float64)
        curved = scale["low"] + (known - 1) * scale["step"]
        unit = cube.band_units[number]
        codes.append(code)
        bands.append(
            scale
            | {
                "name": name,
                "unit": "" if unit is None else unit.to_string(),
                "mean": float(curved.mean()) if len(curved) else 0.0,
                "deviation": float(curved.std()) or 1.0 if len(curved) else 1.0,
            }
        )
    return np.stack(codes), bands


def sky_nodes(wcs, shape):
    """Return unit vectors to the sky at the nodes of a coarse grid over an image.

    The page interpolates between them, and so needs no WCS, whatever its projection.
    """
    if wcs is None:
        return np.zeros(0)
    rows = np.linspace(0, shape[0] - 1, _SKY_NODES)
    columns = np.linspace(0, shape[1] - 1, _SKY_NODES)
    x, y = np.meshgrid(columns, rows)
    sky = wcs.pixel_to_world(x, y).icrs
    return np.stack(sky.cartesian.get_xyz(xyz_axis=-1), axis=0).astype(np.float64)

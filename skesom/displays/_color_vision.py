# SPDX-License-Identifier: BSD-3-Clause
"""How colors look to the eye, also to one that lacks a kind of cones."""

import numpy as np

# From linear sRGB to the responses of the cones, and from their cube roots to Oklab.
_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
# What linear sRGB looks like without the cones for long, middle and short wavelengths.
_DEFICIENCIES = np.array(
    [
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ],
    ]
)


def perceived(colors):
    """Return where colors lie in Oklab, in which distances are as the eye sees them."""
    colors = np.asarray(colors, dtype=np.float64)
    linear = np.where(
        colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4
    )
    seen = np.concatenate([linear[np.newaxis], linear @ _DEFICIENCIES.mT])
    cones = np.clip(seen, 0, 1) @ _CONES.T
    return np.cbrt(cones) @ _OKLAB.T


def as_colors(oklab):
    """Return the colors at places in Oklab, clipped to what a screen can show."""
    cones = np.linalg.solve(_OKLAB, np.transpose(oklab)) ** 3
    linear = np.clip(np.linalg.solve(_CONES, cones), 0, 1).T
    return np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    )

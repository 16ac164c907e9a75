# SPDX-License-Identifier: BSD-3-Clause
"""
Colors of images that see differently
======================================

Two telescopes see one galaxy: one sharply, the other through a wider point-spread
function, on larger pixels that are turned, and with a gap. Brought to one grid as they
are, stars and clusters get red cores and blue rings. Convolved to one width before, the
images tell the colors of the galaxy.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from astropy.wcs import WCS
from sklearn.pipeline import make_pipeline

from skesom.cube import CubeAligner, CubeMasker, FluxShape, FWHMConvolver
from skesom.datasets import make_galaxy_cube

# %%
# The sharp image is one of Hubble's. The other is as a smaller telescope would see it:
# stars are .25 arcsec wide, on turned pixels of .08 arcsec, with zeros around the field
# and where two detectors meet.


def observe(noise):
    """Return the images of both telescopes, as `read_cube` would."""
    cube, _ = make_galaxy_cube((300, 300), noise=noise, random_state=3)
    sharp, ultraviolet = (
        cube[:, :, [cube.band_names.index(name)]] for name in ("F814W", "F336W")
    )
    pixels = WCS(naxis=2)
    pixels.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    pixels.wcs.crval = cube.wcs.wcs.crval
    pixels.wcs.crpix = [80.5, 80.5]
    pixels.wcs.cdelt = [-0.08 / 3600, 0.08 / 3600]
    turn = np.deg2rad(20)
    pixels.wcs.pc = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    pixels.array_shape = (160, 160)
    seen = make_pipeline(
        FWHMConvolver(target_fwhm=0.25), CubeAligner(pixels, conserve="flux")
    ).fit_transform(ultraviolet)
    seen.data[:, 60:64] = 0
    return [sharp, seen.replace(data=np.nan_to_num(seen.data))]


images, without_noise = observe(1), observe(0)

# %%
# The same Pipeline with and without the step that makes stars of both images alike.
# Without it, there is a warning that light falls between the large pixels.

steps = [
    CubeMasker(),
    FWHMConvolver(),
    CubeAligner(conserve="flux"),
    FluxShape("F814W"),
]
ways = {
    "masked and resampled": make_pipeline(steps[0], *steps[2:]),
    "masked, convolved, resampled": make_pipeline(*steps),
}
colors = {way: chain.fit_transform(images).data[:, :, 0] for way, chain in ways.items()}

# %%
# The same images without noise give what colors should be. Ratios to the red band are
# in dex, of which each is 2.5 magnitudes. The larger a color in magnitudes, the redder.

colors = {way: -2.5 * color for way, color in colors.items()}
truth = ways["masked, convolved, resampled"].transform(without_noise).data[..., 0]
truth = -2.5 * truth
for way, color in colors.items():
    wrong = np.abs(color - truth)[np.isfinite(color - truth)]
    print(
        f"{way}: colors are {np.sqrt(np.mean(wrong**2)):.3f} mag off, and more than "
        f"{np.quantile(wrong, 0.999):.2f} mag in one pixel of a thousand"
    )

# %%
# The two images, and the colors from both ways. Only the second tells that stars and
# star clusters have one color each.

figure, panels = plt.subplots(2, 2, figsize=(9, 9.6), layout="constrained")
for axes, image, title in zip(
    panels[0],
    images,
    ["red light, stars of 0.07 arcsec", "near ultraviolet, stars of 0.25 arcsec"],
    strict=True,
):
    flux = image.data[:, :, 0]
    bright = np.quantile(flux, 0.999)
    axes.imshow(np.arcsinh(20 * flux / bright), origin="lower", cmap="gray")
    axes.set_title(title)
low, high = np.nanquantile(truth, [0.005, 0.995])
for axes, (way, color) in zip(panels[1], colors.items(), strict=True):
    shown = axes.imshow(color, origin="lower", cmap="RdBu_r", vmin=low, vmax=high)
    axes.set_title(f"color: {way}")
for axes in panels.flat:
    axes.set_axis_off()
label = "color, near ultraviolet - red [mag]"
figure.colorbar(shown, ax=panels, label=label, location="bottom", shrink=0.5)

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=70)
else:
    plt.show()

# SPDX-License-Identifier: BSD-3-Clause
"""From which share of dark pixels in sky on `SkyMasker` may set all of them aside.

    python docs/benchmarks/sky_share.py --draws 2

looks at scenes between sky and none: galaxies of growing extent, corners of sky,
nebulae and star clouds with darker parts, in little and in much noise. A draw of a
scene *has sky* if pixels that stand out from the darkest parts by the noise of each
band are hardly lost (at most 1 %) where all that is dark is set aside; it has *none* if
more than 5 % of these are lost. The table counts the draws of both kinds that are set
aside from a share on. Every second scene is for choosing, the others for the report.
"""

import argparse
import warnings

import numpy as np
from measuring import report
from scipy import ndimage
from sky import corner, draw, galaxy, nebula, spiral, star_cloud

from skesom.cube import AsinhStretch, BackgroundSubtractor, CubeMasker, SkyMasker

SHARES = 0.01, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.6, 0.8
KINDS = "spiral", "edge-on", "elliptical", "merger"
HARMLESS, HARMFUL = 0.01, 0.05  # share of the light that is lost


def scenes():
    """Yield the name and the light of each scene, in units of the noise."""
    for kind in KINDS:
        for extent in (0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.3, 1.7, 2.0):
            yield f"{kind} {extent}", galaxy(kind, extent, size=180)
        for extent in (0.7, 1.0, 1.3):
            for noise in (0.3, 3):
                name = f"{kind} {extent}, noise x {noise}"
                yield name, galaxy(kind, extent, noise, size=180)
    for share in (0.02, 0.03, 0.04, 0.06, 0.1, 0.2, 0.3):
        yield f"corner {share}", corner(share)
    for share in (0.03, 0.1, 0.3):
        yield f"corner {share}, noise x 4", corner(share) / 4
    for seed in (1, 2, 3):
        for noise in (1, 3, 8):
            name = f"{seed}, noise x {noise}"
            light = nebula(np.random.default_rng(seed))
            yield f"nebula {name}", light / noise
            yield f"nebula on sky {name}", np.maximum(light - 12, 0) / noise
            cloud = star_cloud(np.random.default_rng(seed), noise=0)
            yield f"star cloud {name}", cloud / noise
            yield f"spiral {name}", spiral(np.random.default_rng(seed)) / noise


def measure(light, seed):
    """Return the share of dark pixels in sky, and the share of light that is dark."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = CubeMasker(mask_outliers=False).fit_transform(draw(light, 0, seed))
        data = BackgroundSubtractor(bands="uneven").fit_transform(data)
        data = AsinhStretch().fit_transform(data)
        in_sky = SkyMasker().fit(data).in_sky_
        dark = SkyMasker("mask").fit(data).sky_mask_
    smooth = ndimage.gaussian_filter(light, (4, 4, 0))
    darkest = np.quantile(smooth, 0.02, axis=(0, 1))
    is_light = np.all(light > darkest + 1, axis=2)
    lost = np.mean(dark[is_light]) if is_light.any() else 0.0
    return in_sky, lost


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--only", default="", help="scenes whose names hold this")
    options = parser.parse_args()
    halves = {"choose": [], "report": []}
    for number, (name, light) in enumerate(scenes()):
        if options.only in name:
            half = halves["report" if number % 2 else "choose"]
            half.extend(measure(light, seed) for seed in range(options.draws))
    rows = []
    for half, measured in halves.items():
        in_sky, lost = np.array(measured).reshape(-1, 2).T
        for share in SHARES:
            is_aside = in_sky >= share
            kinds = {"sky": lost <= HARMLESS, "no sky": lost > HARMFUL}
            row = {"scenes": half, "from": share}
            for kind, is_kind in kinds.items():
                n_aside = np.count_nonzero(is_aside & is_kind)
                row[kind] = f"{n_aside} of {np.count_nonzero(is_kind)}"
            rows.append(row)
    report("sky_share", "Draws that are set aside", rows)


if __name__ == "__main__":
    main()

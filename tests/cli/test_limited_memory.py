# SPDX-License-Identifier: BSD-3-Clause
"""Images in strips, in a process whose address space cannot hold them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from skesom.cube import Cube
from skesom.datasets import make_galaxy_cube
from skesom.io import write_bands

pytest.importorskip("dask.array")
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs /proc and RLIMIT_AS"
)

# Strips and samples are as small, beside the images, as they are beside a large mosaic.
SCRIPT = """
import resource, sys, warnings
import dask, dask.array
from skesom._common.strips import SIZES, Size
from skesom.cube import Cube
from skesom.cube.flux import color as _color, flux_scale as _flux_scale
from skesom.cube.masking import sky_tiles as _sky_tiles
from skesom.io import read_cube
from skesom.maps import make_cluster_pipeline
from skesom._common.labels import label_map_digest
from skesom.consensus import ConsensusClusterer, _row_samples
from skesom.som import ESOM

warnings.simplefilter("ignore")
dask.config.set(num_workers=1)
_row_samples._ENOUGH_TO_COMPARE = 50_000
_color.WHOLE = _flux_scale.WHOLE = _sky_tiles.ENOUGH_PIXELS = 2**16
SIZES["strip"] = Size(values=2**18, rows=64)
SIZES["frame"] = SIZES["convolve"] = Size(pixels=2**16)
SIZES["search"] = Size(pixels=2**15)

def cluster(cube):
    consensus = ConsensusClusterer(ESOM(), n_estimators=2, random_state=0)
    return make_cluster_pipeline(consensus).fit_predict(cube)

def size(name):
    lines = open("/proc/self/status").read().splitlines()
    return 1024 * next(int(l.split()[1]) for l in lines if l.startswith(name + ":"))

allowance, *files = sys.argv[1:]
small = read_cube(files, lazy=True)[:64, :64].compute()
data = dask.array.from_array(small.data, chunks=(32, -1, -1))
cluster(small.replace(data=data)), cluster(small)  # what is imported late
del small, data
unlimited = resource.getrlimit(resource.RLIMIT_AS)
limit = size("VmSize") + int(allowance)
resource.setrlimit(resource.RLIMIT_AS, (limit, unlimited[1]))
print(label_map_digest(cluster(read_cube(files, lazy=True))))
try:
    cluster(read_cube(files))
except (MemoryError, OSError) as error:
    print(type(error.__cause__ or error).__name__)
resource.setrlimit(resource.RLIMIT_AS, unlimited)
print(label_map_digest(cluster(read_cube(files))))
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Images of 29 MB in four bands."""
    tile, _ = make_galaxy_cube((320, 350), 4, random_state=0)
    about = {"wcs": tile.wcs, "band_names": tile.band_names, "fwhm": tile.fwhm}
    cube = Cube(np.tile(tile.data, (4, 4, 1)), **about)
    return write_bands(tmp_path_factory.mktemp("mosaic"), cube)


@pytest.mark.long
def test_strips_need_less_memory_than_the_images(files):
    """In memory, the same images need more than is allowed."""
    names = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX"
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(90_000_000), *map(str, files)],
        env={**os.environ, **dict.fromkeys(names, "1")},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    by_strips, problem, in_memory = ran.stdout.splitlines()
    assert problem == "MemoryError"
    assert by_strips == in_memory

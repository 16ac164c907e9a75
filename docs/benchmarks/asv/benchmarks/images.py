# SPDX-License-Identifier: BSD-3-Clause
"""Steps from images to the table that maps learn, at sizes that take seconds."""

import sys
import tempfile
from pathlib import Path

# The script that measures whole mosaics knows the steps.
sys.path.insert(0, str(Path(__file__).parents[2]))
from image_chain import STEPS, make_cube

from skesom.io import read_cube, write_bands


class Steps:
    """Every step on nine bands of 600 x 600 pixels."""

    params = [list(STEPS)]
    param_names = ["step"]
    number = 1  # steps that work in place spoil the cube

    def setup(self, step):
        """Make the cube, and run once for what is loaded then."""
        self.cube = make_cube((600, 600))
        STEPS[step](make_cube((64, 64)))

    def time_step(self, step):
        """Seconds of a step."""
        STEPS[step](self.cube)

    def peakmem_step(self, step):
        """Bytes of the process, the cube and what is loaded included."""
        STEPS[step](self.cube)


class Reading:
    """Nine files of 600 x 600 pixels."""

    def setup(self):
        """Write the files."""
        self.folder = tempfile.TemporaryDirectory()
        self.files = write_bands(self.folder.name, make_cube((600, 600)))

    def teardown(self):
        """Remove the files."""
        self.folder.cleanup()

    def time_read_cube(self):
        """Seconds to read them into one cube."""
        read_cube(self.files)

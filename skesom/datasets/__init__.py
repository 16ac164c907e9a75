# SPDX-License-Identifier: BSD-3-Clause
"""Images to try things on: a synthetic galaxy with its truth, and Hubble's of M83."""

from skesom.datasets._galaxy import POPULATIONS, make_galaxy_cube
from skesom.datasets._m83 import fetch_m83

__all__ = ["POPULATIONS", "fetch_m83", "make_galaxy_cube"]

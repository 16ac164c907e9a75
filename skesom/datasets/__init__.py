# SPDX-License-Identifier: BSD-3-Clause
"""Images to try things on: a synthetic galaxy with its truth."""

from skesom.datasets._galaxy import POPULATIONS, load_study_filters, make_galaxy_cube

__all__ = ["POPULATIONS", "load_study_filters", "make_galaxy_cube"]

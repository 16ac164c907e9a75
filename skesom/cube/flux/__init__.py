# SPDX-License-Identifier: BSD-3-Clause
"""Fluxes: units, background, stretch, colors, shape."""

# SPDX-License-Identifier: BSD-3-Clause
"""Alignment of bands on one pixel grid."""

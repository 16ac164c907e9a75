# SPDX-License-Identifier: BSD-3-Clause
"""Masking: gaps, defects, outliers, and the sky."""

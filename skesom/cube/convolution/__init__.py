# SPDX-License-Identifier: BSD-3-Clause
"""Convolution to a common point-spread function."""

# SPDX-License-Identifier: BSD-3-Clause
"""Benchmarks that asv runs for every commit."""

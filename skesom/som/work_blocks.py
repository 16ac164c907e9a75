# SPDX-License-Identifier: BSD-3-Clause
"""Blocks of rows for calls of compiled code, so short that Ctrl-C is heard."""

from skesom._common.lazy import cut_rows

WORK = 2**28  # products of a call of compiled code: .05 s or less, .3 s if slow


def work_blocks(n_rows, work, n_threads=1):
    """Cut rows into calls so short that Ctrl-C is heard; work is that of a row."""
    return cut_rows(n_rows, n_threads * max(1, WORK // max(1, work)))

# SPDX-License-Identifier: BSD-3-Clause
"""What several folders need: row blocks, masked labels, pipelines, docstrings."""

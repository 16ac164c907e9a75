# SPDX-License-Identifier: BSD-3-Clause
"""What several folders need, such as blocks of rows, files, labels and pipelines."""

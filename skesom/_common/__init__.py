# SPDX-License-Identifier: BSD-3-Clause
"""What several folders need: row blocks, codes of masked pixels, ends of pipelines."""

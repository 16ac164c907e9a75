# SPDX-License-Identifier: BSD-3-Clause
"""What many clusterings of one table agree on, and one tree over its pieces."""

from skesom.consensus._clusterer import ConsensusClusterer

__all__ = ["ConsensusClusterer"]

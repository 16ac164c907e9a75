# SPDX-License-Identifier: BSD-3-Clause
"""What the members of a consensus see of each pixel: any cut is looked up there."""

from typing import NamedTuple

import numpy as np

from skesom._common.labels import MASKED
from skesom.pixels import unflatten

NOT_SEEN = np.iinfo(np.int16).min  # by members: a pixel without data


class SeenPixels(NamedTuple):
    """Units and pieces of the pixels of a fit."""

    # (n_members, *shape), int16 or int32: unit of each pixel in each member that is a
    # map, and its label in others; `NOT_SEEN` without data.
    members: np.ndarray
    pieces: np.ndarray  # shape, int32: leaf of the tree of the consensus, or below 0

    @classmethod
    def of_rows(cls, members, pieces, valid):
        """Return images of what is known of rows.

        Parameters
        ----------
        members : ndarray of int of shape (n_members, n_rows)
        pieces : ndarray of int of shape (n_rows,)
        valid : ndarray of bool
            Which pixels, or voxels, are these rows.
        """
        images = np.full((len(members), *valid.shape), NOT_SEEN, members.dtype)
        images[:, valid] = members
        return cls(images, unflatten(pieces.astype(np.int32, copy=False), valid))

    @property
    def valid(self):
        """Which pixels, or voxels, have data."""
        return self.members[0] != NOT_SEEN

    def can_be_of(self, consensus):
        """Return whether the arrays are of the members of a consensus, and its tree."""
        n_units = consensus._numbers_of_units()
        n_pieces = len(consensus._tree_and_sizes()[1])
        return (
            self.members.shape == (len(n_units), *self.pieces.shape)
            and self.members.dtype in (np.int16, np.int32)
            and self.valid.any()
            and all(
                of_member.max() < number
                for of_member, number in zip(self.members, n_units, strict=True)
            )
            and MASKED <= self.pieces.min()
            and self.pieces.max() < n_pieces
        )

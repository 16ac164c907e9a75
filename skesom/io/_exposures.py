# SPDX-License-Identifier: BSD-3-Clause
"""Which images are exposures of one band, and become one image."""

from skesom._sky.grids import pixel_size
from skesom.cube.bands import split_bands

# Images of one filter whose pixels differ by more than this fraction are not combined:
# detectors of one camera differ less, its channels more.
_PIXEL_SIZE_TOLERANCE = 0.1


def merge_exposures(images, combine, band_names):
    """Return one image for all exposures of a band, and the names of the bands.

    `combine` is True, False or "auto", as `skesom.io.read_cube` takes it. `band_names`
    are those of the user or None, one for each band before or after the merge; those
    that are returned are one for each band after it, or what was given.
    """
    if not (isinstance(combine, bool) or combine == "auto"):
        raise ValueError(f"combine must be True, False or 'auto', got {combine!r}.")
    if combine is False:
        return images, band_names
    if band_names is None or isinstance(band_names, str):
        user_names = []
    else:
        user_names = list(band_names)
    # Fewer names may be those of the bands that are left after the merge.
    is_named_by_user = len(user_names) == sum(image.n_bands for image in images)
    if is_named_by_user:
        names_of_images = split_bands(user_names, images)
    else:
        names_of_images = [image.band_names for image in images]
    # Names that a user gave say what belongs together. Names of headers need the same
    # instrument beside them, unless the user asked to combine.
    compare_setups = combine == "auto" and not is_named_by_user
    groups = _group_exposures(images, names_of_images, compare_setups)

    if len(groups) == len(images):
        if combine is True:
            raise ValueError(
                "No two images show the same band, so there is nothing to combine. "
                "Give exposures of a band the same name, as in "
                "band_names=['g', 'g', 'r', 'r'], or pass combine=False."
            )
        return images, band_names
    if combine == "auto" and len(groups) == 1:
        # One filter in all files is more likely a card that nobody changed.
        return images, band_names
    merged = []
    merged_names = []
    for group in groups:
        image, names = group[0]
        if len(group) > 1:
            image = image._replace(exposures=tuple(member for member, _ in group))
        merged.append(image)
        merged_names += names
    return merged, merged_names if is_named_by_user else band_names


def _group_exposures(images, names_of_images, compare_setups):
    """Return lists of (image, names of its bands), one list for each set of bands.

    An image goes to the first group whose first image it is an exposure with.
    """
    groups = []
    for image, names in zip(images, names_of_images, strict=True):
        for group in groups:
            first, first_names = group[0]
            if names != first_names or None in names:
                continue
            if compare_setups and not _have_same_setup(image, first):
                continue
            group.append((image, names))
            break
        else:
            groups.append([(image, names)])
    return groups


def _have_same_setup(first, second):
    """Return whether images are of one instrument and have pixels of one size.

    A telescope or an instrument that one header does not name may be that of the other.
    """
    if first.setup is None or second.setup is None:
        return False
    if first.grid.wcs is None or second.grid.wcs is None:
        return False
    for word, other in zip(first.setup, second.setup, strict=True):
        if word and other and word != other:
            return False
    ratio = pixel_size(first.grid.wcs) / pixel_size(second.grid.wcs)
    return abs(ratio - 1) < _PIXEL_SIZE_TOLERANCE

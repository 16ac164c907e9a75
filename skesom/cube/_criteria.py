# SPDX-License-Identifier: BSD-3-Clause
"""The criteria by which values are masked, and who claimed which value first."""

import numpy as np

from skesom.cube._blocks import each_block

# In the order in which they claim values, with what to do if they claim too many.
REMEDIES = {
    "missing": "They are NaN in the input: leave out the band that is empty there, or "
    "pass min_bands.",
    "zeros": "Pass mask_zeros=False if zeros are measurements here.",
    "pedestal": "Pass mask_pedestal=False if constant areas are measurements here.",
    "lines": "Pass mask_lines=False if such lines are measurements here.",
    "saturation": "Pass a higher saturation.",
    "grow": "Pass a smaller grow.",
    "borders": "Pass a higher border_noise.",
    "regions": "Pass regions to exclude or include that leave some pixels.",
    "signal_to_noise": "Pass a lower min_signal_to_noise, or min_bands.",
    "sky": 'Pass sky="keep", or a lower sky_threshold.',
}
CRITERIA = tuple(REMEDIES)[:-1]  # the sky is no matter of single values
KEPT = 255


def take(claim, criterion, found):
    """Let a criterion claim the values that it found and nobody claimed before.

    Parameters
    ----------
    claim : ndarray of uint8 of shape (n_rows, n_columns)
        Number of the criterion that claims each value of a band, 255 for none.
    criterion : str
        One of `CRITERIA`.
    found : ndarray of bool of shape (n_rows, n_columns)
        What it found.
    """
    if found.any():
        number = CRITERIA.index(criterion)
        np.copyto(claim, number, where=found & (claim > number))


def losing_criteria(claims, min_bands=None, n_jobs=None):
    """Find by which criterion each pixel lost one band too many.

    Parameters
    ----------
    claims : ndarray of uint8 of shape (n_bands, n_rows, n_columns)
        Number of the criterion that claims each value, 255 for none.
    min_bands : int, default=None
        Number of bands that a pixel must have; all by default.
    n_jobs : int, default=None
        Number of threads.

    Returns
    -------
    lost : ndarray of uint8 of shape (n_rows, n_columns)
        Number of the criterion, 255 for pixels that remain.
    """
    lost = np.empty(claims.shape[1:], dtype=np.uint8)

    def find(rows):
        if min_bands is None:
            np.min(claims[:, rows], axis=0, out=lost[rows])
        else:
            lost[rows] = np.sort(claims[:, rows], axis=0)[len(claims) - min_bands]

    each_block(find, (claims.shape[1], claims.shape[2] * len(claims)), n_jobs)
    return lost


def summarize(lost, sky_map):
    """Count the pixels that each criterion took.

    Parameters
    ----------
    lost : ndarray of uint8 of shape (n_rows, n_columns)
        Number of the criterion that took each pixel, 255 for none.
    sky_map : ndarray of bool of shape (n_rows, n_columns)
        True where a pixel is masked as sky.

    Returns
    -------
    summary : dict of str to int
        Number of pixels, in the order of the criteria.
    """
    counts = np.zeros(KEPT + 1, dtype=np.int64)
    for row in lost:
        counts += np.bincount(row, minlength=KEPT + 1)
    summary = {name: int(counts[i]) for i, name in enumerate(CRITERIA)}
    return summary | {"sky": int(np.count_nonzero(sky_map))}


def check_rest(cube, claims, summary):
    """Refuse a mask that leaves nothing.

    Parameters
    ----------
    cube : Cube
        The cube.
    claims : ndarray of uint8 of shape (n_bands, n_rows, n_columns)
        Number of the criterion that claims each value, 255 for none.
    summary : dict of str to int
        Number of pixels that each criterion took.

    Raises
    ------
    ValueError
        If all pixels are masked; names the criterion that took most of them, the band
        in which it did so, and what to do.
    """
    n_pixels = cube.shape[0] * cube.shape[1]
    if sum(summary.values()) < n_pixels:
        return
    worst = max(summary, key=summary.get)
    message = f"All {n_pixels} pixels are masked, {summary[worst]} of them by {worst!r}"
    if worst in CRITERIA:
        found = [np.count_nonzero(claim == CRITERIA.index(worst)) for claim in claims]
        band = int(np.argmax(found))
        message += f" (in band {cube.band_names[band]!r} {found[band]})"
    raise ValueError(f"{message}. {REMEDIES[worst]}")

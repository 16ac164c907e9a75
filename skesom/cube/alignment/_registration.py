# SPDX-License-Identifier: BSD-3-Clause
"""The check that bands show the same sky at the same place, and its correction."""

from functools import cache
from itertools import pairwise, product

import numpy as np
from astropy import units
from astropy.stats import mad_std
from astropy.wcs import WCS, Sip
from astropy.wcs.utils import pixel_to_pixel
from scipy import fft, ndimage

from skesom._common.lazy import computed
from skesom._common.warn import warn_user
from skesom._sky.grids import Grid, cut_grid, overlap_box, pixel_size, same_grid
from skesom.cube._base import list_bands, with_bands
from skesom.cube.alignment._grid import grid_of
from skesom.cube.alignment._stack import stack_cubes
from skesom.cube.convolution._filtering import smooth

TOLERANCE = 0.5  # pixels by which measures of one shift may differ
LEAST_WARNED = 1.0  # pixels; bands of different looks differ by up to .7 in places
WINDOW = 1024  # pixels; the middle of a large image is enough
WINDOW_OF_CHECK = 384  # to see that there is a shift, in a seventh of the time
CLOSEST = 0.002  # of a wavelength, between filters
MOST_BANDS = 20  # of a check that nobody asked for; channels of spectra are more
# Pixels: noise is finer, the shape of the galaxy is coarser and differs between bands.
FINE_SIGMA, COARSE_SIGMA = 1.0, 6.0
# What chance gives: noise stays below 5 deviations and a correlation of .1.
LEAST_CORRELATION = 0.15
LEAST_TO_WARN = 0.25  # of noisy bands of one place, less peaked off by a pixel or two
LEAST_DEVIATIONS = 8.0  # of the noise of a correlation, for its peak
CLEAR = 5.0  # deviations of a structure: one pixel of noise in three million
# Pixels. Pointings of telescopes are good to an arcsec or two: 20 pixels of most
# cameras. What lies further away is another field, or a WCS that a person must see.
LARGEST_SHIFT = 20.0
SURE = 3.0  # times the scatter of the quarters of an image
SMALLEST_SHIFT = 0.1  # pixels: how well shifts are measured
STEP = 0.01  # pixels between the places where a correlation is computed


def find_shift(image, reference):
    """Return the (rows, columns) where the correlation of images peaks, or None."""
    return _shift_between(_filter(image), _filter(reference))


def _shift_between(image, reference, least=LEAST_CORRELATION, clear=0):
    """Return the same of filtered images, for a peak of at least some correlation.

    A peak that is not by `clear` deviations above that at the same place is no shift.
    """
    parts = [_structure(*filtered) for filtered in (image, reference)]
    if any(part is None for part in parts):
        return None
    size = parts[0].shape
    shape = [fft.next_fast_len(2 * length, real=True) for length in size]
    spectra = [fft.rfft2(part, shape) for part in parts]
    spectrum = spectra[0] * np.conj(spectra[1])
    correlation = fft.fftshift(fft.irfft2(spectrum, shape))
    row, column = np.unravel_index(np.argmax(correlation), shape)
    peak = correlation[row, column]
    on_edge = not (0 < row < shape[0] - 1 and 0 < column < shape[1] - 1)
    noise = mad_std(correlation)
    if peak < max(least, LEAST_DEVIATIONS * noise) or on_edge:
        return None
    if peak - correlation[shape[0] // 2, shape[1] // 2] < clear * noise:
        return np.zeros(2)  # a lone star has a flat top, on which noise moves the peak
    return _refine(spectrum, shape, np.array([row, column]) - np.array(shape) // 2)


def _refine(spectrum, shape, peak):
    """Return the peak of a correlation between pixels (Guizar-Sicairos et al. 2008)."""
    around = np.arange(-1, 1 + STEP / 2, STEP)
    rows, columns = (2j * np.pi * (around + middle)[:, np.newaxis] for middle in peak)
    half = np.full(spectrum.shape[1], 2.0)  # the other half is conjugate
    half[0] = 1
    left = np.exp(rows * fft.fftfreq(shape[0]))
    right = np.exp(columns * fft.rfftfreq(shape[1])) * half
    fine = (left @ spectrum @ right.T).real
    return peak + around[list(np.unravel_index(np.argmax(fine), fine.shape))]


def _structure(structure, valid, scale):
    """Return structures between two widths, of mean 0 and norm 1, None without."""
    if not scale > 0:
        return None
    # What is bright counts by its place alone: its shape differs between bands.
    structure = np.tanh(structure / (2 * scale))
    structure -= structure[valid].mean()
    structure[~valid] = 0  # flat, so that borders of gaps do not correlate
    return structure / np.linalg.norm(structure)


def _filter(band):
    """Return structures between two widths, where they are valid, and their noise."""
    band = band.astype(np.float64)
    structure = smooth(band, FINE_SIGMA) - smooth(band, COARSE_SIGMA)
    valid = ~np.isnan(structure)
    return structure, valid, mad_std(structure[valid]) if valid.any() else 0


def _clearest(bands, grid, first, size, shown):
    """Return the band to compare with: the first, unless it shows little beside others.

    Bands that are not on the grid are resampled, and not compared with.
    """
    on_grid = [n for n, b in enumerate(bands) if same_grid(grid_of(b.cube), grid)]
    numbers = list(dict.fromkeys([first, *on_grid]))
    images = [bands[number].image for number in numbers]
    windows = _busy_windows(images, size)
    pairs = zip(images, windows, strict=True)
    images = computed(*(image[window] for image, window in pairs))
    counts = {}
    for number, window, image in zip(numbers, windows, images, strict=True):
        structure, _, noise = shown[number, *_ends(window)] = _filter(image)
        clear = structure > CLEAR * noise if noise > 0 else False
        counts[number] = np.count_nonzero(clear)
    most = max(counts, key=counts.get)
    return most if counts[most] > 2 * counts[first] else first


def why_not(cubes):
    """Return the reason for which a check would be slow or tell nothing, or None."""
    n_bands = sum(cube.shape[2] for cube in cubes)
    if not 1 < n_bands <= MOST_BANDS:
        return f"{n_bands} band{'s' * (n_bands > 1)}"
    if any(cube.is_lazy for cube in cubes):
        return "images are read in strips"
    for places in (cube.band_coordinates for cube in cubes if cube.shape[2] > 1):
        # Channels: velocities, or as close to each other as no filters are.
        if places is not None and (
            not places.unit.is_equivalent(units.m, units.spectral())
            or np.all(np.abs(np.diff(places.value) / places.value[:-1]) < CLOSEST)
        ):
            return "channels of a spectrum"
    return None


def measure_shifts(cubes, grid, first, *, correct, n_jobs=None):
    """Return the shifts (rows, columns) of bands against one, and a summary."""
    size = WINDOW if correct else WINDOW_OF_CHECK
    scale = cubes[0].pixel_scale if grid.wcs is None else (pixel_size(grid.wcs),) * 2
    cubes, grid = on_sky(cubes, grid)
    bands = list_bands(cubes)
    shown = {}  # of a check, what small windows of bands show
    reference = _clearest(bands, grid, first, size, shown)
    if correct:
        shown.clear()
    against = bands[reference]

    @cache  # a lazy image is computed for each window
    def find_window(top, bottom, left, right):
        box = slice(top, bottom), slice(left, right)
        image = np.zeros((bottom - top, right - left), dtype=bool)
        if same_grid(grid_of(against.cube), grid):
            image = against.image[box]
        pairs = zip(box, _busy_windows([image], size)[0], strict=True)
        return tuple(slice(a.start + b.start, a.start + b.stop) for a, b in pairs)

    shifts, notes, n_alike = np.zeros((len(bands), 2)), {}, 0
    for number in sorted(set(range(len(bands))) - {reference}):
        pair = reference, number
        shift, doubt = _measure(bands, pair, grid, find_window, shown, correct, n_jobs)
        shifts[number] = 0 if doubt else shift
        text = "by {:+.1f} rows and {:+.1f} columns".format(*shift.round(1) + 0)
        if scale is not None:
            text += f" ({np.hypot(*np.multiply(shift, scale)):.3g} arcsec)"
        text = f"{text}, but {doubt}" if shift.any() and doubt else doubt or text
        is_shifted = np.hypot(*shifts[number]) > LEAST_WARNED
        n_alike += not (doubt or is_shifted)
        if doubt if correct else is_shifted:
            notes.setdefault(text, []).append(repr(bands[number].name))
    if notes:
        notes = "; ".join(f"{', '.join(names)} {text}" for text, names in notes.items())
        what = "are not moved" if correct else "seem to be shifted"
        advice = "or have it done by registration='correct' (--register)"
        advice = "" if correct else f". Correct the WCS of one of them, {advice}"
        warn_user(
            f"Against band {against.name!r}, these bands {what}: {notes}{advice}."
        )
    seen = f"{n_alike} of {len(bands) - 1} bands show enough to be compared with"
    seen = f"no shift above {LEAST_WARNED:g} pixel; {seen} {against.name}"
    return shifts, f"shifted: {notes}" if notes else seen


def _measure(bands, numbers, grid, find_window, shown, correct, n_jobs):
    """Return the shift of the second band, and why it is uncertain, or None."""
    pair = [
        band.cube[:, :, band.number : band.number + 1].replace(errors=None)
        for band in map(bands.__getitem__, numbers)
    ]
    box = overlap_box(grid, [grid_of(cube) for cube in pair])
    if box is None:
        return np.zeros(2), "(no overlap with it)"
    box = find_window(*_ends(box))
    window = cut_grid(grid, box)
    on_grid = not correct and all(same_grid(grid_of(cube), grid) for cube in pair)
    if not correct:  # what is on the grid needs no resampling to be compared
        pair = [cube[box] if same_grid(grid_of(cube), grid) else cube for cube in pair]

    def aligned(shift):
        moved = [pair[0], *shift_cubes(pair[1:], window, [shift])]
        method = "adaptive" if correct else "interp"
        of_flux = [False] * 2
        stack = stack_cubes(moved, window, None, of_flux, method=method, n_jobs=n_jobs)
        data = np.asarray(stack)
        return data[:, :, 1], data[:, :, 0]

    images = None if on_grid else aligned(np.zeros(2))
    if on_grid:
        keys = [(number, *_ends(box)) for number in numbers[::-1]]
        for key in set(keys) - shown.keys():
            shown[key] = _filter(computed(bands[key[0]].image[box])[0])
        filtered = [shown[key] for key in keys]
    else:
        filtered = list(map(_filter, images))
    least = LEAST_CORRELATION if correct else LEAST_TO_WARN
    shift = _shift_between(*filtered, least)
    if shift is None:
        return np.zeros(2), "(nothing in common with it)"
    if np.hypot(*shift) > LARGEST_SHIFT:
        return shift, f"no more than {LARGEST_SHIFT:g} pixels are corrected"
    if not correct and np.hypot(*shift) <= LEAST_WARNED:
        return shift, None
    is_large = np.hypot(*shift) > LEAST_WARNED
    if is_large and not _shift_between(*filtered, clear=CLEAR).any():
        return shift, "they may as well be at one place"
    known = shift if correct else np.rint(shift)  # by which images are moved
    if correct:
        images = aligned(shift)
    else:
        image, other = images or aligned(np.zeros(2))
        images = ndimage.shift(image, -known, order=0, cval=np.nan), other
    halves = ((slice(n // 2), slice(n // 2, None)) for n in images[0].shape)
    rest, *parts = [
        find_shift(*(image[part] for image in images))
        for part in ((), *product(*halves))  # the whole image first
    ]
    left = known - shift
    parts = [part + left for part in parts if part is not None]
    near = [np.hypot(*part) < 2 * TOLERANCE for part in parts]
    agree = rest is not None and np.hypot(*rest + left) <= TOLERANCE
    agree = agree and 2 * sum(near) > len(near)
    if not correct:  # what nobody asked for is said only if it is sure
        scatter = np.hypot(*np.transpose(parts)) if len(parts) > 1 else np.inf
        agree = agree and np.hypot(*shift) > SURE * np.sqrt(np.mean(scatter**2))
    if not agree:
        return shift, "the quarters of the image do not agree"
    shift = (shift + (rest + left)).round(2)
    return shift * (np.hypot(*shift) >= SMALLEST_SHIFT), None


def _ends(box):
    """Return the first and last rows and columns of a window."""
    return tuple(end for part in box for end in (part.start, part.stop))


def _busy_windows(images, size):
    """Return slices of rows and columns in the middle of the valid pixels of images."""
    valid = map(np.isfinite, images)  # one after the other
    counts = computed(*(each.sum(axis=axis) for each in valid for axis in (1, 0)))
    ends = []
    for count in map(np.cumsum, counts):
        middle, length = np.searchsorted(count, count[-1] / 2), len(count)
        start = int(np.clip(middle - size // 2, 0, max(0, length - size)))
        ends.append(slice(start, start + min(size, length)))
    return list(zip(ends[::2], ends[1::2], strict=True))


def on_sky(cubes, grid):
    """Return cubes and their grid, with a WCS of one arcsec if they have none."""
    if grid.wcs is not None:
        return cubes, grid
    wcs = WCS({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"})
    wcs.wcs.cdelt = np.array([-1, 1]) / 3600
    return [cube.replace(wcs=wcs) for cube in cubes], Grid(wcs, grid.shape)


def shift_cubes(cubes, grid, shifts):
    """Return cubes whose WCS is moved; bands that move differently are cut apart."""
    moved = []
    for cube, own in with_bands(cubes, np.asarray(shifts)):
        starts = np.flatnonzero(np.any(np.diff(own, axis=0) != 0, axis=1)) + 1
        for start, stop in pairwise([0, *starts, len(own)]):
            part = cube if stop - start == len(own) else cube[:, :, start:stop]
            if own[start].any():
                part = part.replace(wcs=_shift_wcs(cube.wcs, grid, own[start]))
            moved.append(part)
    return moved


def _shift_wcs(wcs, grid, shift):
    """Return a WCS by which a pixel of a grid gets the sky that lies off by a shift."""
    rows, columns = np.outer([1, 1], grid.shape).T / 2 + np.outer(shift, [0, 1])
    offset = np.diff(pixel_to_pixel(grid.wcs, wcs, columns, rows), axis=1)[:, 0]
    wcs = wcs.deepcopy()
    wcs.wcs.crpix = wcs.wcs.crpix + offset
    if wcs.sip is not None:
        parts = wcs.sip.a, wcs.sip.b, wcs.sip.ap, wcs.sip.bp
        wcs.sip = Sip(*parts, wcs.sip.crpix + offset)
    return wcs

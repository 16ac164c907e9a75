# SPDX-License-Identifier: BSD-3-Clause
"""The place of an image on the sky and on the spectral axis, from its header."""

import math
import re
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.wcs import WCS, WCSSUB_SPECTRAL
from astropy.wcs.utils import proj_plane_pixel_scales, wcs_to_celestial_frame

from skesom._common.warn import warn_user
from skesom._sky.card_values import is_number
from skesom._sky.grids import Grid
from skesom._sky.units import parse_unit, unit_of

# Cards of SIP and of distortions with lookup tables.
_SIP = re.compile(r"[AB]P?_(ORDER|DMAX|\d+_\d+)")
_DISTORTION = re.compile(_SIP.pattern + r"|(CPDIS|CPERR|D2IMDIS|D2IMERR|DP|D2IM)\d.*")
# Cards of the third and further axes.
_OTHER_AXES = re.compile(
    r"(NAXIS|CTYPE|CUNIT|CRVAL|CDELT|CRPIX|CROTA|CNAME|CRDER|CSYER)[3-9]"
    r"|(PC|CD)([3-9]_\d|\d_[3-9])|(PV|PS)[3-9]_\d+"
)
# Spectral axes in the words of programs older than the standard, by their quantity.
_QUANTITIES = {
    **{"length": "WAVE", "frequency": "FREQ", "speed": "VELO", "energy": "ENER"},
    "wavenumber": "WAVN",
}
_OLD_SPECTRAL = re.compile(r"LAMBDA|WAVELEN|LOG-?LAM|FREQUEN|VELOCIT|ENERGY")
_SPECTRAL = re.compile(r"(WAVE|AWAV|FREQ|VELO|FELO|VRAD|VOPT|ENER|WAVN|AFRQ|ZOPT|BETA)")
# Beyond these a number without a unit is hardly in that of the standard (m, Hz).
_LONGEST, _LOWEST = 10.0, 1e6
# Cards of a photographic plate, and the largest distance in pixels between the places
# from these cards and from the other cards of the same image.
_PLATE = re.compile(r"AMD[XY]\d+|PLT.*|PPO\d|CNPIX\d|[XY]PIXELSZ")
_CLOSE = 5.0  # pixels between two solutions of one image
# Projections of a part of the sky: no telescope has their pixels as large as the step
# of 1 degree that the standard takes where a header has none.
_OF_A_PART = {"TAN", "TPV", "TNX", "ZPX", "SIN", "STG", "ARC", "ZPN", "ZEA", "AIR"}
_STEP = 1.0 - 1e-6  # degrees; rounded
_WHOLE_SKY = 360 * 180 * 1.01  # square degrees of a map of it in a plane, with margins


class WorldAxes(NamedTuple):
    """The celestial and the spectral part of a WCS, None where it has none."""

    celestial: WCS | None = None
    sky: tuple | None = None  # FITS axes of longitude and latitude, from 0
    spectral: WCS | None = None
    spectral_axis: int | None = None
    spectral_unit: units.UnitBase | None = None  # in the header
    plate: WCS | None = None  # if the cards of a plate put the image elsewhere


def read_world(header, hdus, label):
    """Return the `WorldAxes` of an image."""
    if {"AMDX1", "EPOCH"} <= set(header) and "EQUINOX" not in header:
        header = _without(header, re.compile("EPOCH"))  # of the observation
    try:
        header = _without_left_over_sip(header, label)
        n_axes = max(header.get("NAXIS", 0), header.get("WCSAXES", 0))
        header = _with_standard_spectrum(header, n_axes, label)
        if n_axes <= 2 or not any(map(_DISTORTION.fullmatch, header)):
            world = split_world(_all_axes(header, hdus), header)
            return _compare_plate(world, header, hdus)
        # astropy reads distortions only where they are defined: on two axes.
        plain = _without(header, _DISTORTION)
        for card in [card for card in plain if re.fullmatch(r"CTYPE\d", card)]:
            plain[card] = str(plain[card]).removesuffix("-SIP")
        world = split_world(_all_axes(plain, hdus), header)
        if world.celestial is None:
            return world
        if set(world.sky) != {0, 1}:
            raise ValueError("distortion is defined along the first two axes alone")
        plane = _without(header, _OTHER_AXES)
        for card in {"NAXIS", "WCSAXES"} & set(plane):
            plane[card] = 2
        return world._replace(celestial=WCS(plane, hdus))
    except (ValueError, KeyError, MemoryError) as error:
        # A missing lookup table is a KeyError; WCSLIB calls bad cards out of memory.
        reason = str(error).strip().splitlines()[-1].rstrip(".")
        raise ValueError(
            f"{label}: the WCS in the header is not valid ({reason}). Correct its "
            "cards, or delete CTYPE1 and CTYPE2."
        ) from error


def _without_left_over_sip(header, label):
    """Return a header without the polynomials of SIP unless its CTYPE cards name them.

    Programs that resample an image write new CTYPE cards and copy all others. So the
    convention asks for -SIP (Shupe et al. 2005, ASPC 347, 491).
    """
    if not {"A_ORDER", "B_ORDER"} & set(header):
        return header
    kinds = [str(header[card]).strip() for card in header["CTYPE*"]]
    if any(kind.endswith("-SIP") for kind in kinds):
        return header
    warn_user(
        f"{label}: the distortion in its header (A_ORDER, B_ORDER) is left out, as "
        "CTYPE1 and CTYPE2 do not end in -SIP. Write them so if it holds."
    )
    return _without(header, _SIP)


def _with_standard_spectrum(header, n_axes, label):
    """Return a header whose spectral axes have the names and units of the standard."""
    header = header.copy()
    for axis in range(1, n_axes + 1):
        kind = str(header.get(f"CTYPE{axis}", "")).strip().upper()
        is_old = _OLD_SPECTRAL.match(kind) or (
            axis > 2 and kind in ("", "LINEAR", "SPECTRAL", "LOG-LINEAR")
        )
        if not (is_old or _SPECTRAL.match(kind)):
            continue
        text = str(header.get(f"CUNIT{axis}", "")).strip()
        unit = (parse_unit(text) or parse_unit(text.lower())) if text else None
        if kind.startswith("LOG") or header.get("DC-FLAG") == 1:
            unit = _write_logarithmic(header, axis, unit)
        elif is_old:
            kinds = () if unit is None else unit.physical_type
            names = (name for each, name in _QUANTITIES.items() if each in kinds)
            header[f"CTYPE{axis}"] = next(names, "LINEAR")
        if unit is not None:
            header[f"CUNIT{axis}"] = unit.to_string("fits")
        elif text or _OLD_SPECTRAL.match(kind) or _is_implausible(header, axis, kind):
            header[f"CTYPE{axis}"] = "LINEAR"
            header.remove(f"CUNIT{axis}", ignore_missing=True)
            warn_user(
                f"{label}: the unit of its spectral axis is "
                f"{f'unknown ({text})' if text else 'missing'}, so the places of its "
                f"bands are not known. Write it in CUNIT{axis}, such as 'Angstrom'."
            )
    return header


def _write_logarithmic(header, axis, unit):
    """Write an axis of log10 wavelength as WAVE-LOG, and return its unit."""
    start = header.get(f"CRVAL{axis}")
    if not (is_number(start) and 0 < start < 10):
        return None
    header[f"CRVAL{axis}"] = 10.0**start
    for card in {f"CDELT{axis}", f"CD{axis}_{axis}"} & set(header):
        if is_number(header[card]):
            header[card] *= 10.0**start * math.log(10)
    header[f"CTYPE{axis}"] = "WAVE-LOG"
    return unit or units.Angstrom


def _is_implausible(header, axis, kind):
    """Return whether a number can hardly be in meters or hertz."""
    value = header.get(f"CRVAL{axis}")
    if not is_number(value):
        return False
    if kind.startswith(("WAVE", "AWAV")):
        return abs(value) > _LONGEST
    return kind.startswith("FREQ") and 0 < abs(value) < _LOWEST


def _all_axes(header, hdus):
    """Return the WCS of a header, also of axes that the image does not have."""
    wcs = WCS(header, hdus)
    wcs.pixel_shape = None  # not known for all axes
    return wcs


def split_world(wcs, header=None):
    """Return the celestial and the spectral part of a WCS of all axes."""
    world = WorldAxes()
    if wcs.has_celestial:
        world = world._replace(celestial=wcs.celestial, sky=(wcs.wcs.lng, wcs.wcs.lat))
        if wcs.wcs.lngtyp == "RA":
            wcs_to_celestial_frame(world.celestial)  # raises for a wrong RADESYS
    axis = wcs.wcs.spec
    if axis < 0:
        return world
    unit = units.Unit(str(wcs.wcs.cunit[axis]))
    with suppress(ValueError):
        written = "" if header is None else header.get(f"CUNIT{axis + 1}", "")
        written = unit_of(str(written).strip())
        unit = written if written.is_equivalent(unit) else unit
    spectral = wcs.sub([WCSSUB_SPECTRAL])
    return world._replace(spectral=spectral, spectral_axis=axis, spectral_unit=unit)


def place_image(shape, world, label):
    """Return the grid, the array axes and the spectral coordinates of an image."""
    axes = _find_axes(shape, world, label)
    size = shape[axes[0]], shape[axes[1]]
    if world.celestial is not None and _is_beyond_sky(world.celestial, size):
        scale = max(proj_plane_pixel_scales(world.celestial))
        warn_user(
            f"{label}: its header makes a pixel {scale:.3g} degrees wide, so its place "
            "on the sky is not used, and lengths are in pixels. Correct CDELT1 and "
            "CDELT2, or the CD cards."
        )
        world = world._replace(celestial=None)
    if world.celestial is not None:
        world.celestial.array_shape = size
    return Grid(world.celestial, size), axes, _find_coordinates(world, shape, axes)


def _is_beyond_sky(wcs, shape):
    """Return whether pixels are so large that a header can hardly mean it."""
    scales = proj_plane_pixel_scales(wcs)
    is_of_a_part = wcs.wcs.ctype[0][5:8] in _OF_A_PART
    if is_of_a_part and max(scales) >= _STEP:
        return True
    return np.prod(scales) * np.prod(shape) > _WHOLE_SKY


def _find_axes(shape, world, label):
    """Return the array axes of rows, columns and bands; the others have length 1."""
    n_axes = len(shape)
    row, column = n_axes - 2, n_axes - 1
    if world.sky is not None:
        # World axis i of FITS is array axis n_axes - 1 - i.
        row, column = sorted(n_axes - 1 - axis for axis in world.sky)
    if row < 0:
        raise ValueError(
            f"{label}: the WCS puts the sky on axes that the image does not have. "
            "Correct its CTYPE cards."
        )
    others = [a for a in range(n_axes) if a not in (row, column) and shape[a] > 1]
    if len(others) > 1:
        lengths = " x ".join(map(str, shape[::-1]))
        raise ValueError(
            f"{label} has {n_axes} axes ({lengths}), but a cube has two on the sky and "
            "one of bands. Give a part of it as an array, bands last."
        )
    return (row, column, *others)


def _find_coordinates(world, shape, axes):
    """Return the spectral coordinate of each band, None if unknown."""
    if world.spectral is None:
        return None
    # An image may have a spectral coordinate without an array axis along it.
    axis = len(shape) - 1 - world.spectral_axis
    n_bands = shape[axes[2]] if len(axes) == 3 else 1
    length = shape[axis] if axis >= 0 else 1
    # It may run along rows or columns, as in the image of a spectrum.
    if length != n_bands or (length != 1 and axis not in axes[2:]):
        return None
    si = units.Unit(str(world.spectral.wcs.cunit[0]))
    values = world.spectral.pixel_to_world_values(np.arange(n_bands))
    return units.Quantity(np.asarray(values), si).to(world.spectral_unit)


def _without(header, cards):
    """Return a copy of a header without the cards of a pattern."""
    header = header.copy()
    for card in filter(cards.fullmatch, list(header)):
        header.remove(card, ignore_missing=True, remove_all=True)
    return header


def _compare_plate(world, header, hdus):
    """Return the place by the other cards if those of a plate give another one."""
    # WCSLIB takes the cards of the plate (of the Digitized Sky Survey), which programs
    # that rotate, cut or resample an image copy without a change.
    if world.celestial is None or not {"AMDX1", "CRVAL1", "NAXIS2"} <= set(header):
        return world
    plain = WCS(_without(header, _PLATE), hdus)
    if not plain.has_celestial:
        return world
    plain, plate = plain.celestial, world.celestial
    pixels = distance_of(plain, plate, (header["NAXIS2"], header["NAXIS1"]))[1]
    return world._replace(celestial=plain, plate=plate) if pixels > _CLOSE else world


def distance_of(plain, plate, shape):
    """Return the distance of the middle of an image in two WCS: angle, pixels."""
    row, column = (np.array(shape) - 1) / 2
    places = [wcs.pixel_to_world(column, row).icrs for wcs in (plain, plate)]
    angle = places[0].separation(places[1])
    return angle, angle.deg / min(proj_plane_pixel_scales(plain))

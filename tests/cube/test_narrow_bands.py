# SPDX-License-Identifier: BSD-3-Clause
"""What filters are by their names, and which bands are the continuum of a line."""

import numpy as np
import pytest
from astropy import units as u

from skesom._sky.narrow_bands import band_wavelengths, describe_filter, find_continua
from skesom.cube import Cube

HUBBLE = "F225W F336W F373N F438W F487N F502N F657N F673N F814W".split()


def named(*names, **options):
    return Cube(np.ones((2, 2, len(names))), band_names=names, **options)


class TestFilters:
    """Narrow filters and their lines."""

    @pytest.mark.parametrize(
        ("name", "line"),
        [
            ("F657N", "H alpha + [N II]"),
            ("hst_m83_f502n", "[O III]"),
            ("Halpha", "H alpha + [N II]"),
            ("[S II]", "[S II]"),
            ("H\N{GREEK SMALL LETTER ALPHA}", "H alpha + [N II]"),
            ("F373N", "[O II]"),
            ("F187N", "Pa alpha"),
            ("H1r_6563A", "H alpha + [N II]"),
            ("M142_MUSE_b_O3_4959A", "[O III]"),
            ("[N II] 6584", "[N II]"),
            ("S2_6731A", "[S II]"),
        ],
    )
    def test_hold_a_line(self, name, line):
        known = describe_filter(name)
        assert known.line == line
        assert known.is_narrow

    @pytest.mark.parametrize(
        ("name", "wavelength"),
        [("Ar3_7136A", 713.6), ("He1r_5876A", 587.6), ("[Ne III] 3869", 386.9)],
    )
    def test_of_other_ions_are_narrow_too(self, name, wavelength):
        known = describe_filter(name)
        assert (known.wavelength, known.is_narrow) == (wavelength, True)

    @pytest.mark.parametrize("name", ["H 16500A", "N25584 r", "IC1613_g", "6563A"])
    def test_need_an_ion_and_its_wavelength(self, name):
        assert not describe_filter(name).is_narrow

    @pytest.mark.parametrize("name", ["g", "F814W", "F547M", "Ks", "image 3", "haze"])
    def test_hold_none_if_broad_or_unknown(self, name):
        known = describe_filter(name)
        assert known.line is None
        assert not known.is_narrow

    def test_of_one_name_differ_between_cameras(self):
        # The WFC3 filter is 2.8 nm wide; that of ACS is 8.8 nm and holds H alpha too.
        assert describe_filter("ACS F658N").line == "H alpha + [N II]"
        wide_field = describe_filter("WFC3/UVIS F658N")
        assert wide_field[1:] == (2.8, "[N II]", True)

    @pytest.mark.parametrize(
        ("name", "width"),  # Hubble's WFC3 Instrument Handbook, table 6.2
        [("F502N", 6.5), ("F656N", 1.8), ("F657N", 12.1), ("F673N", 11.8)],
    )
    def test_have_the_widths_of_the_handbook(self, name, width):
        assert describe_filter(name).width == width

    def test_without_a_line_are_narrow_all_the_same(self):
        assert describe_filter("F645N")[2:] == (None, True)


class TestContinua:
    """The broad bands around a narrow one."""

    def test_are_the_nearest_broad_bands_on_both_sides(self):
        found = find_continua(named(*HUBBLE))
        assert found["F657N"] == ("F438W", "F814W")
        assert found["F373N"] == ("F336W", "F438W")
        assert list(found) == ["F373N", "F487N", "F502N", "F657N", "F673N"]

        # One band if there is no other, none if none is near or no band is narrow.
        assert find_continua(named("r", "Halpha")) == {"Halpha": ("r",)}
        assert find_continua(named("FUV", "Halpha", "Ks")) == {}
        assert find_continua(named("u", "g", "r")) == {}

    def test_follow_the_wavelengths_of_the_cube(self):
        # The names say nothing of the two broad bands, but their wavelengths are known.
        places = [600, 656, 700] * u.nm
        cube = named("left", "Halpha", "right", band_coordinates=places)
        assert find_continua(cube) == {"Halpha": ("left", "right")}

    def test_can_be_given(self):
        found = find_continua(named(*HUBBLE), {"F657N": ["F438W"]})
        assert found["F657N"] == ("F438W",)
        assert found["F502N"] == ("F438W", "F814W")
        assert find_continua(named("a", "b"), {"a": "b"}) == {"a": ("b",)}
        assert find_continua(named(*HUBBLE), "none") == {}

    @pytest.mark.parametrize(
        ("continua", "message"),
        [
            ({"F656N": ["F438W"]}, "names band 'F656N', but the bands are F225W"),
            ({"F657N": ["F555W"]}, "F657N names band 'F555W'"),
            ({"F657N": ["F657N"]}, "F657N cannot be its own continuum"),
            ({"F657N": []}, "one band or two"),
            ({"F657N": ["F438W", "F438W"]}, "one band or two"),
            ("off", "a dict, None or 'none'"),
        ],
    )
    def test_that_are_wrong_are_refused(self, continua, message):
        with pytest.raises(ValueError, match=message):
            find_continua(named(*HUBBLE), continua)


def test_wavelengths_are_those_of_the_cube_and_else_of_the_filters():
    places = [np.nan, 0.81] * u.um
    cube = named("F438W", "F814W", band_coordinates=places)
    np.testing.assert_allclose(band_wavelengths(cube), [438, 810])
    velocities = named("a", "b", band_coordinates=[1, 2] * u.km / u.s)
    assert np.isnan(band_wavelengths(velocities)).all()


@pytest.mark.parametrize(
    ("name", "place"),
    [("5007A", 500.7), ("70UM", 70e3), ("SCUBA2 850", 850e3), ("Lya", 121.567)],
)
def test_wavelengths_by_names(name, place):
    np.testing.assert_allclose(band_wavelengths(named(name)), place, rtol=5e-4)

# SPDX-License-Identifier: BSD-3-Clause
"""Known objects on a cluster map."""

import numpy as np
import pytest
from astropy.table import Table

from skesom.displays import ClusterMapDisplay


@pytest.fixture
def objects():
    """Three H II regions, one of them outside, a star, and one of a type of its own."""
    table = Table({"x": [3.0, 10, 99, 5, 12], "y": [2.0, 4, 4, 8, 1]})
    table["type"] = ["HII", "HII", "HII", "$x_1$", "*"]
    return table


@pytest.fixture
def label_map():
    return np.repeat([[0, 1], [1, 0]], 10, axis=1).repeat(5, axis=0)


def test_each_type_has_its_symbol_and_an_entry_with_its_number(label_map, objects):
    display = ClusterMapDisplay.from_predictions(label_map, objects=objects)
    assert list(display.objects_) == ["HII", "$x_1$", "*"]
    np.testing.assert_array_equal(
        display.objects_["HII"].get_xydata(), [[3, 2], [10, 4]]
    )
    texts = [text.get_text() for text in display.legend_.get_texts()]
    assert texts[2:] == ["H II region: 2", r"\$x_1\$: 1", "star or point source: 1"]
    looks = {
        (line.get_marker(), line.get_markeredgecolor())
        for line in display.objects_.values()
    }
    assert len(looks) == 3
    assert ("o", "green") in looks  # as in DS9
    assert display.ax_.get_xlim() == (-0.5, 19.5)
    with pytest.raises(ValueError, match="None of the 1 objects lies in the map of 10"):
        ClusterMapDisplay.from_predictions(label_map, objects=objects[2:3])


def test_positions_on_the_sky_are_drawn_over_contours_too(galaxy, job):
    labels = job["cluster"].labels_
    sky = galaxy.wcs.pixel_to_world([20, 40], [10, 30])
    objects = Table({"ra": sky.ra, "dec": sky.dec, "type": ["SNR", "SNR"]})
    display = ClusterMapDisplay.from_predictions(
        labels, cube=galaxy, contours=True, objects=objects
    )
    places = display.objects_["SNR"].get_xydata()
    np.testing.assert_allclose(places, [[20, 10], [40, 30]], atol=1e-6)
    texts = [text.get_text() for text in display.legend_.get_texts()]
    assert texts[-1] == "supernova remnant: 2"


def test_symbols_stand_out_on_every_cluster(label_map):
    # Each symbol has a rim that contrasts with it, whatever lies below.
    objects = Table({"x": [1, 2], "y": [1, 2], "type": ["*Ass", "*Cl"]})
    display = ClusterMapDisplay.from_predictions(label_map, objects=objects)
    rims = {
        kind: line.get_path_effects()[0]._gc["foreground"]
        for kind, line in display.objects_.items()
    }
    assert rims == {"*Ass": "black", "*Cl": "white"}  # white and blue symbols

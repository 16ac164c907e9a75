# SPDX-License-Identifier: BSD-3-Clause
"""From cube to table and back: which rows there are, in which order, at what cost."""

import numpy as np
import pytest

from skesom.cube import Cube
from skesom.pixels import MASKED, flatten, unflatten
from skesom.pixels.flattening import valid_pixels

NAN = np.nan


@pytest.fixture
def cube():
    """Count from 0 along rows, columns and bands, with three missing fluxes."""
    cube = np.arange(2 * 3 * 2, dtype=np.float32).reshape(2, 3, 2)
    cube[0, 1, 0] = cube[1, 2, 0] = cube[1, 2, 1] = NAN
    return cube


class TestFlatten:
    """A table of the valid pixels."""

    def test_rows_are_spectra_in_raster_order(self, cube):
        table, valid = flatten(cube)
        np.testing.assert_array_equal(valid, [[1, 0, 1], [1, 1, 0]])
        np.testing.assert_array_equal(table, [[0, 1], [4, 5], [6, 7], [8, 9]])
        assert table.dtype == np.float32
        assert table.flags.c_contiguous

    def test_min_bands_lets_partly_observed_pixels_through(self, cube):
        table, valid = flatten(cube, min_bands=1)
        np.testing.assert_array_equal(valid, [[1, 1, 1], [1, 1, 0]])
        np.testing.assert_array_equal(table, [[0, 1], [NAN, 3], [4, 5], [6, 7], [8, 9]])

    def test_voxels_are_single_fluxes(self, cube):
        table, valid = flatten(cube, pattern="voxel")
        np.testing.assert_array_equal(table[:, 0], [0, 1, 3, 4, 5, 6, 7, 8, 9])
        assert table.shape == (9, 1)
        np.testing.assert_array_equal(valid, ~np.isnan(cube))

    @pytest.mark.parametrize("pattern", ["pixel", "voxel"])
    def test_a_cube_without_masked_pixels_is_a_view(self, pattern):
        cube = np.ones((3, 4, 2))
        table, valid = flatten(cube, pattern=pattern)
        assert np.shares_memory(table, cube)
        assert valid.all()

    def test_masked_pixels_cost_a_copy_that_leaves_the_cube_alone(self, cube):
        before = cube.copy()
        table, _ = flatten(cube)
        table[:] = -1
        np.testing.assert_array_equal(cube, before)

    def test_any_layout_gives_the_same_table(self, cube):
        expected, _ = flatten(cube)
        read_only = cube.copy()
        read_only.flags.writeable = False
        for other in [
            np.asfortranarray(cube),
            cube.astype(">f4"),
            np.moveaxis(np.ascontiguousarray(np.moveaxis(cube, 2, 0)), 0, 2),
            read_only,
            Cube(cube),
            cube.tolist(),
        ]:
            table, _ = flatten(other)
            np.testing.assert_array_equal(table, expected)
            assert table.flags.c_contiguous
            assert table.dtype.isnative

    def test_full_bands_first_cubes_become_contiguous_rows(self):
        cube = np.moveaxis(np.arange(12.0).reshape(2, 2, 3), 0, 2)
        table, _ = flatten(cube)
        np.testing.assert_array_equal(table[1], cube[0, 1])
        assert table.flags.c_contiguous

    def test_says_that_all_pixels_are_masked(self):
        cube = np.ones((4, 5, 3))
        cube[:, :, 1] = NAN
        with pytest.raises(ValueError, match=r"All 20 pixels .* 3 bands .* min_bands"):
            flatten(cube)
        assert len(flatten(cube, min_bands=2)[0]) == 20

    def test_says_where_an_infinite_value_is(self, cube):
        cube[1, 0, 1] = np.inf
        with pytest.raises(ValueError, match=r"'band 2' .* row 1, column 0"):
            flatten(cube)

    def test_refuses_a_single_image(self):
        with pytest.raises(ValueError, match="three axes"):
            flatten(np.ones((4, 5)))


class TestValidPixels:
    """Which pixels have enough bands."""

    def test_counts_bands_pixel_by_pixel(self, global_random_seed):
        rng = np.random.default_rng(global_random_seed)
        cube = np.where(rng.random((20, 30, 5)) < 0.3, NAN, 1.0)
        present = [[np.isfinite(spectrum).sum() for spectrum in row] for row in cube]
        for least in range(1, 6):
            np.testing.assert_array_equal(
                valid_pixels(Cube(cube), min_bands=least), np.array(present) >= least
            )
        np.testing.assert_array_equal(valid_pixels(Cube(cube)), np.array(present) == 5)

    def test_no_valid_pixel_is_an_answer(self):
        assert not valid_pixels(Cube(np.full((2, 3, 2), NAN))).any()

    def test_counts_more_bands_than_a_byte_holds(self):
        assert valid_pixels(Cube(np.ones((1, 1, 300)))).all()


class TestUnflatten:
    """Rows back to their pixels."""

    valid = np.array([[True, False, True], [False, True, True]])

    def test_labels_go_back_in_raster_order(self):
        labels = unflatten([5, 0, -1, 2], self.valid)
        np.testing.assert_array_equal(labels, [[5, MASKED, 0], [MASKED, -1, 2]])
        assert labels.dtype == np.int32
        assert MASKED == -3

    @pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool])
    def test_any_integers_become_int32(self, dtype):
        image = unflatten(np.array([1, 0, 1, 1], dtype), self.valid)
        np.testing.assert_array_equal(image, [[1, -3, 0], [-3, 1, 1]])
        assert image.dtype == np.int32

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_numbers_keep_their_type_and_are_nan_elsewhere(self, dtype):
        image = unflatten(np.array([1.5, 2, 3, 4], dtype), self.valid)
        np.testing.assert_array_equal(image, [[1.5, NAN, 2], [NAN, 3, 4]])
        assert image.dtype == dtype

    def test_several_numbers_per_pixel_become_bands(self):
        image = unflatten(np.arange(8.0).reshape(4, 2), self.valid)
        assert image.shape == (2, 3, 2)
        np.testing.assert_array_equal(image[1, 1], [4, 5])
        assert np.isnan(image[0, 1]).all()

    @pytest.mark.parametrize("options", [{}, {"min_bands": 1}, {"pattern": "voxel"}])
    def test_undoes_flatten(self, cube, options):
        table, valid = flatten(cube, **options)
        back = unflatten(table[:, 0] if valid.ndim == 3 else table, valid)
        expected = cube.copy()
        expected[~valid] = NAN
        np.testing.assert_array_equal(back, expected)

    @pytest.mark.parametrize("n_rows", [0, 3, 5])
    def test_counts_the_rows(self, n_rows):
        with pytest.raises(ValueError, match=f"{n_rows} rows for 4 valid pixels"):
            unflatten(np.zeros(n_rows), self.valid)

# SPDX-License-Identifier: BSD-3-Clause
"""Label maps go to disk and back, with a table that counts right."""

import os

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_array_equal

from skesom.cube import Cube
from skesom.io import label_maps as _label_maps
from skesom.io import read_cube, read_map, write_map
from skesom.pixels import cluster_table

LABELS = np.array([[0, 0, 2, -3], [0, 2, -1, -1], [0, 5, -3, -3]], dtype=np.int32)


@pytest.fixture
def cube(make_wcs):
    """Return a cube of the shape of LABELS with one missing value."""
    data = np.arange(24, dtype=np.float32).reshape(3, 4, 2) ** 2
    data[0, 1, 1] = np.nan
    return Cube(
        data,
        wcs=make_wcs((3, 4)),
        band_names=["F438W", "F814W"],
        band_units=["MJy/sr", "electron/s"],
    )


# ---------------------------------------------------------------- table


def test_table_counts_the_pixels_of_clusters_only():
    table = cluster_table(LABELS)
    assert table.colnames == ["id", "pixels", "percentage"]
    assert list(table["id"]) == [0, 2, 5]
    assert list(table["pixels"]) == [4, 2, 1]
    assert_allclose(table["percentage"], [400 / 7, 200 / 7, 100 / 7])
    assert "belong to a cluster" in table["percentage"].description


def test_table_summarizes_the_flux(cube):
    table = cluster_table(LABELS, cube)
    for band, name in enumerate(cube.band_names):
        for row in table:
            flux = [
                float(cube.data[y, x, band])
                for y in range(3)
                for x in range(4)
                if LABELS[y, x] == row["id"] and not np.isnan(cube.data[y, x, band])
            ]
            q25, median, q75 = np.quantile(flux, [0.25, 0.5, 0.75])
            assert_allclose(row[f"{name}_median"], median, rtol=1e-6)
            assert_allclose(row[f"{name}_q25"], q25, rtol=1e-6)
            assert_allclose(row[f"{name}_q75"], q75, rtol=1e-6)
    assert table["F438W_median"].unit == units.MJy / units.sr
    assert table["F814W_q75"].unit == units.electron / units.s
    assert table["F814W_q75"].dtype == np.float32


def sky_and_two_clusters(level, n_sky=100, names=("g", "r"), **options):
    """Clusters of 2 and 5 in g, twice as much in r, in sky of some level."""
    labels = np.repeat([-2, 0, 1], [n_sky, 40, 60])[np.newaxis]
    light = np.choose(labels + 2, [0, 0, 2.0, 5.0])
    data = np.stack([light, 2 * light], axis=2) + level
    return labels, Cube(data, band_names=list(names), **options)


@pytest.mark.parametrize("level", [0.0, 1e4])
def test_table_counts_from_the_sky_that_was_set_aside(level):
    labels, cube = sky_and_two_clusters(level)
    table = cluster_table(labels, cube)
    assert_allclose(table["g_median"], [2, 5])
    assert_allclose(table["r_q75"], [4, 10])
    assert f"above the sky of {level:.4g}" in table["r_q75"].description
    as_they_are = cluster_table(labels, cube, subtract_sky=False)
    assert_allclose(as_they_are["g_median"], level + np.array([2, 5]))


@pytest.mark.parametrize("options", [{"n_sky": 99}, {"names": ["a", "b"]}])
def test_table_counts_from_zero_where_no_sky_is_known(options):
    labels, cube = sky_and_two_clusters(7.0, **options)
    first = cube.band_names[0]
    assert_allclose(cluster_table(labels, cube)[f"{first}_median"], [9, 12])
    if "names" in options:  # an angle on the sky makes it one
        known = cube.replace(pixel_scale=(0.2, 0.2))
        assert_allclose(cluster_table(labels, known)[f"{first}_median"], [2, 5])


@pytest.mark.parametrize("n_clusters", [3, 33000])
def test_table_agrees_with_one_mask_per_cluster(n_clusters):
    rng = np.random.default_rng(4)
    labels = rng.integers(-3, n_clusters, size=(60, 70))
    flux = rng.normal(size=(60, 70, 2))
    flux[rng.random(flux.shape) < 0.1] = np.nan
    table = cluster_table(labels, np.asfortranarray(flux))
    ids = np.unique(labels[labels >= 0])
    assert_array_equal(table["id"], ids)
    for place in rng.choice(len(ids), 3, replace=False):
        values = flux[labels == ids[place]]
        assert table["pixels"][place] == len(values)
        for band in (0, 1):
            known = values[~np.isnan(values[:, band]), band]
            wanted = np.median(known) if len(known) else np.nan
            assert_allclose(table[f"band {band + 1}_median"][place], wanted)


def test_cluster_without_any_flux_has_nan(cube):
    cube.data[LABELS == 2, 0] = np.nan
    table = cluster_table(LABELS, cube)
    assert_array_equal(np.isnan(table["F438W_median"]), [False, True, False])
    assert not np.isnan(table["F814W_median"]).any()


@pytest.mark.parametrize("flux", [None, np.ones((2, 3, 1))])
def test_map_without_clusters_has_an_empty_table(flux):
    table = cluster_table(np.full((2, 3), -3), flux)
    assert len(table) == 0


def test_flux_is_left_alone(cube):
    before = cube.data.copy()
    cube.data.flags.writeable = False
    cluster_table(LABELS, cube)
    assert_array_equal(cube.data, before)


# ---------------------------------------------------------------- file


@pytest.mark.parametrize("given", ["wcs", "cube", "nothing"])
def test_round_trip(tmp_path, cube, given):
    path = tmp_path / "map.fits"
    options = {"wcs": {"wcs": cube.wcs}, "cube": {"cube": cube}, "nothing": {}}[given]
    write_map(path, LABELS, **options)
    assert os.listdir(tmp_path) == ["map.fits"]
    labels, wcs = read_map(path)
    assert_array_equal(labels, LABELS)
    assert labels.dtype == np.int32
    assert labels.dtype.isnative
    if given == "nothing":
        assert wcs is None
    else:
        assert wcs.array_shape == (3, 4)
        place = cube.wcs.pixel_to_world(3, 1)
        assert place.separation(wcs.pixel_to_world(3, 1)) < 1e-6 * units.arcsec


def test_file_is_what_other_programs_expect(tmp_path, cube):
    path = tmp_path / "map.fits"
    write_map(path, LABELS, cube=cube)
    with fits.open(path) as hdus:
        hdus.verify("exception")
        assert [hdu.name for hdu in hdus] == ["LABELS", "CLUSTERS"]
        header = hdus[0].header
        assert (header["BITPIX"], header["BLANK"]) == (32, -3)
        assert (header["CTYPE1"], header["CTYPE2"]) == ("RA---TAN", "DEC--TAN")
        assert_array_equal(np.isnan(hdus[0].data), LABELS == -3)
        assert hdus[0].data[1, 2] == -1
        assert hdus["CLUSTERS"].columns["F438W_median"].unit == "MJy sr-1"
        comments = hdus["CLUSTERS"].header["TCOMM*"]
        assert comments["TCOMM3"] == "of the pixels that belong to a cluster"
        # The FITS standard has no word for electrons.
        assert comments["TCOMM8"].endswith("pixels of the cluster [electron / s]")
    table = Table.read(path, hdu="CLUSTERS")
    wanted = cluster_table(LABELS, cube)
    assert table.colnames == wanted.colnames
    for name in wanted.colnames:
        assert_array_equal(table[name], wanted[name])
    assert table["F814W_q25"].unit is None


def test_file_is_reproducible(tmp_path, cube):
    contents = []
    for name in ("a.fits", "b.fits"):
        write_map(tmp_path / name, LABELS, cube=cube)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]


def test_names_of_columns_are_ascii(tmp_path):
    names = ["H\N{GREEK SMALL LETTER ALPHA}", "r", "R"]
    cube = Cube(np.ones((3, 4, 3)), band_names=names)
    write_map(tmp_path / "a.fits", LABELS, cube=cube)
    columns = Table.read(tmp_path / "a.fits", hdu=1).colnames
    assert columns[3::3] == ["Halpha_median", "r_median", "R_median"]


def test_spectral_axis_is_left_out_of_the_wcs(tmp_path, make_wcs):
    flat = make_wcs((3, 4))
    header = flat.to_header()
    header.update(WCSAXES=3, CTYPE3="FREQ", CRVAL3=1e9, CDELT3=1e6, CRPIX3=1.0)
    header.update(NAXIS=3, NAXIS1=4, NAXIS2=3, NAXIS3=2)
    write_map(tmp_path / "a.fits", LABELS, wcs=type(flat)(header))
    wcs = read_map(tmp_path / "a.fits")[1]
    assert wcs.naxis == 2
    assert wcs.wcs.compare(flat.wcs, tolerance=1e-12)


def test_more_bands_than_a_fits_table_holds(tmp_path, monkeypatch):
    assert _label_maps._MAX_COLUMNS == 999  # three digits of TFIELDS
    monkeypatch.setattr(_label_maps, "_MAX_COLUMNS", 9)
    flux = np.zeros((1, 1, 3))
    with pytest.warns(UserWarning, match="12 columns are more than the 9"):
        write_map(tmp_path / "a.fits", [[0]], cube=flux)
    assert fits.getheader(tmp_path / "a.fits", 1)["TFIELDS"] == 3
    write_map(tmp_path / "b.fits", [[0]], cube=flux[:, :, :2])
    assert fits.getheader(tmp_path / "b.fits", 1)["TFIELDS"] == 9


def test_map_of_another_program(tmp_path):
    data = np.array([[0, 1], [255, 7]], dtype=np.uint8)
    hdu = fits.ImageHDU(data, name="SEG")
    hdu.header["BLANK"] = 255
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(tmp_path / "a.fits")
    labels, wcs = read_map(tmp_path / "a.fits")
    assert_array_equal(labels, [[0, 1], [-3, 7]])
    assert wcs is None


def test_existing_file_is_kept_unless_told(tmp_path):
    path = tmp_path / "map.fits"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match=r"map\.fits exists already"):
        write_map(path, LABELS)
    assert path.read_text() == "mine"
    write_map(path, LABELS, overwrite=True)
    assert_array_equal(read_map(path)[0], LABELS)


@pytest.mark.parametrize("old", [None, "mine"])
def test_failure_in_the_middle_leaves_nothing(tmp_path, monkeypatch, old):
    path = tmp_path / "map.fits"
    if old is not None:
        path.write_text(old)

    def fail(hdu, *args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(fits.BinTableHDU, "_writeto", fail)
    with pytest.raises(OSError, match="disk full"):
        write_map(path, LABELS, overwrite=True)
    assert os.listdir(tmp_path) == ([] if old is None else ["map.fits"])
    assert old is None or path.read_text() == old


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(5, dtype=int), r"two axes .*shape \(5,\)"),
        (np.zeros((2, 3, 1, 1), dtype=int), "must have two axes"),
        (np.zeros((2, 3)), "must hold integers, got float64"),
        (np.array([[0, -4]]), "labels from -4 to 0"),
        (np.array([[0, 2**31]]), "labels from 0 to 2147483648"),
    ],
)
def test_what_is_no_label_map(tmp_path, labels, message):
    with pytest.raises(ValueError, match=message):
        cluster_table(labels)
    with pytest.raises(ValueError, match=message):
        write_map(tmp_path / "a.fits", labels)
    assert os.listdir(tmp_path) == []


def test_cube_of_another_shape(tmp_path):
    message = "cube has 4 x 3 pixels, but label_map has 3 x 4"
    with pytest.raises(ValueError, match=message):
        cluster_table(LABELS, np.zeros((4, 3, 2)))
    with pytest.raises(ValueError, match=message):
        write_map(tmp_path / "a.fits", LABELS, cube=np.zeros((4, 3, 2)))


@pytest.mark.parametrize(
    ("data", "cards"),
    [
        (np.zeros((3, 4), dtype=np.float32), {}),
        (np.zeros((2, 1, 3, 4), dtype=np.int32), {}),
        (np.zeros((3, 4), dtype=np.int16), {"BSCALE": 0.5}),
    ],
)
def test_image_that_is_no_label_map(tmp_path, data, cards):
    path = tmp_path / "a.fits"
    fits.PrimaryHDU(data).writeto(path)
    with fits.open(path, "update", do_not_scale_image_data=True) as hdus:
        hdus[0].header.update(cards)
    with pytest.raises(ValueError, match=r"a\.fits is not a label map"):
        read_map(path)


def test_reading_what_is_not_fits(tmp_path):
    (tmp_path / "a.fits").write_text("no")
    with pytest.raises(OSError, match=r"a\.fits is not a readable FITS file"):
        read_map(tmp_path / "a.fits")
    with pytest.raises(FileNotFoundError):
        read_map(tmp_path / "b.fits")


def test_sky_has_a_label_of_its_own(tmp_path):
    """Sky that was set aside is told from pixels without data, and by the header."""
    labels = np.array([[0, -2, -2], [1, -3, -1]], dtype=np.int32)
    write_map(tmp_path / "map.fits", labels)
    np.testing.assert_array_equal(read_map(tmp_path / "map.fits")[0], labels)
    header = fits.getheader(tmp_path / "map.fits")
    assert (header["BLANK"], header["SKYLABEL"]) == (-3, -2)
    assert "-2 is sky that was set aside" in "".join(header["COMMENT"])
    np.testing.assert_allclose(cluster_table(labels)["percentage"], [50, 50])


class TestVoxels:
    """Labels of single fluxes, with an axis of bands."""

    @pytest.fixture
    def voxels(self):
        labels = np.full((3, 4, 2), -3, dtype=np.int32)
        labels[0, :, 0], labels[1, :, 0] = 1, 0
        labels[:2, :, 1] = 0
        labels[2, 0] = -2
        return labels

    def test_round_trip(self, tmp_path, voxels, sky_wcs):
        write_map(tmp_path / "map.fits", voxels, wcs=sky_wcs)
        again, wcs = read_map(tmp_path / "map.fits")
        np.testing.assert_array_equal(again, voxels)
        assert wcs.wcs.crval.tolist() == sky_wcs.wcs.crval.tolist()
        # FITS counts axes from the fastest one: columns, rows, bands.
        header = fits.getheader(tmp_path / "map.fits")
        assert [header[f"NAXIS{axis}"] for axis in (1, 2, 3)] == [4, 3, 2]

    def test_spectral_axis(self, tmp_path, voxels, sky_wcs):
        places = [500.0, 500.5] * units.nm
        cube = Cube(np.ones(voxels.shape), wcs=sky_wcs, band_coordinates=places)
        write_map(tmp_path / "map.fits", voxels, cube=cube)
        wcs = WCS(fits.getheader(tmp_path / "map.fits"))
        assert wcs.naxis == 3
        np.testing.assert_allclose(wcs.spectral.pixel_to_world([0, 1]).to("nm"), places)
        again = read_cube(tmp_path / "map.fits")
        np.testing.assert_allclose(again.band_coordinates.to("nm"), places)

    def test_bands_without_a_step(self, tmp_path, voxels):
        places, names = [100.0, 500.0, 2000.0] * units.nm, ["u", "g", "K"]
        three = np.concatenate([voxels, voxels[:, :, :1]], axis=2)
        known = {"band_names": names, "band_coordinates": places}
        write_map(
            tmp_path / "map.fits", three, cube=Cube(np.ones(three.shape), **known)
        )
        table = Table.read(tmp_path / "map.fits", hdu="BANDS")
        assert table["place"].quantity.to_value("nm").tolist() == [100, 500, 2000]
        assert table["band"].tolist() == names
        assert fits.getheader(tmp_path / "map.fits")["CTYPE3"] == "BAND"

    def test_table_is_band_by_band(self, voxels):
        data = np.arange(24.0).reshape(3, 4, 2)
        table = cluster_table(voxels, Cube(data, band_names=["a", "b"]))
        assert table["pixels"].tolist() == [12, 4]
        # Cluster 0 is row 1 in the first band and rows 0 and 1 in the second.
        assert table["a_median"][0] == np.median(data[1, :, 0])
        assert table["b_median"][0] == np.median(data[:2, :, 1])
        assert table["a_median"][1] == np.median(data[0, :, 0])
        assert np.isnan(table["b_median"][1])

    def test_lazy_cube(self, voxels):
        da = pytest.importorskip("dask.array")
        data = np.arange(24.0).reshape(3, 4, 2)
        lazy = Cube(da.from_array(data, chunks=(2, 4, 2)))
        expected = cluster_table(voxels, Cube(data))
        assert repr(cluster_table(voxels, lazy)) == repr(expected)

    def test_lazy_labels(self, voxels, tmp_path):
        da = pytest.importorskip("dask.array")
        write_map(tmp_path / "map.fits", da.from_array(voxels, chunks=(1, 4, 2)))
        read, _ = read_map(tmp_path / "map.fits")
        assert_array_equal(read, voxels)

    def test_another_number_of_bands(self, voxels):
        with pytest.raises(ValueError, match=r"3 x 4 x 3 pixels.* 3 x 4 x 2"):
            cluster_table(voxels, np.ones((3, 4, 3)))

# SPDX-License-Identifier: BSD-3-Clause
"""Headers of archives: the name, the wavelength and the zero point of their bands."""

import numpy as np
import pytest
from astropy import units
from astropy.io import fits

from skesom._sky.filters import filter_wavelength, filter_wavelengths
from skesom._sky.narrow_bands import band_wavelengths
from skesom.cube import Cube
from skesom.io import read_cube, write_bands

STSCI = {"BUNIT": "ELECTRONS/S", "PHOTFLAM": 1.4985e-19, "PHOTPLAM": 8039.06}
DECAM = {"TELESCOP": "CTIO 4.0-m telescope", "INSTRUME": "DECam"}
SPITZER = {"TELESCOP": "Spitzer", "ORIGIN": "Spitzer Science Center"}
HERSCHEL = {"TELESCOP": "Herschel Space Observatory", "ORIGIN": "ESA"}
CASU = {"ORIGIN": "NOAO-IRAF FITS Image Kernel July 2003", "EXPTIME": 10.0}
NOTHING = np.nan

# Archive: cards, the name, the wavelength in nm, and the zero point. Cards are those of
# the documents that the comments name; SVO: pivot wavelengths of the filter profiles.
ARCHIVES = {
    # SDSS data model, frame-[ugriz]-*.fits
    "SDSS": (
        {"TELESCOP": "2.5m", "ORIGIN": "SDSS", "SURVEY": "ugriz", "FILTER": "r"}
        | {"BUNIT": "nanomaggy"},
        *("r", 617, NOTHING),
    ),
    # All-Sky Release Explanatory Supplement, section 2.4a; Vega, AB - Vega = 0.91
    "2MASS J": (
        {"ORIGIN": "2MASS", "FILTER": "j", "MAGZP": (20.9, "calibrated zero point")},
        *("j", 1235, 20.9 + 0.91),
    ),
    "2MASS Ks": (
        {"ORIGIN": "2MASS", "FILTER": "k", "JMAGZP": 20.9, "KMAGZP": 20.0},
        *("k", 2159, 20.0 + 1.85),
    ),
    # DES DR2 coadded tiles
    "DES": (
        {**DECAM, "FILTER": "g DECam SDSS c0001 4720.0 1520.0", "BAND": "g"}
        | {"MAGZERO": (30.0, "[mag] Mag Zero-point")},
        *("g", 474, 30.0),
    ),
    "DECam narrow": (
        {**DECAM, "FILTER": "N662 DECam c0009 6620.0 172.0"},
        *("N662 DECam", 662, NOTHING),
    ),
    # Pan-STARRS stack images
    "Pan-STARRS": (
        {"HIERARCH FPA.TELESCOPE": "PS1", "HIERARCH FPA.FILTERID": "i.00000"},
        *("i", 752, NOTHING),
    ),
    # Waters et al. (2020): counts in the exposure time; 25 + 2.5 log10(1000) = 32.5
    "Pan-STARRS stack": (
        {"HIERARCH FPA.FILTER": "g.00000", "HIERARCH FPA.ZP": 25.0, "EXPTIME": 1000.0},
        *("g", 481, 32.5),
    ),
    "Pan-STARRS, asinh of counts": (
        {"HIERARCH FPA.FILTER": "g.00000", "HIERARCH FPA.ZP": 25.0, "EXPTIME": 1000.0}
        | {"BSOFTEN": 1.5, "BOFFSET": 0.1},
        *("g", 481, NOTHING),
    ),
    # Mosaics by Montage: of pixels 10 arcsec wide, 2.5 log10(100) brighter
    "2MASS mosaic": (
        {"DATASET": "2MASS", "BAND": "H", "MAGZP": 20.5}
        | {"CDELT1": -10 / 3600, "CDELT2": 10 / 3600},
        *("H", 1645, 20.5 + 1.39 - 5.0),
    ),
    # HSC pipeline: counts of magnitude 0 (AB); 2.5 log10(6.30957e10) = 27.0
    "HSC": (
        {"INSTRUME": "HSC", "FILTER": "HSC-I", "FLUXMAG0": 63095734448.0194},
        *("HSC-I", 775, 27.0),
    ),
    # Euclid data product description, MER mosaics
    "Euclid VIS": (
        {"TELESCOP": "Euclid", "INSTRUME": "VIS", "FILTER": "VIS", "MAGZERO": 24.6},
        *("VIS", 715, 24.6),
    ),
    "Euclid NISP": (
        {"TELESCOP": "Euclid", "INSTRUME": "NISP", "FILTER": "NIR_H"},
        *("NIR_H", 1770, NOTHING),
    ),
    "Gaia": ({"TELESCOP": "Gaia", "FILTER": "RP"}, "RP", 777, NOTHING),
    # AllWISE Explanatory Supplement, section 4.1b; Vega, AB - Vega = 2.699
    "WISE": (
        {"TELESCOP": "WISE", "BAND": (1, "wavelength band"), "BUNIT": "DN"}
        | {"WAVELEN": (3.368, "[microns] effective wavelength of band")}
        | {"MAGZP": (20.5, "[mag] relative photometric zero point")},
        *("W1", 3368, 20.5 + 2.699),
    ),
    # unwise.me: Vega nanomaggies
    "unWISE": (
        {"TELESCOP": "WISE", "BAND": 2, "MAGZP": 22.5},
        *("W2", 4618, 22.5 + 3.339),
    ),
    # IRAC Instrument Handbook, appendix E; MIPS Instrument Handbook, appendix D
    "Spitzer IRAC": (
        {**SPITZER, "INSTRUME": "IRAC", "CHNLNUM": 4, "BUNIT": "MJy/sr"},
        *("IRAC4", 7872, NOTHING),
    ),
    "Spitzer MIPS": (
        {**SPITZER, "INSTRUME": "MIPS", "CHNLNUM": (1, "1=24um,2=70um,3=160um")},
        *("MIPS24", 23700, NOTHING),
    ),
    # Herschel Product Definitions Document
    "Herschel PACS": (
        {**HERSCHEL, "INSTRUME": "PACS", "CAMERA": "Blue"}
        | {"WAVELNTH": (100.0, "[micrometer] reference wavelength")},
        *("PACS Blue", 100000, NOTHING),
    ),
    "Herschel SPIRE": (
        {**HERSCHEL, "INSTRUME": "SPIRE", "DETECTOR": "PMW"},
        *("PMW", 350000, NOTHING),
    ),
    # GALEX pipeline data guide
    "GALEX": (
        {"TELESCOP": "GALEX", "BAND": (2, "1=NUV,2=FUV")},
        *("FUV", 154, NOTHING),
    ),
    # Swift UVOT Software Guide
    "Swift UVOT": (
        {"TELESCOP": "SWIFT", "INSTRUME": "UVOTA", "FILTER": "UVM2"},
        *("UVM2", 225, NOTHING),
    ),
    # UVIT calibration, table 1; FILTER is the place in the wheel
    "UVIT wheel": (
        {"TELESCOP": "ASTROSAT", "INSTRUME": "UVIT", "DETECTOR": "FUV", "FILTER": "F1"},
        *("FUV", 153, NOTHING),
    ),
    "UVIT": ({"INSTRUME": "UVIT", "FILTER": "N263M"}, "N263M", 263.2, NOTHING),
    # CFHT MegaPipe, CADC
    "MegaCam": (
        {"TELESCOP": "CFHT 3.6m", "INSTRUME": "MegaPrime", "FILTER": "r.MP9601"}
        | {"PHOTZP": 30.0},
        *("r.MP9601", 623, 30.0),
    ),
    # CASU: magnitude of a count per second; AB - Vega = 1.827 and 0.938
    "VISTA": (
        {**CASU, "INSTRUME": "VIRCAM", "HIERARCH ESO INS FILT1 NAME": "Ks"}
        | {"MAGZPT": (23.0, "Photometric ZP (mags) for default extinction")},
        *("Ks", 2147, 23.0 + 2.5 + 1.827),
    ),
    "UKIDSS": (
        {**CASU, "TELESCOP": "UKIRT", "INSTRUME": "WFCAM", "FILTER": "J"}
        | {"MAGZPT": (24.0, "Photometric ZP (mags) for default extinction")},
        *("J", 1248, 24.0 + 2.5 + 0.938),
    ),
    # ESO archive, KiDS DR4
    "KiDS": (
        {"INSTRUME": "OMEGACAM", "HIERARCH ESO INS FILT1 NAME": "r_SDSS"},
        *("r_SDSS", 622, NOTHING),
    ),
    # Instrument handbooks of STScI
    "HST WFC3": (
        {"TELESCOP": "HST", "INSTRUME": "WFC3", "FILTER": "F814W", **STSCI},
        *("F814W", 803.9, 25.127),
    ),
    "HST WFC3 F410M": (
        {"TELESCOP": "HST", "INSTRUME": "WFC3", "FILTER": "F410M"},
        *("F410M", 410, NOTHING),
    ),
    "HST ACS": (
        {"INSTRUME": "ACS", "FILTER1": "CLEAR1L", "FILTER2": "F850LP"},
        *("F850LP", 900, NOTHING),
    ),
    "HST WFPC2": (
        {"INSTRUME": "WFPC2", "FILTER1": 27, "FILTNAM1": "F555W", "FILTNAM2": ""},
        *("F555W", 555, NOTHING),
    ),
    "HST NICMOS": ({"INSTRUME": "NICMOS", "FILTER": "F160W"}, "F160W", 1600, NOTHING),
    "JWST NIRCam": (
        {"TELESCOP": "JWST", "INSTRUME": "NIRCAM", "FILTER": "F410M", "PUPIL": "CLEAR"},
        *("F410M", 4080, NOTHING),
    ),
    "JWST narrow": (
        {"INSTRUME": "NIRCAM", "FILTER": "F444W", "PUPIL": "F405N"},
        *("F405N", 4050, NOTHING),
    ),
    "JWST MIRI": ({"INSTRUME": "MIRI", "FILTER": "F2100W"}, "F2100W", 21000, NOTHING),
    "JWST NIRISS": (
        {"INSTRUME": "NIRISS", "FILTER": "CLEAR", "PUPIL": "F115W"},
        *("F115W", 1150, NOTHING),
    ),
    # Digitized Sky Survey, STScI; plates of IIIaF behind RG610: 610-690 nm
    "DSS": (
        {"ORIGIN": "STScI/MAST", "SURVEY": "POSSII-F", "TELESCOP": "Oschin Schmidt"},
        *("POSSII-F", 650, NOTHING),
    ),
    # SkyView of NASA
    "SkyView": ({"SURVEY": "2MASS-H"}, "2MASS-H", 1646, NOTHING),
    "SkyView GALEX": ({"SURVEY": "GALEX Near UV"}, "GALEX Near UV", 231, NOTHING),
    # ESO and Hubble Legacy Archive: more than the name of the filter
    "ESO": ({"ORIGIN": "ESO", "FILTER": "B#639"}, "B#639", 436, NOTHING),
    "HLA": ({"FILTER": "CLEAR1L;F814W"}, "CLEAR1L;F814W", 814, NOTHING),
    "a detector": ({"DETECTOR": "R", "SURVEY": "mine"}, "image", NOTHING, NOTHING),
    # SDO and SOHO
    "AIA": (
        {"TELESCOP": "SDO/AIA", "INSTRUME": "AIA_3", "WAVELNTH": 171}
        | {"WAVEUNIT": "angstrom"},
        *("image", 17.1, NOTHING),
    ),
    "EIT": (
        {"TELESCOP": "SOHO", "INSTRUME": "EIT", "WAVELNTH": 195},
        *("image", 19.5, NOTHING),
    ),
    # CIAO; 1.2398 nm keV / sqrt(0.5 * 2) keV
    "Chandra": (
        {"TELESCOP": "CHANDRA", "ENERG_LO": (500.0, "eV"), "ENERG_HI": 2000.0},
        *("image", 1.24, NOTHING),
    ),
    # ALMA and VLA: an axis of one channel; 299792.458 km/s / 230 GHz
    "ALMA": (
        {"TELESCOP": "ALMA", "CTYPE3": "FREQ", "CRVAL3": 2.3e11, "CUNIT3": "Hz"}
        | {"CDELT3": 1e9, "CRPIX3": 1.0},
        *("image", 1303445, NOTHING),
    ),
    "IRAS": ({"TELESCOP": "IRAS", "FILTER": "60"}, "60", 60000, NOTHING),
    "AKARI": (
        {"TELESCOP": "AKARI", "INSTRUME": "FIS", "FILTER": "WIDE-S"},
        *("WIDE-S", 90000, NOTHING),
    ),
    # SkyMapper DR2: AB
    "SkyMapper": (
        {"TELESCOP": "SkyMapper", "FILTER": "v", "ZPAPPROX": 26.1},
        *("v", 384, 26.1),
    ),
    # Legacy Surveys DR9, coadds
    "Legacy Surveys": (
        {"SURVEY": "DECaLS", "FILTER": "z", "MAGZERO": 22.5, "BUNIT": "nanomaggy"},
        *("z", 917, 22.5),
    ),
    # Rubin data previews
    "Rubin": (
        {"INSTRUME": "LSSTCam", "FILTER": "g_01", "BUNIT": "nJy"},
        *("g_01", 477, NOTHING),
    ),
    "S-PLUS": (
        {"INSTRUME": "SPLUS", "FILTER": "F515"},
        *("F515", 515, NOTHING),
    ),
    # ZTF Science Data System: MAGZP is of AB magnitudes
    "ZTF": (
        {"TELESCOP": "Palomar 48-inch", "FILTER": "ZTF_r", "MAGZP": 26.3},
        *("ZTF_r", 644, 26.3),
    ),
    # IGAPS header description: magnitudes of Vega, of no survey in the table
    "IGAPS": (
        {"TELESCOP": "INT", "INSTRUME": "WFC", "FILTER": "r", "PHOTZP": 28.5},
        *("r", 622, NOTHING),
    ),
}


@pytest.fixture
def read(tmp_path):
    """Return a function that reads an image with some cards as a cube."""

    def read_file(cards):
        header = fits.Header()
        header.update(cards)
        shape = (1, 3, 4) if "CTYPE3" in cards else (3, 4)
        fits.writeto(tmp_path / "image.fits", np.ones(shape), header, overwrite=True)
        return read_cube(tmp_path / "image.fits")

    return read_file


@pytest.mark.parametrize("archive", ARCHIVES)
def test_archives(read, archive):
    cards, name, wavelength, zero_point = ARCHIVES[archive]
    cube = read(cards)
    assert cube.band_names == (name,)
    # Sorting needs no more; filters of one letter differ as much between surveys.
    np.testing.assert_allclose(band_wavelengths(cube), wavelength, rtol=0.075)
    np.testing.assert_allclose(cube.zero_points, zero_point, atol=1e-3)


def test_cards_of_each_band_of_a_cube(tmp_path):
    # As cutouts of the Legacy Surveys count.
    header = fits.Header({"BAND0": "g", "BAND1": "z", "SURVEY": "DECaLS"})
    header.update({"MAGZERO1": 22.5, "MAGZERO2": (23.0, "[mag]")})
    fits.writeto(tmp_path / "cube.fits", np.ones((2, 3, 4)), header)
    cube = read_cube(tmp_path / "cube.fits")
    assert cube.band_names == ("g", "z")
    np.testing.assert_array_equal(cube.zero_points, [22.5, 23.0])


# SVO filter identifiers and pivot wavelengths in nm, rounded.
SVO = {
    **{"SLOAN/SDSS.u": 355, "SLOAN/SDSS.g": 470, "SLOAN/SDSS.z": 892},
    **{"2MASS/2MASS.J": 1235, "2MASS/2MASS.Ks": 2159, "CTIO/DECam.g": 482},
    **{"PAN-STARRS/PS1.y": 961, "Subaru/HSC.r": 622, "LSST/LSST.i": 756},
    **{"Euclid/VIS.vis": 715, "Euclid/NISP.H": 1770, "WISE/WISE.W3": 12082},
    **{"GAIA/GAIA3.G": 622, "GAIA/GAIA3.Gbp": 511, "GAIA/GAIA3.Grp": 777},
    **{"Spitzer/IRAC.I1": 3550, "Spitzer/MIPS.24mu": 23700, "IRAS/IRAS.60mu": 60000},
    **{"Herschel/Pacs.green": 100000, "Herschel/SPIRE.PLW": 500000},
    **{"GALEX/GALEX.NUV": 230, "Swift/UVOT.U": 350, "Swift/UVOT.UVW2": 206},
    **{"AstroSat/UVIT.F154W": 154, "CFHT/MegaCam.u": 368, "Paranal/VISTA.Y": 1020},
    **{"UKIRT/UKIDSS.K": 2206, "Paranal/OmegaCAM.g_SDSS": 478, "Palomar/ZTF.g": 480},
    **{"HST/WFC3_IR.F160W": 1537, "HST/WFC3_UVIS2.F410M": 411},
    **{"HST/ACS_WFC.F435W_81": 433, "HST/WFPC2-WF.F555W": 544},
    **{"JWST/NIRCam.F410M": 4080, "JWST/MIRI.F770W": 7640, "Roman/WFI.F062": 629},
    **{"AKARI/FIS.WIDE-S": 88000, "AKARI/IRC.S9W": 8600, "Generic/Cousins.R": 642},
    **{"SkyMapper/SkyMapper.v": 384, "OAJ/JPLUS.J0378": 378, "CTIO/S-PLUS.F660": 660},
}


@pytest.mark.parametrize("name", SVO)
def test_identifiers_of_svo(name):
    assert filter_wavelength(name) == pytest.approx(SVO[name], rel=0.075)


class TestSets:
    """Names that the others of the set explain."""

    @pytest.mark.parametrize(
        ("names", "wavelengths"),
        [
            ("K H J", [2190, 1650, 1240]),
            ("k h j", [2190, 1650, 1240]),
            ("R V B", [641, 545, 436]),
            ("v b", [545, 436]),
            ("R G B", [611, 549, 464]),
            ("blue red green", [464, 611, 549]),
            ("m31_blue m31_red", [464, 611]),
            ("L R G B Ha", [np.nan, 611, 549, 464, 656.3]),
            ("RP G BP", [777, 622, 511]),
            ("F410M F115W F200W F814W", [4100, 1150, 2000, 814]),
            ("F410M F555W F160W", [410, 555, 1600]),
            ("F410M F115W F555W", [np.nan, 1150, 555]),  # of each telescope one
            ("40_F115Wsci 40_F410Msci", [1150, 4100]),  # "sci": what the file holds
            ("image_g image_i image_r", [477, 763, 622]),
            ("R_g R_r", [477, 622]),
            ("2mass_j h", [1240, 1650]),
            ("I Q U V", [np.nan] * 4),  # Stokes
            ("x y z", [np.nan] * 3),
            ("A B C", [np.nan] * 3),
            ("gp rp ip V", [477, 622, 763, 545]),  # primes of Las Cumbres
            ("hard soft medium", [0.326, 1.348, 0.795]),
            ("g model", [477, np.nan]),
            ("NII6583 SII6716 Halpha OIII5007", [658.3, 671.6, 656.3, 500.7]),
            ("N628_SIII9069_flux N628_sii6731", [906.9, 673.1]),
        ],
    )
    def test_wavelengths(self, names, wavelengths):
        names = names.split()
        cube = Cube(np.ones((2, 2, len(names))), band_names=names)
        np.testing.assert_array_equal(band_wavelengths(cube), wavelengths)

    def test_wavelengths_of_the_cube_come_first(self):
        known = [np.nan, 800] * units.nm
        cube = Cube(np.ones((2, 2, 2)), band_names=["g", "r"], band_coordinates=known)
        np.testing.assert_array_equal(band_wavelengths(cube), [477, 800])


@pytest.mark.parametrize(
    "name",
    "image 1|H2 region|chandra|total|mask|C+|HI|13CO|dust|stars|model|residual|sigma|"
    "red|soft|N628|NGC1300_24|M100|line 656|alone|word 12|legacy|DESI|desk|page 100|"
    "SDSSJ1234|2MASSJ0523|J0515|IC342|W3 region|trace 171|wise men|ks test|letters|"
    "metallicity|template|exposure|w|k|h|j|v|b|x|channel 3|I1|ch1|F1|24|171|blue stars|"
    "S7|vis|CO 2-1|OH|SII2015|NGC6583|H-band luminosity function".split("|"),
)
def test_ordinary_words_are_no_filters(name):
    assert np.isnan(filter_wavelength(name))


class TestFiles:
    """Names that are made from the names of files."""

    @pytest.mark.parametrize(
        ("files", "names"),
        [
            ("m31_2mass_j_nuc m31_2mass_h_nuc", ["2mass_j", "2mass_h"]),
            ("L_g L_r", ["g", "r"]),
            ("vla_1.4GHz vla_1.6GHz", ["1.4GHz", "1.6GHz"]),
            ("x_0.5-2keV x_2-7keV", ["0.5-2keV", "2-7keV"]),
            ("R_g R_r", ["g", "r"]),
            ("m51-irac1 m51-irac2", ["irac1", "irac2"]),
            ("m51_pacs_100 m51_pacs_160", ["pacs_100", "pacs_160"]),
            ("hst_a_f814w hst_b_f814w", ["hst_a_f814w", "hst_b_f814w"]),
            ("night_1 night_2", ["night_1", "night_2"]),
            ("M31 M31_r", ["M31", "M31_r"]),
            ("m51_r", ["m51_r"]),
        ],
    )
    def test_lose_what_all_share(self, tmp_path, files, names):
        paths = [tmp_path / f"{file}.fits" for file in files.split()]
        for path in paths:
            fits.writeto(path, np.ones((3, 4)))
        assert list(read_cube(paths).band_names) == names

    def test_filters_in_names_of_files_beside_those_of_headers(self, tmp_path):
        for name, cards in (
            ("GALEX_FUV", {}),
            ("GALEX_NUV", {}),
            ("2MASS_J", {"ORIGIN": "2MASS", "FILTER": "j"}),
        ):
            header = fits.Header(cards)
            fits.writeto(tmp_path / f"{name}.fits", np.ones((4, 4)), header)
        names = ["GALEX_FUV", "GALEX_NUV", "2MASS_J"]
        cube = read_cube([tmp_path / f"{name}.fits" for name in names])
        assert cube.band_names == ("FUV", "NUV", "j")

    def test_filters_of_headers_stay(self, tmp_path):
        paths = [tmp_path / f"m51_{name}.fits" for name in "abc"]
        for path, name in zip(paths, ("a", "b", None), strict=True):
            header = fits.Header([] if name is None else [("FILTER", f"m51_{name}")])
            fits.writeto(path, np.ones((3, 4)), header)
        assert read_cube(paths).band_names == ("m51_a", "m51_b", "m51_c")

    def test_names_of_cubes_and_of_written_bands_stay(self, tmp_path):
        cube = Cube(np.ones((3, 4, 2)), band_names=["m51_g", "m51_r"])
        assert read_cube([cube[["m51_g"]], cube[["m51_r"]]]).band_names == (
            cube.band_names
        )
        assert read_cube(write_bands(tmp_path, cube)).band_names == cube.band_names


@pytest.mark.parametrize(
    ("names", "wavelengths"),
    [
        (["NGC1_g_v1", "NGC1_i_v2", "NGC1_r_v1"], [477, 763, 622]),
        (["obs1_R_2019", "obs2_V_2020"], [641, 545]),
        (["s1 g", "s2 g"], [477, 477]),
        (["g_r", "r_g"], [np.nan, np.nan]),  # two places tell
        (["I_1", "Q_1", "U_2"], [np.nan] * 3),  # Stokes
    ],
)
def test_filters_at_one_place_of_names_that_differ_elsewhere(names, wavelengths):
    np.testing.assert_array_equal(filter_wavelengths(names), wavelengths)

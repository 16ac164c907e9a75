# SPDX-License-Identifier: BSD-3-Clause
"""Words of Python in messages of the library, and those of the command line."""

import re

# The library names parameters; each phrase is as it stands there.
PHRASES = {
    "Pass its wcs, or a catalog with": "Give an image with a WCS, or a catalog with",
    "Pass wcs, or ": "Give an image with a WCS, or ",
    "3 * astropy.units.pixel": "3pix",
    "choose another one, or overwrite": "choose another one, or give --overwrite",
    "name the one of types in columns": "call the one of types 'type'",
    "Name 'ra' and 'dec', or 'x' and 'y' for pixels from 0, in columns": (
        "Call them 'ra' and 'dec', or 'x' and 'y' for pixels from 0"
    ),
    "Pass pixel_scale in arcsec": "Give --pixel-scale in arcsec",
    "Pass its fwhm in arcsec": "Give its --fwhm in arcsec",
    "Pass fwhm in arcsec": "Give --fwhm in arcsec",
    "read them with error_kind='var' or 'ivar'": "give --error-kind var or ivar",
    "these images, with errors=None.": "these images, give --errors none.",
    'Pass sky="keep", or a lower threshold': "Give --sky keep",
    "Pass mask_zeros=False": "Give --mask-zeros no",
    "Pass mask_outliers=False": "Give --mask-outliers no",
    "Pass a higher saturation": "Give a higher --saturation",
    "Pass a smaller grow": "Give a smaller --grow",
    "Pass regions to exclude or include that": (
        "Give regions to --exclude or --include that"
    ),
    "Pass a lower min_signal_to_noise, or min_bands": (
        "Give a lower --min-snr, or --min-bands"
    ),
}
# Of scikit-learn's errors about a number of components.
_OF_COMPONENTS = re.compile(r"\bn_components=(\S+) (.*?) with svd_solver='\w+'")


def in_options(text):
    """Return a message of the library in the words of the command line."""
    for phrase, words in PHRASES.items():
        text = text.replace(phrase, words)
    return _OF_COMPONENTS.sub(r"--pca \1 \2", text)

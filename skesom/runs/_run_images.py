# SPDX-License-Identifier: BSD-3-Clause
"""The images of a run: in memory, or in files that are read when they are needed."""

from copy import copy

from skesom._common.file_errors import errors_naming
from skesom._common.fits_files import keep_files_open
from skesom.maps.fit_in_place import MapImages
from skesom.runs.recipes import read_source


class RunImages:
    """Images of a run, and the files that they are from.

    Parameters
    ----------
    images : Cube, list of Cube, MapImages or None
        Those in memory.
    source : ImageSource or None
        Files of the images.
    folder : pathlib.Path or None
        Of a result, whose recipe tells the source when it is needed.
    files : sequence of str or os.PathLike, or None
        Where the files of that recipe are now, if they have moved.
    trust : bool
        Whether that recipe may hold classes that are not known to be harmless.
    """

    def __init__(
        self, images=None, source=None, *, folder=None, files=None, trust=False
    ):
        self.in_memory = images
        self._source = source
        self._folder = folder
        self._files = files
        self._trust = trust

    @property
    def source(self):
        """Files of the images, None if unknown."""
        if self._source is None and self._folder is not None:
            self._source = read_source(
                self._folder, files=self._files, trust=self._trust
            )
        return self._source

    @property
    def are_known(self):
        """Whether there are images, in memory or in files."""
        return (
            self.in_memory is not None
            or self._source is not None
            or self._folder is not None
        )

    def loaded(self):
        """Return the images, or those on the pixels of the map; they are kept."""
        if self.in_memory is None:
            self.in_memory = self.read()
        return self.in_memory

    def read(self):
        """Return the images, read from their files."""
        with keep_files_open():
            source = self.source  # which opens files to plan them
            if source is None:
                raise ValueError(
                    "This run has a model alone: give it images (Run.predict)."
                )
            with errors_naming(self._folder):
                return source.read()

    def with_source(self, source):
        """Return the same images with other files."""
        images = copy(self)
        images._source = source
        return images

    def with_memory(self, in_memory):
        """Return the same images of the same files, of which others are in memory."""
        images = copy(self)
        images.in_memory = in_memory
        return images


def names_of_bands(images):
    """Return the names of the bands that a pipeline takes, None for an array."""
    if isinstance(images, MapImages):
        return images.band_names
    cubes = images if isinstance(images, list | tuple) else [images]
    names = []
    for cube in cubes:
        names += getattr(cube, "band_names", [])
    return names or None

# SPDX-License-Identifier: BSD-3-Clause
"""Entries that the docstrings of the displays share, each after its name.

Those with a heading are the first of their section.

%(ax)s =
ax : matplotlib.axes.Axes, default=None
    Where to draw; a new figure by default. Images with coordinates on the sky need
    axes that were made with ``projection=wcs``.

%(raises)s =

Raises
------
ValueError
    If the data or the options do not fit to each other.

%(label_map)s =

Parameters
----------
label_map : array-like of int of shape (n_rows, n_columns)
    Clusters from 0; negative labels are no clusters.

%(style)s =
colors : array-like of shape (n_clusters, 4), default=None
    A color for each cluster, such as those of `cluster_colors`; by default colors
    that color-blind readers too can tell apart.
names : dict of int to str or sequence of str, default=None
    Names of the clusters; their numbers by default.

%(layout)s =
layout : LatticeLayout or GraphLayout
    Positions of the units, and how they are drawn.

%(attributes)s =

Attributes
----------
ax_ : matplotlib.axes.Axes
    Axes of the picture.
figure_ : matplotlib.figure.Figure
    Figure of the axes.

%(scale)s =
color_bar_ : matplotlib.colorbar.Colorbar
    Scale of the colors.

%(color_bar)s =
image_ : matplotlib.image.AxesImage
    The values.
%(scale)s

%(units)s =
units_ : matplotlib.collections.Collection
    Cells of a lattice or dots of a graph, in the colors of their values.
%(scale)s

%(legend)s =
legend_ : matplotlib.legend.Legend or None
    Clusters and their percentages of the pixels in clusters, those of both
    clusterings if there are two.
color_bar_ : matplotlib.colorbar.Colorbar or None
    Replaces the legend if there are too many clusters for one.

%(estimator)s =

Parameters
----------
estimator : estimator
    Fitted CubeClusterer or CubeClassifier, or a Pipeline that ends in one.
X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
    Input of the estimator. An image has the WCS of this.

%(map)s =

Parameters
----------
estimator : estimator
    Fitted ESOM or CSOM (or their classifiers), or a Pipeline or CubeClusterer that
    contains one.

%(catalog)s =
catalog : str, os.PathLike, Table or sequence of regions
    The objects. Options may also be those of `skesom.maps.crossmatch`.

%(embedding)s =
embedding : {"pca", "isomap"}, transformer or array-like of shape (n_units, 2), \
default="pca"
    Positions of the units of an evolving map: their first two principal components;
    distances along the links ("isomap"); the output of a scikit-learn transformer
    with ``fit_transform``, such as TSNE; or an array. Not used for a lattice.

%(parameters)s =

Parameters
----------
%(ax)s

%(image)s =
scale_bar, compass : bool, default=True
    Whether a bar of a round angle, and arrows to north and east, are drawn, if the
    pixel scale and the WCS are known and the image is not a narrow strip.
max_pixels : int, default=4000000
    Maximum number of pixels in the picture. Of larger label maps every second,
    third, ... row and column is drawn; larger images of numbers are averaged.

%(drawn)s =
%(ax)s
**options : dict
    Other parameters of the class, and those of `plot`.

Returns
-------
display : object
    Display of this class, drawn.

%(raises)s
ImportError
    If matplotlib is missing (extra ``plot``).

%(plotted)s =

Returns
-------
self : object
    The display, with the attributes that end in an underscore.

%(raises)s
"""

from skesom._common.docstrings import entries_of, fill_docstring

fill_docstrings = fill_docstring(**entries_of(__doc__))

# SPDX-License-Identifier: BSD-3-Clause
"""Clusters that a fitted pipeline gives to images, and whether they are of its fit."""

import numpy as np

# Share of the pixels in the clusters of the fit. All are but where a clusterer rounds
# what it learned from otherwise than what it is given later.
_SAME_IMAGES = 0.99


def predict_labels(pipeline, images):
    """Return the label map of images; raise the reason if the pipeline has none.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted.
    images : Cube or list of Cube

    Returns
    -------
    label_map : ndarray of int
    """
    try:
        predict = pipeline.predict
    except AttributeError as error:
        # What the last step says is below what the Pipeline says.
        reason = error
        while reason.__cause__ is not None:
            reason = reason.__cause__
        raise ValueError(str(reason)) from error
    return predict(images)


def check_images_are_of_fit(pipeline, images):
    """Refuse images that get other clusters than those of the fit of a pipeline."""
    fitted = pipeline[-1].labels_
    predicted = predict_labels(pipeline, images)
    is_same = predicted.shape == fitted.shape
    if not is_same or np.mean(predicted == fitted) < _SAME_IMAGES:
        raise ValueError(
            "the images are not those of the run: their pixels are in other "
            "clusters. To cluster them as this run did, use Run.predict."
        )

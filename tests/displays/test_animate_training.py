# SPDX-License-Identifier: BSD-3-Clause
"""The training of maps, frame by frame."""

import numpy as np
import pytest
from matplotlib import pyplot
from PIL import Image
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris, make_moons
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.displays import animate_training
from skesom.som import CSOM, ESOM, training_frames

X, _ = make_moons(200, noise=0.05, random_state=0)
HOLED = load_iris().data
HOLED[::7, 1] = np.nan
HOLED[0] = np.nan

MAPS = [
    ESOM(None, random_state=0),
    ESOM(None, random_state=0, n_epochs=3, max_nodes=20),
    ESOM(None, shuffle=False, update_set="ball"),
    CSOM(None, shape=(4, 5), random_state=0),
    CSOM(None, shape=(4, 5), random_state=0, init="random", toroidal=True),
    CSOM(None, shape=(4, 5), random_state=0, algorithm="online", n_epochs=6),
    CSOM(None, shape="auto", random_state=0, metric="cosine", sigma=2.0),
]
ONLINE = {"algorithm": "online", "feature_weights": [1, 2, 0.5, 3], "n_epochs": 4}
OF_HOLED = [ESOM(None, random_state=1), CSOM(None, shape=5, random_state=1)]
OF_HOLED += [CSOM(None, shape=(3, 4), random_state=1, **ONLINE)]
CASES = [(som, X) for som in MAPS] + [(som, HOLED) for som in OF_HOLED]


@pytest.mark.filterwarnings("ignore:The network reached max_nodes")
@pytest.mark.parametrize(("som", "table"), CASES)
def test_the_last_frame_is_the_fitted_map(som, table):
    frames = training_frames(som, table, 7)
    done, codebook, links = frames[-1]
    som.fit(table)
    np.testing.assert_array_equal(codebook, som.codebook_)
    np.testing.assert_array_equal(links.toarray(), som.connections_.toarray())
    is_esom = isinstance(som, ESOM)
    assert done == (som.n_epochs * len(table) if is_esom else som.n_epochs)
    counts = [frame[0] for frame in frames]
    assert counts == sorted(set(counts))
    assert is_esom or counts[0] == 0


@pytest.mark.parametrize("algorithm", ["batch", "online"])
def test_a_frame_of_a_lattice_is_a_map_whose_training_was_cut(algorithm):
    som = CSOM(None, shape=(4, 4), n_epochs=6, random_state=3, algorithm=algorithm)
    widths = np.array([3, 2, 1.5, 1, 0.8, 0.7])
    som.set_params(sigma=widths, learning_rate=0.2, final_learning_rate=0.2)
    frames = training_frames(som, X, 7)
    assert [frame[0] for frame in frames] == list(range(7))
    for n_epochs in (1, 4):
        som.set_params(n_epochs=n_epochs, sigma=widths[:n_epochs]).fit(X)
        np.testing.assert_array_equal(frames[n_epochs][1], som.codebook_)


def test_a_frame_of_a_network_has_learned_the_first_samples():
    som = ESOM(None, epsilon=0.3, shuffle=False)
    for done, codebook, _ in training_frames(som, X, 5):
        np.testing.assert_array_equal(codebook, som.fit(X[:done]).codebook_)


def test_the_map_itself_is_not_trained():
    som = CSOM(None, shape=(4, 4), n_epochs=3, checkpoint="/does/not/exist")
    animate_training(som, X, n_frames=2).to_jshtml()
    assert not hasattr(som, "codebook_")
    assert som.checkpoint == "/does/not/exist"


def test_the_file_has_all_frames_and_is_the_same_again(tmp_path):
    files = [tmp_path / name for name in ("first.gif", "second.gif")]
    for file in files:
        som = ESOM(None, random_state=0)
        animation = animate_training(som, X, n_frames=5, fps=2)
        animation.save(file, writer="pillow")
    assert files[0].read_bytes() == files[1].read_bytes()
    with Image.open(files[0]) as picture:
        durations = []
        for number in range(picture.n_frames):
            picture.seek(number)
            durations.append(picture.info["duration"])
    # Five frames of half a second; pillow joins the last one with its repetitions.
    assert len(durations) == 5
    assert sum(durations) == 1000 * (5 + 2) / 2


def test_notebooks_show_a_player_and_no_second_picture():
    before = pyplot.get_fignums()
    animation = animate_training(CSOM(None, shape=3, n_epochs=2), X, n_frames=3, fps=1)
    assert "<img" in animation._repr_html_()
    assert pyplot.get_fignums() == before


def test_units_are_drawn_at_their_weights(ax):
    som = CSOM(None, shape=(3, 3), n_epochs=4, random_state=0)
    animation = animate_training(som, X, n_frames=5, fps=1, ax=ax)
    animation.to_jshtml()
    assert ax.get_title() == "epochs: 4"
    som.fit(X)
    _, units = (each for each in ax.collections if hasattr(each, "get_sizes"))
    np.testing.assert_array_equal(units.get_offsets(), som.codebook_)
    (lines,) = (each for each in ax.collections if not hasattr(each, "get_sizes"))
    assert len(lines.get_segments()) == som.connections_.nnz / 2


def test_steps_before_the_map_come_first(ax):
    table = load_iris().data
    pipeline = make_pipeline(StandardScaler(), ESOM(3, random_state=0)).fit(table)
    animation = animate_training(pipeline, table, n_frames=2, fps=1, ax=ax)
    animation.to_jshtml()
    samples, units = (each for each in ax.collections if hasattr(each, "get_sizes"))
    assert len(units.get_offsets()) == len(pipeline[-1].codebook_)
    # Principal components of scaled features: variances add up to less than four.
    assert 2 < np.var(samples.get_offsets(), axis=0).sum() < 4


def test_a_cube_is_its_valid_pixels(job, galaxy, ax):
    animate_training(job, galaxy, n_frames=2, fps=1, ax=ax).to_jshtml()
    assert ax.get_title() == f"samples: {np.sum(job['cluster'].labels_ >= 0)}"


@pytest.mark.parametrize(
    ("estimator", "table", "n_frames", "got"),
    [
        (KMeans(2), X, 9, "KMeans, n_frames=9 and 2"),
        (ESOM(), X, 1, "ESOM, n_frames=1 and 2"),
        (CSOM(), X[:, :1], 9, "CSOM, n_frames=9 and 1 "),
    ],
)
def test_what_cannot_be_shown_is_refused(estimator, table, n_frames, got):
    with pytest.raises(ValueError, match=f"two frames and two features, got {got}"):
        animate_training(estimator, table, n_frames=n_frames)

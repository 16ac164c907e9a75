# SPDX-License-Identifier: BSD-3-Clause
"""How firmly clusters are held apart, and agreement that is missing."""

import json
import re
import warnings

import numpy as np
import pytest
from astropy.table import Table
from sklearn.cluster import KMeans

from skesom.consensus import ConsensusClusterer
from skesom.maps import ClusterNames, find_pieces, make_cluster_pipeline
from skesom.report import PictureStyle, explore
from skesom.report.decisions import decision_lines
from skesom.runs import Run, load_model
from skesom.som import CSOM, ESOM

PLAIN = {"pictures": False, "tables": False}


@pytest.fixture(scope="module")
def table_in():
    """A function that writes a report, and returns its table of clusters."""

    def write(folder, job, cube, **options):
        Run(job, cube, **options).write(folder, **PLAIN)
        return Table.read(folder / "clusters.ecsv")

    return write


@pytest.fixture(scope="module")
def tree_job(galaxy):
    """A pipeline with a tree of the maps of several runs."""
    consensus = ConsensusClusterer(ESOM(5), n_estimators=3, random_state=0)
    return make_cluster_pipeline(consensus, sky="mask").fit(galaxy)


def test_it_is_the_share_of_the_runs_that_part_the_pixels(galaxy, table_in, tmp_path):
    """Of two clusters: of all pairs of a pixel in each, by counting."""
    members = KMeans(4, n_init=1)
    consensus = ConsensusClusterer(
        members, n_clusters=4, n_estimators=5, random_state=0
    )
    job = make_cluster_pipeline(consensus, sky="mask").fit(galaxy)
    cube = job[:-1].transform(galaxy)
    step = job["cluster"].cut_at(2, cube)
    job.steps[-1] = "cluster", step
    rows, valid = step.table(cube)
    first = step.labels_[valid] == 0
    apart = []
    for member in step.estimator_.estimators_:
        labels = member.predict(rows)
        here = np.bincount(labels[first], minlength=4) / first.sum()
        there = np.bincount(labels[~first], minlength=4) / (~first).sum()
        apart.append(1 - here @ there)
    found = table_in(tmp_path / "result", job, galaxy)["persistence"]
    # Votes that are equal are told apart by a millionth.
    assert found.tolist() == pytest.approx([np.mean(apart)] * 2, abs=1e-3)
    assert 0.5 < np.mean(apart) < 1


@pytest.mark.parametrize("kind", ["map", "consensus"])
def test_merged_clusters_are_those_of_a_coarser_cut(
    kind, job, tree_job, galaxy, table_in, tmp_path
):
    job = {"map": job, "consensus": tree_job}[kind]
    step = job["cluster"]
    cut = step.cut_at(3, job[:-1].transform(galaxy))
    groups = []
    for number in range(3):
        labels = np.unique(step.labels_[cut.labels_ == number])
        groups.append((None, labels.tolist(), None))
    merged = table_in(tmp_path / "merged", job, galaxy, groups=groups)
    pipeline = make_cluster_pipeline(ESOM(), sky="mask")
    pipeline.steps = [*job.steps[:-1], ("cluster", cut)]
    coarse = table_in(tmp_path / "coarse", pipeline, galaxy)
    assert merged["pixels"].tolist() == coarse["pixels"].tolist()
    assert merged["persistence"].tolist() == coarse["persistence"].tolist()
    assert ((coarse["persistence"] > 0) & (coarse["persistence"] <= 1)).all()


def test_parts_that_lie_apart_have_the_least_of_theirs(
    tree_job, galaxy, table_in, tmp_path
):
    plain = table_in(tmp_path / "plain", tree_job, galaxy)["persistence"]
    last = tree_job["cluster"].estimator_
    siblings = last.labels_at(4)  # of five clusters, it joins two
    pairs = [(a, b) for a in range(5) for b in range(a)]
    joined = [
        pair
        for pair in pairs
        if len(np.unique(siblings[np.isin(last.labels_, pair)])) == 1
    ]
    assert len(joined) == 1
    one, other = next(pair for pair in pairs if not {*pair} & {*joined[0]})
    groups = [("both", [one, other], None)]
    table = table_in(tmp_path / "merged", tree_job, galaxy, groups=groups)
    found = table["persistence"][table["name"] == "both"]
    least = min(plain[one], plain[other])
    # Unless the next step of the tree joins them, which is no lower.
    assert found[0] >= least
    are_joined = len(np.unique(last.labels_at(3)[np.isin(last.labels_, (one, other))]))
    assert are_joined == 1 or found[0] == least


def test_parts_of_clusters_and_other_images_have_it_too(
    tree_job, galaxy, table_in, tmp_path
):
    plain = table_in(tmp_path / "plain", tree_job, galaxy)
    label_map = tree_job.predict(galaxy)
    other = table_in(tmp_path / "other", tree_job, galaxy, label_map=label_map)
    assert other["persistence"].tolist() == plain["persistence"].tolist()
    names = ClusterNames.from_clusterer(tree_job, galaxy)
    names.split(0)
    parts = table_in(tmp_path / "parts", tree_job, galaxy, groups=names.groups)
    assert len(parts) == len(plain) + 1
    halves = [label.startswith("part of 0") for label in parts["labels"]]
    first, second = parts["persistence"][halves]
    assert first == second <= plain["persistence"][0]
    kept = parts["persistence"][~np.array(halves)]
    assert sorted(kept) == sorted(plain["persistence"][1:])


def test_the_summary_explains_it(tree_job, galaxy, tmp_path):
    files = Run(tree_job, galaxy).write(tmp_path / "tree", **PLAIN)
    (line,) = re.findall("- Persistence, .*", files["summary.md"].read_text())
    persistence = files.clusters["persistence"]
    number = persistence.argmin()
    assert f"cluster {number} has the least, {100 * min(persistence):.0f} %." in line
    job = make_cluster_pipeline(KMeans(3, n_init=1, random_state=0)).fit(galaxy)
    files = Run(job, galaxy).write(tmp_path / "means", **PLAIN)
    assert "ersistence" not in files["summary.md"].read_text()
    assert "persistence" not in files.clusters.colnames


@pytest.fixture(scope="module")
def equal_job(galaxy):
    consensus = ConsensusClusterer(CSOM(4, shape=(5, 5)), n_estimators=3)
    consensus.set_params(max_samples=1.0, random_state=0)
    with pytest.warns(UserWarning, match="All 3 members are equal"):
        return make_cluster_pipeline(consensus, sky="mask").fit(galaxy)


@pytest.fixture(scope="module")
def equal_report(equal_job, galaxy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("equal") / "result"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Run(equal_job, galaxy).write(folder, pictures=PictureStyle(dpi=30))


class TestEqualMembers:
    """Members that see the same agree on all, which says nothing."""

    def test_no_file_tells_it(self, equal_report):
        assert not [name for name in equal_report if name.startswith("agreement")]
        for name in ("clusters.ecsv", "pieces.ecsv"):
            assert "agreement" not in Table.read(equal_report[name]).colnames
        text = equal_report["summary.md"].read_text()
        assert "agree" not in text
        assert "least certain" not in text
        assert {each.sure for each in equal_report.descriptions} == {""}
        told = json.loads(equal_report["provenance.json"].read_text())
        assert told["decisions"]["runs"] is None
        assert not [
            line for line in decision_lines(equal_report.decisions) if "gree" in line
        ]
        assert "dendrogram.png" in equal_report

    def test_nor_for_other_images(self, equal_report, galaxy, table_in, tmp_path):
        job, _ = load_model(equal_report["model.skops"])
        label_map = job.predict(galaxy)
        table = table_in(tmp_path / "other", job, galaxy, label_map=label_map)
        assert "agreement" not in table.colnames
        assert "agreement.fits" not in {path.name for path in tmp_path.glob("*/*")}

    def test_the_page_has_none(self, equal_job, galaxy, tmp_path):
        text = explore(tmp_path / "page.html", equal_job, galaxy).read_text()
        facts = json.loads(re.search(r'id="facts">(.*?)</script>', text)[1])
        for kind in ("clusters", "originals", "parts"):
            assert {each["agreement"] for each in facts[kind]} == {None}

    def test_pieces_are_as_without_it(self, equal_job, galaxy):
        step = equal_job["cluster"]
        labels, agreement = step.labels_, step.agreement_
        assert np.isnan(agreement).all()
        table = find_pieces(labels, galaxy, agreement=agreement)
        assert table.colnames == find_pieces(labels, galaxy).colnames

# SPDX-License-Identifier: BSD-3-Clause
"""A folder of results repeats nothing, unless all tables are wanted."""

import pytest

from skesom.report.tables import TABLES
from skesom.runs import Run, load_model

MORE = {*TABLES, "cluster_images.zip", "validity.ecsv"}


@pytest.mark.parametrize(
    ("tables", "expected"),
    [(False, set()), ("auto", {TABLES[0]}), (True, MORE)],
)
def test_tables(galaxy, job, small_sample, tmp_path, tables, expected):
    files = Run(job, galaxy).write(tmp_path / "out", tables=tables, pictures=False)
    assert {*files} & MORE == expected
    assert {*files}.isdisjoint(files.left_out)


def test_one_model(plain_report, galaxy, job):
    assert "model.joblib" not in plain_report
    pipeline, _ = load_model(plain_report["model.skops"])
    assert (pipeline.predict(galaxy) == job.predict(galaxy)).all()


@pytest.mark.filterwarnings("ignore:model.skops is left out:UserWarning")
def test_a_pickle_where_no_file_to_share_is_possible(
    galaxy, job, small_sample, monkeypatch, tmp_path
):
    def refuse(path, content):
        raise TypeError("no text can hold it")

    monkeypatch.setattr("skesom.runs._models.write_skops", refuse)
    spare = {"pictures": False, "tables": False}
    files = Run(job, galaxy).write(tmp_path / "out", **spare)
    assert "no text can hold it" in files.left_out["model.skops"]
    assert "model.skops" not in files
    pipeline, _ = load_model(files["model.joblib"], trust=True)
    assert (pipeline.predict(galaxy) == job.predict(galaxy)).all()

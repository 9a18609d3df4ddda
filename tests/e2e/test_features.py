"""Behaviour features: built once, then added to."""

from __future__ import annotations

import pyarrow.parquet as pq

from tests.e2e.built import Built


def test_a_later_run_adds_what_is_new_and_a_second_one_nothing(built: Built) -> None:
    begin = built.project.spec.split.validation
    assert built.early
    for early, late, again in zip(built.early, built.late, built.again, strict=True):
        assert early.rows > 0
        assert late.rows > 0
        assert late.rebuilt is None
        assert early.last is not None
        assert late.first is not None
        assert early.last <= begin < late.first
        assert (again.rows, again.first, again.rebuilt) == (0, None, None)
        assert len(pq.read_table(late.path)) == early.rows + late.rows


def test_the_command_says_what_it_added(built: Built) -> None:
    assert "0 new rows" in built.run("features").output
    assert {view: facts["rows"] for view, facts in built.json("features").items()} == {
        report.view: 0 for report in built.late
    }

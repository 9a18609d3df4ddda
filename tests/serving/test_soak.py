"""The soak of `make bench NAME=soak`, short; and that it sees what it looks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.soak import soak
from benchmarks.soaking.figures import Figures, Memory
from benchmarks.soaking.judge import Judge
from serving import Answer, Recommendation, Versions
from tests.e2e.built import Built

_WARM_MIB = 900.0


@pytest.mark.slow
def test_while_all_is_rewritten_and_swapped_no_answer_fails_or_mixes(built: Built, tmp_path: Path) -> None:
    if built.name == "cinema":
        return  # once: of the bazaar's sessions nothing is read, so mixed snapshots show in the scores too
    before = _files(built.path)
    figures = soak(built.path, requests=400, threads=4, root=tmp_path / "soak")
    assert figures.wrong == []
    assert figures.requests == 400
    assert set(figures.recorded) == {"uncounted"}  # it keeps no history: they are appended, and no more
    assert not figures.troubles
    assert _files(built.path) == before


def _files(shop: Path) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns for file in shop.rglob("*") if file.is_file()}


def _rising(mib_a_thousand: float) -> Memory:
    """Memory as it comes: it warms up, goes up and down by a bundle at a time, and rises besides."""
    rng, memory = np.random.default_rng(0), Memory()
    for done in range(500, 20_001, 500):
        warming = 300 * min(done / 4_000, 1)
        swinging = 20 * rng.integers(0, 2)
        mib = _WARM_MIB - 300 + warming + swinging + mib_a_thousand * done / 1_000
        memory.samples.append((done, float(mib)))
    return memory


def test_memory_that_warms_up_and_swings_does_not_rise_and_a_leak_of_8_kib_a_request_does() -> None:
    steady, leaking = _rising(0), _rising(8)
    assert steady.rises_mib <= steady.may_rise_mib
    assert leaking.rises_mib > leaking.may_rise_mib
    assert leaking.rises_mib - steady.rises_mib == pytest.approx(8 * 15, rel=0.01)
    (said,) = (what for what in Figures(memory=leaking).wrong if "memory" in what)
    assert said.startswith("memory rose by")


def test_failed_and_mixed_answers_and_what_never_happened_are_wrong() -> None:
    figures = Figures(failed=1, mixed=2)
    figures.done.update(swaps=1, refreshes=1, pushes=1)
    assert figures.wrong == ["1 answers failed", "2 answers mixed versions", "no materialisations"]
    assert Figures(records=True).wrong[-1] == "no events"
    figures.recorded.update(fresh=8, store_timeout=2)
    assert figures.wrong[-1] == "2 events were not taken"


def _answer(bundle: str, snapshot: str, item: int, score: float, price: float) -> Answer:
    shown = Recommendation(item, score, {}, {"price": price}, ("towers",))
    return Answer(1, (shown,), (), Versions(bundle, snapshot, ("items",)))


def test_an_answer_of_two_versions_is_seen() -> None:
    judge = Judge({"a": frozenset({1, 2}), "b": frozenset({3})}, queries_are_still=True)
    right = _answer("a", "s", 1, 0.5, 2.0)
    assert not judge.is_mixed(right)
    assert not judge.is_mixed(_answer("b", "s", 3, 0.7, 9.0))
    assert judge.is_mixed(_answer("a", "s", 3, 0.7, 9.0))  # an item of the other bundle
    assert judge.is_mixed(_answer("a", "s", 1, 0.5, 3.0))  # a value of another snapshot
    assert judge.is_mixed(_answer("a", "s", 1, 0.9, 2.0))  # a score of another
    assert not judge.is_mixed(replace(right, request_id="another"))
